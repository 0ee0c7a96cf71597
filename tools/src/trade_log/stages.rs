//! The stages of positions over a day: what is watched, and what changed.
//!
//! Invariants: an instrument is looked at while it is open, has a live order, or was in a stage that can change; a tick
//! that caused no command changes no stage. A stage is what people saw on screens at that event.

use std::collections::BTreeMap;

use bijli_core::held::BracketStage;
use bijli_core::state::State;
use bijli_core::{InstrumentId, Qty};

use super::day_log::StageRow;

/// Remembers the last stage of each instrument that is worth a look.
#[derive(Debug, Default)]
pub(super) struct StageWatch {
    last: BTreeMap<u32, (BracketStage, Qty)>,
    rows: Vec<StageRow>,
}

impl StageWatch {
    /// Compares every watched instrument with what it was.
    pub(super) fn look(&mut self, seq: u64, state: &State) {
        let live = state.orders().live().map(|(_, order)| order.instrument);
        let open = state.open_positions().iter().copied();
        for id in live.chain(open) {
            self.last.entry(id.get()).or_default();
        }
        for (number, last) in &mut self.last {
            let id = InstrumentId::new(*number);
            let now = (state.bracket_stage(id), state.positions()[id.index()].qty);
            if now.0 != last.0 {
                self.rows.push(StageRow {
                    seq,
                    ts: state.now(),
                    instrument: id,
                    before: last.0,
                    after: now.0,
                    qty: now.1,
                    group: state.groups().owner(id).map(|group| group.id),
                });
            }
            *last = now;
        }
    }

    pub(super) fn into_rows(self) -> Vec<StageRow> {
        self.rows
    }
}
