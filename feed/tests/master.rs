//! The instrument master: small files by hand, broken ones, and the broker's real ones.

use std::fs::File;
use std::io::{Read, Write};
use std::time::Instant;

use bijli_core::instrument::{Instrument, InstrumentId, InstrumentKind, SectorId};
use bijli_core::price::Price;
use bijli_core::quantity::Qty;
use bijli_core::text::Text;
use bijli_core::time::IstDay;
use bijli_feed::KeyIndex;
use bijli_feed::upstox::master::{self, MasterError, MasterRow};
use bijli_feed::upstox::universe::{self, Universe};

#[path = "decode/market_data.rs"]
mod market_data;

const SMALL: &str = r#"[
 {"segment":"NSE_EQ","name":"RELIANCE INDUSTRIES LTD","isin":"INE002A01018","instrument_type":"EQ",
  "instrument_key":"NSE_EQ|INE002A01018","lot_size":1,"freeze_quantity":100000.0,"tick_size":10.0,
  "trading_symbol":"RELIANCE","short_name":null,"qty_multiplier":1.0,"something_new":{"a":[1,2]}},
 {"segment":"NSE_EQ","instrument_type":"N1","instrument_key":"NSE_EQ|INE002A08534","lot_size":1,
  "freeze_quantity":10.0,"tick_size":1.0,"trading_symbol":"RELIANCE","isin":null},
 {"segment":"NSE_INDEX","instrument_type":"INDEX","instrument_key":"NSE_INDEX|Nifty 50","trading_symbol":"NIFTY"},
 {"segment":"NSE_FO","instrument_type":"FUT","instrument_key":"NSE_FO|48704","lot_size":65,"freeze_quantity":3510.0,
  "tick_size":10.0,"expiry":1793125799000,"underlying_key":"NSE_INDEX|Nifty 50","asset_type":"INDEX",
  "trading_symbol":"NIFTY FUT 27 OCT 26","strike_price":0.0},
 {"segment":"NSE_FO","instrument_type":"CE","instrument_key":"NSE_FO|50978","lot_size":65,"freeze_quantity":3510.0,
  "tick_size":5.0,"expiry":1798568999000,"underlying_key":"NSE_INDEX|Nifty 50","asset_type":"INDEX",
  "trading_symbol":"NIFTY 27000 CE 29 DEC 26","strike_price":27000.5},
 {"segment":"NSE_FO","instrument_type":"FUT","instrument_key":"NSE_FO|1","lot_size":500,"freeze_quantity":20000.0,
  "tick_size":10.0,"expiry":1793125799000,"underlying_key":"NSE_EQ|INE002A01018","asset_type":"EQUITY",
  "trading_symbol":"RELIANCE FUT 27 OCT 26","strike_price":0.0}
]"#;

fn small() -> Vec<MasterRow> {
    master::rows(SMALL.as_bytes(), |_| true).expect("a good master")
}

fn table(universe: &Universe) -> Result<Vec<Instrument>, MasterError> {
    universe::instruments(&universe::select(&small(), universe)?)
}

fn keys(universe: &Universe) -> Vec<String> {
    let table = table(universe).expect("a good universe");
    table
        .iter()
        .map(|instrument| instrument.key.to_string())
        .collect()
}

