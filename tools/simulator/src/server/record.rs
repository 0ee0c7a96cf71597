//! What clients asked for, kept for whoever compares requests: REST calls, socket handshakes, feed requests.
//!
//! Bounded: the newest [`KEPT_MAX`] are kept. Left out: calls of the simulator's own paths, and everything
//! while recording is off.

use std::collections::VecDeque;

use bijli_wire::http1::RequestHead;
use serde_json::{Map, Value, json};

use super::connection::Listener;

/// Records kept; older ones are forgotten.
pub(super) const KEPT_MAX: usize = 4_096;

struct Record {
    number: u64,
    host: &'static str,
    method: String,
    target: String,
    headers: Map<String, Value>,
    body: String,
    status: Option<u16>,
}

/// The requests kept.
pub(super) struct Recorder {
    is_on: bool,
    next: u64,
    kept: VecDeque<Record>,
}

impl Recorder {
    pub(super) const fn new(is_on: bool) -> Self {
        Self {
            is_on,
            next: 1,
            kept: VecDeque::new(),
        }
    }

    /// Keeps a request; its answer's status follows by [`Recorder::set_status`].
    pub(super) fn take(&mut self, listener: Listener, head: &RequestHead, body: &[u8]) {
        let mut headers = Map::new();
        for (name, value) in head.headers.iter() {
            let name = name.to_ascii_lowercase();
            let value = match headers.get(&name).and_then(Value::as_str) {
                Some(before) => format!("{before}, {value}"),
                None => value.to_owned(),
            };
            headers.insert(name, value.into());
        }
        self.push(
            listener,
            head.method.clone(),
            head.target.clone(),
            headers,
            body,
            None,
        );
    }

    /// Keeps a message that a client sent on a socket.
    pub(super) fn take_message(&mut self, path: &str, body: &[u8]) {
        self.push(
            Listener::Feeder,
            "WS".to_owned(),
            path.to_owned(),
            Map::new(),
            body,
            Some(101),
        );
    }

    fn push(
        &mut self,
        listener: Listener,
        method: String,
        target: String,
        headers: Map<String, Value>,
        body: &[u8],
        status: Option<u16>,
    ) {
        if !self.is_on {
            return;
        }
        if self.kept.len() >= KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(Record {
            number: self.next,
            host: match listener {
                Listener::Api => "api",
                Listener::Order => "order",
                Listener::Feeder => "feeder",
            },
            method,
            target,
            headers,
            body: String::from_utf8_lossy(body).into_owned(),
            status,
        });
        self.next += 1;
    }

    /// Tells how the newest request was answered; `None` when no answer is sent.
    pub(super) fn set_status(&mut self, status: Option<u16>) {
        if let Some(record) = self.kept.back_mut() {
            record.status = status;
        }
    }

    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }

    pub(super) fn to_json(&self) -> Value {
        let rows = self.kept.iter().map(|record| {
            json!({
                "n": record.number, "host": record.host, "method": record.method, "target": record.target,
                "headers": record.headers, "body": record.body, "status": record.status,
            })
        });
        Value::Array(rows.collect())
    }
}
