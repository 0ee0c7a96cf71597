//! Every answer has the fields of the broker's model, all of them and no other.

use super::*;

const SIDE: &str = "instrument_key market_data option_greeks";
const MARKET: &str = "ask_price ask_qty bid_price bid_qty close_price ltp oi prev_oi volume";
const GREEKS: &str = "delta gamma iv pop theta vega";
const OHLC: &str = "close high low open";
const OHLC_V3: &str = "close high low open ts volume";
const FULL_V2: &str = "average_price depth instrument_token last_price last_trade_time lower_circuit_limit net_change ohlc oi oi_day_high oi_day_low symbol timestamp total_buy_quantity total_sell_quantity upper_circuit_limit volume";
const CONTRACT: &str = "exchange exchange_token expiry freeze_quantity instrument_key instrument_type lot_size minimum_lot name segment strike_price tick_size trading_symbol underlying_key underlying_symbol underlying_type weekly";

#[test]
fn quotes_have_the_fields_of_the_model_under_segment_and_symbol() {
    for (target, wanted) in [
        ("/v2/market-quote/ltp?symbol=", "instrument_token last_price"),
        (
            "/v3/market-quote/ltp?instrument_key=",
            "cp instrument_token last_price ltq volume",
        ),
        (
            "/v2/market-quote/ohlc?interval=1d&symbol=",
            "instrument_token last_price ohlc",
        ),
        (
            "/v3/market-quote/ohlc?interval=I1&instrument_key=",
            "instrument_token last_price live_ohlc prev_ohlc",
        ),
        (
            "/v3/market-quote/option-greek?instrument_key=",
            "cp delta gamma instrument_token iv last_price ltq oi theta vega volume",
        ),
        ("/v2/market-quote/quotes?symbol=", FULL_V2),
        (
            "/v3/market-quote/quotes?instrument_key=",
            "average_price cas_eligible depth indicative_equilibrium_price indicative_equilibrium_quantity indicative_imbalance_quantity_market indicative_imbalance_quantity_total instrument_token last_price last_trade_time lower_circuit_limit net_change ohlc oi oi_day_high oi_day_low prev_close_price previous_oi reference_price symbol timestamp total_buy_quantity total_sell_quantity upper_circuit_limit volume year_high year_low",
        ),
    ] {
        for (key, name) in [
            (SHARE, "NSE_EQ:AVINTASTL"),
            (INDEX, "NSE_INDEX:SIM 50"),
            ("NSE_FO%7C9000009", "NSE_FO:SIM5026AUGFUT"),
        ] {
            let (found, row) = only(&data(&format!("{target}{key}")));
            assert_eq!(found, name);
            assert_eq!(fields(&row), wanted, "{target}");
            assert_eq!(
                row["instrument_token"],
                key.replace("%7C", "|").replace("%20", " ")
            );
        }
    }
}

#[test]
fn a_full_quote_has_five_levels_iso_time_and_text_for_the_last_trade() {
    let (_, row) = only(&data(&format!("/v3/market-quote/quotes?instrument_key={SHARE}")));
    for side in ["buy", "sell"] {
        let levels = row["depth"][side].as_array().expect("levels");
        assert_eq!(levels.len(), 5);
        assert!(
            levels
                .iter()
                .all(|level| fields(level) == "orders price quantity")
        );
    }
    assert_eq!(row["timestamp"], "2026-07-31T12:00:00.000+05:30");
    let traded_ms: i64 = row["last_trade_time"]
        .as_str()
        .expect("text")
        .parse()
        .expect("digits");
    assert_eq!(TsNs::from_millis(traded_ms).ist_day(), day());
    assert_eq!(fields(&row["ohlc"]), OHLC_V3);
    let change = number(&row["last_price"]) - number(&row["prev_close_price"]);
    assert!((number(&row["net_change"]) - change).abs() < 0.006);
    assert!(number(&row["year_low"]) <= number(&row["ohlc"]["low"]));
    let (_, v2) = only(&data(&format!("/v2/market-quote/quotes?symbol={SHARE}")));
    assert_eq!(fields(&v2["ohlc"]), OHLC);
    let (_, index) = only(&data(&format!("/v2/market-quote/quotes?symbol={INDEX}")));
    let empty = index["depth"]["buy"].as_array().expect("levels");
    assert!(
        empty
            .iter()
            .all(|level| level["quantity"] == 0 && level["orders"] == 0)
    );
}

