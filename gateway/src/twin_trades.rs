//! Which trade rows of one order count: a fill may be told twice, under one trade id or under two.
//!
//! Rows under one id are one trade. Rows that differ in nothing but their id are twins: two fills alike, or one told
//! twice; the quantity and the average price of the order's own row tell which. Invariant: rows without a twin are
//! always chosen while all that counted is listed; others only where the rows then add up to what the order's row says.
//! Left out: how much of an order may count at all (`orders`).

use std::collections::{BTreeMap, BTreeSet};

use bijli_core::planted::{Bug, planted};
use bijli_core::{Price, Qty};

use crate::evidence::BrokerTrade;

/// Sums that are weighed against one another at most: a bound on the work, for an order in very many pieces.
const SUMS_MAX: usize = 1_024;

/// What the order's own row says of its fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// How much is filled.
    pub(crate) filled: Qty,
    /// At which price on average; [`Price::NONE`] where the row does not say.
    pub(crate) average_price: Price,
    /// How much of it counts already, in rows that are listed still or no longer.
    pub(crate) counted: Qty,
}

/// The rows of `rows`, all of one order, that are to count now; `is_taken` names rows that count already.
pub(crate) fn choose<'a>(
    rows: &[&'a BrokerTrade],
    is_taken: impl Fn(&BrokerTrade) -> bool,
    told: Told,
) -> Vec<&'a BrokerTrade> {
    let mut ids = BTreeSet::new();
    let (taken, new): (Vec<&BrokerTrade>, Vec<&BrokerTrade>) = rows
        .iter()
        .copied()
        .filter(|row| ids.insert(row.trade_id))
        .partition(|row| is_taken(row));
    let listed = taken.iter().fold((0, 0), add);
    // What counted and was taken back, or is missing from this list, counts still. Its terms are not known here: any new row
    // may be its twin, and no average is exact.
    let unlisted = i128::from(told.counted.get()).saturating_sub(listed.0).max(0);
    let average_price = if unlisted > 0 {
        Price::NONE
    } else {
        told.average_price
    };
    let told = Told {
        average_price,
        ..told
    };
    let mut seen: BTreeSet<_> = taken.iter().map(|row| terms(row)).collect();
    let (mut chosen, twins): (Vec<&BrokerTrade>, Vec<&BrokerTrade>) = new
        .into_iter()
        .partition(|row| unlisted == 0 && seen.insert(terms(row)));
    if planted(Bug::TradesUnbounded) {
        chosen.extend(&twins);
    }
    if twins.is_empty() || planted(Bug::TradesUnbounded) {
        return chosen;
    }
    let base = chosen.iter().fold((listed.0 + unlisted, listed.1), add);
    // Without a selection that fits, rows are missing still, and the next read may bring them.
    chosen.extend(fitting(&twins, base, told));
    chosen
}

/// The twins that make up what the order's row tells, on top of `base`; none where no selection of them does.
fn fitting<'a>(twins: &[&'a BrokerTrade], base: Sum, told: Told) -> Vec<&'a BrokerTrade> {
    if is_told(twins.iter().fold(base, add), told) {
        return twins.to_vec();
    }
    // Which sums can be reached, and from which by which twin: alike rows are many and their sums few.
    let mut sums: BTreeMap<Sum, Option<(Sum, &BrokerTrade)>> = BTreeMap::from([(base, None)]);
    for twin in twins {
        let before: Vec<Sum> = sums.keys().copied().collect();
        for sum in before {
            let next = add(sum, twin);
            if next.0 <= i128::from(told.filled.get()) {
                sums.entry(next).or_insert(Some((sum, *twin)));
            }
        }
        if sums.len() > SUMS_MAX {
            return Vec::new();
        }
    }
    let fits = sums.keys().filter(|sum| is_told(**sum, told));
    let Some(mut sum) = fits.min_by_key(|sum| off(**sum, told)).copied() else {
        return Vec::new();
    };
    let mut chosen = Vec::new();
    // The twin that first reached a sum comes after all that made the sum before it.
    while let Some((before, twin)) = sums[&sum] {
        chosen.push(twin);
        sum = before;
    }
    chosen
}

/// Quantity and turnover, each in its integer unit.
type Sum = (i128, i128);

fn add(sum: Sum, row: &&BrokerTrade) -> Sum {
    let qty = i128::from(row.qty.get());
    (sum.0 + qty, sum.1 + qty * i128::from(row.price.get()))
}

/// Whether these fills are those that the order's row tells of; an average is rounded by at most one unit.
fn is_told(sum: Sum, told: Told) -> bool {
    sum.0 == i128::from(told.filled.get()) && (!told.average_price.is_set() || off(sum, told) <= sum.0)
}

/// How far a turnover is from the row's.
fn off((qty, turnover): Sum, told: Told) -> i128 {
    (turnover - i128::from(told.average_price.get()) * qty).abs()
}

fn terms(row: &BrokerTrade) -> (bool, i64, i64) {
    (row.is_buy, row.qty.get(), row.price.get())
}

#[cfg(test)]
mod tests {
    use bijli_core::text::Text;

    use super::*;

    fn row(id: &str, qty: i64, paise: i64) -> BrokerTrade {
        BrokerTrade {
            order_id: Text::new("1").expect("short"),
            trade_id: Text::new(id).expect("short"),
            key: Text::new("NSE_EQ|X").expect("short"),
            is_buy: true,
            qty: Qty::new(qty),
            price: Price::from_paise(paise),
        }
    }

