//! The one table of configuration keys: section, name, what it takes, default, unit, and a sentence.
//!
//! The check of values, the suggestions in errors and the commented files under `deploy/config/` follow this
//! table; tests hold the typed defaults and those files against it. Order is the order of the files.

use bijli_core::limits::POSITIONS_MAX;

use super::decimal::unscaled;

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Switch,
    /// Text that is not empty.
    Text,
    /// A list of texts.
    TextList,
    /// A number with at most `places` decimals; `min` and `max` are scaled by ten to that power.
    Number {
        /// Decimals that the key distinguishes.
        places: usize,
        /// Smallest value, scaled.
        min: i64,
        /// Largest value, scaled.
        max: i64,
    },
}

/// One key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// `section.name`.
    pub path: &'static str,
    /// The section that it stands in.
    pub section: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// The default as it would be written; empty when the key is off unless given.
    pub default: &'static str,
    /// The unit; empty for words, switches and texts.
    pub unit: &'static str,
    /// What it does, in one or two sentences.
    pub sentence: &'static str,
}

const fn count(min: i64, max: i64) -> Kind {
    Kind::Number { places: 0, min, max }
}

/// Bounds in basis points.
const fn percent(min: i64, max: i64) -> Kind {
    Kind::Number { places: 2, min, max }
}

/// Bounds in millionths.
const fn score(min: i64, max: i64) -> Kind {
    Kind::Number { places: 6, min, max }
}

macro_rules! keys {
    ($($section:literal $name:literal, $kind:expr, $default:literal, $unit:literal, $sentence:literal;)*) => {
        &[$(Key {
            path: concat!($section, ".", $name),
            section: $section,
            name: $name,
            kind: $kind,
            default: $default,
            unit: $unit,
            sentence: $sentence,
        }),*]
    };
}

