//! The typed configuration, one struct a section, and what it becomes for the engine.
//!
//! Every struct refuses keys that it does not know and has a default for each one that it does; a test holds
//! these defaults against the table of keys.

use std::path::PathBuf;

use bijli_core::DurationNs;
use bijli_core::config::{Config, StrategyConfig};
use bijli_feed::planner::warm_strikes::WarmWidth;
use serde::Deserialize;

use crate::sector_table::SectorLists;

use super::alert_section::AlertSection;
use super::orders_section::OrdersSection;
use super::risk_section::RiskSection;
use super::{Percent, PositionSection, Score};

/// The whole configuration of `run`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// What is run, for whom, and where its files go.
    pub run: RunSection,
    /// The broker's addresses and the token's file.
    pub broker: BrokerSection,
    /// The market feed.
    pub feed: FeedSection,
    /// Which instruments are watched.
    pub universe: UniverseSection,
    /// Whose clock the engine runs on.
    pub clock: ClockSection,
    /// Threads, cores and how they wait.
    pub threads: ThreadsSection,
    /// Limits of the risk gate.
    pub risk: RiskSection,
    /// Sectors of underlyings that go before the shipped table.
    pub sectors: SectorLists,
    /// Parameters of the strategy.
    pub strategy: StrategySection,
    /// How orders are written.
    pub orders: OrdersSection,
    /// How a position is led.
    pub position: PositionSection,
    /// The journal's files.
    pub journal: JournalSection,
    /// What calls a person.
    pub alert: AlertSection,
}

/// Where orders go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunMode {
    /// Matched in this process against the feed's book; no order leaves.
    #[default]
    Paper,
    /// To the broker: real money, once armed by hand.
    Live,
    /// To the broker simulator on this machine.
    Sim,
}

/// `[run]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunSection {
    /// Where orders go.
    pub mode: RunMode,
    /// Name of the account; one engine runs per account.
    pub account: String,
    /// Folder of journals, captures, snapshots and reports.
    pub run_dir: PathBuf,
}

/// `[broker]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrokerSection {
    /// Base of all REST calls but orders.
    pub api_url: String,
    /// Base of place, modify and cancel.
    pub order_url: String,
    /// Entry of the market feed.
    pub feed_url: String,
    /// Entry of the order stream.
    pub stream_url: String,
    /// File that holds the day's access token, where no service credential does.
    pub token_file: PathBuf,
    /// Where the login dialog sends its code.
    pub redirect_uri: String,
    /// A certificate authority trusted besides the public ones; for the simulator.
    pub extra_root_pem_file: Option<PathBuf>,
    /// Name of the algorithm as registered with the exchange; `None` when there is none.
    pub algo_name: Option<String>,
    /// The public address that this machine's calls come from.
    pub source_ip: Option<String>,
}

/// How much the feed sends per instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedMode {
    /// Last price and close only.
    Ltpc,
    /// Five levels of depth, volume and open interest.
    #[default]
    Full,
    /// Top of book and Greeks.
    OptionGreeks,
    /// Thirty levels of depth.
    FullD30,
}

impl FeedMode {
    /// The broker's word for it, as a subscription carries it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ltpc => "ltpc",
            Self::Full => "full",
            Self::OptionGreeks => "option_greeks",
            Self::FullD30 => "full_d30",
        }
    }
}

/// What the account is subscribed to at the broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedPlan {
    /// Two sockets.
    #[default]
    Normal,
    /// Five sockets, and thirty levels for fifty keys.
    Plus,
}

/// `[feed]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedSection {
    /// How much is sent per instrument.
    pub mode: FeedMode,
    /// What the account is subscribed to.
    pub plan: FeedPlan,
    /// Sockets to spread the keys over; the plan's number at most.
    pub sockets: usize,
    /// Strikes on each side of the money that are listened to; 0 = every option of the universe.
    pub warm_strikes: usize,
    /// Keys in one subscription message.
    pub batch: usize,
    /// Milliseconds without market data after which the feed counts as mute.
    pub mute_after_ms: i64,
    /// Whether the feed thread polls its socket without sleeping.
    pub busy_poll: bool,
    /// Whether raw frames are kept.
    pub capture: bool,
}

