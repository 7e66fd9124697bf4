//! Reads windows one after another, and each window's pages from the last to
//! the first: what leaves a window while it is read moves records to pages
//! that are still to come, never to pages that are behind. Pages that are read
//! at once are behind and to come alike, so page 0, which tells the total, is
//! read after all of them, and a window that shrank is read again page by page.

use std::collections::VecDeque;

use duijie_sdk::json::{Field, Page, Record};
use duijie_sdk::{Entry, Fault, Network, SourceBatch};

use crate::answer::{self, Contents};
use crate::collection::Collection;
use crate::dialect::Slice;
use crate::position::{Position, Within};
use crate::settings::Query;
use crate::window::Window;

pub(crate) struct Reader<N> {
    network: N,
    query: Query,
    columns: Columns,
    /// What the next request follows from; batches in `ready` come before.
    position: Position,
    /// Batches that were read ahead, in order.
    ready: VecDeque<SourceBatch>,
    /// The last window that could be read now was read.
    rests: bool,
}

impl<N: Network> Reader<N> {
    pub(crate) fn new(network: N, query: Query, position: Option<Position>) -> Self {
        let position = position.unwrap_or(Position::Between {
            next_s: query.start_s,
            rested: false,
        });
        Self {
            network,
            columns: Columns::of(query.collection),
            query,
            position,
            ready: VecDeque::new(),
            rests: false,
        }
    }

    /// None at the end of the last window; called again, it looks whether
    /// time has moved on.
    pub(crate) fn next(&mut self, ahead: u32) -> Result<Option<SourceBatch>, Fault> {
        if self.ready.is_empty() {
            if std::mem::take(&mut self.rests) {
                return Ok(None);
            }
            match self.position {
                Position::Between { next_s, rested } => {
                    let now_ms = self.network.now_ms();
                    let Some(window) = self.query.window(next_s, rested, now_ms) else {
                        return Ok(None);
                    };
                    self.enter(window)?;
                }
                Position::Within(_) => {}
            }
            if let (true, Position::Within(within)) = (self.ready.is_empty(), self.position) {
                self.read_ahead(within, ahead)?;
            }
        }
        Ok(self.ready.pop_front())
    }

    /// Reads page 0, which alone tells the total. It is used at once when it
    /// is the only page, and read again in its turn otherwise.
    fn enter(&mut self, window: Window) -> Result<(), Fault> {
        let page_size = self.query.page_size;
        let slice = Slice {
            window,
            page: 0,
            page_size,
        };
        let contents = self
            .fetch(&[slice])?
            .pop()
            .unwrap_or_else(|| Err(no_answer()))?;
        let total = total(&contents, page_size)?;
        if total > u64::from(page_size) {
            self.position = Position::at_last_page(window, page_size, total);
            return Ok(());
        }
        let next = Position::after(window);
        let batch = self.columns.batch(contents.page, slice, next)?;
        self.ready.push_back(batch);
        self.go_on(next);
        Ok(())
    }

    /// Reads up to `ahead` pages at once, the highest first, and page 0 alone.
    /// Pages behind one that failed are dropped and read again; the fault is
    /// raised only when there is nothing to give before it.
    fn read_ahead(&mut self, within: Within, ahead: u32) -> Result<(), Fault> {
        let ahead = if within.singly { 1 } else { ahead };
        let slices: Vec<Slice> = (within.page.min(1)..=within.page)
            .rev()
            .take(ahead.clamp(1, MAX_AHEAD) as usize)
            .map(|page| Slice {
                window: within.window,
                page,
                page_size: within.page_size,
            })
            .collect();
        let answers = self.fetch(&slices)?;
        for (slice, contents) in slices.into_iter().zip(answers) {
            let batch = contents.and_then(|contents| {
                let next = following(within, slice.page, contents.total);
                Ok((self.columns.batch(contents.page, slice, next)?, next))
            });
            match batch {
                Ok((batch, next)) => {
                    self.ready.push_back(batch);
                    self.go_on(next);
                }
                Err(fault) if self.ready.is_empty() => return Err(fault),
                Err(_) => break,
            }
        }
        Ok(())
    }

    fn go_on(&mut self, next: Position) {
        self.position = next;
        self.rests = matches!(next, Position::Between { rested: true, .. });
    }

