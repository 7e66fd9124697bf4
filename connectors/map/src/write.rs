//! Writes one document from filled slots: fixed bytes and raw copies in the
//! order of the rules, and what is computed through `render`.

use crate::layout::Field;
use crate::output::Output;
use crate::plan::{Fragment, Op, Piece, Plan};
use crate::read::Slot;
use crate::render::{is_number, is_whole, render, write_form};
use crate::scan::Kind;
use crate::settings::Form;
use crate::text::escape;
use crate::value::Value;
use crate::view::{Trouble, View, no_text};

/// Why a document could not be written.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) rule: u16,
    /// Rows around it, the innermost first: list and row, counted from one.
    pub(crate) rows: Vec<(u16, usize)>,
    pub(crate) trouble: Trouble,
}

/// Whether something was written.
type Written = Result<bool, Box<Failure>>;

pub(crate) struct Writer<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) view: View<'a>,
    pub(crate) out: &'a mut Output,
    /// For what is computed; kept from record to record.
    pub(crate) scratch: &'a mut Vec<u8>,
}

#[cold]
fn failure(rule: u16, trouble: Trouble) -> Box<Failure> {
    Box::new(Failure {
        rule,
        rows: Vec::new(),
        trouble,
    })
}

impl Writer<'_> {
    /// The whole document.
    pub(crate) fn document(&mut self) -> Result<(), Box<Failure>> {
        self.out.push(b'{');
        self.members(&self.plan.ops)?;
        self.out.push(b'}');
        Ok(())
    }

    fn members(&mut self, ops: &[Op]) -> Written {
        let mut any = false;
        for op in ops {
            any |= match op {
                Op::Constant(piece) => {
                    self.key(*piece, any);
                    true
                }
                Op::Copy {
                    key,
                    close,
                    field,
                    form,
                    rule,
                } => {
                    let slot = self.view.slot(*field);
                    let len = slot.end.wrapping_sub(slot.start);
                    if slot.kind == Kind::Ascii && *form == Form::Text && len > 2 {
                        self.key(*key, any);
                        let start = slot.start as usize;
                        self.out.put_part(self.view.bytes, start, len as usize);
                        if close.len > 0 {
                            self.fixed(*close);
                        }
                        true
                    } else {
                        self.copy((*key, *close), slot, *form, any, *rule)?
                    }
                }
                other => self.other(other, any)?,
            };
        }
        Ok(any)
    }

    #[inline(never)]
    fn other(&mut self, op: &Op, any: bool) -> Written {
        let start = self.out.len();
        let (rule, written) = match op {
            Op::Join {
                key,
                close,
                pieces,
                rule,
            } => {
                self.key(*key, any);
                (
                    *rule,
                    self.join(pieces, *rule)?
                        .then(|| self.fixed(*close))
                        .is_some(),
                )
            }
            Op::Value { key, value, rule } => {
                self.key(*key, any);
                self.scratch.clear();
                let written = render(value, &self.view, self.scratch);
                let written = written.map_err(|trouble| failure(*rule, trouble))?;
                self.out.put(self.scratch);
                (*rule, written)
            }
            Op::Object {
                key,
                members,
                end,
                rule,
            } => {
                self.key(*key, any);
                let written = self.members(members)?;
                self.out.put(end);
                (*rule, written)
            }
            Op::Rows {
                key,
                list,
                members,
                rule,
            } => {
                self.key(*key, any);
                let written = self.rows(*list, members, *rule)?;
                self.out.push(b']');
                (*rule, written)
            }
            Op::Constant(_) | Op::Copy { .. } => return Ok(false),
        };
        if written {
            return Ok(true);
        }
        self.out.truncate(start);
        self.empty(rule)
    }

    /// A rule whose value is empty is left out, unless it is required.
    #[inline(always)]
    fn empty(&self, rule: u16) -> Written {
        match self.plan.rules.get(usize::from(rule)) {
            Some(name) if name.required => {
                let message = String::from("the rule is required but its value is empty");
                Err(failure(rule, Trouble::new("map.required", message)))
            }
            _ => Ok(false),
        }
    }

    #[inline(always)]
    fn fixed(&mut self, piece: Fragment) {
        self.out
            .put_part(&self.plan.fixed, piece.start as usize, piece.len as usize);
    }

    /// A key, without its comma where nothing stands before it.
    #[inline(always)]
    fn key(&mut self, key: Fragment, any: bool) {
        let skip = u32::from(!any);
        self.fixed(Fragment {
            start: key.start + skip,
            len: key.len - skip,
        });
    }

    /// A copy of any kind; the most frequent one has a shorter way.
    #[inline(never)]
    fn copy(
        &mut self,
        (key, close): (Fragment, Fragment),
        slot: Slot,
        form: Form,
        any: bool,
        rule: u16,
    ) -> Written {
        let (mut start, mut end) = (slot.start as usize, slot.end as usize);
        let quoted = match (slot.kind, form) {
            (Kind::Missing | Kind::Null, _) => return self.empty(rule),
            (Kind::Ascii | Kind::Wide | Kind::Escaped, _) if end - start == 2 => {
                return self.empty(rule);
            }
            (Kind::Ascii, Form::Text) => false,
            (Kind::Wide | Kind::Escaped, Form::Text) => {
                if std::str::from_utf8(self.view.raw(slot)).is_err() {
                    return Err(failure(rule, no_text()));
                }
                false
            }
            (Kind::Number | Kind::True | Kind::False, Form::Text) => true,
            (Kind::Number, Form::Float) => false,
            (Kind::Number, _) if is_whole(self.view.raw(slot)) => false,
            (Kind::Ascii, _) if self.plain(slot, form) => {
                (start, end) = (start + 1, end - 1);
                false
            }
            _ => return self.converted((key, close), slot, form, any, rule),
        };
        self.key(key, any);
        if quoted {
            self.out.push(b'"');
        }
        self.out.put_part(self.view.bytes, start, end - start);
        if quoted {
            self.out.push(b'"');
        }
        if close.len > 0 {
            self.fixed(close);
        }
        Ok(true)
    }

    /// Whether a string's inside can stand as a number just as it is.
    fn plain(&self, slot: Slot, form: Form) -> bool {
        let inside = self.view.inside(slot);
        is_number(inside) && (form == Form::Float || is_whole(inside))
    }

    #[cold]
    fn converted(
        &mut self,
        (key, close): (Fragment, Fragment),
        slot: Slot,
        form: Form,
        any: bool,
        rule: u16,
    ) -> Written {
        let text = self
            .view
            .text(slot, "the value")
            .map_err(|trouble| failure(rule, trouble))?;
        self.scratch.clear();
        let offset = self.view.ground.offset;
        let written = write_form(&Value::Text(text), form, offset, "the value", self.scratch);
        if !written.map_err(|trouble| failure(rule, trouble))? {
            return self.empty(rule);
        }
        self.key(key, any);
        self.out.put(self.scratch);
        self.fixed(close);
        Ok(true)
    }

    /// Pieces between quotes; empty where every field in it is.
    fn join(&mut self, pieces: &[Piece], rule: u16) -> Written {
        let mut full = false;
        self.out.push(b'"');
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => self.fixed(*literal),
                Piece::Field(field) => full |= self.piece(*field, rule)?,
                Piece::Variable(variable) => {
                    let text = self.view.variable_text(variable);
                    let text = text.map_err(|trouble| failure(rule, trouble))?;
                    self.scratch.clear();
                    escape(&text, self.scratch);
                    self.out.put(self.scratch);
                    full |= !text.is_empty();
                }
            }
        }
        self.out.push(b'"');
        Ok(full)
    }

    fn piece(&mut self, field: Field, rule: u16) -> Written {
        let slot = self.view.slot(field);
        let (start, end) = (slot.start as usize, slot.end as usize);
        let (start, end) = match slot.kind {
            Kind::Missing | Kind::Null => return Ok(false),
            Kind::Number | Kind::True | Kind::False => (start, end),
            Kind::Ascii => (start + 1, end - 1),
            Kind::Wide | Kind::Escaped => {
                if std::str::from_utf8(self.view.raw(slot)).is_err() {
                    return Err(failure(rule, no_text()));
                }
                (start + 1, end - 1)
            }
            Kind::Object | Kind::Array | Kind::Rows => {
                let text = self.view.text(slot, "a field of the value");
                return text
                    .map(|_| false)
                    .map_err(|trouble| failure(rule, trouble));
            }
        };
        self.out.put_part(self.view.bytes, start, end - start);
        Ok(end > start)
    }

    fn rows(&mut self, list: u16, members: &[Op], rule: u16) -> Written {
        let Some((first, count)) = self.view.rows(list) else {
            return self.no_rows(list, rule);
        };
        let Some(current) = self.view.current.get(usize::from(list)) else {
            return Ok(false);
        };
        let before = current.get();
        let mut row = (count > 0).then_some(first);
        let mut number = 0;
        while let Some(at) = row {
            number += 1;
            self.out.put(if number == 1 { b"{" } else { b",{" });
            current.set(at);
            let written = self.members(members);
            current.set(before);
            if let Err(mut failure) = written {
                failure.rows.push((list, number));
                return Err(failure);
            }
            self.out.push(b'}');
            row = self.view.next_row(at);
        }
        Ok(number > 0)
    }

    /// What stands where rows were expected: nothing, or something else.
    #[cold]
    fn no_rows(&self, list: u16, rule: u16) -> Written {
        let slot = self.view.rows_slot(list).unwrap_or_default();
        let empty = match slot.kind {
            Kind::Missing | Kind::Null => true,
            Kind::Ascii => slot.end - slot.start == 2,
            _ => false,
        };
        if empty {
            return Ok(false);
        }
        let name = self
            .plan
            .lists
            .get(usize::from(list))
            .map_or("", String::as_str);
        let message = match slot.kind {
            Kind::Array => format!("the list `{name}` holds rows that are no objects"),
            _ => format!("`{name}` is no list of objects"),
        };
        Err(failure(rule, Trouble::new("map.list", message)))
    }
}
