//! The instrument master in the broker's shape: every instrument of the day, its contracts that do not tick, and
//! at any rate a future on each share, so that a client which derives its universe from futures finds the day's
//! shares in it.
//!
//! The added futures never tick and cannot be traded; they have lot 1. Contracts that do not tick stand in the
//! file of all exchanges alone: who takes the exchange's file gets what ticks. Rows: [`crate::market`].

use std::io::Write;

use bijli_core::instrument::InstrumentKind;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::day::{DayInfo, DayInstrument, derivatives};
use crate::market::listing::master_row;

/// Which lots the rows tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lots {
    True,
    /// Twice the true ones, for derivatives.
    Doubled,
}

/// The master as a gzipped JSON array.
pub(super) fn gzipped(info: &DayInfo, contracts: &[DayInstrument], lots: Lots) -> Vec<u8> {
    let mut rows = rows(info, contracts);
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

fn rows(info: &DayInfo, contracts: &[DayInstrument]) -> Value {
    let mut rows = Vec::new();
    for (place, instrument) in info.instruments.iter().enumerate() {
        rows.push(master_row(instrument, place));
        if instrument.kind == InstrumentKind::Equity && contracts.is_empty() {
            let future = derivatives::share_future(instrument, place, info.day);
            rows.push(master_row(&future, place));
        }
    }
    rows.extend(contracts.iter().map(|contract| master_row(contract, 0)));
    Value::Array(rows)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bijli_core::{DurationNs, IstDay};

    use super::*;
    use crate::day::{DaySource, synthetic::SyntheticDay};

    #[test]
    fn each_share_is_the_underlying_of_a_future_that_has_not_expired() {
        let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
        let source = SyntheticDay::new(day, 180, 1);
        for contracts in [Vec::new(), source.morning().contracts] {
            let rows = rows(source.info(), &contracts);
            let rows = rows.as_array().expect("an array");
            let keys: BTreeSet<&str> = rows
                .iter()
                .filter_map(|row| row["instrument_key"].as_str())
                .collect();
            assert_eq!(keys.len(), rows.len(), "no key twice");
            let futures = rows.iter().filter(|row| row["instrument_type"] == "FUT");
            let mut shares = BTreeSet::new();
            for future in futures {
                let underlying = future["underlying_key"].as_str().expect("a key");
                assert!(keys.contains(underlying));
                shares.insert(underlying);
                let midnight_ms = day.at(DurationNs::ZERO).get() / 1_000_000;
                assert!(future["expiry"].as_i64() >= Some(midnight_ms));
            }
            let shares = shares.iter().filter(|key| key.starts_with("NSE_EQ|")).count();
            assert_eq!(shares, 180);
        }
    }
}
