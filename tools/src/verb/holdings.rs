//! `bijli holdings`: the shares in the account, as the broker tells them.

use bijli_gateway::upstox::portfolio_api::{self, Holding};
use serde_json::json;

use super::broker_arguments::{BrokerArguments, Shown, symbol_of};
use super::table::{self, Align, Table};

/// Arguments of `holdings`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    broker: BrokerArguments,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    args.broker.run(|session| {
        let rows = session.ask(&portfolio_api::holdings(), portfolio_api::holdings_of)?;
        Ok(Shown {
            data: json!(rows),
            text: text(&rows),
        })
    })
}

fn text(rows: &[Holding]) -> String {
    if rows.is_empty() {
        return "no holdings".to_owned();
    }
    let mut table = Table::new([
        ("symbol", Align::Left),
        ("company", Align::Left),
        ("qty", Align::Right),
        ("t1", Align::Right),
        ("sold", Align::Right),
        ("pledged", Align::Right),
        ("average", Align::Right),
        ("last", Align::Right),
        ("value", Align::Right),
        ("pnl", Align::Right),
        ("day %", Align::Right),
    ]);
    for row in rows {
        table.row([
            symbol_of(row.trading_symbol.as_deref(), &row.instrument_key),
            table::or_nothing(row.company_name.as_ref()),
            row.quantity.get().to_string(),
            table::qty(row.t1_quantity),
            table::qty(row.cnc_used_quantity),
            table::qty(row.collateral_quantity),
            table::price(row.average_price),
            table::price(row.last_price),
            table::money(row.last_price.and_then(|price| price.times(row.quantity))),
            table::signed(row.pnl),
            table::or_nothing(row.day_change_percentage.map(|percent| format!("{percent:+.2}"))),
        ]);
    }
    let value = rows
        .iter()
        .map(|row| row.last_price.and_then(|price| price.times(row.quantity)));
    format!(
        "{}{} holdings; value {}, pnl {}",
        table.for_screen(),
        rows.len(),
        table::money(table::sum(value)),
        table::signed(table::sum(rows.iter().map(|row| row.pnl))),
    )
}
