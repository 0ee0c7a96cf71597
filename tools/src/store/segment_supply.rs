//! The segments to come, the journal's before the capture's, and what is told when the disk has no room for them.
//!
//! Invariants: what becomes of the capture never keeps a segment from the journal; while the journal's disk has less
//! than one segment free, or refused one here or to the persister, the journal is short, which the engine heeds by
//! making no entry; it is over when two segments are free and none is refused. Belongs to the housekeeping thread,
//! which looks every few milliseconds.

use std::path::{Path, PathBuf};

use super::room::{free_bytes, keep_room};
use super::{SegmentMaker, StoreError};
use crate::durability::DurableView;

/// Of so many looks one asks the disk for its room, and for what it refused: about one a second.
const LOOKS_PER_QUESTION: u32 = 100;

/// Keeps segments ready.
#[derive(Debug)]
pub struct SegmentSupply {
    journal: SegmentMaker,
    capture: Option<SegmentMaker>,
    run_dir: PathBuf,
    /// Folders whose disks must have room for the journal.
    folders: Vec<PathBuf>,
    view: DurableView,
    looks: u32,
    journal_refused: Option<String>,
    /// Whether the persister was refused at the last look.
    persister_refused: bool,
    /// What was said of the journal last.
    is_short: bool,
    /// Whether the room for a restart may have to be kept again: a start may have used it.
    may_lack_room: bool,
    capture_refused: bool,
}

impl SegmentSupply {
    /// A supply that has looked once, so that nobody starts on a full disk unwarned. The journal ends up in `run_dir`,
    /// which may be another disk than its maker's.
    #[must_use]
    pub fn new(
        journal: SegmentMaker,
        capture: Option<SegmentMaker>,
        run_dir: PathBuf,
        view: DurableView,
    ) -> (Self, Vec<String>) {
        let journal_dir = run_dir.join("journal");
        let mut folders = vec![journal.dir().to_owned()];
        if journal_dir != folders[0] {
            folders.push(journal_dir);
        }
        let mut supply = Self {
            journal,
            capture,
            run_dir,
            folders,
            view,
            looks: 0,
            journal_refused: None,
            persister_refused: false,
            is_short: false,
            may_lack_room: true,
            capture_refused: false,
        };
        let news = supply.poll();
        (supply, news)
    }

    /// Makes what is missing; gives what an operator should read, each thing once.
    pub fn poll(&mut self) -> Vec<String> {
        let asks = self.looks.is_multiple_of(LOOKS_PER_QUESTION);
        self.looks = self.looks.wrapping_add(1);
        let mut news = Vec::new();
        let was_refused = self.journal_refused.is_some();
        if asks || !was_refused {
            self.journal_refused = self.journal.poll().err().map(|error| error.to_string());
        }
        let persister_was_refused = self.persister_refused;
        self.persister_refused = self.view.is_refused();
        if asks
            || was_refused != self.journal_refused.is_some()
            || persister_was_refused != self.persister_refused
        {
            self.look_at_room(&mut news);
        }
        if asks && self.may_lack_room && !self.is_short {
            self.keep_room(&mut news);
        }
        if asks || !self.capture_refused {
            self.poll_capture(&mut news);
        }
        news
    }

    /// Whether the journal is short, and the words when that changes.
    fn look_at_room(&mut self, news: &mut Vec<String>) {
        let was_short = self.is_short;
        let segments = if was_short { 2 } else { 1 };
        let needed = self.journal.wanted_bytes().saturating_mul(segments);
        // A disk that does not tell is for the maker to find out about.
        let lacks = |folder: &PathBuf| free_bytes(folder).is_ok_and(|free| free < needed);
        let lacking = self.folders.iter().find(|folder| lacks(folder));
        self.is_short = self.journal_refused.is_some() || lacking.is_some() || self.persister_refused;
        let is_short = self.is_short;
        if is_short && !was_short {
            let why = match (&self.journal_refused, lacking) {
                (Some(refused), _) => refused.clone(),
                (None, Some(folder)) => format!("{} has room for no further segment", folder.display()),
                (None, None) => format!(
                    "{} refused the next segment although room is shown there (a user's quota?)",
                    self.folders
                        .last()
                        .map_or(Path::new(""), |folder| folder)
                        .display()
                ),
            };
            news.push(format!(
                "error: the journal's disk is full: {why}; entries are paused, exits and kill go on; free some disk, \
                 then `bijli ctl resume`"
            ));
        } else if was_short && !is_short {
            news.push("the journal's disk has room again: entries wait for `bijli ctl resume`".to_owned());
            self.may_lack_room = true;
        }
        self.view.note_short(is_short);
    }

