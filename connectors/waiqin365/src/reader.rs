//! Reads spans one after another, and the pages of each until they are whole.
//!
//! No answer tells how many records there are, no document says in which order
//! they come, and they come while documents change. A page shorter than was
//! asked for is the last. One page alone is one answer and cannot be torn. Of
//! several, a record can be passed over: where one before it leaves the span or
//! moves to its end, it slips from a page still to come to one already read.
//! Read from the last page to the first the same slip leads to a page still to
//! come; there it is what enters at the front that pushes a record behind the
//! reader. So the pages are read forward, which finds the last one, then back,
//! then forward again, until
//!
//! - a pass shows the same documents on the same pages as the pass before it:
//!   a record missed by both would have to slip twice, in opposite directions
//!   and in front of the same page, and every other page would tell; or
//! - where documents never stop coming: in four passes or more the last showed
//!   nothing that was not seen before.
//!
//! A span that is never so is not called read: the call fails and is tried
//! again. Only what is read whole each time anyway goes on after as many passes.
//! A page whose records were given before, byte for byte, is not given again.

use std::collections::BTreeSet;

use duijie_sdk::http::Request;
use duijie_sdk::json::{Field, Page, Record};
use duijie_sdk::{Change, Entry, Fault, Level, Network, SourceBatch, log};

use crate::call::{self, Client, SEED, hash};
use crate::operation::Query;
use crate::position::{Position, Within};
use crate::settings::Task;
use crate::window::{Span, Stamp};

/// Passes that have to be made before "nothing new" counts.
const ENOUGH: u32 = 4;
/// Passes after which a span is given up.
const MOST: u32 = 12;

pub(crate) struct Reader<N> {
    client: Client<N>,
    task: Task,
    columns: Columns,
    position: Position,
    /// The last span that could be read now was read.
    rests: bool,
    seen: Seen,
}

/// What the round in hand has shown; forgotten with the instance, which then
/// takes everything for new.
#[derive(Default)]
struct Seen {
    keys: BTreeSet<u64>,
    records: BTreeSet<u64>,
    /// Keys of the pass in hand that no pass showed before it.
    new: usize,
    /// Digest of the keys of the page before.
    page: u64,
}

impl<N: Network> Reader<N> {
    pub(crate) fn new(client: Client<N>, task: Task, position: Option<Position>) -> Self {
        let position = position.unwrap_or(Position::Between {
            next_s: task.start_s.unwrap_or_default(),
            rested: false,
            at_ms: 0,
        });
        Self {
            client,
            columns: Columns::of(&task.query),
            task,
            position,
            rests: false,
            seen: Seen::default(),
        }
    }

    /// One page. None at the end of the last span; called again, it looks
    /// whether time has moved on.
    pub(crate) fn next(&mut self) -> Result<Option<SourceBatch>, Fault> {
        if std::mem::take(&mut self.rests) {
            return Ok(None);
        }
        let within = match self.position {
            Position::Within(within) => within,
            Position::Between { next_s, rested, .. } => {
                let now_ms = self.client.network.now_ms();
                let Some((span, next_s, last)) = self.task.span(next_s, rested, now_ms) else {
                    return Ok(None);
                };
                self.seen = Seen::default();
                Within {
                    span,
                    stamp: Stamp::Create,
                    at_ms: now_ms,
                    next_s,
                    last,
                    page_size: self.task.page_size,
                    pass: 0,
                    page: 1,
                    digest: 0,
                    before: 0,
                }
            }
        };
        let request = self.request(&within)?;
        let page = call::records(self.client.network.send(request)?)?;
        self.take(within, page).map(Some)
    }

    fn request(&self, within: &Within) -> Result<Request, Fault> {
        let query = &self.task.query;
        let dates = within.span.filters(query.dates, within.stamp);
        let dates = dates.iter().map(|(name, value)| (*name, value.as_str()));
        let filters = self.task.filters.iter();
        let filters = filters.map(|(name, value)| (name.as_str(), value.as_str()));
        let body = query.body(within.page, within.page_size, dates.chain(filters));
        Ok(self.client.request(query.operation.path, body)?.read())
    }

