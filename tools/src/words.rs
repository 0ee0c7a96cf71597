//! Names of enumerations and numbers, as people, tables and JSON read them.
//!
//! Read-outs only: nothing here is read back, and nothing here decides. Times are Indian.

use std::fmt::Write as _;

use bijli_core::event::{
    DataKind, FeedState, FlatChecked, Submission, SwitchOutcome, TickFlags, VenueKind, Verb,
};
use bijli_core::held::BracketStage;
use bijli_core::instrument::InstrumentKind;
use bijli_core::order::{BrokerStatus, OrderType, Purpose, Side, Validity};
use bijli_core::page::PageReason;
use bijli_core::readout::PageReadout;
use bijli_core::strategy::ExitReason;
use bijli_core::time::NS_PER_S;
use bijli_core::{Money, Price, TsNs};

/// What is said of a day that makes no entry because of the contracts that it was begun with.
pub const NO_ENTRIES_TODAY: &str = "the day was begun on a stale instrument master and keeps its contracts: \
    no entry is made until the next day, exits are";

/// What a command is told whose id was used for another one.
pub const ID_OF_ANOTHER_COMMAND: &str =
    "this command id belongs to another command: nothing was done; say it again with an id of its own";

/// What is said when the engine is slow to answer; a command on its way acts all the same.
pub const ENGINE_LATE: &str =
    "the engine did not answer in two seconds and may still obey; look at `bijli status`";

/// What is said of a kill whose file is not there yet; the reason follows.
pub const LATCH_NOT_ON_DISK: &str =
    "latched in this process and its journal; the latch that outlives the day is not on disk: ";

/// What is said of a command that would bring entries back, where the journal's disk is full.
pub const DISK_IS_FULL: &str =
    "the journal's disk is full: entries stay paused; free some disk, then `bijli ctl resume`";

/// A disk that takes too long to say anything.
pub const DISK_SILENT: &str = "the disk does not answer";

/// Where orders go, as in `summary.json`.
#[must_use]
pub const fn venue_name(venue: VenueKind) -> &'static str {
    match venue {
        VenueKind::Simulated => "simulated",
        VenueKind::Paper => "paper",
        VenueKind::Live => "live",
    }
}

/// Where the books around the prices come from.
#[must_use]
pub const fn quotes_name(data: DataKind) -> &'static str {
    match data {
        DataKind::Real => "recorded",
        DataKind::Live => "live",
        DataKind::Synthetic | DataKind::RealTicks | DataKind::RealBars => "synthesised",
    }
}

/// The words that must stand in capitals on every screen and page; empty only for live data and venue.
#[must_use]
pub fn banner_words(data: DataKind, venue: VenueKind) -> Vec<&'static str> {
    let mut words = Vec::new();
    match data {
        DataKind::Synthetic => words.push("SYNTHETIC DATA"),
        DataKind::Real => words.push("RECORDED DATA"),
        DataKind::RealTicks => words.push("RECORDED TICKS, SYNTHESISED QUOTES"),
        DataKind::RealBars => words.push("RECORDED BARS, SYNTHESISED TICKS AND QUOTES"),
        DataKind::Live => {}
    }
    match venue {
        VenueKind::Simulated => words.push("SIMULATED VENUE"),
        VenueKind::Paper => words.push("PAPER FILLS"),
        VenueKind::Live => {}
    }
    words
}

/// State of the feed.
#[must_use]
pub const fn feed_state_name(state: FeedState) -> &'static str {
    match state {
        FeedState::Down => "DOWN",
        FeedState::Live => "LIVE",
        FeedState::Mute => "MUTE",
        FeedState::Closed => "CLOSED",
    }
}

/// Side of an order.
#[must_use]
pub const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// Why an order exists.
#[must_use]
pub const fn purpose_name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Entry => "ENTRY",
        Purpose::Exit => "EXIT",
    }
}

/// How an order is priced.
#[must_use]
pub const fn order_type_name(order_type: OrderType) -> &'static str {
    match order_type {
        OrderType::Limit => "LIMIT",
        OrderType::Market => "MARKET",
        OrderType::StopLimit => "SL",
        OrderType::StopMarket => "SL-M",
    }
}

