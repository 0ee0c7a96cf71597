//! One trading day from the opened journal to the written report: what `demo` and `run` have in common.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bijli_core::event::{OrderUpdated, Reconciled, VenueKind};
use bijli_core::latency::{STAGES, Stage};
use bijli_core::order::BrokerStatus;
use bijli_core::readout::FeedReadout;
use bijli_core::state::State;
use bijli_core::{DurationNs, Event, TsNs};
use bijli_feed::FeedSettings;
use bijli_feed::planner::warm_strikes::WarmWidth;
use bijli_gateway::socket::{RestSettings, StreamSettings};
use bijli_gateway::{Gateway, GatewayConfig, PaperVenue};
use hdrhistogram::Histogram;

use crate::capture_store;
use crate::credential::TokenMemory;
use crate::duty::Ended;
use crate::duty::engine::EngineEnd;
use crate::duty_cycle::ClockSource;
use crate::kill_latch::{Kill, KillLatch};
use crate::latency_recorder::LatencyRecorder;
use crate::latency_report::LatencyReport;
use crate::opening::{DayPlan, OpenDay, OpeningError, open_day};
use crate::report::{self, ReportError, RunFacts, Summary};
use crate::screen::keep_screen;
use crate::start_checks::StartCount;
use crate::stderr::say;
use crate::store::room::release_room;
use crate::store::{StoreError, remove_unused_segments};
use crate::topology::{Connections, OrderSink, Placement, Running, StartError, start};
use crate::words;

/// Everything a day needs. Holds the token, so it is not printable.
pub struct RunPlan {
    /// The day and its files.
    pub day: DayPlan,
    /// The market feed.
    pub feed: FeedSettings,
    /// How many strikes around the money are listened to; `None` = every option of the table.
    pub warm_strikes: Option<WarmWidth>,
    /// The broker's REST hosts.
    pub rest: RestSettings,
    /// The order stream.
    pub stream: StreamSettings,
    /// When the access token dies, in engine time; [`TsNs::NEVER`] where that is not known.
    pub token_expires: TsNs,
    /// Where the feed's token is renewed; `None` = it stays what it is.
    pub token_memory: Option<TokenMemory>,
    /// Where engine time comes from.
    pub clock: ClockSource,
    /// Where and how the hot threads run.
    pub placement: Placement,
    /// Whether raw frames are kept.
    pub capture: bool,
    /// What is run when a person is to be called: program and arguments; empty = nothing.
    pub alert_command: Vec<String>,
    /// What the report should tell besides: command, speed, seed.
    pub facts: Vec<(String, String)>,
}

/// A day that was run.
#[derive(Debug)]
pub struct Finished {
    /// What it came to; also in `summary.json`.
    pub summary: Summary,
    /// Whether the session came to its end, rather than being interrupted.
    pub day_over: bool,
    /// Whether a kill or flatten stood at the end and the broker had not shown that nothing is open.
    pub killed_not_flat: bool,
    /// Set when the access token died and ended the run: the positions that are still open at the broker.
    pub left_without_token: Option<Vec<String>>,
}

