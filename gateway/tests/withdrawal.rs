//! Entries that are taken back before a byte of them left, all or one, through the gateway's public face.

mod scripted;

use bijli_core::Command;
use bijli_core::command::{Cancel, DropEntries};
use bijli_core::order::BrokerOrderId;
use bijli_gateway::Method;
use scripted::*;

#[test]
fn entries_that_have_not_left_are_taken_back_and_end_as_not_sent() {
    let mut gateway = gateway();
    gateway.start_reconcile(at(0));
    gateway.handle_command(at(0), &entry(1));
    gateway.handle_command(at(0), &exit(2));
    gateway.handle_command(at(0), &Command::DropEntries(DropEntries { ts: at(0) }));
    assert_eq!(notes(&mut gateway), ["1 NotSent "]);
    answer(&mut gateway, at(0), PLACE, &acked("2"));
    answer(&mut gateway, at(0), BOOK, &list(&[row("2", Some(2), "open", 0)]));
    assert!(notes(&mut gateway).iter().all(|note| !note.starts_with("1 ")));
}

#[test]
fn one_entry_is_taken_back_by_its_intent_before_it_leaves_and_left_alone_afterwards() {
    let mut gateway = gateway();
    let withdraw = |number| {
        Command::Cancel(Cancel {
            ts: at(0),
            intent: intent(number),
            order_id: BrokerOrderId::EMPTY,
        })
    };
    for number in [1, 2] {
        gateway.handle_command(at(0), &entry(number));
    }
    gateway.handle_command(at(0), &withdraw(2));
    gateway.handle_command(at(0), &withdraw(7));
    assert_eq!(notes(&mut gateway), ["2 NotSent "]);
    answer(&mut gateway, at(0), PLACE, &acked("1"));
    gateway.handle_command(at(0), &withdraw(1));
    let later = gateway.poll_request(at(0));
    assert!(
        later.is_none_or(|request| request.method == Method::Get),
        "nothing is cancelled"
    );
}
