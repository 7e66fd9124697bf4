//! One file, read: its text, its located tree and its low form.

use std::sync::LazyLock;

use duijie_diagnostic::{Diagnostic, Place};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Checked, Connection, Kind, Node, Pipeline, Serve, Shape, Tenant, code, node::escape,
    shape::Finding, yaml,
};

#[derive(Debug, Clone)]
pub struct Document<T> {
    /// The name for messages, as the caller gave it.
    pub file: String,
    pub text: String,
    pub node: Node,
    pub low: T,
    /// Whether nothing was wrong; only then may it run.
    pub sound: bool,
    /// JSON pointers of what was wrong and left out of the low form.
    bad: Vec<String>,
}

impl Document<Pipeline> {
    /// Every problem of form, in the order of the file. `None` only where
    /// there is no map to speak of.
    pub fn pipeline(file: &str, text: &str) -> (Option<Self>, Vec<Diagnostic>) {
        static SHAPE: Compiled = LazyLock::new(compiled::<Pipeline>);
        read(file, text, &SHAPE, false)
    }

    /// JSON Schema 2020-12 for editors.
    pub fn pipeline_schema() -> Value {
        schema::<Pipeline>()
    }
}

impl Document<Connection> {
    /// As [`Document::pipeline`]. What may be a misplaced secret is not shown.
    pub fn connection(file: &str, text: &str) -> (Option<Self>, Vec<Diagnostic>) {
        static SHAPE: Compiled = LazyLock::new(compiled::<Connection>);
        read(file, text, &SHAPE, true)
    }

    /// JSON Schema 2020-12 for editors.
    pub fn connection_schema() -> Value {
        schema::<Connection>()
    }
}

impl Document<Serve> {
    /// As [`Document::pipeline`].
    pub fn serve(file: &str, text: &str) -> (Option<Self>, Vec<Diagnostic>) {
        static SHAPE: Compiled = LazyLock::new(compiled::<Serve>);
        read(file, text, &SHAPE, false)
    }
}

impl Document<Tenant> {
    /// As [`Document::pipeline`].
    pub fn tenant(file: &str, text: &str) -> (Option<Self>, Vec<Diagnostic>) {
        static SHAPE: Compiled = LazyLock::new(compiled::<Tenant>);
        read(file, text, &SHAPE, false)
    }
}

impl<T> Document<T> {
    /// Where the value at a JSON pointer stands, or what is nearest to it.
    pub fn place(&self, pointer: &str) -> Place {
        self.first_line(self.node.span_at(pointer))
    }

    /// Where the key at the end of a JSON pointer stands.
    pub fn key_place(&self, pointer: &str) -> Place {
        let span = self.node.key_span(pointer);
        self.first_line(span.unwrap_or_else(|| self.node.span_at(pointer)))
    }

    /// Whether a problem at or around this pointer was already told.
    pub fn is_bad(&self, pointer: &str) -> bool {
        self.bad
            .iter()
            .any(|bad| bad == pointer || pointer.starts_with(&format!("{bad}/")))
    }

    fn first_line(&self, span: std::ops::Range<usize>) -> Place {
        let line = self
            .text
            .get(span.clone())
            .and_then(|text| text.lines().next());
        Place::new(
            &self.file,
            span.start..span.start + line.map_or(0, str::len),
        )
    }
}

fn schema<T: JsonSchema>() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<T>().to_value()
}

/// Compiled when the first file of its kind is read.
type Compiled = LazyLock<Result<Shape, String>>;

fn compiled<T: JsonSchema>() -> Result<Shape, String> {
    Shape::compile(&schema::<T>())
}

fn read<T: DeserializeOwned>(
    file: &str,
    text: &str,
    shape: &Result<Shape, String>,
    hide_unknown: bool,
) -> (Option<Document<T>>, Vec<Diagnostic>) {
    let (node, mut problems) = yaml::read(file, text);
    let Some(mut node) = node else {
        if hide_unknown {
            problems
                .iter_mut()
                .for_each(|problem| hide_value(problem, text));
        }
        return (None, problems);
    };
    let shape = match shape {
        Ok(shape) => shape,
        Err(error) => return (None, vec![Diagnostic::error(code::BUG, error.clone())]),
    };
    let checked = Checked {
        file,
        prefix: "",
        head: node.span_at(""),
        hide_unknown,
    };
    let findings = shape.findings(&mut node, &checked);
    let low = serde_json::from_value(without(&node, &findings).to_value());
    let mut bad = Vec::new();
    for finding in findings {
        problems.push(finding.diagnostic);
        bad.push(finding.pointer);
    }
    problems.sort_by_key(|problem| problem.place.clone());
    let document = match low {
        _ if !matches!(node.kind, Kind::Map(_)) => None,
        Ok(low) => Some(Document {
            file: file.to_owned(),
            text: text.to_owned(),
            node,
            low,
            sound: problems.is_empty(),
            bad,
        }),
        Err(error) => {
            problems.push(Diagnostic::error(code::BUG, error.to_string()));
            None
        }
    };
    (document, problems)
}

/// What stands behind the key on the line of a problem: in a connection that
/// cannot be read it may be a secret.
fn hide_value(problem: &mut Diagnostic, text: &str) {
    let Some(place) = &problem.place else { return };
    let (before, after) = text.split_at(text.floor_char_boundary(place.start));
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let end = before.len() + after.find('\n').unwrap_or(after.len());
    let line = text.get(start..end).unwrap_or_default();
    let value = start + line.find(':').map_or(0, |colon| colon + 2);
    problem
        .hidden
        .push(Place::new(&place.file, value.min(end)..end));
}

/// The tree without what was found wrong. A wrong item takes its list with
/// it, since the others would move to places that are not theirs.
fn without(node: &Node, findings: &[Finding]) -> Node {
    let mut pruned = node.clone();
    for finding in findings {
        prune(&mut pruned, &finding.pointer);
    }
    pruned
}

fn prune(root: &mut Node, pointer: &str) {
    let mut pointer = pointer;
    while let Some((parent, _)) = pointer.rsplit_once('/') {
        if let Some(Node {
            kind: Kind::Map(entries),
            ..
        }) = root.pointer_mut(parent)
        {
            entries.retain(|entry| format!("{parent}/{}", escape(&entry.key)) != pointer);
            return;
        }
        pointer = parent;
    }
}
