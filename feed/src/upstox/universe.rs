//! Which rows of the master are watched, and the day's table of instruments that they make.
//!
//! Invariants: the table depends on the rows and the choice alone, not on the order of the file; ids are its
//! positions; every instrument has a positive tick, lot and freeze quantity. An underlying outside the table is the
//! instrument itself. Left out: previous closes (the feed brings them), option chains.
//! Facts: field units in [`super::master`]; indices have neither tick nor lot in the master.

use std::collections::{BTreeMap, BTreeSet};

use bijli_core::instrument::{Instrument, InstrumentId, InstrumentKind, SectorId};
use bijli_core::limits::INSTRUMENTS_MAX;
use bijli_core::price::{Price, UNITS_PER_PAISA, UNITS_PER_RUPEE};
use bijli_core::quantity::Qty;
use bijli_core::text::Text;
use bijli_core::time::{IstDay, TsNs};

use super::master::{MasterError, MasterRow};

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Universe {
    /// The shares that NSE futures are written on.
    FutureStocks,
    /// These shares and the indices that NSE futures are written on.
    FutureStocksAndIndices,
    /// Exactly these, by key (`NSE_FO|45450`) or trading symbol (`RELIANCE`).
    Listed(Vec<String>),
}

/// Whether a row can matter to a universe at all; for reading a large master without keeping all of it.
#[must_use]
pub fn may_matter(row: &MasterRow, universe: &Universe) -> bool {
    match universe {
        Universe::FutureStocks | Universe::FutureStocksAndIndices => {
            is_nse_future(row) || matches!(row.segment.as_str(), "NSE_EQ" | "NSE_INDEX")
        }
        Universe::Listed(wanted) => wanted
            .iter()
            .any(|wanted| *wanted == row.instrument_key || *wanted == row.trading_symbol),
    }
}

/// The rows of a universe: shares and indices by symbol, listed ones in the order of the list, doubles once.
///
/// # Errors
/// [`MasterError::NotFound`], [`MasterError::Ambiguous`] or [`MasterError::EmptyUniverse`].
pub fn select<'a>(rows: &'a [MasterRow], universe: &Universe) -> Result<Vec<&'a MasterRow>, MasterError> {
    let selected = match universe {
        Universe::FutureStocks => underlyings(rows, &["EQUITY"])?,
        Universe::FutureStocksAndIndices => underlyings(rows, &["EQUITY", "INDEX"])?,
        Universe::Listed(wanted) => listed(rows, wanted)?,
    };
    if selected.is_empty() {
        return Err(MasterError::EmptyUniverse);
    }
    Ok(selected)
}

/// The day's table of the selected rows, in their order.
///
/// # Errors
/// [`MasterError::Row`] for a row that cannot be an instrument; [`MasterError::TooManyRows`] for too large a table.
pub fn instruments(selected: &[&MasterRow]) -> Result<Vec<Instrument>, MasterError> {
    if selected.len() > INSTRUMENTS_MAX {
        return Err(MasterError::TooManyRows);
    }
    let ids: BTreeMap<&str, InstrumentId> = selected
        .iter()
        .zip(0..)
        .map(|(row, id)| (row.instrument_key.as_str(), InstrumentId::new(id)))
        .collect();
    selected
        .iter()
        .zip(0..)
        .map(|(row, id)| {
            let id = InstrumentId::new(id);
            let underlying = ids.get(row.underlying_key.as_str()).copied().unwrap_or(id);
            instrument(row, id, underlying)
        })
        .collect()
}

fn is_nse_future(row: &MasterRow) -> bool {
    row.segment == "NSE_FO" && row.instrument_type == "FUT"
}

fn underlyings<'a>(rows: &'a [MasterRow], asset_types: &[&str]) -> Result<Vec<&'a MasterRow>, MasterError> {
    let wanted: BTreeSet<&str> = rows
        .iter()
        .filter(|row| is_nse_future(row) && asset_types.contains(&row.asset_type.as_str()))
        .map(|row| row.underlying_key.as_str())
        .filter(|key| !key.is_empty())
        .collect();
    let found: BTreeMap<&str, &MasterRow> = rows
        .iter()
        .filter(|row| wanted.contains(row.instrument_key.as_str()))
        .map(|row| (row.instrument_key.as_str(), row))
        .collect();
    if let Some(missing) = wanted.iter().find(|key| !found.contains_key(**key)) {
        return Err(MasterError::NotFound {
            wanted: (*missing).to_owned(),
        });
    }
    let mut selected: Vec<&MasterRow> = found.into_values().collect();
    selected
        .sort_by(|a, b| (&a.trading_symbol, &a.instrument_key).cmp(&(&b.trading_symbol, &b.instrument_key)));
    Ok(selected)
}