fn listed(names: &[&str]) -> Universe {
    Universe::Listed(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn the_universe_is_what_futures_are_written_on() {
    assert_eq!(keys(&Universe::FutureStocks), ["NSE_EQ|INE002A01018"]);
    assert_eq!(
        keys(&Universe::FutureStocksAndIndices),
        ["NSE_INDEX|Nifty 50", "NSE_EQ|INE002A01018"]
    );
}

#[test]
fn a_list_names_keys_or_symbols_and_keeps_its_order() {
    assert_eq!(
        keys(&listed(&[
            "NSE_FO|50978",
            "RELIANCE",
            "NIFTY",
            "NSE_EQ|INE002A01018"
        ])),
        ["NSE_FO|50978", "NSE_EQ|INE002A01018", "NSE_INDEX|Nifty 50"]
    );
    let missing = table(&listed(&["RELIANC"])).expect_err("no such symbol");
    assert!(missing.to_string().contains("`RELIANC` is not in the master"));
    assert!(matches!(table(&listed(&[])), Err(MasterError::EmptyUniverse)));
}

#[test]
fn a_row_becomes_an_instrument_in_integers() {
    let table = table(&listed(&["NSE_INDEX|Nifty 50", "NSE_FO|50978", "NSE_FO|1"])).expect("good rows");
    let text = |text| Text::new(text).expect("short text");
    assert_eq!(
        table[1],
        Instrument {
            id: InstrumentId::new(1),
            kind: InstrumentKind::Call,
            underlying: InstrumentId::new(0),
            tick: Price::from_paise(5),
            lot: Qty::new(65),
            freeze: Qty::new(3510),
            prev_close: Price::NONE,
            expiry: IstDay::from_ymd(2026, 12, 29).expect("a real date"),
            strike: Price::from_paise(2_700_050),
            key: text("NSE_FO|50978"),
            symbol: text("NIFTY 27000 CE 29 DEC 26"),
            sector: SectorId::OTHER,
            lower_band: Price::NONE,
            upper_band: Price::NONE,
        }
    );
    assert_eq!(table[0].kind, InstrumentKind::Index);
    assert_eq!((table[0].tick, table[0].lot), (Price::from_paise(1), Qty::new(1)));
    assert_eq!(
        table[2].underlying,
        InstrumentId::new(2),
        "its own, the share is not watched"
    );
}

fn with_tick(row: &MasterRow, tick_size: f64) -> MasterRow {
    MasterRow {
        tick_size,
        ..row.clone()
    }
}

#[test]
fn a_row_that_cannot_be_an_instrument_names_its_field() {
    let good = &small()[4];
    for (field, row) in [
        ("tick_size", with_tick(good, 0.0)),
        ("tick_size", with_tick(good, 0.333)),
        (
            "lot_size",
            MasterRow {
                lot_size: f64::NAN,
                ..good.clone()
            },
        ),
        (
            "lot_size",
            MasterRow {
                lot_size: -1.0,
                ..good.clone()
            },
        ),
        (
            "freeze_quantity",
            MasterRow {
                freeze_quantity: 1e300,
                ..good.clone()
            },
        ),
        (
            "strike_price",
            MasterRow {
                strike_price: 0.0,
                ..good.clone()
            },
        ),
        (
            "expiry",
            MasterRow {
                expiry: 0,
                ..good.clone()
            },
        ),
        (
            "instrument_type",
            MasterRow {
                instrument_type: "XX".to_owned(),
                ..good.clone()
            },
        ),
        (
            "trading_symbol",
            MasterRow {
                trading_symbol: "x".repeat(41),
                ..good.clone()
            },
        ),
    ] {
        let error = universe::instruments(&[&row]).expect_err(field);
        let text = error.to_string();
        assert!(text.contains("`NSE_FO|50978`") && text.contains(field), "{text}");
    }
}

#[test]
fn a_broken_file_is_refused_with_its_place() {
    for (text, place) in [
        ("", "row 1, line 1, column 0"),
        ("{}", "row 1, line 1, column 1"),
        ("[1]", "row 1, line 1, column 2"),
        ("[{\"lot_size\":\"x\"}]", "row 1, line 1, column 16"),
        ("[{},\n {\"segment\": 5}]", "row 2, line 2, column 14"),
        ("[{},", "row 2, line 1, column 4"),
        ("[{}] x", "row 2, line 1, column 6"),
        ("<html>403</html>", "row 1, line 1, column 1"),
    ] {
        let error = master::read(text.as_bytes(), |_| {}).expect_err(text);
        assert!(error.to_string().contains(place), "{text}: {error}");
    }
}

#[test]
fn a_gzipped_file_reads_the_same_and_a_cut_one_is_refused() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(SMALL.as_bytes()).expect("memory");
    let packed = encoder.finish().expect("memory");
    assert_eq!(
        master::rows(packed.as_slice(), |_| true).expect("a good master"),
        small()
    );
    for cut in [3, packed.len() / 2, packed.len() - 9] {
        let error = master::read(&packed[..cut], |_| {}).expect_err("cut");
        assert!(matches!(error, MasterError::Io { .. }), "cut at {cut}: {error}");
    }
}

#[test]
fn a_file_of_endless_rows_is_refused() {
    let endless = b"[{}".chain(std::io::repeat(b' ').take(10)).chain(Rows(0));
    assert!(matches!(
        master::read(endless, |_| {}),
        Err(MasterError::TooManyRows)
    ));
}

/// `,{},{},{}` for ever.
struct Rows(usize);

impl Read for Rows {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        for byte in into.iter_mut() {
            *byte = b",{}"[self.0 % 3];
            self.0 += 1;
        }
        Ok(into.len())
    }
}

