//! `login` and `account` as processes, against the simulator over loopback: every way in, what is refused, and that
//! nothing secret is shown or left lying about.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bijli_core::IstDay;
use bijli_simulator::settings::Transport;
use bijli_simulator::{DaySpec, RunningSimulator, SimSettings, start};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A simulator without TLS, and a folder with a configuration and the application's secrets.
struct World {
    simulator: RunningSimulator,
    folder: TempDir,
}

/// What a process left.
#[derive(Debug)]
struct Left {
    code: Option<i32>,
    out: String,
    err: String,
}

/// A `login` under way whose dialog address was printed.
struct Waiting {
    child: Child,
    err: BufReader<std::process::ChildStderr>,
    said: String,
    dialog: String,
}

impl World {
    fn start() -> Self {
        let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
        let simulator = start(SimSettings {
            day: DaySpec::Synthetic { day, instruments: 12 },
            transport: Transport::Plain,
            ..SimSettings::default()
        })
        .expect("loopback is there");
        let folder = tempfile::tempdir().expect("a folder");
        let world = Self { simulator, folder };
        world.write("secrets/upstox.client_id", &world.simulator.client_id);
        world.write("secrets/upstox.client_secret", &world.simulator.client_secret);
        world.write("bijli.toml", &world.config(&world.simulator.api_url));
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("our own folder");
        std::fs::write(&path, text).expect("a small file");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("our own file");
    }

    fn config(&self, api_url: &str) -> String {
        let sim = &self.simulator;
        format!(
            "[broker]\napi_url = {api_url:?}\norder_url = {:?}\nfeed_url = {:?}\nstream_url = {:?}\n\
             token_file = {:?}\nredirect_uri = \"http://127.0.0.1:0/callback\"\n",
            sim.order_url,
            sim.feed_url,
            sim.stream_url,
            self.path("secrets/upstox.token").display().to_string(),
        )
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bijli"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("CREDENTIALS_DIRECTORY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn bijli(&self, arguments: &[&str]) -> Left {
        let output = self.command(arguments).stdin(Stdio::null()).output();
        let output = output.expect("the binary was built for this test");
        Left {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn begin(&self, arguments: &[&str]) -> Waiting {
        let mut child = self
            .command(arguments)
            .spawn()
            .expect("the binary was built for this test");
        let mut err = BufReader::new(child.stderr.take().expect("it was asked for"));
        let mut said = String::new();
        // The address, and the line that says that somebody waits.
        while !(said.contains("http://") && said.lines().count() >= 3) {
            assert!(err.read_line(&mut said).expect("text") > 0, "it ended: {said}");
        }
        let dialog = said
            .lines()
            .find(|line| line.starts_with("http://"))
            .unwrap_or_default();
        Waiting {
            child,
            err,
            dialog: dialog.to_owned(),
            said,
        }
    }

    /// Where the dialog leads the browser.
    fn redirected(&self, dialog: &str) -> String {
        let answer = get(dialog);
        let line = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("location")
                .then(|| value.trim().to_owned())
        });
        line.unwrap_or_else(|| panic!("no redirect: {answer}"))
    }

    fn stored(&self) -> Value {
        let text = std::fs::read_to_string(self.path("secrets/upstox.token")).expect("a token is kept");
        serde_json::from_str(&text).expect("kept as JSON")
    }
}

impl Waiting {
    fn finish(mut self) -> Left {
        let mut out = String::new();
        drop(self.child.stdin.take());
        let pipe = self.child.stdout.as_mut().expect("it was asked for");
        pipe.read_to_string(&mut out).expect("text");
        self.err.read_to_string(&mut self.said).expect("text");
        Left {
            code: self.child.wait().expect("a child of ours").code(),
            out,
            err: self.said,
        }
    }

