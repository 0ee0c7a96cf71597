//! The tables of the day as a whole: session, contracts, controls, states, denials, performance.

use bijli_core::event::{DataKind, VenueKind};
use bijli_core::strategy::StrategyId;
use bijli_core::{Money, TsNs};

use super::day_log::DayLog;
use super::sheet::{Cell, Column, Link, Table, flag, int, money, real, stamp, text};
use crate::words;

pub(super) const SESSIONS: Table = Table {
    name: "sessions",
    about: "One row a trading day, kind of prices and venue. What is not real money says so here.",
    key: None,
    links: &[],
    indexes: &["day"],
    columns: &[
        text("day", "trading day, `YYYY-MM-DD`", |log, _| {
            log.session.day.to_string().into()
        }),
        text(
            "data",
            "where prices came from: `synthetic`, `real`, `real-ticks`, `real-bars`, `live`",
            |log, _| log.session.data.name().into(),
        ),
        text(
            "quotes",
            "where the books came from: `recorded`, `synthesised`, `live`",
            |log, _| words::quotes_name(log.session.data).into(),
        ),
        text(
            "venue",
            "where orders went: `simulated`, `paper`, `live`",
            |log, _| words::venue_name(log.session.venue).into(),
        ),
        flag("is_synthetic", "1 if prices were invented", |log, _| {
            (log.session.data == DataKind::Synthetic).into()
        }),
        flag("is_simulated", "1 if the venue was a simulator", |log, _| {
            (log.session.venue == VenueKind::Simulated).into()
        }),
        flag("is_paper", "1 if fills were made on paper", |log, _| {
            (log.session.venue == VenueKind::Paper).into()
        }),
        flag(
            "is_real_money",
            "1 only for live prices and a live venue",
            |log, _| (log.session.venue == VenueKind::Live && log.session.data == DataKind::Live).into(),
        ),
        money("capital_e4", "capital at the start of the day", |log, _| {
            log.day.capital.into()
        }),
        stamp("opened_ns", "session opened", |log, _| log.session.opened.into()),
        stamp("last_ns", "last event", |log, _| log.day.last.into()),
        int("epochs", "processes that took the day over", |log, _| {
            log.day.epochs.into()
        }),
        int("events", "events applied", |log, _| {
            Cell::count(log.replayed.events)
        }),
        int("records", "records read", |log, _| {
            Cell::count(log.replayed.records)
        }),
        int("journal_bytes", "bytes of these records", |log, _| {
            Cell::count(log.replayed.bytes)
        }),
        int("ticks", "ticks applied", |log, _| {
            Cell::count(log.day.counts.ticks)
        }),
        int("doubtful_ticks", "ticks with a doubt", |log, _| {
            Cell::count(log.day.counts.anomalies)
        }),
        int("contradictions", "evidence that contradicted itself", |log, _| {
            Cell::count(log.day.counts.contradictions)
        }),
        text(
            "state_hash",
            "hash of the engine's state after the last event",
            |log, _| format!("{:016x}", log.replayed.state_hash).into(),
        ),
        flag(
            "replay_identical",
            "1 if every command and hash was the journaled one",
            |log, _| log.replayed.identical.into(),
        ),
        flag("closed", "1 if the journal was closed in order", |log, _| {
            log.replayed.closed.into()
        }),
        text(
            "cut",
            "what ended the reading before the journal's end (`--prefix`)",
            |log, _| Cell::of(log.replayed.cut.clone()),
        ),
        int(
            "tail_cuts",
            "half-written tails that a process start cut off",
            |log, _| Cell::count(log.replayed.tail_cuts.len()),
        ),
        int(
            "commands_unsent",
            "commands that a killed process had not journaled, and so never sent",
            |log, _| Cell::count(log.replayed.commands_unsent),
        ),
        money("realised_e4", "realised result, before charges", |log, _| {
            log.day.realised.into()
        }),
        money("unrealised_e4", "result of what is open at the end", |log, _| {
            unrealised(log).into()
        }),
        money("charges_e4", "brokerage, taxes and fees", |log, _| {
            log.day.charges.into()
        }),
        money("net_e4", "realised and unrealised less charges", |log, _| {
            log.day.net.into()
        }),
    ],
    count: |_| 1,
};

