//! Groups of legs at work: judged as a whole, entered hedge first, watched in money, left shorts first.
//!
//! Runs after the strategy's wishes on every event while a group lives. Invariants: nothing here opens risk without
//! the gate's word on every leg, again at the moment at which a leg is sent; a hedge is not sold while what it covers
//! is or may become open; a MANUAL group is not traded by its own rules.

use crate::command::Commands;
use crate::denial::Denial;
use crate::event::{Event, Tick};
use crate::exposure::{Exposures, direction};
use crate::group::{
    EnterGroup, Group, GroupBook, GroupEvent, GroupState, LEGS_MAX, LeaveGroup, Leg, LegOrders, LegPlan,
    LegRole,
};
use crate::instrument::InstrumentId;
use crate::order::{OrderState, Side};
use crate::planted::{Bug, planted};
use crate::price::{Money, Price};
use crate::risk::{check_entry, slice_count};
use crate::state::State;
use crate::strategy::{Enter, ExitReason, Signal};

impl State {
    /// The groups of the day.
    #[must_use]
    pub const fn groups(&self) -> &GroupBook {
        &self.groups
    }

    /// Opens a group if the gate lets all of it pass.
    ///
    /// # Panics
    /// When the wish contradicts itself: no legs, gaps between them, two in one instrument, a sold hedge.
    pub(super) fn consider_group(&mut self, wish: &EnterGroup, commands: &mut Commands) {
        assert_is_sound(wish);
        self.protections
            .note_wish(wish.signal.strategy, self.now, &self.config.risk);
        let verdict = self.judge_group(wish);
        self.remember_signal(&wish.signal, verdict.err());
        if verdict.is_err() {
            return;
        }
        let legs = wish.legs.map(|plan| {
            plan.map(|plan| Leg {
                plan,
                orders: LegOrders::default(),
                realised_before: self.positions[plan.instrument.index()].realised,
            })
        });
        let place = self.groups.begin(wish, legs, self.now);
        self.run_group(place, None, commands);
    }

    /// Leaves a group as a whole because its strategy wants to.
    pub(super) fn consider_group_exit(&mut self, wish: &LeaveGroup, commands: &mut Commands) {
        let place = (0..self.groups.count()).find(|place| self.groups.at(*place).id == wish.group);
        if let Some(place) = place {
            self.tell_group(place, GroupEvent::CloseAsked, wish.reason);
            self.run_group(place, None, commands);
        }
    }

    /// Each leg by itself and on top of those before it, then all of them as if they were one position.
    fn judge_group(&self, wish: &EnterGroup) -> Result<(), Denial> {
        let (mut value, mut at_risk) = (Money::ZERO, Money::ZERO);
        let (mut before, mut deltas) = (Exposures::default(), [Money::ZERO; 2]);
        let mut orders = 0;
        for (count, plan) in (0u32..).zip(wish.legs.iter().flatten()) {
            let enter = entry_of(&wish.signal, plan);
            let mut facts = self.entry_facts(&enter);
            facts.positions_open += count;
            facts.orders_ahead = orders;
            facts.exposures = facts.exposures.plus(&before);
            // As if the legs before it were held in the same instrument: the group is one position.
            facts.held_value = value;
            facts.held_at_risk = at_risk;
            // What goes the same way adds up in delta; the check asked for the worth of this leg alone.
            let way = usize::from(direction(facts.instrument.kind, plan.side) > 0);
            let delta = facts.exposures.delta.plus(deltas[way]);
            facts.exposures.delta = delta.ok_or(Denial::Overflow)?;
            check_entry(&facts, &enter, &self.config)?;
            deltas[way] = deltas[way].plus(facts.delta_value).ok_or(Denial::Overflow)?;
            orders += slice_count(facts.instrument, plan.qty).unwrap_or(1);
            let leg_value = plan.limit.times(plan.qty).ok_or(Denial::Overflow)?;
            value = value.plus(leg_value).ok_or(Denial::Overflow)?;
            let is_option = facts.instrument.kind.is_option();
            // Legs stand on one idea: each counts in every sum of the next, whatever it trades.
            before = before.plus(&Exposures {
                total: leg_value,
                options: if is_option { leg_value } else { Money::ZERO },
                underlying: leg_value,
                sector: leg_value,
                strategy: leg_value,
                correlated: leg_value,
                margin_committed: facts.margin_need,
                ..Exposures::default()
            });
            let distance = Price::new(plan.limit.minus(plan.stop).get().saturating_abs());
            let leg_risk = distance.times(plan.qty).ok_or(Denial::Overflow)?;
            at_risk = at_risk.plus(leg_risk).ok_or(Denial::Overflow)?;
        }
        if self.groups.has_room() {
            Ok(())
        } else {
            Err(Denial::PositionsMax)
        }
    }

