//! What a simulator is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use bijli_core::{DurationNs, IstDay, Money};

use crate::broker::faults::Faults;
use crate::broker::limiter::RateLimits;
use crate::options::SimOptions;

/// Instruments of the default synthetic day.
pub const SYNTHETIC_INSTRUMENTS: u32 = 180;

/// Which day is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DaySpec {
    /// Invented by the seed.
    Synthetic {
        /// The day whose exchange hours are kept.
        day: IstDay,
        /// Number of stocks; two indices come on top.
        instruments: u32,
    },
    /// Recorded; the shape is detected.
    Path(PathBuf),
}

impl Default for DaySpec {
    /// 180 invented stocks on 2026-07-31, a day with a 15:30 close.
    fn default() -> Self {
        Self::Synthetic {
            day: IstDay::from_ymd(2026, 7, 31).expect("a date of the calendar"),
            instruments: SYNTHETIC_INSTRUMENTS,
        }
    }
}

/// How fast simulated time runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many simulated seconds in a real one; a slow client falls behind and is cut off in the end.
    Times(f64),
    /// As fast as the subscribed feed clients answer pings: never more than one simulated second ahead of a
    /// PONG, and standing still without a subscribed client.
    Max,
}

/// What carries the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TLS with a certificate made at start.
    Tls,
    /// Nothing: `http` and `ws`, for clients that cannot be told to trust a certificate.
    Plain,
}

/// What a simulator is started with.
#[derive(Clone, Debug, PartialEq)]
pub struct SimSettings {
    /// Which day is played.
    pub day: DaySpec,
    /// How fast.
    pub speed: Speed,
    /// Decides everything that is invented, and every fault.
    pub seed: u64,
    /// Cash of the account at the start of the day.
    pub capital: Money,
    /// Loopback address to listen on; port 0 lets the system choose. With another port, the order host and the
    /// feeder take the two ports above it.
    pub bind: SocketAddr,
    /// Faults to inject; none by default.
    pub faults: Faults,
    /// Whether calls beyond the broker's limits are refused.
    pub rate_limits: RateLimits,
    /// Simulated time from the broker to the exchange; none by default.
    pub exchange_delay: DurationNs,
    /// Whether the clock runs on past the close, until the morning's 03:31, when tokens have died.
    pub overnight: bool,
    /// What carries the connections; TLS by default.
    pub transport: Transport,
    /// Whether requests are kept for `GET /sim/requests`.
    pub records_requests: bool,
    /// What is not known for certain of the real service.
    pub options: SimOptions,
    /// Fault scripts, as `PUT /sim/script` takes them; one with `"at"` waits for its simulated time.
    pub scripts: Vec<serde_json::Value>,
}

impl Default for SimSettings {
    fn default() -> Self {
        Self {
            day: DaySpec::default(),
            speed: Speed::Max,
            seed: 1,
            capital: Money::from_rupees(100_000),
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            faults: Faults::NONE,
            rate_limits: RateLimits::Enforced,
            exchange_delay: DurationNs::ZERO,
            overnight: false,
            transport: Transport::Tls,
            records_requests: false,
            options: SimOptions::default(),
            scripts: Vec::new(),
        }
    }
}
