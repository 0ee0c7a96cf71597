//! What makes a journal durable and what a start makes of it: the mark file, the commit protocol call by call, rot
//! against torn tails, and the engine rebuilt from the records.
//!
//! `power_loss` throws dice at all of it together; here each rule stands alone, with the last value that passes and
//! the first that does not.

mod begun_anew;
mod marks;
mod persister;
mod replay;
mod rot;

#[path = "../items/mod.rs"]
mod items;

use bijli_core::TsNs;
use bijli_core::codec::{DurableMark, Item};
use bijli_core::event::Event;
use bijli_core::journal::StoredMark;
use items::{header, segment_of};

/// Bytes of a record of [`lines`], the smallest there is; the segment header has as many.
const LINE: u64 = 64;

/// Most bytes of one commit, as `DESIGN.md` has it, and with that the most that a power cut leaves behind the mark. A
/// journal is judged by the program that comes after the one that wrote it: the number cannot move unseen.
const COMMIT_BYTES: usize = 65_536;

/// `count` records of one line each.
fn lines(count: usize) -> Vec<Item> {
    (1..)
        .map(|n| Item::Event(Event::TimePassed(TsNs::new(n))))
        .take(count)
        .collect()
}

/// The day's first segment with `count` records of one line each.
fn line_segment(count: usize, bytes: usize) -> Vec<u8> {
    segment_of(header(0, 0), &lines(count), bytes)
}

/// That the first `count` records of [`line_segment`] are on the disk.
fn mark_after(count: u64) -> DurableMark {
    DurableMark {
        segment: 0,
        epoch: header(0, 0).epoch,
        end_offset: LINE + count * LINE,
        next_seq: count,
        exits_unwaited: 0,
    }
}

/// A mark file that holds these marks and nothing else.
fn mark_file(marks: &[StoredMark]) -> Vec<u8> {
    let mut file = vec![0; 1_024];
    for stored in marks {
        file[stored.slot_offset() as usize..][..512].copy_from_slice(&stored.to_bytes());
    }
    file
}

fn stored(generation: u64, mark: DurableMark) -> StoredMark {
    StoredMark {
        generation,
        day: header(0, 0).day,
        mark,
    }
}
