//! The configuration file through its public face: what is accepted, what it becomes, and every way to err.

use super::*;
use bijli_core::config::Config;

fn errors(text: &str) -> Vec<String> {
    match parse("bijli.toml", text) {
        Ok(_) => Vec::new(),
        Err(ConfigErrors(errors)) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn an_empty_file_is_the_defaults_and_the_engine_sees_its_own() {
    let loaded = parse("bijli.toml", "").expect("every key has a default");
    assert_eq!(loaded.config, RunConfig::default());
    assert_eq!(loaded.config.engine_config(), Config::default());
}

#[test]
fn the_table_of_keys_and_the_typed_defaults_agree_key_by_key() {
    for key in KEYS {
        if key.default.is_empty() {
            continue;
        }
        let text = format!("[{}]\n{} = {}\n", key.section, key.name, key.default);
        let loaded = parse("table", &text).unwrap_or_else(|errors| panic!("{}: {errors}", key.path));
        assert_eq!(loaded.config, RunConfig::default(), "default of {}", key.path);
        assert_eq!(loaded.places.get(key.path), Some(&Place { line: 2, column: 1 }));
    }
}

#[test]
fn every_key_has_a_unit_or_a_word_and_a_sentence() {
    for key in KEYS {
        assert_eq!(key.path, format!("{}.{}", key.section, key.name));
        assert!(key.sentence.ends_with('.'), "{}", key.path);
        if let Kind::Number { min, max, .. } = key.kind {
            assert!(min < max, "{}", key.path);
            assert!(
                !key.unit.is_empty()
                    || ["strategy.score_min", "risk.correlation_min", "risk.kelly_payoff"]
                        .contains(&key.path),
                "{}",
                key.path
            );
        }
    }
}

#[test]
fn the_ends_of_every_range_are_taken_and_what_lies_beyond_is_refused() {
    for key in KEYS {
        let Kind::Number { places, min, max } = key.kind else {
            continue;
        };
        let written = |value| {
            format!(
                "[{}]\n{} = {}\n",
                key.section,
                key.name,
                decimal::unscaled(value, places)
            )
        };
        for inside in [min, max] {
            assert_eq!(errors(&written(inside)), Vec::<String>::new(), "{}", key.path);
        }
        for outside in [min - 1, max + 1] {
            let found = errors(&written(outside));
            assert_eq!(found.len(), 1, "{}", key.path);
            assert!(
                found[0].contains(" error E-CFG-05: ") && found[0].contains(key.path),
                "{}",
                found[0]
            );
        }
    }
}

#[test]
fn percentages_arrive_exactly() {
    let text =
        "[risk]\nposition_value_pct = 13.33\ndaily_loss_pct = 0.07\n[strategy]\nscore_min = 0.123456\n";
    let config = parse("bijli.toml", text)
        .expect("sound values")
        .config
        .engine_config();
    assert_eq!(config.risk.position_value_bps, 1_333);
    assert_eq!(config.risk.daily_loss_bps, 7);
    assert_eq!(config.strategy.score_min_ppm, 123_456);
}

/// Text of a file, how its one error begins, and what the remedy holds.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "[risk]\nmax_position = 3\n",
        "bijli.toml:2:1: error E-CFG-03: unknown key `max_position` in [risk]",
        "did you mean `max_positions`?",
    ),
    (
        "[risk]\n  stop_loss_pct = 5\n",
        "bijli.toml:2:3: error E-CFG-03: unknown key `stop_loss_pct` in [risk]",
        "is a key of [strategy]",
    ),
    (
        "[risks]\n",
        "bijli.toml:1:2: error E-CFG-03: unknown section [risks]",
        "did you mean [risk]?",
    ),
    (
        "account = \"x\"\n",
        "bijli.toml:1:1: error E-CFG-03: unknown section [account]",
        "`account` is a key of [run]",
    ),
    (
        "risk = 5\n",
        "bijli.toml:1:1: error E-CFG-04: `risk` is a section",
        "write `[risk]`",
    ),
    (
        "[risk]\nmax_positions = \"3\"\n",
        "bijli.toml:2:17: error E-CFG-04: `risk.max_positions` is a string",
        "1 to 64 positions; the default is 3",
    ),
    (
        "[risk]\nmax_positions = 2.5\n",
        "bijli.toml:2:17: error E-CFG-04: `risk.max_positions` is a float",
        "1 to 64",
    ),
    (
        "[risk]\nmax_positions = 0x10\n",
        "bijli.toml:2:17: error E-CFG-04: `risk.max_positions` is an integer",
        "1 to 64",
    ),
    (
        "[risk]\nmax_positions = 65\n",
        "bijli.toml:2:17: error E-CFG-05: `risk.max_positions = 65` is out of range",
        "1 to 64",
    ),
    (
        "[risk]\ndaily_loss_pct = 2.005\n",
        "bijli.toml:2:18: error E-CFG-06: `risk.daily_loss_pct = 2.005` has more than 2 decimals",
        "0.01 to 100 % of capital",
    ),
    (
        "[risk]\ndaily_loss_pct = nan\n",
        "bijli.toml:2:18: error E-CFG-06: `risk.daily_loss_pct = nan` is not a plain",
        "0.01 to 100",
    ),
    (
        "[run]\nmode = \"papier\"\n",
        "bijli.toml:2:8: error E-CFG-05: `papier` is none of the words for `run.mode`",
        "\"paper\" or \"live\" or \"sim\"",
    ),
    (
        "[run]\naccount = \" \"\n",
        "bijli.toml:2:11: error E-CFG-05: `run.account` is empty",
        "text",
    ),
    (
        "[feed]\nbusy_poll = 1\n",
        "bijli.toml:2:13: error E-CFG-04: `feed.busy_poll` is an integer",
        "true or false",
    ),
    (
        "[universe]\nkeys = [\"a\", 5]\n",
        "bijli.toml:2:8: error E-CFG-04: `universe.keys` holds something else",
        "a list of texts",
    ),
    (
        "[broker]\napi_url = \"http://api.upstox.com\"\n",
        "bijli.toml:2:1: error E-CFG-05: `broker.api_url = \"http://api.upstox.com\"`",
        "only encrypted",
    ),
    (
        "[run]\nmode = \"sim\"\n",
        "bijli.toml:2:1: error E-CFG-07: mode is \"sim\", yet broker.api_url leads off",
        "the address that `sim` prints",
    ),
    (
        "[run]\nmode = \"live\"\n[broker]\norder_url = \"https://127.0.0.1:8443\"\n",
        "bijli.toml:4:1: error E-CFG-07: mode is \"live\", yet broker.order_url leads to this machine",
        "run.mode = \"sim\"",
    ),
    (
        "[broker]\napi_url = \"http://127.0.0.1:9000\"\n",
        "bijli.toml:2:1: error E-CFG-07: broker.api_url leads to this machine, yet broker.order_url leads off it",
        "all of the addresses that `sim` prints",
    ),
    (
        "[broker]\nstream_url = \"ws://127.0.0.1:9000\"\n",
        "bijli.toml:2:1: error E-CFG-07: broker.stream_url leads to this machine",
        "all of the addresses that `sim` prints",
    ),
    (
        "[broker]\nfeed_url = \"ws://127.0.0.1:9000\"\n",
        "bijli.toml:2:1: error E-CFG-07: broker.feed_url leads to this machine",
        "all of the addresses that `sim` prints",
    ),
    (
        "[broker]\nalgo_name = \"two words\"\n",
        "bijli.toml:2:1: error E-CFG-05: `broker.algo_name` holds blanks",
        "as registered with the exchange",
    ),
    (
        "[run\n",
        "bijli.toml:1:5: error E-CFG-02: this is not TOML",
        "`[section]`",
    ),
    (
        "[run]\nmode = \"paper\"\nmode = \"live\"\n",
        "bijli.toml:3:1: error E-CFG-02: this is not TOML: duplicate key",
        "`[section]`",
    ),
];

