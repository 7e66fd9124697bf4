//! One document that spoils its batch, and findings that are not ours.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use duijie_contract::Guarantee;
use duijie_plan::{OnChange, Plan};
use duijie_record::{DocumentBatch, Finding, FoundDocument, Outcome, Rejection, Retry, State};
use duijie_store::{
    Came, Change, DocumentRow, DocumentState, Fingerprint, HoldKind, LedgerRow, Memory, Store,
};

use super::script::{Script, applied, batch};
use super::world::plan;
use crate::{End, Event, Observer, Report};

const SCOPE: &str = "orders";

fn hundred() -> Plan {
    let mut plan = plan(Guarantee::Lookup, OnChange::Hold, 0);
    plan.target.max_records = 100;
    plan.target.max_bytes = 1 << 20;
    plan.policy.retries.attempts = 3;
    plan
}

/// A page of so many orders, of which these are bad.
fn page(count: usize, bad: &[usize]) -> Script {
    let line = |number: usize| {
        let word = if bad.contains(&number) { "bad" } else { "good" };
        (
            format!("CK{number:02}"),
            format!(r#"{{"FBillNo":"CK{number:02}","word":"{word}"}}"#),
        )
    };
    let lines: Vec<_> = (0..count).map(line).collect();
    let lines: Vec<_> = lines
        .iter()
        .map(|(key, line)| (key.as_str(), "1", line.as_str()))
        .collect();
    let mut script = Script::new(vec![batch("1", &lines)]);
    script.find = Arc::new(|_| Finding::Absent);
    script
}

fn is_bad(batch: &DocumentBatch) -> bool {
    String::from_utf8_lossy(&batch.data).contains("bad")
}

fn refused(code: &str, field: Option<&str>) -> Outcome {
    Outcome::Rejected(Rejection {
        code: code.to_owned(),
        message: "the customer is not known".to_owned(),
        field: field.map(str::to_owned),
        retry: Retry::Never,
    })
}

#[tokio::test(start_paused = true)]
async fn of_a_hundred_the_poisoned_one_alone_is_refused() {
    let mut script = page(100, &[41]);
    script.write = Arc::new(|_, batch| {
        let alone = batch.entries.len() == 1;
        Ok(match (is_bad(batch), alone) {
            (false, _) => applied(batch),
            (true, true) => vec![refused("sim.unknown_customer", Some("FCustId"))],
            (true, false) => vec![refused("sim.batch", None); batch.entries.len()],
        })
    });
    let store: Arc<Memory> = Arc::default();
    let report = script.run(hundred(), &store).await;
    assert!(matches!(report.end, End::Finished), "{report:?}");
    assert_eq!((report.counts.applied, report.counts.rejected), (99, 1));
    assert!(script.writes.load(Ordering::Relaxed) <= 15);
    let letters = store.dead_letters(&SCOPE.into()).unwrap();
    let letter = &letters[0];
    assert_eq!(letter.source_key, "CK41".into());
    assert_eq!(letter.code, "sim.unknown_customer");
    assert_eq!(letter.message, "the customer is not known");
    assert_eq!(letter.field.as_deref(), Some("FCustId"));
    let line = r#"{"FBillNo":"CK41","word":"bad"}"#;
    assert_eq!(String::from_utf8_lossy(&letter.record), line);
    assert_eq!(letter.document.as_deref(), Some(line.as_bytes()));
    let row = row(&store, "CK41");
    let codes: Vec<_> = row.documents[0].tries.iter().map(code).collect();
    assert_eq!(codes.last(), Some(&"sim.unknown_customer"));
    assert!(
        codes[..codes.len() - 1]
            .iter()
            .all(|code| *code == "sim.batch")
    );
    assert!(store.open_intents(&SCOPE.into()).unwrap().is_empty());
}

fn row(store: &Memory, key: &str) -> LedgerRow {
    let rows = store.ledger(&SCOPE.into(), &[key.into()]);
    rows.unwrap().remove(0).unwrap()
}

fn code(one: &duijie_store::Try) -> &str {
    match &one.came {
        Came::Rejected { code, .. } => code,
        _ => "",
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_whose_batch_is_refused_even_alone_becomes_a_dead_letter() {
    let mut script = page(5, &[0, 4]);
    script.write = Arc::new(|_, batch| {
        Ok(match is_bad(batch) {
            false => applied(batch),
            true => vec![refused("batch", None); batch.entries.len()],
        })
    });
    let store: Arc<Memory> = Arc::default();
    let report = script.run(hundred(), &store).await;
    assert_eq!((report.counts.applied, report.counts.rejected), (3, 2));
}

fn no_answer(batch: &DocumentBatch) -> Vec<Outcome> {
    vec![Outcome::Unknown("garbled".to_owned()); batch.entries.len()]
}

#[tokio::test(start_paused = true)]
async fn a_document_that_leaves_its_batch_without_an_answer_is_held_and_not_the_others() {
    for bad in [0, 3, 7] {
        let mut script = page(8, &[bad]);
        script.write = Arc::new(|_, batch| {
            Ok(match is_bad(batch) {
                false => applied(batch),
                true => no_answer(batch),
            })
        });
        let store: Arc<Memory> = Arc::default();
        let report = script.run(hundred(), &store).await;
        assert!(matches!(report.end, End::Finished), "{report:?}");
        assert_eq!((report.counts.applied, report.counts.held), (7, 1));
        let holds = store.holds(&SCOPE.into()).unwrap();
        assert_eq!(holds[0].kind, HoldKind::Doubt);
        assert_eq!(holds[0].source_key.0, format!("CK{bad:02}"));
        assert!(String::from_utf8_lossy(&holds[0].record).contains("bad"));
        assert!(store.open_intents(&SCOPE.into()).unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_never_answers_fails_the_run_before_every_document_was_tried_alone() {
    let mut script = page(64, &[]);
    script.write = Arc::new(|_, batch| Ok(no_answer(batch)));
    let store: Arc<Memory> = Arc::default();
    let report = script.run(hundred(), &store).await;
    let End::Failed(error) = &report.end else {
        panic!("{report:?}");
    };
    let words = "64 of `orders` could not be written, tries: 3, the last reason: garbled";
    assert!(error.to_string().contains(words), "{error}");
    assert!(script.writes.load(Ordering::Relaxed) < 24);
    assert!(store.holds(&SCOPE.into()).unwrap().is_empty());
    let intents = store.open_intents(&SCOPE.into()).unwrap();
    let open: usize = intents.iter().map(|intent| intent.entries.len()).sum();
    assert_eq!(open, 64);
    let report = page(64, &[]).run(hundred(), &store).await;
    assert_eq!((report.counts.applied, report.counts.held), (64, 0));
}

/// Remembers alarms.
#[derive(Default)]
struct Bell(Mutex<Vec<HoldKind>>);

impl Observer for Bell {
    fn event(&self, event: Event<'_>) {
        if let Event::Alarm { kind, .. } = event {
            self.0.lock().unwrap().push(kind);
        }
    }
}

/// What becomes of a document in doubt when this is found, and the alarms.
async fn found(finding: Finding, store: &Arc<Memory>) -> (Report, Vec<HoldKind>) {
    let mut script = page(1, &[]);
    script.write = Arc::new(|_, batch| Ok(no_answer(batch)));
    script.find = Arc::new(move |_| finding.clone());
    let bell = Arc::new(Bell::default());
    script.observer = Arc::clone(&bell) as Arc<dyn Observer>;
    let report = script.run(hundred(), store).await;
    let rung = bell.0.lock().unwrap().clone();
    (report, rung)
}

fn document(id: &str) -> FoundDocument {
    FoundDocument {
        id: id.to_owned(),
        state: State::Open,
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_found_twice_rings_an_alarm() {
    let store: Arc<Memory> = Arc::default();
    let twice = Finding::FoundTwice(vec![document("7"), document("8")]);
    let (report, rung) = found(twice, &store).await;
    assert_eq!((report.counts.held, rung), (1, vec![HoldKind::Twice]));
    let holds = store.holds(&SCOPE.into()).unwrap();
    let reason = "the target has it more than once: `7`, `8`";
    assert_eq!(
        (holds[0].kind, holds[0].reason.as_str()),
        (HoldKind::Twice, reason)
    );
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_tell_yet_is_asked_again_before_anything_is_held() {
    for (blind_for, held, asked) in [(0, 0, 1), (1, 0, 2), (3, 0, 4), (4, 1, 4)] {
        let looks = Arc::new(AtomicUsize::new(0));
        let mut script = page(1, &[]);
        script.write = Arc::new(|_, batch| Ok(no_answer(batch)));
        let counted = Arc::clone(&looks);
        script.find =
            Arc::new(
                move |key| match counted.fetch_add(1, Ordering::Relaxed) < blind_for {
                    true => Finding::CannotTell("it shows no document at all".to_owned()),
                    false => super::script::found(key),
                },
            );
        let store: Arc<Memory> = Arc::default();
        let report = script.run(hundred(), &store).await;
        assert_eq!(
            (report.counts.applied, report.counts.held),
            (1 - held, held)
        );
        assert_eq!(looks.load(Ordering::Relaxed), asked);
    }
}

/// The ledger has a document of this number that another record made.
async fn another(store: &Memory, state: DocumentState, id: Option<&str>) {
    let claim = store.claim(&SCOPE.into()).await.unwrap();
    let document = DocumentRow {
        part: String::new(),
        target_key: "CK00".into(),
        target_id: id.map(str::to_owned),
        mapped_print: Fingerprint(7),
        state,
        step: 0,
        attempts: 1,
        tries: Vec::new(),
        sent: None,
    };
    let row = LedgerRow {
        source_key: "another".into(),
        version: None,
        source_print: Fingerprint(8),
        documents: vec![document],
        record: None,
        run: "earlier".into(),
        at_ms: 1,
    };
    let changes = vec![Change::Ledger(row)];
    store.commit(&claim, changes).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_another_record_made_is_not_taken_for_ours() {
    let store: Arc<Memory> = Arc::default();
    another(&store, DocumentState::Applied, Some("7")).await;
    let (report, rung) = found(Finding::Found(document("7")), &store).await;
    assert_eq!((report.counts.applied, report.counts.held), (0, 1));
    assert_eq!(rung, [HoldKind::Conflict]);
    let holds = store.holds(&SCOPE.into()).unwrap();
    assert!(holds[0].reason.contains("`another`"), "{}", holds[0].reason);
}

#[tokio::test(start_paused = true)]
async fn what_another_record_was_refused_for_is_ours_when_it_is_found() {
    let store: Arc<Memory> = Arc::default();
    another(&store, DocumentState::Rejected, None).await;
    let (report, rung) = found(Finding::Found(document("7")), &store).await;
    assert_eq!((report.counts.applied, rung), (1, vec![]));
    let tries = row(&store, "CK00").documents[0].tries.clone();
    let came: Vec<_> = tries.into_iter().map(|one| one.came).collect();
    assert_eq!(came, [Came::Unknown("garbled".to_owned()), Came::Found]);
}
