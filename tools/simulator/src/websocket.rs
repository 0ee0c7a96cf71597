//! WebSocket frames on the server's side: headers out, masked frames in.
//!
//! Written here rather than taken from a library because the feed's frames are coalesced into one buffer before
//! TLS sees them. Invariants: what comes in is masked, unextended and at most [`MESSAGE_BYTES_MAX`] long.
//! Facts: RFC 6455 section 5.

/// Largest message accepted from a client.
pub(crate) const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
const CONTROL_BYTES_MAX: usize = 125;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// A whole message or control frame from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Incoming {
    pub(crate) opcode: Opcode,
    pub(crate) payload: Vec<u8>,
}

/// The client broke the protocol; the close code that answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub(super) u16);

/// Collects frames into messages.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    started: Option<Incoming>,
}

/// Appends one frame.
pub(crate) fn write(into: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    into.push(0x80 | opcode as u8);
    match payload.len() {
        bytes @ 0..=CONTROL_BYTES_MAX => into.push(bytes as u8),
        bytes @ 126..=0xffff => {
            into.push(126);
            into.extend_from_slice(&(bytes as u16).to_be_bytes());
        }
        bytes => {
            into.push(127);
            into.extend_from_slice(&(bytes as u64).to_be_bytes());
        }
    }
    into.extend_from_slice(payload);
}

/// Appends a close frame.
pub(crate) fn write_close(into: &mut Vec<u8>, code: u16, reason: &str) {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(reason.as_bytes());
    payload.truncate(CONTROL_BYTES_MAX);
    write(into, Opcode::Close, &payload);
}

impl Assembler {
    /// Takes the next whole message out of `inbox`; `None` when more bytes are needed.
    pub(crate) fn next(&mut self, inbox: &mut Vec<u8>) -> Result<Option<Incoming>, Broken> {
        while let Some((is_final, frame)) = take_frame(inbox)? {
            match frame.opcode {
                Opcode::Close | Opcode::Ping | Opcode::Pong => return Ok(Some(frame)),
                Opcode::Continuation => {
                    let started = self.started.as_mut().ok_or(Broken(1002))?;
                    started.payload.extend_from_slice(&frame.payload);
                    if started.payload.len() > MESSAGE_BYTES_MAX {
                        return Err(Broken(1009));
                    }
                }
                Opcode::Text | Opcode::Binary if self.started.is_some() => return Err(Broken(1002)),
                Opcode::Text | Opcode::Binary => self.started = Some(frame),
            }
            if is_final {
                return Ok(self.started.take());
            }
        }
        Ok(None)
    }
}

/// One frame off the front of `inbox`, unmasked, and whether it ends its message.
fn take_frame(inbox: &mut Vec<u8>) -> Result<Option<(bool, Incoming)>, Broken> {
    let [first, second, ..] = inbox[..] else {
        return Ok(None);
    };
    let opcode = match first & 0x0f {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        _ => return Err(Broken(1002)),
    };
    let is_final = first & 0x80 != 0;
    let is_control = opcode as u8 >= 8;
    let is_masked = second & 0x80 != 0;
    if first & 0x70 != 0 || !is_masked || (is_control && (!is_final || second & 0x7f > 125)) {
        return Err(Broken(1002));
    }
    let (bytes, mut at) = match second & 0x7f {
        126 => match inbox.get(2..4) {
            Some(length) => (usize::from(length[0]) << 8 | usize::from(length[1]), 4),
            None => return Ok(None),
        },
        127 => match inbox.get(2..10) {
            Some(length) => (
                length.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)) as usize,
                10,
            ),
            None => return Ok(None),
        },
        bytes => (usize::from(bytes), 2),
    };
    if bytes > MESSAGE_BYTES_MAX {
        return Err(Broken(1009));
    }
    let Some(mask) = inbox
        .get(at..at + 4)
        .and_then(|mask| <[u8; 4]>::try_from(mask).ok())
    else {
        return Ok(None);
    };
    at += 4;
    let Some(masked) = inbox.get(at..at + bytes) else {
        return Ok(None);
    };
    let payload = masked
        .iter()
        .zip(mask.iter().cycle())
        .map(|(byte, mask)| byte ^ mask)
        .collect();
    inbox.drain(..at + bytes);
    Ok(Some((is_final, Incoming { opcode, payload })))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        if payload.len() < 126 {
            bytes.push(0x80 | payload.len() as u8);
        } else {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(payload.len() as u16).to_be_bytes());
        }
        let mask = [1, 2, 3, 4];
        bytes.extend_from_slice(&mask);
        bytes.extend(
            payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        bytes
    }

    #[test]
    fn a_message_in_pieces_is_put_together_around_a_ping() {
        let mut inbox = masked(0x02, b"ab");
        inbox.extend(masked(0x89, b"?"));
        inbox.extend(masked(0x80, b"cd"));
        let mut assembler = Assembler::default();
        let mut seen = Vec::new();
        while let Some(message) = assembler.next(&mut inbox).expect("sound") {
            seen.push((message.opcode, message.payload));
        }
        assert_eq!(
            seen,
            [(Opcode::Ping, b"?".to_vec()), (Opcode::Binary, b"abcd".to_vec())]
        );
        assert!(inbox.is_empty());
    }

    #[test]
    fn what_breaks_the_protocol_is_refused() {
        for bytes in [
            vec![0x82, 0x01, b'x'],
            masked(0xc2, b"x"),
            masked(0x09, b"x"),
            masked(0x80, b"x"),
            masked(0x83, b"x"),
        ] {
            assert_eq!(
                Assembler::default().next(&mut bytes.clone()),
                Err(Broken(1002)),
                "{bytes:?}"
            );
        }
        let mut huge = vec![0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4];
        assert_eq!(Assembler::default().next(&mut huge), Err(Broken(1009)));
    }

    proptest! {
        #[test]
        fn bytes_that_come_in_any_pieces_give_the_same_messages(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..6), cut in 1_usize..40) {
            let wire: Vec<u8> = payloads.iter().flat_map(|payload| masked(0x82, payload)).collect();
            let (mut inbox, mut assembler, mut seen) = (Vec::new(), Assembler::default(), Vec::new());
            for piece in wire.chunks(cut) {
                inbox.extend_from_slice(piece);
                while let Some(message) = assembler.next(&mut inbox).expect("sound") {
                    seen.push(message.payload);
                }
            }
            prop_assert_eq!(seen, payloads);
        }
    }
}