#[test]
fn each_mistake_is_named_with_its_place_and_a_remedy() {
    for (text, start, help) in MISTAKES {
        let found = errors(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with(start), "{text}: {}", found[0]);
        let (_, remedy) = found[0]
            .split_once("\n    help: ")
            .expect("every error has a remedy");
        assert!(remedy.contains(help), "{text}: {remedy}");
    }
}

#[test]
fn every_mistake_of_a_file_is_found_in_one_pass_and_told_in_its_order() {
    let text = "[strategy]\nscore_min = 2\n[risk]\ncapital = 5\ndaily_loss_pct = 500\n[feeds]\n";
    let found = errors(text);
    let places: Vec<&str> = found.iter().map(|error| &error[..15]).collect();
    assert_eq!(
        places,
        [
            "bijli.toml:2:13",
            "bijli.toml:4:1:",
            "bijli.toml:5:18",
            "bijli.toml:6:2:"
        ]
    );
}

#[test]
fn the_simulator_is_met_on_this_machine_under_any_of_its_names() {
    for host in ["127.0.0.1:8443", "localhost:1", "[::1]:9", "127.9.9.9"] {
        let text = format!(
            "[run]\nmode = \"sim\"\n[broker]\napi_url = \"https://{host}\"\norder_url = \"https://{host}\"\n\
             feed_url = \"wss://{host}/feed\"\nstream_url = \"wss://{host}/stream\"\n"
        );
        assert_eq!(errors(&text), Vec::<String>::new(), "{host}");
    }
    let text = "[run]\nmode = \"sim\"\n[broker]\napi_url = \"https://127.0.0.1:1@api.upstox.com\"\n";
    assert_eq!(errors(text).len(), 1);
    let plain = "[broker]\napi_url = \"http://127.0.0.1:1\"\norder_url = \"http://127.0.0.1:1\"\n\
                 feed_url = \"ws://localhost:2/feed\"\nstream_url = \"ws://[::1]:3/stream\"\n";
    assert_eq!(
        errors(plain),
        Vec::<String>::new(),
        "what stays here may go plain"
    );
    for host in [
        "127.0.0.1.example.com",
        "127.0.0.1@example.com",
        "localhost.example.com",
    ] {
        let text = format!("[broker]\napi_url = \"http://{host}\"\n");
        assert_eq!(errors(&text).len(), 1, "{host}");
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_with_its_name() {
    let missing = Path::new("no-such-folder/bijli.toml");
    let error = load(missing).expect_err("there is no such file").to_string();
    assert!(
        error.starts_with("no-such-folder/bijli.toml: error E-CFG-01: the file cannot be read: "),
        "{error}"
    );
}

#[test]
fn the_shipped_files_parse_and_show_every_key_with_its_comment() {
    for name in ["paper.toml", "live.toml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../deploy/config")
            .join(name);
        let loaded = load(&path).unwrap_or_else(|errors| panic!("{errors}"));
        let text = std::fs::read_to_string(&path).expect("it was read just now");
        let joined: String = text
            .lines()
            .map(|line| line.trim_start_matches("# ").trim_end())
            .collect::<Vec<_>>()
            .join(" ");
        let mut section = "";
        let mut seen = Vec::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name;
            }
            let line = line.strip_prefix('#').unwrap_or(line);
            if let Some((key, _)) = line.split_once(" = ")
                && let Some(key) = key_named(section, key)
            {
                seen.push(key.path);
            }
        }
        let expected: Vec<&str> = KEYS.iter().map(|key| key.path).collect();
        assert_eq!(seen, expected, "{name}");
        for key in KEYS {
            assert!(
                joined.contains(&key.comment()),
                "{name}: the comment of {} should read: {}",
                key.path,
                key.comment()
            );
            assert!(
                loaded.places.contains_key(key.path) || key.default.is_empty(),
                "{name}: {}",
                key.path
            );
        }
    }
}

#[test]
fn sectors_are_named_by_the_user_and_hold_lists_of_underlyings() {
    let loaded =
        parse("a.toml", "[sectors]\n\"My energy\" = [\"RELIANCE\", \"ONGC\"]\n").expect("it is sound");
    let list = &loaded.config.sectors["My energy"];
    assert_eq!(list, &["RELIANCE", "ONGC"]);
    for text in ["[sectors]\nx = 5\n", "[sectors]\nx = [5]\n", "sectors = 1\n"] {
        let errors = parse("a.toml", text).expect_err("it is not a list");
        assert_eq!(errors.0[0].code, "E-CFG-04", "{text}");
    }
}
