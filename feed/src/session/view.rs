//! What may be read of a session: its state, its markets, who has answered and who has not. Changes nothing.

use bijli_core::event::FeedState;

use super::{Link, Session};
use crate::feed_note::FeedCounters;
use crate::upstox::market_info::SegmentPhases;

impl Session {
    /// The feed's state.
    #[must_use]
    pub const fn state(&self) -> FeedState {
        self.state
    }

    /// The state of the markets as last told on this connection.
    #[must_use]
    pub const fn phases(&self) -> &SegmentPhases {
        self.market.phases()
    }

    /// Keys wanted of which nothing arrived on this connection: not to be traded.
    pub fn unseen(&self) -> impl Iterator<Item = &str> {
        self.subscription.unseen()
    }

    /// Keys wanted that were asked for twice in vain: the broker does not serve them.
    pub fn never_seen(&self) -> impl Iterator<Item = &str> {
        self.subscription.never_seen()
    }

    /// How many keys are wanted of which nothing arrived on this connection.
    #[must_use]
    pub const fn unseen_count(&self) -> usize {
        self.subscription.unseen_count()
    }

    /// Counts since the start.
    #[must_use]
    pub fn counters(&self) -> FeedCounters {
        let wanted = self.subscription.wanted();
        FeedCounters {
            subscribed: wanted as u32,
            seen: (wanted - self.subscription.unseen_count()) as u32,
            never_seen: self.subscription.never_seen().count() as u32,
            ..self.counters
        }
    }

    /// Whether nothing is tried until there is a new token.
    #[must_use]
    pub fn is_token_dead(&self) -> bool {
        self.link == Link::TokenDead
    }

    /// Whether requests wait for their turn on the open connection.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        matches!(self.link, Link::Open { .. }) && self.subscription.has_pending()
    }

    /// Keys wanted.
    #[must_use]
    pub fn wanted(&self) -> usize {
        self.subscription.wanted()
    }
}
