//! The derivative contracts of an invented day: which futures and options are listed on its stocks and indices.
//!
//! The rules are the exchange's of 2026: contracts end on Tuesdays (the trading day before, if the Tuesday is a
//! holiday); the broad index has the next two weeks and the next two months, everything else months alone; the
//! strikes lie around the close of the day before. Every share has a future of its month, since clients derive
//! their universe from futures; only the first [`OPTION_STOCKS`] shares have options. Lots, steps and tokens
//! are invented. The contracts are not in the stream of ticks: their prices follow from the underlying's.

use bijli_core::instrument::InstrumentKind;
use bijli_core::session::{ClosedDay, Market, SessionTimes};
use bijli_core::{IstDay, Price, Qty};

use super::{DayInstrument, price_of};

/// Shares that have options and a second future.
pub const OPTION_STOCKS: usize = 5;
/// Strikes on each side of the one at the money.
const STRIKES_EACH_SIDE: i64 = 15;
/// Exchange tokens begin here, beyond those of real contracts.
const FUTURE_TOKENS_FROM: usize = 9_000_001;
const OPTION_TOKENS_FROM: usize = 8_000_001;
const TUESDAY: u32 = 1;
const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

/// Whether the exchange trades on a day; days that no table covers trade on weekdays.
#[must_use]
pub fn is_trading_day(day: IstDay) -> bool {
    match SessionTimes::of(day, Market::Derivatives) {
        Ok(_) => true,
        Err(ClosedDay::Uncovered) => day.weekday() < 5,
        Err(ClosedDay::Weekend | ClosedDay::Holiday) => false,
    }
}

/// The trading day before.
#[must_use]
pub fn trading_day_before(day: IstDay) -> IstDay {
    let mut before = IstDay::new(day.get() - 1);
    while !is_trading_day(before) {
        before = IstDay::new(before.get() - 1);
    }
    before
}

/// The day on which contracts of a Tuesday end.
fn expiry_of(tuesday: IstDay) -> IstDay {
    if is_trading_day(tuesday) {
        tuesday
    } else {
        trading_day_before(tuesday)
    }
}

fn is_last_of_month(tuesday: IstDay) -> bool {
    IstDay::new(tuesday.get() + 7).ymd().1 != tuesday.ymd().1
}

/// Whether contracts that end on a day are weekly: their Tuesday is not the last of its month.
#[must_use]
pub fn is_week(expiry: IstDay) -> bool {
    !is_last_of_month(tuesday_from(expiry))
}

/// The Tuesday on or after a day.
const fn tuesday_from(day: IstDay) -> IstDay {
    IstDay::new(day.get() + (TUESDAY as i32 - day.weekday() as i32).rem_euclid(7))
}

/// Expiries from `day` on, each with whether it is weekly: the next two of each sort.
#[must_use]
pub fn expiries(day: IstDay, has_weeks: bool) -> Vec<(IstDay, bool)> {
    let (mut weeks, mut months) = (0, 0);
    let mut found = Vec::new();
    // A Tuesday that was moved to the day before still counts on that day.
    let mut tuesday = tuesday_from(day);
    while months < 2 {
        let expiry = expiry_of(tuesday);
        if expiry >= day {
            let is_monthly = is_last_of_month(tuesday);
            if is_monthly || (has_weeks && weeks < 2) {
                found.push((expiry, !is_monthly));
            }
            weeks += 1;
            months += i32::from(is_monthly);
        }
        tuesday = IstDay::new(tuesday.get() + 7);
    }
    found
}

/// Expiries of the last `weeks` weeks before `day`, newest first, each with whether it is weekly.
#[must_use]
pub fn past_expiries(day: IstDay, has_weeks: bool, weeks: i32) -> Vec<(IstDay, bool)> {
    let last = day.get() - (day.weekday() as i32 - TUESDAY as i32).rem_euclid(7);
    (0..weeks)
        .map(|back| IstDay::new(last - 7 * back))
        .filter(|tuesday| has_weeks || is_last_of_month(*tuesday))
        .map(|tuesday| (expiry_of(tuesday), !is_last_of_month(tuesday)))
        .filter(|(expiry, _)| *expiry < day)
        .collect()
}

/// Whether options on this underlying have weekly expiries.
#[must_use]
pub fn has_weeks(underlying: &DayInstrument) -> bool {
    underlying.symbol == super::synthetic::BROAD_INDEX
}

/// The symbol that contracts on an underlying carry.
#[must_use]
pub fn root(underlying: &DayInstrument) -> String {
    underlying.symbol.replace(' ', "")
}

/// Rupees between strikes.
fn strike_step(rupees: f64) -> f64 {
    let steps = [1.0, 2.5, 5.0, 10.0, 20.0, 50.0, 100.0];
    let wanted = rupees * if rupees > 10_000.0 { 0.002 } else { 0.01 };
    steps.into_iter().find(|step| *step >= wanted).unwrap_or(100.0)
}

/// Units of a lot: about six lakh rupees, the indices like the exchange's.
fn lot(underlying: &DayInstrument, rupees: f64) -> i64 {
    if underlying.kind == InstrumentKind::Index {
        return if has_weeks(underlying) { 65 } else { 30 };
    }
    ((600_000.0 / rupees.max(1.0) / 25.0) as i64).max(1) * 25
}

