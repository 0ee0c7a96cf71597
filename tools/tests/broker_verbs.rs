//! The verbs of the account as processes, against the simulator over loopback: what each shows is what the simulator's
//! ledger holds, in words and as JSON; nothing is changed without consent; what was not answered is called unknown.

mod desk;

use bijli_simulator::SimStats;
use desk::{Desk, assert_near, json_of, number, rows};
use serde_json::{Value, json};

#[test]
fn an_empty_account_says_so_in_words_and_its_funds_are_the_brokers() {
    let desk = Desk::open();
    for (arguments, words) in [
        (&["positions"][..], "no positions"),
        (&["positions", "--mtf"], "no positions"),
        (&["orders"], "no orders today"),
        (&["trades"], "no trades"),
        (&["gtt", "list"], "no standing orders"),
    ] {
        assert!(desk.words(arguments).contains(words), "{arguments:?}");
        assert_eq!(desk.data(arguments), json!([]), "{arguments:?}");
    }
    let funds = desk.data(&["funds"]);
    let raw = desk.data(&["api", "GET", "/v3/user/get-funds-and-margin"]);
    let (ours, theirs) = (
        &funds["available_to_trade"],
        &raw["body"]["data"]["available_to_trade"],
    );
    assert_eq!(ours["total"], theirs["total"]);
    assert_eq!(ours["total"], 100_000.0);
    assert_eq!(
        ours["cash_available_to_trade"]["cash"]["opening_balance"],
        theirs["cash_available_to_trade"]["cash"]["opening_balance"]
    );
    let words = desk.words(&["funds"]);
    assert!(
        words.contains("available to trade") && words.contains("1,00,000.00"),
        "{words}"
    );
    assert_eq!(
        desk.data(&["funds", "--v2"])["equity"]["available_margin"],
        100_000.0
    );
    assert!(desk.words(&["funds", "--v2"]).contains("1,00,000.00"));

    let held = desk.data(&["holdings"]);
    let raw = desk.data(&["api", "GET", "/v2/portfolio/long-term-holdings"]);
    let raw = rows(&raw["body"]["data"]);
    assert!(!raw.is_empty());
    assert_eq!(rows(&held).len(), raw.len());
    let words = desk.words(&["holdings"]);
    for (row, raw) in rows(&held).iter().zip(raw) {
        for name in ["quantity", "average_price", "isin"] {
            assert_eq!(row[name], raw[name], "{name}");
        }
        assert!(
            words.contains(raw["trading_symbol"].as_str().expect("a symbol")),
            "{words}"
        );
    }
}

#[test]
fn a_round_trip_reads_alike_in_orders_trades_positions_and_books() {
    let desk = Desk::open();
    let (key, _) = desk.share();
    let bought = desk.trade(&key, "BUY", 10, "I", "in");
    let sold = desk.trade(&key, "SELL", 10, "I", "out");
    let stats = desk.wait(SimStats::is_flat);
    let realised = stats.broker.realised.rupees();

    let orders = desk.data(&["orders"]);
    let ids: Vec<&str> = rows(&orders)
        .iter()
        .filter_map(|row| row["order_id"].as_str())
        .collect();
    assert!(
        ids.len() == 2 && ids.contains(&bought.as_str()) && ids.contains(&sold.as_str()),
        "{ids:?}"
    );
    for row in rows(&orders) {
        assert_eq!(
            (&row["status"], &row["filled_quantity"]),
            (&json!("complete"), &json!(10))
        );
    }
    let words = desk.words(&["orders"]);
    assert!(
        words.contains(&bought) && words.contains("10/10") && words.contains("2 orders"),
        "{words}"
    );

    one_order_agrees(&desk, &key, &bought);

    let trades = desk.data(&["trades"]);
    let value = |side: &str| -> f64 {
        let rows = rows(&trades).iter().filter(|row| row["transaction_type"] == side);
        rows.map(|row| number(&row["quantity"]) * number(&row["price"]))
            .sum()
    };
    assert_eq!(rows(&trades).len() as u64, stats.broker.fills);
    assert_near(value("SELL") - value("BUY"), realised);
    assert!(desk.words(&["trades"]).contains("trades; bought"));
    let of_order = desk.data(&["trades", "--order", &sold]);
    assert!(
        rows(&of_order)
            .iter()
            .all(|row| row["transaction_type"] == "SELL")
    );
    let qty: f64 = rows(&of_order).iter().map(|row| number(&row["quantity"])).sum();
    assert_near(qty, 10.0);

    let positions = desk.data(&["positions"]);
    let row = &rows(&positions)[0];
    assert_eq!(
        (&row["instrument_key"], &row["quantity"]),
        (&json!(key), &json!(0))
    );
    assert_near(number(&row["realised"]), realised);
    assert!(desk.words(&["positions"]).contains("0 open, 1 closed"));
    books_agree(&desk, realised, stats.broker.fills);
}

