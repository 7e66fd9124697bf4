//! Source and target of every pipeline compared, by night and when somebody
//! asks for it; one at a time, so that runs hardly feel it. The latest report
//! of each lies in the data folder.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use duijie_alert::{Event, Kind};
use duijie_component::span_failed;
use duijie_contract::Mode;
use duijie_manifest::Reconcile;
use duijie_pipeline::{Options, Reconciliation, Silent, Stop, reconcile};
use duijie_plan::Window;
use duijie_project::{lane, reconciliation, wire};
use duijie_schedule::{Cron, Key, Tenant, Zone};
use serde_json::{Value, json};
use tracing::Instrument as _;

use crate::home::place;
use crate::state::State;
use crate::supervisor::Shared;
use crate::{Error, TenantName, span};

#[cfg(test)]
mod tests;

const ZONE: &str = "Asia/Shanghai";
const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;
/// What a tenant wants anew is noticed after this long at most.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// However long the manifest lets a run take: the others wait meanwhile.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);

/// When a tenant's pipelines are compared, and over what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Nightly {
    cron: Option<Cron>,
    window_ms: u64,
    settle_ms: u64,
}

impl Nightly {
    /// What is written, or why it cannot be.
    pub(crate) fn of(low: Option<&Reconcile>) -> Result<Self, String> {
        let low = low.cloned().unwrap_or_default();
        let length = |text: Option<&String>, absent_ms: u64| match text {
            None => Ok(absent_ms),
            Some(text) => {
                let length = duijie_plan::length_of_time(text);
                let ms = length.and_then(|length| u64::try_from(length.as_millis()).ok());
                ms.ok_or_else(|| format!("`{text}` is no length of time such as `1d`"))
            }
        };
        let zone = Zone::named(low.zone.as_deref().unwrap_or(ZONE));
        let zone = zone.map_err(|error| error.to_string())?;
        let cron = low.cron.as_deref().map(|text| Cron::parse(text, zone));
        Ok(Self {
            cron: cron.transpose().map_err(|error| error.to_string())?,
            window_ms: length(low.window.as_ref(), DAY_MS)?,
            settle_ms: length(low.settle.as_ref(), HOUR_MS)?,
        })
    }

    /// The slot after that moment.
    pub(crate) fn next(&self, after_ms: u64) -> Option<u64> {
        self.cron.as_ref()?.next(after_ms)
    }
}

/// Pipelines that wait to be compared, each once, in this order.
#[derive(Default)]
pub(crate) struct Queue {
    order: VecDeque<Key>,
    /// The same.
    there: HashSet<Key>,
}

impl Queue {
    pub(crate) fn push(&mut self, key: Key) {
        if self.there.insert(key.clone()) {
            self.order.push_back(key);
        }
    }

    fn pop(&mut self) -> Option<Key> {
        let key = self.order.pop_front()?;
        self.there.remove(&key);
        Some(key)
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        if self.there.remove(key) {
            self.order.retain(|other| other != key);
        }
    }

    pub(crate) fn forget(&mut self, tenant: &Tenant) {
        self.there.retain(|key| key.tenant != *tenant);
        self.order.retain(|key| key.tenant != *tenant);
    }
}

/// The comparison under way.
pub(crate) struct Comparing {
    pub(crate) key: Key,
    /// Breaks it off: nothing is told of it then.
    pub(crate) stop: Stop,
    /// It touches nothing any more.
    pub(crate) ended: Stop,
}

/// Compares what is asked for and what is due until it is told to stop. Slots
/// of a time when nothing was there to compare are left out.
pub(crate) async fn compare(shared: Arc<Shared>, stop: Stop) {
    loop {
        let (sleep, next) = {
            let mut state = shared.state();
            let sleep = due(&mut state, shared.now_ms());
            (sleep, begun(&mut state))
        };
        let Some((key, broken_off)) = next else {
            tokio::select! {
                () = stop.stopped() => return,
                () = shared.compare.notified() => {}
                () = shared.options.clock.sleep(sleep) => {}
            }
            continue;
        };
        let _ended = Ended(&shared);
        tokio::select! {
            biased;
            () = stop.stopped() => return,
            () = broken_off.stopped() => {}
            () = Box::pin(one(&shared, &key, &broken_off)) => {}
        }
    }
}

fn begun(state: &mut State) -> Option<(Key, Stop)> {
    let key = state.comparisons.pop()?;
    let stop = Stop::new();
    state.comparing = Some(Comparing {
        key: key.clone(),
        stop: stop.clone(),
        ended: Stop::new(),
    });
    Some((key, stop))
}

/// Lets others know, however it ended.
struct Ended<'a>(&'a Shared);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        if let Some(comparing) = self.0.state().comparing.take() {
            comparing.ended.stop();
        }
    }
}

/// Lines up what has become due; how long nothing else is.
fn due(state: &mut State, now_ms: u64) -> Duration {
    let mut next_ms = u64::MAX;
    for (name, known) in &mut state.tenants {
        let Some(slot_ms) = known.compared_next_ms else {
            continue;
        };
        if slot_ms > now_ms {
            next_ms = next_ms.min(slot_ms);
            continue;
        }
        known.compared_next_ms = known.nightly.next(now_ms);
        next_ms = next_ms.min(known.compared_next_ms.unwrap_or(u64::MAX));
        if known.is_held() {
            continue;
        }
        let pipelines = known.pipelines.iter();
        let pipelines = pipelines.filter(|(_, pipeline)| pipeline.enabled && pipeline.sound);
        for (scope, _) in pipelines {
            state.comparisons.push(Key {
                tenant: Tenant(name.clone()),
                scope: scope.clone(),
            });
        }
    }
    Duration::from_millis(next_ms.saturating_sub(now_ms)).min(LONGEST_SLEEP)
}

