//! One module for each version of the contract that this host supports; the
//! rest of the crate sees the version-neutral traits only.

pub(crate) mod v0_1;

/// For messages: what this host speaks.
pub(crate) const SUPPORTED: &str = "`0.1`";
