//! Good-till-triggered orders: rules that wait for a price and then place a limit order of their own.
//!
//! The machine: ENTRY waits for its price (or none), places a child, and when the child is filled TARGET and
//! STOPLOSS begin to watch; the first of them to trigger cancels the other and places the exit. A child that is
//! rejected makes its rule FAILED and cancels the rest. A child is a LIMIT order at the trigger price, given
//! way by the protection (automatic: [`AUTO_PROTECTION_BPS`]), on the step. A trailing stop moves by its gap each
//! time the price has moved so far in favour.
//! Source: the broker's API documentation (GTT). Inferred: the child's price, which word a waiting leg has,
//! and that triggering one leg cancels the other at once.

use bijli_core::order::{OrderType, Side, Validity};
use bijli_core::price::Round;
use bijli_core::{Price, Qty, TsNs};

use super::Broker;
use super::order::{Origin, Product, Status, Ticket};

/// How far a child's limit gives way when the broker chooses.
pub(super) const AUTO_PROTECTION_BPS: i64 = 50;

/// What a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    Entry,
    Target,
    StopLoss,
}

impl Strategy {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Entry => "ENTRY",
            Self::Target => "TARGET",
            Self::StopLoss => "STOPLOSS",
        }
    }
}

/// Which way the price must go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TriggerType {
    Above,
    Below,
    Immediate,
}

impl TriggerType {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Above => "ABOVE",
            Self::Below => "BELOW",
            Self::Immediate => "IMMEDIATE",
        }
    }
}

/// Where a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RuleStatus {
    /// Waits for the entry.
    Inactive,
    /// Watches the price.
    Scheduled,
    /// Its child is on its way.
    Triggered,
    /// Its child works.
    Open,
    Completed,
    Cancelled,
    Failed,
    Expired,
}

impl RuleStatus {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Inactive => "INACTIVE",
            Self::Scheduled => "SCHEDULED",
            Self::Triggered => "TRIGGERED",
            Self::Open => "OPEN",
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
            Self::Expired => "EXPIRED",
        }
    }

    /// The stream knows fewer words.
    pub(super) const fn stream_word(self) -> &'static str {
        match self {
            Self::Inactive | Self::Scheduled | Self::Triggered | Self::Open => "PENDING",
            Self::Completed | Self::Cancelled | Self::Failed | Self::Expired => self.word(),
        }
    }

    pub(super) const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Cancelled | Self::Failed | Self::Expired
        )
    }

    /// Whether no child has been placed yet.
    pub(super) const fn is_untriggered(self) -> bool {
        matches!(self, Self::Inactive | Self::Scheduled)
    }
}

/// What a rule asks for, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RuleTerms {
    pub(super) strategy: Strategy,
    pub(super) trigger_type: TriggerType,
    pub(super) trigger: Price,
    /// [`Price::NONE`] without one.
    pub(super) trailing_gap: Price,
    pub(super) protection_bps: i64,
}

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) terms: RuleTerms,
    pub(super) status: RuleStatus,
    pub(super) message: Option<String>,
    /// Its child in the order book.
    pub(super) order: Option<usize>,
    /// The price that a trailing stop last moved at.
    trailed_from: Price,
}

impl Rule {
    pub(super) const fn new(terms: RuleTerms) -> Self {
        let status = match terms.strategy {
            Strategy::Entry => RuleStatus::Scheduled,
            Strategy::Target | Strategy::StopLoss => RuleStatus::Inactive,
        };
        Self {
            terms,
            status,
            message: None,
            order: None,
            trailed_from: Price::NONE,
        }
    }
}

/// One order with its rules.
#[derive(Clone, Debug)]
pub(super) struct Gtt {
    pub(super) id: String,
    pub(super) is_multiple: bool,
    pub(super) instrument: u32,
    pub(super) side: Side,
    pub(super) product: Product,
    pub(super) qty: Qty,
    pub(super) rules: Vec<Rule>,
    pub(super) created: TsNs,
    pub(super) expires: TsNs,
}

