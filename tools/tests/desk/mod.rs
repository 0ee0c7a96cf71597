//! A desk for tests of verbs that call the broker: a simulator whose day is under way, and `bijli` as a process.
//!
//! Invariant: no process that this starts ever shows the token, or the test fails.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bijli_core::IstDay;
use bijli_core::time::DurationNs;
use bijli_simulator::settings::Transport;
use bijli_simulator::{DaySpec, RunningSimulator, SimSettings, SimStats, Speed, start};
use serde_json::{Value, json};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// A simulator whose day is under way, and a folder with its token.
pub(crate) struct Desk {
    pub(crate) simulator: RunningSimulator,
    pub(crate) folder: TempDir,
}

/// What a process left.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

fn day() -> IstDay {
    IstDay::from_ymd(2026, 7, 31).expect("a real date")
}

impl Desk {
    /// Opens at half a minute past the opening bell, when every share has a price.
    pub(crate) fn open() -> Self {
        let simulator = start(SimSettings {
            day: DaySpec::Synthetic {
                day: day(),
                instruments: 12,
            },
            speed: Speed::Times(20.0),
            transport: Transport::Plain,
            records_requests: true,
            ..SimSettings::default()
        })
        .expect("loopback is there");
        let folder = tempfile::tempdir().expect("a folder");
        let desk = Self { simulator, folder };
        let sim = &desk.simulator;
        let config = format!(
            "[broker]\napi_url = {:?}\norder_url = {:?}\nfeed_url = {:?}\nstream_url = {:?}\ntoken_file = \"token\"\n",
            sim.api_url, sim.order_url, sim.feed_url, sim.stream_url,
        );
        desk.write("bijli.toml", &config);
        desk.write("token", &sim.token);
        let bell = day()
            .at(DurationNs::from_hm(9, 15))
            .plus(DurationNs::from_secs(30));
        desk.wait(|stats| stats.now > bell);
        desk
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("a small file");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("our own file");
    }

    pub(crate) fn wait(&self, until: impl Fn(&SimStats) -> bool) -> SimStats {
        let begun = Instant::now();
        loop {
            let stats = self.simulator.stats();
            if until(&stats) {
                return stats;
            }
            assert!(begun.elapsed() < PATIENCE, "{stats:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn bijli(&self, arguments: &[&str]) -> Left {
        let output = Command::new(env!("CARGO_BIN_EXE_bijli"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("CREDENTIALS_DIRECTORY")
            .stdin(Stdio::null())
            .output()
            .expect("the binary was built for this test");
        let left = Left {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        let token = &self.simulator.token;
        assert!(
            !left.out.contains(token) && !left.err.contains(token),
            "{arguments:?}: {left:?}"
        );
        left
    }

    /// What a verb tells people.
    pub(crate) fn words(&self, arguments: &[&str]) -> String {
        let left = self.bijli(arguments);
        assert_eq!(left.code, Some(0), "{arguments:?}: {left:?}");
        assert!(left.out.starts_with("*** SIMULATED BROKER ***\n"), "{left:?}");
        left.out
    }

    /// What a verb tells scripts.
    pub(crate) fn data(&self, arguments: &[&str]) -> Value {
        let left = self.bijli(&[arguments, &["--json"]].concat());
        assert_eq!(left.code, Some(0), "{arguments:?}: {left:?}");
        let mut object = json_of(&left);
        assert_eq!(object["broker"], "simulator");
        object["data"].take()
    }

    /// A call of the simulator by hand, without a token: its own controls.
    pub(crate) fn control(&self, method: &str, path: &str, body: &str) -> Value {
        let authority = self.simulator.api_url.strip_prefix("http://").expect("plain");
        let mut stream = TcpStream::connect(authority).expect("it listens");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        let mut chunk = [0; 65_536];
        loop {
            let text = String::from_utf8_lossy(&answer).into_owned();
            if let Some((_, body)) = text.split_once("\r\n\r\n")
                && let Ok(value) = serde_json::from_str(body)
            {
                return value;
            }
            let count = stream.read(&mut chunk).expect("an answer");
            assert!(count > 0, "cut: {text}");
            answer.extend_from_slice(&chunk[..count]);
        }
    }

    /// How often a path was asked for by a method.
    pub(crate) fn times_asked(&self, method: &str, path: &str) -> usize {
        let requests = self.control("GET", "/sim/requests", "");
        let rows = requests.as_array().expect("a list").iter();
        rows.filter(|row| {
            row["method"] == method && row["target"].as_str().is_some_and(|target| target == path)
        })
        .count()
    }

    /// Keys of shares, those that are not held first; and the last price of the first of them.
    pub(crate) fn share(&self) -> (String, f64) {
        let held = self.data(&["holdings"]);
        let held: Vec<&Value> = rows(&held).iter().map(|row| &row["instrument_key"]).collect();
        let found = self.data(&["api", "GET", "/v2/instruments/search?query=S&records=30"]);
        let listed = rows(&found["body"]["data"]).iter();
        let key = listed
            .filter(|row| row["instrument_type"] == "EQ" && !held.contains(&&row["instrument_key"]))
            .find_map(|row| row["instrument_key"].as_str())
            .unwrap_or_else(|| panic!("no share in {found}"));
        let quote = format!("/v3/market-quote/ltp?instrument_key={key}");
        let quote = self.data(&["api", "GET", &quote]);
        let quotes = quote["body"]["data"].as_object().expect("an object");
        let last = quotes.values().next().and_then(|row| row["last_price"].as_f64());
        (
            key.to_owned(),
            last.unwrap_or_else(|| panic!("no price in {quote}")),
        )
    }

    /// Trades at the market through the raw verb; gives the order's id.
    pub(crate) fn trade(&self, key: &str, side: &str, qty: i64, product: &str, tag: &str) -> String {
        let fills = self.simulator.stats().broker.fills;
        let order = json!({
            "instrument_token": key, "transaction_type": side, "quantity": qty, "product": product, "tag": tag,
            "order_type": "MARKET", "validity": "DAY", "price": 0, "trigger_price": 0,
            "disclosed_quantity": 0, "is_amo": false,
        });
        let path = "/v3/order/place";
        let placed = self.data(&[
            "api",
            "POST",
            path,
            "--write",
            "--yes",
            "--data",
            &order.to_string(),
        ]);
        assert_eq!(placed["status"], 200, "{placed}");
        let id = placed["body"]["data"]["order_ids"][0].as_str().expect("an id");
        self.wait(|stats| stats.broker.fills > fills);
        id.to_owned()
    }
}

pub(crate) fn json_of(left: &Left) -> Value {
    serde_json::from_str(&left.out).unwrap_or_else(|error| panic!("{error}: {left:?}"))
}

pub(crate) fn rows(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

pub(crate) fn assert_near(one: f64, other: f64) {
    assert!((one - other).abs() < 0.005, "{one} is not {other}");
}
