//! Properties of groups and their members. Each begins with an empty store.

use super::property::{claim, commit};
use super::{dead_letter, group, member};
use crate::{Change, Claim, Group, GroupState, Member, Store};

fn members(store: &dyn Store, claim: &Claim, name: &str, part: u32) -> Vec<Member> {
    let place = group(name, part).place;
    store.members(&claim.scope, &place).unwrap()
}

pub(crate) async fn members_come_in_their_order_and_are_replaced_by_key(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    let letter = dead_letter("b", "main", b"{}");
    for round in 0..3 {
        let keys = ["c", "a", "b"].into_iter().enumerate();
        let joins =
            keys.map(|(at, key)| Change::Member(member("W01", 1, key, 10 * round + at as u64)));
        let mut changes: Vec<Change> = joins.collect();
        changes.push(Change::Member(member("W01", 2, "a", round)));
        changes.push(Change::Group(Group {
            order: round,
            ..group("W01", 1)
        }));
        changes.push(Change::DeadLetter(letter.clone()));
        commit(store, &claim, changes).await;
    }
    let ordered = [("c", 20), ("a", 21), ("b", 22)];
    let ordered = ordered.map(|(key, order)| member("W01", 1, key, order));
    assert_eq!(members(store, &claim, "W01", 1), ordered);
    assert_eq!(members(store, &claim, "W01", 2), [member("W01", 2, "a", 2)]);
    let last = Group {
        order: 2,
        ..group("W01", 1)
    };
    assert_eq!(store.groups(&claim.scope).unwrap(), [last]);
    assert_eq!(store.dead_letters(&claim.scope).unwrap(), [letter]);
}

pub(crate) async fn members_of_odd_groups_do_not_meet(store: &dyn Store) {
    let names = ["", "a", "a\0", "a\0\u{1}", "a\u{1}", "a|b", "订单"];
    let claims = [claim(store, "a").await, claim(store, "a\0").await];
    for (claim, order) in claims.iter().zip(1..) {
        for name in names {
            let changes = vec![
                Change::Group(group(name, 1)),
                Change::Group(group(name, 256)),
                Change::Member(member(name, 1, name, order)),
                Change::Member(member(name, 256, "x", order)),
            ];
            commit(store, claim, changes).await;
        }
    }
    for (claim, order) in claims.iter().zip(1..) {
        for name in names {
            let one = members(store, claim, name, 1);
            assert_eq!(one, [member(name, 1, name, order)]);
            let other = members(store, claim, name, 256);
            assert_eq!(other, [member(name, 256, "x", order)]);
            assert_eq!(members(store, claim, name, 2), []);
        }
        let mut sorted = names;
        sorted.sort_unstable();
        let places = sorted
            .iter()
            .flat_map(|name| [group(name, 1), group(name, 256)]);
        let found = store.groups(&claim.scope).unwrap();
        assert_eq!(found, places.collect::<Vec<_>>());
    }
}

pub(crate) async fn what_left_and_what_was_dissolved_is_gone(store: &dyn Store) {
    let claim = claim(store, "orders").await;
    let open = Group {
        state: GroupState::Open,
        ..group("W01", 1)
    };
    let leave = |key: &str| Change::Leave {
        place: open.place.clone(),
        source_key: key.into(),
    };
    let changes = vec![
        Change::Group(open.clone()),
        Change::Member(member("W01", 1, "a", 1)),
        Change::Member(member("W01", 1, "b", 2)),
    ];
    commit(store, &claim, changes).await;
    commit(store, &claim, vec![leave("a")]).await;
    assert_eq!(members(store, &claim, "W01", 1), [member("W01", 1, "b", 2)]);
    let gone = vec![leave("b"), Change::Dissolve(open.place.clone())];
    commit(store, &claim, gone).await;
    assert_eq!(members(store, &claim, "W01", 1), []);
    assert_eq!(store.groups(&claim.scope).unwrap(), []);
}
