//! Brings published records from the journal's fast tier onto a disk, one commit at a time.
//!
//! The protocol, as a machine over a [`JournalDisk`]: write the records of one segment, sync, write the mark,
//! sync, and only then say that they are durable. Invariants: at most [`COMMIT_BYTES_MAX`] bytes lie unsynced
//! behind the mark; a commit holds whole, checked records, at least one; a segment is begun by a single sector
//! that holds its header and, unless that is larger than any mark, its first record, so after a power cut it is there
//! with both or not at all; the next segment is not begun before the mark stands at the end of this one. A sync that failed is final: the
//! kernel may have dropped the pages and cleared the error, so a second try could only pretend.
//! Left out: threads and files (`tools/src/persister.rs`), and when to commit.

use super::marks::{Marks, SECTOR_BYTES, StoredMark};
use crate::codec::DurableMark;
use crate::record::{SEGMENT_HEADER_BYTES, SegmentHeader, read_at, record_bytes};
use crate::time::IstDay;

/// Most bytes of one commit; also how far behind the mark a power cut may leave anything.
pub const COMMIT_BYTES_MAX: usize = 64 * 1024;

/// A file of the journal on its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskFile {
    /// A segment, allocated in full and zeros before its first write.
    Segment(u32),
    /// The mark file.
    Marks,
}

/// What the persister asks of a disk.
pub trait JournalDisk {
    /// Why the disk refused.
    type Error;

    /// Writes within a file.
    ///
    /// # Errors
    /// When the system refuses it.
    fn write_at(&mut self, file: DiskFile, offset: u64, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Makes everything that was written to a file durable.
    ///
    /// # Errors
    /// When that is not certain.
    fn sync(&mut self, file: DiskFile) -> Result<(), Self::Error>;
}

/// Why nothing more becomes durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersistError<E> {
    /// The disk refused, just now.
    Disk(E),
    /// The disk refused before; it is not asked again.
    Dead,
}

/// Commits one segment after the other.
#[derive(Debug)]
pub struct Persister<D> {
    disk: D,
    day: IstDay,
    generation: u64,
    segment: u32,
    /// Known once the segment's first commit is done, or prepared.
    header: Option<SegmentHeader>,
    end_offset: usize,
    next_seq: u64,
    durable: Option<DurableMark>,
    dead: bool,
}

impl<D: JournalDisk> Persister<D> {
    /// A persister that begins with `segment`, whose first record has number `next_seq`. `marks` is what the
    /// mark file says now.
    #[must_use]
    pub fn new(disk: D, day: IstDay, (segment, next_seq): (u32, u64), marks: Marks) -> Self {
        let stored = match marks {
            Marks::Found(stored) => Some(stored),
            Marks::Blank | Marks::Lost => None,
        };
        Self {
            disk,
            day,
            generation: stored.map_or(0, |stored| stored.generation),
            segment,
            header: None,
            end_offset: 0,
            next_seq,
            durable: None,
            dead: false,
        }
    }

    /// Commits the whole records at the front of `window`, which is what the fast tier holds of the current
    /// segment from [`end_offset`](Self::end_offset) on. `Ok(None)`: there is no new one yet.
    ///
    /// # Errors
    /// [`PersistError`]; from then on always [`PersistError::Dead`].
    pub fn commit(
        &mut self,
        window: &[u8],
        exits_unwaited: u64,
    ) -> Result<Option<DurableMark>, PersistError<D::Error>> {
        if self.dead {
            return Err(PersistError::Dead);
        }
        let Some((header, bytes, next_seq)) = self.next_batch(window) else {
            return Ok(None);
        };
        assert!(bytes <= COMMIT_BYTES_MAX && next_seq > self.next_seq);
        let mark = DurableMark {
            segment: self.segment,
            epoch: header.epoch,
            end_offset: (self.end_offset + bytes) as u64,
            next_seq,
            exits_unwaited,
        };
        if let Err(error) = self.write(&window[..bytes], mark) {
            self.dead = true;
            return Err(PersistError::Disk(error));
        }
        self.header = Some(header);
        self.end_offset += bytes;
        self.next_seq = next_seq;
        self.durable = Some(mark);
        Ok(Some(mark))
    }

