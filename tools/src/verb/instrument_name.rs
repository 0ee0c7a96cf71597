//! Which contract is meant: a key as it stands, or any house's name for it, looked up in the stored masters.
//!
//! Invariants: a key (it holds `|`) is taken as it is and needs no master; a name must lead to exactly one contract,
//! or nothing is sent. A write takes a name only where it is exact and bears on one contract of all exchanges, and its
//! consent shows what the key stands for. Exit code 3 where a name is nobody's, several contracts', or no master is there.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

use bijli_core::instrument::InstrumentKind;
use bijli_core::{IstDay, Qty};
use bijli_feed::upstox::catalogue::find::{Lookup, Style};
use bijli_feed::upstox::catalogue::{Catalogue, ListingId};

use super::table::one_line;
use crate::broker_access::Trouble;
use crate::duty_cycle::wall_now;
use crate::exit_code;
use crate::master_store::MasterStore;

/// Most contracts that a message names.
const NAMED_MAX: usize = 5;

/// Where names are looked up.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct MasterArguments {
    /// Folder of the masters that `bijli instruments sync` keeps; names other than keys are looked up there.
    #[arg(long, value_name = "DIR", default_value = "masters")]
    masters: PathBuf,
    /// One master file (.json or .json.gz) to look names up in instead.
    #[arg(long, value_name = "FILE", conflicts_with = "masters")]
    master: Option<PathBuf>,
}

/// A contract that somebody named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedContract {
    /// Its instrument key.
    pub(super) key: String,
    /// Its symbol, or what it was called.
    pub(super) name: String,
    /// Whether the name is its symbol.
    pub(super) is_symbol: bool,
}

/// The contract of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WriteTarget {
    /// Its instrument key.
    pub(super) key: String,
    /// What the key stands for, and by which master.
    pub(super) words: String,
}

/// A master that names are looked up in.
struct LookedUp {
    catalogue: Catalogue,
    /// Which one, with what speaks against it.
    words: String,
}

impl MasterArguments {
    /// The contract of `qty` units that a write means: by its key, or by a name that is exact.
    pub(super) fn write_target(&self, text: &str, qty: Qty) -> Result<WriteTarget, Trouble> {
        let text = text.trim();
        let is_key = text.contains('|');
        let looked_up = match self.look_up() {
            Ok(Some(looked_up)) => looked_up,
            Ok(None) if is_key => return Ok(unlisted(text, "no master is at hand to tell what it is")),
            Ok(None) => return Err(self.no_master(text)),
            Err(trouble) if is_key => return Ok(unlisted(text, &trouble.message)),
            Err(trouble) => return Err(trouble),
        };
        let catalogue = &looked_up.catalogue;
        let id = match catalogue.find(text, self.today(), NAMED_MAX) {
            Lookup::Found {
                id,
                style,
                rejected_key: false,
                also,
            } if is_exact(style) && also.is_empty() => id,
            Lookup::Found { id, also, .. } => {
                let ids: Vec<ListingId> = [id].into_iter().chain(also).collect();
                return Err(no_data(format!(
                    "`{text}` is not exact enough to send an order by; give the key:{}",
                    named_lines(catalogue, &ids)
                )));
            }
            Lookup::Missing { .. } if is_key => {
                return Ok(unlisted(text, &format!("NOT IN the {}", looked_up.words)));
            }
            Lookup::Ambiguous { .. } | Lookup::Missing { .. } => {
                return Err(found(catalogue, text, self.today())
                    .err()
                    .unwrap_or_else(|| no_data(format!("`{text}` is no contract"))));
            }
        };
        let listing = catalogue.listing(id);
        let expiry = listing
            .expiry()
            .map_or_else(|| "no expiry".to_owned(), |day| format!("expiry {day}"));
        let lot = listing.lot().get();
        let lots = if lot > 0 && qty.get() % lot == 0 {
            format!("{} lots of {lot}", qty.get() / lot)
        } else {
            format!("NOT WHOLE LOTS of {lot}")
        };
        Ok(WriteTarget {
            key: listing.key().to_owned(),
            words: format!(
                "{} ({}, {expiry}, {lots}, by the {})",
                one_line(listing.symbol()),
                one_line(listing.key()),
                looked_up.words
            ),
        })
    }

    /// The key of what somebody calls a contract.
    pub(super) fn key_of(&self, text: &str) -> Result<String, Trouble> {
        let text = text.trim();
        if text.contains('|') {
            return Ok(text.to_owned());
        }
        let catalogue = self.newest()?.ok_or_else(|| self.no_master(text))?;
        found(&catalogue, text, self.today())
    }

