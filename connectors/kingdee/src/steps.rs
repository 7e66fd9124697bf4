//! Submit and audit of documents that stand, and how far each has come. What
//! counts is a document's own state, not the words of a refusal.

use duijie_sdk::http::Purpose;
use duijie_sdk::steps::{Entry, Outcome, Progress};
use duijie_sdk::{Fault, Network, Problem, target};
use serde_json::{Value, json};

use crate::bill::{self, Bill, same_number};
use crate::client::{Client, Stop};
use crate::form::Form;
use crate::lookup::{self, Nothing};
use crate::outcome;
use crate::reply::{Status, Success};
use crate::settings::Options;
use crate::target::{code, reason};

/// The steps in the order in which the system takes them.
pub(crate) const NAMES: [&str; 2] = [Step::Submit.name(), Step::Audit.name()];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Submit,
    Audit,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Audit => "audit",
        }
    }

    fn of(name: &str) -> Result<Self, Fault> {
        let all = [Self::Submit, Self::Audit];
        let found = all.into_iter().find(|step| step.name() == name);
        found.ok_or_else(|| {
            let message = format!("there is no step `{name}`");
            let hint = format!("it has: {}", NAMES.join(", "));
            Fault::invalid(Problem::new("", message).hint(hint))
        })
    }

    fn operation(self) -> &'static str {
        match self {
            Self::Submit => "Submit",
            Self::Audit => "Audit",
        }
    }

    /// Whether a refusal says that a document is past it already. The words
    /// are the system's for people and may change, so they only raise doubt.
    fn says_done(self, message: &str) -> bool {
        let words: &[&str] = match self {
            Self::Submit => &["已审核", "已经审核", "已提交", "已经提交", "审核中"],
            Self::Audit => &["已审核", "已经审核"],
        };
        words.iter().any(|word| message.contains(word))
    }

    /// Whether a document is past it: B is in approval, C approved.
    fn is_done(self, bill: &Bill) -> bool {
        match self {
            Self::Submit => matches!(bill.status.as_str(), "B" | "C"),
            Self::Audit => bill.status == "C",
        }
    }
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
fn the_bill<'b>(bills: &'b [Bill], entry: &Entry) -> Result<Option<&'b Bill>, String> {
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
    let known = matches!(bill.status.as_str(), "A" | "B" | "C" | "D" | "Z");
    if !known {
        return Progress::CannotTell(format!("FDocumentStatus `{}`", bill.status));
    }
    let done = [Step::Submit, Step::Audit].into_iter();
    let done = done.filter(|step| step.is_done(bill));
    Progress::Done(done.map(|step| step.name().to_owned()).collect())
}

/// One outcome an entry, in order.
pub(crate) fn perform<N: Network>(
    client: &Client<N>,
    form: &Form,
    options: &Options,
    step: &str,
    entries: &[Entry],
) -> Result<Vec<Outcome>, Fault> {
    let step = Step::of(step)?;
    let data = data(step, options, entries).to_string().into_bytes();
    let purpose = Purpose::Write((0..).zip(entries).map(|(index, _)| index).collect());
    let keys: Vec<&str> = entries
        .iter()
        .map(|entry| entry.target_key.as_str())
        .collect();
    let told = client.call::<Status>(step.operation(), Some(&form.id), data, purpose);
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
fn data(step: Step, options: &Options, entries: &[Entry]) -> Value {
    let ids: Option<Vec<&str>> = entries.iter().map(|entry| entry.id.as_deref()).collect();
    let numbers: Vec<&str> = match ids {
        Some(_) => Vec::new(),
        None => entries.iter().map(|entry| &*entry.target_key).collect(),
    };
    let ids = ids.unwrap_or_default().join(",");
    let mut data = json!({ "CreateOrgId": 0, "Numbers": numbers, "Ids": ids, "NetworkCtrl": "" });
    let mut set = |option: &str, value: Value| {
        if let Value::Object(data) = &mut data {
            data.insert(option.to_owned(), value);
        }
    };
    if let Some(ignore) = options.ignore_interation_flag {
        set("IgnoreInterationFlag", ignore.into());
    }
    match step {
        Step::Submit => set("SelectedPostId", 0.into()),
        Step::Audit => {
            let flags = options.interation_flags.as_deref().unwrap_or_default();
            set("InterationFlags", flags.into());
            set("IsVerifyProcInst", true.into());
        }
    }
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
    step: Step,
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
                Ok(Some(bill)) if step.is_done(bill) => Outcome::Applied,
                Ok(Some(_)) if step.says_done(&rejection.message) => {
                    doubt("its state does not show that yet")
                }
                Ok(Some(_)) => continue,
                Ok(None) => doubt("it is not found"),
                Err(conflict) => doubt(&conflict),
            },
        };
    }
    outcomes
}

#[cfg(test)]
mod tests;
