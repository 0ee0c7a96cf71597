//! The tables of round trips, of positions at the end of the day, and of the equity curve.
//!
//! A round trip is the report's own ([`Trip`]): from the fill that opened a position to the fill that closed it,
//! partial bookings within.

use bijli_core::strategy::StrategyId;

use super::day_log::DayLog;
use super::sheet::{Cell, Link, Table, flag, int, money, stamp, text};
use crate::report::csv::{reasons_of, side_of};
use crate::report::trips::Trip;

const TO_INSTRUMENT: Link = Link {
    column: "instrument_no",
    table: "instruments",
    to: "instrument_no",
};

fn trip(log: &DayLog, index: usize) -> &Trip {
    &log.day.trips[index]
}

pub(super) const POSITIONS: Table = Table {
    name: "positions",
    about: "Round trips: from the fill that opened a position to the fill that closed it.",
    key: Some("position_no"),
    links: &[TO_INSTRUMENT],
    indexes: &["exit_ns"],
    columns: &[
        int(
            "position_no",
            "running number within the session, from 1",
            |_, i| Cell::count(i + 1),
        ),
        int("instrument_no", "which contract", |log, i| {
            trip(log, i).instrument.get().into()
        }),
        text(
            "strategy",
            "which strategy; null for a position that the broker reported",
            |log, i| Cell::of(trip(log, i).strategy.map(StrategyId::name)),
        ),
        text("side", "`LONG` or `SHORT`", |log, i| side_of(trip(log, i)).into()),
        flag("is_open", "1 while something is open", |log, i| {
            trip(log, i).is_open().into()
        }),
        flag(
            "is_adopted",
            "1 if it began as a position that the broker reported",
            |log, i| trip(log, i).adopted.into(),
        ),
        stamp("entry_ns", "first fill", |log, i| trip(log, i).opened.into()),
        stamp("exit_ns", "closing fill; null while open", |log, i| {
            trip(log, i).closed.into()
        }),
        int("hold_ns", "between the two", |log, i| {
            Cell::span(trip(log, i).opened, trip(log, i).closed)
        }),
        int("qty", "units entered in all", |log, i| trip(log, i).qty.into()),
        int("exit_qty", "units left so far", |log, i| {
            trip(log, i).exit_qty.into()
        }),
        money(
            "entry_price_e4",
            "entry_value_e4 / qty, rounded down",
            |log, i| trip(log, i).entry_price().into(),
        ),
        money(
            "exit_price_e4",
            "exit_value_e4 / exit_qty, rounded down",
            |log, i| trip(log, i).exit_price().into(),
        ),
        money("entry_value_e4", "value of all entering fills", |log, i| {
            trip(log, i).entry_value.into()
        }),
        money("exit_value_e4", "value of all leaving fills", |log, i| {
            trip(log, i).exit_value.into()
        }),
        money(
            "gross_e4",
            "result of what was closed, before charges",
            |log, i| trip(log, i).gross().into(),
        ),
        money("charges_e4", "charges of its fills", |log, i| {
            trip(log, i).charges.into()
        }),
        money("net_e4", "gross less charges", |log, i| trip(log, i).net().into()),
        int("net_bps", "net in basis points of entry_value_e4", |log, i| {
            trip(log, i).bps_of_entry(trip(log, i).net()).into()
        }),
        text(
            "exit_reason",
            "reasons of its exits in order, joined by `+`; `open` while there is none",
            |log, i| reasons_of(trip(log, i)).into(),
        ),
        money(
            "mae_e4",
            "worst result before charges while open, at last prices; zero or negative",
            |log, i| trip(log, i).mae.into(),
        ),
        money(
            "mfe_e4",
            "best result before charges while open, at last prices; zero or positive",
            |log, i| trip(log, i).mfe.into(),
        ),
        money(
            "adverse_price_e4",
            "least favourable price seen while open",
            |log, i| trip(log, i).extreme_prices().0.into(),
        ),
        money(
            "favourable_price_e4",
            "most favourable price seen while open",
            |log, i| trip(log, i).extreme_prices().1.into(),
        ),
        money(
            "slippage_e4",
            "its fills against the touch at their decisions; positive is worse",
            |log, i| trip(log, i).slippage.into(),
        ),
        int(
            "score_ppm",
            "score of the signal behind it, millionths",
            |log, i| Cell::of(trip(log, i).signal.map(|signal| signal.score_ppm)),
        ),
        stamp("signal_ns", "tick of the signal behind it", |log, i| {
            Cell::of(trip(log, i).signal.map(|signal| signal.ts))
        }),
    ],
    count: |log| log.day.trips.len(),
};

pub(super) const CLOSING: Table = Table {
    name: "closing_positions",
    about: "The net position of every instrument that moved, at the end of the journal.",
    key: Some("instrument_no"),
    links: &[TO_INSTRUMENT],
    indexes: &[],
    columns: &[
        int("instrument_no", "which contract", |log, i| {
            log.closing[i].instrument.get().into()
        }),
        int("qty", "net units; negative when short", |log, i| {
            log.closing[i].position.qty.into()
        }),
        money("cost_e4", "signed cost of the open part", |log, i| {
            log.closing[i].position.cost.into()
        }),
        money("average_price_e4", "cost / qty, rounded down", |log, i| {
            log.closing[i].position.average_price().into()
        }),
        money(
            "mark_e4",
            "what it could be closed at; null when flat",
            |log, i| {
                if log.closing[i].position.is_flat() {
                    Cell::Null
                } else {
                    log.closing[i].mark.into()
                }
            },
        ),
        money(
            "realised_e4",
            "result of what was closed, before charges",
            |log, i| log.closing[i].position.realised.into(),
        ),
        money(
            "unrealised_e4",
            "result of the open part at the mark",
            |log, i| log.closing[i].unrealised.into(),
        ),
        int("bought_qty", "units bought", |log, i| {
            log.closing[i].position.bought.into()
        }),
        int("sold_qty", "units sold", |log, i| {
            log.closing[i].position.sold.into()
        }),
    ],
    count: |log| log.closing.len(),
};

pub(super) const EQUITY: Table = Table {
    name: "equity",
    about: "The result of the day at every fill and every ten seconds.",
    key: Some("point_no"),
    links: &[],
    indexes: &[],
    columns: &[
        int("point_no", "running number within the session, from 1", |_, i| {
            Cell::count(i + 1)
        }),
        stamp("point_ns", "when", |log, i| log.day.equity[i].ts.into()),
        money("net_e4", "realised and unrealised, charges deducted", |log, i| {
            log.day.equity[i].net.into()
        }),
    ],
    count: |log| log.day.equity.len(),
};
