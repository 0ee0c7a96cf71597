//! `report.html`: the day on one page, in one file, without a single request to anywhere.
//!
//! Invariants: every piece of text that came from outside is escaped; a policy in the page forbids it to load
//! anything; what is synthetic, simulated or on paper is said at the top and stays in sight. The numbers come
//! from [`Summary`] and [`Day`]; nothing is computed here but their layout.

use std::fmt::Write as _;

use bijli_core::Money;
use plotly::Plot;

use super::day::Day;
use super::summary::Summary;
use super::tables;
use super::{RunFacts, plots};
use crate::latency_report::duration_text;
use crate::words;

const STYLE: &str = include_str!("page.css");

/// Everything that the page shows.
#[derive(Clone, Copy, Debug)]
pub struct PageParts<'a> {
    /// The day.
    pub day: &'a Day,
    /// What it came to.
    pub summary: &'a Summary,
    /// What the run's process knew.
    pub facts: &'a RunFacts,
    /// The first place where replay and journal part.
    pub difference: Option<&'a str>,
}

/// The whole page.
#[must_use]
pub fn html(parts: &PageParts<'_>) -> String {
    let summary = parts.summary;
    let mut page = String::with_capacity(6 << 20);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:\">\n\
         <title>bijli {} · {}</title>\n<style>\n{STYLE}</style>\n",
        summary.day,
        escape(summary.data)
    );
    page.push_str(&plots::script());
    page.push_str("</head>\n<body>\n");
    push_head(&mut page, parts);
    page.push_str("<main>\n");
    push_cards(&mut page, parts);
    push_pictures(&mut page, parts);
    push_tables(&mut page, parts);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn push_head(page: &mut String, parts: &PageParts<'_>) {
    let day = parts.day;
    let banner = match (day.data, day.venue) {
        (Some(data), Some(venue)) => words::banner_words(data, venue),
        (None, _) | (_, None) => vec!["NO SESSION IN THE JOURNAL"],
    };
    if !banner.is_empty() {
        let _ = writeln!(
            page,
            "<div class=\"banner\" role=\"alert\"><b>{}</b><span>no real money was at stake</span></div>",
            banner.join("</b><b>")
        );
    }
    let _ = writeln!(
        page,
        "<header><h1>bijli <span>run report</span></h1><p>{} · {} instruments · capital ₹{} · data \
         <b>{}</b>, quotes <b>{}</b>, venue <b>{}</b></p></header>",
        day.day,
        day.symbols.len(),
        words::rupees(day.capital),
        parts.summary.data,
        parts.summary.quotes,
        parts.summary.venue
    );
}

/// One headline number.
struct Card {
    title: &'static str,
    value: String,
    note: String,
    class: &'static str,
}

fn push_cards(page: &mut String, parts: &PageParts<'_>) {
    page.push_str("<section class=\"cards\">\n");
    for card in cards(parts) {
        let _ = writeln!(
            page,
            "<div class=\"card\"><h3>{}</h3><p class=\"value {}\">{}</p><p class=\"note\">{}</p></div>",
            card.title,
            card.class,
            escape(&card.value),
            escape(&card.note)
        );
    }
    page.push_str("</section>\n");
}

fn cards(parts: &PageParts<'_>) -> Vec<Card> {
    let (day, summary) = (parts.day, parts.summary);
    let (won, lost) = day.wins_and_losses();
    let order = &summary.latency_ns.tick_to_order;
    let share = |amount: Money| format!("{:+.2} % of capital", percent(amount, day.capital));
    vec![
        Card {
            title: "Net result",
            value: words::signed_rupees(day.net),
            note: share(day.net),
            class: sign_class(day.net),
        },
        Card {
            title: "Gross / charges",
            value: words::signed_rupees(day.gross()),
            note: format!("charges ₹{}", words::rupees(day.charges)),
            class: sign_class(day.gross()),
        },
        Card {
            title: "Round trips",
            value: (won + lost).to_string(),
            note: format!("{won} won, {lost} lost after charges"),
            class: "",
        },
        Card {
            title: "Largest drawdown",
            value: format!("₹{}", words::rupees(day.drawdown_max())),
            note: format!("{:.2} % of capital", percent(day.drawdown_max(), day.capital)),
            class: "",
        },
        Card {
            title: "Signals",
            value: summary.signals.to_string(),
            note: best_text(parts),
            class: "",
        },
        Card {
            title: "Orders",
            value: summary.orders_sent.to_string(),
            note: format!("{} acknowledged, {} fills", summary.orders_acked, summary.fills),
            class: "",
        },
        Card {
            title: "Tick to order",
            value: if order.count > 0 {
                duration_text(order.p50)
            } else {
                "—".to_owned()
            },
            note: format!(
                "median; p99 {}, max {}",
                duration_text(order.p99),
                duration_text(order.max)
            ),
            class: "",
        },
        replay_card(parts),
    ]
}

fn replay_card(parts: &PageParts<'_>) -> Card {
    let journal = &parts.summary.journal;
    Card {
        title: "Replay of the journal",
        value: if journal.replay_identical {
            "identical".to_owned()
        } else {
            "DIFFERS".to_owned()
        },
        note: match parts.difference {
            None => format!(
                "{} records, state {}",
                words::count_text(journal.records),
                journal.state_hash
            ),
            Some(difference) => difference.to_owned(),
        },
        class: if journal.replay_identical { "gain" } else { "loss" },
    }
}

