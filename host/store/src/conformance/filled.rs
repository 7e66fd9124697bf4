//! Properties of value tables. Each begins with an empty store.

use super::property::{claim, commit};
use super::{checkpoint, fill, table_row};
use crate::{Change, Error, Store, TableRow};

fn drop_row(table: &str, key: &str) -> Change {
    Change::DropTableRow {
        table: table.to_owned(),
        key: key.to_owned(),
    }
}

pub(crate) async fn rows_of_a_table_are_replaced_by_key_and_dropped(store: &dyn Store) {
    let claim = claim(store, "shops").await;
    let rows = [("b", "2"), ("a", "1"), ("甲", "3")].map(|(key, to)| table_row("shops", key, to));
    let other = table_row("shops2", "a", "9");
    let all = rows.iter().chain([&other]).cloned();
    commit(store, &claim, all.map(Change::TableRow).collect()).await;
    let [b, a, c] = rows;
    let found = store.table("shops").unwrap();
    assert_eq!(found, [a.clone(), b.clone(), c.clone()]);
    assert_eq!(store.table("shops2").unwrap(), std::slice::from_ref(&other));
    assert_eq!(store.table("shop").unwrap(), []);
    let again = table_row("shops", "b", "4");
    let changes = vec![
        Change::TableRow(again.clone()),
        drop_row("shops", "a"),
        drop_row("shops", "never there"),
    ];
    commit(store, &claim, changes).await;
    assert_eq!(store.table("shops").unwrap(), [again, c]);
    assert_eq!(store.table("shops2").unwrap(), [other]);
}

pub(crate) async fn a_digest_is_of_the_rows_and_of_nothing_else(store: &dyn Store) {
    let (first, second) = (claim(store, "first").await, claim(store, "second").await);
    let digest = |table: &str| TableRow::digest(&store.table(table).unwrap());
    let empty = digest("shops");
    for (claim, key) in [(&first, "a"), (&second, "b")] {
        let row = Change::TableRow(table_row("shops", key, "1"));
        commit(store, claim, vec![row, Change::Fill(fill("shops", 1))]).await;
    }
    let both = digest("shops");
    assert_ne!(both, empty);
    for (key, to) in [("b", "2"), ("a", "1"), ("b", "1")] {
        let row = Change::TableRow(table_row("other", key, to));
        commit(store, &first, vec![row]).await;
    }
    assert_eq!(digest("other"), both);
    commit(store, &first, vec![drop_row("shops", "b")]).await;
    assert_ne!(digest("shops"), both);
}

pub(crate) async fn a_table_changes_with_the_checkpoint_of_its_commit_or_not_at_all(
    store: &dyn Store,
) {
    let lost = claim(store, "shops").await;
    let current = claim(store, "shops").await;
    let changes = |key: &str, number| {
        vec![
            Change::TableRow(table_row("shops", key, "1")),
            Change::Checkpoint(checkpoint(number)),
        ]
    };
    let refused = store.commit(&lost, changes("a", 1)).await.unwrap_err();
    assert!(matches!(refused, Error::ClaimLost { .. }), "{refused}");
    assert_eq!(store.table("shops").unwrap(), []);
    assert_eq!(store.checkpoint(&current.scope, "").unwrap(), None);
    commit(store, &current, changes("b", 2)).await;
    assert_eq!(
        store.table("shops").unwrap(),
        [table_row("shops", "b", "1")]
    );
    let kept = store.checkpoint(&current.scope, "").unwrap();
    assert_eq!(kept, Some(checkpoint(2)));
}

pub(crate) async fn a_fill_takes_the_place_of_the_one_before(store: &dyn Store) {
    assert_eq!(store.fills().unwrap(), []);
    let claim = claim(store, "shops").await;
    for (table, at_ms) in [("shops", 1), ("depots", 2), ("shops", 3)] {
        commit(store, &claim, vec![Change::Fill(fill(table, at_ms))]).await;
    }
    assert_eq!(
        store.fills().unwrap(),
        [fill("depots", 2), fill("shops", 3)]
    );
}
