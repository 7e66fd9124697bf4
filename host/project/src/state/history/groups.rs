//! Records that went to the target together: each is found with the others.

use std::collections::BTreeSet;

use duijie_record::{Scope, SourceKey};
use duijie_store::{DocumentRow, DocumentState, Error, LedgerRow, Store};

/// The source key of the record that this one is part of.
fn group(row: &LedgerRow) -> Option<SourceKey> {
    let mut documents = row.documents.iter();
    let grouped = documents.find(|document| document.state == DocumentState::Grouped)?;
    Some(SourceKey(grouped.target_key.0.clone()))
}

/// Adds the groups of records that were found, and leaves the members of a
/// group out where it is asked for by its own name.
pub(super) fn complete(
    store: &dyn Store,
    number: &str,
    rows: &mut Vec<(Scope, LedgerRow)>,
) -> Result<(), Error> {
    rows.retain(|(_, row)| group(row).is_none_or(|group| group.as_str() != number));
    let groups: BTreeSet<(String, SourceKey)> = rows
        .iter()
        .filter_map(|(scope, row)| Some((scope.0.clone(), group(row)?)))
        .collect();
    for (scope, group) in groups {
        let scope = Scope(scope);
        let found = store.ledger(&scope, std::slice::from_ref(&group))?;
        let found = found.into_iter().flatten();
        rows.extend(found.map(|row| (scope.clone(), row)));
    }
    Ok(())
}

/// Source keys of the records that went with this one.
pub(super) fn members(
    store: &dyn Store,
    scope: &Scope,
    row: &LedgerRow,
) -> Result<Vec<String>, Error> {
    let found = store.find(row.source_key.as_str())?.into_iter();
    let of_group =
        found.filter(|(of, member)| of == scope && group(member).as_ref() == Some(&row.source_key));
    let mut members: Vec<String> = of_group.map(|(_, member)| member.source_key.0).collect();
    members.sort_unstable();
    Ok(members)
}

/// What became of the group so far.
pub(super) fn told(
    store: &dyn Store,
    scope: &Scope,
    document: &DocumentRow,
) -> Result<String, Error> {
    let group = SourceKey(document.target_key.0.clone());
    let rows = store.ledger(scope, std::slice::from_ref(&group))?;
    Ok(match rows.into_iter().flatten().next() {
        Some(_) => format!("went with `{group}`"),
        None => format!("waits in `{group}`"),
    })
}
