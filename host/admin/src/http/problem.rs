//! What a caller is told when a wish was not fulfilled (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::service::{Refusal, Why};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// The HTTP status once more.
    pub(crate) status: u16,
    pub(crate) title: &'static str,
    /// For programs; stays the same.
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    /// What to do next.
    pub(crate) hint: &'static str,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<String>,
        hint: &'static str,
    ) -> Self {
        Self {
            status: status.as_u16(),
            title: status.canonical_reason().unwrap_or_default(),
            code,
            detail: detail.into(),
            hint,
        }
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        let hint = "see /openapi.json for what is expected";
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail, hint)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = match refusal.why {
            Why::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Why::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "refused"),
            Why::Conflict => (StatusCode::CONFLICT, "conflict"),
            Why::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
        };
        Self::new(status, code, refusal.message, refusal.hint)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // Texts and a number always have a form in JSON.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (status, kind, body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
