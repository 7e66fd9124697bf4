//! Which group a record belongs to.

use std::borrow::Cow;

use duijie_plan::{Group, GroupField, Takes};
use duijie_record::Rejection;

use super::object::{Object, text};
use super::refusal;

/// The values of the group's fields with `|` between them. It never changes:
/// the keys of documents are derived from it.
pub(crate) fn of(group: &Group, record: &Object<'_>) -> Result<String, Rejection> {
    let mut key = String::new();
    for (index, by) in group.by.iter().enumerate() {
        if index > 0 {
            key.push('|');
        }
        for letter in value(by, record)?.chars() {
            if matches!(letter, '|' | '#' | '\\') {
                key.push('\\');
            }
            key.push(letter);
        }
    }
    Ok(key)
}

/// What of a field's value names the group.
pub(super) fn value<'line>(
    by: &GroupField,
    record: &Object<'line>,
) -> Result<Cow<'line, str>, Rejection> {
    let path = &by.field.path;
    let found = record.get(path).and_then(text);
    let Some(found) = found.filter(|found| !found.is_empty()) else {
        let message = format!(
            "`{path}` is missing or empty, and says which group the record belongs to: fill it, or leave such records out at the source"
        );
        return Err(refusal("group_key", path, message));
    };
    let shape = match by.takes {
        Takes::Value => return Ok(found),
        Takes::Day => "dddd-dd-dd",
        Takes::Month => "dddd-dd",
    };
    let taken = found.get(..shape.len()).filter(|taken| {
        let mut letters = taken.bytes().zip(shape.bytes());
        letters.all(|(found, shape)| match shape {
            b'd' => found.is_ascii_digit(),
            _ => found == shape,
        })
    });
    match taken {
        Some(taken) => Ok(Cow::Owned(taken.to_owned())),
        None => {
            let message = format!("`{path}` is `{found}`, expected a date such as `2025-10-01`");
            Err(refusal("group_key", path, message))
        }
    }
}
