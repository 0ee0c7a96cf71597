//! A last segment that a power cut tore in its very first record: it held nothing, and its number is begun anew, so
//! that whoever takes the day over names the cut before it once more. What was on the disk is never given up so.

use bijli_core::codec::{DurableMark, Item};
use bijli_core::journal::{
    Corruption, Damage, Ending, Fault, ReplayFault, find_end, is_unused, recover, verify_segments,
};
use bijli_core::record::{SEGMENT_HEADER_BYTES, SegmentHeader};

use super::items::{header, segment_of};
use super::{COMMIT_BYTES, LINE, lines, mark_after, mark_file, stored};

const FIRST_RECORD: usize = SEGMENT_HEADER_BYTES;

/// The day's first segment with five records and a torn tail behind them.
fn torn_tail() -> Vec<u8> {
    let mut segment = segment_of(header(0, 0), &lines(5), 4_096);
    segment[FIRST_RECORD + 5 * 64 + 20] = 0x5A;
    segment
}

fn clean_tail() -> Vec<u8> {
    segment_of(header(0, 0), &lines(5), 4_096)
}

/// A segment whose first record a power cut tore.
fn torn_first(header: SegmentHeader, items: &[Item]) -> Vec<u8> {
    let mut segment = segment_of(header, items, 4_096);
    segment[FIRST_RECORD + 9] ^= 1;
    segment
}

fn by_epoch(epoch: u32, segment: u32, first_seq: u64) -> SegmentHeader {
    SegmentHeader {
        epoch,
        ..header(segment, first_seq)
    }
}

fn end_of(segments: &[&[u8]]) -> Option<Ending> {
    find_end(segments, None).expect("a power cut does this")
}

/// What a process writes first that takes over where the day ends so.
fn taken_over(ending: &Ending) -> Vec<Item> {
    let cut = ending.last.tail_cut().map(Item::TailCut);
    cut.into_iter().chain(lines(3)).collect()
}

#[test]
fn the_cut_before_a_torn_first_record_is_named_again_however_often_the_power_goes() {
    for (before, cuts) in [(torn_tail(), 1), (clean_tail(), 0)] {
        let ending = end_of(&[&before]).expect("records");
        let items = taken_over(&ending);
        for epoch in 2..6 {
            let torn = torn_first(by_epoch(epoch, 1, 5), &items);
            assert_eq!(end_of(&[&before, &torn]), Some(ending), "epoch {epoch}");
            assert_eq!(
                end_of(&[&before, &torn, &[0; 4_096]]),
                Some(ending),
                "one made ahead"
            );
        }
        let next = segment_of(by_epoch(6, 1, 5), &items, 4_096);
        let mut day = [before.as_slice(), &next].map(<[u8]>::to_vec).to_vec();
        day.push(segment_of(
            by_epoch(6, 2, 5 + items.len() as u64),
            &lines(2),
            4_096,
        ));
        let slices: Vec<&[u8]> = day.iter().map(Vec::as_slice).collect();
        let mut records = verify_segments(&slices);
        assert_eq!(records.by_ref().find_map(Result::err), None);
        assert_eq!((records.records(), records.tail_cuts()), (10 + cuts, cuts as u32));
    }
}

#[test]
fn a_day_of_nothing_but_a_torn_first_record_is_a_fresh_one() {
    let torn = torn_first(header(0, 0), &lines(3));
    assert_eq!(end_of(&[&torn]), None);
    assert_eq!(find_end(&[&torn], Some(&mark_file(&[]))), Ok(None));
}

#[test]
fn two_torn_first_records_in_a_row_are_both_given_up() {
    let before = torn_tail();
    let ending = end_of(&[&before]);
    let first = torn_first(header(1, 5), &lines(3));
    let second = torn_first(header(2, 5), &lines(3));
    assert_eq!(end_of(&[&before, &first, &second]), ending);
}

#[test]
fn until_the_day_is_taken_over_strict_reading_tells_where_it_is_torn() {
    for before in [torn_tail(), clean_tail()] {
        let torn = torn_first(header(1, 5), &lines(3));
        let segments = [before.as_slice(), &torn];
        let read: Vec<_> = verify_segments(&segments).collect();
        assert_eq!(read.len(), 6);
        let damage = read[5].expect_err("a torn record");
        assert_eq!((damage.segment, damage.seq, damage.offset), (1, 5, LINE));
        assert!(matches!(damage.fault, Fault::Checksum { .. }));
    }
}

