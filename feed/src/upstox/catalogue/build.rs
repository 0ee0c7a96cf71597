//! How a catalogue is filled: rows one by one while the file is read, indices when all are there.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use bijli_core::instrument::InstrumentKind;
use bijli_core::price::{Price, UNITS_PER_PAISA, UNITS_PER_RUPEE};
use bijli_core::quantity::Qty;
use bijli_core::time::{IstDay, TsNs};

use super::text_index::{TextIndex, hash, letters, plain};
use super::{Catalogue, Expiries, Listing, NO_UNDERLYING, Row, Span};
use crate::upstox::master::{self, Extent, MasterError, RowView};

/// A catalogue that grows.
#[derive(Default)]
struct Builder {
    texts: String,
    rows: Vec<Row>,
    segments: Few,
    series: Few,
    underlyings: Few,
    /// Texts that many rows share: looked up only, never walked.
    shared: HashMap<Box<str>, Span>,
}

/// A list of few distinct texts.
#[derive(Default)]
struct Few {
    texts: Vec<String>,
    numbers: HashMap<String, u16>,
}

pub(super) fn load(source: impl Read) -> Result<Catalogue, MasterError> {
    let mut builder = Builder::default();
    let mut wrong = None;
    let extent = master::view(source, |row| {
        if wrong.is_none() {
            wrong = builder.add(&row).err();
        }
    })?;
    wrong.map_or_else(|| builder.finish(extent), Err)
}

impl Builder {
    fn add(&mut self, row: &RowView<'_>) -> Result<(), MasterError> {
        for (field, text) in [
            ("instrument_key", &row.instrument_key),
            ("segment", &row.segment),
            ("instrument_type", &row.instrument_type),
            ("trading_symbol", &row.trading_symbol),
        ] {
            if text.is_empty() {
                return Err(bad(row, field, "is missing"));
            }
        }
        let kind = kind(row);
        let derivative = kind.is_some_and(InstrumentKind::is_derivative);
        let underlying = if derivative {
            let named = if row.underlying_symbol.is_empty() {
                &row.name
            } else {
                &row.underlying_symbol
            };
            self.underlyings.number(named, row, "underlying_symbol")?
        } else {
            NO_UNDERLYING
        };
        let key = self.put(row, "instrument_key", &row.instrument_key)?;
        let segment = self.segments.number(&row.segment, row, "segment")?;
        let built = Row {
            key,
            symbol: self.put(row, "trading_symbol", &row.trading_symbol)?,
            name: self.share(row, "name", &row.name)?,
            isin: self.tail(row, "isin", &row.isin, key)?,
            token: self.tail(row, "exchange_token", &row.exchange_token, key)?,
            underlying_key: self.share(row, "underlying_key", &row.underlying_key)?,
            segment: u8::try_from(segment).map_err(|_| bad(row, "segment", "is one of too many"))?,
            kind,
            series: self.series.number(&row.instrument_type, row, "instrument_type")?,
            underlying,
            expiry: if derivative {
                TsNs::from_millis(row.expiry).ist_day()
            } else {
                IstDay::new(0)
            },
            strike: if derivative {
                Price::new(whole(
                    row,
                    "strike_price",
                    row.strike_price * UNITS_PER_RUPEE as f64,
                )?)
            } else {
                Price::NONE
            },
            tick: Price::new(whole(row, "tick_size", row.tick_size * UNITS_PER_PAISA as f64)?),
            lot: Qty::new(whole(row, "lot_size", row.lot_size)?),
            freeze: Qty::new(whole(row, "freeze_quantity", row.freeze_quantity.floor())?),
        };
        self.rows.push(built);
        Ok(())
    }

    fn put(&mut self, row: &RowView<'_>, field: &'static str, text: &str) -> Result<Span, MasterError> {
        let long = || bad(row, field, "is too long");
        let span = Span {
            at: u32::try_from(self.texts.len()).map_err(|_| long())?,
            bytes: u8::try_from(text.len()).map_err(|_| long())?,
        };
        self.texts.push_str(text);
        Ok(span)
    }

    fn share(&mut self, row: &RowView<'_>, field: &'static str, text: &str) -> Result<Span, MasterError> {
        if let Some(span) = self.shared.get(text) {
            return Ok(*span);
        }
        let span = self.put(row, field, text)?;
        self.shared.insert(text.into(), span);
        Ok(span)
    }

    /// A text that mostly is the end of the key already.
    fn tail(
        &mut self,
        row: &RowView<'_>,
        field: &'static str,
        text: &str,
        key: Span,
    ) -> Result<Span, MasterError> {
        if !row.instrument_key.ends_with(text) {
            return self.put(row, field, text);
        }
        let bytes = u8::try_from(text.len()).expect("no longer than the key, whose length fits");
        Ok(Span {
            at: key.at + u32::from(key.bytes - bytes),
            bytes,
        })
    }

    fn finish(mut self, extent: Extent) -> Result<Catalogue, MasterError> {
        self.texts.shrink_to_fit();
        self.rows.shrink_to_fit();
        let mut built = Catalogue {
            expiries: expiries(&self.rows),
            texts: self.texts,
            rows: self.rows,
            segments: self.segments.texts,
            series: self.series.texts,
            underlying_numbers: spellings(&self.underlyings.texts),
            underlyings: self.underlyings.texts,
            keys: TextIndex::with_room(0),
            symbols: TextIndex::with_room(0),
            numbers: TextIndex::with_room(0),
            contracts: TextIndex::with_room(0),
            spellings: TextIndex::with_room(0),
            extent,
        };
        built.keys = keys(&built)?;
        index_names(&mut built);
        Ok(built)
    }
}

