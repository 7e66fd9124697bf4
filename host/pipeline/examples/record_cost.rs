//! What one record costs in this crate: a run over connectors and a store that
//! do nothing, so that all the time is the pipeline's own. Prints microseconds
//! a record; `cargo run --release -p duijie-pipeline --example record_cost`.
#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use duijie_contract::{
    Bounds, Description, Fault, FaultKind, Guarantee, Launch, Lookup, Preview, Problem, Role,
    Source, Tables, Target, Transform, Use,
};
use duijie_pipeline::{Options, Silent, Stop, SystemClock, run};
use duijie_plan::{
    OnChange, OnNewer, OnRejected, OnUnknown, Plan, Policy, Retention, Retries, Stage, TargetStage,
};
use duijie_record::{
    Change, Collection, DocumentBatch, MappedBatch, MappedLine, Outcome, Position, RecordBatch,
    RecordEntry, RunId, Scope, SourceKey, TargetKey, Verdict, Version,
};
use duijie_store::{
    Caution, Change as StoreChange, Checkpoint, Claim, DeadLetter, Error, Fill, Group, GroupPart,
    Hold, Intent, IntentId, LedgerRow, Member, Owed, RunRow, SegmentKind, SegmentRef, Store,
    TableRow,
};

const PAGES: u64 = 1_000;
const PAGE: u64 = 100;
const SOURCE_BYTES: usize = 5_000;
const DOCUMENT_BYTES: usize = 3_000;

struct Nothing(AtomicU64);

#[async_trait]
impl Store for Nothing {
    async fn claim(&self, scope: &Scope) -> Result<Claim, Error> {
        Ok(Claim {
            scope: scope.clone(),
            epoch: 1,
        })
    }
    fn unlock(&self, _: &Scope, _: bool) -> Result<(), Error> {
        Ok(())
    }
    async fn commit(&self, _: &Claim, _: Vec<StoreChange>) -> Result<(), Error> {
        Ok(())
    }
    fn next_intent_id(&self) -> IntentId {
        IntentId(self.0.fetch_add(1, Ordering::Relaxed))
    }
    async fn append_segment(&self, _: &Claim, data: &[u8]) -> Result<SegmentRef, Error> {
        Ok(laid(SegmentKind::Documents, data))
    }
    fn append_evidence(&self, _: &Scope, data: &[u8]) -> Result<SegmentRef, Error> {
        Ok(laid(SegmentKind::Evidence, data))
    }
    fn read_segment(&self, _: &Scope, _: &SegmentRef) -> Result<Vec<u8>, Error> {
        Ok(Vec::new())
    }
    fn kept(&self, _: &Scope, _: &SegmentRef) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }
    fn checkpoint(&self, _: &Scope, _: &str) -> Result<Option<Checkpoint>, Error> {
        Ok(None)
    }
    fn lanes(&self, _: &Scope) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }
    fn caution(&self, _: &Scope) -> Result<Option<Caution>, Error> {
        Ok(None)
    }
    fn bound(&self, _: &Scope) -> Result<Option<String>, Error> {
        Ok(None)
    }
    fn open_intents(&self, _: &Scope) -> Result<Vec<Intent>, Error> {
        Ok(Vec::new())
    }
    fn ledger(&self, _: &Scope, keys: &[SourceKey]) -> Result<Vec<Option<LedgerRow>>, Error> {
        Ok(vec![None; keys.len()])
    }
    fn owners(&self, _: &Scope, keys: &[TargetKey]) -> Result<Vec<Option<SourceKey>>, Error> {
        Ok(vec![None; keys.len()])
    }
    fn find(&self, _: &str) -> Result<Vec<(Scope, LedgerRow)>, Error> {
        Ok(Vec::new())
    }
    fn dead_letters(&self, _: &Scope) -> Result<Vec<DeadLetter>, Error> {
        Ok(Vec::new())
    }
    fn holds(&self, _: &Scope) -> Result<Vec<Hold>, Error> {
        Ok(Vec::new())
    }
    fn groups(&self, _: &Scope) -> Result<Vec<Group>, Error> {
        Ok(Vec::new())
    }
    fn members(&self, _: &Scope, _: &GroupPart) -> Result<Vec<Member>, Error> {
        Ok(Vec::new())
    }
    fn owed(&self, _: &Scope) -> Result<Vec<Owed>, Error> {
        Ok(Vec::new())
    }
    fn schedule(&self, _: &Scope) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }
    fn fills(&self) -> Result<Vec<Fill>, Error> {
        Ok(Vec::new())
    }
    fn table(&self, _: &str) -> Result<Vec<TableRow>, Error> {
        Ok(Vec::new())
    }
    fn run(&self, _: &Scope, _: &RunId) -> Result<Option<RunRow>, Error> {
        Ok(None)
    }
    fn runs(&self, _: &Scope, _: usize) -> Result<Vec<RunRow>, Error> {
        Ok(Vec::new())
    }
    fn scopes(&self) -> Result<Vec<Scope>, Error> {
        Ok(Vec::new())
    }
}

