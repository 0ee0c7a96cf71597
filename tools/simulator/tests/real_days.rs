//! Opens every real day of the three shapes and checks it against what the data's README says of it.
//!
//! Looks in `$BIJLI_DATA`, else in `../shared/data` beside the workspace. Without data the tests say that they
//! are skipped; with `CI=true` that is a failure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bijli_core::TsNs;
use bijli_core::event::DataKind;
use bijli_core::instrument::InstrumentKind;
use bijli_simulator::day::{self, Anomaly, DayInfo, DayTick, price_of};
use bijli_simulator::settings::DaySpec;

fn data(test: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = std::env::var_os("BIJLI_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "market data is missing under CI"
    );
    println!("skipped (no market data): {test}");
    None
}

#[derive(Default)]
struct Counts {
    ticks: u64,
    by_instrument: BTreeMap<u32, u64>,
    anomalies: u64,
    other_day: u64,
    ahead_max_ms: i64,
    ahead: u64,
    off_tick: u64,
    volume: BTreeMap<u32, i64>,
    span: Option<(TsNs, TsNs)>,
}

fn play(path: &Path, mut check: impl FnMut(&DayInfo, &DayTick)) -> (DayInfo, Counts) {
    let mut source = day::open(&DaySpec::Path(path.to_owned()), 1).unwrap_or_else(|error| panic!("{error}"));
    let info = source.info().clone();
    let mut counts = Counts::default();
    let mut tick = DayTick::default();
    while source
        .next_tick(&mut tick)
        .unwrap_or_else(|error| panic!("{error}"))
    {
        let (first, last) = counts.span.unwrap_or((tick.ts, tick.ts));
        assert!(tick.ts >= last, "ticks are in order");
        counts.span = Some((first, tick.ts));
        assert_eq!(tick.ts.ist_day(), info.day, "server time is on the day");
        counts.ticks += 1;
        *counts.by_instrument.entry(tick.instrument).or_default() += 1;
        counts.anomalies += u64::from(tick.anomaly != Anomaly::None);
        counts.other_day += u64::from(tick.anomaly == Anomaly::OtherDay);
        if tick.anomaly == Anomaly::None {
            let ahead_ms = (tick.ltt_ms * 1_000_000 - tick.ts.get()) / 1_000_000;
            counts.ahead_max_ms = counts.ahead_max_ms.max(ahead_ms);
            counts.ahead += u64::from(ahead_ms > 2_000);
        }
        let instrument = &info.instruments[tick.instrument as usize];
        if instrument.kind.is_tradable() {
            counts.off_tick += u64::from(!price_of(tick.ltp).is_on_tick(instrument.tick));
        }
        counts.volume.insert(tick.instrument, tick.volume);
        check(&info, &tick);
    }
    (info, counts)
}

fn days(data: &Path, directory: &str, count: usize) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(data.join(directory))
        .expect("the directory exists")
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    files.sort();
    assert_eq!(files.len(), count, "{directory}");
    files
}

#[test]
fn every_day_of_last_prices_has_its_rows_symbols_and_order() {
    let Some(data) = data("every_day_of_last_prices_has_its_rows_symbols_and_order") else {
        return;
    };
    let rows = [
        996_140, 1_100_470, 1_027_795, 1_037_795, 961_750, 1_086_400, 1_531_885,
    ];
    for (path, rows) in days(&data, "nse-ticks-2021", 7).iter().zip(rows) {
        let (info, counts) = play(path, |info, tick| {
            let tradable = info.instruments[tick.instrument as usize].kind.is_tradable();
            assert_eq!(tick.level_count > 0, tradable, "indices have no book");
        });
        assert_eq!(info.data, DataKind::RealTicks);
        assert_eq!(counts.ticks, rows, "{}", path.display());
        let indices = info
            .instruments
            .iter()
            .filter(|row| row.kind == InstrumentKind::Index)
            .count();
        assert_eq!((indices, info.instruments.len() - indices), (12, 50));
        assert!(info.instruments.iter().any(|row| row.symbol == "M&M"));
        let dirty = path.ends_with("2021-06-11.csv.zst");
        let expected = if dirty { 54_071 + 310_438 } else { 0 };
        assert_eq!(counts.other_day, expected, "{}", path.display());
        println!("{}: {} ticks, {} odd", info.day, counts.ticks, counts.anomalies);
    }
}

