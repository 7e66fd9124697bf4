//! What a test asks of this server beside its API: the documents of a form as a reader has to find them, new
//! and changed ones, and documents to write.

use super::document::{Bill, Bills};
use super::forms::{self, Form};
use super::query::Column;
use super::save::give_ids;
use super::{Kingdee, seed};
use crate::node::Node;
use crate::system::{Broken, Row, System};
use std::sync::PoisonError;
use tokio::time::Instant;

/// What numbers of samples begin with, and those of the server's own documents do not.
const SAMPLE: &str = "SAMPLE";

impl Kingdee {
    fn with<T>(&self, form: &str, work: impl FnOnce(&mut Bills) -> T) -> Option<T> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.of_mut(form).map(work)
    }

    /// Adds documents of a form that changed at moments spread over `from..=to`, unix milliseconds.
    pub(crate) fn add(&self, form: &str, count: usize, from: i64, to: i64) -> Vec<String> {
        self.with(form, |bills| seed::add(bills, count, from, to))
            .unwrap_or_default()
    }

    /// A document as somebody entered and audited it in the client; none where the form or the text is none.
    pub(crate) fn enter(&self, form: &str, json: &str, at_ms: i64) -> Option<i64> {
        let mut model = Node::parse(json).ok()?;
        self.with(form, |bills| {
            give_ids(bills, &mut model);
            let number = model.get(bills.form.number).and_then(Node::scalar);
            let number = number.unwrap_or_default().to_owned();
            bills.create(number, 'C', model, Instant::now(), at_ms)
        })
    }

    pub(crate) fn change(&self, form: &str, id: i64, at_ms: i64) -> bool {
        self.with(form, |bills| seed::change(bills, id, at_ms))
            .unwrap_or_default()
    }

    pub(crate) fn documents_of(&self, form: &str) -> Vec<super::Document> {
        self.with(form, |bills| bills.all().map(Bill::document).collect())
            .unwrap_or_default()
    }
}

/// A document as a query of its form's usual fields gives it, rows of one bill together: `FMaterialID.FNumber`
/// is called `FMaterialID_FNumber`.
fn record(form: &'static Form, bill: &Bill) -> Node {
    let mut record = Node::Map(Vec::new());
    record.set(form.id, Node::integer(bill.fid));
    put(form, bill, "", &mut record);
    if !form.sub_head.is_empty() {
        put(form, bill, form.sub_head, &mut record);
    }
    if !form.entity.is_empty() {
        let entries = bill.model.get(form.entity).map(Node::items);
        let rows = entries
            .unwrap_or_default()
            .iter()
            .enumerate()
            .map(|(at, entry)| {
                let mut row = Node::Map(Vec::new());
                for (key, name) in asked(form, form.entity) {
                    if let Ok(column) = Column::of(form, &key) {
                        row.set(&name, column.value(form, bill, at, Some(entry)));
                    }
                }
                row.set(
                    "FEntryID",
                    entry.get("FEntryID").cloned().unwrap_or(Node::Null),
                );
                row.set("FSeq", Node::Number((at + 1).to_string()));
                row
            });
        record.set(form.entity, Node::List(rows.collect()));
    }
    record
}

fn put(form: &'static Form, bill: &Bill, within: &'static str, record: &mut Node) {
    for (key, name) in asked(form, within) {
        if let Ok(column) = Column::of(form, &key) {
            record.set(&name, column.value(form, bill, 0, None));
        }
    }
}

/// Query keys of the usual fields, and their names in a record.
fn asked(form: &'static Form, within: &'static str) -> Vec<(String, String)> {
    let fields = form.within(within).filter(|field| field.usual);
    fields
        .filter(|field| field.name != form.entity && field.name != form.sub_head)
        .map(|field| match field.member {
            "" => (field.name.to_owned(), field.name.to_owned()),
            member => (
                format!("{}.{member}", field.name),
                format!("{}_{member}", field.name),
            ),
        })
        .collect()
}

