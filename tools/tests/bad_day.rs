//! Scripts of a bad day: the real binary against a simulator that misbehaves on purpose, each ending in the right
//! state with a clear message.
//!
//! The oracle is the simulator: its ledger for money (no tag twice, what is open), its recorder for what was asked.

mod world;

#[path = "bad_day/place.rs"]
mod place;
#[path = "bad_day/bands.rs"]
mod bands;
#[path = "bad_day/feed.rs"]
mod feed;
#[path = "bad_day/master.rs"]
mod master;
#[path = "bad_day/rest.rs"]
mod rest;
#[path = "bad_day/token.rs"]
mod token;
#[path = "bad_day/two_names.rs"]
mod two_names;
