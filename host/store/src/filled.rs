//! Value tables: rows that one pipeline fills and others look things up in.
//! They belong to the whole store and to no scope.

use duijie_record::{RunId, Scope};
use xxhash_rust::xxh3::Xxh3;

use crate::Fingerprint;

/// One row of a value table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    pub table: String,
    /// Tells it from the other rows of its table.
    pub key: String,
    /// Column and value, by column; a column without a value is not there.
    pub fields: Vec<(String, String)>,
}

/// That a run filled a table to its end: from then on it may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fill {
    pub table: String,
    /// The scope of the pipeline that fills it.
    pub scope: Scope,
    pub run: RunId,
    /// Unix milliseconds.
    pub at_ms: u64,
}

impl TableRow {
    /// The same for the same rows, whoever filled them and whenever. `rows` are
    /// in the order in which a store gives them.
    pub fn digest(rows: &[Self]) -> Fingerprint {
        let mut hash = Xxh3::new();
        let mut text = |text: &str| {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        for row in rows {
            text(&row.key);
            for (column, value) in &row.fields {
                text(column);
                text(value);
            }
            // No column has an empty name.
            text("");
        }
        Fingerprint(hash.digest128())
    }
}
