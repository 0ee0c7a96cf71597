//! Whether calls may leave at all: the token, the breakers of writes and reads, and the alert.
//!
//! Money first. No call leaves with a token known dead; what waited then was never sent, and that is certain.
//! The breaker of writes holds entries only: an exit is tried whatever the breaker says, and by succeeding closes
//! it. When the pause is over the first entry is the probe; if it gets lost it is UNKNOWN like any other. The
//! breaker of reads and the pauses that the broker asks for hold polls of the book, but nothing that an exit may
//! wait for: while an intent is unknown, a change is in doubt, an exit is queued or works, or the token is doubted,
//! every read goes out at its usual pace. A doubt of the token holds entries and no exit. Sources: the parent module's.

use bijli_core::order::Purpose;
use bijli_core::planted::{Bug, planted};
use bijli_core::readout::GatewayReadout;
use bijli_core::{DurationNs, TsNs};

use super::known_order::FORMER_CHANGE_MAX;
use super::{Asked, Gateway, Queued};
use crate::budget::Budget;
use crate::orders::Order;
use crate::request::{Lane, Reply};
use crate::rest::breaker::Pauses;
use crate::rest::class_health::ClassHealth;
use crate::rest::error_rate::ERRORS_PER_MINUTE_MAX;
use crate::rest::token_gate::{CONFIRM_AFTER, TokenDeath, TokenGate};
use crate::rest::verdict::Verdict;
use crate::times::Times;

/// The health of everything that the gateway calls.
#[derive(Debug)]
pub(super) struct Health {
    pub(super) writes: ClassHealth,
    pub(super) reads: ClassHealth,
    pub(super) token: TokenGate,
    /// Whether the token's death was acted upon.
    buried: bool,
    /// Whether the last read failed: the next one asks again.
    read_failed: bool,
}

impl Health {
    pub(super) fn new(token_expires: TsNs) -> Self {
        Self {
            writes: ClassHealth::new(Pauses::URGENT),
            reads: ClassHealth::new(Pauses::URGENT),
            token: TokenGate::new(token_expires),
            buried: false,
            read_failed: false,
        }
    }

    pub(super) fn note_sent(&mut self, now: TsNs, lane: Lane) {
        if lane == Lane::Read {
            self.reads.note_sent(now);
            if self.read_failed {
                self.reads.note_retry();
            }
        } else {
            self.writes.note_sent(now);
        }
    }
}

impl Gateway {
    /// The broker turned the token away somewhere else, e.g. at the order stream.
    pub fn handle_token_refused(&mut self, now: impl Into<Times>) {
        self.advance(now);
        self.bury_token(TokenDeath::Refused);
    }

    /// The feed, or with a 401 that is not in the broker's words the order stream, was turned away: a read will
    /// tell whether the token lives.
    pub fn handle_token_doubted(&mut self, now: impl Into<Times>) {
        self.advance(now);
        self.heed_token(Verdict::TokenDoubted, false);
    }

    /// A reply asked for a pause: calls that raise no risk by waiting wait so long, at most
    /// [`crate::budget::FREEZE_MAX`]. Heeded only beside a reply that tells of trouble.
    pub fn handle_retry_after(
        &mut self,
        now: impl Into<Times>,
        lane: Lane,
        reply: &Reply,
        pause: DurationNs,
    ) {
        self.advance(now);
        if Verdict::of(reply).is_trouble() {
            let now = self.now;
            self.budget_of(lane).freeze(now, pause);
        }
    }

    /// Whether the token is dead. Nothing is sent any more.
    #[must_use]
    pub fn token_dead(&self) -> bool {
        self.health.token.death(self.stamp).is_some() && !planted(Bug::DeadTokenUsed)
    }

    /// Why the token is dead; `None` while it may be alive.
    #[must_use]
    pub fn token_death(&self) -> Option<TokenDeath> {
        self.health.token.death(self.stamp)
    }

    /// Neither time goes back; with engine time the token's hour may come.
    pub(super) fn advance(&mut self, now: impl Into<Times>) {
        let times = now.into();
        let measured = if planted(Bug::BudgetOnWallClock) {
            times.engine
        } else {
            times.steady
        };
        self.now = self.now.max(measured);
        self.stamp = self.stamp.max(times.engine);
        for id in std::mem::take(&mut self.former_changes) {
            let arrived = self.now.plus(FORMER_CHANGE_MAX);
            self.orders.note_change(&id, Some(arrived));
        }
        if !self.health.buried
            && let Some(death) = self.health.token.death(self.stamp)
        {
            self.bury_token(death);
        }
    }