/// Details, history and tag tell of the order that was filled.
fn one_order_agrees(desk: &Desk, key: &str, bought: &str) {
    let details = desk.data(&["orders", "--details", bought]);
    assert_eq!(
        (&details["instrument_key"], &details["tag"]),
        (&json!(key), &json!("in"))
    );
    assert!(desk.words(&["orders", "--details", bought]).contains(key));
    for arguments in [["orders", "--history", bought], ["orders", "--tag", "in"]] {
        let states = desk.data(&arguments);
        let last = rows(&states).iter().any(|row| row["status"] == "complete");
        assert!(
            last && rows(&states).iter().all(|row| row["order_id"] == json!(bought)),
            "{states}"
        );
        assert!(desk.words(&arguments).contains("complete"));
    }
}

/// Reports of the day, read page by page, tell what the ledger tells.
fn books_agree(desk: &Desk, realised: f64, fills: u64) {
    let range = ["--from", "2026-07-31", "--to", "2026-07-31", "--page-size", "1"];
    let past = desk.data(&[&["trades"][..], &range, &["--segment", "EQ"]].concat());
    assert_eq!(rows(&past).len() as u64, fills, "{past}");
    assert!(fills >= 2 && desk.times_asked("GET", "/v2/charges/historical-trades?segment=EQ&start_date=2026-07-31&end_date=2026-07-31&page_number=2&page_size=1") == 1);
    assert!(
        desk.words(&[&["trades"][..], &range].concat())
            .contains("2026-07-31")
    );
    let nothing = desk.words(&[
        "trades",
        "--from",
        "2026-07-31",
        "--to",
        "2026-07-31",
        "--segment",
        "FO",
    ]);
    assert!(nothing.contains("no trades in these days"), "{nothing}");

    let pnl = [
        &["pnl", "--segment", "EQ", "--year", "2627", "--charges"][..],
        &range,
    ]
    .concat();
    let books = desk.data(&pnl);
    assert_near(number(&books["totals"]["pnl"]), realised);
    let charges = number(&books["charges"]["total"]);
    assert!(charges > 0.0);
    assert_near(number(&books["totals"]["pnl_after_charges"]), realised - charges);
    let words = desk.words(&pnl);
    assert!(
        words.contains("closed trades; bought") && words.contains("after charges"),
        "{words}"
    );
    let all = desk.data(&["pnl", "--segment", "EQ", "--year", "2627"]);
    let size = desk.data(&[
        "api",
        "GET",
        "/v2/trade/profit-loss/metadata?segment=EQ&financial_year=2627",
    ]);
    assert_eq!(all["totals"]["trades"], size["body"]["data"]["trades_count"]);
    assert!(
        desk.words(&["pnl", "--segment", "COM", "--year", "2627"])
            .contains("no closed trades")
    );
}

