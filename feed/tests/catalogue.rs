//! The catalogue of a day by hand: every spelling finds its contract, nothing is guessed, a bad file is refused.

use bijli_core::time::IstDay;
use bijli_feed::upstox::catalogue::Catalogue;
use bijli_feed::upstox::catalogue::acceptance::{Refusal, Terms, Warning, judge};
use bijli_feed::upstox::catalogue::difference::{Difference, Field};
use bijli_feed::upstox::catalogue::find::{Lookup, Style};
use bijli_feed::upstox::master::MasterError;

fn day(year: i32, month: u32, day: u32) -> IstDay {
    IstDay::from_ymd(year, month, day).expect("a real date")
}

fn today() -> IstDay {
    day(2025, 12, 2)
}

/// A derivative: segment, token, underlying, strike (0 for a future), CE, PE or FUT, expiry, lot.
struct Contract(&'static str, u32, &'static str, f64, &'static str, IstDay, u32);

impl Contract {
    fn json(&self) -> String {
        let Self(segment, token, underlying, strike, kind, expiry, lot) = self;
        let months = [
            "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
        ];
        let (y, m, d) = expiry.ymd();
        let date = format!("{d:02} {} {:02}", months[m as usize - 1], y % 100);
        let symbol = if *kind == "FUT" {
            format!("{underlying} FUT {date}")
        } else {
            format!("{underlying} {strike} {kind} {date}")
        };
        let expiry_ms = i64::from(expiry.get()) * 86_400_000 + 66_599_000;
        format!(
            r#"{{"segment":"{segment}","instrument_key":"{segment}|{token}","exchange_token":"{token}","instrument_type":"{kind}",
            "trading_symbol":"{symbol}","name":"{underlying}","underlying_symbol":"{underlying}","strike_price":{strike},
            "expiry":{expiry_ms},"lot_size":{lot},"freeze_quantity":1800.0,"tick_size":5.0}}"#
        )
    }
}

const PLAIN: &str = r#"
 {"segment":"NSE_INDEX","instrument_type":"INDEX","instrument_key":"NSE_INDEX|Nifty 50","exchange_token":"26000","name":"Nifty 50","trading_symbol":"NIFTY"},
 {"segment":"NSE_INDEX","instrument_type":"INDEX","instrument_key":"NSE_INDEX|Nifty Bank","exchange_token":"26009","name":"Nifty Bank","trading_symbol":"BANKNIFTY"},
 {"segment":"NSE_INDEX","instrument_type":"INDEX","instrument_key":"NSE_INDEX|NIFTY MID SELECT","exchange_token":"26074","name":"NIFTY MID SELECT","trading_symbol":"MIDCPNIFTY"},
 {"segment":"NSE_EQ","instrument_type":"EQ","instrument_key":"NSE_EQ|INE002A01018","isin":"INE002A01018","exchange_token":"2885","name":"RELIANCE INDUSTRIES LTD","trading_symbol":"RELIANCE","lot_size":1,"tick_size":10.0,"freeze_quantity":100000.0},
 {"segment":"BSE_EQ","instrument_type":"A","instrument_key":"BSE_EQ|INE002A01018","isin":"INE002A01018","exchange_token":"500325","name":"RELIANCE INDUSTRIES LTD.","trading_symbol":"RELIANCE","lot_size":1,"tick_size":5.0,"freeze_quantity":100000.0},
 {"segment":"NSE_EQ","instrument_type":"EQ","instrument_key":"NSE_EQ|INE917I01010","isin":"INE917I01010","exchange_token":"16669","name":"BAJAJ AUTO LIMITED","trading_symbol":"BAJAJ-AUTO","lot_size":1,"tick_size":50.0,"freeze_quantity":100000.0},
 {"segment":"NSE_EQ","instrument_type":"EQ","instrument_key":"NSE_EQ|INE101A01026","isin":"INE101A01026","exchange_token":"2031","name":"MAHINDRA & MAHINDRA LTD","trading_symbol":"M&M","lot_size":1,"tick_size":10.0,"freeze_quantity":100000.0},
 {"segment":"NSE_EQ","instrument_type":"EQ","instrument_key":"NSE_EQ|INE009A01021","isin":"INE009A01021","exchange_token":"1594","name":"INFOSYS LIMITED","trading_symbol":"INFY","lot_size":1,"tick_size":10.0,"freeze_quantity":100000.0}"#;

