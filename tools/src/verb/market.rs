//! `bijli market`: what the broker says of the market's hours, beside what our own dated tables say.
//!
//! Invariants: both sides are always shown; where they differ that is said in the text, on standard error, and in
//! `--json` (`"agrees": false`); where our tables say nothing `agrees` is null. Only continuous trading of shares and
//! their derivatives is compared. A simulator's clock is not ours: its status is compared at the time since which it
//! holds. Left out: currencies and commodities, which our tables do not hold, are shown but not compared.

use bijli_core::holiday::Holiday as OurHoliday;
use bijli_core::session::{ClosedDay, Market, SessionTimes};
use bijli_core::{IstDay, TsNs};
use bijli_gateway::upstox::market_api::{self, Holiday, Hours, MarketState};
use bijli_gateway::upstox::vocabulary::Exchange;
use clap::Subcommand;
use serde_json::{Value, json};

use super::broker_arguments::{BrokerArguments, BrokerSession, Shown};
use super::sim::parse_day;
use super::table::{Align, Table, or_nothing};
use crate::broker_access::Trouble;
use crate::duty_cycle::wall_now;
use crate::words;

/// Arguments of `market`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Whether exchanges are open now.
    Status {
        /// NSE, NFO, BSE, BFO, CDS, BCD, MCX or NSCOM; default: the first four.
        #[arg(value_name = "EXCHANGE")]
        exchange: Option<String>,
        #[command(flatten)]
        broker: BrokerArguments,
    },
    /// The year's holidays, or what a day is.
    Holidays {
        /// Only this day, YYYY-MM-DD.
        #[arg(long, value_name = "DATE", value_parser = parse_day)]
        date: Option<IstDay>,
        #[command(flatten)]
        broker: BrokerArguments,
    },
    /// When exchanges open and close on a day.
    Timings {
        /// The day, YYYY-MM-DD.
        #[arg(value_name = "DATE", value_parser = parse_day)]
        date: IstDay,
        #[command(flatten)]
        broker: BrokerArguments,
    },
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    match &args.what {
        What::Status { exchange, broker } => broker.run(|session| status(session, exchange.as_deref())),
        What::Holidays { date, broker } => broker.run(|session| holidays(session, *date)),
        What::Timings { date, broker } => broker.run(|session| timings(session, *date)),
    }
}

/// Two sides of one fact.
struct Compared {
    /// What it is about, for people.
    what: String,
    /// What our tables say; `None` where they say nothing.
    ours: Option<String>,
    /// What the broker says.
    theirs: String,
}

impl Compared {
    fn agrees(&self) -> Option<bool> {
        self.ours.as_ref().map(|ours| *ours == self.theirs)
    }

    fn agrees_text(&self) -> String {
        match self.agrees() {
            Some(true) => "yes".to_owned(),
            Some(false) => "NO".to_owned(),
            None => "-".to_owned(),
        }
    }
}

/// Whether all that can be compared agrees; null where nothing can. Says loudly what does not.
fn verdict(compared: &[Compared]) -> (Value, String) {
    let known: Vec<bool> = compared.iter().filter_map(Compared::agrees).collect();
    let agrees = (!known.is_empty()).then(|| known.iter().all(|agrees| *agrees));
    let mut text = String::new();
    for fact in compared.iter().filter(|fact| fact.agrees() == Some(false)) {
        let ours = or_nothing(fact.ours.as_ref());
        let line = format!(
            "{}: the broker says {}, our calendar says {ours}",
            fact.what, fact.theirs
        );
        eprintln!("warning: {line}");
        text.push_str(&format!("*** DISAGREEMENT *** {line}\n"));
    }
    (json!(agrees), text)
}

fn market_of(exchange: &Exchange) -> Option<Market> {
    match exchange {
        Exchange::Nse | Exchange::Bse => Some(Market::Cash),
        Exchange::Nfo | Exchange::Bfo => Some(Market::Derivatives),
        _ => None,
    }
}