/// `[universe]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UniverseSection {
    /// Every stock that has derivatives.
    pub fno_stocks: bool,
    /// The indices that underlie derivatives.
    pub index_underlyings: bool,
    /// Further instruments, by the broker's key.
    pub keys: Vec<String>,
    /// The day's instrument master on disk; goes before `master_url`.
    pub master_file: Option<PathBuf>,
    /// Where the day's instrument master is fetched.
    pub master_url: String,
    /// Folder of the masters that are kept.
    pub master_dir: PathBuf,
}

/// Whose clock the engine runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockSource {
    /// This machine's.
    #[default]
    Wall,
    /// The venue's, as its frames carry it: for simulated days.
    Venue,
}

/// `[clock]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClockSection {
    /// Whose clock.
    pub source: ClockSource,
}

/// How the three duty cycles are laid on threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// By the number of cores.
    #[default]
    Auto,
    /// Feed, engine and gateway on one thread.
    Fused,
    /// Feed and engine on one, gateway on another.
    Split,
    /// One thread each.
    Three,
}

/// What a thread does when it has nothing to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Turns at once: fastest, and takes the whole core.
    Spin,
    /// Turns, and lets others run in between.
    SpinYield,
    /// Sleeps until there is work.
    #[default]
    Park,
}

/// `[threads]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThreadsSection {
    /// How the duty cycles are laid on threads.
    pub shape: Shape,
    /// Core of the feed's thread; not pinned without one.
    pub feed_core: Option<usize>,
    /// Core of the engine's thread; not pinned without one.
    pub engine_core: Option<usize>,
    /// Core of the gateway's thread; not pinned without one.
    pub gateway_core: Option<usize>,
    /// What a thread does when it has nothing to do.
    pub wait: Wait,
}

/// `[strategy]`; percentages are of the price.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StrategySection {
    /// Smallest score that makes a signal.
    pub score_min: Score,
    /// Age at which a signal dies.
    pub signal_life_s: i64,
    /// Distance of the stop.
    pub stop_loss_pct: Percent,
    /// Distance of the first target.
    pub take_profit_pct: Percent,
    /// Trailing distance from the best price.
    pub trail_pct: Percent,
    /// Part booked at the first target, of the position.
    pub partial_pct: Percent,
    /// How far beyond the touch an entry is placed.
    pub entry_slack_pct: Percent,
    /// When an unfilled entry is cancelled.
    pub entry_timeout_ms: i64,
    /// How far beyond the touch an exit is placed.
    pub exit_slack_pct: Percent,
    /// When an unfilled exit is priced anew.
    pub exit_reprice_ms: i64,
}

/// What the journal survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The end of the process, however it comes.
    #[default]
    Process,
    /// Also the end of the machine: no entry leaves before its record is on the disk.
    Disk,
}

/// `[journal]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalSection {
    /// Size of one segment.
    pub segment_mib: u64,
    /// What the journal survives.
    pub durability: Durability,
    /// With `disk`: the folder in memory where the engine writes.
    pub ram_dir: PathBuf,
    /// What must be free on the disk when a day is begun.
    pub reserve_mib: u64,
}

impl Default for RunSection {
    fn default() -> Self {
        Self {
            mode: RunMode::Paper,
            account: "default".to_owned(),
            run_dir: PathBuf::from("runs"),
        }
    }
}

