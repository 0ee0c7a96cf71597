//! Coming by a token, losing it, and what a call needs beside it.

use super::*;

const DIALOG: &str = "/v2/login/authorization/dialog";
const TOKEN: &str = "/v2/login/authorization/token";
const HOME: &str = "http://127.0.0.1:5000/cb";

impl Bench {
    fn dialog(&mut self, client: &str, redirect: &str) -> ApiReply {
        let target =
            format!("{DIALOG}?response_type=code&client_id={client}&redirect_uri={redirect}&state=a%20b");
        self.raw(Host::Api, "GET", &target, "")
    }

    fn fresh_code(&mut self) -> String {
        let client = self.broker.client_id().to_owned();
        let reply = self.dialog(&client, HOME);
        assert_eq!(reply.status, 302);
        let (name, location) = reply.headers[0].clone();
        assert_eq!(name, "Location");
        let rest = location
            .strip_prefix(&format!("{HOME}?code="))
            .expect("home again");
        rest.strip_suffix("&state=a%20b")
            .expect("the state comes back")
            .to_owned()
    }

    fn exchange(&mut self, code: &str, changes: &[(&str, &str)]) -> (u16, Value) {
        let mut fields = vec![
            ("code", code.to_owned()),
            ("client_id", self.broker.client_id().to_owned()),
            ("client_secret", self.broker.client_secret().to_owned()),
            ("redirect_uri", HOME.to_owned()),
            ("grant_type", "authorization_code".to_owned()),
        ];
        for (name, value) in changes {
            for field in &mut fields {
                if field.0 == *name {
                    field.1 = (*value).to_owned();
                }
            }
        }
        let form: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let reply = self.raw(Host::Api, "POST", TOKEN, &form.join("&"));
        (reply.status, serde_json::from_slice(&reply.body).expect("JSON"))
    }
}

#[test]
fn a_login_gives_a_flat_answer_whose_token_trades_and_whose_extended_token_only_reads() {
    let mut bench = Bench::new();
    let code = bench.fresh_code();
    let (status, body) = bench.exchange(&code, &[]);
    assert_eq!(status, 200);
    let mut keys: Vec<&str> = body
        .as_object()
        .expect("flat")
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "access_token",
            "broker",
            "email",
            "exchanges",
            "extended_token",
            "is_active",
            "order_types",
            "poa",
            "products",
            "user_id",
            "user_name",
            "user_type",
        ]
    );
    bench.token = body["access_token"].as_str().expect("a token").to_owned();
    assert!(bench.place(&[]).is_ok());
    bench.token = body["extended_token"].as_str().expect("a token").to_owned();
    bench.get("/v2/user/profile");
    assert_eq!(bench.place(&[]), Err("UDAPI100067".to_owned()));
    let (status, body) = bench.call(Host::Api, "DELETE", "/v2/logout", &Value::Null);
    assert_eq!((status, code_of(&body)), (403, "UDAPI100067".to_owned()));
}

fn code_of(body: &Value) -> String {
    code(body)
}

#[test]
fn a_code_works_once_even_when_its_exchange_fails() {
    let mut bench = Bench::new();
    type Case<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);
    let cases: [Case<'_>; 8] = [
        (&[("client_secret", "guess")], 401, "UDAPI100069"),
        (&[("client_id", "guess")], 401, "UDAPI100069"),
        (
            &[("redirect_uri", "http://127.0.0.1:5001/cb")],
            401,
            "UDAPI100068",
        ),
        (
            &[("redirect_uri", "https://elsewhere.example")],
            401,
            "UDAPI100068",
        ),
        (&[("grant_type", "password")], 401, "UDAPI100069"),
        (&[("client_id", "")], 400, "UDAPI1017"),
        (&[("redirect_uri", "")], 400, "UDAPI1018"),
        (&[("client_secret", "")], 400, "UDAPI1024"),
    ];
    for (changes, status, expected) in cases {
        let fresh = bench.fresh_code();
        let (found, body) = bench.exchange(&fresh, changes);
        assert_eq!((found, code(&body).as_str()), (status, expected), "{changes:?}");
        let (found, body) = bench.exchange(&fresh, &[]);
        assert_eq!(
            (found, code(&body).as_str()),
            (401, "UDAPI100057"),
            "burnt by {changes:?}"
        );
    }
    assert_eq!(code(&bench.exchange("", &[]).1), "UDAPI1022");
    for (client, redirect, expected) in [
        ("guess", HOME, "UDAPI100068"),
        ("", HOME, "UDAPI1017"),
        ("guess", "", "UDAPI1018"),
    ] {
        let reply = bench.dialog(client, redirect);
        let body = serde_json::from_slice(&reply.body).expect("JSON");
        assert_eq!(code(&body), expected);
    }
}

