//! What a look-up means for a document: before it is changed, and when it
//! cannot be told whether a write took effect. Pure.

use duijie_contract::Guarantee;
use duijie_plan::OnUnknown;
use duijie_record::{Action, Finding, FoundDocument, Rejection, Retry, SourceKey, State};
use duijie_store::HoldKind;

/// What to do with a document whose write has no known outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resolution {
    Applied(Option<String>),
    /// Under a new intent, with the target's id where it is known.
    Send(Option<String>),
    Hold(HoldKind, String),
}

/// How doubt is resolved in a target of this class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    LookUp,
    /// Sending again changes nothing, or is refused as a duplicate.
    Resend,
    /// Whatever happened is left as it is.
    Skip,
    Hold,
}

pub(crate) fn doubt(guarantee: Guarantee, lookup: bool, on_unknown: OnUnknown) -> Doubt {
    match (guarantee, lookup) {
        (Guarantee::NaturalUpsert, _) => Doubt::Resend,
        (Guarantee::None, _) => match on_unknown {
            OnUnknown::Hold => Doubt::Hold,
            OnUnknown::Resend => Doubt::Resend,
            OnUnknown::Skip => Doubt::Skip,
        },
        (_, true) => Doubt::LookUp,
        (Guarantee::ServerKey | Guarantee::UniqueKey, false) => Doubt::Resend,
        (Guarantee::Lookup, false) => Doubt::Hold,
    }
}

/// Before an update or a cancel. The ledger's id must be the one found.
pub(crate) fn before_change(known_id: Option<&str>, finding: Finding) -> Resolution {
    match finding {
        Finding::Found(found) => match (other_id(known_id, &found), found.state) {
            (Some(conflict), _) => conflict,
            (None, State::Locked(why)) => {
                Resolution::Hold(HoldKind::Locked, format!("the target says it is {why}"))
            }
            (None, State::Open) => Resolution::Send(Some(found.id)),
        },
        Finding::Absent => {
            let reason = "the target no longer has it".to_owned();
            Resolution::Hold(HoldKind::Conflict, reason)
        }
        Finding::FoundTwice(found) => twice(&found),
        Finding::CannotTell(reason) => cannot_tell(HoldKind::Doubt, &reason),
    }
}

/// After the settle time of a write without an outcome. An update or cancel
/// that is found cannot be told from one that took no effect; both may be
/// sent again.
pub(crate) fn after_doubt(action: Action, known_id: Option<&str>, finding: Finding) -> Resolution {
    match (action, finding) {
        (Action::Create, Finding::Found(found)) => {
            other_id(known_id, &found).unwrap_or(Resolution::Applied(Some(found.id)))
        }
        (Action::Create, Finding::Absent) => Resolution::Send(None),
        (Action::Cancel, Finding::Absent) => Resolution::Applied(None),
        (_, finding) => before_change(known_id, finding),
    }
}

/// Before the first send of a create, when the ledger may know less than was
/// sent. What is found may be an earlier version: where changes are written, it
/// is written over.
pub(crate) fn with_caution(finding: Finding, updates: bool) -> Resolution {
    match finding {
        Finding::Found(found) if updates && found.state == State::Open => {
            Resolution::Send(Some(found.id))
        }
        Finding::Found(found) => Resolution::Applied(Some(found.id)),
        Finding::Absent => Resolution::Send(None),
        Finding::FoundTwice(found) => twice(&found),
        Finding::CannotTell(reason) => cannot_tell(HoldKind::Caution, &reason),
    }
}

/// What was found carries the number of a document that another record made.
pub(crate) fn owned_by(owner: &SourceKey) -> Resolution {
    let reason = format!("the document with its number was made of the record `{owner}`");
    Resolution::Hold(HoldKind::Conflict, reason)
}

/// Whether a target says that it has the document already: the code
/// `duplicate`, alone or after the connector's own words and a dot.
pub(crate) fn is_duplicate(rejection: &Rejection) -> bool {
    last_word(rejection) == Some("duplicate")
}

/// Whether a target refused the call and not the document: the code `batch`,
/// in the same way.
pub(crate) fn is_batch(rejection: &Rejection) -> bool {
    rejection.retry == Retry::Never && last_word(rejection) == Some("batch")
}

fn last_word(rejection: &Rejection) -> Option<&str> {
    rejection.code.rsplit('.').next()
}

fn other_id(known_id: Option<&str>, found: &FoundDocument) -> Option<Resolution> {
    let known = known_id.filter(|known| *known != found.id)?;
    let reason = format!(
        "the target has it under the id `{}`, and it was applied as `{known}`",
        found.id
    );
    Some(Resolution::Hold(HoldKind::Conflict, reason))
}

fn twice(found: &[FoundDocument]) -> Resolution {
    let ids: Vec<&str> = found.iter().map(|document| document.id.as_str()).collect();
    let ids = ids.join("`, `");
    let reason = format!("the target has it more than once: `{ids}`");
    Resolution::Hold(HoldKind::Twice, reason)
}

fn cannot_tell(kind: HoldKind, reason: &str) -> Resolution {
    let reason = format!("the target cannot tell whether it has it: {reason}");
    Resolution::Hold(kind, reason)
}

#[cfg(test)]
mod tests;
