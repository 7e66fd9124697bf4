//! The fields that documents of one form were seen to have, in their order, so
//! that the next document's keys are mostly recognised by one comparison each.

use std::rc::Rc;

use crate::form::{Field, Form, Scope};
use crate::scan;

/// Names remembered of one scope; the rest is resolved each time.
const REMEMBERED: usize = 512;

#[derive(Debug)]
pub(super) struct Names {
    form: Form,
    head: Vec<(Box<[u8]>, Rc<Field>)>,
    sub: Vec<(Box<[u8]>, Rc<Field>)>,
    row: Vec<(Box<[u8]>, Rc<Field>)>,
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

    /// The field whose key begins at `at`, and where its value begins. `next`
    /// is the place that is expected to match, and moves past the match.
    #[inline]
    pub(super) fn read(
        &mut self,
        scope: Scope,
        next: &mut usize,
        line: &[u8],
        at: usize,
    ) -> Option<(Rc<Field>, usize)> {
        let seen = match scope {
            Scope::Head => &self.head,
            Scope::Sub => &self.sub,
            Scope::Row => &self.row,
        };
        if let Some((key, field)) = seen.get(*next)
            && same(line.get(at..at + key.len()), key)
        {
            *next += 1;
            return Some((Rc::clone(field), scan::colon(line, at + key.len())?));
        }
        self.search(scope, next, line, at)
    }

    #[cold]
    fn search(
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
        if let Some(found) = seen.iter().position(|(known, _)| **known == *key) {
            *next = found + 1;
            return seen.get(found).map(|(_, field)| (Rc::clone(field), value));
        }
        let name: String = serde_json::from_slice(key).ok()?;
        let field = Rc::new(self.form.field(scope, &name));
        if seen.len() < REMEMBERED {
            let place = (*next).min(seen.len());
            seen.insert(place, (key.into(), Rc::clone(&field)));
            *next = place + 1;
        }
        Some((field, value))
    }
}

/// Whether the text is this key, by words: keys are too short for a call.
#[inline]
fn same(text: Option<&[u8]>, key: &[u8]) -> bool {
    let Some(text) = text else { return false };
    let (Some(text_end), Some(key_end)) = (text.last_chunk::<8>(), key.last_chunk::<8>()) else {
        return text.iter().eq(key);
    };
    let (text_words, key_words) = (text.as_chunks::<8>().0, key.as_chunks::<8>().0);
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    word(text_end) == word(key_end)
        && text_words
            .iter()
            .zip(key_words)
            .all(|(one, other)| word(one) == word(other))
}
