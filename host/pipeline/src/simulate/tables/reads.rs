//! A value table that is read: all of a run sees one state of it, and a record
//! that misses a row is tried again once the table has changed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use duijie_contract::{
    Description, Fault, Guarantee, Launch, Lookup, Preview, Problem, Source, Tables, Target,
    Transform, Use,
};
use duijie_plan::{OnChange, Plan, Schedule};
use duijie_record::{MappedBatch, MappedLine, Position, RecordBatch, Rejection, Retry, Verdict};
use duijie_schedule::{When, Zone};
use duijie_store::{Change, DocumentState, Fill, Memory, RunRow, Store, TableRow};

use super::super::script::{Script, batch};
use super::super::world::plan;
use super::{TABLE, row};
use crate::{End, Error, Options, Stop, Would, follow, preview, run};

/// The script, with a transform that looks every key up in the table.
struct Reads {
    script: Script,
    /// What each instance saw.
    seen: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Launch for Reads {
    async fn describe(&self, connector: &str) -> Result<Description, Fault> {
        self.script.describe(connector).await
    }
    async fn check(&self, usage: &Use) -> Result<Vec<Problem>, Fault> {
        self.script.check(usage).await
    }
    async fn outline(&self, usage: &Use, at: Option<&Position>) -> Result<Vec<String>, Fault> {
        self.script.outline(usage, at).await
    }
    async fn source(&self, usage: &Use, at: Option<&Position>) -> Result<Box<dyn Source>, Fault> {
        self.script.source(usage, at).await
    }
    async fn transform(
        &self,
        _: &Use,
        tables: &Arc<dyn Tables>,
    ) -> Result<Box<dyn Transform>, Fault> {
        let found = tables.get(TABLE, &["FBillNo".to_owned()]).unwrap();
        let rows = String::from_utf8(found.rows).unwrap();
        self.seen.lock().unwrap().push(rows.clone());
        Ok(Box::new(LooksUp(rows)))
    }
    async fn target(&self, usage: &Use) -> Result<Box<dyn Target>, Fault> {
        self.script.target(usage).await
    }
    async fn lookup(&self, usage: &Use) -> Result<Option<Box<dyn Lookup>>, Fault> {
        self.script.lookup(usage).await
    }
    fn take_previews(&self) -> Vec<Preview> {
        Vec::new()
    }
}

struct LooksUp(String);

#[async_trait]
impl Transform for LooksUp {
    async fn apply(&mut self, batch: &RecordBatch) -> Result<MappedBatch, Fault> {
        let lines = duijie_record::Lines::new(&batch.data);
        let mut mapped = MappedBatch {
            data: Vec::new(),
            lines: Vec::new(),
            verdicts: Vec::new(),
        };
        for (index, (entry, line)) in batch.entries.iter().zip(lines).enumerate() {
            if !self.0.contains(&format!("\"{}\"", entry.key)) {
                mapped.verdicts.push(Verdict::Reject(Rejection {
                    code: "sim.missing".to_owned(),
                    message: format!("`{}` has no row", entry.key),
                    field: None,
                    retry: Retry::Later,
                }));
                continue;
            }
            mapped.data.extend_from_slice(line);
            mapped.data.push(b'\n');
            mapped.lines.push(MappedLine {
                sources: vec![index as u32],
                part: String::new(),
            });
            mapped.verdicts.push(Verdict::Keep);
        }
        Ok(mapped)
    }
}

struct Case {
    store: Arc<Memory>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Case {
    fn new() -> Self {
        Self {
            store: Arc::default(),
            seen: Arc::default(),
        }
    }

    async fn fill(&self, keys: &[&str]) {
        let claim = self.store.claim(&"shops".into()).await.unwrap();
        let rows = keys
            .iter()
            .map(|key| row(key, &format!(r#"{{"FBillNo":"{key}"}}"#)));
        let mut changes: Vec<Change> = rows.map(Change::TableRow).collect();
        changes.push(Change::Fill(Fill {
            table: TABLE.to_owned(),
            scope: "shops".into(),
            run: "run".into(),
            at_ms: 1,
        }));
        self.store.commit(&claim, changes).await.unwrap();
    }

    fn options(&self, batches: Vec<RecordBatch>) -> Options {
        let script = Script::new(batches);
        let mut plan = plan(Guarantee::UniqueKey, OnChange::Hold, 1);
        plan.transforms[0].usage.tables = vec![TABLE.to_owned()];
        let mut options = script.options(plan, &self.store);
        options.launch = Arc::new(Reads {
            script,
            seen: Arc::clone(&self.seen),
        });
        options
    }

    /// Runs over what the source has new, and gives applied and rejected.
    async fn run(&self, batches: Vec<RecordBatch>) -> (u64, u64) {
        let report = run(&self.options(batches), &Stop::new()).await.unwrap();
        assert!(matches!(report.end, End::Finished), "{report:?}");
        (report.counts.applied, report.counts.rejected)
    }

    fn letters(&self) -> Vec<String> {
        let letters = self.store.dead_letters(&"orders".into()).unwrap();
        let told = letters.iter();
        told.map(|letter| format!("{} {}", letter.source_key, letter.code))
            .collect()
    }

    fn last_run(&self) -> RunRow {
        self.store.runs(&"orders".into(), 1).unwrap().remove(0)
    }
}

fn records(position: &str, keys: &[&str]) -> RecordBatch {
    let lines: Vec<String> = keys
        .iter()
        .map(|key| format!(r#"{{"FBillNo":"{key}"}}"#))
        .collect();
    let records = keys.iter().zip(&lines);
    let records: Vec<(&str, &str, &str)> = records
        .map(|(key, line)| (*key, "1", line.as_str()))
        .collect();
    batch(position, &records)
}

#[tokio::test(start_paused = true)]
async fn a_record_that_misses_a_row_is_tried_again_once_the_table_has_changed() {
    let case = Case::new();
    case.fill(&["A"]).await;
    assert_eq!(case.run(vec![records("1", &["A", "B"])]).await, (1, 1));
    assert_eq!(case.letters(), ["B sim.missing.later"]);
    // The same rows would refuse it again.
    assert_eq!(case.run(Vec::new()).await, (0, 0));
    case.fill(&["C"]).await;
    assert_eq!(case.run(Vec::new()).await, (0, 1));
    assert_eq!(case.letters(), ["B sim.missing.later"]);
    case.fill(&["B"]).await;
    assert_eq!(case.run(vec![records("2", &["C"])]).await, (2, 0));
    assert_eq!(case.letters(), [""; 0]);
    let row = case
        .store
        .ledger(&"orders".into(), &["B".into()])
        .unwrap()
        .remove(0);
    assert_eq!(row.unwrap().documents[0].state, DocumentState::Applied);
}

#[tokio::test(start_paused = true)]
async fn a_run_reads_the_rows_of_its_beginning_and_keeps_their_digest() {
    let case = Case::new();
    case.fill(&["A"]).await;
    case.run(vec![records("1", &["A"])]).await;
    let rows = case.store.table(TABLE).unwrap();
    let digest = format!("{:032x}", TableRow::digest(&rows).0);
    let tables = |run: RunRow| {
        let components = run.components.into_iter();
        components
            .filter(|(name, _)| name.starts_with(RunRow::TABLE))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        tables(case.last_run()),
        [("table shops".to_owned(), digest.clone())]
    );
    case.fill(&["B"]).await;
    case.run(Vec::new()).await;
    assert_ne!(tables(case.last_run())[0].1, digest);
    assert_eq!(
        *case.seen.lock().unwrap(),
        ["[\"A\"]\n", "[\"A\"]\n[\"B\"]\n"]
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_while_a_table_was_never_filled() {
    let case = Case::new();
    let options = case.options(vec![records("1", &["A"])]);
    let refused = run(&options, &Stop::new()).await.unwrap_err();
    assert!(
        matches!(refused, Error::TableNeverFilled { .. }),
        "{refused}"
    );
    assert_eq!(case.store.runs(&"orders".into(), 9).unwrap(), []);
    assert_eq!(*case.seen.lock().unwrap(), [""; 0]);
    // What a person looks at is shown all the same, as with an empty table.
    let report = preview(&options, 5).await.unwrap();
    assert!(matches!(report.records[0].would, Would::DeadLetter { .. }));
    assert_eq!(*case.seen.lock().unwrap(), [""]);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_waits_for_the_table_to_be_filled() {
    let case = Case::new();
    let mut options = case.options(vec![records("1", &["A"])]);
    let mut plan = Plan::clone(&options.plan);
    let every = When::Every(Duration::from_secs(60));
    let zone = Zone::named("Asia/Shanghai").unwrap();
    plan.schedule = Some(Schedule::new(every, zone));
    options.plan = Arc::new(plan);
    let stop = Stop::new();
    let meanwhile = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        case.fill(&["A"]).await;
        tokio::time::sleep(Duration::from_secs(300)).await;
        stop.stop();
    };
    let (ended, ()) = tokio::join!(follow(&options, &stop, async |_| None), meanwhile);
    ended.unwrap();
    let row = case
        .store
        .ledger(&"orders".into(), &["A".into()])
        .unwrap()
        .remove(0);
    assert_eq!(row.unwrap().documents[0].state, DocumentState::Applied);
}
