//! What must hold once the faults have stopped and the day is over: liveness and agreement.

use bijli_core::DurationNs;
use bijli_core::journal::replay_segments;
use bijli_core::page::PageReason;
use bijli_core::position::Position;
use bijli_simulator::broker::Broker;

use super::facts::Fate;
use super::{Broken, Oracle, broken};
use crate::chaos::Player;
use crate::market::INSTRUMENTS;
use crate::plan::Plan;
use crate::process::Process;

/// What it takes to read the books and leave, before the close.
const TO_LEAVE: DurationNs = DurationNs::from_secs(-15);

impl Oracle {
    /// The last look.
    ///
    /// # Errors
    /// The invariant that does not hold.
    pub fn ended(&self, plan: &Plan, broker: &Broker, process: Option<&Process>) -> Result<(), Broken> {
        let Some(process) = process else {
            return broken(
                "L3",
                "no process is up although the faults have stopped".to_owned(),
            );
        };
        self.check_flat(plan, broker, process)?;
        self.check_settled(process)?;
        self.check_agreement(broker, process)?;
        check_replay(plan, process)
    }

    /// I26 and L2: nothing is held when the day is over, or orders of unknown fate stood in the way to the last, and a
    /// person was called.
    fn check_flat(&self, plan: &Plan, broker: &Broker, process: &Process) -> Result<(), Broken> {
        let pages = process.state().pages();
        let is_called =
            pages.get(PageReason::ExitBlocked).count + pages.get(PageReason::OrderUnknown).count > 0;
        let too_late = plan.hours.close.plus(TO_LEAVE);
        for instrument in 0..INSTRUMENTS as u32 {
            let held = broker.true_position(instrument).get();
            let is_escalated = is_called && self.facts.doubted_until[instrument as usize] >= too_late;
            if held != 0 && !self.ledger.foreign[instrument as usize] && !is_escalated {
                return broken(
                    "I26",
                    format!("instrument {instrument}: {held} held after the close"),
                );
            }
        }
        Ok(())
    }

    /// L1 and L5: no fate is unknown and nothing waits.
    fn check_settled(&self, process: &Process) -> Result<(), Broken> {
        let unknown = self
            .facts
            .fates
            .iter()
            .find(|(_, fate)| matches!(fate, Fate::Unknown));
        if let Some((intent, fate)) = unknown {
            return broken(
                "L1",
                format!(
                    "intent {intent:#x} is {fate:?}: {:?}",
                    self.facts.places.get(intent)
                ),
            );
        }
        if !process.is_idle() || process.gateway.unsettled() > 1 {
            return broken(
                "L5",
                format!("{} unsettled in the gateway", process.gateway.unsettled()),
            );
        }
        Ok(())
    }

    /// L3, I28 and I29: journal, engine and broker tell the same story, to the paisa.
    fn check_agreement(&self, broker: &Broker, process: &Process) -> Result<(), Broken> {
        let state = process.state();
        let mut told = [Position::default(); INSTRUMENTS];
        let orders: Vec<_> = broker.true_orders().collect();
        for trade in broker.true_trades() {
            let order = &orders[trade.order];
            let filled = told[order.instrument as usize].fill(order.side, trade.qty, trade.price);
            filled.expect("the broker took it");
        }
        for (index, truth) in told.iter().enumerate() {
            let ours = &state.positions()[index];
            if ours.qty != truth.qty {
                return broken(
                    "L3",
                    format!("instrument {index}: engine {}, broker {}", ours.qty, truth.qty),
                );
            }
            let is_clean = !state.has_position_break() && !self.ledger.muddied[index];
            if is_clean && ours.realised != truth.realised {
                return broken(
                    "I28",
                    format!(
                        "instrument {index}: engine {:?}, broker {:?}",
                        ours.realised, truth.realised
                    ),
                );
            }
        }
        Ok(())
    }
}

/// I27: the journal alone makes the same engine.
fn check_replay(plan: &Plan, process: &Process) -> Result<(), Broken> {
    let image = process.journal.image();
    let slices: Vec<&[u8]> = image.iter().map(Vec::as_slice).collect();
    match replay_segments(&slices, None, Player::of(plan)) {
        Ok(past) if past.engine.state_hash() == process.state_hash() => Ok(()),
        Ok(_) => broken("I27", "replay gives another state".to_owned()),
        Err(fault) => broken("I33", format!("the journal cannot be replayed: {fault:?}")),
    }
}
