//! The journal through its public face: what was appended is read back, and nothing else ever is.

mod items;

use bijli_core::TsNs;
use bijli_core::codec::{Checkpoint, Item, TailCut};
use bijli_core::event::{Event, Tick};
use bijli_core::journal::{
    Damage, Fault, JournalError, JournalWriter, Tail, is_blank, recover, scan, scan_published,
    verify_segments,
};
use bijli_core::record::{HeaderFault, PAYLOAD_BYTES_MAX, RecordKind, SEGMENT_HEADER_BYTES};
use items::{day_items, header, segment_of};
use proptest::prelude::*;

fn items_of(segments: &[&[u8]]) -> Result<Vec<Item>, Damage> {
    verify_segments(segments)
        .map(|record| record.map(|record| record.item().expect("only items were appended")))
        .collect()
}

#[test]
fn records_come_back_in_order_with_their_sequence_and_time() {
    let items = day_items(50);
    let segment = segment_of(header(0, 100), &items, 16_384);
    let records: Vec<_> = scan(&segment)
        .expect("a sound header")
        .map(|record| record.expect("sound"))
        .collect();
    assert_eq!(records.len(), 50);
    for ((record, item), seq) in records.iter().zip(&items).zip(100..) {
        assert_eq!((record.seq, record.item(), record.segment), (seq, Ok(*item), 0));
        assert_eq!(record.ts, item.own_ts().unwrap_or(TsNs::new(7)));
        assert!(record.offset % 64 == 0);
    }
    let recovered = recover(&segment).expect("a sound header");
    assert_eq!(
        (recovered.records, recovered.next_seq, recovered.tail),
        (50, 150, Tail::Clean)
    );
    assert_eq!(recovered.header, header(0, 100));
}

#[test]
fn a_full_segment_refuses_the_record_and_stays_as_it_was() {
    let mut writer = JournalWriter::create(vec![0; 256], header(0, 0)).expect("blank memory");
    let tick = Item::Event(Event::Ticked(Tick::default()));
    assert_eq!(writer.append_item(&tick, TsNs::NEVER), Ok(0));
    let full = JournalError::Full {
        needed_bytes: 128,
        room_bytes: 64,
    };
    assert_eq!(writer.append_item(&tick, TsNs::NEVER), Err(full));
    assert_eq!(
        (writer.used_bytes(), writer.room_bytes(), writer.next_seq()),
        (192, 64, 1)
    );
    assert_eq!(writer.append(RecordKind::TIME_PASSED, TsNs::NEVER, &[]), Ok(1));
    let too_long = writer.append(RecordKind::TICKED, TsNs::NEVER, &[0; PAYLOAD_BYTES_MAX + 1]);
    assert_eq!(
        too_long,
        Err(JournalError::PayloadTooLong {
            bytes: PAYLOAD_BYTES_MAX + 1
        })
    );
    assert_eq!(writer.room_bytes(), 0);
    assert_eq!(
        recover(&writer.into_inner()).map(|found| (found.records, found.tail)),
        Ok((2, Tail::Clean))
    );
}

#[test]
fn memory_that_cannot_be_a_new_segment_is_refused() {
    let create =
        |bytes: Vec<u8>| JournalWriter::create(bytes, header(0, 0)).map(|writer| writer.used_bytes());
    assert_eq!(create(vec![0; 64]), Err(JournalError::SegmentBytes { bytes: 64 }));
    assert_eq!(
        create(vec![0; 1_000]),
        Err(JournalError::SegmentBytes { bytes: 1_000 })
    );
    let mut used = vec![0; 8_192];
    used[5_000] = 1;
    assert_eq!(create(used), Err(JournalError::NotBlank { offset: 5_000 }));
    let mut aligned = vec![0u8; 256 + 8];
    let odd = 1 + aligned.as_ptr().align_offset(8);
    let misaligned = JournalWriter::create(&mut aligned[odd..odd + 256], header(0, 0));
    assert_eq!(misaligned.map(|_| ()), Err(JournalError::Misaligned));
}

