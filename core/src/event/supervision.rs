//! Events of start, stop and supervision: what a start found, what the broker's own books show after a kill,
//! funds, a latch of a former day, and doubts about this machine's clock.
//!
//! Invariant: what an operator or a start decided enters the engine as one of these, so that a replay knows it.
//! Left out: what the engine does about them (`engine/supervise.rs`).

use crate::price::Money;
use crate::start_steps::{StartStep, StepVerdict};
use crate::text::Text;
use crate::time::{DurationNs, TsNs};

/// The account's funds, as the broker has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundsReported {
    /// Engine time.
    pub ts: TsNs,
    /// Free for new orders, cash and pledges together.
    pub available: Money,
    /// Taken by orders and positions; zero where the broker does not say.
    pub used: Money,
}

/// What two agreeing reads of the broker's orders, trades and positions show, asked for by
/// [`crate::command::Reconcile`] with `flat`. The positions themselves were told just before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlatChecked {
    /// Engine time.
    pub ts: TsNs,
    /// When the engine asked: every read behind this answer is younger.
    pub asked: TsNs,
    /// Instruments of the day's table with a position.
    pub open_positions: u32,
    /// Instruments outside the day's table with a position: this engine cannot close them.
    pub unlisted_positions: u32,
    /// The first of these, by the broker's key; empty without one.
    pub unlisted_key: Text<40>,
    /// Orders of ours that may be live.
    pub live_orders: u32,
    /// Orders of others that may be live.
    pub foreign_orders: u32,
}

impl FlatChecked {
    /// Whether the broker shows no position at all and no live order of ours.
    #[must_use]
    pub const fn is_flat(&self) -> bool {
        self.is_ours_flat() && self.unlisted_positions == 0
    }

    /// Whether nothing is open that this engine could close.
    #[must_use]
    pub const fn is_ours_flat(&self) -> bool {
        self.open_positions == 0 && self.live_orders == 0
    }
}

/// A kill of a former day, or of a journal that is gone, still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatchCarried {
    /// Engine time.
    pub ts: TsNs,
    /// When it was latched.
    pub since: TsNs,
    /// User id of the operator.
    pub uid: u32,
    /// The operator's words.
    pub reason: Text<40>,
}

/// What the broker said to its own kill switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SwitchOutcome {
    /// Its answer shows every segment as stopped.
    Done = 0,
    /// It refused, or was not asked: nothing was stopped.
    Refused = 1,
    /// There was no usable answer: it may have been carried out.
    Unknown = 2,
}

/// What came of the broker's own kill switch, as whoever asked for it was answered. Nothing here acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitchAnswered {
    /// Engine time.
    pub ts: TsNs,
    /// The id of the [`Controlled`](super::Controlled) that asked, with [`BrokerSwitch`](super::Verb::BrokerSwitch).
    pub command_id: u64,
    /// User id of who asked, and told this.
    pub uid: u32,
    /// What became of it.
    pub outcome: SwitchOutcome,
    /// The segments that were stopped, or the broker's words.
    pub words: Text<120>,
}

/// What is wrong with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ClockDoubt {
    /// The wall clock was set: it moved otherwise than the monotonic one.
    Stepped = 0,
    /// This process, or the machine under it, stood still.
    StoodStill = 1,
}

/// This machine's time cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockDoubted {
    /// Engine time.
    pub ts: TsNs,
    /// What is wrong.
    pub doubt: ClockDoubt,
    /// By how much; negative when the clock was set back.
    pub length: DurationNs,
}

/// The order stream fell silent about orders that change, or speaks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderStreamJudged {
    /// Engine time.
    pub ts: TsNs,
    /// Whether it is connected and tells nothing.
    pub is_mute: bool,
}

/// A step of the start was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartStepped {
    /// Engine time.
    pub ts: TsNs,
    /// Which step.
    pub step: StartStep,
    /// How it ended, or that it waits.
    pub verdict: StepVerdict,
    /// What was found, or why it waits.
    pub note: Text<40>,
}

impl StartStepped {
    /// That the access token died in the middle of a run: the step that it had passed is failed from now on.
    #[must_use]
    pub fn token_died(ts: TsNs) -> Self {
        Self {
            ts,
            step: StartStep::Token,
            verdict: StepVerdict::Failed,
            note: Text::new("it died while it was used").expect("short enough"),
        }
    }
}
