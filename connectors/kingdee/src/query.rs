//! What is read of a form: its fields in the order in which a query asks for
//! them, the filter, and the windows of time.

use duijie_sdk::{Problem, Settings, time};

use crate::bill::literal;
use crate::columns::{self, Columns};
use crate::form::Form;
use crate::position::{Position, Window};
use crate::settings::{Connection, Members, Pipeline};
use crate::tree::Tree;

/// The most rows of a page that old servers give; new ones give more.
pub(crate) const MOST_ROWS: usize = 2000;
/// Whole documents of a page: each is a call of its own.
const MOST_VIEWS: usize = 100;

/// What to read, checked.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub form: Form,
    pub columns: Columns,
    pub keys: String,
    pub order: String,
    /// Empty where the form is read whole.
    pub time_field: String,
    filter: Option<String>,
    pub start_s: i64,
    end_s: Option<i64>,
    window_s: Option<i64>,
    overlap_s: i64,
    settle_s: i64,
    pub page_size: usize,
    pub view: bool,
    /// Rows as objects, by `BillQuery`.
    pub named: bool,
    pub data_as_text: bool,
}

/// More lines of an outline than anyone reads; the rest is counted.
const MOST_LINES: usize = 200;

/// Before any document.
const BEGINNING: &str = "2000-01-01 00:00:00";

impl Reading {
    pub(crate) fn resolve(
        settings: &Settings,
        collection: &str,
    ) -> Result<(Self, Connection), Vec<Problem>> {
        let (connection, mut problems) = Connection::read(&settings.connection);
        let mut members = Members::of(&settings.pipeline, "/pipeline");
        let reading = Self::read(&mut members, collection);
        problems.extend(members.problems());
        if problems.is_empty() {
            Ok((reading, connection))
        } else {
            Err(problems)
        }
    }

    fn read(members: &mut Members<'_>, collection: &str) -> Self {
        let pipeline = Pipeline {
            key: members.text("key"),
            id_field: members.text("id_field"),
            entity: members.text("entity"),
            sub_head: members.text("sub_head"),
            ..Pipeline::default()
        };
        let form = Form::new(collection, &pipeline);
        let view = members.flag("view").unwrap_or_default();
        let time_field = match members.text("time_field") {
            Some(none) if none == "none" => String::new(),
            Some(field) => field,
            None => form
                .known
                .map_or("FModifyDate", |known| known.time)
                .to_owned(),
        };
        let fields = fields(members, &form, view);
        let columns = columns::of(&form, &fields, &time_field);
        let timed = !time_field.is_empty();
        let start = instant(members, "start_time", timed);
        let end_s = instant(members, "end_time", timed);
        let start_s = start.or_else(|| time::parse(BEGINNING)).unwrap_or_default();
        if end_s.is_some_and(|end_s| end_s <= start_s) {
            let message = "`end_time` is not later than `start_time`";
            members.problem("end_time", message.to_owned());
        }
        let most = if view { MOST_VIEWS } else { MOST_ROWS };
        let entity = &form.entity;
        let order = match columns.is_wide() {
            true => format!("{},{entity}_FSeq,{entity}_FEntryID", form.id_field),
            false => form.id_field.clone(),
        };
        Self {
            keys: columns.keys(),
            order,
            columns,
            filter: members.text("filter"),
            start_s,
            end_s,
            window_s: length(members, "window").filter(|window| *window > 0),
            overlap_s: length(members, "overlap").unwrap_or(600),
            settle_s: length(members, "settle").unwrap_or(60),
            page_size: page_size(members, most),
            view,
            named: members
                .text("query")
                .is_some_and(|name| named(members, &name)),
            data_as_text: members.flag("data_as_text").unwrap_or_default(),
            time_field,
            form,
        }
    }

    pub(crate) fn begin(&self) -> Position {
        if self.time_field.is_empty() {
            return Position::Whole {
                pass: 0,
                after: None,
            };
        }
        Position::Between {
            next_s: self.start_s,
            rested: false,
        }
    }

    /// The window to open now. A run that follows a rest goes back by the
    /// overlap, but never before the start.
    pub(crate) fn window(&self, next_s: i64, rested: bool, now_ms: u64) -> Option<Window> {
        let now_s = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
        let settled = now_s - self.settle_s;
        // `end_time` is the last second to be read.
        let until_s = self.end_s.map_or(settled, |end_s| settled.min(end_s + 1));
        if until_s <= next_s {
            return None;
        }
        let overlap_s = if rested { self.overlap_s } else { 0 };
        let from_s = (next_s - overlap_s).max(self.start_s.min(next_s));
        let to_s = self
            .window_s
            .map_or(until_s, |window_s| until_s.min(from_s + window_s))
            .max(next_s + 1);
        Some(Window {
            from_s,
            to_s,
            last: to_s == until_s,
        })
    }

