//! Counts over a journal: how many records of each kind, how many bytes, from when to when.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bijli_core::Event;
use bijli_core::TsNs;
use bijli_core::codec::Item;
use bijli_core::record::{Record, RecordKind, SEGMENT_HEADER_BYTES, record_bytes};
use serde_json::{Value, json};

use crate::words;

/// Records and bytes of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    records: u64,
    bytes: u64,
}

/// Counts over a journal.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    kinds: BTreeMap<RecordKind, Tally>,
    segments: Vec<u32>,
    epochs: Vec<u32>,
    first: Option<TsNs>,
    last: Option<TsNs>,
    closed: bool,
    /// What ended the count early.
    pub damage: Option<String>,
}

impl Stats {
    /// Takes a record in.
    pub fn take(&mut self, record: &Record<'_>) {
        let tally = self.kinds.entry(record.kind).or_default();
        tally.records += 1;
        tally.bytes += record_bytes(record.payload.len()) as u64;
        if self.segments.last() != Some(&record.segment) {
            self.segments.push(record.segment);
        }
        if record.kind == RecordKind::PROCESS_STARTED
            && let Ok(Item::Event(Event::ProcessStarted(started))) = record.item()
        {
            self.epochs.push(started.epoch);
        }
        if record.ts.is_set() {
            self.first.get_or_insert(record.ts);
            self.last = Some(record.ts);
        }
        self.closed = record.kind == RecordKind::CLOSED;
    }

    /// Records of all kinds.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.kinds.values().map(|tally| tally.records).sum()
    }

    /// Bytes of all records and of their segments' headers.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let headers = self.segments.len() as u64 * SEGMENT_HEADER_BYTES as u64;
        headers + self.kinds.values().map(|tally| tally.bytes).sum::<u64>()
    }

    /// Segments that hold records.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    /// The counts as one JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        let kinds: BTreeMap<&str, Value> = self
            .kinds
            .iter()
            .map(|(kind, tally)| {
                (
                    kind.name(),
                    json!({"records": tally.records, "bytes": tally.bytes}),
                )
            })
            .collect();
        json!({
            "records": self.records(),
            "bytes": self.bytes(),
            "segments": self.segments.len(),
            "epochs": self.epochs,
            "first_ist": self.first.map(words::stamp_text),
            "last_ist": self.last.map(words::stamp_text),
            "closed": self.closed,
            "kinds": kinds,
            "damage": self.damage,
        })
    }

    /// The counts as people read them.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!("{:<18} {:>12} {:>15}\n", "kind", "records", "bytes");
        for (kind, tally) in &self.kinds {
            let _ = writeln!(
                text,
                "{:<18} {:>12} {:>15}",
                kind.name(),
                words::count_text(tally.records),
                words::count_text(tally.bytes)
            );
        }
        let _ = writeln!(
            text,
            "{:<18} {:>12} {:>15}",
            "all",
            words::count_text(self.records()),
            words::count_text(self.bytes())
        );
        let epochs: Vec<String> = self.epochs.iter().map(u32::to_string).collect();
        let _ = write!(
            text,
            "segments {}  epochs {}  from {} to {}  {}",
            self.segments.len(),
            epochs.join(","),
            self.first.map_or("-".to_owned(), words::stamp_text),
            self.last.map_or("-".to_owned(), words::stamp_text),
            if self.closed {
                "closed in order"
            } else {
                "not closed: still written to, or killed"
            }
        );
        if let Some(damage) = &self.damage {
            let _ = write!(text, "\ndamaged: {damage}");
        }
        text
    }
}
