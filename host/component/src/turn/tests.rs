//! Turns of futures that stand for guests, on one thread.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use duijie_contract::Bounds;
use tokio::sync::Semaphore;

use super::{MOST_CUTS, Meter, Turns};
use crate::allowance::{Allowance, Quota};
use crate::engine::TICK;
use crate::spent::Spent;

const LONG: Duration = Duration::from_secs(3_600);

fn meter(cpu_percent: u32, lane: &Arc<Semaphore>) -> Arc<Meter> {
    let tenant = Allowance::new(Quota {
        cpu_percent,
        ..Quota::NONE
    });
    let run = Arc::new(Spent::new(Bounds::DEFAULT));
    Arc::new(Meter::new(tenant, run, lane.clone()))
}

/// Another guest of the same tenant.
fn beside(meter: &Meter) -> Arc<Meter> {
    let (tenant, run) = (meter.tenant.clone(), meter.run.clone());
    Arc::new(Meter::new(tenant, run, meter.lane.clone()))
}

/// So many turns of a guest that waits for nothing, and one that ends it.
fn busy(
    meter: &Arc<Meter>,
    most: u32,
    turns: &Arc<AtomicU32>,
) -> Turns<impl Future<Output = ()> + use<>> {
    let (cut, turns) = (meter.clone(), turns.clone());
    let mut left = most;
    let call = poll_fn(move |context| {
        turns.fetch_add(1, Ordering::SeqCst);
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        cut.cut();
        context.waker().wake_by_ref();
        Poll::Pending
    });
    meter.turns(call, LONG)
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let mut context = Context::from_waker(Waker::noop());
    std::pin::Pin::new(future).poll(&mut context)
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_does_not_wait_goes_on_in_the_lane() {
    let lane = Arc::new(Semaphore::new(1));
    let taken = lane.clone().acquire_owned().await.unwrap();
    let (meter, turns) = (meter(100, &lane), Arc::default());
    let mut busy = busy(&meter, 5, &turns);
    for _ in 0..5 {
        assert!(poll(&mut busy).is_pending());
    }
    assert_eq!(turns.load(Ordering::SeqCst), MOST_CUTS, "it is held");
    drop(taken);
    assert!(busy.await.is_ok());
    assert_eq!(turns.load(Ordering::SeqCst), 6);
    assert_eq!(lane.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_waits_never_needs_the_lane_and_neither_does_the_only_user() {
    let lane = Arc::new(Semaphore::new(0));
    let mut left = 5;
    let waits = poll_fn(|context| {
        context.waker().wake_by_ref();
        left -= 1;
        match left {
            0 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    });
    let shared = meter(100, &lane);
    assert!(shared.turns(waits, LONG).await.is_ok());
    let only = meter(0, &lane);
    assert!(busy(&only, 5, &Arc::default()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn tenants_take_turns_in_the_lane_however_many_guests_each_has() {
    const TURNS: u32 = 20;
    let lane = Arc::new(Semaphore::new(1));
    let taken = lane.clone().acquire_owned().await.unwrap();
    let (many, one) = (meter(400, &lane), meter(400, &lane));
    let theirs: Arc<AtomicU32> = Arc::default();
    for _ in 0..8 {
        let busy = busy(&beside(&many), 1_000, &theirs);
        tokio::spawn(async move { busy.await.is_ok() });
    }
    let own = busy(&one, TURNS, &Arc::default());
    let own = tokio::spawn(own);
    let in_line = |meter: &Meter| meter.tenant.line.available_permits() == 0;
    while !(in_line(&many) && in_line(&one)) {
        tokio::task::yield_now().await;
    }
    drop(taken);
    assert!(own.await.unwrap().is_ok());
    let theirs = theirs.load(Ordering::SeqCst);
    assert!(theirs > TURNS / 2, "they do have turns: {theirs}");
    assert!(theirs <= 2 * TURNS + 8 * MOST_CUTS, "{theirs}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_while_it_is_held_owes_nothing_for_its_next_turn() {
    let lane = Arc::new(Semaphore::new(1));
    let meter = meter(1, &lane);
    let debt = || meter.tenant.reserve(Duration::ZERO);
    meter.tenant.reserve(LONG);
    let mut busy = busy(&meter, 1, &Arc::default());
    busy.about = TICK;
    let before = debt();
    assert!(poll(&mut busy).is_pending());
    assert_eq!(debt(), before + TICK * 100, "put down beforehand");
    drop(busy);
    assert_eq!(debt(), before);
    assert_eq!(meter.tenant.used().cpu, Duration::ZERO);
}
