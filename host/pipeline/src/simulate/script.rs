//! Connectors that do what a test tells them, one call after the other.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use duijie_contract::{
    Description, Exchange, Fault, FaultKind, Launch, Lookup, Preview, Problem, Source, Steps,
    Tables, Target, Transform, Use,
};
use duijie_record::{
    Change, DocumentBatch, Finding, FoundDocument, MappedBatch, Outcome, Position, RecordBatch,
    RecordEntry, SourceKey, State, TargetKey, Version,
};
use duijie_store::{Memory, Store};

use super::world::fault;
use crate::{Observer, Options, Purpose, Report, Silent, Stop, VirtualClock, run};

type Find = dyn Fn(&TargetKey) -> Finding + Send + Sync;
type Write = dyn Fn(usize, &DocumentBatch) -> Result<Vec<Outcome>, Fault> + Send + Sync;

#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) batches: Arc<Mutex<VecDeque<Result<RecordBatch, Fault>>>>,
    /// Each page of records takes this long, so many at once.
    pub(crate) read: (Duration, u32),
    pub(crate) map: Option<fn(&RecordBatch) -> MappedBatch>,
    /// Called with the number of the call, 0 for the first.
    pub(crate) write: Arc<Write>,
    pub(crate) write_takes: Duration,
    pub(crate) find: Arc<Find>,
    /// What every look-up fails with.
    pub(crate) blind: Option<Fault>,
    pub(crate) writes: Arc<AtomicUsize>,
    pub(crate) preview: bool,
    /// The request of every write.
    pub(crate) exchange: Option<Exchange>,
    pub(crate) observer: Arc<dyn Observer>,
    /// Where the source was opened, each time.
    pub(crate) opened: Arc<Mutex<Vec<Option<Position>>>>,
    /// Starts what takes steps.
    pub(crate) walk: Option<Arc<dyn Fn() -> Box<dyn Steps> + Send + Sync>>,
    /// What was written, each time.
    pub(crate) sent: Arc<Mutex<Vec<DocumentBatch>>>,
}

/// A batch of documents `<first>`, `<first + 1>`, … at a position.
pub(crate) fn batch(position: &str, lines: &[(&str, &str, &str)]) -> RecordBatch {
    let entries = lines.iter().map(|(key, version, _)| RecordEntry {
        key: SourceKey::from(*key),
        version: Some(Version::from(*version)),
        change: Change::Upsert,
        ack_token: None,
    });
    RecordBatch {
        data: lines
            .iter()
            .flat_map(|(.., line)| format!("{line}\n").into_bytes())
            .collect(),
        entries: entries.collect(),
        position: Some(Position(position.as_bytes().to_vec())),
    }
}

pub(crate) fn applied(batch: &DocumentBatch) -> Vec<Outcome> {
    let entries = batch.entries.iter();
    entries
        .map(|entry| Outcome::Applied(Some(format!("id-{}", entry.target_key))))
        .collect()
}

/// What a target says of a document that it has.
pub(crate) fn found(key: &TargetKey) -> Finding {
    Finding::Found(FoundDocument {
        id: format!("id-{key}"),
        state: State::Open,
    })
}

impl Script {
    pub(crate) fn new(batches: Vec<RecordBatch>) -> Self {
        Self {
            batches: Arc::new(Mutex::new(batches.into_iter().map(Ok).collect())),
            read: (Duration::ZERO, 1),
            map: None,
            write: Arc::new(|_, batch| Ok(applied(batch))),
            write_takes: Duration::ZERO,
            find: Arc::new(found),
            blind: None,
            writes: Arc::default(),
            preview: false,
            exchange: None,
            observer: Arc::new(Silent),
            opened: Arc::default(),
            walk: None,
            sent: Arc::default(),
        }
    }

