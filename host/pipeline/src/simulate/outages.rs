//! A target that takes nothing until the tries of a run are used up, and the
//! runs after it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use duijie_contract::{FaultKind, Guarantee};
use duijie_plan::{OnChange, OnUnknown, Plan};
use duijie_record::{DocumentBatch, Finding, FoundDocument, Outcome, Rejection, Retry, State};
use duijie_store::{Memory, Store};
use tokio::time::Instant;

use super::script::{Script, applied, batch};
use super::world::{fault, plan};
use crate::{End, Report};

const SCOPE: &str = "orders";

fn few_tries(guarantee: Guarantee) -> Plan {
    let mut plan = plan(guarantee, OnChange::Hold, 0);
    plan.policy.retries.attempts = 2;
    plan
}

/// One page of three orders, one chunk.
fn script(write: fn(usize, &DocumentBatch) -> Vec<Outcome>) -> Script {
    let lines = ["CK1", "CK2", "CK3"].map(|key| (key, format!(r#"{{"FBillNo":"{key}"}}"#)));
    let lines: Vec<_> = lines
        .iter()
        .map(|(key, line)| (*key, "1", line.as_str()))
        .collect();
    let mut script = Script::new(vec![batch("1", &lines)]);
    script.write = Arc::new(move |call, batch| Ok(write(call, batch)));
    script.find = Arc::new(|_| Finding::Absent);
    script
}

/// A source that reads the page again, and a target that works.
fn recovered() -> Script {
    script(|_, batch| applied(batch))
}

fn unknown(batch: &DocumentBatch) -> Vec<Outcome> {
    vec![Outcome::Unknown("the line is cut".to_owned()); batch.entries.len()]
}

fn busy() -> Outcome {
    refused("sim.busy", Retry::Later)
}

fn refused(code: &str, retry: Retry) -> Outcome {
    Outcome::Rejected(Rejection {
        code: code.to_owned(),
        message: "slower please".to_owned(),
        field: None,
        retry,
    })
}

fn all_busy(batch: &DocumentBatch) -> Vec<Outcome> {
    vec![busy(); batch.entries.len()]
}

/// The run failed with these words, parked nothing and passed nothing.
#[track_caller]
fn check_failed(report: &Report, store: &Memory, words: &str, open: usize) {
    let End::Failed(error) = &report.end else {
        panic!("{report:?}");
    };
    assert_eq!(error.to_string(), words);
    assert_eq!((report.counts.held, report.counts.rejected), (0, 0));
    assert!(store.holds(&SCOPE.into()).unwrap().is_empty());
    assert!(store.dead_letters(&SCOPE.into()).unwrap().is_empty());
    assert!(store.checkpoint(&SCOPE.into(), "").unwrap().is_none());
    let intents = store.open_intents(&SCOPE.into()).unwrap();
    let documents: usize = intents.iter().map(|intent| intent.entries.len()).sum();
    assert_eq!(open, documents, "{intents:?}");
}

/// The next run writes this many and leaves nothing open.
async fn check_next(plan: Plan, store: &Arc<Memory>, applied: u64, calls: usize) {
    let script = recovered();
    let report = script.run(plan, store).await;
    assert!(matches!(report.end, End::Finished), "{report:?}");
    assert_eq!((report.counts.applied, report.counts.held), (applied, 0));
    assert_eq!(script.writes.load(Ordering::Relaxed), calls);
    assert!(store.open_intents(&SCOPE.into()).unwrap().is_empty());
    assert!(store.checkpoint(&SCOPE.into(), "").unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn an_outage_fails_the_run_and_the_next_one_writes_everything() {
    for guarantee in [Guarantee::UniqueKey, Guarantee::NaturalUpsert] {
        let plan = few_tries(guarantee);
        let store: Arc<Memory> = Arc::default();
        let words = "sim 1.0.0: 3 of `orders` could not be written, tries: 2, \
                     the last reason: the line is cut";
        // An open intent counts anew in every run.
        for _ in 0..3 {
            let outage = script(|_, batch| unknown(batch));
            let report = outage.run(plan.clone(), &store).await;
            check_failed(&report, &store, words, 3);
            assert_eq!(outage.writes.load(Ordering::Relaxed), 2);
        }
        check_next(plan, &store, 3, 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_last_look_up_finds_leaves_the_intent() {
    let plan = few_tries(Guarantee::UniqueKey);
    let store: Arc<Memory> = Arc::default();
    let mut outage = script(|_, batch| unknown(batch));
    outage.find = Arc::new(|key| match key.as_str() {
        "CK2" => Finding::Found(FoundDocument {
            id: "7".to_owned(),
            state: State::Open,
        }),
        _ => Finding::Absent,
    });
    let report = outage.run(plan.clone(), &store).await;
    assert_eq!(report.counts.applied, 1);
    let words = "sim 1.0.0: 2 of `orders` could not be written, tries: 2, \
                 the last reason: the line is cut";
    check_failed(&report, &store, words, 2);
    check_next(plan, &store, 2, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_refuses_everything_for_now_fails_the_run() {
    let plan = few_tries(Guarantee::UniqueKey);
    let store: Arc<Memory> = Arc::default();
    let throttled = script(|_, batch| all_busy(batch));
    let began = Instant::now();
    let report = throttled.run(plan.clone(), &store).await;
    let words = "sim 1.0.0: 3 of `orders` could not be written, tries: 2, \
                 the last reason: slower please";
    check_failed(&report, &store, words, 0);
    assert_eq!(throttled.writes.load(Ordering::Relaxed), 2);
    let first_wait = plan.policy.retries.first_wait;
    assert!(began.elapsed() >= first_wait / 2);
    assert!(began.elapsed() < first_wait + Duration::from_millis(2));
    check_next(plan, &store, 3, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_promises_nothing_holds_no_document_that_it_refused() {
    let mut plan = few_tries(Guarantee::None);
    plan.policy.on_unknown = OnUnknown::Hold;
    let store: Arc<Memory> = Arc::default();
    let throttled = script(|_, batch| all_busy(batch));
    let report = throttled.run(plan.clone(), &store).await;
    let words = "sim 1.0.0: 3 of `orders` could not be written, tries: 2, \
                 the last reason: slower please";
    check_failed(&report, &store, words, 0);
    check_next(plan, &store, 3, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_document_refused_among_others_that_went_through_becomes_a_dead_letter() {
    let script = script(|call, batch| {
        let mut outcomes = applied(batch);
        match call {
            0 => outcomes[1] = busy(),
            _ => outcomes = all_busy(batch),
        }
        outcomes
    });
    let store: Arc<Memory> = Arc::default();
    let report = script.run(few_tries(Guarantee::UniqueKey), &store).await;
    assert!(matches!(report.end, End::Finished), "{report:?}");
    assert_eq!((report.counts.applied, report.counts.rejected), (2, 1));
    let letters = store.dead_letters(&SCOPE.into()).unwrap();
    let letter = (&letters[0].source_key, letters[0].attempts);
    assert_eq!(letter, (&"CK2".into(), 2));
}

#[tokio::test(start_paused = true)]
async fn a_throttle_after_half_a_batch_makes_no_dead_letters() {
    let plan = few_tries(Guarantee::UniqueKey);
    let store: Arc<Memory> = Arc::default();
    let half = script(|call, batch| {
        let mut outcomes = applied(batch);
        match call {
            0 => outcomes[1..].fill(Outcome::Unknown("cut".to_owned())),
            _ => outcomes = all_busy(batch),
        }
        outcomes
    });
    let report = half.run(plan.clone(), &store).await;
    let words = "sim 1.0.0: 2 of `orders` could not be written, tries: 2, \
                 the last reason: slower please";
    check_failed(&report, &store, words, 2);
    check_next(plan, &store, 2, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_lets_nobody_in_fails_the_run_and_holds_nothing() {
    let plan = few_tries(Guarantee::UniqueKey);
    let store: Arc<Memory> = Arc::default();
    let mut outage = script(|_, batch| unknown(batch));
    outage.blind = Some(fault(FaultKind::Unauthorized, "the session is lost"));
    let report = outage.run(plan.clone(), &store).await;
    let words = "sim 1.0.0: credentials were refused: the session is lost";
    check_failed(&report, &store, words, 3);
    check_next(plan, &store, 3, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_document_that_the_target_has_and_does_not_find_is_held() {
    let script = script(|call, batch| match call {
        0 => unknown(batch),
        _ => vec![refused("sim.duplicate", Retry::Never); batch.entries.len()],
    });
    let store: Arc<Memory> = Arc::default();
    let report = script.run(few_tries(Guarantee::UniqueKey), &store).await;
    assert!(matches!(report.end, End::Finished), "{report:?}");
    assert_eq!(report.counts.held, 3);
}

#[tokio::test(start_paused = true)]
async fn doubt_is_looked_at_a_whole_settle_time_after_it_arose_or_the_run_began() {
    let plan = few_tries(Guarantee::UniqueKey);
    let settle = plan.target.settle;
    let store: Arc<Memory> = Arc::default();
    let mut began = Instant::now();
    // However old the intent is that the second run finds.
    for doubted_at in ["the answer", "the start"] {
        let mut outage = script(|_, batch| unknown(batch));
        let first_look: Arc<OnceLock<Instant>> = Arc::default();
        let look = Arc::clone(&first_look);
        outage.find = Arc::new(move |_| {
            look.get_or_init(Instant::now);
            Finding::Absent
        });
        outage.run(plan.clone(), &store).await;
        let waited = *first_look.get().unwrap() - began;
        assert!(waited >= settle, "after {doubted_at}: {waited:?}");
        assert!(!store.open_intents(&SCOPE.into()).unwrap().is_empty());
        tokio::time::sleep(10 * settle).await;
        began = Instant::now();
    }
}
