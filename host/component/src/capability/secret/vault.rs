//! The secret store: one file in the data folder that holds values sealed
//! with one key (ChaCha20-Poly1305, a random nonce a value). Names and times
//! stand in the clear, so that they can be listed without the key; each
//! value is bound to its tenant, name and time, so that none can be put in
//! another's place. It knows nothing of environment and plain files.

mod rekey;
mod stored;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file;
use super::key::{Key, Keys};
use super::{Secret, SecretError};
use crate::capability::mask::SHORTEST;
use stored::{Sealed, Stored};

const FILE: &str = "secrets.sealed";
/// What `data_keys` keeps, in the same form.
const SCOPES: &str = "scopes.sealed";

/// More is no secret.
pub const MOST_VALUE: usize = 64 << 10;

/// Where everything is a single tenant's.
pub const OWN: &str = "";

/// What is known of a secret without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub name: String,
    /// Unix milliseconds.
    pub set_ms: u64,
}

/// The secret store of one data folder, for all tenants that share it. It is
/// read at every call: what another process set counts at once.
pub struct Vault {
    place: PathBuf,
    keys: Arc<Keys>,
}

impl Vault {
    /// Reads and writes nothing.
    pub fn new(data: &Path, keys: Keys) -> Self {
        Self {
            place: data.join(FILE),
            keys: Arc::new(keys),
        }
    }

    /// Of the same form and beside it, under the same key: the keys of scopes.
    pub fn scopes(&self) -> Self {
        Self {
            place: self.place.with_file_name(SCOPES),
            keys: self.keys.clone(),
        }
    }

    pub fn place(&self) -> &Path {
        &self.place
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whether anything was ever set.
    pub fn exists(&self) -> bool {
        self.place.exists()
    }

    /// Names of one tenant, sorted; needs no key.
    pub fn list(&self, tenant: &str) -> Result<Vec<Kept>, SecretError> {
        let stored = self.read()?.unwrap_or_default();
        let mut kept: Vec<Kept> = stored
            .secrets
            .iter()
            .filter(|sealed| sealed.tenant == tenant)
            .map(|sealed| Kept {
                name: sealed.name.clone(),
                set_ms: sealed.set_ms,
            })
            .collect();
        kept.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(kept)
    }

    /// `None` where the tenant has no such secret; a key is needed for one
    /// that is there only.
    pub fn get(&self, tenant: &str, name: &str) -> Result<Option<Secret>, SecretError> {
        let Some(stored) = self.read()? else {
            return Ok(None);
        };
        let Some(sealed) = stored.find(tenant, name) else {
            return Ok(None);
        };
        let key = self.keys.fitting(&stored.key, &self.place)?;
        self.open(&key, sealed).map(Some)
    }

    /// Sets or replaces a value. The first one of all makes the key file
    /// where no key is given.
    pub fn set(
        &self,
        tenant: &str,
        name: &str,
        value: &Secret,
        now_ms: u64,
    ) -> Result<(), SecretError> {
        check_name(name)?;
        if value.expose().len() < SHORTEST {
            return Err(SecretError::TooShort {
                name: name.to_owned(),
                least: SHORTEST,
            });
        }
        if value.expose().len() > MOST_VALUE {
            return Err(SecretError::TooLong {
                name: name.to_owned(),
                most: MOST_VALUE,
            });
        }
        self.put(tenant, name, value, now_ms)
    }

    pub(super) fn put(
        &self,
        tenant: &str,
        name: &str,
        value: &Secret,
        now_ms: u64,
    ) -> Result<(), SecretError> {
        let _lock = self.lock()?;
        let (mut stored, key) = match self.read()? {
            Some(stored) => {
                let key = self.keys.fitting(&stored.key, &self.place)?;
                (stored, key)
            }
            None => {
                let key = self.keys.make()?;
                (Stored::new(&key), key)
            }
        };
        let sealed = Sealed::seal(&key, tenant, name, value, now_ms)?;
        stored.remove(tenant, name);
        stored.secrets.push(sealed);
        self.write(&stored)
    }

    /// Whether it was there. No key is needed.
    pub fn remove(&self, tenant: &str, name: &str) -> Result<bool, SecretError> {
        self.drop_where(|stored| stored.remove(tenant, name))
    }

    /// Removes all that a tenant has; whether it had any.
    pub fn forget(&self, tenant: &str) -> Result<bool, SecretError> {
        self.forget_each(&|one| one == tenant)
    }

    pub(super) fn forget_each(&self, gone: &dyn Fn(&str) -> bool) -> Result<bool, SecretError> {
        self.drop_where(|stored| stored.forget(gone))
    }

    /// Whose something is.
    pub(super) fn tenants(&self) -> Result<Vec<String>, SecretError> {
        let stored = self.read()?.unwrap_or_default();
        Ok(stored.secrets.into_iter().map(|one| one.tenant).collect())
    }

    fn drop_where(&self, drop: impl FnOnce(&mut Stored) -> bool) -> Result<bool, SecretError> {
        let _lock = self.lock()?;
        let Some(mut stored) = self.read()? else {
            return Ok(false);
        };
        let dropped = drop(&mut stored);
        if dropped {
            self.write(&stored)?;
        }
        Ok(dropped)
    }

    /// Whether the key at hand opens every value; how many there are.
    pub fn verify(&self) -> Result<usize, SecretError> {
        let Some(stored) = self.read()? else {
            return Ok(0);
        };
        let key = self.keys.fitting(&stored.key, &self.place)?;
        for sealed in &stored.secrets {
            self.open(&key, sealed)?;
        }
        Ok(stored.secrets.len())
    }

    fn open(&self, key: &Key, sealed: &Sealed) -> Result<Secret, SecretError> {
        sealed.open(key).ok_or_else(|| SecretError::Damaged {
            place: self.place.display().to_string(),
            reason: format!("secret `{}` does not open", sealed.name),
        })
    }

    fn read(&self) -> Result<Option<Stored>, SecretError> {
        let shown = || self.place.display().to_string();
        let bytes = match fs::read(&self.place) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(SecretError::Read {
                    place: shown(),
                    reason: error.to_string(),
                });
            }
        };
        Stored::parse(&bytes, &shown()).map(Some)
    }

    fn write(&self, stored: &Stored) -> Result<(), SecretError> {
        file::replace(&self.place, &stored.text())
    }

    /// One writer at a time, over all processes; reading needs none.
    fn lock(&self) -> Result<File, SecretError> {
        let failed = |error: std::io::Error| SecretError::Write {
            place: self.place.display().to_string(),
            reason: error.to_string(),
        };
        if let Some(folder) = self.place.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.place.with_extension("lock"))
            .map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }
}

/// Letters, digits and `_`, as references can write them, and not a name
/// whose environment variable holds the store's own key.
pub fn check_name(name: &str) -> Result<(), SecretError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
        return Err(SecretError::BadName {
            name: name.to_owned(),
        });
    }
    super::provider::check_free(name)
}
