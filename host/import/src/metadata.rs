//! Scheme metadata as JSON: every object that has an `api` and fields is a
//! side, wherever it stands in the file.

use serde_json::{Map, Value};

use crate::scheme::{Compare, Format, Group, Operation, Remedy, Row, Side, Way};

type Object = Map<String, Value>;

/// Keys under which a file may say which platform a side belongs to.
const PLATFORM: [&str; 6] = [
    "platform",
    "platform_name",
    "platformName",
    "connector",
    "software",
    "system",
];
/// Keys that say nothing a manifest could hold.
const SILENT: [&str; 8] = [
    "method", "effect", "role", "adapter", "name", "title", "label", "describe",
];

pub(crate) fn read(text: &str) -> Result<Vec<Side>, serde_json::Error> {
    let value: Value = serde_json::from_str(text)?;
    let mut sides = Vec::new();
    walk(&value, None, "", &mut sides);
    Ok(sides)
}

/// Goes down until a side is met. `way` and `platform` come from the keys and
/// fields around it.
fn walk(value: &Value, way: Option<Way>, platform: &str, sides: &mut Vec<Side>) {
    match value {
        Value::Array(items) => {
            for item in items {
                walk(item, way, platform, sides);
            }
        }
        Value::Object(object) => {
            let own = PLATFORM.iter().map(|key| text(object.get(*key)));
            let own = own.into_iter().find(|name| !name.is_empty());
            let platform = own.unwrap_or_else(|| platform.to_owned());
            if is_side(object) {
                sides.push(side(object, way, &platform));
                return;
            }
            for (key, inner) in object {
                let lower = key.to_ascii_lowercase();
                let way = match () {
                    () if lower.contains("source") => Some(Way::Query),
                    () if lower.contains("target") => Some(Way::Execute),
                    () => way,
                };
                walk(inner, way, &platform, sides);
            }
        }
        _ => {}
    }
}

fn is_side(object: &Object) -> bool {
    let has_fields = ["request", "otherRequest", "response"]
        .iter()
        .any(|key| object.get(*key).is_some_and(Value::is_array));
    object.get("api").is_some_and(Value::is_string) && has_fields
}

fn side(object: &Object, way: Option<Way>, platform: &str) -> Side {
    let mut side = Side {
        way,
        platform: platform.to_owned(),
        ..Side::default()
    };
    for (key, value) in object {
        match key.as_str() {
            "api" => side.api = text(Some(value)),
            "type" => side.way = written_way(value).or(way),
            "role" if side.way.is_none() => side.way = written_way(value),
            "name" | "title" | "label" if side.title.is_empty() => side.title = text(Some(value)),
            "id" => side.id = text(Some(value)),
            "number" => side.number = text(Some(value)),
            "idCheck" => side.id_check = Some(truth(value)),
            "request" => side.request = rows(value),
            "otherRequest" => side.other_request = rows(value),
            "response" => side.response = rows(value),
            "otherResponse" => side.other_response = rows(value),
            "condition" => side.condition = condition(value),
            "formatResponse" => side.format = formats(value),
            "beatFlat" => side.beat_flat = words(value),
            "groupCalculate" => side.group = group(value),
            "omissionRemedy" => side.remedy = remedy(value),
            "crontab" => side.crontab = text(Some(value)),
            "operation" => side.operation = operation(value),
            "autoFillResponse" => {}
            key if PLATFORM.contains(&key) || SILENT.contains(&key) => {}
            _ if is_blank(value) => {}
            _ => side.unknown.push((key.clone(), value.to_string())),
        }
    }
    side
}

fn written_way(value: &Value) -> Option<Way> {
    match value.as_str()?.to_ascii_uppercase().as_str() {
        "QUERY" => Some(Way::Query),
        "EXECUTE" => Some(Way::Execute),
        _ => None,
    }
}

/// The rows of a group, each with its whole path, parents before children.
fn rows(value: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    let list: Vec<&Object> = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect();
    let by_id = |id: &str| list.iter().find(|row| text(row.get("id")) == id);
    for object in &list {
        let mut above = text(object.get("parent"));
        let id = text(object.get("parent_id"));
        if above.is_empty() && !id.is_empty() {
            above = by_id(&id).map_or(String::new(), |parent| text(parent.get("field")));
        }
        // The parent may be named by its own path or by its last name.
        let known = rows
            .iter()
            .find(|row: &&Row| row.path == above || row.name() == above);
        let above = known.map_or(above, |row| row.path.clone());
        row(object, &above, &mut rows);
    }
    rows
}

