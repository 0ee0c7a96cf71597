//! Which contract is meant: a key as it stands, or any house's name for it, looked up in the stored masters.
//!
//! Invariants: a key (it holds `|`) is taken as it is and needs no master; a name must lead to exactly one contract,
//! or nothing is sent. Exit code 3 where a name is nobody's, several contracts', or no master is there.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

use bijli_core::IstDay;
use bijli_core::instrument::InstrumentKind;
use bijli_feed::upstox::catalogue::Catalogue;
use bijli_feed::upstox::catalogue::find::Lookup;

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

impl MasterArguments {
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
        if let Some(path) = &self.master {
            let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let file = File::open(path).map_err(|error| no_data(named(&error)))?;
            let catalogue = Catalogue::load(file).map_err(|error| Trouble::error(named(&error)))?;
            return Ok(Some(catalogue));
        }
        let store = MasterStore::new(&self.masters);
        let newest = store.newest().map_err(|error| no_data(error.to_string()))?;
        let load = |provenance| store.load(&provenance);
        newest
            .map(load)
            .transpose()
            .map_err(|error| Trouble::error(error.to_string()))
    }
}

fn found(catalogue: &Catalogue, text: &str, today: IstDay) -> Result<String, Trouble> {
    let names = |ids: &[_]| -> String {
        let named = ids.iter().take(NAMED_MAX).map(|id| {
            let listing = catalogue.listing(*id);
            format!("\n  {}  {}", listing.key(), listing.symbol())
        });
        named.collect()
    };
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
