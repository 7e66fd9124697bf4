//! What people said lies sealed in the files, comes back as it was with its
//! scope's key, and stays closed without it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use duijie_record::{Scope, SourceKey};

use super::turning::{Turning, turned};
use super::{hex, unhex};
use crate::conformance::{dead_letter, hold, intent, ledger_row, member, run_row};
use crate::{
    Came, Change, Claim, DocumentState, Embedded, Error, Group, GroupState, LineRef, Options,
    RunState, SegmentRef, Store, TenantStore, examine,
};

const CANARY: &str = "Zhang San 13812345678";

fn sealer(locked: bool, scopes: &[&str]) -> Arc<Turning> {
    Arc::new(Turning {
        scopes: Mutex::new(scopes.iter().map(|scope| (*scope).to_owned()).collect()),
        locked,
        every: false,
    })
}

fn open(folder: &Path, sealer: &Arc<Turning>) -> Embedded {
    let options = Options {
        fresh_rows: 4,
        sealer: Some(sealer.clone()),
        ..Options::default()
    };
    Embedded::open(folder, &options).unwrap()
}

/// Every kind of change that holds what people said, and some that make the
/// layer before them go into the databases.
async fn fill(store: &dyn Store, claim: &Claim) -> [SegmentRef; 2] {
    let lines =
        format!("{{\"no\":\"a\",\"who\":\"{CANARY}\"}}\n{{\"no\":\"b\",\"who\":\"Li Si\"}}\n");
    let documents = store.append_segment(claim, lines.as_bytes()).await.unwrap();
    let evidence = store
        .append_evidence(&claim.scope, lines.as_bytes())
        .unwrap();
    let mut opened = intent(store.next_intent_id(), documents.clone());
    let mut row = ledger_row("a", 1);
    row.documents[0].state = DocumentState::Held(CANARY.to_owned());
    row.documents[0].tries[0].came = Came::Unknown(format!("no customer {CANARY}"));
    row.record = Some(LineRef {
        segment: evidence.clone(),
        line: 0,
    });
    opened.entries[0].tries = row.documents[0].tries.clone();
    let mut letter = dead_letter("a", "main", lines.as_bytes());
    (letter.message, letter.edited) = (CANARY.to_owned(), Some(CANARY.as_bytes().to_vec()));
    let mut held = hold("a", "main", lines.as_bytes());
    (held.reason, held.record) = (CANARY.to_owned(), CANARY.as_bytes().to_vec());
    let mut waiting = member("g", 1, "a", 1);
    waiting.record = CANARY.as_bytes().to_vec();
    let group = Group {
        place: waiting.place.clone(),
        lane: String::new(),
        state: GroupState::Open,
        members: 1,
        order: 1,
        first_ms: 1,
        at_ms: 1,
    };
    let mut changes = vec![
        Change::Intent(opened),
        Change::Ledger(row),
        Change::DeadLetter(letter),
        Change::Hold(held),
        Change::Member(waiting),
        Change::Group(group),
        Change::Run(run_row("run-1", RunState::Failed(CANARY.to_owned()))),
    ];
    changes.extend((0..9).map(|at| Change::Ledger(ledger_row(&format!("more-{at}"), at))));
    store.commit(claim, changes).await.unwrap();
    [documents, evidence]
}

fn is_anywhere(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_anywhere(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap();
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    })
}

/// Everything that reads it, as text.
fn all(store: &dyn Store, scope: &Scope, segments: &[SegmentRef]) -> Vec<Result<String, Error>> {
    let place = member("g", 1, "a", 1).place;
    let keys = [SourceKey::from("a")];
    let mut all = vec![
        store.open_intents(scope).map(|found| format!("{found:?}")),
        store.ledger(scope, &keys).map(|found| format!("{found:?}")),
        store
            .members(scope, &place)
            .map(|found| format!("{found:?}")),
    ];
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    all.push(store.dead_letters(scope).map(|found| {
        let one = &found[0];
        one.message.clone() + &text(one.record.clone()) + &text(one.edited.clone().unwrap())
    }));
    all.push(store.holds(scope).map(|found| {
        let one = &found[0];
        one.reason.clone() + &text(one.record.clone()) + &text(one.document.clone())
    }));
    all.extend(
        segments
            .iter()
            .map(|one| store.read_segment(scope, one).map(text)),
    );
    all.extend(
        segments
            .iter()
            .map(|one| store.kept(scope, one).map(|kept| text(kept.unwrap()))),
    );
    all
}