    /// Takes `event` in for every group that lives; not before the books are known, for a process that takes the day
    /// over has nobody yet to carry out commands. The broker's positions come one by one: a group looks at all of them
    /// once the round has ended.
    pub(super) fn run_groups(&mut self, event: &Event, commands: &mut Commands) {
        let is_amid_round = matches!(event, Event::PositionReported(_));
        if !self.groups.has_living() || !self.may_act_by_time() || is_amid_round {
            return;
        }
        let tick = match event {
            Event::Ticked(tick) => Some(tick),
            _ => None,
        };
        for place in 0..self.groups.count() {
            let group = self.groups.at(place);
            let is_concerned = tick.is_none_or(|tick| group.trades(tick.instrument));
            if group.is_alive() && is_concerned {
                self.run_group(place, tick, commands);
            }
        }
    }

    fn run_group(&mut self, place: usize, tick: Option<&Tick>, commands: &mut Commands) {
        if let Some(reason) = self.outer_reason(self.groups.at(place)) {
            self.tell_group(place, GroupEvent::CloseAsked, reason);
        }
        match self.groups.at(place).state {
            GroupState::Forming => self.form_group(place, commands),
            GroupState::Live => self.watch_group(place, tick),
            GroupState::Closing | GroupState::Unwinding | GroupState::Manual | GroupState::Closed => {}
        }
        let group = *self.groups.at(place);
        match group.state {
            GroupState::Closing | GroupState::Unwinding => self.leave_group(&group, commands),
            GroupState::Manual => self.cancel_legs(&group, commands),
            GroupState::Forming | GroupState::Live | GroupState::Closed => {}
        }
        if group.state != GroupState::Forming && self.is_group_flat(&group) {
            self.groups.at_mut(place).step(GroupEvent::WentFlat, self.now);
        }
    }

    /// What stands above a group's own rules: an operator who wants to be out, and the end of the session.
    fn outer_reason(&self, group: &Group) -> Option<ExitReason> {
        if self.killed || self.flattening {
            return Some(ExitReason::Operator);
        }
        let over = group
            .legs()
            .any(|leg| self.now >= self.hours(leg.plan.instrument).squareoff_begin);
        over.then_some(ExitReason::SquareOff)
    }

    fn tell_group(&mut self, place: usize, event: GroupEvent, reason: ExitReason) {
        let now = self.now;
        let group = self.groups.at_mut(place);
        if group.step(event, now) && group.reason.is_none() {
            group.reason = Some(reason);
        }
    }

    /// A person acted in an instrument: the group that trades it is theirs now.
    pub(super) fn group_taken_over(&mut self, instrument: InstrumentId) {
        for place in 0..self.groups.count() {
            if self.groups.at(place).trades(instrument) {
                self.groups.at_mut(place).step(GroupEvent::PersonActed, self.now);
            }
        }
    }

    /// A person hands groups back: the one that trades `instrument`, or all. One that is no longer what it was is
    /// unwound.
    pub(super) fn hand_groups_back(&mut self, instrument: Option<InstrumentId>) {
        for place in 0..self.groups.count() {
            let group = *self.groups.at(place);
            if instrument.is_some_and(|id| !group.trades(id)) {
                continue;
            }
            let is_whole = group.legs().all(|leg| {
                let held = self.positions[leg.plan.instrument.index()].qty.get();
                held == leg.plan.side.sign() * leg.plan.qty.get()
            });
            if is_whole {
                self.groups.at_mut(place).step(GroupEvent::ResumedWhole, self.now);
            } else {
                self.tell_group(place, GroupEvent::ResumedBroken, ExitReason::Unwind);
            }
        }
    }

