//! The broker's error codes: what sort of refusal each one is, and what an operator may do. Codes are matched, never
//! message texts.
//!
//! Source: the broker's published error lists. Rows known from other clients only are marked (S), rows from memory (M);
//! a code outside the table is [`ErrorClass::Unrecognised`] and treated like any structured refusal.

use crate::evidence::ErrorClass;

/// Code, class and remedy, in the order of the broker's list.
#[rustfmt::skip]
const TABLE: [(&str, ErrorClass, &str); 71] = {
    use ErrorClass as C;
    [
        ("UDAPI10000", C::Validation, "the broker knows no such call: check path and method"), // request or URL not supported
        ("UDAPI10005", C::Rate, "wait; the budget is halved until it is quiet"), // too many requests
        ("UDAPI100015", C::Validation, "an old call wants the Api-Version header: use its v3 form"), // Api-Version missing (legacy)
        ("UDAPI100016", C::Auth, "check the API key and secret, then log in again"), // invalid credentials
        ("UDAPI100036", C::Validation, "correct the field that the message names"), // invalid input
        ("UDAPI100038", C::Validation, "correct the field that the message names"), // invalid input
        ("UDAPI100050", C::Auth, "log in again: the token is dead"), // invalid token
        ("UDAPI100057", C::Auth, "log in again: a login code is good for one try"), // invalid auth code (S)
        ("UDAPI100067", C::Restricted, "use the access token of today's login, not the read-only one"), // not allowed with an extended token
        ("UDAPI100068", C::Auth, "make client id and redirect address equal to those of the application's page"), // client id or redirect wrong
        ("UDAPI100069", C::Auth, "check code, key and secret, then log in again"), // login parameter invalid
        ("UDAPI100073", C::Restricted, "activate the application at the broker's developer page"), // client inactive
        ("UDAPI100500", C::Internal, "look at the order book before anything else; try another product if it repeats"), // internal; also seen for refused intraday orders (S)
        ("UDAPI100010", C::NotFound, "read the order book: the order is of another day or account"), // order not found
        ("UDAPI100011", C::Validation, "sync the instruments and look the key up with `instruments find`"), // invalid instrument key (S)
        ("UDAPI100039", C::Validation, "send it as an order for the running session"), // after-market order in market hours (S)
        ("UDAPI100040", C::OrderFinished, "nothing to do: the order has ended"), // cancel of a finished order (S)
        ("UDAPI100041", C::OrderFinished, "nothing to do: the order has ended"), // modify of a finished order (S)
        ("UDAPI100042", C::Validation, "ask for at most 500 keys at a time"), // too many instruments (S)
        ("UDAPI100043", C::Validation, "ask for at most 500 keys at a time"), // too many instruments, like 100042 (S)
        ("UDAPI100049", C::Restricted, "the account may not do this here: ask the broker for business access"), // restricted (S)
        ("UDAPI100072", C::ServiceClosed, "ask again after 05:30; the token is fine"), // funds service closed 00:00-05:30 (S)
        ("UDAPI100074", C::ServiceClosed, "order again after 05:30; the token is fine"), // order service closed 00:00-05:30 (S)
        ("UDAPI100076", C::Validation, "ask for at most 50 options at a time"), // too many keys for greeks (S)
        ("UDAPI100099", C::Rate, "wait; the budget is halved until it is quiet"), // rate-limit family (S)
        ("UDAPI1003", C::Validation, "name the order"), // order id required
        ("UDAPI1004", C::Validation, "name the order type"), // order type required
        ("UDAPI1007", C::Validation, "name the validity: DAY or IOC"), // validity required
        ("UDAPI1008", C::Validation, "give a price"), // price required
        ("UDAPI1010", C::Validation, "give an order id of letters, digits and hyphens"), // order id charset
        ("UDAPI1015", C::Validation, "ask for a range whose first day is not after its last"), // date range of candles (M)
        ("UDAPI1020", C::Validation, "use an interval of the broker's list"), // interval of candles (M)
        ("UDAPI1021", C::Validation, "sync the instruments and look the key up with `instruments find`"), // instrument key of candles (M)
        ("UDAPI1022", C::Validation, "write the day as YYYY-MM-DD"), // date of candles (M)
        ("UDAPI1023", C::Validation, "name the order"), // order id required
        ("UDAPI1026", C::Validation, "name the instrument"), // instrument key required
        ("UDAPI1029", C::Validation, "give a price"), // price required
        ("UDAPI1030", C::Validation, "leave the price out: a market order has none"), // price not required
        ("UDAPI1031", C::Validation, "give price and trigger"), // price and trigger required
        ("UDAPI1032", C::Validation, "give the trigger and leave the price out"), // only trigger required
        ("UDAPI1035", C::NotFound, "look at `positions`: product, side and quantity have to be those of the position"), // no such position to convert
        ("UDAPI1036", C::Validation, "give a trigger"), // trigger required
        ("UDAPI1039", C::Validation, "disclose nothing or at least a tenth"), // disclosed quantity below 10 %
        ("UDAPI1043", C::Validation, "give a price"), // price required
        ("UDAPI1052", C::Validation, "give a quantity above zero"), // quantity zero
        ("UDAPI1055", C::Validation, "use DAY or IOC"), // validity invalid
        ("UDAPI1056", C::Validation, "use MARKET, LIMIT, SL or SL-M"), // order type invalid
        ("UDAPI1087", C::Validation, "write keys as SEGMENT|IDENT, e.g. NSE_FO|45450"), // key form (S)
        ("UDAPI1088", C::Validation, "write the day as YYYY-MM-DD"), // date form (S)
        ("UDAPI1089", C::Validation, "use NSE, NFO, CDS, BSE, BFO, BCD, MCX or NSCOM, not a segment"), // exchange (S)
        ("UDAPI1109", C::NotFound, "nothing to do: no order is open"), // no open order to cancel
        ("UDAPI1111", C::NotFound, "nothing to do: no position is open"), // no position to exit
        ("UDAPI1113", C::ServiceClosed, "exit again when the market is open"), // exit-all outside market hours
        ("UDAPI1118", C::Validation, "order less at a time: at most 25 slices"), // too many slices (S)
        ("UDAPI1119", C::Validation, "use a tag of at most 40 characters"), // tag too long (S)
        ("UDAPI1146", C::Validation, "use minutes, hours, days, weeks or months"), // unit of candles (M)
        ("UDAPI1147", C::Validation, "use 1 to 300 minutes, 1 to 5 hours, or 1 of the longer units"), // interval of candles (M)
        ("UDAPI1148", C::Validation, "ask for a shorter range: one month for up to 15 minutes, three for longer, ten years for days"), // range of candles (M)
        ("UDAPI1154", C::Restricted, "send from a registered address, or register this one (once a week; tokens die)"), // static IP not allowed (S)
        ("UDAPI1156", C::Restricted, "correct or leave out the algorithm's name"), // algo name not registered (S)
        ("UDAPI1158", C::Validation, "use a limit order, or a market order with protection"), // market orders barred (S)
        ("UDAPI1159", C::Validation, "protect by at most 25 percent"), // protection above 25 % (S)
        ("UDAPI1160", C::Validation, "protect by -1 or 1 to 25 percent"), // protection invalid (S)
        ("UDAPI1161", C::Restricted, "trade commodities at NSE: MCX takes no orders through the API"), // MCX orders disabled (S)
        ("UDAPI1179", C::Restricted, "the account may not register addresses: ask the broker"), // addresses: no permission (S)
        ("UDAPI1180", C::Restricted, "activate the application at the broker's developer page"), // addresses: client inactive (S)
        ("UDAPI1181", C::Restricted, "register addresses from an application of the right sort"), // addresses: sort of application (S)
        ("UDAPI1184", C::Restricted, "close the positions of the segment first"), // kill switch: open positions (S)
        ("UDAPI1185", C::Restricted, "wait until twelve hours after it was stopped"), // kill switch: 12 h cooling (S)
        ("UDAPI1186", C::Validation, "use a segment of the kill switch list"), // kill switch: segment (S)
        ("UDAPI1188", C::Validation, "use ENABLE or DISABLE"), // kill switch: action (S)
    ]
};

