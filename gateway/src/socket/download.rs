//! One public file, fetched in pieces: without a token, since the file hosts ask for none.
//!
//! Invariants: one GET, no redirects, no retries; no more than `bytes_max` are taken and no longer than `timeout`
//! waited, a trickle included; an answer other than 200 is an error and nothing of it is written; a body that ends
//! early is an error. Left out: what the file means. Source: the broker's instruments page (the host answers 403
//! without a `User-Agent`).

use std::fmt;
use std::io::{self, Read, Write};
use std::time::Duration;

use bijli_wire::{Endpoint, tls};
use ureq::Agent;
use ureq::http::header;
use ureq::unversioned::transport::{Connector, TcpConnector};

use super::stamped_transport::{SharedStamps, StampingConnector};
use crate::error::GatewayError;

/// What to fetch, and its bounds.
#[derive(Clone, Debug)]
pub struct DownloadSettings {
    /// The file's address.
    pub url: String,
    /// A root certificate to trust beside the public ones.
    pub extra_root_pem: Option<String>,
    /// Longest time from start to end.
    pub timeout: Duration,
    /// Longest file, bytes.
    pub bytes_max: u64,
}

/// Why a file was not fetched.
#[derive(Debug)]
pub enum DownloadError {
    /// The address or the certificate cannot be used.
    Setup(GatewayError),
    /// The host answered something else than the file.
    Status(u16),
    /// The host did not answer, or not to the end.
    Broken(String),
    /// The file is longer than allowed.
    TooLong {
        /// The bound, bytes.
        bytes_max: u64,
    },
    /// What came could not be written.
    Sink(io::Error),
}

impl fmt::Display for DownloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(error) => error.fmt(f),
            Self::Status(status) => write!(f, "HTTP {status}"),
            Self::Broken(what) => write!(f, "the transfer broke off: {what}"),
            Self::TooLong { bytes_max } => write!(f, "the file is longer than {bytes_max} bytes"),
            Self::Sink(error) => write!(f, "writing what came: {error}"),
        }
    }
}

impl std::error::Error for DownloadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Setup(error) => Some(error),
            Self::Sink(error) => Some(error),
            Self::Status(_) | Self::Broken(_) | Self::TooLong { .. } => None,
        }
    }
}

/// Fetches a file into `sink` and answers its length. `progress` hears the bytes so far and, if known, in all.
///
/// # Errors
/// [`DownloadError`]; part of the file may have been written then.
pub fn download(
    settings: &DownloadSettings,
    sink: &mut dyn Write,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<u64, DownloadError> {
    let _usable = Endpoint::parse(&settings.url).map_err(|error| DownloadError::Setup(error.into()))?;
    let tls = tls::client_config(settings.extra_root_pem.as_deref())
        .map_err(|error| DownloadError::Setup(error.into()))?;
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(settings.timeout))
        .user_agent("bijli")
        .build();
    let wrap = StampingConnector {
        tls,
        stamps: SharedStamps::default(),
    };
    let connector = ().chain(TcpConnector::default()).chain(wrap);
    let resolver = ureq::unversioned::resolver::DefaultResolver::default();
    let agent = Agent::with_parts(config, connector, resolver);
    let broken = |error: &dyn fmt::Display| DownloadError::Broken(error.to_string());
    let response = agent
        .get(&settings.url)
        .header(header::ACCEPT, "*/*")
        .call()
        .map_err(|error| broken(&error))?;
    if response.status().as_u16() != 200 {
        return Err(DownloadError::Status(response.status().as_u16()));
    }
    let length = response.headers().get(header::CONTENT_LENGTH);
    let length: Option<u64> = length.and_then(|value| value.to_str().ok()?.parse().ok());
    let too_long = DownloadError::TooLong {
        bytes_max: settings.bytes_max,
    };
    if length.is_some_and(|length| length > settings.bytes_max) {
        return Err(too_long);
    }
    let mut body = response.into_body().into_reader();
    let mut piece = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        let count = body.read(&mut piece).map_err(|error| broken(&error))?;
        if count == 0 {
            break;
        }
        bytes += count as u64;
        if bytes > settings.bytes_max {
            return Err(too_long);
        }
        sink.write_all(&piece[..count]).map_err(DownloadError::Sink)?;
        progress(bytes, length);
    }
    if length.is_some_and(|length| length != bytes) {
        return Err(DownloadError::Broken(format!(
            "{bytes} bytes came, {length:?} were announced"
        )));
    }
    Ok(bytes)
}
