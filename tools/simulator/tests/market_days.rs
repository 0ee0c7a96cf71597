//! The market desk on a recorded day: what it answers is what was recorded, and nothing is added.
//!
//! Looks in `$BIJLI_DATA`, else in `../shared/data` beside the workspace. Without data the test says that it is
//! skipped; with `CI=true` that is a failure.

use std::path::{Path, PathBuf};

use bijli_core::{DurationNs, Money, TsNs};
use bijli_simulator::broker::{ApiCall, Broker, BrokerOptions, BrokerSettings, Host, LOCAL_PEER, Moments};
use bijli_simulator::day::{self, DayTick};
use bijli_simulator::settings::DaySpec;
use bijli_simulator::{Faults, RateLimits};
use serde_json::Value;

fn data(test: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = std::env::var_os("BIJLI_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "market data is missing under CI"
    );
    println!("skipped (no market data): {test}");
    None
}

fn settings() -> BrokerSettings {
    BrokerSettings {
        capital: Money::from_rupees(100_000),
        seed: 1,
        faults: Faults::NONE,
        rate_limits: RateLimits::Off,
        exchange_delay: DurationNs::ZERO,
        options: BrokerOptions::default(),
    }
}

fn ask(broker: &mut Broker, now: TsNs, target: &str) -> Value {
    let token = broker.token().to_owned();
    let call = ApiCall {
        host: Host::Api,
        method: "GET",
        target,
        bearer: Some(&token),
        headers: &[],
        peer: LOCAL_PEER,
        body: b"",
    };
    let reply = broker.handle(Moments::at(now), &call);
    let body: Value = serde_json::from_slice(&reply.body).expect("answers are JSON");
    assert_eq!(reply.status, 200, "{target}: {body}");
    body["data"].clone()
}

fn only(map: &Value) -> Value {
    let object = map.as_object().expect("a map");
    assert_eq!(object.len(), 1, "{map}");
    object.values().next().cloned().expect("one row")
}

/// The quote of an instrument is its newest recorded tick, field for field.
fn check_quote(broker: &mut Broker, now: TsNs, key: &str, tick: &DayTick) {
    let key = key.replace('|', "%7C");
    let row = only(&ask(
        broker,
        now,
        &format!("/v3/market-quote/quotes?instrument_key={key}"),
    ));
    let levels = |side: &str| -> Vec<(i64, f64)> {
        let levels = row["depth"][side].as_array().expect("levels").iter();
        levels
            .map(|level| {
                let units = level["quantity"].as_i64().expect("units");
                (units, level["price"].as_f64().expect("rupees"))
            })
            .collect()
    };
    let told = ["open", "high", "low", "close"].map(|name| row["ohlc"][name].as_f64());
    let day = &tick.day;
    assert_eq!(told, [day.open, day.high, day.low, day.close].map(Some));
    assert_eq!(levels("buy"), tick.levels.map(|level| (level.bid_qty, level.bid)));
    assert_eq!(
        levels("sell"),
        tick.levels.map(|level| (level.ask_qty, level.ask))
    );
    for (name, recorded) in [
        ("last_price", tick.ltp),
        ("average_price", tick.atp),
        ("oi", tick.oi),
        ("prev_close_price", tick.prev_close),
        ("total_buy_quantity", tick.total_bid_qty),
        ("total_sell_quantity", tick.total_ask_qty),
    ] {
        assert_eq!(row[name].as_f64(), Some(recorded), "{key} {name}");
    }
    assert_eq!(row["volume"].as_i64(), Some(tick.volume));
    assert_eq!(row["last_trade_time"], tick.ltt_ms.to_string());
    for unknown in ["year_high", "year_low", "previous_oi"] {
        assert_eq!(row[unknown], Value::Null, "{unknown} is not invented");
    }
    let greeks = tick.greeks.unwrap_or_default();
    let told = only(&ask(
        broker,
        now,
        &format!("/v3/market-quote/option-greek?instrument_key={key}"),
    ));
    for (name, recorded) in [
        ("delta", greeks.delta),
        ("gamma", greeks.gamma),
        ("theta", greeks.theta),
        ("vega", greeks.vega),
        ("iv", tick.iv),
    ] {
        assert_eq!(told[name].as_f64(), Some(recorded), "{key} {name}");
    }
}

