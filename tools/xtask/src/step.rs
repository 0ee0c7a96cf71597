//! Running steps one after another: headings, streaming, timing, the first failure, the summary.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// A step failed; what and why is already printed.
#[derive(Debug)]
pub(crate) struct Failed;

/// One run of chores.
pub(crate) struct Run {
    /// The folder of the workspace; every command runs there.
    pub(crate) root: PathBuf,
    /// Whether a missing tool is an error.
    pub(crate) ci: bool,
    /// What followed the chore's name on the command line.
    pub(crate) arguments: Vec<String>,
    began: Instant,
    timings: Vec<(String, Duration)>,
    unchecked: Vec<String>,
}

/// What a test runner's closing lines add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TestCounts {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
    /// Tests that were ignored.
    pub(crate) ignored: u64,
    /// Tests that passed without their data and said so.
    pub(crate) without_data: u64,
}

impl Run {
    pub(crate) fn new(root: PathBuf, arguments: Vec<String>) -> Self {
        let ci = std::env::var("CI").is_ok_and(|value| value == "true");
        Self {
            root,
            ci,
            arguments,
            began: Instant::now(),
            timings: Vec::new(),
            unchecked: Vec::new(),
        }
    }

    /// Does the chore and prints how it ended; the exit code says the same.
    pub(crate) fn finish(mut self, chore: fn(&mut Self) -> Result<(), Failed>) -> ExitCode {
        let outcome = chore(&mut self);
        println!("\n==== summary");
        for (name, took) in &self.timings {
            println!("{:>8}  {name}", shown(*took));
        }
        for what in &self.unchecked {
            println!("NOT CHECKED: {what}");
        }
        println!("{:>8}  in all", shown(self.began.elapsed()));
        match outcome {
            Ok(()) => {
                println!("every step passed");
                ExitCode::SUCCESS
            }
            Err(Failed) => {
                let name = self.timings.last().map_or("nothing", |(name, _)| name.as_str());
                println!("FAILED at: {name}");
                ExitCode::FAILURE
            }
        }
    }

    /// Does one step under a heading and keeps its time.
    pub(crate) fn step(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Self) -> Result<(), Failed>,
    ) -> Result<(), Failed> {
        println!("\n==== {name}");
        let _ = io::stdout().flush();
        let began = Instant::now();
        let outcome = work(self);
        let took = began.elapsed();
        let word = if outcome.is_ok() { "passed" } else { "FAILED" };
        println!("---- {name}: {word} in {}", shown(took));
        self.timings.push((name.to_owned(), took));
        outcome
    }

    /// Notes something that could not be checked: an error under CI, a line of the summary elsewhere.
    pub(crate) fn could_not(&mut self, what: &str, remedy: &str) -> Result<(), Failed> {
        if self.ci {
            println!("error: {what}\n    help: {remedy}");
            return Err(Failed);
        }
        println!("WARNING: {what}\n    help: {remedy}");
        self.note_unchecked(what);
        Ok(())
    }

    /// Notes something that nobody could check here, in the closing summary.
    pub(crate) fn note_unchecked(&mut self, what: &str) {
        self.unchecked.push(what.to_owned());
    }

    /// A command in the workspace's folder.
    pub(crate) fn command(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// A command of cargo, the same one that started this program.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(
            std::env::var_os("CARGO").map_or("cargo".into(), PathBuf::from),
            arguments,
        );
        // Cargo tells the programs that it runs about their own package; a nested cargo must not see that.
        let told = std::env::vars_os().map(|(name, _)| name);
        for name in told.filter(|name| name.to_string_lossy().starts_with("CARGO_PKG_")) {
            command.env_remove(name);
        }
        command
            .env_remove("CARGO_MANIFEST_DIR")
            .env_remove("CARGO_MANIFEST_PATH");
        command
    }
}

/// Runs a command with its output as it comes.
pub(crate) fn pass(command: &mut Command) -> Result<(), Failed> {
    announce(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .map(|status| status.success());
    judge(command, status)
}

/// Whether a command can be run and succeeds; what it prints is dropped.
pub(crate) fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether a command can be run, succeeds, and prints `text` on its standard output.
pub(crate) fn prints(command: &mut Command, text: &str) -> bool {
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
        .output()
        .is_ok_and(|done| done.status.success() && String::from_utf8_lossy(&done.stdout).contains(text))
}

/// Runs a test runner with its output as it comes, and adds up its closing lines.
pub(crate) fn count_tests(command: &mut Command) -> Result<TestCounts, Failed> {
    announce(command);
    let mut counts = TestCounts::default();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            let output = child.stdout.take().expect("its standard output was asked for");
            for line in BufReader::new(output).split(b'\n') {
                let line = String::from_utf8_lossy(&line?).into_owned();
                println!("{line}");
                counts.take(&line);
            }
            child.wait().map(|status| status.success())
        });
    judge(command, status).map(|()| counts)
}

fn announce(command: &Command) {
    let words: Vec<String> = command
        .get_args()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    println!("$ {} {}", program.to_string_lossy(), words.join(" "));
    let _ = io::stdout().flush();
}

fn judge(command: &Command, status: io::Result<bool>) -> Result<(), Failed> {
    match status {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failed),
        Err(cause) => {
            println!(
                "error: {} cannot be run: {cause}",
                command.get_program().to_string_lossy()
            );
            Err(Failed)
        }
    }
}

fn shown(length: Duration) -> String {
    let tenths = length.as_millis() / 100;
    let (minutes, seconds) = (tenths / 600, tenths / 10 % 60);
    if minutes > 0 {
        format!("{minutes}m{seconds:02}s")
    } else {
        format!("{seconds}.{}s", tenths % 10)
    }
}

impl TestCounts {
    /// Takes a line of output in: `test result: ok. 3 passed; 0 failed; 1 ignored; …`, or a test's own word
    /// that its market data is not there.
    fn take(&mut self, line: &str) {
        if line.starts_with("skipped (") {
            self.without_data += 1;
        }
        let Some((_, rest)) = line.split_once("test result: ") else {
            return;
        };
        for part in rest.split([';', '.']) {
            let mut words = part.split_whitespace();
            let (Some(count), Some(word)) = (
                words.next().and_then(|word| word.parse::<u64>().ok()),
                words.next(),
            ) else {
                continue;
            };
            match word {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_add_up() {
        let mut counts = TestCounts::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.09s",
            "skipped (no market data): a day streams",
            "test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ] {
            counts.take(line);
        }
        assert_eq!(
            counts,
            TestCounts {
                passed: 5,
                failed: 4,
                ignored: 1,
                without_data: 1
            }
        );
    }

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!(shown(Duration::from_millis(1_250)), "1.2s");
        assert_eq!(shown(Duration::from_secs(125)), "2m05s");
    }
}
