//! `bijli top`: the terminal dashboard over the mapped snapshot of an engine. It looks, and cannot touch.
//!
//! The loop takes a copy of the state a few times a second and draws it; the drawing is a pure function
//! ([`view`]). The terminal is given back as it was found, also when the program panics.

pub mod page_lines;
pub mod panels;
pub mod readouts;
#[cfg(test)]
pub(crate) mod sample;
pub mod source;
pub mod view;

use std::io;
use std::time::Duration;

use bijli_core::{Money, TsNs};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

pub use readouts::{Readouts, Sight};
pub use source::{NoSight, SnapshotSource};
use view::{Choice, Focus, PositionOrder};

/// Results of the day that are kept for the small curve.
const RESULTS_KEPT: usize = 240;

/// Why the dashboard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Somebody pressed `q`.
    Asked,
    /// `stop` said so.
    Stopped,
}

/// What a key does to what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// Go on.
    Stay,
    /// End the dashboard.
    Quit,
}

/// What one viewer has chosen and seen.
#[derive(Clone, Debug, Default)]
pub struct Viewer {
    choice: Choice,
    /// Wall clock and ticks of the last look at which the engine had moved on.
    last: Option<(TsNs, u64)>,
}

impl Viewer {
    /// What the keys have chosen.
    #[must_use]
    pub const fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Takes a key in.
    pub fn press(&mut self, key: KeyEvent) -> Pressed {
        let choice = &mut self.choice;
        let toggle = |focus: &mut Focus, wanted| *focus = if *focus == wanted { Focus::All } else { wanted };
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Pressed::Quit,
            KeyCode::Char('q') => return Pressed::Quit,
            KeyCode::Esc if choice.help => choice.help = false,
            KeyCode::Esc if choice.focus != Focus::All => choice.focus = Focus::All,
            KeyCode::Esc => return Pressed::Quit,
            KeyCode::Char('?' | 'h') => choice.help = !choice.help,
            KeyCode::Char('s') => toggle(&mut choice.focus, Focus::Signals),
            KeyCode::Char('p') => toggle(&mut choice.focus, Focus::Positions),
            KeyCode::Char('o') => toggle(&mut choice.focus, Focus::Orders),
            KeyCode::Char('l') => toggle(&mut choice.focus, Focus::Latency),
            KeyCode::Char('r') => {
                choice.positions = match choice.positions {
                    PositionOrder::Opening => PositionOrder::Result,
                    PositionOrder::Result => PositionOrder::Symbol,
                    PositionOrder::Symbol => PositionOrder::Opening,
                };
            }
            KeyCode::Down => choice.orders_skipped += 1,
            KeyCode::Up => choice.orders_skipped = choice.orders_skipped.saturating_sub(1),
            _ => {}
        }
        Pressed::Stay
    }

    /// Takes a new copy of the state in: rates, the small curve, the end of the list of orders.
    pub fn see(&mut self, sight: &Sight) {
        let last_order = sight.readouts.orders.len().saturating_sub(1);
        self.choice.orders_skipped = self.choice.orders_skipped.min(last_order);
        let Some(engine) = &sight.readouts.engine else {
            return;
        };
        if let Some((then, ticks)) = self.last {
            let passed_ns = engine.wall_ns.since(then).get();
            if passed_ns <= 0 {
                return;
            }
            let fresh = engine.ticks_applied.saturating_sub(ticks) as f64;
            let rate = fresh * 1e9 / passed_ns as f64;
            // A moving mean, so that the number can be read.
            self.choice.ticks_per_s = Some(
                self.choice
                    .ticks_per_s
                    .map_or(rate, |mean| mean * 0.8 + rate * 0.2),
            );
        }
        self.last = Some((engine.wall_ns, engine.ticks_applied));
        self.choice.results.push(sight.readouts.net());
        if self.choice.results.len() > RESULTS_KEPT {
            self.choice.results.remove(0);
        }
    }

    /// The results seen, oldest first.
    #[must_use]
    pub fn results(&self) -> &[Money] {
        &self.choice.results
    }
}

