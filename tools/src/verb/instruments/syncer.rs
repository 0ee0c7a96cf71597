//! `bijli instruments sync`: fetch, judge, keep. A bad file is named and never replaces a good one.

use std::path::PathBuf;

use bijli_core::IstDay;
use bijli_feed::upstox::catalogue::acceptance::{Terms, Warning};
use clap::Args as ClapArgs;
use serde_json::json;

use super::bar;
use crate::broker_access::Trouble;
use crate::config_file::UniverseSection;
use crate::duty_cycle::wall_now;
use crate::exit_code;
use crate::master_store::{Accepted, KEEP_DAYS, MasterStore};
use crate::master_sync::{Origin, sync};
use crate::stdout::print_line;
use crate::verb::sim::parse_day;

/// Arguments of `instruments sync`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Where the master is fetched; default: the broker's file of all exchanges.
    #[arg(long, conflicts_with = "file")]
    url: Option<String>,
    /// Take this file instead of fetching one.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Days to keep.
    #[arg(long, default_value_t = KEEP_DAYS)]
    keep: usize,
    /// The day it is for; default: today in India.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    day: Option<IstDay>,
    /// Fewest rows that a whole master has.
    #[arg(long, value_name = "ROWS")]
    rows_min: Option<usize>,
    /// Most contracts of a segment that may be missing since the last master, percent.
    #[arg(long, value_name = "PERCENT")]
    lost_max_percent: Option<u32>,
    /// A certificate authority to trust besides the public ones, PEM; for the simulator.
    #[arg(long, value_name = "FILE")]
    extra_root_pem_file: Option<PathBuf>,
    /// Folder of the masters.
    #[arg(long, value_name = "DIR", default_value = "masters")]
    store: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<i32, Trouble> {
    let mut terms = Terms::of_day(args.day.unwrap_or_else(|| wall_now().ist_day()));
    terms.rows_min = args.rows_min.unwrap_or(terms.rows_min);
    terms.lost_max_percent = args.lost_max_percent.unwrap_or(terms.lost_max_percent);
    let extra_root_pem = args.extra_root_pem_file.as_deref().map(std::fs::read_to_string);
    let extra_root_pem = extra_root_pem
        .transpose()
        .map_err(|error| Trouble::usage(format!("reading the certificate: {error}")))?;
    let origin = match &args.file {
        Some(path) => Origin::File(path.clone()),
        None => Origin::Url {
            url: args
                .url
                .clone()
                .unwrap_or_else(|| UniverseSection::default().master_url),
            extra_root_pem,
        },
    };
    let bar = bar("fetching", None);
    let accepted = sync(
        &MasterStore::new(&args.store),
        &origin,
        &terms,
        args.keep,
        &mut |bytes, all| {
            if let Some(all) = all {
                bar.set_length(all);
            }
            bar.set_position(bytes);
        },
    );
    bar.finish_and_clear();
    print(args, &accepted?);
    Ok(exit_code::OK)
}

fn print(args: &Args, accepted: &Accepted) {
    let provenance = &accepted.provenance;
    if let Some(reason) = &provenance.stale {
        let day = &provenance.day;
        eprintln!(
            "WARNING: this is not the master of {day}: {reason}; sync again, or a run enters nothing on it"
        );
    }
    let changes = accepted
        .warnings
        .iter()
        .filter(|warning| matches!(warning, Warning::Changed(_)));
    if args.json {
        print_line(&json!({"stored": provenance, "changes": changes.count()}).to_string());
        return;
    }
    print_line(&format!(
        "{}: {} contracts, {} bytes, crc32c {}, from {}",
        args.store.join(&provenance.file).display(),
        provenance.rows,
        provenance.file_bytes,
        provenance.crc32c,
        provenance.source
    ));
    for warning in &accepted.warnings {
        eprintln!("warning: {warning}");
    }
}
