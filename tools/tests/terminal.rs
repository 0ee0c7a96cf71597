//! What eyes see of a running engine: `top` in a real terminal (tmux), and `status` from another process.
//!
//! Readers only look: one that is killed, or that reads without pause, changes nothing in the engine. Without
//! tmux the terminal test says that it was skipped; under `CI=true` it fails.

mod world;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use bijli_simulator::Speed;
use serde_json::Value;
use world::World;

/// How long anything may take to appear on the screen, on a machine that has other things to do.
const APPEARS_WITHIN: Duration = Duration::from_secs(60);
/// How long a day may take to end.
const DAY_WITHIN: Duration = Duration::from_secs(240);

/// A tmux server of its own, with one terminal of 150 by 45.
struct Terminal<'a> {
    folder: &'a Path,
}

impl<'a> Terminal<'a> {
    /// Opens the terminal and runs a command in it.
    fn open(folder: &'a Path, command: &[&str]) -> Self {
        let terminal = Self { folder };
        let opened = terminal
            .tmux()
            .args(["new-session", "-d", "-s", "seen", "-x", "150", "-y", "45"])
            .args(command)
            .output()
            .expect("tmux was found before");
        assert!(
            opened.status.success(),
            "{}",
            String::from_utf8_lossy(&opened.stderr)
        );
        terminal
    }

    /// A call of tmux that meets no other server and no configuration of this machine.
    fn tmux(&self) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-u", "-f", "/dev/null", "-L", "bijli-test"]);
        command
            .env("TMUX_TMPDIR", self.folder)
            .env_remove("TMUX")
            .stdin(Stdio::null());
        command
    }

    fn call(&self, arguments: &[&str]) -> Output {
        self.tmux()
            .args(arguments)
            .output()
            .expect("tmux was found before")
    }

    fn press(&self, key: &str) {
        assert!(
            self.call(&["send-keys", "-t", "seen", key]).status.success(),
            "the terminal is there"
        );
    }

    /// What stands on the screen, with its colours.
    fn coloured(&self) -> String {
        let captured = self.call(&["capture-pane", "-p", "-e", "-t", "seen"]).stdout;
        String::from_utf8_lossy(&captured).into_owned()
    }

    /// What stands on the screen.
    fn picture(&self) -> String {
        String::from_utf8_lossy(&self.call(&["capture-pane", "-p", "-t", "seen"]).stdout).into_owned()
    }

    fn is_open(&self) -> bool {
        self.call(&["has-session", "-t", "seen"]).status.success()
    }

    /// Waits until the screen is as described; gives it.
    fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let mut picture = String::new();
        assert!(
            within(APPEARS_WITHIN, || {
                picture = self.picture();
                is_so(&picture)
            }),
            "never seen: {what}\n{picture}"
        );
        picture
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        // The server ends with its last session; then there is nothing to end.
        let _ended = self.call(&["kill-server"]);
    }
}

/// Looks again and again until something is so, at most for so long.
fn within(length: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < length {
        if is_so() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

fn has_tmux(test: &str) -> bool {
    let found = Command::new("tmux")
        .arg("-V")
        .output()
        .is_ok_and(|output| output.status.success());
    if !found {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "tmux is missing: install it, {test} needs it"
        );
        eprintln!("skipped (no tmux): {test}");
    }
    found
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error} in {output:?}"))
}

/// The count behind `ticks` on the screen.
fn ticks_shown(picture: &str) -> Option<u64> {
    let words = picture.split_once("│ticks ")?.1;
    let number: String = words
        .split_whitespace()
        .next()?
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    number.parse().ok()
}

