//! What a day came to, in the figures that traders compare days by.
//!
//! Formulas: a trade is a closed round trip, won if its result after charges is above zero, lost if below. Profit
//! factor = sum of what was won / sum of what was lost. Expectancy = mean result after charges of a trade. Sharpe
//! = mean / standard deviation (n - 1) of daily returns after charges, times the root of 252, over the sessions
//! up to and with this one of the same kind of prices and venue; it needs two. Drawdown is that of the equity
//! curve, open positions marked. Fill rate = units filled / units asked for, of our orders that were sent.

use bijli_core::Money;
use bijli_core::event::Submission;
use bijli_core::order::{OrderState, Purpose};

use crate::report::csv::slippage_of;
use crate::report::day::{Day, OrderRow};
use crate::report::trips::Trip;

/// Trading days in a year, as the ratio's name has it.
const DAYS_PER_YEAR: f64 = 252.0;

/// The figures of one day. Money is after charges unless it is called gross.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Performance {
    /// Closed round trips.
    pub trades: u64,
    /// Of these, won.
    pub won: u64,
    /// Of these, lost.
    pub lost: u64,
    /// Largest result of a trade; zero if none was won.
    pub largest_win: Money,
    /// Smallest result of a trade; zero if none was lost.
    pub largest_loss: Money,
    /// Sum of the results of won trades.
    pub won_sum: Money,
    /// Sum of the results of lost trades; zero or negative.
    pub lost_sum: Money,
    /// Turnover of all fills.
    pub turnover: Money,
    /// Largest value of positions and live entries together.
    pub exposure_peak: Money,
    /// Mean time that closed trades were held, nanoseconds.
    pub hold_mean_ns: Option<i64>,
    /// What fills cost against the touch at their decisions; positive is worse.
    pub slippage: Money,
    /// The same by order, basis points: mean.
    pub slippage_mean_bps: Option<f64>,
    /// The same by order, basis points: median, the lower of two middle ones.
    pub slippage_median_bps: Option<i64>,
    /// Units filled of units asked for, millionths.
    pub fill_rate_ppm: Option<i64>,
    /// Median from decision to acknowledgement, nanoseconds.
    pub ack_median_ns: Option<i64>,
    /// Counts of our orders.
    pub orders: OrderCounts,
    /// Set by whoever knows the other days.
    pub sharpe: Option<f64>,
}

/// Our orders by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCounts {
    /// Handed to the gateway.
    pub placed: u64,
    /// Entries among them.
    pub entries: u64,
    /// Fully filled.
    pub filled: u64,
    /// Partly filled, then ended.
    pub partly: u64,
    /// Cancelled without a fill.
    pub cancelled: u64,
    /// Refused by the broker's front.
    pub refused: u64,
    /// Rejected by the broker's risk system or the exchange.
    pub rejected: u64,
    /// Never reached the wire.
    pub not_sent: u64,
    /// Whose placement was at some time of unknown fate.
    pub unknown: u64,
    /// Placed by somebody else on the account; in none of the counts above.
    pub foreign: u64,
}

impl Performance {
    /// The figures of a day.
    #[must_use]
    pub fn of(day: &Day, exposure_peak: Money) -> Self {
        let closed: Vec<&Trip> = day.trips.iter().filter(|trip| !trip.is_open()).collect();
        let nets = || closed.iter().map(|trip| trip.net());
        let sum = |amounts: &mut dyn Iterator<Item = Money>| {
            amounts.fold(Money::ZERO, |sum, one| {
                Money::new(sum.get().saturating_add(one.get()))
            })
        };
        let ours = || day.orders.iter().filter(|row| row.order.intent.is_some());
        let mut slips: Vec<i64> = ours().filter_map(slippage_of).map(|(_, bps)| bps).collect();
        let mut acks: Vec<i64> = ours()
            .filter(|row| row.acked.is_set())
            .map(|row| row.acked.since(row.order.placed_ts).get())
            .collect();
        let held = closed
            .iter()
            .map(|trip| i128::from(trip.closed.since(trip.opened).get()));
        Self {
            trades: closed.len() as u64,
            won: nets().filter(|net| net.get() > 0).count() as u64,
            lost: nets().filter(|net| net.get() < 0).count() as u64,
            largest_win: nets().max().unwrap_or_default().max(Money::ZERO),
            largest_loss: nets().min().unwrap_or_default().min(Money::ZERO),
            won_sum: sum(&mut nets().filter(|net| net.get() > 0)),
            lost_sum: sum(&mut nets().filter(|net| net.get() < 0)),
            turnover: sum(&mut day
                .fills
                .iter()
                .filter_map(|row| row.fill.price.times(row.fill.qty))),
            exposure_peak,
            hold_mean_ns: mean_of(held.sum(), closed.len()),
            slippage: sum(&mut ours().filter_map(slippage_of).map(|(amount, _)| amount)),
            slippage_mean_bps: (!slips.is_empty())
                .then(|| slips.iter().sum::<i64>() as f64 / slips.len() as f64),
            slippage_median_bps: median(&mut slips),
            fill_rate_ppm: fill_rate_ppm(ours()),
            ack_median_ns: median(&mut acks),
            orders: order_counts(&day.orders),
            sharpe: None,
        }
    }

