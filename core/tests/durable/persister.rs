//! The commit protocol call by call, on a disk that writes down what it is asked.

use bijli_core::IstDay;
use bijli_core::codec::{DurableMark, Item};
use bijli_core::config::Config;
use bijli_core::event::Event;
use bijli_core::journal::{DiskFile, JournalDisk, Marks, PersistError, Persister, StoredMark};
use bijli_core::record::SegmentHeader;

use super::items::{header, segment_of};
use super::{COMMIT_BYTES, LINE, line_segment, lines, mark_after, stored};

/// A call to the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Call {
    Write(DiskFile, u64, Vec<u8>),
    Sync(DiskFile),
}

/// Refuses the call with the number that is told, and does all others.
#[derive(Default, Debug)]
struct Notebook {
    calls: Vec<Call>,
    refuses: Option<usize>,
}

impl Notebook {
    fn note(&mut self, call: Call) -> Result<(), &'static str> {
        self.calls.push(call);
        match self.refuses {
            Some(number) if number == self.calls.len() => Err("no"),
            Some(_) | None => Ok(()),
        }
    }
}

impl JournalDisk for Notebook {
    type Error = &'static str;

    fn write_at(&mut self, file: DiskFile, offset: u64, bytes: &[u8]) -> Result<(), Self::Error> {
        self.note(Call::Write(file, offset, bytes.to_vec()))
    }

    fn sync(&mut self, file: DiskFile) -> Result<(), Self::Error> {
        self.note(Call::Sync(file))
    }
}

const SEGMENT: DiskFile = DiskFile::Segment(0);

fn persister(marks: Marks) -> Persister<Notebook> {
    Persister::new(Notebook::default(), header(0, 0).day, (0, 0), marks)
}

/// The calls since the last time.
fn calls(persister: &mut Persister<Notebook>) -> Vec<Call> {
    std::mem::take(&mut persister.disk_mut().calls)
}

fn write(offset: u64, bytes: &[u8]) -> Call {
    Call::Write(SEGMENT, offset, bytes.to_vec())
}

fn mark_calls(stored: StoredMark) -> [Call; 2] {
    [
        Call::Write(DiskFile::Marks, stored.slot_offset(), stored.to_bytes().to_vec()),
        Call::Sync(DiskFile::Marks),
    ]
}

#[test]
fn a_segment_begins_with_one_sector_and_goes_on_with_the_first_word_last() {
    let segment = line_segment(20, 8_192);
    let mut persister = persister(Marks::Blank);
    assert_eq!(
        (persister.segment(), persister.end_offset(), persister.durable()),
        (0, 0, None)
    );
    // The header and seven lines fill the sector.
    assert_eq!(persister.commit(&segment, 0), Ok(Some(mark_after(7))));
    let [mark, mark_sync] = mark_calls(stored(1, mark_after(7)));
    assert_eq!(
        calls(&mut persister),
        [write(0, &segment[..512]), Call::Sync(SEGMENT), mark, mark_sync]
    );
    assert_eq!(
        (persister.end_offset(), persister.durable()),
        (512, Some(mark_after(7)))
    );

    let rest = &segment[512..];
    let mark = DurableMark {
        exits_unwaited: 3,
        ..mark_after(20)
    };
    assert_eq!(persister.commit(rest, 3), Ok(Some(mark)));
    let end = 20 * 64 + 64 - 512;
    let [mark_write, mark_sync] = mark_calls(stored(2, mark));
    assert_eq!(
        calls(&mut persister),
        [
            write(520, &rest[8..end]),
            write(512, &rest[..8]),
            Call::Sync(SEGMENT),
            mark_write,
            mark_sync
        ]
    );
    assert_eq!(
        (persister.end_offset(), persister.durable()),
        (LINE + 20 * LINE, Some(mark))
    );
    assert_eq!(persister.commit(&rest[end..], 4), Ok(None), "nothing new");
    assert!(persister.into_disk().calls.is_empty(), "and nothing asked");
}

#[test]
fn a_first_record_larger_than_a_sector_is_written_after_the_header_is_synced() {
    let items = [Item::Event(Event::Configured(Config::default())), lines(1)[0]];
    let segment = segment_of(header(0, 0), &items, 8_192);
    let first_end = items_end(&items[..1]);
    assert!(first_end > 512, "the configuration is larger than a sector");
    let mut persister = persister(Marks::Blank);
    let mark = DurableMark {
        end_offset: first_end as u64,
        ..mark_after(1)
    };
    assert_eq!(persister.commit(&segment, 0), Ok(Some(mark)), "and alone");
    assert_eq!(
        calls(&mut persister)[..4],
        [
            write(0, &segment[..512]),
            Call::Sync(SEGMENT),
            write(512, &segment[512..first_end]),
            Call::Sync(SEGMENT),
        ]
    );
}

/// Where a segment ends that holds these items.
fn items_end(items: &[Item]) -> usize {
    let segment = segment_of(header(0, 0), items, 8_192);
    bijli_core::journal::recover(&segment)
        .expect("a sound header")
        .end_offset as usize
}

