//! `bijli status`: the state of an engine at this moment, for people and for scripts.
//!
//! What is synthetic, simulated or on paper comes first; a state whose process is gone is called stale and
//! gives exit code 3, so that a script cannot take an old number for the present.

mod pages;
pub(crate) mod supervision;

use std::fmt::Write as _;
use std::path::PathBuf;

use bijli_core::denial::DENIALS;
use bijli_core::readout::{DENIAL_COUNTS, FeedReadout, GatewayReadout};
use bijli_core::time::NS_PER_S;
use bijli_core::{DurationNs, Money, TsNs};
use clap::Args as ClapArgs;
use serde_json::{Map, Value, json};

use crate::dashboard::{Sight, SnapshotSource};
use crate::exit_code;
use crate::run_dir::RunDir;
use crate::stdout::print_line;
use crate::words;

/// Arguments of `status`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The run directory; default: the newest under ./runs.
    #[arg(long, value_name = "RUN_DIR")]
    dir: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    let sight = RunDir::named_or_newest(args.dir.as_deref())
        .map_err(|error| error.to_string())
        .and_then(|run| SnapshotSource::new(run).look().map_err(|error| error.to_string()));
    match sight {
        Ok(sight) => {
            if args.json {
                print_line(&json_of(&sight).to_string());
            } else {
                print_line(&text_of(&sight));
            }
            if sight.writer_alive {
                exit_code::OK
            } else {
                exit_code::NO_DATA
            }
        }
        Err(error) => {
            if args.json {
                print_line(&json!({ "error": error }).to_string());
            }
            eprintln!("error: {error}");
            exit_code::NO_DATA
        }
    }
}

fn json_of(sight: &Sight) -> Value {
    let readouts = &sight.readouts;
    let session = &readouts.session;
    json!({
        "run_dir": sight.run,
        "data": session.data.name(),
        "venue": words::venue_name(session.venue),
        "flags": words::banner_words(session.data, session.venue),
        "day": session.day.to_string(),
        "epoch": session.epoch,
        "pid": session.pid,
        "process_alive": sight.writer_alive,
        "snapshot_age_ms": sight.age().map(|age| age.get() / 1_000_000),
        "stale": sight.staleness(),
        "mode": readouts.mode_name(),
        "token": token_json(sight),
        "engine": engine_json(sight),
        "feed": feed_json(sight),
        "gateway": gateway_json(sight),
        "positions": readouts.positions.iter().map(|position| json!({
            "symbol": position.symbol.as_str(),
            "qty": position.qty.get(),
            "average_rupees": position.average.rupees(),
            "ltp_rupees": position.ltp.rupees(),
            "stage": words::bracket_stage_name(position.stage),
            "stop_rupees": position.stop.is_set().then(|| position.stop.rupees()),
            "unrealised_rupees": position.unrealised.rupees(),
            "realised_rupees": position.realised.rupees(),
        })).collect::<Vec<_>>(),
        "pages": pages::json(readouts),
        "supervision": supervision::json(readouts),
        "denials": denials_json(sight),
        "latency_ns": latency_json(sight),
        "doubts": readouts.doubts,
        "entries_barred": is_barred(sight).then_some(words::NO_ENTRIES_TODAY),
    })
}

fn engine_json(sight: &Sight) -> Option<Value> {
    let engine = sight.readouts.engine.as_ref()?;
    let day_loss = sight.day_loss();
    Some(json!({
        "now_ist": words::stamp_text(engine.now),
        "events": engine.events,
        "ticks_applied": engine.ticks_applied,
        "signals": engine.signals,
        "best_score": f64::from(engine.best_score_ppm) / 1e6,
        "entries_sent": engine.entries_sent,
        "exits_sent": engine.exits_sent,
        "denials": engine.denials,
        "fills": engine.fills,
        "open_positions": engine.open_positions,
        "orders_live": engine.orders_live,
        "orders_unknown": engine.orders_unknown,
        "net_pnl_rupees": sight.readouts.net().rupees(),
        "realised_rupees": engine.realised.rupees(),
        "unrealised_rupees": engine.unrealised.rupees(),
        "charges_rupees": engine.charges.rupees(),
        "equity_rupees": engine.equity.rupees(),
        "day_loss_limit_rupees": day_loss.map(|(_, limit)| limit.rupees()),
        "day_loss_used": day_loss.map(|(used, _)| used),
        "day_loss_latched": engine.day_loss_latched,
        "kill_latched": engine.kill_latched,
        "anomalies": engine.anomalies,
        "journal_records": engine.journal_records,
        "journal_bytes": engine.journal_bytes,
    }))
}

