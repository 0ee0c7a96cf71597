//! Rows of the order book, trades and positions, and the messages of the portfolio stream, as JSON.
//!
//! Every field that the broker's API documentation names is there, with its null rules. Prices are rupees.

use bijli_core::order::{OrderType, Side, Validity};
use bijli_core::{Money, Qty, TsNs};
use serde_json::{Value, json};

use super::account::USER_ID;
use super::faults::Fault;
use super::ledger::Holding;
use super::order::{Moment, Order, Product, Trade};
use super::{Broker, StreamUpdate, Webhook};
use crate::day::DayInstrument;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

pub(super) const fn side_word(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

const fn type_word(order_type: OrderType) -> &'static str {
    match order_type {
        OrderType::Limit => "LIMIT",
        OrderType::Market => "MARKET",
        OrderType::StopLimit => "SL",
        OrderType::StopMarket => "SL-M",
    }
}

const fn validity_word(validity: Validity) -> &'static str {
    match validity {
        Validity::Day => "DAY",
        Validity::Ioc => "IOC",
    }
}

/// `NSE` for shares, `NFO` for derivatives.
fn exchange_word(instrument: &DayInstrument) -> &'static str {
    if instrument.kind.is_derivative() {
        "NFO"
    } else {
        "NSE"
    }
}

fn stamp(ts: Option<TsNs>) -> Value {
    ts.map_or(Value::Null, |ts| Value::String(ts.to_string()))
}

/// `DD-Mon-YYYY HH:MM:SS`, as trade rows have it.
fn trade_stamp(ts: TsNs) -> String {
    let (year, month, day) = ts.ist_day().ymd();
    let text = ts.to_string();
    format!(
        "{day:02}-{}-{year:04} {}",
        MONTHS[month as usize - 1],
        &text[11..]
    )
}

impl Broker {
    /// A row of the order book.
    pub(super) fn order_row(&self, order: &Order) -> Value {
        let last = order.history.last().expect("an order is born with a state");
        self.order_row_at(order, last)
    }

    /// The row of the order book in which an order stood at a moment.
    pub(super) fn order_row_at(&self, order: &Order, moment: &Moment) -> Value {
        let mut row = self.history_row(order, moment);
        let fields = row.as_object_mut().expect("a row is an object");
        let open = moment.terms.qty.get() - moment.filled.get();
        let pending = if moment.status.is_final() { 0 } else { open };
        fields.insert("guid".to_owned(), Value::Null);
        fields.insert("pending_quantity".to_owned(), json!(pending));
        fields.insert("status_message_raw".to_owned(), json!(order.message));
        fields.insert("order_ref_id".to_owned(), json!(order.reference));
        row
    }

    /// A row of an order's history.
    pub(super) fn history_row(&self, order: &Order, moment: &Moment) -> Value {
        let ticket = &order.ticket;
        let instrument = &self.listing(ticket.instrument).instrument;
        json!({
            "exchange": exchange_word(instrument),
            "product": ticket.product.word(),
            "price": moment.terms.price.rupees(),
            "quantity": moment.terms.qty.get(),
            "status": moment.status.word(),
            "tag": ticket.tag,
            "instrument_token": instrument.key,
            "placed_by": USER_ID,
            "tradingsymbol": instrument.symbol,
            "trading_symbol": instrument.symbol,
            "order_type": type_word(moment.terms.order_type),
            "validity": validity_word(moment.terms.validity),
            "trigger_price": moment.terms.trigger.rupees(),
            "disclosed_quantity": ticket.disclosed.get(),
            "transaction_type": side_word(ticket.side),
            "average_price": moment.average,
            "filled_quantity": moment.filled.get(),
            "status_message": moment.message,
            "exchange_order_id": order.exchange_id,
            "parent_order_id": Value::Null,
            "order_id": order.id,
            "variety": if ticket.is_amo { "AMO" } else { "SIMPLE" },
            "order_timestamp": moment.ts.to_string(),
            "exchange_timestamp": stamp(order.exchange_ts),
            "is_amo": ticket.is_amo,
            "order_request_id": moment.request_number.to_string(),
        })
    }

    /// A row of the trades, told under an id.
    pub(super) fn trade_row(&self, trade: &Trade, id: &str) -> Value {
        let order = &self.orders[trade.order];
        let instrument = &self.listing(order.ticket.instrument).instrument;
        json!({
            "exchange": exchange_word(instrument),
            "product": order.ticket.product.word(),
            "trading_symbol": instrument.symbol,
            "tradingsymbol": instrument.symbol,
            "instrument_token": instrument.key,
            "order_type": type_word(order.ticket.order_type),
            "transaction_type": side_word(order.ticket.side),
            "quantity": trade.qty.get(),
            "exchange_order_id": order.exchange_id,
            "order_id": order.id,
            "exchange_timestamp": trade_stamp(trade.ts),
            "average_price": trade.price.rupees(),
            "trade_id": id,
            "order_ref_id": order.reference,
            "order_timestamp": trade_stamp(trade.ts),
        })
    }

