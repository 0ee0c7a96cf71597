//! What the engine does while the journal's disk is full: no entries, whoever resumes; a kill all the same.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};

use bijli_core::IstDay;
use bijli_core::config::Config;
use bijli_core::event::{DataKind, Reconciled, VenueKind, Verb};
use bijli_core::journal::{is_blank, replay_segments};
use bijli_core::limits::ORDER_RING_SLOTS;
use bijli_core::readout::SessionReadout;
use bijli_core::ring::ring;
use bijli_core::text::Text;

use super::*;
use crate::control::ControlReply;
use crate::durability::Durability;
use crate::opening::{DayPlan, OpenDay, open_day};
use crate::screen::open_screen;
use crate::start_checks::StartChecks;
use crate::store::map_read;
use crate::topology::venue_start;
use crate::words;

struct Desk {
    duty: EngineDuty,
    broker: Producer<Event>,
    calls: SyncSender<ControlCall>,
    view: DurableView,
    start: TsNs,
    turns: i64,
    seconds_a_turn: i64,
}

fn fresh_day(folder: &Path, today: IstDay, start: TsNs) -> OpenDay {
    open_day(&DayPlan {
        run_dir: folder.to_owned(),
        account_lock: folder.join("account.lock"),
        at_broker: None,
        day: today,
        data: DataKind::Synthetic,
        venue: VenueKind::Simulated,
        config: Config::default(),
        instruments: Vec::new(),
        start,
        segment_bytes: 64 * 1024,
        durability: Durability::Process,
        ram_dir: folder.join("memory"),
        reserve_bytes: 0,
        checks: StartChecks::default(),
    })
    .expect("a fresh folder")
}

impl Desk {
    fn in_order(folder: &Path) -> Self {
        let today = IstDay::from_ymd(2026, 7, 31).expect("a real date");
        let start = venue_start(today);
        let day = fresh_day(folder, today, start);
        let session = SessionReadout {
            day: today,
            data: DataKind::Synthetic,
            venue: VenueKind::Simulated,
            epoch: day.epoch,
            pid: 1,
            started: start,
            token_expires: TsNs::NEVER,
        };
        let view = DurableView::never_waited_for();
        let (_feed, feed_in) = ring(8);
        let (broker, broker_in) = ring(8);
        let (orders, _orders_out) = ring(ORDER_RING_SLOTS);
        let (calls, calls_in) = sync_channel(1);
        let links = EngineLinks {
            feed: feed_in,
            broker: broker_in,
            calls: calls_in,
            orders,
            paper_ticks: None,
            in_use: InUse::new(0),
            gateway_bell: Bell::default(),
            orders_pushed: Arc::default(),
            gateway_busy: Arc::default(),
            orders_taken: Arc::default(),
            token: TokenWatch::default(),
            entries_barred: Arc::default(),
            killed: Arc::default(),
            pages: sync_channel(1).0,
            durability: DurabilityLink {
                view: view.clone(),
                bell: None,
                marks: None,
            },
        };
        let screen = open_screen(folder, None).expect("a fresh file");
        let screen = EngineScreen::new(screen, &session);
        let clock = EngineClock::new(ClockSource::Venue, start);
        let duty = EngineDuty::new(day.engine, day.journal, links, screen, clock, Arc::default());
        let mut desk = Self {
            duty,
            broker,
            calls,
            view,
            start,
            turns: 0,
            seconds_a_turn: 1,
        };
        let agreed = Event::Reconciled(Reconciled {
            ts: start,
            broker_orders: 0,
            foreign_orders: 0,
        });
        desk.broker.push(agreed).expect("an empty ring");
        desk
    }

    fn turn(&mut self) -> TradingMode {
        self.turns += 1;
        let now = self
            .start
            .plus(DurationNs::from_secs(self.turns * self.seconds_a_turn));
        let moment = Moment {
            mono: MonoNs::now(),
            now,
            steady: now,
            machine: now,
        };
        assert!(matches!(self.duty.turn(moment), Turn::Did(_)));
        self.duty.driver.engine().state().mode()
    }

    fn say(&mut self, verb: Verb) -> (TradingMode, ControlReply) {
        let (reply, answer) = sync_channel(1);
        let call = ControlCall {
            verb,
            symbol: None,
            strategy: None,
            uid: 0,
            command_id: 1_000 + self.turns.unsigned_abs(),
            reason: Text::new("a test").expect("short"),
            answer: None,
            reply,
        };
        self.calls.send(call).expect("the engine listens");
        let mode = self.turn();
        (mode, answer.try_recv().expect("answered within the turn"))
    }
}

#[test]
fn on_a_full_disk_entries_pause_again_after_each_resume_and_a_kill_goes_through() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut desk = Desk::in_order(folder.path());
    assert_eq!(desk.turn(), TradingMode::Active);
    desk.view.note_short(true);
    assert_eq!(desk.turn(), TradingMode::Paused);
    let journaled = desk.duty.journal.records();
    assert_eq!(desk.turn(), TradingMode::Paused);
    assert_eq!(desk.duty.journal.records(), journaled, "it is said once");
    for _ in 0..3 {
        let (mode, reply) = desk.say(Verb::Resume);
        assert_eq!((mode, reply.mode.as_str()), (TradingMode::Paused, "PAUSED"));
        assert_eq!(reply.message, words::DISK_IS_FULL);
    }
    // The resumes and the pauses that followed them, and nothing turn after turn.
    assert_eq!(desk.turn(), TradingMode::Paused);
    assert_eq!(desk.duty.journal.records(), journaled + 6);
    desk.view.note_short(false);
    assert_eq!(desk.turn(), TradingMode::Paused, "a person brings entries back");
    assert_eq!(desk.say(Verb::Resume).0, TradingMode::Active);
    desk.view.note_short(true);
    let (mode, reply) = desk.say(Verb::Kill);
    assert_eq!((mode, reply.accepted), (TradingMode::Killed, true));
    let replayed = replayed(folder.path());
    assert_eq!(replayed, desk.duty.driver.engine().state_hash());
}

#[test]
fn where_time_stands_still_each_resume_on_a_full_disk_is_followed_by_a_pause_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut desk = Desk::in_order(folder.path());
    desk.seconds_a_turn = 0;
    assert_eq!(desk.turn(), TradingMode::Active);
    desk.view.note_short(true);
    for _ in 0..100 {
        assert_eq!(desk.say(Verb::Resume).0, TradingMode::Paused);
    }
}

#[test]
fn a_start_on_a_full_disk_is_paused_before_the_first_price_whenever_the_books_agree() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut desk = Desk::in_order(folder.path());
    desk.view.note_short(true);
    assert_eq!(desk.turn(), TradingMode::Paused);
}

/// The state's hash as a replay of the journal has it.
fn replayed(folder: &Path) -> u64 {
    let paths = crate::run_dir::segment_paths(&folder.join("journal")).expect("segments");
    let maps: Vec<_> = paths.iter().map(|path| map_read(path).expect("a file")).collect();
    let slices: Vec<&[u8]> = maps
        .iter()
        .map(|map| &map[..])
        .filter(|bytes| !is_blank(bytes))
        .collect();
    let past = replay_segments(&slices, None, SpikeStrategy::new()).expect("a sound journal");
    past.engine.state_hash()
}
