//! What trading costs: the charges of one order, and the margin of a list of them.
//!
//! Charges are the dated table of `bijli_core::charges`; delivered shares pay their own transaction tax on both
//! sides and half the stamp duty. Margins are those of the risk check, split as the broker splits them. Source:
//! the broker's API documentation (charges, margin); delivery rates: Finance Act, uniform stamp duty.

use std::collections::BTreeSet;

use bijli_core::charges::{ChargeParts, ChargedFill};
use bijli_core::instrument::InstrumentKind;
use bijli_core::order::Side;
use bijli_core::{IstDay, Money, Price, Qty};
use serde_json::{Value, json};

use super::Broker;
use super::entry_check::{Body, QTY_MAX, RUPEES_MAX};
use super::margin::MarginUse;
use super::order::Product;
use super::reply::{ApiReply, BAD_INPUT, BAD_KEY, Refusal};
use super::route::{Answer, Asked, Route};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v2/charges/brokerage", brokerage),
    Route::post("/v2/charges/margin", margin),
];

/// Of delivered shares: transaction tax on each side, and stamp duty of a purchase, parts per million.
const DELIVERY_STT_PPM: i64 = 1_000;
const DELIVERY_STAMP_PPM: i64 = 150;
const MILLION: i64 = 1_000_000;
/// Legs of one margin question.
const LEGS_MAX: usize = 20;
/// How much of a derivative's margin is the exposure part.
const EXPOSURE_PART: i64 = 5;

/// The charges of one fill of the account.
pub(super) fn parts_of(fill: &ChargedFill, product: Product) -> ChargeParts {
    let mut parts = fill.parts();
    if fill.kind == InstrumentKind::Equity && product != Product::Intraday {
        parts.stt = fill.turnover.share(DELIVERY_STT_PPM, MILLION);
        if fill.side == Side::Buy {
            parts.stamp = fill.turnover.share(DELIVERY_STAMP_PPM, MILLION);
        }
    }
    parts
}

fn brokerage(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let required = |name: &'static str, code: &'static str| {
        asked
            .query(name)
            .ok_or_else(|| Refusal::new(code, "A parameter is required").at(name, Value::Null))
    };
    let key = required("instrument_token", "UDAPI1059")?;
    let qty = required("quantity", "UDAPI1060")?;
    let price = required("price", "UDAPI1061")?;
    let side = required("transaction_type", "UDAPI1062")?;
    let product = required("product", "UDAPI1063")?;
    let instrument = broker.tradable(&key)?;
    let units: i64 = qty.parse().map_err(|_| BAD_INPUT.at("quantity", qty.as_str()))?;
    if !(1..=QTY_MAX).contains(&units) {
        return Err(Refusal::new("UDAPI1064", "The quantity cannot be zero").at("quantity", units));
    }
    let rupees: f64 = price.parse().map_err(|_| BAD_INPUT.at("price", price.as_str()))?;
    if !(rupees > 0.0 && rupees <= RUPEES_MAX) {
        return Err(Refusal::new("UDAPI1065", "The price cannot be zero").at("price", price.as_str()));
    }
    let side = match side.as_str() {
        "BUY" => Side::Buy,
        "SELL" => Side::Sell,
        other => return Err(BAD_INPUT.at("transaction_type", other)),
    };
    // A cover order costs what an intraday one does.
    let product = match product.as_str() {
        "CO" => Product::Intraday,
        word => Product::of_word(word).ok_or_else(|| BAD_INPUT.at("product", word))?,
    };
    let turnover = crate::day::price_of(rupees)
        .times(Qty::new(units))
        .expect("both are bounded");
    let fill = ChargedFill {
        day: asked.now.ist_day(),
        kind: broker.listing(instrument).instrument.kind,
        side,
        turnover,
        order_turnover_before: Money::ZERO,
    };
    Ok(ApiReply::success(
        &json!({ "charges": charges_row(&parts_of(&fill, product)) }),
    ))
}

fn charges_row(parts: &ChargeParts) -> Value {
    let other = json!({
        "transaction": parts.exchange.rupees(), "clearing": 0.0, "ipft": 0.0,
        "sebi_turnover": parts.sebi.rupees(),
    });
    let plan = json!({ "name": "BASIC", "min_expense": 20.0 });
    json!({
        "total": parts.total().rupees(),
        "brokerage": parts.brokerage.rupees(),
        "taxes": {
            "gst": parts.gst.rupees(), "stt": parts.stt.rupees(), "stamp_duty": parts.stamp.rupees(),
        },
        "other_charges": other,
        "otherTaxes": other,
        "dp_plan": plan,
        "dpPlan": plan,
    })
}