/// Every key, in the order of the shipped files.
pub static KEYS: &[Key] = keys! {
    "run" "mode", Kind::Word(&["paper", "live", "sim"]), r#""paper""#, "",
        "Where orders go: matched here, to the broker, or to the simulator on this machine. Live also needs `bijli ctl arm`.";
    "run" "account", Kind::Text, r#""default""#, "",
        "Name of the account, as you like it. One engine runs per name and run_dir, and one that sends orders per account of the broker.";
    "run" "run_dir", Kind::Text, r#""runs""#, "",
        "Folder of journals, captures, snapshots and reports. Relative paths start at the working directory.";
    "broker" "api_url", Kind::Text, r#""https://api.upstox.com""#, "",
        "Base address of all REST calls but orders.";
    "broker" "order_url", Kind::Text, r#""https://api-hft.upstox.com""#, "",
        "Base address of place, modify and cancel.";
    "broker" "feed_url", Kind::Text, r#""wss://api.upstox.com/v3/feed/market-data-feed""#, "",
        "Entry of the market feed; its redirect is followed once per connection.";
    "broker" "stream_url", Kind::Text, r#""wss://api.upstox.com/v2/feed/portfolio-stream-feed""#, "",
        "Entry of the order stream.";
    "broker" "token_file", Kind::Text, r#""upstox.token""#, "",
        "File of the day's access token, mode 600, as `bijli login` keeps it; a service credential `upstox_token` goes before it. The token dies at 03:30 IST.";
    "broker" "redirect_uri", Kind::Text, r#""http://127.0.0.1:8765/callback""#, "",
        "Where the login dialog sends its code: exactly what the broker's developer page has; a port of this machine, or anything with `login --headless`.";
    "broker" "extra_root_pem_file", Kind::Text, "", "",
        "A certificate authority to trust besides the public ones; for the simulator.";
    "broker" "algo_name", Kind::Text, "", "",
        "Name of the algorithm as registered with the exchange, sent with every order. Leave it out when none is registered.";
    "broker" "source_ip", Kind::Text, "", "",
        "The public address that this machine's calls come from; live only, where a start arms only if the broker has it registered.";
    "feed" "mode", Kind::Word(&["ltpc", "full", "option_greeks", "full_d30"]), r#""full""#, "",
        "How much is sent per instrument. Orders need a book, so `ltpc` only watches.";
    "feed" "plan", Kind::Word(&["normal", "plus"]), r#""normal""#, "",
        "What the account is subscribed to at the broker; decides how many keys and sockets are allowed.";
    "feed" "sockets", count(1, 5), "1", "sockets",
        "Connections to spread the instruments over; the plan allows 2, or 5 with plus. One is enough for 2000.";
    "feed" "warm_strikes", count(0, 50), "0", "strikes",
        "Of options, listen to this many strikes on each side of the money, of the nearest expiry; 0 listens to all.";
    "feed" "batch", count(1, 2_000), "100", "keys",
        "Instruments in one subscription message.";
    "feed" "mute_after_ms", count(500, 600_000), "3000", "ms",
        "The feed counts as mute after this long without market data in open hours; entries stop until data comes.";
    "feed" "busy_poll", Kind::Switch, "false", "",
        "Poll the socket without sleeping: microseconds faster, and takes the whole core.";
    "feed" "capture", Kind::Switch, "true", "",
        "Keep every raw frame with its receive time, so that the day can be decoded again.";
    "universe" "fno_stocks", Kind::Switch, "true", "",
        "Watch every stock that has derivatives, from the day's instrument master.";
    "universe" "index_underlyings", Kind::Switch, "false", "",
        "Also watch the indices that underlie derivatives (NIFTY, BANKNIFTY, FINNIFTY, NIFTYNXT50 and the like).";
    "universe" "keys", Kind::TextList, "[]", "",
        "Further instruments, by the broker's key, for example NSE_FO|45450.";
    "universe" "master_file", Kind::Text, "", "",
        "The day's instrument master on disk (.json or .json.gz). Goes before master_url.";
    "universe" "master_url", Kind::Text,
        r#""https://assets.upstox.com/market-quote/instruments/exchange/complete.json.gz""#, "",
        "Where the day's instrument master is fetched when there is no master_file.";
    "universe" "master_dir", Kind::Text, r#""masters""#, "",
        "Folder of the masters that `bijli instruments sync` keeps. Without one of today a run fetches it; failing that it takes the last one and enters nothing.";
    "clock" "source", Kind::Word(&["wall", "venue"]), r#""wall""#, "",
        "Whose clock the engine runs on: this machine's, or the one in the venue's frames (simulated days only).";
    "threads" "shape", Kind::Word(&["auto", "fused", "split", "three"]), r#""auto""#, "",
        "Feed, engine and gateway on one thread (fused), gateway apart (split), or one each (three). Auto goes by the number of cores.";
    "threads" "feed_core", count(0, 1_023), "", "core",
        "Core of the feed's thread, in shape three. Threads are pinned only if each one of the shape has a core.";
    "threads" "engine_core", count(0, 1_023), "", "core",
        "Core of the engine's thread: in shape fused the only one, in split the feed's too.";
    "threads" "gateway_core", count(0, 1_023), "", "core",
        "Core of the gateway's thread, in shapes split and three.";
    "threads" "wait", Kind::Word(&["spin", "spin_yield", "park"]), r#""park""#, "",
        "What an idle thread does. Spin only on cores that nothing else uses, never with more spinning threads than cores.";
    "risk" "capital_rupees", count(1_000, 1_000_000_000), "100000", "rupees",
        "Capital at the start of the day; the percentages of this section are of it.";
    "risk" "position_value_pct", percent(1, 50_000), "30", "% of capital",
        "Largest value of one position.";
    "risk" "position_risk_pct", percent(1, 10_000), "5", "% of capital",
        "Largest loss of one position at its stop: quantity x |entry - stop|.";
    "risk" "max_positions", count(1, POSITIONS_MAX as i64), "3", "positions",
        "Open positions at one time, those being entered included.";
    "risk" "daily_loss_pct", percent(1, 10_000), "2", "% of capital",
        "Loss of the day, realised and unrealised, that stops entries until tomorrow.";
    "risk" "total_exposure_pct", percent(1, 50_000), "70", "% of capital",
        "Largest value of all positions together.";
    "risk" "options_exposure_pct", percent(0, 50_000), "50", "% of capital",
        "Largest value of all option positions together; 0 allows none.";
    "risk" "collar_pct", percent(1, 2_000), "3", "% of the quote",
        "Farthest that an order price may lie from the fresh quote.";
    "risk" "quote_age_max_ms", count(100, 60_000), "3000", "ms",
        "A quote older than this cannot justify an entry.";
    "risk" "cooldown_s", count(0, 86_400), "120", "s",
        "No second entry on the same instrument and side within this time.";
    "risk" "entries_per_day_max", count(1, 4_000), "100", "orders",
        "Entry orders of one day; exits are never counted.";
    "risk" "instrument_exposure_pct", percent(1, 50_000), "30", "% of capital",
        "Largest value of one instrument, live orders and those of unknown fate included.";
    "risk" "underlying_exposure_pct", percent(1, 50_000), "30", "% of capital",
        "Largest value of all contracts on one underlying: the share, its futures, its options.";
    "risk" "sector_exposure_pct", percent(1, 50_000), "30", "% of capital",
        "Largest value of all positions of one sector (see [sectors]); whatever has no sector counts together.";
    "risk" "strategy_exposure_pct", percent(1, 50_000), "70", "% of capital",
        "Largest value of all positions of one strategy.";
    "risk" "correlated_exposure_pct", percent(1, 50_000), "50", "% of capital",
        "Largest value of positions that gain and lose together, the new one included.";
    "risk" "correlation_min", score(500_000, 1_000_000), "0.8", "",
        "Correlation of one-minute returns of two underlyings, over 32 minutes, from which they count as moving together.";
    "risk" "delta_exposure_pct", percent(1, 1_000_000), "2000", "% of capital",
        "Largest sum of delta x value of the underlying, of all positions in one direction.";
    "risk" "delta_age_max_s", count(1, 3_600), "60", "s",
        "A delta older than this counts as 1.";
    "risk" "leverage_pct", percent(1, 50_000), "100", "% of equity",
        "Largest value of all positions together, of what the account is worth now.";
    "risk" "require_margin", Kind::Switch, "false", "",
        "Whether an entry needs the available margin as the broker tells it; without it a margin that is not known is no reason to deny.";
    "risk" "futures_margin_pct", percent(1, 10_000), "25", "% of value",
        "Margin that a future or a written option is taken to need.";
    "risk" "intraday_margin_pct", percent(1, 10_000), "25", "% of value",
        "Margin that an intraday position in shares is taken to need.";
    "risk" "drawdown_pct", percent(1, 10_000), "3", "% of capital",
        "Fall below the best of the day, realised and unrealised, that stops entries until tomorrow.";
    "risk" "loss_streak_max", count(1, 1_000), "4", "trades",
        "Round trips lost in a row, charges deducted, that pause entries.";
    "risk" "loss_streak_pause_s", count(0, 86_400), "1800", "s",
        "How long entries pause after such a streak.";
    "risk" "trades_per_day_max", count(1, 4_000), "50", "trades",
        "Round trips of one day, from flat to flat, that end entries.";
    "risk" "orders_per_day_max", count(1, 6_000), "500", "orders",
        "Orders of one day, exits counted, that end entries; exits are never stopped.";
    "risk" "order_value_max_rupees", count(1_000, 1_000_000_000), "500000", "rupees",
        "Largest value of any order, whatever capital_rupees says.";
    "risk" "order_lots_max", count(1, 10_000), "20", "lots",
        "Largest number of lots of one order in a derivative.";
    "risk" "entries_per_second_max", count(1, 5), "4", "orders",
        "Orders of entries in any rolling second.";
    "risk" "entries_per_minute_max", count(1, 256), "20", "orders",
        "Orders of entries in any rolling minute.";
    "risk" "repeat_entries_max", count(1, 256), "30", "orders",
        "Entries of one strategy within repeat_window_s that latch it off until a person clears it.";
    "risk" "repeat_window_s", count(1, 86_400), "600", "s",
        "The time in which repeat_entries_max counts.";
    "risk" "wishes_per_second_max", count(2, 256), "100", "wishes",
        "Wishes of one strategy in a rolling second, denied ones counted, that latch it off until a person clears it.";
    "risk" "identical_order_window_ms", count(0, 60_000), "1000", "ms",
        "No second entry of the same side, quantity and price in an instrument within this time.";
    "risk" "open_quiet_s", count(0, 3_600), "5", "s",
        "No entry within this time of the opening of the market.";
    "risk" "open_ticks_min", count(0, 250), "3", "ticks",
        "Coherent ticks with both sides of the book that an instrument needs after the opening before an entry.";
    "risk" "underlying_age_max_s", count(1, 3_600), "10", "s",
        "A price of the underlying older than this cannot justify an entry in a derivative; an underlying that never ticked is not asked.";
    "risk" "kelly_fraction_pct", percent(0, 10_000), "0", "% of the Kelly stake",
        "Part of the Kelly stake that one position may risk at its stop; 0 leaves this bound out.";
    "risk" "kelly_win_rate_pct", percent(1, 9_999), "50", "% of trades",
        "Share of winners for the Kelly stake: a figure of yours from many trades, never taken from the day.";
    "risk" "kelly_payoff", score(10_000, 100_000_000), "1", "",
        "Average winner over average loser for the Kelly stake, likewise a figure of yours.";
    "strategy" "score_min", score(0, 1_000_000), "0.72", "",
        "Smallest spike score that makes a signal.";
    "strategy" "signal_life_s", count(1, 3_600), "120", "s",
        "A signal older than this is dead.";
    "strategy" "stop_loss_pct", percent(5, 5_000), "5", "% of the entry price",
        "Distance of the stop.";
    "strategy" "take_profit_pct", percent(5, 10_000), "4", "% of the entry price",
        "Distance of the first target.";
    "strategy" "trail_pct", percent(5, 5_000), "2", "% of the best price",
        "Distance at which the stop follows the best price, once the price went that far or the target was booked.";
    "strategy" "partial_pct", percent(0, 10_000), "50", "% of the position",
        "Part that is booked, with an order, at the first target; rounded to lots; 0 leaves the target out.";
    "strategy" "entry_slack_pct", percent(0, 500), "0.1", "% of the touch",
        "How far beyond the touch an entry limit is placed.";
    "strategy" "entry_timeout_ms", count(100, 600_000), "5000", "ms",
        "An entry not filled within this time is cancelled.";
    "strategy" "exit_slack_pct", percent(0, 1_000), "0.3", "% of the touch",
        "How far beyond the touch an exit limit is placed.";
    "strategy" "exit_reprice_ms", count(200, 60_000), "2000", "ms",
        "An exit not filled within this time is priced anew.";
    "orders" "entry_validity", Kind::Word(&["day", "ioc"]), r#""day""#, "",
        "How long an entry lives: until strategy.entry_timeout_ms, or only for what is there at once (ioc).";
    "orders" "exit_market_last", Kind::Switch, "false", "",
        "Let an exit that finds nobody at the edge of its price band become a market order with the broker's price protection; only in the last minutes before the close or after a kill.";
    "orders" "protective_stop", Kind::Word(&["none", "broker"]), r#""none""#, "",
        "What rests at the broker behind each position: nothing, or a stop-limit order that works when this machine does not.";
    "orders" "protective_gap_pct", percent(1, 1_000), "0.5", "% of the stop",
        "How much farther than the engine's own stop the broker's trigger lies, so that the engine acts first.";
    "orders" "protective_slack_pct", percent(1, 2_000), "1", "% of the trigger",
        "How far beyond its trigger the limit of the broker's stop lies.";
    "position" "hold_max_s", count(0, 28_800), "0", "s",
        "Longest time that a position is held; 0 leaves it to the other rules.";
    "position" "leave_at_hhmm", count(0, 1_559), "0", "hours and minutes (1445 = 14:45)",
        "Time of the day at which positions are left and after which none is entered; 0 leaves it to the square-off.";
    "position" "breakeven_pct", percent(0, 5_000), "0", "% of the entry price",
        "Move in favour after which the stop goes to the entry plus the charges of the round trip; 0 is never.";
    "position" "second_target_pct", percent(0, 10_000), "0", "% of the entry price",
        "Distance of the second target.";
    "position" "second_part_pct", percent(0, 10_000), "0", "% of the largest quantity held",
        "Part that is booked, with an order, at the second target; rounded to lots; 0 leaves the target out.";
    "position" "third_target_pct", percent(0, 10_000), "0", "% of the entry price",
        "Distance of the third target.";
    "position" "third_part_pct", percent(0, 10_000), "0", "% of the largest quantity held",
        "Part that is booked, with an order, at the third target; rounded to lots; 0 leaves the target out.";
    "position" "scale_in_max", count(0, 10), "0", "additions",
        "How often a position is enlarged while its score holds; the risk gate judges each; 0 is never.";
    "position" "scale_in_pct", percent(0, 5_000), "0", "% of the last price bought or sold at",
        "Move in favour since the entry or the last addition that allows another.";
    "position" "scale_in_part_pct", percent(0, 10_000), "0", "% of the first size",
        "Size of one addition; rounded down to lots.";
    "journal" "segment_mib", count(16, 4_096), "64", "MiB",
        "Size of one segment; it is allocated in full before it is used, and another one is kept ready.";
    "journal" "durability", Kind::Word(&["process", "disk"]), r#""process""#, "",
        "What the journal survives: the end of the process, or also a power cut; then no entry leaves before its record is on the disk.";
    "journal" "ram_dir", Kind::Text, r#""/dev/shm""#, "",
        "With disk: the folder in memory where the engine writes; a thread copies from there to run_dir.";
    "journal" "reserve_mib", count(0, 1_048_576), "2560", "MiB",
        "What must be free on the disk of run_dir when a day is begun, and what raw frames leave free: twice the worst day (ten million records of 128 bytes).";
    "alert" "command", Kind::TextList, "[]", "",
        "Program, by its full path, and arguments, run without a shell for each new page (see PAGES.md), which stands in its environment; empty runs nothing.";
};

/// The key of that section and name.
#[must_use]
pub fn key_named(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

impl Key {
    /// The default as people read it.
    #[must_use]
    pub const fn default_text(&self) -> &'static str {
        if self.default.is_empty() {
            "unset"
        } else {
            self.default
        }
    }

    /// The comment that stands above the key in a shipped file, without the leading `#`.
    #[must_use]
    pub fn comment(&self) -> String {
        format!(
            "{} Takes {}. Default {}.",
            self.sentence,
            self.kind.sentence(self.unit),
            self.default_text()
        )
    }
}

impl Kind {
    /// What it takes, as part of a sentence: `0.01 to 100 % of capital`.
    #[must_use]
    pub fn sentence(self, unit: &str) -> String {
        match self {
            Self::Word(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                quoted.join(" or ")
            }
            Self::Switch => "true or false".to_owned(),
            Self::Text => "text in double quotes".to_owned(),
            Self::TextList => "a list of texts".to_owned(),
            Self::Number { places, min, max } => {
                let space = if unit.is_empty() { "" } else { " " };
                format!(
                    "{} to {}{space}{unit}",
                    unscaled(min, places),
                    unscaled(max, places)
                )
            }
        }
    }
}
