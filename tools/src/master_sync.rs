//! How the day's instrument master comes into the store, and which one a run trades on.
//!
//! Invariants: nothing but an accepted master is given; one that is not of the day is given only with the words that
//! say so, and whoever takes it enters nothing new. Left out: judging and keeping ([`crate::master_store`]).

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use bijli_core::IstDay;
use bijli_feed::upstox::catalogue::acceptance::Terms;
use bijli_gateway::socket::{DownloadSettings, download};

use crate::broker_access::Trouble;
use crate::duty_cycle::wall_now;
use crate::master_store::{Accepted, KEEP_DAYS, MasterStore, PACKED_BYTES_MAX};
use crate::store::remove_file;

/// Longest wait for the whole file: three megabytes come in seconds, a trickle never ends.
const FETCH_MAX: Duration = Duration::from_secs(60);

/// Where a master is taken from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A host.
    Url {
        /// The file's address.
        url: String,
        /// A certificate authority trusted besides the public ones, PEM.
        extra_root_pem: Option<String>,
    },
    /// A file on this machine.
    File(PathBuf),
}

/// Fetches a master and keeps it if it is good. `progress` hears the bytes so far and, if known, in all.
///
/// # Errors
/// Why there is no new master, in words; what was stored before is untouched then.
pub fn sync(
    store: &MasterStore,
    origin: &Origin,
    terms: &Terms,
    keep: usize,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Accepted, Trouble> {
    let (path, file) = store
        .candidate()
        .map_err(|error| Trouble::error(error.to_string()))?;
    let mut file = BufWriter::new(file);
    let fetched = fetch(origin, &mut file, progress).and_then(|name| {
        let flushed = file
            .flush()
            .map_err(|error| Trouble::error(format!("{}: {error}", path.display())));
        flushed.map(|()| name)
    });
    let name = match fetched {
        Ok(name) => name,
        Err(trouble) => {
            remove_file(&path).map_err(|error| Trouble::error(error.to_string()))?;
            return Err(trouble);
        }
    };
    store
        .accept(&path, (&name, wall_now()), terms, keep)
        .map_err(|error| Trouble::error(format!("{name}: {error}; the master of before is kept")))
}

fn fetch(
    origin: &Origin,
    sink: &mut dyn Write,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<String, Trouble> {
    match origin {
        Origin::Url { url, extra_root_pem } => {
            let settings = DownloadSettings {
                url: url.clone(),
                extra_root_pem: extra_root_pem.clone(),
                timeout: FETCH_MAX,
                bytes_max: PACKED_BYTES_MAX,
            };
            download(&settings, sink, progress)
                .map(|_bytes| url.clone())
                .map_err(|error| Trouble::error(format!("fetching the instrument master {url}: {error}")))
        }
        Origin::File(path) => {
            let named = |error: io::Error| Trouble::error(format!("{}: {error}", path.display()));
            let mut bounded = io::Read::take(File::open(path).map_err(named)?, PACKED_BYTES_MAX + 1);
            let bytes = io::copy(&mut bounded, sink).map_err(named)?;
            if bytes > PACKED_BYTES_MAX {
                return Err(Trouble::error(format!(
                    "{}: the file is longer than {PACKED_BYTES_MAX} bytes",
                    path.display()
                )));
            }
            Ok(path.display().to_string())
        }
    }
}

/// The master that a run takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its file.
    pub path: PathBuf,
    /// The day it is for.
    pub day: String,
    /// Why it is not the day's own; nothing is to be entered on it then.
    pub stale: Option<String>,
    /// What must be heard about it.
    pub warnings: Vec<String>,
}

/// The day's master: the stored one, else one fetched now, else the newest stored one, marked as stale.
///
/// # Errors
/// When there is none at all.
pub fn choose(store: &MasterStore, origin: &Origin, day: IstDay) -> Result<Chosen, Trouble> {
    let named = |error: crate::master_store::MasterStoreError| Trouble::error(error.to_string());
    let newest = store.newest().map_err(named)?;
    if let Some(newest) = newest.as_ref().filter(|newest| newest.day == day.to_string()) {
        // A damaged file is found out here; another one is fetched then.
        if store.load(newest).is_ok() {
            return Ok(Chosen {
                path: store.path_of(newest),
                day: newest.day.clone(),
                stale: None,
                warnings: newest.warnings.clone(),
            });
        }
    }
    match sync(store, origin, &Terms::of_day(day), KEEP_DAYS, &mut |_, _| {}) {
        Ok(accepted) => Ok(Chosen {
            path: store.path_of(&accepted.provenance),
            day: accepted.provenance.day,
            stale: None,
            warnings: accepted.provenance.warnings,
        }),
        Err(trouble) => {
            let last = newest.filter(|newest| store.load(newest).is_ok());
            let last =
                last.ok_or_else(|| Trouble::error(format!("{}; and none is stored", trouble.message)))?;
            Ok(Chosen {
                path: store.path_of(&last),
                stale: Some(format!(
                    "the instrument master is of {}, not of {day}: {}",
                    last.day, trouble.message
                )),
                day: last.day,
                warnings: last.warnings,
            })
        }
    }
}
