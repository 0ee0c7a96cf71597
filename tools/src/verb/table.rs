//! Tables on a terminal: columns side by side, text to the left, numbers to the right.
//!
//! Invariants: a number is never shortened; where the screen is too narrow the widest column of text gives way first,
//! and what still does not fit is left to the terminal to wrap. A cell is one line without control characters, since
//! it may hold a stranger's words. Left out: colours.

use std::io::{IsTerminal, stdout};

use bijli_core::{Money, Price, Qty};

use crate::words;

/// What stands for nothing.
const NOTHING: &str = "-";
/// Narrowest a column of text becomes.
const TEXT_WIDTH_MIN: usize = 8;
const GAP: &str = "  ";

/// On which side a column's cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text; may be shortened.
    Left,
    /// Numbers.
    Right,
}

/// A table of `N` columns.
#[derive(Clone, Debug)]
pub struct Table<const N: usize> {
    columns: [(&'static str, Align); N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table without rows.
    #[must_use]
    pub const fn new(columns: [(&'static str, Align); N]) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| one_line(&cell)));
    }

    /// The table as it fits this process's screen; uncut where nobody looks.
    #[must_use]
    pub fn for_screen(&self) -> String {
        self.text(screen_width())
    }

    /// The table with a head, a line for each row, and no more than `width` characters a line where that is possible.
    #[must_use]
    pub fn text(&self, width: Option<usize>) -> String {
        let widths = self.widths(width);
        let head = self.columns.map(|(name, _)| name.to_owned());
        let mut text = String::new();
        for cells in [&head].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(self.columns) {
                let cell = shortened(cell, width);
                match align {
                    Align::Left => line.push_str(&format!("{cell:<width$}{GAP}")),
                    Align::Right => line.push_str(&format!("{cell:>width$}{GAP}")),
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn widths(&self, limit: Option<usize>) -> [usize; N] {
        let mut widths = self.columns.map(|(name, _)| name.chars().count());
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let gaps = GAP.len() * N.saturating_sub(1);
        let Some(limit) = limit else {
            return widths;
        };
        while widths.iter().sum::<usize>() + gaps > limit {
            let texts = widths.iter_mut().zip(self.columns);
            let widest = texts
                .filter(|(width, (_, align))| *align == Align::Left && **width > TEXT_WIDTH_MIN)
                .max_by_key(|(width, _)| **width);
            match widest {
                Some((width, _)) => *width -= 1,
                None => break,
            }
        }
        widths
    }
}

/// Columns of this process's screen; `None` where standard output is none.
fn screen_width() -> Option<usize> {
    let out = stdout();
    if !out.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(out).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Text without control characters, so that nothing in it moves a cursor.
#[must_use]
pub fn one_line(text: &str) -> String {
    let shown = |sign: char| if sign.is_control() { ' ' } else { sign };
    text.trim().chars().map(shown).collect()
}

fn shortened(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.to_owned();
    }
    let mut short: String = cell.chars().take(width.saturating_sub(1)).collect();
    short.push('\u{2026}');
    short
}

/// An amount in rupees.
#[must_use]
pub fn money(amount: Option<Money>) -> String {
    amount.map_or_else(|| NOTHING.to_owned(), words::rupees)
}

/// An amount in rupees with its sign.
#[must_use]
pub fn signed(amount: Option<Money>) -> String {
    amount.map_or_else(|| NOTHING.to_owned(), words::signed_rupees)
}

/// A price; zero is none.
#[must_use]
pub fn price(price: Option<Price>) -> String {
    let price = price.filter(|price| price.get() != 0);
    price.map_or_else(|| NOTHING.to_owned(), words::price_text)
}

/// A quantity.
#[must_use]
pub fn qty(qty: Option<Qty>) -> String {
    or_nothing(qty.map(Qty::get))
}

/// Anything that may be absent.
#[must_use]
pub fn or_nothing(value: Option<impl std::fmt::Display>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |value| value.to_string())
}

/// All amounts together; `None` if one of them is absent or the sum is beyond all bounds.
#[must_use]
pub fn sum(amounts: impl IntoIterator<Item = Option<Money>>) -> Option<Money> {
    let mut amounts = amounts.into_iter();
    amounts.try_fold(Money::ZERO, |sum, amount| sum.plus(amount?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<3> {
        let mut table = Table::new([
            ("symbol", Align::Left),
            ("qty", Align::Right),
            ("words", Align::Left),
        ]);
        table.row([
            "A".to_owned(),
            "10".to_owned(),
            "a long tale\u{1b}[2J of why".to_owned(),
        ]);
        table.row(["RELIANCE".to_owned(), "-1500".to_owned(), String::new()]);
        table
    }

    #[test]
    fn text_stands_left_numbers_right_and_nothing_moves_the_cursor() {
        let expected = "symbol      qty  words\n\
                        A            10  a long tale [2J of why\n\
                        RELIANCE  -1500\n";
        assert_eq!(table().text(None), expected);
        assert_eq!(table().text(Some(80)), expected);
    }

    #[test]
    fn a_narrow_screen_shortens_the_widest_text_and_no_number() {
        let expected = "symbol      qty  words\n\
                        A            10  a long tal\u{2026}\n\
                        RELIANCE  -1500\n";
        assert_eq!(table().text(Some(28)), expected);
        let narrowest = table().text(Some(5));
        assert!(
            narrowest.contains("-1500") && narrowest.contains("a long \u{2026}"),
            "{narrowest}"
        );
    }

    #[test]
    fn a_sum_with_a_gap_is_no_sum() {
        let rupees = |rupees| Some(Money::from_rupees(rupees));
        assert_eq!(sum([rupees(1), rupees(-3)]), rupees(-2));
        assert_eq!(sum([rupees(1), None]), None);
        assert_eq!(sum([]), Some(Money::ZERO));
    }
}
