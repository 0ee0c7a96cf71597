//! The live read-out of an engine: slots in shared memory that one thread writes and anybody reads.
//!
//! Each slot is guarded by a sequence word (a seqlock): odd while its writer is inside, raised by two per
//! write. Invariants: a writer never waits and is never disturbed by readers, which only load; a reader gets
//! the contents of exactly one write or an error, and it trusts nothing: size, magic, version, layout hash and
//! every field are checked. Each slot has one writer at a time; different slots may belong to different
//! threads. Left out: recovery, which has the journal. The bytes stand in `DESIGN.md`, "Snapshot".

mod table;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::latency::{STAGES, Stage};
use crate::readout::{
    DenialReadout, DifferenceReadout, EngineReadout, FeedReadout, GatewayReadout, LatencyReadout,
    OrderReadout, PageReadout, PositionReadout, Readout, SessionReadout, SignalReadout, SupervisionReadout,
};
use table::{CONTENT_BYTES_MAX, Group, HEADER_WORDS, header_words};

pub use table::{
    DIFFERENCE_SLOTS, ORDER_SLOTS, PAGE_SLOTS, POSITION_SLOTS, SIGNAL_SLOTS, SNAPSHOT_BYTES,
    SNAPSHOT_VERSION, SlotGroup, layout, layout_hash,
};

/// Loads of a slot before a reader gives up. A write takes well under a microsecond, so only a writer that
/// was stopped inside a slot can hold a reader up for so long.
const TRIES_MAX: u32 = 10_000;
/// Words in front of the contents of a slot: the sequence, and whether it holds anything.
const GUARD_WORDS: usize = 2;

/// Why a snapshot, or a slot of it, cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// The memory is smaller than a snapshot.
    TooSmall {
        /// Bytes given.
        bytes: usize,
    },
    /// The memory does not begin at a multiple of eight.
    Misaligned,
    /// The memory does not begin as a snapshot does.
    NotASnapshot,
    /// Another version or layout than this program's.
    Layout {
        /// Layout hash found.
        found: u64,
        /// Layout hash of this program.
        expected: u64,
    },
    /// Nothing was written there yet.
    Empty {
        /// Name of the slot's group.
        slot: &'static str,
    },
    /// No undisturbed read within ten thousand tries: its writer is stopped or died inside.
    Busy {
        /// Name of the slot's group.
        slot: &'static str,
    },
    /// A field holds no valid value.
    Value {
        /// Name of the slot's group.
        slot: &'static str,
        /// Name of the field.
        field: &'static str,
    },
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSmall { bytes } => write!(
                f,
                "a snapshot has {SNAPSHOT_BYTES} bytes, this one {bytes}; is the engine still starting?"
            ),
            Self::Misaligned => write!(
                f,
                "snapshot memory must begin at a multiple of 8 bytes; map it as a file"
            ),
            Self::NotASnapshot => write!(f, "this is not a snapshot; is the engine still starting?"),
            Self::Layout { found, expected } => write!(
                f,
                "snapshot layout {found:016x} is not this program's {expected:016x}; read it with the version \
                 that writes it"
            ),
            Self::Empty { slot } => write!(f, "nothing was written to slot `{slot}` yet"),
            Self::Busy { slot } => {
                write!(
                    f,
                    "slot `{slot}` stays mid-write; try again, or its writer has stopped"
                )
            }
            Self::Value { slot, field } => write!(f, "slot `{slot}` holds no valid `{field}`; read it again"),
        }
    }
}

impl std::error::Error for SnapshotError {}

/// Writes slots. Copies may go to several threads as long as each slot is written by one of them.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotWriter<'a> {
    words: &'a [AtomicU64],
}

/// Reads slots.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotReader<'a> {
    words: &'a [AtomicU64],
}

