//! Where real market data lies, if it is here.

use std::path::PathBuf;

/// A file of the data set, or `None` after saying so; under `CI=true` its absence is an error.
pub(crate) fn file(path: &str, test: &str) -> Option<PathBuf> {
    let root = std::env::var_os("BIJLI_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")),
        PathBuf::from,
    );
    let file = root.join(path);
    if file.exists() {
        return Some(file);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "no market data at {}",
        file.display()
    );
    println!("skipped (no market data): {test}");
    None
}
