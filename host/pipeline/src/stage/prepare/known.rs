//! Records that need nothing, and that their source wants acknowledged all
//! the same: it would send them again and again.

use duijie_record::{RecordBatch, RecordEntry, Resolution};
use duijie_store::{Change, LedgerRow};

use super::Step;
use crate::owed::{owe, resolution};
use crate::stage::decide::Fate;

impl Step<'_> {
    /// What is owed for a record that the ledger has dealt with.
    pub(super) fn known(
        &self,
        entry: &RecordEntry,
        fate: Fate,
        row: Option<&LedgerRow>,
    ) -> Option<Change> {
        let resolution = match fate {
            Fate::Newer => return None,
            Fate::Unchanged => resolution(&row?.documents)?,
            Fate::Stale => Resolution::Dropped("a later version was dealt with".to_owned()),
        };
        self.owe(entry, resolution)
    }

    /// What is owed for a record of which the batch holds a later version. One
    /// that shares its token is acknowledged with it.
    pub(super) fn superseded(&self, batch: &RecordBatch, entry: &RecordEntry) -> Option<Change> {
        let same =
            |other: &&RecordEntry| other.key == entry.key && other.ack_token == entry.ack_token;
        if batch.entries.iter().filter(same).count() > 1 {
            return None;
        }
        let reason = "a later version came with it".to_owned();
        self.owe(entry, Resolution::Dropped(reason))
    }

    fn owe(&self, entry: &RecordEntry, resolution: Resolution) -> Option<Change> {
        let context = self.context;
        let token = entry.ack_token.as_deref();
        let token = token.filter(|_| context.plan().drains)?;
        let now = (&context.run, context.now_ms());
        Some(owe(&entry.key, token, resolution, now))
    }
}
