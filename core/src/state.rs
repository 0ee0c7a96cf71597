//! Everything the engine knows, in one struct with one hash.
//!
//! The state changes only inside [`crate::engine::Engine::apply`]. What is derived (mode, exposure, result of
//! the day) is computed from what is stored, never kept beside it.

use crate::config::Config;
use crate::denial::{DENIALS, Denial};
use crate::event::{FeedState, SessionOpened};
use crate::exit_plan::ExitPlans;
use crate::group::GroupBook;
use crate::held::HeldBook;
use crate::instrument::{Instrument, InstrumentId};
use crate::limits::POSITIONS_MAX;
use crate::order::{OrderState, Purpose};
use crate::orders::{Order, OrderBook};
use crate::page::Pages;
use crate::planted::{Bug, planted};
use crate::position::Position;
use crate::price::Money;
use crate::protections::Protections;
use crate::quote::Quote;
use crate::risk::TradingMode;
use crate::session::SessionTimes;
use crate::state_hash::StateHasher;
use crate::strategy::{Signal, View};
use crate::supervision::Supervision;
use crate::time::TsNs;

/// A signal and what the risk gate said to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedSignal {
    /// The signal.
    pub signal: Signal,
    /// `None` when it passed.
    pub denial: Option<Denial>,
}

/// How many judged signals are remembered for screens.
pub const SIGNALS_REMEMBERED: usize = 16;

/// Counters of one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events applied.
    pub events: u64,
    /// Ticks applied.
    pub ticks: u64,
    /// Doubtful ticks among them.
    pub anomalies: u64,
    /// Signals that the strategy raised.
    pub signals: u64,
    /// Entry orders placed.
    pub entries: u64,
    /// Exit orders placed.
    pub exits: u64,
    /// Trade rows applied.
    pub fills: u64,
    /// Order updates that came too late or out of order, ignored.
    pub stale_updates: u64,
    /// Trades that came for orders which had ended without them; booked, and told to a person.
    pub late_fills: u64,
    /// Evidence that contradicts itself; each stops entries.
    pub contradictions: u64,
    /// Operator commands applied.
    pub controls: u64,
}

/// Everything the engine knows.
#[derive(Debug)]
pub struct State {
    pub(crate) now: TsNs,
    pub(crate) session: Option<SessionOpened>,
    pub(crate) config: Config,
    pub(crate) epoch: u32,
    pub(crate) next_sequence: u32,
    /// Engine time at which the process at work took over.
    pub(crate) process_started: TsNs,
    pub(crate) reconciled: bool,
    /// Real money waits for a person's word.
    pub(crate) disarmed: bool,
    pub(crate) paused: bool,
    pub(crate) flattening: bool,
    pub(crate) position_break: bool,
    pub(crate) halted: bool,
    pub(crate) killed: bool,
    pub(crate) day_loss_latched: bool,
    pub(crate) supervision: Supervision,
    pub(crate) feed: FeedState,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) quotes: Vec<Quote>,
    pub(crate) positions: Vec<Position>,
    /// Instruments that take no entries: after a foreign order, or because a person said so.
    pub(crate) frozen: Vec<bool>,
    /// Engine time of the last entry, by instrument and side.
    pub(crate) last_entries: Vec<[TsNs; 2]>,
    /// Instruments with an open position, in the order of opening.
    pub(crate) open: Vec<InstrumentId>,
    /// What is known of each of them.
    pub(crate) held: HeldBook,
    pub(crate) groups: GroupBook,
    pub(crate) orders: OrderBook,
    pub(crate) exit_plans: ExitPlans,
    pub(crate) pages: Pages,
    pub(crate) realised: Money,
    pub(crate) charges: Money,
    pub(crate) protections: Protections,
    pub(crate) counts: Counts,
    pub(crate) denials: [u64; DENIALS.len()],
    pub(crate) signals: [Option<JudgedSignal>; SIGNALS_REMEMBERED],
}

impl Default for State {
    fn default() -> Self {
        Self {
            now: TsNs::NEVER,
            session: None,
            config: Config::default(),
            epoch: 0,
            next_sequence: 1,
            process_started: TsNs::NEVER,
            reconciled: false,
            disarmed: false,
            paused: false,
            flattening: false,
            position_break: false,
            halted: false,
            killed: false,
            day_loss_latched: false,
            supervision: Supervision::default(),
            feed: FeedState::Down,
            instruments: Vec::new(),
            quotes: Vec::new(),
            positions: Vec::new(),
            frozen: Vec::new(),
            last_entries: Vec::new(),
            open: Vec::with_capacity(POSITIONS_MAX),
            held: HeldBook::default(),
            groups: GroupBook::default(),
            orders: OrderBook::default(),
            exit_plans: ExitPlans::default(),
            pages: Pages::default(),
            realised: Money::ZERO,
            charges: Money::ZERO,
            protections: Protections::default(),
            counts: Counts::default(),
            denials: [0; DENIALS.len()],
            signals: [None; SIGNALS_REMEMBERED],
        }
    }
}

