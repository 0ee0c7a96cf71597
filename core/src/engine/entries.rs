//! Opening risk: a strategy's wish passes the gate or is denied with a code, and both are remembered.

use crate::command::{Command, Commands, Place};
use crate::denial::Denial;
use crate::instrument::InstrumentId;
use crate::order::{IntentId, OrderState, OrderType, Purpose, Side, Validity};
use crate::orders::{Order, submitted};
use crate::price::{Money, Price};
use crate::risk::{EntryFacts, check_entry};
use crate::state::{JudgedSignal, SIGNALS_REMEMBERED, State};
use crate::strategy::{Enter, Signal};

impl State {
    pub(super) fn consider_entry(&mut self, enter: &Enter, commands: &mut Commands) {
        let verdict = check_entry(&self.entry_facts(enter), enter, &self.config);
        self.remember_signal(&enter.signal, verdict.err());
        if verdict.is_ok() {
            self.place_entry(enter, commands);
        }
    }

    pub(super) fn entry_facts(&self, enter: &Enter) -> EntryFacts<'_> {
        let id = enter.signal.instrument;
        let instrument = &self.instruments[id.index()];
        let (unknown_here, unknown_total) = self.unknown_orders(id);
        let (exposure_total, exposure_options) = self.exposure();
        let addition = self.addition(enter);
        let (held_value, held_at_risk) = addition.unwrap_or_default();
        EntryFacts {
            now: self.now,
            mode: self.mode_of(enter.signal.strategy),
            day_loss_latched: self.day_loss_latched,
            session_allows: self.hours(id).allows_entries(self.now),
            feed: self.feed,
            instrument,
            frozen: self.frozen[id.index()],
            quote: &self.quotes[id.index()],
            busy: match addition {
                Some(_) => self.has_working_order(id),
                None => self.is_busy(id),
            },
            last_entry_ts: self.last_entries[id.index()][enter.signal.side as usize],
            positions_open: self.positions_open() - u32::from(addition.is_some()),
            unknown_here,
            unknown_total,
            entries_today: u32::try_from(self.counts.entries).unwrap_or(u32::MAX),
            orders_have_room: self.orders.has_room_for_entries(),
            exposure_total,
            exposure_options,
            held_value,
            held_at_risk,
        }
    }

    /// Value, and loss at the wish's stop, of the position that a declared addition enlarges; `None` for any other
    /// wish. Only the strategy that opened a position may enlarge it, on its side, while no person has it.
    fn addition(&self, enter: &Enter) -> Option<(Money, Money)> {
        let id = enter.signal.instrument;
        let position = &self.positions[id.index()];
        let is_own = self.protections.owner(id) == Some(enter.signal.strategy);
        let same_side = position.qty.get().signum() == enter.signal.side.sign();
        if !enter.adds || !same_side || !is_own || self.held.is_manual(id) {
            return None;
        }
        let lost = position.unrealised(enter.stop).get().saturating_neg().max(0);
        Some((position.exposure(self.mark(id)), Money::new(lost)))
    }

    /// Whether an order is at work in the instrument; a stop that waits behind a position is not.
    fn has_working_order(&self, id: InstrumentId) -> bool {
        let works = |order: &Order| order.instrument == id && order.state != OrderState::TriggerPending;
        self.orders.live().any(|(_, order)| works(order))
    }

    pub(super) fn remember_signal(&mut self, signal: &Signal, denial: Option<Denial>) {
        let slot = self.counts.signals as usize % SIGNALS_REMEMBERED;
        self.signals[slot] = Some(JudgedSignal {
            signal: *signal,
            denial,
        });
        self.counts.signals += 1;
        if let Some(denial) = denial {
            self.denials[usize::from(denial.number()) - 1] += 1;
        }
    }

    fn place_entry(&mut self, enter: &Enter, commands: &mut Commands) {
        let id = enter.signal.instrument;
        let place = Place {
            ts: self.now,
            intent: self.next_intent(),
            instrument: id,
            side: enter.signal.side,
            purpose: Purpose::Entry,
            order_type: OrderType::Limit,
            validity: Validity::Day,
            qty: enter.qty,
            price: enter.limit,
            trigger: Price::NONE,
        };
        let mut order = submitted(&place, self.touch(id, place.side));
        order.signal = Some(enter.signal);
        order.strategy = Some(enter.signal.strategy);
        self.orders.add(order);
        self.last_entries[id.index()][place.side as usize] = self.now;
        self.protections.note_entry(id, enter.signal.strategy);
        self.counts.entries += 1;
        commands.push(Command::Place(place));
    }

    /// A fresh intent; the running number never repeats within an epoch.
    pub(super) fn next_intent(&mut self) -> IntentId {
        let intent = IntentId::new(self.epoch, self.next_sequence);
        self.next_sequence = self
            .next_sequence
            .checked_add(1)
            .expect("the day's orders are bounded");
        intent
    }

    /// The price at which an order of `side` would trade at once; the last trade without a book.
    pub(super) fn touch(&self, instrument: InstrumentId, side: Side) -> Price {
        let quote = &self.quotes[instrument.index()];
        let touch = match side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        };
        if touch.is_set() { touch } else { quote.ltp }
    }
}
