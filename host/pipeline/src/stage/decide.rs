//! What is to be done with a record or document, given what the ledger knows.
//! Pure: no store, no clock, no connector.

use duijie_plan::OnChange;
use duijie_record::{Action, Change, SourceKey, TargetKey, Version};
use duijie_store::{DocumentRow, DocumentState, Fingerprint, HoldKind};

use crate::chaos::{Guard, is_off};
use crate::page::PARTIAL;

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
    Hold {
        kind: HoldKind,
        /// What is not done.
        action: Action,
        reason: String,
    },
    /// Held before and held still, with the newest document: a person decides
    /// about what is there now, not about what was.
    HoldStill { action: Action, reason: String },
    /// It was only ever refused, and no version makes it any more.
    Forget,
}

/// The fingerprint of a record. A deletion differs from an upsert of the same
/// line.
pub(crate) fn print(line: &[u8], change: Change) -> Fingerprint {
    // What stands around a record belongs to the answer that it came in.
    let Fingerprint(bits) = Fingerprint::of(line.trim_ascii());
    match change {
        Change::Upsert => Fingerprint(bits),
        Change::Delete => Fingerprint(!bits),
    }
}

/// A deletion is newer than an upsert of the same version; anything else of
/// the same version has been dealt with, but for a row left behind half done.
pub(crate) fn fate(
    known: (Option<&Version>, Fingerprint),
    read: (Option<&Version>, Fingerprint),
    change: Change,
) -> Fate {
    if known.1 == read.1 {
        return Fate::Unchanged;
    }
    match (known.0, read.0) {
        (Some(known), Some(read)) if read < known && !is_off(Guard::VersionOrder) => Fate::Stale,
        (Some(old), Some(read))
            if read == old && change == Change::Upsert && known.1 != PARTIAL =>
        {
            Fate::Unchanged
        }
        _ => Fate::Newer,
    }
}

/// What is known of a record beside its document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// The row was left behind half done.
    pub(crate) partial: bool,
    /// The source's record has not changed: it is tried again.
    pub(crate) again: bool,
}

/// A document of a newer version of its record. `earlier` is the ledger's row
/// of the same part.
pub(crate) fn document(
    earlier: Option<&DocumentRow>,
    known: Known,
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
    let same = earlier.mapped_print == print;
    let stands = match &earlier.state {
        DocumentState::Applied => same,
        // What was taken back and comes again is a document of its own.
        DocumentState::Cancelled => return create,
        DocumentState::Discarded if same || known.again => true,
        DocumentState::Rejected if same && known.partial => true,
        // Only the step was refused.
        DocumentState::Rejected if goes_on_at(earlier, target_key, print) > 0 => {
            return Decision::Send {
                action: upsert(earlier),
                known_id: earlier.target_id.clone(),
            };
        }
        DocumentState::Rejected | DocumentState::Discarded if !stands(earlier) => {
            return create;
        }
        DocumentState::Rejected | DocumentState::Discarded => false,
        DocumentState::Grouped => return ungrouped(earlier, Action::Update),
        DocumentState::Held(_) if same => true,
        DocumentState::Held(reason) => {
            return Decision::HoldStill {
                action: upsert(earlier),
                reason: reason.clone(),
            };
        }
    };
    if stands {
        return Decision::Keep(earlier.clone());
    }
    if earlier.target_key != *target_key {
        return Decision::Hold {
            kind: HoldKind::Change,
            action: Action::Update,
            reason: format!(
                "its number was `{}` and is now `{target_key}`",
                earlier.target_key
            ),
        };
    }
    changed(earlier, on_change, Action::Update)
}

/// A document that was applied and whose record is now deleted.
pub(crate) fn deleted(earlier: &DocumentRow, on_change: OnChange) -> Decision {
    match &earlier.state {
        DocumentState::Applied => changed(earlier, on_change, Action::Cancel),
        DocumentState::Rejected | DocumentState::Discarded if stands(earlier) => {
            changed(earlier, on_change, Action::Cancel)
        }
        DocumentState::Cancelled | DocumentState::Discarded => Decision::Keep(earlier.clone()),
        DocumentState::Rejected => Decision::Forget,
        DocumentState::Grouped => ungrouped(earlier, Action::Cancel),
        DocumentState::Held(reason) => Decision::HoldStill {
            action: Action::Cancel,
            reason: reason.clone(),
        },
    }
}

/// A record that went with others, when the manifest still had a `group`.
fn ungrouped(earlier: &DocumentRow, action: Action) -> Decision {
    Decision::Hold {
        kind: HoldKind::Late,
        action,
        reason: format!("an earlier version went with `{}`", earlier.target_key),
    }
}

/// A document that was applied and that the newer version no longer makes.
/// It is never cancelled without a person: a filter is no deletion.
pub(crate) fn vanished(earlier: &DocumentRow, on_change: OnChange) -> Decision {
    let applied = matches!(earlier.state, DocumentState::Applied) || stands(earlier);
    let gone = earlier.state == DocumentState::Cancelled;
    if !applied && earlier.state == DocumentState::Rejected {
        return Decision::Forget;
    }
    if gone || !applied || on_change == OnChange::Ignore {
        return Decision::Keep(earlier.clone());
    }
    match &earlier.state {
        DocumentState::Held(reason) => Decision::HoldStill {
            action: Action::Cancel,
            reason: reason.clone(),
        },
        _ => Decision::Hold {
            kind: HoldKind::Change,
            action: Action::Cancel,
            reason: "the newer version no longer makes this document".to_owned(),
        },
    }
}

/// The step that a document which waits for a person takes next when it has
/// not changed: what it was refused or held at. 0 when it is to be written.
pub(crate) fn goes_on_at(earlier: &DocumentRow, target_key: &TargetKey, print: Fingerprint) -> u8 {
    let waits = matches!(
        earlier.state,
        DocumentState::Rejected | DocumentState::Held(_)
    );
    let same = earlier.mapped_print == print && earlier.target_key == *target_key;
    if waits && same { earlier.step } else { 0 }
}

/// Whether the target has it, as far as is known.
fn stands(earlier: &DocumentRow) -> bool {
    earlier.target_id.is_some() || earlier.step > 0
}

fn upsert(earlier: &DocumentRow) -> Action {
    match earlier.target_id {
        Some(_) => Action::Update,
        None => Action::Create,
    }
}

fn changed(earlier: &DocumentRow, on_change: OnChange, action: Action) -> Decision {
    let reason = match action {
        Action::Cancel => "deleted at the source after it was applied",
        Action::Create | Action::Update => "changed at the source after it was applied",
    };
    match on_change {
        OnChange::Ignore => Decision::Keep(earlier.clone()),
        OnChange::Update => Decision::Send {
            action,
            known_id: earlier.target_id.clone(),
        },
        OnChange::Hold => Decision::Hold {
            kind: HoldKind::Change,
            action,
            reason: reason.to_owned(),
        },
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
        let lower = matches!((held_version, version), (Some(held), Some(new)) if new < held)
            && !is_off(Guard::VersionOrder);
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
