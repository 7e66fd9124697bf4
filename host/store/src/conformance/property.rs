//! The properties. Each begins with an empty store.

use duijie_record::{Scope, SourceKey};

pub(super) use super::filled::*;
pub(super) use super::grouped::*;
pub(super) use super::trace::*;
use super::{checkpoint, dead_letter, group, hold, intent, ledger_row, run_row};
use crate::{Change, Claim, Error, IntentId, LedgerRow, RunState, SegmentRef, Store};

pub(super) async fn claim(store: &dyn Store, scope: &str) -> Claim {
    store.claim(&Scope::from(scope)).await.unwrap()
}

pub(super) async fn commit(store: &dyn Store, claim: &Claim, changes: Vec<Change>) {
    store.commit(claim, changes).await.unwrap();
}

fn keys(keys: &[&str]) -> Vec<SourceKey> {
    keys.iter().map(|key| SourceKey::from(*key)).collect()
}

fn row(store: &dyn Store, claim: &Claim, key: &str) -> Option<LedgerRow> {
    store.ledger(&claim.scope, &keys(&[key])).unwrap().remove(0)
}

async fn open_intent(store: &dyn Store, claim: &Claim, data: &[u8]) -> (IntentId, SegmentRef) {
    let segment = store.append_segment(claim, data).await.unwrap();
    let id = store.next_intent_id();
    let change = Change::Intent(intent(id, segment.clone()));
    commit(store, claim, vec![change]).await;
    (id, segment)
}

fn check_empty(store: &dyn Store, scope: &Scope) {
    assert_eq!(store.checkpoint(scope, "").unwrap(), None);
    assert_eq!(store.lanes(scope).unwrap(), Vec::<String>::new());
    assert_eq!(store.caution(scope).unwrap(), None);
    assert_eq!(store.bound(scope).unwrap(), None);
    assert_eq!(store.schedule(scope).unwrap(), None);
    assert_eq!(store.open_intents(scope).unwrap(), []);
    assert_eq!(
        store.ledger(scope, &keys(&["a", "b"])).unwrap(),
        [None, None]
    );
    assert_eq!(store.dead_letters(scope).unwrap(), []);
    assert_eq!(store.holds(scope).unwrap(), []);
    assert_eq!(store.owed(scope).unwrap(), []);
    assert_eq!(store.runs(scope, 10).unwrap(), []);
    assert_eq!(store.groups(scope).unwrap(), []);
    assert_eq!(store.members(scope, &group("a", 1).place).unwrap(), []);
}

pub(super) async fn a_new_scope_holds_nothing(store: &dyn Store) {
    check_empty(store, &Scope::from("never claimed"));
    assert_eq!(store.scopes().unwrap(), []);
    let claim = claim(store, "claimed").await;
    check_empty(store, &claim.scope);
    assert_eq!(store.scopes().unwrap(), [claim.scope]);
}

pub(super) async fn what_was_committed_is_read_back(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    let segment = store.append_segment(&claim, b"{}\n").await.unwrap();
    let intent = intent(store.next_intent_id(), segment);
    let changes = vec![
        Change::Intent(intent.clone()),
        Change::Ledger(ledger_row("a", 1)),
        Change::DeadLetter(dead_letter("b", "main", b"{\"qty\":0.0000}")),
        Change::Hold(hold("c", "main", b"{}")),
        Change::Checkpoint(checkpoint(7)),
        Change::Run(run_row("run-1", RunState::Failed("no answer".to_owned()))),
    ];
    commit(store, &claim, changes).await;
    let scope = &claim.scope;
    assert_eq!(store.open_intents(scope).unwrap(), [intent]);
    assert_eq!(row(store, &claim, "a"), Some(ledger_row("a", 1)));
    let letters = store.dead_letters(scope).unwrap();
    assert_eq!(letters, [dead_letter("b", "main", b"{\"qty\":0.0000}")]);
    assert_eq!(store.holds(scope).unwrap(), [hold("c", "main", b"{}")]);
    assert_eq!(store.checkpoint(scope, "").unwrap(), Some(checkpoint(7)));
    let run = run_row("run-1", RunState::Failed("no answer".to_owned()));
    assert_eq!(store.run(scope, &run.run).unwrap().as_ref(), Some(&run));
    assert_eq!(store.runs(scope, 10).unwrap(), [run]);
}

