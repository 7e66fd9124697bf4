//! What becomes of slots, told as a person would: by the hour.

use std::time::Duration;

use super::{Declared, Due, Ended, Limits, Scheduler};
use crate::{Cause, Cron, Error, Key, Missed, OnlyIf, Schedule, Share, Tenant, When, Window, Zone};

pub(super) const MINUTE: u64 = 60_000;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;
/// 2026-06-01 in Shanghai, midnight.
pub(super) const START: u64 = 1_780_243_200_000;

pub(super) fn zone() -> Zone {
    Zone::named("Asia/Shanghai").unwrap()
}

pub(super) fn at(pattern: &str) -> Schedule {
    schedule(When::At(Cron::parse(pattern, zone()).unwrap()))
}

pub(super) fn every(minutes: u64) -> Schedule {
    schedule(When::Every(Duration::from_secs(60 * minutes)))
}

fn schedule(when: When) -> Schedule {
    Schedule {
        when,
        zone: zone(),
        jitter: Duration::ZERO,
        missed: Missed::Once,
        only_if: OnlyIf::default(),
        catch_up: None,
    }
}

pub(super) fn key(tenant: &str, scope: &str) -> Key {
    Key {
        tenant: Tenant(tenant.to_owned()),
        scope: scope.into(),
    }
}

pub(super) fn declared(key: &Key, schedule: &Schedule) -> Declared {
    Declared {
        key: key.clone(),
        name: key.scope.as_str().into(),
        enabled: true,
        schedule: Some(schedule.clone()),
    }
}

pub(super) fn scheduler() -> Scheduler {
    Scheduler::new(Limits { runs: 100 }, 1)
}

pub(super) fn one(schedule: &Schedule) -> (Scheduler, Key) {
    let key = key("a", "orders");
    let mut scheduler = scheduler();
    scheduler
        .declare(declared(&key, schedule), None, START)
        .unwrap();
    (scheduler, key)
}

/// Hours since the start of the slots whose runs begin.
pub(super) fn begun(due: &Due) -> Vec<f64> {
    let hours = due.runs.iter().map(|run| match run.cause {
        Cause::Slot { at_ms } | Cause::CatchUp { at_ms } => {
            #[allow(clippy::cast_precision_loss)] // Hours of a day.
            let hours = at_ms.saturating_sub(START) as f64 / 3_600_000.0;
            hours
        }
        Cause::After | Cause::Asked => -1.0,
    });
    hours.collect()
}

/// Goes from wake to wake until `until`; each run takes `takes`.
fn live(scheduler: &mut Scheduler, key: &Key, until: u64, takes: u64) -> Vec<(u64, Cause)> {
    let mut all = Vec::new();
    let mut ends = None;
    loop {
        let wake = scheduler.next_wake().into_iter().chain(ends).min();
        let Some(now) = wake.filter(|now| *now <= until) else {
            return all;
        };
        if ends.is_some_and(|at| at <= now) {
            scheduler.ended(key, Ended::Well, now).unwrap();
            ends = None;
        }
        for run in scheduler.due(now).runs {
            assert!(ends.is_none(), "two runs at once");
            ends = Some(now + takes);
            all.push((now, run.cause));
        }
    }
}

#[test]
fn an_interval_begins_at_once_and_keeps_to_its_grid() {
    let (mut scheduler, key) = one(&every(60));
    let all = live(&mut scheduler, &key, START + 3 * HOUR, 20 * MINUTE);
    let times: Vec<u64> = all.iter().map(|(now, _)| (now - START) / MINUTE).collect();
    assert_eq!(times, [0, 60, 120, 180]);
}

#[test]
fn slots_that_come_while_a_run_goes_on_become_one_run_after_it() {
    let (mut scheduler, key) = one(&every(60));
    let all = live(&mut scheduler, &key, START + 6 * HOUR, 150 * MINUTE);
    let times: Vec<u64> = all.iter().map(|(now, _)| (now - START) / MINUTE).collect();
    assert_eq!(times, [0, 150, 300]);
}

