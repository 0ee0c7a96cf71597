//! The day as the pipeline sees it: player, frames, session, decoder, normaliser, engine; no socket and no thread.

use std::path::Path;

use bijli_core::command::{Command, Commands};
use bijli_core::config::Config;
use bijli_core::event::{
    DataKind, Event, FeedChanged, FeedState, IntentResolved, ProcessStarted, Reconciled, SessionOpened,
    Submission, Tick, TickFlags, VenueKind,
};
use bijli_core::order::Purpose;
use bijli_core::session::{Market, SessionTimes};
use bijli_core::text::Text;
use bijli_core::{DurationNs, Engine, Instrument, InstrumentId, IstDay, Price, SectorId, TsNs};
use bijli_feed::feed_note::{SessionEvent, Transmit};
use bijli_feed::liveness::MarketHours;
use bijli_feed::upstox::message::Decoder;
use bijli_feed::{KeyIndex, Mode, Normaliser, Session, SessionSettings};
use bijli_simulator::day::full_d5::RECEIVER_LAG;
use bijli_simulator::day::{self, DayInfo, DayTick};
use bijli_simulator::feed_frame::{self, FeedMode, FrameKind};
use bijli_simulator::market_state::MarketState;
use bijli_simulator::settings::DaySpec;
use bijli_strategy::SpikeStrategy;

const TIMER: DurationNs = DurationNs::from_millis(250);

/// Whose clock stamps the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The recorder's, put right by what it was behind.
    Exchange,
    /// The recorder's as it ran.
    Recorder,
}

impl Clock {
    /// What is added to the recorder's stamps.
    pub(crate) fn lag(self) -> DurationNs {
        match self {
            Self::Exchange => RECEIVER_LAG,
            Self::Recorder => DurationNs::ZERO,
        }
    }
}

/// Doubts about trades by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doubts {
    pub(crate) time_back: u64,
    pub(crate) volume_back: u64,
    pub(crate) time_wrong: u64,
}

/// What came of the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) ticks: u64,
    pub(crate) doubts: Doubts,
    pub(crate) engine_anomalies: u64,
    pub(crate) after_close: u64,
    /// Times that the feed was live and then was not, in hours.
    pub(crate) silent_spells: u64,
    pub(crate) entries: u64,
    pub(crate) entries_on_doubt: u64,
    pub(crate) entries_while_not_live: u64,
    pub(crate) entries_after_stop: u64,
}

fn the_day() -> IstDay {
    IstDay::from_ymd(2025, 12, 15).expect("a date")
}

fn hours() -> SessionTimes {
    SessionTimes::of(the_day(), Market::Cash).expect("a trading day")
}

/// The close of the day.
pub(crate) fn closes_at() -> TsNs {
    hours().close
}

struct Pipeline {
    session: Session,
    decoder: Decoder,
    keys: KeyIndex,
    normaliser: Normaliser,
    engine: Engine<SpikeStrategy>,
    commands: Commands,
    timer_at: TsNs,
    /// Whether the feed has been live since the last silence.
    was_live: bool,
    is_connected: bool,
    outcome: Outcome,
}

/// Plays the whole day.
pub(crate) fn run(folder: &Path, clock: Clock) -> Outcome {
    let mut source = day::open(&DaySpec::Path(folder.to_owned()), 1).expect("the day opens");
    let info = source.info().clone();
    let (mut pipeline, mut tick, mut frame) = (Pipeline::new(&info), DayTick::default(), Vec::new());
    let behind = RECEIVER_LAG.minus(clock.lag());
    while source.next_tick(&mut tick).expect("a sound day") {
        let now = TsNs::new(tick.ts.get() - behind.get());
        let row = &info.instruments[tick.instrument as usize];
        frame.clear();
        feed_frame::begin(&mut frame, FrameKind::Live);
        feed_frame::push(&mut frame, &row.key, row.kind, &tick, FeedMode::Full);
        feed_frame::finish(&mut frame, now);
        pipeline.pass_time(now);
        pipeline.take_frame(now, &frame);
    }
    pipeline.outcome.engine_anomalies = pipeline.engine.state().counts().anomalies;
    pipeline.outcome
}

fn table(info: &DayInfo) -> Vec<Instrument> {
    let rows = info.instruments.iter().zip(0..).map(|(row, id)| Instrument {
        id: InstrumentId::new(id),
        kind: row.kind,
        underlying: InstrumentId::new(id),
        tick: row.tick,
        lot: row.lot,
        freeze: row.freeze,
        prev_close: Price::NONE,
        expiry: row.expiry.unwrap_or_default(),
        strike: row.strike,
        lower_band: Price::NONE,
        upper_band: Price::NONE,
        sector: SectorId::OTHER,
        key: Text::new(&row.key).expect("it fits"),
        symbol: Text::new(&row.symbol).expect("it fits"),
    });
    rows.collect()
}

