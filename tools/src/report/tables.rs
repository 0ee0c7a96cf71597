//! The tables of the report page: rows of escaped text, each column either words or numbers.

use std::fmt::Write as _;

use bijli_core::denial::Denial;

use super::RunFacts;
use super::csv::{reasons_of, side_of, slippage_of};
use super::day::{Day, OrderRow};
use super::page::{escape, sign_class};
use super::summary::Summary;
use super::trips::Trip;
use crate::latency_report::{LatencyReport, duration_text};
use crate::words;

/// Most rows of one table on the page; the CSV files hold all.
const ROWS_MAX: usize = 500;

/// One cell: its text, and a class that colours or wraps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    text: String,
    class: &'static str,
}

/// One table of the page.
#[derive(Clone, Debug, Default)]
pub struct Table {
    title: &'static str,
    note: String,
    /// Titles; one that begins with `#` heads a column of numbers.
    columns: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    otherwise: &'static str,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, class: "" }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Table {
    /// Writes the table into the page; without rows, the sentence that stands for them.
    pub fn push_to(&self, page: &mut String) {
        let _ = write!(
            page,
            "<section class=\"table\"><h2>{}<small>{}</small></h2>",
            self.title,
            escape(&self.note)
        );
        if self.rows.is_empty() {
            let _ = writeln!(page, "<p class=\"empty\">{}</p></section>", self.otherwise);
            return;
        }
        page.push_str("<div class=\"scroll\"><table><thead><tr>");
        for column in &self.columns {
            match column.strip_prefix('#') {
                Some(number) => {
                    let _ = write!(page, "<th class=\"num\">{number}</th>");
                }
                None => {
                    let _ = write!(page, "<th>{column}</th>");
                }
            }
        }
        page.push_str("</tr></thead><tbody>\n");
        for row in self.rows.iter().take(ROWS_MAX) {
            self.push_row(page, row);
        }
        page.push_str("</tbody></table></div>");
        if self.rows.len() > ROWS_MAX {
            let more = self.rows.len() - ROWS_MAX;
            let _ = write!(
                page,
                "<p class=\"empty\">{more} more rows are in the CSV files.</p>"
            );
        }
        page.push_str("</section>\n");
    }

    fn push_row(&self, page: &mut String, row: &[Cell]) {
        assert_eq!(
            row.len(),
            self.columns.len(),
            "a row has as many cells as the header"
        );
        page.push_str("<tr>");
        for (cell, column) in row.iter().zip(&self.columns) {
            let number = if column.starts_with('#') { "num " } else { "" };
            let _ = write!(
                page,
                "<td class=\"{number}{}\">{}</td>",
                cell.class,
                escape(&cell.text)
            );
        }
        page.push_str("</tr>\n");
    }
}

/// Round trips.
#[must_use]
pub fn trips(day: &Day) -> Table {
    Table {
        title: "Round trips",
        note: format!("{} in all; trades.csv", day.trips.len()),
        columns: vec![
            "#",
            "Symbol",
            "Side",
            "Entry",
            "Exit",
            "#Qty",
            "#Entry ₹",
            "#Exit ₹",
            "#Gross",
            "#Charges ₹",
            "#Net",
            "#MAE ₹",
            "#MFE ₹",
            "#Slippage ₹",
            "Exit reason",
            "#Score",
        ],
        rows: day
            .trips
            .iter()
            .enumerate()
            .map(|(index, trip)| trip_row(day, index + 1, trip))
            .collect(),
        otherwise: "No order was filled.",
    }
}

