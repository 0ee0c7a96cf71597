//! The broker through its public face: calls in, replies and stream messages out, the ledger at the end.

use bijli_core::event::DataKind;
use bijli_core::instrument::InstrumentKind;
use bijli_core::{DurationNs, IstDay, Money, Price, Qty, TsNs};
use bijli_gateway::paper::fill::Book;
use serde_json::{Value, json};

use super::faults::{Fault, Faults};
use super::limiter::RateLimits;
use super::{
    ApiCall, ApiReply, Broker, BrokerOptions, BrokerSettings, Delivery, Host, LOCAL_PEER, Moments, Status,
};
use crate::day::{DayInfo, DayInstrument};

mod account;
mod bounds;
mod call_faults;
mod change;
mod conserve;
mod entry;
mod lifecycle;
mod gtt;
mod login;
mod minute_faults;
mod money;
mod multi;
mod options;
mod order_faults;
mod schema;
mod wire_faults;

const SHARE: &str = "NSE_EQ|INE9SIM00001";
const CALL: &str = "NSE_FO|51420";

fn day() -> IstDay {
    IstDay::from_ymd(2026, 7, 31).expect("a real date")
}

fn at(hour: i64, minute: i64, ms: i64) -> TsNs {
    day().at(DurationNs::from_hm(hour, minute).plus(DurationNs::from_millis(ms)))
}

fn instrument(key: &str, symbol: &str, kind: InstrumentKind, lot: i64, freeze: i64) -> DayInstrument {
    DayInstrument {
        key: key.to_owned(),
        symbol: symbol.to_owned(),
        name: symbol.to_owned(),
        kind,
        tick: Price::from_paise(5),
        lot: Qty::new(lot),
        freeze: Qty::new(freeze),
        expiry: None,
        strike: Price::NONE,
        underlying: None,
    }
}

/// A broker and a clock that moves only when a test says so.
struct Bench {
    broker: Broker,
    token: String,
    now: TsNs,
}

impl Bench {
    /// Before any book has come.
    fn silent(settings: BrokerSettings) -> Self {
        let info = DayInfo {
            day: day(),
            data: DataKind::Synthetic,
            instruments: vec![
                instrument(SHARE, "AVINTASTL", InstrumentKind::Equity, 1, 100_000),
                instrument(CALL, "BANKNIFTY 59200 CE", InstrumentKind::Call, 35, 595),
                instrument("NSE_INDEX|SIM 50", "SIM 50", InstrumentKind::Index, 1, 1),
            ],
            notes: Vec::new(),
        };
        let broker = Broker::new(&info, settings);
        Self {
            token: broker.token().to_owned(),
            broker,
            now: at(10, 0, 0),
        }
    }

    fn with(settings: BrokerSettings) -> Self {
        let mut bench = Self::silent(settings);
        bench.book(0, 9_995, 500, 10_000, 500);
        bench.book(1, 50_000, 70, 50_100, 70);
        bench
    }

    fn new() -> Self {
        Self::with(settings())
    }

    /// Prices in paise.
    fn book(&mut self, instrument: u32, bid: i64, bid_qty: i64, ask: i64, ask_qty: i64) {
        let book = Book {
            bid: Price::from_paise(bid),
            ask: Price::from_paise(ask),
            bid_qty: Qty::new(bid_qty),
            ask_qty: Qty::new(ask_qty),
            ltp: Price::from_paise(bid),
        };
        self.broker.apply_book(self.now, instrument, book);
    }

    fn raw(&mut self, host: Host, method: &str, target: &str, body: &str) -> ApiReply {
        let call = ApiCall {
            host,
            method,
            target,
            bearer: Some(&self.token),
            headers: &[],
            peer: LOCAL_PEER,
            body: body.as_bytes(),
        };
        self.broker.handle(Moments::at(self.now), &call)
    }

    fn call(&mut self, host: Host, method: &str, target: &str, body: &Value) -> (u16, Value) {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let reply = self.raw(host, method, target, &text);
        (
            reply.status,
            serde_json::from_slice(&reply.body).expect("replies are JSON"),
        )
    }

    fn get(&mut self, target: &str) -> Value {
        let (status, body) = self.call(Host::Api, "GET", target, &Value::Null);
        assert_eq!(status, 200, "{body}");
        body["data"].clone()
    }

    fn place(&mut self, changes: &[(&str, Value)]) -> Result<String, String> {
        let (status, body) = self.call(Host::Order, "POST", "/v3/order/place", &order(changes));
        if status == 200 {
            Ok(body["data"]["order_ids"][0].as_str().expect("an id").to_owned())
        } else {
            Err(code(&body))
        }
    }

    fn states(&mut self, id: &str) -> Vec<String> {
        let rows = self.get(&format!("/v2/order/history?order_id={id}"));
        let rows = rows.as_array().expect("rows").iter();
        rows.map(|row| row["status"].as_str().expect("a word").to_owned())
            .collect()
    }

    fn cancel(&mut self, id: &str) -> (u16, Value) {
        self.call(
            Host::Order,
            "DELETE",
            &format!("/v3/order/cancel?order_id={id}"),
            &Value::Null,
        )
    }

    /// Trades as (quantity, price in paise).
    fn trades(&mut self, id: &str) -> Vec<(i64, i64)> {
        let rows = self.get(&format!("/v2/order/trades?order_id={id}"));
        let paise = |row: &Value| (row["average_price"].as_f64().expect("a price") * 100.0).round() as i64;
        rows.as_array()
            .expect("rows")
            .iter()
            .map(|row| (row["quantity"].as_i64().expect("units"), paise(row)))
            .collect()
    }
}

fn settings() -> BrokerSettings {
    BrokerSettings {
        capital: Money::from_rupees(100_000),
        seed: 7,
        faults: Faults::NONE,
        rate_limits: RateLimits::Off,
        exchange_delay: DurationNs::ZERO,
        options: no_holdings(),
    }
}

/// A rich client under these faults, drawn from `seed`.
fn bench_of(faults: Faults, seed: u64) -> Bench {
    let mut bench = Bench::with(BrokerSettings {
        capital: Money::from_rupees(1_000_000),
        seed,
        ..settings()
    });
    bench.broker.set_faults(faults);
    bench
}

fn no_holdings() -> BrokerOptions {
    BrokerOptions {
        demo_holdings: 0,
        ..BrokerOptions::default()
    }
}

fn order(changes: &[(&str, Value)]) -> Value {
    let mut body = json!({
        "instrument_token": SHARE, "quantity": 10, "product": "I", "validity": "DAY", "price": 99.0,
        "order_type": "LIMIT", "transaction_type": "BUY", "disclosed_quantity": 0, "trigger_price": 0.0,
        "is_amo": false, "tag": "BJ01", "slice": false,
    });
    for (name, value) in changes {
        body[*name] = value.clone();
    }
    body
}

fn code(body: &Value) -> String {
    let error = &body["errors"][0];
    assert_eq!(error["errorCode"], error["error_code"], "both spellings");
    error["error_code"].as_str().expect("a code").to_owned()
}
