//! One source batch being put together: which documents go out, which wait,
//! which are refused, and what the ledger will say of each.

use std::collections::HashSet;
use std::ops::Range;

use duijie_record::{Action, RecordBatch, Rejection, SourceKey, TargetKey};
use duijie_store::{
    Change, DeadLetter, DocumentRow, DocumentState, Fingerprint, Hold, IntentEntry,
};

use super::Work;
use crate::key;
use crate::options::Context;
use crate::page::{PARTIAL, RecordState, Slot, release};
use crate::report::Counts;
use crate::stage::chunk::{NO_CONTENT, Sending, line};
use crate::stage::decide::{self, Decision};
use crate::stage::map::Origin;

pub(crate) struct Assembly<'run> {
    context: &'run Context,
    page: u64,
    now_ms: u64,
    pub(crate) records: Vec<RecordState>,
    earlier: Vec<Earlier>,
    pub(crate) sendings: Vec<Sending>,
    /// Dead letters, holds, and those that are let go.
    pub(crate) changes: Vec<Change>,
    pub(crate) counts: Counts,
}

/// What was known of a record before.
struct Earlier {
    /// Its place in the source batch.
    index: usize,
    documents: Vec<DocumentRow>,
    partial: bool,
    /// Whether a transform refused the whole record.
    rejected: bool,
    /// Whether anything of it is sent, held or refused.
    touched: bool,
}

impl<'run> Assembly<'run> {
    pub(crate) fn new(context: &'run Context, page: u64) -> Self {
        Self {
            context,
            page,
            now_ms: context.now_ms(),
            records: Vec::new(),
            earlier: Vec::new(),
            sendings: Vec::new(),
            changes: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Records that wait.
    pub(crate) fn waiting(&self) -> usize {
        let waiting = self.records.iter().filter(|record| record.waiting > 0);
        waiting.count()
    }

    pub(crate) fn begin(&mut self, batch: &RecordBatch, work: Vec<Work>) {
        for work in work {
            let entry = batch.entries.get(work.index);
            let row = work.row;
            let known = row.as_ref().filter(|_| !work.again);
            let before = known.map(|row| (row.version.clone(), row.source_print));
            let before = before.unwrap_or((None, PARTIAL));
            self.earlier.push(Earlier {
                index: work.index,
                partial: row.as_ref().is_none_or(|row| row.source_print == PARTIAL),
                documents: row.map(|row| row.documents).unwrap_or_default(),
                rejected: false,
                touched: false,
            });
            self.records.push(RecordState {
                source_key: work.source_key,
                version: entry.and_then(|entry| entry.version.clone()),
                print: work.print,
                before,
                documents: Vec::with_capacity(1),
                waiting: 0,
            });
        }
    }

    /// What the transforms refused. Documents that stand in the target stay as
    /// they are known.
    pub(crate) fn rejected(
        &mut self,
        rejected: Vec<(Origin, Rejection)>,
        upserts: &[usize],
        batch: &RecordBatch,
        lines: &[Range<usize>],
    ) {
        for (origin, rejection) in rejected {
            let Some(place) = upserts.get(origin.record).copied() else {
                continue;
            };
            let index = self.earlier.get(place).map_or(0, |earlier| earlier.index);
            let payload = line(&batch.data, lines.get(index));
            if origin.part.is_empty()
                && let Some(earlier) = self.earlier.get_mut(place)
            {
                earlier.rejected = true;
            }
            let known = self.take_earlier(place, &origin.part);
            let row = known.unwrap_or_else(|| DocumentRow {
                part: origin.part,
                target_key: TargetKey::from(""),
                target_id: None,
                mapped_print: PARTIAL,
                state: DocumentState::Rejected,
                attempts: 0,
            });
            self.dead_letter(place, &row.part, None, rejection, payload);
            self.add(place, Some(row), true);
        }
    }

    pub(crate) fn documents(
        &mut self,
        data: &[u8],
        spans: &[Range<usize>],
        origins: Vec<Origin>,
        upserts: &[usize],
    ) {
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
                self.refuse(place, part, key.clone(), print, rejection, content.to_vec());
                continue;
            }
            let Some(key) = key.clone() else {
                continue;
            };
            self.document(place, part, key, print, span.clone(), content);
        }
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
            let source_key = &self.records.get(place)?.source_key;
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
    ) {
        let partial = self
            .earlier
            .get(place)
            .is_some_and(|earlier| earlier.partial);
        let earlier = self.take_earlier(place, &part);
        let on_change = self.context.plan().policy.on_change;
        let decision = decide::document(earlier.as_ref(), partial, &target_key, print, on_change);
        let row = DocumentRow {
            part,
            target_key,
            target_id: None,
            mapped_print: print,
            state: DocumentState::Applied,
            attempts: 0,
        };
        self.decided(place, decision, earlier, row, Some(span), content);
    }

