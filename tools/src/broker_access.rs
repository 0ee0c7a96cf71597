//! How this process reaches a broker: addresses and token, turned into the settings of feed and gateway.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use bijli_core::event::DataKind;
use bijli_core::start_steps::StepVerdict;
use bijli_core::{DurationNs, Instrument, IstDay, TsNs};
use bijli_feed::liveness::MarketHours;
use bijli_feed::planner::capacity::{AccountPlan, Capacity, LimitScope};
use bijli_feed::socket::everything;
use bijli_feed::upstox::master::{self, MasterError, MasterRow};
use bijli_feed::upstox::universe::{self, Universe};
use bijli_feed::{FeedSettings, Mode, TokenHandle};
use bijli_gateway::request::{Lane, Reply, RequestId};
use bijli_gateway::socket::{RestLane, RestSettings, StreamSettings};
use bijli_gateway::upstox::account_api;
use bijli_gateway::upstox::call::Call;
use serde::Deserialize;

use crate::config_file::{FeedMode, FeedPlan, FeedSection, UniverseSection};
use crate::exit_code;
use crate::master_sync::{self, Origin};

/// Why the broker or one of our own files did not give what is needed, with the exit code that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// One of [`exit_code`].
    pub code: i32,
    /// What went wrong and what to do.
    pub message: String,
}

impl Trouble {
    /// Something that another try may cure, or a file that is not as it should be.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            code: exit_code::ERROR,
            message: message.into(),
        }
    }

    /// The broker said no: only a person can help.
    #[must_use]
    pub fn broker(message: impl Into<String>) -> Self {
        Self {
            code: exit_code::BROKER,
            message: message.into(),
        }
    }

    /// The configuration asks for what cannot be.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            code: exit_code::USAGE,
            message: message.into(),
        }
    }
}

/// Addresses, token and an extra certificate authority.
#[derive(Clone)]
pub struct Access {
    /// Base of all REST calls but single orders.
    pub api_url: String,
    /// Base of place, modify and cancel.
    pub order_url: String,
    /// Entry of the market feed.
    pub feed_url: String,
    /// Entry of the order stream.
    pub stream_url: String,
    /// The day's access token; never printed.
    pub token: String,
    /// A certificate authority trusted besides the public ones, PEM.
    pub extra_root_pem: Option<String>,
    /// Name of the registered algorithm, which order calls carry.
    pub algo_name: Option<String>,
}

impl Access {
    /// Settings of the REST lanes.
    #[must_use]
    pub fn rest(&self) -> RestSettings {
        RestSettings {
            api_url: self.api_url.clone(),
            order_url: self.order_url.clone(),
            token: self.token.clone(),
            extra_root_pem: self.extra_root_pem.clone(),
            algo_name: self.algo_name.clone(),
            timeout: Duration::from_secs(5),
        }
    }

    /// Settings of the order stream.
    #[must_use]
    pub fn stream(&self) -> StreamSettings {
        StreamSettings {
            url: self.stream_url.clone(),
            token: self.token.clone(),
            extra_root_pem: self.extra_root_pem.clone(),
            jitter_seed: u64::from(std::process::id()),
        }
    }

    /// Settings of the market feed for all of `instruments`.
    #[must_use]
    pub fn feed(
        &self,
        instruments: &[Instrument],
        section: &FeedSection,
        hours: MarketHours,
    ) -> FeedSettings {
        let mode = match section.mode {
            FeedMode::Ltpc => Mode::Ltpc,
            FeedMode::Full => Mode::Full,
            FeedMode::OptionGreeks => Mode::OptionGreeks,
            FeedMode::FullD30 => Mode::FullD30,
        };
        let plan = match section.plan {
            FeedPlan::Normal => AccountPlan::Normal,
            FeedPlan::Plus => AccountPlan::Plus,
        };
        FeedSettings {
            url: self.feed_url.clone(),
            token: TokenHandle::fixed(self.token.clone()),
            extra_root_pem: self.extra_root_pem.clone(),
            keys: instruments
                .iter()
                .map(|row| row.key.as_str().to_owned())
                .collect(),
            wants: everything(instruments.len(), mode),
            capacity: Capacity::of(plan, LimitScope::Account).with_sockets_at_most(section.sockets),
            busy_poll: section.busy_poll,
            jitter_seed: u64::from(std::process::id()),
            batch: section.batch,
            mute_after: DurationNs::from_millis(section.mute_after_ms),
            hours,
        }
    }
}

