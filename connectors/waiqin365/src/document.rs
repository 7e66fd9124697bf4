//! One document on its way out: its number and the kind of call put in where
//! they are missing, and the rules of its operation held against it. Every
//! other byte goes as it came.

use std::borrow::Cow;

use duijie_sdk::Rejection;
use duijie_sdk::catalogue::Checker;
use duijie_sdk::json;
use duijie_sdk::target::{Action, Entry};

use crate::operation::{OPERATE_TYPE, SENT, Write};

/// A body as it is sent, or a line of the list that several go in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Document {
    Alone(Vec<u8>),
    Line(Vec<u8>),
}

pub(crate) struct Preparer {
    write: Write,
    edits: bool,
    checker: Option<Checker<'static>>,
}

impl Preparer {
    pub(crate) fn new(write: Write) -> Self {
        Self {
            edits: write.edits(),
            checker: SENT
                .collection(write.operation.name)
                .map(|fields| fields.checker()),
            write,
        }
    }

    pub(crate) fn prepare(&mut self, line: &[u8], entry: &Entry) -> Result<Document, Rejection> {
        let write = self.write;
        self.possible(entry.action)?;
        if !write.list.is_empty() && value(line, write.list)?.is_none() {
            let wrapped = [b"{\"", write.list.as_bytes(), b"\":[", line, b"]}"].concat();
            self.check(&wrapped)?;
            return Ok(Document::Line(line.to_vec()));
        }
        let mut body = line.to_vec();
        if write.own {
            let target_key = entry.target_key.as_str();
            match value(&body, write.key)? {
                None => body = with(&body, write.key, target_key)?,
                Some(number) if number == target_key => {}
                Some(number) => {
                    let message = format!(
                        "the document's number is `{number}` and its target key `{target_key}`"
                    );
                    return Err(at(write.key, Rejection::never("waiqin365.key", message)));
                }
            }
            if !write.same.is_empty() && value(&body, write.same)?.is_none() {
                body = with(&body, write.same, target_key)?;
            }
        }
        if self.edits {
            let kind = if entry.action == Action::Update {
                "2"
            } else {
                "1"
            };
            body = with(&body, OPERATE_TYPE, kind)?;
        }
        self.check(&body)?;
        Ok(Document::Alone(body))
    }

    fn possible(&self, action: Action) -> Result<(), Rejection> {
        let name = self.write.operation.name;
        let settles = self.write.guarantee() == duijie_sdk::Guarantee::NaturalUpsert;
        match action {
            Action::Create => Ok(()),
            Action::Update if self.edits || settles => Ok(()),
            Action::Update => Err(Rejection::never(
                "waiqin365.no-update",
                format!("`{name}` cannot change what it made: change the document in Waiqin365"),
            )),
            Action::Cancel => Err(Rejection::never(
                "waiqin365.no-cancel",
                format!("`{name}` cannot take back what it made: cancel it in Waiqin365"),
            )),
        }
    }

    fn check(&mut self, body: &[u8]) -> Result<(), Rejection> {
        if let Some(checker) = &mut self.checker {
            checker.check(body)?;
        }
        let Some((condition, fields)) = self.write.either.split_once(' ') else {
            return Ok(());
        };
        let Some((name, wanted)) = condition.split_once('=') else {
            return Ok(());
        };
        if value(body, name)?.is_none_or(|found| found != wanted) {
            return Ok(());
        }
        for field in fields.split(',') {
            if value(body, field)?.is_some() {
                return Ok(());
            }
        }
        let first = fields.split(',').next().unwrap_or_default();
        let message = format!(
            "one of `{fields}` is required where `{name}` is `{wanted}`, and all are blank: map a value to one of them"
        );
        Err(at(first, Rejection::never("one-of", message)))
    }
}

fn at(field: &str, rejection: Rejection) -> Rejection {
    Rejection {
        field: Some(field.to_owned()),
        ..rejection
    }
}

/// A top-level value that is not blank; a list or object as its text.
fn value<'d>(document: &'d [u8], name: &str) -> Result<Option<Cow<'d, str>>, Rejection> {
    let raw = json::field(document, name).map_err(|error| {
        let message =
            format!("the document is no JSON object: {error}; see what the mapping gives");
        Rejection::never("type", message)
    })?;
    Ok(raw
        .filter(|raw| !raw.is_null())
        .map(|raw| {
            raw.text()
                .unwrap_or_else(|_| String::from_utf8_lossy(raw.0))
        })
        .filter(|text| !text.is_empty()))
}

/// The document with a top-level text in the place of one that is there, or
/// before all others.
fn with(document: &[u8], name: &str, text: &str) -> Result<Vec<u8>, Rejection> {
    let text = json::quoted(text);
    let broken = |_| Rejection::never("type", "the document is no JSON object");
    if let Some(raw) = json::field(document, name).map_err(broken)? {
        // A raw value is a part of the document's own bytes.
        let start = (raw.0.as_ptr() as usize).saturating_sub(document.as_ptr() as usize);
        let (head, rest) = document.split_at_checked(start).unwrap_or((document, b""));
        let tail = rest.get(raw.0.len()..).unwrap_or_default();
        return Ok([head, text.as_bytes(), tail].concat());
    }
    let inner = document.trim_ascii_start().get(1..).unwrap_or_default();
    let comma: &[u8] = if inner.trim_ascii_start().first() == Some(&b'}') {
        b""
    } else {
        b","
    };
    Ok([
        b"{\"",
        name.as_bytes(),
        b"\":",
        text.as_bytes(),
        comma,
        inner,
    ]
    .concat())
}

#[cfg(test)]
mod tests;
