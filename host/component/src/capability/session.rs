//! Sessions that the host keeps for connections: values captured at login,
//! leased to one user at a time and kept across instances. Nothing here
//! knows how one logs in, and nothing is ever written to disk.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::secret::Secret;

type Values = BTreeMap<String, Secret>;

/// All pools, by connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions {
    pools: Arc<Mutex<HashMap<String, Pool>>>,
}

impl Sessions {
    /// The connection's pool, made with room for `size` sessions at the
    /// first call.
    pub(crate) fn pool(&self, connection: &str, size: u32) -> Pool {
        lock(&self.pools)
            .entry(connection.to_owned())
            .or_insert_with(|| Pool::new(size))
            .clone()
    }
}

/// The sessions of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Tokio serves waiters in the order in which they came.
    free: Arc<Semaphore>,
    /// Sessions that hold something and are not leased.
    idle: Mutex<Vec<Values>>,
}

impl Pool {
    /// A system without sessions may still capture within one lease, so the
    /// least size is one.
    fn new(size: u32) -> Self {
        let size = usize::try_from(size.max(1)).unwrap_or(1);
        Self {
            shared: Arc::new(Shared {
                free: Arc::new(Semaphore::new(size.min(Semaphore::MAX_PERMITS))),
                idle: Mutex::new(Vec::new()),
            }),
        }
    }

    /// Waits for a free session; one that holds something goes first.
    pub(crate) async fn lease(&self) -> Lease {
        // The semaphore is never closed, so a permit always comes.
        let permit = self.shared.free.clone().acquire_owned().await.ok();
        let values = lock(&self.shared.idle).pop().unwrap_or_default();
        Lease {
            values,
            shared: self.shared.clone(),
            _permit: permit,
        }
    }
}

/// One session in one user's hands; given back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    values: Values,
    shared: Arc<Shared>,
    // Fields drop after `drop` has run: the values are back before the next
    // waiter wakes.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Lease {
    /// Names of what it holds.
    pub(crate) fn held(&self) -> Vec<String> {
        self.values.keys().cloned().collect()
    }

    pub(crate) fn forget(&mut self) {
        self.values.clear();
    }

    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    pub(crate) fn keep(&mut self, name: String, value: Secret) {
        self.values.insert(name, value);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.values.is_empty() {
            lock(&self.shared.idle).push(std::mem::take(&mut self.values));
        }
    }
}

/// A panic elsewhere leaves these maps whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