#[test]
fn a_registered_redirect_uri_must_match_exactly() {
    let options = BrokerOptions {
        redirect_uri: Some("https://desk.example/cb".to_owned()),
        ..BrokerOptions::default()
    };
    let mut bench = Bench::with(BrokerSettings {
        options,
        ..settings()
    });
    let client = bench.broker.client_id().to_owned();
    assert_eq!(bench.dialog(&client, HOME).status, 401);
    assert_eq!(bench.dialog(&client, "https://desk.example/cb/").status, 401);
    assert_eq!(
        bench.dialog(&client, "https%3A%2F%2Fdesk.example%2Fcb").status,
        302
    );
}

#[test]
fn a_token_request_is_approved_and_posted_to_the_notifier() {
    let options = BrokerOptions {
        notifier_url: Some("http://127.0.0.1:9/hook".to_owned()),
        ..BrokerOptions::default()
    };
    let mut bench = Bench::with(BrokerSettings {
        options,
        ..settings()
    });
    let target = format!("/v3/login/auth/token/request/{}", bench.broker.client_id());
    let (_, body) = bench.call(Host::Api, "POST", &target, &json!({ "client_secret": "guess" }));
    assert_eq!(code(&body), "UDAPI100069");
    assert_eq!(bench.broker.poll_webhook(), None);
    let secret = bench.broker.client_secret().to_owned();
    let (status, body) = bench.call(Host::Api, "POST", &target, &json!({ "client_secret": secret }));
    let dies = IstDay::new(day().get() + 1).at(DurationNs::from_hm(3, 30));
    let dies_ms = (dies.get() / 1_000_000).to_string();
    assert_eq!(
        (status, &body["data"]),
        (
            200,
            &json!({ "authorization_expiry": dies_ms, "notifier_url": "http://127.0.0.1:9/hook" })
        )
    );
    let hook = bench.broker.poll_webhook().expect("approved");
    assert_eq!(hook.url, "http://127.0.0.1:9/hook");
    let told: Value = serde_json::from_str(&hook.body).expect("JSON");
    assert_eq!(
        (&told["message_type"], &told["token_type"], &told["expires_at"]),
        (&json!("access_token"), &json!("Bearer"), &json!(dies_ms))
    );
    bench.token = told["access_token"].as_str().expect("a token").to_owned();
    bench.get("/v2/user/profile");
}

