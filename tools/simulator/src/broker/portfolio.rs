//! Positions and holdings.

use serde_json::{Value, json};

use super::Broker;
use super::order::Product;
use super::reply::ApiReply;
use super::route::{Answer, Asked, Route};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v2/portfolio/short-term-positions", positions),
    Route::get("/v3/portfolio/mtf-positions", mtf_positions),
    Route::get("/v2/portfolio/long-term-holdings", holdings),
];

fn positions(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    Ok(ApiReply::success(&broker.position_rows(|_| true)))
}

fn mtf_positions(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    Ok(ApiReply::success(
        &broker.position_rows(|product| product == Product::MarginFunded),
    ))
}

fn holdings(_broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    Ok(ApiReply::success(&json!([])))
}

impl Broker {
    fn position_rows(&self, wanted: impl Fn(Product) -> bool) -> Value {
        self.ledger
            .holdings()
            .filter(|(_, product, _)| wanted(*product))
            .map(|(instrument, product, holding)| self.position_row(instrument, product, holding))
            .collect()
    }
}
