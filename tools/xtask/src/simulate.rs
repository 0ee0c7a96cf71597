//! The simulation tester as a chore: built with its own profile, run with what follows the chore's name.

use crate::step::{Failed, Run, pass};

const PROFILE: &str = "simulate";
/// Days that are lived when everything is checked, other ones each time.
const DAYS: &str = "2000";
/// Days that each deliberate bug may take to be found when everything is checked.
const PLANTED_SEEDS: &str = "10000";

/// Lives the seeds that the arguments ask for.
pub(crate) fn simulate(run: &mut Run) -> Result<(), Failed> {
    let arguments = run.arguments.clone();
    let is_planted = arguments.iter().any(|word| word.starts_with("--planted"));
    run.step("simulate", |run| live(run, is_planted, &arguments))
}

/// Fresh days of faults, in which no invariant may break; the first seed is printed.
pub(crate) fn days(run: &mut Run) -> Result<(), Failed> {
    let arguments = ["--seeds", DAYS].map(str::to_owned);
    run.step("simulated days", |run| live(run, false, &arguments))
}

/// Every deliberate bug is found on fresh days: whoever finds them all can find others of their kind.
pub(crate) fn planted(run: &mut Run) -> Result<(), Failed> {
    let arguments = ["--planted", "--seeds", PLANTED_SEEDS].map(str::to_owned);
    run.step("planted bugs", |run| live(run, true, &arguments))
}

/// Bugs are planted in a program of its own, never in the one that looks for real ones.
fn live(run: &mut Run, is_planted: bool, arguments: &[String]) -> Result<(), Failed> {
    let build: &[&str] = if is_planted {
        &["--features", "planted", "--bin", "bijli-simulate-planted"]
    } else {
        &["--bin", "bijli-simulate"]
    };
    pass(
        run.cargo(&["run", "--locked", "--quiet", "--profile", PROFILE])
            .args(["--package", "bijli-simulate"])
            .args(build)
            .arg("--")
            .args(arguments),
    )
}
