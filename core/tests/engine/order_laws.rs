//! Random days of orders: the engine's book against the slower account of `order_model`, after every event.
//!
//! The broker of these days tells stories: replies that come late or never, rows out of order, of orders that nobody
//! here sent and with terms that nobody asked for, fills before the acceptance, beside a cancel and after the end,
//! trades twice, too large and of the other side, processes that die. Whatever it tells, book and account agree, and no
//! command is one that it must not be.

use bijli_core::command::Command;
use bijli_core::event::{Event, IntentResolved, OrderUpdated, Submission, Traded, Verb};
use bijli_core::order::{BrokerOrderId, BrokerStatus, TradeId};
use bijli_core::text::Text;
use bijli_core::{DurationNs, InstrumentId, Price, Qty};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::house::{House, OTHER, STOCK, id_of};
use crate::order_model::{Modelled, OrderModel, shown_by};

/// With which terms a row shows its order.
#[derive(Clone, Copy, Debug)]
enum Terms {
    /// As last confirmed.
    Confirmed,
    /// As the newest change asked.
    Asked,
    /// Others, by so many units and ticks.
    Strange(i64, i64),
}

/// What is traded.
#[derive(Clone, Copy, Debug)]
enum Fill {
    /// So many units, under a new trade id.
    Part(i64),
    /// Whatever may still come.
    Rest,
    /// The first trade of the order once more.
    Again,
    /// One unit more than can be.
    TooMuch,
    /// On the other side.
    Reversed,
}

/// One happening. Orders are counted from the newest.
#[derive(Clone, Copy, Debug)]
enum Step {
    Buy(InstrumentId),
    Leave(InstrumentId, i64),
    Reply(usize, Submission),
    /// A row; told as filled: the trades so far and so many more, or fewer.
    /// The row is older than so many of our changes.
    Row(usize, BrokerStatus, i64, Terms, u8),
    Trade(usize, Fill),
    /// A row of an order that nobody here sent.
    Stranger(u32, BrokerStatus, i64),
    /// A trade of an order that nobody was told of.
    NobodysTrade,
    Wait(i64),
    Tick(i64),
    PositionsRead,
    /// They are read, and show fills whose trades have not come.
    PositionsAhead,
    Restart,
    Say(Verb),
}

const STATUSES: [BrokerStatus; 9] = [
    BrokerStatus::Received,
    BrokerStatus::Open,
    BrokerStatus::TriggerPending,
    BrokerStatus::ModifyPending,
    BrokerStatus::CancelPending,
    BrokerStatus::Complete,
    BrokerStatus::Cancelled,
    BrokerStatus::Rejected,
    BrokerStatus::Unrecognised,
];
const SUBMISSIONS: [Submission; 5] = [
    Submission::Acked,
    Submission::Refused,
    Submission::NotSent,
    Submission::Unknown,
    Submission::PresumedAbsent,
];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || prop_oneof![6 => Just(0usize), 3 => 1usize..3, 1 => 3usize..12];
    let status = || prop::sample::select(STATUSES.to_vec());
    let terms = prop_oneof![
        6 => Just(Terms::Confirmed),
        3 => Just(Terms::Asked),
        1 => (-20i64..20, -3i64..3).prop_map(|(units, ticks)| Terms::Strange(units, ticks)),
    ];
    let fill = prop_oneof![
        6 => (1i64..50).prop_map(Fill::Part),
        4 => Just(Fill::Rest),
        2 => Just(Fill::Again),
        1 => Just(Fill::TooMuch),
        1 => Just(Fill::Reversed),
    ];
    let told = prop_oneof![5 => Just(0i64), 2 => 1i64..40, 1 => -40i64..0];
    let lag = prop_oneof![5 => Just(0u8), 2 => Just(1), 1 => Just(2)];
    let instrument = || prop_oneof![4 => Just(STOCK), 1 => Just(OTHER)];
    let verb = prop::sample::select(vec![
        Verb::Pause,
        Verb::Resume,
        Verb::Flatten,
        Verb::Kill,
        Verb::Arm,
    ]);
    let step = prop_oneof![
        6 => instrument().prop_map(Step::Buy),
        6 => (instrument(), 1i64..150).prop_map(|(id, qty)| Step::Leave(id, qty)),
        4 => who().prop_map(|who| Step::Reply(who, Submission::Acked)),
        4 => (who(), prop::sample::select(SUBMISSIONS.to_vec())).prop_map(|(who, reply)| Step::Reply(who, reply)),
        6 => who().prop_map(|who| Step::Row(who, BrokerStatus::Open, 0, Terms::Confirmed, 0)),
        14 => (who(), status(), told, terms, lag).prop_map(
            |(who, status, more, terms, lag)| Step::Row(who, status, more, terms, lag),
        ),
        10 => (who(), fill).prop_map(|(who, fill)| Step::Trade(who, fill)),
        1 => (0u32..3, status(), 0i64..30).prop_map(|(id, status, filled)| Step::Stranger(id, status, filled)),
        1 => Just(Step::NobodysTrade),
        8 => (0i64..4).prop_map(Step::Wait),
        2 => (4i64..90).prop_map(Step::Wait),
        1 => Just(Step::PositionsAhead),
        4 => (9_700i64..10_200).prop_map(Step::Tick),
        3 => Just(Step::PositionsRead),
        1 => Just(Step::Restart),
        2 => verb.prop_map(Step::Say),
    ];
    prop::collection::vec(step, 1..120)
}

