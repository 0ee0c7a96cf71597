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

#[test]
fn percentages_are_told_in_rupees_and_lots() {
    let what = |code| one("", code).what;
    assert_eq!(
        what("I-MONEY-01"),
        "of ₹1,00,000.00: one position up to ₹30,000.00; all together ₹70,000.00, options ₹50,000.00; one instrument \
         ₹30,000.00, one underlying ₹30,000.00, one sector ₹30,000.00, one strategy ₹70,000.00, what moves together \
         ₹50,000.00"
    );
    assert_eq!(
        what("I-MONEY-02"),
        "entries end for the day at a loss of ₹2,000.00, or ₹3,000.00 below the best of the day; a position of full size \
         loses ₹1,500.00 at its stop, so 1.3 of them end it"
    );
    assert_eq!(
        what("I-MONEY-03"),
        "in lots of 65 at 100.00 a position is 4 lots (₹26,000.00, of which ₹1,300.00 is lost at the stop); above a \
         premium of ₹461.54 not one lot fits"
    );
    assert_eq!(
        what("I-RISK-11"),
        "positions of full size that fit: an instrument 1, an underlying 1, a sector 1, a strategy 2, what moves together 1, \
         one direction 66"
    );
    assert_eq!(
        what("I-RISK-14"),
        "4 positions of full size at their stops lose ₹6,000.00: the day's limit of ₹2,000.00 comes before loss_streak_max"
    );
    assert_eq!(
        what("I-RATE-01"),
        "entries: 4 a second of 5 (8 order calls, 3 kept for exits; the broker allows 10), 20 a minute of 280 (of 400 order \
         calls)"
    );
}

#[test]
fn the_kelly_stake_is_told_in_rupees_or_refused_where_there_is_none() {
    let text = "[risk]\nkelly_fraction_pct = 50\nkelly_win_rate_pct = 55\nkelly_payoff = 1\n";
    assert_eq!(
        one(text, "I-KELLY-02").what,
        "a Kelly stake of 10 % x 50 % lets a position lose ₹5,000.00 at its stop; the other limits ₹1,500.00: Kelly never \
         binds"
    );
    let text = "[risk]\nkelly_fraction_pct = 5\nkelly_win_rate_pct = 55\n";
    assert!(one(text, "I-KELLY-02").what.ends_with("₹1,500.00: Kelly binds"));
    let finding = one("[risk]\nkelly_fraction_pct = 50\n", "E-KELLY-01");
    assert_eq!(
        finding.what,
        "kelly_win_rate_pct = 50 with kelly_payoff = 1 makes no Kelly stake: nothing would ever be entered"
    );
    assert!(finding.help.contains("above 50 %"), "{}", finding.help);
    assert!(!codes("").iter().any(|code| code.contains("KELLY")));
}

#[test]
fn limits_that_make_another_impossible_are_errors_at_the_key_that_the_file_has() {
    for (text, code, place) in [
        (
            "[risk]\ntotal_exposure_pct = 20\n",
            "E-RISK-09",
            "[risk.total_exposure_pct]",
        ),
        (
            "[risk]\nposition_value_pct = 80\n",
            "E-RISK-09",
            "[risk.position_value_pct]",
        ),
        ("[risk]\nleverage_pct = 20\n", "E-RISK-09", "[risk.leverage_pct]"),
        (
            "[risk]\nentries_per_minute_max = 2\n",
            "E-RATE-02",
            "[risk.entries_per_minute_max]",
        ),
        (
            "[risk]\nrepeat_entries_max = 10\n",
            "E-RATE-04",
            "[risk.repeat_entries_max]",
        ),
        (
            "[risk]\nkelly_fraction_pct = 50\n",
            "E-KELLY-01",
            "[risk.kelly_fraction_pct]",
        ),
    ] {
        let loaded = parse("bijli.toml", text).expect("sound keys");
        let told = findings_text(&loaded, &check(&loaded.config, day()));
        let line = told.lines().find(|line| line.contains(code));
        let line = line.unwrap_or_else(|| panic!("no {code} in {told}"));
        assert!(
            line.starts_with(&format!("bijli.toml:2:1: error {code}: ")),
            "{line}"
        );
        assert!(line.ends_with(place), "{line}");
        let remedy = told.lines().skip_while(|known| *known != line).nth(1);
        assert!(
            remedy.is_some_and(|help| help.starts_with("    help: ")),
            "{told}"
        );
    }
}

#[test]
fn caps_below_one_position_and_lots_that_do_not_fit_are_warnings_whose_remedy_helps() {
    for (text, code) in [
        ("[risk]\nsector_exposure_pct = 10\n", "W-RISK-10"),
        ("[risk]\ncorrelated_exposure_pct = 10\n", "W-RISK-10"),
        ("[risk]\norder_value_max_rupees = 10000\n", "W-RISK-12"),
        ("[risk]\norders_per_day_max = 40\n", "W-RATE-03"),
        ("[risk]\ncapital_rupees = 10000\n", "W-MONEY-03"),
        ("[risk]\ndrawdown_pct = 1\n", "I-RISK-13"),
    ] {
        assert_eq!(one(text, code).code(), code);
    }
    let cured = "[risk]\norder_value_max_rupees = 30000\n";
    assert!(!codes(cured).contains(&"W-RISK-12".to_owned()));
}
