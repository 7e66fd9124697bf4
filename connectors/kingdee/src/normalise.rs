//! One document, from the seed's flat shape or the vendor's own, into the
//! vendor's Model: one pass over the text, values copied as they stand, no tree.
//! It decides nothing about sending; ids and row ids are set by `update`.

use crate::form::{CallOption, Field, Form, Scope, Shape};
use crate::scan::{self, Kind};

mod names;
#[cfg(test)]
mod tests;

use names::Names;

/// Why a document cannot be sent, in the connector's own codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reject {
    pub code: &'static str,
    pub field: Option<String>,
    pub message: String,
}

/// Call options that a document carried; empty where it said nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Carried<'l> {
    pub auto_submit_and_audit: &'l str,
    pub verify_base_data: &'l str,
    pub sub_system_id: &'l str,
}

/// Turns documents of one form into Models; learns the order of their fields.
#[derive(Debug)]
pub(crate) struct Normaliser {
    names: Names,
    key: String,
    sub_head_open: String,
    id_open: String,
}

impl Normaliser {
    pub(crate) fn new(form: Form) -> Self {
        Self {
            key: form.key.clone(),
            sub_head_open: format!("{}:{{", serde_json::Value::from(form.sub_head)),
            id_open: format!("{{{}:", serde_json::Value::from(form.id_field.as_str())),
            names: Names::new(form),
        }
    }

    /// Appends the Model of `line` to `out`. `id` is JSON text, `0` for a new
    /// document; `key` is its number. Nothing is appended when it is rejected.
    pub(crate) fn document<'l>(
        &mut self,
        line: &'l [u8],
        id: &str,
        key: &str,
        out: &mut Vec<u8>,
    ) -> Result<Carried<'l>, Reject> {
        let start = out.len();
        let done = self.append(line, id, key, out);
        if done.is_err() {
            out.truncate(start);
        }
        done
    }

    fn append<'l>(
        &mut self,
        line: &'l [u8],
        id: &str,
        key: &str,
        out: &mut Vec<u8>,
    ) -> Result<Carried<'l>, Reject> {
        let text = std::str::from_utf8(line)
            .map_err(|error| broken(error.valid_up_to(), "it is not UTF-8"))?;
        let start = scan::blank(line, 0);
        if line.get(start) != Some(&b'{') {
            return Err(broken(start, "expected an object"));
        }
        out.extend_from_slice(self.id_open.as_bytes());
        out.extend_from_slice(id.as_bytes());
        let after_id = out.len();
        let mut pass = Pass {
            names: &mut self.names,
            sub_head_open: &self.sub_head_open,
            text,
            line,
            key,
            out,
            options: [""; CallOption::ALL.len()],
            key_seen: false,
            sub_close: None,
            entity_seen: false,
            entity_tail: None,
        };
        let end = pass.members(Scope::Head, start)?;
        let end = scan::blank(line, end);
        if end != line.len() {
            return Err(broken(end, "expected the end of the document"));
        }
        let (options, key_seen) = (pass.options, pass.key_seen);
        out.push(b'}');
        if !key_seen {
            let number = format!(
                ",{}:{}",
                serde_json::Value::from(self.key.as_str()),
                serde_json::Value::from(key)
            );
            out.splice(after_id..after_id, number.bytes());
        }
        carried(options, &self.names.form().id)
    }
}

fn carried<'l>(options: [&'l str; 5], form: &str) -> Result<Carried<'l>, Reject> {
    let [
        form_id,
        operation,
        auto_submit_and_audit,
        verify_base_data,
        sub_system_id,
    ] = options;
    if !form_id.is_empty() && form_id != form {
        return Err(Reject {
            code: "kingdee.form",
            field: Some("FormId".to_owned()),
            message: format!("found form `{form_id}`, expected the collection `{form}`"),
        });
    }
    let saves = ["Save", "BatchSave"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(operation));
    if !operation.is_empty() && !saves {
        return Err(Reject {
            code: "kingdee.operation",
            field: Some("Operation".to_owned()),
            message: format!("found operation `{operation}`, expected `Save` or `BatchSave`"),
        });
    }
    Ok(Carried {
        auto_submit_and_audit,
        verify_base_data,
        sub_system_id,
    })
}

