//! Ties the keys of scopes to the store that seals by them.

use std::sync::Arc;

use duijie_component::{Closed, DataKeys, Vault};
use duijie_store::{Sealer, Unopened};

#[derive(Debug)]
struct Seals(DataKeys);

/// What seals in the data folder that this store of secrets lies in.
pub fn sealer(vault: &Vault) -> Arc<dyn Sealer> {
    Arc::new(Seals(DataKeys::beside(vault)))
}

impl Sealer for Seals {
    fn is_sealed(&self, scope: &str) -> Result<bool, String> {
        self.0.is_sealed(scope)
    }

    fn begin(&self, scope: &str, wanted: bool) -> Result<(), String> {
        self.0.begin(scope, wanted)
    }

    fn seal(&self, scope: &str, bound: &[u8], plain: &[u8]) -> Result<Option<Vec<u8>>, String> {
        self.0.seal(scope, bound, plain)
    }

    fn open(&self, scope: &str, bound: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unopened> {
        let opened = self.0.open(scope, bound, sealed);
        opened.map_err(|closed| match closed {
            Closed::NoKey(reason) => Unopened::NoKey(reason),
            Closed::Damaged => Unopened::Damaged,
        })
    }

    fn forget(&self, gone: &dyn Fn(&str) -> bool) -> Result<(), String> {
        self.0.forget(gone)
    }
}
