//! The trait that every store keeps. State is kept apart by scope.

use async_trait::async_trait;
use duijie_record::{RunId, Scope, SourceKey, TargetKey};

use crate::{
    Caution, Change, Checkpoint, DeadLetter, Error, Fill, Group, GroupPart, Hold, Intent, IntentId,
    LedgerRow, Member, Owed, RunRow, SegmentRef, TableRow,
};

/// The right to change a scope's state. Whoever claims later wins, and the
/// earlier holder's commits fail from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub scope: Scope,
    pub epoch: u64,
}

/// Reads see what was committed, and may see a commit shortly before it is
/// durable and answered. None of them waits for a disk sync.
#[async_trait]
pub trait Store: Send + Sync {
    /// Takes a scope over; durable when it returns.
    async fn claim(&self, scope: &Scope) -> Result<Claim, Error>;

    /// What is laid down of the scope from now on is sealed, where that is
    /// wanted or was before. Fails where its key is not at hand, and nothing of
    /// it may run then.
    fn unlock(&self, scope: &Scope, sealed: bool) -> Result<(), Error>;

    /// All of it or nothing; durable against a power cut when it returns.
    /// Commits of several pipelines share one sync.
    async fn commit(&self, claim: &Claim, changes: Vec<Change>) -> Result<(), Error>;

    /// An id that no intent of this store had.
    fn next_intent_id(&self) -> IntentId;

    /// Lays an intent's documents (JSON Lines) aside. Durable at the latest
    /// when the commit that names the reference returns.
    async fn append_segment(&self, claim: &Claim, data: &[u8]) -> Result<SegmentRef, Error>;

    /// Lays evidence (JSON Lines) aside for `trace`. Nothing waits for it: a
    /// power cut may take it.
    fn append_evidence(&self, scope: &Scope, data: &[u8]) -> Result<SegmentRef, Error>;

    /// Reads documents of an open intent back, with their checksum verified.
    fn read_segment(&self, scope: &Scope, segment: &SegmentRef) -> Result<Vec<u8>, Error>;

    /// Reads what may have been dropped: `None` when it was, or when a power
    /// cut took it.
    fn kept(&self, scope: &Scope, segment: &SegmentRef) -> Result<Option<Vec<u8>>, Error>;

    fn checkpoint(&self, scope: &Scope, lane: &str) -> Result<Option<Checkpoint>, Error>;

    /// Lanes that have a checkpoint, the live one's empty name not among them.
    fn lanes(&self, scope: &Scope) -> Result<Vec<String>, Error>;

    fn caution(&self, scope: &Scope) -> Result<Option<Caution>, Error>;

    /// The target that the scope's state belongs to.
    fn bound(&self, scope: &Scope) -> Result<Option<String>, Error>;

    /// Oldest first.
    fn open_intents(&self, scope: &Scope) -> Result<Vec<Intent>, Error>;

    /// One answer a key, in order.
    fn ledger(&self, scope: &Scope, keys: &[SourceKey]) -> Result<Vec<Option<LedgerRow>>, Error>;

    /// Which source key has a document with this target key, one answer a
    /// key, in order. Of several, the one that was written last.
    fn owners(&self, scope: &Scope, keys: &[TargetKey]) -> Result<Vec<Option<SourceKey>>, Error>;

    /// Rows whose source key, target key or target id is this number, in
    /// whatever scope, the newest first.
    fn find(&self, number: &str) -> Result<Vec<(Scope, LedgerRow)>, Error>;

    /// By source key, then part.
    fn dead_letters(&self, scope: &Scope) -> Result<Vec<DeadLetter>, Error>;

    /// By source key, then part.
    fn holds(&self, scope: &Scope) -> Result<Vec<Hold>, Error>;

    /// Parts of groups that are not gone, by group, then part.
    fn groups(&self, scope: &Scope) -> Result<Vec<Group>, Error>;

    /// In the order in which they came.
    fn members(&self, scope: &Scope, place: &GroupPart) -> Result<Vec<Member>, Error>;

    /// Acknowledgements that the source is owed, by source key, then token.
    fn owed(&self, scope: &Scope) -> Result<Vec<Owed>, Error>;

    /// Where its schedule stands, as it was committed.
    fn schedule(&self, scope: &Scope) -> Result<Option<Vec<u8>>, Error>;

    fn run(&self, scope: &Scope, run: &RunId) -> Result<Option<RunRow>, Error>;

    /// Newest first.
    fn runs(&self, scope: &Scope, limit: usize) -> Result<Vec<RunRow>, Error>;

    /// Every table that was filled, by name.
    fn fills(&self) -> Result<Vec<Fill>, Error>;

    /// By key. A table is ready to be read when it is among the fills.
    fn table(&self, name: &str) -> Result<Vec<TableRow>, Error>;

    /// Every scope that was ever claimed, by name.
    fn scopes(&self) -> Result<Vec<Scope>, Error>;
}
