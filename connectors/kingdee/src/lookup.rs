//! Finds documents again by their numbers.

use duijie_sdk::lookup::{Document, Finding, State};
use duijie_sdk::{Fault, Network};

use crate::bill::{self, Bill, Blind, same_number};
use crate::client::Client;
use crate::form::Form;
use crate::operation::{Operation, Step};
use crate::settings::{Options, Pipeline};

/// What it means that a number was not among the answers.
pub(crate) enum Nothing {
    Absent,
    CannotTell(String),
}

/// One finding a key, in order.
pub(crate) fn find<N: Network>(
    client: &Client<N>,
    form: &Form,
    operation: &Operation,
    keys: &[&str],
) -> Result<Vec<Finding>, Fault> {
    let (bills, nothing) = match standing(client, form, keys)? {
        Ok(found) => found,
        Err(refused) => return Ok(vec![Finding::CannotTell(refused); keys.len()]),
    };
    Ok(keys
        .iter()
        .map(|key| match operation {
            Operation::Save(_) | Operation::Push => finding(&bills, key, &nothing),
            Operation::Step(step) => taken(step, &bills, key, &nothing),
        })
        .collect())
}

/// The documents that carry these numbers, and what it means for the others.
/// The inner error says why the system does not answer the query.
///
/// A missing permission can look like an empty answer, so nothing counts as
/// absent until something was shown: one of the documents asked for, or any
/// document of the form. A form that shows none is believed to be empty when the
/// system says of a number that it does not exist, instead of that it may not be
/// seen, and refuses duplicate numbers, so that an error of judgement cannot
/// double a document.
pub(crate) fn standing<N: Network>(
    client: &Client<N>,
    form: &Form,
    keys: &[&str],
) -> Result<Result<(Vec<Bill>, Nothing), String>, Fault> {
    let bills = match bill::find(client, form, keys, false) {
        Ok(bills) => bills,
        Err(Blind::Fault(fault)) => return Err(fault),
        Err(Blind::Refused(reason)) => return Ok(Err(reason)),
    };
    let nothing = match absence(client, form, &bills, keys.first().copied()) {
        Ok(nothing) => nothing,
        Err(Blind::Fault(fault)) => return Err(fault),
        Err(Blind::Refused(reason)) => Nothing::CannotTell(reason),
    };
    Ok(Ok((bills, nothing)))
}

fn absence<N: Network>(
    client: &Client<N>,
    form: &Form,
    bills: &[Bill],
    asked: Option<&str>,
) -> Result<Nothing, Blind> {
    let Some(key) = asked else {
        return Ok(Nothing::Absent);
    };
    if !bills.is_empty() || bill::shows_any(client, form)? {
        return Ok(Nothing::Absent);
    }
    if form.refuses_duplicates() && bill::is_unknown(client, form, key)? {
        return Ok(Nothing::Absent);
    }
    Ok(Nothing::CannotTell(format!(
        "the system shows no document of `{}` at all: the user may lack the right to see them",
        form.id
    )))
}

/// The form that documents are pushed to, looked at by the number that they
/// came from.
pub(crate) fn pushed(options: &Options) -> Option<Form> {
    let target = options.get("TargetFormId")?;
    let usual = Form::new(target, &Pipeline::default());
    let source = usual.known.and_then(|known| {
        let named = |name| known.field(known.entity, name);
        named("FSrcBillNo").or_else(|| named("FSourceBillNo"))
    });
    let key = source.map_or("FSrcBillNo", |line| line.name);
    let pipeline = Pipeline {
        key: Some(key.to_owned()),
        ..Pipeline::default()
    };
    Some(Form::new(target, &pipeline))
}

/// Whether a step was taken: what counts is the document's own state.
fn taken(step: &Step, bills: &[Bill], key: &str, nothing: &Nothing) -> Finding {
    let gone = *step == Step::Delete;
    match finding(bills, key, nothing) {
        // It never stood, or it was deleted: both are what was wanted.
        Finding::Absent if gone => Finding::Found(Document {
            id: key.to_owned(),
            state: State::Cancelled,
            fingerprint: None,
        }),
        Finding::Found(document) => {
            let state = bills
                .iter()
                .find(|bill| bill.id == document.id)
                .map_or("", |bill| bill.status.as_str());
            match step.is_done(state) {
                Some(true) => Finding::Found(document),
                Some(false) => Finding::Absent,
                None => Finding::CannotTell(format!("`{state}` does not tell of this operation")),
            }
        }
        other => other,
    }
}

fn finding(bills: &[Bill], key: &str, nothing: &Nothing) -> Finding {
    let mut found = bills
        .iter()
        .filter(|bill| same_number(&bill.number, key))
        .map(|bill| Document {
            id: bill.id.clone(),
            state: bill.state(),
            fingerprint: None,
        });
    match (found.next(), found.next()) {
        (None, _) => match nothing {
            Nothing::Absent => Finding::Absent,
            Nothing::CannotTell(reason) => Finding::CannotTell(reason.clone()),
        },
        (Some(document), None) => Finding::Found(document),
        (Some(first), Some(second)) => {
            Finding::FoundTwice([first, second].into_iter().chain(found).collect())
        }
    }
}

#[cfg(test)]
mod tests;
