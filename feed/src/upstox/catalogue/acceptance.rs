//! Whether a new master may replace the last good one, and what of it somebody must hear about.
//!
//! A changed lot is accepted, since the exchange changes lots, but never silently. Invariants: all reasons of a
//! refusal are given, not the first alone; a contract that expired is not a loss. Left out: whether the file reads at
//! all ([`super::Catalogue::load`] refuses it then), which file to keep instead.

use std::collections::BTreeMap;
use std::fmt;

use bijli_core::instrument::InstrumentKind;
use bijli_core::time::IstDay;

use super::difference::{Change, Difference, Field};
use super::{Catalogue, Listing};

/// An expiry farther off than this is none: the longest options run five years.
const HORIZON_DAYS: i32 = 10 * 366;
/// A market without an expiry within this many days is not listed whole.
const NEAR_DAYS: i32 = 40;

/// What a master must meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The day that it is for.
    pub day: IstDay,
    /// Fewest rows.
    pub rows_min: usize,
    /// Most contracts of a segment that may be missing since the last master, or be expired already, percent.
    pub lost_max_percent: u32,
    /// Keys that must be there.
    pub required: Vec<String>,
}

impl Terms {
    /// The terms for the broker's own files: the smallest exchange file that is of use has over 80,000 rows.
    #[must_use]
    pub fn of_day(day: IstDay) -> Self {
        Self {
            day,
            rows_min: 20_000,
            lost_max_percent: 10,
            required: ["NSE_INDEX|Nifty 50", "NSE_INDEX|Nifty Bank"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

/// A reason not to use a master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has no row, or far too few.
    TooFew {
        /// Rows there.
        rows: usize,
        /// Fewest rows allowed.
        rows_min: usize,
    },
    /// A key that every master has is not there.
    Missing {
        /// The key.
        key: String,
    },
    /// Too much of a segment is gone since the last master.
    Lost {
        /// The segment.
        segment: String,
        /// Contracts of the last master that have not expired.
        expected: usize,
        /// Of these, contracts that are still there.
        found: usize,
    },
    /// Too many contracts expired before the day: the file is an old one.
    Stale {
        /// The segment.
        segment: String,
        /// Contracts expired.
        expired: usize,
        /// Contracts in all.
        contracts: usize,
    },
    /// No derivative of a stock exchange expires soon.
    NothingNear,
    /// A row whose facts cannot be.
    Row {
        /// Its key.
        key: String,
        /// What cannot be.
        reason: &'static str,
        /// Rows with the same fault.
        count: usize,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { rows, rows_min } => {
                write!(f, "{rows} rows, but a whole master has at least {rows_min}")
            }
            Self::Missing { key } => write!(f, "`{key}` is not in it"),
            Self::Lost {
                segment,
                expected,
                found,
            } => write!(
                f,
                "{segment}: of {expected} contracts that have not expired {found} are left"
            ),
            Self::Stale {
                segment,
                expired,
                contracts,
            } => write!(
                f,
                "{segment}: {expired} of {contracts} contracts expired before the day: the file is old"
            ),
            Self::NothingNear => write!(f, "no derivative expires within {NEAR_DAYS} days"),
            Self::Row { key, reason, count } => write!(f, "`{key}` {reason} ({count} such rows)"),
        }
    }
}

/// What was accepted, but must be heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A contract that was there before has another lot, freeze quantity, tick, strike or expiry.
    Changed(Change),
    /// Some contracts expired before the day.
    Expired {
        /// The segment.
        segment: String,
        /// How many.
        count: usize,
    },
    /// Contracts are gone before their time.
    Removed {
        /// How many.
        count: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(change) => change.fmt(f),
            Self::Expired { segment, count } => {
                write!(
                    f,
                    "{segment}: {count} contracts expired before the day; is the file of today?"
                )
            }
            Self::Removed { count } => write!(f, "{count} contracts are gone before their expiry"),
        }
    }
}