#[test]
fn a_table_finds_every_key_of_its_own_and_no_other() {
    let keys: Vec<String> = (0..5000)
        .map(|number| format!("NSE_FO|{number}"))
        .chain(["", "A", "NSE_EQ|INE002A01018", "NSE_INDEX|NIFTY100 Qualty30"].map(str::to_owned))
        .chain([format!("{:a<40}", "NSE_COM|")])
        .collect();
    let index = KeyIndex::of_keys(keys.iter().map(String::as_str));
    for (id, key) in (0..).zip(&keys) {
        assert_eq!(index.get(key.as_bytes()), Some(InstrumentId::new(id)), "{key}");
    }
    let foreign = [
        "NSE_FO|5000",
        "NSE_FO|",
        "NSE_FO|1\0",
        "nse_fo|1",
        "NSE_EQ|INE002A01019",
        "\0",
    ];
    for key in foreign.iter().map(|key| key.as_bytes()).chain([&[b'a'; 41][..]]) {
        assert_eq!(index.get(key), None, "{key:?}");
    }
}

#[test]
fn the_real_masters_are_read_whole_and_give_the_stocks_with_futures() {
    for (file, rows, stocks) in [
        ("upstox-complete-c2025-12-09.json.gz", 126_978, 209),
        ("upstox-NSE-2026-01-06.json.gz", 80_102, 208),
        ("upstox-NSE-2026-01-07.json.gz", 81_503, 208),
    ] {
        let Some(path) = market_data::file(
            &format!("instruments/{file}"),
            "the_real_masters_are_read_whole_and_give_the_stocks_with_futures",
        ) else {
            return;
        };
        let start = Instant::now();
        let mut all = Vec::new();
        let count = master::read(File::open(path).expect("a readable file"), |row| all.push(row));
        println!("{file}: {rows} rows in {:?}", start.elapsed());
        assert_eq!(count.expect("a sound master"), rows);

        let selected = universe::select(&all, &Universe::FutureStocks).expect("stocks");
        let table = universe::instruments(&selected).expect("sound rows");
        assert_eq!(table.len(), stocks);
        assert!(table.iter().all(|row| row.kind == InstrumentKind::Equity));
        let reliance = table.iter().find(|row| row.symbol.as_str() == "RELIANCE");
        assert_eq!(reliance.expect("a stock").tick, Price::from_paise(10));
        assert_eq!(KeyIndex::new(&table).instruments() as usize, stocks);

        let both = universe::select(&all, &Universe::FutureStocksAndIndices).expect("stocks and indices");
        let indices = both.len() - stocks;
        assert!((3..10).contains(&indices), "{indices} indices");
        let nse: Vec<_> = all
            .iter()
            .filter(|row| matches!(row.segment.as_str(), "NSE_EQ" | "NSE_FO" | "NSE_INDEX"))
            .collect();
        universe::instruments(&nse).expect("every row can be an instrument");
    }
}

#[test]
fn every_seed_of_the_corpus_and_its_mutations_are_read_without_a_panic() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/master");
    let mut seeds: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus stands in the repository")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    seeds.sort();
    let mut random = 0x00b1_711a_u64;
    let mut below = |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as usize % bound.max(1)
    };
    for seed in seeds {
        let seed = std::fs::read(seed).expect("a readable file");
        for round in 0..500 {
            let mut bytes = seed.clone();
            for _ in 0..round.min(3) {
                let at = below(bytes.len());
                bytes[at] ^= 1 << below(8);
            }
            if let Ok(rows) = master::rows(bytes.as_slice(), |_| true) {
                let all: Vec<_> = rows.iter().collect();
                let _good_or_bad = universe::instruments(&all);
                let _good_or_bad = universe::select(&rows, &Universe::FutureStocks);
            }
        }
    }
}
