//! A token with the times that decide its life, and the text that it is kept as.
//!
//! Kept as one line of JSON: `access_token`, `issued_ms`, `expires_ms` (both since 1970 UTC). A file that holds the
//! bare token and nothing else is taken too: then its last change stands for the issue, which cannot be too early,
//! so the token may be dead sooner than told, never later than 03:30 IST after that change. A long-lived token
//! (analytics, sandbox) must be kept as JSON with its own `expires_ms`.

use bijli_core::TsNs;
use bijli_gateway::upstox::field::Secret;
use bijli_gateway::upstox::token;
use serde_json::{Value, json};

/// A token as it is kept. Its debug form shows no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// The token.
    pub token: Secret,
    /// When it was issued; [`TsNs::NEVER`] where that is not known.
    pub issued: TsNs,
    /// From when on it is dead; [`TsNs::NEVER`] where that is not known.
    pub expires: TsNs,
}

impl StoredToken {
    /// A day's token issued at `issued`.
    #[must_use]
    pub fn issued_at(token: Secret, issued: TsNs) -> Self {
        Self {
            token,
            issued,
            expires: token::expiry(issued),
        }
    }

    /// Whether it is dead by its age.
    #[must_use]
    pub fn is_dead(&self, now: TsNs) -> bool {
        self.expires.is_set() && now >= self.expires
    }

    /// Reads what [`StoredToken::to_text`] wrote, or a bare token whose place was last changed at `changed`.
    /// `None` for anything else.
    pub(super) fn parse(text: &str, changed: TsNs) -> Option<Self> {
        let text = text.trim();
        if !text.starts_with('{') {
            let token = usable(text)?;
            return Some(if changed.is_set() {
                Self::issued_at(token, changed)
            } else {
                Self {
                    token,
                    issued: TsNs::NEVER,
                    expires: TsNs::NEVER,
                }
            });
        }
        let kept: Value = serde_json::from_str(text).ok()?;
        let token = usable(kept.get("access_token")?.as_str()?)?;
        let time = |name: &str| {
            let ms = kept.get(name).and_then(Value::as_i64).filter(|ms| *ms > 0);
            ms.map_or(TsNs::NEVER, TsNs::from_millis)
        };
        let (issued, expires) = (time("issued_ms"), time("expires_ms"));
        let expires = match (expires.is_set(), issued.is_set()) {
            (true, _) => expires,
            (false, true) => token::expiry(issued),
            (false, false) => TsNs::NEVER,
        };
        Some(Self {
            token,
            issued,
            expires,
        })
    }

    pub(super) fn to_text(&self) -> String {
        let ms = |ts: TsNs| ts.is_set().then_some(ts.get() / 1_000_000);
        let kept = json!({
            "access_token": self.token.expose(),
            "issued_ms": ms(self.issued),
            "expires_ms": ms(self.expires),
        });
        format!("{kept}\n")
    }
}

/// A token that a header can carry.
fn usable(text: &str) -> Option<Secret> {
    let good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    good.then(|| Secret::new(text.to_owned()))
}
