//! The rows of the mapping table: flat with dotted fields, or nested by
//! `children`, which is the same thing in another form.

use serde_json::{Map, Value as Json};

use super::{Problems, pointer, scalar};
use crate::text::nearest;

/// How deep rules may nest.
const DEPTH: usize = 16;

/// The JSON form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Int,
    Float,
    Bool,
    DateTime,
    Date,
    Object,
    Array,
}

const FORMS: [(&str, Form); 8] = [
    ("string", Form::Text),
    ("int", Form::Int),
    ("float", Form::Float),
    ("bool", Form::Bool),
    ("datetime", Form::DateTime),
    ("date", Form::Date),
    ("object", Form::Object),
    ("array", Form::Array),
];

impl Form {
    pub(crate) fn holds_children(self) -> bool {
        matches!(self, Form::Object | Form::Array)
    }
}

#[derive(Debug)]
pub(crate) struct Parser {
    pub(crate) name: String,
    pub(crate) params: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Rule {
    /// JSON pointer to the rule.
    pub(crate) at: String,
    /// The field's names from the document's top.
    pub(crate) path: Vec<String>,
    pub(crate) label: String,
    pub(crate) form: Form,
    /// Empty where none was given.
    pub(crate) value: String,
    pub(crate) required: bool,
    pub(crate) parser: Option<Parser>,
}

impl Rule {
    pub(crate) fn field(&self) -> String {
        self.path.join(".")
    }
}

const NAMES: [&str; 8] = [
    "field", "label", "type", "value", "required", "parser", "children", "describe",
];

/// Reads rules at `at`, whose fields stand under `parent`.
pub(super) fn read_all(
    at: &str,
    rules: &[Json],
    parent: &[String],
    out: &mut Vec<Rule>,
    problems: &mut Problems,
) {
    if parent.len() >= DEPTH {
        problems.add(at, format!("rules nest deeper than {DEPTH} levels"), None);
        return;
    }
    for (number, rule) in rules.iter().enumerate() {
        let at = format!("{at}/{number}");
        let Json::Object(rule) = rule else {
            problems.add(&at, String::from("found no object, expected a rule"), None);
            continue;
        };
        problems.known(&at, rule, &NAMES);
        let path = read_path(&at, rule, parent, problems);
        let Some(path) = path else { continue };
        let form = read_form(&at, rule, problems);
        let value = match rule.get("value") {
            None | Some(Json::Null) => Some(String::new()),
            Some(value) => scalar(&pointer(&at, "value"), value, problems),
        };
        out.push(Rule {
            label: rule
                .get("label")
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_owned(),
            form: form.unwrap_or(Form::Text),
            value: value.unwrap_or_default(),
            required: read_required(&at, rule, problems),
            parser: read_parser(&at, rule, problems),
            path: path.clone(),
            at: at.clone(),
        });
        match rule.get("children") {
            None | Some(Json::Null) => {}
            Some(Json::Array(children)) => {
                if !children.is_empty() && form.is_some_and(|form| !form.holds_children()) {
                    let message = format!("`{}` has children but is no object", path.join("."));
                    let hint = String::from("make its `type` object or array");
                    problems.add(&pointer(&at, "children"), message, Some(hint));
                    continue;
                }
                read_all(&pointer(&at, "children"), children, &path, out, problems);
            }
            Some(_) => {
                let message = String::from("found another form, expected a list of rules");
                problems.add(&pointer(&at, "children"), message, None);
            }
        }
    }
}

/// A child's field may be written with or without its parent's path.
fn read_path(
    at: &str,
    rule: &Map<String, Json>,
    parent: &[String],
    problems: &mut Problems,
) -> Option<Vec<String>> {
    let field = rule
        .get("field")
        .and_then(Json::as_str)
        .map(str::trim)
        .unwrap_or_default();
    let names: Vec<String> = field.split('.').map(str::to_owned).collect();
    if names.iter().any(String::is_empty) || names.len() > DEPTH {
        let message = format!("found `{field}`, expected a field's name");
        let hint = String::from("names of nested fields are joined by single dots");
        problems.add(&pointer(at, "field"), message, Some(hint));
        return None;
    }
    if names.len() > parent.len() && names.starts_with(parent) {
        return Some(names);
    }
    Some(parent.iter().cloned().chain(names).collect())
}

fn read_form(at: &str, rule: &Map<String, Json>, problems: &mut Problems) -> Option<Form> {
    let names = || FORMS.iter().map(|(name, _)| *name);
    let (message, hint) = match rule.get("type") {
        Some(Json::String(word)) => {
            if let Some((_, form)) = FORMS.iter().find(|(name, _)| name == word) {
                return Some(*form);
            }
            let hint = nearest(word, names()).map(|near| format!("did you mean `{near}`?"));
            (format!("unknown type `{word}`"), hint)
        }
        _ => (String::from("found no `type`, expected one"), None),
    };
    let all = || format!("known are {}", names().collect::<Vec<_>>().join(", "));
    problems.add(
        &pointer(at, "type"),
        message,
        Some(hint.unwrap_or_else(all)),
    );
    None
}

fn read_required(at: &str, rule: &Map<String, Json>, problems: &mut Problems) -> bool {
    match rule.get("required") {
        None => false,
        Some(Json::Bool(required)) => *required,
        Some(_) => {
            let message = String::from("found another value, expected true or false");
            problems.add(&pointer(at, "required"), message, None);
            false
        }
    }
}

fn read_parser(at: &str, rule: &Map<String, Json>, problems: &mut Problems) -> Option<Parser> {
    let at = pointer(at, "parser");
    let parser = match rule.get("parser")? {
        Json::Null => return None,
        Json::Object(parser) => parser,
        _ => {
            let message = String::from("found another form, expected `name` and `params`");
            problems.add(&at, message, None);
            return None;
        }
    };
    problems.known(&at, parser, &["name", "params"]);
    let params = parser.get("params").filter(|params| !params.is_null());
    let params = params.and_then(|params| scalar(&pointer(&at, "params"), params, problems));
    match parser.get("name").and_then(Json::as_str).map(str::trim) {
        Some("") => None,
        Some(name) => Some(Parser {
            name: name.to_owned(),
            params,
        }),
        None => {
            problems.add(
                &pointer(&at, "name"),
                String::from("found no parser's name"),
                None,
            );
            None
        }
    }
}
