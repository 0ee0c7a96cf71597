//! What a configuration's numbers imply together, said before the first order.
//!
//! A file can be sound key by key and still contradict itself: three positions that may each lose more than
//! the day allows, a target that no win rate pays for once charges are counted. Each rule here is pure
//! arithmetic on the typed configuration, the day and the dated charges; it never changes a value. Rules on
//! single keys stand in `config_file`; whether the account is fit is not asked here, and of the host only whether
//! the program is there that calls a person.

mod alert;
mod caps;
mod money;
mod position;
mod rules;
mod running;

use std::fmt::Write as _;
use std::path::Path;

use bijli_core::IstDay;
use serde_json::{Value, json};

use crate::config_file::{self, ConfigErrors, Loaded, Place, RunConfig};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// `run` refuses this; of what is amiss on this machine it only says it.
    Error,
    /// Most likely not what was meant.
    Warning,
    /// Worth knowing.
    Info,
}

/// One implication of the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Stable code of the rule without the letter of the severity, e.g. `RISK-02`.
    pub rule: &'static str,
    /// The key that it is chiefly about, `section.name`.
    pub key: &'static str,
    /// The other key of a contradiction: its place is named where `key` has its default.
    pub beside: Option<&'static str>,
    /// What follows from the numbers.
    pub what: String,
    /// What would change it; empty when nothing needs to.
    pub help: String,
}

impl Severity {
    const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warn",
            Self::Info => "info",
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::Error => 'E',
            Self::Warning => 'W',
            Self::Info => 'I',
        }
    }
}

impl Finding {
    /// The code with the letter of its severity, e.g. `W-RISK-02`.
    #[must_use]
    pub fn code(&self) -> String {
        format!("{}-{}", self.severity.letter(), self.rule)
    }
}

/// Everything that `config` implies for a run on `day`: errors first, then warnings, then what is worth knowing.
#[must_use]
pub fn check(config: &RunConfig, day: IstDay) -> Vec<Finding> {
    let mut findings = Vec::new();
    rules::risk(config, day, &mut findings);
    rules::strategy(config, &mut findings);
    money::money(config, &mut findings);
    caps::caps(config, &mut findings);
    position::position(config, day, &mut findings);
    running::running(config, &mut findings);
    running::session(config, day, &mut findings);
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// What is amiss on this machine.
#[must_use]
pub fn check_machine(config: &RunConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    alert::alert(config, &mut findings);
    findings
}

/// What `config check` prints and how it exits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// For standard output, with a newline at its end.
    pub output: String,
    /// 0 when `run` would accept the file, warnings or not; 1 otherwise.
    pub code: i32,
}

/// Reads the file at `path` and tells everything about it for a run on `day`, as text or as one line of JSON.
#[must_use]
pub fn run(path: &Path, json: bool, day: IstDay) -> Checked {
    let (output, accepted) = match config_file::load(path) {
        Err(errors) if json => (errors_json(&path.display().to_string(), &errors), false),
        Err(errors) => (errors_text(&errors), false),
        Ok(loaded) => {
            let mut findings = check(&loaded.config, day);
            findings.extend(check_machine(&loaded.config));
            findings.sort_by_key(|finding| finding.severity);
            let output = if json {
                findings_json(&loaded, &findings)
            } else {
                findings_text(&loaded, &findings)
            };
            (output, count(&findings, Severity::Error) == 0)
        }
    };
    Checked {
        output,
        code: i32::from(!accepted),
    }
}

fn count(findings: &[Finding], severity: Severity) -> usize {
    findings
        .iter()
        .filter(|finding| finding.severity == severity)
        .count()
}

/// The key that a finding is shown at, and where it stands: of two that contradict, one that the file has.
fn placed(loaded: &Loaded, finding: &Finding) -> (&'static str, Option<Place>) {
    let keys = [Some(finding.key), finding.beside];
    let mut written = keys.into_iter().flatten();
    let found = written.find_map(|key| Some((key, Some(*loaded.places.get(key)?))));
    found.unwrap_or((finding.key, None))
}

fn closing_line(errors: usize, warnings: usize) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    format!(
        "{errors} error{}, {warnings} warning{}\n",
        plural(errors),
        plural(warnings)
    )
}

fn errors_text(errors: &ConfigErrors) -> String {
    format!("{errors}\n{}", closing_line(errors.0.len(), 0))
}

fn findings_text(loaded: &Loaded, findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let (key, place) = placed(loaded, finding);
        let (place, origin) = match place {
            Some(place) => (format!("{}:{}:", place.line, place.column), ""),
            None => (String::new(), " (default)"),
        };
        let _ = writeln!(
            text,
            "{}:{place} {} {}: {} [{}{origin}]",
            loaded.file,
            finding.severity.word(),
            finding.code(),
            finding.what,
            key
        );
        if !finding.help.is_empty() {
            let _ = writeln!(text, "    help: {}", finding.help);
        }
    }
    text + &closing_line(
        count(findings, Severity::Error),
        count(findings, Severity::Warning),
    )
}

fn errors_json(file: &str, errors: &ConfigErrors) -> String {
    let rows: Vec<Value> = errors
        .0
        .iter()
        .map(|error| {
            json!({
                "level": Severity::Error.word(),
                "code": error.code,
                "key": null,
                "line": error.place.map(|place| place.line),
                "column": error.place.map(|place| place.column),
                "what": error.what,
                "help": error.help,
            })
        })
        .collect();
    json_line(file, errors.0.len(), 0, &rows)
}

fn findings_json(loaded: &Loaded, findings: &[Finding]) -> String {
    let rows: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let (key, place) = placed(loaded, finding);
            json!({
                "level": finding.severity.word(),
                "code": finding.code(),
                "key": key,
                "line": place.map(|place| place.line),
                "column": place.map(|place| place.column),
                "what": finding.what,
                "help": finding.help,
            })
        })
        .collect();
    json_line(
        &loaded.file,
        count(findings, Severity::Error),
        count(findings, Severity::Warning),
        &rows,
    )
}

fn json_line(file: &str, errors: usize, warnings: usize, rows: &[Value]) -> String {
    let whole = json!({ "file": file, "errors": errors, "warnings": warnings, "findings": rows });
    format!("{whole}\n")
}

#[cfg(test)]
mod tests;
