//! What the HTTP interface asks, answered for one tenant at a time: every
//! answer out of the store is made of the tenant's own part of it.

use std::collections::HashMap;
use std::sync::Arc;

use duijie_admin::{
    Answer as _, At, Decision, Erased, Item, Kind, LastView, Pause, PipelineView, Refusal,
    Reloaded, Reply, Request, RunningView, Service, TenantView, Wanted, Why,
};
use duijie_project::personal::{self, PersonalOf};
use duijie_project::state::State as Answers;
use duijie_record::Scope;
use duijie_schedule::{Key, Tenant};
use serde_json::Value;

use crate::home::read;
use crate::state::{Known, Pipeline, Running, State, word};
use crate::supervisor::{Shared, Supervisor};
use crate::{Error, TenantName, metrics};

impl Supervisor {
    async fn answer(&self, tenant: &str, request: Request) -> Result<Value, Refusal> {
        let answers = Answers::of_part(self.0.store(tenant)?);
        match answers.answer(request).await {
            Reply::Data(data) => Ok(data),
            Reply::Refused(message) => Err(refusal(Why::Invalid, message, "see what waits first")),
            Reply::Error(message) => Err(refusal(Why::Failed, message, "")),
        }
    }

    /// With personal fields masked, unless `clear`.
    fn shown(&self, tenant: &str, mut found: Value, clear: bool) -> Value {
        if !clear {
            personal::mask(&mut found, &self.personal(tenant));
        }
        found
    }

    fn personal(&self, tenant: &str) -> PersonalOf {
        let state = self.0.state();
        let pipelines = state.tenants.get(tenant).into_iter();
        let pipelines = pipelines.flat_map(|known| &known.pipelines);
        let of = pipelines.map(|(scope, one)| (scope.clone(), one.personal.clone()));
        of.collect()
    }

    fn scope(&self, at: At<'_>) -> Result<Scope, Refusal> {
        let (scope, _) = self.0.state().named(at.tenant, at.pipeline)?;
        Ok(scope)
    }

    fn key(&self, at: At<'_>) -> Result<Key, Refusal> {
        Ok(self.0.key(&TenantName::parse(at.tenant)?, at.pipeline)?)
    }

    /// A change of the store that needs a claim of its own.
    async fn alone(&self, at: At<'_>, request: Request) -> Result<(), Refusal> {
        let key = self.key(at)?;
        let answered = self.0.alone(&key, self.answer(at.tenant, request)).await?;
        answered.map(|_| ())
    }
}

#[async_trait::async_trait]
impl Service for Supervisor {
    fn is_ready(&self) -> bool {
        let state = self.0.state();
        state.ready && !state.stopping
    }

    fn metrics(&self, tenant: Option<&str>) -> String {
        metrics::text(&self.0.state(), tenant)
    }

    fn tenants(&self) -> Vec<TenantView> {
        let state = self.0.state();
        let active = state.active();
        let tenants = state.tenants.iter();
        tenants
            .map(|(name, known)| tenant_view(&active, name, known))
            .collect()
    }

    fn tenant(&self, tenant: &str) -> Result<TenantView, Refusal> {
        let state = self.0.state();
        Ok(tenant_view(&state.active(), tenant, state.known(tenant)?))
    }

    fn pipelines(&self, tenant: &str) -> Result<Vec<PipelineView>, Refusal> {
        let state = self.0.state();
        let pipelines = state.known(tenant)?.pipelines.iter();
        let views = pipelines.map(|(scope, pipeline)| {
            let key = Key {
                tenant: Tenant(tenant.to_owned()),
                scope: scope.clone(),
            };
            view(&state, &key, pipeline)
        });
        Ok(views.collect())
    }

    async fn runs(&self, at: At<'_>, limit: usize) -> Result<Value, Refusal> {
        let scope = self.scope(at)?.0;
        self.answer(at.tenant, Request::Runs { scope, limit }).await
    }

    async fn checkpoint(&self, at: At<'_>) -> Result<Value, Refusal> {
        let scope = self.scope(at)?.0;
        self.answer(at.tenant, Request::Checkpoint { scope }).await
    }

    async fn waiting(
        &self,
        tenant: &str,
        pipeline: Option<&str>,
        kind: Kind,
        mut wanted: Wanted,
        clear: bool,
    ) -> Result<Value, Refusal> {
        self.tenant(tenant)?;
        let bodies = wanted.bodies;
        // A message may have what only the record tells to be personal.
        wanted.bodies |= !clear && personal::is_any(&self.personal(tenant));
        wanted.scope = match pipeline {
            Some(pipeline) => Some(self.scope(At { tenant, pipeline })?.0),
            None => None,
        };
        let request = match kind {
            Kind::Holds => Request::Holds { wanted },
            Kind::DeadLetters => Request::DeadLetters { wanted },
        };
        let found = self.answer(tenant, request).await?;
        let mut found = self.shown(tenant, found, clear);
        if !bodies {
            without_bodies(&mut found);
        }
        Ok(found)
    }

    async fn reconciliation(&self, at: At<'_>) -> Result<Value, Refusal> {
        let scope = self.scope(at)?;
        let place = self.0.options.home.report(at.tenant, &scope)?;
        let Some(text) = read(&place)? else {
            let message = format!("source and target of `{}` were never compared", at.pipeline);
            return Err(refusal(Why::NotFound, message, "post to `…/reconcile`"));
        };
        serde_json::from_str(&text)
            .map_err(|error| refusal(Why::Failed, error.to_string(), "post to `…/reconcile`"))
    }

