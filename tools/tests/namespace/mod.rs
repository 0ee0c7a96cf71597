//! A namespace of the kernel for one test: the test's program is started once more inside it.
//!
//! As root, or as root of a user namespace. Where neither can be had, the reason is given, for a test that is skipped
//! must say so.

use std::process::Command;

/// Set inside the namespace.
const INSIDE: &str = "BIJLI_INSIDE_NAMESPACE";

/// Signals come early and often, positions are small and short, and no loss ends the day.
pub(crate) const BUSY: &str = "[strategy]\nscore_min = 0.05\nstop_loss_pct = 0.3\ntake_profit_pct = 0.4\ntrail_pct = 0.2\n\
    [risk]\nmax_positions = 60\nposition_value_pct = 3\ncooldown_s = 1\nentries_per_day_max = 4000\n\
    orders_per_day_max = 6000\ntrades_per_day_max = 4000\nrepeat_entries_max = 250\nloss_streak_max = 250\n\
    daily_loss_pct = 50\ndrawdown_pct = 50\n";

/// Runs a line of the shell; what it printed, or why not.
pub(crate) fn shell(line: &str) -> Result<String, String> {
    let output = Command::new("sh").args(["-c", line]).output();
    let output = output.map_err(|error| format!("sh: {error}"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().replace('\n', "; ");
    if output.status.success() {
        Ok(said(&output.stdout))
    } else {
        Err(said(&output.stderr))
    }
}

/// Whether this is the test's second self.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Plays `test` in a namespace of this `kind` (`net`, `mount`), in which the line `probe` works; else tells why none can
/// be had.
///
/// # Panics
/// When the test fails there.
pub(crate) fn play_inside(kind: &str, probe: &str, test: &str) -> Result<(), String> {
    let ways = [
        format!("unshare --{kind}"),
        format!("unshare --map-root-user --{kind}"),
    ];
    let mut why = String::new();
    for way in ways {
        match shell(&format!("{way} {probe}")) {
            Ok(_) => {
                start_again(&way, test);
                return Ok(());
            }
            Err(error) => why = error,
        }
    }
    Err(why)
}

fn start_again(way: &str, test: &str) {
    let itself = std::env::current_exe().expect("a test has a file");
    let mut words = way.split(' ');
    let status = Command::new(words.next().expect("a way has a word"))
        .args(words)
        .arg(itself)
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .status();
    assert!(status.expect("it was there just now").success(), "see above");
}
