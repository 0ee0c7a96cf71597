//! New shares: one invented issue that is open all day, and applications for it.
//!
//! An application is checked against the issue, waits for its mandate, and can be withdrawn. Nothing is
//! allotted and no cash is blocked, since the money stays at a bank. Source: the broker's API documentation
//! (IPO).

use bijli_core::{IstDay, TsNs};
use serde_json::{Value, json};

use super::Broker;
use super::entry_check::Body;
use super::limiter::CallClass;
use super::page::{Page, page};
use super::reply::{ApiReply, Refusal, UNEXPECTED};
use super::route::{Answer, Asked, Route};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v2/ipos", listing),
    Route::get("/v2/ipos/orders", orders),
    Route::post("/v2/ipos/orders", apply).class(CallClass::IpoWrite),
    Route::get("/v2/ipos/orders/{}", order),
    Route::delete("/v2/ipos/orders/{}", withdraw).class(CallClass::IpoWrite),
    Route::get("/v2/ipos/{}", details),
];

const ISSUE: &str = "simulated-industries-limited-ipo";
const SYMBOL: &str = "SIMIND";
const LOT: i64 = 20;
const PRICE_MIN: f64 = 366.0;
const PRICE_MAX: f64 = 385.0;
const BIDS_MAX: usize = 3;
const NOT_FOUND: Refusal = UNEXPECTED.with_status(400);

/// One application.
#[derive(Clone, Debug)]
pub(super) struct Application {
    id: String,
    upi: String,
    category: String,
    bids: Vec<(i64, f64)>,
    created: TsNs,
    withdrawn: Option<TsNs>,
}

fn listing(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let status = asked.query("status").unwrap_or_else(|| "open".to_owned());
    if !["open", "closed", "listed", "upcoming"].contains(&status.as_str()) {
        return Err(Refusal::new("UDAPI1219", "Invalid IPO status").at("status", status));
    }
    let kind = asked.query("issue_type");
    if let Some(kind) = kind.as_deref().filter(|kind| !["regular", "sme"].contains(kind)) {
        return Err(Refusal::new("UDAPI1220", "Invalid issue type").at("issue_type", kind));
    }
    let rows = if status == "open" && kind.as_deref() != Some("sme") {
        vec![broker.issue()]
    } else {
        Vec::new()
    };
    page(asked, Page { records: 20 }, rows)
}

fn details(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    if asked.arguments[0] != ISSUE {
        return Err(NOT_FOUND.with_message("IPO data not found for Id"));
    }
    let mut row = broker.issue();
    let day = |after: i32| IstDay::new(broker.day.get() + after).to_string();
    let fields = row.as_object_mut().expect("a row is an object");
    let more = json!({
        "daily_start_time": "10:00:00", "daily_end_time": "17:00:00", "face_value": 10.0, "tick_size": 1.0,
        "lot_size": LOT, "minimum_quantity": LOT, "cut_off_price": PRICE_MAX, "listing_price": Value::Null,
        "listing_exchange": "NSE,BSE", "rhp_url": "https://issue.example.invalid/rhp.pdf",
        "drhp_url": "https://issue.example.invalid/drhp.pdf",
        "timeline": {
            "pre_apply_start_date": day(-2), "application_start_date": day(-1),
            "application_end_date": day(2), "allotment_start_date": day(3), "allotment_date": day(4),
            "refund_initiation_date": day(4), "listing_date": day(6), "mandate_end_date": day(20),
        },
        "registrar_info": {
            "name": "Simulated Registrar", "email": "registrar@example.invalid",
            "contact_name": "Nobody", "contact_number": "0", "website": "https://registrar.example.invalid",
            "registrar": "SIM",
        },
    });
    fields.extend(more.as_object().expect("an object").clone());
    Ok(ApiReply::success(&row))
}

fn orders(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let rows = broker.applications.iter().rev().map(application_row).collect();
    page(asked, Page { records: 10 }, rows)
}

fn order(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let index = broker.application(&asked.arguments[0])?;
    Ok(ApiReply::success(&application_row(&broker.applications[index])))
}

fn withdraw(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let index = broker.application(&asked.arguments[0])?;
    let application = &mut broker.applications[index];
    if application.withdrawn.is_some() {
        return Err(NOT_FOUND.with_message("The application is withdrawn already"));
    }
    application.withdrawn = Some(asked.now);
    let data = json!({ "order_id": application.id, "status": "application_deleted" });
    Ok(ApiReply::success(&data))
}

