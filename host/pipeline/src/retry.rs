//! How long to wait before a call is tried again, and the waiting itself.

use std::sync::atomic::{AtomicU64, Ordering};
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

impl Context {
    /// The wait that this fault asks for, or `None` when another try is
    /// useless or one too many.
    pub(crate) fn wait_after(&self, fault: &Fault, failed: u32) -> Option<Duration> {
        let retries = &self.plan().policy.retries;
        (fault.is_passing() && failed < retries.attempts).then(|| {
            let wait = backoff(retries, failed, &self.random);
            fault.retry_after().map_or(wait, |asked| asked.max(wait))
        })
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