/// Which rows of the master become the day's table.
#[derive(Clone, Copy, Debug)]
pub enum Choice<'a> {
    /// What the configuration asks for.
    Configured(&'a UniverseSection),
    /// Whatever is quoted: every row but the futures that only mark underlyings.
    Everything,
}

/// Fetches and reads the day's instrument master. The file's host is any host: it is shown no token.
///
/// # Errors
/// What went wrong and what to do, in words.
pub fn fetch_instruments(
    access: &Access,
    master_url: &str,
    choice: Choice<'_>,
) -> Result<Vec<Instrument>, Trouble> {
    let origin = Origin::Url {
        url: master_url.to_owned(),
        extra_root_pem: access.extra_root_pem.clone(),
    };
    let mut body = Vec::new();
    master_sync::fetch(&origin, &mut body, &mut |_, _| {})?;
    choose(&body[..], choice)
        .map_err(|error| Trouble::error(format!("the instrument master {master_url}: {error}")))
}

/// Reads the day's instrument master from a file.
///
/// # Errors
/// What went wrong and what to do, in words.
pub fn read_instruments(path: &Path, choice: Choice<'_>) -> Result<Vec<Instrument>, Trouble> {
    let file = File::open(path).map_err(|error| {
        Trouble::error(format!(
            "opening the instrument master {}: {error}",
            path.display()
        ))
    })?;
    choose(file, choice)
        .map_err(|error| Trouble::error(format!("the instrument master {}: {error}", path.display())))
}

fn choose(source: impl Read, choice: Choice<'_>) -> Result<Vec<Instrument>, MasterError> {
    let section = match choice {
        Choice::Configured(section) => section,
        Choice::Everything => {
            let rows = master::rows(source, |row| row.instrument_type != "FUT")?;
            if rows.is_empty() {
                return Err(MasterError::EmptyUniverse);
            }
            return universe::instruments(&rows.iter().collect::<Vec<_>>());
        }
    };
    let mut wanted: Vec<Universe> = Vec::new();
    match (section.fno_stocks, section.index_underlyings) {
        (true, true) => wanted.push(Universe::FutureStocksAndIndices),
        (true, false) => wanted.push(Universe::FutureStocks),
        (false, _) => {}
    }
    if !section.keys.is_empty() {
        wanted.push(Universe::Listed(section.keys.clone()));
    }
    let rows = master::rows(source, |row| {
        wanted.iter().any(|universe| universe::may_matter(row, universe))
    })?;
    let mut selected: Vec<&MasterRow> = Vec::new();
    for universe in &wanted {
        for row in universe::select(&rows, universe)? {
            if !selected
                .iter()
                .any(|known| known.instrument_key == row.instrument_key)
            {
                selected.push(row);
            }
        }
    }
    if selected.is_empty() {
        return Err(MasterError::EmptyUniverse);
    }
    universe::instruments(&selected)
}

/// Asks the broker whose account the token opens: its address and the client code. So a token that is not accepted is
/// known before anything begins, too.
///
/// # Errors
/// What went wrong and what to do, in words.
pub fn account_at_broker(access: &Access) -> Result<String, Trouble> {
    let url = format!("{}{}", access.api_url, account_api::profile().path);
    let profile = account_api::profile_of(&ask(access, &url)?)
        .map_err(|error| Trouble::error(format!("{url} tells no client code: {error}")))?;
    let orders_go_to = access.order_url.trim_end_matches('/').to_ascii_lowercase();
    Ok(format!("{orders_go_to}/{}", profile.user_id))
}

