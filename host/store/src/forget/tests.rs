//! After a forgetting no file has a byte of what was forgotten, and everything
//! else is as it was.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use duijie_record::{Scope, SourceKey};

use super::Forgotten;
use crate::conformance::{
    checkpoint, dead_letter, fill, group, hold, intent, ledger_row, member, owed, resolutions,
    run_row, table_row,
};
use crate::{
    Came, Change, Claim, Embedded, Error, LineRef, Options, RunState, SegmentRef, Store,
    TenantStore, examine,
};

/// Every layer but the newest lies in the databases; few bytes make a file.
fn options() -> Options {
    Options {
        fresh_rows: 8,
        segment_file_bytes: 4000,
        ..Options::default()
    }
}

fn open(folder: &Path) -> Arc<Embedded> {
    Arc::new(Embedded::open(folder, &options()).unwrap())
}

fn tenant(store: &Arc<Embedded>, name: &str) -> TenantStore {
    TenantStore::new(store.clone(), name).unwrap()
}

/// One change of each kind, all of which have the canary in them, three times
/// over: what was replaced must go as well. One intent stays open.
async fn fill_scope(store: &dyn Store, scope: &str, canary: &str) -> (Claim, Vec<SegmentRef>) {
    let scope = Scope::from(scope);
    let mut claim = store.claim(&scope).await.unwrap();
    let mut segments = Vec::new();
    for round in 0..3 {
        claim = store.claim(&scope).await.unwrap();
        let body = format!("{{\"receiver\":\"{canary}\",\"round\":{round}}}\n").repeat(30);
        let segment = store.append_segment(&claim, body.as_bytes()).await.unwrap();
        segments.push(store.append_evidence(&scope, body.as_bytes()).unwrap());
        segments.push(segment.clone());
        let open = intent(store.next_intent_id(), segment);
        let id = open.id;
        let key = format!("{canary}-{round}");
        let mut run = run_row(&format!("run-{canary}-{round}"), RunState::Running);
        run.purpose = canary.to_owned();
        let mut row = table_row("shops", &key, canary);
        row.key = key.clone();
        let mut changes = vec![
            Change::Intent(open),
            Change::Ledger(ledger_row(canary, round)),
            Change::DeadLetter(dead_letter(canary, "main", body.as_bytes())),
            Change::Hold(hold(canary, "main", body.as_bytes())),
            Change::Checkpoint(checkpoint(round)),
            Change::Bind(canary.to_owned()),
            Change::Run(run),
            Change::Schedule(canary.as_bytes().to_vec()),
            Change::Member(member(canary, 1, canary, round)),
            Change::Group(group(canary, 1)),
            Change::Owe(owed(canary, canary, resolutions()[0].clone())),
            Change::TableRow(row),
            Change::Fill(fill("shops", round)),
        ];
        let rows = (0..20).map(|at| Change::Ledger(ledger_row(&format!("{key}-{at}"), round)));
        changes.extend(rows);
        store.commit(&claim, changes).await.unwrap();
        if round < 2 {
            let settled = vec![Change::Settle(id)];
            store.commit(&claim, settled).await.unwrap();
        }
    }
    (claim, segments)
}

/// Everything that can be asked of a scope.
fn seen(store: &dyn Store, scope: &Scope, key: &str, segments: &[SegmentRef]) -> String {
    let keys = [SourceKey::from(key), SourceKey(format!("{key}-1-7"))];
    let kept = segments.iter().map(|one| store.kept(scope, one).unwrap());
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        store.checkpoint(scope, "").unwrap(),
        store.open_intents(scope).unwrap(),
        store.ledger(scope, &keys).unwrap(),
        store.find(&format!("{key}-2-3")).unwrap(),
        store.dead_letters(scope).unwrap(),
        store.holds(scope).unwrap(),
        store.groups(scope).unwrap(),
        store.owed(scope).unwrap(),
        store.schedule(scope).unwrap(),
        store.runs(scope, 10).unwrap(),
        store.fills().unwrap(),
        store.table("shops").unwrap(),
        kept.collect::<Vec<_>>(),
    )
}

/// Files in which these bytes are.
fn places(folder: &Path, canary: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(places(&path, canary));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
            if has(canary.as_bytes()) || path.to_string_lossy().contains(canary) {
                found.push(path);
            }
        }
    }
    found
}

const GONE: &str = "canary-of-wang-xiaoming";
const STAYS: &str = "somebody-elses";

