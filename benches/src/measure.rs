//! Timing of short things: batches against the grain of the clock, the cost of a stamp taken off, percentiles.
//!
//! A stamp costs more than many of the things measured, so the median cost of an empty measurement is taken
//! off every sample and printed. Things of a few nanoseconds are timed in batches: their percentiles are those
//! of batch averages, and the row says so.

use std::hint::black_box;
use std::time::Instant;

use hdrhistogram::Histogram;

use crate::machine;

/// Histograms count tenths of a nanosecond, so that batch averages keep a digit.
const TENTHS_PER_NS: f64 = 10.0;
/// Ten seconds; nothing measured here takes longer.
const TENTHS_MAX: u64 = 100_000_000_000;

/// A running bench: its scale and what measuring costs.
#[derive(Debug)]
pub struct Bench {
    smoke: bool,
    stamp_ns: f64,
}

/// Times of one thing, nanoseconds.
#[derive(Clone, Debug)]
pub struct Samples {
    histogram: Histogram<u64>,
    per_sample: usize,
}

/// One thing over all repetitions.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// All repetitions together.
    pub samples: Samples,
    /// Median of each repetition, nanoseconds.
    pub medians: Vec<f64>,
}

/// One entrant of a comparison.
pub struct Entrant<'a> {
    /// What is measured.
    pub name: &'a str,
    /// Takes one repetition.
    pub run: Box<dyn FnMut(&Bench) -> Samples + 'a>,
}

impl<'a> Entrant<'a> {
    /// Names a way to take one repetition.
    pub fn new(name: &'a str, run: impl FnMut(&Bench) -> Samples + 'a) -> Self {
        Self {
            name,
            run: Box::new(run),
        }
    }
}

impl Bench {
    /// Prints title, machine and the cost of measuring.
    #[must_use]
    pub fn begin(title: &str) -> Self {
        let smoke = !std::env::args().any(|argument| argument == "--bench");
        println!("\n== {title}");
        machine::print();
        let mut bench = Self { smoke, stamp_ns: 0.0 };
        let empty = bench.each(200_000, |_| ());
        bench.stamp_ns = empty.percentile(50.0);
        println!(
            "cost of measuring: {:.1} ns p50, {:.1} ns p99 (two stamps around nothing); {:.1} ns are taken off \
             every sample",
            bench.stamp_ns,
            empty.percentile(99.0),
            bench.stamp_ns
        );
        if smoke {
            println!("smoke run: figures say nothing (use `cargo bench`)");
        }
        bench
    }

    /// What is taken off every sample, nanoseconds.
    #[must_use]
    pub const fn stamp_ns(&self) -> f64 {
        self.stamp_ns
    }

    /// `count` at full scale, a hundredth of it in a smoke run.
    #[must_use]
    pub fn scaled(&self, count: usize) -> usize {
        if self.smoke { (count / 100).max(1) } else { count }
    }

    /// Times each of `count` (scaled) calls by itself.
    pub fn each<R>(&self, count: usize, mut call: impl FnMut(usize) -> R) -> Samples {
        let mut samples = Samples::new(1);
        for index in 0..self.scaled(count) {
            let begin = Instant::now();
            black_box(call(index));
            samples.add(begin.elapsed().as_nanos() as f64 - self.stamp_ns);
        }
        samples
    }

    /// Times `count` (scaled) calls in batches; each sample is the average of one batch.
    pub fn batches<R>(&self, count: usize, per_batch: usize, mut call: impl FnMut(usize) -> R) -> Samples {
        let mut samples = Samples::new(per_batch);
        let batches = (self.scaled(count) / per_batch).max(1);
        for batch in 0..batches {
            let first = batch * per_batch;
            let begin = Instant::now();
            for index in first..first + per_batch {
                black_box(call(index));
            }
            let batch_ns = begin.elapsed().as_nanos() as f64 - self.stamp_ns;
            samples.add(batch_ns / per_batch as f64);
        }
        samples
    }

