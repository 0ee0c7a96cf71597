//! Chain, open interest, ratio and pain against sums done by hand.

use super::*;

fn chain(expiry: &str) -> Vec<Value> {
    rows(&format!(
        "/v2/option/chain?expiry_date={expiry}&instrument_key={INDEX}"
    ))
}

fn side(row: &Value, side: &str, field: &str) -> f64 {
    number(&row[side]["market_data"][field])
}

#[test]
fn a_call_less_its_put_differs_between_strikes_by_the_discounted_step() {
    for expiry in [
        "2026-08-04",
        "2026-08-25",
        "2026-09-29",
        "current_week",
        "next_month",
    ] {
        let rows = chain(expiry);
        let gap = |row: &Value| side(row, "call_options", "ltp") - side(row, "put_options", "ltp");
        for pair in rows.windows(2) {
            let step = number(&pair[1]["strike_price"]) - number(&pair[0]["strike_price"]);
            let moved = gap(&pair[0]) - gap(&pair[1]);
            // Interest takes at most about a percent off a step; four prices are rounded to the grid.
            assert!(
                moved <= step + 0.11 && moved >= step * 0.985 - 0.11,
                "{moved} of {step}"
            );
        }
        let spot = number(&rows[15]["underlying_spot_price"]);
        let forward = number(&rows[15]["strike_price"]) + gap(&rows[15]);
        assert!(forward > spot && forward < spot * 1.02, "{forward} {spot}");
    }
}

#[test]
fn the_chain_is_in_percent_and_the_quote_in_fractions_and_both_are_one_market() {
    let row = &chain("2026-08-25")[12];
    let call = &row["call_options"];
    let key = call["instrument_key"]
        .as_str()
        .expect("a key")
        .replace('|', "%7C");
    let (name, quote) = only(&data(&format!(
        "/v3/market-quote/option-greek?instrument_key={key}"
    )));
    assert!(
        name.starts_with("NSE_FO:SIM5026AUG") && name.ends_with("CE"),
        "{name}"
    );
    assert!((number(&quote["iv"]) * 100.0 - number(&call["option_greeks"]["iv"])).abs() < 0.006);
    assert_eq!(quote["last_price"], call["market_data"]["ltp"]);
    assert_eq!(quote["oi"], call["market_data"]["oi"]);
    assert_eq!(quote["delta"], call["option_greeks"]["delta"]);
    let put = &row["put_options"]["option_greeks"];
    assert!((number(&quote["delta"]) - number(&put["delta"]) - 1.0).abs() < 0.001);
    assert!((number(&put["iv"]) - number(&call["option_greeks"]["iv"])).abs() < 1e-9);
    assert!((0.0..=100.0).contains(&number(&put["pop"])));
}

#[test]
fn ratio_and_pain_equal_those_of_the_open_interest_that_is_told() {
    let question = format!("instrument_key={INDEX}&expiry=2026-08-04&date=2026-07-31");
    let open = data(&format!("/v2/market/oi?{question}"));
    assert_eq!(
        fields(&open),
        "call_put_oi_data_list expiry spot_closing_price total_calls total_puts"
    );
    assert_eq!(open["expiry"], "04-08-2026");
    let list = open["call_put_oi_data_list"].as_array().expect("rows");
    let strikes: Vec<(f64, i64, i64)> = list
        .iter()
        .map(|row| {
            let units = |name: &str| row[name].as_i64().expect("units");
            (number(&row["strike_price"]), units("call_oi"), units("put_oi"))
        })
        .collect();
    let (calls, puts) = strikes
        .iter()
        .fold((0, 0), |(calls, puts), row| (calls + row.1, puts + row.2));
    assert_eq!(
        (&open["total_calls"], &open["total_puts"]),
        (&calls.into(), &puts.into())
    );
    let paid = |price: f64| -> f64 {
        let of = |(strike, calls, puts): &(f64, i64, i64)| {
            if price > *strike {
                (price - strike) * *calls as f64
            } else {
                (strike - price) * *puts as f64
            }
        };
        strikes.iter().map(of).sum()
    };
    let pain = data(&format!("/v2/market/max-pain?bucket_interval=60&{question}"));
    let least = strikes.iter().map(|row| paid(row.0)).fold(f64::MAX, f64::min);
    assert_eq!(paid(number(&pain["max_pain"])), least);
    let ratio = data(&format!("/v2/market/pcr?bucket_interval=60&{question}"));
    assert!((number(&ratio["pcr"]) - puts as f64 / calls as f64).abs() < 1e-12);
    assert_eq!(
        fields(&ratio),
        "expiry_date insights instrument_key pcr spot_closing_price"
    );
    let insights = ratio["insights"].as_array().expect("rows");
    let times: Vec<&str> = insights.iter().filter_map(|row| row["time"].as_str()).collect();
    assert_eq!(times, ["09:15", "10:15", "11:15"]);
    assert_eq!(fields(&insights[0]), "pcr spot_price time");
    assert!(insights.iter().all(|row| number(&row["spot_price"]) > 20_000.0));
}

#[test]
fn a_change_of_open_interest_is_the_difference_of_two_days() {
    let units = |date: &str| -> Vec<(i64, i64)> {
        let target = format!("/v2/market/oi?instrument_key={INDEX}&expiry=2026-08-25&date={date}");
        let list = data(&target)["call_put_oi_data_list"].clone();
        let rows = list.as_array().expect("rows").clone();
        rows.iter()
            .map(|row| {
                let units = |name: &str| row[name].as_i64().expect("units");
                (units("call_oi"), units("put_oi"))
            })
            .collect()
    };
    let (today, before) = (units("2026-07-31"), units("2026-07-29"));
    let target = "/v2/market/change-oi?expiry=2026-08-25&date=2026-07-31&interval=2&instrument_key=";
    let change = data(&format!("{target}{INDEX}"));
    let rows = change["call_put_oi_data_list"].as_array().expect("rows");
    for ((row, now), then) in rows.iter().zip(&today).zip(&before) {
        assert_eq!(row["call_change_oi"], now.0 - then.0);
        assert_eq!(row["put_change_oi"], now.1 - then.1);
    }
    assert_eq!(rows.len(), today.len());
    let weekend = data(&format!(
        "/v2/market/oi?instrument_key={INDEX}&expiry=2026-08-25&date=2026-07-26"
    ));
    assert_eq!(weekend, Value::Null);
}