fn best_text(parts: &PageParts<'_>) -> String {
    let Some(best) = parts.day.best else {
        return "no spike was scored".to_owned();
    };
    format!(
        "best score {}: {} {} at {}",
        words::ppm_text(best.score_ppm),
        words::side_name(best.side),
        parts.day.symbol(best.instrument),
        words::second_text(best.ts)
    )
}

fn push_pictures(page: &mut String, parts: &PageParts<'_>) {
    let day = parts.day;
    let pictures: [(&str, &str, &str, Option<Plot>, &str); 5] = [
        (
            "equity",
            "wide",
            "Result of the day",
            plots::equity(day),
            "No event carried a time.",
        ),
        (
            "trades",
            "",
            "Net result of each round trip",
            plots::trades(day),
            "No round trip was closed.",
        ),
        (
            "excursions",
            "",
            "Excursions while open",
            plots::excursions(day),
            "No round trip was closed.",
        ),
        (
            "signals",
            "",
            "Signals by score",
            plots::signals(day),
            "No spike reached the smallest score.",
        ),
        (
            "latency",
            "",
            "Latency by percentile",
            plots::latency(&parts.facts.latency),
            "Nothing was timed.",
        ),
    ];
    page.push_str("<section class=\"pictures\">\n");
    for (id, class, title, plot, otherwise) in pictures {
        let _ = writeln!(page, "<figure class=\"{class}\"><figcaption>{title}</figcaption>");
        match plot {
            Some(plot) => page.push_str(&plot.to_inline_html(Some(id))),
            None => {
                let _ = write!(page, "<p class=\"empty\">{otherwise}</p>");
            }
        }
        page.push_str("\n</figure>\n");
    }
    page.push_str("</section>\n");
}

fn push_tables(page: &mut String, parts: &PageParts<'_>) {
    let day = parts.day;
    for table in [
        tables::trips(day),
        tables::orders(day),
        tables::denials(day),
        tables::latency(&parts.facts.latency),
        tables::notes(day),
        tables::doubts(day),
        tables::facts(parts.summary, parts.facts),
    ] {
        table.push_to(page);
    }
    page.push_str(MEANING);
}

/// What the numbers mean, so that nobody has to guess.
const MEANING: &str = "<section><h2>What the numbers mean</h2><ul class=\"meaning\">\
<li><b>Gross</b>: realised and unrealised result before charges; open positions are marked to the far touch.</li>\
<li><b>Charges</b>: brokerage, STT, exchange and SEBI fees, GST and stamp duty, as the engine booked them fill by fill.</li>\
<li><b>Net</b> = gross − charges. <b>Drawdown</b>: largest fall of net from its former peak, starting at zero.</li>\
<li><b>MAE / MFE</b>: worst and best result of a round trip before charges while it was open, marked at the last price.</li>\
<li><b>Slippage</b>: what the fills cost against the touch at the decision (ask for a buy, bid for a sale); positive is worse.</li>\
<li><b>Latency</b>: nanosecond stamps of this machine's monotonic clock; <b>tick to order</b> runs from frame bytes in hand to request bytes handed to the socket.</li>\
<li><b>Replay</b>: a second engine rebuilt from the journal alone gave the same commands and the same state hash.</li>\
</ul></section>\n";

fn percent(part: Money, whole: Money) -> f64 {
    if whole.get() == 0 {
        0.0
    } else {
        part.rupees() / whole.rupees() * 100.0
    }
}

/// Class that colours an amount.
#[must_use]
pub const fn sign_class(amount: Money) -> &'static str {
    match amount.get() {
        i64::MIN..=-1 => "loss",
        0 => "",
        1.. => "gain",
    }
}

/// Text made harmless for the page.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::replica::Replayed;

    fn page(day: &Day) -> String {
        let replayed = Replayed {
            identical: true,
            ..Replayed::default()
        };
        let facts = RunFacts::default();
        let summary = Summary::of(day, &replayed, &facts, "runs/x");
        html(&PageParts {
            day,
            summary: &summary,
            facts: &facts,
            difference: None,
        })
    }

    /// The page without the embedded script.
    fn own_words(page: &str) -> String {
        let (head, rest) = page
            .split_once(&plots::script())
            .expect("the script is in the page");
        format!("{head}{rest}")
    }

    #[test]
    fn the_page_says_loudly_that_the_day_is_not_real() {
        let page = own_words(&page(&sample::day()));
        assert!(page.contains("<b>SYNTHETIC DATA</b><b>SIMULATED VENUE</b>"));
        assert!(page.contains("identical") && page.contains("RELIANCE"));
    }

    #[test]
    fn the_page_loads_nothing_and_holds_the_script_once() {
        let page = page(&sample::day());
        assert_eq!(page.matches("plotly.js v3").count(), 1);
        let own = own_words(&page);
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            assert!(!own.contains(outside), "{outside}");
        }
        assert!(own.contains("default-src 'none'"));
    }

    #[test]
    fn text_from_outside_cannot_become_markup() {
        let page = own_words(&page(&sample::day()));
        assert!(page.contains("feed MUTE &lt;2 s&gt;"));
        assert!(!page.contains("<2 s>"));
    }

    #[test]
    fn an_empty_day_still_makes_a_page() {
        let page = own_words(&page(&Day::default()));
        assert!(page.contains("NO SESSION IN THE JOURNAL") && page.contains("No round trip was closed."));
    }
}
