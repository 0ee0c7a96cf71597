//! `summary.json`: what a run came to, in one flat object whose keys do not change their meaning.
//!
//! Units stand last in the names. Scores are 0 to 1. Counters that nobody could give (a run that was cut) are
//! absent rather than zero.

use std::collections::BTreeMap;
use std::fmt;

use bijli_core::event::{DataKind, VenueKind};
use bijli_core::latency::Stage;
use bijli_core::strategy::{SCORE_PARTS, Signal};
use serde::{Deserialize, Serialize};

use super::RunFacts;
use super::day::Day;
use crate::latency_report::{LatencyReport, StageLatency, duration_text};
use crate::replica::Replayed;
use crate::words;

/// Everything in `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Where prices came from: `synthetic`, `real`, `real-ticks`, `real-bars` or `live`.
    pub data: &'static str,
    /// Where the books around the prices came from: `recorded`, `synthesised` or `live`.
    pub quotes: &'static str,
    /// Where orders went: `simulated`, `paper` or `live`.
    pub venue: &'static str,
    /// Whether prices were invented.
    pub synthetic: bool,
    /// Whether the venue was a simulator.
    pub simulated: bool,
    /// Whether fills were made on paper.
    pub paper: bool,
    /// The trading day, `YYYY-MM-DD`.
    pub day: String,
    /// Instruments in the day's table.
    pub instruments: u64,
    /// Ticks that the simulator sent, snapshots included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticks_sent: Option<u64>,
    /// Ticks that the feed decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticks_received: Option<u64>,
    /// Ticks that a newer one of the same instrument replaced before the engine saw them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticks_conflated: Option<u64>,
    /// From the open feed socket to something of every instrument, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribed_after_ms: Option<f64>,
    /// Ticks that the engine applied.
    pub ticks_applied: u64,
    /// Doubtful ticks among these, by doubt.
    pub tick_doubts: BTreeMap<&'static str, u64>,
    /// Signals that the strategy raised.
    pub signals: u64,
    /// Score of the strongest spike, 0 to 1.
    pub best_score: f64,
    /// The strongest spike, whether or not it became a signal.
    pub best_signal: Option<SignalSummary>,
    /// Orders handed to the gateway.
    pub orders_sent: u64,
    /// Orders that the broker acknowledged.
    pub orders_acked: u64,
    /// Trade rows applied.
    pub fills: u64,
    /// Refusals of our own risk gate, by code.
    pub denials: BTreeMap<&'static str, u64>,
    /// Closed round trips.
    pub trades: u64,
    /// Closed round trips that earned after charges.
    pub trades_won: u64,
    /// Positions open at the end.
    pub open_positions: u64,
    /// Result before charges, open positions marked to what they could be closed at.
    pub gross_pnl_rupees: f64,
    /// Brokerage, taxes and fees.
    pub charges_rupees: f64,
    /// Result after charges.
    pub net_pnl_rupees: f64,
    /// Largest fall of the result from a former peak.
    pub drawdown_max_rupees: f64,
    /// Latency of each stage.
    pub latency_ns: LatencySummary,
    /// The journal and what its replay showed.
    pub journal: JournalSummary,
    /// Where the report stands.
    pub report_dir: String,
}

/// A spike as the summary tells it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignalSummary {
    /// When, in India.
    pub ts_ist: String,
    /// Symbol.
    pub symbol: String,
    /// `BUY` or `SELL`.
    pub side: &'static str,
    /// Score, 0 to 1.
    pub score: f64,
    /// Its parts, 0 to 1.
    pub parts: BTreeMap<&'static str, f64>,
    /// Last price.
    pub price_rupees: f64,
}

/// Latency of all stages, nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LatencySummary {
    /// Frame bytes to ticks, per tick of the frame.
    pub decode: StageSummary,
    /// From decoded to taken out of the ring by the engine.
    pub ring: StageSummary,
    /// One event through journal and engine; one in 64 is timed.
    pub engine: StageSummary,
    /// A lane's taking of a placement to its request bytes in the kernel.
    pub order_write: StageSummary,
    /// Frame in our hands to the request bytes of the order that it caused in the kernel.
    pub tick_to_order: StageSummary,
}

/// Latency of one stage, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct StageSummary {
    /// Values recorded.
    pub count: u64,
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest value.
    pub max: u64,
}

