//! What a feed is to its owner: something that is polled and hands out ticks. Two of them make one by arbitration.
//!
//! [`UpstoxSource`] is the broker's feed from socket to tick; [`FailoverSource`] is a primary and a backup behind an
//! [`Arbiter`], and a source itself. Another vendor's feed plugs in by [`FeedSource`]. Invariants: ids are those of
//! the day's table in every source; ticks of a frame come in the order of the frame.
//! Left out: capture and latency stamps of the pipeline's own hot path (`tools`).

use std::time::Duration;

use bijli_core::event::{FeedState, Tick};
use bijli_core::instrument::Instrument;
use bijli_core::time::{IstDay, TsNs};

use crate::arbiter::{Arbiter, ArbiterSettings, Source, SourceCounts, Verdict};
use crate::feed_note::FeedNote;
use crate::key_index::KeyIndex;
use crate::normalise::Normaliser;
use crate::socket::{FeedClient, FeedOutput};
use crate::upstox::message::{Decoder, FrameKind, envelope};

/// What a source hands out.
#[derive(Clone, Debug)]
pub enum SourceOutput {
    /// A tick.
    Tick(Tick),
    /// The state of the source changed.
    State(FeedState),
    /// Something worth telling an operator.
    Note(FeedNote),
}

/// A feed that is polled.
pub trait FeedSource {
    /// One duty cycle: hands everything that is there to `on` and answers the work done. `now` is the machine's
    /// clock and stamps the ticks. Waits up to `wait` for bytes; `None` waits not at all.
    fn poll(&mut self, now: TsNs, wait: Option<Duration>, on: &mut dyn FnMut(SourceOutput)) -> usize;

    /// What the source can be trusted with.
    fn state(&self) -> FeedState;

    /// Its name, for people.
    fn name(&self) -> &str;
}

/// The broker's feed from socket to tick.
pub struct UpstoxSource {
    name: String,
    client: FeedClient,
    decoder: Decoder,
    keys: KeyIndex,
    normaliser: Normaliser,
}

impl UpstoxSource {
    /// A source around a client whose keys are those of `instruments`, in order.
    #[must_use]
    pub fn new(name: &str, client: FeedClient, instruments: &[Instrument], day: IstDay) -> Self {
        Self {
            name: name.to_owned(),
            client,
            decoder: Decoder::new(),
            keys: KeyIndex::new(instruments),
            normaliser: Normaliser::new(instruments, day),
        }
    }

    /// The client, for its counters and its unseen keys.
    #[must_use]
    pub const fn client(&self) -> &FeedClient {
        &self.client
    }
}

impl FeedSource for UpstoxSource {
    fn poll(&mut self, now: TsNs, wait: Option<Duration>, on: &mut dyn FnMut(SourceOutput)) -> usize {
        let (decoder, keys, normaliser) = (&mut self.decoder, &self.keys, &mut self.normaliser);
        self.client.poll(now, wait, &mut |output| match output {
            FeedOutput::Frame(frame) => {
                let snapshot = envelope(frame).is_ok_and(|(kind, _)| kind == FrameKind::Initial);
                // A broken frame is told by the client as well; the feeds before the damage are sound.
                let _told = decoder.decode(frame, keys, &mut |instrument, feed| {
                    on(SourceOutput::Tick(
                        normaliser.tick(instrument, feed, now, snapshot),
                    ));
                });
            }
            FeedOutput::State(state) => on(SourceOutput::State(state)),
            FeedOutput::Note(note) => on(SourceOutput::Note(note)),
        })
    }

    fn state(&self) -> FeedState {
        self.client.state()
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// A primary and a backup that look like one feed.
pub struct FailoverSource {
    name: String,
    sources: [Box<dyn FeedSource + Send>; 2],
    arbiter: Arbiter,
    state: FeedState,
}

impl FailoverSource {
    /// One feed of two, over so many instruments.
    #[must_use]
    pub fn new(
        primary: Box<dyn FeedSource + Send>,
        backup: Box<dyn FeedSource + Send>,
        settings: ArbiterSettings,
        instruments: usize,
    ) -> Self {
        Self {
            name: format!("{} with {}", primary.name(), backup.name()),
            sources: [primary, backup],
            arbiter: Arbiter::new(settings, instruments),
            state: FeedState::Down,
        }
    }

    /// The source that is listened to.
    #[must_use]
    pub const fn in_charge(&self) -> Source {
        self.arbiter.in_charge()
    }

    /// Counts of a source.
    #[must_use]
    pub const fn counts(&self, source: Source) -> SourceCounts {
        self.arbiter.counts(source)
    }
}

impl FeedSource for FailoverSource {
    fn poll(&mut self, now: TsNs, wait: Option<Duration>, on: &mut dyn FnMut(SourceOutput)) -> usize {
        let (arbiter, mut work) = (&mut self.arbiter, 0);
        for which in [Source::Primary, Source::Backup] {
            // Only one may wait, or each would wait for the other's bytes.
            let wait = wait.filter(|_| which == arbiter.in_charge() && work == 0);
            let source = &mut self.sources[which as usize];
            work += source.poll(now, wait.or(Some(Duration::ZERO)), &mut |output| match output {
                SourceOutput::Tick(tick) => {
                    if let Verdict::Pass(tick) = arbiter.offer(which, now, &tick) {
                        on(SourceOutput::Tick(tick));
                    }
                }
                SourceOutput::State(state) => arbiter.handle_state(which, now, state),
                SourceOutput::Note(note) => on(SourceOutput::Note(note)),
            });
        }
        arbiter.handle_timeout(now);
        if self.state != arbiter.state() {
            self.state = arbiter.state();
            on(SourceOutput::State(self.state));
        }
        work
    }

    fn state(&self) -> FeedState {
        self.state
    }

    fn name(&self) -> &str {
        &self.name
    }
}
