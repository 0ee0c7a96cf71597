//! A disk that loses power: a file is what was synced and the sectors that were not.
//!
//! A crash keeps any subset of the unsynced sectors, each in any version that was ever written, whole (512 bytes);
//! it may exchange two of them. A sync may fail once: then its sectors are clean for ever and may be there or not,
//! as a kernel does that drops the pages and clears the error.

use std::collections::BTreeMap;

use bijli_core::journal::{DiskFile, JournalDisk, MARK_FILE_BYTES, SECTOR_BYTES};

/// Repeatable chance (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

type Sector = [u8; SECTOR_BYTES];

#[derive(Clone, Debug)]
struct SimFile {
    synced: Vec<u8>,
    cached: Vec<u8>,
    /// Every version written since the last sync.
    dirty: BTreeMap<usize, Vec<Sector>>,
    /// Sectors of a sync that failed.
    doubtful: BTreeMap<usize, Vec<Sector>>,
}

/// Why the disk did not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The power is gone.
    Power,
    /// The system said EIO.
    Eio,
}

/// The files of a journal on such a disk.
#[derive(Clone, Debug)]
pub(crate) struct SimDisk {
    files: BTreeMap<DiskFile, SimFile>,
    segment_bytes: usize,
    /// Calls until the power goes.
    pub(crate) calls_left: usize,
    /// Syncs until one fails.
    pub(crate) eio_after: Option<usize>,
}

/// What is found after the power came back.
pub(crate) type Image = BTreeMap<DiskFile, Vec<u8>>;

impl SimDisk {
    pub(crate) fn new(image: &Image, segment_bytes: usize) -> Self {
        let files = image
            .iter()
            .map(|(file, bytes)| (*file, SimFile::of(bytes.clone())));
        Self {
            files: files.collect(),
            segment_bytes,
            calls_left: usize::MAX,
            eio_after: None,
        }
    }

    fn file(&mut self, file: DiskFile) -> &mut SimFile {
        let bytes = match file {
            DiskFile::Segment(_) => self.segment_bytes,
            DiskFile::Marks => MARK_FILE_BYTES,
        };
        self.files
            .entry(file)
            .or_insert_with(|| SimFile::of(vec![0; bytes]))
    }

    fn call(&mut self) -> Result<(), Refusal> {
        self.calls_left = self.calls_left.checked_sub(1).ok_or(Refusal::Power)?;
        Ok(())
    }

    /// The sectors that a crash may keep or lose.
    pub(crate) fn unsynced(&self) -> Vec<(DiskFile, usize)> {
        let of_file = |(file, sim): (&DiskFile, &SimFile)| {
            let sectors = sim.dirty.keys().chain(sim.doubtful.keys());
            sectors.map(|sector| (*file, *sector)).collect::<Vec<_>>()
        };
        self.files.iter().flat_map(of_file).collect()
    }

    /// What is found when exactly the sectors that `keeps` says were written, in their last version.
    pub(crate) fn image_keeping(&self, keeps: impl Fn(&(DiskFile, usize)) -> bool) -> Image {
        let mut image = Image::new();
        for (file, sim) in &self.files {
            let mut bytes = sim.synced.clone();
            for (sector, versions) in sim.doubtful.iter().chain(&sim.dirty) {
                if keeps(&(*file, *sector)) {
                    put(
                        &mut bytes,
                        *sector,
                        versions.last().expect("written once at least"),
                    );
                }
            }
            image.insert(*file, bytes);
        }
        image
    }

    /// What is found after a crash: any subset, any version, and now and then two sectors exchanged.
    pub(crate) fn image(&self, dice: &mut Dice) -> Image {
        let mut image = Image::new();
        let lucky = dice.below(5);
        for (file, sim) in &self.files {
            let mut bytes = sim.synced.clone();
            let mut kept = Vec::new();
            for (sector, versions) in sim.doubtful.iter().chain(&sim.dirty) {
                if dice.below(4) < lucky {
                    put(&mut bytes, *sector, &versions[dice.below(versions.len())]);
                    kept.push(*sector);
                }
            }
            if kept.len() >= 2 && dice.one_in(8) {
                let (left, right) = (kept[dice.below(kept.len())], kept[dice.below(kept.len())]);
                let (one, other) = (get(&bytes, left), get(&bytes, right));
                put(&mut bytes, left, &other);
                put(&mut bytes, right, &one);
            }
            image.insert(*file, bytes);
        }
        image
    }
}

impl SimFile {
    fn of(bytes: Vec<u8>) -> Self {
        Self {
            cached: bytes.clone(),
            synced: bytes,
            dirty: BTreeMap::new(),
            doubtful: BTreeMap::new(),
        }
    }
}

fn get(bytes: &[u8], sector: usize) -> Sector {
    *bytes[sector * SECTOR_BYTES..]
        .first_chunk()
        .expect("files have whole sectors")
}

fn put(bytes: &mut [u8], sector: usize, contents: &Sector) {
    bytes[sector * SECTOR_BYTES..][..SECTOR_BYTES].copy_from_slice(contents);
}

impl JournalDisk for SimDisk {
    type Error = Refusal;

    fn write_at(&mut self, file: DiskFile, offset: u64, bytes: &[u8]) -> Result<(), Refusal> {
        self.call()?;
        let sim = self.file(file);
        let offset = offset as usize;
        sim.cached[offset..offset + bytes.len()].copy_from_slice(bytes);
        for sector in offset / SECTOR_BYTES..(offset + bytes.len()).div_ceil(SECTOR_BYTES) {
            let version = get(&sim.cached, sector);
            sim.dirty.entry(sector).or_default().push(version);
        }
        Ok(())
    }

    fn sync(&mut self, file: DiskFile) -> Result<(), Refusal> {
        self.call()?;
        let fails = self.eio_after == Some(0);
        self.eio_after = self.eio_after.and_then(|left| left.checked_sub(1));
        let sim = self.file(file);
        let dirty = std::mem::take(&mut sim.dirty);
        if fails {
            sim.doubtful.extend(dirty);
            return Err(Refusal::Eio);
        }
        for (sector, versions) in dirty {
            put(
                &mut sim.synced,
                sector,
                versions.last().expect("written once at least"),
            );
        }
        Ok(())
    }
}
