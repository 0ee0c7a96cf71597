//! `bijli trades`: the day's trades, those of one order, or those of past days with all their pages.

use bijli_core::{IstDay, Money};
use bijli_gateway::upstox::order_read_api::{self, HistoricalTrade, TradeRow, TradesQuery};
use bijli_gateway::upstox::vocabulary::Ledger;
use serde_json::json;

use super::broker_arguments::{BrokerArguments, BrokerSession, Shown, symbol_of};
use super::sim::parse_day;
use super::table::{self, Align, Table};
use super::typed_value;
use crate::broker_access::Trouble;
use crate::words;

/// Most rows of a page, by the broker's documentation.
const PAGE_SIZE_MAX: u32 = 5_000;

/// Arguments of `trades`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The trades of this order.
    #[arg(long, value_name = "ORDER_ID", conflicts_with = "from")]
    order: Option<String>,
    /// First day of past trades, YYYY-MM-DD; the broker tells three financial years.
    #[arg(long, value_name = "DAY", value_parser = parse_day, requires = "to")]
    from: Option<IstDay>,
    /// Last day of past trades.
    #[arg(long, value_name = "DAY", value_parser = parse_day, requires = "from")]
    to: Option<IstDay>,
    /// Past trades of one ledger: EQ, FO, COM, CD or MF.
    #[arg(long, value_parser = typed_value::ledger, requires = "from")]
    segment: Option<Ledger>,
    /// Rows asked for at a time; all pages are read.
    #[arg(long, value_name = "ROWS", requires = "from", default_value_t = PAGE_SIZE_MAX,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE_SIZE_MAX)))]
    page_size: u32,
    #[command(flatten)]
    broker: BrokerArguments,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    args.broker.run(|session| {
        if let (Some(first), Some(last)) = (args.from, args.to) {
            let rows = args.past(session, first, last)?;
            return Ok(Shown {
                data: json!(rows),
                text: past_text(&rows),
            });
        }
        let call = match &args.order {
            Some(order_id) => order_read_api::trades_of_order(order_id),
            None => order_read_api::trades_of_day(),
        };
        let rows = session.ask(&call, order_read_api::trade_rows_of)?;
        Ok(Shown {
            data: json!(rows),
            text: text(&rows),
        })
    })
}

impl Args {
    fn past(
        &self,
        session: &mut BrokerSession,
        first: IstDay,
        last: IstDay,
    ) -> Result<Vec<HistoricalTrade>, Trouble> {
        if last < first {
            return Err(Trouble::usage(format!("{last} lies before {first}")));
        }
        let call = |page_number| {
            order_read_api::historical_trades(&TradesQuery {
                ledger: self.segment.clone(),
                first,
                last,
                page_number,
                page_size: self.page_size,
            })
        };
        session.ask_all(call, order_read_api::historical_trades_of)
    }
}

fn text(rows: &[TradeRow]) -> String {
    if rows.is_empty() {
        return "no trades".to_owned();
    }
    let mut table = Table::new([
        ("time", Align::Left),
        ("trade", Align::Left),
        ("order", Align::Left),
        ("symbol", Align::Left),
        ("side", Align::Left),
        ("product", Align::Left),
        ("qty", Align::Right),
        ("price", Align::Right),
        ("value", Align::Right),
    ]);
    let value = |row: &TradeRow| row.price.times(row.quantity);
    for row in rows {
        table.row([
            table::or_nothing(
                row.exchange_timestamp
                    .or(row.order_timestamp)
                    .map(words::second_text),
            ),
            row.trade_id.clone(),
            row.order_id.clone(),
            symbol_of(row.trading_symbol.as_deref(), &row.instrument_key),
            row.transaction_type.to_string(),
            table::or_nothing(row.product.as_ref()),
            row.quantity.get().to_string(),
            table::price(Some(row.price)),
            table::money(value(row)),
        ]);
    }
    let sides = rows.iter().map(|row| (row.transaction_type.as_str(), value(row)));
    format!("{}{}", table.for_screen(), sides_text(rows.len(), sides))
}

fn past_text(rows: &[HistoricalTrade]) -> String {
    if rows.is_empty() {
        return "no trades in these days".to_owned();
    }
    let mut table = Table::new([
        ("day", Align::Left),
        ("trade", Align::Left),
        ("name", Align::Left),
        ("ledger", Align::Left),
        ("side", Align::Left),
        ("qty", Align::Right),
        ("price", Align::Right),
        ("value", Align::Right),
    ]);
    let value = |row: &HistoricalTrade| row.amount.or_else(|| row.price.times(row.quantity));
    for row in rows {
        table.row([
            row.trade_date.to_string(),
            row.trade_id.clone(),
            past_name(row),
            table::or_nothing(row.segment.as_ref()),
            row.transaction_type.to_string(),
            row.quantity.get().to_string(),
            table::price(Some(row.price)),
            table::money(value(row)),
        ]);
    }
    let sides = rows.iter().map(|row| (row.transaction_type.as_str(), value(row)));
    format!("{}{}", table.for_screen(), sides_text(rows.len(), sides))
}

fn past_name(row: &HistoricalTrade) -> String {
    let names = [&row.scrip_name, &row.symbol, &row.instrument_key];
    let name = names.into_iter().flatten().next();
    let mut text = table::or_nothing(name);
    let strike = row.strike_price.filter(|price| price.is_set());
    let parts = [
        row.expiry.map(|day| day.to_string()),
        strike.map(words::price_text),
        row.option_type.clone(),
    ];
    for part in parts.into_iter().flatten() {
        text.push(' ');
        text.push_str(&part);
    }
    text
}

fn sides_text<'a>(count: usize, sides: impl Iterator<Item = (&'a str, Option<Money>)> + Clone) -> String {
    let of = |side: &'static str| {
        let values = sides
            .clone()
            .filter(move |(word, _)| *word == side)
            .map(|(_, value)| value);
        table::money(table::sum(values))
    };
    format!("{count} trades; bought {}, sold {}", of("BUY"), of("SELL"))
}