fn contracts() -> Vec<Contract> {
    let (week, month, january) = (day(2025, 12, 9), day(2025, 12, 30), day(2026, 1, 27));
    vec![
        Contract("NSE_FO", 101, "NIFTY", 26000.0, "CE", week, 75),
        Contract("NSE_FO", 102, "NIFTY", 26000.0, "PE", week, 75),
        Contract("NSE_FO", 103, "NIFTY", 26000.0, "CE", month, 75),
        Contract("NSE_FO", 104, "NIFTY", 26050.0, "CE", week, 75),
        Contract("NSE_FO", 105, "BANKNIFTY", 59400.0, "PE", month, 35),
        Contract("NSE_FO", 106, "NIFTY", 0.0, "FUT", month, 75),
        Contract("NSE_FO", 107, "NIFTY", 0.0, "FUT", january, 65),
        Contract("NSE_FO", 108, "RELIANCE", 0.0, "FUT", january, 500),
        Contract("NSE_FO", 109, "IREDA", 167.5, "PE", january, 3450),
        Contract("NSE_FO", 110, "BAJAJ-AUTO", 0.0, "FUT", january, 75),
        Contract("NCD_FO", 201, "USDINR", 0.0, "FUT", month, 1),
        Contract("BCD_FO", 301, "USDINR", 0.0, "FUT", month, 1),
        Contract("MCX_FO", 2885, "GOLD", 0.0, "FUT", day(2026, 2, 5), 1),
    ]
}

fn text(plain: &str, contracts: &[Contract]) -> String {
    let rows: Vec<String> = contracts.iter().map(Contract::json).collect();
    format!("[{plain},{}]", rows.join(","))
}

fn load(text: &str) -> Catalogue {
    Catalogue::load(text.as_bytes()).expect("a good master")
}

fn small() -> Catalogue {
    load(&text(PLAIN, &contracts()))
}

fn terms() -> Terms {
    Terms {
        rows_min: 5,
        ..Terms::of_day(today())
    }
}

