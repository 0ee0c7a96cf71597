//! Whether a map entry of a frame holds more than its key and its value, or has a foreign wire type.
//!
//! Google's runtime takes such an entry for unknown as a whole, the broker's encoders write none, and ours and
//! `prost` read it as an entry. Looks as far as the frame can be read.

/// Looks into the feeds and into the three maps of the market's state.
pub(crate) fn has_odd_entry(frame: &[u8]) -> bool {
    fields(frame).any(|(number, body)| match (number, body) {
        (2, body) => is_odd(body),
        (4, Some(body)) => fields(body).any(|(number, body)| matches!(number, 1..=3) && is_odd(body)),
        _ => false,
    })
}

fn is_odd(entry: Option<&[u8]>) -> bool {
    entry.is_none_or(|entry| fields(entry).any(|(number, _)| !matches!(number, 1 | 2)))
}

/// Number and body of each field; no body where the wire type is not that of bytes.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u64, Option<&[u8]>)> {
    std::iter::from_fn(move || {
        let key = varint(&mut rest)?;
        let bytes = match key & 7 {
            0 => {
                varint(&mut rest)?;
                0
            }
            1 => 8,
            2 => usize::try_from(varint(&mut rest)?).ok()?,
            5 => 4,
            // A group, or nothing known: the field is named, and the frame cannot be read on.
            _ => {
                rest = &[];
                0
            }
        };
        // What a cut frame lacks is of no matter to what stands before it.
        let (body, after) = rest.split_at_checked(bytes).unwrap_or((rest, &[]));
        rest = after;
        Some((key >> 3, (key & 7 == 2).then_some(body)))
    })
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}
