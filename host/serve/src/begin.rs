//! One run of one tenant's pipeline, from its manifest on disk to its report,
//! and what its schedule is told of it.

use std::sync::Arc;
use std::time::Duration;

use duijie_alert::{Event as Happened, Kind};
use duijie_component::{Account, Launcher};
use duijie_contract::{FaultKind, Mode};
use duijie_manifest::{Document, Pipeline};
use duijie_pipeline::{Beside, End, Event, Observer, Options, Purpose, Report, Stop, run_beside};
use duijie_plan::{Plan, Window};
use duijie_project::{lane, wire};
use duijie_record::RunId;
use duijie_schedule::{Ended, Key, Run};
use duijie_store::{Change, Claim};
use tracing::Instrument as _;

use crate::error::passes;
use crate::load::Loaded;
use crate::span::RunSpan;
use crate::state::{Last, State};
use crate::supervisor::Shared;
use crate::{Error, TenantName};

/// A run that fails is begun again so often before the next slot.
const TRIES: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Runs it, and sees to it that the schedule knows how it ended, here and in
/// the store, before another run of the pipeline begins.
pub(crate) async fn work(shared: Arc<Shared>, run: Run, stop: Stop) {
    let key = run.key.clone();
    let name = || shared.state().cause(&key, Kind::FailedRuns).pipeline;
    let span = RunSpan::new(&run, name);
    let told = Arc::new(Told {
        shared: shared.clone(),
        key: key.clone(),
        attempt: run.attempt,
        span,
    });
    let begun = {
        let (shared, told) = (shared.clone(), told.clone());
        // In a task of its own, so that one that dies is put away as well.
        let span = told.span.span();
        tokio::spawn(async move { begin(&shared, &run, &told, &stop).await }.instrument(span))
    };
    let ended = begun
        .await
        .unwrap_or_else(|died| Err(Error::Died(died.to_string())));
    if let Err(error) = ended {
        tracing::warn!(tenant = key.tenant.0, scope = %key.scope, %error, "a run did not go on");
        told.failed(&error);
    }
    loop {
        {
            let mut state = shared.state();
            let running = state.running.get_mut(&key);
            let Some(running) = running.filter(|running| running.touched) else {
                state.running.remove(&key);
                break;
            };
            running.touched = false;
        }
        // One whose manifest was taken away has no schedule.
        let stored = shared.store_schedule(&key).await;
        if let Err(error) = stored
            && !matches!(error, Error::Schedule(duijie_schedule::Error::Unknown(_)))
        {
            tracing::error!(tenant = key.tenant.0, scope = %key.scope, %error, "where a schedule stands was not stored");
        }
    }
    shared.wake.notify_one();
}

async fn begin(
    shared: &Arc<Shared>,
    run: &Run,
    told: &Arc<Told>,
    stop: &Stop,
) -> Result<(), Error> {
    let tenant = TenantName::parse(&run.key.tenant.0)?;
    let loaded = shared.load(&tenant).await?;
    // What was changed since is taken over now, as by a reload.
    shared.apply(&tenant, &loaded, Some(&run.key))?;
    let document = loaded.document(&run.key)?;
    let launcher = shared.launcher(&tenant, &loaded)?;
    let (purpose, window) = purpose(run, document);
    let (plan, _) = wire::plan(&loaded.project, &launcher, document, window.as_ref()).await?;
    let (wanted, kept) = (
        plan.policy.retention.ledger,
        shared.options.limits.retention.ledger,
    );
    if wanted > kept {
        return Err(Error::Retention {
            wanted_days: wanted.as_secs() / 86_400,
            kept_days: kept.as_secs() / 86_400,
        });
    }
    let options = Options {
        purpose,
        ..options(shared, run, plan, launcher, told)?
    };
    run_beside(&options, told.as_ref(), stop).await?;
    Ok(())
}

/// A stretch of the source is read as a backfill, told by the clocks of the
/// schedule.
fn purpose(run: &Run, document: &Document<Pipeline>) -> (Purpose, Option<Window>) {
    let (schedule, _) = duijie_plan::schedule_of(document);
    let (Some(stretch), Some(schedule)) = (run.window, schedule) else {
        return (Purpose::Live, None);
    };
    let window = Window::told_in(&schedule.zone, stretch);
    (lane::backfill(&window, Some(stretch.from_ms)), Some(window))
}

