//! A random key for each scope whose records are sealed in the data folder
//! (ChaCha20-Poly1305). The keys lie in a file of the secret store's form, and
//! so under its key; a run opens its own once. What an entry is and where it
//! lies is the store's.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

use super::key::BYTES;
use super::{Secret, SecretError, Vault};

/// No secret can have a name with a blank, and so none is ever taken for a key.
const NAME: &str = "data key";

type Known = HashMap<String, Option<Arc<LessSafeKey>>>;

/// The keys of all scopes of one data folder. One process at a time has the
/// folder, and so what was read once is right.
pub struct DataKeys {
    vault: Vault,
    /// By scope; `None` until it is opened. Empty until the file is read.
    known: Mutex<Option<Known>>,
}

/// Why a sealed entry stays closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// What is missing, and what to do.
    NoKey(String),
    /// It is not as it was sealed, or was sealed as something else.
    Damaged,
}

impl fmt::Debug for DataKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DataKeys")
    }
}

impl DataKeys {
    /// Under the key of this store of secrets, in a file beside it. Reads and
    /// writes nothing.
    pub fn beside(vault: &Vault) -> Self {
        Self {
            vault: vault.scopes(),
            known: Mutex::new(None),
        }
    }

    pub fn is_sealed(&self, scope: &str) -> Result<bool, String> {
        self.with_known(|known| Ok(known.contains_key(scope)))
    }

    /// Has the scope's key at hand; makes one where it is `wanted` and there is
    /// none. A sealed scope has no other way on.
    pub fn begin(&self, scope: &str, wanted: bool) -> Result<(), String> {
        if self.key(scope)?.is_some() || !wanted {
            return Ok(());
        }
        self.with_known(|known| {
            let made = self.make(scope).map_err(|error| self.told(&error))?;
            known.insert(scope.to_owned(), Some(made));
            Ok(())
        })
    }

    /// Nonce, ciphertext and tag; `None` where nothing of the scope is sealed.
    ///
    /// A nonce is 96 random bits: among four thousand million entries of one key
    /// two are the same with a chance of one in eight thousand million.
    pub fn seal(&self, scope: &str, bound: &[u8], plain: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let Some(key) = self.key(scope)? else {
            return Ok(None);
        };
        let failed = |_| SecretError::NoRandom.to_string();
        let mut whole = vec![0; NONCE_LEN];
        SystemRandom::new().fill(&mut whole).map_err(failed)?;
        let nonce = Nonce::try_assume_unique_for_key(&whole).map_err(failed)?;
        whole.extend_from_slice(plain);
        let sealed = whole.get_mut(NONCE_LEN..).unwrap_or_default();
        let tag = key
            .seal_in_place_separate_tag(nonce, associated(scope, bound), sealed)
            .map_err(failed)?;
        whole.extend_from_slice(tag.as_ref());
        Ok(Some(whole))
    }

    pub fn open(&self, scope: &str, bound: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Closed> {
        let key = self.key(scope).map_err(Closed::NoKey)?;
        let Some(key) = key else {
            return Err(Closed::NoKey(format!(
                "`{}` has no key of it: bring the file back from a copy, or `duijie forget` the \
                 scope",
                self.vault.place().display()
            )));
        };
        let nonce = sealed.split_first_chunk::<NONCE_LEN>();
        let (nonce, rest) = nonce.ok_or(Closed::Damaged)?;
        let mut plain = rest.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = key.open_in_place(nonce, associated(scope, bound), &mut plain);
        let length = opened.map_err(|_| Closed::Damaged)?.len();
        plain.truncate(length);
        Ok(plain)
    }

    /// Drops the keys of these scopes, here and in the file; needs no key.
    pub fn forget(&self, gone: &dyn Fn(&str) -> bool) -> Result<(), String> {
        self.with_known(|known| {
            if self.vault.exists() {
                self.vault
                    .forget_each(gone)
                    .map_err(|error| error.to_string())?;
            }
            known.retain(|scope, _| !gone(scope));
            Ok(())
        })
    }

    fn key(&self, scope: &str) -> Result<Option<Arc<LessSafeKey>>, String> {
        self.with_known(|known| match known.get_mut(scope) {
            None => Ok(None),
            Some(Some(key)) => Ok(Some(key.clone())),
            Some(closed) => {
                let key = self.read(scope).map_err(|error| self.told(&error))?;
                *closed = Some(key.clone());
                Ok(Some(key))
            }
        })
    }

    fn with_known<T>(
        &self,
        work: impl FnOnce(&mut Known) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut known: MutexGuard<'_, Option<Known>> =
            self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match &mut *known {
            Some(known) => known,
            empty => {
                let scopes = self.vault.tenants().map_err(|error| self.told(&error))?;
                empty.insert(scopes.into_iter().map(|scope| (scope, None)).collect())
            }
        };
        work(known)
    }

    fn read(&self, scope: &str) -> Result<Arc<LessSafeKey>, SecretError> {
        let damaged = || SecretError::Damaged {
            place: self.vault.place().display().to_string(),
            reason: format!("it has no key of `{scope}`"),
        };
        let text = self.vault.get(scope, NAME)?.ok_or_else(damaged)?;
        let bytes = Zeroizing::new(
            text.with(|text| STANDARD_NO_PAD.decode(text))
                .map_err(|_| damaged())?,
        );
        aead(&bytes).ok_or_else(damaged)
    }

    fn make(&self, scope: &str) -> Result<Arc<LessSafeKey>, SecretError> {
        let keys = self.vault.keys();
        if keys.find()?.is_none() {
            return Err(SecretError::NoKey {
                store: self.vault.place().display().to_string(),
                found: keys.file().display().to_string(),
            });
        }
        let mut bytes = Zeroizing::new([0; BYTES]);
        let filled = SystemRandom::new().fill(bytes.as_mut_slice());
        filled.map_err(|_| SecretError::NoRandom)?;
        let value = Secret::new(STANDARD_NO_PAD.encode(bytes.as_slice()));
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.vault.put(scope, NAME, &value, now_ms)?;
        aead(bytes.as_slice()).ok_or(SecretError::NoRandom)
    }

    /// In the words of who has no secret in mind.
    fn told(&self, error: &SecretError) -> String {
        let place = self.vault.place().display();
        match error {
            SecretError::NoKey { found, .. } => format!(
                "it needs the key of the secret store, and there is none in `{found}`: put the key \
                 file back, or make one with `(umask 077; duijie secrets key > {found})`, or give \
                 it in `DUIJIE_SECRET_KEY`"
            ),
            SecretError::WrongKey { found, .. } => format!(
                "the key in `{found}` is not the one that `{place}` was sealed with: give the \
                 right one, in the key file or in `DUIJIE_SECRET_KEY`"
            ),
            SecretError::Damaged { reason, .. } => {
                format!("`{place}` is damaged: {reason}: bring it back from a copy or a backup")
            }
            other => other.to_string(),
        }
    }
}

/// `None` for no key of the right length.
fn aead(bytes: &[u8]) -> Option<Arc<LessSafeKey>> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, bytes).ok()?;
    Some(Arc::new(LessSafeKey::new(key)))
}

/// What an entry cannot be taken away from. No scope holds the separator.
fn associated(scope: &str, bound: &[u8]) -> Aad<Vec<u8>> {
    Aad::from([b"duijie record 1\0", scope.as_bytes(), b"\0", bound].concat())
}

#[cfg(test)]
mod tests;
