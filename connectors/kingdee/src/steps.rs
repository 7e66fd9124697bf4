//! Submit and audit of documents that stand, and how far each has come. What
//! counts is a document's own state, not the words of a refusal.

use duijie_sdk::http::Purpose;
use duijie_sdk::steps::{Entry, Outcome, Progress};
use duijie_sdk::{Fault, Network, Problem, target};

use crate::bill::{self, Bill, same_number};
use crate::client::{Call, Client, Stop};
use crate::form::Form;
use crate::lookup::{self, Nothing};
use crate::operation::Step;
use crate::outcome;
use crate::reply::{Status, Success};
use crate::settings::Options;
use crate::target::{code, reason};
use crate::tree::{quote, quote_all};

/// The steps in the order in which the system takes them.
pub(crate) const NAMES: [&str; 2] = ["submit", "audit"];

const STEPS: [Step; 2] = [Step::Submit, Step::Audit];

/// The step of this name.
pub(crate) fn named(name: &str) -> Result<Step, Fault> {
    let known = NAMES.iter().zip(STEPS).find(|(known, _)| **known == name);
    known.map(|(_, step)| step).ok_or_else(|| {
        let message = format!("there is no step `{name}`");
        let hint = format!("it has: {}", NAMES.join(", "));
        Fault::invalid(Problem::new("", message).hint(hint))
    })
}

/// One an entry, in order.
pub(crate) fn progress<N: Network>(
    client: &Client<N>,
    form: &Form,
    entries: &[Entry],
) -> Result<Vec<Progress>, Fault> {
    let keys: Vec<&str> = entries
        .iter()
        .map(|entry| entry.target_key.as_str())
        .collect();
    let (bills, nothing) = match lookup::standing(client, form, &keys)? {
        Ok(found) => found,
        Err(refused) => return Ok(vec![Progress::CannotTell(refused); entries.len()]),
    };
    Ok(entries
        .iter()
        .map(|entry| match (the_bill(&bills, entry), &nothing) {
            (Ok(Some(bill)), _) => come(bill),
            (Ok(None), Nothing::Absent) => Progress::Absent,
            (Ok(None), Nothing::CannotTell(reason)) => Progress::CannotTell(reason.clone()),
            (Err(conflict), _) => Progress::Conflict(conflict),
        })
        .collect())
}

/// The one document that an entry is about.
pub(crate) fn the_bill<'b>(bills: &'b [Bill], entry: &Entry) -> Result<Option<&'b Bill>, String> {
    let mut found = bills
        .iter()
        .filter(|bill| same_number(&bill.number, &entry.target_key));
    let Some(bill) = found.next() else {
        return Ok(None);
    };
    if found.next().is_some() {
        return Err("more than one document with this number".to_owned());
    }
    match &entry.id {
        Some(known) if *known != bill.id => Err(format!(
            "found id `{}` under this number, expected `{known}`",
            bill.id
        )),
        _ => Ok(Some(bill)),
    }
}

fn come(bill: &Bill) -> Progress {
    let mut done = Vec::new();
    for (step, name) in STEPS.iter().zip(NAMES) {
        match step.is_done(&bill.status) {
            Some(true) => done.push(name.to_owned()),
            Some(false) => {}
            None => return Progress::CannotTell(format!("FDocumentStatus `{}`", bill.status)),
        }
    }
    Progress::Done(done)
}

/// One outcome an entry, in order; `indices` are the entries' places in the
/// batch in hand.
pub(crate) fn perform<N: Network>(
    client: &Client<N>,
    form: &Form,
    options: &Options,
    step: &Step,
    entries: &[Entry],
    indices: Vec<u32>,
) -> Result<Vec<Outcome>, Fault> {
    let data = data(step, options, entries).into_bytes();
    let keys: Vec<&str> = entries
        .iter()
        .map(|entry| entry.target_key.as_str())
        .collect();
    let call = Call {
        operation: step.operation(),
        form: Some(&form.id),
        op_number: step.op_number(),
    };
    let told = client.call::<Status>(call, data, Purpose::Write(indices));
    let outcomes = match told {
        // It names no document of those in the call, though they stood a
        // moment ago.
        Ok(Ok(status)) if status.names_nothing() => {
            outcome::all_unknown(&status.message(), keys.len())
        }
        Ok(Ok(mut status)) => {
            place(&mut status.success_entitys, entries);
            outcome::judge(status, &keys, false)
        }
        Ok(Err(reason)) | Err(Stop::After(reason)) => outcome::all_unknown(&reason, keys.len()),
        Err(Stop::Refused(fault)) => outcome::all_later(code(&fault), &reason(fault), keys.len()),
        Err(Stop::Before(fault)) => return Err(fault),
    };
    let outcomes: Vec<Outcome> = outcomes.into_iter().map(taken).collect();
    Ok(refused(client, form, step, entries, outcomes))
}

