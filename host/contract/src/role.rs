//! The roles as the pipeline drives them. One owner drives one instance;
//! no two calls into one instance overlap.

use async_trait::async_trait;
use duijie_record::{
    Acknowledged, Acknowledgement, DocumentBatch, Finding, MappedBatch, Outcome, Position,
    Progress, RecordBatch, StepEntry, TargetKey,
};

use crate::{Exchange, Fault};

/// A reader, opened at a position.
#[async_trait]
pub trait Source: Send {
    /// The next batch of about `limit` records; `None` when there is nothing
    /// more now. The source may hold up to `ahead` answers read in advance.
    /// After a passing fault it may be called again and skips nothing.
    async fn next(&mut self, limit: u32, ahead: u32) -> Result<Option<RecordBatch>, Fault>;

    /// Everything up to `position` is durable at the target. In order, only
    /// with positions that this source gave.
    async fn committed(&mut self, position: &Position) -> Result<(), Fault>;
}

/// A mapper with its settings compiled.
#[async_trait]
pub trait Transform: Send {
    /// Gives exactly one verdict a record and one entry in `lines` a line.
    async fn apply(&mut self, batch: &RecordBatch) -> Result<MappedBatch, Fault>;
}

/// A writer into one collection.
#[async_trait]
pub trait Target: Send {
    /// One outcome an entry, in order. The caller has made the intent durable
    /// before; a fault says that no write left the host, and whatever cannot
    /// be told is an [`Outcome::Unknown`].
    ///
    /// Two last words of a rejection's code mean something, alone or after the
    /// connector's own words and a dot: `duplicate`, the system has the
    /// document already; and `batch`, the call was refused as a whole and not
    /// this document. The caller cuts such a batch until one stands alone.
    async fn write(&mut self, batch: &DocumentBatch) -> Result<Vec<Outcome>, Fault>;

    /// The write requests of the last [`Target::write`], oldest first, at
    /// most the last 16. Each is given once, and forgotten at the next write.
    fn take_exchanges(&mut self) -> Vec<Exchange> {
        Vec::new()
    }
}

/// Finds documents again. Reads only.
#[async_trait]
pub trait Lookup: Send {
    /// One finding a key, in order.
    async fn find(&mut self, keys: &[TargetKey]) -> Result<Vec<Finding>, Fault>;
}

/// Takes documents that stand in the target through what comes after, such as
/// submit and audit.
#[async_trait]
pub trait Steps: Send {
    /// How far each has come, in order. Reads only.
    async fn progress(&mut self, entries: &[StepEntry]) -> Result<Vec<Progress>, Fault>;

    /// Takes one step with each; one outcome an entry, in order, without ids.
    /// As with [`Target::write`], the caller has made the intent durable
    /// before, and a fault says that no write left the host.
    async fn perform(&mut self, step: &str, entries: &[StepEntry]) -> Result<Vec<Outcome>, Fault>;

    /// The write requests of the last [`Steps::perform`], as
    /// [`Target::take_exchanges`] gives them.
    fn take_exchanges(&mut self) -> Vec<Exchange> {
        Vec::new()
    }
}

/// Tells a source what became of records that come again until it knows.
#[async_trait]
pub trait Acknowledge: Send {
    /// One answer an entry, in order. That these are owed is durable before,
    /// and whatever cannot be told is [`Acknowledged::Unknown`]; a fault says
    /// that nothing left the host.
    async fn acknowledge(
        &mut self,
        entries: &[Acknowledgement],
    ) -> Result<Vec<Acknowledged>, Fault>;
}
