//! What a client of the market feed asks for: keys, modes, limits; and what a fault script keeps from it.
//!
//! Source: the broker's API documentation (requests and limits of the market feed). There is no answer to a
//! request but its snapshot: unknown keys, modes and methods are ignored, and counted here.

use super::{POLICY, Player};
use crate::feed_extra::HalfHour;
use crate::feed_frame::{FeedMode, FrameKind};
use crate::key_limits::KeyCounts;
use crate::options::{CountedPer, OverLimit, SnapshotType, SocketOptions};

impl Player {
    /// What is not known for certain of the feed.
    pub fn set_options(&mut self, options: SocketOptions) {
        let instruments = if options.feed_candle_i30 {
            self.info.instruments.len()
        } else {
            0
        };
        self.half_hours = vec![HalfHour::default(); instruments];
        self.options = options;
    }

    /// Whether market data stays away while pings go on.
    pub const fn set_muted(&mut self, is_muted: bool) {
        self.is_muted = is_muted;
    }

    /// Whether every other instrument is never heard of, subscribed or not.
    pub const fn set_half_hidden(&mut self, is_half_hidden: bool) {
        self.is_half_hidden = is_half_hidden;
    }

    /// Keys of requests that were unknown, and keys beyond a limit.
    #[must_use]
    pub const fn refused_keys(&self) -> (u64, u64) {
        (self.unknown_keys, self.keys_over_limit)
    }

    pub(super) const fn is_hidden(&self, instrument: u32) -> bool {
        self.is_half_hidden && instrument % 2 == 1
    }

    /// Takes a client's message: `sub`, `change_mode` or `unsub`. Unknown keys and modes are ignored, as the
    /// real server does.
    pub fn handle_request(&mut self, name: usize, text: &[u8]) {
        let Ok(request) = serde_json::from_slice::<serde_json::Value>(text) else {
            return;
        };
        let data = &request["data"];
        let keys = data["instrumentKeys"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let known: Vec<u32> = keys
            .iter()
            .filter_map(|key| self.ids.get(key.as_str()?).copied())
            .collect();
        self.unknown_keys += (keys.len() - known.len()) as u64;
        let mode = FeedMode::of_word(data["mode"].as_str().unwrap_or("ltpc"))
            .filter(|mode| *mode != FeedMode::FullD30 || self.options.plus_plan);
        match (request["method"].as_str(), mode) {
            (Some("sub"), Some(mode)) => {
                if let Some(taken) = self.within_limits(name, known, mode) {
                    self.subscribe(name, &taken, mode);
                }
            }
            (Some("change_mode"), Some(mode)) => self.change_mode(name, known, mode),
            (Some("unsub"), _) => {
                if let Some(subscriber) = self.subscribers.get_mut(&name) {
                    subscriber.unsubscribe(&known);
                }
            }
            _ => {}
        }
    }

    fn subscribe(&mut self, name: usize, taken: &[u32], mode: FeedMode) {
        let kind = match self.options.snapshot_type {
            SnapshotType::Initial => FrameKind::Initial,
            SnapshotType::Live => FrameKind::Live,
        };
        let day = self.auction_day();
        let rows = taken
            .iter()
            .filter(|id| !(self.is_half_hidden && **id % 2 == 1))
            .map(|id| {
                let (instrument, tick) = (&self.info.instruments[*id as usize], &self.latest[*id as usize]);
                (
                    instrument,
                    tick,
                    Self::extras(instrument, tick, self.half_hours.get(*id as usize), day),
                )
            });
        let snapshot = (!self.is_muted).then_some((kind, rows));
        if let Some(subscriber) = self.subscribers.get_mut(&name) {
            subscriber.subscribe(self.now, taken, mode, snapshot);
        }
    }

    fn change_mode(&mut self, name: usize, mut known: Vec<u32>, mode: FeedMode) {
        let Some(subscriber) = self.subscribers.get(&name) else {
            return;
        };
        known.retain(|id| subscriber.mode(*id).is_some());
        let taken = self.within_limits(name, known, mode).unwrap_or_default();
        if let Some(subscriber) = self.subscribers.get_mut(&name) {
            for id in taken {
                subscriber.set_mode(id, mode);
            }
        }
    }

    /// The keys that may be had in this mode; `None` when nothing of the request is carried out.
    fn within_limits(&mut self, name: usize, known: Vec<u32>, mode: FeedMode) -> Option<Vec<u32>> {
        let subscriber = self.subscribers.get(&name)?;
        let mut used = match self.options.keys_counted_per {
            CountedPer::Connection => subscriber.keys(),
            CountedPer::User => {
                let all = self.subscribers.values();
                all.fold(KeyCounts::default(), |sum, each| sum.plus(each.keys()))
            }
        };
        let asked = known.len();
        let mut seen = std::collections::BTreeSet::new();
        let mut taken = Vec::with_capacity(asked);
        let mut over = 0;
        for id in known {
            let mut after = used;
            if seen.insert(id) {
                if let Some(before) = subscriber.mode(id) {
                    after.remove(before);
                }
                after.add(mode);
            }
            if after.fits(&self.options) {
                used = after;
                taken.push(id);
            } else {
                seen.remove(&id);
                over += 1;
            }
        }
        self.keys_over_limit += over;
        match self.options.over_limit_keys {
            _ if over == 0 => Some(taken),
            OverLimit::IgnoreExtra => Some(taken),
            OverLimit::IgnoreRequest => None,
            OverLimit::Close => {
                if let Some(subscriber) = self.subscribers.get_mut(&name) {
                    subscriber.send_close(POLICY, "too many keys");
                }
                None
            }
        }
    }
}
