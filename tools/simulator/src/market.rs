//! The market-information side of the broker: what it knows of prices, candles, options and the calendar, and
//! how it answers questions about them. A pure state machine: ticks and calls in, answers out.
//!
//! Invariants: an answer depends on the ticks applied, the time given and the seed alone; a row has every field
//! of the broker's model and no other; a real day is never completed by invention. Facts: the broker's API
//! documentation (market quote, historical data, option chain, market information), with recorded answers as
//! the tie-breaker of form. Left out: orders and the account, which are the broker's own.

#![allow(
    dead_code,
    reason = "the readers of candles and pages come with the calls that use them"
)]

use std::collections::BTreeMap;

use bijli_core::TsNs;

use crate::broker::ApiCall;
use crate::broker::reply::{ApiReply, NOT_SUPPORTED, Refusal};
use crate::day::{DayInfo, DayTick};

mod request;
mod bar;
mod line;
mod calendar;
mod quote;

use line::Line;

/// An answer before it is put on the wire.
pub(crate) type Answer = Result<ApiReply, Refusal>;

/// What the broker knows of the market.
#[derive(Debug)]
pub struct MarketDesk {
    info: DayInfo,
    lines: Vec<Line>,
    ids: BTreeMap<String, u32>,
}

impl MarketDesk {
    /// The desk on a morning, before the first tick.
    #[must_use]
    pub fn new(info: &DayInfo) -> Self {
        let lines = info
            .instruments
            .iter()
            .map(|instrument| Line::new(info.day, instrument.clone()));
        Self {
            lines: lines.collect(),
            ids: info
                .instruments
                .iter()
                .map(|row| row.key.clone())
                .zip(0..)
                .collect(),
            info: info.clone(),
        }
    }

    /// Takes a tick of the played day in.
    ///
    /// # Panics
    /// When the tick is of no instrument of the day.
    pub fn apply_tick(&mut self, tick: &DayTick) {
        self.lines[tick.instrument as usize].apply(tick);
    }

    /// Whether a call is answered without a token: candles and the calendar, which the official client asks
    /// without one.
    #[must_use]
    pub fn is_public(call: &ApiCall<'_>) -> bool {
        let path = call.path();
        let prefixes = [
            "/v2/historical-candle/",
            "/v3/historical-candle/",
            "/v2/market/holidays",
            "/v2/market/timings/",
        ];
        call.method == "GET" && prefixes.iter().any(|prefix| path.starts_with(prefix))
    }

    /// Answers a call, or `None` when it is not for this desk.
    #[must_use]
    pub fn answer(&self, now: TsNs, call: &ApiCall<'_>) -> Option<ApiReply> {
        match self.answer_or_refuse(now, call) {
            Ok(reply) => Some(reply),
            Err(refusal) if refusal.code() == NOT_SUPPORTED.code() => None,
            Err(refusal) => Some(refusal.reply()),
        }
    }

    fn answer_or_refuse(&self, now: TsNs, call: &ApiCall<'_>) -> Answer {
        if call.method != "GET" {
            return Err(NOT_SUPPORTED);
        }
        let words = call.path_words();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["v2", "market", "status", exchange] => self.market_status(now, exchange),
            ["v2", "market", "holidays"] => self.holidays(None),
            ["v2", "market", "holidays", date] => self.holidays(Some(date)),
            ["v2", "market", "timings", date] => self.timings(date),
            ["v2", "market-quote", "ltp"] => self.ltp_v2(call),
            ["v3", "market-quote", "ltp"] => self.ltp_v3(call),
            _ => Err(NOT_SUPPORTED),
        }
    }
}
