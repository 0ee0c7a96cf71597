//! Reports over days: trades of a period, closed trades with their result, and what they cost.
//!
//! They tell the invented trades of earlier days and the trades of today, matched first in, first out. Source: the
//! broker's API documentation (historical trades, profit and loss).

use std::collections::{BTreeMap, VecDeque};

use bijli_core::charges::{ChargeParts, ChargedFill};
use bijli_core::instrument::InstrumentKind;
use bijli_core::order::Side;
use bijli_core::{IstDay, Money, Price, Qty};
use serde_json::{Value, json};

use super::Broker;
use super::charge::{breakdown, day_first, parts_of};
use super::order::Product;
use super::reply::{ApiReply, BAD_INPUT, Refusal};
use super::route::{Answer, Asked, Route};
use super::row::side_word;
use crate::day::day_of_text;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v2/charges/historical-trades", past_trades),
    Route::get("/v2/trade/profit-loss/metadata", metadata),
    Route::get("/v2/trade/profit-loss/data", closed_trades),
    Route::get("/v2/trade/profit-loss/charges", charges),
];

const PAGE_SIZE_MAX: i64 = 5_000;
/// Financial years that trades are told of, the present one included.
const YEARS_TOLD: i32 = 3;
const BAD_DATE: Refusal = Refusal::new("UDAPI1088", "Invalid date format");
const BAD_SEGMENT: Refusal = Refusal::new("UDAPI1066", "The 'segment' is invalid");

/// A trade of any day.
#[derive(Clone, Debug)]
struct ReportTrade {
    id: String,
    instrument: u32,
    day: IstDay,
    side: Side,
    qty: Qty,
    price: Price,
    product: Product,
    /// Turnover of earlier fills of the same order.
    before: Money,
}

/// A quantity that was bought and sold.
struct Closed {
    instrument: u32,
    qty: i64,
    bought: (IstDay, Price),
    sold: (IstDay, Price),
}

fn past_trades(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let segment = asked.query("segment");
    if let Some(name) = &segment
        && !["EQ", "FO", "COM", "CD", "MF"].contains(&name.as_str())
    {
        return Err(BAD_SEGMENT.at("segment", name.as_str()));
    }
    let day = |name: &'static str, code: &'static str| {
        let text = asked
            .query(name)
            .ok_or_else(|| Refusal::new(code, "A date is required").at(name, Value::Null))?;
        day_of_text(&text).ok_or_else(|| BAD_DATE.at(name, text.as_str()))
    };
    let (first, last) = (day("start_date", "UDAPI1068")?, day("end_date", "UDAPI1069")?);
    if last < first || first < years_back(asked.now.ist_day()) {
        let words = "The dates are outside of what is told";
        return Err(Refusal::new("UDAPI1093", words).at("start_date", first.to_string()));
    }
    let (page, size) = page_of(asked, "page_size")?;
    let all: Vec<ReportTrade> = broker
        .report_trades()
        .into_iter()
        .filter(|trade| (first..=last).contains(&trade.day))
        .filter(|trade| {
            segment
                .as_deref()
                .is_none_or(|name| broker.report_segment(trade.instrument) == name)
        })
        .collect();
    let rows: Vec<Value> = page_rows(&all, page, size)
        .map(|trade| broker.past_trade_row(trade))
        .collect();
    let total = all.len() as i64;
    let body = json!({
        "status": "success",
        "data": rows,
        "metaData": { "page": {
            "page_number": page, "page_size": size, "total_records": total,
            "total_pages": (total + size - 1) / size,
        } },
    });
    Ok(ApiReply::json(200, &body))
}

fn metadata(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let period = Period::of(asked)?;
    let count = broker.closed_in(&period).len();
    Ok(ApiReply::success(
        &json!({ "trades_count": count, "page_size_limit": PAGE_SIZE_MAX }),
    ))
}

fn closed_trades(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let period = Period::of(asked)?;
    let (page, size) = page_of(asked, "page_size")?;
    let all = broker.closed_in(&period);
    let rows: Vec<Value> = page_rows(&all, page, size)
        .map(|closed| broker.closed_row(closed))
        .collect();
    let body = json!({
        "status": "success",
        "data": rows,
        "metadata": { "page": { "page_number": page, "page_size": size } },
    });
    Ok(ApiReply::json(200, &body))
}

fn charges(broker: &mut Broker, asked: &Asked<'_>) -> Answer {
    let period = Period::of(asked)?;
    let parts: Vec<ChargeParts> = broker
        .report_trades()
        .iter()
        .filter(|trade| period.has(trade.day) && broker.report_segment(trade.instrument) == period.segment)
        .map(|trade| broker.report_charges(trade))
        .collect();
    Ok(ApiReply::success(
        &json!({ "charges_breakdown": breakdown(&parts) }),
    ))
}

