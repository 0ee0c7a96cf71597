//! The order book, an order's details and history, and the trades of the day.

use serde_json::Value;

use super::Broker;
use super::entry_check::check_order_id;
use super::order::Order;
use super::reply::{ApiReply, NO_SUCH_ORDER, Refusal};
use super::route::{Answer, Asked, Route};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v2/order/details", details),
    Route::get("/v2/order/history", history),
    Route::get("/v2/order/retrieve-all", book),
    Route::get("/v2/order/trades/get-trades-for-day", trades_of_day),
    Route::get("/v2/order/trades", trades_of_order),
];

fn rows(rows: Vec<Value>) -> Answer {
    Ok(ApiReply::success(&Value::Array(rows)))
}

fn order_id(asked: &Asked<'_>) -> Result<String, Refusal> {
    asked
        .query("order_id")
        .ok_or_else(|| Refusal::new("UDAPI1023", "Order id is required").at("order_id", Value::Null))
}

fn details(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let index = broker.index_of(&order_id(asked)?)?;
    Ok(ApiReply::success(&broker.order_row(&broker.orders[index])))
}

fn book(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    rows(
        broker
            .orders
            .iter()
            .map(|order| broker.order_row(order))
            .collect(),
    )
}

fn history(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let (id, tag) = (asked.query("order_id"), asked.query("tag"));
    if tag.is_none() {
        check_order_id(&order_id(asked)?)?;
    }
    let wanted = |order: &&Order| {
        id.as_ref().is_none_or(|id| &order.id == id)
            && tag
                .as_ref()
                .is_none_or(|tag| order.ticket.tag.as_ref() == Some(tag))
    };
    let mut found: Vec<Value> = broker
        .orders
        .iter()
        .filter(wanted)
        .flat_map(|order| {
            order
                .history
                .iter()
                .map(|moment| broker.history_row(order, moment))
        })
        .collect();
    if found.is_empty() && tag.is_none() {
        return Err(NO_SUCH_ORDER);
    }
    if broker.settings.options.history_newest_first {
        found.reverse();
    }
    rows(found)
}

fn trades_of_day(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    rows(broker.trade_rows(None))
}

fn trades_of_order(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let index = broker.index_of(&order_id(asked)?)?;
    rows(broker.trade_rows(Some(index)))
}

impl Broker {
    fn trade_rows(&self, order: Option<usize>) -> Vec<Value> {
        let wanted = self
            .ledger
            .trades
            .iter()
            .filter(|trade| order.is_none_or(|index| trade.order == index));
        wanted
            .flat_map(|trade| {
                let again = trade.doubled.as_deref().map(|id| self.trade_row(trade, id));
                std::iter::once(self.trade_row(trade, &trade.id)).chain(again)
            })
            .collect()
    }
}
