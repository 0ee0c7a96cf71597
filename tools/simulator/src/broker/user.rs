//! The user: profile and funds.

use bijli_core::Money;
use serde_json::{Value, json};

use super::Broker;
use super::account::USER_ID;
use super::reply::ApiReply;
use super::route::{Answer, Asked, Route};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v2/user/profile", profile),
    Route::get("/v2/user/get-funds-and-margin", funds_v2),
    Route::get("/v3/user/get-funds-and-margin", funds_v3),
];

fn funds_v2(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    Ok(ApiReply::success(&broker.funds_v2()))
}

fn funds_v3(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    Ok(ApiReply::success(&broker.funds_v3()))
}

fn profile(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    Ok(ApiReply::success(&broker.profile()))
}

impl Broker {
    /// The user as profile and login tell them.
    pub(super) fn profile(&self) -> Value {
        json!({
            "email": "simulated@example.invalid",
            "exchanges": ["NSE", "NFO"],
            "products": ["I", "D", "MTF"],
            "broker": "UPSTOX",
            "user_id": USER_ID,
            "user_name": "Simulated User",
            "order_types": ["MARKET", "LIMIT", "SL", "SL-M"],
            "user_type": "individual",
            "poa": false,
            "is_active": true,
        })
    }

    fn funds_v2(&self) -> Value {
        let segment = |free: Money, used: Money| {
            json!({
                "used_margin": used.rupees(), "payin_amount": 0.0, "span_margin": 0.0, "adhoc_margin": 0.0,
                "notional_cash": 0.0, "available_margin": free.rupees(), "exposure_margin": 0.0,
            })
        };
        json!({
            "equity": segment(self.margin_free(), self.margin_used()),
            "commodity": segment(Money::ZERO, Money::ZERO),
        })
    }

    fn funds_v3(&self) -> Value {
        let (free, used) = (self.margin_free().rupees(), self.margin_used().rupees());
        let realised = self.ledger.realised().rupees();
        json!({
            "available_to_trade": {
                "total": free,
                "cash_available_to_trade": {
                    "total": free,
                    "cash": {
                        "opening_balance": self.settings.capital.rupees(), "added_today": 0.0,
                        "withdrawn_today": 0.0, "amount_from_stock_sale": 0.0, "unpaid_charges": 0.0,
                    },
                    "margin_used": {
                        "total": used, "mtf": 0.0,
                        "loss": { "total": realised.min(0.0), "realised": realised.min(0.0), "unrealised": 0.0 },
                        "span_exposure": 0.0, "cash_margin_var_elm": used, "premium_present": 0.0,
                        "delivery_margin": { "total": 0.0, "equity": 0.0, "fo_settlement": 0.0 },
                    },
                },
                "pledge_available_to_trade": { "total": 0.0 },
            },
            "unavailable_to_trade": {
                "cash_unavailable_to_trade": {
                    "unsettled_profit": { "todays_profit": realised.max(0.0), "previous_days": 0.0 },
                },
            },
        })
    }
}
