//! Single cases, told step by step.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use duijie_contract::{Fault, FaultKind, Guarantee};
use duijie_plan::{OnChange, OnRejected, OnUnknown, Plan};
use duijie_record::{
    Finding, MappedBatch, MappedLine, Outcome, RecordBatch, Rejection, Retry, Verdict,
};
use duijie_store::{Memory, Store};
use tokio::time::Instant;

use super::script::{Script, applied, batch, found};
use super::world::plan;
use crate::{End, Report, Would, preview};

const SCOPE: &str = "orders";

fn simple(guarantee: Guarantee) -> Plan {
    plan(guarantee, OnChange::Hold, 0)
}

fn one(key: &str) -> RecordBatch {
    batch(key, &[(key, "1", &format!(r#"{{"FBillNo":"{key}"}}"#))])
}

fn failure(report: &Report) -> String {
    match &report.end {
        End::Failed(error) => error.to_string(),
        other => format!("{other:?}"),
    }
}

fn refused(code: &str, retry: Retry) -> Vec<Outcome> {
    vec![Outcome::Rejected(Rejection {
        code: code.to_owned(),
        message: "no".to_owned(),
        field: None,
        retry,
    })]
}

#[tokio::test(start_paused = true)]
async fn reading_and_writing_overlap_four_at_a_time() {
    let keys: Vec<String> = (0..32).map(|key| format!("CK{key:02}")).collect();
    let mut script = Script::new(keys.iter().map(|key| one(key)).collect());
    script.read = (Duration::from_millis(50), 4);
    script.write_takes = Duration::from_millis(50);
    let mut plan = simple(Guarantee::UniqueKey);
    plan.policy.read_ahead = 4;
    plan.policy.writers = 4;
    let began = Instant::now();
    let report = script.run(plan, &Arc::default()).await;
    assert_eq!(report.counts.applied, 32);
    // Eight waves of four pages, the first read before the first write.
    assert!(
        began.elapsed() <= Duration::from_millis(50 * 9 + 10),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_system_that_asks_for_a_wait_gets_it() {
    let script = Script::new(vec![one("CK1")]);
    let kind = FaultKind::RateLimited {
        reason: "slower".to_owned(),
        retry_after: Some(Duration::from_secs(60)),
    };
    script
        .batches
        .lock()
        .unwrap()
        .push_front(Err(Fault::new("sim 1", kind)));
    let began = Instant::now();
    let report = script
        .run(simple(Guarantee::UniqueKey), &Arc::default())
        .await;
    assert_eq!(report.counts.applied, 1);
    assert!(began.elapsed() >= Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_stops_the_run_where_the_plan_says_so() {
    let mut script = Script::new(vec![one("CK1"), one("CK2")]);
    script.write = Arc::new(|_, _| Ok(refused("sim.bad", Retry::Never)));
    let mut plan = simple(Guarantee::UniqueKey);
    plan.policy.on_rejected = OnRejected::Stop;
    let store: Arc<Memory> = Arc::default();
    let report = script.run(plan, &store).await;
    assert!(failure(&report).contains("`sim.bad`"), "{report:?}");
    assert!(store.open_intents(&SCOPE.into()).unwrap().is_empty());
    assert!(!store.dead_letters(&SCOPE.into()).unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_too_long_settles_what_is_in_flight_and_is_gone_on_with() {
    let names: Vec<String> = (0..10).map(|number| format!("CK{number}")).collect();
    let mut script = Script::new(names.iter().map(|name| one(name)).collect());
    script.read = (Duration::from_secs(10), 1);
    let mut plan = simple(Guarantee::UniqueKey);
    plan.policy.longest_run = Duration::from_secs(35);
    let store: Arc<Memory> = Arc::default();
    let began = Instant::now();
    let report = script.run(plan.clone(), &store).await;
    let said = failure(&report);
    assert!(
        said.contains("over 35s") && said.contains("`limits.run.time`"),
        "{said}"
    );
    assert!(began.elapsed() < Duration::from_secs(50), "{report:?}");
    let first = report.counts.applied;
    assert!((1..10).contains(&first), "{report:?}");
    assert!(store.open_intents(&SCOPE.into()).unwrap().is_empty());
    plan.policy.longest_run = Duration::from_secs(1_000);
    let report = script.run(plan, &store).await;
    assert!(matches!(report.end, End::Finished), "{report:?}");
    assert!(report.counts.applied + first >= 9, "{report:?}");
}

async fn in_doubt(on_unknown: OnUnknown) -> (usize, usize, u64) {
    let mut script = Script::new(vec![one("CK1")]);
    script.write = Arc::new(|call, batch| match call {
        0 => Ok(vec![Outcome::Unknown("no answer".to_owned())]),
        _ => Ok(applied(batch)),
    });
    let mut plan = simple(Guarantee::None);
    plan.policy.on_unknown = on_unknown;
    let store: Arc<Memory> = Arc::default();
    let report = script.run(plan, &store).await;
    let holds = store.holds(&SCOPE.into()).unwrap().len();
    (
        script.writes.load(Ordering::Relaxed),
        holds,
        report.counts.applied,
    )
}

#[tokio::test(start_paused = true)]
async fn doubt_without_a_guarantee_follows_the_plan() {
    assert_eq!(in_doubt(OnUnknown::Hold).await, (1, 1, 0));
    assert_eq!(in_doubt(OnUnknown::Resend).await, (2, 0, 1));
    assert_eq!(in_doubt(OnUnknown::Skip).await, (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_after_doubt_counts_as_applied() {
    // Without a look-up, doubt is resolved by the refusal alone.
    let mut script = Script::new(vec![one("CK1")]);
    script.write = Arc::new(|call, _| match call {
        0 => Ok(vec![Outcome::Unknown("no answer".to_owned())]),
        1 => Ok(refused("sim.busy", Retry::Later)),
        _ => Ok(refused("sim.duplicate", Retry::Never)),
    });
    let mut plan = simple(Guarantee::ServerKey);
    plan.target.lookup = false;
    let store: Arc<Memory> = Arc::default();
    let report = script.run(plan, &store).await;
    assert_eq!((report.counts.applied, report.counts.rejected), (1, 0));
    assert_eq!(script.writes.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_after_doubt_is_found_though_it_was_absent_at_first() {
    let mut script = Script::new(vec![one("CK1")]);
    let writes = Arc::clone(&script.writes);
    script.write = Arc::new(|call, _| match call {
        0 => Ok(vec![Outcome::Unknown("no answer".to_owned())]),
        _ => Ok(refused("sim.duplicate", Retry::Never)),
    });
    script.find = Arc::new(move |key| match writes.load(Ordering::Relaxed) {
        1 => Finding::Absent,
        _ => found(key),
    });
    let store: Arc<Memory> = Arc::default();
    let report = script.run(simple(Guarantee::UniqueKey), &store).await;
    assert_eq!((report.counts.applied, report.counts.rejected), (1, 0));
    assert_eq!(script.writes.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_that_was_only_refused_for_now_before_is_somebody_elses() {
    for guarantee in [Guarantee::UniqueKey, Guarantee::ServerKey] {
        for lookup in [true, false] {
            let mut script = Script::new(vec![one("CK1")]);
            script.write = Arc::new(|call, _| match call {
                0 => Ok(refused("sim.busy", Retry::Later)),
                _ => Ok(refused("sim.duplicate", Retry::Never)),
            });
            let mut plan = simple(guarantee);
            plan.target.lookup = lookup;
            let store: Arc<Memory> = Arc::default();
            let report = script.run(plan, &store).await;
            assert_eq!((report.counts.applied, report.counts.rejected), (0, 1));
            let letters = store.dead_letters(&SCOPE.into()).unwrap();
            assert_eq!(letters[0].code, "sim.duplicate");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_found_twice_is_held() {
    let mut script = Script::new(vec![one("CK1")]);
    script.write = Arc::new(|_, _| Ok(vec![Outcome::Unknown("no answer".to_owned())]));
    script.find = Arc::new(|_| Finding::FoundTwice(Vec::new()));
    let store: Arc<Memory> = Arc::default();
    let report = script.run(simple(Guarantee::Lookup), &store).await;
    assert_eq!(report.counts.held, 1);
}

#[tokio::test(start_paused = true)]
async fn documents_without_a_key_of_their_own_become_dead_letters() {
    let page = batch(
        "1",
        &[
            ("a", "1", r#"{"FBillNo":"CK1"}"#),
            ("b", "1", r#"{"FBillNo":"CK1"}"#),
            ("c", "1", r#"{"FBillNo":""}"#),
        ],
    );
    let store: Arc<Memory> = Arc::default();
    let report = Script::new(vec![page])
        .run(simple(Guarantee::UniqueKey), &store)
        .await;
    assert_eq!((report.counts.applied, report.counts.rejected), (1, 2));
    let letters = store.dead_letters(&SCOPE.into()).unwrap();
    let codes: Vec<_> = letters.iter().map(|letter| letter.code.as_str()).collect();
    assert_eq!(codes, ["pipeline.key_clash", "pipeline.key_missing"]);
}

#[tokio::test(start_paused = true)]
async fn the_highest_version_of_a_page_wins() {
    let page = batch(
        "1",
        &[
            ("a", "2", r#"{"FBillNo":"CK1","v":2}"#),
            ("a", "1", r#"{"FBillNo":"CK1","v":1}"#),
        ],
    );
    let store: Arc<Memory> = Arc::default();
    let report = Script::new(vec![page])
        .run(simple(Guarantee::UniqueKey), &store)
        .await;
    assert_eq!((report.counts.applied, report.counts.dropped), (1, 1));
    let row = store
        .ledger(&SCOPE.into(), &["a".into()])
        .unwrap()
        .remove(0)
        .unwrap();
    assert_eq!(row.version, Some("2".into()));
}

async fn lie(batches: Vec<RecordBatch>, map: Option<fn(&RecordBatch) -> MappedBatch>) -> String {
    let mut script = Script::new(batches);
    script.map = map;
    let transforms = usize::from(map.is_some());
    let plan = plan(Guarantee::UniqueKey, OnChange::Hold, transforms);
    let report = script.run(plan, &Arc::default()).await;
    failure(&report)
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_lies_is_told_so() {
    let mut short = one("CK1");
    short.data.clear();
    let said = lie(vec![short], None).await;
    assert_eq!(
        said,
        "sim 1.0.0: the connector failed: gave 0 lines for 1 entries"
    );
    let page = batch("1", &[("a", "1", "{}"), ("", "1", "{}")]);
    let said = lie(vec![page], None).await;
    assert!(said.contains("gave entry 1 an empty key"), "{said}");
    let said = lie(vec![batch(&"p".repeat(65_537), &[])], None).await;
    assert!(
        said.contains("gave a position of 65537 bytes, and at most 65536 are allowed"),
        "{said}"
    );
    let said = lie(vec![batch(&"p".repeat(65_536), &[])], None).await;
    assert_eq!(said, "Finished");
    let said = lie(vec![one("CK1"), one("CK1")], None).await;
    assert!(said.contains("the same position twice"), "{said}");
    let said = lie(vec![one("CK1")], Some(|_| mapped(0, &[], 0))).await;
    assert!(said.contains("gave 0 verdicts for 1 records"), "{said}");
    let said = lie(vec![one("CK1")], Some(|_| mapped(0, &[], 1))).await;
    assert!(
        said.contains("kept record 0 and made no line of it"),
        "{said}"
    );
    let said = lie(vec![one("CK1")], Some(|_| mapped(2, &[0], 1))).await;
    assert!(said.contains("wrote 2 lines and named 1"), "{said}");
    let said = lie(vec![one("CK1")], Some(|_| mapped(1, &[4], 1))).await;
    assert!(said.contains("made line 0 of record 4"), "{said}");
    let said = lie(vec![one("CK1")], Some(|_| mapped(2, &[0, 0], 1))).await;
    assert!(
        said.contains("gave two lines of one record the part ``"),
        "{said}"
    );
}

fn mapped(lines: usize, sources: &[u32], verdicts: usize) -> MappedBatch {
    let line = |source: &u32| MappedLine {
        sources: vec![*source],
        part: String::new(),
    };
    MappedBatch {
        data: "{}\n".repeat(lines).into_bytes(),
        lines: sources.iter().map(line).collect(),
        verdicts: vec![Verdict::Keep; verdicts],
    }
}

#[tokio::test(start_paused = true)]
async fn a_preview_tells_what_would_be_and_changes_nothing() {
    let store: Arc<Memory> = Arc::default();
    let first = Script::new(vec![one("CK1")]);
    first.run(simple(Guarantee::UniqueKey), &store).await;
    let page = batch(
        "2",
        &[
            ("CK1", "1", r#"{"FBillNo":"CK1"}"#),
            ("CK2", "1", r#"{"FBillNo":"CK2"}"#),
            ("CK3", "1", r#"{"FBillNo":""}"#),
        ],
    );
    let mut script = Script::new(vec![page]);
    script.preview = true;
    let options = script.options(simple(Guarantee::UniqueKey), &store);
    let report = preview(&options, 10).await.unwrap();
    let would: Vec<_> = report.records.iter().map(|record| &record.would).collect();
    assert!(matches!(
        would[..],
        [Would::Unchanged, Would::Create, Would::DeadLetter { .. }]
    ));
    assert_eq!((report.requests.len(), report.write_fault), (1, None));
    assert!(report.resumed);
    assert!(store.dead_letters(&SCOPE.into()).unwrap().is_empty());
    assert_eq!(store.runs(&SCOPE.into(), 9).unwrap().len(), 1);
}
