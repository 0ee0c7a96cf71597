//! Candles as files: what a file holds and says of itself, and what is missing from it by the exchange's calendar.
//!
//! In reading order: lengths and months ([`period`]), one file ([`mod@file`]), a folder of files and its gaps
//! ([`gap`], [`folder`]). Left out: fetching, which the verb `candles` does.

pub mod period;
pub mod file;
pub mod gap;
pub mod folder;
