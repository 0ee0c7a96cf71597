//! An entry beyond the freeze quantity: cut, judged whole, one position, whatever becomes of its pieces.

use bijli_core::command::{Command, Place};
use bijli_core::config::Config;
use bijli_core::event::{Event, Submission};
use bijli_core::order::{BrokerStatus, OrderType, Purpose, Side};
use bijli_core::order_config::ProtectiveStop;
use bijli_core::risk::TradingMode;
use bijli_core::{Denial, DurationNs, Money};
use proptest::prelude::*;

use crate::house::{House, OTHER, STOCK, rupees};

/// The freeze quantity of the house's stocks; their lot is one.
const FREEZE: i64 = 100_000;

/// A house with money for millions of shares and room in the rates for ten orders a second.
fn rich(change: impl FnOnce(&mut Config)) -> House {
    let mut house = House::open();
    let mut config = Config::default();
    config.risk.capital = Money::from_rupees(500_000_000);
    config.risk.order_value_max = config.risk.capital;
    config.risk.entries_per_second_max = 10;
    config.risk.cooldown = DurationNs::ZERO;
    change(&mut config);
    house.tell(Event::Configured(config));
    house
}

fn places(commands: &[Command]) -> Vec<Place> {
    let place = |command: &Command| match command {
        Command::Place(place) => *place,
        other => panic!("expected placements, got {other:?}"),
    };
    commands.iter().map(place).collect()
}

fn quantities(commands: &[Command]) -> Vec<i64> {
    places(commands).iter().map(|place| place.qty.get()).collect()
}

fn denial(house: &House) -> Option<Denial> {
    house.engine.state().signal(0).and_then(|judged| judged.denial)
}

fn fill(house: &mut House, place: &Place) {
    house.resolve(place.intent, Submission::Acked);
    house.update(place, BrokerStatus::Open, 0);
    house.trade(place, place.qty.get(), 10_005);
}

#[test]
fn an_entry_is_cut_at_the_freeze_quantity_up_to_ten_times_it() {
    let full = |count: usize| vec![FREEZE; count];
    let with_rest = |mut pieces: Vec<i64>| {
        pieces.push(1);
        pieces
    };
    for (qty, expected) in [
        (FREEZE, full(1)),
        (FREEZE + 1, with_rest(full(1))),
        (9 * FREEZE + 1, with_rest(full(9))),
        (10 * FREEZE, full(10)),
    ] {
        let mut house = rich(|_| {});
        let commands = house.wish_to_enter(STOCK, Side::Buy, qty);
        assert_eq!(quantities(&commands), expected, "{qty}");
        let pieces = places(&commands);
        assert!(
            pieces
                .iter()
                .all(|piece| piece.purpose == Purpose::Entry && piece.price == pieces[0].price)
        );
        assert_eq!(house.engine.state().counts().entries, expected.len() as u64);
        assert_eq!(
            house.engine.state().exposure().0,
            Money::new(qty * 1_001_000),
            "all of it is at stake"
        );
    }
    let mut house = rich(|_| {});
    assert_eq!(house.wish_to_enter(STOCK, Side::Buy, 10 * FREEZE + 1), []);
    assert_eq!(denial(&house), Some(Denial::FreezeQuantity));
}

#[test]
fn the_pieces_of_an_entry_open_one_position() {
    for (positions_max, expected) in [(1, Some(Denial::PositionsMax)), (2, None)] {
        let mut house = rich(|config| config.risk.positions_max = positions_max);
        assert_eq!(house.wish_to_enter(STOCK, Side::Buy, 3 * FREEZE).len(), 3);
        house.wish_to_enter(OTHER, Side::Buy, 1);
        assert_eq!(denial(&house), expected, "{positions_max}");
    }
}

#[test]
fn every_piece_counts_in_the_rate_of_the_second() {
    for (pieces, expected) in [(6, None), (7, Some(Denial::OrderRate))] {
        let mut house = rich(|_| {});
        house.wish_to_enter(STOCK, Side::Buy, 4 * FREEZE);
        house.wish_to_enter(OTHER, Side::Buy, pieces * FREEZE);
        assert_eq!(denial(&house), expected, "{pieces}");
    }
}

