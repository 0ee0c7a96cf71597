//! Every state of an order against every kind of event: what state follows, and what else.
//!
//! The broker's evidence means the same for an entry and for an exit; what people, time and the house itself cause
//! differs, and has a table each. A second session, a second configuration and further instruments are no events of a
//! day under way.

use bijli_core::command::{Command, Place};
use bijli_core::event::{
    ClockDoubt, ClockDoubted, Event, FeedChanged, FeedState, FlatChecked, FundsReported, LatchCarried,
    StartStepped, Submission, Traded, Verb,
};
use bijli_core::order::{BrokerOrderId, BrokerStatus, OrderState, Purpose, TradeId};
use bijli_core::start_steps::{StartStep, StepVerdict};
use bijli_core::text::Text;
use bijli_core::{DurationNs, Price, Qty, TsNs};

use crate::house::{House, OTHER, STOCK, id_of, only_place, rupees};

/// Where an order of a hundred stands before the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    State(OrderState),
    /// Filled, and every trade has come.
    Traded,
}

use OrderState as S;
const FROM: [From; 14] = [
    From::State(S::Submitted),
    From::State(S::Accepted),
    From::State(S::Open),
    From::State(S::TriggerPending),
    From::State(S::PendingModify),
    From::State(S::PendingCancel),
    From::State(S::Unknown),
    From::State(S::PresumedAbsent),
    From::State(S::NotSent),
    From::State(S::Refused),
    From::State(S::Filled),
    From::Traded,
    From::State(S::Cancelled),
    From::State(S::Rejected),
];

/// One letter a state.
fn letter(state: OrderState) -> char {
    char::from(b"SAOTMCUPNRFXJ"[state as usize])
}

/// A house with an order of this purpose that stands so.
fn standing(purpose: Purpose, from: From) -> (House, Place) {
    let (mut house, place) = match purpose {
        Purpose::Entry => {
            let mut house = House::open();
            let place = only_place(&house.wish_to_buy(STOCK));
            (house, place)
        }
        Purpose::Exit => {
            let (mut house, _) = House::bought(STOCK);
            let place = only_place(&house.wish_to_leave(STOCK, 100));
            (house, place)
        }
    };
    let state = match from {
        From::State(state) => state,
        From::Traded => S::Filled,
    };
    let reply = match state {
        S::Submitted => None,
        S::Unknown | S::PresumedAbsent => Some(Submission::Unknown),
        S::NotSent => Some(Submission::NotSent),
        S::Refused => Some(Submission::Refused),
        _ => Some(Submission::Acked),
    };
    let row = match state {
        S::Open => Some((BrokerStatus::Open, 0)),
        S::TriggerPending => Some((BrokerStatus::TriggerPending, 0)),
        S::PendingModify => Some((BrokerStatus::ModifyPending, 0)),
        S::PendingCancel => Some((BrokerStatus::CancelPending, 0)),
        S::Filled => Some((BrokerStatus::Complete, 100)),
        S::Cancelled => Some((BrokerStatus::Cancelled, 0)),
        S::Rejected => Some((BrokerStatus::Rejected, 0)),
        _ => None,
    };
    if let Some(reply) = reply {
        house.resolve(place.intent, reply);
    }
    if state == S::PresumedAbsent {
        house.resolve(place.intent, Submission::PresumedAbsent);
    }
    if let Some((status, filled)) = row {
        house.update(&place, status, filled);
    }
    if from == From::Traded {
        house.tell(Event::Traded(traded(&house, &place, "WHOLE", 100)));
    }
    assert_eq!(state_of(&house, &place), state, "{purpose:?}");
    (house, place)
}

fn state_of(house: &House, place: &Place) -> OrderState {
    let orders = house.engine.state().orders();
    let index = orders.find(Some(place.intent), &BrokerOrderId::EMPTY);
    orders.get(index.expect("it was placed")).state
}

fn traded(house: &House, place: &Place, id: &str, qty: i64) -> Traded {
    Traded {
        ts: house.now,
        intent: Some(place.intent),
        order_id: id_of(place.intent),
        trade_id: TradeId::new(id).expect("short"),
        instrument: place.instrument,
        side: place.side,
        qty: Qty::new(qty),
        price: Price::from_paise(10_000),
    }
}