#[test]
fn every_day_of_bars_becomes_ticks_that_give_the_bars_back() {
    let Some(data) = data("every_day_of_bars_becomes_ticks_that_give_the_bars_back") else {
        return;
    };
    let old = days(&data, "nse-eq-1min-2016", 14)
        .into_iter()
        .map(|path| (path, 178, 12));
    let new = days(&data, "nse-eq-1min-2026", 2)
        .into_iter()
        .map(|path| (path, 25, 2));
    for (path, symbols, indices) in old.chain(new) {
        let bars = recorded_bars(&path);
        assert_eq!(bars.len(), symbols * 375);
        let mut made: BTreeMap<(i64, String), [f64; 4]> = BTreeMap::new();
        let (info, counts) = play(&path, |info, tick| {
            let minute = tick.ts.get() / 60_000_000_000;
            let traded = tick.ltt_ms / 60_000 == minute;
            if traded {
                let key = (minute, info.instruments[tick.instrument as usize].symbol.clone());
                let bar = made
                    .entry(key)
                    .or_insert([tick.ltp, tick.ltp, tick.ltp, tick.ltp]);
                bar[1] = bar[1].max(tick.ltp);
                bar[2] = bar[2].min(tick.ltp);
                bar[3] = tick.ltp;
            }
        });
        assert_eq!(info.data, DataKind::RealBars);
        assert_eq!(info.instruments.len(), symbols);
        let found = info
            .instruments
            .iter()
            .filter(|row| row.kind == InstrumentKind::Index)
            .count();
        assert_eq!(found, indices, "{}", path.display());
        let mut volumes: BTreeMap<String, i64> = BTreeMap::new();
        for (key, (prices, volume)) in &bars {
            *volumes.entry(key.1.clone()).or_default() += volume;
            let index = info
                .instruments
                .iter()
                .any(|row| row.symbol == key.1 && row.kind == InstrumentKind::Index);
            if *volume > 0 || index {
                assert_eq!(made.get(key), Some(prices), "{key:?} of {}", path.display());
            } else {
                assert!(!made.contains_key(key), "a minute without a trade prints none");
            }
        }
        for (id, volume) in &counts.volume {
            assert_eq!(volumes[&info.instruments[*id as usize].symbol], *volume);
        }
        println!(
            "{}: {} ticks, {} off tick, {:?}",
            info.day, counts.ticks, counts.off_tick, info.notes
        );
        // The source adjusted PFC for a later bonus issue, which moved its prices off the grid.
        assert!(counts.off_tick * 100 < counts.ticks, "prices lie on the grid");
    }
}

type Bars = BTreeMap<(i64, String), ([f64; 4], i64)>;

/// The rows again, read the plain way.
fn recorded_bars(path: &Path) -> Bars {
    let file = std::fs::File::open(path).expect("it exists");
    let text = String::from_utf8(zstd::decode_all(file).expect("sound")).expect("text");
    let mut bars = Bars::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let (stamp, symbol, from) = if fields.len() == 7 {
            (fields[1][11..16].to_owned(), fields[0], 2)
        } else {
            (fields[1].to_owned(), fields[2], 3)
        };
        let day: Vec<i32> = path.file_name().expect("a name").to_string_lossy()[..10]
            .split('-')
            .map(|part| part.parse().expect("a number"))
            .collect();
        let day = bijli_core::IstDay::from_ymd(day[0], day[1] as u32, day[2] as u32).expect("a date");
        let (hour, minute) = stamp.split_once(':').expect("HH:MM");
        let at =
            bijli_core::DurationNs::from_hm(hour.parse().expect("hour"), minute.parse().expect("minute"));
        let price = |offset: usize| fields[from + offset].parse::<f64>().expect("a price");
        let volume = fields[from + 4].parse().expect("a volume");
        let bar = ([price(0), price(1), price(2), price(3)], volume);
        bars.insert((day.at(at).get() / 60_000_000_000, symbol.to_owned()), bar);
    }
    bars
}

