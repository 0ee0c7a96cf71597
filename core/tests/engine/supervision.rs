//! Verbs against modes, the broker's word on flatness, differences, clocks and steps of the start.

use bijli_core::command::{Command, DropEntries, Reconcile};
use bijli_core::difference::{Difference, DifferenceKind};
use bijli_core::engine::Objection;
use bijli_core::event::{
    ClockDoubt, ClockDoubted, Controlled, Event, FundsReported, LatchCarried, PositionReported, StartStepped,
    Submission, Verb,
};
use bijli_core::order::BrokerStatus;
use bijli_core::risk::TradingMode;
use bijli_core::start_steps::{START_STEPS, StartStep, StepVerdict};
use bijli_core::strategy::StrategyId;
use bijli_core::text::Text;
use bijli_core::{Denial, DurationNs, Price, Qty, TsNs};

use crate::house::{House, OTHER, STOCK, only_place, rupees};

const VERBS: [Verb; 8] = [
    Verb::Pause,
    Verb::Resume,
    Verb::Exit,
    Verb::Flatten,
    Verb::Kill,
    Verb::Arm,
    Verb::ReduceOnly,
    Verb::BrokerSwitch,
];

/// Everything that an operator's word can lead to, and what arming alone ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Reconciling,
    Active,
    Paused,
    ReduceOnly,
    Flattening,
    Halted,
    Killed,
}

pub(crate) const STANDINGS: [Standing; 7] = [
    Standing::Reconciling,
    Standing::Active,
    Standing::Paused,
    Standing::ReduceOnly,
    Standing::Flattening,
    Standing::Halted,
    Standing::Killed,
];

/// A house with a position, standing so.
pub(crate) fn standing(standing: Standing) -> House {
    let (mut house, _) = House::bought(STOCK);
    match standing {
        Standing::Reconciling => house.start(2),
        Standing::Active => {}
        Standing::Paused => drop(house.control(Verb::Pause, 1)),
        Standing::ReduceOnly => drop(house.control(Verb::ReduceOnly, 1)),
        Standing::Flattening => drop(house.control(Verb::Flatten, 1)),
        Standing::Halted => {
            let nobodys = bijli_core::order::IntentId::new(1, 999);
            house.resolve(nobodys, Submission::Acked);
        }
        Standing::Killed => drop(house.control(Verb::Kill, 1)),
    }
    house
}

/// Mode afterwards, whether the verb is obeyed, and whether the engine still wants to be out of everything.
fn expected(from: Standing, verb: Verb) -> (TradingMode, bool, bool) {
    use Standing as S;
    use TradingMode as M;
    let mode = match from {
        S::Reconciling => M::Reconciling,
        S::Active => M::Active,
        S::Paused | S::Flattening => M::Paused,
        S::ReduceOnly => M::ReduceOnly,
        S::Halted => M::Halted,
        S::Killed => M::Killed,
    };
    let leaves = matches!(from, S::Flattening | S::Killed);
    match (verb, from) {
        (Verb::Kill, _) => (M::Killed, true, true),
        // It needs a kill and the broker's word that nothing is open, and here a position is.
        (Verb::BrokerSwitch, _) => (mode, false, leaves),
        (Verb::Arm, S::Reconciling) | (Verb::Resume, S::Killed | S::Flattening) => (mode, false, leaves),
        (Verb::Arm, S::Flattening) => (M::Paused, true, true),
        (Verb::Arm, _) => (M::Active, true, false),
        (Verb::Resume, S::Paused | S::ReduceOnly) => (M::Active, true, false),
        (Verb::Flatten, S::Active) => (M::Paused, true, true),
        (Verb::Flatten, _) => (mode, true, true),
        (Verb::Pause, S::Active) => (M::Paused, true, false),
        (Verb::ReduceOnly, S::Active | S::Paused | S::Flattening) => (M::ReduceOnly, true, leaves),
        (Verb::Pause | Verb::Resume | Verb::Exit | Verb::ReduceOnly, _) => (mode, true, leaves),
    }
}

/// Whether anything that reduces the position is on its way.
fn is_leaving(house: &House) -> bool {
    house.engine.state().is_killed() || house.engine.state().is_flattening()
}

