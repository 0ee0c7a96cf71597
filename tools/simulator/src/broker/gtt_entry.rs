//! Placing, changing, cancelling and reading orders with rules, as they are called.
//!
//! Source: the broker's API documentation (GTT). Codes of its own are used where they are known: type 1126,
//! number of rules 1136 and 1137, entry 1141, other triggers 1143, open entry 1150, trailing gap 1151.

use bijli_core::order::OrderType;
use bijli_core::{DurationNs, Price, Qty, TsNs};
use serde_json::{Value, json};

use super::Broker;
use super::entry_check::{Body, check_protection, positive};
use super::gtt::{AUTO_PROTECTION_BPS, Gtt, Rule, RuleStatus, RuleTerms, Strategy, TriggerType};
use super::order::{Change, Product};
use super::order_write::LATENCY_MS;
use super::reply::{ApiReply, BAD_INPUT, NO_SUCH_ORDER, Refusal};
use super::route::{Answer, Asked, Route};

pub(super) const ROUTES: &[Route] = &[
    Route::post("/v3/order/gtt/place", place).order(),
    Route::put("/v3/order/gtt/modify", modify).order(),
    Route::delete("/v3/order/gtt/cancel", cancel).order(),
    Route::get("/v3/order/gtt", read),
];

const RULES_MAX: usize = 3;
/// An order with rules lives for a year.
const LIFE: DurationNs = DurationNs::from_secs(365 * 24 * 3_600);
const BAD_TYPE: Refusal = Refusal::new("UDAPI1126", "A valid GTT type is required");
const ONE_RULE: Refusal = Refusal::new("UDAPI1136", "A SINGLE order has exactly one rule");
const MORE_RULES: Refusal = Refusal::new("UDAPI1137", "A MULTIPLE order has two or three rules");
const NO_ENTRY: Refusal = Refusal::new("UDAPI1141", "An ENTRY rule is mandatory");
const NOT_IMMEDIATE: Refusal = Refusal::new("UDAPI1143", "Only ENTRY takes a trigger type but IMMEDIATE");
const ENTRY_OPEN: Refusal = Refusal::new("UDAPI1150", "An open order takes an IMMEDIATE entry alone");
const SMALL_GAP: Refusal = Refusal::new("UDAPI1151", "The trailing gap is too small");

fn told(id: &str) -> Answer {
    Ok(ApiReply::order_success(
        &json!({ "gtt_order_ids": [id] }),
        LATENCY_MS,
    ))
}

fn place(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let body = Body::parse(asked.call.body)?;
    let key = body.text(
        "instrument_token",
        Refusal::new("UDAPI1026", "Instrument key is required"),
    )?;
    let instrument = broker.tradable(key)?;
    let (is_multiple, terms) = terms_of(&body)?;
    let (side, product, qty) = (body.side()?, body.product()?, body.quantity()?);
    broker.check_contract(instrument, qty, &terms)?;
    broker.check_gaps(instrument, &terms)?;
    let index = broker.gtts.len();
    let expires = match product {
        Product::Intraday => broker.listing(instrument).times.close,
        Product::Delivery | Product::MarginFunded => asked.now.plus(LIFE),
    };
    let id = format!("GTT-C{}{:08}", broker.day_prefix, 12_345 + index);
    broker.gtts.push(Gtt {
        id: id.clone(),
        is_multiple,
        instrument,
        side,
        product,
        qty,
        rules: terms.into_iter().map(Rule::new).collect(),
        created: asked.now,
        expires,
    });
    broker.live_gtts.push(index);
    broker.tell_gtt(index);
    broker.run_gtts(asked.now);
    told(&id)
}