#[test]
fn a_cron_schedule_waits_for_its_first_slot() {
    let (mut scheduler, key) = one(&at("0 6 * * *"));
    assert_eq!(scheduler.next_wake(), Some(START + 6 * HOUR));
    let all = live(&mut scheduler, &key, START + 2 * DAY, MINUTE);
    let slots: Vec<Cause> = all.iter().map(|(_, cause)| *cause).collect();
    let at_ms = START + 6 * HOUR;
    let next_day = Cause::Slot { at_ms: at_ms + DAY };
    assert_eq!(slots, [Cause::Slot { at_ms }, next_day]);
}

#[test]
fn a_pipeline_runs_after_all_that_it_waits_for_and_only_once() {
    let (mut scheduler, first) = one(&at("0 6 * * *"));
    let second = key("a", "stock");
    scheduler
        .declare(declared(&second, &at("0 7 * * *")), None, START)
        .unwrap();
    let third = key("a", "report");
    let after = schedule(When::After(vec!["orders".into(), "stock".into()]));
    scheduler
        .declare(declared(&third, &after), None, START)
        .unwrap();
    let failed = Ended::Failed { again_ms: None };
    for (hour, key, ended, expected) in [
        (6, &first, Ended::Well, 0),
        (7, &second, failed, 0),
        (30, &first, Ended::Well, 0),
        (31, &second, Ended::Well, 1),
    ] {
        let now = START + hour * HOUR;
        assert_eq!(scheduler.due(now).runs.len(), 1, "{hour}");
        scheduler.ended(key, ended, now + 1).unwrap();
        assert_eq!(scheduler.due(now + 2).runs.len(), expected, "{hour}");
    }
    let state = scheduler
        .ended(&third, Ended::Well, START + 32 * HOUR)
        .unwrap();
    // What it came after is remembered over a restart.
    let (orders, stock) = (scheduler.state(&first), scheduler.state(&second));
    let (orders, stock) = (orders.unwrap().clone(), stock.unwrap().clone());
    let mut scheduler = self::scheduler();
    let now = START + 33 * HOUR;
    scheduler
        .declare(declared(&third, &after), Some(state), now)
        .unwrap();
    scheduler
        .declare(declared(&first, &at("0 6 * * *")), Some(orders), now)
        .unwrap();
    scheduler
        .declare(declared(&second, &at("0 7 * * *")), Some(stock), now)
        .unwrap();
    assert_eq!(scheduler.due(now), Due::default());
}

#[test]
fn a_run_waits_until_another_has_finished_that_day() {
    let (mut scheduler, other) = one(&at("30 7 * * *"));
    let waits = key("a", "report");
    let only_if = OnlyIf {
        finished_today: vec!["orders".into()],
    };
    let schedule = Schedule {
        only_if,
        ..at("0 7 * * *")
    };
    scheduler
        .declare(declared(&waits, &schedule), None, START)
        .unwrap();
    assert_eq!(scheduler.due(START + 7 * HOUR), Due::default());
    assert_eq!(begun(&scheduler.due(START + 7 * HOUR + 30 * MINUTE)), [7.5]);
    scheduler
        .ended(&other, Ended::Well, START + 8 * HOUR)
        .unwrap();
    assert_eq!(begun(&scheduler.due(START + 8 * HOUR)), [7.0]);
    scheduler
        .ended(&waits, Ended::Well, START + 8 * HOUR)
        .unwrap();
    assert_eq!(scheduler.due(START + DAY + 7 * HOUR), Due::default());
}

#[test]
fn nothing_of_what_is_paused_begins_and_its_slots_are_missed() {
    let (mut scheduler, orders) = one(&every(60));
    scheduler.due(START);
    scheduler.ended(&orders, Ended::Well, START).unwrap();
    let state = scheduler.pause(&orders, true).unwrap();
    assert!(state.is_paused());
    assert_eq!(scheduler.next_wake(), None);
    assert!(matches!(scheduler.ask(&orders, None), Err(Error::Off(_))));
    scheduler.pause(&orders, false).unwrap();
    let due = scheduler.due(START + 3 * HOUR + 1);
    assert_eq!((begun(&due), due.missed.len()), (vec![3.0], 1));
    scheduler
        .ended(&orders, Ended::Well, START + 3 * HOUR + 1)
        .unwrap();
    let tenant = orders.tenant.clone();
    scheduler.pause_tenant(&tenant, true);
    assert_eq!(scheduler.due(START + 4 * HOUR), Due::default());
    let late = key("a", "late");
    scheduler
        .declare(declared(&late, &every(60)), None, START + 4 * HOUR)
        .unwrap();
    assert_eq!(scheduler.due(START + 4 * HOUR), Due::default());
    scheduler.pause_tenant(&tenant, false);
    assert_eq!(scheduler.due(START + 4 * HOUR).runs.len(), 2);
}