    async fn reconcile(&self, at: At<'_>) -> Result<(), Refusal> {
        let key = self.key(at)?;
        self.0.state().comparisons.push(key);
        self.0.compare.notify_one();
        Ok(())
    }

    async fn trace(&self, tenant: &str, number: &str, clear: bool) -> Result<Value, Refusal> {
        self.tenant(tenant)?;
        let number = number.to_owned();
        let found = self.answer(tenant, Request::Trace { number }).await?;
        Ok(self.shown(tenant, found, clear))
    }

    async fn run(&self, at: At<'_>) -> Result<(), Refusal> {
        Ok(self.0.ask(&self.key(at)?).await?)
    }

    async fn pause(&self, at: At<'_>, pause: Pause) -> Result<(), Refusal> {
        let (paused, stop) = halves(pause);
        Ok(self.0.pause(&self.key(at)?, paused, stop).await?)
    }

    async fn pause_tenant(&self, tenant: &str, pause: Pause) -> Result<(), Refusal> {
        let (paused, stop) = halves(pause);
        let name = TenantName::parse(tenant)?;
        Ok(self.0.pause_tenant(&name, paused, stop).await?)
    }

    async fn decide(
        &self,
        at: At<'_>,
        items: Vec<Item>,
        decision: Decision,
    ) -> Result<(), Refusal> {
        let scope = self.scope(at)?.0;
        let request = Request::Decide {
            scope,
            items,
            decision,
        };
        self.alone(at, request).await
    }

    async fn reset_checkpoint(&self, at: At<'_>) -> Result<(), Refusal> {
        let scope = self.scope(at)?.0;
        self.alone(at, Request::ResetCheckpoint { scope }).await
    }

    async fn reload(&self, tenant: &str) -> Result<Reloaded, Refusal> {
        let name = TenantName::parse(tenant)?;
        let shared: &Arc<Shared> = &self.0;
        Ok(shared.reload(&name).await?)
    }

    async fn remove(&self, tenant: &str) -> Result<(), Refusal> {
        Ok(self.0.remove(&TenantName::parse(tenant)?).await?)
    }

    async fn erase(&self, at: At<'_>, number: &str) -> Result<Erased, Refusal> {
        Ok(self.0.erase(&self.key(at)?, number).await?)
    }
}

fn without_bodies(page: &mut Value) {
    let rows = page.get_mut("rows").and_then(Value::as_array_mut);
    for row in rows.into_iter().flatten().filter_map(Value::as_object_mut) {
        for body in ["record", "document", "edited_text", "exchange"] {
            row.remove(body);
        }
    }
}

fn halves(pause: Pause) -> (bool, bool) {
    match pause {
        Pause::Pause { stop } => (true, stop),
        Pause::Resume => (false, false),
    }
}

fn tenant_view(active: &HashMap<&str, usize>, name: &str, known: &Known) -> TenantView {
    TenantView {
        tenant: name.to_owned(),
        enabled: known.enabled,
        paused: known.paused,
        pipelines: known.pipelines.len(),
        runs_active: active.get(name).copied().unwrap_or_default(),
        problem: known.trouble(),
    }
}

fn view(state: &State, key: &Key, pipeline: &Pipeline) -> PipelineView {
    let schedule = state.scheduler.state(key).ok();
    PipelineView {
        pipeline: pipeline.name.to_string(),
        scope: key.scope.to_string(),
        enabled: pipeline.enabled,
        paused: schedule.is_some_and(duijie_schedule::State::is_paused),
        sound: pipeline.sound,
        running: state.running.get(key).map(running),
        last: pipeline.last.as_ref().map(|last| LastView {
            run: last.run.clone(),
            ended_ms: last.ended_ms,
            failure: last.failure.clone(),
        }),
    }
}

fn running(running: &Running) -> RunningView {
    RunningView {
        run: running.run.clone(),
        cause: word(running.cause).to_owned(),
        since_ms: running.since_ms,
        read: running.counts.read,
        applied: running.counts.applied,
        rejected: running.counts.rejected,
        held: running.counts.held,
    }
}

fn refusal(why: Why, message: String, hint: &'static str) -> Refusal {
    Refusal { why, message, hint }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (why, hint) = match &error {
            Error::Name(_) | Error::NoTenant(_) => (Why::NotFound, "list /v1/tenants"),
            Error::NoPipeline { .. } => (Why::NotFound, "list the tenant's pipelines"),
            Error::AtWork(_) | Error::TooSoon { .. } => (Why::Conflict, ""),
            Error::Beyond { .. } => (Why::Conflict, "wait, or ask for more in tenant.yaml"),
            Error::Project(duijie_project::Error::Refused(_)) => (Why::Invalid, ""),
            Error::Problems(..) | Error::Scope(_) => {
                (Why::Invalid, "put right what `duijie check` tells")
            }
            Error::Schedule(duijie_schedule::Error::Unknown(_)) => (
                Why::Conflict,
                "its manifest was never sound: see its problems",
            ),
            Error::Schedule(duijie_schedule::Error::Off(_)) => (
                Why::Conflict,
                "resume it, or write `enabled: true` and reload",
            ),
            Error::Schedule(_) => (Why::Conflict, ""),
            _ => (Why::Failed, "see the log of the service"),
        };
        refusal(why, error.to_string(), hint)
    }
}
