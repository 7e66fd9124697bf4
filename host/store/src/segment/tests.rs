//! Whose bytes are written over, and whose never are.

use std::path::Path;
use std::sync::Arc;

use duijie_record::{Scope, SourceKey};

use super::owners::{self, Owned};
use crate::conformance::{intent, ledger_row};
use crate::seal::turning::Turning;
use crate::{Change, Claim, Embedded, LineRef, Options, SegmentKind, SegmentRef, Store as _};

const FIRST: &str = r#"{"no":"CK-100001","receiver":"Zhang San"}"#;
const SECOND: &str = r#"{"no":"CK-200002","receiver":"Li Si of Hangzhou"}"#;

fn open(folder: &Path) -> Embedded {
    Embedded::open(folder, &Options::default()).unwrap()
}

async fn claim(store: &Embedded, scope: &str) -> Claim {
    store.claim(&Scope::from(scope)).await.unwrap()
}

/// A row of a record of this number that leads there.
async fn lead(store: &Embedded, claim: &Claim, segment: &SegmentRef, line: u32) {
    let mut row = ledger_row("CK-100001", 1);
    row.documents.clear();
    row.record = Some(LineRef {
        segment: segment.clone(),
        line,
    });
    let change = Change::Ledger(row);
    store.commit(claim, vec![change]).await.unwrap();
}

async fn erase(store: &Embedded, scope: &Scope) -> u64 {
    let keys = [SourceKey::from("CK-100001")];
    store.erase(scope, &keys).await.unwrap()
}

fn kept(store: &Embedded, scope: &Scope, segment: &SegmentRef) -> Option<String> {
    let kept = store.kept(scope, segment).unwrap();
    kept.map(|kept| String::from_utf8(kept).unwrap())
}

#[tokio::test]
async fn a_number_is_given_to_one_file_whatever_becomes_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let scope = Scope::from("orders");
    let mut numbers = Vec::new();
    for round in 0..3 {
        let store = open(folder.path());
        // Nothing new in this process: the newest file is as old as the others.
        assert_eq!(store.tidy(u64::MAX).await.unwrap().files, round.min(1));
        drop(store);
        let store = open(folder.path());
        numbers.push(store.append_evidence(&scope, b"{}\n").unwrap().file);
    }
    assert_eq!(numbers, [1, 2, 3]);
    // A copy without the files knows which numbers are taken.
    let store = open(folder.path());
    let [backup, restored] = ["backup", "restored"].map(|name| folder.path().join(name));
    store.backup(&backup, false).await.unwrap();
    let options = Options::default();
    Embedded::restore(&backup, &restored, &options, 1)
        .await
        .unwrap();
    let store = open(&restored);
    assert_eq!(store.append_evidence(&scope, b"{}\n").unwrap().file, 4);
}

/// As rows do that are older than the file that has their number by now.
#[tokio::test]
async fn a_row_that_leads_to_what_is_anothers_by_now_writes_over_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sealer = Arc::new(Turning::default());
    let options = Options {
        sealer: Some(sealer.clone()),
        ..Options::default()
    };
    let store = Embedded::open(folder.path(), &options).unwrap();
    let (orders, other) = (Scope::from("orders"), claim(&store, "other").await);
    let lines = [SECOND, SECOND, ""].join("\n");
    let text = lines.as_bytes();
    let anothers = store.append_evidence(&other.scope, text).unwrap();
    let own = store.append_evidence(&orders, text).unwrap();
    sealer.scopes.lock().unwrap().insert("other".to_owned());
    let sealed = store.append_evidence(&other.scope, text).unwrap();
    let aside = SegmentRef {
        offset: anothers.offset + 3,
        bytes: anothers.bytes - 3,
        ..anothers.clone()
    };
    let changed = SegmentRef {
        crc: own.crc ^ 1,
        ..own.clone()
    };
    for led_to in [&anothers, &sealed, &aside, &changed] {
        // Erasing takes the scope over.
        let orders = claim(&store, "orders").await;
        lead(&store, &orders, led_to, 1).await;
        let orders = &orders.scope;
        assert_eq!(erase(&store, orders).await, 0, "{led_to:?}");
        for (scope, there) in [
            (&other.scope, &anothers),
            (&other.scope, &sealed),
            (orders, &own),
        ] {
            let left = kept(&store, scope, there);
            assert_eq!(left.as_deref(), Some(lines.as_str()), "{led_to:?}");
        }
    }
}

#[tokio::test]
async fn what_an_open_intent_sends_stays_wherever_a_stretch_begins() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let orders = claim(&store, "orders").await;
    let text = format!("{FIRST}\n");
    let settled = store
        .append_segment(&orders, text.as_bytes())
        .await
        .unwrap();
    let sent = store
        .append_segment(&orders, text.as_bytes())
        .await
        .unwrap();
    let open_one = intent(store.next_intent_id(), sent.clone());
    let change = Change::Intent(open_one);
    store.commit(&orders, vec![change]).await.unwrap();
    let whole = Owned {
        scope: owners::print(&orders.scope),
        offset: 0,
        bytes: settled.bytes + sent.bytes,
    };
    let beside = folder.path().join("segments/1.own");
    owners::replace(&beside, &[whole]).unwrap();
    assert_eq!(erase(&store, &orders.scope).await, 0);
    assert_eq!(kept(&store, &orders.scope, &sent), Some(text));
}