#[test]
fn a_torn_first_record_that_was_on_the_disk_is_never_begun_anew() {
    let before = torn_tail();
    let torn = torn_first(header(1, 5), &lines(3));
    let mark = DurableMark {
        segment: 1,
        epoch: 2,
        end_offset: 2 * LINE,
        next_seq: 6,
        exits_unwaited: 0,
    };
    let judged = |mark| find_end(&[&before, &torn], Some(&mark_file(&[stored(1, mark)])));
    let lacking = Corruption::BelowMark {
        segment: Some(1),
        end_offset: LINE,
        seq: 5,
        mark,
    };
    assert_eq!(judged(mark), Err(ReplayFault::Corrupt(lacking)));
    assert_eq!(judged(mark_after(5)), Ok(end_of(&[&before])));

    // Nor is what stands further behind it than one commit.
    let mut far = segment_of(header(1, 5), &lines(2_000), 256 * 1_024);
    far[FIRST_RECORD..COMMIT_BYTES].fill(0);
    let same_process = DurableMark {
        epoch: 2,
        ..mark_after(5)
    };
    let beyond = Corruption::BeyondWindow {
        segment: 1,
        end_offset: LINE,
        at: COMMIT_BYTES as u64,
    };
    assert_eq!(
        find_end(&[&before, &far], Some(&mark_file(&[stored(1, same_process)]))),
        Err(ReplayFault::Corrupt(beyond))
    );
}

#[test]
fn the_segment_before_a_torn_first_record_is_judged_by_the_marks_too() {
    // It lacks a record that was on the disk; the header behind it says that there were six.
    let before = clean_tail();
    let torn = torn_first(header(1, 6), &lines(3));
    let lacking = Corruption::BelowMark {
        segment: Some(0),
        end_offset: LINE + 5 * LINE,
        seq: 5,
        mark: mark_after(6),
    };
    assert_eq!(
        find_end(&[&before, &torn], Some(&mark_file(&[stored(1, mark_after(6))]))),
        Err(ReplayFault::Corrupt(lacking))
    );
}

#[test]
fn a_torn_first_record_that_does_not_follow_is_refused() {
    let before = torn_tail();
    let refused = |segments: &[&[u8]], segment, seq, fault| {
        let damage = Damage {
            segment,
            seq,
            offset: 0,
            fault,
        };
        assert_eq!(find_end(segments, None), Err(ReplayFault::Damaged(damage)));
    };
    let lacking = torn_first(header(1, 6), &lines(3));
    refused(&[&before, &lacking], 1, 5, Fault::FirstSequence { found: 6 });
    let gap = torn_first(header(2, 5), &lines(3));
    refused(&[&before, &gap], 1, 5, Fault::SegmentNumber { found: 2 });
    let alone = torn_first(header(1, 0), &lines(3));
    refused(&[&alone], 0, 0, Fault::SegmentNumber { found: 1 });
    let late = torn_first(header(0, 3), &lines(3));
    refused(&[&late], 0, 0, Fault::FirstSequence { found: 3 });
}

#[test]
fn a_header_whose_first_word_was_not_stored_yet_is_as_good_as_none() {
    let before = torn_tail();
    let whole = segment_of(header(1, 5), &[], 4_096);
    for kept in [9, 40, SEGMENT_HEADER_BYTES] {
        let mut cut_off = whole.clone();
        cut_off[..8].fill(0);
        cut_off[kept..].fill(0);
        assert!(is_unused(&cut_off), "{kept} bytes");
        assert_eq!(end_of(&[&before, &cut_off]), end_of(&[&before]));
        // A record behind it proves that there was a header: no process dies so.
        cut_off[FIRST_RECORD + 1] = 1;
        assert!(!is_unused(&cut_off));
        let found = find_end(&[&before, &cut_off], None);
        assert!(matches!(found, Err(ReplayFault::Unreadable(_))), "{found:?}");
    }
    // Nor does one leave a first word and another rest.
    let mut torn_header = whole;
    torn_header[30] ^= 1;
    assert!(!is_unused(&torn_header));
    let found = find_end(&[&before, &torn_header], None);
    assert!(matches!(found, Err(ReplayFault::Unreadable(_))), "{found:?}");
    assert!(recover(&torn_header).is_err());
}