#[test]
fn a_writer_tells_what_comes_next_and_shows_what_stands_in_its_segment() {
    let items = day_items(9);
    let mut writer = JournalWriter::create(vec![0; 4_096], header(0, 40)).expect("blank memory");
    for (seq, item) in (40..).zip(&items) {
        assert_eq!(writer.next_seq(), seq);
        assert_eq!(writer.append_item(item, TsNs::new(7)), Ok(seq));
    }
    let shown = writer.bytes().to_vec();
    assert_eq!((shown.len(), items_of(&[&shown])), (4_096, Ok(items)));
    assert_eq!(shown, writer.into_inner());
}

#[test]
fn the_largest_payload_fits_and_a_byte_more_does_not() {
    let append = |bytes: usize| {
        let mut writer = JournalWriter::create(vec![0; 4_096], header(0, 0)).expect("blank memory");
        writer.append(RecordKind::TICKED, TsNs::NEVER, &vec![0; bytes])
    };
    assert_eq!(append(PAYLOAD_BYTES_MAX), Ok(0));
    let bytes = PAYLOAD_BYTES_MAX + 1;
    assert_eq!(append(bytes), Err(JournalError::PayloadTooLong { bytes }));
}

#[test]
fn a_refusal_says_what_was_found_and_what_to_do() {
    let told = [
        (
            JournalError::Full {
                needed_bytes: 192,
                room_bytes: 128,
            },
            ["192 bytes", "128", "next segment"],
        ),
        (
            JournalError::PayloadTooLong { bytes: 5_000 },
            ["5000 bytes", "992 bytes", "payload"],
        ),
        (
            JournalError::SegmentBytes { bytes: 1_000 },
            ["1000", "at least 128", "multiple of 64"],
        ),
        (JournalError::Misaligned, ["multiple of 8 bytes", "map", "file"]),
        (
            JournalError::NotBlank { offset: 777 },
            ["byte 777", "zeros", "fresh file"],
        ),
        (
            JournalError::Header(HeaderFault::Version { version: 9 }),
            ["version 9", "journal segment", "newer"],
        ),
    ];
    for (error, words) in told {
        let text = error.to_string();
        for word in words {
            assert!(text.contains(word), "{text:?} lacks {word:?}");
        }
    }
}

#[test]
fn any_flipped_byte_is_found_and_the_record_named() {
    let items = day_items(300);
    let mut segment = segment_of(header(3, 1_000), &items, 48 * 1_024);
    let offsets: Vec<u64> = scan(&segment)
        .expect("a sound header")
        .map(|record| record.expect("sound").offset)
        .collect();
    let end = recover(&segment).expect("a sound header").end_offset;
    assert!(
        segment.len() as u64 > end + 1_024,
        "there is a zero tail to damage"
    );
    for at in 0..segment.len() {
        for change in [0x01, 0x80, 0xFF] {
            segment[at] ^= change;
            let found = items_of(&[&segment]).expect_err("a changed byte is found");
            segment[at] ^= change;
            assert_eq!(found.segment, if at < SEGMENT_HEADER_BYTES { 0 } else { 3 });
            if at < SEGMENT_HEADER_BYTES {
                assert!(matches!(found.fault, Fault::Header(_)), "byte {at}: {found}");
                continue;
            }
            let index = offsets.partition_point(|offset| *offset <= at as u64);
            let (seq, offset) = if at as u64 >= end {
                (1_300, end)
            } else {
                (1_000 + index as u64 - 1, offsets[index - 1])
            };
            assert_eq!((found.seq, found.offset), (seq, offset), "byte {at}: {found}");
            assert!(
                found
                    .to_string()
                    .contains(&format!("record {seq} at byte {offset} of segment 3"))
            );
        }
    }
    assert!(items_of(&[&segment]).is_ok(), "every change was undone");
}

