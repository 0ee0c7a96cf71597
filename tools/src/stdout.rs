//! Answers on standard output, where the reader of a pipe may leave at any time (`bijli … | head`).
//!
//! `println!` panics then; a verb should merely stop.

use std::io::{self, Write};

/// Prints a line; false when nobody reads any more.
pub fn print_line(line: &str) -> bool {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).is_ok()
}
