//! One source batch being put together: which documents go out, which wait,
//! which are refused, and what the ledger will say of each.

use std::collections::HashSet;
use std::ops::Range;

use duijie_plan::OnNewer;
use duijie_record::{Action, RecordBatch, Rejection, TargetKey};
use duijie_store::{
    Change, DocumentRow, DocumentState, Fingerprint, IntentEntry, LineRef, SegmentRef,
};

use super::Work;
use super::parked::{Parked, refused};
use super::wished::gated;
use crate::Error;
use crate::key;
use crate::options::Context;
use crate::page::{PARTIAL, RecordState, Slot, release};
use crate::replay::Wish;
use crate::report::Counts;
use crate::stage::chunk::Sending;
use crate::stage::decide::{self, Decision, Known, goes_on_at};
use crate::stage::map::Origin;

pub(crate) struct Assembly<'run> {
    pub(super) context: &'run Context,
    page: u64,
    pub(super) now_ms: u64,
    pub(super) earlier: Vec<Earlier>,
    source: Source<'run>,
    pub(crate) made: Assembled,
}

/// What was made of a source batch.
#[derive(Default)]
pub(crate) struct Assembled {
    pub(crate) records: Vec<RecordState>,
    pub(crate) sendings: Vec<Sending>,
    /// Dead letters, holds, and those that are let go.
    pub(crate) changes: Vec<Change>,
    pub(crate) counts: Counts,
}

impl Assembled {
    /// Records that wait.
    pub(crate) fn waiting(&self) -> usize {
        let waiting = self.records.iter().filter(|record| record.waiting > 0);
        waiting.count()
    }
}

/// The lines that the source gave.
#[derive(Clone, Copy)]
pub(crate) struct Source<'batch> {
    pub(crate) data: &'batch [u8],
    pub(crate) lines: &'batch [Range<usize>],
}

/// What was known of a record before.
pub(super) struct Earlier {
    /// Its place in the source batch.
    pub(super) index: usize,
    pub(super) documents: Vec<DocumentRow>,
    pub(super) known: Known,
    /// Whether a transform refused the whole record.
    pub(super) rejected: bool,
    /// Whether a person looks at its dead letter first.
    pub(super) waits: bool,
    /// What a person wants of it.
    pub(super) wish: Option<Wish>,
    /// Whether anything of it is sent, held or refused.
    pub(super) touched: bool,
}

/// Whether a later version of this record is not to be sent.
pub(super) fn waits(context: &Context, work: &Work) -> bool {
    let refused = |document: &DocumentRow| document.state == DocumentState::Rejected;
    context.plan().policy.on_newer == OnNewer::Wait
        && !work.again
        && work
            .row
            .as_ref()
            .is_some_and(|row| row.source_print != PARTIAL && row.documents.iter().any(refused))
}

impl<'run> Assembly<'run> {
    pub(crate) fn new(context: &'run Context, page: u64, source: Source<'run>) -> Self {
        Self {
            context,
            page,
            now_ms: context.now_ms(),
            earlier: Vec::new(),
            source,
            made: Assembled::default(),
        }
    }

