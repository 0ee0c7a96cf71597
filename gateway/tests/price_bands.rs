//! The day's price bands through the gateway's public face: read last of all, told when they are news.

mod scripted;

use bijli_core::event::BandReported;
use bijli_core::{DurationNs, Event, Price, TsNs};
use bijli_gateway::{Gateway, GatewayConfig, Reply};
use scripted::*;

const QUOTES: &str = "/v2/market-quote/quotes?symbol=";
const BOTH: &str = "/v2/market-quote/quotes?symbol=NSE_EQ%7CX%2CNSE_FO%7C45450";

/// A gateway that reads bands each minute, reconciled with an empty account at the hour.
fn reconciled() -> Gateway {
    let config = GatewayConfig {
        band_pause: DurationNs::from_secs(60),
        poll_idle: DurationNs::from_secs(3_600),
        ..GatewayConfig::default()
    };
    let mut gateway = Gateway::new(config, &instruments());
    gateway.start_reconcile(at(0));
    let mut ms = 0;
    while gateway.is_reconciling() {
        ms += 100;
        while gateway.is_reconciling()
            && let Some(request) = gateway.poll_request(at(ms))
        {
            let answer = if request.path.starts_with(FUNDS) {
                funds(1_000)
            } else {
                list(&[])
            };
            gateway.handle_reply(at(ms), request.id, &answer);
        }
        assert!(ms < 60_000, "two empty rounds agree");
    }
    while gateway.poll_event().is_some() {}
    gateway
}

fn quote(key: &str, lower: &str, upper: &str) -> String {
    format!(
        r#""{key}":{{"instrument_token":"{key}","last_price":100.0,
        "lower_circuit_limit":{lower},"upper_circuit_limit":{upper}}}"#
    )
}

fn quotes(rows: &[String]) -> Reply {
    reply(
        200,
        format!(r#"{{"status":"success","data":{{{}}}}}"#, rows.join(",")),
    )
}

/// The bands told so far, in paise.
fn told(gateway: &mut Gateway) -> Vec<(u32, i64, i64)> {
    let paise = |price: Price| price.get() / 100;
    std::iter::from_fn(|| gateway.poll_event())
        .filter_map(|event| match event {
            Event::BandReported(BandReported {
                instrument,
                lower,
                upper,
                ..
            }) => Some((instrument.get(), paise(lower), paise(upper))),
            _ => None,
        })
        .collect()
}

/// Answers whatever is not about quotes with nothing, and gives the next request for quotes.
fn next_quotes(gateway: &mut Gateway, now: TsNs) -> Option<bijli_gateway::Request> {
    while let Some(request) = gateway.poll_request(now) {
        if request.path.starts_with(QUOTES) {
            return Some(request);
        }
        let answer = if request.path.starts_with(FUNDS) {
            funds(1_000)
        } else {
            list(&[])
        };
        gateway.handle_reply(now, request.id, &answer);
    }
    None
}

#[test]
fn bands_are_read_after_reconciliation_and_only_news_is_told() {
    let mut gateway = reconciled();
    let first = quotes(&[
        quote("NSE_EQ|X", "90.0", "110.0"),
        quote("NSE_FO|45450", "0.0", "null"),
    ]);
    let request = next_quotes(&mut gateway, at(10_000)).expect("bands are due");
    assert_eq!(request.path, BOTH);
    assert_eq!(gateway.in_flight(), 0, "nothing waits for a band");
    gateway.handle_reply(at(10_100), request.id, &first);
    assert_eq!(told(&mut gateway), [(0, 9_000, 11_000)]);
    assert!(next_quotes(&mut gateway, at(69_000)).is_none());
    let request = next_quotes(&mut gateway, at(70_000)).expect("a minute later");
    gateway.handle_reply(at(70_100), request.id, &first);
    assert_eq!(told(&mut gateway), []);
    let request = next_quotes(&mut gateway, at(130_000)).expect("another minute later");
    let moved = quotes(&[
        quote("NSE_EQ|X", "90.0", "115.0"),
        quote("NSE_FO|45450", "50.0", "150.0"),
    ]);
    gateway.handle_reply(at(130_100), request.id, &moved);
    assert_eq!(told(&mut gateway), [(0, 9_000, 11_500), (1, 5_000, 15_000)]);
}

#[test]
fn a_failed_read_tells_nothing_and_comes_again_and_a_wrong_key_is_left_alone() {
    let mut gateway = reconciled();
    let request = next_quotes(&mut gateway, at(10_000)).expect("bands are due");
    gateway.handle_reply(at(10_100), request.id, &reply(200, "<html>"));
    assert_eq!(told(&mut gateway), []);
    assert!(next_quotes(&mut gateway, at(70_000)).is_none());
    let request = next_quotes(&mut gateway, at(70_100)).expect("a minute after the failure");
    assert_eq!(request.path, BOTH);
    gateway.handle_reply(at(70_200), request.id, &refusal(400, "UDAPI100011"));
    let request = next_quotes(&mut gateway, at(71_000)).expect("the first half");
    assert!(request.path.ends_with("NSE_EQ%7CX"), "{}", request.path);
    gateway.handle_reply(at(71_100), request.id, &refusal(400, "UDAPI100011"));
    let request = next_quotes(&mut gateway, at(72_000)).expect("the second half");
    assert!(request.path.ends_with("NSE_FO%7C45450"), "{}", request.path);
    let answer = quotes(&[quote("NSE_FO|45450", "50.0", "150.0")]);
    gateway.handle_reply(at(72_100), request.id, &answer);
    assert_eq!(told(&mut gateway), [(1, 5_000, 15_000)]);
}

#[test]
fn a_rejected_order_asks_for_the_band_of_its_instrument() {
    let mut gateway = reconciled();
    let request = next_quotes(&mut gateway, at(10_000)).expect("bands are due");
    gateway.handle_reply(at(10_100), request.id, &quotes(&[]));
    assert!(next_quotes(&mut gateway, at(20_000)).is_none());
    gateway.handle_stream_text(at(20_000), &frame("40", None, "rejected", 0));
    let request = next_quotes(&mut gateway, at(20_000)).expect("the band may have moved");
    assert!(request.path.ends_with("NSE_EQ%7CX"), "{}", request.path);
}

#[test]
fn no_band_is_read_while_an_exit_may_wait_for_a_read() {
    let mut gateway = reconciled();
    gateway.handle_command(at(9_999), &exit(1));
    let request = expect(&mut gateway, at(10_000), PLACE);
    gateway.handle_reply(at(10_000), request.id, &lost(true));
    assert!(next_quotes(&mut gateway, at(10_000)).is_none());
}

#[test]
fn without_a_pause_no_band_is_ever_read() {
    let mut gateway = gateway();
    gateway.start_reconcile(at(0));
    for ms in (0..120_000).step_by(100) {
        assert_eq!(next_quotes(&mut gateway, at(ms)), None);
    }
    assert_eq!(gateway.counts().reads_failed, 0);
}