/// Judges a master by itself and against the last good one.
///
/// # Errors
/// Every reason not to use it.
pub fn judge(new: &Catalogue, last: Option<&Catalogue>, terms: &Terms) -> Result<Vec<Warning>, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let mut warnings = Vec::new();
    if new.is_empty() || new.len() < terms.rows_min {
        refusals.push(Refusal::TooFew {
            rows: new.len(),
            rows_min: terms.rows_min.max(1),
        });
    }
    for key in &terms.required {
        if new.by_key(key).is_none() {
            refusals.push(Refusal::Missing { key: key.clone() });
        }
    }
    check_rows(new, terms.day, &mut refusals);
    check_expiries(new, terms, &mut refusals, &mut warnings);
    if let Some(last) = last {
        check_losses(new, last, terms, &mut refusals);
        let difference = Difference::between(last, new);
        if !difference.removed.is_empty() {
            warnings.push(Warning::Removed {
                count: difference.removed.len(),
            });
        }
        let loud = difference.changed.into_iter().filter(|change| {
            matches!(
                change.field,
                Field::Lot | Field::Freeze | Field::Tick | Field::Strike | Field::Expiry
            )
        });
        warnings.extend(loud.map(Warning::Changed));
    }
    if refusals.is_empty() {
        Ok(warnings)
    } else {
        Err(refusals)
    }
}

/// One refusal for each sort of fault, with the first row that has it.
fn check_rows(new: &Catalogue, day: IstDay, refusals: &mut Vec<Refusal>) {
    let mut faults: BTreeMap<&'static str, (String, usize)> = BTreeMap::new();
    for listing in new.iter() {
        if let Some(reason) = fault(&listing, day) {
            let first = || (listing.key().to_owned(), 0);
            faults.entry(reason).or_insert_with(first).1 += 1;
        }
    }
    let rows = faults
        .into_iter()
        .map(|(reason, (key, count))| Refusal::Row { key, reason, count });
    refusals.extend(rows);
}

fn fault(listing: &Listing<'_>, day: IstDay) -> Option<&'static str> {
    let kind = listing.kind();
    if kind == Some(InstrumentKind::Index) {
        return None;
    }
    if listing.lot().get() < 1 {
        return Some("has no lot");
    }
    if !listing.tick().is_set() {
        return Some("has no tick");
    }
    if !kind.is_some_and(InstrumentKind::is_derivative) {
        return None;
    }
    match listing.expiry() {
        None => Some("has no expiry"),
        Some(expiry) if expiry.get() > day.get().saturating_add(HORIZON_DAYS) => Some("expires too far off"),
        Some(_) if kind.is_some_and(InstrumentKind::is_option) && !listing.strike().is_set() => {
            Some("has no strike")
        }
        Some(_) => None,
    }
}

fn check_expiries(new: &Catalogue, terms: &Terms, refusals: &mut Vec<Refusal>, warnings: &mut Vec<Warning>) {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut near = false;
    for listing in new.iter() {
        let Some(expiry) = listing.expiry() else { continue };
        let (expired, all) = counts.entry(listing.segment()).or_default();
        *all += 1;
        *expired += usize::from(expiry < terms.day);
        near |= matches!(listing.segment(), "NSE_FO" | "BSE_FO")
            && (0..=NEAR_DAYS).contains(&expiry.get().saturating_sub(terms.day.get()));
    }
    if !near {
        refusals.push(Refusal::NothingNear);
    }
    for (segment, (expired, contracts)) in counts {
        let segment = segment.to_owned();
        if exceeds(expired, contracts, terms.lost_max_percent) {
            refusals.push(Refusal::Stale {
                segment,
                expired,
                contracts,
            });
        } else if expired > 0 {
            warnings.push(Warning::Expired {
                segment,
                count: expired,
            });
        }
    }
}

fn check_losses(new: &Catalogue, last: &Catalogue, terms: &Terms, refusals: &mut Vec<Refusal>) {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for old in last.iter() {
        if old.expiry().is_some_and(|expiry| expiry < terms.day) {
            continue;
        }
        let (expected, found) = counts.entry(old.segment()).or_default();
        *expected += 1;
        *found += usize::from(new.by_key(old.key()).is_some());
    }
    for (segment, (expected, found)) in counts {
        if exceeds(expected - found, expected, terms.lost_max_percent) {
            refusals.push(Refusal::Lost {
                segment: segment.to_owned(),
                expected,
                found,
            });
        }
    }
}

/// Whether `part` is more than so many percent of `whole`.
fn exceeds(part: usize, whole: usize, percent: u32) -> bool {
    part as u64 * 100 > whole as u64 * u64::from(percent)
}
