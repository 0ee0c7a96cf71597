//! Raw frames kept on disk: what the exchange sent, so that decoders can be run again.
//!
//! Frames are copied into a mapped, preallocated segment, so keeping one costs a copy and no system call; the
//! next segment is made by the housekeeping thread, as long as the journal's reserve stays free beside it. Frames
//! that find no room are counted, never waited for: a capture is a record, trading does not depend on it, and it is
//! the first to go without where the disk gets full.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;

use bijli_core::TsNs;
use bijli_core::journal::is_blank;
use bijli_feed::capture::CaptureWriter;
use memmap2::MmapMut;

use crate::store::{SegmentMaker, StoreError, make_dir, map_read, remove_file};

/// Size of one capture segment.
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// The capture of one run.
#[derive(Debug)]
pub struct CaptureStore {
    writer: Option<CaptureWriter<MmapMut>>,
    spares: Receiver<MmapMut>,
    frames_lost: u64,
}

impl CaptureStore {
    /// Begins a capture in `dir`, behind the segments that lie there already; and the maker of its segments, which
    /// leaves `keep_free_bytes` of the disk free. Without room for a first segment it begins with frames lost.
    ///
    /// # Errors
    /// When the folder cannot be had.
    pub fn create(dir: &Path, keep_free_bytes: u64) -> Result<(Self, SegmentMaker), StoreError> {
        make_dir(dir)?;
        let first = (0..)
            .find(|segment| !path_of(dir, *segment).exists())
            .unwrap_or(u32::MAX);
        let (maker, spares) = SegmentMaker::new(dir, path_of, first, SEGMENT_BYTES);
        let mut maker = maker.keeping_free(keep_free_bytes);
        // Whoever polls next is told the same.
        let _made = maker.poll();
        let mut store = Self {
            writer: None,
            spares,
            frames_lost: 0,
        };
        store.roll();
        Ok((store, maker))
    }

    /// Keeps one frame with its receive time.
    pub fn append(&mut self, ts_recv: TsNs, frame: &[u8]) {
        if !self.try_append(ts_recv, frame) {
            self.roll();
            let kept = self.try_append(ts_recv, frame);
            self.frames_lost += u64::from(!kept);
        }
    }

    /// Frames that could not be kept.
    #[must_use]
    pub const fn frames_lost(&self) -> u64 {
        self.frames_lost
    }

    fn try_append(&mut self, ts_recv: TsNs, frame: &[u8]) -> bool {
        self.writer
            .as_mut()
            .is_some_and(|writer| writer.append(ts_recv, frame).is_ok())
    }

    /// Takes the next segment if it is ready.
    fn roll(&mut self) {
        if let Ok(map) = self.spares.try_recv() {
            self.writer = CaptureWriter::create(map).ok();
        }
    }
}

/// The capture of a run that wants one. What keeps it from beginning is said and keeps nothing else: a day is not
/// turned away for a record of frames.
#[must_use]
pub fn begin_capture(
    dir: Option<&Path>,
    keep_free_bytes: u64,
) -> (Option<CaptureStore>, Option<SegmentMaker>) {
    match dir.map(|dir| CaptureStore::create(dir, keep_free_bytes)) {
        None => (None, None),
        Some(Ok((capture, maker))) => (Some(capture), Some(maker)),
        Some(Err(error)) => {
            eprintln!("WARNING: raw frames are not kept: {error}");
            (None, None)
        }
    }
}

fn path_of(dir: &Path, segment: u32) -> PathBuf {
    dir.join(format!("frames-{segment:05}.bjc"))
}

/// Removes segments that were made ahead and never begun.
///
/// # Errors
/// When a file cannot be read or removed.
pub fn remove_unused(dir: &Path) -> Result<(), StoreError> {
    let begun_not = (0..)
        .map(|segment| path_of(dir, segment))
        .take_while(|path| path.exists());
    for path in begun_not.collect::<Vec<_>>() {
        if is_blank(&map_read(&path)?) {
            remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bijli_feed::playback::Playback;

    #[test]
    fn a_captured_frame_plays_back_over_two_processes() {
        let folder = tempfile::tempdir().expect("a folder");
        for (number, frame) in [(1, b"first".as_slice()), (2, b"second")] {
            let (mut store, _maker) = CaptureStore::create(folder.path(), 0).expect("room for a segment");
            store.append(TsNs::new(number), frame);
            assert_eq!(store.frames_lost(), 0);
        }
        remove_unused(folder.path()).expect("nothing is in the way");
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
