//! Latency of each stage as people and files read it: a percentile table, the `.hgrm` text that
//! HdrHistogram's own tools plot, JSON, and one SVG picture. Values are nanoseconds.
//!
//! Recording is not done here: each thread owns its histogram, and this file reads them when a run is over.
//! Format of `.hgrm`: `AbstractHistogram.outputPercentileDistribution` of HdrHistogram, one block for each
//! stage, each behind a comment line that names it.

use std::fmt::Write as _;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Points that a percentile series spends on each halving of the distance to 100 %.
const TICKS_PER_HALF_DISTANCE: u32 = 5;

/// One point of a percentile series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PercentilePoint {
    /// Share of the values at or below `value_ns`, 0 to 100.
    pub percentile: f64,
    /// The value, nanoseconds.
    pub value_ns: u64,
    /// Values at or below it.
    pub count: u64,
}

/// One stage of the way from socket to order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageLatency {
    /// Name of the stage, e.g. `tick_to_order`.
    pub stage: String,
    /// Values recorded.
    pub count: u64,
    /// Mean, nanoseconds; absent when only percentiles are known.
    pub mean_ns: Option<f64>,
    /// Standard deviation, nanoseconds; absent when only percentiles are known.
    pub std_dev_ns: Option<f64>,
    /// Median, nanoseconds.
    pub p50_ns: u64,
    /// 90th percentile, nanoseconds; absent when it was not kept.
    pub p90_ns: Option<u64>,
    /// 99th percentile, nanoseconds.
    pub p99_ns: u64,
    /// 99.9th percentile, nanoseconds.
    pub p999_ns: u64,
    /// Largest value, nanoseconds.
    pub max_ns: u64,
    /// The whole distribution, percentiles rising.
    pub series: Vec<PercentilePoint>,
}

/// All stages, in the order in which a tick passes them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyReport {
    /// The stages.
    pub stages: Vec<StageLatency>,
}

impl StageLatency {
    /// Reads one histogram of nanoseconds.
    #[must_use]
    pub fn from_histogram(stage: &str, histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self {
                stage: stage.to_owned(),
                ..Self::default()
            };
        }
        let mut count = 0;
        let series = histogram
            .iter_quantiles(TICKS_PER_HALF_DISTANCE)
            .map(|step| {
                count += step.count_since_last_iteration();
                PercentilePoint {
                    percentile: step.quantile_iterated_to() * 100.0,
                    value_ns: step.value_iterated_to().min(histogram.max()),
                    count,
                }
            })
            .collect();
        Self {
            stage: stage.to_owned(),
            count: histogram.len(),
            mean_ns: Some(histogram.mean()),
            std_dev_ns: Some(histogram.stdev()),
            p50_ns: histogram.value_at_quantile(0.5),
            p90_ns: Some(histogram.value_at_quantile(0.9)),
            p99_ns: histogram.value_at_quantile(0.99),
            p999_ns: histogram.value_at_quantile(0.999),
            max_ns: histogram.max(),
            series,
        }
    }

    /// A stage of which only the percentiles of a snapshot are known; they become its series.
    #[must_use]
    pub fn from_percentiles(stage: &str, count: u64, p50: u64, p99: u64, p999: u64, max: u64) -> Self {
        let series = [(50.0, p50), (99.0, p99), (99.9, p999), (100.0, max)]
            .into_iter()
            .filter(|_| count > 0)
            .map(|(percentile, value_ns)| PercentilePoint {
                percentile,
                value_ns,
                count: (count as f64 * percentile / 100.0) as u64,
            })
            .collect();
        Self {
            stage: stage.to_owned(),
            count,
            mean_ns: None,
            std_dev_ns: None,
            p50_ns: p50,
            p90_ns: None,
            p99_ns: p99,
            p999_ns: p999,
            max_ns: max,
            series,
        }
    }

    /// Where a picture of this stage ends on a scale of nines: so many values say nothing beyond.
    #[must_use]
    pub fn nines_max(&self) -> f64 {
        (self.count.max(1) as f64).log10().min(7.0)
    }

    fn write_hgrm(&self, into: &mut String) {
        let _ = writeln!(into, "#[Stage   = {}, unit = ns]", self.stage);
        into.push_str("       Value     Percentile TotalCount 1/(1-Percentile)\n\n");
        for point in &self.series {
            let quantile = point.percentile / 100.0;
            let _ = write!(
                into,
                "{:12.3} {quantile:2.12} {:10}",
                point.value_ns as f64, point.count
            );
            if quantile < 1.0 {
                let _ = write!(into, " {:14.2}", 1.0 / (1.0 - quantile));
            }
            into.push('\n');
        }
        let _ = writeln!(
            into,
            "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]",
            self.mean_ns.unwrap_or(0.0),
            self.std_dev_ns.unwrap_or(0.0)
        );
        let _ = writeln!(
            into,
            "#[Max     = {:12.3}, Total count    = {:12}]\n",
            self.max_ns as f64, self.count
        );
    }
}

