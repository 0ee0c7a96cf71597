//! What the builders of login, orders, account and reports send: method, host, path with query, body, token or none.

mod call_checks;

use bijli_core::order::{Side, Validity};
use bijli_core::{Price, Qty};
use bijli_gateway::upstox::call::{Call, CallClass};
use bijli_gateway::upstox::gtt_api::{self, Entry, Plan, Standing, StandingChange, StopLoss, Trigger};
use bijli_gateway::upstox::order_read_api::{self, HistoryOf, TradesQuery};
use bijli_gateway::upstox::order_ticket::{self, Change, Pricing, Protection, Session, Slicing, Ticket};
use bijli_gateway::upstox::profit_loss_api::{self, FinancialYear, PageQuery, Report};
use bijli_gateway::upstox::vocabulary::{Ledger, ProductWord, Segment};
use bijli_gateway::upstox::{account_api, auth_api, charges_api, funds_api, multi_order_api, portfolio_api};
use bijli_gateway::{Auth, Host};
use serde_json::{Value, json};

use self::call_checks::{OPTION, body, check, day, open_read, read};

fn write(call: &Call, line: &str, json: &Value) {
    check(call, line, json, Host::Api, Auth::Bearer);
}

fn ticket(pricing: Pricing) -> Ticket {
    Ticket {
        instrument_key: OPTION.to_owned(),
        side: Side::Buy,
        qty: Qty::new(75),
        pricing,
        validity: Validity::Day,
        product: ProductWord::Intraday,
        disclosed: Qty::ZERO,
        tag: Some("T\"1".to_owned()),
        session: Session::Now,
        slicing: Slicing::Sliced,
    }
}

#[test]
fn logging_in_and_out() {
    let dialog = auth_api::Dialog {
        client_id: "key-1",
        redirect_uri: "http://127.0.0.1:8080/cb?x=1",
        state: Some("s t"),
    };
    let path = "/v2/login/authorization/dialog?response_type=code&client_id=key-1\
                &redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2Fcb%3Fx%3D1&state=s%20t";
    open_read(&auth_api::dialog(&dialog), path);
    assert_eq!(
        auth_api::dialog_url("https://h/", &dialog),
        format!("https://h{path}")
    );
    let exchange = auth_api::exchange(&auth_api::Exchange {
        code: "mk404x",
        client_id: "key-1",
        client_secret: "s&cret",
        redirect_uri: "http://x/",
    });
    let form = "code=mk404x&client_id=key-1&client_secret=s%26cret&redirect_uri=http%3A%2F%2Fx%2F\
                &grant_type=authorization_code";
    let line = "POST /v2/login/authorization/token";
    check(&exchange, line, &json!(form), Host::Api, Auth::None);
    assert_eq!(exchange.class(), CallClass::Login);
    let request = auth_api::request_token(&auth_api::TokenRequest {
        client_id: "key/1",
        client_secret: "x",
    });
    let line = "POST /v3/login/auth/token/request/key%2F1";
    check(
        &request,
        line,
        &json!({"client_secret": "x"}),
        Host::Api,
        Auth::None,
    );
    write(&auth_api::logout(), "DELETE /v2/logout", &Value::Null);
}

#[test]
fn an_order_form_says_each_field_once() {
    let place = order_ticket::place(&ticket(Pricing::Limit(Price::from_paise(10_150))));
    let expected = json!({"quantity": 75, "product": "I", "validity": "DAY", "price": 101.50, "tag": "T\"1",
        "instrument_token": OPTION, "order_type": "LIMIT", "transaction_type": "BUY", "disclosed_quantity": 0,
        "trigger_price": 0.0, "is_amo": false, "slice": true});
    check(
        &place,
        "POST /v3/order/place",
        &expected,
        Host::Order,
        Auth::Bearer,
    );
    assert_eq!(place.class(), CallClass::Order);
}

#[test]
fn prices_and_protection_stand_where_the_order_type_wants_them() {
    let price = Price::from_paise(10_000);
    for (pricing, word, prices, protection) in [
        (
            Pricing::Market(Protection::Automatic),
            "MARKET",
            [0.0, 0.0],
            json!(-1),
        ),
        (
            Pricing::Market(Protection::Percent(3)),
            "MARKET",
            [0.0, 0.0],
            json!(3),
        ),
        (
            Pricing::Market(Protection::Unsaid),
            "MARKET",
            [0.0, 0.0],
            Value::Null,
        ),
        (
            Pricing::StopLimit {
                price,
                trigger: price,
            },
            "SL",
            [100.0, 100.0],
            Value::Null,
        ),
        (
            Pricing::StopMarket {
                trigger: price,
                protection: Protection::Automatic,
            },
            "SL-M",
            [0.0, 100.0],
            json!(-1),
        ),
    ] {
        let sent = body(&order_ticket::place(&ticket(pricing)));
        assert_eq!(sent["order_type"], word);
        assert_eq!(
            [&sent["price"], &sent["trigger_price"]],
            [&json!(prices[0]), &json!(prices[1])]
        );
        assert_eq!(sent["market_protection"], protection);
    }
}

