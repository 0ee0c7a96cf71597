//! Socket handshakes, limits and messages under the options that decide them.

use bijli_core::{IstDay, Money};
use bijli_feed::upstox::proto::{Feed, FeedResponse, feed, full_feed};
use bijli_simulator::{DaySpec, RateLimits, RunningSimulator, SimSettings, Transport, start};
use serde_json::{Value, json};
use tungstenite::Message;

use crate::client::{Rest, Socket, enter, keys, next_frame, open, subscribe};

/// A simulator of a day of July, or of a later one that has a closing auction.
fn simulator(options: &[&str], (month, date): (u32, u32)) -> RunningSimulator {
    let day = IstDay::from_ymd(2026, month, date).expect("a real date");
    let mut settings = SimSettings {
        day: DaySpec::Synthetic { day, instruments: 60 },
        rate_limits: RateLimits::Off,
        transport: Transport::Plain,
        capital: Money::from_rupees(1_000_000),
        ..SimSettings::default()
    };
    for option in options {
        settings.options.set(option).expect("an option");
    }
    start(settings).expect("it starts")
}

fn july(options: &[&str]) -> RunningSimulator {
    simulator(options, (7, 31))
}

fn ask(socket: &mut Socket, method: &str, mode: Option<&str>, keys: &[String]) {
    let mut request = json!({ "guid": "g", "method": method, "data": { "instrumentKeys": keys } });
    if let Some(mode) = mode {
        request["data"]["mode"] = mode.into();
    }
    let bytes = request.to_string().into_bytes();
    socket.send(Message::binary(bytes)).expect("it is sent");
}

/// Frames until one holds an entry.
fn with_entries(socket: &mut Socket) -> FeedResponse {
    loop {
        let frame = next_frame(socket).expect("the feed lives");
        if !frame.feeds.is_empty() {
            return frame;
        }
    }
}

fn levels_and_auction(feed: &Feed) -> (usize, bool) {
    match feed.feed_union.as_ref().expect("an entry") {
        feed::FeedUnion::FullFeed(full) => match full.full_feed_union.as_ref().expect("a market") {
            full_feed::FullFeedUnion::MarketFf(market) => (
                market
                    .market_level
                    .as_ref()
                    .map_or(0, |book| book.bid_ask_quote.len()),
                market.cas_eligible,
            ),
            full_feed::FullFeedUnion::IndexFf(_) => (0, false),
        },
        _ => panic!("no full entry"),
    }
}

#[test]
fn each_mode_has_its_own_member_and_ltpc_is_the_default() {
    let sim = july(&["plus_plan=true"]);
    let all = keys(&sim, "EQ");
    let mut feed = enter(&sim, &sim.feed_url);
    for (mode, member, number) in [
        (None, "ltpc", 0),
        (Some("ltpc"), "ltpc", 0),
        (Some("full"), "full 5", 1),
        (Some("option_greeks"), "first level", 2),
        (Some("full_d30"), "full 30", 3),
    ] {
        ask(&mut feed, "sub", mode, &all[..1]);
        let entry = loop {
            let frame = with_entries(&mut feed);
            if frame.r#type == 0 {
                break frame.feeds[&all[0]].clone();
            }
        };
        let seen = match entry.feed_union.as_ref().expect("an entry") {
            feed::FeedUnion::Ltpc(_) => "ltpc".to_owned(),
            feed::FeedUnion::FullFeed(_) => format!("full {}", levels_and_auction(&entry).0),
            feed::FeedUnion::FirstLevelWithGreeks(_) => "first level".to_owned(),
        };
        // Before the first tick the book is empty; live entries follow below.
        let seen = if seen == "full 0" { member.to_owned() } else { seen };
        assert_eq!((seen.as_str(), entry.request_mode), (member, number));
    }
    let live = loop {
        let frame = with_entries(&mut feed);
        if frame.r#type == 1 && frame.feeds[&all[0]].request_mode == 3 {
            break frame;
        }
    };
    assert_eq!(levels_and_auction(&live.feeds[&all[0]]).0, 30);
    ask(&mut feed, "change_mode", Some("ltpc"), &all[..1]);
    while with_entries(&mut feed).feeds[&all[0]].request_mode != 0 {}
    ask(&mut feed, "unsub", None, &all[..1]);
    ask(&mut feed, "sub", Some("ltpc"), &all[1..2]);
    while !with_entries(&mut feed).feeds.contains_key(&all[1]) {}
    for _ in 0..20 {
        assert!(!with_entries(&mut feed).feeds.contains_key(&all[0]));
    }
}