fn feed_json(sight: &Sight) -> Option<Value> {
    let feed = sight.readouts.feed.as_ref()?;
    Some(json!({
        "state": words::feed_state_name(feed.state),
        "frames": feed.frames,
        "bytes": feed.bytes,
        "ticks_received": feed.ticks_received,
        "ticks_conflated": feed.ticks_conflated,
        "unknown_keys": feed.unknown_keys,
        "decode_errors": feed.decode_errors,
        "reconnects": feed.reconnects,
        "last_frame_ist": words::stamp_text(feed.last_frame),
        "subscribed": feed.subscribed,
        "seen": feed.seen,
        "never_seen": feed.never_seen,
        "refused": feed.refused,
        "refused_keys": feed.refused_keys.as_str().split_whitespace().collect::<Vec<_>>(),
        "subscribed_after_ms": (feed.subscribed_after.get() > 0).then(|| milliseconds(feed.subscribed_after)),
        "stale": feed.stale,
        "oldest_key": feed.oldest_key.as_str(),
        "oldest_age_ms": milliseconds(feed.oldest_age),
        "ring_depth_max": feed.ring_depth_max,
        "ring_full": feed.ring_full,
    }))
}

fn token_json(sight: &Sight) -> Value {
    let expires = sight.readouts.session.token_expires;
    let now = sight.readouts.engine.map_or(TsNs::NEVER, |engine| engine.now);
    let left = expires
        .is_set()
        .then(|| expires.since(now).get().max(0) / NS_PER_S);
    json!({
        "expires_ist": expires.is_set().then(|| words::stamp_text(expires)),
        "left_s": left,
        "dead": sight.readouts.token_dead(),
    })
}

/// With three decimals.
fn milliseconds(length: DurationNs) -> f64 {
    (length.get() / 1_000) as f64 / 1e3
}

fn gateway_json(sight: &Sight) -> Option<Value> {
    let gateway = sight.readouts.gateway.as_ref()?;
    Some(json!({
        "orders_sent": gateway.orders_sent,
        "acked": gateway.acked,
        "refused": gateway.refused,
        "unknown": gateway.unknown,
        "modifies": gateway.modifies,
        "cancels": gateway.cancels,
        "reads": gateway.reads,
        "in_flight": gateway.in_flight,
        "calls_last_second": gateway.calls_last_second,
        "stream_connected": gateway.stream_connected,
        "error_alert": gateway.error_alert,
        "classes": {
            "orders": {
                "breaker": words::breaker_name(gateway.write_breaker),
                "calls": gateway.write_calls(),
                "failures": gateway.write_failures,
                "retries": 0,
                "errors_last_minute": gateway.write_errors_last_minute,
            },
            "reads": {
                "breaker": words::breaker_name(gateway.read_breaker),
                "calls": gateway.reads,
                "failures": gateway.read_failures,
                "retries": gateway.read_retries,
                "errors_last_minute": gateway.read_errors_last_minute,
            },
        },
    }))
}

fn denials_json(sight: &Sight) -> Value {
    let counts = sight
        .readouts
        .denials
        .map_or([0; DENIAL_COUNTS], |denials| denials.counts);
    let given = DENIALS
        .iter()
        .map(|denial| (denial.code().to_owned(), counts[usize::from(denial.number())]))
        .filter(|(_, count)| *count > 0)
        .map(|(code, count)| (code, json!(count)));
    Value::Object(given.collect::<Map<_, _>>())
}

fn latency_json(sight: &Sight) -> Value {
    let stages = sight.readouts.latency_report().stages.into_iter().map(|stage| {
        let numbers = json!({
            "count": stage.count,
            "p50": stage.p50_ns,
            "p99": stage.p99_ns,
            "p999": stage.p999_ns,
            "max": stage.max_ns,
        });
        (stage.stage, numbers)
    });
    Value::Object(stages.collect::<Map<_, _>>())
}

fn text_of(sight: &Sight) -> String {
    let readouts = &sight.readouts;
    let session = &readouts.session;
    let mut text = String::new();
    for flag in words::banner_words(session.data, session.venue) {
        let _ = write!(text, "*** {flag} *** ");
    }
    if let Some(stale) = sight.staleness() {
        let _ = write!(text, "\n!!! {stale} !!!");
    }
    text.push_str(&pages::text(readouts));
    let _ = write!(
        text,
        "\n{:<10} {}  epoch {}  pid {}  {}\n{:<10} data {}, venue {}",
        "day",
        session.day,
        session.epoch,
        session.pid,
        sight.run,
        "source",
        session.data.name(),
        words::venue_name(session.venue)
    );
    for (name, words) in rows(sight) {
        let _ = write!(text, "\n{name:<10} {words}");
    }
    text.trim_start().to_owned()
}

