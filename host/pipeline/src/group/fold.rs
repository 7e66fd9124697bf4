//! The record that the members of a group become.

use std::collections::HashMap;

use duijie_plan::{Field, Fold, Group, Rows, Takes};
use duijie_record::Rejection;
use duijie_store::GroupPart;
use serde_json::value::RawValue;

use super::decimal::Decimal;
use super::object::{Object, text};
use super::{key, refusal};

/// One line, made of the members' lines in their order. The same members make
/// the same bytes.
pub(crate) fn record(
    group: &Group,
    place: &GroupPart,
    members: &[&[u8]],
) -> Result<Vec<u8>, Rejection> {
    let objects: Vec<Object<'_>> = members
        .iter()
        .map(|line| Object::parse(line))
        .collect::<Result<_, _>>()?;
    let mut fields = Fields::default();
    for by in &group.by {
        let first = objects.first();
        let value = match (by.takes, first) {
            (Takes::Value, Some(first)) => first.get(&by.field.path).map(RawValue::get),
            _ => None,
        };
        match (value, first) {
            (Some(value), _) => fields.add(&by.field.name, value),
            (None, Some(first)) => fields.text(&by.field.name, &key::value(by, first)?),
            (None, None) => {}
        }
    }
    let all: Vec<&Object<'_>> = objects.iter().collect();
    for (fold, field) in &group.collect {
        fields.add(&field.name, &folded(*fold, &field.path, &all)?);
    }
    fields.text("group_key", &place.group);
    fields.add("group_part", &place.part.to_string());
    fields.add("group_members", &members.len().to_string());
    fields.add(&group.list.name, &list(&group.list, members, &objects)?);
    Ok(fields.end())
}

fn list(rows: &Rows, members: &[&[u8]], objects: &[Object<'_>]) -> Result<String, Rejection> {
    let lines: Vec<&str> = match &rows.from {
        None => {
            let lines = members.iter().map(|line| std::str::from_utf8(line));
            lines.map(Result::unwrap_or_default).collect()
        }
        Some(from) => elements(from, objects)?,
    };
    if rows.by.is_empty() {
        return Ok(format!("[{}]", lines.join(",")));
    }
    let objects: Vec<Object<'_>> = lines
        .iter()
        .map(|line| Object::parse(line.as_bytes()))
        .collect::<Result<_, _>>()?;
    let mut places: HashMap<Vec<Option<&str>>, usize> = HashMap::new();
    let mut merged: Vec<Vec<&Object<'_>>> = Vec::new();
    for object in &objects {
        let values = rows.by.iter();
        let values = values.map(|by| object.get(&by.path).map(RawValue::get));
        let place = *places.entry(values.collect()).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(rows) => rows.push(object),
            None => merged.push(vec![object]),
        }
    }
    let rows: Vec<String> = merged
        .iter()
        .map(|same| row(rows, same))
        .collect::<Result<_, _>>()?;
    Ok(format!("[{}]", rows.join(",")))
}

/// The elements of a list of each record, one after the other.
fn elements<'line>(from: &Field, objects: &[Object<'line>]) -> Result<Vec<&'line str>, Rejection> {
    let mut found = Vec::new();
    for raw in objects.iter().filter_map(|object| object.get(&from.path)) {
        let elements: Vec<&'line RawValue> = serde_json::from_str(raw.get()).map_err(|_| {
            let message = format!("`{}` is no list, and its elements are the rows", from.path);
            refusal("group_value", &from.path, message)
        })?;
        found.extend(elements.into_iter().map(RawValue::get));
    }
    Ok(found)
}

fn row(rows: &Rows, same: &[&Object<'_>]) -> Result<String, Rejection> {
    let mut fields = Fields::default();
    for by in &rows.by {
        let value = same.first().and_then(|first| first.get(&by.path));
        fields.add(&by.name, value.map_or("null", RawValue::get));
    }
    for (fold, field) in &rows.collect {
        fields.add(&field.name, &folded(*fold, &field.path, same)?);
    }
    Ok(String::from_utf8(fields.end()).unwrap_or_default())
}

/// One value made of a field of several objects; those that lack it count for
/// nothing.
fn folded(fold: Fold, path: &str, objects: &[&Object<'_>]) -> Result<String, Rejection> {
    let mut found = objects.iter().filter_map(|object| object.get(path));
    let one = |found: Option<&RawValue>| found.map_or("null", RawValue::get).to_owned();
    Ok(match fold {
        Fold::First => one(found.next()),
        Fold::Last => one(found.next_back()),
        Fold::Sum => sum(path, found)?,
        Fold::Min => extreme(path, found, std::cmp::Ordering::Less)?,
        Fold::Max => extreme(path, found, std::cmp::Ordering::Greater)?,
        Fold::Push => {
            let values: Vec<&str> = found.map(RawValue::get).collect();
            format!("[{}]", values.join(","))
        }
        Fold::Distinct => {
            let mut values: Vec<&str> = Vec::new();
            let mut seen = std::collections::HashSet::new();
            values.extend(found.map(RawValue::get).filter(|value| seen.insert(*value)));
            format!("[{}]", values.join(","))
        }
    })
}

/// A text where a text was added, as the source writes its numbers so.
fn sum<'line>(
    path: &str,
    found: impl Iterator<Item = &'line RawValue>,
) -> Result<String, Rejection> {
    let mut sum = Decimal::default();
    let mut is_text = false;
    for raw in found {
        if let Some(number) = number(path, raw)? {
            is_text |= raw.get().starts_with('"');
            sum = sum.add(&number);
        }
    }
    Ok(match is_text {
        true => format!("\"{sum}\""),
        false => sum.to_string(),
    })
}

/// The least or greatest value as it stands; of equal ones the first.
fn extreme<'line>(
    path: &str,
    found: impl Iterator<Item = &'line RawValue>,
    wins: std::cmp::Ordering,
) -> Result<String, Rejection> {
    let mut best: Option<(Decimal, &str)> = None;
    for raw in found {
        let Some(number) = number(path, raw)? else {
            continue;
        };
        let better = match &best {
            None => true,
            Some((best, _)) => number.compare(best) == wins,
        };
        if better {
            best = Some((number, raw.get()));
        }
    }
    Ok(best.map_or("null", |(_, text)| text).to_owned())
}

/// `None` for an empty text.
fn number(path: &str, raw: &RawValue) -> Result<Option<Decimal>, Rejection> {
    let found = text(raw);
    if found
        .as_deref()
        .is_some_and(|found| found.trim().is_empty())
    {
        return Ok(None);
    }
    let number = found.and_then(|found| Decimal::parse(found.trim()));
    number.map(Some).ok_or_else(|| {
        let shown: String = raw.get().chars().take(40).collect();
        let message = format!("`{path}` is `{shown}`, expected a number");
        refusal("group_value", path, message)
    })
}

/// An object being written.
#[derive(Default)]
struct Fields(String);

impl Fields {
    fn add(&mut self, name: &str, value: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&serde_json::Value::from(name).to_string());
        self.0.push(':');
        self.0.push_str(value);
    }

    fn text(&mut self, name: &str, value: &str) {
        self.add(name, &serde_json::Value::from(value).to_string());
    }

    fn end(mut self) -> Vec<u8> {
        if self.0.is_empty() {
            self.0.push('{');
        }
        self.0.push('}');
        self.0.into_bytes()
    }
}
