//! Properties of what came with traces, lanes and cautions. Each begins with
//! an empty store.

use duijie_record::{Scope, SourceKey, TargetKey};

use super::property::{claim, commit};
use super::{caution, checkpoint, ledger_row, owed, resolutions};
use crate::{Change, Checkpoint, LedgerRow, SegmentKind, SegmentRef, Store};

pub(crate) async fn each_lane_has_a_checkpoint_of_its_own(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    let of = |lane: &str, number| Checkpoint {
        lane: lane.to_owned(),
        ..checkpoint(number)
    };
    for (lane, number) in [("", 1), ("backfill:b", 2), ("backfill:a", 3), ("", 4)] {
        commit(store, &claim, vec![Change::Checkpoint(of(lane, number))]).await;
    }
    let scope = &claim.scope;
    assert_eq!(store.checkpoint(scope, "").unwrap(), Some(of("", 4)));
    let filled = store.checkpoint(scope, "backfill:a").unwrap();
    assert_eq!(filled, Some(of("backfill:a", 3)));
    assert_eq!(store.lanes(scope).unwrap(), ["backfill:a", "backfill:b"]);
    let reset = Change::ResetCheckpoint {
        lane: "backfill:a".to_owned(),
    };
    commit(store, &claim, vec![reset]).await;
    assert_eq!(store.lanes(scope).unwrap(), ["backfill:b"]);
    assert_eq!(store.checkpoint(scope, "backfill:a").unwrap(), None);
    assert_eq!(store.checkpoint(scope, "").unwrap(), Some(of("", 4)));
}

pub(crate) async fn a_caution_lasts_until_it_is_taken_back(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    commit(store, &claim, vec![Change::Caution(Some(caution()))]).await;
    assert_eq!(store.caution(&claim.scope).unwrap(), Some(caution()));
    assert_eq!(store.caution(&Scope::from("other")).unwrap(), None);
    commit(store, &claim, vec![Change::Caution(None)]).await;
    assert_eq!(store.caution(&claim.scope).unwrap(), None);
}

pub(crate) async fn a_scope_is_bound_to_the_target_named_last(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    for target in ["books/main/stock", "books/other/stock"] {
        commit(store, &claim, vec![Change::Bind(target.to_owned())]).await;
        let bound = store.bound(&claim.scope).unwrap();
        assert_eq!(bound.as_deref(), Some(target));
    }
}

pub(crate) async fn evidence_is_read_back_and_what_is_gone_is_none(store: &dyn Store) {
    let scope = claim(store, "orders").await.scope;
    let first = store.append_evidence(&scope, b"{\"a\":1}\n").unwrap();
    let second = store.append_evidence(&scope, b"{\"b\":2}\n").unwrap();
    assert_eq!(first.kind, SegmentKind::Evidence);
    let kept = store.kept(&scope, &first).unwrap();
    assert_eq!(kept.as_deref(), Some(&b"{\"a\":1}\n"[..]));
    let kept = store.kept(&scope, &second).unwrap();
    assert_eq!(kept.as_deref(), Some(&b"{\"b\":2}\n"[..]));
    let gone = SegmentRef {
        file: 999,
        ..first.clone()
    };
    assert_eq!(store.kept(&scope, &gone).unwrap(), None);
    let other = SegmentRef {
        crc: !first.crc,
        ..first
    };
    assert_eq!(store.kept(&scope, &other).unwrap(), None);
}

/// A row with one document.
fn row(key: &str, target_key: &str, target_id: Option<&str>, at_ms: u64) -> LedgerRow {
    let mut row = ledger_row(key, at_ms);
    row.documents.truncate(1);
    row.documents[0].target_key = TargetKey::from(target_key);
    row.documents[0].target_id = target_id.map(str::to_owned);
    row
}

fn found(store: &dyn Store, number: &str) -> Vec<(String, u64)> {
    let found = store.find(number).unwrap().into_iter();
    found.map(|(scope, row)| (scope.0, row.at_ms)).collect()
}