fn modify(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let body = Body::parse(asked.call.body)?;
    let index = broker.live_gtt(&body)?;
    let (is_multiple, terms) = terms_of(&body)?;
    let qty = body.quantity()?;
    let gtt = &broker.gtts[index];
    if is_multiple != gtt.is_multiple || terms.len() != gtt.rules.len() {
        return Err(BAD_TYPE.at("type", gtt.id.as_str()));
    }
    for terms in &terms {
        if gtt.rules.iter().all(|rule| rule.terms.strategy != terms.strategy) {
            return Err(BAD_INPUT.at("rules", terms.strategy.word()));
        }
    }
    let (instrument, entry) = (gtt.instrument, gtt.entry().status);
    if !entry.is_untriggered() {
        let new_entry = terms.iter().find(|terms| terms.strategy == Strategy::Entry);
        if new_entry.is_some_and(|terms| terms.trigger_type != TriggerType::Immediate) {
            return Err(ENTRY_OPEN);
        }
        if qty != gtt.qty {
            return Err(BAD_INPUT.at("quantity", qty.get()));
        }
    }
    broker.check_contract(instrument, qty, &terms)?;
    broker.check_gaps(instrument, &terms)?;
    let id = broker.gtts[index].id.clone();
    broker.change_gtt(asked.now, index, qty, &terms);
    broker.tell_gtt(index);
    broker.run_gtts(asked.now);
    told(&id)
}

fn cancel(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let index = broker.live_gtt(&Body::parse(asked.call.body)?)?;
    broker.call_off(index);
    broker.tell_gtt(index);
    broker.run_gtts(asked.now);
    let id = broker.gtts[index].id.clone();
    told(&id)
}

fn read(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let rows: Vec<Value> = match asked.query("gtt_order_id") {
        Some(id) => broker
            .gtts
            .iter()
            .find(|gtt| gtt.id == id)
            .map(|gtt| vec![broker.gtt_row(gtt)])
            .ok_or_else(|| NO_SUCH_ORDER.at("gtt_order_id", id))?,
        None => broker
            .gtts
            .iter()
            .filter(|gtt| !gtt.is_completed())
            .map(|gtt| broker.gtt_row(gtt))
            .collect(),
    };
    Ok(ApiReply::order_success(&Value::Array(rows), LATENCY_MS))
}

/// The type and the rules of a body, checked against each other.
fn terms_of(body: &Body) -> Result<(bool, Vec<RuleTerms>), Refusal> {
    let is_multiple = match body.text("type", BAD_TYPE)? {
        "SINGLE" => false,
        "MULTIPLE" => true,
        other => return Err(BAD_TYPE.at("type", other)),
    };
    let Some(Value::Array(rules)) = body.get("rules") else {
        return Err(BAD_INPUT.at("rules", Value::Null));
    };
    if !is_multiple && rules.len() != 1 {
        return Err(ONE_RULE.at("rules", rules.len()));
    }
    if is_multiple && !(2..=RULES_MAX).contains(&rules.len()) {
        return Err(MORE_RULES.at("rules", rules.len()));
    }
    let mut terms: Vec<RuleTerms> = Vec::new();
    for rule in rules {
        let next = rule_terms(&Body::of(rule.clone())?)?;
        if terms.iter().any(|earlier| earlier.strategy == next.strategy) {
            return Err(BAD_INPUT.at("strategy", next.strategy.word()));
        }
        terms.push(next);
    }
    if terms.iter().all(|terms| terms.strategy != Strategy::Entry) {
        return Err(NO_ENTRY.at("rules", Value::Null));
    }
    Ok((is_multiple, terms))
}

fn rule_terms(rule: &Body) -> Result<RuleTerms, Refusal> {
    let strategy = match rule.text("strategy", BAD_INPUT)? {
        "ENTRY" => Strategy::Entry,
        "TARGET" => Strategy::Target,
        "STOPLOSS" => Strategy::StopLoss,
        other => return Err(BAD_INPUT.at("strategy", other)),
    };
    let trigger_type = match rule.text("trigger_type", BAD_INPUT)? {
        "ABOVE" => TriggerType::Above,
        "BELOW" => TriggerType::Below,
        "IMMEDIATE" => TriggerType::Immediate,
        other => return Err(BAD_INPUT.at("trigger_type", other)),
    };
    if strategy != Strategy::Entry && trigger_type != TriggerType::Immediate {
        return Err(NOT_IMMEDIATE.at("trigger_type", trigger_type.word()));
    }
    let trigger = rule.price("trigger_price")?;
    if !trigger.is_set() {
        return Err(BAD_INPUT.at("trigger_price", 0));
    }
    let trailing_gap = rule.price("trailing_gap")?;
    if trailing_gap.is_set() && strategy != Strategy::StopLoss {
        return Err(BAD_INPUT.at("trailing_gap", trailing_gap.rupees()));
    }
    check_protection(rule, OrderType::Market)?;
    let percent = rule
        .get("market_protection")
        .and_then(Value::as_f64)
        .unwrap_or(-1.0);
    let protection_bps = if percent < 0.0 {
        AUTO_PROTECTION_BPS
    } else {
        (percent * 100.0) as i64
    };
    Ok(RuleTerms {
        strategy,
        trigger_type,
        trigger,
        trailing_gap,
        protection_bps,
    })
}

