//! One seed is one day: the bytes that a subscriber would be sent, hashed over the whole day.

use std::hash::Hasher;

use bijli_core::{DurationNs, IstDay, Money};
use bijli_simulator::broker::{Broker, BrokerOptions, BrokerSettings};
use bijli_simulator::play::Player;
use bijli_simulator::{DaySpec, Faults, RateLimits, day};
use serde_json::json;

/// Hash and length of everything sent to one client that subscribes to all, and the count of feed entries.
fn played(seed: u64, instruments: u32) -> (u64, u64, u64) {
    let date = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    let spec = DaySpec::Synthetic {
        day: date,
        instruments,
    };
    let mut player = Player::new(day::open(&spec, seed).expect("invented")).expect("a first tick");
    let settings = BrokerSettings {
        capital: Money::from_rupees(100_000),
        seed,
        faults: Faults::NONE,
        rate_limits: RateLimits::Off,
        exchange_delay: DurationNs::ZERO,
        options: BrokerOptions::default(),
    };
    let mut broker = Broker::new(player.info(), settings);
    let keys: Vec<String> = player
        .info()
        .instruments
        .iter()
        .map(|row| row.key.clone())
        .collect();
    player.join(0);
    let request = json!({ "guid": "1", "method": "sub", "data": { "mode": "full", "instrumentKeys": keys } });
    player.handle_request(0, request.to_string().as_bytes());
    let (mut hasher, mut bytes) = (twox_hash::XxHash64::with_seed(0), 0);
    while !player.is_done() {
        player.play_window(&mut broker).expect("invented days are sound");
        let outbox = player.subscriber(0).expect("it joined").outbox();
        hasher.write(outbox);
        bytes += outbox.len() as u64;
        outbox.clear();
    }
    (hasher.finish(), bytes, player.sent().0)
}

#[test]
fn the_same_seed_sends_the_same_bytes_and_another_seed_others() {
    let first = played(1, 20);
    assert_eq!(first, played(1, 20));
    assert_ne!(first.0, played(2, 20).0);
}

#[test]
fn the_default_day_has_its_size() {
    let begun = std::time::Instant::now();
    let (_, bytes, ticks) = played(1, 180);
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{ticks} entries, {bytes} bytes, {:.0} entries/s encoded without sockets",
        ticks as f64 / seconds
    );
    assert!((1_000_000..1_600_000).contains(&ticks), "{ticks}");
}
