//! The exit codes of every verb: stable, so that scripts can rely on them.

/// All went well.
pub const OK: i32 = 0;
/// Something failed; the message says what and what to do.
pub const ERROR: i32 = 1;
/// The command line was wrong.
pub const USAGE: i32 = 2;
/// There is no data to answer from.
pub const NO_DATA: i32 = 3;
/// The risk gate denied it.
pub const RISK_DENIED: i32 = 4;
/// The broker or the login refused it.
pub const BROKER: i32 = 5;
/// Positions are still open after a kill or at the end of the day.
pub const NOT_FLAT: i32 = 6;