    /// The contracts that somebody names, each once, in the order named. Keys are taken as they stand, and have
    /// their symbols where a master is at hand.
    pub(super) fn named(&self, texts: &[String]) -> Result<Vec<NamedContract>, Trouble> {
        let is_key = |text: &&String| text.contains('|');
        let catalogue = match self.newest() {
            Err(trouble) if !texts.iter().all(|text| is_key(&text)) => return Err(trouble),
            outcome => outcome.ok().flatten(),
        };
        let today = self.today();
        let mut seen = BTreeSet::new();
        let (mut named, mut misses) = (Vec::new(), Vec::new());
        for text in texts.iter().map(|text| text.trim()) {
            let key = match &catalogue {
                _ if text.contains('|') => Ok(text.to_owned()),
                Some(catalogue) => found(catalogue, text, today),
                None => Err(self.no_master(text)),
            };
            match key {
                Ok(key) if seen.insert(key.clone()) => {
                    let listing = catalogue.as_ref().and_then(|catalogue| catalogue.by_key(&key));
                    named.push(NamedContract {
                        is_symbol: listing.is_some(),
                        name: listing.map_or_else(|| text.to_owned(), |listing| listing.symbol().to_owned()),
                        key,
                    });
                }
                Ok(_) => {}
                Err(trouble) => misses.push(trouble.message),
            }
        }
        if misses.is_empty() {
            Ok(named)
        } else {
            Err(no_data(misses.join("\n")))
        }
    }

    /// Expiries before this day do not count as near.
    fn today(&self) -> IstDay {
        match self.master {
            // Of a file of any day every contract counts as near.
            Some(_) => IstDay::new(0),
            None => wall_now().ist_day(),
        }
    }

    fn no_master(&self, text: &str) -> Trouble {
        no_data(format!(
            "no master in {} to look `{text}` up in: run `bijli instruments sync`, or give the instrument key",
            self.masters.display()
        ))
    }

    /// What sort of contract a key is; `None` where neither its segment nor a master tells.
    pub(super) fn kind_of(&self, key: &str) -> Option<InstrumentKind> {
        match key.split('|').next() {
            Some("NSE_EQ" | "BSE_EQ") => Some(InstrumentKind::Equity),
            _ => self.newest().ok()??.by_key(key)?.kind(),
        }
    }

    fn newest(&self) -> Result<Option<Catalogue>, Trouble> {
        Ok(self.look_up()?.map(|looked_up| looked_up.catalogue))
    }

    fn look_up(&self) -> Result<Option<LookedUp>, Trouble> {
        if let Some(path) = &self.master {
            let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let file = File::open(path).map_err(|error| no_data(named(&error)))?;
            let catalogue = Catalogue::load(file).map_err(|error| Trouble::error(named(&error)))?;
            let words = format!("master file {}", path.display());
            return Ok(Some(LookedUp { catalogue, words }));
        }
        let sound = MasterStore::new(&self.masters)
            .newest_sound()
            .map_err(|error| no_data(error.to_string()))?;
        for reason in &sound.skipped {
            eprintln!("warning: {reason}");
        }
        Ok(sound.master.map(|(provenance, catalogue)| {
            let mut words = format!("master of {}", provenance.day);
            if provenance.day != self.today().to_string() {
                words.push_str(", WHICH IS NOT TODAY");
            }
            if let Some(reason) = &provenance.stale {
                words.push_str(&format!(", STALE: {reason}"));
            }
            LookedUp { catalogue, words }
        }))
    }
}

/// A key that no master explains.
fn unlisted(key: &str, why: &str) -> WriteTarget {
    WriteTarget {
        key: key.to_owned(),
        words: format!("{} ({})", one_line(key), one_line(why)),
    }
}

/// Whether a name of this style means one contract whatever the day, and cannot be a slip.
const fn is_exact(style: Style) -> bool {
    match style {
        Style::Key
        | Style::Isin
        | Style::TradingSymbol
        | Style::ExchangeMonth
        | Style::ExchangeWeek
        | Style::SixDigits
        | Style::DayMonthYear => true,
        Style::Token | Style::Continuous | Style::NoExpiry | Style::Spelling => false,
    }
}

fn named_lines(catalogue: &Catalogue, ids: &[ListingId]) -> String {
    let named = ids.iter().take(NAMED_MAX).map(|id| {
        let listing = catalogue.listing(*id);
        format!("\n  {}  {}", listing.key(), listing.symbol())
    });
    named.collect()
}

fn found(catalogue: &Catalogue, text: &str, today: IstDay) -> Result<String, Trouble> {
    let names = |ids: &[ListingId]| named_lines(catalogue, ids);
    match catalogue.find(text, today, NAMED_MAX) {
        Lookup::Found { id, .. } => Ok(catalogue.listing(id).key().to_owned()),
        Lookup::Ambiguous { ids, .. } => Err(no_data(format!(
            "`{text}` stands for {} contracts; give the key of one:{}",
            ids.len(),
            names(&ids)
        ))),
        Lookup::Missing { nearest } if nearest.is_empty() => Err(no_data(format!("`{text}` is no contract"))),
        Lookup::Missing { nearest } => Err(no_data(format!(
            "`{text}` is no contract; nearest:{}",
            names(&nearest)
        ))),
    }
}