/// Why a day could not be run to its report.
#[derive(Debug)]
pub enum RunError {
    /// The day could not be taken over.
    Opening(OpeningError),
    /// The threads could not be started.
    Start(StartError),
    /// The engine had to stop.
    Engine(StoreError),
    /// The report could not be written.
    Report(ReportError),
    /// The broker turned us away for good.
    Broker(String),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opening(error) => error.fmt(f),
            Self::Start(error) => error.fmt(f),
            Self::Engine(error) => write!(
                f,
                "the engine stopped: {error}; a restart recovers and reconciles"
            ),
            Self::Report(error) => error.fmt(f),
            Self::Broker(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for RunError {}

/// Opens the day, runs it while `watch` looks on, and writes the report. `ticks_sent` is asked at the end,
/// where a simulator can tell it.
///
/// # Errors
/// [`RunError`]; what was journaled stays.
pub fn run_day(
    plan: RunPlan,
    stop: &Arc<AtomicBool>,
    watch: impl FnOnce(&Running),
    ticks_sent: impl FnOnce() -> Option<u64>,
) -> Result<Finished, RunError> {
    let run_dir = plan.day.run_dir.clone();
    let account_lock = plan.day.account_lock.clone();
    let mut facts = RunFacts {
        facts: plan.facts.clone(),
        ..RunFacts::default()
    };
    facts.facts.push((
        "threads".to_owned(),
        format!("{:?}, {:?}", plan.placement.shape, plan.placement.wait),
    ));
    let day = open_day(&plan.day).map_err(RunError::Opening)?;
    let recovered = day.records_recovered;
    tell_recovery(&day, &mut facts);
    let sink = sink_for(plan.day.venue, &day, plan.token_expires);
    let feed = feed_for(&day, plan.feed, plan.clock);
    let connections = Connections {
        feed,
        warm_strikes: plan.warm_strikes,
        rest: plan.rest,
        stream: plan.stream,
        token_expires: plan.token_expires,
        token_memory: plan.token_memory,
        clock: plan.clock,
        run_dir: run_dir.clone(),
        capture_dir: plan.capture.then(|| run_dir.join("capture")),
        alert_command: plan.alert_command,
    };
    let running =
        start(day, sink, connections, &plan.placement, Arc::clone(stop)).map_err(RunError::Start)?;
    watch(&running);
    let interrupted = stop.load(Ordering::Acquire);
    let ended = running.join();
    let end = collect(ended, &mut facts);
    facts.ticks_sent = ticks_sent();
    if recovered > 0 {
        leave_out_process_counts(&mut facts);
    }
    let day_over = end.day_over;
    keep_kill(&account_lock, end.engine.state());
    let may_restart = !day_over && may_be_open(end.engine.state());
    let killed_not_flat = is_killed_not_flat(end.engine.state());
    let left_without_token = end.token_dead.then(|| open_positions(end.engine.state()));
    if let Some(failure) = end.failure {
        return Err(RunError::Engine(failure));
    }
    // Closing gives the memory back that it may lie in.
    if let Err(error) = keep_screen(&run_dir) {
        eprintln!("WARNING: the last snapshot is not kept: {error}");
    }
    end.journal.close().map_err(RunError::Engine)?;
    remove_unused_segments(&run_dir.join("journal")).map_err(RunError::Engine)?;
    if !may_restart && let Some(warning) = give_room_back(&run_dir) {
        eprintln!("WARNING: {warning}");
    }
    capture_store::remove_unused(&run_dir.join("capture")).map_err(RunError::Engine)?;
    let summary = report::write(&run_dir, &facts).map_err(RunError::Report)?;
    StartCount::beside(&account_lock).forget();
    Ok(Finished {
        summary,
        day_over: day_over || !interrupted,
        killed_not_flat,
        left_without_token,
    })
}

/// Nothing is open that a restart would need room for. What is wrong with a file that stays is told: it costs room
/// alone, and the day has ended in order.
fn give_room_back(run_dir: &Path) -> Option<String> {
    let error = release_room(run_dir).err()?;
    Some(format!("the room kept for a restart is not given back: {error}"))
}

/// What a restart should say of the day that it takes over.
fn tell_recovery(day: &OpenDay, facts: &mut RunFacts) {
    if day.records_recovered == 0 {
        return;
    }
    let recovered = day.records_recovered.to_string();
    facts.facts.push(("records recovered".to_owned(), recovered));
    if day.is_without_entries() {
        eprintln!("WARNING: {}", words::NO_ENTRIES_TODAY);
        let fact = ("entries".to_owned(), words::NO_ENTRIES_TODAY.to_owned());
        facts.facts.push(fact);
    }
}

/// A kill outlives the day, however late the engine heard it and whatever became of its file while it ran.
fn keep_kill(account_lock: &Path, state: &State) {
    let latch = KillLatch::beside(account_lock);
    if !state.is_killed() || latch.holds() {
        return;
    }
    if let Err(error) = latch.set(&Kill::by_journal(state.now())) {
        say(format_args!(
            "error: KILLED, but the latch that outlives the day is not on disk: {error}; tomorrow's start is not killed"
        ));
    }
}

/// Whether a person wanted to be out and the broker has not shown it. Our own books prove nothing here: the broker may
/// hold what they do not know.
fn is_killed_not_flat(state: &State) -> bool {
    let wants_out = state.is_killed() || state.is_flattening();
    wants_out && !state.supervision().flat_check.is_flat()
}

/// Whether our books have anything that a restart would look after.
fn may_be_open(state: &State) -> bool {
    !state.open_positions().is_empty() || state.orders().live_count() > 0
}

/// Symbol, quantity and average price of each open position.
fn open_positions(state: &State) -> Vec<String> {
    let rows = state.open_positions().iter().map(|id| {
        let position = &state.positions()[id.index()];
        let symbol = state.instruments()[id.index()].symbol;
        format!("{symbol} {} at {}", position.qty, position.average_price())
    });
    rows.collect()
}

/// Where the orders of the day go.
fn sink_for(venue: VenueKind, day: &OpenDay, token_expires: TsNs) -> OrderSink {
    let state = day.engine.state();
    match venue {
        VenueKind::Paper => OrderSink::Paper(Box::new(paper_venue(state)), paper_opening(state)),
        VenueKind::Simulated | VenueKind::Live => {
            OrderSink::Broker(Box::new(gateway_for(day, token_expires)))
        }
    }
}

/// The feed of the journal's instruments: a held one stays subscribed, even if the universe has changed since
/// the morning. Simulated time may run while batches wait for one another: there, one batch asks for all.
fn feed_for(day: &OpenDay, mut feed: FeedSettings, clock: ClockSource) -> FeedSettings {
    let listed = day.engine.state().instruments();
    feed.keys = listed.iter().map(|row| row.key.as_str().to_owned()).collect();
    if clock == ClockSource::Venue {
        feed.batch = feed.keys.len().max(1);
    }
    feed
}

/// Counts of one process beside the journal of the whole day would mislead.
fn leave_out_process_counts(facts: &mut RunFacts) {
    (facts.ticks_received, facts.ticks_conflated) = (None, None);
    facts.subscribed_after_us = None;
    facts.facts.push((
        "latencies".to_owned(),
        "of the last process of the day".to_owned(),
    ));
}

/// A paper venue with the positions that a former process left.
fn paper_venue(state: &State) -> PaperVenue {
    let mut venue = PaperVenue::new(state.instruments());
    for id in state.open_positions() {
        venue.adopt_position(*id, state.positions()[id.index()].qty);
    }
    venue
}

/// What a fresh paper venue tells the engine: orders of a former process died with its venue, and there is no
/// other book to agree with than the journal.
fn paper_opening(state: &State) -> Vec<Event> {
    let now = state.now();
    let cancelled = state.orders().live().map(|(_, order)| {
        Event::OrderUpdated(OrderUpdated {
            ts: now,
            intent: order.intent,
            order_id: order.order_id,
            instrument: order.instrument,
            side: order.side,
            status: BrokerStatus::Cancelled,
            qty: order.qty,
            filled: order.filled,
            price: order.price,
            trigger: order.trigger,
            average_price: order.average_price(),
            modifies_ended: order.modifies,
        })
    });
    let agreed = Event::Reconciled(Reconciled {
        ts: now,
        broker_orders: 0,
        foreign_orders: 0,
    });
    cancelled.chain([agreed]).collect()
}

/// A price band that moved is known a quarter of an hour later at most; after a rejected order at once.
const BAND_PAUSE: DurationNs = DurationNs::from_secs(900);

/// A gateway that knows the orders of former processes and begins by reconciling with the broker.
fn gateway_for(day: &OpenDay, token_expires: TsNs) -> Gateway {
    let config = GatewayConfig {
        token_expires,
        band_pause: BAND_PAUSE,
        ..GatewayConfig::default()
    };
    Gateway::taking_over(config, day.engine.state())
}

fn collect(ended: Vec<Ended>, facts: &mut RunFacts) -> EngineEnd {
    let mut recorders: Vec<LatencyRecorder> = Vec::new();
    let mut engine = None;
    for end in ended {
        match end {
            Ended::Engine(end) => {
                recorders.extend(end.recorders.iter().cloned());
                engine = Some(*end);
            }
            Ended::Feed(end) => {
                facts.ticks_received = Some(end.readout.ticks_received);
                facts.ticks_conflated = Some(end.readout.ticks_conflated);
                facts.subscribed_after_us = subscribed_after_us(&end.readout);
                if end.frames_not_captured > 0 {
                    facts.facts.push((
                        "frames not captured".to_owned(),
                        end.frames_not_captured.to_string(),
                    ));
                }
                recorders.push(end.decode);
            }
            Ended::Gateway(end) => recorders.extend(end.recorders),
        }
    }
    facts.latency = LatencyReport::from_histograms(
        STAGES
            .iter()
            .filter_map(|stage| Some((stage.name(), histogram_of(&recorders, *stage)?))),
    );
    engine.expect("every shape has a thread with the engine")
}

/// How long subscribing took, once something of every instrument had come.
fn subscribed_after_us(feed: &FeedReadout) -> Option<u64> {
    let length_us = feed.subscribed_after.get() / 1_000;
    u64::try_from(length_us).ok().filter(|length| *length > 0)
}

fn histogram_of(recorders: &[LatencyRecorder], stage: Stage) -> Option<&Histogram<u64>> {
    recorders
        .iter()
        .find(|recorder| recorder.stage() == stage)
        .map(LatencyRecorder::histogram)
}

/// The run directory's name: when it began, then what it is.
#[must_use]
pub fn run_name(now: TsNs, what: &str) -> PathBuf {
    let stamp: String = now
        .to_string()
        .chars()
        .map(|c| if c == ' ' { 'T' } else { c })
        .collect();
    PathBuf::from(format!(
        "{}-{:03}-{what}",
        stamp.replace(':', "-"),
        now.get() / 1_000_000 % 1_000
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::room::ROOM_FILE;

    #[test]
    fn room_that_cannot_be_given_back_at_the_end_is_told_and_is_no_error_of_the_day() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(give_room_back(folder.path()), None);
        // A folder in its place cannot be removed as a file is.
        std::fs::create_dir(folder.path().join(ROOM_FILE)).expect("a folder");
        let told = give_room_back(folder.path()).expect("it stays");
        assert!(told.contains(ROOM_FILE), "{told}");
    }
}
