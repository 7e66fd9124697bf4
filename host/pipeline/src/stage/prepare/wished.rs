//! What a person wants of records that are replayed, and what a plan lets
//! through: both come before what the policy says.

use duijie_record::{Action, RecordBatch, SourceKey};
use duijie_store::{DocumentRow, DocumentState, Fingerprint};

use super::assemble::Assembly;
use super::parked::refused;
use super::{Step, Work};
use crate::Error;
use crate::options::Context;
use crate::page::RecordState;
use crate::planned::Passes;
use crate::replay::{Does, Ready, Wish};
use crate::stage::chunk::NO_CONTENT;
use crate::stage::decide::Decision;
use crate::stage::map::{Documents, Origin};

impl Step<'_> {
    /// The records of a replay, each with its wish. One that is on its way
    /// lands first; `None` when the run halted in the meantime.
    pub(super) async fn picked(
        &self,
        batch: &RecordBatch,
        wishes: Vec<Wish>,
    ) -> Result<Option<Vec<Work>>, Error> {
        let free = self.flight.wait(&self.context.halt, |keys| {
            let mut entries = batch.entries.iter();
            !entries.any(|entry| keys.records.contains_key(&entry.key))
        });
        if !free.await {
            return Ok(None);
        }
        let entries = batch.entries.iter();
        let keys: Vec<SourceKey> = entries.map(|entry| entry.key.clone()).collect();
        let rows = self.context.ledger(&keys)?;
        let picked = keys.into_iter().zip(rows).zip(wishes).enumerate();
        let picked = picked.map(|(index, ((source_key, row), wish))| Work {
            index,
            source_key,
            print: wish.print,
            row,
            again: true,
            wish: Some(wish),
        });
        Ok(Some(picked.collect()))
    }
}

/// Whether these records are replayed.
pub(super) fn any(work: &[Work]) -> bool {
    work.iter().any(|work| work.wish.is_some())
}

/// Documents that are sent as they are join the mapped ones.
pub(super) fn add_ready(documents: &mut Documents, upserts: &mut Vec<usize>, work: &[Work]) {
    for (place, work) in work.iter().enumerate() {
        let ready = work.wish.as_ref().map(Wish::ready).unwrap_or_default();
        for Ready { part, does, .. } in ready {
            let Does::Send(document) = does else {
                continue;
            };
            if documents.data.last().is_some_and(|last| *last != b'\n') {
                documents.data.push(b'\n');
            }
            let start = documents.data.len();
            documents.data.extend_from_slice(document);
            documents.spans.push(start..documents.data.len());
            documents.data.push(b'\n');
            documents.origins.push(Origin {
                record: upserts.len(),
                part: part.clone(),
            });
            upserts.push(place);
        }
    }
}

impl Assembly<'_> {
    /// What a person wants of a document; `None` leaves it to the policy.
    pub(super) fn wished(
        &self,
        place: usize,
        part: &str,
        print: Fingerprint,
        earlier: Option<&DocumentRow>,
    ) -> Option<Decision> {
        let wish = self.wish(place)?;
        let sends = wish.sends(part)?;
        let stands = |known: &&DocumentRow| {
            known.state == DocumentState::Applied && known.mapped_print == print
        };
        let cancelled = earlier.is_some_and(|known| known.state == DocumentState::Cancelled);
        let known_id = earlier.and_then(|known| known.target_id.clone());
        let held_id = || {
            let ready = wish.ready().iter().find(|ready| ready.part == part);
            ready.and_then(|ready| ready.target_id.clone())
        };
        let known_id = known_id.or_else(held_id).filter(|_| !cancelled);
        match earlier {
            // Of an unchanged record nobody picked, though another mapping
            // makes more of it now.
            None if !sends => Some(Decision::Forget),
            // An earlier replay that ended early came so far.
            Some(known) if !sends || stands(&known) => Some(Decision::Keep(known.clone())),
            _ => Some(Decision::Send {
                action: match known_id {
                    Some(_) => Action::Update,
                    None => Action::Create,
                },
                known_id,
            }),
        }
    }

    /// A document that was not made this time: nobody picked it, unless it is
    /// the one that the transforms are to make again.
    pub(super) fn left_over(&self, place: usize, known: &DocumentRow) -> Option<Decision> {
        let wish = self.wish(place)?;
        let made_no_more = wish.maps() && wish.sends(&known.part) != Some(false);
        (!made_no_more).then(|| Decision::Keep(known.clone()))
    }

    /// Held cancels that a person wants sent.
    pub(super) fn cancels(&mut self) -> Result<(), Error> {
        for place in 0..self.made.records.len() {
            let ready = self.wish(place).map(Wish::ready).unwrap_or_default();
            let cancels: Vec<Ready> = ready
                .iter()
                .filter(|ready| matches!(ready.does, Does::Cancel(_)))
                .cloned()
                .collect();
            for Ready {
                part,
                does,
                target_id,
            } in cancels
            {
                let Does::Cancel(target_key) = does else {
                    continue;
                };
                let earlier = self.take_earlier(place, &part);
                let known_id = earlier.as_ref().and_then(|known| known.target_id.clone());
                let decision = Decision::Send {
                    action: Action::Cancel,
                    known_id: known_id.or(target_id),
                };
                let row = DocumentRow {
                    mapped_print: Fingerprint::of(NO_CONTENT),
                    ..refused(part, Some(target_key))
                };
                self.decided(place, decision, earlier, row, (None, NO_CONTENT))?;
            }
        }
        Ok(())
    }

    /// What a person wrote in place of the record, for a dead letter that has
    /// no document of its own.
    pub(super) fn edited(&self, place: usize, document: Option<&[u8]>) -> Option<Vec<u8>> {
        let edited = self.wish(place)?.edited()?;
        document.is_none().then(|| edited.to_vec())
    }
}

/// What the plan says of a document that is about to be sent.
pub(super) fn gated(
    context: &Context,
    record: &RecordState,
    decision: Decision,
    row: &DocumentRow,
) -> Result<Decision, Error> {
    let (Some(gate), Decision::Send { action, .. }) = (&context.gate, &decision) else {
        return Ok(decision);
    };
    let action = *action;
    let (source_key, part) = (&record.source_key, &row.part);
    match gate.pass(source_key, part, &row.target_key, action, row.mapped_print) {
        Passes::Send => Ok(decision),
        Passes::Hold(kind, reason) => Ok(Decision::Hold {
            kind,
            action,
            reason,
        }),
        Passes::Refused(differs) => Err(Error::NotPlanned {
            source_key: source_key.to_string(),
            part: part.clone(),
            differs,
        }),
    }
}
