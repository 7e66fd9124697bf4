//! From HTTP to a call of this vendor.

use crate::connection::Link;
use crate::exchange::{Answer, BODY_LIMIT};
use crate::simulators::Servers;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{Request, Response};
use std::sync::Arc;

pub(crate) async fn serve(
    State(servers): State<Arc<Servers>>,
    ConnectInfo(link): ConnectInfo<Link>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    let bytes_in = body.len();
    let path = parts.uri.path();
    let run = &servers.exchange;
    let Some(call) = servers.waiqin365.call(parts.method.as_str(), path, body) else {
        return run.respond_plain(Answer::not_found("an unknown path"));
    };
    let operation = format!("waiqin365.{}", call.name());
    run.run(&operation, bytes_in, &link, &call).await
}
