//! Makes every REST call that this crate can build, so that its requests can be laid beside those of the broker's
//! own SDK.
//!
//! Standard input: one JSON object with the two base URLs, a token, a root certificate, the algorithm's name, and the
//! calls, each a name with the arguments that the SDK is given. Standard output: the names of the calls made, in
//! order; a name that no builder answers to is left out. What the replies say does not matter here. Run by
//! `cargo xtask referee --part parity`, which records both sides at the simulator.

use std::io::Read;
use std::time::Duration;

use bijli_core::order::{BrokerOrderId, IntentId, OrderType, Side, Validity};
use bijli_core::{IstDay, Price, Qty};
use bijli_gateway::evidence::InstrumentKey;
use bijli_gateway::request::{Lane, RequestId};
use bijli_gateway::socket::{RestLane, RestSettings};
use bijli_gateway::upstox::call::Call;
use bijli_gateway::upstox::order_ticket::{Change, Pricing, Protection, Session, Slicing, Ticket};
use bijli_gateway::upstox::vocabulary::{Exchange, Ledger, ProductWord, Segment};
use bijli_gateway::upstox::{
    account_api, analytics_api, auth_api, candle_api, charges_api, expired_api, feed_api, funds_api, gtt_api,
    market_api, multi_order_api, news_api, option_api, order_api, order_read_api, order_ticket,
    portfolio_api, profit_loss_api, quote_api, search_api,
};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The arguments of one call as the SDK is given them.
struct Given<'a> {
    args: &'a [Value],
    options: &'a Value,
}

fn main() -> Outcome<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let input: Value = serde_json::from_str(&text)?;
    let mut lane = RestLane::new(&settings(&input))?;
    let calls = input["calls"].as_array().ok_or("no list of calls")?;
    for (number, wanted) in (1..).zip(calls) {
        let name = wanted["name"].as_str().ok_or("a call without a name")?;
        let args = wanted["args"].as_array().ok_or("a call without arguments")?;
        let given = Given {
            args,
            options: &wanted["options"],
        };
        let Some(call) = call_of(name, &given) else {
            continue;
        };
        let timed = lane.perform(&call.into_request(RequestId::new(number), Lane::Read));
        timed
            .reply
            .outcome
            .map_err(|failed| format!("{name}: {failed:?}"))?;
        println!("{name}");
    }
    Ok(())
}

fn settings(input: &Value) -> RestSettings {
    let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
    RestSettings {
        api_url: text("api_url"),
        order_url: text("order_url"),
        token: text("token"),
        extra_root_pem: Some(text("extra_root_pem")),
        algo_name: Some(text("algo_name")),
        timeout: Duration::from_secs(10),
    }
}

fn call_of(name: &str, given: &Given<'_>) -> Option<Call> {
    login(name, given)
        .or_else(|| engine(name, given))
        .or_else(|| write(name, given))
        .or_else(|| read(name, given))
        .or_else(|| account(name, given))
        .or_else(|| market(name, given))
        .or_else(|| history(name, given))
        .or_else(|| options(name, given))
}

impl Given<'_> {
    /// The body, where a call has one.
    fn body(&self) -> &Value {
        &self.args[0]
    }

    /// A positional argument as text.
    fn text(&self, place: usize) -> &str {
        self.args[place].as_str().unwrap_or_default()
    }

    /// A positional argument as a day.
    fn day(&self, place: usize) -> IstDay {
        day(self.text(place))
    }

    /// A positional argument as a number.
    fn number(&self, place: usize) -> u32 {
        number(&self.args[place])
    }

    /// A named argument as text.
    fn option(&self, name: &str) -> Option<&str> {
        self.options[name].as_str()
    }
}

fn number(value: &Value) -> u32 {
    let number = value.as_u64().unwrap_or_default();
    u32::try_from(number).unwrap_or_default()
}

fn qty(value: &Value) -> Qty {
    Qty::new(value.as_i64().unwrap_or_default())
}

