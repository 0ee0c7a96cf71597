//! The elements of a gzipped JSON array, one in memory at a time, with their place for errors.
//!
//! Only the nesting of brackets and the ends of strings are understood here; what an element means is its
//! reader's business. Invariant: an element is at most [`ELEMENT_BYTES_MAX`] bytes.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use super::DayError;

/// Longest element accepted.
const ELEMENT_BYTES_MAX: usize = 1024 * 1024;
const CHUNK_BYTES: usize = 64 * 1024;

/// An array under way.
pub(super) struct JsonArray {
    path: PathBuf,
    input: MultiGzDecoder<File>,
    chunk: Vec<u8>,
    chunk_used: usize,
    element: Vec<u8>,
    line: u64,
    line_start: u64,
    offset: u64,
    start: (u64, u64),
    begun: bool,
}

enum Byte {
    At(u8),
    End,
}

impl JsonArray {
    pub(super) fn open(path: &Path) -> Result<Self, DayError> {
        let file = File::open(path).map_err(|error| DayError::io("opening a day file", path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            input: MultiGzDecoder::new(file),
            chunk: Vec::new(),
            chunk_used: 0,
            element: Vec::new(),
            line: 1,
            line_start: 0,
            offset: 0,
            start: (1, 1),
            begun: false,
        })
    }

