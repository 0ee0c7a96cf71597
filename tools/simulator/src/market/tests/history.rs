//! Candles: of the day against its ticks, of the past against itself.

use super::*;
use crate::day::Candle;

fn candles(path: &str) -> Vec<Value> {
    data(path)["candles"].as_array().expect("rows").clone()
}

fn of(row: &Value) -> (String, [f64; 4], i64) {
    let prices = [1, 2, 3, 4].map(|at| number(&row[at]));
    let start = row[0].as_str().expect("a time").to_owned();
    (start, prices, row[5].as_i64().expect("units"))
}

#[test]
fn minutes_built_from_trades_equal_those_that_the_day_tells() {
    let mut compared = 0;
    played_to(day().at(DurationNs::from_hm(10, 30)), |desk, tick| {
        // The desk at the tick before had built this minute from trades alone, or corrected it to itself.
        let bars = desk.bars(tick.instrument);
        if tick.minute.start_ms != 0 {
            let built = bars
                .iter()
                .find(|bar| bar.candle.start_ms == tick.minute.start_ms);
            assert_eq!(built.map(|bar| bar.candle), Some(tick.minute));
            compared += 1;
        }
        let volume: i64 = bars.iter().map(|bar| bar.candle.volume).sum();
        assert_eq!(volume, tick.volume);
    });
    assert!(compared > 1_000, "{compared}");
}

#[test]
fn candles_of_the_day_end_in_the_quote_and_join_to_its_day() {
    for key in [SHARE, INDEX, "NSE_FO%7C9000001", "NSE_FO%7C9000009"] {
        let (_, quote) = only(&data(&format!("/v3/market-quote/quotes?instrument_key={key}")));
        let minutes = candles(&format!("/v3/historical-candle/intraday/{key}/minutes/1"));
        let days = candles(&format!("/v3/historical-candle/intraday/{key}/days/1"));
        assert_eq!(days.len(), 1);
        let (start, prices, volume) = of(&days[0]);
        assert_eq!(start, "2026-07-31T00:00:00+05:30");
        let ohlc = ["open", "high", "low", "close"].map(|name| number(&quote["ohlc"][name]));
        assert_eq!(
            (prices, volume),
            (ohlc, quote["volume"].as_i64().expect("units")),
            "{key}"
        );
        assert_eq!(of(&minutes[0]).1[3], number(&quote["last_price"]));
        assert!(
            minutes.is_sorted_by(|a, b| a[0].as_str() > b[0].as_str()),
            "newest first"
        );
        let halves = candles(&format!("/v2/historical-candle/intraday/{key}/30minute"));
        let (newest, _, _) = of(&halves[0]);
        assert_eq!(newest, "2026-07-31T11:45:00+05:30");
        let (_, live) = only(&data(&format!(
            "/v3/market-quote/ohlc?interval=I30&instrument_key={key}"
        )));
        assert_eq!(of(&halves[0]).1[0], number(&live["live_ohlc"]["open"]));
        assert_eq!(of(&halves[1]).1[3], number(&live["prev_ohlc"]["close"]));
        let (_, of_day) = only(&data(&format!(
            "/v3/market-quote/ohlc?interval=1d&instrument_key={key}"
        )));
        assert_eq!(of_day["prev_ohlc"], Value::Null);
    }
}

