//! The feed client over several sockets, and two feeds as one, against the simulator.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bijli_core::event::FeedState;
use bijli_core::instrument::InstrumentKind;
use bijli_core::{DurationNs, Instrument, InstrumentId, IstDay, Price, Qty, SectorId, TsNs, text::Text};
use bijli_feed::arbiter::{ArbiterSettings, Source};
use bijli_feed::feed_note::FeedNote;
use bijli_feed::liveness::MarketHours;
use bijli_feed::planner::capacity::{AccountPlan, Capacity, LimitScope};
use bijli_feed::socket::everything;
use bijli_feed::source::{FailoverSource, FeedSource, SourceOutput, UpstoxSource};
use bijli_feed::upstox::message;
use bijli_feed::{FeedClient, FeedOutput, FeedSettings, KeyIndex, Mode, TokenHandle};
use bijli_simulator::{DaySpec, RunningSimulator, SimSettings, Speed, day, start};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(90);

fn spec(instruments: u32) -> DaySpec {
    let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
    DaySpec::Synthetic { day, instruments }
}

fn simulator(settings: SimSettings) -> RunningSimulator {
    start(settings).expect("it starts")
}

/// Everything that the day quotes.
fn keys(spec: &DaySpec) -> Vec<String> {
    let source = day::open(spec, 1).expect("invented days open");
    source
        .info()
        .instruments
        .iter()
        .map(|row| row.key.clone())
        .collect()
}

fn client(sim: &RunningSimulator, keys: &[String], sockets: usize) -> FeedClient {
    FeedClient::new(FeedSettings {
        url: sim.feed_url.clone(),
        token: TokenHandle::fixed(sim.token.clone()),
        extra_root_pem: sim.ca_pem.clone(),
        wants: everything(keys.len(), Mode::Full),
        keys: keys.to_vec(),
        capacity: Capacity::of(AccountPlan::Normal, LimitScope::Account).with_sockets_at_most(sockets),
        busy_poll: false,
        jitter_seed: 1,
        batch: 100,
        mute_after: DurationNs::from_secs(3),
        hours: MarketHours::UNKNOWN,
    })
    .expect("a client")
}

fn table(keys: &[String]) -> Vec<Instrument> {
    let rows = keys.iter().zip(0..).map(|(key, id)| Instrument {
        id: InstrumentId::new(id),
        kind: InstrumentKind::Equity,
        underlying: InstrumentId::new(id),
        tick: Price::from_paise(5),
        lot: Qty::new(1),
        freeze: Qty::new(100_000),
        prev_close: Price::NONE,
        expiry: IstDay::default(),
        strike: Price::NONE,
        lower_band: Price::NONE,
        upper_band: Price::NONE,
        sector: SectorId::OTHER,
        key: Text::new(key).expect("it fits"),
        symbol: Text::EMPTY,
    });
    rows.collect()
}

#[test]
fn two_hundred_and_eight_symbols_are_all_heard_over_one_socket_and_over_two() {
    let spec = spec(206);
    let keys = keys(&spec);
    assert_eq!(keys.len(), 208);
    for sockets in [1, 2] {
        let sim = simulator(SimSettings {
            day: spec.clone(),
            speed: Speed::Times(1.0),
            ..SimSettings::default()
        });
        let mut feed = client(&sim, &keys, sockets);
        let (begun, mut states) = (Instant::now(), Vec::new());
        while (feed.counters().seen as usize) < keys.len() {
            let now = sim
                .day
                .at(DurationNs::from_hm(9, 15))
                .plus(DurationNs::new(begun.elapsed().as_nanos() as i64));
            feed.poll(now, Some(Duration::from_millis(1)), &mut |output| {
                if let FeedOutput::State(state) = output {
                    states.push(state);
                }
            });
            assert!(begun.elapsed() < PATIENCE, "{:?}", feed.counters());
        }
        let counters = feed.counters();
        assert_eq!((counters.subscribed, counters.never_seen), (208, 0));
        assert_eq!(states, [FeedState::Live], "told once, when every socket is live");
        let wanted: Vec<usize> = feed.sessions().map(bijli_feed::Session::wanted).collect();
        assert_eq!(wanted, if sockets == 1 { vec![208] } else { vec![104, 104] });
        // For the reader; how fast this machine is today is not for a test to judge.
        println!(
            "208 symbols over {sockets} sockets: all heard {} us after the last socket was open",
            counters.subscribed_after.get() / 1_000
        );
    }
}

#[test]
fn half_of_the_keys_never_seen_are_asked_for_again_and_named() {
    let spec = spec(12);
    let keys = keys(&spec);
    let sim = simulator(SimSettings {
        day: spec,
        speed: Speed::Times(1.0),
        scripts: vec![json!({ "never_seen": "half" })],
        ..SimSettings::default()
    });
    let mut feed = client(&sim, &keys, 1);
    let (begun, mut notes, mut skipped) = (Instant::now(), Vec::new(), 0);
    let is_verdict = |note: &FeedNote| matches!(note, FeedNote::NeverSeen { .. });
    while !notes.iter().any(is_verdict) {
        // Time is skipped once something has come, so that nobody waits ten seconds for the verdict.
        if feed.counters().seen > 0 {
            skipped += 20;
        }
        let now = TsNs::new(1_785_470_000_000_000_000)
            .plus(DurationNs::new(begun.elapsed().as_nanos() as i64))
            .plus(DurationNs::from_millis(skipped));
        feed.poll(now, Some(Duration::from_millis(1)), &mut |output| {
            if let FeedOutput::Note(note) = output {
                notes.push(note);
            }
        });
        assert!(begun.elapsed() < PATIENCE, "{notes:?}");
    }
    let never: Vec<&str> = feed.never_seen().collect();
    assert_eq!(never.len(), 7);
    assert!(notes.contains(&FeedNote::AskedAgain { keys: 7 }), "{notes:?}");
    assert_eq!((feed.counters().seen, feed.counters().never_seen), (7, 7));
}

