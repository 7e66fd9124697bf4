//! A stretch of the source that one run reads instead of what the manifest
//! says. Which settings hold it, the connector's schema marks with `x-window`:
//! `from` or `to`. What the texts mean is the connector's business.

use std::ops::Range;

use duijie_contract::Role;
use duijie_diagnostic::Diagnostic;
use duijie_manifest::{Entry, Kind, Node};
use duijie_schedule::Zone;
use serde_json::Value;

use crate::{code, resolve::Check};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub from: String,
    pub to: String,
}

impl Window {
    /// A stretch that a schedule asks for, told by the clocks of its zone.
    pub fn told_in(zone: &Zone, stretch: duijie_schedule::Window) -> Self {
        Self {
            from: zone.write(stretch.from_ms),
            to: zone.write(stretch.to_ms),
        }
    }
}

impl Check<'_> {
    /// The source's settings with the window in them; `None` where the source
    /// has no settings for one.
    pub(crate) fn windowed(
        &mut self,
        window: &Window,
        node: Option<Node>,
        schema: &str,
        head: Range<usize>,
    ) -> Option<Node> {
        let schema: Value = serde_json::from_str(schema).unwrap_or_default();
        let mut entries = match node.map(|node| node.kind) {
            Some(Kind::Map(entries)) => entries,
            _ => Vec::new(),
        };
        for (end, text) in [("from", &window.from), ("to", &window.to)] {
            let Some((name, field)) = marked(&schema, end) else {
                self.no_window(end);
                return None;
            };
            let kind = match field.get("type").and_then(Value::as_str) {
                Some("integer" | "number") if is_number(text) => Kind::Number(text.clone()),
                _ => Kind::Text(text.clone()),
            };
            entries.retain(|entry| entry.key != name);
            entries.push(Entry {
                key: name.to_owned(),
                key_span: head.clone(),
                value: Node {
                    kind,
                    span: head.clone(),
                },
            });
        }
        Some(Node {
            kind: Kind::Map(entries),
            span: head,
        })
    }

    /// Tells it where the source has no settings for a window.
    pub(crate) fn needs_window(&mut self) {
        let connector = self.inputs.pipeline.low.source.as_ref();
        let connector = connector.and_then(|source| source.connector.as_ref());
        let Some(description) = connector.and_then(|name| self.inputs.descriptions.get(name))
        else {
            return;
        };
        let mut schemas = description.pipeline_schemas.iter();
        let schema = schemas.find(|(role, _)| *role == Role::Source);
        let schema = schema.and_then(|(_, schema)| serde_json::from_str::<Value>(schema).ok());
        let schema = schema.unwrap_or_default();
        if let Some(end) = ["from", "to"]
            .iter()
            .find(|end| marked(&schema, end).is_none())
        {
            self.no_window(end);
        }
    }

    fn no_window(&mut self, end: &str) {
        let low = &self.inputs.pipeline.low;
        let connector = low
            .source
            .as_ref()
            .and_then(|source| source.connector.clone());
        let message = format!(
            "connector `{}` has no setting for a window: none is marked `x-window: {end}`",
            connector.unwrap_or_default()
        );
        let problem = Diagnostic::error(code::NO_WINDOW, message)
            .at(self.inputs.pipeline.place("/source/connector"))
            .hint(
                "write the stretch into `source.settings`, then `checkpoints reset` and run: what \
                 was written is known and is not written twice",
            );
        self.tell(problem);
    }
}

fn marked<'a>(schema: &'a Value, end: &str) -> Option<(&'a str, &'a Value)> {
    let fields = schema.get("properties")?.as_object()?;
    let mark = |field: &Value| field.get("x-window").and_then(Value::as_str) == Some(end);
    let found = fields.iter().find(|(_, field)| mark(field))?;
    Some((found.0, found.1))
}

fn is_number(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_number())
}
