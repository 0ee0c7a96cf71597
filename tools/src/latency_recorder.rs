//! A histogram of one stage, owned by the thread that measures it.
//!
//! Fixed bounds, so recording never allocates: 1 ns to 60 s at three significant digits. Longer times count
//! as 60 s.

use bijli_core::latency::Stage;
use bijli_core::readout::LatencyReadout;
use hdrhistogram::Histogram;

const LONGEST_NS: u64 = 60_000_000_000;

/// The histogram of one stage.
#[derive(Clone, Debug)]
pub struct LatencyRecorder {
    stage: Stage,
    histogram: Histogram<u64>,
}

impl LatencyRecorder {
    /// An empty histogram for `stage`.
    #[must_use]
    pub fn new(stage: Stage) -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("the bounds are in order");
        Self { stage, histogram }
    }

    /// Adds one measurement in nanoseconds.
    pub fn record(&mut self, latency_ns: u64) {
        self.histogram.saturating_record(latency_ns.max(1));
    }

    /// The stage.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// All that was recorded.
    #[must_use]
    pub const fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }

    /// The percentiles as the snapshot shows them.
    #[must_use]
    pub fn readout(&self) -> LatencyReadout {
        let at = |quantile| self.histogram.value_at_quantile(quantile);
        LatencyReadout {
            count: self.histogram.len(),
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            max: self.histogram.max(),
        }
    }
}
