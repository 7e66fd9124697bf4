//! Runs by schedule until someone stops it.

use std::time::Duration;

use duijie_plan::Schedule;

use crate::options::Options;
use crate::retry::{Random, backoff};
use crate::{End, Error, Purpose, Report, Stop, run};

/// Starts a run every so often, counted from start to start; one that takes
/// longer delays the next. Without a schedule it runs once. After a failed run
/// it waits as the plan's retries say, longer each time, and goes on.
///
/// A run that waits for a value table to be filled is tried again as a failed
/// one. A claim that was lost is one that a command of this process took, as one
/// process owns the data folder: the next run takes it back.
///
/// A run that is not the live one goes once. Returns the last run's report;
/// other errors are of the store, and final.
pub async fn follow(options: &Options, stop: &Stop) -> Result<Report, Error> {
    let random = Random::seeded(options.seed);
    let mut failed = 0;
    loop {
        let started_ms = options.clock.now_ms();
        let ran = run(options, stop).await;
        let (Some(Schedule::Every(every)), Purpose::Live) =
            (options.plan.schedule, &options.purpose)
        else {
            return ran;
        };
        let failure = match &ran {
            Ok(report) => match &report.end {
                End::Failed(error) => Some(error),
                End::Finished | End::Stopped => None,
            },
            Err(
                error @ (Error::Store(duijie_store::Error::ClaimLost { .. })
                | Error::TableNeverFilled { .. }),
            ) => Some(error),
            Err(_) => return ran,
        };
        let taken_ms = options.clock.now_ms().saturating_sub(started_ms);
        let mut wait = every.saturating_sub(Duration::from_millis(taken_ms));
        if let Some(error) = failure {
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
            () = stop.stopped() => return ran,
            () = options.clock.sleep(wait) => {}
        }
    }
}
