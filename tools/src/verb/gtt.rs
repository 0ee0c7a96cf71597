//! `bijli gtt`: standing orders that wait for a price: listed, placed, changed, withdrawn.
//!
//! All but `list` are writes: asked once, never repeated. A change names all rules again, as the broker wants it.

use bijli_core::order::Side;
use bijli_core::{Price, Qty};
use bijli_gateway::upstox::call::Call;
use bijli_gateway::upstox::gtt_api::{
    self, Entry, Plan, RuleRow, Standing, StandingChange, StandingRow, StopLoss, Trigger,
};
use bijli_gateway::upstox::vocabulary::ProductWord;
use clap::Subcommand;
use serde_json::json;

use super::broker_arguments::{BrokerArguments, Shown, symbol_of};
use super::broker_write::{Consent, run_write, write};
use super::instrument_name::MasterArguments;
use super::table::{self, Align, Table, one_line};
use super::typed_value;
use crate::broker_access::Trouble;
use crate::words;

/// Arguments of `gtt`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the standing orders that are not completed, or one.
    List(ListArgs),
    /// Place a standing order: an entry, perhaps with a target and a stop loss.
    Place(Box<PlaceArgs>),
    /// Change a standing order; all of its rules are named again.
    Modify(Box<ModifyArgs>),
    /// Withdraw the rules of a standing order that were not set off.
    Cancel(CancelArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only this one.
    #[arg(value_name = "GTT_ID")]
    id: Option<String>,
    #[command(flatten)]
    broker: BrokerArguments,
}

/// The rules of a standing order.
#[derive(Debug, clap::Args)]
struct PlanArgs {
    /// Price that sets the entry off.
    #[arg(long, value_name = "PRICE", value_parser = typed_value::price)]
    entry: Price,
    /// How: above (it rises there), below (it falls there) or immediate (at once).
    #[arg(long, value_name = "HOW", value_parser = trigger)]
    when: Trigger,
    /// Close with a profit at this price.
    #[arg(long, value_name = "PRICE", value_parser = typed_value::price)]
    target: Option<Price>,
    /// Close with a loss at this price.
    #[arg(long, value_name = "PRICE", value_parser = typed_value::price)]
    stop: Option<Price>,
    /// Let the stop loss trail the best price by so many rupees.
    #[arg(long, value_name = "GAP", value_parser = typed_value::price, requires = "stop")]
    trailing: Option<Price>,
    /// How far the orders may run, in percent, 0 to 25; -1 for the broker's own band.
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true,
          value_parser = clap::value_parser!(i8).range(-1..=25))]
    protection: Option<i8>,
}

#[derive(Debug, clap::Args)]
struct PlaceArgs {
    /// Instrument key, or the exact symbol of a contract in the stored masters.
    #[arg(value_name = "KEY")]
    instrument: String,
    /// Side of the entry; target and stop loss take the other.
    #[arg(long, value_parser = typed_value::side)]
    side: Side,
    /// Units.
    #[arg(long, value_parser = typed_value::quantity)]
    qty: Qty,
    /// I (intraday), D (delivery or carried forward) or MTF.
    #[arg(long, value_parser = typed_value::product)]
    product: ProductWord,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    masters: MasterArguments,
    #[command(flatten)]
    broker: BrokerArguments,
}

#[derive(Debug, clap::Args)]
struct ModifyArgs {
    /// Which standing order.
    #[arg(value_name = "GTT_ID")]
    id: String,
    /// Units.
    #[arg(long, value_parser = typed_value::quantity)]
    qty: Qty,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    broker: BrokerArguments,
}

#[derive(Debug, clap::Args)]
struct CancelArgs {
    /// Which standing order.
    #[arg(value_name = "GTT_ID")]
    id: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    broker: BrokerArguments,
}

fn trigger(text: &str) -> Result<Trigger, String> {
    match Trigger::from_word(&text.to_ascii_uppercase()) {
        Trigger::Other(_) => Err(format!("`{text}` is no trigger: write above, below or immediate")),
        known => Ok(known),
    }
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    match &args.what {
        What::List(args) => list(args),
        What::Place(args) => place(args),
        What::Modify(args) => {
            let change = StandingChange {
                gtt_order_id: args.id.clone(),
                qty: args.qty,
                plan: args.plan.plan(),
            };
            let what = format!(
                "change {} to {} units, {}",
                args.id,
                args.qty.get(),
                plan_text(&change.plan)
            );
            send(&args.broker, args.consent, &what, &gtt_api::modify(&change))
        }
        What::Cancel(args) => {
            let what = format!("withdraw {}", args.id);
            send(&args.broker, args.consent, &what, &gtt_api::cancel(&args.id))
        }
    }
}

