//! What must hold once a run has finished.

use std::collections::BTreeMap;

use duijie_plan::{OnChange, Plan};
use duijie_record::SourceKey;
use duijie_store::{DocumentState, Hold, Store};

use super::store::Slow;
use super::world::{Fate, Written};

/// Every document of the source is where it belongs; panics with what is not.
pub(crate) fn check(store: &Slow, plan: &Plan) {
    let ground = store.world.ground();
    assert_eq!(ground.wrongs, Vec::<String>::new());
    assert!(ground.pending.is_empty(), "something is still on its way");
    let open = store.open_intents(&plan.scope).unwrap();
    assert!(open.is_empty(), "open intents: {open:?}");
    for (number, standing) in &ground.target {
        assert!(standing.len() <= 1, "{number} stands twice");
    }
    let holds = store.holds(&plan.scope).unwrap();
    let mut newest: BTreeMap<&str, &Written> = BTreeMap::new();
    for written in &ground.source {
        let held = newest.entry(&written.key).or_insert(written);
        if written.version > held.version {
            *held = written;
        }
    }
    let letters = store.dead_letters(&plan.scope).unwrap();
    for written in newest.into_values() {
        let key = SourceKey(written.key.clone());
        let row = store.ledger(&plan.scope, std::slice::from_ref(&key)).unwrap().remove(0);
        let row = row.unwrap_or_else(|| panic!("no row for {written:?}"));
        assert_eq!(row.version.as_ref().map(|version| version.0.clone()), Some(written.version()));
        if written.fate == Fate::Delete {
            let standing = ground.target.get(&written.key).is_some_and(|found| !found.is_empty());
            let held = holds.iter().any(|hold| hold.source_key == key);
            assert!(!standing || held || plan.policy.on_change == OnChange::Ignore, "{written:?}");
        }
        if written.fate == Fate::Reject {
            assert!(letters.iter().any(|letter| letter.source_key == key), "{written:?}");
        }
        for (part, number, content) in written.documents() {
            let document = row.documents.iter().find(|document| document.part == part);
            let document = document.unwrap_or_else(|| panic!("no document {part} of {written:?}"));
            let standing = ground.target.get(&number).and_then(|found| found.first());
            let standing = standing.map(|standing| standing.content.as_str());
            match &document.state {
                DocumentState::Applied if plan.policy.on_change == OnChange::Ignore => {
                    assert!(standing.is_some(), "{written:?} is not there");
                }
                DocumentState::Applied => assert_eq!(standing, Some(content.as_str())),
                DocumentState::Rejected => {
                    assert!(written.fate == Fate::Poison, "{written:?} was rejected");
                    assert!(letters.iter().any(|letter| letter.source_key == key));
                }
                DocumentState::Held(_) => held(&holds, &key, &part, &content),
            }
        }
    }
}

/// What a person decides about is the newest document.
fn held(holds: &[Hold], key: &SourceKey, part: &str, content: &str) {
    let hold = holds.iter().find(|hold| hold.source_key == *key && hold.part == part);
    let hold = hold.unwrap_or_else(|| panic!("no hold for {key}"));
    assert_eq!(String::from_utf8_lossy(&hold.payload), content, "{}", hold.reason);
}
