//! Which call is answered by what: hosts, methods and paths, token, rate limits and faults.
//!
//! Order calls live on the order host alone and everything else on the other one (reference sheet 5.1); a call
//! to the wrong host is answered like an unknown path, so that a client's mix-up shows.

use bijli_core::event::DataKind;
use bijli_core::{Money, TsNs};
use serde_json::{Value, json};

use super::Broker;
use super::account::USER_ID;
use super::call::{ApiCall, Host, Moments};
use super::entry_check::check_order_id;
use super::faults::CallFault;
use super::limiter::CallClass;
use super::reply::{
    ApiReply, BAD_INPUT, BAD_TOKEN, Delivery, NO_SUCH_ORDER, NOT_SUPPORTED, Refusal, TOO_MANY, UNEXPECTED,
};
use crate::market::MarketDesk;

/// What the broker says it needed for an order call.
const LATENCY_MS: i64 = 3;

type Answer = Result<ApiReply, Refusal>;

impl Broker {
    /// Answers one call.
    pub fn handle(&mut self, at: Moments, call: &ApiCall<'_>) -> ApiReply {
        self.advance(at.now);
        let class = match call.host {
            Host::Order => CallClass::Order,
            Host::Api => CallClass::Other,
        };
        if !MarketDesk::is_public(call) && !self.account.admits(at.now, call.bearer) {
            return BAD_TOKEN.reply();
        }
        if !self.limiter.admits(at.limits, class) {
            return TOO_MANY.reply();
        }
        match call.host {
            Host::Api => self.read(at.now, call).unwrap_or_else(|refusal| refusal.reply()),
            Host::Order => self.write_with_faults(at.now, call),
        }
    }

    fn write_with_faults(&mut self, now: TsNs, call: &ApiCall<'_>) -> ApiReply {
        let fault = self.dice.call();
        if fault == CallFault::ErrorBefore {
            return UNEXPECTED.reply();
        }
        let mut reply = self.write(now, call).unwrap_or_else(|refusal| {
            let unknown_path = refusal.code() == NOT_SUPPORTED.code();
            self.orders_refused += u64::from(call.method == "POST" && !unknown_path);
            refusal.reply()
        });
        match fault {
            CallFault::None | CallFault::ErrorBefore => {}
            CallFault::ErrorAfter => reply = UNEXPECTED.reply(),
            CallFault::DropReply => reply.delivery = Delivery::Never,
            CallFault::DelayReply => reply.delivery = Delivery::After(self.dice.delay()),
        }
        reply
    }

    fn write(&mut self, now: TsNs, call: &ApiCall<'_>) -> Answer {
        let v3 = |data: Value| Ok(ApiReply::order_success(&data, LATENCY_MS));
        let v2 = |data: Value| Ok(ApiReply::success(&data));
        match (call.method, call.path()) {
            ("POST", "/v3/order/place") => v3(json!({ "order_ids": self.place(now, call.body)? })),
            ("PUT", "/v3/order/modify") => v3(json!({ "order_id": self.modify(now, call.body)? })),
            ("DELETE", "/v3/order/cancel") => v3(json!({ "order_id": self.cancel(now, call)? })),
            ("POST", "/v2/order/place") => v2(json!({ "order_id": self.place(now, call.body)?.first() })),
            ("PUT", "/v2/order/modify") => v2(json!({ "order_id": self.modify(now, call.body)? })),
            ("DELETE", "/v2/order/cancel") => v2(json!({ "order_id": self.cancel(now, call)? })),
            _ => Err(NOT_SUPPORTED),
        }
    }

    fn read(&mut self, now: TsNs, call: &ApiCall<'_>) -> Answer {
        let rows: Vec<Value> = match (call.method, call.path()) {
            ("GET", "/v2/order/details") => return self.details(call),
            ("GET", "/v2/order/history") => self.history(call)?,
            ("GET", "/v2/order/retrieve-all") => {
                self.orders.iter().map(|order| self.order_row(order)).collect()
            }
            ("GET", "/v2/order/trades/get-trades-for-day") => self.trade_rows(None),
            ("GET", "/v2/order/trades") => {
                let index = self.index_of(&order_id(call)?)?;
                self.trade_rows(Some(index))
            }
            ("GET", "/v2/portfolio/short-term-positions") => {
                let holdings = self.ledger.holdings();
                holdings
                    .map(|(instrument, product, holding)| self.position_row(instrument, product, holding))
                    .collect()
            }
            ("GET", "/v2/portfolio/long-term-holdings" | "/v3/portfolio/mtf-positions") => Vec::new(),
            ("GET", "/v2/user/profile") => return Ok(ApiReply::success(&profile())),
            ("GET", "/v2/user/get-funds-and-margin") => return Ok(ApiReply::success(&self.funds_v2())),
            ("GET", "/v3/user/get-funds-and-margin") => return Ok(ApiReply::success(&self.funds_v3())),
            ("DELETE", "/v2/logout") => {
                self.account.log_out();
                return Ok(ApiReply::success(&json!(true)));
            }
            _ => return self.desk.answer(now, call).ok_or(NOT_SUPPORTED),
        };
        Ok(ApiReply::success(&Value::Array(rows)))
    }