/// Tells one piece of evidence, by its column.
fn evidence(house: &mut House, place: &Place, column: usize) {
    use BrokerStatus as B;
    let reply = |submission| (Some(submission), None);
    let row = |status, filled| (None, Some((status, filled)));
    let (reply, row) = match column {
        0 => reply(Submission::Acked),
        1 => reply(Submission::Refused),
        2 => reply(Submission::NotSent),
        3 => reply(Submission::Unknown),
        4 => reply(Submission::PresumedAbsent),
        5 => row(B::Received, 0),
        6 => row(B::Open, 0),
        7 => row(B::TriggerPending, 0),
        8 => row(B::ModifyPending, 0),
        9 => row(B::CancelPending, 0),
        10 => row(B::Complete, 100),
        11 => row(B::Cancelled, 0),
        12 => row(B::Cancelled, 40),
        13 => row(B::Rejected, 0),
        14 => row(B::Unrecognised, 0),
        _ => (None, None),
    };
    if let Some(submission) = reply {
        house.resolve(place.intent, submission);
        return;
    }
    if let Some((status, filled)) = row {
        house.update(place, status, filled);
        return;
    }
    let mut trade = traded(house, place, "NEW", 40);
    match column {
        15 => {}
        16 => trade.qty = Qty::new(100),
        17 => trade.qty = Qty::new(101),
        18 => (trade.trade_id, trade.qty) = (TradeId::new("WHOLE").expect("short"), Qty::new(100)),
        19 => trade.side = trade.side.opposite(),
        20 => trade.instrument = OTHER,
        _ => trade.qty = Qty::ZERO,
    }
    house.tell(Event::Traded(trade));
}

const EVIDENCE_COLUMNS: usize = 22;

/// The state that followed, and a mark: `!` entries are stopped by a contradiction, `~` it was counted as stale,
/// `^` it is a fill that came after the end, `.` none of these.
fn evidence_cell(purpose: Purpose, from: From, column: usize) -> String {
    let (mut house, place) = standing(purpose, from);
    let before = *house.engine.state().counts();
    evidence(&mut house, &place, column);
    let after = house.engine.state().counts();
    let mark = if after.contradictions > before.contradictions {
        '!'
    } else if after.stale_updates > before.stale_updates {
        '~'
    } else if after.late_fills > before.late_fills {
        '^'
    } else {
        '.'
    };
    format!("{}{mark}", letter(state_of(&house, &place)))
}

/// Something of the house, of people or of time, by its column; gives the commands.
fn happening(house: &mut House, column: usize) -> Vec<Command> {
    let ts = house.now;
    let verbs = [
        Verb::Pause,
        Verb::Resume,
        Verb::Exit,
        Verb::Flatten,
        Verb::Kill,
        Verb::Arm,
        Verb::ReduceOnly,
    ];
    if let Some(verb) = verbs.get(column) {
        return house.control(*verb, 77);
    }
    match column - verbs.len() {
        0 => {
            house.start(2);
            Vec::new()
        }
        1 => house.wait(DurationNs::from_secs(1)),
        2 => house.wait(DurationNs::from_secs(31)),
        3 => house.tick(STOCK, 9_990),
        4 => house.tell(Event::FeedChanged(FeedChanged {
            ts,
            state: FeedState::Down,
        })),
        5 => {
            let held = house.position(STOCK);
            house.report_position(STOCK, held)
        }
        6 => house.report_position(STOCK, 7),
        7 => {
            house.reconcile();
            Vec::new()
        }
        8 => house.tell(Event::FundsReported(FundsReported {
            ts,
            available: rupees(1),
            used: rupees(1),
        })),
        9 => house.tell(Event::FlatChecked(FlatChecked {
            ts,
            asked: ts,
            open_positions: 0,
            unlisted_positions: 0,
            unlisted_key: Text::EMPTY,
            live_orders: 0,
            foreign_orders: 0,
        })),
        10 => house.tell(Event::LatchCarried(LatchCarried {
            ts,
            since: TsNs::new(1),
            uid: 1,
            reason: Text::EMPTY,
        })),
        11 => house.tell(Event::ClockDoubted(ClockDoubted {
            ts,
            doubt: ClockDoubt::StoodStill,
            length: DurationNs::from_secs(2),
        })),
        _ => house.tell(Event::StartStepped(StartStepped {
            ts,
            step: StartStep::CrashLoop,
            verdict: StepVerdict::Failed,
            note: Text::EMPTY,
        })),
    }
}

const HAPPENINGS: usize = 20;

