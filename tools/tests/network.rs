//! Scenarios by name against the real binary in a network namespace of its own, whose packets the kernel delays, loses
//! or swallows.
//!
//! The test starts itself again inside `unshare --net` (as root, or as root of a user namespace): simulator and engine
//! speak over that namespace's loopback, where `tc` and `nft` are at work. One day has every trouble in turn, and the
//! oracle is the simulator's ledger: no tag twice, flat by the broker's word, a journal that replays to the same
//! commands. A scenario whose means a machine lacks is named as skipped, with the reason; one whose packets were not
//! touched fails. Rows: N8 (jitter, loss), N10 (nothing passes either way, which is N9 for every socket at once).

mod namespace;
mod world;

#[path = "bad_day/place.rs"]
#[allow(
    dead_code,
    reason = "shared with the scripts of a bad day, which use all of it"
)]
mod place;

use std::time::Duration;

use serde_json::Value;

use crate::namespace::{BUSY, is_inside, play_inside, shell};
use crate::place::{Day, Place, stop};

/// What the network does for a while.
struct Trouble {
    name: &'static str,
    /// Commands of which the first that works is used: not every kernel has `netem`. Each with the one that ends it and
    /// the one that tells how many packets it met.
    means: &'static [Means],
    length: Duration,
}

struct Means {
    begin: &'static str,
    end: &'static str,
    /// Prints a text in which the word before the count of packets stands.
    told: (&'static str, &'static str),
}

const TC_END: &str = "tc qdisc del dev lo root";
const TC_SENT: (&str, &str) = ("tc -s qdisc show dev lo", "bytes");
const TC_DROPPED: (&str, &str) = ("tc -s qdisc show dev lo", "(dropped");
const NFT_END: &str = "nft delete table inet bijli";
const NFT_DROPPED: (&str, &str) = ("nft list table inet bijli", "packets");

const TROUBLES: [Trouble; 4] = [
    Trouble {
        name: "N8 200 ms of jitter",
        means: &[Means {
            begin: "tc qdisc add dev lo root netem delay 100ms 100ms",
            end: TC_END,
            told: TC_SENT,
        }],
        length: Duration::from_secs(10),
    },
    Trouble {
        name: "N8 a narrow line with up to 200 ms of queue",
        means: &[Means {
            begin: "tc qdisc add dev lo root tbf rate 2mbit burst 4000 latency 200ms",
            end: TC_END,
            told: TC_SENT,
        }],
        length: Duration::from_secs(10),
    },
    Trouble {
        name: "N8 one packet in twenty is lost",
        means: &[
            Means {
                begin: "tc qdisc add dev lo root netem loss 5%",
                end: TC_END,
                told: TC_DROPPED,
            },
            Means {
                begin: "nft 'add table inet bijli; add chain inet bijli in { type filter hook input priority 0 ; }; \
                        add rule inet bijli in meta l4proto tcp numgen random mod 100 < 5 counter drop'",
                end: NFT_END,
                told: NFT_DROPPED,
            },
        ],
        length: Duration::from_secs(10),
    },
    Trouble {
        name: "N10 nothing passes for 15 s",
        means: &[
            Means {
                begin: "tc qdisc add dev lo root netem loss 100%",
                end: TC_END,
                told: TC_DROPPED,
            },
            Means {
                begin: "nft 'add table inet bijli; add chain inet bijli in { type filter hook input priority 0 ; }; \
                        add rule inet bijli in meta l4proto tcp counter drop'",
                end: NFT_END,
                told: NFT_DROPPED,
            },
        ],
        length: Duration::from_secs(15),
    },
];

const TEST: &str = "a_day_over_a_network_that_delays_loses_and_swallows_doubles_nothing_and_ends_flat";
#[test]
fn a_day_over_a_network_that_delays_loses_and_swallows_doubles_nothing_and_ends_flat() {
    if is_inside() {
        play();
    } else if let Err(why) = play_inside("net", "ip link set lo up", TEST) {
        for trouble in &TROUBLES {
            println!("skipped (no network namespace: {why}): {}", trouble.name);
        }
    }
}

fn play() {
    shell("ip link set lo up mtu 1500").expect("tried outside");
    let place = Place::start(Day {
        config: BUSY,
        ..Day::default()
    });
    let engine = place.world.spawn_engine();
    let orders_seen = || place.world.stats().broker.orders_seen;
    place.until_seen("orders", |_| orders_seen() >= 3);
    let mut played = 0;
    for trouble in &TROUBLES {
        match begin(trouble) {
            Err(why) => println!("skipped ({why}): {}", trouble.name),
            Ok(means) => {
                let before = orders_seen();
                std::thread::sleep(trouble.length);
                let packets = count_after(means.told);
                shell(means.end).expect("it was begun");
                place.until(trouble.name, is_well);
                let meanwhile = orders_seen() - before;
                place.until_seen("an order after it", |_| orders_seen() > before + meanwhile);
                println!(
                    "{}: {packets} packets met it, {meanwhile} orders until all was well again",
                    trouble.name
                );
                assert!(packets > 0, "{}: no packet met it", trouble.name);
                played += 1;
            }
        }
    }
    if played == 0 {
        return;
    }
    let run_dir = place.world.run_dir().display().to_string();
    let killed = place
        .world
        .bijli(&["ctl", "kill", "--wait", "60", "--dir", &run_dir]);
    assert_eq!(
        killed.status.code(),
        Some(0),
        "flat by the broker's word: {killed:?}"
    );
    let end = stop(engine);
    assert_eq!(end.code, Some(0), "{end:?}");
    let stats = place.world.stats().broker;
    let ledger = (stats.duplicate_tags, stats.client_positions, stats.flips);
    assert_eq!(ledger, (0, 0, 0), "the broker's ledger");
    assert!(stats.fills > 0, "a day without a fill proves nothing");
    let replayed = place
        .world
        .bijli(&["replay", place.world.journal(), "--verify", "--json"]);
    let replayed: Value = serde_json::from_slice(&replayed.stdout).expect("one JSON object");
    assert_eq!(replayed["identical"], true, "{replayed}");
}

/// The feed is live again, and the books agree.
fn is_well(state: &Value) -> bool {
    state["feed"]["state"] == "LIVE" && state["mode"] == "ACTIVE"
}

/// Begins a trouble by the first means that this machine has; why by none.
fn begin(trouble: &Trouble) -> Result<&'static Means, String> {
    let mut whys = Vec::new();
    for means in trouble.means {
        match shell(means.begin) {
            Ok(_) => return Ok(means),
            Err(why) => whys.push(why),
        }
    }
    Err(whys.join("; "))
}

/// The number after a word in what a command prints; 0 without one.
fn count_after((command, word): (&str, &str)) -> u64 {
    let said = shell(command).unwrap_or_default();
    let mut words = said.split_whitespace().skip_while(|found| *found != word).skip(1);
    let number = words.next().unwrap_or_default();
    number
        .trim_matches(|c: char| !c.is_ascii_digit())
        .parse()
        .unwrap_or(0)
}
