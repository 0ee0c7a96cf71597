//! Instrument masters that are cut, empty, pages, or tell another lot, as the start of a run meets them.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use bijli_core::IstDay;
use bijli_feed::upstox::catalogue::acceptance::Terms;
use bijli_tools::duty_cycle::wall_now;
use bijli_tools::master_store::MasterStore;
use bijli_tools::master_sync::{Origin, sync};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::place::{Day, End, Place, stop};

/// More than the fewest rows that a master of the broker has.
const CONTRACTS: u32 = 20_100;

#[test]
fn a_simulated_day_does_not_begin_on_a_master_that_is_none() {
    let place = Place::start(Day::default());
    for (fault, words) in [
        ("truncated", "instrument master"),
        ("empty", "instrument master"),
        ("no_rows", "instrument master"),
        ("html", "instrument master"),
    ] {
        place.script(&json!({ "master": fault }));
        let end = place.play();
        assert_eq!(end.code, Some(1), "{fault}: {end:?}");
        assert!(end.said.contains(words), "{fault}: {end:?}");
        assert!(!place.world.run_dir().exists(), "{fault}: nothing was begun");
    }
    assert_eq!(place.world.stats().broker.orders_seen, 0);
}

/// A master of so many contracts that expire in three weeks.
fn master(first_lot: u32) -> Vec<u8> {
    let expiry_ms = (wall_now().get() / 1_000_000) + 21 * 86_400_000;
    let index = |name: &str| {
        format!(
            r#"{{"segment":"NSE_INDEX","instrument_type":"INDEX","instrument_key":"NSE_INDEX|{name}","name":"{name}","trading_symbol":"{name}","exchange_token":"{name}"}}"#
        )
    };
    let mut text = format!("[{},{}", index("Nifty 50"), index("Nifty Bank"));
    for token in 1..=CONTRACTS {
        let lot = if token == 1 { first_lot } else { 65 };
        write!(
            text,
            r#",{{"segment":"NSE_FO","instrument_key":"NSE_FO|{token}","exchange_token":"{token}","instrument_type":"CE","trading_symbol":"NIFTY {token} CE","name":"NIFTY","underlying_symbol":"NIFTY","underlying_key":"NSE_INDEX|Nifty 50","strike_price":{token},"expiry":{expiry_ms},"lot_size":{lot},"freeze_quantity":1800.0,"tick_size":5.0}}"#
        )
        .expect("memory");
    }
    text.push(']');
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text.as_bytes()).expect("memory");
    packer.finish().expect("memory")
}

/// Serves these bytes to everybody; gives the address.
fn serve(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.expect("a client");
            // The head of a GET fits one read; what it says does not matter.
            let _asked = socket.read(&mut [0; 4_096]);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _sent = socket.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    format!("http://{address}/complete.json.gz")
}

/// Starts a run on this machine's day, whose feed leads nowhere; ends it if it went beyond its start.
fn start_today(place: &Place, url: &str) -> End {
    place.set("master_url", url);
    let mut engine = place.world.spawn_engine();
    if engine.ended_within(Duration::from_secs(4)) {
        let (code, said) = engine.finish(Duration::from_secs(1));
        return End { code, said };
    }
    stop(engine)
}

#[test]
fn a_run_of_today_takes_no_bad_master_and_falls_back_on_the_last_good_one_with_a_warning() {
    let place = Place::start(Day::default());
    place.rewrite(|text| {
        let masters = place.world.path("masters").display().to_string();
        text.replace("mode = \"sim\"", "mode = \"paper\"")
            .replace("source = \"venue\"", "source = \"wall\"")
            .replace(
                "[universe]\n",
                &format!("[universe]\nmaster_dir = {masters:?}\nfno_stocks = false\nkeys = [\"NSE_FO|1\"]\n"),
            )
    });
    // An address that is kept for documents: nobody answers there.
    place.set("feed_url", "wss://192.0.2.1/feed");
    let good = master(65);
    let bad = [
        (good[..good.len() / 2].to_vec(), "cut"),
        (Vec::new(), "empty"),
        (b"<!doctype html><html>403</html>".to_vec(), "a page"),
    ];
    for (bytes, what) in &bad {
        let end = start_today(&place, &serve(bytes.clone()));
        assert_eq!(end.code, Some(1), "{what}: {end:?}");
        assert!(end.said.contains("; and none is stored"), "{what}: {end:?}");
    }
    let store = MasterStore::new(place.world.path("masters"));
    let yesterday = IstDay::new(wall_now().ist_day().get() - 1);
    let path = place.world.path("good");
    std::fs::write(&path, &good).expect("a small file");
    sync(
        &store,
        &Origin::File(path),
        &Terms::of_day(yesterday),
        7,
        &mut |_, _| {},
    )
    .expect("good");
    for (bytes, what) in &bad {
        let end = start_today(&place, &serve(bytes.clone()));
        let words = format!("WARNING: the instrument master is of {yesterday}, not of ");
        assert!(end.said.contains(&words), "{what}: {end:?}");
        assert!(
            end.said.contains("no entry is made today, exits are"),
            "{what}: {end:?}"
        );
    }
    let end = start_today(&place, &serve(master(130)));
    // Before 06:00 the new file counts as stale too, and a day begun on a stale one says so again: only the fallback
    // must be gone.
    assert!(
        end.said.contains("lot 65 -> 130") && !end.said.contains("the instrument master is of "),
        "{end:?}"
    );
    assert_eq!(place.world.stats().broker.orders_seen, 0);
}
