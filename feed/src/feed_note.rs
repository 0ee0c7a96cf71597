//! What a session asks of its owner, what it tells an operator, and what it counts.
//!
//! Plain words without behaviour, apart from `session` so that their readers need not know it. Invariants: no value
//! here prints a token or a single-use code. Left out: ticks, which never pass through the session.

use std::fmt;

use bijli_core::event::FeedState;
use bijli_core::time::{DurationNs, TsNs};

use crate::upstox::market_info::SegmentPhases;
use crate::upstox::message::DecodeError;

/// Where to connect to.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// The configured entry, with the token.
    Entry,
    /// The single-use address of a redirect, without the token.
    Redirect(String),
}

/// Prints without the address, which holds a single-use code.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entry => "Entry",
            Self::Redirect(_) => "Redirect(..)",
        })
    }
}

/// What the owner is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Drop any connection and open this one.
    Connect(Address),
    /// Send one binary frame.
    Binary(Vec<u8>),
    /// Close and drop the connection.
    Close,
}

/// Most keys that one note names.
pub const NAMES_MAX: usize = 8;

/// What is worth telling an operator.
#[derive(Clone, Debug, PartialEq)]
pub enum FeedNote {
    /// An attempt begins; the count restarts once a connection has proven itself.
    Connecting {
        /// 0 for the first attempt.
        attempt: u32,
    },
    /// The WebSocket is open.
    Connected,
    /// All keys were asked for.
    Subscribed {
        /// How many.
        keys: usize,
    },
    /// Everything asked for has answered.
    AllSeen {
        /// How many keys.
        keys: usize,
        /// How long after the WebSocket was open.
        after: DurationNs,
    },
    /// Some keys have not answered and are asked for a second time.
    AskedAgain {
        /// How many.
        keys: usize,
    },
    /// These keys answered neither request. The operator should correct the list of instruments.
    NeverSeen {
        /// How many.
        keys: usize,
        /// The first of them, at most [`NAMES_MAX`].
        first: Vec<String>,
    },
    /// Ten seconds after the last request: what has not answered cannot be traded.
    Audited {
        /// Keys asked for.
        wanted: usize,
        /// Of these, keys of which nothing arrived.
        unseen: usize,
    },
    /// The broker told the state of its markets.
    MarketTold(SegmentPhases),
    /// A frame was broken.
    BrokenFrame(DecodeError),
    /// The broker refused a connection.
    Refused {
        /// HTTP status.
        status: u16,
        /// Start of its words.
        body: String,
    },
    /// The token is not accepted: nothing is tried until there is a new one. An operator must act.
    TokenDead,
    /// The connection ended.
    Disconnected {
        /// Why.
        reason: String,
    },
    /// When the next attempt begins.
    Waiting {
        /// How long.
        wait: DurationNs,
    },
    /// Several attempts in a row failed. An operator should look.
    Alarm {
        /// How many.
        attempts: u32,
    },
}

/// In words for an operator.
impl fmt::Display for FeedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |length: &DurationNs| length.get() / 1_000_000;
        match self {
            Self::Connecting { attempt } => write!(f, "connecting, attempt {attempt}"),
            Self::Connected => f.write_str("connected"),
            Self::Subscribed { keys } => write!(f, "{keys} instruments asked for"),
            Self::AllSeen { keys, after } => write!(f, "all {keys} instruments heard after {} ms", ms(after)),
            Self::AskedAgain { keys } => write!(f, "{keys} instruments are silent and asked for again"),
            Self::NeverSeen { keys, first } => write!(
                f,
                "{keys} instruments were never heard of and are not traded, among them {}",
                first.join(" ")
            ),
            Self::Audited { wanted, unseen } => write!(f, "{unseen} of {wanted} instruments are silent"),
            Self::MarketTold(phases) => write!(f, "the markets are {phases:?}"),
            Self::BrokenFrame(error) => write!(f, "a broken frame: {error}"),
            Self::Refused { status, body } => write!(f, "refused with status {status} {body}"),
            Self::TokenDead => {
                f.write_str("the broker turns the access token away: log in again with `bijli login`")
            }
            Self::Disconnected { reason } => write!(f, "disconnected: {reason}"),
            Self::Waiting { wait } => write!(f, "next attempt in {} ms", ms(wait)),
            Self::Alarm { attempts } => write!(f, "ALERT: {attempts} attempts in a row have failed"),
        }
    }
}

/// What the owner is to pass on.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionEvent {
    /// The feed's state changed.
    State(FeedState),
    /// Something worth telling.
    Note(FeedNote),
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedCounters {
    /// Frames received.
    pub frames: u64,
    /// Bytes of these frames.
    pub bytes: u64,
    /// Frames that could not be read.
    pub decode_errors: u64,
    /// Feeds in these frames.
    pub feeds: u64,
    /// Connections opened after the first.
    pub reconnects: u64,
    /// When the last frame arrived.
    pub last_frame: TsNs,
    /// Keys wanted.
    pub subscribed: u32,
    /// Of these, keys of which something arrived on this connection.
    pub seen: u32,
    /// Of these, keys that were asked for twice in vain.
    pub never_seen: u32,
    /// From the open WebSocket to something of every key, on the last connection that came so far; zero before.
    pub subscribed_after: DurationNs,
}

impl FeedCounters {
    /// Adds the counts of another socket; of the times, the later one stands for both.
    pub fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.bytes += other.bytes;
        self.decode_errors += other.decode_errors;
        self.feeds += other.feeds;
        self.reconnects += other.reconnects;
        self.last_frame = self.last_frame.max(other.last_frame);
        self.subscribed += other.subscribed;
        self.seen += other.seen;
        self.never_seen += other.never_seen;
        self.subscribed_after = self.subscribed_after.max(other.subscribed_after);
    }
}