/// A contract on `underlying`, whose close of the day before was `rupees`.
fn contract(
    underlying: &DayInstrument,
    rupees: f64,
    kind: InstrumentKind,
    expiry: IstDay,
    token: usize,
) -> DayInstrument {
    let (year, month, date) = expiry.ymd();
    let dated = format!("{date:02} {} {:02}", MONTHS[month as usize - 1], year % 100);
    let units = lot(underlying, rupees);
    DayInstrument {
        key: format!("NSE_FO|{token}"),
        symbol: format!("{} FUT {dated}", root(underlying)),
        name: if underlying.kind == InstrumentKind::Index {
            root(underlying)
        } else {
            underlying.name.clone()
        },
        kind,
        tick: Price::from_paise(5),
        lot: Qty::new(units),
        freeze: Qty::new(units * 27),
        expiry: Some(expiry),
        strike: Price::NONE,
        underlying: Some((underlying.key.clone(), root(underlying))),
    }
}

/// The options of one expiry: for each strike the call, then the put. `token_of` names the n-th contract.
#[must_use]
pub fn options(
    underlying: &DayInstrument,
    rupees: f64,
    expiry: IstDay,
    token_of: impl Fn(usize) -> usize,
) -> Vec<DayInstrument> {
    let step = strike_step(rupees);
    let middle = (rupees / step).round();
    let mut listed = Vec::new();
    for place in -STRIKES_EACH_SIDE..=STRIKES_EACH_SIDE {
        let strike = (middle + place as f64) * step;
        if strike <= 0.0 {
            continue;
        }
        for (kind, word) in [(InstrumentKind::Call, "CE"), (InstrumentKind::Put, "PE")] {
            let mut option = contract(underlying, rupees, kind, expiry, token_of(listed.len()));
            option.strike = price_of(strike);
            option.symbol = option.symbol.replacen("FUT", &format!("{strike} {word}"), 1);
            listed.push(option);
        }
    }
    listed
}

/// The future of one expiry.
#[must_use]
pub fn future(underlying: &DayInstrument, rupees: f64, expiry: IstDay, token: usize) -> DayInstrument {
    contract(underlying, rupees, InstrumentKind::Future, expiry, token)
}

/// The future on a share that stands in the master of every day; `place` makes its token.
#[must_use]
pub fn share_future(share: &DayInstrument, place: usize, day: IstDay) -> DayInstrument {
    let expiry = expiries(day, false)[0].0;
    DayInstrument {
        tick: share.tick,
        lot: share.lot,
        freeze: share.freeze,
        ..future(share, 0.0, expiry, FUTURE_TOKENS_FROM + place)
    }
}

/// All contracts of an invented day. `closes` are the closes of the day before, rupees, one an instrument.
#[must_use]
pub fn listed(day: IstDay, instruments: &[DayInstrument], closes: &[f64]) -> Vec<DayInstrument> {
    let mut all = Vec::new();
    let mut shares = 0;
    for (place, (underlying, rupees)) in instruments.iter().zip(closes).enumerate() {
        let is_share = underlying.kind == InstrumentKind::Equity;
        let months = expiries(day, false);
        if is_share {
            shares += 1;
            all.push(share_future(underlying, place, day));
            if shares > OPTION_STOCKS {
                continue;
            }
        } else {
            all.push(future(
                underlying,
                *rupees,
                months[0].0,
                FUTURE_TOKENS_FROM + place,
            ));
        }
        let second = FUTURE_TOKENS_FROM + instruments.len() + place;
        all.push(future(underlying, *rupees, months[1].0, second));
        for (expiry, _) in expiries(day, has_weeks(underlying)) {
            let from = OPTION_TOKENS_FROM + all.len();
            all.extend(options(underlying, *rupees, expiry, |number| from + number));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> IstDay {
        super::super::day_of_text(text).expect("a real date")
    }

    #[test]
    fn expiries_are_two_weeks_and_two_months_and_step_back_over_a_holiday() {
        for (on, weeks, expected) in [
            (
                "2026-07-31",
                true,
                "2026-08-04w 2026-08-11w 2026-08-25m 2026-09-29m",
            ),
            ("2026-07-31", false, "2026-08-25m 2026-09-29m"),
            // 2026-11-24 is a holiday, and the last Tuesday of its month.
            ("2026-11-20", true, "2026-11-23m 2026-12-01w 2026-12-29m"),
            ("2026-11-23", false, "2026-11-23m 2026-12-29m"),
        ] {
            let found: Vec<String> = expiries(day(on), weeks)
                .into_iter()
                .map(|(day, weekly)| format!("{day}{}", if weekly { "w" } else { "m" }))
                .collect();
            assert_eq!(found.join(" "), expected, "{on}");
        }
        let past = past_expiries(day("2026-07-31"), true, 5);
        let past: Vec<String> = past.iter().map(|(day, _)| day.to_string()).collect();
        assert_eq!(
            past,
            [
                "2026-07-28",
                "2026-07-21",
                "2026-07-14",
                "2026-07-07",
                "2026-06-30"
            ]
        );
    }

    #[test]
    fn keys_and_symbols_of_the_contracts_are_all_different() {
        let source = super::super::synthetic::SyntheticDay::new(day("2026-07-31"), 20, 1);
        let contracts = super::super::DaySource::morning(&source).contracts;
        for text in [
            |contract: &DayInstrument| contract.key.clone(),
            |contract: &DayInstrument| contract.symbol.clone(),
        ] {
            let all: std::collections::BTreeSet<String> = contracts.iter().map(text).collect();
            assert_eq!(all.len(), contracts.len());
        }
        let options = contracts
            .iter()
            .filter(|contract| contract.kind.is_option())
            .count();
        assert_eq!(options, (4 + 2 + OPTION_STOCKS * 2) * 31 * 2);
        assert_eq!(contracts.len() - options, 20 + OPTION_STOCKS + 4);
    }
}
