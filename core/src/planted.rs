//! Deliberate bugs, to show that the simulation tester finds bugs of their kind. Never part of a release.
//!
//! Without the feature `planted` every question here is the constant `false` and the compiler drops what hangs on it;
//! no package turns the feature on by default, and a house rule checks that. With it, a thread of the tester plants
//! one bug at a time for itself alone. What each bug does stands where it is asked for.

macro_rules! bugs {
    ($($bug:ident $name:literal;)+) => {
        /// A bug that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Bug {
            $(#[doc = $name] $bug,)+
        }

        /// Every bug with its name.
        pub const BUGS: [(Bug, &str); [$($name),+].len()] = [$((Bug::$bug, $name),)+];
    };
}

bugs! {
    ResendOnTimeout "a placement without a reply is sent again";
    TrustEmptyBook "an empty order book proves that an order does not exist";
    DedupeBeforeApply "a trade is marked as seen before it is taken";
    ForgetKillOnRestart "a kill is forgotten when a process starts";
    ForgetDoubtOnRestart "a placement that a dead process left unanswered is not doubted";
    IgnoreUnknown "orders of unknown fate bar no entry";
    StaleQuote "an old quote is as good as a fresh one";
    DoubtfulTick "a tick with doubts is traded on";
    NoCollar "no collar around the price of an entry";
    PriceOffTick "the price of an exit is not rounded to the tick";
    NoFreeze "an order is not cut at the freeze quantity";
    SelfMatch "an order against a live order of our own is let pass";
    UnansweredNotLive "an order without an answer yet is counted in no limit";
    SecondEntryOnSignal "a signal may make a second entry";
    DayLossUnlatches "the day's loss limit unlatches when the price recovers";
    ForgetDayLossOnRestart "the day's loss limit is forgotten when a process starts";
    ExitBesideExit "an exit for the whole position beside a live exit";
    ExitBesideUnknown "an exit of unknown fate is not counted against the next one";
    PartWithoutOrder "a part of a position counts as left before its exit is sent";
    PauseStopsExits "a pause stops exits too";
    OperatorExitWrongSide "a flatten sends exits on the side of the entry";
    ModifyTheRest "a re-priced exit asks for what is left of it instead of its whole quantity";
    CancelIsTheEnd "an order counts as ended once its cancel is asked for";
    LateFillDropped "a fill of a cancelled order is dropped";
    KillForgetsEntries "a kill leaves live entries at the broker";
    ExitForgetsEntries "an exit of one instrument forgets the entries of it that may still fill";
    ResumeClearsKill "a resume ends a kill";
    CommandTwice "the same command of a person acts twice";
    SquareOffAtClose "square-off begins when the market is shut";
    EntryBeforeReconciled "entries do not wait for reconciliation";
    EntriesToTheClose "entries are allowed until the close";
    NeverDisarmed "a restart with real money needs no arming";
    PauseIgnored "a pause stops no entries";
    BrokerPositionIgnored "the broker's positions are not compared";
    EpochReused "a process numbers its orders as the one before it did";
    StopLoosens "the stop of a position is moved away from the price";
    HandOnBeforeJournal "a command is handed on before it stands in the journal";
    LastEventLost "recovery leaves the last event out";
    TailCutForgotten "a torn end of the journal is written on from without a word";
    TornSegmentLeftBehind "a segment torn in its first record is gone on behind instead of begun anew";
    ChecksumIgnored "a torn record is believed";
    ReplaySkipsControls "a replay leaves people's commands out";
    AbsentWithoutMinute "five reads without an order are enough, whenever they were";
    CumulativeFill "what is filled in all is taken for one trade";
    TradesUnbounded "trade rows count beyond what their order's row says is filled";
    OneReadBelieved "a single read of the broker's books is believed";
    BudgetOffByOne "one order call a second too many";
    BudgetOfEntriesApart "entries do not share the budget of order calls with exits";
    ReserveForAll "entries use the calls that are kept for exits";
    QueuedEntryStays "entries in the queue leave although they were taken back";
    OldEntryLeaves "an entry that waited too long in the queue leaves all the same";
    DeadTokenUsed "a dead token is used on";
    NoInquiryAfterRestart "nobody looks for the placements that a dead process left unknown";
    RoundedAgain "a price is rounded once more on its way out";
    RiskBeforeHedge "an order of a group is sent before its hedge is filled";
    HedgeSoldFirst "the hedge of a group is sold before what it covers is bought back";
    DiskNotAwaited "an entry leaves before its record is on the disk";
    ClockStepIgnored "a step of the clock bars no entries";
    FullDiskIgnored "entries go on while the disk of the journal has no room";
    BudgetOnWallClock "the gateway measures lengths of time by a clock that people set";
    NobodyCalled "entries stop by themselves and nobody is called";
    SilenceUntold "an order without an answer calls nobody";
    TokenDeathUntold "a token that dies calls nobody";
    SilentPositionUntold "a position whose own prices do not come calls nobody";
    MuteStreamUntold "an order stream that is mute calls nobody";
    NoSecondLook "terms that somebody gave an order beside our own change of it are never looked at again";
}

#[cfg(feature = "planted")]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Whether this bug is planted in this thread.
#[cfg(feature = "planted")]
#[must_use]
pub fn planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Whether this bug is planted: never, without the feature.
#[cfg(not(feature = "planted"))]
#[must_use]
#[inline(always)]
pub const fn planted(_bug: Bug) -> bool {
    false
}

/// Plants one bug in this thread, or takes it out.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}
