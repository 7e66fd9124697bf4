//! What can be committed, as the pipeline sees it. Stored forms are versioned
//! structs of their own in `codec`.

use duijie_record::{Action, Position, RunId, SourceKey, TargetKey, Version};

use crate::{Fill, Group, GroupPart, Member, Owed, TableRow};

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

/// What lies in a segment file, and so how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SegmentKind {
    /// Documents of intents: durable before they are sent, kept while their
    /// intent is open, and after that as evidence.
    Documents,
    /// Source records and exchanges, for `trace`: never waited for, dropped
    /// when they grow too old or too many.
    Evidence,
}

/// Where lines lie on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRef {
    pub kind: SegmentKind,
    pub file: u64,
    pub offset: u64,
    pub bytes: u64,
    pub crc: u32,
}

/// One line of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRef {
    pub segment: SegmentRef,
    /// From 0.
    pub line: u32,
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
    /// 0 for the document itself; else which of the pipeline's steps, from 1.
    /// The document stands, then, under [`IntentEntry::known_id`] where an id
    /// was told.
    pub step: u8,
    /// The source's record.
    pub record: Option<LineRef>,
    /// What the tries of this version came to so far.
    pub tries: Vec<Try>,
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
    /// Empty for the live run; a backfill has a position of its own.
    pub lane: String,
    pub position: Position,
    pub run: RunId,
    pub at_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentState {
    Applied,
    /// Refused; it lies in the dead letters.
    Rejected,
    /// Waits for a person, with the reason.
    Held(String),
    /// Applied once, and taken back since.
    Cancelled,
    /// A person decided that this version is not to be sent.
    Discarded,
    /// It is part of a group's record, whose source key stands as its target
    /// key: what becomes of that one becomes of it.
    Grouped,
}

/// What one try of a document came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    Applied,
    Rejected {
        code: String,
        message: String,
    },
    /// Refused for now.
    Later {
        code: String,
        message: String,
    },
    Unknown(String),
    /// A look-up told, after doubt or before a first send that caution asks
    /// for, that it stands.
    Found,
    /// A look-up told that it does not.
    Absent,
    /// A person said so.
    Decided(String),
}

/// One line of a document's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    pub run: RunId,
    pub at_ms: u64,
    /// `None` for what was decided without a send.
    pub intent: Option<IntentId>,
    pub action: Action,
    /// As in [`IntentEntry::step`].
    pub step: u8,
    pub came: Came,
    /// The exchange with the target, where one was kept.
    pub exchange: Option<LineRef>,
}

/// So many tries are kept of one document; the oldest go.
pub const TRIES: usize = 8;

/// One document that a record became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRow {
    pub part: String,
    pub target_key: TargetKey,
    pub target_id: Option<String>,
    pub mapped_print: Fingerprint,
    pub state: DocumentState,
    /// 0 for the document itself; else the step, from 1, that its state is
    /// about. The document stands, then, and the steps before are taken.
    pub step: u8,
    pub attempts: u32,
    /// Oldest first, at most [`TRIES`].
    pub tries: Vec<Try>,
    /// The document as it was last sent.
    pub sent: Option<LineRef>,
}

/// What is known of one source document: the latest version dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    pub source_key: SourceKey,
    pub version: Option<Version>,
    pub source_print: Fingerprint,
    /// Empty where the transform dropped the record.
    pub documents: Vec<DocumentRow>,
    /// The record as it was read.
    pub record: Option<LineRef>,
    pub run: RunId,
    pub at_ms: u64,
}

impl LedgerRow {
    /// Whether its source key, a target key or a target id is this number.
    pub fn has_number(&self, number: &str) -> bool {
        self.source_key.as_str() == number
            || self.documents.iter().any(|document| {
                document.target_key.as_str() == number
                    || document.target_id.as_deref() == Some(number)
            })
    }

    /// Everything that it leads to.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &LineRef> {
        let tries = self.documents.iter().flat_map(|one| &one.tries);
        let exchanges = tries.filter_map(|one| one.exchange.as_ref());
        let sent = self.documents.iter().filter_map(|one| one.sent.as_ref());
        self.record.iter().chain(exchanges).chain(sent)
    }
}

