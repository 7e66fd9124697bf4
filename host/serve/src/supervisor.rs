//! The one task that begins runs. It asks the schedule what is due, gives each
//! run a task of its own, and on a wish to stop waits until all of them have
//! settled what is in flight.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duijie_alert::{Event, Kind};
use duijie_component::{Budgets, Code};
use duijie_pipeline::{Clock, Counts, Stop};
use duijie_record::Scope;
use duijie_schedule::{Key, Run, Scheduler};
use duijie_store::{Embedded, Store, TenantStore};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use crate::alerts::{self, Alerts};
use crate::comparison::Queue;
use crate::state::{Running, State};
use crate::{Error, Home, Limits, TenantName, begin, comparison, quota};

/// What a service is started with.
pub struct Options {
    pub home: Home,
    pub limits: Limits,
    pub store: Arc<Embedded>,
    pub code: Arc<Code>,
    pub clock: Arc<dyn Clock>,
    /// For jitter and run names. Differs from process to process.
    pub seed: u64,
}

/// A cheap handle; all of them are of the same service.
#[derive(Clone)]
pub struct Supervisor(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) options: Options,
    state: Mutex<State>,
    pub(crate) wake: Notify,
    /// Held by whoever changes a schedule's state in the store from outside of
    /// a run.
    pub(crate) storing: tokio::sync::Mutex<()>,
    pub(crate) alerts: Alerts,
    /// Something is to be compared.
    pub(crate) compare: Notify,
    /// Tenants' folders.
    pub(crate) reading: Arc<Semaphore>,
}

/// A clock that was put forward is noticed after this long at most.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);
/// So many threads of each processor read tenants' folders: with fewer, what
/// already runs keeps what is to begin waiting.
const READERS: usize = 4;
/// For what is still to be told at the end.
const LAST_WORDS: Duration = Duration::from_secs(15);
/// How often what is no longer kept is looked for.
const TIDY_EVERY_MS: u64 = 3_600_000;

impl Supervisor {
    /// Nothing begins before [`Supervisor::supervise`].
    pub fn new(options: Options) -> Self {
        let limits = duijie_schedule::Limits {
            runs: usize::try_from(options.limits.runs).unwrap_or(usize::MAX),
        };
        let state = State {
            // Which part of its jitter a pipeline takes is the same in every
            // process.
            scheduler: Scheduler::new(limits, 0),
            tenants: BTreeMap::new(),
            running: HashMap::new(),
            next: HashMap::new(),
            busy: None,
            comparisons: Queue::default(),
            comparing: None,
            ready: false,
            stopping: false,
            budgets: Arc::new(Budgets::default()),
            spent_until_ms: BTreeMap::new(),
        };
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Shared {
            options,
            state: Mutex::new(state),
            wake: Notify::new(),
            storing: tokio::sync::Mutex::default(),
            alerts: Alerts::new(),
            compare: Notify::new(),
            reading: Arc::new(Semaphore::new(READERS * processors)),
        }))
    }

    /// Reads every tenant's folder, then begins what is due until it is asked
    /// to stop; returns when the last run has ended.
    pub async fn supervise(&self, stop: &Stop) -> Result<(), Error> {
        let shared = &self.0;
        shared.alert_of_all()?;
        let mut telling = tokio::spawn(alerts::tell(shared.clone()));
        shared.reload_all().await?;
        shared.state().ready = true;
        let mut tasks = JoinSet::new();
        tasks.spawn(comparison::compare(shared.clone(), stop.clone()));
        let mut tidied_ms = 0;
        let mut watch = quota::Watch::default();
        loop {
            watch.look(shared, &mut tasks);
            let sleep = self.begin_due(&mut tasks);
            let now_ms = shared.now_ms();
            if now_ms.saturating_sub(tidied_ms) > TIDY_EVERY_MS {
                tidied_ms = now_ms;
                tasks.spawn(tidy(shared.clone()));
            }
            tokio::select! {
                biased;
                () = stop.stopped() => break,
                () = shared.wake.notified() => {}
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                () = shared.options.clock.sleep(sleep) => {}
            }
        }
        {
            let mut state = shared.state();
            state.stopping = true;
            state
                .running
                .values()
                .for_each(|running| running.stop.stop());
        }
        while tasks.join_next().await.is_some() {}
        shared.store_spent().await;
        shared.alerts.close();
        if tokio::time::timeout(LAST_WORDS, &mut telling)
            .await
            .is_err()
        {
            tracing::warn!("the last alerts were not told");
            telling.abort();
        }
        Ok(())
    }

    /// How long nothing else is due.
    fn begin_due(&self, tasks: &mut JoinSet<()>) -> Duration {
        let shared = &self.0;
        let now_ms = shared.now_ms();
        let mut state = shared.state();
        let due = state.scheduler.due(now_ms);
        for (key, from_ms, before_ms) in due.missed {
            tracing::warn!(tenant = key.tenant.0, scope = %key.scope, from_ms, before_ms, "slots were missed");
            if let Some(known) = state.tenants.get_mut(&key.tenant.0) {
                known.totals.missed += 1;
            }
            let cause = state.cause(&key, Kind::MissedRuns);
            shared.alerts.happened(&Event {
                cause,
                at_ms: now_ms,
                count: 1,
                detail: String::new(),
                run: None,
            });
        }
        for run in due.runs {
            state.next.insert(run.key.clone(), run);
        }
        let free: Vec<Key> = state
            .next
            .keys()
            .filter(|key| !state.running.contains_key(*key) && state.busy.as_ref() != Some(*key))
            .cloned()
            .collect();
        for key in free {
            if let Some(run) = state.next.remove(&key) {
                let stop = Stop::new();
                let running = running(&run, stop.clone(), now_ms);
                state.running.insert(key, running);
                tasks.spawn(begin::work(shared.clone(), run, stop));
            }
        }
        let wake_ms = state.scheduler.next_wake();
        let wait = wake_ms.map(|at_ms| Duration::from_millis(at_ms.saturating_sub(now_ms)));
        wait.map_or(LONGEST_SLEEP, |wait| wait.min(LONGEST_SLEEP))
    }
}

