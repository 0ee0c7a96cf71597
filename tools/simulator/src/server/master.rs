//! The instrument master in the broker's shape: every instrument of the day, and a future on each share, so
//! that a client which derives its universe from futures finds the day's shares in it.
//!
//! The added futures never tick and cannot be traded; they are contracts of the month of the day with lot 1.
//! Row shapes: reference sheet 7.6 (tick size in paise, expiry in epoch milliseconds at 23:59:59).

use std::io::Write;

use bijli_core::instrument::InstrumentKind;
use bijli_core::price::UNITS_PER_PAISA;
use bijli_core::{DurationNs, IstDay, Price};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::day::{DayInfo, DayInstrument};

/// Exchange tokens of the added futures begin here, beyond those of real contracts.
const FUTURE_TOKENS_FROM: usize = 9_000_001;
const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

/// Which lots the rows tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lots {
    True,
    /// Twice the true ones, for derivatives.
    Doubled,
}

/// The master as a gzipped JSON array.
pub(super) fn gzipped(info: &DayInfo, lots: Lots) -> Vec<u8> {
    let mut rows = rows(info);
    if lots == Lots::Doubled {
        for row in rows.as_array_mut().expect("rows are an array") {
            if row["segment"] == "NSE_FO" {
                let lot = row["lot_size"].as_i64().unwrap_or_default() * 2;
                row["lot_size"] = lot.into();
                row["minimum_lot"] = lot.into();
            }
        }
    }
    packed(rows.to_string().as_bytes())
}

/// Bytes as a gzip file.
pub(super) fn packed(bytes: &[u8]) -> Vec<u8> {
    const MEMORY: &str = "memory takes every write";
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).expect(MEMORY);
    packer.finish().expect(MEMORY)
}

fn rows(info: &DayInfo) -> Value {
    let mut rows = Vec::new();
    for (place, instrument) in info.instruments.iter().enumerate() {
        rows.push(row(instrument, place));
        if instrument.kind == InstrumentKind::Equity {
            rows.push(future_row(instrument, place, info.day));
        }
    }
    Value::Array(rows)
}

fn paise(price: Price) -> f64 {
    price.get() as f64 / UNITS_PER_PAISA as f64
}

fn expiry_ms(day: IstDay) -> i64 {
    day.at(DurationNs::from_secs(86_399)).get() / 1_000_000
}

fn row(instrument: &DayInstrument, place: usize) -> Value {
    let ident = instrument.key.split_once('|').map_or("", |(_, ident)| ident);
    match instrument.kind {
        InstrumentKind::Index => json!({
            "segment": "NSE_INDEX", "name": instrument.name, "exchange": "NSE", "instrument_type": "INDEX",
            "instrument_key": instrument.key, "exchange_token": place.to_string(),
            "trading_symbol": instrument.symbol,
        }),
        InstrumentKind::Equity => json!({
            "segment": "NSE_EQ", "name": instrument.name, "exchange": "NSE", "isin": ident, "instrument_type": "EQ",
            "instrument_key": instrument.key, "lot_size": instrument.lot.get(),
            "freeze_quantity": instrument.freeze.get() as f64, "exchange_token": place.to_string(),
            "tick_size": paise(instrument.tick), "trading_symbol": instrument.symbol,
            "short_name": instrument.symbol, "security_type": "NORMAL", "qty_multiplier": 1.0,
        }),
        InstrumentKind::Future | InstrumentKind::Call | InstrumentKind::Put => {
            let (key, symbol) = instrument.underlying.clone().unwrap_or_default();
            derivative(instrument, ident, &key, &symbol)
        }
    }
}

fn derivative(instrument: &DayInstrument, token: &str, underlying: &str, underlying_symbol: &str) -> Value {
    let word = match instrument.kind {
        InstrumentKind::Call => "CE",
        InstrumentKind::Put => "PE",
        InstrumentKind::Equity | InstrumentKind::Index | InstrumentKind::Future => "FUT",
    };
    let of_index = underlying.starts_with("NSE_INDEX");
    let sort = if of_index { "INDEX" } else { "EQUITY" };
    json!({
        "weekly": false, "segment": "NSE_FO", "name": underlying_symbol, "exchange": "NSE",
        "expiry": instrument.expiry.map(expiry_ms), "instrument_type": word, "asset_symbol": underlying_symbol,
        "underlying_symbol": underlying_symbol, "instrument_key": instrument.key,
        "lot_size": instrument.lot.get(), "freeze_quantity": instrument.freeze.get() as f64,
        "exchange_token": token, "minimum_lot": instrument.lot.get(), "asset_key": underlying,
        "underlying_key": underlying, "tick_size": paise(instrument.tick), "asset_type": sort,
        "underlying_type": sort, "trading_symbol": instrument.symbol,
        "strike_price": instrument.strike.rupees(), "qty_multiplier": 1.0,
    })
}

fn future_row(share: &DayInstrument, place: usize, day: IstDay) -> Value {
    let expiry = month_end(day);
    let (year, month, date) = expiry.ymd();
    let token = (FUTURE_TOKENS_FROM + place).to_string();
    let future = DayInstrument {
        key: format!("NSE_FO|{token}"),
        symbol: format!(
            "{} FUT {date} {} {:02}",
            share.symbol,
            MONTHS[month as usize - 1],
            year % 100
        ),
        kind: InstrumentKind::Future,
        expiry: Some(expiry),
        ..share.clone()
    };
    derivative(&future, &token, &share.key, &share.symbol)
}

/// The last day of the month of `day`: an expiry that is never before it.
fn month_end(day: IstDay) -> IstDay {
    let (year, month, _) = day.ymd();
    let next = if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    };
    let first = IstDay::from_ymd(next.0, next.1, 1).expect("every month has a first day");
    IstDay::new(first.get() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::{DaySource, synthetic::SyntheticDay};

    #[test]
    fn each_share_is_the_underlying_of_a_future_that_has_not_expired() {
        let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
        let source = SyntheticDay::new(day, 180, 1);
        let rows = rows(source.info());
        let rows = rows.as_array().expect("an array");
        let count = |kind: &str| rows.iter().filter(|row| row["instrument_type"] == kind).count();
        assert_eq!((count("EQ"), count("FUT"), count("INDEX")), (180, 180, 2));
        for future in rows.iter().filter(|row| row["instrument_type"] == "FUT") {
            assert!(
                rows.iter()
                    .any(|row| row["instrument_key"] == future["underlying_key"])
            );
            assert!(future["expiry"].as_i64() >= Some(expiry_ms(day)));
        }
    }
}
