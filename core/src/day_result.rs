//! Result of the day: what was booked, what is open marked to what it could be closed at, and what it cost.
//!
//! Derived from the books at every question, never kept beside them. Sums saturate. The rule of the mark is prudent
//! valuation: long positions at the bid, short ones at the ask (Regulation (EU) 575/2013, article 105(5)), and without
//! a fresh two-way price never better than the last that is known, so that silence hides no loss.

use crate::instrument::InstrumentId;
use crate::price::{Money, Price};
use crate::state::State;

impl State {
    /// Realised result of the day, charges not deducted.
    #[must_use]
    pub const fn realised(&self) -> Money {
        self.realised
    }

    /// Charges of the day.
    #[must_use]
    pub const fn charges(&self) -> Money {
        self.charges
    }

    /// Result of the open positions at their [`State::exit_mark`].
    #[must_use]
    pub fn unrealised(&self) -> Money {
        let sum = self.open.iter().fold(0i64, |sum, id| {
            let position = &self.positions[id.index()];
            sum.saturating_add(position.unrealised(self.exit_mark(*id)).get())
        });
        Money::new(sum)
    }

    /// Result of the day so far: realised and unrealised, charges deducted. Saturates.
    #[must_use]
    pub fn result(&self) -> Money {
        let gross = self.realised.get().saturating_add(self.unrealised().get());
        Money::new(gross.saturating_sub(self.charges.get()))
    }

    /// Capital plus the result of the day. Saturates.
    #[must_use]
    pub fn equity(&self) -> Money {
        self.equity_of(self.result())
    }

    /// Capital plus a [`State::result`] that is known already: it takes a walk over all positions. Saturates.
    pub(crate) const fn equity_of(&self, result: Money) -> Money {
        Money::new(self.config.risk.capital.get().saturating_add(result.get()))
    }

    /// What the result of a position is measured at. While the book is the newest word and within
    /// `risk.quote_age_max`: the bid of a long position, the ask of a short one. Otherwise the worse, for the position,
    /// of that last known touch and the last trade; its cost where neither was ever known. What the broker tells beside the
    /// position, where that is the newest word and the feed is silent, counts only if it is worse.
    #[must_use]
    #[inline]
    pub fn exit_mark(&self, instrument: InstrumentId) -> Price {
        let quote = &self.quotes[instrument.index()];
        let position = &self.positions[instrument.index()];
        let is_short = position.qty.get() < 0;
        let touch = if is_short { quote.ask } else { quote.bid };
        let book_age = self.now.since(quote.book_ts);
        let is_newest = quote.book_ts >= quote.ltp_ts && book_age <= self.config.risk.quote_age_max;
        if touch.is_set() && is_newest {
            return touch;
        }
        let worse = |one: Price, other: Price| if is_short { one.max(other) } else { one.min(other) };
        let heard = match (touch.is_set(), quote.ltp.is_set()) {
            (true, true) => worse(touch, quote.ltp),
            (true, false) => touch,
            (false, true) => quote.ltp,
            (false, false) => position.average_price(),
        };
        if quote.is_silent(self.now) && quote.is_told_newest() {
            worse(heard, quote.told)
        } else {
            heard
        }
    }

    /// What a position is worth as exposure: the far touch, else the last trade, else its cost.
    #[must_use]
    #[inline]
    pub fn mark(&self, instrument: InstrumentId) -> Price {
        let quote = &self.quotes[instrument.index()];
        let position = &self.positions[instrument.index()];
        let touch = if position.qty.get() < 0 {
            quote.ask
        } else {
            quote.bid
        };
        if touch.is_set() {
            touch
        } else if quote.ltp.is_set() {
            quote.ltp
        } else {
            position.average_price()
        }
    }
}
