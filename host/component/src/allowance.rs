//! What all instances of one tenant may have together, and what they have:
//! memory, processor time, places in the pool. It outlives launchers, so that
//! what was used stays known. It runs nothing.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

/// How much unused processor time is kept for later.
pub(crate) const BURST: Duration = Duration::from_millis(100);

/// What a tenant may have of the process at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Of linear memories and tables, over all live instances.
    pub memory_bytes: usize,
    /// Processor time, in hundredths of one core; 0 is no limit.
    pub cpu_percent: u32,
    /// One with several memories counts once for each of them.
    pub instances: u32,
}

impl Quota {
    /// For a process of one user, who may take all of the machine.
    pub const NONE: Quota = Quota {
        memory_bytes: usize::MAX,
        cpu_percent: 0,
        instances: u32::MAX,
    };
}

/// What a tenant has used since the process began, and has now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    pub cpu: Duration,
    /// How long its guests were held back, over all of them.
    pub held_back: Duration,
    pub memory_bytes: usize,
    pub memory_peak: usize,
    pub instances: u32,
}

/// One tenant's account. Launchers of the same tenant share it.
#[derive(Debug)]
pub struct Allowance {
    quota: Mutex<Quota>,
    memory: AtomicUsize,
    memory_peak: AtomicUsize,
    instances: AtomicU32,
    cpu_ns: AtomicU64,
    held_back_ns: AtomicU64,
    /// When everything that was used is paid for.
    paid: Mutex<Instant>,
    left: Notify,
    /// One component of a tenant is compiled at a time.
    pub(crate) compiling: Arc<Semaphore>,
    /// Its guest that is the next one in the lane.
    pub(crate) line: Semaphore,
}

impl Allowance {
    pub fn new(quota: Quota) -> Arc<Self> {
        // Whoever is new has rested for long enough.
        let now = Instant::now();
        let long_ago = now.checked_sub(Duration::from_secs(3600)).unwrap_or(now);
        Arc::new(Self {
            quota: Mutex::new(quota),
            memory: AtomicUsize::new(0),
            memory_peak: AtomicUsize::new(0),
            instances: AtomicU32::new(0),
            cpu_ns: AtomicU64::new(0),
            held_back_ns: AtomicU64::new(0),
            paid: Mutex::new(long_ago),
            left: Notify::new(),
            compiling: Arc::new(Semaphore::new(1)),
            line: Semaphore::new(1),
        })
    }

    /// Counts from now on; what instances have already stays theirs.
    pub fn set(&self, quota: Quota) {
        *lock(&self.quota) = quota;
        self.left.notify_waiters();
    }

    pub fn quota(&self) -> Quota {
        *lock(&self.quota)
    }

    /// Whether there are others to share the processor with.
    pub(crate) fn is_shared(&self) -> bool {
        self.quota().cpu_percent > 0
    }

    pub fn used(&self) -> Used {
        Used {
            cpu: Duration::from_nanos(self.cpu_ns.load(Ordering::Relaxed)),
            held_back: Duration::from_nanos(self.held_back_ns.load(Ordering::Relaxed)),
            memory_bytes: self.memory.load(Ordering::Relaxed),
            memory_peak: self.memory_peak.load(Ordering::Relaxed),
            instances: self.instances.load(Ordering::Relaxed),
        }
    }

    /// Whether there was room for so many bytes more; they count from here to
    /// [`Allowance::give_back`].
    pub(crate) fn take_memory(&self, bytes: usize) -> bool {
        let most = self.quota().memory_bytes;
        let more = |now: usize| now.checked_add(bytes).filter(|sum| *sum <= most);
        let taken = self
            .memory
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        if let Ok(before) = taken {
            self.memory_peak
                .fetch_max(before + bytes, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.memory.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Puts a turn of about this length down beforehand. Gives how long the
    /// guest waits before it: each wait ends after those that were told
    /// before, so that those who wait do not wake together.
    pub(crate) fn reserve(&self, about: Duration) -> Duration {
        let percent = self.quota().cpu_percent;
        if percent == 0 {
            return Duration::ZERO;
        }
        let now = Instant::now();
        let mut paid = lock(&self.paid);
        let oldest = now.checked_sub(at_rate(BURST, percent)).unwrap_or(now);
        *paid = (*paid).max(oldest);
        let wait = paid.saturating_duration_since(now);
        *paid += at_rate(about, percent);
        wait
    }

    /// What the turn that was put down as `about` really took.
    pub(crate) fn settle(&self, about: Duration, took: Duration) {
        self.cpu_ns.fetch_add(nanos(took), Ordering::Relaxed);
        let percent = self.quota().cpu_percent;
        if percent == 0 || about == took {
            return;
        }
        let mut paid = lock(&self.paid);
        *paid += at_rate(took.saturating_sub(about), percent);
        let back = at_rate(about.saturating_sub(took), percent);
        *paid = paid.checked_sub(back).unwrap_or(*paid);
    }

    pub(crate) fn was_held_back(&self, time: Duration) {
        self.held_back_ns.fetch_add(nanos(time), Ordering::Relaxed);
    }

    /// So many places for one more instance, as soon as there are.
    pub(crate) async fn enter(self: &Arc<Self>, places: u32) -> Place {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            // Enabled before the look, so that no leaving in between is missed.
            left.as_mut().enable();
            let most = self.quota().instances;
            let more = |now: u32| now.checked_add(places).filter(|sum| *sum <= most);
            let entered = self
                .instances
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
            if entered.is_ok() {
                return Place {
                    tenant: self.clone(),
                    places,
                };
            }
            left.await;
        }
    }
}

/// One instance's places among its tenant's.
pub(crate) struct Place {
    tenant: Arc<Allowance>,
    places: u32,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Self { tenant, places } = self;
        tenant.instances.fetch_sub(*places, Ordering::Relaxed);
        // Whoever waits longest may need more than these.
        tenant.left.notify_waiters();
    }
}

/// How long it takes to pay for so much.
fn at_rate(cpu: Duration, percent: u32) -> Duration {
    cpu.saturating_mul(100) / percent.max(1)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A panic elsewhere leaves the values whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
