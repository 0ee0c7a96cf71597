//! Contract facts for a recorded day from an instrument master beside it, or documented defaults.
//!
//! A master is looked for in `instruments/` of the data directory: of the files whose name ends in
//! `YYYY-MM-DD.json.gz`, the one nearest to the day, at most [`MASTER_AGE_DAYS_MAX`] days away. Tick sizes
//! there are in paise, expiries in epoch milliseconds (the broker's API documentation). Defaults where none is found:
//! shares have lot 1 and freeze 100 000; BANKNIFTY options of December 2025 lot 35, step 0.05, freeze 595.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bijli_core::instrument::InstrumentKind;
use bijli_core::{IstDay, Price, Qty, TsNs};
use serde::Deserialize;

use super::json_array::JsonArray;
use super::tick_size::cash_tick;
use super::{DayError, DayInstrument, price_of};

/// A master farther from the day than this says nothing about it.
pub const MASTER_AGE_DAYS_MAX: i32 = 31;
/// Largest order in a share when no master says otherwise.
const EQUITY_FREEZE: i64 = 100_000;
/// BANKNIFTY in December 2025: units of one lot and the largest order.
const BANKNIFTY_LOT: i64 = 35;
const BANKNIFTY_FREEZE: i64 = 595;

/// A row of the broker's instrument master, as far as it is needed.
#[derive(Deserialize)]
struct MasterRow<'a> {
    #[serde(borrow)]
    segment: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    instrument_key: Cow<'a, str>,
    #[serde(borrow)]
    trading_symbol: Cow<'a, str>,
    #[serde(borrow)]
    instrument_type: Cow<'a, str>,
    #[serde(default)]
    tick_size: f64,
    #[serde(default)]
    lot_size: i64,
    #[serde(default)]
    freeze_quantity: f64,
    #[serde(default)]
    expiry: Option<i64>,
    #[serde(default)]
    strike_price: Option<f64>,
    #[serde(borrow, default)]
    underlying_key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    underlying_symbol: Option<Cow<'a, str>>,
}

/// What a source looks for in a master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// Rows with these keys.
    Keys(&'a BTreeSet<String>),
    /// NSE shares and indices with these trading symbols.
    Symbols(&'a BTreeSet<String>),
}

/// The master nearest to `day` in `instruments`, or `None` when each is too far away.
#[must_use]
pub fn master_near(instruments: &Path, day: IstDay) -> Option<PathBuf> {
    let mut nearest: Option<(i32, PathBuf)> = None;
    for entry in std::fs::read_dir(instruments).ok()?.flatten() {
        let path = entry.path();
        let Some(stem) = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".json.gz"))
        else {
            continue;
        };
        let Some(dated) = super::day_in_name(Path::new(stem)) else {
            continue;
        };
        let age_days = (dated.get() - day.get()).abs();
        let closer = nearest
            .as_ref()
            .is_none_or(|(best, known)| (age_days, &path) < (*best, known));
        if age_days <= MASTER_AGE_DAYS_MAX && closer {
            nearest = Some((age_days, path));
        }
    }
    nearest.map(|(_, path)| path)
}

/// The wanted rows of a master, in the order of the file.
///
/// # Errors
/// [`DayError`] when the file is damaged.
pub fn read_master(path: &Path, wanted: Wanted<'_>) -> Result<Vec<DayInstrument>, DayError> {
    let mut array = JsonArray::open(path)?;
    let mut found = Vec::new();
    while let Some(row) = array.next::<MasterRow<'_>>()? {
        let hit = match wanted {
            Wanted::Keys(keys) => keys.contains(row.instrument_key.as_ref()),
            Wanted::Symbols(symbols) => {
                let listed =
                    row.segment == "NSE_INDEX" || (row.segment == "NSE_EQ" && row.instrument_type == "EQ");
                listed && symbols.contains(row.trading_symbol.as_ref())
            }
        };
        if hit {
            found.extend(instrument(&row));
        }
    }
    Ok(found)
}

