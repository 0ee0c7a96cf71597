//! The readers against answers that the broker really sent (recorded April 2026), and against what becomes of them
//! when bytes are lost or changed.
//!
//! Looks in `$BIJLI_DATA`, else in `../shared/data` beside the workspace. Without data the tests say that they were
//! skipped; under `CI=true` they fail.

mod answers;

use std::path::PathBuf;

use bijli_core::Price;
use bijli_core::order::BrokerOrderId;
use bijli_gateway::evidence::{ErrorClass, Outcome, ReadError};
use bijli_gateway::upstox::candle_api::candles_of;
use bijli_gateway::upstox::option_api::{chain_of, contracts_of};
use bijli_gateway::upstox::order_api::outcome_of_write;
use bijli_gateway::upstox::portfolio_stream::{self, PortfolioReader};
use bijli_gateway::upstox::{auth_api, failure, quote_api};
use proptest::prelude::*;
use serde_json::Value;

use self::answers::{READERS, reply, samples};

/// A recording, or `None` without data.
fn recording(test: &str, name: &str) -> Option<Value> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let data = std::env::var_os("BIJLI_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
    let path = data.join("upstox-rest").join(name);
    if !path.exists() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "no market data under CI: set BIJLI_DATA"
        );
        println!("skipped (no market data): {test}");
        return None;
    }
    let bytes = std::fs::read(&path).expect("a readable file");
    let bytes = if name.ends_with(".zst") {
        zstd::decode_all(bytes.as_slice()).expect("a zstd file")
    } else {
        bytes
    };
    Some(serde_json::from_slice(&bytes).expect("a recording is JSON"))
}

fn answer(recording: &Value) -> bijli_gateway::Reply {
    reply(200, recording["response"].to_string())
}

#[test]
fn recorded_candles_come_out_oldest_first() {
    let test = "recorded_candles_come_out_oldest_first";
    let Some(recorded) = recording(test, "historical_candles/niftybees_daily_30d.json") else {
        return;
    };
    let sent = recorded["response"]["data"]["candles"]
        .as_array()
        .expect("a list");
    let candles = candles_of(&answer(&recorded)).expect("candles");
    assert_eq!(candles.len(), sent.len());
    assert!(candles.windows(2).all(|pair| pair[0].begin < pair[1].begin));
    let last = candles.last().expect("a candle");
    assert_eq!(last.begin.to_string(), "2026-04-01 00:00:00");
    assert_eq!(
        (last.close, last.volume.get()),
        (Price::from_paise(25_745), 16_273_357)
    );
    assert!(candles.iter().all(|candle| candle.is_consistent()));
}

#[test]
fn a_recorded_refusal_is_read_by_its_code() {
    let test = "a_recorded_refusal_is_read_by_its_code";
    let Some(recorded) = recording(test, "historical_candles/niftybees_daily_error.json") else {
        return;
    };
    let body = recorded["response"]["body"].as_str().expect("a body");
    let error = candles_of(&reply(400, body)).expect_err("a refusal");
    let ReadError::Refused(refusal) = error else {
        panic!("{error}");
    };
    assert_eq!(
        (refusal.code.as_str(), refusal.class),
        ("UDAPI100011", ErrorClass::Validation)
    );
    let message = failure::failures_of(body.as_bytes())[0].message.clone();
    assert_eq!(message.as_deref(), Some("Invalid Instrument key"));
}

#[test]
fn a_recorded_chain_and_its_contracts_agree() {
    let test = "a_recorded_chain_and_its_contracts_agree";
    let names = [
        "option_chain/nifty_chain_2026-04-07.json.zst",
        "option_chain/nifty_option_contracts.json.zst",
    ];
    let (Some(chain), Some(contracts)) = (recording(test, names[0]), recording(test, names[1])) else {
        return;
    };
    let rows = chain_of(&answer(&chain)).expect("a chain");
    let listed = contracts_of(&answer(&contracts)).expect("contracts");
    assert_eq!(
        rows.len(),
        chain["response"]["data"].as_array().expect("a list").len()
    );
    assert_eq!(
        listed.len(),
        contracts["response"]["data"].as_array().expect("a list").len()
    );
    assert!(
        rows.windows(2)
            .all(|pair| pair[0].strike_price < pair[1].strike_price)
    );
    let put = rows[0].put_options.as_ref().expect("a put");
    let greeks = put.option_greeks.as_ref().expect("greeks");
    assert!(
        (greeks.iv.expect("a volatility").0 - 0.4114).abs() < 1e-12,
        "a fraction, not percent"
    );
    let mut matched = 0;
    for row in &rows {
        let call = row.call_options.as_ref().expect("a call");
        let Some(contract) = listed
            .iter()
            .find(|contract| contract.instrument_key == call.instrument_key)
        else {
            continue;
        };
        assert_eq!(contract.strike_price, Some(row.strike_price));
        assert_eq!(contract.expiry, Some(row.expiry));
        assert_eq!(contract.tick_size.map(|tick| tick.0), Some(Price::from_paise(5)));
        matched += 1;
    }
    assert!(matched > 50, "{matched} strikes have their contract");
}