#[test]
fn margin_and_charges_are_the_brokers_and_ours_stand_beside() {
    let desk = Desk::open();
    let (key, _) = desk.share();
    // The simulator blocks a fifth of an intraday share's value and all of a delivered one's.
    let margin = desk.data(&["margin", &format!("{key}:BUY:10:I:100")]);
    assert_eq!(margin["margin"]["required_margin"], 200.0);
    assert_eq!(
        margin["legs"][0],
        json!({
            "instrument_key": key, "side": "BUY", "quantity": 10, "product": "I", "price": 100.0,
        })
    );
    let words = desk.words(&["margin", &format!("{key}:BUY:10:D:100")]);
    assert!(words.contains("needed to get in \u{20b9}1,000.00"), "{words}");

    let charges = |side: &str, product: &str| {
        let arguments = [
            "charges",
            "--instrument",
            &key,
            "--qty",
            "100",
            "--price",
            "1500",
            "--day",
            "2026-07-31",
        ];
        [&arguments[..], &["--side", side, "--product", product]]
            .concat()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<String>>()
    };
    for side in ["BUY", "SELL"] {
        let arguments = charges(side, "I");
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let answer = desk.data(&arguments);
        assert_eq!(answer["theirs"]["total"], answer["ours"]["total"]);
        assert_eq!(answer["difference"], 0.0);
        assert!(number(&answer["ours"]["brokerage"]) > 0.0);
        let words = desk.words(&arguments);
        assert!(
            words.contains("turnover \u{20b9}1,50,000.00") && words.contains("stamp duty"),
            "{words}"
        );
    }
    let arguments = charges("BUY", "D");
    let answer = desk.data(&arguments.iter().map(String::as_str).collect::<Vec<&str>>());
    // Delivered shares: 0.1 % transaction tax that an intraday purchase has not, stamp duty 0.015 % instead of 0.003 %.
    assert_near(
        number(&answer["difference"]),
        150_000.0 * (0.001 + 0.00015 - 0.000_03),
    );
    assert!(
        answer["note"]
            .as_str()
            .is_some_and(|note| note.contains("delivered"))
    );
    assert_eq!(
        desk.bijli(&["margin", "X|1:BUY:10"]).code,
        Some(5),
        "the broker knows no such key"
    );
    assert_eq!(
        desk.bijli(&["margin", "INFY:BUY:10"]).code,
        Some(3),
        "a name needs a master"
    );
    assert_eq!(desk.bijli(&["margin", "NSE_EQ|1:BUY"]).code, Some(2));
}

#[test]
fn a_position_is_converted_only_with_consent() {
    let desk = Desk::open();
    let (key, _) = desk.share();
    desk.trade(&key, "BUY", 4, "I", "in");
    let convert = [
        "convert", &key, "--from", "I", "--to", "D", "--side", "BUY", "--qty", "4",
    ];
    let path = "/v2/portfolio/convert-position";
    let left = desk.bijli(&[&convert[..], &["--json"]].concat());
    assert_eq!(
        (left.code, &json_of(&left)["error"]["exit_code"]),
        (Some(2), &json!(2))
    );
    assert!(left.err.contains("--yes"), "{left:?}");
    assert_eq!(desk.times_asked("PUT", path), 0);

    let words = desk.words(&[&convert[..], &["--yes"]].concat());
    assert!(words.contains("from I to D: complete"), "{words}");
    let positions = desk.data(&["positions"]);
    let open: Vec<&Value> = rows(&positions)
        .iter()
        .filter(|row| row["quantity"] != 0)
        .collect();
    assert_eq!(open.len(), 1);
    assert_eq!(
        (&open[0]["product"], &open[0]["quantity"]),
        (&json!("D"), &json!(4))
    );
    let again = desk.bijli(&[&convert[..], &["--yes"]].concat());
    assert_eq!(again.code, Some(3), "nothing is left to convert: {again:?}");
}

