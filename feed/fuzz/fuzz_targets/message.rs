//! Any bytes as a feed frame: no reader panics, and whatever `prost` accepts is accepted, groups excepted.
#![no_main]

use bijli_feed::KeyIndex;
use bijli_feed::upstox::{market_info, message, proto};
use libfuzzer_sys::fuzz_target;
use prost::Message;

fuzz_target!(|frame: &[u8]| {
    let keys = KeyIndex::of_keys(["NSE_FO|45450", "NSE_EQ|INE002A01018"].into_iter());
    let mut visited = 0;
    let ours = message::decode(frame, &keys, &mut |_, feed| {
        visited += 1;
        assert!(feed.levels().len() <= 30 && feed.candles().len() <= 4);
    });
    let _ = message::survey(frame, |_| {});
    let _ = message::envelope(frame);
    let _ = market_info::read(frame);
    match (ours, proto::FeedResponse::decode(frame)) {
        (Ok(head), Ok(theirs)) => {
            assert_eq!(head.feeds, visited);
            assert!(theirs.feeds.len() as u32 <= head.feeds + head.unknown_keys);
        }
        (Err(error), Ok(_)) => assert_eq!(error.kind(), message::DecodeErrorKind::Group),
        (_, Err(_)) => {}
    }
});
