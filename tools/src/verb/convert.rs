//! `bijli convert`: a position from one margin product to another. A write: asked once, never repeated.

use bijli_core::Qty;
use bijli_core::order::Side;
use bijli_gateway::upstox::portfolio_api::{self, Conversion};
use bijli_gateway::upstox::vocabulary::ProductWord;
use serde_json::json;

use super::broker_arguments::{BrokerArguments, Shown};
use super::broker_write::{Consent, run_write, write};
use super::instrument_name::MasterArguments;
use super::table::one_line;
use super::typed_value;
use crate::broker_access::Trouble;
use crate::words;

/// Arguments of `convert`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Instrument key of the position, or the exact symbol of a contract in the stored masters.
    #[arg(value_name = "KEY")]
    instrument: String,
    /// The product it has: I, D or MTF.
    #[arg(long, value_name = "PRODUCT", value_parser = typed_value::product)]
    from: ProductWord,
    /// The product it shall have.
    #[arg(long, value_name = "PRODUCT", value_parser = typed_value::product)]
    to: ProductWord,
    /// BUY for a long position, SELL for a short one.
    #[arg(long, value_parser = typed_value::side)]
    side: Side,
    /// Units.
    #[arg(long, value_parser = typed_value::quantity)]
    qty: Qty,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    masters: MasterArguments,
    #[command(flatten)]
    broker: BrokerArguments,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    let (conversion, contract) = match args.conversion() {
        Ok(named) => named,
        Err(trouble) => return args.broker.refuse(trouble),
    };
    let what = format!(
        "convert {} {} of {contract}; from {} to {}",
        words::side_name(conversion.side),
        conversion.qty.get(),
        conversion.from,
        conversion.to
    );
    run_write(&args.broker, args.consent, &what, |session| {
        let call = portfolio_api::convert(&conversion);
        let converted = write(session, &call, portfolio_api::converted_of)?;
        Ok(Shown {
            data: json!(converted),
            text: format!("{what}: {}", one_line(&converted.status)),
        })
    })
}

impl Args {
    /// What is converted, and its contract in words.
    fn conversion(&self) -> Result<(Conversion, String), Trouble> {
        if self.from == self.to {
            return Err(Trouble::usage(format!("it is {} already", self.to)));
        }
        let target = self.masters.write_target(&self.instrument, self.qty)?;
        let conversion = Conversion {
            instrument_key: target.key,
            from: self.from.clone(),
            to: self.to.clone(),
            side: self.side,
            qty: self.qty,
        };
        Ok((conversion, target.words))
    }
}
