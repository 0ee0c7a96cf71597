//! The tables of what changed on the way: terms of orders, stages of positions.

use bijli_core::group::GroupId;

use super::day_log::{ChangeRow, DayLog};
use super::sheet::{Cell, Link, Table, int, money, stamp, text};
use crate::words;

fn change(log: &DayLog, index: usize) -> &ChangeRow {
    &log.changes[index]
}

pub(super) const ORDER_CHANGES: Table = Table {
    name: "order_changes",
    about: "Every change of an order that was asked for, with its terms; whether it came about is the order's own row.",
    key: Some("change_no"),
    links: &[Link {
        column: "order_no",
        table: "orders",
        to: "order_no",
    }],
    indexes: &[],
    columns: &[
        int(
            "change_no",
            "running number within the session, from 1",
            |_, i| Cell::count(i + 1),
        ),
        int(
            "seq",
            "record in the journal of the event that caused it",
            |log, i| Cell::count(change(log, i).seq),
        ),
        int("order_no", "its order", |log, i| {
            Cell::count(change(log, i).order + 1)
        }),
        stamp("change_ns", "decision and hand-over to the gateway", |log, i| {
            change(log, i).terms.ts.into()
        }),
        text(
            "order_type",
            "from then on: `LIMIT`, `MARKET`, `SL`, `SL-M`",
            |log, i| words::order_type_name(change(log, i).terms.order_type).into(),
        ),
        int("qty", "new total of units, what is filled included", |log, i| {
            change(log, i).terms.qty.into()
        }),
        money("limit_e4", "new limit price; null at market", |log, i| {
            change(log, i).terms.price.into()
        }),
        money("trigger_e4", "new trigger price; null without one", |log, i| {
            change(log, i).terms.trigger.into()
        }),
    ],
    count: |log| log.changes.len(),
};

pub(super) const STAGES: Table = Table {
    name: "position_stages",
    about: "Every change of a position's stage, as screens showed it.",
    key: Some("stage_no"),
    links: &[Link {
        column: "instrument_no",
        table: "instruments",
        to: "instrument_no",
    }],
    indexes: &["instrument_no"],
    columns: &[
        int("stage_no", "running number within the session, from 1", |_, i| {
            Cell::count(i + 1)
        }),
        int(
            "seq",
            "record in the journal of the event that it followed from",
            |log, i| Cell::count(log.stages[i].seq),
        ),
        stamp("stage_ns", "when", |log, i| log.stages[i].ts.into()),
        int("instrument_no", "which contract", |log, i| {
            log.stages[i].instrument.get().into()
        }),
        int(
            "group_id",
            "group whose leg it is, within the day; null for none",
            |log, i| Cell::of(log.stages[i].group.map(GroupId::get)),
        ),
        text(
            "before",
            "`-`, `FORMING`, `LIVE`, `BOOKED`, `CLOSING`, `CLOSED`, `MANUAL`",
            |log, i| log.stages[i].before.name().into(),
        ),
        text("after", "the stage from then on", |log, i| {
            log.stages[i].after.name().into()
        }),
        int("qty", "net units then; negative when short", |log, i| {
            log.stages[i].qty.into()
        }),
    ],
    count: |log| log.stages.len(),
};
