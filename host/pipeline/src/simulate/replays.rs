//! What people do with dead letters and holds: replays and decisions.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use duijie_contract::{FaultKind, Guarantee};
use duijie_plan::{OnChange, Plan};
use duijie_record::{
    Action, DocumentBatch, Finding, Lines, MappedBatch, MappedLine, Outcome, RecordBatch,
    Rejection, Retry, SourceKey, Verdict,
};
use duijie_store::{
    Came, Change, DeadLetter, DocumentState, Hold, HoldKind, LedgerRow, Memory, Store,
};

use super::script::{Script, applied, batch, found};
use super::world::{fault, plan};
use crate::{Decision, End, Error, Options, Pick, Purpose, Report, Stop, What, decide, edit, run};

const SCOPE: &str = "orders";

fn rejection(code: &str) -> Rejection {
    Rejection {
        code: code.to_owned(),
        message: "no such customer".to_owned(),
        field: Some("customer".to_owned()),
        retry: Retry::Never,
    }
}

/// Refuses documents that hold the word `poison`.
fn picky(_call: usize, batch: &DocumentBatch) -> Result<Vec<Outcome>, duijie_contract::Fault> {
    let outcomes = applied(batch).into_iter().zip(Lines::new(&batch.data));
    let judged =
        outcomes.map(
            |(outcome, line)| match String::from_utf8_lossy(line).contains("poison") {
                true => Outcome::Rejected(rejection("sim.bad")),
                false => outcome,
            },
        );
    Ok(judged.collect())
}

/// A document a part; the parts are the letters of the record's `parts`.
/// Refuses records that hold the word `unmapped`.
fn map(batch: &RecordBatch) -> MappedBatch {
    let mut mapped = MappedBatch {
        data: Vec::new(),
        lines: Vec::new(),
        verdicts: Vec::new(),
    };
    for (source, line) in (0..).zip(Lines::new(&batch.data)) {
        let value: serde_json::Value = serde_json::from_slice(line).unwrap();
        if value["is"] == "unmapped" {
            let refused = Verdict::Reject(rejection("map.bad"));
            mapped.verdicts.push(refused);
            continue;
        }
        for part in value["parts"].as_str().unwrap().chars() {
            let is = if part == 'b' {
                &value["is"]
            } else {
                &value["a"]
            };
            let no = value["no"].as_str().unwrap();
            let document = format!("{{\"FBillNo\":\"{no}{part}\",\"is\":{is}}}\n");
            mapped.data.extend_from_slice(document.as_bytes());
            mapped.lines.push(MappedLine {
                sources: vec![source],
                part: part.to_string(),
            });
        }
        mapped.verdicts.push(Verdict::Keep);
    }
    mapped
}

fn fixed(batch: &RecordBatch) -> MappedBatch {
    let text = String::from_utf8(batch.data.clone()).unwrap();
    let data = text
        .replace("unmapped", "mapped")
        .replace("poison", "cured");
    map(&RecordBatch {
        data: data.into_bytes(),
        ..batch.clone()
    })
}

struct World {
    store: Arc<Memory>,
    plan: Plan,
}

impl World {
    /// Documents are the records themselves.
    fn plain(on_change: OnChange) -> Self {
        Self {
            store: Arc::default(),
            plan: plan(Guarantee::UniqueKey, on_change, 0),
        }
    }

    fn mapped(on_change: OnChange) -> Self {
        Self {
            store: Arc::default(),
            plan: plan(Guarantee::UniqueKey, on_change, 1),
        }
    }

    async fn run(&self, purpose: Purpose, script: &Script) -> Report {
        let options = Options {
            purpose,
            ..script.options(self.plan.clone(), &self.store)
        };
        run(&options, &Stop::new()).await.unwrap()
    }

    async fn read(&self, lines: &[(&str, &str, &str)]) -> Report {
        let mut script = Script::new(vec![batch(lines[0].1, lines)]);
        script.write = Arc::new(picky);
        script.map = Some(map);
        script.find = Arc::new(found);
        self.run(Purpose::Live, &script).await
    }

