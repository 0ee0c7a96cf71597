//! Operators and time, as the engine's duty takes them in.
//!
//! Invariants: a command is journaled with its user id before it acts, and a refused or repeated one is not; while a
//! person wants no entry, the lane of entries is barred before the reply leaves. A reply may format and allocate:
//! people call seldom.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bijli_core::TsNs;
use bijli_core::event::{ClockDoubted, Controlled, Event, SwitchAnswered, SwitchOutcome, Verb};
use bijli_core::instrument::InstrumentId;
use bijli_core::order::OrderState;
use bijli_core::risk::TradingMode;
use bijli_core::state::State;
use bijli_core::supervision::Heard;
use bijli_core::text::Text;

use super::EngineDuty;
use crate::control::{ControlCall, ControlReply};
use crate::duty_cycle::{ClockSource, MonoNs};
use crate::words;

/// Lines of open positions and orders in a reply, which must fit a frame.
const LINES_MAX: usize = 20;
/// How long the answer to the broker's switch is waited for by a run that would end.
const SWITCH_DEADLINE: Duration = Duration::from_secs(30);

impl EngineDuty {
    pub(super) fn take_call(&mut self, call: &ControlCall, now: TsNs) {
        let obeyed = match call.answer {
            Some(answer) => self.take_switch_answer(call, answer, now),
            None => self.obey(call, now),
        };
        // What it ended may begin again at once: the reply tells how things are after that.
        self.heed_disk(now);
        let reply = match obeyed {
            Ok(is_new) => self.report(call.verb, is_new),
            Err(message) => ControlReply::refused(message),
        };
        // The caller may have given up waiting; the command stands all the same.
        let _heard = call.reply.try_send(reply);
    }

    /// Journals and applies a command; gives whether it was new.
    fn obey(&mut self, call: &ControlCall, now: TsNs) -> Result<bool, String> {
        let state = self.driver.engine().state();
        let instrument = match call.symbol.as_deref() {
            Some(symbol) => Some(find(state, symbol).ok_or("no such instrument today; see `bijli status`")?),
            None => None,
        };
        let control = Controlled {
            ts: now.max(state.now()),
            verb: call.verb,
            instrument,
            strategy: call.strategy,
            uid: call.uid,
            command_id: call.command_id,
            reason: call.reason,
        };
        match state.heard(&control) {
            Heard::Repeated => return Ok(false),
            Heard::OtherCommand => return Err(words::ID_OF_ANOTHER_COMMAND.to_owned()),
            Heard::New => {}
        }
        if let Some(objection) = state.objection_to(call.verb, call.strategy, instrument) {
            return Err(objection.words().to_owned());
        }
        self.take(&Event::Controlled(control), None);
        match &self.failure {
            None => {
                let asks = call.verb == Verb::BrokerSwitch;
                self.switch_asked = asks.then(MonoNs::now).or(self.switch_asked);
                Ok(true)
            }
            Some(failure) => Err(format!("the journal failed, nothing was done: {failure}")),
        }
    }

    /// Journals what the broker answered to its switch, for the command that asked, once; gives whether it was new.
    fn take_switch_answer(
        &mut self,
        call: &ControlCall,
        (outcome, words): (SwitchOutcome, Text<120>),
        now: TsNs,
    ) -> Result<bool, String> {
        let state = self.driver.engine().state();
        let asked = Controlled {
            ts: state.now(),
            verb: Verb::BrokerSwitch,
            instrument: None,
            strategy: None,
            uid: call.uid,
            command_id: call.command_id,
            reason: call.reason,
        };
        if state.heard(&asked) != Heard::Repeated {
            return Err("nobody asked for the broker's switch under that id".to_owned());
        }
        let known = state.supervision().switch_answer;
        if known.is_some_and(|known| (known.command_id, known.uid) == (call.command_id, call.uid)) {
            return Ok(false);
        }
        let answered = SwitchAnswered {
            ts: now.max(state.now()),
            command_id: call.command_id,
            uid: call.uid,
            outcome,
            words,
        };
        self.take(&Event::SwitchAnswered(answered), None);
        self.switch_asked = None;
        match &self.failure {
            None => Ok(true),
            Some(failure) => Err(format!("the journal failed, it is not in it: {failure}")),
        }
    }

    /// Whether somebody is using the broker's switch, whose answer is to be journaled: done, it ends every token, and a
    /// run that ended at once would end before that.
    pub(super) fn awaits_switch_answer(&self) -> bool {
        self.switch_asked
            .is_some_and(|asked| u128::from(MonoNs::now().since(asked)) < SWITCH_DEADLINE.as_nanos())
    }