impl Default for BrokerSection {
    fn default() -> Self {
        Self {
            api_url: "https://api.upstox.com".to_owned(),
            order_url: "https://api-hft.upstox.com".to_owned(),
            feed_url: "wss://api.upstox.com/v3/feed/market-data-feed".to_owned(),
            stream_url: "wss://api.upstox.com/v2/feed/portfolio-stream-feed".to_owned(),
            token_file: PathBuf::from("upstox.token"),
            redirect_uri: "http://127.0.0.1:8765/callback".to_owned(),
            extra_root_pem_file: None,
            algo_name: None,
            source_ip: None,
        }
    }
}

impl FeedSection {
    /// The window of strikes around the money; `None` when every option is listened to.
    #[must_use]
    pub fn warm_width(&self) -> Option<WarmWidth> {
        (self.warm_strikes > 0).then(|| WarmWidth {
            strikes_each_side: self.warm_strikes,
            ..WarmWidth::default()
        })
    }
}

impl Default for FeedSection {
    fn default() -> Self {
        Self {
            mode: FeedMode::Full,
            plan: FeedPlan::Normal,
            sockets: 1,
            warm_strikes: 0,
            batch: 100,
            mute_after_ms: 3_000,
            busy_poll: false,
            capture: true,
        }
    }
}

impl Default for UniverseSection {
    fn default() -> Self {
        Self {
            fno_stocks: true,
            index_underlyings: false,
            keys: Vec::new(),
            master_file: None,
            master_url: "https://assets.upstox.com/market-quote/instruments/exchange/complete.json.gz"
                .to_owned(),
            master_dir: PathBuf::from("masters"),
        }
    }
}

impl Default for JournalSection {
    fn default() -> Self {
        Self {
            segment_mib: 64,
            durability: Durability::Process,
            ram_dir: PathBuf::from(crate::durability::RAM_DIR),
            reserve_mib: 2_560,
        }
    }
}

/// The engine's own defaults: one source for both.
impl Default for StrategySection {
    fn default() -> Self {
        let strategy = StrategyConfig::default();
        Self {
            score_min: Score::from_ppm(strategy.score_min_ppm),
            signal_life_s: millis(strategy.signal_life) / 1_000,
            stop_loss_pct: Percent::from_bps(strategy.stop_bps),
            take_profit_pct: Percent::from_bps(strategy.target_bps),
            trail_pct: Percent::from_bps(strategy.trail_bps),
            partial_pct: Percent::from_bps(strategy.partial_bps),
            entry_slack_pct: Percent::from_bps(strategy.entry_slack_bps),
            entry_timeout_ms: millis(strategy.entry_timeout),
            exit_slack_pct: Percent::from_bps(strategy.exit_slack_bps),
            exit_reprice_ms: millis(strategy.exit_reprice),
        }
    }
}

pub(super) const fn millis(length: DurationNs) -> i64 {
    length.get() / DurationNs::from_millis(1).get()
}

impl JournalSection {
    /// Size of one segment in bytes.
    #[must_use]
    pub const fn segment_bytes(&self) -> u64 {
        self.segment_mib * 1024 * 1024
    }
}

impl RunConfig {
    /// What the engine gets to see: integers only.
    #[must_use]
    pub fn engine_config(&self) -> Config {
        let strategy = &self.strategy;
        Config {
            risk: self.risk.engine_config(),
            strategy: StrategyConfig {
                score_min_ppm: strategy.score_min.ppm(),
                signal_life: DurationNs::from_secs(strategy.signal_life_s),
                stop_bps: strategy.stop_loss_pct.bps(),
                target_bps: strategy.take_profit_pct.bps(),
                trail_bps: strategy.trail_pct.bps(),
                partial_bps: strategy.partial_pct.bps(),
                entry_slack_bps: strategy.entry_slack_pct.bps(),
                entry_timeout: DurationNs::from_millis(strategy.entry_timeout_ms),
                exit_slack_bps: strategy.exit_slack_pct.bps(),
                exit_reprice: DurationNs::from_millis(strategy.exit_reprice_ms),
            },
            orders: self.orders.engine_config(),
            position: self.position.plan(),
        }
    }
}
