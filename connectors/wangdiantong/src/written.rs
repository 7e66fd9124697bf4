//! What became of the documents of one push. A missing or unclear answer is
//! doubt, never a refusal; a refusal of the call tells nothing of one document
//! where it had several.

use duijie_sdk::http::{Failure, Response, excerpt};
use duijie_sdk::json::{self, Answer, Page};
use duijie_sdk::target::Outcome;
use duijie_sdk::{Fault, Rejection, Retry};

use crate::answer::{self, Said, text};
use crate::dialect::Dialect;
use crate::document::Prepared;
use crate::refusal::{Class, Refusal};

/// An answer to a push.
pub(crate) enum Written {
    /// One outcome a document, in order.
    Told(Vec<Outcome>),
    /// Nothing took effect, and calls that follow would fare no better.
    Stopped(Fault),
}

/// The code of a refusal that does not say whose it is.
pub(crate) const UNNAMED: &str = "error.batch";

pub(crate) fn read(
    dialect: Dialect,
    number: Option<&str>,
    documents: &[Prepared],
    answer: Result<Response, Failure>,
) -> Written {
    let response = match answer {
        Ok(response) => response,
        Err(Failure::Refused(reason) | Failure::NotSent(reason)) => {
            return Written::Stopped(Fault::NotSent(reason));
        }
        Err(Failure::NoAnswer(reason) | Failure::Other(reason)) => {
            return unknown(documents, &reason);
        }
    };
    if response.status == 429 {
        let wait_ms = response.retry_after_ms();
        let said = format!("HTTP 429: `{}`", response.excerpt());
        return Written::Stopped(Fault::rate_limited(said, wait_ms));
    }
    if !(200..=299).contains(&response.status) {
        let said = format!("HTTP {}: `{}`", response.status, response.excerpt());
        return unknown(documents, &said);
    }
    let list = match dialect.is_flagship() {
        true => format!("{}error_list", dialect.inner()),
        false => format!("{}errors", dialect.inner()),
    };
    let answer = match Answer::read(response.body, &list) {
        Ok(answer) => answer,
        Err((error, body)) => {
            return unknown(documents, &format!("{error}, found `{}`", excerpt(&body)));
        }
    };
    match answer::said(dialect, &answer) {
        Ok(Said::Yes) => Written::Told(told(dialect, number, documents, answer)),
        Ok(Said::No(refusal)) => refused(documents, &refusal),
        Ok(Said::Nothing) => unknown(documents, "the answer speaks of a query"),
        Err(fault) => unknown(documents, &format!("{fault:?}")),
    }
}

fn unknown(documents: &[Prepared], reason: &str) -> Written {
    let outcome = Outcome::Unknown(reason.to_owned());
    Written::Told(vec![outcome; documents.len()])
}

/// The call succeeded; documents that did not are listed.
fn told(
    dialect: Dialect,
    number: Option<&str>,
    documents: &[Prepared],
    answer: Answer,
) -> Vec<Outcome> {
    if dialect.is_flagship() {
        // 20: it was created, and its audit failed.
        let inner = text(answer.field(&format!("{}status", dialect.inner())));
        if !matches!(inner.as_str(), "" | "0" | "20") {
            let said = format!("the document's own status is {inner}");
            return vec![Outcome::Unknown(said); documents.len()];
        }
        if let Some(errors) = texts(&answer, dialect) {
            return vec![unnamed(documents, &errors); documents.len()];
        }
    }
    let id = number.map(|path| text(answer.field(&format!("{}{path}", dialect.outer()))));
    let id = id.filter(|id| !id.is_empty());
    let Ok(errors) = answer.into_page() else {
        return vec![Outcome::Applied(id); documents.len()];
    };
    let (named, nameless) = listed(&errors);
    documents
        .iter()
        .map(|document| {
            let own: Vec<&str> = named
                .iter()
                .filter(|(key, _)| *key == document.key)
                .map(|(_, error)| error.as_str())
                .collect();
            match (own.as_slice(), nameless.first()) {
                ([], None) => Outcome::Applied(id.clone()),
                ([], Some(error)) => unnamed(documents, error),
                (errors, _) => Outcome::Rejected(Rejection::never("error", errors.join("; "))),
            }
        })
        .collect()
}

/// One of them was refused, and alone it will be told which.
fn unnamed(documents: &[Prepared], error: &str) -> Outcome {
    let code = match documents {
        [_] => "error",
        _ => UNNAMED,
    };
    Outcome::Rejected(Rejection::never(code, error))
}

/// What an acknowledgement in 旗舰版 tells as the whole of `data`: texts that
/// name no row.
fn texts(answer: &Answer, dialect: Dialect) -> Option<String> {
    let data = answer.field(dialect.inner().trim_end_matches('.'))?.0;
    let texts = data.strip_prefix(b"[")?.strip_suffix(b"]")?.trim_ascii();
    (!texts.is_empty()).then(|| String::from_utf8_lossy(texts).into_owned())
}

/// Errors by the key that they name, and those that name none.
fn listed(errors: &Page) -> (Vec<(String, String)>, Vec<String>) {
    let (mut named, mut unnamed) = (Vec::new(), Vec::new());
    for error in errors.records() {
        match error_of(error.bytes()) {
            (Some(key), message) => named.push((key, message)),
            (None, message) => unnamed.push(message),
        }
    }
    (named, unnamed)
}

fn error_of(bytes: &[u8]) -> (Option<String>, String) {
    let field = |name| text(json::field(bytes, name).ok().flatten());
    let names = ["no", "tid", "goods_no", "refund_no", "outer_no", "rec_id"];
    let key = names.map(field).into_iter().find(|key| !key.is_empty());
    (key, field("error"))
}

fn refused(documents: &[Prepared], refusal: &Refusal) -> Written {
    match refusal.class() {
        Class::Throttled(_) | Class::Credentials => return Written::Stopped(refusal.fault()),
        Class::Outage => return unknown(documents, &refusal.said()),
        Class::Request => {}
    }
    if let Some(outcomes) = listed_in_message(documents, refusal) {
        return Written::Told(outcomes);
    }
    let message = &refusal.message;
    let taken = refusal.code == "21000006" || message.contains("单号重复");
    let later = refusal.code == "5040";
    let code = match (documents.len(), taken) {
        (1, true) => format!("{}.duplicate", refusal.code),
        (1, false) => refusal.code.clone(),
        _ => format!("{}.batch", refusal.code),
    };
    let rejection = Rejection {
        retry: if later { Retry::Later } else { Retry::Never },
        ..Rejection::never(code, message.as_str())
    };
    Written::Told(vec![Outcome::Rejected(rejection); documents.len()])
}

/// Some refusals list documents in a text that is JSON itself. What became of
/// the others is not said.
fn listed_in_message(documents: &[Prepared], refusal: &Refusal) -> Option<Vec<Outcome>> {
    let message = refusal.message.trim();
    message.starts_with('[').then_some(())?;
    let body = format!("{{\"list\":{message}}}").into_bytes();
    let page = Answer::read(body, "list").ok()?.into_page().ok()?;
    let (named, _) = listed(&page);
    let outcome = |document: &Prepared| {
        let own = named.iter().find(|(key, _)| *key == document.key);
        match own {
            Some((_, error)) => {
                Outcome::Rejected(Rejection::never(refusal.code.clone(), error.as_str()))
            }
            None => Outcome::Unknown(format!(
                "the call was refused for other documents: {}",
                refusal.code
            )),
        }
    };
    let any = documents
        .iter()
        .any(|document| named.iter().any(|(key, _)| *key == document.key));
    any.then(|| documents.iter().map(outcome).collect())
}
