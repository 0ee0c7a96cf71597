//! The live state of an engine as its readers hold it: one consistent copy of every slot of a snapshot.
//!
//! Invariants: a slot that is empty, or whose writer died inside it, is missing here and named in `doubts`;
//! only a snapshot without a readable session is no snapshot at all. Signals and orders come newest first.
//! A copy is for people; nothing is traded or recovered from it.

use bijli_core::Money;
use bijli_core::config::RiskConfig;
use bijli_core::latency::STAGES;
use bijli_core::readout::{
    DenialReadout, DifferenceReadout, EngineReadout, FeedReadout, GatewayReadout, LatencyReadout,
    OrderReadout, PageReadout, PositionReadout, SessionReadout, SignalReadout, SupervisionReadout,
};
use bijli_core::risk::TradingMode;
use bijli_core::snapshot::{SnapshotError, SnapshotReader};
use bijli_core::{DurationNs, TsNs};

use crate::latency_report::{LatencyReport, StageLatency};
use crate::words;

/// A running engine that has not written for so long stands still.
pub const STALE_AFTER: DurationNs = DurationNs::from_secs(2);

/// Every slot of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readouts {
    /// Which day, which data, which venue, which process.
    pub session: SessionReadout,
    /// The engine.
    pub engine: Option<EngineReadout>,
    /// The feed.
    pub feed: Option<FeedReadout>,
    /// The gateway.
    pub gateway: Option<GatewayReadout>,
    /// Each stage, in the order of [`STAGES`].
    pub latency: [Option<LatencyReadout>; STAGES.len()],
    /// Open positions.
    pub positions: Vec<PositionReadout>,
    /// The last signals, newest first.
    pub signals: Vec<SignalReadout>,
    /// The last orders, newest first.
    pub orders: Vec<OrderReadout>,
    /// Answers of the risk gate.
    pub denials: Option<DenialReadout>,
    /// Start, supervision, funds.
    pub supervision: Option<SupervisionReadout>,
    /// Where the broker's books differ from ours.
    pub differences: Vec<DifferenceReadout>,
    /// For what a person is called, in the order of the reasons' numbers.
    pub pages: Vec<PageReadout>,
    /// Slots that could not be read, and why.
    pub doubts: Vec<String>,
}

/// A copy of the state, and how far it can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The run directory.
    pub run: String,
    /// The state.
    pub readouts: Readouts,
    /// Limits of the risk gate, from the journal; `None` until it holds them.
    pub risk: Option<RiskConfig>,
    /// Whether the process that wrote it is there.
    pub writer_alive: bool,
    /// Wall clock when the copy was taken.
    pub taken: TsNs,
}

impl Readouts {
    /// Copies every slot.
    ///
    /// # Errors
    /// [`SnapshotError`] when the session cannot be read: then there is nothing to say of the rest.
    pub fn read(reader: &SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        let session = reader.session()?;
        let mut doubts = Vec::new();
        let mut signals = all(reader.signals(), &mut doubts);
        signals.sort_by_key(|signal| std::cmp::Reverse(signal.ts));
        let mut orders = all(reader.orders(), &mut doubts);
        orders.sort_by_key(|order| std::cmp::Reverse((order.intent, order.ts)));
        Ok(Self {
            session,
            engine: sole(reader.engine(), &mut doubts),
            feed: sole(reader.feed(), &mut doubts),
            gateway: sole(reader.gateway(), &mut doubts),
            latency: STAGES.map(|stage| sole(reader.latency(stage), &mut doubts).flatten()),
            positions: all(reader.positions(), &mut doubts),
            signals,
            orders,
            denials: sole(reader.denials(), &mut doubts),
            supervision: sole(reader.supervision(), &mut doubts),
            differences: all(reader.differences(), &mut doubts),
            pages: all(reader.pages(), &mut doubts),
            doubts,
        })
    }

    /// Result of the day: realised and unrealised, charges deducted; saturates.
    #[must_use]
    pub fn net(&self) -> Money {
        self.engine.map_or(Money::ZERO, |engine| {
            let gross = engine.realised.get().saturating_add(engine.unrealised.get());
            Money::new(gross.saturating_sub(engine.charges.get()))
        })
    }

    /// The trading mode's name; a dead token goes before it, since nothing can be sent.
    #[must_use]
    pub fn mode_name(&self) -> &'static str {
        if self.token_dead() {
            return "TOKEN_DEAD";
        }
        let mode = self
            .engine
            .and_then(|engine| TradingMode::from_number(engine.mode));
        mode.map_or("STARTING", TradingMode::name)
    }

    /// Whether the access token is dead: by its hour, or because the broker said so.
    #[must_use]
    pub fn token_dead(&self) -> bool {
        let expires = self.session.token_expires;
        let now = self.engine.map_or(TsNs::NEVER, |engine| engine.now);
        (expires.is_set() && now >= expires) || self.gateway.is_some_and(|gateway| gateway.token_dead)
    }

    /// How long the access token has, in words; `None` before the engine has told the time.
    #[must_use]
    pub fn token_text(&self) -> Option<String> {
        let engine = self.engine?;
        let known_dead = self.gateway.is_some_and(|gateway| gateway.token_dead);
        Some(words::token_text(
            self.session.token_expires,
            engine.now,
            known_dead,
        ))
    }

    /// The stages as a latency report.
    #[must_use]
    pub fn latency_report(&self) -> LatencyReport {
        let stages = STAGES
            .iter()
            .zip(&self.latency)
            .map(|(stage, readout)| match readout {
                Some(readout) => StageLatency::from_percentiles(
                    stage.name(),
                    readout.count,
                    readout.p50,
                    readout.p99,
                    readout.p999,
                    readout.max,
                ),
                None => StageLatency {
                    stage: stage.name().to_owned(),
                    ..StageLatency::default()
                },
            });
        LatencyReport {
            stages: stages.collect(),
        }
    }
}

