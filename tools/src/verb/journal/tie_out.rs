//! `bijli journal tie-out`: the day's trades as the journal has them against the broker's tradebook.
//!
//! Exit code 0 only when every trade, every sum and the charges tie; 1 otherwise, with the table of what does not.

use std::path::PathBuf;

use bijli_core::Money;
use bijli_gateway::upstox::order_read_api;
use clap::Args as ClapArgs;
use serde_json::{Value, json};

use super::export::{collect, journal_of};
use crate::broker_access::Trouble;
use crate::exit_code;
use crate::replica::ReplayError;
use crate::stdout::print_line;
use crate::trade_log::tie_out::{InstrumentTie, TieOut, rupees_text, tie_out};
use crate::trade_log::tradebook::{Tradebook, parse, units_of};
use crate::trade_log::{DayLog, TradeLogError, warning_of};
use crate::verb::broker_arguments::BrokerArguments;
use crate::verb::table::{Align, Table};

/// Arguments of `journal tie-out`.
#[derive(Debug, ClapArgs)]
#[group(id = "book", required = true, multiple = false, args = ["tradebook", "live"])]
pub(super) struct Args {
    /// Journal folder, run directory or segment file; default: the newest run under ./runs.
    journal: Option<PathBuf>,
    /// The run directory; default: the newest under ./runs.
    #[arg(long, value_name = "RUN_DIR", conflicts_with = "journal")]
    dir: Option<PathBuf>,
    /// The broker's tradebook: JSON as `bijli trades --json` prints it, or CSV of the back office.
    #[arg(long, value_name = "FILE")]
    tradebook: Option<PathBuf>,
    /// Ask the broker for the day's trades now.
    #[arg(long)]
    live: bool,
    /// Charges of the contract note in rupees; they tie within one rupee.
    #[arg(long, value_name = "RUPEES", value_parser = rupees)]
    broker_charges: Option<Money>,
    /// Take what is sound before damage or before the end of a running day.
    #[arg(long)]
    prefix: bool,
    #[command(flatten)]
    broker: BrokerArguments,
}

fn rupees(text: &str) -> Result<Money, String> {
    let units = units_of(text).ok_or_else(|| "an amount in rupees, such as 123.45".to_owned())?;
    Ok(Money::new(units))
}

/// Runs the verb; gives the exit code.
pub(super) fn run(args: &Args) -> i32 {
    match args.compare() {
        Ok((log, book, tie)) => {
            if args.broker.json {
                print_line(&json_of(&log, &book, &tie).to_string());
            } else {
                print_line(text_of(&log, &book, &tie).trim_end());
            }
            if tie.ties() && log.replayed.identical {
                exit_code::OK
            } else {
                exit_code::ERROR
            }
        }
        Err(trouble) => {
            if args.broker.json {
                print_line(&json!({ "ties": false, "error": trouble.message }).to_string());
            }
            eprintln!("error: {}", trouble.message);
            trouble.code
        }
    }
}

impl Args {
    fn compare(&self) -> Result<(DayLog, Tradebook, TieOut), Trouble> {
        let log = journal_of(self.journal.as_deref(), self.dir.as_deref())
            .and_then(|path| collect(&path, self.prefix))
            .map_err(|error| journal_trouble(&error))?;
        let (name, text) = match &self.tradebook {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| Trouble {
                    code: exit_code::NO_DATA,
                    message: format!("{}: {error}", path.display()),
                })?;
                (path.display().to_string(), text)
            }
            None => ("the broker's answer".to_owned(), self.ask()?),
        };
        let book =
            parse(&text, log.session.day).map_err(|error| Trouble::error(format!("{name}: {error}")))?;
        let tie = tie_out(&log, &book, self.broker_charges);
        Ok((log, book, tie))
    }

    /// The trades of the day as the broker tells them now, in the words that `bijli trades --json` has.
    fn ask(&self) -> Result<String, Trouble> {
        let mut session = self.broker.target()?.open()?;
        let rows = session.ask(&order_read_api::trades_of_day(), order_read_api::trade_rows_of)?;
        Ok(json!(rows).to_string())
    }
}

