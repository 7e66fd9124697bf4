//! The general way from a value to JSON: parsers applied, form by type. The
//! writer has a shorter way for plain copies; both give the same bytes.

use std::borrow::Cow;

use crate::decimal::Decimal;
use crate::parser::Step;
use crate::plan::{Computed, From, Segment};
use crate::scan::{self, DEPTH, Kind};
use crate::settings::Form;
use crate::text::{escape, unescape};
use crate::value::Value;
use crate::view::{Trouble, View, no_text, read_moment, utf8};

enum Item<'a> {
    One(Value<'a>),
    Many(Vec<Value<'a>>),
    /// Finished JSON.
    Raw(Cow<'a, [u8]>),
}

/// Appends the value; false, and nothing appended, where it is empty.
pub(crate) fn render(
    computed: &Computed,
    view: &View<'_>,
    out: &mut Vec<u8>,
) -> Result<bool, Trouble> {
    let Computed { from, steps, form } = computed;
    let mut item = fetch(from, steps, *form, view)?;
    if matches!(&item, Item::One(value) if value.is_empty()) {
        return Ok(false);
    }
    let (mut open, mut close) = (Vec::new(), Vec::new());
    for step in steps {
        if let Step::Wrap {
            open: outer,
            close: after,
        } = step
        {
            open.splice(0..0, outer.iter().copied());
            close.extend_from_slice(after);
        } else {
            item = apply(step, item)?;
        }
    }
    let name = from.name();
    // After a parser the type says how the single values look.
    let form = match form {
        Form::Object | Form::Array if !steps.is_empty() => Form::Text,
        form => *form,
    };
    let start = out.len();
    match item {
        Item::Raw(raw) => {
            out.extend_from_slice(&open);
            out.extend_from_slice(&raw);
            out.extend_from_slice(&close);
        }
        Item::One(value) => {
            out.extend_from_slice(&open);
            if !write_form(&value, form, view.ground.offset, name, out)? {
                out.truncate(start);
                return Ok(false);
            }
            out.extend_from_slice(&close);
        }
        Item::Many(values) => {
            if values.is_empty() {
                return Ok(false);
            }
            for (number, value) in values.iter().enumerate() {
                out.push(if number == 0 { b'[' } else { b',' });
                out.extend_from_slice(&open);
                if !write_form(value, form, view.ground.offset, name, out)? {
                    out.extend_from_slice(b"null");
                }
                out.extend_from_slice(&close);
            }
            out.push(b']');
        }
    }
    Ok(true)
}

impl From {
    fn name(&self) -> &str {
        match self {
            From::Variable(variable) => &variable.written,
            From::Literal(_) | From::Template(_) | From::Expression(_) => "the value",
        }
    }
}

fn fetch<'a>(
    from: &'a From,
    steps: &[Step],
    form: Form,
    view: &View<'a>,
) -> Result<Item<'a>, Trouble> {
    let value = match from {
        From::Literal(text) => Value::Text(Cow::Borrowed(text)),
        From::Expression(expression) => expression.value(view)?,
        From::Template(segments) => template(segments, view)?,
        From::Variable(variable) => {
            let slot = view.slot(variable.field);
            if variable.pipes.is_empty() && matches!(slot.kind, Kind::Object | Kind::Array) {
                return container(view.raw(slot), slot.kind, steps, form, &variable.written);
            }
            let text = view.variable_text(variable)?;
            if text.is_empty() {
                Value::Null
            } else {
                Value::Text(text)
            }
        }
    };
    Ok(Item::One(value))
}

/// Empty where every variable in it is.
fn template<'a>(segments: &[Segment], view: &View<'a>) -> Result<Value<'a>, Trouble> {
    let (mut text, mut full) = (String::new(), false);
    for segment in segments {
        match segment {
            Segment::Literal(literal) => text.push_str(literal),
            Segment::Variable(variable) => {
                let value = view.variable_text(variable)?;
                full |= !value.is_empty();
                text.push_str(&value);
            }
        }
    }
    Ok(if full {
        Value::owned(text)
    } else {
        Value::Null
    })
}