#[test]
fn thirty_levels_need_the_plus_plan_and_are_fifty_at_most() {
    let plain = july(&[]);
    let mut feed = enter(&plain, &plain.feed_url);
    ask(&mut feed, "sub", Some("full_d30"), &keys(&plain, "EQ"));
    ask(&mut feed, "sub", Some("ltpc"), &keys(&plain, "INDEX"));
    assert_eq!(
        with_entries(&mut feed).feeds.len(),
        2,
        "the first request is ignored"
    );
    for (option, entries, closes) in [
        ("over_limit_keys=ignore_extra", 50, false),
        ("over_limit_keys=ignore_request", 0, false),
        ("over_limit_keys=close", 0, true),
    ] {
        let sim = july(&["plus_plan=true", option]);
        let mut feed = enter(&sim, &sim.feed_url);
        ask(&mut feed, "sub", Some("full_d30"), &keys(&sim, "EQ"));
        next_frame(&mut feed).expect("market_info");
        if closes {
            assert!(next_frame(&mut feed).is_none(), "closed");
        } else {
            if entries == 0 {
                ask(&mut feed, "sub", Some("ltpc"), &keys(&sim, "INDEX"));
            }
            let first = next_frame(&mut feed).expect("a snapshot").feeds.len();
            assert_eq!(first, if entries == 0 { 2 } else { entries }, "{option}");
        }
        while sim.stats().keys_over_limit == 0 {
            std::thread::yield_now();
        }
        assert_eq!(sim.stats().keys_over_limit, 10, "{option}");
    }
}

#[test]
fn keys_are_counted_for_the_user_or_for_each_socket() {
    for (option, entries) in [("keys_counted_per=user", 20), ("keys_counted_per=connection", 40)] {
        let sim = july(&["plus_plan=true", option]);
        let all = keys(&sim, "EQ");
        let (mut first, mut second) = (enter(&sim, &sim.feed_url), enter(&sim, &sim.feed_url));
        ask(&mut first, "sub", Some("full_d30"), &all[..30]);
        assert_eq!(with_entries(&mut first).feeds.len(), 30);
        ask(&mut second, "sub", Some("full_d30"), &all[20..]);
        assert_eq!(with_entries(&mut second).feeds.len(), entries, "{option}");
    }
}

#[test]
fn text_frames_and_unknown_keys_are_ignored_and_counted() {
    let sim = july(&[]);
    let all = keys(&sim, "EQ");
    let mut feed = enter(&sim, &sim.feed_url);
    let request = json!({ "guid": "g", "method": "sub", "data": { "mode": "ltpc", "instrumentKeys": all } });
    feed.send(Message::text(request.to_string())).expect("it is sent");
    let mut asked = vec!["NSE_EQ|NOBODY".to_owned(), "garbage".to_owned()];
    asked.extend_from_slice(&all[..2]);
    subscribe(&mut feed, &asked, "ltpc");
    assert_eq!(with_entries(&mut feed).feeds.len(), 2);
    let stats = sim.stats();
    assert_eq!((stats.text_frames_ignored, stats.unknown_keys), (1, 2));
}

