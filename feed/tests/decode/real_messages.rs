//! The broker's own messages, put into protobuf by another encoder.

use std::fs::File;
use std::io::Read;

use bijli_feed::upstox::proto;
use prost::Message;

use crate::market_data;
use crate::oracle::{compare, table};

pub(crate) const RECORDED: &str = "upstox-feed/reencoded/live_feed-full_d5-2026-01-23.len32le.pb.zst";
pub(crate) const MARKET_INFO: &str = "upstox-feed/reencoded/market_info+index-2025-02-27.len32le.pb.zst";

/// The messages of a file, each behind its length in four bytes.
pub(crate) fn messages(path: &str, test: &str) -> Option<Vec<Vec<u8>>> {
    let file = File::open(market_data::file(path, test)?).expect("a readable file");
    let mut bytes = Vec::new();
    zstd::Decoder::new(file)
        .and_then(|mut decoder| decoder.read_to_end(&mut bytes))
        .expect("a sound zstd file");
    let mut messages = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (message, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        messages.push(message.to_vec());
        rest = after;
    }
    Some(messages)
}

#[test]
fn a_hundred_and_four_real_messages_are_read_field_for_field() {
    const TEST: &str = "a_hundred_and_four_real_messages_are_read_field_for_field";
    let mut count = 0;
    for path in [RECORDED, MARKET_INFO] {
        let Some(messages) = messages(path, TEST) else {
            return;
        };
        for message in messages {
            let theirs = proto::FeedResponse::decode(message.as_slice()).expect("a sound message");
            assert!(compare(&message, &table(theirs.feeds.keys().map(String::as_str))));
            count += 1;
        }
    }
    assert_eq!(count, 104);
}
