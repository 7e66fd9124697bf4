//! Documents that nobody saved: the base data that belongs to the goods, shops and warehouses of the simulated
//! Wangdiantong, and bills for a reader to find. The same form and number give the same document.

use super::document::{Bills, Store};
use super::fields::{Kind, some, suppliers};
use super::forms::{self, Field, Form};
use super::save::give_ids;
use crate::node::Node;
use crate::orders::catalogue::{SHOPS, SPECS, WAREHOUSES, barcode, goods_name, spec_name, spec_no};
use crate::random::Random;
use tokio::time::Instant;

const DAY_MS: i64 = 86_400_000;

/// Puts the base data where it belongs, all of it audited and a month old.
pub(crate) fn base_data(store: &mut Store, now_ms: i64) {
    for form in forms::all() {
        let rows = master(form.name);
        if let Some(bills) = store.of_mut(form.name) {
            let visible = Instant::now();
            for (at, (number, more)) in (0..).zip(rows) {
                let made = now_ms - 30 * DAY_MS + at * 61_017;
                let mut model = document(form, usize::try_from(at).unwrap_or(0), &number);
                for (within, name, value) in more {
                    set(&mut model, within, name, Node::text(value));
                }
                bills.create(number, 'C', model, visible, made);
            }
        }
    }
}

type More = Vec<(&'static str, &'static str, String)>;

/// Numbers of a form's base data, and what is known of each.
fn master(form: &str) -> Vec<(String, More)> {
    let named = |no: &str, name: &str| (no.to_owned(), vec![("", "FName", name.to_owned())]);
    let table = |rows: &[(&str, &str)]| rows.iter().map(|(no, name)| named(no, name)).collect();
    match form {
        "BD_MATERIAL" => (0..usize::try_from(SPECS).unwrap_or(0))
            .map(|spec| {
                let more = vec![
                    ("", "FName", goods_name(spec)),
                    ("", "FSpecification", spec_name(spec).to_owned()),
                    ("SubHeadEntity", "FBARCODE", barcode(spec)),
                ];
                (spec_no(spec), more)
            })
            .collect(),
        "BD_Customer" => table(&SHOPS),
        "BD_STOCK" => table(&WAREHOUSES),
        "BD_Supplier" => suppliers()
            .map(|number| named(&number, &format!("供应商{number}")))
            .collect(),
        "BD_Department" => table(&[("BM000175", "电商部")]),
        "BD_UNIT" => table(&[("Pcs", "件"), ("Box", "箱")]),
        "BD_Currency" => table(&[("PRE001", "人民币")]),
        "ORG_Organizations" => {
            let mut rows: Vec<(String, More)> = table(&[("100", "集团公司")]);
            rows.extend::<Vec<_>>(table(&SHOPS));
            rows.extend::<Vec<_>>(table(&WAREHOUSES));
            rows
        }
        // One row a material and warehouse, without a number of its own.
        "STK_Inventory" => (0..usize::try_from(SPECS).unwrap_or(0))
            .map(|_| (String::new(), Vec::new()))
            .collect(),
        _ => Vec::new(),
    }
}

/// Adds bills (or base data) that changed at moments spread over `from..=to` (milliseconds); gives their keys.
pub(crate) fn add(bills: &mut Bills, count: usize, from: i64, to: i64) -> Vec<String> {
    let form = bills.form;
    let mut keys = Vec::new();
    for at in 0..count {
        let number = match form.number {
            "" => String::new(),
            _ => bills.free_number(),
        };
        let steps = i64::try_from(count.max(2) - 1).unwrap_or(1);
        let made = from + (to - from) * i64::try_from(at).unwrap_or(0) / steps;
        let mut model = document(form, bills.len() + 7, &number);
        give_ids(bills, &mut model);
        let status = if at % 3 == 0 { 'C' } else { 'A' };
        let id = bills.create(number, status, model, Instant::now(), made);
        keys.push(id.to_string());
    }
    keys
}