    /// What a run from here would read, a line a window.
    pub(crate) fn outline(&self, position: Option<Position>, now_ms: u64) -> Vec<String> {
        let field = &self.time_field;
        let mut lines = Vec::new();
        let (mut next_s, mut rested) = match position.unwrap_or_else(|| self.begin()) {
            Position::Whole { .. } => return vec![format!("all of `{}`", self.form.id)],
            Position::Between { next_s, rested } => (next_s, rested),
            Position::Within { window, .. } => {
                lines.push(format!("{field} {}, the rest of it", window.text()));
                if window.last {
                    return lines;
                }
                (window.to_s, false)
            }
        };
        let mut more = 0_u64;
        while let Some(window) = self.window(next_s, rested, now_ms) {
            if lines.len() < MOST_LINES {
                lines.push(format!("{field} {}", window.text()));
            } else {
                more += 1;
            }
            (next_s, rested) = (window.to_s, false);
        }
        if more > 0 {
            lines.push(format!("and {more} more windows"));
        }
        lines
    }

    /// The filter of a page behind a position. A page is found by the id of the
    /// document before it and not by a count of rows: what is added or leaves
    /// while a window is read moves no other document. A document that changes
    /// leaves its window for a later one, as its time is the time of the change.
    pub(crate) fn filter(&self, position: &Position) -> String {
        let mut parts: Vec<String> = Vec::new();
        if let Some(filter) = &self.filter {
            parts.push(format!("({filter})"));
        }
        let (window, after) = match position {
            Position::Within { window, after } => (Some(window), after.as_deref()),
            Position::Whole { after, .. } => (None, after.as_deref()),
            Position::Between { .. } => (None, None),
        };
        if let Some(window) = window {
            let field = &self.time_field;
            parts.push(format!("{field}>='{}'", time::format(window.from_s)));
            parts.push(format!("{field}<'{}'", time::format(window.to_s)));
        }
        if let Some(id) = after {
            parts.push(format!("{}>{}", self.form.id_field, self.id(id)));
        }
        parts.join(" and ")
    }

    /// The filter of one document that still stands where `position` reads.
    pub(crate) fn filter_of(&self, position: &Position, id: &str) -> String {
        let inside = match position {
            Position::Within { window, .. } => Position::Within {
                window: *window,
                after: None,
            },
            _ => Position::Whole {
                pass: 0,
                after: None,
            },
        };
        let mut filter = self.filter(&inside);
        if !filter.is_empty() {
            filter.push_str(" and ");
        }
        filter + &format!("{}={}", self.form.id_field, self.id(id))
    }

    /// An id, JSON, as it stands in a filter.
    fn id(&self, id: &str) -> String {
        match Tree::parse(id) {
            Some(Tree::Text(text)) => literal(&text),
            _ => id.to_owned(),
        }
    }
}

/// The fields asked for, or those of a known form.
fn fields(members: &mut Members<'_>, form: &Form, view: bool) -> Vec<String> {
    let asked = members.texts("fields").unwrap_or_default();
    if view || !asked.is_empty() {
        return if view { Vec::new() } else { asked };
    }
    match form.known {
        Some(known) => columns::usual(known),
        None => {
            let message = "name the fields to be read: this form is not known";
            members.problem("fields", message.to_owned());
            Vec::new()
        }
    }
}

fn instant(members: &mut Members<'_>, name: &str, timed: bool) -> Option<i64> {
    let text = members.text(name)?;
    if !timed {
        let message = "this form is read whole: it has no `time_field`";
        members.problem(name, message.to_owned());
    }
    let instant = time::parse(&text);
    if instant.is_none() {
        let message = format!("`{text}` is no `yyyy-MM-dd HH:mm:ss` in China time");
        members.problem(name, message);
    }
    instant
}

fn length(members: &mut Members<'_>, name: &str) -> Option<i64> {
    let text = members.text(name)?;
    let length = time::parse_duration_s(&text);
    if length.is_none() {
        let message = format!("`{text}` is no length of time, such as `10m`");
        members.problem(name, message);
    }
    length
}

fn page_size(members: &mut Members<'_>, most: usize) -> usize {
    let Some(size) = members.number("page_size") else {
        return most;
    };
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if size == 0 || size > most {
        members.problem("page_size", format!("found {size}, expected 1 to {most}"));
    }
    size
}

fn named(members: &mut Members<'_>, name: &str) -> bool {
    if !["ExecuteBillQuery", "BillQuery"].contains(&name) {
        let message = format!("found `{name}`, expected `ExecuteBillQuery` or `BillQuery`");
        members.problem("query", message);
    }
    name == "BillQuery"
}
