//! What a source is owed: acknowledgements of records that come again until
//! it has them.

use duijie_record::{Resolution, RunId, SourceKey};

/// One record whose outcome is durable, and its source not told of it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    pub source_key: SourceKey,
    /// As the source gave it with the record.
    pub token: String,
    pub resolution: Resolution,
    pub run: RunId,
    /// Unix milliseconds.
    pub at_ms: u64,
}
