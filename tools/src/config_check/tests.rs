//! The implications through the public face: which codes a configuration raises, and in what words.

use super::*;
use crate::config_file::parse;

fn day() -> IstDay {
    IstDay::from_ymd(2026, 11, 20).expect("a real date")
}

fn findings(text: &str) -> Vec<Finding> {
    check(&parse("bijli.toml", text).expect("sound keys").config, day())
}

fn codes(text: &str) -> Vec<String> {
    findings(text)
        .iter()
        .map(Finding::code)
        .filter(|code| !code.starts_with('I'))
        .collect()
}

fn one(text: &str, code: &str) -> Finding {
    let found = findings(text);
    found
        .iter()
        .find(|finding| finding.code() == code)
        .unwrap_or_else(|| panic!("no {code} in {found:?}"))
        .clone()
}

/// A configuration that raises nothing above information, to vary from.
const QUIET: &str = "[risk]\nposition_value_pct = 20\nentries_per_day_max = 20\n[strategy]\nstop_loss_pct = 3\ntake_profit_pct = 6\n";

#[test]
fn the_defaults_contradict_the_day_limit_and_the_remedies_are_exact() {
    let finding = one("", "W-RISK-02");
    assert_eq!(
        finding.what,
        "3 positions x 30 % x 5 % stop = 4.5 % of capital, above daily_loss_pct = 2"
    );
    assert_eq!(
        finding.help,
        "max_positions = 1, or position_value_pct = 13.33, or stop_loss_pct = 2.22"
    );
    for remedy in [
        "[risk]\nmax_positions = 1",
        "[risk]\nposition_value_pct = 13.33",
        "[strategy]\nstop_loss_pct = 2.22",
    ] {
        assert!(!codes(remedy).contains(&"W-RISK-02".to_owned()), "{remedy}");
    }
}

#[test]
fn the_default_target_and_stop_need_more_winners_than_most_rules_have() {
    let finding = one("", "W-RISK-05");
    assert!(
        finding
            .what
            .starts_with("target 4 % / stop 5 % needs 55.6 % winners before charges, 66.3 % after"),
        "{}",
        finding.what
    );
    let (_, rest) = finding.help.split_once("take_profit_pct = ").expect("a remedy");
    let (value, _) = rest.split_once(' ').expect("a value");
    let better = format!("[strategy]\ntake_profit_pct = {value}\n");
    assert!(!codes(&better).contains(&"W-RISK-05".to_owned()), "{value}");
}

#[test]
fn the_defaults_raise_these_warnings_and_no_error() {
    assert_eq!(codes(""), ["W-RISK-02", "W-RISK-04", "W-RISK-05", "W-RISK-07"]);
}

#[test]
fn numbers_that_agree_raise_nothing_above_information() {
    let quiet = QUIET.replace("take_profit_pct = 6", "take_profit_pct = 8");
    assert_eq!(codes(&quiet), Vec::<String>::new());
}

#[test]
fn each_contradiction_has_its_code() {
    for (text, code) in [
        (
            "[risk]\nmax_positions = 1\nposition_value_pct = 100\n",
            "W-RISK-01",
        ),
        ("[risk]\noptions_exposure_pct = 10\n", "W-RISK-06"),
        ("[risk]\ntotal_exposure_pct = 150\n", "I-RISK-08"),
        ("", "I-RISK-03"),
        ("[risk]\ncollar_pct = 0.05\n", "E-PRICE-01"),
        ("[strategy]\ntrail_pct = 4\n", "W-EXIT-01"),
        ("[strategy]\nsignal_life_s = 5\n", "W-TIME-01"),
        ("[risk]\ncooldown_s = 10\n", "W-TIME-02"),
        ("[strategy]\nexit_reprice_ms = 200\n", "W-ORDER-01"),
        (
            "[position]\nsecond_target_pct = 6\nsecond_part_pct = 60\n",
            "E-EXIT-02",
        ),
        (
            "[position]\nsecond_target_pct = 4\nsecond_part_pct = 10\n",
            "E-EXIT-03",
        ),
        ("[position]\nbreakeven_pct = 0.5\n", "W-EXIT-04"),
        ("[position]\nbreakeven_pct = 3\n", "I-EXIT-04"),
        ("[position]\nleave_at_hhmm = 1475\n", "E-TIME-03"),
        ("[position]\nhold_max_s = 5\n", "W-TIME-04"),
        ("[position]\nscale_in_max = 1\n", "E-SCALE-01"),
        (
            "[position]\nscale_in_max = 1\nscale_in_pct = 1\nscale_in_part_pct = 50\n",
            "I-SCALE-02",
        ),
        (
            "[position]\nscale_in_max = 1\nscale_in_pct = 4\nscale_in_part_pct = 50\n",
            "W-SCALE-03",
        ),
        ("[universe]\nfno_stocks = false\n", "E-UNIVERSE-01"),
        ("[feed]\nmode = \"ltpc\"\n", "W-FEED-01"),
        (
            "[run]\nmode = \"live\"\n[clock]\nsource = \"venue\"\n",
            "E-CLOCK-01",
        ),
        ("[run]\nmode = \"live\"\n", "I-RUN-01"),
        (
            "[threads]\nwait = \"spin\"\nfeed_core = 1\nengine_core = 1\n",
            "W-THREAD-01",
        ),
        ("[threads]\nwait = \"spin\"\nshape = \"three\"\n", "W-THREAD-02"),
        ("[feed]\nbusy_poll = true\n", "W-THREAD-03"),
        ("[threads]\nengine_core = 1\n", "W-THREAD-04"),
        ("", "I-DAY-01"),
    ] {
        assert_eq!(one(text, code).code(), code);
    }
}

