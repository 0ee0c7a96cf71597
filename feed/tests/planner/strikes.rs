//! A window of strikes that follows its underlying, and not every twitch of it.

use bijli_core::instrument::{Instrument, InstrumentId, InstrumentKind, SectorId};
use bijli_core::price::Price;
use bijli_core::quantity::Qty;
use bijli_core::text::Text;
use bijli_core::time::IstDay;
use bijli_feed::planner::warm_strikes::{WarmStrikes, WarmWidth};
use proptest::prelude::*;

const INDEX: InstrumentId = InstrumentId::new(0);
const WIDTH: WarmWidth = WarmWidth {
    strikes_each_side: 2,
    expiries: 1,
    margin_percent: 25,
};

fn row(id: u32, kind: InstrumentKind, strike: i64, expiry: i32) -> Instrument {
    Instrument {
        id: InstrumentId::new(id),
        kind,
        underlying: INDEX,
        tick: Price::from_paise(5),
        lot: Qty::new(75),
        freeze: Qty::new(1_800),
        prev_close: Price::NONE,
        expiry: IstDay::new(expiry),
        strike: if strike == 0 { Price::NONE } else { rupees(strike) },
        lower_band: Price::NONE,
        upper_band: Price::NONE,
        sector: SectorId::OTHER,
        key: Text::new(&format!("NSE_FO|{id}")).expect("short"),
        symbol: Text::EMPTY,
    }
}

fn rupees(rupees: i64) -> Price {
    Price::from_paise(rupees * 100)
}

/// An index, and calls and puts of two expiries with strikes from 20 000 to 21 000 every 50.
fn table() -> Vec<Instrument> {
    let mut rows = vec![row(0, InstrumentKind::Index, 0, 0)];
    for expiry in [20, 27] {
        for strike in (20_000..=21_000).step_by(50) {
            for kind in [InstrumentKind::Call, InstrumentKind::Put] {
                rows.push(row(rows.len() as u32, kind, strike, expiry));
            }
        }
    }
    rows
}

fn strikes(warm: &WarmStrikes, table: &[Instrument]) -> Vec<i64> {
    warm.warm()
        .map(|id| table[id.index()].strike.get() / rupees(1).get())
        .collect()
}

#[test]
fn the_window_holds_calls_and_puts_of_the_nearest_expiry_around_the_money() {
    let table = table();
    let mut warm = WarmStrikes::new(&table, IstDay::new(15), WIDTH);
    assert_eq!(
        warm.warm().count(),
        0,
        "without a price there is no money to be around"
    );
    assert!(warm.follow(INDEX, rupees(20_512)));
    assert_eq!(
        strikes(&warm, &table),
        [
            20_500, 20_500, 20_450, 20_450, 20_550, 20_550, 20_400, 20_400, 20_600, 20_600
        ]
    );
    assert!(warm.warm().all(|id| table[id.index()].expiry == IstDay::new(20)));
    let mut later = WarmStrikes::new(&table, IstDay::new(21), WIDTH);
    later.follow(INDEX, rupees(20_512));
    assert!(later.warm().all(|id| table[id.index()].expiry == IstDay::new(27)));
}

#[test]
fn the_window_moves_a_quarter_step_beyond_the_half_way_point_and_not_before() {
    let table = table();
    let mut warm = WarmStrikes::new(&table, IstDay::new(15), WIDTH);
    warm.follow(INDEX, rupees(20_500));
    assert!(
        !warm.follow(INDEX, rupees(20_537)),
        "half way is 20 525, a quarter step more 20 537.50"
    );
    assert!(warm.follow(INDEX, rupees(20_538)));
    assert_eq!(strikes(&warm, &table)[0], 20_550);
    assert!(
        !warm.follow(INDEX, rupees(20_513)),
        "back over the boundary is not enough"
    );
    assert!(warm.follow(INDEX, rupees(20_512)));
    assert!(warm.follow(INDEX, rupees(90_000)));
    assert_eq!(
        strikes(&warm, &table)[0],
        21_000,
        "the last strike is as far as it goes"
    );
    assert!(!warm.follow(INDEX, Price::NONE));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn swings_of_less_than_half_a_step_move_the_window_at_most_once(
        middle in 20_100..20_900_i64, swings in proptest::collection::vec(-12..=12_i64, 1..60)
    ) {
        let table = table();
        let mut warm = WarmStrikes::new(&table, IstDay::new(15), WIDTH);
        let moves = swings.iter().filter(|swing| warm.follow(INDEX, rupees(middle + **swing))).count();
        prop_assert!(moves <= 2, "{} moves", moves);
    }
}
