//! A world for tests with real processes: a simulator in this process, engines as children of it.
//!
//! Each test file takes the part that it needs.
#![allow(
    dead_code,
    reason = "this file is compiled into several tests, and none of them uses all of it"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use bijli_core::{IstDay, Money};
use bijli_simulator::settings::Transport;
use bijli_simulator::{DaySpec, RunningSimulator, SimSettings, SimStats, Speed, start};
use tempfile::TempDir;

/// A simulator and a folder for the engines that trade with it.
pub(crate) struct World {
    simulator: RunningSimulator,
    folder: TempDir,
    journal: String,
}

/// One engine process.
pub(crate) struct EngineProcess {
    child: Child,
}

/// Randomness from a seed (a Weyl sequence through a mixer), so that a failure can be repeated.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % bound
    }
}

/// A number from the environment.
pub(crate) fn env_number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A seed that differs from run to run.
pub(crate) fn fresh_seed() -> u64 {
    u64::from(std::process::id()) ^ Instant::now().elapsed().as_nanos() as u64
}

impl World {
    /// Starts a simulator of an invented day at full speed.
    pub(crate) fn start(seed: u64, instruments: u32) -> Self {
        Self::start_at(seed, instruments, Speed::Max)
    }

    /// Starts a simulator of an invented day at a speed. Unless it is full speed, time passes from now on,
    /// whether an engine is connected or not.
    pub(crate) fn start_at(seed: u64, instruments: u32, speed: Speed) -> Self {
        let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
        let settings = SimSettings {
            day: DaySpec::Synthetic { day, instruments },
            speed,
            seed,
            capital: Money::from_rupees(100_000),
            ..SimSettings::default()
        };
        Self::with(settings, "")
    }

    /// Starts a simulator as the settings say; `more` is appended to the engines' configuration.
    pub(crate) fn with(settings: SimSettings, more: &str) -> Self {
        let simulator = start(settings).expect("loopback is there");
        let day = simulator.day;
        let folder = tempfile::tempdir().expect("a folder");
        let journal = folder
            .path()
            .join(format!("runs/{day}-test/journal"))
            .display()
            .to_string();
        let world = Self {
            simulator,
            folder,
            journal,
        };
        std::fs::write(world.path("token"), &world.simulator.token).expect("a small file");
        let owner_only = PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(world.path("token"), owner_only).expect("our own file");
        if let Some(pem) = &world.simulator.ca_pem {
            std::fs::write(world.path("ca.pem"), pem).expect("a small file");
        }
        std::fs::write(world.path("sim.toml"), world.config() + more).expect("a small file");
        world
    }

    /// Starts a simulator that speaks without TLS, so that a test can script it.
    pub(crate) fn scripted(seed: u64) -> Self {
        let settings = SimSettings {
            day: DaySpec::Synthetic {
                day: IstDay::from_ymd(2026, 7, 31).expect("a real date"),
                instruments: 60,
            },
            speed: Speed::Times(300.0),
            seed,
            capital: Money::from_rupees(100_000),
            transport: Transport::Plain,
            ..SimSettings::default()
        };
        Self::with(settings, "")
    }

