//! `ctl kill --broker-switch` against the simulator's kill switch: what it does, what it tells, what the journal keeps.

use std::process::Output;

use bijli_simulator::Speed;
use serde_json::Value;

use crate::world::World;
use crate::{WITHIN, ctl, has_mode, refused, said_on_the_socket, until};

/// `kill --broker-switch` with the world's own configuration.
fn kill_with_switch(world: &World) -> Output {
    let config = world.path("sim.toml").display().to_string();
    let words = [
        "kill",
        "--broker-switch",
        "--config",
        &config,
        "--reason",
        "test",
        "--json",
    ];
    ctl(world, &words)
}

fn controls_of(world: &World) -> String {
    let tail = world.bijli(&[
        "journal",
        "tail",
        world.journal(),
        "-n",
        "50",
        "--kind",
        "Controlled",
    ]);
    String::from_utf8_lossy(&tail.stdout).into_owned()
}

/// The last answer to the broker's switch that the journal holds.
fn answer_of(world: &World) -> String {
    let kind = ["-n", "1", "--kind", "SwitchAnswered"];
    let tail = world.bijli(&[&["journal", "tail", world.journal()], &kind[..]].concat());
    String::from_utf8_lossy(&tail.stdout).into_owned()
}

fn assert_replays(world: &World) {
    let replayed = world.bijli(&["replay", world.journal(), "--verify", "--json"]);
    let replayed: Value = serde_json::from_slice(&replayed.stdout).expect("one JSON object");
    assert_eq!(replayed["identical"], true, "{replayed}");
}

#[test]
fn the_brokers_switch_is_used_after_a_flat_kill_stands_in_the_journal_and_ends_the_token() {
    let world = World::start_at(6, 60, Speed::Times(1_000.0));
    let engine = world.spawn_engine();
    until(&world, "a position to close", |state| {
        state["engine"]["open_positions"].as_u64() > Some(0)
    });
    let output = kill_with_switch(&world);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let reply: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(
        (&reply["broker_flat"], &reply["mode"]),
        (&true.into(), &"KILLED".into())
    );
    assert_eq!(reply["broker_switch"]["done"], true, "{reply}");
    let stopped = reply["broker_switch"]["stopped"].as_array().expect("a list");
    assert!(stopped.contains(&"NSE_EQ".into()), "{reply}");
    assert_eq!(world.stats().broker.open_positions, 0);

    // The broker ends every token with its switch: the run says so and ends.
    let (code, output) = engine.finish(WITHIN);
    assert_eq!(code, Some(5), "{output}");
    assert!(output.contains("TOKEN DEAD"), "{output}");
    let controls = controls_of(&world);
    let (killed, switched) = (controls.find("kill"), controls.find("broker-switch"));
    assert!(
        killed.is_some() && switched > killed,
        "who asked stands in the journal: {controls}"
    );
    // What the broker answered stands there too, though its switch ended the token of the engine that wrote it.
    assert!(reply["broker_switch"]["not_journaled"].is_null(), "{reply}");
    let answered = answer_of(&world);
    assert!(answered.contains("broker-switch done to uid "), "{answered}");
    assert!(answered.contains("NSE_EQ"), "{answered}");
    assert_replays(&world);
    let folder = world.path("out");
    let exported = world.bijli(&[
        "journal",
        "export",
        world.journal(),
        "--csv",
        &folder.display().to_string(),
    ]);
    assert!(exported.status.success(), "{exported:?}");
    let audit = std::fs::read_to_string(folder.join("controls.csv")).expect("the table of controls");
    let row = audit.lines().find(|row| row.contains("broker-switch"));
    assert!(
        row.is_some_and(|row| row.contains("done") && row.contains("NSE_EQ")),
        "{audit}"
    );
}

#[test]
fn a_switch_that_the_broker_refuses_is_told_and_the_kill_stands() {
    let world = World::scripted(6);
    let engine = world.spawn_engine();
    until(&world, "reconciled and active", has_mode("ACTIVE"));
    world.script(r#"{"fault": {"O32": 1000000}}"#);
    let output = kill_with_switch(&world);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert!(
        said.contains("killed and flat, but the broker's switch: "),
        "{said}"
    );
    assert!(said.contains("UDAPI1184"), "{said}");
    let reply: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(reply["broker_switch"]["done"], false, "{reply}");
    assert!(controls_of(&world).contains("broker-switch"));
    let answered = answer_of(&world);
    assert!(
        answered.contains("broker-switch refused to uid ") && answered.contains("UDAPI1184"),
        "{answered}"
    );
    let id = r#"{"version":1,"command_id":7,"verb":"broker-switch","answer":{"outcome":"done","words":""}}"#;
    let unasked = said_on_the_socket(&world, id);
    assert_eq!(
        unasked["accepted"], false,
        "nobody asked under that id: {unasked}"
    );
    until(&world, "still killed, still running", has_mode("KILLED"));
    assert!(refused(&world, &["resume"]).contains("only `arm --reason`"));
    engine.kill();
}
