//! Where secrets come from: the access token with its time of issue, and the application's id and secret.
//!
//! Looked for in this order, and the first place that has one counts; a place whose token is known dead is passed by:
//! 1. the service manager's credentials: `$CREDENTIALS_DIRECTORY/upstox_token` (`upstox_client_id`,
//!    `upstox_client_secret`), which only the service can read;
//! 2. a file: the configured `broker.token_file`, and beside it `upstox.client_id` and `upstox.client_secret`; refused
//!    while group or others may read it;
//! 3. the kernel's keyring of this user, under `bijli:upstox_token` and so on.
//!
//! Invariants: no secret stands in configuration, log, argument, environment or debug output; a token that is known
//! dead by its age is never handed out. Source of that age: the broker's token documentation (dead at the first 03:30
//! IST after issue), `bijli_gateway::upstox::token`.

mod secret_file;
mod keyring;
mod stored_token;
mod token_memory;

use std::fmt;
use std::path::{Path, PathBuf};

use bijli_core::TsNs;
use bijli_gateway::upstox::field::Secret;

pub use self::stored_token::StoredToken;
pub use self::token_memory::TokenMemory;

/// A secret by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// The day's access token.
    Token,
    /// The application's key.
    ClientId,
    /// The application's secret.
    ClientSecret,
}

impl Name {
    /// As credentials and keyring know it.
    #[must_use]
    pub const fn credential(self) -> &'static str {
        match self {
            Self::Token => "upstox_token",
            Self::ClientId => "upstox_client_id",
            Self::ClientSecret => "upstox_client_secret",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Token => "access token",
            Self::ClientId => "application's key (client id)",
            Self::ClientSecret => "application's secret",
        }
    }
}

/// Where a secret was found, or is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A credential of the service manager.
    ServiceManager(PathBuf),
    /// A file of ours.
    File(PathBuf),
    /// The kernel's keyring.
    Keyring,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceManager(path) => write!(f, "service credential {}", path.display()),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Keyring => f.write_str("the kernel's keyring"),
        }
    }
}

/// Why a secret cannot be had or kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialError {
    /// It is in none of the places.
    Missing {
        /// Which.
        name: Name,
        /// Where it was looked for.
        looked: Vec<String>,
    },
    /// Others may read the file.
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is empty, not text, or not what its place should hold.
    Malformed(Place),
    /// The operating system refused.
    Io(PathBuf, String),
    /// The kernel has no keyring for us.
    Keyring(String),
    /// The token's hour is over.
    Expired {
        /// When it died.
        at: TsNs,
        /// Where it was found.
        place: Place,
    },
}

impl CredentialError {
    /// Whether a login is what is needed.
    #[must_use]
    pub const fn needs_login(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Expired { .. })
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name, looked } => {
                write!(
                    f,
                    "there is no {}; looked in: {}",
                    name.words(),
                    looked.join("; ")
                )?;
                match name {
                    Name::Token => f.write_str(". Get one with `bijli login`"),
                    Name::ClientId | Name::ClientSecret => f.write_str(
                        ". The broker's developer page shows it; keep it in one of these places, files with mode 600",
                    ),
                }
            }
            Self::Exposed { path, mode } => write!(
                f,
                "{} may be read by others (mode {mode:03o}): chmod 600 {0}, and log in again if others had access",
                path.display()
            ),
            Self::Malformed(place) => write!(
                f,
                "{place} holds no usable secret; log in again with `bijli login`"
            ),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Keyring(error) => write!(
                f,
                "the kernel gives no keyring here ({error}); containers often forbid it: use a file or a service \
                 credential"
            ),
            Self::Expired { at, place } => write!(
                f,
                "the access token in {place} died at {at} IST: nothing was sent; log in with `bijli login`"
            ),
        }
    }
}

impl std::error::Error for CredentialError {}

/// The places where this process looks.
#[derive(Clone, Debug)]
pub struct Places {
    service: Option<PathBuf>,
    token_file: PathBuf,
    /// What the names in the keyring begin with; `None` = the keyring is not asked.
    keyring: Option<String>,
}

impl Places {
    /// The places of this process, with the configured file of the token.
    #[must_use]
    pub fn of_this_process(token_file: &Path) -> Self {
        Self {
            service: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
            token_file: token_file.to_owned(),
            keyring: Some("bijli:".to_owned()),
        }
    }

    /// Places given one by one.
    #[must_use]
    pub fn new(service: Option<PathBuf>, token_file: PathBuf, keyring: Option<String>) -> Self {
        Self {
            service,
            token_file,
            keyring,
        }
    }

    /// The token, alive as far as its age tells.
    ///
    /// # Errors
    /// [`CredentialError`], with a remedy in its words.
    pub fn living_token(&self, now: TsNs) -> Result<(StoredToken, Place), CredentialError> {
        let mut dead = None;
        let found = self.find(Name::Token, |text, place, changed| {
            let (token, place) = parsed(&text, place, changed)?;
            if token.is_dead(now) {
                let at = token.expires;
                dead.get_or_insert(CredentialError::Expired { at, place });
                return Ok(None);
            }
            Ok(Some((token, place)))
        });
        match (found, dead) {
            // A service may not read what stands behind its own dead credential: the login is what is missing.
            (Err(CredentialError::Missing { .. } | CredentialError::Io(..)), Some(dead)) => Err(dead),
            (found, _) => found,
        }
    }

