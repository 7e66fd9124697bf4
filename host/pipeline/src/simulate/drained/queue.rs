//! The source: rows that it gives until it was told of them, and what must be
//! true when it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use duijie_contract::{
    Acknowledge, Description, Fault, FaultKind, Launch, Lookup, Preview, Problem, Source, Steps,
    Tables, Target, Transform, Use,
};
use duijie_record::{
    Acknowledged, Acknowledgement, Change, Position, RecordBatch, RecordEntry, Rejection,
    Resolution, Retry, SourceKey, Version,
};
use duijie_store::{DocumentState, Store};

use crate::page::PARTIAL;
use crate::simulate::chaos::alive;
use crate::simulate::launch::Fakes;
use crate::simulate::store::Slow;
use crate::simulate::world::{Fate, World, Written, fault, unavailable};

/// The rows of the source that it was not told of yet.
#[derive(Clone)]
pub(super) struct Queue {
    pub(super) store: Arc<Slow>,
    /// What each row was acknowledged with, by token.
    pub(super) told: Arc<Mutex<BTreeMap<String, Vec<Resolution>>>>,
    /// Rows whose acknowledgement is refused.
    pub(super) refused: Arc<BTreeSet<String>>,
    /// Never tells whether it took anything, where set.
    pub(super) mute: Arc<Mutex<bool>>,
}

pub(super) fn token(row: usize) -> String {
    format!("t{row}")
}

impl Queue {
    pub(super) fn told(&self) -> BTreeMap<String, Vec<Resolution>> {
        self.told.lock().unwrap().clone()
    }

    pub(super) fn world(&self) -> &World {
        &self.store.world
    }

    pub(super) fn rows(&self) -> Vec<Written> {
        self.world().ground().source.clone()
    }

    /// What must be true when the source is told of a row.
    fn watch(&self, entry: &Acknowledgement) {
        let rows = self.rows();
        let row: usize = entry.token[1..].parse().unwrap();
        let scope = "orders".into();
        let ledger = self
            .store
            .memory
            .ledger(&scope, std::slice::from_ref(&entry.key));
        let known = ledger.unwrap().remove(0);
        let version = Version(rows[row].version());
        let durable = known.as_ref().is_some_and(|known| {
            let held =
                |one: &duijie_store::DocumentRow| matches!(one.state, DocumentState::Held(_));
            let this = known.version.as_ref() == Some(&version);
            let whole = known.source_print != PARTIAL && !known.documents.iter().any(held);
            known.version.as_ref() > Some(&version) || (this && whole)
        });
        // A later version of it may be on its way in the meantime.
        let later = rows
            .iter()
            .any(|other| other.key == rows[row].key && other.version > rows[row].version);
        let owed = self.store.memory.owed(&scope).unwrap();
        let owed = owed.iter().any(|owed| owed.token == entry.token);
        if !owed || !(durable || later) || rows[row].key != entry.key.0 {
            let wrong = format!("{entry:?} was told too early: {known:?}");
            self.world().ground().wrongs.push(wrong);
        }
    }
}

pub(super) struct Drains {
    pub(super) fakes: Fakes,
    pub(super) queue: Queue,
}

#[async_trait]
impl Launch for Drains {
    async fn describe(&self, connector: &str) -> Result<Description, Fault> {
        self.fakes.describe(connector).await
    }
    async fn check(&self, usage: &Use) -> Result<Vec<Problem>, Fault> {
        self.fakes.check(usage).await
    }
    async fn outline(&self, _: &Use, _: Option<&Position>) -> Result<Vec<String>, Fault> {
        Ok(vec!["what is not acknowledged".to_owned()])
    }
    async fn source(&self, _: &Use, from: Option<&Position>) -> Result<Box<dyn Source>, Fault> {
        assert_eq!(from, None);
        let queue = self.queue.clone();
        Ok(Box::new(Rows { queue, next: 0 }))
    }
    async fn acknowledge(&self, _: &Use) -> Result<Option<Box<dyn Acknowledge>>, Fault> {
        Ok(Some(Box::new(self.queue.clone())))
    }
    async fn transform(
        &self,
        usage: &Use,
        tables: &Arc<dyn Tables>,
    ) -> Result<Box<dyn Transform>, Fault> {
        self.fakes.transform(usage, tables).await
    }
    async fn target(&self, usage: &Use) -> Result<Box<dyn Target>, Fault> {
        self.fakes.target(usage).await
    }
    async fn lookup(&self, usage: &Use) -> Result<Option<Box<dyn Lookup>>, Fault> {
        self.fakes.lookup(usage).await
    }
    async fn steps(&self, usage: &Use) -> Result<Option<Box<dyn Steps>>, Fault> {
        self.fakes.steps(usage).await
    }
    fn take_previews(&self) -> Vec<Preview> {
        Vec::new()
    }
}

