//! What the gateway tests share: an instrument table, commands, the broker's JSON by hand, and short event notes.
#![allow(dead_code, reason = "each test binary uses its own part")]

use bijli_core::command::{Cancel, Modify, Place};
use bijli_core::instrument::InstrumentKind;
use bijli_core::order::{BrokerOrderId, IntentId, OrderState, OrderType, Purpose, Side, Validity};
use bijli_core::text::Text;
use bijli_core::{Command, DurationNs, Event, Instrument, InstrumentId, IstDay, Price, Qty, SectorId, TsNs};
use bijli_gateway::{Gateway, GatewayConfig, KnownOrder, Reply, Request, Transport};

pub(crate) fn at(ms: i64) -> TsNs {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    day.at(DurationNs::from_hm(10, 0))
        .plus(DurationNs::from_millis(ms))
}

pub(crate) fn instruments() -> Vec<Instrument> {
    ["NSE_EQ|X", "NSE_FO|45450"]
        .iter()
        .enumerate()
        .map(|(index, key)| {
            let id = InstrumentId::new(index as u32);
            Instrument {
                id,
                kind: if index == 0 {
                    InstrumentKind::Equity
                } else {
                    InstrumentKind::Future
                },
                underlying: id,
                tick: Price::from_paise(5),
                lot: Qty::new(if index == 0 { 1 } else { 75 }),
                freeze: Qty::new(10_000),
                prev_close: Price::from_paise(10_000),
                expiry: IstDay::new(0),
                strike: Price::NONE,
                lower_band: Price::NONE,
                upper_band: Price::NONE,
                sector: SectorId::OTHER,
                key: Text::new(key).expect("short"),
                symbol: Text::new(key).expect("short"),
            }
        })
        .collect()
}

pub(crate) fn gateway() -> Gateway {
    Gateway::new(GatewayConfig::default(), &instruments())
}

pub(crate) fn intent(sequence: u32) -> IntentId {
    IntentId::new(1, sequence)
}

pub(crate) fn order_id(id: &str) -> BrokerOrderId {
    Text::new(id).expect("short")
}

pub(crate) fn place(sequence: u32, purpose: Purpose) -> Command {
    Command::Place(Place {
        ts: at(0),
        intent: intent(sequence),
        instrument: InstrumentId::new(0),
        side: if purpose == Purpose::Entry {
            Side::Buy
        } else {
            Side::Sell
        },
        purpose,
        order_type: OrderType::Limit,
        validity: Validity::Day,
        qty: Qty::new(75),
        price: Price::from_paise(10_000),
        trigger: Price::NONE,
    })
}

pub(crate) fn entry(sequence: u32) -> Command {
    place(sequence, Purpose::Entry)
}

/// An entry that was decided at `ts`.
pub(crate) fn entry_of(ts: TsNs, sequence: u32) -> Command {
    let Command::Place(place) = entry(sequence) else {
        unreachable!("an entry is a placement");
    };
    Command::Place(Place { ts, ..place })
}

pub(crate) fn exit(sequence: u32) -> Command {
    place(sequence, Purpose::Exit)
}

pub(crate) fn cancel(sequence: u32, id: &str) -> Command {
    Command::Cancel(Cancel {
        ts: at(0),
        intent: intent(sequence),
        order_id: order_id(id),
    })
}

pub(crate) fn modify(sequence: u32, id: &str, purpose: Purpose) -> Command {
    Command::Modify(Modify {
        ts: at(0),
        intent: intent(sequence),
        order_id: order_id(id),
        purpose,
        order_type: OrderType::Limit,
        qty: Qty::new(75),
        price: Price::from_paise(10_005),
        trigger: Price::NONE,
    })
}

pub(crate) fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply {
        outcome: Ok(status),
        body: body.into(),
    }
}

pub(crate) fn lost(wrote_bytes: bool) -> Reply {
    Reply {
        outcome: Err(Transport { wrote_bytes }),
        body: Vec::new(),
    }
}

pub(crate) fn refusal(status: u16, code: &str) -> Reply {
    reply(
        status,
        format!(r#"{{"status":"error","errors":[{{"error_code":"{code}","errorCode":"{code}"}}]}}"#),
    )
}

pub(crate) fn acked(id: &str) -> Reply {
    reply(
        200,
        format!(r#"{{"status":"success","data":{{"order_ids":["{id}"]}}}}"#),
    )
}

pub(crate) fn list(rows: &[String]) -> Reply {
    reply(
        200,
        format!(r#"{{"status":"success","data":[{}]}}"#, rows.join(",")),
    )
}

/// An order row; `owner` is our intent's number, `None` for somebody else's order.
pub(crate) fn row(id: &str, owner: Option<u32>, status: &str, filled: i64) -> String {
    let tag = owner.map_or("null".to_owned(), |sequence| {
        format!("\"{}\"", intent(sequence).tag())
    });
    format!(
        r#"{{"order_id":"{id}","tag":{tag},"instrument_token":"NSE_EQ|X","transaction_type":"BUY","quantity":75,
        "filled_quantity":{filled},"price":100.0,"trigger_price":0,"average_price":0,"order_type":"LIMIT",
        "validity":"DAY","status":"{status}","order_timestamp":null}}"#
    )
}

/// The same row as the order stream sends it.
pub(crate) fn frame(id: &str, owner: Option<u32>, status: &str, filled: i64) -> Vec<u8> {
    row(id, owner, status, filled)
        .replacen('{', r#"{"update_type":"order","#, 1)
        .into_bytes()
}

pub(crate) fn trade(id: &str, trade: &str, qty: i64) -> String {
    format!(
        r#"{{"order_id":"{id}","trade_id":"{trade}","instrument_token":"NSE_EQ|X","transaction_type":"BUY",
        "quantity":{qty},"average_price":100.05}}"#
    )
}

