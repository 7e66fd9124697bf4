//! What must hold once a run has finished.

use std::collections::BTreeMap;

use duijie_plan::{OnChange, Plan};
use duijie_record::{SourceKey, Version};
use duijie_store::{DocumentState, Hold, Store};

use super::store::Slow;
use super::world::{Fate, Ground, Written};

/// Every document of the source is where it belongs; panics with what is not.
pub(crate) fn check(store: &Slow, plan: &Plan, may_hold: bool) {
    let ground = store.world.ground();
    assert_eq!(ground.wrongs, Vec::<String>::new());
    assert!(ground.pending.is_empty(), "something is still on its way");
    let open = store.open_intents(&plan.scope).unwrap();
    assert!(open.is_empty(), "open intents: {open:?}");
    for (number, standing) in &ground.target {
        assert!(standing.len() <= 1, "{number} stands twice");
    }
    let holds = store.holds(&plan.scope).unwrap();
    assert!(may_hold || holds.is_empty(), "held: {holds:?}");
    let mut newest: BTreeMap<&str, &Written> = BTreeMap::new();
    for written in &ground.source {
        let best = newest.entry(&written.key).or_insert(written);
        if written.version > best.version {
            *best = written;
        }
    }
    for written in newest.into_values() {
        record(store, plan, &ground, written);
    }
}

fn record(store: &Slow, plan: &Plan, ground: &Ground, written: &Written) {
    let on_change = plan.policy.on_change;
    let holds = store.holds(&plan.scope).unwrap();
    let letters = store.dead_letters(&plan.scope).unwrap();
    let key = SourceKey(written.key.clone());
    let is_dead = || letters.iter().any(|letter| letter.source_key == key);
    let rows = store.ledger(&plan.scope, std::slice::from_ref(&key));
    let row = rows.unwrap().remove(0);
    let row = row.unwrap_or_else(|| panic!("no row for {written:?}"));
    assert_eq!(row.version, Some(Version(written.version())));
    let standing = |number: &str| ground.target.get(number).and_then(|found| found.first());
    if written.fate == Fate::Delete && standing(&written.key).is_some() {
        let held = holds.iter().any(|hold| hold.source_key == key);
        assert!(held || on_change == OnChange::Ignore, "{written:?}");
    }
    assert!(written.fate != Fate::Reject || is_dead(), "{written:?}");
    for row in &row.documents {
        let taken = ground
            .taken
            .get(row.target_key.as_str())
            .map_or(0, Vec::len);
        let all = plan.target.steps.len();
        let missing = row.state == DocumentState::Applied && taken < all;
        assert!(!missing, "{row:?} took {taken} steps of {all}");
    }
    for (part, number, content) in written.documents() {
        let document = row.documents.iter().find(|document| document.part == part);
        let document = document.unwrap_or_else(|| panic!("no document {part} of {written:?}"));
        let standing = standing(&number).map(|standing| standing.content.as_str());
        match &document.state {
            DocumentState::Applied if on_change == OnChange::Ignore => {
                assert!(standing.is_some(), "{written:?} is not there");
            }
            DocumentState::Applied => assert_eq!(standing, Some(content.as_str())),
            DocumentState::Rejected => {
                assert!(written.fate == Fate::Poison && is_dead(), "{written:?}");
            }
            DocumentState::Cancelled | DocumentState::Discarded | DocumentState::Grouped => {
                panic!("{written:?} is {:?}", document.state);
            }
            DocumentState::Held(_) => held(&holds, &key, &part, &content),
        }
    }
}

/// What a person decides about is the newest document.
fn held(holds: &[Hold], key: &SourceKey, part: &str, content: &str) {
    let mut holds = holds.iter();
    let hold = holds.find(|hold| hold.source_key == *key && hold.part == part);
    let hold = hold.unwrap_or_else(|| panic!("no hold for {key}"));
    assert_eq!(String::from_utf8_lossy(&hold.document), content);
}
