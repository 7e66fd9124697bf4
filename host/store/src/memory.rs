//! A store that forgets: for tests and for `plan`. It keeps every rule of the
//! trait but durability.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use duijie_record::{RunId, Scope, SourceKey};

use crate::{
    Change, Checkpoint, Claim, DeadLetter, Error, Hold, Intent, IntentId, LedgerRow, RunRow,
    SegmentRef, Store,
};

/// Where one document of one record is kept.
type DocumentKey = (SourceKey, String);

#[derive(Default)]
struct ScopeState {
    epoch: u64,
    checkpoint: Option<Checkpoint>,
    intents: BTreeMap<IntentId, Intent>,
    ledger: HashMap<SourceKey, LedgerRow>,
    dead_letters: BTreeMap<DocumentKey, DeadLetter>,
    holds: BTreeMap<DocumentKey, Hold>,
    runs: BTreeMap<RunId, RunRow>,
    /// One pretended file for each append, gone when its intents are settled.
    segments: HashMap<u64, Vec<u8>>,
}

/// State in memory, kept apart by scope.
#[derive(Default)]
pub struct Memory {
    scopes: Mutex<BTreeMap<String, ScopeState>>,
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

    fn read<T: Default>(&self, scope: &Scope, view: impl FnOnce(&ScopeState) -> T) -> T {
        self.scopes()
            .get(scope.as_str())
            .map(view)
            .unwrap_or_default()
    }
}

impl ScopeState {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Intent(intent) => {
                self.intents.insert(intent.id, intent);
            }
            Change::Settle(id) => {
                self.intents.remove(&id);
            }
            Change::Ledger(row) => {
                self.ledger.insert(row.source_key.clone(), row);
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
            Change::Checkpoint(checkpoint) => self.checkpoint = Some(checkpoint),
            Change::ResetCheckpoint => self.checkpoint = None,
            Change::Run(row) => {
                self.runs.insert(row.run.clone(), row);
            }
        }
    }

    /// Drops the files that intents of `before` named and none names now.
    fn drop_segments(&mut self, before: &[u64]) {
        for file in before {
            let mut open = self.intents.values();
            if open.all(|intent| intent.segment.file != *file) {
                self.segments.remove(file);
            }
        }
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

    async fn commit(&self, claim: &Claim, changes: Vec<Change>) -> Result<(), Error> {
        let mut scopes = self.scopes();
        let Some(state) = scopes.get_mut(claim.scope.as_str()) else {
            return Err(lost(claim, 0));
        };
        if state.epoch != claim.epoch {
            return Err(lost(claim, state.epoch));
        }
        let open = state.intents.values();
        let before: Vec<_> = open.map(|intent| intent.segment.file).collect();
        for change in changes {
            state.apply(change);
        }
        state.drop_segments(&before);
        Ok(())
    }

    fn next_intent_id(&self) -> IntentId {
        IntentId(self.intent_mark.fetch_add(1, Ordering::Relaxed) + 1)
    }

    async fn append_segment(&self, claim: &Claim, data: &[u8]) -> Result<SegmentRef, Error> {
        let mut scopes = self.scopes();
        let Some(state) = scopes.get_mut(claim.scope.as_str()) else {
            return Err(lost(claim, 0));
        };
        let file = self.segment_mark.fetch_add(1, Ordering::Relaxed) + 1;
        state.segments.insert(file, data.to_vec());
        Ok(SegmentRef {
            file,
            offset: 0,
            bytes: data.len() as u64,
            crc: crc32fast::hash(data),
        })
    }

    fn read_segment(&self, scope: &Scope, segment: &SegmentRef) -> Result<Vec<u8>, Error> {
        let data = self.read(scope, |state| state.segments.get(&segment.file).cloned());
        let whole = data.filter(|data| crc32fast::hash(data) == segment.crc);
        whole.ok_or_else(|| Error::Damaged {
            what: "segment",
            place: format!("memory, file {}", segment.file),
            reason: "no data with this checksum is there".to_owned(),
        })
    }

    fn checkpoint(&self, scope: &Scope) -> Result<Option<Checkpoint>, Error> {
        Ok(self.read(scope, |state| state.checkpoint.clone()))
    }

    fn open_intents(&self, scope: &Scope) -> Result<Vec<Intent>, Error> {
        Ok(self.read(scope, |state| state.intents.values().cloned().collect()))
    }

    fn ledger(&self, scope: &Scope, keys: &[SourceKey]) -> Result<Vec<Option<LedgerRow>>, Error> {
        let scopes = self.scopes();
        let state = scopes.get(scope.as_str());
        let row = |key| state.and_then(|state| state.ledger.get(key).cloned());
        Ok(keys.iter().map(row).collect())
    }

    fn dead_letters(&self, scope: &Scope) -> Result<Vec<DeadLetter>, Error> {
        Ok(self.read(scope, |state| {
            state.dead_letters.values().cloned().collect()
        }))
    }

    fn holds(&self, scope: &Scope) -> Result<Vec<Hold>, Error> {
        Ok(self.read(scope, |state| state.holds.values().cloned().collect()))
    }

    fn runs(&self, scope: &Scope, limit: usize) -> Result<Vec<RunRow>, Error> {
        Ok(self.read(scope, |state| {
            state.runs.values().rev().take(limit).cloned().collect()
        }))
    }

    fn scopes(&self) -> Result<Vec<Scope>, Error> {
        Ok(self
            .scopes()
            .keys()
            .map(|name| Scope(name.clone()))
            .collect())
    }
}