const NO_SESSION: SessionTimes = SessionTimes {
    open: TsNs::NEVER,
    entries_stop: TsNs::NEVER,
    squareoff_begin: TsNs::NEVER,
    squareoff_forced: TsNs::NEVER,
    close: TsNs::NEVER,
};

impl State {
    /// Engine time: the latest stamp seen, never going back.
    #[must_use]
    pub const fn now(&self) -> TsNs {
        self.now
    }

    /// The session, once opened.
    #[must_use]
    pub const fn session(&self) -> Option<&SessionOpened> {
        self.session.as_ref()
    }

    /// The configuration in force.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The process epoch.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// What the feed can be trusted with.
    #[must_use]
    pub const fn feed(&self) -> FeedState {
        self.feed
    }

    /// The day's instruments, indexed by id.
    #[must_use]
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// Last known markets, indexed by id.
    #[must_use]
    pub fn quotes(&self) -> &[Quote] {
        &self.quotes
    }

    /// Positions, indexed by id.
    #[must_use]
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// Instruments with an open position.
    #[must_use]
    pub fn open_positions(&self) -> &[InstrumentId] {
        &self.open
    }

    /// The orders of the day.
    #[must_use]
    pub const fn orders(&self) -> &OrderBook {
        &self.orders
    }

    /// What the risk gate remembers of the day.
    #[must_use]
    pub const fn protections(&self) -> &Protections {
        &self.protections
    }

    /// Counters of the day.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How often each denial was given, in the order of [`DENIALS`].
    #[must_use]
    pub const fn denials(&self) -> &[u64; DENIALS.len()] {
        &self.denials
    }

    /// The judged signal that came `back` signals ago; 0 is the newest.
    #[must_use]
    pub fn signal(&self, back: usize) -> Option<JudgedSignal> {
        let count = self.counts.signals as usize;
        if back >= SIGNALS_REMEMBERED || back >= count {
            return None;
        }
        self.signals[(count - 1 - back) % SIGNALS_REMEMBERED]
    }

    /// Whether the kill switch is latched.
    #[must_use]
    pub const fn is_killed(&self) -> bool {
        self.killed
    }

    /// Whether the daily loss limit is latched.
    #[must_use]
    pub const fn is_day_loss_latched(&self) -> bool {
        self.day_loss_latched
    }

    /// Whether the broker's positions differed from ours.
    #[must_use]
    pub const fn has_position_break(&self) -> bool {
        self.position_break
    }

    /// Who may open risk now.
    #[must_use]
    pub fn mode(&self) -> TradingMode {
        if self.killed {
            TradingMode::Killed
        } else if self.session.is_none() || !(self.reconciled || planted(Bug::EntryBeforeReconciled)) {
            TradingMode::Reconciling
        } else if self.halted {
            TradingMode::Halted
        } else if self.position_break
            || self.day_loss_latched
            || self.disarmed
            || self.supervision.bars_entries()
        {
            TradingMode::ReduceOnly
        } else if (self.paused && !planted(Bug::PauseIgnored)) || self.flattening {
            TradingMode::Paused
        } else {
            TradingMode::Active
        }
    }

    /// Hours that an instrument keeps; all instants "never" before the session is opened.
    #[must_use]
    pub fn hours(&self, instrument: InstrumentId) -> &SessionTimes {
        let derivative = self.instruments[instrument.index()].kind.is_derivative();
        match &self.session {
            Some(session) if derivative => &session.derivatives,
            Some(session) => &session.cash,
            None => &NO_SESSION,
        }
    }

    /// Whether the instrument has a position or an order that may be live.
    pub(crate) fn is_busy(&self, instrument: InstrumentId) -> bool {
        !self.positions[instrument.index()].is_flat()
            || self
                .orders
                .live()
                .any(|(_, order)| order.instrument == instrument && !planted(Bug::SelfMatch))
    }

    /// Positions that are open or being opened; the orders that one entry is cut into open one.
    pub(crate) fn positions_open(&self) -> u32 {
        // A bit for each instrument, modulo the bits: where it is not set, none of the orders before is of the instrument.
        let mut seen = [0u64; 8];
        let mut opening = 0;
        for (place, (_, order)) in self.orders.live().enumerate() {
            if order.purpose != Purpose::Entry || !self.positions[order.instrument.index()].is_flat() {
                continue;
            }
            let (word, bit) = (
                order.instrument.index() / 64 % seen.len(),
                order.instrument.index() % 64,
            );
            let is_alike =
                |earlier: &Order| earlier.instrument == order.instrument && earlier.purpose == Purpose::Entry;
            let mut before = self.orders.live().take(place);
            let is_first = seen[word] >> bit & 1 == 0 || !before.any(|(_, earlier)| is_alike(earlier));
            seen[word] |= 1 << bit;
            opening += usize::from(is_first);
        }
        u32::try_from(self.open.len() + opening).expect("positions and live orders are bounded")
    }