impl<'a> SnapshotWriter<'a> {
    /// Makes an empty snapshot of the first [`SNAPSHOT_BYTES`] bytes, whatever they held. Readers that still
    /// have an older snapshot of the same memory open see empty slots, never torn ones.
    ///
    /// # Errors
    /// [`SnapshotError::TooSmall`] or [`SnapshotError::Misaligned`].
    pub fn create(bytes: &'a mut [u8]) -> Result<Self, SnapshotError> {
        check_memory(bytes)?;
        // SAFETY: size and alignment were checked just now; the exclusive borrow ends in these shared words
        // for all of `'a`, so nothing else can access the memory otherwise than through them.
        let words = unsafe { words_of(bytes.as_mut_ptr()) };
        words[0].store(0, Ordering::Release);
        for group in Group::ALL {
            for slot in 0..group.slots {
                let words = group.words(words, slot);
                let sequence = load(&words[0], Ordering::Relaxed);
                // Up to an even number, never back to one that a reader may have seen with other contents.
                store(&words[0], sequence.wrapping_add(1) & !1, Ordering::Relaxed);
                write_slot(words, false, &[0; CONTENT_BYTES_MAX][..group.content_bytes]);
            }
        }
        for (word, value) in words[..HEADER_WORDS].iter().zip(header_words()).skip(1) {
            store(word, value, Ordering::Relaxed);
        }
        // Pairs with the Acquire load in `SnapshotReader::open`.
        store(&words[0], header_words()[0], Ordering::Release);
        Ok(Self { words })
    }

    /// A reader of the same memory.
    #[must_use]
    pub const fn reader(&self) -> SnapshotReader<'a> {
        SnapshotReader { words: self.words }
    }

    /// Writes the session slot.
    pub fn put_session(&self, readout: &SessionReadout) {
        self.put(Group::SESSION, 0, readout);
    }

    /// Writes the engine slot.
    pub fn put_engine(&self, readout: &EngineReadout) {
        self.put(Group::ENGINE, 0, readout);
    }

    /// Writes the feed slot.
    pub fn put_feed(&self, readout: &FeedReadout) {
        self.put(Group::FEED, 0, readout);
    }

    /// Writes the gateway slot.
    pub fn put_gateway(&self, readout: &GatewayReadout) {
        self.put(Group::GATEWAY, 0, readout);
    }

    /// Writes the latency slot of a stage.
    pub fn put_latency(&self, stage: Stage, readout: &LatencyReadout) {
        self.put(Group::LATENCY, stage.index(), readout);
    }

    /// Writes a position slot; `slot` is below [`POSITION_SLOTS`].
    pub fn put_position(&self, slot: usize, readout: &PositionReadout) {
        self.put(Group::POSITION, slot, readout);
    }

    /// Empties a position slot; `slot` is below [`POSITION_SLOTS`].
    pub fn clear_position(&self, slot: usize) {
        let words = Group::POSITION.words(self.words, slot);
        write_slot(words, false, &[0; PositionReadout::BYTES]);
    }

    /// Writes the `number`-th signal of the day over the oldest of the last [`SIGNAL_SLOTS`].
    pub fn put_signal(&self, number: usize, readout: &SignalReadout) {
        self.put(Group::SIGNAL, number % SIGNAL_SLOTS, readout);
    }

    /// Writes the `number`-th order of the day, again whenever it changes, over the oldest of the last
    /// [`ORDER_SLOTS`].
    pub fn put_order(&self, number: usize, readout: &OrderReadout) {
        self.put(Group::ORDER, number % ORDER_SLOTS, readout);
    }

    /// Writes the denial slot.
    pub fn put_denials(&self, readout: &DenialReadout) {
        self.put(Group::DENIAL, 0, readout);
    }

    /// Writes the slot of supervision.
    pub fn put_supervision(&self, readout: &SupervisionReadout) {
        self.put(Group::SUPERVISION, 0, readout);
    }

    /// Writes a slot of a difference, or empties it; `slot` is below [`DIFFERENCE_SLOTS`].
    pub fn put_difference(&self, slot: usize, readout: Option<&DifferenceReadout>) {
        match readout {
            Some(readout) => self.put(Group::DIFFERENCE, slot, readout),
            None => write_slot(
                Group::DIFFERENCE.words(self.words, slot),
                false,
                &[0; DifferenceReadout::BYTES],
            ),
        }
    }

    /// Writes the slot of a reason that was raised today, named by its number.
    pub fn put_page(&self, readout: &PageReadout) {
        self.put(Group::PAGE, usize::from(readout.reason), readout);
    }

    fn put<R: Readout>(&self, group: Group, slot: usize, readout: &R) {
        assert!(
            group.content_bytes == R::BYTES,
            "a group holds one kind of read-out"
        );
        let mut contents = [0; CONTENT_BYTES_MAX];
        readout.put(&mut contents[..R::BYTES]);
        write_slot(group.words(self.words, slot), true, &contents[..R::BYTES]);
    }
}