#[test]
fn a_change_leaves_out_what_stays() {
    let change = order_ticket::modify(&Change {
        order_id: "26".to_owned(),
        qty: Some(Qty::new(150)),
        pricing: Pricing::Limit(Price::from_paise(10_155)),
        validity: Validity::Ioc,
        disclosed: None,
    });
    let expected = json!({"quantity": 150, "validity": "IOC", "price": 101.55, "order_id": "26",
        "order_type": "LIMIT", "trigger_price": 0.0});
    check(
        &change,
        "PUT /v3/order/modify",
        &expected,
        Host::Order,
        Auth::Bearer,
    );
}

#[test]
fn many_orders_at_once_go_to_the_api_host() {
    let line = |id: &str| multi_order_api::Line {
        correlation_id: id.to_owned(),
        ticket: ticket(Pricing::Limit(Price::from_paise(5))),
    };
    let call = multi_order_api::place(&[line("a"), line("b")]);
    assert_eq!(
        (call.host, call.path.as_str()),
        (Host::Api, "/v2/order/multi/place")
    );
    let sent = body(&call);
    assert_eq!(sent[0]["correlation_id"], "a");
    assert_eq!(sent[1]["price"], 0.05);
    assert_eq!(sent[1]["slice"], true);
    let all = multi_order_api::Filter::default();
    let some = multi_order_api::Filter {
        segment: Some(Segment::NseFo),
        tag: Some("a b".to_owned()),
    };
    write(
        &multi_order_api::cancel_all(&all),
        "DELETE /v2/order/multi/cancel",
        &Value::Null,
    );
    let line = "DELETE /v2/order/multi/cancel?tag=a%20b&segment=NSE_FO";
    write(&multi_order_api::cancel_all(&some), line, &Value::Null);
    write(
        &multi_order_api::exit_all(&all),
        "POST /v2/order/positions/exit",
        &Value::Null,
    );
    let line = "POST /v2/order/positions/exit?tag=a%20b&segment=NSE_FO";
    write(&multi_order_api::exit_all(&some), line, &Value::Null);
}

#[test]
fn reads_of_orders_and_trades() {
    read(&order_read_api::details("1"), "/v2/order/details?order_id=1");
    read(
        &order_read_api::history(HistoryOf::Order("1")),
        "/v2/order/history?order_id=1",
    );
    read(
        &order_read_api::history(HistoryOf::Tag("a b")),
        "/v2/order/history?tag=a%20b",
    );
    let both = HistoryOf::Both {
        order_id: "1",
        tag: "t",
    };
    read(
        &order_read_api::history(both),
        "/v2/order/history?order_id=1&tag=t",
    );
    read(&order_read_api::book(), "/v2/order/retrieve-all");
    read(
        &order_read_api::trades_of_day(),
        "/v2/order/trades/get-trades-for-day",
    );
    read(
        &order_read_api::trades_of_order("1"),
        "/v2/order/trades?order_id=1",
    );
    let mut query = TradesQuery {
        ledger: Some(Ledger::FuturesOptions),
        first: day(2026, 4, 1),
        last: day(2026, 9, 30),
        page_number: 1,
        page_size: 500,
    };
    let rest = "start_date=2026-04-01&end_date=2026-09-30&page_number=1&page_size=500";
    let path = format!("/v2/charges/historical-trades?segment=FO&{rest}");
    read(&order_read_api::historical_trades(&query), &path);
    query.ledger = None;
    read(
        &order_read_api::historical_trades(&query),
        &format!("/v2/charges/historical-trades?{rest}"),
    );
}

#[test]
fn standing_orders_carry_their_rules() {
    let mut plan = Plan {
        entry: Entry {
            trigger: Trigger::Below,
            price: Price::from_paise(10_000),
        },
        target: None,
        stop_loss: None,
        protection_percent: None,
    };
    let entry = json!({"strategy": "ENTRY", "trigger_type": "BELOW", "trigger_price": 100.0});
    let place = |plan: &Plan| {
        gtt_api::place(&Standing {
            instrument_key: OPTION.to_owned(),
            side: Side::Sell,
            qty: Qty::new(75),
            product: ProductWord::Delivery,
            plan: plan.clone(),
        })
    };
    let expected = json!({"type": "SINGLE", "quantity": 75, "product": "D", "rules": [entry],
        "instrument_token": OPTION, "transaction_type": "SELL"});
    write(&place(&plan), "POST /v3/order/gtt/place", &expected);
    plan.target = Some(Price::from_paise(12_000));
    plan.stop_loss = Some(StopLoss {
        price: Price::from_paise(9_000),
        trailing_gap: Some(Price::from_paise(50)),
    });
    let target = json!({"strategy": "TARGET", "trigger_type": "IMMEDIATE", "trigger_price": 120.0});
    let stop = json!({"strategy": "STOPLOSS", "trigger_type": "IMMEDIATE", "trigger_price": 90.0,
        "trailing_gap": 0.5});
    assert_eq!(body(&place(&plan))["type"], "MULTIPLE");
    let change = gtt_api::modify(&StandingChange {
        gtt_order_id: "GTT-C1".to_owned(),
        qty: Qty::new(150),
        plan: plan.clone(),
    });
    let expected = json!({"type": "MULTIPLE", "quantity": 150, "rules": [entry, target, stop],
        "gtt_order_id": "GTT-C1"});
    write(&change, "PUT /v3/order/gtt/modify", &expected);
    plan.protection_percent = Some(-1);
    for rule in body(&place(&plan))["rules"].as_array().expect("a list") {
        assert_eq!(rule["market_protection"], -1);
    }
    let line = "DELETE /v3/order/gtt/cancel";
    write(
        &gtt_api::cancel("GTT-C1"),
        line,
        &json!({"gtt_order_id": "GTT-C1"}),
    );
    read(&gtt_api::get(None), "/v3/order/gtt");
    read(&gtt_api::get(Some("GTT-C1")), "/v3/order/gtt?gtt_order_id=GTT-C1");
}

