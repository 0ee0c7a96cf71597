//! Each option of broker and market desk that no other test of an area covers: both readings, side by side.

use super::*;
use crate::broker::BrokerOptions;
use crate::options::SimOptions;

fn bench(options: &[&str]) -> Bench {
    let mut all = SimOptions::default();
    for option in options {
        all.set(option).expect("an option");
    }
    let mut bench = Bench::with(BrokerSettings {
        options: BrokerOptions { ..all.broker },
        capital: Money::from_rupees(10_000_000),
        ..settings()
    });
    bench.broker.set_market_options(all.market);
    bench
}

#[test]
fn the_refusal_of_too_many_calls_may_look_otherwise() {
    for (options, status, retry_after, has_body) in [
        (&[][..], 429, None, true),
        (&["too_many_status=200", "retry_after_s=3"], 200, Some("3"), true),
        (&["too_many_has_body=false"], 429, None, false),
    ] {
        let reply = bench(options).broker.too_many_reply(None);
        let told = reply.headers.iter().find(|(name, _)| *name == "Retry-After");
        assert_eq!(
            (
                reply.status,
                told.map(|(_, value)| value.as_str()),
                !reply.body.is_empty()
            ),
            (status, retry_after, has_body),
            "{options:?}"
        );
    }
}

#[test]
fn gtt_calls_may_work_on_the_order_host_too() {
    for (options, status) in [(&[][..], 404), (&["gtt_on_order_host=true"], 200)] {
        let told = bench(options).call(Host::Order, "GET", "/v3/order/gtt", &Value::Null);
        assert_eq!(told.0, status, "{}", told.1);
    }
}

#[test]
fn an_after_market_order_in_market_hours_is_refused_or_taken_as_a_plain_one() {
    let amo = [("is_amo", json!(true))];
    assert_eq!(bench(&[]).place(&amo), Err("UDAPI100039".to_owned()));
    let mut lenient = bench(&["checks_is_amo=false"]);
    let id = lenient.place(&amo).expect("it is taken");
    let row = lenient.get(&format!("/v2/order/details?order_id={id}"));
    assert_eq!((&row["is_amo"], &row["status"]), (&json!(false), &json!("open")));
}

#[test]
fn the_quantity_of_a_modification_may_or_may_not_include_what_is_filled() {
    for (options, total) in [(&[][..], 600), (&["modify_includes_filled=false"], 1_100)] {
        let mut bench = bench(options);
        let id = bench
            .place(&[("quantity", json!(700)), ("price", json!(100.0))])
            .expect("it is taken");
        let change = json!({
            "order_id": id, "quantity": 600, "validity": "DAY", "price": 100.0, "order_type": "LIMIT",
            "trigger_price": 0.0,
        });
        let (status, body) = bench.call(Host::Order, "PUT", "/v3/order/modify", &change);
        assert_eq!(status, 200, "{body}");
        let row = bench.get(&format!("/v2/order/details?order_id={id}"));
        assert_eq!(
            (&row["filled_quantity"], &row["quantity"]),
            (&json!(500), &json!(total))
        );
    }
}

#[test]
fn the_slices_of_a_line_share_its_name_or_are_numbered() {
    for (options, names) in [
        (&[][..], ["leg", "leg"]),
        (&["numbers_slices=true"], ["leg_1", "leg_2"]),
    ] {
        let mut line = order(&[
            ("instrument_token", json!(CALL)),
            ("quantity", json!(700)),
            ("slice", json!(true)),
            ("price", json!(400.0)),
        ]);
        line["correlation_id"] = json!("leg");
        let (status, body) = bench(options).call(Host::Api, "POST", "/v2/order/multi/place", &json!([line]));
        assert_eq!(status, 200, "{body}");
        let rows = body["data"].as_array().expect("rows").iter();
        let told: Vec<&str> = rows
            .map(|row| row["correlation_id"].as_str().expect("a name"))
            .collect();
        assert_eq!(told, names);
    }
}

#[test]
fn a_login_may_tell_when_its_token_ends() {
    for (options, told) in [(&[][..], false), (&["login_tells_expiry=true"], true)] {
        let mut bench = bench(options);
        let client = bench.broker.client_id().to_owned();
        let headers = [("x-api-key", client.as_str())];
        let call = ApiCall {
            host: Host::Api,
            method: "POST",
            target: "/v2/totp-login/authorization/token",
            bearer: None,
            headers: &headers,
            peer: LOCAL_PEER,
            body: b"{\"totp\":\"123456\",\"pin\":\"123456\"}",
        };
        let reply = bench.broker.handle(Moments::at(bench.now), &call);
        let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        assert_eq!(reply.status, 200, "{body}");
        // From 10:00 to the next 03:30.
        let seconds = told.then_some(17 * 3_600 + 1_800);
        assert_eq!(body["expires_in"].as_i64(), seconds);
        assert_eq!(body["token_type"].as_str(), told.then_some("Bearer"));
    }
}

#[test]
fn the_token_that_only_reads_lives_as_long_as_told() {
    for (days, admitted) in [("extended_token_days=10", true), ("extended_token_days=2", false)] {
        let bench = bench(&[days]);
        let later = IstDay::new(day().get() + 5).at(DurationNs::from_hm(10, 0));
        let token = bench.broker.reader_token();
        assert_eq!(bench.broker.admits(later, Some(token)), admitted, "{days}");
    }
}

#[test]
fn the_market_desk_has_two_readings_of_doubtful_questions() {
    let target = "/v3/market-quote/ltp?instrument_key=NSE_EQ%7CINE9SIM00001,NSE_EQ%7CNOBODY";
    for (options, status, rows) in [(&[][..], 400, 0), (&["unknown_quote_key=left_out"], 200, 1)] {
        let (told, body) = bench(options).call(Host::Api, "GET", target, &Value::Null);
        let found = body["data"].as_object().map_or(0, serde_json::Map::len);
        assert_eq!((told, found), (status, rows), "{body}");
    }
    let target = "/v3/market-quote/ohlc?instrument_key=NSE_EQ%7CINE9SIM00001&interval=I5";
    for (options, status) in [(&[][..], 400), (&["ohlc_quote_more_intervals=true"], 200)] {
        assert_eq!(
            bench(options).call(Host::Api, "GET", target, &Value::Null).0,
            status
        );
    }
    // A Sunday on which nothing is open.
    let target = "/v2/market/timings/2026-08-02";
    for (options, status) in [(&[][..], 200), (&["holiday_timings_empty=false"], 400)] {
        assert_eq!(
            bench(options).call(Host::Api, "GET", target, &Value::Null).0,
            status
        );
    }
}