    /// Keeps room for the next restart again, as soon as there is some; what was refused is asked for after the next
    /// shortage only.
    fn keep_room(&mut self, news: &mut Vec<String>) {
        let kept = keep_room(&self.run_dir, self.journal.wanted_bytes());
        self.may_lack_room = matches!(kept, Ok(false));
        if let Err(error) = kept {
            news.push(format!(
                "warning: no room is kept for a restart on a full disk: {error}"
            ));
        }
    }

    fn poll_capture(&mut self, news: &mut Vec<String>) {
        let Some(capture) = &mut self.capture else { return };
        let refused: Option<StoreError> = capture.poll().err();
        match &refused {
            Some(error) if !self.capture_refused => {
                news.push(format!("warning: raw frames are not kept any more: {error}"));
            }
            None if self.capture_refused => news.push("raw frames are kept again".to_owned()),
            _ => {}
        }
        self.capture_refused = refused.is_some();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture_store::CaptureStore;
    use crate::store::room::{ROOM_FILE, pretended, release_room};
    use crate::store::{JournalStart, JournalStore, make_dir, segment_paths};
    use bijli_core::codec::Item;
    use bijli_core::driver::Journal;
    use bijli_core::{Event, IstDay, TsNs};

    const SEGMENT: u64 = 64 * 1024;

    fn journal(run_dir: &Path) -> (JournalStore, SegmentMaker) {
        let dir = run_dir.join("journal");
        make_dir(&dir).expect("a folder");
        let start = JournalStart {
            day: IstDay::new(20_000),
            epoch: 1,
            segment: 0,
            first_seq: 0,
            segment_bytes: SEGMENT,
        };
        let (journal, maker) = JournalStore::create(&dir, start).expect("room for a small segment");
        (journal, maker.wanting(SEGMENT, true))
    }

    fn looks(supply: &mut SegmentSupply, count: u32) -> String {
        (0..count)
            .flat_map(|_| supply.poll())
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_full_disk_makes_the_journal_short_while_it_still_has_segments_and_room_ends_that() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut journal, maker) = journal(folder.path());
        let view = DurableView::never_waited_for();
        let dir = folder.path().to_owned();
        let (mut supply, news) = SegmentSupply::new(maker, None, dir, view.clone());
        assert_eq!((news, view.is_short()), (Vec::new(), false));
        pretended::set_free_bytes(0);
        let told = looks(&mut supply, 3 * LOOKS_PER_QUESTION);
        assert!(view.is_short());
        assert!(told.starts_with("error: the journal's disk is full"), "{told}");
        assert_eq!(told.lines().count(), 1, "said once: {told}");
        // What is ready is still there: exits and the kill are journaled.
        for number in 0..1_500 {
            let ts = TsNs::new(number);
            let item = Item::Event(Event::TimePassed(ts));
            journal
                .append(&item, ts)
                .expect("the current segment has room, or a spare");
            assert_eq!(looks(&mut supply, 1), "");
        }
        pretended::set_free_bytes(3 * SEGMENT);
        let told = looks(&mut supply, LOOKS_PER_QUESTION);
        assert!(!view.is_short());
        assert!(told.contains("has room again"), "{told}");
        pretended::set_free_bytes(u64::MAX);
    }

