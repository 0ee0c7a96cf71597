//! Fault scripts: what the simulator does wrong on purpose, set while it runs, at a simulated time, or by seed.
//!
//! Pure: a script is read from JSON and says what is to be done; the event loop does it. Invariants: a script
//! with an unknown name or value changes nothing; faults that count down end by themselves. The names and
//! their meanings stand in `SIMULATOR.md`.

use bijli_core::{DurationNs, IstDay, TsNs};
use serde_json::{Value, json};

use super::fault_rows;
use crate::broker::faults::Faults;
use crate::random::Random;

/// A fault that may end after so many times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limited<T> {
    pub(super) what: T,
    /// Times left; `None` until it is switched off.
    pub(super) left: Option<u32>,
}

impl<T: Copy> Limited<T> {
    /// The fault once more, if it is on and `wanted` says that it fits.
    pub(super) fn take(slot: &mut Option<Self>, wanted: impl Fn(T) -> bool) -> Option<T> {
        let fault = slot.as_mut().filter(|fault| wanted(fault.what))?;
        let what = fault.what;
        if let Some(left) = &mut fault.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                *slot = None;
            }
        }
        Some(what)
    }
}

/// Which calls are refused as too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calls {
    All,
    Orders,
    Reads,
}

/// Calls refused as too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany {
    pub(super) calls: Calls,
    pub(super) retry_after_s: Option<u32>,
}

/// An answer that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Garbage {
    /// A page with status 200.
    Html,
    /// A page with status 502.
    Html502,
    /// Nothing, with status 200.
    Empty,
    /// A small body that unpacks to a gibibyte of zeros.
    GzipBomb,
    /// The true answer, one byte at a time.
    Trickle,
}

/// How REST calls are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadReply {
    pub(super) garbage: Garbage,
    /// Whether the call is carried out all the same.
    pub(super) is_carried_out: bool,
    /// Real time between two bytes of a trickle.
    pub(super) pace_ms: u32,
}

/// How the order host is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OrderHost {
    #[default]
    Up,
    /// Nobody listens.
    Down,
    /// Connections are taken and dropped.
    Drops,
}

/// What is wrong with the instrument master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MasterFault {
    Truncated,
    LotSize,
    Empty,
    NoRows,
    Html,
}

/// What is to be done once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    RevokeToken,
    IssueToken,
    /// Time of the day at which the tokens that are out die.
    ExpireTokens(DurationNs),
}

/// The faults that are on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Script {
    pub(super) mutes_feed: bool,
    pub(super) hides_half: bool,
    pub(super) replays_redirect: bool,
    pub(super) feed_handshake: Option<Limited<u16>>,
    pub(super) stream_handshake: Option<Limited<u16>>,
    pub(super) too_many: Option<Limited<TooMany>>,
    pub(super) reply: Option<Limited<BadReply>>,
    pub(super) order_host: OrderHost,
    pub(super) master: Option<MasterFault>,
    /// Chances of the broker's faults that scripts have set.
    pub(super) faults: Faults,
}

/// A script that waits for its time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scheduled {
    pub(super) at: TsNs,
    pub(super) script: Value,
}

impl Script {
    /// Changes what the JSON names; gives what is to be done once.
    pub(super) fn change(&mut self, json: &Value) -> Result<Vec<Errand>, String> {
        let names = json.as_object().ok_or("a script is a JSON object")?;
        let mut next = *self;
        let mut errands = Vec::new();
        for (name, value) in names {
            let is_taken = next.change_one(name, value, &mut errands)?;
            if !is_taken {
                return Err(format!("no script is named `{name}`; SIMULATOR.md lists them"));
            }
        }
        *self = next;
        Ok(errands)
    }

