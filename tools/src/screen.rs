//! What the hot threads publish into the mapped snapshot: each thread its own slots, rarely.
//!
//! A refresh copies numbers into seqlock slots; readers never make a writer wait. Slots are refreshed every
//! 50 ms of real time, and soon after an order changed.

mod supervision;

pub(crate) use self::supervision::page_readout;

use bijli_core::Engine;
use bijli_core::denial::DENIALS;
use bijli_core::event::FeedState;
use bijli_core::instrument::InstrumentId;
use bijli_core::order::{IntentId, OrderState};
use bijli_core::orders::Order;
use bijli_core::readout::{
    DENIAL_COUNTS, DenialReadout, EngineReadout, FeedReadout, GatewayReadout, OrderReadout, PositionReadout,
    SessionReadout, SignalReadout,
};
use bijli_core::snapshot::{ORDER_SLOTS, POSITION_SLOTS, SIGNAL_SLOTS, SNAPSHOT_BYTES, SnapshotWriter};
use bijli_core::state::State;
use bijli_core::text::Text;
use bijli_core::time::DurationNs;
use bijli_strategy::SpikeStrategy;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::durability::DurableView;
use crate::duty_cycle::{Moment, MonoNs, wall_now};
use crate::latency_recorder::LatencyRecorder;
use crate::run_dir::SNAPSHOT_FILE;
use crate::store::{JournalStore, StoreError, io_error, map_existing, map_new, map_read, remove_file};

/// A refresh is due after so long.
const PERIOD_NS: u64 = 50_000_000;
/// A refresh after a change of orders is due after so long.
const PERIOD_CHANGED_NS: u64 = 5_000_000;
/// Latency percentiles are worked out this rarely: it takes a walk over the histogram.
const LATENCY_PERIOD_NS: u64 = 500_000_000;

/// The mapped snapshot, as all writing threads share it.
pub type Screen = SnapshotWriter<'static>;

/// Makes or takes over the snapshot of the run in `run_dir`. With `memory`, the folder in memory of a journal that
/// waits for its disk, the snapshot lies there and the run directory has a link to it: the engine's thread writes to
/// it, and a mapped page of a disk that stands still holds up whoever writes to it, however small the page.
///
/// # Errors
/// When the file cannot be made or mapped.
pub fn open_screen(run_dir: &Path, memory: Option<&Path>) -> Result<Screen, StoreError> {
    let shown = run_dir.join(SNAPSHOT_FILE);
    if shown.is_symlink() {
        // Of an earlier process; what it led to may have gone with the machine's memory.
        remove_file(&shown)?;
    }
    let path = match memory {
        None => shown,
        Some(memory) => link_into_memory(&shown, memory)?,
    };
    let map = if path.exists() {
        map_existing(&path)?
    } else {
        map_new(&path, SNAPSHOT_BYTES as u64)?
    };
    // One small map for the life of the process: several threads write their slots until the end.
    let map = Box::leak(Box::new(map));
    Ok(SnapshotWriter::create(map)
        .expect("a mapped file is page-aligned and was made with the snapshot's size"))
}

/// Makes `shown` a link to the snapshot's place in `memory`; gives that place.
fn link_into_memory(shown: &Path, memory: &Path) -> Result<PathBuf, StoreError> {
    let place = memory.canonicalize().map_err(io_error("looking at", memory))?;
    let place = place.join(SNAPSHOT_FILE);
    if shown.exists() {
        remove_file(shown)?;
    }
    symlink(&place, shown).map_err(io_error("linking", shown))?;
    Ok(place)
}