#[tokio::test]
async fn the_record_of_an_open_intent_stays_and_its_neighbour_goes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let orders = claim(&store, "orders").await;
    let text = [FIRST, r#"{"no":"CK-200002","also":"CK-100001"}"#, ""].join("\n");
    let records = store
        .append_evidence(&orders.scope, text.as_bytes())
        .unwrap();
    let sent = store.append_segment(&orders, b"{}\n").await.unwrap();
    let mut open_one = intent(store.next_intent_id(), sent);
    open_one.entries.truncate(1);
    open_one.entries[0].record = Some(LineRef {
        segment: records.clone(),
        line: 1,
    });
    let change = Change::Intent(open_one);
    store.commit(&orders, vec![change]).await.unwrap();
    assert_eq!(erase(&store, &orders.scope).await, 1);
    let left = kept(&store, &orders.scope, &records).unwrap();
    let left: Vec<&str> = left.lines().collect();
    assert!(crate::is_erased(left[0].as_bytes()), "{left:?}");
    assert_eq!(left[1], r#"{"no":"CK-200002","also":"CK-100001"}"#);
}

/// As those of stores are that did not note it.
#[tokio::test]
async fn of_a_file_that_nobody_knows_the_owners_of_only_what_rows_name_goes() {
    for lost in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let (orders, other) = (claim(&store, "orders").await, claim(&store, "other").await);
        let own = store
            .append_evidence(&orders.scope, FIRST.as_bytes())
            .unwrap();
        let anothers = store
            .append_evidence(&other.scope, SECOND.as_bytes())
            .unwrap();
        // The scope's row leads to what is its own, and wrongly to the other's.
        lead(&store, &orders, &own, 0).await;
        let mut row = ledger_row("CK-300003", 1);
        row.record = Some(LineRef {
            segment: SegmentRef {
                bytes: anothers.bytes - 1,
                ..anothers.clone()
            },
            line: 0,
        });
        store
            .commit(&orders, vec![Change::Ledger(row)])
            .await
            .unwrap();
        drop(store);
        let beside = folder.path().join("evidence/1.own");
        match lost {
            true => std::fs::remove_file(&beside).unwrap(),
            // Its entries were on their way to the disk when the power went.
            false => std::fs::write(&beside, b"").unwrap(),
        }
        let store = open(folder.path());
        store.forget(&orders.scope).await.unwrap();
        let file = std::fs::read(folder.path().join("evidence/1.seg")).unwrap();
        assert!(file.starts_with(&vec![0; FIRST.len()]), "{lost}");
        let left = kept(&store, &other.scope, &anothers);
        assert_eq!(left.as_deref(), Some(SECOND), "{lost}");
    }
}

#[tokio::test]
async fn who_owns_what_stays_known_when_a_scope_leaves_a_file_that_is_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (orders, other) = (claim(&store, "orders").await, claim(&store, "other").await);
    let mut segments = Vec::new();
    for _ in 0..3 {
        store
            .append_evidence(&orders.scope, FIRST.as_bytes())
            .unwrap();
        let one = store
            .append_evidence(&other.scope, SECOND.as_bytes())
            .unwrap();
        segments.push(one);
        store.forget(&orders.scope).await.unwrap();
        let file = std::fs::read(folder.path().join("evidence/1.seg")).unwrap();
        let is_there = |text: &str| file.windows(text.len()).any(|at| at == text.as_bytes());
        assert!(!is_there("Zhang San") && is_there("Li Si"));
    }
    for one in &segments {
        assert_eq!(kept(&store, &other.scope, one).as_deref(), Some(SECOND));
    }
    let known = owners::read(&folder.path().join("evidence/1.own")).unwrap();
    assert_eq!(known.len(), segments.len());
    assert!(segments.iter().all(|one| one.kind == SegmentKind::Evidence));
}

#[tokio::test]
async fn owners_that_cannot_be_written_anew_are_known_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (orders, other) = (claim(&store, "orders").await, claim(&store, "other").await);
    store
        .append_evidence(&orders.scope, FIRST.as_bytes())
        .unwrap();
    let anothers = store
        .append_evidence(&other.scope, SECOND.as_bytes())
        .unwrap();
    let [beside, aside] =
        ["1.own", "1.own.part"].map(|name| folder.path().join("evidence").join(name));
    let before = std::fs::read(&beside).unwrap();
    std::fs::create_dir(&aside).unwrap();
    store.forget(&orders.scope).await.unwrap_err();
    assert_eq!(std::fs::read(&beside).unwrap(), before);
    assert_eq!(
        kept(&store, &other.scope, &anothers).as_deref(),
        Some(SECOND)
    );
    store.commit(&other, vec![]).await.unwrap();
    std::fs::remove_dir(&aside).unwrap();
    store.tidy(0).await.unwrap();
    let known = owners::read(&beside).unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(
        kept(&store, &other.scope, &anothers).as_deref(),
        Some(SECOND)
    );
}
