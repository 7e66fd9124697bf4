//! What was asked: a count for every operation, and metadata of the last requests. Never bodies.

use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// One request that was answered, or dropped.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    pub at_ms: i64,
    /// As in a fault rule.
    pub operation: String,
    pub bytes_in: usize,
    pub bytes_out: usize,
    /// HTTP status; 0 when the connection was closed instead.
    pub status: u16,
    /// What matters of it: window and page, or the reason of a refusal, or the fault that struck.
    pub detail: String,
}

#[derive(Default)]
pub(crate) struct Journal {
    keep: usize,
    inner: Mutex<Inner>,
    grew: Condvar,
}

#[derive(Default)]
struct Inner {
    counts: BTreeMap<String, u64>,
    last: VecDeque<Request>,
}

impl Journal {
    pub(crate) fn new(keep: usize) -> Self {
        Self {
            keep,
            inner: Mutex::default(),
            grew: Condvar::new(),
        }
    }

    pub(crate) fn add(&self, request: Request) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.counts.get_mut(&request.operation) {
            Some(count) => *count += 1,
            None => {
                inner.counts.insert(request.operation.clone(), 1);
            }
        }
        if self.keep > 0 {
            if inner.last.len() == self.keep {
                inner.last.pop_front();
            }
            inner.last.push_back(request);
        }
        self.grew.notify_all();
    }

    /// Waits until `operation` was asked for so often; false when `limit` has passed first.
    pub(crate) fn wait_for_count(&self, operation: &str, count: u64, limit: Duration) -> bool {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let below = |inner: &mut Inner| inner.counts.get(operation).copied() < Some(count);
        let waited = self.grew.wait_timeout_while(inner, limit, below);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .counts
            .clone()
    }

    pub(crate) fn last(&self) -> Vec<Request> {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .last
            .iter()
            .cloned()
            .collect()
    }

    pub(crate) fn clear(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.counts.clear();
        inner.last.clear();
    }
}
