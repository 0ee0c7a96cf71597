//! The broker's words that several areas share: segments, exchanges, products, sides, order types.
//!
//! Invariant: a word that is not known is kept as sent. Left out: order status words, which `order_row.rs` maps to
//! the engine's own. Source: the broker's API documentation.

use bijli_core::order::{OrderType, Side, Validity};

use super::answer::words;

words! {
    /// A segment as instrument keys and most filters name it.
    pub enum Segment {
        /// Shares at the National Stock Exchange.
        NseEq = "NSE_EQ",
        /// Shares at the Bombay Stock Exchange.
        BseEq = "BSE_EQ",
        /// Derivatives on shares and indices, National Stock Exchange.
        NseFo = "NSE_FO",
        /// Derivatives on shares and indices, Bombay Stock Exchange.
        BseFo = "BSE_FO",
        /// Commodities at the Multi Commodity Exchange.
        McxFo = "MCX_FO",
        /// Currencies, National Stock Exchange.
        NcdFo = "NCD_FO",
        /// Currencies, Bombay Stock Exchange.
        BcdFo = "BCD_FO",
        /// Commodities, National Stock Exchange.
        NseCom = "NSE_COM",
        /// Indices of the National Stock Exchange; not tradable.
        NseIndex = "NSE_INDEX",
        /// Indices of the Bombay Stock Exchange; not tradable.
        BseIndex = "BSE_INDEX",
        /// Indices of the Multi Commodity Exchange; not tradable.
        McxIndex = "MCX_INDEX",
    }
}

words! {
    /// An exchange as orders and the market calendar name it.
    pub enum Exchange {
        /// Shares, National Stock Exchange.
        Nse = "NSE",
        /// Derivatives, National Stock Exchange.
        Nfo = "NFO",
        /// Currencies, National Stock Exchange.
        Cds = "CDS",
        /// Shares, Bombay Stock Exchange.
        Bse = "BSE",
        /// Derivatives, Bombay Stock Exchange.
        Bfo = "BFO",
        /// Currencies, Bombay Stock Exchange.
        Bcd = "BCD",
        /// Multi Commodity Exchange.
        Mcx = "MCX",
        /// Commodities, National Stock Exchange.
        Nscom = "NSCOM",
    }
}

words! {
    /// A margin product.
    pub enum ProductWord {
        /// Intraday.
        Intraday = "I",
        /// Delivery, or carried forward.
        Delivery = "D",
        /// Delivery on borrowed money.
        Mtf = "MTF",
        /// Cover order; old API only.
        Cover = "CO",
        /// One cancels the other; refused by the API today.
        Oco = "OCO",
    }
}

words! {
    /// Which way an order or trade goes.
    pub enum SideWord {
        /// Buys.
        Buy = "BUY",
        /// Sells.
        Sell = "SELL",
    }
}

words! {
    /// How an order is priced.
    pub enum OrderTypeWord {
        /// At any price.
        Market = "MARKET",
        /// At a price or better.
        Limit = "LIMIT",
        /// A limit order once the trigger is touched.
        StopLimit = "SL",
        /// A market order once the trigger is touched.
        StopMarket = "SL-M",
    }
}

words! {
    /// A ledger of the back office, as reports are asked for.
    pub enum Ledger {
        /// Shares.
        Equity = "EQ",
        /// Derivatives on shares and indices.
        FuturesOptions = "FO",
        /// Commodities.
        Commodity = "COM",
        /// Currencies.
        Currency = "CD",
        /// Mutual funds; trades only.
        MutualFund = "MF",
    }
}

impl From<Side> for SideWord {
    fn from(side: Side) -> Self {
        match side {
            Side::Buy => Self::Buy,
            Side::Sell => Self::Sell,
        }
    }
}

/// The broker's word for an order type.
pub(super) const fn order_type_word(order_type: OrderType) -> &'static str {
    match order_type {
        OrderType::Limit => "LIMIT",
        OrderType::Market => "MARKET",
        OrderType::StopLimit => "SL",
        OrderType::StopMarket => "SL-M",
    }
}

/// The broker's word for how long an order lives.
pub(super) const fn validity_word(validity: Validity) -> &'static str {
    match validity {
        Validity::Day => "DAY",
        Validity::Ioc => "IOC",
    }
}

/// The broker's word for a side.
pub(super) const fn side_word(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}
