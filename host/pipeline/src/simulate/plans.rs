//! Runs that go by a plan.

use std::sync::Arc;

use duijie_plan::Plan;
use duijie_record::{Outcome, Position, RecordBatch};
use duijie_store::{Change, Memory, Store};

use super::diffs::{SCOPE, by_plan, differ, failure, live, page, standing, told, updating, with};
use super::script::applied;
use crate::{Error, Options, Planned, Purpose, Stop, diff, run};

fn two_pages() -> [RecordBatch; 2] {
    [
        page("1", &[("a", "1", "1"), ("b", "1", "1")]),
        page("2", &[("c", "1", "1"), ("d", "1", "1")]),
    ]
}

async fn planned(store: &Arc<Memory>, pages: &[RecordBatch]) -> Planned {
    let script = with(standing(store), pages);
    let planned = differ(&script, store, 100).await.planned;
    let text = serde_json::to_string(&planned).unwrap();
    let read: Planned = serde_json::from_str(&text).unwrap();
    assert!(read.is_whole());
    read
}

#[tokio::test(start_paused = true)]
async fn a_run_by_plan_sends_what_was_planned() {
    let store: Arc<Memory> = Arc::default();
    let planned = planned(&store, &two_pages()).await;
    let script = with(standing(&store), &two_pages());
    let report = by_plan(&script, &store, &planned).await;
    assert_eq!(
        (report.counts.applied, failure(&report)),
        (4, "Finished".to_owned())
    );
    let runs = store.runs(&SCOPE.into(), 1).unwrap();
    assert_eq!(runs[0].purpose, format!("plan {}", &planned.hash[..12]));
}

/// A run by the plan of two pages, whose second page is now this one: how far
/// it came, and what it says.
async fn strays(second: &[(&str, &str, &str)]) -> (u64, Option<Position>, String) {
    let store: Arc<Memory> = Arc::default();
    let planned = planned(&store, &two_pages()).await;
    let [first, _] = two_pages();
    let script = with(standing(&store), &[first, page("2", second)]);
    let report = by_plan(&script, &store, &planned).await;
    let checkpoint = store.checkpoint(&SCOPE.into(), "").unwrap();
    let position = checkpoint.map(|checkpoint| checkpoint.position);
    (report.counts.applied, position, failure(&report))
}

#[tokio::test(start_paused = true)]
async fn a_document_that_is_not_planned_is_not_sent_and_what_came_before_is_done() {
    let first = Some(Position(b"1".to_vec()));
    let cases = [
        (
            [("c", "1", "1"), ("e", "1", "1")],
            "document `` of `e` is not in the plan",
        ),
        (
            [("c", "1", "1"), ("d", "1", "2")],
            "`d` has another content than in the plan",
        ),
    ];
    for (second, said) in cases {
        let (applied, position, error) = strays(&second).await;
        assert!(error.contains(said), "{error}");
        assert_eq!((applied, &position), (2, &first));
    }
}

#[tokio::test(start_paused = true)]
async fn a_planned_document_that_never_comes_is_told() {
    let (applied, position, error) = strays(&[("c", "1", "1")]).await;
    assert!(
        error.contains("1 documents of the plan never came, the first of `d`"),
        "{error}"
    );
    assert_eq!((applied, position), (3, Some(Position(b"2".to_vec()))));
}

#[tokio::test(start_paused = true)]
async fn a_document_that_would_be_changed_otherwise_is_not_sent() {
    let store: Arc<Memory> = Arc::default();
    let pages = [page("1", &[("a", "1", "1")])];
    let planned = planned(&store, &pages).await;
    // Somebody else's run gets there first.
    let claim = store.claim(&SCOPE.into()).await.unwrap();
    live(&store, &[page("1", &[("a", "0", "0")])]).await;
    drop(claim);
    let claim = store.claim(&SCOPE.into()).await.unwrap();
    let reset = Change::ResetCheckpoint {
        lane: String::new(),
    };
    store.commit(&claim, vec![reset]).await.unwrap();
    let script = with(standing(&store), &pages);
    let report = by_plan(&script, &store, &planned).await;
    let said = failure(&report);
    assert!(
        said.contains("`a` would be updated, and created by the plan"),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_something_else_is_refused() {
    let store: Arc<Memory> = Arc::default();
    let planned = planned(&store, &two_pages()).await;
    let script = with(standing(&store), &two_pages());
    let refused = |planned: Planned, plan: Plan| {
        let options = Options {
            purpose: Purpose::Planned(Arc::new(planned)),
            ..script.options(plan, &store)
        };
        async move {
            match run(&options, &Stop::new()).await {
                Err(error @ Error::PlanStale { .. }) => error.to_string(),
                other => panic!("{other:?}"),
            }
        }
    };
    let mut touched = planned.clone();
    touched.entries.pop();
    let said = refused(touched, updating()).await;
    assert!(said.contains("as its file was changed"), "{said}");
    let mut plan = updating();
    plan.manifest_digest = "another".to_owned();
    let said = refused(planned.clone(), plan).await;
    assert!(said.contains("as the manifest is another"), "{said}");
    let mut plan = updating();
    plan.source.digest = "another".to_owned();
    let said = refused(planned.clone(), plan).await;
    assert!(said.contains("as a connector is another"), "{said}");
    live(&store, &[page("0", &[("z", "1", "1")])]).await;
    let said = refused(planned, updating()).await;
    assert!(said.contains("as the checkpoint has moved"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_was_cut_ends_where_it_was_cut() {
    let store: Arc<Memory> = Arc::default();
    let script = with(standing(&store), &two_pages());
    let report = differ(&script, &store, 1).await;
    assert_eq!((report.read, report.cut), (2, true));
    assert_eq!(told(&report), ["a create", "b create"]);
    let script = with(standing(&store), &two_pages());
    let run = by_plan(&script, &store, &report.planned).await;
    assert_eq!((run.counts.read, failure(&run)), (2, "Finished".to_owned()));
    let script = with(standing(&store), &two_pages());
    let whole = differ(&script, &store, 4).await;
    assert!(!whole.cut);
}

#[tokio::test(start_paused = true)]
async fn the_hash_of_a_plan_changes_with_all_that_it_names() {
    let store: Arc<Memory> = Arc::default();
    let one = planned(&store, &two_pages()).await;
    assert_eq!(planned(&store, &two_pages()).await.hash, one.hash);
    let other = [page("1", &[("a", "1", "1"), ("b", "1", "2")])];
    assert_ne!(planned(&store, &other).await.hash, one.hash);
    let script = with(standing(&store), &two_pages());
    let options = Options {
        purpose: Purpose::Backfill {
            lane: "backfill:1..2".to_owned(),
            from_ms: None,
        },
        ..script.options(updating(), &store)
    };
    let backfill = diff(&options, 100).await.unwrap().planned;
    assert_ne!(backfill.hash, one.hash);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_doubtful_is_by_the_plan_as_well() {
    let store: Arc<Memory> = Arc::default();
    let planned = planned(&store, &two_pages()).await;
    let mut script = with(standing(&store), &two_pages());
    script.write = Arc::new(|call, batch| match call {
        0 => Ok(vec![
            Outcome::Unknown("no answer".to_owned());
            batch.entries.len()
        ]),
        _ => Ok(applied(batch)),
    });
    let report = by_plan(&script, &store, &planned).await;
    assert_eq!(
        (report.counts.applied, failure(&report)),
        (4, "Finished".to_owned())
    );
}
