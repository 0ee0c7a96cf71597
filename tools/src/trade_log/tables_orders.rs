//! The tables of orders, trades, signals and decisions: their columns and where each value comes from.
//!
//! Times are the engine's clock; a journal holds no wire time, so "sent" is the decision: its record is the last
//! thing before the gateway. What the wire adds: `latency.json`.

use bijli_core::charges::{ChargeParts, ChargedFill};
use bijli_core::group::GroupId;
use bijli_core::strategy::StrategyId;

use super::day_log::DayLog;
use super::sheet::{Cell, Column, Link, Table, flag, int, money, stamp, text};
use crate::report::csv::slippage_of;
use crate::report::day::{FillRow, OrderRow};
use crate::words;

fn row(log: &DayLog, index: usize) -> &OrderRow {
    &log.day.orders[index]
}

fn fill(log: &DayLog, index: usize) -> &FillRow {
    &log.day.fills[index]
}

const TO_INSTRUMENT: Link = Link {
    column: "instrument_no",
    table: "instruments",
    to: "instrument_no",
};

pub(super) const ORDERS: Table = Table {
    name: "orders",
    about: "Every order of the day, ours and those that somebody else placed on the account.",
    key: Some("order_no"),
    links: &[TO_INSTRUMENT],
    indexes: &["order_id", "tag"],
    columns: ORDER_COLUMNS,
    count: |log| log.day.orders.len(),
};

const ORDER_COLUMNS: &[Column] = &[
    int("order_no", "running number within the session, from 1", |_, i| {
        Cell::count(i + 1)
    }),
    flag("is_ours", "1 for an order of this program", |log, i| {
        row(log, i).order.intent.is_some().into()
    }),
    int(
        "intent",
        "our id: process epoch times 2^32 plus running number",
        |log, i| {
            row(log, i)
                .order
                .intent
                .map_or(Cell::Null, |intent| Cell::count(intent.get()))
        },
    ),
    text("tag", "the handle that it carries at the broker", |log, i| {
        row(log, i)
            .order
            .intent
            .map_or(Cell::Null, |intent| Cell::text(intent.tag().as_str()))
    }),
    text("order_id", "the broker's id; null while unknown", |log, i| {
        Cell::text(row(log, i).order.order_id.as_str())
    }),
    int("instrument_no", "which contract", |log, i| {
        row(log, i).order.instrument.get().into()
    }),
    text(
        "strategy",
        "which strategy; null for an order that is not ours",
        |log, i| Cell::of(row(log, i).order.strategy.map(StrategyId::name)),
    ),
    int(
        "group_id",
        "group whose leg it enters, within the day; null for none",
        |log, i| Cell::of(row(log, i).order.group.map(GroupId::get)),
    ),
    text("purpose", "`ENTRY` or `EXIT`", |log, i| {
        words::purpose_name(row(log, i).order.purpose).into()
    }),
    text("side", "`BUY` or `SELL`", |log, i| {
        words::side_name(row(log, i).order.side).into()
    }),
    text("order_type", "`LIMIT`, `MARKET`, `SL`, `SL-M`", |log, i| {
        Cell::of(row(log, i).order_type.map(words::order_type_name))
    }),
    text("validity", "`DAY` or `IOC`", |log, i| {
        Cell::of(row(log, i).validity.map(words::validity_name))
    }),
    int("qty", "units asked for", |log, i| row(log, i).order.qty.into()),
    int("filled_qty", "units filled, by trade rows", |log, i| {
        row(log, i).order.filled.into()
    }),
    money("limit_first_e4", "limit price first asked for", |log, i| {
        log.trails[i].limit.into()
    }),
    money("limit_last_e4", "limit price last known", |log, i| {
        row(log, i).order.price.into()
    }),
    money("trigger_e4", "trigger price first asked for", |log, i| {
        log.trails[i].trigger.into()
    }),
    money(
        "average_price_e4",
        "turnover / filled, rounded down; exact: turnover_e4",
        |log, i| row(log, i).order.average_price().into(),
    ),
    money(
        "turnover_e4",
        "sum of price times quantity of its trades",
        |log, i| row(log, i).order.turnover.into(),
    ),
    money("charges_e4", "charges of its trades", |log, i| {
        row(log, i).order.charges.into()
    }),
    text("state", "where it stands at the end of the journal", |log, i| {
        row(log, i).order.state.name().into()
    }),
    text("exit_reason", "why a position was to be left", |log, i| {
        Cell::of(row(log, i).order.exit_reason.map(words::exit_reason_name))
    }),
    text(
        "submission",
        "how the placement ended, as the gateway told last",
        |log, i| Cell::of(row(log, i).submission.map(words::submission_name)),
    ),
    text("refusal_code", "the broker's error code", |log, i| {
        Cell::text(&row(log, i).code)
    }),
    int("modifies", "changes asked for", |log, i| {
        log.trails[i].modifies.into()
    }),
    int("cancels", "cancels asked for", |log, i| {
        log.trails[i].cancels.into()
    }),
    int(
        "score_ppm",
        "score of the signal behind an entry, millionths",
        |log, i| Cell::of(row(log, i).order.signal.map(|signal| signal.score_ppm)),
    ),
    money("decision_bid_e4", "best bid at the decision", |log, i| {
        log.trails[i].bid.into()
    }),
    money("decision_ask_e4", "best ask at the decision", |log, i| {
        log.trails[i].ask.into()
    }),
    money("decision_ltp_e4", "last price at the decision", |log, i| {
        log.trails[i].ltp.into()
    }),
    money(
        "decision_touch_e4",
        "price at which it would have traded at the decision",
        |log, i| row(log, i).order.decision_price.into(),
    ),
    money(
        "slippage_e4",
        "fills against decision_touch_e4; positive is worse",
        |log, i| Cell::of(slippage_of(row(log, i)).map(|(amount, _)| amount)),
    ),
    int("slippage_bps", "the same, basis points of the touch", |log, i| {
        Cell::of(slippage_of(row(log, i)).map(|(_, bps)| bps))
    }),
    stamp("signal_ns", "tick of the signal behind an entry", |log, i| {
        Cell::of(row(log, i).order.signal.map(|signal| signal.ts))
    }),
    stamp(
        "decision_ns",
        "decision and hand-over to the gateway; for a foreign order, when first heard of",
        |log, i| row(log, i).order.placed_ts.into(),
    ),
    stamp(
        "acked_ns",
        "the gateway told of the broker's acknowledgement",
        |log, i| row(log, i).acked.into(),
    ),
    stamp(
        "first_report_ns",
        "first row of the broker's order stream or book",
        |log, i| log.trails[i].first_report.into(),
    ),
    stamp("first_fill_ns", "first trade row", |log, i| {
        log.trails[i].first_fill.into()
    }),
    stamp("last_fill_ns", "last trade row", |log, i| {
        log.trails[i].last_fill.into()
    }),
    stamp(
        "last_action_ns",
        "our last placement, change or cancel of it",
        |log, i| row(log, i).order.action_ts.into(),
    ),
    stamp("ended_ns", "when it reached its final state", |log, i| {
        let order = &row(log, i).order;
        if order.state.is_final() {
            order.state_ts.into()
        } else {
            Cell::Null
        }
    }),
    int("book_age_ns", "age of the book at the decision", |log, i| {
        Cell::span(log.trails[i].book, row(log, i).order.placed_ts)
    }),
    int("signal_to_decision_ns", "latency of the hop", |log, i| {
        let order = &row(log, i).order;
        order
            .signal
            .map_or(Cell::Null, |signal| Cell::span(signal.ts, order.placed_ts))
    }),
    int("decision_to_ack_ns", "latency of the hop", |log, i| {
        Cell::span(row(log, i).order.placed_ts, row(log, i).acked)
    }),
    int("decision_to_first_report_ns", "latency of the hop", |log, i| {
        Cell::span(row(log, i).order.placed_ts, log.trails[i].first_report)
    }),
    int("decision_to_first_fill_ns", "latency of the hop", |log, i| {
        Cell::span(row(log, i).order.placed_ts, log.trails[i].first_fill)
    }),
    int("decision_to_last_fill_ns", "latency of the hop", |log, i| {
        Cell::span(row(log, i).order.placed_ts, log.trails[i].last_fill)
    }),
];