#[test]
fn every_verb_in_every_mode_does_what_the_table_says_and_a_refused_one_nothing() {
    for from in STANDINGS {
        for verb in VERBS {
            let mut house = standing(from);
            let (mode, obeyed, leaves) = expected(from, verb);
            let controls = house.engine.state().counts().controls;
            let objection = house.engine.state().objection_to(verb, None, None);
            assert_eq!(objection.is_none(), obeyed, "{verb:?} in {from:?}");
            house.control(verb, 2);
            let state = house.engine.state();
            assert_eq!(state.mode(), mode, "{verb:?} in {from:?}");
            assert_eq!(is_leaving(&house), leaves, "{verb:?} in {from:?}");
            assert_eq!(state.counts().controls - controls, u64::from(obeyed));
            assert_eq!(state.supervision().refused, u64::from(!obeyed));
            // No verb and no mode but these two lets an entry out.
            let entered = house
                .wish_to_buy(OTHER)
                .iter()
                .any(|command| !command.reduces_risk());
            assert_eq!(entered, mode == TradingMode::Active, "{verb:?} in {from:?}");
        }
    }
}

#[test]
fn a_command_id_acts_once_among_the_last_256_not_only_next_to_itself() {
    let mut house = House::open();
    house.control(Verb::Pause, 7);
    house.control(Verb::Resume, 8);
    house.control(Verb::Pause, 7);
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
    assert_eq!(house.engine.state().counts().controls, 2);
}

#[test]
fn a_used_id_swallows_no_kill_and_serves_no_other_command() {
    let mut house = House::open();
    house.control(Verb::Pause, 7);
    house.control(Verb::Resume, 7);
    let state = house.engine.state();
    assert_eq!(state.mode(), TradingMode::Paused, "the id is that of the pause");
    assert_eq!((state.counts().controls, state.supervision().refused), (1, 1));
    house.control(Verb::Kill, 7);
    assert_eq!(house.engine.state().mode(), TradingMode::Killed);
    house.control(Verb::Kill, 7);
    assert_eq!(
        house.engine.state().counts().controls,
        2,
        "killed already by this id"
    );
    house.control(Verb::Arm, 8);
    house.control(Verb::Arm, 8);
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
    house.control(Verb::Kill, 7);
    assert_eq!(
        house.engine.state().mode(),
        TradingMode::Killed,
        "nothing is killed any more: a kill is a kill"
    );
    house.control(Verb::Arm, 8);
    assert_eq!(
        house.engine.state().mode(),
        TradingMode::Killed,
        "a repeated arming ends no later kill"
    );
}

#[test]
fn a_kill_takes_back_what_has_not_left_and_ends_only_by_the_broker_s_word_and_a_person_s() {
    let mut house = House::open();
    let entry = only_place(&house.wish_to_buy(STOCK));
    let dropped = Command::DropEntries(DropEntries { ts: house.now });
    assert_eq!(house.control(Verb::Kill, 1), [dropped]);
    house.resolve(entry.intent, Submission::NotSent);
    let asked = house.wait(DurationNs::from_secs(1));
    assert!(house.engine.state().supervision().flat_check.is_asked());
    assert_eq!(house.wait(DurationNs::from_secs(60)), [], "asked once");
    house.shown_flat(&asked);
    let state = house.engine.state();
    assert!(state.supervision().flat_check.is_flat() && state.is_killed());
    house.control(Verb::Arm, 2);
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
}

#[test]
fn a_position_that_only_the_broker_shows_is_taken_over_closed_and_asked_about_again() {
    let mut house = House::open();
    house.control(Verb::Kill, 1);
    let asked = house.wait(DurationNs::from_secs(1));
    house.tell(Event::PositionReported(PositionReported {
        ts: house.now,
        instrument: STOCK,
        qty: Qty::new(30),
        last_price: Price::NONE,
    }));
    house.shown(&asked, 1, 0);
    let exit = only_place(&house.wait(DurationNs::from_secs(1)));
    assert_eq!(exit.qty, Qty::new(30));
    assert!(!house.engine.state().supervision().flat_check.is_flat());
    house.resolve(exit.intent, Submission::Acked);
    house.update(&exit, BrokerStatus::Open, 0);
    house.trade(&exit, 30, 10_000);
    let asked = house.wait(DurationNs::from_secs(1));
    house.shown_flat(&asked);
    assert!(house.engine.state().supervision().flat_check.is_flat());
}

