//! The grammar of protobuf as far as the feed needs it: keys, varints, fixed words, lengths, and how to skip.
//!
//! Invariants: never reads outside the message it was given; never recurses; agrees with `prost` on what is valid,
//! save for groups, which the feed has none of and which are refused.
//! Facts: the protobuf encoding guide; overlong and overflowing varints as in `prost` 0.14.

use std::fmt;

use super::straight::short_varint;

/// Why a frame could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    kind: DecodeErrorKind,
    offset: usize,
}

/// What was wrong in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecodeErrorKind {
    /// It ends inside a field, or a length points past the end of its message.
    Truncated,
    /// A varint of more than ten bytes or 64 bits.
    BadVarint,
    /// Field number 0, a number over 29 bits, or an unknown wire type.
    BadKey,
    /// A group, which the feed does not use.
    Group,
    /// A known field in another wire type than its own.
    WrongWireType,
}

impl DecodeError {
    /// What was wrong.
    #[must_use]
    pub const fn kind(self) -> DecodeErrorKind {
        self.kind
    }

    /// Where in the frame, in bytes from its start.
    #[must_use]
    pub const fn offset(self) -> usize {
        self.offset
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            DecodeErrorKind::Truncated => "it ends inside a field",
            DecodeErrorKind::BadVarint => "a varint is longer than 64 bits",
            DecodeErrorKind::BadKey => "a field key is invalid",
            DecodeErrorKind::Group => "it holds a group",
            DecodeErrorKind::WrongWireType => "a known field has a foreign wire type",
        };
        write!(
            f,
            "decoding a feed frame: {what} at byte {}; the frame is dropped, look at the capture if it repeats",
            self.offset
        )
    }
}

impl std::error::Error for DecodeError {}

/// The four wire types in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Varint,
    Fixed64,
    Bytes,
    Fixed32,
}

impl Wire {
    #[inline(always)]
    const fn of_key(key: u32) -> Option<Self> {
        match key & 7 {
            0 => Some(Self::Varint),
            1 => Some(Self::Fixed64),
            2 => Some(Self::Bytes),
            5 => Some(Self::Fixed32),
            _ => None,
        }
    }
}

