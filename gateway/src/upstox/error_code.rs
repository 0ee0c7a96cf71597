//! The broker's error codes and what sort of refusal each one is. Codes are matched, never message texts.
//!
//! Source: the broker's published error lists. Rows known from other clients only are marked; a code outside the
//! table is [`ErrorClass::Unrecognised`] and treated like any structured refusal.

use crate::evidence::ErrorClass;

/// Code and class, in the order of the broker's list. `S` marks codes known from secondary sources only.
const TABLE: [(&str, ErrorClass); 46] = {
    use ErrorClass as C;
    [
        ("UDAPI10000", C::Validation),     // request or URL not supported
        ("UDAPI10005", C::Rate),           // too many requests
        ("UDAPI100015", C::Validation),    // Api-Version missing (legacy)
        ("UDAPI100016", C::Auth),          // invalid credentials
        ("UDAPI100036", C::Validation),    // invalid input
        ("UDAPI100038", C::Validation),    // invalid input
        ("UDAPI100050", C::Auth),          // invalid token
        ("UDAPI100057", C::Auth),          // invalid auth code (S)
        ("UDAPI100067", C::Restricted),    // not allowed with an extended token
        ("UDAPI100068", C::Auth),          // client id or redirect wrong
        ("UDAPI100069", C::Auth),          // login parameter invalid
        ("UDAPI100073", C::Restricted),    // client inactive
        ("UDAPI100500", C::Internal),      // internal; also seen for refused intraday orders (S)
        ("UDAPI100010", C::NotFound),      // order not found
        ("UDAPI100011", C::Validation),    // invalid instrument key (S)
        ("UDAPI100039", C::Validation),    // after-market order in market hours (S)
        ("UDAPI100040", C::OrderFinished), // cancel of a finished order (S)
        ("UDAPI100041", C::OrderFinished), // modify of a finished order (S)
        ("UDAPI100049", C::Restricted),    // restricted (S)
        ("UDAPI100072", C::ServiceClosed), // funds service closed 00:00-05:30 (S)
        ("UDAPI100074", C::ServiceClosed), // order service closed 00:00-05:30 (S)
        ("UDAPI100099", C::Rate),          // rate-limit family (S)
        ("UDAPI1003", C::Validation),      // order id required
        ("UDAPI1004", C::Validation),      // order type required
        ("UDAPI1007", C::Validation),      // validity required
        ("UDAPI1008", C::Validation),      // price required
        ("UDAPI1010", C::Validation),      // order id charset
        ("UDAPI1023", C::Validation),      // order id required
        ("UDAPI1026", C::Validation),      // instrument key required
        ("UDAPI1029", C::Validation),      // price required
        ("UDAPI1030", C::Validation),      // price not required
        ("UDAPI1031", C::Validation),      // price and trigger required
        ("UDAPI1032", C::Validation),      // only trigger required
        ("UDAPI1036", C::Validation),      // trigger required
        ("UDAPI1039", C::Validation),      // disclosed quantity below 10 %
        ("UDAPI1043", C::Validation),      // price required
        ("UDAPI1052", C::Validation),      // quantity zero
        ("UDAPI1055", C::Validation),      // validity invalid
        ("UDAPI1056", C::Validation),      // order type invalid
        ("UDAPI1118", C::Validation),      // too many slices (S)
        ("UDAPI1119", C::Validation),      // tag too long (S)
        ("UDAPI1154", C::Restricted),      // static IP not allowed (S)
        ("UDAPI1156", C::Restricted),      // algo name not registered (S)
        ("UDAPI1158", C::Validation),      // market orders barred (S)
        ("UDAPI1159", C::Validation),      // protection above 25 % (S)
        ("UDAPI1161", C::Restricted),      // MCX orders disabled (S)
    ]
};

/// What sort of refusal a code is.
#[must_use]
pub fn class_of(code: &str) -> ErrorClass {
    TABLE
        .iter()
        .find(|(known, _)| *known == code)
        .map_or(ErrorClass::Unrecognised, |(_, class)| *class)
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
        for (index, (code, _)) in TABLE.iter().enumerate() {
            assert!(code.starts_with("UDAPI"), "{code}");
            assert!(
                TABLE[index + 1..].iter().all(|(other, _)| other != code),
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
