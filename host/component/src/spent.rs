//! What one run has used of its guests, counted in one place, and the words
//! for what goes beyond its bounds.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use duijie_contract::Bounds;

/// Shared by all instances of a run.
#[derive(Debug)]
pub(crate) struct Spent {
    bounds: Bounds,
    cpu_ns: AtomicU64,
    calls: AtomicU64,
    sent_bytes: AtomicU64,
    received_bytes: AtomicU64,
    log_lines: AtomicU64,
    log_bytes: AtomicU64,
    /// What was passed first. Nothing of the run begins any more then.
    over: OnceLock<Beyond>,
}

/// Which bound was passed, for a person.
pub(crate) type Beyond = String;

impl Spent {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            cpu_ns: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
            received_bytes: AtomicU64::new(0),
            log_lines: AtomicU64::new(0),
            log_bytes: AtomicU64::new(0),
            over: OnceLock::new(),
        }
    }

    /// Which bound the run has passed, if it has.
    pub(crate) fn over(&self) -> Option<&str> {
        self.over.get().map(String::as_str)
    }

    fn pass(&self, what: &str, field: &str) -> Result<(), Beyond> {
        let told = format!(
            "it used over {what} in this run: raise `limits.run.{field}` of the pipeline if it needs more"
        );
        Err(self.over.get_or_init(|| told).clone())
    }

    pub(crate) fn cpu(&self, took: Duration) -> Result<(), Beyond> {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let most = self.bounds.cpu;
        let most_ns = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        match add(&self.cpu_ns, took, most_ns) {
            true => Ok(()),
            false => self.pass(&format!("{most:?} of processor time"), "cpu"),
        }
    }

    /// One request that the guest asks for, with its body.
    pub(crate) fn call(&self, body_bytes: usize) -> Result<(), Beyond> {
        let Bounds {
            calls, sent_bytes, ..
        } = self.bounds;
        if !add(&self.calls, 1, calls) {
            return self.pass(&format!("{calls} requests"), "calls");
        }
        if !add(&self.sent_bytes, body_bytes as u64, sent_bytes) {
            return self.pass(&format!("{sent_bytes} bytes of requests"), "sent");
        }
        Ok(())
    }

    pub(crate) fn received(&self, body_bytes: usize) -> Result<(), Beyond> {
        let most = self.bounds.received_bytes;
        match add(&self.received_bytes, body_bytes as u64, most) {
            true => Ok(()),
            false => self.pass(&format!("{most} bytes of answers"), "received"),
        }
    }

    pub(crate) fn log(&self, bytes: usize) -> Result<(), Beyond> {
        let Bounds {
            log_lines,
            log_bytes,
            ..
        } = self.bounds;
        if !add(&self.log_lines, 1, log_lines) {
            return self.pass(&format!("{log_lines} lines of log"), "log_lines");
        }
        if !add(&self.log_bytes, bytes as u64, log_bytes) {
            return self.pass(&format!("{log_bytes} bytes of log"), "log_bytes");
        }
        Ok(())
    }
}

/// Whether it stays within; what goes beyond is counted all the same.
fn add(sum: &AtomicU64, more: u64, most: u64) -> bool {
    let before = sum.fetch_add(more, Ordering::Relaxed);
    before.saturating_add(more) <= most
}
