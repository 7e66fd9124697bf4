//! Runs by schedule, over hours of a clock that stands still between them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use duijie_contract::{FaultKind, Guarantee};
use duijie_plan::{OnChange, Plan, Schedule, Window};
use duijie_schedule::{CatchUp, Cron, When, Zone};
use duijie_store::{Memory, Store as _};

use super::script::Script;
use super::world::{fault, plan};
use crate::{Options, Purpose, Report, Stop, follow};

const MINUTE: Duration = Duration::from_secs(60);

/// The clock of these runs begins at 06:13:20 there.
fn zone() -> Zone {
    Zone::named("Asia/Shanghai").unwrap()
}

fn cron(text: &str) -> Cron {
    Cron::parse(text, zone()).unwrap()
}

fn scheduled(schedule: Schedule) -> Plan {
    let mut plan = plan(Guarantee::ServerKey, OnChange::Hold, 0);
    plan.target.lookup = false;
    plan.schedule = Some(schedule);
    plan
}

/// Follows for so long; the minutes at which runs began, and what was caught up.
async fn followed(
    script: &Script,
    plan: Plan,
    so_long: Duration,
) -> (Option<Report>, Vec<u64>, Vec<Window>) {
    let store: Arc<Memory> = Arc::default();
    let options = script.options(plan, &store);
    let began_ms = options.clock.now_ms();
    let stop = Stop::new();
    let windows = Mutex::new(Vec::new());
    let catch_up = async |window: Window| {
        windows.lock().unwrap().push(window);
        Some(Options {
            purpose: Purpose::Backfill {
                lane: "backfill:night".to_owned(),
                from_ms: None,
            },
            ..options.clone()
        })
    };
    let (report, ()) = tokio::join!(follow(&options, &stop, catch_up), async {
        tokio::time::sleep(so_long).await;
        stop.stop();
    });
    let runs = store.runs(&options.plan.scope, usize::MAX).unwrap();
    let minute = |started_ms: u64| (started_ms - began_ms) / 60_000;
    let mut minutes: Vec<u64> = runs.iter().map(|run| minute(run.started_ms)).collect();
    minutes.sort_unstable();
    (report.unwrap(), minutes, windows.into_inner().unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_interval_begins_at_once_and_goes_from_start_to_start() {
    let script = Script::new(Vec::new());
    let every = Schedule::new(When::Every(5 * MINUTE), zone());
    let (report, minutes, _) = followed(&script, scheduled(every), 16 * MINUTE).await;
    assert!(report.is_some());
    assert_eq!(minutes, [0, 5, 10, 15]);
}

#[tokio::test(start_paused = true)]
async fn a_cron_schedule_waits_and_catches_up_in_between() {
    let script = Script::new(Vec::new());
    let schedule = Schedule {
        catch_up: Some(CatchUp {
            at: cron("25 6 * * *"),
            window: Duration::from_secs(86_400),
        }),
        ..Schedule::new(When::At(cron("*/10 * * * *")), zone())
    };
    let (_, minutes, windows) = followed(&script, scheduled(schedule), 28 * MINUTE).await;
    assert_eq!(minutes, [6, 11, 16, 26]);
    let window = Window {
        from: "2023-11-14 06:25:00".to_owned(),
        to: "2023-11-15 06:25:00".to_owned(),
    };
    assert_eq!(windows, [window]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_stopped_before_its_first_run_has_no_report() {
    let script = Script::new(Vec::new());
    let schedule = Schedule::new(When::At(cron("0 12 * * *")), zone());
    let (report, minutes, _) = followed(&script, scheduled(schedule), MINUTE).await;
    assert!(report.is_none());
    assert_eq!(minutes, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_is_started_again_before_its_next_slot() {
    let script = Script::new(Vec::new());
    let refused = fault(FaultKind::Unauthorized, "no");
    script.batches.lock().unwrap().push_back(Err(refused));
    let hourly = Schedule::new(When::Every(60 * MINUTE), zone());
    let (report, minutes, _) = followed(&script, scheduled(hourly), 62 * MINUTE).await;
    assert!(report.is_some());
    assert_eq!(minutes, [0, 0, 60]);
}
