//! Rewrites a message into another one that means nearly the same on the wire: fields in another order, some twice,
//! unknown ones in between. Knows which fields hold submessages, and scrambles those as well.

/// A message type of the feed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Response,
    Entry,
    Feed,
    Full,
    Market,
    Index,
    First,
    Levels,
    Candles,
    Info,
    StatusEntry,
    WordEntry,
    Leaf,
}

const fn submessage(kind: Kind, field: u64) -> Option<Kind> {
    Some(match (kind, field) {
        (Kind::Response, 2) => Kind::Entry,
        (Kind::Response, 4) => Kind::Info,
        (Kind::Entry, 2) => Kind::Feed,
        (Kind::Feed, 2) => Kind::Full,
        (Kind::Feed, 3) => Kind::First,
        (Kind::Full, 1) => Kind::Market,
        (Kind::Full, 2) => Kind::Index,
        (Kind::Market, 2) => Kind::Levels,
        (Kind::Market, 4) | (Kind::Index, 2) => Kind::Candles,
        (Kind::Info, 1) => Kind::StatusEntry,
        (Kind::Info, 2 | 3) => Kind::WordEntry,
        (Kind::Feed | Kind::Market | Kind::Index | Kind::First, 1)
        | (Kind::Market | Kind::First, 3)
        | (Kind::Levels | Kind::Candles, 1)
        | (Kind::First | Kind::WordEntry, 2) => Kind::Leaf,
        _ => return None,
    })
}

/// Pseudo-random numbers (xorshift64), reproducible by seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }
}

/// A valid message, with its parts in a random order.
pub(crate) fn scramble(kind: Kind, message: &[u8], random: &mut Random) -> Vec<u8> {
    let mut parts = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let start = rest;
        let key = varint(&mut rest);
        let body = match key & 7 {
            0 => {
                varint(&mut rest);
                None
            }
            1 => {
                rest = &rest[8..];
                None
            }
            2 => {
                let bytes = varint(&mut rest) as usize;
                let (body, after) = rest.split_at(bytes);
                rest = after;
                Some(body)
            }
            other => panic!("prost writes no wire type {other} here"),
        };
        let whole = &start[..start.len() - rest.len()];
        parts.push(match (body, submessage(kind, key >> 3)) {
            (Some(body), Some(inner)) => {
                let body = scramble(inner, body, random);
                let mut part = Vec::new();
                put_varint(&mut part, key);
                put_varint(&mut part, body.len() as u64);
                part.extend(body);
                part
            }
            _ => whole.to_vec(),
        });
    }
    // An entry of a map means the same in any order, but twice the key would name another feed.
    if random.below(4) == 0 && !parts.is_empty() && !matches!(kind, Kind::Entry) {
        parts.push(parts[random.below(parts.len())].clone());
    }
    for unknown in [
        &[0xf8, 0x07, 0x2a][..],
        &[0xfa, 0x07, 2, 8, 1],
        &[0xfd, 0x07, 1, 2, 3, 4],
    ] {
        if random.below(6) == 0 {
            parts.push(unknown.to_vec());
        }
    }
    for last in (1..parts.len()).rev() {
        parts.swap(last, random.below(last + 1));
    }
    parts.concat()
}

fn varint(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = rest[0];
        *rest = &rest[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

fn put_varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}
