//! Order placing, changing and cancelling, as they are called.

use serde_json::json;

use super::Broker;
use super::reply::ApiReply;
use super::route::{Answer, Asked, Route};

/// What the broker says it needed for an order call.
pub(super) const LATENCY_MS: i64 = 3;

pub(super) const ROUTES: &[Route] = &[
    Route::post("/v3/order/place", place_v3).on_order_host(),
    Route::put("/v3/order/modify", modify_v3).on_order_host(),
    Route::delete("/v3/order/cancel", cancel_v3).on_order_host(),
    Route::post("/v2/order/place", place_v2).on_order_host(),
    Route::put("/v2/order/modify", modify_v2).on_order_host(),
    Route::delete("/v2/order/cancel", cancel_v2).on_order_host(),
];

fn place_v3(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let ids = broker.place(asked.now, asked.call.body)?;
    Ok(ApiReply::order_success(&json!({ "order_ids": ids }), LATENCY_MS))
}

fn modify_v3(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let id = broker.modify(asked.now, asked.call.body)?;
    Ok(ApiReply::order_success(&json!({ "order_id": id }), LATENCY_MS))
}

fn cancel_v3(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let id = broker.cancel(asked.now, asked.call)?;
    Ok(ApiReply::order_success(&json!({ "order_id": id }), LATENCY_MS))
}

fn place_v2(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let ids = broker.place(asked.now, asked.call.body)?;
    Ok(ApiReply::success(&json!({ "order_id": ids.first() })))
}

fn modify_v2(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let id = broker.modify(asked.now, asked.call.body)?;
    Ok(ApiReply::success(&json!({ "order_id": id })))
}

fn cancel_v2(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let id = broker.cancel(asked.now, asked.call)?;
    Ok(ApiReply::success(&json!({ "order_id": id })))
}
