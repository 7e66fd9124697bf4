//! Where the sub-head and the rows go: rows stand beside the sub-head, and the
//! sub-head's fields together, however the document scatters them.

use super::pass::{Pass, is_empty, reject};
use super::{Reject, broken};
use crate::form::{Field, Scope};
use crate::scan;

/// Where the fields of the sub-head are being written.
pub(super) enum Sub {
    /// Opened at this length of the output.
    New(usize),
    /// At its end, its brace taken off.
    Tail,
    /// Other fields stand behind it: written from this length, then moved.
    Middle(usize),
}

impl Pass<'_, '_> {
    pub(super) fn sub_head(&mut self, field: &Field, at: usize) -> Result<usize, Reject> {
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
        let (end, kind, raw) = self.value(at)?;
        if is_empty(raw, kind) {
            return Ok(end);
        }
        Err(reject("kingdee.shape", field, raw, expected))
    }

    pub(super) fn open_sub(&mut self) -> Sub {
        match self.sub_close {
            None => {
                let start = self.out.len();
                self.comma();
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

    pub(super) fn close_sub(&mut self, place: Sub) {
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
        if std::mem::take(&mut self.entity_tail) {
            self.out.push(b',');
            self.out.append(self.rows);
        }
    }

    pub(super) fn entity(
        &mut self,
        scope: Scope,
        field: &Field,
        at: usize,
    ) -> Result<usize, Reject> {
        if self.line.get(at) != Some(&b'[') {
            return self.nothing(field, at, "an array of rows");
        }
        if self.entity_seen {
            return Err(reject("kingdee.shape", field, "", "the rows only once"));
        }
        self.entity_seen = true;
        self.set(Scope::Head, field.bit);
        if scope == Scope::Head {
            self.name(field);
            return self.rows(field, at);
        }
        self.entity_tail = true;
        self.rows.clear();
        self.rows.extend_from_slice(field.name.as_bytes());
        std::mem::swap(self.out, self.rows);
        let end = self.rows(field, at);
        std::mem::swap(self.out, self.rows);
        end
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
            let [head, sub, _] = self.marks;
            self.marks = [head, sub, 0];
            at = self.members(Scope::Row, at)?;
            let [_, _, marks] = self.marks;
            self.row_lacks |= marks & self.row_required != self.row_required;
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