impl Pipeline {
    fn new(info: &DayInfo) -> Self {
        let instruments = table(info);
        let session = Session::new(&SessionSettings {
            keys: info.instruments.iter().map(|row| row.key.clone()).collect(),
            mode: Mode::Full,
            batch: 100,
            mute_after: DurationNs::from_secs(3),
            jitter_seed: 1,
            hours: MarketHours {
                opens_at: hours().open,
                closes_at: closes_at(),
            },
        });
        let mut pipeline = Self {
            session: session.expect("good keys"),
            decoder: Decoder::new(),
            keys: KeyIndex::new(&instruments),
            normaliser: Normaliser::new(&instruments, the_day()),
            engine: Engine::new(SpikeStrategy::new()),
            commands: Commands::default(),
            timer_at: TsNs::NEVER,
            was_live: false,
            is_connected: false,
            outcome: Outcome::default(),
        };
        let ts = hours().open;
        let mut config = Config::default();
        // A low bar, so that there are entries enough to look at; capital enough for a lot of each option.
        config.strategy.score_min_ppm = 150_000;
        config.risk.capital = bijli_core::Money::from_rupees(10_000_000);
        config.risk.cooldown = DurationNs::from_secs(5);
        let times = |market| SessionTimes::of(the_day(), market).expect("a trading day");
        pipeline.apply(&Event::SessionOpened(SessionOpened {
            ts,
            day: the_day(),
            data: DataKind::Real,
            venue: VenueKind::Simulated,
            cash: times(Market::Cash),
            derivatives: times(Market::Derivatives),
        }));
        pipeline.apply(&Event::Configured(config));
        for instrument in instruments {
            pipeline.apply(&Event::InstrumentListed(instrument));
        }
        pipeline.apply(&Event::ProcessStarted(ProcessStarted { ts, epoch: 1 }));
        pipeline.apply(&Event::Reconciled(Reconciled {
            ts,
            broker_orders: 0,
            foreign_orders: 0,
        }));
        pipeline
    }

    /// Wakes the session and the engine's timer whenever they want to be woken before `end`.
    fn pass_time(&mut self, end: TsNs) {
        if !self.timer_at.is_set() {
            self.timer_at = end;
        }
        loop {
            let due = self
                .session
                .poll_timeout(self.timer_at)
                .unwrap_or(end)
                .max(TsNs::new(1));
            let now = due.min(self.timer_at).min(end);
            if now >= end {
                break;
            }
            if now >= self.timer_at {
                self.timer_at = now.plus(TIMER);
                self.apply(&Event::TimePassed(now));
            }
            self.session.handle_timeout(now);
            self.drain(now);
        }
        self.session.handle_timeout(end);
        self.drain(end);
    }

    /// Does what the session asks, as a broker that is always there would answer.
    fn drain(&mut self, now: TsNs) {
        loop {
            if let Some(event) = self.session.poll_event() {
                if let SessionEvent::State(state) = event {
                    self.take_state(now, state);
                }
            } else if let Some(transmit) = self.session.poll_transmit() {
                match transmit {
                    Transmit::Connect(_) => {
                        self.is_connected = true;
                        self.session.handle_connected(now);
                        let mut told = Vec::new();
                        feed_frame::market_info(&mut told, now, &MarketState::at(the_day(), now));
                        self.session.handle_frame(now, &told);
                    }
                    Transmit::Close => self.is_connected = false,
                    Transmit::Binary(_) => {}
                }
            } else {
                return;
            }
        }
    }

    fn take_state(&mut self, now: TsNs, state: FeedState) {
        match state {
            FeedState::Live => self.was_live = true,
            FeedState::Mute if self.was_live => {
                self.was_live = false;
                self.outcome.silent_spells += 1;
            }
            FeedState::Mute | FeedState::Down | FeedState::Closed => {}
        }
        self.apply(&Event::FeedChanged(FeedChanged { ts: now, state }));
    }

    fn take_frame(&mut self, now: TsNs, frame: &[u8]) {
        // The recorder was connected again when it had this frame, however long our client would still have waited.
        if !self.is_connected
            && let Some(due) = self.session.poll_timeout(now)
        {
            self.session.handle_timeout(due.max(now));
            self.drain(now);
        }
        let mut ticks = Vec::new();
        let normaliser = &mut self.normaliser;
        self.decoder
            .decode(frame, &self.keys, &mut |id, feed| {
                ticks.push(normaliser.tick(id, feed, now, false))
            })
            .expect("the player writes sound frames");
        // As at the socket: the frame is handed out before the session's state follows from it.
        for tick in ticks {
            self.take_tick(&tick);
        }
        self.session.handle_frame(now, frame);
        self.drain(now);
    }

    fn take_tick(&mut self, tick: &Tick) {
        let doubt = |flag| u64::from(tick.flags.has(flag));
        self.outcome.ticks += 1;
        self.outcome.doubts.time_back += doubt(TickFlags::TIME_BACK);
        self.outcome.doubts.volume_back += doubt(TickFlags::VOLUME_BACK);
        self.outcome.doubts.time_wrong += doubt(TickFlags::TIME_WRONG);
        self.outcome.after_close += u64::from(tick.ts >= closes_at());
        self.apply(&Event::Ticked(*tick));
    }

    /// One event, and a judgement of every entry that it causes. Each placement ends unsent, so that the next one is
    /// judged by the market alone.
    fn apply(&mut self, event: &Event) {
        self.engine.apply(event, &mut self.commands);
        let places: Vec<_> = self
            .commands
            .iter()
            .filter_map(|command| match command {
                Command::Place(place) if place.purpose == Purpose::Entry => Some(*place),
                _ => None,
            })
            .collect();
        for place in places {
            self.outcome.entries += 1;
            let on_sound = matches!(event, Event::Ticked(tick) if tick.flags.is_sound() && tick.instrument == place.instrument);
            self.outcome.entries_on_doubt += u64::from(!on_sound);
            self.outcome.entries_while_not_live += u64::from(self.session.state() != FeedState::Live);
            self.outcome.entries_after_stop += u64::from(place.ts >= hours().entries_stop);
            let resolved = Event::IntentResolved(IntentResolved {
                ts: place.ts,
                intent: place.intent,
                submission: Submission::NotSent,
                order_id: Text::EMPTY,
                code: Text::EMPTY,
            });
            self.engine.apply(&resolved, &mut self.commands);
        }
    }
}