pub(super) async fn scopes_are_kept_apart(store: &dyn Store) {
    let left = claim(store, "left").await;
    let right = claim(store, "right").await;
    let changes = |number| {
        vec![
            Change::Checkpoint(checkpoint(number)),
            Change::Ledger(ledger_row("same", number)),
        ]
    };
    commit(store, &left, changes(1)).await;
    commit(store, &right, changes(2)).await;
    assert_eq!(
        store.checkpoint(&left.scope, "").unwrap(),
        Some(checkpoint(1))
    );
    assert_eq!(
        store.checkpoint(&right.scope, "").unwrap(),
        Some(checkpoint(2))
    );
    assert_eq!(row(store, &left, "same"), Some(ledger_row("same", 1)));
    assert_eq!(row(store, &right, "same"), Some(ledger_row("same", 2)));
    assert_eq!(store.scopes().unwrap(), [left.scope, right.scope]);
}

pub(super) async fn a_later_claim_shuts_the_earlier_one_out(store: &dyn Store) {
    let earlier = claim(store, "orders").await;
    let other = claim(store, "other").await;
    let later = claim(store, "orders").await;
    assert!(later.epoch > earlier.epoch);
    let change = vec![Change::Checkpoint(checkpoint(1))];
    let refused = store.commit(&earlier, change.clone()).await.unwrap_err();
    assert!(matches!(refused, Error::ClaimLost { held, current, .. }
        if held == earlier.epoch && current == later.epoch));
    assert!(refused.to_string().contains("`orders`"));
    commit(store, &later, change.clone()).await;
    commit(store, &other, change).await;
}

pub(super) async fn a_scope_that_was_never_claimed_takes_no_commit(store: &dyn Store) {
    let forged = Claim {
        scope: Scope::from("orders"),
        epoch: 1,
    };
    let refused = store.commit(&forged, vec![]).await.unwrap_err();
    assert!(matches!(refused, Error::ClaimLost { current: 0, .. }));
    assert_eq!(store.scopes().unwrap(), []);
}

pub(super) async fn a_refused_commit_changes_nothing(store: &dyn Store) {
    let earlier = claim(store, "orders").await;
    let (kept, _) = open_intent(store, &earlier, b"{}").await;
    claim(store, "orders").await;
    let changes = vec![
        Change::Settle(kept),
        Change::Ledger(ledger_row("a", 1)),
        Change::Checkpoint(checkpoint(1)),
    ];
    store.commit(&earlier, changes).await.unwrap_err();
    assert_eq!(store.open_intents(&earlier.scope).unwrap().len(), 1);
    assert_eq!(row(store, &earlier, "a"), None);
    assert_eq!(store.checkpoint(&earlier.scope, "").unwrap(), None);
}

pub(super) async fn later_changes_of_a_commit_win(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    let segment = store.append_segment(&claim, b"{}").await.unwrap();
    let id = store.next_intent_id();
    let changes = vec![
        Change::Checkpoint(checkpoint(1)),
        Change::Checkpoint(checkpoint(2)),
        Change::Ledger(ledger_row("a", 1)),
        Change::Ledger(ledger_row("a", 2)),
        Change::Intent(intent(id, segment)),
        Change::Settle(id),
    ];
    commit(store, &claim, changes).await;
    assert_eq!(
        store.checkpoint(&claim.scope, "").unwrap(),
        Some(checkpoint(2))
    );
    assert_eq!(row(store, &claim, "a"), Some(ledger_row("a", 2)));
    assert_eq!(store.open_intents(&claim.scope).unwrap(), []);
}

pub(super) async fn settled_intents_are_gone(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    let (first, _) = open_intent(store, &claim, b"1").await;
    let (second, _) = open_intent(store, &claim, b"2").await;
    commit(store, &claim, vec![Change::Settle(first)]).await;
    let open = store.open_intents(&claim.scope).unwrap();
    assert_eq!(
        open.iter().map(|intent| intent.id).collect::<Vec<_>>(),
        [second]
    );
    commit(
        store,
        &claim,
        vec![Change::Settle(first), Change::Settle(second)],
    )
    .await;
    assert_eq!(store.open_intents(&claim.scope).unwrap(), []);
}