#[test]
fn every_spelling_finds_its_contract() {
    let catalogue = small();
    for (text, key, style) in [
        ("NSE_FO|101", "NSE_FO|101", Style::Key),
        ("nse_index|nifty 50", "NSE_INDEX|Nifty 50", Style::Spelling),
        ("101", "NSE_FO|101", Style::Token),
        ("INE009A01021", "NSE_EQ|INE009A01021", Style::Isin),
        ("NIFTY 26000 CE 09 DEC 25", "NSE_FO|101", Style::TradingSymbol),
        ("nifty26000ce09dec25", "NSE_FO|101", Style::TradingSymbol),
        ("NIFTY25D0926000CE", "NSE_FO|101", Style::ExchangeWeek),
        ("nifty 25D09 26000 pe", "NSE_FO|102", Style::ExchangeWeek),
        ("NIFTY25DEC26000CE", "NSE_FO|103", Style::ExchangeMonth),
        ("BANKNIFTY25DEC59400PE", "NSE_FO|105", Style::ExchangeMonth),
        ("NFO:BANKNIFTY25DEC59400PE", "NSE_FO|105", Style::ExchangeMonth),
        ("RELIANCE26JANFUT", "NSE_FO|108", Style::ExchangeMonth),
        ("IREDA26JAN167.5PE", "NSE_FO|109", Style::ExchangeMonth),
        ("NIFTY25120926000CE", "NSE_FO|101", Style::SixDigits),
        ("NIFTY09DEC2526000CE", "NSE_FO|101", Style::DayMonthYear),
        ("NIFTY09DEC2526000CE.NFO", "NSE_FO|101", Style::DayMonthYear),
        ("NIFTY 09 DEC 2025 CE 26000", "NSE_FO|101", Style::DayMonthYear),
        ("NIFTY-I", "NSE_FO|106", Style::Continuous),
        ("NIFTY-II", "NSE_FO|107", Style::Continuous),
        ("BAJAJ_AUTO 26JAN FUT", "NSE_FO|110", Style::ExchangeMonth),
        ("BAJAJAUTO26JANFUT", "NSE_FO|110", Style::ExchangeMonth),
        ("Nifty 50", "NSE_INDEX|Nifty 50", Style::Spelling),
        ("NIFTY50", "NSE_INDEX|Nifty 50", Style::Spelling),
        ("NIFTY", "NSE_INDEX|Nifty 50", Style::TradingSymbol),
        ("NIFTY BANK", "NSE_INDEX|Nifty Bank", Style::Spelling),
        (
            "nifty midcap select",
            "NSE_INDEX|NIFTY MID SELECT",
            Style::Spelling,
        ),
        ("CNX NIFTY", "NSE_INDEX|Nifty 50", Style::Spelling),
        ("INFY-EQ", "NSE_EQ|INE009A01021", Style::TradingSymbol),
        ("NSE:INFY", "NSE_EQ|INE009A01021", Style::TradingSymbol),
        ("INFY.NS", "NSE_EQ|INE009A01021", Style::TradingSymbol),
        ("infosys limited", "NSE_EQ|INE009A01021", Style::Spelling),
        ("BAJAJ_AUTO", "NSE_EQ|INE917I01010", Style::Spelling),
        ("MM", "NSE_EQ|INE101A01026", Style::Spelling),
        ("CDS:USDINR25DECFUT", "NCD_FO|201", Style::ExchangeMonth),
        ("MCX:GOLD-I", "MCX_FO|2885", Style::Continuous),
    ] {
        let found = match catalogue.find(text, today(), 3) {
            Lookup::Found { id, style, .. } => (catalogue.listing(id).key(), style),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(found, (key, style), "{text}");
    }
}

#[test]
fn a_symbol_in_the_place_of_a_key_is_found_and_marked_as_what_the_feed_rejects() {
    let catalogue = small();
    for (old, key) in [
        ("NSE_EQ|INFY", "NSE_EQ|INE009A01021"),
        ("NSE_EQ|RELIANCE", "NSE_EQ|INE002A01018"),
        ("NSE_FO|NIFTY25D0926000CE", "NSE_FO|101"),
        ("NSE_FO|BANKNIFTY25DEC59400PE", "NSE_FO|105"),
        ("NSE_INDEX|NIFTY 50", "NSE_INDEX|Nifty 50"),
        ("NSE_INDEX|BANKNIFTY", "NSE_INDEX|Nifty Bank"),
    ] {
        let Lookup::Found { id, rejected_key, .. } = catalogue.find(old, today(), 3) else {
            panic!("{old} is found");
        };
        assert_eq!((catalogue.listing(id).key(), rejected_key), (key, true));
    }
}

#[test]
fn one_name_in_two_places_is_told_or_chosen_by_the_exchange() {
    let catalogue = small();
    let keys = |ids: &[_]| {
        ids.iter()
            .map(|id| catalogue.listing(*id).key())
            .collect::<Vec<_>>()
    };
    for text in ["RELIANCE", "INE002A01018"] {
        let Lookup::Found { id, also, .. } = catalogue.find(text, today(), 3) else {
            panic!("{text} is found");
        };
        assert_eq!(catalogue.listing(id).key(), "NSE_EQ|INE002A01018");
        assert_eq!(keys(&also), ["BSE_EQ|INE002A01018"]);
    }
    for (text, both) in [
        ("USDINR25DECFUT", ["NCD_FO|201", "BCD_FO|301"]),
        ("2885", ["NSE_EQ|INE002A01018", "MCX_FO|2885"]),
    ] {
        let Lookup::Ambiguous { ids, .. } = catalogue.find(text, today(), 3) else {
            panic!("{text} stands for two");
        };
        assert_eq!(keys(&ids), both);
    }
}

#[test]
fn what_is_not_there_brings_the_nearest() {
    let catalogue = small();
    for (text, nearest) in [
        ("NIFTY25D0926100CE", &["NSE_FO|104", "NSE_FO|101"][..]),
        ("NIFTY25D1026000CE", &["NSE_FO|101", "NSE_FO|104"]),
        ("NIFTTY25D0926000CE", &["NSE_FO|101", "NSE_FO|104"]),
        ("RELIANC", &["NSE_EQ|INE002A01018", "BSE_EQ|INE002A01018"]),
        ("INFOSYS", &["NSE_EQ|INE009A01021"]),
        ("NIFTY 26000 CE", &["NSE_FO|101", "NSE_FO|103"]),
        ("", &[]),
        ("|", &[]),
        ("\u{20b9}\u{20b9}\u{20b9}", &[]),
        ("99999999999999999999", &[]),
    ] {
        let Lookup::Missing { nearest: found } = catalogue.find(text, today(), 2) else {
            panic!("{text} is nobody's name");
        };
        let keys: Vec<&str> = found.iter().map(|id| catalogue.listing(*id).key()).collect();
        assert_eq!(keys, nearest, "{text}");
    }
}

#[test]
fn a_key_that_stands_twice_or_a_number_that_is_none_refuses_the_file() {
    let mut doubled = contracts();
    doubled.push(Contract("NSE_FO", 101, "NIFTY", 1.0, "CE", today(), 75));
    let error = Catalogue::load(text(PLAIN, &doubled).as_bytes()).expect_err("doubled");
    assert!(matches!(error, MasterError::DoubledKey { key } if key == "NSE_FO|101"));
    for (was, bad, field) in [
        ("\"lot_size\":75", "\"lot_size\":-75", "lot_size"),
        ("\"lot_size\":75", "\"lot_size\":7.5", "lot_size"),
        ("\"strike_price\":26000", "\"strike_price\":1e300", "strike_price"),
        ("\"tick_size\":5.0", "\"tick_size\":0.001", "tick_size"),
        ("\"segment\":\"NSE_FO\"", "\"segment\":\"\"", "segment"),
    ] {
        let text = text(PLAIN, &contracts()).replacen(was, bad, 1);
        let error = Catalogue::load(text.as_bytes()).expect_err(bad).to_string();
        assert!(error.contains(field), "{error}");
    }
}

#[test]
fn a_bomb_is_refused_long_before_it_fills_the_memory() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(
        &mut std::io::Read::chain(&b"["[..], std::io::Read::take(std::io::repeat(b' '), 300 << 20)),
        &mut packed,
    )
    .expect("memory");
    let packed = packed.finish().expect("memory");
    assert!(packed.len() < 4 << 20, "{} bytes", packed.len());
    assert!(matches!(Catalogue::load(&packed[..]), Err(MasterError::TooLong)));
    let endless = format!("[{{\"name\":\"{}", "x".repeat(1 << 20));
    let error = Catalogue::load(endless.as_bytes()).expect_err("a row without end");
    assert!(
        error.to_string().contains("longer than any instrument's"),
        "{error}"
    );
}

