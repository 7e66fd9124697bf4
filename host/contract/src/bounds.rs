//! What one run may use of connectors, all of its instances together.

use std::time::Duration;

/// The most that one run may use. Whoever exceeds any of it ends the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Processor time of its guests.
    pub cpu: Duration,
    /// HTTP requests, those that were refused included.
    pub calls: u64,
    /// Bytes of the bodies of requests.
    pub sent_bytes: u64,
    /// Bytes of the bodies of answers.
    pub received_bytes: u64,
    /// Lines that its guests log.
    pub log_lines: u64,
    pub log_bytes: u64,
}

impl Bounds {
    pub const DEFAULT: Bounds = Bounds {
        cpu: Duration::from_secs(2 * 3600),
        calls: 1_000_000,
        sent_bytes: 64 << 30,
        received_bytes: 64 << 30,
        log_lines: 200_000,
        log_bytes: 64 << 20,
    };
}
