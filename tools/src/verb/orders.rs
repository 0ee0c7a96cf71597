//! `bijli orders`: the day's book, one order, or the states that an order or the orders of a tag went through.

use bijli_gateway::upstox::order_read_api::{self, HistoryOf, OrderRow};
use serde_json::json;

use super::broker_arguments::{BrokerArguments, BrokerSession, Shown, symbol_of};
use super::table::{self, Align, Table};
use crate::broker_access::Trouble;
use crate::words;

/// Arguments of `orders`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The states that this order went through.
    #[arg(long, value_name = "ORDER_ID")]
    history: Option<String>,
    /// The states that the orders with this tag went through.
    #[arg(long)]
    tag: Option<String>,
    /// Where this order stands, with all that is known of it.
    #[arg(long, value_name = "ORDER_ID", conflicts_with_all = ["history", "tag"])]
    details: Option<String>,
    #[command(flatten)]
    broker: BrokerArguments,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    args.broker.run(|session| {
        if let Some(order_id) = &args.details {
            let row = session.ask(&order_read_api::details(order_id), order_read_api::details_of)?;
            return Ok(Shown {
                data: json!(row),
                text: details_text(&row),
            });
        }
        let rows = args.rows(session)?;
        Ok(Shown {
            data: json!(rows),
            text: text(&rows, args.is_history()),
        })
    })
}

impl Args {
    const fn is_history(&self) -> bool {
        self.history.is_some() || self.tag.is_some()
    }

    fn rows(&self, session: &mut BrokerSession) -> Result<Vec<OrderRow>, Trouble> {
        let call = match (&self.history, &self.tag) {
            (None, None) => order_read_api::book(),
            (Some(order_id), None) => order_read_api::history(HistoryOf::Order(order_id)),
            (None, Some(tag)) => order_read_api::history(HistoryOf::Tag(tag)),
            (Some(order_id), Some(tag)) => order_read_api::history(HistoryOf::Both { order_id, tag }),
        };
        session.ask(&call, order_read_api::order_rows_of)
    }
}

fn text(rows: &[OrderRow], is_history: bool) -> String {
    if rows.is_empty() {
        let none = if is_history {
            "no such states"
        } else {
            "no orders today"
        };
        return none.to_owned();
    }
    let mut table = Table::new([
        ("time", Align::Left),
        ("order", Align::Left),
        ("symbol", Align::Left),
        ("side", Align::Left),
        ("type", Align::Left),
        ("product", Align::Left),
        ("filled", Align::Right),
        ("price", Align::Right),
        ("trigger", Align::Right),
        ("average", Align::Right),
        ("status", Align::Left),
        ("tag", Align::Left),
        ("words", Align::Left),
    ]);
    for row in rows {
        table.row([
            table::or_nothing(row.order_timestamp.map(words::second_text)),
            row.order_id.clone(),
            symbol_of(row.trading_symbol.as_deref(), &row.instrument_key),
            row.transaction_type.to_string(),
            table::or_nothing(row.order_type.as_ref()),
            table::or_nothing(row.product.as_ref()),
            filled_text(row),
            table::price(row.price),
            table::price(row.trigger_price),
            table::price(row.average_price),
            row.status.clone(),
            table::or_nothing(row.tag.as_ref()),
            row.status_message.clone().unwrap_or_default(),
        ]);
    }
    let what = if is_history { "states" } else { "orders" };
    format!("{}{} {what}", table.for_screen(), rows.len())
}

fn filled_text(row: &OrderRow) -> String {
    format!("{}/{}", table::qty(row.filled_quantity), row.quantity.get())
}

fn details_text(row: &OrderRow) -> String {
    let word = |word: &Option<String>| table::or_nothing(word.as_ref());
    let stamp = |at: Option<bijli_core::TsNs>| table::or_nothing(at.map(words::stamp_text));
    let mut table = Table::new([("", Align::Left), ("", Align::Left)]);
    for (name, words) in [
        ("order", row.order_id.clone()),
        (
            "symbol",
            symbol_of(row.trading_symbol.as_deref(), &row.instrument_key),
        ),
        ("key", row.instrument_key.clone()),
        ("side", row.transaction_type.to_string()),
        ("status", row.status.clone()),
        ("filled", filled_text(row)),
        ("pending", table::qty(row.pending_quantity)),
        ("disclosed", table::qty(row.disclosed_quantity)),
        ("type", table::or_nothing(row.order_type.as_ref())),
        ("price", table::price(row.price)),
        ("trigger", table::price(row.trigger_price)),
        ("average", table::price(row.average_price)),
        ("product", table::or_nothing(row.product.as_ref())),
        ("validity", word(&row.validity)),
        ("variety", word(&row.variety)),
        ("tag", word(&row.tag)),
        ("parent", word(&row.parent_order_id)),
        ("exchange", word(&row.exchange)),
        ("exchange id", word(&row.exchange_order_id)),
        ("ordered", stamp(row.order_timestamp)),
        ("at exchange", stamp(row.exchange_timestamp)),
        ("words", word(&row.status_message)),
        ("raw words", word(&row.status_message_raw)),
    ] {
        table.row([name.to_owned(), words]);
    }
    table.for_screen().trim_start().to_owned()
}
