//! The score as a formula: parts, weights, mirror images, limits.

use bijli_core::Price;
use bijli_core::order::Side;
use bijli_strategy::spike::{SpikeFacts, WEIGHTS_PPM};
use proptest::prelude::*;

const ONE: u32 = 1_000_000;

/// A quiet market at 1 000 rupees with nothing warm beyond the necessary.
fn quiet() -> SpikeFacts {
    SpikeFacts {
        price: Price::new(10_010_000),
        base_price: Price::new(10_000_000),
        mean: 10_000_000.0,
        sigma: 10_000.0,
        atr: 10_000.0,
        volume_ratio: None,
        averages: [None; 4],
        macd_histogram: None,
        rsi: None,
    }
}

fn strong() -> SpikeFacts {
    SpikeFacts {
        price: Price::new(10_150_000),
        volume_ratio: Some(10.0),
        averages: [Some(10_000_000.0), Some(10_010_000.0), None, Some(9_990_000.0)],
        macd_histogram: Some(5_000.0),
        rsi: Some(80.0),
        ..quiet()
    }
}

#[test]
fn each_part_is_lifted_by_its_own_evidence_alone() {
    let averages = [Some(10_000_000.0), Some(10_020_000.0), None, None];
    for (parts, facts) in [
        ([0, 0, 0, 0, 0, 0], quiet()),
        (
            [0, 500_000, 0, 0, 0, 0],
            SpikeFacts {
                volume_ratio: Some(3.75),
                ..quiet()
            },
        ),
        ([0, 0, 0, 500_000, 0, 0], SpikeFacts { averages, ..quiet() }),
        (
            [0, 0, 0, 0, 400_000, 0],
            SpikeFacts {
                macd_histogram: Some(1_000.0),
                ..quiet()
            },
        ),
        (
            [0, 0, 0, 0, 0, 800_000],
            SpikeFacts {
                rsi: Some(70.0),
                ..quiet()
            },
        ),
        (
            [375_000, 0, 500_000, 0, 0, 0],
            SpikeFacts {
                price: Price::new(10_062_500),
                sigma: 20_000.0,
                ..quiet()
            },
        ),
        // The floors: five basis points of the mean for the deviation, eight of the price for the range.
        (
            [0, 0, 0, 0, 0, 0],
            SpikeFacts {
                sigma: 1.0,
                ..quiet()
            },
        ),
        (
            [ONE, 0, 500_000, 0, 0, 0],
            SpikeFacts {
                price: Price::new(10_050_250),
                atr: 1.0,
                ..quiet()
            },
        ),
    ] {
        let score = facts.score().expect("the price moved");
        assert_eq!(
            score.parts_ppm.map(|part| part.next_multiple_of(1_000)),
            parts,
            "{facts:?}"
        );
    }
}

#[test]
fn a_strong_move_scores_one_and_neither_volume_nor_momentum_alone_suffices() {
    let full = strong().score().expect("the price moved");
    assert_eq!(
        (full.side, full.score_ppm, full.parts_ppm),
        (Side::Buy, ONE, [ONE; 6])
    );
    let silent = SpikeFacts {
        volume_ratio: None,
        ..strong()
    };
    assert_eq!(
        silent.score().map(|score| score.score_ppm),
        Some(ONE - WEIGHTS_PPM[1])
    );
    let slow = SpikeFacts {
        base_price: Price::new(10_130_000),
        ..strong()
    };
    assert_eq!(
        slow.score().map(|score| score.score_ppm),
        Some(ONE - WEIGHTS_PPM[2])
    );
}

#[test]
fn without_a_change_there_is_no_direction_and_no_score() {
    let still = SpikeFacts {
        base_price: strong().price,
        ..strong()
    };
    assert_eq!(still.score(), None);
}

fn facts() -> impl Strategy<Value = SpikeFacts> {
    let average = prop::option::of(9_000_000.0..11_000_000.0);
    (
        (9_000_000i64..11_000_000, 9_000_000i64..11_000_000),
        (9_000_000.0..11_000_000.0, 0.0..100_000.0, 0.0..100_000.0),
        prop::option::of(0.0..50.0),
        [average.clone(), average.clone(), average.clone(), average],
        prop::option::of(-50_000.0..50_000.0),
        prop::option::of(0.0..100.0),
    )
        .prop_map(
            |(prices, (mean, sigma, atr), volume_ratio, averages, macd_histogram, rsi)| SpikeFacts {
                price: Price::new(prices.0),
                base_price: Price::new(prices.1),
                mean,
                sigma,
                atr,
                volume_ratio,
                averages,
                macd_histogram,
                rsi,
            },
        )
}

proptest! {
    #[test]
    fn a_score_is_the_weighted_sum_of_parts_between_zero_and_one(facts in facts()) {
        let Some(score) = facts.score() else { return Ok(()) };
        let sum: u64 = score.parts_ppm.iter().zip(WEIGHTS_PPM).map(|(part, weight)| u64::from(*part) * u64::from(weight)).sum();
        prop_assert!(score.parts_ppm.iter().all(|part| *part <= ONE));
        prop_assert_eq!(u64::from(score.score_ppm), sum / u64::from(ONE));
    }

    #[test]
    fn more_volume_never_lowers_the_score(facts in facts(), more in 0.0..10.0) {
        let richer = SpikeFacts { volume_ratio: Some(facts.volume_ratio.unwrap_or(0.0) + more), ..facts };
        let ppm = |facts: &SpikeFacts| facts.score().map(|score| score.score_ppm);
        prop_assert!(ppm(&richer) >= ppm(&facts));
    }

    #[test]
    fn a_fall_scores_as_its_mirror_image_rises(facts in facts()) {
        // Mirrored around the price, so that the floors, which are parts of price and mean, barely move.
        let price = facts.price.get();
        let mirrored = SpikeFacts {
            base_price: Price::new(2 * price - facts.base_price.get()),
            mean: 2.0 * price as f64 - facts.mean,
            averages: facts.averages.map(|average| average.map(|value| 2.0 * price as f64 - value)),
            macd_histogram: facts.macd_histogram.map(|value| -value),
            rsi: facts.rsi.map(|value| 100.0 - value),
            sigma: facts.sigma + 10_000.0,
            ..facts
        };
        let facts = SpikeFacts { sigma: facts.sigma + 10_000.0, ..facts };
        match (facts.score(), mirrored.score()) {
            (Some(one), Some(other)) => {
                prop_assert_eq!(one.side, other.side.opposite());
                for (one, other) in one.parts_ppm.into_iter().zip(other.parts_ppm) {
                    prop_assert!(one.abs_diff(other) <= 1, "{} against {}", one, other);
                }
            }
            (one, other) => prop_assert_eq!(one, other),
        }
    }
}
