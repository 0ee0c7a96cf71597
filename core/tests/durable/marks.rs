//! The mark file: the newest sound slot counts, and only what a writer wrote is sound.

use bijli_core::codec::DurableMark;
use bijli_core::journal::{MARK_FILE_BYTES, Marks, SECTOR_BYTES, StoredMark, read_marks};

use super::items::header;
use super::{mark_after, mark_file, stored};

fn both() -> [StoredMark; 2] {
    [6, 7].map(|generation| stored(generation, mark_after(generation * 10)))
}

#[test]
fn a_mark_is_read_as_it_was_written_and_the_newer_of_two_counts() {
    let mark = DurableMark {
        segment: 3,
        epoch: 4,
        end_offset: 5 << 40,
        next_seq: 6 << 40,
        exits_unwaited: 7 << 40,
    };
    for generation in [1, 2, u64::MAX] {
        let written = stored(generation, mark);
        assert_eq!(read_marks(&mark_file(&[written])), Marks::Found(written));
    }
    let [older, newer] = both();
    assert_eq!(read_marks(&mark_file(&[older, newer])), Marks::Found(newer));
    assert_eq!(
        read_marks(&mark_file(&[stored(8, mark), newer])),
        Marks::Found(stored(8, mark))
    );
}

#[test]
fn marks_are_written_in_turn_each_into_a_sector_of_its_own() {
    let offsets = [1, 2, 3, 4].map(|generation| stored(generation, mark_after(1)).slot_offset());
    let sector = SECTOR_BYTES as u64;
    assert_eq!(offsets, [sector, 0, sector, 0]);
    assert_eq!(MARK_FILE_BYTES, 2 * SECTOR_BYTES);
}

#[test]
fn a_slot_that_was_cut_off_or_rotted_leaves_the_other_one() {
    let [older, newer] = both();
    for at in 0..SECTOR_BYTES {
        let mut file = mark_file(&[older, newer]);
        file[SECTOR_BYTES + at] ^= 0x10;
        assert_eq!(read_marks(&file), Marks::Found(older), "byte {at} of the newer");
        file[at] ^= 0x10;
        assert_eq!(read_marks(&file), Marks::Lost, "byte {at} of both");
    }
    let file = mark_file(&[older, newer]);
    assert_eq!(read_marks(&file[..SECTOR_BYTES]), Marks::Found(older));
    assert_eq!(read_marks(&file[..MARK_FILE_BYTES - 1]), Marks::Found(older));
}

#[test]
fn a_mark_in_the_other_ones_slot_is_not_believed() {
    let [_, newer] = both();
    let mut file = vec![0; MARK_FILE_BYTES];
    file[..SECTOR_BYTES].copy_from_slice(&newer.to_bytes());
    assert_eq!(read_marks(&file), Marks::Lost);
}

#[test]
fn nothing_was_claimed_while_the_first_slot_is_zeros_in_a_whole_file() {
    let mut file = vec![0; MARK_FILE_BYTES];
    assert_eq!(read_marks(&file), Marks::Blank);
    file[SECTOR_BYTES..].fill(0xA5);
    assert_eq!(read_marks(&file), Marks::Blank, "the first mark was cut off");
    file[0] = 1;
    assert_eq!(read_marks(&file), Marks::Lost);
    for bytes in [0, SECTOR_BYTES, MARK_FILE_BYTES - 1, MARK_FILE_BYTES + 1] {
        assert_eq!(read_marks(&vec![0; bytes]), Marks::Lost, "{bytes} bytes");
    }
}

#[test]
fn a_mark_of_another_version_or_of_a_day_that_is_none_is_not_believed() {
    let written = stored(1, mark_after(1));
    let with = |at: usize, bytes: [u8; 4]| {
        let mut slot = written.to_bytes();
        slot[at..at + 4].copy_from_slice(&bytes);
        let crc = crc_of(&slot[..60]);
        slot[60..64].copy_from_slice(&crc.to_le_bytes());
        let mut file = vec![0; MARK_FILE_BYTES];
        // Slot 0 is not zeros, so that the file was written to for certain.
        file[0] = 1;
        file[SECTOR_BYTES..].copy_from_slice(&slot);
        read_marks(&file)
    };
    let day = header(0, 0).day.get();
    assert_eq!(with(12, day.to_le_bytes()), Marks::Found(written), "made anew");
    assert_eq!(with(8, [2, 0, 0, 0]), Marks::Lost);
    assert_eq!(with(0, *b"bijl"), Marks::Lost);
    assert_eq!(with(12, i32::MAX.to_le_bytes()), Marks::Lost);
}

/// CRC32C, a bit at a time.
fn crc_of(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82F6_3B78 & (crc & 1).wrapping_neg())
        })
    })
}