/// Sort of contract, as exchanges abbreviate it.
#[must_use]
pub const fn instrument_kind_name(kind: InstrumentKind) -> &'static str {
    match kind {
        InstrumentKind::Equity => "EQ",
        InstrumentKind::Index => "INDEX",
        InstrumentKind::Future => "FUT",
        InstrumentKind::Call => "CE",
        InstrumentKind::Put => "PE",
    }
}

/// How long an order lives.
#[must_use]
pub const fn validity_name(validity: Validity) -> &'static str {
    match validity {
        Validity::Day => "DAY",
        Validity::Ioc => "IOC",
    }
}

/// The broker's word for the state of an order.
#[must_use]
pub const fn broker_status_name(status: BrokerStatus) -> &'static str {
    match status {
        BrokerStatus::Received => "RECEIVED",
        BrokerStatus::Open => "OPEN",
        BrokerStatus::TriggerPending => "TRIGGER_PENDING",
        BrokerStatus::ModifyPending => "MODIFY_PENDING",
        BrokerStatus::CancelPending => "CANCEL_PENDING",
        BrokerStatus::Complete => "COMPLETE",
        BrokerStatus::Cancelled => "CANCELLED",
        BrokerStatus::Rejected => "REJECTED",
        BrokerStatus::Unrecognised => "UNRECOGNISED",
    }
}

/// How a placement ended.
#[must_use]
pub const fn submission_name(submission: Submission) -> &'static str {
    match submission {
        Submission::Acked => "ACKED",
        Submission::Refused => "REFUSED",
        Submission::NotSent => "NOT_SENT",
        Submission::Unknown => "UNKNOWN",
        Submission::PresumedAbsent => "PRESUMED_ABSENT",
    }
}

/// An operator's verb.
#[must_use]
pub const fn verb_name(verb: Verb) -> &'static str {
    match verb {
        Verb::Pause => "pause",
        Verb::Resume => "resume",
        Verb::Exit => "exit",
        Verb::Flatten => "flatten",
        Verb::Kill => "kill",
        Verb::Arm => "arm",
        Verb::ReduceOnly => "reduce-only",
        Verb::BrokerSwitch => "broker-switch",
    }
}

/// What became of the broker's own kill switch.
#[must_use]
pub const fn switch_name(outcome: SwitchOutcome) -> &'static str {
    match outcome {
        SwitchOutcome::Done => "done",
        SwitchOutcome::Refused => "refused",
        SwitchOutcome::Unknown => "unknown",
    }
}

/// What the broker shows to be open.
#[must_use]
pub fn flat_text(checked: &FlatChecked) -> String {
    if checked.is_flat() {
        return match checked.foreign_orders {
            0 => "the broker shows nothing open".to_owned(),
            orders => format!("the broker shows nothing open but {orders} orders of others"),
        };
    }
    let mut text = format!(
        "the broker shows {} positions and {} live orders",
        checked.open_positions, checked.live_orders
    );
    if checked.unlisted_positions > 0 {
        let _ = write!(
            text,
            ", and {} positions that are not in the day's table ({}): close them by hand",
            checked.unlisted_positions, checked.unlisted_key
        );
    }
    text
}

/// The stage of a position's bracket, from its number in the snapshot.
#[must_use]
pub fn bracket_stage_name(number: u8) -> &'static str {
    BracketStage::from_number(number).map_or("?", BracketStage::name)
}

/// Why a position was closed.
#[must_use]
pub const fn exit_reason_name(reason: ExitReason) -> &'static str {
    match reason {
        ExitReason::Stop => "stop",
        ExitReason::Target => "target",
        ExitReason::Trail => "trail",
        ExitReason::SquareOff => "square-off",
        ExitReason::Operator => "operator",
        ExitReason::Time => "time",
        ExitReason::Unwind => "unwind",
    }
}

/// Every doubt about a tick, with its name.
pub const TICK_DOUBTS: [(TickFlags, &str); 9] = [
    (TickFlags::SNAPSHOT, "SNAPSHOT"),
    (TickFlags::NO_TRADE, "NO_TRADE"),
    (TickFlags::TIME_BACK, "TIME_BACK"),
    (TickFlags::VOLUME_BACK, "VOLUME_BACK"),
    (TickFlags::TIME_WRONG, "TIME_WRONG"),
    (TickFlags::CROSSED, "CROSSED"),
    (TickFlags::BAD_PRICE, "BAD_PRICE"),
    (TickFlags::ONE_SIDED, "ONE_SIDED"),
    (TickFlags::OFF_TICK, "OFF_TICK"),
];

