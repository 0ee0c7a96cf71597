//! Operator commands. Kill outranks flatten outranks pause; each is idempotent by its command id, and
//! neither strategy nor replay can clear what a person latched.

use crate::command::Commands;
use crate::event::{Controlled, Verb};
use crate::state::State;
use crate::strategy::ExitReason;

impl State {
    pub(super) fn obey(&mut self, control: &Controlled, commands: &mut Commands) {
        if control.command_id == self.last_command_id {
            return;
        }
        self.last_command_id = control.command_id;
        self.counts.controls += 1;
        match control.verb {
            Verb::Pause => self.paused = true,
            Verb::Resume => {
                self.paused = false;
                self.flattening = false;
            }
            Verb::Exit => {
                if let Some(id) = control.instrument {
                    let qty = self.positions[id.index()].qty.abs();
                    self.place_exit(id, qty, ExitReason::Operator, commands);
                }
            }
            Verb::Flatten => {
                self.flattening = true;
                self.close_all(ExitReason::Operator, commands);
            }
            Verb::Kill => {
                self.killed = true;
                self.close_all(ExitReason::Operator, commands);
            }
            Verb::Arm => self.arm(),
        }
    }

    /// A person takes responsibility: latches and halts are cleared, the daily loss limit is not.
    fn arm(&mut self) {
        self.disarmed = false;
        self.killed = false;
        self.halted = false;
        self.position_break = false;
        self.paused = false;
        self.flattening = false;
    }
}
