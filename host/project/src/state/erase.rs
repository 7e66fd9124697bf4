//! What a record held is taken away, by a number of it; that it was dealt with
//! stays known, so that nothing is sent again.

use std::collections::BTreeSet;

use duijie_admin::Erased;
use duijie_pipeline::{Clock as _, Decision, SystemClock};
use duijie_record::{Scope, SourceKey};
use duijie_store::{DocumentState, Embedded, Store};

use crate::Error;

/// Where a record is looked for.
pub struct Place<'a> {
    pub whole: &'a Embedded,
    /// The scope as the whole store knows it.
    pub outer: Scope,
    /// The store, or the tenant's part of it.
    pub store: &'a dyn Store,
    /// The scope as that part knows it.
    pub scope: Scope,
}

/// No run of the scope may be under way. What waits of the record is decided
/// not to be sent.
pub async fn erase(place: &Place<'_>, number: &str) -> Result<Erased, Error> {
    let keys = keys(place, number)?;
    if keys.is_empty() {
        return Err(Error::Refused(format!(
            "nothing is known of `{number}` in `{}`: name a source key, a target key or an id of \
             the target",
            place.scope
        )));
    }
    check_still(place, &keys)?;
    let claim = place.store.claim(&place.scope).await?;
    let mut items: BTreeSet<(SourceKey, String)> = BTreeSet::new();
    let letters = place.store.dead_letters(&place.scope)?.into_iter();
    items.extend(letters.map(|letter| (letter.source_key, letter.part)));
    let holds = place.store.holds(&place.scope)?.into_iter();
    items.extend(holds.map(|hold| (hold.source_key, hold.part)));
    items.retain(|(source_key, _)| keys.contains(source_key));
    let items: Vec<_> = items.into_iter().collect();
    if !items.is_empty() {
        let now_ms = SystemClock.now_ms();
        let discard = Decision::Discard;
        let decided = duijie_pipeline::decide(place.store, &claim, now_ms, &items, &discard).await;
        decided.map_err(|error| Error::Refused(error.to_string()))?;
    }
    let keys: Vec<SourceKey> = keys.into_iter().collect();
    let lines = place.whole.erase(&place.outer, &keys).await?;
    Ok(Erased {
        records: keys.into_iter().map(|key| key.0).collect(),
        lines,
        discarded: items.len() as u64,
    })
}

/// Source keys of the records that the number names, and those of the groups
/// that they are part of.
fn keys(place: &Place<'_>, number: &str) -> Result<BTreeSet<SourceKey>, Error> {
    let mut keys = BTreeSet::new();
    for (scope, row) in place.store.find(number)? {
        if scope == place.scope {
            let documents = row.documents.into_iter();
            let groups = documents.filter(|one| one.state == DocumentState::Grouped);
            keys.extend(groups.map(|one| SourceKey(one.target_key.0)));
            keys.insert(row.source_key);
        }
    }
    for letter in place.store.dead_letters(&place.scope)? {
        let target = letter.target_key.as_ref().map(|key| key.as_str());
        if letter.source_key.as_str() == number || target == Some(number) {
            keys.insert(letter.source_key);
        }
    }
    Ok(keys)
}

/// Refuses where what it held is still needed.
fn check_still(place: &Place<'_>, keys: &BTreeSet<SourceKey>) -> Result<(), Error> {
    let intents = place.store.open_intents(&place.scope)?.into_iter();
    let mut entries = intents.flat_map(|intent| intent.entries);
    if let Some(entry) = entries.find(|entry| keys.contains(&entry.source_key)) {
        return Err(Error::Refused(format!(
            "`{}` is on its way and its outcome is not known: run its pipeline first",
            entry.source_key
        )));
    }
    for group in place.store.groups(&place.scope)? {
        let members = place.store.members(&place.scope, &group.place)?.into_iter();
        let mut members = members.filter(|member| keys.contains(&member.source_key));
        if let Some(member) = members.next() {
            return Err(Error::Refused(format!(
                "`{}` waits in the group `{}`, which is not sent yet",
                member.source_key, group.place.group
            )));
        }
    }
    Ok(())
}
