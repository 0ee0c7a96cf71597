//! What the broker says about the state of each market segment.
//!
//! Invariants: a status that is not known here is kept as [`MarketPhase::Unknown`] and counts as closed; a segment
//! that is not known here is counted. Zero means `PRE_OPEN_START` on the wire, and it is only believed where the
//! segment was named. Left out: what the closing-auction words mean (they are kept as text).
//! Facts: `MarketInfo` in `proto/market_data_feed_v3.proto`.

use bijli_core::text::Text;
use bijli_core::time::TsNs;

use super::wire_format::{DecodeError, Reader, Wire};

/// A market segment, as it starts an instrument key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Segment {
    /// NSE shares.
    NseEq = 0,
    /// NSE derivatives.
    NseFo,
    /// NSE commodities.
    NseCom,
    /// NSE indices.
    NseIndex,
    /// NSE currency derivatives.
    NcdFo,
    /// BSE shares.
    BseEq,
    /// BSE derivatives.
    BseFo,
    /// BSE indices.
    BseIndex,
    /// BSE currency derivatives.
    BcdFo,
    /// MCX derivatives.
    McxFo,
    /// MCX indices.
    McxIndex,
}

/// Every segment, in the order of their numbers.
pub const SEGMENTS: [Segment; 11] = [
    Segment::NseEq,
    Segment::NseFo,
    Segment::NseCom,
    Segment::NseIndex,
    Segment::NcdFo,
    Segment::BseEq,
    Segment::BseFo,
    Segment::BseIndex,
    Segment::BcdFo,
    Segment::McxFo,
    Segment::McxIndex,
];

impl Segment {
    /// The broker's word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NseEq => "NSE_EQ",
            Self::NseFo => "NSE_FO",
            Self::NseCom => "NSE_COM",
            Self::NseIndex => "NSE_INDEX",
            Self::NcdFo => "NCD_FO",
            Self::BseEq => "BSE_EQ",
            Self::BseFo => "BSE_FO",
            Self::BseIndex => "BSE_INDEX",
            Self::BcdFo => "BCD_FO",
            Self::McxFo => "MCX_FO",
            Self::McxIndex => "MCX_INDEX",
        }
    }

    /// The segment of the broker's word.
    #[must_use]
    pub fn from_word(word: &[u8]) -> Option<Self> {
        SEGMENTS
            .into_iter()
            .find(|segment| segment.word().as_bytes() == word)
    }

    /// The segment that an instrument key such as `NSE_FO|45450` starts with.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::from_word(key.split('|').next()?.as_bytes())
    }
}

/// The state of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MarketPhase {
    /// Orders for the opening auction are collected.
    PreOpenStart = 0,
    /// The opening auction has ended.
    PreOpenEnd = 1,
    /// Continuous trading.
    NormalOpen = 2,
    /// Continuous trading has ended.
    NormalClose = 3,
    /// The closing session runs.
    ClosingStart = 4,
    /// The closing session has ended.
    ClosingEnd = 5,
    /// A number that is not known here; counts as closed.
    Unknown = 255,
}

impl MarketPhase {
    /// From the wire's number.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        match number {
            0 => Self::PreOpenStart,
            1 => Self::PreOpenEnd,
            2 => Self::NormalOpen,
            3 => Self::NormalClose,
            4 => Self::ClosingStart,
            5 => Self::ClosingEnd,
            _ => Self::Unknown,
        }
    }

    /// Whether trades happen one by one, so that silence is a sign of trouble.
    #[must_use]
    pub const fn is_continuous(self) -> bool {
        matches!(self, Self::NormalOpen)
    }
}

/// The state of every segment that a message named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentPhases {
    phases: [Option<MarketPhase>; SEGMENTS.len()],
    unknown_segments: u32,
}

impl SegmentPhases {
    /// The state of a segment; `None` when the message did not name it.
    #[must_use]
    pub const fn get(&self, segment: Segment) -> Option<MarketPhase> {
        self.phases[segment as usize]
    }