fn listed<'a>(rows: &'a [MasterRow], wanted: &[String]) -> Result<Vec<&'a MasterRow>, MasterError> {
    let mut selected: Vec<&MasterRow> = Vec::with_capacity(wanted.len());
    for wanted in wanted {
        let row = if wanted.contains('|') {
            rows.iter().find(|row| row.instrument_key == *wanted)
        } else {
            by_symbol(rows, wanted)?
        };
        let row = row.ok_or_else(|| MasterError::NotFound {
            wanted: wanted.clone(),
        })?;
        if !selected
            .iter()
            .any(|known| known.instrument_key == row.instrument_key)
        {
            selected.push(row);
        }
    }
    Ok(selected)
}

/// A symbol may name several series of one company: the ordinary share goes first.
fn by_symbol<'a>(rows: &'a [MasterRow], symbol: &str) -> Result<Option<&'a MasterRow>, MasterError> {
    let named = || rows.iter().filter(|row| row.trading_symbol == symbol);
    if let Some(share) = named().find(|row| row.segment == "NSE_EQ" && row.instrument_type == "EQ") {
        return Ok(Some(share));
    }
    let mut nse = named().filter(|row| row.segment.starts_with("NSE_"));
    let first = nse.next();
    match (first, nse.next()) {
        (Some(first), Some(second)) => Err(MasterError::Ambiguous {
            wanted: symbol.to_owned(),
            keys: [first.instrument_key.clone(), second.instrument_key.clone()],
        }),
        (first, _) => Ok(first),
    }
}

fn instrument(
    row: &MasterRow,
    id: InstrumentId,
    underlying: InstrumentId,
) -> Result<Instrument, MasterError> {
    let kind = kind(row)?;
    let (tick, lot, freeze) = if kind == InstrumentKind::Index {
        (Price::from_paise(1), 1, 1)
    } else {
        (
            Price::new(whole(row, "tick_size", row.tick_size * UNITS_PER_PAISA as f64)?),
            whole(row, "lot_size", row.lot_size)?,
            whole(row, "freeze_quantity", row.freeze_quantity.floor())?,
        )
    };
    let strike = if kind.is_option() {
        Price::new(whole(
            row,
            "strike_price",
            row.strike_price * UNITS_PER_RUPEE as f64,
        )?)
    } else {
        Price::NONE
    };
    let expiry = if kind.is_derivative() {
        if row.expiry <= 0 {
            return Err(bad(row, "expiry", "is missing"));
        }
        TsNs::from_millis(row.expiry).ist_day()
    } else {
        IstDay::new(0)
    };
    Ok(Instrument {
        id,
        kind,
        underlying,
        tick,
        lot: Qty::new(lot),
        freeze: Qty::new(freeze),
        prev_close: Price::NONE,
        expiry,
        strike,
        lower_band: Price::NONE,
        upper_band: Price::NONE,
        sector: SectorId::OTHER,
        key: text(row, "instrument_key", &row.instrument_key)?,
        symbol: text(row, "trading_symbol", &row.trading_symbol)?,
    })
}

fn kind(row: &MasterRow) -> Result<InstrumentKind, MasterError> {
    match row.instrument_type.as_str() {
        "INDEX" => Ok(InstrumentKind::Index),
        "FUT" => Ok(InstrumentKind::Future),
        "CE" => Ok(InstrumentKind::Call),
        "PE" => Ok(InstrumentKind::Put),
        _ if row.segment.ends_with("_EQ") => Ok(InstrumentKind::Equity),
        other => Err(bad(row, "instrument_type", &format!("`{other}` is not known"))),
    }
}

/// A positive number without a fraction, within what a float holds exactly.
fn whole(row: &MasterRow, field: &'static str, value: f64) -> Result<i64, MasterError> {
    let rounded = value.round();
    let usable = (1.0..=1e15).contains(&rounded) && (value - rounded).abs() <= 1e-6 * rounded;
    if usable {
        Ok(rounded as i64)
    } else {
        Err(bad(
            row,
            field,
            &format!("of {value} units is not a positive whole number"),
        ))
    }
}

fn text<const N: usize>(row: &MasterRow, field: &'static str, value: &str) -> Result<Text<N>, MasterError> {
    Text::new(value).filter(|text| !text.is_empty()).ok_or_else(|| {
        bad(
            row,
            field,
            &format!("`{value}` is not 1 to {N} printable ASCII characters"),
        )
    })
}

fn bad(row: &MasterRow, field: &'static str, reason: &str) -> MasterError {
    MasterError::Row {
        key: row.instrument_key.clone(),
        field,
        reason: reason.to_owned(),
    }
}
