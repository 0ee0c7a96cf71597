//! Mutual funds, read only: one invented holding, one order and one plan, that agree with each other.
//!
//! Source: the broker's API documentation (mutual funds).

use bijli_core::{DurationNs, IstDay};
use serde_json::{Value, json};

use super::Broker;
use super::page::{Page, page};
use super::reply::{ApiReply, NO_SUCH_ORDER, Refusal};
use super::route::{Answer, Asked, Route};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v2/mf/holdings", holdings),
    Route::get("/v2/mf/orders", orders),
    Route::get("/v2/mf/orders/{}", order),
    Route::get("/v2/mf/sips", plans),
];

const FUND: &str = "SIMULATED INDEX FUND - DIRECT PLAN - GROWTH";
const KEY: &str = "INF9SIM00001";
const FOLIO: &str = "9100000001";
const UNITS: f64 = 10.0;
const BOUGHT_AT: f64 = 100.0;
const NOW_AT: f64 = 104.5;
const STATUSES: [&str; 14] = [
    "ALL",
    "ARCHIVED",
    "NEW",
    "PENDING",
    "OPEN",
    "INPROCESS",
    "COMPLETED",
    "PLACED",
    "REJECTED",
    "CREATED",
    "PAYMENT_PENDING",
    "FAILED",
    "CANCELLED",
    "VERIFIED",
];

fn holdings(broker: &mut Broker, _asked: &Asked<'_>) -> Answer {
    Ok(ApiReply::success(&json!([{
        "folio": FOLIO, "fund": FUND, "pnl": (NOW_AT - BOUGHT_AT) * UNITS, "quantity": UNITS,
        "instrument_key": KEY, "average_price": BOUGHT_AT, "last_price": NOW_AT,
        "last_price_date": broker.day_before(1).to_string(), "pledged_quantity": 0.0,
    }])))
}

fn orders(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let status = asked.query("status").unwrap_or_else(|| "ALL".to_owned());
    if !STATUSES.contains(&status.as_str()) {
        return Err(Refusal::new("UDAPI1197", "Invalid mutual fund order status").at("status", status));
    }
    let side = asked
        .query("transaction_type")
        .unwrap_or_else(|| "ALL".to_owned());
    let wanted = ["ALL", "COMPLETED"].contains(&status.as_str()) && ["ALL", "BUY"].contains(&side.as_str());
    let rows = if wanted {
        vec![broker.fund_order()]
    } else {
        Vec::new()
    };
    page(asked, Page { records: 10 }, rows)
}

fn order(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let row = broker.fund_order();
    if row["order_id"] == asked.arguments[0].as_str() {
        Ok(ApiReply::success(&row))
    } else {
        Err(NO_SUCH_ORDER.at("order_id", asked.arguments[0].as_str()))
    }
}

fn plans(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let stamp = |day: IstDay| format!("{day} 00:00:00.0");
    let row = json!({
        "fund": FUND, "status": "ACTIVE", "created": stamp(broker.day_before(5)), "frequency": "MONTHLY",
        "instalments": 12, "sip_id": "133321093", "sip_reg_number": "133321093", "instrument_key": KEY,
        "dividend_type": "Growth", "transaction_type": "BUY",
        "next_instalment": stamp(IstDay::new(broker.day.get() + 25)),
        "instalment_amount": UNITS * BOUGHT_AT, "last_instalment": stamp(broker.day_before(5)),
        "pending_instalments": 11, "instalment_day": i64::from(broker.day_before(5).ymd().2),
        "completed_instalments": 1, "trigger_price": 0.0, "sip_type": "Auto",
    });
    page(asked, Page { records: 10 }, vec![row])
}

impl Broker {
    fn day_before(&self, days: i32) -> IstDay {
        IstDay::new(self.day.get() - days)
    }

    fn fund_order(&self) -> Value {
        let day = self.day_before(5);
        json!({
            "status": "COMPLETED", "folio": FOLIO, "fund": FUND, "amount": UNITS * BOUGHT_AT, "variety": "SIP",
            "quantity": UNITS, "price": BOUGHT_AT, "order_id": "SIM001-9b52e90f-3de6-4674-84b9-e3bcced7ec30",
            "exchange_order_id": "254657127", "instrument_key": KEY, "status_message": "",
            "order_timestamp": day.at(DurationNs::from_hm(13, 28)).to_string(),
            "exchange_timestamp": day.at(DurationNs::from_hm(15, 5)).to_string(), "settlement_id": "254657127", "transaction_type": "BUY",
            "purchase_type": "FRESH", "last_price": NOW_AT, "average_price": BOUGHT_AT,
            "last_price_date": self.day_before(1).to_string(),
        })
    }
}
