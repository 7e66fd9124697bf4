//! What a store knows of its value tables.

use std::collections::BTreeSet;

use duijie_admin::Request;
use duijie_store::{Error, Fill, Store, TableRow};
use serde_json::{Map, Value, json};

use crate::Project;
use crate::state;

/// An answer has a bounded length.
const MOST_ROWS: usize = 10_000;
const MOST_BYTES: usize = 8 << 20;

/// The tables that were filled, as [`Request::Tables`] tells them.
pub async fn filled(project: &Project) -> Result<Vec<Value>, crate::Error> {
    let found = match state::is_there(project) {
        true => state::query(project, Request::Tables).await?,
        false => Value::Null,
    };
    Ok(found.as_array().cloned().unwrap_or_default())
}

/// Which tables can be read; `None` where it cannot be told from here.
pub(crate) async fn names(project: &Project) -> Option<BTreeSet<String>> {
    let found = filled(project).await.ok()?;
    let name = |one: &Value| one.get("table").and_then(Value::as_str).map(str::to_owned);
    Some(found.iter().filter_map(name).collect())
}

/// Each table that was filled, without its rows.
pub(super) fn list(store: &dyn Store) -> Result<Value, Error> {
    let fills = store.fills()?.into_iter();
    let told = fills.map(|fill| Ok(Value::Object(told(&fill, &store.table(&fill.table)?))));
    told.collect()
}

/// One table and a page of its rows, those after the key `after`; null where
/// it was never filled.
pub(super) fn show(
    store: &dyn Store,
    name: &str,
    limit: usize,
    after: Option<&str>,
) -> Result<Value, Error> {
    let fills = store.fills()?.into_iter();
    let Some(fill) = fills.into_iter().find(|fill| fill.table == name) else {
        return Ok(Value::Null);
    };
    let rows = store.table(name)?;
    let mut told = told(&fill, &rows);
    let later = |row: &&TableRow| after.is_none_or(|after| row.key.as_str() > after);
    let mut later = rows.iter().filter(later).peekable();
    let (mut page, mut bytes) = (Vec::new(), 0);
    while let Some(row) = later.peek()
        && page.len() < limit.clamp(1, MOST_ROWS)
        && bytes < MOST_BYTES
    {
        let fields = row.fields.iter();
        bytes += fields
            .map(|(name, value)| name.len() + value.len())
            .sum::<usize>();
        page.push(self::row(row));
        later.next();
    }
    let last = page.last().and_then(|row| row.get("key")).cloned();
    let next = last.filter(|_| later.peek().is_some());
    told.insert("page".to_owned(), Value::Array(page));
    told.insert("next".to_owned(), next.unwrap_or_default());
    Ok(Value::Object(told))
}

fn told(fill: &Fill, rows: &[TableRow]) -> Map<String, Value> {
    let columns = rows.iter().flat_map(|row| &row.fields);
    let columns: BTreeSet<&str> = columns.map(|(column, _)| column.as_str()).collect();
    let told = json!({
        "table": fill.table,
        "scope": fill.scope.as_str(),
        "run": fill.run.as_str(),
        "filled_ms": fill.at_ms,
        "rows": rows.len(),
        "columns": columns,
        "digest": format!("{:032x}", TableRow::digest(rows).0),
    });
    match told {
        Value::Object(told) => told,
        _ => Map::new(),
    }
}

fn row(row: &TableRow) -> Value {
    let fields = row.fields.iter();
    let fields = fields.map(|(column, value)| (column.clone(), Value::from(value.as_str())));
    json!({ "key": row.key, "fields": fields.collect::<Map<_, _>>() })
}