fn status(session: &mut BrokerSession, exchange: Option<&str>) -> Result<Shown, Trouble> {
    let exchanges = match exchange {
        Some(word) => vec![Exchange::from_word(&word.to_uppercase())],
        None => vec![Exchange::Nse, Exchange::Nfo, Exchange::Bse, Exchange::Bfo],
    };
    let mut table = Table::new([
        ("exchange", Align::Left),
        ("status", Align::Left),
        ("since", Align::Left),
        ("ours", Align::Left),
        ("agrees", Align::Left),
    ]);
    let (mut rows, mut compared) = (Vec::new(), Vec::new());
    for exchange in &exchanges {
        let status = session.ask(&market_api::status(exchange), market_api::status_of)?;
        let at = match status.last_updated {
            Some(since) if session.is_simulated() => since,
            _ => wall_now(),
        };
        let word = |open: bool| if open { "open" } else { "closed" }.to_owned();
        let fact = Compared {
            what: format!("{exchange} at {at} IST"),
            ours: is_open(exchange, at).map(word),
            theirs: word(status.status == MarketState::NormalOpen),
        };
        table.row([
            exchange.to_string(),
            status.status.to_string(),
            or_nothing(status.last_updated),
            or_nothing(fact.ours.as_ref()),
            fact.agrees_text(),
        ]);
        rows.push(json!({
            "exchange": exchange, "status": status.status,
            "since_ist": status.last_updated.map(|since| since.to_string()), "compared_at_ist": at.to_string(),
            "ours": fact.ours, "theirs": fact.theirs, "agrees": fact.agrees(),
        }));
        compared.push(fact);
    }
    let (agrees, loud) = verdict(&compared);
    Ok(Shown {
        data: json!({ "agrees": agrees, "exchanges": rows }),
        text: loud + &table.for_screen(),
    })
}

/// Whether our tables have continuous trading on then; `None` where they say nothing.
fn is_open(exchange: &Exchange, at: TsNs) -> Option<bool> {
    match SessionTimes::of(at.ist_day(), market_of(exchange)?) {
        Ok(times) => Some(times.is_open(at)),
        Err(ClosedDay::Weekend | ClosedDay::Holiday) => Some(false),
        Err(ClosedDay::Uncovered) => None,
    }
}

fn holidays(session: &mut BrokerSession, date: Option<IstDay>) -> Result<Shown, Trouble> {
    let call = date.map_or_else(market_api::holidays, market_api::holiday);
    let holidays = session.ask(&call, market_api::holidays_of)?;
    let mut table = Table::new([
        ("date", Align::Left),
        ("kind", Align::Left),
        ("what", Align::Left),
        ("closed", Align::Left),
        ("agrees", Align::Left),
    ]);
    let (mut rows, mut compared) = (Vec::new(), Vec::new());
    for holiday in &holidays {
        let fact = shares_on(holiday.date, Some(holiday));
        let closed = holiday.closed_exchanges.as_deref().unwrap_or_default();
        let closed: Vec<&str> = closed.iter().map(Exchange::as_str).collect();
        table.row([
            holiday.date.to_string(),
            or_nothing(holiday.holiday_type.as_ref()),
            holiday.description.clone().unwrap_or_default(),
            closed.join(" "),
            fact.agrees_text(),
        ]);
        rows.push(json!({
            "holiday": holiday, "ours": fact.ours, "theirs": fact.theirs, "agrees": fact.agrees(),
        }));
        compared.push(fact);
    }
    // What our list has and the broker's lacks is a difference too.
    let year = holidays.first().map_or(0, |holiday| holiday.date.ymd().0);
    let expected: Vec<IstDay> = match date {
        Some(day) => vec![day],
        None => OurHoliday::of_year(year).iter().map(OurHoliday::day).collect(),
    };
    let told = |day: &IstDay| holidays.iter().any(|holiday| holiday.date == *day);
    compared.extend(
        expected
            .iter()
            .filter(|day| !told(day))
            .map(|day| shares_on(*day, None)),
    );
    let (agrees, loud) = verdict(&compared);
    let unlisted = &compared[rows.len()..];
    let side = |fact: &Compared| json!({ "what": fact.what, "ours": fact.ours, "theirs": fact.theirs, "agrees": fact.agrees() });
    let unlisted: Vec<Value> = unlisted.iter().map(side).collect();
    let mut text = loud + &table.for_screen();
    if let (Some(day), true) = (date, holidays.is_empty()) {
        text.push_str(&format!("{day} is not on the broker's list of holidays\n"));
    }
    Ok(Shown {
        data: json!({ "agrees": agrees, "holidays": rows, "not_on_their_list": unlisted }),
        text,
    })
}

