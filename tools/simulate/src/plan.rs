//! What one seed decides before its day begins: hours, limits, temper of the strategy, and which faults at what rate.
//!
//! Swarm sampling: a day has each class of fault or has it not, so that rare combinations come up and no fault hides
//! another for ever. Every choice draws from a stream of its own purpose, so that taking a fault away (as shrinking
//! does) leaves the rest of the day as it was.

use bijli_core::config::{Config, RiskConfig, StrategyConfig};
use bijli_core::event::VenueKind;
use bijli_core::order_config::ProtectiveStop;
use bijli_core::session::SessionTimes;
use bijli_core::{DurationNs, IstDay, Money, TsNs};
use bijli_simulator::broker::faults::{Fault, Faults};
use bijli_simulator::random::Random;

use crate::rows::{ROWS, RowId, WorldFault};

/// Which strategy trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    /// Deterministic chaos: wishes of every kind, sound and unsound.
    Chaos,
    /// The same without end: as many wishes as fit.
    Runaway,
    /// Pairs: something is bought, and only then what it covers sold.
    Pairs,
    /// The real spike strategy.
    Spike,
}

/// What a seed decides.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Chance of each row, parts per million of its own occasion; zero = not on this day.
    pub ppm: [u32; ROWS],
    /// Engine steps after which the day is cut off; `None` = live it to its end.
    pub until: Option<u64>,
    /// Micro-step of its journal at which the first process dies, two a record; `None` = only by the rows' chance.
    pub kill_at: Option<u64>,
    /// Hours of both markets.
    pub hours: SessionTimes,
    /// Faults happen before this instant and not after it.
    pub calm: TsNs,
    /// When the last look is taken.
    pub end: TsNs,
    /// Limits and parameters.
    pub config: Config,
    /// Where orders are said to go; live money begins disarmed.
    pub venue: VenueKind,
    /// Which strategy trades.
    pub temper: Temper,
    /// Whether an entry waits until its record is on the disk.
    pub awaits_disk: bool,
    /// Whether market data comes as the broker's frames, through the real machines of the feed.
    pub by_frames: bool,
    /// Invariants that are not asked, because they are known not to hold: for looking further.
    pub unasked: Vec<String>,
    /// Usual time of a request or frame on the way, each way.
    pub latency: DurationNs,
    /// Time from the broker to the exchange.
    pub exchange_delay: DurationNs,
    /// Pause between two ticks of an instrument, on average.
    pub tick_pause: DurationNs,
}

/// The chance of a fault on a day that has much of it.
const STRONG_PPM: u32 = 250_000;
/// The same on a day that has more of it than of what should be.
const OFTEN_PPM: u32 = 600_000;
const DAY: (i32, u32, u32) = (2026, 7, 31);

/// The trading day of every world: its real hours end at 15:30 in both markets, as the compressed ones do.
#[must_use]
pub fn day() -> IstDay {
    IstDay::from_ymd(DAY.0, DAY.1, DAY.2).expect("a date of the calendar")
}

const fn secs(random: &mut Random, low: i64, high: i64) -> DurationNs {
    DurationNs::from_millis(random.between(low * 1_000, high * 1_000))
}

