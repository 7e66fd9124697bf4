//! Fields of one document, read and written one by one: values are checked and
//! wrapped here, and copied otherwise. Where they go is settled in `place`.

use duijie_sdk::json::text_of;

use super::blocks::goes_on;
use super::names::Names;
use super::usual::Seen;
use super::{Reject, broken};
use crate::form::{CallOption, Field, Scope, Shape};
use crate::scan::{self, Kind};

/// A document on its way from `line` to `out`.
pub(super) struct Pass<'p, 'l> {
    pub(super) names: &'p mut Names,
    pub(super) sub_head_open: &'p str,
    pub(super) line: &'l [u8],
    pub(super) key: &'p str,
    pub(super) out: &'p mut Vec<u8>,
    pub(super) options: [&'l [u8]; CallOption::ALL.len()],
    /// Call options up to the end of an object, all of which were said.
    pub(super) said: &'l [u8],
    pub(super) key_seen: bool,
    /// Where the sub-head's closing brace stands in `out`.
    pub(super) sub_close: Option<usize>,
    pub(super) entity_seen: bool,
    /// Rows were found inside the sub-head and wait to be written behind it.
    pub(super) entity_tail: bool,
    pub(super) rows: &'p mut Vec<u8>,
}

impl<'l> Pass<'_, 'l> {
    /// The members of the object at `at`; returns where it ends.
    pub(super) fn members(&mut self, scope: Scope, at: usize) -> Result<usize, Reject> {
        let mut at = scan::blank(self.line, at + 1);
        if self.line.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        let mut next = 0;
        // Where the options begin that stand side by side here.
        let mut options = None;
        loop {
            let expected = self.names.expected(scope, next);
            if expected.is_some_and(Seen::is_option) {
                if !self.said.is_empty() && goes_on(self.line, at, self.said) {
                    return Ok(at + self.said.len());
                }
                options.get_or_insert(at);
            } else {
                options = None;
            }
            let usual =
                expected.and_then(|seen| seen.member(self.line, at, self.out, &mut self.options));
            let end = if let Some(end) = usual {
                next += 1;
                end
            } else {
                options = None;
                let (field, value) = self
                    .names
                    .read(scope, &mut next, self.line, at)
                    .ok_or_else(|| broken(at, "expected a field"))?;
                self.member(scope, &field, value)?
            };
            at = scan::blank(self.line, end);
            match self.line.get(at) {
                Some(b',') => at = scan::blank(self.line, at + 1),
                Some(b'}') => {
                    if let Some(from) = options {
                        self.said = self.line.get(from..=at).unwrap_or_default();
                    }
                    return Ok(at + 1);
                }
                _ => return Err(broken(at, "expected `,` or `}`")),
            }
        }
    }

    pub(super) fn member(
        &mut self,
        scope: Scope,
        field: &Field,
        at: usize,
    ) -> Result<usize, Reject> {
        match &field.shape {
            Shape::SubHead => return self.sub_head(field, at),
            Shape::Entity => return self.entity(scope, field, at),
            Shape::InSub(inner) => {
                let place = self.open_sub();
                let end = self.member(Scope::Sub, inner, at)?;
                self.close_sub(place);
                return Ok(end);
            }
            _ => {}
        }
        let (end, kind, raw) = self.value(at)?;
        match &field.shape {
            Shape::Own => {}
            Shape::Plain => self.put(field, raw),
            Shape::Filled if is_empty(raw, kind) => {}
            Shape::Filled => self.put(field, raw),
            Shape::Base { close, .. } => self.base(field, raw, kind, close)?,
            Shape::Number => self.number(field, raw, kind)?,
            Shape::Flag => self.flag(field, raw, kind)?,
            Shape::Key => self.number_of_document(field, raw, kind)?,
            Shape::Option(option) => self.option(field, *option, raw, kind)?,
            _ => {
                return Err(reject(
                    "kingdee.misplaced",
                    field,
                    raw,
                    "a name inside the rows",
                ));
            }
        }
        Ok(end)
    }

    /// The value at `at`: its end, its kind and its text.
    pub(super) fn value(&self, at: usize) -> Result<(usize, Kind, &'l str), Reject> {
        let (end, kind) = scan::value(self.line, at).ok_or_else(|| broken(at, "not a value"))?;
        // The scan ends on ASCII, so the cut is on a character's edge.
        let raw = self.line.get(at..end).unwrap_or_default();
        Ok((end, kind, std::str::from_utf8(raw).unwrap_or_default()))
    }

    fn put(&mut self, field: &Field, raw: &str) {
        self.name(field);
        self.out.extend_from_slice(raw.as_bytes());
    }

