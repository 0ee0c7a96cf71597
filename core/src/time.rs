//! Time as the engine knows it: UTC nanoseconds, lengths of time, and the Indian trading day.
//!
//! No clock is read here; a stamp always arrives as data. India has one zone, UTC+05:30, without
//! daylight saving, so the civil day is plain arithmetic.

use std::fmt;

/// Nanoseconds in one second.
pub const NS_PER_S: i64 = 1_000_000_000;
/// India Standard Time is five and a half hours ahead of UTC.
const IST_OFFSET_NS: i64 = (5 * 3600 + 30 * 60) * NS_PER_S;
const NS_PER_DAY: i64 = 86_400 * NS_PER_S;

/// An instant: nanoseconds since 1970-01-01T00:00:00 UTC. Zero means "never".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TsNs(i64);

/// A length of time in nanoseconds; may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DurationNs(i64);

/// A civil day in India, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IstDay(i32);

impl TsNs {
    /// The instant that stands for "never".
    pub const NEVER: Self = Self(0);

    /// Wraps a count of nanoseconds since the epoch (UTC).
    #[must_use]
    pub const fn new(ns: i64) -> Self {
        Self(ns)
    }

    /// From a count of milliseconds since the epoch, as brokers send it. Saturates at the ends of the range.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }

    /// The raw count of nanoseconds.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether a stamp was ever taken.
    #[must_use]
    pub const fn is_set(self) -> bool {
        self.0 != 0
    }

    /// This instant moved by a length of time; saturates at the ends of the range.
    #[must_use]
    pub const fn plus(self, length: DurationNs) -> Self {
        Self(self.0.saturating_add(length.0))
    }

    /// The time that has passed since `earlier`; negative when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> DurationNs {
        DurationNs(self.0.saturating_sub(earlier.0))
    }

    /// The Indian civil day of this instant.
    #[must_use]
    pub const fn ist_day(self) -> IstDay {
        IstDay((self.0.saturating_add(IST_OFFSET_NS)).div_euclid(NS_PER_DAY) as i32)
    }

    /// Time since midnight in India, 0 to 24 hours.
    #[must_use]
    pub const fn ist_time_of_day(self) -> DurationNs {
        DurationNs((self.0.saturating_add(IST_OFFSET_NS)).rem_euclid(NS_PER_DAY))
    }
}

impl DurationNs {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Wraps a count of nanoseconds.
    #[must_use]
    pub const fn new(ns: i64) -> Self {
        Self(ns)
    }

    /// From whole milliseconds.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }

    /// From whole seconds.
    #[must_use]
    pub const fn from_secs(s: i64) -> Self {
        Self(s.saturating_mul(NS_PER_S))
    }

    /// From hours and minutes, as a time of day is written.
    #[must_use]
    pub const fn from_hm(hours: i64, minutes: i64) -> Self {
        Self::from_secs(hours * 3600 + minutes * 60)
    }

    /// The raw count of nanoseconds.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum of two lengths; saturates.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// This length less another; saturates.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl IstDay {
    /// Wraps a count of days since 1970-01-01.
    #[must_use]
    pub const fn new(days: i32) -> Self {
        Self(days)
    }

    /// The count of days since 1970-01-01.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }

    /// The day of a proleptic Gregorian date, or `None` where no such date exists.
    #[must_use]
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
            return None;
        }
        // Days from civil date: years start in March so that the leap day is the last of its year.
        let (month, day) = (month as i32, day as i32);
        let shifted = if month <= 2 { year - 1 } else { year };
        let era = shifted.div_euclid(400);
        let year_of_era = shifted.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Some(Self(era * 146_097 + day_of_era - 719_468))
    }

    /// Year, month (1 to 12) and day (1 to 31).
    #[must_use]
    pub const fn ymd(self) -> (i32, u32, u32) {
        let shifted = self.0 + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year, month as u32, day as u32)
    }

    /// Day of the week, Monday = 0 to Sunday = 6.
    #[must_use]
    pub const fn weekday(self) -> u32 {
        (self.0 + 3).rem_euclid(7) as u32
    }

    /// The instant at a time of day on this day in India.
    #[must_use]
    pub const fn at(self, time_of_day: DurationNs) -> TsNs {
        TsNs(self.0 as i64 * NS_PER_DAY - IST_OFFSET_NS + time_of_day.0)
    }
}

const fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for IstDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// Prints as the broker does: `YYYY-MM-DD HH:MM:SS` in India, without a zone.
impl fmt::Display for TsNs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = self.ist_time_of_day().0 / NS_PER_S;
        write!(
            f,
            "{} {:02}:{:02}:{:02}",
            self.ist_day(),
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_survives_the_way_there_and_back_for_two_centuries() {
        for days in -36_500..36_500 {
            let (year, month, day) = IstDay(days).ymd();
            assert_eq!(IstDay::from_ymd(year, month, day), Some(IstDay(days)));
        }
    }

    #[test]
    fn a_date_that_does_not_exist_is_refused() {
        for (year, month, day) in [
            (2026, 2, 29),
            (2026, 13, 1),
            (2026, 0, 1),
            (2026, 4, 31),
            (2026, 1, 0),
        ] {
            assert_eq!(IstDay::from_ymd(year, month, day), None);
        }
        assert!(IstDay::from_ymd(2024, 2, 29).is_some());
    }

    #[test]
    fn an_instant_reads_as_indian_time() {
        let day = IstDay::from_ymd(2026, 11, 20).expect("a real date");
        let open = day.at(DurationNs::from_hm(9, 15));
        assert_eq!(open.to_string(), "2026-11-20 09:15:00");
        assert_eq!(open.ist_day(), day);
        assert_eq!(day.weekday(), 4);
    }
}