#[test]
fn a_flatten_ends_paused_once_the_broker_shows_nothing_open_and_not_before() {
    let mut house = House::open();
    house.control(Verb::Flatten, 1);
    let asked = house.wait(DurationNs::from_secs(1));
    house.shown(&asked, 0, 1);
    assert!(
        house.engine.state().is_flattening(),
        "an order lives at the broker"
    );
    let again = house.wait(DurationNs::from_secs(5));
    house.shown_flat(&again);
    house.wait(DurationNs::from_secs(1));
    assert!(!house.engine.state().is_flattening());
    assert_eq!(house.engine.state().mode(), TradingMode::Paused);
    house.control(Verb::Resume, 2);
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
}

#[test]
fn one_strategy_is_paused_and_resumed_alone() {
    let mut house = House::open();
    let steer = |house: &mut House, verb, command_id| {
        house.tell(Event::Controlled(Controlled {
            ts: house.now,
            verb,
            instrument: None,
            strategy: Some(StrategyId::SPIKE),
            uid: 1_000,
            command_id,
            reason: Text::EMPTY,
        }))
    };
    steer(&mut house, Verb::Pause, 1);
    assert_eq!(house.engine.state().mode(), TradingMode::Active, "others go on");
    assert_eq!(house.wish_to_buy(STOCK), []);
    let judged = house.engine.state().signal(0).expect("a signal was judged");
    assert_eq!(judged.denial, Some(Denial::Paused));
    steer(&mut house, Verb::Kill, 2);
    let objection = house
        .engine
        .state()
        .objection_to(Verb::Kill, Some(StrategyId::SPIKE), None);
    assert_eq!(objection, Some(Objection::NotOfOneStrategy));
    assert!(!house.engine.state().is_killed());
    steer(&mut house, Verb::Resume, 3);
    only_place(&house.wish_to_buy(STOCK));
}

#[test]
fn a_difference_stays_on_the_table_until_a_person_arms_even_if_later_reports_agree() {
    let (mut house, _) = House::bought(STOCK);
    let since = house.now;
    let report = |house: &mut House, qty| {
        house.tell(Event::PositionReported(PositionReported {
            ts: house.now,
            instrument: STOCK,
            qty: Qty::new(qty),
            last_price: Price::NONE,
        }))
    };
    report(&mut house, 60);
    let row = |brokers| Difference {
        kind: DifferenceKind::Position,
        instrument: STOCK,
        ours: Qty::new(100),
        brokers: Qty::new(brokers),
        since,
    };
    let rows = |house: &House| -> Vec<Difference> {
        house
            .engine
            .state()
            .supervision()
            .differences
            .iter()
            .copied()
            .collect()
    };
    assert_eq!(rows(&house), [row(60)]);
    house.wait(DurationNs::from_secs(9));
    report(&mut house, 100);
    house.start(2);
    house.reconcile();
    assert_eq!(rows(&house), [row(100)]);
    assert_eq!(house.engine.state().mode(), TradingMode::ReduceOnly);
    house.control(Verb::Arm, 1);
    assert_eq!(
        (rows(&house), house.engine.state().mode()),
        (vec![], TradingMode::Active)
    );
}

#[test]
fn a_clock_that_was_set_bars_entries_until_a_person_arms() {
    let mut house = House::open();
    house.tell(Event::ClockDoubted(ClockDoubted {
        ts: house.now,
        doubt: ClockDoubt::Stepped,
        length: DurationNs::from_secs(-3_600),
    }));
    house.reconcile();
    assert_eq!(house.engine.state().mode(), TradingMode::ReduceOnly);
    house.control(Verb::Arm, 1);
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
}

#[test]
fn a_clock_that_was_set_forward_makes_no_window_of_the_gate_shorter() {
    let (mut house, _) = House::bought(STOCK);
    let minute = DurationNs::from_secs(60);
    let is_counted = |house: &House, at: TsNs| {
        let times = house.engine.state().protections().entry_times();
        times.is_reached(1, minute, at)
    };
    assert!(is_counted(&house, house.now));
    let hour = DurationNs::from_secs(3_600);
    house.now = house.now.plus(hour);
    house.tell(Event::ClockDoubted(ClockDoubted {
        ts: house.now,
        doubt: ClockDoubt::Stepped,
        length: hour,
    }));
    assert!(is_counted(&house, house.now), "as recent as it was");
    assert!(!is_counted(&house, house.now.plus(minute)));
}

