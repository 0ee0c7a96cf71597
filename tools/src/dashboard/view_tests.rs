//! Tests of the dashboard's picture on a terminal in memory.

use super::super::sample;
use super::*;
use bijli_core::event::{DataKind, VenueKind};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

fn screen(width: u16, height: u16, sight: &Sight, choice: &Choice) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test terminal");
    terminal
        .draw(|frame| draw(frame, sight, choice))
        .expect("a test terminal draws");
    terminal.backend().to_string()
}

#[test]
fn the_first_lines_say_what_is_not_real_and_how_the_day_stands() {
    let text = screen(160, 40, &sample::sight(), &Choice::default());
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].contains("SYNTHETIC DATA · SIMULATED VENUE"),
        "{}",
        lines[0]
    );
    for words in ["ACTIVE", "feed LIVE", "11:42:00.000 IST", "order stream up"] {
        assert!(lines[1].contains(words), "{}", lines[1]);
    }
    for words in ["net +₹1,016.00", "open -₹123.45", "charges ₹110.55"] {
        assert!(lines[3].contains(words), "{}", lines[3]);
    }
    assert!(lines[4].contains("day loss   0 % of ₹2,000.00"), "{}", lines[4]);
}

#[test]
fn a_page_takes_a_line_of_its_own_in_red_and_none_takes_no_line() {
    let mut sight = sample::sight();
    let told = "PAGE EXIT_REJECTED x3, last RELIANCE 11:41:00: an exit was rejected; it is tried again";
    let loud = screen(120, 30, &sight, &Choice::default());
    let line = loud.lines().nth(2).expect("thirty lines");
    assert!(line.contains(told), "{loud}");
    let mut terminal = Terminal::new(TestBackend::new(120, 30)).expect("a test terminal");
    terminal
        .draw(|frame| draw(frame, &sight, &Choice::default()))
        .expect("a test terminal draws");
    let cell = terminal.backend().buffer()[(2, 2)].clone();
    assert_eq!((cell.symbol(), cell.bg), ("A", Color::Red));
    sight.readouts.pages.clear();
    let calm = screen(120, 30, &sight, &Choice::default());
    assert!(!calm.contains("PAGE"), "{calm}");
    assert!(calm.lines().nth(2).is_some_and(|line| line.contains("net ")));
}

#[test]
fn more_pages_than_lines_name_at_least_their_codes_the_newest_first() {
    let mut sight = sample::sight();
    let page = sight.readouts.pages[0];
    sight.readouts.pages = (0..6)
        .map(|reason| bijli_core::readout::PageReadout {
            reason,
            last: page
                .last
                .plus(bijli_core::DurationNs::from_secs(i64::from(reason))),
            ..page
        })
        .collect();
    let text = screen(120, 30, &sight, &Choice::default());
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[2].contains("PAGE NO_EXIT_PRICE"), "{text}");
    let rest = "PAGE and 3 more: OVERFILL, LATE_FILL, CONTRADICTION";
    assert!(lines[5].contains(rest), "{text}");
}

#[test]
fn every_panel_shows_its_rows() {
    let text = screen(160, 40, &sample::sight(), &Choice::default());
    for words in [
        "RELIANCE",
        "0.87",
        "taken",
        "COOLDOWN",
        "1506.42",
        "1431.10",
        "-₹123.45",
        "1-2",
        "OPEN",
        "FILLED",
        "20/20",
        "order_write",
        "tick_to_order",
        "conflated 6,000",
        "seen 179/180",
        "COOLDOWN 3",
    ] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
}

#[test]
fn real_money_is_said_as_loudly_as_play_money() {
    let mut sight = sample::sight();
    sight.readouts.session.data = DataKind::Live;
    sight.readouts.session.venue = VenueKind::Live;
    assert!(screen(100, 30, &sight, &Choice::default()).contains("LIVE: REAL MONEY"));
}

#[test]
fn token_breakers_and_alert_stand_beside_the_gauge() {
    let mut sight = sample::sight();
    let calm = screen(120, 30, &sight, &Choice::default());
    assert!(calm.contains("token dies in 15 h 48 min (03:30 IST)"), "{calm}");
    assert!(calm.contains("reads breaker half open") && !calm.contains("ALERT"));
    let gateway = sight.readouts.gateway.as_mut().expect("the sample has one");
    (gateway.write_breaker, gateway.write_errors_last_minute) = (1, 11);
    (gateway.error_alert, gateway.token_dead) = (true, true);
    let loud = screen(160, 30, &sight, &Choice::default());
    for words in ["orders breaker OPEN", "ALERT 14 errors/min", "TOKEN DEAD"] {
        assert!(loud.contains(words), "{words}:\n{loud}");
    }
}

#[test]
fn a_state_whose_writer_is_gone_is_marked() {
    let mut sight = sample::sight();
    sight.writer_alive = false;
    assert!(screen(100, 30, &sight, &Choice::default()).contains("STALE: process 4242 has ended"));
}

#[test]
fn a_focused_panel_fills_the_screen_and_help_lies_over_it() {
    let focus = |focus| Choice {
        focus,
        ..Choice::default()
    };
    let signals = screen(120, 20, &sample::sight(), &focus(Focus::Signals));
    assert!(signals.contains("moment") && !signals.contains("counters"));
    let orders = screen(
        120,
        20,
        &sample::sight(),
        &Choice {
            orders_skipped: 1,
            ..focus(Focus::Orders)
        },
    );
    assert!(orders.contains("FILLED") && !orders.contains(" OPEN"));
    let help = screen(
        120,
        30,
        &sample::sight(),
        &Choice {
            help: true,
            ..Choice::default()
        },
    );
    assert!(help.contains("Read-only"));
}

#[test]
fn a_terminal_of_eighty_columns_shows_whole_numbers_in_a_stack() {
    let text = screen(
        80,
        24,
        &sample::sight(),
        &Choice {
            results: vec![Money::ZERO; 50],
            ..Choice::default()
        },
    );
    for words in [
        "SYNTHETIC DATA",
        "net +₹1,016.00",
        "RELIANCE",
        "1431.10",
        "TATAMOTORS",
        "20/20",
        "1501.00",
    ] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
    assert!(!text.contains("needs "), "{text}");
}

#[test]
fn a_panel_without_room_says_so_rather_than_cutting_numbers() {
    let text = screen(60, 30, &sample::sight(), &Choice::default());
    assert!(
        text.contains("needs 75 columns") && !text.contains("1506"),
        "{text}"
    );
}

#[test]
fn any_size_of_terminal_draws() {
    let choice = Choice {
        help: true,
        results: vec![Money::ZERO; 50],
        ..Choice::default()
    };
    for width in [1, 2, 7, 20, 79, 300] {
        for height in [1, 2, 5, 9, 24, 90] {
            let text = screen(width, height, &sample::sight(), &choice);
            assert_eq!(text.lines().count(), usize::from(height));
        }
    }
}

#[test]
fn an_engine_that_has_written_nothing_yet_is_shown_as_starting() {
    let mut sight = sample::sight();
    sight.readouts.engine = None;
    sight.readouts.feed = None;
    sight.readouts.denials = None;
    sight.readouts.positions.clear();
    let text = screen(120, 30, &sight, &Choice::default());
    assert!(text.contains("the engine has not written yet"), "{text}");
}
