//! Plans and the ways between them, checked request by request against a broker that only counts.

use std::collections::BTreeMap;

use bijli_core::instrument::InstrumentId;
use bijli_feed::Mode;
use bijli_feed::planner::capacity::{AccountPlan, Capacity, KeyLimits, LimitScope};
use bijli_feed::planner::{Change, Planner, Priority, Want};
use bijli_feed::subscription::Method;
use proptest::prelude::*;

/// What a broker has subscribed, by socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Broker {
    sockets: Vec<BTreeMap<u32, Mode>>,
}

/// The limits of the broker's documentation, written down a second time.
#[derive(Clone, Copy, Debug)]
struct Rules {
    single: [usize; 4],
    mixed: [usize; 4],
    scope: LimitScope,
}

const TINY: Rules = Rules {
    single: [8, 6, 5, 2],
    mixed: [4, 4, 3, 1],
    scope: LimitScope::Account,
};

impl Rules {
    fn capacity(self, sockets: usize) -> Capacity {
        Capacity {
            sockets,
            limits: KeyLimits::new(self.single, self.mixed),
            scope: self.scope,
        }
    }

    fn allow(&self, broker: &Broker) -> bool {
        let all: Vec<Mode> = broker
            .sockets
            .iter()
            .flat_map(|keys| keys.values().copied())
            .collect();
        match self.scope {
            LimitScope::Account => self.allow_modes(&all),
            LimitScope::Socket => broker
                .sockets
                .iter()
                .all(|keys| self.allow_modes(&keys.values().copied().collect::<Vec<_>>())),
        }
    }

    fn allow_modes(&self, modes: &[Mode]) -> bool {
        let words = ["ltpc", "option_greeks", "full", "full_d30"];
        let count = |word: &str| modes.iter().filter(|mode| mode.word() == word).count();
        let used = words.iter().filter(|word| count(word) > 0).count();
        let limits = if used > 1 { self.mixed } else { self.single };
        words.iter().zip(limits).all(|(word, limit)| count(word) <= limit)
    }
}

impl Broker {
    /// Serves the steps key by key, checking the limits after each.
    fn serve(&mut self, change: &Change, rules: &Rules, positions: &[u32]) {
        for step in &change.steps {
            for instrument in &step.instruments {
                let (socket, key) = (&mut self.sockets[step.socket], instrument.get());
                match step.method {
                    Method::Subscribe => assert_eq!(socket.insert(key, step.mode), None, "subscribed twice"),
                    Method::ChangeMode => assert!(socket.insert(key, step.mode).is_some(), "not subscribed"),
                    Method::Unsubscribe => assert!(socket.remove(&key).is_some(), "not subscribed"),
                }
                assert!(rules.allow(self), "over the limit within {step:?}");
                for position in positions {
                    assert!(self.has(*position), "a position is heard at every moment");
                }
            }
        }
    }

    fn has(&self, key: u32) -> bool {
        self.sockets.iter().any(|socket| socket.contains_key(&key))
    }
}

fn want(instrument: u32, mode: Mode, priority: Priority) -> Want {
    Want {
        instrument: InstrumentId::new(instrument),
        mode,
        priority,
    }
}

fn universe(instruments: std::ops::Range<u32>, mode: Mode) -> Vec<Want> {
    instruments.map(|id| want(id, mode, Priority::Universe)).collect()
}

fn broker(sockets: usize) -> Broker {
    Broker {
        sockets: vec![BTreeMap::new(); sockets],
    }
}

const NORMAL: Rules = Rules {
    single: [5000, 3000, 2000, 0],
    mixed: [2000, 2000, 1500, 0],
    scope: LimitScope::Account,
};

#[test]
fn two_thousand_keys_are_spread_over_both_sockets_and_one_more_is_refused_by_name() {
    let capacity = Capacity::of(AccountPlan::Normal, LimitScope::Account);
    let mut planner = Planner::new(capacity, 2_001);
    let change = planner.aim(&universe(0..2_001, Mode::Full));
    let mut broker = broker(2);
    broker.serve(&change, &NORMAL, &[]);
    assert_eq!(change.refused, [InstrumentId::new(2_000)]);
    assert_eq!(
        broker.sockets.iter().map(BTreeMap::len).collect::<Vec<_>>(),
        [1_000, 1_000]
    );
    assert_eq!(
        change.steps.len(),
        2,
        "one step a socket: the session cuts it into batches"
    );
}

#[test]
fn a_second_mode_lowers_the_limit_of_the_first_and_the_less_important_is_refused() {
    let capacity = Capacity::of(AccountPlan::Normal, LimitScope::Account);
    let mut planner = Planner::new(capacity, 2_000);
    let mut wants = universe(0..1_600, Mode::Full);
    wants.push(want(1_700, Mode::Ltpc, Priority::Warm));
    let change = planner.aim(&wants);
    broker(2).serve(&change, &NORMAL, &[]);
    let refused: Vec<InstrumentId> = (1_500..1_600).map(InstrumentId::new).collect();
    assert_eq!(change.refused, refused);
}

