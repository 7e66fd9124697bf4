//! The records of a source batch that make no document: refused by a
//! transform, deleted, waiting for a person; and the documents that a newer
//! version no longer makes.

use duijie_record::{Change, RecordBatch, Rejection, Retry};
use duijie_store::{DocumentRow, DocumentState, Fingerprint};

use super::assemble::Assembly;
use super::parked::refused;
use crate::Error;
use crate::replay::LATER;
use crate::stage::chunk::NO_CONTENT;
use crate::stage::decide::{self, Decision};
use crate::stage::map::Origin;

impl Assembly<'_> {
    /// What the transforms refused. Documents that stand in the target stay as
    /// they are known.
    pub(crate) fn rejected(&mut self, rejected: Vec<(Origin, Rejection)>, upserts: &[usize]) {
        for (origin, mut rejection) in rejected {
            if rejection.retry == Retry::Later && !self.context.tables.is_empty() {
                rejection.code.push_str(LATER);
            }
            let Some(place) = upserts.get(origin.record).copied() else {
                continue;
            };
            let mut again = false;
            if let Some(earlier) = self.earlier.get_mut(place) {
                earlier.rejected |= origin.part.is_empty();
                again = earlier.known.again;
            }
            let known = self.take_earlier(place, &origin.part);
            let mut row = known.unwrap_or_else(|| refused(origin.part, None));
            match row.state {
                DocumentState::Discarded if again => {
                    self.add(place, Some(row), false);
                    continue;
                }
                DocumentState::Discarded => row.state = DocumentState::Rejected,
                // What was taken back stands no more.
                DocumentState::Cancelled => {
                    row.state = DocumentState::Rejected;
                    row.target_id = None;
                }
                _ => {}
            }
            self.dead_letter(place, &mut row, rejection, None);
            self.add(place, Some(row), true);
        }
    }

    /// Deletions, documents that the newer version no longer makes, and
    /// records that wait.
    pub(crate) fn rest(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let on_change = self.context.plan().policy.on_change;
        for place in 0..self.made.records.len() {
            let Some(earlier) = self.earlier.get_mut(place) else {
                continue;
            };
            let (index, rejected) = (earlier.index, earlier.rejected);
            let waits = earlier.waits;
            let left = std::mem::take(&mut earlier.documents);
            let deleted = batch
                .entries
                .get(index)
                .is_some_and(|entry| entry.change == Change::Delete);
            for known in left {
                if waits {
                    self.wait(place, known);
                    continue;
                }
                let usual = || match (deleted, rejected) {
                    (true, _) => decide::deleted(&known, on_change),
                    (false, true) => Decision::Keep(known.clone()),
                    (false, false) => decide::vanished(&known, on_change),
                };
                let decision = self.left_over(place, &known).unwrap_or_else(usual);
                let row = DocumentRow {
                    mapped_print: Fingerprint::of(NO_CONTENT),
                    step: 0,
                    tries: Vec::new(),
                    sent: None,
                    ..known.clone()
                };
                self.decided(place, decision, Some(known), row, (None, NO_CONTENT))?;
            }
            self.count(place);
        }
        Ok(())
    }

    fn count(&mut self, place: usize) {
        let (Some(record), Some(earlier)) = (self.made.records.get(place), self.earlier.get(place))
        else {
            return;
        };
        if record.documents.is_empty() {
            self.made.counts.dropped += 1;
        } else if !earlier.touched {
            self.made.counts.unchanged += 1;
        }
    }
}
