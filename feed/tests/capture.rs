//! What was captured is played back, whatever happened to the bytes in between.

use bijli_core::time::TsNs;
use bijli_feed::capture::{CaptureError, CaptureWriter, RECORD_HEAD_BYTES, SEGMENT_HEAD};
use bijli_feed::playback::{Playback, PlaybackError, Tail};

const FRAMES: [&[u8]; 4] = [b"first", b"", b"\x00\x00\x00\x00", b"the last frame"];

fn segment() -> (Vec<u8>, usize) {
    let mut writer = CaptureWriter::create(vec![0; 256]).expect("room");
    for (index, frame) in FRAMES.iter().enumerate() {
        writer.append(TsNs::new(index as i64), frame).expect("room");
    }
    let used = writer.used_bytes();
    (writer.into_inner(), used)
}

fn frames(bytes: &[u8]) -> (Vec<&[u8]>, Vec<PlaybackError>, Tail) {
    let mut playback = Playback::new(bytes).expect("a segment");
    let (mut frames, mut damage) = (Vec::new(), Vec::new());
    for found in &mut playback {
        match found {
            Ok(captured) => frames.push(captured.frame),
            Err(error) => damage.push(error),
        }
    }
    (frames, damage, playback.tail())
}

#[test]
fn frames_come_back_in_order_with_their_stamps() {
    let (bytes, used) = segment();
    let played: Vec<_> = Playback::new(&bytes)
        .expect("a segment")
        .map(|found| found.map(|captured| (captured.ts_recv.get(), captured.frame)))
        .collect::<Result<_, _>>()
        .expect("sound records");
    assert_eq!(played, (0..).zip(FRAMES).collect::<Vec<_>>());
    assert_eq!(used, SEGMENT_HEAD.len() + 4 * RECORD_HEAD_BYTES + 5 + 4 + 14);
    assert_eq!(frames(&bytes).2, Tail::Clean);
}

#[test]
fn the_layout_is_as_documented() {
    let mut writer = CaptureWriter::create([0; 40]).expect("room");
    assert_eq!(writer.append(TsNs::new(0x0102), b"ab"), Ok(16));
    let bytes = writer.into_inner();
    assert_eq!(&bytes[..16], b"BIJLI-CAPTURE\x00\x01\x00");
    assert_eq!(bytes[16..20], [18, 0, 0, 0]);
    let crc = crc32c::crc32c(&[18, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, b'a', b'b']);
    assert_eq!(bytes[20..24], crc.to_le_bytes());
    assert_eq!(bytes[24..32], [2, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(&bytes[32..34], b"ab");
}

#[test]
fn a_full_segment_refuses_and_stays_readable() {
    let mut writer = CaptureWriter::create(vec![0; 16 + 20]).expect("room");
    writer.append(TsNs::new(1), b"abcd").expect("room");
    let full = CaptureError::Full {
        bytes: 16,
        room_bytes: 0,
    };
    assert_eq!(writer.append(TsNs::new(2), b""), Err(full));
    assert_eq!(frames(&writer.into_inner()).0, [b"abcd"]);
    assert!(CaptureWriter::create([0; 15]).is_err());
}

#[test]
fn a_segment_cut_anywhere_gives_a_prefix() {
    let (bytes, used) = segment();
    for cut in SEGMENT_HEAD.len()..used {
        // Both as a file that ends there, and as one that is zero from there on.
        let mut zeroed = bytes.clone();
        zeroed[cut..].fill(0);
        for torn in [&bytes[..cut], &zeroed] {
            let (frames, damage, _) = frames(torn);
            assert_eq!(frames, FRAMES[..frames.len()], "cut at {cut}");
            assert_eq!(damage, []);
        }
    }
}

#[test]
fn a_flipped_byte_never_yields_a_wrong_frame() {
    let (bytes, used) = segment();
    for at in SEGMENT_HEAD.len()..used {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x40;
        let (found, damage, tail) = frames(&flipped);
        assert!(found.len() < 4, "byte {at}");
        assert!(found.iter().all(|frame| FRAMES.contains(frame)), "byte {at}");
        assert!(
            !damage.is_empty() || tail != Tail::Clean,
            "byte {at} goes unnoticed"
        );
    }
}

#[test]
fn damage_in_the_middle_is_named_and_stepped_over() {
    let (mut bytes, _) = segment();
    bytes[SEGMENT_HEAD.len() + RECORD_HEAD_BYTES] ^= 1;
    let (found, damage, tail) = frames(&bytes);
    assert_eq!(found, FRAMES[1..]);
    let named = PlaybackError::Damaged {
        record: 0,
        offset: 16,
    };
    assert_eq!((damage.as_slice(), tail), (&[named][..], Tail::Clean));
}

#[test]
fn a_foreign_file_is_refused() {
    for bytes in [&b""[..], b"BIJLI-CAPTURE\x00\x02\x00", b"[{}]            "] {
        assert_eq!(Playback::new(bytes).err(), Some(PlaybackError::NotACapture));
    }
}