#[test]
fn counted_by_socket_two_modes_take_a_socket_each() {
    let capacity = Capacity::of(AccountPlan::Normal, LimitScope::Socket);
    let mut planner = Planner::new(capacity, 7_000);
    let mut wants = universe(0..2_000, Mode::Full);
    wants.extend(universe(2_000..7_000, Mode::Ltpc));
    let change = planner.aim(&wants);
    let rules = Rules {
        scope: LimitScope::Socket,
        ..NORMAL
    };
    let mut broker = broker(2);
    broker.serve(&change, &rules, &[]);
    assert!(change.refused.len() <= 3_000, "{}", change.refused.len());
    assert_eq!(planner.subscribed() + change.refused.len(), 7_000);
}

#[test]
fn the_dearer_plan_has_five_sockets_and_fifty_deep_keys() {
    let mut planner = Planner::new(Capacity::of(AccountPlan::Plus, LimitScope::Account), 60);
    let change = planner.aim(&universe(0..60, Mode::FullD30));
    assert_eq!(change.refused.len(), 10);
    assert_eq!(change.steps.len(), 5);
    assert!(
        Capacity::of(AccountPlan::Plus, LimitScope::Account)
            .with_sockets_at_most(3)
            .sockets
            == 3
    );
}

#[test]
fn a_small_move_at_full_capacity_touches_only_what_moves() {
    let mut planner = Planner::new(TINY.capacity(2), 20);
    let mut broker = broker(2);
    broker.serve(&planner.aim(&universe(0..5, Mode::Full)), &TINY, &[]);
    let moved = planner.aim(&universe(1..6, Mode::Full));
    broker.serve(&moved, &TINY, &[]);
    let touched: Vec<u32> = moved
        .steps
        .iter()
        .flat_map(|step| &step.instruments)
        .map(|id| id.get())
        .collect();
    assert_eq!(touched, [0, 5]);
    assert_eq!(
        planner.aim(&universe(1..6, Mode::Full)),
        Change::default(),
        "nothing to do twice"
    );
}

fn wants() -> impl Strategy<Value = Vec<Want>> {
    let mode = prop_oneof![
        3 => Just(Mode::Full), 2 => Just(Mode::Ltpc), 1 => Just(Mode::OptionGreeks), 1 => Just(Mode::FullD30)
    ];
    let priority = prop_oneof![
        1 => Just(Priority::Position), 3 => Just(Priority::Warm), 5 => Just(Priority::Universe)
    ];
    let one = (0..16_u32, mode, priority).prop_map(|(id, mode, priority)| want(id, mode, priority));
    proptest::collection::vec(one, 0..14)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_key_is_served_once_or_refused_and_no_step_breaks_a_limit(
        aims in proptest::collection::vec(wants(), 1..8),
        sockets in 1..4_usize,
        scope in prop_oneof![Just(LimitScope::Account), Just(LimitScope::Socket)],
    ) {
        let rules = Rules { scope, ..TINY };
        let (mut planner, mut again) = (
            Planner::new(rules.capacity(sockets), 16), Planner::new(rules.capacity(sockets), 16)
        );
        let mut broker = broker(sockets);
        for wants in aims {
            let is_position = |id: u32| wants.iter().any(|want| {
                want.instrument.get() == id && want.priority == Priority::Position
            });
            let held: Vec<u32> = (0..16).filter(|id| is_position(*id) && broker.has(*id)).collect();
            let change = planner.aim(&wants);
            prop_assert_eq!(&again.aim(&wants), &change, "equal wishes, equal plans");
            broker.serve(&change, &rules, &held);
            for id in 0..16 {
                let wanted = wants.iter().any(|want| want.instrument.get() == id);
                let served = broker.sockets.iter().filter(|socket| socket.contains_key(&id)).count();
                let refused = change.refused.iter().filter(|refused| refused.get() == id).count();
                prop_assert_eq!(served + refused, usize::from(wanted), "instrument {}", id);
                let place = planner.place(InstrumentId::new(id));
                prop_assert_eq!(place.map(|place| place.mode), place.and_then(|place| {
                    broker.sockets[place.socket].get(&id).copied()
                }));
            }
            // Positions that change their mode may make room for another wish; then there is nothing left to do.
            let mut rounds = 0;
            loop {
                let more = planner.aim(&wants);
                prop_assert_eq!(&again.aim(&wants), &more);
                if more.steps.is_empty() {
                    break;
                }
                broker.serve(&more, &rules, &held);
                rounds += 1;
                prop_assert!(rounds < 16, "plans chase one another: {:?}", more);
            }
        }
    }
}
