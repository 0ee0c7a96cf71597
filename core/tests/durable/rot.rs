//! What a power cut can do to a journal whose durable end is known, and what it cannot.

use bijli_core::IstDay;
use bijli_core::codec::{DurableMark, Item};
use bijli_core::journal::{Corruption, ReplayFault, StoredMark, check_durable, find_end, recover};

use super::items::{header, segment_of};
use super::{COMMIT_BYTES, LINE, line_segment, lines, mark_after, mark_file, stored};

/// How the end of a day of one segment is judged.
fn judged(segment: &[u8], mark: DurableMark) -> Result<Option<StoredMark>, Corruption> {
    let last = recover(segment).expect("a sound header");
    check_durable(Some((segment, &last)), &mark_file(&[stored(1, mark)]))
}

/// A segment of `count` lines whose record number `torn` never reached the disk.
fn torn_at(torn: usize, count: usize) -> Vec<u8> {
    let mut segment = line_segment(count, 256 * 1_024);
    segment[64 + torn * 64..][..64].fill(0);
    segment
}

#[test]
fn without_a_mark_and_without_records_there_is_nothing_to_judge() {
    let blank = mark_file(&[]);
    assert_eq!(check_durable(None, &blank), Ok(None));
    let segment = line_segment(5, 4_096);
    let last = recover(&segment).expect("a sound header");
    assert_eq!(check_durable(Some((&segment, &last)), &blank), Ok(None));
}

#[test]
fn a_day_whose_marked_records_are_all_there_is_believed_and_one_that_lacks_one_is_not() {
    let segment = line_segment(5, 4_096);
    let mark = mark_after(5);
    assert_eq!(judged(&segment, mark), Ok(Some(stored(1, mark))));
    let lacking = Corruption::BelowMark {
        segment: Some(0),
        end_offset: LINE + 5 * LINE,
        seq: 5,
        mark: mark_after(6),
    };
    assert_eq!(judged(&segment, mark_after(6)), Err(lacking));
    assert_eq!(
        find_end(&[&segment], Some(&mark_file(&[stored(1, mark_after(6))]))),
        Err(ReplayFault::Corrupt(lacking))
    );
}

#[test]
fn a_mark_without_any_segment_tells_of_a_day_that_is_gone() {
    let mark = mark_after(6);
    let gone = Corruption::BelowMark {
        segment: None,
        end_offset: 0,
        seq: 0,
        mark,
    };
    let file = mark_file(&[stored(1, mark)]);
    assert_eq!(check_durable(None, &file), Err(gone));
    let blank = vec![0; 4_096];
    assert_eq!(
        find_end(&[&blank], Some(&file)),
        Err(ReplayFault::Corrupt(gone)),
        "what holds no record is no segment of the day"
    );
}

#[test]
fn a_mark_file_that_is_lost_or_of_another_day_is_refused() {
    let segment = line_segment(5, 4_096);
    let last = recover(&segment).expect("a sound header");
    let judged = |file: &[u8]| check_durable(Some((&segment, &last)), file);
    assert_eq!(judged(&[0xFF; 1_024]), Err(Corruption::MarksLost));
    let other = StoredMark {
        day: IstDay::new(header(0, 0).day.get() + 1),
        ..stored(1, mark_after(5))
    };
    assert_eq!(judged(&mark_file(&[other])), Err(Corruption::OtherDay));
}

#[test]
fn a_sound_record_may_stand_up_to_one_commit_behind_the_mark_and_no_further() {
    // Ten records are durable, the eleventh is missing, and others follow it.
    let window_lines = COMMIT_BYTES / 64;
    let within = torn_at(10, 10 + window_lines);
    assert_eq!(
        judged(&within, mark_after(10)),
        Ok(Some(stored(1, mark_after(10))))
    );
    let beyond = torn_at(10, 10 + window_lines + 1);
    let found = Corruption::BeyondWindow {
        segment: 0,
        end_offset: LINE + 10 * LINE,
        at: LINE + 10 * LINE + COMMIT_BYTES as u64,
    };
    assert_eq!(judged(&beyond, mark_after(10)), Err(found));
    assert!(judged(&beyond, mark_after(9)).is_err(), "a mark further back");
}

#[test]
fn without_a_mark_of_the_same_process_nothing_says_how_far_it_wrote() {
    let far = torn_at(10, 2_000);
    let other = DurableMark {
        epoch: header(0, 0).epoch + 1,
        ..mark_after(10)
    };
    assert_eq!(judged(&far, other), Ok(Some(stored(1, other))));
    let last = recover(&far).expect("a sound header");
    assert_eq!(check_durable(Some((&far, &last)), &mark_file(&[])), Ok(None));
}

#[test]
fn behind_a_mark_of_an_earlier_segment_one_commit_from_the_front_is_the_most() {
    let mark = DurableMark {
        segment: 7,
        ..mark_after(10)
    };
    let window_lines = COMMIT_BYTES / 64;
    // The segment header takes the first line.
    let within = torn_at(10, window_lines - 1);
    assert_eq!(judged(&within, mark), Ok(Some(stored(1, mark))));
    let found = Corruption::BeyondWindow {
        segment: 0,
        end_offset: LINE + 10 * LINE,
        at: COMMIT_BYTES as u64,
    };
    assert_eq!(judged(&torn_at(10, window_lines), mark), Err(found));
}

#[test]
fn a_journaled_mark_behind_the_end_tells_what_was_durable() {
    let behind = |mark: DurableMark| {
        let mut items = lines(4);
        items.push(Item::DurableMark(mark));
        let mut segment = segment_of(header(0, 0), &items, 4_096);
        segment[64 + 3 * 64..][..64].fill(0);
        let last = recover(&segment).expect("a sound header");
        check_durable(Some((&segment, &last)), &mark_file(&[]))
    };
    assert_eq!(behind(mark_after(3)), Ok(None), "three are there");
    let lacking = Corruption::BelowMark {
        segment: Some(0),
        end_offset: LINE + 3 * LINE,
        seq: 3,
        mark: mark_after(4),
    };
    assert_eq!(behind(mark_after(4)), Err(lacking));
}

#[test]
fn corruption_is_told_with_the_places_that_a_person_must_look_at() {
    let mark = DurableMark {
        segment: 11,
        end_offset: 22_222,
        next_seq: 333,
        ..mark_after(1)
    };
    let told = [
        (
            Corruption::BelowMark {
                segment: Some(9),
                end_offset: 4_444,
                seq: 55,
                mark,
            },
            &[
                "segment 9",
                "byte 4444",
                "record 55",
                "333",
                "byte 22222 of segment 11",
            ][..],
        ),
        (
            Corruption::BelowMark {
                segment: None,
                end_offset: 0,
                seq: 0,
                mark,
            },
            &["no segment", "333"],
        ),
        (
            Corruption::BeyondWindow {
                segment: 9,
                end_offset: 4_444,
                at: 99_999,
            },
            &["segment 9", "byte 4444", "byte 99999"],
        ),
        (Corruption::MarksLost, &["mark file"]),
        (Corruption::OtherDay, &["mark file", "another day"]),
    ];
    for (corruption, words) in told {
        let text = corruption.to_string();
        for word in words {
            assert!(text.contains(word), "{text:?} lacks {word:?}");
        }
    }
}
