//! Rows of a comma-separated file, plain or zstd, one line in memory at a time, with their place for errors.
//!
//! Invariants: a line is at most [`LINE_BYTES_MAX`] bytes of UTF-8. Left out: quoting, which no day file uses.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::DayError;

/// Longest line accepted.
const LINE_BYTES_MAX: u64 = 4_096;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const READ_BUFFER_BYTES: usize = 256 * 1024;

/// A file under way.
pub(super) struct CsvFile {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    header: String,
    line: String,
    number: u64,
}

/// One row, with its place in the file.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    path: &'a Path,
    number: u64,
    text: &'a str,
}

/// One field of a row.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    row: Row<'a>,
    column: u64,
    /// The field without surrounding blanks.
    pub(super) text: &'a str,
}

impl CsvFile {
    pub(super) fn open(path: &Path) -> Result<Self, DayError> {
        const DOING: &str = "opening a day file";
        let failed = |error| DayError::io(DOING, path, &error);
        let mut magic = [0; 4];
        let packed = File::open(path)
            .and_then(|mut file| file.read(&mut magic))
            .map_err(failed)?
            == magic.len()
            && magic == ZSTD_MAGIC;
        let file = File::open(path).map_err(failed)?;
        let reader: Box<dyn BufRead + Send> = if packed {
            let decoder = zstd::Decoder::new(file).map_err(failed)?;
            Box::new(BufReader::with_capacity(READ_BUFFER_BYTES, decoder))
        } else {
            Box::new(BufReader::with_capacity(READ_BUFFER_BYTES, file))
        };
        let mut csv = Self {
            path: path.to_owned(),
            reader,
            header: String::new(),
            line: String::new(),
            number: 0,
        };
        csv.header = csv.next_row()?.map(|row| row.text.to_owned()).unwrap_or_default();
        Ok(csv)
    }

    /// The first line.
    pub(super) fn header(&self) -> &str {
        &self.header
    }

    /// The next row; `None` at the end. Empty lines are skipped.
    pub(super) fn next_row(&mut self) -> Result<Option<Row<'_>>, DayError> {
        loop {
            self.line.clear();
            self.number += 1;
            let mut limited = (&mut self.reader).take(LINE_BYTES_MAX);
            let bytes = limited
                .read_line(&mut self.line)
                .map_err(|error| DayError::Malformed {
                    path: self.path.clone(),
                    line: self.number,
                    column: 1,
                    expected: "a line of UTF-8 text in a whole zstd stream".to_owned(),
                    found: error.to_string(),
                })?;
            if bytes == 0 {
                return Ok(None);
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let text = self.line.trim_end_matches(['\n', '\r']);
        let row = Row {
            path: &self.path,
            number: self.number,
            text,
        };
        if self.line.len() as u64 >= LINE_BYTES_MAX {
            let shown = text.chars().take(32).collect();
            return Err(row.malformed(LINE_BYTES_MAX, "the end of the line".to_owned(), shown));
        }
        Ok(Some(row))
    }
}

impl<'a> Row<'a> {
    fn malformed(&self, column: u64, expected: String, found: String) -> DayError {
        DayError::Malformed {
            path: self.path.to_owned(),
            line: self.number,
            column,
            expected,
            found,
        }
    }

    /// An error about the row as a whole.
    pub(super) fn at_start(&self, expected: &str) -> DayError {
        self.malformed(1, expected.to_owned(), self.text.chars().take(80).collect())
    }

    /// All fields; an error unless there are exactly `N`.
    pub(super) fn fields<const N: usize>(self) -> Result<[Field<'a>; N], DayError> {
        let mut fields = [Field {
            row: self,
            column: 1,
            text: "",
        }; N];
        let mut offset = 0;
        let mut count = 0;
        for part in self.text.split(',') {
            if let Some(field) = fields.get_mut(count) {
                field.column = offset as u64 + 1;
                field.text = part.trim_ascii();
            }
            offset += part.len() + 1;
            count += 1;
        }
        if count == N {
            Ok(fields)
        } else {
            let expected = format!("{N} fields");
            Err(self.malformed(self.text.len() as u64 + 1, expected, format!("{count} fields")))
        }
    }
}

impl Field<'_> {
    /// An error about this field.
    pub(super) fn malformed(&self, expected: &str) -> DayError {
        self.row
            .malformed(self.column, expected.to_owned(), self.text.to_owned())
    }

    /// The field as a number or another parsed value.
    pub(super) fn parse<T: FromStr>(&self, expected: &str) -> Result<T, DayError> {
        self.text.parse().map_err(|_| self.malformed(expected))
    }

    /// The field as a price in rupees: finite and above zero.
    pub(super) fn rupees(&self) -> Result<f64, DayError> {
        const EXPECTED: &str = "a price in rupees above zero";
        let rupees: f64 = self.parse(EXPECTED)?;
        if rupees.is_finite() && rupees > 0.0 && rupees < 1.0e9 {
            Ok(rupees)
        } else {
            Err(self.malformed(EXPECTED))
        }
    }

    /// The field as a count of units, not negative.
    pub(super) fn units(&self) -> Result<i64, DayError> {
        const EXPECTED: &str = "a count of units, zero or above";
        let units: i64 = self.parse(EXPECTED)?;
        if units >= 0 {
            Ok(units)
        } else {
            Err(self.malformed(EXPECTED))
        }
    }

    /// The field as `YYYY-MM-DD HH:MM:SS` in India, in epoch seconds.
    pub(super) fn ist_second(&self) -> Result<i64, DayError> {
        super::full_d5::ist_micros(self.text)
            .map(|micros| micros.div_euclid(1_000_000))
            .ok_or_else(|| self.malformed("a time `YYYY-MM-DD HH:MM:SS`"))
    }
}
