//! A secret in the kernel's keyring: in memory only, for this user, gone after a reboot.
//!
//! Invariants: the user may read it, nobody else; it is kept by the user's keyring, so it outlives this process. Not
//! every kernel or container lets us: that is an error in words, never a panic. Source: the manual pages keyrings(7)
//! and user-keyring(7).

use bijli_gateway::upstox::field::Secret;
use linux_keyutils::{KeyError, KeyPermissions, KeyRing, KeyRingIdentifier, Permission};

use super::CredentialError;

/// The secret of this name; `None` when there is none.
pub(super) fn get(name: &str) -> Result<Option<Secret>, CredentialError> {
    let key = match ring()?.search(name) {
        Ok(key) => key,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let bytes = match key.read_to_vec() {
        Ok(bytes) => bytes,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let text = String::from_utf8(bytes);
    Ok(text.ok().map(Secret::new))
}

/// Keeps a secret under this name, for so many seconds where that is known.
pub(super) fn put(name: &str, text: &str, seconds: Option<u64>) -> Result<(), CredentialError> {
    let key = ring()?.add_key(name, text).map_err(|error| failed(&error))?;
    // A later process of the same user does not possess the key: it reads by the user's right.
    let mut permissions = KeyPermissions::new();
    permissions.set_posessor_perms(Permission::ALL);
    permissions.set_user_perms(Permission::ALL);
    key.set_perms(permissions).map_err(|error| failed(&error))?;
    if let Some(seconds) = seconds.and_then(|seconds| usize::try_from(seconds).ok()) {
        key.set_timeout(seconds).map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// Forgets the secret of this name; tells whether there was one.
pub(super) fn forget(name: &str) -> bool {
    let found = ring().ok().and_then(|ring| ring.search(name).ok());
    found.is_some_and(|key| key.invalidate().is_ok())
}

fn ring() -> Result<KeyRing, CredentialError> {
    KeyRing::from_special_id(KeyRingIdentifier::User, true).map_err(|error| failed(&error))
}

const fn is_absent(error: &KeyError) -> bool {
    matches!(
        error,
        KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked
    )
}

fn failed(error: &KeyError) -> CredentialError {
    CredentialError::Keyring(format!("{error:?}"))
}