pub(super) const TRADES: Table = Table {
    name: "trades",
    about: "Every trade row that was applied: the only truth about fills.",
    key: Some("trade_no"),
    links: &[
        TO_INSTRUMENT,
        Link {
            column: "order_no",
            table: "orders",
            to: "order_no",
        },
        Link {
            column: "position_no",
            table: "positions",
            to: "position_no",
        },
    ],
    indexes: &["trade_id", "position_no"],
    columns: TRADE_COLUMNS,
    count: |log| log.day.fills.len(),
};

const TRADE_COLUMNS: &[Column] = &[
    int("trade_no", "running number within the session, from 1", |_, i| {
        Cell::count(i + 1)
    }),
    text("trade_id", "the exchange's id", |log, i| {
        Cell::text(fill(log, i).trade_id.as_str())
    }),
    int("order_no", "its order", |log, i| {
        Cell::count(fill(log, i).order + 1)
    }),
    text("order_id", "the broker's id of its order", |log, i| {
        Cell::text(row(log, fill(log, i).order).order.order_id.as_str())
    }),
    int(
        "position_no",
        "the round trip that carries its charges",
        |log, i| Cell::count(fill(log, i).trip + 1),
    ),
    int("instrument_no", "which contract", |log, i| {
        fill(log, i).fill.instrument.get().into()
    }),
    stamp("trade_ns", "when we had it", |log, i| fill(log, i).fill.ts.into()),
    text("side", "`BUY` or `SELL`", |log, i| {
        words::side_name(fill(log, i).fill.side).into()
    }),
    int("qty", "units", |log, i| fill(log, i).fill.qty.into()),
    money("price_e4", "price", |log, i| fill(log, i).fill.price.into()),
    money("value_e4", "price times quantity", |log, i| {
        Cell::of(fill(log, i).fill.price.times(fill(log, i).fill.qty))
    }),
    money(
        "slippage_e4",
        "against the touch at the decision; positive is worse",
        |log, i| {
            let one = &fill(log, i).fill;
            if one.decision_price.is_set() {
                one.slippage(one.qty).into()
            } else {
                Cell::Null
            }
        },
    ),
    money("brokerage_e4", "brokerage", |log, i| {
        parts(log, i).brokerage.into()
    }),
    money(
        "exchange_e4",
        "exchange transaction charge with investor protection",
        |log, i| parts(log, i).exchange.into(),
    ),
    money("sebi_e4", "regulator's turnover fee", |log, i| {
        parts(log, i).sebi.into()
    }),
    money("gst_e4", "tax on the three before", |log, i| {
        parts(log, i).gst.into()
    }),
    money("stamp_e4", "stamp duty", |log, i| parts(log, i).stamp.into()),
    money("stt_e4", "securities transaction tax", |log, i| {
        parts(log, i).stt.into()
    }),
    money(
        "charges_e4",
        "all charges, as the engine booked them",
        |log, i| fill(log, i).fill.charges.into(),
    ),
];

