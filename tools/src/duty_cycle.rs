//! The loop that every pinned thread runs: read the clock once, let each duty do a bounded batch, rest if
//! none had work.
//!
//! This is the only file of the tools that reads a clock. Duties are told the time; they never ask. How a
//! thread rests is configuration: spinning answers fastest and burns a core, parking frees it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bijli_core::engine_time::EngineTime;
use bijli_core::{DurationNs, TsNs};
use bijli_gateway::Times;

/// Nanoseconds on a clock that never steps, counted from the first reading in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct MonoNs(pub u64);

impl MonoNs {
    /// Reads the monotonic clock.
    #[must_use]
    pub fn now() -> Self {
        static START: OnceLock<Instant> = OnceLock::new();
        let start = *START.get_or_init(Instant::now);
        Self(
            u64::try_from(start.elapsed().as_nanos())
                .unwrap_or(u64::MAX)
                .max(1),
        )
    }

    /// Time passed since an earlier reading; zero if it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Reads the wall clock.
#[must_use]
pub fn wall_now() -> TsNs {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    TsNs::new(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
}

/// Rests the calling thread.
pub fn rest(length: Duration) {
    std::thread::sleep(length);
}

/// Where engine time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockSource {
    /// The host's wall clock, as [`EngineTime`] follows it: live and paper trading.
    Wall,
    /// The `currentTs` of the feed's frames: simulated days at any speed.
    Venue,
}

/// Engine time, shared: one thread moves it, all may read it.
#[derive(Clone, Debug)]
pub struct EngineClock {
    source: ClockSource,
    /// The wall clock and the monotonic one when this clock was made: what the steady time counts from.
    start: (TsNs, MonoNs),
    /// Venue time; or how far engine time is ahead of the steady one.
    told_ns: Arc<AtomicI64>,
}

impl EngineClock {
    /// A clock that stands at `newest` until the venue moves it, or that follows the wall clock and does not begin
    /// before `newest`, which is the last stamp of the journal.
    #[must_use]
    pub fn new(source: ClockSource, newest: TsNs) -> Self {
        let start = (wall_now(), MonoNs::now());
        let told_ns = match source {
            ClockSource::Wall => EngineTime::beginning(start.0, newest).ahead().get(),
            ClockSource::Venue => newest.get(),
        };
        Self {
            source,
            start,
            told_ns: Arc::new(AtomicI64::new(told_ns)),
        }
    }

    /// Engine time now.
    #[must_use]
    pub fn now(&self) -> TsNs {
        self.moment(MonoNs::now()).now
    }

    /// All times of the instant at which the monotonic clock showed `mono`.
    #[must_use]
    pub fn moment(&self, mono: MonoNs) -> Moment {
        let (wall, begun) = self.start;
        let passed = DurationNs::new(i64::try_from(mono.since(begun)).unwrap_or(i64::MAX));
        let machine = wall.plus(passed);
        let told_ns = self.told_ns.load(Ordering::Relaxed);
        let (now, steady) = match self.source {
            ClockSource::Wall => (machine.plus(DurationNs::new(told_ns)), machine),
            ClockSource::Venue => (TsNs::new(told_ns), TsNs::new(told_ns)),
        };
        Moment {
            mono,
            now,
            steady,
            machine,
        }
    }

    /// What follows the wall clock from now on.
    #[must_use]
    pub fn follower(&self) -> EngineTime {
        let (begun, told_ns) = (self.start.0, self.told_ns.load(Ordering::Relaxed));
        let ahead = match self.source {
            ClockSource::Wall => DurationNs::new(told_ns),
            ClockSource::Venue => DurationNs::ZERO,
        };
        EngineTime::beginning(begun, begun.plus(ahead))
    }

    /// Lets engine time follow the wall clock, unless the venue moves it. Called by the engine's duty alone, so that a
    /// clock that was set is known to the engine before anything is stamped by it. Gives what both clocks showed.
    pub fn follow_wall(&self, follower: &mut EngineTime) -> (MonoNs, TsNs) {
        // In this order: a thread that stood still in between finds itself behind, never ahead.
        let (wall, mono) = (wall_now(), MonoNs::now());
        if self.source == ClockSource::Wall {
            follower.look(self.moment(mono).machine, wall);
            self.told_ns.store(follower.ahead().get(), Ordering::Relaxed);
        }
        (mono, wall)
    }

    /// Where the time comes from.
    #[must_use]
    pub const fn source(&self) -> ClockSource {
        self.source
    }

    /// Moves venue time forward; an earlier stamp changes nothing. Called by the feed duty alone.
    pub fn advance(&self, ts: TsNs) {
        debug_assert!(
            self.source == ClockSource::Venue,
            "the wall clock is followed, not moved"
        );
        self.told_ns.fetch_max(ts.get(), Ordering::Relaxed);
    }
}

/// How a thread rests when no duty had work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Never rests: lowest latency, one whole core.
    Spin,
    /// Gives the core away when another thread wants it.
    SpinYield,
    /// Sleeps until rung or for a short while.
    Park,
}

/// How long a parked thread sleeps at most: bounds the delay of work that rings nobody.
const PARK_MAX: Duration = Duration::from_micros(200);

/// Wakes a parked thread. Cheap when the thread is awake.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<BellState>);

#[derive(Default)]
struct BellState {
    thread: OnceLock<Thread>,
    /// Wakes the thread where it waits inside a socket's poll.
    poll_waker: OnceLock<Box<dyn Fn() + Send + Sync>>,
    asleep: AtomicBool,
    polling: AtomicBool,
}

impl std::fmt::Debug for BellState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BellState")
            .field("asleep", &self.asleep)
            .finish_non_exhaustive()
    }
}

