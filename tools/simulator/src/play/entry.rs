//! Entries of feed messages: which tick goes out in which form, and what the market's state adds to it.

use bijli_core::instrument::InstrumentKind;

use super::Player;
use crate::day::{DayInstrument, DayTick};
use crate::feed_extra::{HalfHour, auction, changes, deep_levels};
use crate::feed_frame::{self, Extras, FeedMode};
use crate::market_state::MarketState;
use crate::options::LiveEntries;

impl Player {
    /// The state of the market now.
    pub(super) fn market_state(&self) -> MarketState {
        MarketState::at(self.info.day, self.now)
    }

    /// What goes with a tick of an instrument.
    pub(super) fn extras<'a>(
        instrument: &DayInstrument,
        tick: &DayTick,
        half_hour: Option<&'a HalfHour>,
        day: AuctionDay,
    ) -> Extras<'a> {
        let is_share = instrument.kind == InstrumentKind::Equity;
        Extras {
            levels: None,
            half_hour: half_hour.map(|candle| &candle.done),
            auction: if day == AuctionDay::Collecting {
                auction(instrument, tick)
            } else {
                None
            },
            is_auction_eligible: is_share && day != AuctionDay::None,
            omits_empty_book: false,
        }
    }

    /// Whether and how far the day's closing auction is.
    pub(super) fn auction_day(&self) -> AuctionDay {
        if !self.has_auction {
            AuctionDay::None
        } else if self.state_told.is_collecting() {
            AuctionDay::Collecting
        } else {
            AuctionDay::Quiet
        }
    }

    /// Writes a tick into every subscriber's message.
    pub(super) fn push_to_all(&mut self, tick: &DayTick) {
        let index = tick.instrument as usize;
        let day = self.auction_day();
        let instrument = &self.info.instruments[index];
        let mut extras = Self::extras(instrument, tick, self.half_hours.get(index), day);
        let less;
        let sent = if self.options.live_entries == LiveEntries::Partial {
            extras.omits_empty_book = true;
            less = changes(&self.latest[index], tick);
            &less
        } else {
            tick
        };
        for subscriber in self.subscribers.values_mut() {
            subscriber.push(self.now, instrument, sent, &extras);
        }
    }

    /// Tells a change of the market's state, and what the auction shows when it begins.
    pub(super) fn tell_market_state(&mut self) {
        let state = self.market_state();
        if state == self.state_told {
            return;
        }
        let begins = state.is_collecting() && !self.state_told.is_collecting();
        self.state_told = state;
        if self.is_muted {
            return;
        }
        if self.options.market_info_on_change {
            for subscriber in self.subscribers.values_mut() {
                subscriber.send_market_info(self.now, &self.state_told);
            }
        }
        for index in 0..if begins { self.latest.len() } else { 0 } {
            let tick = self.latest[index];
            let instrument = &self.info.instruments[index];
            let extras = Self::extras(
                instrument,
                &tick,
                self.half_hours.get(index),
                AuctionDay::Collecting,
            );
            if extras.auction.is_none() || self.is_hidden(tick.instrument) {
                continue;
            }
            for subscriber in self.subscribers.values_mut() {
                subscriber.push(self.now, instrument, &tick, &extras);
            }
        }
        for subscriber in self.subscribers.values_mut() {
            subscriber.flush(self.now);
        }
    }
}

/// Whether and how far a day's closing auction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuctionDay {
    /// The day has none.
    None,
    /// Not under way.
    Quiet,
    /// Orders are collected.
    Collecting,
}

/// Adds an entry, with thirty levels when its mode has them.
pub(crate) fn push_entry(
    into: &mut Vec<u8>,
    instrument: &DayInstrument,
    tick: &DayTick,
    mode: FeedMode,
    extras: &Extras<'_>,
) {
    let (key, kind) = (&instrument.key, instrument.kind);
    if mode == FeedMode::FullD30 {
        let levels = deep_levels(instrument, tick);
        let extras = Extras {
            levels: Some(&levels),
            ..*extras
        };
        feed_frame::push_with(into, key, kind, tick, mode, &extras);
    } else {
        feed_frame::push_with(into, key, kind, tick, mode, extras);
    }
}
