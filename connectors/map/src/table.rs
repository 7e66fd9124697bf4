//! Value tables: what a mapping looks up. Rows are those of the settings, or
//! those that other pipelines filled (`table/filled.rs`); wherever they come
//! from, they reach a mapping through `Lookup::find` alone.

mod filled;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::expression::Complaint;
use crate::text::nearest;
use crate::value::shortened;
use crate::view::{Fate, Trouble};

pub(crate) use filled::{Filled, fill};

/// The columns of a table that is written as pairs.
pub(crate) const PAIR: [&str; 2] = ["key", "value"];

/// A table as it was written.
#[derive(Debug)]
pub(crate) struct ValueTable {
    pub(crate) name: String,
    /// From column to value.
    pub(crate) rows: Vec<BTreeMap<String, String>>,
    /// Whether each row is one pair of `PAIR`.
    pub(crate) pairs: bool,
    pub(crate) missing: Missing,
    /// The table of other pipelines that has the rows, where one does.
    pub(crate) from: Option<String>,
}

/// What becomes of a value without a row.
#[derive(Clone, Debug)]
pub(crate) enum Missing {
    Reject,
    /// Rejected, and tried again later: the row may come.
    Later,
    Empty,
    /// The record is none of the pipeline's.
    Drop,
    Default(String),
}

/// One question that rules put to a table: which columns are given, which one
/// is wanted.
#[derive(Debug)]
pub(crate) struct Lookup {
    table: String,
    given: Vec<String>,
    wanted: String,
    missing: Missing,
    /// The table of other pipelines that has the rows, where one does.
    from: Option<String>,
    /// From the given values, joined, to the wanted one; `None` where rows of
    /// other pipelines answer in two ways.
    rows: BTreeMap<String, Option<String>>,
}

impl Lookup {
    /// The error is a table or column that is not there, or rows that answer
    /// the question in two ways.
    pub(crate) fn new(
        tables: &[ValueTable],
        name: &str,
        given: &[&str],
        wanted: &str,
    ) -> Result<Self, Complaint> {
        let Some(table) = tables.iter().find(|table| table.name == name) else {
            let complaint = Complaint::new(0, format!("unknown value table `{name}`"));
            let known = tables.iter().map(|table| table.name.as_str());
            return Err(match nearest(name, known) {
                Some(near) => complaint.hint(format!("did you mean `{near}`?")),
                None => complaint.hint(format!(
                    "add it to `tables`: {{\"{name}\": {{\"rows\": {{}}}}}}"
                )),
            });
        };
        let here = table.from.is_none();
        for column in given.iter().chain([&wanted]).filter(|_| here) {
            table.has(column)?;
        }
        let mut rows: BTreeMap<String, Option<String>> = BTreeMap::new();
        for row in &table.rows {
            let values: Option<Vec<&str>> = given
                .iter()
                .map(|column| row.get(*column).map(String::as_str))
                .collect();
            let Some(values) = values else { continue };
            let found = Some(row.get(wanted).cloned().unwrap_or_default());
            let key = joined(&values).into_owned();
            if rows.get(&key).is_some_and(|before| *before != found) {
                let message = format!(
                    "two rows of the value table `{name}` have {}, with another `{wanted}`",
                    shown(given, &values)
                );
                let hint = String::from("give one more column, or take one of the rows away");
                return Err(Complaint::new(0, message).hint(hint));
            }
            rows.insert(key, found);
        }
        Ok(Self {
            table: name.to_owned(),
            given: given.iter().map(|&column| column.to_owned()).collect(),
            wanted: wanted.to_owned(),
            missing: table.missing.clone(),
            from: table.from.clone(),
            rows,
        })
    }

    pub(crate) fn asks(&self, table: &str, given: &[&str], wanted: &str) -> bool {
        self.table == table && self.given == given && self.wanted == wanted
    }

    /// The wanted value of the row with the given ones; empty where the table
    /// says so for a miss.
    pub(crate) fn find<T: AsRef<str>>(&self, given: &[T]) -> Result<&str, Trouble> {
        match (self.rows.get(&*joined(given)), &self.missing) {
            (Some(Some(value)), _) => Ok(value),
            (Some(None), _) => Err(self.ambiguous(given)),
            (None, Missing::Default(value)) => Ok(value),
            (None, Missing::Empty) => Ok(""),
            (None, missing) => Err(self.missed(given, missing)),
        }
    }

    #[cold]
    fn ambiguous<T: AsRef<str>>(&self, given: &[T]) -> Trouble {
        let message = format!(
            "two rows of the value table `{}` have {}, with another `{}`: give one more column",
            self.table,
            shown(&self.given, given),
            self.wanted
        );
        Trouble::new("map.table", message)
    }

    #[cold]
    fn missed<T: AsRef<str>>(&self, given: &[T], missing: &Missing) -> Trouble {
        let what = match given {
            [one] => format!("`{}`", shortened(one.as_ref())),
            many => shown(&self.given, many),
        };
        let message = format!("{what} is not in the value table `{}`", self.table);
        let fate = match missing {
            Missing::Later => Fate::Later,
            Missing::Drop => Fate::Drop,
            Missing::Reject | Missing::Empty | Missing::Default(_) => Fate::Never,
        };
        Trouble {
            fate,
            ..Trouble::new("map.table", message)
        }
    }
}

impl ValueTable {
    fn has(&self, column: &str) -> Result<(), Complaint> {
        let mut known: Vec<&str> = match self.pairs {
            true => PAIR.to_vec(),
            false => self
                .rows
                .iter()
                .flat_map(|row| row.keys().map(String::as_str))
                .collect(),
        };
        // A table that is still to be filled has any column.
        if known.is_empty() || known.contains(&column) {
            return Ok(());
        }
        known.sort_unstable();
        known.dedup();
        let name = &self.name;
        let complaint = Complaint::new(
            0,
            format!("the value table `{name}` has no column `{column}`"),
        );
        Err(match nearest(column, known.iter().copied()) {
            Some(near) => complaint.hint(format!("did you mean `{near}`?")),
            None => complaint.hint(format!("it has {}", known.join(", "))),
        })
    }
}

/// Several values as one key; the separator stands in no text of a system.
fn joined<T: AsRef<str>>(values: &[T]) -> Cow<'_, str> {
    match values {
        [one] => Cow::Borrowed(one.as_ref()),
        many => {
            let texts: Vec<&str> = many.iter().map(AsRef::as_ref).collect();
            Cow::Owned(texts.join("\u{1f}"))
        }
    }
}

fn shown<A: AsRef<str>, B: AsRef<str>>(columns: &[A], values: &[B]) -> String {
    let pairs = columns.iter().zip(values).map(|(column, value)| {
        let (column, value) = (column.as_ref(), shortened(value.as_ref()));
        format!("{column} `{value}`")
    });
    pairs.collect::<Vec<_>>().join(" and ")
}