fn list(args: &ListArgs) -> i32 {
    args.broker.run(|session| {
        let rows = session.ask(&gtt_api::get(args.id.as_deref()), gtt_api::standing_of)?;
        Ok(Shown {
            data: json!(rows),
            text: text(&rows),
        })
    })
}

fn place(args: &PlaceArgs) -> i32 {
    let (standing, contract) = match args.standing() {
        Ok(named) => named,
        Err(trouble) => return args.broker.refuse(trouble),
    };
    let what = format!(
        "{} {} of {contract}; product {}, {}",
        words::side_name(standing.side),
        standing.qty.get(),
        standing.product,
        plan_text(&standing.plan)
    );
    send(&args.broker, args.consent, &what, &gtt_api::place(&standing))
}

/// Sends a write and shows which standing orders it touched.
fn send(broker: &BrokerArguments, consent: Consent, what: &str, call: &Call) -> i32 {
    run_write(broker, consent, what, |session| {
        let written = write(session, call, gtt_api::written_of)?;
        let ids = one_line(&written.gtt_order_ids.join(" "));
        Ok(Shown {
            data: json!(written),
            text: format!("{what}: taken as {ids}"),
        })
    })
}

impl PlaceArgs {
    /// What is placed, and its contract in words.
    fn standing(&self) -> Result<(Standing, String), Trouble> {
        let target = self.masters.write_target(&self.instrument, self.qty)?;
        let standing = Standing {
            instrument_key: target.key,
            side: self.side,
            qty: self.qty,
            product: self.product.clone(),
            plan: self.plan.plan(),
        };
        Ok((standing, target.words))
    }
}

impl PlanArgs {
    fn plan(&self) -> Plan {
        Plan {
            entry: Entry {
                trigger: self.when.clone(),
                price: self.entry,
            },
            target: self.target,
            stop_loss: self.stop.map(|price| StopLoss {
                price,
                trailing_gap: self.trailing,
            }),
            protection_percent: self.protection,
        }
    }
}

fn plan_text(plan: &Plan) -> String {
    let mut text = format!(
        "entry {} {}",
        plan.entry.trigger,
        words::price_text(plan.entry.price)
    );
    if let Some(target) = plan.target {
        text.push_str(&format!(", target {}", words::price_text(target)));
    }
    if let Some(stop) = plan.stop_loss {
        text.push_str(&format!(", stop {}", words::price_text(stop.price)));
        if let Some(gap) = stop.trailing_gap {
            text.push_str(&format!(" trailing by {}", words::price_text(gap)));
        }
    }
    match plan.protection_percent {
        None => {}
        Some(-1) => text.push_str(", protection: the broker's own band"),
        Some(percent) => text.push_str(&format!(", protection {percent} %")),
    }
    text
}

fn text(rows: &[StandingRow]) -> String {
    if rows.is_empty() {
        return "no standing orders".to_owned();
    }
    let mut table = Table::new([
        ("id", Align::Left),
        ("symbol", Align::Left),
        ("product", Align::Left),
        ("qty", Align::Right),
        ("rule", Align::Left),
        ("side", Align::Left),
        ("when", Align::Left),
        ("price", Align::Right),
        ("trailing", Align::Right),
        ("status", Align::Left),
        ("order", Align::Left),
        ("words", Align::Left),
    ]);
    for row in rows {
        for (index, rule) in row.rules.iter().enumerate() {
            let head = if index == 0 { head(row) } else { Default::default() };
            table.row(rule_cells(head, rule));
        }
    }
    format!("{}{} standing orders", table.for_screen(), rows.len())
}

/// What all rules of a standing order share; shown once.
fn head(row: &StandingRow) -> [String; 4] {
    [
        row.gtt_order_id.clone(),
        symbol_of(row.trading_symbol.as_deref(), &row.instrument_key),
        table::or_nothing(row.product.as_ref()),
        row.quantity.get().to_string(),
    ]
}

fn rule_cells([id, symbol, product, qty]: [String; 4], rule: &RuleRow) -> [String; 12] {
    [
        id,
        symbol,
        product,
        qty,
        rule.strategy.to_string(),
        table::or_nothing(rule.transaction_type.as_ref()),
        rule.trigger_type.to_string(),
        table::price(Some(rule.trigger_price)),
        table::price(rule.trailing_gap),
        table::or_nothing(rule.status.as_ref()),
        table::or_nothing(rule.order_id.as_ref()),
        rule.message.clone().unwrap_or_default(),
    ]
}
