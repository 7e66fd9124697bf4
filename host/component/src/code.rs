//! What all launchers of a process share: one engine, and the code that it
//! has loaded, by digest. There is nothing of a tenant in it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Error;
use crate::cache::Cache;
use crate::compile::Compiler;
use crate::engine::{Memory, Sandbox};
use crate::library::Loaded;

/// Name and digest: a component tells its name in messages.
type Key = (String, String);
type Place = Arc<Mutex<Option<Arc<Loaded>>>>;

/// An engine and its code.
pub struct Code {
    pub(crate) sandbox: Sandbox,
    pub(crate) cache: Cache,
    loaded: Mutex<HashMap<Key, Place>>,
}

impl Code {
    /// `cache` is where compiled code is kept.
    pub fn new(memory: &Memory, cache: PathBuf, compiler: Compiler) -> Result<Self, Error> {
        Ok(Self {
            sandbox: Sandbox::new(memory)?,
            cache: Cache::new(cache, compiler),
            loaded: Mutex::default(),
        })
    }

    /// Loads a component once; two users never compile the same thing, and
    /// nobody waits for the compiling of something else.
    pub(crate) fn get(
        &self,
        connector: &str,
        digest: &str,
        load: impl FnOnce() -> Result<Loaded, Error>,
    ) -> Result<Arc<Loaded>, Error> {
        let place = self.place(connector, digest);
        let mut place = lock(&place);
        if let Some(known) = place.as_ref() {
            return Ok(known.clone());
        }
        let fresh = Arc::new(load()?);
        *place = Some(fresh.clone());
        Ok(fresh)
    }

    /// Earlier versions of a connector go when nobody uses them any more.
    fn place(&self, connector: &str, digest: &str) -> Place {
        let mut loaded = lock(&self.loaded);
        loaded.retain(|(name, of), place| {
            let unused = || {
                let used = |held: &Arc<Loaded>| Arc::strong_count(held) > 1;
                let known = place
                    .try_lock()
                    .map(|known| known.as_ref().is_some_and(used));
                known.is_ok_and(|used| !used)
            };
            name != connector || of == digest || !unused()
        });
        let key = (connector.to_owned(), digest.to_owned());
        loaded.entry(key).or_default().clone()
    }
}

/// A panic elsewhere leaves the values whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
