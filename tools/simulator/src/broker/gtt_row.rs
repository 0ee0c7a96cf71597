//! Orders with rules as JSON: the rows of a read and the messages of the stream.

use bijli_core::TsNs;
use serde_json::{Value, json};

use super::faults::Fault;
use super::gtt::{Gtt, Rule};
use super::row::side_word;
use super::{Broker, StreamUpdate};

/// Epoch microseconds, as these orders have them.
const fn micros(ts: TsNs) -> i64 {
    ts.get() / 1_000
}

impl Broker {
    /// A row of the orders with rules.
    pub(super) fn gtt_row(&self, gtt: &Gtt) -> Value {
        self.gtt_json(gtt, |rule| rule.status.word())
    }

    fn gtt_json(&self, gtt: &Gtt, word: impl Fn(&Rule) -> &'static str) -> Value {
        let listing = self.listing(gtt.instrument);
        let rules: Vec<Value> = gtt
            .rules
            .iter()
            .map(|rule| {
                let terms = &rule.terms;
                json!({
                    "strategy": terms.strategy.word(),
                    "status": word(rule),
                    "trigger_type": terms.trigger_type.word(),
                    "trigger_price": terms.trigger.rupees(),
                    "transaction_type": side_word(gtt.side_of(terms.strategy)),
                    "message": rule.message,
                    "order_id": rule.order.map(|index| self.orders[index].id.as_str()),
                    "trailing_gap": terms.trailing_gap.is_set().then(|| terms.trailing_gap.rupees()),
                })
            })
            .collect();
        json!({
            "type": if gtt.is_multiple { "MULTIPLE" } else { "SINGLE" },
            "exchange": listing.segment(),
            "quantity": gtt.qty.get(),
            "product": gtt.product.word(),
            "rules": rules,
            "trading_symbol": listing.instrument.symbol,
            "instrument_token": listing.instrument.key,
            "gtt_order_id": gtt.id,
            "expires_at": micros(gtt.expires),
            "created_at": micros(gtt.created),
        })
    }

    /// Queues the stream's message about an order with rules, unless a fault drops it.
    pub(super) fn tell_gtt(&mut self, index: usize) {
        if self.dice.fires(Fault::UpdateDropped) {
            return;
        }
        let mut row = self.gtt_json(&self.gtts[index], |rule| rule.status.stream_word());
        row["update_type"] = json!("gtt_order");
        self.send_update(StreamUpdate {
            kind: "gtt_order",
            text: row.to_string(),
        });
    }
}
