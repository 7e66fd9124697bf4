//! Outcomes of a chunk on their way to the settler.

use std::collections::BTreeMap;
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
use crate::table;

pub(crate) struct Resolved {
    context: Arc<Context>,
    settled: Vec<Settled>,
    changes: Vec<Change>,
    recall: Recall,
    /// Documents that stand and miss steps, by the step that comes next; they
    /// have no intent for it yet.
    standing: BTreeMap<u8, Chunk>,
    /// Those that have one.
    pub(super) going_on: Vec<Chunk>,
}

impl Resolved {
    pub(crate) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            settled: Vec::new(),
            changes: Vec::new(),
            recall: Recall::default(),
            standing: BTreeMap::new(),
            going_on: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.settled.is_empty() && self.standing.is_empty()
    }

    /// What needs an intent in the commit that has the rest.
    pub(super) fn take_standing(&mut self) -> Vec<Chunk> {
        std::mem::take(&mut self.standing).into_values().collect()
    }

    pub(crate) fn take(&mut self) -> Outcomes {
        Outcomes {
            settled: std::mem::take(&mut self.settled),
            changes: std::mem::take(&mut self.changes),
            ..Outcomes::default()
        }
    }

    /// It stands, or is taken back, or has taken its step; `came` is what told
    /// so, where that is not in the document's history yet.
    pub(crate) fn applied(
        &mut self,
        chunk: &Chunk,
        index: usize,
        id: Option<String>,
        came: Option<Came>,
    ) {
        let step = chunk.entries.get(index).map_or(0, |entry| entry.step);
        self.taken(chunk, index, id, step, came);
    }

    /// It has taken all steps up to `last`, 0 for none. What misses some goes
    /// on, and its record waits.
    pub(super) fn taken(
        &mut self,
        chunk: &Chunk,
        index: usize,
        id: Option<String>,
        last: u8,
        came: Option<Came>,
    ) {
        let action = chunk.entries.get(index).map(|entry| entry.action);
        let steps = self.context.plan().target.steps.len();
        if action == Some(Action::Cancel) {
            self.add(chunk, index, id, DocumentState::Cancelled, came);
        } else if usize::from(last) < steps {
            self.goes_on(chunk, index, id, last + 1, came);
        } else {
            self.add(chunk, index, id, DocumentState::Applied, came);
        }
    }

    /// It stands, and takes this step next.
    pub(super) fn goes_on(
        &mut self,
        chunk: &Chunk,
        index: usize,
        id: Option<String>,
        step: u8,
        came: Option<Came>,
    ) {
        let (Some(entry), Some(slot)) = (chunk.entries.get(index), chunk.slots.get(index)) else {
            return;
        };
        let mut entry = entry.clone();
        entry.known_id = id.or(entry.known_id);
        if let Some(came) = came {
            note(&mut entry.tries, tried(&self.context, chunk, index, came));
        }
        entry.step = step;
        let next = self.standing.entry(step);
        let next = next.or_insert_with(|| Chunk::new(Vec::new()));
        next.push(&document(chunk, index), entry, *slot);
    }

    pub(crate) fn hold(&mut self, chunk: &Chunk, index: usize, kind: HoldKind, reason: String) {
        let reason = self.of_step(chunk, index, reason);
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

    pub(crate) fn rejected(&mut self, chunk: &Chunk, index: usize, mut rejection: Rejection) {
        rejection.message = self.of_step(chunk, index, rejection.message);
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

    /// Says which step it is about.
    fn of_step(&self, chunk: &Chunk, index: usize, message: String) -> String {
        let step = chunk.entries.get(index).map_or(0, |entry| entry.step);
        match self.context.step_name(step) {
            Some(name) => format!("step `{name}`: {message}"),
            None => message,
        }
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
        let stands = matches!(state, DocumentState::Applied | DocumentState::Cancelled);
        if let (Some(table), true) = (&self.context.plan().target.table, stands) {
            let (key, document) = (&entry.target_key, document(chunk, index));
            let change = table::change(table, key, entry.action, &document);
            self.changes.push(change);
        }
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
            step: entry.step,
            attempts: entry.attempt,
            tries,
            sent: chunk.sent(index),
        };
        self.settled.push(Settled { place, row });
    }
}

/// What the document at this place came to just now.
pub(super) fn tried(context: &Context, chunk: &Chunk, index: usize, came: Came) -> Try {
    let entry = chunk.entries.get(index);
    Try {
        run: context.run.clone(),
        at_ms: context.now_ms(),
        intent: chunk.intent.as_ref().map(|(id, _)| *id),
        action: entry.map_or(Action::Create, |entry| entry.action),
        step: entry.map_or(0, |entry| entry.step),
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
