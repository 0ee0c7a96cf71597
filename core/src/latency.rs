//! The stages between a frame and an order, each timed by the thread that owns it.
//!
//! Only their names and order live here, since histograms need a clock to feed them and core has none.
//! The numbers index the latency slots of the snapshot and never change; a new stage goes to the end.

/// One timed stretch of the path from a frame to an order. All times are nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Stage {
    /// Frame bytes to ticks, per tick of the frame.
    Decode = 0,
    /// Pushed into the ring to popped from it.
    Ring = 1,
    /// One event through the engine, its journal records included; one event in 64 is timed.
    Engine = 2,
    /// A lane's taking of a placement to its request bytes handed to the kernel.
    OrderWrite = 3,
    /// Frame bytes in our hands to request bytes handed to the socket.
    TickToOrder = 4,
}

/// All stages, indexed by [`Stage::index`].
pub const STAGES: [Stage; 5] = [
    Stage::Decode,
    Stage::Ring,
    Stage::Engine,
    Stage::OrderWrite,
    Stage::TickToOrder,
];

impl Stage {
    /// Place in [`STAGES`] and among the latency slots of the snapshot.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name in read-outs and file names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Ring => "ring",
            Self::Engine => "engine",
            Self::OrderWrite => "order_write",
            Self::TickToOrder => "tick_to_order",
        }
    }
}

/// The names of all stages, in the order of [`STAGES`].
#[must_use]
pub const fn names() -> [&'static str; STAGES.len()] {
    let mut names = [""; STAGES.len()];
    let mut index = 0;
    while index < STAGES.len() {
        names[index] = STAGES[index].name();
        index += 1;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_stand_where_their_index_says_under_stable_names() {
        assert!(
            STAGES
                .iter()
                .enumerate()
                .all(|(index, stage)| stage.index() == index)
        );
        assert_eq!(
            names(),
            ["decode", "ring", "engine", "order_write", "tick_to_order"]
        );
    }
}
