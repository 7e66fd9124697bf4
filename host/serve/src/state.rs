//! What the service knows of everybody at once, behind one lock that nobody
//! holds for longer than a look. What must survive of it is the schedules'
//! state, in the store.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use duijie_alert::Kind;
use duijie_component::{Allowance, Budgets, Launcher};
use duijie_pipeline::{Counts, Stop};
use duijie_project::personal::Personal;
use duijie_record::{PipelineName, Scope};
use duijie_schedule::{Cause, Key, Run, Scheduler};
use duijie_store::{Claim, Fingerprint};
use tokio::sync::Semaphore;

use crate::comparison::{Comparing, Nightly, Queue};
use crate::metrics::Totals;
use crate::quota::Standing;

pub(crate) struct State {
    pub(crate) scheduler: Scheduler,
    /// By name.
    pub(crate) tenants: BTreeMap<String, Known>,
    pub(crate) running: HashMap<Key, Running>,
    /// Handed out while an earlier run of the same pipeline was still being
    /// put away.
    pub(crate) next: HashMap<Key, Run>,
    /// Whose state in the store somebody is changing: no run of it begins.
    pub(crate) busy: Option<Key>,
    /// Pipelines whose source and target are to be compared.
    pub(crate) comparisons: Queue,
    pub(crate) comparing: Option<Comparing>,
    pub(crate) ready: bool,
    pub(crate) stopping: bool,
    /// Of calls, of everybody.
    pub(crate) budgets: Arc<Budgets>,
    /// Tenants whose requests are spent, and until when.
    pub(crate) spent_until_ms: BTreeMap<String, u64>,
}

/// A tenant, whether anything of it runs or not.
pub(crate) struct Known {
    pub(crate) enabled: bool,
    pub(crate) paused: bool,
    /// By scope.
    pub(crate) pipelines: BTreeMap<Scope, Pipeline>,
    /// The launcher of its runs, while there are any, and what it is made of.
    pub(crate) launcher: Option<(Fingerprint, Weak<Launcher>)>,
    pub(crate) totals: Totals,
    pub(crate) nightly: Nightly,
    /// The next slot of it.
    pub(crate) compared_next_ms: Option<u64>,
    /// What its guests may have together, and have used.
    pub(crate) allowance: Arc<Allowance>,
    /// When a record of it may be erased again.
    pub(crate) erases_from_ms: u64,
    /// Why its folder could not be read, the last time.
    pub(crate) problem: Option<String>,
    pub(crate) quotas: Standing,
    /// One at a time reads its folder.
    pub(crate) reading: Arc<Semaphore>,
}

impl Known {
    /// Whether the schedule is told that nothing of it begins.
    pub(crate) fn is_held(&self) -> bool {
        !self.enabled || self.paused || self.quotas.beyond().is_some()
    }

    /// What keeps it from running as it should.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.problem.clone().or_else(|| self.quotas.beyond())
    }
}

pub(crate) struct Pipeline {
    pub(crate) name: PipelineName,
    pub(crate) enabled: bool,
    pub(crate) print: Fingerprint,
    pub(crate) personal: Personal,
    pub(crate) sound: bool,
    /// Whether the schedule knows it: it was sound once.
    pub(crate) declared: bool,
    pub(crate) last: Option<Last>,
}

/// What its last run in this process came to.
#[derive(Clone)]
pub(crate) struct Last {
    pub(crate) run: Option<String>,
    pub(crate) ended_ms: u64,
    /// Nothing where it ended well.
    pub(crate) failure: Option<String>,
}

/// A run under way.
pub(crate) struct Running {
    pub(crate) cause: Cause,
    pub(crate) since_ms: u64,
    pub(crate) stop: Stop,
    pub(crate) run: Option<String>,
    /// Once it has begun: whoever has something to store of its schedule
    /// commits with this.
    pub(crate) claim: Option<Claim>,
    /// Whether its schedule's state changed while it went on.
    pub(crate) touched: bool,
    /// Whether the schedule was told how it ended.
    pub(crate) told: bool,
    pub(crate) counts: Counts,
}

impl State {
    /// Runs under way, of each tenant that has any.
    pub(crate) fn active(&self) -> HashMap<&str, usize> {
        let mut active = HashMap::new();
        for key in self.running.keys() {
            *active.entry(key.tenant.0.as_str()).or_default() += 1;
        }
        active
    }

    /// Of a pipeline, as a message names it.
    pub(crate) fn cause(&self, key: &Key, kind: Kind) -> duijie_alert::Cause {
        let known = self.tenants.get(&key.tenant.0);
        let pipeline = known.and_then(|known| known.pipelines.get(&key.scope));
        let name = pipeline.map(|pipeline| pipeline.name.to_string());
        duijie_alert::Cause {
            kind,
            tenant: key.tenant.0.clone(),
            pipeline: Some(name.unwrap_or_else(|| key.scope.to_string())),
        }
    }

    pub(crate) fn known(&self, tenant: &str) -> Result<&Known, crate::Error> {
        let known = self.tenants.get(tenant);
        known.ok_or_else(|| crate::Error::NoTenant(tenant.to_owned()))
    }

    /// The pipeline that a person named.
    pub(crate) fn named(
        &self,
        tenant: &str,
        named: &str,
    ) -> Result<(Scope, &Pipeline), crate::Error> {
        let mut pipelines = self.known(tenant)?.pipelines.iter();
        let found = pipelines.find(|(_, pipeline)| pipeline.name.as_str() == named);
        let found = found.map(|(scope, pipeline)| (scope.clone(), pipeline));
        found.ok_or_else(|| crate::Error::NoPipeline {
            tenant: tenant.to_owned(),
            named: named.to_owned(),
        })
    }
}

/// Why a run began, for people.
pub(crate) fn word(cause: Cause) -> &'static str {
    match cause {
        Cause::Slot { .. } => "schedule",
        Cause::CatchUp { .. } => "catch-up",
        Cause::After => "after another",
        Cause::Asked => "asked for",
    }
}
