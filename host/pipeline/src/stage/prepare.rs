//! From a source batch to chunks: what is new, mapped, keyed and cut. Runs in
//! source order, one batch at a time.

use std::ops::Range;
use std::sync::Arc;

use duijie_record::{Change, RecordBatch, RecordEntry, SourceKey};
use duijie_store::{Fingerprint, LedgerRow};
use tokio::sync::{mpsc, oneshot};

use crate::Error;
use crate::chaos::{Guard, is_off};
use crate::flight::{Flight, Underway};
use crate::options::Context;
use crate::page::Page;
use crate::recover;
use crate::replay::Wish;
use crate::report::Counts;
use crate::stage::chunk::{Chunk, cut};
use crate::stage::decide::{Fate, fate, print, winners};
use crate::stage::evidence::lay_aside;
use crate::stage::group::Grouper;
use crate::stage::map::Mapper;
use crate::stage::settle::Message;
use crate::stage::source::Lined;

mod assemble;
mod known;
mod parked;
mod rest;
mod way;
mod wished;

use assemble::{Assembled, Assembly, Source, waits};
pub(crate) use parked::{HoldKinds, last_rejection, refused};
pub(crate) use way::Way;

pub(crate) struct Preparer {
    pub(crate) context: Arc<Context>,
    pub(crate) flight: Arc<Flight>,
    pub(crate) pages: mpsc::Receiver<Lined>,
    pub(crate) chunks: mpsc::Sender<Chunk>,
    pub(crate) settler: mpsc::Sender<Message>,
    pub(crate) begin: oneshot::Sender<()>,
}

/// A record that is new or newer.
pub(crate) struct Work {
    /// Its place in the source batch.
    pub(crate) index: usize,
    pub(crate) source_key: SourceKey,
    pub(crate) print: Fingerprint,
    pub(crate) row: Option<LedgerRow>,
    /// Dealt with before, and tried again though it has not changed.
    pub(crate) again: bool,
    /// What a person wants of it, in a replay.
    pub(crate) wish: Option<Wish>,
}

impl Preparer {
    pub(crate) async fn run(self) -> Result<(), Error> {
        let Self {
            context,
            flight,
            mut pages,
            chunks,
            settler,
            begin,
        } = self;
        recover::send(&context, &chunks).await?;
        if context.halt.is_stopped() {
            return Ok(());
        }
        let mut grouper = Grouper::start(&context)?;
        let mut way = Way {
            context: &context,
            flight: &flight,
            mapper: Mapper::start(&context).await?,
            chunks: &chunks,
            settler: &settler,
            number: 0,
        };
        if let Some(grouper) = &mut grouper
            && !grouper.begin(&mut way).await?
        {
            return Ok(());
        }
        if begin.send(()).is_err() {
            return Ok(());
        }
        while let Some(lined) = pages.recv().await {
            let goes_on = match &mut grouper {
                None => way.go(lined).await?,
                Some(grouper) => grouper.take(lined, &mut way).await?,
            };
            if !goes_on {
                return Ok(());
            }
        }
        if let Some(grouper) = &mut grouper
            && context.source_ended.get().is_some()
        {
            grouper.end(&mut way).await?;
        }
        Ok(())
    }
}

/// A record in the batch, and its fingerprint.
type Todo<'batch> = (usize, &'batch RecordEntry, Fingerprint);

/// The way of one batch.
pub(crate) struct Step<'run> {
    pub(crate) context: &'run Context,
    pub(crate) flight: &'run Flight,
    /// Of the page that it becomes.
    pub(crate) number: u64,
}

