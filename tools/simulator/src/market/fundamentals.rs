//! Company figures. No day has any, so all are invented by seed and say so wherever there is room for words.
//!
//! Balances balance and changes follow from their histories, so that a client's arithmetic can be tested.
//! Source of shape and codes: the broker's OpenAPI definition.

use bijli_core::instrument::InstrumentKind;
use serde_json::{Value, json};

use super::derived::purpose;
use super::listing::ident;
use super::request::success;
use super::{Answer, MarketDesk};
use crate::broker::ApiCall;
use crate::broker::reply::{BAD_INPUT, BAD_KEY, NOT_SUPPORTED, Refusal};
use crate::day::DayInstrument;
use crate::random::Random;

const BAD_ISIN: Refusal = Refusal::new("UDAPI1206", "Invalid ISIN");
const BAD_TYPE: Refusal = Refusal::new(
    "UDAPI1207",
    "Invalid type. Allowed values: consolidated, standalone",
);
const BAD_PERIOD: Refusal = Refusal::new(
    "UDAPI1208",
    "Invalid time period. Allowed values: yearly, quarterly",
);
const UNITS: &str = "crores (SIMULATED)";
const SECTOR: &str = "Simulated sector";
const PERIODS: usize = 5;

/// How a statement is asked for.
struct Statement {
    kind: String,
    period: String,
    is_full: bool,
}

impl Statement {
    fn of(call: &ApiCall<'_>) -> Result<Self, Refusal> {
        let word = |name: &str, default: &str| call.query(name).unwrap_or_else(|| default.to_owned());
        let (kind, period) = (word("type", "consolidated"), word("time_period", "yearly"));
        if !["consolidated", "standalone"].contains(&kind.as_str()) {
            return Err(BAD_TYPE.at("type", kind));
        }
        if !["yearly", "quarterly"].contains(&period.as_str()) {
            return Err(BAD_PERIOD.at("time_period", period));
        }
        let full = word("fs", "false");
        if !["true", "false", "True", "False"].contains(&full.as_str()) {
            return Err(BAD_INPUT.at("fs", full));
        }
        Ok(Self {
            kind,
            period,
            is_full: full.eq_ignore_ascii_case("true"),
        })
    }
}

/// The figures of one company.
struct Company<'a> {
    row: &'a DayInstrument,
    random: Random,
    year: i32,
}

impl MarketDesk {
    pub(super) fn fundamentals(&self, name: &str, topic: &str, call: &ApiCall<'_>) -> Answer {
        if topic == "competitors" {
            return self.competitors(name);
        }
        let share = self
            .shares()
            .find(|row| ident(row) == name)
            .ok_or_else(|| BAD_ISIN.at("isin", name));
        let company = |topic: &str| share.map(|row| self.company(row, topic));
        match topic {
            "profile" => success(profile(company("profile")?.row)),
            "balance-sheet" => {
                let asked = Statement::of(call)?;
                success(company(topic)?.balance_sheet(&asked))
            }
            "cash-flow" => {
                let asked = Statement::of(call)?;
                let names = ["Operating", "Investing", "Financing"];
                success(company(topic)?.statement(&asked, "cash_flow", &names, false))
            }
            "income-statement" => {
                let asked = Statement::of(call)?;
                let names = ["Revenue", "Operating profit", "Net profit"];
                success(company(topic)?.statement(&asked, "income_statement", &names, true))
            }
            "share-holdings" => success(company(topic)?.share_holdings()),
            "key-ratios" => success(company(topic)?.key_ratios()),
            "corporate-actions" => success(company(topic)?.corporate_actions()),
            _ => Err(NOT_SUPPORTED),
        }
    }

    fn shares(&self) -> impl Iterator<Item = &DayInstrument> {
        self.lines
            .iter()
            .map(|line| &line.instrument)
            .filter(|row| row.kind == InstrumentKind::Equity)
    }

    fn company<'a>(&self, row: &'a DayInstrument, topic: &str) -> Company<'a> {
        let seed = self.seed().unwrap_or_default();
        Company {
            row,
            random: Random::new(seed, purpose(&format!("{topic} {}", row.key))),
            year: self.info.day.ymd().0,
        }
    }

    fn competitors(&self, key: &str) -> Answer {
        let shares: Vec<&DayInstrument> = self.shares().collect();
        let place = shares.iter().position(|row| row.key == key).ok_or(BAD_KEY)?;
        let others = shares.iter().cycle().skip(place + 1).take(4);
        let rows = others.filter(|row| row.key != key).map(|row| {
            let mut profile = profile(row);
            profile["instrument_key"] = json!(row.key);
            profile
        });
        success(Value::Array(rows.collect()))
    }
}