fn no_data(message: String) -> Trouble {
    Trouble {
        code: exit_code::NO_DATA,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masters() -> (tempfile::TempDir, MasterArguments) {
        let folder = tempfile::tempdir().expect("a folder");
        let share = |segment: &str, token: &str| {
            format!(
                r#"{{"segment":"{segment}","instrument_key":"{segment}|INE1","exchange_token":"{token}",
                "instrument_type":"EQ","trading_symbol":"TWICE","name":"TWICE LIMITED","isin":"INE1","lot_size":1,
                "tick_size":5.0}}"#
            )
        };
        let text = format!(
            r#"[{},{},{{"segment":"NSE_FO","instrument_key":"NSE_FO|7","exchange_token":"7","instrument_type":"CE",
            "trading_symbol":"NIFTY 100 CE 27 JAN 26","name":"NIFTY","underlying_symbol":"NIFTY","strike_price":100,
            "expiry":1769538599000,"lot_size":65,"freeze_quantity":1800.0,"tick_size":5.0}},
            {{"segment":"NSE_INDEX","instrument_type":"INDEX","instrument_key":"NSE_INDEX|Nifty Bank",
            "name":"Nifty Bank","trading_symbol":"BANKNIFTY"}}]"#,
            share("NSE_EQ", "1"),
            share("BSE_EQ", "2")
        );
        let path = folder.path().join("master.json");
        std::fs::write(&path, text).expect("a small file");
        let arguments = MasterArguments {
            masters: folder.path().to_owned(),
            master: Some(path),
        };
        (folder, arguments)
    }

    #[test]
    fn a_write_shows_what_its_contract_is_and_whether_its_lots_are_whole() {
        let (_folder, masters) = masters();
        for name in ["NSE_FO|7", "NIFTY 100 CE 27 JAN 26", "NIFTY26JAN100CE"] {
            let target = masters.write_target(name, Qty::new(130)).expect(name);
            assert_eq!(target.key, "NSE_FO|7");
            let told =
                "NIFTY 100 CE 27 JAN 26 (NSE_FO|7, expiry 2026-01-27, 2 lots of 65, by the master file ";
            assert!(target.words.starts_with(told), "{}", target.words);
        }
        let odd = masters.write_target("NSE_FO|7", Qty::new(100)).expect("a key");
        assert!(odd.words.contains("NOT WHOLE LOTS of 65"), "{}", odd.words);
        let unlisted = masters.write_target("NSE_FO|8", Qty::new(65)).expect("a key");
        assert_eq!(unlisted.key, "NSE_FO|8");
        assert!(
            unlisted.words.contains("NOT IN the master file"),
            "{}",
            unlisted.words
        );
    }

    #[test]
    fn a_write_takes_no_loose_name_and_none_that_two_exchanges_bear() {
        let (_folder, masters) = masters();
        for name in [
            "TWICE",
            "7",
            "Nifty-Bank Index",
            "BANK NIFTY INDEX",
            "NSE_EQ|TWICE",
            "NIFTY",
            "nobody",
        ] {
            let refused = masters.write_target(name, Qty::new(65)).expect_err(name);
            assert_eq!(refused.code, exit_code::NO_DATA, "{name}: {}", refused.message);
        }
        assert_eq!(
            masters.key_of("TWICE").ok().as_deref(),
            Some("NSE_EQ|INE1"),
            "a read may"
        );
    }

    #[test]
    fn a_stored_master_of_another_day_is_called_so() {
        let (folder, masters) = masters();
        let path = masters.master.clone().expect("a file");
        let terms = bijli_feed::upstox::catalogue::acceptance::Terms {
            rows_min: 1,
            required: Vec::new(),
            ..bijli_feed::upstox::catalogue::acceptance::Terms::of_day(
                IstDay::from_ymd(2026, 1, 6).expect("a real date"),
            )
        };
        let store = MasterStore::new(folder.path().join("stored"));
        let (candidate, _file) = store.candidate().expect("a file");
        std::fs::copy(&path, &candidate).expect("a small file");
        store
            .accept(&candidate, ("a test", wall_now()), &terms, 1)
            .expect("good");
        let masters = MasterArguments {
            masters: folder.path().join("stored"),
            master: None,
        };
        let target = masters.write_target("NSE_FO|7", Qty::new(65)).expect("a key");
        assert!(
            target
                .words
                .ends_with("by the master of 2026-01-06, WHICH IS NOT TODAY)"),
            "{}",
            target.words
        );
    }
}
