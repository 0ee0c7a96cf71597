//! From whatever a person or another system calls a contract to its row, or to the nearest ones.
//!
//! Invariants: nothing is guessed where two rows fit, unless one is the NSE's and the rest are other exchanges'
//! (those are told too); a symbol in the place of a key is found but marked, since the feed rejects it. Left out:
//! names of expired contracts. The old systems sent `NSE_EQ|RELIANCE` and `NSE_FO|NIFTY26JAN26000CE`; the feed
//! knows ISINs and exchange tokens alone.

use bijli_core::time::IstDay;

use super::build::contract_hash;
use super::symbol_style::{Guess, When, guesses};
use super::text_index::{hash, letters, plain};
use super::{Catalogue, Listing, ListingId, NO_UNDERLYING};

/// By which of its names a contract was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The broker's key: what feed and orders take.
    Key,
    /// The exchange's number.
    Token,
    /// The international number of a share.
    Isin,
    /// The broker's trading symbol.
    TradingSymbol,
    /// The exchange's symbol with a month: `NIFTY26JAN26000CE`.
    ExchangeMonth,
    /// The exchange's symbol with a week: `NIFTY2611326000CE`.
    ExchangeWeek,
    /// Year, month and day in six digits: `NIFTY26011326000CE`.
    SixDigits,
    /// Day, month and year: `NIFTY13JAN2626000CE`.
    DayMonthYear,
    /// The nearest futures: `NIFTY-I`, `-II`, `-III`.
    Continuous,
    /// A derivative without its expiry: never enough by itself.
    NoExpiry,
    /// A company or index by name, spelt loosely.
    Spelling,
}

impl Style {
    /// The style in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Token => "exchange token",
            Self::Isin => "isin",
            Self::TradingSymbol => "trading symbol",
            Self::ExchangeMonth => "exchange monthly",
            Self::ExchangeWeek => "exchange weekly",
            Self::SixDigits => "six-digit date",
            Self::DayMonthYear => "day-month-year",
            Self::Continuous => "continuous future",
            Self::NoExpiry => "no expiry",
            Self::Spelling => "name",
        }
    }
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// One contract.
    Found {
        /// It.
        id: ListingId,
        /// By which name.
        style: Style,
        /// The text has the shape of a key but is none: the feed rejects it.
        rejected_key: bool,
        /// What bears the same name elsewhere.
        also: Vec<ListingId>,
    },
    /// Several contracts that the name fits equally.
    Ambiguous {
        /// By which name.
        style: Style,
        /// All of them.
        ids: Vec<ListingId>,
    },
    /// None; those that come nearest, best first.
    Missing {
        /// Contracts or underlyings that may be meant.
        nearest: Vec<ListingId>,
    },
}

/// Other names of indices that their rows do not hold: the letters of the name, and of what it stands for.
const INDEX_NAMES: [(&str, &str); 14] = [
    ("NIFTYFIFTY", "NIFTY50"),
    ("CNXNIFTY", "NIFTY50"),
    ("CNXBANK", "NIFTYBANK"),
    ("BANKNIFTYINDEX", "NIFTYBANK"),
    ("NIFTYFINANCIALSERVICES", "NIFTYFINSERVICE"),
    ("NIFTYFINSERVICES", "NIFTYFINSERVICE"),
    ("NIFTYFINANCIAL", "NIFTYFINSERVICE"),
    ("NIFTYMIDCAPSELECT", "NIFTYMIDSELECT"),
    ("NIFTYMIDCAPSEL", "NIFTYMIDSELECT"),
    ("MIDCAPNIFTY", "NIFTYMIDSELECT"),
    ("NIFTYJR", "NIFTYNEXT50"),
    ("NIFTYJUNIOR", "NIFTYNEXT50"),
    ("BSESENSEX", "SENSEX"),
    ("VIX", "INDIAVIX"),
];