/// Shows the state until `q` is pressed or `stop` says so, with a new look every `refresh`.
///
/// # Errors
/// When the terminal cannot be drawn on.
pub fn run(
    source: &mut SnapshotSource,
    run_name: &str,
    refresh: Duration,
    mut stop: impl FnMut() -> bool,
) -> io::Result<Ended> {
    let mut terminal = ratatui::try_init()?;
    let mut viewer = Viewer::default();
    let ended = loop {
        let sight = source.look();
        if let Ok(sight) = &sight {
            viewer.see(sight);
        }
        let drawn = terminal.draw(|frame| match &sight {
            Ok(sight) => view::draw(frame, sight, viewer.choice()),
            Err(reason) => view::draw_absence(frame, run_name, &reason.to_string()),
        });
        if let Err(error) = drawn {
            break Err(error);
        }
        if stop() {
            break Ok(Ended::Stopped);
        }
        match next_key(refresh) {
            Ok(Some(key)) if viewer.press(key) == Pressed::Quit => break Ok(Ended::Asked),
            Ok(_) => {}
            Err(error) => break Err(error),
        }
    };
    ratatui::try_restore()?;
    ended
}

/// Waits for a key for so long; a resize ends the waiting so that the picture follows at once.
fn next_key(wait: Duration) -> io::Result<Option<KeyEvent>> {
    if !event::poll(wait)? {
        return Ok(None);
    }
    match event::read()? {
        Event::Key(key) if key.kind != KeyEventKind::Release => Ok(Some(key)),
        Event::Key(_)
        | Event::Resize(..)
        | Event::FocusGained
        | Event::FocusLost
        | Event::Mouse(_)
        | Event::Paste(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bijli_core::DurationNs;

    fn press(viewer: &mut Viewer, code: KeyCode) -> Pressed {
        viewer.press(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn a_letter_focuses_a_panel_and_takes_it_back() {
        let mut viewer = Viewer::default();
        for (letter, focus) in [
            ('s', Focus::Signals),
            ('p', Focus::Positions),
            ('o', Focus::Orders),
            ('l', Focus::Latency),
        ] {
            assert_eq!(press(&mut viewer, KeyCode::Char(letter)), Pressed::Stay);
            assert_eq!(viewer.choice().focus, focus);
        }
        press(&mut viewer, KeyCode::Char('l'));
        assert_eq!(viewer.choice().focus, Focus::All);
    }

    #[test]
    fn escape_leaves_help_then_focus_then_the_program() {
        let mut viewer = Viewer::default();
        press(&mut viewer, KeyCode::Char('o'));
        press(&mut viewer, KeyCode::Char('?'));
        assert_eq!(press(&mut viewer, KeyCode::Esc), Pressed::Stay);
        assert_eq!(press(&mut viewer, KeyCode::Esc), Pressed::Stay);
        assert_eq!(*viewer.choice(), Choice::default());
        assert_eq!(press(&mut viewer, KeyCode::Esc), Pressed::Quit);
        assert_eq!(press(&mut viewer, KeyCode::Char('q')), Pressed::Quit);
    }

    #[test]
    fn the_list_of_orders_scrolls_no_farther_than_its_last() {
        let mut viewer = Viewer::default();
        for _ in 0..9 {
            press(&mut viewer, KeyCode::Down);
        }
        viewer.see(&sample::sight());
        assert_eq!(viewer.choice().orders_skipped, 1);
    }

    #[test]
    fn the_rate_is_ticks_over_the_time_between_two_writes() {
        let mut viewer = Viewer::default();
        let mut sight = sample::sight();
        viewer.see(&sight);
        viewer.see(&sight);
        assert_eq!(viewer.choice().ticks_per_s, None);
        if let Some(engine) = &mut sight.readouts.engine {
            engine.wall_ns = engine.wall_ns.plus(DurationNs::from_millis(500));
            engine.ticks_applied += 2_000;
        }
        viewer.see(&sight);
        assert_eq!(viewer.choice().ticks_per_s, Some(4_000.0));
        assert_eq!(viewer.results().len(), 2);
    }
}
