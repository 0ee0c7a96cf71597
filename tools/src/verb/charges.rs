//! `bijli charges`: what an order would cost by the broker's own answer, beside our table, and the difference.
//!
//! Our figure is `bijli_core::charges`, which the engine reckons with. It knows shares only as intraday, and options
//! and futures in every product: what differs for delivered shares is shown as a difference and named as such.

use bijli_core::charges::{ChargeParts, ChargedFill};
use bijli_core::instrument::InstrumentKind;
use bijli_core::order::Side;
use bijli_core::{IstDay, Money, Price, Qty};
use bijli_gateway::upstox::charges_api::{self, BrokerageQuery, Charges};
use bijli_gateway::upstox::vocabulary::ProductWord;
use serde_json::{Value, json};

use super::broker_arguments::{BrokerArguments, Shown};
use super::instrument_name::MasterArguments;
use super::sim::parse_day;
use super::table::{self, Align, Table};
use super::typed_value;
use crate::broker_access::Trouble;
use crate::duty_cycle::wall_now;
use crate::words;

/// Arguments of `charges`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Instrument key, or a name that the stored masters know.
    #[arg(long, value_name = "KEY")]
    instrument: String,
    /// BUY or SELL.
    #[arg(long, value_parser = typed_value::side)]
    side: Side,
    /// Units.
    #[arg(long, value_parser = typed_value::quantity)]
    qty: Qty,
    /// Price in rupees.
    #[arg(long, value_parser = typed_value::price)]
    price: Price,
    /// I (intraday), D (delivery or carried forward), MTF or CO.
    #[arg(long, value_parser = typed_value::product, default_value = "I")]
    product: ProductWord,
    /// Sort of contract, where neither the key's segment nor a stored master tells it.
    #[arg(long, value_parser = kind)]
    kind: Option<InstrumentKind>,
    /// Day whose rates our figure uses, YYYY-MM-DD; today where it is left out.
    #[arg(long, value_parser = parse_day)]
    day: Option<IstDay>,
    #[command(flatten)]
    masters: MasterArguments,
    #[command(flatten)]
    broker: BrokerArguments,
}

fn kind(text: &str) -> Result<InstrumentKind, String> {
    match text.to_ascii_lowercase().as_str() {
        "equity" | "eq" => Ok(InstrumentKind::Equity),
        "future" | "fut" => Ok(InstrumentKind::Future),
        "call" | "ce" => Ok(InstrumentKind::Call),
        "put" | "pe" => Ok(InstrumentKind::Put),
        _ => Err(format!(
            "`{text}` is no sort of contract: write equity, future, call or put"
        )),
    }
}

/// One sort of cost by both tables.
struct Line {
    name: &'static str,
    theirs: Option<Money>,
    ours: Option<Money>,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    let (key, turnover) = match args.settle() {
        Ok(settled) => settled,
        Err(trouble) => return args.broker.refuse(trouble),
    };
    let query = BrokerageQuery {
        instrument_key: key,
        side: args.side,
        qty: args.qty,
        product: args.product.clone(),
        price: args.price,
    };
    args.broker.run(|session| {
        let theirs = session.ask(&charges_api::brokerage(&query), charges_api::brokerage_of)?;
        let kind = args.kind.or_else(|| args.masters.kind_of(&query.instrument_key));
        let ours = kind.map(|kind| args.ours(kind, turnover));
        let note = note(kind, &args.product);
        Ok(Shown {
            data: data(&query, &theirs, ours.as_ref(), note),
            text: text(turnover, &theirs, ours.as_ref(), note),
        })
    })
}

impl Args {
    fn settle(&self) -> Result<(String, Money), Trouble> {
        let turnover = self
            .price
            .times(self.qty)
            .ok_or_else(|| Trouble::usage("price times quantity is beyond all bounds"))?;
        Ok((self.masters.key_of(&self.instrument)?, turnover))
    }

