//! A schema's complaint in the words of the house: what was found, what was
//! expected, and what to do.

use duijie_diagnostic::{Code, Diagnostic};
use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;

use crate::{
    Kind, Node, code,
    node::{escape, path},
    shape::{Finding, Told, wants_text},
};

/// Adds what `error` comes down to: one finding, or several where it speaks
/// of several fields.
pub(crate) fn explain(error: &ValidationError<'_>, told: &Told<'_>, out: &mut Vec<Finding>) {
    let pointer = error.instance_path().as_str();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            out.extend(unexpected.iter().map(|name| unknown(error, name, told)));
        }
        ValidationErrorKind::Required { property } => out.push(missing(error, property, told)),
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let finding = not_one_of(pointer, &options.iter().collect::<Vec<_>>(), told);
            out.push(finding.or_hint(told.meaning(error)));
        }
        ValidationErrorKind::Constant { expected_value } => {
            out.push(not_one_of(pointer, &[expected_value.as_ref()], told));
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            alternatives(error, context, told, out);
        }
        ValidationErrorKind::Type { kind } => {
            let expected = types(kind).filter(|name| *name != "null").map(type_words);
            let expected = expected.collect::<Vec<_>>().join(" or ");
            let finding = unfit(
                code::WRONG_TYPE,
                pointer,
                &format!("expected {expected}"),
                told,
            );
            out.push(finding.or_hint(told.meaning(error)));
        }
        kind => {
            let expected = expectation(kind, error);
            let finding = unfit(code::BAD_VALUE, pointer, &expected, told);
            out.push(finding.or_hint(told.meaning(error)));
        }
    }
}

/// The alternative that was most likely meant: no tag that says otherwise,
/// then the one that needs nothing but text for numbers, then the one whose
/// complaints lie deepest.
pub(crate) fn best_branch<'c, 'e>(
    context: &'c [Vec<ValidationError<'e>>],
    pointer: &str,
    node: &Node,
) -> Option<&'c [ValidationError<'e>]> {
    let mut best = None;
    for branch in context {
        let settles = branch.iter().all(|error| wants_text(error, node));
        let depth =
            |error: &ValidationError<'_>| error.instance_path().as_str().matches('/').count();
        let deepest = branch.iter().map(depth).max().unwrap_or_default();
        let right_type = !branch.iter().any(|error| {
            error.instance_path().as_str() == pointer
                && matches!(error.kind(), ValidationErrorKind::Type { .. })
        });
        let score = (tag(branch, pointer).is_none(), settles, deepest, right_type);
        if best.as_ref().is_none_or(|(most, _)| score > *most) {
            best = Some((score, branch.as_slice()));
        }
    }
    best.map(|(_, branch)| branch)
}

/// The constant below `pointer` that this alternative wants and does not find.
fn tag<'b>(branch: &'b [ValidationError<'_>], pointer: &str) -> Option<(&'b str, &'b Value)> {
    branch.iter().find_map(|error| match error.kind() {
        ValidationErrorKind::Constant { expected_value }
            if error.instance_path().as_str() != pointer =>
        {
            Some((error.instance_path().as_str(), expected_value.as_ref()))
        }
        _ => None,
    })
}

