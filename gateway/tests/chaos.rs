//! A broker with its own ledger, and everything that can go wrong between it and the gateway, under seeds.
//!
//! The oracle is the broker's ledger, never the gateway's view: no tag twice, every trade told exactly once, every
//! doubt ended by evidence once the faults stop.

mod scripted;

use std::collections::{BTreeMap, BTreeSet};

use bijli_core::order::{BrokerOrderId, IntentId};
use bijli_core::{Event, TsNs};
use bijli_gateway::{Gateway, Reply, Request};
use proptest::prelude::*;
use scripted::*;

/// Small reproducible choices.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

struct Resting {
    sequence: u32,
    filled: i64,
    status: &'static str,
    trades: Vec<(String, i64)>,
}

/// The broker's truth.
#[derive(Default)]
struct Ledger {
    tags: Vec<u32>,
    orders: BTreeMap<String, Resting>,
    frames: Vec<Vec<u8>>,
}

impl Ledger {
    fn accept(&mut self, sequence: u32) -> String {
        let id = format!("{}", 1_000 + self.orders.len());
        let order = Resting {
            sequence,
            filled: 0,
            status: "open",
            trades: Vec::new(),
        };
        self.orders.insert(id.clone(), order);
        self.push(&id);
        id
    }

    fn push(&mut self, id: &str) {
        let order = &self.orders[id];
        self.frames
            .push(frame(id, Some(order.sequence), order.status, order.filled));
    }

    /// Every open order moves on a little.
    fn live(&mut self, dice: &mut Dice) {
        let open: Vec<String> = self
            .orders
            .iter()
            .filter(|(_, o)| o.status == "open")
            .map(|(id, _)| id.clone())
            .collect();
        for id in open {
            let order = self.orders.get_mut(&id).expect("just listed");
            match dice.roll(30) {
                0 => order.status = "cancelled",
                1 => order.status = "rejected",
                2..=8 => {
                    let qty = (1 + dice.roll(60) as i64).min(75 - order.filled);
                    order.filled += qty;
                    order.trades.push((format!("{id}T{}", order.trades.len()), qty));
                    if order.filled == 75 {
                        order.status = "complete";
                    }
                }
                _ => continue,
            }
            self.push(&id);
        }
    }

    fn answer(&mut self, request: &Request, dice: &mut Dice, faults: bool) -> Reply {
        let path = request.path.as_str();
        if path == PLACE {
            return self.answer_place(request, dice, faults);
        }
        if faults && dice.roll(6) == 0 {
            return [
                lost(true),
                reply(503, "<html>"),
                reply(200, "{\"status\":\"suc"),
                refusal(429, "UDAPI10005"),
            ][dice.roll(4) as usize]
                .clone();
        }
        let trades_of = |id: &str| -> Vec<String> {
            let order = self.orders.get(id);
            order.map_or(Vec::new(), |order| {
                order.trades.iter().map(|(t, qty)| trade(id, t, *qty)).collect()
            })
        };
        if let Some(id) = path.strip_prefix(TRADES) {
            return list(&trades_of(id));
        }
        let asked = path
            .strip_prefix(HISTORY)
            .map(|tag| IntentId::from_tag(tag).expect("our tag").sequence());
        let listed = self
            .orders
            .iter()
            .filter(|(_, order)| asked.is_none_or(|asked| asked == order.sequence));
        let rows: Vec<String> = listed
            .map(|(id, order)| row(id, Some(order.sequence), order.status, order.filled))
            .collect();
        if faults && dice.roll(8) == 0 {
            return list(&[]);
        }
        list(&rows)
    }

    fn answer_place(&mut self, request: &Request, dice: &mut Dice, faults: bool) -> Reply {
        let body: serde_json::Value =
            serde_json::from_str(request.body.as_ref().expect("a body").text()).expect("JSON");
        let sequence = IntentId::from_tag(body["tag"].as_str().expect("a tag"))
            .expect("our tag")
            .sequence();
        if faults {
            match dice.roll(12) {
                0 => return lost(false),
                1 => {
                    self.tags.push(sequence);
                    return lost(true);
                }
                2 => {
                    self.tags.push(sequence);
                    return refusal(400, "UDAPI1052");
                }
                3 | 4 => {
                    self.tags.push(sequence);
                    self.accept(sequence);
                    return lost(true);
                }
                5 => {
                    self.tags.push(sequence);
                    self.accept(sequence);
                    return reply(504, "<html>");
                }
                _ => {}
            }
        }
        self.tags.push(sequence);
        acked(&self.accept(sequence))
    }
}

/// What the engine would know.
#[derive(Default)]
struct Heard {
    resolved: BTreeMap<IntentId, Vec<String>>,
    trades: BTreeSet<(BrokerOrderId, String)>,
    traded: BTreeMap<BrokerOrderId, i64>,
    updated: BTreeMap<BrokerOrderId, (String, i64)>,
}

