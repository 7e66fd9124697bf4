//! The stored structs, and the way between them and the types of the crate.
//! They borrow: from the change on the way in, from the disk's bytes on the
//! way out.

mod run;

pub(crate) use run::RunRowV1;

use duijie_record::{Action, Position, RunId, SourceKey, TargetKey, Version};
use serde::{Deserialize, Serialize};

use crate::{
    Checkpoint, DeadLetter, DocumentRow, DocumentState, Fingerprint, Hold, Intent, IntentEntry,
    IntentId, LedgerRow, SegmentRef,
};

/// Little-endian.
type PrintV1 = [u8; 16];

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IntentMarkV1 {
    pub(crate) highest: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ClaimV1<'a> {
    pub(crate) scope: &'a str,
    pub(crate) epoch: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckpointV1<'a> {
    position: &'a [u8],
    run: &'a str,
    at_ms: u64,
}

impl<'a> From<&'a Checkpoint> for CheckpointV1<'a> {
    fn from(checkpoint: &'a Checkpoint) -> Self {
        Self {
            position: &checkpoint.position.0,
            run: &checkpoint.run.0,
            at_ms: checkpoint.at_ms,
        }
    }
}

impl From<CheckpointV1<'_>> for Checkpoint {
    fn from(stored: CheckpointV1<'_>) -> Self {
        Self {
            position: Position(stored.position.to_vec()),
            run: RunId::from(stored.run),
            at_ms: stored.at_ms,
        }
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum ActionV1 {
    Create,
    Update,
    Cancel,
}

impl From<Action> for ActionV1 {
    fn from(action: Action) -> Self {
        match action {
            Action::Create => Self::Create,
            Action::Update => Self::Update,
            Action::Cancel => Self::Cancel,
        }
    }
}

impl From<ActionV1> for Action {
    fn from(stored: ActionV1) -> Self {
        match stored {
            ActionV1::Create => Self::Create,
            ActionV1::Update => Self::Update,
            ActionV1::Cancel => Self::Cancel,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct IntentEntryV1<'a> {
    #[serde(borrow)]
    source_key: &'a str,
    part: &'a str,
    version: Option<&'a str>,
    source_print: PrintV1,
    mapped_print: PrintV1,
    target_key: &'a str,
    action: ActionV1,
    known_id: Option<&'a str>,
    attempt: u32,
}

impl<'a> From<&'a IntentEntry> for IntentEntryV1<'a> {
    fn from(entry: &'a IntentEntry) -> Self {
        Self {
            source_key: &entry.source_key.0,
            part: &entry.part,
            version: entry.version.as_ref().map(Version::as_str),
            source_print: entry.source_print.0.to_le_bytes(),
            mapped_print: entry.mapped_print.0.to_le_bytes(),
            target_key: &entry.target_key.0,
            action: entry.action.into(),
            known_id: entry.known_id.as_deref(),
            attempt: entry.attempt,
        }
    }
}

impl From<IntentEntryV1<'_>> for IntentEntry {
    fn from(stored: IntentEntryV1<'_>) -> Self {
        Self {
            source_key: SourceKey::from(stored.source_key),
            part: stored.part.to_owned(),
            version: stored.version.map(Version::from),
            source_print: Fingerprint(u128::from_le_bytes(stored.source_print)),
            mapped_print: Fingerprint(u128::from_le_bytes(stored.mapped_print)),
            target_key: TargetKey::from(stored.target_key),
            action: stored.action.into(),
            known_id: stored.known_id.map(str::to_owned),
            attempt: stored.attempt,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct SegmentRefV1 {
    file: u64,
    offset: u64,
    bytes: u64,
    crc: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IntentV1<'a> {
    id: u64,
    run: &'a str,
    at_ms: u64,
    #[serde(borrow)]
    entries: Vec<IntentEntryV1<'a>>,
    segment: SegmentRefV1,
}

impl<'a> From<&'a Intent> for IntentV1<'a> {
    fn from(intent: &'a Intent) -> Self {
        let segment = &intent.segment;
        Self {
            id: intent.id.0,
            run: &intent.run.0,
            at_ms: intent.at_ms,
            entries: intent.entries.iter().map(IntentEntryV1::from).collect(),
            segment: SegmentRefV1 {
                file: segment.file,
                offset: segment.offset,
                bytes: segment.bytes,
                crc: segment.crc,
            },
        }
    }
}

impl From<IntentV1<'_>> for Intent {
    fn from(stored: IntentV1<'_>) -> Self {
        let segment = stored.segment;
        Self {
            id: IntentId(stored.id),
            run: RunId::from(stored.run),
            at_ms: stored.at_ms,
            entries: stored.entries.into_iter().map(IntentEntry::from).collect(),
            segment: SegmentRef {
                file: segment.file,
                offset: segment.offset,
                bytes: segment.bytes,
                crc: segment.crc,
            },
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
enum DocumentStateV1<'a> {
    Applied,
    Rejected,
    Held(&'a str),
}

#[derive(Debug, Serialize, Deserialize)]
struct DocumentRowV1<'a> {
    part: &'a str,
    target_key: &'a str,
    target_id: Option<&'a str>,
    mapped_print: PrintV1,
    #[serde(borrow)]
    state: DocumentStateV1<'a>,
    attempts: u32,
}

impl<'a> From<&'a DocumentRow> for DocumentRowV1<'a> {
    fn from(row: &'a DocumentRow) -> Self {
        Self {
            part: &row.part,
            target_key: &row.target_key.0,
            target_id: row.target_id.as_deref(),
            mapped_print: row.mapped_print.0.to_le_bytes(),
            state: match &row.state {
                DocumentState::Applied => DocumentStateV1::Applied,
                DocumentState::Rejected => DocumentStateV1::Rejected,
                DocumentState::Held(reason) => DocumentStateV1::Held(reason),
            },
            attempts: row.attempts,
        }
    }
}

impl From<DocumentRowV1<'_>> for DocumentRow {
    fn from(stored: DocumentRowV1<'_>) -> Self {
        Self {
            part: stored.part.to_owned(),
            target_key: TargetKey::from(stored.target_key),
            target_id: stored.target_id.map(str::to_owned),
            mapped_print: Fingerprint(u128::from_le_bytes(stored.mapped_print)),
            state: match stored.state {
                DocumentStateV1::Applied => DocumentState::Applied,
                DocumentStateV1::Rejected => DocumentState::Rejected,
                DocumentStateV1::Held(reason) => DocumentState::Held(reason.to_owned()),
            },
            attempts: stored.attempts,
        }
    }
}

/// A block holds many of these behind one version byte.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LedgerRowV1<'a> {
    pub(crate) source_key: &'a str,
    version: Option<&'a str>,
    source_print: PrintV1,
    #[serde(borrow)]
    documents: Vec<DocumentRowV1<'a>>,
    run: &'a str,
    at_ms: u64,
}

impl<'a> From<&'a LedgerRow> for LedgerRowV1<'a> {
    fn from(row: &'a LedgerRow) -> Self {
        Self {
            source_key: &row.source_key.0,
            version: row.version.as_ref().map(Version::as_str),
            source_print: row.source_print.0.to_le_bytes(),
            documents: row.documents.iter().map(DocumentRowV1::from).collect(),
            run: &row.run.0,
            at_ms: row.at_ms,
        }
    }
}

