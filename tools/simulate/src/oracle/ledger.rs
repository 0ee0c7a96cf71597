//! The broker's true ledger, held against what the journal has been told.

use bijli_core::Price;
use bijli_core::order::{BrokerOrderId, IntentId, Purpose, Side};
use bijli_core::text::Text;
use bijli_simulator::broker::{Broker, Origin};

use super::facts::Facts;
use super::{Broken, broken};
use crate::market::INSTRUMENTS;

/// What is remembered of the ledger between two steps.
#[derive(Debug, Default)]
pub struct LedgerCheck {
    /// Our intent behind each order, by its place in the ledger.
    intents: Vec<Option<u64>>,
    ids: Vec<BrokerOrderId>,
    /// The most that was ever filled of each.
    filled: Vec<i64>,
    /// Where each waits for its trigger.
    triggers: Vec<Price>,
    /// Instruments in which the broker, the exchange or somebody else acted, or whose records were lost: what our
    /// orders do beside that cannot be promised at every moment.
    pub muddied: [bool; INSTRUMENTS],
    /// Of these, where somebody else holds a position of his own, or records were lost: it need not be flat at the end.
    pub foreign: [bool; INSTRUMENTS],
}

#[derive(Clone, Copy, Default)]
struct Live {
    /// Quantity that our live exits may still trade, signed.
    exits: i64,
    best_buy: i64,
    best_sell: i64,
}

impl LedgerCheck {
    /// Judges the ledger as it stands.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn check(&mut self, broker: &Broker, facts: &Facts) -> Result<(), Broken> {
        let mut live = [Live::default(); INSTRUMENTS];
        let mut filled = [0; INSTRUMENTS];
        for (place, order) in broker.true_orders().enumerate() {
            if place == self.intents.len() {
                let intent = order.tag.and_then(IntentId::from_tag).map(IntentId::get);
                self.intents.push(intent);
                self.ids
                    .push(Text::new(order.id).expect("ids of the simulator are short"));
                self.filled.push(0);
                self.triggers.push(order.trigger);
                let is_ours = order.origin == Origin::Client && intent.is_some();
                let is_orphan = intent.is_some_and(|intent| facts.orphans.contains(&intent));
                let index = order.instrument as usize;
                self.muddied[index] |= !is_ours || is_orphan;
                self.foreign[index] |= order.origin == Origin::External || is_orphan;
            }
            filled[order.instrument as usize] += order.side.sign() * order.filled.get();
            self.filled[place] = self.filled[place].max(order.filled.get());
            let told = facts.traded.get(&self.ids[place]).copied().unwrap_or(0);
            if told > self.filled[place] {
                return broken("I05", format!("told {told} of {order:?}"));
            }
            let Some(intent) = self.intents[place] else {
                continue;
            };
            let Some(asked) = facts.places.get(&intent) else {
                if facts.orphans.contains(&intent) {
                    self.muddied[order.instrument as usize] = true;
                    continue;
                }
                return broken("I03", format!("an order of ours without an intent: {order:?}"));
            };
            if order.qty > asked.qty {
                // The broker works another quantity than was asked for.
                self.muddied[order.instrument as usize] = true;
            }
            let former = std::mem::replace(&mut self.triggers[place], order.trigger);
            if former.is_set() && order.trigger.is_set() && loosens(order.side, former, order.trigger) {
                return broken("I09", format!("a stop loosens from {former}: {order:?}"));
            }
            if order.status.is_final() || order.is_phantom {
                // A phantom never leaves the broker.
                continue;
            }
            let rest = order.qty.get() - order.filled.get();
            let row = &mut live[order.instrument as usize];
            if asked.purpose == Purpose::Exit {
                row.exits += order.side.sign() * rest;
            }
            if order.trigger.is_set() {
                // A stop that waits is in no book. Trades at its trigger release it, and these cannot happen before the
                // book has taken our order on the other side, whose price is better: the books of this market jump.
                continue;
            }
            match order.side {
                Side::Buy => row.best_buy = row.best_buy.max(order.price.get()),
                Side::Sell if row.best_sell == 0 => row.best_sell = order.price.get(),
                Side::Sell => row.best_sell = row.best_sell.min(order.price.get()),
            }
        }
        for (instrument, net) in (0_u32..).zip(filled) {
            // A trade was taken back at the exchange.
            self.muddied[instrument as usize] |= broker.true_position(instrument).get() != net;
        }
        self.check_instruments(broker, &live)?;
        facts
            .cover
            .check_truth(|instrument| broker.true_position(instrument).get(), &self.muddied)
    }

    fn check_instruments(&self, broker: &Broker, live: &[Live; INSTRUMENTS]) -> Result<(), Broken> {
        for (instrument, row) in (0_u32..).zip(live) {
            if self.muddied[instrument as usize] {
                continue;
            }
            let position = broker.true_position(instrument).get();
            let turns = row.exits != 0 && position.signum() == row.exits.signum();
            if turns || row.exits.abs() > position.abs() {
                return broken(
                    "I08",
                    format!(
                        "instrument {instrument}: live exits of {} on a position of {position}",
                        row.exits
                    ),
                );
            }
            if row.best_buy > 0 && row.best_sell > 0 && row.best_buy >= row.best_sell {
                return broken(
                    "I14",
                    format!(
                        "instrument {instrument}: buy {} meets sell {}",
                        row.best_buy, row.best_sell
                    ),
                );
            }
        }
        Ok(())
    }
}

/// Whether a stop that an order of `side` waits for moved away from the price.
const fn loosens(side: Side, former: Price, trigger: Price) -> bool {
    match side {
        Side::Sell => trigger.get() < former.get(),
        Side::Buy => trigger.get() > former.get(),
    }
}
