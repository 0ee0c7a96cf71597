//! `bijli instruments`: fetch the day's master and keep it if it is good, find contracts by any name, compare days.
//!
//! Exit codes: 0 done; 1 the master was not fetched or is refused; 2 wrong usage; 3 no master is there, or `find`
//! named something that is no contract or several. Left out: trading on it (`bijli run` reads the same store).

mod differ;
mod finder;
mod measure;
mod syncer;

use std::fs::File;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};

use bijli_feed::upstox::catalogue::{Catalogue, Listing};
use clap::{Args as ClapArgs, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::broker_access::Trouble;
use crate::exit_code;
use crate::master_store::{MasterStore, Provenance};

/// Arguments of `instruments`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Fetch the day's master, judge it, and keep it if it is good.
    Sync(syncer::Args),
    /// Find contracts by key, token, ISIN, name or any house's symbol.
    Find(finder::Args),
    /// Show what expired, was listed and changed between two masters.
    Diff(differ::Args),
    /// Count a master's contracts and measure how it loads.
    Stats(measure::Args),
}

/// Which master is looked at.
#[derive(Debug, ClapArgs)]
struct Source {
    /// A master file (.json or .json.gz) instead of the store's newest.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Folder of the masters that `sync` keeps.
    #[arg(long, value_name = "DIR", default_value = "masters")]
    store: PathBuf,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    let outcome = match &args.what {
        What::Sync(args) => syncer::run(args),
        What::Find(args) => finder::run(args),
        What::Diff(args) => differ::run(args),
        What::Stats(args) => measure::run(args),
    };
    outcome.unwrap_or_else(|trouble| {
        eprintln!("error: {}", trouble.message);
        trouble.code
    })
}

/// A master and where it came from.
struct Opened {
    path: PathBuf,
    provenance: Option<Provenance>,
    catalogue: Catalogue,
}

impl Source {
    fn open(&self) -> Result<Opened, Trouble> {
        if let Some(path) = &self.file {
            return open_file(path);
        }
        let store = MasterStore::new(&self.store);
        let sound = store.newest_sound().map_err(|error| no_data(error.to_string()))?;
        for reason in &sound.skipped {
            eprintln!("warning: {reason}");
        }
        let (provenance, catalogue) = sound.master.ok_or_else(|| {
            no_data(format!(
                "no master in {}: run `bijli instruments sync`, or name one with --file",
                self.store.display()
            ))
        })?;
        Ok(Opened {
            path: store.path_of(&provenance),
            provenance: Some(provenance),
            catalogue,
        })
    }
}

fn open_stored(store: &MasterStore, provenance: Provenance) -> Result<Opened, Trouble> {
    let catalogue = store
        .load(&provenance)
        .map_err(|error| Trouble::error(error.to_string()))?;
    Ok(Opened {
        path: store.path_of(&provenance),
        provenance: Some(provenance),
        catalogue,
    })
}

fn open_file(path: &Path) -> Result<Opened, Trouble> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(|error| no_data(named(&error)))?;
    let bytes = file.metadata().map_or(0, |metadata| metadata.len());
    let bar = bar("reading", Some(bytes));
    let outcome = Catalogue::load(bar.wrap_read(file));
    bar.finish_and_clear();
    Ok(Opened {
        path: path.to_owned(),
        provenance: None,
        catalogue: outcome.map_err(|error| Trouble::error(named(&error)))?,
    })
}

fn no_data(message: String) -> Trouble {
    Trouble {
        code: exit_code::NO_DATA,
        message,
    }
}

/// A bar of bytes on a terminal, nothing elsewhere.
fn bar(doing: &'static str, bytes: Option<u64>) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template =
        format!("{doing} {{bar:40.cyan/blue}} {{bytes}}/{{total_bytes}} {{bytes_per_sec}} {{eta}}");
    let style = ProgressStyle::with_template(&template).expect("the template names known fields");
    ProgressBar::new(bytes.unwrap_or(0)).with_style(style)
}

/// All that is known of a contract. Prices in rupees, as texts, so that none is rounded.
fn json_of(listing: &Listing<'_>) -> Value {
    json!({
        "instrument_key": listing.key(),
        "segment": listing.segment(),
        "instrument_type": listing.instrument_type(),
        "trading_symbol": listing.symbol(),
        "name": listing.name(),
        "isin": Some(listing.isin()).filter(|isin| !isin.is_empty()),
        "exchange_token": listing.token(),
        "underlying": Some(listing.underlying()).filter(|symbol| !symbol.is_empty()),
        "underlying_key": Some(listing.underlying_key()).filter(|key| !key.is_empty()),
        "expiry": listing.expiry().map(|day| day.to_string()),
        "strike": Some(listing.strike()).filter(|strike| strike.is_set()).map(|strike| strike.to_string()),
        "lot": listing.lot().get(),
        "freeze": listing.freeze().get(),
        "tick": listing.tick().to_string(),
    })
}

/// A contract on one line.
fn line_of(listing: &Listing<'_>) -> String {
    let facts = if listing.lot().get() == 0 {
        String::new()
    } else {
        format!(
            "  lot {}  tick {}  freeze {}",
            listing.lot().get(),
            listing.tick(),
            listing.freeze().get()
        )
    };
    format!("{:<28} {:<30}{facts}", listing.key(), listing.symbol())
}
