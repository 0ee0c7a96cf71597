//! A JSON array cut into its rows as the bytes arrive, so that each row is parsed in place and none is copied.
//!
//! Invariants: a buffer of one row and one read is all that is held; a row is at most [`ROW_BYTES_MAX`] and the whole
//! text at most [`TEXT_BYTES_MAX`], so that a bomb ends early; the source is read to its very end, which is what
//! makes a decompressor check its trailer. Left out: the meaning of a row ([`super::master`]).

use std::io::Read;

use super::master::MasterError;

/// Longest row: a hundred times the longest known.
pub(super) const ROW_BYTES_MAX: usize = 64 * 1024;
/// Longest text once unpacked: four times the largest master known (59,762,214 bytes).
pub(super) const TEXT_BYTES_MAX: u64 = 256 * 1024 * 1024;
const READ_BYTES: usize = 128 * 1024;

/// Reads an array, row by row.
pub(super) struct RowStream<R> {
    source: R,
    buffer: Vec<u8>,
    /// What of the buffer is handed out, and what was filled.
    taken: usize,
    filled: usize,
    text_bytes: u64,
    place: Place,
    rows: u64,
}

/// Where in the text a byte stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Lines before it.
    line: usize,
    /// Bytes of its line before it.
    column: usize,
}

impl Place {
    fn advance(&mut self, passed: &[u8]) {
        let lines = passed.iter().filter(|byte| **byte == b'\n').count();
        if lines == 0 {
            self.column += passed.len();
            return;
        }
        self.line += lines;
        let last = passed.iter().rposition(|byte| *byte == b'\n');
        self.column = passed.len() - 1 - last.expect("a line end was counted");
    }
}

impl<R: Read> RowStream<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            buffer: vec![0; 2 * READ_BYTES],
            taken: 0,
            filled: 0,
            text_bytes: 0,
            place: Place { line: 0, column: 0 },
            rows: 0,
        }
    }

    /// Rows handed out.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Length of the text so far, unpacked.
    pub(super) fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// Hands every row to `on_row`, which answers what is wrong with it.
    pub(super) fn each(
        &mut self,
        mut on_row: impl FnMut(&[u8]) -> Result<(), serde_json::Error>,
    ) -> Result<(), MasterError> {
        self.expect(b'[', "an array of instrument rows is expected")?;
        if self.next_sign()? == Some(b']') {
            self.take(1);
            return self.end();
        }
        loop {
            if self.next_sign()? != Some(b'{') {
                return Err(self.wrong("an instrument row is expected"));
            }
            let row_bytes = self.row_bytes()?;
            self.rows += 1;
            if self.rows > super::master::ROWS_MAX {
                return Err(MasterError::TooManyRows);
            }
            if let Err(error) = on_row(&self.buffer[self.taken..self.taken + row_bytes]) {
                self.rows -= 1;
                return Err(self.syntax(&error));
            }
            self.take(row_bytes);
            match self.next_sign()? {
                Some(b',') => self.take(1),
                Some(b']') => {
                    self.take(1);
                    return self.end();
                }
                _ => return Err(self.wrong("`,` or `]` is expected")),
            }
        }
    }

    fn end(&mut self) -> Result<(), MasterError> {
        match self.next_sign()? {
            None => Ok(()),
            Some(_) => Err(self.wrong("nothing may follow the array")),
        }
    }

    fn expect(&mut self, sign: u8, reason: &str) -> Result<(), MasterError> {
        if self.next_sign()? != Some(sign) {
            return Err(self.wrong(reason));
        }
        self.take(1);
        Ok(())
    }

    /// The next byte that is no blank, left where it is; `None` at the end of the text.
    fn next_sign(&mut self) -> Result<Option<u8>, MasterError> {
        loop {
            let rest = &self.buffer[self.taken..self.filled];
            let blank = rest
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
                .count();
            let sign = rest.get(blank).copied();
            self.take(blank);
            if sign.is_some() || !self.fill()? {
                return Ok(sign);
            }
        }
    }

    /// The length of the object that begins here; it lies whole in the buffer then.
    fn row_bytes(&mut self) -> Result<usize, MasterError> {
        let (mut seen, mut depth, mut in_text, mut escaped) = (0, 0_u32, false, false);
        loop {
            for byte in &self.buffer[self.taken + seen..self.filled] {
                seen += 1;
                if in_text {
                    in_text = escaped || *byte != b'"';
                    escaped = !escaped && *byte == b'\\';
                    continue;
                }
                match byte {
                    b'"' => in_text = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Ok(seen);
                        }
                    }
                    _ => {}
                }
            }
            if seen > ROW_BYTES_MAX {
                return Err(self.wrong("a row is longer than any instrument's"));
            }
            if !self.fill()? {
                self.take(seen);
                return Err(self.wrong("the text ends within a row"));
            }
        }
    }

    /// Reads on behind what is not handed out yet; false at the end of the text.
    fn fill(&mut self) -> Result<bool, MasterError> {
        if self.taken == self.filled {
            (self.taken, self.filled) = (0, 0);
        } else if self.buffer.len() - self.filled < READ_BYTES {
            self.buffer.copy_within(self.taken..self.filled, 0);
            self.filled -= self.taken;
            self.taken = 0;
        }
        assert!(
            self.filled < self.buffer.len(),
            "a row longer than half the buffer was refused before"
        );
        let room = self.buffer.len().min(self.filled + READ_BYTES);
        let count = loop {
            match self.source.read(&mut self.buffer[self.filled..room]) {
                Ok(count) => break count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(MasterError::Io {
                        rows: self.rows,
                        source,
                    });
                }
            }
        };
        self.filled += count;
        self.text_bytes += count as u64;
        if self.text_bytes > TEXT_BYTES_MAX {
            return Err(MasterError::TooLong);
        }
        Ok(count > 0)
    }

    fn take(&mut self, bytes: usize) {
        self.place.advance(&self.buffer[self.taken..self.taken + bytes]);
        self.taken += bytes;
    }

    /// What is wrong at the next byte that is not handed out.
    fn wrong(&self, reason: &str) -> MasterError {
        let at_end = self.taken == self.filled;
        MasterError::Syntax {
            row: self.rows + 1,
            line: self.place.line + 1,
            column: self.place.column + usize::from(!at_end),
            reason: if at_end {
                format!("{reason}, but the text ends")
            } else {
                reason.to_owned()
            },
        }
    }

    /// A parser's complaint about the row that begins at the place, moved to the place in the whole text.
    fn syntax(&self, error: &serde_json::Error) -> MasterError {
        let before = if error.line() <= 1 { self.place.column } else { 0 };
        let text = error.to_string();
        let reason_end = text.rfind(" at line ").unwrap_or(text.len());
        MasterError::Syntax {
            row: self.rows + 1,
            line: self.place.line + error.line().max(1),
            column: before + error.column(),
            reason: text[..reason_end].to_owned(),
        }
    }
}
