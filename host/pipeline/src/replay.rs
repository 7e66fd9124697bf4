//! A source inside the pipeline: the records of dead letters and holds that a
//! person picked. They go the way of all records, with a wish beside each.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use duijie_record::{Change, RecordBatch, RecordEntry, RunId, SourceKey, TargetKey, Version};
use duijie_store::{Fingerprint, RunRow};
use tokio::sync::mpsc;

use crate::chaos::{Point, reach};
use crate::error::Left;
use crate::options::Context;
use crate::purpose::{Pick, Purpose, What};
use crate::stage::source::Lined;
use crate::{Error, Event};

mod member;
mod pick;

use pick::{Gathered, Picking};

/// What is to become of a record that was picked.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// Of the record as its source gave it, whatever was written in its place.
    pub(crate) print: Fingerprint,
    /// Whether nobody knows the record's line any more.
    pub(crate) is_lost: bool,
    pub(crate) wants: Wants,
}

#[derive(Debug, Clone)]
pub(crate) enum Wants {
    /// The record is mapped again.
    Map {
        /// What a person wrote in place of the record.
        edited: Option<Vec<u8>>,
        /// These of its documents are sent, and the others stay as they are;
        /// `None` decides about all of them as of a record that was
        /// read just now.
        parts: Option<HashSet<String>>,
    },
    /// These documents are sent as they are, and nothing is mapped.
    Send(Vec<Ready>),
    /// The record joins its group, or a part of its own where that was sent.
    Join {
        /// What a person wrote in place of the record.
        edited: Option<Vec<u8>>,
    },
}

/// A document that needs no transform.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) part: String,
    pub(crate) does: Does,
    /// Where it is known.
    pub(crate) target_id: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum Does {
    Send(Vec<u8>),
    Cancel(TargetKey),
}

impl Wish {
    /// Whether the record goes through the transforms.
    pub(crate) fn maps(&self) -> bool {
        matches!(self.wants, Wants::Map { .. })
    }

    /// Whether it joins a group.
    pub(crate) fn joins(&self) -> bool {
        matches!(self.wants, Wants::Join { .. })
    }

    /// Whether only some of its documents go on.
    pub(crate) fn keeps(&self) -> bool {
        !matches!(self.wants, Wants::Map { parts: None, .. })
    }

    /// What a person wrote in place of the record.
    pub(crate) fn edited(&self) -> Option<&[u8]> {
        match &self.wants {
            Wants::Map { edited, .. } | Wants::Join { edited } => edited.as_deref(),
            Wants::Send(_) => None,
        }
    }

    /// The documents that are sent as they are or cancelled.
    pub(crate) fn ready(&self) -> &[Ready] {
        match &self.wants {
            Wants::Map { .. } | Wants::Join { .. } => &[],
            Wants::Send(ready) => ready,
        }
    }

    /// Whether this document of the record is to be sent, whatever the policy
    /// says of changes; `None` leaves it to the policy.
    pub(crate) fn sends(&self, part: &str) -> Option<bool> {
        match &self.wants {
            Wants::Map { parts: None, .. } | Wants::Join { .. } => None,
            Wants::Map {
                parts: Some(parts), ..
            } => Some(parts.contains(part)),
            Wants::Send(ready) => Some(ready.iter().any(|one| one.part == part)),
        }
    }
}

/// What ends the code of a dead letter that a transform refused for now, where
/// it may read tables: runs try it again once these have changed.
pub(crate) const LATER: &str = ".later";