#[test]
fn a_changed_lot_is_accepted_and_told_with_both_values() {
    let old = small();
    let changed = text(PLAIN, &contracts()).replacen("\"lot_size\":75", "\"lot_size\":65", 1);
    let new = load(&changed);
    let difference = Difference::between(&old, &new);
    let told: Vec<String> = difference.changed.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["NIFTY 26000 CE 09 DEC 25 (NSE_FO|101): lot 75 -> 65"]);
    assert_eq!(difference.changes_of("NSE_FO|101").count(), 1);
    assert_eq!(difference.changes_of("NSE_FO|102").count(), 0);
    assert_eq!((difference.expired.len(), difference.listed.len()), (0, 0));
    let warnings = judge(&new, Some(&old), &terms()).expect("the exchange may change a lot");
    assert_eq!(warnings, [Warning::Changed(difference.changed[0].clone())]);
    assert_eq!(difference.changed[0].field, Field::Lot);
}

#[test]
fn expired_removed_listed_and_renumbered_contracts_are_told_apart() {
    let old = small();
    let mut later = contracts();
    later.retain(|contract| contract.5 > day(2025, 12, 9) && contract.1 != 109);
    // The exchange gives a number of an expired contract to another one.
    later.push(Contract(
        "NSE_FO",
        101,
        "NIFTY",
        27000.0,
        "CE",
        day(2025, 12, 16),
        75,
    ));
    let new = load(&text(PLAIN, &later));
    let difference = Difference::between(&old, &new);
    let keys = |catalogue: &Catalogue, ids: &[_]| -> Vec<String> {
        ids.iter()
            .map(|id| catalogue.listing(*id).key().to_owned())
            .collect()
    };
    assert_eq!(
        keys(&old, &difference.expired),
        ["NSE_FO|101", "NSE_FO|102", "NSE_FO|104"]
    );
    assert_eq!(keys(&old, &difference.removed), ["NSE_FO|109"]);
    assert_eq!(keys(&new, &difference.listed), ["NSE_FO|101"]);
    assert_eq!(difference.changed, []);
}

#[test]
fn a_file_that_is_empty_small_old_or_short_of_a_segment_is_refused_with_every_reason() {
    let good = small();
    assert_eq!(judge(&good, None, &terms()), Ok(Vec::new()));
    let reasons = |new: &Catalogue, last: Option<&Catalogue>, terms: &Terms| -> Vec<String> {
        let refusals: Vec<Refusal> = judge(new, last, terms).expect_err("a bad master");
        refusals.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        reasons(&load("[]"), None, &terms()),
        [
            "0 rows, but a whole master has at least 5",
            "`NSE_INDEX|Nifty 50` is not in it",
            "`NSE_INDEX|Nifty Bank` is not in it",
            "no derivative expires within 40 days",
        ]
    );
    let mut short = contracts();
    short.retain(|contract| contract.0 != "MCX_FO" && contract.1 != 102);
    assert_eq!(
        reasons(&load(&text(PLAIN, &short)), Some(&good), &terms()),
        ["MCX_FO: of 1 contracts that have not expired 0 are left"]
    );
    let old = Terms {
        day: day(2025, 12, 29),
        ..terms()
    };
    assert_eq!(
        reasons(&good, None, &old),
        ["NSE_FO: 3 of 10 contracts expired before the day: the file is old"]
    );
    let no_lot = text(PLAIN, &contracts())
        .replace("\"lot_size\":75", "\"lot_size\":0")
        .replacen("\"tick_size\":10.0", "\"tick_size\":0", 1);
    assert_eq!(
        reasons(&load(&no_lot), None, &terms()),
        [
            "`NSE_FO|101` has no lot (6 such rows)",
            "`NSE_EQ|INE002A01018` has no tick (1 such rows)"
        ]
    );
}
