//! Raw frames kept on disk: what the exchange sent, so that decoders can be run again.
//!
//! Frames are copied into a mapped, preallocated segment, so keeping one costs a copy and no system call; only
//! a full segment costs an allocation of the next. A capture that cannot go on ends by itself and is counted:
//! it is a record, and trading does not wait for it.

use std::path::{Path, PathBuf};

use bijli_core::TsNs;
use bijli_feed::capture::{CaptureError, CaptureWriter};
use memmap2::MmapMut;

use crate::store::{StoreError, make_dir, map_new};

/// Size of one capture segment.
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// The capture of one run.
#[derive(Debug)]
pub struct CaptureStore {
    dir: PathBuf,
    writer: Option<CaptureWriter<MmapMut>>,
    next_segment: u32,
    frames_lost: u64,
}

impl CaptureStore {
    /// Begins a capture in `dir`, behind the segments that lie there already.
    ///
    /// # Errors
    /// When the folder or its first segment cannot be had.
    pub fn create(dir: &Path) -> Result<Self, StoreError> {
        make_dir(dir)?;
        let mut store = Self {
            dir: dir.to_owned(),
            writer: None,
            next_segment: 0,
            frames_lost: 0,
        };
        while store.path(store.next_segment).exists() {
            store.next_segment += 1;
        }
        store.roll()?;
        Ok(store)
    }

    /// Keeps one frame with its receive time.
    pub fn append(&mut self, ts_recv: TsNs, frame: &[u8]) {
        let kept = match &mut self.writer {
            Some(writer) => writer.append(ts_recv, frame),
            None => return self.frames_lost += 1,
        };
        let again = match kept {
            Ok(_) => return,
            Err(CaptureError::Full { .. }) => self.roll().is_ok(),
            Err(CaptureError::FrameTooLarge { .. }) => false,
        };
        let kept = again
            && self
                .writer
                .as_mut()
                .is_some_and(|writer| writer.append(ts_recv, frame).is_ok());
        self.frames_lost += u64::from(!kept);
    }

    /// Frames that could not be kept.
    #[must_use]
    pub const fn frames_lost(&self) -> u64 {
        self.frames_lost
    }

    fn roll(&mut self) -> Result<(), StoreError> {
        self.writer = None;
        let map = map_new(&self.path(self.next_segment), SEGMENT_BYTES)?;
        self.next_segment += 1;
        self.writer = CaptureWriter::create(map).ok();
        Ok(())
    }

    fn path(&self, segment: u32) -> PathBuf {
        self.dir.join(format!("frames-{segment:05}.bjc"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::map_read;
    use bijli_feed::playback::Playback;

    #[test]
    fn a_captured_frame_plays_back_over_two_processes() {
        let folder = tempfile::tempdir().expect("a folder");
        for (number, frame) in [(1, b"first".as_slice()), (2, b"second")] {
            let mut store = CaptureStore::create(folder.path()).expect("room for a segment");
            store.append(TsNs::new(number), frame);
            assert_eq!(store.frames_lost(), 0);
        }
        for (segment, frame) in [(0, b"first".as_slice()), (1, b"second")] {
            let path = folder.path().join(format!("frames-{segment:05}.bjc"));
            let map = map_read(&path).expect("just written");
            let played: Vec<_> = Playback::new(&map)
                .expect("a capture")
                .map(|kept| kept.expect("sound"))
                .collect();
            assert_eq!(played.len(), 1);
            assert_eq!(played[0].frame, frame);
        }
    }
}
