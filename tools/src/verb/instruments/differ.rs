//! `bijli instruments diff`: what expired, was listed and changed from one master to another, by underlying.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bijli_feed::upstox::catalogue::difference::{Change, Difference};
use bijli_feed::upstox::catalogue::{Catalogue, ListingId};
use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::{Opened, json_of, no_data, open_file, open_stored};
use crate::broker_access::Trouble;
use crate::exit_code;
use crate::master_store::MasterStore;
use crate::stdout::print_line;

/// Arguments of `instruments diff`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The earlier master: a file, or a day of the store (YYYY-MM-DD).
    earlier: String,
    /// The later master.
    later: String,
    /// Folder of the masters that `sync` keeps.
    #[arg(long, value_name = "DIR", default_value = "masters")]
    store: PathBuf,
    /// Print one JSON object with every contract.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<i32, Trouble> {
    let store = MasterStore::new(&args.store);
    let (old, new) = (open(&store, &args.earlier)?, open(&store, &args.later)?);
    let difference = Difference::between(&old.catalogue, &new.catalogue);
    if args.json {
        print_line(&as_json(&old.catalogue, &new.catalogue, &difference).to_string());
    } else {
        for line in lines(&old.catalogue, &new.catalogue, &difference) {
            if !print_line(&line) {
                break;
            }
        }
    }
    Ok(exit_code::OK)
}

fn open(store: &MasterStore, named: &str) -> Result<Opened, Trouble> {
    if Path::new(named).exists() {
        return open_file(Path::new(named));
    }
    let days = store.days().map_err(|error| Trouble::error(error.to_string()))?;
    let provenance = days.into_iter().find(|provenance| provenance.day == named);
    let provenance =
        provenance.ok_or_else(|| no_data(format!("`{named}` is neither a file nor a day of the store")))?;
    open_stored(store, provenance)
}

fn as_json(old: &Catalogue, new: &Catalogue, difference: &Difference) -> Value {
    let all = |catalogue: &Catalogue, ids: &[ListingId]| -> Vec<Value> {
        ids.iter().map(|id| json_of(&catalogue.listing(*id))).collect()
    };
    let change = |change: &Change| {
        json!({
            "instrument_key": change.key, "trading_symbol": change.symbol, "field": change.field.name(),
            "was": change.was, "now": change.now,
        })
    };
    json!({
        "contracts": [old.len(), new.len()],
        "expired": all(old, &difference.expired),
        "removed": all(old, &difference.removed),
        "listed": all(new, &difference.listed),
        "changed": difference.changed.iter().map(change).collect::<Vec<Value>>(),
    })
}

/// How many contracts of one underlying, expiry and segment came or went.
type Groups = BTreeMap<(String, String, String), [usize; 3]>;

fn lines(old: &Catalogue, new: &Catalogue, difference: &Difference) -> Vec<String> {
    let mut groups = Groups::new();
    let lists = [
        (old, &difference.expired),
        (old, &difference.removed),
        (new, &difference.listed),
    ];
    for (place, (catalogue, ids)) in lists.into_iter().enumerate() {
        for id in ids {
            let listing = catalogue.listing(*id);
            let underlying = Some(listing.underlying()).filter(|symbol| !symbol.is_empty());
            let expiry = listing.expiry().map_or_else(String::new, |day| day.to_string());
            let group = (
                listing.segment().to_owned(),
                underlying.unwrap_or(listing.symbol()).to_owned(),
                expiry,
            );
            groups.entry(group).or_default()[place] += 1;
        }
    }
    let mut lines = vec![format!(
        "{} -> {} contracts: {} expired, {} removed, {} listed, {} changes",
        old.len(),
        new.len(),
        difference.expired.len(),
        difference.removed.len(),
        difference.listed.len(),
        difference.changed.len()
    )];
    lines.extend(
        difference
            .changed
            .iter()
            .map(|change| format!("changed  {change}")),
    );
    if !groups.is_empty() {
        lines.push(format!(
            "{:<10} {:<16} {:<10} {:>8} {:>8} {:>8}",
            "segment", "underlying", "expiry", "expired", "removed", "listed"
        ));
    }
    lines.extend(
        groups
            .iter()
            .map(|((segment, underlying, expiry), [expired, removed, listed])| {
                format!("{segment:<10} {underlying:<16} {expiry:<10} {expired:>8} {removed:>8} {listed:>8}")
            }),
    );
    lines
}