/// The state that followed, and what was asked for: `c` its cancel, `m` its change, `p` another order, `d` that unsent
/// entries be dropped, `.` nothing of these.
fn happening_cell(purpose: Purpose, from: From, column: usize) -> String {
    let (mut house, place) = standing(purpose, from);
    let mut asked = String::new();
    for command in happening(&mut house, column) {
        match command {
            Command::Cancel(cancel) => {
                assert_eq!(cancel.intent, place.intent);
                asked.push('c');
            }
            Command::Modify(modify) => {
                assert_eq!(modify.intent, place.intent);
                asked.push('m');
            }
            Command::Place(other) => {
                assert_ne!(other.intent, place.intent, "an intent is placed once");
                asked.push('p');
            }
            Command::DropEntries(_) => asked.push('d'),
            Command::CancelForeign(_) => panic!("nobody else has orders here"),
            Command::Reconcile(_) => {}
        }
    }
    if asked.is_empty() {
        asked.push('.');
    }
    format!("{}{asked}", letter(state_of(&house, &place)))
}

/// Replies Acked, Refused, NotSent, Unknown, PresumedAbsent; rows Received, Open, TriggerPending, ModifyPending,
/// CancelPending, Complete, Cancelled, Cancelled with 40 filled, Rejected, Unrecognised; trades of 40, of all, of one too
/// many, of the whole under an id of its own (twice, where all was traded), of the other side, of another instrument, of
/// nothing.
const EVIDENCE: [&str; 14] = [
    // Whatever is heard first counts; absence needs a doubt before it.
    "A. R. N. U. S~ A. O. T. M. C. F. X. X. J. S~ S. F. S! F. S! S! S!", // Submitted
    // A reply that comes after the broker's own word adds nothing, from here on.
    "A. A. A. A. A. A. O. T. M. C. F. X. X. J. A~ A. F. A! F. A! A! A!", // Accepted
    "O. O. O. O. O. O~ O. T. M. C. F. X. X. J. O~ O. F. O! F. O! O! O!", // Open
    "T. T. T. T. T. T~ O. T. M. C. F. X. X. J. T~ T. F. T! F. T! T! T!", // TriggerPending
    "M. M. M. M. M. M~ O. T. M. C. F. X. X. J. M~ M. F. M! F. M! M! M!", // PendingModify
    "C. C. C. C. C. C~ O. T. M. C. F. X. X. J. C~ C. F. C! F. C! C! C!", // PendingCancel: live until it ended
    // Refused or not sent is no answer to a doubt any more.
    "A. U~ U~ U. P. A. O. T. M. C. F. X. X. J. U~ U. F. U! F. U! U! U!", // Unknown
    "P. P. P. P. P. A. O. T. M. C. F. X. X. J. P~ P. F. P! F. P! P! P!", // PresumedAbsent: found again
    // A sign of life of what cannot live halts entries, and is believed.
    "N. N. N. N. N. A! O! T! M! C! F! X. X! J. N~ N! N! N! N! N! N! N!", // NotSent
    "R. R. R. R. R. A! O! T! M! C! F! X. X! J. R~ R! R! R! R! R! R! R!", // Refused
    // A completion without trades may be taken back, one with trades not.
    "F. F. F. F. F. F~ F~ F~ F~ F~ F. X. X. J. F~ F. F. F! F. F! F! F!", // Filled
    "F. F. F. F. F. F~ F~ F~ F~ F~ F. F~ F~ F~ F~ F! F! F! F~ F! F! F!", // Filled and traded
    // Fills that raced the cancel are booked, and told.
    "X. X. X. X. X. X~ X~ X~ X~ X~ F. X. X. X~ X~ X^ F^ X! F^ X! X! X!", // Cancelled
    "J. J. J. J. J. J~ J~ J~ J~ J~ J~ J~ J~ J. J~ J! J! J! J! J! J! J!", // Rejected
];

