//! Time, injected: the pipeline reads no other clock and sleeps nowhere else.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::time::Instant;

#[async_trait]
pub trait Clock: Send + Sync {
    /// Unix milliseconds.
    fn now_ms(&self) -> u64;

    /// May be dropped at any time.
    async fn sleep(&self, duration: Duration);
}

/// The clock of the machine.
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Starts where it is told to and follows the time of the tokio runtime. In
/// a runtime with paused time it jumps to the next sleeper when all is idle.
pub struct VirtualClock {
    start_ms: u64,
    started: Instant,
}

impl VirtualClock {
    /// Must be called inside a runtime.
    pub fn starting_at(start_ms: u64) -> Self {
        Self {
            start_ms,
            started: Instant::now(),
        }
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now_ms(&self) -> u64 {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.start_ms.saturating_add(elapsed)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
