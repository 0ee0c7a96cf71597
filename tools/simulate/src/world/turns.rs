//! One instant of the world, in the order of the real machine: market, wires, people, gateway, engine, oracle.

use bijli_core::codec::Item;
use bijli_core::event::{Event, FeedState};
use bijli_core::order::Purpose;
use bijli_core::state::State;
use bijli_core::{DurationNs, InstrumentId, TsNs};
use bijli_gateway::Gateway;
use bijli_gateway::request::{Auth, Body, Host, Method, Request};
use bijli_simulator::broker::faults::Faults;
use bijli_simulator::broker::{ApiCall, LOCAL_PEER, Moments};

use super::{TRACE_LINES, World};
use crate::network::Parcel;
use crate::oracle::{Broken, broken};
use crate::process::{Arrival, Process};
use crate::rows::WorldFault;

/// Within this the feed is usable once nothing disturbs it: what the longest wait between two connections leaves.
const FEED_WITHIN: DurationNs = DurationNs::from_secs(15);

/// The longest pause that the gateway keeps, and one reading of the books.
const WAKES_WITHIN: DurationNs = DurationNs::from_secs(90);

impl World {
    pub(super) fn take_step(&mut self) -> Result<(), Broken> {
        if !self.is_quiet && self.now >= self.plan.calm {
            self.is_quiet = true;
            self.broker.set_faults(Faults::NONE);
            self.note(|| "the faults stop".to_owned());
        }
        self.move_market();
        self.deliver_parcels();
        self.broker.advance(self.now);
        self.tick_second();
        self.push_frames();
        self.start_if_due()?;
        self.hear_operator();
        self.turn_process()?;
        self.push_frames();
        let state = self.process.as_ref().map(Process::state);
        self.oracle.stepped(&self.broker, state)?;
        self.check_gateway()?;
        self.check_feed()
    }

    /// L6: whatever the machine's clock shows, the gateway means to look again soon.
    fn check_gateway(&self) -> Result<(), Broken> {
        let gateway = self.process.as_ref().map(|process| &process.gateway);
        let wake = gateway.and_then(Gateway::poll_timeout).unwrap_or(self.now);
        if wake.since(self.now) > WAKES_WITHIN {
            return broken("L6", format!("the gateway waits until {wake}"));
        }
        Ok(())
    }

    /// L4: a while after the faults have stopped, or a process came up, the feed can be traded on, until the close.
    fn check_feed(&self) -> Result<(), Broken> {
        let since = self.plan.calm.max(self.up_since);
        let is_due = self.now.since(since) > FEED_WITHIN && self.now < self.plan.hours.close;
        match &self.process {
            Some(process) if is_due && process.state().feed() != FeedState::Live => broken(
                "L4",
                format!("the feed is {:?} since calm", process.state().feed()),
            ),
            Some(_) | None => Ok(()),
        }
    }

    fn move_market(&mut self) {
        while let Some(change) = self.market.poll(self.now, &self.plan, &mut self.fired) {
            self.work.ticks += 1;
            self.broker.apply_book(self.now, change.instrument, change.book);
            self.feed.take(self.now, &change, &self.plan, &mut self.fired);
        }
    }

    /// Once a simulated second the broker may cut the order stream.
    fn tick_second(&mut self) {
        let second = self.now.get() / 1_000_000_000;
        if second != self.last_second {
            self.last_second = second;
            if self.broker.drops_socket() {
                self.network.cut_stream(self.now, self.epoch);
                self.note(|| "the order stream is cut".to_owned());
            }
        }
    }

    fn push_frames(&mut self) {
        while let Some(update) = self.broker.poll_update() {
            if update.kind == "order" {
                self.network.push_frame(self.now, self.epoch, update.text);
            }
        }
    }

    fn deliver_parcels(&mut self) {
        while let Some(parcel) = self.network.poll(self.now) {
            match parcel {
                Parcel::Request(epoch, request) => self.call_broker(epoch, &request),
                Parcel::News(epoch, arrival) if self.process.is_some() && epoch == self.epoch => {
                    self.arrivals.push_back(arrival);
                }
                Parcel::News(..) => {}
            }
        }
    }

