//! What a look-up means for a document: before it is changed, and when it
//! cannot be told whether a write took effect. Pure.

use duijie_contract::Guarantee;
use duijie_plan::OnUnknown;
use duijie_record::{Action, Finding, FoundDocument, Rejection, State};

/// What to do with a document whose write has no known outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resolution {
    Applied(Option<String>),
    /// Under a new intent, with the target's id where it is known.
    Send(Option<String>),
    Hold(String),
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
        Finding::Found(FoundDocument { id, state }) => match (state, known_id) {
            (State::Locked(why), _) => Resolution::Hold(format!("the target says it is {why}")),
            (State::Open, Some(known)) if known != id => Resolution::Hold(format!(
                "the target has it under the id `{id}`, and it was applied as `{known}`"
            )),
            (State::Open, _) => Resolution::Send(Some(id)),
        },
        Finding::Absent => Resolution::Hold("the target no longer has it".to_owned()),
        Finding::FoundTwice(found) => twice(&found),
        Finding::CannotTell(reason) => cannot_tell(&reason),
    }
}

/// After the settle time of a write without an outcome. An update or cancel
/// that is found cannot be told from one that took no effect; both may be
/// sent again.
pub(crate) fn after_doubt(action: Action, known_id: Option<&str>, finding: Finding) -> Resolution {
    match (action, finding) {
        (Action::Create, Finding::Found(found)) => Resolution::Applied(Some(found.id)),
        (Action::Create, Finding::Absent) => Resolution::Send(None),
        (Action::Cancel, Finding::Absent) => Resolution::Applied(None),
        (_, finding) => before_change(known_id, finding),
    }
}

/// Whether a target says that it has the document already: the code
/// `duplicate`, alone or after the connector's own words and a dot.
pub(crate) fn is_duplicate(rejection: &Rejection) -> bool {
    rejection.code.rsplit('.').next() == Some("duplicate")
}

fn twice(found: &[FoundDocument]) -> Resolution {
    let ids: Vec<&str> = found.iter().map(|document| document.id.as_str()).collect();
    let ids = ids.join("`, `");
    Resolution::Hold(format!("the target has it more than once: `{ids}`"))
}

fn cannot_tell(reason: &str) -> Resolution {
    Resolution::Hold(format!(
        "the target cannot tell whether it has it: {reason}"
    ))
}

#[cfg(test)]
mod tests;
