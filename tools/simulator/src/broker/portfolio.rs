//! Positions, positions on the broker's money, holdings, and the change of a position's product.
//!
//! Source: the broker's API documentation (portfolio). Holdings are invented, see [`super::shares`].

use bijli_core::order::Side;
use bijli_core::{Money, Qty, TsNs};
use serde_json::{Value, json};

use super::entry_check::Body;
use super::faults::Fault;
use super::ledger::Ledger;
use super::order::Product;
use super::reply::{ApiReply, Refusal, UNEXPECTED};
use super::route::{Answer, Asked, Route};
use super::shares::Share;
use super::{Broker, StreamUpdate};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v2/portfolio/short-term-positions", positions),
    Route::get("/v3/portfolio/mtf-positions", mtf_positions),
    Route::get("/v2/portfolio/long-term-holdings", holdings),
    Route::put("/v2/portfolio/convert-position", convert),
];

const NOTHING_TO_CONVERT: Refusal = Refusal::new("UDAPI1035", "There is no such position to convert");

fn positions(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let sees = broker.sees_positions(asked.now);
    let past = broker.positions_of(asked.now).map(|then| broker.ledger_of(then));
    let ledger = past.as_ref().unwrap_or(&broker.ledger);
    Ok(ApiReply::success(&broker.position_rows(ledger, |_| sees)))
}

fn mtf_positions(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    Ok(ApiReply::success(
        &broker.position_rows(&broker.ledger, |product| product == Product::MarginFunded),
    ))
}

fn holdings(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    let rows: Value = broker
        .shares
        .iter()
        .map(|share| broker.share_row(share))
        .collect();
    Ok(ApiReply::success(&rows))
}

fn convert(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let body = Body::parse(asked.call.body)?;
    let missing = Refusal::new("UDAPI1026", "Instrument key is required");
    let instrument = broker.tradable(body.text("instrument_token", missing)?)?;
    let (from, to) = (body.product_of("old_product")?, body.product_of("new_product")?);
    let (side, qty) = (body.side()?, body.quantity()?);
    let held = broker.ledger.holding(instrument, from).position;
    let fits = held.qty.get().signum() == side.sign() && qty <= held.qty.abs();
    let share = !broker.listing(instrument).instrument.kind.is_derivative();
    let sells_short = share && side == Side::Sell && to != Product::Intraday;
    let is_unfunded = !share && to == Product::MarginFunded;
    if from == to || !fits || sells_short || is_unfunded {
        return Err(NOTHING_TO_CONVERT.at("quantity", qty.get()));
    }
    let cost = Money::new(held.cost.share(qty.get(), held.qty.abs().get()).get().abs());
    let (_, before) = broker.blocked(instrument, from, side, cost, qty);
    let (_, after) = broker.blocked(instrument, to, side, cost, qty);
    let more = after.minus(before).unwrap_or(after);
    if more > broker.margin_free() {
        return Err(UNEXPECTED.with_message("The account has not the margin that this conversion needs"));
    }
    broker.ledger.convert(instrument, from, to, qty);
    broker.tell_position(instrument, from);
    broker.tell_position(instrument, to);
    Ok(ApiReply::success(&json!({ "status": "complete" })))
}

impl Broker {
    fn ledger_of(&self, then: TsNs) -> Ledger {
        self.ledger.as_of(then, |trade| trade.booked_under(&self.orders))
    }

    fn position_rows(&self, ledger: &Ledger, wanted: impl Fn(Product) -> bool) -> Value {
        ledger
            .holdings()
            .filter(|(_, product, _)| wanted(*product))
            .map(|(instrument, product, holding)| self.position_row(instrument, product, holding))
            .collect()
    }

    /// What of a share was sold today.
    fn share_used(&self, share: &Share) -> Qty {
        let position = self.ledger.holding(share.instrument, Product::Delivery).position;
        Qty::new(-position.qty.get().min(0))
    }

    /// What reads and stream both tell of a share.
    fn share_facts(&self, share: &Share) -> Value {
        let instrument = &self.listing(share.instrument).instrument;
        json!({
            "isin": instrument.key.split('|').nth(1).unwrap_or_default(),
            "cnc_used_quantity": self.share_used(share).get(),
            "collateral_type": "WC",
            "company_name": format!("{} (simulated holding)", instrument.name),
            "haircut": 0.2,
            "product": "D",
            "quantity": share.qty.get(),
            "instrument_token": instrument.key,
            "average_price": share.average().rupees(),
            "collateral_quantity": 0,
            "collateral_update_quantity": 0,
            "t1_quantity": 0,
            "exchange": "NSE",
        })
    }

    fn share_row(&self, share: &Share) -> Value {
        let listing = self.listing(share.instrument);
        let (last, average) = (listing.ltp.rupees(), share.average().rupees());
        let close = self.desk.prev_close(share.instrument);
        let change = if close > 0.0 { last - close } else { 0.0 };
        let mut row = self.share_facts(share);
        let fields = row.as_object_mut().expect("a row is an object");
        for (name, value) in [
            ("tradingsymbol", json!(listing.instrument.symbol)),
            ("trading_symbol", json!(listing.instrument.symbol)),
            ("last_price", json!(last)),
            ("close_price", json!(if close > 0.0 { close } else { last })),
            ("pnl", json!(paise((last - average) * share.qty.get() as f64))),
            ("day_change", json!(paise(change))),
            (
                "day_change_percentage",
                json!(if close > 0.0 {
                    paise(change / close * 100.0)
                } else {
                    0.0
                }),
            ),
        ] {
            fields.insert(name.to_owned(), value);
        }
        row
    }

    /// Queues the stream's message about a share, if it is held, unless a fault drops it.
    pub(super) fn tell_share(&mut self, instrument: u32) {
        let Some(share) = self.shares.get(instrument) else {
            return;
        };
        let mut row = self.share_facts(share);
        row["update_type"] = json!("holding");
        row["instrument_key"] = row["instrument_token"].clone();
        if self.dice.fires(Fault::UpdateDropped) {
            return;
        }
        self.send_update(StreamUpdate {
            kind: "holding",
            text: row.to_string(),
        });
    }
}

fn paise(rupees: f64) -> f64 {
    (rupees * 100.0).round() / 100.0
}