/// The index of keys, each of which stands once.
fn keys(built: &Catalogue) -> Result<TextIndex, MasterError> {
    let mut keys = TextIndex::with_room(built.len());
    for listing in built.iter() {
        let key_hash = hash(listing.key().bytes());
        let doubled = keys
            .rows(key_hash)
            .any(|other| built.listing(other).key() == listing.key());
        if doubled {
            return Err(MasterError::DoubledKey {
                key: listing.key().to_owned(),
            });
        }
        keys.put(key_hash, listing.id);
    }
    Ok(keys)
}

/// Fills every index but that of keys.
fn index_names(built: &mut Catalogue) {
    let rows = built.len();
    let plain_rows = built
        .rows
        .iter()
        .filter(|row| row.underlying == NO_UNDERLYING)
        .count();
    let mut symbols = TextIndex::with_room(rows);
    let mut numbers = TextIndex::with_room(rows + plain_rows);
    let mut contracts = TextIndex::with_room(rows - plain_rows);
    let mut spellings = TextIndex::with_room(3 * plain_rows);
    for listing in built.iter() {
        symbols.put(hash(plain(listing.symbol())), listing.id);
        numbers.put(hash(plain(listing.token())), listing.id);
        if listing.row.underlying == NO_UNDERLYING {
            numbers.put(hash(plain(listing.isin())), listing.id);
            for spelling in listing.spellings() {
                spellings.put(hash(letters(spelling)), listing.id);
            }
        } else {
            contracts.put(listing.row.contract_hash(), listing.id);
        }
    }
    (built.symbols, built.numbers) = (symbols, numbers);
    (built.contracts, built.spellings) = (contracts, spellings);
}

impl Row {
    pub(super) fn contract_hash(&self) -> u64 {
        contract_hash(self.underlying, self.expiry, self.strike, self.kind)
    }
}

/// A hash of what makes a contract, whatever its segment.
pub(super) fn contract_hash(
    underlying: u16,
    expiry: IstDay,
    strike: Price,
    kind: Option<InstrumentKind>,
) -> u64 {
    let kind = kind.map_or(u8::MAX, |kind| kind as u8);
    let (underlying, expiry) = (underlying.to_le_bytes(), expiry.get().to_le_bytes());
    hash(
        [kind]
            .into_iter()
            .chain(underlying)
            .chain(expiry)
            .chain(strike.get().to_le_bytes()),
    )
}

impl<'a> Listing<'a> {
    /// The texts that name what is no derivative: its symbol, its name, and for an index the end of its key.
    pub(super) fn spellings(self) -> [&'a str; 3] {
        let ident = self.key().split_once('|').map_or("", |(_, ident)| ident);
        [self.symbol(), self.name(), ident]
    }
}

/// Underlyings by plain name, and by letters alone where that is no other's name.
fn spellings(underlyings: &[String]) -> BTreeMap<String, u16> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let mut all = BTreeMap::new();
    for (number, name) in (0..).zip(underlyings) {
        all.insert(text(plain(name).collect()), number);
    }
    for (number, name) in (0..).zip(underlyings) {
        all.entry(text(letters(name).collect())).or_insert(number);
    }
    all
}

fn expiries(rows: &[Row]) -> Expiries {
    let mut all: Expiries = BTreeMap::new();
    for row in rows.iter().filter(|row| row.underlying != NO_UNDERLYING) {
        let option = row.kind.is_some_and(InstrumentKind::is_option);
        let days = all.entry((row.underlying, row.segment, option)).or_default();
        // Rows of one expiry mostly follow one another or are few: the list stays short.
        if let Err(place) = days.binary_search(&row.expiry) {
            days.insert(place, row.expiry);
        }
    }
    all
}

impl Few {
    fn number(&mut self, text: &str, row: &RowView<'_>, field: &'static str) -> Result<u16, MasterError> {
        if let Some(number) = self.numbers.get(text) {
            return Ok(*number);
        }
        let number = u16::try_from(self.texts.len())
            .ok()
            .filter(|number| *number != NO_UNDERLYING);
        let number = number.ok_or_else(|| bad(row, field, "is one of too many"))?;
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        Ok(number)
    }
}

fn kind(row: &RowView<'_>) -> Option<InstrumentKind> {
    match &*row.instrument_type {
        "INDEX" => Some(InstrumentKind::Index),
        "FUT" => Some(InstrumentKind::Future),
        "CE" => Some(InstrumentKind::Call),
        "PE" => Some(InstrumentKind::Put),
        _ if row.segment.ends_with("_EQ") => Some(InstrumentKind::Equity),
        _ => None,
    }
}

/// A whole number that is not negative, within what a float holds exactly.
fn whole(row: &RowView<'_>, field: &'static str, value: f64) -> Result<i64, MasterError> {
    let rounded = value.round();
    if (0.0..=1e15).contains(&rounded) && (value - rounded).abs() <= 1e-6 * rounded.max(1.0) {
        return Ok(rounded as i64);
    }
    Err(bad(row, field, &format!("of {value} units is no whole number")))
}

fn bad(row: &RowView<'_>, field: &'static str, reason: &str) -> MasterError {
    MasterError::Row {
        key: row.instrument_key.clone().into_owned(),
        field,
        reason: reason.to_owned(),
    }
}
