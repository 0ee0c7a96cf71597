//! The messages of the feed as `prost` reads and writes them: the oracle of the decoder's tests and the
//! simulator's encoder. The hot path uses [`super::message`] instead, which allocates nothing.
//!
//! Generated at build time from `proto/market_data_feed_v3.proto`; units stand there field by field.

#![allow(missing_docs, clippy::all, unreachable_pub)]

include!(concat!(
    env!("OUT_DIR"),
    "/com.upstox.marketdatafeederv3udapi.rpc.proto.rs"
));
