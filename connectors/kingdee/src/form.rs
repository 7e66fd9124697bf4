//! What each field of a form is: base data, number, flag, call option. By the
//! table of known forms, extended by the settings of the pipeline. It knows
//! names only; `normalise` applies it.

use crate::settings::{Names, Pipeline};
use crate::table::{self, Known, Line};
use crate::tree::quote;

/// Where in a document a field stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Head,
    /// The one-to-one sub-head, such as `SubHeadEntity`.
    Sub,
    /// A row of the entry, such as `FEntity`.
    Row,
}

/// How a field's value is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As it came.
    Plain,
    /// As it came, left out when empty.
    Filled,
    /// Between these two texts unless it is an object already; left out when empty.
    Base {
        open: String,
        close: String,
    },
    Number,
    Flag,
    /// The number that identifies the document.
    Key,
    /// Ids that only the connector sets.
    Own,
    Option(CallOption),
    SubHead,
    Entity,
    /// A dotted name: this field of the sub-head.
    InSub(Box<Field>),
    /// A dotted name that points below the entry from outside it.
    Misplaced,
}

/// A field as it is sent: `name` has its quotes and colon, `lead` is the name
/// and what base data is opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub name: String,
    pub lead: String,
    pub label: String,
    pub shape: Shape,
}

/// Options of the call that the flat table carries as if they were fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallOption {
    FormId,
    Operation,
    AutoSubmitAndAudit,
    VerifyBaseData,
    SubSystemId,
}

impl CallOption {
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("FormId", Self::FormId),
        ("Operation", Self::Operation),
        ("IsAutoSubmitAndAudit", Self::AutoSubmitAndAudit),
        ("IsVerifyBaseDataField", Self::VerifyBaseData),
        ("SubSystemId", Self::SubSystemId),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, option)| *option)
    }
}

/// The names of one form and what the settings add to them.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub id: String,
    /// The field that holds the document's number.
    pub key: String,
    /// The field that holds the system's own id.
    pub id_field: String,
    pub entity: String,
    pub sub_head: String,
    /// The base data that tells a row from its neighbours, where known.
    pub material: Option<&'static str>,
    pub known: Option<Known>,
    /// The field that shows a document's state.
    pub state_field: &'static str,
    settings: Pipeline,
}