/// The charges of a fill, each on its own, by the table that the engine booked their sum from.
fn parts(log: &DayLog, index: usize) -> ChargeParts {
    let row = fill(log, index);
    let parts = ChargedFill {
        day: row.fill.ts.ist_day(),
        kind: log.instrument(row.fill.instrument).kind,
        side: row.fill.side,
        turnover: row
            .fill
            .price
            .times(row.fill.qty)
            .expect("the engine booked this very fill"),
        order_turnover_before: row.order_turnover_before,
    }
    .parts();
    assert_eq!(
        parts.total(),
        row.fill.charges,
        "the engine books the sum of the parts"
    );
    parts
}

pub(super) const SIGNALS: Table = Table {
    name: "signals",
    about: "Every signal that a strategy raised, with its score and the parts of it.",
    key: Some("signal_no"),
    links: &[TO_INSTRUMENT],
    indexes: &[],
    columns: &[
        int(
            "signal_no",
            "running number within the session, from 1",
            |_, i| Cell::count(i + 1),
        ),
        stamp("signal_ns", "the tick that showed it", |log, i| {
            log.day.signals[i].signal.ts.into()
        }),
        int("instrument_no", "which contract", |log, i| {
            log.day.signals[i].signal.instrument.get().into()
        }),
        text("strategy", "which strategy", |log, i| {
            log.day.signals[i].signal.strategy.name().into()
        }),
        text("side", "`BUY` or `SELL`", |log, i| {
            words::side_name(log.day.signals[i].signal.side).into()
        }),
        money("price_e4", "last price", |log, i| {
            log.day.signals[i].signal.price.into()
        }),
        int("score_ppm", "score, millionths", |log, i| {
            log.day.signals[i].signal.score_ppm.into()
        }),
        int("part_price_ppm", "part of the score", |log, i| part(log, i, 0)),
        int("part_volume_ppm", "part of the score", |log, i| part(log, i, 1)),
        int("part_momentum_ppm", "part of the score", |log, i| part(log, i, 2)),
        int("part_trend_ppm", "part of the score", |log, i| part(log, i, 3)),
        int("part_macd_ppm", "part of the score", |log, i| part(log, i, 4)),
        int("part_rsi_ppm", "part of the score", |log, i| part(log, i, 5)),
    ],
    count: |log| log.day.signals.len(),
};

fn part(log: &DayLog, index: usize, part: usize) -> Cell {
    log.day.signals[index].signal.parts_ppm[part].into()
}

pub(super) const DECISIONS: Table = Table {
    name: "decisions",
    about: "What the risk gate said to each signal: passed and which order, or the code of the denial.",
    key: Some("signal_no"),
    links: &[
        Link {
            column: "signal_no",
            table: "signals",
            to: "signal_no",
        },
        Link {
            column: "order_no",
            table: "orders",
            to: "order_no",
        },
    ],
    indexes: &["denial_code"],
    columns: &[
        int("signal_no", "its signal", |_, i| Cell::count(i + 1)),
        text("verdict", "`PASSED` or `DENIED`", |log, i| {
            match log.day.signals[i].denial {
                None => "PASSED".into(),
                Some(_) => "DENIED".into(),
            }
        }),
        text("denial_code", "stable code of the denial", |log, i| {
            Cell::of(log.day.signals[i].denial.map(|denial| denial.code()))
        }),
        int("denial_number", "stable number of the denial", |log, i| {
            Cell::of(log.day.signals[i].denial.map(|denial| u32::from(denial.number())))
        }),
        int("order_no", "the order that it became", |log, i| {
            log.signal_orders[i].map_or(Cell::Null, |order| Cell::count(order + 1))
        }),
    ],
    count: |log| log.day.signals.len(),
};
