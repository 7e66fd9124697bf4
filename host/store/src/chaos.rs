//! Named points at which a test may kill the process, and guards that a test
//! may take away to show that they matter. Without the feature `chaos` every
//! function here is empty: no shipped binary knows of it.

/// Places in the order in which a run comes by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Point {
    /// A claim was taken and nothing else done.
    AfterClaim,
    /// Recovery has read the open intents.
    RecoveryBegins,
    /// Recovery knows what a look-up found, and has not written it.
    RecoveryLookedUp,
    BeforeIntent,
    /// A segment was written, its intent was not.
    AfterSegment,
    AfterIntent,
    /// Some time after a send began.
    DuringSend,
    /// Answered, and nothing of it written.
    AfterSend,
    /// A look-up answered a doubt, and nothing of it is written.
    AfterLookup,
    /// A batch was cut in two and the halves have no outcome.
    AfterBisect,
    BeforeOutcome,
    AfterOutcome,
    BeforeCheckpoint,
    AfterCheckpoint,
    /// The store has applied a commit and not synced it.
    BeforeSync,
    AfterSync,
    /// Rows are in the long ledger and still among the fresh ones.
    DuringArchive,
    AfterArchive,
    /// Compaction has begun.
    DuringCompaction,
    /// A dead letter is being replayed or a hold resolved.
    DuringReplay,
    BeforeRunEnds,
    /// What the source is owed is durable, and nothing of it was sent.
    BeforeAcknowledge,
    /// The source has answered, and nothing of that is durable.
    AfterAcknowledge,
    /// Records are members of their groups, and nothing of that is durable.
    BeforeMembers,
    /// Members and what they closed are durable; the checkpoint has not moved
    /// past them, and no group's record has gone on.
    AfterMembers,
    /// The next closed group is about to go on as one record.
    BeforeGroupGoes,
    /// A group's document is done with, and its members are still kept.
    BeforeMembersGo,
}

/// What keeps a promise. Taken away one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guard {
    /// The intent is durable before the send.
    IntentBeforeSend,
    /// Outcomes are durable before the checkpoint passes them.
    OutcomeBeforeCheckpoint,
    /// The checkpoint is the end of the contiguous resolved prefix.
    ContiguousPrefix,
    /// An open intent is looked up before it is sent again.
    LookUpInDoubt,
    /// The settle time passes before a look-up is believed.
    SettleTime,
    /// No answer is no failure.
    UnknownIsNotFailure,
    /// The ledger tells what was dealt with.
    LedgerDedup,
    /// One open intent a target key.
    OneIntentPerKey,
    /// A lower version does not follow a higher one.
    VersionOrder,
    /// The target's state is read before a change.
    ReadBeforeChange,
    /// After a restore or a reset a key is looked up before it is sent.
    Caution,
    /// Members of groups are durable before the checkpoint passes them.
    MembersBeforeCheckpoint,
    /// That a group is closed is durable before its record goes on.
    ClosedBeforeItGoes,
    /// The intent of the first step is made in the commit that settles the
    /// write.
    StepIntentWithWrite,
}

impl Point {
    /// Those that any run may come by.
    pub const ALL: [Self; 21] = [
        Self::AfterClaim,
        Self::RecoveryBegins,
        Self::RecoveryLookedUp,
        Self::BeforeIntent,
        Self::AfterSegment,
        Self::AfterIntent,
        Self::DuringSend,
        Self::AfterSend,
        Self::AfterLookup,
        Self::AfterBisect,
        Self::BeforeOutcome,
        Self::AfterOutcome,
        Self::BeforeCheckpoint,
        Self::AfterCheckpoint,
        Self::BeforeSync,
        Self::AfterSync,
        Self::DuringArchive,
        Self::AfterArchive,
        Self::DuringCompaction,
        Self::DuringReplay,
        Self::BeforeRunEnds,
    ];

    /// Those that only a source which wants acknowledgements has.
    pub const ACKNOWLEDGING: [Self; 2] = [Self::BeforeAcknowledge, Self::AfterAcknowledge];

    /// Those that only a pipeline with groups has.
    pub const GROUPING: [Self; 4] = [
        Self::BeforeMembers,
        Self::AfterMembers,
        Self::BeforeGroupGoes,
        Self::BeforeMembersGo,
    ];
}

impl Guard {
    pub const ALL: [Self; 14] = [
        Self::IntentBeforeSend,
        Self::OutcomeBeforeCheckpoint,
        Self::ContiguousPrefix,
        Self::LookUpInDoubt,
        Self::SettleTime,
        Self::UnknownIsNotFailure,
        Self::LedgerDedup,
        Self::OneIntentPerKey,
        Self::VersionOrder,
        Self::ReadBeforeChange,
        Self::Caution,
        Self::MembersBeforeCheckpoint,
        Self::ClosedBeforeItGoes,
        Self::StepIntentWithWrite,
    ];
}

/// Ends the process here when a test asked for it.
#[cfg(not(feature = "chaos"))]
#[inline(always)]
pub fn reach(_point: Point) {}

/// Whether a test took this guard away.
#[cfg(not(feature = "chaos"))]
#[inline(always)]
pub const fn is_off(_guard: Guard) -> bool {
    false
}

/// So many rows stay fresh before they move to the long ledger.
#[cfg(not(feature = "chaos"))]
#[inline(always)]
pub const fn fresh_rows(usual: usize) -> usize {
    usual
}

#[cfg(feature = "chaos")]
pub use armed::{fresh_rows, is_off, reach};

#[cfg(feature = "chaos")]
mod armed;