fn options(
    shared: &Arc<Shared>,
    run: &Run,
    plan: Plan,
    launcher: Arc<Launcher>,
    told: &Arc<Told>,
) -> Result<Options, Error> {
    Ok(Options {
        plan: Arc::new(plan),
        launch: launcher,
        store: shared.store(&run.key.tenant.0)?,
        clock: shared.options.clock.clone(),
        observer: told.clone(),
        seed: shared.options.seed,
        checkpoint_every: 16,
        purpose: Purpose::Live,
    })
}

impl Shared {
    /// That of the tenant's other runs, as long as it is made of the same
    /// connections; it goes with the last of them.
    fn launcher(&self, tenant: &TenantName, loaded: &Loaded) -> Result<Arc<Launcher>, Error> {
        let print = loaded.connections;
        let mut state = self.state();
        let known = state.known(tenant.as_str())?;
        if let Some((of, launcher)) = &known.launcher
            && *of == print
            && let Some(launcher) = launcher.upgrade()
        {
            return Ok(launcher);
        }
        let launcher = self.launch(&state, tenant, loaded, Mode::Effect)?;
        if let Some(known) = state.tenants.get_mut(tenant.as_str()) {
            known.launcher = Some((print, Arc::downgrade(&launcher)));
        }
        Ok(launcher)
    }

    /// One of its own, within all that the tenant may have.
    pub(crate) fn launch(
        &self,
        state: &State,
        tenant: &TenantName,
        loaded: &Loaded,
        mode: Mode,
    ) -> Result<Arc<Launcher>, Error> {
        let account = Account {
            budgets: state.budgets.clone(),
            tenant: tenant.as_str().into(),
        };
        let allowance = state.known(tenant.as_str())?.allowance.clone();
        let code = self.options.code.clone();
        Ok(wire::launcher_over(
            code,
            &loaded.project,
            mode,
            account,
            allowance,
        )?)
    }
}

/// What the schedule says in the run's own commits, and what is known of the
/// run meanwhile.
struct Told {
    shared: Arc<Shared>,
    key: Key,
    attempt: u32,
    span: RunSpan,
}

impl Told {
    /// It ended without a word of its own in the store.
    fn failed(&self, error: &Error) {
        self.span.failed(error);
        let now_ms = self.shared.now_ms();
        let mut state = self.shared.state();
        let state = &mut *state;
        let Some(running) = state.running.get_mut(&self.key) else {
            return;
        };
        let run = running.run.clone();
        let first = !std::mem::replace(&mut running.told, true);
        running.touched |= first;
        let again_ms = match error {
            Error::Pipeline(error) => self.after(state, error, now_ms),
            error => self.again_ms(now_ms, !error.is_persons()),
        };
        if first {
            // It is not there any more where its manifest was taken away.
            state
                .scheduler
                .ended(&self.key, Ended::Failed { again_ms }, now_ms)
                .ok();
        }
        let Some(known) = state.tenants.get_mut(&self.key.tenant.0) else {
            return;
        };
        known.totals.failed += 1;
        if let Some(pipeline) = known.pipelines.get_mut(&self.key.scope) {
            pipeline.last = Some(Last {
                run,
                ended_ms: now_ms,
                failure: Some(error.to_string()),
            });
        }
        self.alert_failure(state, &error.to_string(), again_ms, None, now_ms);
    }

    /// A failure that may pass is told when the run after it fails as well.
    fn alert_failure(
        &self,
        state: &State,
        reason: &str,
        again_ms: Option<u64>,
        run: Option<&RunId>,
        at_ms: u64,
    ) {
        if again_ms.is_some() && self.attempt < 2 {
            return;
        }
        self.shared.alerts.happened(&Happened {
            cause: state.cause(&self.key, Kind::FailedRuns),
            at_ms,
            count: 1,
            detail: reason.to_owned(),
            run: run.map(ToString::to_string),
        });
    }

    /// What the run left for a person.
    fn alert_waiting(&self, state: &State, report: &Report) {
        let counts = [
            (Kind::Holds, report.counts.held),
            (Kind::DeadLetters, report.counts.rejected),
        ];
        for (kind, count) in counts {
            if count > 0 {
                self.shared.alerts.happened(&Happened {
                    cause: state.cause(&self.key, kind),
                    at_ms: report.ended_ms,
                    count,
                    detail: String::new(),
                    run: Some(report.run.to_string()),
                });
            }
        }
    }

