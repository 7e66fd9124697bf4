//! Two owners of one store, measured while it is open and after it was opened
//! again.

use std::sync::Arc;

use duijie_record::Scope;

use crate::conformance::{dead_letter, ledger_row};
use crate::{Change, Embedded, LedgerRow, LineRef, Options, Store as _, TenantStore};

const PAGE: usize = 50_000;

async fn fill(store: &Arc<Embedded>, tenant: &str, pages: usize, letters: usize) {
    let whole: Arc<dyn crate::Store> = store.clone();
    let part = TenantStore::new(whole, tenant).unwrap();
    let scope = Scope::from("orders");
    let claim = part.claim(&scope).await.unwrap();
    let mut changes = Vec::new();
    for page in 0..pages {
        let segment = part.append_evidence(&scope, &vec![b'.'; PAGE]).unwrap();
        // Rows of one page name the same segment.
        changes.extend((0..3).map(|line| {
            Change::Ledger(LedgerRow {
                documents: Vec::new(),
                record: Some(LineRef {
                    segment: segment.clone(),
                    line,
                }),
                ..ledger_row(&format!("{page}-{line}"), 1)
            })
        }));
    }
    let letter = |nth: usize| dead_letter(&nth.to_string(), "main", &vec![b'.'; PAGE]);
    changes.extend((0..letters).map(|nth| Change::DeadLetter(letter(nth))));
    part.commit(&claim, changes).await.unwrap();
}

/// In whole pages, which is what was laid aside; the rest is less than one.
#[track_caller]
fn check(store: &Embedded, expected: &[(&str, u64)]) {
    let owned = store.owned_bytes().unwrap();
    let pages = owned
        .iter()
        .map(|(owner, bytes)| (owner.as_str(), bytes / PAGE as u64));
    assert_eq!(pages.collect::<Vec<_>>(), expected, "{owned:?}");
}

#[tokio::test]
async fn bytes_are_their_owners_before_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        segment_file_bytes: 4 * PAGE as u64,
        ..Options::default()
    };
    let open = || Arc::new(Embedded::open(folder.path(), &options).unwrap());
    let store = open();
    assert!(store.owned_bytes().unwrap().is_empty());
    fill(&store, "north", 5, 0).await;
    fill(&store, "northern", 1, 2).await;
    // A scope without an owner is nobody's.
    let claim = store.claim(&Scope::from("orders")).await.unwrap();
    let changes = vec![Change::Schedule(vec![0; 3 * PAGE])];
    store.commit(&claim, changes).await.unwrap();
    let expected = [("north", 5), ("northern", 3)];
    check(&store, &expected);
    drop(store);

    let store = open();
    check(&store, &expected);
    fill(&store, "northern", 2, 0).await;
    // Rows of its first pages name the new ones, and old evidence that no row
    // names is nobody's any more.
    check(&store, &[("north", 5), ("northern", 4)]);
}
