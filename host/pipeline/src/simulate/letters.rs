//! Dead letters: how long they stay, and how a record gets out of them.

use std::sync::Arc;

use duijie_contract::{FaultKind, Guarantee};
use duijie_plan::{OnChange, Plan};
use duijie_record::{
    Action, MappedBatch, MappedLine, Outcome, RecordBatch, Rejection, Retry, Verdict,
};
use duijie_store::{
    Change, DocumentRow, DocumentState, Fingerprint, Hold, HoldKind, Intent, IntentEntry,
    LedgerRow, Memory, Store,
};

use super::script::{Script, applied, batch};
use super::world::{fault, plan};
use crate::{End, Report};

const SCOPE: &str = "orders";

fn rejection() -> Rejection {
    Rejection {
        code: "sim.bad".to_owned(),
        message: "no".to_owned(),
        field: None,
        retry: Retry::Never,
    }
}

/// Refuses lines that hold the word `bad`; makes two documents of others that
/// hold the word `both`, and none of those that hold the word `none`.
fn map(batch: &RecordBatch) -> MappedBatch {
    let mut mapped = MappedBatch {
        data: Vec::new(),
        lines: Vec::new(),
        verdicts: Vec::new(),
    };
    let text = String::from_utf8(batch.data.clone()).unwrap();
    for (source, line) in (0..).zip(text.lines()) {
        if line.contains("bad") {
            mapped.verdicts.push(Verdict::Reject(rejection()));
            continue;
        }
        if line.contains("none") {
            mapped.verdicts.push(Verdict::Drop("not wanted".to_owned()));
            continue;
        }
        let parts: &[&str] = match line.contains("both") {
            true => &["a", "b"],
            false => &[""],
        };
        for part in parts {
            let document = format!("{{\"FBillNo\":\"CK{part}\",\"from\":{line}}}\n");
            mapped.data.extend_from_slice(document.as_bytes());
            mapped.lines.push(MappedLine {
                sources: vec![source],
                part: (*part).to_owned(),
            });
        }
        mapped.verdicts.push(Verdict::Keep);
    }
    mapped
}

fn mapping() -> Plan {
    plan(Guarantee::UniqueKey, OnChange::Update, 1)
}

/// One run that reads these lines as versions of one record, a page each.
async fn read(plan: Plan, store: &Arc<Memory>, versions: &[(&str, &str)]) -> Report {
    let pages = versions.iter().map(|(version, line)| {
        let line = format!("\"{line}\"");
        batch(version, &[("CK1", version, line.as_str())])
    });
    let mut script = Script::new(pages.collect());
    script.map = Some(map);
    script.run(plan, store).await
}

/// Of each dead letter its part.
fn letters(store: &Memory) -> Vec<String> {
    let letters = store.dead_letters(&SCOPE.into()).unwrap();
    letters.into_iter().map(|letter| letter.part).collect()
}