/// The journal and what its replay showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalSummary {
    /// Records in all segments.
    pub records: u64,
    /// Bytes of these records, segment headers included.
    pub bytes: u64,
    /// Events among the records.
    pub events: u64,
    /// Segments.
    pub segments: u64,
    /// Hash of the engine's state after the last event, 16 hex digits.
    pub state_hash: String,
    /// Whether the replay gave the same commands and hashes, bit for bit.
    pub replay_identical: bool,
    /// Whether the journal was closed in order.
    pub closed: bool,
}

impl Summary {
    /// What a run came to.
    #[must_use]
    pub fn of(day: &Day, replayed: &Replayed, facts: &RunFacts, report_dir: &str) -> Self {
        let data = day.data.unwrap_or(DataKind::Synthetic);
        let venue = day.venue.unwrap_or(VenueKind::Simulated);
        let (won, lost) = day.wins_and_losses();
        Self {
            data: data.name(),
            quotes: words::quotes_name(data),
            venue: words::venue_name(venue),
            synthetic: data == DataKind::Synthetic,
            simulated: venue == VenueKind::Simulated,
            paper: venue == VenueKind::Paper,
            day: day.day.to_string(),
            instruments: day.symbols.len() as u64,
            ticks_sent: facts.ticks_sent,
            ticks_received: facts.ticks_received,
            ticks_conflated: facts.ticks_conflated,
            subscribed_after_ms: facts.subscribed_after_us.map(|us| us as f64 / 1e3),
            ticks_applied: day.counts.ticks,
            tick_doubts: doubts_of(day),
            signals: day.counts.signals,
            best_score: day.best.map_or(0.0, |best| score(best.score_ppm)),
            best_signal: day.best.map(|best| SignalSummary::of(day, &best)),
            orders_sent: day.counts.entries + day.counts.exits,
            orders_acked: day.acked,
            fills: day.counts.fills,
            denials: day
                .denials
                .iter()
                .map(|(denial, count)| (denial.code(), *count))
                .collect(),
            trades: won + lost,
            trades_won: won,
            open_positions: day.open_positions,
            gross_pnl_rupees: day.gross().rupees(),
            charges_rupees: day.charges.rupees(),
            net_pnl_rupees: day.net.rupees(),
            drawdown_max_rupees: day.drawdown_max().rupees(),
            latency_ns: LatencySummary::of(&facts.latency),
            journal: JournalSummary {
                records: replayed.records,
                bytes: replayed.bytes,
                events: replayed.events,
                segments: replayed.segments,
                state_hash: format!("{:016x}", replayed.state_hash),
                replay_identical: replayed.identical,
                closed: replayed.closed,
            },
            report_dir: report_dir.to_owned(),
        }
    }
}

/// The summary as people read it at the end of a run.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = &self.latency_ns.tick_to_order;
        writeln!(
            f,
            "day        {} · data {} · quotes {} · venue {}",
            self.day, self.data, self.quotes, self.venue
        )?;
        let ticks = words::count_text(self.ticks_applied);
        writeln!(
            f,
            "ticks      {ticks} applied over {} instruments",
            self.instruments
        )?;
        writeln!(
            f,
            "signals    {} · best score {:.3}",
            self.signals, self.best_score
        )?;
        writeln!(
            f,
            "orders     {} sent · {} acknowledged · {} fills",
            self.orders_sent, self.orders_acked, self.fills
        )?;
        writeln!(
            f,
            "trades     {} round trips, {} won · {} positions open",
            self.trades, self.trades_won, self.open_positions
        )?;
        writeln!(
            f,
            "result     net ₹{:+.2} = gross {:+.2} - charges {:.2} · largest drawdown {:.2}",
            self.net_pnl_rupees, self.gross_pnl_rupees, self.charges_rupees, self.drawdown_max_rupees
        )?;
        match order.count {
            0 => writeln!(
                f,
                "latency    tick to order not measured: no tick caused an order on a wire"
            )?,
            count => writeln!(
                f,
                "latency    tick to order p50 {} · max {} over {count} orders",
                duration_text(order.p50),
                duration_text(order.max)
            )?,
        }
        writeln!(
            f,
            "journal    {} records · state {} · replay {}",
            words::count_text(self.journal.records),
            self.journal.state_hash,
            if self.journal.replay_identical {
                "identical"
            } else {
                "DIFFERS"
            }
        )?;
        write!(f, "report     {}/report.html", self.report_dir)
    }
}

fn doubts_of(day: &Day) -> BTreeMap<&'static str, u64> {
    let named = words::TICK_DOUBTS.iter().zip(day.doubts);
    named
        .filter(|(_, count)| *count > 0)
        .map(|((_, name), count)| (*name, count))
        .collect()
}

