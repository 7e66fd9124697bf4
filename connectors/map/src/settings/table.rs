//! Value tables as they are written: pairs, or rows with named columns.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{Problems, pointer, scalar};
use crate::table::{Missing, PAIR, ValueTable};

pub(super) fn read(name: &str, value: &Json, problems: &mut Problems) -> Option<ValueTable> {
    let at = pointer("/tables", name);
    let Json::Object(table) = value else {
        problems.add(
            &at,
            String::from("found no object, expected one with `rows`"),
            None,
        );
        return None;
    };
    problems.known(&at, table, &["rows", "from", "missing"]);
    let place = pointer(&at, "rows");
    let from = read_from(&at, table, problems);
    let (rows, pairs) = match table.get("rows") {
        None if from.is_some() => (Vec::new(), false),
        Some(Json::Object(found)) => (read_pairs(&place, found, problems), true),
        Some(Json::Array(found)) => (read_rows(&place, found, problems), false),
        _ => {
            let message = String::from("found no rows, expected an object of values");
            let hint = "write {\"A\": \"1\"}, or [{\"column\": \"A\", \"other\": \"1\"}], or name a table that another pipeline fills under `from`";
            let hint = String::from(hint);
            problems.add(&place, message, Some(hint));
            (Vec::new(), true)
        }
    };
    Some(ValueTable {
        name: name.to_owned(),
        rows,
        pairs,
        missing: read_missing(&at, table, problems)?,
        from,
    })
}

/// The name of a table that another pipeline fills.
fn read_from(at: &str, table: &Map<String, Json>, problems: &mut Problems) -> Option<String> {
    let place = pointer(at, "from");
    match table.get("from")? {
        Json::String(_) if table.contains_key("rows") => {
            let message = String::from("found `from` beside `rows`, expected one of them");
            problems.add(&place, message, None);
            None
        }
        Json::String(name) if !name.is_empty() => Some(name.clone()),
        _ => {
            let message = String::from("found no name, expected that of a value table");
            problems.add(&place, message, None);
            None
        }
    }
}

fn read_pairs(
    at: &str,
    found: &Map<String, Json>,
    problems: &mut Problems,
) -> Vec<BTreeMap<String, String>> {
    let row = |(from, to): (&String, &Json)| {
        let to = scalar(&pointer(at, from), to, problems)?;
        let [key, value] = PAIR.map(str::to_owned);
        Some(BTreeMap::from([(key, from.clone()), (value, to)]))
    };
    found.iter().filter_map(row).collect()
}

fn read_rows(at: &str, found: &[Json], problems: &mut Problems) -> Vec<BTreeMap<String, String>> {
    let mut rows = Vec::new();
    for (number, row) in found.iter().enumerate() {
        let place = format!("{at}/{number}");
        let Json::Object(row) = row else {
            let message = String::from("found no object, expected a row of columns");
            problems.add(&place, message, None);
            continue;
        };
        let mut values = BTreeMap::new();
        for (column, value) in row.iter().filter(|(_, value)| !value.is_null()) {
            if let Some(value) = scalar(&pointer(&place, column), value, problems) {
                values.insert(column.clone(), value);
            }
        }
        rows.push(values);
    }
    rows
}

fn read_missing(at: &str, table: &Map<String, Json>, problems: &mut Problems) -> Option<Missing> {
    let place = pointer(at, "missing");
    Some(match table.get("missing") {
        None => Missing::Reject,
        Some(Json::String(word)) if word == "reject" => Missing::Reject,
        Some(Json::String(word)) if word == "later" => Missing::Later,
        Some(Json::String(word)) if word == "empty" => Missing::Empty,
        Some(Json::String(word)) if word == "drop" => Missing::Drop,
        Some(Json::Object(choice)) if choice.len() == 1 && choice.contains_key("default") => {
            let default = choice.get("default").unwrap_or(&Json::Null);
            Missing::Default(scalar(&pointer(&place, "default"), default, problems)?)
        }
        Some(_) => {
            let message = String::from("found another choice for a missing row");
            let hint = "write \"reject\", \"later\", \"drop\", \"empty\" or {\"default\": \"X\"}";
            problems.add(&place, message, Some(hint.to_owned()));
            Missing::Reject
        }
    })
}
