//! The engine is killed (SIGKILL) at random instants of a simulated day, many times, and must lose nothing.
//!
//! The oracle is the simulator's own ledger: every tag at most once, flat at the end. The number of kills is
//! `BIJLI_KILLS` (12 unless set); the seed is printed, and `BIJLI_SEED` repeats a run.

mod world;

use std::time::Duration;

use world::{Dice, World, env_number};

#[test]
fn an_engine_killed_at_random_instants_doubles_nothing_and_ends_flat() {
    let kills = env_number("BIJLI_KILLS").unwrap_or(12);
    let seed = env_number("BIJLI_SEED").unwrap_or_else(world::fresh_seed);
    eprintln!("kills: {kills}, seed: {seed} (repeat with BIJLI_SEED={seed})");
    let mut dice = Dice::new(seed);
    let world = World::start(seed, 60);
    let mut killed = 0;
    for kill in 0..kills {
        let mut engine = world.spawn_engine();
        let delay = Duration::from_millis(20 + dice.below(380));
        if engine.ended_within(delay) {
            eprintln!("the day ended before kill {kill}");
            break;
        }
        engine.kill();
        killed += 1;
        assert_eq!(
            world.stats().broker.duplicate_tags,
            0,
            "a tag was sent twice after kill {kill}, seed {seed}"
        );
    }
    assert_eq!(
        killed, kills,
        "a day that ends before the kills do proves too little, seed {seed}"
    );
    let (code, output) = world.spawn_engine().finish(Duration::from_secs(120));
    assert_eq!(
        code,
        Some(0),
        "the last engine ends the day in order, seed {seed}: {output}"
    );
    let stats = world.stats();
    assert_eq!(stats.broker.duplicate_tags, 0, "seed {seed}");
    assert_eq!(
        stats.broker.open_positions, 0,
        "the broker's ledger is flat, seed {seed}"
    );
    assert!(stats.day_done, "the day was played to its end, seed {seed}");
    assert!(
        stats.broker.orders_seen > 0,
        "a day without orders proves nothing, seed {seed}"
    );
    let replayed = world.bijli(&["replay", world.journal(), "--verify", "--json"]);
    assert!(
        replayed.status.success(),
        "{}",
        String::from_utf8_lossy(&replayed.stderr)
    );
    let answer: serde_json::Value = serde_json::from_slice(&replayed.stdout).expect("one JSON object");
    assert_eq!(
        answer["identical"], true,
        "every process's journal replays to the same commands"
    );
}
