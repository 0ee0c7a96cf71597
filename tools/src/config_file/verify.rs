//! The check of a parsed tree against the table of keys: names, types, ranges, and the few contradictions
//! that make a configuration impossible to run. Every mistake is reported, not only the first.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::decimal::{DecimalError, scaled};
use super::error::{ConfigError, Place, nearest};
use super::keys::{KEYS, Key, Kind, key_named};
use super::sections::{RunConfig, RunMode};

/// Where errors go, with what is needed to place them.
struct Report<'a> {
    file: &'a str,
    text: &'a str,
    errors: &'a mut Vec<ConfigError>,
}

impl Report<'_> {
    fn add(&mut self, offset: usize, code: &'static str, what: String, help: String) {
        let place = Some(Place::of(self.text, offset));
        self.errors.push(ConfigError {
            file: self.file.to_owned(),
            place,
            code,
            what,
            help,
        });
    }
}

/// The section whose keys are the user's own.
const SECTORS: &str = "sectors";

/// Walks the tree; fills `places` with the keys that it knows and `errors` with everything wrong.
pub(super) fn table(
    file: &str,
    text: &str,
    tree: &DeTable<'_>,
    places: &mut BTreeMap<&'static str, Place>,
    errors: &mut Vec<ConfigError>,
) {
    let mut report = Report { file, text, errors };
    for (name, value) in tree {
        let section = name.get_ref().as_ref();
        let offset = name.span().start;
        if section == SECTORS {
            check_sectors(&mut report, value);
            continue;
        }
        if !KEYS.iter().any(|key| key.section == section) {
            let help = unknown_section_help(section);
            report.add(offset, "E-CFG-03", format!("unknown section [{section}]"), help);
            continue;
        }
        let Some(keys) = value.get_ref().as_table() else {
            let what = format!("`{section}` is a section, not a value");
            report.add(
                offset,
                "E-CFG-04",
                what,
                format!("write `[{section}]` on a line of its own"),
            );
            continue;
        };
        for (name, value) in keys {
            match key_named(section, name.get_ref()) {
                Some(key) => {
                    places.insert(key.path, Place::of(text, name.span().start));
                    check_value(&mut report, key, value);
                }
                None => unknown_key(&mut report, section, name),
            }
        }
    }
}

/// `[sectors]` has names of the user's own, each with a list of underlyings.
fn check_sectors(report: &mut Report<'_>, value: &Spanned<DeValue<'_>>) {
    let help = "write `\"Name of the sector\" = [\"RELIANCE\", \"ONGC\"]` under `[sectors]`";
    let Some(sectors) = value.get_ref().as_table() else {
        let what = "`sectors` is a section, not a value".to_owned();
        report.add(value.span().start, "E-CFG-04", what, help.to_owned());
        return;
    };
    for (name, list) in sectors {
        let is_list = list
            .get_ref()
            .as_array()
            .is_some_and(|items| items.iter().all(|item| item.get_ref().is_str()));
        if !is_list {
            let what = format!("the sector `{}` is not a list of underlyings", name.get_ref());
            report.add(list.span().start, "E-CFG-04", what, help.to_owned());
        }
    }
}

fn unknown_section_help(section: &str) -> String {
    let keyed: Vec<&str> = KEYS
        .iter()
        .filter(|key| key.name == section)
        .map(|key| key.section)
        .collect();
    if let [home] = keyed[..] {
        return format!("`{section}` is a key of [{home}]: move it there");
    }
    match nearest(section, KEYS.iter().map(|key| key.section)) {
        Some(meant) => format!("did you mean [{meant}]?"),
        None => {
            let mut sections: Vec<&str> = KEYS.iter().map(|key| key.section).collect();
            sections.dedup();
            format!("the sections are {}", sections.join(", "))
        }
    }
}

fn unknown_key(report: &mut Report<'_>, section: &str, name: &Spanned<std::borrow::Cow<'_, str>>) {
    let written = name.get_ref().as_ref();
    let elsewhere = KEYS.iter().find(|key| key.name == written);
    let help = match (
        elsewhere,
        nearest(
            written,
            KEYS.iter()
                .filter(|key| key.section == section)
                .map(|key| key.name),
        ),
    ) {
        (Some(key), _) => format!("`{written}` is a key of [{}]: move it there", key.section),
        (None, Some(meant)) => format!("did you mean `{meant}`?"),
        (None, None) => {
            let known: Vec<&str> = KEYS
                .iter()
                .filter(|key| key.section == section)
                .map(|key| key.name)
                .collect();
            format!("the keys of [{section}] are {}", known.join(", "))
        }
    };
    let what = format!("unknown key `{written}` in [{section}]");
    report.add(name.span().start, "E-CFG-03", what, help);
}

