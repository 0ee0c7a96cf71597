//! Who may trade, whether now is the time, and how often: the checks that do not look at the order itself.
//!
//! Invariant: a fact that is not known is taken as the worse one. Source of the rules on repeated execution and rates:
//! RTS 6 article 15 and the exchange's limits for members; the numbers are configuration.

use super::{EntryFacts, TradingMode, refuse_if};
use crate::config::Config;
use crate::denial::Denial;
use crate::event::FeedState;
use crate::planted::{Bug, planted};
use crate::quote::Quote;
use crate::strategy::Enter;
use crate::time::DurationNs;

pub(super) fn check_permission(facts: &EntryFacts<'_>, config: &Config) -> Result<(), Denial> {
    match facts.mode {
        TradingMode::Killed => return Err(Denial::Killed),
        TradingMode::Reconciling => return Err(Denial::NotReady),
        TradingMode::Halted => return Err(Denial::Halted),
        TradingMode::ReduceOnly if facts.day_loss_latched => return Err(Denial::DailyLossReached),
        TradingMode::ReduceOnly => return Err(Denial::ReduceOnly),
        TradingMode::Paused => return Err(Denial::Paused),
        TradingMode::Active => {}
    }
    let loss_limit = config.risk.capital.bps(config.risk.daily_loss_bps).get();
    refuse_if(
        facts.day_loss_latched || facts.result.get() <= loss_limit.saturating_neg(),
        Denial::DailyLossReached,
    )?;
    refuse_if(facts.drawdown_latched, Denial::DrawdownReached)?;
    refuse_if(facts.strategy_latched, Denial::StrategyLatched)?;
    refuse_if(!facts.day_is_known, Denial::DayUnknown)?;
    refuse_if(!facts.session_allows, Denial::SessionClosed)?;
    refuse_if(facts.feed != FeedState::Live, Denial::FeedNotLive)?;
    refuse_if(
        !facts.instrument.kind.is_tradable() || facts.frozen,
        Denial::InstrumentNotTradable,
    )
}

pub(super) fn check_market(facts: &EntryFacts<'_>, enter: &Enter, config: &Config) -> Result<(), Denial> {
    let risk = &config.risk;
    refuse_if(
        facts.now.since(enter.signal.ts) > config.strategy.signal_life,
        Denial::SignalExpired,
    )?;
    let is_used = facts.signal_is_used && !planted(Bug::SecondEntryOnSignal);
    refuse_if(is_used, Denial::DuplicateSignal)?;
    let is_early = facts.now.since(facts.session_open) < risk.open_quiet;
    refuse_if(
        is_early || facts.open_ticks < risk.open_ticks_min,
        Denial::OpeningQuiet,
    )?;
    refuse_if(
        !facts.quote.is_fresh(facts.now, risk.quote_age_max) && !planted(Bug::StaleQuote),
        Denial::QuoteStale,
    )?;
    refuse_if(
        !is_coherent(facts.quote, risk.collar_bps),
        Denial::QuoteIncoherent,
    )?;
    let underlying_age = facts.now.since(facts.underlying_ts);
    refuse_if(
        facts.underlying_ts.is_set() && underlying_age > risk.underlying_age_max,
        Denial::UnderlyingStale,
    )
}

/// Whether the last trade lies within `collar_bps` of the book: no single wild tick can justify an entry.
fn is_coherent(quote: &Quote, collar_bps: i64) -> bool {
    let low = quote.bid.moved_bps(collar_bps.saturating_neg());
    let high = quote.ask.moved_bps(collar_bps);
    low <= quote.ltp && quote.ltp <= high
}

/// `orders` is what the entry is cut into.
pub(super) fn check_frequency(facts: &EntryFacts<'_>, orders: u32, config: &Config) -> Result<(), Denial> {
    let risk = &config.risk;
    let cooling = facts.last_entry_ts.is_set() && facts.now.since(facts.last_entry_ts) < risk.cooldown;
    refuse_if(cooling, Denial::Cooldown)?;
    refuse_if(
        facts.paused_until.is_set() && facts.now < facts.paused_until,
        Denial::LossStreak,
    )?;
    let others = facts.orders_ahead.saturating_add(orders).saturating_sub(1);
    let is_reached = |limit: u32, seconds| {
        let window = DurationNs::from_secs(seconds);
        let left = limit.saturating_sub(others);
        facts.entry_times.is_reached(left, window, facts.now)
    };
    refuse_if(
        is_reached(risk.entries_per_second_max, 1) || is_reached(risk.entries_per_minute_max, 60),
        Denial::OrderRate,
    )?;
    let repeated = facts.last_identical_ts.is_set()
        && facts.now.since(facts.last_identical_ts) < risk.identical_order_window;
    refuse_if(repeated, Denial::IdenticalOrder)
}

/// `orders` is what the entry is cut into.
pub(super) fn check_counts(facts: &EntryFacts<'_>, orders: u32, config: &Config) -> Result<(), Denial> {
    let risk = &config.risk;
    let coming = facts.orders_ahead.saturating_add(orders);
    refuse_if(facts.busy, Denial::InstrumentBusy)?;
    refuse_if(
        facts.unknown_here >= 1 || facts.unknown_total >= 2,
        Denial::UnknownOutstanding,
    )?;
    refuse_if(facts.positions_open >= risk.positions_max, Denial::PositionsMax)?;
    refuse_if(
        facts.entries_today.saturating_add(coming) > risk.entries_per_day_max,
        Denial::EntriesPerDayMax,
    )?;
    refuse_if(
        facts.trips_today >= risk.trades_per_day_max,
        Denial::TradesPerDayMax,
    )?;
    refuse_if(
        facts.orders_today.saturating_add(coming) > risk.orders_per_day_max,
        Denial::OrdersPerDayMax,
    )?;
    refuse_if(coming > facts.orders_room, Denial::OrdersMax)
}