#[test]
fn tokens_die_by_revocation_by_totp_and_if_asked_for_by_a_new_login() {
    let mut bench = Bench::new();
    let code = bench.fresh_code();
    let second = bench.exchange(&code, &[]).1["access_token"].clone();
    bench.get("/v2/user/profile");
    bench.broker.revoke_token();
    for token in [bench.token.clone(), second.as_str().expect("a token").to_owned()] {
        bench.token = token;
        let (status, body) = bench.call(Host::Api, "GET", "/v2/user/profile", &Value::Null);
        assert_eq!((status, code_of(&body)), (401, "UDAPI100050".to_owned()));
    }

    let options = BrokerOptions {
        relogin: super::super::Relogin::RevokesTokens,
        ..BrokerOptions::default()
    };
    let mut bench = Bench::with(BrokerSettings {
        options,
        ..settings()
    });
    let code = bench.fresh_code();
    bench.exchange(&code, &[]);
    let old = bench.token.clone();
    assert!(
        !bench.broker.admits(bench.now, Some(&old)),
        "the older token is dead"
    );

    let mut bench = Bench::new();
    let old = bench.token.clone();
    let key = bench.broker.client_id().to_owned();
    let login = |bench: &mut Bench, body: &str| {
        let headers = [("X-API-Key", key.as_str())];
        let call = ApiCall {
            host: Host::Api,
            method: "POST",
            target: "/v2/totp-login/authorization/token",
            bearer: None,
            headers: &headers,
            peer: LOCAL_PEER,
            body: body.as_bytes(),
        };
        bench.broker.handle(Moments::at(bench.now), &call).status
    };
    assert_eq!(login(&mut bench, r#"{"totp":"12345","pin":"123456"}"#), 401);
    assert!(bench.broker.admits(bench.now, Some(&old)));
    assert_eq!(login(&mut bench, r#"{"totp":"123456","pin":"123456"}"#), 200);
    assert!(!bench.broker.admits(bench.now, Some(&old)));
}

#[test]
fn order_calls_need_a_registered_address_and_a_registered_algorithm_name() {
    let options = BrokerOptions {
        order_ips: vec!["203.0.113.7".parse().expect("an address")],
        algo_names: vec!["trend".to_owned()],
        ..BrokerOptions::default()
    };
    let mut bench = Bench::with(BrokerSettings {
        options,
        ..settings()
    });
    let body = order(&[]).to_string();
    let mut place = |peer: &str, algo: Option<&'static str>| {
        let headers: Vec<(&str, &str)> = algo.map(|name| ("X-Algo-Name", name)).into_iter().collect();
        let call = ApiCall {
            host: Host::Order,
            method: "POST",
            target: "/v3/order/place",
            bearer: Some(&bench.token),
            headers: &headers,
            peer: peer.parse().expect("an address"),
            body: body.as_bytes(),
        };
        let reply = bench.broker.handle(Moments::at(bench.now), &call);
        let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        (
            reply.status,
            body["errors"][0]["error_code"].as_str().map(str::to_owned),
        )
    };
    assert_eq!(place("203.0.113.8", None), (403, Some("UDAPI1154".to_owned())));
    assert_eq!(place("203.0.113.7", None), (200, None));
    assert_eq!(place("203.0.113.7", Some("trend")), (200, None));
    assert_eq!(
        place("203.0.113.7", Some("other")),
        (400, Some("UDAPI1156".to_owned()))
    );
}

#[test]
fn the_sixteen_wrong_paths_and_right_paths_on_the_wrong_host_are_unknown() {
    let mut bench = Bench::new();
    let wrong = [
        "/orders/v3/regular/create",
        "/orders/v3/bracket/create",
        "/orders/details",
        "/trades/historical",
        "/portfolio/trades/p-and-l",
        "/market-status",
        "/market-holidays",
        "/user/brokerage",
        "/user/margin",
        "/auth/logout",
        "/orders/exit/all",
        "/market-quote/candles/v3/NSE_EQ%7CX/days/1",
        "/feed/market-data-feed/authorize/v3",
        "/option/expiry",
        "/option/contract/pc",
        "/market-quote/instruments",
    ];
    for path in wrong {
        for prefix in ["", "/v2", "/v3"] {
            for method in ["GET", "POST", "PUT", "DELETE"] {
                for host in [Host::Api, Host::Order] {
                    let (status, body) = bench.call(host, method, &format!("{prefix}{path}"), &json!({}));
                    assert_eq!(
                        (status, code(&body).as_str()),
                        (404, "UDAPI10000"),
                        "{method} {prefix}{path}"
                    );
                }
            }
        }
    }
    for (host, method, target) in [
        (Host::Api, "POST", "/v3/order/place"),
        (Host::Api, "PUT", "/v2/order/modify"),
        (Host::Api, "DELETE", "/v3/order/cancel?order_id=1"),
        (Host::Order, "POST", "/v2/order/multi/place"),
        (Host::Order, "POST", "/v3/order/gtt/place"),
        (Host::Order, "GET", "/v2/order/retrieve-all"),
        (
            Host::Order,
            "GET",
            "/v3/market-quote/ltp?instrument_key=NSE_EQ%7CINE9SIM00001",
        ),
    ] {
        let (status, body) = bench.call(host, method, target, &json!({}));
        assert_eq!(
            (status, code(&body).as_str()),
            (404, "UDAPI10000"),
            "{method} {target}"
        );
    }
}

#[test]
fn every_order_write_draws_on_one_allowance_and_a_refusal_may_say_when_to_come_back() {
    let options = BrokerOptions {
        retry_after_s: Some(2),
        ..BrokerOptions::default()
    };
    let mut bench = Bench::with(BrokerSettings {
        rate_limits: RateLimits::Enforced,
        options,
        ..settings()
    });
    let writes = [
        (Host::Order, "POST", "/v3/order/place"),
        (Host::Order, "PUT", "/v3/order/modify"),
        (Host::Order, "DELETE", "/v3/order/cancel"),
        (Host::Api, "POST", "/v2/order/multi/place"),
        (Host::Api, "DELETE", "/v2/order/multi/cancel"),
        (Host::Api, "POST", "/v2/order/positions/exit"),
        (Host::Api, "POST", "/v3/order/gtt/place"),
        (Host::Api, "PUT", "/v3/order/gtt/modify"),
        (Host::Api, "DELETE", "/v3/order/gtt/cancel"),
        (Host::Order, "POST", "/v2/order/place"),
    ];
    for (host, method, target) in writes {
        assert_ne!(bench.raw(host, method, target, "{}").status, 429, "{target}");
    }
    for (host, method, target) in writes {
        let reply = bench.raw(host, method, target, "{}");
        assert_eq!(
            (reply.status, reply.headers),
            (429, vec![("Retry-After", "2".to_owned())]),
            "{target}"
        );
    }
    assert_eq!(
        bench.raw(Host::Api, "GET", "/v3/order/gtt", "").status,
        200,
        "reads have their own"
    );
}
