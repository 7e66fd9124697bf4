//! A subset of the crash matrix that fits among the other tests. `cargo xtask crash` plays all of it.

// The lint table exempts unit tests only; all of this is test code too.
#![allow(clippy::panic, clippy::indexing_slicing)]

use duijie_crash::{Case, Class, Fault, Played, Row, Shape, play, without};
use duijie_store::chaos::Guard;
use std::sync::Mutex;

/// Cases played side by side: most of their time is waiting.
const WORKERS: usize = 3;

/// Plays the cases; a case that finds anything is told by the name that plays it alone again.
#[track_caller]
fn check(cases: Vec<Case>) {
    let left = Mutex::new(cases);
    let failed = Mutex::new(Vec::new());
    let work = || {
        loop {
            let next = left.lock().unwrap_or_else(|error| error.into_inner()).pop();
            let Some(case) = next else { return };
            let Played { found, .. } = play(&case);
            if !found.is_empty() {
                let found: Vec<String> = found.iter().map(ToString::to_string).collect();
                let told = format!("cargo xtask crash --case {case}\n  {}", found.join("\n  "));
                failed
                    .lock()
                    .unwrap_or_else(|error| error.into_inner())
                    .push(told);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(work);
        }
    });
    let failed = failed
        .into_inner()
        .unwrap_or_else(|error| error.into_inner());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn case(row: Row, fault: Fault, class: Class, seed: u64) -> Case {
    Case {
        row,
        fault,
        class,
        seed,
        documents: 60,
        settle_ms: 300,
        off: None,
        shape: Shape::Plain,
    }
}

/// Every row, each with some columns.
fn some(shape: Shape, rounds: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    for (at, row) in Row::all(shape).into_iter().enumerate() {
        for round in 0..rounds {
            // Five, two and thirteen have no common factor, so that every column comes up.
            let fault = Fault::ALL[(at * 5 + round * 2) % Fault::ALL.len()];
            let class = [Class::UniqueKey, Class::Lookup][round % 2];
            let seed = (at * rounds + round) as u64;
            cases.push(Case {
                shape,
                ..case(row, fault, class, seed)
            });
        }
    }
    cases
}

#[test]
fn wherever_it_is_killed_and_whatever_fails_each_document_arrives_once() {
    check(some(Shape::Plain, 6));
}

#[test]
fn wherever_it_is_killed_and_whatever_fails_each_order_is_in_one_bill_of_its_group() {
    check(some(Shape::Grouped, 3));
}

#[test]
fn wherever_it_is_killed_and_whatever_fails_each_bill_is_submitted_and_audited() {
    check(some(Shape::Stepped, 3));
}

#[test]
fn what_is_seen_three_seconds_late_under_a_number_that_is_not_unique_arrives_once() {
    let faults = [Fault::DelayedVisibility, Fault::LateApply, Fault::All];
    let cases = faults.into_iter().enumerate().map(|(seed, fault)| Case {
        settle_ms: 3_750,
        ..case(Row::Outside, fault, Class::Lookup, seed as u64)
    });
    check(cases.collect());
}

#[test]
fn a_guard_that_is_taken_away_is_missed() {
    for guard in Guard::ALL {
        let found = without(guard, 1, &|_, _| {});
        assert!(found.is_some(), "nothing is found without {guard:?}");
    }
}