#[test]
fn option_answers_have_the_fields_that_were_recorded() {
    let chain = rows(&format!(
        "/v2/option/chain?expiry_date=2026-08-04&instrument_key={INDEX}"
    ));
    assert_eq!(chain.len(), 31);
    for row in &chain {
        let names = fields(row);
        assert_eq!(
            names.replace("pcr ", ""),
            "call_options expiry put_options strike_price underlying_key underlying_spot_price"
        );
        for side in ["call_options", "put_options"] {
            assert_eq!(fields(&row[side]), SIDE);
            assert_eq!(fields(&row[side]["market_data"]), MARKET);
            assert_eq!(fields(&row[side]["option_greeks"]), GREEKS);
        }
    }
    let contracts = rows(&format!("/v2/option/contract?instrument_key={INDEX}"));
    assert_eq!(contracts.len(), 4 * 62);
    assert!(
        contracts.iter().all(|row| fields(row) == CONTRACT),
        "{}",
        contracts[0]
    );
    let weekly = contracts.iter().filter(|row| row["weekly"] == true).count();
    assert_eq!(weekly, 2 * 62);
}

#[test]
fn calendar_answers_come_from_the_dated_tables() {
    for (exchange, status) in [
        ("NSE", "NORMAL_OPEN"),
        ("NFO", "NORMAL_OPEN"),
        ("BSE", "NORMAL_OPEN"),
        ("BFO", "NORMAL_OPEN"),
        ("CDS", "NORMAL_OPEN"),
        ("BCD", "NORMAL_OPEN"),
        ("MCX", "NORMAL_OPEN"),
        ("NSCOM", "NORMAL_OPEN"),
    ] {
        let row = data(&format!("/v2/market/status/{exchange}"));
        assert_eq!(fields(&row), "exchange last_updated status");
        assert_eq!(
            (&row["exchange"], &row["status"]),
            (&exchange.into(), &status.into())
        );
    }
    let holidays = rows("/v2/market/holidays");
    assert_eq!(
        holidays.len(),
        26,
        "25 of the exchange's list and one special session"
    );
    for row in &holidays {
        assert_eq!(
            fields(row),
            "closed_exchanges date description holiday_type open_exchanges"
        );
    }
    let day = |date: &str| rows(&format!("/v2/market/holidays/{date}"));
    assert_eq!(day("2026-07-31"), Vec::<Value>::new());
    let may = &day("2026-05-01")[0];
    assert_eq!(
        may["closed_exchanges"],
        serde_json::json!(["NSE", "NFO", "CDS", "BSE", "BFO", "BCD"])
    );
    let open = may["open_exchanges"].as_array().expect("rows");
    assert_eq!(open.len(), 2);
    let (from, to) = (&open[0]["start_time"], &open[0]["end_time"]);
    let text = |ms: &Value| TsNs::from_millis(ms.as_i64().expect("ms")).to_string();
    assert_eq!(
        (text(from), text(to)),
        ("2026-05-01 17:00:00".into(), "2026-05-01 23:30:00".into())
    );
    assert_eq!(day("2026-02-01")[0]["holiday_type"], "SPECIAL_TIMING");
    let close = |date: &str, exchange: &str| {
        let timings = rows(&format!("/v2/market/timings/{date}"));
        let row = timings.into_iter().find(|row| row["exchange"] == exchange)?;
        assert_eq!(fields(&row), "end_time exchange start_time");
        Some(text(&row["end_time"])[11..16].to_owned())
    };
    for (date, exchange, wanted) in [
        ("2026-07-31", "NSE", Some("15:30")),
        ("2026-08-03", "NSE", Some("15:15")),
        ("2026-08-03", "NFO", Some("15:40")),
        ("2026-08-03", "CDS", Some("17:00")),
        ("2026-11-20", "MCX", Some("23:55")),
        ("2026-11-24", "NSE", None),
        ("2026-08-02", "MCX", None),
    ] {
        assert_eq!(close(date, exchange).as_deref(), wanted, "{date} {exchange}");
    }
}