/// Changes a document's content: another note or name, and a row more where it has rows.
pub(crate) fn change(bills: &mut Bills, id: i64, now_ms: i64) -> bool {
    let form = bills.form;
    let entry = bills.entry_id();
    let Some(bill) = bills.by_fid_mut(id) else {
        return false;
    };
    bill.saves += 1;
    bill.modified = now_ms.max(bill.modified + 1);
    let text = form
        .within("")
        .find(|field| field.usual && is_free_text(form, field));
    if let Some(field) = text {
        bill.model
            .set(field.name, Node::text(format!("改{}", bill.saves)));
    }
    let number = form
        .within("")
        .find(|field| field.usual && field.kind == Kind::Number);
    if let Some(field) = number {
        bill.model
            .set(field.name, Node::Number(format!("{}.2500", bill.saves)));
    }
    if !form.entity.is_empty() {
        let mut rows = bill
            .model
            .get(form.entity)
            .map(|rows| rows.items().to_vec())
            .unwrap_or_default();
        let mut row = members(form, form.entity, rows.len() + 3, false);
        row.set("FEntryID", Node::integer(entry));
        rows.push(row);
        bill.model.set(form.entity, Node::List(rows));
    }
    true
}

fn is_free_text(form: &Form, field: &Field) -> bool {
    field.kind == Kind::Text
        && field.name != form.number
        && !field.read_only
        && !field.name.to_ascii_lowercase().contains("type")
}

/// A document of every usual field; `draw` chooses among values.
pub(crate) fn document(form: &'static Form, draw: usize, number: &str) -> Node {
    let mut model = members(form, "", draw, form.number.is_empty());
    if !form.number.is_empty() {
        model.set(form.number, Node::text(number));
    }
    if !form.sub_head.is_empty() {
        model.set(form.sub_head, members(form, form.sub_head, draw, false));
    }
    if !form.entity.is_empty() {
        let rows = (0..1 + draw % 4).map(|row| members(form, form.entity, draw * 5 + row, false));
        model.set(form.entity, Node::List(rows.collect()));
    }
    model
}

/// Fields of one object; those that only the server sets where `all`.
fn members(form: &'static Form, within: &'static str, draw: usize, all: bool) -> Node {
    let mut object = Node::Map(Vec::new());
    let usual = form
        .within(within)
        .filter(|field| field.usual && (all || !field.read_only));
    for field in usual {
        if field.name != form.entity && field.name != form.sub_head {
            object.set(field.name, value(field, draw));
        }
    }
    object
}

fn value(field: &Field, draw: usize) -> Node {
    let mut random = Random::new(draw as u64 ^ field.name.len() as u64);
    match field.kind {
        Kind::Base(domain) => {
            let mut base = Node::Map(Vec::new());
            let member = if field.member.is_empty() {
                "FNumber"
            } else {
                field.member
            };
            base.set(member, Node::text(some(domain, draw)));
            base
        }
        Kind::Number if field.name == "FPrecision" => Node::integer(2),
        Kind::Number => Node::Number(format!(
            "{}.{:04}",
            1 + random.below(90),
            random.below(10_000)
        )),
        Kind::Date => Node::text(format!("2025-{:02}-{:02}", 1 + draw % 12, 1 + draw % 28)),
        Kind::Bool => Node::Bool(draw.is_multiple_of(2)),
        Kind::Text => match field.name.to_ascii_uppercase().as_str() {
            "FCONTACTUNITTYPE" | "FPAYUNITTYPE" => Node::text("BD_Customer"),
            name if name.contains("OWNERTYPE") => Node::text("BD_OwnerOrg"),
            _ => Node::text(format!("{}\"{draw}\"", field.title)),
        },
        Kind::Flex | Kind::Any => Node::Null,
    }
}

fn set(model: &mut Node, within: &str, name: &str, value: Node) {
    if within.is_empty() {
        model.set(name, value);
        return;
    }
    let mut inner = model.get(within).cloned().unwrap_or(Node::Map(Vec::new()));
    inner.set(name, value);
    model.set(within, inner);
}
