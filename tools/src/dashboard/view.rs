//! The picture that `top` shows, as a pure function of a [`Sight`] and of what the keys have chosen.
//!
//! Invariants: what is synthetic, simulated or on paper, and what is stale, is in the first two lines whatever
//! the size of the terminal, and the lines behind them call a person while there is a reason to; any size draws,
//! down to one cell. Keys follow btop: letters focus, `?` helps.

use bijli_core::Money;
use bijli_core::event::FeedState;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, LineGauge, Paragraph, Sparkline, Wrap};

use super::page_lines::page_lines;
use super::panels::{self, BAD, GOOD, amount, framed};
use super::readouts::Sight;
use crate::words;

/// Which panel fills the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// All panels share it.
    #[default]
    All,
    /// Signals with their parts.
    Signals,
    /// Positions.
    Positions,
    /// Orders.
    Orders,
    /// Latency by stage.
    Latency,
}

/// In which order positions stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PositionOrder {
    /// As they were opened.
    #[default]
    Opening,
    /// Worst result first.
    Result,
    /// By symbol.
    Symbol,
}

/// What the keys have chosen, and what only a viewer over time knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// Which panel fills the screen.
    pub focus: Focus,
    /// Order of the positions.
    pub positions: PositionOrder,
    /// Orders scrolled away.
    pub orders_skipped: usize,
    /// Whether the help lies over all.
    pub help: bool,
    /// Ticks that the engine applied in a second of wall time, lately.
    pub ticks_per_s: Option<f64>,
    /// Results of the day at the last looks, oldest first.
    pub results: Vec<Money>,
}

/// Columns of the small curve of results.
const CURVE_COLUMNS: u16 = 24;
/// From here on, panels stand side by side.
const TWO_COLUMNS_MIN: u16 = 140;

const BANNER: Style = Style::new()
    .fg(Color::Black)
    .bg(Color::Yellow)
    .add_modifier(Modifier::BOLD);
const KEYS: &str = " q quit  ? help  s signals  p positions  o orders  l latency  r sort  ↑↓ scroll ";
const HELP: &str = "\
q, Esc   quit (Esc first leaves help and focus)
s        signals with the parts of their scores
p        positions
o        orders; ↑ ↓ scroll
l        latency by stage
r        order of positions: opening, worst first, symbol
?        this help

Read-only: nothing here can reach the engine.
To act: bijli ctl pause | resume | exit | flatten | kill";

/// Draws the state.
pub fn draw(frame: &mut Frame<'_>, sight: &Sight, choice: &Choice) {
    let called = page_lines(&sight.readouts);
    let [banner, state, pages, money, gauge, body, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(called.len() as u16),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    draw_banner(frame, sight, banner);
    frame.render_widget(state_line(sight), state);
    frame.render_widget(Paragraph::new(called), pages);
    draw_money(frame, sight, choice, money);
    let gauge = draw_broker(frame, sight, gauge);
    draw_gauge(frame, sight, gauge);
    draw_body(frame, sight, choice, body);
    frame.render_widget(Line::styled(KEYS, Style::new().fg(Color::DarkGray)), keys);
    if choice.help {
        draw_help(frame);
    }
}

/// Draws the reason why there is no state.
pub fn draw_absence(frame: &mut Frame<'_>, run: &str, reason: &str) {
    let text = vec![
        Line::from(reason.to_owned()).fg(Color::Yellow),
        Line::from(""),
        Line::from(format!("watching {run}; q quits")),
    ];
    let block = framed("bijli top: nothing to show yet", true);
    frame.render_widget(
        Paragraph::new(text).wrap(Wrap { trim: true }).block(block),
        frame.area(),
    );
}

fn draw_banner(frame: &mut Frame<'_>, sight: &Sight, area: Rect) {
    let session = &sight.readouts.session;
    let flags = words::banner_words(session.data, session.venue);
    let line = if flags.is_empty() {
        Line::styled(" LIVE: REAL MONEY ", Style::new().fg(Color::White).bg(BAD).bold())
    } else {
        Line::styled(format!(" {} ", flags.join(" · ")), BANNER)
    };
    let mut line = line;
    line.push_span(Span::styled(
        format!("  bijli  {}  epoch {}  {}", session.day, session.epoch, sight.run),
        Style::new()
            .fg(Color::Gray)
            .bg(Color::Reset)
            .remove_modifier(Modifier::BOLD),
    ));
    frame.render_widget(line, area);
}

/// Mode, feed, clock and whether any of it can be believed.
fn state_line(sight: &Sight) -> Line<'static> {
    let readouts = &sight.readouts;
    if let Some(stale) = sight.staleness() {
        return Line::styled(format!(" {stale} "), Style::new().fg(Color::White).bg(BAD).bold());
    }
    let mode = readouts.mode_name();
    let mode_colour = match mode {
        "ACTIVE" => GOOD,
        "KILLED" | "HALTED" => BAD,
        _ => Color::Yellow,
    };
    let mut spans = vec![
        Span::styled(
            format!(" {mode} "),
            Style::new().fg(Color::Black).bg(mode_colour).bold(),
        ),
        Span::raw(" feed "),
    ];
    match &readouts.feed {
        Some(feed) => {
            let colour = if feed.state == FeedState::Live { GOOD } else { BAD };
            spans.push(Span::styled(
                words::feed_state_name(feed.state),
                Style::new().fg(colour),
            ));
        }
        None => spans.push(Span::raw("-")),
    }
    if let Some(engine) = &readouts.engine {
        spans.push(Span::raw(format!("  {} IST", words::clock_text(engine.now))));
        if engine.orders_unknown > 0 {
            spans.push(Span::styled(
                format!("  {} ORDERS UNKNOWN", engine.orders_unknown),
                Style::new().fg(BAD).bold(),
            ));
        }
        let differences = readouts
            .supervision
            .map_or(0, |supervision| supervision.differences);
        if differences > 0 {
            spans.push(Span::styled(
                format!("  {differences} DIFFERENCES WITH THE BROKER"),
                Style::new().fg(BAD).bold(),
            ));
        }
        for (latched, name) in [
            (engine.day_loss_latched, "  DAY LOSS LATCHED"),
            (engine.kill_latched, "  KILL LATCHED"),
        ] {
            if latched {
                spans.push(Span::styled(name, Style::new().fg(BAD).bold()));
            }
        }
    }
    if let Some(gateway) = &readouts.gateway {
        let (text, colour) = if gateway.stream_connected {
            ("order stream up", GOOD)
        } else {
            ("order stream DOWN", BAD)
        };
        spans.push(Span::raw("  "));
        spans.push(Span::styled(text, Style::new().fg(colour)));
    }
    if let Some(doubt) = readouts.doubts.first() {
        spans.push(Span::styled(format!("  {doubt}"), Style::new().fg(Color::Yellow)));
    }
    Line::from(spans)
}

