//! Money in and out of the account: its history, and withdrawals that are asked for, changed and called back.
//!
//! One invented payment came in before the day. One withdrawal may wait at a time; it takes its money out of what
//! can be traded with at once, and gives it back when it is called back. Source: the broker's API documentation
//! (payments); a withdrawal of the simulator stays received for the whole day.

use bijli_core::{DurationNs, IstDay, Money, TsNs};
use serde_json::{Value, json};

use super::Broker;
use super::entry_check::Body;
use super::funds::check_funds_hours;
use super::limiter::CallClass;
use super::reply::{ApiReply, Refusal, UNEXPECTED};
use super::route::{Answer, Asked, Route};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v2/user/payments/payin", paid_in).class(CallClass::PayoutRead),
    Route::get("/v2/user/payments/payout", paid_out).class(CallClass::PayoutRead),
    Route::get("/v2/user/payments/payout/modes", modes).class(CallClass::PayoutRead),
    Route::post("/v2/user/payments/payout", ask).class(CallClass::PayoutWrite),
    Route::put("/v2/user/payments/payout/{}", change).class(CallClass::PayoutWrite),
    Route::delete("/v2/user/payments/payout/{}", call_back).class(CallClass::PayoutWrite),
];

const AMOUNT_MIN: Money = Money::from_rupees(100);
const BANK: &str = "SIMULATED BANK";
/// Withdrawals that a list tells.
const LISTED_MAX: usize = 20;
/// How long a withdrawal is said to take.
const ETA: DurationNs = DurationNs::from_secs(4 * 3_600);
const NO_AMOUNT: Refusal = Refusal::new("UDAPI1217", "Payout amount is required");
const SMALL_AMOUNT: Refusal = Refusal::new("UDAPI1218", "Payout amount must be at least 100");
const REFUSED: Refusal = UNEXPECTED.with_status(400);

/// One withdrawal.
#[derive(Clone, Debug)]
struct Payout {
    id: String,
    mode: &'static str,
    amount: Money,
    created: TsNs,
    changed: TsNs,
    is_called_back: bool,
}

/// What has moved, and is moving.
#[derive(Clone, Debug, Default)]
pub(super) struct Payments(Vec<Payout>);

impl Payments {
    /// Money on its way out.
    pub(super) fn leaving(&self) -> Money {
        self.waiting().map_or(Money::ZERO, |payout| payout.amount)
    }

    fn waiting(&self) -> Option<&Payout> {
        self.0.iter().find(|payout| !payout.is_called_back)
    }
}

impl Payout {
    fn details(&self, message: &str) -> Value {
        json!({
            "status": if self.is_called_back { "cancelled" } else { "received" },
            "mode": self.mode,
            "amount": self.amount.rupees(),
            "currency": "INR",
            "eta": self.created.plus(ETA).to_string(),
            "message": message,
            "transaction_id": self.id,
            "created_at": self.created.to_string(),
            "bank_name": BANK,
            "transaction_fee": "0.0",
        })
    }

    fn row(&self) -> Value {
        json!({
            "amount": self.amount.rupees(),
            "mode": self.mode,
            "status": if self.is_called_back { "CANCELLED" } else { "RECEIVED" },
            "reason": "",
            "currency": "INR",
            "eta": self.created.plus(ETA).to_string(),
            "last_updated_at": self.changed.to_string(),
            "bank_name": BANK,
            "transaction_id": self.id,
            "total_charges": 0.0,
            "charges_category": "",
            "created_at": self.created.to_string(),
        })
    }
}

fn paid_in(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    let created = IstDay::new(broker.day.get() - 1)
        .at(DurationNs::from_hm(18, 5))
        .to_string();
    Ok(ApiReply::success(&json!([{
        "amount": broker.settings.capital.rupees(),
        "mode": "UPI",
        "status": "SUCCESS",
        "reason": "",
        "currency": "INR",
        "eta": created,
        "last_updated_at": created,
        "bank_name": BANK,
        "transaction_id": "sim_payin_1",
        "total_charges": 0.0,
        "charges_category": "",
        "created_at": created,
    }])))
}