fn apply(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let body = Body::parse(asked.call.body)?;
    let id = body.text("id", Refusal::new("UDAPI1226", "id is required"))?;
    let upi = body.text("upi", Refusal::new("UDAPI1227", "upi is required"))?;
    let category = body.text("category", Refusal::new("UDAPI1228", "category is required"))?;
    if !["IND", "HNI"].contains(&category) {
        let refusal = Refusal::new("UDAPI1229", "Allowed categories are IND and HNI");
        return Err(refusal.at("category", category));
    }
    if upi
        .split_once('@')
        .is_none_or(|(name, bank)| name.is_empty() || bank.is_empty())
    {
        return Err(Refusal::new("UDAPI1236", "Invalid UPI id").at("upi", upi));
    }
    if id != ISSUE {
        return Err(NOT_FOUND.with_message("IPO data not found for Id"));
    }
    let bids = bids_of(&body)?;
    let id = format!("UPSIM{:09}", 500_000_001 + broker.applications.len());
    broker.applications.push(Application {
        id: id.clone(),
        upi: upi.to_owned(),
        category: category.to_owned(),
        bids,
        created: asked.now,
        withdrawn: None,
    });
    Ok(ApiReply::success(&json!({ "order_id": id })))
}

fn bids_of(body: &Body) -> Result<Vec<(i64, f64)>, Refusal> {
    let none = || Refusal::new("UDAPI1231", "At least one bid is required").at("bids", Value::Null);
    let Some(Value::Array(bids)) = body.get("bids") else {
        return Err(none());
    };
    if bids.is_empty() {
        return Err(none());
    }
    if bids.len() > BIDS_MAX {
        return Err(Refusal::new("UDAPI1235", "A maximum of three bids is allowed").at("bids", bids.len()));
    }
    bids.iter().map(|bid| bid_of(&Body::of(bid.clone())?)).collect()
}

fn bid_of(bid: &Body) -> Result<(i64, f64), Refusal> {
    let qty = bid
        .units("quantity")?
        .ok_or_else(|| Refusal::new("UDAPI1232", "Bid quantity is required").at("quantity", Value::Null))?;
    if bid.get("price").is_none() {
        return Err(Refusal::new("UDAPI1233", "Bid price is required").at("price", Value::Null));
    }
    let price = bid.price("price")?.rupees();
    if qty.get() < LOT || qty.get() % LOT != 0 {
        return Err(NOT_FOUND
            .with_message("The bid breaks the lot size")
            .at("quantity", qty.get()));
    }
    if !(PRICE_MIN..=PRICE_MAX).contains(&price) {
        return Err(NOT_FOUND
            .with_message("The bid lies outside the price band")
            .at("price", price));
    }
    Ok((qty.get(), price))
}

/// `YYYY-MM-DDTHH:MM:SS`.
fn stamp(ts: TsNs) -> String {
    ts.to_string().replace(' ', "T")
}

fn application_row(application: &Application) -> Value {
    let created = stamp(application.created);
    let withdrawn = application.withdrawn.map(stamp);
    let bids: Vec<Value> = application
        .bids
        .iter()
        .map(|(qty, price)| {
            json!({ "quantity": qty, "price": price, "amount": *qty as f64 * price, "message": Value::Null })
        })
        .collect();
    json!({
        "id": ISSUE,
        "symbol": SYMBOL,
        "exchange": "nse",
        "request_id": application.id,
        "order_id": application.id,
        "status": if withdrawn.is_some() { "application_deleted" } else { "awaiting_mandate" },
        "order_status": if withdrawn.is_some() { "cancelled" } else { "scheduled" },
        "payment_status": "pending",
        "category": application.category,
        "issue_type": "regular",
        "reason": Value::Null,
        "upi": application.upi,
        "upi_amount_blocked": "0",
        "nse_submitted_date": created,
        "bse_submitted_date": Value::Null,
        "mandate_approved_date": Value::Null,
        "rejection_date": Value::Null,
        "mandate_rejection_date": Value::Null,
        "cancel_requested_date": withdrawn,
        "cancel_accepted_date": withdrawn,
        "units_allotted": 0,
        "bids": bids,
        "created_at": created,
        "last_updated_at": withdrawn.clone().unwrap_or_else(|| created.clone()),
    })
}

impl Broker {
    fn application(&self, id: &str) -> Result<usize, Refusal> {
        let found = self
            .applications
            .iter()
            .position(|application| application.id == id);
        found.ok_or_else(|| NOT_FOUND.with_message("No such application"))
    }

    fn issue(&self) -> Value {
        let day = |after: i32| IstDay::new(self.day.get() + after).to_string();
        json!({
            "id": ISSUE, "symbol": SYMBOL, "name": "Simulated Industries IPO", "status": "open",
            "isin": "INE9IPO00019", "issue_type": "regular", "issue_size": 44.0, "industry": "Simulation",
            "minimum_price": PRICE_MIN, "maximum_price": PRICE_MAX,
            "bidding_start_date": day(-1), "bidding_end_date": day(2), "total_subscription": "0.68",
            "investors": [
                { "category": "IND", "description": "Individual" },
                { "category": "HNI", "description": "High net worth individual" },
            ],
        })
    }
}
