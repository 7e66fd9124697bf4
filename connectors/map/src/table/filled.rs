//! Rows that other pipelines filled: asked of the host once for all questions
//! to a table, when a mapping is opened.

use duijie_sdk::{Missing, Problem, Tables};
use serde_json::Value as Json;

use super::{Lookup, joined};
use crate::settings::pointer;
use crate::text::nearest;

/// When the rows are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// Without them nothing can be mapped.
    Now,
    /// Settings are being checked.
    Later,
}

/// Gives the questions their rows, or says everything that is in the way.
pub(crate) fn fill(lookups: &mut [Lookup], tables: &dyn Tables, filled: Filled) -> Vec<Problem> {
    let mut asked: Vec<(String, Vec<String>)> = Vec::new();
    for lookup in &*lookups {
        let Some(from) = &lookup.from else { continue };
        let place = asked.iter().position(|(name, _)| name == from);
        let place = place.unwrap_or_else(|| {
            asked.push((from.clone(), Vec::new()));
            asked.len() - 1
        });
        let Some((_, columns)) = asked.get_mut(place) else {
            continue;
        };
        for column in lookup.given.iter().chain([&lookup.wanted]) {
            if !columns.contains(column) {
                columns.push(column.clone());
            }
        }
    }
    let mut problems = Vec::new();
    for (name, columns) in asked {
        let askers = lookups.iter_mut();
        let askers = askers.filter(|lookup| lookup.from.as_ref() == Some(&name));
        let mut askers: Vec<&mut Lookup> = askers.collect();
        let at = askers.first().map_or("", |lookup| lookup.table.as_str());
        let at = pointer(&pointer("/tables", at), "from");
        let found = match tables.get(&name, &columns) {
            Ok(snapshot) => snapshot,
            Err(missing) => {
                let told = problem(&name, &missing, filled);
                problems.extend(told.map(|told| placed(&at, told)));
                continue;
            }
        };
        let mut told = unknown(&name, &columns, &found.columns);
        if told.is_empty() {
            let rows = String::from_utf8_lossy(&found.rows);
            let mut taken = askers.iter_mut().map(|lookup| lookup.take(&columns, &rows));
            told.extend(taken.find_map(Result::err).map(|message| (message, None)));
        }
        problems.extend(told.into_iter().map(|told| placed(&at, told)));
    }
    problems
}

type Told = (String, Option<String>);

fn placed(at: &str, (message, hint): Told) -> Problem {
    Problem {
        at: at.to_owned(),
        message,
        hint,
    }
}

fn problem(name: &str, missing: &Missing, filled: Filled) -> Option<Told> {
    Some(match missing {
        Missing::NeverFilled if filled == Filled::Later => return None,
        Missing::NeverFilled => (
            format!("the value table `{name}` was never filled"),
            Some(String::from("run the pipeline that fills it first")),
        ),
        Missing::NotDeclared => (
            format!("the pipeline does not say that it reads the value table `{name}`"),
            Some(format!("write `tables: [{name}]` beside `connector: map`")),
        ),
        Missing::TooLarge(most) => (
            format!("the columns asked of the value table `{name}` are more than {most} bytes"),
            Some(String::from(
                "look up fewer columns, or cut the table in two",
            )),
        ),
        Missing::Other(reason) => (
            format!("the value table `{name}` cannot be read: {reason}"),
            None,
        ),
    })
}

/// Of the columns asked for those that the table does not have. An empty table
/// has any.
fn unknown(name: &str, asked: &[String], known: &[String]) -> Vec<Told> {
    let missing = asked.iter().filter(|column| !known.contains(*column));
    let told = |column: &String| {
        let near = nearest(column, known.iter().map(String::as_str));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        let known = known.join(", ");
        let message = format!("the value table `{name}` has no column `{column}`, it has {known}");
        (message, hint)
    };
    match known.is_empty() {
        true => Vec::new(),
        false => missing.map(told).collect(),
    }
}

impl Lookup {
    fn take(&mut self, columns: &[String], rows: &str) -> Result<(), String> {
        let place = |column: &String| columns.iter().position(|known| known == column);
        let given: Vec<usize> = self.given.iter().filter_map(place).collect();
        let wanted = place(&self.wanted).unwrap_or_default();
        for line in rows.lines() {
            let row: Json = serde_json::from_str(line)
                .map_err(|error| format!("a row of `{}` cannot be read: {error}", self.table))?;
            let value = |place: &usize| row.get(*place).and_then(Json::as_str);
            let values: Option<Vec<&str>> = given.iter().map(value).collect();
            let Some(values) = values else { continue };
            let found = value(&wanted).unwrap_or_default();
            let key = joined(&values);
            match self.rows.get_mut(&*key) {
                Some(Some(before)) if before == found => {}
                Some(before) => *before = None,
                None => {
                    self.rows.insert(key.into_owned(), Some(found.to_owned()));
                }
            }
        }
        Ok(())
    }
}