    #[test]
    fn room_that_a_restart_used_is_kept_again_once_three_segments_are_free_and_not_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let (_journal, maker) = journal(folder.path());
        let view = DurableView::never_waited_for();
        let dir = folder.path().to_owned();
        let (mut supply, _news) = SegmentSupply::new(maker, None, dir, view.clone());
        let is_kept = || folder.path().join(ROOM_FILE).exists();
        assert!(is_kept(), "the morning has room");
        pretended::set_free_bytes(0);
        let _full = looks(&mut supply, LOOKS_PER_QUESTION);
        assert!(
            release_room(folder.path()).expect("a plain file"),
            "as a start does"
        );
        // One of them becomes a spare.
        pretended::set_free_bytes(3 * SEGMENT);
        let told = looks(&mut supply, 2 * LOOKS_PER_QUESTION);
        assert_eq!((told.contains("has room again"), is_kept()), (true, false));
        pretended::set_free_bytes(3 * SEGMENT + 1024 * 1024);
        assert_eq!(looks(&mut supply, LOOKS_PER_QUESTION), "");
        assert!(is_kept() && !view.is_short());
        pretended::set_free_bytes(u64::MAX);
    }

    #[test]
    fn a_persister_that_is_refused_where_room_is_shown_makes_the_journal_short_and_is_said_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let (_journal, maker) = journal(folder.path());
        let view = DurableView::of_disk(0);
        let disk = folder.path().join("journal");
        let (mut supply, news) = SegmentSupply::new(maker, None, folder.path().to_owned(), view.clone());
        assert_eq!((news, view.is_short()), (Vec::new(), false));
        view.note_refused(true);
        assert!(view.is_short(), "before anybody looks");
        let told = looks(&mut supply, 3 * LOOKS_PER_QUESTION);
        assert!(view.is_short());
        assert!(
            told.contains(&format!("{} refused the next segment", disk.display())),
            "{told}"
        );
        assert_eq!(told.lines().count(), 1, "said once: {told}");
        view.note_refused(false);
        let told = looks(&mut supply, 2 * LOOKS_PER_QUESTION);
        assert!(!view.is_short());
        assert!(
            told.contains("has room again") && told.lines().count() == 1,
            "{told}"
        );
    }

    #[test]
    fn a_journal_on_a_disk_without_room_for_a_whole_segment_goes_on_in_small_ones() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut journal, maker) = journal(folder.path());
        let view = DurableView::never_waited_for();
        pretended::set_free_bytes(SEGMENT / 2);
        let (mut supply, news) = SegmentSupply::new(maker, None, folder.path().to_owned(), view.clone());
        assert_eq!((news.len(), view.is_short()), (1, true));
        // The first segment is a whole one; two small ones lie ready from the start.
        let mut number = 0;
        while segment_paths(&folder.path().join("journal")).len() < 5 {
            let ts = TsNs::new(number);
            let item = Item::Event(Event::TimePassed(ts));
            journal.append(&item, ts).expect("a small segment is ready");
            let _news = looks(&mut supply, 1);
            number += 1;
            assert!(number < 4_000, "small segments follow the whole one");
        }
        pretended::set_free_bytes(u64::MAX);
    }

    #[test]
    fn the_capture_stops_below_the_reserve_and_the_journal_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut journal, maker) = journal(folder.path());
        let view = DurableView::never_waited_for();
        let reserve = 1 << 30;
        pretended::set_free_bytes(reserve);
        let frames = folder.path().join("capture");
        let (mut capture, capture_maker) = CaptureStore::create(&frames, reserve).expect("a folder");
        let dir = folder.path().to_owned();
        let (mut supply, news) = SegmentSupply::new(maker, Some(capture_maker), dir, view.clone());
        assert_eq!(news.len(), 1);
        assert!(
            news[0].starts_with("warning: raw frames are not kept any more"),
            "{news:?}"
        );
        assert!(
            news[0].ends_with("and 1024 are kept free for the journal"),
            "{news:?}"
        );
        capture.append(TsNs::new(1), b"frame");
        assert_eq!((capture.frames_lost(), view.is_short()), (1, false));
        for number in 0..4_000 {
            let ts = TsNs::new(number);
            let item = Item::Event(Event::TimePassed(ts));
            journal.append(&item, ts).expect("a spare is ready");
            assert_eq!(looks(&mut supply, 1), "");
        }
        pretended::set_free_bytes(2 * reserve);
        assert_eq!(
            looks(&mut supply, LOOKS_PER_QUESTION),
            "raw frames are kept again"
        );
        capture.append(TsNs::new(2), b"frame");
        assert_eq!(capture.frames_lost(), 1);
        pretended::set_free_bytes(u64::MAX);
    }
}