impl From<LedgerRowV1<'_>> for LedgerRow {
    fn from(stored: LedgerRowV1<'_>) -> Self {
        Self {
            source_key: SourceKey::from(stored.source_key),
            version: stored.version.map(Version::from),
            source_print: Fingerprint(u128::from_le_bytes(stored.source_print)),
            documents: stored
                .documents
                .into_iter()
                .map(DocumentRow::from)
                .collect(),
            run: RunId::from(stored.run),
            at_ms: stored.at_ms,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeadLetterV1<'a> {
    source_key: &'a str,
    part: &'a str,
    target_key: Option<&'a str>,
    code: &'a str,
    message: &'a str,
    field: Option<&'a str>,
    attempts: u32,
    payload: &'a [u8],
    run: &'a str,
    at_ms: u64,
}

impl<'a> From<&'a DeadLetter> for DeadLetterV1<'a> {
    fn from(letter: &'a DeadLetter) -> Self {
        Self {
            source_key: &letter.source_key.0,
            part: &letter.part,
            target_key: letter.target_key.as_ref().map(TargetKey::as_str),
            code: &letter.code,
            message: &letter.message,
            field: letter.field.as_deref(),
            attempts: letter.attempts,
            payload: &letter.payload,
            run: &letter.run.0,
            at_ms: letter.at_ms,
        }
    }
}

impl From<DeadLetterV1<'_>> for DeadLetter {
    fn from(stored: DeadLetterV1<'_>) -> Self {
        Self {
            source_key: SourceKey::from(stored.source_key),
            part: stored.part.to_owned(),
            target_key: stored.target_key.map(TargetKey::from),
            code: stored.code.to_owned(),
            message: stored.message.to_owned(),
            field: stored.field.map(str::to_owned),
            attempts: stored.attempts,
            payload: stored.payload.to_vec(),
            run: RunId::from(stored.run),
            at_ms: stored.at_ms,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HoldV1<'a> {
    source_key: &'a str,
    part: &'a str,
    target_key: &'a str,
    version: Option<&'a str>,
    reason: &'a str,
    payload: &'a [u8],
    run: &'a str,
    at_ms: u64,
}

impl<'a> From<&'a Hold> for HoldV1<'a> {
    fn from(hold: &'a Hold) -> Self {
        Self {
            source_key: &hold.source_key.0,
            part: &hold.part,
            target_key: &hold.target_key.0,
            version: hold.version.as_ref().map(Version::as_str),
            reason: &hold.reason,
            payload: &hold.payload,
            run: &hold.run.0,
            at_ms: hold.at_ms,
        }
    }
}

impl From<HoldV1<'_>> for Hold {
    fn from(stored: HoldV1<'_>) -> Self {
        Self {
            source_key: SourceKey::from(stored.source_key),
            part: stored.part.to_owned(),
            target_key: TargetKey::from(stored.target_key),
            version: stored.version.map(Version::from),
            reason: stored.reason.to_owned(),
            payload: stored.payload.to_vec(),
            run: RunId::from(stored.run),
            at_ms: stored.at_ms,
        }
    }
}
