//! What a crash may leave of a journal, and what recovery makes of it: a prefix, nothing invented, no panic.
//!
//! The disk is modelled as the worst that a power cut can do to unsynced pages: any set of 512-byte sectors
//! of the tail keeps its old contents (zeros), and a file may end anywhere.

mod items;

use bijli_core::codec::Item;
use bijli_core::journal::{Recovered, Tail, recover, scan, verify_segments};
use items::{day_items, header, segment_of};
use proptest::prelude::*;

const SEGMENT_BYTES: usize = 64 * 1_024;
const SECTOR_BYTES: usize = 512;

/// A segment, its items, and where each of its records ends.
struct Written {
    bytes: Vec<u8>,
    items: Vec<Item>,
    ends: Vec<usize>,
}

impl Written {
    /// Records that end before the first byte that is not as it was written.
    fn before_change(&self, damaged: &[u8]) -> usize {
        let changed = damaged
            .iter()
            .zip(&self.bytes)
            .position(|(left, right)| left != right);
        changed.map_or(self.items.len(), |at| self.ends.partition_point(|end| *end <= at))
    }
}

fn written(count: u64) -> Written {
    let items = day_items(count);
    let bytes = segment_of(header(0, 1), &items, SEGMENT_BYTES);
    let mut records = scan(&bytes).expect("a sound header");
    let mut ends = Vec::new();
    while records.next().is_some_and(|record| record.is_ok()) {
        ends.push(records.offset() as usize);
    }
    assert_eq!(ends.len(), items.len());
    Written { bytes, items, ends }
}

/// Recovers and checks that what is found is a prefix of what was written, then that a next segment that cuts
/// the tail makes the day verify.
fn recovered(damaged: &[u8], written: &Written) -> Recovered {
    let recovered = recover(damaged).expect("the header survived");
    let count = recovered.records as usize;
    let found: Vec<Item> = scan(damaged)
        .expect("the header survived")
        .take(count)
        .map(|record| record.expect("counted as valid").item().expect("an item"))
        .collect();
    assert_eq!(found, written.items[..count]);
    assert_eq!(
        recovered.end_offset as usize,
        if count == 0 { 64 } else { written.ends[count - 1] }
    );

    let next_items: Vec<Item> = recovered
        .tail_cut()
        .map(Item::TailCut)
        .into_iter()
        .chain(day_items(3))
        .collect();
    let next = segment_of(header(1, recovered.next_seq), &next_items, 4_096);
    let day = [damaged, &next];
    let mut records = verify_segments(&day);
    assert!(
        records.all(|record| record.is_ok()),
        "the day goes on after the cut"
    );
    assert_eq!(verify_segments(&day).count(), count + next_items.len());
    recovered
}

#[test]
fn a_journal_cut_at_every_length_of_its_last_4_kib_recovers_a_prefix() {
    let written = written(300);
    let end = *written.ends.last().expect("there are records");
    for length in end - 4_096..end {
        let whole = written.ends.partition_point(|end| *end <= length);
        // The file became shorter.
        let found = recovered(&written.bytes[..length], &written);
        assert_eq!(found.records as usize, whole);
        assert!(
            matches!(found.tail, Tail::Torn { .. }),
            "a short file is not a clean end"
        );
        // The file kept its size; the rest never reached the disk.
        let mut zeroed = written.bytes.clone();
        zeroed[length..].fill(0);
        assert_eq!(
            recovered(&zeroed, &written).records as usize,
            written.before_change(&zeroed)
        );
    }
}

#[test]
fn a_journal_file_cut_anywhere_in_its_zero_tail_loses_nothing() {
    let written = written(300);
    let end = *written.ends.last().expect("there are records");
    for length in (end..SEGMENT_BYTES)
        .rev()
        .step_by(997)
        .chain(SEGMENT_BYTES - 4_096..SEGMENT_BYTES)
    {
        let found = recovered(&written.bytes[..length], &written);
        assert_eq!(found.records, 300);
    }
}

#[test]
fn a_file_cut_inside_its_header_is_an_error_and_nothing_more() {
    let written = written(3);
    for length in 0..64 {
        assert!(recover(&written.bytes[..length]).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_disk_that_forgets_any_sectors_of_the_tail_gives_back_a_prefix(
        count in 60u64..400,
        forgotten in prop::collection::vec(any::<bool>(), 8),
        partly in prop::option::of((0usize..8, 0usize..SECTOR_BYTES)),
    ) {
        let written = written(count);
        let end = *written.ends.last().expect("there are records");
        let last_sector = end / SECTOR_BYTES;
        let mut damaged = written.bytes.clone();
        for (back, lost) in forgotten.iter().enumerate() {
            let begin = (last_sector - back) * SECTOR_BYTES;
            let torn = partly.filter(|(sector, _)| *sector == back).map_or(0, |(_, kept)| kept);
            if *lost && begin >= SECTOR_BYTES {
                damaged[begin + torn..begin + SECTOR_BYTES].fill(0);
            }
        }
        let found = recovered(&damaged, &written).records as usize;
        prop_assert_eq!(found, written.before_change(&damaged));
    }

    #[test]
    fn a_disk_that_kept_old_sectors_of_another_journal_gives_back_a_prefix(
        count in 60u64..300,
        stale in prop::collection::vec(any::<bool>(), 8),
    ) {
        let written = written(count);
        let end = *written.ends.last().expect("there are records");
        let mut old = header(0, 1);
        old.epoch = 9;
        let old = segment_of(old, &day_items(400), SEGMENT_BYTES);
        let mut damaged = written.bytes.clone();
        for back in (0..8).filter(|back| stale[*back]) {
            let begin = (end / SECTOR_BYTES - back) * SECTOR_BYTES;
            if begin >= SECTOR_BYTES {
                damaged[begin..begin + SECTOR_BYTES].copy_from_slice(&old[begin..begin + SECTOR_BYTES]);
            }
        }
        prop_assert_eq!(recovered(&damaged, &written).records as usize, written.before_change(&damaged));
    }
}