#[test]
fn pieces_that_come_to_nothing_are_missing_from_the_position_and_nothing_else() {
    let mut house = rich(|_| {});
    let pieces = places(&house.wish_to_enter(STOCK, Side::Buy, 4 * FREEZE));
    fill(&mut house, &pieces[0]);
    house.resolve(pieces[1].intent, Submission::Refused);
    house.resolve(pieces[2].intent, Submission::Acked);
    house.update(&pieces[2], BrokerStatus::Rejected, 0);
    house.resolve(pieces[3].intent, Submission::Acked);
    house.update(&pieces[3], BrokerStatus::Open, 40);
    house.trade(&pieces[3], 40, 10_005);
    house.now = house.now.plus(DurationNs::from_secs(3));
    house.update(&pieces[3], BrokerStatus::Cancelled, 40);
    assert_eq!(house.position(STOCK), FREEZE + 40);
    assert_eq!(house.engine.state().orders().live_count(), 0);
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
    let exits = places(&house.wish_to_leave(STOCK, FREEZE + 40));
    assert_eq!(
        exits.iter().map(|exit| exit.qty.get()).collect::<Vec<i64>>(),
        [FREEZE, 40]
    );
    for exit in &exits {
        house.resolve(exit.intent, Submission::Acked);
        house.update(exit, BrokerStatus::Open, 0);
        house.trade(exit, exit.qty.get(), 10_000);
    }
    assert_eq!(house.position(STOCK), 0);
    assert_eq!(house.engine.state().protections().trips_closed(), 1);
}

#[test]
fn one_rejected_piece_of_an_exit_is_sent_again_alone() {
    let mut house = rich(|_| {});
    for piece in places(&house.wish_to_enter(STOCK, Side::Buy, 2 * FREEZE + 5)) {
        fill(&mut house, &piece);
    }
    let exits = places(&house.wish_to_leave(STOCK, 2 * FREEZE + 5));
    for exit in &exits {
        house.resolve(exit.intent, Submission::Acked);
        house.update(exit, BrokerStatus::Open, 0);
    }
    house.update(&exits[1], BrokerStatus::Rejected, 0);
    for exit in [exits[0], exits[2]] {
        house.trade(&exit, exit.qty.get(), 10_000);
    }
    assert_eq!(house.position(STOCK), FREEZE);
    assert_eq!(quantities(&house.wait(DurationNs::from_secs(5))), [FREEZE]);
}

#[test]
fn the_stop_at_the_broker_is_cut_too_and_covers_what_is_filled() {
    let mut house = rich(|config| config.orders.protective_stop = ProtectiveStop::Broker);
    let mut covered = 0;
    let pieces = places(&house.wish_to_enter(STOCK, Side::Buy, 2 * FREEZE + 5));
    for piece in &pieces {
        house.resolve(piece.intent, Submission::Acked);
    }
    house.now = house.now.plus(DurationNs::from_secs(3));
    for piece in &pieces {
        house.update(piece, BrokerStatus::Open, 0);
        house.trade(piece, piece.qty.get(), 10_005);
    }
    for (_, order) in house.engine.state().orders().live() {
        assert_eq!(order.order_type, OrderType::StopLimit);
        assert!(order.is_protective && order.qty.get() <= FREEZE);
        covered += order.qty.get();
    }
    assert_eq!((house.position(STOCK), covered), (2 * FREEZE + 5, 2 * FREEZE + 5));
}

#[test]
fn an_entry_that_is_cut_is_the_same_entry_again_only_as_a_whole() {
    for (again, expected) in [
        (2 * FREEZE + 5, Some(Denial::IdenticalOrder)),
        (FREEZE + 5, None),
        (5, None),
    ] {
        let mut house = rich(|_| {});
        for piece in places(&house.wish_to_enter(STOCK, Side::Buy, 2 * FREEZE + 5)) {
            house.resolve(piece.intent, Submission::Refused);
        }
        house.now = house.now.plus(DurationNs::from_millis(1));
        house.wish_to_enter(STOCK, Side::Buy, again);
        assert_eq!(denial(&house), expected, "{again}");
    }
}