impl Gtt {
    /// The side of a rule's child.
    pub(super) const fn side_of(&self, strategy: Strategy) -> Side {
        match (strategy, self.side) {
            (Strategy::Entry, side) => side,
            (_, Side::Buy) => Side::Sell,
            (_, Side::Sell) => Side::Buy,
        }
    }

    /// Whether no rule can act any more.
    pub(super) fn is_over(&self) -> bool {
        self.rules.iter().all(|rule| rule.status.is_final())
    }

    /// Whether every rule that could act has been filled or called off by one that was.
    pub(super) fn is_completed(&self) -> bool {
        self.is_over()
            && self
                .rules
                .iter()
                .all(|rule| matches!(rule.status, RuleStatus::Completed | RuleStatus::Cancelled))
            && self.rules.iter().any(|rule| rule.status == RuleStatus::Completed)
    }

    pub(super) fn entry(&self) -> &Rule {
        self.rules
            .iter()
            .find(|rule| rule.terms.strategy == Strategy::Entry)
            .expect("an entry is mandatory")
    }

    /// Whether the price has come to where a rule acts.
    fn is_reached(&self, terms: &RuleTerms, ltp: Price) -> bool {
        // A long's target lies above and its stop below; a short's the other way round.
        let rises = match (terms.strategy, terms.trigger_type) {
            (Strategy::Entry, TriggerType::Immediate) => return true,
            (Strategy::Entry, TriggerType::Above) => true,
            (Strategy::Entry, TriggerType::Below) => false,
            (Strategy::Target, _) => self.side == Side::Buy,
            (Strategy::StopLoss, _) => self.side == Side::Sell,
        };
        if rises {
            ltp >= terms.trigger
        } else {
            ltp <= terms.trigger
        }
    }
}

impl Broker {
    /// Lets every live order with rules look at its children and at the price.
    pub(super) fn run_gtts(&mut self, now: TsNs) {
        let live = self.live_gtts.clone();
        for index in &live {
            self.run_gtt(now, *index);
        }
        self.live_gtts.retain(|index| !self.gtts[*index].is_over());
    }

    /// Steps one order until nothing changes: a child may fill the moment it is placed.
    pub(super) fn run_gtt(&mut self, now: TsNs, index: usize) {
        // Each round moves a rule on, and a rule moves at most five times.
        for _ in 0..32 {
            if !(self.follow_children(index) || self.trigger_rules(now, index)) {
                return;
            }
            self.tell_gtt(index);
        }
    }

    /// Takes over what became of the children. Returns whether a rule moved.
    fn follow_children(&mut self, index: usize) -> bool {
        let mut moved = false;
        for at in 0..self.gtts[index].rules.len() {
            let rule = &self.gtts[index].rules[at];
            let (false, Some(child)) = (rule.status.is_final(), rule.order) else {
                continue;
            };
            let order = &self.orders[child];
            let next = match order.status {
                Status::Complete => RuleStatus::Completed,
                Status::Rejected => RuleStatus::Failed,
                Status::Cancelled | Status::AmoCancelled if order.filled.is_zero() => RuleStatus::Cancelled,
                Status::Cancelled | Status::AmoCancelled => RuleStatus::Completed,
                _ if order.working.is_some() => RuleStatus::Open,
                _ => RuleStatus::Triggered,
            };
            if next == rule.status {
                continue;
            }
            let (message, filled) = (order.message.clone(), order.filled);
            let strategy = rule.terms.strategy;
            let rule = &mut self.gtts[index].rules[at];
            rule.status = next;
            rule.message = message;
            moved = true;
            match (strategy, next) {
                (Strategy::Entry, RuleStatus::Completed) => self.arm_exits(index, filled),
                (_, RuleStatus::Failed | RuleStatus::Cancelled) => self.call_off(index),
                _ => {}
            }
        }
        moved
    }

