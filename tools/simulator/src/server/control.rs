//! The simulator's own paths under `/sim`: counts, recorded requests, fault scripts. They need no token and count
//! against nothing.
//!
//! Calls: `GET /sim/stats`; `GET` and `DELETE /sim/requests`; `GET` and `PUT /sim/script`.

use bijli_core::{IstDay, TsNs};
use serde_json::{Value, json};

use super::event_loop::EventLoop;
use super::http::{JSON, Request};
use super::script::{Errand, schedule};

/// What the own paths begin with.
pub(super) const OWN_PATHS: &str = "/sim/";

impl EventLoop {
    /// Answers one of the simulator's own paths.
    pub(super) fn serve_own(&mut self, token: usize, request: &Request) {
        let (status, body) = match (request.head.method.as_str(), request.head.path()) {
            ("GET", "/sim/stats") => {
                let mut counts = self.count().to_json();
                let info = self.player.info();
                counts["day"] = info.day.to_string().into();
                counts["data"] = info.data.name().into();
                counts["token_expires_ns"] = self.broker.tokens_die().map(TsNs::get).into();
                (200, counts)
            }
            ("GET", "/sim/requests") => (200, self.recorder.to_json()),
            ("DELETE", "/sim/requests") => {
                self.recorder.clear();
                (200, json!([]))
            }
            ("GET", "/sim/script") => {
                self.script.faults = *self.broker.faults();
                (200, self.script.to_json())
            }
            ("PUT", "/sim/script") => match self.take_script(&request.body) {
                Ok(body) => (200, body),
                Err(problem) => (400, json!({ "error": problem })),
            },
            _ => (404, json!({ "error": "no such path of the simulator" })),
        };
        self.answer(token, status, &JSON, body.to_string().as_bytes());
    }

    fn take_script(&mut self, body: &[u8]) -> Result<Value, String> {
        let script: Value = serde_json::from_slice(body).map_err(|error| format!("no JSON: {error}"))?;
        match schedule(self.player.info().day, &mut self.script_dice, &script)? {
            Some(waiting) => {
                let mut shown = self.script.to_json();
                shown["scheduled_at"] = waiting.at.to_string().into();
                self.scheduled.push(waiting);
                Ok(shown)
            }
            None => self.run_script(&script),
        }
    }

    /// Carries a script out now.
    pub(super) fn run_script(&mut self, script: &Value) -> Result<Value, String> {
        self.script.faults = *self.broker.faults();
        let errands = self.script.change(script)?;
        self.broker.set_faults(self.script.faults);
        let mut issued = None;
        for errand in errands {
            match errand {
                Errand::RevokeToken => self.broker.revoke_token(),
                Errand::IssueToken => issued = Some(self.broker.issue_token(self.player.now())),
                Errand::ExpireTokens(time) => {
                    let today = self.player.info().day;
                    let moment = today.at(time);
                    let is_past = moment <= self.player.now();
                    let day = if is_past {
                        IstDay::new(today.get() + 1)
                    } else {
                        today
                    };
                    self.broker.expire_tokens_at(day.at(time));
                }
            }
        }
        self.player.set_muted(self.script.mutes_feed);
        self.player.set_half_hidden(self.script.hides_half);
        self.set_order_host(self.script.order_host)?;
        self.end_dead_sockets();
        let mut shown = self.script.to_json();
        if let Some(token) = issued {
            shown["token"] = token.into();
        }
        Ok(shown)
    }

    /// Carries out the scripts whose simulated time has come.
    pub(super) fn run_scheduled(&mut self) {
        let now: TsNs = self.player.now();
        let mut index = 0;
        while index < self.scheduled.len() {
            if self.scheduled[index].at <= now {
                let due = self.scheduled.remove(index);
                // Only what was found sound is scheduled; a port that was taken meanwhile is told by `GET`.
                let _told = self.run_script(&due.script);
            } else {
                index += 1;
            }
        }
    }
}
