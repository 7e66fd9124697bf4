//! Reads a form page by page, in windows of time or whole. A page holds rows
//! and a document may take several: the document that a full page may have cut
//! is left to the next page, or read by itself where it fills a page alone.

use duijie_sdk::{Fault, Network, Problem, SourceBatch};

use crate::bill::{Query, blind};
use crate::client::Client;
use crate::position::Position;
use crate::query::{MOST_ROWS, Reading};
use crate::reply;
use crate::rows::{Page, Records, is_number, text};
use crate::view;

pub(crate) struct Reader<N> {
    client: Client<N>,
    reading: Reading,
    position: Position,
    /// The last window that could be read now was read.
    rests: bool,
}

/// How often a document is read by itself that changes between two pages of it.
const TRIES: usize = 3;

impl<N: Network> Reader<N> {
    pub(crate) fn new(client: Client<N>, reading: Reading, position: Option<Position>) -> Self {
        // What was chosen since may have changed between windows and whole.
        let begin = reading.begin();
        let is_whole = |position: &Position| matches!(position, Position::Whole { .. });
        let position = position
            .filter(|position| is_whole(position) == is_whole(&begin))
            .unwrap_or(begin);
        Self {
            client,
            reading,
            position,
            rests: false,
        }
    }

    /// None at the end of the last window; called again, it looks whether time
    /// has moved on.
    pub(crate) fn next(&mut self) -> Result<Option<SourceBatch>, Fault> {
        if std::mem::take(&mut self.rests) {
            return Ok(None);
        }
        if let Position::Between { next_s, rested } = self.position {
            let now_ms = self.client.now_ms();
            let Some(window) = self.reading.window(next_s, rested, now_ms) else {
                return Ok(None);
            };
            self.position = Position::Within {
                window,
                after: None,
            };
        }
        let (records, next) = self.page()?;
        self.rests = next.rests();
        self.position = next.clone();
        Ok(Some(SourceBatch {
            data: records.data,
            entries: records.entries,
            position: Some(next.to_bytes()),
        }))
    }

    /// The documents of the next page, and where to go on behind them.
    fn page(&self) -> Result<(Records, Position), Fault> {
        let reading = &self.reading;
        let columns = &reading.columns;
        let limit = reading.page_size;
        let filter = reading.filter(&self.position);
        let body = self.rows(&filter, 0, limit)?;
        let page = Page::read(&body, columns).map_err(|why| broken(&why, &body))?;
        let whole = page.len() < limit;
        let mut records = Records::default();
        let mut position = self.position.clone();
        let mut row = 0;
        while row < page.len() {
            let end = row + page.together(row, columns);
            let cut = !whole && columns.is_wide() && end == page.len();
            if cut && row > 0 {
                // The next page begins with it.
                return self.finish(records, position);
            }
            let id = id(page.cell(row, columns.id)).map_err(|why| broken(&why, &body))?;
            if cut {
                self.alone(&id, &mut records)?;
            } else {
                let done = page.append(columns, row, end, false, &mut records);
                done.map_err(|why| broken(&why, &body))?;
            }
            position = position.behind(id);
            row = end;
        }
        if whole {
            position = position.done();
        }
        self.finish(records, position)
    }

    fn finish(&self, records: Records, position: Position) -> Result<(Records, Position), Fault> {
        if !self.reading.view {
            return Ok((records, position));
        }
        let whole = view::documents(&self.client, &self.reading.form, records.entries)?;
        Ok((whole, position))
    }

    /// One document with all its rows; nothing where it has left the window.
    fn alone(&self, id: &str, records: &mut Records) -> Result<(), Fault> {
        let columns = &self.reading.columns;
        let filter = self.reading.filter_of(&self.position, id);
        for _ in 0..TRIES {
            let mut found = Records::default();
            let mut version = None;
            for start in (0..).step_by(MOST_ROWS) {
                let body = self.rows(&filter, start, MOST_ROWS)?;
                let page = Page::read(&body, columns).map_err(|why| broken(&why, &body))?;
                if page.len() > 0 {
                    let entry = page.entry(columns, 0).map_err(|why| broken(&why, &body))?;
                    let begun = version.is_some();
                    if version.get_or_insert_with(|| entry.version.clone()) != &entry.version {
                        // It changed in between: its pages do not fit together.
                        break;
                    }
                    page.append(columns, 0, page.len(), begun, &mut found)
                        .map_err(|why| broken(&why, &body))?;
                }
                if page.len() < MOST_ROWS {
                    if !records.data.is_empty() && !found.data.is_empty() {
                        records.data.push(b'\n');
                    }
                    records.data.append(&mut found.data);
                    records.entries.append(&mut found.entries);
                    return Ok(());
                }
            }
        }
        let reason = format!("document {id} changes while its rows are read");
        Err(Fault::unavailable(reason, None))
    }

    /// The body of one answer, a list of rows.
    fn rows(&self, filter: &str, start: usize, limit: usize) -> Result<Vec<u8>, Fault> {
        let reading = &self.reading;
        let query = Query {
            form: &reading.form.id,
            fields: &reading.keys,
            filter,
            order: &reading.order,
            start,
            limit,
        };
        let operation = match reading.named {
            true => "BillQuery",
            false => "ExecuteBillQuery",
        };
        match self.client.read(operation, None, query.text())? {
            reply::Told::Rows(body) => Ok(body),
            reply::Told::Failed(status) => {
                let message = status.message();
                if message.contains("不存在") {
                    let hint = "compare the form and its fields with the system";
                    return Err(Fault::invalid(
                        Problem::new("/pipeline", message).hint(hint),
                    ));
                }
                Err(blind(&status).into())
            }
        }
    }
}

fn broken(why: &str, body: &[u8]) -> Fault {
    Fault::broken(reply::not_understood(why, body))
}

/// An id as it stands in positions, JSON.
fn id(cell: &[u8]) -> Result<String, String> {
    if is_number(cell) {
        return Ok(String::from_utf8_lossy(cell).into_owned());
    }
    match text(cell).filter(|id| !id.is_empty()) {
        Some(id) => Ok(crate::tree::quote(&id)),
        None => Err("a row without an id".to_owned()),
    }
}

#[cfg(test)]
mod tests;
