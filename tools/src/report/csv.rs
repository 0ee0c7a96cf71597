//! `orders.csv` and `trades.csv`: one row an order, one row a round trip.
//!
//! Comma-separated, one header line, `\n` ends; a cell is quoted where its text asks for it (RFC 4180).
//! Times are Indian, prices and amounts rupees with a point, so that a spreadsheet reads them as numbers.
//! A text cell that a spreadsheet would take for a formula gets a leading apostrophe.

use bijli_core::price::BPS;
use bijli_core::strategy::SCORE_PARTS;
use bijli_core::{Money, Price};

use super::day::{Day, OrderRow};
use super::trips::Trip;
use crate::words;

const ORDER_COLUMNS: &str = "placed_ist,tag,order_id,symbol,side,purpose,type,validity,state,qty,filled,\
    limit_price,average_price,decision_price,slippage_rupees,slippage_bps,charges_rupees,acked_ist,ack_ms,\
    state_ist,score,exit_reason,refusal_code";
const TRADE_COLUMNS: &str = "trade,symbol,side,entry_ist,exit_ist,held_s,qty,entry_price,exit_price,\
    gross_rupees,charges_rupees,net_rupees,net_bps,mae_rupees,mae_bps,mfe_rupees,mfe_bps,slippage_rupees,\
    exit_reason,score";

/// The text of `orders.csv`.
#[must_use]
pub fn orders_csv(day: &Day) -> String {
    let mut table = Table::new(ORDER_COLUMNS);
    for row in &day.orders {
        table.row(&order_cells(day, row));
    }
    table.text
}

/// The text of `trades.csv`.
#[must_use]
pub fn trades_csv(day: &Day) -> String {
    let mut table = Table::new(&format!("{TRADE_COLUMNS},{}", SCORE_PARTS.join(",")));
    for (index, trip) in day.trips.iter().enumerate() {
        table.row(&trip_cells(day, index + 1, trip));
    }
    table.text
}

fn order_cells(day: &Day, row: &OrderRow) -> Vec<String> {
    let order = &row.order;
    let ack_ms = if row.acked.is_set() {
        (row.acked.since(order.placed_ts).get() / 1_000_000).to_string()
    } else {
        String::new()
    };
    let slippage = slippage_of(row);
    vec![
        words::stamp_text(order.placed_ts),
        order
            .intent
            .map_or(String::new(), |intent| intent.tag().to_string()),
        order.order_id.to_string(),
        day.symbol(order.instrument),
        words::side_name(order.side).to_owned(),
        words::purpose_name(order.purpose).to_owned(),
        row.order_type.map_or("", words::order_type_name).to_owned(),
        row.validity.map_or("", words::validity_name).to_owned(),
        order.state.name().to_owned(),
        order.qty.to_string(),
        order.filled.to_string(),
        price_cell(order.price),
        price_cell(order.average_price()),
        price_cell(order.decision_price),
        slippage.map_or(String::new(), |(amount, _)| amount.to_string()),
        slippage.map_or(String::new(), |(_, bps)| bps.to_string()),
        order.charges.to_string(),
        words::stamp_text(row.acked),
        ack_ms,
        words::stamp_text(order.state_ts),
        order
            .signal
            .map_or(String::new(), |signal| score_cell(signal.score_ppm)),
        order.exit_reason.map_or("", words::exit_reason_name).to_owned(),
        row.code.clone(),
    ]
}

/// What an order's fills cost against the touch at its decision, in money and basis points of that touch;
/// positive is worse. `None` without fills or without a touch.
#[must_use]
pub fn slippage_of(row: &OrderRow) -> Option<(Money, i64)> {
    let order = &row.order;
    let decision = order.decision_price;
    let expected = decision.times(order.filled)?;
    if order.filled.is_zero() || !decision.is_set() {
        return None;
    }
    let worse = order.turnover.minus(expected)?.get() * order.side.sign();
    Some((
        Money::new(worse),
        Money::new(worse).share(BPS, expected.get()).get(),
    ))
}

