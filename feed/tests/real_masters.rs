//! The broker's real masters: loaded whole, compared day over day, agreed with the exchange's own file, and every
//! contract found by each of its spellings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use bijli_core::instrument::InstrumentKind;
use bijli_core::price::Price;
use bijli_core::time::IstDay;
use bijli_feed::upstox::catalogue::acceptance::{Refusal, Terms, Warning, judge};
use bijli_feed::upstox::catalogue::difference::Difference;
use bijli_feed::upstox::catalogue::find::{Lookup, Style};
use bijli_feed::upstox::catalogue::{Catalogue, Listing};
use serde_json::Value;

#[path = "decode/market_data.rs"]
mod market_data;

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

fn day(year: i32, month: u32, day: u32) -> IstDay {
    IstDay::from_ymd(year, month, day).expect("a real date")
}

fn load(path: &Path) -> Catalogue {
    Catalogue::load(File::open(path).expect("a readable file")).expect("a sound master")
}

/// The rows by a parser that knows nothing of ours.
fn plainly(path: &Path) -> BTreeMap<String, Value> {
    let mut text = Vec::new();
    let mut packed = flate2::read::GzDecoder::new(File::open(path).expect("a readable file"));
    packed.read_to_end(&mut text).expect("a sound archive");
    let rows: Vec<Value> = serde_json::from_slice(&text).expect("an array");
    let key = |row: &Value| row["instrument_key"].as_str().expect("a key").to_owned();
    rows.into_iter().map(|row| (key(&row), row)).collect()
}

#[test]
fn the_real_masters_load_whole_and_pass_the_terms_of_their_day() {
    for (file, rows, on) in [
        ("upstox-complete-c2025-12-09.json.gz", 126_978, day(2025, 11, 25)),
        ("upstox-NSE-2026-01-06.json.gz", 80_102, day(2026, 1, 6)),
        ("upstox-NSE-2026-01-07.json.gz", 81_503, day(2026, 1, 7)),
    ] {
        let test = "the_real_masters_load_whole_and_pass_the_terms_of_their_day";
        let Some(path) = market_data::file(&format!("instruments/{file}"), test) else {
            return;
        };
        let start = Instant::now();
        let catalogue = load(&path);
        println!("{file}: {rows} rows in {:?}", start.elapsed());
        assert_eq!(catalogue.len(), rows);
        let warnings = judge(&catalogue, None, &Terms::of_day(on)).expect("a good master");
        let only_expired = |warning: &Warning| matches!(warning, Warning::Expired { .. });
        assert!(warnings.iter().all(only_expired), "{warnings:?}");
        let refusals = judge(&catalogue, None, &Terms::of_day(IstDay::new(on.get() + 60)));
        let stale = |refusal: &Refusal| matches!(refusal, Refusal::Stale { .. });
        assert!(refusals.expect_err("an old master").iter().any(stale));
    }
}

