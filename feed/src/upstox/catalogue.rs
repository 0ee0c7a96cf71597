//! All contracts of one instrument master, in little memory, found by any of their names.
//!
//! Texts lie in one arena, rows are fixed-size and in order of the file, indices are tables of row numbers.
//! Invariants: keys are distinct; numbers are checked integers (0 where the file has none); nothing depends on the
//! order of a hash table. Left out: judging the file ([`acceptance`]), comparing two ([`difference`]), the files
//! themselves. Facts: field units in [`super::master`].

mod build;
mod text_index;
mod symbol_style;
pub mod find;
pub mod difference;
pub mod acceptance;

use std::collections::BTreeMap;
use std::io::Read;

use bijli_core::instrument::InstrumentKind;
use bijli_core::price::Price;
use bijli_core::quantity::Qty;
use bijli_core::time::IstDay;

use self::text_index::TextIndex;
use super::master::{Extent, MasterError};

/// Number of a row within one catalogue, in order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListingId(u32);

impl ListingId {
    /// The number as an array index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A text of the arena.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    at: u32,
    bytes: u8,
}

/// One row. Texts of which there are few stand in lists of their own.
#[derive(Clone, Copy, Debug)]
struct Row {
    key: Span,
    symbol: Span,
    name: Span,
    isin: Span,
    token: Span,
    underlying_key: Span,
    segment: u8,
    kind: Option<InstrumentKind>,
    series: u16,
    underlying: u16,
    expiry: IstDay,
    strike: Price,
    tick: Price,
    lot: Qty,
    freeze: Qty,
}

/// No underlying: the row is no derivative.
const NO_UNDERLYING: u16 = u16::MAX;

/// All contracts of a master.
#[derive(Debug)]
pub struct Catalogue {
    texts: String,
    rows: Vec<Row>,
    segments: Vec<String>,
    series: Vec<String>,
    underlyings: Vec<String>,
    /// By plain name and by its letters.
    underlying_numbers: BTreeMap<String, u16>,
    expiries: Expiries,
    keys: TextIndex,
    symbols: TextIndex,
    numbers: TextIndex,
    contracts: TextIndex,
    spellings: TextIndex,
    extent: Extent,
}

/// The expiries of each underlying, segment and sort of contract (future or option), ascending.
type Expiries = BTreeMap<(u16, u8, bool), Vec<IstDay>>;

/// One contract, looked at within its catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    catalogue: &'a Catalogue,
    row: &'a Row,
    /// Its number.
    pub id: ListingId,
}

impl Catalogue {
    /// Reads a master, gzipped or plain, to its end.
    ///
    /// # Errors
    /// As [`super::master::view`]; [`MasterError::Row`] for a number that is none, [`MasterError::DoubledKey`].
    pub fn load(source: impl Read) -> Result<Self, MasterError> {
        build::load(source)
    }

    /// Number of contracts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How much was read for it.
    #[must_use]
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Every contract, in order of the file.
    pub fn iter(&self) -> impl Iterator<Item = Listing<'_>> {
        (0..).zip(&self.rows).map(|(number, row)| Listing {
            catalogue: self,
            row,
            id: ListingId(number),
        })
    }

    /// The contract of a number that this catalogue gave.
    ///
    /// # Panics
    /// For a number of another catalogue that is larger.
    #[must_use]
    pub fn listing(&self, id: ListingId) -> Listing<'_> {
        Listing {
            catalogue: self,
            row: &self.rows[id.index()],
            id,
        }
    }

    /// The contract of exactly this key.
    #[must_use]
    pub fn by_key(&self, key: &str) -> Option<Listing<'_>> {
        self.keys
            .rows(text_index::hash(key.bytes()))
            .map(|id| self.listing(id))
            .find(|listing| listing.key() == key)
    }

    /// Names of the segments, in order of first appearance.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Symbols of the underlyings, in order of first appearance.
    #[must_use]
    pub fn underlyings(&self) -> &[String] {
        &self.underlyings
    }

    fn text(&self, span: Span) -> &str {
        let at = span.at as usize;
        &self.texts[at..at + usize::from(span.bytes)]
    }
}

impl<'a> Listing<'a> {
    /// The broker's key, such as `NSE_FO|45450`.
    #[must_use]
    pub fn key(&self) -> &'a str {
        self.catalogue.text(self.row.key)
    }

    /// Symbol as people know it, such as `NIFTY 27000 CE 29 DEC 26`.
    #[must_use]
    pub fn symbol(&self) -> &'a str {
        self.catalogue.text(self.row.symbol)
    }

    /// Name of the company, the index or the underlying.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.catalogue.text(self.row.name)
    }

    /// International number of a share; empty for others.
    #[must_use]
    pub fn isin(&self) -> &'a str {
        self.catalogue.text(self.row.isin)
    }

    /// The exchange's own number; distinct within a segment.
    #[must_use]
    pub fn token(&self) -> &'a str {
        self.catalogue.text(self.row.token)
    }

    /// Key of the underlying; empty where the broker names none.
    #[must_use]
    pub fn underlying_key(&self) -> &'a str {
        self.catalogue.text(self.row.underlying_key)
    }

    /// Symbol of the underlying; empty for what is no derivative.
    #[must_use]
    pub fn underlying(&self) -> &'a str {
        let index = usize::from(self.row.underlying);
        self.catalogue.underlyings.get(index).map_or("", String::as_str)
    }

    /// Market segment, such as `NSE_FO`.
    #[must_use]
    pub fn segment(&self) -> &'a str {
        &self.catalogue.segments[usize::from(self.row.segment)]
    }

    /// `EQ` and other series, `FUT`, `CE`, `PE`, `INDEX`, `COM`.
    #[must_use]
    pub fn instrument_type(&self) -> &'a str {
        &self.catalogue.series[usize::from(self.row.series)]
    }

    /// What sort of contract it is; `None` for what is neither share, index nor derivative.
    #[must_use]
    pub fn kind(&self) -> Option<InstrumentKind> {
        self.row.kind
    }

    /// Day of expiry; `None` for what does not expire.
    #[must_use]
    pub fn expiry(&self) -> Option<IstDay> {
        (self.row.expiry != IstDay::new(0)).then_some(self.row.expiry)
    }

    /// Strike of an option, else none.
    #[must_use]
    pub fn strike(&self) -> Price {
        self.row.strike
    }

    /// Smallest price step; none for an index.
    #[must_use]
    pub fn tick(&self) -> Price {
        self.row.tick
    }

    /// Units in a lot; 0 for an index.
    #[must_use]
    pub fn lot(&self) -> Qty {
        self.row.lot
    }

    /// Largest quantity of one order, units; 0 for an index.
    #[must_use]
    pub fn freeze(&self) -> Qty {
        self.row.freeze
    }
}
