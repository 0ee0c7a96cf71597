//! Instruments as the broker lists them: rows of the master file, of contract lists and of the search, and the
//! exchange's short symbol.
//!
//! In the master an expiry is epoch milliseconds of 23:59:59, in answers a date; tick sizes are paise.
//! Source: the broker's API documentation (instruments), recorded contract rows for the fields of an answer.

use bijli_core::instrument::InstrumentKind;
use bijli_core::price::UNITS_PER_PAISA;
use bijli_core::{DurationNs, IstDay, Price};
use serde_json::{Value, json};

use crate::day::{DayInstrument, derivatives};

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

pub(crate) fn paise(price: Price) -> f64 {
    price.get() as f64 / UNITS_PER_PAISA as f64
}

fn expiry_ms(day: IstDay) -> i64 {
    day.at(DurationNs::from_secs(86_399)).get() / 1_000_000
}

/// What follows the bar of a key.
pub(super) fn ident(instrument: &DayInstrument) -> &str {
    instrument.key.split_once('|').map_or("", |(_, ident)| ident)
}

/// What stands before the bar of a key.
pub(super) fn segment(instrument: &DayInstrument) -> &str {
    instrument.key.split_once('|').map_or("", |(segment, _)| segment)
}

/// `EQ`, `INDEX`, `FUT`, `CE` or `PE`.
pub(crate) const fn type_word(kind: InstrumentKind) -> &'static str {
    match kind {
        InstrumentKind::Equity => "EQ",
        InstrumentKind::Index => "INDEX",
        InstrumentKind::Future => "FUT",
        InstrumentKind::Call => "CE",
        InstrumentKind::Put => "PE",
    }
}

/// Whether a derivative ends before the last week of its month.
pub(crate) fn is_weekly(instrument: &DayInstrument) -> bool {
    instrument.kind.is_option() && instrument.expiry.is_some_and(derivatives::is_week)
}

fn underlying_type(underlying: &str) -> &'static str {
    if underlying.contains("_INDEX|") {
        "INDEX"
    } else {
        "EQUITY"
    }
}

/// The exchange's short symbol: `NIFTY2611325600PE` of a week, `NIFTY26JAN25600PE` of a month,
/// `NIFTY26JANFUT`; a share's own symbol; an index by its name.
pub(super) fn short_symbol(instrument: &DayInstrument) -> String {
    let (Some(expiry), Some((_, root))) = (instrument.expiry, &instrument.underlying) else {
        return if instrument.kind == InstrumentKind::Index {
            ident(instrument).to_owned()
        } else {
            instrument.symbol.clone()
        };
    };
    let (year, month, date) = expiry.ymd();
    let place = month as usize - 1;
    let dated = if is_weekly(instrument) {
        let letter = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "O", "N", "D"][place];
        format!("{:02}{letter}{date:02}", year % 100)
    } else {
        format!("{:02}{}", year % 100, MONTHS[place])
    };
    let strike = if instrument.kind.is_option() {
        instrument.strike.rupees().to_string()
    } else {
        String::new()
    };
    format!("{root}{dated}{strike}{}", type_word(instrument.kind))
}

/// The row of the master file. `place` stands in for the exchange token of what has none in its key.
pub(crate) fn master_row(instrument: &DayInstrument, place: usize) -> Value {
    match instrument.kind {
        InstrumentKind::Index => json!({
            "segment": "NSE_INDEX", "name": instrument.name, "exchange": "NSE", "instrument_type": "INDEX",
            "instrument_key": instrument.key, "exchange_token": place.to_string(),
            "trading_symbol": instrument.symbol,
        }),
        InstrumentKind::Equity => json!({
            "segment": "NSE_EQ", "name": instrument.name, "exchange": "NSE", "isin": ident(instrument),
            "instrument_type": "EQ", "instrument_key": instrument.key, "lot_size": instrument.lot.get(),
            "freeze_quantity": instrument.freeze.get() as f64, "exchange_token": place.to_string(),
            "tick_size": paise(instrument.tick), "trading_symbol": instrument.symbol,
            "short_name": instrument.symbol, "security_type": "NORMAL", "qty_multiplier": 1.0,
        }),
        InstrumentKind::Future | InstrumentKind::Call | InstrumentKind::Put => {
            let (key, symbol) = instrument.underlying.clone().unwrap_or_default();
            let sort = underlying_type(&key);
            json!({
                "weekly": is_weekly(instrument), "segment": "NSE_FO", "name": symbol, "exchange": "NSE",
                "expiry": instrument.expiry.map(expiry_ms), "instrument_type": type_word(instrument.kind),
                "asset_symbol": symbol, "underlying_symbol": symbol, "instrument_key": instrument.key,
                "lot_size": instrument.lot.get(), "freeze_quantity": instrument.freeze.get() as f64,
                "exchange_token": ident(instrument), "minimum_lot": instrument.lot.get(), "asset_key": key,
                "underlying_key": key, "tick_size": paise(instrument.tick), "asset_type": sort,
                "underlying_type": sort, "trading_symbol": instrument.symbol,
                "strike_price": instrument.strike.rupees(), "qty_multiplier": 1.0,
            })
        }
    }
}

/// The row of a contract in an answer. Expired contracts carry a key with their date in it.
pub(super) fn contract_row(instrument: &DayInstrument, key: &str) -> Value {
    let (underlying, symbol) = instrument.underlying.clone().unwrap_or_default();
    let mut row = json!({
        "name": symbol, "segment": segment(instrument), "exchange": "NSE",
        "expiry": instrument.expiry.map(|day| day.to_string()), "instrument_key": key,
        "exchange_token": ident(instrument), "trading_symbol": instrument.symbol,
        "tick_size": paise(instrument.tick), "lot_size": instrument.lot.get(),
        "instrument_type": type_word(instrument.kind), "freeze_quantity": instrument.freeze.get() as f64,
        "underlying_key": underlying, "underlying_type": underlying_type(&underlying),
        "underlying_symbol": symbol, "minimum_lot": instrument.lot.get(),
    });
    if instrument.kind.is_option() {
        let fields = row.as_object_mut().expect("a row is an object");
        fields.insert("strike_price".to_owned(), json!(instrument.strike.rupees()));
        fields.insert("weekly".to_owned(), json!(is_weekly(instrument)));
    }
    row
}

/// The row of a search: the master's, with the date of expiry written out.
pub(super) fn search_row(instrument: &DayInstrument, place: usize) -> Value {
    let mut row = master_row(instrument, place);
    let fields = row.as_object_mut().expect("a row is an object");
    if let Some(expiry) = instrument.expiry {
        fields.insert("expiry".to_owned(), json!(expiry.to_string()));
    }
    // The closing auction takes shares; which ones, no day tells.
    fields.insert("cas_eligible".to_owned(), json!(false));
    row
}