fn score(ppm: u32) -> f64 {
    f64::from(ppm) / 1e6
}

impl SignalSummary {
    fn of(day: &Day, signal: &Signal) -> Self {
        Self {
            ts_ist: words::stamp_text(signal.ts),
            symbol: day.symbol(signal.instrument),
            side: words::side_name(signal.side),
            score: score(signal.score_ppm),
            parts: SCORE_PARTS.into_iter().zip(signal.parts_ppm.map(score)).collect(),
            price_rupees: signal.price.rupees(),
        }
    }
}

impl LatencySummary {
    /// The stages of a latency report; a stage that it does not hold is all zero.
    #[must_use]
    pub fn of(report: &LatencyReport) -> Self {
        let stage = |stage: Stage| {
            report
                .stage(stage.name())
                .map(StageSummary::of)
                .unwrap_or_default()
        };
        Self {
            decode: stage(Stage::Decode),
            ring: stage(Stage::Ring),
            engine: stage(Stage::Engine),
            order_write: stage(Stage::OrderWrite),
            tick_to_order: stage(Stage::TickToOrder),
        }
    }
}

impl StageSummary {
    fn of(stage: &StageLatency) -> Self {
        Self {
            count: stage.count,
            p50: stage.p50_ns,
            p99: stage.p99_ns,
            p999: stage.p999_ns,
            max: stage.max_ns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn summary() -> Summary {
        let replayed = Replayed {
            records: 10,
            bytes: 1_280,
            events: 8,
            segments: 1,
            state_hash: 0xabc,
            identical: true,
            closed: true,
            ..Replayed::default()
        };
        let facts = RunFacts {
            ticks_sent: Some(130_000),
            ticks_received: Some(130_000),
            ticks_conflated: Some(6_544),
            subscribed_after_us: Some(61_250),
            latency: LatencyReport {
                stages: vec![StageLatency::from_percentiles(
                    "tick_to_order",
                    3,
                    26_000,
                    74_000,
                    74_000,
                    74_000,
                )],
            },
            ..RunFacts::default()
        };
        Summary::of(&sample::day(), &replayed, &facts, "runs/x")
    }

    #[test]
    fn the_summary_of_the_sample_day_adds_up() {
        let summary = summary();
        assert_eq!(
            (summary.data, summary.venue, summary.quotes),
            ("synthetic", "simulated", "synthesised")
        );
        assert_eq!((summary.trades, summary.trades_won), (1, 1));
        assert_eq!(
            (summary.orders_sent, summary.orders_acked, summary.fills),
            (3, 3, 3)
        );
        assert!((summary.gross_pnl_rupees - summary.charges_rupees - summary.net_pnl_rupees).abs() < 1e-9);
        assert_eq!(summary.drawdown_max_rupees, 275.0);
        assert_eq!(summary.denials["COOLDOWN"], 1);
        assert_eq!(summary.latency_ns.tick_to_order.p99, 74_000);
    }

    #[test]
    fn people_read_the_result_and_where_the_report_is() {
        let text = summary().to_string();
        for words in [
            "net ₹+953.98 = gross +1000.00 - charges 46.02",
            "max 74.0µs over",
            "runs/x/report.html",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn the_keys_that_scripts_rely_on_are_there() {
        let json = serde_json::to_value(summary()).expect("plain data");
        for key in [
            "/data",
            "/instruments",
            "/ticks_sent",
            "/ticks_received",
            "/ticks_conflated",
            "/subscribed_after_ms",
            "/ticks_applied",
            "/signals",
            "/orders_sent",
            "/orders_acked",
            "/fills",
            "/open_positions",
            "/net_pnl_rupees",
            "/charges_rupees",
            "/latency_ns/decode/p50",
            "/latency_ns/tick_to_order/p999",
            "/journal/state_hash",
            "/journal/replay_identical",
            "/report_dir",
            "/best_signal/parts/volume",
        ] {
            assert!(json.pointer(key).is_some(), "{key}");
        }
        assert_eq!(json["journal"]["state_hash"], "0000000000000abc");
    }

    #[test]
    fn what_nobody_counted_is_absent() {
        let bare = Summary::of(
            &sample::day(),
            &Replayed::default(),
            &RunFacts::default(),
            "runs/x",
        );
        let json = serde_json::to_value(bare).expect("plain data");
        assert!(json.get("ticks_sent").is_none());
        assert_eq!(json["latency_ns"]["ring"]["max"], 0);
    }
}