impl<'a> SnapshotReader<'a> {
    /// Opens the snapshot at the front of `bytes`, usually another process's file mapped for reading. The
    /// memory is only ever loaded from, word by word.
    ///
    /// # Errors
    /// [`SnapshotError`] when there is no snapshot of this program's layout.
    pub fn open(bytes: &'a [u8]) -> Result<Self, SnapshotError> {
        check_memory(bytes)?;
        // SAFETY: size and alignment were checked just now, and a reader only loads, which read-only memory
        // permits. That another process stores meanwhile is what the atomic loads are for.
        let words = unsafe { words_of(bytes.as_ptr()) };
        let expected = header_words();
        // Pairs with the last store of `SnapshotWriter::create`.
        if load(&words[0], Ordering::Acquire) != expected[0] {
            return Err(SnapshotError::NotASnapshot);
        }
        let same = words
            .iter()
            .zip(expected)
            .all(|(word, value)| load(word, Ordering::Relaxed) == value);
        if !same {
            let found = load(&words[2], Ordering::Relaxed);
            return Err(SnapshotError::Layout {
                found,
                expected: expected[2],
            });
        }
        Ok(Self { words })
    }

    /// Reads the session slot.
    ///
    /// # Errors
    /// [`SnapshotError`], also when nothing was written yet.
    pub fn session(&self) -> Result<SessionReadout, SnapshotError> {
        self.sole(Group::SESSION)
    }

    /// Reads the engine slot.
    ///
    /// # Errors
    /// [`SnapshotError`], also when nothing was written yet.
    pub fn engine(&self) -> Result<EngineReadout, SnapshotError> {
        self.sole(Group::ENGINE)
    }

    /// Reads the feed slot.
    ///
    /// # Errors
    /// [`SnapshotError`], also when nothing was written yet.
    pub fn feed(&self) -> Result<FeedReadout, SnapshotError> {
        self.sole(Group::FEED)
    }

    /// Reads the gateway slot.
    ///
    /// # Errors
    /// [`SnapshotError`], also when nothing was written yet.
    pub fn gateway(&self) -> Result<GatewayReadout, SnapshotError> {
        self.sole(Group::GATEWAY)
    }

    /// Reads the latency slot of a stage; `None` when it was never measured.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn latency(&self, stage: Stage) -> Result<Option<LatencyReadout>, SnapshotError> {
        self.get(Group::LATENCY, stage.index())
    }

    /// Reads the denial slot.
    ///
    /// # Errors
    /// [`SnapshotError`], also when nothing was written yet.
    pub fn denials(&self) -> Result<DenialReadout, SnapshotError> {
        self.sole(Group::DENIAL)
    }

    /// Reads the slot of supervision.
    ///
    /// # Errors
    /// [`SnapshotError`], also when nothing was written yet.
    pub fn supervision(&self) -> Result<SupervisionReadout, SnapshotError> {
        self.sole(Group::SUPERVISION)
    }

    /// Reads all differences that are there.
    pub fn differences(&self) -> impl Iterator<Item = Result<DifferenceReadout, SnapshotError>> + use<'a> {
        self.every(Group::DIFFERENCE)
    }

    /// Reads every page that was raised, in the order of the reasons' numbers.
    pub fn pages(&self) -> impl Iterator<Item = Result<PageReadout, SnapshotError>> + use<'a> {
        self.every(Group::PAGE)
    }

    /// Reads one position slot; `slot` is below [`POSITION_SLOTS`]. `None`: empty.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn position(&self, slot: usize) -> Result<Option<PositionReadout>, SnapshotError> {
        self.get(Group::POSITION, slot)
    }

    /// Reads all positions that are there.
    pub fn positions(&self) -> impl Iterator<Item = Result<PositionReadout, SnapshotError>> + use<'a> {
        self.every(Group::POSITION)
    }

    /// Reads the last signals, in the order of the slots: sort by time.
    pub fn signals(&self) -> impl Iterator<Item = Result<SignalReadout, SnapshotError>> + use<'a> {
        self.every(Group::SIGNAL)
    }

    /// Reads the last orders, in the order of the slots: sort by intent or time.
    pub fn orders(&self) -> impl Iterator<Item = Result<OrderReadout, SnapshotError>> + use<'a> {
        self.every(Group::ORDER)
    }

    fn sole<R: Readout>(&self, group: Group) -> Result<R, SnapshotError> {
        self.get(group, 0)?.ok_or(SnapshotError::Empty { slot: R::NAME })
    }

    fn every<R: Readout>(self, group: Group) -> impl Iterator<Item = Result<R, SnapshotError>> + use<'a, R> {
        (0..group.slots).filter_map(move |slot| self.get(group, slot).transpose())
    }

    fn get<R: Readout>(&self, group: Group, slot: usize) -> Result<Option<R>, SnapshotError> {
        assert!(
            group.content_bytes == R::BYTES,
            "a group holds one kind of read-out"
        );
        let mut contents = [0; CONTENT_BYTES_MAX];
        let contents = &mut contents[..R::BYTES];
        match read_slot(group.words(self.words, slot), contents) {
            None => Err(SnapshotError::Busy { slot: R::NAME }),
            Some(0) => Ok(None),
            Some(1) => {
                let value =
                    R::take(contents).map_err(|field| SnapshotError::Value { slot: R::NAME, field })?;
                Ok(Some(value))
            }
            Some(_) => Err(SnapshotError::Value {
                slot: R::NAME,
                field: "filled",
            }),
        }
    }
}

