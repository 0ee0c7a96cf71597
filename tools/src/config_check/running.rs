//! Rules on running: feed, universe, clock, threads, and the day.

use bijli_core::IstDay;
use bijli_core::session::{ClosedDay, Market, SessionTimes};

use super::Finding;
use super::rules::Rules;
use crate::config_file::{ClockSource, FeedMode, RunConfig, RunMode, Shape, Wait};

/// Feed, universe, clock and threads.
pub(super) fn running(config: &RunConfig, findings: &mut Vec<Finding>) {
    let mut rules = Rules(findings);
    let universe = &config.universe;
    if !universe.fno_stocks && !universe.index_underlyings && universe.keys.is_empty() {
        let help = "fno_stocks = true, or name instruments in keys".to_owned();
        rules.error(
            "UNIVERSE-01",
            "universe.keys",
            "no instrument would be watched".to_owned(),
            help,
        );
    }
    if config.feed.mode == FeedMode::Ltpc {
        let what =
            "mode \"ltpc\" carries no book, so no order can be priced: this run only watches".to_owned();
        rules.warn("FEED-01", "feed.mode", what, "mode = \"full\"".to_owned());
    }
    if config.run.mode == RunMode::Live {
        if config.clock.source == ClockSource::Venue {
            let what = "a live engine cannot run on the stamps of frames: it would stand still with the feed"
                .to_owned();
            rules.error("CLOCK-01", "clock.source", what, "source = \"wall\"".to_owned());
        }
        let what = "live: real money; no entry leaves before `bijli ctl arm`".to_owned();
        rules.info("RUN-01", "run.mode", what);
    }
    threads(config, &mut rules);
}

fn threads(config: &RunConfig, rules: &mut Rules<'_>) {
    let threads = &config.threads;
    let pinned = match threads.shape {
        Shape::Fused => vec![threads.engine_core],
        Shape::Split => vec![threads.engine_core, threads.gateway_core],
        Shape::Three | Shape::Auto => vec![threads.feed_core, threads.engine_core, threads.gateway_core],
    };
    let mut cores: Vec<usize> = pinned.iter().copied().flatten().collect();
    if !cores.is_empty() && cores.len() < pinned.len() {
        let what = format!(
            "{} of {} threads have a core, so none is pinned",
            cores.len(),
            pinned.len()
        );
        rules.warn(
            "THREAD-04",
            "threads.engine_core",
            what,
            "name a core for each thread of the shape, or none".to_owned(),
        );
    }
    if threads.wait == Wait::Spin && pinned.len() > 1 {
        let named = cores.len();
        cores.sort_unstable();
        cores.dedup();
        if cores.len() < named {
            let what = "two spinning threads share a core: each waits out the other's time slice, milliseconds a tick";
            rules.warn(
                "THREAD-01",
                "threads.wait",
                what.to_owned(),
                "a core each, or shape = \"fused\"".to_owned(),
            );
        } else if threads.shape == Shape::Three && named < pinned.len() {
            let what = "three spinning threads without a core each wait for one another where cores are few";
            rules.warn(
                "THREAD-02",
                "threads.wait",
                what.to_owned(),
                "name a core for each, or wait = \"park\"".to_owned(),
            );
        }
    }
    if config.feed.busy_poll && threads.wait == Wait::Park {
        let what = "busy_poll keeps the feed's thread from parking: it takes its whole core".to_owned();
        rules.warn(
            "THREAD-03",
            "feed.busy_poll",
            what,
            "busy_poll = false, or wait = \"spin\"".to_owned(),
        );
    }
}

/// Whether the hours of `day` are known, and which they are.
pub(super) fn session(config: &RunConfig, day: IstDay, findings: &mut Vec<Finding>) {
    let mut rules = Rules(findings);
    let hours = |market| {
        SessionTimes::of(day, market).map(|times| {
            let clock = |at: bijli_core::TsNs| at.to_string()[11..16].to_owned();
            format!(
                "{} to {}, entries until {}",
                clock(times.open),
                clock(times.close),
                clock(times.entries_stop)
            )
        })
    };
    // Recorded days of other years are legal on the venue's clock, so the day is only judged on the wall's.
    if config.clock.source == ClockSource::Venue {
        return;
    }
    match (hours(Market::Cash), hours(Market::Derivatives)) {
        (Ok(cash), Ok(derivatives)) => {
            rules.info(
                "DAY-01",
                "clock.source",
                format!("{day}: shares {cash}; derivatives {derivatives}"),
            );
        }
        (Err(ClosedDay::Uncovered), _) | (_, Err(ClosedDay::Uncovered)) => rules.error(
            "DAY-01",
            "clock.source",
            format!(
                "{day} is not covered by the table of the exchange's hours: trading is refused, not guessed"
            ),
            "install a version whose table covers this day".to_owned(),
        ),
        (Err(closed), _) | (_, Err(closed)) => {
            let why = if closed == ClosedDay::Weekend {
                "a weekend"
            } else {
                "a holiday of the exchange"
            };
            rules.warn(
                "DAY-02",
                "clock.source",
                format!("{day} is {why}: `run` would find the market shut"),
                "run on a trading day, or play one with `bijli demo`".to_owned(),
            );
        }
    }
}