#[test]
fn sockets_beyond_the_users_number_are_refused_with_the_body_of_the_options() {
    for (body, kind) in [
        ("empty", None),
        ("envelope", Some("application/json")),
        ("html", Some("text/html")),
    ] {
        let sim = july(&[
            "feed_connections_max=1",
            "stream_connections_max=1",
            &format!("handshake_refusal_body={body}"),
        ]);
        let _held = (enter(&sim, &sim.feed_url), enter(&sim, &sim.stream_url));
        for url in [&sim.feed_url, &sim.stream_url] {
            let (_, location) = open(&sim, url, Some(&sim.token)).expect_err("redirected");
            let uri = location.expect("a location");
            assert_eq!(open(&sim, &uri, None).expect_err("refused").0, 403, "{url}");
        }
        let path = "/v3/feed/market-data-feed";
        let mut stranger = Rest::new(&sim, &sim.api_url).with_token("wrong");
        let (head, _) = stranger.exchange("GET", path, "", "").expect("a reply");
        assert_eq!((head.status, head.headers.get("content-type")), (401, kind));
    }
}

#[test]
fn an_authorize_answer_has_both_spellings_and_carries_the_kinds_of_update() {
    let sim = july(&[]);
    let mut rest = Rest::new(&sim, &sim.api_url);
    for path in [
        "/v3/feed/market-data-feed/authorize",
        "/v2/feed/portfolio-stream-feed/authorize?update_types=order%2Choldings%2Cposition%2Cgtt_order",
    ] {
        let data = rest.get(path);
        let uri = data["authorizedRedirectUri"].as_str().expect("a URI");
        assert_eq!(data["authorized_redirect_uri"], json!(uri));
        open(&sim, uri, None).unwrap_or_else(|refused| panic!("{path}: {refused:?}"));
    }
}

#[test]
fn the_discontinued_market_feed_is_not_served() {
    let sim = july(&[]);
    let mut rest = Rest::new(&sim, &sim.api_url);
    for path in ["/v2/feed/market-data-feed", "/v2/feed/market-data-feed/authorize"] {
        let (head, _) = rest.exchange("GET", path, "", "").expect("a reply");
        assert_eq!(head.status, 404, "{path}");
    }
}

#[test]
fn an_idle_socket_is_pinged_by_the_server() {
    let sim = july(&["ping_period_ms=20"]);
    for url in [&sim.feed_url, &sim.stream_url] {
        let mut socket = enter(&sim, url);
        let mut pings = 0;
        while pings < 3 {
            pings += u32::from(matches!(socket.read().expect("it lives"), Message::Ping(_)));
        }
    }
}

