//! The store of instrument masters: a good file is kept with its origin, a bad one never replaces it, whatever is
//! wrong with it and however it comes.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use bijli_core::{DurationNs, IstDay};
use bijli_feed::upstox::catalogue::acceptance::Terms;
use bijli_tools::broker_access::Trouble;
use bijli_tools::master_store::{Accepted, MasterStore};
use bijli_tools::master_sync::{Chosen, Origin, choose, sync};

fn day(date: u32) -> IstDay {
    IstDay::from_ymd(2026, 1, date).expect("a real date")
}

fn terms(date: u32) -> Terms {
    Terms {
        rows_min: 4,
        ..Terms::of_day(day(date))
    }
}

fn contract(token: u32, lot: u32) -> String {
    let expiry_ms = i64::from(day(27).get()) * 86_400_000 + 66_599_000;
    format!(
        r#"{{"segment":"NSE_FO","instrument_key":"NSE_FO|{token}","exchange_token":"{token}","instrument_type":"CE",
        "trading_symbol":"NIFTY {token} CE 27 JAN 26","name":"NIFTY","underlying_symbol":"NIFTY","strike_price":{token},
        "expiry":{expiry_ms},"lot_size":{lot},"freeze_quantity":1800.0,"tick_size":5.0}}"#
    )
}

fn master(contracts: &[String]) -> String {
    let index = |name: &str| {
        format!(
            r#"{{"segment":"NSE_INDEX","instrument_type":"INDEX","instrument_key":"NSE_INDEX|{name}","name":"{name}",
            "trading_symbol":"{name}"}}"#
        )
    };
    format!(
        "[{},{},{}]",
        index("Nifty 50"),
        index("Nifty Bank"),
        contracts.join(",")
    )
}

fn good(lot: u32) -> String {
    master(&[contract(1, lot), contract(2, 65), contract(3, 65)])
}

fn packed(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).expect("memory");
    packed.finish().expect("memory")
}

/// A folder with a store, and files to take in.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn store(&self) -> MasterStore {
        MasterStore::new(self.masters())
    }

    fn masters(&self) -> PathBuf {
        self.0.path().join("masters")
    }

    fn take(&self, bytes: &[u8], terms: &Terms) -> Result<Accepted, Trouble> {
        let path = self.0.path().join("incoming");
        fs::write(&path, bytes).expect("fresh");
        sync(&self.store(), &Origin::File(path), terms, 7, &mut |_, _| {})
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.masters())
            .expect("the store")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }
}

#[test]
fn a_good_master_is_kept_with_its_origin_and_under_a_name_that_stays() {
    let place = Place::new();
    let file = packed(&good(65));
    let accepted = place.take(&file, &terms(6)).expect("good");
    let (provenance, store) = (&accepted.provenance, place.store());
    assert_eq!((provenance.day.as_str(), provenance.rows), ("2026-01-06", 5));
    assert_eq!(provenance.file_bytes, file.len() as u64);
    assert!(provenance.source.ends_with("incoming") && provenance.fetched_at_ns > 0);
    assert_eq!(store.newest().expect("readable").as_ref(), Some(provenance));
    assert_eq!(store.load(provenance).expect("sound").len(), 5);
    assert_eq!(
        fs::read(place.masters().join("current.json.gz")).expect("a link"),
        file
    );
    assert_eq!(
        place.names(),
        [provenance.file.as_str(), "2026-01-06.json", "current.json.gz"]
    );
}