fn running(run: &Run, stop: Stop, now_ms: u64) -> Running {
    Running {
        cause: run.cause,
        since_ms: now_ms,
        stop,
        run: None,
        claim: None,
        touched: false,
        told: false,
        counts: Counts::default(),
    }
}

/// That it could not be done is no failure of a run: it is tried again.
async fn tidy(shared: Arc<Shared>) {
    if let Err(error) = shared.options.store.tidy(shared.now_ms()).await {
        tracing::warn!(%error, "state that is no longer needed was not removed");
    }
}

impl Shared {
    /// A panic elsewhere leaves the state whole: each change of it is complete
    /// before anything else is called.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.options.clock.now_ms()
    }

    /// Nobody would be told that the webhooks of all are wrong.
    fn alert_of_all(&self) -> Result<(), Error> {
        let wanted = &self.options.limits.alerts;
        if wanted.is_empty() {
            return Ok(());
        }
        let secrets = self.options.home.secrets()?;
        let problems = self
            .alerts
            .configure(alerts::OF_ALL, "serve.yaml", wanted, &secrets);
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Error::Alert(problems.join("; "))),
        }
    }

    /// All that the tenant may see of the store.
    pub(crate) fn store(&self, tenant: &str) -> Result<Arc<TenantStore>, Error> {
        // A name that could leave its place is refused here once more.
        let name = TenantName::parse(tenant)?;
        let whole: Arc<dyn Store> = self.options.store.clone();
        let store = TenantStore::new(whole, name.as_str());
        store
            .map(Arc::new)
            .ok_or_else(|| Error::Name(tenant.to_owned()))
    }

    /// Makes the present state of a pipeline's schedule durable, by a claim of
    /// its own: none of its runs may be under way.
    pub(crate) async fn store_schedule(&self, key: &Key) -> Result<(), Error> {
        let bytes = self.state().scheduler.state(key)?.to_bytes()?;
        self.store_bytes(&key.tenant.0, &key.scope, bytes).await
    }

    pub(crate) async fn store_bytes(
        &self,
        tenant: &str,
        scope: &Scope,
        bytes: Vec<u8>,
    ) -> Result<(), Error> {
        let store = self.store(tenant)?;
        let claim = store.claim(scope).await?;
        let change = duijie_store::Change::Schedule(bytes);
        Ok(store.commit(&claim, vec![change]).await?)
    }
}
