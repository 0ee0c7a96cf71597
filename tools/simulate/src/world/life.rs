//! Deaths and births of the process: kills at any micro-step, power cuts, restarts that are killed themselves.

use bijli_core::DurationNs;
use bijli_core::codec::Item;
use bijli_core::journal::replay_segments;
use bijli_simulator::broker::{ApiCall, Host, LOCAL_PEER, Moments};

use super::World;
use crate::chaos::Player;
use crate::disk::MemoryJournal;
use crate::oracle::{Broken, broken};
use crate::process::{Process, StartFault};
use crate::rows::WorldFault;

impl World {
    pub(super) fn start_if_due(&mut self) -> Result<(), Broken> {
        if self.process.is_some() || self.starts_at.is_none_or(|at| at > self.now) {
            return Ok(());
        }
        self.starts_at = None;
        // The account's lock file counts process starts and outlives everything else.
        self.epoch += 1;
        let under_fire = self.now < self.plan.calm;
        let kill_in = (under_fire && self.starts_to_kill > 0).then(|| {
            self.starts_to_kill -= 1;
            // While it writes its opening, or soon after, while it reads the broker's books.
            let latest = if self.crash.between(0, 1) == 0 { 1 } else { 40 };
            self.crash.between(0, latest) as u64
        });
        self.death = kill_in.map_or(WorldFault::Kill9, |_| WorldFault::CrashInRecovery);
        self.log_in_if_needed();
        let before = std::mem::take(&mut self.disk);
        match Process::start(before, &self.plan, (self.now, self.wall()), self.epoch, kill_in) {
            Ok(process) => self.begin(process),
            Err(StartFault::Killed(journal)) => self.die_taking_over(*journal),
            Err(StartFault::Refused(fault)) => broken("I33", format!("the journal is refused: {fault:?}")),
        }
    }

    /// Killed while it wrote its opening; where power cuts tear, half of the time by one.
    fn die_taking_over(&mut self, mut journal: MemoryJournal) -> Result<(), Broken> {
        let mut opening = std::mem::take(&mut journal.fresh);
        let before = journal.next_seq() - opening.len() as u64;
        let is_cut = self.plan.ppm_of(WorldFault::TornTail) > 0 && self.crash.between(0, 1) == 0;
        let image = if is_cut {
            self.fired.count(WorldFault::TornTail);
            journal.into_cut_image(self.now, true, &mut self.crash).0
        } else {
            journal.into_image()
        };
        let left = readable(&image);
        opening.truncate(left.len().saturating_sub(before as usize));
        self.oracle.died_taking_over(left, &opening)?;
        self.fired.count(WorldFault::CrashInRecovery);
        self.note(|| format!("killed while it took the day over; by a power cut: {is_cut}"));
        self.disk = image;
        self.schedule_start();
        Ok(())
    }

    fn begin(&mut self, mut process: Process) -> Result<(), Broken> {
        self.work.processes += 1;
        self.up_since = self.now;
        self.arrivals.clear();
        self.network.begin_process(self.now, self.epoch);
        self.feed.connect(self.now);
        self.oracle.begin_process(self.now);
        self.operator.begin_process(self.now, &self.plan);
        self.note(|| "a process is up".to_owned());
        process.journal.mark(self.now);
        if self.epoch == 1 {
            let items = std::mem::take(&mut process.journal.fresh);
            self.oracle.journaled(&items, false)?;
        } else {
            let opening = std::mem::take(&mut process.journal.fresh);
            self.relearn(&process, &opening)?;
        }
        self.process = Some(process);
        Ok(())
    }

    /// I27, I32 and I33: what was recovered is what the surviving journal says; the oracle learns it anew from there.
    fn relearn(&mut self, process: &Process, opening: &[Item]) -> Result<(), Broken> {
        let image = process.journal.image();
        let slices: Vec<&[u8]> = image.iter().map(Vec::as_slice).collect();
        let mut items = Vec::new();
        for record in bijli_core::journal::verify_segments(&slices) {
            let item = record.map(|record| record.item());
            match item {
                Ok(Ok(item)) => items.push(item),
                Ok(Err(error)) => return broken("I33", format!("an unreadable record survived: {error}")),
                Err(damage) => return broken("I33", format!("damage was taken over: {damage:?}")),
            }
        }
        self.oracle.recovered(&self.plan, items, opening)?;
        match replay_segments(&slices, None, Player::of(&self.plan)) {
            Ok(past) if past.engine.state_hash() == process.state_hash() => Ok(()),
            Ok(_) => broken("I27", "the recovered engine is not the journal's".to_owned()),
            Err(fault) => broken("I33", format!("what was recovered cannot be replayed: {fault:?}")),
        }
    }

