//! The rows of the faults of a feed line, in the order of the catalogue, and the dice for them.

use bijli_core::DurationNs;

use crate::random::Random;

/// What is known of one kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedFaultRow {
    /// The kind.
    pub fault: FeedFault,
    /// Its id in the catalogue.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// How long it lasts, least and most, in milliseconds; zero for what has no length.
    pub span_ms: (i64, i64),
    /// What it does, in one line.
    pub about: &'static str,
}

macro_rules! feed_fault_table {
    ($($fault:ident $id:literal $name:literal $low:literal $high:literal, $about:literal;)+) => {
        /// A kind of fault of market data.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FeedFault {
            $(#[doc = $about] $fault,)+
        }

        /// Every kind of fault that a feed line knows. Chances are drawn for each change of the market, unless the
        /// line says otherwise.
        pub const FEED_FAULTS: [FeedFaultRow; [$($id),+].len()] = [
            $(FeedFaultRow {
                fault: FeedFault::$fault,
                id: $id,
                name: $name,
                span_ms: ($low, $high),
                about: $about,
            },)+
        ];
    };
}

feed_fault_table! {
    Mute "D1" "feed_mute" 500 10_000,
        "No market data while the connection stays open.";
    FreezeThenBurst "D2" "freeze_then_burst" 500 6_000,
        "Market data is held back, and then comes all at once.";
    KeyFrozen "D3" "key_frozen" 1_000 10_000,
        "One instrument stands still while the others tick.";
    NoLastTrade "D4" "no_last_trade" 0 0,
        "A frame tells the book without the last trade, which reads as price 0.";
    OddNumber "D5" "odd_number" 0 0,
        "A price is no number, endless, negative, 1e308 or off its step.";
    Spike "D6" "price_spike" 0 0,
        "The last price is ten times too high for one tick.";
    Repeated "D7" "frame_repeated" 0 900,
        "A frame comes again, later than a newer one.";
    OldSnapshot "D8" "old_snapshot" 1_000 60_000,
        "The snapshot after a subscription is older than what was heard before; drawn for each snapshot.";
    BrokenFrame "D9" "broken_frame" 0 0,
        "A frame is cut, or empty.";
    BadBook "D10" "bad_book" 0 0,
        "The book is crossed, one-sided or without quantities.";
    UnknownWords "D12" "unknown_words" 0 0,
        "A frame has a kind that nobody knows, or fields that nobody knows, or a market status that nobody knows.";
    Flood "D13" "flood" 0 0,
        "A change comes in twenty frames.";
    KeyDropped "D14" "key_dropped" 0 0,
        "A key of a subscription is silently not served; drawn for each key.";
    Refused "D15" "feed_refused" 500 5_000,
        "The connection is cut, and the next entry is refused with 403 or with 401, which needs another token.";
    Skewed "D18" "time_skewed" 3_000 3_600_000,
        "The time of the last trade lies far ahead or far behind.";
}

/// Kinds of fault.
pub const FEED_FAULT_KINDS: usize = FEED_FAULTS.len();

impl FeedFault {
    /// Its row of the table.
    #[must_use]
    pub const fn row(self) -> &'static FeedFaultRow {
        &FEED_FAULTS[self as usize]
    }
}

/// Chances in parts per million, streams and counts.
#[derive(Clone, Debug)]
pub(super) struct FeedDice {
    pub(super) ppm: [u32; FEED_FAULT_KINDS],
    streams: [Random; FEED_FAULT_KINDS],
    pub(super) counts: [u64; FEED_FAULT_KINDS],
}

impl FeedDice {
    pub(super) fn new(ppm: [u32; FEED_FAULT_KINDS], seed: u64) -> Self {
        let purpose = |id: &str| id.bytes().fold(0xfe_u64, |sum, byte| sum << 8 | u64::from(byte));
        Self {
            ppm,
            streams: FEED_FAULTS.map(|row| Random::new(seed, purpose(row.id))),
            counts: [0; FEED_FAULT_KINDS],
        }
    }

    pub(super) const fn fires(&mut self, fault: FeedFault) -> bool {
        let fires = self.streams[fault as usize].happens(self.ppm[fault as usize]);
        self.counts[fault as usize] += fires as u64;
        fires
    }

    pub(super) const fn between(&mut self, fault: FeedFault, low: i64, high: i64) -> i64 {
        self.streams[fault as usize].between(low, high)
    }

    pub(super) const fn lasts(&mut self, fault: FeedFault) -> DurationNs {
        let (low, high) = fault.row().span_ms;
        DurationNs::from_millis(self.between(fault, low, high))
    }
}