    /// Whether no known segment was named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.phases.iter().all(Option::is_none)
    }

    /// Segments named that are not known here.
    #[must_use]
    pub const fn unknown_segments(&self) -> u32 {
        self.unknown_segments
    }

    /// Takes over every segment that `newer` names.
    pub fn update(&mut self, newer: &Self) {
        for (mine, theirs) in self.phases.iter_mut().zip(newer.phases) {
            *mine = theirs.or(*mine);
        }
        self.unknown_segments = newer.unknown_segments;
    }

    fn set(&mut self, word: &[u8], phase: MarketPhase) {
        match Segment::from_word(word) {
            Some(segment) => self.phases[segment as usize] = Some(phase),
            None => self.unknown_segments = self.unknown_segments.saturating_add(1),
        }
    }

    /// Merges a `MarketInfo` message.
    pub(super) fn merge(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
        while let Some((field, wire)) = reader.key()? {
            match field {
                1 => {
                    let (word, value) = entry(reader.map_entry()?)?;
                    let number = match value {
                        Some((wire, mut value)) => value.enumeration(wire)?,
                        None => 0,
                    };
                    self.set(word, MarketPhase::from_number(number));
                }
                2 | 3 => {
                    reader.map_entry()?;
                }
                _ => reader.skip(wire)?,
            }
        }
        Ok(())
    }
}

/// A word about a session, such as `CTS_CLOSE`, and since when it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStatus {
    /// The broker's word; empty when it is longer than 24 bytes or not printable.
    pub word: Text<24>,
    /// Since when.
    pub updated: TsNs,
}

/// All that a `market_info` message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarketInfo {
    /// The state of each segment.
    pub phases: SegmentPhases,
    /// The closing auction by segment.
    pub closing_auction: Vec<(Segment, SessionStatus)>,
    /// The opening auction by segment.
    pub pre_open: Vec<(Segment, SessionStatus)>,
}

/// Reads the whole `MarketInfo` of a frame; `None` when the frame has none. Allocates: not for the hot path.
///
/// # Errors
/// [`DecodeError`] when the frame is broken.
pub fn read(frame: &[u8]) -> Result<Option<MarketInfo>, DecodeError> {
    let mut reader = Reader::new(frame);
    let mut found = None;
    while let Some((field, wire)) = reader.key()? {
        match field {
            2 => {
                reader.map_entry()?;
                continue;
            }
            4 => {}
            _ => {
                reader.skip(wire)?;
                continue;
            }
        }
        let inner = reader.message(wire)?;
        let info: &mut MarketInfo = found.get_or_insert_default();
        info.phases.merge(inner)?;
        let mut inner = inner;
        while let Some((field, wire)) = inner.key()? {
            match field {
                1 => {
                    inner.map_entry()?;
                }
                2 => status(&mut info.closing_auction, inner.map_entry()?)?,
                3 => status(&mut info.pre_open, inner.map_entry()?)?,
                _ => inner.skip(wire)?,
            }
        }
    }
    Ok(found)
}

fn status(into: &mut Vec<(Segment, SessionStatus)>, reader: Reader<'_>) -> Result<(), DecodeError> {
    let (word, _) = entry(reader)?;
    let mut entry_fields = reader;
    let mut found = SessionStatus::default();
    while let Some((field, wire)) = entry_fields.key()? {
        if field != 2 {
            entry_fields.skip(wire)?;
            continue;
        }
        let mut inner = entry_fields.message(wire)?;
        while let Some((field, wire)) = inner.key()? {
            match field {
                1 => found.word = Text::from_bytes(inner.message(wire)?.rest()).unwrap_or_default(),
                2 => found.updated = TsNs::from_millis(inner.int64(wire)?),
                _ => inner.skip(wire)?,
            }
        }
    }
    if let Some(segment) = Segment::from_word(word) {
        into.retain(|(known, _)| *known != segment);
        into.push((segment, found));
    }
    Ok(())
}

type Entry<'a> = (&'a [u8], Option<(Wire, Reader<'a>)>);

/// The key of a map entry and its last value, whichever stands first.
fn entry(mut reader: Reader<'_>) -> Result<Entry<'_>, DecodeError> {
    let mut key: &[u8] = &[];
    let mut value = None;
    while let Some((field, wire)) = reader.key()? {
        match field {
            1 => key = reader.message(wire)?.rest(),
            2 => {
                value = Some((wire, reader));
                reader.skip(wire)?;
            }
            _ => reader.skip(wire)?,
        }
    }
    Ok((key, value))
}