    /// The entry is filled: its exits begin to watch, for what was filled.
    fn arm_exits(&mut self, index: usize, filled: Qty) {
        let ltp = self.listing(self.gtts[index].instrument).ltp;
        let gtt = &mut self.gtts[index];
        gtt.qty = filled;
        for rule in &mut gtt.rules {
            if rule.status == RuleStatus::Inactive {
                rule.status = RuleStatus::Scheduled;
                rule.trailed_from = ltp;
            }
        }
    }

    /// Cancels every rule that has placed nothing yet.
    pub(super) fn call_off(&mut self, index: usize) {
        for rule in &mut self.gtts[index].rules {
            if rule.status.is_untriggered() {
                rule.status = RuleStatus::Cancelled;
            }
        }
    }

    /// Triggers the first rule whose price is reached. Returns whether one was.
    fn trigger_rules(&mut self, now: TsNs, index: usize) -> bool {
        let listing = self.listing(self.gtts[index].instrument);
        let (ltp, is_open) = (listing.ltp, listing.times.is_open(now));
        if !ltp.is_set() || !is_open {
            return false;
        }
        self.trail(index, ltp);
        let gtt = &self.gtts[index];
        let reached = gtt
            .rules
            .iter()
            .position(|rule| rule.status == RuleStatus::Scheduled && gtt.is_reached(&rule.terms, ltp));
        let Some(at) = reached else {
            return false;
        };
        let ticket = self.child_ticket(index, at);
        if self.gtts[index].rules[at].terms.strategy != Strategy::Entry {
            self.gtts[index].rules[at].status = RuleStatus::Triggered;
            self.call_off(index);
        }
        let child = self.enter(now, ticket, Origin::Client);
        let rule = &mut self.gtts[index].rules[at];
        rule.status = RuleStatus::Triggered;
        rule.order = Some(child);
        true
    }

    /// Moves trailing stops after the price, one gap at a time.
    fn trail(&mut self, index: usize, ltp: Price) {
        let gtt = &mut self.gtts[index];
        let sign = gtt.side.sign();
        for rule in &mut gtt.rules {
            let gap = rule.terms.trailing_gap;
            if rule.status != RuleStatus::Scheduled || !gap.is_set() || !rule.trailed_from.is_set() {
                continue;
            }
            let gaps = (sign * (ltp.get() - rule.trailed_from.get())).max(0) / gap.get();
            let moved = sign * gaps * gap.get();
            rule.trailed_from = Price::new(rule.trailed_from.get() + moved);
            rule.terms.trigger = Price::new(rule.terms.trigger.get() + moved);
        }
    }

    fn child_ticket(&self, index: usize, at: usize) -> Ticket {
        let gtt = &self.gtts[index];
        let terms = &gtt.rules[at].terms;
        let side = gtt.side_of(terms.strategy);
        let tick = self.listing(gtt.instrument).instrument.tick;
        let round = match side {
            Side::Buy => Round::Up,
            Side::Sell => Round::Down,
        };
        let price = terms
            .trigger
            .moved_bps(side.sign() * terms.protection_bps)
            .on_tick(tick, round);
        Ticket {
            instrument: gtt.instrument,
            side,
            product: gtt.product,
            order_type: OrderType::Limit,
            validity: Validity::Day,
            qty: gtt.qty,
            disclosed: Qty::ZERO,
            price: if price.is_set() { price } else { tick },
            trigger: Price::NONE,
            tag: None,
            is_amo: false,
        }
    }

    /// At the close intraday orders with rules end, and others whose year is over.
    pub(super) fn expire_gtts(&mut self, now: TsNs) {
        for index in self.live_gtts.clone() {
            let gtt = &mut self.gtts[index];
            if gtt.product != Product::Intraday && now < gtt.expires {
                continue;
            }
            for rule in &mut gtt.rules {
                if rule.status.is_untriggered() {
                    rule.status = RuleStatus::Expired;
                }
            }
            self.tell_gtt(index);
        }
    }
}
