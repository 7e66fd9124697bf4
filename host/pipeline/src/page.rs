//! A source batch after its data went on: what its records still wait for.

use duijie_record::{Position, RunId, SourceKey, Version};
use duijie_store::{Change, DocumentRow, DocumentState, Fingerprint, LedgerRow};

/// Stands in a ledger row while some documents of the record wait: it equals
/// no line's fingerprint, so the record is looked at again when it is read.
pub(crate) const PARTIAL: Fingerprint = Fingerprint(0);

/// Where an outcome belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) page: u64,
    pub(crate) record: usize,
    pub(crate) document: usize,
}

pub(crate) struct Page {
    pub(crate) number: u64,
    pub(crate) position: Option<Position>,
    pub(crate) records: Vec<RecordState>,
    /// Records that wait.
    pub(crate) waiting: usize,
}

pub(crate) struct RecordState {
    pub(crate) source_key: SourceKey,
    pub(crate) version: Option<Version>,
    pub(crate) print: Fingerprint,
    /// Version and fingerprint of the ledger's row so far; none of a record that
    /// is tried again, so that a crash in the middle forgets no document of it.
    pub(crate) before: (Option<Version>, Fingerprint),
    /// `None` for a document that waits and was never dealt with.
    pub(crate) documents: Vec<Option<DocumentRow>>,
    /// Documents that wait.
    pub(crate) waiting: usize,
}

/// Lets go of what waits for a person about an earlier version of a document,
/// now that it stands. Nothing can wait about one that is new.
pub(crate) fn release(
    source_key: &SourceKey,
    earlier: Option<&DocumentRow>,
    now: &DocumentRow,
) -> Option<Change> {
    (earlier.is_some() && now.state == DocumentState::Applied).then(|| Change::Release {
        source_key: source_key.clone(),
        part: now.part.clone(),
    })
}

impl RecordState {
    /// The ledger's row now; complete once nothing waits. Takes the documents
    /// along when it is complete.
    pub(crate) fn row(&mut self, run: &RunId, at_ms: u64) -> LedgerRow {
        let (version, source_print, documents) = if self.waiting == 0 {
            let documents = std::mem::take(&mut self.documents);
            (self.version.clone(), self.print, documents)
        } else {
            let (version, print) = self.before.clone();
            (version, print, self.documents.clone())
        };
        LedgerRow {
            source_key: self.source_key.clone(),
            version,
            source_print,
            documents: documents.into_iter().flatten().collect(),
            run: run.clone(),
            at_ms,
        }
    }
}