/// What a report is asked for.
struct Period {
    segment: String,
    first: IstDay,
    last: IstDay,
}

impl Period {
    fn of(asked: &Asked<'_>) -> Result<Self, Refusal> {
        let segment = asked.query("segment").ok_or_else(|| {
            Refusal::new("UDAPI1067", "The 'segment' is required").at("segment", Value::Null)
        })?;
        if !["EQ", "FO", "COM", "CD"].contains(&segment.as_str()) {
            return Err(BAD_SEGMENT.at("segment", segment));
        }
        let year = asked.query("financial_year").ok_or_else(|| {
            Refusal::new("UDAPI1070", "The financial year is required").at("financial_year", Value::Null)
        })?;
        let (from, to) = year_of(&year).ok_or_else(|| {
            Refusal::new("UDAPI1073", "The financial year has four digits")
                .at("financial_year", year.as_str())
        })?;
        let day = |name: &'static str, otherwise: IstDay| match asked.query(name) {
            None => Ok(otherwise),
            Some(text) => day_first_of(&text).ok_or_else(|| BAD_DATE.at(name, text.as_str())),
        };
        let (first, last) = (day("from_date", from)?, day("to_date", to)?);
        if first < from || last > to || last < first {
            let words = "The dates are not in the financial year";
            return Err(Refusal::new("UDAPI1105", words).at("from_date", day_first(first)));
        }
        Ok(Self { segment, first, last })
    }

    fn has(&self, day: IstDay) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

/// `2627` as its first and last day.
fn year_of(text: &str) -> Option<(IstDay, IstDay)> {
    let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (first, second) = digits.then(|| text.split_at(2))?;
    let (first, second): (i32, i32) = (first.parse().ok()?, second.parse().ok()?);
    let follows = (first + 1) % 100 == second;
    let from = IstDay::from_ymd(2000 + first, 4, 1).filter(|_| follows)?;
    Some((from, IstDay::from_ymd(2001 + first, 3, 31)?))
}

/// A day written `DD-MM-YYYY`, of a year whose moments can be counted.
fn day_first_of(text: &str) -> Option<IstDay> {
    let parts: Vec<&str> = text.split('-').collect();
    let [day, month, year] = parts[..] else {
        return None;
    };
    day_of_text(&format!("{year}-{month}-{day}"))
}

/// The first day of the oldest financial year that is told of.
fn years_back(today: IstDay) -> IstDay {
    let (year, month, _) = today.ymd();
    let present = if month >= 4 { year } else { year - 1 };
    IstDay::from_ymd(present - YEARS_TOLD + 1, 4, 1).expect("the first of April exists")
}

/// Page number and size of a call.
fn page_of(asked: &Asked<'_>, size_name: &'static str) -> Result<(i64, i64), Refusal> {
    let number = |name: &'static str, code: &'static str| {
        let text = asked
            .query(name)
            .ok_or_else(|| Refusal::new(code, "A page is required").at(name, Value::Null))?;
        text.parse::<i64>().map_err(|_| BAD_INPUT.at(name, text))
    };
    let page = number("page_number", "UDAPI1071")?;
    let size = number(size_name, "UDAPI1072")?;
    if page < 1 {
        return Err(BAD_INPUT.at("page_number", page));
    }
    if size < 1 {
        return Err(Refusal::new("UDAPI1106", "The page size is at least 1").at(size_name, size));
    }
    if size > PAGE_SIZE_MAX {
        return Err(Refusal::new("UDAPI1107", "The page size is at most 5000").at(size_name, size));
    }
    Ok((page, size))
}

