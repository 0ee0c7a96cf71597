//! A bracket with its position and clock, kept without a strategy: shared by the tests of the exits.
#![allow(dead_code, unreachable_pub)]

use bijli_core::config::Config;
use bijli_core::order::Side;
use bijli_core::position::Position;
use bijli_core::{DurationNs, Instrument, IstDay, Price, Qty, TsNs};
use bijli_strategy::bracket::{Bracket, Exit, Moment};

use crate::desk;

/// A bracket with its position and clock; wishes fill only when asked to.
pub struct Book {
    pub bracket: Bracket,
    pub position: Position,
    pub config: Config,
    /// Whether a person has the position.
    pub is_manual: bool,
    pub instrument: Instrument,
    pub now: TsNs,
}

impl Book {
    pub fn with_lot(lot: i64) -> Self {
        Self {
            bracket: Bracket::default(),
            position: Position::default(),
            config: Config::default(),
            is_manual: false,
            instrument: Instrument {
                lot: Qty::new(lot),
                ..desk::share(0, "ANY")
            },
            now: IstDay::from_ymd(2026, 7, 31)
                .expect("a real date")
                .at(DurationNs::from_hm(10, 0)),
        }
    }

    pub fn fill(&mut self, side: Side, qty: i64, paise: i64) {
        self.position
            .fill(side, Qty::new(qty), Price::from_paise(paise))
            .expect("small numbers");
        let (mut bracket, moment) = (self.bracket, self.moment());
        bracket.handle_position(&moment);
        self.bracket = bracket;
    }

    pub fn price(&mut self, seconds: i64, paise: i64) -> Option<Exit> {
        self.now = self.now.plus(DurationNs::from_secs(seconds));
        let (mut bracket, moment) = (self.bracket, self.moment());
        let exit = bracket.handle_price(&moment, Price::from_paise(paise));
        self.bracket = bracket;
        exit
    }

    /// Time passes without a price.
    pub fn wait(&mut self, seconds: i64) -> Option<Exit> {
        self.now = self.now.plus(DurationNs::from_secs(seconds));
        let (mut bracket, moment) = (self.bracket, self.moment());
        let exit = bracket.handle_time(&moment);
        self.bracket = bracket;
        exit
    }

    pub fn moment(&self) -> Moment<'_> {
        Moment {
            now: self.now,
            instrument: &self.instrument,
            position: &self.position,
            config: &self.config,
            is_manual: self.is_manual,
        }
    }
}