fn trip_row(day: &Day, number: usize, trip: &Trip) -> Vec<Cell> {
    vec![
        number.to_string().into(),
        day.symbol(trip.instrument).into(),
        side_of(trip).into(),
        words::clock_text(trip.opened).into(),
        words::clock_text(trip.closed).into(),
        trip.qty.to_string().into(),
        trip.entry_price().to_string().into(),
        trip.exit_price().to_string().into(),
        Cell {
            text: words::signed_rupees(trip.gross()),
            class: sign_class(trip.gross()),
        },
        words::rupees(trip.charges).into(),
        Cell {
            text: words::signed_rupees(trip.net()),
            class: sign_class(trip.net()),
        },
        words::rupees(trip.mae).into(),
        words::rupees(trip.mfe).into(),
        words::rupees(trip.slippage).into(),
        reasons_of(trip).into(),
        trip.signal
            .map_or(String::new(), |signal| words::ppm_text(signal.score_ppm))
            .into(),
    ]
}

/// Orders.
#[must_use]
pub fn orders(day: &Day) -> Table {
    Table {
        title: "Orders",
        note: format!("{} in all; orders.csv", day.orders.len()),
        columns: vec![
            "Placed",
            "Tag",
            "Order id",
            "Symbol",
            "Side",
            "Purpose",
            "State",
            "#Qty",
            "#Filled",
            "#Limit ₹",
            "#Average ₹",
            "#Touch ₹",
            "#Slippage bps",
            "#Ack ms",
            "Reason",
        ],
        rows: day.orders.iter().map(|row| order_row(day, row)).collect(),
        otherwise: "No order was sent.",
    }
}

fn order_row(day: &Day, row: &OrderRow) -> Vec<Cell> {
    let order = &row.order;
    let ack = row.acked.since(order.placed_ts).get() / 1_000_000;
    let reason = match (order.exit_reason, row.code.is_empty()) {
        (_, false) => row.code.clone(),
        (Some(reason), true) => words::exit_reason_name(reason).to_owned(),
        (None, true) => String::new(),
    };
    vec![
        words::clock_text(order.placed_ts).into(),
        order
            .intent
            .map_or("not ours".to_owned(), |intent| intent.tag().to_string())
            .into(),
        order.order_id.to_string().into(),
        day.symbol(order.instrument).into(),
        words::side_name(order.side).into(),
        words::purpose_name(order.purpose).into(),
        order.state.name().into(),
        order.qty.to_string().into(),
        order.filled.to_string().into(),
        order.price.to_string().into(),
        order.average_price().to_string().into(),
        order.decision_price.to_string().into(),
        slippage_of(row)
            .map_or(String::new(), |(_, bps)| bps.to_string())
            .into(),
        if row.acked.is_set() {
            ack.to_string()
        } else {
            "-".to_owned()
        }
        .into(),
        reason.into(),
    ]
}

/// Refusals of our own risk gate.
#[must_use]
pub fn denials(day: &Day) -> Table {
    let all: u64 = day.denials.iter().map(|(_, count)| count).sum();
    let row = |(denial, count): &(Denial, u64)| {
        let share = format!("{:.1} %", *count as f64 * 100.0 / all.max(1) as f64);
        vec![
            denial.code().into(),
            words::count_text(*count).into(),
            share.into(),
        ]
    };
    Table {
        title: "Denials",
        note: "refused by our own risk gate before anything was sent".to_owned(),
        columns: vec!["Code", "#Times", "#Share"],
        rows: day.denials.iter().map(row).collect(),
        otherwise: "The risk gate denied nothing.",
    }
}

/// Percentiles of each stage.
#[must_use]
pub fn latency(report: &LatencyReport) -> Table {
    let cell = |value: Option<u64>| value.map_or("-".to_owned(), duration_text).into();
    Table {
        title: "Latency by stage",
        note: "latency.hgrm holds the whole distribution".to_owned(),
        columns: vec!["Stage", "#Count", "#p50", "#p90", "#p99", "#p99.9", "#Max"],
        rows: report
            .stages
            .iter()
            .map(|stage| {
                let known = |value| (stage.count > 0).then_some(value);
                vec![
                    stage.stage.as_str().into(),
                    words::count_text(stage.count).into(),
                    cell(known(stage.p50_ns)),
                    cell(stage.p90_ns),
                    cell(known(stage.p99_ns)),
                    cell(known(stage.p999_ns)),
                    cell(known(stage.max_ns)),
                ]
            })
            .collect(),
        otherwise: "Nothing was timed.",
    }
}

