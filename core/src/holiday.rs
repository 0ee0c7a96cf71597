//! The holidays of 2026 by market, with the exchange's words for them.
//!
//! Source: the exchange's own holiday master of 2026 (segments CM, FO, CD and COM). Weekend holidays are listed
//! as the exchange lists them. Invariant, tested: what closes the equity markets on a weekday is exactly what
//! [`crate::session`] refuses. Left out: hours of evening sessions and of special sessions such as Muhurat.

use crate::time::IstDay;

/// What a holiday does to the commodity market, which has a morning and an evening session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommodityDay {
    /// Both sessions are held.
    Open,
    /// Only the morning session is held.
    MorningOnly,
    /// Only the evening session is held.
    EveningOnly,
    /// No session is held.
    Shut,
}

/// A day on which some market is shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holiday {
    month: u32,
    date: u32,
    /// Why, in the exchange's words.
    pub description: &'static str,
    /// Whether shares and their derivatives are shut.
    pub shuts_equity: bool,
    /// Whether currency derivatives are shut.
    pub shuts_currency: bool,
    /// What is left of the commodity market.
    pub commodity: CommodityDay,
}

const YEAR: i32 = 2026;

impl Holiday {
    /// The day.
    #[must_use]
    pub fn day(&self) -> IstDay {
        IstDay::from_ymd(YEAR, self.month, self.date).expect("the table holds dates of the calendar, tested")
    }

    /// The holidays of a year in order; empty for a year that the table does not cover.
    #[must_use]
    pub const fn of_year(year: i32) -> &'static [Self] {
        if year == YEAR { &HOLIDAYS_2026 } else { &[] }
    }

    /// The holiday on a day.
    #[must_use]
    pub fn on(day: IstDay) -> Option<&'static Self> {
        Self::of_year(day.ymd().0)
            .iter()
            .find(|holiday| holiday.day() == day)
    }
}

const fn all(month: u32, date: u32, description: &'static str, commodity: CommodityDay) -> Holiday {
    Holiday {
        month,
        date,
        description,
        shuts_equity: true,
        shuts_currency: true,
        commodity,
    }
}

const fn currency(month: u32, date: u32, description: &'static str) -> Holiday {
    Holiday {
        shuts_equity: false,
        ..all(month, date, description, CommodityDay::Open)
    }
}

use CommodityDay::{EveningOnly, Shut};

const HOLIDAYS_2026: [Holiday; 25] = [
    Holiday {
        shuts_equity: false,
        shuts_currency: false,
        ..all(1, 1, "New year", CommodityDay::MorningOnly)
    },
    all(1, 15, "Municipal Corporation Election - Maharashtra", EveningOnly),
    all(1, 26, "Republic Day", Shut),
    all(2, 15, "Mahashivratri", Shut),
    currency(2, 19, "Chatrapati Shivaji Maharaj Jayanti"),
    all(3, 3, "Holi", EveningOnly),
    currency(3, 19, "Gudi Padwa"),
    all(3, 21, "Id-Ul-Fitr (Ramadan Eid)", Shut),
    all(3, 26, "Shri Ram Navami", EveningOnly),
    all(3, 31, "Shri Mahavir Jayanti", EveningOnly),
    currency(4, 1, "Annual Bank Closing"),
    all(4, 3, "Good Friday", Shut),
    all(4, 14, "Dr. Baba Saheb Ambedkar Jayanti", EveningOnly),
    all(5, 1, "Maharashtra Day", EveningOnly),
    all(5, 28, "Bakri Id", EveningOnly),
    all(6, 26, "Muharram", EveningOnly),
    all(8, 15, "Independence Day", Shut),
    currency(8, 26, "Id-E-Milad"),
    all(9, 14, "Ganesh Chaturthi", EveningOnly),
    all(10, 2, "Mahatma Gandhi Jayanti", Shut),
    all(10, 20, "Dussehra", EveningOnly),
    all(11, 8, "Diwali Laxmi Pujan", Shut),
    all(11, 10, "Diwali-Balipratipada", EveningOnly),
    all(11, 24, "Prakash Gurpurb Sri Guru Nanak Dev", EveningOnly),
    all(12, 25, "Christmas", Shut),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{ClosedDay, Market, SessionTimes};

    #[test]
    fn the_table_is_in_order_and_agrees_with_the_session_table_on_every_day_of_the_year() {
        let days: Vec<IstDay> = Holiday::of_year(YEAR).iter().map(Holiday::day).collect();
        assert!(days.is_sorted_by(|a, b| a < b), "{days:?}");
        let first = IstDay::from_ymd(YEAR, 1, 1).expect("a real date").get();
        for number in first..first + 365 {
            let day = IstDay::new(number);
            let shut = Holiday::on(day).is_some_and(|holiday| holiday.shuts_equity) && day.weekday() < 5;
            let session = SessionTimes::of(day, Market::Cash);
            assert_eq!(session == Err(ClosedDay::Holiday), shut, "{day}");
        }
        assert!(Holiday::of_year(2025).is_empty());
    }
}
