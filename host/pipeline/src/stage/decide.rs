//! What is to be done with a record or document, given what the ledger knows.
//! Pure: no store, no clock, no connector.

use duijie_plan::OnChange;
use duijie_record::{Action, Change, SourceKey, TargetKey, Version};
use duijie_store::{DocumentRow, DocumentState, Fingerprint};

/// What the ledger, or what is on its way, says of a record that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Unchanged,
    /// Older than what was dealt with.
    Stale,
    Newer,
}

/// What to do with one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    Send {
        action: Action,
        known_id: Option<String>,
    },
    /// As it was before.
    Keep(DocumentRow),
    Hold(String),
    /// It was only ever refused, and no version makes it any more.
    Forget,
}

/// The fingerprint of a record. A deletion differs from an upsert of the same
/// line.
pub(crate) fn print(line: &[u8], change: Change) -> Fingerprint {
    let Fingerprint(bits) = Fingerprint::of(line);
    match change {
        Change::Upsert => Fingerprint(bits),
        Change::Delete => Fingerprint(!bits),
    }
}

/// A deletion is newer than an upsert of the same version; anything else of
/// the same version has been dealt with.
pub(crate) fn fate(
    known: (Option<&Version>, Fingerprint),
    read: (Option<&Version>, Fingerprint),
    change: Change,
) -> Fate {
    if known.1 == read.1 {
        return Fate::Unchanged;
    }
    match (known.0, read.0) {
        (Some(known), Some(read)) if read < known => Fate::Stale,
        (Some(known), Some(read)) if read == known && change == Change::Upsert => Fate::Unchanged,
        _ => Fate::Newer,
    }
}

/// A document of a newer version of its record. `earlier` is the ledger's row
/// of the same part, `partial` whether that row was left behind half done.
pub(crate) fn document(
    earlier: Option<&DocumentRow>,
    partial: bool,
    target_key: &TargetKey,
    print: Fingerprint,
    on_change: OnChange,
) -> Decision {
    let create = Decision::Send {
        action: Action::Create,
        known_id: None,
    };
    let Some(earlier) = earlier else {
        return create;
    };
    let stands = match &earlier.state {
        DocumentState::Applied => true,
        DocumentState::Rejected if earlier.mapped_print == print && partial => true,
        DocumentState::Rejected if earlier.target_id.is_none() => return create,
        DocumentState::Rejected => false,
        DocumentState::Held(_) if earlier.mapped_print == print => true,
        // Held stays held, with the newest document: a person decides about
        // what is there now, not about what was.
        DocumentState::Held(reason) => return Decision::Hold(reason.clone()),
    };
    if stands && earlier.mapped_print == print {
        return Decision::Keep(earlier.clone());
    }
    if earlier.target_key != *target_key {
        return Decision::Hold(format!(
            "its number was `{}` and is now `{target_key}`",
            earlier.target_key
        ));
    }
    changed(earlier, on_change, Action::Update)
}

/// A document that was applied and whose record is now deleted.
pub(crate) fn deleted(earlier: &DocumentRow, on_change: OnChange) -> Decision {
    match &earlier.state {
        DocumentState::Applied => changed(earlier, on_change, Action::Cancel),
        DocumentState::Rejected if earlier.target_id.is_some() => {
            changed(earlier, on_change, Action::Cancel)
        }
        DocumentState::Rejected => Decision::Forget,
        DocumentState::Held(reason) => Decision::Hold(reason.clone()),
    }
}

/// A document that was applied and that the newer version no longer makes.
/// It is never cancelled without a person: a filter is no deletion.
pub(crate) fn vanished(earlier: &DocumentRow, on_change: OnChange) -> Decision {
    let applied = matches!(earlier.state, DocumentState::Applied) || earlier.target_id.is_some();
    if !applied && earlier.state == DocumentState::Rejected {
        return Decision::Forget;
    }
    if !applied || on_change == OnChange::Ignore {
        return Decision::Keep(earlier.clone());
    }
    match &earlier.state {
        DocumentState::Held(reason) => Decision::Hold(reason.clone()),
        _ => Decision::Hold("the newer version no longer makes this document".to_owned()),
    }
}

fn changed(earlier: &DocumentRow, on_change: OnChange, action: Action) -> Decision {
    match (on_change, action) {
        (OnChange::Ignore, _) => Decision::Keep(earlier.clone()),
        (OnChange::Update, _) => Decision::Send {
            action,
            known_id: earlier.target_id.clone(),
        },
        (OnChange::Hold, Action::Cancel) => {
            Decision::Hold("deleted at the source after it was applied".to_owned())
        }
        (OnChange::Hold, _) => {
            Decision::Hold("changed at the source after it was applied".to_owned())
        }
    }
}

/// Of records with the same key, the one to go on with: the highest version,
/// the last among equals. False for the others. `None` when no key repeats.
pub(crate) fn winners<'entry>(
    entries: impl ExactSizeIterator<Item = (&'entry SourceKey, Option<&'entry Version>)>,
) -> Option<Vec<bool>> {
    let count = entries.len();
    let mut best = std::collections::HashMap::with_capacity(count);
    let mut wins = vec![true; count];
    let mut repeated = false;
    for (index, (key, version)) in entries.enumerate() {
        let Some((held, held_version)) = best.insert(key, (index, version)) else {
            continue;
        };
        repeated = true;
        let lower = matches!((held_version, version), (Some(held), Some(new)) if new < held);
        let loser = if lower { index } else { held };
        if lower {
            best.insert(key, (held, held_version));
        }
        if let Some(win) = wins.get_mut(loser) {
            *win = false;
        }
    }
    repeated.then_some(wins)
}
