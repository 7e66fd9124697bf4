//! What only a store on disk keeps.

use std::path::Path;

use duijie_record::{Scope, SourceKey};

use super::{Embedded, Options};
use crate::conformance::{checkpoint, dead_letter, hold, intent, ledger_row, run_row};
use crate::{Change, Claim, Error, RunState, SegmentRef, Store};

fn open(folder: &Path) -> Embedded {
    let options = Options {
        segment_file_bytes: 1000,
        ..Options::default()
    };
    Embedded::open(folder, &options).unwrap()
}

async fn claim(store: &Embedded) -> Claim {
    store.claim(&Scope::from("orders")).await.unwrap()
}

async fn open_intent(store: &Embedded, claim: &Claim, bytes: usize) -> (Change, SegmentRef) {
    let segment = store.append_segment(claim, &vec![7; bytes]).await.unwrap();
    let id = store.next_intent_id();
    let change = Change::Intent(intent(id, segment.clone()));
    store.commit(claim, vec![change]).await.unwrap();
    (Change::Settle(id), segment)
}

fn segment_files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("segments")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".seg")).collect();
    names.sort();
    names
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let claim = claim(&store).await;
    let segment = store.append_segment(&claim, b"{}\n").await.unwrap();
    let intent = intent(store.next_intent_id(), segment.clone());
    let mut changes = vec![
        Change::Intent(intent.clone()),
        Change::DeadLetter(dead_letter("b", "main", &[1; 10_000])),
        Change::Hold(hold("c", "main", b"{}")),
        Change::Checkpoint(checkpoint(7)),
        Change::Run(run_row("run-1", RunState::Running)),
    ];
    let names: Vec<_> = (0..300).map(|number| number.to_string()).collect();
    changes.extend(names.iter().map(|key| Change::Ledger(ledger_row(key, 1))));
    store.commit(&claim, changes).await.unwrap();
    drop(store);

    let store = open(folder.path());
    let scope = &claim.scope;
    assert_eq!(store.open_intents(scope).unwrap(), [intent]);
    assert_eq!(store.read_segment(scope, &segment).unwrap(), b"{}\n");
    let letters = store.dead_letters(scope).unwrap();
    assert_eq!(letters, [dead_letter("b", "main", &[1; 10_000])]);
    assert_eq!(store.holds(scope).unwrap(), [hold("c", "main", b"{}")]);
    assert_eq!(store.checkpoint(scope, "").unwrap(), Some(checkpoint(7)));
    assert_eq!(
        store.runs(scope, 10).unwrap(),
        [run_row("run-1", RunState::Running)]
    );
    let keys: Vec<_> = names.iter().map(|key| SourceKey(key.clone())).collect();
    let rows = names.iter().map(|key| Some(ledger_row(key, 1)));
    assert_eq!(
        store.ledger(scope, &keys).unwrap(),
        rows.collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_claim_and_the_intent_ids_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let earlier = claim(&store).await;
    let (settle, _) = open_intent(&store, &earlier, 1).await;
    store.commit(&earlier, vec![settle]).await.unwrap();
    let given = store.next_intent_id().0 - 1;
    drop(store);

    let store = open(folder.path());
    assert!(store.next_intent_id().0 > given);
    let later = claim(&store).await;
    assert!(later.epoch > earlier.epoch);
    let refused = store.commit(&earlier, vec![]).await.unwrap_err();
    assert!(matches!(refused, Error::ClaimLost { .. }));
}

#[tokio::test]
async fn a_folder_is_open_once_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let refused = Embedded::open(folder.path(), &Options::default())
        .err()
        .unwrap();
    assert!(matches!(refused, Error::InUse { .. }), "{refused}");
    drop(store);
    open(folder.path());
}

#[tokio::test]
async fn documents_stay_as_evidence_when_their_intent_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let claim = claim(&store).await;
    let (settle, settled) = open_intent(&store, &claim, 600).await;
    let (_, open_one) = open_intent(&store, &claim, 600).await;
    store.commit(&claim, vec![settle]).await.unwrap();
    assert_eq!(segment_files(folder.path()), ["1.seg", "2.seg"]);
    for segment in [settled, open_one] {
        let kept = store.kept(&claim.scope, &segment).unwrap();
        assert_eq!(kept, Some(vec![7; 600]));
    }
}