#[test]
fn flows_and_ranked_lists_have_their_shapes_and_order() {
    let flows = data("/v2/market/fii?interval=1D&data_type=NSE_FO%7CINDEX_OPTIONS,NSE_EQ%7CCASH");
    assert_eq!(fields(&flows), "NSE_EQ|CASH NSE_FO|INDEX_OPTIONS");
    let days = flows["NSE_EQ|CASH"].as_array().expect("rows");
    assert_eq!(days.len(), 30);
    assert_eq!(
        fields(&days[0]),
        "buy_amount buy_contracts oi_amount oi_contracts sell_amount sell_contracts time_stamp total_call_long_contracts total_call_short_contracts total_long_contracts total_put_long_contracts total_put_short_contracts total_short_contracts"
    );
    assert_eq!(
        fields(&data("/v2/market/dii?interval=1M&data_type=NSE_EQ%7CCASH")),
        "NSE_EQ|CASH"
    );
    for (list, category) in [
        ("options", "TOP_TRADED"),
        ("options", "UNDER_5000"),
        ("futures", "PREMIUM"),
    ] {
        let list = data(&format!(
            "/v2/market/smartlist/{list}?category={category}&page_size=3"
        ));
        assert_eq!(
            fields(&list),
            "asset_type category metric_key page_number page_size smartlist time_stamp total_pages"
        );
        let rows = list["smartlist"].as_array().expect("rows");
        let current: Vec<f64> = rows.iter().map(|row| number(&row["metric"]["current"])).collect();
        assert!(!current.is_empty() && current.len() <= 3, "{category}");
        assert!(current.is_sorted_by(|a, b| a >= b), "{category} {current:?}");
        assert_eq!(fields(&rows[0]), "instrument_key metric price");
    }
    assert_eq!(
        fields(&data("/v2/market/smartlist/mtf")["smartlist"][0]),
        "instrument_key mtf_percent price"
    );
}

#[test]
fn news_and_company_figures_have_their_shapes_and_say_that_they_are_simulated() {
    let news = data(&format!(
        "/v2/news?category=instrument_keys&instrument_keys={SHARE}"
    ));
    let (key, articles) = only(&news);
    assert_eq!(key, "NSE_EQ|INE9SIM00000");
    assert_eq!(
        fields(&articles[0]),
        "article_link heading published_time summary thumbnail"
    );
    assert!(
        articles[0]["heading"]
            .as_str()
            .expect("text")
            .contains("SIMULATED")
    );
    let isin = "/v2/fundamentals/INE9SIM00003";
    for (topic, wanted) in [
        (
            "profile",
            "company_profile sector sector_market_cap_inr sector_market_cap_usd",
        ),
        (
            "balance-sheet?fs=true",
            "full_statement history time_period type units_in",
        ),
        ("cash-flow", "cash_flow full_statement time_period type units_in"),
        (
            "income-statement?time_period=quarterly",
            "full_statement income_statement time_period type units_in",
        ),
    ] {
        let answer = data(&format!("{isin}/{topic}"));
        assert_eq!(fields(&answer), wanted, "{topic}");
        assert!(answer.to_string().contains("SIMULATED"), "{topic}");
    }
    for (topic, wanted) in [
        ("share-holdings", "category history"),
        ("key-ratios", "company_value name sector_value"),
        ("corporate-actions", "amount event_details expiry_date name ratio"),
    ] {
        let answer = rows(&format!("{isin}/{topic}"));
        assert_eq!(fields(&answer[0]), wanted, "{topic}");
        assert!(answer[0].to_string().contains("SIMULATED"), "{topic}");
    }
    let others = rows(&format!("/v2/fundamentals/{SHARE}/competitors"));
    assert_eq!(others.len(), 4);
    assert!(
        others
            .iter()
            .all(|row| row["instrument_key"] != "NSE_EQ|INE9SIM00000")
    );
}

#[test]
fn a_search_is_filtered_and_cut_into_pages() {
    let ask_page = |target: &str| {
        let (status, body) = ask(desk(), target);
        assert_eq!(status, 200, "{body}");
        body
    };
    let all = ask_page("/v2/instruments/search?query=SIM50&segments=OPT&records=30");
    assert_eq!(
        all["meta_data"]["page"],
        serde_json::json!({ "page_number": 1, "total_pages": 9, "records": 30, "total_records": 248 })
    );
    let last = ask_page("/v2/instruments/search?query=SIM50&segments=OPT&records=30&page_number=9");
    assert_eq!(last["data"].as_array().expect("rows").len(), 8);
    let spot = number(&only(&data(&format!("/v3/market-quote/ltp?instrument_key={INDEX}"))).1["last_price"]);
    let target = "/v2/instruments/search?query=sim50&instrument_types=CE&expiry=current_week&atm_offset=2";
    let found = ask_page(target)["data"].clone();
    assert_eq!(found.as_array().expect("rows").len(), 1);
    assert_eq!(found[0]["expiry"], "2026-08-04");
    let away = number(&found[0]["strike_price"]) - spot;
    assert!((75.0..=125.0).contains(&away), "{away}");
    assert!(fields(&found[0]).contains("cas_eligible"));
}
