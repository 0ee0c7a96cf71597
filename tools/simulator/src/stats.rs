//! What a simulator counts, and a handle to it for other threads.

use std::sync::{Arc, Mutex, PoisonError};

use bijli_core::TsNs;
use serde_json::{Map, Value, json};

use crate::broker::BrokerStats;

/// The counts of a simulator. Simulated time and truths of the broker's ledger, not of any client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimStats {
    /// Simulated time.
    pub now: TsNs,
    /// Whether the day was played to its end.
    pub day_done: bool,
    /// Why the day ended early: its files turned out damaged.
    pub day_error: Option<String>,
    /// Ticks taken from the day, sent or not.
    pub ticks_played: u64,
    /// Of these, ticks that are odd as recorded.
    pub anomalies_played: u64,
    /// Feed entries sent to clients, snapshots included: what a client that lost nothing has received.
    pub ticks_sent: u64,
    /// Feed messages sent to clients.
    pub frames_sent: u64,
    /// Feed clients connected.
    pub feed_clients: u64,
    /// Portfolio stream clients connected.
    pub stream_clients: u64,
    /// Stream updates that were sent to at least one client.
    pub updates_sent: u64,
    /// Keys in subscriptions that no instrument of the day has.
    pub unknown_keys: u64,
    /// Keys in subscriptions beyond a limit.
    pub keys_over_limit: u64,
    /// Text frames that the market feed took no notice of.
    pub text_frames_ignored: u64,
    /// Messages posted to the application that it accepted.
    pub webhooks_delivered: u64,
    /// Messages posted to the application that it refused, or that did not reach it.
    pub webhooks_failed: u64,
    /// The broker's counts.
    pub broker: BrokerStats,
}

impl SimStats {
    /// Whether no position is open.
    #[must_use]
    pub const fn is_flat(&self) -> bool {
        self.broker.open_positions == 0
    }

    /// The counts as JSON, as `GET /sim/stats` serves them.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let broker = &self.broker;
        let faults: Map<String, Value> = broker
            .faults
            .rows()
            .map(|(row, count)| (row.id.to_owned(), count.into()))
            .collect();
        json!({
            "now": self.now.to_string(),
            "now_ns": self.now.get(),
            "day_done": self.day_done,
            "day_error": self.day_error,
            "ticks_played": self.ticks_played,
            "anomalies_played": self.anomalies_played,
            "ticks_sent": self.ticks_sent,
            "frames_sent": self.frames_sent,
            "feed_clients": self.feed_clients,
            "stream_clients": self.stream_clients,
            "updates_sent": self.updates_sent,
            "unknown_keys": self.unknown_keys,
            "keys_over_limit": self.keys_over_limit,
            "text_frames_ignored": self.text_frames_ignored,
            "webhooks_delivered": self.webhooks_delivered,
            "webhooks_failed": self.webhooks_failed,
            "orders_seen": broker.orders_seen,
            "orders_refused": broker.orders_refused,
            "tags_seen": broker.tags_seen,
            "duplicate_tags": broker.duplicate_tags,
            "fills": broker.fills,
            "open_positions": broker.open_positions,
            "client_positions": broker.client_positions,
            "flips": broker.flips,
            "flat": self.is_flat(),
            "orders_by_status": broker.orders_by_status,
            "realised_rupees": broker.realised.rupees(),
            "unrealised_rupees": broker.unrealised.rupees(),
            "charges": "not modelled",
            "rate_limited": broker.rate_limited,
            "faults": faults,
        })
    }
}

/// A handle to the counts of a running simulator.
#[derive(Clone, Debug)]
pub struct StatsHandle(pub(crate) Arc<Mutex<SimStats>>);

impl StatsHandle {
    /// The counts now.
    #[must_use]
    pub fn get(&self) -> SimStats {
        // The simulator's thread only ever replaces the whole value, so a poisoned one is sound.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set(&self, stats: SimStats) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stats;
    }
}