impl Step<'_> {
    /// `None` when the run halted before the batch could begin.
    pub(crate) async fn page(
        &self,
        mapper: &mut Mapper,
        lined: Lined,
    ) -> Result<Option<(Message, Vec<Chunk>)>, Error> {
        let Lined {
            mut batch,
            lines,
            wishes,
            guard,
        } = lined;
        let since_ms = self.context.now_ms();
        // The records of a group were counted when they were read.
        let grouped = self.context.plan().group.is_some() && wishes.is_empty();
        let mut owed = Vec::new();
        let mut counts = Counts {
            read: match grouped {
                true => 0,
                false => u64::try_from(batch.entries.len()).unwrap_or(u64::MAX),
            },
            ..Counts::default()
        };
        let work = match wishes.is_empty() {
            true => self.newer(&batch, &lines, &mut counts, &mut owed).await?,
            false => self.picked(&batch, wishes).await?,
        };
        let Some(work) = work else {
            return Ok(None);
        };
        let mut assembled = Assembled::default();
        let position = batch.position.take();
        let mut chunks = Vec::new();
        if !work.is_empty() {
            let (made, data, count) = self.made(mapper, batch, &lines, work).await?;
            assembled = made;
            if !self.take_off(&assembled).await {
                return Ok(None);
            }
            let target = &self.context.plan().target;
            chunks = cut(
                data,
                count,
                std::mem::take(&mut assembled.sendings),
                target.max_records.max(1),
                target.max_bytes,
            );
        }
        let page = Page {
            number: self.number,
            position,
            waiting: assembled.waiting(),
            since_ms,
            records: assembled.records,
            guard,
        };
        counts.add(&assembled.counts);
        owed.extend(assembled.changes);
        let message = Message::Page(page, owed, counts);
        Ok(Some((message, chunks)))
    }

    /// What is made of the records, and the lines of their documents with how
    /// many there are.
    async fn made(
        &self,
        mapper: &mut Mapper,
        mut batch: RecordBatch,
        lines: &[Range<usize>],
        work: Vec<Work>,
    ) -> Result<(Assembled, Vec<u8>, usize), Error> {
        let laid = lay_aside(self.context, &batch.data)?;
        let mut upserts = upserts(self.context, &batch, &work);
        let whole = upserts.len() == batch.entries.len() && !wished::any(&work);
        let mut filtered = (!whole).then(|| filter(&batch, lines, &work, &upserts));
        let input = filtered.as_mut().unwrap_or(&mut batch);
        let mut documents = mapper.map(input).await?;
        wished::add_ready(&mut documents, &mut upserts, &work);
        let source = Source {
            // Without transforms the records themselves are the documents.
            data: match whole && batch.data.is_empty() {
                true => &documents.data,
                false => &batch.data,
            },
            lines,
        };
        let mut assembly = Assembly::new(self.context, self.number, source);
        assembly.begin(&batch, laid.as_ref(), work);
        assembly.rejected(documents.rejected, &upserts);
        assembly.documents(
            &documents.data,
            &documents.spans,
            documents.origins,
            &upserts,
        )?;
        assembly.cancels()?;
        assembly.rest(&batch)?;
        Ok((assembly.made, documents.data, documents.spans.len()))
    }

    /// The records that neither the ledger nor what is on its way has dealt
    /// with. A newer version of a record that is on its way waits for it;
    /// `None` when the run halted in the meantime.
    async fn newer(
        &self,
        batch: &RecordBatch,
        lines: &[Range<usize>],
        counts: &mut Counts,
        owed: &mut Vec<duijie_store::Change>,
    ) -> Result<Option<Vec<Work>>, Error> {
        let entries = &batch.entries;
        let wins = winners(
            entries
                .iter()
                .map(|entry| (&entry.key, entry.version.as_ref())),
        );
        let mut todo = Vec::with_capacity(entries.len());
        for (index, (entry, span)) in entries.iter().zip(lines).enumerate() {
            let lost = wins
                .as_ref()
                .is_some_and(|wins| wins.get(index) == Some(&false));
            if lost {
                owed.extend(self.superseded(batch, entry));
                counts.dropped += 1;
                continue;
            }
            let line = batch.data.get(span.clone()).unwrap_or_default();
            todo.push((index, entry, print(line, entry.change)));
        }
        let free = self.flight.wait(&self.context.halt, |keys| {
            let mut free = true;
            todo.retain(|(_, entry, print)| {
                let Some(underway) = keys.records.get(&entry.key) else {
                    return true;
                };
                let fate = fate(
                    (underway.version.as_ref(), underway.print),
                    (entry.version.as_ref(), *print),
                    entry.change,
                );
                free &= fate != Fate::Newer || is_off(Guard::OneIntentPerKey);
                note(fate, counts)
            });
            free
        });
        if !free.await {
            return Ok(None);
        }
        Ok(Some(self.unknown_to_ledger(todo, counts, owed)?))
    }

    fn unknown_to_ledger(
        &self,
        todo: Vec<Todo<'_>>,
        counts: &mut Counts,
        owed: &mut Vec<duijie_store::Change>,
    ) -> Result<Vec<Work>, Error> {
        let keys: Vec<SourceKey> = todo.iter().map(|(_, entry, _)| entry.key.clone()).collect();
        let rows = self.context.ledger(&keys)?;
        let mut work = Vec::with_capacity(todo.len());
        for (((index, entry, print), source_key), row) in todo.into_iter().zip(keys).zip(rows) {
            let row = row.filter(|_| !is_off(Guard::LedgerDedup));
            let mut again = false;
            let fate = match &row {
                None => Fate::Newer,
                Some(row) => {
                    let known = (row.version.as_ref(), row.source_print);
                    match fate(known, (entry.version.as_ref(), print), entry.change) {
                        Fate::Unchanged if self.context.tries_again(row)? => {
                            again = true;
                            Fate::Newer
                        }
                        fate => fate,
                    }
                }
            };
            owed.extend(self.known(entry, fate, row.as_ref()));
            if note(fate, counts) {
                work.push(Work {
                    index,
                    source_key,
                    print,
                    row,
                    again,
                    wish: None,
                });
            }
        }
        Ok(work)
    }

    /// Takes the keys of everything that is about to be sent; waits for those
    /// that others hold. False when the run halted in the meantime.
    async fn take_off(&self, assembled: &Assembled) -> bool {
        let landed = self.flight.wait(&self.context.halt, |keys| {
            let mut sendings = assembled.sendings.iter();
            let taken = sendings.any(|sending| keys.documents.contains(&sending.entry.target_key));
            if taken && !is_off(Guard::OneIntentPerKey) {
                return false;
            }
            for record in &assembled.records {
                let underway = Underway {
                    version: record.version.clone(),
                    print: record.print,
                };
                keys.records.insert(record.source_key.clone(), underway);
            }
            for sending in &assembled.sendings {
                keys.documents.insert(sending.entry.target_key.clone());
            }
            true
        });
        landed.await
    }
}

