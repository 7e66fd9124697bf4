//! One call into a guest, in turns: each runs for an epoch at most, and before
//! each the guest's tenant has its share of the processor left. A turn is all
//! that the guest does between two waits, the host's work for it included.

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::allowance::Allowance;
use crate::engine::TICK;
use crate::spent::Spent;

/// What a turn counts at most. It is measured by the clock on the wall: what it
/// takes beyond that, the machine gave to other programs, as the host's work of
/// one turn is short. The longest is to sign 16 MiB, some tens of milliseconds,
/// of which what is beyond this is on nobody's account.
const LONGEST: Duration = TICK.saturating_mul(4);

/// Turns in a row that the epoch ends of a guest that may still be about to
/// wait: a short turn may be late once, on a machine that is busy.
const MOST_CUTS: u32 = 2;

/// Who pays for an instance's turns.
pub(crate) struct Meter {
    pub(crate) tenant: Arc<Allowance>,
    pub(crate) run: Arc<Spent>,
    /// Turns of tenants that have used their share up, and of guests that do
    /// not wait, run in so few places at a time that a thread is left for the
    /// others.
    pub(crate) lane: Arc<Semaphore>,
    /// That the epoch ended the turn, and no wait of the guest's.
    cut: AtomicBool,
    /// Why the guest is to be ended, once it is known.
    beyond: Mutex<Option<String>>,
}

impl Meter {
    pub(crate) fn new(tenant: Arc<Allowance>, run: Arc<Spent>, lane: Arc<Semaphore>) -> Self {
        Self {
            tenant,
            run,
            lane,
            cut: AtomicBool::new(false),
            beyond: Mutex::default(),
        }
    }

    /// The guest would have gone on: its turn ends all the same.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// The first reason stays.
    pub(crate) fn end(&self, reason: String) {
        let mut beyond = self.beyond.lock().unwrap_or_else(PoisonError::into_inner);
        beyond.get_or_insert(reason);
    }

    /// What the guest went beyond, told once.
    pub(crate) fn take_beyond(&self) -> Option<String> {
        let mut beyond = self.beyond.lock().unwrap_or_else(PoisonError::into_inner);
        beyond.take()
    }

    /// What an import gives that went beyond a bound: it ends the call.
    pub(crate) fn trap(&self, reason: String) -> wasmtime::Error {
        self.end(reason.clone());
        wasmtime::Error::msg(reason)
    }

    /// Runs `call` in turns, with so much processor time in all.
    pub(crate) fn turns<F: Future>(self: &Arc<Self>, call: F, most: Duration) -> Turns<F> {
        Turns {
            meter: self.clone(),
            call: Box::pin(call),
            about: Duration::ZERO,
            used: Duration::ZERO,
            cuts: 0,
            most,
            state: State::Due,
        }
    }
}

/// It went beyond what it may use; [`Meter::take_beyond`] says what.
pub(crate) struct Ended;

pub(crate) struct Turns<F> {
    meter: Arc<Meter>,
    call: Pin<Box<F>>,
    /// The length of the last turn, which the next one is taken to have.
    about: Duration,
    used: Duration,
    /// Turns since it waited for anything, each ended by the epoch.
    cuts: u32,
    most: Duration,
    state: State,
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

enum State {
    /// The next turn is not put down yet.
    Due,
    /// Held back until its tenant has paid, and until the lane is free. Of one
    /// tenant's guests one stands in line at a time, so that tenants take their
    /// turns in the lane by turns, however many guests each has.
    Held(Boxed<Option<OwnedSemaphorePermit>>),
}

impl<F: Future> Turns<F> {
    /// Ready once the next turn may begin.
    fn poll_admitted(&mut self, context: &mut Context<'_>) -> Poll<Option<OwnedSemaphorePermit>> {
        if let State::Due = self.state {
            let wait = self.meter.tenant.reserve(self.about);
            let lane = self.cuts >= MOST_CUTS && self.meter.tenant.is_shared();
            if wait.is_zero() && !lane {
                return Poll::Ready(None);
            }
            let (meter, since) = (self.meter.clone(), Instant::now());
            self.state = State::Held(Box::pin(async move {
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
                let _first = meter.tenant.line.acquire().await.ok();
                let permit = meter.lane.clone().acquire_owned().await.ok();
                meter.tenant.was_held_back(since.elapsed());
                permit
            }));
        }
        let State::Held(held) = &mut self.state else {
            return Poll::Ready(None);
        };
        let permit = ready!(held.as_mut().poll(context));
        self.state = State::Due;
        Poll::Ready(permit)
    }
}

impl<F> Drop for Turns<F> {
    /// The turn that was put down will not come.
    fn drop(&mut self) {
        if let State::Held(_) = self.state {
            self.meter.tenant.settle(self.about, Duration::ZERO);
        }
    }
}

impl<F: Future> Future for Turns<F> {
    type Output = Result<F::Output, Ended>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let permit = ready!(this.poll_admitted(context));
        let began = std::time::Instant::now();
        this.meter.cut.store(false, Ordering::Relaxed);
        let polled = this.call.as_mut().poll(context);
        let took = began.elapsed().min(LONGEST);
        drop(permit);
        this.meter.tenant.settle(this.about, took);
        this.about = took;
        this.used = this.used.saturating_add(took);
        this.cuts = match this.meter.cut.load(Ordering::Relaxed) {
            true => this.cuts.saturating_add(1),
            false => 0,
        };
        let within = this.meter.run.cpu(took);
        if let Poll::Ready(answer) = polled {
            return Poll::Ready(Ok(answer));
        }
        if let Err(beyond) = within {
            this.meter.end(beyond);
            return Poll::Ready(Err(Ended));
        }
        if this.used > this.most {
            let most = this.most;
            let reason = format!("it used over {most:?} of processor time in one call");
            this.meter.end(reason);
            return Poll::Ready(Err(Ended));
        }
        Poll::Pending
    }
}
