//! The fault rows that a world can fire: those of the broker simulator and the world's own, by catalogue id.
//!
//! Invariant: an id stands once. What each means, and which rows of the catalogue are left out and why, stands in
//! `FAULTS.md`.

use bijli_simulator::broker::faults::{FAULT_KINDS, FAULTS, Fault};

macro_rules! world_faults {
    ($($fault:ident $id:literal $name:literal;)+) => {
        /// A fault that the world itself makes happen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum WorldFault {
            $(#[doc = $name] $fault,)+
        }

        /// Every fault of the world: kind, id and name.
        pub const WORLD_FAULTS: [(WorldFault, &str, &str); [$($id),+].len()] = [
            $((WorldFault::$fault, $id, $name),)+
        ];
    };
}

world_faults! {
    ConnectRefused "O1" "connect_refused";
    DeadPooledSocket "O29" "dead_pooled_socket";
    CrossingStrategies "O35" "crossing_strategies";
    Runaway "O36" "runaway_strategy";
    Jitter "N8" "jitter_and_loss";
    SilentStream "N9" "silent_stream_drop";
    Partition "N10" "full_partition";
    NoBid "X4" "no_bid";
    Gap "X7" "price_gap";
    Kill9 "J1" "sigkill";
    PowerLoss "J2" "power_loss";
    TornTail "J3" "torn_tail";
    CrashInRecovery "J15" "crash_in_recovery";
    DiskFull "J7" "disk_full";
    DiskFailed "J9" "fsync_error";
    DiskStall "J10" "disk_stall";
    Frozen "H3" "process_frozen";
    ClockStep "H4" "clock_step";
    SlowThread "H5" "thread_stall";
    CrashAtSignal "H11" "crash_between_signal_and_intent";
    KillSwitch "C1" "kill_under_fire";
    Conflict "C2" "conflicting_operators";
    FeedMute "D1" "feed_mute";
    Spike "D6" "price_spike";
    FeedReordered "D7" "feed_duplicates_and_reorders";
    BadBook "D10" "bad_book";
    FeedDown "N10f" "feed_down";
    FreezeThenBurst "D2" "freeze_then_burst";
    KeyFrozen "D3" "key_frozen";
    NoLastTrade "D4" "no_last_trade";
    OddNumber "D5" "odd_number";
    OldSnapshot "D8" "old_snapshot";
    BrokenFrame "D9" "broken_frame";
    UnknownWords "D12" "unknown_words";
    Flood "D13" "flood";
    KeyDropped "D14" "key_dropped";
    Skewed "D18" "time_skewed";
}

/// Rows of the broker that no day here can fire, and why.
pub const NOT_HERE: [(&str, &str); 3] = [
    (
        "O31",
        "the gateway never asks the broker to slice; I23 holds it to that",
    ),
    (
        "O32",
        "the gateway never calls exit-all; it flattens order by order",
    ),
    ("O34", "a day here ends before the next one begins"),
];

/// Kinds of fault in all.
pub const ROWS: usize = FAULT_KINDS + WORLD_FAULTS.len();

/// Which fault: an index into the table of all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowId(usize);

impl RowId {
    /// Every row, the broker's first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..ROWS).map(Self)
    }

    /// The row of a broker's fault.
    #[must_use]
    pub const fn of_broker(fault: Fault) -> Self {
        Self(fault as usize)
    }

    /// The row of a fault of the world.
    #[must_use]
    pub const fn of_world(fault: WorldFault) -> Self {
        Self(FAULT_KINDS + fault as usize)
    }

    /// The row that an id or a name names.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Self> {
        Self::all().find(|row| row.id() == id || row.name() == id)
    }

    /// Whether a day here can fire it at all.
    #[must_use]
    pub fn can_fire(self) -> bool {
        NOT_HERE.iter().all(|(id, _)| *id != self.id())
    }

    /// Its place in tables of all rows.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }

    /// The broker's fault behind it, if it is one.
    #[must_use]
    pub fn broker(self) -> Option<Fault> {
        FAULTS.get(self.0).map(|row| row.fault)
    }

    /// Its id in the catalogue.
    #[must_use]
    pub fn id(self) -> &'static str {
        match FAULTS.get(self.0) {
            Some(row) => row.id,
            None => WORLD_FAULTS[self.0 - FAULT_KINDS].1,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match FAULTS.get(self.0) {
            Some(row) => row.name,
            None => WORLD_FAULTS[self.0 - FAULT_KINDS].2,
        }
    }
}

/// How often each row fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired(pub [u32; ROWS]);

impl Default for Fired {
    fn default() -> Self {
        Self([0; ROWS])
    }
}

impl Fired {
    /// A fault of the world happened.
    pub fn count(&mut self, fault: WorldFault) {
        self.0[RowId::of_world(fault).0] += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_has_an_id_and_a_name_of_its_own() {
        let ids: BTreeSet<&str> = RowId::all().map(RowId::id).collect();
        let names: BTreeSet<&str> = RowId::all().map(RowId::name).collect();
        assert_eq!((ids.len(), names.len()), (ROWS, ROWS));
        assert!(RowId::all().all(|row| RowId::of_id(row.id()) == Some(row)));
    }
}
