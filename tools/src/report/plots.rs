//! The pictures of the report page, as Plotly plots; the script that draws them is embedded once by the page.
//!
//! Each function gives `None` where there is nothing to draw, so that the page says so in words instead.

use bijli_core::{Money, TsNs};
use plotly::common::{Anchor, DashType, Fill, Font, HoverInfo, Line, LineShape, Marker, Mode, Orientation};
use plotly::configuration::DisplayModeBar;
use plotly::layout::{Axis, AxisType, HoverMode, Layout, Legend, Margin};
use plotly::{Bar, Configuration, Plot, Scatter};

use super::csv;
use super::day::Day;
use crate::latency_report::{LatencyReport, PERCENTILE_LABELS, STAGE_COLOURS, duration_text, nines};
use crate::words;

const GAIN: &str = "#15803d";
const LOSS: &str = "#b91c1c";
const INK: &str = "#0f172a";
const MUTED: &str = "#64748b";
const GRID: &str = "#e8ecf1";
const ACCENT: &str = "#1d4ed8";

/// The script that draws every plot: Plotly without its formula renderer, which no text here uses.
#[must_use]
pub fn script() -> String {
    let sources = Plot::offline_js_sources();
    let end = "</script>";
    let cut = sources.find(end).map_or(sources.len(), |at| at + end.len());
    sources[..cut].to_owned()
}

/// Result of the day over time, and below it how far it stood under its former peak.
#[must_use]
pub fn equity(day: &Day) -> Option<Plot> {
    if day.equity.len() < 2 {
        return None;
    }
    let times: Vec<String> = day
        .equity
        .iter()
        .map(|point| words::stamp_text(point.ts))
        .collect();
    let net: Vec<f64> = day.equity.iter().map(|point| point.net.rupees()).collect();
    let mut peak = Money::ZERO;
    let under: Vec<f64> = day
        .equity
        .iter()
        .map(|point| {
            peak = peak.max(point.net);
            Money::new(point.net.get() - peak.get()).rupees()
        })
        .collect();
    let mut plot = new_plot();
    plot.add_trace(
        Scatter::new(times.clone(), net)
            .mode(Mode::Lines)
            .name("Net result")
            .line(Line::new().color(ACCENT).width(1.8).shape(LineShape::Hv))
            .hover_template("₹%{y:,.2f}<extra>net</extra>"),
    );
    plot.add_trace(
        Scatter::new(times, under)
            .mode(Mode::Lines)
            .name("Below peak")
            .y_axis("y2")
            .fill(Fill::ToZeroY)
            .fill_color("rgba(185, 28, 28, 0.14)")
            .line(Line::new().color(LOSS).width(1.2).shape(LineShape::Hv))
            .hover_template("₹%{y:,.2f}<extra>below peak</extra>"),
    );
    plot.add_trace(fill_marks(day));
    plot.set_layout(
        base_layout(430)
            .hover_mode(HoverMode::X)
            .x_axis(time_axis().anchor("y2"))
            .y_axis(axis("Net result, ₹").domain(&[0.36, 1.0]))
            .y_axis2(axis("Below peak, ₹").domain(&[0.0, 0.26]).n_ticks(4)),
    );
    Some(plot)
}

/// Ends of the round trips on the equity curve.
fn fill_marks(day: &Day) -> Box<Scatter<String, f64>> {
    let closed = || day.trips.iter().filter(|trip| !trip.is_open());
    let result_at = |ts: TsNs| {
        let until = day.equity.iter().take_while(|point| point.ts <= ts).last();
        until.map_or(0.0, |point| point.net.rupees())
    };
    Scatter::new(
        closed().map(|trip| words::stamp_text(trip.closed)).collect(),
        closed().map(|trip| result_at(trip.closed)).collect(),
    )
    .mode(Mode::Markers)
    .name("Trade closed")
    .marker(
        Marker::new()
            .size(7)
            .color_array(closed().map(|trip| sign_colour(trip.net())).collect()),
    )
    .text_array(
        closed()
            .map(|trip| day.symbol(trip.instrument))
            .collect::<Vec<_>>(),
    )
    .hover_template("%{text}<extra></extra>")
}