    /// A row of the positions.
    pub(super) fn position_row(&self, instrument: u32, product: Product, holding: &Holding) -> Value {
        let listing = self.listing(instrument);
        let position = &holding.position;
        let unrealised = position.unrealised(listing.ltp);
        let (bought, sold) = (holding.bought_value.rupees(), holding.sold_value.rupees());
        let average = position.average_price();
        json!({
            "exchange": exchange_word(&listing.instrument),
            "multiplier": 1.0,
            "value": holding.sold_value.minus(holding.bought_value).unwrap_or(Money::ZERO).rupees(),
            "pnl": position.realised.plus(unrealised).unwrap_or(unrealised).rupees(),
            "product": product.word(),
            "instrument_token": listing.instrument.key,
            "average_price": average.is_set().then(|| average.rupees()),
            "buy_value": bought,
            "overnight_quantity": 0,
            "day_buy_value": bought,
            "day_buy_price": average_of(holding.bought_value, position.bought),
            "overnight_buy_amount": 0.0,
            "overnight_buy_quantity": 0,
            "day_buy_quantity": position.bought.get(),
            "day_sell_value": sold,
            "day_sell_price": average_of(holding.sold_value, position.sold),
            "overnight_sell_amount": 0.0,
            "overnight_sell_quantity": 0,
            "day_sell_quantity": position.sold.get(),
            "quantity": position.qty.get(),
            "last_price": listing.ltp.rupees(),
            "unrealised": unrealised.rupees(),
            "realised": position.realised.rupees(),
            "sell_value": sold,
            "tradingsymbol": listing.instrument.symbol,
            "trading_symbol": listing.instrument.symbol,
            "close_price": self.desk.prev_close(instrument),
            "buy_price": average_of(holding.bought_value, position.bought),
            "sell_price": average_of(holding.sold_value, position.sold),
        })
    }

    /// Queues the stream's message about an order, unless a fault drops it.
    pub(super) fn tell_order(&mut self, index: usize) {
        if self.dice.fires(Fault::UpdateDropped) {
            return;
        }
        let order = &self.orders[index];
        let mut row = self.order_row(order);
        let fields = row.as_object_mut().expect("a row is an object");
        let key = fields["instrument_token"].clone();
        for (name, value) in [
            ("update_type", json!("order")),
            ("user_id", json!(USER_ID)),
            ("userId", json!(USER_ID)),
            ("instrument_key", key),
            ("status_message", json!(order.message.clone().unwrap_or_default())),
        ] {
            fields.insert(name.to_owned(), value);
        }
        if let Some(url) = &self.settings.options.order_webhook_url {
            self.webhooks.push_back(Webhook::new(url, &row));
        }
        self.send_update(StreamUpdate {
            kind: "order",
            text: row.to_string(),
        });
    }

    /// Queues a message of the stream, which the next one may overtake.
    pub(super) fn send_update(&mut self, update: StreamUpdate) {
        if let Some((_, overtaken)) = self.episodes.held.take() {
            self.updates.extend([update, overtaken]);
        } else if self.dice.fires(Fault::UpdateReordered) {
            let due = self.episodes.clock.plus(self.dice.lasts(Fault::UpdateReordered));
            self.episodes.held = Some((due, update));
        } else {
            self.updates.push_back(update);
        }
    }

    /// Sends a held message that nothing has overtaken in time.
    pub(super) fn release_held(&mut self, now: TsNs) {
        if let Some((_, update)) = self.episodes.held.take_if(|(due, _)| *due <= now) {
            self.updates.push_back(update);
        }
    }

    /// Queues the stream's message about a position, unless a fault drops it.
    pub(super) fn tell_position(&mut self, instrument: u32, product: Product) {
        if self.dice.fires(Fault::UpdateDropped) {
            return;
        }
        let holding = self.ledger.holding(instrument, product);
        let mut row = self.position_row(instrument, product, &holding);
        let fields = row.as_object_mut().expect("a row is an object");
        for name in [
            "value",
            "pnl",
            "last_price",
            "unrealised",
            "realised",
            "close_price",
            "tradingsymbol",
            "trading_symbol",
        ] {
            fields.remove(name);
        }
        let key = fields["instrument_token"].clone();
        // The stream names the segment where the REST row names the exchange.
        let segment = key
            .as_str()
            .and_then(|key| key.split('|').next())
            .unwrap_or_default()
            .to_owned();
        fields.insert("exchange".to_owned(), Value::String(segment));
        fields.insert("instrument_key".to_owned(), key);
        fields.insert("update_type".to_owned(), json!("position"));
        self.send_update(StreamUpdate {
            kind: "position",
            text: row.to_string(),
        });
    }
}

fn average_of(value: Money, qty: Qty) -> f64 {
    if qty.is_zero() {
        0.0
    } else {
        Money::new(value.get() / qty.get()).rupees()
    }
}