pub(crate) fn position(key: &str, qty: i64) -> String {
    format!(r#"{{"instrument_token":"{key}","quantity":{qty}}}"#)
}

/// The same with a last price in rupees.
pub(crate) fn position_at(key: &str, qty: i64, last: f64) -> String {
    format!(r#"{{"instrument_token":"{key}","quantity":{qty},"last_price":{last}}}"#)
}

/// The next request, which must go to this path.
pub(crate) fn expect(gateway: &mut Gateway, now: TsNs, path: &str) -> Request {
    let request = gateway
        .poll_request(now)
        .unwrap_or_else(|| panic!("no request, expected {path}"));
    assert!(
        request.path.starts_with(path),
        "{} instead of {path}",
        request.path
    );
    request
}

/// Answers the next request, which must go to this path.
pub(crate) fn answer(gateway: &mut Gateway, now: TsNs, path: &str, reply: &Reply) {
    let request = expect(gateway, now, path);
    gateway.handle_reply(now, request.id, reply);
}

/// Gets the first read of the book, which is due at once, out of the way.
pub(crate) fn settle(gateway: &mut Gateway, now: TsNs) {
    answer(gateway, now, BOOK, &list(&[]));
    assert_eq!(notes(gateway), Vec::<String>::new());
}

pub(crate) const BOOK: &str = "/v2/order/retrieve-all";
pub(crate) const PLACE: &str = "/v3/order/place";
pub(crate) const MODIFY: &str = "/v3/order/modify";
pub(crate) const CANCEL: &str = "/v3/order/cancel";
pub(crate) const HISTORY: &str = "/v2/order/history?tag=";
pub(crate) const TRADES: &str = "/v2/order/trades?order_id=";
pub(crate) const TRADES_OF_DAY: &str = "/v2/order/trades/get-trades-for-day";
pub(crate) const POSITIONS: &str = "/v2/portfolio/short-term-positions";
pub(crate) const FUNDS: &str = "/v3/user/get-funds-and-margin";

/// Funds of so many rupees, nothing used.
pub(crate) fn funds(rupees: u32) -> Reply {
    reply(
        200,
        format!(r#"{{"status":"success","data":{{"available_to_trade":{{"total":{rupees}.0}}}}}}"#),
    )
}

/// All events so far, one line each: enough to compare whole lists by eye. Funds, which every round brings, are left
/// out.
pub(crate) fn notes(gateway: &mut Gateway) -> Vec<String> {
    std::iter::from_fn(|| gateway.poll_event())
        .filter(|event| !matches!(event, Event::FundsReported(_)))
        .map(|event| note(&event))
        .collect()
}

pub(crate) fn note(event: &Event) -> String {
    let owner =
        |intent: Option<IntentId>| intent.map_or("foreign".to_owned(), |id| id.sequence().to_string());
    match event {
        Event::IntentResolved(resolved) => format!(
            "{} {:?} {}{}",
            resolved.intent.sequence(),
            resolved.submission,
            resolved.order_id,
            resolved.code
        ),
        Event::OrderUpdated(update) => format!(
            "{} {} is {:?} {}/{}",
            owner(update.intent),
            update.order_id,
            update.status,
            update.filled,
            update.qty
        ),
        Event::Traded(trade) => format!(
            "{} {} traded {} {}@{}",
            owner(trade.intent),
            trade.order_id,
            trade.trade_id,
            trade.qty,
            trade.price
        ),
        Event::PositionReported(report) => {
            let last = report.last_price;
            let last = if last.is_set() {
                format!(" at {last}")
            } else {
                String::new()
            };
            format!("position {} {}{last}", report.instrument.get(), report.qty)
        }
        Event::Reconciled(done) => format!("reconciled {} {}", done.broker_orders, done.foreign_orders),
        Event::FlatChecked(shown) => format!(
            "flat {} {}{} {} {}",
            shown.open_positions,
            shown.unlisted_positions,
            shown.unlisted_key,
            shown.live_orders,
            shown.foreign_orders
        ),
        other => format!("{other:?}"),
    }
}

/// An order of a former process.
pub(crate) fn known(sequence: u32, id: Option<&str>, state: OrderState) -> KnownOrder {
    KnownOrder {
        modifies: 0,
        is_changing: false,
        intent: Some(intent(sequence)),
        order_id: id.map_or(BrokerOrderId::EMPTY, order_id),
        instrument: InstrumentId::new(0),
        side: Side::Buy,
        qty: Qty::new(75),
        filled: Qty::ZERO,
        state,
    }
}
