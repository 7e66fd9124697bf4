//! Whether one value is of its field's kind, and short enough.

use crate::json::{Error, Raw};

use super::super::Kind;

pub(super) const NO_OBJECT: &str =
    "has a line that is no object: map each line's fields by their names";

/// What is wrong, after the field's name, or nothing.
type Checked = Result<(), String>;

/// An object or list, by its first byte.
pub(super) fn container(kind: Kind, first: u8) -> Checked {
    match (kind, first) {
        (Kind::Any, _) | (Kind::Object, b'{') | (Kind::List, b'[') => Ok(()),
        (_, b'{') => Err(wrong("an object", kind)),
        _ => Err(wrong("a list", kind)),
    }
}

/// A text, number or boolean that is not blank.
pub(super) fn scalar(kind: Kind, raw: Raw<'_>) -> Result<Checked, Error> {
    if kind == Kind::Any {
        return Ok(Ok(()));
    }
    let quoted = raw.0.first() == Some(&b'"');
    let word = matches!(raw.0, b"true" | b"false");
    let text = raw.text()?;
    let text = text.as_bytes();
    let good = match kind {
        Kind::Any => true,
        Kind::Text => quoted || !word,
        Kind::Integer => is_integer(text),
        Kind::Decimal => is_decimal(text),
        Kind::Boolean => word || matches!(text, b"true" | b"false" | b"0" | b"1"),
        Kind::DateTime | Kind::Date => is_date(text),
        Kind::Object | Kind::List => false,
    };
    let found = match (quoted, word) {
        (true, _) => "a text",
        (_, true) => "true or false",
        _ => "a number",
    };
    Ok(match good {
        true => Ok(()),
        false => Err(wrong(found, kind)),
    })
}

/// Characters are counted only where there are bytes enough for too many.
pub(super) fn length(raw: Raw<'_>, most: u32) -> Result<Checked, Error> {
    if raw.0.len() <= most as usize {
        return Ok(Ok(()));
    }
    let characters = raw.text()?.chars().count();
    Ok(match characters > most as usize {
        true => Err(format!(
            "has {characters} characters, at most {most} are taken: map a shorter text to it"
        )),
        false => Ok(()),
    })
}

fn wrong(found: &str, kind: Kind) -> String {
    let expected = match kind {
        Kind::Text => "a text",
        Kind::Integer => "a whole number",
        Kind::Decimal => "a number",
        Kind::Boolean => "true or false",
        Kind::DateTime => "a time such as 2025-10-01 08:00:00",
        Kind::Date => "a date such as 2025-10-01",
        Kind::Object => "an object",
        Kind::List => "a list",
        Kind::Any => "a value",
    };
    format!("holds {found}, {expected} is expected: change the value mapped to it")
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn unsigned(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"-").unwrap_or(text)
}

fn is_integer(text: &[u8]) -> bool {
    let text = unsigned(text);
    !text.is_empty() && digits(text) == text.len()
}

/// Digits, a point and digits: `12`, `-0.50`; as JSON writes it also `1e3`.
fn is_decimal(text: &[u8]) -> bool {
    let text = unsigned(text);
    let whole = digits(text);
    let rest = text.get(whole..).unwrap_or_default();
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) if digits(fraction) > 0 => {
            fraction.get(digits(fraction)..).unwrap_or_default()
        }
        Some(_) => return false,
        None => rest,
    };
    whole > 0
        && match rest {
            [] => true,
            [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] => {
                !exponent.is_empty() && digits(exponent) == exponent.len()
            }
            _ => false,
        }
}

/// `2025-10-01…`, `2025/10/01…`, or digits alone (`20251001080000`, unix time).
fn is_date(text: &[u8]) -> bool {
    match text {
        [a, b, c, d, dash, e, f, other, g, h, ..] if matches!(dash, b'-' | b'/') => {
            dash == other
                && [a, b, c, d, e, f, g, h]
                    .iter()
                    .all(|byte| byte.is_ascii_digit())
        }
        _ => text.len() >= 8 && digits(text) == text.len(),
    }
}
