//! The table of transitions, written out a second time so that a reader can check it, and the tags.

use super::*;

/// Row: from; columns: to, in the order of the numbers. `x`: may follow; `.`: may not; `=`: the same again.
const WRITTEN: [&str; 13] = [
    // S A O T M C U P N R F C R: Submitted, Accepted, Open, TriggerPending, PendingModify, PendingCancel, Unknown,
    // PresumedAbsent, NotSent, Refused, Filled, Cancelled, Rejected
    "=xxxxxx.xxxxx", // Submitted: anything may be heard first, but absence needs a doubt before it
    ".=xxxx....xxx", // Accepted: received is not accepted by the exchange: it may still be rejected
    "..=xxx....xxx", // Open: never back to merely received
    "..x=xx....xxx", // TriggerPending: released, changed, ended, or rejected at its trigger
    "..xx=x....xxx", // PendingModify: the old terms or the new ones work on, or it ended
    "..xxx=....xxx", // PendingCancel: live until it ended; a refused cancel leaves it working
    ".xxxxx=x..xxx", // Unknown: ended by the broker's evidence or the written rule of absence, by nothing else
    ".xxxxx.=..xxx", // PresumedAbsent: it may appear after all
    ".xxxxx..=.xxx", // NotSent: a row that shows it alive is believed, and halts
    ".xxxxx...=xxx", // Refused: the same
    "..........=xx", // Filled: provisional until trades back it
    "..........x=.", // Cancelled: a fill that raced the cancel
    "............=", // Rejected
];

#[test]
fn a_state_is_followed_by_what_the_written_table_says() {
    for (from, row) in ORDER_STATES.into_iter().zip(WRITTEN) {
        for (to, mark) in ORDER_STATES.into_iter().zip(row.chars()) {
            assert_eq!(from == to, mark == '=', "{from:?} -> {to:?}");
            assert_eq!(from.may_become(to), mark != '.', "{from:?} -> {to:?}");
        }
    }
}

#[test]
fn an_order_that_ended_counts_as_live_no_more_and_no_other_does() {
    let final_ones: Vec<_> = ORDER_STATES
        .into_iter()
        .filter(|state| state.is_final())
        .collect();
    use OrderState as S;
    assert_eq!(
        final_ones,
        [S::NotSent, S::Refused, S::Filled, S::Cancelled, S::Rejected]
    );
    for state in ORDER_STATES {
        assert_ne!(state.may_be_live(), state.is_final(), "{state:?}");
    }
}

#[test]
fn states_are_numbered_in_their_order_and_named_apart() {
    let mut names: Vec<_> = ORDER_STATES.iter().map(|state| state.name()).collect();
    for (number, state) in ORDER_STATES.iter().enumerate() {
        assert_eq!(*state as usize, number);
    }
    assert!(names.iter().all(|name| name.len() > 3));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ORDER_STATES.len());
}

#[test]
fn sides_are_opposites() {
    assert_eq!(
        (Side::Buy.opposite(), Side::Sell.opposite()),
        (Side::Sell, Side::Buy)
    );
    assert_eq!((Side::Buy.sign(), Side::Sell.sign()), (1, -1));
}

#[test]
fn an_intent_is_its_epoch_and_its_number() {
    let intent = IntentId::new(7, 123_456);
    assert_eq!(
        (intent.epoch(), intent.sequence(), intent.get()),
        (7, 123_456, 7 << 32 | 123_456)
    );
    assert_eq!(IntentId::from_raw(intent.get()), intent);
}

#[test]
fn a_tag_names_its_intent_and_a_damaged_tag_names_none() {
    for intent in [
        IntentId::new(7, 123_456),
        IntentId::new(0, 1),
        IntentId::new(u32::MAX, u32::MAX),
    ] {
        let tag = intent.tag();
        assert_eq!(IntentId::from_tag(tag.as_str()), Some(intent));
        assert!(tag.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        for place in 0..18 {
            let mut bytes = tag.as_str().as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'1' { b'2' } else { b'1' };
            let text = String::from_utf8(bytes).expect("still text");
            assert_eq!(IntentId::from_tag(&text), None, "{text}");
        }
    }
    assert_eq!(IntentId::from_tag("my own order"), None);
}

#[test]
fn the_tag_of_an_intent_never_changes() {
    assert_eq!(IntentId::new(1, 2).tag().as_str()[..16], *"BJ00000010000002");
    assert_eq!(IntentId::new(33, 1_024).tag().as_str()[..16], *"BJ00000110000100");
}