#[tokio::test]
async fn what_people_said_is_in_no_file_and_comes_back_with_the_key_only() {
    let folder = tempfile::tempdir().unwrap();
    let scope = Scope::from("orders");
    let sealer_of_it = sealer(false, &[]);
    let store = open(folder.path(), &sealer_of_it);
    store.unlock(&scope, true).unwrap();
    let claim = store.claim(&scope).await.unwrap();
    let segments = fill(&store, &claim).await;
    let check = |store: &Embedded| {
        for told in all(store, &scope, &segments) {
            let told = told.unwrap();
            let member = format!("{:?}", CANARY.as_bytes());
            assert!(told.contains(CANARY) || told.contains(&member), "{told}");
        }
        let run = store.runs(&scope, 1).unwrap().remove(0);
        assert_eq!(run.state, RunState::Failed(CANARY.to_owned()));
        let found = store.find("a").unwrap();
        assert!(format!("{found:?}").contains(CANARY));
    };
    check(&store);
    drop(store);
    assert!(!is_anywhere(folder.path(), CANARY));
    assert!(!is_anywhere(folder.path(), &hex(CANARY.as_bytes())));
    assert!(is_anywhere(folder.path(), &hex(&turned(CANARY.as_bytes()))));
    check(&open(folder.path(), &sealer_of_it));
}

#[tokio::test]
async fn without_the_key_keys_and_states_can_be_read_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let scope = Scope::from("orders");
    let sealer_of_it = sealer(false, &["orders"]);
    let store = open(folder.path(), &sealer_of_it);
    let claim = store.claim(&scope).await.unwrap();
    let segments = fill(&store, &claim).await;
    drop(store);
    let sealer = sealer(true, &["orders"]);
    let store = open(folder.path(), &sealer);
    let is_closed =
        |error: &Error| matches!(error, Error::Sealed { scope, .. } if scope == "orders");
    let mut told = all(&store, &scope, &segments);
    let intents = told.remove(0).unwrap();
    assert!(intents.contains("the key is away") && !intents.contains(CANARY));
    for told in told {
        assert!(is_closed(&told.unwrap_err()));
    }
    assert!(is_closed(&store.unlock(&scope, false).unwrap_err()));
    let (_, row) = store.find("a").unwrap().remove(0);
    assert_eq!(row.source_key, SourceKey::from("a"));
    assert!(format!("{row:?}").contains("the key is away"), "{row:?}");
    let claim = store.claim(&scope).await.unwrap();
    let letter = Change::DeadLetter(dead_letter("c", "main", b"{}"));
    assert!(is_closed(
        &store.commit(&claim, vec![letter]).await.unwrap_err()
    ));
    assert!(is_closed(
        &store.append_segment(&claim, b"{}").await.unwrap_err()
    ));
    assert!(is_closed(
        &store
            .erase(&scope, &[SourceKey::from("a")])
            .await
            .unwrap_err()
    ));
    // It harms nobody else.
    let other = store.claim(&Scope::from("other")).await.unwrap();
    let letter = Change::DeadLetter(dead_letter("c", "main", b"{}"));
    store.commit(&other, vec![letter]).await.unwrap();
    drop(store);
    let parts = examine(folder.path(), Some(sealer)).unwrap();
    assert!(parts.iter().all(|part| part.damage.is_none()), "{parts:?}");
    assert!(
        parts.iter().any(|part| part.holds.contains("1 are sealed")),
        "{parts:?}"
    );
    let parts = examine(folder.path(), Some(sealer_of_it)).unwrap();
    assert!(
        parts
            .iter()
            .any(|part| part.holds.contains("1 open intents are whole"))
    );
}