fn laid(kind: SegmentKind, data: &[u8]) -> SegmentRef {
    SegmentRef {
        kind,
        file: 0,
        offset: 0,
        bytes: data.len() as u64,
        crc: 0,
    }
}

/// The connectors' own time, to be taken off.
#[derive(Clone)]
struct Idle {
    line: Arc<[u8]>,
    page: u64,
    busy_ns: Arc<AtomicU64>,
}

impl Idle {
    fn note(&self, began: Instant) {
        let taken = u64::try_from(began.elapsed().as_nanos()).unwrap_or(0);
        self.busy_ns.fetch_add(taken, Ordering::Relaxed);
    }
}

fn keys(page: u64) -> impl Iterator<Item = String> {
    (0..PAGE).map(move |record| format!("CK{:012}", page * PAGE + record))
}

#[async_trait]
impl Source for Idle {
    async fn next(&mut self, _: u32, _: u32) -> Result<Option<RecordBatch>, Fault> {
        if self.page == PAGES {
            return Ok(None);
        }
        let began = Instant::now();
        let mut data = Vec::new();
        for _ in 0..PAGE {
            data.extend_from_slice(&self.line);
        }
        let entries = keys(self.page).map(|key| RecordEntry {
            key: SourceKey(key),
            version: Some(Version("2025-10-01 00:00:00".to_owned())),
            change: Change::Upsert,
            ack_token: None,
        });
        let batch = RecordBatch {
            data,
            entries: entries.collect(),
            position: Some(Position(self.page.to_be_bytes().to_vec())),
        };
        self.page += 1;
        self.note(began);
        Ok(Some(batch))
    }
    async fn committed(&mut self, _: &Position) -> Result<(), Fault> {
        Ok(())
    }
}