#[test]
fn a_bad_master_is_refused_by_name_and_the_good_one_stays() {
    let place = Place::new();
    let kept = place
        .take(&packed(&good(65)), &terms(6))
        .expect("good")
        .provenance;
    let whole = packed(&good(65));
    let bomb = packed(&format!("[{}", " ".repeat(300 << 20)));
    let none: &[u8] = b"";
    for (bytes, reason) in [
        (none, "an array of instrument rows is expected"),
        (&packed(""), "an array of instrument rows is expected"),
        (b"[]", "0 rows, but a whole master has at least 4"),
        (
            &whole[..whole.len() / 2],
            "reading the instrument master after row",
        ),
        (
            &whole[..whole.len() - 4],
            "reading the instrument master after row",
        ),
        (b"[{", "the text ends within a row"),
        (
            b"<!doctype html><html><h1>403 Forbidden</h1></html>",
            "a web page",
        ),
        (
            br#"{"status":"error"}"#,
            "an array of instrument rows is expected",
        ),
        (&bomb, "more than 268435456 bytes unpacked"),
        (
            master(&[contract(1, 65), contract(1, 65)]).as_bytes(),
            "stands in the master twice",
        ),
        (good(0).as_bytes(), "`NSE_FO|1` has no lot"),
        (
            master(&[contract(1, 65), contract(2, 65)]).as_bytes(),
            "of 3 contracts that have not expired 2 are left",
        ),
        (
            good(65).replace("Nifty Bank", "Nifty Tank").as_bytes(),
            "`NSE_INDEX|Nifty Bank` is not in it",
        ),
    ] {
        let trouble = place.take(bytes, &terms(7)).expect_err(reason);
        assert!(trouble.message.contains(reason), "{reason}: {}", trouble.message);
        assert_eq!(trouble.code, 1);
        assert_eq!(place.store().newest().expect("readable").as_ref(), Some(&kept));
        assert_eq!(place.store().load(&kept).expect("sound").len(), 5);
        assert_eq!(
            place.names(),
            [
                kept.file.as_str(),
                "2026-01-06.json",
                "current.json.gz",
                "refused.json.gz"
            ]
        );
    }
}

#[test]
fn a_changed_lot_is_taken_and_told() {
    let place = Place::new();
    let first = place.take(&packed(&good(75)), &terms(6)).expect("good");
    assert_eq!(first.provenance.warnings, Vec::<String>::new());
    let second = place.take(&packed(&good(65)), &terms(7)).expect("good");
    let told = ["NIFTY 1 CE 27 JAN 26 (NSE_FO|1): lot 75 -> 65"];
    assert_eq!(second.provenance.warnings, told);
    assert_eq!(place.store().newest().expect("readable"), Some(second.provenance));
}

#[test]
fn so_many_days_are_kept_and_a_second_file_of_a_day_takes_the_place_of_the_first() {
    let place = Place::new();
    let path = place.0.path().join("incoming");
    for (date, lot) in [(5, 75), (6, 75), (6, 65), (7, 65)] {
        fs::write(&path, good(lot)).expect("fresh");
        let taken = sync(
            &place.store(),
            &Origin::File(path.clone()),
            &terms(date),
            2,
            &mut |_, _| {},
        );
        taken.expect("good");
    }
    let days = place.store().days().expect("readable");
    let kept: Vec<&str> = days.iter().map(|provenance| provenance.day.as_str()).collect();
    assert_eq!(kept, ["2026-01-06", "2026-01-07"]);
    assert!(
        days.iter()
            .all(|provenance| place.store().load(provenance).is_ok())
    );
    let files = place
        .names()
        .into_iter()
        .filter(|name| name.starts_with("2026") && name.ends_with(".gz"));
    assert_eq!(files.count(), 2, "one file a day: {:?}", place.names());
}

#[test]
fn a_stored_file_that_is_changed_later_is_not_read() {
    let place = Place::new();
    let kept = place
        .take(good(65).as_bytes(), &terms(6))
        .expect("good")
        .provenance;
    fs::write(place.store().path_of(&kept), good(66)).expect("writable");
    let error = place.store().load(&kept).expect_err("another file");
    assert!(
        error.to_string().contains("not the one that was stored"),
        "{error}"
    );
    place
        .take(good(65).as_bytes(), &terms(7))
        .expect("a damaged one does not keep a good one out");
}

