//! `bijli pnl`: closed trades of a financial year as the back office books them, all pages, with totals and charges.

use bijli_core::{IstDay, Money};
use bijli_gateway::upstox::profit_loss_api::{
    self, ClosedTrade, FinancialYear, PageQuery, Report, ReportCharges,
};
use bijli_gateway::upstox::vocabulary::Ledger;
use serde_json::{Value, json};

use super::broker_arguments::{BrokerArguments, BrokerSession, Shown};
use super::sim::parse_day;
use super::table::{self, Align, Table};
use super::typed_value;
use crate::broker_access::Trouble;

/// Rows of a page where the broker names no limit.
const PAGE_SIZE: u32 = 5_000;

/// Arguments of `pnl`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ledger: EQ, FO, COM or CD.
    #[arg(long, value_parser = typed_value::ledger)]
    segment: Ledger,
    /// Financial year: 2627 for April 2026 to March 2027.
    #[arg(long, value_parser = typed_value::financial_year)]
    year: FinancialYear,
    /// First day, YYYY-MM-DD, within the year.
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    from: Option<IstDay>,
    /// Last day, within the year.
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    to: Option<IstDay>,
    /// Ask for the charges too.
    #[arg(long)]
    charges: bool,
    /// Rows asked for at a time; all pages are read.
    #[arg(long, value_name = "ROWS", default_value_t = PAGE_SIZE, value_parser = clap::value_parser!(u32).range(1..))]
    page_size: u32,
    #[command(flatten)]
    broker: BrokerArguments,
}

/// Everything that is shown.
struct Books {
    rows: Vec<ClosedTrade>,
    bought: Option<Money>,
    sold: Option<Money>,
    charges: Option<ReportCharges>,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    args.broker.run(|session| {
        let books = args.books(session)?;
        Ok(Shown {
            data: books.data(),
            text: books.text(),
        })
    })
}

impl Args {
    fn books(&self, session: &mut BrokerSession) -> Result<Books, Trouble> {
        let report = self.report()?;
        let size = session.ask(&profit_loss_api::metadata(&report), profit_loss_api::size_of)?;
        let limit = size.page_size_limit.and_then(|limit| u32::try_from(limit).ok());
        let page_size = self.page_size.min(limit.unwrap_or(PAGE_SIZE)).max(1);
        let rows = if size.trades_count == 0 {
            Vec::new()
        } else {
            let call = |page_number| {
                let page = PageQuery {
                    page_number,
                    page_size,
                };
                profit_loss_api::rows(&report, page)
            };
            session.ask_all(call, profit_loss_api::rows_of)?
        };
        if i64::try_from(rows.len()) != Ok(size.trades_count) {
            return Err(Trouble::error(format!(
                "the report has {} rows and {} were read: it changed meanwhile; ask again",
                size.trades_count,
                rows.len()
            )));
        }
        let charges = if self.charges {
            Some(session.ask(&profit_loss_api::charges(&report), profit_loss_api::charges_of)?)
        } else {
            None
        };
        Ok(Books {
            bought: table::sum(rows.iter().map(|row| row.buy_amount)),
            sold: table::sum(rows.iter().map(|row| row.sell_amount)),
            rows,
            charges,
        })
    }

    fn report(&self) -> Result<Report, Trouble> {
        if let (Some(first), Some(last)) = (self.from, self.to)
            && last < first
        {
            return Err(Trouble::usage(format!("{last} lies before {first}")));
        }
        for day in [self.from, self.to].into_iter().flatten() {
            if FinancialYear::of(day) != self.year {
                return Err(Trouble::usage(format!(
                    "{day} does not lie in the financial year {}",
                    self.year
                )));
            }
        }
        Ok(Report {
            ledger: self.segment.clone(),
            year: self.year,
            first: self.from,
            last: self.to,
        })
    }
}

fn pnl_of(row: &ClosedTrade) -> Option<Money> {
    row.sell_amount?.minus(row.buy_amount?)
}

impl Books {
    fn gross(&self) -> Option<Money> {
        self.sold?.minus(self.bought?)
    }

    fn net(&self) -> Option<Money> {
        self.gross()?.minus(self.charges.as_ref()?.total)
    }

    fn data(&self) -> Value {
        let rupees = |amount: Option<Money>| amount.map(Money::rupees);
        json!({
            "trades": self.rows,
            "totals": {
                "trades": self.rows.len(),
                "bought": rupees(self.bought),
                "sold": rupees(self.sold),
                "pnl": rupees(self.gross()),
                "pnl_after_charges": rupees(self.net()),
            },
            "charges": self.charges,
        })
    }

    fn text(&self) -> String {
        let mut text = if self.rows.is_empty() {
            "no closed trades\n".to_owned()
        } else {
            self.table()
        };
        if let Some(charges) = &self.charges {
            text.push_str(&charges_text(charges));
            text.push_str(&format!("\nafter charges {}", table::signed(self.net())));
        }
        text
    }

    fn table(&self) -> String {
        let mut table = Table::new([
            ("name", Align::Left),
            ("sort", Align::Left),
            ("qty", Align::Right),
            ("bought", Align::Left),
            ("at", Align::Right),
            ("sold", Align::Left),
            ("at", Align::Right),
            ("pnl", Align::Right),
        ]);
        for row in &self.rows {
            table.row([
                table::or_nothing(row.scrip_name.as_ref().or(row.isin.as_ref())),
                table::or_nothing(row.trade_type.as_ref()),
                row.quantity.get().to_string(),
                table::or_nothing(row.buy_date),
                table::price(row.buy_average),
                table::or_nothing(row.sell_date),
                table::price(row.sell_average),
                table::signed(pnl_of(row)),
            ]);
        }
        format!(
            "{}{} closed trades; bought {}, sold {}, result {}\n",
            table.for_screen(),
            self.rows.len(),
            table::money(self.bought),
            table::money(self.sold),
            table::signed(self.gross()),
        )
    }
}

fn charges_text(charges: &ReportCharges) -> String {
    let taxes = charges.taxes.as_ref();
    let fees = charges.charges.as_ref();
    let parts = [
        ("brokerage", charges.brokerage),
        ("gst", taxes.and_then(|taxes| taxes.gst)),
        ("stt", taxes.and_then(|taxes| taxes.stt)),
        ("stamp duty", taxes.and_then(|taxes| taxes.stamp_duty)),
        ("exchange", fees.and_then(|fees| fees.transaction)),
        ("clearing", fees.and_then(|fees| fees.clearing)),
        ("investor protection", fees.and_then(|fees| fees.ipft)),
        ("sebi", fees.and_then(|fees| fees.sebi_turnover)),
        ("depository", fees.and_then(|fees| fees.demat_transaction)),
        ("others", fees.and_then(|fees| fees.others)),
    ];
    let told = parts.into_iter().filter(|(_, amount)| amount.is_some());
    let told: Vec<String> = told
        .map(|(name, amount)| format!("{name} {}", table::money(amount)))
        .collect();
    format!(
        "charges {} ({})",
        table::money(Some(charges.total)),
        told.join(", ")
    )
}