/// The engine, the account beside it, and how many trades and commands of people there were.
struct Day {
    house: House,
    model: OrderModel,
    number: u32,
}

impl Day {
    fn new() -> Self {
        Self {
            house: House::open(),
            model: OrderModel::default(),
            number: 0,
        }
    }

    /// The order that is meant, counted from the newest.
    fn order(&self, back: usize) -> Option<Modelled> {
        let count = self.model.orders.len();
        self.model.orders.get(count.checked_sub(back + 1)?).cloned()
    }

    fn tell(&mut self, event: Event) -> Vec<Command> {
        let before: Vec<_> = self.model.orders.iter().map(|order| order.state).collect();
        match &event {
            Event::IntentResolved(reply) => self.model.replied(reply),
            Event::OrderUpdated(row) => self.model.row(row),
            Event::Traded(trade) => self.model.traded(trade),
            Event::PositionReported(report) => self.model.positions_read(report.instrument, self.house.now),
            _ => {}
        }
        for (index, order) in self.model.orders.iter_mut().enumerate() {
            if before.get(index) != Some(&order.state) {
                order.moved = event.ts();
            }
        }
        self.house.tell(event)
    }

    /// Lives one step; gives the engine's commands, each of which the account has taken in.
    fn live(&mut self, step: Step) {
        self.number += 1;
        let commands = match step {
            Step::Buy(id) => self.house.wish_to_buy(id),
            Step::Leave(id, qty) => self.house.wish_to_leave(id, qty),
            Step::Reply(back, submission) => self.reply(back, submission),
            Step::Row(back, status, more, terms, lag) => self.row(back, status, more, (terms, lag)),
            Step::Trade(back, fill) => self.trade(back, fill),
            Step::Stranger(id, status, filled) => self.stranger(id, status, filled),
            Step::NobodysTrade => self.nobodys_trade(),
            Step::Wait(seconds) => self.house.wait(DurationNs::from_secs(seconds)),
            Step::Tick(paise) => self.house.tick(STOCK, paise),
            Step::PositionsRead => {
                for id in [STOCK, OTHER] {
                    self.model.positions_read(id, self.house.now);
                    let commands = self.house.report_position(id, self.model.position(id));
                    self.model.obeyed(&commands);
                }
                Vec::new()
            }
            Step::PositionsAhead => {
                for id in [STOCK, OTHER] {
                    let told = self.model.position_told(id);
                    self.model.position_shows_missing(id, self.house.now);
                    let commands = self.house.report_position(id, told);
                    self.model.obeyed(&commands);
                }
                Vec::new()
            }
            Step::Restart => {
                self.model.restarted();
                self.house.start(self.number + 1);
                self.house.reconcile();
                Vec::new()
            }
            Step::Say(verb) => self.house.control(verb, u64::from(self.number)),
        };
        self.model.obeyed(&commands);
    }

    fn reply(&mut self, back: usize, submission: Submission) -> Vec<Command> {
        let Some(intent) = self.order(back).and_then(|order| order.intent) else {
            return Vec::new();
        };
        let order_id = match submission {
            Submission::Acked => id_of(intent),
            _ => BrokerOrderId::EMPTY,
        };
        self.tell(Event::IntentResolved(IntentResolved {
            ts: self.house.now,
            intent,
            submission,
            order_id,
            code: Text::EMPTY,
        }))
    }

