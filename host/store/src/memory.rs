//! A store that forgets: for tests and for `plan`. It keeps every rule of the
//! trait but durability.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use duijie_record::{RunId, Scope, SourceKey, TargetKey};

use crate::{
    Caution, Change, Checkpoint, Claim, DeadLetter, Error, Fill, Group, GroupPart, Hold, Intent,
    IntentId, LedgerRow, Member, Owed, RunRow, SegmentKind, SegmentRef, Store, TableRow,
};

/// Where one document of one record is kept.
type DocumentKey = (SourceKey, String);

#[derive(Default)]
struct ScopeState {
    epoch: u64,
    /// By lane.
    checkpoints: BTreeMap<String, Checkpoint>,
    caution: Option<Caution>,
    bound: Option<String>,
    schedule: Option<Vec<u8>>,
    intents: BTreeMap<IntentId, Intent>,
    /// With the number of its writing, of all rows of the scope.
    ledger: HashMap<SourceKey, (u64, LedgerRow)>,
    written: u64,
    dead_letters: BTreeMap<DocumentKey, DeadLetter>,
    holds: BTreeMap<DocumentKey, Hold>,
    groups: BTreeMap<GroupPart, Group>,
    members: BTreeMap<(GroupPart, SourceKey), Member>,
    /// By source key and token.
    owed: BTreeMap<(SourceKey, String), Owed>,
    runs: BTreeMap<RunId, RunRow>,
    /// One pretended file for each append. It stays as evidence.
    segments: HashMap<u64, Vec<u8>>,
}

/// What belongs to no scope.
#[derive(Default)]
struct Tables {
    /// By table, then key.
    rows: BTreeMap<(String, String), TableRow>,
    fills: BTreeMap<String, Fill>,
}

impl Tables {
    fn apply(&mut self, change: Change) {
        match change {
            Change::TableRow(row) => {
                let key = (row.table.clone(), row.key.clone());
                self.rows.insert(key, row);
            }
            Change::DropTableRow { table, key } => {
                self.rows.remove(&(table, key));
            }
            Change::Fill(fill) => {
                self.fills.insert(fill.table.clone(), fill);
            }
            _ => {}
        }
    }
}

/// State in memory, kept apart by scope.
#[derive(Default)]
pub struct Memory {
    scopes: Mutex<BTreeMap<String, ScopeState>>,
    /// Locked after the scopes, where both are.
    tables: Mutex<Tables>,
    intent_mark: AtomicU64,
    segment_mark: AtomicU64,
}

impl Memory {
    pub fn new() -> Self {
        Self::default()
    }

    /// A change is one insertion or removal, so a poisoned lock still guards whole state.
    fn scopes(&self) -> MutexGuard<'_, BTreeMap<String, ScopeState>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T: Default>(&self, scope: &Scope, view: impl FnOnce(&ScopeState) -> T) -> T {
        self.scopes()
            .get(scope.as_str())
            .map(view)
            .unwrap_or_default()
    }

    fn lay_aside(
        &self,
        scope: &Scope,
        kind: SegmentKind,
        data: &[u8],
    ) -> Result<SegmentRef, Error> {
        let mut scopes = self.scopes();
        let state = scopes.entry(scope.0.clone()).or_default();
        let file = self.segment_mark.fetch_add(1, Ordering::Relaxed) + 1;
        state.segments.insert(file, data.to_vec());
        Ok(SegmentRef {
            kind,
            file,
            offset: 0,
            bytes: data.len() as u64,
            crc: crc32fast::hash(data),
        })
    }
}