    /// Judges a reply by the way it came, whatever it meant: breaker, rate and token.
    pub(super) fn judge(&mut self, lane: Lane, reply: &Reply) {
        let verdict = Verdict::of(reply);
        let is_read = lane == Lane::Read;
        if is_read {
            self.health.reads.note(self.now, verdict);
            self.health.read_failed = verdict.is_trouble();
        } else {
            self.health.writes.note(self.now, verdict);
        }
        if verdict == Verdict::TooMany {
            self.counts.rate_refusals += 1;
            let now = self.now;
            self.budget_of(lane).penalise(now);
        }
        self.heed_token(verdict, is_read);
    }

    /// Heeds what a verdict says about the token; a doubt wants a read that confirms or ends it.
    fn heed_token(&mut self, verdict: Verdict, is_read: bool) {
        self.health.token.note(self.now, verdict, is_read);
        if let Some(death) = self.health.token.death(self.stamp) {
            if !self.health.buried {
                self.bury_token(death);
            }
        } else if verdict == Verdict::TokenDoubted
            && let Some(since) = self.health.token.doubted_since()
        {
            let due = self.now.max(since.plus(CONFIRM_AFTER));
            self.book_wanted = Some(self.book_wanted.map_or(due, |wanted| wanted.min(due)));
        }
    }

    fn budget_of(&mut self, lane: Lane) -> &mut Budget {
        if lane == Lane::Read {
            &mut self.read_budget
        } else {
            &mut self.order_budget
        }
    }

    /// Nothing may be sent with this token: what waits was never sent, and that is certain.
    fn bury_token(&mut self, death: TokenDeath) {
        self.health.token.bury(death);
        self.health.buried = true;
        let waiting: Vec<Queued> = self.exits.drain(..).chain(self.entries.drain(..)).collect();
        for queued in waiting {
            self.drop_command(&queued.command);
        }
    }

    /// When a read may leave as far as its breaker goes.
    pub(super) fn read_free_at(&self, asked: Asked) -> TsNs {
        let is_poll = matches!(asked, Asked::Book | Asked::Reconcile(_));
        if is_poll && !self.money_waits() {
            self.health.reads.free_at(self.now)
        } else {
            self.now
        }
    }

    /// Whether an exit may wait for what a read brings. An order whose purpose is not known any more may be one.
    pub(super) fn money_waits(&self) -> bool {
        let may_exit = |intent| {
            self.intents
                .get(intent)
                .and_then(|known| known.place)
                .is_none_or(|place| place.purpose == Purpose::Exit)
        };
        let waits = |order: &Order| order.change_doubt.is_some() || order.intent.is_some_and(may_exit);
        self.is_token_doubted()
            || !self.exits.is_empty()
            || !self.intents.unknown().is_empty()
            || self.orders.live().any(waits)
    }

    /// Whether a 401 without the broker's own code awaits its confirmation by a read.
    pub(super) const fn is_token_doubted(&self) -> bool {
        self.health.token.doubted_since().is_some()
    }

    /// Counters for screens.
    #[must_use]
    pub fn readout(&self) -> GatewayReadout {
        let writes = self.health.writes.numbers(self.now);
        let reads = self.health.reads.numbers(self.now);
        let errors = writes.errors_last_minute.saturating_add(reads.errors_last_minute);
        GatewayReadout {
            in_flight: u32::try_from(self.in_flight()).unwrap_or(u32::MAX),
            calls_last_second: self.order_budget.calls_last_second(self.now),
            stream_connected: self.stream_connected,
            token_dead: self.token_dead(),
            error_alert: errors > ERRORS_PER_MINUTE_MAX,
            write_breaker: writes.breaker as u8,
            write_failures: writes.failures,
            write_errors_last_minute: writes.errors_last_minute,
            read_breaker: reads.breaker as u8,
            read_failures: reads.failures,
            read_retries: reads.retries,
            read_errors_last_minute: reads.errors_last_minute,
            ..self.readout
        }
    }
}
