//! A journal of 1 MiB, one bit of it flipped: found, wherever the bit stands.
//!
//! One bit in 61, from a fresh place, unless `BIJLI_BITS=all` asks for each of the 8 388 608. `BIJLI_SEED` repeats a
//! place. Each flipped segment is read with the one that follows it, as a day is.

mod items;

use std::time::{SystemTime, UNIX_EPOCH};

use bijli_core::journal::verify_segments;
use items::{day_items, header, segment_of};

const SEGMENT_BYTES: usize = 64 * 1_024;
const SEGMENTS: usize = 16;
/// So that some of each segment is the zero tail, which counts too.
const ITEMS_PER_SEGMENT: u64 = 380;

fn journal() -> Vec<Vec<u8>> {
    (0..=SEGMENTS as u32)
        .map(|segment| {
            let mut head = header(segment, u64::from(segment) * ITEMS_PER_SEGMENT);
            head.epoch = 1;
            segment_of(head, &day_items(ITEMS_PER_SEGMENT), SEGMENT_BYTES)
        })
        .collect()
}

#[test]
fn any_flipped_bit_of_a_mebibyte_of_journal_is_detected() {
    let all = std::env::var("BIJLI_BITS").is_ok_and(|word| word == "all");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let fresh = || now.subsec_nanos() as usize;
    let seed =
        std::env::var("BIJLI_SEED").map_or_else(|_| fresh(), |seed| seed.parse().expect("a whole number"));
    let (stride, first) = if all { (1, 0) } else { (61, seed % 61) };
    eprintln!("every bit in {stride} from bit {first}; seed: {seed} (repeat with BIJLI_SEED={seed})");
    let segments = journal();
    let mut flipped = 0;
    for pair in segments.windows(2) {
        let (mut damaged, next) = (pair[0].clone(), pair[1].as_slice());
        assert!(verify_segments(&[&damaged, next]).all(|record| record.is_ok()));
        for bit in (first..SEGMENT_BYTES * 8).step_by(stride) {
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(
                verify_segments(&[&damaged, next]).any(|record| record.is_err()),
                "bit {bit} of a segment was flipped and nobody noticed"
            );
            damaged[bit / 8] ^= 1 << (bit % 8);
            flipped += 1;
        }
    }
    assert_eq!(flipped, SEGMENTS * (SEGMENT_BYTES * 8 - first).div_ceil(stride));
    eprintln!("{flipped} flips, each detected");
}