    /// Goes on to the next segment once its header is there and says that it carries on exactly where the durable
    /// records end. Gives whether it did.
    pub fn enter_next(&mut self, front: &[u8]) -> bool {
        let Some(current) = self.header else { return false };
        let Ok((next, _)) = SegmentHeader::parse(front) else {
            return false;
        };
        let follows = next.segment == current.segment + 1
            && next.epoch == current.epoch
            && next.day == current.day
            && next.first_seq == self.next_seq;
        if follows {
            (self.segment, self.header, self.end_offset) = (next.segment, None, 0);
        }
        follows
    }

    /// The header, length and following sequence number of the next commit.
    fn next_batch(&self, window: &[u8]) -> Option<(SegmentHeader, usize, u64)> {
        let is_first = self.end_offset == 0;
        let header = match self.header {
            Some(header) => header,
            None => SegmentHeader::parse(window).ok()?.0,
        };
        if (header.segment, header.day) != (self.segment, self.day) {
            return None;
        }
        let limit = if is_first { SECTOR_BYTES } else { COMMIT_BYTES_MAX };
        let window = &window[..window.len().min(COMMIT_BYTES_MAX)];
        let mut end = if is_first { SEGMENT_HEADER_BYTES } else { 0 };
        let mut seq = self.next_seq;
        // A record that the fast tier is still writing has no first word or no fitting checksum yet.
        while let Ok(Some(record)) = read_at(window, end, (header.segment, seq, header.seal())) {
            let record_end = end + record_bytes(record.payload.len());
            if record_end > limit && seq > self.next_seq {
                break;
            }
            (end, seq) = (record_end, seq + 1);
        }
        (seq > self.next_seq).then_some((header, end, seq))
    }

    fn write(&mut self, bytes: &[u8], mark: DurableMark) -> Result<(), D::Error> {
        let file = DiskFile::Segment(self.segment);
        let offset = self.end_offset as u64;
        if offset == 0 {
            // One sector in one write: a header without its first word must never reach the disk, nor what follows it
            // without a header.
            let (front, rest) = bytes.split_at(bytes.len().min(SECTOR_BYTES));
            self.disk.write_at(file, 0, front)?;
            if !rest.is_empty() {
                self.disk.sync(file)?;
                self.disk.write_at(file, SECTOR_BYTES as u64, rest)?;
            }
        } else {
            // The first word last: who reads the file meanwhile sees the batch as a whole or not at all.
            self.disk.write_at(file, offset + 8, &bytes[8..])?;
            self.disk.write_at(file, offset, &bytes[..8])?;
        }
        self.disk.sync(file)?;
        let stored = StoredMark {
            generation: self.generation + 1,
            day: self.day,
            mark,
        };
        self.disk
            .write_at(DiskFile::Marks, stored.slot_offset(), &stored.to_bytes())?;
        self.disk.sync(DiskFile::Marks)?;
        self.generation = stored.generation;
        Ok(())
    }

    /// The segment that is committed now.
    #[must_use]
    pub const fn segment(&self) -> u32 {
        self.segment
    }

    /// Where the next commit begins in it, bytes from its start.
    #[must_use]
    pub const fn end_offset(&self) -> u64 {
        self.end_offset as u64
    }

    /// Whether the disk has failed.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        self.dead
    }

    /// What this persister made durable last.
    #[must_use]
    pub const fn durable(&self) -> Option<DurableMark> {
        self.durable
    }

    /// The disk.
    #[must_use]
    pub const fn disk(&self) -> &D {
        &self.disk
    }

    /// The disk, to be told of files that were made since.
    pub const fn disk_mut(&mut self) -> &mut D {
        &mut self.disk
    }

    /// Gives the disk back.
    #[must_use]
    pub fn into_disk(self) -> D {
        self.disk
    }
}