    /// With the mapping put right.
    async fn replay(&self, picks: &[(&str, &str, What)], script: &Script) -> Report {
        let picks = picks.iter().map(|(key, part, what)| Pick {
            source_key: SourceKey::from(*key),
            part: (*part).to_owned(),
            what: *what,
        });
        self.run(Purpose::Replay(picks.collect()), script).await
    }

    fn row(&self, key: &str) -> LedgerRow {
        let rows = self.store.ledger(&SCOPE.into(), &[key.into()]).unwrap();
        rows.into_iter().flatten().next().unwrap()
    }

    fn state(&self, key: &str, part: &str) -> DocumentState {
        let documents = self.row(key).documents.into_iter();
        let mut documents = documents.filter(|document| document.part == part);
        documents.next().unwrap().state
    }

    fn letters(&self) -> Vec<DeadLetter> {
        self.store.dead_letters(&SCOPE.into()).unwrap()
    }

    fn holds(&self) -> Vec<Hold> {
        self.store.holds(&SCOPE.into()).unwrap()
    }

    async fn edit(&self, key: &str, part: &str, text: &str) -> Result<(), Error> {
        let claim = self.store.claim(&SCOPE.into()).await.unwrap();
        edit(&*self.store, &claim, &key.into(), part, text.as_bytes()).await
    }

    async fn decide(&self, items: &[(&str, &str)], decision: Decision) -> Result<(), Error> {
        let claim = self.store.claim(&SCOPE.into()).await.unwrap();
        let items = items
            .iter()
            .map(|(key, part)| ((*key).into(), (*part).to_owned()));
        let items: Vec<_> = items.collect();
        decide(&*self.store, &claim, 5, &items, &decision).await
    }
}

/// Takes everything that is not poisoned, by the mapping put right.
fn after() -> Script {
    let mut script = Script::new(Vec::new());
    script.write = Arc::new(picky);
    script.map = Some(fixed);
    script
}

/// What the only call of a run sent.
fn sent(script: &Script) -> Vec<(Action, Option<String>, String)> {
    let batches = script.sent.lock().unwrap();
    let of_batch = |batch: &DocumentBatch| {
        let text = String::from_utf8(batch.data.clone()).unwrap();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let entries = batch.entries.clone().into_iter();
        let entries = entries.map(|entry| (entry.action, entry.known_id));
        entries
            .zip(lines)
            .map(|((action, id), line)| (action, id, line))
            .collect::<Vec<_>>()
    };
    batches.iter().flat_map(of_batch).collect()
}

const POISONED: &str = r#"{"FBillNo":"CK1","is":"poison"}"#;