#[test]
fn history_ends_at_the_close_of_the_day_before_and_any_window_shows_the_same() {
    let path = format!("/v3/historical-candle/{SHARE}/days/1");
    let days = candles(&format!("{path}/2026-08-10/2026-06-01"));
    let (start, prices, _) = of(&days[0]);
    assert_eq!(start, "2026-07-30T00:00:00+05:30", "today is not history");
    let (_, quote) = only(&data(&format!("/v3/market-quote/ltp?instrument_key={SHARE}")));
    assert_eq!(prices[3], number(&quote["cp"]));
    assert!(
        days.iter()
            .all(|row| !row[0].as_str().expect("a time").starts_with("2026-06-26")),
        "Muharram"
    );
    for row in &days {
        let (_, [open, high, low, close], volume) = of(row);
        assert!(
            low <= open.min(close) && high >= open.max(close) && low > 0.0 && volume > 0,
            "{row}"
        );
    }
    let some = candles(&format!("{path}/2026-07-10/2026-07-01"));
    let same: Vec<Value> = days
        .iter()
        .filter(|row| {
            let date = &row[0].as_str().expect("a time")[..10];
            ("2026-07-01"..="2026-07-10").contains(&date)
        })
        .cloned()
        .collect();
    assert_eq!(some, same);
    let minutes = candles(&format!(
        "/v3/historical-candle/{SHARE}/minutes/1/2026-07-30/2026-07-30"
    ));
    assert_eq!(minutes.len(), 375);
    assert_eq!(
        of(&minutes[0]).1[3],
        prices[3],
        "the minutes end at the day's close"
    );
    let highest = minutes.iter().map(|row| of(row).1[1]).fold(0.0, f64::max);
    assert_eq!(highest, prices[1]);
    let weeks = candles(&format!(
        "/v3/historical-candle/{SHARE}/weeks/1/2026-07-30/2026-07-20"
    ));
    let starts: Vec<String> = weeks.iter().map(|row| of(row).0[..10].to_owned()).collect();
    assert_eq!(starts, ["2026-07-27", "2026-07-20"]);
    let v2 = candles(&format!(
        "/v2/historical-candle/{SHARE}/month/2026-07-30/2026-01-01"
    ));
    assert_eq!(v2.len(), 7);
    let decade = candles(&format!("{path}/2026-07-30/2016-07-30"));
    assert!(decade.len() > 2_400, "{}", decade.len());
}

#[test]
fn expired_contracts_are_listed_with_dated_keys_and_have_candles_until_they_end() {
    let expiries = rows(&format!(
        "/v2/expired-instruments/expiries?instrument_key={INDEX}"
    ));
    assert_eq!(expiries.len(), 26);
    assert_eq!(expiries[25], "2026-07-28");
    let query = format!("instrument_key={INDEX}&expiry_date=2026-07-28");
    let options = rows(&format!("/v2/expired-instruments/option/contract?{query}"));
    assert_eq!(options.len(), 62);
    let futures = rows(&format!("/v2/expired-instruments/future/contract?{query}"));
    assert_eq!(
        fields(&futures[0]),
        "exchange exchange_token expiry freeze_quantity instrument_key instrument_type lot_size minimum_lot name segment tick_size trading_symbol underlying_key underlying_symbol underlying_type"
    );
    let key = options[30]["instrument_key"].as_str().expect("a key");
    assert!(key.ends_with("|28-07-2026"), "{key}");
    let path = key.replace('|', "%7C");
    let days = candles(&format!(
        "/v2/expired-instruments/historical-candle/{path}/day/2026-07-30/2026-07-01"
    ));
    assert_eq!(of(&days[0]).0, "2026-07-28T00:00:00+05:30");
    assert_eq!(days.len(), 20);
    let minutes = candles(&format!(
        "/v2/expired-instruments/historical-candle/{path}/15minute/2026-07-28/2026-07-28"
    ));
    assert_eq!(minutes.len(), 25);
    assert_eq!(of(&minutes[0]).1[3], of(&days[0]).1[3]);
    let gone = path.replace("28-07-2026", "21-07-2026");
    let (status, body) = ask(
        desk(),
        &format!("/v2/expired-instruments/historical-candle/{gone}/day/2026-07-30/2026-07-01"),
    );
    assert_eq!(
        (status, &body["errors"][0]["error_code"]),
        (400, &"UDAPI100011".into())
    );
}

#[test]
fn before_the_first_tick_a_day_has_closes_and_no_candles() {
    let desk = played_to(TsNs::NEVER, |_, _| {});
    let (_, body) = ask(&desk, &format!("/v3/market-quote/quotes?instrument_key={SHARE}"));
    let (_, row) = only(&body["data"]);
    assert_eq!(
        (&row["last_price"], &row["net_change"]),
        (&0.0.into(), &0.0.into())
    );
    assert!(number(&row["prev_close_price"]) > 0.0);
    let (_, body) = ask(
        &desk,
        &format!("/v3/historical-candle/intraday/{SHARE}/minutes/1"),
    );
    assert_eq!(body["data"]["candles"], Value::Array(Vec::new()));
    assert_eq!(desk.tick(0).day, Candle::default());
}
