//! A commit on its way to the committer: its changes in their stored form.
//! Made by the caller, so that pipelines encode beside each other.

use std::collections::BTreeMap;

use duijie_record::Scope;
use serde::Serialize;

use crate::codec::{
    self, BoundV1, CautionV1, CheckpointV1, DeadLetterV1, HoldV1, IntentV1, RunRowV1,
};
use crate::key::{Key, Kind};
use crate::ledger::EncodedRow;
use crate::table::MAX_VALUE;
use crate::{Change, Error, IntentId, SegmentRef};

#[derive(Default)]
pub(crate) struct Prepared {
    /// What each key holds afterwards; `None` removes it.
    pub(crate) values: BTreeMap<Key, Option<Vec<u8>>>,
    pub(crate) rows: Vec<EncodedRow>,
    pub(crate) effects: Effects,
}

/// What a commit means for the segment files.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) opened: Vec<(IntentId, SegmentRef)>,
    pub(crate) settled: Vec<IntentId>,
}

impl Prepared {
    pub(crate) fn new(scope: &Scope, changes: &[Change]) -> Result<Self, Error> {
        let mut prepared = Self::default();
        for change in changes {
            prepared.add(scope, change)?;
        }
        Ok(prepared)
    }

    fn add(&mut self, scope: &Scope, change: &Change) -> Result<(), Error> {
        let key = |kind| Key::new(kind).text(scope.as_str());
        match change {
            Change::Intent(intent) => {
                self.effects
                    .opened
                    .push((intent.id, intent.segment.clone()));
                self.put(
                    key(Kind::Intent).number(intent.id.0),
                    &IntentV1::from(intent),
                )
            }
            Change::Settle(id) => {
                self.effects.settled.push(*id);
                self.remove(key(Kind::Intent).number(id.0))
            }
            Change::DeadLetter(letter) => {
                let key = key(Kind::DeadLetter).text(letter.source_key.as_str());
                self.put(key.text(&letter.part), &DeadLetterV1::from(letter))
            }
            Change::Hold(hold) => {
                let key = key(Kind::Hold).text(hold.source_key.as_str());
                self.put(key.text(&hold.part), &HoldV1::from(hold))
            }
            Change::Release { source_key, part } => {
                for kind in [Kind::Hold, Kind::DeadLetter] {
                    self.remove(key(kind).text(source_key.as_str()).text(part))?;
                }
                Ok(())
            }
            Change::Checkpoint(checkpoint) => {
                let key = key(Kind::Checkpoint).text(&checkpoint.lane);
                self.put(key, &CheckpointV1::from(checkpoint))
            }
            Change::ResetCheckpoint { lane } => self.remove(key(Kind::Checkpoint).text(lane)),
            Change::Caution(Some(caution)) => {
                self.put(key(Kind::Caution), &CautionV1::from(caution))
            }
            Change::Caution(None) => self.remove(key(Kind::Caution)),
            Change::Bind(target) => self.put(key(Kind::Bound), &BoundV1 { target }),
            Change::Run(row) => {
                self.put(key(Kind::Run).text(row.run.as_str()), &RunRowV1::from(row))
            }
            Change::Ledger(row) => {
                self.rows.push(EncodedRow::new(row)?);
                Ok(())
            }
        }
    }

    fn put<T: Serialize>(&mut self, key: Key, value: &T) -> Result<(), Error> {
        let bytes = codec::encode(value)?;
        if bytes.len() > MAX_VALUE {
            return Err(Error::Io {
                what: "storing a value",
                place: "the database".to_owned(),
                reason: format!("{} bytes are more than {MAX_VALUE}", bytes.len()),
            });
        }
        self.values.insert(key, Some(bytes));
        Ok(())
    }

    fn remove(&mut self, key: Key) -> Result<(), Error> {
        self.values.insert(key, None);
        Ok(())
    }
}