fn alternatives(
    error: &ValidationError<'_>,
    context: &[Vec<ValidationError<'_>>],
    told: &Told<'_>,
    out: &mut Vec<Finding>,
) {
    let pointer = error.instance_path().as_str();
    let Some(best) = best_branch(context, pointer, told.node) else {
        return out.push(unfit(code::BAD_VALUE, pointer, "nothing fits here", told));
    };
    if let Some((at, _)) = tag(best, pointer) {
        let wanted = context.iter().filter_map(|branch| tag(branch, pointer));
        let wanted: Vec<&Value> = wanted
            .filter(|(place, _)| *place == at)
            .map(|(_, value)| value)
            .collect();
        return out.push(not_one_of(at, &wanted, told));
    }
    let here_only = best
        .iter()
        .all(|error| error.instance_path().as_str() == pointer);
    let all_types: Vec<&str> = context
        .iter()
        .flatten()
        .filter_map(|error| match error.kind() {
            ValidationErrorKind::Type { kind } if error.instance_path().as_str() == pointer => {
                Some(types(kind).filter(|name| *name != "null"))
            }
            _ => None,
        })
        .flatten()
        .collect();
    let only_types = context
        .iter()
        .flatten()
        .all(|error| matches!(error.kind(), ValidationErrorKind::Type { .. }));
    if here_only && only_types && !all_types.is_empty() {
        let mut expected: Vec<&str> = all_types.into_iter().map(type_words).collect();
        expected.dedup();
        let expected = format!("expected {}", expected.join(" or "));
        return out.push(unfit(code::WRONG_TYPE, pointer, &expected, told));
    }
    for inner in best {
        explain(inner, told, out);
    }
}

fn unknown(error: &ValidationError<'_>, name: &str, told: &Told<'_>) -> Finding {
    let parent = error.instance_path().as_str();
    let pointer = format!("{parent}/{}", escape(name));
    let known = told.properties(error);
    let known: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
    let beside = told.node.pointer(parent);
    let absent = known
        .iter()
        .filter(|name| beside.is_none_or(|node| node.get(name).is_none()));
    let absent: Vec<&str> = absent.copied().collect();
    let message = format!("unknown field `{}`", told.name(&pointer));
    let diagnostic = Diagnostic::error(code::UNKNOWN_FIELD, message).at(told.key_place(&pointer));
    let mut diagnostic = match duijie_diagnostic::suggest(name, absent.iter().copied()) {
        Some(_) => diagnostic.nearest(name, &absent, ""),
        None => diagnostic.hint(match known.as_slice() {
            [] => "remove it: nothing can be set here".to_owned(),
            _ => format!("known here: {}", duijie_diagnostic::listed(&known)),
        }),
    };
    if told.checked.hide_unknown
        && let Some(value) = told.node.pointer(&pointer)
    {
        diagnostic = diagnostic.hide(duijie_diagnostic::Place::new(
            told.checked.file,
            value.span.clone(),
        ));
    }
    Finding {
        diagnostic,
        pointer,
    }
}

fn missing(error: &ValidationError<'_>, property: &Value, told: &Told<'_>) -> Finding {
    let parent = error.instance_path().as_str();
    let name = property.as_str().unwrap_or_default();
    let pointer = format!("{parent}/{}", escape(name));
    let diagnostic = Diagnostic::error(
        code::MISSING_FIELD,
        format!("`{}` is missing", told.name(&pointer)),
    )
    .at(told.place(parent));
    let meaning = told
        .properties(error)
        .into_iter()
        .find(|(known, _)| known == name);
    let hint = match meaning.and_then(|(_, schema)| meaning_of(&schema)) {
        Some(meaning) => format!("add `{name}: …`: {meaning}"),
        None => format!("add `{name}: …`"),
    };
    Finding {
        diagnostic: diagnostic.hint(hint),
        pointer,
    }
}

fn not_one_of(pointer: &str, options: &[&Value], told: &Told<'_>) -> Finding {
    let options: Vec<String> = options
        .iter()
        .filter(|option| !option.is_null())
        .map(|option| match option {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
        .collect();
    let listed: Vec<String> = options.iter().map(|option| format!("`{option}`")).collect();
    let expected = match listed.as_slice() {
        [only] => format!("expected {only}"),
        _ => format!("expected one of {}", listed.join(", ")),
    };
    let mut finding = unfit(code::NOT_ONE_OF, pointer, &expected, told);
    if let Some(Kind::Text(found)) = told.node.pointer(pointer).map(|node| &node.kind) {
        let known: Vec<&str> = options.iter().map(String::as_str).collect();
        if duijie_diagnostic::suggest(found, known.iter().copied()).is_some() {
            finding.diagnostic = finding.diagnostic.nearest(found, &known, "");
        }
    }
    finding
}

impl Finding {
    fn or_hint(mut self, hint: Option<String>) -> Self {
        self.diagnostic.hint = self.diagnostic.hint.or(hint);
        self
    }
}

fn unfit(code: Code, pointer: &str, expected: &str, told: &Told<'_>) -> Finding {
    let found = told
        .node
        .pointer(pointer)
        .map_or("absent".to_owned(), found);
    let message = match told.name(pointer).as_str() {
        "" => format!("found {found}, {expected}"),
        name => format!("`{name}` is {found}, {expected}"),
    };
    Finding {
        diagnostic: Diagnostic::error(code, message).at(told.place(pointer)),
        pointer: pointer.to_owned(),
    }
}

/// The value, briefly.
fn found(node: &Node) -> String {
    const MOST: usize = 40;
    match &node.kind {
        Kind::Null => "empty".to_owned(),
        Kind::Bool(value) => format!("`{value}`"),
        Kind::Number(digits) => format!("the number `{digits}`"),
        Kind::Text(text) if text.is_empty() => "an empty text".to_owned(),
        Kind::Text(text) if text.chars().count() > MOST || text.contains('\n') => {
            let start: String = text.chars().take(MOST).take_while(|c| *c != '\n').collect();
            format!("the text `{start}…`")
        }
        Kind::Text(text) => format!("the text `{text}`"),
        Kind::List(_) => "a list".to_owned(),
        Kind::Map(_) => "a map".to_owned(),
    }
}

pub(crate) fn types(kind: &TypeKind) -> impl Iterator<Item = &'static str> + use<> {
    let names: Vec<&'static str> = match kind {
        TypeKind::Single(one) => vec![one.as_str()],
        TypeKind::Multiple(many) => many.iter().map(|one| one.as_str()).collect(),
    };
    names.into_iter()
}

fn type_words(name: &str) -> &'static str {
    match name {
        "boolean" => "`true` or `false`",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "text",
        "array" => "a list",
        "object" => "a map",
        _ => "nothing",
    }
}

