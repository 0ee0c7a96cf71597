//! `bijli quote`: prices of instruments by any name, as much of them as is asked for.
//!
//! Invariants: a name that is nobody's stops everything before a call is made; a key that the broker does not answer
//! is named and never filled in. Exit code 3 where none is answered. Left out: watching (the feed does that).

use bijli_gateway::evidence::ReadError;
use bijli_gateway::request::Reply;
use bijli_gateway::upstox::call::Call;
use bijli_gateway::upstox::quote_api::{
    self, Bar, BarInterval, FullQuote, GREEK_KEYS_MAX, Greeks, KEYS_MAX, Keyed, Level, Ltp, Ohlc,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::broker_arguments::{BrokerArguments, BrokerSession, Shown};
use super::instrument_name::{MasterArguments, NamedContract};
use super::table::{Align, Table, or_nothing, price, qty};
use crate::broker_access::Trouble;
use crate::exit_code;
use crate::words;

/// The broker's code for a key that is none.
const WRONG_KEY: &str = "UDAPI100011";

/// Arguments of `quote`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Instrument keys or names in any house's spelling, at most 500.
    #[arg(required = true, value_name = "KEY|SYMBOL", num_args = 1..)]
    names: Vec<String>,
    /// Bars instead of last prices: of a day, a minute or half an hour.
    #[arg(long, value_name = "LENGTH", value_parser = ["1d", "I1", "I30"], group = "what")]
    ohlc: Option<String>,
    /// Greeks of options instead of last prices.
    #[arg(long, group = "what")]
    greeks: bool,
    /// Everything: book, day, limits, open interest.
    #[arg(long, group = "what")]
    full: bool,
    #[command(flatten)]
    master: MasterArguments,
    #[command(flatten)]
    broker: BrokerArguments,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    args.broker.run(|session| {
        if args.names.len() > KEYS_MAX {
            let count = args.names.len();
            return Err(Trouble::usage(format!(
                "{count} names; at most {KEYS_MAX} at once"
            )));
        }
        let contracts = args.master.named(&args.names)?;
        let asked = Asked { session, contracts };
        if let Some(length) = &args.ohlc {
            let length = BarInterval::from_word(length);
            let call = |keys: &[&str]| quote_api::ohlc(keys, &length);
            asked.quotes(KEYS_MAX, call, quote_api::ohlc_of, ohlc_text)
        } else if args.greeks {
            asked.quotes(
                GREEK_KEYS_MAX,
                quote_api::greeks,
                quote_api::greeks_of,
                greeks_text,
            )
        } else if args.full {
            asked.quotes(KEYS_MAX, quote_api::full_v3, quote_api::full_of, full_text)
        } else {
            asked.quotes(KEYS_MAX, quote_api::ltp, quote_api::ltp_of, ltp_text)
        }
    })
}

struct Asked<'a> {
    session: &'a mut BrokerSession,
    contracts: Vec<NamedContract>,
}

impl Asked<'_> {
    /// Asks in pieces that the broker allows.
    fn quotes<T: Keyed + Serialize>(
        self,
        keys_max: usize,
        call: impl Fn(&[&str]) -> Call,
        read: impl Fn(&Reply) -> Result<Vec<T>, ReadError>,
        text: impl Fn(&[(&str, &T)]) -> String,
    ) -> Result<Shown, Trouble> {
        let keys: Vec<&str> = self
            .contracts
            .iter()
            .map(|contract| contract.key.as_str())
            .collect();
        let mut rows = Vec::new();
        for keys in keys.chunks(keys_max) {
            Self::ask(self.session, keys, (&call, &read), &mut rows)?;
        }
        let unanswered = quote_api::unanswered(&keys, &rows);
        let unnamed = unanswered.join(", ");
        if unanswered.len() == keys.len() {
            return Err(Trouble {
                code: exit_code::NO_DATA,
                message: format!("the broker answered none of: {unnamed}"),
            });
        }
        if !unanswered.is_empty() {
            eprintln!("warning: not answered: {unnamed}");
        }
        // In the order that they were named, not the broker's.
        let named = |contract: &'_ NamedContract| rows.iter().find(|row| row.key() == contract.key);
        let found = self.contracts.iter();
        let found: Vec<(&str, &T)> = found
            .filter_map(|contract| Some((contract.name.as_str(), named(contract)?)))
            .collect();
        let mut text = text(&found);
        for key in &unanswered {
            text.push_str(&format!("not answered: {key}\n"));
        }
        let quotes: Vec<Value> = found
            .iter()
            .map(|(name, row)| json!({"name": name, "quote": row}))
            .collect();
        let mut data = Map::new();
        data.insert("quotes".to_owned(), quotes.into());
        data.insert("unanswered".to_owned(), json!(unanswered));
        Ok(Shown {
            data: data.into(),
            text,
        })
    }

    /// One wrong key makes the broker refuse all of a call without naming it: halves of it are asked until the wrong
    /// ones stand alone, and these stay unanswered.
    fn ask<T>(
        session: &mut BrokerSession,
        keys: &[&str],
        (call, read): (
            &impl Fn(&[&str]) -> Call,
            &impl Fn(&Reply) -> Result<Vec<T>, ReadError>,
        ),
        rows: &mut Vec<T>,
    ) -> Result<(), Trouble> {
        let answer = session.ask(&call(keys), |reply| match read(reply) {
            Err(ReadError::Refused(refusal)) if refusal.code.as_str() == WRONG_KEY => Ok(None),
            outcome => outcome.map(Some),
        })?;
        match answer {
            Some(answered) => rows.extend(answered),
            None if keys.len() > 1 => {
                let (first, second) = keys.split_at(keys.len() / 2);
                Self::ask(session, first, (call, read), rows)?;
                Self::ask(session, second, (call, read), rows)?;
            }
            None => {}
        }
        Ok(())
    }
}

