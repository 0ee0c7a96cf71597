//! Tests of the replica on a journal made by hand.

use super::*;
use crate::handmade::{HandmadeDay, minute};
use bijli_core::event::ProcessStarted;
use std::fs;

fn replay_of(made: &HandmadeDay, cuts: &[usize]) -> Result<Replayed, ReplayError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    made.write(folder.path(), cuts);
    let journal = JournalBytes::open(folder.path()).expect("segments were written");
    replay(&journal, Strictness::Strict, |_| {}).map(|(replayed, _)| replayed)
}

#[test]
fn an_untouched_journal_replays_to_the_same_commands_and_hash() {
    let mut made = HandmadeDay::new();
    let commands = made
        .items()
        .iter()
        .filter(|(item, _)| matches!(item, Item::Command(_)))
        .count();
    assert!(commands > 0, "the operator's flatten places an exit");
    for cuts in [&[][..], &[5], &[1, 7]] {
        let replayed = replay_of(&made, cuts).expect("a sound journal");
        assert!(replayed.identical && replayed.closed, "{replayed:?}");
        assert_eq!(replayed.state_hash, made.state_hash());
        assert_eq!(replayed.events, made.events());
        assert_eq!(replayed.segments, cuts.len() as u64 + 1);
        assert_eq!((replayed.hashes_compared, replayed.commands_unsent), (2, 0));
    }
}

#[test]
fn every_event_is_seen_once_with_the_engine_after_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = HandmadeDay::new();
    made.write(folder.path(), &[]);
    let journal = JournalBytes::open(folder.path()).expect("segments were written");
    let mut seen = Vec::new();
    let (replayed, _) = replay(&journal, Strictness::Strict, |applied| {
        seen.push((applied.seq, applied.engine.state().counts().events));
    })
    .expect("a sound journal");
    assert_eq!(seen.len() as u64, replayed.events);
    assert!(
        seen.iter()
            .enumerate()
            .all(|(index, (_, events))| *events == index as u64 + 1)
    );
    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

#[test]
fn another_command_in_the_journal_is_a_difference_that_names_its_record() {
    let mut made = HandmadeDay::new();
    let at = made
        .items()
        .iter()
        .position(|(item, _)| matches!(item, Item::Command(_)));
    let at = at.expect("the day has a command");
    if let (Item::Command(Command::Place(place)), _) = &mut made.items()[at] {
        place.qty = bijli_core::Qty::new(19);
    }
    let replayed = replay_of(&made, &[]).expect("a sound journal");
    let difference = replayed.first_difference.expect("one quantity differs");
    assert_eq!((difference.seq, replayed.identical), (at as u64, false));
    assert!(difference.what.contains("Qty(19)"), "{}", difference.what);
}

#[test]
fn a_missing_command_is_a_difference_unless_a_process_was_killed_there() {
    let mut made = HandmadeDay::new();
    let at = made
        .items()
        .iter()
        .position(|(item, _)| matches!(item, Item::Command(_)));
    let at = at.expect("the day has a command");
    made.items().remove(at);
    let replayed = replay_of(&made, &[]).expect("a sound journal");
    assert!(!replayed.identical);

    made.items().truncate(at);
    let started = Event::ProcessStarted(ProcessStarted {
        ts: minute(20),
        epoch: 2,
    });
    made.items().push((Item::Event(started), minute(20)));
    let replayed = replay_of(&made, &[at]).expect("a sound journal");
    assert!(replayed.identical, "{replayed:?}");
    assert_eq!((replayed.commands_unsent, replayed.closed), (1, false));
}

#[test]
fn another_state_hash_is_a_difference() {
    let mut made = HandmadeDay::new();
    for (item, _) in made.items() {
        if let Item::Checkpoint(mark) = item {
            mark.state_hash ^= 1;
        }
    }
    let replayed = replay_of(&made, &[]).expect("a sound journal");
    assert!(
        replayed
            .first_difference
            .is_some_and(|difference| difference.what.contains("state hash"))
    );
}

#[test]
fn any_flipped_byte_ends_a_strict_replay_with_the_place_and_a_lenient_one_early() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    HandmadeDay::new().write(folder.path(), &[]);
    let path = folder.path().join("segment-00000.bjl");
    let sound = fs::read(&path).expect("the segment");
    for at in (0..sound.len()).step_by(61) {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, &damaged).expect("the segment");
        let journal = JournalBytes::open(folder.path()).expect("a segment");
        let error = replay(&journal, Strictness::Strict, |_| {}).expect_err("one byte differs");
        let words = error.to_string();
        assert!(
            words.contains("segment-00000.bjl: record ") && words.contains("at byte"),
            "{at}: {words}"
        );
        let (prefix, _) = replay(&journal, Strictness::Prefix, |_| {}).expect("a prefix is always there");
        assert!(prefix.cut.is_some());
    }
}

#[test]
fn a_journal_that_is_not_there_is_named() {
    let error = JournalBytes::open(Path::new("/nowhere/journal")).expect_err("nothing is there");
    assert!(error.to_string().contains("/nowhere/journal is not there"));
}