#[test]
fn quotes_candles_and_chain_of_a_recorded_day_are_its_own() {
    let Some(data) = data("quotes_candles_and_chain_of_a_recorded_day_are_its_own") else {
        return;
    };
    let spec = DaySpec::Path(data.join("upstox-feed/full_d5-2025-12-15"));
    let mut source = day::open(&spec, 1).unwrap_or_else(|error| panic!("{error}"));
    let info = source.info().clone();
    let mut broker = Broker::new(&info, settings());
    broker.prepare_desk(source.morning());
    let stops =
        [(10, 30), (13, 0), (15, 20)].map(|(hour, minute)| info.day.at(DurationNs::from_hm(hour, minute)));
    let mut latest = vec![DayTick::default(); info.instruments.len()];
    let (mut tick, mut next, mut checked) = (DayTick::default(), 0, 0);
    while next < stops.len()
        && source
            .next_tick(&mut tick)
            .unwrap_or_else(|error| panic!("{error}"))
    {
        if tick.ts >= stops[next] {
            for (row, latest) in info.instruments.iter().zip(&latest) {
                check_quote(&mut broker, stops[next], &row.key, latest);
                checked += 1;
            }
            next += 1;
        }
        broker.apply_tick(&tick);
        latest[tick.instrument as usize] = tick;
    }
    assert_eq!(checked, 27, "nine instruments at three moments");
    let now = stops[2];
    check_chain(&mut broker, now, &info.instruments, &latest);
    check_candles(&mut broker, now);
}

/// The chain shows each recorded option with its own greeks, volatility in percent, and invents no other side.
fn check_chain(broker: &mut Broker, now: TsNs, rows: &[day::DayInstrument], latest: &[DayTick]) {
    let underlying = "NSE_INDEX%7CNifty%20Bank";
    let target = format!("/v2/option/chain?instrument_key={underlying}&expiry_date=2025-12-30");
    let chain = ask(broker, now, &target);
    let chain = chain.as_array().expect("rows");
    assert_eq!(chain.len(), 5, "strikes 59200, 59400, 59600, 59800, 60000");
    let mut sides = 0;
    for side in chain
        .iter()
        .flat_map(|row| [&row["call_options"], &row["put_options"]])
    {
        let key = side["instrument_key"].as_str().expect("text");
        let Some(place) = rows.iter().position(|row| row.key == key) else {
            assert_eq!((key, &side["market_data"]["ltp"]), ("", &0.0.into()));
            continue;
        };
        let tick = &latest[place];
        assert_eq!(side["market_data"]["oi"].as_f64(), Some(tick.oi));
        let percent = side["option_greeks"]["iv"].as_f64().expect("a number");
        assert!((percent - tick.iv * 100.0).abs() < 0.006, "{percent} {}", tick.iv);
        sides += 1;
    }
    assert_eq!(sides, 6);
}

/// Minutes of the day add up; there is no history that nobody recorded.
fn check_candles(broker: &mut Broker, now: TsNs) {
    let share = "NSE_EQ%7CINE027H01010";
    let minutes = ask(
        broker,
        now,
        &format!("/v3/historical-candle/intraday/{share}/minutes/1"),
    );
    let rows = minutes["candles"].as_array().expect("rows");
    assert!(rows.len() > 330, "{}", rows.len());
    for row in rows {
        let prices = [1, 2, 3, 4].map(|at| row[at].as_f64().expect("rupees"));
        let [open, high, low, close] = prices;
        assert!(low <= open.min(close) && open.max(close) <= high, "{row}");
    }
    let past = ask(
        broker,
        now,
        &format!("/v3/historical-candle/{share}/days/1/2025-12-14/2025-12-01"),
    );
    assert_eq!(past["candles"], Value::Array(Vec::new()));
    let flows = ask(broker, now, "/v2/market/dii?interval=1D&data_type=NSE_EQ%7CCASH");
    assert_eq!(flows["NSE_EQ|CASH"], Value::Array(Vec::new()));
}

#[test]
fn history_of_a_recorded_day_is_what_lies_recorded_beside_it() {
    let Some(data) = data("history_of_a_recorded_day_is_what_lies_recorded_beside_it") else {
        return;
    };
    let spec = DaySpec::Path(data.join("nse-eq-1min-2016/2016-08-18.csv.zst"));
    let source = day::open(&spec, 1).unwrap_or_else(|error| panic!("{error}"));
    let info = source.info().clone();
    let mut broker = Broker::new(&info, settings());
    broker.prepare_desk(source.morning());
    let key = info
        .instruments
        .iter()
        .find(|row| row.symbol == "RELIANCE")
        .map(|row| row.key.replace('|', "%7C"))
        .expect("a large share");
    let mut candles = |unit: &str, from: &str| -> Vec<Value> {
        let target = format!("/v3/historical-candle/{key}/{unit}/1/2016-08-30/{from}");
        let answer = ask(&mut broker, info.day.at(DurationNs::from_hm(10, 0)), &target);
        answer["candles"].as_array().expect("rows").clone()
    };
    let days = candles("days", "2016-01-01");
    let starts: Vec<&str> = days.iter().filter_map(|row| row[0].as_str()).collect();
    assert_eq!(starts, ["2016-08-17T00:00:00+05:30", "2016-08-16T00:00:00+05:30"]);
    assert_eq!(candles("minutes", "2016-08-17").len(), 375);
    assert_eq!(candles("weeks", "2016-08-15").len(), 1);
    assert!(days.iter().all(|row| row[5].as_i64() > Some(100_000)), "{days:?}");
}
