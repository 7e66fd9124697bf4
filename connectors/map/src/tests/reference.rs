//! A slow mapping over a tree of values, written from the rules' description
//! and sharing no code with the fast one. It knows what the property tests use.

use serde_json::{Map, Number, Value, json};

/// A rule of the property tests; `form` is the word of the settings.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) name: String,
    pub(super) form: &'static str,
    pub(super) from: From,
    pub(super) wrapped: bool,
    pub(super) required: bool,
}

#[derive(Clone, Debug)]
pub(super) enum From {
    Literal(String),
    Field(String),
    /// Two fields and a text between them.
    Joined(String, String, String),
    /// Through the value table `t`, which rejects what is missing.
    Table(String),
    /// Whether a field is zero.
    Zero(String),
}

#[derive(Clone, Debug)]
pub(super) struct Specs {
    pub(super) head: Vec<Spec>,
    /// Members of an array `rows` over the list `l`.
    pub(super) rows: Vec<Spec>,
}

/// The value table of the settings.
pub(super) const TABLE: [(&str, &str); 3] = [("a", "A\"1"), ("3.0000", "three"), ("0", "")];

impl Specs {
    pub(super) fn settings(&self) -> String {
        let rule = |spec: &Spec| {
            let value = match &spec.from {
                From::Literal(text) => text.clone(),
                From::Field(name) => format!("{{{{{name}}}}}"),
                From::Joined(left, text, right) => format!("{{{{{left}}}}}{text}{{{{{right}}}}}"),
                From::Table(name) => format!("{{{{{name}|table('t')}}}}"),
                From::Zero(name) => {
                    format!("_function case '{{{{{name}}}}}' when '0' then true else false end")
                }
            };
            let mut rule = json!({
                "field": spec.name, "type": spec.form, "value": value, "required": spec.required,
            });
            if spec.wrapped {
                rule["parser"] = json!({"name": "ConvertObjectParser", "params": "FNumber"});
            }
            rule
        };
        let mut rules: Vec<Value> = self.head.iter().map(rule).collect();
        if !self.rows.is_empty() {
            let children: Vec<Value> = self.rows.iter().map(rule).collect();
            rules.push(
                json!({"field": "rows", "type": "array", "value": "l", "children": children}),
            );
        }
        let table: Map<String, Value> = TABLE
            .iter()
            .map(|(from, to)| ((*from).to_owned(), json!(to)))
            .collect();
        json!({"rules": rules, "lists": {"l": {}}, "tables": {"t": {"rows": table}}}).to_string()
    }

    /// The document, or the code of the refusal.
    pub(super) fn map(&self, record: &str) -> Result<Value, &'static str> {
        let record: Value = serde_json::from_str(record).unwrap();
        let first = record.get("l").and_then(|list| list.get(0));
        let mut document = members(&self.head, &record, first)?;
        let list = match record.get("l") {
            _ if self.rows.is_empty() => Vec::new(),
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(rows)) => rows.clone(),
            Some(_) => return Err("map.list"),
        };
        let rows: Result<Vec<Value>, _> = list
            .iter()
            .map(|row| members(&self.rows, &record, Some(row)).map(Value::Object))
            .collect();
        let rows = rows?;
        if !rows.is_empty() {
            document.insert(String::from("rows"), Value::Array(rows));
        }
        Ok(Value::Object(document))
    }
}

fn members(
    specs: &[Spec],
    head: &Value,
    row: Option<&Value>,
) -> Result<Map<String, Value>, &'static str> {
    let mut object = Map::new();
    for spec in specs {
        match value(spec, head, row)? {
            Some(value) if spec.wrapped => {
                object.insert(spec.name.clone(), json!({"FNumber": value}));
            }
            Some(value) => {
                object.insert(spec.name.clone(), value);
            }
            None if spec.required => return Err("map.required"),
            None => {}
        }
    }
    Ok(object)
}

fn value(spec: &Spec, head: &Value, row: Option<&Value>) -> Result<Option<Value>, &'static str> {
    let text = |name: &str| text(name, head, row);
    let found = match &spec.from {
        From::Literal(literal) => literal.clone(),
        From::Field(name) => text(name)?,
        From::Joined(left, between, right) => {
            let (left, right) = (text(left)?, text(right)?);
            let empty = left.is_empty() && right.is_empty();
            if empty {
                String::new()
            } else {
                format!("{left}{between}{right}")
            }
        }
        From::Table(name) => match text(name)? {
            key if key.is_empty() => key,
            key => {
                let row = TABLE
                    .iter()
                    .find(|(from, _)| *from == key)
                    .ok_or("map.table")?;
                row.1.to_owned()
            }
        },
        From::Zero(name) => {
            let zero = is_zero(&text(name)?);
            return match spec.form {
                "string" | "bool" => Ok(Some(Value::Bool(zero))),
                _ => Ok(Some(json!(u8::from(zero)))),
            };
        }
    };
    if found.is_empty() {
        return Ok(None);
    }
    form(spec.form, &found).map(Some).ok_or("map.type")
}

fn text(name: &str, head: &Value, row: Option<&Value>) -> Result<String, &'static str> {
    let found = match name.strip_prefix("l.") {
        Some(name) => row.and_then(|row| row.get(name)),
        None => head.get(name),
    };
    match found {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(_) | Value::Object(_)) => Err("map.type"),
        Some(other) => Ok(other.to_string()),
    }
}

fn form(word: &str, text: &str) -> Option<Value> {
    let number = |text: &str| serde_json::from_str::<Number>(text).ok().map(Value::Number);
    let plain =
        !text.starts_with(|c: char| c.is_whitespace()) && !text.ends_with(char::is_whitespace);
    match word {
        "string" => Some(json!(text)),
        "float" if plain => number(text),
        "int" if plain => {
            number(text)?;
            match text.split_once('.') {
                Some((whole, rest)) if rest.chars().all(|c| c == '0') => {
                    number(if whole == "-0" { "0" } else { whole })
                }
                Some(_) => None,
                None => number(text),
            }
        }
        "bool" if text == "true" || is_one(text) => Some(json!(true)),
        "bool" if text == "false" || is_zero(text) => Some(json!(false)),
        _ => None,
    }
}

fn is_zero(text: &str) -> bool {
    with_zeros(text.strip_prefix('-').unwrap_or(text), "0")
}

fn is_one(text: &str) -> bool {
    with_zeros(text, "1")
}

/// `digit`, or `digit` with a fraction of zeros.
fn with_zeros(text: &str, digit: &str) -> bool {
    let rest = text.strip_prefix(digit);
    rest.is_some_and(|rest| match rest.strip_prefix('.') {
        Some(zeros) => !zeros.is_empty() && zeros.chars().all(|zero| zero == '0'),
        None => rest.is_empty(),
    })
}
