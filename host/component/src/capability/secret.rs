//! Secrets: where they come from and how they are held. What hides them in
//! texts is `mask`.

mod provider;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use provider::{SecretError, Secrets};
use zeroize::Zeroizing;

/// A value that is never printed, and zeroed when the last copy is dropped.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    pub fn new(value: String) -> Self {
        Self(Arc::new(Zeroizing::new(value)))
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
