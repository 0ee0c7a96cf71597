//! Profit and loss of past days, as the back office books it: how many rows, the rows, the charges.
//!
//! Invariants: days are asked day first (`01-09-2026`) and lie in the financial year; a report covers one ledger and
//! one year. Source: the broker's trade profit and loss documentation.

use bijli_core::{IstDay, Money, Price, Qty};

use super::answer::{Paged, data, paged, record};
use super::call::{Call, PathWriter};
use super::charges_api::{Fees, Taxes};
use super::stamp::day_first;
use super::vocabulary::Ledger;
use crate::evidence::ReadError;
use crate::request::Reply;

/// A financial year: April to March.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FinancialYear(i32);

impl FinancialYear {
    /// The year that a day lies in.
    #[must_use]
    pub const fn of(day: IstDay) -> Self {
        let (year, month, _) = day.ymd();
        Self(if month < 4 { year - 1 } else { year })
    }
}

/// As the broker writes it: `2627` for April 2026 to March 2027.
impl std::fmt::Display for FinancialYear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:02}{:02}",
            self.0.rem_euclid(100),
            (self.0 + 1).rem_euclid(100)
        )
    }
}

/// What a report covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which ledger.
    pub ledger: Ledger,
    /// Which year.
    pub year: FinancialYear,
    /// From this day on; none means all of the year.
    pub first: Option<IstDay>,
    /// Up to this day; none means all of the year.
    pub last: Option<IstDay>,
}

impl Report {
    fn path(&self, end: &str) -> PathWriter {
        PathWriter::new("/v2/trade/profit-loss")
            .segment(end)
            .maybe("from_date", self.first.map(day_first))
            .maybe("to_date", self.last.map(day_first))
            .param("segment", &self.ledger)
            .param("financial_year", self.year)
    }
}

/// How many rows a report has.
#[must_use]
pub fn metadata(report: &Report) -> Call {
    Call::get(report.path("metadata").end())
}

/// Which page of a report is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageQuery {
    /// From 1.
    pub page_number: u32,
    /// At most the limit of [`Size`].
    pub page_size: u32,
}

/// One page of a report.
#[must_use]
pub fn rows(report: &Report, page: PageQuery) -> Call {
    let path = report
        .path("data")
        .param("page_number", page.page_number)
        .param("page_size", page.page_size);
    Call::get(path.end())
}

/// The charges of a report.
#[must_use]
pub fn charges(report: &Report) -> Call {
    Call::get(report.path("charges").end())
}

record! {
    /// How many rows a report has.
    pub struct Size {
        /// Rows.
        pub trades_count: i64,
        /// Most rows of a page.
        pub page_size_limit: Option<i64>,
    }
}

record! {
    /// One closed trade.
    pub struct ClosedTrade {
        /// Units.
        pub quantity: Qty,
        /// Name of the share or contract.
        pub scrip_name: Option<String>,
        /// Securities number of a share.
        pub isin: Option<String>,
        /// The sort of trade, e.g. OPT, FUT, EQ.
        pub trade_type: Option<String>,
        /// Day bought.
        pub buy_date: Option<IstDay>,
        /// Average price bought at.
        pub buy_average: Option<Price>,
        /// Value bought.
        pub buy_amount: Option<Money>,
        /// Day sold.
        pub sell_date: Option<IstDay>,
        /// Average price sold at.
        pub sell_average: Option<Price>,
        /// Value sold.
        pub sell_amount: Option<Money>,
    }
}

record! {
    /// The charges of a report.
    pub struct ReportCharges {
        /// All of it.
        pub total: Money,
        /// The broker's.
        pub brokerage: Option<Money>,
        /// The state's.
        pub taxes: Option<Taxes>,
        /// Everyone else's.
        pub charges: Option<Fees>,
    }
}

record! {
    /// The charges of a report, as the broker wraps them.
    pub struct ChargesBreakdown {
        /// The charges.
        pub charges_breakdown: ReportCharges,
    }
}

/// How many rows a report has.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn size_of(reply: &Reply) -> Result<Size, ReadError> {
    data(reply)
}

/// One page of a report.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn rows_of(reply: &Reply) -> Result<Paged<ClosedTrade>, ReadError> {
    paged(reply)
}

/// The charges of a report.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn charges_of(reply: &Reply) -> Result<ReportCharges, ReadError> {
    data::<ChargesBreakdown>(reply).map(|breakdown| breakdown.charges_breakdown)
}
