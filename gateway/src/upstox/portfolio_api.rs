//! Positions, holdings and the conversion of positions, with every field.
//!
//! The gateway's reconciliation takes key and quantity from the same rows (`order_api.rs`). Invariant: quantities
//! are signed, short is negative. Sums of the broker are shown as sent: one of its own samples is wrong, so nothing is
//! computed from them. Source: the broker's portfolio documentation.

use bijli_core::order::Side;
use bijli_core::{Money, Price, Qty};

use super::answer::{data, record};
use super::call::{Call, Method};
use super::json_body::ObjectWriter;
use super::vocabulary::{ProductWord, side_word};
use crate::evidence::ReadError;
use crate::request::Reply;

/// Positions of the day and those carried forward.
#[must_use]
pub fn positions() -> Call {
    super::order_api::positions()
}

/// Positions on borrowed money.
#[must_use]
pub fn mtf_positions() -> Call {
    Call::get("/v3/portfolio/mtf-positions")
}

/// Shares in the account.
#[must_use]
pub fn holdings() -> Call {
    Call::get("/v2/portfolio/long-term-holdings")
}

/// From one product to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Instrument key.
    pub instrument_key: String,
    /// The product it has.
    pub from: ProductWord,
    /// The product it shall have.
    pub to: ProductWord,
    /// Whether a long or a short position is meant.
    pub side: Side,
    /// Units.
    pub qty: Qty,
}

/// Converts a position.
#[must_use]
pub fn convert(conversion: &Conversion) -> Call {
    let body = ObjectWriter::new()
        .text("instrument_token", &conversion.instrument_key)
        .text("new_product", conversion.to.as_str())
        .text("old_product", conversion.from.as_str())
        .text("transaction_type", side_word(conversion.side))
        .number("quantity", conversion.qty);
    Call::api(Method::Put, "/v2/portfolio/convert-position", Some(body.body()))
}

record! {
    /// A position with every field.
    pub struct PositionRow {
        /// Instrument key.
        pub instrument_key: String | "instrument_token",
        /// Net units; negative when short, zero when closed today.
        pub quantity: Qty,
        /// Symbol.
        pub trading_symbol: Option<String> | "tradingsymbol",
        /// Exchange; the stream names the segment instead.
        pub exchange: Option<String>,
        /// Margin product.
        pub product: Option<ProductWord>,
        /// Units per quoted unit; 1 but for currencies and commodities.
        pub multiplier: Option<f64>,
        /// Average price of what is open; absent for intraday positions.
        pub average_price: Option<Price>,
        /// Last price.
        pub last_price: Option<Price>,
        /// Price at the last close.
        pub close_price: Option<Price>,
        /// Average price bought at.
        pub buy_price: Option<Price>,
        /// Average price sold at.
        pub sell_price: Option<Price>,
        /// Value of the net position.
        pub value: Option<Money>,
        /// Profit or loss, realised or not.
        pub pnl: Option<Money>,
        /// Profit or loss of what is open.
        pub unrealised: Option<Money>,
        /// Profit or loss of what was closed.
        pub realised: Option<Money>,
        /// Value bought.
        pub buy_value: Option<Money>,
        /// Value sold.
        pub sell_value: Option<Money>,
        /// Units bought today.
        pub day_buy_quantity: Option<Qty>,
        /// Price of units bought today.
        pub day_buy_price: Option<Price>,
        /// Value bought today.
        pub day_buy_value: Option<Money>,
        /// Units sold today.
        pub day_sell_quantity: Option<Qty>,
        /// Price of units sold today.
        pub day_sell_price: Option<Price>,
        /// Value sold today.
        pub day_sell_value: Option<Money>,
        /// Net units from before today.
        pub overnight_quantity: Option<Qty>,
        /// Units bought before today.
        pub overnight_buy_quantity: Option<Qty>,
        /// Value bought before today.
        pub overnight_buy_amount: Option<Money>,
        /// Units sold before today.
        pub overnight_sell_quantity: Option<Qty>,
        /// Value sold before today.
        pub overnight_sell_amount: Option<Money>,
    }
}

record! {
    /// A holding.
    pub struct Holding {
        /// Instrument key.
        pub instrument_key: String | "instrument_token",
        /// Units in the account.
        pub quantity: Qty,
        /// Securities number.
        pub isin: Option<String>,
        /// Symbol.
        pub trading_symbol: Option<String> | "tradingsymbol",
        /// The company.
        pub company_name: Option<String>,
        /// Exchange.
        pub exchange: Option<String>,
        /// Margin product.
        pub product: Option<ProductWord>,
        /// Average price paid.
        pub average_price: Option<Price>,
        /// Last price.
        pub last_price: Option<Price>,
        /// Price at the last close.
        pub close_price: Option<Price>,
        /// Profit or loss.
        pub pnl: Option<Money>,
        /// Price today less price at the last close.
        pub day_change: Option<Money>,
        /// The same in percent.
        pub day_change_percentage: Option<f64>,
        /// Units bought that have not arrived.
        pub t1_quantity: Option<Qty>,
        /// Units sold today.
        pub cnc_used_quantity: Option<Qty>,
        /// Units pledged.
        pub collateral_quantity: Option<Qty>,
        /// Units whose pledge changes.
        pub collateral_update_quantity: Option<Qty>,
        /// What pledged units stand for.
        pub collateral_type: Option<String>,
        /// Share of the value that a pledge does not count; 0.2 is a fifth.
        pub haircut: Option<f64>,
    }
}

record! {
    /// What became of a conversion.
    pub struct Converted {
        /// The broker's word; `complete`.
        pub status: String,
    }
}

/// Position rows.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn position_rows_of(reply: &Reply) -> Result<Vec<PositionRow>, ReadError> {
    data(reply)
}

/// Holdings.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn holdings_of(reply: &Reply) -> Result<Vec<Holding>, ReadError> {
    data(reply)
}

/// What became of a conversion.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn converted_of(reply: &Reply) -> Result<Converted, ReadError> {
    data(reply)
}
