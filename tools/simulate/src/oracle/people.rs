//! What people ordered, folded from the journal: pauses, arming, kills, and whether a kill reaches what rests at the
//! broker.
//!
//! A refused word changes nothing and may come again; where only the engine knows whether it refused, the fold takes
//! the milder reading.

use std::collections::{BTreeMap, BTreeSet};

use bijli_core::event::{Controlled, OrderUpdated, VenueKind, Verb};
use bijli_core::order::{BrokerOrderId, BrokerStatus};

use super::unwanted::Unwanted;
use super::{Broken, broken};

/// Timers of the engine within which an open entry must be asked to go after a kill: four seconds of them.
const TIMERS_TO_CANCEL: u32 = 16;

/// The same for the first cancel of an entry that a person's exit came behind.
const TIMERS_TO_TAKE_BACK: u32 = 3;

/// The fold.
#[derive(Clone, Debug)]
pub struct People {
    /// Whether a kill is latched.
    pub killed: bool,
    /// Whether entries are paused.
    pub paused: bool,
    /// Whether the wall clock was set and nobody armed since.
    pub clock_stepped: bool,
    /// Whether somebody armed this process, or need not.
    pub armed: bool,
    needs_arming: bool,
    command_ids: BTreeSet<u64>,
    /// Entries that were last told open: their intents, and how many timers saw them so while nobody wanted them.
    open_entries: BTreeMap<BrokerOrderId, (u64, u32)>,
    ended: BTreeSet<BrokerOrderId>,
    /// Orders whose cancel was asked for: it is not asked for again at once.
    asked: BTreeSet<BrokerOrderId>,
}

impl People {
    /// Before the day.
    #[must_use]
    pub fn new(venue: VenueKind) -> Self {
        Self {
            killed: false,
            paused: false,
            clock_stepped: false,
            armed: false,
            needs_arming: venue == VenueKind::Live,
            command_ids: BTreeSet::new(),
            open_entries: BTreeMap::new(),
            ended: BTreeSet::new(),
            asked: BTreeSet::new(),
        }
    }

    /// A process began: with real money nobody has armed it.
    pub fn begin_process(&mut self) {
        self.armed = !self.needs_arming;
        self.restart_timers();
    }

    /// Somebody said something; `reconciled` decides whether an arm is taken. Gives whether it was new.
    pub fn learn(&mut self, control: &Controlled, reconciled: bool) -> bool {
        // No id keeps a kill from acting while nothing is killed.
        let is_due = control.verb == Verb::Kill && !self.killed;
        if self.command_ids.contains(&control.command_id) && !is_due {
            return false;
        }
        let is_refused = match control.verb {
            Verb::Arm => !reconciled,
            Verb::Resume => self.killed,
            Verb::Pause | Verb::Exit | Verb::Flatten | Verb::Kill | Verb::ReduceOnly | Verb::BrokerSwitch => {
                false
            }
        };
        // Whether a resume was refused for a flatten, only the engine knows: it may come again.
        if !is_refused && control.verb != Verb::Resume {
            self.command_ids.insert(control.command_id);
        }
        match control.verb {
            Verb::Pause => self.paused = true,
            Verb::Resume => self.paused = false,
            Verb::Arm if !is_refused => {
                self.armed = true;
                self.clock_stepped = false;
                self.killed = false;
                self.paused = false;
            }
            Verb::Kill => {
                self.killed = true;
                self.restart_timers();
            }
            Verb::Arm | Verb::Exit | Verb::Flatten | Verb::ReduceOnly | Verb::BrokerSwitch => {}
        }
        true
    }

    fn restart_timers(&mut self) {
        self.open_entries.values_mut().for_each(|entry| entry.1 = 0);
    }

    /// The broker told of an entry of ours.
    pub fn learn_entry(&mut self, intent: u64, update: &OrderUpdated) {
        let id = update.order_id;
        let is_open = update.status == BrokerStatus::Open && !self.ended.contains(&id);
        if is_open {
            self.open_entries.entry(id).or_insert((intent, 0));
        } else {
            self.open_entries.remove(&id);
        }
        let ended = matches!(
            update.status,
            BrokerStatus::Complete | BrokerStatus::Cancelled | BrokerStatus::Rejected
        );
        if ended {
            self.ended.insert(id);
        }
    }

    /// A cancel was asked for.
    pub fn learn_cancel(&mut self, id: &BrokerOrderId) {
        self.open_entries.remove(id);
        self.asked.insert(*id);
    }

    /// I18: a timer of an engine; once it is reconciled, a kill and an exit of one instrument reach what rests.
    ///
    /// # Errors
    /// When an entry rests at the broker and nobody asked for it to go.
    pub fn check_timer(&mut self, reconciled: bool, unwanted: &Unwanted) -> Result<(), Broken> {
        for (id, (intent, timers)) in &mut self.open_entries {
            let must_go = reconciled && (self.killed || unwanted.has(*intent));
            *timers = if must_go { *timers + 1 } else { 0 };
            let patience = if self.killed || self.asked.contains(id) {
                TIMERS_TO_CANCEL
            } else {
                TIMERS_TO_TAKE_BACK
            };
            if *timers > patience {
                return broken(
                    "I18",
                    format!("entry {id} rests at the broker after a kill or an exit"),
                );
            }
        }
        Ok(())
    }
}
