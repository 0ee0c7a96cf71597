//! The day's price bands: read from the broker's full quotes once reconciliation has ended, again after a pause, and
//! that of one instrument when an order in it was rejected.
//!
//! Invariants: the least urgent of all reads, a page at a time and a pause between pages; only news is told; a failed
//! read changes no band. One key that the broker does not know makes it refuse the whole page without naming it: halves
//! are asked until it stands alone. Source: the broker's market quote documentation (circuit limits), `PROTOCOL.md`.
//! Left out: what a band means for an order, which is the engine's.

use std::collections::BTreeMap;

use bijli_core::event::BandReported;
use bijli_core::{DurationNs, Event, Instrument, InstrumentId, Price, TsNs};

use super::Gateway;
use crate::evidence::{InstrumentKey, ReadError};
use crate::request::Reply;
use crate::upstox::call::Call;
use crate::upstox::quote_api;

/// Instruments of one read.
const PAGE: usize = 50;
/// Pause between two pages, so that a sweep is never in the way.
const PAGE_PAUSE: DurationNs = DurationNs::from_millis(500);
/// Pause after a read that failed.
const AGAIN_AFTER: DurationNs = DurationNs::from_secs(60);
/// The broker's code for a key that is none.
const WRONG_KEY: &str = "UDAPI100011";

/// Instruments that are asked for together: a range of those that can be traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    first: u32,
    count: u32,
}

/// What is known of one instrument that can be traded.
#[derive(Debug)]
struct Row {
    id: InstrumentId,
    key: InstrumentKey,
    told: (Price, Price),
}

/// What to read when.
#[derive(Debug)]
pub(super) struct BandReader {
    /// Zero: never.
    pause: DurationNs,
    rows: Vec<Row>,
    /// To be read, the next one last.
    pages: Vec<Page>,
    /// When a sweep begins; `None` before the first reconciliation.
    sweep_due: Option<TsNs>,
    /// No page before this.
    not_before: TsNs,
}

impl BandReader {
    pub(super) fn new(pause: DurationNs, instruments: &[Instrument]) -> Self {
        let tradable = instruments.iter().filter(|listed| listed.kind.is_tradable());
        Self {
            pause,
            rows: tradable
                .map(|listed| Row {
                    id: listed.id,
                    key: listed.key,
                    told: (listed.lower_band, listed.upper_band),
                })
                .collect(),
            pages: Vec::new(),
            sweep_due: None,
            not_before: TsNs::NEVER,
        }
    }

    /// The account's books are known: bands are next. Later calls change nothing.
    pub(super) fn begin(&mut self, now: TsNs) {
        self.sweep_due.get_or_insert(now);
    }

    /// The next read and when it is due.
    pub(super) fn next_read(&self) -> Option<(TsNs, Page)> {
        let sweep_due = self
            .sweep_due
            .filter(|_| self.pause.get() > 0 && !self.rows.is_empty())?;
        Some(match self.pages.last() {
            Some(page) => (self.not_before, *page),
            None => (sweep_due.max(self.not_before), self.page_at(0)),
        })
    }

    fn page_at(&self, first: usize) -> Page {
        let count = PAGE.min(self.rows.len() - first);
        Page {
            first: small(first),
            count: small(count),
        }
    }

    /// The page leaves; where none was wanted, the others of a whole sweep follow.
    pub(super) fn begin_read(&mut self, now: TsNs, page: Page) {
        if self.pages.pop().is_none() {
            let others = (PAGE..self.rows.len()).step_by(PAGE).rev();
            self.pages = others.map(|first| self.page_at(first)).collect();
            self.sweep_due = Some(now.plus(self.pause));
        }
        debug_assert!(page.count > 0, "a page has instruments");
        self.not_before = now.plus(PAGE_PAUSE);
    }

    /// The call that asks for a page.
    pub(super) fn call(&self, page: Page) -> Call {
        let keys: Vec<&str> = self.rows_of(page).iter().map(|row| row.key.as_str()).collect();
        quote_api::full_v2(&keys)
    }

    fn rows_of(&self, page: Page) -> &[Row] {
        let first = page.first as usize;
        &self.rows[first..first + page.count as usize]
    }

    /// The band of one instrument is wanted, beside every sweep.
    pub(super) fn want(&mut self, instrument: Option<InstrumentId>) {
        let place = self.rows.iter().position(|row| Some(row.id) == instrument);
        let page = place.map(|first| Page {
            first: small(first),
            count: 1,
        });
        if let Some(page) = page.filter(|page| self.pause.get() > 0 && !self.pages.contains(page)) {
            self.pages.push(page);
        }
    }

    /// The page was not answered: it is asked for again, later; one that the broker refuses for a key, in halves.
    fn failed(&mut self, now: TsNs, page: Page, error: &ReadError) {
        let is_wrong_key = matches!(error, ReadError::Refused(refusal) if refusal.code.as_str() == WRONG_KEY);
        if !is_wrong_key {
            self.pages.push(page);
            self.not_before = now.plus(AGAIN_AFTER);
        } else if page.count > 1 {
            let (count, first) = (page.count / 2, page.first);
            let rest = Page {
                first: first + count,
                count: page.count - count,
            };
            self.pages.extend([rest, Page { first, count }]);
        }
    }
}

impl Gateway {
    pub(super) fn take_bands(&mut self, page: Page, reply: &Reply) {
        let rows = match quote_api::limits_of(reply) {
            Ok(rows) => rows,
            Err(error) => {
                self.counts.reads_failed += 1;
                self.bands.failed(self.now, page, &error);
                return;
            }
        };
        let shown = |price: Option<Price>| price.filter(|price| price.is_set()).unwrap_or(Price::NONE);
        let bands: BTreeMap<&str, (Price, Price)> = rows
            .iter()
            .map(|row| {
                let band = (shown(row.lower_circuit_limit), shown(row.upper_circuit_limit));
                (row.instrument_key.as_str(), band)
            })
            .collect();
        for place in page.first as usize..(page.first + page.count) as usize {
            let row = &mut self.bands.rows[place];
            let Some(band) = bands.get(row.key.as_str()).filter(|band| **band != row.told) else {
                continue;
            };
            row.told = *band;
            let (instrument, (lower, upper)) = (row.id, *band);
            self.tell(Event::BandReported(BandReported {
                ts: self.stamp,
                instrument,
                lower,
                upper,
            }));
        }
    }
}

fn small(index: usize) -> u32 {
    u32::try_from(index).expect("the day's table is bounded")
}
