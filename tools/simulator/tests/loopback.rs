//! The whole simulator over its sockets: handshakes, feed, pacing, orders, stream, end of the day.

mod client;

use bijli_core::{IstDay, Money};
use bijli_feed::upstox::proto::FeedResponse;
use bijli_simulator::{DaySpec, Fault, Faults, RateLimits, SimSettings, Speed, start};
use client::{Rest, enter, keys, next_frame, open, subscribe};
use serde_json::{Value, json};
use tungstenite::Message;

fn settings() -> SimSettings {
    SimSettings {
        day: DaySpec::Synthetic {
            day: IstDay::from_ymd(2026, 7, 31).expect("a real date"),
            instruments: 12,
        },
        rate_limits: RateLimits::Off,
        ..SimSettings::default()
    }
}

fn order(key: &str, side: &str, tag: &str) -> String {
    json!({
        "instrument_token": key, "quantity": 1, "product": "I", "validity": "DAY", "price": 0, "tag": tag,
        "order_type": "MARKET", "transaction_type": side, "disclosed_quantity": 0, "trigger_price": 0,
        "is_amo": false,
    })
    .to_string()
}

fn kind_of(frame: &FeedResponse) -> i32 {
    frame.r#type
}

#[test]
fn the_feed_greets_answers_subscriptions_and_paces_itself_by_pongs() {
    let sim = start(settings()).expect("it starts");
    let all = keys(&sim, "EQ");
    assert_eq!(all.len(), 12);
    let mut feed = enter(&sim, &sim.feed_url);
    let greeting = next_frame(&mut feed).expect("market_info");
    assert_eq!(kind_of(&greeting), 2);
    let statuses = &greeting.market_info.as_ref().expect("segments").segment_status;
    assert_eq!(statuses.get("NSE_EQ"), Some(&2), "normal open");
    assert_eq!(
        sim.stats().ticks_played,
        0,
        "time stands still without a subscription"
    );
    subscribe(&mut feed, &all, "full");
    let snapshot = next_frame(&mut feed).expect("a snapshot");
    assert_eq!((kind_of(&snapshot), snapshot.feeds.len()), (0, 12));
    let begun = snapshot.current_ts;
    // The library answers pings as we read; a reader that stops reading stops time.
    let mut ticks = snapshot.feeds.len() as u64;
    let mut last = begun;
    let mut pings = 0;
    while last < begun + 30_000 {
        match feed.read().expect("the feed lives") {
            Message::Binary(bytes) => {
                let frame: FeedResponse = prost::Message::decode(bytes.as_ref()).expect("protobuf");
                assert_eq!(kind_of(&frame), 1);
                assert!(frame.current_ts >= last, "server time does not step back");
                assert!(
                    frame.current_ts <= begun + (pings + 1) * 1_000,
                    "not a second ahead of the pong"
                );
                last = frame.current_ts;
                ticks += frame.feeds.len() as u64;
            }
            Message::Ping(_) => pings += 1,
            other => panic!("{other:?}"),
        }
    }
    let still = || {
        (0..3)
            .map(|_| {
                std::thread::sleep(std::time::Duration::from_millis(40));
                sim.stats()
            })
            .collect::<Vec<_>>()
    };
    let seen = still();
    assert_eq!(seen[1].now, seen[2].now, "nobody reads, so time stands still");
    assert!(seen[2].ticks_sent >= ticks);
    let stats = sim.stop();
    assert!(!stats.day_done && stats.feed_clients <= 1);
}

#[test]
fn a_used_or_invented_code_is_forbidden_and_a_wrong_token_unauthorised() {
    let sim = start(settings()).expect("it starts");
    assert_eq!(
        open(&sim, &sim.feed_url, Some("wrong")).expect_err("refused").0,
        401
    );
    assert_eq!(open(&sim, &sim.stream_url, None).expect_err("refused").0, 401);
    let (status, location) = open(&sim, &sim.feed_url, Some(&sim.token)).expect_err("redirected");
    let uri = location.expect("a location");
    assert_eq!(status, 302);
    let first = open(&sim, &uri, None).expect("the code opens once");
    assert_eq!(open(&sim, &uri, None).expect_err("refused").0, 403);
    assert_eq!(
        open(&sim, &uri.replace("code=", "code=0"), None)
            .expect_err("refused")
            .0,
        403
    );
    let mut rest = Rest::new(&sim, &sim.api_url);
    let data = rest.get("/v3/feed/market-data-feed/authorize");
    assert_eq!(data["authorized_redirect_uri"], data["authorizedRedirectUri"]);
    let second = open(
        &sim,
        data["authorized_redirect_uri"].as_str().expect("a URI"),
        None,
    )
    .expect("it opens");
    let data = rest.get("/v3/feed/market-data-feed/authorize");
    let third = open(
        &sim,
        data["authorized_redirect_uri"].as_str().expect("a URI"),
        None,
    );
    assert_eq!(third.expect_err("two feeds are the limit").0, 403);
    drop((first, second));
    let mut stranger = Rest::new(&sim, &sim.api_url).with_token("wrong");
    assert_eq!(stranger.call("GET", "/v2/order/retrieve-all", "").0, 401);
}