#[test]
fn top_shows_the_flags_and_the_count_obeys_its_keys_and_dies_without_the_engine_noticing() {
    if !has_tmux("top in a terminal") {
        return;
    }
    let world = World::start_at(3, 60, Speed::Times(1_500.0));
    let mut engine = world.spawn_engine();
    let run_dir = world.run_dir().display().to_string();
    let status = ["status", "--json", "--dir", &run_dir];
    assert!(
        within(APPEARS_WITHIN, || world.bijli(&status).status.success()),
        "the engine never showed itself"
    );
    let top = [env!("CARGO_BIN_EXE_bijli"), "top", "--dir", &run_dir];
    let folder = world.path("tmux");
    std::fs::create_dir(&folder).expect("a fresh folder");

    let terminal = Terminal::open(&folder, &top);
    let flagged = |picture: &str| picture.contains("SYNTHETIC DATA") && picture.contains("SIMULATED VENUE");
    let first = terminal.until("both flags and a count of ticks", |picture| {
        flagged(picture) && ticks_shown(picture).is_some_and(|ticks| ticks > 0)
    });
    terminal.until("more ticks than before", |picture| {
        ticks_shown(picture) > ticks_shown(&first)
    });
    terminal.press("?");
    let help = terminal.until("the help", |picture| picture.contains("Read-only: nothing here"));
    assert!(flagged(&help), "the flags stay beside the help: {help}");
    terminal.press("?");
    terminal.until("the help gone", |picture| {
        !picture.contains("Read-only") && flagged(picture)
    });
    terminal.press("q");
    assert!(within(APPEARS_WITHIN, || !terminal.is_open()), "q ends top");
    drop(terminal);

    let terminal = Terminal::open(&folder, &top);
    terminal.until("the flags again", flagged);
    assert!(
        !engine.ended_within(Duration::ZERO),
        "top is killed while the engine runs"
    );
    assert!(terminal.call(&["kill-session", "-t", "seen"]).status.success());
    drop(terminal);

    let (code, output) = engine.finish(DAY_WITHIN);
    assert_eq!(code, Some(0), "{output}");
    assert_eq!(
        world.stats().broker.open_positions,
        0,
        "the broker's ledger is flat"
    );
    let replayed = world.bijli(&["replay", world.journal(), "--verify", "--json"]);
    assert_eq!(json(&replayed)["identical"], true);
}

#[test]
fn a_reader_without_pause_gets_whole_states_only_and_time_never_goes_back_for_it() {
    let world = World::start(4, 60);
    let mut engine = world.spawn_engine();
    let run_dir = world.run_dir().display().to_string();
    let (mut looks, mut ticks) = (0_u32, 0_u64);
    let started = Instant::now();
    while !engine.ended_within(Duration::ZERO) && started.elapsed() < DAY_WITHIN {
        let output = world.bijli(&["status", "--json", "--dir", &run_dir]);
        let state = json(&output);
        if state["error"].is_string() {
            // The engine has not yet written, or it ended between the question and the answer.
            assert_eq!(output.status.code(), Some(3), "{output:?}");
            continue;
        }
        assert_eq!(
            state["flags"],
            serde_json::json!(["SYNTHETIC DATA", "SIMULATED VENUE"])
        );
        let Some(now) = state["engine"]["ticks_applied"].as_u64() else {
            continue;
        };
        assert!(now >= ticks, "{now} ticks after {ticks}");
        ticks = now;
        looks += 1;
    }
    let (code, output) = engine.finish(DAY_WITHIN);
    assert_eq!(code, Some(0), "{output}");
    assert!(
        looks > 10 && ticks > 0,
        "{looks} looks, {ticks} ticks: too few to show anything"
    );
    let summary: Value = output
        .lines()
        .find_map(|line| serde_json::from_str(line).ok())
        .unwrap_or_else(|| panic!("the summary is one JSON line: {output}"));
    assert_eq!(summary["open_positions"], 0);
    assert!(summary["ticks_applied"].as_u64() >= Some(ticks), "{summary}");
}

