//! Every state of the account against every kind of event that bears on it, but for people's verbs: those have a table
//! of their own (`supervision`).

use bijli_core::event::{
    ClockDoubt, ClockDoubted, Event, FeedChanged, FeedState, FlatChecked, FundsReported, LatchCarried,
    StartStepped, Submission, SwitchAnswered, SwitchOutcome,
};
use bijli_core::order::IntentId;
use bijli_core::risk::TradingMode;
use bijli_core::start_steps::{StartStep, StepVerdict};
use bijli_core::text::Text;
use bijli_core::{DurationNs, TsNs};

use crate::house::{House, OTHER, STOCK, rupees};
use crate::supervision::{STANDINGS, standing};

const EVENTS: usize = 14;

/// The modes that follow: Reconciling, Active, Paused, reduce-onLy, Halted, Killed. The columns: another process,
/// reconciled, a carried latch, a clock that was set, a standstill, a failed step of the start, a position that differs,
/// funds, shown flat unasked, a reply to nobody's order, the feed down, a second, the broker's answer to its switch, the
/// day's loss.
const MODES: [&str; 7] = [
    "RAKRRRRRRRRRRR", // Reconciling: nothing but agreement ends it, nothing but a kill outranks it
    "RAKLRLLAAHAAAL", // Active
    "RPKLRLLPPHPPPL", // Paused: what bars entries for a worse reason shows instead
    "RLKLRLLLLHLLLL", // Reduce-only
    "RPKLRLLPPHPPPL", // Flattening: ends by the broker's answer to its own question alone
    "RHKHRHHHHHHHHH", // Halted: until a person arms
    "KKKKKKKKKKKKKK", // Killed: the same
];

fn letter(mode: TradingMode) -> char {
    match mode {
        TradingMode::Reconciling => 'R',
        TradingMode::Active => 'A',
        TradingMode::Paused => 'P',
        TradingMode::ReduceOnly => 'L',
        TradingMode::Halted => 'H',
        TradingMode::Killed => 'K',
    }
}

fn happen(house: &mut House, column: usize) {
    let ts = house.now;
    let event = match column {
        0 => return house.start(9),
        1 => return drop(house.reconcile()),
        2 => Event::LatchCarried(LatchCarried {
            ts,
            since: TsNs::new(1),
            uid: 1,
            reason: Text::EMPTY,
        }),
        3 | 4 => Event::ClockDoubted(ClockDoubted {
            ts,
            doubt: [ClockDoubt::Stepped, ClockDoubt::StoodStill][column - 3],
            length: DurationNs::from_secs(2),
        }),
        5 => Event::StartStepped(StartStepped {
            ts,
            step: StartStep::CrashLoop,
            verdict: StepVerdict::Failed,
            note: Text::EMPTY,
        }),
        6 => return drop(house.report_position(STOCK, 60)),
        7 => Event::FundsReported(FundsReported {
            ts,
            available: rupees(50_000),
            used: rupees(1),
        }),
        8 => Event::FlatChecked(FlatChecked {
            ts,
            asked: ts,
            open_positions: 0,
            unlisted_positions: 0,
            unlisted_key: Text::EMPTY,
            live_orders: 0,
            foreign_orders: 0,
        }),
        9 => return drop(house.resolve(IntentId::new(1, 999), Submission::Acked)),
        10 => Event::FeedChanged(FeedChanged {
            ts,
            state: FeedState::Down,
        }),
        11 => return drop(house.wait(DurationNs::from_secs(1))),
        12 => Event::SwitchAnswered(SwitchAnswered {
            ts,
            command_id: 1,
            uid: 1,
            outcome: SwitchOutcome::Done,
            words: Text::EMPTY,
        }),
        // A hundred shares, bought at 100.05, and a limit of two thousand rupees.
        _ => return drop(house.tick(STOCK, 7_900)),
    };
    house.tell(event);
}

#[test]
fn every_mode_takes_every_event_as_the_table_says_and_only_an_active_one_enters() {
    for (from, row) in STANDINGS.into_iter().zip(MODES) {
        let mut modes = String::new();
        for column in 0..EVENTS {
            let mut house = standing(from);
            happen(&mut house, column);
            let mode = house.engine.state().mode();
            modes.push(letter(mode));
            let entered = house
                .wish_to_buy(OTHER)
                .iter()
                .any(|command| !command.reduces_risk());
            assert_eq!(entered, mode == TradingMode::Active, "{from:?}, event {column}");
        }
        assert_eq!(modes, row, "{from:?}");
    }
}
