//! The tie-out: our applied trades against the broker's tradebook, one by one and in sums, to the paisa.
//!
//! Trades are matched by order id and trade id; where the book tells no order ids, by trade id alone. Sums by
//! instrument are made for both sides in the same order of trades (ours; what only the book has comes last), from
//! flat: net quantity, value bought and sold, and the result of what was closed by average cost, as the engine
//! books it, and by first in, first out. A tolerance exists for charges alone: one rupee, which a contract note
//! rounds away. Left out: positions carried into the day, which no tradebook of the day holds; they are counted, and
//! the engine's result of their instruments alone is not compared.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bijli_core::order::Side;
use bijli_core::position::Position;
use bijli_core::{Money, Price, Qty};
use serde::Serialize;

use super::day_log::DayLog;
use super::tradebook::{BookTrade, Tradebook};
use crate::words;

/// How far charges may lie apart on one contract note.
pub const CHARGES_TOLERANCE: Money = Money::from_rupees(1);

/// One trade of either side, as both can tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideTrade {
    /// The exchange's id.
    pub trade_id: String,
    /// The broker's id of the order; empty if it is not told.
    pub order_id: String,
    /// The broker's key; empty if it is not told.
    pub key: String,
    /// Symbol.
    pub symbol: String,
    /// Side.
    pub side: Side,
    /// Units.
    pub qty: Qty,
    /// Price.
    pub price: Price,
}

/// One thing that does not tie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Discrepancy {
    /// `MISSING_IN_TRADEBOOK`, `MISSING_IN_JOURNAL`, `TWICE_IN_TRADEBOOK`, `QTY`, `PRICE`, `SIDE`, `INSTRUMENT`,
    /// `ENGINE_RESULT`, `CHARGES` or `NO_ROWS_OF_THE_DAY`.
    pub kind: &'static str,
    /// The trade; empty for a sum.
    pub trade_id: String,
    /// Its order.
    pub order_id: String,
    /// Its symbol.
    pub symbol: String,
    /// What we have.
    pub ours: String,
    /// What the broker has.
    pub theirs: String,
}

/// What one side's trades of an instrument come to. Money is in 1/10 000 rupee.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// Trades.
    pub trades: u64,
    /// Units bought less units sold.
    pub net_qty: i128,
    /// Value bought.
    pub bought_e4: i128,
    /// Value sold.
    pub sold_e4: i128,
    /// Result of what was closed, by average cost as the engine books it; `None` if it does not fit.
    pub gross_average_e4: Option<i64>,
    /// Result of what was closed, first in first out.
    pub gross_fifo_e4: i128,
}

/// Both sides of one instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstrumentTie {
    /// Symbol, or what the tradebook calls it.
    pub symbol: String,
    /// Ours.
    pub journal: Sums,
    /// The broker's.
    pub tradebook: Sums,
}

/// What the comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TieOut {
    /// Trades found on both sides.
    pub matched: u64,
    /// All that does not tie.
    pub discrepancies: Vec<Discrepancy>,
    /// Sums by instrument, in the order of symbols.
    pub instruments: Vec<InstrumentTie>,
    /// Result of the day before charges as the engine booked it.
    pub engine_realised_e4: i64,
    /// Positions that the engine adopted from the broker's report: not in a tradebook of the day.
    pub carried_positions: u64,
    /// Charges as the engine booked them.
    pub charges_e4: i64,
    /// Charges as the broker tells them, where he does; else they were not compared.
    pub broker_charges_e4: Option<i64>,
    /// Whether charges were compared.
    pub charges_compared: bool,
}

impl TieOut {
    /// Whether everything ties.
    #[must_use]
    pub fn ties(&self) -> bool {
        self.discrepancies.is_empty() && self.instruments.iter().all(|row| row.journal == row.tradebook)
    }
}

/// Compares the applied trades of a day with a tradebook. `broker_charges` is the contract note's sum; without it
/// the charges of the book's rows count, where all of them tell any.
#[must_use]
pub fn tie_out(log: &DayLog, book: &Tradebook, broker_charges: Option<Money>) -> TieOut {
    let mut tie = compare(
        &our_trades(log),
        &book.trades.iter().map(side_trade).collect::<Vec<_>>(),
    );
    tie.engine_realised_e4 = log.day.realised.get();
    tie.carried_positions = log.day.trips.iter().filter(|trip| trip.adopted).count() as u64;
    tie.charges_e4 = log.day.charges.get();
    if book.trades.is_empty() && book.other_days + book.remarks > 0 {
        // The file of another day, or one that nobody can read, would tie with a day without trades.
        let left_out = format!(
            "{} of other days, {} without a trade id",
            book.other_days, book.remarks
        );
        let ours = format!("{} trades", log.day.fills.len());
        tie.discrepancies
            .push(of_sums("NO_ROWS_OF_THE_DAY", ours, left_out));
    }
    check_engine_results(log, &mut tie);
    let told: Option<i64> = book
        .trades
        .iter()
        .map(|trade| trade.charges.map(Money::get))
        .sum();
    let told = told.filter(|_| !book.trades.is_empty()).map(Money::new);
    if let Some(theirs) = broker_charges.or(told) {
        tie.broker_charges_e4 = Some(theirs.get());
        tie.charges_compared = true;
        if theirs.get().abs_diff(tie.charges_e4) > CHARGES_TOLERANCE.get().unsigned_abs() {
            let ours = Money::new(tie.charges_e4).to_string();
            tie.discrepancies
                .push(of_sums("CHARGES", ours, theirs.to_string()));
        }
    }
    tie
}

