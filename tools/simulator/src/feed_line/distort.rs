//! What faults make of a change before it is told, and of a frame before it leaves.

use bijli_core::TsNs;

use super::FeedLine;
use super::table::FeedFault;
use crate::day::DayTick;
use crate::feed_frame::{self, FrameKind};

/// A field that no schema has: number 15, a varint.
const UNKNOWN_FIELD: [u8; 2] = [0x78, 0x07];
/// A frame of a kind that no schema has.
const UNKNOWN_KIND: [u8; 2] = [0x08, 0x63];
/// `market_info` that gives `NSE_EQ` a status that no schema has.
const UNKNOWN_STATUS: [u8; 16] = [
    0x08, 0x02, 0x22, 0x0c, 0x0a, 0x0a, 0x0a, 0x06, b'N', b'S', b'E', b'_', b'E', b'Q', 0x10, 0x63,
];

impl FeedLine {
    /// Changes what is told of a change.
    pub(super) fn distort(&mut self, tick: &mut DayTick) {
        if self.dice.fires(FeedFault::NoLastTrade) {
            (tick.ltp, tick.ltt_ms, tick.ltq, tick.prev_close) = (0.0, 0, 0, 0.0);
        }
        if self.dice.fires(FeedFault::OddNumber) {
            let odd = [
                f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
                -1.0,
                1e308,
                tick.ltp + 0.013,
            ];
            let choice = self.dice.between(FeedFault::OddNumber, 0, odd.len() as i64 - 1) as usize;
            if self.dice.between(FeedFault::OddNumber, 0, 1) == 0 {
                tick.ltp = odd[choice];
            } else {
                (tick.levels[0].bid, tick.levels[0].ask) = (odd[choice], odd[choice]);
            }
        }
        if self.dice.fires(FeedFault::Spike) {
            tick.ltp *= 10.0;
        }
        if self.dice.fires(FeedFault::BadBook) {
            let best = &mut tick.levels[0];
            match self.dice.between(FeedFault::BadBook, 0, 3) {
                0 => (best.bid, best.ask) = (best.ask, best.bid),
                1 => (best.bid, best.bid_qty) = (0.0, 0),
                2 => (best.ask, best.ask_qty) = (0.0, 0),
                _ => (best.bid_qty, best.ask_qty) = (0, 0),
            }
        }
        if self.dice.fires(FeedFault::Skewed) {
            let by = self.dice.lasts(FeedFault::Skewed).get() / 1_000_000;
            let is_ahead = self.dice.between(FeedFault::Skewed, 0, 1) == 0;
            tick.ltt_ms += if is_ahead { by } else { -by };
        }
    }

    /// Changes a frame that is ready to leave.
    pub(super) fn damage(&mut self, now: TsNs, mut frame: Vec<u8>) -> Vec<u8> {
        if self.dice.fires(FeedFault::UnknownWords) {
            match self.dice.between(FeedFault::UnknownWords, 0, 2) {
                0 => frame.extend(UNKNOWN_FIELD),
                1 => frame = UNKNOWN_KIND.to_vec(),
                _ => frame = UNKNOWN_STATUS.to_vec(),
            }
        }
        if self.dice.fires(FeedFault::BrokenFrame) {
            let kept = self.dice.between(FeedFault::BrokenFrame, 0, frame.len() as i64);
            frame.truncate(kept as usize);
            if self.dice.between(FeedFault::BrokenFrame, 0, 3) == 0 {
                // A snapshot with nothing in it.
                frame.clear();
                feed_frame::begin(&mut frame, FrameKind::Initial);
                feed_frame::finish(&mut frame, now);
            }
        }
        frame
    }
}
