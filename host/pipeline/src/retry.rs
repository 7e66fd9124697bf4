//! How long to wait before a call is tried again, and the waiting itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use duijie_contract::Fault;
use duijie_plan::Retries;

use crate::Event;
use crate::options::Context;

/// SplitMix64: spreads retries apart, guards nothing.
pub(crate) struct Random(AtomicU64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    pub(crate) fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The wait after the `failed`-th failure in a row (1 for the first): doubled
/// each time up to the longest, then taken between a half and the whole.
pub(crate) fn backoff(retries: &Retries, failed: u32, random: &Random) -> Duration {
    let doublings = failed.saturating_sub(1).min(30);
    let whole = retries
        .first_wait
        .saturating_mul(1 << doublings)
        .min(retries.longest_wait);
    let half = whole / 2;
    let span_ms = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
    half + Duration::from_millis(random.next() % span_ms.saturating_add(1))
}

/// How long one run has waited. Waits that overlap count once.
#[derive(Default)]
pub(crate) struct Budget(Mutex<Waited>);

#[derive(Default)]
struct Waited {
    whole_ms: u64,
    /// When the last of them ends, in Unix milliseconds.
    until_ms: u64,
}

impl Budget {
    fn take(&self, now_ms: u64, wait: Duration, most: Duration) -> bool {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let most_ms = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        let end_ms = now_ms.saturating_add(wait_ms);
        let mut waited = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let more_ms = end_ms.saturating_sub(waited.until_ms.max(now_ms));
        let whole_ms = waited.whole_ms.saturating_add(more_ms);
        if whole_ms > most_ms {
            return false;
        }
        waited.whole_ms = whole_ms;
        waited.until_ms = waited.until_ms.max(end_ms);
        true
    }
}

impl Context {
    /// The wait that this fault asks for, or `None` when another try is
    /// useless or one too many.
    pub(crate) fn wait_after(&self, fault: &Fault, failed: u32) -> Option<Duration> {
        let retries = &self.plan().policy.retries;
        if !fault.is_passing() || failed >= retries.attempts {
            return None;
        }
        let wait = backoff(retries, failed, &self.random);
        let wait = fault.retry_after().map_or(wait, |asked| asked.max(wait));
        self.affords(wait).then_some(wait)
    }

    /// Whether a wait that begins now fits into what the plan allows for one
    /// run; it counts from then on. Waits for the target to settle do not:
    /// they keep documents from being doubled.
    pub(crate) fn affords(&self, wait: Duration) -> bool {
        let most = self.plan().policy.retries.budget;
        self.budget.take(self.now_ms(), wait, most)
    }

    /// Tells and waits; false when the run is to halt.
    pub(crate) async fn wait(&self, what: &'static str, reason: &str, wait: Duration) -> bool {
        self.options
            .observer
            .event(Event::Waiting { what, reason, wait });
        tracing::debug!(what, reason, wait_ms = wait.as_millis(), "waiting");
        tokio::select! {
            biased;
            () = self.halt.stopped() => false,
            () = self.options.clock.sleep(wait) => true,
        }
    }
}
