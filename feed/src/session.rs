//! The life of the feed connection as a pure state machine: authorise, follow the redirect, hear the market's state,
//! subscribe, stay live, and start over when anything breaks.
//!
//! The owner performs what [`Session::poll_transmit`] asks for, tells what happened through the `handle_` verbs, and
//! calls [`Session::handle_timeout`] no later than [`Session::poll_timeout`]. After each of these it drains all
//! outputs. Invariants: the redirect address is used once and never kept; every attempt starts at the entry with the
//! then current token; a dead token stops all attempts until there is a new one; while the broker says that the market
//! is closed nothing reconnects out of impatience. `now` is the machine's clock, not the market's.
//!
//! Left out: bytes on the wire and the token itself (`socket`), the meaning of feeds (`normalise`).
//! Facts: the broker's market feed V3 page and client behaviour, see `upstox/PROTOCOL.md`.

mod view;

use std::collections::VecDeque;

use bijli_core::event::FeedState;
use bijli_core::time::{DurationNs, TsNs};

use crate::audit::{Audit, AuditStep};
use crate::backoff::Backoff;
use crate::feed_note::{Address, FeedCounters, FeedNote, NAMES_MAX, SessionEvent, Transmit};
use crate::liveness::{Freshness, Liveness, MarketDoor, MarketHours};
use crate::market_view::MarketView;
use crate::subscription::{BadKey, Method, Mode, Subscription};
use crate::upstox::market_info::SegmentPhases;
use crate::upstox::message;

/// From asking for a connection to having it.
pub const HANDSHAKE_MAX: DurationNs = DurationNs::from_secs(10);
/// Subscriptions are sent without the market's state when it does not come within this time.
pub const MARKET_INFO_WAIT: DurationNs = DurationNs::from_secs(1);
/// Between two requests.
pub const REQUEST_GAP: DurationNs = DurationNs::from_millis(50);
/// Least wait after a refusal for which another attempt in the same second is no cure: the broker may still believe
/// in the old socket, or ask for patience.
pub const REFUSED_WAIT_MIN: DurationNs = DurationNs::from_secs(1);
/// A connection that was live for this long has proven itself: the next wait is short again.
pub const PROVEN_AFTER: DurationNs = DurationNs::from_secs(10);
/// Broken frames in a row that end a connection.
pub const BROKEN_FRAMES_MAX: u32 = 16;
/// Failed attempts in a row after which an operator should look.
pub const ALARM_ATTEMPTS: u32 = 3;

/// What shapes a session.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// Instrument keys to subscribe to.
    pub keys: Vec<String>,
    /// How much of each.
    pub mode: Mode,
    /// Keys per request.
    pub batch: usize,
    /// Age of data from which the feed counts as mute.
    pub mute_after: DurationNs,
    /// Seed of the waits between attempts.
    pub jitter_seed: u64,
    /// When data is due by the session table.
    pub hours: MarketHours,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Waiting {
        until: TsNs,
    },
    TokenDead,
    Connecting {
        entry: bool,
        deadline: TsNs,
    },
    Open {
        since: TsNs,
        request_at: TsNs,
        audit: Audit,
        /// Since when the state is one that a good connection has; never while it is not.
        steady_since: TsNs,
    },
}

/// The session.
#[derive(Clone, Debug)]
pub struct Session {
    link: Link,
    state: FeedState,
    subscription: Subscription,
    liveness: Liveness,
    market: MarketView,
    backoff: Backoff,
    connections: u64,
    broken_in_row: u32,
    /// Whether the token is known dead from elsewhere: no attempt is made with it.
    token_buried: bool,
    counters: FeedCounters,
    transmits: VecDeque<Transmit>,
    events: VecDeque<SessionEvent>,
}

