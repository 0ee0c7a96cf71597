//! Which contract is meant: a key as it stands, or any house's name for it, looked up in the stored masters.
//!
//! Invariants: a key (it holds `|`) is taken as it is and needs no master; a name must lead to exactly one contract,
//! or nothing is sent. Exit code 3 where a name is nobody's, several contracts', or no master is there.

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
}

impl MasterArguments {
    /// The key of what somebody calls a contract.
    pub(super) fn key_of(&self, text: &str) -> Result<String, Trouble> {
        let text = text.trim();
        if text.contains('|') {
            return Ok(text.to_owned());
        }
        let today = wall_now().ist_day();
        let catalogue = self.newest()?.ok_or_else(|| {
            no_data(format!(
                "no master in {} to look `{text}` up in: run `bijli instruments sync`, or give the instrument key",
                self.masters.display()
            ))
        })?;
        found(&catalogue, text, today)
    }

    /// What sort of contract a key is; `None` where neither its segment nor a master tells.
    pub(super) fn kind_of(&self, key: &str) -> Option<InstrumentKind> {
        match key.split('|').next() {
            Some("NSE_EQ" | "BSE_EQ") => Some(InstrumentKind::Equity),
            _ => self.newest().ok()??.by_key(key)?.kind(),
        }
    }

    fn newest(&self) -> Result<Option<Catalogue>, Trouble> {
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
