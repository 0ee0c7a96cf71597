//! `bijli sim`: the broker simulator as a server of its own, for `run`, for other clients and for tests.
//!
//! Prints one JSON line with its addresses, a ready token and the path of its certificate (the same in sentences
//! on the error stream, unless `--json`), then serves until it is interrupted or its day is done.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bijli_core::{IstDay, Money};
use bijli_simulator::{
    DaySpec, RateLimits, RunningSimulator, SimOptions, SimSettings, Speed, Transport, start,
};
use serde::Serialize;

use crate::duty_cycle::rest;
use crate::exit_code;

/// Arguments of `sim`, shared with `demo`.
#[derive(Clone, Debug, clap::Args)]
pub struct DayArgs {
    /// A recorded day: a folder of feed recordings, a tick file or a bar file. Default: an invented day.
    #[arg(long, value_name = "PATH")]
    pub day: Option<PathBuf>,
    /// Date of the invented day, YYYY-MM-DD.
    #[arg(long, default_value = "2026-07-31", value_parser = parse_day)]
    pub date: IstDay,
    /// Stocks of the invented day.
    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub instruments: u32,
    /// `max`, or how many simulated seconds pass in a real one.
    #[arg(long, default_value = "max", value_parser = parse_speed)]
    pub speed: Speed,
    /// Decides everything that is invented.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Capital of the account, rupees.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(i64).range(1_000..=1_000_000_000))]
    pub capital: i64,
}

/// Arguments of `sim`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    day: DayArgs,
    /// Loopback address to listen on; port 0 lets the system choose.
    #[arg(long, default_value = "127.0.0.1:0")]
    bind: SocketAddr,
    /// Where the certificate and the token are written.
    #[arg(long, default_value = "runs/sim")]
    dir: PathBuf,
    /// Keep serving after the day is done.
    #[arg(long)]
    stay: bool,
    /// Let the clock run on past the close until 03:31, when tokens have died.
    #[arg(long)]
    overnight: bool,
    /// Serve http and ws instead of https and wss, for clients that cannot be told to trust a certificate.
    #[arg(long)]
    plain: bool,
    /// Refuse no call for being one too many.
    #[arg(long)]
    no_rate_limits: bool,
    /// Keep requests and socket messages for `GET /sim/requests`.
    #[arg(long)]
    record_requests: bool,
    /// A fault script as `PUT /sim/script` takes it; may be given often. With `"at": "HH:MM"` it waits for that
    /// simulated time, with `"at": "seed"` for one that the seed draws.
    #[arg(long, value_name = "JSON", value_parser = parse_script)]
    script: Vec<serde_json::Value>,
    /// Set what is not known for certain of the real service; may be given often.
    #[arg(long = "option", value_name = "NAME=VALUE")]
    option: Vec<String>,
    /// List the options with their defaults and meanings, and serve nothing.
    #[arg(long)]
    options: bool,
    /// Print JSON alone.
    #[arg(long)]
    json: bool,
}

/// What `sim` prints.
#[derive(Debug, Serialize)]
struct Ready<'a> {
    api_url: &'a str,
    order_url: &'a str,
    feed_url: &'a str,
    stream_url: &'a str,
    master_url: &'a str,
    token: &'a str,
    token_file: PathBuf,
    client_id: &'a str,
    client_secret: &'a str,
    ca_pem_path: Option<PathBuf>,
    /// The same under the name that the configuration file has for it.
    extra_root_pem_file: Option<PathBuf>,
    day: String,
    data: &'static str,
}

impl DayArgs {
    /// The simulator's settings for these arguments.
    #[must_use]
    pub fn settings(&self) -> SimSettings {
        let day = match &self.day {
            Some(path) => DaySpec::Path(path.clone()),
            None => DaySpec::Synthetic {
                day: self.date,
                instruments: self.instruments,
            },
        };
        SimSettings {
            day,
            speed: self.speed,
            seed: self.seed,
            capital: Money::from_rupees(self.capital),
            ..SimSettings::default()
        }
    }
}

/// Reads `max` or a factor above zero.
fn parse_speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    match text.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(Speed::Times(factor)),
        Ok(_) | Err(_) => Err("give `max` or a number above zero, such as 1 or 60".to_owned()),
    }
}

fn parse_script(text: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("write JSON, such as {{\"mute_feed\": true}}: {error}"))
}