/// Puts the last snapshot of a run into its folder, if it lies in memory; for the end of the run, before memory is
/// given back.
///
/// # Errors
/// When it cannot be read or written; the link stays then.
pub fn keep_screen(run_dir: &Path) -> Result<(), StoreError> {
    let shown = run_dir.join(SNAPSHOT_FILE);
    if !shown.is_symlink() {
        return Ok(());
    }
    let (bytes, aside) = (map_read(&shown)?, shown.with_extension("kept"));
    fs::write(&aside, &bytes).map_err(io_error("writing", &aside))?;
    fs::rename(&aside, &shown).map_err(io_error("renaming", &aside))
}

/// When a thread last refreshed its slots.
#[derive(Clone, Copy, Debug, Default)]
struct Schedule {
    last: MonoNs,
    last_latency: MonoNs,
    changed: bool,
}

impl Schedule {
    fn is_due(&mut self, now: MonoNs) -> bool {
        let period = if self.changed {
            PERIOD_CHANGED_NS
        } else {
            PERIOD_NS
        };
        if now.since(self.last) < period {
            return false;
        }
        self.last = now;
        self.changed = false;
        true
    }

    fn latency_is_due(&mut self, now: MonoNs) -> bool {
        if now.since(self.last_latency) < LATENCY_PERIOD_NS {
            return false;
        }
        self.last_latency = now;
        true
    }
}

/// The engine thread's slots.
#[derive(Debug)]
pub struct EngineScreen {
    screen: Screen,
    schedule: Schedule,
    positions_shown: usize,
    controls_refused: Arc<AtomicU64>,
    disk: DurableView,
}

impl EngineScreen {
    /// The engine's slots of `screen`; the session slot is written at once.
    #[must_use]
    pub fn new(screen: Screen, session: &SessionReadout) -> Self {
        screen.put_session(session);
        Self {
            screen,
            schedule: Schedule::default(),
            positions_shown: 0,
            controls_refused: Arc::default(),
            disk: DurableView::never_waited_for(),
        }
    }

    /// Shows what the operators' socket refuses.
    pub fn show_refusals(&mut self, controls_refused: Arc<AtomicU64>) {
        self.controls_refused = controls_refused;
    }

    /// Shows how the journal's disk is.
    pub fn show_disk(&mut self, disk: DurableView) {
        self.disk = disk;
    }

    /// An order changed: the next refresh comes sooner.
    pub fn orders_changed(&mut self) {
        self.schedule.changed = true;
    }

    /// Refreshes the slots if it is time.
    pub fn refresh(
        &mut self,
        moment: Moment,
        engine: &Engine<SpikeStrategy>,
        journal: &JournalStore,
        recorders: [&LatencyRecorder; 2],
    ) {
        if self.schedule.is_due(moment.mono) {
            self.put(engine, journal);
        }
        if self.schedule.latency_is_due(moment.mono) {
            put_latency(&self.screen, &recorders);
        }
    }

    /// Refreshes everything now.
    pub fn force(
        &mut self,
        moment: Moment,
        engine: &Engine<SpikeStrategy>,
        journal: &JournalStore,
        recorders: [&LatencyRecorder; 2],
    ) {
        self.schedule.last = moment.mono;
        self.put(engine, journal);
        put_latency(&self.screen, &recorders);
    }

    fn put(&mut self, engine: &Engine<SpikeStrategy>, journal: &JournalStore) {
        let state = engine.state();
        self.screen.put_engine(&engine_readout(engine, journal));
        self.screen.put_denials(&denial_readout(state));
        let refused = self.controls_refused.load(Ordering::Relaxed);
        supervision::put(&self.screen, state, refused, &self.disk);
        self.put_positions(engine);
        let signals = state.counts().signals as usize;
        for back in 0..SIGNAL_SLOTS.min(signals) {
            if let Some(readout) = signal_readout(state, back) {
                self.screen.put_signal(signals - 1 - back, &readout);
            }
        }
        let orders = state.orders().all();
        for (number, order) in orders.iter().enumerate().rev().take(ORDER_SLOTS) {
            self.screen.put_order(number, &order_readout(state, order));
        }
    }

