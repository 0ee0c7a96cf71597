//! A secret in a file: read only if nobody else can, replaced as a whole.
//!
//! Invariants: the file that is read is the one that was judged (mode and text come from one open file); a new file
//! is never readable by others, not even for a moment; after a crash there is the old file or the new one.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use bijli_core::TsNs;
use bijli_core::time::NS_PER_S;
use bijli_gateway::upstox::field::Secret;

use super::{CredentialError, Place};

/// Longest secret that is read.
const BYTES_MAX: u64 = 64 * 1024;

/// Who keeps others from reading a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// Its own mode.
    Mode,
    /// The service manager, which may grant a service's group.
    ServiceManager,
}

/// The text of a file and when it was last changed; `None` when there is no such file.
pub(super) fn read(path: &Path, guard: Guard) -> Result<Option<(Secret, TsNs)>, CredentialError> {
    let failed = |error: std::io::Error| CredentialError::Io(path.to_owned(), error.to_string());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let facts = file.metadata().map_err(failed)?;
    let mode = facts.mode() & 0o777;
    if guard == Guard::Mode && mode & 0o077 != 0 {
        return Err(CredentialError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    let text = String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.trim().is_empty() && text.len() as u64 <= BYTES_MAX);
    let text = text.ok_or_else(|| CredentialError::Malformed(Place::File(path.to_owned())))?;
    let changed = TsNs::new(facts.mtime().saturating_mul(NS_PER_S));
    Ok(Some((Secret::new(text), changed)))
}

/// Puts a new file in the place of an old one.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), CredentialError> {
    let failed = |error: std::io::Error| CredentialError::Io(path.to_owned(), error.to_string());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = folder.join(format!(".{name}.{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&fresh, path))
        .and_then(|()| File::open(folder)?.sync_all());
    if written.is_err() {
        // Half a secret must not stay; if even this fails there is nothing more to do.
        let _gone = std::fs::remove_file(&fresh);
    }
    written.map_err(failed)
}
