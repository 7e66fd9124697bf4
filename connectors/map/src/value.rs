//! Typed values of the dialect: how they compare, and how one becomes another.
//! Amounts compare as exact decimals wherever both sides are written as one.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::decimal::Decimal;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(Decimal),
    Text(Cow<'a, str>),
}

impl<'a> Value<'a> {
    pub(crate) fn owned(text: String) -> Self {
        Value::Text(Cow::Owned(text))
    }

    /// What it is, for a message.
    pub(crate) fn name(&self) -> String {
        match self {
            Value::Null => String::from("empty"),
            Value::Bool(value) => format!("`{value}`"),
            Value::Number(number) => format!("the number `{number}`"),
            Value::Text(text) => format!("the text `{}`", shortened(text)),
        }
    }

    /// Missing, null or the empty text.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Value::Null => true,
            Value::Text(text) => text.is_empty(),
            _ => false,
        }
    }

    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Value::Null => Cow::Borrowed(""),
            Value::Bool(true) => Cow::Borrowed("true"),
            Value::Bool(false) => Cow::Borrowed("false"),
            Value::Number(number) => Cow::Owned(number.to_string()),
            Value::Text(text) => Cow::Borrowed(text),
        }
    }

    pub(crate) fn number(&self) -> Option<Decimal> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Text(text) => Decimal::parse(text),
            _ => None,
        }
    }

    /// Whether a condition holds: none for null; an error for what is neither
    /// a truth value nor a number.
    pub(crate) fn truth(&self) -> Result<Option<bool>, ()> {
        match self {
            Value::Null => Ok(None),
            Value::Bool(value) => Ok(Some(*value)),
            other => other
                .number()
                .map(|number| Some(!number.is_zero()))
                .ok_or(()),
        }
    }

    /// None where a side is null. An error where a number meets a text that is
    /// none and the question is which is greater (`order`); as equals they
    /// simply differ.
    pub(crate) fn compare(&self, other: &Self, order: bool) -> Result<Option<Ordering>, ()> {
        use Value::{Bool, Null, Number, Text};
        let found = match (self, other) {
            (Null, _) | (_, Null) => return Ok(None),
            (Number(left), Number(right)) => left.cmp(right),
            (Bool(left), Bool(right)) => left.cmp(right),
            (Text(left), Text(right)) => texts(left, right),
            (Bool(left), Text(right)) => {
                let left = if *left { "true" } else { "false" };
                match right.parse::<bool>() {
                    Ok(_) => left.cmp(right),
                    Err(_) => return self.as_number().compare(other, order),
                }
            }
            (Text(_), Bool(_)) => {
                return Ok(other.compare(self, order)?.map(Ordering::reverse));
            }
            (Bool(_), Number(_)) => return self.as_number().compare(other, order),
            (Number(_), Bool(_)) => return self.compare(&other.as_number(), order),
            (Number(left), Text(right)) => match Decimal::parse(right) {
                Some(right) => left.cmp(&right),
                None if order => return Err(()),
                None => Ordering::Less,
            },
            (Text(_), Number(_)) => {
                return Ok(other.compare(self, order)?.map(Ordering::reverse));
            }
        };
        Ok(Some(found))
    }

    fn as_number(&self) -> Value<'static> {
        let one = matches!(self, Value::Bool(true));
        Value::Number(if one { Decimal::ONE } else { Decimal::ZERO })
    }
}

/// Amounts as decimals, everything else letter by letter.
pub(crate) fn texts(left: &str, right: &str) -> Ordering {
    match (Decimal::amount(left), Decimal::amount(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.cmp(right),
    }
}

/// At most forty characters, for messages.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(40) {
        Some((at, _)) => Cow::Owned(format!("{}…", text.get(..at).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// SQL's LIKE: `%` any run, `_` any one character, `\` takes the next as it is.
/// Letters match case by case.
pub(crate) fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut wanted = Vec::new();
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        wanted.push(match char {
            '%' => Wanted::Run,
            '_' => Wanted::Any,
            '\\' => Wanted::One(chars.next().unwrap_or('\\')),
            other => Wanted::One(other),
        });
    }
    let (mut at, mut step, mut back) = (0, 0, None);
    while at < text.len() {
        let fits = match wanted.get(step) {
            Some(Wanted::Run) => {
                back = Some((step + 1, at));
                step += 1;
                continue;
            }
            Some(Wanted::Any) => true,
            Some(Wanted::One(char)) => text.get(at) == Some(char),
            None => false,
        };
        if fits {
            (at, step) = (at + 1, step + 1);
        } else if let Some((after, from)) = back {
            (at, step, back) = (from + 1, after, Some((after, from + 1)));
        } else {
            return false;
        }
    }
    wanted
        .iter()
        .skip(step)
        .all(|rest| matches!(rest, Wanted::Run))
}

enum Wanted {
    Run,
    Any,
    One(char),
}