fn row(object: &Object, above: &str, rows: &mut Vec<Row>) {
    let mut row = Row::default();
    let field = text(object.get("field"));
    row.path = match above.is_empty() || field.starts_with(&format!("{above}.")) {
        true => field,
        false => format!("{above}.{field}"),
    };
    let mut children = Vec::new();
    for (key, value) in object {
        match key.as_str() {
            "field" | "id" | "parent" | "parent_id" | "is_request" | "operation" => {}
            "label" => row.label = text(Some(value)),
            "type" => row.kind = text(Some(value)),
            "value" | "default" if row.value.is_empty() => row.value = text(Some(value)),
            "is_required" | "required" => row.required = truth(value),
            "describe" => row.describe = text(Some(value)),
            "parser" => row.parser = parser(value),
            "children" => children = value.as_array().cloned().unwrap_or_default(),
            _ if is_blank(value) => {}
            _ => row.unknown.push(key.clone()),
        }
    }
    let path = row.path.clone();
    rows.push(row);
    for child in children.iter().filter_map(Value::as_object) {
        self::row(child, &path, rows);
    }
}

fn parser(value: &Value) -> Option<(String, String)> {
    let (name, params) = match value {
        Value::Object(parser) => (text(parser.get("name")), text(parser.get("params"))),
        name => (text(Some(name)), String::new()),
    };
    (!name.is_empty()).then_some((name, params))
}

fn condition(value: &Value) -> Vec<Vec<Compare>> {
    let compare = |item: &Value| {
        let item = item.as_object()?;
        let values = match item.get("value") {
            Some(Value::Array(values)) => values.iter().map(|value| text(Some(value))).collect(),
            None | Some(Value::Null) => Vec::new(),
            value => vec![text(value)],
        };
        Some(Compare {
            field: text(item.get("field")),
            logic: text(item.get("logic")),
            values,
            strict: item.get("strictMode").is_some_and(truth),
        })
    };
    let groups = value.as_array().into_iter().flatten();
    let groups = groups.map(|group| match group {
        Value::Array(items) => items.iter().filter_map(compare).collect(),
        item => compare(item).into_iter().collect::<Vec<_>>(),
    });
    groups.filter(|group| !group.is_empty()).collect()
}

fn formats(value: &Value) -> Vec<Format> {
    let items = value.as_array().into_iter().flatten();
    let items = items.filter_map(Value::as_object).map(|item| Format {
        old: text(item.get("old")),
        new: text(item.get("new")),
        form: text(item.get("format")),
    });
    items.collect()
}

fn group(value: &Value) -> Option<Group> {
    let object = value.as_object().filter(|object| !object.is_empty())?;
    let calculate = object.get("calculate").and_then(Value::as_object);
    let calculate = calculate.into_iter().flatten();
    Some(Group {
        head: object.get("headerGroup").map(words).unwrap_or_default(),
        body: object.get("bodyGroup").map(words).unwrap_or_default(),
        body_name: text(object.get("bodyName")),
        target_body_name: text(object.get("targetBodyName")),
        most_lines: text(object.get("bodyMaxLine")),
        calculate: calculate
            .map(|(field, word)| (field.clone(), text(Some(word))))
            .collect(),
    })
}

fn remedy(value: &Value) -> Option<Remedy> {
    let object = value.as_object()?;
    let remedy = Remedy {
        crontab: text(object.get("crontab")),
        request: object.get("takeOverRequest").map(rows).unwrap_or_default(),
    };
    (!remedy.crontab.is_empty() || !remedy.request.is_empty()).then_some(remedy)
}

fn operation(value: &Value) -> Option<Operation> {
    let object = value.as_object()?;
    Some(Operation {
        rows: text(object.get("rows")),
        method: text(object.get("method")),
    })
}

/// A list of names, or one text with commas.
fn words(value: &Value) -> Vec<String> {
    let words: Vec<String> = match value {
        Value::Array(items) => items.iter().map(|item| text(Some(item))).collect(),
        value => text(Some(value))
            .split(',')
            .map(|word| word.trim().to_owned())
            .collect(),
    };
    words.into_iter().filter(|word| !word.is_empty()).collect()
}

/// A scalar as text; anything else as its JSON.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(other) => other.to_string(),
    }
}

fn truth(value: &Value) -> bool {
    !matches!(text(Some(value)).as_str(), "" | "0" | "false" | "False")
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}
