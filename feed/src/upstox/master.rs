//! The broker's instrument master: a JSON array of rows, gzipped or plain, read as a stream.
//!
//! Invariants: the file is never whole in memory and never longer than its bound once unpacked; it is read to its
//! end, gzip trailer included; unknown fields are passed over, nulls read as absent; an error names the row and the
//! place. Left out: cutting the text into rows (`row_stream`), all of the rows in little memory
//! ([`super::catalogue`]), choosing rows and turning them into instruments ([`super::universe`]), fetching the file
//! (the caller hands in a reader; the broker's host answers 403 without a `User-Agent`).
//! Facts: the broker's instruments page; figures of real files in the data set's README.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

use super::row_stream::{RowStream, TEXT_BYTES_MAX};

/// Most rows that are read: four times the largest file known.
pub const ROWS_MAX: u64 = 524_288;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// One contract as the broker lists it. Text is empty and numbers are zero where a field does not apply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MasterRow {
    /// Market segment, such as `NSE_EQ`.
    pub segment: String,
    /// The broker's key, such as `NSE_FO|45450`.
    pub instrument_key: String,
    /// `EQ` and other series, `FUT`, `CE`, `PE`, `INDEX`.
    pub instrument_type: String,
    /// Symbol as people know it.
    pub trading_symbol: String,
    /// Name of the company or the underlying.
    pub name: String,
    /// International number of a share.
    pub isin: String,
    /// The exchange's own number.
    pub exchange_token: String,
    /// Units in a lot.
    pub lot_size: f64,
    /// Largest quantity of one order, units.
    pub freeze_quantity: f64,
    /// Smallest price step, **paise**: 5.0 is Rs 0.05.
    pub tick_size: f64,
    /// Strike, rupees; 0 for a future.
    pub strike_price: f64,
    /// Expiry, epoch **milliseconds**, at 23:59:59 in India.
    pub expiry: i64,
    /// `EQUITY`, `INDEX`, `COM`, `CUR`, `IRD` for derivatives.
    pub asset_type: String,
    /// Key of the underlying.
    pub underlying_key: String,
    /// Symbol of the underlying.
    pub underlying_symbol: String,
}

/// A row as it stands in the reader's buffer: [`MasterRow`] without a copy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct RowView<'a> {
    /// Market segment, such as `NSE_EQ`.
    #[serde(borrow, deserialize_with = "text_or_empty")]
    pub segment: Cow<'a, str>,
    /// The broker's key, such as `NSE_FO|45450`.
    #[serde(borrow, deserialize_with = "text_or_empty")]
    pub instrument_key: Cow<'a, str>,
    /// `EQ` and other series, `FUT`, `CE`, `PE`, `INDEX`.
    #[serde(borrow, deserialize_with = "text_or_empty")]
    pub instrument_type: Cow<'a, str>,
    /// Symbol as people know it.
    #[serde(borrow, deserialize_with = "text_or_empty")]
    pub trading_symbol: Cow<'a, str>,
    /// Name of the company or the underlying.
    #[serde(borrow, deserialize_with = "text_or_empty")]
    pub name: Cow<'a, str>,
    /// International number of a share.
    #[serde(borrow, deserialize_with = "text_or_empty")]
    pub isin: Cow<'a, str>,
    /// The exchange's own number.
    #[serde(borrow, deserialize_with = "text_or_empty")]
    pub exchange_token: Cow<'a, str>,
    /// Units in a lot.
    #[serde(deserialize_with = "or_default")]
    pub lot_size: f64,
    /// Largest quantity of one order, units.
    #[serde(deserialize_with = "or_default")]
    pub freeze_quantity: f64,
    /// Smallest price step, **paise**: 5.0 is Rs 0.05.
    #[serde(deserialize_with = "or_default")]
    pub tick_size: f64,
    /// Strike, rupees; 0 for a future.
    #[serde(deserialize_with = "or_default")]
    pub strike_price: f64,
    /// Expiry, epoch **milliseconds**, at 23:59:59 in India.
    #[serde(deserialize_with = "or_default")]
    pub expiry: i64,
    /// `EQUITY`, `INDEX`, `COM`, `CUR`, `IRD` for derivatives.
    #[serde(borrow, deserialize_with = "text_or_empty")]
    pub asset_type: Cow<'a, str>,
    /// Key of the underlying.
    #[serde(borrow, deserialize_with = "text_or_empty")]
    pub underlying_key: Cow<'a, str>,
    /// Symbol of the underlying.
    #[serde(borrow, deserialize_with = "text_or_empty")]
    pub underlying_symbol: Cow<'a, str>,
}

impl From<RowView<'_>> for MasterRow {
    fn from(row: RowView<'_>) -> Self {
        Self {
            segment: row.segment.into_owned(),
            instrument_key: row.instrument_key.into_owned(),
            instrument_type: row.instrument_type.into_owned(),
            trading_symbol: row.trading_symbol.into_owned(),
            name: row.name.into_owned(),
            isin: row.isin.into_owned(),
            exchange_token: row.exchange_token.into_owned(),
            lot_size: row.lot_size,
            freeze_quantity: row.freeze_quantity,
            tick_size: row.tick_size,
            strike_price: row.strike_price,
            expiry: row.expiry,
            asset_type: row.asset_type.into_owned(),
            underlying_key: row.underlying_key.into_owned(),
            underlying_symbol: row.underlying_symbol.into_owned(),
        }
    }
}

