//! Operators and a running engine: the real binary speaks to the real binary over its control socket.
//!
//! What a person latched stays: `kill` outlives the process, and only `arm` with a reason ends it.

mod world;

#[path = "control/broker_switch.rs"]
mod broker_switch;

use std::io::{PipeWriter, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bijli_simulator::Speed;
use serde_json::Value;
use world::World;

/// How long anything may take to come about, on a machine that has other things to do.
const WITHIN: Duration = Duration::from_secs(120);

fn ctl(world: &World, arguments: &[&str]) -> Output {
    let run_dir = world.run_dir().display().to_string();
    let words: Vec<&str> = ["ctl"]
        .into_iter()
        .chain(arguments.iter().copied())
        .chain(["--dir", &run_dir])
        .collect();
    world.bijli(&words)
}

/// A command that must be accepted; gives its reply.
fn obeyed(world: &World, arguments: &[&str]) -> Value {
    let output = ctl(world, &[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    let reply: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(reply["accepted"], true, "{arguments:?}: {reply}");
    reply
}

/// A command that must be refused with exit code 1; gives the words.
fn refused(world: &World, arguments: &[&str]) -> String {
    let output = ctl(world, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a client of the socket hears that writes its own requests.
fn said_on_the_socket(world: &World, request: &str) -> Value {
    let mut stream = UnixStream::connect(world.run_dir().join("control.sock")).expect("an engine listens");
    let length = u32::try_from(request.len()).expect("short").to_le_bytes();
    stream.write_all(&length).expect("it reads");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).expect("an answer");
    serde_json::from_slice(&reply[4..]).expect("one JSON object")
}

/// The state, once it is as described.
fn until(world: &World, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let run_dir = world.run_dir().display().to_string();
    let started = Instant::now();
    let mut last = Value::Null;
    while started.elapsed() < WITHIN {
        let output = world.bijli(&["status", "--json", "--dir", &run_dir]);
        if output.status.success() {
            last = serde_json::from_slice(&output.stdout).expect("one JSON object");
            if is_so(&last) {
                return last;
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("never so: {what}: {last}");
}

fn has_mode(mode: &str) -> impl Fn(&Value) -> bool {
    move |state| state["mode"] == mode
}

#[test]
fn pause_and_resume_change_the_mode_and_senseless_commands_are_refused_with_reasons() {
    let world = World::start_at(5, 60, Speed::Times(300.0));
    let engine = world.spawn_engine();
    until(&world, "reconciled and active", has_mode("ACTIVE"));

    assert_eq!(obeyed(&world, &["pause"])["mode"], "PAUSED");
    until(&world, "the screen says paused", has_mode("PAUSED"));
    assert_eq!(
        obeyed(&world, &["pause"])["mode"],
        "PAUSED",
        "pausing twice changes nothing"
    );
    assert_eq!(obeyed(&world, &["resume"])["mode"], "ACTIVE");

    assert!(refused(&world, &["exit", "NOSUCH"]).contains("no such instrument"));
    assert!(refused(&world, &["exit"]).contains("needs a symbol"));
    assert!(refused(&world, &["arm"]).contains("needs a reason"));
    let long = "x".repeat(41);
    assert!(refused(&world, &["pause", "--reason", &long]).contains("at most 40"));
    until(&world, "still active after all refusals", has_mode("ACTIVE"));
    engine.kill();
    assert_eq!(
        ctl(&world, &["pause"]).status.code(),
        Some(3),
        "nobody answers for a dead engine"
    );
}

#[test]
fn kill_closes_everything_and_stays_latched_over_a_restart_until_armed_with_a_reason() {
    let world = World::start_at(6, 60, Speed::Times(1_000.0));
    let engine = world.spawn_engine();
    until(&world, "a position to close", |state| {
        state["engine"]["open_positions"].as_u64() > Some(0)
    });

    let killed = obeyed(&world, &["kill", "--reason", "test"]);
    assert_eq!(killed["mode"], "KILLED");
    assert_eq!(
        (&killed["open_positions"], &killed["live_orders"]),
        (&0.into(), &0.into()),
        "{killed}"
    );
    assert_eq!(
        world.stats().broker.open_positions,
        0,
        "the broker's ledger is flat"
    );
    until(&world, "the screen says killed", has_mode("KILLED"));
    assert_eq!(killed["broker_flat"], true, "{killed}");
    assert!(refused(&world, &["resume"]).contains("only `arm --reason`"));
    engine.kill();

    let engine = world.spawn_engine();
    let state = until(&world, "the second process shows itself", |state| {
        state["epoch"] == 2 && state["gateway"]["stream_connected"] == true
    });
    assert_eq!(state["mode"], "KILLED", "a restart lifts no latch");
    assert_eq!(state["engine"]["kill_latched"], true);
    assert!(refused(&world, &["arm"]).contains("needs a reason"));
    let state = until(&world, "reconciled", |state| {
        state["supervision"]["reconciled"] == true
    });
    assert_eq!(state["mode"], "KILLED");
    obeyed(&world, &["arm", "--reason", "test"]);
    until(&world, "active again", has_mode("ACTIVE"));
    assert_eq!(world.stats().broker.duplicate_tags, 0);
    engine.kill();
}

#[test]
fn a_kill_that_cannot_close_says_what_is_open_with_exit_code_6_and_goes_on_until_it_can() {
    let world = World::scripted(6);
    let engine = world.spawn_engine();
    until(&world, "a position to close", |state| {
        state["engine"]["open_positions"].as_u64() > Some(0)
    });
    world.script(r#"{"order_host": "down"}"#);
    let output = ctl(&world, &["kill", "--wait", "2", "--reason", "test"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(6), "{output:?}");
    assert!(
        said.contains("not flat by the broker's word") && said.contains("open: "),
        "{said}"
    );
    let state = until(&world, "killed and open", has_mode("KILLED"));
    assert!(state["engine"]["open_positions"].as_u64() > Some(0), "{state}");

    world.script(r#"{"order_host": "up"}"#);
    let killed = obeyed(&world, &["kill", "--reason", "again"]);
    assert_eq!(
        (&killed["broker_flat"], &killed["open"]),
        (&true.into(), &Value::Array(vec![]))
    );
    assert_eq!(
        world.stats().broker.open_positions,
        0,
        "the broker's ledger is flat"
    );
    let state = until(&world, "the screen says so", |state| {
        state["supervision"]["broker"]["answered"] == true
    });
    assert_eq!(state["supervision"]["broker"]["positions"], 0);
    engine.kill();
}

#[test]
fn a_kill_of_yesterday_holds_today_until_somebody_arms_and_not_after() {
    let first = World::start_at(5, 60, Speed::Times(300.0));
    let engine = first.spawn_engine();
    until(&first, "reconciled and active", has_mode("ACTIVE"));
    obeyed(&first, &["kill", "--reason", "yesterday"]);
    engine.kill();
    let latch = first.path("runs/test.latch");
    let kept = std::fs::read_to_string(&latch).expect("the latch is on disk when the kill is reported");
    assert!(kept.contains("yesterday"), "{kept}");

    // Another day is another world; the account's folder is what goes over.
    let second = World::start_at(7, 60, Speed::Times(300.0));
    std::fs::create_dir_all(second.path("runs")).expect("a folder");
    let carried = second.path("runs/test.latch");
    std::fs::copy(&latch, &carried).expect("a small file");
    let engine = second.spawn_engine();
    let state = until(&second, "reconciled", |state| {
        state["supervision"]["reconciled"] == true
    });
    assert_eq!(
        (&state["mode"], &state["engine"]["kill_latched"]),
        (&"KILLED".into(), &true.into())
    );
    assert_eq!(state["engine"]["entries_sent"], 0);
    obeyed(&second, &["arm", "--reason", "looked"]);
    until(&second, "active", has_mode("ACTIVE"));
    let gone = (0..1_000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        !carried.exists()
    });
    assert!(gone, "arming takes the latch off the disk");
    engine.kill();
    let run_dir = second.run_dir().display().to_string();
    let verified = second.bijli(&["replay", second.journal(), "--verify"]);
    assert!(verified.status.success(), "{run_dir}: {verified:?}");
    let engine = second.spawn_engine();
    until(&second, "active after a restart", |state| {
        state["epoch"] == 2 && state["mode"] == "ACTIVE"
    });
    engine.kill();
}

#[test]
fn every_step_of_the_start_funds_and_refusals_are_on_the_screen() {
    let world = World::start_at(5, 60, Speed::Times(300.0));
    let engine = world.spawn_engine();
    let state = until(&world, "active, with funds", |state| {
        state["mode"] == "ACTIVE" && !state["supervision"]["funds"].is_null()
    });
    let supervision = &state["supervision"];
    for step in ["journal", "account", "token", "day", "risk-gate"] {
        assert_eq!(supervision["start"][step], "passed", "{step}: {supervision}");
    }
    assert_eq!(supervision["start"]["address"], "not needed");
    assert_eq!(supervision["waits_for"], Value::Array(vec![]));
    assert!(supervision["funds"]["available_rupees"].as_f64() > Some(0.0));

    assert!(refused(&world, &["kill", "--strategy", "spike"]).contains("about one strategy"));
    obeyed(&world, &["pause", "--strategy", "spike"]);
    let state = until(&world, "one strategy is paused", |state| {
        state["supervision"]["paused_strategies"][0] == "spike"
    });
    assert_eq!(state["mode"], "ACTIVE", "the account is not");
    assert_eq!(state["supervision"]["commands"]["refused"], 1);
    obeyed(&world, &["resume", "--strategy", "spike"]);
    assert_eq!(obeyed(&world, &["reduce-only"])["mode"], "REDUCE-ONLY");
    assert_eq!(obeyed(&world, &["resume"])["mode"], "ACTIVE");
    engine.kill();
}

#[test]
fn one_instrument_is_paused_and_resumed_by_its_name_and_the_account_goes_on() {
    let world = World::start_at(6, 60, Speed::Times(1_000.0));
    let engine = world.spawn_engine();
    let state = until(&world, "a position to name", |state| {
        state["engine"]["open_positions"].as_u64() > Some(0)
    });
    let symbol = state["positions"][0]["symbol"]
        .as_str()
        .expect("a symbol")
        .to_owned();
    let frozen = |count: u64| move |state: &Value| state["supervision"]["frozen"]["count"] == count;
    assert_eq!(obeyed(&world, &["pause", &symbol])["mode"], "ACTIVE");
    let state = until(&world, "it takes no entries", frozen(1));
    assert_eq!(state["supervision"]["frozen"]["first"], symbol.as_str());
    obeyed(&world, &["resume"]);
    until(&world, "paused by name, not resumed with the account", frozen(1));
    assert_eq!(obeyed(&world, &["resume", &symbol])["mode"], "ACTIVE");
    until(&world, "resumed", frozen(0));
    assert!(refused(&world, &["resume", "NOSUCH"]).contains("no such instrument"));
    let both = ctl(&world, &["pause", &symbol, "--strategy", "spike"]);
    assert!(
        String::from_utf8_lossy(&both.stderr).contains("not both"),
        "{both:?}"
    );
    let wrong = ctl(&world, &["kill", &symbol]);
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    until(&world, "nobody was killed", has_mode("ACTIVE"));
    engine.kill();
}

#[test]
fn a_kill_acts_whatever_its_id_and_its_symbol_were_and_no_other_command_hides_behind_a_used_id() {
    let world = World::start_at(5, 60, Speed::Times(300.0));
    let engine = world.spawn_engine();
    until(&world, "reconciled and active", has_mode("ACTIVE"));
    let paused = said_on_the_socket(&world, r#"{"version":1,"command_id":7,"verb":"pause"}"#);
    assert_eq!(
        (&paused["accepted"], &paused["mode"]),
        (&true.into(), &"PAUSED".into())
    );
    let again = said_on_the_socket(&world, r#"{"version":1,"command_id":7,"verb":"pause"}"#);
    assert_eq!(
        (&again["accepted"], &again["is_new"]),
        (&true.into(), &false.into())
    );
    let other = said_on_the_socket(&world, r#"{"version":1,"command_id":7,"verb":"resume"}"#);
    assert_eq!(other["accepted"], false, "{other}");
    let said = other["message"].as_str().unwrap_or_default();
    assert!(said.contains("belongs to another command"), "{said}");
    let kill = r#"{"version":1,"command_id":7,"verb":"kill","symbol":"NOSUCH"}"#;
    let killed = said_on_the_socket(&world, kill);
    assert_eq!(
        (&killed["accepted"], &killed["mode"], &killed["is_new"]),
        (&true.into(), &"KILLED".into(), &true.into()),
        "{killed}"
    );
    engine.kill();
}

#[test]
fn a_run_that_ends_killed_without_the_broker_s_word_ends_with_exit_code_6_although_our_books_are_flat() {
    let world = World::scripted(6);
    // Killed from the start, so that nothing is ever bought.
    std::fs::create_dir_all(world.path("runs")).expect("a folder");
    std::fs::write(world.path("runs/test.latch"), "fear").expect("a small file");
    let engine = world.spawn_engine();
    until(&world, "reconciled", |state| {
        state["supervision"]["reconciled"] == true
    });
    world.script(r#"{"too_many": "reads"}"#);
    let output = ctl(&world, &["kill", "--wait", "1", "--reason", "test"]);
    assert_eq!(output.status.code(), Some(6), "{output:?}");
    let state = until(&world, "killed", has_mode("KILLED"));
    assert_eq!(state["engine"]["open_positions"], 0, "our books are flat");
    engine.interrupt();
    let (code, said) = engine.finish(Duration::from_secs(30));
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains("had not shown that nothing is open"), "{said}");
}

#[test]
fn a_kill_whose_latch_cannot_be_written_says_so_to_the_end_and_is_on_disk_once_it_can() {
    let world = World::start_at(6, 60, Speed::Times(300.0));
    let engine = world.spawn_engine();
    until(&world, "reconciled and active", has_mode("ACTIVE"));
    let obstacle = world.path("runs/test.latch-new");
    std::fs::create_dir(&obstacle).expect("a folder");
    let killed = obeyed(&world, &["kill", "--reason", "test"]);
    assert_eq!(killed["broker_flat"], true, "{killed}");
    let said = killed["message"].as_str().unwrap_or_default();
    assert!(said.contains("not on disk"), "{killed}");
    let latch = world.path("runs/test.latch");
    assert!(!latch.exists());
    std::fs::remove_dir(&obstacle).expect("our folder");
    let written = (0..2_000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        latch.exists()
    });
    assert!(written, "the engine is killed: its file follows");
    engine.kill();
}

/// Fills a pipe until not one byte more goes in.
fn fill(mut pipe: PipeWriter) {
    let written = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&written);
    std::thread::spawn(move || {
        while pipe.write_all(b".").is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let mut before = 0;
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let now = written.load(Ordering::SeqCst);
        if now > 0 && now == before {
            return;
        }
        before = now;
    }
}

#[test]
fn operators_are_heard_while_nobody_reads_standard_error_and_after_its_reader_is_gone() {
    let world = World::start_at(5, 60, Speed::Times(300.0));
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let engine = world.spawn_engine_saying_to(writer.try_clone().expect("a pipe").into());
    until(&world, "reconciled and active", has_mode("ACTIVE"));
    fill(writer);
    for _ in 0..3 {
        assert!(refused(&world, &["exit", "NOSUCH"]).contains("no such instrument"));
    }
    assert_eq!(obeyed(&world, &["pause"])["mode"], "PAUSED");
    drop(reader);
    for _ in 0..3 {
        assert!(refused(&world, &["exit", "NOSUCH"]).contains("no such instrument"));
    }
    obeyed(&world, &["kill", "--reason", "test"]);
    engine.interrupt();
    let (code, said) = engine.finish(Duration::from_secs(30));
    assert_eq!(code, Some(0), "killed, flat by the broker's word: {said}");
}
