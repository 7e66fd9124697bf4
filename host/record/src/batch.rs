//! What crosses between stages: data as JSON Lines, small typed things beside it.

use crate::{Position, SourceKey, TargetKey, Version};

/// What happened to a document in its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    Upsert,
    Delete,
}

/// What the host keeps of one record beside its line of data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordEntry {
    pub key: SourceKey,
    pub version: Option<Version>,
    pub change: Change,
    pub ack_token: Option<String>,
}

/// Records as a source gave them: line `i` of `data` belongs to `entries[i]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordBatch {
    pub data: Vec<u8>,
    pub entries: Vec<RecordEntry>,
    /// Where to go on after this batch; `None` means no checkpoint here.
    pub position: Option<Position>,
}

/// What a transform made of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Keep,
    Drop(String),
    Reject(Rejection),
}

/// One line that a transform wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedLine {
    /// Indices of the records that it was made of.
    pub sources: Vec<u32>,
    /// Stable name of this document among those of its source.
    pub part: String,
}

/// What a transform gave: line `i` of `data` belongs to `lines[i]`, and
/// `verdicts[j]` to record `j` of what went in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedBatch {
    pub data: Vec<u8>,
    pub lines: Vec<MappedLine>,
    pub verdicts: Vec<Verdict>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Create,
    Update,
    Cancel,
}

/// One document on its way into a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentEntry {
    pub target_key: TargetKey,
    pub action: Action,
    /// The target's own id, where the host knows it.
    pub known_id: Option<String>,
    /// 1 for the first try.
    pub attempt: u32,
}

/// Documents for a target: line `i` of `data` belongs to `entries[i]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentBatch {
    pub data: Vec<u8>,
    pub entries: Vec<DocumentEntry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    Never,
    Later,
}

/// A record that was refused; nothing of it took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub code: String,
    pub message: String,
    pub field: Option<String>,
    pub retry: Retry,
}

/// What became of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It stands in the target, under this id where one was told.
    Applied(Option<String>),
    /// Nothing of it took effect.
    Rejected(Rejection),
    /// No answer, or none that can be understood. Never read as a failure.
    Unknown(String),
}

/// Whether a document may still be changed in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Open,
    /// With the target's word for why.
    Locked(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDocument {
    pub id: String,
    pub state: State,
}

/// What a look-up by target key found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    Found(FoundDocument),
    /// A control read on the same path succeeded, and the document is not there.
    Absent,
    FoundTwice(Vec<FoundDocument>),
    CannotTell(String),
}

/// A document that stands in the target, on its way through the target's steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepEntry {
    pub target_key: TargetKey,
    /// The target's own id, where the host knows it.
    pub id: Option<String>,
}

/// How far a document has come in the target, by its own state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The steps that have taken effect.
    Done(Vec<String>),
    /// A control read on the same path succeeded, and the document is not there.
    Absent,
    /// Something else stands under its number, or it stands there twice.
    Conflict(String),
    CannotTell(String),
}

/// What became of a record that its source wants acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// Its documents stand in the target, under this id where one is known.
    Applied(Option<String>),
    /// Refused, and kept for a person.
    Rejected(Rejection),
    /// Left out on purpose, with the reason.
    Dropped(String),
}

/// A record to be acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    pub key: SourceKey,
    /// As the source gave it with the record.
    pub token: String,
    pub resolution: Resolution,
}

/// What the source said to an acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acknowledged {
    /// The record does not come again.
    Yes,
    /// It comes again, and asking again would be refused again.
    Refused(Rejection),
    /// No answer, or none that can be understood.
    Unknown(String),
}
