//! Scenarios by name against the real binary over loopback: compressed days under the rows of the fault catalogue.
//!
//! The oracle is the simulator's own ledger: no tag twice, no exit that turns a position over, flat at the end or
//! exit 6 with words, and a journal that replays to the same commands. Each day has several rows, so that all of them
//! take little time; a row that never fires fails its day. Packets are delayed and lost in `network.rs`.

mod world;

#[path = "bad_day/place.rs"]
#[allow(
    dead_code,
    reason = "shared with the scripts of a bad day, which use all of it"
)]
mod place;

use bijli_simulator::broker::faults::{FAULTS, Fault};
use serde_json::{Map, Value, json};

use crate::place::{Day, Place, summary_of, target};

/// A day under fire.
struct Scenario {
    name: &'static str,
    /// Rows with their chance in parts per million and their length in milliseconds, least and most; a length of
    /// zero leaves what the table says.
    rows: &'static [(&'static str, u32, [i64; 2])],
    /// Rows that must have fired: those that such a day cannot miss.
    fires: &'static [&'static str],
}

const NO_SPAN: [i64; 2] = [0, 0];

const SCENARIOS: [Scenario; 9] = [
    Scenario {
        name: "replies_are_lost_late_or_wrong",
        rows: &[
            ("O2", 500_000, NO_SPAN),
            ("O3", 100_000, [3_000, 10_000]),
            ("O4", 100_000, NO_SPAN),
            ("O5", 100_000, NO_SPAN),
            ("O8", 100_000, NO_SPAN),
        ],
        fires: &["O2", "O3"],
    },
    Scenario {
        name: "orders_are_rejected_late_or_wait_and_cancels_get_no_answer",
        rows: &[
            ("O10", 300_000, [10, 20_000]),
            ("O12", 200_000, NO_SPAN),
            ("O14", 150_000, [1_000, 20_000]),
            // An order that waits is cancelled.
            ("O17", 300_000, NO_SPAN),
            ("O18", 500_000, NO_SPAN),
            ("O19", 500_000, NO_SPAN),
            ("O20", 100_000, NO_SPAN),
        ],
        fires: &["O14"],
    },
    Scenario {
        name: "fills_are_phantoms_partial_or_doubled",
        rows: &[
            ("O15", 150_000, [1_000, 20_000]),
            ("O16", 400_000, NO_SPAN),
            ("O21", 300_000, NO_SPAN),
        ],
        fires: &["O21"],
    },
    Scenario {
        name: "the_order_stream_lies",
        rows: &[
            ("O22", 300_000, NO_SPAN),
            ("O23", 500_000, NO_SPAN),
            ("D15", 300, NO_SPAN),
        ],
        fires: &["O22", "O23", "D15"],
    },
    Scenario {
        name: "the_books_lie",
        rows: &[
            ("O9", 50_000, NO_SPAN),
            ("O24", 50_000, [0, 20_000]),
            ("O25", 100_000, [0, 20_000]),
        ],
        fires: &["O9", "O24"],
    },
    Scenario {
        name: "calls_are_refused_for_a_while",
        rows: &[
            ("O6", 500_000, NO_SPAN),
            ("O7", 100_000, [5_000, 20_000]),
            ("N4", 200_000, [5_000, 20_000]),
            ("N7", 200_000, [10_000, 20_000]),
        ],
        fires: &["O6", "O7", "N4"],
    },
    Scenario {
        name: "calls_lead_elsewhere",
        rows: &[("O30", 150_000, NO_SPAN), ("N3", 30_000, NO_SPAN)],
        fires: &["O30", "N3"],
    },
    Scenario {
        name: "others_act_on_the_account",
        rows: &[
            ("O26", 20_000, NO_SPAN),
            ("O27", 10_000, NO_SPAN),
            ("O28", 20_000, NO_SPAN),
            ("X5", 10_000, NO_SPAN),
        ],
        fires: &["O26", "O27", "X5"],
    },
    Scenario {
        name: "the_broker_takes_in_something_else",
        rows: &[("O33", 500_000, NO_SPAN)],
        fires: &["O33"],
    },
];

/// Rows of the network: `network.rs` plays N8 and N10 in a namespace of its own; these are played nowhere with real
/// sockets, for the reason beside them.
const NETWORK_ROWS: [&str; 2] = [
    "N5 dns (the hosts of a simulated day are addresses)",
    "N9 one silent socket (order stream and feed share the simulator's port; N10 silences both)",
];