impl ScopeState {
    fn apply(&mut self, change: Change, tables: &mut Tables) {
        match change {
            Change::Intent(intent) => {
                self.intents.insert(intent.id, intent);
            }
            Change::Settle(id) => {
                self.intents.remove(&id);
            }
            Change::Ledger(row) => {
                self.written += 1;
                let placed = (self.written, row);
                self.ledger.insert(placed.1.source_key.clone(), placed);
            }
            Change::DeadLetter(letter) => {
                let key = (letter.source_key.clone(), letter.part.clone());
                self.dead_letters.insert(key, letter);
            }
            Change::Hold(hold) => {
                let key = (hold.source_key.clone(), hold.part.clone());
                self.holds.insert(key, hold);
            }
            Change::Release { source_key, part } => {
                let key = (source_key, part);
                self.holds.remove(&key);
                self.dead_letters.remove(&key);
            }
            Change::Checkpoint(checkpoint) => {
                self.checkpoints.insert(checkpoint.lane.clone(), checkpoint);
            }
            Change::ResetCheckpoint { lane } => {
                self.checkpoints.remove(&lane);
            }
            Change::Member(_) | Change::Leave { .. } | Change::Group(_) | Change::Dissolve(_) => {
                self.apply_of_group(change);
            }
            Change::Caution(caution) => self.caution = caution,
            Change::Bind(target) => self.bound = Some(target),
            Change::Schedule(state) => self.schedule = Some(state),
            Change::Run(row) => {
                self.runs.insert(row.run.clone(), row);
            }
            Change::Owe(owed) => {
                let key = (owed.source_key.clone(), owed.token.clone());
                self.owed.insert(key, owed);
            }
            Change::Paid { source_key, token } => {
                self.owed.remove(&(source_key, token));
            }
            Change::TableRow(_) | Change::DropTableRow { .. } | Change::Fill(_) => {
                tables.apply(change);
            }
        }
    }

    fn apply_of_group(&mut self, change: Change) {
        match change {
            Change::Member(member) => {
                let key = (member.place.clone(), member.source_key.clone());
                self.members.insert(key, member);
            }
            Change::Leave { place, source_key } => {
                self.members.remove(&(place, source_key));
            }
            Change::Group(group) => {
                self.groups.insert(group.place.clone(), group);
            }
            Change::Dissolve(place) => {
                self.groups.remove(&place);
            }
            _ => {}
        }
    }

    fn owner(&self, key: &TargetKey) -> Option<SourceKey> {
        let has = |row: &LedgerRow| row.documents.iter().any(|one| one.target_key == *key);
        let rows = self.ledger.values().filter(|(_, row)| has(row));
        let latest = rows.max_by_key(|(written, _)| *written);
        latest.map(|(_, row)| row.source_key.clone())
    }
}

fn lost(claim: &Claim, current: u64) -> Error {
    Error::ClaimLost {
        scope: claim.scope.to_string(),
        held: claim.epoch,
        current,
    }
}

#[async_trait]
impl Store for Memory {
    async fn claim(&self, scope: &Scope) -> Result<Claim, Error> {
        let mut scopes = self.scopes();
        let state = scopes.entry(scope.0.clone()).or_default();
        state.epoch += 1;
        Ok(Claim {
            scope: scope.clone(),
            epoch: state.epoch,
        })
    }

    /// Nothing of it lies anywhere.
    fn unlock(&self, _scope: &Scope, _sealed: bool) -> Result<(), Error> {
        Ok(())
    }

    async fn commit(&self, claim: &Claim, changes: Vec<Change>) -> Result<(), Error> {
        let mut scopes = self.scopes();
        let Some(state) = scopes.get_mut(claim.scope.as_str()) else {
            return Err(lost(claim, 0));
        };
        if state.epoch != claim.epoch {
            return Err(lost(claim, state.epoch));
        }
        let mut tables = self.tables();
        for change in changes {
            state.apply(change, &mut tables);
        }
        Ok(())
    }

    fn next_intent_id(&self) -> IntentId {
        IntentId(self.intent_mark.fetch_add(1, Ordering::Relaxed) + 1)
    }

    async fn append_segment(&self, claim: &Claim, data: &[u8]) -> Result<SegmentRef, Error> {
        self.lay_aside(&claim.scope, SegmentKind::Documents, data)
    }

    fn append_evidence(&self, scope: &Scope, data: &[u8]) -> Result<SegmentRef, Error> {
        self.lay_aside(scope, SegmentKind::Evidence, data)
    }

    fn read_segment(&self, scope: &Scope, segment: &SegmentRef) -> Result<Vec<u8>, Error> {
        self.kept(scope, segment)?.ok_or_else(|| Error::Damaged {
            what: "segment",
            place: format!("memory, file {}", segment.file),
            reason: "no data with this checksum is there".to_owned(),
        })
    }

    fn kept(&self, scope: &Scope, segment: &SegmentRef) -> Result<Option<Vec<u8>>, Error> {
        let data = self.read(scope, |state| state.segments.get(&segment.file).cloned());
        Ok(data.filter(|data| crc32fast::hash(data) == segment.crc))
    }

    fn checkpoint(&self, scope: &Scope, lane: &str) -> Result<Option<Checkpoint>, Error> {
        Ok(self.read(scope, |state| state.checkpoints.get(lane).cloned()))
    }

