//! Price steps of the cash market by day and price, for days without an instrument master.
//!
//! Source: NSE circulars on tick size, by price bucket from 2025-04-15; 0.05 before.

use bijli_core::{IstDay, Price};

/// From here on the step depends on the price.
const BUCKETS_FROM: (i32, u32, u32) = (2025, 4, 15);
/// Upper bound in rupees (included) and step in paise; above the last bound 500 paise.
const BUCKETS: [(i64, i64); 5] = [(250, 1), (1_000, 5), (5_000, 10), (10_000, 50), (20_000, 100)];

/// The price step of a share that costs about `price` on `day`.
#[must_use]
pub fn cash_tick(day: IstDay, price: Price) -> Price {
    if Some(day) < IstDay::from_ymd(BUCKETS_FROM.0, BUCKETS_FROM.1, BUCKETS_FROM.2) {
        return Price::from_paise(5);
    }
    let paise = BUCKETS
        .iter()
        .find(|(rupees, _)| price <= Price::from_paise(rupees * 100))
        .map_or(500, |(_, paise)| *paise);
    Price::from_paise(paise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_follows_day_and_price() {
        let old = IstDay::from_ymd(2021, 5, 28).expect("a real date");
        let new = IstDay::from_ymd(2026, 1, 5).expect("a real date");
        for (day, rupees, paise) in [
            (old, 12_000, 5),
            (new, 120, 1),
            (new, 900, 5),
            (new, 1_500, 10),
            (new, 30_000, 500),
        ] {
            assert_eq!(
                cash_tick(day, Price::from_paise(rupees * 100)),
                Price::from_paise(paise)
            );
        }
    }
}