impl Form {
    pub(crate) fn new(id: &str, settings: &Pipeline) -> Self {
        let known = table::known(id);
        let or = |said: &Option<String>, named: Option<&'static str>, usual: &str| {
            let named = named.filter(|name| !name.is_empty()).unwrap_or(usual);
            said.clone().unwrap_or_else(|| named.to_owned())
        };
        let usual_key = match id.starts_with("BD_") {
            true => "FNumber",
            false => "FBillNo",
        };
        let entity = or(&settings.entity, known.map(|known| known.entity), "FEntity");
        let material = known.and_then(|known| known.field(&entity, "FMaterialID"));
        Self {
            id: id.to_owned(),
            key: or(&settings.key, known.map(|known| known.number), usual_key),
            id_field: or(&settings.id_field, known.map(|known| known.id), "FID"),
            entity,
            sub_head: or(
                &settings.sub_head,
                known.map(|known| known.sub_head),
                "SubHeadEntity",
            ),
            material: material.map(|line| line.name),
            known,
            state_field: "FDocumentStatus",
            settings: settings.clone(),
        }
    }

    /// Whether its documents may have rows; base data mostly has none.
    pub(crate) fn has_rows(&self) -> bool {
        self.settings.entity.is_some() || self.known.is_none_or(|known| !known.entity.is_empty())
    }

    /// Whether the system is known to refuse a second document with the number.
    pub(crate) fn refuses_duplicates(&self) -> bool {
        self.known
            .is_some_and(|known| known.number == self.key.as_str())
    }

    /// What a field of this name in this scope is. Names match whatever their
    /// case; they are sent in the spelling of the vendor's template.
    pub(crate) fn field(&self, scope: Scope, name: &str) -> Field {
        if let Some((prefix, last)) = name.rsplit_once('.') {
            return self.dotted(scope, prefix, last, name);
        }
        if let Some(option) = CallOption::named(name) {
            return field(name, Shape::Option(option));
        }
        let name = named(&self.settings.rename, name).unwrap_or(name);
        match scope {
            Scope::Head | Scope::Sub if name == self.entity => field(name, Shape::Entity),
            Scope::Head if name == self.sub_head => field(name, Shape::SubHead),
            Scope::Head if name == self.key => field(name, Shape::Key),
            Scope::Head if name.eq_ignore_ascii_case(&self.id_field) => field(name, Shape::Own),
            Scope::Row if name.eq_ignore_ascii_case("FENTRYID") => field(name, Shape::Own),
            _ => self.valued(scope, name),
        }
    }

    /// Built-in shape, overridden by the settings.
    fn valued(&self, scope: Scope, name: &str) -> Field {
        let came_as = name;
        let within = match scope {
            Scope::Head => "",
            Scope::Sub => self.sub_head.as_str(),
            Scope::Row => self.entity.as_str(),
        };
        let line = self.known.and_then(|known| known.field(within, name));
        let label = line.map_or(name, |line| line.name);
        let said = |names: &Names| {
            named(names, label)
                .or_else(|| named(names, came_as))
                .map(str::to_owned)
        };
        match (said(&self.settings.flex), said(&self.settings.wrap)) {
            (Some(member), _) => field(label, flex(&member)),
            (None, Some(member)) if member.is_empty() => field(label, Shape::Plain),
            (None, Some(member)) => field(label, base(&member)),
            (None, None) => field(label, line.map_or(Shape::Plain, shape)),
        }
    }

    /// The flat table's names: `SubHeadEntity.FEntity.FMaterialID` and the like.
    fn dotted(&self, scope: Scope, prefix: &str, last: &str, name: &str) -> Field {
        let inner = prefix
            .strip_prefix(self.sub_head.as_str())
            .and_then(|rest| {
                if rest.is_empty() {
                    Some(rest)
                } else {
                    rest.strip_prefix('.')
                }
            });
        let below_entity = inner.unwrap_or(prefix) == self.entity;
        let in_sub = inner.is_some_and(str::is_empty);
        if (below_entity || in_sub) && CallOption::named(last).is_some() {
            return self.field(Scope::Row, last);
        }
        match scope {
            Scope::Row if below_entity => self.field(Scope::Row, last),
            Scope::Head | Scope::Sub if below_entity => field(name, Shape::Misplaced),
            Scope::Head if in_sub && last == self.entity => self.field(Scope::Head, last),
            Scope::Head if in_sub => {
                let inner = self.field(Scope::Sub, last);
                field(name, Shape::InSub(Box::new(inner)))
            }
            Scope::Sub if in_sub => self.field(Scope::Sub, last),
            _ => self.valued(scope, name),
        }
    }
}

/// What a name becomes.
fn named<'n>(names: &'n Names, name: &str) -> Option<&'n str> {
    names
        .iter()
        .find(|(from, _)| from == name)
        .map(|(_, to)| to.as_str())
}

fn shape(line: Line) -> Shape {
    if let Some(member) = line.flex() {
        return flex(member);
    }
    match (line.kind, line.base()) {
        (_, Some(member)) => base(member),
        ('n' | 'i', None) => Shape::Number,
        ('b', None) => Shape::Flag,
        ('d' | 't', None) => Shape::Filled,
        _ => Shape::Plain,
    }
}

fn field(name: &str, shape: Shape) -> Field {
    let quoted = quote(name) + ":";
    let lead = match &shape {
        Shape::Base { open, .. } => quoted.clone() + open,
        _ => quoted.clone(),
    };
    Field {
        name: quoted,
        lead,
        label: name.to_owned(),
        shape,
    }
}

fn base(member: &str) -> Shape {
    Shape::Base {
        open: format!("{{{}:", quote(member)),
        close: "}".to_owned(),
    }
}

fn flex(member: &str) -> Shape {
    Shape::Base {
        open: format!("{{{}:{{\"FNumber\":", quote(member)),
        close: "}}".to_owned(),
    }
}