#[test]
fn after_standing_still_no_price_is_fresh_and_the_broker_is_read_again_first() {
    let mut house = House::open();
    let commands = house.tell(Event::ClockDoubted(ClockDoubted {
        ts: house.now,
        doubt: ClockDoubt::StoodStill,
        length: DurationNs::from_secs(2),
    }));
    let ask = Reconcile {
        ts: house.now,
        flat: false,
    };
    assert_eq!(commands, [Command::Reconcile(ask)]);
    assert_eq!(house.engine.state().mode(), TradingMode::Reconciling);
    house.reconcile();
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
    assert_eq!(house.wish_to_buy(STOCK), []);
    let judged = house.engine.state().signal(0).expect("a signal was judged");
    assert_eq!(judged.denial, Some(Denial::QuoteStale));
    house.tick(STOCK, 10_000);
    only_place(&house.wish_to_buy(STOCK));
}

#[test]
fn a_step_that_failed_bars_entries_and_arming_unless_a_person_s_word_replaces_it() {
    for step in START_STEPS {
        for verdict in [StepVerdict::Waiting, StepVerdict::Failed] {
            let mut house = House::open();
            let tell = |house: &mut House, verdict| {
                house.tell(Event::StartStepped(StartStepped {
                    ts: house.now,
                    step,
                    verdict,
                    note: Text::new("for a reason").expect("short"),
                }))
            };
            tell(&mut house, verdict);
            assert_eq!(house.engine.state().mode(), TradingMode::ReduceOnly);
            house.control(Verb::Arm, 1);
            let armed = house.engine.state().mode() == TradingMode::Active;
            assert_eq!(armed, step == StartStep::CrashLoop, "{step:?}");
            tell(&mut house, StepVerdict::Passed);
            house.control(Verb::Arm, 2);
            assert_eq!(house.engine.state().mode(), TradingMode::Active);
        }
    }
}

#[test]
fn a_latch_that_is_carried_over_a_day_holds_like_a_kill_of_today() {
    let mut house = House::open();
    house.tell(Event::LatchCarried(LatchCarried {
        ts: house.now,
        since: TsNs::new(1),
        uid: 1_000,
        reason: Text::new("yesterday").expect("short"),
    }));
    assert_eq!(house.engine.state().mode(), TradingMode::Killed);
    house.start(2);
    house.reconcile();
    assert_eq!(house.engine.state().mode(), TradingMode::Killed);
    house.control(Verb::Resume, 1);
    assert_eq!(house.engine.state().mode(), TradingMode::Killed);
    house.control(Verb::Arm, 2);
    assert_eq!(house.engine.state().mode(), TradingMode::Active);
}

#[test]
fn funds_are_what_the_broker_said_last() {
    let mut house = House::open();
    assert_eq!(house.engine.state().margin_available(), None);
    house.tell(Event::FundsReported(FundsReported {
        ts: house.now,
        available: rupees(5),
        used: rupees(95),
    }));
    assert_eq!(house.engine.state().margin_available(), Some(rupees(5)));
}

#[test]
fn a_forced_exit_that_is_refused_at_the_far_end_goes_back_to_the_collar_every_other_time() {
    let (mut house, _) = House::bought(STOCK);
    let mut commands = house.control(Verb::Kill, 1);
    let mut prices = Vec::new();
    for _ in 0..12 {
        let exit = only_place(&commands);
        prices.push(exit.price);
        house.resolve(exit.intent, Submission::Refused);
        house.now = house.now.plus(DurationNs::from_secs(5));
        house.tick(STOCK, 10_000);
        commands = house.wait(DurationNs::from_secs(1));
    }
    let (collar, far) = (prices[0], prices[8]);
    assert!(far < collar, "{prices:?}");
    assert_eq!(prices[9..12], [collar, far, collar], "{prices:?}");
}

#[test]
fn the_brokers_switch_is_taken_only_after_a_kill_and_the_brokers_own_word_that_nothing_is_open() {
    let mut house = House::open();
    let objection = |house: &House| {
        let state = house.engine.state();
        state.objection_to(Verb::BrokerSwitch, None, None)
    };
    assert_eq!(objection(&house), Some(Objection::NotKilled));
    let asked = house.control(Verb::Kill, 1);
    let asked = if asked.is_empty() {
        house.wait(DurationNs::from_secs(1))
    } else {
        asked
    };
    assert_eq!(objection(&house), Some(Objection::NotFlat));
    house.shown_flat(&asked);
    assert_eq!(objection(&house), None);
    let controls = house.engine.state().counts().controls;
    assert_eq!(
        house.control(Verb::BrokerSwitch, 2),
        [],
        "the engine itself sends nothing"
    );
    assert_eq!(house.engine.state().counts().controls, controls + 1);
    assert!(house.engine.state().is_killed());
}
