//! `bijli positions`: what is open and what was closed today, as the broker tells it.
//!
//! Sums of single rows are shown as sent (`portfolio_api.rs` says why); the line below adds them up.

use bijli_core::Money;
use bijli_gateway::upstox::portfolio_api::{self, PositionRow};
use serde_json::json;

use super::broker_arguments::{BrokerArguments, Shown, symbol_of};
use super::table::{self, Align, Table};

/// Arguments of `positions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Positions on borrowed money instead.
    #[arg(long)]
    mtf: bool,
    #[command(flatten)]
    broker: BrokerArguments,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    args.broker.run(|session| {
        let call = if args.mtf {
            portfolio_api::mtf_positions()
        } else {
            portfolio_api::positions()
        };
        let rows = session.ask(&call, portfolio_api::position_rows_of)?;
        Ok(Shown {
            data: json!(rows),
            text: text(&rows),
        })
    })
}

fn text(rows: &[PositionRow]) -> String {
    if rows.is_empty() {
        return "no positions".to_owned();
    }
    let mut table = Table::new([
        ("symbol", Align::Left),
        ("product", Align::Left),
        ("qty", Align::Right),
        ("average", Align::Right),
        ("last", Align::Right),
        ("bought", Align::Right),
        ("sold", Align::Right),
        ("realised", Align::Right),
        ("unrealised", Align::Right),
        ("pnl", Align::Right),
    ]);
    for row in rows {
        table.row([
            symbol_of(row.trading_symbol.as_deref(), &row.instrument_key),
            table::or_nothing(row.product.as_ref()),
            row.quantity.get().to_string(),
            table::price(row.average_price),
            table::price(row.last_price),
            table::price(row.buy_price),
            table::price(row.sell_price),
            table::signed(row.realised),
            table::signed(row.unrealised),
            table::signed(row.pnl),
        ]);
    }
    let open = rows.iter().filter(|row| !row.quantity.is_zero()).count();
    let sum = |part: fn(&PositionRow) -> Option<Money>| table::signed(table::sum(rows.iter().map(part)));
    format!(
        "{}{open} open, {} closed; realised {}, unrealised {}, together {}",
        table.for_screen(),
        rows.len() - open,
        sum(|row| row.realised),
        sum(|row| row.unrealised),
        sum(|row| row.pnl),
    )
}
