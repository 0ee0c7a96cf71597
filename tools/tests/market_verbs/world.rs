//! A simulator, a folder, and a host in between that tampers with answers.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use bijli_core::IstDay;
use bijli_simulator::settings::Transport;
use bijli_simulator::{DaySpec, RunningSimulator, SimSettings, start};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A simulator without TLS whose day is 2026-07-31, its instrument master, and a folder to work in.
pub(crate) struct World {
    pub(crate) simulator: RunningSimulator,
    pub(crate) folder: TempDir,
    pub(crate) master: Vec<Value>,
}

/// What a process left.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// What an in-between host does to the parsed answer of a target.
pub(crate) type Tampering = fn(&str, &mut Value);

pub(crate) fn day(year: i32, month: u32, date: u32) -> IstDay {
    IstDay::from_ymd(year, month, date).expect("a real date")
}

impl World {
    pub(crate) fn start() -> Self {
        let simulator = start(SimSettings {
            day: DaySpec::Synthetic {
                day: day(2026, 7, 31),
                instruments: 12,
            },
            transport: Transport::Plain,
            records_requests: true,
            ..SimSettings::default()
        })
        .expect("loopback is there");
        let folder = tempfile::tempdir().expect("a folder");
        let packed = get(&simulator.master_url, &simulator.token);
        let mut text = String::new();
        flate2::read::GzDecoder::new(&packed[..])
            .read_to_string(&mut text)
            .expect("a packed text");
        let master: Vec<Value> = serde_json::from_str(&text).expect("rows");
        std::fs::write(folder.path().join("master.json"), text).expect("a small file");
        let world = Self {
            simulator,
            folder,
            master,
        };
        world.point_at("sim.json", &world.simulator.api_url);
        world.ask("DELETE", "/sim/requests");
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the line that `bijli sim` prints, with another API host.
    pub(crate) fn point_at(&self, name: &str, api_url: &str) {
        let sim = &self.simulator;
        let line = json!({
            "api_url": api_url, "order_url": sim.order_url, "feed_url": sim.feed_url, "stream_url": sim.stream_url,
            "token": sim.token, "ca_pem_path": null,
        });
        std::fs::write(self.path(name), line.to_string()).expect("a small file");
    }

    /// A host that passes calls on and tampers with the answers; its name for `--broker`.
    pub(crate) fn tampered(&self, tampering: Tampering) -> &'static str {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (api_url, token) = (self.simulator.api_url.clone(), self.simulator.token.clone());
        // It ends with the test's process.
        std::thread::spawn(move || {
            for mut socket in listener.incoming().flatten() {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && matches!(socket.read(&mut byte), Ok(1)) {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let Some(target) = head.split(' ').nth(1) else {
                    continue;
                };
                let body = get(&format!("{api_url}{target}"), &token);
                let mut answer: Value = serde_json::from_slice(&body).expect("JSON");
                tampering(target, &mut answer);
                let body = answer.to_string();
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
                // A client that has seen enough may be gone.
                let _sent = write!(socket, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            }
        });
        self.point_at("tampered.json", &format!("http://{address}"));
        "tampered.json"
    }

    pub(crate) fn bijli(&self, words: &str) -> Left {
        self.run(&words.split(' ').collect::<Vec<_>>())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Left {
        let output = Command::new(env!("CARGO_BIN_EXE_bijli"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("CREDENTIALS_DIRECTORY")
            .stdin(Stdio::null())
            .output()
            .expect("the binary was built for this test");
        Left {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub(crate) fn ask(&self, method: &str, target: &str) -> Vec<u8> {
        exchange(
            &format!("{}{target}", self.simulator.api_url),
            method,
            &self.simulator.token,
        )
    }

    /// What the simulator answers.
    pub(crate) fn data(&self, target: &str) -> Value {
        let mut answer: Value = serde_json::from_slice(&self.ask("GET", target)).expect("JSON");
        answer["data"].take()
    }

    /// Paths of the requests since the last look.
    pub(crate) fn requests(&self) -> Vec<String> {
        let rows: Vec<Value> = serde_json::from_slice(&self.ask("GET", "/sim/requests")).expect("rows");
        self.ask("DELETE", "/sim/requests");
        let target = |row: &Value| row["target"].as_str().expect("a target").to_owned();
        rows.iter()
            .map(target)
            .filter(|target| !target.starts_with("/sim/"))
            .collect()
    }

    /// Keys of a segment in the master.
    pub(crate) fn keys(&self, segment: &str, kinds: &[&str]) -> Vec<&str> {
        let rows = self.master.iter().filter(|row| {
            row["segment"] == segment && kinds.iter().any(|kind| row["instrument_type"] == *kind)
        });
        rows.filter_map(|row| row["instrument_key"].as_str()).collect()
    }

    pub(crate) fn symbol(&self, key: &str) -> &str {
        let row = self.master.iter().find(|row| row["instrument_key"] == key);
        row.and_then(|row| row["trading_symbol"].as_str())
            .expect("in the master")
    }
}

impl Left {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub(crate) fn get(url: &str, token: &str) -> Vec<u8> {
    exchange(url, "GET", token)
}

/// The body of an answer.
pub(crate) fn exchange(url: &str, method: &str, token: &str) -> Vec<u8> {
    let rest = url.strip_prefix("http://").expect("a plain address");
    let (authority, target) = rest.split_at(rest.find('/').expect("a path"));
    let mut stream = TcpStream::connect(authority).expect("somebody listens");
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: test\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    .expect("it reads");
    let mut answer = Vec::new();
    let mut chunk = [0; 16_384];
    loop {
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |length| length.trim().parse().expect("a number"));
            if answer.len() >= end + 4 + length {
                return answer[end + 4..end + 4 + length].to_vec();
            }
        }
        let count = stream.read(&mut chunk).expect("an answer");
        assert!(count > 0, "a whole answer to {target}");
        answer.extend_from_slice(&chunk[..count]);
    }
}
