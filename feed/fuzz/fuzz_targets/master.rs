//! Any bytes as an instrument master: reading, choosing and building a table never panic.
#![no_main]

use bijli_feed::upstox::master;
use bijli_feed::upstox::universe::{self, Universe};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(rows) = master::rows(bytes, |_| true) else {
        return;
    };
    for universe in [
        Universe::FutureStocks,
        Universe::FutureStocksAndIndices,
        Universe::Listed(vec!["RELIANCE".to_owned(), "NSE_FO|1".to_owned()]),
    ] {
        if let Ok(selected) = universe::select(&rows, &universe) {
            let _ = universe::instruments(&selected);
        }
    }
});