fn unrealised(log: &DayLog) -> Money {
    Money::new(log.day.gross().get().saturating_sub(log.day.realised.get()))
}

const TO_INSTRUMENT: Link = Link {
    column: "instrument_no",
    table: "instruments",
    to: "instrument_no",
};

pub(super) const INSTRUMENTS: Table = Table {
    name: "instruments",
    about: "Contracts that an order, a signal, a position or a control names.",
    key: Some("instrument_no"),
    links: &[],
    indexes: &["symbol"],
    columns: &[
        int(
            "instrument_no",
            "number in the day's table; another day may number otherwise",
            |log, i| log.instruments[i].id.get().into(),
        ),
        text("instrument_key", "the broker's key", |log, i| {
            log.instruments[i].key.as_str().into()
        }),
        text("symbol", "trading symbol", |log, i| {
            log.instruments[i].symbol.as_str().into()
        }),
        text("kind", "`EQ`, `INDEX`, `FUT`, `CE`, `PE`", |log, i| {
            words::instrument_kind_name(log.instruments[i].kind).into()
        }),
        text("underlying", "symbol of the underlying", |log, i| {
            log.symbol(log.instruments[i].underlying).into()
        }),
        text("expiry", "last day of trading; null for cash", |log, i| {
            if log.instruments[i].kind.is_derivative() {
                log.instruments[i].expiry.to_string().into()
            } else {
                Cell::Null
            }
        }),
        money("strike_e4", "strike of an option", |log, i| {
            log.instruments[i].strike.into()
        }),
        int("lot", "units of a lot", |log, i| log.instruments[i].lot.into()),
        money("tick_e4", "price step", |log, i| log.instruments[i].tick.into()),
        money("prev_close_e4", "previous close", |log, i| {
            log.instruments[i].prev_close.into()
        }),
    ],
    count: |log| log.instruments.len(),
};

pub(super) const CONTROLS: Table = Table {
    name: "controls",
    about: "What operators asked for: journaled with identity before it was done.",
    key: Some("control_no"),
    links: &[TO_INSTRUMENT],
    indexes: &[],
    columns: &[
        int(
            "control_no",
            "running number within the session, from 1",
            |_, i| Cell::count(i + 1),
        ),
        int("seq", "record in the journal", |log, i| {
            Cell::count(log.controls[i].seq)
        }),
        stamp("control_ns", "when", |log, i| log.controls[i].control.ts.into()),
        text("verb", "what was asked", |log, i| {
            words::verb_name(log.controls[i].control.verb).into()
        }),
        int("instrument_no", "for one contract alone", |log, i| {
            Cell::of(log.controls[i].control.instrument.map(|id| id.get()))
        }),
        text("strategy", "for one strategy alone", |log, i| {
            Cell::of(log.controls[i].control.strategy.map(StrategyId::name))
        }),
        int("uid", "user id of the peer", |log, i| {
            log.controls[i].control.uid.into()
        }),
        text(
            "command_id",
            "id chosen by the client, 16 hex digits",
            |log, i| format!("{:016x}", log.controls[i].control.command_id).into(),
        ),
        text("reason", "the operator's words", |log, i| {
            log.controls[i].control.reason.as_str().into()
        }),
        flag(
            "applied",
            "0 for a repeated command id, which changes nothing",
            |log, i| log.controls[i].applied.into(),
        ),
        int(
            "commands",
            "placements and cancels that it caused at once",
            |log, i| Cell::count(log.controls[i].commands),
        ),
        text("mode_before", "mode before", |log, i| {
            log.controls[i].before.into()
        }),
        text("mode_after", "mode after", |log, i| log.controls[i].after.into()),
        text(
            "answer",
            "what the broker said to its own switch: done, refused or unknown; null for other verbs, or when nobody told",
            |log, i| {
                let answer = log.controls[i].answer.as_ref();
                Cell::of(answer.map(|answer| words::switch_name(answer.outcome)))
            },
        ),
        text(
            "answer_text",
            "the segments stopped, or the broker's words",
            |log, i| {
                Cell::of(
                    log.controls[i]
                        .answer
                        .as_ref()
                        .map(|answer| answer.words.as_str()),
                )
            },
        ),
        stamp("answered_ns", "when that was told", |log, i| {
            log.controls[i]
                .answer
                .map_or(TsNs::NEVER, |answer| answer.ts)
                .into()
        }),
    ],
    count: |log| log.controls.len(),
};