/// The words that an order which trades at once goes through.
const LADDER: [&str; 5] = [
    "put order req received",
    "validation pending",
    "open pending",
    "open",
    "complete",
];

#[test]
fn an_order_over_rest_is_streamed_traded_and_counted() {
    let sim = start(settings()).expect("it starts");
    let all = keys(&sim, "EQ");
    let mut feed = enter(&sim, &sim.feed_url);
    subscribe(&mut feed, &all, "ltpc");
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < all.len() {
        let frame = next_frame(&mut feed).expect("the feed lives");
        if kind_of(&frame) == 1 {
            seen.extend(frame.feeds.into_keys());
        }
    }
    let mut stream = enter(&sim, &format!("{}?update_types=order%2Cposition", sim.stream_url));
    let (mut orders, mut reads) = (Rest::new(&sim, &sim.order_url), Rest::new(&sim, &sim.api_url));
    let (status, reply) = orders.call("POST", "/v3/order/place", &order(&all[3], "BUY", "T1"));
    assert_eq!(status, 200, "{reply}");
    let id = reply["data"]["order_ids"][0].as_str().expect("an id").to_owned();
    let mut told = Vec::new();
    while told.last().map(String::as_str) != Some("complete") {
        let Message::Text(text) = stream.read().expect("an update") else {
            continue;
        };
        let update: Value = serde_json::from_str(text.as_str()).expect("JSON");
        if update["update_type"] == "order" {
            assert_eq!(
                (update["order_id"].as_str(), update["tag"].as_str()),
                (Some(id.as_str()), Some("T1"))
            );
            told.push(update["status"].as_str().expect("a word").to_owned());
        }
    }
    assert_eq!(told, LADDER);
    let trades = reads.get(&format!("/v2/order/trades?order_id={id}"));
    assert_eq!(
        (trades[0]["quantity"].as_i64(), trades[0]["order_id"].as_str()),
        (Some(1), Some(id.as_str()))
    );
    orders.call("POST", "/v3/order/place", &order(&all[3], "SELL", "T1"));
    let position = &reads.get("/v2/portfolio/short-term-positions")[0];
    assert_eq!(
        (
            position["quantity"].as_i64(),
            position["day_sell_quantity"].as_i64()
        ),
        (Some(0), Some(1))
    );
    let (status, stats) = reads.call("GET", "/sim/stats", "");
    assert_eq!(status, 200);
    assert_eq!(
        (
            stats["orders_seen"].as_u64(),
            stats["duplicate_tags"].as_u64(),
            stats["flat"].as_bool()
        ),
        (Some(2), Some(1), Some(true))
    );
    let (status, error) = reads.call("POST", "/v3/order/place", &order(&all[3], "BUY", "T2"));
    assert_eq!(
        (status, error["errors"][0]["errorCode"].as_str()),
        (404, Some("UDAPI10000"))
    );
}

#[test]
fn a_day_ends_with_a_closed_market_and_every_tick_counted() {
    let sim = start(settings()).expect("it starts");
    let mut all = keys(&sim, "EQ");
    all.extend(keys(&sim, "INDEX"));
    let mut feed = enter(&sim, &sim.feed_url);
    subscribe(&mut feed, &all[..7], "full");
    subscribe(&mut feed, &all[7..], "option_greeks");
    let (mut ticks, mut frames, mut last) = (0, 0, None);
    while let Some(frame) = next_frame(&mut feed) {
        ticks += frame.feeds.len() as u64;
        frames += 1;
        last = Some(frame);
    }
    let last = last.expect("frames came");
    assert_eq!(kind_of(&last), 2);
    assert_eq!(
        last.market_info.expect("segments").segment_status.get("NSE_EQ"),
        Some(&3),
        "normal close"
    );
    let stats = sim.stats();
    assert!(stats.day_done);
    assert_eq!((stats.ticks_sent, stats.frames_sent), (ticks, frames));
    assert_eq!(
        stats.ticks_played + all.len() as u64,
        ticks,
        "every tick of the day and one snapshot each"
    );
    assert_eq!(stats.now.to_string(), "2026-07-31 15:31:00");
    let mut late = enter(&sim, &sim.feed_url);
    let greeting = next_frame(&mut late).expect("market_info");
    assert_eq!(
        greeting
            .market_info
            .expect("segments")
            .segment_status
            .get("NSE_EQ"),
        Some(&3)
    );
    assert!(next_frame(&mut late).is_none(), "and the close");
}

