//! Which keys we want, in which mode, what was asked for so far, and which keys have answered.
//!
//! Invariants: every wanted key is asked for once per connection, in batches of one mode, and once more if it does
//! not answer; a key counts as seen once a feed of it arrived on this connection, and as never seen when it answered
//! neither request. The broker never acknowledges a request and never names a key it will not serve, so only this
//! audit tells. Left out: pacing (the session's) and the broker's limits per plan (`planner`).
//! Facts: request form in the broker's market feed V3 page; requests are JSON text in binary frames.

use std::collections::VecDeque;

use bijli_core::text::Text;
use serde::Serialize;

use crate::key_index::KeyIndex;

/// How much the broker is to send for a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Last trade and previous close.
    Ltpc,
    /// Last trade, first level, Greeks.
    OptionGreeks,
    /// Everything, five levels.
    #[default]
    Full,
    /// Everything, thirty levels; for the dearer plan only.
    FullD30,
}

impl Mode {
    /// How many modes there are.
    pub const COUNT: usize = 4;

    /// Its place in tables by mode.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The broker's word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ltpc => "ltpc",
            Self::OptionGreeks => "option_greeks",
            Self::Full => "full",
            Self::FullD30 => "full_d30",
        }
    }

    /// The mode of the broker's word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Ltpc, Self::OptionGreeks, Self::Full, Self::FullD30]
            .into_iter()
            .find(|mode| mode.word() == word)
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Start sending.
    Subscribe,
    /// Send more or less of what is being sent.
    ChangeMode,
    /// Stop sending.
    Unsubscribe,
}

impl Method {
    const fn word(self) -> &'static str {
        match self {
            Self::Subscribe => "sub",
            Self::ChangeMode => "change_mode",
            Self::Unsubscribe => "unsub",
        }
    }
}

/// Why a set of keys was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadKey {
    /// The key.
    pub key: String,
}

impl BadKey {
    /// Whether `key` can be an instrument key at all.
    ///
    /// # Errors
    /// The key, when it cannot.
    pub fn check(key: &str) -> Result<(), Self> {
        if key.is_empty() || Text::<40>::new(key).is_none() {
            return Err(Self { key: key.to_owned() });
        }
        Ok(())
    }
}

impl std::fmt::Display for BadKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "subscribing to `{}`: an instrument key is 1 to 40 printable ASCII characters, such as NSE_FO|45450; correct the list of instruments",
            self.key
        )
    }
}

impl std::error::Error for BadKey {}

#[derive(Serialize)]
struct RequestJson<'a> {
    guid: &'a str,
    method: &'static str,
    data: RequestData<'a>,
}

#[derive(Serialize)]
struct RequestData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    #[serde(rename = "instrumentKeys")]
    instrument_keys: &'a [&'a str],
}

#[derive(Clone, Debug)]
struct Entry {
    key: String,
    mode: Mode,
    wanted: bool,
    seen: bool,
    /// Asked for twice on one connection in vain, and not heard since.
    never_seen: bool,
}

#[derive(Clone, Debug)]
struct Pending {
    method: Method,
    mode: Mode,
    entries: Vec<usize>,
}

/// The set of subscriptions over all connections.
#[derive(Clone, Debug)]
pub struct Subscription {
    entries: Vec<Entry>,
    index: KeyIndex,
    batch: usize,
    pending: VecDeque<Pending>,
    requests: u64,
    wanted: usize,
    unseen: usize,
}

impl Subscription {
    /// Wants `keys` in one mode, asked for in batches of at most `batch` keys.
    ///
    /// # Errors
    /// [`BadKey`] for a key that cannot be one. A key given twice counts once.
    pub fn new(keys: &[String], mode: Mode, batch: usize) -> Result<Self, BadKey> {
        let mut subscription = Self {
            entries: Vec::new(),
            index: KeyIndex::of_keys(std::iter::empty()),
            batch: batch.max(1),
            pending: VecDeque::new(),
            requests: 0,
            wanted: 0,
            unseen: 0,
        };
        subscription.add(keys, mode)?;
        Ok(subscription)
    }

    /// Wants more keys; those wanted already keep their place and take the new mode. Answers the requests' count.
    ///
    /// # Errors
    /// [`BadKey`] for a key that cannot be one; nothing is changed then.
    pub fn subscribe(&mut self, keys: &[String], mode: Mode) -> Result<usize, BadKey> {
        let added = self.add(keys, mode)?;
        Ok(self.enqueue(Method::Subscribe, &added))
    }

    /// Takes another mode for keys that are wanted; other keys are passed over. Answers the requests' count.
    pub fn change_mode(&mut self, keys: &[String], mode: Mode) -> usize {
        let found = self.find_wanted(keys);
        for &entry in &found {
            self.entries[entry].mode = mode;
        }
        self.enqueue(Method::ChangeMode, &found)
    }

    /// Wants keys no more; keys that are not wanted are passed over. Answers the requests' count.
    pub fn unsubscribe(&mut self, keys: &[String]) -> usize {
        let found = self.find_wanted(keys);
        for &entry in &found {
            self.entries[entry].wanted = false;
        }
        self.recount();
        self.enqueue(Method::Unsubscribe, &found)
    }

