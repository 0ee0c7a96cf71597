//! The harness of the benches: facts of the machine, the cost of measuring, percentiles, fair comparisons.
//!
//! Rules that every bench keeps: it prints the machine and what a time stamp costs before its first figure;
//! it prints percentiles, not means; rivals run in the same process, interleaved repetition by repetition, and
//! are compared by the median of the ratios within each repetition, which other load on the machine moves
//! least. `cargo bench -p bijli-benches` runs all of them; each ends within fifteen seconds. Run without
//! `--bench` (as `cargo test --benches` does) they only show that they work. Left out: judgement. A shared or
//! virtual machine is fit for ratios, not for absolute figures.
//!
//! # The benches and what each leaves out
//!
//! | Bench | Measures | Leaves out |
//! |---|---|---|
//! | `baseline` | a time stamp, a checksum, a copy, a system call | everything of bijli |
//! | `ring` | hand-off of 64 bytes between two spinning threads: bijli's ring, `rtrb`, crossbeam, std | waking a sleeping thread |
//! | `journal_append` | keeping one tick: mapped segment, `write(2)`, bare copy; reading back | the disk: nobody waits for it |
//! | `decode` | bytes of a full-mode frame to fields, per instrument: ours, `prost`, `prost` reused | sockets, TLS, WebSocket; other modes; ours also looks the key up, `prost` does not |
//! | `engine_apply` | one tick through engine and spike strategy, with and without positions; passing time; the state hash | decode, journal, orders being placed and answered |
//! | `recovery` | replay of the journal that `BIJLI_JOURNAL` names, as every start does it | the disk; the broker's books |
//! | `risk_gate` | one wish through the risk gate, its facts gathered, accepted and denied, beside the least gate there could be | score, sizing, what follows a verdict |
//! | `tick_to_order` | bytes of a frame to the text of an order on one thread, the journal included, whole and by stages; one core-to-core hop | sockets, TLS, HTTP head, the rings between threads (count hops), cold caches after idleness |
//!
//! Nothing here is an acceptance test: no figure makes a bench fail. What is asserted is that rivals agree on
//! the result before they are timed, and that everything measured did its work.

pub mod core_hop;
pub mod machine;
pub mod mapped_file;
pub mod measure;
pub mod sequence_ring;
pub mod synthetic_day;

pub use measure::{Bench, Row, Samples};