    /// One result a slice, in order. The outer fault is about signing.
    fn fetch(&self, slices: &[Slice]) -> Result<Vec<Result<Contents, Fault>>, Fault> {
        let dialect = self.query.dialect;
        let requests = slices
            .iter()
            .map(|slice| dialect.request(&self.network, &self.query, *slice))
            .collect::<Result<Vec<_>, Fault>>()?;
        let answers = self.network.send_many(requests);
        if answers.len() != slices.len() {
            return Err(no_answer());
        }
        let collection = self.query.collection;
        Ok(slices
            .iter()
            .zip(answers)
            .map(|(slice, answer)| answer::read(dialect, collection, slice.page, answer?))
            .collect())
    }
}

/// Answers wait in the guest's memory, half a megabyte each.
const MAX_AHEAD: u32 = 16;

impl Query {
    /// The window to open now. A run that follows a rest goes back by the
    /// overlap, but never before the start.
    pub(crate) fn window(&self, next_s: i64, rested: bool, now_ms: u64) -> Option<Window> {
        let until_s = self.until_s(now_ms);
        if until_s <= next_s {
            return None;
        }
        let overlap_s = if rested { self.overlap_s } else { 0 };
        let from_s = next_s
            .saturating_sub(overlap_s)
            .max(self.start_s.min(next_s));
        Window::after(from_s, until_s, self.window_s)
    }
}

/// Where reading goes on after `page`. Page 0 comes last and tells the total
/// again. Had the window grown, records could have moved to pages behind; had
/// it shrunk, from a page to one that was read at once with it and served
/// before. Both are read once more from the new last page, the second page by
/// page, where what leaves does no harm.
fn following(within: Within, page: u64, total: Option<u64>) -> Position {
    if page > 0 {
        return Position::Within(Within {
            page: page - 1,
            ..within
        });
    }
    let Within {
        window, page_size, ..
    } = within;
    let again = |total, singly| match Position::at_last_page(window, page_size, total) {
        Position::Within(within) => Position::Within(Within { singly, ..within }),
        between => between,
    };
    match total {
        Some(total) if total > within.total => again(total, within.singly),
        Some(total) if total < within.total && !within.singly => again(total, true),
        _ => Position::after(window),
    }
}

fn total(contents: &Contents, page_size: u32) -> Result<u64, Fault> {
    let found = contents.page.as_ref().map_or(0, Page::len);
    match contents.total {
        Some(total) => Ok(total),
        None if found < page_size as usize => Ok(found as u64),
        None => Err(Fault::broken(
            "page 0 is full and has no `total_count`, which tells how many pages follow",
        )),
    }
}

fn no_answer() -> Fault {
    Fault::other("the host gave fewer answers than requests")
}

/// The fields that become a record's entry.
struct Columns {
    key: Vec<(&'static str, Field)>,
    version: Field,
}

impl Columns {
    fn of(collection: &Collection) -> Self {
        Self {
            key: collection
                .key
                .iter()
                .map(|&name| (name, Field::new(name)))
                .collect(),
            version: Field::new(collection.version),
        }
    }

    fn batch(
        &self,
        page: Option<Page>,
        slice: Slice,
        next: Position,
    ) -> Result<SourceBatch, Fault> {
        let mut entries = Vec::new();
        let mut near = 0;
        if let Some(page) = &page {
            entries.reserve(page.len());
            for (index, record) in page.records().enumerate() {
                entries.push(self.entry(record, index, slice, &mut near)?);
            }
        }
        Ok(SourceBatch {
            data: page.map(Page::into_lines).unwrap_or_default(),
            entries,
            position: Some(next.to_bytes()),
        })
    }

    fn entry(
        &self,
        record: Record<'_>,
        index: usize,
        slice: Slice,
        near: &mut usize,
    ) -> Result<Entry, Fault> {
        let mut key = String::new();
        for (name, field) in &self.key {
            let text = record
                .field(field)
                .filter(|raw| !raw.is_null())
                .map(|raw| raw.text());
            let Some(Ok(text)) =
                text.filter(|text| text.as_ref().is_ok_and(|text| !text.is_empty()))
            else {
                let Slice { page, window, .. } = slice;
                return Err(Fault::broken(format!(
                    "record {index} of page {page} of {} has no `{name}`",
                    window.text()
                )));
            };
            if !key.is_empty() {
                key.push('/');
            }
            key.push_str(&text);
        }
        let version = record
            .field_near(&self.version, near)
            .filter(|raw| !raw.is_null())
            .and_then(|raw| raw.text().ok())
            .map(std::borrow::Cow::into_owned);
        Ok(Entry::upsert(key, version))
    }
}

#[cfg(test)]
mod tests;
