//! One document for each row of a list: the record is kept where one of its
//! rows is, and rejected as a whole where one of them is.

use std::collections::HashSet;

use duijie_sdk::Rejection;
use duijie_sdk::transform::{Line, Verdict};

use super::document;
use crate::output::Output;
use crate::plan::{Each, Plan};
use crate::view::{NO_ROW, View};

pub(super) struct Parts<'a> {
    pub(super) plan: &'a Plan,
    pub(super) each: Each,
    /// Of the record, in the batch.
    pub(super) number: u32,
    pub(super) out: &'a mut Output,
    pub(super) lines: &'a mut Vec<Line>,
    pub(super) scratch: &'a mut Vec<u8>,
}

impl Parts<'_> {
    pub(super) fn write(&mut self, view: View<'_>) -> Verdict {
        let (start, first_line) = (self.out.len(), self.lines.len());
        let Some(current) = view.current.get(usize::from(self.each.list)) else {
            return Verdict::Drop(String::from("there is no such list"));
        };
        let verdict = self.rows(view, |row| current.set(row));
        current.set(NO_ROW);
        if !matches!(verdict, Verdict::Keep) {
            self.out.truncate(start);
            self.lines.truncate(first_line);
        }
        verdict
    }

    fn rows(&mut self, view: View<'_>, go_to: impl Fn(u32)) -> Verdict {
        let name = self.plan.lists.get(usize::from(self.each.list));
        let name = name.map_or("", String::as_str);
        let Some((mut row, count)) = view.rows(self.each.list).filter(|(_, count)| *count > 0)
        else {
            return Verdict::Drop(format!("`{name}` has no row"));
        };
        let (mut parts, mut dropped) = (HashSet::new(), None);
        let before = self.lines.len();
        for place in 1..=count {
            go_to(row);
            let part = match self.part(&view, place) {
                Ok(part) if parts.insert(part.clone()) => part,
                Ok(part) => {
                    let message = format!("two rows of `{name}` are called `{part}`");
                    return Verdict::Reject(Rejection::never("map.part", message));
                }
                Err(rejection) => return Verdict::Reject(rejection),
            };
            match document(self.plan, view, self.out, self.scratch) {
                Verdict::Keep => self.lines.push(Line {
                    sources: vec![self.number],
                    part,
                }),
                Verdict::Drop(reason) => dropped = dropped.or(Some(reason)),
                Verdict::Reject(mut rejection) => {
                    rejection.message = format!("row {place} of `{name}`: {}", rejection.message);
                    return Verdict::Reject(rejection);
                }
                other => return other,
            }
            row = view.next_row(row).unwrap_or(NO_ROW);
        }
        match dropped {
            Some(reason) if self.lines.len() == before => Verdict::Drop(reason),
            _ => Verdict::Keep,
        }
    }

    /// What tells the row from the others of its record.
    fn part(&self, view: &View<'_>, place: u32) -> Result<String, Rejection> {
        let Some(field) = self.each.part else {
            return Ok(place.to_string());
        };
        let text = view.text(view.slot(field), "part");
        match text {
            Ok(text) if !text.is_empty() => Ok(text.into_owned()),
            Ok(_) => {
                let message = format!("the field that `each.part` names is empty in row {place}");
                Err(Rejection::never("map.part", message))
            }
            Err(trouble) => Err(Rejection::never(trouble.code, trouble.message)),
        }
    }
}
