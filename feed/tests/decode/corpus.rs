//! The fuzz corpus under `fuzz/corpus`, and a hundred thousand random mutations of it.

use std::path::Path;

use crate::golden::{INITIAL, LIVE, MARKET_INFO, bytes};
use crate::oracle::{compare, table};
use crate::scramble::Random;

const KEYS: [&str; 2] = ["NSE_FO|45450", "NSE_EQ|INE002A01018"];

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/message");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus stands in the repository")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            (name, std::fs::read(path).expect("a readable file"))
        })
        .collect()
}

#[test]
fn the_corpus_holds_the_golden_vectors_and_is_small() {
    let corpus = corpus();
    for vector in [MARKET_INFO, INITIAL, LIVE] {
        assert!(corpus.iter().any(|(_, seed)| *seed == bytes(vector)));
    }
    let total: usize = corpus.iter().map(|(_, seed)| seed.len()).sum();
    assert!(total < 200 * 1024, "{total} bytes");
}

#[test]
fn every_seed_of_the_corpus_is_read_as_prost_reads_it() {
    let instruments = table(KEYS);
    for (name, seed) in corpus() {
        let accepted = compare(&seed, &instruments);
        assert_eq!(accepted, !name.starts_with("bad-"), "{name}");
    }
}

#[test]
fn a_hundred_thousand_mutations_of_the_corpus_never_panic_and_are_read_as_prost_reads_them() {
    let instruments = table(KEYS);
    let corpus = corpus();
    let mut random = Random::new(0x00b1_711a);
    for _ in 0..100_000 {
        let mut frame = corpus[random.below(corpus.len())].1.clone();
        frame.truncate(4096);
        for _ in 0..=random.below(4) {
            let at = random.below(frame.len() + 1);
            match random.below(5) {
                0 => frame.truncate(at),
                1 => frame.insert(at, random.below(256) as u8),
                2 => {
                    let other = &corpus[random.below(corpus.len())].1;
                    let part = random.below(other.len().min(256) + 1);
                    frame.splice(at..at, other[..part].iter().copied());
                }
                _ if at < frame.len() => frame[at] ^= 1 << random.below(8),
                _ => {}
            }
        }
        compare(&frame, &instruments);
    }
}
