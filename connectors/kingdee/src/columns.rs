//! The fields that a query asks for, in their order: which of them are fields
//! of each row, and what they are called in a record.

use crate::form::Form;
use crate::table::Known;
use crate::tree::quote;

/// One field of the query.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// As the query names it, `FMaterialID.FNumber`.
    pub key: String,
    /// Its name in the record, `"FMaterialID_FNumber":`.
    pub lead: Vec<u8>,
    /// It is a field of each row.
    pub inside: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    all: Vec<Column>,
    /// Places of what a record is known by.
    pub id: usize,
    pub time: Option<usize>,
    pub entry_id: Option<usize>,
    /// `,"FEntity":`.
    pub list: Vec<u8>,
}

impl Columns {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Column> {
        self.all.iter()
    }

    /// Whether a document may take several rows.
    pub(crate) fn is_wide(&self) -> bool {
        self.entry_id.is_some()
    }

    /// The place of a name of `BillQuery`, looked for first where the last row
    /// had it.
    pub(crate) fn place(&self, name: &[u8], near: usize) -> Option<usize> {
        let is = |column: &Column| column.key.as_bytes() == name;
        if self.all.get(near).is_some_and(is) {
            return Some(near);
        }
        self.all
            .iter()
            .position(|column| column.key.as_bytes().eq_ignore_ascii_case(name))
    }

    /// `FieldKeys`.
    pub(crate) fn keys(&self) -> String {
        let keys: Vec<&str> = self.all.iter().map(|column| column.key.as_str()).collect();
        keys.join(",")
    }

    /// The place of a field, added where it is not among them.
    fn add(&mut self, key: &str, name: &str, inside: bool) -> usize {
        let known = |column: &Column| column.key.eq_ignore_ascii_case(key);
        self.all.iter().position(known).unwrap_or_else(|| {
            self.all.push(Column {
                key: key.to_owned(),
                lead: (quote(name) + ":").into_bytes(),
                inside,
            });
            self.all.len() - 1
        })
    }
}

/// What is read of a known form unless told otherwise.
pub(crate) fn usual(known: Known) -> Vec<String> {
    known
        .fields()
        .filter_map(|line| {
            let key = line.query_key()?;
            let is_row = !known.entity.is_empty() && line.within == known.entity;
            Some(if is_row {
                format!("{}.{key}", known.entity)
            } else {
                key
            })
        })
        .collect()
}

/// The id first, the fields asked for, and what a record is known by.
pub(crate) fn of(form: &Form, fields: &[String], time_field: &str) -> Columns {
    let mut columns = Columns::default();
    columns.id = columns.add(&form.id_field, &form.id_field, false);
    let entity = form.entity.as_str();
    let mut wide = false;
    for field in fields.iter().map(|field| field.trim()) {
        let plain = field
            .strip_prefix(form.sub_head.as_str())
            .and_then(|rest| rest.strip_prefix('.'))
            .unwrap_or(field);
        let (key, inside) = match plain.strip_prefix(entity) {
            Some(rest) if rest.starts_with('.') => (rest.trim_start_matches('.'), true),
            Some(rest) if rest.starts_with('_') => (plain, true),
            _ => (plain, is_of_rows(form, plain)),
        };
        let name = match key.strip_prefix(entity) {
            Some(rest) if inside => rest.trim_start_matches('_'),
            _ => key,
        };
        columns.add(key, &name.replace('.', "_"), inside);
        wide |= inside;
    }
    if !time_field.is_empty() {
        columns.time = Some(columns.add(time_field, time_field, false));
    }
    if wide {
        let entry_id = columns.add(&format!("{entity}_FEntryID"), "FEntryID", true);
        columns.entry_id = Some(entry_id);
        columns.add(&format!("{entity}_FSeq"), "FSeq", true);
        columns.list = format!(",{}:", quote(entity)).into_bytes();
    }
    columns
}

/// Whether a field's name is known as one of the rows, and of nothing else.
fn is_of_rows(form: &Form, key: &str) -> bool {
    let name = key.split('.').next().unwrap_or_default();
    form.known.is_some_and(|known| {
        known.field(&form.entity, name).is_some()
            && known.field("", name).is_none()
            && known.field(&form.sub_head, name).is_none()
    })
}