fn broken(at: usize, what: &str) -> Reject {
    Reject {
        code: "kingdee.json",
        field: None,
        message: format!("the document is broken at byte {at}: {what}"),
    }
}

/// Where the fields of the sub-head are being written.
enum Sub {
    /// Opened at this length of the output.
    New(usize),
    /// At its end, its brace taken off.
    Tail,
    /// Other fields stand behind it: written from this length, then moved.
    Middle(usize),
}

struct Pass<'p, 'l> {
    names: &'p mut Names,
    sub_head_open: &'p str,
    text: &'l str,
    line: &'l [u8],
    key: &'p str,
    out: &'p mut Vec<u8>,
    options: [&'l str; CallOption::ALL.len()],
    key_seen: bool,
    /// Where the sub-head's closing brace stands in `out`.
    sub_close: Option<usize>,
    entity_seen: bool,
    /// Rows found inside the sub-head, to be written behind it.
    entity_tail: Option<Vec<u8>>,
}

impl<'l> Pass<'_, 'l> {
    /// The members of the object at `at`; returns where it ends.
    fn members(&mut self, scope: Scope, at: usize) -> Result<usize, Reject> {
        let mut at = scan::blank(self.line, at + 1);
        if self.line.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        let mut next = 0;
        loop {
            let (field, value) = self
                .names
                .read(scope, &mut next, self.line, at)
                .ok_or_else(|| broken(at, "expected a field"))?;
            let end = self.member(scope, &field, value)?;
            at = scan::blank(self.line, end);
            match self.line.get(at) {
                Some(b',') => at = scan::blank(self.line, at + 1),
                Some(b'}') => return Ok(at + 1),
                _ => return Err(broken(at, "expected `,` or `}`")),
            }
        }
    }

