//! Slots that nobody was there for: deaths, failures, clocks put back.

use std::time::Duration;

use super::tests::{DAY, HOUR, MINUTE, START, at, begun, declared, every, one, zone};
use super::{Due, Ended};
use crate::{CatchUp, Cause, Cron, Missed, Schedule, State, Window};

/// Down from half past the hour until four hours later.
fn after_absence(missed: Missed) -> (Vec<f64>, Option<(u64, u64)>) {
    let schedule = Schedule {
        missed,
        ..at("0 * * * *")
    };
    let (mut scheduler, key) = one(&schedule);
    scheduler.due(START + HOUR);
    let state = scheduler
        .ended(&key, Ended::Well, START + HOUR + 1)
        .unwrap();
    let stored = State::from_bytes(&state.to_bytes().unwrap()).unwrap();
    let mut scheduler = super::tests::scheduler();
    let mut now = START + 5 * HOUR + 30 * MINUTE;
    scheduler
        .declare(declared(&key, &schedule), Some(stored), now)
        .unwrap();
    let mut hours = Vec::new();
    let mut missed = None;
    loop {
        let due = scheduler.due(now);
        hours.extend(begun(&due));
        missed = missed.or(due.missed.first().map(|(_, from, before)| (*from, *before)));
        if due.runs.is_empty() {
            return (hours, missed);
        }
        now += MINUTE;
        scheduler.ended(&key, Ended::Well, now).unwrap();
    }
}

#[test]
fn missed_slots_are_skipped_made_up_for_once_or_each() {
    let hour = |hour| START + hour * HOUR;
    let (hours, missed) = after_absence(Missed::Once);
    assert_eq!((hours, missed), (vec![5.0], Some((hour(2), hour(5)))));
    let (hours, missed) = after_absence(Missed::Skip);
    assert_eq!((hours, missed), (vec![], Some((hour(2), hour(5) + 1))));
    let (hours, missed) = after_absence(Missed::All(9));
    assert_eq!((hours, missed), (vec![2.0, 3.0, 4.0, 5.0], None));
    let (hours, missed) = after_absence(Missed::All(2));
    assert_eq!((hours, missed), (vec![4.0, 5.0], Some((hour(2), hour(4)))));
}

#[test]
fn a_run_that_could_not_be_stored_comes_again() {
    let (mut scheduler, key) = one(&at("0 6 * * *"));
    let now = START + 6 * HOUR;
    assert_eq!(scheduler.due(now).runs.len(), 1);
    scheduler.not_begun(&key).unwrap();
    assert_eq!(begun(&scheduler.due(now + 1)), [6.0]);
    assert_eq!(scheduler.due(now + 2), Due::default());
}

#[test]
fn a_run_that_was_cut_short_is_begun_again_and_not_as_another() {
    let schedule = at("0 6 * * *");
    let (mut scheduler, key) = one(&schedule);
    let state = scheduler.due(START + 6 * HOUR).runs.remove(0).state;
    let mut scheduler = super::tests::scheduler();
    let now = START + 7 * HOUR;
    scheduler
        .declare(declared(&key, &schedule), Some(state), now)
        .unwrap();
    let due = scheduler.due(now);
    assert_eq!((begun(&due), due.runs[0].attempt), (vec![6.0], 2));
    scheduler.ended(&key, Ended::Well, now).unwrap();
    assert_eq!(scheduler.due(now), Due::default());
}

#[test]
fn a_failed_run_is_tried_again_first_and_takes_newer_slots_with_it() {
    let (mut scheduler, key) = one(&every(60));
    scheduler.due(START);
    let again_ms = Some(START + 70 * MINUTE);
    scheduler
        .ended(&key, Ended::Failed { again_ms }, START + MINUTE)
        .unwrap();
    assert_eq!(scheduler.due(START + HOUR), Due::default());
    assert_eq!(scheduler.next_wake(), again_ms);
    let due = scheduler.due(START + 70 * MINUTE);
    assert_eq!((begun(&due), due.runs[0].attempt), (vec![1.0], 2));
    let ended = Ended::Failed { again_ms: None };
    scheduler.ended(&key, ended, START + 71 * MINUTE).unwrap();
    assert_eq!(scheduler.next_wake(), Some(START + 2 * HOUR));
}

#[test]
fn a_catch_up_reads_back_to_before_the_first_one_that_was_missed() {
    let catch_up = Some(CatchUp {
        at: Cron::parse("2 2 * * *", zone()).unwrap(),
        window: Duration::from_secs(3 * 86_400),
    });
    let schedule = Schedule {
        catch_up,
        ..at("0 6 * * *")
    };
    let (mut scheduler, key) = one(&schedule);
    let slot = START + 2 * HOUR + 2 * MINUTE;
    let window = |first: u64, last: u64| Window {
        from_ms: first - 3 * DAY,
        to_ms: last,
    };
    let run = scheduler.due(slot).runs.remove(0);
    assert_eq!(run.cause, Cause::CatchUp { at_ms: slot });
    assert_eq!(run.window, Some(window(slot, slot)));
    let state = scheduler.ended(&key, Ended::Well, slot + 1).unwrap();
    let mut scheduler = super::tests::scheduler();
    let now = slot + 5 * DAY + HOUR;
    scheduler
        .declare(declared(&key, &schedule), Some(state), now)
        .unwrap();
    let mut windows = Vec::new();
    for _ in 0..2 {
        windows.push(scheduler.due(now).runs.remove(0).window);
        scheduler.ended(&key, Ended::Well, now).unwrap();
    }
    // The catch-up's newest slot is older than the newest of the schedule.
    assert!(windows.contains(&None));
    assert!(
        windows.contains(&Some(window(slot + DAY, slot + 5 * DAY))),
        "{windows:?}"
    );
}

#[test]
fn a_clock_put_back_a_little_is_waited_for_and_put_back_far_is_followed() {
    let (mut scheduler, key) = one(&at("0 * * * *"));
    let now = START + 5 * HOUR;
    scheduler.due(now);
    scheduler.ended(&key, Ended::Well, now).unwrap();
    assert_eq!(scheduler.due(now - 30 * MINUTE), Due::default());
    assert_eq!(scheduler.due(now), Due::default());
    assert_eq!(begun(&scheduler.due(now + HOUR)), [6.0]);
    scheduler.ended(&key, Ended::Well, now + HOUR).unwrap();
    assert_eq!(scheduler.due(now - 2 * HOUR), Due::default());
    assert_eq!(scheduler.next_wake(), Some(now - HOUR));
}
