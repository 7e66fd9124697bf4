//! Outcomes of a chunk on their way to the settler.

use std::sync::Arc;

use duijie_record::{Action, Rejection};
use duijie_store::{
    Came, Change, DeadLetter, DocumentRow, DocumentState, Hold, HoldKind, IntentEntry, Try,
};

use crate::options::Context;
use crate::page::note;
use crate::stage::chunk::{Chunk, line, spans};
use crate::stage::evidence::Recall;
use crate::stage::settle::{Outcomes, Place, Settled};

pub(crate) struct Resolved {
    context: Arc<Context>,
    settled: Vec<Settled>,
    changes: Vec<Change>,
    recall: Recall,
}

impl Resolved {
    pub(crate) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            settled: Vec::new(),
            changes: Vec::new(),
            recall: Recall::default(),
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

    /// It stands, or is taken back; `came` is what told so, where that is not
    /// in the document's history yet.
    pub(crate) fn applied(
        &mut self,
        chunk: &Chunk,
        index: usize,
        id: Option<String>,
        came: Option<Came>,
    ) {
        let entry = chunk.entries.get(index);
        let state = match entry.map(|entry| entry.action) {
            Some(Action::Cancel) => DocumentState::Cancelled,
            _ => DocumentState::Applied,
        };
        self.add(chunk, index, id, state, came);
    }

    pub(crate) fn hold(&mut self, chunk: &Chunk, index: usize, kind: HoldKind, reason: String) {
        if let Some(entry) = chunk.entries.get(index) {
            let record = self.recall.line(&self.context, entry.record.as_ref());
            self.changes.extend(self.replaced(chunk, index));
            self.changes.push(Change::Hold(Hold {
                source_key: entry.source_key.clone(),
                part: entry.part.clone(),
                target_key: entry.target_key.clone(),
                target_id: entry.known_id.clone(),
                version: entry.version.clone(),
                action: entry.action,
                kind,
                reason: reason.clone(),
                record,
                document: document(chunk, index),
                run: self.context.run.clone(),
                at_ms: self.context.now_ms(),
            }));
        }
        self.add(chunk, index, None, DocumentState::Held(reason), None);
    }

    pub(crate) fn rejected(&mut self, chunk: &Chunk, index: usize, rejection: Rejection) {
        let came = Came::Rejected {
            code: rejection.code.clone(),
            message: rejection.message.clone(),
        };
        if let Some(entry) = chunk.entries.get(index) {
            let record = self.recall.line(&self.context, entry.record.as_ref());
            self.changes.extend(self.replaced(chunk, index));
            self.changes.push(Change::DeadLetter(DeadLetter {
                source_key: entry.source_key.clone(),
                part: entry.part.clone(),
                version: entry.version.clone(),
                target_key: Some(entry.target_key.clone()),
                code: rejection.code,
                message: rejection.message,
                field: rejection.field,
                attempts: entry.attempt,
                record,
                document: Some(document(chunk, index)),
                edited: None,
                exchange: chunk.exchange(index),
                run: self.context.run.clone(),
                at_ms: self.context.now_ms(),
            }));
        }
        self.add(chunk, index, None, DocumentState::Rejected, Some(came));
    }

    /// What a replay goes on with gives way to what it came to: a hold to a
    /// dead letter, and the other way round.
    fn replaced(&self, chunk: &Chunk, index: usize) -> Option<Change> {
        let entry = chunk.entries.get(index)?;
        let earlier = chunk.slots.get(index)?.is_none();
        (earlier || self.context.replays()).then(|| Change::Release {
            source_key: entry.source_key.clone(),
            part: entry.part.clone(),
        })
    }

    fn add(
        &mut self,
        chunk: &Chunk,
        index: usize,
        id: Option<String>,
        state: DocumentState,
        came: Option<Came>,
    ) {
        let (Some(entry), Some(slot)) = (chunk.entries.get(index), chunk.slots.get(index)) else {
            return;
        };
        let place = slot.map_or_else(|| earlier(entry), Place::Page);
        let mut tries = entry.tries.clone();
        if let Some(came) = came {
            note(&mut tries, tried(&self.context, chunk, index, came));
        }
        let row = DocumentRow {
            part: entry.part.clone(),
            target_key: entry.target_key.clone(),
            target_id: id.or_else(|| entry.known_id.clone()),
            mapped_print: entry.mapped_print,
            state,
            attempts: entry.attempt,
            tries,
            sent: chunk.sent(index),
        };
        self.settled.push(Settled { place, row });
    }
}

/// What the document at this place came to just now.
pub(super) fn tried(context: &Context, chunk: &Chunk, index: usize, came: Came) -> Try {
    let action = chunk.entries.get(index).map(|entry| entry.action);
    Try {
        run: context.run.clone(),
        at_ms: context.now_ms(),
        intent: chunk.intent.as_ref().map(|(id, _)| *id),
        action: action.unwrap_or(Action::Create),
        came,
        exchange: chunk.exchange(index),
    }
}

fn earlier(entry: &IntentEntry) -> Place {
    Place::Earlier {
        source_key: entry.source_key.clone(),
        version: entry.version.clone(),
        print: entry.source_print,
        record: entry.record.clone(),
    }
}

fn document(chunk: &Chunk, index: usize) -> Vec<u8> {
    let spans = spans(&chunk.batch.data);
    line(&chunk.batch.data, spans.get(index))
}
