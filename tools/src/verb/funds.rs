//! `bijli funds`: what may be traded with, and where it came from and went. Closed from 00:00 to 05:30 in India.

use bijli_core::Money;
use bijli_gateway::upstox::funds_api::{
    self, CashAvailable, DeliveryMargin, Funds, FundsOfSegment, FundsV2, PledgeAvailable, UnavailableToTrade,
};
use serde_json::json;

use super::broker_arguments::{BrokerArguments, Shown};
use super::table::{self, Align, Table};

/// Arguments of `funds`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The old form, by shares and commodities.
    #[arg(long)]
    v2: bool,
    #[command(flatten)]
    broker: BrokerArguments,
}

/// A name, indented as deep as it belongs, and an amount.
type Line = (&'static str, Option<Money>);

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    args.broker.run(|session| {
        if args.v2 {
            let funds = session.ask(&funds_api::funds_v2(None), funds_api::funds_v2_of)?;
            return Ok(Shown {
                data: json!(funds),
                text: v2_text(&funds),
            });
        }
        let funds = session.ask(&funds_api::funds_v3(), funds_api::funds_v3_of)?;
        Ok(Shown {
            data: json!(funds),
            text: text(&funds),
        })
    })
}

/// Amounts that are not told are left out; zeros are told.
fn text(funds: &Funds) -> String {
    let available = &funds.available_to_trade;
    let mut lines: Vec<Line> = vec![("available to trade", Some(available.total))];
    lines.extend(available.cash_available_to_trade.iter().flat_map(cash_lines));
    lines.extend(available.pledge_available_to_trade.iter().flat_map(pledge_lines));
    lines.extend(funds.unavailable_to_trade.iter().flat_map(unavailable_lines));
    let told: Vec<(&str, String)> = lines
        .into_iter()
        .filter_map(|(name, amount)| Some((name, table::money(Some(amount?)))))
        .collect();
    // A table's cells are trimmed, and here the blanks before a name mean something.
    let widest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
    let names = widest(&mut told.iter().map(|(name, _)| name.len()));
    let amounts = widest(&mut told.iter().map(|(_, amount)| amount.len()));
    told.iter()
        .map(|(name, amount)| format!("{name:<names$}  {amount:>amounts$}\n"))
        .collect()
}

fn cash_lines(cash: &CashAvailable) -> Vec<Line> {
    let mut lines = vec![("  in cash", Some(cash.total))];
    if let Some(from) = &cash.cash {
        lines.extend([
            ("    opening balance", from.opening_balance),
            ("    added today", from.added_today),
            ("    withdrawn today", from.withdrawn_today),
            ("    from shares sold", from.amount_from_stock_sale),
            ("    unpaid charges", from.unpaid_charges),
        ]);
    }
    if let Some(used) = &cash.margin_used {
        lines.extend([
            ("    used", used.total),
            ("      shares on borrowed money", used.mtf),
            ("      span and exposure", used.span_exposure),
            ("      shares", used.cash_margin_var_elm),
            ("      option premium", used.premium_present),
        ]);
        if let Some(loss) = &used.loss {
            lines.extend([
                ("      lost today", loss.total),
                ("        realised", loss.realised),
                ("        unrealised", loss.unrealised),
            ]);
        }
        lines.extend(used.delivery_margin.iter().flat_map(delivery_lines));
    }
    lines
}

fn pledge_lines(pledge: &PledgeAvailable) -> Vec<Line> {
    let mut lines = vec![("  against pledges", pledge.total)];
    if let Some(from) = &pledge.margin_from_pledge {
        lines.extend([
            ("    pledged", from.total),
            ("      shares", from.equity),
            ("      fund units", from.mutual_funds),
        ]);
    }
    if let Some(used) = &pledge.margin_used {
        lines.extend([
            ("    used", used.total),
            ("      shares on borrowed money", used.mtf),
            ("      span and exposure", used.span_exposure),
            ("      shares", used.cash_margin_var_elm),
            ("      option premium", used.premium_present),
        ]);
        lines.extend(used.delivery_margin.iter().flat_map(delivery_lines));
    }
    lines
}

fn delivery_lines(delivery: &DeliveryMargin) -> [Line; 3] {
    [
        ("      delivery", delivery.total),
        ("        shares", delivery.equity),
        ("        derivatives", delivery.fo_settlement),
    ]
}

fn unavailable_lines(funds: &UnavailableToTrade) -> Vec<Line> {
    let mut lines = Vec::new();
    let cash = funds.cash_unavailable_to_trade.as_ref();
    if let Some(profit) = cash.and_then(|cash| cash.unsettled_profit.as_ref()) {
        lines.extend([
            ("not yet: profit of today", profit.todays_profit),
            ("not yet: profit of earlier days", profit.previous_days),
        ]);
    }
    if let Some(pledge) = &funds.pledge_unavailable_to_trade {
        lines.extend([
            ("not yet: pledged shares", pledge.equity),
            ("not yet: pledged fund units", pledge.mutual_funds),
        ]);
    }
    lines
}

fn v2_text(funds: &FundsV2) -> String {
    let mut table = Table::new([
        ("", Align::Left),
        ("equity", Align::Right),
        ("commodity", Align::Right),
    ]);
    let of = |part: fn(&FundsOfSegment) -> Option<Money>| {
        [&funds.equity, &funds.commodity].map(|segment| table::money(segment.as_ref().and_then(part)))
    };
    for (name, [equity, commodity]) in [
        ("available", of(|funds| Some(funds.available_margin))),
        ("used", of(|funds| Some(funds.used_margin))),
        ("paid in today", of(|funds| funds.payin_amount)),
        ("span", of(|funds| funds.span_margin)),
        ("exposure", of(|funds| funds.exposure_margin)),
        ("lent by the broker", of(|funds| funds.adhoc_margin)),
        ("notional cash", of(|funds| funds.notional_cash)),
    ] {
        table.row([name.to_owned(), equity, commodity]);
    }
    table.for_screen()
}
