//! Standing orders that wait for a price (the broker's GTT): placed, changed, withdrawn, listed.
//!
//! Invariants: a plan has exactly one entry and at most one target and one stop loss, so the broker's rules on
//! strategies cannot be broken; a target and a stop loss act at once when reached, and only a stop loss trails.
//! Times of these rows are microseconds. Source: the broker's GTT documentation; see "Standing orders" in `PROTOCOL.md`.

use bijli_core::order::Side;
use bijli_core::{Price, Qty, TsNs};

use super::answer::{data, in_data, record, words};
use super::call::{Call, Method, PathWriter};
use super::envelope::{Partial, whole_of};
use super::json_body::{ObjectWriter, list};
use super::vocabulary::{ProductWord, SideWord, side_word};
use crate::evidence::ReadError;
use crate::request::Reply;

words! {
    /// What sets a rule off.
    pub enum Trigger {
        /// The price rises to the trigger.
        Above = "ABOVE",
        /// The price falls to the trigger.
        Below = "BELOW",
        /// The price touches the trigger from either side; the only one for targets and stop losses.
        Immediate = "IMMEDIATE",
    }
}

words! {
    /// What a rule is for.
    pub enum Strategy {
        /// Opens.
        Entry = "ENTRY",
        /// Closes with a profit.
        Target = "TARGET",
        /// Closes with a loss.
        StopLoss = "STOPLOSS",
    }
}

words! {
    /// Where a rule stands.
    pub enum RuleStatus {
        /// Waits for the rule before it.
        Scheduled = "SCHEDULED",
        /// Its price was reached.
        Triggered = "TRIGGERED",
        /// A year is over.
        Expired = "EXPIRED",
        /// Its order works.
        Open = "OPEN",
        /// Its order is done.
        Completed = "COMPLETED",
        /// Withdrawn.
        Cancelled = "CANCELLED",
        /// Waits for its price.
        Pending = "PENDING",
        /// Its order was refused.
        Failed = "FAILED",
        /// Out of use.
        Inactive = "INACTIVE",
    }
}

words! {
    /// Whether a standing order has one rule or several.
    pub enum PlanKind {
        /// An entry alone.
        Single = "SINGLE",
        /// An entry with a target, a stop loss or both.
        Multiple = "MULTIPLE",
    }
}

/// The rule that opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What sets it off.
    pub trigger: Trigger,
    /// The price that does.
    pub price: Price,
}

/// The rule that limits the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopLoss {
    /// The price that sets it off.
    pub price: Price,
    /// Trails the best price by this much.
    pub trailing_gap: Option<Price>,
}

/// All rules of a standing order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Opens.
    pub entry: Entry,
    /// Closes with a profit.
    pub target: Option<Price>,
    /// Closes with a loss.
    pub stop_loss: Option<StopLoss>,
    /// How far the orders may run, in percent, -1 for the broker's own band; none leaves it out.
    pub protection_percent: Option<i8>,
}

impl Plan {
    /// Whether it has one rule or several.
    #[must_use]
    pub const fn kind(&self) -> PlanKind {
        if self.target.is_none() && self.stop_loss.is_none() {
            PlanKind::Single
        } else {
            PlanKind::Multiple
        }
    }

    fn rules(&self) -> String {
        let rule = |strategy: &Strategy, trigger: &Trigger, price: Price, gap: Option<Price>| {
            ObjectWriter::new()
                .text("strategy", strategy.as_str())
                .text("trigger_type", trigger.as_str())
                .price("trigger_price", price)
                .maybe(gap, |object, gap| object.price("trailing_gap", gap))
                .maybe(self.protection_percent, |object, percent| {
                    object.number("market_protection", percent)
                })
                .end()
        };
        let at_once = &Trigger::Immediate;
        let entry = rule(&Strategy::Entry, &self.entry.trigger, self.entry.price, None);
        let target = self
            .target
            .map(|price| rule(&Strategy::Target, at_once, price, None));
        let stop = self
            .stop_loss
            .map(|stop| rule(&Strategy::StopLoss, at_once, stop.price, stop.trailing_gap));
        list([Some(entry), target, stop].into_iter().flatten())
    }
}

/// A standing order to place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Instrument key.
    pub instrument_key: String,
    /// Side of the entry; target and stop loss take the other.
    pub side: Side,
    /// Units.
    pub qty: Qty,
    /// Intraday, delivery or borrowed.
    pub product: ProductWord,
    /// Its rules.
    pub plan: Plan,
}

