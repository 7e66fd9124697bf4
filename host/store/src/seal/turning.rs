//! A cipher for tests of the seam: it tells changes and moves, and hides
//! nothing from who knows it. No key of it is any secret.

use std::collections::BTreeSet;
use std::sync::Mutex;

use xxhash_rust::xxh3::xxh3_128;

use super::{Sealer, Unopened};

/// Turns every byte over, behind a print of it and of what it is bound to.
#[derive(Debug, Default)]
pub(crate) struct Turning {
    pub(crate) scopes: Mutex<BTreeSet<String>>,
    pub(crate) locked: bool,
    /// Whatever they are called.
    pub(crate) every: bool,
}

impl Turning {
    fn has(&self, scope: &str) -> bool {
        self.every || self.scopes.lock().unwrap().contains(scope)
    }
}

fn print(scope: &str, bound: &[u8], plain: &[u8]) -> [u8; 16] {
    xxh3_128(&[scope.as_bytes(), b"\0", bound, b"\0", plain].concat()).to_le_bytes()
}

pub(crate) fn turned(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| !byte).collect()
}

impl Sealer for Turning {
    fn is_sealed(&self, scope: &str) -> Result<bool, String> {
        Ok(self.has(scope))
    }

    fn begin(&self, scope: &str, wanted: bool) -> Result<(), String> {
        let mut scopes = self.scopes.lock().unwrap();
        if wanted {
            scopes.insert(scope.to_owned());
        }
        match self.locked && scopes.contains(scope) {
            true => Err("the key is away".to_owned()),
            false => Ok(()),
        }
    }

    fn seal(&self, scope: &str, bound: &[u8], plain: &[u8]) -> Result<Option<Vec<u8>>, String> {
        if !self.has(scope) {
            return Ok(None);
        }
        self.begin(scope, false)?;
        let print = print(scope, bound, plain);
        Ok(Some([&print[..], &turned(plain)].concat()))
    }

    fn open(&self, scope: &str, bound: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unopened> {
        if self.locked || !self.has(scope) {
            return Err(Unopened::NoKey("the key is away".to_owned()));
        }
        let (found, rest) = sealed.split_first_chunk::<16>().ok_or(Unopened::Damaged)?;
        let plain = turned(rest);
        match *found == print(scope, bound, &plain) {
            true => Ok(plain),
            false => Err(Unopened::Damaged),
        }
    }

    fn forget(&self, gone: &dyn Fn(&str) -> bool) -> Result<(), String> {
        self.scopes.lock().unwrap().retain(|scope| !gone(scope));
        Ok(())
    }
}