impl Session {
    /// A session that makes its first attempt at the first [`Session::handle_timeout`].
    ///
    /// # Errors
    /// [`BadKey`] when a key cannot be one.
    pub fn new(settings: &SessionSettings) -> Result<Self, BadKey> {
        Ok(Self {
            link: Link::Waiting { until: TsNs::NEVER },
            state: FeedState::Down,
            subscription: Subscription::new(&settings.keys, settings.mode, settings.batch)?,
            liveness: Liveness::new(settings.mute_after, settings.hours),
            market: MarketView::new(settings.hours.opens_at),
            backoff: Backoff::new(settings.jitter_seed),
            connections: 0,
            broken_in_row: 0,
            token_buried: false,
            counters: FeedCounters::default(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        })
    }

    /// The WebSocket is open.
    pub fn handle_connected(&mut self, now: TsNs) {
        assert!(
            matches!(self.link, Link::Connecting { .. }),
            "a connection opens only when it was asked for"
        );
        if self.connections > 0 {
            self.counters.reconnects += 1;
        }
        self.connections += 1;
        self.broken_in_row = 0;
        self.market.restart();
        self.liveness.connected(now);
        self.subscription.restart();
        self.link = Link::Open {
            since: now,
            request_at: now.plus(MARKET_INFO_WAIT),
            audit: Audit::IDLE,
            steady_since: TsNs::NEVER,
        };
        self.note(FeedNote::Connected);
    }

    /// The far side sends us elsewhere. Followed once, from the entry only.
    pub fn handle_redirected(&mut self, now: TsNs, location: String) {
        match self.link {
            Link::Connecting {
                entry: true,
                deadline,
            } => {
                self.link = Link::Connecting {
                    entry: false,
                    deadline,
                };
                self.transmits
                    .push_back(Transmit::Connect(Address::Redirect(location)));
            }
            Link::Connecting { .. } | Link::Waiting { .. } | Link::TokenDead | Link::Open { .. } => {
                self.fail(now, "redirected a second time".to_owned());
            }
        }
    }

    /// The far side refused the connection. 401 at the entry means a dead token; everything else is tried again.
    pub fn handle_refused(&mut self, now: TsNs, status: u16, body: String) {
        let at_entry = matches!(self.link, Link::Connecting { entry: true, .. });
        self.note(FeedNote::Refused { status, body });
        if status == 401 && at_entry {
            self.transmits.clear();
            self.transmits.push_back(Transmit::Close);
            self.link = Link::TokenDead;
            self.note(FeedNote::TokenDead);
            self.become_state(FeedState::Down);
        } else {
            self.fail(now, format!("refused with status {status}"));
            if let Link::Waiting { until } = &mut self.link
                && matches!(status, 403 | 429)
            {
                *until = (*until).max(now.plus(REFUSED_WAIT_MIN));
            }
        }
    }

    /// The connection ended, or could not be made.
    pub fn handle_disconnected(&mut self, now: TsNs, reason: String) {
        self.fail(now, reason);
    }

    /// There is a new token: an attempt may begin at once.
    pub fn handle_new_token(&mut self, now: TsNs) {
        self.token_buried = false;
        if self.link == Link::TokenDead {
            self.backoff.reset();
            self.link = Link::Waiting { until: now };
        }
    }

    /// The token is known dead from elsewhere: an open connection is read on, a new one is not tried.
    pub fn bury_token(&mut self) {
        self.token_buried = true;
        if let Link::Waiting { .. } = self.link {
            self.link = Link::TokenDead;
        }
    }

    /// A binary frame arrived. The frame itself is the owner's to pass on, broken or not.
    pub fn handle_frame(&mut self, now: TsNs, frame: &[u8]) {
        self.counters.frames += 1;
        self.counters.bytes += frame.len() as u64;
        self.counters.last_frame = now;
        let subscription = &mut self.subscription;
        // The clock of the audit does not run once all keys have answered, so neither do the look-ups.
        let all_seen = subscription.unseen_count() == 0;
        let surveyed = message::survey(frame, |key| {
            if !all_seen {
                subscription.saw(key);
            }
        });
        let now_all_seen = !all_seen && subscription.unseen_count() == 0;
        match surveyed {
            Ok(head) => {
                self.broken_in_row = 0;
                self.counters.feeds += u64::from(head.feeds);
                if !head.market.is_empty() {
                    self.market_told(now, &head.market);
                }
                if head.feeds > 0 {
                    self.liveness.heard(now);
                }
                if now_all_seen {
                    self.all_seen(now);
                }
                self.judge(now);
            }
            Err(error) => {
                self.counters.decode_errors += 1;
                self.broken_in_row += 1;
                self.note(FeedNote::BrokenFrame(error));
                if self.broken_in_row >= BROKEN_FRAMES_MAX {
                    self.fail(now, format!("{BROKEN_FRAMES_MAX} broken frames in a row"));
                }
            }
        }
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: TsNs) {
        match self.link {
            // Without a key there is nothing to connect for.
            Link::Waiting { until } if now >= until && self.subscription.wanted() > 0 => self.connect(now),
            Link::Connecting { deadline, .. } if now >= deadline => {
                self.fail(now, "no connection within ten seconds".to_owned());
            }
            Link::Open { .. } => {
                if self.market.doubts(now) {
                    self.liveness.door(now, MarketDoor::Unknown);
                }
                self.ask(now);
                self.judge(now);
            }
            Link::Waiting { .. } | Link::Connecting { .. } | Link::TokenDead => {}
        }
    }

    /// When [`Session::handle_timeout`] is due next; `None` when nothing is.
    #[must_use]
    pub fn poll_timeout(&self, now: TsNs) -> Option<TsNs> {
        match self.link {
            Link::Waiting { until } => (self.subscription.wanted() > 0).then_some(until),
            Link::Connecting { deadline, .. } => Some(deadline),
            Link::TokenDead => None,
            Link::Open {
                request_at,
                audit,
                steady_since,
                ..
            } => [
                self.subscription.has_pending().then_some(request_at),
                audit.due(),
                (steady_since.is_set() && self.backoff.attempts() > 0)
                    .then(|| steady_since.plus(PROVEN_AFTER)),
                self.market.doubt_at(),
                self.liveness.deadline(now),
            ]
            .into_iter()
            .flatten()
            .min(),
        }
    }

    /// What the owner is to do next.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// What the owner is to pass on next.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// Changes what is subscribed to while the session runs.
    ///
    /// # Errors
    /// [`BadKey`] when a key cannot be one; nothing is changed then.
    pub fn change(&mut self, now: TsNs, method: Method, keys: &[String], mode: Mode) -> Result<(), BadKey> {
        match method {
            Method::Subscribe => {
                self.subscription.subscribe(keys, mode)?;
            }
            Method::ChangeMode => {
                self.subscription.change_mode(keys, mode);
            }
            Method::Unsubscribe => {
                self.subscription.unsubscribe(keys);
            }
        }
        if let Link::Open { request_at, .. } = &mut self.link {
            *request_at = (*request_at).max(now);
        }
        Ok(())
    }

    fn connect(&mut self, now: TsNs) {
        self.note(FeedNote::Connecting {
            attempt: self.backoff.attempts(),
        });
        self.link = Link::Connecting {
            entry: true,
            deadline: now.plus(HANDSHAKE_MAX),
        };
        self.transmits.push_back(Transmit::Connect(Address::Entry));
    }

    fn fail(&mut self, now: TsNs, reason: String) {
        if matches!(self.link, Link::Waiting { .. } | Link::TokenDead) {
            return;
        }
        // What was to be sent belonged to the connection that is gone.
        self.transmits.clear();
        self.transmits.push_back(Transmit::Close);
        self.note(FeedNote::Disconnected { reason });
        self.become_state(FeedState::Down);
        if self.token_buried {
            self.link = Link::TokenDead;
            return;
        }
        let wait = self.backoff.next_wait();
        self.link = Link::Waiting {
            until: now.plus(wait),
        };
        self.note(FeedNote::Waiting { wait });
        if self.backoff.attempts() == ALARM_ATTEMPTS {
            self.note(FeedNote::Alarm {
                attempts: ALARM_ATTEMPTS,
            });
        }
    }

    /// Sends the next request when its time has come, and audits when all were sent.
    fn ask(&mut self, now: TsNs) {
        let Link::Open {
            request_at, audit, ..
        } = &mut self.link
        else {
            return;
        };
        if *request_at <= now
            && let Some(request) = self.subscription.next_request()
        {
            self.transmits.push_back(Transmit::Binary(request));
            self.liveness.asked(now);
            *request_at = now.plus(REQUEST_GAP);
            if !self.subscription.has_pending() && audit.all_sent(now) {
                let keys = self.subscription.wanted();
                self.note(FeedNote::Subscribed { keys });
            }
            return;
        }
        match audit.step(now) {
            Some(AuditStep::AskAgain) => match self.subscription.ask_again() {
                0 => {}
                keys => self.note(FeedNote::AskedAgain { keys }),
            },
            Some(AuditStep::Verdict) => self.give_verdict(),
            None => {}
        }
    }

    fn give_verdict(&mut self) {
        self.subscription.give_up_unseen();
        let (wanted, unseen) = (self.subscription.wanted(), self.subscription.unseen_count());
        self.note(FeedNote::Audited { wanted, unseen });
        if unseen > 0 {
            let named = self.subscription.never_seen().take(NAMES_MAX);
            let first = named.map(str::to_owned).collect();
            self.note(FeedNote::NeverSeen { keys: unseen, first });
        }
    }

    /// The last of all keys has answered.
    fn all_seen(&mut self, now: TsNs) {
        if let Link::Open { since, .. } = self.link {
            let (keys, after) = (self.subscription.wanted(), now.since(since));
            self.counters.subscribed_after = after;
            self.note(FeedNote::AllSeen { keys, after });
        }
    }

    fn market_told(&mut self, now: TsNs, told: &SegmentPhases) {
        self.market.told(now, told);
        self.liveness
            .door(now, self.market.door(self.subscription.keys()));
        if let Link::Open {
            request_at, audit, ..
        } = &mut self.link
            && !audit.is_running()
        {
            *request_at = (*request_at).min(now);
        }
        self.note(FeedNote::MarketTold(*told));
    }

    /// Turns the freshness of data into the feed's state.
    fn judge(&mut self, now: TsNs) {
        if !matches!(self.link, Link::Open { .. }) {
            return;
        }
        match self.liveness.freshness(now) {
            Freshness::Awaited => self.prove(now),
            Freshness::Young => self.steady(now, FeedState::Live),
            Freshness::Quiet => self.steady(now, FeedState::Closed),
            Freshness::Mute => self.falter(),
            Freshness::Dead => {
                let age_ms = self.liveness.age(now).get() / 1_000_000;
                self.falter();
                self.fail(now, format!("no market data for {age_ms} ms"));
            }
        }
    }

    /// The connection is as it should be.
    fn steady(&mut self, now: TsNs, state: FeedState) {
        if let Link::Open { steady_since, .. } = &mut self.link
            && !steady_since.is_set()
        {
            *steady_since = now;
        }
        self.prove(now);
        self.become_state(state);
    }

    /// A connection that was steady for long enough makes the next wait short again.
    fn prove(&mut self, now: TsNs) {
        if let Link::Open { steady_since, .. } = self.link
            && steady_since.is_set()
            && now >= steady_since.plus(PROVEN_AFTER)
        {
            self.backoff.reset();
        }
    }

    fn falter(&mut self) {
        if let Link::Open { steady_since, .. } = &mut self.link {
            *steady_since = TsNs::NEVER;
        }
        self.become_state(FeedState::Mute);
    }

    fn become_state(&mut self, state: FeedState) {
        if self.state != state {
            self.state = state;
            self.events.push_back(SessionEvent::State(state));
        }
    }

    fn note(&mut self, note: FeedNote) {
        self.events.push_back(SessionEvent::Note(note));
    }
}
