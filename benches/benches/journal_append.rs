//! Keeping one tick: an append to a mapped segment beside `write(2)` and beside a bare copy into the same
//! memory; and reading a journal back.

use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use bijli_benches::measure::{Bench, Entrant, Samples, print_rows};
use bijli_benches::{machine, mapped_file};
use bijli_core::codec::Item;
use bijli_core::event::{Event, Tick};
use bijli_core::journal::{JournalWriter, verify_segments};
use bijli_core::record::{RecordKind, SegmentHeader};
use bijli_core::{InstrumentId, IstDay, Price, Qty, TsNs};
use memmap2::MmapMut;

const REPETITIONS: usize = 5;
const APPENDS: usize = 200_000;
const WRITES: usize = 50_000;
const PER_BATCH: usize = 64;
const RECORD_BYTES: usize = 128;
/// Room for one repetition of appends.
const SEGMENT_BYTES: usize = 64 + RECORD_BYTES * (APPENDS + PER_BATCH);

const HEADER: SegmentHeader = SegmentHeader {
    segment: 0,
    epoch: 1,
    day: IstDay::new(20_665),
    first_seq: 0,
};
const TS: TsNs = TsNs::new(1_785_469_500_000_000_000);

fn tick(index: usize) -> Item {
    let n = index as i64;
    Item::Event(Event::Ticked(Tick {
        ts: TS,
        instrument: InstrumentId::new(index as u32),
        ltp: Price::new(n),
        volume: Qty::new(n),
        ..Tick::default()
    }))
}

/// An empty segment in the memory of the last repetition.
fn blank(memory: &mut MmapMut) -> JournalWriter<&mut [u8]> {
    memory.fill(0);
    JournalWriter::create(&mut memory[..], HEADER).expect("blank mapped memory")
}

fn append_bytes(bench: &Bench, memory: &mut MmapMut) -> Samples {
    let mut writer = blank(memory);
    let payload = [5; 96];
    bench.batches(APPENDS, PER_BATCH, |_| {
        writer.append(RecordKind::TICKED, TS, black_box(&payload))
    })
}

fn append_ticks(bench: &Bench, memory: &mut MmapMut) -> Samples {
    let mut writer = blank(memory);
    bench.batches(APPENDS, PER_BATCH, |index| writer.append_item(&tick(index), TS))
}

fn append_ticks_singly(bench: &Bench, memory: &mut MmapMut) -> Samples {
    let mut writer = blank(memory);
    bench.each(APPENDS, |index| writer.append_item(&tick(index), TS))
}

fn copies(bench: &Bench, memory: &mut MmapMut) -> Samples {
    let line = [5u8; RECORD_BYTES];
    bench.batches(APPENDS, PER_BATCH, |index| {
        memory[index * RECORD_BYTES..][..RECORD_BYTES].copy_from_slice(black_box(&line));
    })
}

fn writes(bench: &Bench, file: &mut File, per_batch: usize) -> Samples {
    let line = [5; RECORD_BYTES];
    let write = |_| file.write_all(black_box(&line)).expect("the disk has room");
    if per_batch == 1 {
        bench.each(WRITES, write)
    } else {
        bench.batches(WRITES, per_batch, write)
    }
}

fn appends(bench: &Bench, place: &str, folder: &Path) {
    let (memory, file) = (
        mapped_file::create(folder, SEGMENT_BYTES),
        tempfile::tempfile_in(folder),
    );
    let (Ok(mut memory), Ok(mut file)) = (memory, file) else {
        println!("\n{place}: skipped, no room there");
        return;
    };
    let memory = std::cell::RefCell::new(&mut memory);
    let file = std::cell::RefCell::new(&mut file);
    let rows = bench.compare(
        REPETITIONS,
        &mut [
            Entrant::new("write(2)", |bench| {
                writes(bench, &mut file.borrow_mut(), PER_BATCH)
            }),
            Entrant::new("append of 96 bytes", |bench| {
                append_bytes(bench, &mut memory.borrow_mut())
            }),
            Entrant::new("append_item of a tick", |bench| {
                append_ticks(bench, &mut memory.borrow_mut())
            }),
            Entrant::new("bare copy, no checksum", |bench| {
                copies(bench, &mut memory.borrow_mut())
            }),
            Entrant::new("append_item, timed singly", |bench| {
                append_ticks_singly(bench, &mut memory.borrow_mut())
            }),
            Entrant::new("write(2), timed singly", |bench| {
                writes(bench, &mut file.borrow_mut(), 1)
            }),
        ],
    );
    print_rows(
        &format!("{place}: one record of 128 bytes"),
        &rows,
        Some("write(2)"),
    );
}

/// How fast a journal is read back, checksums included, and with every item decoded.
fn scans(bench: &Bench) {
    let count = bench.scaled(1_000_000);
    let mut writer = JournalWriter::create(vec![0; 64 + RECORD_BYTES * count], HEADER).expect("blank memory");
    for index in 0..count {
        writer.append_item(&tick(index), TS).expect("there is room");
    }
    let segment = writer.into_inner();
    let timed = |bench: &Bench, decoded: bool| {
        let mut samples = Samples::new(count);
        let day = [&segment[..]];
        let begin = Instant::now();
        let found = verify_segments(&day)
            .filter(|record| match record {
                Ok(record) if decoded => black_box(record.item()).is_ok(),
                Ok(_) | Err(_) => record.is_ok(),
            })
            .count();
        samples.add((begin.elapsed().as_nanos() as f64 - bench.stamp_ns()) / count as f64);
        assert_eq!(found, count, "all records come back");
        samples
    };
    let rows = bench.compare(
        REPETITIONS,
        &mut [
            Entrant::new("verify", |bench| timed(bench, false)),
            Entrant::new("verify and decode", |bench| timed(bench, true)),
        ],
    );
    print_rows("reading back, per record", &rows, None);
    for row in &rows {
        println!(
            "{}: {:.1} million records/s",
            row.name,
            1_000.0 / row.samples.percentile(50.0).max(0.1)
        );
    }
}

fn main() {
    let bench = Bench::begin("journal: one tick kept");
    machine::pin(0);
    appends(&bench, "disk", Path::new(env!("CARGO_TARGET_TMPDIR")));
    if Path::new("/dev/shm").is_dir() {
        appends(&bench, "memory file system", Path::new("/dev/shm"));
    }
    scans(&bench);
}
