//! What is asked of a queue: rows come again until the system was told what became of each. Requests, signature,
//! errors and paging (drained while rows are added) are asked as of everything that is read.

use crate::Answer;
use crate::operations::read::{self, arrives};
use crate::operations::table::Question;
use crate::operations::vendors::{QUEUES, is_first, reading};
use duijie_e2e::{Trial, Vendor};
use duijie_sim::{FaultKind, FaultRule};

pub(crate) const QUESTIONS: &[Question] = &[
    ("request", read::request),
    ("signature", read::signature),
    ("paging", read::paging),
    ("incremental", incremental),
    ("errors", errors),
    ("crash", crash),
];

/// The call that acknowledges, as fault rules have it.
fn acknowledgement(trial: &Trial) -> String {
    let queue = QUEUES.iter().find(|(query, _)| *query == trial.collection);
    format!("{}.{}", trial.vendor.name, queue.unwrap().1)
}

/// What was acknowledged comes no more, what was not comes again, and arrives once all the same.
fn incremental(vendor: Vendor, collection: &str) -> Answer {
    read::incremental(vendor, collection)?;
    let trial = reading(vendor, collection, None);
    let count = trial.system().rows(collection).len();
    let deaf = FaultRule {
        times: None,
        ..FaultRule::once(&acknowledgement(&trial), FaultKind::Status502Before)
    };
    trial.simulators.add_fault(deaf);
    trial.run();
    if (trial.arrived().len(), trial.system().waiting(collection)) != (count, count) {
        return Err("what was not acknowledged is gone".to_owned());
    }
    trial.simulators.clear_faults();
    let again = trial.run().expect(0).data();
    if again["applied"] != 0 {
        return Err(format!("what arrived before arrived again: {again}"));
    }
    arrives(&trial)
}

/// As of everything that is read; an acknowledgement without an answer is given again.
fn errors(vendor: Vendor, collection: &str) -> Answer {
    read::errors(vendor, collection)?;
    let trial = reading(vendor, collection, None);
    for kind in [FaultKind::Status502Before, FaultKind::DropAfterApply] {
        let rule = FaultRule::once(&acknowledgement(&trial), kind);
        trial.simulators.add_fault(rule);
    }
    arrives(&trial)
}

/// Killed around sending and around acknowledging.
fn crash(vendor: Vendor, collection: &str) -> Answer {
    let trial = reading(vendor, collection, Some(5));
    let points = [
        "BeforeAcknowledge",
        "AfterAcknowledge",
        "AfterSend",
        "AfterOutcome",
    ];
    let points = if is_first(vendor) {
        &points[..]
    } else {
        &points[..2]
    };
    for point in points {
        let ended = trial.run_and_kill(point, 1);
        if ended.code != 137 {
            return Err(format!("no kill at {point}: {ended:?}"));
        }
    }
    arrives(&trial)
}
