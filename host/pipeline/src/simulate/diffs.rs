//! `plan --diff`: what each document would come to.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use duijie_contract::{FaultKind, Guarantee};
use duijie_plan::{OnChange, Plan};
use duijie_record::{Finding, FoundDocument, Outcome, RecordBatch, State};
use duijie_store::{Caution, Change, HoldKind, Memory, Store};

use super::script::{Script, batch, found};
use super::world::{fault, plan};
use crate::{Delta, DiffReport, End, Options, Planned, Purpose, Report, Stop, diff, run};

pub(super) const SCOPE: &str = "orders";

pub(super) fn updating() -> Plan {
    plan(Guarantee::UniqueKey, OnChange::Update, 0)
}

pub(super) fn line(key: &str, value: &str) -> String {
    format!(r#"{{"FBillNo":"{key}","amount":{value}}}"#)
}

/// A page of records `key`, `version`, `amount`.
pub(super) fn page(position: &str, records: &[(&str, &str, &str)]) -> RecordBatch {
    let lines: Vec<String> = records
        .iter()
        .map(|(key, _, value)| line(key, value))
        .collect();
    let records = records.iter().zip(&lines);
    let records: Vec<_> = records
        .map(|((key, version, _), line)| (*key, *version, line.as_str()))
        .collect();
    batch(position, &records)
}

/// Finds what some run has written.
pub(super) fn standing(store: &Arc<Memory>) -> Script {
    let mut script = Script::new(Vec::new());
    let store = Arc::clone(store);
    script.find = Arc::new(move |key| {
        match store
            .owners(&SCOPE.into(), std::slice::from_ref(key))
            .unwrap()[0]
        {
            Some(_) => found(key),
            None => Finding::Absent,
        }
    });
    script
}

pub(super) fn with(script: Script, pages: &[RecordBatch]) -> Script {
    let mut script = script;
    script.batches = Script::new(pages.to_vec()).batches;
    script
}

pub(super) async fn live(store: &Arc<Memory>, pages: &[RecordBatch]) -> Report {
    with(standing(store), pages).run(updating(), store).await
}

pub(super) async fn differ(script: &Script, store: &Arc<Memory>, limit: u64) -> DiffReport {
    let mut script = script.clone();
    script.preview = true;
    let options = script.options(updating(), store);
    let report = diff(&options, limit).await.unwrap();
    assert_eq!(script.writes.load(Ordering::Relaxed), 0);
    report
}

pub(super) async fn by_plan(script: &Script, store: &Arc<Memory>, planned: &Planned) -> Report {
    let options = Options {
        purpose: Purpose::Planned(Arc::new(planned.clone())),
        ..script.options(updating(), store)
    };
    run(&options, &Stop::new()).await.unwrap()
}

pub(super) fn told(report: &DiffReport) -> Vec<String> {
    let entries = report.entries.iter();
    entries
        .map(|entry| {
            let more = match &entry.delta {
                Delta::Update { fields } => fields
                    .iter()
                    .map(|field| format!(" {} {:?} {:?}", field.path, field.old, field.new))
                    .collect(),
                Delta::Conflict(reason) | Delta::CannotTell(reason) | Delta::Hold(reason) => {
                    format!(": {reason}")
                }
                _ => String::new(),
            };
            format!("{} {}{more}", entry.source_key, entry.delta.word())
        })
        .collect()
}

pub(super) fn failure(report: &Report) -> String {
    match &report.end {
        End::Failed(error) => error.to_string(),
        end => format!("{end:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_diff_tells_what_each_document_would_come_to() {
    let store: Arc<Memory> = Arc::default();
    let first = [("a", "1", "1"), ("b", "1", "10.00"), ("c", "2", "1")];
    live(&store, &[page("1", &first)]).await;
    let runs = store.runs(&SCOPE.into(), 9).unwrap();
    let pages = [
        page(
            "2",
            &[("a", "1", "1"), ("b", "2", "10.50"), ("c", "1", "0")],
        ),
        page("3", &[("d", "1", "1"), ("e", "1", "1"), ("f", "1", "1")]),
        page("4", &[("g", "1", "1"), ("d", "2", "2")]),
    ];
    let mut script = with(standing(&store), &pages);
    let usual = Arc::clone(&script.find);
    script.find = Arc::new(move |key| match key.as_str() {
        "e" => found(key),
        "f" => Finding::CannotTell("no permission".to_owned()),
        "g" => Finding::FoundTwice(Vec::new()),
        _ => usual(key),
    });
    let report = differ(&script, &store, 100).await;
    let expected = [
        "a unchanged",
        r#"b update /amount Some("10.00") Some("10.50")"#,
        "c stale",
        "d create",
        "e conflict: the target has it as `id-e`, and the ledger does not",
        "f cannot tell: the target cannot tell whether it has it: no permission",
        "g conflict: the target has it more than once: ``",
        r#"d update /amount Some("1") Some("2")"#,
    ];
    assert_eq!(told(&report), expected);
    assert_eq!((report.read, report.cut, report.resumed), (8, false, true));
    assert_eq!(report.outline, ["everything"]);
    // Nothing was written.
    assert_eq!(store.runs(&SCOPE.into(), 9).unwrap(), runs);
    assert!(store.holds(&SCOPE.into()).unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_the_target_says_before_a_change_is_told() {
    let store: Arc<Memory> = Arc::default();
    let keys = ["a", "b", "c"];
    let records = |version, value| keys.map(|key| (key, version, value));
    live(&store, &[page("1", &records("1", "1"))]).await;
    let mut script = with(standing(&store), &[page("2", &records("2", "2"))]);
    script.find = Arc::new(|key| match key.as_str() {
        "a" => Finding::Found(FoundDocument {
            id: "id-a".to_owned(),
            state: State::Locked("audited".to_owned()),
        }),
        "b" => found(&"other".into()),
        _ => Finding::Absent,
    });
    let report = differ(&script, &store, 100).await;
    let expected = [
        "a hold: the target says it is audited",
        "b conflict: the target has it under the id `id-other`, and it was applied as `id-b`",
        "c conflict: the target no longer has it",
    ];
    assert_eq!(told(&report), expected);
    script.batches = Script::new(vec![page("2", &records("2", "2"))]).batches;
    // Though it may be changed by now, nothing but the plan is done.
    script.find = Arc::new(found);
    let report = by_plan(&script, &store, &report.planned).await;
    assert_eq!((report.counts.held, report.counts.applied), (3, 0));
    let holds = store.holds(&SCOPE.into()).unwrap();
    let kinds: Vec<_> = holds.iter().map(|hold| hold.kind).collect();
    assert_eq!(
        kinds,
        [HoldKind::Locked, HoldKind::Conflict, HoldKind::Conflict]
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_whose_last_sending_is_gone_cannot_be_told() {
    let store: Arc<Memory> = Arc::default();
    live(&store, &[page("1", &[("a", "1", "1")])]).await;
    let claim = store.claim(&SCOPE.into()).await.unwrap();
    let rows = store.ledger(&SCOPE.into(), &["a".into()]).unwrap();
    let mut row = rows.into_iter().flatten().next().unwrap();
    row.documents[0].sent = None;
    store
        .commit(&claim, vec![Change::Ledger(row)])
        .await
        .unwrap();
    let pages = [page("2", &[("a", "2", "2")])];
    let script = with(standing(&store), &pages);
    let report = differ(&script, &store, 100).await;
    let expected = ["a cannot tell: an update, and what was last sent is no longer kept"];
    assert_eq!(told(&report), expected);
    let script = with(standing(&store), &pages);
    let report = by_plan(&script, &store, &report.planned).await;
    assert_eq!(report.counts.applied, 1);
}

#[tokio::test(start_paused = true)]
async fn under_caution_what_stands_is_found_and_not_sent() {
    let store: Arc<Memory> = Arc::default();
    let claim = store.claim(&SCOPE.into()).await.unwrap();
    let caution = Caution {
        reason: "restored".to_owned(),
        at_ms: 1,
    };
    let change = Change::Caution(Some(caution));
    store.commit(&claim, vec![change]).await.unwrap();
    let pages = [page("1", &[("a", "1", "1")])];
    let mut script = with(standing(&store), &pages);
    script.find = Arc::new(found);
    let report = differ(&script, &store, 100).await;
    assert_eq!(told(&report), ["a found"]);
    script = with(script, &pages);
    let report = by_plan(&script, &store, &report.planned).await;
    assert_eq!(
        (report.counts.applied, failure(&report)),
        (1, "Finished".to_owned())
    );
    assert_eq!(script.writes.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn under_caution_what_cannot_be_asked_about_cannot_be_told() {
    for (guarantee, told) in [
        (Guarantee::None, "a cannot tell"),
        (Guarantee::ServerKey, "a create"),
    ] {
        let store: Arc<Memory> = Arc::default();
        let claim = store.claim(&SCOPE.into()).await.unwrap();
        let caution = Caution {
            reason: "restored".to_owned(),
            at_ms: 1,
        };
        let change = Change::Caution(Some(caution));
        store.commit(&claim, vec![change]).await.unwrap();
        let script = with(standing(&store), &[page("1", &[("a", "1", "1")])]);
        let mut plan = plan(guarantee, OnChange::Hold, 0);
        plan.target.lookup = false;
        let report = diff(&script.options(plan, &store), 9).await.unwrap();
        let entry = &report.entries[0];
        assert_eq!(format!("{} {}", entry.source_key, entry.delta.word()), told);
        assert!(!report.looked_up);
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_left_open_is_told_and_counts_as_sent() {
    let store: Arc<Memory> = Arc::default();
    let first = [page("1", &[("a", "1", "1")])];
    let mut script = with(standing(&store), &first);
    script.write = Arc::new(|_, _| Ok(vec![Outcome::Unknown("no answer".to_owned())]));
    script.blind = Some(fault(FaultKind::Unauthorized, "the key is wrong"));
    script.run(updating(), &store).await;
    let pages = [page("1", &[("a", "1", "1"), ("b", "1", "1")])];
    let script = with(standing(&store), &pages);
    let report = differ(&script, &store, 100).await;
    assert_eq!(report.open_intents, 1);
    assert_eq!(told(&report), ["a open", "a unchanged", "b create"]);
    let mut script = with(standing(&store), &pages);
    script.find = Arc::new(|key| match key.as_str() {
        "a" => found(key),
        _ => Finding::Absent,
    });
    let report = by_plan(&script, &store, &report.planned).await;
    assert_eq!(
        (report.counts.applied, failure(&report)),
        (2, "Finished".to_owned())
    );
    assert_eq!(script.writes.load(Ordering::Relaxed), 1);
}
