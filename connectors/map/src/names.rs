//! What the names in `{{…}}` mean: fields of the head, fields of lists under
//! the settings' names for them, and pipes.

use std::collections::BTreeMap;

use crate::expression::{Complaint, Names};
use crate::layout::{Field, HEAD, Layout};
use crate::settings::{ListSetting, Problems, Settings, pointer};
use crate::text::nearest;
use crate::view::{Pipe, Variable};

#[derive(Debug)]
struct ListName {
    name: String,
    list: u16,
    fields: BTreeMap<String, String>,
}

/// The names that rules may use, and the layout that grows as they do.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) layout: Layout,
    lists: Vec<ListName>,
    tables: Vec<String>,
}

/// A layout numbers lists and slots with sixteen bits; this stays far below.
const MAX_LISTS: usize = 256;

impl Scope {
    pub(crate) fn new(settings: &Settings, problems: &mut Problems) -> Self {
        let tables = settings
            .tables
            .iter()
            .map(|table| table.name.clone())
            .collect();
        let mut scope = Self {
            layout: Layout::new(),
            lists: Vec::new(),
            tables,
        };
        for list in &settings.lists {
            scope.declare(list, problems);
        }
        for list in &settings.lists {
            // The source's own name stays good beside the settings' name.
            scope.add(&list.from);
        }
        scope
    }

    fn declare(&mut self, list: &ListSetting, problems: &mut Problems) {
        match self.place(&list.from) {
            Some(place) => self.lists.push(ListName {
                name: list.name.clone(),
                list: place,
                fields: list.fields.clone(),
            }),
            None => {
                let message = format!("found `{}`, expected a list's name", list.from);
                problems.add(&pointer(&list.at, "from"), message, None);
            }
        }
    }

    /// The table of the list at a path of source names.
    fn place(&mut self, path: &str) -> Option<u16> {
        let names: Vec<&str> = path.split('.').collect();
        if names.iter().any(|name| name.trim().is_empty()) || names.len() > 8 {
            return None;
        }
        if self.layout.tables.len() + names.len() > MAX_LISTS {
            return None;
        }
        Some(
            names
                .iter()
                .fold(HEAD, |parent, name| self.layout.list(parent, name)),
        )
    }

    /// Makes a list's source path usable as its name.
    pub(crate) fn add(&mut self, path: &str) -> Option<u16> {
        if let Some(known) = self.list(path) {
            return Some(known);
        }
        let list = self.place(path)?;
        self.lists.push(ListName {
            name: path.to_owned(),
            list,
            fields: BTreeMap::new(),
        });
        Some(list)
    }

    pub(crate) fn list(&self, name: &str) -> Option<u16> {
        self.lists
            .iter()
            .find(|list| list.name == name)
            .map(|list| list.list)
    }

    pub(crate) fn field(&mut self, name: &str) -> Result<Field, Complaint> {
        let name = name.trim();
        refused(name)?;
        let Some((list_name, field)) = name.rsplit_once('.') else {
            return Ok(self.layout.field(HEAD, name));
        };
        if let Some(list) = self.lists.iter().find(|list| list.name == list_name) {
            let field = list.fields.get(field).map_or(field, String::as_str);
            return Ok(self.layout.field(list.list, field));
        }
        let complaint =
            Complaint::new(0, format!("unknown list `{list_name}` in `{{{{{name}}}}}`"));
        let known = self.lists.iter().map(|list| list.name.as_str());
        Err(match nearest(list_name, known.clone()) {
            Some(near) => complaint.hint(format!("did you mean `{{{{{near}.{field}}}}}`?")),
            None => complaint.hint(format!(
                "known lists: {}; name a list of the source under `lists`: {{\"{list_name}\": {{\"from\": \"details_list\"}}}}",
                known.collect::<Vec<_>>().join(", "),
            )),
        })
    }

    fn pipe(&self, pipe: &str) -> Result<Pipe, Complaint> {
        let pipe = pipe.trim();
        if let Some(argument) = pipe
            .strip_prefix("table(")
            .and_then(|rest| rest.strip_suffix(')'))
        {
            let name = argument.trim();
            let name = name
                .strip_prefix('\'')
                .and_then(|name| name.strip_suffix('\''))
                .unwrap_or(name);
            if let Some(at) = self.tables.iter().position(|table| table == name) {
                return Ok(Pipe::Table(at));
            }
            let complaint = Complaint::new(0, format!("unknown value table `{name}`"));
            let known = self.tables.iter().map(String::as_str);
            return Err(match nearest(name, known) {
                Some(near) => complaint.hint(format!("did you mean `{near}`?")),
                None => complaint.hint(format!(
                    "add it to `tables`: {{\"{name}\": {{\"rows\": {{}}}}}}"
                )),
            });
        }
        match pipe {
            "datetime" => return Ok(Pipe::DateTime),
            "date" => return Ok(Pipe::Date),
            "timestamp" => return Ok(Pipe::Timestamp),
            _ => {}
        }
        let complaint = Complaint::new(0, format!("unknown pipe `{pipe}`"));
        let word = pipe.split(['(', ':']).next().unwrap_or(pipe);
        if word != pipe && word != "table" {
            return Err(complaint
                .hint("pipes take no format; write `_function DATE_FORMAT('{{x}}','%Y-%m-%d')`"));
        }
        Err(
            match nearest(word, ["datetime", "date", "timestamp", "table"]) {
                Some("table") => complaint.hint("write `|table('name')`"),
                Some(near) => complaint.hint(format!("did you mean `|{near}`?")),
                None => complaint.hint("known are |datetime, |date, |timestamp and |table('name')"),
            },
        )
    }
}

impl Names for Scope {
    /// The inside of `{{name|pipe|pipe}}`.
    fn variable(&mut self, inside: &str) -> Result<Variable, Complaint> {
        let mut parts = inside.split('|');
        let name = parts.next().unwrap_or_default();
        let field = self.field(name)?;
        let pipes = parts
            .map(|pipe| self.pipe(pipe))
            .collect::<Result<_, _>>()?;
        Ok(Variable {
            field,
            pipes,
            written: format!("{{{{{inside}}}}}"),
        })
    }
}

/// Names that mean something elsewhere, but nothing in a mapping.
fn refused(name: &str) -> Result<(), Complaint> {
    let built_in = [
        "LAST_SYNC_TIME",
        "CURRENT_TIME",
        "LAST_ID",
        "PAGE_NO",
        "PAGE_SIZE",
    ];
    let prefixes = ["DAYS_AGO_", "PAGINATION_", "primaryWriteback."];
    if built_in.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(
            Complaint::new(0, format!("`{{{{{name}}}}}` is no field of a record")).hint(
                "windows and pages belong to the source's settings; use a field of the record",
            ),
        );
    }
    let sound = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.');
    if name.is_empty() || !name.chars().all(sound) || name.split('.').any(str::is_empty) {
        return Err(
            Complaint::new(0, format!("`{{{{{name}}}}}` is no field's name"))
                .hint("write `{{field}}` or `{{list.field}}`"),
        );
    }
    Ok(())
}
