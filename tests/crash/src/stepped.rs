//! What must come of a pipeline with steps, beside what must come of any: every bill is audited, and what
//! changed at the source after the target locked it waits for a person.

use crate::model::{Finding, People, Sort, Waiting, orders};
use duijie_e2e::{arrived_bill, difference, expected};
use duijie_sim::Simulators;

/// Bills that hold an older version of their order and are held are rightly so: whether a change came before
/// or after the bill was locked is the machine's timing.
pub(crate) fn lock(simulators: &Simulators, people: &mut People, waiting: &Waiting) {
    let orders = orders(simulators);
    for document in simulators.documents() {
        let number = &document.bill_no;
        let Some(order) = orders.get(number) else {
            continue;
        };
        let stands = arrived_bill(&document).0;
        let is_older = difference(&stands, &expected(order)).is_some()
            && simulators.superseded_orders().iter().any(|older| {
                older["order_no"] == **number && difference(&stands, &expected(older)).is_none()
            });
        if is_older && waiting.holds.contains_key(number) {
            people.locked.insert(number.clone(), stands);
        }
    }
}

/// The target refuses to submit or audit a bill twice, so that a step that is taken twice shows as a dead
/// letter.
pub(crate) fn audited(simulators: &Simulators) -> Vec<Finding> {
    let documents = simulators.documents().into_iter();
    let unaudited = documents.filter(|document| document.status != 'C');
    unaudited
        .map(|document| {
            let what = format!("{} is left as {}", document.bill_no, document.status);
            Finding::new(Sort::Lost, what)
        })
        .collect()
}
