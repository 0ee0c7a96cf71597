//! The kept sums against the definition, from nothing but the prices.

use super::*;
use proptest::prelude::*;

const A: InstrumentId = InstrumentId::new(0);
const B: InstrumentId = InstrumentId::new(1);

fn minute(number: i64) -> TsNs {
    TsNs::new((29_000_000 + number) * MINUTE_NS)
}

/// Both priced once a minute, by `price_of` the minute and which of them it is.
fn priced(minutes: i64, price_of: impl Fn(i64, InstrumentId) -> i64) -> Comovement {
    let mut all = Comovement::default();
    for id in [A, B] {
        all.list_instrument();
        for number in 0..minutes {
            all.note_price(id, minute(number), Price::new(price_of(number, id)));
        }
    }
    all
}

fn relation(all: &Comovement, number: i64) -> Relation {
    match (all.returns(A, minute(number)), all.returns(B, minute(number))) {
        (Some(a), Some(b)) => a.relation(&b, 800_000),
        _ => Relation::Unknown,
    }
}

fn zigzag(number: i64) -> i64 {
    1_000_000 + [0, 3_000, 1_000, 7_000, 2_000][(number % 5) as usize]
}

#[test]
fn the_same_path_is_together_and_its_mirror_against() {
    assert_eq!(
        relation(&priced(40, |number, _| zigzag(number)), 40),
        Relation::Together
    );
    let mirrored = priced(40, |number, id| {
        if id == A {
            zigzag(number)
        } else {
            2_000_000 - zigzag(number)
        }
    });
    assert_eq!(relation(&mirrored, 40), Relation::Against);
    let shifted = priced(40, |number, id| zigzag(number + i64::from(id.get()) * 2));
    assert_eq!(relation(&shifted, 40), Relation::Apart);
}

#[test]
fn nothing_is_known_before_the_window_is_full_nor_of_what_stands_still() {
    let minutes = WINDOW_MINUTES as i64;
    let short = priced(minutes, |number, _| zigzag(number));
    assert_eq!(relation(&short, minutes), Relation::Unknown);
    let enough = priced(minutes + 1, |number, _| zigzag(number));
    assert_eq!(relation(&enough, minutes), Relation::Unknown);
    assert_eq!(relation(&enough, minutes + 1), Relation::Together);
    let still = priced(40, |number, id| if id == A { zigzag(number) } else { 500 });
    assert_eq!(relation(&still, 40), Relation::Unknown);
}

#[test]
fn silent_minutes_are_minutes_without_a_return() {
    let mut all = priced(40, |number, _| zigzag(number));
    // After a window of silence nothing moved at all.
    assert_eq!(relation(&all, 40 + WINDOW_MINUTES as i64), Relation::Unknown);
    let jump = minute(60);
    all.note_price(A, jump, Price::new(1_100_000));
    let late = minute(61);
    let returns = all.returns(A, late).expect("the window is full");
    assert_eq!(returns.values[slot_of(29_000_060)], 3_912);
}

/// The definition, from nothing but the prices: minute and price, in order.
fn returns_by_definition(prices: &[(i64, i64)], now: i64) -> Option<Vec<i128>> {
    let first = prices.first()?.0;
    let last_of = |minute: i64| {
        let told = prices.iter().rev().find(|(at, _)| *at <= minute);
        told.map(|(_, price)| Price::new(*price))
    };
    let first_return = now - WINDOW_MINUTES as i64;
    (first < first_return).then(|| {
        let returns = (first_return..now).map(|minute| {
            let (base, last) = (last_of(minute - 1), last_of(minute));
            scaled_return(base.expect("priced"), last.expect("priced")).into()
        });
        returns.collect()
    })
}

fn relation_by_definition(one: &[(i64, i64)], other: &[(i64, i64)], now: i64, min_ppm: u32) -> Relation {
    let (Some(x), Some(y)) = (returns_by_definition(one, now), returns_by_definition(other, now)) else {
        return Relation::Unknown;
    };
    let count = WINDOW_MINUTES as i128;
    let moment = |x: &[i128], y: &[i128]| {
        let products: i128 = x.iter().zip(y).map(|(x, y)| x * y).sum();
        count * products - x.iter().sum::<i128>() * y.iter().sum::<i128>()
    };
    let (spread, shared) = (moment(&x, &x) * moment(&y, &y), moment(&x, &y));
    let is_enough = shared * shared * 1_000_000_000_000 >= i128::from(min_ppm).pow(2) * spread;
    match (spread, is_enough) {
        (0, _) => Relation::Unknown,
        (_, false) => Relation::Apart,
        (_, true) if shared > 0 => Relation::Together,
        (_, true) => Relation::Against,
    }
}