    fn schedule_start(&mut self) {
        let pause = self.crash.between(300, 6_000);
        self.starts_at = Some(self.now.plus(DurationNs::from_millis(pause)));
    }

    /// Decides whether this turn of the engine is its last, and at which micro-step.
    pub(super) fn arm_kill(&mut self, process: &mut Process) {
        if self.now >= self.plan.calm {
            process.journal.kill_at_command = false;
            return;
        }
        if process.journal.kill_in.is_some() || process.journal.kill_at_command {
            return;
        }
        let mut strikes = |fault, rarity| self.crash.happens(self.plan.ppm_of(fault) / rarity);
        if strikes(WorldFault::Kill9, 2_500) || strikes(WorldFault::CrashInRecovery, 1_000) {
            process.journal.kill_in = Some(self.crash.between(0, 12) as u64);
            self.death = WorldFault::Kill9;
        } else if strikes(WorldFault::CrashAtSignal, 800) {
            // Behind the event that raises the signal, before the command that it becomes.
            process.journal.kill_at_command = true;
            self.death = WorldFault::CrashAtSignal;
        }
    }

    /// A kill between two turns, or the power goes.
    pub(super) fn crash_if_drawn(&mut self) {
        if self.now >= self.plan.calm {
            return;
        }
        let cut = self
            .crash
            .happens(self.plan.ppm_of(WorldFault::PowerLoss) / 2_500);
        let torn = self.crash.happens(self.plan.ppm_of(WorldFault::TornTail) / 2_500);
        if !cut && !torn {
            return;
        }
        let Some(process) = self.process.take() else {
            return;
        };
        let (image, lost) = process.journal.into_cut_image(self.now, torn, &mut self.crash);
        let fault = if torn {
            WorldFault::TornTail
        } else {
            WorldFault::PowerLoss
        };
        self.fired.count(fault);
        self.note(|| format!("the power goes; records lost: {lost}"));
        if lost {
            self.oracle.forget_lost();
        }
        self.bury(image);
    }

    /// The token died: the duty ends the run, and a person logs in again before the next start.
    pub(super) fn leave_without_token(&mut self, process: Process) {
        self.note(|| "the token is dead: the process ends".to_owned());
        self.bury(process.journal.into_image());
    }

    /// A start without a good token is refused, so a person logs in first.
    fn log_in_if_needed(&mut self) {
        if self.broker.admits(self.now, Some(&self.token)) {
            return;
        }
        let key = self.broker.client_id().to_owned();
        let call = ApiCall {
            host: Host::Api,
            method: "POST",
            target: "/v2/totp-login/authorization/token",
            bearer: None,
            headers: &[("x-api-key", &key)],
            peer: LOCAL_PEER,
            body: br#"{"totp":"123456","pin":"654321"}"#,
        };
        let reply = self.broker.handle(Moments::at(self.now), &call);
        let told: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let token = told["access_token"]
            .as_str()
            .or_else(|| told["data"]["access_token"].as_str());
        self.note(|| format!("a person logs in: {}", reply.status));
        if let Some(token) = token {
            token.clone_into(&mut self.token);
        }
    }

    /// The process was killed in the middle of a turn.
    pub(super) fn die(&mut self, process: Process) {
        self.fired.count(self.death);
        self.note(|| "killed".to_owned());
        self.bury(process.journal.into_image());
    }

    fn bury(&mut self, image: Vec<Vec<u8>>) {
        self.disk = image;
        self.arrivals.clear();
        self.schedule_start();
        let again = self.plan.ppm_of(WorldFault::CrashInRecovery).saturating_mul(4);
        if self.crash.happens(again.min(1_000_000)) {
            self.starts_to_kill = self.crash.between(1, 3) as u32;
        }
    }
}

/// The records on a disk up to where they end or are torn.
fn readable(image: &[Vec<u8>]) -> Vec<Item> {
    let slices: Vec<&[u8]> = image.iter().map(Vec::as_slice).collect();
    bijli_core::journal::verify_segments(&slices)
        .map_while(|record| record.ok()?.item().ok())
        .collect()
}