impl Scenario {
    fn script(&self) -> Value {
        let rows: Map<String, Value> = self
            .rows
            .iter()
            .map(|(id, ppm, span)| {
                assert!(Fault::of_id(id).is_some(), "{id} is a row of the table");
                let row = match *span {
                    NO_SPAN => json!(ppm),
                    ms => json!({ "ppm": ppm, "ms": ms }),
                };
                ((*id).to_owned(), row)
            })
            .collect();
        json!({ "fault": rows })
    }

    /// Plays the day; what is wrong with how it ended.
    fn play(&self) -> Vec<String> {
        let place = Place::start(Day {
            scripts: vec![self.script()],
            ..Day::default()
        });
        let end = place.play();
        let stats = place.world.stats().broker;
        let mut wrong = Vec::new();
        let mut expect = |is_so: bool, words: String| {
            if !is_so {
                wrong.push(format!("{}: {words}", self.name));
            }
        };
        expect(
            !end.said.contains("(timed out)"),
            format!("it never ended: {end:?}"),
        );
        expect(!end.said.contains("panicked"), format!("a panic: {end:?}"));
        expect(stats.duplicate_tags == 0, "a tag went out twice".to_owned());
        expect(
            sent_twice(&place).is_empty(),
            format!("sent twice: {:?}", sent_twice(&place)),
        );
        expect(
            stats.flips == 0,
            format!("{} fills turned a position over", stats.flips),
        );
        expect(
            stats.client_positions == 0 && end.code == Some(0),
            format!("not flat with exit 0: {} open, {end:?}", stats.client_positions),
        );
        if end.said.lines().any(|line| line.starts_with('{')) {
            let summary = summary_of(&end);
            let identical = &summary["journal"]["replay_identical"];
            expect(identical == true, format!("the replay differs: {summary}"));
        } else {
            expect(false, format!("no summary: {end:?}"));
        }
        for id in self.fires {
            let fault = Fault::of_id(id).expect("a row of the table");
            expect(stats.faults.of(fault) > 0, format!("{id} never fired"));
        }
        expect(
            self.rows.iter().any(|(id, _, _)| fired(&stats.faults, id) > 0),
            "nothing fired".to_owned(),
        );
        let told: Vec<String> = self
            .rows
            .iter()
            .map(|(id, _, _)| format!("{id} {}", fired(&stats.faults, id)))
            .collect();
        println!(
            "{}: exit {:?}, {} orders, {} fills, fired {}",
            self.name,
            end.code,
            stats.orders_seen,
            stats.fills,
            told.join(", ")
        );
        wrong
    }
}

fn fired(counts: &bijli_simulator::FaultCounts, id: &str) -> u64 {
    counts.of(Fault::of_id(id).expect("a row of the table"))
}

/// Tags that were posted more than once, taken in or not.
fn sent_twice(place: &Place) -> Vec<String> {
    let mut tags: Vec<String> = place
        .requests()
        .iter()
        .filter(|request| request["method"] == "POST" && target(request).ends_with("/order/place"))
        .filter_map(|request| {
            let body: Value = serde_json::from_str(request["body"].as_str()?).ok()?;
            body["tag"].as_str().map(str::to_owned)
        })
        .collect();
    tags.sort();
    let twice = tags.windows(2).filter(|pair| pair[0] == pair[1]);
    twice.map(|pair| pair[0].clone()).collect()
}

#[test]
fn every_scenario_ends_in_order_by_the_simulators_ledger() {
    let wanted = std::env::var("BIJLI_SCENARIO").ok();
    let wrong: Vec<String> = SCENARIOS
        .iter()
        .filter(|scenario| wanted.as_deref().is_none_or(|name| name == scenario.name))
        .flat_map(Scenario::play)
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_row_of_the_broker_stands_in_a_scenario_or_is_named_as_left_out() {
    let played: Vec<&str> = SCENARIOS
        .iter()
        .flat_map(|scenario| scenario.rows.iter().map(|(id, _, _)| *id))
        .collect();
    let out: Vec<&str> = FAULTS
        .iter()
        .map(|row| row.id)
        .filter(|id| !played.contains(id))
        .collect();
    // The engine checks the freeze quantity itself (O11), rests no stop on the simulated day (O13), uses neither the
    // broker's slices (O31) nor its exit-all (O32); O34 comes at night; after N1, N2, X1 and X6 a person must act,
    // which `bad_day` plays for tokens.
    assert_eq!(out, ["O11", "O13", "O31", "O32", "O34", "N1", "N2", "X1", "X6"]);
    println!("skipped: {}", NETWORK_ROWS.join(", "));
}