fn draw_money(frame: &mut Frame<'_>, sight: &Sight, choice: &Choice, area: Rect) {
    let Some(engine) = &sight.readouts.engine else {
        frame.render_widget(Line::from(" the engine has not written yet"), area);
        return;
    };
    let mut net = amount(sight.readouts.net());
    net.style = net.style.add_modifier(Modifier::BOLD);
    let groups = [
        vec![Span::raw(" net "), net],
        vec![Span::raw("  open "), amount(engine.unrealised)],
        vec![Span::raw("  realised "), amount(engine.realised)],
        vec![Span::raw(format!("  charges ₹{}", words::rupees(engine.charges)))],
        vec![Span::raw(format!("  fills {}", engine.fills))],
        vec![Span::raw(format!(
            "  orders {}",
            engine.entries_sent + engine.exits_sent
        ))],
        vec![Span::raw(format!("  signals {}", engine.signals))],
        vec![Span::raw(format!("  equity ₹{}", words::rupees(engine.equity)))],
    ];
    let line = fitting(groups, area.width);
    let used = line.width() as u16 + 1;
    frame.render_widget(line, area);
    if area.width >= used + CURVE_COLUMNS {
        let picture = Rect {
            x: area.x + area.width - CURVE_COLUMNS,
            width: CURVE_COLUMNS,
            ..area
        };
        let curve = Sparkline::default()
            .data(heights(&choice.results))
            .style(Style::new().fg(Color::Cyan));
        frame.render_widget(curve, picture);
    }
}

