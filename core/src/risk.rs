//! The risk gate for entries: a pure function from facts to "pass" or one denial.
//!
//! The engine gathers the facts; nothing here reads state, so every control can be tested by breaking it
//! alone. Exits do not come through here: they can only reduce, and their quantity is bounded by the position.
//! An entry is judged whole, however many orders the freeze quantity cuts it into; counts and rates count each order.
//! The order of the checks is fixed, so that one cause always gives one code: who may trade, whether now is the time,
//! how often, whether the exchange would take the order, and last what it would put at stake. What each code means
//! and which key sets its limit stands in `RISK.md`.

pub mod bands;
mod moment;
mod money;
mod ticket;

use crate::config::Config;
use crate::denial::Denial;
use crate::event::FeedState;
use crate::exposure::Exposures;
use crate::instrument::Instrument;
use crate::limits::SLICES_MAX;
use crate::price::{Money, Price};
use crate::quantity::Qty;
use crate::quote::Quote;
use crate::recent_times::RecentTimes;
use crate::strategy::Enter;
use crate::time::{IstDay, TsNs};

pub use bands::clamp_to_bands;

/// Who may open risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TradingMode {
    /// No session yet, or start-up reconciliation is under way.
    Reconciling = 0,
    /// Entries and exits.
    Active = 1,
    /// An operator stopped entries.
    Paused = 2,
    /// Only what reduces a position: a break, a loss limit or the end of the day.
    ReduceOnly = 3,
    /// A contradiction was found; only exits.
    Halted = 4,
    /// The kill switch is latched.
    Killed = 5,
}

impl TradingMode {
    /// Whether a change to `next` takes something away: entries, or the hope of them without a person's word.
    #[must_use]
    pub const fn worsens_to(self, next: Self) -> bool {
        match (self, next) {
            (Self::Active, Self::Active) | (Self::Reconciling, _) => false,
            (Self::Active, _) => true,
            (_, Self::Reconciling) => false,
            _ => next as u8 > self as u8,
        }
    }

    /// The name as people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reconciling => "RECONCILING",
            Self::Active => "ACTIVE",
            Self::Paused => "PAUSED",
            Self::ReduceOnly => "REDUCE-ONLY",
            Self::Halted => "HALTED",
            Self::Killed => "KILLED",
        }
    }

    /// The mode of a stored number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Reconciling,
            1 => Self::Active,
            2 => Self::Paused,
            3 => Self::ReduceOnly,
            4 => Self::Halted,
            5 => Self::Killed,
            _ => return None,
        })
    }
}

/// All that the gate needs to know about the moment of an entry.
#[derive(Clone, Copy, Debug)]
pub struct EntryFacts<'a> {
    /// Engine time.
    pub now: TsNs,
    /// The trading day.
    pub day: IstDay,
    /// Whether the calendar knows the day and the session is of it.
    pub day_is_known: bool,
    /// Who may open risk now.
    pub mode: TradingMode,
    /// Whether the daily loss limit is latched.
    pub day_loss_latched: bool,
    /// Whether the drawdown limit is latched.
    pub drawdown_latched: bool,
    /// Whether the strategy is latched off as a runaway.
    pub strategy_latched: bool,
    /// Whether the instrument's hours allow entries.
    pub session_allows: bool,
    /// When the instrument's market opened.
    pub session_open: TsNs,
    /// Coherent ticks of the instrument since then.
    pub open_ticks: u32,
    /// What the feed can be trusted with.
    pub feed: FeedState,
    /// The contract.
    pub instrument: &'a Instrument,
    /// Whether its underlying is an index.
    pub on_index: bool,
    /// Whether a foreign order froze the instrument.
    pub frozen: bool,
    /// Its last known market.
    pub quote: &'a Quote,
    /// When the price of the underlying of a derivative was received; never = it has none, or never ticked.
    pub underlying_ts: TsNs,
    /// Whether it has a position or a live order.
    pub busy: bool,
    /// Limit of the nearest own order that may be live on the other side; [`Price::NONE`] inside for a market order.
    pub opposing: Option<Price>,
    /// Engine time of the last entry on the same instrument and side; never = [`TsNs::NEVER`].
    pub last_entry_ts: TsNs,
    /// Engine time of the last entry of the same side, quantity and price; never = [`TsNs::NEVER`].
    pub last_identical_ts: TsNs,
    /// Whether the signal already made an entry.
    pub signal_is_used: bool,
    /// Until when a streak of losses pauses entries; never = [`TsNs::NEVER`].
    pub paused_until: TsNs,
    /// When entries were sent.
    pub entry_times: &'a RecentTimes,
    /// Positions that are open or being opened.
    pub positions_open: u32,
    /// Orders with unknown fate, on this underlying.
    pub unknown_here: u32,
    /// Orders with unknown fate, anywhere.
    pub unknown_total: u32,
    /// Entries sent today.
    pub entries_today: u32,
    /// Orders sent today, exits counted.
    pub orders_today: u32,
    /// Round trips closed today.
    pub trips_today: u32,
    /// Entries that the order table still has room for.
    pub orders_room: u32,
    /// Orders of the same group that leave before it and count in no other fact yet.
    pub orders_ahead: u32,
    /// Result of the day: realised and unrealised, charges deducted.
    pub result: Money,
    /// Capital and the result of the day.
    pub equity: Money,
    /// What is at stake already.
    pub exposures: Exposures,
    /// Delta x value of the underlying that the order would add.
    pub delta_value: Money,
    /// Margin that the order is taken to need.
    pub margin_need: Money,
    /// Margin that the broker says is available; `None` = not known.
    pub margin_available: Option<Money>,
    /// Value of the position that the wish enlarges; zero when it opens one.
    pub held_value: Money,
    /// What that position would lose at the wish's stop; zero when it opens one.
    pub held_at_risk: Money,
}

/// Lets an entry pass or names the rule that it breaks.
///
/// # Errors
/// The first [`Denial`] in the fixed order of the checks.
pub fn check_entry(facts: &EntryFacts<'_>, enter: &Enter, config: &Config) -> Result<(), Denial> {
    moment::check_permission(facts, config)?;
    moment::check_market(facts, enter, config)?;
    // Every order counts by itself. What must not be cut counts as one and is denied for that, by its own code.
    let orders = slice_count(facts.instrument, enter.qty).unwrap_or(1);
    moment::check_frequency(facts, orders, config)?;
    moment::check_counts(facts, orders, config)?;
    ticket::check_ticket(facts, enter, config)?;
    money::check_position(facts, enter, config)?;
    money::check_exposures(facts, enter, config)?;
    money::check_account(facts, enter, config)
}

/// The largest order in `instrument` that the exchange takes: the freeze quantity in whole lots.
#[must_use]
pub fn slice_max(instrument: &Instrument) -> Qty {
    instrument.freeze.floor_to_lot(instrument.lot)
}

/// Into how many orders an entry of `qty` is cut at the freeze quantity; `None` where that is more than [`SLICES_MAX`],
/// or the freeze quantity is below a lot.
#[must_use]
pub fn slice_count(instrument: &Instrument, qty: Qty) -> Option<u32> {
    let largest = slice_max(instrument).get();
    if largest <= 0 {
        return None;
    }
    let whole = qty.get().max(1);
    let count = whole / largest + i64::from(whole % largest != 0);
    u32::try_from(count)
        .ok()
        .filter(|count| *count <= SLICES_MAX as u32)
}

const fn refuse_if(refused: bool, denial: Denial) -> Result<(), Denial> {
    if refused { Err(denial) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
