//! The order book, an order's details and history, and the trades of the day.

use bijli_core::TsNs;
use serde_json::Value;

use super::Broker;
use super::entry_check::check_order_id;
use super::order::{Order, Trade};
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
    broker.look_at_book(asked.now);
    let index = broker.index_of(&order_id(asked)?)?;
    let moment = broker.seen(asked.now, index).ok_or(NO_SUCH_ORDER)?;
    Ok(ApiReply::success(
        &broker.order_row_at(&broker.orders[index], moment),
    ))
}

fn book(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    broker.look_at_book(asked.now);
    let seen = broker.orders.iter().enumerate().filter_map(|(index, order)| {
        let moment = broker.seen(asked.now, index)?;
        Some(broker.order_row_at(order, moment))
    });
    rows(seen.collect())
}

fn history(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let (id, tag) = (asked.query("order_id"), asked.query("tag"));
    if tag.is_none() {
        check_order_id(&order_id(asked)?)?;
    }
    broker.look_at_book(asked.now);
    let wanted = |order: &Order| {
        id.as_ref().is_none_or(|id| &order.id == id)
            && tag
                .as_ref()
                .is_none_or(|tag| order.ticket.tag.as_ref() == Some(tag))
    };
    let mut found: Vec<Value> = broker
        .orders
        .iter()
        .enumerate()
        .filter(|(_, order)| wanted(order))
        .filter_map(|(index, order)| Some((order, broker.seen(asked.now, index)?)))
        .flat_map(|(order, seen)| {
            let past = order.history.iter().filter(|moment| moment.ts <= seen.ts);
            past.map(|moment| broker.history_row(order, moment))
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

fn trades_of_day(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    broker.look_at_book(asked.now);
    rows(broker.trade_rows(asked.now, None))
}

fn trades_of_order(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    broker.look_at_book(asked.now);
    let index = broker.index_of(&order_id(asked)?)?;
    rows(broker.trade_rows(asked.now, Some(index)))
}

impl Broker {
    fn trade_rows(&self, now: TsNs, order: Option<usize>) -> Vec<Value> {
        let wanted = |trade: &&Trade| order.is_none_or(|index| trade.order == index);
        let trades = self.ledger.trades.iter().filter(wanted);
        trades
            .filter(|trade| self.sees_trade(now, trade))
            .flat_map(|trade| {
                let again = trade.doubled.as_deref().map(|id| self.trade_row(trade, id));
                std::iter::once(self.trade_row(trade, &trade.id)).chain(again)
            })
            .collect()
    }
}
