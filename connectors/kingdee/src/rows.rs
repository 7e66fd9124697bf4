//! One page of a query, stepped over once: where its cells stand, and records
//! made of them. Cells are copied as they came, so that no digit changes; rows
//! of one document, which stand side by side, become one record.

use duijie_sdk::json::Raw;
use duijie_sdk::{Entry, json};

use crate::columns::Columns;
use crate::scan::{self, Kind};

/// The cells of a page, row by row.
#[derive(Debug)]
pub(crate) struct Page<'b> {
    body: &'b [u8],
    cells: Vec<(usize, usize)>,
    width: usize,
}

/// Records in the making.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub data: Vec<u8>,
    pub entries: Vec<Entry>,
}

impl<'b> Page<'b> {
    /// `body` is a list of rows; each is a list of cells in the order of the
    /// columns, or an object that names them.
    pub(crate) fn read(body: &'b [u8], columns: &Columns) -> Result<Self, String> {
        if let Err(error) = std::str::from_utf8(body) {
            return Err(format!("no UTF-8 at byte {}", error.valid_up_to()));
        }
        let mut page = Self {
            body,
            cells: Vec::new(),
            width: columns.len(),
        };
        let mut at = scan::blank(body, 0);
        if body.get(at) != Some(&b'[') {
            return Err("no list of rows".to_owned());
        }
        at = scan::blank(body, at + 1);
        while body.get(at) != Some(&b']') {
            let end = match body.get(at) {
                Some(b'[') => page.row(at),
                Some(b'{') => page.named_row(at, columns),
                _ => None,
            };
            let end = end.ok_or_else(|| {
                format!(
                    "row {} has not the {} fields that were asked for",
                    page.len() + 1,
                    page.width
                )
            })?;
            at = scan::blank(body, end);
            if body.get(at) == Some(&b',') {
                at = scan::blank(body, at + 1);
            }
        }
        if scan::blank(body, at + 1) == body.len() {
            Ok(page)
        } else {
            Err("something behind the list of rows".to_owned())
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len().checked_div(self.width).unwrap_or_default()
    }

    fn row(&mut self, at: usize) -> Option<usize> {
        let mut at = scan::blank(self.body, at + 1);
        for place in 0..self.width {
            if place > 0 {
                at = self.comma(at)?;
            }
            let (end, _) = scan::value(self.body, at)?;
            self.cells.push((at, end));
            at = scan::blank(self.body, end);
        }
        (self.body.get(at) == Some(&b']')).then_some(at + 1)
    }

    fn named_row(&mut self, at: usize, columns: &Columns) -> Option<usize> {
        let first = self.cells.len();
        self.cells.resize(first + self.width, (0, 0));
        let mut at = scan::blank(self.body, at + 1);
        for place in 0.. {
            if self.body.get(at) == Some(&b'}') {
                break;
            }
            if place > 0 {
                at = self.comma(at)?;
            }
            let (end, _) = scan::string(self.body, at)?;
            let name = self.body.get(at + 1..end - 1)?;
            let value = scan::colon(self.body, end)?;
            let (end, _) = scan::value(self.body, value)?;
            if let Some(column) = columns.place(name, place) {
                *self.cells.get_mut(first + column)? = (value, end);
            }
            at = scan::blank(self.body, end);
        }
        let row = self.cells.get(first..)?;
        row.iter().all(|(_, end)| *end > 0).then_some(at + 1)
    }

    fn comma(&self, at: usize) -> Option<usize> {
        (self.body.get(at) == Some(&b',')).then(|| scan::blank(self.body, at + 1))
    }

    pub(crate) fn cell(&self, row: usize, column: usize) -> &'b [u8] {
        let cell = self.cells.get(row * self.width + column);
        cell.and_then(|(start, end)| self.body.get(*start..*end))
            .unwrap_or_default()
    }

    /// The rows from `row` on that carry the same id.
    pub(crate) fn together(&self, row: usize, columns: &Columns) -> usize {
        let id = self.cell(row, columns.id);
        let same = |other: &usize| self.cell(*other, columns.id) == id;
        (row + 1..self.len()).take_while(same).count() + 1
    }

    /// Rows `from..to` of one document, as its record, or as more rows of the
    /// record that was begun.
    pub(crate) fn append(
        &self,
        columns: &Columns,
        from: usize,
        to: usize,
        begun: bool,
        records: &mut Records,
    ) -> Result<(), String> {
        let out = &mut records.data;
        if begun {
            // Its end is taken off, and put behind what follows.
            out.truncate(out.len().saturating_sub(2));
        } else {
            if !out.is_empty() {
                out.push(b'\n');
            }
            out.push(b'{');
            self.put(columns, from, false, out);
            if columns.is_wide() {
                out.extend_from_slice(&columns.list);
                out.push(b'[');
            }
        }
        for row in from..to {
            let is_row = columns
                .entry_id
                .is_some_and(|column| !is_nothing(self.cell(row, column)));
            if is_row {
                if out.last() != Some(&b'[') {
                    out.push(b',');
                }
                out.push(b'{');
                self.put(columns, row, true, out);
                out.push(b'}');
            }
        }
        if columns.is_wide() {
            out.push(b']');
        }
        out.push(b'}');
        if !begun {
            records.entries.push(self.entry(columns, from)?);
        }
        Ok(())
    }

    /// The cells of one row, of the head or of the list.
    fn put(&self, columns: &Columns, row: usize, inside: bool, out: &mut Vec<u8>) {
        for (place, column) in columns.iter().enumerate() {
            if column.inside != inside {
                continue;
            }
            if !matches!(out.last(), Some(b'{')) {
                out.push(b',');
            }
            out.extend_from_slice(&column.lead);
            let cell = self.cell(row, place);
            let at = out.len();
            out.extend_from_slice(cell);
            if matches!(cell.first(), Some(b'{' | b'[')) {
                for byte in out.get_mut(at..).unwrap_or_default() {
                    if matches!(byte, b'\n' | b'\r') {
                        *byte = b' ';
                    }
                }
            }
        }
    }

    pub(crate) fn entry(&self, columns: &Columns, row: usize) -> Result<Entry, String> {
        let key = text(self.cell(row, columns.id)).filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| format!("row {} has no id", row + 1))?;
        let version = columns.time.and_then(|time| text(self.cell(row, time)));
        Ok(Entry::upsert(key, version.filter(|text| !text.is_empty())))
    }
}

/// Absent rows of an outer join, and ids that were never given.
fn is_nothing(cell: &[u8]) -> bool {
    matches!(cell, b"null" | b"\"\"" | b"0" | b"\"0\"" | b"")
}

pub(crate) fn text(cell: &[u8]) -> Option<String> {
    let raw = Raw(cell);
    let text: Result<_, json::Error> = raw.text();
    (!raw.is_null())
        .then(|| text.ok())
        .flatten()
        .map(std::borrow::Cow::into_owned)
}

/// Whether an id may stand in a filter as it is.
pub(crate) fn is_number(cell: &[u8]) -> bool {
    matches!(scan::value(cell, 0), Some((end, Kind::Number)) if end == cell.len())
}
