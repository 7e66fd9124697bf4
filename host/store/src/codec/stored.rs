//! The stored structs, and the way between them and the types of the crate.
//! They borrow: from the change on the way in, from the disk's bytes on the
//! way out.

mod filled;
mod letter;
mod member;
mod owed;
mod place;
mod row;
mod run;

pub(crate) use filled::{FillV1, TableRowV1};
pub(crate) use letter::{DeadLetterV1, HoldV1};
pub(crate) use member::{GroupV1, MemberV1};
pub(crate) use owed::OwedV1;
pub(crate) use row::{LedgerRowV1, LongRowV1};
pub(crate) use run::RunRowV1;

use duijie_record::{Action, Position, RunId, SourceKey, TargetKey, Version};
use serde::{Deserialize, Serialize};

use crate::{Caution, Checkpoint, Fingerprint, Intent, IntentEntry, IntentId, LineRef, Try};
use place::{LineRefV1, SegmentRefV1};
use row::TryV1;

/// Little-endian.
type PrintV1 = [u8; 16];

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IntentMarkV1 {
    pub(crate) highest: u64,
}

/// The number of a redo record.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FoldedV1 {
    pub(crate) last: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ClaimV1<'a> {
    pub(crate) scope: &'a str,
    pub(crate) epoch: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CautionV1<'a> {
    reason: &'a str,
    at_ms: u64,
}

impl<'a> From<&'a Caution> for CautionV1<'a> {
    fn from(caution: &'a Caution) -> Self {
        Self {
            reason: &caution.reason,
            at_ms: caution.at_ms,
        }
    }
}

impl From<CautionV1<'_>> for Caution {
    fn from(stored: CautionV1<'_>) -> Self {
        Self {
            reason: stored.reason.to_owned(),
            at_ms: stored.at_ms,
        }
    }
}

/// The target that a scope's state belongs to.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BoundV1<'a> {
    pub(crate) target: &'a str,
}

/// In the form of the schedule's owner, which has a version of its own.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ScheduleV1<'a> {
    pub(crate) state: &'a [u8],
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckpointV1<'a> {
    pub(crate) lane: &'a str,
    position: &'a [u8],
    run: &'a str,
    at_ms: u64,
}

impl<'a> From<&'a Checkpoint> for CheckpointV1<'a> {
    fn from(checkpoint: &'a Checkpoint) -> Self {
        Self {
            lane: &checkpoint.lane,
            position: &checkpoint.position.0,
            run: &checkpoint.run.0,
            at_ms: checkpoint.at_ms,
        }
    }
}

impl From<CheckpointV1<'_>> for Checkpoint {
    fn from(stored: CheckpointV1<'_>) -> Self {
        Self {
            lane: stored.lane.to_owned(),
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
    step: u8,
    record: Option<LineRefV1>,
    tries: Vec<TryV1<'a>>,
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
            step: entry.step,
            record: entry.record.as_ref().map(LineRefV1::from),
            tries: entry.tries.iter().map(TryV1::from).collect(),
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
            step: stored.step,
            record: stored.record.map(LineRef::from),
            tries: stored.tries.into_iter().map(Try::from).collect(),
        }
    }
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
        Self {
            id: intent.id.0,
            run: &intent.run.0,
            at_ms: intent.at_ms,
            entries: intent.entries.iter().map(IntentEntryV1::from).collect(),
            segment: (&intent.segment).into(),
        }
    }
}

impl From<IntentV1<'_>> for Intent {
    fn from(stored: IntentV1<'_>) -> Self {
        Self {
            id: IntentId(stored.id),
            run: RunId::from(stored.run),
            at_ms: stored.at_ms,
            entries: stored.entries.into_iter().map(IntentEntry::from).collect(),
            segment: stored.segment.into(),
        }
    }
}