/// The dead letters that a transform may no longer refuse. What a person has
/// edited is left to that person.
fn due(context: &Context) -> Result<Vec<Pick>, Error> {
    let live = matches!(context.options.purpose, Purpose::Live);
    if !live || context.tables.is_empty() {
        return Ok(Vec::new());
    }
    let (store, scope) = (&context.options.store, &context.plan().scope);
    let mut changed: HashMap<RunId, bool> = HashMap::new();
    let mut picks = Vec::new();
    for letter in store.dead_letters(scope)? {
        let waits = letter.document.is_none() && letter.edited.is_none();
        if !waits || !letter.code.ends_with(LATER) || letter.record.is_empty() {
            continue;
        }
        let changed = match changed.get(&letter.run) {
            Some(known) => *known,
            None => {
                let run = store.run(scope, &letter.run)?;
                let same = |run: RunRow| context.tables.are_those_of(&run.components);
                let is_changed = !run.is_some_and(same);
                changed.insert(letter.run.clone(), is_changed);
                is_changed
            }
        };
        let pick = Pick {
            source_key: letter.source_key,
            part: letter.part,
            what: What::Again,
        };
        picks.extend(changed.then_some(pick));
    }
    Ok(picks)
}

/// Gives the stages what has waited for a table, before anything is read.
/// False when the run halted in the meantime. Only live runs have any.
pub(crate) async fn read_due(
    context: &Context,
    pages: &mpsc::Sender<Lined>,
) -> Result<bool, Error> {
    let picks = due(context)?;
    if picks.is_empty() {
        return Ok(true);
    }
    // What cannot be tried again stays where it is.
    let _left = given(context, &picks, pages).await?;
    Ok(!context.halt.is_stopped() && !pages.is_closed())
}

/// A picked record on its way into a batch.
struct Job {
    source_key: SourceKey,
    version: Option<Version>,
    /// The source's line; empty where it is no longer known.
    line: Vec<u8>,
    wish: Wish,
}

/// Gives the picked records to the stages; tells in the end what could not be
/// given.
pub(crate) async fn read(
    context: &Context,
    picks: &[Pick],
    pages: mpsc::Sender<Lined>,
) -> Result<(), Error> {
    match given(context, picks, &pages).await? {
        left if left.is_empty() => Ok(()),
        left => Err(Error::NotReplayed { left }),
    }
}

/// Answers what could not be given; nothing where the run halted.
async fn given(
    context: &Context,
    picks: &[Pick],
    pages: &mpsc::Sender<Lined>,
) -> Result<Vec<Left>, Error> {
    let mut gathered = Gathered::default();
    Picking::begin(context, picks)?.gather(picks, &mut gathered);
    // Nothing was given yet: the first to say so is the only one.
    let _first = context.resent.set(std::mem::take(&mut gathered.resent));
    reach(Point::DuringReplay);
    let page_records = usize::try_from(context.plan().policy.page_records.max(1));
    let page_records = page_records.unwrap_or(usize::MAX);
    // A batch has each key once: a record that is mapped and of which something
    // else is sent as it is comes twice.
    for jobs in [gathered.join, gathered.map, gathered.send] {
        let mut jobs = jobs.into_iter().peekable();
        while jobs.peek().is_some() {
            let lined = batch(jobs.by_ref().take(page_records));
            let records = lined.batch.entries.len();
            let sent = tokio::select! {
                biased;
                () = context.halt.stopped() => return Ok(Vec::new()),
                sent = pages.send(lined) => sent,
            };
            if sent.is_err() {
                return Ok(Vec::new());
            }
            context.options.observer.event(Event::Read { records });
        }
    }
    Ok(gathered.left)
}

fn batch(jobs: impl Iterator<Item = Job>) -> Lined {
    let mut batch = RecordBatch {
        data: Vec::new(),
        entries: Vec::new(),
        position: None,
    };
    let mut lines: Vec<Range<usize>> = Vec::new();
    let mut wishes = Vec::new();
    for job in jobs {
        let start = batch.data.len();
        batch.data.extend_from_slice(&job.line);
        lines.push(start..batch.data.len());
        batch.data.push(b'\n');
        batch.entries.push(RecordEntry {
            key: job.source_key,
            version: job.version,
            change: Change::Upsert,
            ack_token: None,
        });
        wishes.push(job.wish);
    }
    Lined {
        batch,
        lines,
        wishes,
        guard: None,
    }
}
