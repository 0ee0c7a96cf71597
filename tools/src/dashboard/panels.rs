//! The panels of the terminal dashboard: signals, positions, orders, latency and counters as tables.
//!
//! Each is a pure function from a [`Sight`] to a widget; nothing here draws, sorts in place or keeps state.

use bijli_core::Money;
use bijli_core::denial::{DENIALS, Denial};
use bijli_core::order::{IntentId, OrderState, Side};
use bijli_core::readout::{OrderReadout, PositionReadout, SignalReadout};
use bijli_core::strategy::SCORE_PARTS;
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Cell, Paragraph, Row, Table};

use super::readouts::Sight;
use super::view::PositionOrder;
use crate::latency_report::duration_text;
use crate::words;

/// Colour of gains and of what is well.
pub(crate) const GOOD: Color = Color::Green;
/// Colour of losses and of what is not.
pub(crate) const BAD: Color = Color::Red;
const DIM: Style = Style::new().fg(Color::DarkGray);

/// A table in a frame, and how wide it must be.
#[derive(Debug)]
pub struct Panel {
    title: &'static str,
    focused: bool,
    titles: Vec<&'static str>,
    widths: Vec<Constraint>,
    rows: Vec<Row<'static>>,
}

impl Panel {
    /// Columns of the terminal that the panel needs, its frame included.
    #[must_use]
    pub fn width_min(&self) -> u16 {
        let cells: u16 = self
            .widths
            .iter()
            .map(|width| match width {
                Constraint::Length(columns) | Constraint::Min(columns) => *columns,
                _ => 0,
            })
            .sum();
        cells + self.widths.len() as u16 + 1
    }

    /// Draws the panel. A number that is cut reads as another number, so a place that is too narrow gets a
    /// sentence instead.
    pub fn draw(self, frame: &mut Frame<'_>, area: Rect) {
        let block = framed(self.title, self.focused);
        if area.width < self.width_min() {
            let text = format!("needs {} columns", self.width_min());
            frame.render_widget(Paragraph::new(text).style(DIM).block(block), area);
            return;
        }
        let table = Table::new(self.rows, self.widths)
            .header(header(&self.titles))
            .block(block);
        frame.render_widget(table, area);
    }
}

/// A frame with a title; the focused panel's is bright.
pub(crate) fn framed(title: &str, focused: bool) -> Block<'_> {
    let style = if focused {
        Style::new().fg(Color::Cyan)
    } else {
        DIM
    };
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(style)
        .title(Span::styled(
            format!(" {title} "),
            Style::new().add_modifier(Modifier::BOLD),
        ))
}

/// An amount with its sign, coloured by it.
pub(crate) fn amount(money: Money) -> Span<'static> {
    let colour = match money.get() {
        i64::MIN..=-1 => BAD,
        0 => Color::Reset,
        1.. => GOOD,
    };
    Span::styled(words::signed_rupees(money), Style::new().fg(colour))
}

fn right(text: impl Into<String>) -> Cell<'static> {
    Cell::from(Line::from(text.into()).right_aligned())
}

fn side_cell(side: Side) -> Cell<'static> {
    let colour = match side {
        Side::Buy => GOOD,
        Side::Sell => BAD,
    };
    Cell::from(words::side_name(side)).fg(colour)
}