#[test]
fn what_a_person_asks_for_comes_beside_the_schedule_and_survives() {
    let schedule = at("0 6 * * *");
    let (mut scheduler, key) = one(&schedule);
    let window = Some(Window {
        from_ms: 1,
        to_ms: 2,
    });
    scheduler.ask(&key, window).unwrap();
    scheduler.ask(&key, window).unwrap();
    let state = scheduler.ask(&key, None).unwrap();
    let mut scheduler = self::scheduler();
    scheduler
        .declare(declared(&key, &schedule), Some(state), START)
        .unwrap();
    let mut asked = Vec::new();
    while let Some(run) = scheduler.due(START).runs.pop() {
        asked.push((run.cause, run.window));
        scheduler.ended(&key, Ended::Well, START).unwrap();
    }
    assert_eq!(asked, [(Cause::Asked, window), (Cause::Asked, None)]);
    assert_eq!(scheduler.next_wake(), Some(START + 6 * HOUR));
}

#[test]
fn jitter_moves_all_slots_of_a_pipeline_alike() {
    let schedule = Schedule {
        jitter: Duration::from_secs(600),
        ..at("0 * * * *")
    };
    let mut offsets = Vec::new();
    for scope in ["a", "b", "c"] {
        let key = key("t", scope);
        let mut scheduler = scheduler();
        scheduler
            .declare(declared(&key, &schedule), None, START)
            .unwrap();
        let all = live(&mut scheduler, &key, START + DAY, MINUTE);
        let mut late = all.iter().map(|(now, _)| now % HOUR);
        let offset = late.next().unwrap();
        assert!(offset <= 10 * MINUTE && late.all(|other| other == offset));
        offsets.push(offset);
    }
    offsets.dedup();
    assert!(offsets.len() > 1, "{offsets:?}");
}

#[test]
fn a_pipeline_that_goes_while_it_runs_leaves_nothing_behind() {
    let (mut scheduler, key) = one(&every(60));
    let share = Share { weight: 1, runs: 1 };
    scheduler.share(&key.tenant, share);
    scheduler.due(START);
    scheduler.remove(&key);
    assert_eq!(scheduler.next_wake(), None);
    scheduler.ended(&key, Ended::Well, START + 1).unwrap();
    assert!(matches!(scheduler.state(&key), Err(Error::Unknown(_))));
    scheduler
        .declare(declared(&key, &every(60)), None, START + 2)
        .unwrap();
    assert_eq!(scheduler.due(START + 2).runs.len(), 1);
}

#[test]
fn two_pipelines_of_a_tenant_do_not_share_a_name() {
    let (mut scheduler, _) = one(&every(60));
    let mut other = declared(&key("a", "other"), &every(60));
    other.name = "orders".into();
    let refused = scheduler.declare(other, None, START);
    assert!(matches!(refused, Err(Error::Twice(_))));
}

#[test]
fn a_tenant_that_goes_leaves_nothing_behind() {
    let (mut scheduler, key) = one(&every(60));
    scheduler.share(&key.tenant, Share { weight: 1, runs: 0 });
    scheduler.pause_tenant(&key.tenant, true);
    scheduler.remove_tenant(&key.tenant);
    assert_eq!(scheduler.due(START + HOUR), Due::default());
    scheduler
        .declare(declared(&key, &every(60)), None, START + HOUR)
        .unwrap();
    assert_eq!(scheduler.due(START + HOUR).runs.len(), 1);
}