/// An object or array of the record itself.
fn container<'a>(
    raw: &'a [u8],
    kind: Kind,
    steps: &[Step],
    form: Form,
    written: &str,
) -> Result<Item<'a>, Trouble> {
    utf8(raw)?;
    match (kind, steps.first(), form) {
        (Kind::Object, Some(Step::Pairs), _) => pairs(raw).map(Item::Raw),
        (Kind::Array, Some(Step::Join(_) | Step::Unique), _) => elements(raw, written),
        (Kind::Object, None, Form::Object) => Ok(Item::Raw(Cow::Borrowed(raw))),
        (Kind::Array, None, Form::Array) => {
            let empty = raw
                .iter()
                .all(|byte| matches!(byte, b'[' | b']' | b' ' | b'\t' | b'\r'));
            Ok(if empty {
                Item::One(Value::Null)
            } else {
                Item::Raw(Cow::Borrowed(raw))
            })
        }
        _ => {
            let found = if kind == Kind::Object {
                "an object"
            } else {
                "a list"
            };
            let message = format!("`{written}` holds {found}, which does not fit the rule's type");
            Err(Trouble::new("map.type", message))
        }
    }
}

fn broken(_: scan::Malformed) -> Trouble {
    Trouble::new("map.type", String::from("the text is no JSON object"))
}

fn elements<'a>(raw: &'a [u8], written: &str) -> Result<Item<'a>, Trouble> {
    let mut values = Vec::new();
    let mut at = scan::blanks(raw, 1);
    while raw.get(at) != Some(&b']') {
        let (end, kind) = scan::value(raw, at, DEPTH).map_err(broken)?;
        let piece = raw.get(at..end).unwrap_or_default();
        values.push(match kind {
            Kind::Object | Kind::Array => {
                let message = format!("`{written}` holds lists or objects, expected single values");
                return Err(Trouble::new("map.type", message));
            }
            Kind::Null => Value::Text(Cow::Borrowed("")),
            _ => Value::Text(scalar(piece)?),
        });
        match scan::after(raw, end, b']').map_err(broken)? {
            (_, true) => break,
            (next, false) => at = next,
        }
    }
    Ok(Item::Many(values))
}

/// A string's text, or the digits or word of another scalar.
fn scalar(piece: &[u8]) -> Result<Cow<'_, str>, Trouble> {
    match piece {
        [b'"', inside @ .., b'"'] => unescape(inside).ok_or_else(no_text),
        other => utf8(other),
    }
}

/// ConvertJson: an object's members as `{"Key":…,"Value":…}`, line breaks
/// removed from texts.
fn pairs(raw: &[u8]) -> Result<Cow<'static, [u8]>, Trouble> {
    let mut out = vec![b'['];
    let mut at = scan::blanks(raw, 1);
    while raw.get(at) != Some(&b'}') {
        let (_, colon) = scan::key(raw, at).map_err(broken)?;
        let name = raw.get(at..colon).unwrap_or_default();
        let name = name.strip_suffix(b":").unwrap_or(name).trim_ascii_end();
        let start = scan::blanks(raw, colon);
        let (end, kind) = scan::value(raw, start, DEPTH).map_err(broken)?;
        let value = raw.get(start..end).unwrap_or_default();
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"Key\":");
        out.extend_from_slice(name);
        out.extend_from_slice(b",\"Value\":");
        if kind == Kind::Escaped {
            let text = scalar(value)?.replace(['\r', '\n'], "");
            out.push(b'"');
            escape(&text, &mut out);
            out.push(b'"');
        } else {
            out.extend_from_slice(value);
        }
        out.push(b'}');
        match scan::after(raw, end, b'}').map_err(broken)? {
            (_, true) => break,
            (next, false) => at = next,
        }
    }
    out.push(b']');
    Ok(Cow::Owned(out))
}

