//! The power goes at any call of the commit protocol, and the disk keeps what it likes of the unsynced sectors:
//! nothing that was called durable is lost, nothing is accepted that was not written, nothing panics.
//!
//! `BIJLI_IMAGES` disk images (5 000 unless set) from a fresh seed, which is printed; `BIJLI_SEED` repeats one.
//! Beside them every subset of up to three sectors, lost or kept, on short logs.

mod disk;
mod items;

use std::time::{SystemTime, UNIX_EPOCH};

use bijli_core::TsNs;
use bijli_core::codec::{DurableMark, Item};
use bijli_core::journal::{
    DiskFile, Ending, JournalWriter, Marks, PersistError, Persister, ReplayFault, find_end, is_unused,
    read_marks, verify_segments,
};
use bijli_core::record::SEGMENT_HEADER_BYTES;
use disk::{Dice, Image, Refusal, SimDisk};
use items::{day_items, header};

/// A day as its writers know it, over all processes.
#[derive(Clone, Debug)]
struct Day {
    image: Image,
    segment_bytes: usize,
    /// Each segment as the fast tier had it.
    written: Vec<Vec<u8>>,
    items: Vec<Item>,
    durable: Option<DurableMark>,
    processes: u32,
}

/// The power went.
struct Dark {
    day: Day,
    disk: SimDisk,
}

impl Day {
    fn new(segment_bytes: usize) -> Self {
        Self {
            image: Image::from([
                (DiskFile::Marks, vec![0; 1_024]),
                (DiskFile::Segment(0), vec![0; segment_bytes]),
            ]),
            segment_bytes,
            written: Vec::new(),
            items: Vec::new(),
            durable: None,
            processes: 0,
        }
    }

    fn segments(&self) -> Vec<&[u8]> {
        let segments = self.image.iter().filter(|(file, _)| **file != DiskFile::Marks);
        segments.map(|(_, bytes)| bytes.as_slice()).collect()
    }

    /// What a start finds.
    fn end(&self) -> Result<Option<Ending>, ReplayFault> {
        let segments = self.segments();
        let ending = find_end(&segments, Some(&self.image[&DiskFile::Marks]))?;
        if let Some(ending) = &ending {
            for record in verify_segments(&segments[..ending.segments]) {
                match record {
                    Ok(_) => {}
                    Err(damage) if ending.is_at(&damage) => break,
                    Err(damage) => return Err(ReplayFault::Damaged(damage)),
                }
            }
        }
        Ok(ending)
    }

    /// Whether a durable byte is not as it was written.
    fn lacks_durable_bytes(&self) -> bool {
        let Some(mark) = self.durable else { return false };
        let differs = |segment: u32| {
            let written = &self.written[segment as usize];
            let end = if segment == mark.segment {
                mark.end_offset as usize
            } else {
                written.len()
            };
            let found = self.image.get(&DiskFile::Segment(segment));
            found.is_none_or(|found| found[..end] != written[..end])
        };
        (0..=mark.segment).any(differs)
    }

    /// Checks what a start makes of the image; gives whether it goes on.
    fn check(&self, what: &str) -> Option<Option<Ending>> {
        let lacking = self.lacks_durable_bytes();
        match self.end() {
            Ok(ending) => {
                assert!(!lacking, "{what}: accepted although durable bytes were changed");
                self.check_prefix(ending, what);
                Some(ending)
            }
            Err(fault) => {
                assert!(
                    lacking,
                    "{what}: refused although all that was durable is there: {fault:?}"
                );
                None
            }
        }
    }

    fn check_prefix(&self, ending: Option<Ending>, what: &str) {
        let durable = self.durable.map_or(0, |mark| mark.next_seq);
        let Some(ending) = ending else {
            assert_eq!(durable, 0, "{what}: everything is gone");
            return;
        };
        let count = ending.last.next_seq;
        assert!(
            count >= durable,
            "{what}: {count} records, {durable} were durable"
        );
        let segments = self.segments();
        let found = verify_segments(&segments[..ending.segments]).map_while(Result::ok);
        let found: Vec<Item> = found.map(|record| record.item().expect("an item")).collect();
        assert!(
            found == self.items[..count as usize],
            "{what}: not a prefix of what was written"
        );
    }

    /// Tears the first record of segment `first`, with which the dead process took the day over, as a disk does that does
    /// not even write a sector whole; not if that sector was synced or a mark tells of it. Gives whether it did.
    fn tear_first_record(&mut self, first: usize, disk: &SimDisk) -> bool {
        let first = first as u32;
        let is_marked = matches!(read_marks(&self.image[&DiskFile::Marks]), Marks::Found(found) if found.mark.segment >= first);
        let is_unsynced = disk.unsynced().contains(&(DiskFile::Segment(first), 0));
        match self.image.get_mut(&DiskFile::Segment(first)) {
            Some(bytes) if is_unsynced && !is_marked && !is_unused(bytes) => {
                bytes[SEGMENT_HEADER_BYTES + 9] ^= 1;
                true
            }
            Some(_) | None => false,
        }
    }