/// Counts a record that needs nothing; true for one that does.
fn note(fate: Fate, counts: &mut Counts) -> bool {
    match fate {
        Fate::Unchanged => counts.unchanged += 1,
        Fate::Stale => counts.dropped += 1,
        Fate::Newer => return true,
    }
    false
}

/// Which of `work` goes through the transforms. A deletion does not: it may
/// come with little more than its key. Nor does what waits for a person.
fn upserts(context: &Context, batch: &RecordBatch, work: &[Work]) -> Vec<usize> {
    let is_upsert = |work: &Work| {
        let entry = batch.entries.get(work.index);
        let mapped = work.wish.as_ref().is_none_or(Wish::maps);
        let upsert = entry.is_some_and(|entry| entry.change == Change::Upsert);
        upsert && mapped && !waits(context, work)
    };
    let numbered = work.iter().enumerate();
    let upserts = numbered.filter(|(_, work)| is_upsert(work));
    upserts.map(|(place, _)| place).collect()
}

/// The batch that is left when only some records go on.
fn filter(
    batch: &RecordBatch,
    lines: &[Range<usize>],
    work: &[Work],
    upserts: &[usize],
) -> RecordBatch {
    let mut filtered = RecordBatch {
        data: Vec::new(),
        entries: Vec::with_capacity(upserts.len()),
        position: None,
    };
    for work in upserts.iter().filter_map(|place| work.get(*place)) {
        let span = lines.get(work.index).cloned();
        let line = span.and_then(|span| batch.data.get(span));
        let edited = work.wish.as_ref().and_then(Wish::edited);
        let line = edited.or(line).unwrap_or_default();
        filtered.data.extend_from_slice(line);
        filtered.data.push(b'\n');
        filtered
            .entries
            .extend(batch.entries.get(work.index).cloned());
    }
    filtered
}
