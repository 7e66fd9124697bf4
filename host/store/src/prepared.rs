//! A commit on its way to the committer: its changes in their stored form.
//! Made by the caller, so that pipelines encode beside each other.

use std::collections::BTreeMap;

use duijie_record::Scope;
use serde::Serialize;

use crate::codec::{
    self, BoundV1, CautionV1, CheckpointV1, DeadLetterV1, FillV1, GroupV1, HoldV1, IntentV1,
    MemberV1, OwedV1, RunRowV1, ScheduleV1, TableRowV1,
};
use crate::key::{Key, Kind};
use crate::layer::EncodedRow;
use crate::redo::{self, Op, Ops};
use crate::table::MAX_VALUE;
use crate::{Change, Error, GroupPart, IntentId, SegmentRef};

/// Half of what a redo record may be: the other half is for commits that
/// share it.
pub(crate) const MAX_COMMIT: usize = MAX_VALUE / 2;

#[derive(Default)]
pub(crate) struct Prepared {
    /// What each key holds afterwards; `None` removes it.
    pub(crate) values: BTreeMap<Key, Option<Vec<u8>>>,
    pub(crate) rows: Vec<EncodedRow>,
    /// The same for the redo record.
    pub(crate) ops: Ops,
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
        for (key, value) in &prepared.values {
            let key = key.bytes();
            prepared.ops.push(&match value {
                Some(value) => Op::Put { key, value },
                None => Op::Remove { key },
            });
        }
        for row in &prepared.rows {
            let scope = scope.as_str();
            let row = &row.bytes;
            prepared.ops.push(&Op::Row { scope, row });
        }
        redo::check_length(&prepared.ops, MAX_COMMIT)?;
        Ok(prepared)
    }

    fn add(&mut self, scope: &Scope, change: &Change) -> Result<(), Error> {
        let key = |kind| Key::new(kind).text(scope.as_str());
        match change {
            Change::Intent(intent) => {
                let opened = (intent.id, intent.segment.clone());
                self.effects.opened.push(opened);
                let key = key(Kind::Intent).number(intent.id.0);
                self.put(key, &IntentV1::from(intent))
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
            Change::Member(_) | Change::Leave { .. } | Change::Group(_) | Change::Dissolve(_) => {
                self.add_of_group(scope, change)
            }
            Change::Caution(Some(caution)) => {
                self.put(key(Kind::Caution), &CautionV1::from(caution))
            }
            Change::Caution(None) => self.remove(key(Kind::Caution)),
            Change::Bind(target) => self.put(key(Kind::Bound), &BoundV1 { target }),
            Change::Run(row) => {
                self.put(key(Kind::Run).text(row.run.as_str()), &RunRowV1::from(row))
            }
            Change::Owe(owed) => {
                let key = key(Kind::Owed).text(owed.source_key.as_str());
                self.put(key.text(&owed.token), &OwedV1::from(owed))
            }
            Change::Paid { source_key, token } => {
                self.remove(key(Kind::Owed).text(source_key.as_str()).text(token))
            }
            Change::TableRow(_) | Change::DropTableRow { .. } | Change::Fill(_) => {
                self.add_of_table(change)
            }
            Change::Schedule(state) => self.put(key(Kind::Schedule), &ScheduleV1 { state }),
            Change::Ledger(row) => {
                self.rows.push(EncodedRow::new(row)?);
                Ok(())
            }
        }
    }

    fn add_of_group(&mut self, scope: &Scope, change: &Change) -> Result<(), Error> {
        let key = |kind, place| part(Key::new(kind).text(scope.as_str()), place);
        match change {
            Change::Member(member) => {
                let key = key(Kind::Member, &member.place);
                self.put(
                    key.text(member.source_key.as_str()),
                    &MemberV1::from(member),
                )
            }
            Change::Leave { place, source_key } => {
                self.remove(key(Kind::Member, place).text(source_key.as_str()))
            }
            Change::Group(group) => self.put(key(Kind::Group, &group.place), &GroupV1::from(group)),
            Change::Dissolve(place) => self.remove(key(Kind::Group, place)),
            _ => Ok(()),
        }
    }

    /// Tables belong to no scope.
    fn add_of_table(&mut self, change: &Change) -> Result<(), Error> {
        let key = |kind, table| Key::new(kind).text(table);
        match change {
            Change::TableRow(row) => {
                let key = key(Kind::TableRow, &row.table).text(&row.key);
                self.put(key, &TableRowV1::from(row))
            }
            Change::DropTableRow { table, key: row } => {
                self.remove(key(Kind::TableRow, table).text(row))
            }
            Change::Fill(fill) => self.put(key(Kind::Fill, &fill.table), &FillV1::from(fill)),
            _ => Ok(()),
        }
    }

    fn put<T: Serialize>(&mut self, key: Key, value: &T) -> Result<(), Error> {
        self.values.insert(key, Some(codec::encode(value)?));
        Ok(())
    }

    fn remove(&mut self, key: Key) -> Result<(), Error> {
        self.values.insert(key, None);
        Ok(())
    }
}

/// A key that goes on with a part of a group.
pub(crate) fn part(key: Key, place: &GroupPart) -> Key {
    key.text(&place.group).number(place.part.into())
}
