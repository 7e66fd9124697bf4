//! What an answer to a write says. Applied and refused are what the answer
//! proves; everything else is doubt.

use duijie_sdk::http::{Response, excerpt};
use duijie_sdk::json;
use duijie_sdk::target::Outcome;
use duijie_sdk::{Fault, Rejection};

use crate::call::{Code, Reply, Talk};
use crate::reader::text;

/// The credentials were refused.
const UNAUTHORIZED: &str = "waiqin365.unauthorized";

/// One outcome for all documents of a request.
pub(crate) fn judge(response: Response, documents: usize) -> Outcome {
    let status = response.status;
    if status == 429 {
        let said = format!("HTTP 429: `{}`", response.excerpt());
        return Outcome::Rejected(Rejection::later("waiqin365.throttled", said));
    }
    if !(200..=299).contains(&status) {
        return Outcome::Unknown(format!("HTTP {status}: `{}`", excerpt(&response.body)));
    }
    let reply = match Reply::read(response.body) {
        Ok(reply) => reply,
        Err(reason) => return Outcome::Unknown(reason),
    };
    match &reply.code {
        Code::Done => Outcome::Applied(id(&reply)),
        Code::Truth if reply.data.is_some() => Outcome::Applied(id(&reply)),
        Code::Truth => Outcome::Unknown(format!("`return_code` is true: `{}`", reply.said)),
        Code::Failed(code) => refused(code, &reply.message, documents),
    }
}

/// The documents print `1` and no message as the example of eight writes, and
/// call 1 a failure beside it: without a word it is not believed either way.
fn refused(code: &str, message: &str, documents: usize) -> Outcome {
    if message.is_empty() {
        return Outcome::Unknown(format!("`return_code` is {code}, without a message"));
    }
    let rejection = match Talk::of(message) {
        Talk::TimedOut => return Outcome::Unknown(format!("{code}: {message}")),
        Talk::TooMany => Rejection::later("waiqin365.throttled", message),
        Talk::Busy => Rejection::later("waiqin365.busy", message),
        Talk::Caller => Rejection::later(UNAUTHORIZED, message),
        Talk::Business if documents > 1 => Rejection::never("waiqin365.batch", message),
        Talk::Business if is_duplicate(message) => Rejection::never("waiqin365.duplicate", message),
        Talk::Business => Rejection::never(format!("waiqin365.{code}"), message),
    };
    Outcome::Rejected(rejection)
}

/// The system has no public code for a number that is taken.
fn is_duplicate(message: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    has(&["已存在", "已经存在", "重复"]) && has(&["单号", "编号", "编码", "no"])
}

/// The id of what was made, where the answer tells it: in `response_data`, or
/// in the order that `addPurchase` gives as its message.
fn id(reply: &Reply) -> Option<String> {
    if let Some(data) = &reply.data {
        let page = Reply::page(data).ok()?;
        let field = json::Field::new("id");
        return page
            .records()
            .next()
            .and_then(|record| text(record, &field));
    }
    let object = match &reply.object {
        Some(object) => object.as_slice(),
        None => reply.message.as_bytes(),
    };
    let raw = json::field(object, "id").ok().flatten()?;
    let id = raw.text().ok()?.into_owned();
    (!raw.is_null() && !id.is_empty()).then_some(id)
}

/// A request that did not leave, after others of its batch had.
pub(crate) fn not_sent(fault: Fault) -> Outcome {
    let reason = match fault {
        Fault::NotSent(reason) | Fault::Broken(reason) | Fault::Other(reason) => reason,
        _ => "the request did not leave".to_owned(),
    };
    Outcome::Rejected(Rejection::later("waiqin365.not-sent", reason))
}

#[cfg(test)]
mod tests;
