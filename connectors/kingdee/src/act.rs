//! Operations on documents that stand: the steps of a document's life, and
//! pushing it on. What a document says beside its number is not looked at.

use duijie_sdk::http::Purpose;
use duijie_sdk::target::{Entry, Outcome};
use duijie_sdk::{Fault, Network, Rejection, steps as contract};

use crate::bill::Bill;
use crate::client::{Call, Client, Stop};
use crate::form::Form;
use crate::lookup::{self, Nothing};
use crate::operation::Step;
use crate::outcome;
use crate::reply::Status;
use crate::settings::Options;
use crate::steps;
use crate::target::{code, reason};
use crate::tree::{quote, quote_all};

/// Takes a step with each entry's document. Those that are past it already are
/// done without a call, so that the same batch can be sent again.
pub(crate) fn step<N: Network>(
    client: &Client<N>,
    form: &Form,
    options: &Options,
    step: &Step,
    entries: &[Entry],
) -> Result<Vec<Outcome>, Fault> {
    let keys: Vec<&str> = entries
        .iter()
        .map(|entry| entry.target_key.as_str())
        .collect();
    let (bills, nothing) = match lookup::standing(client, form, &keys)? {
        Ok(found) => found,
        Err(refused) => return Err(Fault::broken(refused)),
    };
    let mut outcomes = Vec::with_capacity(entries.len());
    let (mut left, mut indices) = (Vec::new(), Vec::new());
    for (index, entry) in (0..).zip(entries) {
        let entry = contract::Entry {
            target_key: entry.target_key.clone(),
            id: entry.known_id.clone(),
        };
        let settled = settled(step, steps::the_bill(&bills, &entry), &nothing);
        if let Err(id) = &settled {
            indices.push(index);
            left.push(contract::Entry {
                id: Some(id.clone()),
                ..entry
            });
        }
        outcomes.push(settled.ok());
    }
    let mut done = if left.is_empty() {
        Vec::new()
    } else {
        steps::perform(client, form, options, step, &left, indices)?
    }
    .into_iter()
    .zip(left)
    .map(|(outcome, entry)| of_step(outcome, entry.id));
    let missing = || Outcome::Unknown("nothing is known of this entry".to_owned());
    Ok(outcomes
        .into_iter()
        .map(|outcome| outcome.or_else(|| done.next()).unwrap_or_else(missing))
        .collect())
}

/// What needs no call; the id of the document otherwise.
fn settled(
    step: &Step,
    bill: Result<Option<&Bill>, String>,
    nothing: &Nothing,
) -> Result<Outcome, String> {
    match bill {
        Err(conflict) => Ok(rejected("kingdee.other-document", conflict)),
        Ok(Some(bill)) if step.is_done(&bill.status) == Some(true) => {
            Ok(Outcome::Applied(Some(bill.id.clone())))
        }
        Ok(Some(bill)) => Err(bill.id.clone()),
        Ok(None) => Ok(match nothing {
            Nothing::Absent if *step == Step::Delete => Outcome::Applied(None),
            Nothing::Absent => {
                let message = "no document with this number".to_owned();
                rejected("kingdee.not-found", message)
            }
            Nothing::CannotTell(why) => {
                let rejection = Rejection::later("kingdee.not-found", why.as_str());
                Outcome::Rejected(rejection)
            }
        }),
    }
}

fn rejected(code: &str, message: String) -> Outcome {
    Outcome::Rejected(Rejection::never(code, message))
}

fn of_step(outcome: contract::Outcome, id: Option<String>) -> Outcome {
    match outcome {
        contract::Outcome::Applied => Outcome::Applied(id),
        contract::Outcome::Rejected(rejection) => Outcome::Rejected(rejection),
        contract::Outcome::Unknown(why) | contract::Outcome::Other(why) => Outcome::Unknown(why),
    }
}

/// Pushes each entry's document in a call of its own, because the answer names
/// the documents that came out of it and not those that went in.
pub(crate) fn push<N: Network>(
    client: &Client<N>,
    form: &Form,
    options: &Options,
    entries: &[Entry],
) -> Result<Vec<Outcome>, Fault> {
    let mut outcomes = Vec::with_capacity(entries.len());
    let mut stopped = None;
    for (index, entry) in (0..).zip(entries) {
        let key = entry.target_key.as_str();
        let outcome = match &stopped {
            Some((code, why)) => Outcome::Rejected(Rejection::later(*code, String::clone(why))),
            None => {
                let call = Call {
                    operation: "Push",
                    form: Some(&form.id),
                    op_number: None,
                };
                let data = push_data(options, key).into_bytes();
                match client.call::<Status>(call, data, Purpose::Write(vec![index])) {
                    Ok(Ok(status)) => one(status, key),
                    Ok(Err(why)) | Err(Stop::After(why)) => Outcome::Unknown(why),
                    Err(Stop::Before(fault)) if outcomes.is_empty() => return Err(fault),
                    Err(Stop::Before(fault) | Stop::Refused(fault)) => {
                        let code = code(&fault);
                        let why = reason(fault);
                        let outcome = Outcome::Rejected(Rejection::later(code, why.as_str()));
                        stopped = Some((code, why));
                        outcome
                    }
                }
            }
        };
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// All of the answer is about the one document that was pushed.
fn one(mut status: Status, key: &str) -> Outcome {
    status.success_entitys.truncate(1);
    for done in &mut status.success_entitys {
        done.index = Some(0);
    }
    for error in &mut status.errors {
        error.index = Some(0);
    }
    outcome::judge(status, &[key], false)
        .pop()
        .unwrap_or_else(|| Outcome::Unknown("nothing is known of this entry".to_owned()))
}

fn push_data(options: &Options, key: &str) -> String {
    let mut data = format!("{{\"Ids\":\"\",\"Numbers\":{}", quote_all([key]));
    for name in [
        "RuleId",
        "TargetFormId",
        "TargetBillTypeId",
        "IsEnableDefaultRule",
        "IsDraftWhenSaveFail",
    ] {
        if let Some(value) = options.get(name) {
            data.push_str(&format!(",\"{name}\":{}", quote(value)));
        }
    }
    if let Some(organisation) = options.get("TargetOrgId") {
        data.push_str(&format!(",\"TargetOrgId\":{organisation}"));
    }
    data.push('}');
    data
}

#[cfg(test)]
mod tests;