#[async_trait]
impl Transform for Idle {
    async fn apply(&mut self, batch: &RecordBatch) -> Result<MappedBatch, Fault> {
        let began = Instant::now();
        let mut data = Vec::new();
        for entry in &batch.entries {
            data.extend_from_slice(format!(r#"{{"FBillNo":"{}","x":""#, entry.key).as_bytes());
            data.resize(data.len() + DOCUMENT_BYTES, b'x');
            data.extend_from_slice(b"\"}\n");
        }
        let count = u32::try_from(batch.entries.len()).unwrap_or(0);
        let line = |source| MappedLine {
            sources: vec![source],
            part: String::new(),
        };
        let mapped = MappedBatch {
            data,
            lines: (0..count).map(line).collect(),
            verdicts: vec![Verdict::Keep; batch.entries.len()],
        };
        self.note(began);
        Ok(mapped)
    }
}

#[async_trait]
impl Target for Idle {
    async fn write(&mut self, batch: &DocumentBatch) -> Result<Vec<Outcome>, Fault> {
        let began = Instant::now();
        let ids = (0..batch.entries.len()).map(|id| Outcome::Applied(Some(id.to_string())));
        let outcomes = ids.collect();
        self.note(began);
        Ok(outcomes)
    }
}

#[async_trait]
impl Launch for Idle {
    async fn describe(&self, _: &str) -> Result<Description, Fault> {
        Err(Fault::new("idle", FaultKind::Other(String::new())))
    }
    async fn check(&self, _: &Use) -> Result<Vec<Problem>, Fault> {
        Ok(Vec::new())
    }
    async fn outline(&self, _: &Use, _: Option<&Position>) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }
    async fn source(&self, _: &Use, _: Option<&Position>) -> Result<Box<dyn Source>, Fault> {
        Ok(Box::new(self.clone()))
    }
    async fn transform(&self, _: &Use, _: &Arc<dyn Tables>) -> Result<Box<dyn Transform>, Fault> {
        Ok(Box::new(self.clone()))
    }
    async fn target(&self, _: &Use) -> Result<Box<dyn Target>, Fault> {
        Ok(Box::new(self.clone()))
    }
    async fn lookup(&self, _: &Use) -> Result<Option<Box<dyn Lookup>>, Fault> {
        Ok(None)
    }
    fn take_previews(&self) -> Vec<Preview> {
        Vec::new()
    }
}

fn stage(role: Role) -> Stage {
    Stage {
        usage: Use {
            connector: "idle".to_owned(),
            role,
            connection: None,
            connection_settings: String::new(),
            pipeline_settings: String::new(),
            collection: Collection::from("orders"),
            secrets: Vec::new(),
            allow: Vec::new(),
            tables: Vec::new(),
            grant_place: String::new(),
            calls_per_minute: 0,
        },
        version: String::new(),
        digest: String::new(),
    }
}

fn plan() -> Plan {
    Plan {
        name: "orders".into(),
        scope: "orders".into(),
        enabled: true,
        schedule: None,
        manifest_digest: String::new(),
        source: stage(Role::Source),
        group: None,
        drains: false,
        transforms: vec![stage(Role::Transform)],
        target: TargetStage {
            stage: stage(Role::Target),
            key: Some("FBillNo".to_owned()),
            guarantee: Guarantee::UniqueKey,
            lookup: false,
            settle: Duration::ZERO,
            max_records: 100,
            max_bytes: 8 << 20,
            table: None,
            steps: Vec::new(),
        },
        policy: Policy {
            on_change: OnChange::Hold,
            on_rejected: OnRejected::Continue,
            on_unknown: OnUnknown::Hold,
            retries: Retries {
                attempts: 1,
                first_wait: Duration::ZERO,
                longest_wait: Duration::ZERO,
                budget: Duration::ZERO,
            },
            on_newer: OnNewer::Pass,
            bounds: Bounds::DEFAULT,
            longest_run: Duration::from_secs(7 * 86_400),
            retention: Retention {
                ledger: Duration::MAX,
                evidence: Duration::MAX,
                evidence_bytes: u64::MAX,
            },
            page_records: 100,
            read_ahead: 4,
            writers: 4,
        },
        sealed: false,
    }
}

fn main() {
    let busy_ns = Arc::new(AtomicU64::new(0));
    let mut line = vec![b'y'; SOURCE_BYTES - 1];
    line.push(b'\n');
    let launch = Idle {
        line: line.into(),
        page: 0,
        busy_ns: Arc::clone(&busy_ns),
    };
    let options = Options {
        plan: Arc::new(plan()),
        launch: Arc::new(launch),
        store: Arc::new(Nothing(AtomicU64::new(0))),
        clock: Arc::new(SystemClock),
        observer: Arc::new(Silent),
        seed: 1,
        checkpoint_every: 16,
        purpose: duijie_pipeline::Purpose::Live,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let began = Instant::now();
    let report = runtime.map(|runtime| runtime.block_on(run(&options, &Stop::new())));
    let whole = began.elapsed();
    let busy = Duration::from_nanos(busy_ns.load(Ordering::Relaxed));
    let records = (PAGES * PAGE) as f64;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / records;
    println!("{report:?}");
    println!(
        "whole {:.2} us, connectors {:.2} us, own {:.2} us a record",
        each(whole),
        each(busy),
        each(whole.saturating_sub(busy))
    );
}