/// How others write a segment before a symbol, and which segments begin so.
const EXCHANGES: [(&str, &str); 9] = [
    ("NSE", "NSE_"),
    ("NFO", "NSE_FO"),
    ("BSE", "BSE_"),
    ("BFO", "BSE_FO"),
    ("MCX", "MCX_FO"),
    ("CDS", "NCD_FO"),
    ("BCD", "BCD_FO"),
    ("NCO", "NSE_COM"),
    ("NS", "NSE_"),
];

/// A text taken apart: what is named, and where to look for it.
struct Query {
    /// Capitals without blanks.
    name: String,
    /// How the segment must begin; empty for any.
    segment: String,
    like_a_key: bool,
}

impl Catalogue {
    /// Finds a contract by any of its names. Expiries before `today` do not count as near; at most `nearest_max`
    /// others are named when there is none.
    #[must_use]
    pub fn find(&self, text: &str, today: IstDay, nearest_max: usize) -> Lookup {
        let found = |listing: Listing<'_>, style| Lookup::Found {
            id: listing.id,
            style,
            rejected_key: false,
            also: Vec::new(),
        };
        if let Some(listing) = self.by_key(text.trim()) {
            return found(listing, Style::Key);
        }
        let query = self.query(text);
        for (style, mut ids) in self.candidates(&query, today) {
            ids.retain(|id| self.listing(*id).segment().starts_with(&query.segment));
            ids.sort_unstable();
            ids.dedup();
            if !ids.is_empty() {
                return self.choose(style, ids, query.like_a_key);
            }
        }
        Lookup::Missing {
            nearest: self.nearest(&query, today, nearest_max),
        }
    }

    fn query(&self, text: &str) -> Query {
        let whole = as_text(plain(text));
        let none = |name: &str| Query {
            name: name.to_owned(),
            segment: String::new(),
            like_a_key: false,
        };
        let segment_of = |mark: &str| {
            let own = self.segments.iter().find(|segment| *segment == mark);
            let other = EXCHANGES.iter().find(|(name, _)| *name == mark);
            own.map(String::as_str).or(other.map(|(_, segment)| *segment))
        };
        let before = whole.split_once(['|', ':']);
        if let Some((mark, name)) = before
            && let Some(segment) = segment_of(mark)
        {
            return Query {
                segment: segment.to_owned(),
                like_a_key: whole.contains('|'),
                ..none(name)
            };
        }
        if let Some((name, mark)) = whole.rsplit_once('.')
            && let Some((_, segment)) = EXCHANGES.iter().find(|(name, _)| *name == mark)
        {
            return Query {
                segment: (*segment).to_owned(),
                ..none(name)
            };
        }
        none(&whole)
    }

    /// What may be meant, the surest style first.
    fn candidates(&self, query: &Query, today: IstDay) -> Vec<(Style, Vec<ListingId>)> {
        let name = query.name.as_str();
        let mut found = Vec::new();
        if !name.is_empty() {
            let rows = || {
                let rows = self.numbers.rows(hash(plain(name)));
                rows.map(|id| self.listing(id))
            };
            let isins = rows().filter(|listing| listing.isin() == name);
            found.push((Style::Isin, isins.map(|listing| listing.id).collect()));
            let tokens = rows().filter(|listing| listing.token() == name);
            found.push((Style::Token, tokens.map(|listing| listing.id).collect()));
        }
        let symbols = self.symbols.rows(hash(plain(name)));
        let same = |id: &ListingId| plain(self.listing(*id).symbol()).eq(plain(name));
        found.push((Style::TradingSymbol, symbols.filter(same).collect()));
        if let Some((symbol, series)) = name.rsplit_once('-') {
            let rows = self.symbols.rows(hash(plain(symbol))).map(|id| self.listing(id));
            let rows = rows.filter(|listing| {
                plain(listing.symbol()).eq(plain(symbol)) && listing.instrument_type() == series
            });
            found.push((Style::TradingSymbol, rows.map(|listing| listing.id).collect()));
        }
        let guesses = guesses(name, &self.underlying_numbers);
        for guess in guesses.iter().filter(|guess| guess.when != When::Any) {
            // Readings of different styles may name the same contract or two: they compete as one.
            let ids = self.contracts_of(guess, today);
            match found.last_mut() {
                Some((Style::TradingSymbol, _)) | None => found.push((guess.style, ids)),
                Some((_, known)) if known.is_empty() => {
                    found.pop();
                    found.push((guess.style, ids));
                }
                Some((_, known)) => known.extend(ids),
            }
        }
        found.push((Style::Spelling, self.spelt(name)));
        found
    }

    /// The rows of one reading, in every segment that has it.
    fn contracts_of(&self, guess: &Guess, today: IstDay) -> Vec<ListingId> {
        let mut ids = Vec::new();
        for (segment, day) in self.days_of(guess, today) {
            let rows = self.contracts.rows(contract_hash(
                guess.underlying,
                day,
                guess.strike,
                Some(guess.kind),
            ));
            ids.extend(rows.filter(|id| {
                let row = &self.rows[id.index()];
                row.segment == segment
                    && row.underlying == guess.underlying
                    && row.expiry == day
                    && row.strike == guess.strike
                    && row.kind == Some(guess.kind)
            }));
        }
        ids
    }

    /// The day that a reading means in each segment that lists the underlying.
    fn days_of(&self, guess: &Guess, today: IstDay) -> Vec<(u8, IstDay)> {
        let option = guess.kind.is_option();
        let range = (guess.underlying, 0, false)..=(guess.underlying, u8::MAX, true);
        let lists = self
            .expiries
            .range(range)
            .filter(|((_, _, of_options), _)| *of_options == option);
        let day = |days: &Vec<IstDay>| match guess.when {
            When::Day(day) => days.binary_search(&day).is_ok().then_some(day),
            When::Month { year, month } => {
                let in_month = |day: &&IstDay| {
                    let (y, m, _) = day.ymd();
                    (y, m) == (year, month)
                };
                days.iter().rfind(in_month).copied()
            }
            When::Nth(nth) => days.iter().filter(|day| **day >= today).nth(nth).copied(),
            When::Any => None,
        };
        lists
            .filter_map(|((_, segment, _), days)| Some((*segment, day(days)?)))
            .collect()
    }

    /// Shares and indices by the letters of a name.
    fn spelt(&self, name: &str) -> Vec<ListingId> {
        let wanted = as_text(letters(name));
        let other = INDEX_NAMES.iter().find(|(other, _)| *other == wanted);
        let wanted = other.map_or(wanted.as_str(), |(_, own)| own);
        if wanted.is_empty() {
            return Vec::new();
        }
        self.spellings
            .rows(hash(letters(wanted)))
            .filter(|id| {
                let spellings = self.listing(*id).spellings();
                spellings.iter().any(|text| letters(text).eq(letters(wanted)))
            })
            .collect()
    }

    fn choose(&self, style: Style, ids: Vec<ListingId>, rejected_key: bool) -> Lookup {
        let only = |wanted: &dyn Fn(&Listing<'_>) -> bool| {
            let mut fitting = ids.iter().filter(|id| wanted(&self.listing(**id)));
            fitting.next().filter(|_| fitting.next().is_none()).copied()
        };
        let chosen = match ids.as_slice() {
            [id] => Some(*id),
            // A number means nothing without its segment.
            _ if style == Style::Token => None,
            _ => only(&|listing| listing.segment() == "NSE_EQ" && listing.instrument_type() == "EQ")
                .or_else(|| only(&|listing| listing.segment() == "NSE_INDEX"))
                .or_else(|| only(&|listing| matches!(listing.segment(), "NSE_EQ" | "NSE_FO"))),
        };
        match chosen {
            Some(id) => Lookup::Found {
                id,
                style,
                rejected_key,
                also: ids.into_iter().filter(|other| *other != id).collect(),
            },
            None => Lookup::Ambiguous { style, ids },
        }
    }

    /// What comes nearest to a name that is nobody's.
    fn nearest(&self, query: &Query, today: IstDay, most: usize) -> Vec<ListingId> {
        let name = query.name.as_str();
        let mut readings = guesses(name, &self.underlying_numbers);
        if readings.is_empty() {
            let rest_at = name.find(|sign: char| sign.is_ascii_digit() || sign == '-');
            let rest_at = rest_at.or_else(|| name.rfind("FUT")).unwrap_or(name.len());
            let (underlying, rest) = name.split_at(rest_at);
            let mut close: Vec<(usize, &String)> = self
                .underlying_numbers
                .keys()
                .map(|known| (strsim::osa_distance(underlying, known), known))
                .filter(|(distance, _)| (1..=2).contains(distance))
                .collect();
            close.sort_unstable();
            if !rest.is_empty() {
                readings = close
                    .iter()
                    .flat_map(|(_, known)| guesses(&format!("{known}{rest}"), &self.underlying_numbers))
                    .collect();
            }
        }
        if readings.is_empty() {
            return self.nearest_names(name, most);
        }
        self.nearest_contracts(&readings, today, most)
    }

    /// Contracts of the same underlying and sort: the nearest expiry first, then the nearest strike.
    fn nearest_contracts(&self, readings: &[Guess], today: IstDay, most: usize) -> Vec<ListingId> {
        let distance = |row: &super::Row, guess: &Guess| {
            let wanted = match guess.when {
                When::Day(day) => day,
                When::Month { year, month } => IstDay::from_ymd(year, month, 28).unwrap_or(today),
                When::Nth(_) | When::Any => today,
            };
            let strike = (row.strike.get() - guess.strike.get()).unsigned_abs();
            let days = row.expiry.get().abs_diff(wanted.get());
            // Without an expiry the strike is what is known; with one, the day is.
            if guess.when == When::Any {
                (strike, u64::from(days))
            } else {
                (u64::from(days), strike)
            }
        };
        let mut close: Vec<((u64, u64), ListingId)> = Vec::new();
        for (number, row) in (0..).zip(&self.rows) {
            let fitting = readings
                .iter()
                .filter(|guess| row.underlying == guess.underlying && row.kind == Some(guess.kind));
            if let Some(best) = fitting.map(|guess| distance(row, guess)).min() {
                close.push((best, ListingId(number)));
            }
        }
        close.sort_unstable();
        close.into_iter().take(most).map(|(_, id)| id).collect()
    }

    /// Shares and indices whose symbol or name is spelt almost so, or holds it.
    fn nearest_names(&self, name: &str, most: usize) -> Vec<ListingId> {
        let wanted = as_text(letters(name));
        if wanted.len() < 2 {
            return Vec::new();
        }
        let farthest = 2.max(1 + wanted.len() / 4);
        let distance = |text: &str| {
            let text = as_text(letters(text));
            // A name that only begins so is farther off than one slip of the hand.
            let begins = if wanted.len() >= 3 && text.starts_with(&wanted) {
                2
            } else {
                usize::MAX
            };
            if text.len().abs_diff(wanted.len()) > farthest {
                return begins;
            }
            begins.min(strsim::osa_distance(&text, &wanted))
        };
        let mut close: Vec<(usize, bool, &str, ListingId)> = self
            .iter()
            .filter(|listing| listing.row.underlying == NO_UNDERLYING)
            .filter_map(|listing| {
                let nearest = listing.spellings().into_iter().map(distance).min()?;
                let common = matches!(listing.segment(), "NSE_EQ" | "NSE_INDEX")
                    && matches!(listing.instrument_type(), "EQ" | "INDEX");
                (nearest <= farthest).then_some((nearest, !common, listing.symbol(), listing.id))
            })
            .collect();
        close.sort_unstable();
        close.into_iter().take(most).map(|(_, _, _, id)| id).collect()
    }
}

fn as_text(bytes: impl Iterator<Item = u8>) -> String {
    let bytes: Vec<u8> = bytes.collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
