//! Ranked lists of futures, options and shares bought on margin.
//!
//! Ranked on the state of the desk: turnover, units, open interest, price, volatility or premium; equal figures
//! keep the order of the listing. A figure that the day before does not tell (turnover, volume, volatility) has
//! a previous value of 0. Categories and codes: the broker's OpenAPI definition; the words of `metric_key` are
//! ours. Left out: commodities, which no day has.

use bijli_core::TsNs;
use bijli_core::instrument::InstrumentKind;
use serde_json::{Value, json};

use super::chain::places;
use super::quote::paise;
use super::request::{Page, success};
use super::{Answer, MarketDesk, millis};
use crate::broker::ApiCall;
use crate::broker::reply::{NOT_SUPPORTED, Refusal};
use crate::day::{DayInstrument, DayTick};

const BAD_ASSET: Refusal = Refusal::new("UDAPI1212", "Invalid asset_type");
const BAD_CATEGORY: Refusal = Refusal::new("UDAPI1213", "Invalid category for the given asset_type");
const BAD_SIZE: Refusal = Refusal::new("UDAPI1214", "Invalid page_size. Maximum allowed value is 50");
const PAGE_SIZE: usize = 20;
const PAGE_SIZE_MAX: usize = 50;
/// Share of the price that the buyer on margin puts up, percent.
const MTF_PERCENT: f64 = 25.0;
const COMMON: [&str; 6] = [
    "TOP_TRADED",
    "MOST_ACTIVE",
    "OI_GAINERS",
    "OI_LOSERS",
    "PRICE_GAINERS",
    "PRICE_LOSERS",
];

/// A listed row with its rank's figure.
struct Ranked {
    key: String,
    tick: DayTick,
    current: f64,
    previous: f64,
}

impl Ranked {
    fn change(&self) -> f64 {
        self.current - self.previous
    }

    fn row(&self) -> Value {
        let close = self.tick.prev_close;
        json!({
            "instrument_key": self.key,
            "price": {
                "current": self.tick.ltp, "close_price": close, "change_abs": paise(self.tick.ltp - close),
                "change_pct": percent(self.tick.ltp - close, close),
            },
            "metric": {
                "current": self.current, "previous": self.previous,
                "change_abs": places(self.change(), 4), "change_pct": percent(self.change(), self.previous),
            },
        })
    }
}

fn percent(change: f64, of: f64) -> f64 {
    if of == 0.0 {
        0.0
    } else {
        places(change / of * 100.0, 2)
    }
}

impl MarketDesk {
    pub(super) fn smartlist(&self, now: TsNs, list: &str, call: &ApiCall<'_>) -> Answer {
        let page = Page::of(call, "page_size", PAGE_SIZE, PAGE_SIZE_MAX).map_err(|refusal| {
            if call.query("page_size").is_some() {
                BAD_SIZE.at("page_size", call.query("page_size"))
            } else {
                refusal
            }
        })?;
        let more: &[&str] = match list {
            "options" => &["IV_GAINERS", "IV_LOSERS", "UNDER_5000", "UNDER_10000"],
            "futures" => &["PREMIUM", "DISCOUNT"],
            "mtf" => return self.margin_list(now, page),
            _ => return Err(NOT_SUPPORTED),
        };
        let asset = call.query("asset_type").unwrap_or_else(|| "INDEX".to_owned());
        if !["INDEX", "STOCK", "COMMODITY"].contains(&asset.as_str()) {
            return Err(BAD_ASSET.at("asset_type", asset));
        }
        let category = call.query("category").unwrap_or_else(|| "TOP_TRADED".to_owned());
        let known = if asset == "COMMODITY" {
            &COMMON[..4]
        } else {
            &COMMON[..]
        };
        let is_more = asset != "COMMODITY" && more.contains(&category.as_str());
        if !known.contains(&category.as_str()) && !is_more {
            return Err(BAD_CATEGORY.at("category", category));
        }
        let (metric, rows) = self.ranked(list == "options", &asset, &category);
        let shown: Vec<Value> = page.cut(&rows).iter().map(Ranked::row).collect();
        success(json!({
            "asset_type": asset, "category": category, "time_stamp": millis(now), "metric_key": metric,
            "smartlist": shown, "page_number": page.number, "page_size": page.size,
            "total_pages": page.count(rows.len()),
        }))
    }

