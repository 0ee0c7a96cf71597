//! The market-information side of the broker: what it knows of prices, candles, options and the calendar, and
//! how it answers questions about them. A pure state machine: ticks and calls in, answers out.
//!
//! Invariants: an answer depends on the ticks applied, the time given and the seed alone; a row has every field
//! of the broker's model and no other; a real day is never completed by invention. Facts: the broker's API
//! documentation (market quote, historical data, option chain, market information), with recorded answers as
//! the tie-breaker of form. Left out: orders and the account, which are the broker's own.

use std::collections::BTreeMap;

use bijli_core::{DurationNs, IstDay, TsNs};

use crate::broker::ApiCall;
use crate::broker::reply::{ApiReply, NOT_SUPPORTED, Refusal};
use crate::day::{DayInfo, DayInstrument, DayTick, Morning, Past};

mod options;
mod request;
mod bar;
mod black76;
mod line;
mod derived;
mod past;
mod calendar;
pub(crate) mod listing;
mod quote;
mod candles;
mod expired;
mod chain;
mod open_interest;
mod flows;
mod smartlist;
mod search;
mod news;
mod fundamentals;
#[cfg(test)]
mod tests;

use bar::Bar;
use derived::Derived;
pub use options::{MarketOptions, UnknownKey};

use line::Line;

/// An answer before it is put on the wire.
pub(crate) type Answer = Result<ApiReply, Refusal>;

/// What the broker knows of the market.
#[derive(Debug)]
pub struct MarketDesk {
    info: DayInfo,
    /// The instruments that tick, numbered as in the day.
    lines: Vec<Line>,
    /// Contracts that do not; their numbers follow.
    contracts: Vec<Derived>,
    ids: BTreeMap<String, u32>,
    /// Closes of the day before, rupees, one a line; empty when the day does not tell.
    closes: Vec<f64>,
    past: Past,
    options: MarketOptions,
    /// Whether the account may ask for what has expired.
    has_plus_plan: bool,
}

impl MarketDesk {
    /// The desk on a morning, before the first tick.
    #[must_use]
    pub fn new(info: &DayInfo) -> Self {
        let lines = info
            .instruments
            .iter()
            .map(|instrument| Line::new(info.day, instrument.clone()));
        Self {
            lines: lines.collect(),
            contracts: Vec::new(),
            ids: info
                .instruments
                .iter()
                .map(|row| row.key.clone())
                .zip(0..)
                .collect(),
            closes: Vec::new(),
            past: Past::Unknown,
            options: MarketOptions::default(),
            has_plus_plan: false,
            info: info.clone(),
        }
    }

    /// What is not known for sure.
    pub fn set_options(&mut self, options: MarketOptions) {
        self.options = options;
    }

    /// Whether the account has the Plus plan.
    pub fn set_plus_plan(&mut self, has_plus_plan: bool) {
        self.has_plus_plan = has_plus_plan;
    }

    /// Takes in what an invented day tells besides its ticks: contracts, closes, the days before.
    pub fn prepare(&mut self, morning: Morning) {
        self.closes = morning.closes;
        self.past = morning.past;
        let seed = self.seed().unwrap_or_default();
        for contract in morning.contracts {
            let key = contract.underlying.as_ref().map(|(key, _)| key.as_str());
            let Some(underlying) = key.and_then(|key| self.ids.get(key)).copied() else {
                continue;
            };
            let id = (self.lines.len() + self.contracts.len()) as u32;
            self.ids.insert(contract.key.clone(), id);
            let reference = self.close_before(underlying);
            let derived = Derived::new(contract, underlying, reference, self.info.day, seed);
            self.contracts.push(derived);
        }
    }

    /// Takes a tick of the played day in.
    ///
    /// # Panics
    /// When the tick is of no instrument of the day.
    pub fn apply_tick(&mut self, tick: &DayTick) {
        self.lines[tick.instrument as usize].apply(tick);
    }

    /// Previous close of an instrument in rupees; 0 if unknown.
    #[must_use]
    pub fn prev_close(&self, instrument: u32) -> f64 {
        self.lines[instrument as usize].latest.prev_close
    }

    /// Whether a call is answered without a token: candles and the calendar, which the official client asks
    /// without one.
    #[must_use]
    pub fn is_public(call: &ApiCall<'_>) -> bool {
        let path = call.path();
        let prefixes = [
            "/v2/historical-candle/",
            "/v3/historical-candle/",
            "/v2/market/holidays",
            "/v2/market/timings/",
        ];
        call.method == "GET" && prefixes.iter().any(|prefix| path.starts_with(prefix))
    }

    /// Answers a call, or `None` when it is not for this desk.
    #[must_use]
    pub fn answer(&self, now: TsNs, call: &ApiCall<'_>) -> Option<ApiReply> {
        match self.answer_or_refuse(now, call) {
            Ok(reply) => Some(reply),
            Err(refusal) if refusal.code() == NOT_SUPPORTED.code() => None,
            Err(refusal) => Some(refusal.reply()),
        }
    }

