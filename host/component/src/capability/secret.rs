//! Secrets: where they come from and how they are held. What hides them in
//! texts is `mask`.

mod data_keys;
mod error;
mod file;
mod key;
mod provider;
#[cfg(test)]
mod tests;
mod vault;

use std::fmt;
use std::sync::Arc;

pub use data_keys::{Closed, DataKeys};
pub use error::SecretError;
pub use key::{Key, Keys};
pub use provider::{Provider, Secrets};
pub use vault::{Kept, MOST_VALUE, OWN, Vault, check_name};
use zeroize::Zeroizing;

/// A value that is never printed, and zeroed when the last copy is dropped.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    pub fn new(value: String) -> Self {
        Self(Arc::new(Zeroizing::new(value)))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn is_same(&self, other: &Secret) -> bool {
        self.0 == other.0
    }

    /// Signs with it, or the like: what is made of it must not tell it.
    pub fn with<T>(&self, used: impl FnOnce(&str) -> T) -> T {
        used(&self.0)
    }

    /// For the moment of use; what is made of it must not be printed either.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}
