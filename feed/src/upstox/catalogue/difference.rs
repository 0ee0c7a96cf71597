//! What changed from one master to a later one.
//!
//! Invariants: every row of both is either the same in both or named once a change; a key that the broker gave to
//! another contract counts as one contract gone and one listed. A vanished contract counts as expired when its
//! expiry lies before every expiry of its segment in the later master, else as removed. Left out: whether a change
//! is welcome ([`super::acceptance`]).

use std::collections::BTreeMap;
use std::fmt;

use bijli_core::time::IstDay;

use super::{Catalogue, Listing, ListingId};

/// What may change of a contract while it stays the same contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Units in a lot.
    Lot,
    /// Largest quantity of one order.
    Freeze,
    /// Smallest price step.
    Tick,
    /// Strike, after a corporate action.
    Strike,
    /// Day of expiry, when a holiday moves it.
    Expiry,
    /// Trading symbol.
    Symbol,
    /// Series or other sort.
    Type,
}

impl Field {
    /// The field in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lot => "lot",
            Self::Freeze => "freeze quantity",
            Self::Tick => "tick",
            Self::Strike => "strike",
            Self::Expiry => "expiry",
            Self::Symbol => "symbol",
            Self::Type => "type",
        }
    }
}

/// One field of one contract that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The contract in the earlier master.
    pub old: ListingId,
    /// The contract in the later one.
    pub new: ListingId,
    /// The broker's key.
    pub key: String,
    /// The trading symbol now.
    pub symbol: String,
    /// Which field.
    pub field: Field,
    /// Its value before.
    pub was: String,
    /// Its value now.
    pub now: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            symbol,
            field,
            was,
            now,
            ..
        } = self;
        write!(f, "{symbol} ({key}): {} {was} -> {now}", field.name())
    }
}

/// All that changed, each list in order of its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Of the earlier master: gone, as their time was over.
    pub expired: Vec<ListingId>,
    /// Of the earlier master: gone before their time.
    pub removed: Vec<ListingId>,
    /// Of the later master: not there before.
    pub listed: Vec<ListingId>,
    /// Contracts of both whose facts differ.
    pub changed: Vec<Change>,
}

impl Difference {
    /// Compares an earlier master with a later one.
    #[must_use]
    pub fn between(earlier: &Catalogue, later: &Catalogue) -> Self {
        let first_expiries = first_expiries(later);
        let mut difference = Self::default();
        for old in earlier.iter() {
            match later.by_key(old.key()).filter(|new| is_same(&old, new)) {
                Some(new) => difference.compare(&old, &new),
                None => {
                    let first = first_expiries.get(old.segment());
                    let over = old
                        .expiry()
                        .zip(first)
                        .is_some_and(|(expiry, first)| expiry < *first);
                    let gone = if over {
                        &mut difference.expired
                    } else {
                        &mut difference.removed
                    };
                    gone.push(old.id);
                }
            }
        }
        for new in later.iter() {
            if earlier.by_key(new.key()).is_none_or(|old| !is_same(&old, &new)) {
                difference.listed.push(new.id);
            }
        }
        difference
    }

    /// Whether both masters say the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What changed of one contract, such as the lot of an open position.
    pub fn changes_of(&self, key: &str) -> impl Iterator<Item = &Change> {
        self.changed.iter().filter(move |change| change.key == key)
    }

    fn compare(&mut self, old: &Listing<'_>, new: &Listing<'_>) {
        let day = |listing: &Listing<'_>| listing.expiry().map_or_else(String::new, |day| day.to_string());
        let mut differs = |field, differs: bool, was: &dyn Fn(&Listing<'_>) -> String| {
            if differs {
                self.changed.push(Change {
                    old: old.id,
                    new: new.id,
                    key: new.key().to_owned(),
                    symbol: new.symbol().to_owned(),
                    field,
                    was: was(old),
                    now: was(new),
                });
            }
        };
        differs(Field::Lot, old.lot() != new.lot(), &|row| {
            row.lot().get().to_string()
        });
        differs(Field::Freeze, old.freeze() != new.freeze(), &|row| {
            row.freeze().get().to_string()
        });
        differs(Field::Tick, old.tick() != new.tick(), &|row| {
            row.tick().to_string()
        });
        differs(Field::Strike, old.strike() != new.strike(), &|row| {
            row.strike().to_string()
        });
        differs(Field::Expiry, old.expiry() != new.expiry(), &day);
        differs(Field::Symbol, old.symbol() != new.symbol(), &|row| {
            row.symbol().to_owned()
        });
        let types = old.instrument_type() != new.instrument_type();
        differs(Field::Type, types, &|row| row.instrument_type().to_owned());
    }
}

/// Whether two rows of one key are one contract: keys of derivatives are given anew after every expiry. Strike or
/// expiry may be moved, but not both at once.
fn is_same(old: &Listing<'_>, new: &Listing<'_>) -> bool {
    old.kind() == new.kind()
        && old.underlying() == new.underlying()
        && (old.strike() == new.strike() || old.expiry() == new.expiry())
}

/// The first expiry of each segment.
fn first_expiries(catalogue: &Catalogue) -> BTreeMap<&str, IstDay> {
    let mut first = BTreeMap::new();
    for listing in catalogue.iter() {
        if let Some(expiry) = listing.expiry() {
            let known = first.entry(listing.segment()).or_insert(expiry);
            *known = expiry.min(*known);
        }
    }
    first
}