/// Reads `null` as the default, since the broker writes it for what does not apply.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(source: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(source)?.unwrap_or_default())
}

/// Text that is borrowed where it holds no escape; `null` reads as empty.
fn text_or_empty<'de: 'a, 'a, D: Deserializer<'de>>(source: D) -> Result<Cow<'a, str>, D::Error> {
    struct Text;
    impl<'de> Visitor<'de> for Text {
        type Value = Cow<'de, str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(text))
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Cow::Owned(text.to_owned()))
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(""))
        }
    }
    source.deserialize_any(Text)
}

/// Why a master could not be used.
#[derive(Debug)]
pub enum MasterError {
    /// The file cannot be read, or is cut short.
    Io {
        /// Rows read before.
        rows: u64,
        /// What the operating system or the decompressor said.
        source: io::Error,
    },
    /// The text is no array of rows.
    Syntax {
        /// Number of the row, the first being 1.
        row: u64,
        /// Line of the text, the first being 1.
        line: usize,
        /// Column, which is the byte within the line.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// More rows than any master has.
    TooManyRows,
    /// More text than any master has, once unpacked.
    TooLong,
    /// A row that is wanted cannot be used.
    Row {
        /// Key of the row.
        key: String,
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Two rows have one key.
    DoubledKey {
        /// The key.
        key: String,
    },
    /// A key or symbol that is wanted is not in the master.
    NotFound {
        /// The key or symbol.
        wanted: String,
    },
    /// A symbol that is wanted stands for several rows.
    Ambiguous {
        /// The symbol.
        wanted: String,
        /// Two keys that it stands for.
        keys: [String; 2],
    },
    /// Nothing is left to trade.
    EmptyUniverse,
}

impl fmt::Display for MasterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { rows, source } => {
                write!(
                    f,
                    "reading the instrument master after row {rows}: {source}; fetch the file again"
                )
            }
            Self::Syntax {
                row,
                line,
                column,
                reason,
            } => write!(
                f,
                "reading the instrument master: row {row}, line {line}, column {column}: {reason}; fetch the file again"
            ),
            Self::TooManyRows => {
                write!(
                    f,
                    "reading the instrument master: more than {ROWS_MAX} rows; is this the right file?"
                )
            }
            Self::TooLong => write!(
                f,
                "reading the instrument master: more than {TEXT_BYTES_MAX} bytes unpacked; is this the right file?"
            ),
            Self::Row { key, field, reason } => {
                write!(
                    f,
                    "instrument `{key}`: {field} {reason}; leave it out or fetch the master again"
                )
            }
            Self::DoubledKey { key } => write!(
                f,
                "instrument `{key}` stands in the master twice; fetch the file again"
            ),
            Self::NotFound { wanted } => write!(
                f,
                "instrument `{wanted}` is not in the master; check its spelling and the day of the file"
            ),
            Self::Ambiguous { wanted, keys } => write!(
                f,
                "instrument `{wanted}` stands for `{}` and `{}`; name it by its key",
                keys[0], keys[1]
            ),
            Self::EmptyUniverse => write!(
                f,
                "the master holds no instrument of the chosen universe; is it the file of the right exchange?"
            ),
        }
    }
}

impl std::error::Error for MasterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Syntax { .. }
            | Self::TooManyRows
            | Self::TooLong
            | Self::Row { .. }
            | Self::DoubledKey { .. }
            | Self::NotFound { .. }
            | Self::Ambiguous { .. }
            | Self::EmptyUniverse => None,
        }
    }
}

/// How much was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Rows of the file.
    pub rows: u64,
    /// Length of the text, unpacked.
    pub text_bytes: u64,
}

/// Hands every row to `on_row`, in order of the file, and answers how many there were.
///
/// # Errors
/// [`MasterError::Io`], [`MasterError::Syntax`], [`MasterError::TooManyRows`] or [`MasterError::TooLong`]; rows
/// before that were handed out.
pub fn read(source: impl Read, mut on_row: impl FnMut(MasterRow)) -> Result<u64, MasterError> {
    view(source, |row| on_row(row.into())).map(|extent| extent.rows)
}

/// As [`read`], without copying a row that `on_row` does not keep.
///
/// # Errors
/// As [`read`].
pub fn view(source: impl Read, on_row: impl FnMut(RowView<'_>)) -> Result<Extent, MasterError> {
    let mut source = BufReader::with_capacity(64 * 1024, source);
    let start = source
        .fill_buf()
        .map_err(|source| MasterError::Io { rows: 0, source })?;
    if start.starts_with(&GZIP_MAGIC) {
        parse(MultiGzDecoder::new(source), on_row)
    } else {
        parse(source, on_row)
    }
}

fn parse(source: impl Read, mut on_row: impl FnMut(RowView<'_>)) -> Result<Extent, MasterError> {
    let mut stream = RowStream::new(source);
    stream.each(|row| serde_json::from_slice(row).map(&mut on_row))?;
    Ok(Extent {
        rows: stream.rows(),
        text_bytes: stream.text_bytes(),
    })
}

/// All rows that `keep` wants, in order of the file.
///
/// # Errors
/// As [`read`].
pub fn rows(source: impl Read, keep: impl Fn(&MasterRow) -> bool) -> Result<Vec<MasterRow>, MasterError> {
    let mut kept = Vec::new();
    read(source, |row| {
        if keep(&row) {
            kept.push(row);
        }
    })?;
    Ok(kept)
}
