//! What is refused, and with which code.

use super::*;

/// Each target is refused with 400 and its code, in both spellings.
fn check(table: &[(String, &str)]) {
    for (target, code) in table {
        let (status, body) = ask(desk(), target);
        let error = &body["errors"][0];
        let shown = &target[..target.len().min(120)];
        assert_eq!(
            (status, &error["error_code"]),
            (400, &(*code).into()),
            "{shown}: {body}"
        );
        assert_eq!(error["errorCode"], error["error_code"]);
    }
}

#[test]
fn each_bad_question_about_calendar_and_quotes_has_its_code() {
    let many = vec![SHARE; 501].join(",");
    let many_greeks = vec![SHARE; 51].join(",");
    check(&[
        ("/v2/market/status/MCX_FO".to_owned(), "UDAPI1089"),
        ("/v2/market/holidays/2026-13-01".to_owned(), "UDAPI1088"),
        ("/v2/market/timings/today".to_owned(), "UDAPI1088"),
        ("/v2/market/timings/0000-01-01".to_owned(), "UDAPI1088"),
        ("/v2/market/holidays/9999-12-31".to_owned(), "UDAPI1088"),
        ("/v3/market-quote/ltp".to_owned(), "UDAPI1009"),
        (
            "/v3/market-quote/ltp?instrument_key=RELIANCE".to_owned(),
            "UDAPI1011",
        ),
        (
            "/v3/market-quote/ltp?instrument_key=NSE_EQ%7CNONE".to_owned(),
            "UDAPI100011",
        ),
        (format!("/v2/market-quote/quotes?symbol={many}"), "UDAPI100042"),
        (
            format!("/v3/market-quote/option-greek?instrument_key={many_greeks}"),
            "UDAPI100076",
        ),
        (
            format!("/v3/market-quote/ohlc?instrument_key={SHARE}"),
            "UDAPI1027",
        ),
        (
            format!("/v3/market-quote/ohlc?interval=5m&instrument_key={SHARE}"),
            "UDAPI1028",
        ),
    ]);
}

#[test]
fn each_bad_question_about_candles_has_its_code() {
    let hist = "/v3/historical-candle/NSE_EQ%7CINE9SIM00000";
    check(&[
        (
            "/v3/historical-candle/RELIANCE/days/1/2026-07-30".to_owned(),
            "UDAPI1021",
        ),
        (
            "/v3/historical-candle/NSE_EQ%7CNONE/days/1/2026-07-30".to_owned(),
            "UDAPI100011",
        ),
        (format!("{hist}/ticks/1/2026-07-30"), "UDAPI1146"),
        (format!("{hist}/minutes/301/2026-07-30"), "UDAPI1147"),
        (format!("{hist}/hours/6/2026-07-30"), "UDAPI1147"),
        (format!("{hist}/days/2/2026-07-30"), "UDAPI1147"),
        (format!("{hist}/days/1/2026-07-30/2026-07-31"), "UDAPI1015"),
        (format!("{hist}/days/1/30-07-2026/2026-07-01"), "UDAPI1015"),
        (format!("{hist}/minutes/1/2026-07-30/2026-06-01"), "UDAPI1148"),
        (format!("{hist}/minutes/30/2026-07-30/2026-03-01"), "UDAPI1148"),
        (format!("{hist}/days/1/2026-07-30/2010-01-01"), "UDAPI1148"),
        (
            format!("/v3/historical-candle/intraday/{SHARE}/weeks/1"),
            "UDAPI1146",
        ),
        (
            format!("/v2/historical-candle/{SHARE}/5minute/2026-07-30"),
            "UDAPI1020",
        ),
        (format!("/v2/historical-candle/intraday/{SHARE}/day"), "UDAPI1076"),
    ]);
}