fn margin(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let body = Body::parse(asked.call.body)?;
    let Some(Value::Array(legs)) = body.get("instruments") else {
        return Err(BAD_INPUT.at("instruments", Value::Null));
    };
    if legs.is_empty() {
        return Err(Refusal::new("UDAPI1099", "The instrument key is required"));
    }
    if legs.len() > LEGS_MAX {
        return Err(Refusal::new(
            "UDAPI1102",
            "The instrument limit has been exceeded",
        ));
    }
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    let mut total = Money::ZERO;
    for leg in legs {
        let leg = Body::of(leg.clone())?;
        let (instrument, purpose, cash) = broker.leg_margin(&leg)?;
        if !seen.insert(instrument) {
            return Err(Refusal::new("UDAPI1103", "Instrument key cannot be duplicated"));
        }
        total = total.plus(cash).unwrap_or(total);
        rows.push(margin_row(purpose, cash));
    }
    Ok(ApiReply::success(&json!({
        "margins": rows, "required_margin": total.rupees(), "final_margin": total.rupees(),
    })))
}

fn margin_row(purpose: MarginUse, cash: Money) -> Value {
    let exposure = cash.share(1, EXPOSURE_PART);
    let (span, exposure, equity, premium) = match purpose {
        MarginUse::SpanExposure => (
            Money::new(cash.get() - exposure.get()),
            exposure,
            Money::ZERO,
            Money::ZERO,
        ),
        MarginUse::Premium => (Money::ZERO, Money::ZERO, Money::ZERO, cash),
        MarginUse::VarElm | MarginUse::Delivery | MarginUse::Funded => {
            (Money::ZERO, Money::ZERO, cash, Money::ZERO)
        }
    };
    json!({
        "span_margin": span.rupees(), "exposure_margin": exposure.rupees(), "equity_margin": equity.rupees(),
        "net_buy_premium": premium.rupees(), "additional_margin": 0.0, "total_margin": cash.rupees(),
        "tender_margin": 0.0,
    })
}

impl Broker {
    fn leg_margin(&self, leg: &Body) -> Result<(u32, MarginUse, Money), Refusal> {
        let key = leg.text(
            "instrument_key",
            Refusal::new("UDAPI1099", "The instrument key is required"),
        )?;
        if !key.contains('|') {
            return Err(
                Refusal::new("UDAPI1098", "The instrument key is of invalid format")
                    .at("instrument_key", key),
            );
        }
        let known = self.ids.get(key).copied();
        let instrument = known
            .filter(|id| self.listing(*id).instrument.kind.is_tradable())
            .ok_or_else(|| BAD_KEY.at("instrument_key", key))?;
        let qty = leg.units("quantity")?.ok_or_else(|| {
            Refusal::new("UDAPI1097", "The quantity is required").at("quantity", Value::Null)
        })?;
        if qty.get() <= 0 {
            return Err(
                Refusal::new("UDAPI1096", "The quantity must be above zero").at("quantity", qty.get())
            );
        }
        let listing = self.listing(instrument);
        if qty.get() % listing.instrument.lot.get() != 0 {
            let words = "Quantity should be multiple of lot size";
            return Err(Refusal::new("UDAPI1104", words).at("quantity", qty.get()));
        }
        let product = match leg.text("product", Refusal::new("UDAPI1100", "The product is required"))? {
            "CO" => Product::Intraday,
            word => Product::of_word(word).ok_or_else(|| BAD_INPUT.at("product", word))?,
        };
        leg.text(
            "transaction_type",
            Refusal::new("UDAPI1101", "The transaction type is required"),
        )?;
        let side = leg.side()?;
        let price = self.leg_price(leg, listing.ltp)?;
        let value = price.times(qty).unwrap_or(Money::new(i64::MAX));
        let share = listing.instrument.kind == InstrumentKind::Equity;
        // What a sale of shares that are not held would need is what an intraday sale needs.
        let product = if share && side == Side::Sell {
            Product::Intraday
        } else {
            product
        };
        let (purpose, cash) = self.blocked(instrument, product, side, value, qty);
        Ok((instrument, purpose, cash))
    }

    /// The price that was given, or the last one; 0 is not given.
    fn leg_price(&self, leg: &Body, ltp: Price) -> Result<Price, Refusal> {
        if leg
            .get("price")
            .and_then(Value::as_f64)
            .is_some_and(|price| price < 0.0)
        {
            let refusal = Refusal::new("UDAPI1095", "The price must be greater than zero");
            return Err(refusal.at("price", Value::Null));
        }
        let price = leg.price("price")?;
        Ok(if price.is_set() { price } else { ltp })
    }
}

/// The charges of many fills as one breakdown, as reports have it.
pub(super) fn breakdown(parts: &[ChargeParts]) -> Value {
    let sum = |part: fn(&ChargeParts) -> Money| {
        Money::new(parts.iter().map(|parts| part(parts).get()).sum::<i64>()).rupees()
    };
    json!({
        "total": sum(ChargeParts::total),
        "brokerage": sum(|parts| parts.brokerage),
        "taxes": { "gst": sum(|parts| parts.gst), "stt": sum(|parts| parts.stt), "stamp_duty": sum(|parts| parts.stamp) },
        "charges": {
            "transaction": sum(|parts| parts.exchange), "clearing": 0.0, "others": 0.0,
            "sebi_turnover": sum(|parts| parts.sebi), "demat_transaction": 0.0,
        },
    })
}

/// A day as reports name it: `DD-MM-YYYY`.
pub(super) fn day_first(day: IstDay) -> String {
    let (year, month, date) = day.ymd();
    format!("{date:02}-{month:02}-{year:04}")
}