/// Net result of each closed round trip.
#[must_use]
pub fn trades(day: &Day) -> Option<Plot> {
    let closed: Vec<_> = day
        .trips
        .iter()
        .enumerate()
        .filter(|(_, trip)| !trip.is_open())
        .collect();
    if closed.is_empty() {
        return None;
    }
    let names: Vec<String> = closed
        .iter()
        .map(|(index, trip)| format!("{} {}", index + 1, day.symbol(trip.instrument)))
        .collect();
    let nets: Vec<f64> = closed.iter().map(|(_, trip)| trip.net().rupees()).collect();
    let texts: Vec<String> = closed
        .iter()
        .map(|(_, trip)| {
            format!(
                "{} {} × {}<br>{} → {} ({})<br>gross {}, charges {}",
                csv::side_of(trip),
                trip.qty,
                day.symbol(trip.instrument),
                trip.entry_price(),
                trip.exit_price(),
                csv::reasons_of(trip),
                words::signed_rupees(trip.gross()),
                words::rupees(trip.charges)
            )
        })
        .collect();
    let colours: Vec<&'static str> = closed.iter().map(|(_, trip)| sign_colour(trip.net())).collect();
    let mut plot = new_plot();
    plot.add_trace(
        Bar::new(names, nets)
            .marker(Marker::new().color_array(colours))
            .hover_text_array(texts)
            .hover_template("%{hovertext}<br><b>net ₹%{y:,.2f}</b><extra></extra>"),
    );
    plot.set_layout(
        base_layout(320)
            .show_legend(false)
            .x_axis(axis("").type_(AxisType::Category).show_grid(false))
            .y_axis(axis("Net result, ₹")),
    );
    Some(plot)
}

/// Worst and best result while each closed trip was open.
#[must_use]
pub fn excursions(day: &Day) -> Option<Plot> {
    let closed: Vec<_> = day.trips.iter().filter(|trip| !trip.is_open()).collect();
    if closed.is_empty() {
        return None;
    }
    let mut plot = new_plot();
    plot.add_trace(
        Scatter::new(
            closed.iter().map(|trip| trip.mae.rupees()).collect::<Vec<f64>>(),
            closed.iter().map(|trip| trip.mfe.rupees()).collect::<Vec<f64>>(),
        )
        .mode(Mode::Markers)
        .marker(
            Marker::new()
                .size(9)
                .opacity(0.8)
                .color_array(closed.iter().map(|trip| sign_colour(trip.net())).collect()),
        )
        .text_array(
            closed
                .iter()
                .map(|trip| day.symbol(trip.instrument))
                .collect::<Vec<_>>(),
        )
        .hover_template("%{text}<br>worst ₹%{x:,.2f}, best ₹%{y:,.2f}<extra></extra>"),
    );
    plot.set_layout(
        base_layout(320)
            .show_legend(false)
            .x_axis(axis("Worst result while open (MAE), ₹"))
            .y_axis(axis("Best result while open (MFE), ₹")),
    );
    Some(plot)
}

/// Every signal by time and score: taken ones filled, denied ones hollow.
#[must_use]
pub fn signals(day: &Day) -> Option<Plot> {
    if day.signals.is_empty() {
        return None;
    }
    let mut plot = new_plot();
    for (name, taken) in [("Taken", true), ("Denied", false)] {
        let rows: Vec<_> = day
            .signals
            .iter()
            .filter(|row| row.denial.is_none() == taken)
            .collect();
        let texts: Vec<String> = rows
            .iter()
            .map(|row| {
                let verdict = row.denial.map_or("taken", |denial| denial.code());
                let side = words::side_name(row.signal.side);
                format!(
                    "{side} {} at {}<br>{verdict}",
                    day.symbol(row.signal.instrument),
                    row.signal.price
                )
            })
            .collect();
        let marker = if taken {
            Marker::new().size(9).color(ACCENT)
        } else {
            Marker::new()
                .size(8)
                .color("rgba(255, 255, 255, 0)")
                .line(Line::new().color(MUTED).width(1.4))
        };
        plot.add_trace(
            Scatter::new(
                rows.iter()
                    .map(|row| words::stamp_text(row.signal.ts))
                    .collect::<Vec<_>>(),
                rows.iter()
                    .map(|row| f64::from(row.signal.score_ppm) / 1e6)
                    .collect::<Vec<_>>(),
            )
            .mode(Mode::Markers)
            .name(format!("{name} ({})", rows.len()))
            .marker(marker)
            .hover_text_array(texts)
            .hover_template("%{hovertext}<br>score %{y:.3f}<extra></extra>"),
        );
    }
    plot.set_layout(base_layout(320).x_axis(time_axis()).y_axis(axis("Score")));
    Some(plot)
}