#[test]
fn another_aim_is_asked_for_on_the_open_sockets_and_what_is_not_wanted_falls_silent() {
    let spec = spec(12);
    let keys = keys(&spec);
    let sim = simulator(SimSettings {
        day: spec,
        speed: Speed::Times(20.0),
        ..SimSettings::default()
    });
    let index = KeyIndex::new(&table(&keys));
    let mut feed = client(&sim, &keys, 2);
    let all = everything(keys.len(), Mode::Full);
    let (begun, mut heard) = (Instant::now(), BTreeSet::new());
    let poll = |feed: &mut FeedClient, heard: &mut BTreeSet<u32>| {
        let elapsed = DurationNs::new(begun.elapsed().as_nanos() as i64);
        let now = TsNs::new(1_785_470_000_000_000_000).plus(elapsed);
        feed.poll(now, Some(Duration::from_millis(1)), &mut |output| {
            if let FeedOutput::Frame(frame) = output {
                message::decode(frame, &index, &mut |id, _| {
                    heard.insert(id.get());
                })
                .expect("a sound frame");
            }
        });
        assert!(begun.elapsed() < PATIENCE, "{:?}", feed.counters());
        now
    };
    let now = loop {
        let now = poll(&mut feed, &mut heard);
        if feed.counters().seen == 14 {
            break now;
        }
    };
    feed.aim(now, &all[..5]).expect("good keys");
    // Rounds of half a second until one brings the five alone: what was under way comes first.
    loop {
        heard.clear();
        let round = Instant::now();
        while round.elapsed() < Duration::from_millis(500) {
            poll(&mut feed, &mut heard);
        }
        if !heard.is_empty() && heard.iter().all(|id| *id < 5) {
            break;
        }
    }
    assert_eq!((feed.counters().subscribed, feed.state()), (5, FeedState::Live));
    let now = poll(&mut feed, &mut heard);
    feed.aim(now, &all).expect("good keys");
    while heard.len() < 14 {
        poll(&mut feed, &mut heard);
    }
    assert_eq!(feed.counters().reconnects, 0, "all of it on the open sockets");
}

#[test]
fn when_the_primary_feed_goes_mute_the_backup_carries_on_and_gives_back_later() {
    let spec = spec(30);
    let keys = keys(&spec);
    let of = |scripts| {
        simulator(SimSettings {
            day: spec.clone(),
            speed: Speed::Times(4.0),
            scripts,
            ..SimSettings::default()
        })
    };
    let primary = of(vec![
        json!({ "at": "09:15:20", "mute_feed": true }),
        json!({ "at": "09:15:40", "mute_feed": false }),
    ]);
    let backup = of(Vec::new());
    let source = |sim: &RunningSimulator, name| {
        Box::new(UpstoxSource::new(
            name,
            client(sim, &keys, 1),
            &table(&keys),
            sim.day,
        ))
    };
    let settings = ArbiterSettings {
        well_for: DurationNs::from_secs(4),
        ..ArbiterSettings::default()
    };
    let mut feed = FailoverSource::new(
        source(&primary, "first"),
        source(&backup, "second"),
        settings,
        keys.len(),
    );
    assert_eq!(feed.name(), "first with second");
    let mut newest: BTreeMap<u32, (TsNs, Qty)> = BTreeMap::new();
    let (begun, mut in_charge, mut passed) = (Instant::now(), vec![Source::Primary], 0_u64);
    while in_charge.len() < 3 || primary.stats().now < primary.day.at(DurationNs::from_hm(9, 16)) {
        // Both venues play the same day at the same speed; ours is the later clock of the two.
        let now = primary.stats().now.max(backup.stats().now);
        feed.poll(now, Some(Duration::from_millis(1)), &mut |output| {
            let SourceOutput::Tick(tick) = output else { return };
            passed += 1;
            if tick.flags.is_sound() {
                let known = newest.entry(tick.instrument.get()).or_default();
                assert!(tick.ts_event >= known.0, "trade time steps back");
                assert!(tick.volume >= known.1, "volume steps back");
                *known = (tick.ts_event, tick.volume);
            }
        });
        if in_charge.last() != Some(&feed.in_charge()) {
            in_charge.push(feed.in_charge());
        }
        assert!(begun.elapsed() < PATIENCE, "{in_charge:?} at {now}");
    }
    assert!(in_charge.contains(&Source::Backup), "{in_charge:?}");
    let counts = [Source::Primary, Source::Backup].map(|source| feed.counts(source));
    assert_eq!(counts.map(|counts| counts.passed).iter().sum::<u64>(), passed);
    assert!(counts[1].passed > 0, "the backup carried the feed for a while");
    assert!(
        counts[1].first > 0,
        "and was the first to tell while the other was mute"
    );
}
