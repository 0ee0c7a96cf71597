//! The portfolio stream with every field: orders, standing orders, positions and holdings, each told once.
//!
//! The gateway's own reading (`order_stream.rs`) takes orders alone and lets the order table judge what is new.
//! Invariants: a frame that cannot be read changes nothing and is counted; a repetition is known by what identifies
//! it and what changed, since updates carry no number; the memory of what was told is bounded, oldest out first.
//! Source: the broker's portfolio stream feed, see `PROTOCOL.md`.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::envelope::is_bounded;
use super::field::Field;
use super::gtt_api::StandingRow;
use super::order_read_api::OrderRow;
use super::order_stream::FRAME_BYTES_MAX;
use super::portfolio_api::{Holding, PositionRow};

/// Most things whose last state is remembered.
const REMEMBERED_MAX: usize = 8_192;

/// One update, with every field.
#[derive(Clone, Debug, PartialEq)]
pub enum PortfolioUpdate {
    /// An order changed.
    Order(Box<OrderRow>),
    /// A standing order changed.
    Standing(Box<StandingRow>),
    /// A position changed.
    Position(Box<PositionRow>),
    /// A holding changed.
    Holding(Box<Holding>),
    /// A sort of update that this version does not know.
    Unrecognised(String),
}

/// What a frame was.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// News.
    New(PortfolioUpdate),
    /// Told before.
    Repeated,
    /// Not readable.
    Malformed,
}

/// How many frames were what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct PortfolioCounts {
    /// News of orders.
    pub orders: u64,
    /// News of standing orders.
    pub standing: u64,
    /// News of positions.
    pub positions: u64,
    /// News of holdings.
    pub holdings: u64,
    /// Updates of an unknown sort.
    pub unrecognised: u64,
    /// Frames that told nothing new.
    pub repeated: u64,
    /// Frames that could not be read.
    pub malformed: u64,
}

/// Reads frames and drops repetitions.
#[derive(Debug, Default)]
pub struct PortfolioReader {
    /// What each thing was last told to be.
    last: BTreeMap<String, String>,
    order_told: VecDeque<String>,
    counts: PortfolioCounts,
}

impl PortfolioReader {
    /// Takes one text frame.
    pub fn take(&mut self, frame: &[u8]) -> Told {
        let Some(update) = read(frame) else {
            self.counts.malformed += 1;
            return Told::Malformed;
        };
        if !self.is_new(&update) {
            self.counts.repeated += 1;
            return Told::Repeated;
        }
        let count = match update {
            PortfolioUpdate::Order(_) => &mut self.counts.orders,
            PortfolioUpdate::Standing(_) => &mut self.counts.standing,
            PortfolioUpdate::Position(_) => &mut self.counts.positions,
            PortfolioUpdate::Holding(_) => &mut self.counts.holdings,
            PortfolioUpdate::Unrecognised(_) => &mut self.counts.unrecognised,
        };
        *count += 1;
        Told::New(update)
    }

    /// How many frames were what.
    #[must_use]
    pub const fn counts(&self) -> PortfolioCounts {
        self.counts
    }

    fn is_new(&mut self, update: &PortfolioUpdate) -> bool {
        let Some((name, state)) = identity(update) else {
            return true;
        };
        if self.last.get(&name) == Some(&state) {
            return false;
        }
        if self.last.insert(name.clone(), state).is_none() {
            self.order_told.push_back(name);
            if self.order_told.len() > REMEMBERED_MAX
                && let Some(oldest) = self.order_told.pop_front()
            {
                self.last.remove(&oldest);
            }
        }
        true
    }
}

/// What an update is about, and what it says of it. An order is told anew when its status, its filled quantity, its
/// terms or a timestamp differ; the others when any field does.
fn identity(update: &PortfolioUpdate) -> Option<(String, String)> {
    let (sort, name, state) = match update {
        PortfolioUpdate::Order(row) => {
            let terms = (row.quantity, row.price, row.trigger_price);
            let times = (row.order_timestamp, row.exchange_timestamp);
            let state = format!("{:?}", (&row.status, row.filled_quantity, terms, times));
            ("order", row.order_id.clone(), state)
        }
        PortfolioUpdate::Standing(row) => ("standing", row.gtt_order_id.clone(), format!("{row:?}")),
        PortfolioUpdate::Position(row) => {
            let name = format!("{} {:?}", row.instrument_key, row.product);
            ("position", name, format!("{row:?}"))
        }
        PortfolioUpdate::Holding(row) => ("holding", row.instrument_key.clone(), format!("{row:?}")),
        PortfolioUpdate::Unrecognised(_) => return None,
    };
    Some((format!("{sort} {name}"), state))
}

/// Reads one text frame; `None` when it cannot be read.
#[must_use]
pub fn read(frame: &[u8]) -> Option<PortfolioUpdate> {
    if frame.len() > FRAME_BYTES_MAX || !is_bounded(frame) {
        return None;
    }
    let tree: Value = serde_json::from_slice(frame).ok()?;
    let update = match tree.get("update_type")?.as_str()? {
        "order" => PortfolioUpdate::Order(Box::new(OrderRow::read(&tree).ok()?)),
        "gtt_order" => PortfolioUpdate::Standing(Box::new(StandingRow::read(&tree).ok()?)),
        "position" => PortfolioUpdate::Position(Box::new(PositionRow::read(&tree).ok()?)),
        "holding" => PortfolioUpdate::Holding(Box::new(Holding::read(&tree).ok()?)),
        other => PortfolioUpdate::Unrecognised(other.to_owned()),
    };
    Some(update)
}
