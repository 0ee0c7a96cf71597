//! The last known market of one instrument, with its age and its doubts counted.

use crate::event::{Tick, TickFlags};
use crate::planted::{Bug, planted};
use crate::price::Price;
use crate::quantity::Qty;
use crate::time::{DurationNs, TsNs};

/// How long the feed may be silent on an instrument before the broker's own price stands in for it.
const SILENT_AFTER: DurationNs = DurationNs::from_secs(15);

/// Last sound trade and last sound book; each keeps its own age, since either can be missing from a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// Last sound traded price.
    pub ltp: Price,
    /// When it was received.
    pub ltp_ts: TsNs,
    /// Best bid of the last sound book.
    pub bid: Price,
    /// Best ask of the last sound book.
    pub ask: Price,
    /// Quantity at the bid.
    pub bid_qty: Qty,
    /// Quantity at the ask.
    pub ask_qty: Qty,
    /// When the book was received.
    pub book_ts: TsNs,
    /// Delta of an option by the last sound tick that had one, millionths; 0 = none.
    pub delta_ppm: i32,
    /// When it was received.
    pub delta_ts: TsNs,
    /// Cumulative volume of the day, never falling.
    pub volume: Qty,
    /// Doubtful ticks seen.
    pub anomaly_count: u32,
    /// Last price that the broker told beside a position. It never makes a quote fresh: stops, exits and results
    /// alone look at it, and only while the feed's prices are older.
    pub told: Price,
    /// When it was told.
    pub told_ts: TsNs,
}

impl Quote {
    /// Takes a tick in. Doubtful parts leave the last good values standing and are counted.
    pub fn apply(&mut self, tick: &Tick) {
        if tick.flags.is_sound() || planted(Bug::DoubtfulTick) {
            self.ltp = tick.ltp;
            self.ltp_ts = tick.ts;
            self.volume = self.volume.max(tick.volume);
            if tick.delta_ppm != 0 {
                self.delta_ppm = tick.delta_ppm;
                self.delta_ts = tick.ts;
            }
        }
        let has_book = tick.flags.has_sound_book() && !tick.flags.has(TickFlags::TIME_WRONG);
        if has_book || planted(Bug::DoubtfulTick) {
            self.bid = tick.bid;
            self.ask = tick.ask;
            self.bid_qty = tick.bid_qty;
            self.ask_qty = tick.ask_qty;
            self.book_ts = tick.ts;
        }
        if !tick.flags.is_sound() {
            self.anomaly_count = self.anomaly_count.saturating_add(1);
        }
    }

    /// When anything sound was last heard from the feed.
    #[must_use]
    pub fn heard_ts(&self) -> TsNs {
        self.ltp_ts.max(self.book_ts)
    }

    /// Whether the feed has told nothing sound of it for so long that the broker's own price counts.
    #[must_use]
    pub fn is_silent(&self, now: TsNs) -> bool {
        now.since(self.heard_ts()) >= SILENT_AFTER
    }

    /// The newest price at which somebody is known to have traded, be it the broker who told.
    #[must_use]
    pub fn last_known(&self) -> Price {
        if self.is_told_newest() {
            self.told
        } else {
            self.ltp
        }
    }

    /// Whether the broker's word beside a position is newer than all that the feed told.
    #[must_use]
    pub fn is_told_newest(&self) -> bool {
        self.told.is_set() && self.told_ts > self.heard_ts()
    }

    /// Whether both trade and book are younger than `age_max` at `now`.
    #[must_use]
    pub fn is_fresh(&self, now: TsNs, age_max: DurationNs) -> bool {
        self.ltp.is_set()
            && self.bid.is_set()
            && self.ask.is_set()
            && now.since(self.ltp_ts) <= age_max
            && now.since(self.book_ts) <= age_max
    }
}
