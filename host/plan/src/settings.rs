//! Settings against a connector's schema: secrets taken out, numbers wanted as
//! text turned, defaults filled in. Knows nothing of what they mean.

use std::collections::BTreeSet;
use std::ops::Range;

use duijie_contract::Description;
use duijie_diagnostic::{Diagnostic, Place};
use duijie_manifest::{Checked, Document, Entry, Kind, Node, Shape};
use serde_json::Value;

use crate::code;

/// Settings as they stand in a file.
pub(crate) struct Given<'a> {
    pub(crate) file: &'a str,
    /// As messages name them.
    pub(crate) prefix: &'a str,
    /// Where something missing is shown.
    pub(crate) head: Range<usize>,
    pub(crate) node: Option<&'a Node>,
    /// Whether secrets may stand here.
    pub(crate) connection: bool,
}

pub(crate) struct Settled {
    /// With `{"$secret": "<setting>"}` in the place of secrets.
    pub(crate) node: Node,
    /// Setting name to secret name.
    pub(crate) secrets: Vec<(String, String)>,
}

/// Where to show what is missing: the key of the settings, else of the stage.
pub(crate) fn head<T>(document: &Document<T>, settings: &str, stage: &str) -> Range<usize> {
    let key = if document.node.pointer(settings).is_some() {
        settings
    } else {
        stage
    };
    let place = document.key_place(key);
    place.start..place.end
}

/// `None` where the connector's schema is of no use.
pub(crate) fn settle(
    given: &Given<'_>,
    schema: &str,
    description: &Description,
    problems: &mut Vec<Diagnostic>,
) -> Option<Settled> {
    let mut node = match given.node {
        Some(node) if node.kind != Kind::Null => node.clone(),
        _ => Node {
            kind: Kind::Map(Vec::new()),
            span: given.head.clone(),
        },
    };
    let compiled = serde_json::from_str::<Value>(schema)
        .map_err(|error| error.to_string())
        .and_then(|mut schema| {
            let mut names = BTreeSet::new();
            let root = schema.clone();
            if given.connection {
                take_secrets(&mut schema, &root, &mut names);
            }
            Ok((Shape::compile(&schema)?, schema, names))
        });
    let (shape, schema, secret_names) = match compiled {
        Ok(compiled) => compiled,
        Err(reason) => {
            let message = format!(
                "connector `{}` {} describes its settings with a broken schema: {reason}",
                description.name, description.version
            );
            let place = Place::new(given.file, given.head.clone());
            problems.push(
                Diagnostic::error(code::BAD_CONNECTOR, message)
                    .at(place)
                    .hint("tell the connector's author, or use another version of it"),
            );
            return None;
        }
    };
    let secrets = secrets(given, &node, &secret_names, problems);
    let checked = Checked {
        file: given.file,
        prefix: given.prefix,
        head: given.head.clone(),
        hide_unknown: given.connection,
    };
    problems.extend(shape.check(&mut node, &checked));
    for (setting, _) in &secrets {
        replace(&mut node, setting);
    }
    fill(&mut node, &schema, &schema);
    Some(Settled { node, secrets })
}

/// Names of the settings that a connection's schema marks as secret, sorted.
pub fn secret_settings(schema: &str) -> Vec<String> {
    let mut schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let root = schema.clone();
    let mut names = BTreeSet::new();
    take_secrets(&mut schema, &root, &mut names);
    names.into_iter().collect()
}

/// Finds the secret fields of a schema, wherever its top level names them,
/// and opens their own schemas: their values are not at hand to be checked.
fn take_secrets(schema: &mut Value, root: &Value, names: &mut BTreeSet<String>) {
    let Value::Object(keywords) = schema else {
        return;
    };
    for (keyword, inner) in keywords.iter_mut() {
        match (keyword.as_str(), inner) {
            ("properties", Value::Object(fields)) => {
                for (name, field) in fields {
                    let target = field.get("$ref").and_then(Value::as_str);
                    let target = target.and_then(|text| root.pointer(text.strip_prefix('#')?));
                    let is_secret =
                        |field: &Value| field.get("x-secret") == Some(&Value::Bool(true));
                    if is_secret(field) || target.is_some_and(is_secret) {
                        names.insert(name.clone());
                        let meaning = field.get("description").or_else(|| field.get("title"));
                        let meaning = meaning.and_then(Value::as_str).unwrap_or_default();
                        *field = serde_json::json!({ "description": meaning });
                    }
                }
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(branches)) => {
                for branch in branches {
                    take_secrets(branch, root, names);
                }
            }
            ("if" | "then" | "else" | "not", inner) => take_secrets(inner, root, names),
            ("$defs" | "dependentSchemas", Value::Object(schemas)) => {
                for inner in schemas.values_mut() {
                    take_secrets(inner, root, names);
                }
            }
            _ => {}
        }
    }
}

