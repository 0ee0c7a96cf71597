//! `bijli margin`: the margin that legs would need together, as the broker reckons it. Nothing is bought by asking.

use bijli_core::order::Side;
use bijli_core::{Price, Qty};
use bijli_gateway::upstox::charges_api::{self, Leg, MARGIN_LEGS_MAX, Margin};
use bijli_gateway::upstox::vocabulary::ProductWord;
use serde_json::{Value, json};

use super::broker_arguments::{BrokerArguments, Shown};
use super::instrument_name::MasterArguments;
use super::table::{self, Align, Table};
use super::typed_value;
use crate::broker_access::Trouble;
use crate::words;

/// Arguments of `margin`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What would be held, up to 20 legs, each KEY:SIDE:QTY[:PRODUCT[:PRICE]], such as 'NSE_FO|45450:BUY:75:D:101.05';
    /// product I and the market's price where they are left out.
    #[arg(required = true, value_name = "LEG", value_parser = typed_leg)]
    legs: Vec<TypedLeg>,
    #[command(flatten)]
    masters: MasterArguments,
    #[command(flatten)]
    broker: BrokerArguments,
}

/// A leg whose instrument is not looked up yet.
#[derive(Clone, Debug)]
struct TypedLeg {
    name: String,
    side: Side,
    qty: Qty,
    product: ProductWord,
    price: Option<Price>,
}

fn typed_leg(text: &str) -> Result<TypedLeg, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (&[name, side, qty, ref rest @ ..], true) = (&parts[..], parts.len() <= 5) else {
        return Err("write KEY:SIDE:QTY[:PRODUCT[:PRICE]]".to_owned());
    };
    if name.trim().is_empty() {
        return Err("a leg begins with an instrument key".to_owned());
    }
    let product = rest.first().map(|word| typed_value::product(word)).transpose()?;
    let price = rest.get(1).map(|text| typed_value::price(text)).transpose()?;
    Ok(TypedLeg {
        name: name.to_owned(),
        side: typed_value::side(side)?,
        qty: typed_value::quantity(qty)?,
        product: product.unwrap_or(ProductWord::Intraday),
        price,
    })
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    let legs = match args.legs() {
        Ok(legs) => legs,
        Err(trouble) => return args.broker.refuse(trouble),
    };
    args.broker.run(|session| {
        let margin = session.ask(&charges_api::margin(&legs), charges_api::margin_of)?;
        if margin.margins.len() != legs.len() {
            return Err(Trouble::error(format!(
                "the broker answered {} legs with {}",
                legs.len(),
                margin.margins.len()
            )));
        }
        Ok(Shown {
            data: data(&legs, &margin),
            text: text(&legs, &margin),
        })
    })
}

impl Args {
    fn legs(&self) -> Result<Vec<Leg>, Trouble> {
        if self.legs.len() > MARGIN_LEGS_MAX {
            return Err(Trouble::usage(format!(
                "{} legs; the broker takes {MARGIN_LEGS_MAX}",
                self.legs.len()
            )));
        }
        let leg = |typed: &TypedLeg| {
            Ok(Leg {
                instrument_key: self.masters.key_of(&typed.name)?,
                side: typed.side,
                qty: typed.qty,
                product: typed.product.clone(),
                price: typed.price,
            })
        };
        self.legs.iter().map(leg).collect()
    }
}

fn data(legs: &[Leg], margin: &Margin) -> Value {
    let legs = legs.iter().map(|leg| {
        json!({
            "instrument_key": leg.instrument_key,
            "side": words::side_name(leg.side),
            "quantity": leg.qty.get(),
            "product": leg.product,
            "price": leg.price.map(Price::rupees),
        })
    });
    json!({ "legs": legs.collect::<Vec<_>>(), "margin": margin })
}

fn text(legs: &[Leg], margin: &Margin) -> String {
    let mut table = Table::new([
        ("instrument", Align::Left),
        ("side", Align::Left),
        ("qty", Align::Right),
        ("product", Align::Left),
        ("price", Align::Right),
        ("span", Align::Right),
        ("exposure", Align::Right),
        ("shares", Align::Right),
        ("premium", Align::Right),
        ("extra", Align::Right),
        ("total", Align::Right),
    ]);
    for (leg, needed) in legs.iter().zip(&margin.margins) {
        table.row([
            leg.instrument_key.clone(),
            words::side_name(leg.side).to_owned(),
            leg.qty.get().to_string(),
            leg.product.to_string(),
            leg.price.map_or_else(|| "market".to_owned(), words::price_text),
            table::money(needed.span_margin),
            table::money(needed.exposure_margin),
            table::money(needed.equity_margin),
            table::money(needed.net_buy_premium),
            table::money(table::sum([needed.additional_margin, needed.tender_margin])),
            table::money(Some(needed.total_margin)),
        ]);
    }
    format!(
        "{}needed to get in \u{20b9}{}; once in, with what the legs save one another, \u{20b9}{}",
        table.for_screen(),
        words::rupees(margin.required_margin),
        words::rupees(margin.final_margin),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leg_is_a_key_a_side_a_quantity_and_perhaps_more() {
        let leg = |text: &str| {
            typed_leg(text).map(|leg| {
                let price = leg.price.map(Price::get);
                (leg.name, leg.side, leg.qty.get(), leg.product, price)
            })
        };
        let key = || "NSE_FO|45450".to_owned();
        assert_eq!(
            leg("NSE_FO|45450:BUY:75"),
            Ok((key(), Side::Buy, 75, ProductWord::Intraday, None))
        );
        assert_eq!(
            leg("NSE_FO|45450:sell:75:D:101.05"),
            Ok((key(), Side::Sell, 75, ProductWord::Delivery, Some(1_010_500)))
        );
        for wrong in [
            "",
            "NSE_FO|1",
            "NSE_FO|1:BUY",
            ":BUY:1",
            "K|1:BUY:1:D:1:2",
            "K|1:BUY:0",
            "K|1:UP:1",
        ] {
            assert!(leg(wrong).is_err(), "{wrong}");
        }
    }
}