    /// The same for a run that had begun. Where its tenant's requests are
    /// spent, it waits for more with all others of the tenant.
    fn after(&self, state: &mut State, error: &duijie_pipeline::Error, now_ms: u64) -> Option<u64> {
        let duijie_pipeline::Error::Fault(fault) = error else {
            return self.again_ms(now_ms, passes(error));
        };
        let FaultKind::Spent { reason, until_ms } = &fault.kind else {
            return self.again_ms(now_ms, passes(error));
        };
        let spent = (reason.as_str(), *until_ms);
        self.shared.spent(state, &self.key.tenant, spent, now_ms);
        Some(*until_ms)
    }

    /// When a run that failed is tried again; not at all where only a person
    /// can put right what is wrong, or after so many tries.
    fn again_ms(&self, now_ms: u64, passes: bool) -> Option<u64> {
        let doublings = self.attempt.saturating_sub(1).min(16);
        let wait = FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        (passes && self.attempt < TRIES).then(|| now_ms.saturating_add(wait_ms))
    }
}

/// Nothing of a pipeline whose manifest was taken away since.
fn change(state: Result<Vec<u8>, duijie_schedule::Error>) -> Vec<Change> {
    match state {
        Ok(bytes) => vec![Change::Schedule(bytes)],
        Err(duijie_schedule::Error::Unknown(_)) => Vec::new(),
        Err(error) => {
            tracing::error!(%error, "where a schedule stands has no form to be stored in");
            Vec::new()
        }
    }
}

impl Beside for Told {
    fn begun(&self, claim: &Claim, run: &RunId) -> Vec<Change> {
        self.span.begun(run);
        let mut state = self.shared.state();
        if let Some(running) = state.running.get_mut(&self.key) {
            running.claim = Some(claim.clone());
            running.run = Some(run.to_string());
        }
        let standing = state.scheduler.state(&self.key);
        change(standing.and_then(duijie_schedule::State::to_bytes))
    }

    fn ended(&self, report: &Report) -> Vec<Change> {
        let now_ms = report.ended_ms;
        self.span.ended(report);
        let mut state = self.shared.state();
        let (ended, failure) = match &report.end {
            End::Finished => (Ended::Well, None),
            End::Stopped => (Ended::Stopped, None),
            End::Failed(error) => {
                let again_ms = self.after(&mut state, error, now_ms);
                (Ended::Failed { again_ms }, Some(error.to_string()))
            }
        };
        match (&report.end, &failure, ended) {
            (_, Some(reason), Ended::Failed { again_ms }) => {
                self.alert_failure(&state, reason, again_ms, Some(&report.run), now_ms);
            }
            (End::Finished, ..) => {
                let cause = state.cause(&self.key, Kind::FailedRuns);
                self.shared.alerts.ended(&cause, now_ms);
            }
            _ => {}
        }
        self.alert_waiting(&state, report);
        let told = state.scheduler.ended(&self.key, ended, now_ms);
        if let Some(running) = state.running.get_mut(&self.key) {
            running.told = true;
        }
        if let Some(known) = state.tenants.get_mut(&self.key.tenant.0) {
            known.totals.add(&report.end, &report.counts);
            if let Some(pipeline) = known.pipelines.get_mut(&self.key.scope) {
                pipeline.last = Some(Last {
                    run: Some(report.run.to_string()),
                    ended_ms: now_ms,
                    failure,
                });
            }
        }
        change(told.and_then(|standing| standing.to_bytes()))
    }
}

impl Observer for Told {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Settled { counts } | Event::Ended { counts, .. } => {
                if let Some(running) = self.shared.state().running.get_mut(&self.key) {
                    running.counts = *counts;
                }
            }
            Event::Batch { took } => {
                let tenant = &self.key.tenant.0;
                tracing::debug!(target: "duijie::batch", tenant, scope = %self.key.scope, took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX), "a batch is done");
                if let Some(known) = self.shared.state().tenants.get_mut(tenant) {
                    known.totals.batches.add(took);
                }
            }
            _ => {}
        }
    }
}