#[test]
fn each_bad_question_about_options_has_its_code() {
    check(&[
        (
            "/v2/option/chain?instrument_key=NSE_INDEX%7CNone".to_owned(),
            "UDAPI100011",
        ),
        (format!("/v2/option/chain?instrument_key={INDEX}"), "UDAPI1088"),
        (
            format!("/v2/market/oi?instrument_key={INDEX}&expiry=soon&date=2026-07-31"),
            "UDAPI1202",
        ),
        (
            format!("/v2/market/oi?instrument_key={INDEX}&expiry=current_week&date=today"),
            "UDAPI1203",
        ),
        (
            format!(
                "/v2/market/change-oi?instrument_key={INDEX}&expiry=current_week&date=2026-07-31&interval=0"
            ),
            "UDAPI1204",
        ),
        (
            format!("/v2/market/pcr?instrument_key={INDEX}&expiry=current_week&date=2026-07-31"),
            "UDAPI1205",
        ),
    ]);
}

#[test]
fn each_bad_question_about_lists_and_companies_has_its_code() {
    let news = vec![SHARE; 31].join(",");
    check(&[
        (
            "/v2/market/fii?data_type=NSE_FO&interval=1D".to_owned(),
            "UDAPI1198",
        ),
        (
            "/v2/market/dii?data_type=NSE_EQ%7CCASH&interval=1W".to_owned(),
            "UDAPI1199",
        ),
        (
            "/v2/market/dii?data_type=NSE_EQ%7CCASH&interval=1D&from=x".to_owned(),
            "UDAPI1200",
        ),
        (
            "/v2/market/smartlist/options?asset_type=BOND".to_owned(),
            "UDAPI1212",
        ),
        (
            "/v2/market/smartlist/futures?category=IV_GAINERS".to_owned(),
            "UDAPI1213",
        ),
        ("/v2/market/smartlist/mtf?page_size=51".to_owned(), "UDAPI1214"),
        ("/v2/news?category=weather".to_owned(), "UDAPI1189"),
        ("/v2/news?category=instrument_keys".to_owned(), "UDAPI1190"),
        (
            format!("/v2/news?category=instrument_keys&instrument_keys={news}"),
            "UDAPI1193",
        ),
        ("/v2/fundamentals/INE000000000/profile".to_owned(), "UDAPI1206"),
        (
            "/v2/fundamentals/INE9SIM00001/cash-flow?type=both".to_owned(),
            "UDAPI1207",
        ),
        (
            "/v2/fundamentals/INE9SIM00001/income-statement?time_period=daily".to_owned(),
            "UDAPI1208",
        ),
        (
            "/v2/fundamentals/NSE_EQ%7CNONE/competitors".to_owned(),
            "UDAPI100011",
        ),
        ("/v2/instruments/search".to_owned(), "UDAPI100036"),
        (
            "/v2/instruments/search?query=a&segments=BONDS".to_owned(),
            "UDAPI100036",
        ),
        (
            format!("/v2/instruments/search?query=sim&atm_offset={}", i64::MAX),
            "UDAPI100036",
        ),
        (
            format!("/v2/instruments/search?query=sim&atm_offset={}", i64::MIN),
            "UDAPI100036",
        ),
        ("/v2/expired-instruments/expiries".to_owned(), "UDAPI1009"),
    ]);
}

#[test]
fn what_is_not_the_desks_is_left_to_others() {
    for (method, target) in [
        ("GET", "/v2/order/retrieve-all"),
        ("GET", "/v2/market/weather"),
        ("GET", "/v2/market-quote/option-greek?instrument_key=x"),
        ("GET", "/v2/option/expiry"),
        ("GET", "/market-status"),
        ("POST", "/v3/market-quote/ltp"),
    ] {
        let call = ApiCall {
            host: Host::Api,
            method,
            target,
            bearer: None,
            headers: &[],
            peer: LOCAL_PEER,
            body: b"",
        };
        assert_eq!(desk().answer(noon(), &call), None, "{method} {target}");
    }
}

#[test]
fn expired_instruments_need_the_plus_plan() {
    let desk = MarketDesk::new(&desk().info);
    for target in [
        format!("expiries?instrument_key={INDEX}"),
        format!("option/contract?instrument_key={INDEX}&expiry_date=2026-07-28"),
        format!("future/contract?instrument_key={INDEX}&expiry_date=2026-07-28"),
        "historical-candle/NSE_FO%7C7000000%7C28-07-2026/day/2026-07-30/2026-07-01".to_owned(),
    ] {
        let (status, body) = ask(&desk, &format!("/v2/expired-instruments/{target}"));
        assert_eq!((status, &body["status"]), (403, &"error".into()), "{target}");
    }
}