    fn answer_or_refuse(&self, now: TsNs, call: &ApiCall<'_>) -> Answer {
        if call.method != "GET" {
            return Err(NOT_SUPPORTED);
        }
        let words = call.path_words();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["v2", "market", "status", exchange] => self.market_status(now, exchange),
            ["v2", "market", "holidays"] => self.holidays(None),
            ["v2", "market", "holidays", date] => self.holidays(Some(date)),
            ["v2", "market", "timings", date] => self.timings(date),
            ["v2", "market", "smartlist", list] => self.smartlist(now, list, call),
            ["v2", "market", "fii"] => self.foreign_flows(call),
            ["v2", "market", "dii"] => self.domestic_flows(call),
            ["v2", "market", topic] => self.open_interest(now, topic, call),
            [version, "market-quote", topic] => self.quote(now, version, topic, call),
            [version, "historical-candle", ref rest @ ..] => self.candles(version, rest),
            ["v2", "expired-instruments", ref rest @ ..] => self.expired(rest, call),
            ["v2", "option", "contract"] => self.option_contracts(call),
            ["v2", "option", "chain"] => self.option_chain(call),
            ["v2", "instruments", "search"] => self.search(call),
            ["v2", "news"] => self.news(now, call),
            ["v2", "fundamentals", name, topic] => self.fundamentals(name, topic, call),
            _ => Err(NOT_SUPPORTED),
        }
    }

    /// The seed of what is invented; `None` on a recorded day.
    const fn seed(&self) -> Option<u64> {
        match self.past {
            Past::Invented(seed) => Some(seed),
            Past::Unknown | Past::Recorded(_) => None,
        }
    }

    /// All instruments with their numbers: those that tick, then the contracts that do not.
    fn listed(&self) -> impl Iterator<Item = (u32, &DayInstrument)> {
        let lines = self.lines.iter().map(|line| &line.instrument);
        let contracts = self.contracts.iter().map(|contract| &contract.instrument);
        (0..).zip(lines.chain(contracts))
    }

    fn instrument(&self, id: u32) -> &DayInstrument {
        match self.contract(id) {
            Some(contract) => &contract.instrument,
            None => &self.lines[id as usize].instrument,
        }
    }

    fn contract(&self, id: u32) -> Option<&Derived> {
        self.contracts.get((id as usize).checked_sub(self.lines.len())?)
    }

    /// Close of the day before in rupees, known before the first tick when the day tells; 0 if unknown.
    pub(crate) fn close_before(&self, line: u32) -> f64 {
        let known = self.closes.get(line as usize).copied();
        known.unwrap_or(self.lines[line as usize].latest.prev_close)
    }

    /// The market of an instrument as it stands.
    fn tick(&self, id: u32) -> DayTick {
        let Some(contract) = self.contract(id) else {
            let mut tick = self.lines[id as usize].latest;
            if tick.prev_close == 0.0 {
                tick.prev_close = self.close_before(id);
            }
            return tick;
        };
        let line = &self.lines[contract.underlying as usize];
        contract.tick(&line.latest, &line.bars, self.close_before(contract.underlying))
    }

    /// The minutes of the played day so far.
    fn bars(&self, id: u32) -> Vec<Bar> {
        match self.contract(id) {
            None => self.lines[id as usize].bars.clone(),
            Some(contract) => {
                let under = &self.lines[contract.underlying as usize].bars;
                under.iter().map(|bar| contract.bar(bar)).collect()
            }
        }
    }

    /// Open interest at a moment of the played day, units.
    fn oi_at(&self, id: u32, ms: i64) -> f64 {
        match self.contract(id) {
            Some(contract) => contract.oi(ms),
            None => {
                let line = &self.lines[id as usize];
                let past = line.bars.iter().rev().find(|bar| bar.candle.start_ms <= ms);
                past.or(line.bars.first()).map_or(line.latest.oi, |bar| bar.oi)
            }
        }
    }

    /// Open interest at the end of the day before; `None` when the day does not tell.
    fn prev_oi(&self, id: u32) -> Option<f64> {
        self.contract(id).map(Derived::prev_oi)
    }
}

/// Epoch milliseconds.
const fn millis(ts: TsNs) -> i64 {
    ts.get().div_euclid(1_000_000)
}

/// Midnight in India, epoch milliseconds.
fn midnight_ms(day: IstDay) -> i64 {
    millis(day.at(DurationNs::ZERO))
}

/// A moment as the broker writes it: `2026-07-31T09:15:00+05:30`.
fn iso(ms: i64) -> String {
    let text = TsNs::from_millis(ms).to_string();
    format!("{}T{}+05:30", &text[..10], &text[11..19])
}

/// The same with milliseconds.
fn iso_millis(ms: i64) -> String {
    let text = TsNs::from_millis(ms).to_string();
    format!(
        "{}T{}.{:03}+05:30",
        &text[..10],
        &text[11..19],
        ms.rem_euclid(1_000)
    )
}

/// A date as open-interest answers have it: `31-07-2026`.
fn dashed(day: IstDay) -> String {
    let (year, month, date) = day.ymd();
    format!("{date:02}-{month:02}-{year:04}")
}
