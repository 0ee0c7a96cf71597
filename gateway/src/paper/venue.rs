//! The paper venue: the engine's commands matched in this process against recorded or live ticks.
//!
//! Everything here is SIMULATED: ids begin with `PAPER`, the venue says [`VenueKind::Paper`], nobody's money
//! moves. Invariants: the same order states and the same order of events as the broker's (acknowledged, updated,
//! traded); fills follow [`super::fill`] and are never better than the book of their moment; one intent is placed
//! once. Left out: latency, margin, freeze quantities, price bands, rejections by a risk system, auctions.

use std::collections::{BTreeMap, VecDeque};

use bijli_core::command::{Modify, Place, Reconcile};
use bijli_core::event::{
    FlatChecked, IntentResolved, OrderUpdated, PositionReported, Reconciled, Submission, Tick, TickFlags,
    Traded, VenueKind,
};
use bijli_core::order::{BrokerOrderId, BrokerStatus, IntentId, OrderType, TradeId};
use bijli_core::readout::GatewayReadout;
use bijli_core::text::Text;
use bijli_core::{Command, Event, Instrument, InstrumentId, Money, Price, Qty, TsNs};

use super::fill::{Book, Fill, Liquidity, Standing, WorkingOrder, match_order};

/// What this venue is, for every screen and report.
pub const VENUE: VenueKind = VenueKind::Paper;

/// Facts of one instrument and what its last book still shows.
#[derive(Debug)]
struct Desk {
    tick: Price,
    lot: Qty,
    tradable: bool,
    liquidity: Liquidity,
    /// Numbers of the working orders, oldest first.
    working: Vec<u32>,
}

#[derive(Debug)]
struct PaperOrder {
    intent: IntentId,
    instrument: InstrumentId,
    order: WorkingOrder,
    status: BrokerStatus,
    turnover: Money,
    /// Modifies that were asked of it: each ends at once.
    modifies: u8,
}

/// A venue that trades on paper.
#[derive(Debug)]
pub struct PaperVenue {
    desks: Vec<Desk>,
    orders: Vec<PaperOrder>,
    by_intent: BTreeMap<IntentId, u32>,
    /// Net position by instrument: what a former process left, and this venue's fills.
    net: Vec<i64>,
    trades: u32,
    events: VecDeque<Event>,
    readout: GatewayReadout,
}

impl PaperVenue {
    /// A venue for the day's instrument table.
    #[must_use]
    pub fn new(instruments: &[Instrument]) -> Self {
        let desk = |instrument: &Instrument| Desk {
            tick: instrument.tick,
            lot: instrument.lot,
            tradable: instrument.kind.is_tradable(),
            liquidity: Liquidity::default(),
            working: Vec::new(),
        };
        Self {
            desks: instruments.iter().map(desk).collect(),
            orders: Vec::new(),
            by_intent: BTreeMap::new(),
            net: vec![0; instruments.len()],
            trades: 0,
            events: VecDeque::new(),
            readout: GatewayReadout {
                stream_connected: true,
                ..GatewayReadout::default()
            },
        }
    }

    /// A position that a former process left: its venue died, the account lives on.
    pub fn adopt_position(&mut self, instrument: InstrumentId, qty: Qty) {
        self.net[instrument.index()] = qty.get();
    }

    /// Carries a command out at once.
    ///
    /// # Panics
    /// When an intent is placed a second time, or an order of somebody else is to be cancelled: there is none.
    pub fn handle_command(&mut self, now: TsNs, command: &Command) {
        match command {
            Command::Place(place) => self.place(now, place),
            Command::Modify(modify) => self.modify(now, modify),
            Command::Cancel(cancel) => self.cancel(now, cancel.intent),
            Command::CancelForeign(_) => unreachable!("nobody else trades on a paper account"),
            Command::Reconcile(ask) => self.reconcile(now, ask),
            // Whatever came before was carried out at once: nothing waits here.
            Command::DropEntries(_) => {}
        }
    }

    /// Takes a tick in: its book may fill what works in the instrument. A doubtful book fills nothing.
    pub fn handle_tick(&mut self, tick: &Tick) {
        let Some(book) = Book::of(tick).filter(|_| !tick.flags.has(TickFlags::TIME_WRONG)) else {
            return;
        };
        let desk = &mut self.desks[tick.instrument.index()];
        desk.liquidity.refresh(book);
        for number in desk.working.clone() {
            self.work(tick.ts, number);
        }
    }