#[test]
fn the_difference_of_an_expiry_day_and_the_day_after_reads_right() {
    let test = "the_difference_of_an_expiry_day_and_the_day_after_reads_right";
    let file = |day| market_data::file(&format!("instruments/upstox-NSE-{day}.json.gz"), test);
    let (Some(first), Some(second)) = (file("2026-01-06"), file("2026-01-07")) else {
        return;
    };
    let (old, new) = (load(&first), load(&second));
    let difference = Difference::between(&old, &new);
    let (plain_old, plain_new) = (plainly(&first), plainly(&second));
    let without = |of: &BTreeMap<String, Value>, other: &BTreeMap<String, Value>| -> BTreeSet<String> {
        of.keys()
            .filter(|key| !other.contains_key(*key))
            .cloned()
            .collect()
    };
    let keys = |catalogue: &Catalogue, ids: &[_]| -> BTreeSet<String> {
        ids.iter()
            .map(|id| catalogue.listing(*id).key().to_owned())
            .collect()
    };
    let gone = without(&plain_old, &plain_new);
    let end_of_day_ms = i64::from(day(2026, 1, 6).get()) * 86_400_000 + 66_599_000;
    let (expired, removed): (BTreeSet<String>, BTreeSet<String>) = gone
        .into_iter()
        .partition(|key| plain_old[key]["expiry"].as_i64() == Some(end_of_day_ms));
    assert_eq!((expired.len(), removed.len()), (166, 1));
    assert_eq!(keys(&old, &difference.expired), expired);
    assert_eq!(keys(&old, &difference.removed), removed);
    assert!(
        difference
            .expired
            .iter()
            .all(|id| old.listing(*id).underlying() == "NIFTY")
    );
    let listed = without(&plain_new, &plain_old);
    assert_eq!(listed.len(), 1_568);
    assert_eq!(keys(&new, &difference.listed), listed);
    let weekly = |id: &&_| new.listing(**id).expiry() == Some(day(2026, 2, 10));
    assert_eq!(
        difference.listed.iter().filter(weekly).count(),
        142,
        "the new weekly of NIFTY"
    );
    assert!(
        !old.iter()
            .any(|row| row.segment() == "NSE_FO" && row.expiry() == Some(day(2026, 2, 10)))
    );
    let differing = plain_old
        .iter()
        .filter(|(key, row)| plain_new.get(*key).is_some_and(|new| new != *row));
    assert_eq!(differing.count(), 0);
    assert_eq!(difference.changed, []);
    let warnings = judge(&new, Some(&old), &Terms::of_day(day(2026, 1, 7))).expect("the next day's master");
    assert_eq!(warnings, [Warning::Removed { count: 1 }]);
}

#[test]
fn every_derivative_of_a_day_agrees_with_the_exchange_on_number_lot_and_strike() {
    let test = "every_derivative_of_a_day_agrees_with_the_exchange_on_number_lot_and_strike";
    let (Some(master), Some(exchange)) = (
        market_data::file("instruments/upstox-NSE-2026-01-06.json.gz", test),
        market_data::file("nse-fo-bhavcopy-udiff/2026-01-06.csv.zst", test),
    ) else {
        return;
    };
    let catalogue = load(&master);
    let packed = std::fs::read(exchange).expect("a readable file");
    let text = String::from_utf8(zstd::decode_all(&packed[..]).expect("sound")).expect("text");
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().expect("a head").split(',').collect();
    let column = |name: &str| head.iter().position(|column| *column == name).expect(name);
    let (token, strike, lot) = (column("FinInstrmId"), column("StrkPric"), column("NewBrdLotQty"));
    let (symbol, expiry, kind) = (column("TckrSymb"), column("XpryDt"), column("OptnTp"));
    let rows: BTreeMap<&str, Vec<&str>> = lines
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|row| (row[token], row))
        .collect();
    let mut agreed = 0;
    for listing in catalogue.iter().filter(|listing| listing.segment() == "NSE_FO") {
        let row = &rows[listing.token()];
        let rupees: f64 = row[strike].parse().unwrap_or(0.0);
        assert_eq!(listing.lot().get().to_string(), row[lot], "{}", listing.symbol());
        assert_eq!(
            listing.strike().get(),
            (rupees * 10_000.0).round() as i64,
            "{}",
            listing.symbol()
        );
        assert_eq!(listing.underlying(), row[symbol], "{}", listing.symbol());
        assert_eq!(
            listing.expiry().map(|day| day.to_string()).as_deref(),
            Some(row[expiry]),
            "{}",
            listing.symbol()
        );
        let mark = if row[kind].is_empty() { "FUT" } else { row[kind] };
        assert_eq!(listing.instrument_type(), mark);
        agreed += 1;
    }
    assert_eq!(agreed, 38_126);
}

