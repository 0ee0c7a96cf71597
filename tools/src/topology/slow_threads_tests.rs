//! Lanes whose host stalls: what a job does that waits behind the refresh of its own connection.

use std::io::Read;
use std::net::TcpListener;
use std::thread;

use bijli_gateway::request::{Auth, Body, Method, Request, RequestId, Transport};

use super::*;

/// Takes connections, reads each to its end and answers nothing; tells of each when it is opened, and what it read.
fn silent_host() -> (String, Receiver<()>, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (opened_sender, opened) = channel();
    let (read_sender, read) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let read_sender = read_sender.clone();
            let _heard = opened_sender.send(());
            thread::spawn(move || {
                let mut bytes = Vec::new();
                let _count = stream.read_to_end(&mut bytes);
                let _heard = read_sender.send(String::from_utf8_lossy(&bytes).into_owned());
            });
        }
    });
    (url, opened, read)
}

fn settings(url: &str) -> RestSettings {
    RestSettings {
        api_url: url.to_owned(),
        order_url: url.to_owned(),
        token: "token".to_owned(),
        extra_root_pem: None,
        algo_name: None,
        timeout: Duration::from_secs(2),
    }
}

fn placement(lane: Lane, leaves_before: Option<MonoNs>) -> LaneJob {
    LaneJob {
        request: Request {
            id: RequestId::new(lane as u64),
            lane,
            host: Host::Order,
            method: Method::Post,
            path: "/v3/order/place".to_owned(),
            body: Some(Body::Json(format!("{{\"tag\":\"{lane:?}\"}}"))),
            auth: Auth::Bearer,
        },
        cause_recv: None,
        places: true,
        leaves_before,
    }
}

/// Gives an entry and an exit to lanes that stand in their first refresh; gives both ends and the placements that the host read.
fn ends_behind_a_refresh(
    leaves_before: Option<MonoNs>,
    bar: bool,
) -> ([Result<u16, Transport>; 2], Vec<String>) {
    let (url, opened, read) = silent_host();
    let (stop, barred) = (Arc::default(), Arc::default());
    let lanes = start_lanes(&settings(&url), &Bell::default(), (&stop, &barred));
    let (senders, done, threads) = lanes.expect("usable settings");
    for _ in LANES {
        opened.recv().expect("each lane connects at once");
    }
    for lane in [Lane::Entry, Lane::Exit] {
        let own = leaves_before.filter(|_| lane == Lane::Entry);
        let sent = senders[lane as usize].send(placement(lane, own));
        sent.expect("the lane lives");
    }
    barred.store(bar, Ordering::SeqCst);
    let mut ends: Vec<LaneDone> = (0..2).map(|_| done.recv().expect("an end")).collect();
    ends.sort_by_key(|end| end.lane);
    stop.store(true, Ordering::Release);
    for thread in threads {
        thread.join().expect("lanes do not panic");
    }
    drop(senders);
    let outcomes = [ends[0].reply.outcome, ends[1].reply.outcome];
    // Each lane refreshed once; a placement that left had a connection of its own.
    let wrote = |end: &&LaneDone| end.reply.outcome == Err(Transport { wrote_bytes: true });
    let expected = LANES.len() + ends.iter().filter(wrote).count();
    let mut texts: Vec<String> = read.iter().take(expected).collect();
    texts.retain(|text| text.starts_with("POST "));
    (outcomes, texts)
}

const LOST: Result<u16, Transport> = Err(Transport { wrote_bytes: true });
const UNSENT: Result<u16, Transport> = Err(Transport { wrote_bytes: false });

#[test]
fn an_entry_that_grew_old_or_was_barred_behind_the_refresh_of_its_lane_never_leaves_and_an_exit_does() {
    let soon = MonoNs(MonoNs::now().0 + 1_000_000);
    for (leaves_before, bar) in [(Some(soon), false), (None, true)] {
        let (ends, posts) = ends_behind_a_refresh(leaves_before, bar);
        assert_eq!(ends, [LOST, UNSENT], "{leaves_before:?} {bar}");
        assert_eq!(posts.len(), 1);
        assert!(posts[0].ends_with("{\"tag\":\"Exit\"}"), "{}", posts[0]);
    }
}

#[test]
fn an_entry_in_its_time_leaves_after_the_refresh_of_its_lane_was_given_up() {
    let (ends, posts) = ends_behind_a_refresh(Some(MonoNs(u64::MAX)), false);
    assert_eq!(ends, [LOST, LOST]);
    assert_eq!(posts.len(), 2);
}
