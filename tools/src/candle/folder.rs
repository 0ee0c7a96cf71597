//! Folders of candle files, `DIR/KEY/LENGTH/PERIOD.parquet`, and what they hold together.
//!
//! Invariants: the key in a file, not the folder's name, says whose candles it holds; a report reads every row of every
//! file. Left out: writing at the same time from several processes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bijli_core::{IstDay, TsNs};
use bijli_gateway::upstox::candle_api::{Span, Timeframe};
use serde_json::{Value, json};

use super::file::{CandleFile, Label};
use super::gap::{Gaps, market_of};
use super::period::{file_stem, timeframe_text};

/// Name of a file of today's candles, before its day: it is provisional and stands beside the months.
const TODAY: &str = "today-";
/// Most holes or days that a line names.
const NAMED_MAX: usize = 5;

/// Folder of the candles of one key and length. Signs that file systems or shells mind become `_`.
#[must_use]
pub fn folder_of(root: &Path, key: &str, timeframe: Timeframe) -> PathBuf {
    let safe = |sign: char| {
        if sign.is_ascii_alphanumeric() || sign == '-' {
            sign
        } else {
            '_'
        }
    };
    let name: String = key.chars().map(safe).collect();
    root.join(name).join(timeframe_text(timeframe))
}

/// The file of past candles that holds `day`.
#[must_use]
pub fn path_of(folder: &Path, timeframe: Timeframe, day: IstDay) -> PathBuf {
    folder.join(format!("{}.parquet", file_stem(timeframe, day)))
}

/// The file of the candles of `day` as far as it has come.
#[must_use]
pub fn today_path(folder: &Path, day: IstDay) -> PathBuf {
    folder.join(format!("{TODAY}{day}.parquet"))
}

/// All candle files under a folder, sorted.
///
/// # Errors
/// A sentence with the folder that cannot be read.
pub fn files_under(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let named = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(named)? {
            let entry = entry.map_err(named)?;
            let path = entry.path();
            // A link is not followed: it may lead back up.
            if entry.file_type().map_err(named)?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "parquet") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// What the files of one key and length hold.
#[derive(Clone, Debug)]
pub struct Holding {
    label: Label,
    files: u32,
    simulated_files: u32,
    candles: u64,
    first: TsNs,
    last: TsNs,
    /// First and last day of each stretch between files that no file claims.
    unasked: Vec<Span>,
    gaps: Option<Gaps>,
}

/// What a folder's files hold, and which are refused.
#[derive(Clone, Debug, Default)]
pub struct FolderReport {
    /// By key and length.
    pub holdings: Vec<Holding>,
    /// Why a file is refused, with its path.
    pub refused: Vec<String>,
}

impl FolderReport {
    /// Reads files, in order, and looks for gaps.
    #[must_use]
    pub fn of(paths: &[PathBuf]) -> Self {
        let mut refused = Vec::new();
        let mut holdings: BTreeMap<(String, Timeframe), Holding> = BTreeMap::new();
        for path in paths {
            let file = match CandleFile::read(path) {
                Ok(file) => file,
                Err(fault) => {
                    refused.push(fault);
                    continue;
                }
            };
            let is_today = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(TODAY));
            let at = (file.label.key.clone(), file.label.timeframe);
            match holdings.get_mut(&at) {
                // Today's file gives way to the month that has the day.
                Some(holding) if is_today && holding.label.span.last >= file.label.span.last => {}
                Some(holding) if holding.label.span.last >= file.label.span.first => {
                    refused.push(format!("{}: its days are in another file too", path.display()));
                }
                Some(holding) => holding.extend(&file, is_today),
                None => {
                    holdings.insert(at, Holding::of(&file, is_today));
                }
            }
        }
        Self {
            holdings: holdings.into_values().collect(),
            refused,
        }
    }
}

fn gaps_of(file: &CandleFile, is_running: bool) -> Option<Gaps> {
    let begins: Vec<TsNs> = file.candles.iter().map(|candle| candle.begin).collect();
    let until = match begins.last() {
        Some(last) if is_running => *last,
        _ => TsNs::new(i64::MAX),
    };
    let label = &file.label;
    let market = market_of(&label.key)?;
    Some(Gaps::of(label.timeframe, market, label.span, (&begins, until)))
}

