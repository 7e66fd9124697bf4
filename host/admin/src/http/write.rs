//! What can be done. Every deed is written down, with who did it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::http::Api;
use crate::http::door::{Who, Wish};
use crate::http::problem::Problem;
use crate::service::{At, Pause, Refusal, Why};
use crate::token::{Role, Token};
use crate::{Decision, Item};

/// Asks for a run now, beside the schedule.
pub(crate) async fn run(
    State(api): State<Arc<Api>>,
    who: Who,
    Path((tenant, pipeline)): Path<(String, String)>,
) -> Response {
    let what = format!("run {pipeline}");
    let at = At {
        tenant: &tenant,
        pipeline: &pipeline,
    };
    let work = async |_: &Token| api.service.run(at).await;
    api.act(&who, &tenant, Role::Operator, &what, work).await
}

/// Compares source and target, which writes nothing.
pub(crate) async fn reconcile(
    State(api): State<Arc<Api>>,
    who: Who,
    Path((tenant, pipeline)): Path<(String, String)>,
) -> Response {
    let what = format!("reconcile {pipeline}");
    let at = At {
        tenant: &tenant,
        pipeline: &pipeline,
    };
    let work = async |_: &Token| api.service.reconcile(at).await;
    api.act(&who, &tenant, Role::Operator, &what, work).await
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pausing {
    /// Whether the run under way ends as well.
    #[serde(default)]
    stop: bool,
}

/// Nothing of it begins until it is resumed.
pub(crate) async fn pause(
    State(api): State<Arc<Api>>,
    who: Who,
    Path((tenant, pipeline)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let Pausing { stop } = match read_or_default(&body) {
        Ok(pausing) => pausing,
        Err(problem) => return api.wrong(&who, Some(&tenant), Role::Operator, "pause", problem),
    };
    pausing(&api, &who, &tenant, &pipeline, Pause::Pause { stop }).await
}

pub(crate) async fn resume(
    State(api): State<Arc<Api>>,
    who: Who,
    Path((tenant, pipeline)): Path<(String, String)>,
) -> Response {
    pausing(&api, &who, &tenant, &pipeline, Pause::Resume).await
}

async fn pausing(api: &Api, who: &Who, tenant: &str, pipeline: &str, pause: Pause) -> Response {
    let what = format!("{} {pipeline}", word(pause));
    let at = At { tenant, pipeline };
    let work = async |_: &Token| api.service.pause(at, pause).await;
    api.act(who, tenant, Role::Operator, &what, work).await
}

/// Nothing of the tenant begins until it is resumed.
pub(crate) async fn pause_tenant(
    State(api): State<Arc<Api>>,
    who: Who,
    Path(tenant): Path<String>,
    body: Bytes,
) -> Response {
    let Pausing { stop } = match read_or_default(&body) {
        Ok(pausing) => pausing,
        Err(problem) => return api.wrong(&who, Some(&tenant), Role::Operator, "pause", problem),
    };
    let pause = Pause::Pause { stop };
    let work = async |_: &Token| api.service.pause_tenant(&tenant, pause).await;
    api.act(&who, &tenant, Role::Operator, word(pause), work)
        .await
}

pub(crate) async fn resume_tenant(
    State(api): State<Arc<Api>>,
    who: Who,
    Path(tenant): Path<String>,
) -> Response {
    let work = async |_: &Token| api.service.pause_tenant(&tenant, Pause::Resume).await;
    api.act(&who, &tenant, Role::Operator, word(Pause::Resume), work)
        .await
}

fn word(pause: Pause) -> &'static str {
    match pause {
        Pause::Pause { stop: true } => "pause and stop",
        Pause::Pause { stop: false } => "pause",
        Pause::Resume => "resume",
    }
}

/// Takes over what changed in the tenant's folder; tells what that was.
pub(crate) async fn reload(
    State(api): State<Arc<Api>>,
    who: Who,
    Path(tenant): Path<String>,
) -> Response {
    let work = async |_: &Token| api.service.reload(&tenant).await;
    api.act(&who, &tenant, Role::Admin, "reload", work).await
}

/// Takes a tenant away with all that is known of it, its tokens too. It needs
/// a token of every tenant's admin: whoever is only its own would be gone.
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    who: Who,
    Path(tenant): Path<String>,
) -> Response {
    let wish = Wish {
        tenant: None,
        needs: Role::Admin,
        what: "remove a tenant",
        changes: true,
    };
    if let Err(problem) = api.door.enter(&who, &wish) {
        return problem.into_response();
    }
    let work = async |_: &Token| {
        let removed = api.service.remove(&tenant).await;
        // One that is gone already may have been cut short before its tokens.
        if let Err(refusal) = &removed
            && refusal.why != Why::NotFound
        {
            return removed;
        }
        let tokens = api.door.tokens.remove_of(&tenant);
        tokens.map_err(|error| Refusal {
            why: Why::Failed,
            message: error.to_string(),
            hint: "see to the data folder, and take its tokens away with `duijie tokens rm`",
        })?;
        removed
    };
    api.act(&who, &tenant, Role::Admin, "remove", work).await
}

/// Takes away what a record held; it is not sent again for that.
pub(crate) async fn erase(
    State(api): State<Arc<Api>>,
    who: Who,
    Path((tenant, pipeline, number)): Path<(String, String, String)>,
) -> Response {
    // The number may be a person's: it is not written down.
    let what = format!("erase a record of {pipeline}");
    let at = At {
        tenant: &tenant,
        pipeline: &pipeline,
    };
    let work = async |_: &Token| api.service.erase(at, &number).await;
    api.act(&who, &tenant, Role::Admin, &what, work).await
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decided {
    items: Vec<Item>,
    decision: Decision,
}

/// Ends the wait of holds or dead letters without a send: all or none.
pub(crate) async fn decide(
    State(api): State<Arc<Api>>,
    who: Who,
    Path((tenant, pipeline)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let decided: Decided = match read(&body) {
        Ok(decided) => decided,
        Err(problem) => {
            return api.wrong(&who, Some(&tenant), Role::Operator, "decide", problem);
        }
    };
    let what = format!(
        "decide {:?} of {} in {pipeline}",
        decided.decision,
        decided.items.len()
    );
    let at = At {
        tenant: &tenant,
        pipeline: &pipeline,
    };
    let work = async |_: &Token| {
        api.service
            .decide(at, decided.items, decided.decision)
            .await
    };
    api.act(&who, &tenant, Role::Operator, &what, work).await
}

/// The next run begins at the start; what was written stays known.
pub(crate) async fn reset_checkpoint(
    State(api): State<Arc<Api>>,
    who: Who,
    Path((tenant, pipeline)): Path<(String, String)>,
) -> Response {
    let what = format!("reset the checkpoint of {pipeline}");
    let at = At {
        tenant: &tenant,
        pipeline: &pipeline,
    };
    let work = async |_: &Token| api.service.reset_checkpoint(at).await;
    api.act(&who, &tenant, Role::Operator, &what, work).await
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| Problem::invalid(format!("the body cannot be read: {error}")))
}

fn read_or_default<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Problem> {
    match body.is_empty() {
        true => Ok(T::default()),
        false => read(body),
    }
}