#[tokio::test(start_paused = true)]
async fn a_later_version_that_goes_through_takes_the_dead_letter_back() {
    for good in ["good", "both", "none"] {
        let store: Arc<Memory> = Arc::default();
        read(mapping(), &store, &[("1", "bad")]).await;
        assert_eq!(letters(&store), [""], "{good}");
        let report = read(mapping(), &store, &[("2", good)]).await;
        assert_eq!(report.counts.rejected, 0);
        assert_eq!(letters(&store), [""; 0], "{good}");
        let rows = store.ledger(&SCOPE.into(), &["CK1".into()]).unwrap();
        let documents = rows[0].as_ref().unwrap().documents.len() as u64;
        assert_eq!(documents, report.counts.applied, "{good}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_back_at_what_stands_takes_the_dead_letter_back() {
    let store: Arc<Memory> = Arc::default();
    let versions = [("1", "good"), ("2", "bad"), ("3", "good")];
    read(mapping(), &store, &versions[..2]).await;
    assert_eq!(letters(&store), [""]);
    let report = read(mapping(), &store, &versions[2..]).await;
    assert_eq!((report.counts.unchanged, report.counts.applied), (1, 0));
    assert_eq!(letters(&store), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_later_version_that_is_refused_too_takes_the_letters_place() {
    let store: Arc<Memory> = Arc::default();
    let versions = [("1", "bad"), ("2", "bad, still")];
    read(mapping(), &store, &versions).await;
    let letters = store.dead_letters(&SCOPE.into()).unwrap();
    assert_eq!(letters[0].record, b"\"bad, still\"");
    assert_eq!(letters.len(), 1);
}

fn held_row(reason: &str) -> LedgerRow {
    let document = DocumentRow {
        part: String::new(),
        target_key: "CK".into(),
        target_id: None,
        mapped_print: Fingerprint(7),
        state: DocumentState::Held(reason.to_owned()),
        step: 0,
        attempts: 1,
        tries: Vec::new(),
        sent: None,
    };
    LedgerRow {
        source_key: "CK1".into(),
        version: Some("1".into()),
        source_print: Fingerprint(8),
        documents: vec![document],
        record: None,
        run: "earlier".into(),
        at_ms: 1,
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_is_taken_back_when_an_open_intent_turns_out_applied() {
    let store: Arc<Memory> = Arc::default();
    let claim = store.claim(&SCOPE.into()).await.unwrap();
    let reason = "a person looks".to_owned();
    let row = held_row(&reason);
    let hold = Hold {
        source_key: "CK1".into(),
        part: String::new(),
        target_key: "CK".into(),
        target_id: None,
        version: Some("1".into()),
        action: Action::Create,
        kind: HoldKind::Change,
        reason,
        record: Vec::new(),
        document: b"{}".to_vec(),
        run: "earlier".into(),
        at_ms: 1,
    };
    let intent = Intent {
        id: store.next_intent_id(),
        run: "earlier".into(),
        at_ms: 1,
        entries: vec![IntentEntry {
            source_key: "CK1".into(),
            part: String::new(),
            version: Some("2".into()),
            source_print: Fingerprint(9),
            mapped_print: Fingerprint(9),
            target_key: "CK".into(),
            action: Action::Create,
            known_id: None,
            attempt: 1,
            step: 0,
            record: None,
            tries: Vec::new(),
        }],
        segment: store.append_segment(&claim, b"{}\n").await.unwrap(),
    };
    let changes = vec![
        Change::Ledger(row),
        Change::Hold(hold),
        Change::Intent(intent),
    ];
    store.commit(&claim, changes).await.unwrap();
    let report = read(mapping(), &store, &[]).await;
    assert_eq!((report.counts.applied, report.counts.held), (1, 0));
    assert!(store.holds(&SCOPE.into()).unwrap().is_empty());
}

/// Runs the same page under each manifest in turn; of each run what was
/// applied and what refused.
async fn in_turn(store: &Arc<Memory>, runs: &[(&str, bool)]) -> Vec<(u64, u64)> {
    let mut counts = Vec::new();
    for (digest, works) in runs {
        let line = r#"{"FBillNo":"CK1"}"#;
        let mut script = Script::new(vec![batch("1", &[("CK1", "1", line)])]);
        if !works {
            script.write = Arc::new(|_, _| Ok(vec![Outcome::Rejected(rejection())]));
        }
        let mut plan = plan(Guarantee::UniqueKey, OnChange::Hold, 0);
        (*digest).clone_into(&mut plan.manifest_digest);
        let report = script.run(plan, store).await;
        counts.push((report.counts.applied, report.counts.rejected));
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn a_refused_record_is_tried_again_once_under_another_manifest() {
    let store: Arc<Memory> = Arc::default();
    let runs = [("old", false), ("old", true), ("new", false), ("new", true)];
    let counts = in_turn(&store, &runs).await;
    assert_eq!(counts, [(0, 1), (0, 0), (0, 1), (0, 0)]);
    assert_eq!(in_turn(&store, &[("newer", true)]).await, [(1, 0)]);
    assert!(letters(&store).is_empty());
    assert_eq!(in_turn(&store, &[("newest", true)]).await, [(0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_record_is_tried_again_when_the_source_is_read_anew() {
    let store: Arc<Memory> = Arc::default();
    let counts = in_turn(&store, &[("same", false), ("same", true)]).await;
    assert_eq!(counts, [(0, 1), (0, 0)]);
    let claim = store.claim(&SCOPE.into()).await.unwrap();
    let lane = String::new();
    let reset = vec![Change::ResetCheckpoint { lane }];
    store.commit(&claim, reset).await.unwrap();
    assert_eq!(in_turn(&store, &[("same", true)]).await, [(1, 0)]);
    assert!(letters(&store).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_mapping_refused_is_mapped_again_under_another_manifest() {
    let store: Arc<Memory> = Arc::default();
    read(mapping(), &store, &[("1", "bad")]).await;
    let mut fixed = mapping();
    "fixed".clone_into(&mut fixed.manifest_digest);
    let mut script = Script::new(vec![batch("1", &[("CK1", "1", "\"bad\"")])]);
    script.map = Some(|batch| {
        let mut batch = batch.clone();
        batch.data = b"\"good\"\n".to_vec();
        map(&batch)
    });
    let report = script.run(fixed, &store).await;
    assert_eq!((report.counts.applied, report.counts.rejected), (1, 0));
    assert!(letters(&store).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_crash_while_a_record_is_tried_again_forgets_none_of_its_documents() {
    for (written, dies) in [(0, true), (1, true), (1, false)] {
        let store: Arc<Memory> = Arc::default();
        read(mapping(), &store, &[("1", "bad")]).await;
        let mut fixed = mapping();
        "fixed".clone_into(&mut fixed.manifest_digest);
        fixed.target.max_records = 1;
        fixed.policy.writers = 1;
        let script = |written: usize| {
            let mut script = Script::new(vec![batch("1", &[("CK1", "1", "\"bad\"")])]);
            script.map = Some(|batch| {
                let mut batch = batch.clone();
                batch.data = b"\"both\"\n".to_vec();
                map(&batch)
            });
            script.write = Arc::new(move |call, batch| {
                if call < written {
                    return Ok(applied(batch));
                }
                assert!(!dies, "the process dies");
                Err(fault(FaultKind::Unauthorized, "not sent"))
            });
            script
        };
        script(written).run(fixed.clone(), &store).await;
        let report = script(2).run(fixed.clone(), &store).await;
        assert!(matches!(report.end, End::Finished), "{report:?}");
        let rows = store.ledger(&SCOPE.into(), &["CK1".into()]).unwrap();
        let row = rows[0].as_ref().unwrap();
        let states: Vec<_> = row.documents.iter().map(|one| &one.state).collect();
        assert_eq!(
            states,
            [&DocumentState::Applied; 2],
            "after {written} calls"
        );
        assert_eq!(row.version, Some("1".into()));
        assert!(letters(&store).is_empty());
    }
}
