//! Dead letters that are replayed: as they were, or as a person wrote them.

use std::sync::Arc;

use duijie_contract::FaultKind;
use duijie_plan::OnChange;
use duijie_record::Action;
use duijie_store::{Came, Change, DeadLetter, DocumentState, LineRef, Store, is_erased};

use super::people::{POISONED, SCOPE, World, after, fixed, map, sent};
use super::script::applied;
use super::world::fault;
use crate::page::PARTIAL;
use crate::{End, Error, Report, What};

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

#[tokio::test(start_paused = true)]
async fn nothing_is_made_of_a_line_that_was_erased() {
    let world = World::plain(OnChange::Hold);
    world.read(&[("1", "v1", POISONED)]).await;
    let scope = SCOPE.into();
    let mut letter = world.letters().remove(0);
    letter.record.clear();
    let mut row = world.row("1");
    let erased = b"{\"erased\":\"ABCDEFGHIJKL\"}   \n";
    assert!(is_erased(erased.trim_ascii_end()));
    row.record = Some(LineRef {
        segment: world.store.append_evidence(&scope, erased).unwrap(),
        line: 0,
    });
    let claim = world.store.claim(&scope).await.unwrap();
    let changes = vec![Change::DeadLetter(letter.clone()), Change::Ledger(row)];
    world.store.commit(&claim, changes).await.unwrap();
    let script = after();
    let report = world.replay(&[("1", "", What::Again)], &script).await;
    assert_eq!(
        report_text(&report),
        "1 could not be replayed: `1` part ``: its record is no longer kept: have the source give it again"
    );
    assert_eq!(sent(&script), []);
    assert_eq!(world.letters(), [letter]);
}

fn report_text(report: &Report) -> String {
    match &report.end {
        End::Failed(error) => error.to_string(),
        end => format!("{end:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_replayed_document_says_nothing_of_the_others_of_its_record() {
    let world = World::mapped(OnChange::Hold);
    let line = r#"{"no":"CK","parts":"ab","is":"poison","a":1}"#;
    world.read(&[("1", "v1", line)]).await;
    // A run died before the other document was sent.
    let mut half = world.row("1");
    half.source_print = PARTIAL;
    half.documents.retain(|document| document.part == "b");
    let claim = world.store.claim(&SCOPE.into()).await.unwrap();
    let changes = vec![Change::Ledger(half)];
    world.store.commit(&claim, changes).await.unwrap();
    let script = after();
    world.replay(&[("1", "b", What::Again)], &script).await;
    assert_eq!(sent(&script).len(), 1);
    assert_eq!(world.state("1", "b"), DocumentState::Applied);
    let cured = line.replace("poison", "cured");
    let report = world.read(&[("1", "v1", &cured)]).await;
    assert_eq!(report.counts.applied, 1);
    assert_eq!(world.state("1", "a"), DocumentState::Applied);
}
