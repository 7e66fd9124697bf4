//! How an embedded store is opened.

use std::sync::Arc;

use crate::Sealer;

/// How an embedded store uses memory and disk.
#[derive(Debug, Clone)]
pub struct Options {
    /// What each of the two databases may keep of its pages.
    pub cache_bytes: u64,
    /// From which length on documents go to the next segment file.
    pub segment_file_bytes: u64,
    /// Documents and evidence, together.
    pub evidence_bytes: u64,
    /// How long documents and evidence are kept at most.
    pub evidence_ms: u64,
    /// How long a row of the ledger is kept that waits for nobody.
    pub ledger_ms: u64,
    /// So many rows are kept in memory before they go to the long ledger.
    pub fresh_rows: usize,
    /// So much of all else, likewise.
    pub fresh_bytes: usize,
    /// Seals what is kept of scopes that ask for it.
    pub sealer: Option<Arc<dyn Sealer>>,
    /// A store that a power cut breaks, to show that the power-cut test sees it.
    #[doc(hidden)]
    pub without_sync: bool,
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 16 << 20,
            segment_file_bytes: 64 << 20,
            evidence_bytes: 4 << 30,
            evidence_ms: 30 * DAY_MS,
            ledger_ms: 400 * DAY_MS,
            fresh_rows: crate::chaos::fresh_rows(16_384),
            fresh_bytes: 16 << 20,
            sealer: None,
            without_sync: false,
        }
    }
}