fn row_of(code: &str) -> Option<&'static (&'static str, ErrorClass, &'static str)> {
    TABLE.iter().find(|(known, ..)| *known == code)
}

/// What sort of refusal a code is.
#[must_use]
pub fn class_of(code: &str) -> ErrorClass {
    row_of(code).map_or(ErrorClass::Unrecognised, |(_, class, _)| *class)
}

/// What an operator may do about a code.
#[must_use]
pub fn remedy_of(code: &str) -> &'static str {
    row_of(code).map_or_else(
        || remedy_of_class(ErrorClass::Unrecognised),
        |(.., remedy)| remedy,
    )
}

/// What an operator may do about a sort of refusal whose code is not known.
#[must_use]
pub const fn remedy_of_class(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Auth => "log in again: the token is dead",
        ErrorClass::Rate => "wait; the budget is halved until it is quiet",
        ErrorClass::Validation => "correct the request",
        ErrorClass::OrderFinished => "nothing to do: the order has ended",
        ErrorClass::NotFound => "check the path or the id",
        ErrorClass::ServiceClosed => "ask again after 05:30; the token is fine",
        ErrorClass::Restricted => "check plan, permissions and the registered address at the broker",
        ErrorClass::Internal => "the broker's own trouble: look at the order book, then try again",
        ErrorClass::Unrecognised => "look the code up in the broker's error list",
    }
}

/// What sort of refusal an HTTP status is when the body says nothing readable.
#[must_use]
pub const fn class_of_status(status: u16) -> ErrorClass {
    match status {
        401 => ErrorClass::Auth,
        403 => ErrorClass::Restricted,
        404 => ErrorClass::NotFound,
        423 => ErrorClass::ServiceClosed,
        429 => ErrorClass::Rate,
        500..=599 => ErrorClass::Internal,
        _ => ErrorClass::Unrecognised,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_stands_in_the_table_once() {
        for (index, (code, _, remedy)) in TABLE.iter().enumerate() {
            assert!(code.starts_with("UDAPI") && !remedy.is_empty(), "{code}");
            assert!(
                TABLE[index + 1..].iter().all(|(other, ..)| other != code),
                "{code}"
            );
        }
    }

    #[test]
    fn the_classes_that_change_behaviour_are_known() {
        for (code, class) in [
            ("UDAPI100050", ErrorClass::Auth),
            ("UDAPI10005", ErrorClass::Rate),
            ("UDAPI100040", ErrorClass::OrderFinished),
            ("UDAPI100010", ErrorClass::NotFound),
            ("UDAPI100074", ErrorClass::ServiceClosed),
            ("UDAPI100500", ErrorClass::Internal),
            ("UDAPI9", ErrorClass::Unrecognised),
            ("", ErrorClass::Unrecognised),
        ] {
            assert_eq!(class_of(code), class, "{code}");
        }
    }
}