impl Bell {
    /// Wakes the thread that listens, if it sleeps.
    pub fn ring(&self) {
        // Pairs with the swap in `listen`: either we see it asleep, or it sees our work before it sleeps.
        if self.0.asleep.swap(false, Ordering::AcqRel)
            && let Some(thread) = self.0.thread.get()
        {
            thread.unpark();
        }
        if self.0.polling.swap(false, Ordering::AcqRel)
            && let Some(wake) = self.0.poll_waker.get()
        {
            wake();
        }
    }

    /// Says how to wake the thread while it waits inside a socket's poll. The first word counts.
    pub fn set_poll_waker(&self, wake: Box<dyn Fn() + Send + Sync>) {
        // A second one would be a second feed on one bell, which the wiring rules out.
        let _first = self.0.poll_waker.set(wake);
    }

    /// Told before and after a wait inside a socket's poll.
    pub fn set_polling(&self, polling: bool) {
        self.0.polling.store(polling, Ordering::Release);
    }

    /// Rests the calling thread until rung, or so long at most. A bell has one listener.
    pub(crate) fn listen(&self, at_most: Duration) {
        self.0.thread.get_or_init(std::thread::current);
        self.0.asleep.store(true, Ordering::Release);
        std::thread::park_timeout(at_most);
        self.0.asleep.store(false, Ordering::Release);
    }
}

/// One turn's reading of the clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// Monotonic time.
    pub mono: MonoNs,
    /// Engine time.
    pub now: TsNs,
    /// What lengths of engine time are measured by: no step of the wall clock moves it. The venue's time where that is
    /// the clock.
    pub steady: TsNs,
    /// The wall clock when the clocks were made, and what passed since: what sockets time their silence by.
    pub machine: TsNs,
}

impl Moment {
    /// When something was stamped `ts`, engine time, by the steady one.
    #[must_use]
    pub fn steady_at(self, ts: TsNs) -> TsNs {
        self.times().steady_at(ts)
    }

    /// The two times that a gateway is told.
    #[must_use]
    pub const fn times(self) -> Times {
        Times {
            steady: self.steady,
            engine: self.now,
        }
    }
}

/// Whether a duty wants more turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// So many pieces of work were done; zero = idle.
    Did(usize),
    /// Nothing was done, after a wait of its own: the thread need not rest once more.
    Rested,
    /// Nothing will ever be left to do.
    Finished,
}

/// A piece of the pipeline that does bounded batches of work on whatever thread it is put.
pub trait Duty<E>: Send {
    /// Does one bounded batch.
    fn turn(&mut self, moment: Moment) -> Turn;

    /// Told once that the thread ends: flushes what must not be lost and gives what is left behind.
    fn finish(self: Box<Self>) -> E;
}

/// Runs duties in turn until `stop` is raised or each has finished; gives what each left behind. `bell` wakes
/// the thread when it parks.
pub fn run_duties<E>(
    mut duties: Vec<Box<dyn Duty<E>>>,
    clock: &EngineClock,
    wait: Wait,
    bell: &Bell,
    stop: &AtomicBool,
) -> Vec<E> {
    let mut finished = vec![false; duties.len()];
    while !stop.load(Ordering::Acquire) && finished.contains(&false) {
        let moment = clock.moment(MonoNs::now());
        let (mut work_count, mut rested) = (0, false);
        for (duty, finished) in duties.iter_mut().zip(&mut finished) {
            match duty.turn(moment) {
                Turn::Did(count) => work_count += count,
                Turn::Rested => rested = true,
                Turn::Finished => *finished = true,
            }
        }
        if work_count == 0 && !rested {
            match wait {
                Wait::Spin => std::hint::spin_loop(),
                Wait::SpinYield => std::thread::yield_now(),
                Wait::Park => bell.listen(PARK_MAX),
            }
        }
    }
    duties.into_iter().map(Duty::finish).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct CountDown(u32);

    impl Duty<u32> for CountDown {
        fn turn(&mut self, _: Moment) -> Turn {
            self.0 = self.0.saturating_sub(1);
            if self.0 == 0 { Turn::Finished } else { Turn::Did(1) }
        }

        fn finish(self: Box<Self>) -> u32 {
            self.0
        }
    }

    #[test]
    fn the_loop_ends_when_every_duty_has_finished() {
        let clock = EngineClock::new(ClockSource::Venue, TsNs::new(5));
        let duties: Vec<Box<dyn Duty<u32>>> = vec![Box::new(CountDown(3)), Box::new(CountDown(9))];
        let left = run_duties(
            duties,
            &clock,
            Wait::Park,
            &Bell::default(),
            &AtomicBool::new(false),
        );
        assert_eq!(left, [0, 0]);
        assert_eq!(clock.now(), TsNs::new(5));
    }

    #[test]
    fn on_the_wall_clock_both_times_run_together_and_begin_where_the_journal_ended() {
        let clock = EngineClock::new(ClockSource::Wall, TsNs::NEVER);
        let (mono, wall) = clock.follow_wall(&mut clock.follower());
        let moment = clock.moment(mono);
        assert_eq!(moment.steady, moment.machine);
        assert!(moment.now.since(wall).get().abs() < 1_000_000_000);
        let newest = wall.plus(DurationNs::from_secs(3_600));
        let late = EngineClock::new(ClockSource::Wall, newest);
        assert!(late.now() >= newest, "a journal that a faster clock wrote");
        late.follow_wall(&mut late.follower());
        assert!(late.now() >= newest, "it waits for nobody");
    }

    #[test]
    fn venue_time_never_goes_back() {
        let clock = EngineClock::new(ClockSource::Venue, TsNs::new(5));
        clock.advance(TsNs::new(9));
        clock.advance(TsNs::new(7));
        assert_eq!(clock.now(), TsNs::new(9));
    }
}
