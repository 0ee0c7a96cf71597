//! News about shares. No day has any, so every article is invented by seed and says so in its own words.
//!
//! Articles link to a name that cannot exist. News of positions and holdings are empty: the desk does not know
//! the account. Source of shape and codes: the broker's OpenAPI definition.

use bijli_core::TsNs;
use serde_json::{Map, Value, json};

use super::derived::purpose;
use super::request::Page;
use super::{Answer, MarketDesk, millis};
use crate::broker::ApiCall;
use crate::broker::reply::{ApiReply, BAD_KEY, Refusal};
use crate::random::Random;

const BAD_CATEGORY: Refusal = Refusal::new("UDAPI1189", "Invalid category");
const NO_KEYS: Refusal = Refusal::new("UDAPI1190", "instrument_keys is required");
const TOO_MANY: Refusal = Refusal::new("UDAPI1193", "More than 30 instrument keys in a request");
const KEYS_MAX: usize = 30;
const PAGE_SIZE: usize = 100;
const TOPICS: [&str; 4] = ["results", "a new plant", "a change of auditors", "an order book"];
const MS_PER_HOUR: i64 = 3_600_000;

impl MarketDesk {
    pub(super) fn news(&self, now: TsNs, call: &ApiCall<'_>) -> Answer {
        let category = call.query("category").unwrap_or_default();
        let page = Page::of(call, "page_size", PAGE_SIZE, PAGE_SIZE)?;
        let articles = match category.as_str() {
            "instrument_keys" => self.articles(now, call)?,
            "positions" | "holdings" => Vec::new(),
            _ => return Err(BAD_CATEGORY.at("category", category)),
        };
        let mut data: Map<String, Value> = Map::new();
        for (key, article) in page.cut(&articles) {
            let rows = data.entry(key.clone()).or_insert_with(|| json!([]));
            if let Some(rows) = rows.as_array_mut() {
                rows.push(article.clone());
            }
        }
        let body = json!({
            "status": "success", "data": data,
            "metadata": { "page": {
                "page_number": page.number, "page_size": page.size, "total_records": articles.len(),
                "total_pages": page.count(articles.len()),
            } },
        });
        Ok(ApiReply::json(200, &body))
    }

    fn articles(&self, now: TsNs, call: &ApiCall<'_>) -> Result<Vec<(String, Value)>, Refusal> {
        let text = call.query("instrument_keys").unwrap_or_default();
        if text.is_empty() {
            return Err(NO_KEYS);
        }
        let keys: Vec<&str> = text.split(',').map(str::trim).collect();
        if keys.len() > KEYS_MAX {
            return Err(TOO_MANY);
        }
        let mut articles = Vec::new();
        for key in keys {
            let id = self.ids.get(key).copied().ok_or(BAD_KEY)?;
            let symbol = &self.instrument(id).symbol;
            let mut random = Random::new(self.seed().unwrap_or_default(), purpose(key));
            let mut published_ms = millis(now);
            for number in 1..=random.between(1, 3) {
                published_ms -= random.between(1, 30) * MS_PER_HOUR;
                let topic = TOPICS[random.between(0, 3) as usize];
                let article = json!({
                    "heading": format!("[SIMULATED] {symbol}: {topic}"),
                    "summary": format!("Simulated text number {number} about {symbol}; nothing of it happened."),
                    "thumbnail": "https://news.invalid/simulated.png",
                    "article_link": format!("https://news.invalid/simulated/{symbol}/{number}"),
                    "published_time": published_ms,
                });
                articles.push((key.to_owned(), article));
            }
        }
        Ok(articles)
    }
}
