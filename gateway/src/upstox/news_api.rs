//! News of instruments, positions or holdings.
//!
//! Source: the broker's news documentation.

use bijli_core::TsNs;

use super::answer::{Paged, keyed, page_of, record};
use super::call::{Call, PathWriter};
use super::envelope::{Partial, whole_of};
use crate::evidence::ReadError;
use crate::request::Reply;

/// Most keys of one call.
pub const KEYS_MAX: usize = 30;

/// Whose news are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewsOf<'a> {
    /// Of these instruments, at most [`KEYS_MAX`].
    Instruments(&'a [&'a str]),
    /// Of what is open.
    Positions,
    /// Of what is held.
    Holdings,
}

/// Which page of news.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewsPage {
    /// From 1; none means the first.
    pub page_number: Option<u32>,
    /// 1 to 100; none means 100.
    pub page_size: Option<u32>,
}

/// News.
#[must_use]
pub fn news(of: NewsOf<'_>, page: NewsPage) -> Call {
    let path = PathWriter::new("/v2/news");
    let path = match of {
        NewsOf::Instruments(keys) => path
            .param("category", "instrument_keys")
            .list("instrument_keys", keys),
        NewsOf::Positions => path.param("category", "positions"),
        NewsOf::Holdings => path.param("category", "holdings"),
    };
    let path = path
        .maybe("page_number", page.page_number)
        .maybe("page_size", page.page_size);
    Call::get(path.end())
}

record! {
    /// One piece of news.
    pub struct NewsItem {
        /// Its heading.
        pub heading: String,
        /// What it says.
        pub summary: Option<String>,
        /// Where to read it.
        pub article_link: Option<String>,
        /// A picture.
        pub thumbnail: Option<String>,
        /// When it came out.
        pub published_time: Option<TsNs>,
    }
}

/// News of one instrument.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct NewsOfInstrument {
    /// Instrument key, as the broker names it here.
    pub instrument_key: String,
    /// The news.
    pub items: Vec<NewsItem>,
}

/// News, by instrument.
///
/// # Errors
/// [`ReadError`] when the reply is no success or an item cannot be read.
pub fn news_of(reply: &Reply) -> Result<Paged<NewsOfInstrument>, ReadError> {
    let whole = whole_of(reply, Partial::Never)?;
    let rows = keyed::<Vec<NewsItem>>(&whole.data)?.into_iter();
    let rows = rows.map(|(instrument_key, items)| NewsOfInstrument {
        instrument_key,
        items,
    });
    Ok(Paged {
        rows: rows.collect(),
        page: page_of(&whole)?,
    })
}
