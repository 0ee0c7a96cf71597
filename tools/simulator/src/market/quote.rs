//! Quotes of one moment: last prices, candles, the whole book, greeks.
//!
//! Rows stand under `SEGMENT:SYMBOL`, where the symbol is the exchange's short form; the key that was asked for
//! is in `instrument_token`. What no day tells: how many orders stand at a level (one, where there is any), the
//! range of the year of a recorded day (null), its price band and yesterday's open interest (0 or null). On
//! invented days the band is 10 percent of the close before, the one of stocks with derivatives. Closing-auction
//! fields are zero outside the auction, which no day has.

use bijli_core::instrument::InstrumentKind;
use bijli_core::price::Round;
use bijli_core::{IstDay, Price, TsNs};
use serde_json::{Map, Value, json};

use super::bar::{Bar, of_minutes};
use super::listing::{segment, short_symbol};
use super::request::{TOO_MANY_GREEKS, TOO_MANY_KEYS, success};
use super::{Answer, MarketDesk, iso_millis, midnight_ms, millis};
use crate::broker::ApiCall;
use crate::broker::reply::{NOT_SUPPORTED, Refusal};
use crate::day::{Candle, DayTick, LEVELS, price_of};

const KEYS_MAX: usize = 500;
const GREEK_KEYS_MAX: usize = 50;
const NO_INTERVAL: Refusal = Refusal::new("UDAPI1027", "Interval is required");
const BAD_INTERVAL: Refusal = Refusal::new("UDAPI1028", "Invalid interval");
/// Days that a year's range looks back.
const YEAR_DAYS: i32 = 365;

#[derive(Clone, Copy)]
enum Interval {
    Day,
    Minutes(i64),
}

impl Interval {
    fn of(call: &ApiCall<'_>, knows_more: bool) -> Result<Self, Refusal> {
        let text = call.query("interval").filter(|text| !text.is_empty());
        match text.as_deref() {
            None => Err(NO_INTERVAL),
            Some("1d") => Ok(Self::Day),
            Some("I1") => Ok(Self::Minutes(1)),
            Some("I30") => Ok(Self::Minutes(30)),
            Some("I5") if knows_more => Ok(Self::Minutes(5)),
            Some("I15") if knows_more => Ok(Self::Minutes(15)),
            Some("I60") if knows_more => Ok(Self::Minutes(60)),
            Some(other) => Err(BAD_INTERVAL.at("interval", other)),
        }
    }
}

impl MarketDesk {
    pub(super) fn quote(&self, now: TsNs, version: &str, topic: &str, call: &ApiCall<'_>) -> Answer {
        let keys = |keys_max, too_many| self.keys(call, keys_max, too_many);
        let all = || keys(KEYS_MAX, TOO_MANY_KEYS);
        let interval = || Interval::of(call, self.options.ohlc_quote_more_intervals);
        match (version, topic) {
            ("v2", "ltp") => self.rows(&all()?, |id| self.ltp_v2(id)),
            ("v3", "ltp") => self.rows(&all()?, |id| self.ltp_v3(id)),
            ("v2", "ohlc") => {
                let interval = interval()?;
                self.rows(&all()?, |id| self.ohlc_v2(id, interval))
            }
            ("v3", "ohlc") => {
                let interval = interval()?;
                self.rows(&all()?, |id| self.ohlc_v3(id, interval))
            }
            ("v2", "quotes") => self.rows(&all()?, |id| self.full_v2(now, id, &self.tick(id))),
            ("v3", "quotes") => self.rows(&all()?, |id| self.full_v3(now, id)),
            ("v3", "option-greek") => {
                self.rows(&keys(GREEK_KEYS_MAX, TOO_MANY_GREEKS)?, |id| self.greeks(id))
            }
            _ => Err(NOT_SUPPORTED),
        }
    }

    /// Rows of the keys of a call under the names that the broker gives them.
    fn rows(&self, ids: &[u32], row: impl Fn(u32) -> Value) -> Answer {
        let named = ids.iter().map(|id| (self.quote_name(*id), row(*id)));
        success(Value::Object(named.collect::<Map<String, Value>>()))
    }