/// A track with all that it keeps made anew from what the state hash tells of it.
fn made_anew(track: &Track) -> Track {
    let mut anew = Track {
        returns: Returns::NONE,
        inverse: 0,
        ahead_spread: 0,
        ahead_change: 0,
        held: track.returns.values[slot_of(track.minute)],
        ..*track
    };
    for (slot, value) in track.returns.values.into_iter().enumerate() {
        anew.returns.put(slot, value);
    }
    if track.base.is_set() {
        anew.inverse = inverse_of(track.base);
        anew.look_ahead();
    }
    anew
}

proptest! {
    #[test]
    fn kept_sums_and_unclosed_minutes_give_the_relation_of_the_definition(
        ticks in prop::collection::vec((0usize..3, 0i64..3, 900_000i64..1_100_000), 0..160),
        jump in prop::sample::select(vec![0i64, 5, WINDOW_MINUTES as i64 - 1, WINDOW_MINUTES as i64 + 3]),
        jump_at in 0usize..160,
        min_ppm in 0u32..600_000,
        scale in prop::sample::select(vec![50i128, RETURN_UNITS.into(), 1_000_000, 1 << 33, 1 << 45]),
    ) {
        let mut all = Comovement::default();
        let mut prices = vec![Vec::new(); 3];
        (0..3).for_each(|_| all.list_instrument());
        let mut now = 1;
        for (number, (which, gap, price)) in ticks.into_iter().enumerate() {
            now += gap + if number == jump_at { jump } else { 0 };
            let id = InstrumentId::new(which as u32);
            let price = (i128::from(price) * scale / 1_000_000) as i64;
            all.note_price(id, minute(now), Price::new(price));
            prices[which].push((now, price));
            prop_assert_eq!(&all.tracks[which], &made_anew(&all.tracks[which]));
            let silent = WINDOW_MINUTES as i64;
            for at in (now..now + 3).chain(now + silent - 1..now + silent + 2) {
                for (one, other) in [(0, 1), (1, 0), (1, 2), (2, 0)] {
                    let beside = all.beside(InstrumentId::new(one), minute(at), min_ppm);
                    prop_assert_eq!(
                        beside.relation(InstrumentId::new(other)),
                        relation_by_definition(&prices[one as usize], &prices[other as usize], at, min_ppm)
                    );
                }
            }
        }
    }

    #[test]
    fn the_return_of_a_minute_under_way_is_that_of_the_definition(
        base in prop_oneof![
            1i64..100_000,
            (1i64..1 << 20).prop_map(|times| times * RETURN_UNITS),
            1i64..1 << 33,
            1i64..1 << 50,
            1..i64::MAX,
        ],
        units in -4_100i64..=4_100,
        beside in -1i64..=1,
    ) {
        // At the edge of a unit, and one step to either side of it.
        let change = i128::from(base) * i128::from(units) / i128::from(RETURN_UNITS) + i128::from(beside);
        let last = (i128::from(base) + change).clamp(1, i64::MAX.into()) as i64;
        let (base, last) = (Price::new(base), Price::new(last));
        let track = Track { base, last, inverse: inverse_of(base), ..NO_TRACK };
        prop_assert_eq!(track.closing(), scaled_return(base, last), "{:?} {:?}", base, last);
    }

    #[test]
    fn the_integers_agree_with_the_textbook_formula(
        pairs in prop::collection::vec((-4_000i16..=4_000, -4_000i16..=4_000), WINDOW_MINUTES),
        min_ppm in 500_000u32..=1_000_000,
    ) {
        let x: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.0)).collect();
        let y: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.0) * 0.7 + f64::from(pair.1) * 0.7).collect();
        let mut a = Returns::NONE;
        let mut b = a;
        for (slot, (left, right)) in x.iter().zip(&y).enumerate() {
            a.put(slot, *left as i16);
            b.put(slot, *right as i16);
        }
        let y: Vec<f64> = b.values.iter().map(|value| f64::from(*value)).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (mx, my) = (mean(&x), mean(&y));
        let sum = |f: &dyn Fn(f64, f64) -> f64| x.iter().zip(&y).map(|(x, y)| f(x - mx, y - my)).sum::<f64>();
        let spread = (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
        prop_assume!(spread > 0.0);
        let correlation = sum(&|x, y| x * y) / spread;
        prop_assume!((correlation.abs() - f64::from(min_ppm) / 1e6).abs() > 1e-9);
        let expected = if correlation.abs() < f64::from(min_ppm) / 1e6 {
            Relation::Apart
        } else if correlation > 0.0 {
            Relation::Together
        } else {
            Relation::Against
        };
        prop_assert_eq!(a.relation(&b, min_ppm), expected);
        prop_assert_eq!(b.relation(&a, min_ppm), expected);
    }
}
