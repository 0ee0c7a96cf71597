//! A broker's tradebook: its trades of a day, from JSON or CSV, whatever its columns are called.
//!
//! JSON: a list of trade rows, or an object that holds one under `data` (what `bijli trades --json` prints, and
//! what the broker answers). CSV: comma or tab, quoted as in RFC 4180; lines before the header are passed over.
//! A header is known by its letters and digits alone, in any order and case; names: `FIELDS`. Amounts are read
//! as decimal text, never through a float, so a paisa stays a paisa. Rows of other days are counted and left out.
//! Left out: corporate actions and contract notes as documents. Sources of the names: the broker's API
//! documentation, and headers of back-office exports.

use std::fmt;

use bijli_core::order::Side;
use bijli_core::price::UNITS_PER_RUPEE;
use bijli_core::{IstDay, Money, Price, Qty};
use serde_json::Value;

/// One trade as the broker tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookTrade {
    /// The exchange's id.
    pub trade_id: String,
    /// The broker's id of the order; empty where the book does not tell it.
    pub order_id: String,
    /// The broker's key of the instrument; empty where the book does not tell it.
    pub key: String,
    /// Symbol or name; empty where the book does not tell it.
    pub symbol: String,
    /// Side.
    pub side: Side,
    /// Units; positive.
    pub qty: Qty,
    /// Price.
    pub price: Price,
    /// Charges of this trade, where the book tells any.
    pub charges: Option<Money>,
}

/// A day's rows of a tradebook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tradebook {
    /// The day's trades, as they stood.
    pub trades: Vec<BookTrade>,
    /// Rows of other days.
    pub other_days: u64,
    /// Lines without a trade id: totals and remarks.
    pub remarks: u64,
}

/// Why a text is no tradebook, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradebookError {
    /// Row from 1, the header not counted; 0 for the whole text.
    pub row: usize,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for TradebookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            0 => f.write_str(&self.what),
            row => write!(f, "row {row}: {}", self.what),
        }
    }
}

impl std::error::Error for TradebookError {}

/// What a column can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    TradeId,
    OrderId,
    Key,
    Symbol,
    Side,
    Qty,
    Price,
    Day,
    ChargesTotal,
    ChargesPart,
}

/// Names of each column, letters and digits alone, lower case.
const FIELDS: &[(Field, &[&str])] = &[
    (Field::TradeId, &["tradeid", "tradenum", "tradeno", "tradenumber"]),
    (Field::OrderId, &["orderid", "orderno", "ordernum", "ordernumber"]),
    (Field::Key, &["instrumentkey", "instrumenttoken"]),
    (
        Field::Symbol,
        &[
            "tradingsymbol",
            "symbol",
            "scripname",
            "scrip",
            "company",
            "contract",
        ],
    ),
    (
        Field::Side,
        &["transactiontype", "tradetype", "side", "buysell", "buyorsell"],
    ),
    (
        Field::Qty,
        &["quantity", "qty", "tradedquantity", "tradedqty", "filledquantity"],
    ),
    (
        Field::Price,
        &["averageprice", "price", "tradeprice", "tradedprice", "rate"],
    ),
    (Field::Day, &["tradedate", "date"]),
    (Field::ChargesTotal, &["charges", "totalcharges"]),
    (
        Field::ChargesPart,
        &[
            "brokerage",
            "stt",
            "ctt",
            "stampduty",
            "gst",
            "exchangecharges",
            "transactioncharges",
            "sebicharges",
            "sebifee",
            "ipft",
        ],
    ),
];

fn field_of(name: &str) -> Option<Field> {
    let bare: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let found = FIELDS.iter().find(|(_, names)| names.contains(&bare.as_str()));
    found.map(|(field, _)| *field)
}

/// Reads the trades of `day` from a tradebook.
///
/// # Errors
/// [`TradebookError`] with the row that cannot be read. Nothing is guessed.
pub fn parse(text: &str, day: IstDay) -> Result<Tradebook, TradebookError> {
    let text = text.trim_start_matches('\u{feff}');
    let rows = if text.trim_start().starts_with(['{', '[']) {
        json_rows(text)?
    } else {
        csv_rows(text)?
    };
    let mut book = Tradebook::default();
    for (row, fields) in rows.iter().enumerate() {
        let fault = |what: String| TradebookError { row: row + 1, what };
        let of = |field: Field| fields.iter().find(|(known, _)| *known == field);
        let text_of = |field: Field| of(field).map_or("", |(_, text)| text.as_str());
        if text_of(Field::TradeId).is_empty() {
            book.remarks += 1;
            continue;
        }
        let told_day = text_of(Field::Day);
        if !told_day.is_empty() {
            let told = day_of(told_day).ok_or_else(|| fault(format!("`{told_day}` is no day")))?;
            if told != day {
                book.other_days += 1;
                continue;
            }
        }
        book.trades.push(trade_of(fields).map_err(fault)?);
    }
    Ok(book)
}

