//! The user: one invented profile, the same for reads and for the answer to a login.
//!
//! Source: the broker's API documentation (profile) and the model of its official client library.

use serde_json::{Value, json};

use super::Broker;
use super::account::USER_ID;
use super::reply::ApiReply;
use super::route::{Answer, Asked, Route};

pub(super) const ROUTES: &[Route] = &[Route::get("/v2/user/profile", profile)];

fn profile(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    Ok(ApiReply::success(&broker.profile()))
}

impl Broker {
    /// The user as profile and login tell them.
    pub(super) fn profile(&self) -> Value {
        json!({
            "email": "simulated@example.invalid",
            "exchanges": ["NSE", "NFO"],
            "products": ["I", "D", "MTF"],
            "broker": "UPSTOX",
            "user_id": USER_ID,
            "user_name": "Simulated User",
            "order_types": ["MARKET", "LIMIT", "SL", "SL-M"],
            "user_type": "individual",
            "poa": false,
            "is_active": true,
        })
    }
}
