//! Paper trading end to end: a real feed, fills made in this process, and not one order on any wire.

mod world;

use std::time::Duration;

use world::World;

#[test]
fn a_day_on_paper_fills_flattens_and_sends_no_order() {
    let world = World::start(11, 60);
    let text = std::fs::read_to_string(world.path("sim.toml")).expect("the world wrote it");
    let text = text.replace("mode = \"sim\"", "mode = \"paper\"");
    std::fs::write(world.path("sim.toml"), text).expect("a small file");
    let (code, said) = world.spawn_engine().finish(Duration::from_secs(120));
    assert_eq!(code, Some(0), "{said}");
    let line = said
        .lines()
        .find(|line| line.starts_with('{'))
        .expect("the summary");
    let summary: serde_json::Value = serde_json::from_str(line).expect("one JSON object");
    assert_eq!(summary["venue"], "paper");
    assert_eq!(summary["paper"], true, "paper fills are flagged");
    assert!(
        summary["fills"].as_u64().expect("a count") > 0,
        "a day without fills proves nothing: {line}"
    );
    assert_eq!(summary["open_positions"], 0);
    let orders = std::fs::read_to_string(world.run_dir().join("orders.csv")).expect("part of the report");
    let mut rows = orders.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = rows.next().expect("a head");
    let place = |name: &str| {
        head.iter()
            .position(|column| *column == name)
            .expect("a column of the report")
    };
    let (ack, slippage) = (place("ack_ms"), place("slippage_rupees"));
    for row in rows {
        assert!(
            !row[ack].starts_with('-'),
            "acknowledged before it was placed: {row:?}"
        );
        assert!(
            row[slippage].is_empty() || row[slippage].parse::<f64>().is_ok(),
            "{row:?}"
        );
    }
    assert_eq!(summary["journal"]["replay_identical"], true);
    assert_eq!(world.stats().broker.orders_seen, 0, "no order left the process");
}
