//! A session, a clock, and lists of what the session did.

use bijli_core::time::{DurationNs, TsNs};
use bijli_feed::feed_note::{Address, FeedNote, SessionEvent, Transmit};
use bijli_feed::liveness::MarketHours;
use bijli_feed::upstox::proto::{self, feed::FeedUnion};
use bijli_feed::{Mode, Session, SessionSettings};
use prost::Message;

/// What a session did, in the order in which it did it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Did {
    Asked(Transmit),
    Told(SessionEvent),
}

pub(crate) struct World {
    pub(crate) session: Session,
    pub(crate) now: TsNs,
}

pub(crate) const START: TsNs = TsNs::new(1_785_470_000_000_000_000);

pub(crate) fn settings(keys: &[&str]) -> SessionSettings {
    SessionSettings {
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        mode: Mode::Full,
        batch: 2,
        mute_after: DurationNs::from_secs(3),
        jitter_seed: 11,
        hours: MarketHours::UNKNOWN,
    }
}

impl World {
    pub(crate) fn new(settings: &SessionSettings) -> Self {
        Self {
            session: Session::new(settings).expect("good keys"),
            now: START,
        }
    }

    pub(crate) fn drain(&mut self) -> Vec<Did> {
        let mut did = Vec::new();
        loop {
            if let Some(event) = self.session.poll_event() {
                did.push(Did::Told(event));
            } else if let Some(transmit) = self.session.poll_transmit() {
                did.push(Did::Asked(transmit));
            } else {
                return did;
            }
        }
    }

    pub(crate) fn due(&mut self) -> Vec<Did> {
        self.session.handle_timeout(self.now);
        self.drain()
    }

    /// Lets time pass, waking the session exactly when it wants to be woken.
    pub(crate) fn pass(&mut self, length: DurationNs) -> Vec<Did> {
        let end = self.now.plus(length);
        let mut did = Vec::new();
        for _ in 0..10_000 {
            match self.session.poll_timeout(self.now) {
                Some(due) if due <= end => {
                    self.now = self.now.max(due);
                    did.extend(self.due());
                }
                _ => {
                    self.now = end;
                    return did;
                }
            }
        }
        panic!("the session wants to be woken again and again without time passing");
    }

    /// Lets time pass until the next attempt begins.
    pub(crate) fn attempt(&mut self) -> Vec<Did> {
        let mut did = Vec::new();
        while connects(&did) == 0 {
            did.extend(self.pass(DurationNs::from_millis(1)));
        }
        did
    }

    /// From the attempt to the open WebSocket.
    pub(crate) fn open(&mut self) {
        self.due();
        self.session
            .handle_redirected(self.now, "/feeds?code=1".to_owned());
        self.drain();
        self.session.handle_connected(self.now);
        self.drain();
    }

    pub(crate) fn frame(&mut self, frame: &[u8]) -> Vec<Did> {
        self.session.handle_frame(self.now, frame);
        let mut did = self.drain();
        did.extend(self.due());
        did
    }

    /// Feeds of `keys` every half second for `seconds`.
    pub(crate) fn busy(&mut self, keys: &[&str], seconds: i64) -> Vec<Did> {
        let mut did = Vec::new();
        for _ in 0..seconds * 2 {
            did.extend(self.pass(DurationNs::from_millis(500)));
            did.extend(self.frame(&feeds(keys)));
        }
        did
    }
}

pub(crate) fn feeds(keys: &[&str]) -> Vec<u8> {
    let ltpc = proto::Ltpc {
        ltp: 1.0,
        ..proto::Ltpc::default()
    };
    proto::FeedResponse {
        r#type: 1,
        feeds: keys
            .iter()
            .map(|key| {
                let feed = proto::Feed {
                    request_mode: 0,
                    feed_union: Some(FeedUnion::Ltpc(ltpc)),
                };
                ((*key).to_owned(), feed)
            })
            .collect(),
        ..proto::FeedResponse::default()
    }
    .encode_to_vec()
}

pub(crate) fn market(status: i32) -> Vec<u8> {
    let segment_status = [("NSE_EQ".to_owned(), status), ("MCX_FO".to_owned(), 2)];
    proto::FeedResponse {
        r#type: 2,
        market_info: Some(proto::MarketInfo {
            segment_status: segment_status.into(),
            ..proto::MarketInfo::default()
        }),
        ..proto::FeedResponse::default()
    }
    .encode_to_vec()
}

pub(crate) const OPEN: i32 = 2;
pub(crate) const CLOSE: i32 = 3;

pub(crate) fn states(did: &[Did]) -> Vec<bijli_core::event::FeedState> {
    did.iter()
        .filter_map(|did| match did {
            Did::Told(SessionEvent::State(state)) => Some(*state),
            _ => None,
        })
        .collect()
}

pub(crate) fn connects(did: &[Did]) -> usize {
    did.iter()
        .filter(|did| matches!(did, Did::Asked(Transmit::Connect(Address::Entry))))
        .count()
}

pub(crate) fn requests(did: &[Did]) -> Vec<serde_json::Value> {
    did.iter()
        .filter_map(|did| match did {
            Did::Asked(Transmit::Binary(bytes)) => Some(serde_json::from_slice(bytes).expect("JSON")),
            _ => None,
        })
        .collect()
}

pub(crate) fn note(note: FeedNote) -> Did {
    Did::Told(SessionEvent::Note(note))
}