    /// The session ended: whatever works is cancelled.
    pub fn handle_close(&mut self, now: TsNs) {
        for number in 0..self.orders.len() {
            let number = u32::try_from(number).expect("a day has few orders");
            if !is_over(self.orders[number as usize].status) {
                self.end(now, number, BrokerStatus::Cancelled);
            }
        }
    }

    /// The next event for the engine.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Counters for screens.
    #[must_use]
    pub const fn readout(&self) -> GatewayReadout {
        self.readout
    }

    fn place(&mut self, now: TsNs, place: &Place) {
        let number = u32::try_from(self.orders.len()).expect("a day has few orders");
        let former = self.by_intent.insert(place.intent, number);
        assert!(former.is_none(), "an intent is placed once in its life");
        self.readout.orders_sent += 1;
        if let Some(code) = self.refusal_of(place) {
            self.by_intent.insert(place.intent, u32::MAX);
            self.readout.refused += 1;
            self.resolve(now, place.intent, Submission::Refused, Text::EMPTY, code);
            return;
        }
        self.orders.push(PaperOrder {
            intent: place.intent,
            instrument: place.instrument,
            order: WorkingOrder::new(
                place.side,
                place.qty,
                place.order_type,
                place.validity,
                place.price,
                place.trigger,
            ),
            status: BrokerStatus::Received,
            turnover: Money::ZERO,
            modifies: 0,
        });
        self.readout.acked += 1;
        let submission = Submission::Acked;
        self.resolve(now, place.intent, submission, order_id(number), Text::EMPTY);
        if !place.price.is_on_tick(self.desks[place.instrument.index()].tick) {
            self.end(now, number, BrokerStatus::Rejected);
            return;
        }
        self.desks[place.instrument.index()].working.push(number);
        self.work(now, number);
    }

    /// What the broker's front would refuse, in its own codes (`upstox/PROTOCOL.md`).
    fn refusal_of(&self, place: &Place) -> Option<Text<24>> {
        let (limited, stop) = shape(place.order_type);
        let desk = self.desks.get(place.instrument.index());
        let code = match desk {
            Some(desk) if !desk.tradable => "UDAPI100011",
            None => "UDAPI100011",
            Some(_) if place.qty.get() <= 0 => "UDAPI1052",
            Some(desk) if !place.qty.is_whole_lots(desk.lot) => "UDAPI100036",
            Some(_) if limited && !place.price.is_set() => "UDAPI1008",
            Some(_) if stop && !place.trigger.is_set() => "UDAPI1036",
            Some(_) => return None,
        };
        Text::new(code)
    }

    /// Fills an order as far as the book goes and tells where it stands, if that changed.
    fn work(&mut self, now: TsNs, number: u32) {
        let paper = &mut self.orders[number as usize];
        let desk = &mut self.desks[paper.instrument.index()];
        let mut fills = Vec::new();
        while let Some(fill) = match_order(&mut paper.order, &mut desk.liquidity, desk.tick) {
            let value = fill.price.times(fill.qty).expect("book prices are small");
            paper.turnover = paper.turnover.plus(value).expect("an order's value is small");
            fills.push(fill);
        }
        let status = match paper.order.standing() {
            Standing::Filled => BrokerStatus::Complete,
            Standing::Resting => BrokerStatus::Open,
            Standing::AwaitingTrigger => BrokerStatus::TriggerPending,
            Standing::Expired => BrokerStatus::Cancelled,
        };
        if fills.is_empty() && status == paper.status {
            return;
        }
        if is_over(status) {
            desk.working.retain(|working| *working != number);
        }
        paper.status = status;
        // Trades first: a crash between the two must not leave a fill that nobody will tell again.
        for fill in fills {
            self.tell_trade(now, number, fill);
        }
        self.tell_order(now, number);
    }

    fn modify(&mut self, now: TsNs, modify: &Modify) {
        self.readout.modifies += 1;
        let Some(number) = self.working(modify.intent) else {
            return;
        };
        let paper = &mut self.orders[number as usize];
        paper.modifies = paper.modifies.saturating_add(1);
        let desk = &self.desks[paper.instrument.index()];
        let (limited, stop) = shape(modify.order_type);
        let fits = modify.price.is_on_tick(desk.tick)
            && modify.trigger.is_on_tick(desk.tick)
            && modify.qty.is_whole_lots(desk.lot)
            && (modify.price.is_set() || !limited)
            && (modify.trigger.is_set() || !stop);
        if !is_over(paper.status) && fits && paper.order.modify(modify.qty, modify.price) {
            paper.order.retype(modify.order_type, modify.trigger);
            // The state is told again even if the new terms fill nothing.
            paper.status = BrokerStatus::Received;
            self.work(now, number);
        } else {
            self.tell_order(now, number);
        }
    }