    /// Switches faults of a scripted simulator.
    pub(crate) fn script(&self, body: &str) {
        let base = &self.simulator().api_url;
        let host = base.strip_prefix("http://").expect("plain");
        let mut stream = TcpStream::connect(host).expect("it listens");
        let length = body.len();
        let request =
            format!("PUT /sim/script HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut status = [0; 12];
        stream.read_exact(&mut status).expect("an answer");
        assert_eq!(&status, b"HTTP/1.1 200");
    }

    /// Appends to the engines' configuration.
    pub(crate) fn configure(&self, more: &str) {
        let path = self.path("sim.toml");
        let text = std::fs::read_to_string(&path).expect("it was written at the start");
        std::fs::write(&path, text + more).expect("a small file");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn journal(&self) -> &str {
        &self.journal
    }

    pub(crate) fn run_dir(&self) -> PathBuf {
        Path::new(&self.journal)
            .parent()
            .expect("a journal lies in a run directory")
            .to_owned()
    }

    pub(crate) fn stats(&self) -> SimStats {
        self.simulator.stats()
    }

    /// Where the simulator serves.
    pub(crate) const fn simulator(&self) -> &RunningSimulator {
        &self.simulator
    }

    fn config(&self) -> String {
        let sim = &self.simulator;
        let pem = match &sim.ca_pem {
            Some(_) => format!(
                "extra_root_pem_file = {:?}\n",
                self.path("ca.pem").display().to_string()
            ),
            None => String::new(),
        };
        format!(
            "[run]\nmode = \"sim\"\naccount = \"test\"\nrun_dir = {runs:?}\n\
             [broker]\napi_url = {api:?}\norder_url = {order:?}\nfeed_url = {feed:?}\nstream_url = {stream:?}\n\
             token_file = {token:?}\n{pem}\
             [feed]\ncapture = false\n\
             [universe]\nmaster_url = {master:?}\n\
             [clock]\nsource = \"venue\"\n\
             [journal]\nsegment_mib = 16\n",
            runs = self.path("runs").display().to_string(),
            api = sim.api_url,
            order = sim.order_url,
            feed = sim.feed_url,
            stream = sim.stream_url,
            token = self.path("token").display().to_string(),
            master = sim.master_url,
        )
    }

    /// Starts an engine as a process of its own.
    pub(crate) fn spawn_engine(&self) -> EngineProcess {
        self.spawn_engine_saying_to(Stdio::piped())
    }

    /// The same, with a standard error of the test's own.
    pub(crate) fn spawn_engine_saying_to(&self, stderr: Stdio) -> EngineProcess {
        let child = Command::new(env!("CARGO_BIN_EXE_bijli"))
            .args(["run", "--json", "--config"])
            .arg(self.path("sim.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the binary was built for this test");
        EngineProcess { child }
    }

    /// Runs the binary with arguments to its end.
    pub(crate) fn bijli(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_bijli"))
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the binary was built for this test")
    }
}

impl EngineProcess {
    /// Waits at most so long; tells whether the process ended by itself.
    pub(crate) fn ended_within(&mut self, length: Duration) -> bool {
        let started = Instant::now();
        loop {
            if self.child.try_wait().expect("a child of ours").is_some() {
                return true;
            }
            if started.elapsed() >= length {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The process's number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGINT, as from a keyboard: the engine ends in order.
    pub(crate) fn interrupt(&self) {
        let sent = Command::new("kill")
            .args(["-INT", &self.pid().to_string()])
            .status();
        assert!(sent.expect("a system with signals").success());
    }

    /// SIGKILL: no destructor runs, nothing is flushed.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a child of ours");
        self.child.wait().expect("a child of ours");
    }

    /// Waits for an orderly end; gives exit code and all output.
    pub(crate) fn finish(mut self, at_most: Duration) -> (Option<i32>, String) {
        let mut output = String::new();
        let mut pipes = (self.child.stdout.take(), self.child.stderr.take());
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            if let Some(pipe) = &mut pipes.0 {
                // A pipe that breaks ends the text; the exit code tells the rest.
                let _read = pipe.read_to_string(&mut text);
            }
            if let Some(pipe) = &mut pipes.1 {
                let _read = pipe.read_to_string(&mut text);
            }
            text
        });
        let ended = self.ended_within(at_most);
        if !ended {
            self.child.kill().expect("a child of ours");
            output.push_str("(timed out) ");
        }
        let status = self.child.wait().expect("a child of ours");
        output.push_str(&reader.join().expect("the reader only reads"));
        (status.code(), output)
    }
}

impl Drop for EngineProcess {
    /// A test that fails leaves no engine behind.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // It may end by itself meanwhile; then there is nothing to kill.
            let _killed = self.child.kill();
            let _waited = self.child.wait();
        }
    }
}
