//! The gate between engine and gateway: what leaves, when, and what never does.

use bijli_core::TsNs;
use bijli_core::codec::DurableMark;
use bijli_core::command::{Cancel, Place};
use bijli_core::order::{IntentId, OrderType, Purpose, Side, Validity};
use bijli_core::{InstrumentId, Price, Qty};

use super::*;

const MS: u64 = 1_000_000;

fn placement(seq: u64, purpose: Purpose) -> Outbound {
    let place = Place {
        ts: TsNs::new(1),
        intent: IntentId::new(1, seq as u32),
        instrument: InstrumentId::new(0),
        side: Side::Buy,
        purpose,
        qty: Qty::new(1),
        price: Price::new(1),
        trigger: Price::new(0),
        order_type: OrderType::Limit,
        validity: Validity::Day,
    };
    Outbound {
        command: Command::Place(place),
        seq,
        decided: TsNs::new(1),
        cause_recv: None,
    }
}

fn cancel_of(seq: u64) -> Outbound {
    let cancel = Cancel {
        ts: TsNs::new(1),
        intent: IntentId::new(1, seq as u32),
        order_id: bijli_core::order::BrokerOrderId::EMPTY,
    };
    Outbound {
        command: Command::Cancel(cancel),
        seq: seq + 100,
        decided: TsNs::new(1),
        cause_recv: None,
    }
}

fn reach(view: &DurableView, next_seq: u64) {
    view.reached(&DurableMark {
        next_seq,
        ..DurableMark::default()
    });
}

/// What passes at `now`: the sequence number, and whether it may leave.
fn passed(gate: &mut DurableGate, now: u64) -> Vec<(u64, bool)> {
    std::iter::from_fn(|| gate.pop(MonoNs(now)))
        .map(|passed| match passed {
            Passed::Send(outbound) => (outbound.seq, true),
            Passed::GivenUp(outbound) => (outbound.seq, false),
        })
        .collect()
}

#[test]
fn an_entry_leaves_once_its_record_is_on_the_disk_and_never_before() {
    let view = DurableView::of_disk(5);
    let mut gate = DurableGate::new(view.clone(), ClockSource::Wall);
    gate.offer(placement(5, Purpose::Entry), MonoNs(0));
    gate.offer(placement(7, Purpose::Entry), MonoNs(0));
    assert_eq!(passed(&mut gate, 19 * MS), []);
    reach(&view, 6);
    assert_eq!(passed(&mut gate, 19 * MS), [(5, true)]);
    assert_eq!(gate.waiting_count(), 1);
    reach(&view, 8);
    assert_eq!(passed(&mut gate, 19 * MS), [(7, true)]);
    assert_eq!((view.entries_given_up(), view.exits_unwaited()), (0, 0));
}

#[test]
fn when_the_disk_stalls_an_entry_is_given_up_and_an_exit_goes_counted() {
    let view = DurableView::of_disk(0);
    let mut gate = DurableGate::new(view.clone(), ClockSource::Wall);
    gate.offer(placement(1, Purpose::Entry), MonoNs(0));
    gate.offer(placement(2, Purpose::Exit), MonoNs(MS));
    assert_eq!(passed(&mut gate, 20 * MS - 1), []);
    assert_eq!(passed(&mut gate, 20 * MS), [(1, false)]);
    assert_eq!(passed(&mut gate, 21 * MS), [(2, true)]);
    assert_eq!((view.entries_given_up(), view.exits_unwaited()), (1, 1));
}

#[test]
fn a_dead_disk_is_waited_for_by_nobody() {
    let view = DurableView::of_disk(0);
    view.die();
    let mut gate = DurableGate::new(view, ClockSource::Wall);
    gate.offer(placement(1, Purpose::Entry), MonoNs(0));
    gate.offer(placement(2, Purpose::Exit), MonoNs(0));
    assert_eq!(passed(&mut gate, 0), [(1, false), (2, true)]);
}

#[test]
fn after_a_kill_no_waiting_entry_leaves_though_the_disk_catches_up() {
    let view = DurableView::of_disk(0);
    let mut gate = DurableGate::new(view.clone(), ClockSource::Wall);
    gate.offer(placement(1, Purpose::Entry), MonoNs(0));
    gate.offer(placement(2, Purpose::Exit), MonoNs(0));
    view.bar_entries(true);
    reach(&view, 9);
    assert_eq!(passed(&mut gate, 0), [(1, false), (2, true)]);
}

#[test]
fn cancels_do_not_wait_but_never_overtake_their_own_placement() {
    let view = DurableView::of_disk(0);
    let mut gate = DurableGate::new(view.clone(), ClockSource::Wall);
    gate.offer(placement(1, Purpose::Exit), MonoNs(0));
    gate.offer(cancel_of(1), MonoNs(0));
    gate.offer(cancel_of(9), MonoNs(0));
    assert_eq!(passed(&mut gate, 0), [(109, true)]);
    reach(&view, 2);
    assert_eq!(passed(&mut gate, 0), [(1, true), (101, true)]);
}

#[test]
fn where_no_disk_is_waited_for_everything_passes_at_once() {
    let mut gate = DurableGate::new(DurableView::never_waited_for(), ClockSource::Wall);
    gate.offer(placement(1, Purpose::Entry), MonoNs(0));
    assert_eq!(passed(&mut gate, 0), [(1, true)]);
    assert!(!DurableView::never_waited_for().is_waited_for());
}
