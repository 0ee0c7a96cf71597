//! Opening risk: a strategy's wish passes the gate or is denied with a code, and both are remembered.

use crate::command::{Command, Commands, Place};
use crate::denial::Denial;
use crate::exposure::Candidate;
use crate::group::GroupId;
use crate::instrument::{InstrumentId, InstrumentKind};
use crate::limits::SLICES_MAX;
use crate::order::{IntentId, OrderState, OrderType, Purpose, Side};
use crate::orders::Order;
use crate::planted::{Bug, planted};
use crate::price::{Money, Price};
use crate::quantity::Qty;
use crate::risk::{EntryFacts, check_entry, slice_max};
use crate::session::{Market, SessionTimes};
use crate::state::{JudgedSignal, SIGNALS_REMEMBERED, State};
use crate::strategy::{Enter, Signal};
use crate::time::TsNs;

impl State {
    pub(super) fn consider_entry(&mut self, enter: &Enter, commands: &mut Commands) {
        self.protections
            .note_wish(enter.signal.strategy, self.now, &self.config.risk);
        let facts = self.entry_facts(enter);
        let verdict = check_entry(&facts, enter, &self.config);
        let unknown_relations = facts.exposures.unknown_relations;
        self.remember_signal(&enter.signal, verdict.err());
        if verdict.is_ok() {
            self.protections.note_unknown_relations(unknown_relations);
            self.place_entry_sliced(enter, None, commands);
        }
    }