    fn quote_name(&self, id: u32) -> String {
        let instrument = self.instrument(id);
        format!("{}:{}", segment(instrument), short_symbol(instrument))
    }

    fn ltp_v2(&self, id: u32) -> Value {
        json!({ "last_price": self.tick(id).ltp, "instrument_token": self.instrument(id).key })
    }

    fn ltp_v3(&self, id: u32) -> Value {
        let tick = self.tick(id);
        json!({
            "last_price": tick.ltp, "instrument_token": self.instrument(id).key,
            "ltq": tick.ltq, "volume": tick.volume, "cp": tick.prev_close,
        })
    }

    /// The candle under way and the one before it; of a day only the one under way.
    fn candles_now(&self, id: u32, interval: Interval) -> (Option<Candle>, Option<Candle>) {
        match interval {
            Interval::Day => {
                let day = self.day_candle(&self.tick(id));
                (Some(day).filter(|day| day.open > 0.0), None)
            }
            Interval::Minutes(minutes) => {
                let line = self.contract(id).map_or(id, |contract| contract.underlying);
                let bars = of_minutes(&self.bars(id), self.lines[line as usize].open_ms(), minutes);
                let mut newest = bars.iter().rev().map(|bar: &Bar| bar.candle);
                (newest.next(), newest.next())
            }
        }
    }

    fn day_candle(&self, tick: &DayTick) -> Candle {
        let mut day = tick.day;
        if day.start_ms == 0 && day.open > 0.0 {
            day.start_ms = midnight_ms(self.info.day);
        }
        day
    }

    fn ohlc_v2(&self, id: u32, interval: Interval) -> Value {
        let candle = self.candles_now(id, interval).0.unwrap_or_default();
        json!({
            "ohlc": ohlc(&candle), "last_price": self.tick(id).ltp,
            "instrument_token": self.instrument(id).key,
        })
    }

    fn ohlc_v3(&self, id: u32, interval: Interval) -> Value {
        let (live, before) = self.candles_now(id, interval);
        let whole = |candle: Option<Candle>| candle.map(|candle| ohlc_v3(&candle));
        json!({
            "last_price": self.tick(id).ltp, "instrument_token": self.instrument(id).key,
            "prev_ohlc": whole(before), "live_ohlc": whole(live),
        })
    }

    fn full_v2(&self, now: TsNs, id: u32, tick: &DayTick) -> Value {
        let instrument = self.instrument(id);
        let (lower, upper) = self.band(id, tick.prev_close);
        let range = self.lines.get(id as usize).and_then(|line| line.oi_range);
        let (oi_low, oi_high) = range.unwrap_or_else(|| {
            let before = self.prev_oi(id).unwrap_or(tick.oi);
            (tick.oi.min(before), tick.oi.max(before))
        });
        json!({
            "ohlc": ohlc(&tick.day), "depth": depth(tick), "timestamp": iso_millis(millis(now)),
            "instrument_token": instrument.key, "symbol": short_symbol(instrument), "last_price": tick.ltp,
            "volume": tick.volume, "average_price": tick.atp, "oi": tick.oi,
            "net_change": paise(if tick.ltp > 0.0 { tick.ltp - tick.prev_close } else { 0.0 }),
            "total_buy_quantity": tick.total_bid_qty, "total_sell_quantity": tick.total_ask_qty,
            "lower_circuit_limit": lower, "upper_circuit_limit": upper,
            "last_trade_time": tick.ltt_ms.to_string(), "oi_day_high": oi_high, "oi_day_low": oi_low,
        })
    }