fn ltp_text(rows: &[(&str, &Ltp)]) -> String {
    let mut table = Table::new([
        ("name", Align::Left),
        ("last", Align::Right),
        ("close before", Align::Right),
        ("change %", Align::Right),
        ("volume", Align::Right),
    ]);
    for (name, row) in rows {
        table.row([
            (*name).to_owned(),
            price(Some(row.last_price)),
            price(row.close_price),
            change_text(row),
            qty(row.volume),
        ]);
    }
    table.for_screen()
}

fn change_text(row: &Ltp) -> String {
    let before = row
        .close_price
        .filter(|price| price.is_set() && row.last_price.is_set());
    let percent = |before: bijli_core::Price| (row.last_price.rupees() / before.rupees() - 1.0) * 100.0;
    or_nothing(before.map(|before| format!("{:+.2}", percent(before))))
}

fn ohlc_text(rows: &[(&str, &Ohlc)]) -> String {
    let mut table = Table::new([
        ("name", Align::Left),
        ("bar", Align::Left),
        ("since", Align::Left),
        ("open", Align::Right),
        ("high", Align::Right),
        ("low", Align::Right),
        ("close", Align::Right),
        ("volume", Align::Right),
    ]);
    for (name, row) in rows {
        let bars = [("before", &row.prev_ohlc), ("running", &row.live_ohlc)];
        if bars.iter().all(|(_, bar)| bar.is_none()) {
            let mut cells: [String; 8] = Default::default();
            cells[0] = (*name).to_owned();
            cells[1] = "none yet".to_owned();
            table.row(cells);
        }
        for (which, bar) in bars {
            let Some(bar) = bar else { continue };
            let [open, high, low, close] = prices_of(bar);
            table.row([
                (*name).to_owned(),
                which.to_owned(),
                or_nothing(bar.ts),
                open,
                high,
                low,
                close,
                qty(bar.volume),
            ]);
        }
    }
    table.for_screen()
}

fn prices_of(bar: &Bar) -> [String; 4] {
    [bar.open, bar.high, bar.low, bar.close].map(price)
}

fn greeks_text(rows: &[(&str, &Greeks)]) -> String {
    let mut table = Table::new([
        ("name", Align::Left),
        ("last", Align::Right),
        ("oi", Align::Right),
        ("iv %", Align::Right),
        ("delta", Align::Right),
        ("gamma", Align::Right),
        ("theta", Align::Right),
        ("vega", Align::Right),
    ]);
    for (name, row) in rows {
        let figure = |value: Option<f64>| or_nothing(value.map(|value| format!("{value:.4}")));
        table.row([
            (*name).to_owned(),
            price(Some(row.last_price)),
            qty(row.oi),
            or_nothing(row.iv.map(|iv| format!("{:.2}", iv * 100.0))),
            figure(row.delta),
            figure(row.gamma),
            figure(row.theta),
            figure(row.vega),
        ]);
    }
    table.for_screen()
}

fn full_text(rows: &[(&str, &FullQuote)]) -> String {
    let mut text = String::new();
    for (name, row) in rows {
        let bar = row.ohlc.as_ref().map(prices_of).unwrap_or_default();
        let [open, high, low, close] = bar.map(|text| if text.is_empty() { price(None) } else { text });
        let signed = |amount: bijli_core::Money| words::signed_rupees(amount);
        let facts = [
            (
                "last",
                format!(
                    "{}  {}",
                    price(Some(row.last_price)),
                    or_nothing(row.last_trade_time)
                ),
            ),
            ("change", or_nothing(row.net_change.map(signed))),
            (
                "day",
                format!("open {open}  high {high}  low {low}  close {close}"),
            ),
            (
                "traded",
                format!(
                    "{} units at {} on average",
                    qty(row.volume),
                    price(row.average_price)
                ),
            ),
            (
                "oi",
                format!(
                    "{}  {} to {} today",
                    qty(row.oi),
                    qty(row.oi_day_low),
                    qty(row.oi_day_high)
                ),
            ),
            (
                "limits",
                format!(
                    "{} to {}",
                    price(row.lower_circuit_limit),
                    price(row.upper_circuit_limit)
                ),
            ),
            (
                "waiting",
                format!(
                    "{} to buy, {} to sell",
                    qty(row.total_buy_quantity),
                    qty(row.total_sell_quantity)
                ),
            ),
        ];
        text.push_str(&format!("{name}  {}\n", row.instrument_key));
        for (fact, words) in facts {
            text.push_str(&format!("  {fact:<8} {words}\n"));
        }
        text.push_str(&book_text(row));
    }
    text
}

/// The book, buyers to the left.
fn book_text(row: &FullQuote) -> String {
    let Some(depth) = &row.depth else {
        return String::new();
    };
    let mut table = Table::new([
        ("  buy", Align::Right),
        ("at", Align::Right),
        ("at", Align::Right),
        ("sell", Align::Right),
    ]);
    let cells = |level: Option<&Level>| match level {
        Some(level) if level.price.is_set() => (qty(Some(level.quantity)), price(Some(level.price))),
        _ => (String::new(), String::new()),
    };
    for index in 0..depth.buy.len().max(depth.sell.len()) {
        let (buy, bid) = cells(depth.buy.get(index));
        let (sell, ask) = cells(depth.sell.get(index));
        table.row([buy, bid, ask, sell]);
    }
    table.for_screen()
}