#[tokio::test]
async fn no_file_has_a_byte_of_a_forgotten_tenant_and_another_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (gone, other) = (tenant(&store, "north-gone"), tenant(&store, "north-gone-2"));
    fill_scope(&gone, "orders", GONE).await;
    let (claim, segments) = fill_scope(&other, "orders", STAYS).await;
    fill_scope(&gone, "", GONE).await;
    assert!(places(folder.path(), GONE).len() > 4);
    let before = seen(&other, &claim.scope, STAYS, &segments);

    store.forget_tenant("north-gone").await.unwrap();
    assert_eq!(places(folder.path(), GONE), Vec::<PathBuf>::new());
    assert_eq!(places(folder.path(), "north-gone/"), Vec::<PathBuf>::new());
    assert_eq!(gone.scopes().unwrap(), []);
    assert_eq!(gone.find(GONE).unwrap(), []);
    assert_eq!(gone.fills().unwrap(), []);
    assert_eq!(seen(&other, &claim.scope, STAYS, &segments), before);

    // The other's run goes on by its claim, and what it commits is kept.
    let change = Change::Checkpoint(checkpoint(9));
    other.commit(&claim, vec![change]).await.unwrap();
    let segment = other.append_segment(&claim, b"{}\n").await.unwrap();
    drop((gone, other, store));
    assert!(
        examine(folder.path(), None)
            .unwrap()
            .iter()
            .all(|part| part.damage.is_none())
    );
    let store = open(folder.path());
    let other = tenant(&store, "north-gone-2");
    let there = other.checkpoint(&claim.scope, "").unwrap();
    assert_eq!(there, Some(checkpoint(9)));
    other
        .commit(&claim, vec![Change::Checkpoint(checkpoint(2))])
        .await
        .unwrap();
    assert_eq!(seen(&other, &claim.scope, STAYS, &segments), before);
    assert_eq!(other.read_segment(&claim.scope, &segment).unwrap(), b"{}\n");
    assert_eq!(places(folder.path(), GONE), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_name_that_was_forgotten_begins_anew_and_old_claims_are_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (old, _) = fill_scope(&*store, "orders", GONE).await;
    let (kept, segments) = fill_scope(&*store, "orders-2", STAYS).await;
    // Both fill the table of this name: the last one's is the table.
    let before = seen(&*store, &kept.scope, STAYS, &segments);
    store.forget(&old.scope).await.unwrap();
    let refused = store.commit(&old, vec![]).await.unwrap_err();
    assert!(matches!(refused, Error::ClaimLost { .. }), "{refused}");
    assert_eq!(seen(&*store, &kept.scope, STAYS, &segments), before);

    let (again, of_it) = fill_scope(&*store, "orders", "another").await;
    assert_eq!(store.find(GONE).unwrap(), []);
    assert_eq!(store.runs(&again.scope, 10).unwrap().len(), 3);
    store.tidy(0).await.unwrap();
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.find("another").unwrap().len(), 1);
    assert_eq!(store.find(STAYS).unwrap().len(), 1);
    let kept = of_it
        .iter()
        .all(|one| store.kept(&again.scope, one).unwrap().is_some());
    assert!(kept);
}

#[tokio::test]
async fn what_was_removed_leaves_the_databases_when_they_are_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let claim = store.claim(&Scope::from("orders")).await.unwrap();
    let letter = Change::DeadLetter(dead_letter(GONE, "main", GONE.as_bytes()));
    let hold = Change::Hold(hold(GONE, "main", GONE.as_bytes()));
    store.commit(&claim, vec![letter, hold]).await.unwrap();
    let evidence = store.append_evidence(&claim.scope, b"kept\n").unwrap();
    store.write_anew().await.unwrap();
    let release = Change::Release {
        source_key: SourceKey::from(GONE),
        part: "main".to_owned(),
    };
    store.commit(&claim, vec![release]).await.unwrap();
    assert!(!places(folder.path(), GONE).is_empty());
    store.write_anew().await.unwrap();
    assert_eq!(places(folder.path(), GONE), Vec::<PathBuf>::new());
    let kept = store.kept(&claim.scope, &evidence).unwrap();
    assert_eq!(kept, Some(b"kept\n".to_vec()));
    store.commit(&claim, vec![]).await.unwrap();
}

