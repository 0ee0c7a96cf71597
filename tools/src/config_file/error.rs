//! What is wrong in a configuration file, where, and what to do about it.
//!
//! Codes: `E-CFG-01` unreadable, `02` not TOML, `03` unknown section or key, `04` wrong type, `05` outside the
//! range, `06` finer than the key distinguishes, `07` keys that contradict one another.

use std::fmt;

/// A position in a text: line and column, both counted from one, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Place {
    /// The place of the byte at `offset` of `text`.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line_start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |newline| newline + 1);
        let newlines = before.iter().filter(|byte| **byte == b'\n').count();
        let characters = String::from_utf8_lossy(&before[line_start..]).chars().count();
        Self {
            line: u32::try_from(newlines + 1).unwrap_or(u32::MAX),
            column: u32::try_from(characters + 1).unwrap_or(u32::MAX),
        }
    }
}

/// One mistake in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as the user named it.
    pub file: String,
    /// Where in it; `None` when it is about the file as a whole.
    pub place: Option<Place>,
    /// A stable code, `E-CFG-01` to `E-CFG-07`.
    pub code: &'static str,
    /// What is wrong.
    pub what: String,
    /// What the user may do.
    pub help: String,
}

/// Every mistake of one file, in the order of the file; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

/// Prints as compilers do: `file:line:column: error CODE: what`, then the remedy on a line of its own.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some(place) = self.place {
            write!(f, "{}:{}:", place.line, place.column)?;
        }
        write!(f, " error {}: {}\n    help: {}", self.code, self.what, self.help)
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
impl std::error::Error for ConfigErrors {}

/// The word of `known` that a user most likely meant by `written`, if any is near enough.
pub(super) fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (written.chars().count() / 3).max(1);
    known
        .map(|word| (distance(written, word), word))
        .filter(|(edits, word)| *edits <= allowed || (written.len() >= 4 && word.starts_with(written)))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, word)| word)
}

/// Levenshtein's distance: single-character insertions, deletions and replacements.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, one) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(one != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let text = "a = 1\n# \u{20b9} x\nb = 2";
        for (offset, line, column) in [(0, 1, 1), (4, 1, 5), (6, 2, 1), (12, 2, 5), (text.len(), 3, 6)] {
            assert_eq!(Place::of(text, offset), Place { line, column }, "offset {offset}");
        }
    }

    #[test]
    fn a_slip_of_the_hand_finds_the_word_that_was_meant() {
        let known = ["max_positions", "capital_rupees", "stop_loss_pct"];
        for (written, meant) in [
            ("max_position", Some("max_positions")),
            ("capital_rupes", Some("capital_rupees")),
            ("capital", Some("capital_rupees")),
            ("stoploss_pct", Some("stop_loss_pct")),
            ("colour", None),
        ] {
            assert_eq!(nearest(written, known.into_iter()), meant, "{written}");
        }
    }
}