    fn cancel(&mut self, now: TsNs, intent: IntentId) {
        self.readout.cancels += 1;
        let Some(number) = self.working(intent) else {
            return;
        };
        if is_over(self.orders[number as usize].status) {
            self.tell_order(now, number);
        } else {
            self.end(now, number, BrokerStatus::Cancelled);
        }
    }

    /// What is open, as a broker would show it; on paper one look is enough.
    fn reconcile(&mut self, ts: TsNs, ask: &Reconcile) {
        let open = self.net.iter().enumerate().filter(|(_, qty)| **qty != 0);
        let mut open_positions = 0;
        for (index, qty) in open {
            open_positions += 1;
            let instrument = InstrumentId::new(u32::try_from(index).expect("the table is bounded"));
            let qty = Qty::new(*qty);
            // On paper nobody knows more than the feed.
            let last_price = Price::NONE;
            self.events.push_back(Event::PositionReported(PositionReported {
                ts,
                instrument,
                qty,
                last_price,
            }));
        }
        let working = self.orders.iter().filter(|order| !is_over(order.status)).count();
        self.events.push_back(Event::Reconciled(Reconciled {
            ts,
            broker_orders: u32::try_from(self.orders.len()).unwrap_or(u32::MAX),
            foreign_orders: 0,
        }));
        if ask.flat {
            self.events.push_back(Event::FlatChecked(FlatChecked {
                ts,
                asked: ask.ts,
                open_positions,
                unlisted_positions: 0,
                unlisted_key: Text::EMPTY,
                live_orders: u32::try_from(working).unwrap_or(u32::MAX),
                foreign_orders: 0,
            }));
        }
    }

    fn working(&self, intent: IntentId) -> Option<u32> {
        self.by_intent
            .get(&intent)
            .copied()
            .filter(|number| (*number as usize) < self.orders.len())
    }

    fn end(&mut self, now: TsNs, number: u32, status: BrokerStatus) {
        let paper = &mut self.orders[number as usize];
        paper.status = status;
        let desk = &mut self.desks[paper.instrument.index()];
        desk.working.retain(|working| *working != number);
        self.tell_order(now, number);
    }

    fn resolve(
        &mut self,
        ts: TsNs,
        intent: IntentId,
        submission: Submission,
        order_id: BrokerOrderId,
        code: Text<24>,
    ) {
        self.events.push_back(Event::IntentResolved(IntentResolved {
            ts,
            intent,
            submission,
            order_id,
            code,
        }));
    }

    fn tell_order(&mut self, ts: TsNs, number: u32) {
        let paper = &self.orders[number as usize];
        let filled = paper.order.filled;
        let average_price = if filled.is_zero() {
            Price::NONE
        } else {
            Price::new(paper.turnover.get() / filled.get())
        };
        self.events.push_back(Event::OrderUpdated(OrderUpdated {
            ts,
            intent: Some(paper.intent),
            order_id: order_id(number),
            instrument: paper.instrument,
            side: paper.order.side,
            status: paper.status,
            qty: paper.order.qty,
            filled,
            price: paper.order.price,
            trigger: paper.order.trigger,
            average_price,
            modifies_ended: paper.modifies,
        }));
    }

    fn tell_trade(&mut self, ts: TsNs, number: u32, fill: Fill) {
        self.trades += 1;
        let paper = &self.orders[number as usize];
        self.net[paper.instrument.index()] += paper.order.side.sign() * fill.qty.get();
        let trade_id = TradeId::new(&format!("PAPERT{:08}", self.trades));
        self.events.push_back(Event::Traded(Traded {
            ts,
            intent: Some(paper.intent),
            order_id: order_id(number),
            trade_id: trade_id.expect("six letters and a number of at most ten digits fit"),
            instrument: paper.instrument,
            side: paper.order.side,
            qty: fill.qty,
            price: fill.price,
        }));
    }
}

/// Whether orders of this type have a limit price, and whether they have a trigger.
const fn shape(order_type: OrderType) -> (bool, bool) {
    match order_type {
        OrderType::Limit => (true, false),
        OrderType::Market => (false, false),
        OrderType::StopLimit => (true, true),
        OrderType::StopMarket => (false, true),
    }
}

fn order_id(number: u32) -> BrokerOrderId {
    BrokerOrderId::new(&format!("PAPER{number:010}")).expect("fifteen printable characters fit")
}

const fn is_over(status: BrokerStatus) -> bool {
    matches!(
        status,
        BrokerStatus::Complete | BrokerStatus::Cancelled | BrokerStatus::Rejected
    )
}