fn header(titles: &[&'static str]) -> Row<'static> {
    Row::new(titles.iter().map(|title| match title.strip_prefix('>') {
        Some(title) => right(title),
        None => Cell::from(*title),
    }))
    .style(DIM.add_modifier(Modifier::BOLD))
}

/// Widths of columns; the first one, a name, takes what is left.
fn columns<const N: usize>(widths: [u16; N]) -> Vec<Constraint> {
    let mut columns = widths.map(Constraint::Length).to_vec();
    columns[0] = Constraint::Min(widths[0]);
    columns
}

/// The last signals: taken ones bright, denied ones with their reason.
#[must_use]
pub fn signals(sight: &Sight, focused: bool, wide: bool) -> Panel {
    let rows = sight
        .readouts
        .signals
        .iter()
        .map(|signal| signal_row(signal, wide));
    let mut titles = vec!["symbol", "time", "side", ">score", ">price", "verdict"];
    let mut widths = columns([10, 8, 4, 5, 9, 19]);
    if wide {
        titles.extend(SCORE_PARTS.map(|part| match part {
            "price" => ">Δprice",
            "volume" => ">volume",
            "momentum" => ">moment",
            "trend" => ">trend",
            "macd" => ">macd",
            _ => ">rsi",
        }));
        widths.extend([Constraint::Length(7); SCORE_PARTS.len()]);
    }
    Panel {
        title: "signals",
        focused,
        titles,
        widths,
        rows: rows.collect(),
    }
}

fn signal_row(signal: &SignalReadout, wide: bool) -> Row<'static> {
    let denial = Denial::from_number(signal.verdict);
    let verdict = match denial {
        None => Cell::from("taken").fg(GOOD),
        Some(denial) => Cell::from(denial.code()),
    };
    let mut cells = vec![
        Cell::from(signal.symbol.to_string()),
        Cell::from(words::second_text(signal.ts)),
        side_cell(signal.side),
        right(words::ppm_text(signal.score_ppm)),
        right(signal.price.to_string()),
        verdict,
    ];
    if wide {
        cells.extend(signal.parts_ppm.map(|part| right(words::ppm_text(part))));
    }
    let row = Row::new(cells);
    if denial.is_some() { row.style(DIM) } else { row }
}

/// Open positions in the order asked for.
#[must_use]
pub fn positions(sight: &Sight, order: PositionOrder, focused: bool) -> Panel {
    let mut positions: Vec<&PositionReadout> = sight.readouts.positions.iter().collect();
    match order {
        PositionOrder::Opening => {}
        PositionOrder::Result => positions.sort_by_key(|position| position.unrealised),
        PositionOrder::Symbol => positions.sort_by_key(|position| position.symbol),
    }
    let title = match order {
        PositionOrder::Opening => "positions",
        PositionOrder::Result => "positions, worst first",
        PositionOrder::Symbol => "positions by symbol",
    };
    let rows = positions.into_iter().map(|position| {
        Row::new([
            Cell::from(position.symbol.to_string()),
            Cell::from(words::bracket_stage_name(position.stage)),
            right(position.qty.to_string()),
            right(position.average.to_string()),
            right(position.ltp.to_string()),
            right(if position.stop.is_set() {
                position.stop.to_string()
            } else {
                "-".to_owned()
            }),
            Cell::from(Line::from(amount(position.unrealised)).right_aligned()),
            Cell::from(Line::from(amount(position.realised)).right_aligned()),
        ])
    });
    Panel {
        title,
        focused,
        titles: vec![
            "symbol", "stage", ">qty", ">average", ">last", ">stop", ">open", ">booked",
        ],
        widths: columns([8, 7, 6, 9, 9, 9, 11, 11]),
        rows: rows.collect(),
    }
}

/// The last orders, newest first, those above `skip` scrolled away.
#[must_use]
pub fn orders(sight: &Sight, skip: usize, focused: bool) -> Panel {
    let rows = sight.readouts.orders.iter().skip(skip).map(order_row);
    Panel {
        title: "orders",
        focused,
        titles: vec![
            "symbol", "time", "intent", "side", "why", ">filled", ">limit", "state",
        ],
        widths: columns([9, 8, 8, 4, 5, 8, 9, 15]),
        rows: rows.collect(),
    }
}

fn order_row(order: &OrderReadout) -> Row<'static> {
    let colour = match order.state {
        OrderState::Unknown | OrderState::PresumedAbsent | OrderState::Rejected | OrderState::Refused => BAD,
        OrderState::Filled => GOOD,
        OrderState::NotSent | OrderState::Cancelled => Color::DarkGray,
        OrderState::Submitted
        | OrderState::Accepted
        | OrderState::Open
        | OrderState::TriggerPending
        | OrderState::PendingModify
        | OrderState::PendingCancel => Color::Yellow,
    };
    let intent = if order.intent == IntentId::from_raw(0) {
        "not ours".to_owned()
    } else {
        format!("{}-{}", order.intent.epoch(), order.intent.sequence())
    };
    Row::new([
        Cell::from(order.symbol.to_string()),
        Cell::from(words::second_text(order.ts)),
        Cell::from(intent),
        side_cell(order.side),
        Cell::from(words::purpose_name(order.purpose).to_lowercase()),
        right(format!("{}/{}", order.filled, order.qty)),
        right(order.price.to_string()),
        Cell::from(order.state.name()).fg(colour),
    ])
}

