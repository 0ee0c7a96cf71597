//! The days before a recorded day of candles, as far as they lie beside it: files of the same directory and
//! columns, named by their dates.
//!
//! Read when they are asked for, one file a day; nothing is kept and nothing is made up. Rows in which nothing
//! traded are left out, save for an index, which never trades. Facts: README of the data.

use std::path::{Path, PathBuf};

use bijli_core::IstDay;

use super::csv::CsvFile;
use super::nse_bars::{self, Layout};
use super::{Candle, DayError, day_in_name};

/// The files of earlier days, oldest first.
#[derive(Clone, Debug, Default)]
pub struct RecordedPast {
    files: Vec<(IstDay, PathBuf)>,
}

impl RecordedPast {
    /// The files beside `path` whose names begin with a date before `day` and whose columns are the same.
    pub(super) fn beside(path: &Path, day: IstDay, layout: Layout) -> Self {
        let listing = path.parent().and_then(|folder| std::fs::read_dir(folder).ok());
        let mut files: Vec<(IstDay, PathBuf)> = listing
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((day_in_name(&entry.path())?, entry.path())))
            .filter(|(dated, path)| {
                let header = CsvFile::open(path).map(|csv| csv.header().to_owned());
                *dated < day && header.is_ok_and(|header| Layout::of(&header) == Some(layout))
            })
            .collect();
        files.sort();
        Self { files }
    }

    /// The minutes of a symbol on the recorded days from `from` to `to`, oldest first.
    ///
    /// # Errors
    /// [`DayError`] when a file of the window is damaged.
    pub fn minutes(&self, symbol: &str, from: IstDay, to: IstDay) -> Result<Vec<Candle>, DayError> {
        let mut all = Vec::new();
        for (day, path) in &self.files {
            if from <= *day && *day <= to {
                all.extend(nse_bars::candles_of(path, symbol)?);
            }
        }
        if all.iter().any(|candle: &Candle| candle.volume > 0) {
            all.retain(|candle| candle.volume > 0);
        }
        Ok(all)
    }
}