/// Compares the address that this machine's calls come from with those that the broker has registered: orders from any
/// other are refused, while data flow. Nobody else can be asked what our public address is, so it is configured.
#[must_use]
pub fn check_address(access: &Access, source_ip: Option<&str>) -> (StepVerdict, String) {
    let Some(ours) = source_ip else {
        return (
            StepVerdict::Failed,
            "broker.source_ip is not configured".to_owned(),
        );
    };
    let lane = RestLane::new(&access.rest());
    let Ok(mut lane) = lane else {
        return (StepVerdict::Failed, "no connection can be made".to_owned());
    };
    let request = account_api::static_ip().into_request(RequestId::new(0), Lane::Read);
    let Ok(registered) = account_api::static_ip_of(&lane.perform(&request).reply) else {
        return (
            StepVerdict::Failed,
            "the broker does not tell its addresses".to_owned(),
        );
    };
    let known = [registered.primary_ip, registered.secondary_ip];
    if known.iter().flatten().any(|known| known == ours) {
        (StepVerdict::Passed, ours.to_owned())
    } else {
        (StepVerdict::Failed, format!("{ours} is not registered"))
    }
}

/// The day that a simulator plays, where its data come from, and when its tokens die, if it tells.
///
/// # Errors
/// When no simulator answers there.
pub fn simulated_day(access: &Access) -> Result<(IstDay, DataKind, Option<TsNs>), Trouble> {
    let url = format!("{}/sim/stats", access.api_url);
    let stats: SimulatedDay = serde_json::from_slice(&get(access, &url)?)
        .map_err(|error| Trouble::error(format!("{url} is no simulator's answer: {error}")))?;
    let mut parts = stats.day.splitn(3, '-').map(str::parse::<u32>);
    let mut next = || parts.next().and_then(Result::ok);
    let day = match (next(), next(), next()) {
        (Some(year), Some(month), Some(day)) => i32::try_from(year)
            .ok()
            .and_then(|year| IstDay::from_ymd(year, month, day)),
        _ => None,
    };
    let day = day.ok_or_else(|| Trouble::error(format!("{url}: {:?} is no date", stats.day)))?;
    let data = data_named(&stats.data)
        .ok_or_else(|| Trouble::error(format!("{url}: unknown kind of data {:?}", stats.data)))?;
    Ok((day, data, stats.token_expires_ns.map(TsNs::new)))
}

/// What a simulator tells of its day.
#[derive(Deserialize)]
struct SimulatedDay {
    day: String,
    data: String,
    token_expires_ns: Option<i64>,
}

fn data_named(name: &str) -> Option<DataKind> {
    let kinds = [
        DataKind::Synthetic,
        DataKind::Real,
        DataKind::RealTicks,
        DataKind::RealBars,
        DataKind::Live,
    ];
    kinds.into_iter().find(|kind| kind.name() == name)
}

/// The body of one GET, answered with 200 or explained.
fn get(access: &Access, url: &str) -> Result<Vec<u8>, Trouble> {
    ask(access, url).map(|reply| reply.body)
}

/// One GET, answered with 200 or explained.
fn ask(access: &Access, url: &str) -> Result<Reply, Trouble> {
    let (base, path) = split_url(url)
        .ok_or_else(|| Trouble::error(format!("{url} is not an address: write https://host/path")))?;
    let settings = RestSettings {
        api_url: base.to_owned(),
        order_url: base.to_owned(),
        ..access.rest()
    };
    let mut lane = RestLane::new(&settings).map_err(|error| Trouble::usage(error.to_string()))?;
    let request = Call::get(path).into_request(RequestId::new(0), Lane::Read);
    let reply = lane.perform(&request).reply;
    match reply.outcome {
        Ok(200) => Ok(reply),
        Ok(401) => Err(Trouble::broker(format!(
            "{url}: the access token is not accepted; log in again"
        ))),
        Ok(status) => Err(Trouble::error(format!("{url}: HTTP {status}"))),
        Err(_) => Err(Trouble::error(format!(
            "nothing answers at {url}: is the address right and the server up?"
        ))),
    }
}

/// Splits an address into scheme with host, and path.
fn split_url(url: &str) -> Option<(&str, &str)> {
    let host_at = url.find("://")? + 3;
    let path_at = host_at + url[host_at..].find('/')?;
    Some(url.split_at(path_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_splits_into_host_and_path() {
        assert_eq!(split_url("https://h:1/a/b"), Some(("https://h:1", "/a/b")));
        for wrong in ["h/a", "https://h", ""] {
            assert_eq!(split_url(wrong), None);
        }
    }
}
