//! `bijli replay JOURNAL --verify`: proves that a day replays bit for bit, and says how fast.
//!
//! A second engine takes the journal's events; its commands and state hashes must equal the journaled ones.
//! Exit code 1 on damage or on any difference.

use std::io::{IsTerminal, stderr};
use std::path::PathBuf;

use clap::Args as ClapArgs;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::duty_cycle::MonoNs;
use crate::exit_code;
use crate::replica::{JournalBytes, ReplayError, Replayed, Strictness, replay};
use crate::run_dir::RunDir;
use crate::stdout::print_line;
use crate::words;

/// The progress bar moves after so many events.
const EVENTS_PER_STEP: u64 = 1 << 14;

/// Arguments of `replay`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Journal folder, run directory or segment file; default: the newest run under ./runs.
    journal: Option<PathBuf>,
    /// The run directory; default: the newest under ./runs.
    #[arg(long, value_name = "RUN_DIR", conflicts_with = "journal")]
    dir: Option<PathBuf>,
    /// Every byte must be sound: a cut or changed journal is an error, not a shorter day.
    #[arg(long)]
    verify: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    match try_run(args) {
        Ok((replayed, elapsed_ns)) => {
            if args.json {
                print_line(&json_of(&replayed, elapsed_ns).to_string());
            } else {
                print_line(&text_of(&replayed, elapsed_ns));
            }
            code_of(&replayed)
        }
        Err(error) => {
            if args.json {
                print_line(&error_json(&error).to_string());
            }
            eprintln!("error: {error}");
            match error {
                ReplayError::Missing(_) => exit_code::NO_DATA,
                ReplayError::Damaged { .. } | ReplayError::Undecodable { .. } => exit_code::ERROR,
            }
        }
    }
}

fn try_run(args: &Args) -> Result<(Replayed, u64), ReplayError> {
    let path = match &args.journal {
        Some(journal) => journal.clone(),
        None => RunDir::named_or_newest(args.dir.as_deref())
            .map_err(ReplayError::Missing)?
            .journal(),
    };
    let journal = JournalBytes::open(&path).map_err(ReplayError::Missing)?;
    let bar = progress_bar("replay", journal.total_bytes());
    let strictness = if args.verify {
        Strictness::Strict
    } else {
        Strictness::Prefix
    };
    let begun = MonoNs::now();
    let mut events = 0_u64;
    let replayed = replay(&journal, strictness, |applied| {
        events += 1;
        if events.is_multiple_of(EVENTS_PER_STEP) {
            bar.set_position(applied.bytes);
        }
    });
    bar.finish_and_clear();
    let elapsed_ns = MonoNs::now().since(begun);
    replayed.map(|(replayed, _)| (replayed, elapsed_ns))
}

/// A bar of bytes on a terminal, nothing elsewhere.
pub(super) fn progress_bar(word: &str, total_bytes: u64) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = format!("{word} {{bar:40.cyan/blue}} {{bytes}}/{{total_bytes}} {{bytes_per_sec}} {{eta}}");
    let style = ProgressStyle::with_template(&template);
    ProgressBar::new(total_bytes).with_style(style.expect("the template names known fields"))
}

fn code_of(replayed: &Replayed) -> i32 {
    if replayed.records == 0 {
        exit_code::NO_DATA
    } else if replayed.identical {
        exit_code::OK
    } else {
        exit_code::ERROR
    }
}

fn events_per_s(replayed: &Replayed, elapsed_ns: u64) -> u64 {
    let per_s = u128::from(replayed.events) * 1_000_000_000 / u128::from(elapsed_ns.max(1));
    u64::try_from(per_s).unwrap_or(u64::MAX)
}

fn json_of(replayed: &Replayed, elapsed_ns: u64) -> Value {
    json!({
        "state_hash": format!("{:016x}", replayed.state_hash),
        "records": replayed.records,
        "bytes": replayed.bytes,
        "events": replayed.events,
        "segments": replayed.segments,
        "events_per_s": events_per_s(replayed, elapsed_ns),
        "elapsed_ns": elapsed_ns,
        "identical": replayed.identical,
        "first_difference": replayed.first_difference,
        "closed": replayed.closed,
        "hashes_compared": replayed.hashes_compared,
        "commands_unsent": replayed.commands_unsent,
        "cut": replayed.cut,
    })
}

fn error_json(error: &ReplayError) -> Value {
    let mut object = json!({"identical": false, "error": error.to_string()});
    if let Some((record, offset)) = error.place() {
        object["record"] = json!(record);
        object["offset"] = json!(offset);
    }
    object
}

fn text_of(replayed: &Replayed, elapsed_ns: u64) -> String {
    let mut text = format!(
        "state {:016x}  {} records, {} bytes, {} events in {:.2} s ({} events/s)\n",
        replayed.state_hash,
        words::count_text(replayed.records),
        words::count_text(replayed.bytes),
        words::count_text(replayed.events),
        elapsed_ns as f64 / 1e9,
        words::count_text(events_per_s(replayed, elapsed_ns))
    );
    match &replayed.first_difference {
        None => text.push_str(&format!(
            "identical: every command, and {} state hashes",
            words::count_text(replayed.hashes_compared)
        )),
        Some(difference) => text.push_str(&format!(
            "DIFFERS first at record {} (segment {}, byte {}): {}",
            difference.seq, difference.segment, difference.offset, difference.what
        )),
    }
    if replayed.commands_unsent > 0 {
        text.push_str(&format!(
            "\n{} commands were never journaled, so never sent: a process was killed there",
            replayed.commands_unsent
        ));
    }
    match &replayed.cut {
        Some(cut) => text.push_str(&format!("\ncut: {cut}")),
        None if replayed.closed => text.push_str("\nthe day was closed in order"),
        None => text.push_str("\nnot closed: still written to, or killed"),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::Difference;

    fn replayed() -> Replayed {
        Replayed {
            records: 5,
            bytes: 640,
            events: 4_000,
            segments: 1,
            state_hash: 0xfeed,
            identical: true,
            closed: true,
            hashes_compared: 2,
            ..Replayed::default()
        }
    }

    #[test]
    fn an_identical_replay_is_told_with_its_hash_and_speed() {
        let json = json_of(&replayed(), 2_000_000_000);
        assert_eq!(json["state_hash"], "000000000000feed");
        assert_eq!(
            (&json["events_per_s"], &json["identical"]),
            (&json!(2_000), &json!(true))
        );
        assert!(text_of(&replayed(), 1).contains("closed in order"));
        assert_eq!(code_of(&replayed()), exit_code::OK);
    }

    #[test]
    fn a_difference_is_an_error_and_an_empty_journal_is_no_data() {
        let difference = Difference {
            seq: 9,
            segment: 0,
            offset: 128,
            what: "another price".to_owned(),
        };
        let differs = Replayed {
            identical: false,
            first_difference: Some(difference),
            ..replayed()
        };
        assert_eq!(code_of(&differs), exit_code::ERROR);
        assert!(text_of(&differs, 1).contains("DIFFERS first at record 9"));
        assert_eq!(code_of(&Replayed::default()), exit_code::NO_DATA);
    }
}
