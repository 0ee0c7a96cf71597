//! The slots of supervision: what bars entries, what the broker showed, what differs, funds, pages.

use bijli_core::event::ClockDoubt;
use bijli_core::page::{Page, PageReason};
use bijli_core::readout::{DifferenceReadout, PageReadout, SupervisionReadout};
use bijli_core::snapshot::DIFFERENCE_SLOTS;
use bijli_core::start_steps::START_STEPS;
use bijli_core::state::State;
use bijli_core::text::Text;

use super::{Screen, symbol_of};
use crate::durability::DurableView;

pub(super) fn put(screen: &Screen, state: &State, controls_refused: u64, disk: &DurableView) {
    screen.put_supervision(&readout(state, controls_refused, disk));
    let mut rows = state.supervision().differences.iter();
    for slot in 0..DIFFERENCE_SLOTS {
        let readout = rows.next().map(|row| DifferenceReadout {
            kind: row.kind as u8,
            symbol: symbol_of(state, row.instrument),
            ours: row.ours,
            brokers: row.brokers,
            since: row.since,
        });
        screen.put_difference(slot, readout.as_ref());
    }
    for (reason, page) in state.pages().raised() {
        screen.put_page(&page_readout(state, reason, page));
    }
}

/// A page with its instrument's name.
pub(crate) fn page_readout(state: &State, reason: PageReason, page: &Page) -> PageReadout {
    PageReadout {
        reason: reason as u8,
        count: page.count,
        symbol: page.instrument.map_or(Text::EMPTY, |id| symbol_of(state, id)),
        first: page.first_ts,
        last: page.last_ts,
    }
}

fn readout(state: &State, controls_refused: u64, disk: &DurableView) -> SupervisionReadout {
    let supervision = state.supervision();
    let steps = &supervision.start;
    let barring = steps.barring();
    let answer = supervision.flat_check.answer();
    let verdicts = START_STEPS
        .iter()
        .rev()
        .fold(0u64, |packed, step| packed << 8 | steps.verdict(*step) as u64);
    let paused = supervision.paused_strategies.iter().rev();
    let frozen = state.instruments().iter().filter(|row| state.is_frozen(row.id));
    SupervisionReadout {
        start_verdicts: verdicts,
        barring_step: barring.map_or(0, |step| step as u8 + 1),
        barring_note: barring.map_or(Text::EMPTY, |step| *steps.note(step)),
        reconciled: state.is_reconciled(),
        disarmed: state.is_disarmed(),
        reduce_only: supervision.reduce_only,
        flattening: state.is_flattening(),
        paused_strategies: paused.fold(0, |bits, paused| bits << 1 | u32::from(*paused)),
        clock_doubt: match supervision.clock_doubt {
            None => 0,
            Some(ClockDoubt::Stepped) => 1,
            Some(ClockDoubt::StoodStill) => 2,
        },
        flat_asked: supervision.flat_check.is_asked(),
        flat_answered: answer.is_some(),
        broker_positions: answer.map_or(0, |answer| answer.open_positions + answer.unlisted_positions),
        broker_orders: answer.map_or(0, |answer| answer.live_orders),
        disk_trouble: match (disk.is_dead(), disk.is_short()) {
            (true, _) => 2,
            (false, true) => 1,
            (false, false) => 0,
        },
        differences: supervision.differences.count(),
        frozen: u32::try_from(frozen.clone().count()).unwrap_or(u32::MAX),
        frozen_first: frozen.clone().next().map_or(Text::EMPTY, |row| row.symbol),
        controls: state.counts().controls,
        controls_refused: controls_refused + supervision.refused,
        funds_told: state.margin_available().is_some(),
        funds_available: supervision.funds.available,
        funds_used: supervision.funds.used,
        funds_ts: supervision.funds.ts,
    }
}
