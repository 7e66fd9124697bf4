//! Value tables on both sides: read as they stood when the run began, and
//! filled by the host itself, which is the target then. A row stands or is
//! gone by the commit that has its outcome.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use duijie_contract::{Fault, MOST_TABLE_BYTES, Missing, Snapshot, Tables, Target};
use duijie_plan::Plan;
use duijie_record::{Action, DocumentBatch, Lines, Outcome, Rejection, Retry, TargetKey};
use duijie_store::{Change, Fill, RunRow, Store, TableRow};

use crate::group::{Object, text};
use crate::{Error, Options};

/// The tables of a plan as they stand now, and so for all of a run.
pub(crate) struct Pinned {
    /// `None` for one that was never filled.
    tables: BTreeMap<String, Option<Table>>,
}

struct Table {
    rows: Vec<TableRow>,
    columns: Vec<String>,
    digest: String,
    filled_ms: u64,
}

impl Pinned {
    pub(crate) fn new(store: &dyn Store, plan: &Plan) -> Result<Self, Error> {
        let names: BTreeSet<&String> = declared(plan).collect();
        let mut tables = BTreeMap::new();
        if names.is_empty() {
            return Ok(Self { tables });
        }
        let fills = store.fills()?;
        for name in names {
            let fill = fills.iter().find(|fill| fill.table == *name);
            let table = fill.map(|fill| Table::read(store, fill)).transpose()?;
            tables.insert(name.clone(), table);
        }
        Ok(Self { tables })
    }

    /// What is shown of a run is shown with the rows that there are: none where
    /// a table was never filled.
    pub(crate) fn or_empty(mut self) -> Self {
        for table in self.tables.values_mut() {
            table.get_or_insert_with(|| Table::of(Vec::new(), 0));
        }
        self
    }

    /// Refuses to begin without one of them.
    pub(crate) fn all_filled(&self) -> Result<(), Error> {
        let mut tables = self.tables.iter();
        match tables.find(|(_, table)| table.is_none()) {
            Some((name, _)) => Err(Error::TableNeverFilled {
                table: name.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Names and digests, as they stand among the components of a run.
    pub(crate) fn digests(&self) -> impl Iterator<Item = (String, String)> {
        let filled = self.tables.iter();
        let filled = filled.filter_map(|(name, table)| Some((name, table.as_ref()?)));
        filled.map(|(name, table)| (format!("{}{name}", RunRow::TABLE), table.digest.clone()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Whether a run that had these components read these same tables.
    pub(crate) fn are_those_of(&self, components: &[(String, String)]) -> bool {
        let tables = components.iter();
        let tables = tables
            .filter(|(name, _)| name.starts_with(RunRow::TABLE))
            .cloned();
        tables.eq(self.digests())
    }
}

/// The names that the plan's transforms may read.
fn declared(plan: &Plan) -> impl Iterator<Item = &String> {
    let stages = plan.transforms.iter();
    stages.flat_map(|stage| &stage.usage.tables)
}

impl Table {
    fn read(store: &dyn Store, fill: &Fill) -> Result<Self, Error> {
        Ok(Self::of(store.table(&fill.table)?, fill.at_ms))
    }

    fn of(rows: Vec<TableRow>, filled_ms: u64) -> Self {
        let columns = rows.iter().flat_map(|row| &row.fields);
        let columns: BTreeSet<&String> = columns.map(|(column, _)| column).collect();
        Self {
            digest: format!("{:032x}", TableRow::digest(&rows).0),
            columns: columns.into_iter().cloned().collect(),
            filled_ms,
            rows,
        }
    }

    fn project(&self, columns: &[String]) -> Result<Vec<u8>, Missing> {
        let mut lines = Vec::new();
        for row in &self.rows {
            let value = |column: &String| {
                let mut fields = row.fields.iter();
                let found = fields.find(|(known, _)| known == column);
                found.map(|(_, value)| value.as_str())
            };
            let values: Vec<Option<&str>> = columns.iter().map(value).collect();
            // Texts always have a form in JSON.
            serde_json::to_writer(&mut lines, &values).unwrap_or_default();
            lines.push(b'\n');
            if lines.len() > MOST_TABLE_BYTES {
                return Err(Missing::TooLarge);
            }
        }
        Ok(lines)
    }
}

impl Tables for Pinned {
    fn get(&self, name: &str, columns: &[String]) -> Result<Snapshot, Missing> {
        let table = self.tables.get(name).ok_or(Missing::NotDeclared)?;
        let table = table.as_ref().ok_or(Missing::NeverFilled)?;
        Ok(Snapshot {
            rows: table.project(columns)?,
            columns: table.columns.clone(),
            digest: table.digest.clone(),
            filled_ms: table.filled_ms,
        })
    }
}

/// The target of a run: the host itself where the plan fills a table.
pub(crate) async fn target(options: &Options) -> Result<Box<dyn Target>, Fault> {
    match options.plan.target.table {
        Some(_) => Ok(Box::new(Filling)),
        None => {
            options
                .launch
                .target(&options.plan.target.stage.usage)
                .await
        }
    }
}

/// The target that fills a table. It says which documents can be rows;
/// [`change`] is what makes them some.
pub(crate) struct Filling;

#[async_trait]
impl Target for Filling {
    async fn write(&mut self, batch: &DocumentBatch) -> Result<Vec<Outcome>, Fault> {
        let documents = batch.entries.iter().zip(Lines::new(&batch.data));
        let outcome = |(entry, line): (&duijie_record::DocumentEntry, &[u8])| {
            let fields = match entry.action {
                Action::Cancel => Ok(Vec::new()),
                Action::Create | Action::Update => fields(line),
            };
            match fields {
                Ok(_) => Outcome::Applied(Some(entry.target_key.to_string())),
                Err(rejection) => Outcome::Rejected(rejection),
            }
        };
        Ok(documents.map(outcome).collect())
    }
}

/// What an applied document does to the table.
pub(crate) fn change(table: &str, key: &TargetKey, action: Action, document: &[u8]) -> Change {
    let (table, key) = (table.to_owned(), key.to_string());
    match action {
        Action::Cancel => Change::DropTableRow { table, key },
        // A document that is no row was not applied.
        Action::Create | Action::Update => Change::TableRow(TableRow {
            table,
            key,
            fields: fields(document).unwrap_or_default(),
        }),
    }
}

/// Column and value, by column. Numbers keep their digits; null is no value.
fn fields(document: &[u8]) -> Result<Vec<(String, String)>, Rejection> {
    let object = Object::parse(document).map_err(|_| {
        let message = "a row of a value table is made of an object, and this is none";
        refusal("table.record", "", message.to_owned())
    })?;
    let mut fields = BTreeMap::new();
    for (column, raw) in object.fields() {
        match text(raw) {
            _ if column.is_empty() => {
                let message = "a column of a value table needs a name".to_owned();
                return Err(refusal("table.column", column, message));
            }
            Some(value) => fields.insert(column.to_owned(), value.into_owned()),
            None if raw.get() == "null" => fields.remove(column),
            None => {
                let message = format!(
                    "the field `{column}` is a list or an object, and a value table holds texts, \
                     numbers, true and false: leave it out, or map what is wanted of it"
                );
                return Err(refusal("table.nested", column, message));
            }
        };
    }
    Ok(fields.into_iter().collect())
}

fn refusal(code: &str, field: &str, message: String) -> Rejection {
    Rejection {
        code: code.to_owned(),
        message,
        field: Some(field.to_owned()).filter(|field| !field.is_empty()),
        retry: Retry::Never,
    }
}

#[cfg(test)]
mod tests;