    /// The chosen ids, for an order whose row tells of `filled` units at `average` units of price, and of which the rows
    /// named in `taken` count already.
    fn ids(rows: &[BrokerTrade], taken: &[&str], filled: i64, average: i64) -> Vec<String> {
        let is_taken = |row: &BrokerTrade| taken.contains(&row.trade_id.as_str());
        let counted: i64 = rows
            .iter()
            .filter(|row| is_taken(row))
            .map(|row| row.qty.get())
            .sum();
        let told = Told {
            filled: Qty::new(filled),
            average_price: Price::new(average),
            counted: Qty::new(counted),
        };
        ids_of(rows, taken, told)
    }

    fn ids_of(rows: &[BrokerTrade], taken: &[&str], told: Told) -> Vec<String> {
        let rows: Vec<&BrokerTrade> = rows.iter().collect();
        let is_taken = |row: &BrokerTrade| taken.contains(&row.trade_id.as_str());
        choose(&rows, is_taken, told)
            .iter()
            .map(|row| row.trade_id.as_str().to_owned())
            .collect()
    }

    #[test]
    fn a_fill_told_under_two_ids_counts_once_and_does_not_stand_before_the_others() {
        let rows = [
            row("2", 2, 49_870),
            row("92", 2, 49_870),
            row("3", 13, 49_955),
            row("3", 13, 49_955),
        ];
        assert_eq!(ids(&rows, &[], 15, 4_994_367), ["2", "3"]);
        assert_eq!(ids(&rows, &["2"], 15, 4_994_367), ["3"]);
    }

    #[test]
    fn two_fills_alike_count_twice_once_the_broker_counts_both() {
        let rows = [row("1", 5, 100), row("2", 5, 100)];
        assert_eq!(ids(&rows, &[], 10, 10_000), ["1", "2"]);
        assert_eq!(ids(&rows, &[], 10, 0), ["1", "2"], "a row without an average");
        assert_eq!(ids(&rows, &[], 5, 10_000), ["1"]);
        assert_eq!(ids(&rows, &["1"], 10, 10_000), ["2"]);
    }

    #[test]
    fn an_order_in_forty_pieces_of_which_half_are_told_twice_is_whole() {
        let told_once: Vec<BrokerTrade> = (0..40)
            .map(|piece| row(&piece.to_string(), 1 + piece % 4, 10_000))
            .collect();
        let again = told_once.iter().step_by(2).enumerate();
        let twice: Vec<BrokerTrade> = again
            .map(|(place, trade)| BrokerTrade {
                trade_id: Text::new(&format!("9{place:03}")).expect("short"),
                ..*trade
            })
            .collect();
        let rows = [told_once, twice].concat();
        let chosen: Vec<&BrokerTrade> = rows.iter().collect();
        let told = Told {
            filled: Qty::new(100),
            average_price: Price::from_paise(10_000),
            counted: Qty::ZERO,
        };
        let sum: i64 = choose(&chosen, |_| false, told)
            .iter()
            .map(|row| row.qty.get())
            .sum();
        assert_eq!(sum, 100);
    }

    #[test]
    fn rows_that_add_up_to_what_is_told_all_count_and_of_too_many_sums_none_is_guessed() {
        // Eleven pairs, each of a size of its own: two thousand sums.
        let rows: Vec<BrokerTrade> = (0..22)
            .map(|piece| row(&piece.to_string(), 1 << (piece / 2), 10_000 + 7 * (piece / 2)))
            .collect();
        let rows: Vec<&BrokerTrade> = rows.iter().collect();
        let chosen = |filled| {
            let told = Told {
                filled: Qty::new(filled),
                average_price: Price::NONE,
                counted: Qty::ZERO,
            };
            choose(&rows, |_| false, told).len()
        };
        assert_eq!(chosen(4_094), 22);
        assert_eq!(chosen(4_093), 11, "one of each pair is sure");
    }

    #[test]
    fn a_row_that_counted_and_was_taken_back_is_not_made_up_for_by_a_twin() {
        // Seven counted and are listed no longer; what is listed is five and two, each twice.
        let rows = [
            row("1", 5, 100),
            row("91", 5, 100),
            row("2", 2, 100),
            row("92", 2, 100),
        ];
        let told = Told {
            filled: Qty::new(14),
            average_price: Price::from_paise(100),
            counted: Qty::new(7 + 5),
        };
        assert_eq!(
            ids_of(&rows, &["1"], told),
            ["2"],
            "seven, five and two are all there are"
        );
        let counted = Qty::new(5);
        let whole = Told { counted, ..told };
        assert_eq!(ids_of(&rows, &["1"], whole), ["2", "91", "92"]);
        // The twin of one stood in for another, and left with the one: the other is no news.
        let rows = [row("1", 24, 99), row("3", 4, 100)];
        let stood_in = Told {
            filled: Qty::new(32),
            average_price: Price::from_paise(100),
            counted: Qty::new(24 + 4 + 4),
        };
        assert_eq!(ids_of(&rows, &["1"], stood_in), [""; 0]);
        let filled = Qty::new(36);
        let more = Told { filled, ..stood_in };
        assert_eq!(ids_of(&rows, &["1"], more), ["3"], "four more are filled");
    }

    #[test]
    fn twins_wait_while_other_rows_are_missing() {
        let rows = [row("1", 5, 100), row("2", 5, 100), row("3", 1, 200)];
        assert_eq!(ids(&rows, &[], 20, 10_000), ["1", "3"]);
        assert_eq!(ids(&rows, &[], 11, 10_909), ["1", "3", "2"]);
        assert_eq!(ids(&rows, &[], 6, 11_667), ["1", "3"]);
        assert_eq!(
            ids(&rows, &[], 11, 12_000),
            ["1", "3"],
            "five at another price are missing"
        );
    }
}