impl LatencyReport {
    /// Reads the histograms of all stages, in the order given.
    #[must_use]
    pub fn from_histograms<'a>(stages: impl IntoIterator<Item = (&'a str, &'a Histogram<u64>)>) -> Self {
        Self {
            stages: stages
                .into_iter()
                .map(|(stage, histogram)| StageLatency::from_histogram(stage, histogram))
                .collect(),
        }
    }

    /// The stage of that name.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&StageLatency> {
        self.stages.iter().find(|stage| stage.stage == name)
    }

    /// Whether nothing was recorded at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stages.iter().all(|stage| stage.count == 0)
    }

    /// The percentile text of every stage, as HdrHistogram's tools read it.
    #[must_use]
    pub fn to_hgrm(&self) -> String {
        let mut text = String::new();
        for stage in &self.stages {
            stage.write_hgrm(&mut text);
        }
        text
    }

    /// The percentile table as people read it.
    #[must_use]
    pub fn to_table(&self) -> String {
        let mut text = format!(
            "{:<14} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9}\n",
            "stage", "count", "p50", "p90", "p99", "p99.9", "max"
        );
        for stage in &self.stages {
            let cell = |value: Option<u64>| match value {
                Some(ns) if stage.count > 0 => duration_text(ns),
                Some(_) | None => "-".to_owned(),
            };
            let _ = writeln!(
                text,
                "{:<14} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9}",
                stage.stage,
                stage.count,
                cell(Some(stage.p50_ns)),
                cell(stage.p90_ns),
                cell(Some(stage.p99_ns)),
                cell(Some(stage.p999_ns)),
                cell(Some(stage.max_ns))
            );
        }
        text
    }

    /// The percentile distribution of every stage as one SVG picture: percentile on a scale of nines,
    /// nanoseconds on a logarithmic one.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let scale = Scale::of(self);
        let mut svg = String::from(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 520\" \
             font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
             <rect width=\"960\" height=\"520\" fill=\"#ffffff\"/>\n\
             <text x=\"80\" y=\"30\" font-size=\"17\" fill=\"#111827\">Latency by percentile</text>\n",
        );
        scale.draw_grid(&mut svg);
        for (index, stage) in self.stages.iter().filter(|stage| stage.count > 0).enumerate() {
            let colour = STAGE_COLOURS[index % STAGE_COLOURS.len()];
            let points: Vec<String> = stage
                .series
                .iter()
                .map(|point| {
                    let x = scale.x(nines(point.percentile, stage.nines_max()));
                    format!("{x:.1},{:.1}", scale.y(point.value_ns))
                })
                .collect();
            let _ = writeln!(
                svg,
                "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>",
                points.join(" ")
            );
            let y = 70 + index * 22;
            let _ = writeln!(
                svg,
                "<rect x=\"780\" y=\"{}\" width=\"14\" height=\"4\" fill=\"{colour}\"/>\
                 <text x=\"802\" y=\"{y}\" fill=\"#374151\">{}</text>",
                y - 6,
                stage.stage
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// Colours of the stages in pictures, in the order of the stages.
pub const STAGE_COLOURS: [&str; 5] = ["#2563eb", "#0d9488", "#9333ea", "#d97706", "#dc2626"];

/// Names of whole nines on the scale of percentiles: 0, 1, 2, …
pub const PERCENTILE_LABELS: [&str; 8] = [
    "0%",
    "90%",
    "99%",
    "99.9%",
    "99.99%",
    "99.999%",
    "99.9999%",
    "99.99999%",
];

/// Nanoseconds in the unit that reads best, with three significant digits.
#[must_use]
pub fn duration_text(ns: u64) -> String {
    let (value, unit) = match ns {
        0..1_000 => return format!("{ns}ns"),
        1_000..1_000_000 => (ns as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => (ns as f64 / 1e6, "ms"),
        1_000_000_000.. => (ns as f64 / 1e9, "s"),
    };
    let decimals = if value < 9.995 {
        2
    } else {
        usize::from(value < 99.95)
    };
    format!("{value:.decimals$}{unit}")
}

/// Position of a percentile on a scale of nines: 0 % at 0, 90 % at 1, 99 % at 2.
#[must_use]
pub fn nines(percentile: f64, nines_max: f64) -> f64 {
    let missing = (100.0 - percentile) / 100.0;
    if missing <= 0.0 {
        nines_max
    } else {
        (-missing.log10()).min(nines_max)
    }
}

/// Where values stand in the picture.
struct Scale {
    nines_max: f64,
    low: f64,
    high: f64,
}

impl Scale {
    const LEFT: f64 = 80.0;
    const RIGHT: f64 = 760.0;
    const TOP: f64 = 50.0;
    const BOTTOM: f64 = 470.0;

    fn of(report: &LatencyReport) -> Self {
        let recorded = || report.stages.iter().filter(|stage| stage.count > 0);
        let count = recorded().map(|stage| stage.count).max().unwrap_or(1);
        let values = || recorded().flat_map(|stage| stage.series.iter().map(|point| point.value_ns.max(1)));
        let low = (values().min().unwrap_or(100) as f64).log10().floor();
        let high = (values().max().unwrap_or(1_000_000) as f64).log10().ceil();
        Self {
            nines_max: (count as f64).log10().clamp(2.0, 7.0),
            low,
            high: high.max(low + 1.0),
        }
    }

    fn x(&self, nines: f64) -> f64 {
        Self::LEFT + nines / self.nines_max * (Self::RIGHT - Self::LEFT)
    }

    fn y(&self, value_ns: u64) -> f64 {
        let share = ((value_ns.max(1) as f64).log10() - self.low) / (self.high - self.low);
        Self::BOTTOM - share.clamp(0.0, 1.0) * (Self::BOTTOM - Self::TOP)
    }

    fn draw_grid(&self, svg: &mut String) {
        for power in self.low as i32..=self.high as i32 {
            let value_ns = 10_u64.pow(power.unsigned_abs());
            let y = self.y(value_ns);
            let _ = writeln!(
                svg,
                "<line x1=\"80\" x2=\"760\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#e5e7eb\"/>\
                 <text x=\"72\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#6b7280\">{}</text>",
                y + 4.0,
                duration_text(value_ns)
            );
        }
        for (label, nines) in PERCENTILE_LABELS.iter().zip(0..) {
            if f64::from(nines) <= self.nines_max {
                let x = self.x(f64::from(nines));
                let _ = writeln!(
                    svg,
                    "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"50\" y2=\"470\" stroke=\"#e5e7eb\"/>\
                     <text x=\"{x:.1}\" y=\"490\" text-anchor=\"middle\" fill=\"#6b7280\">{label}</text>"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: impl IntoIterator<Item = u64>) -> Histogram<u64> {
        let mut histogram = Histogram::new(3).expect("three significant digits are allowed");
        for value in values {
            histogram.record(value).expect("the histogram resizes");
        }
        histogram
    }

    #[test]
    fn the_percentiles_of_a_known_distribution_are_read_back() {
        let stage = StageLatency::from_histogram("decode", &histogram(1..=1_000));
        assert_eq!(
            (stage.count, stage.p50_ns, stage.p99_ns, stage.max_ns),
            (1_000, 500, 990, 1_000)
        );
        assert_eq!(stage.p90_ns, Some(900));
        let last = stage.series.last().expect("a series has points");
        assert_eq!(
            (last.percentile, last.value_ns, last.count),
            (100.0, 1_000, 1_000)
        );
        assert!(
            stage
                .series
                .windows(2)
                .all(|pair| pair[0].value_ns <= pair[1].value_ns)
        );
    }

    #[test]
    fn an_unused_stage_is_shown_as_unused_and_draws_no_line() {
        let report = LatencyReport::from_histograms([("decode", &histogram([]))]);
        assert!(report.is_empty());
        assert!(
            report
                .to_table()
                .lines()
                .nth(1)
                .is_some_and(|line| line.contains(" - "))
        );
        assert!(!report.to_svg().contains("polyline"));
    }

    #[test]
    fn the_hgrm_text_has_the_columns_that_plotters_expect() {
        let report = LatencyReport::from_histograms([("engine", &histogram([1_000, 2_000]))]);
        let text = report.to_hgrm();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "#[Stage   = engine, unit = ns]");
        assert_eq!(
            lines[1],
            "       Value     Percentile TotalCount 1/(1-Percentile)"
        );
        assert_eq!(lines[3], "    1000.000 0.000000000000          1           1.00");
        assert!(text.contains("#[Max     =     2000.000, Total count    =            2]"));
    }

    #[test]
    fn durations_read_in_the_unit_that_fits() {
        for (ns, text) in [
            (999, "999ns"),
            (6_400, "6.40µs"),
            (26_040, "26.0µs"),
            (8_000_000, "8.00ms"),
            (1_500_000_000, "1.50s"),
        ] {
            assert_eq!(duration_text(ns), text);
        }
    }

    #[test]
    fn a_report_survives_json() {
        let report = LatencyReport::from_histograms([("ring", &histogram([5, 6, 7]))]);
        let json = serde_json::to_string(&report).expect("plain data");
        assert_eq!(
            serde_json::from_str::<LatencyReport>(&json).expect("what was written"),
            report
        );
    }

    #[test]
    fn the_picture_holds_a_line_for_each_stage_inside_its_frame() {
        let report = LatencyReport {
            stages: vec![
                StageLatency::from_percentiles("engine", 1_000, 2_000, 9_000, 20_000, 90_000),
                StageLatency::from_percentiles("order_write", 10, 9_000, 20_000, 30_000, 40_000),
            ],
        };
        let svg = report.to_svg();
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
