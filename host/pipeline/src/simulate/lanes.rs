//! Backfills: a position of their own, the same ledger.

use std::sync::Arc;
use std::time::Duration;

use duijie_contract::{FaultKind, Guarantee};
use duijie_plan::{OnChange, Plan};
use duijie_record::{Position, RecordBatch};
use duijie_store::{Memory, Store};

use super::script::{Script, batch};
use super::world::{fault, plan};
use crate::{End, Error, Options, Purpose, Report, Stop, run};

const SCOPE: &str = "orders";
const LANE: &str = "backfill:2026-01-01..2026-02-01";

fn simple() -> Plan {
    plan(Guarantee::UniqueKey, OnChange::Hold, 0)
}

fn one(position: &str, key: &str) -> RecordBatch {
    batch(
        position,
        &[(key, "1", &format!(r#"{{"FBillNo":"{key}"}}"#))],
    )
}

fn backfill() -> Purpose {
    Purpose::Backfill {
        lane: LANE.to_owned(),
        from_ms: None,
    }
}

async fn run_for(purpose: Purpose, script: &Script, store: &Arc<Memory>) -> Report {
    let options = Options {
        purpose,
        ..script.options(simple(), store)
    };
    run(&options, &Stop::new()).await.unwrap()
}

fn position(store: &Memory, lane: &str) -> Option<Position> {
    let checkpoint = store.checkpoint(&SCOPE.into(), lane).unwrap();
    checkpoint.map(|checkpoint| checkpoint.position)
}

#[tokio::test(start_paused = true)]
async fn a_backfill_leaves_the_live_checkpoint_and_sends_nothing_twice() {
    let store: Arc<Memory> = Arc::default();
    let live = Script::new(vec![one("live", "CK1")]);
    run_for(Purpose::Live, &live, &store).await;
    let before = position(&store, "");
    let script = Script::new(vec![one("a", "CK1"), one("b", "CK2")]);
    let report = run_for(backfill(), &script, &store).await;
    assert_eq!((report.counts.unchanged, report.counts.applied), (1, 1));
    assert!(before.is_some());
    assert_eq!(position(&store, ""), before);
    assert_eq!(store.lanes(&SCOPE.into()).unwrap(), [""; 0]);
    let runs = store.runs(&SCOPE.into(), 9).unwrap();
    let purposes: Vec<_> = runs.iter().map(|run| run.purpose.as_str()).collect();
    assert_eq!(purposes, ["backfill 2026-01-01..2026-02-01", "live"]);
}

#[tokio::test(start_paused = true)]
async fn a_backfill_that_failed_goes_on_where_it_was() {
    let store: Arc<Memory> = Arc::default();
    let script = Script::new(vec![one("a", "CK1")]);
    let refused = Err(fault(FaultKind::Unauthorized, "the key is wrong"));
    script.batches.lock().unwrap().push_back(refused);
    let report = run_for(backfill(), &script, &store).await;
    assert!(matches!(report.end, End::Failed(Error::Fault(_))));
    assert_eq!(store.lanes(&SCOPE.into()).unwrap(), [LANE]);
    assert_eq!(position(&store, ""), None);

    let script = Script::new(vec![one("b", "CK2")]);
    let report = run_for(backfill(), &script, &store).await;
    assert_eq!(report.counts.applied, 1);
    let opened = script.opened.lock().unwrap().clone();
    assert_eq!(opened, [Some(Position(b"a".to_vec()))]);
    assert_eq!(store.lanes(&SCOPE.into()).unwrap(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_live_run_does_not_go_on_where_a_backfill_is() {
    let store: Arc<Memory> = Arc::default();
    let script = Script::new(vec![one("a", "CK1")]);
    let refused = Err(fault(FaultKind::Unauthorized, "the key is wrong"));
    script.batches.lock().unwrap().push_back(refused);
    run_for(backfill(), &script, &store).await;
    let live = Script::new(Vec::new());
    run_for(Purpose::Live, &live, &store).await;
    assert_eq!(*live.opened.lock().unwrap(), [None]);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_begins_before_the_ledger_is_refused() {
    const DAY: Duration = Duration::from_secs(86_400);
    let store: Arc<Memory> = Arc::default();
    let begins = |days: u32| Purpose::Backfill {
        lane: LANE.to_owned(),
        from_ms: Some(1_700_000_000_000 - u64::try_from((days * DAY).as_millis()).unwrap()),
    };
    let mut options = Script::new(vec![one("a", "CK1")]).options(simple(), &store);
    let mut plan = simple();
    plan.policy.retention.ledger = 30 * DAY;
    options.plan = Arc::new(plan);
    options.purpose = begins(31);
    let refused = run(&options, &Stop::new()).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("the window begins 31 days ago, and the ledger knows 30"),
        "{refused}"
    );
    assert!(store.runs(&SCOPE.into(), 9).unwrap().is_empty());
    options.purpose = begins(29);
    let report = run(&options, &Stop::new()).await.unwrap();
    assert_eq!(report.counts.applied, 1);
}