    fn put_positions(&mut self, engine: &Engine<SpikeStrategy>) {
        let open = engine.state().open_positions();
        for (slot, id) in open.iter().take(POSITION_SLOTS).enumerate() {
            self.screen.put_position(slot, &position_readout(engine, *id));
        }
        for slot in open.len()..self.positions_shown {
            self.screen.clear_position(slot);
        }
        self.positions_shown = open.len().min(POSITION_SLOTS);
    }
}

/// The feed thread's slots.
#[derive(Debug)]
pub struct FeedScreen {
    screen: Screen,
    schedule: Schedule,
}

impl FeedScreen {
    /// The feed's slots of `screen`.
    #[must_use]
    pub fn new(screen: Screen) -> Self {
        Self {
            screen,
            schedule: Schedule::default(),
        }
    }

    /// Whether a refresh is due now.
    pub fn is_due(&mut self, moment: Moment) -> bool {
        self.schedule.is_due(moment.mono)
    }

    /// Writes the slots.
    pub fn put(&self, readout: &FeedReadout, decode: &LatencyRecorder) {
        self.screen.put_feed(readout);
        put_latency(&self.screen, &[decode]);
    }
}

/// The gateway thread's slots.
#[derive(Debug)]
pub struct GatewayScreen {
    screen: Screen,
    schedule: Schedule,
}

impl GatewayScreen {
    /// The gateway's slots of `screen`.
    #[must_use]
    pub fn new(screen: Screen) -> Self {
        Self {
            screen,
            schedule: Schedule::default(),
        }
    }

    /// Whether a refresh is due now.
    pub fn is_due(&mut self, moment: Moment) -> bool {
        self.schedule.is_due(moment.mono)
    }

    /// Writes the slots.
    pub fn put(&self, readout: &GatewayReadout, recorders: [&LatencyRecorder; 2]) {
        self.put_counts(readout);
        put_latency(&self.screen, &recorders);
    }

    /// Writes the counters alone, where no bytes are written that could be timed.
    pub fn put_counts(&self, readout: &GatewayReadout) {
        self.screen.put_gateway(readout);
    }
}

fn put_latency(screen: &Screen, recorders: &[&LatencyRecorder]) {
    for recorder in recorders {
        screen.put_latency(recorder.stage(), &recorder.readout());
    }
}

fn engine_readout(engine: &Engine<SpikeStrategy>, journal: &JournalStore) -> EngineReadout {
    let state = engine.state();
    let counts = state.counts();
    let unknown = |order: &Order| matches!(order.state, OrderState::Unknown | OrderState::PresumedAbsent);
    let narrow = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    EngineReadout {
        now: state.now(),
        mode: state.mode() as u8,
        events: counts.events,
        ticks_applied: counts.ticks,
        signals: counts.signals,
        best_score_ppm: engine.best_signal().map_or(0, |signal| signal.score_ppm),
        entries_sent: counts.entries,
        exits_sent: counts.exits,
        denials: state.denials().iter().sum(),
        fills: counts.fills,
        open_positions: narrow(state.open_positions().len()),
        orders_live: narrow(state.orders().live_count()),
        orders_unknown: narrow(state.orders().live().filter(|(_, order)| unknown(order)).count()),
        realised: state.realised(),
        unrealised: state.unrealised(),
        charges: state.charges(),
        equity: state.equity(),
        day_loss_latched: state.is_day_loss_latched(),
        kill_latched: state.is_killed(),
        anomalies: counts.anomalies + counts.contradictions,
        journal_records: journal.records(),
        journal_bytes: journal.bytes(),
        wall_ns: wall_now(),
    }
}

fn denial_readout(state: &State) -> DenialReadout {
    let mut counts = [0; DENIAL_COUNTS];
    for (denial, count) in DENIALS.iter().zip(state.denials()) {
        counts[usize::from(denial.number())] = *count;
    }
    counts[0] = state.counts().signals - state.denials().iter().sum::<u64>();
    DenialReadout { counts }
}