#[test]
fn the_day_is_told_with_its_hours_or_refused() {
    let at = |year, month, date| {
        let day = IstDay::from_ymd(year, month, date).expect("a real date");
        let found = check(&RunConfig::default(), day);
        found
            .iter()
            .find(|finding| finding.rule.starts_with("DAY"))
            .map(|finding| (finding.code(), finding.what.clone()))
            .expect("a word on the day")
    };
    let (code, what) = at(2026, 11, 20);
    assert_eq!(code, "I-DAY-01");
    assert_eq!(
        what,
        "2026-11-20: shares 09:15 to 15:15, entries until 14:45; derivatives 09:15 to 15:40, entries until 15:10"
    );
    assert_eq!(at(2026, 11, 21).0, "W-DAY-02");
    assert_eq!(at(2026, 11, 24).0, "W-DAY-02");
    assert_eq!(at(2027, 1, 4).0, "E-DAY-01");
}

#[test]
fn text_and_json_tell_the_same_and_the_code_is_that_of_errors() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("bijli.toml");
    for (text, code, errors) in [
        ("[risk]\nmax_positions = 3\n", 0, 0),
        ("[risk]\ncollar_pct = 0.05\n", 1, 2),
        ("[risc]\n", 1, 1),
    ] {
        std::fs::write(&path, text).expect("the folder is ours");
        let (plain, json) = (run(&path, false, day()), run(&path, true, day()));
        assert_eq!((plain.code, json.code), (code, code), "{text}");
        let value: Value = serde_json::from_str(&json.output).expect("one line of JSON");
        assert_eq!(value["errors"], errors, "{text}");
        for row in value["findings"].as_array().expect("a list") {
            assert!(
                plain.output.contains(row["what"].as_str().expect("text")),
                "{row}"
            );
        }
    }
    std::fs::write(&path, "[risk]\nmax_positions = 3\n").expect("the folder is ours");
    let plain = run(&path, false, day()).output;
    assert!(
        plain.contains("bijli.toml:2:1: warn W-RISK-02: 3 positions"),
        "{plain}"
    );
    assert!(plain.contains("bijli.toml: warn W-RISK-04: "), "{plain}");
    assert!(plain.ends_with("0 errors, 4 warnings\n"), "{plain}");
}

#[test]
fn the_program_that_calls_a_person_must_be_there_and_executable() {
    let folder = tempfile::tempdir().expect("a folder");
    let plain = folder.path().join("plain");
    std::fs::write(&plain, "").expect("a small file");
    let written = |program: &str| format!("[alert]\ncommand = [{program:?}, \"x\"]\n");
    let found = |text: &str| {
        let config = parse("bijli.toml", text).expect("sound keys").config;
        check_machine(&config)
    };
    for (program, what) in [
        ("call-me", "is not a full path"),
        ("/no/such/program", "is not there"),
        (
            &*folder.path().display().to_string(),
            "is not there, or is no file",
        ),
        (&*plain.display().to_string(), "may not be executed by you"),
    ] {
        let findings = found(&written(program));
        assert_eq!(findings.len(), 1, "{program}");
        assert_eq!(findings[0].code(), "E-ALERT-02");
        assert!(findings[0].what.contains(what), "{}", findings[0].what);
    }
    assert_eq!(found(&written("/bin/sh")), []);
    assert_eq!(found(""), []);
    assert_eq!(found("[run]\nmode = \"live\"\n")[0].code(), "W-ALERT-01");
}

#[test]
fn a_missing_program_is_told_with_file_line_and_remedy_and_fails_the_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.toml");
    std::fs::write(&path, "[alert]\ncommand = [\"/no/such/program\"]\n").expect("a small file");
    let checked = run(&path, false, day());
    let told = format!(
        "{}:2:1: error E-ALERT-02: `/no/such/program` is not there, or is no file [alert.command]\n    help: correct",
        path.display()
    );
    assert!(checked.output.contains(&told), "{}", checked.output);
    assert_eq!(checked.code, 1);
}