    /// Runs every entrant once per repetition, in turn, and collects their rows.
    pub fn compare(&self, repetitions: usize, entrants: &mut [Entrant<'_>]) -> Vec<Row> {
        let repetitions = if self.smoke { 1 } else { repetitions };
        let mut rows: Vec<Option<Row>> = entrants.iter().map(|_| None).collect();
        for _ in 0..repetitions {
            for (entrant, row) in entrants.iter_mut().zip(&mut rows) {
                let samples = (entrant.run)(self);
                let median = samples.percentile(50.0);
                match row {
                    Some(row) => {
                        row.medians.push(median);
                        row.samples.merge(&samples);
                    }
                    None => {
                        let name = entrant.name.to_owned();
                        *row = Some(Row {
                            name,
                            samples,
                            medians: vec![median],
                        });
                    }
                }
            }
        }
        rows.into_iter().flatten().collect()
    }
}

impl Samples {
    /// No samples yet; each will be the average of `per_sample` calls.
    #[must_use]
    pub fn new(per_sample: usize) -> Self {
        let histogram =
            Histogram::new_with_bounds(1, TENTHS_MAX, 3).expect("one to ten seconds in three digits");
        Self {
            histogram,
            per_sample,
        }
    }

    /// Adds one sample; a negative one, left by the cost of measuring, counts as zero.
    pub fn add(&mut self, ns: f64) {
        let tenths = (ns * TENTHS_PER_NS).round().max(0.0) as u64;
        self.histogram.saturating_record(tenths);
    }

    /// Takes the samples of another repetition in.
    pub fn merge(&mut self, other: &Self) {
        self.histogram
            .add(&other.histogram)
            .expect("both have the same bounds");
    }

    /// A percentile (0 to 100), nanoseconds.
    #[must_use]
    pub fn percentile(&self, percentile: f64) -> f64 {
        self.histogram.value_at_percentile(percentile) as f64 / TENTHS_PER_NS
    }

    /// The largest sample, nanoseconds.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.histogram.max() as f64 / TENTHS_PER_NS
    }

    /// How many samples there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }
}

impl Row {
    /// The median, over repetitions, of this row's median over the other's in the same repetition.
    #[must_use]
    pub fn ratio_to(&self, other: &Self) -> f64 {
        let mut ratios: Vec<f64> = self
            .medians
            .iter()
            .zip(&other.medians)
            .map(|(own, other)| own / other.max(0.1))
            .collect();
        ratios.sort_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// Prints rows as a table, nanoseconds; with the ratio to the row named `base` where there is one.
pub fn print_rows(title: &str, rows: &[Row], base: Option<&str>) {
    let base = base.and_then(|name| rows.iter().find(|row| row.name == name));
    let ratio_title = base.map(|base| format!("  / {}", base.name)).unwrap_or_default();
    println!("\n{title}, ns");
    println!(
        "{:<44} {:>9} {:>9} {:>9} {:>9} {:>11} {:>9}{ratio_title}",
        "", "p50", "p90", "p99", "p99.9", "max", "samples"
    );
    for row in rows {
        let Samples { per_sample, .. } = row.samples;
        let name = if per_sample > 1 {
            format!("{} (mean of {per_sample})", row.name)
        } else {
            row.name.clone()
        };
        let [p50, p90, p99, p999] = [50.0, 90.0, 99.0, 99.9].map(|at| row.samples.percentile(at));
        let (max, count) = (row.samples.max(), row.samples.count());
        let ratio = base
            .map(|base| format!("  {:.2}", row.ratio_to(base)))
            .unwrap_or_default();
        println!("{name:<44} {p50:>9.1} {p90:>9.1} {p99:>9.1} {p999:>9.1} {max:>11.1} {count:>9}{ratio}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_ratios_come_from_the_samples() {
        let mut samples = Samples::new(1);
        (1..=100).for_each(|ns| samples.add(f64::from(ns)));
        assert!((samples.percentile(50.0) - 50.0).abs() < 0.2);
        assert_eq!((samples.count(), samples.max().round()), (100, 100.0));
        samples.add(-5.0);
        assert_eq!(samples.percentile(0.0), 0.0);
        let row = |medians: Vec<f64>| Row {
            name: String::new(),
            samples: samples.clone(),
            medians,
        };
        assert_eq!(
            row(vec![2.0, 30.0, 8.0]).ratio_to(&row(vec![1.0, 10.0, 2.0])),
            3.0
        );
    }
}
