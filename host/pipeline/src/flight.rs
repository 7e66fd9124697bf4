//! What is on its way and not yet durable: one open document a key.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use duijie_record::{SourceKey, TargetKey, Version};
use duijie_store::Fingerprint;
use tokio::sync::Notify;

use crate::Stop;

/// The version of a record that is on its way.
pub(crate) struct Underway {
    pub(crate) version: Option<Version>,
    pub(crate) print: Fingerprint,
}

#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) records: HashMap<SourceKey, Underway>,
    pub(crate) documents: HashSet<TargetKey>,
}

#[derive(Default)]
pub(crate) struct Flight {
    keys: Mutex<Keys>,
    /// Woken whenever keys left.
    landed: Notify,
}

impl Flight {
    /// Held for map operations only, never across an await.
    pub(crate) fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes everyone who waits for keys to leave.
    pub(crate) fn land(&self) {
        self.landed.notify_waiters();
    }

    /// Returns when `free` says so, asked again whenever keys left; false when
    /// the run halted before.
    pub(crate) async fn wait(&self, halt: &Stop, mut free: impl FnMut(&mut Keys) -> bool) -> bool {
        loop {
            let landed = self.landed.notified();
            tokio::pin!(landed);
            // Enabled before the look, so that no landing in between is missed.
            landed.as_mut().enable();
            if free(&mut self.keys()) {
                return true;
            }
            tokio::select! {
                biased;
                () = halt.stopped() => return false,
                () = landed => {}
            }
        }
    }
}
