//! The stored forms of value tables.

use duijie_record::{RunId, Scope};
use serde::{Deserialize, Serialize};

use crate::{Fill, TableRow};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TableRowV1<'a> {
    table: &'a str,
    key: &'a str,
    #[serde(borrow)]
    fields: Vec<(&'a str, &'a str)>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FillV1<'a> {
    table: &'a str,
    scope: &'a str,
    run: &'a str,
    at_ms: u64,
}

impl<'a> From<&'a TableRow> for TableRowV1<'a> {
    fn from(row: &'a TableRow) -> Self {
        let fields = row.fields.iter();
        Self {
            table: &row.table,
            key: &row.key,
            fields: fields
                .map(|(column, value)| (column.as_str(), value.as_str()))
                .collect(),
        }
    }
}

impl From<TableRowV1<'_>> for TableRow {
    fn from(stored: TableRowV1<'_>) -> Self {
        let fields = stored.fields.into_iter();
        Self {
            table: stored.table.to_owned(),
            key: stored.key.to_owned(),
            fields: fields
                .map(|(column, value)| (column.to_owned(), value.to_owned()))
                .collect(),
        }
    }
}

impl<'a> From<&'a Fill> for FillV1<'a> {
    fn from(fill: &'a Fill) -> Self {
        Self {
            table: &fill.table,
            scope: fill.scope.as_str(),
            run: fill.run.as_str(),
            at_ms: fill.at_ms,
        }
    }
}

impl From<FillV1<'_>> for Fill {
    fn from(stored: FillV1<'_>) -> Self {
        Self {
            table: stored.table.to_owned(),
            scope: Scope::from(stored.scope),
            run: RunId::from(stored.run),
            at_ms: stored.at_ms,
        }
    }
}
