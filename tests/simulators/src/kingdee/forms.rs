//! The forms that the server knows, read once from `forms.tsv`: `#name`, title, the fields of id and number,
//! the list of rows, the sub-head; then a line a field: path, kind, title, the member of base data. `!` is
//! required, `<` set by the server alone, `>` not among the fields that a reader usually asks for.
//! 销售出库单 has more fields than stand there; they come from `fields`.

use super::fields::{Domain, ENTRY, FINANCE, HEADER, Kind};
use std::sync::LazyLock;

pub(crate) struct Form {
    pub(crate) name: &'static str,
    pub(crate) id: &'static str,
    /// Empty for what has no number.
    pub(crate) number: &'static str,
    pub(crate) entity: &'static str,
    pub(crate) sub_head: &'static str,
    pub(crate) fields: Vec<Field>,
}

pub(crate) struct Field {
    /// The object or list that it stands in; empty for the head.
    pub(crate) within: &'static str,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) title: &'static str,
    pub(crate) required: bool,
    pub(crate) read_only: bool,
    pub(crate) usual: bool,
    /// `FNumber` for base data mostly.
    pub(crate) member: &'static str,
}

static FORMS: LazyLock<Vec<Form>> = LazyLock::new(read);

pub(crate) fn all() -> &'static [Form] {
    &FORMS
}

pub(crate) fn form(name: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.name == name)
}

impl Form {
    /// A field, whatever the case of its name; fields that a customer added (`F_…`) take anything.
    pub(crate) fn kind(&self, within: &str, name: &str) -> Option<Kind> {
        let custom = name
            .get(..2)
            .filter(|start| start.eq_ignore_ascii_case("F_"));
        self.field(within, name)
            .map(|field| field.kind)
            .or(custom.map(|_| Kind::Any))
    }

    pub(crate) fn field(&self, within: &str, name: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|field| field.within == within && field.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn is_base_data(&self) -> bool {
        self.number == "FNumber"
    }

    /// Fields that this object or list has.
    pub(crate) fn within(&self, within: &'static str) -> impl Iterator<Item = &Field> {
        self.fields
            .iter()
            .filter(move |field| field.within == within)
    }
}

fn read() -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    for line in include_str!("forms.tsv").lines() {
        let cells: Vec<&'static str> = line.split('\t').collect();
        let cell = |at: usize| {
            cells
                .get(at)
                .copied()
                .filter(|cell| *cell != "-")
                .unwrap_or("")
        };
        if let Some(name) = cell(0).strip_prefix('#') {
            forms.push(Form {
                name,
                id: cell(2),
                number: cell(3),
                entity: cell(4),
                sub_head: cell(5),
                fields: Vec::new(),
            });
        } else if let Some(form) = forms.last_mut() {
            let (within, name) = cell(0).rsplit_once('.').unwrap_or(("", cell(0)));
            form.fields.push(Field {
                within,
                name,
                kind: kind(cell(1), name),
                title: cell(2),
                required: cell(1).contains('!'),
                read_only: cell(1).ends_with('<'),
                usual: !cell(1).ends_with('>'),
                member: cell(3),
            });
        }
    }
    for form in &mut forms {
        let tables: &[(&'static str, &[(&'static str, Kind)])] = match form.name {
            "SAL_OUTSTOCK" => &[("", HEADER), ("SubHeadEntity", FINANCE), ("FEntity", ENTRY)],
            _ => &[],
        };
        for (within, table) in tables {
            for (name, kind) in *table {
                add(form, within, name, *kind);
            }
        }
        let (id, number, entity) = (form.id, form.number, form.entity);
        add(form, "", id, Kind::Any);
        if !number.is_empty() {
            add(form, "", number, Kind::Text);
        }
        if !entity.is_empty() {
            add(form, entity, "FEntryID", Kind::Any);
            add(form, entity, "FSeq", Kind::Any);
        }
    }
    forms
}

/// A field that the table does not tell; what the table tells of kinds of 销售出库单 is looked up there.
fn add(form: &mut Form, within: &'static str, name: &'static str, kind: Kind) {
    let known = form
        .fields
        .iter_mut()
        .find(|field| field.within == within && field.name.eq_ignore_ascii_case(name));
    if let Some(known) = known {
        known.kind = kind;
        return;
    }
    form.fields.push(Field {
        within,
        name,
        kind,
        title: name,
        required: false,
        read_only: false,
        usual: false,
        member: "",
    });
}

fn kind(cell: &str, name: &str) -> Kind {
    match cell.trim_end_matches(['!', '<', '>']) {
        "number" => Kind::Number,
        "date" => Kind::Date,
        "bool" => Kind::Bool,
        "flex" => Kind::Flex,
        "base" => Kind::Base(domain(name)),
        "object" | "list" => Kind::Any,
        _ => Kind::Text,
    }
}

/// Which base data a field names, by the words in its name.
fn domain(name: &str) -> Domain {
    let name = name.to_ascii_lowercase();
    let has = |word: &str| name.contains(word);
    if has("billtype") {
        Domain::BillType
    } else if has("orgid") {
        Domain::Organization
    } else if has("material") && !has("group") {
        Domain::Material
    } else if has("custid") || has("customerid") {
        Domain::Customer
    } else if has("supplier") {
        Domain::Supplier
    } else if has("stockid") {
        Domain::Stock
    } else if has("currid") || has("currencyid") {
        Domain::Currency
    } else {
        Domain::Open
    }
}