    fn ours(&self, kind: InstrumentKind, turnover: Money) -> ChargeParts {
        let fill = ChargedFill {
            day: self.day.unwrap_or_else(|| wall_now().ist_day()),
            kind,
            side: self.side,
            turnover,
            order_turnover_before: Money::ZERO,
        };
        fill.parts()
    }
}

fn note(kind: Option<InstrumentKind>, product: &ProductWord) -> Option<&'static str> {
    match (kind, product) {
        (None, _) => Some("no figure of ours: the sort of contract is not known; name it with --kind"),
        (Some(InstrumentKind::Equity), ProductWord::Delivery | ProductWord::Mtf) => {
            Some("our table charges shares as intraday; delivered ones have other rates")
        }
        _ => None,
    }
}

fn difference(theirs: Option<Money>, ours: Option<Money>) -> Option<Money> {
    theirs?.minus(ours?)
}

fn data(query: &BrokerageQuery, theirs: &Charges, ours: Option<&ChargeParts>, note: Option<&str>) -> Value {
    let total = ours.map(ChargeParts::total);
    json!({
        "order": {
            "instrument_key": query.instrument_key,
            "side": words::side_name(query.side),
            "quantity": query.qty.get(),
            "product": query.product,
            "price": query.price.rupees(),
        },
        "theirs": theirs,
        "ours": ours.map(|ours| json!({
            "total": ours.total().rupees(),
            "brokerage": ours.brokerage.rupees(),
            "exchange": ours.exchange.rupees(),
            "sebi_turnover": ours.sebi.rupees(),
            "gst": ours.gst.rupees(),
            "stamp_duty": ours.stamp.rupees(),
            "stt": ours.stt.rupees(),
        })),
        "difference": difference(Some(theirs.total), total).map(Money::rupees),
        "note": note,
    })
}

fn lines(theirs: &Charges, ours: Option<&ChargeParts>) -> Vec<Line> {
    let taxes = theirs.taxes.as_ref();
    let fees = theirs.other_charges.as_ref();
    // The exchange's fee and the investor protection are one figure of ours.
    let exchange = fees.and_then(|fees| {
        let fund = fees.ipft.unwrap_or(Money::ZERO);
        fees.transaction?.plus(fund)
    });
    let line = |name, theirs, ours: Option<Money>| Line { name, theirs, ours };
    vec![
        line(
            "brokerage",
            Some(theirs.brokerage),
            ours.map(|ours| ours.brokerage),
        ),
        line("exchange", exchange, ours.map(|ours| ours.exchange)),
        line(
            "clearing",
            fees.and_then(|fees| fees.clearing),
            ours.map(|_| Money::ZERO),
        ),
        line(
            "sebi",
            fees.and_then(|fees| fees.sebi_turnover),
            ours.map(|ours| ours.sebi),
        ),
        line(
            "gst",
            taxes.and_then(|taxes| taxes.gst),
            ours.map(|ours| ours.gst),
        ),
        line(
            "stamp duty",
            taxes.and_then(|taxes| taxes.stamp_duty),
            ours.map(|ours| ours.stamp),
        ),
        line(
            "stt",
            taxes.and_then(|taxes| taxes.stt),
            ours.map(|ours| ours.stt),
        ),
        line("total", Some(theirs.total), ours.map(ChargeParts::total)),
    ]
}

fn text(turnover: Money, theirs: &Charges, ours: Option<&ChargeParts>, note: Option<&str>) -> String {
    let mut table = Table::new([
        ("rupees", Align::Left),
        ("broker", Align::Right),
        ("ours", Align::Right),
        ("difference", Align::Right),
    ]);
    for line in lines(theirs, ours) {
        table.row([
            line.name.to_owned(),
            table::money(line.theirs),
            table::money(line.ours),
            table::signed(difference(line.theirs, line.ours)),
        ]);
    }
    let mut text = format!(
        "turnover \u{20b9}{}\n{}",
        words::rupees(turnover),
        table.for_screen()
    );
    if let Some(note) = note {
        text.push_str(note);
    }
    text
}
