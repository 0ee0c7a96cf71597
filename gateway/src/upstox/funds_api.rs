//! Funds, in both forms. From 00:00 to 05:30 in India the service is closed (HTTP 423), which is no login error.
//!
//! Invariant: amounts are rupees; what the account does not have is absent or zero, as the broker sends it.
//! Source: the broker's funds documentation, versions 2 and 3.

use bijli_core::Money;

use super::answer::{data, record, words};
use super::call::{Call, PathWriter};
use crate::evidence::ReadError;
use crate::request::Reply;

words! {
    /// Which funds the old call is asked for.
    pub enum FundsSegment {
        /// Shares and their derivatives; since July 2025 all funds.
        Securities = "SEC",
        /// Commodities; zeros since July 2025.
        Commodity = "COM",
    }
}

/// Funds in the old form; no segment asks for both.
#[must_use]
pub fn funds_v2(segment: Option<&FundsSegment>) -> Call {
    Call::get(
        PathWriter::new("/v2/user/get-funds-and-margin")
            .maybe("segment", segment)
            .end(),
    )
}

/// Funds.
#[must_use]
pub fn funds_v3() -> Call {
    Call::get("/v3/user/get-funds-and-margin")
}

record! {
    /// Funds of one segment, old form.
    pub struct FundsOfSegment {
        /// Free for new orders.
        pub available_margin: Money,
        /// Taken by orders and positions.
        pub used_margin: Money,
        /// Paid in today.
        pub payin_amount: Option<Money>,
        /// Taken for the risk of derivatives.
        pub span_margin: Option<Money>,
        /// Lent by the broker.
        pub adhoc_margin: Option<Money>,
        /// Cash that counts without being there.
        pub notional_cash: Option<Money>,
        /// Taken for the exposure of derivatives.
        pub exposure_margin: Option<Money>,
    }
}

record! {
    /// Funds, old form.
    pub struct FundsV2 {
        /// Shares and their derivatives; since July 2025 all funds.
        pub equity: Option<FundsOfSegment>,
        /// Commodities.
        pub commodity: Option<FundsOfSegment>,
    }
}

record! {
    /// Funds.
    pub struct Funds {
        /// What may be traded with.
        pub available_to_trade: AvailableToTrade,
        /// What may not yet.
        pub unavailable_to_trade: Option<UnavailableToTrade>,
    }
}

record! {
    /// What may be traded with.
    pub struct AvailableToTrade {
        /// Cash and pledges together.
        pub total: Money,
        /// In cash.
        pub cash_available_to_trade: Option<CashAvailable>,
        /// Against pledges.
        pub pledge_available_to_trade: Option<PledgeAvailable>,
    }
}

record! {
    /// Cash: what came in less what is used.
    pub struct CashAvailable {
        /// What is left.
        pub total: Money,
        /// What came in.
        pub cash: Option<Cash>,
        /// What is used.
        pub margin_used: Option<CashMarginUsed>,
    }
}

record! {
    /// Where cash came from.
    pub struct Cash {
        /// At the start of the day.
        pub opening_balance: Option<Money>,
        /// Paid in today.
        pub added_today: Option<Money>,
        /// Paid out today; negative.
        pub withdrawn_today: Option<Money>,
        /// From shares sold.
        pub amount_from_stock_sale: Option<Money>,
        /// Owed to the broker.
        pub unpaid_charges: Option<Money>,
    }
}

record! {
    /// What cash is used for.
    pub struct CashMarginUsed {
        /// All of it.
        pub total: Option<Money>,
        /// For shares on borrowed money.
        pub mtf: Option<Money>,
        /// Lost today.
        pub loss: Option<Loss>,
        /// For the risk and exposure of derivatives.
        pub span_exposure: Option<Money>,
        /// For shares.
        pub cash_margin_var_elm: Option<Money>,
        /// Paid for options.
        pub premium_present: Option<Money>,
        /// For contracts that will be delivered.
        pub delivery_margin: Option<DeliveryMargin>,
    }
}

record! {
    /// Lost today.
    pub struct Loss {
        /// All of it.
        pub total: Option<Money>,
        /// By what was closed.
        pub realised: Option<Money>,
        /// By what is open.
        pub unrealised: Option<Money>,
    }
}

record! {
    /// For contracts that will be delivered.
    pub struct DeliveryMargin {
        /// All of it.
        pub total: Option<Money>,
        /// For shares.
        pub equity: Option<Money>,
        /// For derivatives.
        pub fo_settlement: Option<Money>,
    }
}

record! {
    /// Pledges: what they give less what is used.
    pub struct PledgeAvailable {
        /// What is left.
        pub total: Option<Money>,
        /// What they give.
        pub margin_from_pledge: Option<MarginFromPledge>,
        /// What is used.
        pub margin_used: Option<PledgeMarginUsed>,
    }
}

record! {
    /// What pledges give.
    pub struct MarginFromPledge {
        /// All of it.
        pub total: Option<Money>,
        /// By shares.
        pub equity: Option<Money>,
        /// By fund units.
        pub mutual_funds: Option<Money>,
    }
}

record! {
    /// What pledges are used for.
    pub struct PledgeMarginUsed {
        /// All of it.
        pub total: Option<Money>,
        /// For shares on borrowed money.
        pub mtf: Option<Money>,
        /// For the risk and exposure of derivatives.
        pub span_exposure: Option<Money>,
        /// For shares.
        pub cash_margin_var_elm: Option<Money>,
        /// Paid for options.
        pub premium_present: Option<Money>,
        /// For contracts that will be delivered.
        pub delivery_margin: Option<DeliveryMargin>,
    }
}

record! {
    /// What may not be traded with yet.
    pub struct UnavailableToTrade {
        /// In cash.
        pub cash_unavailable_to_trade: Option<CashUnavailable>,
        /// Against pledges.
        pub pledge_unavailable_to_trade: Option<PledgeUnavailable>,
    }
}

record! {
    /// Cash that is not there yet.
    pub struct CashUnavailable {
        /// Profits before settlement.
        pub unsettled_profit: Option<UnsettledProfit>,
    }
}

record! {
    /// Profits before settlement.
    pub struct UnsettledProfit {
        /// Made today.
        pub todays_profit: Option<Money>,
        /// Made before.
        pub previous_days: Option<Money>,
    }
}

record! {
    /// Pledges that do not count yet.
    pub struct PledgeUnavailable {
        /// Shares.
        pub equity: Option<Money>,
        /// Fund units.
        pub mutual_funds: Option<Money>,
    }
}

/// Funds in the old form.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn funds_v2_of(reply: &Reply) -> Result<FundsV2, ReadError> {
    data(reply)
}

/// Funds.
///
/// # Errors
/// [`ReadError`] when the reply is no success.
pub fn funds_v3_of(reply: &Reply) -> Result<Funds, ReadError> {
    data(reply)
}