#[tokio::test]
async fn a_tampered_entry_is_damaged_and_one_of_another_scope_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &sealer(false, &["orders", "others"]));
    let scope = Scope::from("orders");
    let claim = store.claim(&scope).await.unwrap();
    let segments = fill(&store, &claim).await;
    for segment in &segments {
        let other = store.read_segment(&Scope::from("others"), segment);
        assert!(matches!(other, Err(Error::Damaged { .. })), "{other:?}");
        assert_eq!(store.kept(&Scope::from("others"), segment).unwrap(), None);
    }
    let path = folder.path().join("segments/1.seg");
    let whole = std::fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        std::fs::write(&path, flipped).unwrap();
        let read = store.read_segment(&scope, &segments[0]);
        assert!(matches!(read, Err(Error::Damaged { .. })), "{at}: {read:?}");
    }
}

#[tokio::test]
async fn erasing_opens_what_it_searches_and_leaves_the_lines_beside() {
    let folder = tempfile::tempdir().unwrap();
    let sealer = sealer(false, &[]);
    let store = open(folder.path(), &sealer);
    let scope = Scope::from("orders");
    let claim = store.claim(&scope).await.unwrap();
    let lines =
        b"{\"no\":\"CK20251001\",\"who\":\"Zhang San\"}\n{\"no\":\"b\",\"who\":\"Li Si\"}\n";
    let before = store.append_evidence(&scope, lines).unwrap();
    store.unlock(&scope, true).unwrap();
    let after = store.append_evidence(&scope, lines).unwrap();
    assert!(after.bytes > before.bytes);
    assert_eq!(after.crc, before.crc);
    let mut row = ledger_row("CK20251001", 1);
    row.documents.clear();
    row.record = Some(LineRef {
        segment: after.clone(),
        line: 0,
    });
    store
        .commit(&claim, vec![Change::Ledger(row)])
        .await
        .unwrap();
    let keys = [SourceKey::from("CK20251001")];
    assert_eq!(store.erase(&scope, &keys).await.unwrap(), 2);
    for segment in [&before, &after] {
        let text = String::from_utf8(store.kept(&scope, segment).unwrap().unwrap()).unwrap();
        assert!(text.contains("Li Si") && text.contains("erased"), "{text}");
        assert!(!text.contains("Zhang San"), "{text}");
    }
    assert_eq!(store.erase(&scope, &keys).await.unwrap(), 0);
    store.forget(&scope).await.unwrap();
    assert!(sealer.scopes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn where_the_keys_are_lost_no_new_one_takes_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let scope = Scope::from("orders");
    let store = open(folder.path(), &sealer(false, &["orders"]));
    let claim = store.claim(&scope).await.unwrap();
    fill(&store, &claim).await;
    drop(store);
    let lost = sealer(false, &[]);
    let store = open(folder.path(), &lost);
    let error = store.unlock(&scope, true).unwrap_err();
    assert!(matches!(error, Error::Sealed { .. }), "{error:?}");
    assert!(lost.scopes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_tenants_scope_is_sealed_as_its_own_and_told_by_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let sealer = sealer(true, &[]);
    let store = Arc::new(open(folder.path(), &sealer));
    let tenant = TenantStore::new(store, "north").unwrap();
    let error = tenant.unlock(&Scope::from("orders"), true).unwrap_err();
    assert!(matches!(error, Error::Sealed { scope, .. } if scope == "orders"));
    assert!(sealer.scopes.lock().unwrap().contains("north/orders"));
}

#[tokio::test]
async fn words_that_look_sealed_are_words_where_nothing_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &sealer(false, &[]));
    let scope = Scope::from("orders");
    let claim = store.claim(&scope).await.unwrap();
    let mut letter = dead_letter("a", "main", b"\0sealed\x01{}");
    letter.message = "\0sealed\u{1}00".to_owned();
    store
        .commit(&claim, vec![Change::DeadLetter(letter)])
        .await
        .unwrap();
    let letter = store.dead_letters(&scope).unwrap().remove(0);
    assert_eq!(letter.record, b" \0sealed\x01{}");
    assert_eq!(letter.message, " \0sealed\u{1}00");
}

#[test]
fn hex_is_read_back() {
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(unhex(&hex(&all)), Some(all));
    assert_eq!(unhex("0g"), None);
    assert_eq!(unhex("000"), None);
}