impl Plan {
    /// The plan of a seed with everything that the swarm gives it.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut shape = Random::new(seed, 0x5a01);
        let (hours, calm) = hours_of(&mut shape);
        let temper = match shape.between(0, 15) {
            0 => Temper::Spike,
            1..=3 => Temper::Pairs,
            _ => Temper::Chaos,
        };
        let venue = if shape.between(0, 2) == 0 {
            VenueKind::Live
        } else {
            VenueKind::Simulated
        };
        let mut plan = Self {
            seed,
            ppm: swarm(seed),
            until: None,
            kill_at: None,
            hours,
            calm,
            end: hours.close.plus(DurationNs::from_secs(40)),
            config: config_of(&mut shape),
            venue,
            temper,
            awaits_disk: Random::new(seed, 0x5a06).between(0, 2) == 0,
            by_frames: Random::new(seed, 0x5a05).between(0, 1) == 0,
            unasked: Vec::new(),
            latency: DurationNs::from_millis(shape.between(2, 60)),
            exchange_delay: DurationNs::from_millis(shape.between(0, 3) * shape.between(0, 60)),
            tick_pause: DurationNs::from_millis(shape.between(300, 900)),
        };
        let mut resting = Random::new(seed, 0x5a04);
        let strikes_stops = [Fault::StopReject, Fault::ModifyLimit, Fault::ChangedByHand]
            .into_iter()
            .any(|fault| plan.has(fault));
        if resting.between(0, 2) == 0 || strikes_stops {
            plan.config.orders.protective_stop = ProtectiveStop::Broker;
            // So near that the market of a short day reaches the broker's trigger now and then.
            plan.config.orders.protective_gap_bps = resting.between(0, 30);
        }
        if plan.has_contradictions() {
            plan.begin_earlier(CONTRADICTION_STANDS);
        }
        // A disk that nobody waits for cannot fail anybody.
        plan.awaits_disk |= plan.ppm_of(WorldFault::DiskFailed) > 0;
        if temper == Temper::Chaos && plan.ppm_of(WorldFault::Runaway) > 0 {
            plan.temper = Temper::Runaway;
        }
        plan
    }

    /// The same day under fire, and so much longer without.
    fn begin_earlier(&mut self, by: DurationNs) {
        let back = DurationNs::new(-by.get());
        self.calm = self.calm.plus(back);
        self.hours.open = self.hours.open.plus(back);
        self.hours.entries_stop = self.hours.entries_stop.plus(back);
    }

    /// The same day with no faults but these.
    #[must_use]
    pub fn only(mut self, rows: &[RowId]) -> Self {
        for row in RowId::all().filter(|row| !rows.contains(row)) {
            self.ppm[row.index()] = 0;
        }
        if self.temper == Temper::Runaway && self.ppm_of(WorldFault::Runaway) == 0 {
            self.temper = Temper::Chaos;
        }
        self
    }

    /// The same day with this fault too, on a strong day's chance at least.
    #[must_use]
    pub fn with(mut self, row: RowId) -> Self {
        let had_contradictions = self.has_contradictions();
        let chance = &mut self.ppm[row.index()];
        *chance = (*chance).max(STRONG_PPM);
        if self.has_contradictions() && !had_contradictions {
            self.begin_earlier(CONTRADICTION_STANDS);
        }
        self
    }

    /// Whether the broker's reads may contradict one another for good: fills that stand and were taken back, or never
    /// were. Then it takes [`CONTRADICTION_STANDS`] until they are believed.
    #[must_use]
    pub fn has_contradictions(&self) -> bool {
        [Fault::TradeBust, Fault::Phantom]
            .into_iter()
            .any(|fault| self.has(fault))
    }

    /// The rows that this day has.
    pub fn rows(&self) -> impl Iterator<Item = RowId> + '_ {
        RowId::all().filter(|row| self.ppm[row.index()] > 0)
    }

    /// Whether the broker has this fault today.
    const fn has(&self, fault: Fault) -> bool {
        self.ppm[RowId::of_broker(fault).index()] > 0
    }

    /// The chance of a fault of the world.
    #[must_use]
    pub const fn ppm_of(&self, fault: WorldFault) -> u32 {
        self.ppm[RowId::of_world(fault).index()]
    }

    /// The chances of the broker's faults.
    #[must_use]
    pub fn broker_faults(&self) -> Faults {
        let none = Faults::NONE.every(MINUTE);
        RowId::all().fold(none, |faults, row| match row.broker() {
            Some(fault) => {
                let (least, most) = faults.span(fault);
                let chance = self.ppm[row.index()] / rarity(fault);
                faults
                    .with(fault, chance)
                    .lasting(fault, least.min(LASTS_MAX), most.min(LASTS_MAX))
            }
            None => faults,
        })
    }

    /// When the day begins for the first process.
    #[must_use]
    pub fn start(&self) -> TsNs {
        self.hours.open.plus(DurationNs::from_secs(-5))
    }
}