fn sole<R>(read: Result<R, SnapshotError>, doubts: &mut Vec<String>) -> Option<R> {
    match read {
        Ok(readout) => Some(readout),
        Err(SnapshotError::Empty { .. }) => None,
        Err(error) => {
            doubts.push(error.to_string());
            None
        }
    }
}

fn all<R>(slots: impl Iterator<Item = Result<R, SnapshotError>>, doubts: &mut Vec<String>) -> Vec<R> {
    slots.filter_map(|slot| sole(slot, doubts)).collect()
}

impl Sight {
    /// How old the engine's last write was when the copy was taken; `None` before its first.
    #[must_use]
    pub fn age(&self) -> Option<DurationNs> {
        let engine = self.readouts.engine?;
        engine.wall_ns.is_set().then(|| self.taken.since(engine.wall_ns))
    }

    /// Why the state must not be taken for the present, if so.
    #[must_use]
    pub fn staleness(&self) -> Option<String> {
        let age = self
            .age()
            .map_or("an unknown time".to_owned(), |age| words::span_text(age.get()));
        if !self.writer_alive {
            return Some(format!(
                "STALE: process {} has ended; last written {age} ago",
                self.readouts.session.pid
            ));
        }
        let old = self.age().is_none_or(|age| age > STALE_AFTER);
        old.then(|| format!("STALE: the engine has not written for {age}"))
    }

    /// Share of the daily loss limit that is used up, 0 to 1 and beyond, with the limit; `None` while the
    /// limit is unknown.
    #[must_use]
    pub fn day_loss(&self) -> Option<(f64, Money)> {
        let risk = self.risk.as_ref()?;
        let limit = risk.capital.bps(risk.daily_loss_bps);
        let loss = (-self.readouts.net().get()).max(0);
        (limit.get() > 0).then(|| (loss as f64 / limit.get() as f64, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use bijli_core::snapshot::{SNAPSHOT_BYTES, SnapshotWriter};

    /// Memory for a snapshot, aligned as a mapped file is.
    fn memory() -> Vec<u64> {
        vec![0; SNAPSHOT_BYTES / 8]
    }

    fn bytes_of(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn what_was_written_is_read_back_newest_first() {
        let mut bytes = bytes_of(&memory());
        let writer = SnapshotWriter::create(&mut bytes).expect("heap memory of this size is aligned");
        let written = sample::readouts();
        sample::write(&writer, &written);
        assert_eq!(Readouts::read(&writer.reader()), Ok(written));
    }

    #[test]
    fn a_snapshot_that_was_only_begun_has_a_session_or_is_none() {
        let mut bytes = bytes_of(&memory());
        let writer = SnapshotWriter::create(&mut bytes).expect("heap memory of this size is aligned");
        assert!(Readouts::read(&writer.reader()).is_err());
        writer.put_session(&sample::readouts().session);
        let readouts = Readouts::read(&writer.reader()).expect("a session is enough");
        assert_eq!((readouts.engine, readouts.mode_name()), (None, "STARTING"));
        assert!(readouts.doubts.is_empty() && readouts.latency_report().is_empty());
    }

    #[test]
    fn a_slot_that_its_writer_left_half_written_is_missing_and_named() {
        let mut bytes = bytes_of(&memory());
        sample::write(
            &SnapshotWriter::create(&mut bytes).expect("heap memory of this size is aligned"),
            &sample::readouts(),
        );
        let engine = bijli_core::snapshot::layout()
            .into_iter()
            .find(|group| group.name == "engine");
        let offset = engine.expect("the engine has a slot").offset;
        bytes[offset] |= 1;
        let reader = SnapshotReader::open(&bytes).expect("the header is whole");
        let readouts = Readouts::read(&reader).expect("the session is whole");
        assert!(readouts.engine.is_none());
        assert!(readouts.doubts[0].contains("engine"), "{:?}", readouts.doubts);
    }

    #[test]
    fn a_state_is_stale_when_its_writer_is_gone_or_stands_still() {
        let mut sight = sample::sight();
        assert_eq!(sight.staleness(), None);
        sight.taken = sight.taken.plus(DurationNs::from_secs(65));
        let words = sight.staleness().expect("a minute is too long");
        assert!(words.contains("not written for 1m05s"), "{words}");
        sight.writer_alive = false;
        assert!(
            sight
                .staleness()
                .is_some_and(|words| words.contains("process 4242 has ended"))
        );
    }

    #[test]
    fn the_day_loss_counts_losses_alone() {
        let mut sight = sample::sight();
        assert_eq!(sight.day_loss(), Some((0.0, Money::from_rupees(2_000))));
        let engine = sight.readouts.engine.as_mut().expect("the sample has an engine");
        engine.realised = Money::from_rupees(-1_000);
        engine.unrealised = Money::ZERO;
        engine.charges = Money::from_rupees(500);
        assert_eq!(sight.day_loss(), Some((0.75, Money::from_rupees(2_000))));
        sight.risk = None;
        assert_eq!(sight.day_loss(), None);
    }
}