type Fields = Vec<(Field, String)>;

fn trade_of(fields: &Fields) -> Result<BookTrade, String> {
    let text = |field: Field| {
        let found = fields.iter().find(|(known, _)| *known == field);
        found.map_or("", |(_, text)| text.as_str())
    };
    let amount = |field: Field| {
        units_of(text(field)).ok_or_else(|| format!("{field:?} `{}` is no amount", text(field)))
    };
    let side = match text(Field::Side).to_ascii_uppercase().as_str() {
        "BUY" | "B" => Side::Buy,
        "SELL" | "S" => Side::Sell,
        other => return Err(format!("side `{other}` is neither BUY nor SELL")),
    };
    let units = amount(Field::Qty)?;
    if units <= 0 || units % UNITS_PER_RUPEE != 0 {
        return Err(format!(
            "quantity `{}` is no positive whole number",
            text(Field::Qty)
        ));
    }
    let price = amount(Field::Price)?;
    if price <= 0 {
        return Err(format!("price `{}` is not above zero", text(Field::Price)));
    }
    Ok(BookTrade {
        trade_id: text(Field::TradeId).to_owned(),
        order_id: text(Field::OrderId).to_owned(),
        key: text(Field::Key).to_owned(),
        symbol: text(Field::Symbol).to_owned(),
        side,
        qty: Qty::new(units / UNITS_PER_RUPEE),
        price: Price::new(price),
        charges: charges_of(fields)?,
    })
}

/// The total if it is told, else the sum of its parts.
fn charges_of(fields: &Fields) -> Result<Option<Money>, String> {
    let told = |wanted: Field| {
        fields
            .iter()
            .filter(move |(field, text)| *field == wanted && !text.is_empty())
    };
    let wanted = if told(Field::ChargesTotal).next().is_some() {
        Field::ChargesTotal
    } else {
        Field::ChargesPart
    };
    let mut sum = None;
    for (_, text) in told(wanted) {
        let units = units_of(text).ok_or_else(|| format!("charge `{text}` is no amount"))?;
        sum = Some(Money::new(sum.map_or(0, Money::get).saturating_add(units)));
    }
    Ok(sum)
}

/// Rupees in decimal text as 1/10 000 rupee; digits beyond the fourth are rounded half up. Thousands may be
/// parted by commas.
#[must_use]
pub fn units_of(text: &str) -> Option<i64> {
    let bare: String = text
        .chars()
        .filter(|sign| !matches!(sign, ',' | '\u{20b9}' | ' '))
        .collect();
    let (negative, digits) = match bare.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, bare.as_str()),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(part) || (whole.is_empty() && part.is_empty()) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let digit = |place: usize| {
        part.as_bytes()
            .get(place)
            .map_or(0, |byte| i64::from(byte - b'0'))
    };
    let fraction = (0..4).fold(0, |sum, place| sum * 10 + digit(place));
    let round = i64::from(digit(4) >= 5);
    let units = whole
        .checked_mul(UNITS_PER_RUPEE)?
        .checked_add(fraction + round)?;
    Some(if negative { -units } else { units })
}

/// `2026-07-31`, `31-07-2026`, `31/07/2026`, `31-Jul-2026`, with or without a time behind.
fn day_of(text: &str) -> Option<IstDay> {
    const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";
    let date = text.split([' ', 'T']).next()?;
    let parts: Vec<&str> = date.split(['-', '/']).collect();
    let [first, month, last] = parts.as_slice() else {
        return None;
    };
    let month = match month.parse() {
        Ok(month) => month,
        Err(_) => u32::try_from(MONTHS.find(&month.to_ascii_lowercase())? / 3 + 1).ok()?,
    };
    let (year, date) = if first.len() == 4 {
        (first, last)
    } else {
        (last, first)
    };
    IstDay::from_ymd(year.parse().ok()?, month, date.parse().ok()?)
}

fn json_rows(text: &str) -> Result<Vec<Fields>, TradebookError> {
    let whole = |what: String| TradebookError { row: 0, what };
    let value: Value = serde_json::from_str(text).map_err(|error| whole(format!("no JSON: {error}")))?;
    let list = if value.is_array() { &value } else { &value["data"] };
    let Some(rows) = list.as_array() else {
        return Err(whole(
            "no list of trades, neither at the top nor under `data`".to_owned(),
        ));
    };
    let fields = |(index, row): (usize, &Value)| {
        let object = row.as_object().ok_or_else(|| TradebookError {
            row: index + 1,
            what: "no object".to_owned(),
        })?;
        let text = |value: &Value| match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
        };
        let known = |(name, value): (&String, &Value)| {
            let text = text(value);
            field_of(name)
                .filter(|_| !text.is_empty())
                .map(|field| (field, text))
        };
        Ok(object.iter().filter_map(known).collect())
    };
    rows.iter().enumerate().map(fields).collect()
}