/// Whether the day was begun on a stale master, so that it enters nothing.
fn is_barred(sight: &Sight) -> bool {
    sight.risk.is_some_and(|risk| risk.entries_per_day_max == 0)
}

/// What people read below the headline: a name and its words.
fn rows(sight: &Sight) -> Vec<(&'static str, String)> {
    let readouts = &sight.readouts;
    let mut rows = Vec::new();
    if let Some(engine) = &readouts.engine {
        let clock = words::clock_text(engine.now);
        rows.push(("mode", format!("{}  {clock} IST", readouts.mode_name())));
        rows.push(("result", result_text(sight)));
        if is_barred(sight) {
            rows.push(("entries", format!("*** NONE: {} ***", words::NO_ENTRIES_TODAY)));
        }
        let orders = format!(
            "{} positions open, {} orders live, {} unknown; {} entries, {} exits, {} fills, {} denials",
            engine.open_positions,
            engine.orders_live,
            engine.orders_unknown,
            engine.entries_sent,
            engine.exits_sent,
            engine.fills,
            engine.denials
        );
        rows.push(("orders", orders));
        let best = f64::from(engine.best_score_ppm) / 1e6;
        rows.push(("signals", format!("{}, best score {best:.3}", engine.signals)));
    }
    if let Some(feed) = &readouts.feed {
        let words = format!(
            "{}  {} ticks, {} conflated, {}/{} instruments seen, {} reconnects",
            words::feed_state_name(feed.state),
            words::count_text(feed.ticks_received),
            words::count_text(feed.ticks_conflated),
            feed.seen,
            feed.subscribed,
            feed.reconnects
        );
        rows.push(("feed", words));
        rows.extend(feed_doubts(feed));
    }
    if let Some(gateway) = &readouts.gateway {
        rows.push(("broker", gateway_text(gateway)));
    }
    if let Some(token) = readouts.token_text() {
        rows.push(("token", token));
    }
    rows.extend(readouts.positions.iter().map(|position| {
        let result = words::signed_rupees(position.unrealised);
        let place = format!("{} at {}, last {}", position.qty, position.average, position.ltp);
        ("position", format!("{} {place}, {result}", position.symbol))
    }));
    rows.extend(supervision::rows(readouts));
    rows.extend(readouts.doubts.iter().map(|doubt| ("doubt", doubt.clone())));
    rows
}

fn gateway_text(gateway: &GatewayReadout) -> String {
    let mut text = format!(
        "orders {} ({} calls, {} failed), reads {} ({} calls, {} failed, {} retried)",
        words::breaker_name(gateway.write_breaker),
        gateway.write_calls(),
        gateway.write_failures,
        words::breaker_name(gateway.read_breaker),
        gateway.reads,
        gateway.read_failures,
        gateway.read_retries
    );
    if gateway.error_alert {
        let errors = gateway.write_errors_last_minute + gateway.read_errors_last_minute;
        let _ = write!(text, "  *** ALERT: {errors} errors in the last minute ***");
    }
    text
}

/// What an operator should know about instruments that do not speak.
fn feed_doubts(feed: &FeedReadout) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    if feed.never_seen + feed.refused > 0 {
        let (never, refused) = (feed.never_seen, feed.refused);
        let keys = feed.refused_keys.as_str();
        let words = format!("{never} never seen, {refused} beyond the broker's limits, not traded: {keys}");
        rows.push(("unheard", words));
    }
    if feed.stale > 0 {
        let age_s = feed.oldest_age.get() / 1_000_000_000;
        let words = format!(
            "{} instruments; the oldest {} {age_s} s",
            feed.stale, feed.oldest_key
        );
        rows.push(("stale", words));
    }
    rows
}