/// Reads one message, fields in any order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Where in the frame `rest` ends.
    end: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(frame: &'a [u8]) -> Self {
        Self {
            rest: frame,
            end: frame.len(),
        }
    }

    /// What is still unread of this message.
    #[inline(always)]
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Goes on behind what a short cut has taken.
    #[inline(always)]
    pub(crate) fn resume(&mut self, rest: &'a [u8]) {
        debug_assert!(
            rest.len() <= self.rest.len(),
            "a short cut leaves an end of its message"
        );
        self.rest = rest;
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError {
            kind,
            offset: self.end - self.rest.len(),
        }
    }

    /// The next field's number and wire type; `None` at the end of the message.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<Option<(u32, Wire)>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        // A key of one byte other than 0 and of a usual wire type needs no further question.
        if let [first, rest @ ..] = self.rest
            && *first < 0x80
            && *first >= 8
            && let Some(wire) = Wire::of_key(u32::from(*first))
        {
            self.rest = rest;
            return Ok(Some((u32::from(*first >> 3), wire)));
        }
        self.odd_key().map(Some)
    }

    fn odd_key(&mut self) -> Result<(u32, Wire), DecodeError> {
        let start = *self;
        let key = u32::try_from(self.varint()?).map_err(|_| start.error(DecodeErrorKind::BadKey))?;
        if matches!(key & 7, 3 | 4) {
            return Err(start.error(DecodeErrorKind::Group));
        }
        match (key >> 3, Wire::of_key(key)) {
            (field @ 1.., Some(wire)) => Ok((field, wire)),
            _ => Err(start.error(DecodeErrorKind::BadKey)),
        }
    }

    #[inline(always)]
    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        match self.rest {
            [first, rest @ ..] if *first < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*first))
            }
            [first, second, rest @ ..] if *second < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*first & 0x7f) | u64::from(*second) << 7)
            }
            _ => self.long_varint(),
        }
    }

    /// A varint of three bytes or more.
    #[inline]
    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        if let Some(word) = self.rest.first_chunk::<8>() {
            let varint = short_varint(u64::from_le_bytes(*word));
            if let Some(rest) = self.rest.get(varint.bytes..).filter(|_| varint.bytes < 9) {
                self.rest = rest;
                return Ok(varint.value);
            }
        }
        self.odd_varint()
    }

    /// A varint of nine bytes or more, or near the end of its message.
    #[cold]
    fn odd_varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for (index, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                if index == 9 && byte > 1 {
                    return Err(self.error(DecodeErrorKind::BadVarint));
                }
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        let kind = if self.rest.len() < 10 {
            DecodeErrorKind::Truncated
        } else {
            DecodeErrorKind::BadVarint
        };
        Err(self.error(kind))
    }

    #[inline]
    pub(crate) fn int64(&mut self, wire: Wire) -> Result<i64, DecodeError> {
        self.expect(wire, Wire::Varint)?;
        Ok(self.varint()?.cast_signed())
    }

    /// An open enum: what does not fit 32 bits loses its upper half, as everywhere in protobuf.
    #[inline]
    pub(crate) fn enumeration(&mut self, wire: Wire) -> Result<i32, DecodeError> {
        Ok(self.int64(wire)? as i32)
    }

    #[inline]
    pub(crate) fn double(&mut self, wire: Wire) -> Result<f64, DecodeError> {
        self.expect(wire, Wire::Fixed64)?;
        self.bare_double()
    }

    /// A double whose key was read already.
    #[inline(always)]
    pub(crate) fn bare_double(&mut self) -> Result<f64, DecodeError> {
        let Some((word, rest)) = self.rest.split_first_chunk::<8>() else {
            return Err(self.error(DecodeErrorKind::Truncated));
        };
        self.rest = rest;
        Ok(f64::from_le_bytes(*word))
    }

    /// Takes a key of one byte if it is the next one.
    #[inline(always)]
    pub(crate) fn take_key(&mut self, key: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == key => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// A reader of the submessage that starts here; this reader moves past it.
    #[inline]
    pub(crate) fn message(&mut self, wire: Wire) -> Result<Self, DecodeError> {
        self.expect(wire, Wire::Bytes)?;
        self.bare_message()
    }

    /// An entry of a map. Its wire type is not asked for, because `prost` does not ask either.
    #[inline]
    pub(crate) fn map_entry(&mut self) -> Result<Self, DecodeError> {
        self.bare_message()
    }

    /// As [`Reader::message`], when the key was read already.
    #[inline(always)]
    pub(crate) fn bare_message(&mut self) -> Result<Self, DecodeError> {
        let bytes = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        let Some((inner, rest)) = self.rest.split_at_checked(bytes) else {
            return Err(self.error(DecodeErrorKind::Truncated));
        };
        self.rest = rest;
        Ok(Self {
            rest: inner,
            end: self.end - rest.len(),
        })
    }

    /// Passes over a field that is not known here.
    pub(crate) fn skip(&mut self, wire: Wire) -> Result<(), DecodeError> {
        let bytes = match wire {
            Wire::Varint => {
                self.varint()?;
                return Ok(());
            }
            Wire::Bytes => {
                self.bare_message()?;
                return Ok(());
            }
            Wire::Fixed64 => 8,
            Wire::Fixed32 => 4,
        };
        let Some(rest) = self.rest.get(bytes..) else {
            return Err(self.error(DecodeErrorKind::Truncated));
        };
        self.rest = rest;
        Ok(())
    }

    #[inline]
    fn expect(&self, found: Wire, expected: Wire) -> Result<(), DecodeError> {
        if found == expected {
            Ok(())
        } else {
            Err(self.error(DecodeErrorKind::WrongWireType))
        }
    }
}
