//! `bijli explain CODE`: the section of `RISK.md` on a denial, from the copy inside the binary.
//!
//! Codes may be written in either case, with dashes or underscores. Left out: the broker's own rejections, whose words
//! are the broker's, and mistakes of configuration, which say themselves what to do.

use bijli_core::Denial;
use bijli_core::denial::DENIALS;
use serde_json::json;

use crate::exit_code;
use crate::stdout::print_line;

const PAGE: &str = include_str!("../../../RISK.md");

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The code, for example `SECTOR_EXPOSURE`; without one all codes are listed.
    code: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    let Some(wanted) = &args.code else {
        list(args.json);
        return exit_code::OK;
    };
    let Some(denial) = denial_of(wanted) else {
        eprintln!("error: `{wanted}` is no code of the risk gate; `bijli explain` lists them all");
        return exit_code::USAGE;
    };
    let text = section(denial.code()).expect("a test holds the page against the codes");
    let line = if args.json {
        json!({ "code": denial.code(), "number": denial.number(), "text": text }).to_string()
    } else {
        format!("{} ({})\n\n{text}", denial.code(), denial.number())
    };
    print_line(&line);
    exit_code::OK
}

fn list(as_json: bool) {
    if as_json {
        let codes: Vec<_> = DENIALS.iter().map(|denial| denial.code()).collect();
        print_line(&json!({ "codes": codes }).to_string());
        return;
    }
    for denial in DENIALS {
        let first = section(denial.code()).and_then(|text| text.split_inclusive(['.', ':']).next());
        let first = first.unwrap_or_default().replace('\n', " ");
        if !print_line(&format!("{:<24} {first}", denial.code())) {
            return;
        }
    }
}

fn denial_of(wanted: &str) -> Option<Denial> {
    let wanted = wanted.to_ascii_uppercase().replace('-', "_");
    DENIALS.into_iter().find(|denial| denial.code() == wanted)
}

/// What the page says of a code, without its heading.
fn section(code: &str) -> Option<&'static str> {
    PAGE.split("\n## ")
        .skip(1)
        .find_map(|part| part.strip_prefix(code)?.strip_prefix('\n'))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config_file::key_named;

    #[test]
    fn each_code_has_a_section_and_each_section_a_code_in_the_order_of_the_numbers() {
        let headings: Vec<&str> = PAGE.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let codes: Vec<&str> = DENIALS.iter().map(|denial| denial.code()).collect();
        assert_eq!(headings, codes);
        for code in codes {
            let text = section(code).expect("the heading is there");
            assert!(
                text.contains("- Set by: ") && text.contains("- What to do: "),
                "{code}"
            );
        }
    }

    #[test]
    fn every_key_that_the_page_names_exists() {
        for name in PAGE.split('`').skip(1).step_by(2) {
            if let Some(key) = name.strip_prefix("risk.") {
                assert!(key_named("risk", key).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn a_code_is_found_however_it_is_written() {
        for written in ["SELF_MATCH", "self_match", "self-match"] {
            assert_eq!(denial_of(written), Some(Denial::SelfMatch));
        }
        assert_eq!(denial_of("SELF"), None);
    }
}
