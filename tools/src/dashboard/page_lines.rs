//! The lines of `top` that call a person: one a page, over the whole width, above everything but what is not real.
//!
//! Invariants: nothing is drawn while nothing was raised; while anything was, at least its code is seen at any width,
//! and a page that has no line of its own is counted in the last one.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

use super::readouts::Readouts;
use crate::words;

/// Most lines that pages take from the panels.
const LINES_MAX: usize = 4;

const LOUD: Style = Style::new()
    .fg(Color::White)
    .bg(Color::Red)
    .add_modifier(Modifier::BOLD);

/// The newest pages first, one line each.
#[must_use]
pub fn page_lines(readouts: &Readouts) -> Vec<Line<'static>> {
    let mut pages = readouts.pages.clone();
    pages.sort_by_key(|page| std::cmp::Reverse(page.last));
    let shown = if pages.len() > LINES_MAX {
        LINES_MAX - 1
    } else {
        pages.len()
    };
    let mut lines: Vec<Line<'static>> = pages
        .iter()
        .take(shown)
        .map(|page| Line::styled(format!(" PAGE {} ", words::page_text(page)), LOUD))
        .collect();
    if pages.len() > shown {
        let codes = pages[shown..].iter().map(|page| words::page_names(page.reason).0);
        let codes: Vec<&str> = codes.collect();
        let text = format!(" PAGE and {} more: {} ", codes.len(), codes.join(", "));
        lines.push(Line::styled(text, LOUD));
    }
    lines
}