impl Broker {
    /// The order that a change or a cancel names, if it can still act.
    fn live_gtt(&self, body: &Body) -> Result<usize, Refusal> {
        let id = body.text("gtt_order_id", Refusal::new("UDAPI1023", "Order id is required"))?;
        let found = self.gtts.iter().position(|gtt| gtt.id == id);
        let index = found.ok_or_else(|| NO_SUCH_ORDER.at("gtt_order_id", id))?;
        if self.gtts[index].is_over() {
            let refusal = Refusal::new("UDAPI100040", "The order is finished already");
            return Err(refusal.at("gtt_order_id", id));
        }
        Ok(index)
    }

    /// Lot and price steps are checked at once, since a child that breaks them could never live.
    fn check_contract(&self, instrument: u32, qty: Qty, terms: &[RuleTerms]) -> Result<(), Refusal> {
        let contract = &self.listing(instrument).instrument;
        if positive(qty)?.get() % contract.lot.get() != 0 || qty > contract.freeze {
            return Err(BAD_INPUT.at("quantity", qty.get()));
        }
        match terms
            .iter()
            .find(|terms| !terms.trigger.is_on_tick(contract.tick))
        {
            Some(terms) => Err(BAD_INPUT.at("trigger_price", terms.trigger.rupees())),
            None => Ok(()),
        }
    }

    /// A trailing gap is at least a tenth of the way from the price to the stop.
    fn check_gaps(&self, instrument: u32, terms: &[RuleTerms]) -> Result<(), Refusal> {
        let ltp = self.listing(instrument).ltp;
        let too_small = |terms: &&RuleTerms| {
            let way: Price = Price::new((ltp.get() - terms.trigger.get()).abs());
            terms.trailing_gap.is_set() && ltp.is_set() && terms.trailing_gap.get() * 10 < way.get()
        };
        match terms.iter().find(too_small) {
            Some(terms) => Err(SMALL_GAP.at("trailing_gap", terms.trailing_gap.rupees())),
            None => Ok(()),
        }
    }

    /// Takes changed terms over; an open entry's child moves to its new price.
    fn change_gtt(&mut self, now: TsNs, index: usize, qty: Qty, terms: &[RuleTerms]) {
        let mut moved = None;
        let gtt = &mut self.gtts[index];
        gtt.qty = qty;
        for terms in terms {
            let rule = gtt
                .rules
                .iter_mut()
                .find(|rule| rule.terms.strategy == terms.strategy)
                .expect("the strategies were compared");
            match rule.status {
                status if status.is_untriggered() => rule.terms = *terms,
                RuleStatus::Open if rule.terms.trigger != terms.trigger => {
                    rule.terms.trigger = terms.trigger;
                    moved = rule.order.map(|child| (child, terms.trigger));
                }
                _ => {}
            }
        }
        if let Some((child, price)) = moved
            && !self.orders[child].status.is_final()
        {
            let ticket = &self.orders[child].ticket;
            let change = Change {
                order_type: ticket.order_type,
                validity: ticket.validity,
                qty: ticket.qty,
                price,
                trigger: ticket.trigger,
            };
            self.orders[child].request_number += 1;
            self.send_change(now, child, change);
        }
    }
}
