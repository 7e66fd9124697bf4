//! A JSON Schema over the located tree: what does not fit is told in the
//! words of the house, at its place. Which words is `words`.

use std::ops::Range;

use duijie_diagnostic::{Diagnostic, Place};
use jsonschema::{PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;

use crate::{Kind, Node, words};

/// A compiled JSON Schema 2020-12. Follows no reference out of itself, and
/// its patterns run in linear time, since connectors bring their own.
pub struct Shape {
    validator: Validator,
    pub(crate) schema: Value,
}

/// The part of a file that is checked.
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    pub file: &'a str,
    /// What comes before its fields in messages, such as `source.settings`.
    pub prefix: &'a str,
    /// Where a missing field is shown.
    pub head: Range<usize>,
    /// Hides the values of unknown fields: they may be misnamed secrets.
    pub hide_unknown: bool,
}

/// One problem and what it makes unusable.
pub(crate) struct Finding {
    pub(crate) diagnostic: Diagnostic,
    /// JSON pointer to what is wrong or missing.
    pub(crate) pointer: String,
}

impl Shape {
    /// The error is the schema compiler's own text.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        let validator = jsonschema::draft202012::options()
            .offline()
            .with_pattern_options(PatternOptions::regex())
            .build(schema)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            validator,
            schema: schema.clone(),
        })
    }

    /// Every problem, in the order of the file. Where text is asked for and a
    /// number stands, the number's text is taken, digit by digit.
    pub fn check(&self, node: &mut Node, checked: &Checked<'_>) -> Vec<Diagnostic> {
        let findings = self.findings(node, checked);
        findings
            .into_iter()
            .map(|finding| finding.diagnostic)
            .collect()
    }

    pub(crate) fn findings(&self, node: &mut Node, checked: &Checked<'_>) -> Vec<Finding> {
        let value = self.settle(node);
        let mut findings = Vec::new();
        for error in self.validator.iter_errors(&value) {
            words::explain(
                &error,
                &Told {
                    shape: self,
                    node,
                    checked,
                },
                &mut findings,
            );
        }
        findings.sort_by_key(|finding| finding.diagnostic.place.clone());
        findings
    }

    /// Turns numbers into text where the schema wants text. A turn may show
    /// more of them inside an alternative, so it is done until nothing turns.
    fn settle(&self, node: &mut Node) -> Value {
        const MOST_TURNS: usize = 8;
        let mut value = node.to_value();
        for _ in 0..MOST_TURNS {
            let mut pointers = Vec::new();
            for error in self.validator.iter_errors(&value) {
                text_wanted(&error, node, &mut pointers);
            }
            if pointers.is_empty() {
                break;
            }
            for pointer in &pointers {
                if let Some(found) = node.pointer_mut(pointer)
                    && let Kind::Number(digits) = &found.kind
                {
                    found.kind = Kind::Text(digits.clone());
                }
            }
            value = node.to_value();
        }
        value
    }
}

/// What a message is made from.
pub(crate) struct Told<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) node: &'a Node,
    pub(crate) checked: &'a Checked<'a>,
}

impl Told<'_> {
    pub(crate) fn place(&self, pointer: &str) -> Place {
        let span = match pointer {
            "" => self.checked.head.clone(),
            _ => self.node.span_at(pointer),
        };
        Place::new(self.checked.file, span)
    }

    pub(crate) fn key_place(&self, pointer: &str) -> Place {
        match self.node.key_span(pointer) {
            Some(span) => Place::new(self.checked.file, span),
            None => self.place(pointer),
        }
    }
}

/// Pointers of the numbers that this error wants as text.
fn text_wanted(error: &ValidationError<'_>, node: &Node, out: &mut Vec<String>) {
    let pointer = error.instance_path().as_str();
    match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            if let Some(branch) = words::best_branch(context, pointer, node) {
                for inner in branch {
                    text_wanted(inner, node, out);
                }
            }
        }
        _ if wants_text(error, node) => out.push(pointer.to_owned()),
        _ => {}
    }
}

/// Whether a number stands where its text would do.
pub(crate) fn wants_text(error: &ValidationError<'_>, node: &Node) -> bool {
    let found = node.pointer(error.instance_path().as_str());
    let Some(Kind::Number(digits)) = found.map(|node| &node.kind) else {
        return false;
    };
    let is_text = |value: &Value| value.as_str() == Some(digits);
    match error.kind() {
        ValidationErrorKind::Type { kind } => words::types(kind).any(|name| name == "string"),
        ValidationErrorKind::Enum { options } => options
            .as_array()
            .is_some_and(|all| all.iter().any(is_text)),
        ValidationErrorKind::Constant { expected_value } => is_text(expected_value),
        _ => false,
    }
}
