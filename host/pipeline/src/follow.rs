//! Runs by schedule until someone stops it. When each begins is judged by
//! `duijie-schedule`; what is known of the schedule's past ends with the
//! process.

use std::time::Duration;

use duijie_plan::{Schedule, Window};
use duijie_schedule::{Declared, Ended, Key, Limits, Scheduler, Tenant};

use crate::options::Options;
use crate::retry::{Random, backoff};
use crate::{End, Error, Purpose, Report, Stop, run};

/// A wait is looked at again after this: a clock that was set meanwhile, or a
/// machine that slept, is seen then.
const LOOK: Duration = Duration::from_secs(60);

/// Begins each run that the plan's schedule wants; one that takes longer delays
/// the next. Without a schedule it runs once. After a failed run it waits as
/// the plan's retries say, longer each time, and goes on.
///
/// A run that catches up is made by `catch_up` from the window that it reads;
/// where that gives nothing, the run counts as failed for good.
///
/// A run that waits for a value table to be filled is tried again as a failed
/// one. A claim that was lost is one that a command of this process took, as one
/// process owns the data folder: the next run takes it back.
///
/// A run that is not the live one goes once. Returns the last run's report,
/// `None` if it was stopped before there was any; other errors are of the
/// store, and final.
pub async fn follow<F>(options: &Options, stop: &Stop, catch_up: F) -> Result<Option<Report>, Error>
where
    F: AsyncFn(Window) -> Option<Options>,
{
    let (Some(schedule), Purpose::Live) = (&options.plan.schedule, &options.purpose) else {
        return run(options, stop).await.map(Some);
    };
    let mut following = Following::new(options, schedule);
    let mut last = Ok(None);
    while !stop.is_stopped() {
        let now_ms = options.clock.now_ms();
        let Some(next) = following.scheduler.due(now_ms).runs.pop() else {
            let wake_ms = following.scheduler.next_wake().unwrap_or(u64::MAX);
            let wait = Duration::from_millis(wake_ms.saturating_sub(now_ms));
            tokio::select! {
                biased;
                () = stop.stopped() => {}
                () = options.clock.sleep(wait.min(LOOK)) => {}
            }
            continue;
        };
        let made = match next.window {
            Some(stretch) => {
                let window = Window::told_in(&schedule.zone, stretch);
                let Some(made) = catch_up(window).await else {
                    following.ended(Ended::Failed { again_ms: None });
                    continue;
                };
                made
            }
            None => options.clone(),
        };
        let ran = run(&made, stop).await;
        let failure = match &ran {
            Ok(report) => match &report.end {
                End::Failed(error) => Some(error),
                End::Finished | End::Stopped => None,
            },
            Err(
                error @ (Error::Store(duijie_store::Error::ClaimLost { .. })
                | Error::TableNeverFilled { .. }),
            ) => Some(error),
            Err(_) => return ran.map(Some),
        };
        match failure {
            Some(error) => following.failed(error),
            None => following.ended(Ended::Well),
        }
        last = ran.map(Some);
    }
    last
}

/// The schedule of one pipeline, and how often it has failed in a row.
struct Following<'a> {
    options: &'a Options,
    scheduler: Scheduler,
    key: Key,
    random: Random,
    failed: u32,
}

impl<'a> Following<'a> {
    fn new(options: &'a Options, schedule: &Schedule) -> Self {
        let plan = &options.plan;
        let key = Key {
            tenant: Tenant(String::new()),
            scope: plan.scope.clone(),
        };
        let mut scheduler = Scheduler::new(Limits { runs: 1 }, 0);
        let declared = Declared {
            key: key.clone(),
            name: plan.name.clone(),
            enabled: true,
            schedule: Some(schedule.clone()),
        };
        let added = scheduler.declare(declared, None, options.clock.now_ms());
        debug_assert!(added.is_ok(), "the only pipeline of its scheduler");
        Self {
            options,
            scheduler,
            key,
            random: Random::seeded(options.seed),
            failed: 0,
        }
    }

    fn ended(&mut self, ended: Ended) {
        self.failed = 0;
        self.tell(ended);
    }

    fn failed(&mut self, error: &Error) {
        self.failed += 1;
        let wait = backoff(&self.options.plan.policy.retries, self.failed, &self.random);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(%error, wait_ms, "the run failed and is started again");
        let again_ms = self.options.clock.now_ms().saturating_add(wait_ms);
        self.tell(Ended::Failed {
            again_ms: Some(again_ms),
        });
    }

    fn tell(&mut self, ended: Ended) {
        let now_ms = self.options.clock.now_ms();
        let told = self.scheduler.ended(&self.key, ended, now_ms);
        debug_assert!(told.is_ok(), "the run that was begun has ended");
    }
}
