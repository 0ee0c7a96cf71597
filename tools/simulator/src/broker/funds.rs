//! Funds in both versions: what the account holds, what is blocked, and what may be traded with.
//!
//! Invariants: cash to trade is the sum of its parts less the margin used; the total is cash plus pledge; the
//! older answer's available margin is the newer one's total. The service rests from midnight to half past five.
//! Source: the broker's API documentation (funds). Nothing is pledged in a simulated account.

use bijli_core::Money;
use serde_json::{Value, json};

use super::Broker;
use super::entry::SERVICE_FROM;
use super::margin::MarginUse;
use super::reply::{ApiReply, Refusal};
use super::route::{Answer, Asked, Route};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v2/user/get-funds-and-margin", funds_v2),
    Route::get("/v3/user/get-funds-and-margin", funds_v3),
];

/// Money moves from half past five to midnight.
pub(super) fn check_funds_hours(asked: &Asked<'_>) -> Result<(), Refusal> {
    if asked.now.ist_time_of_day() >= SERVICE_FROM {
        Ok(())
    } else {
        Err(Refusal::new(
            "UDAPI100072",
            "The Funds service is closed from 00:00 to 05:30",
        ))
    }
}

fn funds_v2(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    check_funds_hours(asked)?;
    let (equity, commodity) = (
        broker.equity_funds(),
        segment(Money::ZERO, Money::ZERO, Money::ZERO),
    );
    let data = match asked.query("segment").as_deref() {
        None => json!({ "equity": equity, "commodity": commodity }),
        Some("SEC") => json!({ "equity": equity }),
        Some("COM") => json!({ "commodity": commodity }),
        Some(other) => return Err(Refusal::new("UDAPI1019", "segment is invalid").at("segment", other)),
    };
    Ok(ApiReply::success(&data))
}

fn funds_v3(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    check_funds_hours(asked)?;
    Ok(ApiReply::success(&broker.funds_tree()))
}

fn segment(free: Money, used: Money, span: Money) -> Value {
    json!({
        "used_margin": used.rupees(), "payin_amount": 0.0, "span_margin": span.rupees(),
        "adhoc_margin": 0.0, "notional_cash": 0.0, "available_margin": free.rupees(),
        "exposure_margin": 0.0,
    })
}

impl Broker {
    fn equity_funds(&self) -> Value {
        let used = self.margin_used();
        segment(self.margin_free(), used.total(), used.of(MarginUse::SpanExposure))
    }

    fn funds_tree(&self) -> Value {
        let used = self.margin_used();
        let realised = self.ledger.realised();
        let loss = Money::new(-realised.get().min(0));
        let all = used.total().plus(loss).unwrap_or(loss);
        let delivery = used.of(MarginUse::Delivery);
        let free = self.margin_free().rupees();
        json!({
            "available_to_trade": {
                "total": free,
                "cash_available_to_trade": {
                    "total": free,
                    "cash": {
                        "opening_balance": self.settings.capital.rupees(),
                        "added_today": 0.0,
                        "withdrawn_today": -self.payments.leaving().rupees(),
                        "amount_from_stock_sale": 0.0,
                        "unpaid_charges": 0.0,
                    },
                    "margin_used": {
                        "total": all.rupees(),
                        "mtf": used.of(MarginUse::Funded).rupees(),
                        "loss": { "total": loss.rupees(), "realised": loss.rupees(), "unrealised": 0.0 },
                        "span_exposure": used.of(MarginUse::SpanExposure).rupees(),
                        "cash_margin_var_elm": used.of(MarginUse::VarElm).rupees(),
                        "premium_present": used.of(MarginUse::Premium).rupees(),
                        "delivery_margin": {
                            "total": delivery.rupees(), "equity": delivery.rupees(), "fo_settlement": 0.0,
                        },
                    },
                },
                "pledge_available_to_trade": {
                    "total": 0.0,
                    "margin_from_pledge": { "total": 0.0, "equity": 0.0, "mutual_funds": 0.0 },
                    "margin_used": {
                        "total": 0.0, "mtf": 0.0, "span_exposure": 0.0, "cash_margin_var_elm": 0.0,
                        "premium_present": 0.0,
                        "delivery_margin": { "total": 0.0, "equity": 0.0, "fo_settlement": 0.0 },
                    },
                },
            },
            "unavailable_to_trade": {
                "cash_unavailable_to_trade": {
                    "unsettled_profit": {
                        "todays_profit": realised.rupees().max(0.0), "previous_days": 0.0,
                    },
                },
                "pledge_unavailable_to_trade": { "equity": 0.0, "mutual_funds": 0.0 },
            },
        })
    }
}
