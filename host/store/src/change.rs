//! What can be committed, as the pipeline sees it. Stored forms are versioned
//! structs of their own in `codec`.

use duijie_record::{Action, Position, RunId, SourceKey, TargetKey, Version};

/// XXH3-128 of a line's bytes. Tells change from no change; it is no proof
/// against someone who forges lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u128);

impl Fingerprint {
    pub fn of(line: &[u8]) -> Self {
        Self(xxhash_rust::xxh3::xxh3_128(line))
    }
}

/// Grows by one with every intent of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId(pub u64);

/// Where an intent's documents lie on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRef {
    pub file: u64,
    pub offset: u64,
    pub bytes: u64,
    pub crc: u32,
}

/// One document that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentEntry {
    pub source_key: SourceKey,
    pub part: String,
    pub version: Option<Version>,
    pub source_print: Fingerprint,
    pub mapped_print: Fingerprint,
    pub target_key: TargetKey,
    pub action: Action,
    pub known_id: Option<String>,
    pub attempt: u32,
}

/// What is about to be sent in one call, durable before it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    pub id: IntentId,
    pub run: RunId,
    /// Unix milliseconds.
    pub at_ms: u64,
    pub entries: Vec<IntentEntry>,
    pub segment: SegmentRef,
}

/// Where a run goes on: everything before it is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub position: Position,
    pub run: RunId,
    pub at_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentState {
    Applied,
    /// Refused; the payload lies in the dead letters.
    Rejected,
    /// Waits for a person, with the reason.
    Held(String),
}

/// One document that a record became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRow {
    pub part: String,
    pub target_key: TargetKey,
    pub target_id: Option<String>,
    pub mapped_print: Fingerprint,
    pub state: DocumentState,
    pub attempts: u32,
}

/// What is known of one source document: the latest version dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    pub source_key: SourceKey,
    pub version: Option<Version>,
    pub source_print: Fingerprint,
    /// Empty where the transform dropped the record.
    pub documents: Vec<DocumentRow>,
    pub run: RunId,
    pub at_ms: u64,
}

/// A record that was refused, by the transform or by the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    pub source_key: SourceKey,
    pub part: String,
    pub target_key: Option<TargetKey>,
    pub code: String,
    pub message: String,
    pub field: Option<String>,
    pub attempts: u32,
    /// The source's line where the transform refused it, else the document.
    pub payload: Vec<u8>,
    pub run: RunId,
    pub at_ms: u64,
}

/// A document that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub source_key: SourceKey,
    pub part: String,
    pub target_key: TargetKey,
    pub version: Option<Version>,
    pub reason: String,
    /// The document that was not sent.
    pub payload: Vec<u8>,
    pub run: RunId,
    pub at_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
    Running,
    Finished,
    /// Stopped by a person; may be continued.
    Stopped,
    Failed(String),
}

/// One run, for `duijie runs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    pub run: RunId,
    pub started_ms: u64,
    pub ended_ms: Option<u64>,
    pub state: RunState,
    pub manifest_digest: String,
    pub read: u64,
    pub unchanged: u64,
    pub dropped: u64,
    pub applied: u64,
    pub rejected: u64,
    pub held: u64,
}

/// One element of an atomic commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Opens an intent; its segment was appended before.
    Intent(Intent),
    /// Closes one: every entry has its outcome in this same commit or before.
    Settle(IntentId),
    Ledger(LedgerRow),
    /// Takes the place of an earlier one of the same source key and part.
    DeadLetter(DeadLetter),
    /// Takes the place of an earlier one of the same source key and part.
    Hold(Hold),
    /// The hold and the dead letter of this source key and part are gone, where
    /// there are any.
    Release {
        source_key: SourceKey,
        part: String,
    },
    Checkpoint(Checkpoint),
    /// The next run begins at the start again; the ledger stays.
    ResetCheckpoint,
    /// Takes the place of an earlier row of the same run.
    Run(RunRow),
}