#[test]
fn portfolio_funds_and_account() {
    read(&portfolio_api::positions(), "/v2/portfolio/short-term-positions");
    read(&portfolio_api::mtf_positions(), "/v3/portfolio/mtf-positions");
    read(&portfolio_api::holdings(), "/v2/portfolio/long-term-holdings");
    let convert = portfolio_api::convert(&portfolio_api::Conversion {
        instrument_key: OPTION.to_owned(),
        from: ProductWord::Intraday,
        to: ProductWord::Delivery,
        side: Side::Buy,
        qty: Qty::new(75),
    });
    let expected = json!({"instrument_token": OPTION, "new_product": "D", "old_product": "I",
        "transaction_type": "BUY", "quantity": 75});
    write(&convert, "PUT /v2/portfolio/convert-position", &expected);
    read(&funds_api::funds_v2(None), "/v2/user/get-funds-and-margin");
    let securities = funds_api::funds_v2(Some(&funds_api::FundsSegment::Securities));
    read(&securities, "/v2/user/get-funds-and-margin?segment=SEC");
    read(&funds_api::funds_v3(), "/v3/user/get-funds-and-margin");
    read(&account_api::profile(), "/v2/user/profile");
    read(&account_api::kill_switch(), "/v2/user/kill-switch");
    let stop = account_api::set_kill_switch(&[
        (Segment::NseFo, account_api::KillAction::Disable),
        (Segment::NseEq, account_api::KillAction::Enable),
    ]);
    let expected =
        json!([{"segment": "NSE_FO", "action": "DISABLE"}, {"segment": "NSE_EQ", "action": "ENABLE"}]);
    write(&stop, "POST /v2/user/kill-switch", &expected);
    assert_eq!(stop.class(), CallClass::Standard);
    read(&account_api::static_ip(), "/v2/user/ip");
    let both = account_api::set_static_ip(&account_api::Addresses {
        primary: "203.0.113.1",
        secondary: Some("2001:db8::1"),
    });
    let expected = json!({"primary_ip": "203.0.113.1", "secondary_ip": "2001:db8::1"});
    write(&both, "PUT /v2/user/ip", &expected);
}

#[test]
fn margins_charges_and_profits() {
    let leg = |price| charges_api::Leg {
        instrument_key: OPTION.to_owned(),
        side: Side::Sell,
        qty: Qty::new(75),
        product: ProductWord::Delivery,
        price,
    };
    let margin = charges_api::margin(&[leg(None), leg(Some(Price::from_paise(5)))]);
    let row = json!({"instrument_key": OPTION, "quantity": 75, "product": "D", "transaction_type": "SELL"});
    let mut priced = row.clone();
    priced["price"] = json!(0.05);
    write(
        &margin,
        "POST /v2/charges/margin",
        &json!({"instruments": [row, priced]}),
    );
    assert!(margin.is_read());
    let brokerage = charges_api::brokerage(&charges_api::BrokerageQuery {
        instrument_key: OPTION.to_owned(),
        side: Side::Buy,
        qty: Qty::new(75),
        product: ProductWord::Intraday,
        price: Price::from_paise(10_150),
    });
    let path = "/v2/charges/brokerage?instrument_token=NSE_FO%7C45450&quantity=75&product=I\
                &transaction_type=BUY&price=101.50";
    read(&brokerage, path);
    let report = Report {
        ledger: Ledger::Equity,
        year: FinancialYear::of(day(2024, 3, 31)),
        first: Some(day(2023, 4, 5)),
        last: None,
    };
    let query = "from_date=05-04-2023&segment=EQ&financial_year=2324";
    read(
        &profit_loss_api::metadata(&report),
        &format!("/v2/trade/profit-loss/metadata?{query}"),
    );
    let page = PageQuery {
        page_number: 2,
        page_size: 4_000,
    };
    let path = format!("/v2/trade/profit-loss/data?{query}&page_number=2&page_size=4000");
    read(&profit_loss_api::rows(&report, page), &path);
    read(
        &profit_loss_api::charges(&report),
        &format!("/v2/trade/profit-loss/charges?{query}"),
    );
    assert_eq!(FinancialYear::of(day(2099, 4, 1)).to_string(), "9900");
}
