//! The trait that every store keeps. State is kept apart by scope.

use async_trait::async_trait;
use duijie_record::{Scope, SourceKey};

use crate::{
    Change, Checkpoint, DeadLetter, Error, Hold, Intent, IntentId, LedgerRow, RunRow, SegmentRef,
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

    /// All of it or nothing; durable against a power cut when it returns.
    /// Commits of several pipelines share one sync.
    async fn commit(&self, claim: &Claim, changes: Vec<Change>) -> Result<(), Error>;

    /// An id that no intent of this store had.
    fn next_intent_id(&self) -> IntentId;

    /// Lays an intent's documents (JSON Lines) aside. Durable at the latest
    /// when the commit that names the reference returns.
    async fn append_segment(&self, claim: &Claim, data: &[u8]) -> Result<SegmentRef, Error>;

    /// Reads documents back, with their checksum verified.
    fn read_segment(&self, scope: &Scope, segment: &SegmentRef) -> Result<Vec<u8>, Error>;

    fn checkpoint(&self, scope: &Scope) -> Result<Option<Checkpoint>, Error>;

    /// Oldest first.
    fn open_intents(&self, scope: &Scope) -> Result<Vec<Intent>, Error>;

    /// One answer a key, in order.
    fn ledger(&self, scope: &Scope, keys: &[SourceKey]) -> Result<Vec<Option<LedgerRow>>, Error>;

    /// By source key, then part.
    fn dead_letters(&self, scope: &Scope) -> Result<Vec<DeadLetter>, Error>;

    /// By source key, then part.
    fn holds(&self, scope: &Scope) -> Result<Vec<Hold>, Error>;

    /// Newest first.
    fn runs(&self, scope: &Scope, limit: usize) -> Result<Vec<RunRow>, Error>;

    /// Every scope that was ever claimed, by name.
    fn scopes(&self) -> Result<Vec<Scope>, Error>;
}