fn paid_out(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    let rows: Value = broker
        .payments
        .0
        .iter()
        .rev()
        .take(LISTED_MAX)
        .map(Payout::row)
        .collect();
    Ok(ApiReply::success(&rows))
}

fn modes(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    let free = broker.margin_free().rupees().max(0.0);
    let mode = |eligible: bool, amount_max: f64| {
        json!({
            "status": "ENABLED", "eligible": eligible, "min_amount": AMOUNT_MIN.rupees(),
            "max_amount": amount_max, "currency": "INR",
            "eligible_amount": if eligible { free } else { 0.0 },
        })
    };
    let data = json!({ "neft": mode(true, 200_000_000.0), "imps": mode(free >= 100.0, 500_000.0) });
    Ok(ApiReply::success(&data))
}

fn ask(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    check_funds_hours(asked)?;
    let body = Body::parse(asked.call.body)?;
    let mode = match body.text("mode", Refusal::new("UDAPI1215", "Payout mode is required"))? {
        "NEFT" => "NEFT",
        "IMPS" => "IMPS",
        other => {
            let refusal = Refusal::new("UDAPI1216", "Payout mode must be NEFT or IMPS");
            return Err(refusal.at("mode", other));
        }
    };
    let amount = amount_of(&body)?;
    if broker.payments.waiting().is_some() {
        return Err(REFUSED.with_message("Another withdrawal request is already active"));
    }
    broker.check_affordable(amount)?;
    let payout = Payout {
        id: format!(
            "SIM{}-{}-{:04}",
            broker.day_prefix,
            mode,
            broker.payments.0.len() + 1
        ),
        mode,
        amount,
        created: asked.now,
        changed: asked.now,
        is_called_back: false,
    };
    let details = payout.details("Your withdrawal request has been received");
    broker.payments.0.push(payout);
    Ok(ApiReply::success(&details))
}

fn change(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    check_funds_hours(asked)?;
    let amount = amount_of(&Body::parse(asked.call.body)?)?;
    let index = broker.changeable(&asked.arguments[0], "The withdrawal request cannot be modified")?;
    let more = amount.minus(broker.payments.0[index].amount).unwrap_or(amount);
    broker.check_affordable(more)?;
    let payout = &mut broker.payments.0[index];
    payout.amount = amount;
    payout.changed = asked.now;
    Ok(ApiReply::success(
        &payout.details("Your withdrawal request has been updated"),
    ))
}

fn call_back(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let index = broker.changeable(&asked.arguments[0], "The withdrawal request cannot be cancelled")?;
    let payout = &mut broker.payments.0[index];
    payout.is_called_back = true;
    payout.changed = asked.now;
    Ok(ApiReply::success(
        &payout.details("Your withdrawal request has been deleted"),
    ))
}

fn amount_of(body: &Body) -> Result<Money, Refusal> {
    if body.get("amount").is_none() {
        return Err(NO_AMOUNT.at("amount", Value::Null));
    }
    // An amount is read like a price: rupees, bounded, exact to 1/10 000.
    let amount = Money::new(body.price("amount")?.get().max(0));
    if amount < AMOUNT_MIN {
        return Err(SMALL_AMOUNT.at("amount", amount.rupees()));
    }
    Ok(amount)
}

impl Broker {
    fn check_affordable(&self, more: Money) -> Result<(), Refusal> {
        if more > self.margin_free() {
            Err(REFUSED.with_message("The amount is greater than what can be withdrawn"))
        } else {
            Ok(())
        }
    }

    /// A waiting withdrawal that can still be changed; an instant one cannot.
    fn changeable(&self, id: &str, words: &'static str) -> Result<usize, Refusal> {
        let found = self.payments.0.iter().position(|payout| payout.id == id);
        let index = found.ok_or_else(|| REFUSED.with_message("Transaction not found"))?;
        let payout = &self.payments.0[index];
        if payout.is_called_back || payout.mode == "IMPS" {
            return Err(REFUSED.with_message(words));
        }
        Ok(index)
    }
}