#[test]
fn the_recorded_feed_day_keeps_every_frame_of_every_instrument() {
    let Some(data) = data("the_recorded_feed_day_keeps_every_frame_of_every_instrument") else {
        return;
    };
    let path = data.join("upstox-feed/full_d5-2025-12-15");
    let (info, counts) = play(&path, |info, tick| {
        let option = info.instruments[tick.instrument as usize].kind.is_option();
        assert_eq!(tick.level_count, 5);
        assert_eq!(
            tick.oi > 0.0 && tick.iv > 0.0,
            option,
            "options alone have open interest and volatility"
        );
        assert!(tick.day.start_ms > 0 && tick.minute.start_ms > 0);
    });
    assert_eq!(info.data, DataKind::Real);
    let expected = [
        ("MAXHEALTH", 15_924),
        ("BHARATFORG", 11_445),
        ("PRESTIGE", 20_385),
        ("BANKNIFTY 59200 CE 30 DEC 25", 26_219),
        ("BANKNIFTY 59400 CE 30 DEC 25", 28_590),
        ("BANKNIFTY 59400 PE 30 DEC 25", 28_254),
        ("BANKNIFTY 59600 PE 30 DEC 25", 24_723),
        ("BANKNIFTY 59800 PE 30 DEC 25", 21_243),
        ("BANKNIFTY 60000 CE 30 DEC 25", 29_463),
    ];
    let found: Vec<(&str, u64)> = info
        .instruments
        .iter()
        .zip(counts.by_instrument.values())
        .map(|(row, count)| (row.symbol.as_str(), *count))
        .collect();
    assert_eq!(found, expected);
    let (first, last) = counts.span.expect("there were ticks");
    assert_eq!(
        (first.to_string().as_str(), last.to_string().as_str()),
        ("2025-12-15 09:32:53", "2025-12-15 15:43:58")
    );
    println!(
        "ahead at most {} ms, {} ticks over 2 s, {} odd, {} off tick",
        counts.ahead_max_ms, counts.ahead, counts.anomalies, counts.off_tick
    );
    assert!(counts.ahead * 1_000 < counts.ticks, "the lag is made up for");
}

#[test]
fn a_damaged_day_is_refused_with_file_line_and_column() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let cases = [
        (
            "2021-05-28.csv",
            "kind,symbol,timestamp,ltp,volume\nstock,X,2021-05-28 09:15:00,1.5,1\nstock,X,2021-05-28 09:15:01,oops,1\n",
            "line 3, column 29: expected a price",
        ),
        (
            "2021-05-29.csv",
            "kind,symbol,timestamp,ltp,volume\nstock,X,2021-05-29 09:15:00,1.5\n",
            "is no trading day",
        ),
        (
            "2021-06-01.csv",
            "kind,symbol,timestamp,ltp,volume\nstock,X,2021-06-01 09:15:00,1.5\n",
            "line 2, column 32: expected 5 fields",
        ),
        (
            "2021-06-02.csv",
            "kind,symbol,timestamp,ltp,volume\nstock,X,2021-06-02 09:15:00,1.5,1\nstock,Y,2021-06-02 09:15:00,1.5,1\nstock,X,2021-06-02 09:15:02,1.5,1\n",
            "line 4, column 7: expected a symbol whose rows lie together",
        ),
        (
            "2016-08-16.csv",
            "Code,Date,Open,High,Low,Close,Volume\nX,2016-08-16 09:16:00, 1, 2, 1, 2, 5\nX,2016-08-16 09:15:00, 1, 2, 1, 2, 5\n",
            "line 3, column 1: expected rows sorted by minute",
        ),
        (
            "2016-08-17.csv",
            "Code,Date,Open,High,Low,Close,Volume\nX,2016-08-17 09:16:00, 1, 1, 1, 2, 5\n",
            "line 2, column 26: expected a high and a low",
        ),
        ("2016-08-18.csv", "a,b,c\n1,2,3\n", "no known shape"),
    ];
    for (name, text, expected) in cases {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("it can be written");
        let error = day::open(&DaySpec::Path(path.clone()), 1)
            .err()
            .expect("it is refused")
            .to_string();
        assert!(error.contains(expected), "{name}: {error}");
        assert!(
            error.contains(name) || error.contains("is no trading day"),
            "{error}"
        );
    }
    let missing = day::open(&DaySpec::Path(directory.path().join("none")), 1)
        .err()
        .expect("refused");
    assert!(missing.to_string().contains("none"), "{missing}");
    let empty = day::open(&DaySpec::Path(directory.path().to_owned()), 1);
    assert!(empty.is_err(), "a directory without a recorded feed");
}

#[test]
fn a_zstd_stream_that_was_cut_is_named_as_such() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let text = "kind,symbol,timestamp,ltp,volume\n".to_owned()
        + &"stock,X,2021-05-28 09:15:00,1.5,1\n".repeat(9_999);
    let mut packed = zstd::encode_all(text.as_bytes(), 1).expect("memory takes it");
    packed.truncate(packed.len() / 2);
    let path = directory.path().join("2021-05-28.csv.zst");
    std::fs::write(&path, packed).expect("it can be written");
    let error = day::open(&DaySpec::Path(path), 1)
        .err()
        .expect("it is refused")
        .to_string();
    assert!(
        error.contains("whole zstd stream") && error.contains("2021-05-28.csv.zst, line "),
        "{error}"
    );
}