fn instrument(row: &MasterRow<'_>) -> Option<DayInstrument> {
    let kind = match (row.segment.as_ref(), row.instrument_type.as_ref()) {
        ("NSE_INDEX", _) => InstrumentKind::Index,
        ("NSE_EQ", _) => InstrumentKind::Equity,
        ("NSE_FO", "FUT") => InstrumentKind::Future,
        ("NSE_FO", "CE") => InstrumentKind::Call,
        ("NSE_FO", "PE") => InstrumentKind::Put,
        _ => return None,
    };
    let positive = |value: i64| Qty::new(value.max(1));
    let underlying = row.underlying_key.as_ref().map(|key| {
        (
            key.to_string(),
            row.underlying_symbol.as_deref().unwrap_or_default().to_owned(),
        )
    });
    Some(DayInstrument {
        key: row.instrument_key.to_string(),
        symbol: row.trading_symbol.to_string(),
        name: row.name.to_string(),
        kind,
        tick: Price::from_paise((row.tick_size.round() as i64).max(1)),
        lot: positive(row.lot_size),
        freeze: positive(row.freeze_quantity as i64),
        expiry: row.expiry.map(|ms| TsNs::from_millis(ms).ist_day()),
        strike: price_of(row.strike_price.unwrap_or_default()),
        underlying,
    })
}

/// A share without a master: lot 1, the step of its day and price.
#[must_use]
pub fn default_share(symbol: &str, day: IstDay, price: Price) -> DayInstrument {
    DayInstrument {
        key: format!("NSE_EQ|{symbol}"),
        symbol: symbol.to_owned(),
        name: symbol.to_owned(),
        kind: InstrumentKind::Equity,
        tick: cash_tick(day, price),
        lot: Qty::new(1),
        freeze: Qty::new(EQUITY_FREEZE),
        expiry: None,
        strike: Price::NONE,
        underlying: None,
    }
}

/// An index without a master.
#[must_use]
pub fn default_index(symbol: &str) -> DayInstrument {
    DayInstrument {
        key: format!("NSE_INDEX|{symbol}"),
        symbol: symbol.to_owned(),
        name: symbol.to_owned(),
        kind: InstrumentKind::Index,
        tick: Price::from_paise(5),
        lot: Qty::new(1),
        freeze: Qty::new(1),
        expiry: None,
        strike: Price::NONE,
        underlying: None,
    }
}

/// The instrument of a recorded key without a master. `delta` tells a call from a put.
#[must_use]
pub fn default_of_key(key: &str, day: IstDay, price: Price, delta: Option<f64>) -> DayInstrument {
    let (segment, ident) = key.split_once('|').unwrap_or(("NSE_EQ", key));
    match segment {
        "NSE_INDEX" => default_index(ident),
        "NSE_FO" => DayInstrument {
            key: key.to_owned(),
            symbol: format!("FO{ident}"),
            name: format!("NSE_FO {ident}"),
            kind: match delta {
                Some(delta) if delta < 0.0 => InstrumentKind::Put,
                Some(_) => InstrumentKind::Call,
                None => InstrumentKind::Future,
            },
            tick: Price::from_paise(5),
            lot: Qty::new(BANKNIFTY_LOT),
            freeze: Qty::new(BANKNIFTY_FREEZE),
            ..default_share(ident, day, price)
        },
        _ => DayInstrument {
            key: key.to_owned(),
            ..default_share(ident, day, price)
        },
    }
}

/// The wanted rows of the master beside a day (`../../instruments` from the day's own path), and what an
/// operator should know about them.
///
/// # Errors
/// [`DayError`] when the master is damaged.
pub fn beside(
    day_path: &Path,
    day: IstDay,
    wanted: Wanted<'_>,
) -> Result<(Vec<DayInstrument>, Vec<String>), DayError> {
    let master = super::sibling(day_path, 2, "instruments").and_then(|found| master_near(&found, day));
    let Some(path) = master else {
        let note =
            "no instrument master near the day: contract facts are defaults (shares: lot 1, freeze 100000)";
        return Ok((Vec::new(), vec![note.to_owned()]));
    };
    let rows = read_master(&path, wanted)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok((
        rows,
        vec![format!("contract facts from {}", name.unwrap_or_default())],
    ))
}
