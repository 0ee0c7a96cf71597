//! `market`: the broker's calendar beside ours.

use bijli_core::DurationNs;
use serde_json::{Value, json};

use crate::world::{World, day};

#[test]
fn the_brokers_calendar_is_shown_beside_ours_and_agrees() {
    let world = World::start();
    let left = world.bijli("market timings 2026-08-04 --broker sim.json --json");
    let data = &left.json()["data"];
    assert_eq!((left.code, &data["agrees"]), (Some(0), &json!(true)), "{left:?}");
    let row = |exchange, hours, agrees: Value| {
        let ours = if agrees.is_null() {
            Value::Null
        } else {
            json!(hours)
        };
        json!({"exchange": exchange, "ours": ours, "theirs": hours, "agrees": agrees})
    };
    let (cash, derivatives) = ("09:15:00 to 15:15:00", "09:15:00 to 15:40:00");
    assert_eq!(data["exchanges"][0], row("NSE", cash, json!(true)));
    assert_eq!(data["exchanges"][1], row("NFO", derivatives, json!(true)));
    assert_eq!(
        data["exchanges"][4],
        row("CDS", "09:00:00 to 17:00:00", Value::Null)
    );

    let shut = world
        .bijli("market timings 2026-08-08 --broker sim.json --json")
        .json();
    assert_eq!(shut["data"]["exchanges"][0]["theirs"], "shut");
    let year = world.bijli("market holidays --broker sim.json --json").json();
    assert_eq!(year["broker"], "simulator");
    assert_eq!(year["data"]["agrees"], true, "{year}");
    let rows = year["data"]["holidays"].as_array().expect("rows");
    let diwali = rows
        .iter()
        .find(|row| row["holiday"]["date"] == "2026-11-10")
        .expect("listed");
    assert_eq!(
        (&diwali["ours"], &diwali["theirs"]),
        (&json!("shut"), &json!("shut"))
    );
    let one = world.bijli("market holidays --date 2026-08-04 --broker sim.json");
    assert!(
        one.out.contains("2026-08-04 is not on the broker's list"),
        "{one:?}"
    );
    let status = world.bijli("market status nfo --broker sim.json --json").json();
    let exchange = &status["data"]["exchanges"][0];
    assert_eq!(
        (&exchange["exchange"], &exchange["agrees"]),
        (&json!("NFO"), &json!(true))
    );
    let text = world.bijli("market status --broker sim.json");
    assert!(
        text.out.starts_with("*** SIMULATED BROKER ***\nexchange"),
        "{text:?}"
    );
    assert_eq!(text.out.lines().count(), 6, "{text:?}");
    let wrong = world.bijli("market status NOWHERE --broker sim.json");
    assert_eq!(wrong.code, Some(5), "{wrong:?}");
    assert_eq!(world.bijli("market timings 2026-13-01").code, Some(2));
}

#[test]
fn a_broker_that_contradicts_the_calendar_is_told_loudly() {
    let world = World::start();
    let broker = world.tampered(|target, answer| {
        if target.contains("timings") {
            answer["data"][1]["end_time"] =
                json!(day(2026, 7, 31).at(DurationNs::from_hm(15, 40)).get() / 1_000_000);
        } else if target.contains("status") {
            answer["data"]["status"] = json!("NORMAL_OPEN");
            answer["data"]["last_updated"] =
                json!(day(2026, 8, 1).at(DurationNs::from_hm(11, 0)).get() / 1_000_000);
        } else if let Some(rows) = answer["data"].as_array_mut() {
            rows.retain(|row| row["date"] != "2026-11-10");
            rows.push(
                json!({"date": "2026-09-01", "description": "New", "holiday_type": "TRADING_HOLIDAY",
                "closed_exchanges": ["NSE", "NFO"], "open_exchanges": []}),
            );
        }
    });
    let left = world.run(&["market", "timings", "2026-07-31", "--json", "--broker", broker]);
    assert_eq!(
        (left.code, &left.json()["data"]["agrees"]),
        (Some(0), &json!(false)),
        "{left:?}"
    );
    let line =
        "NFO on 2026-07-31: the broker says 09:15:00 to 15:40:00, our calendar says 09:15:00 to 15:30:00";
    assert!(left.err.contains(&format!("warning: {line}")), "{left:?}");
    let row = &left.json()["data"]["exchanges"][1];
    assert_eq!(
        (&row["ours"], &row["agrees"]),
        (&json!("09:15:00 to 15:30:00"), &json!(false))
    );
    let text = world.run(&["market", "timings", "2026-07-31", "--broker", broker]);
    assert!(
        text.out.contains(&format!("*** DISAGREEMENT *** {line}")),
        "{text:?}"
    );
    let year = world.run(&["market", "holidays", "--broker", broker]);
    for line in [
        "NSE on 2026-09-01: the broker says shut, our calendar says open",
        "NSE on 2026-11-10: the broker says open, our calendar says shut",
    ] {
        assert!(year.out.contains(line), "{year:?}");
    }
    let status = world.run(&["market", "status", "NSE", "--broker", broker]);
    let line = "NSE at 2026-08-01 11:00:00 IST: the broker says open, our calendar says closed";
    assert!(status.out.contains(line), "{status:?}");
}