    /// Makes a batch of a page, and moves on.
    fn take(&mut self, within: Within, page: Option<Page>) -> Result<SourceBatch, Fault> {
        let mut entries = Vec::new();
        let mut shown = Shown::default();
        if let Some(page) = &page {
            entries.reserve(page.len());
            for (index, record) in page.records().enumerate() {
                let entry = self.columns.entry(record).map_err(|name| {
                    let (number, text) = (within.page, within.span.text(within.stamp));
                    Fault::broken(format!(
                        "record {index} of page {number} of {text} has no `{name}`"
                    ))
                })?;
                shown.add(&entry.key, record.bytes());
                entries.push(entry);
            }
        }
        let Some(next) = self.following(within, &shown)? else {
            // Read anew from its first page; the time makes other positions of it.
            self.position = Position::Within(Within {
                at_ms: self.client.network.now_ms().max(within.at_ms + 1),
                ..first_page(within, within.stamp)
            });
            self.seen = Seen::default();
            let text = within.span.text(within.stamp);
            let advice = "set a larger `page_size` or a shorter `window`";
            let message = format!("{text} moved while it was read, {MOST} times over: {advice}");
            return Err(Fault::unavailable(message, None));
        };
        let fresh = self.seen.add(&shown);
        self.move_on(within, next);
        if !fresh {
            entries.clear();
        }
        Ok(SourceBatch {
            data: page.filter(|_| fresh).map(lines).unwrap_or_default(),
            entries,
            position: Some(next.to_bytes()),
        })
    }

    fn move_on(&mut self, within: Within, next: Position) {
        match next {
            Position::Within(to) if to.stamp != within.stamp => self.seen = Seen::default(),
            Position::Within(to) if to.pass != within.pass => {
                self.seen.new = 0;
                self.seen.page = 0;
            }
            Position::Within(_) => {}
            Position::Between { rested, .. } => self.rests = rested,
        }
        self.position = next;
    }

    /// Where reading goes on after a page; none where the span never stands
    /// still.
    fn following(&self, within: Within, shown: &Shown) -> Result<Option<Position>, Fault> {
        let size = within.page_size as usize;
        let records = shown.marks.len();
        let forward = within.pass.is_multiple_of(2);
        // A system that does not know the page's number gives the first again.
        let beyond = records == 0 || (size == 0 && forward && shown.keys == self.seen.page);
        let short = beyond || records < size;
        if forward && within.page == 1 && (beyond || (short && size > 0)) {
            return Ok(Some(finished(within)));
        }
        // Pages beyond the last one do not count: one way only comes by them.
        let digest = if beyond {
            within.digest
        } else {
            let page = hash(shown.keys, &within.page.to_le_bytes());
            within.digest.wrapping_add(page)
        };
        let to = |page| {
            Position::Within(Within {
                page,
                digest,
                ..within
            })
        };
        if forward && !short {
            let page = within.page.checked_add(1);
            return Ok(Some(to(
                page.ok_or_else(|| Fault::broken("pages without an end"))?
            )));
        }
        if !forward && within.page > 1 {
            return Ok(Some(to(within.page - 1)));
        }
        let last = within.page - u32::from(beyond && within.page > 1);
        Ok(self.after_pass(within, digest, if forward { last } else { 1 }, shown))
    }

    /// At the end of a pass. The next one begins at `page`.
    fn after_pass(
        &self,
        within: Within,
        digest: u64,
        page: u32,
        shown: &Shown,
    ) -> Option<Position> {
        let passes = within.pass + 1;
        let equal = passes > 1 && digest == within.before;
        let calm = passes >= ENOUGH && self.seen.new + self.seen.unseen(shown) == 0;
        if equal || calm {
            return Some(finished(within));
        }
        if passes < MOST {
            return Some(Position::Within(Within {
                pass: passes,
                page,
                digest: 0,
                before: digest,
                ..within
            }));
        }
        if within.span != Span::Whole {
            return None;
        }
        let message = format!("the records moved while they were read, {MOST} times over");
        log(Level::Warn, &message);
        Some(finished(within))
    }
}

