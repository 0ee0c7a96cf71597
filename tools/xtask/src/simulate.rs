//! The simulation tester as a chore: built with its own profile, run with what follows the chore's name.

use crate::step::{Failed, Run, pass};

const PROFILE: &str = "simulate";
/// Lives the seeds that the arguments ask for.
pub(crate) fn simulate(run: &mut Run) -> Result<(), Failed> {
    let arguments = run.arguments.clone();
    // Bugs are planted in a build of their own.
    let features: &[&str] = if arguments.iter().any(|word| word == "--planted") {
        &["--features", "planted"]
    } else {
        &[]
    };
    run.step("simulate", |run| {
        pass(
            run.cargo(&["run", "--locked", "--quiet", "--profile", PROFILE])
                .args(["--package", "bijli-simulate"])
                .args(features)
                .arg("--")
                .args(arguments),
        )
    })
}