    pub(crate) fn options(&self, plan: duijie_plan::Plan, store: &Arc<Memory>) -> Options {
        // Each run of a store begins an hour after the one before, so that their
        // names differ.
        let runs = store.runs(&plan.scope, usize::MAX).unwrap().len() as u64;
        let start_ms = 1_700_000_000_000 + 3_600_000 * runs;
        Options {
            plan: Arc::new(plan),
            launch: Arc::new(self.clone()),
            store: Arc::clone(store) as Arc<dyn Store>,
            clock: Arc::new(VirtualClock::starting_at(start_ms)),
            observer: Arc::clone(&self.observer),
            seed: 7,
            checkpoint_every: 8,
            purpose: Purpose::Live,
        }
    }

    pub(crate) async fn run(&self, plan: duijie_plan::Plan, store: &Arc<Memory>) -> Report {
        run(&self.options(plan, store), &Stop::new()).await.unwrap()
    }
}

#[async_trait]
impl Launch for Script {
    async fn describe(&self, _: &str) -> Result<Description, Fault> {
        Err(fault(FaultKind::Other, "never asked"))
    }

    async fn check(&self, _: &Use) -> Result<Vec<Problem>, Fault> {
        Ok(Vec::new())
    }

    async fn outline(&self, _: &Use, _: Option<&Position>) -> Result<Vec<String>, Fault> {
        Ok(vec!["everything".to_owned()])
    }

    async fn source(&self, _: &Use, position: Option<&Position>) -> Result<Box<dyn Source>, Fault> {
        self.opened.lock().unwrap().push(position.cloned());
        Ok(Box::new(Pages {
            script: self.clone(),
            given: 0,
        }))
    }

    async fn transform(&self, _: &Use, _: &Arc<dyn Tables>) -> Result<Box<dyn Transform>, Fault> {
        Ok(Box::new(self.clone()))
    }

    async fn target(&self, _: &Use) -> Result<Box<dyn Target>, Fault> {
        Ok(Box::new(self.clone()))
    }

    async fn lookup(&self, _: &Use) -> Result<Option<Box<dyn Lookup>>, Fault> {
        Ok(Some(Box::new(self.clone())))
    }

    async fn steps(&self, _: &Use) -> Result<Option<Box<dyn Steps>>, Fault> {
        Ok(self.walk.as_ref().map(|walk| walk()))
    }

    fn take_previews(&self) -> Vec<Preview> {
        let request = Preview {
            method: "POST".to_owned(),
            url: "http://sim/save".to_owned(),
            headers: Vec::new(),
            body: String::new(),
        };
        vec![request; self.writes.load(Ordering::Relaxed)]
    }
}

struct Pages {
    script: Script,
    given: u32,
}

#[async_trait]
impl Source for Pages {
    async fn next(&mut self, _limit: u32, ahead: u32) -> Result<Option<RecordBatch>, Fault> {
        let (takes, at_once) = self.script.read;
        if self.given.is_multiple_of(at_once.min(ahead)) {
            tokio::time::sleep(takes).await;
        }
        self.given += 1;
        let batch = self.script.batches.lock().unwrap().pop_front();
        batch.transpose()
    }

    async fn committed(&mut self, _position: &Position) -> Result<(), Fault> {
        Ok(())
    }
}

#[async_trait]
impl Transform for Script {
    async fn apply(&mut self, batch: &RecordBatch) -> Result<MappedBatch, Fault> {
        Ok(self.map.unwrap()(batch))
    }
}

#[async_trait]
impl Target for Script {
    async fn write(&mut self, batch: &DocumentBatch) -> Result<Vec<Outcome>, Fault> {
        let call = self.writes.fetch_add(1, Ordering::Relaxed);
        if self.preview {
            return Err(fault(FaultKind::NotSent, "kept for the preview"));
        }
        self.sent.lock().unwrap().push(batch.clone());
        tokio::time::sleep(self.write_takes).await;
        (self.write)(call, batch)
    }

    fn take_exchanges(&mut self) -> Vec<Exchange> {
        self.exchange.clone().into_iter().collect()
    }
}

#[async_trait]
impl Lookup for Script {
    async fn find(&mut self, keys: &[TargetKey]) -> Result<Vec<Finding>, Fault> {
        let found = keys.iter().map(|key| (self.find)(key)).collect();
        self.blind.clone().map_or(Ok(found), Err)
    }
}