/// The table's prices are rupees with at most two decimals.
fn price(value: &Value) -> Price {
    Price::from_paise((value.as_f64().unwrap_or_default() * 100.0).round() as i64)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn product(value: &Value) -> ProductWord {
    ProductWord::from_word(&text(value))
}

fn side(value: &Value) -> Side {
    if value == "SELL" { Side::Sell } else { Side::Buy }
}

/// `YYYY-MM-DD`, or `DD-MM-YYYY` as reports of profit and loss have it.
fn day(text: &str) -> IstDay {
    let parts: Vec<u32> = text.split('-').filter_map(|part| part.parse().ok()).collect();
    let [first, month, last] = parts[..] else {
        panic!("`{text}` is no date");
    };
    let (year, day) = if first > 31 { (first, last) } else { (last, first) };
    IstDay::from_ymd(year as i32, month, day).unwrap_or_else(|| panic!("`{text}` is no date"))
}

fn pricing(body: &Value) -> Pricing {
    match body["order_type"].as_str() {
        Some("MARKET") => Pricing::Market(protection(body)),
        Some("SL") => Pricing::StopLimit {
            price: price(&body["price"]),
            trigger: price(&body["trigger_price"]),
        },
        Some("SL-M") => Pricing::StopMarket {
            trigger: price(&body["trigger_price"]),
            protection: protection(body),
        },
        _ => Pricing::Limit(price(&body["price"])),
    }
}

fn protection(body: &Value) -> Protection {
    match body["market_protection"].as_i64() {
        None => Protection::Unsaid,
        Some(percent) => u8::try_from(percent).map_or(Protection::Automatic, Protection::Percent),
    }
}

fn validity(body: &Value) -> Validity {
    if body["validity"] == "IOC" {
        Validity::Ioc
    } else {
        Validity::Day
    }
}

/// What the engine knows of an order; it says nothing of protection, which its builder decides.
fn terms(body: &Value) -> order_api::Terms {
    order_api::Terms {
        qty: qty(&body["quantity"]),
        order_type: match body["order_type"].as_str() {
            Some("MARKET") => OrderType::Market,
            Some("SL") => OrderType::StopLimit,
            Some("SL-M") => OrderType::StopMarket,
            _ => OrderType::Limit,
        },
        validity: validity(body),
        price: price(&body["price"]),
        trigger: price(&body["trigger_price"]),
    }
}

/// The calls with which the gateway's engine sends live orders.
fn engine(name: &str, given: &Given<'_>) -> Option<Call> {
    let body = given.args.first()?;
    if name.starts_with("engine place") {
        let intent = IntentId::from_tag(body["tag"].as_str()?)?;
        let key = InstrumentKey::new(body["instrument_token"].as_str()?)?;
        let product = match body["product"].as_str() {
            Some("D") => order_api::Product::Delivery,
            _ => order_api::Product::Intraday,
        };
        let side = side(&body["transaction_type"]);
        Some(order_api::place(intent, &key, side, &terms(body), product))
    } else if name.starts_with("engine modify") {
        let order_id = BrokerOrderId::new(body["order_id"].as_str()?)?;
        Some(order_api::modify(&order_id, &terms(body)))
    } else {
        None
    }
}

fn ticket(body: &Value) -> Ticket {
    Ticket {
        instrument_key: text(&body["instrument_token"]),
        side: side(&body["transaction_type"]),
        qty: qty(&body["quantity"]),
        pricing: pricing(body),
        validity: validity(body),
        product: product(&body["product"]),
        disclosed: qty(&body["disclosed_quantity"]),
        tag: body["tag"].as_str().map(str::to_owned),
        session: if body["is_amo"] == true {
            Session::Next
        } else {
            Session::Now
        },
        slicing: if body["slice"] == true {
            Slicing::Sliced
        } else {
            Slicing::Whole
        },
    }
}

fn change(body: &Value) -> Change {
    Change {
        order_id: text(&body["order_id"]),
        qty: Some(qty(&body["quantity"])),
        pricing: pricing(body),
        validity: validity(body),
        disclosed: Some(qty(&body["disclosed_quantity"])),
    }
}

fn plan(body: &Value) -> gtt_api::Plan {
    let rules = body["rules"].as_array().map_or(&[][..], Vec::as_slice);
    let rule = |strategy: &str| rules.iter().find(|rule| rule["strategy"] == strategy);
    let entry = rule("ENTRY").expect("the table's plans have an entry");
    gtt_api::Plan {
        entry: gtt_api::Entry {
            trigger: gtt_api::Trigger::from_word(&text(&entry["trigger_type"])),
            price: price(&entry["trigger_price"]),
        },
        target: rule("TARGET").map(|rule| price(&rule["trigger_price"])),
        stop_loss: rule("STOPLOSS").map(|rule| gtt_api::StopLoss {
            price: price(&rule["trigger_price"]),
            trailing_gap: rule.get("trailing_gap").map(price),
        }),
        protection_percent: entry["market_protection"]
            .as_i64()
            .and_then(|percent| i8::try_from(percent).ok()),
    }
}

fn filter(given: &Given<'_>) -> multi_order_api::Filter {
    multi_order_api::Filter {
        segment: given.option("segment").map(Segment::from_word),
        tag: given.option("tag").map(str::to_owned),
    }
}

fn login(name: &str, given: &Given<'_>) -> Option<Call> {
    Some(match name {
        "dialog" => auth_api::dialog(&auth_api::Dialog {
            client_id: given.text(0),
            redirect_uri: given.text(1),
            state: given.option("state"),
        }),
        "token" => auth_api::exchange(&auth_api::Exchange {
            code: given.option("code")?,
            client_id: given.option("client_id")?,
            client_secret: given.option("client_secret")?,
            redirect_uri: given.option("redirect_uri")?,
        }),
        "token request" => auth_api::request_token(&auth_api::TokenRequest {
            client_id: given.text(1),
            client_secret: given.body()["client_secret"].as_str()?,
        }),
        "logout" => auth_api::logout(),
        "market feed" => feed_api::authorize_market(),
        "portfolio stream" => feed_api::authorize_portfolio(&[feed_api::UpdateKind::Order]),
        _ => return None,
    })
}

fn write(name: &str, given: &Given<'_>) -> Option<Call> {
    Some(match name {
        "place" | "place a limit order" => order_ticket::place(&ticket(given.body())),
        "modify" => order_ticket::modify(&change(given.body())),
        name if name.starts_with("ticket place") => order_ticket::place(&ticket(given.body())),
        name if name.starts_with("ticket modify") => order_ticket::modify(&change(given.body())),
        "cancel" => order_api::cancel(&BrokerOrderId::from_bytes(given.text(0).as_bytes())?),
        "multi place" | "multi place of two" => {
            let line = |body: &Value| multi_order_api::Line {
                correlation_id: text(&body["correlation_id"]),
                ticket: ticket(body),
            };
            let lines: Vec<_> = given.body().as_array()?.iter().map(line).collect();
            multi_order_api::place(&lines)
        }
        "cancel all" => multi_order_api::cancel_all(&filter(given)),
        "exit all" => multi_order_api::exit_all(&filter(given)),
        name if name.starts_with("gtt place") => gtt_api::place(&gtt_api::Standing {
            instrument_key: text(&given.body()["instrument_token"]),
            side: side(&given.body()["transaction_type"]),
            qty: qty(&given.body()["quantity"]),
            product: product(&given.body()["product"]),
            plan: plan(given.body()),
        }),
        name if name.starts_with("gtt modify") => gtt_api::modify(&gtt_api::StandingChange {
            gtt_order_id: text(&given.body()["gtt_order_id"]),
            qty: qty(&given.body()["quantity"]),
            plan: plan(given.body()),
        }),
        "gtt cancel" => gtt_api::cancel(given.body()["gtt_order_id"].as_str()?),
        "convert position" => portfolio_api::convert(&portfolio_api::Conversion {
            instrument_key: text(&given.body()["instrument_token"]),
            from: product(&given.body()["old_product"]),
            to: product(&given.body()["new_product"]),
            side: side(&given.body()["transaction_type"]),
            qty: qty(&given.body()["quantity"]),
        }),
        _ => return None,
    })
}

fn read(name: &str, given: &Given<'_>) -> Option<Call> {
    use order_read_api::HistoryOf;
    Some(match name {
        "order details" => order_read_api::details(given.option("order_id")?),
        "order book" => order_read_api::book(),
        "order history" => order_read_api::history(HistoryOf::Order(given.option("order_id")?)),
        "order history by tag" => order_read_api::history(HistoryOf::Tag(given.option("tag")?)),
        "trades of an order" => order_read_api::trades_of_order(given.text(0)),
        "trades of the day" => order_read_api::trades_of_day(),
        "earlier trades" => order_read_api::historical_trades(&order_read_api::TradesQuery {
            ledger: given.option("segment").map(Ledger::from_word),
            first: given.day(0),
            last: given.day(1),
            page_number: given.number(2),
            page_size: given.number(3),
        }),
        "gtt order" | "gtt book" => gtt_api::get(given.option("gtt_order_id")),
        "positions" => portfolio_api::positions(),
        "mtf positions" => portfolio_api::mtf_positions(),
        "holdings" => portfolio_api::holdings(),
        _ => return None,
    })
}

fn account(name: &str, given: &Given<'_>) -> Option<Call> {
    let report = || profit_loss_api::Report {
        ledger: Ledger::from_word(given.text(0)),
        year: profit_loss_api::FinancialYear::of(day("2026-07-31")),
        first: given.option("from_date").map(day),
        last: given.option("to_date").map(day),
    };
    Some(match name {
        "profile" => account_api::profile(),
        "kill switch" => account_api::kill_switch(),
        "set kill switch" => {
            let row = &given.body()[0];
            let segment = Segment::from_word(row["segment"].as_str()?);
            let action = account_api::KillAction::from_word(row["action"].as_str()?);
            account_api::set_kill_switch(&[(segment, action)])
        }
        "addresses" => account_api::static_ip(),
        "set addresses" => account_api::set_static_ip(&account_api::Addresses {
            primary: given.body()["primary_ip"].as_str()?,
            secondary: given.body()["secondary_ip"].as_str(),
        }),
        "funds v2" | "funds v2 of a segment" => {
            let segment = given.option("segment").map(funds_api::FundsSegment::from_word);
            funds_api::funds_v2(segment.as_ref())
        }
        "funds v3" => funds_api::funds_v3(),
        "margin" => {
            let leg = &given.body()["instruments"][0];
            charges_api::margin(&[charges_api::Leg {
                instrument_key: text(&leg["instrument_key"]),
                side: side(&leg["transaction_type"]),
                qty: qty(&leg["quantity"]),
                product: product(&leg["product"]),
                price: Some(price(&leg["price"])),
            }])
        }
        "brokerage" => charges_api::brokerage(&charges_api::BrokerageQuery {
            instrument_key: given.text(0).to_owned(),
            qty: qty(&given.args[1]),
            product: product(&given.args[2]),
            side: side(&given.args[3]),
            price: price(&given.args[4]),
        }),
        "profit metadata" => profit_loss_api::metadata(&report()),
        "profit rows" => profit_loss_api::rows(
            &report(),
            profit_loss_api::PageQuery {
                page_number: given.number(2),
                page_size: given.number(3),
            },
        ),
        "profit charges" => profit_loss_api::charges(&report()),
        _ => return None,
    })
}

fn market(name: &str, given: &Given<'_>) -> Option<Call> {
    let keys = || {
        given
            .option("instrument_key")
            .map(|keys| keys.split(',').collect::<Vec<_>>())
    };
    Some(match name {
        "market status" => market_api::status(&Exchange::from_word(given.text(0))),
        "holidays" => market_api::holidays(),
        "holiday" => market_api::holiday(given.day(0)),
        "timings" => market_api::timings(given.day(0)),
        "search" => search_api::search(&search_api::Search {
            query: given.text(0),
            exchanges: &[],
            segments: &[given.option("segments")?],
            instrument_types: &[],
            expiry: None,
            atm_offset: None,
            page_number: Some(number(&given.options["page_number"])),
            records: Some(number(&given.options["records"])),
        }),
        "news" => news_api::news(
            news_api::NewsOf::Instruments(&[given.option("instrument_keys")?]),
            news_api::NewsPage {
                page_number: Some(number(&given.options["page_number"])),
                page_size: Some(number(&given.options["page_size"])),
            },
        ),
        "ltp" => quote_api::ltp(&keys()?),
        "ohlc" => quote_api::ohlc(&keys()?, &quote_api::BarInterval::from_word(given.text(0))),
        "greeks" => quote_api::greeks(&keys()?),
        "full quote" => quote_api::full_v3(&keys()?),
        "full quote v2" => quote_api::full_v2(&[given.text(0)]),
        _ => return None,
    })
}

fn history(name: &str, given: &Given<'_>) -> Option<Call> {
    use candle_api::{IntervalV2, Span, Timeframe};
    let span = |last, first| Span {
        first: given.day(first),
        last: given.day(last),
    };
    let (key, day_frame) = (
        given.args.first().and_then(Value::as_str).unwrap_or_default(),
        Timeframe::DAY,
    );
    Some(match name {
        "candles" => candle_api::historical(key, Timeframe::minutes(5)?, given.day(3), Some(given.day(4))),
        "candles up to" | "candles of an index" => candle_api::historical(key, day_frame, given.day(3), None),
        "candles of today" => candle_api::intraday(key, Timeframe::minutes(1)?),
        "candles v2" => candle_api::historical_v2(key, IntervalV2::Day, given.day(2), Some(given.day(3))),
        "candles v2 up to" => candle_api::historical_v2(key, IntervalV2::Day, given.day(2), None),
        "candles v2 of today" => candle_api::intraday_v2(key, IntervalV2::Minute),
        "expiries" => expired_api::expiries(key),
        "expired options" => expired_api::option_contracts(key, given.day(1)),
        "expired futures" => expired_api::future_contracts(key, given.day(1)),
        "expired candles" => expired_api::candles(key, expired_api::ExpiredInterval::Day, span(2, 3)),
        _ => return None,
    })
}

fn options(name: &str, given: &Given<'_>) -> Option<Call> {
    let query = || analytics_api::ExpiryQuery {
        underlying_key: given.text(0),
        expiry: given.day(1),
        day: given.day(2),
    };
    Some(match name {
        "option contracts" => option_api::contracts(given.text(0), given.option("expiry_date").map(day)),
        "option chain" => option_api::chain(given.text(0), given.day(1)),
        "open interest" => analytics_api::oi(&query()),
        "change of open interest" => analytics_api::change_oi(&query(), given.number(3)),
        "put-call ratio" => analytics_api::pcr(&query(), given.number(3)),
        "max pain" => analytics_api::max_pain(&query(), given.number(3)),
        _ => return None,
    })
}