pub(super) async fn open_intents_come_oldest_first(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    let mut given = Vec::new();
    for _ in 0..300 {
        given.push(open_intent(store, &claim, b"{}").await.0);
    }
    let open = store.open_intents(&claim.scope).unwrap();
    assert_eq!(
        open.iter().map(|intent| intent.id).collect::<Vec<_>>(),
        given
    );
}

pub(super) async fn intent_ids_are_never_given_twice(store: &dyn Store) {
    let first = store.next_intent_id();
    let second = store.next_intent_id();
    assert!(second > first);
}

pub(super) async fn segments_are_read_back_until_settled(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    let (first, one) = open_intent(store, &claim, b"{\"a\":1}\n").await;
    let (_, two) = open_intent(store, &claim, b"").await;
    assert_eq!(
        store.read_segment(&claim.scope, &one).unwrap(),
        b"{\"a\":1}\n"
    );
    commit(store, &claim, vec![Change::Settle(first)]).await;
    assert_eq!(store.read_segment(&claim.scope, &two).unwrap(), b"");
}

pub(super) async fn a_segment_that_two_intents_name_stays_for_the_second(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    let (first, segment) = open_intent(store, &claim, b"{}").await;
    let again = Change::Intent(intent(store.next_intent_id(), segment.clone()));
    commit(store, &claim, vec![Change::Settle(first), again]).await;
    assert_eq!(store.read_segment(&claim.scope, &segment).unwrap(), b"{}");
}

