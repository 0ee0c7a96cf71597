//! `quote`: names, requests, rows and what is missing among them.

use serde_json::{Value, json};

use crate::world::World;

#[test]
fn quotes_are_what_the_broker_answers_in_as_few_requests_as_it_allows() {
    let world = World::start();
    let shares = world.keys("NSE_EQ", &["EQ"]);
    let symbol = world.symbol(shares[1]);
    let names = [shares[0], symbol, symbol];
    let command = [
        "quote",
        names[0],
        names[1],
        names[2],
        "--broker",
        "sim.json",
        "--master",
        "master.json",
        "--json",
    ];
    let left = world.run(&command);
    let quotes = left.json()["data"]["quotes"].clone();
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_eq!(world.requests().len(), 1, "one request for all");
    let keys: Vec<&Value> = [0, 1].map(|row| &quotes[row]["quote"]["instrument_key"]).to_vec();
    assert_eq!(
        keys,
        [shares[0], shares[1]],
        "each once, in the order named: {quotes}"
    );
    assert_eq!(quotes[1]["name"], symbol);
    let theirs = world.data(&format!(
        "/v3/market-quote/ltp?instrument_key={}",
        shares[1].replace('|', "%7C")
    ));
    let theirs = theirs
        .as_object()
        .and_then(|rows| rows.values().next())
        .expect("a row");
    let rupees = |value: &Value| {
        value
            .as_f64()
            .or_else(|| value.as_str()?.parse().ok())
            .expect("rupees")
    };
    assert_eq!(
        rupees(&quotes[1]["quote"]["last_price"]),
        rupees(&theirs["last_price"])
    );
}

#[test]
fn greeks_of_sixty_options_take_two_requests_and_every_form_shows_its_figures() {
    let world = World::start();
    let shares = world.keys("NSE_EQ", &["EQ"]);
    let index = world.keys("NSE_INDEX", &["INDEX"])[0]
        .replace('|', "%7C")
        .replace(' ', "%20");
    let contracts = world.data(&format!("/v2/option/contract?instrument_key={index}"));
    let contracts = contracts.as_array().expect("rows").iter();
    let options: Vec<&str> = contracts
        .filter_map(|row| row["instrument_key"].as_str())
        .collect();
    assert!(options.len() >= 60, "{}", options.len());
    world.requests();
    let mut command = vec!["quote", "--greeks", "--json", "--broker", "sim.json"];
    command.extend(&options[..60]);
    let left = world.run(&command);
    assert_eq!((left.code, world.requests().len()), (Some(0), 2), "{left:?}");
    assert_eq!(left.json()["data"]["quotes"].as_array().map(Vec::len), Some(60));
    assert_eq!(left.json()["data"]["unanswered"], json!([]));
    for (form, word) in [("--full", "limits"), ("--ohlc=1d", "none yet")] {
        let left = world.run(&[
            "quote",
            form,
            shares[0],
            "--broker",
            "sim.json",
            "--master",
            "master.json",
        ]);
        assert_eq!(left.code, Some(0), "{left:?}");
        let symbol = world.symbol(shares[0]);
        assert!(left.out.contains(word) && left.out.contains(symbol), "{left:?}");
    }
}

#[test]
fn a_name_of_nobody_is_answered_with_suggestions_and_a_silent_key_is_named() {
    let world = World::start();
    let symbol = world.symbol(world.keys("NSE_EQ", &["EQ"])[0]);
    let wrong = format!("{symbol}Q");
    let left = world.run(&[
        "quote",
        symbol,
        &wrong,
        "--broker",
        "sim.json",
        "--master",
        "master.json",
    ]);
    assert_eq!(left.code, Some(3), "{left:?}");
    assert!(
        left.err.contains(&format!("`{wrong}` is no contract; nearest:")),
        "{left:?}"
    );
    assert!(left.err.contains(symbol), "{left:?}");
    assert_eq!(world.requests(), Vec::<String>::new(), "nothing was sent");
    let left = world.run(&["quote", symbol, "--broker", "sim.json", "--json"]);
    assert_eq!(
        (left.code, &left.json()["error"]["exit_code"]),
        (Some(3), &json!(3)),
        "{left:?}"
    );
    assert!(left.err.contains("bijli instruments sync"), "{left:?}");

    let broker = world.tampered(|_, answer| {
        let rows = answer["data"].as_object_mut().expect("rows");
        let first = rows.keys().next().expect("a row").clone();
        rows.remove(&first);
    });
    let shares = world.keys("NSE_EQ", &["EQ"]);
    let left = world.run(&["quote", shares[0], shares[1], "--json", "--broker", broker]);
    let unanswered = left.json()["data"]["unanswered"][0]
        .as_str()
        .expect("one")
        .to_owned();
    assert!(
        left.err.contains(&format!("warning: not answered: {unanswered}")),
        "{left:?}"
    );
    assert_eq!(
        (left.code, shares.contains(&unanswered.as_str())),
        (Some(0), true)
    );
    let none = world.run(&["quote", shares[0], "--broker", broker]);
    assert_eq!(none.code, Some(3), "{none:?}");
    world.requests();
    let wrong = "NSE_EQ|NOBODY";
    let left = world.run(&[
        "quote", shares[0], shares[1], wrong, shares[2], "--json", "--broker", "sim.json",
    ]);
    let data = &left.json()["data"];
    let count = data["quotes"].as_array().map(Vec::len);
    assert_eq!(
        (count, &data["unanswered"]),
        (Some(3), &json!([wrong])),
        "{left:?}"
    );
    assert_eq!(world.requests().len(), 5, "four keys, two and two, one and one");
}
