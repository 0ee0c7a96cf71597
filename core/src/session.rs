//! The exchange's hours as a dated table, and what they mean for one trading day.
//!
//! Sources: NSE circulars NSE/CMTR/72394, 73362, 74466 and NSE/FAOP/74467 (closing auction session from
//! 2026-08-03), SEBI letter of 2026-10-15 as forwarded in NSE/CMTR/76963 (hours from 2026-12-07). Holidays
//! of 2026: the exchange's own list. A day that the table does not cover is refused, never guessed.

use crate::planted::{Bug, planted};
use crate::time::{DurationNs, IstDay, TsNs};

/// Which hours an instrument keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Market {
    /// The cash market, for stocks that underlie derivatives.
    Cash = 0,
    /// Equity derivatives.
    Derivatives = 1,
}

/// The instants of one trading day that matter to a strategy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionTimes {
    /// Continuous trading begins.
    pub open: TsNs,
    /// No new entries from here: 30 minutes before the close.
    pub entries_stop: TsNs,
    /// Positions begin to be closed: 15 minutes before the close.
    pub squareoff_begin: TsNs,
    /// Whatever is left is closed at any price inside the collar: 10 minutes before the close.
    pub squareoff_forced: TsNs,
    /// Continuous trading ends.
    pub close: TsNs,
}

/// Why a day cannot be traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedDay {
    /// The hours table does not reach this day.
    Uncovered,
    /// Saturday or Sunday without a special session.
    Weekend,
    /// A trading holiday of the exchange.
    Holiday,
}

struct Regime {
    first_day: (i32, u32, u32),
    cash_close: (i64, i64),
    derivatives_close: (i64, i64),
}

/// Each row holds from its first day until the day before the next row's.
const REGIMES: [Regime; 3] = [
    Regime {
        first_day: (2010, 10, 18),
        cash_close: (15, 30),
        derivatives_close: (15, 30),
    },
    Regime {
        first_day: (2026, 8, 3),
        cash_close: (15, 15),
        derivatives_close: (15, 40),
    },
    Regime {
        first_day: (2026, 12, 7),
        cash_close: (15, 30),
        derivatives_close: (15, 45),
    },
];
/// The last day that the table and the holiday list cover.
const LAST_COVERED: (i32, u32, u32) = (2026, 12, 31);

/// Trading holidays of 2026 that fall on weekdays (month, day).
const HOLIDAYS_2026: [(u32, u32); 16] = [
    (1, 15),
    (1, 26),
    (3, 3),
    (3, 26),
    (3, 31),
    (4, 3),
    (4, 14),
    (5, 1),
    (5, 28),
    (6, 26),
    (9, 14),
    (10, 2),
    (10, 20),
    (11, 10),
    (11, 24),
    (12, 25),
];
/// Full live sessions held on a weekend.
const SPECIAL_SESSIONS: [(i32, u32, u32); 1] = [(2026, 2, 1)];

impl SessionTimes {
    /// The hours of `market` on `day`.
    ///
    /// # Errors
    /// [`ClosedDay`] when the table does not cover the day or the exchange is shut. Before 2026 only
    /// weekends are known to be shut: recorded days of those years prove themselves.
    pub fn of(day: IstDay, market: Market) -> Result<Self, ClosedDay> {
        let covered = |ymd: (i32, u32, u32)| IstDay::from_ymd(ymd.0, ymd.1, ymd.2);
        if Some(day) > covered(LAST_COVERED) {
            return Err(ClosedDay::Uncovered);
        }
        let regime = REGIMES
            .iter()
            .rev()
            .find(|regime| covered(regime.first_day) <= Some(day))
            .ok_or(ClosedDay::Uncovered)?;
        let (year, month, date) = day.ymd();
        if day.weekday() >= 5 && !SPECIAL_SESSIONS.contains(&(year, month, date)) {
            return Err(ClosedDay::Weekend);
        }
        if year == 2026 && HOLIDAYS_2026.contains(&(month, date)) {
            return Err(ClosedDay::Holiday);
        }
        let (hour, minute) = match market {
            Market::Cash => regime.cash_close,
            Market::Derivatives => regime.derivatives_close,
        };
        let close = DurationNs::from_hm(hour, minute);
        let before_close = |minutes| day.at(close.minus(DurationNs::from_hm(0, minutes)));
        Ok(Self {
            open: day.at(DurationNs::from_hm(9, 15)),
            entries_stop: before_close(30),
            squareoff_begin: before_close(15),
            squareoff_forced: before_close(10),
            close: day.at(close),
        })
    }

    /// Whether continuous trading is on at `now`.
    #[must_use]
    pub fn is_open(&self, now: TsNs) -> bool {
        self.open <= now && now < self.close
    }

    /// Whether new entries are allowed at `now`.
    #[must_use]
    pub fn allows_entries(&self, now: TsNs) -> bool {
        let stop = if planted(Bug::EntriesToTheClose) {
            self.close
        } else {
            self.entries_stop
        };
        self.open <= now && now < stop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close_of(ymd: (i32, u32, u32), market: Market) -> Result<String, ClosedDay> {
        let day = IstDay::from_ymd(ymd.0, ymd.1, ymd.2).expect("a real date");
        SessionTimes::of(day, market).map(|times| times.close.to_string()[11..16].to_owned())
    }

    #[test]
    fn the_close_follows_the_dated_table() {
        for (ymd, cash, derivatives) in [
            ((2016, 8, 16), "15:30", "15:30"),
            ((2026, 7, 31), "15:30", "15:30"),
            ((2026, 8, 3), "15:15", "15:40"),
            ((2026, 11, 20), "15:15", "15:40"),
            ((2026, 12, 7), "15:30", "15:45"),
        ] {
            assert_eq!(close_of(ymd, Market::Cash).as_deref(), Ok(cash));
            assert_eq!(close_of(ymd, Market::Derivatives).as_deref(), Ok(derivatives));
        }
    }

    #[test]
    fn a_day_that_is_shut_or_unknown_is_refused() {
        assert_eq!(close_of((2027, 1, 4), Market::Cash), Err(ClosedDay::Uncovered));
        assert_eq!(close_of((2009, 1, 5), Market::Cash), Err(ClosedDay::Uncovered));
        assert_eq!(close_of((2026, 11, 21), Market::Cash), Err(ClosedDay::Weekend));
        assert_eq!(close_of((2026, 11, 24), Market::Cash), Err(ClosedDay::Holiday));
        assert!(close_of((2026, 2, 1), Market::Cash).is_ok());
    }

    #[test]
    fn square_off_comes_before_the_close() {
        let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
        let times = SessionTimes::of(day, Market::Cash).expect("a trading day");
        assert_eq!(times.entries_stop.to_string(), "2026-07-31 15:00:00");
        assert_eq!(times.squareoff_begin.to_string(), "2026-07-31 15:15:00");
        assert_eq!(times.squareoff_forced.to_string(), "2026-07-31 15:20:00");
    }
}