/// The engine's own result against that of its trades, for every instrument that began flat, and for the day where
/// all of them did.
fn check_engine_results(log: &DayLog, tie: &mut TieOut) {
    let name = |id| {
        let row = log.instrument(id);
        if row.symbol.is_empty() {
            row.key.as_str().to_owned()
        } else {
            row.symbol.as_str().to_owned()
        }
    };
    let adopted = log.day.trips.iter().filter(|trip| trip.adopted);
    let carried: BTreeSet<String> = adopted.map(|trip| name(trip.instrument)).collect();
    let mut engine: BTreeMap<String, i128> = BTreeMap::new();
    for row in &log.closing {
        *engine.entry(name(row.instrument)).or_default() += i128::from(row.position.realised.get());
    }
    let trades = |symbol: &str| -> Option<i128> {
        let row = tie.instruments.iter().find(|row| row.symbol == symbol);
        row.map_or(Some(0), |row| row.journal.gross_average_e4.map(i128::from))
    };
    let text = |sum: Option<i128>| sum.map_or("does not fit".to_owned(), rupees_text);
    let mut found: Vec<Discrepancy> = Vec::new();
    for (symbol, realised) in engine.iter().filter(|(symbol, _)| !carried.contains(*symbol)) {
        let recomputed = trades(symbol);
        if recomputed != Some(*realised) {
            found.push(Discrepancy {
                symbol: symbol.clone(),
                ..of_sums("ENGINE_RESULT", rupees_text(*realised), text(recomputed))
            });
        }
    }
    let of_day = i128::from(tie.engine_realised_e4);
    let recomputed: Option<i128> = tie
        .instruments
        .iter()
        .map(|row| row.journal.gross_average_e4.map(i128::from))
        .sum();
    if found.is_empty() && carried.is_empty() && recomputed != Some(of_day) {
        found.push(of_sums("ENGINE_RESULT", rupees_text(of_day), text(recomputed)));
    }
    tie.discrepancies.extend(found);
}

fn of_sums(kind: &'static str, ours: String, theirs: String) -> Discrepancy {
    Discrepancy {
        kind,
        trade_id: String::new(),
        order_id: String::new(),
        symbol: String::new(),
        ours,
        theirs,
    }
}

/// Rupees of a sum that may be wider than money.
#[must_use]
pub fn rupees_text(units: i128) -> String {
    i64::try_from(units).map_or_else(
        |_| format!("{units}/10000"),
        |units| Money::new(units).to_string(),
    )
}

fn our_trades(log: &DayLog) -> Vec<SideTrade> {
    let trade = |row: &crate::report::day::FillRow| {
        let instrument = log.instrument(row.fill.instrument);
        SideTrade {
            trade_id: row.trade_id.as_str().to_owned(),
            order_id: log.day.orders[row.order].order.order_id.as_str().to_owned(),
            key: instrument.key.as_str().to_owned(),
            symbol: instrument.symbol.as_str().to_owned(),
            side: row.fill.side,
            qty: row.fill.qty,
            price: row.fill.price,
        }
    };
    log.day.fills.iter().map(trade).collect()
}

fn side_trade(trade: &BookTrade) -> SideTrade {
    SideTrade {
        trade_id: trade.trade_id.clone(),
        order_id: trade.order_id.clone(),
        key: trade.key.clone(),
        symbol: trade.symbol.clone(),
        side: trade.side,
        qty: trade.qty,
        price: trade.price,
    }
}

