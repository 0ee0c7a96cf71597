//! Reading orders and trades with every field, for people: details, history, book, trades, trades of past days.
//!
//! The gateway's own reads (`order_api.rs`) take what the engine needs from the same rows. Invariant: unlike there, a
//! row that cannot be read makes the answer an error that names it. Source: the broker's order and trade rows.

use bijli_core::{IstDay, Money, Price, Qty, TsNs};

use super::answer::{Paged, data, paged, record};
use super::call::{Call, PathWriter};
use super::envelope::{Partial, whole_of};
use super::vocabulary::{Ledger, OrderTypeWord, ProductWord, SideWord};
use crate::evidence::ReadError;
use crate::request::Reply;

/// Where one order stands.
#[must_use]
pub fn details(order_id: &str) -> Call {
    Call::get(
        PathWriter::new("/v2/order/details")
            .param("order_id", order_id)
            .end(),
    )
}

/// Whose states a history lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryOf<'a> {
    /// Of one order.
    Order(&'a str),
    /// Of all orders with a tag.
    Tag(&'a str),
    /// Of the orders with a tag, if this is one of them.
    Both {
        /// The order.
        order_id: &'a str,
        /// The tag.
        tag: &'a str,
    },
}

/// The states that an order, or the orders of a tag, went through.
#[must_use]
pub fn history(of: HistoryOf<'_>) -> Call {
    let path = PathWriter::new("/v2/order/history");
    let path = match of {
        HistoryOf::Order(order_id) => path.param("order_id", order_id),
        HistoryOf::Tag(tag) => path.param("tag", tag),
        HistoryOf::Both { order_id, tag } => path.param("order_id", order_id).param("tag", tag),
    };
    Call::get(path.end())
}

/// The day's orders.
#[must_use]
pub fn book() -> Call {
    super::order_api::order_book()
}

/// The day's trades.
#[must_use]
pub fn trades_of_day() -> Call {
    super::order_api::trades_of_day()
}

/// The trades of one order.
#[must_use]
pub fn trades_of_order(order_id: &str) -> Call {
    Call::get(
        PathWriter::new("/v2/order/trades")
            .param("order_id", order_id)
            .end(),
    )
}

/// Which trades of past days are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradesQuery {
    /// Of which ledger; none asks for all.
    pub ledger: Option<Ledger>,
    /// First day.
    pub first: IstDay,
    /// Last day.
    pub last: IstDay,
    /// Which page, from 1.
    pub page_number: u32,
    /// Rows of a page, 1 to 5 000.
    pub page_size: u32,
}

/// Trades of past days, up to three financial years back.
#[must_use]
pub fn historical_trades(query: &TradesQuery) -> Call {
    let path = PathWriter::new("/v2/charges/historical-trades")
        .maybe("segment", query.ledger.as_ref())
        .param("start_date", query.first)
        .param("end_date", query.last)
        .param("page_number", query.page_number)
        .param("page_size", query.page_size);
    Call::get(path.end())
}

record! {
    /// An order with every field that the broker tells.
    pub struct OrderRow {
        /// The broker's id.
        pub order_id: String,
        /// Instrument key.
        pub instrument_key: String | "instrument_token",
        /// Buy or sell.
        pub transaction_type: SideWord,
        /// Where it stands, in the broker's words.
        pub status: String,
        /// Units ordered.
        pub quantity: Qty,
        /// Units filled.
        pub filled_quantity: Option<Qty>,
        /// Units that wait.
        pub pending_quantity: Option<Qty>,
        /// Units shown in the book.
        pub disclosed_quantity: Option<Qty>,
        /// Limit price; zero without one.
        pub price: Option<Price>,
        /// Trigger price; zero without one.
        pub trigger_price: Option<Price>,
        /// Average price of what was filled.
        pub average_price: Option<Price>,
        /// How it is priced.
        pub order_type: Option<OrderTypeWord>,
        /// How long it lives.
        pub validity: Option<String>,
        /// Margin product.
        pub product: Option<ProductWord>,
        /// Exchange, e.g. NFO.
        pub exchange: Option<String>,
        /// Symbol.
        pub trading_symbol: Option<String> | "tradingsymbol",
        /// Simple, after-market, cover.
        pub variety: Option<String>,
        /// Whether it waits for the next session.
        pub is_amo: Option<bool>,
        /// Our mark on it.
        pub tag: Option<String>,
        /// Why it stands there, for people.
        pub status_message: Option<String>,
        /// The same, as the exchange or the risk desk said it.
        pub status_message_raw: Option<String>,
        /// The exchange's id.
        pub exchange_order_id: Option<String>,
        /// The order that it belongs to.
        pub parent_order_id: Option<String>,
        /// The broker's id of the request; counts changes.
        pub order_request_id: Option<String>,
        /// The broker's inner id.
        pub order_ref_id: Option<String>,
        /// Who placed it.
        pub placed_by: Option<String>,
        /// The broker's mark for grouping.
        pub guid: Option<String>,
        /// When the broker last touched it.
        pub order_timestamp: Option<TsNs>,
        /// When the exchange last touched it.
        pub exchange_timestamp: Option<TsNs>,
    }
}

