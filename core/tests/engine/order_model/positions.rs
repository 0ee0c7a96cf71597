//! What the broker's positions say about orders: fills that they show before their trades, and fills that never were.

use bijli_core::order::OrderState;
use bijli_core::{DurationNs, InstrumentId, TsNs};

use super::OrderModel;

impl OrderModel {
    /// The broker's positions were read, and agree. Fills that no trade has shown within a minute did not happen.
    pub(crate) fn positions_read(&mut self, instrument: InstrumentId, now: TsNs) {
        self.absent_are_written_off(instrument);
        let minute = DurationNs::from_secs(60);
        for order in &mut self.orders {
            let is_old = order.is_over() && now.since(order.moved) >= minute;
            if is_old && order.instrument == instrument {
                order.told = order.told.min(order.filled() + order.absorbed);
            }
        }
    }

    fn absent_are_written_off(&mut self, instrument: InstrumentId) {
        for order in &mut self.orders {
            let is_absent = order.state == OrderState::PresumedAbsent;
            order.written_off |= is_absent && order.instrument == instrument;
        }
    }

    /// What the positions are once every fill that is told has come.
    pub(crate) fn position_told(&self, instrument: InstrumentId) -> i64 {
        let here = self.orders.iter().filter(|order| order.instrument == instrument);
        let missing: i64 = here.map(|order| order.side.sign() * order.missing()).sum();
        self.position(instrument) + missing
    }

    /// The broker's position shows the fills that are told and whose trades have not come.
    pub(crate) fn position_shows_missing(&mut self, instrument: InstrumentId, now: TsNs) {
        if self.position_told(instrument) == self.position(instrument) {
            self.positions_read(instrument, now);
            return;
        }
        self.absent_are_written_off(instrument);
        for order in self
            .orders
            .iter_mut()
            .filter(|order| order.instrument == instrument)
        {
            order.absorbed += order.missing();
        }
    }
}