/// A record that was refused, by a transform or by the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    pub source_key: SourceKey,
    pub part: String,
    pub version: Option<Version>,
    pub target_key: Option<TargetKey>,
    pub code: String,
    pub message: String,
    pub field: Option<String>,
    pub attempts: u32,
    /// The source's line; empty where it is no longer known.
    pub record: Vec<u8>,
    /// What the target refused; `None` where a transform refused the record.
    pub document: Option<Vec<u8>>,
    /// What a person wrote in place of the document, or else of the record.
    pub edited: Option<Vec<u8>>,
    pub exchange: Option<LineRef>,
    pub run: RunId,
    pub at_ms: u64,
}

/// Why a document waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HoldKind {
    /// `on_change: hold` wants it so.
    Change,
    /// The target says that it may not be changed.
    Locked,
    /// It cannot be told whether a write took effect.
    Doubt,
    /// The target has something else under its number or id.
    Conflict,
    /// The target has it more than once.
    Twice,
    /// State was restored or reset, and the target cannot be asked whether it
    /// has it already.
    Caution,
    /// Its group was sent before it came.
    Late,
}

impl HoldKind {
    /// Whether something is wrong in the target that nobody may repair but a
    /// person.
    pub fn is_alarm(self) -> bool {
        matches!(self, Self::Conflict | Self::Twice)
    }
}

/// A document that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub source_key: SourceKey,
    pub part: String,
    pub target_key: TargetKey,
    /// Where it is known.
    pub target_id: Option<String>,
    pub version: Option<Version>,
    /// What was not done.
    pub action: Action,
    pub kind: HoldKind,
    pub reason: String,
    /// The source's line; empty where it is no longer known.
    pub record: Vec<u8>,
    /// The document that was not sent.
    pub document: Vec<u8>,
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
    /// `live`, or what else the run was for, such as `backfill …`.
    pub purpose: String,
    pub manifest_digest: String,
    /// Name and digest of each component, in the order of the record's road, and
    /// after them of each value table that was read, as [`RunRow::TABLE`] and
    /// its name.
    pub components: Vec<(String, String)>,
    pub read: u64,
    pub unchanged: u64,
    pub dropped: u64,
    pub applied: u64,
    pub rejected: u64,
    pub held: u64,
}

impl RunRow {
    /// What the name of a value table begins with, among the components.
    pub const TABLE: &'static str = "table ";
}

/// Why the ledger of a scope may know less than was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caution {
    pub reason: String,
    pub at_ms: u64,
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
    /// The lane's next run begins at the start again; the ledger stays.
    ResetCheckpoint {
        lane: String,
    },
    /// Takes the place of an earlier one of the same part and source key.
    Member(Member),
    /// It is no member of this part any more.
    Leave {
        place: GroupPart,
        source_key: SourceKey,
    },
    /// Takes the place of an earlier one of the same part.
    Group(Group),
    /// The part is gone, and each of its members leaves with a change of its
    /// own.
    Dissolve(GroupPart),
    /// From now on every key is looked up before it is first sent; `None`
    /// ends that.
    Caution(Option<Caution>),
    /// The scope's state belongs to this target from now on.
    Bind(String),
    /// Takes the place of an earlier row of the same run.
    Run(RunRow),
    /// Takes the place of an earlier one of the same source key and token.
    Owe(Owed),
    /// Nothing is owed under this source key and token any more.
    Paid {
        source_key: SourceKey,
        token: String,
    },
    /// Takes the place of an earlier one of the same table and key.
    TableRow(TableRow),
    /// The row is gone, where there is one.
    DropTableRow {
        table: String,
        key: String,
    },
    /// Takes the place of an earlier one of the same table.
    Fill(Fill),
    /// Where the scope's schedule stands, in a form of its owner's. Takes the
    /// place of what was there.
    Schedule(Vec<u8>),
}
