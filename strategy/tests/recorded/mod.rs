//! Recorded market days as ticks, one instrument after another: what the spike score is tuned and tested on.
//!
//! Two shapes: last-price ticks of 2021 (`nse-ticks-2021`), minute bars of 2016 and 2026 (`nse-eq-1min-*`), which are
//! expanded to one tick every three seconds along open, the nearer extreme, the other one, close. Rows that step
//! back in time or volume or carry another day are left out, as the feed would flag them.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use bijli_core::{DurationNs, IstDay, Price, TsNs};

/// Ticks of a minute bar.
const TICKS_PER_BAR: i64 = 20;

/// One recorded or expanded tick.
#[derive(Clone, Copy, Debug)]
pub struct Print {
    pub ts: TsNs,
    pub ltp: Price,
    pub volume: i64,
}

/// The directory of recorded days; `None` (or a panic under `CI=true`) where there is none.
pub fn data_dir(test: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("BIJLI_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    if dir.is_dir() {
        return Some(dir);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "no market data at {}",
        dir.display()
    );
    println!("skipped (no market data): {test}");
    None
}

/// The day files of one set, by date.
pub fn days(dir: &Path, set: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir.join(set))
        .expect("the set is there")
        .map(|entry| entry.expect("a readable directory").path())
        .collect();
    files.sort();
    files
}

/// The trading day in a file's name.
pub fn day_of(file: &Path) -> IstDay {
    let name = file.file_name().expect("a file").to_str().expect("plain ASCII");
    date(&name[..10]).expect("the name starts with a date")
}

/// All ticks of a day file, by symbol.
pub fn read(file: &Path) -> BTreeMap<String, Vec<Print>> {
    let day = day_of(file);
    let reader = std::fs::File::open(file).expect("the day file opens");
    let lines = BufReader::new(zstd::Decoder::new(reader).expect("zstd")).lines();
    let mut ticks: BTreeMap<String, Vec<Print>> = BTreeMap::new();
    let mut header = String::new();
    for line in lines {
        let line = line.expect("readable text");
        if header.is_empty() {
            header = line;
            continue;
        }
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        match header.split(',').next() {
            Some("kind") if fields[0] == "stock" => {
                let prints = ticks.entry(fields[1].to_owned()).or_default();
                let print = Print {
                    ts: instant(fields[2]),
                    ltp: price(fields[3]),
                    volume: fields[4].parse::<f64>().expect("a number") as i64,
                };
                let newest = prints.last().copied();
                let later = newest.is_none_or(|last| last.ts <= print.ts && last.volume <= print.volume);
                if print.ts.ist_day() == day && later {
                    prints.push(print);
                }
            }
            Some("Code") => expand(
                ticks.entry(fields[0].to_owned()).or_default(),
                instant(fields[1]),
                &fields[2..],
            ),
            Some("date") => {
                let start = instant(&format!("{} {}:00", fields[0], fields[1]));
                expand(
                    ticks.entry(fields[2].to_owned()).or_default(),
                    start,
                    &fields[3..],
                );
            }
            _ => {}
        }
    }
    ticks.retain(|_, prints| prints.last().is_some_and(|print| print.volume > 0));
    ticks
}

fn expand(prints: &mut Vec<Print>, start: TsNs, fields: &[&str]) {
    let [open, high, low, close] = [0, 1, 2, 3].map(|index| price(fields[index]).get());
    let volume: i64 = fields[4].parse::<f64>().expect("a number") as i64;
    let before = prints.last().map_or(0, |print| print.volume);
    let path = if close >= open {
        [open, low, high, close]
    } else {
        [open, high, low, close]
    };
    for step in 0..TICKS_PER_BAR {
        // Three legs; the last tick of the bar is its close.
        let along = step * 3 * 1_000 / (TICKS_PER_BAR - 1);
        let leg = (along / 1_000).min(2);
        let (from, to) = (path[leg as usize], path[leg as usize + 1]);
        let units = from + (to - from) * (along - leg * 1_000) / 1_000;
        prints.push(Print {
            ts: start.plus(DurationNs::from_secs(step * 60 / TICKS_PER_BAR)),
            ltp: Price::new(units / 500 * 500),
            volume: before + volume * (step + 1) / TICKS_PER_BAR,
        });
    }
}

fn price(text: &str) -> Price {
    Price::new((text.parse::<f64>().expect("a number") * 10_000.0).round() as i64)
}

fn date(text: &str) -> Option<IstDay> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    IstDay::from_ymd(number(0, 4)? as i32, number(5, 7)? as u32, number(8, 10)? as u32)
}

/// `YYYY-MM-DD HH:MM:SS` in India.
fn instant(text: &str) -> TsNs {
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().expect("digits");
    let seconds = number(11, 13) * 3600 + number(14, 16) * 60 + number(17, 19);
    date(text).expect("a date").at(DurationNs::from_secs(seconds))
}
