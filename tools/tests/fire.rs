//! Scenarios by name against the real binary over loopback: compressed days under the rows of the fault catalogue.
//!
//! The oracle is the simulator's own ledger: no tag twice, no exit that turns a position over, flat at the end or
//! exit 6 with words, and a journal that replays to the same commands. Each day has several rows, so that all of them
//! take little time; each strikes the first occasion after a time of the day for sure, so that a row that did not fire
//! had no occasion, and fails its day by name. Days are made so that occasions come (see `lively`). Packets are delayed and lost in `network.rs`.

mod world;

#[path = "bad_day/place.rs"]
#[allow(
    dead_code,
    reason = "shared with the scripts of a bad day, which use all of it"
)]
mod place;

use bijli_simulator::broker::faults::{Drawn, FAULTS, Fault};
use serde_json::{Map, Value, json};

use crate::place::{Day, Place, summary_of, target};

/// A day under fire.
struct Scenario {
    name: &'static str,
    /// Added to the engine's configuration: what makes the occasions.
    config: &'static str,
    /// Rows with their chance in parts per million and their length in milliseconds, least and most; a length of
    /// zero leaves what the table says. From [`SURE_FROM`] each strikes its first [`SURE`] occasions whatever its chance.
    rows: &'static [(&'static str, u32, [i64; 2])],
}

const NO_SPAN: [i64; 2] = [0, 0];
/// Occasions of each row that are struck for sure. Two entries presumed absent bar all others for the day, so rows whose
/// calls are not carried out strike by nothing else (chance 0) where others need further entries.
const SURE: u32 = 1;
/// When: the engine has traded, and most of the day is left.
const SURE_FROM: &str = "10:00";

/// Signals come early and often, positions are small and short, and no loss ends the day: enough orders for each row.
macro_rules! lively {
    () => {
        "[strategy]\nscore_min = 0.25\nstop_loss_pct = 0.3\ntake_profit_pct = 0.4\ntrail_pct = 0.2\n\
        [risk]\nmax_positions = 20\nposition_value_pct = 3\ncooldown_s = 1\nentries_per_day_max = 50\nentries_per_minute_max = 1\n\
        orders_per_day_max = 600\ntrades_per_day_max = 400\nrepeat_entries_max = 250\nloss_streak_max = 250\n\
        daily_loss_pct = 50\ndrawdown_pct = 50\n"
    };
}
const LIVELY: &str = lively!();
/// The same with a stop at the broker behind each position: it rests there, is moved, becomes the exit, is cancelled.
const LIVELY_WITH_STOPS: &str = concat!(
    lively!(),
    "[orders]\nprotective_stop = \"broker\"\nprotective_gap_pct = 0.01\n"
);

