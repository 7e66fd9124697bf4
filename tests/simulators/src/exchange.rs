//! One request through a vendor's server: latency, fault rules and the journal, the same for both vendors.

use crate::clock::Clock;
use crate::connection::Link;
use crate::fault_rule::{FaultKind, FaultRules};
use crate::journal::{Journal, Request};
use axum::body::Body;
use axum::http::{HeaderName, Response, StatusCode, header};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// A body larger than this is refused by closing; no vendor names a limit.
pub(crate) const BODY_LIMIT: usize = 256 << 20;

/// What both servers share.
pub(crate) struct Exchange {
    pub(crate) clock: Clock,
    pub(crate) faults: Arc<FaultRules>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) latency: Duration,
}

/// A vendor's answer before any fault has touched it.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    pub(crate) headers: Vec<(HeaderName, String)>,
    /// For the journal.
    pub(crate) detail: String,
}

impl Answer {
    pub(crate) fn json(body: impl Into<Bytes>, detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::OK,
            body: body.into(),
            headers: Vec::new(),
            detail: detail.into(),
        }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        let body = Bytes::from_static(
            b"<html><head><title>404</title></head><body>Not Found</body></html>",
        );
        Self {
            status: StatusCode::NOT_FOUND,
            body,
            headers: Vec::new(),
            detail: detail.into(),
        }
    }
}

/// How rows come again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    AsNow,
    AsAtFirst,
}

/// What a fault changes inside the vendor's own work.
#[derive(Clone, Copy, Default)]
pub(crate) struct Effect {
    /// Only the first half of a batch.
    pub(crate) half: bool,
    /// Found by queries only after so long.
    pub(crate) hidden_ms: u64,
    /// Happens so much later.
    pub(crate) late_ms: Option<u64>,
    /// The rows of the page before come again.
    pub(crate) repeat: Option<Repeat>,
    /// The first row changes, dated so long ago.
    pub(crate) change_ms: Option<u64>,
}

/// The vendor's side of an exchange.
pub(crate) trait Vendor {
    /// Does what was asked.
    fn apply(&self, effect: Effect) -> Answer;
    /// The vendor's words for `Throttle`, `SessionLost`, `WrongEnvelope` and `WrongTypes`.
    fn spoil(&self, kind: FaultKind) -> Answer;
}

const GATEWAY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
const MAINTENANCE: &str = "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>系统维护</title></head>\
<body><h1>系统维护中，请稍后再试</h1></body></html>";

impl Exchange {
    pub(crate) async fn run(
        &self,
        operation: &str,
        bytes_in: usize,
        link: &Link,
        vendor: &impl Vendor,
    ) -> Response<Body> {
        let fault = self.faults.take(operation);
        let slow = match fault {
            Some((FaultKind::Slow, ms)) => Duration::from_millis(ms),
            _ => Duration::ZERO,
        };
        let wait = self.latency + slow;
        if wait > Duration::ZERO {
            tokio::time::sleep(wait).await;
        }
        let (mut answer, cut) = answer(vendor, fault);
        if cut {
            link.cut();
        }
        if let Some((kind, _)) = fault {
            answer.detail = format!("{kind:?}: {}", answer.detail);
        }
        let (bytes_out, status) = if cut {
            (0, 0)
        } else {
            (answer.body.len(), answer.status.as_u16())
        };
        self.journal.add(Request {
            at_ms: self.clock.now_ms(),
            operation: operation.to_owned(),
            bytes_in,
            bytes_out,
            status,
            detail: std::mem::take(&mut answer.detail),
        });
        respond(answer)
    }

    /// An answer that no rule concerns.
    pub(crate) fn respond_plain(&self, mut answer: Answer) -> Response<Body> {
        answer
            .headers
            .push((header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()));
        self.journal.add(Request {
            at_ms: self.clock.now_ms(),
            operation: "unknown".to_owned(),
            bytes_in: 0,
            bytes_out: answer.body.len(),
            status: answer.status.as_u16(),
            detail: std::mem::take(&mut answer.detail),
        });
        respond(answer)
    }
}

/// The answer, and whether the connection is cut instead of sending it.
fn answer(vendor: &impl Vendor, fault: Option<(FaultKind, u64)>) -> (Answer, bool) {
    let Some((kind, ms)) = fault else {
        return (vendor.apply(Effect::default()), false);
    };
    let html = |text: &'static str, status| Answer {
        status,
        body: Bytes::from_static(text.as_bytes()),
        headers: vec![(header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned())],
        detail: String::new(),
    };
    let answer = match kind {
        FaultKind::DropBefore => html("", StatusCode::OK),
        FaultKind::Status502Before => html(GATEWAY, StatusCode::BAD_GATEWAY),
        FaultKind::Status502After => {
            let applied = vendor.apply(Effect::default());
            let mut answer = html(GATEWAY, StatusCode::BAD_GATEWAY);
            answer.detail = applied.detail;
            answer
        }
        FaultKind::Html200 => html(MAINTENANCE, StatusCode::OK),
        FaultKind::TruncatedJson => {
            let mut answer = vendor.apply(Effect::default());
            answer.body.truncate(answer.body.len() / 2);
            answer
        }
        FaultKind::Throttle
        | FaultKind::SessionLost
        | FaultKind::WrongEnvelope
        | FaultKind::WrongTypes => vendor.spoil(kind),
        FaultKind::DropAfterApply
        | FaultKind::LateApply
        | FaultKind::HalfBatch
        | FaultKind::DelayedVisibility
        | FaultKind::RepeatPage
        | FaultKind::StalePage
        | FaultKind::ChangeRows
        | FaultKind::Slow => vendor.apply(effect(kind, ms)),
    };
    let cut = matches!(
        kind,
        FaultKind::DropBefore | FaultKind::DropAfterApply | FaultKind::LateApply
    );
    (answer, cut)
}

fn effect(kind: FaultKind, ms: u64) -> Effect {
    let given = |wanted| (kind == wanted).then_some(ms);
    Effect {
        half: kind == FaultKind::HalfBatch,
        hidden_ms: match kind {
            FaultKind::DelayedVisibility | FaultKind::DropAfterApply => ms,
            _ => 0,
        },
        late_ms: given(FaultKind::LateApply),
        repeat: match kind {
            FaultKind::RepeatPage => Some(Repeat::AsNow),
            FaultKind::StalePage => Some(Repeat::AsAtFirst),
            _ => None,
        },
        change_ms: given(FaultKind::ChangeRows),
    }
}

fn respond(answer: Answer) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json; charset=utf-8"),
    );
    for (name, value) in answer.headers {
        if let Ok(value) = header::HeaderValue::from_str(&value) {
            // A vendor sets two cookies; every other header comes once.
            if name == header::SET_COOKIE {
                headers.append(name, value);
            } else {
                headers.insert(name, value);
            }
        }
    }
    response
}
