//! Bad input from people and networks: each ends with a clear message and the right exit code, nothing lost.

mod world;

use std::process::Output;
use std::time::Duration;

use world::World;

fn words(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Starts an engine on the world's configuration with one piece of text replaced.
fn run_with(world: &World, find: &str, replace: &str) -> Output {
    let text = std::fs::read_to_string(world.path("sim.toml")).expect("the world wrote it");
    assert!(text.contains(find), "{find} stands in the configuration");
    let path = world.path("changed.toml");
    std::fs::write(&path, text.replace(find, replace)).expect("a small file");
    world.bijli(&["run", "--json", "--config", &path.display().to_string()])
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_key() {
    let world = World::start(1, 20);
    let output = run_with(&world, "account = ", "acount = ");
    assert_eq!(output.status.code(), Some(2), "{}", words(&output));
    let said = words(&output);
    assert!(
        said.contains("changed.toml:3:1") && said.contains("acount") && said.contains("account"),
        "{said}"
    );
}

#[test]
fn a_closed_port_is_named_and_nothing_is_begun() {
    let world = World::start(1, 20);
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("loopback")
        .local_addr()
        .expect("bound")
        .port();
    let stats = world.stats();
    let text = std::fs::read_to_string(world.path("sim.toml")).expect("the world wrote it");
    let api = text
        .lines()
        .find(|line| line.starts_with("api_url"))
        .expect("the world wrote it")
        .to_owned();
    let output = run_with(&world, &api, &format!("api_url = \"https://127.0.0.1:{port}\""));
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    assert!(words(&output).contains("nothing answers"), "{}", words(&output));
    assert_eq!(world.stats().broker.orders_seen, stats.broker.orders_seen);
}

#[test]
fn a_wrong_token_is_refused_with_words_and_no_order_is_sent() {
    let world = World::start(1, 20);
    std::fs::write(world.path("token"), "not-the-token").expect("a small file");
    let mut engine = world.spawn_engine();
    let ended = engine.ended_within(Duration::from_secs(20));
    let (code, said) = engine.finish(Duration::from_secs(1));
    assert!(ended, "the engine gives up by itself: {said}");
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("token"), "{said}");
    assert_eq!(world.stats().broker.orders_seen, 0);
}

#[test]
fn a_second_engine_on_the_account_is_turned_away_and_the_first_goes_on() {
    let world = World::start(3, 60);
    let mut first = world.spawn_engine();
    let lock = world.path("runs/test.lock");
    let mut waited = 0;
    while !lock.exists() && waited < 1_000 {
        assert!(!first.ended_within(Duration::from_millis(5)));
        waited += 1;
    }
    let second = world.spawn_engine();
    let (code, said) = second.finish(Duration::from_secs(30));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("another engine runs on this account"), "{said}");
    // Under another name there is no lock in its way but that of the broker's account.
    let renamed = run_with(&world, "account = \"test\"", "account = \"other\"");
    assert_eq!(renamed.status.code(), Some(1), "{}", words(&renamed));
    assert!(
        words(&renamed).contains("another engine runs on this account of the broker"),
        "{}",
        words(&renamed)
    );
    assert!(!world.path("runs/other.lock").exists());
    let (code, said) = first.finish(Duration::from_secs(120));
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_malformed_day_file_is_named_with_line_and_column() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("2016-08-16.csv.zst");
    let rows =
        "Code,Date,Open,High,Low,Close,Volume\nACC,2016-08-16 09:15:00,1658.55,x,1653.6,1659.75,1820\n";
    std::fs::write(&path, zstd::encode_all(rows.as_bytes(), 1).expect("memory")).expect("a small file");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_bijli"))
        .args(["demo", "--headless", "--json", "--day"])
        .arg(&path)
        .current_dir(folder.path())
        .output()
        .expect("the binary was built for this test");
    assert_ne!(output.status.code(), Some(0));
    let said = words(&output);
    assert!(said.contains("2016-08-16.csv.zst, line 2, column 33"), "{said}");
}

#[test]
fn a_disk_without_room_is_named_before_anything_is_sent() {
    let world = World::start(1, 20);
    // Files may not grow past 4 MiB here, which is what a full disk looks like to the journal.
    let output = std::process::Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 8192; exec \"$0\" run --json --config \"$1\"",
        ])
        .arg(env!("CARGO_BIN_EXE_bijli"))
        .arg(world.path("sim.toml"))
        .output()
        .expect("a shell is there");
    let said = words(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no room for 16 MiB"), "{said}");
    assert_eq!(world.stats().broker.orders_seen, 0);
}

#[test]
fn a_flipped_byte_in_a_journal_is_found_and_the_record_named() {
    let world = World::start(5, 20);
    let (code, said) = world.spawn_engine().finish(Duration::from_secs(120));
    assert_eq!(code, Some(0), "{said}");
    let clean = world.bijli(&["replay", world.journal(), "--verify", "--json"]);
    assert_eq!(clean.status.code(), Some(0), "{}", words(&clean));
    let segment = std::path::Path::new(world.journal()).join("segment-00000.bjl");
    let mut bytes = std::fs::read(&segment).expect("the first segment");
    for place in [3, 70, 4_100, 100_003] {
        bytes[place] ^= 0x10;
        std::fs::write(&segment, &bytes).expect("our own copy");
        let damaged = world.bijli(&["replay", world.journal(), "--verify", "--json"]);
        assert_eq!(damaged.status.code(), Some(1), "byte {place}");
        let said = words(&damaged);
        assert!(said.contains("segment-00000.bjl"), "byte {place}: {said}");
        assert!(
            said.contains("record") || said.contains("header"),
            "byte {place}: {said}"
        );
        bytes[place] ^= 0x10;
    }
    std::fs::write(&segment, &bytes).expect("our own copy");
    let again = world.bijli(&["replay", world.journal(), "--verify", "--json"]);
    assert_eq!(again.status.code(), Some(0), "{}", words(&again));
}