#[test]
fn a_client_that_dies_leaves_the_market_standing_for_the_next() {
    let sim = start(settings()).expect("it starts");
    let all = keys(&sim, "EQ");
    let mut feed = enter(&sim, &sim.feed_url);
    subscribe(&mut feed, &all, "full");
    for _ in 0..50 {
        next_frame(&mut feed).expect("the feed lives");
    }
    drop(feed);
    while sim.stats().feed_clients > 0 {
        std::thread::yield_now();
    }
    let stood = sim.stats();
    let mut orders = Rest::new(&sim, &sim.order_url);
    orders.call("POST", "/v3/order/place", &order(&all[0], "BUY", "T1"));
    assert_eq!(sim.stats().now, stood.now, "time stands still");
    let mut feed = enter(&sim, &sim.feed_url);
    subscribe(&mut feed, &all, "full");
    next_frame(&mut feed).expect("market_info");
    let snapshot = next_frame(&mut feed).expect("a snapshot");
    assert_eq!(snapshot.current_ts * 1_000_000, stood.now.get());
    assert!(
        next_frame(&mut feed).is_some_and(|frame| kind_of(&frame) == 1),
        "and time goes on"
    );
}

#[test]
fn faults_on_the_wire_close_connections_and_lose_updates_but_never_the_ledger() {
    let faults = Faults::NONE.with(Fault::ReplyLost, 1_000_000);
    let sim = start(SimSettings {
        faults,
        capital: Money::from_rupees(1_000_000),
        ..settings()
    })
    .expect("it starts");
    let all = keys(&sim, "EQ");
    let request = order(&all[0], "BUY", "T1");
    let reply = Rest::new(&sim, &sim.order_url).attempt("POST", "/v3/order/place", &request);
    assert_eq!(reply, None, "no reply comes");
    let found = Rest::new(&sim, &sim.api_url).get("/v2/order/history?tag=T1");
    assert!(
        found.as_array().is_some_and(|rows| !rows.is_empty()),
        "yet the order exists"
    );
    assert_eq!(sim.stats().broker.faults.of(Fault::ReplyLost), 1);
}

#[test]
fn a_scaled_clock_runs_without_anybody_listening() {
    let sim = start(SimSettings {
        speed: Speed::Times(10_000.0),
        ..settings()
    })
    .expect("it starts");
    while !sim.stats().day_done {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let stats = sim.stop();
    assert!(stats.ticks_played > 10_000);
    assert_eq!(stats.ticks_sent, 0);
}

#[test]
fn what_cannot_be_served_is_refused_at_the_start() {
    let outside = SimSettings {
        bind: "0.0.0.0:0".parse().expect("an address"),
        ..settings()
    };
    assert!(
        start(outside)
            .expect_err("refused")
            .to_string()
            .contains("loopback")
    );
    for speed in [0.0, -1.0, f64::NAN] {
        let error = start(SimSettings {
            speed: Speed::Times(speed),
            ..settings()
        })
        .expect_err("refused");
        assert!(error.to_string().contains("speed"), "{error}");
    }
    let sim = start(settings()).expect("it starts");
    let mut rest = Rest::new(&sim, &sim.api_url);
    assert_eq!(rest.call("GET", "/v2/orders/details", "").0, 404);
    assert_eq!(rest.raw("GET", "/x HTTP/9\r\n\r\n", "").0, 400);
}

#[test]
fn a_day_that_turns_out_damaged_ends_the_feed_and_says_why() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let frame = |second: u32, ltp: &str| {
        format!(
            "{{\"fullFeed\":{{\"marketFF\":{{\"ltpc\":{{\"ltp\":{ltp},\"ltt\":\"1765771374077\"}}}}}},\
             \"instrumentKey\":\"NSE_EQ|X\",\"_insertion_time\":\"2025-12-15 09:32:{second}\"}}"
        )
    };
    let text = format!(
        "[\n{},\n{},\n{}\n]",
        frame(50, "10.0"),
        frame(51, "10.5"),
        frame(55, "\"oops\"")
    );
    let file = std::fs::File::create(directory.path().join("NSE_EQ_X.json.gz")).expect("a file");
    let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, text.as_bytes()).expect("it is written");
    packer.finish().expect("it is written");
    let sim = start(SimSettings {
        day: DaySpec::Path(directory.path().to_owned()),
        ..settings()
    })
    .expect("the start of the day is sound");
    let mut feed = enter(&sim, &sim.feed_url);
    subscribe(&mut feed, &["NSE_EQ|X".to_owned()], "full");
    while next_frame(&mut feed).is_some() {}
    let stats = sim.stats();
    let error = stats.day_error.expect("the damage is told");
    assert!(error.contains("NSE_EQ_X.json.gz, line 4, column "), "{error}");
    assert!(!stats.day_done);
}