/// Reads the references and tells what stands in the wrong place.
fn secrets(
    given: &Given<'_>,
    node: &Node,
    names: &BTreeSet<String>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in node.entries() {
        let whole = entry.value.text().and_then(reference);
        let key_place = Place::new(given.file, entry.key_span.clone());
        match (names.contains(&entry.key), whole) {
            (true, Some(name)) => found.push((entry.key.clone(), name.to_owned())),
            (true, None) => {
                let text = entry.value.text().unwrap_or_default();
                let setting = format!("{}.{}", given.prefix, entry.key);
                let message = if text.starts_with("${secret:") {
                    format!("`{setting}` is no reference to a secret, expected `${{secret:NAME}}`")
                } else {
                    format!("`{setting}` is a secret, expected a reference to it")
                };
                let name = entry.key.to_uppercase();
                problems.push(
                    Diagnostic::error(code::PLAIN_SECRET, message)
                        .at(key_place)
                        .hide(Place::new(given.file, entry.value.span.clone()))
                        .hint(format!(
                            "write `\"${{secret:{name}}}\"` here and set it with `duijie secrets set \
                             {name}`; letters, digits and `_` make a name"
                        )),
                );
            }
            (false, _) => misplaced(given, &entry.value, problems),
        }
    }
    found
}

fn misplaced(given: &Given<'_>, node: &Node, problems: &mut Vec<Diagnostic>) {
    match &node.kind {
        Kind::Text(text) if text.contains("${secret:") => {
            let hint = if given.connection {
                "refer to a secret as the whole value of a setting that the connector marks as secret"
            } else {
                "secrets stand in connections only: name it there, in a setting that the \
                 connector marks as secret"
            };
            let message = "a secret does not stand here";
            let place = Place::new(given.file, node.span.clone());
            problems.push(
                Diagnostic::error(code::MISPLACED_SECRET, message)
                    .at(place)
                    .hint(hint),
            );
        }
        Kind::List(items) => items
            .iter()
            .for_each(|item| misplaced(given, item, problems)),
        Kind::Map(entries) => {
            for entry in entries {
                misplaced(given, &entry.value, problems);
            }
        }
        _ => {}
    }
}

/// The name in `${secret:NAME}`.
pub fn reference(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${secret:")?.strip_suffix('}')?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (!name.is_empty() && name.bytes().all(fits)).then_some(name)
}

fn replace(node: &mut Node, setting: &str) {
    let Kind::Map(entries) = &mut node.kind else {
        return;
    };
    for entry in entries.iter_mut().filter(|entry| entry.key == setting) {
        let name = Node {
            kind: Kind::Text(setting.to_owned()),
            span: entry.value.span.clone(),
        };
        entry.value.kind = Kind::Map(vec![Entry {
            key: "$secret".to_owned(),
            key_span: entry.key_span.clone(),
            value: name,
        }]);
    }
}

/// Adds the schema's defaults of fields that are absent, maps inside included.
fn fill(node: &mut Node, schema: &Value, root: &Value) {
    let target = schema.get("$ref").and_then(Value::as_str);
    let target = target.and_then(|text| root.pointer(text.strip_prefix('#')?));
    let schema = target.unwrap_or(schema);
    let fields = schema.get("properties").and_then(Value::as_object);
    let Kind::Map(entries) = &mut node.kind else {
        return;
    };
    for (name, field) in fields.into_iter().flatten() {
        match entries.iter_mut().find(|entry| entry.key == *name) {
            Some(entry) => fill(&mut entry.value, field, root),
            None => entries.extend(field.get("default").map(|default| Entry {
                key: name.clone(),
                key_span: 0..0,
                value: Node::from_value(default),
            })),
        }
    }
}
