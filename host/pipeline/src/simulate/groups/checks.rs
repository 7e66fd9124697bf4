//! What must hold of groups: every record in one document, in its newest
//! version, or waiting for a person; and every sum right.

use std::collections::{BTreeMap, BTreeSet};

use duijie_plan::Late;
use duijie_record::SourceKey;
use duijie_store::{DocumentState, HoldKind, Store};
use serde_json::Value;

use crate::Options;
use crate::simulate::store::Slow;
use crate::simulate::world::{Fate, Standing, Written};

fn newest(written: &[Written]) -> BTreeMap<String, Written> {
    let mut newest: BTreeMap<String, Written> = BTreeMap::new();
    for one in written {
        let known = newest.entry(one.key.clone()).or_insert_with(|| one.clone());
        if known.version < one.version {
            *known = one.clone();
        }
    }
    newest
}

/// The version of each record that a document or a group's record holds.
fn contents(standing: &Standing) -> BTreeMap<String, u64> {
    let document: Value = serde_json::from_str(&standing.content).unwrap();
    let nos = document["nos"].as_object().unwrap().iter();
    let nos: BTreeMap<String, u64> = nos
        .map(|(no, version)| (no.clone(), version.as_u64().unwrap()))
        .collect();
    assert_eq!(document["sum"], nos.values().sum::<u64>(), "{document}");
    assert_eq!(document["members"], nos.len() as u64, "{document}");
    nos
}

pub(super) fn check(store: &Slow, options: &Options) {
    let scope = &options.plan.scope;
    let ground = store.world.ground();
    assert_eq!(ground.wrongs, Vec::<String>::new());
    let memory = &store.memory;
    assert_eq!(memory.open_intents(scope).unwrap(), []);
    let mut sent: BTreeMap<String, u64> = BTreeMap::new();
    for (number, standing) in &ground.target {
        assert_eq!(standing.len(), 1, "{number}");
        for (no, version) in contents(&standing[0]) {
            let twice = sent.insert(no.clone(), version);
            assert_eq!(twice, None, "{no} is in two documents");
        }
    }
    let mut refused: BTreeMap<String, u64> = BTreeMap::new();
    for letter in memory.dead_letters(scope).unwrap() {
        let record: Value = serde_json::from_slice(&letter.record).unwrap();
        for row in record["rows"].as_array().unwrap() {
            let no = row["no"].as_str().unwrap().to_owned();
            let twice = refused.insert(no.clone(), row["v"].as_u64().unwrap());
            assert_eq!(twice, None, "{no} is in two dead letters");
            assert!(!sent.contains_key(&no), "{no} was sent and refused");
        }
    }
    let holds = memory.holds(scope).unwrap().into_iter();
    let holds: BTreeMap<SourceKey, _> = holds
        .filter(|hold| hold.kind == HoldKind::Late)
        .map(|hold| (hold.source_key.clone(), hold))
        .collect();
    for (key, written) in newest(&ground.source) {
        let key = SourceKey(key);
        let row = memory.ledger(scope, std::slice::from_ref(&key)).unwrap();
        let row = row.into_iter().flatten().next();
        let row = row.unwrap_or_else(|| panic!("{key} is lost"));
        assert_eq!(row.version.unwrap().0, written.version(), "{key}");
        let version = u64::from(written.version);
        let stands = sent.get(&key.0).or(refused.get(&key.0)).copied();
        match row.documents.first().map(|document| &document.state) {
            None => {
                assert_eq!(written.fate, Fate::Delete, "{key}");
                assert_eq!(stands, None, "{key} is gone");
            }
            Some(DocumentState::Grouped) => assert_eq!(stands, Some(version), "{key}"),
            Some(DocumentState::Held(_)) => {
                let hold = &holds[&key];
                let record = String::from_utf8_lossy(&hold.record);
                assert_eq!(record, written.line(), "{key}");
                let changed = hold.target_id.is_some();
                assert_eq!(stands.is_some(), changed, "{key} {hold:?}");
                assert!(stands.is_none_or(|stands| stands < version), "{key}");
                let late = options.plan.group.as_ref().unwrap().late;
                assert!(changed || late == Late::Hold, "{key} {hold:?}");
            }
            Some(other) => panic!("{key} is {other:?}"),
        }
    }
}

/// Only what waits for a person is kept of what was sent.
pub(super) fn left_over(store: &Slow) {
    let scope = "orders".into();
    let letters = store.memory.dead_letters(&scope).unwrap();
    let waits: BTreeSet<SourceKey> = letters.into_iter().map(|one| one.source_key).collect();
    for group in store.memory.groups(&scope).unwrap() {
        let key = crate::group::source_key(&group.place);
        let members = store.memory.members(&scope, &group.place).unwrap();
        assert!(members.is_empty() || waits.contains(&key), "{group:?}");
        assert_eq!(group.members as usize, members.len(), "{group:?}");
    }
}