#[test]
fn a_snapshot_may_call_itself_live() {
    let sim = july(&["snapshot_type=live_feed"]);
    let mut feed = enter(&sim, &sim.feed_url);
    subscribe(&mut feed, &keys(&sim, "INDEX"), "ltpc");
    let types: Vec<i32> = (0..2)
        .map(|_| next_frame(&mut feed).expect("it lives").r#type)
        .collect();
    assert_eq!(types, [2, 1]);
}

#[test]
fn live_entries_may_leave_out_what_stayed() {
    let count = |option: &str| {
        let sim = july(&[option]);
        let mut feed = enter(&sim, &sim.feed_url);
        subscribe(&mut feed, &keys(&sim, "EQ")[..5], "full");
        let (mut whole, mut entries) = (0, 0);
        while entries < 400 {
            let frame = with_entries(&mut feed);
            for entry in frame.feeds.values().filter(|_| frame.r#type == 1) {
                let Some(feed::FeedUnion::FullFeed(full)) = &entry.feed_union else {
                    panic!("another member");
                };
                let Some(full_feed::FullFeedUnion::MarketFf(market)) = &full.full_feed_union else {
                    panic!("no share");
                };
                entries += 1;
                whole += usize::from(
                    market
                        .market_ohlc
                        .as_ref()
                        .is_some_and(|candles| candles.ohlc.len() == 2),
                );
            }
        }
        whole * 100 / entries
    };
    let (full, partial) = (count("live_entries=full"), count("live_entries=partial"));
    assert!(full > 60 && partial < 20, "{full} and {partial} of a hundred");
}

#[test]
fn the_candle_of_half_an_hour_comes_when_asked_for() {
    let sim = july(&["feed_candle_i30=true"]);
    let mut feed = enter(&sim, &sim.feed_url);
    let index = keys(&sim, "INDEX");
    subscribe(&mut feed, &index[..1], "full");
    loop {
        let frame = with_entries(&mut feed);
        let Some(feed::FeedUnion::FullFeed(full)) = &frame.feeds[&index[0]].feed_union else {
            panic!("another member");
        };
        let Some(full_feed::FullFeedUnion::IndexFf(market)) = &full.full_feed_union else {
            panic!("no index");
        };
        let candles = market
            .market_ohlc
            .as_ref()
            .map_or(&[][..], |candles| &candles.ohlc);
        if let Some(candle) = candles.iter().find(|candle| candle.interval == "I30") {
            let end = (candle.ts + 1_800_000, candle.ts + 1_860_000);
            assert!(
                (end.0..end.1).contains(&frame.current_ts),
                "told as soon as it is over"
            );
            return;
        }
    }
}

#[test]
fn the_closing_auction_is_told_and_shown_on_days_that_have_one() {
    let sim = simulator(&["market_info_on_change=true"], (8, 3));
    let all = keys(&sim, "EQ");
    let mut feed = enter(&sim, &sim.feed_url);
    subscribe(&mut feed, &all, "full");
    let (mut words, mut shown, mut eligible) = (Vec::new(), 0, 0);
    while let Some(frame) = next_frame(&mut feed) {
        if let Some(info) = &frame.market_info {
            let word = info
                .cas_market_status
                .get("NSE_EQ")
                .map(|told| told.status.clone());
            words.push((
                info.segment_status["NSE_EQ"],
                info.segment_status["NSE_FO"],
                word.unwrap_or_default(),
            ));
            assert_eq!(info.segment_status.len(), 11);
            assert_eq!(info.pre_open_session_status["NSE_EQ"].status, "PRE_OPEN_M_END");
        }
        for entry in frame.feeds.values() {
            let Some(feed::FeedUnion::FullFeed(full)) = &entry.feed_union else {
                continue;
            };
            let Some(full_feed::FullFeedUnion::MarketFf(market)) = &full.full_feed_union else {
                continue;
            };
            eligible += usize::from(market.cas_eligible);
            let ltpc = market.ltpc.as_ref().expect("always there");
            shown += usize::from(ltpc.iep.is_some() && market.iep > 0.0 && market.rp > 0.0);
        }
    }
    let word = |equity, derivatives, word: &str| (equity, derivatives, word.to_owned());
    assert_eq!(
        words,
        [
            word(2, 2, ""),
            word(4, 2, "CTS_CLOSE"),
            word(4, 2, "CAS_LM_START"),
            word(4, 2, "CAS_M_STOP"),
            word(5, 2, "CAS_STOP"),
            word(5, 3, "CAS_STOP"),
            word(5, 3, "CAS_STOP"),
        ]
    );
    assert_eq!(shown, all.len(), "each share once");
    assert!(eligible > 1_000);
}

#[test]
fn the_application_is_posted_its_token() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let sim = july(&[&format!("notifier_url=http://{address}/hook?a=1")]);
    let body = json!({ "client_secret": sim.client_secret }).to_string();
    let path = format!("/v3/login/auth/token/request/{}", sim.client_id);
    let (status, reply) = Rest::new(&sim, &sim.api_url).call("POST", &path, &body);
    assert_eq!(status, 200, "{reply}");
    let (mut stream, _) = listener.accept().expect("the broker calls");
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let posted: Value = loop {
        let count = stream.read(&mut chunk).expect("it writes");
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let end = text.find("\r\n\r\n").map(|at| at + 4);
        if let Some(Ok(value)) = end.map(|at| serde_json::from_str(&text[at..])) {
            assert!(text.starts_with("POST /hook?a=1 HTTP/1.1\r\n"), "{text}");
            break value;
        }
    };
    stream
        .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
        .expect("it reads");
    assert_eq!(posted["message_type"], "access_token");
    let token = posted["access_token"].as_str().expect("a token");
    let mut rest = Rest::new(&sim, &sim.api_url).with_token(token);
    assert_eq!(rest.call("GET", "/v2/user/profile", "").0, 200);
    while sim.stats().webhooks_delivered == 0 {
        rest.raw("GET", "/v2/user/profile", "");
    }
}