    /// Deletions, and documents that the newer version no longer makes.
    pub(crate) fn rest(&mut self, batch: &RecordBatch, lines: &[Range<usize>]) {
        let on_change = self.context.plan().policy.on_change;
        for place in 0..self.records.len() {
            let Some(earlier) = self.earlier.get_mut(place) else {
                continue;
            };
            let (index, rejected) = (earlier.index, earlier.rejected);
            let left = std::mem::take(&mut earlier.documents);
            let deleted = batch
                .entries
                .get(index)
                .is_some_and(|entry| entry.change == duijie_record::Change::Delete);
            for known in left {
                let decision = match (deleted, rejected) {
                    (true, _) => decide::deleted(&known, on_change),
                    (false, true) => Decision::Keep(known.clone()),
                    (false, false) => decide::vanished(&known, on_change),
                };
                let mut row = known.clone();
                row.mapped_print = Fingerprint::of(NO_CONTENT);
                let content = line(&batch.data, lines.get(index));
                self.decided(place, decision, Some(known), row, None, &content);
            }
            self.count(place);
        }
    }

    fn count(&mut self, place: usize) {
        let (Some(record), Some(earlier)) = (self.records.get(place), self.earlier.get(place))
        else {
            return;
        };
        if record.documents.is_empty() {
            self.counts.dropped += 1;
        } else if !earlier.touched {
            self.counts.unchanged += 1;
        }
    }

    /// `row` is the document as it would stand once it is applied.
    fn decided(
        &mut self,
        place: usize,
        decision: Decision,
        earlier: Option<DocumentRow>,
        mut row: DocumentRow,
        span: Option<Range<usize>>,
        content: &[u8],
    ) {
        match decision {
            Decision::Keep(known) => {
                if let Some(record) = self.records.get(place) {
                    let released = release(&record.source_key, Some(&known), &known);
                    self.changes.extend(released);
                }
                self.add(place, Some(known), false);
            }
            Decision::Forget => {
                if let Some(record) = self.records.get(place) {
                    self.changes.push(Change::Release {
                        source_key: record.source_key.clone(),
                        part: row.part,
                    });
                }
            }
            Decision::Send { action, known_id } => {
                self.send(place, action, known_id, row, span);
                self.add(place, earlier, true);
                if let Some(record) = self.records.get_mut(place) {
                    record.waiting += 1;
                }
            }
            Decision::Hold(reason) => {
                self.counts.held += 1;
                row.target_id = earlier.as_ref().and_then(|known| known.target_id.clone());
                row.attempts = earlier.map_or(0, |known| known.attempts);
                row.state = DocumentState::Held(reason.clone());
                if let Some(record) = self.records.get(place) {
                    self.changes.push(Change::Hold(Hold {
                        source_key: record.source_key.clone(),
                        part: row.part.clone(),
                        target_key: row.target_key.clone(),
                        version: record.version.clone(),
                        reason,
                        payload: content.to_vec(),
                        run: self.context.run.clone(),
                        at_ms: self.now_ms,
                    }));
                }
                self.add(place, Some(row), true);
            }
        }
    }

    fn send(
        &mut self,
        place: usize,
        action: Action,
        known_id: Option<String>,
        row: DocumentRow,
        line: Option<Range<usize>>,
    ) {
        let Some(record) = self.records.get(place) else {
            return;
        };
        self.sendings.push(Sending {
            line,
            entry: IntentEntry {
                source_key: record.source_key.clone(),
                part: row.part,
                version: record.version.clone(),
                source_print: record.print,
                mapped_print: row.mapped_print,
                target_key: row.target_key,
                action,
                known_id,
                attempt: 1,
            },
            slot: Slot {
                page: self.page,
                record: place,
                document: record.documents.len(),
            },
        });
    }

    fn refuse(
        &mut self,
        place: usize,
        part: String,
        target_key: Option<TargetKey>,
        print: Fingerprint,
        rejection: Rejection,
        payload: Vec<u8>,
    ) {
        let earlier = self.take_earlier(place, &part);
        self.dead_letter(place, &part, target_key.clone(), rejection, payload);
        let row = DocumentRow {
            part,
            target_key: target_key.unwrap_or(TargetKey::from("")),
            target_id: earlier.and_then(|known| known.target_id),
            mapped_print: print,
            state: DocumentState::Rejected,
            attempts: 0,
        };
        self.add(place, Some(row), true);
    }

    fn dead_letter(
        &mut self,
        place: usize,
        part: &str,
        target_key: Option<TargetKey>,
        rejection: Rejection,
        payload: Vec<u8>,
    ) {
        self.counts.rejected += 1;
        let source_key = self
            .records
            .get(place)
            .map(|record| record.source_key.clone());
        self.changes.push(Change::DeadLetter(DeadLetter {
            source_key: source_key.unwrap_or(SourceKey::from("")),
            part: part.to_owned(),
            target_key,
            code: rejection.code,
            message: rejection.message,
            field: rejection.field,
            attempts: 0,
            payload,
            run: self.context.run.clone(),
            at_ms: self.now_ms,
        }));
    }

    fn take_earlier(&mut self, place: usize, part: &str) -> Option<DocumentRow> {
        let documents = &mut self.earlier.get_mut(place)?.documents;
        let found = documents.iter().position(|known| known.part == part)?;
        Some(documents.swap_remove(found))
    }

    fn add(&mut self, place: usize, row: Option<DocumentRow>, touched: bool) {
        if let Some(record) = self.records.get_mut(place) {
            record.documents.push(row);
        }
        if let Some(earlier) = self.earlier.get_mut(place) {
            earlier.touched |= touched;
        }
    }
}
