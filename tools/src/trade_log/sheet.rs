//! What a table is: named columns with units, each with the one function that gives its cell.
//!
//! A row is an index into the [`DayLog`]; so there is one list of columns, and SQL, Parquet, CSV and the manual
//! are made from it. The first column of every table is `session_id`, added here.

use bijli_core::{Money, Price, Qty, TsNs};

use super::day_log::DayLog;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing is known, or it does not apply.
    Null,
    /// A whole number.
    Int(i64),
    /// A ratio.
    Real(f64),
    /// Text.
    Text(String),
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A count, an id, or a quantity whose unit stands in the name.
    Int,
    /// Money or a price in 1/10 000 rupee; the name ends in `_e4`.
    Money,
    /// An instant, nanoseconds since 1970 UTC by the engine's clock; the name ends in `_ns`.
    Stamp,
    /// 0 or 1.
    Flag,
    /// A ratio.
    Real,
    /// Text.
    Text,
}

/// One column.
#[derive(Debug)]
pub struct Column {
    /// Name with its unit.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// What it means, for the manual.
    pub about: &'static str,
    /// The value of a row.
    pub cell: fn(&DayLog, usize) -> Cell,
}

/// A reference from columns of one table to the key of another, `session_id` understood.
#[derive(Debug)]
pub struct Link {
    /// The column that refers.
    pub column: &'static str,
    /// The table referred to.
    pub table: &'static str,
    /// Its column.
    pub to: &'static str,
}

/// One table.
#[derive(Debug)]
pub struct Table {
    /// Name.
    pub name: &'static str,
    /// What a row is, for the manual.
    pub about: &'static str,
    /// The column that, with `session_id`, names a row; `None` where a session has one row.
    pub key: Option<&'static str>,
    /// References.
    pub links: &'static [Link],
    /// Columns that questions often select by.
    pub indexes: &'static [&'static str],
    /// Columns after `session_id`.
    pub columns: &'static [Column],
    /// How many rows a day has.
    pub count: fn(&DayLog) -> usize,
}

impl Table {
    /// The rows of a day; `session_id` comes first in each.
    pub fn rows<'a>(&'static self, log: &'a DayLog) -> impl Iterator<Item = Vec<Cell>> + 'a {
        (0..(self.count)(log)).map(move |row| {
            let session = Cell::Int(log.session.id);
            std::iter::once(session)
                .chain(self.columns.iter().map(|column| (column.cell)(log, row)))
                .collect()
        })
    }

    /// Names and kinds of all columns, `session_id` first.
    pub fn heads(&'static self) -> impl Iterator<Item = (&'static str, Kind)> {
        std::iter::once(("session_id", Kind::Int))
            .chain(self.columns.iter().map(|column| (column.name, column.kind)))
    }
}

type Of = fn(&DayLog, usize) -> Cell;

const fn column(name: &'static str, kind: Kind, about: &'static str, cell: Of) -> Column {
    Column {
        name,
        kind,
        about,
        cell,
    }
}

/// A column of whole numbers.
pub(super) const fn int(name: &'static str, about: &'static str, cell: Of) -> Column {
    column(name, Kind::Int, about, cell)
}

/// A column of money or prices.
pub(super) const fn money(name: &'static str, about: &'static str, cell: Of) -> Column {
    column(name, Kind::Money, about, cell)
}

/// A column of instants.
pub(super) const fn stamp(name: &'static str, about: &'static str, cell: Of) -> Column {
    column(name, Kind::Stamp, about, cell)
}

/// A column of yes and no.
pub(super) const fn flag(name: &'static str, about: &'static str, cell: Of) -> Column {
    column(name, Kind::Flag, about, cell)
}

/// A column of ratios.
pub(super) const fn real(name: &'static str, about: &'static str, cell: Of) -> Column {
    column(name, Kind::Real, about, cell)
}

/// A column of text.
pub(super) const fn text(name: &'static str, about: &'static str, cell: Of) -> Column {
    column(name, Kind::Text, about, cell)
}

impl Cell {
    /// Text; nothing where it is empty.
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        match text.as_ref() {
            "" => Self::Null,
            text => Self::Text(text.to_owned()),
        }
    }

    /// A count. Saturates.
    pub(super) fn count(count: impl TryInto<i64>) -> Self {
        Self::Int(count.try_into().unwrap_or(i64::MAX))
    }

    /// What an option holds, or nothing.
    pub(super) fn of<T>(value: Option<T>) -> Self
    where
        Self: From<T>,
    {
        value.map_or(Self::Null, Self::from)
    }

    /// From one instant to a later one, nanoseconds; nothing unless both are known.
    pub(super) fn span(from: TsNs, to: TsNs) -> Self {
        if from.is_set() && to.is_set() {
            Self::Int(to.since(from).get())
        } else {
            Self::Null
        }
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Cell {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::text(value)
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::text(value)
    }
}

impl From<Money> for Cell {
    fn from(value: Money) -> Self {
        Self::Int(value.get())
    }
}

impl From<Qty> for Cell {
    fn from(value: Qty) -> Self {
        Self::Int(value.get())
    }
}

/// No price is nothing, not zero.
impl From<Price> for Cell {
    fn from(value: Price) -> Self {
        if value.is_set() {
            Self::Int(value.get())
        } else {
            Self::Null
        }
    }
}

/// Never is nothing.
impl From<TsNs> for Cell {
    fn from(value: TsNs) -> Self {
        if value.is_set() {
            Self::Int(value.get())
        } else {
            Self::Null
        }
    }
}