fn row(form: &'static Form, bill: &Bill) -> Row {
    let timed = form
        .within("")
        .find(|field| field.name.eq_ignore_ascii_case("FModifyDate"));
    let version = timed.and_then(|field| Column::of(form, field.name).ok());
    Row {
        key: bill.fid.to_string(),
        version: version.and_then(|column| {
            let value = column.value(form, bill, 0, None);
            value.scalar().map(str::to_owned)
        }),
        json: record(form, bill).to_string(),
    }
}

/// A document as a pipeline hands it over: base data by their bare numbers.
fn flat(node: &Node) -> Node {
    match node {
        Node::Map(members) => match members.as_slice() {
            [(key, number)] if matches!(key.as_str(), "FNumber" | "FNUMBER" | "FNAME") => {
                number.clone()
            }
            members => Node::Map(
                members
                    .iter()
                    .map(|(name, value)| (name.clone(), flat(value)))
                    .collect(),
            ),
        },
        Node::List(items) => Node::List(items.iter().map(flat).collect()),
        other => other.clone(),
    }
}

impl System for Kingdee {
    fn sources(&self) -> Vec<String> {
        forms::all()
            .iter()
            .map(|form| form.name.to_owned())
            .collect()
    }

    fn targets(&self) -> Vec<String> {
        let written = forms::all().iter().filter(|form| !form.number.is_empty());
        written.map(|form| form.name.to_owned()).collect()
    }

    fn rows(&self, collection: &str) -> Vec<Row> {
        self.catch_up(Some(tokio::time::Instant::now()));
        self.with(collection, |bills| {
            bills.all().map(|bill| row(bills.form, bill)).collect()
        })
        .unwrap_or_default()
    }

    fn add_rows(&self, collection: &str, count: usize) -> Vec<String> {
        let now = self.clock.now_ms();
        self.add(collection, count, now, now)
    }

    fn change_row(&self, collection: &str, key: &str) -> bool {
        let id = key.parse().unwrap_or_default();
        self.change(collection, id, self.clock.now_ms())
    }

    fn sample(&self, collection: &str, n: usize) -> String {
        forms::form(collection).map_or(String::new(), |form| {
            let number = format!("{SAMPLE}{n:06}");
            flat(&seed::document(form, n, &number)).to_string()
        })
    }

    fn broken(&self, collection: &str) -> Vec<Broken> {
        let Some(form) = forms::form(collection) else {
            return Vec::new();
        };
        let required = form.fields.iter().filter(|field| field.required);
        required
            .enumerate()
            .map(|(n, field)| {
                let mut document = flat(&seed::document(form, n, &format!("B{n:07}")));
                let path = match field.within {
                    "" => field.name.to_owned(),
                    within => format!("{within}.{}", field.name),
                };
                without(&mut document, field.within, field.name);
                Broken {
                    field: path,
                    json: document.to_string(),
                }
            })
            .collect()
    }

    fn written(&self, collection: &str) -> Vec<Row> {
        self.catch_up(Some(tokio::time::Instant::now()));
        self.with(collection, |bills| {
            let all = bills.all().filter(|bill| !is_seeded(bill));
            all.flat_map(|bill| {
                let row = Row {
                    key: bill.number.clone(),
                    ..row(bills.form, bill)
                };
                std::iter::repeat_n(row, usize::try_from(bill.saves).unwrap_or(1))
            })
            .collect()
        })
        .unwrap_or_default()
    }
}

fn is_seeded(bill: &Bill) -> bool {
    !bill.number.starts_with(SAMPLE)
}

fn without(document: &mut Node, within: &str, name: &str) {
    let Node::Map(members) = document else { return };
    if within.is_empty() {
        members.retain(|(known, _)| known != name);
        return;
    }
    let holder = members.iter_mut().find(|(known, _)| known == within);
    match holder.map(|(_, value)| value) {
        Some(Node::List(rows)) => {
            if let Some(row) = rows.first_mut() {
                without(row, "", name);
            }
        }
        Some(object) => without(object, "", name),
        None => {}
    }
}
