//! Messages that the broker posts to the application of its own accord: access tokens and order updates.
//!
//! The broker only says what is to be posted where; whoever owns the sockets does it. Undelivered messages are
//! not repeated. Source: the broker's API documentation (webhooks, token request).

use std::collections::VecDeque;

use serde_json::Value;

/// Messages that may wait; the oldest give way.
const WAITING_MAX: usize = 1_024;

/// One message to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where to.
    pub url: String,
    /// JSON text.
    pub body: String,
}

impl Webhook {
    pub(super) fn new(url: &str, body: &Value) -> Self {
        Self {
            url: url.to_owned(),
            body: body.to_string(),
        }
    }
}

/// Messages that wait to be posted.
#[derive(Clone, Debug, Default)]
pub(super) struct Outgoing(VecDeque<Webhook>);

impl Outgoing {
    pub(super) fn push_back(&mut self, webhook: Webhook) {
        if self.0.len() >= WAITING_MAX {
            self.0.pop_front();
        }
        self.0.push_back(webhook);
    }

    pub(super) fn pop_front(&mut self) -> Option<Webhook> {
        self.0.pop_front()
    }
}
