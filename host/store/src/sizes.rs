//! How much a store holds, for `duijie doctor`.

use crate::key::{Key, Kind};
use crate::shared::Shared;
use crate::table::io_error;
use crate::{Error, journal, table};

/// What [`crate::Embedded::tidy`] dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tidied {
    /// Files of documents and evidence.
    pub files: u64,
    /// Rows of the ledger.
    pub rows: u64,
}

/// Counts, and bytes on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    /// Rows of the ledger that are in memory and not yet in the long ledger;
    /// the long one may have an older version of them.
    pub fresh_rows: u64,
    pub long_rows: u64,
    pub dead_letters: u64,
    /// Of all value tables.
    pub table_rows: u64,
    pub holds: u64,
    pub open_intents: u64,
    /// Commits that are not laid in their places yet.
    pub journal_bytes: u64,
    /// The database of small state.
    pub database_bytes: u64,
    /// The long ledger and the dead letters.
    pub long_bytes: u64,
    /// Documents that were sent.
    pub document_bytes: u64,
    /// Source records and exchanges.
    pub evidence_bytes: u64,
}

impl Sizes {
    pub(crate) fn of(shared: &Shared) -> Result<Self, Error> {
        let count = |kind| Ok::<_, Error>(shared.values(&Key::new(kind))?.len() as u64);
        let (long_rows, long_bytes) = match shared.long.get() {
            Some(long) => (long.count()?, long.bytes()),
            None => (0, 0),
        };
        let [document_bytes, evidence_bytes] = shared.segments.bytes();
        Ok(Self {
            fresh_rows: shared.layers().rows() as u64,
            long_rows,
            dead_letters: count(Kind::DeadLetter)?,
            table_rows: count(Kind::TableRow)?,
            holds: count(Kind::Hold)?,
            open_intents: count(Kind::Intent)?,
            journal_bytes: folder_bytes(&shared.folder.join(journal::FOLDER))?,
            database_bytes: folder_bytes(&shared.folder.join(table::FOLDER))?,
            long_bytes,
            document_bytes,
            evidence_bytes,
        })
    }
}

pub(crate) fn folder_bytes(folder: &std::path::Path) -> Result<u64, Error> {
    let failed = |error| io_error("listing the folder", folder)(error);
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let found = entry.and_then(|entry| entry.metadata()).map_err(failed)?;
        if found.is_file() {
            bytes += found.len();
        }
    }
    Ok(bytes)
}