fn profile(row: &DayInstrument) -> Value {
    let amount = |value: f64, unit: &str| json!({ "value": value, "unit": unit, "formatted": format!("{value} {unit} (SIMULATED)") });
    json!({
        "company_profile": format!("SIMULATED: {} has no profile here; this text is invented.", row.name),
        "sector": SECTOR, "sector_market_cap_inr": amount(100_000.0, "Cr"),
        "sector_market_cap_usd": amount(12.0, "Bn"),
    })
}

impl Company<'_> {
    /// Newest first; a quarter is named by its end.
    fn periods(&self, quarterly: bool) -> Vec<String> {
        let ends = ["Mar", "Dec", "Sep", "Jun"];
        (0..PERIODS)
            .map(|back| {
                if quarterly {
                    let year = self.year - (back as i32 + 3) / 4;
                    format!("{} {year}", ends[back % ends.len()])
                } else {
                    format!("Mar {}", self.year - back as i32)
                }
            })
            .collect()
    }

    fn amount(&mut self) -> f64 {
        self.random.between(10_000, 900_000) as f64 / 100.0
    }

    fn history(&mut self, quarterly: bool) -> Value {
        let periods = self.periods(quarterly);
        let values: Vec<f64> = periods.iter().map(|_| self.amount()).collect();
        let rows = periods
            .iter()
            .zip(&values)
            .enumerate()
            .map(|(at, (period, value))| {
                let before = values.get(at + 1).copied().unwrap_or(*value);
                json!({
                    "value": value, "period": period,
                    "change": format!("{:.2}%", (value - before) / before * 100.0),
                })
            });
        Value::Array(rows.collect())
    }

    fn full(&mut self, asked: &Statement) -> Value {
        if !asked.is_full {
            return json!([]);
        }
        let is_quarterly = asked.period == "quarterly";
        let particulars = ["Total (SIMULATED)", "Other (SIMULATED)"];
        Value::Array(
            particulars
                .map(|name| json!({ "particular": name, "history": self.history(is_quarterly) }))
                .to_vec(),
        )
    }

    fn statement(&mut self, asked: &Statement, field: &str, names: &[&str], has_quarters: bool) -> Value {
        let is_quarterly = has_quarters && asked.period == "quarterly";
        let entries: Vec<Value> = names
            .iter()
            .map(|name| json!({ "category": name, "history": self.history(is_quarterly) }))
            .collect();
        json!({
            "type": asked.kind, "time_period": if has_quarters { asked.period.as_str() } else { "yearly" },
            "units_in": UNITS, field: entries, "full_statement": self.full(asked),
        })
    }

    fn balance_sheet(&mut self, asked: &Statement) -> Value {
        let rows: Vec<Value> = self
            .periods(false)
            .iter()
            .map(|period| {
                let total = self.amount();
                json!({ "total_asset": total, "total_liability": total, "period": period })
            })
            .collect();
        json!({
            "type": asked.kind, "time_period": "yearly", "units_in": UNITS, "history": rows,
            "full_statement": self.full(asked),
        })
    }

    /// Percent of the company by owner; those of a period add up to 100.
    fn share_holdings(&mut self) -> Value {
        let names = [
            "Promoters",
            "Foreign institutions",
            "Domestic institutions",
            "Public",
        ];
        let periods = self.periods(true);
        let shares: Vec<[i64; 4]> = periods
            .iter()
            .map(|_| {
                let parts = [(); 3].map(|()| self.random.between(500, 3_000));
                [parts[0], parts[1], parts[2], 10_000 - parts.iter().sum::<i64>()]
            })
            .collect();
        let owner = |owner: usize| -> Value {
            let history = periods.iter().zip(&shares).enumerate().map(|(at, (period, now))| {
                let before = shares.get(at + 1).unwrap_or(now)[owner];
                let change = (now[owner] - before) as f64 / before as f64 * 100.0;
                json!({
                    "value": now[owner] as f64 / 100.0, "period": period, "change": format!("{change:.2}%"),
                })
            });
            history.collect()
        };
        let rows = names.iter().enumerate().map(
            |(place, name)| json!({ "category": format!("{name} (SIMULATED)"), "history": owner(place) }),
        );
        Value::Array(rows.collect())
    }

    fn key_ratios(&mut self) -> Value {
        let names = ["P/E", "P/B", "ROE", "Debt to equity"];
        let rows = names.map(|name| {
            let mut ratio = || format!("{:.2}", self.random.between(50, 6_000) as f64 / 100.0);
            json!({ "name": format!("{name} (SIMULATED)"), "company_value": ratio(), "sector_value": ratio() })
        });
        Value::Array(rows.to_vec())
    }

    fn corporate_actions(&mut self) -> Value {
        let amount = self.random.between(50, 2_000) as f64 / 100.0;
        json!([{
            "name": "Dividend (SIMULATED)", "expiry_date": format!("14 Aug {}", self.year - 1), "amount": amount,
            "ratio": "", "event_details": [{ "name": "Type", "value": "Interim (SIMULATED)" }],
        }])
    }
}