/// Percentiles of each stage.
#[must_use]
pub fn latency(sight: &Sight, focused: bool) -> Panel {
    let report = sight.readouts.latency_report();
    let rows = report.stages.into_iter().map(|stage| {
        let cell = |value: u64| {
            right(if stage.count > 0 {
                duration_text(value)
            } else {
                "-".to_owned()
            })
        };
        Row::new([
            Cell::from(stage.stage.clone()),
            cell(stage.p50_ns),
            cell(stage.p99_ns),
            cell(stage.p999_ns),
            cell(stage.max_ns),
            right(words::count_text(stage.count)),
        ])
    });
    Panel {
        title: "latency",
        focused,
        titles: vec!["stage", ">p50", ">p99", ">p99.9", ">max", ">count"],
        widths: columns([13, 7, 7, 7, 7, 10]),
        rows: rows.collect(),
    }
}

/// Feed, gateway, journal and risk gate in numbers.
#[must_use]
pub fn counters(sight: &Sight, ticks_per_s: Option<f64>, area: Rect) -> Paragraph<'static> {
    let mut lines = Vec::new();
    let count = words::count_text;
    if let Some(feed) = &sight.readouts.feed {
        let rate = ticks_per_s.map_or(String::new(), |rate| format!(" {}/s", count(rate as u64)));
        lines.push(format!(
            "ticks {}{rate}  conflated {}  seen {}/{}",
            count(feed.ticks_received),
            count(feed.ticks_conflated),
            feed.seen,
            feed.subscribed
        ));
        lines.push(format!(
            "frames {}  errors {}  reconnects {}  ring max {} full {}",
            count(feed.frames),
            feed.decode_errors,
            feed.reconnects,
            feed.ring_depth_max,
            feed.ring_full
        ));
    }
    if let Some(gateway) = &sight.readouts.gateway {
        lines.push(format!(
            "orders {} acked {} refused {} unknown {}  in flight {}  {}/s",
            gateway.orders_sent,
            gateway.acked,
            gateway.refused,
            gateway.unknown,
            gateway.in_flight,
            gateway.calls_last_second
        ));
    }
    if let Some(engine) = &sight.readouts.engine {
        lines.push(format!(
            "fills {}  anomalies {}  journal {} records {} MiB",
            engine.fills,
            count(engine.anomalies),
            count(engine.journal_records),
            engine.journal_bytes >> 20
        ));
    }
    lines.push(denials_line(sight));
    lines.truncate(usize::from(area.height.saturating_sub(2)));
    Paragraph::new(lines.into_iter().map(Line::from).collect::<Vec<_>>()).block(framed("counters", false))
}

fn denials_line(sight: &Sight) -> String {
    let Some(denials) = &sight.readouts.denials else {
        return "denials -".to_owned();
    };
    let mut given: Vec<(u64, &str)> = DENIALS
        .iter()
        .map(|denial| (denials.counts[usize::from(denial.number())], denial.code()))
        .filter(|(count, _)| *count > 0)
        .collect();
    given.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let most: Vec<String> = given
        .iter()
        .take(4)
        .map(|(count, code)| format!("{code} {count}"))
        .collect();
    if most.is_empty() {
        "denials none".to_owned()
    } else {
        format!("denials {}", most.join("  "))
    }
}