    /// The next element, read as `T`; `None` after the closing bracket.
    pub(super) fn next<'a, T: Deserialize<'a>>(&'a mut self) -> Result<Option<T>, DayError> {
        if !self.advance()? {
            return Ok(None);
        }
        match serde_json::from_slice(&self.element) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                let inner = error.line() as u64;
                let column = error.column().max(1) as u64;
                let shift = if inner <= 1 { self.start.1 - 1 } else { 0 };
                Err(DayError::Malformed {
                    path: self.path.clone(),
                    line: self.start.0 + inner.saturating_sub(1),
                    column: column + shift,
                    expected: error.to_string(),
                    found: self.text_at(inner),
                })
            }
        }
    }

    /// An error about the element that was handed out last.
    pub(super) fn malformed(&self, expected: String, found: String) -> DayError {
        DayError::Malformed {
            path: self.path.clone(),
            line: self.start.0,
            column: self.start.1,
            expected,
            found,
        }
    }

    fn text_at(&self, line: u64) -> String {
        let text = String::from_utf8_lossy(&self.element);
        let line = text
            .lines()
            .nth(line.saturating_sub(1) as usize)
            .unwrap_or_default();
        line.trim().chars().take(80).collect()
    }

    /// Collects the next element; `false` after the closing bracket.
    fn advance(&mut self) -> Result<bool, DayError> {
        self.element.clear();
        if !self.begun {
            self.expect_bracket()?;
            self.begun = true;
        }
        loop {
            match self.byte()? {
                Byte::At(b']') => return Ok(false),
                Byte::At(byte) if byte.is_ascii_whitespace() || byte == b',' => {}
                Byte::At(b'{') => break,
                Byte::At(byte) => return Err(self.here("an element `{` or `]`", byte)),
                Byte::End => return Err(self.cut()),
            }
        }
        self.start = (self.line, self.offset - self.line_start);
        self.element.push(b'{');
        self.collect()?;
        Ok(true)
    }

    fn collect(&mut self) -> Result<(), DayError> {
        let (mut depth, mut in_string, mut escaped) = (1_u32, false, false);
        loop {
            if self.chunk_used == self.chunk.len() && !self.refill()? {
                return Err(self.cut());
            }
            let from = self.chunk_used;
            while self.chunk_used < self.chunk.len() && depth > 0 {
                let byte = self.chunk[self.chunk_used];
                self.chunk_used += 1;
                self.offset += 1;
                if in_string {
                    in_string = escaped || byte != b'"';
                    escaped = !escaped && byte == b'\\';
                    continue;
                }
                match byte {
                    b'"' => in_string = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    b'\n' => {
                        self.line += 1;
                        self.line_start = self.offset;
                    }
                    _ => {}
                }
            }
            self.element.extend_from_slice(&self.chunk[from..self.chunk_used]);
            if depth == 0 {
                return Ok(());
            }
            if self.element.len() > ELEMENT_BYTES_MAX {
                return Err(self.here("the end of the element", b'.'));
            }
        }
    }

    fn expect_bracket(&mut self) -> Result<(), DayError> {
        loop {
            match self.byte()? {
                Byte::At(b'[') => return Ok(()),
                Byte::At(byte) if byte.is_ascii_whitespace() => {}
                Byte::At(byte) => return Err(self.here("an array `[`", byte)),
                Byte::End => return Err(self.cut()),
            }
        }
    }

    fn byte(&mut self) -> Result<Byte, DayError> {
        if self.chunk_used == self.chunk.len() && !self.refill()? {
            return Ok(Byte::End);
        }
        let byte = self.chunk[self.chunk_used];
        self.chunk_used += 1;
        self.offset += 1;
        if byte == b'\n' {
            self.line += 1;
            self.line_start = self.offset;
        }
        Ok(Byte::At(byte))
    }

    fn refill(&mut self) -> Result<bool, DayError> {
        self.chunk.resize(CHUNK_BYTES, 0);
        self.chunk_used = 0;
        let bytes = self
            .input
            .read(&mut self.chunk)
            .map_err(|error| DayError::Malformed {
                path: self.path.clone(),
                line: self.line,
                column: self.offset - self.line_start + 1,
                expected: "a whole gzip stream".to_owned(),
                found: error.to_string(),
            })?;
        self.chunk.truncate(bytes);
        Ok(bytes > 0)
    }

    fn here(&self, expected: &str, found: u8) -> DayError {
        DayError::Malformed {
            path: self.path.clone(),
            line: self.line,
            column: self.offset.saturating_sub(self.line_start).max(1),
            expected: expected.to_owned(),
            found: char::from(found).to_string(),
        }
    }

    fn cut(&self) -> DayError {
        DayError::Malformed {
            path: self.path.clone(),
            line: self.line,
            column: self.offset - self.line_start + 1,
            expected: "the closing `]` of the array".to_owned(),
            found: "the end of the file".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[derive(Deserialize)]
    struct Named {
        name: String,
    }

    fn array(text: &str) -> (tempfile::NamedTempFile, JsonArray) {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text.as_bytes()).expect("memory takes it");
        let packed = packer.finish().expect("memory takes it");
        file.write_all(&packed).expect("disk takes it");
        let opened = JsonArray::open(file.path()).expect("it exists");
        (file, opened)
    }

    #[test]
    fn elements_come_one_by_one_and_brackets_in_strings_do_not_count() {
        let (_file, mut array) = array("[\n {\"name\": \"a}]\\\"\"},\n {\"name\": \"b\"}\n]\n");
        let mut names = Vec::new();
        while let Some(Named { name }) = array.next().expect("sound") {
            names.push(name);
        }
        assert_eq!(names, ["a}]\"", "b"]);
    }

    #[test]
    fn damage_is_named_with_line_and_column() {
        for (text, line, column) in [
            ("[\n{\"name\": \"a\"},\n{\"name\": 7}\n]", 3, 10),
            ("[\n{\"name\": \"a\"},\n  oops]", 3, 3),
            ("{\"name\": \"a\"}", 1, 1),
            ("[{\"name\": \"a\"}, {\"na", 1, 21),
        ] {
            let (_file, mut array) = array(text);
            let damage = loop {
                match array.next::<Named>() {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("no damage found in {text}"),
                    Err(damage) => break damage,
                }
            };
            let DayError::Malformed {
                line: at,
                column: place,
                ..
            } = damage
            else {
                panic!("another error: {damage}");
            };
            assert_eq!((at, place), (line, column), "{text}");
        }
    }
}