    /// The source's line of a record.
    pub(super) fn line(&self, place: usize) -> &'run [u8] {
        let index = self.earlier.get(place).map(|earlier| earlier.index);
        let span = index.and_then(|index| self.source.lines.get(index));
        let line = span.and_then(|span| self.source.data.get(span.clone()));
        line.unwrap_or_default()
    }

    /// `laid` is where the batch was laid aside.
    pub(crate) fn begin(
        &mut self,
        batch: &RecordBatch,
        laid: Option<&SegmentRef>,
        work: Vec<Work>,
    ) {
        for work in work {
            let entry = batch.entries.get(work.index);
            let upsert = entry.is_some_and(|entry| entry.change == duijie_record::Change::Upsert);
            let waits = upsert && waits(self.context, &work);
            let row = work.row;
            let keeps = work.wish.as_ref().is_some_and(Wish::keeps);
            let version = entry.and_then(|entry| entry.version.clone());
            let ack_token = entry.and_then(|entry| entry.ack_token.clone());
            let before = match &row {
                None if keeps => (version.clone(), work.print),
                None => (None, PARTIAL),
                Some(row) if work.again && !keeps => (row.version.clone(), PARTIAL),
                Some(row) => (row.version.clone(), row.source_print),
            };
            // A replay may know no more of the record than where it lies.
            let is_lost = work.wish.as_ref().is_some_and(|wish| wish.is_lost);
            let kept = row.as_ref().filter(|_| is_lost);
            let kept = kept.and_then(|row| row.record.clone());
            self.earlier.push(Earlier {
                index: work.index,
                known: Known {
                    partial: row.as_ref().is_none_or(|row| row.source_print == PARTIAL),
                    again: work.again,
                },
                documents: row.map(|row| row.documents).unwrap_or_default(),
                rejected: false,
                waits,
                wish: work.wish,
                touched: false,
            });
            let line = |segment: &SegmentRef| LineRef {
                segment: segment.clone(),
                line: u32::try_from(work.index).unwrap_or(u32::MAX),
            };
            self.made.records.push(RecordState {
                source_key: work.source_key,
                ack_token: ack_token.filter(|_| self.context.plan().drains),
                version,
                print: work.print,
                keeps,
                record: laid.filter(|_| !is_lost).map(line).or(kept),
                before,
                leaving: Vec::new(),
                documents: Vec::with_capacity(1),
                waiting: 0,
                after: Vec::new(),
            });
        }
    }

    pub(crate) fn documents(
        &mut self,
        data: &[u8],
        spans: &[Range<usize>],
        origins: Vec<Origin>,
        upserts: &[usize],
    ) -> Result<(), Error> {
        let keys = self.keys(data, spans, &origins, upserts);
        let mut taken = HashSet::with_capacity(keys.len());
        let documents = origins.into_iter().zip(spans).zip(&keys);
        for ((Origin { record, part }, span), key) in documents {
            let Some(place) = upserts.get(record).copied() else {
                continue;
            };
            let content = data.get(span.clone()).unwrap_or_default();
            let print = Fingerprint::of(content);
            let problem = match key {
                None => Some(key::missing(self.context.plan().target.key.as_deref())),
                Some(key) => (!taken.insert(key)).then(|| key::clash(key)),
            };
            if let Some(rejection) = problem {
                let mut row = refused(part, key.clone());
                row.mapped_print = print;
                self.refuse(place, row, rejection, content);
                continue;
            }
            let Some(key) = key.clone() else {
                continue;
            };
            self.document(place, part, key, print, span.clone(), content)?;
        }
        Ok(())
    }

    /// The target key of each document, `None` where it has none.
    fn keys(
        &self,
        data: &[u8],
        spans: &[Range<usize>],
        origins: &[Origin],
        upserts: &[usize],
    ) -> Vec<Option<TargetKey>> {
        let plan = self.context.plan();
        if let Some(field) = plan.target.key.as_deref() {
            let lines = spans
                .iter()
                .map(|span| data.get(span.clone()).unwrap_or_default());
            return lines
                .map(|line| key::field_text(line, field).map(TargetKey))
                .collect();
        }
        let derive = |origin: &Origin| {
            let place = upserts.get(origin.record).copied()?;
            let source_key = &self.made.records.get(place)?.source_key;
            Some(key::derive(&plan.scope, source_key, &origin.part))
        };
        origins.iter().map(derive).collect()
    }

    fn document(
        &mut self,
        place: usize,
        part: String,
        target_key: TargetKey,
        print: Fingerprint,
        span: Range<usize>,
        content: &[u8],
    ) -> Result<(), Error> {
        let Some(known) = self.earlier.get(place).map(|earlier| earlier.known) else {
            return Ok(());
        };
        let earlier = self.take_earlier(place, &part);
        let on_change = self.context.plan().policy.on_change;
        let usual = || decide::document(earlier.as_ref(), known, &target_key, print, on_change);
        let decision = self.wished(place, &part, print, earlier.as_ref());
        let decision = decision.unwrap_or_else(usual);
        let row = DocumentRow {
            part,
            target_key,
            target_id: None,
            mapped_print: print,
            state: DocumentState::Applied,
            step: 0,
            attempts: 0,
            tries: Vec::new(),
            sent: None,
        };
        self.decided(place, decision, earlier, row, (Some(span), content))
    }

    /// `row` is the document as it would stand once it is applied; `content`
    /// where it lies among the mapped ones, and its bytes.
    pub(super) fn decided(
        &mut self,
        place: usize,
        decision: Decision,
        earlier: Option<DocumentRow>,
        row: DocumentRow,
        (span, document): (Option<Range<usize>>, &[u8]),
    ) -> Result<(), Error> {
        let Some(record) = self.made.records.get_mut(place) else {
            return Ok(());
        };
        let decision = gated(self.context, record, decision, &row)?;
        let (kind, action, reason) = match decision {
            Decision::Keep(known) => {
                let released = release(&record.source_key, true, &known);
                record.after.extend(released);
                self.add(place, Some(known), false);
                return Ok(());
            }
            Decision::Forget => {
                record.leaving.extend(earlier);
                return Ok(());
            }
            Decision::Send { action, known_id } => {
                record.waiting += 1;
                let step = match (&earlier, action) {
                    (None, _) | (_, Action::Cancel) => 0,
                    (Some(known), _) => goes_on_at(known, &row.target_key, row.mapped_print),
                };
                let row = DocumentRow { step, ..row };
                self.send(place, action, known_id, row, span);
                self.add(place, earlier, true);
                return Ok(());
            }
            Decision::Hold {
                kind,
                action,
                reason,
            } => (kind, action, reason),
            Decision::HoldStill { action, reason } => {
                let kinds = &self.context.kinds;
                let kind = kinds.of(self.context, &record.source_key, &row.part)?;
                (kind, action, reason)
            }
        };
        let parked = Parked {
            kind,
            action,
            reason,
            document,
        };
        self.hold(place, parked, earlier, row);
        Ok(())
    }

    fn send(
        &mut self,
        place: usize,
        action: Action,
        known_id: Option<String>,
        row: DocumentRow,
        line: Option<Range<usize>>,
    ) {
        let Some(record) = self.made.records.get(place) else {
            return;
        };
        self.made.sendings.push(Sending {
            line,
            entry: IntentEntry {
                source_key: record.source_key.clone(),
                part: row.part,
                version: record.version.clone(),
                source_print: match record.keeps {
                    true => PARTIAL,
                    false => record.print,
                },
                mapped_print: row.mapped_print,
                target_key: row.target_key,
                action,
                known_id,
                attempt: 1,
                step: row.step,
                record: record.record.clone(),
                tries: Vec::new(),
            },
            slot: Slot {
                page: self.page,
                record: place,
                document: record.documents.len(),
            },
        });
    }

    fn refuse(&mut self, place: usize, mut row: DocumentRow, rejection: Rejection, content: &[u8]) {
        if let Some(known) = self.take_earlier(place, &row.part) {
            row.target_id = known.target_id;
            row.tries = known.tries;
            row.sent = known.sent;
        }
        self.dead_letter(place, &mut row, rejection, Some(content));
        self.add(place, Some(row), true);
    }

    /// What a person wants of a record.
    pub(super) fn wish(&self, place: usize) -> Option<&Wish> {
        self.earlier.get(place)?.wish.as_ref()
    }

    pub(super) fn take_earlier(&mut self, place: usize, part: &str) -> Option<DocumentRow> {
        let documents = &mut self.earlier.get_mut(place)?.documents;
        let found = documents.iter().position(|known| known.part == part)?;
        Some(documents.swap_remove(found))
    }

    pub(super) fn add(&mut self, place: usize, row: Option<DocumentRow>, touched: bool) {
        if let Some(record) = self.made.records.get_mut(place) {
            record.documents.push(row);
        }
        if let Some(earlier) = self.earlier.get_mut(place) {
            earlier.touched |= touched;
        }
    }
}
