//! Where a bad day is played: a simulator with a recorder and fault scripts, and one engine that must cope.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bijli_core::{IstDay, Money};
use bijli_simulator::options::{OnTokenDeath, SimOptions};
use bijli_simulator::settings::Transport;
use bijli_simulator::{DaySpec, SimSettings, Speed};
use serde_json::Value;

use crate::world::{EngineProcess, World};

/// How long anything may take to come about.
pub(crate) const WITHIN: Duration = Duration::from_secs(60);
/// Positions that are kept until the end of the day.
pub(crate) const HOLDS: &str = "[strategy]\nstop_loss_pct = 40\ntake_profit_pct = 90\ntrail_pct = 40\n";

/// What makes a day.
pub(crate) struct Day {
    pub(crate) seed: u64,
    pub(crate) speed: Speed,
    pub(crate) scripts: Vec<Value>,
    pub(crate) on_token_death: OnTokenDeath,
    pub(crate) config: &'static str,
    /// Lines for the section of the feed.
    pub(crate) feed: &'static str,
    pub(crate) instruments: u32,
    /// How far the price limits of the day lie from the close before.
    pub(crate) band_bps: u16,
}

impl Default for Day {
    fn default() -> Self {
        Self {
            seed: 6,
            speed: Speed::Max,
            scripts: Vec::new(),
            on_token_death: OnTokenDeath::Close,
            config: "",
            feed: "",
            instruments: 60,
            band_bps: 1_000,
        }
    }
}

/// A simulator with its engine's folder.
pub(crate) struct Place {
    pub(crate) world: World,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
}

impl Place {
    pub(crate) fn start(day: Day) -> Self {
        let mut options = SimOptions::default();
        options.socket.on_token_death = day.on_token_death;
        options.market.band_bps = day.band_bps;
        let date = IstDay::from_ymd(2026, 7, 31).expect("a real date");
        let settings = SimSettings {
            day: DaySpec::Synthetic {
                day: date,
                instruments: day.instruments,
            },
            speed: day.speed,
            seed: day.seed,
            capital: Money::from_rupees(100_000),
            transport: Transport::Plain,
            records_requests: true,
            scripts: day.scripts,
            options,
            ..SimSettings::default()
        };
        let place = Self {
            world: World::with(settings, day.config),
        };
        place.rewrite(|text| text.replace("[feed]\n", &format!("[feed]\n{}", day.feed)));
        place
    }

    /// Gives a text of the configuration another value.
    pub(crate) fn set(&self, key: &str, value: &str) {
        let head = format!("{key} = ");
        self.rewrite(|text| {
            assert!(text.contains(&head), "{key} stands in the configuration");
            let lines = text.lines().map(|line| match line.starts_with(&head) {
                true => format!("{head}{value:?}\n"),
                false => format!("{line}\n"),
            });
            lines.collect()
        });
    }

    /// Changes the configuration's text.
    pub(crate) fn rewrite(&self, change: impl Fn(String) -> String) {
        let path = self.world.path("sim.toml");
        let text = std::fs::read_to_string(&path).expect("the world wrote it");
        std::fs::write(&path, change(text)).expect("a small file");
    }

    /// Plays the day with one engine until it ends by itself.
    pub(crate) fn play(&self) -> End {
        let (code, said) = self.world.spawn_engine().finish(WITHIN * 2);
        End { code, said }
    }

    /// Switches faults.
    pub(crate) fn script(&self, script: &Value) {
        let answer = self.call("PUT", "/sim/script", &script.to_string());
        assert!(answer.get("error").is_none(), "{answer}");
    }

    /// What clients asked for.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let answer = self.call("GET", "/sim/requests", "");
        answer.as_array().expect("a list").clone()
    }

    /// How many requests fit.
    pub(crate) fn count(&self, fits: impl Fn(&Value) -> bool) -> usize {
        self.requests().iter().filter(|request| fits(request)).count()
    }

    /// What `status --json` tells, of a run that goes on or of one that has ended.
    pub(crate) fn status(&self) -> Value {
        let run_dir = self.world.run_dir().display().to_string();
        let output = self.world.bijli(&["status", "--json", "--dir", &run_dir]);
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// What `status` tells people.
    pub(crate) fn status_text(&self) -> String {
        let run_dir = self.world.run_dir().display().to_string();
        let output = self.world.bijli(&["status", "--dir", &run_dir]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The state, once it is as described.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let state = self.status();
            if is_so(&state) {
                return state;
            }
            assert!(started.elapsed() < WITHIN, "never so: {what}: {state}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the simulator and its recorder are as described.
    pub(crate) fn until_seen(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !is_so(self) {
            assert!(
                started.elapsed() < WITHIN,
                "never seen: {what}: {:?}",
                self.requests()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The oracle of money: no order went out twice, and `open` positions are left at the broker.
    pub(crate) fn assert_ledger(&self, open: u64) {
        let broker = self.world.stats().broker;
        assert_eq!(broker.duplicate_tags, 0, "no order goes out twice");
        assert_eq!(broker.open_positions, open, "the broker's ledger");
        assert!(broker.fills > 0, "a day without a fill proves nothing");
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Value {
        let base = &self.world.simulator().api_url;
        let host = base.strip_prefix("http://").expect("plain");
        let mut stream = TcpStream::connect(host).expect("it listens");
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).expect("it reads");
        let (mut answer, mut chunk) = (Vec::new(), [0; 65_536]);
        loop {
            let count = stream.read(&mut chunk).expect("an answer");
            assert!(count > 0, "a whole answer");
            answer.extend_from_slice(&chunk[..count]);
            if let Some(body) = whole_body(&answer) {
                return serde_json::from_slice(body).expect("JSON");
            }
        }
    }
}

/// The body of an answer that has come whole.
fn whole_body(answer: &[u8]) -> Option<&[u8]> {
    let head_bytes = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&answer[..head_bytes]).to_lowercase();
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))?
        .trim()
        .parse()
        .ok()?;
    answer.get(head_bytes..head_bytes + length)
}

/// The summary among what a run said.
pub(crate) fn summary_of(end: &End) -> Value {
    let line = end.said.lines().find(|line| line.starts_with('{'));
    serde_json::from_str(line.unwrap_or_default()).unwrap_or_else(|error| panic!("{error}: {end:?}"))
}

/// Stops an engine as a person at the keyboard would, and hears what it said.
pub(crate) fn stop(engine: EngineProcess) -> End {
    engine.interrupt();
    let (code, said) = engine.finish(WITHIN);
    End { code, said }
}

/// A handshake at an entry.
pub(crate) fn is_entry(request: &Value, path: &str) -> bool {
    request["host"] == "api" && target(request).starts_with(path)
}

pub(crate) fn target(request: &Value) -> &str {
    request["target"].as_str().unwrap_or_default()
}

/// Where the market feed begins.
pub(crate) const FEED_ENTRY: &str = "/v3/feed/market-data-feed";
/// Where the order stream begins.
pub(crate) const STREAM_ENTRY: &str = "/v2/feed/portfolio-stream-feed";