    fn ranked(&self, wants_options: bool, asset: &str, category: &str) -> (&'static str, Vec<Ranked>) {
        let is_wanted = |row: &DayInstrument| {
            let of_index = row
                .underlying
                .as_ref()
                .is_some_and(|(key, _)| key.contains("_INDEX|"));
            let is_kind = if wants_options {
                row.kind.is_option()
            } else {
                row.kind == InstrumentKind::Future
            };
            is_kind && asset == if of_index { "INDEX" } else { "STOCK" }
        };
        let mut metric = "";
        let mut rows: Vec<Ranked> = Vec::new();
        for (id, row) in self.listed().filter(|(_, row)| is_wanted(row)) {
            let tick = self.tick(id);
            let (name, current, previous) = self.figure(id, row, &tick, category);
            metric = name;
            rows.push(Ranked {
                key: row.key.clone(),
                tick,
                current,
                previous,
            });
        }
        let lot_value_max = match category {
            "UNDER_5000" => 5_000.0,
            "UNDER_10000" => 10_000.0,
            _ => f64::MAX,
        };
        rows.retain(|row| match category {
            "OI_GAINERS" | "PRICE_GAINERS" | "IV_GAINERS" => row.change() > 0.0,
            "OI_LOSERS" | "PRICE_LOSERS" | "IV_LOSERS" => row.change() < 0.0,
            "PREMIUM" => row.current > 0.0,
            "DISCOUNT" => row.current < 0.0,
            _ => row.current <= lot_value_max,
        });
        let is_rising = category.ends_with("LOSERS") || category == "DISCOUNT";
        let by_change = category.ends_with("GAINERS") || category.ends_with("LOSERS");
        let weight = |row: &Ranked| {
            let figure = if by_change {
                percent(row.change(), row.previous)
            } else {
                row.current
            };
            if is_rising { figure } else { -figure }
        };
        rows.sort_by(|a, b| weight(a).total_cmp(&weight(b)));
        (metric, rows)
    }

    /// Name, value and previous value of what a category ranks by.
    fn figure(
        &self,
        id: u32,
        row: &DayInstrument,
        tick: &DayTick,
        category: &str,
    ) -> (&'static str, f64, f64) {
        match category {
            "TOP_TRADED" => ("turnover", paise(tick.atp * tick.volume as f64), 0.0),
            "MOST_ACTIVE" => ("volume", tick.volume as f64, 0.0),
            "OI_GAINERS" | "OI_LOSERS" => ("oi", tick.oi, self.prev_oi(id).unwrap_or(tick.oi)),
            "PRICE_GAINERS" | "PRICE_LOSERS" => ("price", tick.ltp, tick.prev_close),
            // The smile is fixed for the day, so nothing gains or loses on it.
            "IV_GAINERS" | "IV_LOSERS" => ("iv", tick.iv * 100.0, tick.iv * 100.0),
            "PREMIUM" | "DISCOUNT" => {
                let spot = row.underlying.as_ref().map_or(0.0, |(key, _)| self.spot(key));
                ("premium", paise(tick.ltp - spot), 0.0)
            }
            _ => ("lot_value", paise(tick.ltp * row.lot.get() as f64), 0.0),
        }
    }

    fn margin_list(&self, now: TsNs, page: Page) -> Answer {
        let shares: Vec<(u32, &DayInstrument)> = self
            .listed()
            .filter(|(_, row)| row.kind == InstrumentKind::Equity)
            .collect();
        let rows = page.cut(&shares).iter().map(|(id, row)| {
            let tick = self.tick(*id);
            let put_up = paise(tick.ltp * MTF_PERCENT / 100.0);
            json!({
                "instrument_key": row.key,
                "price": {
                    "actual_price": tick.ltp, "mtf_price": put_up, "margin_saved": paise(tick.ltp - put_up),
                    "close_price": tick.prev_close,
                },
                "mtf_percent": MTF_PERCENT,
            })
        });
        success(json!({
            "asset_type": "STOCK", "category": "MTF", "time_stamp": millis(now), "metric_key": "mtf_percent",
            "smartlist": rows.collect::<Vec<Value>>(), "page_number": page.number, "page_size": page.size,
            "total_pages": page.count(shares.len()),
        }))
    }
}