/// Killed after what is to be forgotten was written down, with the old tree
/// out of its place and half a new one beside it.
#[tokio::test]
async fn a_forgetting_that_was_cut_short_goes_on_when_the_store_is_opened() {
    for halves in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let gone = tenant(&store, "gone");
        fill_scope(&gone, "orders", GONE).await;
        let (claim, segments) = fill_scope(&tenant(&store, "other"), "orders", STAYS).await;
        let before = seen(&tenant(&store, "other"), &claim.scope, STAYS, &segments);
        drop((gone, store));
        let forgotten = Forgotten {
            scopes: ["gone/orders".to_owned()].into(),
            tables: [].into(),
            prefix: "gone/".to_owned(),
        };
        forgotten.begin(folder.path()).unwrap();
        if halves {
            let at = |name: &str| folder.path().join(name);
            std::fs::rename(at("sled"), at("sled.before")).unwrap();
            std::fs::create_dir(at("sled.unfinished")).unwrap();
            std::fs::write(at("sled.unfinished/db"), GONE).unwrap();
            std::fs::write(at("long.redb.unfinished"), GONE).unwrap();
            assert!(Embedded::exists(folder.path()));
            let parts = examine(folder.path(), None).unwrap();
            assert!(parts.iter().all(|part| part.damage.is_none()), "{parts:?}");
        }
        let store = open(folder.path());
        assert_eq!(
            places(folder.path(), GONE),
            Vec::<PathBuf>::new(),
            "{halves}"
        );
        let other = tenant(&store, "other");
        assert_eq!(seen(&other, &claim.scope, STAYS, &segments), before);
        assert!(!folder.path().join("forgetting").exists());
    }
}

/// What stands in the way of a copy is like a disk that is full: nothing was
/// exchanged, and half of it is there.
#[tokio::test]
async fn a_forgetting_that_finds_no_room_harms_nobody_and_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (gone, _) = fill_scope(&*store, "orders", GONE).await;
    let (claim, segments) = fill_scope(&*store, "orders-2", STAYS).await;
    let before = seen(&*store, &claim.scope, STAYS, &segments);
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("sled.unfinished"), "").unwrap();
    store.forget(&gone.scope).await.unwrap_err();
    assert!(at("forgetting").exists() && !at("long.redb.unfinished").exists());
    store.commit(&claim, vec![]).await.unwrap();
    assert_eq!(seen(&*store, &claim.scope, STAYS, &segments), before);
    let taken_up = store.claim(&gone.scope).await;
    assert!(matches!(taken_up, Err(Error::Forgetting { .. })));
    // Another is told so too, and the first is not forgotten over it.
    store.erase(&claim.scope, &[]).await.unwrap_err();
    let claim = store.claim(&claim.scope).await.unwrap();
    std::fs::remove_file(at("sled.unfinished")).unwrap();
    std::fs::create_dir(at("long.redb.unfinished")).unwrap();
    drop(store);

    let store = open(folder.path());
    store.commit(&claim, vec![]).await.unwrap();
    store.tidy(0).await.unwrap();
    assert!(at("forgetting").exists());
    std::fs::remove_dir(at("long.redb.unfinished")).unwrap();
    store.tidy(0).await.unwrap();
    assert!(!at("forgetting").exists());
    assert_eq!(store.find(GONE).unwrap(), []);
    assert!(!store.scopes().unwrap().contains(&gone.scope));
    assert_eq!(seen(&*store, &claim.scope, STAYS, &segments), before);
    store.commit(&claim, vec![]).await.unwrap();
}

#[tokio::test]
async fn what_a_record_held_is_erased_and_its_row_and_its_neighbours_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let claim = store.claim(&Scope::from("orders")).await.unwrap();
    let scope = &claim.scope;
    let line = |key: &str, name: &str| format!("{{\"no\":\"{key}\",\"receiver\":\"{name}\"}}\n");
    let text = line("CK-100001", GONE) + &line("CK-100002", STAYS);
    let versions = [
        store.append_evidence(scope, text.as_bytes()).unwrap(),
        store.append_segment(&claim, text.as_bytes()).await.unwrap(),
    ];
    let mut row = ledger_row("CK-100001", 1);
    row.documents.truncate(1);
    row.documents[0].target_key = "CK-100001".into();
    for tried in &mut row.documents[0].tries {
        tried.came = Came::Unknown(GONE.to_owned());
    }
    // The row leads to the newest version; the older one is found by its number.
    row.record = Some(LineRef {
        segment: versions[1].clone(),
        line: 0,
    });
    store
        .commit(&claim, vec![Change::Ledger(row.clone())])
        .await
        .unwrap();

    let keys = [SourceKey::from("CK-100001")];
    assert_eq!(store.erase(scope, &keys).await.unwrap(), 2);
    assert_eq!(places(folder.path(), GONE), Vec::<PathBuf>::new());
    for version in &versions {
        let kept = String::from_utf8(store.kept(scope, version).unwrap().unwrap()).unwrap();
        let second = kept.split_once('\n').unwrap().1;
        assert_eq!(second, line("CK-100002", STAYS));
    }
    let left = store.ledger(scope, &keys).unwrap().remove(0).unwrap();
    assert_eq!(left.source_print, row.source_print);
    assert_eq!(
        left.documents[0].mapped_print,
        row.documents[0].mapped_print
    );
    assert_eq!(left.documents[0].state, row.documents[0].state);
    assert_eq!((left.record, left.documents[0].sent.clone()), (None, None));
    assert_eq!(store.erase(scope, &keys).await.unwrap(), 0);
}