pub(crate) async fn rows_are_found_by_every_number_of_theirs(store: &dyn Store) {
    let left = claim(store, "left").await;
    let right = claim(store, "right").await;
    let rows = [
        row("900", "CK1", Some("100"), 1),
        row("901", "CK2", None, 2),
    ];
    commit(store, &left, rows.map(Change::Ledger).to_vec()).await;
    // Its target id is a source key of the other scope.
    let rows = [row("CK1", "CK1", Some("900"), 3)];
    commit(store, &right, rows.map(Change::Ledger).to_vec()).await;
    let (left, right) = (|at| ("left".to_owned(), at), |at| ("right".to_owned(), at));
    assert_eq!(found(store, "CK1"), [right(3), left(1)]);
    assert_eq!(found(store, "900"), [right(3), left(1)]);
    assert_eq!(found(store, "100"), [left(1)]);
    assert_eq!(found(store, "CK2"), [left(2)]);
    for absent in ["", "CK", "CK3", "90"] {
        assert_eq!(found(store, absent), []);
    }
}

pub(crate) async fn a_row_is_not_found_by_a_number_it_no_longer_has(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    for (target_key, at_ms) in [("CK1", 1), ("CK2", 2)] {
        let row = row("900", target_key, Some("100"), at_ms);
        commit(store, &claim, vec![Change::Ledger(row)]).await;
    }
    assert_eq!(found(store, "CK1"), []);
    assert_eq!(found(store, "CK2"), [("orders".to_owned(), 2)]);
    assert_eq!(found(store, "900"), [("orders".to_owned(), 2)]);
}

pub(crate) async fn the_owner_of_a_target_key_is_who_wrote_it_last(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    for (number, key) in ["900", "901", "902", "901"].into_iter().enumerate() {
        let target_key = if key == "902" { "CK2" } else { "CK1" };
        let row = row(key, target_key, Some("CK3"), 100 - number as u64);
        commit(store, &claim, vec![Change::Ledger(row)]).await;
    }
    let keys = ["CK3", "CK2", "CK1"].map(TargetKey::from);
    let owners = store.owners(&claim.scope, &keys).unwrap();
    let owners: Vec<_> = owners
        .iter()
        .map(|owner| owner.as_ref().map(|key| key.as_str()))
        .collect();
    assert_eq!(owners, [None, Some("902"), Some("901")]);
    let elsewhere = store.owners(&Scope::from("other"), &keys).unwrap();
    assert_eq!(elsewhere, [None, None, None]);
}

pub(crate) async fn what_is_owed_stays_until_it_is_paid(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    let [applied, rejected, dropped] = resolutions();
    let first = owed("b", "token-1", applied.clone());
    let second = owed("b", "token-2", rejected);
    let third = owed("a", "token-1", dropped);
    let changes = [&first, &second, &third].map(|one| Change::Owe(one.clone()));
    commit(store, &claim, changes.to_vec()).await;
    let scope = &claim.scope;
    let all = [third.clone(), first.clone(), second.clone()];
    assert_eq!(store.owed(scope).unwrap(), all);
    // Another word on the same record takes its place.
    let again = owed("b", "token-2", applied);
    let paid = Change::Paid {
        source_key: SourceKey::from("b"),
        token: "token-1".to_owned(),
    };
    commit(
        store,
        &claim,
        vec![paid.clone(), Change::Owe(again.clone())],
    )
    .await;
    assert_eq!(store.owed(scope).unwrap(), [third.clone(), again]);
    let other = Change::Paid {
        source_key: SourceKey::from("b"),
        token: "token-2".to_owned(),
    };
    commit(store, &claim, vec![paid, other]).await;
    assert_eq!(store.owed(scope).unwrap(), [third]);
}

pub(crate) async fn where_a_schedule_stands_is_replaced(store: &dyn Store) {
    let orders = claim(store, "orders").await;
    let other = claim(store, "other").await;
    for state in [vec![1], vec![], vec![1, 0, 255]] {
        commit(store, &orders, vec![Change::Schedule(state.clone())]).await;
        assert_eq!(store.schedule(&orders.scope).unwrap(), Some(state));
    }
    assert_eq!(store.schedule(&other.scope).unwrap(), None);
}