    /// What the risk gate needs to know about a wish; gathered in one pass over open positions and live orders.
    #[must_use]
    pub fn entry_facts(&self, enter: &Enter) -> EntryFacts<'_> {
        let (id, side) = (enter.signal.instrument, enter.signal.side);
        let candidate = Candidate {
            instrument: id,
            side,
            strategy: enter.signal.strategy,
        };
        let instrument = &self.instruments[id.index()];
        let underlying = instrument.underlying;
        let (unknown_here, unknown_total) = self.unknown_orders(id);
        let addition = self.addition(enter);
        let (held_value, held_at_risk) = addition.unwrap_or_default();
        let (signal_is_used, last_identical_ts) = self.recent_entries_like(enter);
        let result = self.result();
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        EntryFacts {
            now: self.now,
            day: self.now.ist_day(),
            day_is_known: self.is_day_known(),
            mode: self.mode_of(enter.signal.strategy),
            day_loss_latched: self.day_loss_latched,
            drawdown_latched: self.protections.is_drawdown_latched(),
            strategy_latched: self.protections.is_latched(enter.signal.strategy),
            session_allows: self.hours(id).allows_entries(self.now),
            session_open: self.hours(id).open,
            open_ticks: self.protections.open_ticks(id),
            feed: self.feed,
            instrument,
            on_index: self.instruments[underlying.index()].kind == InstrumentKind::Index,
            frozen: self.frozen[id.index()],
            quote: &self.quotes[id.index()],
            underlying_ts: if underlying == id {
                TsNs::NEVER
            } else {
                self.quotes[underlying.index()].ltp_ts
            },
            busy: match addition {
                Some(_) => self.has_working_order(id),
                None => self.is_busy(id),
            },
            opposing: self.opposing_price(id, side),
            last_entry_ts: self.last_entries[id.index()][side as usize],
            last_identical_ts,
            signal_is_used,
            paused_until: self.protections.paused_until(),
            entry_times: self.protections.entry_times(),
            positions_open: self.positions_open() - u32::from(addition.is_some()),
            unknown_here,
            unknown_total,
            entries_today: count(self.counts.entries),
            orders_today: count(self.counts.entries.saturating_add(self.counts.exits)),
            trips_today: self.protections.trips_closed(),
            orders_room: self.orders.room_for_entries(),
            orders_ahead: 0,
            result,
            equity: self.equity_of(result),
            exposures: self.exposures(&candidate),
            delta_value: self.delta_value(id, enter.qty, enter.limit),
            margin_need: self.margin_of(&candidate, enter.qty, enter.limit),
            margin_available: self.supervision.funds.margin_available(),
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

    /// Whether the calendar covers the session's day, and the day is today.
    fn is_day_known(&self) -> bool {
        self.session.is_some_and(|session| {
            session.day == self.now.ist_day() && SessionTimes::of(session.day, Market::Cash).is_ok()
        })
    }

    /// Limit of the nearest order of the account that may be live on the other side of `id`. A stop that waits for its
    /// trigger is in no book yet.
    fn opposing_price(&self, id: InstrumentId, side: Side) -> Option<Price> {
        let opposing = self
            .orders
            .live()
            .map(|(_, order)| order)
            .filter(|order| order.instrument == id && order.side != side && !order.open_qty().is_zero())
            .filter(|order| order.state != OrderState::TriggerPending)
            .map(|order| order.price);
        match side {
            // An order without a limit has the price zero: before every sale, and it must come before every purchase.
            Side::Buy => opposing.min(),
            Side::Sell => opposing.max_by_key(|price| if price.is_set() { price.get() } else { i64::MAX }),
        }
    }

    /// Whether the wish's signal already made an entry, and when an entry of the same terms was sent last; looked for
    /// among orders not older than the signal, or than the time in which terms must not repeat. The orders that an
    /// entry was cut into follow one another and are one entry: their quantities add up to what was wished for.
    fn recent_entries_like(&self, enter: &Enter) -> (bool, TsNs) {
        let window = self.config.risk.identical_order_window;
        let (mut signal_is_used, mut last_identical_ts) = (false, TsNs::NEVER);
        let all = self.orders.all();
        let entry_of = |order: &Order| {
            (
                order.purpose,
                order.placed_ts,
                order.instrument,
                order.side,
                order.price,
            )
        };
        let mut whole = 0i64;
        for (index, order) in all.iter().enumerate().rev() {
            let is_recent = self.now.since(order.placed_ts) < window;
            if order.placed_ts < enter.signal.ts && !is_recent {
                break;
            }
            if order.purpose != Purpose::Entry || order.instrument != enter.signal.instrument {
                continue;
            }
            signal_is_used |= order.signal.is_some_and(|signal| {
                let same = (signal.strategy, signal.ts, signal.side);
                same == (enter.signal.strategy, enter.signal.ts, enter.signal.side)
            });
            // A part of it may have been modified since: what was asked for first is not kept, the terms of now are.
            whole = whole.saturating_add(order.qty.get());
            if index > 0 && entry_of(&all[index - 1]) == entry_of(order) {
                continue;
            }
            let terms = (order.side, whole, order.price);
            if terms == (enter.signal.side, enter.qty.get(), enter.limit) && !last_identical_ts.is_set() {
                last_identical_ts = order.placed_ts;
            }
            whole = 0;
        }
        (signal_is_used, last_identical_ts)
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

    /// Places an entry, or a leg of a group, as orders of at most the freeze quantity each: an intent of its own each,
    /// and each lives and ends by itself. What is not filled of them is missing from the position, nothing else. Gives
    /// the index of the first and how many there are.
    pub(super) fn place_entry_sliced(
        &mut self,
        enter: &Enter,
        group: Option<GroupId>,
        commands: &mut Commands,
    ) -> (usize, u32) {
        let (id, strategy) = (enter.signal.instrument, enter.signal.strategy);
        let largest = slice_max(&self.instruments[id.index()]);
        let first = self.orders.all().len();
        let (mut left, mut count) = (enter.qty, 0);
        for _ in 0..SLICES_MAX {
            let qty = if planted(Bug::NoFreeze) {
                left
            } else {
                left.min(largest)
            };
            if qty.get() <= 0 || !commands.has_room() || self.orders.room_for_entries() == 0 {
                break;
            }
            self.place_entry_slice(enter, qty, group, commands);
            self.protections.note_entry_order(self.now);
            left = Qty::new(left.get() - qty.get());
            count += 1;
        }
        self.last_entries[id.index()][enter.signal.side as usize] = self.now;
        self.protections
            .note_entry(id, strategy, self.now, &self.config.risk);
        (first, count)
    }

    fn place_entry_slice(
        &mut self,
        enter: &Enter,
        qty: Qty,
        group: Option<GroupId>,
        commands: &mut Commands,
    ) {
        let place = Place {
            ts: self.now,
            intent: self.next_intent(),
            instrument: enter.signal.instrument,
            side: enter.signal.side,
            purpose: Purpose::Entry,
            order_type: OrderType::Limit,
            validity: self.config.orders.entry_validity,
            qty,
            price: enter.limit,
            trigger: Price::NONE,
        };
        self.orders.add(Order {
            // A group's legs are left with their group.
            stop: if group.is_some() { Price::NONE } else { enter.stop },
            signal: Some(enter.signal),
            strategy: Some(enter.signal.strategy),
            group,
            ..Order::submitted(&place, self.touch(place.instrument, place.side))
        });
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
