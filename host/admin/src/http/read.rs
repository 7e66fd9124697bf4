//! What can be looked at. A reader sees no document: what records and
//! documents hold is an operator's to see.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::http::door::{Who, Wish};
use crate::http::problem::Problem;
use crate::http::{Api, json};
use crate::service::{At, Kind, Refusal, Why};
use crate::token::{EVERY, Role, Token};
use crate::{Item, Wanted};

type Asked<T> = Result<Query<T>, QueryRejection>;

/// Numbers for Prometheus: of all tenants, or of the token's own.
pub(crate) async fn metrics(State(api): State<Arc<Api>>, who: Who) -> Response {
    let token = match of_whom(&api, &who, Role::Reader, "GET /metrics") {
        Ok(token) => token,
        Err(problem) => return problem.into_response(),
    };
    let own = (token.tenant != EVERY).then_some(token.tenant.as_str());
    let text = api.service.metrics(own);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// All tenants, or the token's own.
pub(crate) async fn tenants(State(api): State<Arc<Api>>, who: Who) -> Response {
    let token = match of_whom(&api, &who, Role::Reader, "GET /v1/tenants") {
        Ok(token) => token,
        Err(problem) => return problem.into_response(),
    };
    let all = api.service.tenants().into_iter();
    let own = all.filter(|view| token.tenant == EVERY || token.tenant == view.tenant);
    json(&own.collect::<Vec<_>>())
}

/// A token for whichever tenant it is one.
fn of_whom(api: &Api, who: &Who, needs: Role, what: &str) -> Result<Token, Problem> {
    let of = |tenant: Option<&str>| {
        let wish = Wish {
            tenant,
            needs,
            what,
            changes: false,
        };
        api.door.enter(who, &wish)
    };
    match api.door.own(who) {
        Some(tenant) => of(Some(&tenant)),
        None => of(None),
    }
}

pub(crate) async fn tenant(
    State(api): State<Arc<Api>>,
    who: Who,
    Path(tenant): Path<String>,
) -> Response {
    let work = async |_: &Token| api.service.tenant(&tenant);
    api.look(&who, Some(&tenant), Role::Reader, "GET tenant", work)
        .await
}

pub(crate) async fn pipelines(
    State(api): State<Arc<Api>>,
    who: Who,
    Path(tenant): Path<String>,
) -> Response {
    let work = async |_: &Token| api.service.pipelines(&tenant);
    api.look(&who, Some(&tenant), Role::Reader, "GET pipelines", work)
        .await
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Latest {
    /// 20 when absent.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
}

impl Latest {
    fn limit(asked: &Asked<Self>) -> Result<usize, Problem> {
        let asked = asked
            .as_ref()
            .map_err(|error| Problem::invalid(error.body_text()))?;
        match asked.limit.unwrap_or(20) {
            limit @ 1..=1000 => Ok(usize::from(limit)),
            other => Err(Problem::invalid(format!(
                "`limit` is {other}, expected 1 to 1000"
            ))),
        }
    }
}

/// The latest runs, newest first.
pub(crate) async fn runs(
    State(api): State<Arc<Api>>,
    who: Who,
    Path((tenant, pipeline)): Path<(String, String)>,
    asked: Asked<Latest>,
) -> Response {
    let limit = match Latest::limit(&asked) {
        Ok(limit) => limit,
        Err(problem) => {
            return api.wrong(&who, Some(&tenant), Role::Reader, "GET runs", problem);
        }
    };
    let at = At {
        tenant: &tenant,
        pipeline: &pipeline,
    };
    let work = async |_: &Token| api.service.runs(at, limit).await;
    api.look(&who, Some(&tenant), Role::Reader, "GET runs", work)
        .await
}

/// Where the next run goes on.
pub(crate) async fn checkpoint(
    State(api): State<Arc<Api>>,
    who: Who,
    Path((tenant, pipeline)): Path<(String, String)>,
) -> Response {
    let at = At {
        tenant: &tenant,
        pipeline: &pipeline,
    };
    let work = async |_: &Token| api.service.checkpoint(at).await;
    api.look(&who, Some(&tenant), Role::Reader, "GET checkpoint", work)
        .await
}

/// The latest comparison of source and target.
pub(crate) async fn reconciliation(
    State(api): State<Arc<Api>>,
    who: Who,
    Path((tenant, pipeline)): Path<(String, String)>,
) -> Response {
    let at = At {
        tenant: &tenant,
        pipeline: &pipeline,
    };
    let work = async |_: &Token| api.service.reconciliation(at).await;
    api.look(
        &who,
        Some(&tenant),
        Role::Reader,
        "GET reconciliation",
        work,
    )
    .await
}

/// Which of those that wait; what is absent asks for nothing.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    pipeline: Option<String>,
    /// A source key, a target key or an id of the target.
    number: Option<String>,
    part: Option<String>,
    /// A kind, an error's fingerprint or code, or words of it.
    why: Option<String>,
    /// Unix milliseconds.
    since_ms: Option<u64>,
    until_ms: Option<u64>,
    /// Whether records and documents come along: an operator's to ask for.
    bodies: Option<bool>,
    /// The scope, source key and part of the last row of the page before, as a
    /// JSON list of texts.
    after: Option<String>,
}

pub(crate) async fn holds(
    State(api): State<Arc<Api>>,
    who: Who,
    Path(tenant): Path<String>,
    asked: Asked<Which>,
) -> Response {
    waiting(&api, &who, &tenant, Kind::Holds, asked).await
}

pub(crate) async fn dead_letters(
    State(api): State<Arc<Api>>,
    who: Who,
    Path(tenant): Path<String>,
    asked: Asked<Which>,
) -> Response {
    waiting(&api, &who, &tenant, Kind::DeadLetters, asked).await
}

async fn waiting(api: &Api, who: &Who, tenant: &str, kind: Kind, asked: Asked<Which>) -> Response {
    let wrong = |problem| api.wrong(who, Some(tenant), Role::Reader, "GET what waits", problem);
    let which = match asked {
        Ok(Query(which)) => which,
        Err(error) => return wrong(Problem::invalid(error.body_text())),
    };
    let after = match which.after.as_deref().map(serde_json::from_str) {
        Some(Ok((scope, source_key, part))) => Some((scope, Item { source_key, part })),
        Some(Err(error)) => {
            return wrong(Problem::invalid(format!("`after` cannot be read: {error}")));
        }
        None => None,
    };
    let bodies = which.bodies.unwrap_or(false);
    let wanted = Wanted {
        scope: None,
        numbers: which.number.into_iter().collect(),
        part: which.part,
        why: which.why,
        since_ms: which.since_ms,
        until_ms: which.until_ms,
        bodies,
        after,
    };
    let (needs, what) = match (bodies, kind) {
        (true, Kind::Holds) => (Role::Operator, "GET holds with documents"),
        (true, Kind::DeadLetters) => (Role::Operator, "GET dead letters with documents"),
        (false, Kind::Holds) => (Role::Reader, "GET holds"),
        (false, Kind::DeadLetters) => (Role::Reader, "GET dead letters"),
    };
    let pipeline = which.pipeline.as_deref();
    let work = async |token: &Token| {
        let clear = token.role >= Role::Admin;
        let waiting = api.service.waiting(tenant, pipeline, kind, wanted, clear);
        waiting.await
    };
    api.look(who, Some(tenant), needs, what, work).await
}

/// Everything that is known of one document, by a number of either side. A
/// reader sees no record, document or exchange of it.
pub(crate) async fn trace(
    State(api): State<Arc<Api>>,
    who: Who,
    Path((tenant, number)): Path<(String, String)>,
) -> Response {
    let work = async |token: &Token| {
        let clear = token.role >= Role::Admin;
        let mut found = api.service.trace(&tenant, &number, clear).await?;
        if token.role < Role::Operator {
            mask(&mut found);
        }
        Ok(found)
    };
    api.look(&who, Some(&tenant), Role::Reader, "GET trace", work)
        .await
}

/// Takes away what a document holds.
fn mask(found: &mut Value) {
    match found {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "record" | "sent" | "exchange" => *value = Value::Null,
                    _ => mask(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

/// Who did what, the latest first.
pub(crate) async fn events_of_tenant(
    State(api): State<Arc<Api>>,
    who: Who,
    Path(tenant): Path<String>,
    asked: Asked<Latest>,
) -> Response {
    deeds(&api, &who, Some(&tenant), &asked).await
}

/// The same of all tenants, and of none.
pub(crate) async fn events(
    State(api): State<Arc<Api>>,
    who: Who,
    asked: Asked<Latest>,
) -> Response {
    deeds(&api, &who, None, &asked).await
}

async fn deeds(api: &Api, who: &Who, tenant: Option<&str>, asked: &Asked<Latest>) -> Response {
    let limit = match Latest::limit(asked) {
        Ok(limit) => limit,
        Err(problem) => return api.wrong(who, tenant, Role::Admin, "GET events", problem),
    };
    let work = async |_: &Token| {
        let latest = api.door.audit.latest(tenant, limit);
        latest.map_err(|error| Refusal {
            why: Why::Failed,
            message: format!("the audit log cannot be read: {error}"),
            hint: "see to the data folder",
        })
    };
    api.look(who, tenant, Role::Admin, "GET events", work).await
}
