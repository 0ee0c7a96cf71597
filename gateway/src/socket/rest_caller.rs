//! A blocking caller for people's tools: a lane, the policy of calls, a clock and sleep.
//!
//! Invariants: what [`Policy`] denies is not sent; a write is sent at most once; a read may be sent several times,
//! with the pauses that policy and server ask for. Left out: what replies mean. The engine does not use this: its
//! state machine has the same parts and its own lanes. Source: the broker's API documentation, see [`super`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use bijli_core::TsNs;

use super::{RestLane, RestSettings, wall_now};
use crate::error::GatewayError;
use crate::request::{Lane, Reply, RequestId};
use crate::rest::class_health::ClassNumbers;
use crate::rest::policy::{CallError, Policy, Step};
use crate::rest::token_gate::TokenGate;
use crate::upstox::call::{Call, CallClass};

/// Calls the broker, one call at a time.
pub struct RestCaller {
    lane: RestLane,
    policy: Policy,
    started: (TsNs, Instant),
    calls: u64,
}

impl RestCaller {
    /// A caller with a token that dies at `token_expires`; [`TsNs::NEVER`] where that is not known.
    ///
    /// # Errors
    /// [`GatewayError`] for a URL, token or certificate that cannot be used.
    pub fn new(settings: &RestSettings, token_expires: TsNs) -> Result<Self, GatewayError> {
        Ok(Self::with(RestLane::new(settings)?, token_expires))
    }

    /// A caller for what needs no token, such as logging in.
    ///
    /// # Errors
    /// [`GatewayError`] for a URL or certificate that cannot be used.
    pub fn without_token(settings: &RestSettings) -> Result<Self, GatewayError> {
        Ok(Self::with(RestLane::without_token(settings)?, TsNs::NEVER))
    }

    fn with(lane: RestLane, token_expires: TsNs) -> Self {
        let jitter_seed = u64::from(std::process::id());
        Self {
            lane,
            policy: Policy::new(token_expires, jitter_seed),
            started: (wall_now(), Instant::now()),
            calls: 0,
        }
    }

    /// Makes a call and waits for its end: the last reply, whatever it says.
    ///
    /// # Errors
    /// [`CallError`] when nothing was sent, or not again.
    pub fn call(&mut self, call: &Call) -> Result<Reply, CallError> {
        let mut retry = self.policy.begin();
        loop {
            let now = self.now();
            match self.policy.ask(now, call, &retry)? {
                Step::WaitUntil(until) => self.sleep_until(until),
                Step::Send => {
                    self.calls += 1;
                    let request = call.clone().into_request(RequestId::new(self.calls), Lane::Read);
                    let timed = self.lane.perform(&request);
                    let tries = (&mut retry, timed.retry_after);
                    let now = self.now();
                    match self.policy.heed(now, call, &timed.reply, tries) {
                        Some(pause) => self.sleep_until(now.plus(pause)),
                        None => return Ok(timed.reply),
                    }
                }
            }
        }
    }

    /// What is known about the token.
    #[must_use]
    pub const fn token(&self) -> &TokenGate {
        self.policy.token()
    }

    /// The numbers of every class that was called.
    #[must_use]
    pub fn numbers(&self) -> BTreeMap<CallClass, ClassNumbers> {
        self.policy.numbers(self.now())
    }

    /// The wall clock of the start plus what a clock that never steps has counted since: windows stay windows.
    fn now(&self) -> TsNs {
        let (wall, instant) = self.started;
        let passed = i64::try_from(instant.elapsed().as_nanos()).unwrap_or(i64::MAX);
        wall.plus(bijli_core::DurationNs::new(passed))
    }

    fn sleep_until(&self, until: TsNs) {
        let left = until.since(self.now()).get();
        std::thread::sleep(Duration::from_nanos(u64::try_from(left).unwrap_or(0)));
    }
}

impl fmt::Debug for RestCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestCaller")
            .field("lane", &self.lane)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