impl Holding {
    fn of(file: &CandleFile, is_running: bool) -> Self {
        Self {
            label: file.label.clone(),
            files: 1,
            simulated_files: u32::from(file.label.is_simulated),
            candles: file.candles.len() as u64,
            first: file.candles.first().map_or(TsNs::NEVER, |candle| candle.begin),
            last: file.candles.last().map_or(TsNs::NEVER, |candle| candle.begin),
            unasked: Vec::new(),
            gaps: gaps_of(file, is_running),
        }
    }

    fn extend(&mut self, file: &CandleFile, is_running: bool) {
        let later = Self::of(file, is_running);
        let next = IstDay::new(self.label.span.last.get() + 1);
        if later.label.span.first > next {
            self.unasked.push(Span {
                first: next,
                last: IstDay::new(later.label.span.first.get() - 1),
            });
        }
        self.label.span.last = later.label.span.last;
        self.files += 1;
        self.simulated_files += later.simulated_files;
        self.candles += later.candles;
        if !self.first.is_set() {
            self.first = later.first;
        }
        if later.last.is_set() {
            self.last = later.last;
        }
        if let (Some(gaps), Some(later)) = (&mut self.gaps, later.gaps) {
            gaps.extend(later);
        }
    }

    /// Whether something is missing.
    #[must_use]
    pub fn has_gaps(&self) -> bool {
        self.gaps.as_ref().is_some_and(Gaps::is_any) || !self.unasked.is_empty()
    }

    /// For scripts.
    #[must_use]
    pub fn data(&self) -> Value {
        let label = &self.label;
        let stamp = |ts: TsNs| ts.is_set().then(|| ts.to_string());
        let span = |span: &Span| json!([span.first.to_string(), span.last.to_string()]);
        json!({
            "instrument_key": label.key,
            "symbol": Some(&label.symbol).filter(|symbol| !symbol.is_empty()),
            "timeframe": timeframe_text(label.timeframe),
            "from": label.span.first.to_string(), "to": label.span.last.to_string(),
            "files": self.files, "simulated_files": self.simulated_files, "candles": self.candles,
            "first_ist": stamp(self.first), "last_ist": stamp(self.last),
            "unasked": self.unasked.iter().map(span).collect::<Vec<_>>(),
            "gaps": self.gaps.as_ref().map(Gaps::data),
        })
    }

    /// For people: a line, and one more for each sort of finding.
    #[must_use]
    pub fn text(&self) -> String {
        let label = &self.label;
        let name = if label.symbol.is_empty() {
            &label.key
        } else {
            &label.symbol
        };
        let simulated = if self.simulated_files > 0 {
            "  SIMULATED"
        } else {
            ""
        };
        let verdict = match &self.gaps {
            None => "gaps unknown: no calendar for this segment",
            Some(_) if self.has_gaps() => "GAPS",
            Some(_) => "no gaps",
        };
        let mut text = format!(
            "{name} {}: {} to {}, {} candles in {} files, {verdict}{simulated}\n",
            timeframe_text(label.timeframe),
            label.span.first,
            label.span.last,
            self.candles,
            self.files,
        );
        let span = |span: &Span| format!("{} to {}", span.first, span.last);
        let mut line = |what: &str, count: usize, named: Vec<String>| {
            if count > 0 {
                let more = if count > named.len() { ", ..." } else { "" };
                text.push_str(&format!("  {count} {what}: {}{more}\n", named.join(", ")));
            }
        };
        let days = |days: &[IstDay]| days.iter().take(NAMED_MAX).map(ToString::to_string).collect();
        let stretches = self.unasked.iter().take(NAMED_MAX).map(span).collect();
        line("stretches were never asked for", self.unasked.len(), stretches);
        if let Some(gaps) = &self.gaps {
            let hole = |hole: &super::gap::Hole| format!("{} ({})", hole.first, hole.candles);
            let holes = gaps.holes.iter().take(NAMED_MAX).map(hole).collect();
            line(
                "trading days without a candle",
                gaps.missing_days.len(),
                days(&gaps.missing_days),
            );
            line("holes within days (candles missing)", gaps.holes.len(), holes);
            line(
                "days without a candle, trading unknown",
                gaps.undecided_days.len(),
                days(&gaps.undecided_days),
            );
            line(
                "days with candles on which the exchange was shut by our table",
                gaps.unexpected_days.len(),
                days(&gaps.unexpected_days),
            );
            if gaps.outside_hours > 0 {
                text.push_str(&format!("  {} candles outside our hours\n", gaps.outside_hours));
            }
        }
        text
    }
}