    fn details(&self, call: &ApiCall<'_>) -> Answer {
        let index = self.index_of(&order_id(call)?)?;
        Ok(ApiReply::success(&self.order_row(&self.orders[index])))
    }

    fn history(&self, call: &ApiCall<'_>) -> Result<Vec<Value>, Refusal> {
        let wanted = |order: &&super::Order| match call.query("tag") {
            Some(tag) => order.ticket.tag.as_deref() == Some(tag.as_str()),
            None => Some(&order.id) == call.query("order_id").as_ref(),
        };
        if call.query("tag").is_none() {
            check_order_id(&order_id(call)?)?;
        }
        let rows: Vec<Value> = self
            .orders
            .iter()
            .filter(wanted)
            .flat_map(|order| order.history.iter().map(|moment| self.history_row(order, moment)))
            .collect();
        if rows.is_empty() && call.query("tag").is_none() {
            return Err(NO_SUCH_ORDER);
        }
        Ok(rows)
    }

    fn trade_rows(&self, order: Option<usize>) -> Vec<Value> {
        let wanted = self
            .ledger
            .trades
            .iter()
            .filter(|trade| order.is_none_or(|index| trade.order == index));
        wanted
            .flat_map(|trade| std::iter::repeat_n(self.trade_row(trade), 1 + usize::from(trade.doubled)))
            .collect()
    }

    fn funds_v2(&self) -> Value {
        let segment = |free: Money, used: Money| {
            json!({
                "used_margin": used.rupees(), "payin_amount": 0.0, "span_margin": 0.0, "adhoc_margin": 0.0,
                "notional_cash": 0.0, "available_margin": free.rupees(), "exposure_margin": 0.0,
            })
        };
        json!({
            "equity": segment(self.margin_free(), self.margin_used()),
            "commodity": segment(Money::ZERO, Money::ZERO),
        })
    }

    fn funds_v3(&self) -> Value {
        let (free, used) = (self.margin_free().rupees(), self.margin_used().rupees());
        let realised = self.ledger.realised().rupees();
        json!({
            "available_to_trade": {
                "total": free,
                "cash_available_to_trade": {
                    "total": free,
                    "cash": {
                        "opening_balance": self.settings.capital.rupees(), "added_today": 0.0,
                        "withdrawn_today": 0.0, "amount_from_stock_sale": 0.0, "unpaid_charges": 0.0,
                    },
                    "margin_used": {
                        "total": used, "mtf": 0.0,
                        "loss": { "total": realised.min(0.0), "realised": realised.min(0.0), "unrealised": 0.0 },
                        "span_exposure": 0.0, "cash_margin_var_elm": used, "premium_present": 0.0,
                        "delivery_margin": { "total": 0.0, "equity": 0.0, "fo_settlement": 0.0 },
                    },
                },
                "pledge_available_to_trade": { "total": 0.0 },
            },
            "unavailable_to_trade": {
                "cash_unavailable_to_trade": {
                    "unsettled_profit": { "todays_profit": realised.max(0.0), "previous_days": 0.0 },
                },
            },
        })
    }

    /// Where the prices of the day come from.
    #[must_use]
    pub const fn data(&self) -> DataKind {
        self.data
    }
}

fn order_id(call: &ApiCall<'_>) -> Result<String, Refusal> {
    call.query("order_id")
        .filter(|id| !id.is_empty())
        .ok_or_else(|| BAD_INPUT.at("order_id", Value::Null))
}

fn profile() -> Value {
    json!({
        "email": "simulated@example.invalid",
        "exchanges": ["NSE", "NFO"],
        "products": ["I", "D"],
        "broker": "UPSTOX",
        "user_id": USER_ID,
        "user_name": "Simulated User",
        "order_types": ["MARKET", "LIMIT", "SL", "SL-M"],
        "user_type": "individual",
        "poa": false,
        "is_active": true,
    })
}