/// Places a standing order.
#[must_use]
pub fn place(standing: &Standing) -> Call {
    let body = ObjectWriter::new()
        .text("type", standing.plan.kind().as_str())
        .number("quantity", standing.qty)
        .text("product", standing.product.as_str())
        .json("rules", &standing.plan.rules())
        .text("instrument_token", &standing.instrument_key)
        .text("transaction_type", side_word(standing.side));
    Call::api(Method::Post, "/v3/order/gtt/place", Some(body.body()))
}

/// New terms of a standing order. Once its entry works, the quantity stays and the entry triggers at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingChange {
    /// Which standing order.
    pub gtt_order_id: String,
    /// Units.
    pub qty: Qty,
    /// Its rules, all of them.
    pub plan: Plan,
}

/// Changes a standing order.
#[must_use]
pub fn modify(change: &StandingChange) -> Call {
    let body = ObjectWriter::new()
        .text("type", change.plan.kind().as_str())
        .number("quantity", change.qty)
        .json("rules", &change.plan.rules())
        .text("gtt_order_id", &change.gtt_order_id);
    Call::api(Method::Put, "/v3/order/gtt/modify", Some(body.body()))
}

/// Withdraws the rules of a standing order that were not set off.
#[must_use]
pub fn cancel(gtt_order_id: &str) -> Call {
    let body = ObjectWriter::new().text("gtt_order_id", gtt_order_id);
    Call::api(Method::Delete, "/v3/order/gtt/cancel", Some(body.body()))
}

/// One standing order, or all that are not completed.
#[must_use]
pub fn get(gtt_order_id: Option<&str>) -> Call {
    Call::get(
        PathWriter::new("/v3/order/gtt")
            .maybe("gtt_order_id", gtt_order_id)
            .end(),
    )
}

record! {
    /// Ids of standing orders.
    pub struct StandingIds {
        /// The ids.
        pub gtt_order_ids: Vec<String>,
    }
}

/// What a write was answered with.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct StandingWritten {
    /// Ids of the standing orders.
    pub gtt_order_ids: Vec<String>,
    /// What the broker says it took, in milliseconds.
    pub latency_ms: Option<i64>,
}

record! {
    /// One rule of a standing order.
    pub struct RuleRow {
        /// What it is for.
        pub strategy: Strategy,
        /// Where it stands.
        pub status: Option<RuleStatus>,
        /// What sets it off.
        pub trigger_type: Trigger,
        /// The price that does.
        pub trigger_price: Price,
        /// Which way its order goes.
        pub transaction_type: Option<SideWord>,
        /// Why it failed.
        pub message: Option<String>,
        /// Its order, once there is one.
        pub order_id: Option<String>,
        /// How far a stop loss trails.
        pub trailing_gap: Option<Price>,
    }
}

record! {
    /// A standing order.
    pub struct StandingRow {
        /// Its id, e.g. `GTT-C26090100012345`.
        pub gtt_order_id: String,
        /// One rule or several.
        pub kind: PlanKind | "type",
        /// Instrument key.
        pub instrument_key: String | "instrument_token",
        /// Units.
        pub quantity: Qty,
        /// Margin product.
        pub product: Option<ProductWord>,
        /// Segment, e.g. `NSE_EQ`.
        pub exchange: Option<String>,
        /// Symbol.
        pub trading_symbol: Option<String> | "tradingsymbol",
        /// Its rules.
        pub rules: Vec<RuleRow>,
        /// When it was made.
        pub created_at: Option<TsNs>,
        /// When it lapses.
        pub expires_at: Option<TsNs>,
    }
}

/// What a placement, change or withdrawal was answered with.
///
/// # Errors
/// [`ReadError`] when the reply proves nothing.
pub fn written_of(reply: &Reply) -> Result<StandingWritten, ReadError> {
    let whole = whole_of(reply, Partial::Never)?;
    let ids: StandingIds = in_data(&whole.data)?;
    Ok(StandingWritten {
        gtt_order_ids: ids.gtt_order_ids,
        latency_ms: whole.aside("latency").and_then(serde_json::Value::as_i64),
    })
}

/// Standing orders.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn standing_of(reply: &Reply) -> Result<Vec<StandingRow>, ReadError> {
    data(reply)
}