    /// Won sum over lost sum; `None` where nothing was lost.
    #[must_use]
    pub fn profit_factor(&self) -> Option<f64> {
        (self.lost_sum.get() < 0).then(|| self.won_sum.get() as f64 / -(self.lost_sum.get() as f64))
    }

    /// Mean result of a trade, rounded toward zero; `None` without trades.
    #[must_use]
    pub fn expectancy(&self) -> Option<Money> {
        let sum = self.won_sum.get().saturating_add(self.lost_sum.get());
        let trades = i64::try_from(self.trades).ok()?;
        sum.checked_div(trades).map(Money::new)
    }

    /// Won trades of all, millionths; `None` without trades.
    #[must_use]
    pub fn win_rate_ppm(&self) -> Option<i64> {
        i64::try_from((self.won * 1_000_000).checked_div(self.trades)?).ok()
    }
}

/// Result after charges over the capital at the start of the day.
#[must_use]
pub fn daily_return(net_e4: i64, capital_e4: i64) -> f64 {
    if capital_e4 == 0 {
        0.0
    } else {
        net_e4 as f64 / capital_e4 as f64
    }
}

/// The Sharpe ratio after each day, from the daily returns in order; `None` while there are fewer than two days
/// or all returned the same.
#[must_use]
pub fn sharpe_ratios(returns: &[f64]) -> Vec<Option<f64>> {
    let after = |days: usize| {
        let known = &returns[..days];
        let mean = known.iter().sum::<f64>() / days as f64;
        let squares: f64 = known.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (squares / (days as f64 - 1.0)).sqrt();
        (days >= 2 && deviation > 0.0).then(|| mean / deviation * DAYS_PER_YEAR.sqrt())
    };
    (1..=returns.len()).map(after).collect()
}

fn mean_of(sum: i128, count: usize) -> Option<i64> {
    i64::try_from(sum.checked_div(count as i128)?).ok()
}

fn median(values: &mut [i64]) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied()
}

fn fill_rate_ppm<'a>(ours: impl Iterator<Item = &'a OrderRow>) -> Option<i64> {
    let sent = ours.filter(|row| row.order.state != OrderState::NotSent);
    let (asked, filled) = sent.fold((0_i128, 0_i128), |(asked, filled), row| {
        let order = &row.order;
        (
            asked + i128::from(order.qty.get()),
            filled + i128::from(order.filled.get()),
        )
    });
    i64::try_from((filled * 1_000_000).checked_div(asked)?).ok()
}

fn order_counts(orders: &[OrderRow]) -> OrderCounts {
    let mut counts = OrderCounts::default();
    for row in orders {
        let order = &row.order;
        if order.intent.is_none() {
            counts.foreign += 1;
            continue;
        }
        let some = order.filled.get() > 0;
        let ended_early = matches!(order.state, OrderState::Cancelled | OrderState::Rejected);
        counts.placed += 1;
        counts.entries += u64::from(order.purpose == Purpose::Entry);
        counts.filled += u64::from(order.state == OrderState::Filled);
        counts.partly += u64::from(ended_early && some);
        counts.cancelled += u64::from(order.state == OrderState::Cancelled && !some);
        counts.rejected += u64::from(order.state == OrderState::Rejected && !some);
        counts.refused += u64::from(order.state == OrderState::Refused);
        counts.not_sent += u64::from(order.state == OrderState::NotSent);
        let lost_sight = matches!(
            row.submission,
            Some(Submission::Unknown | Submission::PresumedAbsent)
        );
        counts.unknown += u64::from(lost_sight || order.state == OrderState::Unknown);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_figures_of_a_day_with_one_winner_are_those_counted_by_hand() {
        let made = Performance::of(&sample::day(), Money::from_rupees(30_000));
        // 20 bought at 1500, 10 sold at 1560 and 10 at 1540: 1000 gross, 46.02 of charges.
        assert_eq!((made.trades, made.won, made.lost), (1, 1, 0));
        assert_eq!(made.largest_win, Money::new(9_539_800));
        assert_eq!(made.expectancy(), Some(Money::new(9_539_800)));
        assert_eq!(
            (made.profit_factor(), made.win_rate_ppm()),
            (None, Some(1_000_000))
        );
        assert_eq!(
            (made.fill_rate_ppm, made.ack_median_ns),
            (Some(1_000_000), Some(12_000_000))
        );
        assert_eq!(
            (made.orders.placed, made.orders.entries, made.orders.filled),
            (3, 1, 3)
        );
        assert_eq!(made.hold_mean_ns, Some((2 * 60 + 20) * 60 * 1_000_000_000));
    }

    #[test]
    fn a_day_without_trades_has_no_ratios() {
        let made = Performance::of(&Day::default(), Money::ZERO);
        assert_eq!(made, Performance::default());
        assert_eq!(
            (made.profit_factor(), made.expectancy(), made.win_rate_ppm()),
            (None, None, None)
        );
    }

    #[test]
    fn sharpe_needs_two_days_that_differ() {
        assert_eq!(sharpe_ratios(&[0.01]), [None]);
        assert_eq!(sharpe_ratios(&[0.01, 0.01]), [None, None]);
        let ratios = sharpe_ratios(&[0.01, 0.03]);
        // Mean 0.02, deviation 0.01414: 1.4142 times the root of 252.
        let last = ratios[1].expect("two days that differ");
        assert!((last - 2.0_f64.sqrt() * 252.0_f64.sqrt()).abs() < 1e-9, "{last}");
    }
}