    pub(super) fn name(&mut self, field: &Field) {
        self.comma();
        self.out.extend_from_slice(field.name.as_bytes());
    }

    /// Where one is due: no value ends with `{`.
    pub(super) fn comma(&mut self) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
    }

    fn base(&mut self, field: &Field, raw: &str, kind: Kind, close: &str) -> Result<(), Reject> {
        if is_empty(raw, kind) {
            return Ok(());
        }
        match kind {
            Kind::Object => self.put(field, raw),
            Kind::Text(_) | Kind::Number => {
                self.comma();
                self.out.extend_from_slice(field.lead.as_bytes());
                self.text(raw, kind);
                self.out.extend_from_slice(close.as_bytes());
            }
            _ => {
                return Err(reject(
                    "kingdee.base-data",
                    field,
                    raw,
                    "a code or an object",
                ));
            }
        }
        Ok(())
    }

    /// Codes and numbers of documents are text, even when they come as digits.
    fn text(&mut self, raw: &str, kind: Kind) {
        if kind == Kind::Number {
            self.out.push(b'"');
        }
        self.out.extend_from_slice(raw.as_bytes());
        if kind == Kind::Number {
            self.out.push(b'"');
        }
    }

    fn number(&mut self, field: &Field, raw: &str, kind: Kind) -> Result<(), Reject> {
        if is_empty(raw, kind) {
            return Ok(());
        }
        let digits = match kind {
            Kind::Number => raw,
            Kind::Text(false) => inner(raw).trim_matches(' '),
            _ => "",
        };
        if scan::number(digits.as_bytes(), 0) != Some(digits.len()) {
            return Err(reject("kingdee.number", field, raw, "a number"));
        }
        self.put(field, digits);
        Ok(())
    }

    fn flag(&mut self, field: &Field, raw: &str, kind: Kind) -> Result<(), Reject> {
        if is_empty(raw, kind) {
            return Ok(());
        }
        let word = if let Kind::Text(_) = kind {
            inner(raw)
        } else {
            raw
        };
        let flag = match word {
            "1" => "true",
            "0" => "false",
            word if word.eq_ignore_ascii_case("true") => "true",
            word if word.eq_ignore_ascii_case("false") => "false",
            _ => return Err(reject("kingdee.flag", field, raw, "`true` or `false`")),
        };
        self.put(field, flag);
        Ok(())
    }

    /// The target key must stand where the document is found again by.
    fn number_of_document(&mut self, field: &Field, raw: &str, kind: Kind) -> Result<(), Reject> {
        if is_empty(raw, kind) {
            return Ok(());
        }
        let same = match kind {
            Kind::Text(false) => inner(raw) == self.key,
            Kind::Text(true) => text_of(raw.as_bytes()).is_ok_and(|text| text == self.key),
            Kind::Number => raw == self.key,
            _ => false,
        };
        if !same {
            let expected = format!("the target key `{}`", self.key);
            return Err(reject("kingdee.key", field, raw, &expected));
        }
        if !self.key_seen {
            self.key_seen = true;
            self.name(field);
            self.text(raw, kind);
        }
        Ok(())
    }

    /// Hoisted out of the Model; says the same wherever it stands.
    fn option(
        &mut self,
        field: &Field,
        option: CallOption,
        raw: &'l str,
        kind: Kind,
    ) -> Result<(), Reject> {
        let text = match kind {
            Kind::Text(false) => inner(raw),
            Kind::Flag | Kind::Number => raw,
            Kind::Null => return Ok(()),
            _ => return Err(reject("kingdee.options", field, raw, "a plain text")),
        };
        let Some(said) = self.options.get_mut(option as usize) else {
            return Ok(());
        };
        if said.is_empty() {
            *said = text.as_bytes();
        } else if !text.is_empty() && *said != text.as_bytes() {
            let expected = format!("`{}` as elsewhere", String::from_utf8_lossy(said));
            return Err(reject("kingdee.options", field, raw, &expected));
        }
        Ok(())
    }
}

fn inner(raw: &str) -> &str {
    raw.get(1..raw.len() - 1).unwrap_or_default()
}

pub(super) fn is_empty(raw: &str, kind: Kind) -> bool {
    kind == Kind::Null || raw == "\"\""
}

pub(super) fn reject(code: &'static str, field: &Field, raw: &str, expected: &str) -> Reject {
    let found: String = raw.chars().take(40).collect();
    Reject {
        code,
        field: Some(field.label.clone()),
        message: format!("found `{found}`, expected {expected}"),
    }
}
