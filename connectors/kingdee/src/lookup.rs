//! Finds documents again by their numbers.

use duijie_sdk::lookup::{Document, Finding};
use duijie_sdk::{Fault, Network};

use crate::bill::{self, Bill, Blind, same_number};
use crate::client::Client;
use crate::form::Form;

/// One finding a key, in order.
///
/// A missing permission can look like an empty answer, so nothing counts as
/// absent until something was shown: one of the documents asked for, or any
/// document of the form. A form that shows none is believed to be empty when the
/// system says of a number that it does not exist, instead of that it may not be
/// seen, and refuses duplicate numbers, so that an error of judgement cannot
/// double a document.
pub(crate) fn find<N: Network>(
    client: &Client<N>,
    form: &Form,
    keys: &[&str],
) -> Result<Vec<Finding>, Fault> {
    let bills = match bill::find(client, form, keys, false) {
        Ok(bills) => bills,
        Err(Blind::Fault(fault)) => return Err(fault),
        Err(Blind::Refused(reason)) => return Ok(vec![Finding::CannotTell(reason); keys.len()]),
    };
    let nothing = match absence(client, form, &bills, keys.first().copied()) {
        Ok(finding) => finding,
        Err(Blind::Fault(fault)) => return Err(fault),
        Err(Blind::Refused(reason)) => Finding::CannotTell(reason),
    };
    Ok(keys
        .iter()
        .map(|key| finding(&bills, key, &nothing))
        .collect())
}

/// What it means that a number was not among the answers.
fn absence<N: Network>(
    client: &Client<N>,
    form: &Form,
    bills: &[Bill],
    asked: Option<&str>,
) -> Result<Finding, Blind> {
    let Some(key) = asked else {
        return Ok(Finding::Absent);
    };
    if !bills.is_empty() || bill::shows_any(client, form)? {
        return Ok(Finding::Absent);
    }
    if form.refuses_duplicates() && bill::is_unknown(client, form, key)? {
        return Ok(Finding::Absent);
    }
    Ok(Finding::CannotTell(format!(
        "the system shows no document of `{}` at all: the user may lack the right to see them",
        form.id
    )))
}

fn finding(bills: &[Bill], key: &str, nothing: &Finding) -> Finding {
    let mut found = bills
        .iter()
        .filter(|bill| same_number(&bill.number, key))
        .map(|bill| Document {
            id: bill.id.clone(),
            state: bill.state(),
            fingerprint: None,
        });
    match (found.next(), found.next()) {
        (None, _) => nothing.clone(),
        (Some(document), None) => Finding::Found(document),
        (Some(first), Some(second)) => {
            Finding::FoundTwice([first, second].into_iter().chain(found).collect())
        }
    }
}

#[cfg(test)]
mod tests;
