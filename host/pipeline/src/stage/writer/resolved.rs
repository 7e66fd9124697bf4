//! Outcomes of a chunk on their way to the settler.

use std::sync::Arc;

use duijie_record::Rejection;
use duijie_store::{Change, DeadLetter, DocumentRow, DocumentState, Hold, IntentEntry};

use crate::options::Context;
use crate::stage::chunk::{Chunk, line, spans};
use crate::stage::settle::{Outcomes, Place, Settled};

pub(crate) struct Resolved {
    context: Arc<Context>,
    settled: Vec<Settled>,
    changes: Vec<Change>,
}

impl Resolved {
    pub(crate) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            settled: Vec::new(),
            changes: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.settled.is_empty()
    }

    pub(crate) fn take(&mut self) -> Outcomes {
        Outcomes {
            settled: std::mem::take(&mut self.settled),
            changes: std::mem::take(&mut self.changes),
            ..Outcomes::default()
        }
    }

    pub(crate) fn applied(&mut self, chunk: &Chunk, index: usize, id: Option<String>) {
        self.add(chunk, index, id, DocumentState::Applied);
    }

    pub(crate) fn hold(&mut self, chunk: &Chunk, index: usize, reason: String) {
        if let Some(entry) = chunk.entries.get(index) {
            self.changes.push(Change::Hold(Hold {
                source_key: entry.source_key.clone(),
                part: entry.part.clone(),
                target_key: entry.target_key.clone(),
                version: entry.version.clone(),
                reason: reason.clone(),
                payload: payload(chunk, index),
                run: self.context.run.clone(),
                at_ms: self.context.now_ms(),
            }));
        }
        self.add(chunk, index, None, DocumentState::Held(reason));
    }

    pub(crate) fn rejected(&mut self, chunk: &Chunk, index: usize, rejection: Rejection) {
        if let Some(entry) = chunk.entries.get(index) {
            self.changes.push(Change::DeadLetter(DeadLetter {
                source_key: entry.source_key.clone(),
                part: entry.part.clone(),
                target_key: Some(entry.target_key.clone()),
                code: rejection.code,
                message: rejection.message,
                field: rejection.field,
                attempts: entry.attempt,
                payload: payload(chunk, index),
                run: self.context.run.clone(),
                at_ms: self.context.now_ms(),
            }));
        }
        self.add(chunk, index, None, DocumentState::Rejected);
    }

    fn add(&mut self, chunk: &Chunk, index: usize, id: Option<String>, state: DocumentState) {
        let (Some(entry), Some(slot)) = (chunk.entries.get(index), chunk.slots.get(index)) else {
            return;
        };
        let place = slot.map_or_else(|| earlier(entry), Place::Page);
        let row = DocumentRow {
            part: entry.part.clone(),
            target_key: entry.target_key.clone(),
            target_id: id.or_else(|| entry.known_id.clone()),
            mapped_print: entry.mapped_print,
            state,
            attempts: entry.attempt,
        };
        self.settled.push(Settled { place, row });
    }
}

fn earlier(entry: &IntentEntry) -> Place {
    Place::Earlier {
        source_key: entry.source_key.clone(),
        version: entry.version.clone(),
        print: entry.source_print,
    }
}

fn payload(chunk: &Chunk, index: usize) -> Vec<u8> {
    let spans = spans(&chunk.batch.data);
    line(&chunk.batch.data, spans.get(index))
}
