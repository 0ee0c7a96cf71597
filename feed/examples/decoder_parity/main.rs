//! Writes frames, what our decoder read in each, and how it judged them, for a reader that decodes them anew with
//! the broker's own classes (`tools/xtask/referee/decoder_parity.py`). Each frame goes through `prost` here as well.
//!
//! `decoder_parity SEED COUNT [FILE]`: `FILE` holds real messages, each behind its length in four bytes. A record on
//! stdout: length and bytes of the frame; how it was judged ([`Verdict`]); length and bytes of its canonical form.
//! The same arguments give the same bytes. A frame that ours and `prost` read differently is a panic.

mod canonical;
mod frames;
mod odd_entry;
#[path = "../../tests/decode/oracle.rs"]
mod oracle;
#[path = "../../tests/decode/scramble.rs"]
mod scramble;

use std::io::{BufWriter, Write};

use bijli_feed::KeyIndex;
use bijli_feed::upstox::message::{self, DecodeErrorKind};
use bijli_feed::upstox::proto;
use prost::Message;

use frames::Frames;

/// How a frame was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Verdict {
    /// Both read it, and read the same.
    Read = 0,
    /// Neither could: it is broken as protobuf.
    Refused = 1,
    /// Ours refuses groups, which proto3 has no more and `prost` passes over.
    Group = 2,
    /// Both refuse a known field of a foreign wire type, which other decoders take for an unknown field.
    WrongWireType = 3,
    /// Text that is not UTF-8: ours reads bytes and knows no such key, `prost` refuses.
    NotUtf8 = 4,
    /// Broken inside the feed of a key that no instrument can have: ours passes it over unread.
    Unread = 5,
    /// Both refuse a varint of more than 64 bits, or a key that is no key; other decoders cut them short.
    Oversized = 6,
    /// Ours and `prost` agree; other decoders pass over a map entry that holds more than key and value, or that has
    /// a foreign wire type.
    OddEntry = 7,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |index: usize| arguments.get(index).map(|word| word.parse::<u64>()).transpose();
    let (Some(seed), Some(count)) = (number(1)?, number(2)?) else {
        return Err("usage: decoder_parity SEED COUNT [FILE]".into());
    };
    let real = arguments
        .get(3)
        .map(std::fs::read)
        .transpose()?
        .unwrap_or_default();
    let mut frames = Frames::new(seed, &real);
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let (mut frame, mut canonical) = (Vec::new(), Vec::new());
    for index in 0..count {
        frames.next_into(&mut frame);
        canonical.clear();
        let mut verdict = judge(&frame, &mut canonical, &format!("seed {seed}, frame {index}"));
        let is_plain = !matches!(
            verdict,
            Verdict::Group | Verdict::WrongWireType | Verdict::Oversized
        );
        if is_plain && odd_entry::has_odd_entry(&frame) {
            verdict = Verdict::OddEntry;
        }
        put(&mut out, &frame)?;
        out.write_all(&[verdict as u8])?;
        put(&mut out, &canonical)?;
    }
    out.flush()?;
    Ok(())
}

fn put(out: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    out.write_all(&(bytes.len() as u32).to_le_bytes())?;
    out.write_all(bytes)
}

/// Reads a frame with both, compares, and leaves the canonical form of what ours read.
fn judge(frame: &[u8], canonical: &mut Vec<u8>, place: &str) -> Verdict {
    let theirs = proto::FeedResponse::decode(frame);
    let (keys, has_foreign_key) = keys_of(frame);
    let instruments = oracle::table(keys.iter().map(String::as_str));
    let index = KeyIndex::new(&instruments);
    let ours = canonical::write(frame, &index, &keys, canonical);
    match (ours, theirs) {
        (Ok(()), Ok(_)) => {
            assert!(oracle::compare(frame, &instruments), "{place}: prost reads it");
            Verdict::Read
        }
        (Ok(()), Err(error)) if error.to_string().contains("UTF-8") => Verdict::NotUtf8,
        (Ok(()), Err(_)) if has_foreign_key => Verdict::Unread,
        (Ok(()), Err(error)) => panic!("{place}: we read what prost refuses: {error}: {frame:02x?}"),
        (Err(error), theirs) => {
            assert!(
                theirs.is_err() || error.kind() == DecodeErrorKind::Group,
                "{place}: prost reads what we refuse: {error}: {frame:02x?}"
            );
            match error.kind() {
                DecodeErrorKind::Group => Verdict::Group,
                DecodeErrorKind::WrongWireType => Verdict::WrongWireType,
                DecodeErrorKind::BadVarint | DecodeErrorKind::BadKey => Verdict::Oversized,
                DecodeErrorKind::Truncated => Verdict::Refused,
            }
        }
    }
}

/// The keys of a frame that an instrument can have, sorted, and whether there are others.
fn keys_of(frame: &[u8]) -> (Vec<String>, bool) {
    let (mut keys, mut has_foreign) = (Vec::new(), false);
    // Keys before the damage are wanted as well, so what the survey says in the end is of no matter.
    let _broken_or_not = message::survey(frame, |key| match std::str::from_utf8(key) {
        Ok(key) if canonical::is_possible(key) => keys.push(key.to_owned()),
        Ok(_) | Err(_) => has_foreign = true,
    });
    keys.sort_unstable();
    keys.dedup();
    (keys, has_foreign)
}
