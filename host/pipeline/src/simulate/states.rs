//! What a document may be beside applied: taken back, discarded, waiting; and
//! what a run may begin under: a caution, a budget, another target.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use duijie_contract::{Exchange, Fault, FaultKind, Guarantee};
use duijie_plan::{OnChange, OnNewer, Plan};
use duijie_record::{
    Action, Change as Source, Finding, FoundDocument, Outcome, RecordBatch, Rejection, Retry, State,
};
use duijie_store::{
    Came, Caution, Change, DocumentState, HoldKind, LedgerRow, LineRef, Memory, Store,
};
use tokio::time::Instant;

use super::script::{Script, applied, batch, found};
use super::world::plan;
use crate::{End, Error, Report, Stop, run};

const SCOPE: &str = "orders";

fn update() -> Plan {
    plan(Guarantee::UniqueKey, OnChange::Update, 0)
}

fn version(version: &str, word: &str) -> RecordBatch {
    let line = format!(r#"{{"FBillNo":"CK1","word":"{word}"}}"#);
    batch(version, &[("CK1", version, &line)])
}

fn deletion(at: &str) -> RecordBatch {
    let mut batch = version(at, "gone");
    batch.entries[0].change = Source::Delete;
    batch
}

fn row(store: &Memory) -> LedgerRow {
    let rows = store.ledger(&SCOPE.into(), &["CK1".into()]);
    rows.unwrap().remove(0).unwrap()
}

fn state(store: &Memory) -> DocumentState {
    row(store).documents[0].state.clone()
}

fn refused() -> Vec<Outcome> {
    vec![Outcome::Rejected(Rejection {
        code: "sim.bad".to_owned(),
        message: "no".to_owned(),
        field: None,
        retry: Retry::Never,
    })]
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_document_that_comes_again_is_created_anew() {
    let store: Arc<Memory> = Arc::default();
    let script = Script::new(vec![version("1", "a"), deletion("2")]);
    let report = script.run(update(), &store).await;
    assert_eq!((report.counts.applied, report.counts.held), (2, 0));
    assert_eq!(state(&store), DocumentState::Cancelled);

    let again = Script::new(vec![deletion("3")]);
    let report = again.run(update(), &store).await;
    assert_eq!((report.counts.applied, report.counts.unchanged), (0, 1));
    assert_eq!(again.writes.load(Ordering::Relaxed), 0);

    let mut anew = Script::new(vec![version("4", "a")]);
    anew.write = Arc::new(|_, batch| {
        let entry = &batch.entries[0];
        assert_eq!((entry.action, &entry.known_id), (Action::Create, &None));
        Ok(applied(batch))
    });
    anew.run(update(), &store).await;
    assert_eq!(state(&store), DocumentState::Applied);
    let actions = row(&store).documents[0].tries.clone().into_iter();
    let actions: Vec<_> = actions.map(|one| one.action).collect();
    assert_eq!(actions, [Action::Create, Action::Cancel, Action::Create]);
}

#[tokio::test(start_paused = true)]
async fn a_discarded_document_is_sent_again_only_when_its_content_changes() {
    let store: Arc<Memory> = Arc::default();
    let mut script = Script::new(vec![version("1", "a")]);
    script.write = Arc::new(|_, _| Ok(refused()));
    script.run(update(), &store).await;
    let mut discarded = row(&store);
    discarded.documents[0].state = DocumentState::Discarded;
    let claim = store.claim(&SCOPE.into()).await.unwrap();
    let lane = String::new();
    let changes = vec![Change::Ledger(discarded), Change::ResetCheckpoint { lane }];
    store.commit(&claim, changes).await.unwrap();

    let mut other = update();
    "other".clone_into(&mut other.manifest_digest);
    for again in [version("1", "a"), version("2", "a")] {
        let script = Script::new(vec![again]);
        let report = script.run(other.clone(), &store).await;
        assert_eq!((report.counts.applied, report.counts.unchanged), (0, 1));
        assert_eq!(state(&store), DocumentState::Discarded);
    }
    let report = Script::new(vec![version("3", "b")])
        .run(other, &store)
        .await;
    assert_eq!(report.counts.applied, 1);
    assert_eq!(state(&store), DocumentState::Applied);
}

#[tokio::test(start_paused = true)]
async fn a_later_version_passes_or_waits_as_the_plan_says() {
    for on_newer in [OnNewer::Pass, OnNewer::Wait] {
        let store: Arc<Memory> = Arc::default();
        let mut plan = update();
        plan.policy.on_newer = on_newer;
        let mut script = Script::new(vec![version("1", "a"), version("2", "b")]);
        script.write = Arc::new(|call, batch| match call {
            0 => Ok(refused()),
            _ => Ok(applied(batch)),
        });
        script.run(plan.clone(), &store).await;
        let letters = store.dead_letters(&SCOPE.into()).unwrap();
        if on_newer == OnNewer::Pass {
            assert!(letters.is_empty());
            continue;
        }
        assert_eq!(script.writes.load(Ordering::Relaxed), 1);
        let letter = &letters[0];
        assert_eq!(
            (letter.code.as_str(), letter.message.as_str()),
            ("sim.bad", "no")
        );
        assert_eq!(letter.version, Some("2".into()));
        assert!(String::from_utf8_lossy(&letter.record).contains(r#""b""#));
        assert_eq!(row(&store).version, Some("2".into()));
        // What is deleted at the source has nothing to wait for.
        Script::new(vec![deletion("3")]).run(plan, &store).await;
        assert!(store.dead_letters(&SCOPE.into()).unwrap().is_empty());
    }
}

/// Writes of a run under a caution, what it came to, and what is held.
async fn cautious(plan: Plan, finding: Finding, ends_well: bool) -> (usize, Report, Arc<Memory>) {
    let store: Arc<Memory> = Arc::default();
    let claim = store.claim(&SCOPE.into()).await.unwrap();
    let caution = Caution {
        reason: "state was restored".to_owned(),
        at_ms: 1,
    };
    let changes = vec![Change::Caution(Some(caution))];
    store.commit(&claim, changes).await.unwrap();
    let mut script = Script::new(vec![version("1", "a")]);
    script.find = Arc::new(move |_| finding.clone());
    if !ends_well {
        let kind = FaultKind::Unauthorized("no".to_owned());
        let fault = Err(Fault::new("sim 1", kind));
        script.batches.lock().unwrap().push_back(fault);
    }
    let report = script.run(plan, &store).await;
    let writes = script.writes.load(Ordering::Relaxed);
    (writes, report, store)
}

#[tokio::test(start_paused = true)]
async fn under_a_caution_what_is_found_is_not_created_again() {
    let key = "CK1".into();
    let locked = Finding::Found(FoundDocument {
        id: "id-CK1".to_owned(),
        state: State::Locked("audited".to_owned()),
    });
    let (create, update_it) = (Action::Create, Action::Update);
    for (on_change, finding, writes, came) in [
        (OnChange::Hold, found(&key), 0, vec![(create, Came::Found)]),
        // It may stand there in an earlier version.
        (
            OnChange::Update,
            found(&key),
            1,
            vec![(create, Came::Found), (update_it, Came::Applied)],
        ),
        (OnChange::Update, locked, 0, vec![(create, Came::Found)]),
        (
            OnChange::Update,
            Finding::Absent,
            1,
            vec![(create, Came::Absent), (create, Came::Applied)],
        ),
    ] {
        let began = Instant::now();
        let plan = plan(Guarantee::UniqueKey, on_change, 0);
        let (wrote, report, store) = cautious(plan, finding, true).await;
        assert_eq!((wrote, report.counts.applied), (writes, 1));
        let tries = row(&store).documents[0].tries.clone();
        let told: Vec<_> = tries
            .into_iter()
            .map(|one| (one.action, one.came))
            .collect();
        assert_eq!(told, came);
        assert!(began.elapsed() >= update().target.settle);
        assert_eq!(store.caution(&SCOPE.into()).unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caution_stays_until_a_run_has_finished_under_it() {
    let (_, report, store) = cautious(update(), Finding::Absent, false).await;
    assert!(matches!(report.end, End::Failed(_)), "{report:?}");
    assert!(store.caution(&SCOPE.into()).unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_caution_lasts_a_day_where_the_target_can_be_asked() {
    const HOUR_MS: u64 = 3_600_000;
    let plan = update();
    let (_, report, store) = cautious(plan.clone(), Finding::Absent, true).await;
    for (ago, lasts) in [(23 * HOUR_MS, true), (25 * HOUR_MS, false)] {
        let script = Script::new(Vec::new());
        let started_ms = script.options(plan.clone(), &store).clock.now_ms();
        let caution = Caution {
            reason: "state was restored".to_owned(),
            at_ms: started_ms - ago,
        };
        let claim = store.claim(&SCOPE.into()).await.unwrap();
        let changes = vec![Change::Caution(Some(caution))];
        store.commit(&claim, changes).await.unwrap();
        drop(claim);
        script.run(plan.clone(), &store).await;
        let kept = store.caution(&SCOPE.into()).unwrap();
        assert_eq!(kept.is_some(), lasts, "{report:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn under_a_caution_a_target_that_cannot_be_asked_holds_unless_sending_twice_is_harmless() {
    for (guarantee, sends) in [
        (Guarantee::None, false),
        (Guarantee::UniqueKey, false),
        (Guarantee::ServerKey, true),
        (Guarantee::NaturalUpsert, true),
    ] {
        let mut plan = plan(guarantee, OnChange::Update, 0);
        plan.target.lookup = false;
        let (writes, _, store) = cautious(plan, Finding::Absent, true).await;
        assert_eq!(writes, usize::from(sends), "{guarantee}");
        let holds = store.holds(&SCOPE.into()).unwrap();
        let kinds: Vec<_> = holds.iter().map(|hold| hold.kind).collect();
        let expected = [HoldKind::Caution];
        assert_eq!(kinds, expected[usize::from(sends)..], "{guarantee}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_held_document_stays_held_for_the_reason_it_was() {
    let mut plan = update();
    plan.target.guarantee = Guarantee::None;
    plan.target.lookup = false;
    let (_, _, store) = cautious(plan.clone(), Finding::Absent, true).await;
    Script::new(vec![version("2", "b")]).run(plan, &store).await;
    let holds = store.holds(&SCOPE.into()).unwrap();
    assert_eq!((holds.len(), holds[0].kind), (1, HoldKind::Caution));
    assert!(String::from_utf8_lossy(&holds[0].document).contains(r#""b""#));
}

/// How long a run takes whose target asks once for a minute.
async fn throttled(budget: Duration) -> (Duration, Report) {
    let mut script = Script::new(vec![version("1", "a")]);
    script.write = Arc::new(|call, batch| match call {
        0 => Err(Fault::new(
            "sim 1",
            FaultKind::RateLimited {
                reason: "slower".to_owned(),
                retry_after: Some(Duration::from_secs(60)),
            },
        )),
        _ => Ok(applied(batch)),
    });
    let mut plan = update();
    plan.policy.retries.budget = budget;
    let began = Instant::now();
    let report = script.run(plan, &Arc::default()).await;
    (began.elapsed(), report)
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_a_target_asks_for_is_kept_within_the_runs_budget() {
    let (took, report) = throttled(Duration::from_secs(60)).await;
    assert_eq!(report.counts.applied, 1);
    assert!(took >= Duration::from_secs(60), "{took:?}");
    let (took, report) = throttled(Duration::from_secs(59)).await;
    assert!(matches!(report.end, End::Failed(_)), "{report:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_state_of_one_target_is_not_used_for_another() {
    let store: Arc<Memory> = Arc::default();
    let script = Script::new(vec![version("1", "a")]);
    script.run(update(), &store).await;
    let mut other = update();
    "test-account".clone_into(other.target.stage.usage.connection.get_or_insert_default());
    let refused = run(&script.options(other, &store), &Stop::new()).await;
    let Err(error @ Error::OtherTarget { .. }) = refused else {
        panic!("{refused:?}");
    };
    let words = "the state of scope `orders` belongs to `sim//orders`, and the plan writes to \
                 `sim/test-account/orders`";
    assert!(error.to_string().starts_with(words), "{error}");
    assert_eq!(store.runs(&SCOPE.into(), 9).unwrap().len(), 1);
}

fn text(store: &Memory, place: Option<&LineRef>) -> String {
    let place = place.unwrap();
    let data = store.kept(&SCOPE.into(), &place.segment).unwrap().unwrap();
    let lines = String::from_utf8(data).unwrap();
    let number = usize::try_from(place.line).unwrap();
    lines.lines().nth(number).unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn record_document_and_exchange_can_be_read_again() {
    let store: Arc<Memory> = Arc::default();
    let mut script = Script::new(vec![version("1", "a")]);
    let body = "b".repeat(5_000).into_bytes();
    script.exchange = Some(Exchange {
        at_ms: 1,
        took_ms: 2,
        method: "POST".to_owned(),
        url: "http://sim/save".to_owned(),
        headers: Vec::new(),
        body: body.into(),
        entries: vec![0],
        status: Some(200),
        answer: b"saved".to_vec().into(),
        fault: None,
    });
    script.run(update(), &store).await;
    let row = row(&store);
    let line = r#"{"FBillNo":"CK1","word":"a"}"#;
    assert_eq!(text(&store, row.record.as_ref()), line);
    let document = &row.documents[0];
    assert_eq!(text(&store, document.sent.as_ref()), line);
    let kept = text(&store, document.tries[0].exchange.as_ref());
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["body"].as_str().unwrap().len(), 2_048);
    assert_eq!(kept["body_bytes"], 5_000);
    assert_eq!(kept["body_xxh3"].as_str().unwrap().len(), 32);
    assert_eq!(
        (&kept["answer"], &kept["status"]),
        (&"saved".into(), &200.into())
    );

    // A refusal is kept whole.
    script
        .batches
        .lock()
        .unwrap()
        .push_back(Ok(version("2", "b")));
    script.write = Arc::new(|_, _| Ok(refused()));
    script.run(update(), &store).await;
    let letters = store.dead_letters(&SCOPE.into()).unwrap();
    let kept = text(&store, letters[0].exchange.as_ref());
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["body"].as_str().unwrap().len(), 5_000);
    assert!(kept.get("body_xxh3").is_none());
}