fn symbol_of(state: &State, id: InstrumentId) -> Text<40> {
    state.instruments()[id.index()].symbol
}

fn position_readout(engine: &Engine<SpikeStrategy>, id: InstrumentId) -> PositionReadout {
    let state = engine.state();
    let position = &state.positions()[id.index()];
    PositionReadout {
        instrument: id,
        symbol: symbol_of(state, id),
        qty: position.qty,
        average: position.average_price(),
        ltp: state.quotes()[id.index()].ltp,
        unrealised: position.unrealised(state.exit_mark(id)),
        realised: position.realised,
        stop: engine.strategy().stop(id),
        stage: state.bracket_stage(id) as u8,
    }
}

fn signal_readout(state: &State, back: usize) -> Option<SignalReadout> {
    let judged = state.signal(back)?;
    Some(SignalReadout {
        ts: judged.signal.ts,
        strategy: judged.signal.strategy,
        instrument: judged.signal.instrument,
        symbol: symbol_of(state, judged.signal.instrument),
        side: judged.signal.side,
        score_ppm: judged.signal.score_ppm,
        parts_ppm: judged.signal.parts_ppm,
        price: judged.signal.price,
        verdict: judged.denial.map_or(0, |denial| denial.number()),
    })
}

fn order_readout(state: &State, order: &Order) -> OrderReadout {
    OrderReadout {
        intent: order.intent.unwrap_or(IntentId::from_raw(0)),
        symbol: symbol_of(state, order.instrument),
        side: order.side,
        purpose: order.purpose,
        strategy: order.strategy,
        state: order.state,
        qty: order.qty,
        filled: order.filled,
        price: order.price,
        ts: order.state_ts,
    }
}

/// The feed's read-out before anything came.
#[must_use]
pub fn empty_feed() -> FeedReadout {
    FeedReadout {
        state: FeedState::Down,
        frames: 0,
        bytes: 0,
        ticks_received: 0,
        ticks_conflated: 0,
        unknown_keys: 0,
        decode_errors: 0,
        reconnects: 0,
        last_frame: bijli_core::TsNs::NEVER,
        subscribed: 0,
        seen: 0,
        never_seen: 0,
        refused: 0,
        refused_keys: Text::EMPTY,
        subscribed_after: DurationNs::ZERO,
        stale: 0,
        oldest_key: Text::EMPTY,
        oldest_age: DurationNs::ZERO,
        ring_depth_max: 0,
        ring_full: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_lies_in_memory_while_the_journal_waits_for_its_disk_and_in_the_run_after_it() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let [run, memory] = folders.each_ref().map(tempfile::TempDir::path);
        let shown = run.join(SNAPSHOT_FILE);
        // A run that began without waiting goes on with it, and the other way round.
        for memory_dir in [None, Some(memory), Some(memory), None] {
            let _screen = open_screen(run, memory_dir).expect("room for a small file");
            assert_eq!(shown.is_symlink(), memory_dir.is_some());
            assert_eq!(
                map_read(&shown).expect("mapped just now").len(),
                SNAPSHOT_BYTES,
                "a reader follows the link"
            );
        }
        let _screen = open_screen(run, Some(memory)).expect("room for a small file");
        keep_screen(run).expect("both folders are there");
        fs::remove_dir_all(memory).expect("our own folder");
        assert!(!shown.is_symlink());
        assert_eq!(map_read(&shown).expect("kept").len(), SNAPSHOT_BYTES);
        // What lay in memory went with the machine's power: the link leads nowhere, and the next start makes another.
        remove_file(&shown).expect("our own file");
        symlink(memory.join(SNAPSHOT_FILE), &shown).expect("a fresh link");
        let _screen = open_screen(run, None).expect("room for a small file");
        assert!(shown.exists() && !shown.is_symlink());
    }
}
