//! Changes of live orders, as journaled, and their terms.

use std::collections::{BTreeMap, BTreeSet};

use bijli_core::command::{Modify, Place};
use bijli_core::event::OrderUpdated;
use bijli_core::order::{BrokerOrderId, OrderType};
use bijli_core::{Price, Qty};

use super::{Broken, broken};

/// What was asked for, by order.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// How many changes, cancels included.
    pub count: BTreeMap<BrokerOrderId, u32>,
    modifies: BTreeMap<BrokerOrderId, Vec<Modify>>,
    /// Quantities that the broker told: it may have taken in another than was asked for.
    told: BTreeMap<BrokerOrderId, BTreeSet<Qty>>,
}

impl Changes {
    /// A change was asked for.
    pub fn note(&mut self, id: BrokerOrderId) {
        *self.count.entry(id).or_default() += 1;
    }

    /// A modify was asked for.
    pub fn learn(&mut self, modify: &Modify) {
        self.note(modify.order_id);
        self.modifies.entry(modify.order_id).or_default().push(*modify);
    }

    /// The broker told of an order.
    pub fn learn_told(&mut self, update: &OrderUpdated) {
        self.told.entry(update.order_id).or_default().insert(update.qty);
    }

    /// I13: a modify is on the grid and asks for the order's whole quantity.
    ///
    /// # Errors
    /// The invariant that it breaks.
    pub fn check(&self, modify: &Modify, place: Option<&Place>, tick: Price) -> Result<(), Broken> {
        let on_grid = |price: Price| !price.is_set() || price.is_on_tick(tick);
        if !on_grid(modify.price) || !on_grid(modify.trigger) || modify.qty.get() <= 0 {
            return broken("I13", format!("a modify off the grid: {modify:?}"));
        }
        let Some(place) = place else {
            return Ok(());
        };
        let is_told = |told: &BTreeSet<Qty>| told.contains(&modify.qty);
        let is_whole = modify.qty == place.qty || self.told.get(&modify.order_id).is_some_and(is_told);
        if place.order_type == OrderType::Limit && !is_whole {
            return broken(
                "I13",
                format!("a modify to another quantity: {modify:?} of {place:?}"),
            );
        }
        Ok(())
    }

    /// Whether a modify with these numbers was journaled.
    #[must_use]
    pub fn holds(&self, id: &BrokerOrderId, qty: i64, price: f64) -> bool {
        let asked = self.modifies.get(id);
        asked.is_some_and(|asked| {
            asked
                .iter()
                .any(|asked| asked.qty.get() == qty && asked.price.rupees() == price)
        })
    }
}
