//! What is not known for sure of the broker's market information, as named choices.

use crate::options::table::option_table;
use crate::options::value::option_words;

option_words! {
    /// What becomes of a quote call with a key that nothing has.
    UnknownKey {
        /// The whole call is refused with `UDAPI100011`, as in the recorded answers.
        Refused = "refused",
        /// The key is missing from the answer.
        LeftOut = "left_out",
    }
}

option_table! {
    /// Choices of the market desk.
    MarketOptions {
        /// What becomes of a quote call with a key that nothing has (not documented).
        unknown_quote_key: UnknownKey = UnknownKey::Refused,
        /// Whether the OHLC quote takes I5, I15 and I60 besides 1d, I1 and I30, as one note says.
        ohlc_quote_more_intervals: bool = false,
        /// Whether the timings of a holiday are an empty list; otherwise the date is refused (not documented).
        holiday_timings_empty: bool = true,
        /// How far the day's price limits of shares and futures lie from the close before, basis points (the exchange has several classes).
        band_bps: u16 = 1_000,
    }
}