/// Time of day in India with milliseconds, `HH:MM:SS.mmm`; a dash where no time was ever taken.
#[must_use]
pub fn clock_text(ts: TsNs) -> String {
    if !ts.is_set() {
        return "-".to_owned();
    }
    let ns = ts.ist_time_of_day().get();
    let second = ns / NS_PER_S;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        second / 3600,
        second / 60 % 60,
        second % 60,
        ns % NS_PER_S / 1_000_000
    )
}

/// Time of day in India to the second, `HH:MM:SS`; a dash where no time was ever taken.
#[must_use]
pub fn second_text(ts: TsNs) -> String {
    let mut text = clock_text(ts);
    text.truncate("HH:MM:SS".len());
    text
}

/// Day and time of day in India with milliseconds, as CSV files hold it; empty for a time never taken.
#[must_use]
pub fn stamp_text(ts: TsNs) -> String {
    if ts.is_set() {
        format!("{} {}", ts.ist_day(), clock_text(ts))
    } else {
        String::new()
    }
}

/// Code and words of a reason for which a person is called.
#[must_use]
pub fn page_names(number: u8) -> (&'static str, &'static str) {
    PageReason::from_number(number).map_or(("UNKNOWN_PAGE", "of another version"), |reason| {
        (reason.code(), reason.words())
    })
}

/// Why a person is called, how often, where and when last: `EXIT_REJECTED x3, last RELIANCE 11:41:00: words`.
#[must_use]
pub fn page_text(page: &PageReadout) -> String {
    let (code, words) = page_names(page.reason);
    let blank = if page.symbol.is_empty() { "" } else { " " };
    let (count, symbol, last) = (page.count, page.symbol, second_text(page.last));
    format!("{code} x{count}, last{blank}{symbol} {last}: {words}")
}

