//! The tree as JSON: as text with every digit kept, and as a value for schema
//! checks, where a number too long for the machine is only near.

use serde_json::Value;

use crate::{Entry, Kind, Node};

impl Node {
    /// JSON text; numbers as they were written.
    pub fn to_json_text(&self) -> String {
        let mut out = String::new();
        write(self, &mut out);
        out
    }

    /// For checks only: numbers pass through the machine's.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(digits) => serde_json::from_str(digits).unwrap_or(Value::Null),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => items.iter().map(Node::to_value).collect(),
            Kind::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.to_value()))
                .collect(),
        }
    }

    /// A tree without places, such as a schema's default.
    pub fn from_value(value: &Value) -> Self {
        let kind = match value {
            Value::Null => Kind::Null,
            Value::Bool(value) => Kind::Bool(*value),
            Value::Number(number) => Kind::Number(number.to_string()),
            Value::String(text) => Kind::Text(text.clone()),
            Value::Array(items) => Kind::List(items.iter().map(Node::from_value).collect()),
            Value::Object(fields) => Kind::Map(
                fields
                    .iter()
                    .map(|(key, value)| Entry {
                        key: key.clone(),
                        key_span: 0..0,
                        value: Node::from_value(value),
                    })
                    .collect(),
            ),
        };
        Node { kind, span: 0..0 }
    }
}

fn write(node: &Node, out: &mut String) {
    match &node.kind {
        Kind::Null => out.push_str("null"),
        Kind::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Kind::Number(digits) => out.push_str(digits),
        Kind::Text(text) => write_text(text, out),
        Kind::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Kind::Map(entries) => {
            out.push('{');
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(&entry.key, out);
                out.push(':');
                write(&entry.value, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&Value::from(text).to_string());
}