    /// Orders with unknown fate: on the underlying of `instrument`, and anywhere.
    pub(crate) fn unknown_orders(&self, instrument: InstrumentId) -> (u32, u32) {
        let underlying = self.instruments[instrument.index()].underlying;
        let unknown = |state| {
            matches!(state, OrderState::Unknown | OrderState::PresumedAbsent) && !planted(Bug::IgnoreUnknown)
        };
        self.orders.live().filter(|(_, order)| unknown(order.state)).fold(
            (0, 0),
            |(here, total), (_, order)| {
                let same = self.instruments[order.instrument.index()].underlying == underlying;
                (here + u32::from(same), total + 1)
            },
        )
    }

    /// Value of positions and live entries: all of them, and options alone. Saturates.
    #[must_use]
    pub fn exposure(&self) -> (Money, Money) {
        let (mut total, mut options) = (0i64, 0i64);
        let mut add = |instrument: InstrumentId, value: Money| {
            total = total.saturating_add(value.get());
            if self.instruments[instrument.index()].kind.is_option() {
                options = options.saturating_add(value.get());
            }
        };
        for id in &self.open {
            add(*id, self.positions[id.index()].exposure(self.mark(*id)));
        }
        for (_, order) in self
            .orders
            .live()
            .filter(|(_, order)| order.purpose == Purpose::Entry)
        {
            add(
                order.instrument,
                Money::new(
                    order
                        .exposure_price()
                        .get()
                        .saturating_mul(order.open_qty().get()),
                ),
            );
        }
        (Money::new(total), Money::new(options))
    }

    /// The books as a strategy may read them.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        let (cash, derivatives) = match &self.session {
            Some(session) => (&session.cash, &session.derivatives),
            None => (&NO_SESSION, &NO_SESSION),
        };
        let (exposure_total, exposure_options) = self.exposure();
        View {
            now: self.now,
            config: &self.config,
            instruments: &self.instruments,
            quotes: &self.quotes,
            positions: &self.positions,
            held: &self.held,
            groups: &self.groups,
            cash,
            derivatives,
            equity: self.equity(),
            exposure_total,
            exposure_options,
            books: Some(self),
        }
    }

    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.i64(self.now.get());
        hasher.u64(self.session.is_some().into());
        hasher.i64(self.process_started.get());
        hasher.u64(u64::from(self.epoch) << 32 | u64::from(self.next_sequence));
        for flag in [
            self.reconciled,
            self.disarmed,
            self.paused,
            self.flattening,
            self.position_break,
            self.halted,
            self.killed,
            self.day_loss_latched,
        ] {
            hasher.u64(flag.into());
        }
        self.supervision.hash_into(hasher);
        hasher.u64(self.feed as u64);
        self.hash_markets(hasher);
        self.orders.hash_into(hasher);
        self.held.hash_into(hasher);
        self.groups.hash_into(hasher);
        self.exit_plans.hash_into(hasher);
        self.pages.hash_into(hasher);
        self.protections.hash_into(hasher);
        hasher.i64(self.realised.get());
        hasher.i64(self.charges.get());
        hasher.u64(self.counts.events);
        hasher.u64(self.counts.signals);
        hasher.u64(self.counts.entries);
        hasher.u64(self.counts.contradictions);
        for count in self.denials {
            hasher.u64(count);
        }
    }

    fn hash_markets(&self, hasher: &mut StateHasher) {
        hasher.u64(self.instruments.len() as u64);
        for (index, quote) in self.quotes.iter().enumerate() {
            let listed = &self.instruments[index];
            hasher.bytes(listed.key.padded());
            hasher.i64(listed.lower_band.get());
            hasher.i64(listed.upper_band.get());
            for price in [quote.ltp, quote.bid, quote.ask] {
                hasher.i64(price.get());
            }
            for qty in [quote.bid_qty, quote.ask_qty, quote.volume] {
                hasher.i64(qty.get());
            }
            hasher.i64(quote.ltp_ts.get());
            hasher.i64(quote.book_ts.get());
            hasher.i64(i64::from(quote.delta_ppm));
            hasher.i64(quote.delta_ts.get());
            hasher.u64(u64::from(quote.anomaly_count));
            hasher.i64(quote.told.get());
            hasher.i64(quote.told_ts.get());
            let position = &self.positions[index];
            for value in [position.qty.get(), position.cost.get(), position.realised.get()] {
                hasher.i64(value);
            }
            hasher.i64(position.bought.get());
            hasher.i64(position.sold.get());
            hasher.u64(self.frozen[index].into());
            hasher.i64(self.last_entries[index][0].get());
            hasher.i64(self.last_entries[index][1].get());
        }
        hasher.u64(self.open.len() as u64);
        for id in &self.open {
            hasher.u64(u64::from(id.get()));
        }
    }
}