/// A line a record, beginning with it: blanks before some would make the same
/// record look changed when it comes in another place of a page.
#[allow(clippy::needless_pass_by_value)] // The page ends here.
fn lines(page: Page) -> Vec<u8> {
    let length = page.records().map(|record| record.bytes().len() + 1).sum();
    let mut lines = Vec::with_capacity(length);
    for record in page.records() {
        if !lines.is_empty() {
            lines.push(b'\n');
        }
        let bytes = record.bytes().iter();
        lines.extend(bytes.map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
    }
    lines
}

/// The first page of the first pass of a span by one stamp.
fn first_page(within: Within, stamp: Stamp) -> Within {
    Within {
        stamp,
        pass: 0,
        page: 1,
        digest: 0,
        before: 0,
        ..within
    }
}

/// After a span was read by one stamp: the other one, or the next span.
fn finished(within: Within) -> Position {
    match within.span.next_stamp(within.stamp) {
        Some(stamp) => Position::Within(first_page(within, stamp)),
        None => Position::Between {
            next_s: within.next_s,
            rested: within.last,
            at_ms: within.at_ms,
        },
    }
}

/// What a page shows.
struct Shown {
    /// Digest of the keys in their order.
    keys: u64,
    /// Digests of key and of whole record, one a record.
    marks: Vec<(u64, u64)>,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            keys: SEED,
            marks: Vec::new(),
        }
    }
}

impl Shown {
    fn add(&mut self, key: &str, record: &[u8]) {
        self.keys = hash(hash(self.keys, key.as_bytes()), b"\n");
        let key = hash(SEED, key.as_bytes());
        self.marks.push((key, hash(key, record)));
    }
}

impl Seen {
    /// Whether something of it was not seen before.
    fn add(&mut self, shown: &Shown) -> bool {
        let mut fresh = false;
        self.page = shown.keys;
        for (key, record) in &shown.marks {
            self.new += usize::from(self.keys.insert(*key));
            fresh |= self.records.insert(*record);
        }
        fresh
    }

    fn unseen(&self, shown: &Shown) -> usize {
        let marks = shown.marks.iter();
        marks.filter(|(key, _)| !self.keys.contains(key)).count()
    }
}

/// The fields that become a record's entry.
struct Columns {
    key: Vec<(&'static str, Field)>,
    version: Option<Field>,
    status: Field,
}

impl Columns {
    fn of(query: &Query) -> Self {
        Self {
            key: query
                .key
                .split(',')
                .map(|name| (name, Field::new(name)))
                .collect(),
            version: Some(query.version)
                .filter(|name| !name.is_empty())
                .map(Field::new),
            status: Field::new("status"),
        }
    }

    /// The error is the name of the key field that is missing. Ids of 19 digits
    /// come as text and as numbers; their digits are the same.
    fn entry(&self, record: Record<'_>) -> Result<Entry, &'static str> {
        let mut key = String::new();
        for (name, field) in &self.key {
            let text = text(record, field).ok_or(*name)?;
            if !key.is_empty() {
                key.push('/');
            }
            key.push_str(&text);
        }
        let version = self.version.as_ref().and_then(|field| text(record, field));
        let mut entry = Entry::upsert(key, version);
        if text(record, &self.status).is_some_and(|status| status == "0") {
            entry.change = Change::Delete;
        }
        Ok(entry)
    }
}

/// A field that is there and not empty.
pub(crate) fn text(record: Record<'_>, field: &Field) -> Option<String> {
    let raw = record.field(field).filter(|raw| !raw.is_null())?;
    let text = raw.text().ok()?;
    (!text.is_empty()).then(|| text.into_owned())
}

#[cfg(test)]
mod tests;