/// A count with separators after every third digit, `1,234,567`.
#[must_use]
pub fn count_text(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An amount in rupees with its sign and two decimals in Indian grouping, `+₹1,23,456.78`.
#[must_use]
pub fn signed_rupees(amount: Money) -> String {
    let size = rupees(Money::new(amount.get().saturating_abs()));
    match amount.get() {
        i64::MIN..=-50 => format!("-₹{size}"),
        -49..=49 => "₹0.00".to_owned(),
        50.. => format!("+₹{size}"),
    }
}

/// An amount in rupees, two decimals, Indian grouping, `1,23,456.78`.
#[must_use]
pub fn rupees(amount: Money) -> String {
    let paise = (amount.get().unsigned_abs() + 50) / 100;
    let whole = (paise / 100).to_string();
    let mut text = String::new();
    if amount.get() < 0 && paise > 0 {
        text.push('-');
    }
    for (index, digit) in whole.chars().enumerate() {
        let left = whole.len() - index;
        if index > 0 && left >= 3 && (left - 3).is_multiple_of(2) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text}.{:02}", paise % 100)
}

/// A price in rupees in Indian grouping, two decimals, or four where the price has more than two.
#[must_use]
pub fn price_text(price: Price) -> String {
    let beyond = price.get().unsigned_abs() % 100;
    let mut text = rupees(Money::new(price.get() / 100 * 100));
    if beyond > 0 {
        text.push_str(&format!("{beyond:02}"));
    }
    text
}

/// A share in millionths as a fraction with two decimals, `0.83`.
#[must_use]
pub fn ppm_text(ppm: u32) -> String {
    format!("{:.2}", f64::from(ppm) / 1e6)
}

/// A length of time as people say it, `1h02m`, `3m20s`, `5s`.
#[must_use]
pub fn span_text(ns: i64) -> String {
    let seconds = ns.max(0) / NS_PER_S;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

/// A breaker by its number in a read-out.
#[must_use]
pub const fn breaker_name(state: u8) -> &'static str {
    match state {
        0 => "closed",
        1 => "OPEN",
        2 => "half open",
        _ => "unknown",
    }
}

/// How long the access token has, as people say it: `token dies in 10 h 12 min (03:30 IST)`. `expires` is
/// [`TsNs::NEVER`] where that is not known.
#[must_use]
pub fn token_text(expires: TsNs, now: TsNs, known_dead: bool) -> String {
    if known_dead {
        return "TOKEN DEAD: nothing is sent; log in again with `bijli login`".to_owned();
    }
    if !expires.is_set() {
        return "token of unknown age: it dies at the next 03:30 IST at the latest".to_owned();
    }
    let minutes = expires.since(now).get() / (60 * NS_PER_S);
    let mut at = second_text(expires);
    at.truncate("HH:MM".len());
    match (expires > now, minutes / 60, minutes % 60) {
        (false, ..) => format!("TOKEN DEAD since {at} IST: log in again with `bijli login`"),
        (true, 0, minutes) => format!("token dies in {minutes} min ({at} IST)"),
        (true, hours, minutes) => format!("token dies in {hours} h {minutes} min ({at} IST)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bijli_core::IstDay;
    use bijli_core::time::DurationNs;

    #[test]
    fn money_reads_in_indian_grouping() {
        for (units, text) in [
            (0, "0.00"),
            (12_345_678_900, "12,34,567.89"),
            (-9_995_000, "-999.50"),
            (10_000_000, "1,000.00"),
            (1_000_000_000, "1,00,000.00"),
            (-40, "0.00"),
        ] {
            assert_eq!(rupees(Money::new(units)), text);
        }
        for (units, text) in [
            (50_000, "+₹5.00"),
            (-50_000, "-₹5.00"),
            (0, "₹0.00"),
            (-49, "₹0.00"),
        ] {
            assert_eq!(signed_rupees(Money::new(units)), text);
        }
    }

    #[test]
    fn prices_show_all_that_they_have() {
        for (units, text) in [
            (123_456_700, "12,345.67"),
            (250_500, "25.05"),
            (834_225, "83.4225"),
            (25, "0.0025"),
        ] {
            assert_eq!(price_text(Price::new(units)), text);
        }
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        for (count, text) in [(7, "7"), (1_234, "1,234"), (1_234_567, "1,234,567")] {
            assert_eq!(count_text(count), text);
        }
    }

    #[test]
    fn times_are_indian_and_absent_ones_stay_absent() {
        let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
        let ts = TsNs::new(day.at(DurationNs::from_hm(9, 15)).get() + 7_000_000);
        assert_eq!(clock_text(ts), "09:15:00.007");
        assert_eq!(stamp_text(ts), "2026-07-31 09:15:00.007");
        assert_eq!(
            (clock_text(TsNs::NEVER), stamp_text(TsNs::NEVER)),
            ("-".to_owned(), String::new())
        );
        assert_eq!(
            (second_text(ts), second_text(TsNs::NEVER)),
            ("09:15:00".to_owned(), "-".to_owned())
        );
        assert_eq!(span_text(3_725 * NS_PER_S), "1h02m");
    }

    #[test]
    fn a_tokens_time_counts_down_and_its_end_is_loud() {
        let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
        let dies = IstDay::new(day.get() + 1).at(DurationNs::from_hm(3, 30));
        let at = |hours, minutes| day.at(DurationNs::from_hm(hours, minutes));
        assert_eq!(
            token_text(dies, at(17, 18), false),
            "token dies in 10 h 12 min (03:30 IST)"
        );
        assert_eq!(
            token_text(dies, at(27, 1), false),
            "token dies in 29 min (03:30 IST)"
        );
        for (expires, now, dead) in [(dies, at(27, 30), false), (dies, at(9, 15), true)] {
            assert!(token_text(expires, now, dead).starts_with("TOKEN DEAD"));
        }
        assert!(token_text(TsNs::NEVER, at(9, 15), false).contains("at the latest"));
    }

    #[test]
    fn only_live_data_on_a_live_venue_needs_no_banner() {
        assert!(banner_words(DataKind::Live, VenueKind::Live).is_empty());
        assert_eq!(
            banner_words(DataKind::Synthetic, VenueKind::Simulated),
            ["SYNTHETIC DATA", "SIMULATED VENUE"]
        );
        assert_eq!(banner_words(DataKind::Live, VenueKind::Paper), ["PAPER FILLS"]);
    }
}
