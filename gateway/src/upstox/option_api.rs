//! Options: the contracts of an underlying, and the chain of one expiry with prices and greeks.
//!
//! Invariant: implied volatility is a fraction here, as on the feed, though the chain sends percent (41.14 there is
//! 0.4114 here). Tick sizes are paise at the broker and prices here. Source: the broker's option documentation.

use bijli_core::{IstDay, Price, Qty};

use super::answer::{data, record};
use super::call::{Call, PathWriter};
use super::field::{PaiseAsPrice, PercentAsFraction};
use super::vocabulary::Segment;
use crate::evidence::ReadError;
use crate::request::Reply;

/// The option contracts of an underlying, of one expiry or of all.
#[must_use]
pub fn contracts(underlying_key: &str, expiry: Option<IstDay>) -> Call {
    let path = PathWriter::new("/v2/option/contract").param("instrument_key", underlying_key);
    Call::get(path.maybe("expiry_date", expiry).end())
}

/// The chain of one expiry. Not for commodities.
#[must_use]
pub fn chain(underlying_key: &str, expiry: IstDay) -> Call {
    let path = PathWriter::new("/v2/option/chain").param("instrument_key", underlying_key);
    Call::get(path.param("expiry_date", expiry).end())
}

record! {
    /// An instrument, as option contracts, expired contracts and search list it.
    pub struct Contract {
        /// Instrument key.
        pub instrument_key: String,
        /// Symbol, e.g. `NIFTY 19650 CE 15 FEB 24`.
        pub trading_symbol: String,
        /// Segment.
        pub segment: Segment,
        /// Exchange; NSE, BSE or MCX.
        pub exchange: Option<String>,
        /// Name.
        pub name: Option<String>,
        /// CE, PE, FUT, INDEX, or the series of a share.
        pub instrument_type: Option<String>,
        /// Expiry day.
        pub expiry: Option<IstDay>,
        /// Strike.
        pub strike_price: Option<Price>,
        /// Units of a lot.
        pub lot_size: Option<Qty>,
        /// Units that an order has at least.
        pub minimum_lot: Option<Qty>,
        /// Units that the exchange refuses in one order.
        pub freeze_quantity: Option<Qty>,
        /// Step of prices.
        pub tick_size: Option<PaiseAsPrice>,
        /// The exchange's number.
        pub exchange_token: Option<String>,
        /// Securities number of a share.
        pub isin: Option<String>,
        /// Short name.
        pub short_name: Option<String>,
        /// Instrument key of the underlying.
        pub underlying_key: Option<String>,
        /// INDEX, EQUITY, COM, CUR, IRD.
        pub underlying_type: Option<String>,
        /// Symbol of the underlying.
        pub underlying_symbol: Option<String>,
        /// Whether it is a weekly contract.
        pub weekly: Option<bool>,
        /// Last day of trading, where it is not the expiry.
        pub last_trading_date: Option<IstDay>,
        /// Units per quoted unit.
        pub qty_multiplier: Option<f64>,
        /// What is quoted, for commodities.
        pub price_quote_unit: Option<String>,
        /// Whether it may be bought on borrowed money.
        pub mtf_enabled: Option<bool>,
        /// Whether it has a closing auction.
        pub cas_eligible: Option<bool>,
        /// NORMAL, SME, IPO and others.
        pub security_type: Option<String>,
    }
}

record! {
    /// Prices of one option.
    pub struct OptionMarket {
        /// Last price.
        pub ltp: Option<Price>,
        /// Units traded today.
        pub volume: Option<Qty>,
        /// Open interest in units.
        pub oi: Option<Qty>,
        /// Open interest of the day before.
        pub prev_oi: Option<Qty>,
        /// Price at the last close.
        pub close_price: Option<Price>,
        /// Best price to sell at.
        pub bid_price: Option<Price>,
        /// Units there.
        pub bid_qty: Option<Qty>,
        /// Best price to buy at.
        pub ask_price: Option<Price>,
        /// Units there.
        pub ask_qty: Option<Qty>,
    }
}

record! {
    /// Greeks of one option.
    pub struct ChainGreeks {
        /// Change of the premium with the underlying.
        pub delta: Option<f64>,
        /// Change of delta with the underlying.
        pub gamma: Option<f64>,
        /// Change of the premium by a day.
        pub theta: Option<f64>,
        /// Change of the premium with volatility.
        pub vega: Option<f64>,
        /// Implied volatility, a fraction.
        pub iv: Option<PercentAsFraction>,
        /// Probability of profit, in percent.
        pub pop: Option<f64>,
    }
}

record! {
    /// One side of a strike.
    pub struct ChainSide {
        /// Instrument key.
        pub instrument_key: String,
        /// Prices.
        pub market_data: Option<OptionMarket>,
        /// Greeks.
        pub option_greeks: Option<ChainGreeks>,
    }
}

record! {
    /// One strike of a chain.
    pub struct ChainRow {
        /// Expiry day.
        pub expiry: IstDay,
        /// Strike.
        pub strike_price: Price,
        /// Instrument key of the underlying.
        pub underlying_key: Option<String>,
        /// Price of the underlying.
        pub underlying_spot_price: Option<Price>,
        /// Open interest of puts over that of calls; can be huge.
        pub pcr: Option<f64>,
        /// The call.
        pub call_options: Option<ChainSide>,
        /// The put.
        pub put_options: Option<ChainSide>,
    }
}

/// Contracts.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn contracts_of(reply: &Reply) -> Result<Vec<Contract>, ReadError> {
    data(reply)
}

/// The chain, lowest strike first.
///
/// # Errors
/// [`ReadError`] when the reply is no success or a row cannot be read.
pub fn chain_of(reply: &Reply) -> Result<Vec<ChainRow>, ReadError> {
    let mut rows: Vec<ChainRow> = data(reply)?;
    rows.sort_by_key(|row| row.strike_price);
    Ok(rows)
}
