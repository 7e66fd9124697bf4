//! What is asked of an operation that is read.

use crate::Answer;
use crate::operations::table::Question;
use crate::operations::vendors::{is_first, reading};
use duijie_e2e::{Ended, Trial, Vendor};
use duijie_sim::{FaultKind, FaultRule};

pub(crate) const QUESTIONS: &[Question] = &[
    ("request", request),
    ("signature", signature),
    ("paging", paging),
    ("incremental", incremental),
    ("errors", errors),
    ("crash", crash),
];

/// Systems tell time in seconds, so that a run may see nothing new until the clock has moved on: runs go on
/// until one ends as it should, or for this long.
const SECONDS: i64 = 4;

/// Whether a run comes that `ends`; each is asked.
fn until(trial: &Trial, mut ends: impl FnMut(Ended) -> bool) -> bool {
    let began = trial.simulators.clock().now();
    loop {
        if ends(trial.run()) {
            return true;
        }
        if trial.simulators.clock().now() > began + SECONDS {
            return false;
        }
    }
}

/// Runs until everything arrived and the system waits for no word about it, or says what is missing.
pub(crate) fn arrives(trial: &Trial) -> Answer {
    let waiting = || trial.system().waiting(&trial.collection);
    let arrived = until(trial, |ended| {
        ended.expect(0);
        trial.arrived() == trial.truth() && waiting() == 0
    });
    if arrived {
        return Ok("yes");
    }
    let (arrived, truth) = (trial.arrived(), trial.truth());
    let missing: Vec<&String> = truth.iter().filter(|row| !arrived.contains(row)).collect();
    let strange: Vec<&String> = arrived.iter().filter(|row| !truth.contains(row)).collect();
    Err(format!(
        "{} arrived of {}, {} not acknowledged; missing {:.600?}; not of the system {:.600?}",
        arrived.len(),
        truth.len(),
        waiting(),
        missing.first(),
        strange.first()
    ))
}

/// The strict simulator takes every request, and everything arrives with all its digits.
pub(crate) fn request(vendor: Vendor, collection: &str) -> Answer {
    let trial = reading(vendor, collection, None);
    if trial.truth().is_empty() {
        return Err("the simulator has nothing to read".to_owned());
    }
    arrives(&trial)
}

/// With another secret nothing is read, and the run says whose it is.
pub(crate) fn signature(vendor: Vendor, collection: &str) -> Answer {
    for secret in vendor.secrets {
        let trial = reading(vendor, collection, None);
        let before = trial.arrived();
        trial.spoil_secret(secret);
        trial.run().expect(1).says(&[vendor.name]);
        if trial.arrived() != before {
            return Err(format!("something arrived under a wrong {secret}"));
        }
    }
    Ok("yes")
}

/// Pages of 1, 7 and the most there is, with rows added and changed while they are read.
pub(crate) fn paging(vendor: Vendor, collection: &str) -> Answer {
    let pages = [Some(1), Some(7), None];
    let pages = if is_first(vendor) {
        &pages[..]
    } else {
        &pages[1..]
    };
    for page in pages.iter().copied() {
        let trial = reading(vendor, collection, page);
        let before = trial.system().rows(collection);
        let running = trial.start("duijie", &["run", "trial", "--json"], &[]);
        trial.wait_for_count(if page == Some(1) { 2 } else { 1 });
        trial.system().add_rows(collection, 2);
        for row in [before.first(), before.get(before.len() / 2), before.last()] {
            trial.system().change_row(collection, &row.unwrap().key);
        }
        running.end().expect(0);
        arrives(&trial).map_err(|why| format!("pages of {page:?}: {why}"))?;
    }
    Ok("yes")
}

/// A second run brings nothing, a third what is new and what was changed.
pub(crate) fn incremental(vendor: Vendor, collection: &str) -> Answer {
    let trial = reading(vendor, collection, None);
    arrives(&trial)?;
    let again = trial.run().expect(0).data();
    if again["applied"] != 0 {
        return Err(format!("a second run applied {}", again["applied"]));
    }
    let known = trial.system().rows(collection);
    let changed = trial.system().change_row(collection, &known[0].key);
    let added = trial.system().add_rows(collection, 2).len();
    let expected = added + usize::from(changed);
    let mut applied = 0;
    until(&trial, |ended| {
        applied += ended.expect(0).data()["applied"].as_u64().unwrap();
        trial.arrived() == trial.truth()
    });
    if applied != expected as u64 {
        return Err(format!(
            "{applied} came after {expected} were new or changed"
        ));
    }
    arrives(&trial)
}

const PASSING: [FaultKind; 5] = [
    FaultKind::Html200,
    FaultKind::TruncatedJson,
    FaultKind::WrongEnvelope,
    FaultKind::Status502Before,
    FaultKind::DropBefore,
];

/// Bad answers are asked for again; one that stays bad ends the run with words, and the next run goes on.
pub(crate) fn errors(vendor: Vendor, collection: &str) -> Answer {
    let trial = reading(vendor, collection, None);
    for kind in PASSING {
        trial
            .simulators
            .add_fault(FaultRule::once(&trial.operation(), kind));
    }
    arrives(&trial)?;
    let lasting = FaultRule {
        times: None,
        ..FaultRule::once(&trial.operation(), FaultKind::Html200)
    };
    trial.simulators.add_fault(lasting);
    let mut last = None;
    until(&trial, |ended| {
        let fails = ended.code == 1;
        last = Some(ended);
        fails
    });
    let words = [vendor.name, "nothing is lost"];
    last.unwrap().expect(1).says(&words);
    trial.simulators.clear_faults();
    arrives(&trial)
}

/// Killed wherever it stands in its reading.
fn crash(vendor: Vendor, collection: &str) -> Answer {
    let trial = reading(vendor, collection, Some(5));
    let mut asked = 0;
    let kills = [1, 2, 1];
    let kills = if is_first(vendor) {
        &kills[..]
    } else {
        &kills[1..2]
    };
    for more in kills {
        let running = trial.start("duijie", &["run", "trial", "--json"], &[]);
        asked += more;
        let reached = trial.simulators.wait_for_count(
            &trial.operation(),
            asked,
            std::time::Duration::from_millis(700),
        );
        running.kill();
        running.end();
        let counts = trial.simulators.counts();
        asked = counts.get(&trial.operation()).copied().unwrap_or_default();
        if !reached {
            break;
        }
    }
    arrives(&trial)
}
