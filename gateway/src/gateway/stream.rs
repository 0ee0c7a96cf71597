//! What the order stream owes, and that it is told when it stays silent.
//!
//! Invariants and sources: those of the parent module and of `stream_watch`.

use bijli_core::Event;
use bijli_core::event::OrderStreamJudged;
use bijli_core::order::BrokerOrderId;

use super::Gateway;
use crate::evidence::BrokerOrder;

impl Gateway {
    /// Whether the order stream is connected.
    #[must_use]
    pub const fn is_stream_connected(&self) -> bool {
        self.stream_connected
    }

    /// The stream tells of an order.
    pub(super) fn note_stream_told(&mut self, id: &BrokerOrderId) {
        let was_mute = self.stream_watch.note_told(id);
        self.judge_stream(was_mute, false);
    }

    /// A read was taken in, before which the order's row stood so: what it brings of state or fills the stream must tell too.
    /// An order that was not known may be older than the connection.
    pub(super) fn expect_of_stream(&mut self, id: &BrokerOrderId, before: Option<BrokerOrder>) {
        let told = |row: BrokerOrder| (row.status, row.filled);
        let now = self.orders.get(id).and_then(|order| order.row).map(told);
        let is_news = before.is_some_and(|before| Some(told(before)) != now);
        if is_news && self.stream_connected {
            self.stream_watch.note_read(self.now, *id);
        }
    }

    /// The connection went or came.
    pub(super) fn forget_stream(&mut self) {
        let was_mute = self.stream_watch.begin_anew();
        self.judge_stream(was_mute, false);
    }

    /// Time passed, and all that had arrived was taken in.
    pub(super) fn watch_stream(&mut self) {
        let becomes = self.stream_watch.look(self.now);
        self.judge_stream(becomes, true);
    }

    fn judge_stream(&mut self, is_new: bool, is_mute: bool) {
        if is_new {
            let ts = self.stamp;
            self.tell(Event::OrderStreamJudged(OrderStreamJudged { ts, is_mute }));
        }
    }
}
