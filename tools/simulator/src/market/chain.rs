//! Option contracts and the option chain.
//!
//! Volatility is a percentage here and a fraction in quotes, as at the broker. A contract that ticks shows its
//! own greeks; of one that does not they follow from Black's formula. `pcr` of a strike is left out where no
//! call is open, as in the recorded chain. A strike that has only one side in a recorded day shows the other
//! with zeros and without a key. Recorded days may lack the underlying: its price is 0 then, and no chance of
//! profit can be told. Expiry keywords: the broker's market information pages.

use std::collections::BTreeMap;

use bijli_core::instrument::InstrumentKind;
use bijli_core::session::Market;
use bijli_core::{IstDay, Price};
use serde_json::{Value, json};

use super::black76::Option76;
use super::listing::{contract_row, is_weekly};
use super::request::{BAD_DATE, BAD_KEY_FORM, NO_KEY, is_key, success};
use super::{Answer, MarketDesk, millis};
use crate::broker::ApiCall;
use crate::broker::reply::{BAD_KEY, Refusal};
use crate::day::{DayInstrument, DayTick, hours};

/// The two options of one strike, by number.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Strike {
    pub(super) price: Price,
    pub(super) call: Option<u32>,
    pub(super) put: Option<u32>,
}

impl MarketDesk {
    /// The options on an underlying.
    pub(super) fn options_on<'a>(&'a self, key: &'a str) -> impl Iterator<Item = (u32, &'a DayInstrument)> {
        self.listed().filter(move |(_, row)| {
            row.kind.is_option() && row.underlying.as_ref().is_some_and(|(under, _)| under == key)
        })
    }

    /// The key of an underlying in the query.
    pub(super) fn underlying(&self, call: &ApiCall<'_>) -> Result<String, Refusal> {
        let key = call
            .query("instrument_key")
            .filter(|key| !key.is_empty())
            .ok_or(NO_KEY)?;
        if !is_key(&key) {
            return Err(BAD_KEY_FORM);
        }
        if !self.ids.contains_key(&key) && self.options_on(&key).next().is_none() {
            return Err(BAD_KEY);
        }
        Ok(key)
    }

    /// Reads a date or a word such as `current_week`; `None` when the word finds no expiry.
    pub(super) fn expiry(&self, key: &str, text: &str, bad: Refusal) -> Result<Option<IstDay>, Refusal> {
        let (place, wants_months) = match text {
            "current_week" => (0, false),
            "next_week" => (1, false),
            "far_week" => (2, false),
            "current_month" => (0, true),
            "next_month" => (1, true),
            "far_month" => (2, true),
            _ => {
                return super::request::date(text)
                    .map(Some)
                    .map_err(|_| bad.at("expiry", text));
            }
        };
        // The last week of a month is its month's expiry: a week word means the n-th expiry of all.
        let mut days: Vec<IstDay> = self
            .options_on(key)
            .filter(|(_, row)| !(wants_months && is_weekly(row)))
            .filter_map(|(_, row)| row.expiry)
            .collect();
        days.sort_unstable();
        days.dedup();
        Ok(days.get(place).copied())
    }

    /// The strikes of an expiry in order.
    pub(super) fn strikes(&self, key: &str, expiry: IstDay) -> Vec<Strike> {
        let mut strikes: BTreeMap<i64, Strike> = BTreeMap::new();
        for (id, row) in self.options_on(key).filter(|(_, row)| row.expiry == Some(expiry)) {
            let strike = strikes.entry(row.strike.get()).or_default();
            strike.price = row.strike;
            if row.kind == InstrumentKind::Call {
                strike.call = Some(id);
            } else {
                strike.put = Some(id);
            }
        }
        strikes.into_values().collect()
    }

    /// The last price of an underlying; 0 when the day does not have it.
    pub(super) fn spot(&self, key: &str) -> f64 {
        self.ids.get(key).map_or(0.0, |id| self.tick(*id).ltp)
    }

    pub(super) fn option_contracts(&self, call: &ApiCall<'_>) -> Answer {
        let key = self.underlying(call)?;
        let expiry = match call.query("expiry_date").filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => match self.expiry(&key, &text, BAD_DATE)? {
                None => return success(json!([])),
                found => found,
            },
        };
        let rows = self
            .options_on(&key)
            .filter(|(_, row)| expiry.is_none() || row.expiry == expiry)
            .map(|(_, row)| contract_row(row, &row.key));
        success(Value::Array(rows.collect()))
    }

    pub(super) fn option_chain(&self, call: &ApiCall<'_>) -> Answer {
        let key = self.underlying(call)?;
        let text = call.query("expiry_date").unwrap_or_default();
        let Some(expiry) = self.expiry(&key, &text, BAD_DATE)? else {
            return success(json!([]));
        };
        let spot = self.spot(&key);
        let rows = self.strikes(&key, expiry).into_iter().map(|strike| {
            let tick = |id: Option<u32>| id.map(|id| self.tick(id)).unwrap_or_default();
            let (call, put) = (tick(strike.call), tick(strike.put));
            let mut row = json!({
                "expiry": expiry.to_string(), "strike_price": strike.price.rupees(), "underlying_key": key,
                "underlying_spot_price": spot, "call_options": self.chain_side(strike.call, &call, spot),
                "put_options": self.chain_side(strike.put, &put, spot),
            });
            if call.oi > 0.0 {
                row["pcr"] = json!(places(put.oi / call.oi, 4));
            }
            row
        });
        success(Value::Array(rows.collect()))
    }

    fn chain_side(&self, id: Option<u32>, tick: &DayTick, spot: f64) -> Value {
        let greeks = tick.greeks.unwrap_or_default();
        let touch = tick.levels[0];
        let chance = id.map_or(0.0, |id| self.profit_percent(id, tick, spot));
        json!({
            "instrument_key": id.map_or("", |id| self.instrument(id).key.as_str()),
            "market_data": {
                "ltp": tick.ltp, "volume": tick.volume, "oi": tick.oi, "close_price": tick.prev_close,
                "bid_price": touch.bid, "bid_qty": touch.bid_qty, "ask_price": touch.ask,
                "ask_qty": touch.ask_qty, "prev_oi": id.and_then(|id| self.prev_oi(id)).unwrap_or_default(),
            },
            "option_greeks": {
                "vega": greeks.vega, "theta": greeks.theta, "gamma": greeks.gamma, "delta": greeks.delta,
                "iv": places(tick.iv * 100.0, 2), "pop": places(chance, 2),
            },
        })
    }

    /// The chance that a buyer at the last price gains by expiry, percent.
    fn profit_percent(&self, id: u32, tick: &DayTick, spot: f64) -> f64 {
        let row = self.instrument(id);
        if spot <= 0.0 || tick.ltp <= 0.0 || tick.iv <= 0.0 {
            return 0.0;
        }
        let close = millis(hours(row.expiry.unwrap_or(self.info.day), Market::Derivatives).close);
        let option = Option76 {
            is_call: row.kind == InstrumentKind::Call,
            spot,
            strike: row.strike.rupees(),
            years: (close - tick.ltt_ms).max(0) as f64 / (365.0 * 86_400_000.0),
            vol: tick.iv,
        };
        option.profit_percent(tick.ltp)
    }
}

/// Rounded to so many places.
pub(super) fn places(value: f64, count: i32) -> f64 {
    let whole = 10_f64.powi(count);
    (value * whole).round() / whole
}
