//! Runs by schedule until someone stops it.

use std::time::Duration;

use duijie_plan::Schedule;

use crate::options::Options;
use crate::retry::{Random, backoff};
use crate::{End, Error, Report, Stop, run};

/// Starts a run every so often, counted from start to start; one that takes
/// longer delays the next. Without a schedule it runs once. After a failed run
/// it waits as the plan's retries say, longer each time, and goes on.
///
/// Returns the last run's report. An error is one of the store, and final.
pub async fn follow(options: &Options, stop: &Stop) -> Result<Report, Error> {
    let random = Random::seeded(options.seed);
    let mut failed = 0;
    loop {
        let started_ms = options.clock.now_ms();
        let report = run(options, stop).await?;
        let Some(Schedule::Every(every)) = options.plan.schedule else {
            return Ok(report);
        };
        let taken_ms = options.clock.now_ms().saturating_sub(started_ms);
        let mut wait = every.saturating_sub(Duration::from_millis(taken_ms));
        if let End::Failed(error) = &report.end {
            failed += 1;
            let retries = &options.plan.policy.retries;
            wait = backoff(retries, failed, &random);
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(%error, wait_ms, "the run failed and is started again");
        } else {
            failed = 0;
        }
        tokio::select! {
            biased;
            () = stop.stopped() => return Ok(report),
            () = options.clock.sleep(wait) => {}
        }
    }
}