/// What an operator wants to know of.
#[must_use]
pub fn notes(day: &Day) -> Table {
    Table {
        title: "Notable events",
        note: match day.notes_dropped {
            0 => "feed, orders, operator, process, positions".to_owned(),
            dropped => format!("{dropped} more are only in the journal"),
        },
        columns: vec!["Time", "Sort", "What happened"],
        rows: day
            .notes
            .iter()
            .map(|note| {
                vec![
                    words::clock_text(note.ts).into(),
                    note.kind.into(),
                    Cell {
                        text: note.text.clone(),
                        class: "wrap",
                    },
                ]
            })
            .collect(),
        otherwise: "Nothing out of the ordinary happened.",
    }
}

/// Doubtful ticks by doubt.
#[must_use]
pub fn doubts(day: &Day) -> Table {
    let named = words::TICK_DOUBTS.iter().zip(day.doubts);
    Table {
        title: "Doubtful ticks",
        note: "counted, never traded on; snapshots after a subscription included".to_owned(),
        columns: vec!["Doubt", "#Ticks"],
        rows: named
            .filter(|(_, count)| *count > 0)
            .map(|((_, name), count)| vec![(*name).into(), words::count_text(count).into()])
            .collect(),
        otherwise: "No tick was doubtful.",
    }
}

/// Facts of the run.
#[must_use]
pub fn facts(summary: &Summary, facts: &RunFacts) -> Table {
    let mut rows: Vec<(String, String)> = facts.facts.clone();
    let mut count = |name: &str, value: Option<u64>| {
        if let Some(value) = value {
            rows.push((name.to_owned(), words::count_text(value)));
        }
    };
    count("ticks sent by the simulator", summary.ticks_sent);
    count("ticks received", summary.ticks_received);
    count("ticks conflated", summary.ticks_conflated);
    count("ticks applied", Some(summary.ticks_applied));
    count("journal records", Some(summary.journal.records));
    count("journal bytes", Some(summary.journal.bytes));
    count("journal segments", Some(summary.journal.segments));
    rows.push(("state hash".to_owned(), summary.journal.state_hash.clone()));
    rows.push((
        "journal closed in order".to_owned(),
        summary.journal.closed.to_string(),
    ));
    rows.push(("report directory".to_owned(), summary.report_dir.clone()));
    Table {
        title: "Run facts",
        note: String::new(),
        columns: vec!["Fact", "Value"],
        rows: rows
            .into_iter()
            .map(|(name, value)| {
                vec![
                    name.into(),
                    Cell {
                        text: value,
                        class: "wrap",
                    },
                ]
            })
            .collect(),
        otherwise: "",
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn text_of(table: &Table) -> String {
        let mut page = String::new();
        table.push_to(&mut page);
        page
    }

    #[test]
    fn a_table_has_a_row_for_each_thing_and_marks_numbers_and_signs() {
        let page = text_of(&trips(&sample::day()));
        assert_eq!(page.matches("<tr>").count(), 2);
        assert!(page.contains("<td class=\"num gain\">+₹1,000.00</td>"), "{page}");
    }

    #[test]
    fn a_table_without_rows_says_so() {
        assert!(text_of(&orders(&Day::default())).contains("No order was sent."));
        assert!(text_of(&latency(&LatencyReport::default())).contains("Nothing was timed."));
    }

    #[test]
    fn a_table_that_is_too_long_points_to_the_files() {
        let mut day = sample::day();
        day.orders = vec![day.orders[0].clone(); ROWS_MAX + 7];
        let page = text_of(&orders(&day));
        assert!(page.contains("7 more rows"));
        assert_eq!(page.matches("<tr>").count(), ROWS_MAX + 1);
    }
}
