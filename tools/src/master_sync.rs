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
use crate::master_store::{Accepted, KEEP_DAYS, MasterStore, PACKED_BYTES_MAX, Provenance};
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

/// Writes a master to `sink` as it comes; gives its name for people.
///
/// # Errors
/// Why it did not come, in words; part of it may have been written then.
pub(crate) fn fetch(
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

/// The day's master: the stored one, else one fetched now, else the newest stored one that loads. What is not the
/// day's own is marked as stale, and fetched again at the next start.
///
/// # Errors
/// When there is none at all.
pub fn choose(store: &MasterStore, origin: &Origin, day: IstDay) -> Result<Chosen, Trouble> {
    let named = |error: crate::master_store::MasterStoreError| Trouble::error(error.to_string());
    let stored = store.stored().map_err(named)?;
    let today = day.to_string();
    let own = stored
        .days
        .iter()
        .find(|known| known.day == today && known.stale.is_none());
    let mut passed_over = Vec::new();
    if let Some(own) = own {
        // A damaged file is found out here; another one is fetched then.
        match store.load(own) {
            Ok(_) => return Ok(chosen(store, own.clone(), Vec::new())),
            Err(error) => passed_over.push(format!("master of {today}: {error}")),
        }
    }
    match sync(store, origin, &Terms::of_day(day), KEEP_DAYS, &mut |_, _| {}) {
        Ok(accepted) => Ok(chosen(store, accepted.provenance, passed_over)),
        Err(trouble) => {
            let sound = store.newest_sound().map_err(named)?;
            let Some((last, _)) = sound.master else {
                let skipped: String = sound.skipped.iter().map(|reason| format!("; {reason}")).collect();
                return Err(Trouble::error(format!(
                    "{}; and none is stored{skipped}",
                    trouble.message
                )));
            };
            let stale = match &last.stale {
                Some(reason) if last.day == today => format!(
                    "the instrument master kept for {today} is not of that day: {reason}; {}",
                    trouble.message
                ),
                _ => format!(
                    "the instrument master is of {}, not of {day}: {}",
                    last.day, trouble.message
                ),
            };
            Ok(Chosen {
                stale: Some(stale),
                ..chosen(store, last, sound.skipped)
            })
        }
    }
}

/// A stored master as a run takes it; `skipped` was passed over for it.
fn chosen(store: &MasterStore, provenance: Provenance, skipped: Vec<String>) -> Chosen {
    let stale = provenance.stale.as_ref().map(|reason| {
        format!(
            "the instrument master fetched for {} is not of that day: {reason}",
            provenance.day
        )
    });
    Chosen {
        path: store.path_of(&provenance),
        day: provenance.day,
        stale,
        warnings: skipped.into_iter().chain(provenance.warnings).collect(),
    }
}
