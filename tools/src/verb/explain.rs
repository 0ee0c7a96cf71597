//! `bijli explain CODE`: the section of `RISK.md` on a denial, or of `PAGES.md` on a page, from the copies inside the
//! binary.
//!
//! Codes may be written in either case, with dashes or underscores. Left out: the broker's own rejections, whose words
//! are the broker's, and mistakes of configuration, which say themselves what to do.

use bijli_core::Denial;
use bijli_core::denial::DENIALS;
use bijli_core::page::{PAGE_REASONS, PageReason};
use serde_json::json;

use crate::exit_code;
use crate::stdout::print_line;

const RISK: &str = include_str!("../../../RISK.md");
const PAGES: &str = include_str!("../../../PAGES.md");

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The code, for example `SECTOR_EXPOSURE` or `EXIT_REJECTED`; without one all codes are listed.
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
    let Some(code) = Code::named(wanted) else {
        eprintln!(
            "error: `{wanted}` is no code of the risk gate and no page; `bijli explain` lists them all"
        );
        return exit_code::USAGE;
    };
    let (name, number, text) = (code.name(), code.number(), code.section());
    let line = if args.json {
        json!({ "kind": code.kind(), "code": name, "number": number, "text": text }).to_string()
    } else {
        format!("{name} ({} {number})\n\n{text}", code.kind())
    };
    print_line(&line);
    exit_code::OK
}

/// What can be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    Denial(Denial),
    Page(PageReason),
}

impl Code {
    fn all() -> impl Iterator<Item = Self> {
        let pages = PAGE_REASONS.into_iter().map(Self::Page);
        DENIALS.into_iter().map(Self::Denial).chain(pages)
    }

    fn named(wanted: &str) -> Option<Self> {
        let wanted = wanted.to_ascii_uppercase().replace('-', "_");
        Self::all().find(|code| code.name() == wanted)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Denial(denial) => denial.code(),
            Self::Page(reason) => reason.code(),
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Denial(_) => "denial",
            Self::Page(_) => "page",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Denial(denial) => denial.number(),
            Self::Page(reason) => reason as u8,
        }
    }

    /// What the document says of it, without its heading.
    fn section(self) -> &'static str {
        let document = match self {
            Self::Denial(_) => RISK,
            Self::Page(_) => PAGES,
        };
        section(document, self.name()).expect("a test holds the documents against the codes")
    }
}

fn list(as_json: bool) {
    if as_json {
        let of = |kind| {
            let codes = Code::all().filter(move |code| code.kind() == kind);
            codes.map(Code::name).collect::<Vec<_>>()
        };
        print_line(&json!({ "codes": of("denial"), "pages": of("page") }).to_string());
        return;
    }
    for code in Code::all() {
        let first = code.section().split_inclusive(['.', ':']).next();
        let first = first.unwrap_or_default().replace('\n', " ");
        if !print_line(&format!("{:<6} {:<24} {first}", code.kind(), code.name())) {
            return;
        }
    }
}

fn section(document: &'static str, code: &str) -> Option<&'static str> {
    document
        .split("\n## ")
        .skip(1)
        .find_map(|part| part.strip_prefix(code)?.strip_prefix('\n'))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config_file::key_named;

    fn headings(document: &'static str) -> Vec<&'static str> {
        let marked = document.lines().filter_map(|line| line.strip_prefix("## "));
        marked.collect()
    }

    #[test]
    fn each_code_has_a_section_and_each_section_a_code_in_the_order_of_the_numbers() {
        let denials: Vec<&str> = DENIALS.iter().map(|denial| denial.code()).collect();
        assert_eq!(headings(RISK), denials);
        let pages: Vec<&str> = PAGE_REASONS.iter().map(|reason| reason.code()).collect();
        assert_eq!(headings(PAGES), pages);
        for code in Code::all() {
            let text = code.section();
            let before = match code {
                Code::Denial(_) => "- Set by: ",
                Code::Page(_) => "- Engine: ",
            };
            assert!(
                text.contains(before) && text.contains("- What to do: "),
                "{code:?}"
            );
            assert_eq!(Code::named(code.name()), Some(code), "no code has two meanings");
        }
    }

    #[test]
    fn every_key_that_the_document_names_exists() {
        for name in RISK.split('`').skip(1).step_by(2) {
            if let Some(key) = name.strip_prefix("risk.") {
                assert!(key_named("risk", key).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn a_code_is_found_however_it_is_written() {
        for written in ["SELF_MATCH", "self_match", "self-match"] {
            assert_eq!(Code::named(written), Some(Code::Denial(Denial::SelfMatch)));
        }
        let page = Code::Page(PageReason::NoExitPrice);
        assert_eq!(Code::named("no-exit-price"), Some(page));
        assert_eq!(Code::named("SELF"), None);
    }
}
