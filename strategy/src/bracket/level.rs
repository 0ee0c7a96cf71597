//! Levels of a bracket that need more than a distance: which rule holds the stop, and where a position breaks even.

use bijli_core::charges::ChargedFill;
use bijli_core::order::Side;
use bijli_core::{Money, Price, Qty};

use super::Moment;

/// Which rule set the stop in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Guard {
    /// The fixed distance from the entry.
    #[default]
    Stop,
    /// Entry plus charges.
    BreakEven,
    /// The distance from the best price.
    Trail,
}

/// The price at which leaving `qty` units (signed) that were entered at `entry` pays for both fills' charges, rounded
/// away from the entry; [`Price::NONE`] where the sums leave the range of money.
pub(super) fn break_even(moment: &Moment<'_>, entry: Price, qty: i64) -> Price {
    let units = qty.saturating_abs();
    let Some(turnover) = entry.times(Qty::new(units)).filter(|value| value.get() >= 0) else {
        return Price::NONE;
    };
    let charges = |side| {
        let fill = ChargedFill {
            day: moment.now.ist_day(),
            kind: moment.instrument.kind,
            side,
            turnover,
            order_turnover_before: Money::ZERO,
        };
        fill.total().get()
    };
    let both = charges(Side::Buy).saturating_add(charges(Side::Sell));
    let per_unit = both.saturating_add(units - 1) / units;
    Price::new(entry.get().saturating_add(qty.signum() * per_unit))
}