/// Every spelling of a derivative that another house uses, with the style it is.
fn spellings(listing: &Listing<'_>, last_of_month: bool) -> Vec<(String, Option<Style>)> {
    let (y, m, d) = listing.expiry().expect("a derivative").ymd();
    let month = MONTHS[m as usize - 1];
    let (yy, name, kind) = (y % 100, listing.underlying(), listing.instrument_type());
    let strike = match listing.strike() {
        Price::NONE => String::new(),
        strike => {
            let (rupees, rest) = (strike.get() / 10_000, strike.get() % 10_000);
            let text = format!("{rupees}.{rest:04}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    };
    let mut all = vec![
        (listing.key().to_owned(), Some(Style::Key)),
        (listing.symbol().to_owned(), Some(Style::TradingSymbol)),
        (
            listing.symbol().to_lowercase().replace(' ', ""),
            Some(Style::TradingSymbol),
        ),
        (format!("NSE_FO|{}", listing.symbol()), Some(Style::TradingSymbol)),
        (format!("{name}{yy:02}{m:02}{d:02}{strike}{kind}"), None),
        (format!("{name}{d:02}{month}{yy:02}{strike}{kind}"), None),
        (format!("NFO:{name} {d:02}{month}{yy:02} {strike} {kind}"), None),
    ];
    let sign = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "O", "N", "D"][m as usize - 1];
    all.push((format!("{name}{yy:02}{sign}{d:02}{strike}{kind}"), None));
    if last_of_month {
        all.push((format!("{name}{yy:02}{month}{strike}{kind}"), None));
    }
    all
}

#[test]
fn every_spelling_of_every_derivative_leads_back_to_it() {
    let test = "every_spelling_of_every_derivative_leads_back_to_it";
    let Some(path) = market_data::file("instruments/upstox-NSE-2026-01-06.json.gz", test) else {
        return;
    };
    let catalogue = load(&path);
    let today = day(2026, 1, 6);
    let derivatives: Vec<Listing<'_>> = catalogue
        .iter()
        .filter(|listing| listing.segment() == "NSE_FO")
        .collect();
    let mut last: BTreeMap<(String, bool, i32, u32), IstDay> = BTreeMap::new();
    let month = |listing: &Listing<'_>| {
        let (y, m, _) = listing.expiry().expect("a derivative").ymd();
        let future = listing.kind() == Some(InstrumentKind::Future);
        (listing.underlying().to_owned(), future, y, m)
    };
    for listing in &derivatives {
        let expiry = listing.expiry().expect("a derivative");
        let known = last.entry(month(listing)).or_insert(expiry);
        *known = expiry.max(*known);
    }
    let (mut asked, mut ambiguous) = (0_u32, Vec::new());
    for listing in &derivatives {
        let last_of_month = Some(last[&month(listing)]) == listing.expiry();
        for (text, style) in spellings(listing, last_of_month) {
            asked += 1;
            match catalogue.find(&text, today, 0) {
                Lookup::Found { id, style: found, .. } => {
                    assert_eq!(catalogue.listing(id).key(), listing.key(), "{text}");
                    assert!(style.is_none_or(|style| style == found), "{text}: {found:?}");
                }
                Lookup::Ambiguous { ids, .. } => {
                    assert!(ids.contains(&listing.id), "{text}");
                    ambiguous.push(text);
                }
                Lookup::Missing { .. } => panic!("{text} is not found: {}", listing.symbol()),
            }
        }
    }
    println!(
        "{asked} spellings of {} derivatives, {} ambiguous: {ambiguous:?}",
        derivatives.len(),
        ambiguous.len()
    );
    assert_eq!(derivatives.len(), 38_126);
    assert_eq!(ambiguous, Vec::<String>::new());
    for (nth, expiry) in [
        ("I", day(2026, 1, 27)),
        ("II", day(2026, 2, 24)),
        ("III", day(2026, 3, 30)),
    ] {
        let Lookup::Found { id, .. } = catalogue.find(&format!("NIFTY-{nth}"), today, 0) else {
            panic!("NIFTY-{nth} is found");
        };
        assert_eq!(catalogue.listing(id).expiry(), Some(expiry));
    }
}
