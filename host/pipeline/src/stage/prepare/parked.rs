//! What a source batch leaves for people: dead letters and holds.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use duijie_record::{Action, Rejection, Retry, SourceKey, TargetKey};
use duijie_store::{Came, Change, DeadLetter, DocumentRow, DocumentState, Hold, HoldKind, Try};

use super::assemble::Assembly;
use crate::Error;
use crate::options::Context;
use crate::page::note;

/// Why each document of an earlier run is held, once one had to be known.
#[derive(Default)]
pub(crate) struct HoldKinds(Mutex<HashMap<(SourceKey, String), HoldKind>>);

impl HoldKinds {
    /// All holds are read when this one is not known yet.
    pub(crate) fn of(
        &self,
        context: &Context,
        source_key: &SourceKey,
        part: &str,
    ) -> Result<HoldKind, Error> {
        let key = (source_key.clone(), part.to_owned());
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !kinds.contains_key(&key) {
            let holds = context.options.store.holds(&context.plan().scope)?;
            let kind = |hold: Hold| ((hold.source_key, hold.part), hold.kind);
            kinds.extend(holds.into_iter().map(kind));
        }
        Ok(kinds.get(&key).copied().unwrap_or(HoldKind::Change))
    }
}

/// A document that is not sent, and why.
pub(super) struct Parked<'batch> {
    pub(super) kind: HoldKind,
    pub(super) action: Action,
    pub(super) reason: String,
    pub(super) document: &'batch [u8],
}

impl Assembly<'_> {
    pub(super) fn dead_letter(
        &mut self,
        place: usize,
        row: &mut DocumentRow,
        rejection: Rejection,
        document: Option<&[u8]>,
    ) {
        self.made.counts.rejected += 1;
        let Some(record) = self.made.records.get(place) else {
            return;
        };
        let came = Came::Rejected {
            code: rejection.code.clone(),
            message: rejection.message.clone(),
        };
        let tried = Try {
            run: self.context.run.clone(),
            at_ms: self.now_ms,
            intent: None,
            action: Action::Create,
            step: 0,
            came,
            exchange: None,
        };
        note(&mut row.tries, tried);
        if self.context.replays() {
            self.made.changes.push(Change::Release {
                source_key: record.source_key.clone(),
                part: row.part.clone(),
            });
        }
        let target_key = Some(&row.target_key).filter(|key| !key.as_str().is_empty());
        self.made.changes.push(Change::DeadLetter(DeadLetter {
            source_key: record.source_key.clone(),
            part: row.part.clone(),
            version: record.version.clone(),
            target_key: target_key.cloned(),
            code: rejection.code,
            message: rejection.message,
            field: rejection.field,
            attempts: row.attempts,
            record: self.line(place).to_vec(),
            document: document.map(<[u8]>::to_vec),
            edited: self.edited(place, document),
            exchange: None,
            run: self.context.run.clone(),
            at_ms: self.now_ms,
        }));
    }

    /// A later version of a record whose dead letter a person looks at: it
    /// takes the record's place there.
    pub(super) fn wait(&mut self, place: usize, mut known: DocumentRow) {
        if known.state == DocumentState::Rejected {
            let rejection = last_rejection(&known);
            self.dead_letter(place, &mut known, rejection, None);
            // The refusal is not a new one.
            known.tries.pop();
        }
        self.add(place, Some(known), true);
    }

    pub(super) fn hold(
        &mut self,
        place: usize,
        parked: Parked<'_>,
        earlier: Option<DocumentRow>,
        mut row: DocumentRow,
    ) {
        self.made.counts.held += 1;
        if let Some(earlier) = earlier {
            row.target_id = earlier.target_id;
            row.attempts = earlier.attempts;
            row.tries = earlier.tries;
            row.sent = earlier.sent;
        }
        row.state = DocumentState::Held(parked.reason.clone());
        if let Some(record) = self.made.records.get(place) {
            self.made.changes.push(Change::Hold(Hold {
                source_key: record.source_key.clone(),
                part: row.part.clone(),
                target_key: row.target_key.clone(),
                target_id: row.target_id.clone(),
                version: record.version.clone(),
                action: parked.action,
                kind: parked.kind,
                reason: parked.reason,
                record: self.line(place).to_vec(),
                document: parked.document.to_vec(),
                run: self.context.run.clone(),
                at_ms: self.now_ms,
            }));
        }
        self.add(place, Some(row), true);
    }
}

pub(crate) fn last_rejection(known: &DocumentRow) -> Rejection {
    let mut tries = known.tries.iter().rev();
    let refusal = tries.find_map(|one| match &one.came {
        Came::Rejected { code, message } => Some((code.clone(), message.clone())),
        _ => None,
    });
    let (code, message) = refusal.unwrap_or_else(|| {
        let message = "an earlier version was refused, and this one waits for a person";
        ("pipeline.waits".to_owned(), message.to_owned())
    });
    Rejection {
        code,
        message,
        field: None,
        retry: Retry::Never,
    }
}

/// The row of a document that was refused before it had a number.
pub(crate) fn refused(part: String, target_key: Option<TargetKey>) -> DocumentRow {
    DocumentRow {
        part,
        target_key: target_key.unwrap_or(TargetKey::from("")),
        target_id: None,
        mapped_print: crate::page::PARTIAL,
        state: DocumentState::Rejected,
        step: 0,
        attempts: 0,
        tries: Vec::new(),
        sent: None,
    }
}
