//! People: who pauses, resumes, closes, flattens, kills and arms, when, and how often by the same command id.

use std::collections::VecDeque;

use bijli_core::event::{Controlled, VenueKind, Verb};
use bijli_core::text::Text;
use bijli_core::{DurationNs, InstrumentId, TsNs};
use bijli_simulator::random::Random;

use crate::market::INSTRUMENTS;
use crate::plan::Plan;
use crate::rows::{Fired, WorldFault};

/// How far back a word may be said again by its old id.
const WORDS_REPEATED: usize = 5;

/// The people of a day.
#[derive(Debug)]
pub struct Operator {
    random: Random,
    next: TsNs,
    command_id: u64,
    /// The last words, which may be said again.
    said: VecDeque<Controlled>,
    arms_at: Option<TsNs>,
}

impl Operator {
    /// Before the day.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self {
            random: Random::new(plan.seed, 0x0901),
            next: plan.hours.open,
            command_id: 0,
            said: VecDeque::new(),
            arms_at: None,
        }
    }

    /// A process came up: where money is real, somebody arms it after a while.
    pub fn begin_process(&mut self, now: TsNs, plan: &Plan) {
        if plan.venue == VenueKind::Live {
            self.arms_at = Some(now.plus(DurationNs::from_millis(self.random.between(3_000, 9_000))));
        }
    }

    /// Something happened after which entries wait for a person: most of the time somebody arms.
    pub fn arm_after(&mut self, now: TsNs) {
        if self.random.between(0, 3) > 0 {
            self.arms_at = Some(now.plus(DurationNs::from_millis(self.random.between(2_000, 20_000))));
        }
    }

    /// When somebody acts next.
    #[must_use]
    pub fn next_due(&self) -> TsNs {
        self.arms_at.map_or(self.next, |at| at.min(self.next))
    }

    /// What somebody asks for now; `entering` tells where the newest entry is that may still fill.
    pub fn poll(
        &mut self,
        now: TsNs,
        plan: &Plan,
        fired: &mut Fired,
        entering: impl FnOnce() -> Option<InstrumentId>,
    ) -> Option<Controlled> {
        if self.arms_at.is_some_and(|at| at <= now) {
            self.arms_at = None;
            return Some(self.call(now, Verb::Arm, None));
        }
        if now < self.next {
            return None;
        }
        self.next = now.plus(DurationNs::from_millis(self.random.between(500, 4_000)));
        if now >= plan.calm {
            return None;
        }
        if self.random.happens(plan.ppm_of(WorldFault::KillSwitch) / 6) {
            fired.count(WorldFault::KillSwitch);
            if self.random.between(0, 3) > 0 {
                self.arms_at = Some(now.plus(DurationNs::from_millis(self.random.between(2_000, 20_000))));
            }
            return Some(self.call(now, Verb::Kill, None));
        }
        if self.random.happens(plan.ppm_of(WorldFault::Conflict)) {
            fired.count(WorldFault::Conflict);
            if !self.said.is_empty() && self.random.between(0, 3) == 0 {
                let which = self.random.between(0, self.said.len() as i64 - 1);
                return self.said.get(which as usize).copied();
            }
            let verbs = [
                Verb::Pause,
                Verb::Resume,
                Verb::Resume,
                Verb::Exit,
                Verb::Exit,
                Verb::Flatten,
            ];
            let verb = verbs[self.random.between(0, 5) as usize];
            let any = InstrumentId::new(self.random.between(0, INSTRUMENTS as i64 - 2) as u32);
            // Out of what is held, of nothing, or of what is just being entered.
            let instrument = (verb == Verb::Exit).then(|| {
                let near = entering().filter(|_| self.random.between(0, 1) == 0);
                near.unwrap_or(any)
            });
            return Some(self.call(now, verb, instrument));
        }
        None
    }

    fn call(&mut self, now: TsNs, verb: Verb, instrument: Option<InstrumentId>) -> Controlled {
        self.command_id += 1;
        let call = Controlled {
            ts: now,
            verb,
            instrument,
            strategy: None,
            uid: 1_000,
            command_id: self.command_id,
            reason: Text::new("simulated").expect("short"),
        };
        self.said.push_back(call);
        if self.said.len() > WORDS_REPEATED {
            self.said.pop_front();
        }
        call
    }
}