/// Answers one request after another with the given bytes, and tells what was asked.
fn host(answers: Vec<Vec<u8>>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!(
        "http://{}/complete.json.gz",
        listener.local_addr().expect("bound")
    );
    let asked = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut socket, _) = listener.accept().expect("a client");
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && socket.read(&mut byte).expect("a request") == 1 {
                head.push(byte[0]);
            }
            asked.push(String::from_utf8_lossy(&head).into_owned());
            // A client that has seen enough may be gone.
            let _sent = socket.write_all(&answer);
        }
        asked
    });
    (url, asked)
}

fn answer(status: &str, announced: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

#[test]
fn a_host_that_answers_wrongly_changes_nothing_and_hears_no_token() {
    let place = Place::new();
    let whole = packed(&good(65));
    let kept = place.take(&whole, &terms(6)).expect("good").provenance;
    let page = b"<html>sorry</html>";
    let (url, asked) = host(vec![
        answer("403 Forbidden", page.len(), page),
        answer("302 Found", 0, b""),
        answer("200 OK", page.len(), page),
        answer("200 OK", whole.len() + 9, &whole),
        answer("200 OK", 1 << 40, &whole),
        answer("200 OK", whole.len(), &whole),
    ]);
    let origin = Origin::Url {
        url,
        extra_root_pem: None,
    };
    let mut heard = Vec::new();
    let mut go = || {
        sync(&place.store(), &origin, &terms(7), 7, &mut |bytes, all| {
            heard.push((bytes, all))
        })
    };
    for reason in [
        "HTTP 403",
        "HTTP 302",
        "a web page",
        "broke off",
        "longer than 67108864 bytes",
    ] {
        let trouble = go().expect_err(reason);
        assert!(trouble.message.contains(reason), "{reason}: {}", trouble.message);
        assert_eq!(place.store().newest().expect("readable").as_ref(), Some(&kept));
    }
    assert_eq!(go().expect("good").provenance.day, "2026-01-07");
    let length = whole.len() as u64;
    assert_eq!(heard.last(), Some(&(length, Some(length))));
    for head in asked.join().expect("the host ends") {
        let head = head.to_ascii_lowercase();
        assert!(
            head.contains("user-agent: bijli") && !head.contains("authorization"),
            "{head}"
        );
    }
}

#[test]
fn a_run_takes_the_day_s_master_or_the_last_one_marked_as_stale_or_none() {
    let place = Place::new();
    let nowhere = Origin::File(Path::new("/nonexistent/master").to_owned());
    let none = choose(&place.store(), &nowhere, day(6)).expect_err("nothing at all");
    assert!(none.message.contains("and none is stored"), "{}", none.message);
    place.take(good(65).as_bytes(), &terms(6)).expect("good");
    let today = choose(&place.store(), &nowhere, day(6)).expect("stored");
    assert_eq!((today.day.as_str(), today.stale), ("2026-01-06", None));
    let Chosen { path, stale, .. } = choose(&place.store(), &nowhere, day(7)).expect("the last one");
    assert_eq!(path, today.path);
    let stale = stale.expect("marked");
    assert!(
        stale.starts_with("the instrument master is of 2026-01-06, not of 2026-01-07"),
        "{stale}"
    );
}

#[test]
fn a_file_that_cannot_be_the_days_own_is_kept_as_stale_and_fetched_again() {
    let place = Place::new();
    let store = place.store();
    let accept = |date: u32, lot: u32, hour: i64| {
        let (candidate, mut file) = store.candidate().expect("a file");
        file.write_all(good(lot).as_bytes()).expect("a small file");
        let at = day(date).at(DurationNs::from_hm(hour, 30));
        store.accept(&candidate, ("a test", at), &terms(date), 7)
    };
    let stale = |date, lot, hour| accept(date, lot, hour).expect("good").provenance.stale;
    assert_eq!(stale(5, 75, 8), None);
    let same = stale(6, 75, 8).expect("the file of the day before");
    assert_eq!(same, "the file is that of 2026-01-05, unchanged");
    let early = stale(7, 65, 5).expect("too early");
    assert!(early.contains("before 06:00"), "{early}");

    let nowhere = Origin::File(Path::new("/nonexistent/master").to_owned());
    let kept = choose(&store, &nowhere, day(7)).expect("kept");
    let words = kept.stale.expect("it enters nothing");
    assert!(
        words.contains(&early) && words.contains("/nonexistent/master"),
        "a better one was looked for: {words}"
    );
    assert_eq!(stale(7, 65, 6), None, "the same file, seen again at its hour");
    assert_eq!(choose(&store, &nowhere, day(7)).expect("stored").stale, None);

    let refused = accept(7, 75, 9).expect_err("the host serves an old file again");
    assert!(
        refused
            .to_string()
            .contains("the day's own master is there already"),
        "{refused}"
    );
    assert_eq!(choose(&store, &nowhere, day(7)).expect("stored").stale, None);
}

#[test]
fn what_does_not_load_is_named_and_passed_over() {
    let place = Place::new();
    for (date, lot) in [(5, 75), (6, 65), (7, 70)] {
        place.take(good(lot).as_bytes(), &terms(date)).expect("good");
    }
    let store = place.store();
    let newest = store.newest().expect("readable").expect("stored");
    fs::write(store.path_of(&newest), "damaged").expect("writable");
    let note = |name: &str| place.masters().join(name);
    fs::write(note("2026-01-06.json"), "{").expect("writable");
    fs::write(note("notes.json"), "somebody else's").expect("writable");
    let nowhere = Origin::File(Path::new("/nonexistent/master").to_owned());
    let last = choose(&store, &nowhere, day(7)).expect("one is sound");
    assert_eq!(last.day, "2026-01-05");
    assert!(last.stale.is_some());
    let told = last.warnings.join("\n");
    assert!(
        told.contains("2026-01-06.json")
            && told.contains("master of 2026-01-07")
            && !told.contains("notes.json"),
        "{told}"
    );

    let files = |day: &str| place.names().iter().filter(|name| name.starts_with(day)).count();
    place.take(good(60).as_bytes(), &terms(8)).expect("good");
    assert_eq!(files("2026-01-06"), 2, "what an unreadable note names stays");
    let path = place.0.path().join("incoming");
    fs::write(&path, good(55)).expect("fresh");
    sync(&store, &Origin::File(path), &terms(9), 2, &mut |_, _| {}).expect("good");
    assert_eq!(files("2026-01-06"), 0, "until its day would go");
    assert!(place.names().contains(&"notes.json".to_owned()));
}

#[test]
fn several_processes_that_sync_at_once_leave_a_note_and_its_file() {
    let place = Place::new();
    let mut syncs = Vec::new();
    for lot in 60..66 {
        let file = place.0.path().join(format!("incoming-{lot}"));
        fs::write(&file, good(lot)).expect("fresh");
        let mut sync = std::process::Command::new(env!("CARGO_BIN_EXE_bijli"));
        sync.args([
            "instruments",
            "sync",
            "--day",
            "2026-01-06",
            "--rows-min",
            "4",
            "--keep",
            "1",
        ])
        .arg("--store")
        .arg(place.masters())
        .arg("--file")
        .arg(file)
        .stdout(std::process::Stdio::null());
        syncs.push(sync.spawn().expect("the binary runs"));
    }
    for mut sync in syncs {
        assert!(sync.wait().expect("it ends").success());
    }
    let days = place.store().days().expect("readable");
    assert_eq!(days.len(), 1);
    assert_eq!(place.store().load(&days[0]).expect("sound").len(), 5);
    assert_eq!(
        place.names(),
        [days[0].file.as_str(), "2026-01-06.json", "current.json.gz"]
    );
}
