//! Two feeds of one market, one stream of ticks: which source is listened to, and which of its ticks may pass.
//!
//! One source is in charge; the other is heard, counted and kept ready. Invariants: of the sound ticks that pass,
//! neither trade time nor volume of an instrument ever steps back, whichever source they came from; a doubtful tick
//! of the source in charge passes with its doubt and leaves no mark; the backup takes over when the primary is down,
//! silent or behind while the backup is not; the primary gets back only after it was well for a while. `now` is the
//! clock that the ticks are stamped with. Left out: connections and their states (`session`), what to do about a
//! feed of which both sources are silent (the engine's). Facts: fault catalogue rows D1, D7, D8, D18.

use bijli_core::event::{FeedState, Tick};
use bijli_core::quantity::Qty;
use bijli_core::time::{DurationNs, TsNs};

/// Which feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The one that is listened to while it is well.
    Primary = 0,
    /// The one that steps in.
    Backup = 1,
}

impl Source {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Primary => Self::Backup,
            Self::Backup => Self::Primary,
        }
    }
}

/// When to change over, and when back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArbiterSettings {
    /// Silence from which a source counts as mute; positive.
    pub mute_after: DurationNs,
    /// How far its newest trade may be behind the other's.
    pub lag_max: DurationNs,
    /// For how long it must have been that far behind.
    pub lag_for: DurationNs,
    /// For how long the primary must have been well before it is listened to again.
    pub well_for: DurationNs,
}

impl Default for ArbiterSettings {
    fn default() -> Self {
        Self {
            mute_after: DurationNs::from_secs(3),
            lag_max: DurationNs::from_secs(2),
            lag_for: DurationNs::from_secs(2),
            well_for: DurationNs::from_secs(10),
        }
    }
}

/// What became of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passes, as given or with the volume that was known already.
    Pass(Tick),
    /// It came from the source that is not listened to.
    Standby,
    /// It is older than what has passed already.
    Behind,
}

/// Counts of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Ticks offered.
    pub offered: u64,
    /// Ticks that passed.
    pub passed: u64,
    /// Ticks that were the first to tell of a trade.
    pub first: u64,
    /// Ticks that were older than what had passed.
    pub behind: u64,
    /// Ticks whose volume stood below what was known, and was raised to it.
    pub volume_held: u64,
    /// Times that it was put in charge.
    pub taken_over: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    ts_event: TsNs,
    volume: Qty,
}

impl Mark {
    fn of(tick: &Tick) -> Self {
        Self {
            ts_event: tick.ts_event,
            volume: tick.volume,
        }
    }

    fn is_newer_than(&self, other: &Self) -> bool {
        (self.ts_event, self.volume) > (other.ts_event, other.volume)
    }
}

#[derive(Clone, Copy, Debug)]
struct Health {
    state: FeedState,
    heard: TsNs,
    /// Its newest trade of any instrument.
    newest: TsNs,
    /// Since when it is too far behind the other; never while it is not.
    lagging_since: TsNs,
    /// Since when nothing was wrong with it; never while something is.
    well_since: TsNs,
    counts: SourceCounts,
}

/// The arbiter.
#[derive(Clone, Debug)]
pub struct Arbiter {
    settings: ArbiterSettings,
    in_charge: Source,
    sources: [Health; 2],
    /// What has passed, by instrument.
    passed: Vec<Mark>,
    /// What any source has told, by instrument.
    told: Vec<Mark>,
}

impl Arbiter {
    /// An arbiter over so many instruments; the primary is in charge.
    ///
    /// # Panics
    /// When silence of no length would be mute.
    #[must_use]
    pub fn new(settings: ArbiterSettings, instruments: usize) -> Self {
        assert!(settings.mute_after.get() > 0, "silence takes time");
        let health = Health {
            state: FeedState::Down,
            heard: TsNs::NEVER,
            newest: TsNs::NEVER,
            lagging_since: TsNs::NEVER,
            well_since: TsNs::NEVER,
            counts: SourceCounts::default(),
        };
        Self {
            settings,
            in_charge: Source::Primary,
            sources: [health; 2],
            passed: vec![Mark::default(); instruments],
            told: vec![Mark::default(); instruments],
        }
    }

