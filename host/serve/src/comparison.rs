//! Source and target of every pipeline compared, by night and when somebody
//! asks for it; one at a time, so that runs hardly feel it. The latest report
//! of each lies in the data folder.

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
use duijie_schedule::{Cron, Key, Zone};
use serde_json::{Value, json};
use tracing::Instrument as _;

use crate::home::place;
use crate::supervisor::Shared;
use crate::{Error, TenantName, span};

const ZONE: &str = "Asia/Shanghai";
const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;
/// What a tenant wants anew is noticed after this long at most.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// When a tenant's pipelines are compared, and over what.
#[derive(Debug, Clone, Default)]
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
    fn next(&self, after_ms: u64) -> Option<u64> {
        self.cron.as_ref()?.next(after_ms)
    }
}

/// Compares what is asked for and what is due until it is told to stop. Slots
/// of a time when nothing was there to compare are left out.
pub(crate) async fn compare(shared: Arc<Shared>, stop: Stop) {
    let mut until_ms = shared.now_ms();
    loop {
        let now_ms = shared.now_ms();
        let sleep = due(&shared, until_ms, now_ms);
        until_ms = now_ms;
        let next = shared.state().comparisons.pop_front();
        let Some(key) = next else {
            tokio::select! {
                () = stop.stopped() => return,
                () = shared.compare.notified() => {}
                () = shared.options.clock.sleep(sleep) => {}
            }
            continue;
        };
        tokio::select! {
            () = stop.stopped() => return,
            () = Box::pin(one(&shared, &key)) => {}
        }
    }
}

/// Lines up what has become due since `until_ms`; how long nothing else is.
fn due(shared: &Shared, until_ms: u64, now_ms: u64) -> Duration {
    let mut state = shared.state();
    let mut next_ms = u64::MAX;
    let mut found = Vec::new();
    for (name, known) in &state.tenants {
        let Some(slot_ms) = known.nightly.next(until_ms).filter(|_| !known.is_held()) else {
            continue;
        };
        if slot_ms > now_ms {
            next_ms = next_ms.min(slot_ms);
            continue;
        }
        let pipelines = known.pipelines.iter();
        let pipelines = pipelines.filter(|(_, pipeline)| pipeline.enabled && pipeline.sound);
        found.extend(pipelines.map(|(scope, _)| Key {
            tenant: duijie_schedule::Tenant(name.clone()),
            scope: scope.clone(),
        }));
    }
    for key in found {
        state.line_up(key);
    }
    Duration::from_millis(next_ms.saturating_sub(now_ms)).min(LONGEST_SLEEP)
}

async fn one(shared: &Arc<Shared>, key: &Key) {
    let begun_ms = shared.now_ms();
    let cause = shared.state().cause(key, Kind::Reconciliation);
    let pipeline = cause.pipeline.clone().unwrap_or_default();
    let span = span::comparison(key, &pipeline);
    let comparing = compared(shared, key).instrument(span.clone());
    let (window, found) = match comparing.await {
        Ok((window, found)) => (Some(window), Ok(found)),
        Err(error) => {
            span_failed(&span, span::kind(&error));
            tracing::warn!(tenant = key.tenant.0, pipeline, %error, "source and target were not compared");
            (None, Err(error.to_string()))
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
    // Nothing of a tenant that was removed meanwhile is to come back.
    if shared.state().known(&key.tenant.0).is_err() {
        return;
    }
    let at = shared.options.home.report(&key.tenant.0, &pipeline);
    if let Err(error) = write(&at, &report) {
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

async fn compared(shared: &Arc<Shared>, key: &Key) -> Result<(Window, Reconciliation), Error> {
    let tenant = TenantName::parse(&key.tenant.0)?;
    let loaded = shared.load(&tenant).await?;
    let mut documents = loaded.project.pipelines.iter();
    let scope = key.scope.as_str();
    let document = documents.find(|document| document.low.scope.as_deref() == Some(scope));
    let document = document.ok_or_else(|| Error::NoPipeline {
        tenant: tenant.to_string(),
        named: scope.to_owned(),
    })?;
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
