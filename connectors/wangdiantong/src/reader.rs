//! Reads windows one after another, and each window's pages from the last to
//! the first: what leaves a window while it is read moves records to pages
//! that are still to come, never to pages that are behind. Pages that are read
//! at once are behind and to come alike, so page 0, which tells the total, is
//! read after all of them, and a window that shrank is read again page by page.

use std::collections::VecDeque;

use duijie_sdk::json::Page;
use duijie_sdk::{Fault, Network, SourceBatch, time};

use crate::access::{self, Argument, Call, Value};
use crate::answer::{self, Contents};
use crate::collection::Kind;
use crate::columns::Columns;
use crate::position::{Position, Within};
use crate::queue;
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
    /// Rows of a queue that were given last.
    given: Vec<String>,
}

impl<N: Network> Reader<N> {
    pub(crate) fn new(network: N, query: Query, position: Option<Position>) -> Self {
        let position = position.unwrap_or(Position::Between {
            next_s: query.start_s,
            rested: false,
        });
        Self {
            network,
            columns: Columns::of(&query.collection),
            query,
            position,
            ready: VecDeque::new(),
            rests: false,
            given: Vec::new(),
        }
    }

    /// None at the end of the last window; called again, it looks whether
    /// time has moved on.
    pub(crate) fn next(&mut self, ahead: u32) -> Result<Option<SourceBatch>, Fault> {
        if self.query.collection.kind == Kind::Queue {
            return queue::next(&self.network, &self.query, &self.columns, &mut self.given);
        }
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
        let next = match self.total(&contents)? {
            Some(total) if total > u64::from(page_size) => {
                self.position = Position::at_last_page(window, page_size, total);
                return Ok(());
            }
            Some(_) => Position::after(window),
            None => Position::forward(window, page_size, 1),
        };
        let batch = self.batch(contents.page, slice, next)?;
        self.ready.push_back(batch);
        self.go_on(next);
        Ok(())
    }

