//! Short text of fixed size: broker ids, tags and symbols inside fixed-layout events.

use std::fmt;

/// Up to `N` bytes of printable ASCII, padded with zeros. Copyable and comparable, so that events
/// stay fixed-size; longer or unprintable text is refused, never cut.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const N: usize>([u8; N]);

impl<const N: usize> Text<N> {
    /// No text.
    pub const EMPTY: Self = Self([0; N]);

    /// The text, or `None` if it is too long or holds a byte outside printable ASCII.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        Self::from_bytes(text.as_bytes())
    }

    /// The text, or `None` if it is too long or holds a byte outside printable ASCII.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > N || !bytes.iter().all(|byte| (0x20..0x7f).contains(byte)) {
            return None;
        }
        let mut padded = [0; N];
        padded[..bytes.len()].copy_from_slice(bytes);
        Some(Self(padded))
    }

    /// The text back from its padded form as stored in a record.
    #[must_use]
    pub fn from_padded(padded: [u8; N]) -> Option<Self> {
        let used = padded.iter().position(|byte| *byte == 0).unwrap_or(N);
        if padded[used..].iter().any(|byte| *byte != 0) {
            return None;
        }
        Self::from_bytes(&padded[..used])
    }

    /// The bytes with their padding, as stored in a record.
    #[must_use]
    pub const fn padded(&self) -> &[u8; N] {
        &self.0
    }

    /// The text without its padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let used = self.0.iter().position(|byte| *byte == 0).unwrap_or(N);
        std::str::from_utf8(&self.0[..used]).expect("only printable ASCII gets in")
    }

    /// Whether there is no text.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0[0] == 0
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_does_not_fit_or_does_not_print_is_refused() {
        assert!(Text::<4>::new("abcde").is_none());
        assert!(Text::<4>::new("a\n").is_none());
        assert!(Text::<4>::from_padded([b'a', 0, b'b', 0]).is_none());
        assert_eq!(
            Text::<4>::new("abcd").map(|text| text.as_str().to_owned()),
            Some("abcd".to_owned())
        );
    }
}
