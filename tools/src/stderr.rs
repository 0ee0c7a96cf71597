//! Lines on standard error from a running engine, whose reader may be slow, stuck or gone.
//!
//! Invariants: saying a line never waits, fails or panics (`eprintln!` does all three); one thread writes, the topology's;
//! a line that finds no room is counted, and the count stands before the next line that is written. Before that thread
//! runs, lines are written at once. Left out: what is said before and after the engine runs, on the main thread.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use crate::duty_cycle::rest;

/// Lines that may wait for their reader.
const LINES_MAX: usize = 256;

/// The way to whoever writes.
#[derive(Debug)]
struct Desk {
    lines: SyncSender<String>,
    waiting: AtomicU64,
    dropped: AtomicU64,
}

impl Desk {
    fn new() -> (Self, Receiver<String>) {
        let (lines, taken) = sync_channel(LINES_MAX);
        let desk = Self {
            lines,
            waiting: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        };
        (desk, taken)
    }

    fn take(&self, line: String) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        if self.lines.try_send(line).is_err() {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            self.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Writes one line, and before it how many were lost.
    fn write(&self, line: &str, out: &mut impl Write) {
        let dropped = self.dropped.swap(0, Ordering::SeqCst);
        if dropped > 0 {
            write_line(&format!("({dropped} lines were lost: nobody read)"), out);
        }
        write_line(line, out);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

static DESK: OnceLock<Desk> = OnceLock::new();

/// Says a line; the end of it is added.
pub fn say(line: impl Display) {
    match DESK.get() {
        Some(desk) => desk.take(line.to_string()),
        None => write_line(&line.to_string(), &mut io::stderr()),
    }
}

/// What the writing thread is to write; `None` when there is one already.
pub(crate) fn open() -> Option<Receiver<String>> {
    let (desk, taken) = Desk::new();
    DESK.set(desk).is_ok().then_some(taken)
}

/// Writes lines until the process ends; for a thread that nothing waits for.
pub(crate) fn write_lines(taken: &Receiver<String>) {
    for line in taken {
        if let Some(desk) = DESK.get() {
            desk.write(&line, &mut io::stderr());
        }
    }
}

/// Gives the reader a moment for the last lines; one that does not read is not waited for.
pub fn settle() {
    let is_done = || {
        DESK.get()
            .is_none_or(|desk| desk.waiting.load(Ordering::SeqCst) == 0)
    };
    for _ in 0..100 {
        if is_done() {
            return;
        }
        rest(Duration::from_millis(5));
    }
}

fn write_line(line: &str, out: &mut impl Write) {
    // A reader that is gone misses it: nothing else can be done about that here.
    let _written = out.write_all(format!("{line}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_nobody_writes_are_counted_and_told_with_the_next_one() {
        let (desk, taken) = Desk::new();
        for number in 0..LINES_MAX + 3 {
            desk.take(number.to_string());
        }
        let mut out = Vec::new();
        for line in taken.try_iter() {
            desk.write(&line, &mut out);
        }
        let said = String::from_utf8(out).expect("text");
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), LINES_MAX + 1);
        assert_eq!(lines[..2], ["(3 lines were lost: nobody read)", "0"]);
        assert_eq!(desk.waiting.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn a_reader_that_is_gone_is_no_failure() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        drop(reader);
        write_line("nobody hears this", &mut writer);
    }
}
