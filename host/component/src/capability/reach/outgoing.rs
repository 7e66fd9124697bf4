//! One request on its way out, once everything about it was settled: its turn
//! among those that use the same credential, then the exchange itself.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duijie_contract::FaultKind;
use duijie_quota::Credential;

use crate::capability::egress::Origin;
use crate::capability::evidence::{Number, Span};
use crate::capability::http::{Answer, Filled};
use crate::capability::message::{Capture, Failure};
use crate::capability::{Capability, Clock};

/// Checked and filled, about to leave.
pub(super) struct Ready {
    pub(super) filled: Filled,
    pub(super) origin: Origin,
    /// Where the evidence of a write is.
    pub(super) noted: Option<Number>,
    pub(super) captures: Vec<Capture>,
    pub(super) deadline: Duration,
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
    let answer = clients.exchange(ready.filled, &ready.origin, ready.deadline, most);
    let answer = answer.await;
    let to_ms = clock.now_ms();
    if let Some(retry_after) = answer.as_ref().ok().and_then(Answer::throttles) {
        shared.payer.throttled(credential, retry_after, to_ms);
        lock(told).throttled = true;
    }
    (noted(to_ms), answer.map(|answer| (answer, ready.captures)))
}

/// A panic elsewhere leaves the values whole.
fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}
