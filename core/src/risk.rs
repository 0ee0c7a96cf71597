//! The risk gate for entries: a pure function from facts to "pass" or one denial.
//!
//! The engine gathers the facts; nothing here reads state, so every control can be tested by breaking it
//! alone. Exits do not come through here: they can only reduce, and their quantity is bounded by the position.
//! The order of the checks is fixed, so that one cause always gives one code.

pub mod bands;

use crate::config::Config;
use crate::denial::Denial;
use crate::event::FeedState;
use crate::instrument::Instrument;
use crate::order::Side;
use crate::price::{BPS, Money, Price};
use crate::quote::Quote;
use crate::strategy::Enter;
use crate::time::TsNs;

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
    /// Who may open risk now.
    pub mode: TradingMode,
    /// Whether the daily loss limit is latched.
    pub day_loss_latched: bool,
    /// Whether the instrument's hours allow entries.
    pub session_allows: bool,
    /// What the feed can be trusted with.
    pub feed: FeedState,
    /// The contract.
    pub instrument: &'a Instrument,
    /// Whether a foreign order froze the instrument.
    pub frozen: bool,
    /// Its last known market.
    pub quote: &'a Quote,
    /// Whether it has a position or a live order.
    pub busy: bool,
    /// Engine time of the last entry on the same instrument and side; never = [`TsNs::NEVER`].
    pub last_entry_ts: TsNs,
    /// Positions that are open or being opened.
    pub positions_open: u32,
    /// Orders with unknown fate, on this underlying.
    pub unknown_here: u32,
    /// Orders with unknown fate, anywhere.
    pub unknown_total: u32,
    /// Entries sent today.
    pub entries_today: u32,
    /// Whether the order table has room.
    pub orders_have_room: bool,
    /// Value of all positions and live entries.
    pub exposure_total: Money,
    /// Of these, options.
    pub exposure_options: Money,
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
    check_permission(facts)?;
    check_moment(facts, enter, config)?;
    check_counts(facts, config)?;
    check_order(facts, enter, config)?;
    check_money(facts, enter, config)
}

fn check_permission(facts: &EntryFacts<'_>) -> Result<(), Denial> {
    match facts.mode {
        TradingMode::Killed => return Err(Denial::Killed),
        TradingMode::Reconciling => return Err(Denial::NotReady),
        TradingMode::Halted => return Err(Denial::Halted),
        TradingMode::ReduceOnly if facts.day_loss_latched => return Err(Denial::DailyLossReached),
        TradingMode::ReduceOnly => return Err(Denial::ReduceOnly),
        TradingMode::Paused => return Err(Denial::Paused),
        TradingMode::Active => {}
    }
    refuse_if(facts.day_loss_latched, Denial::DailyLossReached)?;
    refuse_if(!facts.session_allows, Denial::SessionClosed)?;
    refuse_if(facts.feed != FeedState::Live, Denial::FeedNotLive)?;
    refuse_if(
        !facts.instrument.kind.is_tradable() || facts.frozen,
        Denial::InstrumentNotTradable,
    )
}

fn check_moment(facts: &EntryFacts<'_>, enter: &Enter, config: &Config) -> Result<(), Denial> {
    refuse_if(
        facts.now.since(enter.signal.ts) > config.strategy.signal_life,
        Denial::SignalExpired,
    )?;
    refuse_if(
        !facts.quote.is_fresh(facts.now, config.risk.quote_age_max),
        Denial::QuoteStale,
    )?;
    let cooling = facts.last_entry_ts.is_set() && facts.now.since(facts.last_entry_ts) < config.risk.cooldown;
    refuse_if(cooling, Denial::Cooldown)
}

fn check_counts(facts: &EntryFacts<'_>, config: &Config) -> Result<(), Denial> {
    refuse_if(facts.busy, Denial::InstrumentBusy)?;
    refuse_if(
        facts.unknown_here >= 1 || facts.unknown_total >= 2,
        Denial::UnknownOutstanding,
    )?;
    refuse_if(
        facts.positions_open >= config.risk.positions_max,
        Denial::PositionsMax,
    )?;
    refuse_if(
        facts.entries_today >= config.risk.entries_per_day_max,
        Denial::EntriesPerDayMax,
    )?;
    refuse_if(!facts.orders_have_room, Denial::OrdersMax)
}

fn check_order(facts: &EntryFacts<'_>, enter: &Enter, config: &Config) -> Result<(), Denial> {
    let instrument = facts.instrument;
    refuse_if(
        enter.qty.get() <= 0 || !enter.qty.is_whole_lots(instrument.lot),
        Denial::QuantityNotLots,
    )?;
    refuse_if(enter.qty > instrument.freeze, Denial::FreezeQuantity)?;
    refuse_if(
        !enter.limit.is_set() || !enter.limit.is_on_tick(instrument.tick),
        Denial::PriceOffTick,
    )?;
    refuse_if(
        !within_collar(facts.quote, enter.limit, config.risk.collar_bps),
        Denial::PriceCollar,
    )?;
    let stop_is_beyond = match enter.signal.side {
        Side::Buy => enter.stop < enter.limit,
        Side::Sell => enter.stop > enter.limit,
    };
    refuse_if(!enter.stop.is_set() || !stop_is_beyond, Denial::StopOnWrongSide)
}

fn check_money(facts: &EntryFacts<'_>, enter: &Enter, config: &Config) -> Result<(), Denial> {
    let risk = &config.risk;
    let value = enter.limit.times(enter.qty).ok_or(Denial::Overflow)?;
    let whole = value.plus(facts.held_value).ok_or(Denial::Overflow)?;
    refuse_if(
        whole > risk.capital.bps(risk.position_value_bps),
        Denial::PositionValue,
    )?;
    let distance = Price::new(enter.limit.minus(enter.stop).get().abs());
    let at_risk = distance
        .times(enter.qty)
        .and_then(|at_risk| at_risk.plus(facts.held_at_risk))
        .ok_or(Denial::Overflow)?;
    refuse_if(
        at_risk > risk.capital.bps(risk.position_risk_bps),
        Denial::PositionRisk,
    )?;
    let total = facts.exposure_total.plus(value).ok_or(Denial::Overflow)?;
    refuse_if(
        total > risk.capital.bps(risk.total_exposure_bps),
        Denial::TotalExposure,
    )?;
    if facts.instrument.kind.is_option() {
        let options = facts.exposure_options.plus(value).ok_or(Denial::Overflow)?;
        refuse_if(
            options > risk.capital.bps(risk.options_exposure_bps),
            Denial::OptionsExposure,
        )?;
    }
    Ok(())
}

/// Whether `price` lies within `collar_bps` of the middle of a fresh book.
fn within_collar(quote: &Quote, price: Price, collar_bps: i64) -> bool {
    let middle = Price::new((quote.bid.get() + quote.ask.get()) / 2);
    let reach = Money::new(middle.get()).share(collar_bps, BPS);
    price.minus(middle).get().abs() <= reach.get()
}

const fn refuse_if(refused: bool, denial: Denial) -> Result<(), Denial> {
    if refused { Err(denial) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
