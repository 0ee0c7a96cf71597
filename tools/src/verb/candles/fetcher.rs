//! The download: which files are still to be fetched, with as few requests as the broker allows, month by month.
//!
//! Invariants: a file is written once all its days are answered, and never from part of them; a file that grows is
//! fetched whole, so that it never mixes two fetches; one key's failure leaves the others to be tried. Pace and
//! retries are those of the session's caller.

use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bijli_core::session::SessionTimes;
use bijli_core::{IstDay, TsNs};
use bijli_gateway::upstox::call::Call;
use bijli_gateway::upstox::candle_api::{self, Candle, Span, Timeframe};
use indicatif::{ProgressBar, ProgressStyle};

use crate::broker_access::Trouble;
use crate::candle::file::{CandleFile, Label, check_rows, read_label};
use crate::candle::folder::{folder_of, path_of, today_path};
use crate::candle::gap::market_of;
use crate::candle::period::{days, parts, period_of};
use crate::duty_cycle::wall_now;
use crate::store::make_dir;
use crate::verb::broker_arguments::BrokerSession;
use crate::verb::instrument_name::NamedContract;

/// A day whose candles are not there may still get them within so many days.
const LATE_DAYS: i32 = 3;

/// What is to be fetched.
pub(super) struct Order<'a> {
    pub(super) contracts: &'a [NamedContract],
    pub(super) timeframe: Timeframe,
    /// Past days, if any.
    pub(super) span: Option<Span>,
    pub(super) out: &'a Path,
    pub(super) is_forced: bool,
    pub(super) wants_today: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    pub(super) files: u32,
    /// Files that were there and final.
    pub(super) skipped: u32,
    pub(super) requests: u32,
    /// Sentences, each with its key or file.
    pub(super) failures: Vec<String>,
    /// Exit code of the first failure.
    pub(super) code: Option<i32>,
    pub(super) was_stopped: bool,
}

/// Files of one key that lie side by side and are fetched together.
struct Run<'a> {
    contract: &'a NamedContract,
    /// Days of each file, in order and without days between.
    files: Vec<Span>,
}

pub(super) struct Fetcher<'a> {
    session: &'a mut BrokerSession,
    order: &'a Order<'a>,
    stop: &'a AtomicBool,
    bar: Option<ProgressBar>,
    fetched: Fetched,
}

impl<'a> Fetcher<'a> {
    pub(super) fn new(session: &'a mut BrokerSession, order: &'a Order<'a>, stop: &'a AtomicBool) -> Self {
        Self {
            session,
            order,
            stop,
            bar: None,
            fetched: Fetched::default(),
        }
    }

