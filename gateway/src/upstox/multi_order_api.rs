//! Many orders in one call: multi place, cancel-all, exit-all. Each line succeeds or fails by itself.
//!
//! Invariants: a partial success is a success with failed lines, and each failed line says which it was; an order
//! without an id in the answer is not placed by what the answer proves. The broker runs buys before sells.
//! Source: the broker's multi-order documentation; see "Many at once" in `PROTOCOL.md`.

use super::answer::{in_data, record};
use super::call::{Body, Call, Method, PathWriter};
use super::envelope::{Partial, Whole, whole_of};
use super::failure::{Failure, failures_in};
use super::json_body::list;
use super::order_ticket::Ticket;
use super::vocabulary::Segment;
use crate::evidence::ReadError;
use crate::request::Reply;

/// One line of a multi-order request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Names the line in the answer; unique in the request.
    pub correlation_id: String,
    /// The order.
    pub ticket: Ticket,
}

/// Places many orders. Whether all are refused when one cannot be read is not documented.
#[must_use]
pub fn place(lines: &[Line]) -> Call {
    let orders = lines.iter().map(|line| {
        line.ticket
            .write()
            .text("correlation_id", &line.correlation_id)
            .end()
    });
    Call::api(
        Method::Post,
        "/v2/order/multi/place",
        Some(Body::Json(list(orders))),
    )
}

/// Which orders or positions a call means; nothing means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this segment.
    pub segment: Option<Segment>,
    /// Only orders with this tag, or intraday positions of the day that came from them.
    pub tag: Option<String>,
}

/// Cancels all open orders that the filter lets through.
#[must_use]
pub fn cancel_all(filter: &Filter) -> Call {
    Call::api(Method::Delete, filtered("/v2/order/multi/cancel", filter), None)
}

/// Leaves all positions that the filter lets through, at market. Deliveries stay.
#[must_use]
pub fn exit_all(filter: &Filter) -> Call {
    Call::api(Method::Post, filtered("/v2/order/positions/exit", filter), None)
}

fn filtered(path: &str, filter: &Filter) -> String {
    PathWriter::new(path)
        .maybe("tag", filter.tag.as_ref())
        .maybe("segment", filter.segment.as_ref())
        .end()
}

record! {
    /// A line that was placed.
    pub struct PlacedLine {
        /// Which line.
        pub correlation_id: String,
        /// Its order.
        pub order_id: String,
    }
}

record! {
    /// How many lines went how.
    pub struct Summary {
        /// All lines.
        pub total: i64,
        /// Lines that went through.
        pub success: Option<i64>,
        /// Lines that were refused.
        pub error: Option<i64>,
        /// Lines that could not be read; multi place only.
        pub payload_error: Option<i64>,
    }
}

/// What became of a multi-order request.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct MultiPlaced {
    /// Lines that were placed.
    pub placed: Vec<PlacedLine>,
    /// Lines that were not, and why.
    pub failed: Vec<Failure>,
    /// How many went how.
    pub summary: Option<Summary>,
    /// Whether the broker calls it a partial success.
    pub is_partial: bool,
}

record! {
    /// The orders of a bulk call.
    pub struct OrderIds {
        /// Ids of the orders.
        pub order_ids: Option<Vec<String>>,
    }
}

/// What became of a cancel-all or exit-all.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct BulkDone {
    /// Orders that were cancelled, or that were placed to exit.
    pub order_ids: Vec<String>,
    /// What was refused, and why.
    pub failed: Vec<Failure>,
    /// How many went how.
    pub summary: Option<Summary>,
    /// Whether the broker calls it a partial success.
    pub is_partial: bool,
}

/// What became of a multi-order request.
///
/// # Errors
/// [`ReadError`] when nothing is proved; refusals of every line are in [`super::failure::failures_of`].
pub fn placed_of(reply: &Reply) -> Result<MultiPlaced, ReadError> {
    let whole = whole_of(reply, Partial::Counts)?;
    Ok(MultiPlaced {
        placed: in_data(&whole.data)?,
        failed: failures_in(&whole.errors),
        summary: summary_of(&whole)?,
        is_partial: whole.is_partial(),
    })
}

/// What became of a cancel-all or exit-all.
///
/// # Errors
/// [`ReadError`] when nothing is proved; refusals of every line are in [`super::failure::failures_of`].
pub fn done_of(reply: &Reply) -> Result<BulkDone, ReadError> {
    let whole = whole_of(reply, Partial::Counts)?;
    let ids: OrderIds = in_data(&whole.data)?;
    Ok(BulkDone {
        order_ids: ids.order_ids.unwrap_or_default(),
        failed: failures_in(&whole.errors),
        summary: summary_of(&whole)?,
        is_partial: whole.is_partial(),
    })
}

fn summary_of(whole: &Whole) -> Result<Option<Summary>, ReadError> {
    if whole.summary.is_null() {
        return Ok(None);
    }
    in_data(&whole.summary).map(Some)
}