pub(crate) fn parse_day(text: &str) -> Result<IstDay, String> {
    let mut parts = text.splitn(3, '-');
    let mut next = || parts.next()?.parse::<u32>().ok();
    let (Some(year), Some(month), Some(day)) = (next(), next(), next()) else {
        return Err("write a date as YYYY-MM-DD".to_owned());
    };
    let year = i32::try_from(year).map_err(|_| "no such year".to_owned())?;
    IstDay::from_ymd(year, month, day).ok_or_else(|| "no such date".to_owned())
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args, stop: &Arc<AtomicBool>) -> i32 {
    if args.options {
        print_options(args.json);
        return exit_code::OK;
    }
    let settings = match settings(args) {
        Ok(settings) => settings,
        Err(problem) => {
            eprintln!("error: {problem}");
            return exit_code::ERROR;
        }
    };
    let simulator = match start(settings) {
        Ok(simulator) => simulator,
        Err(error) => {
            eprintln!("error: {error}");
            return exit_code::ERROR;
        }
    };
    if let Err(error) = print_ready(&simulator, args) {
        eprintln!(
            "error: writing certificate and token to {}: {error}",
            args.dir.display()
        );
        return exit_code::ERROR;
    }
    while !stop.load(Ordering::Acquire) && (args.stay || !simulator.stats().day_done) {
        rest(Duration::from_millis(50));
    }
    println!("{}", simulator.stats().to_json());
    simulator.stop();
    exit_code::OK
}

fn settings(args: &Args) -> Result<SimSettings, String> {
    let mut options = SimOptions::default();
    for text in &args.option {
        options.set(text).map_err(|error| error.to_string())?;
    }
    Ok(SimSettings {
        bind: args.bind,
        overnight: args.overnight,
        transport: if args.plain {
            Transport::Plain
        } else {
            Transport::Tls
        },
        rate_limits: if args.no_rate_limits {
            RateLimits::Off
        } else {
            RateLimits::Enforced
        },
        records_requests: args.record_requests,
        options,
        scripts: args.script.clone(),
        ..args.day.settings()
    })
}

fn print_options(as_json: bool) {
    let rows = SimOptions::default().rows();
    if as_json {
        let objects = rows.iter().map(|row| {
            serde_json::json!({
                "name": row.name, "default": row.value, "choices": row.choices, "meaning": row.meaning,
            })
        });
        println!("{}", serde_json::Value::Array(objects.collect()));
        return;
    }
    for row in rows {
        println!(
            "{}={}\n    {}\n    Write {}.",
            row.name, row.value, row.meaning, row.choices
        );
    }
}

fn print_ready(simulator: &RunningSimulator, args: &Args) -> std::io::Result<()> {
    let dir = &args.dir;
    std::fs::create_dir_all(dir)?;
    let token_file = dir.join("token");
    std::fs::write(&token_file, &simulator.token)?;
    std::fs::set_permissions(&token_file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let ca_pem_path = match &simulator.ca_pem {
        None => None,
        Some(pem) => {
            let path = dir.join("ca.pem");
            std::fs::write(&path, pem)?;
            Some(path)
        }
    };
    let ready = Ready {
        api_url: &simulator.api_url,
        order_url: &simulator.order_url,
        feed_url: &simulator.feed_url,
        stream_url: &simulator.stream_url,
        master_url: &simulator.master_url,
        token: &simulator.token,
        token_file,
        client_id: &simulator.client_id,
        client_secret: &simulator.client_secret,
        extra_root_pem_file: ca_pem_path.clone(),
        ca_pem_path,
        day: simulator.day.to_string(),
        data: simulator.data.name(),
    };
    println!("{}", serde_json::to_string(&ready)?);
    if !args.json {
        tell(&ready);
    }
    Ok(())
}

/// The same for people.
fn tell(ready: &Ready<'_>) {
    eprintln!("API          {}", ready.api_url);
    eprintln!("orders       {}", ready.order_url);
    eprintln!("market feed  {}", ready.feed_url);
    eprintln!("portfolio    {}", ready.stream_url);
    eprintln!(
        "token        {} (also in {})",
        ready.token,
        ready.token_file.display()
    );
    eprintln!(
        "app          {} with secret {}",
        ready.client_id, ready.client_secret
    );
    match &ready.ca_pem_path {
        Some(path) => eprintln!("certificate  {}", path.display()),
        None => eprintln!("certificate  none: connections are plain"),
    }
}