    pub(super) fn run(mut self) -> Fetched {
        let order = self.order;
        let mut runs = Vec::new();
        for contract in order.contracts {
            match self.plan(contract) {
                Ok(planned) => runs.extend(planned),
                Err(trouble) => self.fail(contract, trouble),
            }
        }
        let files: usize = runs.iter().map(|run| run.files.len()).sum();
        let today = if order.wants_today {
            order.contracts.len()
        } else {
            0
        };
        self.bar = bar(files + today);
        for run in &runs {
            if let Err(trouble) = self.past(run) {
                self.fail(run.contract, trouble);
            }
        }
        for contract in order.contracts.iter().take(today) {
            if let Err(trouble) = self.today(contract) {
                self.fail(contract, trouble);
            }
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.fetched
    }

    fn fail(&mut self, contract: &NamedContract, trouble: Trouble) {
        self.fetched.code.get_or_insert(trouble.code);
        self.fetched
            .failures
            .push(format!("{}: {}", contract.key, trouble.message));
    }

    /// The files of a key that are not there, or not whole.
    fn plan(&mut self, contract: &'a NamedContract) -> Result<Vec<Run<'a>>, Trouble> {
        let order = self.order;
        let folder = folder_of(order.out, &contract.key, order.timeframe);
        make_dir(&folder).map_err(|error| Trouble::error(error.to_string()))?;
        let mut runs: Vec<Run<'_>> = Vec::new();
        for wanted in order
            .span
            .map_or_else(Vec::new, |span| parts(order.timeframe, span))
        {
            let path = path_of(&folder, order.timeframe, wanted.first);
            let Some(span) = self.missing(contract, &path, wanted)? else {
                self.fetched.skipped += 1;
                continue;
            };
            let follows = |run: &&mut Run<'_>| {
                let last = run.files.last().map(|span| span.last.get() + 1);
                last == Some(span.first.get())
            };
            match runs.last_mut().filter(follows) {
                Some(run) => run.files.push(span),
                None => runs.push(Run {
                    contract,
                    files: vec![span],
                }),
            }
        }
        Ok(runs)
    }

    /// The days to fetch for a file; `None` when it is there and final. What it holds besides is fetched with it.
    fn missing(&self, contract: &NamedContract, path: &Path, wanted: Span) -> Result<Option<Span>, Trouble> {
        if !path.exists() {
            return Ok(Some(wanted));
        }
        let label = match read_label(path) {
            Ok(label) => label,
            Err(_) if self.order.is_forced => return Ok(Some(wanted)),
            Err(fault) => return Err(Trouble::error(format!("{fault}; remove it or use --force"))),
        };
        let named = |what: &str| Trouble::error(format!("{}: {what}", path.display()));
        if label.key != contract.key {
            return Err(named(&format!("it holds {}; use another --out", label.key)));
        }
        if label.is_simulated != self.session.is_simulated() {
            return Err(named("simulated and real candles do not mix; use another --out"));
        }
        let holds = label.span.first <= wanted.first && wanted.last <= label.span.last;
        if holds && label.is_final && !self.order.is_forced {
            return Ok(None);
        }
        let whole = period_of(self.order.timeframe, wanted.first);
        Ok(Some(Span {
            first: wanted.first.min(label.span.first).max(whole.first),
            last: wanted.last.max(label.span.last).min(whole.last),
        }))
    }

    /// Asks for a run of files and writes each as soon as its last day is answered.
    fn past(&mut self, run: &Run<'_>) -> Result<(), Trouble> {
        let (Some(first), Some(last)) = (run.files.first(), run.files.last()) else {
            return Ok(());
        };
        let range = Span {
            first: first.first,
            last: last.last,
        };
        let timeframe = self.order.timeframe;
        let folder = folder_of(self.order.out, &run.contract.key, timeframe);
        let calls = candle_api::historical_range(&run.contract.key, timeframe, range);
        let mut files = run.files.iter().peekable();
        let mut candles: Vec<Candle> = Vec::new();
        for (call, asked) in calls.iter().zip(candle_api::spans(timeframe, range)) {
            if self.is_stopped() {
                return Ok(());
            }
            let path = path_of(&folder, timeframe, asked.first);
            candles.extend(self.ask(call, asked, &path)?);
            while let Some(span) = files.next_if(|span| span.last <= asked.last) {
                let later = candles.partition_point(|candle| candle.begin.ist_day() <= span.last);
                let rest = candles.split_off(later);
                let rows = std::mem::replace(&mut candles, rest);
                let is_final = self.is_final(&run.contract.key, *span, &rows);
                let path = path_of(&folder, timeframe, span.first);
                self.write(run.contract, (*span, is_final), rows, &path)?;
            }
        }
        Ok(())
    }

    fn today(&mut self, contract: &NamedContract) -> Result<(), Trouble> {
        if self.is_stopped() {
            return Ok(());
        }
        let timeframe = self.order.timeframe;
        let folder = folder_of(self.order.out, &contract.key, timeframe);
        let call = candle_api::intraday(&contract.key, timeframe);
        let mut candles = self.candles(&call)?;
        in_order(&mut candles);
        let Some(last) = candles.last() else {
            self.say(&format!("{}: no candles of today yet", contract.name));
            return Ok(());
        };
        // The day that the broker means, which is not ours with a simulator.
        let day = last.begin.ist_day();
        let span = Span {
            first: day,
            last: day,
        };
        self.write(contract, (span, false), candles, &today_path(&folder, day))
    }

    /// Asks for days and gives their candles oldest first; `path` names the first file that they are for.
    fn ask(&mut self, call: &Call, asked: Span, path: &Path) -> Result<Vec<Candle>, Trouble> {
        let mut candles = self.candles(call)?;
        in_order(&mut candles);
        check_rows(&candles, asked).map_err(|fault| {
            Trouble::error(format!(
                "{}: the broker's answer for {} to {} is refused: {fault}",
                path.display(),
                asked.first,
                asked.last
            ))
        })?;
        Ok(candles)
    }

    fn candles(&mut self, call: &Call) -> Result<Vec<Candle>, Trouble> {
        self.fetched.requests += 1;
        self.session.ask(call, candle_api::candles_as_sent)
    }

    fn write(
        &mut self,
        contract: &NamedContract,
        (span, is_final): (Span, bool),
        candles: Vec<Candle>,
        path: &Path,
    ) -> Result<(), Trouble> {
        let is_simulated = self.session.is_simulated();
        let file = CandleFile {
            label: Label {
                source: if is_simulated { "simulator" } else { "upstox" }.to_owned(),
                is_simulated,
                fetched_at: wall_now(),
                key: contract.key.clone(),
                symbol: if contract.is_symbol {
                    contract.name.clone()
                } else {
                    String::new()
                },
                timeframe: self.order.timeframe,
                span,
                is_final,
            },
            candles,
        };
        file.write(path).map_err(Trouble::error)?;
        self.fetched.files += 1;
        self.say(&format!("{}: {} candles", path.display(), file.candles.len()));
        Ok(())
    }

    /// Whether nothing can be added to these days: the last trading day among them has candles, or has had the time
    /// to get them.
    fn is_final(&self, key: &str, span: Span, candles: &[Candle]) -> bool {
        let trades = |day: &IstDay| {
            let market = market_of(key);
            market.map_or(day.weekday() < 5, |market| SessionTimes::of(*day, market).is_ok())
        };
        let Some(last) = days(span).filter(trades).last() else {
            return true;
        };
        let has_last = candles
            .last()
            .is_some_and(|candle| candle.begin.ist_day() >= last);
        let today: TsNs = wall_now();
        has_last || today.ist_day().get() > last.get() + LATE_DAYS
    }

    fn is_stopped(&mut self) -> bool {
        self.fetched.was_stopped |= self.stop.load(Ordering::Relaxed);
        self.fetched.was_stopped
    }

    /// A line for people where nobody watches a bar.
    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(line.to_owned());
                bar.inc(1);
            }
            None => eprintln!("{line}"),
        }
    }
}

/// The broker sends the newest first; turned around, any other disorder stays to be found.
fn in_order(candles: &mut [Candle]) {
    if let (Some(first), Some(last)) = (candles.first(), candles.last())
        && first.begin > last.begin
    {
        candles.reverse();
    }
}

/// A bar of files on a terminal, none elsewhere.
fn bar(files: usize) -> Option<ProgressBar> {
    if files == 0 || !stderr().is_terminal() {
        return None;
    }
    let template = "candles {bar:30.cyan/blue} {pos}/{len} files {eta} {wide_msg}";
    let style = ProgressStyle::with_template(template).expect("the template names known fields");
    Some(ProgressBar::new(files as u64).with_style(style))
}