    /// A process takes the day over, works, and the power goes.
    fn run(mut self, ending: Option<Ending>, dice: &mut Dice) -> Dark {
        let begun = ending.map_or(0, |ending| ending.segments);
        let next_seq = ending.map_or(0, |ending| ending.last.next_seq);
        // What was not on the disk never happened; a segment without a sound record is begun anew.
        self.written.truncate(begun);
        if let (Some(last), Some(ending)) = (self.written.last_mut(), ending) {
            last.truncate(ending.last.end_offset as usize);
        }
        self.items.truncate(next_seq as usize);
        self.image.retain(|file, _| match file {
            DiskFile::Segment(segment) => (*segment as usize) < begun,
            DiskFile::Marks => true,
        });
        self.processes += 1;
        let mut disk = SimDisk::new(&self.image, self.segment_bytes);
        let cut = ending
            .and_then(|ending| ending.last.tail_cut())
            .map(Item::TailCut);
        // Often while the very first sector of this process is on its way, if it names a cut.
        let calls = match dice.below(3) {
            0 if cut.is_some() => 1,
            0 => 12,
            _ => 90,
        };
        disk.calls_left = 1 + dice.below(calls);
        disk.eio_after = dice.one_in(20).then(|| dice.below(20));
        let mut process = Process::start(self, begun as u32, next_seq, disk, cut);
        while process.turn(dice) {}
        Dark {
            day: process.day,
            disk: process.persister.into_disk(),
        }
    }
}

struct Process {
    day: Day,
    writer: JournalWriter<Vec<u8>>,
    first_segment: u32,
    finished: Vec<Vec<u8>>,
    persister: Persister<SimDisk>,
    to_come: std::vec::IntoIter<Item>,
    died: bool,
}

impl Process {
    fn start(day: Day, segment: u32, next_seq: u64, disk: SimDisk, cut: Option<Item>) -> Self {
        let mut head = header(segment, next_seq);
        head.epoch = day.processes;
        let writer = JournalWriter::create(vec![0; day.segment_bytes], head).expect("blank memory");
        let marks = read_marks(&day.image[&DiskFile::Marks]);
        let mut process = Self {
            persister: Persister::new(disk, head.day, (segment, next_seq), marks),
            writer,
            first_segment: segment,
            finished: Vec::new(),
            to_come: day_items(2_000).into_iter(),
            died: false,
            day,
        };
        cut.into_iter().for_each(|cut| process.append(cut));
        process
    }

    /// What is published of the segment that is being written.
    fn written(&self) -> &[u8] {
        &self.writer.bytes()[..self.writer.used_bytes()]
    }

    fn append(&mut self, item: Item) {
        let ts = TsNs::new(7);
        if self.writer.append_item(&item, ts).is_err() {
            let mut head = *self.writer.header();
            (head.segment, head.first_seq) = (head.segment + 1, self.writer.next_seq());
            let next = JournalWriter::create(vec![0; self.day.segment_bytes], head).expect("blank memory");
            let full = std::mem::replace(&mut self.writer, next);
            self.finished.push(full.bytes()[..full.used_bytes()].to_vec());
            self.writer
                .append_item(&item, ts)
                .expect("a segment holds any record");
        }
        self.day.items.push(item);
    }

    /// Some records are published, then perhaps a commit; `false` once the power is gone.
    fn turn(&mut self, dice: &mut Dice) -> bool {
        let burst = if dice.one_in(6) { 60 } else { 6 };
        for _ in 0..dice.below(burst) {
            let item = match self.day.durable {
                Some(mark) if dice.one_in(9) => Item::DurableMark(mark),
                Some(_) | None => match self.to_come.next() {
                    Some(item) => item,
                    None => return self.go_dark(),
                },
            };
            self.append(item);
        }
        let index = (self.persister.segment() - self.first_segment) as usize;
        let current = self
            .finished
            .get(index)
            .map_or_else(|| self.written(), Vec::as_slice);
        let mut window = current[self.persister.end_offset() as usize..].to_vec();
        if dice.one_in(5) {
            // A record that is being written: everything but its first word.
            window.extend([0; 8]);
            window.extend([0xAB; 56]);
        }
        match self.persister.commit(&window, 0) {
            Ok(Some(mark)) => self.day.durable = Some(mark),
            Ok(None) => {
                let next = self.finished.get(index + 1).map(Vec::as_slice);
                if index < self.finished.len() {
                    let front = next.unwrap_or_else(|| self.written()).to_vec();
                    self.persister.enter_next(&front);
                }
            }
            Err(PersistError::Disk(Refusal::Power)) => return self.go_dark(),
            Err(PersistError::Disk(Refusal::Eio)) => self.died = true,
            Err(PersistError::Dead) => {
                assert!(self.died, "only a failed disk is dead");
                return !dice.one_in(4) || self.go_dark();
            }
        }
        true
    }