/// Pages through the rows once and then gives the first ones again.
struct Rows {
    pub(super) queue: Queue,
    next: usize,
}

#[async_trait]
impl Source for Rows {
    async fn next(&mut self, limit: u32, ahead: u32) -> Result<Option<RecordBatch>, Fault> {
        let world = Arc::clone(&self.queue.store.world);
        assert_eq!(ahead, 0);
        world.pause(5).await;
        alive().await;
        if world.trouble(30) {
            return Err(unavailable());
        }
        let told = self.queue.told();
        let open = |row: &usize| !told.contains_key(&token(*row));
        let rows = self.queue.rows();
        let mut left: Vec<usize> = (self.next..rows.len()).filter(open).collect();
        if left.is_empty() {
            left = (0..rows.len()).filter(open).collect();
        }
        left.truncate(1 + world.below(u64::from(limit)) as usize);
        let Some(last) = left.last() else {
            return Ok(None);
        };
        self.next = last + 1;
        let mut batch = RecordBatch {
            data: Vec::new(),
            entries: Vec::new(),
            position: (world.below(2) > 0).then(|| Position(b"the same".to_vec())),
        };
        for row in left {
            let written = &rows[row];
            batch.data.extend_from_slice(written.line().as_bytes());
            batch.data.push(b'\n');
            batch.entries.push(RecordEntry {
                key: SourceKey(written.key.clone()),
                version: Some(Version(written.version())),
                change: match written.fate {
                    Fate::Delete => Change::Delete,
                    _ => Change::Upsert,
                },
                ack_token: Some(token(row)),
            });
        }
        Ok(Some(batch))
    }

    async fn committed(&mut self, position: &Position) -> Result<(), Fault> {
        panic!("{position:?} was committed");
    }
}

#[async_trait]
impl Acknowledge for Queue {
    async fn acknowledge(
        &mut self,
        entries: &[Acknowledgement],
    ) -> Result<Vec<Acknowledged>, Fault> {
        let world = Arc::clone(&self.store.world);
        alive().await;
        world.pause(5).await;
        alive().await;
        if world.trouble(20) {
            return Err(unavailable());
        }
        let mut answers = Vec::new();
        for entry in entries {
            self.watch(entry);
            let unknown = || Acknowledged::Unknown("no answer".to_owned());
            if *self.mute.lock().unwrap() || world.trouble(20) {
                answers.push(unknown());
                continue;
            }
            if self.refused.contains(&entry.token) {
                answers.push(Acknowledged::Refused(Rejection {
                    code: "sim.gone".to_owned(),
                    message: "sim knows no such row".to_owned(),
                    field: None,
                    retry: Retry::Never,
                }));
                continue;
            }
            let mut told = self.told.lock().unwrap();
            let told = told.entry(entry.token.clone()).or_default();
            told.push(entry.resolution.clone());
            answers.push(match world.trouble(20) {
                true => unknown(),
                false => Acknowledged::Yes,
            });
        }
        world.pause(5).await;
        alive().await;
        if world.trouble(5) {
            answers.pop();
        }
        if world.trouble(5) {
            return Err(fault(FaultKind::Broken, "the answer is garbled"));
        }
        Ok(answers)
    }
}
