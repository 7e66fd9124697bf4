//! A source batch after its data went on: what its records still wait for.

use crate::owed::{owe, resolution};
use crate::stage::chunk::Guard;
use duijie_record::{Position, RunId, SourceKey, Version};
use duijie_store::{
    Change, DocumentRow, DocumentState, Fingerprint, LedgerRow, LineRef, TRIES, Try,
};

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
    /// When its records began to be made documents.
    pub(crate) since_ms: u64,
    /// Dropped when all of it is durable.
    pub(crate) guard: Option<Guard>,
}

pub(crate) struct RecordState {
    pub(crate) source_key: SourceKey,
    /// Where the source wants word of what became of it.
    pub(crate) ack_token: Option<String>,
    pub(crate) version: Option<Version>,
    pub(crate) print: Fingerprint,
    /// Only some of its documents go on: what the ledger says of the record
    /// itself stays as it was before.
    pub(crate) keeps: bool,
    /// Where its line was laid aside.
    pub(crate) record: Option<LineRef>,
    /// Version and fingerprint of the ledger's row so far; [`PARTIAL`] of a
    /// record that is tried again, so that a crash in the middle forgets no
    /// document of it.
    pub(crate) before: (Option<Version>, Fingerprint),
    /// What was only ever refused and is not made any more: known until the
    /// documents in its place are resolved.
    pub(crate) leaving: Vec<DocumentRow>,
    /// `None` for a document that waits and was never dealt with.
    pub(crate) documents: Vec<Option<DocumentRow>>,
    /// Documents that wait.
    pub(crate) waiting: usize,
    /// What is let go once nothing waits: not before, as the record may be
    /// nowhere else to go on with.
    pub(crate) after: Vec<Change>,
}

/// Lets go of what waits for a person about an earlier version of a document,
/// now that it stands or is taken back. Nothing may wait about one that is new.
pub(crate) fn release(source_key: &SourceKey, may_wait: bool, now: &DocumentRow) -> Option<Change> {
    let settled = matches!(now.state, DocumentState::Applied | DocumentState::Cancelled);
    (may_wait && settled).then(|| Change::Release {
        source_key: source_key.clone(),
        part: now.part.clone(),
    })
}

/// Carries on the history of a document.
pub(crate) fn follow(earlier: Option<DocumentRow>, now: &mut DocumentRow) {
    let Some(earlier) = earlier else {
        return;
    };
    if !earlier.tries.is_empty() {
        let new = std::mem::replace(&mut now.tries, earlier.tries);
        for one in new {
            note(&mut now.tries, one);
        }
    }
    now.sent = now.sent.take().or(earlier.sent);
}

/// Adds a try; the oldest go when there are too many.
pub(crate) fn note(tries: &mut Vec<Try>, new: Try) {
    if tries.len() >= TRIES {
        tries.drain(..=tries.len() - TRIES);
    }
    // Most documents have one try for ever.
    tries.reserve_exact(1);
    tries.push(new);
}

impl RecordState {
    /// All that becomes durable of it once nothing waits.
    pub(crate) fn resolved(&mut self, run: &RunId, at_ms: u64, changes: &mut Vec<Change>) {
        changes.extend(self.left());
        let row = self.row(run, at_ms);
        let token = self.ack_token.take();
        if let (Some(token), Some(resolution)) = (token, resolution(&row.documents)) {
            let owed = owe(&row.source_key, &token, resolution, (run, at_ms));
            changes.push(owed);
        }
        changes.push(Change::Ledger(row));
    }

    /// What is let go, once nothing waits.
    fn left(&mut self) -> Vec<Change> {
        let mut changes = std::mem::take(&mut self.after);
        let left = std::mem::take(&mut self.leaving).into_iter();
        changes.extend(left.map(|document| Change::Release {
            source_key: self.source_key.clone(),
            part: document.part,
        }));
        changes
    }

    /// The ledger's row now; complete once nothing waits. Takes the documents
    /// along when it is complete.
    pub(crate) fn row(&mut self, run: &RunId, at_ms: u64) -> LedgerRow {
        let (version, source_print, documents) = if self.waiting == 0 {
            let documents = std::mem::take(&mut self.documents);
            let (version, print) = match self.keeps {
                true => self.before.clone(),
                false => (self.version.clone(), self.print),
            };
            (version, print, documents)
        } else {
            let (version, print) = self.before.clone();
            let leaving = self.leaving.iter().cloned().map(Some);
            let documents = self.documents.iter().cloned().chain(leaving);
            (version, print, documents.collect())
        };
        LedgerRow {
            source_key: self.source_key.clone(),
            version,
            source_print,
            documents: documents.into_iter().flatten().collect(),
            record: self.record.clone(),
            run: run.clone(),
            at_ms,
        }
    }
}