/// Three segments: a full one, one with a torn tail, and one that begins by cutting it.
fn torn_day() -> [Vec<u8>; 3] {
    let items = day_items(40);
    let first = segment_of(header(0, 0), &items, 8_192);
    let mut second = segment_of(header(1, 40), &items[..20], 4_096);
    let end = recover(&second).expect("a sound header").end_offset as usize;
    second[end + 130..end + 200].fill(0x5A);
    let cut = recover(&second)
        .expect("a sound header")
        .tail_cut()
        .expect("a torn tail");
    let mut last = vec![Item::TailCut(cut)];
    last.extend(&items[20..30]);
    [first, second, segment_of(header(2, 60), &last, 4_096)]
}

#[test]
fn a_torn_tail_is_legal_only_with_its_tail_cut() {
    let [first, second, third] = torn_day();
    let mut day = verify_segments(&[]);
    assert!(matches!(
        day.next(),
        Some(Err(Damage {
            fault: Fault::Header(HeaderFault::Absent),
            ..
        }))
    ));
    assert_eq!(day.next(), None);

    let all: [&[u8]; 3] = [&first, &second, &third];
    let mut day = verify_segments(&all);
    assert_eq!((day.header(), day.tail_cuts()), (None, 0));
    assert_eq!(day.by_ref().filter(Result::is_ok).count(), 71);
    assert_eq!((day.records(), day.tail_cuts(), day.next_seq()), (71, 1, 71));
    assert_eq!(day.header(), Some(&header(2, 60)));

    let alone = items_of(&all[..2]).expect_err("nothing makes the damage legal");
    assert_eq!((alone.segment, alone.seq), (1, 60));
    let at = alone.offset + 130;
    assert_eq!(
        alone.fault,
        Fault::TailNotZero { at },
        "the first byte that was torn"
    );
    let without_cut = segment_of(header(2, 60), &day_items(3), 4_096);
    assert_eq!(items_of(&[&first, &second, &without_cut]), Err(alone));
    let clean = segment_of(header(1, 40), &day_items(40)[..20], 4_096);
    let stray = items_of(&[&first, &clean, &third]).expect_err("the cut describes another segment");
    assert_eq!((stray.segment, stray.seq, stray.fault), (2, 60, Fault::TailCut));
}

#[test]
fn any_flipped_byte_of_a_day_with_a_torn_tail_is_found() {
    let mut day = torn_day();
    for segment in 0..3 {
        for at in 0..day[segment].len() {
            day[segment][at] ^= 0x10;
            let all: Vec<&[u8]> = day.iter().map(Vec::as_slice).collect();
            let found = items_of(&all).expect_err("a changed byte is found");
            assert!(
                found.segment as usize == segment || found.fault == Fault::TailCut,
                "byte {at}: {found}"
            );
            day[segment][at] ^= 0x10;
        }
    }
}

#[test]
fn a_tail_cut_in_the_middle_or_in_the_first_segment_is_refused() {
    let cut = Item::TailCut(TailCut {
        segment: 0,
        cut_offset: 64,
        tail_crc: 0,
    });
    for items in [vec![cut], vec![day_items(1)[0], cut]] {
        let segment = segment_of(header(0, 0), &items, 4_096);
        let found = items_of(&[&segment]).expect_err("a cut of nothing");
        assert_eq!((found.seq, found.fault), (items.len() as u64 - 1, Fault::TailCut));
    }
}

#[test]
fn segments_must_follow_one_another() {
    let items = day_items(10);
    let first = segment_of(header(0, 0), &items, 4_096);
    let second = |change: fn(&mut bijli_core::record::SegmentHeader)| {
        let mut next = header(1, 10);
        change(&mut next);
        let segment = segment_of(next, &items, 4_096);
        items_of(&[&first, &segment])
            .map(|found| found.len())
            .map_err(|damage| damage.fault)
    };
    assert_eq!(second(|_| ()), Ok(20));
    assert_eq!(second(|next| next.epoch = 1), Ok(20), "the same process goes on");
    assert_eq!(
        second(|next| next.segment = 2),
        Err(Fault::SegmentNumber { found: 2 })
    );
    assert_eq!(second(|next| next.epoch = 0), Err(Fault::Epoch { found: 0 }));
    assert_eq!(
        second(|next| next.day = bijli_core::IstDay::new(1)),
        Err(Fault::Day)
    );
    assert_eq!(
        second(|next| next.first_seq = 11),
        Err(Fault::FirstSequence { found: 11 })
    );
}

