//! The fields that documents of one form were seen to have, in their order, so
//! that the next document's keys are mostly recognised by one comparison each.

use std::rc::Rc;

use duijie_sdk::json::text_of;

use super::usual::Seen;
use crate::form::{Field, Form, Scope};
use crate::scan;

/// Names remembered of one scope; the rest is resolved each time.
const REMEMBERED: usize = 512;

#[derive(Debug)]
pub(super) struct Names {
    form: Form,
    head: Vec<Seen>,
    sub: Vec<Seen>,
    row: Vec<Seen>,
}

impl Names {
    pub(super) fn new(form: Form) -> Self {
        Self {
            form,
            head: Vec::new(),
            sub: Vec::new(),
            row: Vec::new(),
        }
    }

    pub(super) fn form(&self) -> &Form {
        &self.form
    }

    /// The field that is expected at this place.
    #[inline]
    pub(super) fn expected(&self, scope: Scope, next: usize) -> Option<&Seen> {
        let seen = match scope {
            Scope::Head => &self.head,
            Scope::Sub => &self.sub,
            Scope::Row => &self.row,
        };
        seen.get(next)
    }

    /// The field whose key begins at `at`, and where its value begins. `next`
    /// is the place that is expected to match, and moves past the match.
    pub(super) fn read(
        &mut self,
        scope: Scope,
        next: &mut usize,
        line: &[u8],
        at: usize,
    ) -> Option<(Rc<Field>, usize)> {
        let (end, _) = scan::string(line, at)?;
        let key = line.get(at..end)?;
        let value = scan::colon(line, end)?;
        let seen = match scope {
            Scope::Head => &mut self.head,
            Scope::Sub => &mut self.sub,
            Scope::Row => &mut self.row,
        };
        let is_this = |known: &Seen| *known.key == *key;
        let place = if seen.get(*next).is_some_and(is_this) {
            Some(*next)
        } else {
            seen.iter().position(is_this)
        };
        if let Some(found) = place {
            *next = found + 1;
            return seen.get(found).map(|seen| (Rc::clone(&seen.field), value));
        }
        let key = std::str::from_utf8(key).ok()?;
        let name = text_of(key.as_bytes()).ok()?;
        let field = Rc::new(self.form.field(scope, &name));
        if seen.len() < REMEMBERED {
            let place = (*next).min(seen.len());
            seen.insert(place, Seen::new(key, Rc::clone(&field)));
            *next = place + 1;
        }
        Some((field, value))
    }
}