/// Pause, resume, exit, flatten, kill, arm, reduce-only; another process; one second, 31 seconds; a tick, the feed down;
/// the position as it is held, another; reconciled, funds, shown flat, a carried latch, a standstill, a failed step.
const ENTRY_HAPPENINGS: [&str; 14] = [
    // Without a broker's id there is nothing to cancel: what has not left is taken back.
    "Sd S. Sc Sd Sd S. Sd U. S. S. S. S. S. Sd S. S. S. Sd Sd Sd", // Submitted
    "A. A. Cc Cc Cc A. Cc A. A. Cc A. A. A. A. A. A. A. A. A. A.", // Accepted
    "O. O. Cc Cc Cc O. Cc O. O. Cc O. O. O. O. O. O. O. O. O. O.", // Open
    "T. T. Cc Cc Cc T. Cc T. T. Cc T. T. T. T. T. T. T. T. T. T.", // TriggerPending
    "M. M. M. M. M. M. M. M. M. Cc M. M. M. M. M. M. M. M. M. M.", // PendingModify: cancelled when it stays
    "C. C. C. C. C. C. C. C. C. C. C. C. C. C. C. C. C. C. C. C.", // PendingCancel: never asked for twice
    // Neither time nor people nor a new process end a doubt.
    "U. U. U. U. U. U. U. U. U. U. U. U. U. U. U. U. U. U. U. U.", // Unknown
    "P. P. P. P. P. P. P. P. P. P. P. P. P. P. P. P. P. P. P. P.", // PresumedAbsent
    "N. N. N. N. N. N. N. N. N. N. N. N. N. N. N. N. N. N. N. N.", // NotSent
    "R. R. R. R. R. R. R. R. R. R. R. R. R. R. R. R. R. R. R. R.", // Refused
    "F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F.", // Filled: no exit before its trades
    "F. F. Fp Fp Fp F. F. F. F. F. F. F. F. F. F. F. F. F. F. F.", // Filled and traded: its position is left
    "X. X. X. X. X. X. X. X. X. X. X. X. X. X. X. X. X. X. X. X.", // Cancelled
    "J. J. J. J. J. J. J. J. J. J. J. J. J. J. J. J. J. J. J. J.", // Rejected
];

/// The same columns. No verb takes an exit back or sends one beside it.
const EXIT_HAPPENINGS: [&str; 14] = [
    "S. S. S. S. S. S. S. U. S. S. S. S. S. S. S. S. S. S. S. S.", // Submitted
    // Too many for a position of seven: cancelled. So is one that the broker does not pass on for half a minute.
    "A. A. A. A. A. A. A. A. A. Cc A. A. A. Cc A. A. A. A. A. A.", // Accepted
    "O. O. O. O. O. O. O. O. O. O. O. O. O. Cc O. O. O. O. O. O.", // Open
    "T. T. T. T. T. T. T. T. T. Cc T. T. T. Cc T. T. T. T. T. T.", // TriggerPending: it should work at once
    "M. M. M. M. M. M. M. M. M. Cc M. M. M. M. M. M. M. M. M. M.", // PendingModify
    "C. C. C. C. C. C. C. C. C. C. C. C. C. C. C. C. C. C. C. C.", // PendingCancel
    "U. U. U. U. U. U. U. U. U. U. U. U. U. U. U. U. U. U. U. U.", // Unknown: no second exit beside it
    "P. P. P. P. P. P. P. P. P. P. P. P. Pp Pp P. P. P. P. P. P.", // PresumedAbsent: until positions are read
    // A failed exit is followed by another one, a little later.
    "N. N. N. N. N. N. N. N. N. Np N. N. N. N. N. N. N. N. N. N.", // NotSent
    "R. R. R. R. R. R. R. R. R. Rp R. R. R. R. R. R. R. R. R. R.", // Refused
    "F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F.", // Filled
    "F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F. F.", // Filled and traded
    "X. X. X. X. X. X. X. X. X. X. X. X. X. X. X. X. X. X. X. X.", // Cancelled: followed at once, before these
    "J. J. J. J. J. J. J. J. J. Jp J. J. J. J. J. J. J. J. J. J.", // Rejected
];

#[test]
fn every_state_takes_every_piece_of_evidence_as_the_table_says_entry_or_exit() {
    for purpose in [Purpose::Entry, Purpose::Exit] {
        for (from, row) in FROM.into_iter().zip(EVIDENCE) {
            let cells: Vec<_> = (0..EVIDENCE_COLUMNS)
                .map(|column| evidence_cell(purpose, from, column))
                .collect();
            assert_eq!(cells.join(" "), row, "{purpose:?} {from:?}");
        }
    }
}

#[test]
fn every_state_of_entries_and_exits_takes_people_time_and_house_as_the_tables_say() {
    for (purpose, table) in [
        (Purpose::Entry, ENTRY_HAPPENINGS),
        (Purpose::Exit, EXIT_HAPPENINGS),
    ] {
        for (from, row) in FROM.into_iter().zip(table) {
            let cells: Vec<_> = (0..HAPPENINGS)
                .map(|column| happening_cell(purpose, from, column))
                .collect();
            assert_eq!(cells.join(" "), row, "{purpose:?} {from:?}");
        }
    }
}
