//! The broker's instrument master: a JSON array of rows, gzipped or plain, read as a stream.
//!
//! Invariants: the file is never whole in memory; unknown fields are passed over, nulls read as absent; an error
//! names the row and the place. Left out: choosing rows and turning them into instruments ([`super::universe`]),
//! fetching the file (the caller hands in a reader; the broker's host answers 403 without a `User-Agent`).
//! Facts: the broker's instruments page; figures of real files in the data set's README.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Most rows that are read: four times the largest file known.
pub const ROWS_MAX: u64 = 524_288;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// One contract as the broker lists it. Text is empty and numbers are zero where a field does not apply.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
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
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// International number of a share.
    #[serde(deserialize_with = "or_default")]
    pub isin: String,
    /// The exchange's own number.
    #[serde(deserialize_with = "or_default")]
    pub exchange_token: String,
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
    #[serde(deserialize_with = "or_default")]
    pub asset_type: String,
    /// Key of the underlying.
    #[serde(deserialize_with = "or_default")]
    pub underlying_key: String,
    /// Symbol of the underlying.
    #[serde(deserialize_with = "or_default")]
    pub underlying_symbol: String,
}

/// Reads `null` as the default, since the broker writes it for what does not apply.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(source: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(source)?.unwrap_or_default())
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
    /// A row that is wanted cannot be used.
    Row {
        /// Key of the row.
        key: String,
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
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
            Self::Row { key, field, reason } => {
                write!(
                    f,
                    "instrument `{key}`: {field} {reason}; leave it out or fetch the master again"
                )
            }
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
            | Self::Row { .. }
            | Self::NotFound { .. }
            | Self::Ambiguous { .. }
            | Self::EmptyUniverse => None,
        }
    }
}

/// Hands every row to `on_row`, in order of the file, and answers how many there were.
///
/// # Errors
/// [`MasterError::Io`], [`MasterError::Syntax`] or [`MasterError::TooManyRows`]; rows before that were handed out.
pub fn read(source: impl Read, mut on_row: impl FnMut(MasterRow)) -> Result<u64, MasterError> {
    let rows = Cell::new(0);
    let mut source = BufReader::with_capacity(64 * 1024, source);
    let start = source
        .fill_buf()
        .map_err(|source| MasterError::Io { rows: 0, source })?;
    let seed = Rows {
        on_row: &mut on_row,
        rows: &rows,
    };
    let outcome = if start.starts_with(&GZIP_MAGIC) {
        parse(
            BufReader::with_capacity(64 * 1024, MultiGzDecoder::new(source)),
            seed,
        )
    } else {
        parse(source, seed)
    };
    match outcome {
        Ok(()) => Ok(rows.get()),
        Err(_) if rows.get() > ROWS_MAX => Err(MasterError::TooManyRows),
        Err(error) if error.is_io() => Err(MasterError::Io {
            rows: rows.get(),
            source: error.into(),
        }),
        Err(error) => Err(MasterError::Syntax {
            row: rows.get() + 1,
            line: error.line(),
            column: error.column(),
            reason: bare_reason(&error),
        }),
    }
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

/// The parser's words without the place, which is told apart.
fn bare_reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].to_owned()
}

fn parse<R: BufRead, F: FnMut(MasterRow)>(source: R, seed: Rows<'_, F>) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_reader(source);
    seed.deserialize(&mut json)?;
    json.end()
}

struct Rows<'a, F> {
    on_row: &'a mut F,
    rows: &'a Cell<u64>,
}

impl<'de, F: FnMut(MasterRow)> DeserializeSeed<'de> for Rows<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(MasterRow)> Visitor<'de> for Rows<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of instrument rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element()? {
            self.rows.set(self.rows.get() + 1);
            if self.rows.get() > ROWS_MAX {
                return Err(serde::de::Error::custom("too many rows"));
            }
            (self.on_row)(row);
        }
        Ok(())
    }
}