#[test]
fn standing_orders_are_placed_changed_listed_and_withdrawn() {
    let desk = Desk::open();
    let (key, last) = desk.share();
    let rupees = |share: f64| format!("{:.0}", last * share);
    let (entry, target, stop, gap) = (rupees(0.5), rupees(0.8), rupees(0.4), rupees(0.1));
    let rules = format!("--when below --entry {entry} --target {target} --stop {stop} --trailing {gap}");
    let rules: Vec<&str> = rules.split(' ').collect();
    let place = format!("gtt place {key} --side BUY --qty 2 --product D");
    let place = [&place.split(' ').collect::<Vec<&str>>()[..], &rules].concat();
    assert_eq!(desk.bijli(&place).code, Some(2));
    let placed = desk.data(&[&place[..], &["--yes"]].concat());
    let id = placed["gtt_order_ids"][0].as_str().expect("an id").to_owned();
    let single = format!(
        "gtt place {key} --side BUY --qty 1 --product I --when below --entry {entry} --protection 5 --yes"
    );
    let words = desk.words(&single.split(' ').collect::<Vec<&str>>());
    let told = format!(
        "BUY 1 of {key} (no master is at hand to tell what it is); product I, entry BELOW {entry}.00, protection 5 %: \
         taken as GTT-"
    );
    assert!(words.contains(&told), "{words}");

    let listed = desk.data(&["gtt", "list", &id]);
    let row = &rows(&listed)[0];
    let told: Vec<(&str, f64, Value)> = rows(&row["rules"])
        .iter()
        .map(|rule| {
            let strategy = rule["strategy"].as_str().expect("a word");
            (
                strategy,
                number(&rule["trigger_price"]),
                rule["trailing_gap"].clone(),
            )
        })
        .collect();
    let price = |text: &str| text.parse::<f64>().expect("a number");
    assert_eq!(
        told,
        [
            ("ENTRY", price(&entry), Value::Null),
            ("TARGET", price(&target), Value::Null),
            ("STOPLOSS", price(&stop), json!(price(&gap))),
        ]
    );
    assert_eq!((&row["kind"], &row["quantity"]), (&json!("MULTIPLE"), &json!(2)));
    let words = desk.words(&["gtt", "list"]);
    assert!(
        words.contains("2 standing orders") && words.contains("STOPLOSS"),
        "{words}"
    );

    let modify = [&["gtt", "modify", &id, "--qty", "3"][..], &rules].concat();
    assert_eq!(desk.bijli(&modify).code, Some(2));
    desk.words(&[&modify[..], &["--yes"]].concat());
    assert_eq!(rows(&desk.data(&["gtt", "list", &id]))[0]["quantity"], 3);

    assert_eq!(desk.bijli(&["gtt", "cancel", &id]).code, Some(2));
    assert!(desk.words(&["gtt", "cancel", &id, "--yes"]).contains(&id));
    let listed = desk.data(&["gtt", "list", &id]);
    assert!(
        rows(&rows(&listed)[0]["rules"])
            .iter()
            .all(|rule| rule["status"] == "CANCELLED"),
        "{listed}"
    );
    assert_eq!(desk.bijli(&["gtt", "cancel", "GTT-C0", "--yes"]).code, Some(3));
}