record! {
    /// A trade of the day.
    pub struct TradeRow {
        /// The exchange's id of the trade.
        pub trade_id: String,
        /// The order that traded.
        pub order_id: String,
        /// Instrument key.
        pub instrument_key: String | "instrument_token",
        /// Buy or sell.
        pub transaction_type: SideWord,
        /// Units.
        pub quantity: Qty,
        /// Price.
        pub price: Price | "average_price",
        /// Symbol.
        pub trading_symbol: Option<String> | "tradingsymbol",
        /// Exchange.
        pub exchange: Option<String>,
        /// Margin product.
        pub product: Option<ProductWord>,
        /// How the order was priced.
        pub order_type: Option<OrderTypeWord>,
        /// The exchange's id of the order.
        pub exchange_order_id: Option<String>,
        /// The broker's inner id.
        pub order_ref_id: Option<String>,
        /// When the broker took the order.
        pub order_timestamp: Option<TsNs>,
        /// When the exchange traded.
        pub exchange_timestamp: Option<TsNs>,
    }
}

record! {
    /// A trade of a past day, as the back office tells it.
    pub struct HistoricalTrade {
        /// Id of the trade.
        pub trade_id: String,
        /// Day of the trade.
        pub trade_date: IstDay,
        /// Buy or sell.
        pub transaction_type: SideWord,
        /// Units.
        pub quantity: Qty,
        /// Price.
        pub price: Price,
        /// Price times quantity.
        pub amount: Option<Money>,
        /// Exchange.
        pub exchange: Option<String>,
        /// Ledger.
        pub segment: Option<Ledger>,
        /// Instrument key; left out for instruments that are gone.
        pub instrument_key: Option<String> | "instrument_token",
        /// Symbol.
        pub symbol: Option<String>,
        /// Name of the share or contract.
        pub scrip_name: Option<String>,
        /// CE or PE.
        pub option_type: Option<String>,
        /// Strike.
        pub strike_price: Option<Price>,
        /// Expiry day.
        pub expiry: Option<IstDay>,
        /// Securities number of a share.
        pub isin: Option<String>,
    }
}

record! {
    /// The ids that a write was answered with.
    pub struct Written {
        /// Ids of the orders; several where the order was sliced.
        pub order_ids: Option<Vec<String>>,
        /// Id of the order.
        pub order_id: Option<String>,
    }
}

/// What a placement, modify or cancel was answered with.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Placed {
    /// The orders, at least one.
    pub order_ids: Vec<String>,
    /// What the broker says it took, in milliseconds.
    pub latency_ms: Option<i64>,
}

/// The orders that a placement, modify or cancel was answered with; several where it was sliced.
///
/// # Errors
/// [`ReadError`] when the reply proves no order. That is no proof of the opposite: see
/// [`super::order_api::outcome_of_write`].
pub fn placed_of(reply: &Reply) -> Result<Placed, ReadError> {
    let whole = whole_of(reply, Partial::Never)?;
    let written: Written = super::answer::in_data(&whole.data)?;
    let order_ids = match (written.order_ids, written.order_id) {
        (Some(ids), _) if !ids.is_empty() => ids,
        (_, Some(id)) => vec![id],
        _ => return Err(ReadError::Malformed),
    };
    let latency_ms = whole.aside("latency").and_then(serde_json::Value::as_i64);
    Ok(Placed {
        order_ids,
        latency_ms,
    })
}

/// The rows of a book or a history, in the order sent.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn order_rows_of(reply: &Reply) -> Result<Vec<OrderRow>, ReadError> {
    data(reply)
}

/// The row of one order.
///
/// # Errors
/// [`ReadError`] when the reply is no success or the row cannot be read.
pub fn details_of(reply: &Reply) -> Result<OrderRow, ReadError> {
    data(reply)
}

/// The rows of trades.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn trade_rows_of(reply: &Reply) -> Result<Vec<TradeRow>, ReadError> {
    data(reply)
}

/// One page of trades of past days.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn historical_trades_of(reply: &Reply) -> Result<Paged<HistoricalTrade>, ReadError> {
    paged(reply)
}