const SCENARIOS: [Scenario; 10] = [
    Scenario {
        name: "replies_are_lost_late_or_wrong",
        config: LIVELY,
        rows: &[
            ("O2", 100_000, NO_SPAN),
            ("O3", 50_000, [3_000, 10_000]),
            ("O4", 50_000, NO_SPAN),
            ("O5", 0, NO_SPAN),
            ("O8", 50_000, NO_SPAN),
        ],
    },
    Scenario {
        name: "orders_are_rejected_late_or_wait_or_taken_in_otherwise",
        config: LIVELY,
        rows: &[
            ("O10", 100_000, [10, 20_000]),
            ("O11", 50_000, NO_SPAN),
            ("O12", 100_000, NO_SPAN),
            ("O14", 100_000, [1_000, 20_000]),
            ("O33", 100_000, NO_SPAN),
        ],
    },
    Scenario {
        name: "stops_die_are_purged_and_cannot_be_changed_and_cancels_come_too_late",
        config: LIVELY_WITH_STOPS,
        rows: &[
            ("O13", 100_000, NO_SPAN),
            ("O17", 200_000, NO_SPAN),
            ("O18", 100_000, NO_SPAN),
            ("O19", 100_000, NO_SPAN),
            ("O20", 100_000, NO_SPAN),
            ("O28", 10_000, NO_SPAN),
            ("O37", 100_000, NO_SPAN),
        ],
    },
    Scenario {
        name: "fills_are_phantoms_partial_or_doubled",
        config: LIVELY,
        rows: &[
            ("O15", 50_000, [1_000, 20_000]),
            ("O16", 200_000, NO_SPAN),
            ("O21", 200_000, NO_SPAN),
        ],
    },
    Scenario {
        name: "the_order_stream_lies",
        config: LIVELY,
        rows: &[
            ("O22", 300_000, NO_SPAN),
            ("O23", 300_000, NO_SPAN),
            ("D15", 300, NO_SPAN),
        ],
    },
    Scenario {
        name: "the_books_lie",
        config: LIVELY,
        rows: &[
            ("O9", 50_000, NO_SPAN),
            ("O24", 50_000, [0, 20_000]),
            ("O25", 100_000, [0, 20_000]),
        ],
    },
    Scenario {
        name: "calls_are_refused_for_a_while",
        config: LIVELY,
        rows: &[
            ("O6", 50_000, NO_SPAN),
            ("O7", 20_000, [5_000, 20_000]),
            ("N4", 20_000, [5_000, 20_000]),
            ("N7", 20_000, [10_000, 20_000]),
        ],
    },
    Scenario {
        name: "calls_lead_elsewhere",
        config: LIVELY,
        rows: &[("O30", 0, NO_SPAN), ("N3", 10_000, NO_SPAN)],
    },
    Scenario {
        name: "others_act_on_the_account",
        config: LIVELY,
        rows: &[
            ("O26", 20_000, NO_SPAN),
            ("O27", 10_000, NO_SPAN),
            ("X1", 0, [60_000, 120_000]),
            ("X5", 10_000, NO_SPAN),
        ],
    },
    Scenario {
        name: "a_trade_is_taken_back",
        config: LIVELY,
        rows: &[("X6", 0, NO_SPAN)],
    },
];

/// Rows of the network: `network.rs` plays N8 and N10 in a namespace of its own; these are played nowhere with real
/// sockets, for the reason beside them.
const NETWORK_ROWS: [&str; 2] = [
    "N5 dns (the hosts of a simulated day are addresses)",
    "N9 one silent socket (order stream and feed share the simulator's port; N10 silences both)",
];

impl Scenario {
    /// Chances from the start, but for those of order calls, which begin with the sure strikes: entries that are lost
    /// while the broker's book is still empty bar all others, for an empty book proves nothing absent.
    fn scripts(&self) -> Vec<Value> {
        let rows = |is_sure: bool| -> Map<String, Value> {
            let row = |(id, ppm, span): &(&str, u32, [i64; 2])| {
                let fault = Fault::of_id(id).expect("a row of the table");
                let mut row = match is_sure {
                    true => json!({ "ppm": ppm, "first": SURE }),
                    false if fault.row().drawn == Drawn::OrderCall => return None,
                    false => json!({ "ppm": ppm }),
                };
                if *span != NO_SPAN {
                    row["ms"] = json!(span);
                }
                Some(((*id).to_owned(), row))
            };
            self.rows.iter().filter_map(row).collect()
        };
        vec![
            json!({ "fault": rows(false) }),
            json!({ "at": SURE_FROM, "fault": rows(true) }),
        ]
    }

    /// Plays the day; what is wrong with how it ended.
    fn play(&self) -> Vec<String> {
        let place = Place::start(Day {
            scripts: self.scripts(),
            config: self.config,
            instruments: 30,
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
        for (id, _, _) in self.rows {
            let count = fired(&stats.faults, id);
            expect(
                count >= u64::from(SURE),
                format!("{id} fired {count} times: what should occasion it never came"),
            );
        }
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
    // Why: FAULTS.md, section 3.
    assert_eq!(out, ["O31", "O32", "O34", "N1", "N2"]);
    println!("skipped: {}", NETWORK_ROWS.join(", "));
}
