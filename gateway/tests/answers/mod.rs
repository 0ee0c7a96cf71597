//! Every reader under one signature, and a sample answer for each: what the tests of answers share.
//!
//! The samples are written for these tests after the broker's field tables; numbers come in several spellings, some
//! fields under their deprecated names, some null.

use bijli_gateway::Reply;
use bijli_gateway::evidence::ReadError;
use bijli_gateway::upstox::{
    account_api, analytics_api, auth_api, candle_api, charges_api, expired_api, feed_api, funds_api, gtt_api,
    market_api, multi_order_api, news_api, option_api, order_read_api, portfolio_api, profit_loss_api,
    quote_api, search_api,
};
use serde_json::Value;

/// What a reader makes of a reply, printed as JSON.
pub(crate) type Reader = fn(&Reply) -> Result<Value, ReadError>;

macro_rules! readers {
    ($($module:ident :: $reader:ident,)*) => {
        /// Every reader of an answer, by name.
        pub(crate) const READERS: &[(&str, Reader)] = &[$((
            concat!(stringify!($module), "::", stringify!($reader)),
            |reply| {
                $module::$reader(reply).map(|read| serde_json::to_value(read).expect("answers print themselves"))
            },
        ),)*];
    };
}

readers! {
    account_api::kill_switches_of,
    account_api::profile_of,
    account_api::static_ip_of,
    analytics_api::change_oi_of,
    analytics_api::max_pain_of,
    analytics_api::oi_of,
    analytics_api::pcr_of,
    auth_api::grant_of,
    auth_api::logged_out_of,
    auth_api::token_requested_of,
    candle_api::candles_of,
    charges_api::brokerage_of,
    charges_api::margin_of,
    expired_api::contracts_of,
    feed_api::authorized_of,
    funds_api::funds_v2_of,
    funds_api::funds_v3_of,
    gtt_api::standing_of,
    gtt_api::written_of,
    market_api::holidays_of,
    market_api::status_of,
    market_api::timings_of,
    multi_order_api::done_of,
    multi_order_api::placed_of,
    news_api::news_of,
    option_api::chain_of,
    option_api::contracts_of,
    order_read_api::details_of,
    order_read_api::historical_trades_of,
    order_read_api::order_rows_of,
    order_read_api::placed_of,
    order_read_api::trade_rows_of,
    portfolio_api::converted_of,
    portfolio_api::holdings_of,
    portfolio_api::position_rows_of,
    profit_loss_api::charges_of,
    profit_loss_api::rows_of,
    profit_loss_api::size_of,
    quote_api::full_of,
    quote_api::greeks_of,
    quote_api::ltp_of,
    quote_api::ohlc_of,
    search_api::found_of,
}

/// A reply with this status and body.
pub(crate) fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply {
        outcome: Ok(status),
        body: body.into(),
    }
}

/// The samples: which reader, what was sent, and what it prints.
pub(crate) fn samples() -> Vec<(String, Value, Value)> {
    let files = [
        include_str!("orders.json"),
        include_str!("account.json"),
        include_str!("market.json"),
    ];
    let mut samples = Vec::new();
    for file in files {
        let listed: Vec<Value> = serde_json::from_str(file).expect("a list of samples");
        for sample in listed {
            let name = sample["reader"].as_str().expect("a reader").to_owned();
            samples.push((name, sample["sent"].clone(), sample["read"].clone()));
        }
    }
    samples
}