    /// Sends the legs whose turn it is; ends forming when all are filled, one failed, or the time is over.
    fn form_group(&mut self, place: usize, commands: &mut Commands) {
        let group = *self.groups.at(place);
        let late = self.now >= group.deadline
            || group
                .legs()
                .any(|leg| self.now >= self.hours(leg.plan.instrument).entries_stop);
        if group.legs().any(|leg| self.has_leg_failed(leg)) {
            return self.tell_group(place, GroupEvent::LegFailed, ExitReason::Unwind);
        }
        if group
            .legs()
            .any(|leg| self.is_leg_filled(leg) && !self.is_leg_whole(leg))
        {
            return self.tell_group(place, GroupEvent::LegLost, ExitReason::Unwind);
        }
        if group.legs().all(|leg| self.is_leg_filled(leg)) {
            self.groups.at_mut(place).step(GroupEvent::AllFilled, self.now);
            return;
        }
        if late {
            return self.tell_group(place, GroupEvent::DeadlinePassed, ExitReason::Unwind);
        }
        let hedged = group
            .legs()
            .filter(|leg| leg.plan.role == LegRole::Hedge)
            .all(|leg| self.is_leg_filled(leg));
        for index in 0..LEGS_MAX {
            let Some(leg) = group.legs[index].filter(|leg| !leg.orders.is_sent()) else {
                continue;
            };
            if leg.plan.side == Side::Sell && !hedged && !planted(Bug::RiskBeforeHedge) {
                continue;
            }
            if !self.send_leg(place, index, &leg.plan, commands) {
                return self.tell_group(place, GroupEvent::LegFailed, ExitReason::Unwind);
            }
        }
    }

    /// Sends the entry of one leg if the gate still lets it pass: a while may have gone by since the whole was judged.
    fn send_leg(&mut self, place: usize, index: usize, plan: &LegPlan, commands: &mut Commands) -> bool {
        let (id, signal) = (self.groups.at(place).id, self.groups.at(place).signal);
        let enter = entry_of(&signal, plan);
        let verdict = check_entry(&self.entry_facts(&enter), &enter, &self.config);
        if let Err(denial) = verdict {
            self.denials[usize::from(denial.number()) - 1] += 1;
            return false;
        }
        let (first, count) = self.place_entry_sliced(&enter, Some(id), commands);
        let first = u32::try_from(first).expect("the day's orders are bounded");
        if let Some(leg) = &mut self.groups.at_mut(place).legs[index] {
            leg.orders = LegOrders { first, count };
        }
        count > 0
    }

    /// Ends a live group whose levels were crossed, or that lost part of a leg.
    fn watch_group(&mut self, place: usize, tick: Option<&Tick>) {
        let group = *self.groups.at(place);
        if group.legs().any(|leg| !self.is_leg_whole(leg)) {
            return self.tell_group(place, GroupEvent::LegLost, ExitReason::Unwind);
        }
        let open = group
            .legs()
            .all(|leg| self.hours(leg.plan.instrument).is_open(self.now));
        if !open || tick.is_some_and(|tick| !tick.flags.is_sound()) {
            return;
        }
        let result = self.group_result(&group).get();
        let stopped = tick.is_some_and(|tick| {
            let crossed = |leg: &Leg| {
                leg.plan.instrument == tick.instrument
                    && tick.ltp.is_set()
                    && match leg.plan.side {
                        Side::Buy => tick.ltp <= leg.plan.stop,
                        Side::Sell => tick.ltp >= leg.plan.stop,
                    }
            };
            group.legs().any(crossed)
        });
        let lost = group.loss.get() > 0 && result <= -group.loss.get();
        if stopped || lost {
            self.tell_group(place, GroupEvent::LevelCrossed, ExitReason::Stop);
        } else if group.gain.get() > 0 && result >= group.gain.get() {
            self.tell_group(place, GroupEvent::LevelCrossed, ExitReason::Target);
        }
    }

    /// What the group would have won if it were closed now; charges are not deducted. Saturates.
    #[must_use]
    pub fn group_result(&self, group: &Group) -> Money {
        let sum = group.legs().fold(0i64, |sum, leg| {
            let position = &self.positions[leg.plan.instrument.index()];
            let booked = position.realised.get().saturating_sub(leg.realised_before.get());
            let open = position.unrealised(self.exit_mark(leg.plan.instrument)).get();
            sum.saturating_add(booked).saturating_add(open)
        });
        Money::new(sum)
    }

    /// Cancels what is not filled and leaves what is, each leg as soon as its order lets it.
    fn leave_group(&mut self, group: &Group, commands: &mut Commands) {
        self.cancel_legs(group, commands);
        if !self.may_act_by_time() {
            return;
        }
        let reason = group.reason.unwrap_or(ExitReason::Unwind);
        for shorts in [true, false] {
            for leg in group.legs() {
                let qty = self.positions[leg.plan.instrument.index()].qty;
                if !qty.is_zero() && (qty.get() < 0) == shorts {
                    self.leave(leg.plan.instrument, qty.abs(), reason, commands);
                }
            }
        }
    }