fn page_rows<T>(rows: &[T], page: i64, size: i64) -> impl Iterator<Item = &T> {
    let skipped = usize::try_from((page - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    rows.iter().skip(skipped).take(usize::try_from(size).unwrap_or(0))
}

impl Broker {
    /// All trades that reports know, oldest first.
    fn report_trades(&self) -> Vec<ReportTrade> {
        let past = self.shares.past_trades(self.day);
        let mut trades: Vec<ReportTrade> = (0..)
            .zip(past)
            .map(|(number, trade)| ReportTrade {
                id: format!("{}", 40_000_001 + number),
                instrument: trade.instrument,
                day: trade.day,
                side: trade.side,
                qty: trade.qty,
                price: trade.price,
                product: Product::Delivery,
                before: Money::ZERO,
            })
            .collect();
        let mut before: BTreeMap<usize, Money> = BTreeMap::new();
        for trade in &self.ledger.trades {
            let ticket = &self.orders[trade.order].ticket;
            let turnover = trade.price.times(trade.qty).expect("the ledger took it");
            let so_far = before.entry(trade.order).or_default();
            trades.push(ReportTrade {
                id: trade.id.clone(),
                instrument: ticket.instrument,
                day: self.day,
                side: ticket.side,
                qty: trade.qty,
                price: trade.price,
                product: ticket.product,
                before: *so_far,
            });
            *so_far = so_far.plus(turnover).unwrap_or(*so_far);
        }
        trades
    }

    fn report_segment(&self, instrument: u32) -> &'static str {
        if self.listing(instrument).instrument.kind.is_derivative() {
            "FO"
        } else {
            "EQ"
        }
    }

    fn report_charges(&self, trade: &ReportTrade) -> ChargeParts {
        let fill = ChargedFill {
            day: trade.day,
            kind: self.listing(trade.instrument).instrument.kind,
            side: trade.side,
            turnover: trade.price.times(trade.qty).expect("trades are bounded"),
            order_turnover_before: trade.before,
        };
        parts_of(&fill, trade.product)
    }

    /// Closed quantities whose last leg lies in the period.
    fn closed_in(&self, period: &Period) -> Vec<Closed> {
        let mut open: BTreeMap<u32, VecDeque<ReportTrade>> = BTreeMap::new();
        let mut closed = Vec::new();
        for mut trade in self.report_trades() {
            let lots = open.entry(trade.instrument).or_default();
            while !trade.qty.is_zero() && lots.front().is_some_and(|lot| lot.side != trade.side) {
                let lot = lots.front_mut().expect("a lot was seen");
                let qty = trade.qty.get().min(lot.qty.get());
                let (bought, sold) = match trade.side {
                    Side::Buy => (&trade, &*lot),
                    Side::Sell => (&*lot, &trade),
                };
                if period.has(trade.day) && self.report_segment(trade.instrument) == period.segment {
                    closed.push(Closed {
                        instrument: trade.instrument,
                        qty,
                        bought: (bought.day, bought.price),
                        sold: (sold.day, sold.price),
                    });
                }
                lot.qty = Qty::new(lot.qty.get() - qty);
                trade.qty = Qty::new(trade.qty.get() - qty);
                if lot.qty.is_zero() {
                    lots.pop_front();
                }
            }
            if !trade.qty.is_zero() {
                lots.push_back(trade);
            }
        }
        closed
    }

    fn isin_of(&self, instrument: u32) -> &str {
        let listing = self.listing(instrument);
        match listing.instrument.kind {
            InstrumentKind::Equity => listing.instrument.key.split('|').nth(1).unwrap_or_default(),
            _ => "",
        }
    }

    fn closed_row(&self, closed: &Closed) -> Value {
        let instrument = &self.listing(closed.instrument).instrument;
        let amount = |price: Price| price.times(Qty::new(closed.qty)).unwrap_or(Money::ZERO).rupees();
        let (bought, sold) = (closed.bought, closed.sold);
        json!({
            "quantity": closed.qty as f64,
            "isin": self.isin_of(closed.instrument),
            "scrip_name": instrument.name,
            "trade_type": match instrument.kind {
                InstrumentKind::Future => "FUT",
                InstrumentKind::Call | InstrumentKind::Put => "OPT",
                InstrumentKind::Equity | InstrumentKind::Index => "EQ",
            },
            "buy_date": day_first(bought.0),
            "buy_average": bought.1.rupees(),
            "sell_date": day_first(sold.0),
            "sell_average": sold.1.rupees(),
            "buy_amount": amount(bought.1),
            "sell_amount": amount(sold.1),
        })
    }

    fn past_trade_row(&self, trade: &ReportTrade) -> Value {
        let instrument = &self.listing(trade.instrument).instrument;
        let amount = trade.price.times(trade.qty).unwrap_or(Money::ZERO);
        json!({
            "exchange": "NSE",
            "segment": self.report_segment(trade.instrument),
            "option_type": match instrument.kind {
                InstrumentKind::Call => "CE",
                InstrumentKind::Put => "PE",
                InstrumentKind::Future | InstrumentKind::Equity | InstrumentKind::Index => "",
            },
            "quantity": trade.qty.get(),
            "amount": amount.rupees(),
            "trade_id": trade.id,
            "trade_date": trade.day.to_string(),
            "transaction_type": side_word(trade.side),
            "scrip_name": instrument.name,
            "strike_price": format!("{:.1}", if instrument.strike.is_set() { instrument.strike.rupees() } else { 0.0 }),
            "expiry": instrument.expiry.map(|day| day.to_string()).unwrap_or_default(),
            "price": trade.price.rupees(),
            "isin": self.isin_of(trade.instrument),
            "symbol": instrument.symbol,
            "instrument_token": instrument.key,
        })
    }
}