fn result_text(sight: &Sight) -> String {
    let part = |pick: fn(&bijli_core::readout::EngineReadout) -> Money| {
        sight.readouts.engine.as_ref().map_or(Money::ZERO, pick)
    };
    let mut text = format!(
        "net {} = realised {} + open {} - charges ₹{}",
        words::signed_rupees(sight.readouts.net()),
        words::signed_rupees(part(|engine| engine.realised)),
        words::signed_rupees(part(|engine| engine.unrealised)),
        words::rupees(part(|engine| engine.charges))
    );
    if let Some((used, limit)) = sight.day_loss() {
        let _ = write!(
            text,
            "; day loss {:.0} % of ₹{}",
            used * 100.0,
            words::rupees(limit)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::sample;

    #[test]
    fn people_read_first_what_is_not_real() {
        let text = text_of(&sample::sight());
        assert!(
            text.starts_with("*** SYNTHETIC DATA *** *** SIMULATED VENUE ***"),
            "{text}"
        );
        for words in [
            "\n!!! PAGE EXIT_REJECTED x3, last RELIANCE 11:41:00: an exit was rejected; it is tried again; \
             `bijli explain EXIT_REJECTED` !!!\nday ",
            "mode       ACTIVE",
            "net +₹1,016.00",
            "day loss 0 %",
            "RELIANCE 20 at 1506.42",
            "broker     orders closed (10 calls, 1 failed), reads half open (19 calls, 6 failed, 2 retried)",
            "token      token dies in 15 h 48 min (03:30 IST)",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn scripts_get_every_group_under_stable_names() {
        let json = json_of(&sample::sight());
        for (key, value) in [
            ("/data", json!("synthetic")),
            ("/process_alive", json!(true)),
            ("/stale", Value::Null),
            ("/snapshot_age_ms", json!(120)),
            ("/engine/ticks_applied", json!(1_200_000)),
            ("/engine/net_pnl_rupees", json!(1_016.0)),
            ("/feed/state", json!("LIVE")),
            ("/feed/never_seen", json!(1)),
            ("/feed/refused_keys/0", json!("NSE_EQ|INE000000000")),
            ("/feed/subscribed_after_ms", json!(61.0)),
            ("/feed/oldest_age_ms", json!(9_000.0)),
            ("/gateway/acked", json!(6)),
            ("/gateway/classes/orders/breaker", json!("closed")),
            ("/gateway/classes/reads/errors_last_minute", json!(3)),
            ("/gateway/error_alert", json!(false)),
            ("/token/expires_ist", json!("2026-08-01 03:30:00.000")),
            ("/token/left_s", json!(56_880)),
            ("/token/dead", json!(false)),
            ("/positions/0/symbol", json!("RELIANCE")),
            ("/denials/COOLDOWN", json!(3)),
            ("/pages/0/code", json!("EXIT_REJECTED")),
            ("/pages/0/count", json!(3)),
            ("/pages/0/symbol", json!("RELIANCE")),
            ("/pages/0/last_ist", json!("2026-07-31 11:41:00.000")),
            ("/latency_ns/engine/p50", json!(6_400)),
            ("/latency_ns/tick_to_order/count", json!(0)),
        ] {
            assert_eq!(json.pointer(key), Some(&value), "{key}");
        }
    }

    #[test]
    fn an_alert_an_open_breaker_and_a_dead_token_are_loud() {
        let mut sight = sample::sight();
        let gateway = sight.readouts.gateway.as_mut().expect("the sample has one");
        (gateway.write_breaker, gateway.write_errors_last_minute) = (1, 11);
        (gateway.error_alert, gateway.token_dead) = (true, true);
        let text = text_of(&sight);
        for words in ["orders OPEN", "ALERT: 14 errors in the last minute", "TOKEN DEAD"] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert_eq!(json_of(&sight)["token"]["dead"], json!(true));
    }

    #[test]
    fn a_stale_state_says_so_in_both_forms() {
        let mut sight = sample::sight();
        sight.writer_alive = false;
        assert!(text_of(&sight).contains("!!! STALE: process 4242 has ended"));
        assert!(json_of(&sight)["stale"].is_string());
    }

    #[test]
    fn a_day_begun_on_a_stale_master_says_that_it_enters_nothing() {
        let mut sight = sample::sight();
        assert_eq!(json_of(&sight)["entries_barred"], Value::Null);
        assert!(!text_of(&sight).contains("NONE"));
        let risk = bijli_core::config::RiskConfig {
            entries_per_day_max: 0,
            ..bijli_core::config::RiskConfig::default()
        };
        sight.risk = Some(risk);
        assert_eq!(json_of(&sight)["entries_barred"], words::NO_ENTRIES_TODAY);
        let told = format!("*** NONE: {} ***", words::NO_ENTRIES_TODAY);
        assert!(text_of(&sight).contains(&told), "{}", text_of(&sight));
    }
}