#[test]
fn a_recorded_quote_and_recorded_writes_are_read() {
    let test = "a_recorded_quote_and_recorded_writes_are_read";
    let Some(quote) = recording(test, "market_quote/niftybees_ltp.json") else {
        return;
    };
    let rows = quote_api::ltp_of(&answer(&quote)).expect("a quote");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].instrument_key.as_str(), rows[0].last_price),
        ("NSE_EQ|INF204KB14I2", Price::from_paise(25_275))
    );
    let acked = Outcome::Acked(BrokerOrderId::new("260402114232799").expect("short"));
    for name in ["place", "modify", "cancel"] {
        let recorded =
            recording(test, &format!("orders/{name}_order_success.json")).expect("beside the quote");
        assert_eq!(outcome_of_write(&answer(&recorded)), acked, "{name}");
    }
}

/// Every answer at hand: the samples, and the small recordings where there are any.
fn bodies() -> Vec<String> {
    let mut bodies: Vec<String> = samples()
        .into_iter()
        .map(|(_, sent, _)| sent.to_string())
        .collect();
    let names = [
        "historical_candles/niftybees_daily_30d.json",
        "market_quote/niftybees_ltp.json",
    ];
    let recorded = names
        .iter()
        .filter_map(|name| recording("mutated recordings", name));
    bodies.extend(recorded.map(|recorded| recorded["response"].to_string()));
    bodies
}

/// One node of a tree, by number, replaced.
fn replace(tree: &mut Value, at: &mut usize, with: &Value) {
    if *at == 0 {
        *tree = with.clone();
    }
    *at = at.wrapping_sub(1);
    match tree {
        Value::Array(list) => list.iter_mut().for_each(|value| replace(value, at, with)),
        Value::Object(map) => map.values_mut().for_each(|value| replace(value, at, with)),
        _ => {}
    }
}

/// Whatever comes, a reader answers or says in words why not.
fn read_by_all(body: &[u8]) {
    for status in [200, 207, 400] {
        for (_, read) in READERS {
            if let Err(error) = read(&reply(status, body)) {
                assert!(!error.to_string().is_empty());
            }
        }
        let _outcome = outcome_of_write(&reply(status, body));
    }
    let _notice = auth_api::notice_of(body);
    let _failures = failure::failures_of(body);
    let _update = portfolio_stream::read(body);
    let _told = PortfolioReader::default().take(body);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_bytes_never_panic(pick in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte: u8) {
        let bodies = bodies();
        let mut body = bodies[pick.index(bodies.len())].clone().into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        read_by_all(&body);
        body.truncate(at);
        read_by_all(&body);
    }

    #[test]
    fn changed_types_never_panic(pick in any::<prop::sample::Index>(), at in 0_usize..60, which in 0_usize..12) {
        let bodies = bodies();
        let mut tree: Value = serde_json::from_str(&bodies[pick.index(bodies.len())]).expect("well-formed");
        let with = [
            Value::Null, Value::Bool(true), 0.into(), (-1).into(), i64::MAX.into(), u64::MAX.into(), 1e300.into(),
            f64::MIN_POSITIVE.into(), "".into(), "\u{915} NaN".into(), Value::Array(vec![Value::Null]),
            serde_json::json!({"": {}}),
        ];
        let mut at = at;
        replace(&mut tree, &mut at, &with[which]);
        read_by_all(tree.to_string().as_bytes());
    }

    #[test]
    fn any_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        read_by_all(&body);
    }

    #[test]
    fn any_address_never_panics(address in "\\PC*") {
        let _callback = auth_api::callback_of(&address);
        let _callback = auth_api::callback_of(&format!("/?code={address}"));
    }
}