    fn lanes(&self, scope: &Scope) -> Result<Vec<String>, Error> {
        let named = |lane: &&String| !lane.is_empty();
        Ok(self.read(scope, |state| {
            state.checkpoints.keys().filter(named).cloned().collect()
        }))
    }

    fn caution(&self, scope: &Scope) -> Result<Option<Caution>, Error> {
        Ok(self.read(scope, |state| state.caution.clone()))
    }

    fn bound(&self, scope: &Scope) -> Result<Option<String>, Error> {
        Ok(self.read(scope, |state| state.bound.clone()))
    }

    fn open_intents(&self, scope: &Scope) -> Result<Vec<Intent>, Error> {
        Ok(self.read(scope, |state| state.intents.values().cloned().collect()))
    }

    fn ledger(&self, scope: &Scope, keys: &[SourceKey]) -> Result<Vec<Option<LedgerRow>>, Error> {
        let scopes = self.scopes();
        let state = scopes.get(scope.as_str());
        let row = |key| {
            let placed = state.and_then(|state| state.ledger.get(key));
            placed.map(|(_, row)| row.clone())
        };
        Ok(keys.iter().map(row).collect())
    }

    fn owners(&self, scope: &Scope, keys: &[TargetKey]) -> Result<Vec<Option<SourceKey>>, Error> {
        let scopes = self.scopes();
        let state = scopes.get(scope.as_str());
        let owner = |key| state.and_then(|state| state.owner(key));
        Ok(keys.iter().map(owner).collect())
    }

    fn find(&self, number: &str) -> Result<Vec<(Scope, LedgerRow)>, Error> {
        let mut found = Vec::new();
        for (scope, state) in &*self.scopes() {
            let rows = state.ledger.values().map(|(_, row)| row);
            let rows = rows.filter(|row| row.has_number(number));
            found.extend(rows.map(|row| (Scope(scope.clone()), row.clone())));
        }
        found.sort_by_key(|(_, row)| std::cmp::Reverse(row.at_ms));
        Ok(found)
    }

    fn dead_letters(&self, scope: &Scope) -> Result<Vec<DeadLetter>, Error> {
        Ok(self.read(scope, |state| {
            state.dead_letters.values().cloned().collect()
        }))
    }

    fn holds(&self, scope: &Scope) -> Result<Vec<Hold>, Error> {
        Ok(self.read(scope, |state| state.holds.values().cloned().collect()))
    }

    fn groups(&self, scope: &Scope) -> Result<Vec<Group>, Error> {
        Ok(self.read(scope, |state| state.groups.values().cloned().collect()))
    }

    fn members(&self, scope: &Scope, place: &GroupPart) -> Result<Vec<Member>, Error> {
        let of = |member: &&Member| member.place == *place;
        let mut members: Vec<Member> = self.read(scope, |state| {
            state.members.values().filter(of).cloned().collect()
        });
        members.sort_unstable_by_key(|member| member.order);
        Ok(members)
    }

    fn owed(&self, scope: &Scope) -> Result<Vec<Owed>, Error> {
        Ok(self.read(scope, |state| state.owed.values().cloned().collect()))
    }

    fn schedule(&self, scope: &Scope) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.read(scope, |state| state.schedule.clone()))
    }

    fn run(&self, scope: &Scope, run: &RunId) -> Result<Option<RunRow>, Error> {
        Ok(self.read(scope, |state| state.runs.get(run).cloned()))
    }

    fn runs(&self, scope: &Scope, limit: usize) -> Result<Vec<RunRow>, Error> {
        Ok(self.read(scope, |state| {
            state.runs.values().rev().take(limit).cloned().collect()
        }))
    }

    fn fills(&self) -> Result<Vec<Fill>, Error> {
        Ok(self.tables().fills.values().cloned().collect())
    }

    fn table(&self, name: &str) -> Result<Vec<TableRow>, Error> {
        let tables = self.tables();
        let rows = tables.rows.range((name.to_owned(), String::new())..);
        let rows = rows.take_while(|((table, _), _)| table == name);
        Ok(rows.map(|(_, row)| row.clone()).collect())
    }

    fn scopes(&self) -> Result<Vec<Scope>, Error> {
        Ok(self
            .scopes()
            .keys()
            .map(|name| Scope(name.clone()))
            .collect())
    }
}
