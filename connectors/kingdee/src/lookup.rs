//! Finds documents again by their numbers.

use duijie_sdk::lookup::{Document, Finding};
use duijie_sdk::{Fault, Network};

use crate::bill::{self, Bill, Blind, same_number};
use crate::client::Client;
use crate::form::Form;

/// What it means that a number was not among the answers.
pub(crate) enum Nothing {
    Absent,
    CannotTell(String),
}

/// One finding a key, in order.
pub(crate) fn find<N: Network>(
    client: &Client<N>,
    form: &Form,
    keys: &[&str],
) -> Result<Vec<Finding>, Fault> {
    let (bills, nothing) = match standing(client, form, keys)? {
        Ok(found) => found,
        Err(refused) => return Ok(vec![Finding::CannotTell(refused); keys.len()]),
    };
    Ok(keys
        .iter()
        .map(|key| finding(&bills, key, &nothing))
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