    fn paste(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("it was asked for");
        writeln!(stdin, "{line}").expect("it reads");
    }
}

/// A request by hand: the whole answer.
fn exchange(url: &str, request: &str) -> String {
    let rest = url.strip_prefix("http://").expect("a plain address");
    let authority = rest.split(['/', '?']).next().expect("a host");
    let mut stream = TcpStream::connect(authority).expect("somebody listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    let mut chunk = [0; 4_096];
    // The head is enough, and one server keeps the connection open behind it.
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        let count = stream.read(&mut chunk).expect("an answer");
        assert!(count > 0, "a whole head");
        answer.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(url: &str) -> String {
    let rest = url.strip_prefix("http://").expect("a plain address");
    let (authority, target) = rest.split_at(rest.find('/').expect("a path"));
    exchange(
        url,
        &format!("GET {target} HTTP/1.1\r\nHost: {authority}\r\n\r\n"),
    )
}

fn post(url: &str, body: &str) -> String {
    let length = body.len();
    exchange(
        url,
        &format!("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: {length}\r\n\r\n{body}"),
    )
}

/// The answer printed as JSON.
fn json_of(left: &Left) -> Value {
    serde_json::from_str(&left.out).unwrap_or_else(|error| panic!("{error}: {left:?}"))
}

fn assert_silent(left: &Left, secrets: &[&str]) {
    for secret in secrets {
        assert!(!secret.is_empty());
        assert!(
            !left.out.contains(secret) && !left.err.contains(secret),
            "{secret}: {left:?}"
        );
    }
}

#[test]
fn the_browsers_redirect_brings_a_token_that_works_and_a_wrong_state_does_not() {
    let world = World::start();
    let waiting = world.begin(&["login", "--json"]);
    let redirect = world.redirected(&waiting.dialog);
    let (base, query) = redirect.split_once('?').expect("a query");
    let code = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("code="))
        .expect("a code");
    let foreign = get(&format!("{base}?code={code}&state=0123456789abcdef"));
    assert!(foreign.starts_with("HTTP/1.1 400"), "{foreign}");
    assert!(get(&format!("{base}/favicon.ico")).starts_with("HTTP/1.1 404"));
    assert!(get(&redirect).starts_with("HTTP/1.1 200"));
    let left = waiting.finish();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(left.err.contains("wrong state"));
    assert_eq!(json_of(&left)["broker"], "simulator");
    assert_eq!(json_of(&left)["data"]["user_id"], "SIM001");
    let stored = world.stored();
    let token = stored["access_token"].as_str().expect("a token");
    let mode = std::fs::metadata(world.path("secrets/upstox.token"))
        .expect("kept")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_silent(&left, &[token, code, &world.simulator.client_secret]);

    let account = world.bijli(&["account", "--json"]);
    assert_eq!(account.code, Some(0), "{account:?}");
    let shown = json_of(&account);
    assert_eq!(shown["data"]["profile"]["user_id"], "SIM001");
    assert!(shown["data"]["token"]["expires_ist"].is_string());
    for part in ["funds", "kill_switch", "static_ip"] {
        assert!(
            shown["data"][part].get("unavailable").is_none(),
            "{part}: {shown}"
        );
    }
    assert!(shown["data"]["funds"]["available_to_trade"].is_object());
    assert!(
        shown["data"]["kill_switch"]
            .as_array()
            .is_some_and(|rows| !rows.is_empty())
    );
    assert_silent(&account, &[token]);

    let again = world.begin(&["login", "--headless"]);
    let left = paste_and_finish(again, code);
    assert_eq!(left.code, Some(5), "a code is good once: {left:?}");
    assert!(left.err.contains("the login code is spent"), "{left:?}");
    assert_eq!(world.stored(), stored, "the old token stays");
}

fn paste_and_finish(mut waiting: Waiting, line: &str) -> Left {
    waiting.paste(line);
    waiting.finish()
}

#[test]
fn without_a_browser_the_redirected_address_is_pasted() {
    let world = World::start();
    let waiting = world.begin(&["login", "--headless"]);
    let redirect = world.redirected(&waiting.dialog);
    let wrong = redirect.replace("state=", "state=f");
    let left = paste_and_finish(waiting, &wrong);
    assert_eq!(left.code, Some(5), "{left:?}");
    assert!(left.err.contains("wrong state") && !world.path("secrets/upstox.token").exists());

    let waiting = world.begin(&["login", "--headless"]);
    let redirect = world.redirected(&waiting.dialog);
    let left = paste_and_finish(waiting, &redirect);
    assert_eq!(left.code, Some(0), "{left:?}");
    let token = world.stored()["access_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let code = redirect
        .split(['?', '&'])
        .find_map(|pair| pair.strip_prefix("code="));
    assert_silent(
        &left,
        &[&token, code.expect("a code"), &world.simulator.client_secret],
    );
    assert!(left.out.contains("SIMULATED BROKER") && left.out.contains("token dies in"));
    let account = world.bijli(&["account"]);
    assert_eq!(account.code, Some(0), "{account:?}");
    for words in ["SIMULATED BROKER", "SIM001", "to trade", "token dies in"] {
        assert!(account.out.contains(words), "{words}: {account:?}");
    }
}

#[test]
fn a_posted_token_is_kept_only_if_it_is_ours_and_the_broker_takes_it() {
    let world = World::start();
    let port = {
        let free = TcpListener::bind("127.0.0.1:0").expect("loopback");
        free.local_addr().expect("bound").port()
    };
    let listen = format!("127.0.0.1:{port}");
    let waiting = world.begin_request(&listen);
    let issued = bijli_core::TsNs::new(wall_ns());
    let expires = bijli_gateway::upstox::token::expiry(issued);
    let long_after = expires.plus(bijli_core::DurationNs::from_secs(86_400));
    let notice = |client: &str, user: &str, token: &str| {
        json!({
            "client_id": client,
            "user_id": user,
            "access_token": token,
            "token_type": "Bearer",
            "issued_at": (issued.get() / 1_000_000).to_string(),
            "expires_at": (long_after.get() / 1_000_000).to_string(),
            "message_type": "access_token",
        })
        .to_string()
    };
    let url = format!("http://{listen}/");
    let (id, token) = (&world.simulator.client_id, &world.simulator.token);
    for (refused, body) in [
        ("another application", notice("someone-else", "SIM001", token)),
        ("another user's", notice(id, "SIM002", token)),
        ("a token of nobody", notice(id, "SIM001", "invented-token")),
        ("no notice", "{}".to_owned()),
    ] {
        assert!(post(&url, &body).starts_with("HTTP/1.1 400"), "{refused}");
    }
    assert!(!world.path("secrets/upstox.token").exists());
    assert!(post(&url, &notice(id, "SIM001", token)).starts_with("HTTP/1.1 200"));
    let left = waiting.finish();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_eq!(world.stored()["access_token"], json!(token));
    // No post makes a token live longer than the broker's rule.
    assert_eq!(world.stored()["expires_ms"], expires.get() / 1_000_000);
    assert_silent(&left, &[token, "invented-token", &world.simulator.client_secret]);
}

impl World {
    fn begin_request(&self, listen: &str) -> Waiting {
        let mut child = self
            .command(&["login", "--request", "--listen", listen])
            .spawn()
            .expect("the binary was built for this test");
        let mut err = BufReader::new(child.stderr.take().expect("it was asked for"));
        let mut said = String::new();
        while !said.contains("waiting") {
            assert!(err.read_line(&mut said).expect("text") > 0, "it ended: {said}");
        }
        Waiting {
            child,
            err,
            said,
            dialog: String::new(),
        }
    }
}

fn wall_ns() -> i64 {
    let passed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(passed.expect("after 1970").as_nanos()).expect("before 2262")
}

#[test]
fn a_dead_token_is_refused_before_any_call_and_status_tells_it_without_one() {
    let world = World::start();
    let nobody = TcpListener::bind("127.0.0.1:0").expect("loopback");
    nobody.set_nonblocking(true).expect("a socket");
    let url = format!("http://{}", nobody.local_addr().expect("bound"));
    world.write("bijli.toml", &world.config(&url));
    let none = world.bijli(&["login", "--status", "--json"]);
    assert_eq!(
        (none.code, json_of(&none)["error"]["exit_code"].as_i64()),
        (Some(3), Some(3))
    );
    let missing = world.bijli(&["account"]);
    assert_eq!(missing.code, Some(5), "{missing:?}");
    assert!(missing.err.contains("bijli login"));

    world.write(
        "secrets/upstox.token",
        r#"{"access_token":"dead-token","issued_ms":1700000000000,"expires_ms":1700003600000}"#,
    );
    for arguments in [
        &["account", "--json"][..],
        &["login", "--status"],
        &["run", "--config", "bijli.toml"],
    ] {
        let left = world.bijli(arguments);
        assert_eq!(left.code, Some(5), "{arguments:?} {left:?}");
        assert!(left.err.contains("bijli login"), "{left:?}");
        assert_silent(&left, &["dead-token"]);
    }
    world.write("secrets/upstox.token", "exposed-token");
    let path = world.path("secrets/upstox.token");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("our own file");
    let left = world.bijli(&["account"]);
    assert_eq!(left.code, Some(1), "{left:?}");
    assert!(left.err.contains("chmod 600"));
    assert!(nobody.accept().is_err(), "nobody was called");
}

#[test]
fn after_logout_the_token_is_forgotten_here_and_dead_there() {
    let world = World::start();
    world.write("secrets/upstox.token", &world.simulator.token);
    assert_eq!(world.bijli(&["login", "--status"]).code, Some(0));
    assert_eq!(world.bijli(&["account"]).code, Some(0));
    let left = world.bijli(&["login", "--logout"]);
    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(left.out.contains("ended at the broker"));
    assert!(!world.path("secrets/upstox.token").exists());
    assert_eq!(world.bijli(&["account"]).code, Some(5));
    world.write("secrets/upstox.token", &world.simulator.token);
    let left = world.bijli(&["account"]);
    assert_eq!(
        left.code,
        Some(5),
        "the broker does not take it any more: {left:?}"
    );
    assert_silent(&left, &[&world.simulator.token]);
}

#[test]
fn the_simulators_printed_line_is_access_enough() {
    let world = World::start();
    let sim = &world.simulator;
    let line = json!({
        "api_url": sim.api_url, "order_url": sim.order_url, "feed_url": sim.feed_url,
        "stream_url": sim.stream_url, "token": sim.token, "client_id": sim.client_id,
        "client_secret": sim.client_secret, "ca_pem_path": null,
    });
    world.write("sim/sim.json", &format!("{line}\n"));
    let left = world.bijli(&["account", "--broker", "sim/sim.json", "--json"]);
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_eq!(json_of(&left)["data"]["profile"]["user_id"], "SIM001");
    assert_silent(&left, &[&sim.token, &sim.client_secret]);
    world.write("sim/broken.json", "{}");
    let left = world.bijli(&["account", "--broker", "sim/broken.json", "--json"]);
    assert_eq!(
        (left.code, json_of(&left)["error"]["exit_code"].as_i64()),
        (Some(2), Some(2))
    );
}

/// Whether any file under a folder holds a text.
fn holds(folder: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(folder).expect("our own folder");
    entries.map(|entry| entry.expect("an entry").path()).any(|path| {
        if path.is_dir() {
            return holds(&path, text);
        }
        let is_socket = path.extension().is_some_and(|extension| extension == "sock");
        !is_socket
            && std::fs::read(&path)
                .expect("our own file")
                .windows(text.len())
                .any(|window| window == text.as_bytes())
    })
}

#[test]
fn a_run_leaves_no_secret_in_its_output_journal_or_folder() {
    let world = World::start();
    world.write("secrets/upstox.token", &world.simulator.token);
    let config = format!(
        "[run]\nmode = \"sim\"\naccount = \"test\"\nrun_dir = \"runs\"\n{}\
         [universe]\nmaster_url = {:?}\n[clock]\nsource = \"venue\"\n[journal]\nsegment_mib = 16\n",
        world.config(&world.simulator.api_url),
        world.simulator.master_url,
    );
    world.write("run.toml", &config);
    let left = world.bijli(&["run", "--json", "--config", "run.toml"]);
    assert!(matches!(left.code, Some(0 | 6)), "{left:?}");
    assert_silent(&left, &[&world.simulator.token]);
    let runs = world.path("runs");
    assert!(holds(&runs, "BIJL"), "the journal was searched");
    assert!(!holds(&runs, &world.simulator.token));
    let status = world.bijli(&["status", "--json"]);
    assert!(
        status.out.contains("\"expires_ist\":\"2026-08-01 03:30"),
        "{status:?}"
    );
}

#[test]
fn status_without_a_run_answers_in_json_too() {
    let world = World::start();
    let left = world.bijli(&["status", "--json"]);
    assert_eq!(left.code, Some(3));
    assert!(json_of(&left)["error"].is_string());
}