#[test]
fn an_entry_that_is_cut_is_worth_what_all_of_it_is_worth() {
    let value = rupees(3 * FREEZE * 1_001 / 10);
    for (less, expected) in [(0, None), (1, Some(Denial::OrderValue))] {
        let mut house = rich(|config| config.risk.order_value_max = Money::new(value.get() - less));
        house.wish_to_enter(STOCK, Side::Buy, 3 * FREEZE);
        assert_eq!(denial(&house), expected);
    }
}

/// What becomes of one piece of an entry.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Filled,
    Refused,
    NotSent,
    Rejected,
    /// So much of it fills, and the rest is cancelled.
    CutOff(i64),
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        Just(Fate::Filled),
        Just(Fate::Refused),
        Just(Fate::NotSent),
        Just(Fate::Rejected),
        (1..FREEZE).prop_map(Fate::CutOff),
    ];
    prop::collection::vec(fate, 10)
}

/// Lets it come about; gives what filled.
fn befall(house: &mut House, place: &Place, fate: Fate) -> i64 {
    let submission = match fate {
        Fate::Refused => Submission::Refused,
        Fate::NotSent => Submission::NotSent,
        Fate::Filled | Fate::Rejected | Fate::CutOff(_) => Submission::Acked,
    };
    house.resolve(place.intent, submission);
    match fate {
        Fate::Refused | Fate::NotSent => 0,
        Fate::Rejected => {
            house.update(place, BrokerStatus::Rejected, 0);
            0
        }
        Fate::Filled => {
            house.update(place, BrokerStatus::Open, 0);
            house.trade(place, place.qty.get(), 10_005);
            place.qty.get()
        }
        Fate::CutOff(filled) => {
            let filled = filled.min(place.qty.get());
            house.update(place, BrokerStatus::Open, filled);
            house.trade(place, filled, 10_005);
            house.update(place, BrokerStatus::Cancelled, filled);
            filled
        }
    }
}

proptest! {
    #[test]
    fn whatever_becomes_of_the_pieces_the_position_is_what_filled_and_can_be_left(
        qty in 1..11 * FREEZE, fates in fates(),
    ) {
        let mut house = rich(|_| {});
        let pieces = places(&house.wish_to_enter(STOCK, Side::Buy, qty));
        if qty > 10 * FREEZE {
            prop_assert_eq!(denial(&house), Some(Denial::FreezeQuantity));
            return Ok(());
        }
        let (first, rest) = (pieces[0].qty.get(), &pieces[1..]);
        prop_assert_eq!(first + rest.iter().map(|piece| piece.qty.get()).sum::<i64>(), qty);
        prop_assert!(pieces.iter().rev().skip(1).all(|piece| piece.qty.get() == FREEZE));
        prop_assert!((1..=FREEZE).contains(&pieces[pieces.len() - 1].qty.get()));
        let mut filled = 0;
        for (piece, fate) in pieces.iter().zip(&fates) {
            filled += befall(&mut house, piece, *fate);
            prop_assert_eq!(house.position(STOCK), filled);
        }
        prop_assert_eq!(house.engine.state().orders().live_count(), 0);
        prop_assert_eq!(house.engine.state().mode(), TradingMode::Active);
        prop_assert_eq!(house.engine.state().exposure().0, Money::new(filled * 999_500));
        if filled > 0 {
            let exits = places(&house.wish_to_leave(STOCK, filled));
            prop_assert_eq!(exits.iter().map(|exit| exit.qty.get()).sum::<i64>(), filled);
            for exit in &exits {
                prop_assert!(exit.qty.get() <= FREEZE);
                befall(&mut house, exit, Fate::Filled);
            }
        }
        prop_assert_eq!(house.position(STOCK), 0);
    }
}