#[test]
fn a_record_in_the_wrong_place_segment_or_epoch_never_validates() {
    let items = [Item::Checkpoint(Checkpoint {
        events: 1,
        state_hash: 2,
    }); 2];
    let good = segment_of(header(0, 0), &items, 256);
    let mut swapped = good.clone();
    swapped.copy_within(64..128, 128);
    assert_eq!(
        items_of(&[&swapped]).map_err(|found| found.fault),
        Err(Fault::Sequence { found: 0 })
    );
    for (segment, epoch) in [(1, 1), (0, 2)] {
        let mut other = header(0, 0);
        (other.segment, other.epoch) = (segment, epoch);
        let mut recycled = segment_of(other, &[], 256);
        recycled[64..].copy_from_slice(&good[64..]);
        let recovered = recover(&recycled).expect("a sound header");
        assert_eq!(
            recovered.records, 0,
            "records of another segment or epoch are not this one's"
        );
    }
}

#[test]
fn a_segment_made_in_advance_may_follow_the_last_one_if_it_is_blank() {
    let used = segment_of(header(0, 0), &day_items(5), 4_096);
    let mut blank = vec![0; 4_096];
    assert_eq!(items_of(&[&used, &blank, &blank]).map(|items| items.len()), Ok(5));
    assert!(is_blank(&blank));
    assert_eq!(recover(&blank), Err(JournalError::Header(HeaderFault::Absent)));
    blank[3_000] = 1;
    let found = items_of(&[&used, &blank]).expect_err("a blank segment has no bytes");
    assert_eq!(
        (found.segment, found.seq, found.fault),
        (1, 5, Fault::Header(HeaderFault::Absent))
    );
}

#[test]
fn a_file_too_short_for_a_segment_follows_the_last_one_only_if_it_is_blank() {
    let used = segment_of(header(0, 0), &day_items(5), 4_096);
    let short = [0; 10];
    assert_eq!(items_of(&[&used, &short]).map(|items| items.len()), Ok(5));
    // What stands in it was begun, and makes nothing legal that is torn before it.
    let mut torn = used.clone();
    torn[4_000] = 1;
    let found = items_of(&[&torn, &[7; 10]]).expect_err("a header that was cut off");
    assert_eq!(
        (found.segment, found.fault),
        (1, Fault::Header(HeaderFault::Short { bytes: 10 }))
    );
}

#[test]
fn a_live_view_stops_at_the_last_published_record() {
    let items = day_items(20);
    let mut segment = segment_of(header(0, 0), &items, 8_192);
    let last = recover(&segment).expect("a sound header").end_offset as usize - 128;
    // The last record as a writer leaves it just before it stores the first word.
    segment[last..last + 8].fill(0);
    let seen = scan_published(&segment)
        .expect("a sound header")
        .filter(Result::is_ok)
        .count();
    assert_eq!(seen, 19);
    assert!(
        scan(&segment)
            .expect("a sound header")
            .last()
            .expect("records")
            .is_err()
    );
}

proptest! {
    #[test]
    fn any_items_survive_the_way_through_a_segment(written in prop::collection::vec(items::item(), 0..60)) {
        let written: Vec<_> = written.into_iter().filter(|item| !matches!(item, Item::TailCut(_))).collect();
        let segment = segment_of(header(0, 9), &written, 32_768);
        prop_assert_eq!(items_of(&[&segment]), Ok(written));
    }

    #[test]
    fn reading_any_bytes_as_a_segment_never_panics(
        mut bytes in prop::collection::vec(any::<u8>(), 0..2_048),
        begins_well in any::<bool>(),
    ) {
        if begins_well && bytes.len() >= 64 {
            let segment_bytes = bytes.len() as u64 & !63;
            bytes[..64].copy_from_slice(&header(0, u64::MAX).to_bytes(segment_bytes.max(128)));
        }
        let _ = recover(&bytes);
        let _ = items_of(&[&bytes, &bytes]);
        let _ = scan_published(&bytes).map(Iterator::count);
    }
}
