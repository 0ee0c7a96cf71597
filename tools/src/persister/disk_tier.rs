//! The journal's files on the disk: segments made of written zeros ahead of their use, and the mark file.
//!
//! Invariants: a segment is written over from end to end and synced, its name too, before the first record goes
//! there, so a commit changes data alone and finds its space; writes never lengthen a file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bijli_core::journal::{DiskFile, JournalDisk, MARK_FILE_BYTES};

use crate::store::{MARK_FILE, StoreError, io_error, new_file, segment_path, sync_dir};

/// Zeros written in one step, so that a commit never waits long for them.
const ZERO_STEP_BYTES: usize = 256 * 1024;
static ZEROS: [u8; ZERO_STEP_BYTES] = [0; ZERO_STEP_BYTES];

#[derive(Debug)]
pub(super) struct DiskTier {
    dir: PathBuf,
    segment_bytes: u64,
    current: (u32, File),
    ahead: Option<Ahead>,
    marks: File,
}

/// A segment that is being made.
#[derive(Debug)]
struct Ahead {
    file: File,
    path: PathBuf,
    zeroed: u64,
    is_synced: bool,
}

impl Ahead {
    fn begin(dir: &Path, segment: u32, bytes: u64) -> Result<Self, StoreError> {
        let path = segment_path(dir, segment);
        Ok(Self {
            file: new_file(&path, bytes)?,
            path,
            zeroed: 0,
            is_synced: false,
        })
    }

    /// Does one step; gives whether all is done.
    fn step(&mut self, bytes: u64, dir: &Path) -> Result<bool, StoreError> {
        let left = usize::try_from(bytes - self.zeroed)
            .unwrap_or(usize::MAX)
            .min(ZERO_STEP_BYTES);
        if left > 0 {
            let written = self.file.write_all_at(&ZEROS[..left], self.zeroed);
            written.map_err(io_error("writing", &self.path))?;
            self.zeroed += left as u64;
        } else if !self.is_synced {
            self.file.sync_all().map_err(io_error("syncing", &self.path))?;
            sync_dir(dir)?;
            self.is_synced = true;
        }
        Ok(self.is_synced)
    }

    fn finish(mut self, bytes: u64, dir: &Path) -> Result<File, StoreError> {
        while !self.step(bytes, dir)? {}
        Ok(self.file)
    }
}

impl DiskTier {
    pub(super) fn create(dir: &Path, segment: u32, segment_bytes: u64) -> Result<Self, StoreError> {
        let path = dir.join(MARK_FILE);
        let marks = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(io_error("opening", &path))?;
        let length = marks.metadata().map_err(io_error("reading", &path))?.len();
        if length < MARK_FILE_BYTES as u64 {
            let blank = marks.write_all_at(&[0; MARK_FILE_BYTES][length as usize..], length);
            blank.map_err(io_error("writing", &path))?;
        }
        marks.sync_all().map_err(io_error("syncing", &path))?;
        let current = Ahead::begin(dir, segment, segment_bytes)?.finish(segment_bytes, dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            segment_bytes,
            current: (segment, current),
            ahead: None,
            marks,
        })
    }

    /// One step towards the segment after this one.
    pub(super) fn prepare(&mut self) -> Result<(), StoreError> {
        if self.ahead.is_none() {
            self.ahead = Some(Ahead::begin(&self.dir, self.current.0 + 1, self.segment_bytes)?);
        }
        if let Some(ahead) = self.ahead.as_mut().filter(|ahead| !ahead.is_synced) {
            ahead.step(self.segment_bytes, &self.dir)?;
        }
        Ok(())
    }

    /// Whether the next segment has its room.
    pub(super) const fn has_next(&self) -> bool {
        self.ahead.is_some()
    }

    /// Turns to `segment`, the one after this.
    pub(super) fn advance(&mut self, segment: u32) -> Result<(), StoreError> {
        assert_eq!(segment, self.current.0 + 1);
        let ahead = match self.ahead.take() {
            Some(ahead) => ahead,
            None => Ahead::begin(&self.dir, segment, self.segment_bytes)?,
        };
        self.current = (segment, ahead.finish(self.segment_bytes, &self.dir)?);
        Ok(())
    }

    fn file(&self, file: DiskFile) -> (&File, PathBuf) {
        match file {
            DiskFile::Marks => (&self.marks, self.dir.join(MARK_FILE)),
            DiskFile::Segment(segment) => {
                assert_eq!(segment, self.current.0, "one segment is committed at a time");
                (&self.current.1, segment_path(&self.dir, segment))
            }
        }
    }
}

impl JournalDisk for DiskTier {
    type Error = StoreError;

    fn write_at(&mut self, file: DiskFile, offset: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let (file, path) = self.file(file);
        file.write_all_at(bytes, offset)
            .map_err(io_error("writing", &path))
    }

    fn sync(&mut self, file: DiskFile) -> Result<(), StoreError> {
        let (file, path) = self.file(file);
        file.sync_data().map_err(io_error("syncing", &path))
    }
}