    fn cancel_legs(&mut self, group: &Group, commands: &mut Commands) {
        for index in group.legs().flat_map(|leg| leg.orders.indices()) {
            if self.orders.get(index).state.may_be_live() {
                self.cancel(index, commands);
            }
        }
    }

    /// Whether `instrument` is bought cover that must wait: its group has something sold that is open, and can be bought
    /// back, or may become so. A person's group keeps no order of legs; on the account's way out `cover.rs` does.
    pub(super) fn hedge_must_wait(&self, instrument: InstrumentId) -> bool {
        let Some(group) = self.groups.owner(instrument) else {
            return false;
        };
        let is_long = self.positions[instrument.index()].qty.get() > 0;
        let is_naked = |leg: &Leg| {
            let id = leg.plan.instrument;
            let sold = self.positions[id.index()].qty.get() < 0 && self.can_be_left(id);
            // What is presumed absent must not keep the hedge over the close: it is cancelled should it appear.
            let is_there = |index: &usize| self.orders.get(*index).state != OrderState::PresumedAbsent;
            let may_sell = leg.plan.side == Side::Sell
                && leg
                    .orders
                    .indices()
                    .filter(is_there)
                    .any(|index| self.may_fill(index));
            sold || may_sell
        };
        group.state != GroupState::Manual
            && is_long
            && group.legs().any(is_naked)
            && !planted(Bug::HedgeSoldFirst)
    }

    fn may_leg_fill(&self, leg: &Leg) -> bool {
        leg.orders.indices().any(|index| self.may_fill(index))
    }

    fn may_fill(&self, index: usize) -> bool {
        let order = self.orders.get(index);
        order.state.may_be_live() || order.open_qty().get() > 0
    }

    /// What a round of positions makes due in the legs of the groups: each was told before the others.
    pub(super) fn follow_up_groups(&mut self, commands: &mut Commands) {
        for place in 0..self.groups.count() {
            let group = *self.groups.at(place);
            for leg in group.legs() {
                self.follow_up(leg.plan.instrument, commands);
            }
        }
    }

    /// Whether the leg was sent and what is filled and may still fill of its orders is less than it.
    fn has_leg_failed(&self, leg: &Leg) -> bool {
        let reach = leg.orders.indices().fold(0i64, |sum, index| {
            let order = self.orders.get(index);
            sum.saturating_add(order.filled.get())
                .saturating_add(order.open_qty().get())
        });
        leg.orders.is_sent() && reach < leg.plan.qty.get()
    }

    fn leg_filled(&self, leg: &Leg) -> i64 {
        let filled = leg
            .orders
            .indices()
            .map(|index| self.orders.get(index).filled.get());
        filled.fold(0, i64::saturating_add)
    }

    fn is_leg_filled(&self, leg: &Leg) -> bool {
        self.leg_filled(leg) >= leg.plan.qty.get()
    }

    /// Whether the position still has what the leg filled.
    fn is_leg_whole(&self, leg: &Leg) -> bool {
        let held = self.positions[leg.plan.instrument.index()].qty.get();
        held * leg.plan.side.sign() >= self.leg_filled(leg)
    }

    fn is_group_flat(&self, group: &Group) -> bool {
        group.legs().all(|leg| {
            let id = leg.plan.instrument;
            self.positions[id.index()].is_flat() && !self.may_leg_fill(leg)
        })
    }
}

/// The leg as the wish that the gate knows.
const fn entry_of(signal: &Signal, plan: &LegPlan) -> Enter {
    Enter {
        signal: Signal {
            instrument: plan.instrument,
            side: plan.side,
            ..*signal
        },
        qty: plan.qty,
        limit: plan.limit,
        stop: plan.stop,
        adds: false,
    }
}

fn assert_is_sound(wish: &EnterGroup) {
    let count = wish.legs.iter().flatten().count();
    let is_dense = wish.legs[..count].iter().all(Option::is_some);
    assert!(
        count > 0 && is_dense,
        "a group has legs, and no gaps between them"
    );
    for (place, leg) in wish.legs.iter().flatten().enumerate() {
        let mut others = wish.legs[..place].iter().flatten();
        assert!(
            others.all(|other| other.instrument != leg.instrument),
            "each leg has its own instrument"
        );
        assert!(
            leg.role == LegRole::Main || leg.side == Side::Buy,
            "a hedge is bought"
        );
    }
}