/// As many whole groups as fit: a number that is cut reads as another number.
fn fitting<const N: usize>(groups: [Vec<Span<'static>>; N], width: u16) -> Line<'static> {
    let mut line = Line::default();
    for group in groups {
        let columns: usize = group.iter().map(Span::width).sum();
        if line.width() + columns > usize::from(width) {
            break;
        }
        line.spans.extend(group);
    }
    line
}

/// Results as heights over their lowest.
fn heights(results: &[Money]) -> Vec<u64> {
    let low = results.iter().map(|result| result.get()).min().unwrap_or(0);
    let shown = results.iter().rev().take(usize::from(CURVE_COLUMNS)).rev();
    shown.map(|result| (result.get() - low).unsigned_abs()).collect()
}

/// Token, breakers and alert at the right end of a line; gives what is left of it.
fn draw_broker(frame: &mut Frame<'_>, sight: &Sight, area: Rect) -> Rect {
    let line = broker_line(sight);
    let columns = (line.width() as u16).min(area.width);
    let [rest, place] = Layout::horizontal([Constraint::Min(0), Constraint::Length(columns)]).areas(area);
    frame.render_widget(line, place);
    rest
}

/// What stands between us and the broker: loud when it is in the way.
fn broker_line(sight: &Sight) -> Line<'static> {
    let readouts = &sight.readouts;
    let bad = Style::new().fg(BAD).bold();
    let mut spans = Vec::new();
    if let Some(gateway) = &readouts.gateway {
        for (name, state) in [("orders", gateway.write_breaker), ("reads", gateway.read_breaker)] {
            if state != 0 {
                let text = format!("  {name} breaker {}", words::breaker_name(state));
                spans.push(Span::styled(text, bad));
            }
        }
        if gateway.error_alert {
            let errors = gateway.write_errors_last_minute + gateway.read_errors_last_minute;
            spans.push(Span::styled(format!("  ALERT {errors} errors/min"), bad));
        }
    }
    if let Some(text) = readouts.token_text() {
        let style = if readouts.token_dead() {
            bad
        } else {
            Style::new().fg(Color::DarkGray)
        };
        spans.push(Span::styled(format!("  {text} "), style));
    }
    Line::from(spans)
}

fn draw_gauge(frame: &mut Frame<'_>, sight: &Sight, area: Rect) {
    let Some((used, limit)) = sight.day_loss() else {
        frame.render_widget(
            Line::from(" day loss: limit not known yet").fg(Color::DarkGray),
            area,
        );
        return;
    };
    let colour = match used {
        used if used < 0.5 => GOOD,
        used if used < 0.8 => Color::Yellow,
        _ => BAD,
    };
    let label = format!(" day loss {:>3.0} % of ₹{}", used * 100.0, words::rupees(limit));
    let gauge = LineGauge::default()
        .ratio(used.clamp(0.0, 1.0))
        .label(label)
        .filled_style(Style::new().fg(colour))
        .unfilled_style(Style::new().fg(Color::DarkGray));
    frame.render_widget(gauge, area);
}

fn draw_body(frame: &mut Frame<'_>, sight: &Sight, choice: &Choice, area: Rect) {
    match choice.focus {
        Focus::Signals => {
            let wide = panels::signals(sight, true, true);
            let panel = if area.width < wide.width_min() {
                panels::signals(sight, true, false)
            } else {
                wide
            };
            panel.draw(frame, area);
        }
        Focus::Positions => panels::positions(sight, choice.positions, true).draw(frame, area),
        Focus::Orders => panels::orders(sight, choice.orders_skipped, true).draw(frame, area),
        Focus::Latency => panels::latency(sight, true).draw(frame, area),
        Focus::All if area.width < TWO_COLUMNS_MIN => draw_stack(frame, sight, choice, area),
        Focus::All => draw_all(frame, sight, choice, area),
    }
}

/// All panels side by side.
fn draw_all(frame: &mut Frame<'_>, sight: &Sight, choice: &Choice, area: Rect) {
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(46), Constraint::Percentage(54)]).areas(area);
    let [signals, latency, counters] =
        Layout::vertical([Constraint::Min(4), Constraint::Length(8), Constraint::Length(7)]).areas(left);
    let rows = sight.readouts.positions.len().clamp(3, 12) as u16;
    let [positions, orders] =
        Layout::vertical([Constraint::Length(rows + 3), Constraint::Min(4)]).areas(right);
    panels::signals(sight, false, false).draw(frame, signals);
    panels::latency(sight, false).draw(frame, latency);
    let numbers = panels::counters(sight, choice.ticks_per_s, counters);
    frame.render_widget(numbers, counters);
    panels::positions(sight, choice.positions, false).draw(frame, positions);
    panels::orders(sight, choice.orders_skipped, false).draw(frame, orders);
}

/// What matters most, one panel above the other, for a terminal of eighty columns.
fn draw_stack(frame: &mut Frame<'_>, sight: &Sight, choice: &Choice, area: Rect) {
    let rows = sight.readouts.positions.len().clamp(1, 4) as u16;
    let latency_height = if area.height >= 28 { 8 } else { 0 };
    let [positions, signals, orders, latency] = Layout::vertical([
        Constraint::Length(rows + 3),
        Constraint::Fill(1),
        Constraint::Fill(1),
        Constraint::Length(latency_height),
    ])
    .areas(area);
    panels::positions(sight, choice.positions, false).draw(frame, positions);
    panels::signals(sight, false, false).draw(frame, signals);
    panels::orders(sight, choice.orders_skipped, false).draw(frame, orders);
    if latency_height > 0 {
        panels::latency(sight, false).draw(frame, latency);
    }
}

fn draw_help(frame: &mut Frame<'_>) {
    let area = frame.area();
    let width = area.width.min(62);
    let height = area.height.min(HELP.lines().count() as u16 + 2);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    frame.render_widget(Clear, place);
    let help = Paragraph::new(HELP)
        .alignment(Alignment::Left)
        .block(framed("help", true));
    frame.render_widget(help, place);
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
