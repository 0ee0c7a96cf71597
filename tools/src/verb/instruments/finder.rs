//! `bijli instruments find`: from what somebody calls a contract to its key.

use bijli_core::IstDay;
use bijli_feed::upstox::catalogue::find::Lookup;
use bijli_feed::upstox::catalogue::{Catalogue, ListingId};
use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::{Source, json_of, line_of};
use crate::broker_access::Trouble;
use crate::duty_cycle::wall_now;
use crate::exit_code;
use crate::stdout::print_line;

/// Arguments of `instruments find`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// What to find, for example NIFTY 27000 CE 29 DEC 26, BANKNIFTY25DEC59400PE, NIFTY-I, INFY-EQ or NSE_FO|45450.
    /// Blanks and case do not matter; commas part several.
    #[arg(required = true, value_name = "TEXT")]
    text: Vec<String>,
    /// Most suggestions for a name that is nobody's.
    #[arg(long, default_value_t = 5)]
    limit: usize,
    #[command(flatten)]
    source: Source,
    /// Print one JSON object for each name, one a line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<i32, Trouble> {
    let opened = args.source.open()?;
    let today = match (&opened.provenance, &args.source.file) {
        // Of a file of any day every contract counts as near.
        (_, Some(_)) => IstDay::new(0),
        _ => wall_now().ist_day(),
    };
    let joined = args.text.join(" ");
    let mut code = exit_code::OK;
    for name in joined.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let lookup = opened.catalogue.find(name, today, args.limit);
        if !matches!(lookup, Lookup::Found { .. }) {
            code = exit_code::NO_DATA;
        }
        let printed = if args.json {
            print_line(&answer_json(&opened.catalogue, name, &lookup).to_string())
        } else {
            answer_lines(&opened.catalogue, name, &lookup)
                .iter()
                .all(|line| print_line(line))
        };
        if !printed {
            break;
        }
    }
    Ok(code)
}

fn answer_json(catalogue: &Catalogue, name: &str, lookup: &Lookup) -> Value {
    let all =
        |ids: &[ListingId]| -> Vec<Value> { ids.iter().map(|id| json_of(&catalogue.listing(*id))).collect() };
    match lookup {
        Lookup::Found {
            id,
            style,
            rejected_key,
            also,
        } => json!({
            "query": name, "found": json_of(&catalogue.listing(*id)), "style": style.name(),
            "rejected_by_feed": rejected_key, "also": all(also),
        }),
        Lookup::Ambiguous { style, ids } => json!({
            "query": name, "found": null, "style": style.name(), "ambiguous": all(ids),
        }),
        Lookup::Missing { nearest } => json!({"query": name, "found": null, "nearest": all(nearest)}),
    }
}

fn answer_lines(catalogue: &Catalogue, name: &str, lookup: &Lookup) -> Vec<String> {
    let line = |id: &ListingId| format!("  {}", line_of(&catalogue.listing(*id)).trim_end());
    match lookup {
        Lookup::Found {
            id,
            style,
            rejected_key,
            also,
        } => {
            let listing = catalogue.listing(*id);
            let mut lines = vec![format!("{}  (by {})", line_of(&listing).trim_end(), style.name())];
            if *rejected_key {
                lines.push(format!("the feed rejects `{name}`: the key is {}", listing.key()));
            }
            if !also.is_empty() {
                lines.push("the same name elsewhere:".to_owned());
                lines.extend(also.iter().map(line));
            }
            lines
        }
        Lookup::Ambiguous { style, ids } => {
            let head = format!(
                "`{name}` ({}) stands for {} contracts; name one by its key:",
                style.name(),
                ids.len()
            );
            [head].into_iter().chain(ids.iter().map(line)).collect()
        }
        Lookup::Missing { nearest } if nearest.is_empty() => vec![format!("`{name}` is no contract")],
        Lookup::Missing { nearest } => {
            let head = format!("`{name}` is no contract; nearest:");
            [head].into_iter().chain(nearest.iter().map(line)).collect()
        }
    }
}