#[tokio::test(start_paused = true)]
async fn an_edited_letter_is_sent_as_edited_and_is_gone() {
    let world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", POISONED)]).await;
    let before = world.row("1");
    assert_eq!(world.letters()[0].field.as_deref(), Some("customer"));
    let text = "{\n  \"FBillNo\": \"CK1\",\n  \"is\": \"a \\\"good\\\" one\",\n  \"no\": 1.00\n}\n";
    world.edit("1", "", text).await.unwrap();
    let script = after();
    let report = world.replay(&[("1", "", What::AsEdited)], &script).await;
    assert_eq!((report.counts.read, report.counts.applied), (1, 1));
    let line = r#"{"FBillNo":"CK1","is":"a \"good\" one","no":1.00}"#;
    assert_eq!(sent(&script), [(Action::Create, None, line.to_owned())]);
    assert_eq!(world.letters(), []);
    let row = world.row("1");
    assert_eq!(row.run, report.run);
    assert_eq!(
        (row.version, row.source_print),
        (before.version, before.source_print)
    );
    let came = row.documents[0].tries.iter().map(|one| one.came.clone());
    let came: Vec<_> = came.collect();
    assert!(
        matches!(came[..], [Came::Rejected { .. }, Came::Applied]),
        "{came:?}"
    );
    assert!(row.record.is_some());

    let report = world.read(&[("1", "v1", POISONED)]).await;
    assert_eq!((report.counts.unchanged, report.counts.applied), (1, 0));
    let runs = world.store.runs(&SCOPE.into(), 9).unwrap();
    assert_eq!(runs[1].purpose, "replay of 1");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_refused_whole_is_mapped_again() {
    for what in [What::Again, What::AsEdited] {
        let world = World::mapped(OnChange::Hold);
        let line = r#"{"no":"CK","parts":"ab","is":"unmapped","a":1}"#;
        world.read(&[("1", "v1", line)]).await;
        let edited = line.replace("unmapped", "edited");
        world.edit("1", "", &edited).await.unwrap();
        let script = after();
        let report = world.replay(&[("1", "", what)], &script).await;
        assert_eq!(report.counts.applied, 2, "{report:?}");
        assert_eq!(world.letters(), []);
        let is = if what == What::Again {
            "mapped"
        } else {
            "edited"
        };
        let expected = format!(r#"{{"FBillNo":"CKb","is":"{is}"}}"#);
        assert_eq!(sent(&script)[1].2, expected);
        let report = world.read(&[("1", "v1", line)]).await;
        assert_eq!(report.counts.unchanged, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_letter_stays_until_every_document_of_its_record_has_its_outcome() {
    let world = World::mapped(OnChange::Hold);
    let line = r#"{"no":"CK","parts":"ab","is":"unmapped","a":1}"#;
    world.read(&[("1", "v1", line)]).await;
    let mut script = after();
    script.write = Arc::new(|_, _| Err(fault(FaultKind::Unauthorized, "the key is wrong")));
    let report = world.replay(&[("1", "", What::Again)], &script).await;
    assert!(matches!(report.end, End::Failed(_)));
    assert_eq!(world.letters().len(), 1);
    let report = world.replay(&[("1", "", What::Again)], &after()).await;
    assert_eq!(report.counts.applied, 2);
    assert_eq!(world.letters(), []);
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_is_refused_again_stays_with_what_was_refused() {
    let world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", POISONED)]).await;
    let other = POISONED.replace("poison", "another poison");
    world.edit("1", "", &other).await.unwrap();
    let report = world.replay(&[("1", "", What::AsEdited)], &after()).await;
    assert_eq!(report.counts.rejected, 1);
    let letters = world.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].document.as_deref(), Some(other.as_bytes()));
    assert_eq!(letters[0].record, POISONED.as_bytes());
    assert_eq!(letters[0].run, report.run);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_refused_again_keeps_what_a_person_wrote() {
    let world = World::mapped(OnChange::Hold);
    let line = r#"{"no":"CK","parts":"ab","is":"unmapped","a":1}"#;
    world.read(&[("1", "v1", line)]).await;
    let edited = line.replace(r#""a":1"#, r#""a":2"#);
    world.edit("1", "", &edited).await.unwrap();
    let mut script = after();
    script.map = Some(map);
    world.replay(&[("1", "", What::AsEdited)], &script).await;
    let letters = world.letters();
    assert_eq!(letters[0].record, line.as_bytes());
    assert_eq!(letters[0].edited.as_deref(), Some(edited.as_bytes()));
}

#[tokio::test(start_paused = true)]
async fn only_the_picked_document_of_a_record_is_sent() {
    let world = World::mapped(OnChange::Update);
    let line = r#"{"no":"CK","parts":"abc","is":"poison","a":1}"#;
    world.read(&[("1", "v1", line)]).await;
    assert_eq!(world.letters().len(), 1);
    // The mapping makes something else of the others as well now.
    let mut script = after();
    script.map = Some(|batch| {
        let mut mapped = fixed(batch);
        let text = String::from_utf8(mapped.data).unwrap();
        mapped.data = text.replace(":1}", ":2}").into_bytes();
        mapped
    });
    let report = world.replay(&[("1", "b", What::Again)], &script).await;
    assert_eq!(report.counts.applied, 1);
    let line = r#"{"FBillNo":"CKb","is":"cured"}"#;
    assert_eq!(sent(&script), [(Action::Create, None, line.to_owned())]);
    assert_eq!(world.row("1").documents.len(), 3);
    assert_eq!(world.letters(), []);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_replayed_is_told_and_the_others_are_done() {
    let world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", POISONED)]).await;
    let second = POISONED.replace("CK1", "CK2");
    world.read(&[("2", "v1", &second)]).await;
    let claim = world.store.claim(&SCOPE.into()).await.unwrap();
    let mut gone = world.letters().remove(0);
    gone.record.clear();
    gone.source_key = "3".into();
    let older = DeadLetter {
        version: Some("v0".into()),
        ..world.letters().remove(1)
    };
    let changes = vec![Change::DeadLetter(gone), Change::DeadLetter(older)];
    world.store.commit(&claim, changes).await.unwrap();
    let picks = [
        ("3", "", What::Again),
        ("2", "", What::Again),
        ("1", "", What::AsEdited),
        ("1", "", What::AsEdited),
        ("4", "", What::Resend),
    ];
    let report = world.replay(&picks, &after()).await;
    let End::Failed(Error::NotReplayed { left }) = &report.end else {
        panic!("{report:?}");
    };
    let told: Vec<_> = left
        .iter()
        .map(|one| (one.source_key.as_str(), one.why))
        .collect();
    let expected = [
        (
            "3",
            "its record is no longer kept: have the source give it again",
        ),
        ("2", "a newer version was dealt with since: discard it"),
        ("1", "nobody has edited it"),
        ("1", "it was picked twice"),
        ("4", "no hold waits there"),
    ];
    assert_eq!(told, expected);

    let picks = [("3", "", What::Again), ("1", "", What::Again)];
    let mut script = after();
    script.write = Arc::new(|_, batch| Ok(applied(batch)));
    let report = world.replay(&picks, &script).await;
    assert_eq!(report.counts.applied, 1);
    assert_eq!(
        report_text(&report),
        "1 could not be replayed: `3` part ``: its record is no longer kept: have the source give it again"
    );
}

fn report_text(report: &Report) -> String {
    match &report.end {
        End::Failed(error) => error.to_string(),
        end => format!("{end:?}"),
    }
}

const FIRST: &str = r#"{"FBillNo":"CK1","is":"1"}"#;
const SECOND: &str = r#"{"FBillNo":"CK1","is":"2"}"#;

/// A record that was applied and has changed since.
async fn changed() -> World {
    let world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", FIRST)]).await;
    world.read(&[("1", "v2", SECOND)]).await;
    assert_eq!(world.holds().len(), 1);
    world
}

#[tokio::test(start_paused = true)]
async fn a_held_change_that_is_resent_updates_what_stands() {
    let world = changed().await;
    let script = after();
    let report = world.replay(&[("1", "", What::Resend)], &script).await;
    assert_eq!(report.counts.applied, 1);
    let id = Some("id-CK1".to_owned());
    assert_eq!(sent(&script), [(Action::Update, id, SECOND.to_owned())]);
    assert_eq!(world.holds(), []);
    let report = world.read(&[("1", "v2", SECOND)]).await;
    assert_eq!(report.counts.unchanged, 1);
}

#[tokio::test(start_paused = true)]
async fn a_held_change_is_mapped_again_where_it_is_wished() {
    let world = World::mapped(OnChange::Hold);
    world
        .read(&[("1", "v1", r#"{"no":"CK","parts":"b","is":"1"}"#)])
        .await;
    world
        .read(&[("1", "v2", r#"{"no":"CK","parts":"b","is":"unlike"}"#)])
        .await;
    let script = after();
    let report = world.replay(&[("1", "b", What::Again)], &script).await;
    assert_eq!(report.counts.applied, 1, "{report:?}");
    let line = r#"{"FBillNo":"CKb","is":"unlike"}"#.to_owned();
    let id = Some("id-CKb".to_owned());
    assert_eq!(sent(&script), [(Action::Update, id, line)]);
    assert_eq!(world.holds(), []);
}

/// A hold of this kind about a record that was never applied.
async fn held(world: &World, kind: HoldKind, action: Action) {
    let claim = world.store.claim(&SCOPE.into()).await.unwrap();
    let hold = Hold {
        source_key: "1".into(),
        part: String::new(),
        target_key: "CK1".into(),
        target_id: (action != Action::Create).then(|| "id-CK1".to_owned()),
        version: Some("v1".into()),
        action,
        kind,
        reason: "a person looks".to_owned(),
        record: Vec::new(),
        document: FIRST.as_bytes().to_vec(),
        run: "earlier".into(),
        at_ms: 1,
    };
    world
        .store
        .commit(&claim, vec![Change::Hold(hold)])
        .await
        .unwrap();
}

/// What a resend comes to: writes, and kinds of what is still held.
async fn resent(kind: HoldKind, finding: Finding) -> (usize, Vec<HoldKind>) {
    let world = World::plain(OnChange::Hold);
    held(&world, kind, Action::Create).await;
    let mut script = after();
    script.find = Arc::new(move |_| finding.clone());
    world.replay(&[("1", "", What::Resend)], &script).await;
    let holds = world.holds().into_iter().map(|hold| hold.kind);
    (script.writes.load(Ordering::Relaxed), holds.collect())
}

#[tokio::test(start_paused = true)]
async fn a_held_create_is_looked_up_before_it_is_resent() {
    use HoldKind::{Conflict, Doubt, Twice};
    let there = found(&"CK1".into());
    assert_eq!(resent(Doubt, there.clone()).await, (0, vec![]));
    assert_eq!(resent(Doubt, Finding::Absent).await, (1, vec![]));
    assert_eq!(resent(Conflict, Finding::Absent).await, (1, vec![]));
    assert_eq!(resent(Conflict, there.clone()).await, (0, vec![Conflict]));
    assert_eq!(resent(Twice, there).await, (0, vec![]));
    let twice = Finding::FoundTwice(Vec::new());
    assert_eq!(resent(Twice, twice).await, (0, vec![Twice]));
}

#[tokio::test(start_paused = true)]
async fn a_person_may_send_what_the_target_cannot_be_asked_about() {
    let mut world = World::plain(OnChange::Hold);
    world.plan = plan(Guarantee::None, OnChange::Hold, 0);
    held(&world, HoldKind::Caution, Action::Create).await;
    let claim = world.store.claim(&SCOPE.into()).await.unwrap();
    let caution = duijie_store::Caution {
        reason: "restored from a backup".to_owned(),
        at_ms: 1,
    };
    let change = Change::Caution(Some(caution.clone()));
    world.store.commit(&claim, vec![change]).await.unwrap();
    let script = after();
    let report = world.replay(&[("1", "", What::Resend)], &script).await;
    assert_eq!(report.counts.applied, 1);
    assert_eq!(world.holds(), []);
    // Nothing else was looked up: the caution stays.
    let kept = world.store.caution(&SCOPE.into()).unwrap();
    assert_eq!(kept, Some(caution));
}

#[tokio::test(start_paused = true)]
async fn a_held_cancel_that_is_resent_cancels() {
    let world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", FIRST)]).await;
    held(&world, HoldKind::Change, Action::Cancel).await;
    let script = after();
    let report = world.replay(&[("1", "", What::Resend)], &script).await;
    assert_eq!(report.counts.applied, 1);
    let id = Some("id-CK1".to_owned());
    assert_eq!(sent(&script), [(Action::Cancel, id, "{}".to_owned())]);
    assert_eq!(world.state("1", ""), DocumentState::Cancelled);
    assert_eq!(world.holds(), []);
}

#[tokio::test(start_paused = true)]
async fn a_decision_is_the_ledgers_from_then_on() {
    let cases = [
        (
            Decision::Applied {
                id: Some("7".to_owned()),
            },
            DocumentState::Applied,
            "7",
        ),
        (
            Decision::Applied { id: None },
            DocumentState::Applied,
            "id-CK1",
        ),
        (Decision::Discard, DocumentState::Discarded, "id-CK1"),
        (Decision::Keep, DocumentState::Applied, "id-CK1"),
    ];
    for (decision, state, id) in cases {
        let world = changed().await;
        world.decide(&[("1", "")], decision.clone()).await.unwrap();
        assert_eq!(world.holds(), []);
        let row = world.row("1");
        let document = &row.documents[0];
        assert_eq!(document.state, state, "{decision:?}");
        assert_eq!(document.target_id.as_deref(), Some(id));
        let last = document.tries.last().unwrap();
        assert!(matches!(last.came, Came::Decided(_)));
        assert_eq!((last.action, last.at_ms), (Action::Update, 5));

        // Neither the same record nor another manifest brings it back.
        let mut world = world;
        world.plan.manifest_digest = "another".to_owned();
        let report = world.read(&[("1", "v2", SECOND)]).await;
        assert_eq!((report.counts.unchanged, report.counts.held), (1, 0));
        let third = SECOND.replace('2', "3");
        let report = world.read(&[("1", "v3", &third)]).await;
        assert_eq!(report.counts.held, 1, "{decision:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_discarded_letter_is_not_sent_again_until_it_changes() {
    let mut world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", POISONED)]).await;
    world.decide(&[("1", "")], Decision::Discard).await.unwrap();
    assert_eq!(world.letters(), []);
    world.plan.manifest_digest = "another".to_owned();
    let report = world.read(&[("1", "v1", POISONED)]).await;
    assert_eq!((report.counts.unchanged, report.counts.rejected), (1, 0));
    let report = world.read(&[("1", "v2", FIRST)]).await;
    assert_eq!(report.counts.applied, 1);
}

#[tokio::test(start_paused = true)]
async fn a_held_cancel_that_a_person_did_is_cancelled() {
    let world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", FIRST)]).await;
    held(&world, HoldKind::Change, Action::Cancel).await;
    let done = Decision::Applied { id: None };
    world.decide(&[("1", "")], done).await.unwrap();
    assert_eq!(world.state("1", ""), DocumentState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn decisions_are_taken_all_or_none() {
    let world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", POISONED)]).await;
    let items = [("1", ""), ("2", "")];
    let error = world.decide(&items, Decision::Discard).await.unwrap_err();
    assert!(
        error.to_string().contains("waits under `2`, part ``"),
        "{error}"
    );
    assert_eq!(world.letters().len(), 1);
    assert_eq!(world.state("1", ""), DocumentState::Rejected);
    let error = world
        .decide(&[("1", "")], Decision::Keep)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("nothing of it stands"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_transform_refused_cannot_count_as_applied() {
    let world = World::mapped(OnChange::Hold);
    let line = r#"{"no":"CK","parts":"a","is":"unmapped","a":1}"#;
    world.read(&[("1", "v1", line)]).await;
    let done = Decision::Applied { id: None };
    let error = world.decide(&[("1", "")], done).await.unwrap_err();
    assert!(
        error.to_string().contains("before it became a document"),
        "{error}"
    );
    world.decide(&[("1", "")], Decision::Discard).await.unwrap();
    assert_eq!(world.state("1", ""), DocumentState::Discarded);
}

#[tokio::test(start_paused = true)]
async fn only_a_json_object_takes_the_place_of_a_document() {
    let world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", POISONED)]).await;
    for text in ["{\"a\":", "[1]", "{} {}", ""] {
        let error = world.edit("1", "", text).await.unwrap_err();
        assert!(matches!(error, Error::NotJson { .. }), "{text}: {error}");
    }
    assert_eq!(world.letters()[0].edited, None);
    let error = world.edit("1", "x", "{}").await.unwrap_err();
    assert!(matches!(error, Error::NothingWaits { .. }), "{error}");
}