/// The whole distribution of every stage: percentile on a scale of nines, time on a logarithmic one.
#[must_use]
pub fn latency(report: &LatencyReport) -> Option<Plot> {
    let recorded: Vec<_> = report.stages.iter().filter(|stage| stage.count > 0).collect();
    let count_max = recorded.iter().map(|stage| stage.count).max()?;
    let nines_max = (count_max as f64).log10().clamp(2.0, 7.0);
    let mut plot = new_plot();
    for (index, stage) in recorded.iter().enumerate() {
        let texts: Vec<String> = stage
            .series
            .iter()
            .map(|point| format!("{:.4}%: {}", point.percentile, duration_text(point.value_ns)))
            .collect();
        let colour = STAGE_COLOURS[index % STAGE_COLOURS.len()];
        plot.add_trace(
            Scatter::new(
                stage
                    .series
                    .iter()
                    .map(|point| nines(point.percentile, stage.nines_max()))
                    .collect::<Vec<_>>(),
                stage
                    .series
                    .iter()
                    .map(|point| point.value_ns.max(1))
                    .collect::<Vec<_>>(),
            )
            .mode(Mode::Lines)
            .name(&stage.stage)
            .line(Line::new().color(colour).width(2.0))
            .text_array(texts)
            .hover_info(HoverInfo::Text),
        );
    }
    let decades: Vec<f64> = (0..=10).map(|power| 10f64.powi(power)).collect();
    let decade_names = (0..=10)
        .map(|power| duration_text(10u64.pow(power)))
        .collect::<Vec<_>>();
    plot.set_layout(
        base_layout(380)
            .x_axis(
                axis("Percentile")
                    .tick_values((0..PERCENTILE_LABELS.len()).map(|nines| nines as f64).collect())
                    .tick_text(PERCENTILE_LABELS.to_vec())
                    .range(vec![0.0, nines_max + 0.05]),
            )
            .y_axis(
                axis("Latency")
                    .type_(AxisType::Log)
                    .tick_values(decades)
                    .tick_text(decade_names),
            ),
    );
    Some(plot)
}

const fn sign_colour(amount: Money) -> &'static str {
    if amount.get() >= 0 { GAIN } else { LOSS }
}

fn new_plot() -> Plot {
    let mut plot = Plot::new();
    plot.set_configuration(
        Configuration::new()
            .responsive(true)
            .display_logo(false)
            .display_mode_bar(DisplayModeBar::False),
    );
    plot
}

fn base_layout(height_px: usize) -> Layout {
    Layout::new()
        .height(height_px)
        .auto_size(true)
        .font(
            Font::new()
                .family("system-ui, -apple-system, Segoe UI, sans-serif")
                .size(12)
                .color(INK),
        )
        .paper_background_color("rgba(0,0,0,0)")
        .plot_background_color("rgba(0,0,0,0)")
        .hover_mode(HoverMode::Closest)
        .margin(Margin::new().left(76).right(18).top(14).bottom(48))
        .legend(
            Legend::new()
                .orientation(Orientation::Horizontal)
                .x(1.0)
                .x_anchor(Anchor::Right)
                .y(1.02)
                .y_anchor(Anchor::Bottom),
        )
}

fn axis(title: &str) -> Axis {
    Axis::new()
        .title(title.to_owned())
        .color(MUTED)
        .grid_color(GRID)
        .zero_line(true)
        .zero_line_color("#cbd5e1")
        .auto_margin(true)
        .spike_dash(DashType::Dot)
}

fn time_axis() -> Axis {
    axis("")
        .type_(AxisType::Date)
        .tick_format("%H:%M")
        .zero_line(false)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::latency_report::StageLatency;

    #[test]
    fn the_sample_day_draws_every_picture_and_an_empty_day_none() {
        let day = sample::day();
        for plot in [equity(&day), trades(&day), excursions(&day), signals(&day)] {
            let plot = plot.expect("the sample day has something of each");
            assert!(!plot.data().is_empty());
        }
        let empty = Day::default();
        for plot in [
            equity(&empty),
            trades(&empty),
            excursions(&empty),
            signals(&empty),
        ] {
            assert!(plot.is_none());
        }
        assert!(latency(&LatencyReport::default()).is_none());
    }

    #[test]
    fn taken_and_denied_signals_are_told_apart() {
        let json = signals(&sample::day()).expect("two signals").to_json();
        assert!(json.contains("Taken (1)") && json.contains("Denied (1)") && json.contains("COOLDOWN"));
    }

    #[test]
    fn a_latency_line_ends_at_the_edge_of_its_scale() {
        let report = LatencyReport {
            stages: vec![StageLatency::from_percentiles(
                "engine", 1_000, 2_000, 9_000, 20_000, 90_000,
            )],
        };
        let json = latency(&report).expect("one stage").to_json();
        assert!(json.contains("\"engine\"") && json.contains("90.0µs"));
    }

    #[test]
    fn the_embedded_script_is_whole_and_stands_alone() {
        let script = script();
        assert_eq!(script.matches("<script").count(), 1);
        assert!(script.ends_with("</script>") && script.contains("plotly.js v3"));
        assert!(!script.contains("<script src"));
    }
}