    /// A tick arrived at `now`, the clock of both sources.
    ///
    /// # Panics
    /// When its instrument is not of the table.
    pub fn offer(&mut self, source: Source, now: TsNs, tick: &Tick) -> Verdict {
        let (sound, mark) = (tick.flags.is_sound(), Mark::of(tick));
        let health = &mut self.sources[source as usize];
        health.counts.offered += 1;
        health.heard = now;
        if sound {
            health.newest = health.newest.max(tick.ts_event);
            let told = &mut self.told[tick.instrument.index()];
            if mark.is_newer_than(told) {
                *told = mark;
                health.counts.first += 1;
            }
        }
        self.judge(now);
        if source != self.in_charge {
            return Verdict::Standby;
        }
        let counts = &mut self.sources[source as usize].counts;
        let passed = &mut self.passed[tick.instrument.index()];
        if !sound {
            counts.passed += 1;
            return Verdict::Pass(*tick);
        }
        let older = mark.ts_event < passed.ts_event;
        let same_trade_less_volume = mark.ts_event == passed.ts_event && mark.volume < passed.volume;
        if older || same_trade_less_volume {
            counts.behind += 1;
            return Verdict::Behind;
        }
        let mut tick = *tick;
        if tick.volume < passed.volume {
            counts.volume_held += 1;
            tick.volume = passed.volume;
        }
        *passed = Mark::of(&tick);
        counts.passed += 1;
        Verdict::Pass(tick)
    }

    /// The connection of a source changed its state.
    pub fn handle_state(&mut self, source: Source, now: TsNs, state: FeedState) {
        let health = &mut self.sources[source as usize];
        health.state = state;
        if state == FeedState::Live {
            // A session is live because it has heard something; its ticks follow.
            health.heard = now;
        }
        self.judge(now);
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: TsNs) {
        self.judge(now);
    }

    /// The source that is listened to.
    #[must_use]
    pub const fn in_charge(&self) -> Source {
        self.in_charge
    }

    /// The state of the feed as a whole: that of the source in charge.
    #[must_use]
    pub const fn state(&self) -> FeedState {
        self.sources[self.in_charge as usize].state
    }

    /// Counts of a source.
    #[must_use]
    pub const fn counts(&self, source: Source) -> SourceCounts {
        self.sources[source as usize].counts
    }

    fn judge(&mut self, now: TsNs) {
        for source in [Source::Primary, Source::Backup] {
            self.watch(source, now);
        }
        let (active, standby) = (self.in_charge, self.in_charge.other());
        let ready = self.sources[standby as usize].well_since;
        let change = match active {
            // A backup that is well at this moment is better than a primary that is not.
            Source::Primary => !self.sources[active as usize].well_since.is_set() && ready.is_set(),
            Source::Backup => {
                let proven = ready.is_set() && now.since(ready) >= self.settings.well_for;
                let needed = !self.sources[active as usize].well_since.is_set() && ready.is_set();
                proven || needed
            }
        };
        if change {
            self.in_charge = standby;
            self.sources[standby as usize].counts.taken_over += 1;
        }
    }

    /// Notes whether a source is well: connected, heard of lately, and not far behind for long.
    fn watch(&mut self, source: Source, now: TsNs) {
        let newest_of_other = self.sources[source.other() as usize].newest;
        let settings = self.settings;
        let health = &mut self.sources[source as usize];
        let behind = newest_of_other.is_set() && newest_of_other.since(health.newest) > settings.lag_max;
        if !behind {
            health.lagging_since = TsNs::NEVER;
        } else if !health.lagging_since.is_set() {
            health.lagging_since = now;
        }
        let lags = health.lagging_since.is_set() && now.since(health.lagging_since) >= settings.lag_for;
        let silent = !health.heard.is_set() || now.since(health.heard) >= settings.mute_after;
        let is_well = health.state == FeedState::Live && !silent && !lags;
        if !is_well {
            health.well_since = TsNs::NEVER;
        } else if !health.well_since.is_set() {
            health.well_since = now;
        }
    }
}