#[tokio::test]
async fn too_many_documents_go_oldest_first_but_none_of_an_open_intent() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        segment_file_bytes: 1000,
        evidence_bytes: 2500,
        ..Options::default()
    };
    let store = Embedded::open(folder.path(), &options).unwrap();
    let claim = claim(&store).await;
    let (_, open_one) = open_intent(&store, &claim, 600).await;
    for _ in 0..8 {
        let (settle, _) = open_intent(&store, &claim, 600).await;
        store.commit(&claim, vec![settle]).await.unwrap();
    }
    drop(store);
    let left = segment_files(folder.path());
    assert!(
        left.contains(&"1.seg".to_owned()) && left.contains(&"9.seg".to_owned()),
        "{left:?}"
    );
    assert!(left.len() < 6, "{left:?}");
    let store = open(folder.path());
    let kept = store.read_segment(&claim.scope, &open_one).unwrap();
    assert_eq!(kept, [7; 600]);
}

#[tokio::test]
async fn old_documents_and_evidence_go_and_what_is_in_use_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let claim = claim(&store).await;
    let scope = &claim.scope;
    let (settle, gone) = open_intent(&store, &claim, 900).await;
    let gone_too = store.append_evidence(scope, &[8; 900]).unwrap();
    let (_, open_one) = open_intent(&store, &claim, 900).await;
    let current = store.append_evidence(scope, &[9; 900]).unwrap();
    store.commit(&claim, vec![settle]).await.unwrap();
    assert_eq!(store.tidy(1).await.unwrap().files, 0);
    assert!(store.kept(scope, &gone).unwrap().is_some());
    assert_eq!(store.tidy(u64::MAX).await.unwrap().files, 2);
    let kept = |segment| store.kept(scope, segment).unwrap().is_some();
    let kept = [&gone, &gone_too, &open_one, &current].map(kept);
    assert_eq!(kept, [false, false, true, true]);
}

#[tokio::test]
async fn rows_are_dropped_when_they_are_old_and_wait_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        fresh_rows: 1,
        ledger_ms: 100,
        ..Options::default()
    };
    let store = Embedded::open(folder.path(), &options).unwrap();
    let claim = claim(&store).await;
    let done = |key: &str, at_ms| {
        let mut row = ledger_row(key, at_ms);
        row.documents.truncate(1);
        Change::Ledger(row)
    };
    // The third has a hold and a dead letter.
    let changes = vec![
        done("a", 5),
        done("b", 50),
        Change::Ledger(ledger_row("c", 5)),
    ];
    store.commit(&claim, changes).await.unwrap();
    assert_eq!(store.tidy(140).await.unwrap().rows, 1);
    let keys = ["a", "b", "c"].map(SourceKey::from);
    let there = |store: &Embedded| -> Vec<bool> {
        let rows = store.ledger(&claim.scope, &keys).unwrap();
        rows.iter().map(Option::is_some).collect()
    };
    assert_eq!(there(&store), [false, true, true]);
    assert_eq!(store.find("CK-a").unwrap(), []);
    assert_eq!(store.find("CK-b").unwrap().len(), 1);
    drop(store);
    assert_eq!(
        there(&Embedded::open(folder.path(), &options).unwrap()),
        [false, true, true]
    );
}

#[tokio::test]
async fn an_earlier_process_s_last_file_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let claim = claim(&store).await;
    let (_, first) = open_intent(&store, &claim, 300).await;
    drop(store);
    let store = open(folder.path());
    let claim = self::claim(&store).await;
    let (_, second) = open_intent(&store, &claim, 300).await;
    assert_eq!((second.file, second.offset), (first.file, 300));
    for segment in [first, second] {
        assert_eq!(
            store.read_segment(&claim.scope, &segment).unwrap(),
            [7; 300]
        );
    }
}

#[tokio::test]
async fn a_changed_or_shortened_segment_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let claim = claim(&store).await;
    let (_, segment) = open_intent(&store, &claim, 600).await;
    let path = folder.path().join("segments/1.seg");
    for data in [vec![8; 600], vec![7; 599]] {
        std::fs::write(&path, data).unwrap();
        let error = store.read_segment(&claim.scope, &segment).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("1.seg"), "{error}");
    }
}

#[tokio::test]
async fn commits_beside_each_other_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(open(folder.path()));
    let writers = (0..20_u64).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let scope = Scope(format!("scope-{number}"));
            let claim = store.claim(&scope).await.unwrap();
            for at in 0..10 {
                let row = Change::Ledger(ledger_row(&at.to_string(), at));
                let change = Change::Checkpoint(checkpoint(at));
                store.commit(&claim, vec![row, change]).await.unwrap();
            }
            let keys = [SourceKey::from("3"), SourceKey::from("9")];
            let rows = [Some(ledger_row("3", 3)), Some(ledger_row("9", 9))];
            assert_eq!(store.ledger(&scope, &keys).unwrap(), rows);
            assert_eq!(store.checkpoint(&scope, "").unwrap(), Some(checkpoint(9)));
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}
