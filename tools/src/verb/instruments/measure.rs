//! `bijli instruments stats`: how much a master holds, how long it loads and what memory it takes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bijli_core::instrument::InstrumentKind;
use clap::Args as ClapArgs;
use serde::Serialize;

use super::{Source, open_file};
use crate::broker_access::Trouble;
use crate::duty_cycle::MonoNs;
use crate::exit_code;
use crate::stdout::print_line;

/// Arguments of `instruments stats`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// A master file; default: the store's newest.
    #[arg(value_name = "FILE")]
    path: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What is counted and measured.
#[derive(Debug, Serialize)]
struct Stats {
    file: String,
    day: Option<String>,
    contracts: usize,
    derivatives: usize,
    underlyings: usize,
    expiries: usize,
    first_expiry: Option<String>,
    last_expiry: Option<String>,
    segments: BTreeMap<String, Segment>,
    file_bytes: u64,
    text_bytes: u64,
    load_ms: u64,
    /// Of these the time on a core, which a busy machine does not stretch; none where the system does not tell.
    load_cpu_ms: Option<u64>,
    /// Memory of this process with the master loaded, and at most while it loaded; none where the system does not
    /// tell.
    rss_bytes: Option<u64>,
    rss_peak_bytes: Option<u64>,
}

#[derive(Debug, Default, Serialize)]
struct Segment {
    contracts: usize,
    futures: usize,
    calls: usize,
    puts: usize,
    underlyings: usize,
    expiries: usize,
}

pub(super) fn run(args: &Args) -> Result<i32, Trouble> {
    let (begun, cpu_begun) = (MonoNs::now(), on_core_ns());
    let opened = match &args.path {
        Some(path) => open_file(path)?,
        None => args.source.open()?,
    };
    let load_ms = MonoNs::now().since(begun) / 1_000_000;
    let cpu = on_core_ns().zip(cpu_begun);
    let load_cpu_ms = cpu.map(|(now, before)| now.saturating_sub(before) / 1_000_000);
    let (rss_bytes, rss_peak_bytes) = (status_bytes("VmRSS:"), status_bytes("VmHWM:"));
    let catalogue = &opened.catalogue;
    let mut segments: BTreeMap<String, Segment> = BTreeMap::new();
    let mut sets: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<_>)> = BTreeMap::new();
    for listing in catalogue.iter() {
        let segment = segments.entry(listing.segment().to_owned()).or_default();
        segment.contracts += 1;
        match listing.kind() {
            Some(InstrumentKind::Future) => segment.futures += 1,
            Some(InstrumentKind::Call) => segment.calls += 1,
            Some(InstrumentKind::Put) => segment.puts += 1,
            Some(InstrumentKind::Equity | InstrumentKind::Index) | None => {}
        }
        if let Some(expiry) = listing.expiry() {
            let (underlyings, expiries) = sets.entry(listing.segment()).or_default();
            underlyings.insert(listing.underlying());
            expiries.insert(expiry);
        }
    }
    for (name, (underlyings, expiries)) in &sets {
        let segment = segments.entry((*name).to_owned()).or_default();
        (segment.underlyings, segment.expiries) = (underlyings.len(), expiries.len());
    }
    let expiries: BTreeSet<_> = sets.values().flat_map(|(_, expiries)| expiries).collect();
    let stats = Stats {
        file: opened.path.display().to_string(),
        day: opened.provenance.map(|provenance| provenance.day),
        contracts: catalogue.len(),
        derivatives: segments
            .values()
            .map(|row| row.futures + row.calls + row.puts)
            .sum(),
        underlyings: catalogue.underlyings().len(),
        expiries: expiries.len(),
        first_expiry: expiries.first().map(ToString::to_string),
        last_expiry: expiries.last().map(ToString::to_string),
        segments,
        file_bytes: std::fs::metadata(&opened.path).map_or(0, |metadata| metadata.len()),
        text_bytes: catalogue.extent().text_bytes,
        load_ms,
        load_cpu_ms,
        rss_bytes,
        rss_peak_bytes,
    };
    if args.json {
        print_line(&serde_json::to_string(&stats).expect("plain data serialises"));
    } else {
        print(&stats);
    }
    Ok(exit_code::OK)
}

fn print(stats: &Stats) {
    let mib = |bytes: Option<u64>| {
        bytes.map_or("?".to_owned(), |bytes| {
            format!("{:.1}", bytes as f64 / 1_048_576.0)
        })
    };
    let span = |day: &Option<String>| day.clone().unwrap_or_else(|| "none".to_owned());
    let mut lines = vec![
        format!("file         {}", stats.file),
        format!(
            "contracts    {} ({} derivatives)",
            stats.contracts, stats.derivatives
        ),
        format!("underlyings  {}", stats.underlyings),
        format!(
            "expiries     {}, {} to {}",
            stats.expiries,
            span(&stats.first_expiry),
            span(&stats.last_expiry)
        ),
        format!(
            "loaded in    {} ms ({} ms on a core); memory {} MiB, at most {} MiB",
            stats.load_ms,
            stats.load_cpu_ms.map_or("?".to_owned(), |ms| ms.to_string()),
            mib(stats.rss_bytes),
            mib(stats.rss_peak_bytes)
        ),
        format!(
            "{:<12} {:>9} {:>8} {:>7} {:>7} {:>11} {:>8}",
            "segment", "contracts", "futures", "calls", "puts", "underlyings", "expiries"
        ),
    ];
    for (name, row) in &stats.segments {
        lines.push(format!(
            "{name:<12} {:>9} {:>8} {:>7} {:>7} {:>11} {:>8}",
            row.contracts, row.futures, row.calls, row.puts, row.underlyings, row.expiries
        ));
    }
    for line in lines {
        if !print_line(&line) {
            return;
        }
    }
}

/// A line of this process's status, which Linux gives in KiB.
fn status_bytes(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// How long this thread has been on a core, nanoseconds.
fn on_core_ns() -> Option<u64> {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    times.split_whitespace().next()?.parse().ok()
}
