//! The HTTP interface of a service. It checks who calls, reads what is asked
//! for, and tells what the service answers; it decides nothing else.

mod accept;
mod document;
mod door;
mod problem;
mod read;
mod tls;
mod write;

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::audit::Audit;
use crate::service::{Refusal, Service};
use crate::token::{Role, Token, Tokens};
use accept::PATIENCE;
use door::{Door, Who, Wish};
use problem::Problem;
pub use tls::{Tls, TlsError};

pub(crate) struct Api {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) door: Door,
}

/// Listens; nothing is answered yet.
pub async fn listen(address: &str) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Answers until `stopped` ends, and then those that are under way, over TLS
/// where there is a certificate. Tokens and the audit log lie in `data`.
pub async fn answer(
    listener: TcpListener,
    tls: Option<Tls>,
    service: Arc<dyn Service>,
    data: &Path,
    now_ms: fn() -> u64,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let door = Door::new(Tokens::of(data), Audit::of(data), now_ms);
    let app = router(Arc::new(Api { service, door }));
    accept::accept(listener, tls.map(Arc::new), app, PATIENCE, stopped).await
}

fn router(api: Arc<Api>) -> Router {
    let at = "/v1/tenants/{tenant}";
    let of = |rest: &str| format!("{at}{rest}");
    let pipeline = |rest: &str| format!("{at}/pipelines/{{pipeline}}{rest}");
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/openapi.json", get(document))
        .route("/metrics", get(read::metrics))
        .route("/v1/events", get(read::events))
        .route("/v1/tenants", get(read::tenants))
        .route(at, get(read::tenant).delete(write::remove))
        .route(&of("/pipelines"), get(read::pipelines))
        .route(&of("/holds"), get(read::holds))
        .route(&of("/dead-letters"), get(read::dead_letters))
        .route(&of("/trace/{number}"), get(read::trace))
        .route(&of("/events"), get(read::events_of_tenant))
        .route(&of("/pause"), post(write::pause_tenant))
        .route(&of("/resume"), post(write::resume_tenant))
        .route(&of("/reload"), post(write::reload))
        .route(&pipeline("/runs"), get(read::runs))
        .route(
            &pipeline("/checkpoint"),
            get(read::checkpoint).delete(write::reset_checkpoint),
        )
        .route(&pipeline("/reconciliation"), get(read::reconciliation))
        .route(&pipeline("/reconcile"), post(write::reconcile))
        .route(&pipeline("/run"), post(write::run))
        .route(&pipeline("/pause"), post(write::pause))
        .route(&pipeline("/resume"), post(write::resume))
        .route(&pipeline("/decisions"), post(write::decide))
        .route(&pipeline("/records/{number}"), delete(write::erase))
        .fallback(nothing)
        .method_not_allowed_fallback(other_method)
        // Bodies are whole, and not too large, when they get here.
        .layer(DefaultBodyLimit::disable())
        .with_state(api)
}

/// Whether the process answers at all.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether runs begin: not before all tenants were read, nor after a wish to stop.
async fn readyz(State(api): State<Arc<Api>>) -> (StatusCode, &'static str) {
    match api.service.is_ready() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}

async fn document() -> Response {
    json(&document::openapi())
}

async fn nothing() -> Problem {
    let hint = "see /openapi.json for what there is";
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is nothing here",
        hint,
    )
}

async fn other_method() -> Problem {
    let hint = "see /openapi.json for what there is";
    let status = StatusCode::METHOD_NOT_ALLOWED;
    Problem::new(
        status,
        "other_method",
        "this is not done by this method",
        hint,
    )
}

fn json<T: Serialize>(value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Problem::new(status, "failed", error.to_string(), "report this as a bug")
                .into_response()
        }
    }
}

impl Api {
    /// Something that is looked at.
    pub(crate) async fn look<T: Serialize>(
        &self,
        who: &Who,
        tenant: Option<&str>,
        needs: Role,
        what: &str,
        look: impl AsyncFnOnce(&Token) -> Result<T, Refusal>,
    ) -> Response {
        let wish = Wish {
            tenant,
            needs,
            what,
            changes: false,
        };
        self.fulfil(who, &wish, look).await
    }

    /// Something that is done: it is written down, whatever came of it.
    pub(crate) async fn act<T: Serialize>(
        &self,
        who: &Who,
        tenant: &str,
        needs: Role,
        what: &str,
        act: impl AsyncFnOnce(&Token) -> Result<T, Refusal>,
    ) -> Response {
        let wish = Wish {
            tenant: Some(tenant),
            needs,
            what,
            changes: true,
        };
        self.fulfil(who, &wish, act).await
    }

    /// What is wrong with a wish, which only those are told who may have it.
    pub(crate) fn wrong(
        &self,
        who: &Who,
        tenant: Option<&str>,
        needs: Role,
        what: &str,
        problem: Problem,
    ) -> Response {
        let wish = Wish {
            tenant,
            needs,
            what,
            changes: false,
        };
        let entered = self.door.enter(who, &wish);
        entered
            .map_or_else(|refused| refused, |_| problem)
            .into_response()
    }

    async fn fulfil<T: Serialize>(
        &self,
        who: &Who,
        wish: &Wish<'_>,
        work: impl AsyncFnOnce(&Token) -> Result<T, Refusal>,
    ) -> Response {
        let token = match self.door.enter(who, wish) {
            Ok(token) => token,
            Err(problem) => return problem.into_response(),
        };
        let response = match work(&token).await {
            Ok(value) => json(&value),
            Err(refusal) => Problem::from(refusal).into_response(),
        };
        if wish.changes {
            self.door
                .note(&token.id, who, wish, response.status().as_u16());
        }
        response
    }
}

#[cfg(test)]
mod tests;