impl Heard {
    fn listen(&mut self, gateway: &mut Gateway) {
        while let Some(event) = gateway.poll_event() {
            match event {
                Event::IntentResolved(resolved) => {
                    let words = self.resolved.entry(resolved.intent).or_default();
                    words.push(format!("{:?}", resolved.submission));
                }
                Event::OrderUpdated(update) => {
                    assert!(update.intent.is_some(), "no order here is foreign");
                    let last = (format!("{:?}", update.status), update.filled.get());
                    if let Some((_, filled)) = self.updated.insert(update.order_id, last) {
                        assert!(update.filled.get() >= filled, "what is filled never falls");
                    }
                }
                Event::Traded(trade) => {
                    let fresh = self.trades.insert((trade.order_id, trade.trade_id.to_string()));
                    assert!(fresh, "a trade is told once");
                    *self.traded.entry(trade.order_id).or_default() += trade.qty.get();
                }
                other => panic!("nothing else is told here: {other:?}"),
            }
        }
    }
}

/// Some frames come late, twice, out of order, or never.
fn deliver(gateway: &mut Gateway, now: TsNs, ledger: &mut Ledger, dice: &mut Dice, faults: bool) {
    let mut kept = Vec::new();
    for frame in std::mem::take(&mut ledger.frames) {
        match if faults { dice.roll(10) } else { 9 } {
            0..=2 => {}
            3 | 4 => kept.push(frame),
            5 => {
                gateway.handle_stream_text(now, &frame);
                gateway.handle_stream_text(now, &frame);
            }
            _ => gateway.handle_stream_text(now, &frame),
        }
    }
    kept.reverse();
    ledger.frames = kept;
}

fn run(seed: u64) -> (Ledger, Heard, Gateway) {
    let mut dice = Dice(seed);
    let (mut ledger, mut heard, mut gateway) = (Ledger::default(), Heard::default(), gateway());
    gateway.handle_stream_state(at(0), true);
    let mut flying: Vec<(TsNs, Request, Reply)> = Vec::new();
    let mut sequence = 0;
    for ms in (0..260_000).step_by(100) {
        let (now, faults) = (at(ms), ms < 60_000);
        if faults && dice.roll(20) == 0 {
            sequence += 1;
            let command = if dice.roll(2) == 0 {
                entry_of(now, sequence)
            } else {
                exit(sequence)
            };
            gateway.handle_command(now, &command);
        }
        ledger.live(&mut dice);
        deliver(&mut gateway, now, &mut ledger, &mut dice, faults);
        while let Some(request) = gateway.poll_request(now) {
            let reply = ledger.answer(&request, &mut dice, faults);
            let delay = if faults { dice.roll(500) as i64 } else { 0 };
            flying.push((at(ms + delay), request, reply));
        }
        flying.sort_by_key(|(due, request, _)| (*due, request.id));
        while flying.first().is_some_and(|(due, _, _)| *due <= now) {
            let (_, request, reply) = flying.remove(0);
            gateway.handle_reply(now, request.id, &reply);
        }
        heard.listen(&mut gateway);
    }
    (ledger, heard, gateway)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_goes_wrong_the_broker_sees_each_tag_once_and_the_engine_hears_the_ledger(seed in any::<u64>()) {
        let (ledger, heard, gateway) = run(seed);
        let distinct: BTreeSet<u32> = ledger.tags.iter().copied().collect();
        prop_assert_eq!(distinct.len(), ledger.tags.len(), "a tag reached the broker twice");
        prop_assert_eq!(gateway.unsettled(), 0);
        prop_assert_eq!(gateway.counts().contradictions, 0);
        for (id, order) in &ledger.orders {
            let id = order_id(id);
            prop_assert_eq!(heard.traded.get(&id).copied().unwrap_or(0), order.filled);
            let (status, filled) = &heard.updated[&id];
            prop_assert_eq!(status.to_lowercase(), order.status);
            prop_assert_eq!(*filled, order.filled);
            let words = &heard.resolved[&intent(order.sequence)];
            prop_assert_eq!(words.last().map(String::as_str), Some("Acked"));
        }
        let accepted: BTreeSet<u32> = ledger.orders.values().map(|order| order.sequence).collect();
        for (intent, words) in &heard.resolved {
            let exists = accepted.contains(&intent.sequence());
            let ends: &[&str] = if exists {
                &["Acked", "Unknown Acked", "Unknown PresumedAbsent Acked"]
            } else {
                &["Refused", "NotSent", "Unknown PresumedAbsent"]
            };
            let words = words.join(" ");
            prop_assert!(ends.contains(&words.as_str()), "{}: {words}", intent.sequence());
        }
    }
}
