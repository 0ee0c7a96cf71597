//! An engine rebuilt from the segments that earlier processes of the day left.
//!
//! Strict, except for the torn end of the last segment: damage anywhere else, an item that cannot be read, or a
//! command that this program would not have given refuses the whole. A last segment torn in its very first record held
//! nothing, and its number is begun anew: gone on behind, the cut that this record was to name would be named by nobody.
//! Invariant: nothing is sent and no byte changed.

use super::segments::misfit;
use super::{
    Corruption, Damage, Fault, JournalError, Recovered, check_durable, is_unused, recover, verify_segments,
};
use crate::codec::{CodecError, Item, TailCut};
use crate::command::Commands;
use crate::engine::Engine;
use crate::event::Event;
use crate::planted::{Bug, planted};
use crate::record::SegmentHeader;
use crate::strategy::Strategy;

/// What earlier processes of the day left.
#[derive(Debug)]
pub struct Past<S> {
    /// The engine as it stood at the last sound record.
    pub engine: Engine<S>,
    /// Header of the last segment with a sound record; `None` on a fresh day.
    pub last: Option<SegmentHeader>,
    /// Records that were replayed.
    pub records: u64,
    /// Number of the segment that is begun next. What bears it already, or a higher one, holds no sound record: whoever
    /// begins it sets that aside first.
    pub next_segment: u32,
    /// Sequence number of the next record.
    pub next_seq: u64,
    /// What the next segment must begin with, after a torn end.
    pub tail_cut: Option<TailCut>,
}

/// Why a day cannot be rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayFault {
    /// The last segment has no sound header.
    Unreadable(JournalError),
    /// A place before the end is damaged.
    Damaged(Damage),
    /// The end is damaged as no crash can do it.
    Corrupt(Corruption),
    /// A sound record holds what this program cannot read.
    Item(CodecError),
    /// This program does not do what the one before it did: its orders would not be those at the broker.
    Diverged {
        /// The first record that differs.
        seq: u64,
    },
}

/// Where a day ends that nobody writes to any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// So many of the segments count; the others are unused or torn in their first record.
    pub segments: usize,
    /// What is sound of the last of them: one record at least.
    pub last: Recovered,
}

impl Ending {
    /// Whether this damage is where the day ends, and so what the next segment's tail cut makes legal. That a segment
    /// does not carry on where the one before ended is not.
    #[must_use]
    pub fn is_at(&self, damage: &Damage) -> bool {
        (damage.segment, damage.offset) == (self.last.header.segment, self.last.end_offset)
            && self.last.tail_cut().is_some()
    }
}

/// Finds the end of a day: the last segment with a sound record. Each is judged against the mark file before it is given
/// up, so nothing that was on the disk is. Everything before is for [`verify_segments`]. `None`: no record was written.
///
/// # Errors
/// [`ReplayFault::Unreadable`], [`ReplayFault::Corrupt`], and [`ReplayFault::Damaged`] where what is given up does not
/// carry on what stands before it: then more is missing than its own records.
pub fn find_end(segments: &[&[u8]], mark_file: Option<&[u8]>) -> Result<Option<Ending>, ReplayFault> {
    let unused = segments.iter().rev().take_while(|bytes| is_unused(bytes)).count();
    let mut segments = &segments[..segments.len() - unused];
    let mut given_up: Option<SegmentHeader> = None;
    loop {
        let last = segments.last().map(|last| recover(last)).transpose();
        let last = last.map_err(ReplayFault::Unreadable)?;
        if let Some(file) = mark_file {
            check_durable(segments.last().copied().zip(last.as_ref()), file).map_err(ReplayFault::Corrupt)?;
        }
        if let Some(next) = given_up {
            check_follows(last.as_ref(), &next)?;
        }
        let Some(last) = last else {
            return Ok(None);
        };
        if last.records > 0 || planted(Bug::TornSegmentLeftBehind) {
            return Ok(Some(Ending {
                segments: segments.len(),
                last,
            }));
        }
        given_up = Some(last.header);
        segments = &segments[..segments.len() - 1];
    }
}

/// Refuses a segment that is not the one after `before`, or the day's first.
fn check_follows(before: Option<&Recovered>, next: &SegmentHeader) -> Result<(), ReplayFault> {
    let (segment, seq, fault) = match before {
        Some(before) => (
            before.header.segment.wrapping_add(1),
            before.next_seq,
            misfit(&before.header, before.next_seq, next),
        ),
        None if next.segment != 0 => (0, 0, Some(Fault::SegmentNumber { found: next.segment })),
        None => {
            let found = next.first_seq;
            (0, 0, (found != 0).then_some(Fault::FirstSequence { found }))
        }
    };
    let damage = |fault| Damage {
        segment,
        seq,
        offset: 0,
        fault,
    };
    fault.map_or(Ok(()), |fault| Err(ReplayFault::Damaged(damage(fault))))
}

/// Rebuilds the engine from the day's segments in their order; unused and torn ones may follow. `mark_file` is what says how
/// far the disk had got, where the day has one.
///
/// # Errors
/// [`ReplayFault`]; a person decides what the day is then.
pub fn replay_segments<S: Strategy>(
    segments: &[&[u8]],
    mark_file: Option<&[u8]>,
    strategy: S,
) -> Result<Past<S>, ReplayFault> {
    let mut past = Past {
        engine: Engine::new(strategy),
        last: None,
        records: 0,
        next_segment: 0,
        next_seq: 0,
        tail_cut: None,
    };
    let Some(ending) = find_end(segments, mark_file)? else {
        return Ok(past);
    };
    let segments = &segments[..ending.segments];
    // Commands of the event at hand that were found in the journal; a killed process may lack the last ones.
    let (mut commands, mut journaled) = (Commands::default(), 0);
    for record in verify_segments(segments) {
        let record = match record {
            Ok(record) => record,
            Err(damage) if ending.is_at(&damage) => break,
            Err(damage) => return Err(ReplayFault::Damaged(damage)),
        };
        past.records += 1;
        if planted(Bug::LastEventLost) && record.seq + 1 == ending.last.next_seq {
            break;
        }
        match record.item().map_err(ReplayFault::Item)? {
            Item::Event(Event::Controlled(_)) if planted(Bug::ReplaySkipsControls) => {}
            Item::Event(event) => {
                past.engine.apply(&event, &mut commands);
                journaled = 0;
            }
            Item::Command(command) if commands.iter().nth(journaled) == Some(&command) => journaled += 1,
            Item::Checkpoint(checkpoint) if checkpoint.state_hash == past.engine.state_hash() => {}
            Item::Command(_) | Item::Checkpoint(_) => {
                return Err(ReplayFault::Diverged { seq: record.seq });
            }
            Item::TailCut(_) | Item::Closed(_) | Item::DurableMark(_) => {}
        }
    }
    let ending = ending.last;
    past.last = Some(ending.header);
    past.next_segment = ending.header.segment + 1;
    past.next_seq = ending.next_seq;
    past.tail_cut = ending.tail_cut();
    Ok(past)
}