#[test]
fn a_commit_takes_whole_records_up_to_its_limit() {
    let commit_lines = COMMIT_BYTES / 64;
    let segment = line_segment(7 + commit_lines + 1, 256 * 1_024);
    let mut persister = persister(Marks::Blank);
    let mut committed = Vec::new();
    for _ in 0..4 {
        let window = &segment[persister.end_offset() as usize..];
        committed.push(persister.commit(window, 0).expect("the disk works"));
    }
    let [first, second, third] =
        [7, 7 + commit_lines, 8 + commit_lines].map(|count| mark_after(count as u64));
    let marks = [Some(first), Some(second), Some(third), None];
    assert_eq!(committed, marks);
}

#[test]
fn what_is_being_written_is_left_for_the_next_commit() {
    let segment = line_segment(3, 4_096);
    let mut half = segment.clone();
    half[64 + 2 * 64..][..8].fill(0);
    let mut persister = persister(Marks::Blank);
    assert_eq!(persister.commit(&half[..64], 0), Ok(None), "a header alone");
    assert_eq!(persister.commit(&half, 0), Ok(Some(mark_after(2))));
    assert_eq!(persister.commit(&half[192..], 0), Ok(None));
    assert_eq!(persister.commit(&segment[192..], 0), Ok(Some(mark_after(3))));
}

#[test]
fn a_segment_of_another_number_or_day_is_not_committed() {
    let with = |change: fn(&mut SegmentHeader)| {
        let mut head = header(0, 0);
        change(&mut head);
        let segment = segment_of(head, &lines(3), 4_096);
        persister(Marks::Blank)
            .commit(&segment, 0)
            .map(|mark| mark.is_some())
    };
    assert_eq!(with(|_| {}), Ok(true));
    assert_eq!(with(|head| head.segment = 1), Ok(false));
    assert_eq!(with(|head| head.day = IstDay::new(1)), Ok(false));
    assert_eq!(
        with(|head| head.first_seq = 1),
        Ok(false),
        "records that are not due"
    );
    assert_eq!(persister(Marks::Blank).commit(&[0; 4_096], 0), Ok(None));
}

#[test]
fn marks_go_on_from_those_that_the_file_holds() {
    let segment = line_segment(1, 4_096);
    for (marks, generation) in [
        (Marks::Blank, 1),
        (Marks::Lost, 1),
        (Marks::Found(stored(8, mark_after(1))), 9),
    ] {
        let mut persister = persister(marks);
        persister.commit(&segment, 0).expect("the disk works");
        assert_eq!(
            calls(&mut persister)[2..],
            mark_calls(stored(generation, mark_after(1)))
        );
    }
}

#[test]
fn the_next_segment_is_entered_only_where_it_carries_on() {
    let first = line_segment(3, 4_096);
    let next = |change: fn(&mut SegmentHeader)| {
        let mut head = SegmentHeader {
            epoch: header(0, 0).epoch,
            ..header(1, 3)
        };
        change(&mut head);
        segment_of(head, &lines(2), 4_096)
    };
    let mut persister = persister(Marks::Blank);
    assert!(
        !persister.enter_next(&next(|_| {})),
        "the first is not durable yet"
    );
    persister.commit(&first, 0).expect("the disk works");
    let strangers: [fn(&mut SegmentHeader); 4] = [
        |head| head.segment = 2,
        |head| head.epoch += 1,
        |head| head.day = IstDay::new(1),
        |head| head.first_seq = 4,
    ];
    for change in strangers {
        assert!(!persister.enter_next(&next(change)));
    }
    assert!(!persister.enter_next(&[0; 64]));
    assert_eq!(
        (persister.segment(), persister.end_offset()),
        (0, LINE + 3 * LINE)
    );
    let second = next(|_| {});
    assert!(persister.enter_next(&second));
    assert_eq!((persister.segment(), persister.end_offset()), (1, 0));
    calls(&mut persister);
    let mark = DurableMark {
        segment: 1,
        end_offset: LINE + 2 * LINE,
        ..mark_after(5)
    };
    assert_eq!(persister.commit(&second, 0), Ok(Some(mark)));
    assert_eq!(
        calls(&mut persister)[0],
        Call::Write(DiskFile::Segment(1), 0, second[..192].to_vec())
    );
}

#[test]
fn a_disk_that_refused_any_call_is_never_asked_again() {
    let segment = line_segment(20, 8_192);
    for refuses in 1..=5 {
        let mut persister = persister(Marks::Blank);
        persister.commit(&segment, 0).expect("the disk works");
        assert!(!persister.is_dead());
        calls(&mut persister);
        persister.disk_mut().refuses = Some(refuses);
        let rest = &segment[512..];
        assert_eq!(
            persister.commit(rest, 0),
            Err(PersistError::Disk("no")),
            "{refuses}"
        );
        assert_eq!(persister.commit(rest, 0), Err(PersistError::Dead), "{refuses}");
        assert!(persister.is_dead());
        assert_eq!(persister.disk().calls.len(), refuses, "nothing after the refusal");
        assert_eq!(
            (persister.durable(), persister.end_offset()),
            (Some(mark_after(7)), 512)
        );
    }
}
