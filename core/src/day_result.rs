//! Result of the day: what was booked, what is open marked to what it could be closed at, and what it cost.
//!
//! Derived from the books at every question, never kept beside them. Sums saturate.

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

    /// Result of the open positions, marked to what they could be closed at.
    #[must_use]
    pub fn unrealised(&self) -> Money {
        let sum = self.open.iter().fold(0i64, |sum, id| {
            sum.saturating_add(self.positions[id.index()].unrealised(self.mark(*id)).get())
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
        Money::new(self.config.risk.capital.get().saturating_add(self.result().get()))
    }

    /// The price at which a position could be closed: the far touch, else the last trade, else its cost.
    #[must_use]
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
