//! Values as people type them after a verb: prices, quantities, sides, products, years.
//!
//! Invariants: what is taken is exact, so a price with more than four decimals is refused and not rounded; a word that
//! the broker does not know is refused before anything is sent. Source of the words: the broker's API documentation.

use bijli_core::order::Side;
use bijli_core::price::UNITS_PER_RUPEE;
use bijli_core::{IstDay, Price, Qty};
use bijli_gateway::upstox::profit_loss_api::FinancialYear;
use bijli_gateway::upstox::vocabulary::{Ledger, ProductWord};

const DECIMALS_MAX: usize = 4;

/// A price in rupees above zero.
pub(super) fn price(text: &str) -> Result<Price, String> {
    let wrong = || {
        format!("`{text}` is no price: write rupees above zero with at most four decimals, such as 101.05")
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > DECIMALS_MAX {
        return Err(wrong());
    }
    let rupees: i64 = whole.parse().map_err(|_| wrong())?;
    let part: i64 = format!("{part:0<DECIMALS_MAX$}").parse().map_err(|_| wrong())?;
    let units = rupees
        .checked_mul(UNITS_PER_RUPEE)
        .and_then(|units| units.checked_add(part));
    units.filter(|units| *units > 0).map(Price::new).ok_or_else(wrong)
}

/// Units above zero.
pub(super) fn quantity(text: &str) -> Result<Qty, String> {
    let units = text.parse().ok().filter(|units: &i64| *units > 0);
    units
        .map(Qty::new)
        .ok_or_else(|| format!("`{text}` is no quantity: write units above zero"))
}

/// Buy or sell.
pub(super) fn side(text: &str) -> Result<Side, String> {
    match text.to_ascii_uppercase().as_str() {
        "BUY" | "B" => Ok(Side::Buy),
        "SELL" | "S" => Ok(Side::Sell),
        _ => Err(format!("`{text}` is no side: write BUY or SELL")),
    }
}

/// A margin product.
pub(super) fn product(text: &str) -> Result<ProductWord, String> {
    match ProductWord::from_word(&text.to_ascii_uppercase()) {
        ProductWord::Other(_) => Err(format!(
            "`{text}` is no product: write I (intraday), D (delivery or carried forward), MTF or CO"
        )),
        known => Ok(known),
    }
}

/// A ledger of the back office.
pub(super) fn ledger(text: &str) -> Result<Ledger, String> {
    match Ledger::from_word(&text.to_ascii_uppercase()) {
        Ledger::Other(_) => Err(format!("`{text}` is no segment: write EQ, FO, COM, CD or MF")),
        known => Ok(known),
    }
}

/// A financial year as the broker writes it, `2627` for April 2026 to March 2027.
pub(super) fn financial_year(text: &str) -> Result<FinancialYear, String> {
    let wrong = || format!("`{text}` is no financial year: write 2627 for April 2026 to March 2027");
    if text.len() != 4 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let (first, second) = text.split_at(2);
    let first: i32 = first.parse().map_err(|_| wrong())?;
    let april = IstDay::from_ymd(2000 + first, 4, 1).ok_or_else(wrong)?;
    let follows = second.parse() == Ok((first + 1) % 100);
    follows.then(|| FinancialYear::of(april)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_taken_exactly_or_not_at_all() {
        for (text, units) in [
            ("101.05", 1_010_500),
            ("1", 10_000),
            ("0.0025", 25),
            ("7.", 70_000),
        ] {
            assert_eq!(price(text), Ok(Price::new(units)), "{text}");
        }
        for text in [
            "",
            ".5",
            "0",
            "0.00",
            "-1",
            "+1",
            "1e3",
            "1.00001",
            "1,000",
            "9223372036854775807",
        ] {
            assert!(price(text).is_err(), "{text}");
        }
    }

    #[test]
    fn words_are_taken_in_any_case_and_unknown_ones_refused() {
        assert_eq!((side("buy"), side("S")), (Ok(Side::Buy), Ok(Side::Sell)));
        assert_eq!(product("mtf"), Ok(ProductWord::Mtf));
        assert_eq!(ledger("fo"), Ok(Ledger::FuturesOptions));
        assert_eq!(quantity("75"), Ok(Qty::new(75)));
        assert!(side("HOLD").is_err() && product("NRML").is_err() && ledger("XX").is_err());
        assert!(quantity("0").is_err() && quantity("-5").is_err() && quantity("1.5").is_err());
    }

    #[test]
    fn a_financial_year_is_two_years_that_follow_each_other() {
        let year = |text| financial_year(text).map(|year| year.to_string());
        assert_eq!(year("2627"), Ok("2627".to_owned()));
        assert_eq!(year("9900"), Ok("9900".to_owned()));
        for text in ["2026", "2628", "26-27", "", "26270"] {
            assert!(year(text).is_err(), "{text}");
        }
    }
}