    fn go_dark(&mut self) -> bool {
        self.finished.push(self.written().to_vec());
        self.day.written.append(&mut self.finished);
        false
    }
}

fn env_number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a whole number, not {text:?}")),
    )
}

fn fresh_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    now.as_nanos() as u64
}

#[test]
fn after_a_power_cut_every_durable_record_is_there_and_nothing_else_is_believed() {
    let images = env_number("BIJLI_IMAGES").unwrap_or(5_000);
    let first = env_number("BIJLI_SEED").unwrap_or_else(fresh_seed);
    eprintln!("images: {images}, seed: {first} (repeat with BIJLI_SEED={first})");
    let (mut made, mut durable, mut refused, mut torn, mut restarts, mut torn_twice) = (0, 0, 0, 0, 0, 0);
    for seed in (0..).map(|n| first.wrapping_add(n)) {
        if made >= images {
            break;
        }
        let mut dice = Dice(seed);
        let segment_bytes = [2_048, 4_096, 16_384, 262_144][dice.below(40).min(36) / 12];
        let mut day = Day::new(segment_bytes);
        let mut ending = None;
        for process in 0..4 {
            let first = ending.map_or(0, |ending: Ending| ending.segments);
            let had_to_name = ending.is_some_and(|ending| ending.last.tail_cut().is_some());
            let dark = day.run(ending, &mut dice);
            let what = format!("seed {seed}, process {process}");
            day = dark.day;
            // Several outcomes of the same crash; the day goes on with the last.
            let (mut goes_on, mut is_first_torn) = (None, false);
            for _ in 0..4 {
                day.image = dark.disk.image(&mut dice);
                is_first_torn = dice.one_in(2) && day.tear_first_record(first, &dark.disk);
                made += 1;
                durable += u64::from(day.durable.is_some());
                goes_on = day.check(&what);
                refused += u64::from(goes_on.is_none());
                torn += u64::from(
                    goes_on
                        .flatten()
                        .is_some_and(|ending| ending.last.tail_cut().is_some()),
                );
            }
            let Some(found) = goes_on else { break };
            ending = found;
            restarts += 1;
            torn_twice += u64::from(is_first_torn && had_to_name);
        }
    }
    eprintln!(
        "{made} images: {durable} with durable records, {torn} with a torn tail, {refused} refused for changed \
         durable bytes, {restarts} taken over, {torn_twice} of them with the record torn that named a torn tail"
    );
    assert!(durable > 0 && torn > 0 && torn_twice > 0 && restarts > 0);
}

#[test]
fn every_subset_of_up_to_three_sectors_of_a_short_log_is_survived() {
    let mut images = 0;
    for seed in 0..300 {
        let mut dice = Dice(seed);
        let Dark { mut day, disk } = Day::new(8_192).run(None, &mut dice);
        let sectors = disk.unsynced();
        let count = sectors.len();
        for (a, b, c) in
            (0..=count).flat_map(|a| (a..=count).flat_map(move |b| (b..=count).map(move |c| (a, b, c))))
        {
            let chosen =
                |sector: &(DiskFile, usize)| [a, b, c].iter().any(|n| sectors.get(*n) == Some(sector));
            for keeps in [true, false] {
                day.image = disk.image_keeping(|sector| chosen(sector) == keeps);
                let found = day.check(&format!("seed {seed}, sectors {a} {b} {c}, kept: {keeps}"));
                assert!(found.is_some(), "a lost sector is no corruption");
                images += 1;
            }
        }
    }
    eprintln!("{images} images");
    assert!(images > 10_000);
}

#[test]
fn rot_below_the_mark_is_never_taken_for_a_torn_tail() {
    let mut refused = 0;
    for seed in 0..400 {
        let mut dice = Dice(seed);
        let Dark { mut day, disk } = Day::new(16_384).run(None, &mut dice);
        day.image = disk.image_keeping(|_| true);
        let Some(mark) = day.durable else { continue };
        for _ in 0..10 {
            let sound = day.image.clone();
            let segment = dice.below(mark.segment as usize + 1) as u32;
            let written = day.written[segment as usize].len();
            let end = if segment == mark.segment {
                mark.end_offset as usize
            } else {
                written
            };
            let bytes = day
                .image
                .get_mut(&DiskFile::Segment(segment))
                .expect("it holds durable records");
            if dice.one_in(2) {
                bytes[dice.below(end)] ^= 1 << dice.below(8);
            } else {
                let sector = dice.below(end.div_ceil(512)) * 512;
                bytes[sector..sector + 512].fill(0);
            }
            if day.lacks_durable_bytes() {
                assert!(
                    day.end().is_err(),
                    "seed {seed}: rot in segment {segment} was accepted"
                );
                refused += 1;
            }
            day.image = sound;
        }
    }
    assert!(refused > 1_000, "too few days had durable records: {refused}");
}
