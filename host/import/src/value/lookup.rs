//! Look-ups in what other schemes have synced become look-ups in value tables
//! of the same name, which the pipelines of those schemes fill.

use serde_json::Value;

use super::{Converted, Table};
use crate::report::Note;

const FIND: &str = "_findCollection";

/// The value with its look-ups in the mapping's form.
pub(super) fn convert(value: String, converted: &mut Converted) -> Result<String, Note> {
    if let Some(query) = value
        .strip_prefix("_mongoQuery ")
        .or(value.strip_prefix("mongoQuery "))
    {
        let found = from_query(query.trim()).ok_or_else(|| {
            let why = "only one field that is found by equal values can be looked up";
            let todo =
                "write `_findCollection find <column> from <table> where <column>={{field}}`";
            Note::new(value.clone(), why, todo)
        })?;
        told(&found, converted)?;
        return Ok(found);
    }
    if value.contains("findCollection") {
        told(&value, converted)?;
    }
    Ok(value)
}

/// `<scheme> findField=content.FNumber where={"content.FName":{"$eq":"{{x}}"}}`
fn from_query(query: &str) -> Option<String> {
    let (scheme, rest) = query.split_once(' ')?;
    let (field, rest) = rest.trim().split_once(' ')?;
    let field = content(field.strip_prefix("findField=")?);
    let conditions: Value = serde_json::from_str(rest.trim().strip_prefix("where=")?).ok()?;
    let mut wanted = Vec::new();
    for (column, value) in conditions.as_object()? {
        let value = match value {
            Value::Object(one) if one.len() == 1 => one.get("$eq")?.as_str()?,
            value => value.as_str()?,
        };
        wanted.push(format!("{}={value}", content(column)));
    }
    (!wanted.is_empty()).then(|| {
        format!(
            "{FIND} find {field} from {scheme} where {}",
            wanted.join(" ")
        )
    })
}

fn content(name: &str) -> &str {
    name.strip_prefix("content.").unwrap_or(name)
}

/// Each look-up of the value: its table, and the columns that it needs.
fn told(value: &str, converted: &mut Converted) -> Result<(), Note> {
    for look_up in value.split("findCollection").skip(1) {
        let look_up = look_up.split("_endFind").next().unwrap_or_default();
        let words: Vec<&str> = look_up.split_whitespace().collect();
        let ["find", wanted, "from", name, "where", conditions @ ..] = words.as_slice() else {
            let todo =
                "write `_findCollection find <column> from <table> where <column>={{field}}`";
            return Err(Note::new(value, "it is no whole look-up", todo));
        };
        let mut columns = Vec::new();
        for condition in conditions {
            let Some((column, given)) = condition.split_once('=') else {
                let why = format!("`{condition}` is no condition `column={{{{field}}}}`");
                return Err(Note::new(
                    value,
                    why,
                    "write one condition after the other, with single blanks",
                ));
            };
            if !given.contains("{{") {
                let why = "a condition with a fixed value is in no scheme that is known to run";
                let todo = "put only the rows that meet it into the value table";
                return Err(Note::new(value, why, todo));
            }
            columns.push(column.to_owned());
        }
        columns.push((*wanted).to_owned());
        if !is_table(name) {
            let why = format!("`{name}` cannot be the name of a value table");
            let todo = "name the table by 1 to 100 characters without blanks, braces and slashes";
            return Err(Note::new(value, why, todo));
        }
        let what = format!("a look-up in the value table `{name}`, which another pipeline fills");
        let why = "a record without a row is tried again when the table has changed";
        let todo = format!(
            "import the scheme `{name}` too and give its pipeline `target: {{table: {name}, key: \
             …}}`, or write one that maps the columns {}",
            columns.join(", ")
        );
        converted.notes.push(Note::new(what, why, todo));
        converted.tables.push(Table {
            name: (*name).to_owned(),
            columns,
        });
    }
    Ok(())
}

/// As the manifest's schema wants it.
fn is_table(name: &str) -> bool {
    (1..=100).contains(&name.chars().count()) && !name.contains(['/', '{', '}'])
}