fn trip_cells(day: &Day, number: usize, trip: &Trip) -> Vec<String> {
    let held_s = if trip.is_open() {
        String::new()
    } else {
        (trip.closed.since(trip.opened).get() / 1_000_000_000).to_string()
    };
    let mut cells = vec![
        number.to_string(),
        day.symbol(trip.instrument),
        side_of(trip).to_owned(),
        words::stamp_text(trip.opened),
        if trip.is_open() {
            String::new()
        } else {
            words::stamp_text(trip.closed)
        },
        held_s,
        trip.qty.to_string(),
        price_cell(trip.entry_price()),
        price_cell(trip.exit_price()),
        trip.gross().to_string(),
        trip.charges.to_string(),
        trip.net().to_string(),
        trip.bps_of_entry(trip.net()).to_string(),
        trip.mae.to_string(),
        trip.bps_of_entry(trip.mae).to_string(),
        trip.mfe.to_string(),
        trip.bps_of_entry(trip.mfe).to_string(),
        trip.slippage.to_string(),
        reasons_of(trip),
        trip.signal
            .map_or(String::new(), |signal| score_cell(signal.score_ppm)),
    ];
    for part in 0..SCORE_PARTS.len() {
        cells.push(
            trip.signal
                .map_or(String::new(), |signal| score_cell(signal.parts_ppm[part])),
        );
    }
    cells
}

/// `LONG` or `SHORT`.
#[must_use]
pub const fn side_of(trip: &Trip) -> &'static str {
    match trip.side {
        bijli_core::order::Side::Buy => "LONG",
        bijli_core::order::Side::Sell => "SHORT",
    }
}

/// Reasons of a trip's exits, joined by `+`; `open` while it is open and none was given.
#[must_use]
pub fn reasons_of(trip: &Trip) -> String {
    if trip.reasons.is_empty() && trip.is_open() {
        return "open".to_owned();
    }
    let names: Vec<&str> = trip
        .reasons
        .iter()
        .map(|reason| words::exit_reason_name(*reason))
        .collect();
    names.join("+")
}

fn price_cell(price: Price) -> String {
    if price.is_set() {
        price.to_string()
    } else {
        String::new()
    }
}

fn score_cell(ppm: u32) -> String {
    format!("{:.4}", f64::from(ppm) / 1e6)
}

/// A table being written.
pub(crate) struct Table {
    text: String,
    columns: usize,
}

impl Table {
    /// A table of these columns, parted by commas.
    pub(crate) fn new(header: &str) -> Self {
        Self {
            text: format!("{header}\n"),
            columns: header.split(',').count(),
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: &[impl AsRef<str>]) {
        assert_eq!(cells.len(), self.columns, "a row has as many cells as the header");
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            push_cell(&mut self.text, cell.as_ref());
        }
        self.text.push('\n');
    }

    /// The whole text.
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

fn push_cell(text: &mut String, cell: &str) {
    let is_number = cell.parse::<f64>().is_ok();
    let formula = !is_number && cell.starts_with(['=', '+', '-', '@', '\t']);
    let guard = if formula { "'" } else { "" };
    if cell.contains([',', '"', '\n', '\r']) {
        text.push('"');
        text.push_str(guard);
        text.push_str(&cell.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(guard);
        text.push_str(cell);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn every_order_and_trip_of_the_sample_day_gets_its_row() {
        let day = sample::day();
        let orders = orders_csv(&day);
        assert_eq!(orders.lines().count(), day.orders.len() + 1);
        let entry = orders.lines().nth(1).expect("the sample day has orders");
        assert!(
            entry.contains(",RELIANCE,BUY,ENTRY,LIMIT,DAY,FILLED,20,20,"),
            "{entry}"
        );
        let trades = trades_csv(&day);
        assert_eq!(trades.lines().count(), day.trips.len() + 1);
        let trade = trades.lines().nth(1).expect("the sample day has trades");
        assert!(
            trade.starts_with("1,RELIANCE,LONG,2026-07-31 09:20:00.000,"),
            "{trade}"
        );
        assert!(trade.contains(",target+trail,0.8300,"), "{trade}");
    }

    #[test]
    fn slippage_is_worse_when_a_buy_pays_more_and_a_sale_earns_less() {
        let day = sample::day();
        let worse: Vec<_> = day.orders.iter().filter_map(slippage_of).collect();
        assert!(!worse.is_empty());
        assert!(worse.iter().all(|(amount, _)| amount.get() >= 0), "{worse:?}");
    }

    #[test]
    fn text_that_would_break_a_spreadsheet_is_made_harmless() {
        let mut table = Table::new("a,b,c");
        table.row(&["=HYPERLINK(1)", "say \"x\", y", "-12.50"]);
        assert_eq!(table.text, "a,b,c\n'=HYPERLINK(1),\"say \"\"x\"\", y\",-12.50\n");
    }
}
