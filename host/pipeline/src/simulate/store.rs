//! The memory store, slow, and with the checkpoint's promise checked at every
//! commit.

use std::sync::Arc;

use async_trait::async_trait;
use duijie_record::{RunId, Scope, SourceKey, TargetKey};
use duijie_store::{
    Caution, Change, Checkpoint, Claim, DeadLetter, Error, Fill, Group, GroupPart, Hold, Intent,
    IntentId, LedgerRow, Member, Memory, Owed, RunRow, SegmentRef, Store, TableRow,
};

use super::chaos::alive;
use super::world::World;

pub(crate) struct Slow {
    pub(crate) memory: Memory,
    pub(crate) world: Arc<World>,
}

impl Slow {
    /// Everything before a checkpoint has a row of that version or a later one.
    fn check(&self, scope: &Scope, checkpoint: &Checkpoint) {
        let end: usize = String::from_utf8_lossy(&checkpoint.position.0)
            .parse()
            .unwrap();
        let before = self.world.ground().source[..end].to_vec();
        for written in before {
            let key = SourceKey(written.key.clone());
            let row = self.memory.ledger(scope, &[key]).unwrap().remove(0);
            let version = row.and_then(|row| row.version);
            if version.is_none_or(|version| version.0 < written.version()) {
                let wrong = format!("the checkpoint {end} is ahead of {written:?}");
                self.world.ground().wrongs.push(wrong);
            }
        }
    }
}

#[async_trait]
impl Store for Slow {
    async fn claim(&self, scope: &Scope) -> Result<Claim, Error> {
        self.memory.claim(scope).await
    }

    fn unlock(&self, scope: &Scope, sealed: bool) -> Result<(), Error> {
        self.memory.unlock(scope, sealed)
    }

    async fn commit(&self, claim: &Claim, changes: Vec<Change>) -> Result<(), Error> {
        self.world.pause(2).await;
        alive().await;
        let checkpoint = changes.iter().find_map(|change| match change {
            Change::Checkpoint(checkpoint) => Some(checkpoint.clone()),
            _ => None,
        });
        self.memory.commit(claim, changes).await?;
        if let Some(checkpoint) = checkpoint.filter(|_| self.world.watchful) {
            self.check(&claim.scope, &checkpoint);
        }
        self.world.pause(2).await;
        Ok(())
    }

    fn next_intent_id(&self) -> IntentId {
        self.memory.next_intent_id()
    }

    async fn append_segment(&self, claim: &Claim, data: &[u8]) -> Result<SegmentRef, Error> {
        self.world.pause(0).await;
        alive().await;
        self.memory.append_segment(claim, data).await
    }

    fn append_evidence(&self, scope: &Scope, data: &[u8]) -> Result<SegmentRef, Error> {
        self.memory.append_evidence(scope, data)
    }

    fn read_segment(&self, scope: &Scope, segment: &SegmentRef) -> Result<Vec<u8>, Error> {
        self.memory.read_segment(scope, segment)
    }

    fn kept(&self, scope: &Scope, segment: &SegmentRef) -> Result<Option<Vec<u8>>, Error> {
        self.memory.kept(scope, segment)
    }

    fn checkpoint(&self, scope: &Scope, lane: &str) -> Result<Option<Checkpoint>, Error> {
        self.memory.checkpoint(scope, lane)
    }

    fn lanes(&self, scope: &Scope) -> Result<Vec<String>, Error> {
        self.memory.lanes(scope)
    }

    fn caution(&self, scope: &Scope) -> Result<Option<Caution>, Error> {
        self.memory.caution(scope)
    }

    fn bound(&self, scope: &Scope) -> Result<Option<String>, Error> {
        self.memory.bound(scope)
    }

    fn open_intents(&self, scope: &Scope) -> Result<Vec<Intent>, Error> {
        self.memory.open_intents(scope)
    }

    fn ledger(&self, scope: &Scope, keys: &[SourceKey]) -> Result<Vec<Option<LedgerRow>>, Error> {
        self.memory.ledger(scope, keys)
    }

    fn owners(&self, scope: &Scope, keys: &[TargetKey]) -> Result<Vec<Option<SourceKey>>, Error> {
        self.memory.owners(scope, keys)
    }

    fn find(&self, number: &str) -> Result<Vec<(Scope, LedgerRow)>, Error> {
        self.memory.find(number)
    }

    fn dead_letters(&self, scope: &Scope) -> Result<Vec<DeadLetter>, Error> {
        self.memory.dead_letters(scope)
    }

    fn holds(&self, scope: &Scope) -> Result<Vec<Hold>, Error> {
        self.memory.holds(scope)
    }

    fn groups(&self, scope: &Scope) -> Result<Vec<Group>, Error> {
        self.memory.groups(scope)
    }

    fn members(&self, scope: &Scope, place: &GroupPart) -> Result<Vec<Member>, Error> {
        self.memory.members(scope, place)
    }

    fn owed(&self, scope: &Scope) -> Result<Vec<Owed>, Error> {
        self.memory.owed(scope)
    }

    fn schedule(&self, scope: &Scope) -> Result<Option<Vec<u8>>, Error> {
        self.memory.schedule(scope)
    }

    fn run(&self, scope: &Scope, run: &RunId) -> Result<Option<RunRow>, Error> {
        self.memory.run(scope, run)
    }

    fn runs(&self, scope: &Scope, limit: usize) -> Result<Vec<RunRow>, Error> {
        self.memory.runs(scope, limit)
    }

    fn fills(&self) -> Result<Vec<Fill>, Error> {
        self.memory.fills()
    }

    fn table(&self, name: &str) -> Result<Vec<TableRow>, Error> {
        self.memory.table(name)
    }

    fn scopes(&self) -> Result<Vec<Scope>, Error> {
        self.memory.scopes()
    }
}