impl Shared {
    /// Breaks off the comparison under way where it is of this tenant.
    pub(crate) async fn end_comparing(&self, name: &TenantName) {
        let ended = {
            let state = self.state();
            let comparing = state.comparing.as_ref();
            let comparing = comparing.filter(|one| one.key.tenant.0 == name.as_str());
            comparing.map(|comparing| {
                comparing.stop.stop();
                comparing.ended.clone()
            })
        };
        if let Some(ended) = ended {
            ended.stopped().await;
        }
    }
}

async fn one(shared: &Arc<Shared>, key: &Key, stop: &Stop) {
    let begun_ms = shared.now_ms();
    let cause = shared.state().cause(key, Kind::Reconciliation);
    let pipeline = cause.pipeline.clone().unwrap_or_default();
    let mut sealed = shared.options.home.is_sealed(&key.tenant.0, &key.scope);
    let most = LONGEST;
    let span = span::comparison(key, &pipeline);
    let found = tokio::select! {
        biased;
        () = shared.options.clock.sleep(most) => Err(Error::ComparisonTooLong { most }),
        found = compared(shared, key, &mut sealed).instrument(span.clone()) => found,
    };
    let (window, found) = match found {
        Ok((window, found)) => (Some(window), Ok(found)),
        Err(error) => {
            span_failed(&span, span::kind(&error));
            tracing::warn!(tenant = key.tenant.0, pipeline, %error, "source and target were not compared");
            (None, Err(failure(&error, sealed)))
        }
    };
    let report = json!({
        "pipeline": pipeline,
        "window": window.map(|window| json!({ "from": window.from, "to": window.to })),
        "begun_ms": begun_ms,
        "ended_ms": shared.now_ms(),
        "failure": found.as_ref().err(),
        "found": found.as_ref().ok().map(reconciliation::data),
    });
    // Nothing of a pipeline that was removed meanwhile is to come back, nor
    // into what was added under its name since.
    if stop.is_stopped() {
        return;
    }
    let at = shared.options.home.report(&key.tenant.0, &key.scope);
    if let Err(error) = at.and_then(|at| write(&at, &report)) {
        tracing::error!(tenant = key.tenant.0, pipeline, %error, "a reconciliation was not kept");
    }
    match found {
        Ok(found) if found.differing > 0 => shared.alerts.happened(&Event {
            cause,
            at_ms: shared.now_ms(),
            count: found.differing,
            detail: reconciliation::kinds(&found),
            run: None,
        }),
        Ok(_) => shared.alerts.ended(&cause, shared.now_ms()),
        Err(_) => {}
    }
}

/// As the report says it: the words of a fault may quote a record, and the
/// report lies in the clear.
fn failure(error: &Error, sealed: bool) -> String {
    match sealed {
        true => "it came to no end; the pipeline is sealed, so that only the log of the service \
                 says why"
            .to_owned(),
        false => error.to_string(),
    }
}

/// `sealed` becomes true where the manifest says so, whatever comes of it.
async fn compared(
    shared: &Arc<Shared>,
    key: &Key,
    sealed: &mut bool,
) -> Result<(Window, Reconciliation), Error> {
    let tenant = TenantName::parse(&key.tenant.0)?;
    let loaded = shared.load(&tenant).await?;
    let document = loaded.document(key)?;
    *sealed |= document.low.sealed == Some(true);
    let launcher = shared.launch(&shared.state(), &tenant, &loaded, Mode::Preview)?;
    let (schedule, _) = duijie_plan::schedule_of(document);
    let zone = match schedule {
        Some(schedule) => schedule.zone,
        None => Zone::named(ZONE)?,
    };
    let to_ms = shared.now_ms().saturating_sub(loaded.nightly.settle_ms);
    let stretch = duijie_schedule::Window {
        from_ms: to_ms.saturating_sub(loaded.nightly.window_ms),
        to_ms,
    };
    let window = Window::told_in(&zone, stretch);
    let (plan, _) = wire::plan(&loaded.project, &launcher, document, Some(&window)).await?;
    let options = Options {
        plan: Arc::new(plan),
        launch: launcher,
        store: shared.store(tenant.as_str())?,
        clock: shared.options.clock.clone(),
        observer: Arc::new(Silent),
        seed: shared.options.seed,
        checkpoint_every: 1,
        purpose: lane::backfill(&window, Some(stretch.from_ms)),
    };
    Ok((window, Box::pin(reconcile(&options)).await?))
}

/// Whole or not at all.
fn write(at: &Path, report: &Value) -> Result<(), Error> {
    let folder = at.parent().unwrap_or(at);
    std::fs::create_dir_all(folder).map_err(place(folder))?;
    let aside: PathBuf = at.with_extension("new");
    std::fs::write(&aside, report.to_string()).map_err(place(&aside))?;
    std::fs::rename(&aside, at).map_err(place(at))
}
