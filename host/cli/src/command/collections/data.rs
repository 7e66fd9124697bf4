//! The same as data: all that is told of the collections shown, for programs.

use duijie_contract::{Description, FieldInfo, FieldRule, Title};
use serde_json::{Value, json};

use super::{Offer, Told};

pub(super) fn data(description: &Description, offers: &[Offer]) -> Value {
    let roles: Vec<_> = description.roles.iter().map(ToString::to_string).collect();
    json!({
        "connector": description.name,
        "version": description.version,
        "digest": description.digest,
        "title": title(&description.title),
        "roles": roles,
        "calls_per_minute": description.calls_per_minute,
        "sessions": description.sessions,
        "steps": description.steps,
        "other_collections": description.other_collections,
        "collections": offers.iter().map(offer).collect::<Vec<_>>(),
    })
}

fn offer(offer: &Offer) -> Value {
    let info = &offer.info;
    let (fields, rules, unknown) = match &offer.told {
        Told::Nothing(reason) => (Value::Null, Value::Null, json!(reason)),
        Told::Fields(told) => (
            told.fields.iter().map(field).collect(),
            told.rules.iter().map(rule).collect(),
            Value::Null,
        ),
    };
    json!({
        "name": info.name,
        "role": info.role.to_string(),
        "listed": !offer.by_name,
        "title": title(&info.title),
        "key": info.key,
        "guarantee": info.guarantee.as_str(),
        "settle_ms": info.settle_ms,
        "max_records": info.max_records,
        "max_bytes": info.max_bytes,
        "acknowledged": info.draining,
        "fields": fields,
        "rules": rules,
        "unknown": unknown,
    })
}

fn field(field: &FieldInfo) -> Value {
    json!({
        "path": field.path,
        "kind": field.kind.as_str(),
        "title": title(&field.title),
        "required": field.required,
        "max_length": field.max_length,
    })
}

fn rule(rule: &FieldRule) -> Value {
    match rule {
        FieldRule::OneOf(paths) => json!({"one_of": paths}),
        FieldRule::When {
            path,
            equals,
            required,
        } => json!({"when": path, "equals": equals, "required": required}),
        FieldRule::Other(words) => json!({"words": words}),
    }
}

fn title(title: &Title) -> Value {
    json!({"en": title.en, "zh": title.zh})
}