/// Writes a slot; never waits.
fn write_slot(words: &[AtomicU64], filled: bool, contents: &[u8]) {
    let sequence = load(&words[0], Ordering::Relaxed);
    assert!(sequence & 1 == 0, "a slot has one writer at a time");
    store(&words[0], sequence.wrapping_add(1), Ordering::Relaxed);
    // No content store may become visible before the odd sequence. Pairs with the fence in `read_slot`.
    fence(Ordering::Release);
    store(&words[1], u64::from(filled), Ordering::Relaxed);
    let (values, rest) = contents.as_chunks::<8>();
    assert!(rest.is_empty(), "contents are whole words");
    for (word, value) in words[GUARD_WORDS..].iter().zip(values) {
        word.store(u64::from_ne_bytes(*value), Ordering::Relaxed);
    }
    // All contents are visible before the even sequence. Pairs with the Acquire load in `read_slot`.
    store(&words[0], sequence.wrapping_add(2), Ordering::Release);
}

/// Copies a slot's contents and returns its second word; `None` when it was never still.
fn read_slot(words: &[AtomicU64], contents: &mut [u8]) -> Option<u64> {
    for _ in 0..TRIES_MAX {
        let before = load(&words[0], Ordering::Acquire);
        if before & 1 == 1 {
            std::hint::spin_loop();
            continue;
        }
        let filled = load(&words[1], Ordering::Relaxed);
        for (word, value) in words[GUARD_WORDS..].iter().zip(contents.as_chunks_mut::<8>().0) {
            *value = word.load(Ordering::Relaxed).to_ne_bytes();
        }
        // The contents were loaded before the sequence is looked at again.
        fence(Ordering::Acquire);
        if load(&words[0], Ordering::Relaxed) == before {
            return Some(filled);
        }
    }
    None
}

fn load(word: &AtomicU64, order: Ordering) -> u64 {
    u64::from_le(word.load(order))
}

fn store(word: &AtomicU64, value: u64, order: Ordering) {
    word.store(value.to_le(), order);
}

fn check_memory(bytes: &[u8]) -> Result<(), SnapshotError> {
    if bytes.len() < SNAPSHOT_BYTES {
        return Err(SnapshotError::TooSmall { bytes: bytes.len() });
    }
    if !bytes.as_ptr().cast::<AtomicU64>().is_aligned() {
        return Err(SnapshotError::Misaligned);
    }
    Ok(())
}

/// The words of a snapshot.
///
/// # Safety
/// `start` begins [`SNAPSHOT_BYTES`] bytes that live for `'a` and are aligned to eight. If anything is stored
/// through the words, `start` must come from an exclusive borrow of them.
unsafe fn words_of<'a>(start: *const u8) -> &'a [AtomicU64] {
    // SAFETY: the caller vouches for size, alignment and life; an `AtomicU64` may hold any eight bytes.
    unsafe { std::slice::from_raw_parts(start.cast::<AtomicU64>(), SNAPSHOT_BYTES / 8) }
}

const _: () = assert!(Group::LATENCY.slots == STAGES.len());