fn check_value(report: &mut Report<'_>, key: &Key, value: &Spanned<DeValue<'_>>) {
    let offset = value.span().start;
    let found = value.get_ref();
    let expected = format!("`{}` takes {}", key.path, key.kind.sentence(key.unit));
    let mut wrong = |code: &'static str, what: String| {
        report.add(
            offset,
            code,
            what,
            format!("{expected}; the default is {}", key.default_text()),
        );
    };
    let wrong_type = format!(
        "`{}` is {}, which does not fit",
        key.path,
        article(found.type_str())
    );
    match (key.kind, found) {
        (Kind::Switch, DeValue::Boolean(_)) => {}
        (Kind::Word(words), DeValue::String(text)) => {
            if !words.contains(&text.as_ref()) {
                wrong(
                    "E-CFG-05",
                    format!("`{}` is none of the words for `{}`", text, key.path),
                );
            }
        }
        (Kind::Text, DeValue::String(text)) => {
            if text.trim().is_empty() {
                wrong("E-CFG-05", format!("`{}` is empty", key.path));
            }
        }
        (Kind::TextList, DeValue::Array(items)) => {
            if !items.iter().all(|item| item.get_ref().is_str()) {
                wrong(
                    "E-CFG-04",
                    format!("`{}` holds something else than text", key.path),
                );
            }
        }
        (Kind::Number { places, min, max }, DeValue::Integer(_) | DeValue::Float(_)) => {
            let text = match found {
                DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
                DeValue::Float(number) if places > 0 => number.as_str(),
                _ => return wrong("E-CFG-04", wrong_type),
            };
            match scaled(text, places) {
                Ok(number) if (min..=max).contains(&number) => {}
                Ok(_) | Err(DecimalError::TooLarge) => {
                    wrong("E-CFG-05", format!("`{} = {text}` is out of range", key.path));
                }
                Err(DecimalError::TooFine) => {
                    wrong(
                        "E-CFG-06",
                        format!("`{} = {text}` has more than {places} decimals", key.path),
                    );
                }
                Err(DecimalError::NotPlain) => {
                    wrong(
                        "E-CFG-06",
                        format!("`{} = {text}` is not a plain decimal number", key.path),
                    );
                }
            }
        }
        _ => wrong("E-CFG-04", wrong_type),
    }
}

fn article(type_name: &str) -> String {
    let vowel = type_name.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {type_name}", if vowel { "an" } else { "a" })
}

/// One account has one broker: the same token goes to all of its addresses, and an order goes where its reads are
/// answered. The feed of elsewhere may be watched beside a simulator's account, never the other way round.
fn mixed(file: &str, config: &RunConfig, places: &BTreeMap<&'static str, Place>) -> Option<ConfigError> {
    let broker = &config.broker;
    let api_is_here = leads_here(&broker.api_url);
    let others = [
        ("broker.order_url", &broker.order_url),
        ("broker.stream_url", &broker.stream_url),
        ("broker.feed_url", &broker.feed_url),
    ];
    let (path, url) = others.into_iter().find(|(path, url)| {
        let is_here = leads_here(url);
        is_here != api_is_here && (is_here || *path != "broker.feed_url")
    })?;
    let place = places.get(path).or_else(|| places.get("broker.api_url"));
    let what = if api_is_here {
        format!("broker.api_url leads to this machine, yet {path} leads off it ({url})")
    } else {
        format!("{path} leads to this machine ({url}), yet broker.api_url leads off it")
    };
    Some(ConfigError {
        file: file.to_owned(),
        place: place.copied(),
        code: "E-CFG-07",
        what,
        help: "give all of the addresses that `sim` prints, or none".to_owned(),
    })
}

/// A name that no header can carry.
fn bad_algo_name(
    file: &str,
    config: &RunConfig,
    places: &BTreeMap<&'static str, Place>,
) -> Option<ConfigError> {
    let name = config.broker.algo_name.as_deref()?;
    let is_usable = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    (!is_usable).then(|| ConfigError {
        file: file.to_owned(),
        place: places.get("broker.algo_name").copied(),
        code: "E-CFG-05",
        what: "`broker.algo_name` holds blanks or signs that no header may carry".to_owned(),
        help: "write it as registered with the exchange, or leave it out".to_owned(),
    })
}

/// The first contradiction between keys that no run can resolve. Nothing simulated may look real, and
/// nothing that is thought simulated may reach the broker: the addresses must agree with the mode.
pub(super) fn together(
    file: &str,
    config: &RunConfig,
    places: &BTreeMap<&'static str, Place>,
) -> Option<ConfigError> {
    let urls = [
        ("broker.api_url", "https://", &config.broker.api_url),
        ("broker.order_url", "https://", &config.broker.order_url),
        ("broker.feed_url", "wss://", &config.broker.feed_url),
        ("broker.stream_url", "wss://", &config.broker.stream_url),
    ];
    let wrong = urls.into_iter().find_map(|(path, scheme, url)| {
        let error = |code, what, help: &str| ConfigError {
            file: file.to_owned(),
            place: places.get(path).or_else(|| places.get("run.mode")).copied(),
            code,
            what,
            help: help.to_owned(),
        };
        // What stays on this machine may go plain, as the simulator offers it.
        let plain = if scheme == "https://" { "http://" } else { "ws://" };
        let on_loopback = || url.strip_prefix(plain).filter(|rest| is_loopback(rest));
        let Some(rest) = url.strip_prefix(scheme).or_else(on_loopback) else {
            let what = format!("`{path} = \"{url}\"` does not begin with {scheme}");
            return Some(error(
                "E-CFG-05",
                what,
                "only encrypted connections leave this machine",
            ));
        };
        match (config.run.mode, is_loopback(rest)) {
            (RunMode::Sim, false) => Some(error(
                "E-CFG-07",
                format!("mode is \"sim\", yet {path} leads off this machine ({url})"),
                "give the address that `sim` prints, or another run.mode",
            )),
            (RunMode::Live, true) => Some(error(
                "E-CFG-07",
                format!("mode is \"live\", yet {path} leads to this machine ({url})"),
                "use run.mode = \"sim\" for the simulator: nothing simulated may look real",
            )),
            (RunMode::Paper | RunMode::Sim | RunMode::Live, _) => None,
        }
    });
    wrong
        .or_else(|| mixed(file, config, places))
        .or_else(|| bad_algo_name(file, config, places))
}

/// Whether an address leads to this machine.
#[must_use]
pub fn leads_here(url: &str) -> bool {
    is_loopback(url.split_once("://").map_or(url, |(_, rest)| rest))
}

/// Whether the authority of an address (what follows the scheme) is this machine.
fn is_loopback(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let authority = authority.rsplit('@').next().unwrap_or("");
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(""),
        None => authority.split(':').next().unwrap_or(""),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