    /// A connection opened: nothing is seen, everything wanted is to be asked for.
    pub fn restart(&mut self) {
        self.pending.clear();
        for entry in &mut self.entries {
            entry.seen = false;
        }
        self.recount();
        let wanted: Vec<usize> = (0..self.entries.len())
            .filter(|&entry| self.entries[entry].wanted)
            .collect();
        self.enqueue(Method::Subscribe, &wanted);
    }

    /// Asks once more for every wanted key that has not answered; answers how many these are.
    pub fn ask_again(&mut self) -> usize {
        let unseen: Vec<usize> = (0..self.entries.len())
            .filter(|&entry| self.entries[entry].wanted && !self.entries[entry].seen)
            .collect();
        self.enqueue(Method::Subscribe, &unseen);
        unseen.len()
    }

    /// Holds every wanted key that has not answered for one that the broker does not serve.
    pub fn give_up_unseen(&mut self) {
        for entry in &mut self.entries {
            entry.never_seen = entry.wanted && !entry.seen;
        }
    }

    /// The keys that answered neither request, in order of subscription: refused by the broker, or unknown to it.
    pub fn never_seen(&self) -> impl Iterator<Item = &str> {
        let refused = self
            .entries
            .iter()
            .filter(|entry| entry.wanted && entry.never_seen);
        refused.map(|entry| entry.key.as_str())
    }

    /// The next request, as the bytes of a binary frame.
    pub fn next_request(&mut self) -> Option<Vec<u8>> {
        let pending = self.pending.pop_front()?;
        self.requests += 1;
        let guid = format!("bijli-{}", self.requests);
        let keys: Vec<&str> = pending
            .entries
            .iter()
            .map(|&entry| self.entries[entry].key.as_str())
            .collect();
        let request = RequestJson {
            guid: &guid,
            method: pending.method.word(),
            data: RequestData {
                mode: (pending.method != Method::Unsubscribe).then(|| pending.mode.word()),
                instrument_keys: &keys,
            },
        };
        Some(serde_json::to_vec(&request).expect("text and lists of text always become JSON"))
    }

    /// Whether requests wait to be sent.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// A feed of this key arrived.
    #[inline]
    pub fn saw(&mut self, key: &[u8]) {
        if let Some(found) = self.index.get(key) {
            let entry = &mut self.entries[found.index()];
            if entry.wanted && !entry.seen {
                (entry.seen, entry.never_seen) = (true, false);
                self.unseen -= 1;
            }
        }
    }

    /// Keys wanted.
    #[must_use]
    pub const fn wanted(&self) -> usize {
        self.wanted
    }

    /// Keys wanted of which nothing arrived on this connection.
    #[must_use]
    pub const fn unseen_count(&self) -> usize {
        self.unseen
    }

    /// The keys wanted of which nothing arrived on this connection, in order of subscription.
    pub fn unseen(&self) -> impl Iterator<Item = &str> {
        self.entries
            .iter()
            .filter(|entry| entry.wanted && !entry.seen)
            .map(|entry| entry.key.as_str())
    }

    /// The keys wanted, in order of subscription.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries
            .iter()
            .filter(|entry| entry.wanted)
            .map(|entry| entry.key.as_str())
    }

    fn add(&mut self, keys: &[String], mode: Mode) -> Result<Vec<usize>, BadKey> {
        for key in keys {
            BadKey::check(key)?;
        }
        let all = self.entries.iter().map(|entry| entry.key.as_str());
        self.index = KeyIndex::of_keys(all.chain(keys.iter().map(String::as_str)));
        let mut added = Vec::with_capacity(keys.len());
        for key in keys {
            let found = self
                .index
                .get(key.as_bytes())
                .expect("every key was put into the index above");
            if let Some(entry) = self.entries.get_mut(found.index()) {
                // Asked for anew, it has to answer anew.
                entry.seen &= entry.wanted;
                entry.never_seen &= entry.wanted;
                (entry.mode, entry.wanted) = (mode, true);
            } else {
                self.entries.push(Entry {
                    key: key.clone(),
                    mode,
                    wanted: true,
                    seen: false,
                    never_seen: false,
                });
            }
            if !added.contains(&found.index()) {
                added.push(found.index());
            }
        }
        self.recount();
        Ok(added)
    }

    fn find_wanted(&self, keys: &[String]) -> Vec<usize> {
        keys.iter()
            .filter_map(|key| self.index.get(key.as_bytes()))
            .map(|found| found.index())
            .filter(|&entry| self.entries[entry].wanted)
            .collect()
    }

    fn recount(&mut self) {
        let wanted = || self.entries.iter().filter(|entry| entry.wanted);
        self.unseen = wanted().filter(|entry| !entry.seen).count();
        self.wanted = wanted().count();
    }

    /// Cuts entries into batches of one mode each, in order.
    fn enqueue(&mut self, method: Method, entries: &[usize]) -> usize {
        let before = self.pending.len();
        for &entry in entries {
            let mode = self.entries[entry].mode;
            match self.pending.back_mut() {
                Some(last)
                    if last.method == method && last.mode == mode && last.entries.len() < self.batch =>
                {
                    last.entries.push(entry);
                }
                _ => self.pending.push_back(Pending {
                    method,
                    mode,
                    entries: vec![entry],
                }),
            }
        }
        self.pending.len() - before
    }
}
