//! The operations of the form service that a pipeline may choose, and what
//! each does to a document's own state. What is sent is not its business.

use duijie_sdk::Problem;

use crate::settings::Pipeline;

/// What is done with each document of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    Save(Saving),
    Step(Step),
    /// Makes the documents that follow, by a rule of conversion.
    Push,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Saving {
    /// Many documents a call.
    Batch,
    /// One document a call.
    Single,
    /// One document a call, which is not validated as a whole.
    Draft,
}

/// Something that changes the state of a document that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Submit,
    Audit,
    UnAudit,
    CancelAssign,
    Delete,
    /// `ExcuteOperation` with this `opNumber`.
    Other(String),
}

const NAMES: [&str; 10] = [
    "BatchSave",
    "Save",
    "Draft",
    "Submit",
    "Audit",
    "UnAudit",
    "CancelAssign",
    "Delete",
    "Push",
    "ExcuteOperation",
];

/// What a document's `FDocumentStatus` may be: created, in approval, approved,
/// to be approved again, a draft.
const STATES: [&str; 5] = ["A", "B", "C", "D", "Z"];

impl Operation {
    pub(crate) fn of(pipeline: &Pipeline) -> Result<Self, Problem> {
        let options = &pipeline.options;
        let missing = |name: &str, why: &str| {
            let message = format!("`{name}` is missing, {why}");
            Err(Problem::new("/pipeline/options", message))
        };
        let name = pipeline.operation.as_deref().unwrap_or("BatchSave");
        Ok(match name {
            "BatchSave" => Self::Save(Saving::Batch),
            "Save" => Self::Save(Saving::Single),
            "Draft" => Self::Save(Saving::Draft),
            "Submit" => Self::Step(Step::Submit),
            "Audit" => Self::Step(Step::Audit),
            "UnAudit" => Self::Step(Step::UnAudit),
            "CancelAssign" => Self::Step(Step::CancelAssign),
            "Delete" => Self::Step(Step::Delete),
            "ExcuteOperation" => match options.get("opNumber") {
                Some(number) => Self::Step(Step::Other(number.to_owned())),
                None => return missing("opNumber", "which says what `ExcuteOperation` does"),
            },
            "Push" => {
                let usual = options.get("IsEnableDefaultRule") == Some("true")
                    && options.get("TargetFormId").is_some();
                if options.get("RuleId").is_none() && !usual {
                    let either = "beside it `IsEnableDefaultRule` and `TargetFormId` would do";
                    return missing("RuleId", either);
                }
                Self::Push
            }
            other => {
                let message = format!("`{other}` is no operation that is known");
                let hint = format!("known are {}", NAMES.join(", "));
                return Err(Problem::new("/pipeline/operation", message).hint(hint));
            }
        })
    }

    /// The field that shows whether it was done.
    pub(crate) fn state_field(&self) -> &'static str {
        match self {
            Self::Step(step) => step.state_field(),
            Self::Save(_) | Self::Push => "FDocumentStatus",
        }
    }
}

impl Saving {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Batch => "BatchSave",
            Self::Single => "Save",
            Self::Draft => "Draft",
        }
    }
}

impl Step {
    /// As the form service calls it.
    pub(crate) fn operation(&self) -> &'static str {
        match self {
            Self::Submit => "Submit",
            Self::Audit => "Audit",
            Self::UnAudit => "UnAudit",
            Self::CancelAssign => "CancelAssign",
            Self::Delete => "Delete",
            Self::Other(_) => "ExcuteOperation",
        }
    }

    pub(crate) fn op_number(&self) -> Option<&str> {
        match self {
            Self::Other(number) => Some(number),
            _ => None,
        }
    }

    /// Whether a refusal says that a document is past it already. The words
    /// are the system's for people and may change, so they only raise doubt.
    pub(crate) fn says_done(&self, message: &str) -> bool {
        let words: &[&str] = match self {
            Self::Submit => &["已审核", "已经审核", "已提交", "已经提交", "审核中"],
            Self::Audit => &["已审核", "已经审核"],
            _ => &[],
        };
        words.iter().any(|word| message.contains(word))
    }

    /// Whether a document in this state is past it; none where the state does
    /// not tell.
    pub(crate) fn is_done(&self, state: &str) -> Option<bool> {
        let done: &[&str] = match self {
            Self::Submit => &["B", "C"],
            Self::Audit => &["C"],
            Self::UnAudit => &["A", "B", "D", "Z"],
            Self::CancelAssign => &["A", "D", "Z"],
            // It stands.
            Self::Delete => &[],
            Self::Other(number) => return Some(effect(number)?.1 == state),
        };
        STATES.contains(&state).then(|| done.contains(&state))
    }

    fn state_field(&self) -> &'static str {
        match self {
            Self::Other(number) => effect(number).map_or("FDocumentStatus", |(field, _)| field),
            _ => "FDocumentStatus",
        }
    }
}

/// The field that an operation by number changes, and what it becomes. The
/// vendor spells the reverse of `Cancel` differently from form to form, and has
/// a prefix of its own on sales orders.
fn effect(number: &str) -> Option<(&'static str, &'static str)> {
    let plain = number.strip_prefix("YL").unwrap_or(number);
    Some(match plain.to_ascii_lowercase().as_str() {
        "cancel" => ("FCancelStatus", "B"),
        "uncancel" => ("FCancelStatus", "A"),
        "billclose" => ("FCloseStatus", "B"),
        "billunclose" | "unbillclose" => ("FCloseStatus", "A"),
        "forbid" => ("FForbidStatus", "B"),
        "enable" => ("FForbidStatus", "A"),
        _ => return None,
    })
}