/// Matches two lists of trades and sums both by instrument.
#[must_use]
pub fn compare(ours: &[SideTrade], theirs: &[SideTrade]) -> TieOut {
    let mut tie = TieOut::default();
    let mut left: Vec<Option<&SideTrade>> = theirs.iter().map(Some).collect();
    let mut matched: Vec<(&SideTrade, &SideTrade)> = Vec::new();
    for our in ours {
        let same = |their: &&SideTrade| {
            their.trade_id == our.trade_id && (their.order_id.is_empty() || their.order_id == our.order_id)
        };
        match left.iter_mut().find(|slot| slot.as_ref().is_some_and(same)) {
            Some(slot) => matched.push((our, slot.take().expect("found just now"))),
            None => tie.discrepancies.push(missing("MISSING_IN_TRADEBOOK", our, true)),
        }
    }
    for (our, their) in &matched {
        tie.discrepancies.extend(differences(our, their));
    }
    for their in left.iter().flatten() {
        let twice = matched
            .iter()
            .any(|(_, known)| (&known.trade_id, &known.order_id) == (&their.trade_id, &their.order_id));
        let kind = if twice {
            "TWICE_IN_TRADEBOOK"
        } else {
            "MISSING_IN_JOURNAL"
        };
        tie.discrepancies.push(missing(kind, their, false));
    }
    tie.matched = matched.len() as u64;
    // What the book calls a matched trade's instrument may be a company's name: ours counts.
    let book = matched.iter().map(|(our, their)| (name_of(our), *their)).chain(
        left.iter()
            .flatten()
            .map(|their| (known_name(their, ours), *their)),
    );
    let mut sums: BTreeMap<String, (Vec<&SideTrade>, Vec<&SideTrade>)> = BTreeMap::new();
    for our in ours {
        sums.entry(name_of(our)).or_default().0.push(our);
    }
    for (name, their) in book {
        sums.entry(name).or_default().1.push(their);
    }
    tie.instruments = sums
        .into_iter()
        .map(|(symbol, (ours, theirs))| InstrumentTie {
            symbol,
            journal: sums_of(&ours),
            tradebook: sums_of(&theirs),
        })
        .collect();
    tie
}

fn name_of(trade: &SideTrade) -> String {
    if trade.symbol.is_empty() {
        trade.key.clone()
    } else {
        trade.symbol.clone()
    }
}

/// Our name of an instrument that the book names by key or symbol; the book's own where we do not know it.
fn known_name(their: &SideTrade, ours: &[SideTrade]) -> String {
    let same = |our: &&SideTrade| {
        (!their.key.is_empty() && our.key == their.key)
            || (!their.symbol.is_empty() && our.symbol == their.symbol)
    };
    ours.iter().find(same).map_or_else(|| name_of(their), name_of)
}

fn missing(kind: &'static str, trade: &SideTrade, is_ours: bool) -> Discrepancy {
    let side = words::side_name(trade.side);
    let text = format!("{side} {} at {}", trade.qty, trade.price);
    let (ours, theirs) = if is_ours {
        (text, String::new())
    } else {
        (String::new(), text)
    };
    Discrepancy {
        kind,
        trade_id: trade.trade_id.clone(),
        order_id: trade.order_id.clone(),
        symbol: name_of(trade),
        ours,
        theirs,
    }
}

fn differences(our: &SideTrade, their: &SideTrade) -> Vec<Discrepancy> {
    let key_differs = !their.key.is_empty() && their.key != our.key;
    let side = |trade: &SideTrade| words::side_name(trade.side).to_owned();
    [
        (
            "QTY",
            our.qty != their.qty,
            our.qty.to_string(),
            their.qty.to_string(),
        ),
        (
            "PRICE",
            our.price != their.price,
            our.price.to_string(),
            their.price.to_string(),
        ),
        ("SIDE", our.side != their.side, side(our), side(their)),
        ("INSTRUMENT", key_differs, our.key.clone(), their.key.clone()),
    ]
    .into_iter()
    .filter(|(_, differs, ..)| *differs)
    .map(|(kind, _, ours, theirs)| Discrepancy {
        kind,
        trade_id: our.trade_id.clone(),
        order_id: our.order_id.clone(),
        symbol: name_of(our),
        ours,
        theirs,
    })
    .collect()
}

/// What trades of one instrument come to, in their order, from flat.
#[must_use]
pub fn sums_of(trades: &[&SideTrade]) -> Sums {
    let mut sums = Sums {
        trades: trades.len() as u64,
        ..Sums::default()
    };
    let mut average = Some(Position::default());
    let mut lots: VecDeque<(Side, i128, i128)> = VecDeque::new();
    for trade in trades {
        let (qty, price) = (i128::from(trade.qty.get()), i128::from(trade.price.get()));
        sums.net_qty += i128::from(trade.side.sign()) * qty;
        match trade.side {
            Side::Buy => sums.bought_e4 += qty * price,
            Side::Sell => sums.sold_e4 += qty * price,
        }
        average = average.and_then(|mut position| {
            position
                .fill(trade.side, trade.qty, trade.price)
                .ok()
                .map(|()| position)
        });
        let mut rest = qty;
        while let Some((side, open, entry)) = lots.front_mut().filter(|lot| rest > 0 && lot.0 != trade.side) {
            let closed = rest.min(*open);
            sums.gross_fifo_e4 += i128::from(side.sign()) * closed * (price - *entry);
            *open -= closed;
            rest -= closed;
            if *open == 0 {
                lots.pop_front();
            }
        }
        if rest > 0 {
            lots.push_back((trade.side, rest, price));
        }
    }
    sums.gross_average_e4 = average.map(|position| position.realised.get());
    sums
}

#[cfg(test)]
#[path = "tie_out_tests.rs"]
mod tests;