    fn call_broker(&mut self, epoch: u32, request: &Request) {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        };
        let call = ApiCall {
            host: match request.host {
                Host::Api => bijli_simulator::broker::Host::Api,
                Host::Order => bijli_simulator::broker::Host::Order,
            },
            method,
            target: &request.path,
            bearer: (request.auth == Auth::Bearer).then_some(self.token.as_str()),
            headers: &[],
            peer: LOCAL_PEER,
            body: request.body.as_ref().map_or("", Body::text).as_bytes(),
        };
        let reply = self.broker.handle(Moments::at(self.now), &call);
        let shown = if self.lines > TRACE_LINES { usize::MAX } else { 160 };
        self.note(|| {
            let text = String::from_utf8_lossy(&reply.body);
            let body = request.body.as_ref().map_or("", Body::text);
            let shown: String = text.chars().take(shown).collect();
            format!(
                "broker: {method} {} {body} -> {} {:?} {shown}",
                request.path, reply.status, reply.delivery
            )
        });
        self.oracle
            .terms
            .note_served(request.id, reply.status, &reply.body);
        self.network.answer(self.now, epoch, request.id, reply);
    }

    fn hear_operator(&mut self) {
        loop {
            let process = self.process.as_ref();
            let entering = || process.and_then(|process| newest_entry(process.state()));
            let call = self
                .operator
                .poll(self.now, &self.plan, &mut self.fired, entering);
            let Some(call) = call else {
                return;
            };
            self.note(|| {
                format!(
                    "operator: {:?} {:?} id {}",
                    call.verb, call.instrument, call.command_id
                )
            });
            if let Some(process) = &mut self.process {
                process.calls.push_back(call);
            }
        }
    }

    fn turn_process(&mut self) -> Result<(), Broken> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        self.feed.poll(self.now, &mut process.feed);
        self.draw_stalls();
        if self.now < self.frozen_until {
            self.process = Some(process);
            return Ok(());
        }
        self.draw_disk_faults(&mut process);
        process.journal.commit(self.now);
        if self.now >= self.gateway_until {
            self.turn_gateway(&mut process)?;
        }
        if self.now < self.engine_until {
            self.process = Some(process);
            return Ok(());
        }
        self.arm_kill(&mut process);
        let ended = process.engine_turn(self.now, self.wall());
        process.journal.mark(self.now);
        let items = std::mem::take(&mut process.journal.fresh);
        self.work.events += items.len() as u64;
        if self.trace.is_some() {
            self.note_items(&items);
        }
        for item in &items {
            if let Item::Command(command) = item {
                self.mix(command.ts().get() as u64 ^ command.intent().map_or(7, |intent| intent.get()));
            }
        }
        let ahead = process.engine_time(self.now).since(self.now);
        self.oracle.wire.learn_decisions(&items, self.now, ahead);
        self.oracle.terms.learn(self.now, &items);
        let seen = self.oracle.journaled(&items, process.journal.is_full);
        let seen = seen.and_then(|()| match ended {
            Ok(()) => self.oracle.turned(self.now, &self.broker, &process),
            Err(_) => Ok(()),
        });
        let seen = self.judge(seen);
        match ended {
            Ok(()) if process.gateway.token_dead() && process.is_idle() => self.leave_without_token(process),
            Ok(()) => {
                self.process = Some(process);
                self.crash_if_drawn();
            }
            Err(_) => {
                // The gateway's thread may have got the last commands before the process was killed.
                if self.now >= self.gateway_until && self.crash.between(0, 1) == 0 {
                    self.turn_gateway(&mut process)?;
                }
                self.die(process);
            }
        }
        seen
    }

    fn turn_gateway(&mut self, process: &mut Process) -> Result<(), Broken> {
        for arrival in &self.arrivals {
            self.oracle.stream.hear(self.now, arrival);
            if let Arrival::Reply(id, reply) = arrival {
                self.oracle.terms.note_read(*id, reply);
            }
        }
        let (wanted, told) = process.gateway_turn(self.now, &mut self.arrivals);
        let seen = told
            .iter()
            .try_for_each(|event| self.oracle.told(self.now, event));
        self.judge(seen)?;
        for request in wanted {
            self.note(|| {
                let body = request.body.as_ref().map_or("", Body::text);
                format!("gateway: {:?} {} {body}", request.method, request.path)
            });
            let is_write = request.method != Method::Get;
            self.mix(request.id.get() << 8 | u64::from(is_write));
            let durable = self.plan.awaits_disk.then_some(&process.journal);
            let seen = self.oracle.sending(self.now, &request, durable);
            self.judge(seen)?;
            self.network
                .send(self.now, self.epoch, request, &self.plan, &mut self.fired);
        }
        Ok(())
    }

    /// Threads and the whole process stand still now and then.
    fn draw_stalls(&mut self) {
        if self.now >= self.plan.calm {
            (self.frozen_until, self.gateway_until) = (TsNs::NEVER, TsNs::NEVER);
            self.engine_until = TsNs::NEVER;
            self.clock_shift = DurationNs::ZERO;
            return;
        }
        self.draw_clock_step();
        if self.now < self.frozen_until {
            return;
        }
        if self.crash.happens(self.plan.ppm_of(WorldFault::Frozen) / 1_000) {
            self.fired.count(WorldFault::Frozen);
            self.frozen_until = self
                .now
                .plus(DurationNs::from_millis(self.crash.between(500, 15_000)));
            self.note(|| "the process is frozen".to_owned());
        }
        if self.crash.happens(self.plan.ppm_of(WorldFault::SlowThread) / 200) {
            self.fired.count(WorldFault::SlowThread);
            self.gateway_until = self.now.plus(DurationNs::from_millis(self.crash.between(5, 700)));
        }
    }

    /// The wall clock is set wrong now and then, and right again after a while.
    fn draw_clock_step(&mut self) {
        if self.clock_shift != DurationNs::ZERO {
            if self.now >= self.clock_right_at {
                self.clock_shift = DurationNs::ZERO;
                self.note(|| "the wall clock is set right".to_owned());
            }
            return;
        }
        // Rather where time is being counted.
        let rarity = match (self.oracle.wire.is_full(self.now), self.oracle.doubts.is_any()) {
            (true, _) => 20,
            (false, true) => 400,
            (false, false) => 1_500,
        };
        if self
            .crash
            .happens(self.plan.ppm_of(WorldFault::ClockStep) / rarity)
        {
            self.fired.count(WorldFault::ClockStep);
            let sign = if self.crash.between(0, 1) == 0 { 1 } else { -1 };
            let is_hour = sign < 0 && self.crash.between(0, 3) == 0;
            let length = if is_hour {
                3_600_000
            } else {
                self.crash.between(600, 8_000)
            };
            self.clock_shift = DurationNs::from_millis(length * sign);
            self.clock_right_at = self
                .now
                .plus(DurationNs::from_millis(self.crash.between(1_000, 20_000)));
            self.operator.arm_after(self.now);
            self.note(|| format!("the wall clock is set by {sign} x {length} ms"));
        }
    }

    /// The disk stalls, under the commits or under an append itself, or fails for good.
    fn draw_disk_faults(&mut self, process: &mut Process) {
        if self.now >= self.plan.calm {
            process.journal.stalled_until = TsNs::NEVER;
            process.journal.is_full = false;
            return;
        }
        self.draw_full_disk(process);
        let is_free = self.now >= process.journal.stalled_until;
        if is_free && self.crash.happens(self.plan.ppm_of(WorldFault::DiskStall) / 600) {
            self.fired.count(WorldFault::DiskStall);
            let until = self
                .now
                .plus(DurationNs::from_millis(self.crash.between(100, 5_000)));
            process.journal.stalled_until = until;
            if self.crash.between(0, 1) == 0 {
                self.engine_until = until;
            }
            self.note(|| "the disk stalls".to_owned());
        }
        let fails = self
            .crash
            .happens(self.plan.ppm_of(WorldFault::DiskFailed) / 1_000);
        if fails && !process.journal.is_dead {
            self.fired.count(WorldFault::DiskFailed);
            process.journal.is_dead = true;
            self.note(|| "the disk fails".to_owned());
        }
    }

    /// The disk gets full, and has room again after a while, over restarts too.
    fn draw_full_disk(&mut self, process: &mut Process) {
        let had_room = self.now >= self.disk_full_until;
        if had_room && self.crash.happens(self.plan.ppm_of(WorldFault::DiskFull) / 1_000) {
            self.fired.count(WorldFault::DiskFull);
            let length = DurationNs::from_millis(self.crash.between(500, 20_000));
            self.disk_full_until = self.now.plus(length);
            self.operator.arm_after(self.now);
            self.note(|| format!("the disk is full for {length:?}"));
        }
        process.journal.is_full = self.now < self.disk_full_until;
    }

    fn note_items(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Event(Event::Ticked(_) | Event::TimePassed(_)) => {}
                Item::Event(event) => self.note(|| format!("engine: {event:?}")),
                Item::Command(command) => self.note(|| format!("engine wants: {command:?}")),
                Item::Checkpoint(_) | Item::TailCut(_) | Item::Closed(_) | Item::DurableMark(_) => {}
            }
        }
    }
}

/// Where the newest entry is that may still fill.
fn newest_entry(state: &State) -> Option<InstrumentId> {
    let live = state.orders().live().map(|(_, order)| order);
    let entries = live.filter(|order| order.purpose == Purpose::Entry);
    entries.last().map(|order| order.instrument)
}