fn csv_rows(text: &str) -> Result<Vec<Fields>, TradebookError> {
    let lines = csv_lines(text);
    let is_head = |line: &Vec<String>| {
        let has = |field| line.iter().any(|name| field_of(name) == Some(field));
        has(Field::TradeId) && has(Field::Side) && has(Field::Qty) && has(Field::Price)
    };
    let Some(head) = lines.iter().position(is_head) else {
        return Err(TradebookError {
            row: 0,
            what: "no header with trade id, side, quantity and price; the names that are known stand in TRADE_LOG.md"
                .to_owned(),
        });
    };
    let fields: Vec<Option<Field>> = lines[head].iter().map(|name| field_of(name)).collect();
    let row = |line: &Vec<String>| {
        let cells = fields.iter().zip(line);
        cells
            .filter_map(|(field, text)| field.map(|field| (field, text.trim().to_owned())))
            .collect()
    };
    Ok(lines[head + 1..].iter().map(row).collect())
}

/// Cells of all lines that are not empty; a quoted cell may hold separators and ends of lines.
fn csv_lines(text: &str) -> Vec<Vec<String>> {
    let separator = if text.contains('\t') && !text.contains(',') {
        '\t'
    } else {
        ','
    };
    let (mut lines, mut line, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => {
                signs.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            '\n' if !quoted => {
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
            }
            '\r' if !quoted => {}
            _ if sign == separator && !quoted => line.push(std::mem::take(&mut cell)),
            _ => cell.push(sign),
        }
    }
    line.push(cell);
    lines.push(line);
    lines.retain(|line| line.iter().any(|cell| !cell.trim().is_empty()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day() -> IstDay {
        IstDay::from_ymd(2026, 7, 31).expect("a real date")
    }

    fn trade() -> BookTrade {
        BookTrade {
            trade_id: "T1".to_owned(),
            order_id: "250731000001".to_owned(),
            key: String::new(),
            symbol: "RELIANCE".to_owned(),
            side: Side::Sell,
            qty: Qty::new(15),
            price: Price::new(14_790_500),
            charges: None,
        }
    }

    #[test]
    fn json_of_the_broker_and_of_our_verb_read_alike() {
        let row = r#"[{"trade_id":"T1","order_id":250731000001,"trading_symbol":"RELIANCE",
            "transaction_type":"SELL","quantity":15,"average_price":1479.05,"exchange":"NSE"}]"#;
        for text in [
            row.to_owned(),
            format!(r#"{{"status":"success","data":{row}}}"#),
            format!(r#"{{"broker":"simulator","data":{row}}}"#),
        ] {
            assert_eq!(parse(&text, day()).expect("a tradebook").trades, [trade()]);
        }
    }

    #[test]
    fn csv_headers_may_stand_in_any_order_with_lines_before_and_totals_behind() {
        let text = "\u{feff}Tradebook of A. Trader,,\n\n\
            Price,Trade No.,Qty,Buy/Sell,\"Order No.\",Symbol,Trade Date,Brokerage,STT\r\n\
            \"1,479.05\",T1,15,S,250731000001,RELIANCE,31-Jul-2026,1.50,0.25\r\n\
            1500,T9,1,B,7,RELIANCE,30/07/2026,,\r\n\
            ,,16,,,Total,,,\r\n";
        let book = parse(text, day()).expect("a tradebook");
        let charged = BookTrade {
            charges: Some(Money::new(17_500)),
            ..trade()
        };
        assert_eq!(book.trades, [charged]);
        assert_eq!((book.other_days, book.remarks), (1, 1));
    }

    #[test]
    fn a_row_that_cannot_be_read_is_named() {
        let head = "trade_id,order_id,symbol,trade_type,quantity,price\n";
        for (row, words) in [
            ("T1,1,X,HOLD,1,1.00", "neither BUY nor SELL"),
            ("T1,1,X,BUY,1.5,1.00", "no positive whole number"),
            ("T1,1,X,BUY,1,1.0.0", "no amount"),
            ("T1,1,X,BUY,1,0", "not above zero"),
        ] {
            let error = parse(&format!("{head}{row}"), day()).expect_err("a bad row");
            assert!(error.row == 1 && error.what.contains(words), "{error}");
        }
        assert!(
            parse("a,b\n1,2\n", day())
                .expect_err("no header")
                .what
                .contains("TRADE_LOG.md")
        );
        assert_eq!(parse("{}", day()).expect_err("no list").row, 0);
    }

    proptest! {
        #[test]
        fn any_amount_is_read_back_exactly(units in -9_000_000_000_000_000i64..9_000_000_000_000_000) {
            prop_assert_eq!(units_of(&Money::new(units).to_string()), Some(units));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
            let _read = parse(&text, day());
        }
    }
}