pub(super) async fn a_wrong_checksum_is_damage(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    let (_, segment) = open_intent(store, &claim, b"{\"a\":1}\n").await;
    let wrong = SegmentRef {
        crc: !segment.crc,
        ..segment
    };
    let error = store.read_segment(&claim.scope, &wrong).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

pub(super) async fn the_ledger_answers_in_the_order_asked(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    let names: Vec<_> = (0..500).map(|number| format!("key-{number}")).collect();
    for page in names.chunks(100) {
        let rows = page.iter().map(|key| Change::Ledger(ledger_row(key, 1)));
        commit(store, &claim, rows.collect()).await;
    }
    let asked: Vec<_> = (0..600)
        .map(|number| SourceKey(format!("key-{}", (number * 7) % 600)))
        .collect();
    let found = store.ledger(&claim.scope, &asked).unwrap();
    for (key, row) in asked.iter().zip(found) {
        let written = names.contains(&key.0).then(|| ledger_row(key.as_str(), 1));
        assert_eq!(row, written);
    }
}

pub(super) async fn the_newest_row_of_a_key_wins(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    for round in 0..20 {
        let rows = (0..50).filter(|number| (number + round) % 3 != 0);
        let rows = rows.map(|number| ledger_row(&format!("key-{number}"), round));
        commit(store, &claim, rows.map(Change::Ledger).collect()).await;
    }
    for number in 0..50 {
        let newest = (0..20)
            .rev()
            .find(|round| (number + round) % 3 != 0)
            .unwrap();
        let key = format!("key-{number}");
        assert_eq!(row(store, &claim, &key), Some(ledger_row(&key, newest)));
    }
}

pub(super) async fn long_values_are_read_back_and_replaced_by_short_ones(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    for length in [1_000_000, 4095, 4096, 4097, 100_000, 3] {
        let payload: Vec<u8> = (0..length).map(|number| (number % 251) as u8).collect();
        let mut row = ledger_row("a", length);
        row.documents[0].part = "p".repeat(length as usize / 10);
        let changes = vec![
            Change::DeadLetter(dead_letter("a", "main", &payload)),
            Change::DeadLetter(dead_letter("b", "main", b"after it")),
            Change::Ledger(row.clone()),
        ];
        commit(store, &claim, changes).await;
        let letters = store.dead_letters(&claim.scope).unwrap();
        let expected = [
            dead_letter("a", "main", &payload),
            dead_letter("b", "main", b"after it"),
        ];
        assert!(letters == expected, "payload of {length} bytes");
        assert_eq!(self::row(store, &claim, "a"), Some(row));
    }
}

pub(super) async fn dead_letters_and_holds_are_replaced_by_key_and_part(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    for payload in [b"1", b"2"] {
        let mut changes = Vec::new();
        for (key, part) in [("b", "main"), ("a", "main"), ("a", "gifts")] {
            changes.push(Change::DeadLetter(dead_letter(key, part, payload)));
            changes.push(Change::Hold(hold(key, part, payload)));
        }
        commit(store, &claim, changes).await;
    }
    let order = [("a", "gifts"), ("a", "main"), ("b", "main")];
    let letters = order.map(|(key, part)| dead_letter(key, part, b"2"));
    assert_eq!(store.dead_letters(&claim.scope).unwrap(), letters);
    let holds = order.map(|(key, part)| hold(key, part, b"2"));
    assert_eq!(store.holds(&claim.scope).unwrap(), holds);
}

pub(super) async fn a_released_hold_and_dead_letter_are_gone(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    let mut changes = Vec::new();
    for part in ["main", "gifts"] {
        changes.push(Change::Hold(hold("a", part, &[0; 9000])));
        changes.push(Change::DeadLetter(dead_letter("a", part, &[0; 9000])));
    }
    commit(store, &claim, changes).await;
    let release = Change::Release {
        source_key: SourceKey::from("a"),
        part: "main".to_owned(),
    };
    commit(store, &claim, vec![release.clone()]).await;
    let holds = store.holds(&claim.scope).unwrap();
    assert_eq!(holds, [hold("a", "gifts", &[0; 9000])]);
    let letters = store.dead_letters(&claim.scope).unwrap();
    assert_eq!(letters, [dead_letter("a", "gifts", &[0; 9000])]);
    // What is not there is let go as well, and a later one of the commit stays.
    let again = Change::DeadLetter(dead_letter("a", "main", b"again"));
    commit(store, &claim, vec![release, again]).await;
    assert_eq!(store.dead_letters(&claim.scope).unwrap().len(), 2);
    assert_eq!(store.holds(&claim.scope).unwrap(), holds);
}

pub(super) async fn a_reset_checkpoint_is_gone_and_the_ledger_stays(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    let changes = vec![
        Change::Checkpoint(checkpoint(1)),
        Change::Ledger(ledger_row("a", 1)),
    ];
    commit(store, &claim, changes).await;
    commit(
        store,
        &claim,
        vec![Change::ResetCheckpoint {
            lane: String::new(),
        }],
    )
    .await;
    assert_eq!(store.checkpoint(&claim.scope, "").unwrap(), None);
    assert_eq!(row(store, &claim, "a"), Some(ledger_row("a", 1)));
}

pub(super) async fn runs_come_newest_first(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    for run in ["run-2", "run-1", "run-3"] {
        commit(
            store,
            &claim,
            vec![Change::Run(run_row(run, RunState::Running))],
        )
        .await;
    }
    let ended = run_row("run-2", RunState::Failed("x".repeat(9000)));
    commit(store, &claim, vec![Change::Run(ended.clone())]).await;
    let runs = store.runs(&claim.scope, 2).unwrap();
    assert_eq!(runs, [run_row("run-3", RunState::Running), ended]);
    assert_eq!(store.runs(&claim.scope, 10).unwrap().len(), 3);
}

pub(super) async fn odd_scopes_and_keys_do_not_meet(store: &dyn Store) {
    let names = ["", "a", "a\0", "a\0\u{1}", "a\u{1}", "a\0b", "订单"];
    for (number, scope) in names.iter().enumerate() {
        let claim = claim(store, scope).await;
        let number = number as u64;
        let mut changes = vec![Change::Checkpoint(checkpoint(number))];
        for key in names {
            changes.push(Change::Hold(hold(key, scope, scope.as_bytes())));
            changes.push(Change::Ledger(ledger_row(key, number)));
        }
        commit(store, &claim, changes).await;
    }
    for (number, scope) in names.iter().enumerate() {
        let scope = Scope::from(*scope);
        let number = number as u64;
        assert_eq!(
            store.checkpoint(&scope, "").unwrap(),
            Some(checkpoint(number))
        );
        let mut sorted = names;
        sorted.sort_unstable();
        let held = sorted.map(|key| hold(key, scope.as_str(), scope.as_str().as_bytes()));
        assert_eq!(store.holds(&scope).unwrap(), held);
        let rows = store.ledger(&scope, &keys(&names)).unwrap();
        let expected = names.map(|key| Some(ledger_row(key, number)));
        assert_eq!(rows, expected);
    }
}
