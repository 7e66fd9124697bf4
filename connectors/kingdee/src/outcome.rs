//! What became of each document of one request, judged by index from both
//! lists of the answer and never from its overall flag. Doubt is `unknown`.

use duijie_sdk::target::Outcome;
use duijie_sdk::{Rejection, Retry};

use crate::reply::{Class, Failure, Status, Success};

pub(crate) const THROTTLED: &str = "kingdee.throttled";
pub(crate) const UNAUTHORIZED: &str = "kingdee.unauthorized";
const DUPLICATE: &str = "kingdee.duplicate";

/// Outcomes in the order of `keys`, the numbers of the documents sent. A call
/// that `audits` may list as failed what it saved and could not audit.
pub(crate) fn judge(mut status: Status, keys: &[&str], audits: bool) -> Vec<Outcome> {
    if took_nothing(&status)
        && let Some(code) = refused_whole(&status, keys.len(), audits)
    {
        return all_later(code, &status.message(), keys.len());
    }
    let mut told: Vec<Told<'_>> = vec![Told::default(); keys.len()];
    for success in std::mem::take(&mut status.success_entitys) {
        if let Some(told) = success.index.and_then(|index| told.get_mut(index)) {
            told.success = Some(success);
        }
    }
    for error in &status.errors {
        if let Some(told) = error.index.and_then(|index| told.get_mut(index)) {
            told.errors.push(error);
        }
    }
    told.into_iter()
        .zip(keys)
        .map(|(told, key)| outcome(&status, told, key, audits))
        .collect()
}

/// What both lists say of one document.
#[derive(Clone, Default)]
struct Told<'s> {
    success: Option<Success>,
    errors: Vec<&'s Failure>,
}

/// Every document, since nothing tells what became of them.
pub(crate) fn all_unknown(reason: &str, documents: usize) -> Vec<Outcome> {
    vec![Outcome::Unknown(reason.to_owned()); documents]
}

/// Every document, since the system refused the call before it looked at them:
/// what is in the way lies outside of the documents and may pass.
pub(crate) fn all_later(code: &str, reason: &str, documents: usize) -> Vec<Outcome> {
    let rejection = Rejection::later(code, reason);
    vec![Outcome::Rejected(rejection); documents]
}

fn took_nothing(status: &Status) -> bool {
    !status.is_success() && status.success_entitys.is_empty()
}

/// The code of a refusal of the call as a whole.
fn refused_whole(status: &Status, documents: usize, audits: bool) -> Option<&'static str> {
    match status.class() {
        Class::Limited => Some(THROTTLED),
        Class::SessionLost => Some(UNAUTHORIZED),
        Class::Barred => Some("kingdee.barred"),
        Class::Malformed => Some("kingdee.malformed"),
        // It may be the right to audit that is missing.
        Class::Forbidden if audits => None,
        // Permission may be missing for one organisation's documents only; then
        // each of them is listed.
        Class::Forbidden => {
            let listed = |index| status.errors.iter().any(|error| error.index == Some(index));
            let all = (0..documents).all(listed);
            (!all).then_some("kingdee.forbidden")
        }
        Class::Doubtful | Class::Busy | Class::Refused => None,
    }
}

fn outcome(status: &Status, told: Told<'_>, key: &str, audits: bool) -> Outcome {
    let messages: Vec<&str> = told.errors.iter().map(|error| error.message()).collect();
    let message = messages.join("; ");
    match (told.success, messages.is_empty()) {
        (Some(success), true) => {
            Outcome::Applied(success.id.filter(|id| !matches!(id.as_str(), "" | "0")))
        }
        (Some(_), false) => Outcome::Unknown(format!("listed as done and as failed: {message}")),
        (None, true) => Outcome::Unknown(format!(
            "the document is in neither list of the answer: {}",
            status.message()
        )),
        (None, false) if status.class() == Class::Doubtful => Outcome::Unknown(message),
        (None, false) => {
            let rejection = rejection(status, &told.errors, key, message);
            // A number that is taken keeps a document from being saved; what a
            // look-up finds under it then is somebody else's.
            if audits && rejection.code != DUPLICATE {
                let message = rejection.message;
                return Outcome::Unknown(format!(
                    "it may have been saved and not audited: {message}"
                ));
            }
            Outcome::Rejected(rejection)
        }
    }
}

fn rejection(status: &Status, errors: &[&Failure], key: &str, message: String) -> Rejection {
    let field = errors.iter().find_map(|error| error.field_name.clone());
    let retry = match status.class() {
        Class::Busy | Class::Limited => Retry::Later,
        _ => Retry::Never,
    };
    let duplicate = retry == Retry::Never && is_duplicate(&message, field.as_deref(), key);
    let code = if duplicate {
        DUPLICATE.to_owned()
    } else {
        status.code()
    };
    Rejection {
        code,
        message,
        field: field.filter(|field| !field.is_empty()),
        retry,
    }
}

/// The system has no code of its own for a number that is taken.
fn is_duplicate(message: &str, field: Option<&str>, key: &str) -> bool {
    let taken = ["唯一", "重复", "已存在", "已经存在"]
        .iter()
        .any(|word| message.contains(word));
    let about_number = message.contains(key)
        || ["编号", "编码"].iter().any(|word| message.contains(word))
        || field.is_some_and(|field| matches!(field, "FBillNo" | "FNumber"));
    taken && about_number
}

#[cfg(test)]
mod tests;
