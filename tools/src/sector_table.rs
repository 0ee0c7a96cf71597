//! Which sector an underlying belongs to: the shipped table, with the configuration's own entries before it.
//!
//! A name of the configuration moves the underlyings that it lists and leaves the others where they stand. Numbers are
//! given for one day, in the order of the sectors' names; they stand in the journal with each instrument, so a replay
//! needs no table. Facts: `deploy/sectors.toml`, which says where they are from. Left out: weights, and sectors of
//! sectors.

use std::collections::BTreeMap;

use bijli_core::{Instrument, SectorId};
use serde::Deserialize;

const SHIPPED: &str = include_str!("../../deploy/sectors.toml");

/// Lists of underlyings, by name of the sector.
pub type SectorLists = BTreeMap<String, Vec<String>>;

#[derive(Debug, Deserialize)]
struct SectorFile {
    sectors: SectorLists,
}

/// The sectors of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectorTable {
    /// Names in the order of their numbers, from 1.
    names: Vec<String>,
    /// Number by underlying.
    members: BTreeMap<String, u8>,
}

impl SectorTable {
    /// The shipped table with `own` before it.
    ///
    /// # Errors
    /// In words, when there are more than 255 sectors.
    pub fn new(own: &SectorLists) -> Result<Self, String> {
        let shipped: SectorFile = toml::from_str(SHIPPED).expect("a test reads the shipped table");
        let mut sector_of = BTreeMap::new();
        for (sector, underlyings) in shipped.sectors.iter().chain(own) {
            for underlying in underlyings {
                sector_of.insert(underlying.to_ascii_uppercase(), sector.clone());
            }
        }
        let mut names: Vec<String> = sector_of.values().cloned().collect();
        names.sort_unstable();
        names.dedup();
        if names.len() > usize::from(u8::MAX) {
            return Err(format!("{} sectors are more than 255: merge some", names.len()));
        }
        let number = |sector: &String| {
            let place = names
                .binary_search(sector)
                .expect("every sector is in its own list");
            u8::try_from(place + 1).expect("there are at most 255")
        };
        let members = sector_of
            .iter()
            .map(|(underlying, sector)| (underlying.clone(), number(sector)))
            .collect();
        Ok(Self { names, members })
    }

    /// The sector of an underlying; [`SectorId::OTHER`] when it stands nowhere.
    #[must_use]
    pub fn sector_of(&self, underlying: &str) -> SectorId {
        let number = self.members.get(&underlying.to_ascii_uppercase());
        number.map_or(SectorId::OTHER, |number| SectorId::new(*number))
    }

    /// The name of a sector.
    #[must_use]
    pub fn name(&self, sector: SectorId) -> &str {
        let place = usize::from(sector.get()).checked_sub(1);
        place
            .and_then(|place| self.names.get(place))
            .map_or("OTHER", String::as_str)
    }

    /// Gives every instrument the sector of its underlying. A derivative whose underlying is not in the table of the day
    /// goes by the first word of its symbol, which names it.
    pub fn assign(&self, instruments: &mut [Instrument]) {
        for index in 0..instruments.len() {
            let underlying = instruments[index].underlying.index();
            let symbol = instruments.get(underlying).unwrap_or(&instruments[index]).symbol;
            let whole = self.sector_of(symbol.as_str());
            let first = symbol.as_str().split(' ').next().unwrap_or_default();
            instruments[index].sector = if whole == SectorId::OTHER {
                self.sector_of(first)
            } else {
                whole
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handmade::share;
    use bijli_core::InstrumentId;
    use bijli_core::text::Text;

    fn table(own: &[(&str, &[&str])]) -> SectorTable {
        let lists = own
            .iter()
            .map(|(name, list)| {
                (
                    (*name).to_owned(),
                    list.iter().map(|one| (*one).to_owned()).collect(),
                )
            })
            .collect();
        SectorTable::new(&lists).expect("few sectors")
    }

    #[test]
    fn the_shipped_table_names_each_underlying_once() {
        let shipped: SectorFile = toml::from_str(SHIPPED).expect("it is TOML");
        let mut all: Vec<&String> = shipped.sectors.values().flatten().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|name| name.to_ascii_uppercase() == **name));
    }

    #[test]
    fn known_names_have_sectors_and_others_count_together() {
        let table = table(&[]);
        assert_eq!(table.name(table.sector_of("HDFCBANK")), "Financial services");
        assert_eq!(table.sector_of("HDFCBANK"), table.sector_of("sbin"));
        assert_ne!(table.sector_of("HDFCBANK"), table.sector_of("INFY"));
        assert_eq!(table.sector_of("NOBODY"), SectorId::OTHER);
        assert_eq!(table.name(SectorId::OTHER), "OTHER");
    }

    #[test]
    fn own_entries_go_before_the_shipped_ones() {
        let table = table(&[("Energy of mine", &["RELIANCE", "NTPC"])]);
        assert_eq!(table.name(table.sector_of("RELIANCE")), "Energy of mine");
        assert_eq!(table.name(table.sector_of("NTPC")), "Energy of mine");
        assert_eq!(table.name(table.sector_of("ONGC")), "Oil and gas");
    }

    #[test]
    fn a_derivative_has_the_sector_of_its_underlying_listed_or_not() {
        let table = table(&[]);
        let named = |id: u32, underlying: u32, symbol| Instrument {
            id: InstrumentId::new(id),
            underlying: InstrumentId::new(underlying),
            symbol: Text::new(symbol).expect("short"),
            ..share()
        };
        let mut day = [
            named(0, 0, "INFY"),
            named(1, 0, "INFY 1600 CE 30 NOV 26"),
            named(2, 2, "SBIN 800 PE 30 NOV 26"),
            named(3, 3, "NOBODY 1 CE"),
        ];
        table.assign(&mut day);
        let found: Vec<&str> = day.iter().map(|row| table.name(row.sector)).collect();
        assert_eq!(
            found,
            [
                "Information technology",
                "Information technology",
                "Financial services",
                "OTHER"
            ]
        );
    }
}
