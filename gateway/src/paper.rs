//! Trading on paper: orders matched in this process against a recorded or live book. Nothing here is real.
//!
//! [`fill`] is the matching rule alone, shared with the broker simulator; [`venue`] is the engine's counterpart.

pub mod fill;
pub mod venue;

pub use venue::PaperVenue;