    fn report(&self, verb: Verb, is_new: bool) -> ControlReply {
        let state = self.driver.engine().state();
        let check = &state.supervision().flat_check;
        ControlReply {
            accepted: true,
            mode: state.mode().name().to_owned(),
            open_positions: state.open_positions().len() as u64,
            live_orders: state.orders().unfinished_count() as u64,
            open: open_lines(state),
            broker_flat: check.is_flat(),
            broker_says: check.answer().map_or(String::new(), words::flat_text),
            is_new,
            now_ns: state.now().get(),
            message: if self.links.durability.view.is_short() && matches!(verb, Verb::Resume | Verb::Arm) {
                words::DISK_IS_FULL.to_owned()
            } else {
                remark(verb, state)
            },
        }
    }

    /// Tells of a kill, and bars the lane of entries while a person wants none; the gateway takes back what waits there.
    pub(super) fn bar_entries(&mut self) {
        let state = self.driver.engine().state();
        let barred = state.is_killed()
            || state.is_flattening()
            || state.supervision().reduce_only
            || state.mode() == TradingMode::Paused;
        self.links.entries_barred.store(barred, Ordering::SeqCst);
        self.links.killed.store(state.is_killed(), Ordering::SeqCst);
    }

    /// Tells the engine when this machine's time cannot be trusted. A simulated day keeps its own.
    pub(super) fn watch_clock(&mut self) {
        if self.clock.source() != ClockSource::Wall {
            return;
        }
        let (mono, wall) = self.clock.follow_wall(&mut self.follower);
        if let Some((doubt, length)) = self.time.look(mono.0, wall) {
            let ts = self.clock.now().max(self.driver.engine().state().now());
            let doubted = ClockDoubted { ts, doubt, length };
            self.take(&Event::ClockDoubted(doubted), None);
        }
    }
}

fn find(state: &State, name: &str) -> Option<InstrumentId> {
    let named = |text: &str| text.eq_ignore_ascii_case(name);
    let listed = state.instruments();
    listed
        .iter()
        .find(|row| named(row.symbol.as_str()) || named(row.key.as_str()))
        .map(|row| row.id)
}

/// Positions, and orders that may be live, one line each.
#[must_use]
pub fn open_lines(state: &State) -> Vec<String> {
    let symbol = |id: InstrumentId| state.instruments()[id.index()].symbol;
    let positions = state.open_positions().iter().map(|id| {
        let position = &state.positions()[id.index()];
        format!("{} position {}", symbol(*id), position.qty)
    });
    let orders = state.orders().live().map(|(_, order)| {
        let whose = if order.intent.is_some() {
            "order"
        } else {
            "order of others"
        };
        format!(
            "{} {whose} {} {} of {} {}",
            symbol(order.instrument),
            words::side_name(order.side),
            order.open_qty(),
            order.qty,
            order.state.name()
        )
    });
    positions.chain(orders).take(LINES_MAX).collect()
}

/// What an operator should know although the command was obeyed.
fn remark(verb: Verb, state: &State) -> String {
    let leaves_orders = state.orders().live_count() > state.orders().unfinished_count();
    let unknown = state
        .orders()
        .live()
        .filter(|(_, order)| matches!(order.state, OrderState::Unknown | OrderState::PresumedAbsent))
        .count();
    match verb {
        Verb::Exit if state.orders().live().any(|(_, order)| order.exit_asked) => {
            "entries that may still fill are taken back; what they fill is left".to_owned()
        }
        Verb::Exit if state.open_positions().is_empty() => "there is no position to close".to_owned(),
        Verb::Flatten if state.is_killed() => "killed already, which does more".to_owned(),
        Verb::Arm if state.is_flattening() => "the flatten under way goes on".to_owned(),
        Verb::Flatten | Verb::Kill if unknown > 0 => {
            format!("{unknown} orders have an unknown fate: flat only when the broker has told it")
        }
        Verb::Flatten | Verb::Kill if state.open_positions().is_empty() && leaves_orders => {
            "orders of others stay where nothing is held".to_owned()
        }
        Verb::Pause
        | Verb::Resume
        | Verb::Exit
        | Verb::Flatten
        | Verb::Kill
        | Verb::Arm
        | Verb::ReduceOnly
        | Verb::BrokerSwitch => String::new(),
    }
}