    fn member(&mut self, scope: Scope, field: &Field, at: usize) -> Result<usize, Reject> {
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
        let (end, kind) = scan::value(self.line, at).ok_or_else(|| broken(at, "not a value"))?;
        // The scan ends on ASCII, so the cut is on a character's edge.
        let raw = self.text.get(at..end).unwrap_or_default();
        match &field.shape {
            Shape::Own => {}
            Shape::Plain => self.put(field, raw),
            Shape::Filled if is_empty(raw, kind) => {}
            Shape::Filled => self.put(field, raw),
            Shape::Base { open, close } => self.base(field, raw, kind, open, close)?,
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

    fn put(&mut self, field: &Field, raw: &str) {
        self.name(field);
        self.out.extend_from_slice(raw.as_bytes());
    }

    /// The comma, where one is due, and the name. No value ends with `{`.
    fn name(&mut self, field: &Field) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        self.out.extend_from_slice(field.name.as_bytes());
    }

    fn base(
        &mut self,
        field: &Field,
        raw: &str,
        kind: Kind,
        open: &str,
        close: &str,
    ) -> Result<(), Reject> {
        if is_empty(raw, kind) {
            return Ok(());
        }
        let quote = match kind {
            Kind::Object => {
                self.put(field, raw);
                return Ok(());
            }
            Kind::Text(_) => "",
            Kind::Number => "\"",
            _ => {
                return Err(reject(
                    "kingdee.base-data",
                    field,
                    raw,
                    "a code or an object",
                ));
            }
        };
        self.name(field);
        for part in [open, quote, raw, quote, close] {
            self.out.extend_from_slice(part.as_bytes());
        }
        Ok(())
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
            Kind::Text(true) => {
                serde_json::from_str::<String>(raw).is_ok_and(|text| text == self.key)
            }
            Kind::Number => raw == self.key,
            _ => false,
        };
        if !same {
            let expected = format!("the target key `{}`", self.key);
            return Err(reject("kingdee.key", field, raw, &expected));
        }
        if !self.key_seen {
            self.key_seen = true;
            let quote = if kind == Kind::Number { "\"" } else { "" };
            self.name(field);
            for part in [quote, raw, quote] {
                self.out.extend_from_slice(part.as_bytes());
            }
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
        if said.is_empty() || text.is_empty() {
            *said = if text.is_empty() { said } else { text };
        } else if *said != text {
            return Err(reject(
                "kingdee.options",
                field,
                raw,
                &format!("`{said}` as elsewhere"),
            ));
        }
        Ok(())
    }

    fn sub_head(&mut self, field: &Field, at: usize) -> Result<usize, Reject> {
        if self.line.get(at) == Some(&b'{') {
            let place = self.open_sub();
            let end = self.members(Scope::Sub, at)?;
            self.close_sub(place);
            return Ok(end);
        }
        self.nothing(field, at, "an object")
    }

    /// An absent object or array may come as null or empty text.
    fn nothing(&mut self, field: &Field, at: usize, expected: &str) -> Result<usize, Reject> {
        let (end, kind) = scan::value(self.line, at).ok_or_else(|| broken(at, "not a value"))?;
        let raw = self.text.get(at..end).unwrap_or_default();
        if is_empty(raw, kind) {
            return Ok(end);
        }
        Err(reject("kingdee.shape", field, raw, expected))
    }

    fn open_sub(&mut self) -> Sub {
        match self.sub_close {
            None => {
                let start = self.out.len();
                if self.out.last() != Some(&b'{') {
                    self.out.push(b',');
                }
                self.out.extend_from_slice(self.sub_head_open.as_bytes());
                Sub::New(start)
            }
            Some(close) if close + 1 == self.out.len() => {
                self.out.pop();
                Sub::Tail
            }
            Some(_) => Sub::Middle(self.out.len()),
        }
    }

    fn close_sub(&mut self, place: Sub) {
        match (place, self.sub_close) {
            (Sub::New(start), _) if self.out.last() == Some(&b'{') => self.out.truncate(start),
            (Sub::Middle(start), Some(close)) => {
                let moved = self.out.split_off(start);
                self.sub_close = Some(close + moved.len());
                self.out.splice(close..close, moved);
            }
            _ => {
                self.sub_close = Some(self.out.len());
                self.out.push(b'}');
            }
        }
        if let Some(rows) = self.entity_tail.take() {
            self.out.push(b',');
            self.out.extend_from_slice(&rows);
        }
    }

    fn entity(&mut self, scope: Scope, field: &Field, at: usize) -> Result<usize, Reject> {
        if self.line.get(at) != Some(&b'[') {
            return self.nothing(field, at, "an array of rows");
        }
        if self.entity_seen {
            return Err(reject("kingdee.shape", field, "", "the rows only once"));
        }
        self.entity_seen = true;
        let start = self.out.len();
        if scope == Scope::Head {
            self.name(field);
        } else {
            self.out.extend_from_slice(field.name.as_bytes());
        }
        let end = self.rows(field, at)?;
        if scope != Scope::Head {
            self.entity_tail = Some(self.out.split_off(start));
        }
        Ok(end)
    }

    fn rows(&mut self, field: &Field, at: usize) -> Result<usize, Reject> {
        self.out.push(b'[');
        let mut at = scan::blank(self.line, at + 1);
        if self.line.get(at) == Some(&b']') {
            self.out.push(b']');
            return Ok(at + 1);
        }
        loop {
            if self.line.get(at) != Some(&b'{') {
                return Err(reject("kingdee.shape", field, "", "an object for each row"));
            }
            self.out.push(b'{');
            at = self.members(Scope::Row, at)?;
            self.out.push(b'}');
            at = scan::blank(self.line, at);
            match self.line.get(at) {
                Some(b',') => {
                    self.out.push(b',');
                    at = scan::blank(self.line, at + 1);
                }
                Some(b']') => {
                    self.out.push(b']');
                    return Ok(at + 1);
                }
                _ => return Err(broken(at, "expected `,` or `]`")),
            }
        }
    }
}

fn inner(raw: &str) -> &str {
    raw.get(1..raw.len() - 1).unwrap_or_default()
}

fn is_empty(raw: &str, kind: Kind) -> bool {
    kind == Kind::Null || raw == "\"\""
}

fn reject(code: &'static str, field: &Field, raw: &str, expected: &str) -> Reject {
    let found: String = raw.chars().take(40).collect();
    Reject {
        code,
        field: Some(field.label.clone()),
        message: format!("found `{found}`, expected {expected}"),
    }
}