/// Whether shares trade on a day, by both sides. A weekend is shut whether it is listed or not, unless hours are told.
fn shares_on(day: IstDay, holiday: Option<&Holiday>) -> Compared {
    let word = |open: bool| if open { "open" } else { "shut" }.to_owned();
    let lists = |exchanges: &Option<Vec<Exchange>>| {
        let exchanges = exchanges.as_deref().unwrap_or_default();
        exchanges.contains(&Exchange::Nse)
    };
    let has_hours = |holiday: &Holiday| {
        let hours = holiday.open_exchanges.as_deref().unwrap_or_default();
        hours.iter().any(|hours| hours.exchange == Exchange::Nse)
    };
    let theirs = match holiday {
        Some(holiday) if lists(&holiday.closed_exchanges) => false,
        Some(holiday) if has_hours(holiday) => true,
        _ => day.weekday() < 5,
    };
    let ours = match SessionTimes::of(day, Market::Cash) {
        Ok(_) if OurHoliday::of_year(day.ymd().0).is_empty() => None,
        Ok(_) => Some(true),
        Err(ClosedDay::Weekend | ClosedDay::Holiday) => Some(false),
        Err(ClosedDay::Uncovered) => None,
    };
    Compared {
        what: format!("NSE on {day}"),
        ours: ours.map(word),
        theirs: word(theirs),
    }
}

fn timings(session: &mut BrokerSession, day: IstDay) -> Result<Shown, Trouble> {
    let timings = session.ask(&market_api::timings(day), market_api::timings_of)?;
    let mut table = Table::new([
        ("exchange", Align::Left),
        ("opens", Align::Left),
        ("closes", Align::Left),
        ("ours", Align::Left),
        ("agrees", Align::Left),
    ]);
    let (mut rows, mut compared) = (Vec::new(), Vec::new());
    let told = |exchange: &Exchange| timings.iter().find(|hours| hours.exchange == *exchange);
    let compared_always = [Exchange::Nse, Exchange::Nfo, Exchange::Bse, Exchange::Bfo];
    let others = timings.iter().map(|hours| &hours.exchange);
    let others = others.filter(|exchange| market_of(exchange).is_none());
    for exchange in compared_always.iter().chain(others) {
        let hours = told(exchange);
        let fact = hours_on(day, exchange, hours);
        let second = |ts: Option<TsNs>| or_nothing(ts.map(words::second_text));
        table.row([
            exchange.to_string(),
            second(hours.map(|hours| hours.start_time)),
            second(hours.map(|hours| hours.end_time)),
            or_nothing(fact.ours.as_ref()),
            fact.agrees_text(),
        ]);
        rows.push(json!({
            "exchange": exchange, "ours": fact.ours, "theirs": fact.theirs, "agrees": fact.agrees(),
        }));
        compared.push(fact);
    }
    let (agrees, loud) = verdict(&compared);
    Ok(Shown {
        data: json!({ "date": day.to_string(), "agrees": agrees, "exchanges": rows }),
        text: loud + &table.for_screen(),
    })
}

fn hours_on(day: IstDay, exchange: &Exchange, hours: Option<&Hours>) -> Compared {
    let span =
        |open: TsNs, close: TsNs| format!("{} to {}", words::second_text(open), words::second_text(close));
    let ours = market_of(exchange).and_then(|market| match SessionTimes::of(day, market) {
        Ok(_) if OurHoliday::of_year(day.ymd().0).is_empty() && hours.is_none() => None,
        Ok(times) => Some(span(times.open, times.close)),
        Err(ClosedDay::Weekend | ClosedDay::Holiday) => Some("shut".to_owned()),
        Err(ClosedDay::Uncovered) => None,
    });
    Compared {
        what: format!("{exchange} on {day}"),
        ours,
        theirs: hours.map_or_else(
            || "shut".to_owned(),
            |hours| span(hours.start_time, hours.end_time),
        ),
    }
}
