//! What the target must hold in the end, worked out from the source's orders alone, and how that differs from
//! what it holds.

use duijie_e2e::{arrived_bill, difference, expected};
use duijie_sim::Simulators;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What may be wrong in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// Neither in the target nor told to a person.
    Lost,
    Doubled,
    /// Another content than the source's latest version, or nothing that the source has.
    Wrong,
    /// A hold or dead letter where nobody is needed, or none where somebody is.
    Waits,
    /// A run that ended otherwise than it may, or did not end.
    Broke,
}

#[derive(Clone, Debug)]
pub struct Finding {
    pub sort: Sort,
    pub what: String,
}

impl Finding {
    pub(crate) fn new(sort: Sort, what: impl Into<String>) -> Self {
        Self {
            sort,
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {}", self.sort, self.what)
    }
}

/// Documents that a person is needed for, by their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct People {
    /// Refused by the target as long as the scene stands.
    pub(crate) refused: BTreeSet<String>,
    /// May not be changed in the target any more, and changed at the source. They keep what they held then.
    pub(crate) locked: BTreeMap<String, Value>,
    /// Changed at the source before state was restored. What is found then counts as applied, whichever version
    /// it is: the look-up tells no content.
    pub(crate) unsure: BTreeMap<String, Vec<Value>>,
}

/// What waits for a person, as the binary tells, by the number of the document; holds of a pipeline that groups
/// by the record's key, since many records share a number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) holds: BTreeMap<String, String>,
    pub(crate) letters: BTreeMap<String, String>,
    /// Groups that are held or dead letters, by their keys.
    pub(crate) held: BTreeMap<String, WaitingGroup>,
    pub(crate) refused: BTreeMap<String, WaitingGroup>,
}

#[derive(Clone, Debug)]
pub(crate) struct WaitingGroup {
    pub(crate) target_key: String,
    pub(crate) why: String,
    pub(crate) record: String,
}

/// Every order once with its latest content, except where a person is needed.
pub(crate) fn compare(simulators: &Simulators, people: &People, waiting: &Waiting) -> Vec<Finding> {
    let mut found = Vec::new();
    let orders = orders(simulators);
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    for document in simulators.documents() {
        let number = &document.bill_no;
        *arrived.entry(number.clone()).or_default() += 1;
        let Some(order) = orders.get(number) else {
            found.push(Finding::new(
                Sort::Wrong,
                format!("{number} is no shipped order"),
            ));
            continue;
        };
        let wanted = people.locked.get(number).cloned();
        let wanted = wanted.unwrap_or_else(|| expected(order));
        let bill = arrived_bill(&document).0;
        let allowed = people.unsure.get(number).map_or(&[][..], Vec::as_slice);
        let is_older = allowed
            .iter()
            .any(|older| difference(&bill, older).is_none());
        if let Some(what) = difference(&bill, &wanted)
            && !is_older
        {
            found.push(Finding::new(Sort::Wrong, what));
        }
    }
    for number in orders.keys() {
        let refused = people.refused.contains(number);
        match arrived.get(number).copied().unwrap_or_default() {
            0 if refused && waiting.letters.contains_key(number) => {}
            0 => found.push(Finding::new(Sort::Lost, format!("{number} did not arrive"))),
            1 if refused => {
                found.push(Finding::new(
                    Sort::Wrong,
                    format!("{number} arrived though refused"),
                ));
            }
            1 => {}
            times => {
                let what = format!("{number} arrived {times} times");
                found.push(Finding::new(Sort::Doubled, what));
            }
        }
    }
    found.extend(wait(people, waiting));
    found
}

fn wait(people: &People, waiting: &Waiting) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, reason) in &waiting.letters {
        if !people.refused.contains(number) {
            let what = format!("{number} is a dead letter: {reason}");
            found.push(Finding::new(Sort::Waits, what));
        }
    }
    for (number, reason) in &waiting.holds {
        if !people.locked.contains_key(number) {
            found.push(Finding::new(
                Sort::Waits,
                format!("{number} is held: {reason}"),
            ));
        }
    }
    for number in people.locked.keys() {
        if !waiting.holds.contains_key(number) {
            let what = format!("{number} may not be changed and is not held");
            found.push(Finding::new(Sort::Waits, what));
        }
    }
    found
}

/// Shipped orders by the number that their document gets.
pub(crate) fn orders(simulators: &Simulators) -> BTreeMap<String, Value> {
    let orders = simulators.orders().into_iter();
    orders
        .filter(|order| order["consign_time"] != "0000-00-00 00:00:00")
        .map(|order| (order["order_no"].as_str().unwrap().to_owned(), order))
        .collect()
}
