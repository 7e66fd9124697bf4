//! What the names in `{{…}}` mean: fields of the head, fields of lists under
//! the settings' names for them, and pipes.

use std::collections::BTreeMap;

mod pipe;

use crate::expression::{Complaint, Names};
use crate::layout::{Field, HEAD, Layout};
use crate::settings::{ListSetting, Problems, Settings, pointer};
use crate::table::{Lookup, ValueTable};
use crate::text::nearest;
use crate::view::Variable;

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
    tables: Vec<ValueTable>,
    /// The questions to value tables met so far.
    pub(crate) lookups: Vec<Lookup>,
    /// The list whose rows each become a document, with the names for it.
    each: Option<(u16, Vec<String>)>,
}

/// A layout numbers lists and slots with sixteen bits; this stays far below.
const MAX_LISTS: usize = 256;

impl Scope {
    pub(crate) fn new(settings: &mut Settings, problems: &mut Problems) -> Self {
        let mut scope = Self {
            layout: Layout::new(),
            lists: Vec::new(),
            tables: std::mem::take(&mut settings.tables),
            lookups: Vec::new(),
            each: None,
        };
        for list in &settings.lists {
            scope.declare(list, problems);
        }
        for list in &settings.lists {
            // The source's own name stays good beside the settings' name.
            scope.add(&list.from);
        }
        if let Some(each) = &settings.each {
            scope.each(&each.list, problems);
        }
        scope
    }

    fn each(&mut self, name: &str, problems: &mut Problems) {
        let Some(list) = self.add(name) else {
            let message = format!("found `{name}`, expected a list's name");
            problems.add("/each", message, None);
            return;
        };
        let same = self.lists.iter().filter(|known| known.list == list);
        let names = same.map(|known| format!("{}_", known.name)).collect();
        self.each = Some((list, names));
    }

    /// The list whose rows each become a document.
    pub(crate) fn each_list(&self) -> Option<u16> {
        self.each.as_ref().map(|(list, _)| *list)
    }

    /// A field of a list, under the settings' name for it.
    pub(crate) fn field_of(&mut self, list: u16, field: &str) -> Field {
        let mut renamed = self.lists.iter().filter(|known| known.list == list);
        let renamed = renamed.find_map(|known| known.fields.get(field));
        let field = renamed.map_or(field, String::as_str);
        self.layout.field(list, field)
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
            return Ok(match self.flat(name) {
                Some((list, field)) => self.field_of(list, field),
                None => self.layout.field(HEAD, name),
            });
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

    /// `details_list_goods_no` of a record that becomes a document for each
    /// row of `details_list`.
    fn flat<'n>(&self, name: &'n str) -> Option<(u16, &'n str)> {
        let (list, prefixes) = self.each.as_ref()?;
        let mut prefixes = prefixes.iter();
        let field = prefixes.find_map(|prefix| name.strip_prefix(prefix.as_str()))?;
        (!field.is_empty()).then_some((*list, field))
    }
}

impl Scope {
    /// Whether another pipeline fills this table.
    fn is_filled_elsewhere(&self, table: &str) -> bool {
        let mut tables = self.tables.iter();
        tables.any(|known| known.name == table && known.from.is_some())
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

    fn lookup(&mut self, table: &str, given: &[&str], wanted: &str) -> Result<usize, Complaint> {
        let mut known = self.lookups.iter();
        if let Some(known) = known.position(|lookup| lookup.asks(table, given, wanted)) {
            return Ok(known);
        }
        let lookup = Lookup::new(&self.tables, table, given, wanted)?;
        self.lookups.push(lookup);
        Ok(self.lookups.len() - 1)
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