#[test]
fn nothing_is_sent_without_a_token_or_against_the_rules() {
    let desk = Desk::open();
    for (arguments, code) in [
        (&["orders", "--details", "nobody"][..], 3),
        (&["orders", "--history", "nobody"], 3),
        (&["api", "GET", "/v2/no/such/path"], 3),
        (&["api", "POST", "/v3/order/place", "--data", "{}"], 2),
        (&["api", "POST", "/v3/order/place", "--data", "{}", "--write"], 2),
        (&["api", "GET", "/v2/user/profile", "--data", "{}"], 2),
        (&["api", "GET", "/elsewhere"], 2),
        (
            &["pnl", "--segment", "EQ", "--year", "2627", "--from", "2025-04-01"],
            2,
        ),
        (&["trades", "--from", "2026-07-31", "--to", "2026-07-01"], 2),
        (
            &[
                "convert", "NSE_EQ|X", "--from", "I", "--to", "I", "--side", "BUY", "--qty", "1", "--yes",
            ],
            2,
        ),
    ] {
        let left = desk.bijli(arguments);
        assert_eq!(left.code, Some(code), "{arguments:?}: {left:?}");
        assert!(code == 3 || left.err.contains("error"), "{arguments:?}: {left:?}");
    }
    assert_eq!(desk.times_asked("POST", "/v3/order/place"), 0);

    let verbs: [&[&str]; 8] = [
        &["positions"],
        &["holdings"],
        &["orders"],
        &["trades"],
        &["funds"],
        &["gtt", "list"],
        &["api", "GET", "/v2/user/profile"],
        &["gtt", "cancel", "GTT-C0", "--yes"],
    ];
    desk.control("PUT", "/sim/script", r#"{"revoke_token":true}"#);
    for verb in verbs {
        let left = desk.bijli(verb);
        assert_eq!(left.code, Some(5), "refused: {verb:?} {left:?}");
    }
    desk.control("DELETE", "/sim/requests", "");
    desk.write(
        "token",
        r#"{"access_token":"dead","issued_ms":1700000000000,"expires_ms":1700003600000}"#,
    );
    for verb in verbs {
        let left = desk.bijli(&[verb, &["--json"]].concat());
        assert_eq!(
            (left.code, &json_of(&left)["error"]["exit_code"]),
            (Some(5), &json!(5)),
            "{verb:?}"
        );
    }
    std::fs::remove_file(desk.folder.path().join("token")).expect("our own file");
    for verb in verbs {
        let left = desk.bijli(verb);
        assert_eq!(left.code, Some(5), "{verb:?} {left:?}");
        assert!(left.err.contains("bijli login"), "{left:?}");
    }
    assert_eq!(
        desk.control("GET", "/sim/requests", ""),
        json!([]),
        "nothing was sent"
    );
}

#[test]
fn a_write_that_is_not_answered_is_unknown_and_sent_once() {
    let desk = Desk::open();
    let cancel = ["gtt", "cancel", "GTT-C0", "--yes"];
    desk.control("PUT", "/sim/script", r#"{"reply":"html_502"}"#);
    let left = desk.bijli(&cancel);
    assert_eq!(left.code, Some(1), "{left:?}");
    assert!(
        left.err.contains("UNKNOWN: look before you try again"),
        "{left:?}"
    );
    assert_eq!(desk.times_asked("DELETE", "/v3/order/gtt/cancel"), 1);
    let raw = [
        "api",
        "DELETE",
        "/v3/order/gtt/cancel",
        "--data",
        "{}",
        "--write",
        "--yes",
    ];
    let left = desk.bijli(&raw);
    assert_eq!(left.code, Some(1), "{left:?}");
    assert!(
        left.out.contains("502") && left.err.contains("UNKNOWN"),
        "{left:?}"
    );
    assert_eq!(desk.times_asked("DELETE", "/v3/order/gtt/cancel"), 2);
    desk.control("PUT", "/sim/script", r#"{"reply":null}"#);
    let left = desk.bijli(&raw);
    assert!(
        left.code != Some(0) && !left.err.contains("UNKNOWN"),
        "the broker's own refusal: {left:?}"
    );

    desk.control("PUT", "/sim/script", r#"{"reply":null,"order_host":"drops"}"#);
    let order = ["api", "DELETE", "/v3/order/cancel?order_id=1", "--write", "--yes"];
    let left = desk.bijli(&order);
    assert_eq!(left.code, Some(1), "{left:?}");
    assert!(left.err.contains("UNKNOWN"), "{left:?}");
    assert!(
        desk.words(&["api", "GET", "/v2/user/profile"])
            .contains("\"user_id\": \"SIM001\"")
    );
}