pub(super) const STATES: Table = Table {
    name: "states",
    about: "Changes of mode, feed and latches; process starts, reconciliations, contradictions, cut tails, pages.",
    key: Some("state_no"),
    links: &[],
    indexes: &["kind"],
    columns: &[
        int("state_no", "running number within the session, from 1", |_, i| {
            Cell::count(i + 1)
        }),
        int("seq", "record in the journal", |log, i| {
            Cell::count(log.states[i].seq)
        }),
        stamp("state_ns", "when", |log, i| log.states[i].ts.into()),
        text(
            "kind",
            "`mode`, `feed`, `kill`, `daily_loss`, `position_break`, `contradiction`, `process`, `reconciled`, \
             `start_step`, `flat_check`, `broker_switch`, `latch_carried`, `clock`, `funds`, `tail_cut`, `page`",
            |log, i| log.states[i].kind.into(),
        ),
        text("before", "what was", |log, i| Cell::text(&log.states[i].before)),
        text("after", "what is", |log, i| Cell::text(&log.states[i].after)),
    ],
    count: |log| log.states.len(),
};

pub(super) const DENIALS: Table = Table {
    name: "denials",
    about: "How often the risk gate gave each denial.",
    key: Some("denial_number"),
    links: &[],
    indexes: &[],
    columns: &[
        int("denial_number", "stable number", |log, i| {
            u32::from(log.day.denials[i].0.number()).into()
        }),
        text("denial_code", "stable code", |log, i| {
            log.day.denials[i].0.code().into()
        }),
        int("denied", "how often", |log, i| Cell::count(log.day.denials[i].1)),
    ],
    count: |log| log.day.denials.len(),
};

pub(super) const PERFORMANCE: Table = Table {
    name: "performance_days",
    about: "What each session came to. Formulas: below.",
    key: None,
    links: &[],
    indexes: &[],
    columns: PERFORMANCE_COLUMNS,
    count: |_| 1,
};