/// How long a fault of the broker goes on once it began: a compressed day has no time for many minutes.
pub const LASTS_MAX: DurationNs = DurationNs::from_secs(20);

/// A trade that was taken back, or never was, is believed once the reads have shown it for a minute; then what it
/// leaves is left.
pub const CONTRADICTION_STANDS: DurationNs = DurationNs::from_secs(110);

/// How often the broker draws what it draws each minute of a day: a fire here is over in one.
const MINUTE: DurationNs = DurationNs::from_secs(12);

/// What ends everything else for a while must not come with every draw of a short minute.
const fn rarity(fault: Fault) -> u32 {
    match fault {
        Fault::TokenExpires
        | Fault::TokenRevoked
        | Fault::MarketHalt
        | Fault::MarginRaised
        | Fault::TradeBust => 4,
        Fault::ExternalOrder => 3,
        _ => 1,
    }
}

/// A day of two to four minutes, of which the first part is under fire.
fn hours_of(shape: &mut Random) -> (SessionTimes, TsNs) {
    let close = day().at(DurationNs::from_hm(15, 30));
    let fire = secs(shape, 40, 90);
    // Long enough for the rule of absence, which takes a minute and five reads.
    let calm_part = secs(shape, 85, 110);
    let open = close.plus(DurationNs::new(-(fire.get() + calm_part.get())));
    let calm = open.plus(fire);
    let hours = SessionTimes {
        open,
        entries_stop: calm.plus(secs(shape, -20, 20)),
        squareoff_begin: close.plus(secs(shape, -40, -25)),
        squareoff_forced: close.plus(secs(shape, -22, -15)),
        close,
    };
    (hours, calm)
}

fn config_of(shape: &mut Random) -> Config {
    let capital = Money::from_rupees([100_000, 300_000, 1_000_000][shape.between(0, 2) as usize]);
    Config {
        risk: RiskConfig {
            capital,
            positions_max: shape.between(1, 5) as u32,
            daily_loss_bps: [20, 100, 300, 2_000][shape.between(0, 3) as usize],
            collar_bps: shape.between(100, 400),
            quote_age_max: secs(shape, 1, 4),
            cooldown: secs(shape, 1, 15),
            entries_per_day_max: shape.between(6, 40) as u32,
            ..RiskConfig::default()
        },
        strategy: StrategyConfig {
            // The chaos strategy reads its eagerness here: everything that it knows comes by events.
            score_min_ppm: shape.between(20_000, 200_000) as u32,
            // On some days an entry rests so long that nothing but a person's word takes it back.
            entry_timeout: [secs(shape, 1, 6), DurationNs::from_secs(30)]
                [usize::from(shape.between(0, 3) == 0)],
            exit_reprice: secs(shape, 1, 3),
            exit_slack_bps: shape.between(5, 60),
            stop_bps: shape.between(20, 300),
            target_bps: shape.between(20, 300),
            trail_bps: shape.between(20, 200),
            ..StrategyConfig::default()
        },
        ..Config::default()
    }
}

/// Which faults a day has: none at all in one of sixteen, else each with an even chance that is drawn first.
fn swarm(seed: u64) -> [u32; ROWS] {
    let mut ppm = [0; ROWS];
    let mut crowd = Random::new(seed, 0x5a02);
    if crowd.between(0, 15) == 0 {
        return ppm;
    }
    let share = [80_000, 200_000, 400_000][crowd.between(0, 2) as usize];
    for row in RowId::all() {
        let purpose = row
            .id()
            .bytes()
            .fold(0x5a_u64, |sum, byte| sum << 8 | u64::from(byte));
        let mut own = Random::new(seed, purpose);
        if own.happens(share) && row.can_fire() {
            let strength = [20_000, 80_000, STRONG_PPM, OFTEN_PPM][own.between(0, 3) as usize];
            // Orders are changed a few times a day: a hand that comes seldom beside a change never comes.
            let is_seldom = row == RowId::of_broker(Fault::ChangedByHand);
            ppm[row.index()] = if is_seldom { OFTEN_PPM } else { strength };
        }
    }
    ppm
}