    fn change_one(&mut self, name: &str, value: &Value, errands: &mut Vec<Errand>) -> Result<bool, String> {
        let wrong = || format!("{name} cannot be {value}");
        match name {
            "at" => {}
            "revoke_token" if value == true => errands.push(Errand::RevokeToken),
            "issue_token" if value == true => errands.push(Errand::IssueToken),
            "revoke_token" | "issue_token" => return Err(wrong()),
            "token_expires_at" => {
                let time = value.as_str().and_then(time_of_day).ok_or_else(wrong)?;
                errands.push(Errand::ExpireTokens(time));
            }
            "fault" => self.faults = fault_rows::change(self.faults, value)?,
            "mute_feed" => self.mutes_feed = value.as_bool().ok_or_else(wrong)?,
            "never_seen" => self.hides_half = choice(value, &[("half", true)], false).ok_or_else(wrong)?,
            "redirect" => {
                self.replays_redirect = choice(value, &[("replay", true)], false).ok_or_else(wrong)?
            }
            "feed_handshake" => self.feed_handshake = handshake(value).ok_or_else(wrong)?,
            "stream_handshake" => self.stream_handshake = handshake(value).ok_or_else(wrong)?,
            "too_many" => self.too_many = too_many(value).ok_or_else(wrong)?,
            "reply" => self.reply = bad_reply(value).ok_or_else(wrong)?,
            "order_host" => {
                let words = [
                    ("up", OrderHost::Up),
                    ("down", OrderHost::Down),
                    ("drops", OrderHost::Drops),
                ];
                self.order_host = choice(value, &words, OrderHost::Up).ok_or_else(wrong)?;
            }
            "master" => {
                let words = [
                    ("truncated", Some(MasterFault::Truncated)),
                    ("lot_size", Some(MasterFault::LotSize)),
                    ("empty", Some(MasterFault::Empty)),
                    ("no_rows", Some(MasterFault::NoRows)),
                    ("html", Some(MasterFault::Html)),
                ];
                self.master = choice(value, &words, None).ok_or_else(wrong)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What is on, as `GET /sim/script` shows it.
    pub(super) fn to_json(self) -> Value {
        let left = |left: Option<u32>| left.map_or(Value::Null, Value::from);
        let refusals = |fault: Option<Limited<u16>>| {
            fault.map_or(
                Value::Null,
                |on| json!({ "status": on.what, "times": left(on.left) }),
            )
        };
        json!({
            "fault": fault_rows::to_json(&self.faults),
            "mute_feed": self.mutes_feed,
            "never_seen": self.hides_half.then_some("half"),
            "redirect": self.replays_redirect.then_some("replay"),
            "feed_handshake": refusals(self.feed_handshake),
            "stream_handshake": refusals(self.stream_handshake),
            "too_many": self.too_many.map(|on| json!({
                "calls": format!("{:?}", on.what.calls).to_lowercase(), "times": left(on.left),
                "retry_after_s": on.what.retry_after_s,
            })),
            "reply": self.reply.map(|on| json!({
                "kind": GARBAGE.iter().find(|(_, kind)| *kind == on.what.garbage).map(|(word, _)| *word),
                "times": left(on.left), "carried_out": on.what.is_carried_out, "pace_ms": on.what.pace_ms,
            })),
            "order_host": format!("{:?}", self.order_host).to_lowercase(),
            "master": self.master.map(|fault| format!("{fault:?}")),
        })
    }
}

const GARBAGE: [(&str, Garbage); 5] = [
    ("html", Garbage::Html),
    ("html_502", Garbage::Html502),
    ("empty", Garbage::Empty),
    ("gzip_bomb", Garbage::GzipBomb),
    ("trickle", Garbage::Trickle),
];

/// A word of a list; `null` gives `off`.
fn choice<T: Copy>(value: &Value, words: &[(&str, T)], off: T) -> Option<T> {
    if value.is_null() {
        return Some(off);
    }
    let text = value.as_str()?;
    words
        .iter()
        .find(|(word, _)| *word == text)
        .map(|(_, what)| *what)
}

/// A number that may be absent; `None` for what is no number above zero.
fn count(value: &Value) -> Option<Option<u32>> {
    match value {
        Value::Null => Some(None),
        value => {
            let number = u32::try_from(value.as_u64()?).ok()?;
            (number > 0).then_some(Some(number))
        }
    }
}

/// `null`, a status, or `{"status": 403, "times": 3}`.
fn handshake(value: &Value) -> Option<Option<Limited<u16>>> {
    if value.is_null() {
        return Some(None);
    }
    let (status, left) = match value {
        Value::Object(fields) => (fields.get("status")?, count(&value["times"])?),
        status => (status, None),
    };
    let what = u16::try_from(status.as_u64()?).ok()?;
    [401, 403, 500, 503]
        .contains(&what)
        .then_some(Some(Limited { what, left }))
}

/// `null`, a word, or `{"calls": "all", "times": 3, "retry_after_s": 2}`.
fn too_many(value: &Value) -> Option<Option<Limited<TooMany>>> {
    let words = [
        ("all", Some(Calls::All)),
        ("orders", Some(Calls::Orders)),
        ("reads", Some(Calls::Reads)),
    ];
    let (word, left, retry_after_s) = if value.is_object() {
        (
            &value["calls"],
            count(&value["times"])?,
            count(&value["retry_after_s"])?,
        )
    } else {
        (value, None, None)
    };
    Some(choice(word, &words, None)?.map(|calls| Limited {
        what: TooMany { calls, retry_after_s },
        left,
    }))
}

/// `null`, a word, or `{"kind": "trickle", "times": 1, "carried_out": true, "pace_ms": 1000}`.
fn bad_reply(value: &Value) -> Option<Option<Limited<BadReply>>> {
    let words = GARBAGE.map(|(word, garbage)| (word, Some(garbage)));
    let kind = if value.is_object() { &value["kind"] } else { value };
    let Some(garbage) = choice(kind, &words, None)? else {
        return Some(None);
    };
    let field = |name: &str| value.get(name).cloned().unwrap_or_default();
    Some(Some(Limited {
        what: BadReply {
            garbage,
            is_carried_out: field("carried_out")
                .as_bool()
                .unwrap_or(garbage == Garbage::Trickle),
            pace_ms: count(&field("pace_ms"))?.unwrap_or(1_000),
        },
        left: count(&field("times"))?,
    }))
}

/// `HH:MM` or `HH:MM:SS`.
fn time_of_day(text: &str) -> Option<DurationNs> {
    let mut parts = text.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    let fits = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    (fits && parts.next().is_none()).then(|| DurationNs::from_secs(hour * 3_600 + minute * 60 + second))
}

/// Reads a script that may wait: `"at"` names its simulated time of the day, or is `"seed"` for a time between
/// 09:20 and 15:20 that the seed draws. `None` of a time means at once.
pub(super) fn schedule(day: IstDay, dice: &mut Random, script: &Value) -> Result<Option<Scheduled>, String> {
    Script::default().change(script)?;
    let at = match script.get("at") {
        None => return Ok(None),
        Some(Value::String(word)) if word == "seed" => {
            DurationNs::from_secs(dice.between(9 * 3_600 + 20 * 60, 15 * 3_600 + 20 * 60))
        }
        Some(value) => value
            .as_str()
            .and_then(time_of_day)
            .ok_or_else(|| format!("at cannot be {value}"))?,
    };
    Ok(Some(Scheduled {
        at: day.at(at),
        script: script.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_taken_whole_or_not_at_all() {
        let mut script = Script::default();
        for (wrong, told) in [
            (json!([]), "a script is a JSON object"),
            (
                json!({ "mute_feed": true, "no_such": 1 }),
                "no script is named `no_such`; SIMULATOR.md lists them",
            ),
            (json!({ "feed_handshake": 200 }), "feed_handshake cannot be 200"),
            (
                json!({ "too_many": { "calls": "all", "times": 0 } }),
                "too_many cannot be {\"calls\":\"all\",\"times\":0}",
            ),
            (
                json!({ "token_expires_at": "25:00" }),
                "token_expires_at cannot be \"25:00\"",
            ),
            (json!({ "revoke_token": false }), "revoke_token cannot be false"),
        ] {
            assert_eq!(script.change(&wrong).expect_err("refused"), told);
            assert_eq!(script, Script::default());
        }
        let errands = script
            .change(&json!({ "revoke_token": true, "token_expires_at": "03:30", "order_host": "down", "reply": "html" }))
            .expect("sound");
        assert_eq!(
            errands,
            [
                Errand::RevokeToken,
                Errand::ExpireTokens(DurationNs::from_hm(3, 30))
            ]
        );
        assert_eq!(script.order_host, OrderHost::Down);
        assert!(
            script
                .change(&json!({ "order_host": null, "reply": null }))
                .expect("sound")
                .is_empty()
        );
        assert_eq!(script, Script::default());
    }

    #[test]
    fn a_fault_that_counts_down_ends_by_itself() {
        let mut script = Script::default();
        script
            .change(&json!({ "feed_handshake": { "status": 403, "times": 2 } }))
            .expect("sound");
        let taken: Vec<_> = (0..3)
            .map(|_| Limited::take(&mut script.feed_handshake, |_| true))
            .collect();
        assert_eq!(taken, [Some(403), Some(403), None]);
        assert_eq!(script, Script::default());
    }

    #[test]
    fn a_seed_draws_the_time_of_a_script_within_the_session() {
        let day = IstDay::from_ymd(2026, 7, 31).expect("a real date");
        let drawn = |seed| {
            let script = json!({ "at": "seed", "mute_feed": true });
            let scheduled = schedule(day, &mut Random::new(seed, 1), &script).expect("sound");
            scheduled.expect("it waits").at
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        assert!(
            (day.at(DurationNs::from_hm(9, 20))..=day.at(DurationNs::from_hm(15, 20))).contains(&drawn(3))
        );
        let now = schedule(day, &mut Random::new(1, 1), &json!({ "mute_feed": true })).expect("sound");
        assert_eq!(now, None);
        assert!(schedule(day, &mut Random::new(1, 1), &json!({ "at": "9" })).is_err());
    }
}
