//! One request on its way out, once everything about it was settled: its turn
//! among those that use the same credential, then the exchange itself.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duijie_contract::FaultKind;
use duijie_quota::Credential;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::capability::egress::Origin;
use crate::capability::evidence::{Number, Span};
use crate::capability::http::{Answer, Filled};
use crate::capability::message::{Capture, Failure};
use crate::capability::{Capability, Clock};
use crate::spans::{self, SPANS};

/// Checked and filled, about to leave.
pub(super) struct Ready {
    pub(super) filled: Filled,
    pub(super) origin: Origin,
    /// Where the evidence of a write is.
    pub(super) noted: Option<Number>,
    pub(super) captures: Vec<Capture>,
    pub(super) deadline: Duration,
    pub(super) purpose: &'static str,
}

/// One request's end: where it is noted, and what came of it.
pub(super) type Exchanged = (
    Option<(Number, Span)>,
    Result<(Answer, Vec<Capture>), Failure>,
);

/// What the budgets said of the call in hand, and what they are to be told.
#[derive(Default)]
pub(super) struct Told {
    /// That of the last request which left.
    pub(super) paid: Option<Credential>,
    pub(super) throttled: bool,
    pub(super) refused: Option<FaultKind>,
}

/// Waits for the request's turn, which comes before `deadline_ms` or not at
/// all, and makes it.
pub(super) async fn leave(
    shared: &Capability,
    clock: &dyn Clock,
    deadline_ms: u64,
    told: &Mutex<Told>,
    ready: Ready,
) -> Exchanged {
    let origin = ready.origin.to_string();
    let turn = shared.payer.turn(&origin, clock, deadline_ms).await;
    let from_ms = clock.now_ms();
    let noted = |to_ms| {
        let span = Span { from_ms, to_ms };
        ready.noted.map(|number| (number, span))
    };
    let credential = match turn {
        Ok(credential) => credential,
        Err(refused) => {
            let failure = Failure::NotSent(refused.to_string());
            lock(told).refused = Some(refused);
            return (noted(from_ms), Err(failure));
        }
    };
    lock(told).paid = Some(credential);
    let most = shared.limits.answer_bytes;
    let clients = &shared.clients;
    let span = span(&ready);
    let answer = clients.exchange(ready.filled, &ready.origin, ready.deadline, most);
    let answer = answer.instrument(span.clone()).await;
    told_of(&span, &answer);
    let to_ms = clock.now_ms();
    if let Some(retry_after) = answer.as_ref().ok().and_then(Answer::throttles) {
        shared.payer.throttled(credential, retry_after, to_ms);
        lock(told).throttled = true;
    }
    (noted(to_ms), answer.map(|answer| (answer, ready.captures)))
}

/// Where it goes and how large it is. Its address and all that is in it stay
/// here, and the length is that without what is in the holes.
fn span(ready: &Ready) -> tracing::Span {
    tracing::trace_span!(
        target: SPANS,
        "http",
        otel.name = ready.filled.method(),
        otel.kind = "client",
        otel.status_description = Empty,
        http.request.method = ready.filled.method(),
        server.address = ready.origin.host(),
        server.port = i64::from(ready.origin.port()),
        http.request.body.size = spans::number(ready.filled.shown.len()),
        http.response.status_code = Empty,
        http.response.body.size = Empty,
        duijie.purpose = ready.purpose,
    )
}

fn told_of(span: &tracing::Span, answer: &Result<Answer, Failure>) {
    match answer {
        Ok(answer) => {
            span.record("http.response.status_code", i64::from(answer.status()));
            span.record("http.response.body.size", spans::number(answer.length()));
            if answer.status() >= 400 {
                spans::failed(span, "status");
            }
        }
        Err(failure) => spans::failed(span, failure.name()),
    }
}

/// A panic elsewhere leaves the values whole.
fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}
