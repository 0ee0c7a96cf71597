//! Pages and commands through the public face: real children, time as an argument.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use bijli_core::IstDay;
use bijli_core::page::PageReason;
use bijli_core::text::Text;
use bijli_core::time::DurationNs;

use super::*;
use crate::duty_cycle::rest;

const START: MonoNs = MonoNs(5_000_000_000);

fn after(ns: u64) -> MonoNs {
    MonoNs(START.0 + ns)
}

fn page(reason: PageReason, count: u64) -> PageReadout {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    PageReadout {
        reason: reason as u8,
        count,
        symbol: Text::new("RELIANCE").expect("a short symbol"),
        first: day.at(DurationNs::from_hm(10, 15)),
        last: day.at(DurationNs::from_hm(10, 16)),
    }
}

fn alert(command: &[&str], run_dir: &Path) -> Alert {
    Alert::new(AlertSettings {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        run_dir: run_dir.to_owned(),
    })
}

/// Steps at one instant until no command runs; real children take real time, never this many looks.
fn settle(alert: &mut Alert, now: MonoNs) -> Vec<String> {
    let mut lines = Vec::new();
    for _ in 0..30_000 {
        lines.extend(alert.step(now));
        if !alert.is_calling() {
            return lines;
        }
        rest(Duration::from_millis(1));
    }
    panic!("a command never ended: {lines:?}");
}

#[test]
fn a_reason_is_told_at_once_and_again_only_after_a_quiet_minute_with_the_newest_count() {
    let mut alert = alert(&[], Path::new("."));
    alert.take(page(PageReason::ExitRejected, 1));
    let told = "PAGE EXIT_REJECTED x1, last RELIANCE 10:16:00: an exit was rejected; it is tried again; \
                `bijli explain EXIT_REJECTED`";
    assert_eq!(alert.step(START), [told]);
    alert.take(page(PageReason::ExitRejected, 2));
    alert.take(page(PageReason::ExitRejected, 9));
    assert_eq!(alert.step(after(QUIET_NS - 1)), Vec::<String>::new());
    alert.take(page(PageReason::LateFill, 1));
    assert_eq!(
        alert.step(after(QUIET_NS - 1)).len(),
        1,
        "another reason waits for nobody"
    );
    let lines = alert.step(after(QUIET_NS));
    assert!(
        lines.len() == 1 && lines[0].contains("EXIT_REJECTED x9"),
        "{lines:?}"
    );
    assert_eq!(alert.step(after(9 * QUIET_NS)), Vec::<String>::new());
}

#[test]
fn what_waits_when_the_process_ends_is_told_all_the_same() {
    let mut alert = alert(&[], Path::new("."));
    alert.take(page(PageReason::OrderStuck, 1));
    assert_eq!(alert.step(START).len(), 1);
    alert.take(page(PageReason::OrderStuck, 2));
    let lines = alert.tell_the_rest(after(1));
    assert!(
        lines.len() == 1 && lines[0].contains("ORDER_STUCK x2"),
        "{lines:?}"
    );
}

#[test]
fn the_command_gets_the_page_in_its_environment_and_no_shell_looks_at_its_arguments() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("call me");
    let body = "#!/bin/sh\necho \"$BIJLI_PAGE|$BIJLI_PAGE_COUNT|$BIJLI_PAGE_SYMBOL|$BIJLI_PAGE_TIME|$BIJLI_PAGE_TEXT|$1\" \
                > \"$BIJLI_RUN_DIR/told\"\n";
    std::fs::write(&script, body).expect("a small file");
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o700)).expect("our own file");
    let program = script.display().to_string();
    let mut alert = alert(&[&program, "$HOME; exit 9"], folder.path());
    alert.take(page(PageReason::NoExitPrice, 4));
    let lines = settle(&mut alert, START);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let told = std::fs::read_to_string(folder.path().join("told")).expect("the command ran");
    assert_eq!(
        told,
        "NO_EXIT_PRICE|4|RELIANCE|2026-07-31 10:16:00.000|NO_EXIT_PRICE x4, last RELIANCE 10:16:00: no price is known \
         to leave at|$HOME; exit 9\n"
    );
}

#[test]
fn a_command_that_fails_or_is_not_there_is_reported_once_and_not_run_again() {
    let mut failing = alert(&["/bin/false"], Path::new("."));
    failing.take(page(PageReason::LateFill, 1));
    let lines = settle(&mut failing, START);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(
        lines[1],
        "error: the alert command for LATE_FILL failed: exit status: 1"
    );
    assert_eq!(settle(&mut failing, after(5 * QUIET_NS)), Vec::<String>::new());
    let mut absent = alert(&["/no/such/program"], Path::new("."));
    absent.take(page(PageReason::LateFill, 1));
    let lines = absent.step(START);
    assert!(
        lines[1].starts_with("error: the alert command for LATE_FILL: "),
        "{lines:?}"
    );
    assert!(!absent.is_calling());
}

#[test]
fn a_command_that_hangs_is_killed_with_its_children_after_its_time_and_holds_up_no_other() {
    let mut alert = alert(&["/bin/sh", "-c", "sleep 1000 & sleep 1000"], Path::new("."));
    alert.take(page(PageReason::LateFill, 1));
    assert_eq!(alert.step(START).len(), 1);
    alert.take(page(PageReason::Overfill, 1));
    assert_eq!(
        alert.step(after(1)).len(),
        1,
        "the second is called beside the first"
    );
    assert_eq!(alert.step(after(COMMAND_NS_MAX - 1)), Vec::<String>::new());
    assert!(alert.is_calling());
    let lines = settle(&mut alert, after(COMMAND_NS_MAX + 1));
    let killed = |code| format!("error: the alert command for {code} did not end within 10 s and was killed");
    assert_eq!(lines, [killed("LATE_FILL"), killed("OVERFILL")]);
}