fn expectation(kind: &ValidationErrorKind, error: &ValidationError<'_>) -> String {
    use ValidationErrorKind as Is;
    match kind {
        Is::Minimum { limit } => format!("expected at least {limit}"),
        Is::Maximum { limit } => format!("expected at most {limit}"),
        Is::ExclusiveMinimum { limit } => format!("expected more than {limit}"),
        Is::ExclusiveMaximum { limit } => format!("expected less than {limit}"),
        Is::MinLength { limit: 1 } => "expected some text".to_owned(),
        Is::MinLength { limit } => format!("expected at least {limit} characters"),
        Is::MaxLength { limit } => format!("expected at most {limit} characters"),
        Is::MinItems { limit } => format!("expected at least {limit} items"),
        Is::MaxItems { limit } => format!("expected at most {limit} items"),
        Is::MinProperties { limit } => format!("expected at least {limit} fields"),
        Is::MaxProperties { limit } => format!("expected at most {limit} fields"),
        Is::UniqueItems => "expected every item once".to_owned(),
        Is::Pattern { pattern } => format!("expected text of the form `{pattern}`"),
        Is::Format { format } => format!("expected a `{format}`"),
        Is::FalseSchema => "expected nothing".to_owned(),
        Is::OneOfMultipleValid { .. } => "which fits more than one of the allowed forms".to_owned(),
        Is::Not { .. } => "expected something else".to_owned(),
        _ => format!("expected {}", error.masked()),
    }
}

impl Told<'_> {
    fn name(&self, pointer: &str) -> String {
        path(self.checked.prefix, pointer)
    }

    /// What the schema says the value is for.
    fn meaning(&self, error: &ValidationError<'_>) -> Option<String> {
        self.beside(error).and_then(meaning_of)
    }

    /// Names and schemas of the fields that stand beside the keyword that
    /// complained.
    fn properties(&self, error: &ValidationError<'_>) -> Vec<(String, Value)> {
        let fields = self
            .beside(error)
            .and_then(|schema| schema.get("properties")?.as_object());
        let fields = fields.into_iter().flatten();
        fields
            .map(|(name, schema)| (name.clone(), schema.clone()))
            .collect()
    }

    /// The schema that holds the keyword that complained.
    fn beside(&self, error: &ValidationError<'_>) -> Option<&Value> {
        let mut schema = &self.shape.schema;
        let (parent, _) = error.schema_path().as_str().rsplit_once('/')?;
        for segment in parent.split('/').skip(1) {
            let segment = segment.replace("~1", "/").replace("~0", "~");
            schema = match schema {
                Value::Array(items) => items.get(segment.parse::<usize>().ok()?)?,
                _ => schema.get(&segment)?,
            };
            if segment == "$ref" {
                let target = schema.as_str()?.strip_prefix('#')?;
                schema = self.shape.schema.pointer(target)?;
            }
        }
        Some(schema)
    }
}

/// A schema's own words, as a hint.
fn meaning_of(schema: &Value) -> Option<String> {
    let text = schema.get("description").or_else(|| schema.get("title"))?;
    let text = text.as_str()?.replace('\n', " ");
    let text = text.trim().trim_end_matches('.');
    let mut letters = text.chars();
    let first = letters.next()?;
    let rest = letters.as_str();
    // A name in capitals keeps them.
    if rest.starts_with(char::is_uppercase) {
        return Some(text.to_owned());
    }
    Some(first.to_lowercase().chain(rest.chars()).collect())
}