    /// Reads up to `ahead` pages at once, the highest first, and page 0 alone.
    /// Pages behind one that failed are dropped and read again; the fault is
    /// raised only when there is nothing to give before it.
    fn read_ahead(&mut self, within: Within, ahead: u32) -> Result<(), Fault> {
        let ahead = if within.singly { 1 } else { ahead };
        let ahead = u64::from(ahead.clamp(1, MAX_AHEAD));
        let pages: Vec<u64> = match within.forward {
            true => (within.page..within.page + ahead).collect(),
            // Page 0 tells the total and is read alone, after all others.
            false => (within.page.min(1)..=within.page)
                .rev()
                .take(ahead as usize)
                .collect(),
        };
        let slice = |page| Slice {
            window: within.window,
            page,
            page_size: within.page_size,
        };
        let slices: Vec<Slice> = pages.into_iter().map(slice).collect();
        let answers = self.fetch(&slices)?;
        for (slice, contents) in slices.into_iter().zip(answers) {
            // What was asked for behind the end of a window holds nothing.
            if !matches!(self.position, Position::Within(_)) {
                break;
            }
            let batch = contents.and_then(|contents| {
                let next = following(within, slice.page, &contents);
                Ok((self.batch(contents.page, slice, next)?, next))
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

    fn batch(
        &self,
        page: Option<Page>,
        slice: Slice,
        next: Position,
    ) -> Result<SourceBatch, Fault> {
        let place = || format!("page {} of {}", slice.page, self.query.told(slice.window));
        self.columns.batch(page, Some(next.to_bytes()), place)
    }

    fn go_on(&mut self, next: Position) {
        self.position = next;
        self.rests = matches!(next, Position::Between { rested: true, .. });
    }

    /// One result a slice, in order. The outer fault is about signing.
    fn fetch(&self, slices: &[Slice]) -> Result<Vec<Result<Contents, Fault>>, Fault> {
        let access = &self.query.access;
        let requests = slices
            .iter()
            .map(|slice| {
                let call = self.query.call(*slice);
                Ok(access.request(&self.network, &call)?.read())
            })
            .collect::<Result<Vec<_>, Fault>>()?;
        let answers = self.network.send_many(requests);
        if answers.len() != slices.len() {
            return Err(no_answer());
        }
        let list = self.query.side.list;
        Ok(slices
            .iter()
            .zip(answers)
            .map(|(slice, answer)| answer::read(access.dialect, list, slice.page, answer?))
            .collect())
    }

    /// None where page 0 is full and tells no total, as some of the lists that
    /// are read whole do: the pages are then read forward up to a short one.
    fn total(&self, contents: &Contents) -> Result<Option<u64>, Fault> {
        let found = contents.page.as_ref().map_or(0, Page::len);
        match contents.total {
            Some(total) => Ok(Some(total)),
            None if found < self.query.page_size as usize => Ok(Some(found as u64)),
            None if self.query.collection.kind == Kind::Whole => Ok(None),
            None => Err(Fault::broken(
                "page 0 is full and has no `total_count`, which tells how many pages follow",
            )),
        }
    }
}

/// One page of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    window: Window,
    page: u64,
    page_size: u32,
}

/// Answers wait in the guest's memory, half a megabyte each.
const MAX_AHEAD: u32 = 16;

impl Query {
    /// The window to open now. A run that follows a rest goes back by the
    /// overlap, but never before the start. Where everything is read each
    /// time, a window is a round, and its bounds are the round's number.
    pub(crate) fn window(&self, next_s: i64, rested: bool, now_ms: u64) -> Option<Window> {
        let Some(window_s) = self.window_s else {
            return Some(Window {
                from_s: next_s,
                to_s: next_s,
                last: true,
            });
        };
        let until_s = self.until_s(now_ms);
        if until_s <= next_s {
            return None;
        }
        let overlap_s = if rested { self.overlap_s } else { 0 };
        let from_s = next_s
            .saturating_sub(overlap_s)
            .max(self.start_s.min(next_s));
        Window::after(from_s, until_s, window_s)
    }

    /// A window, for people.
    pub(crate) fn told(&self, window: Window) -> String {
        match self.window_s {
            Some(_) => format!("{} {}", self.time_field, window.text()),
            None => "everything".to_owned(),
        }
    }

    fn call(&self, slice: Slice) -> Call {
        let mut arguments = Vec::with_capacity(self.filters.len() + 2);
        if self.window_s.is_some() {
            let (from, to) = self.side.bounds;
            let bounds = [(from, slice.window.from_s), (to, slice.window.to_s)];
            arguments.extend(bounds.map(|(name, at_s)| Argument {
                name,
                value: Value::Text(time::format(at_s)),
            }));
        }
        arguments.extend_from_slice(&self.filters);
        Call {
            method: self.collection.method(self.access.dialect, &self.side),
            arguments,
            page: Some(access::Page {
                number: slice.page,
                size: slice.page_size,
            }),
        }
    }
}

/// Where reading goes on after `page`. Page 0 comes last and tells the total
/// again. Had the window grown, records could have moved to pages behind; had
/// it shrunk, from a page to one that was read at once with it and served
/// before. Both are read once more from the new last page, the second page by
/// page, where what leaves does no harm.
fn following(within: Within, page: u64, contents: &Contents) -> Position {
    let Within {
        window, page_size, ..
    } = within;
    if within.forward {
        let found = contents.page.as_ref().map_or(0, Page::len);
        return match found < page_size as usize {
            true => Position::after(window),
            false => Position::forward(window, page_size, page + 1),
        };
    }
    if page > 0 {
        return Position::Within(Within {
            page: page - 1,
            ..within
        });
    }
    let again = |total, singly| match Position::at_last_page(window, page_size, total) {
        Position::Within(within) => Position::Within(Within { singly, ..within }),
        between => between,
    };
    match contents.total {
        Some(total) if total > within.total => again(total, within.singly),
        Some(total) if total < within.total && !within.singly => again(total, true),
        _ => Position::after(window),
    }
}

fn no_answer() -> Fault {
    Fault::other("the host gave fewer answers than requests")
}

#[cfg(test)]
mod tests;