    /// The token, dead or alive.
    ///
    /// # Errors
    /// [`CredentialError`], with a remedy in its words.
    pub fn token(&self) -> Result<(StoredToken, Place), CredentialError> {
        self.find(Name::Token, |text, place, changed| {
            parsed(&text, place, changed).map(Some)
        })
    }

    /// The application's key or secret.
    ///
    /// # Errors
    /// [`CredentialError`], with a remedy in its words.
    pub fn application(&self, name: Name) -> Result<Secret, CredentialError> {
        self.find(name, |text, place, _| {
            let word = text.expose().trim();
            let usable = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
            usable
                .then(|| Some(Secret::new(word.to_owned())))
                .ok_or(CredentialError::Malformed(place))
        })
    }

    /// Keeps a token in the configured file, or in the keyring. Whoever reads meanwhile gets the old or the new one.
    /// An older token's file goes when the keyring takes the new one: it would come before it.
    ///
    /// # Errors
    /// [`CredentialError`] when the place refuses, and the old token stays; or when the older file cannot be removed.
    pub fn keep_token(&self, token: &StoredToken, in_keyring: bool) -> Result<Place, CredentialError> {
        let text = token.to_text();
        if in_keyring {
            let seconds = token.expires.since(token.issued).get() / 1_000_000_000;
            keyring::put(
                &self.keyring_name(Name::Token),
                &text,
                u64::try_from(seconds).ok(),
            )?;
            self.remove_file()?;
            return Ok(Place::Keyring);
        }
        secret_file::replace(&self.token_file, &text)?;
        Ok(Place::File(self.token_file.clone()))
    }

    /// Forgets the token wherever it can be forgotten; gives the places that were cleared.
    ///
    /// # Errors
    /// [`CredentialError`] when a place has it and keeps it.
    pub fn forget_token(&self) -> Result<Vec<Place>, CredentialError> {
        let mut cleared = Vec::new();
        if self.remove_file()? {
            cleared.push(Place::File(self.token_file.clone()));
        }
        if self.keyring.is_some() && keyring::forget(&self.keyring_name(Name::Token)) {
            cleared.push(Place::Keyring);
        }
        Ok(cleared)
    }

    /// Removes the token's file; tells whether there was one.
    fn remove_file(&self) -> Result<bool, CredentialError> {
        match std::fs::remove_file(&self.token_file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(CredentialError::Io(self.token_file.clone(), error.to_string())),
        }
    }

    fn keyring_name(&self, name: Name) -> String {
        let prefix = self.keyring.as_deref().unwrap_or("bijli:");
        format!("{prefix}{}", name.credential())
    }

    fn file_of(&self, name: Name) -> PathBuf {
        match name {
            Name::Token => self.token_file.clone(),
            Name::ClientId => self.token_file.with_file_name("upstox.client_id"),
            Name::ClientSecret => self.token_file.with_file_name("upstox.client_secret"),
        }
    }

    /// Shows each place's text, with the place and when it was last changed, until one is taken.
    fn find<T>(
        &self,
        name: Name,
        mut take: impl FnMut(Secret, Place, TsNs) -> Result<Option<T>, CredentialError>,
    ) -> Result<T, CredentialError> {
        let mut looked = Vec::new();
        if let Some(folder) = &self.service {
            let path = folder.join(name.credential());
            let place = Place::ServiceManager(path.clone());
            // The service manager guards these files itself.
            if let Some((text, changed)) = secret_file::read(&path, secret_file::Guard::ServiceManager)?
                && let Some(taken) = take(text, place.clone(), changed)?
            {
                return Ok(taken);
            }
            looked.push(place.to_string());
        } else {
            looked.push(format!("$CREDENTIALS_DIRECTORY/{} (not set)", name.credential()));
        }
        let path = self.file_of(name);
        let place = Place::File(path.clone());
        if let Some((text, changed)) = secret_file::read(&path, secret_file::Guard::Mode)?
            && let Some(taken) = take(text, place.clone(), changed)?
        {
            return Ok(taken);
        }
        looked.push(place.to_string());
        if self.keyring.is_some() {
            match keyring::get(&self.keyring_name(name)) {
                Ok(Some(text)) => {
                    if let Some(taken) = take(text, Place::Keyring, TsNs::NEVER)? {
                        return Ok(taken);
                    }
                    looked.push(Place::Keyring.to_string());
                }
                Ok(None) => looked.push(format!("{} ({})", Place::Keyring, self.keyring_name(name))),
                Err(error) => looked.push(error.to_string()),
            }
        }
        Err(CredentialError::Missing { name, looked })
    }
}

/// A token's text as a token.
fn parsed(text: &Secret, place: Place, changed: TsNs) -> Result<(StoredToken, Place), CredentialError> {
    match StoredToken::parse(text.expose(), changed) {
        Some(token) => Ok((token, place)),
        None => Err(CredentialError::Malformed(place)),
    }
}

#[cfg(test)]
mod tests;