const PERFORMANCE_COLUMNS: &[Column] = &[
    int("total_trades", "closed round trips", |log, _| {
        Cell::count(log.performance.trades)
    }),
    int("winning_trades", "net above zero", |log, _| {
        Cell::count(log.performance.won)
    }),
    int("losing_trades", "net below zero", |log, _| {
        Cell::count(log.performance.lost)
    }),
    int("win_rate_ppm", "won of all, millionths", |log, _| {
        Cell::of(log.performance.win_rate_ppm())
    }),
    money(
        "gross_e4",
        "result before charges, open positions marked",
        |log, _| log.day.gross().into(),
    ),
    money("charges_e4", "brokerage, taxes and fees", |log, _| {
        log.day.charges.into()
    }),
    money("net_e4", "result after charges", |log, _| log.day.net.into()),
    int("net_bps", "net in basis points of capital", |log, _| {
        let capital = log.day.capital.get();
        if capital == 0 {
            Cell::Null
        } else {
            log.day.net.share(bijli_core::price::BPS, capital).get().into()
        }
    }),
    money("largest_win_e4", "best trade; 0 if none was won", |log, _| {
        log.performance.largest_win.into()
    }),
    money("largest_loss_e4", "worst trade; 0 if none was lost", |log, _| {
        log.performance.largest_loss.into()
    }),
    money("won_e4", "sum of won trades", |log, _| {
        log.performance.won_sum.into()
    }),
    money("lost_e4", "sum of lost trades", |log, _| {
        log.performance.lost_sum.into()
    }),
    real(
        "profit_factor",
        "won / lost; null if nothing was lost",
        |log, _| Cell::of(log.performance.profit_factor()),
    ),
    money("expectancy_e4", "mean net of a trade", |log, _| {
        Cell::of(log.performance.expectancy())
    }),
    real(
        "sharpe_ratio",
        "over the sessions so far of the same prices and venue; null for fewer than two",
        |log, _| Cell::of(log.performance.sharpe),
    ),
    money(
        "max_drawdown_e4",
        "largest fall of the equity curve from a former peak",
        |log, _| log.day.drawdown_max().into(),
    ),
    int("hold_mean_ns", "mean time that a trade was held", |log, _| {
        Cell::of(log.performance.hold_mean_ns)
    }),
    money("turnover_e4", "value of all fills", |log, _| {
        log.performance.turnover.into()
    }),
    money(
        "exposure_peak_e4",
        "largest value of positions and live entries",
        |log, _| log.performance.exposure_peak.into(),
    ),
    money(
        "slippage_e4",
        "fills against the touch at the decisions; positive is worse",
        |log, _| log.performance.slippage.into(),
    ),
    real("slippage_mean_bps", "by order, mean", |log, _| {
        Cell::of(log.performance.slippage_mean_bps)
    }),
    int("slippage_median_bps", "by order, median", |log, _| {
        Cell::of(log.performance.slippage_median_bps)
    }),
    int(
        "fill_rate_ppm",
        "units filled of units asked for, millionths",
        |log, _| Cell::of(log.performance.fill_rate_ppm),
    ),
    int(
        "ack_median_ns",
        "median from decision to acknowledgement",
        |log, _| Cell::of(log.performance.ack_median_ns),
    ),
    int("signals", "signals raised", |log, _| {
        Cell::count(log.day.counts.signals)
    }),
    int("denied", "signals that the risk gate denied", |log, _| {
        Cell::count(log.day.denials.iter().map(|(_, count)| count).sum::<u64>())
    }),
    int("orders_placed", "our orders handed to the gateway", |log, _| {
        Cell::count(log.performance.orders.placed)
    }),
    int("orders_entries", "entries among them", |log, _| {
        Cell::count(log.performance.orders.entries)
    }),
    int("orders_filled", "fully filled", |log, _| {
        Cell::count(log.performance.orders.filled)
    }),
    int("orders_partly", "partly filled, then ended", |log, _| {
        Cell::count(log.performance.orders.partly)
    }),
    int("orders_cancelled", "cancelled without a fill", |log, _| {
        Cell::count(log.performance.orders.cancelled)
    }),
    int("orders_refused", "refused by the broker's front", |log, _| {
        Cell::count(log.performance.orders.refused)
    }),
    int(
        "orders_rejected",
        "rejected by risk system or exchange",
        |log, _| Cell::count(log.performance.orders.rejected),
    ),
    int("orders_not_sent", "never reached the wire", |log, _| {
        Cell::count(log.performance.orders.not_sent)
    }),
    int("orders_unknown", "of unknown fate at some time", |log, _| {
        Cell::count(log.performance.orders.unknown)
    }),
    int("orders_foreign", "orders of somebody else", |log, _| {
        Cell::count(log.performance.orders.foreign)
    }),
    int("fills", "trade rows applied", |log, _| {
        Cell::count(log.day.fills.len())
    }),
    int("open_positions", "positions open at the end", |log, _| {
        Cell::count(log.day.open_positions)
    }),
];