fn journal_trouble(error: &TradeLogError) -> Trouble {
    let code = match error {
        TradeLogError::Replay(ReplayError::Missing(_)) | TradeLogError::NoSession(_) => exit_code::NO_DATA,
        _ => exit_code::ERROR,
    };
    Trouble {
        code,
        message: error.to_string(),
    }
}

fn json_of(log: &DayLog, book: &Tradebook, tie: &TieOut) -> Value {
    json!({
        "ties": tie.ties() && log.replayed.identical,
        "session_id": log.session.id,
        "day": log.session.day.to_string(),
        "warning": warning_of(log),
        "replay_identical": log.replayed.identical,
        "cut": log.replayed.cut,
        "journal_trades": log.day.fills.len(),
        "tradebook_trades": book.trades.len(),
        "tradebook_rows_of_other_days": book.other_days,
        "tradebook_remarks": book.remarks,
        "tie_out": tie,
    })
}

fn text_of(log: &DayLog, book: &Tradebook, tie: &TieOut) -> String {
    let mut text = String::new();
    if let Some(warning) = warning_of(log) {
        text.push_str(&format!("*** {warning} ***\n"));
    }
    text.push_str(&sums_text(&tie.instruments));
    if !tie.discrepancies.is_empty() {
        let mut table = Table::new([
            ("what", Align::Left),
            ("trade", Align::Left),
            ("order", Align::Left),
            ("symbol", Align::Left),
            ("journal", Align::Right),
            ("tradebook", Align::Right),
        ]);
        for row in &tie.discrepancies {
            table.row([
                row.kind.to_owned(),
                row.trade_id.clone(),
                row.order_id.clone(),
                row.symbol.clone(),
                row.ours.clone(),
                row.theirs.clone(),
            ]);
        }
        text.push_str(&format!("\n{}", table.for_screen()));
    }
    if let Some(theirs) = tie.broker_charges_e4 {
        let (ours, theirs) = (Money::new(tie.charges_e4), Money::new(theirs));
        text.push_str(&format!("charges: ours {ours}, the broker's {theirs}\n"));
    } else {
        text.push_str("charges: not compared, since not every row tells them; give --broker-charges\n");
    }
    if tie.carried_positions > 0 {
        let count = tie.carried_positions;
        text.push_str(&format!(
            "{count} positions carried into the day are not in a tradebook and not in the sums; the engine's result of \
             their instruments is not compared\n"
        ));
    }
    if book.other_days + book.remarks > 0 {
        text.push_str(&format!(
            "left out: {} rows of other days, {} without a trade id\n",
            book.other_days, book.remarks
        ));
    }
    if !log.replayed.identical {
        text.push_str("IN DOUBT: the replay differs from the journal; `bijli replay --verify` tells where\n");
    }
    let verdict = if tie.ties() && log.replayed.identical {
        "TIES"
    } else {
        "DOES NOT TIE"
    };
    text.push_str(&format!(
        "{verdict}: {} of {} trades matched with {} of the tradebook, {} differences",
        tie.matched,
        log.day.fills.len(),
        book.trades.len(),
        tie.discrepancies.len()
    ));
    text
}

fn sums_text(instruments: &[InstrumentTie]) -> String {
    if instruments.is_empty() {
        return "no trades on either side\n".to_owned();
    }
    let mut table = Table::new([
        ("symbol", Align::Left),
        ("net qty", Align::Right),
        ("bought", Align::Right),
        ("sold", Align::Right),
        ("gross, average", Align::Right),
        ("gross, FIFO", Align::Right),
        ("difference", Align::Right),
    ]);
    for row in instruments {
        let (ours, theirs) = (&row.journal, &row.tradebook);
        let difference = theirs.gross_fifo_e4 - ours.gross_fifo_e4;
        let mark = if ours == theirs { "" } else { " !" };
        table.row([
            row.symbol.clone(),
            ours.net_qty.to_string(),
            rupees_text(ours.bought_e4),
            rupees_text(ours.sold_e4),
            ours.gross_average_e4
                .map_or("-".to_owned(), |units| rupees_text(units.into())),
            rupees_text(ours.gross_fifo_e4),
            format!("{}{mark}", rupees_text(difference)),
        ]);
    }
    table.for_screen()
}