    fn full_v3(&self, now: TsNs, id: u32) -> Value {
        let tick = self.tick(id);
        let mut row = self.full_v2(now, id, &tick);
        let range = self.year_range(id, &tick.day);
        let more = json!({
            "ohlc": ohlc_v3(&self.day_candle(&tick)), "prev_close_price": tick.prev_close,
            "year_high": range.map(|(_, high)| high), "year_low": range.map(|(low, _)| low),
            "previous_oi": self.prev_oi(id), "indicative_equilibrium_price": 0.0, "reference_price": 0.0,
            "indicative_equilibrium_quantity": 0, "indicative_imbalance_quantity_total": 0,
            "indicative_imbalance_quantity_market": 0, "cas_eligible": false,
        });
        if let (Some(fields), Value::Object(more)) = (row.as_object_mut(), more) {
            fields.extend(more);
        }
        row
    }

    fn greeks(&self, id: u32) -> Value {
        let tick = self.tick(id);
        let greeks = tick.greeks.unwrap_or_default();
        json!({
            "last_price": tick.ltp, "instrument_token": self.instrument(id).key, "ltq": tick.ltq,
            "volume": tick.volume, "cp": tick.prev_close, "iv": tick.iv, "vega": greeks.vega,
            "gamma": greeks.gamma, "theta": greeks.theta, "delta": greeks.delta, "oi": tick.oi,
        })
    }

    /// The lowest and the highest price that an order may name today, if a band is known.
    pub(crate) fn price_band(&self, id: u32) -> Option<(Price, Price)> {
        let (lower, upper) = self.band(id, self.prev_close(id));
        (upper > 0.0).then(|| (price_of(lower), price_of(upper)))
    }

    /// The price band of the day; zeros where none is known.
    fn band(&self, id: u32, prev_close: f64) -> (f64, f64) {
        let instrument = self.instrument(id);
        let close = price_of(prev_close);
        let on_grid = |bps: i64, round| close.moved_bps(bps).on_tick(instrument.tick, round).rupees();
        match instrument.kind {
            _ if self.seed().is_none() || !close.is_set() => (0.0, 0.0),
            InstrumentKind::Index => (0.0, 0.0),
            InstrumentKind::Equity | InstrumentKind::Future => {
                let bps = i64::from(self.options.band_bps);
                (on_grid(-bps, Round::Up), on_grid(bps, Round::Down))
            }
            // An option may fall to its first step; how high is the exchange's to say, so the band is wide.
            InstrumentKind::Call | InstrumentKind::Put => {
                (instrument.tick.rupees(), on_grid(90_000, Round::Down))
            }
        }
    }

    /// Lowest and highest price of a year, the played day included; `None` when the days before are unknown.
    fn year_range(&self, id: u32, day: &Candle) -> Option<(f64, f64)> {
        let from = IstDay::new(self.info.day.get() - YEAR_DAYS);
        let closes = self.past_closes(id, from)?;
        let traded = [day.low, day.high].into_iter().filter(|rupees| *rupees > 0.0);
        let all = closes.into_iter().chain(traded);
        Some(all.fold((f64::MAX, 0.0_f64), |(low, high), rupees| {
            (low.min(rupees), high.max(rupees))
        }))
        .filter(|(_, high)| *high > 0.0)
    }
}

/// Rounded to paise, since differences of doubles are not.
pub(super) fn paise(rupees: f64) -> f64 {
    (rupees * 100.0).round() / 100.0
}

fn ohlc(candle: &Candle) -> Value {
    json!({ "open": candle.open, "high": candle.high, "low": candle.low, "close": candle.close })
}

fn ohlc_v3(candle: &Candle) -> Value {
    json!({
        "open": candle.open, "high": candle.high, "low": candle.low, "close": candle.close,
        "volume": candle.volume, "ts": candle.start_ms,
    })
}

/// Always five levels of each side; empty ones are zeros.
fn depth(tick: &DayTick) -> Value {
    let level =
        |qty: i64, rupees: f64| json!({ "quantity": qty, "price": rupees, "orders": i64::from(qty > 0) });
    let levels = &tick.levels[..LEVELS];
    let buy: Vec<Value> = levels.iter().map(|each| level(each.bid_qty, each.bid)).collect();
    let sell: Vec<Value> = levels.iter().map(|each| level(each.ask_qty, each.ask)).collect();
    json!({ "buy": buy, "sell": sell })
}