fn apply<'a>(step: &Step, item: Item<'a>) -> Result<Item<'a>, Trouble> {
    Ok(match (step, item) {
        (Step::Split(separator), Item::One(value)) => {
            let text = value.text();
            let pieces = text.split(separator.as_str());
            Item::Many(pieces.map(|piece| Value::owned(piece.to_owned())).collect())
        }
        (Step::Join(separator), Item::Many(values)) => {
            let texts: Vec<_> = values.iter().map(Value::text).collect();
            Item::One(Value::owned(texts.join(separator)))
        }
        (Step::Unique, Item::Many(values)) => {
            let mut kept: Vec<Value<'a>> = Vec::new();
            for value in values {
                if !kept.contains(&value) {
                    kept.push(value);
                }
            }
            Item::Many(kept)
        }
        (Step::Pairs, Item::One(value)) => {
            let text = value.text().into_owned();
            let object = text
                .trim_matches([' ', '\t', '\r', '\n'])
                .replace(['\r', '\n'], " ");
            let whole = scan::value(object.as_bytes(), 0, DEPTH);
            if whole != Ok((object.len(), Kind::Object)) {
                let message = format!(
                    "{} was found where a JSON object was expected",
                    value.name()
                );
                return Err(Trouble::new("map.type", message));
            }
            Item::Raw(pairs(object.as_bytes())?)
        }
        (_, item) => item,
    })
}

/// Whether the bytes are one JSON number.
pub(crate) fn is_number(raw: &[u8]) -> bool {
    scan::number(raw, 0) == Ok(raw.len())
}

/// Whether a JSON number is written without point and exponent.
pub(crate) fn is_whole(raw: &[u8]) -> bool {
    !raw.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// Appends a single value in the form of a type; false where it is empty.
pub(crate) fn write_form(
    value: &Value<'_>,
    form: Form,
    offset: i64,
    name: &str,
    out: &mut Vec<u8>,
) -> Result<bool, Trouble> {
    if value.is_empty() && !(form == Form::Text && *value != Value::Null) {
        return Ok(false);
    }
    let text = value.text();
    let wrong = |expected: &str| {
        let message = format!("{name} is {}, expected {expected}", value.name());
        Trouble::new("map.type", message)
    };
    match form {
        Form::Text => match value {
            Value::Bool(_) => out.extend_from_slice(text.as_bytes()),
            _ => {
                out.push(b'"');
                escape(&text, out);
                out.push(b'"');
            }
        },
        Form::Int | Form::Float => {
            let raw = match value {
                Value::Bool(value) => Cow::Borrowed(if *value { "1" } else { "0" }),
                _ => text,
            };
            number(&raw, form, out).ok_or_else(|| {
                wrong(if form == Form::Int {
                    "a whole number"
                } else {
                    "a number"
                })
            })?;
        }
        Form::Bool => match &*text.to_ascii_lowercase() {
            "true" => out.extend_from_slice(b"true"),
            "false" => out.extend_from_slice(b"false"),
            other => match Decimal::amount(other) {
                Some(one) if one == Decimal::ONE => out.extend_from_slice(b"true"),
                Some(zero) if zero.is_zero() => out.extend_from_slice(b"false"),
                _ => return Err(wrong("true, false, 1 or 0")),
            },
        },
        Form::DateTime | Form::Date => {
            let Some(moment) = read_moment(&text, offset, name)? else {
                return Ok(false);
            };
            let text = if form == Form::Date {
                moment.date()
            } else {
                moment.datetime()
            };
            out.push(b'"');
            out.extend_from_slice(text.as_bytes());
            out.push(b'"');
        }
        Form::Object => return Err(wrong("an object")),
        Form::Array => return Err(wrong("a list")),
    }
    Ok(true)
}

/// The digits as they are where they are a JSON number of the form, otherwise
/// as one that means the same.
fn number(text: &str, form: Form, out: &mut Vec<u8>) -> Option<()> {
    let raw = text.as_bytes();
    if is_number(raw) && (form == Form::Float || is_whole(raw)) {
        out.extend_from_slice(raw);
        return Some(());
    }
    let number = Decimal::parse(text)?;
    let text = if form == Form::Int {
        number.whole()?.to_string()
    } else {
        number.to_string()
    };
    out.extend_from_slice(text.as_bytes());
    Some(())
}