    fn row(
        &mut self,
        back: usize,
        status: BrokerStatus,
        more: i64,
        (terms, lag): (Terms, u8),
    ) -> Vec<Command> {
        let Some(order) = self.order(back) else {
            return Vec::new();
        };
        let (qty, price) = match terms {
            Terms::Confirmed => (order.terms.qty, order.terms.price),
            Terms::Asked => {
                let asked = order.asked.last().unwrap_or(&order.terms);
                (asked.qty, asked.price)
            }
            Terms::Strange(units, ticks) => (
                Qty::new((order.terms.qty.get() + units).max(1)),
                Price::new(order.terms.price.get() + 500 * ticks),
            ),
        };
        self.tell(Event::OrderUpdated(OrderUpdated {
            ts: self.house.now,
            intent: order.intent,
            order_id: order.intent.map_or(order.order_id, id_of),
            instrument: order.instrument,
            side: order.side,
            status,
            qty,
            filled: Qty::new((order.filled() + more).clamp(0, order.at_most())),
            price,
            trigger: Price::NONE,
            average_price: price,
            modifies_ended: order
                .intent
                .map_or(0, |intent| self.house.modifies_of(intent).saturating_sub(lag)),
        }))
    }

    fn trade(&mut self, back: usize, fill: Fill) -> Vec<Command> {
        let Some(order) = self.order(back) else {
            return Vec::new();
        };
        let rest = order.at_most() - order.filled();
        let new_id = TradeId::new(&format!("N{}", self.number)).expect("short");
        let (trade_id, qty) = match fill {
            Fill::Part(qty) => (new_id, qty),
            Fill::Rest | Fill::Reversed => (new_id, rest),
            Fill::TooMuch => (new_id, rest + 1),
            Fill::Again => match order.trades.first_key_value() {
                Some((id, qty)) => (*id, *qty),
                None => return Vec::new(),
            },
        };
        let side = match fill {
            Fill::Reversed => order.side.opposite(),
            _ => order.side,
        };
        self.tell(Event::Traded(Traded {
            ts: self.house.now,
            intent: order.intent,
            order_id: order.intent.map_or(order.order_id, id_of),
            trade_id,
            instrument: order.instrument,
            side,
            qty: Qty::new(qty),
            price: Price::from_paise(10_000),
        }))
    }

    fn stranger(&mut self, number: u32, status: BrokerStatus, filled: i64) -> Vec<Command> {
        use bijli_core::order::Side;
        let (instrument, side) =
            [(STOCK, Side::Sell), (OTHER, Side::Buy), (OTHER, Side::Sell)][number as usize];
        let price = Price::from_paise(10_000);
        self.tell(Event::OrderUpdated(OrderUpdated {
            ts: self.house.now,
            intent: None,
            order_id: BrokerOrderId::new(&format!("F{number}")).expect("short"),
            instrument,
            side,
            status,
            qty: Qty::new(30),
            filled: Qty::new(filled),
            price,
            trigger: Price::NONE,
            average_price: price,
            modifies_ended: 0,
        }))
    }

    fn nobodys_trade(&mut self) -> Vec<Command> {
        self.tell(Event::Traded(Traded {
            ts: self.house.now,
            intent: None,
            order_id: BrokerOrderId::new("NOBODYS").expect("short"),
            trade_id: TradeId::new("X").expect("short"),
            instrument: STOCK,
            side: bijli_core::order::Side::Buy,
            qty: Qty::new(1),
            price: Price::from_paise(10_000),
        }))
    }

    /// Book and account agree, and no command was one that it must not be.
    fn check(&self) -> Result<(), TestCaseError> {
        let state = self.house.engine.state();
        prop_assert_eq!(&self.model.objections, &Vec::<String>::new());
        prop_assert_eq!(shown_by(state.orders()), self.model.expected());
        for id in [STOCK, OTHER] {
            prop_assert_eq!(self.house.position(id), self.model.position(id));
        }
        let trades: usize = self.model.orders.iter().map(|order| order.trades.len()).sum();
        prop_assert_eq!(state.orders().trade_count(), trades);
        let counts = state.counts();
        prop_assert_eq!(
            (counts.stale_updates, counts.late_fills),
            (self.model.stale, self.model.late_fills)
        );
        // The cancel of somebody else's order that is one too many is told as a contradiction, not sent.
        let given_up = state
            .orders()
            .all()
            .iter()
            .filter(|order| order.foreign_cancels > 5)
            .count();
        prop_assert_eq!(counts.contradictions, self.model.contradictions + given_up as u64);
        Ok(())
    }
}

proptest! {
    #[test]
    fn whatever_the_broker_tells_the_book_is_what_the_evidence_adds_up_to(steps in steps()) {
        let mut day = Day::new();
        for step in steps {
            day.live(step);
            day.check()?;
        }
    }
}
