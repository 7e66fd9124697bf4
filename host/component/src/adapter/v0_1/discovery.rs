//! `duijie:discovery@0.1`: what the documents of a collection hold.

use duijie_contract::{Fault, FaultKind, FieldInfo, FieldKind, FieldRule, Fields, Role, Title};
use duijie_record::Collection;

use super::bindings::exports::duijie::discovery::discovery as wit;
use crate::guest::Running;

pub(crate) use wit::GuestIndices as DiscoveryIndices;

pub(crate) async fn fields(
    mut running: Running,
    indices: &DiscoveryIndices,
    role: Role,
    collection: &Collection,
) -> Result<Fields, Fault> {
    let guest = indices
        .load(&mut running.store, &running.instance)
        .map_err(|error| running.fault(&format!("{error:#}")))?;
    let role = match role {
        Role::Source => wit::Role::Source,
        Role::Transform => wit::Role::Transform,
        Role::Target => wit::Role::Target,
    };
    let answer = call!(running, |store| guest.call_fields_of(
        store,
        role,
        collection.as_str()
    ))?;
    let connector = &running.store.data().connector;
    let told = answer
        .map_err(|reason| Fault::new(connector, FaultKind::Other(super::convert::told(reason))))?;
    Ok(Fields {
        fields: told.fields.into_iter().map(field).collect(),
        rules: told.rules.into_iter().map(rule).collect(),
    })
}

fn field(told: wit::Field) -> FieldInfo {
    FieldInfo {
        path: told.path,
        kind: match told.kind {
            wit::Kind::Text => FieldKind::Text,
            wit::Kind::Integer => FieldKind::Integer,
            wit::Kind::Decimal => FieldKind::Decimal,
            wit::Kind::Boolean => FieldKind::Boolean,
            wit::Kind::DateTime => FieldKind::DateTime,
            wit::Kind::Date => FieldKind::Date,
            wit::Kind::Object => FieldKind::Object,
            wit::Kind::List => FieldKind::List,
            wit::Kind::Any => FieldKind::Any,
            wit::Kind::Other(name) => FieldKind::Other(name),
        },
        title: Title {
            en: told.title.en,
            zh: told.title.zh,
        },
        required: told.required,
        max_length: told.max_length,
    }
}

fn rule(told: wit::Rule) -> FieldRule {
    match told {
        wit::Rule::OneOf(paths) => FieldRule::OneOf(paths),
        wit::Rule::When(condition) => FieldRule::When {
            path: condition.path,
            equals: condition.equals,
            required: condition.required,
        },
        wit::Rule::Other(words) => FieldRule::Other(words),
    }
}