/// A program that notes what it is called for, and then never ends.
fn write_caller(world: &World) {
    let path = world.path("call-me");
    let body =
        "#!/bin/sh\necho \"$BIJLI_PAGE $BIJLI_PAGE_SYMBOL: $BIJLI_PAGE_TEXT\" >> \"$1\"\nexec sleep 1000\n";
    std::fs::write(&path, body).expect("a small file");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).expect("our own file");
    let (program, told) = (
        path.display().to_string(),
        world.path("told").display().to_string(),
    );
    world.configure(&format!("[alert]\ncommand = [{program:?}, {told:?}]\n"));
}

#[test]
fn a_page_is_on_every_screen_in_the_log_and_with_the_command_which_holds_nothing_up_when_it_hangs() {
    if !has_tmux("a page in a terminal") {
        return;
    }
    let world = World::scripted(6);
    write_caller(&world);
    let engine = world.spawn_engine();
    let run_dir = world.run_dir().display().to_string();
    let status = || world.bijli(&["status", "--json", "--dir", &run_dir]);
    let state = || serde_json::from_slice(&status().stdout).unwrap_or(Value::Null);
    let has_position = || state()["engine"]["open_positions"].as_u64() > Some(0);
    assert!(within(DAY_WITHIN, has_position), "a position to close");
    assert_eq!(state()["pages"], serde_json::json!([]), "nothing to say yet");

    // Every exit fails before it leaves: whoever traded with this needs a person.
    world.script(r#"{"order_host": "down"}"#);
    let killed = world.bijli(&[
        "ctl", "kill", "--wait", "0", "--reason", "test", "--dir", &run_dir,
    ]);
    assert_eq!(killed.status.code(), Some(6), "{killed:?}");
    let is_paged = || state()["pages"][0]["code"] == "EXIT_REJECTED";
    assert!(within(APPEARS_WITHIN, is_paged), "{}", state());
    let text = world.bijli(&["status", "--dir", &run_dir]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("!!! PAGE EXIT_REJECTED x"), "{text}");

    let folder = world.path("tmux");
    std::fs::create_dir(&folder).expect("a fresh folder");
    let terminal = Terminal::open(&folder, &[env!("CARGO_BIN_EXE_bijli"), "top", "--dir", &run_dir]);
    terminal.until("the page", |picture| {
        picture
            .lines()
            .nth(2)
            .is_some_and(|line| line.contains("PAGE EXIT_REJECTED x"))
    });
    let coloured = terminal.coloured();
    let line = coloured.lines().nth(2).expect("it was there just now");
    let is_red = line.contains("41m") || line.contains("48;5;1m");
    assert!(is_red, "white on red: {line:?}");
    drop(terminal);

    // The command was called with the page, hangs, and the engine goes on without it.
    let told = world.path("told");
    let is_told = || std::fs::read_to_string(&told).is_ok_and(|text| text.starts_with("EXIT_REJECTED "));
    assert!(within(APPEARS_WITHIN, is_told), "the command was never called");
    let before = state()["engine"]["events"].as_u64();
    let goes_on = || state()["engine"]["events"].as_u64() > before;
    assert!(within(APPEARS_WITHIN, goes_on), "the engine waits for nobody");
    world.script(r#"{"order_host": "up"}"#);
    let is_flat = || world.stats().broker.open_positions == 0;
    assert!(
        within(APPEARS_WITHIN, is_flat),
        "the kill closes what it could not close before"
    );
    let shown = world.bijli(&[
        "ctl", "kill", "--wait", "20", "--reason", "test", "--dir", &run_dir,
    ]);
    assert_eq!(
        shown.status.code(),
        Some(0),
        "the broker shows it to the engine, too: {shown:?}"
    );

    engine.interrupt();
    let (code, output) = engine.finish(DAY_WITHIN);
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("\nPAGE EXIT_REJECTED x"), "{output}");
    let killed = "the alert command for EXIT_REJECTED did not end within 10 s and was killed";
    assert!(output.contains(killed), "{output}");
}