/// By id where all are known: numbers need not be unique in every form.
fn data(step: &Step, options: &Options, entries: &[Entry]) -> String {
    let ids: Option<Vec<&str>> = entries.iter().map(|entry| entry.id.as_deref()).collect();
    let numbers: Vec<&str> = match ids {
        Some(_) => Vec::new(),
        None => entries.iter().map(|entry| &*entry.target_key).collect(),
    };
    let mut data = format!(
        "{{\"CreateOrgId\":0,\"Numbers\":{},\"Ids\":{},\"NetworkCtrl\":\"\"",
        quote_all(numbers),
        quote(&ids.unwrap_or_default().join(","))
    );
    let mut put = |name: &str, value: &str| data.push_str(&format!(",\"{name}\":{value}"));
    if let Some(ignore) = options.get("IgnoreInterationFlag") {
        put("IgnoreInterationFlag", ignore);
    }
    match step {
        Step::Submit => put(
            "SelectedPostId",
            options.get("SelectedPostId").unwrap_or("0"),
        ),
        Step::Audit | Step::UnAudit => {
            let flags = options.get("InterationFlags").unwrap_or_default();
            put("InterationFlags", &quote(flags));
            let verify = options.get("IsVerifyProcInst").unwrap_or("true");
            put("IsVerifyProcInst", verify);
        }
        _ => {}
    }
    data.push('}');
    data
}

/// The system leaves documents that it does not have out of its answer, so
/// an id says more of whom a success is about than an index.
fn place(successes: &mut [Success], entries: &[Entry]) {
    for success in successes {
        let by_id = |entry: &Entry| entry.id.is_some() && entry.id == success.id;
        let by_index = |index: &usize| entries.get(*index).is_some_and(|at| at.id.is_none());
        let named = entries.iter().position(by_id);
        success.index = named.or(success.index.filter(by_index));
    }
}

fn taken(outcome: target::Outcome) -> Outcome {
    match outcome {
        target::Outcome::Applied(_) => Outcome::Applied,
        target::Outcome::Rejected(rejection) => Outcome::Rejected(rejection),
        target::Outcome::Unknown(reason) | target::Outcome::Other(reason) => {
            Outcome::Unknown(reason)
        }
    }
}

/// What is past the step already is refused in words that differ from form to
/// form and are no code: the document's state tells. What is not to be found
/// after it was refused is in doubt.
fn refused<N: Network>(
    client: &Client<N>,
    form: &Form,
    step: &Step,
    entries: &[Entry],
    mut outcomes: Vec<Outcome>,
) -> Vec<Outcome> {
    let never = |outcome: &Outcome| match outcome {
        Outcome::Rejected(rejection) => rejection.retry == duijie_sdk::Retry::Never,
        _ => false,
    };
    let both = || entries.iter().zip(&outcomes);
    let keys: Vec<&str> = both()
        .filter(|(_, outcome)| never(outcome))
        .map(|(entry, _)| entry.target_key.as_str())
        .collect();
    if keys.is_empty() {
        return outcomes;
    }
    let bills = bill::find(client, form, &keys, false).map_err(|blind| reason(blind.into()));
    for (entry, outcome) in entries.iter().zip(&mut outcomes) {
        let Outcome::Rejected(rejection) = &*outcome else {
            continue;
        };
        if !never(outcome) {
            continue;
        }
        let doubt = |why: &str| Outcome::Unknown(format!("{}; {why}", rejection.message));
        *outcome = match &bills {
            Err(reason) => doubt(reason),
            Ok(bills) => match the_bill(bills, entry) {
                Ok(Some(bill)) if step.is_done(&bill.status) == Some(true) => Outcome::Applied,
                Ok(Some(_)) if step.says_done(&rejection.message) => {
                    doubt("its state does not show that yet")
                }
                Ok(Some(_)) => continue,
                Ok(None) if *step == Step::Delete => Outcome::Applied,
                Ok(None) => doubt("it is not found"),
                Err(conflict) => doubt(&conflict),
            },
        };
    }
    outcomes
}

#[cfg(test)]
mod tests;
