//! What an order would cost: margin and brokerage.
//!
//! Invariant: nothing is bought by asking. Source: the broker's margin and brokerage documentation.

use bijli_core::order::Side;
use bijli_core::{Money, Price, Qty};

use super::answer::{data, record};
use super::call::{Call, Method, PathWriter};
use super::json_body::{ObjectWriter, list};
use super::vocabulary::{ProductWord, side_word};
use crate::evidence::ReadError;
use crate::request::Reply;

/// Most legs of one margin question.
pub const MARGIN_LEGS_MAX: usize = 20;

/// One leg of what would be held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Instrument key.
    pub instrument_key: String,
    /// Buy or sell.
    pub side: Side,
    /// Units.
    pub qty: Qty,
    /// Margin product.
    pub product: ProductWord,
    /// At which price; none means the market's.
    pub price: Option<Price>,
}

/// The margin that legs need together, at most [`MARGIN_LEGS_MAX`].
#[must_use]
pub fn margin(legs: &[Leg]) -> Call {
    let rows = legs.iter().map(|leg| {
        ObjectWriter::new()
            .text("instrument_key", &leg.instrument_key)
            .number("quantity", leg.qty)
            .text("product", leg.product.as_str())
            .text("transaction_type", side_word(leg.side))
            .maybe(leg.price, |object, price| object.price("price", price))
            .end()
    });
    let body = ObjectWriter::new().json("instruments", &list(rows)).body();
    Call::api(Method::Post, "/v2/charges/margin", Some(body))
}

record! {
    /// The margin of one leg.
    pub struct LegMargin {
        /// For the risk.
        pub span_margin: Option<Money>,
        /// For the exposure.
        pub exposure_margin: Option<Money>,
        /// For shares.
        pub equity_margin: Option<Money>,
        /// Premium to pay.
        pub net_buy_premium: Option<Money>,
        /// On top.
        pub additional_margin: Option<Money>,
        /// For delivery near expiry.
        pub tender_margin: Option<Money>,
        /// All of it.
        pub total_margin: Money,
    }
}

record! {
    /// The margin of all legs.
    pub struct Margin {
        /// Leg by leg, in the order asked.
        pub margins: Vec<LegMargin>,
        /// Needed to get in.
        pub required_margin: Money,
        /// Needed once in, with what legs save one another.
        pub final_margin: Money,
    }
}

/// The margin.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn margin_of(reply: &Reply) -> Result<Margin, ReadError> {
    data(reply)
}

/// One order whose charges are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerageQuery {
    /// Instrument key.
    pub instrument_key: String,
    /// Buy or sell.
    pub side: Side,
    /// Units.
    pub qty: Qty,
    /// Margin product.
    pub product: ProductWord,
    /// At which price.
    pub price: Price,
}

/// The charges of one order.
#[must_use]
pub fn brokerage(query: &BrokerageQuery) -> Call {
    let path = PathWriter::new("/v2/charges/brokerage")
        .param("instrument_token", &query.instrument_key)
        .param("quantity", query.qty)
        .param("product", &query.product)
        .param("transaction_type", side_word(query.side))
        .param("price", query.price);
    Call::get(path.end())
}

record! {
    /// Taxes.
    pub struct Taxes {
        /// Goods and services tax.
        pub gst: Option<Money>,
        /// Securities transaction tax.
        pub stt: Option<Money>,
        /// Stamp duty.
        pub stamp_duty: Option<Money>,
    }
}

record! {
    /// Fees that are neither brokerage nor tax.
    pub struct Fees {
        /// Of the exchange.
        pub transaction: Option<Money>,
        /// Of the clearing house.
        pub clearing: Option<Money>,
        /// For the investor protection fund.
        pub ipft: Option<Money>,
        /// Of the regulator.
        pub sebi_turnover: Option<Money>,
        /// Of the depository; reports of past years only.
        pub demat_transaction: Option<Money>,
        /// What has no name; reports of past years only.
        pub others: Option<Money>,
    }
}

record! {
    /// The plan of the depository account.
    pub struct DpPlan {
        /// Its name.
        pub name: Option<String>,
        /// The least it costs.
        pub min_expense: Option<Money>,
    }
}

record! {
    /// The charges of one order.
    pub struct Charges {
        /// All of it.
        pub total: Money,
        /// The broker's.
        pub brokerage: Money,
        /// The state's.
        pub taxes: Option<Taxes>,
        /// Everyone else's.
        pub other_charges: Option<Fees> | "otherTaxes",
        /// The depository's.
        pub dp_plan: Option<DpPlan> | "dpPlan",
    }
}

record! {
    /// The charges of one order, as the broker wraps them.
    pub struct Brokerage {
        /// The charges.
        pub charges: Charges,
    }
}

/// The charges of one order.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn brokerage_of(reply: &Reply) -> Result<Charges, ReadError> {
    data::<Brokerage>(reply).map(|brokerage| brokerage.charges)
}
