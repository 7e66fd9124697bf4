//! A tenant's account under a clock that the test moves.

use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use super::{Allowance, BURST, Quota};

const SLICE: Duration = Duration::from_millis(5);

fn quota(cpu_percent: u32) -> Quota {
    Quota {
        cpu_percent,
        ..Quota::NONE
    }
}

fn waits<F: Future>(future: Pin<&mut F>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    future.poll(&mut context).is_pending()
}

/// Spends slices for so long, as one guest that never rests does; gives what
/// it got.
async fn spin(allowance: &Allowance, time: Duration) -> Duration {
    let start = tokio::time::Instant::now();
    let mut got = Duration::ZERO;
    let mut about = Duration::ZERO;
    while start.elapsed() < time {
        tokio::time::sleep(allowance.reserve(about)).await;
        tokio::time::sleep(SLICE).await;
        allowance.settle(about, SLICE);
        about = SLICE;
        got += SLICE;
    }
    got
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_spins_gets_its_tenants_share_and_one_burst() {
    for percent in [10, 25, 50] {
        let allowance = Allowance::new(quota(percent));
        let got = spin(&allowance, Duration::from_secs(10)).await;
        let share = Duration::from_secs(10) * percent / 100;
        assert!(got >= share, "{percent} %: {got:?}");
        // What it got while the burst lasted was paid for meanwhile as well.
        let most = share + 2 * BURST + 2 * SLICE;
        assert!(got <= most, "{percent} %: {got:?}");
        assert_eq!(allowance.used().cpu, got);
    }
}

#[tokio::test(start_paused = true)]
async fn guests_of_one_tenant_divide_its_share_and_do_not_wake_together() {
    let allowance = Allowance::new(quota(50));
    let all = (0..8).map(|_| spin(&allowance, Duration::from_secs(10)));
    let got = futures_util::future::join_all(all).await;
    let sum: Duration = got.iter().sum();
    let most = Duration::from_secs(5) + 2 * BURST + 16 * SLICE;
    assert!(sum <= most, "{sum:?}");
    let least = got.iter().min().unwrap();
    assert!(*least * 10 >= sum, "{least:?} of {sum:?} for one of eight");
    // Once in debt, each is told another moment.
    let waits: Vec<Duration> = (0..3).map(|_| allowance.reserve(SLICE)).collect();
    assert_eq!(waits[1] - waits[0], 2 * SLICE);
    assert_eq!(waits[2] - waits[1], 2 * SLICE);
}

#[tokio::test(start_paused = true)]
async fn who_rests_is_not_held_back_and_who_has_no_quota_never_is() {
    let rests = Allowance::new(quota(10));
    for _ in 0..100 {
        assert_eq!(rests.reserve(SLICE), Duration::ZERO);
        rests.settle(SLICE, SLICE);
        tokio::time::sleep(10 * SLICE).await;
    }
    let free = Allowance::new(quota(0));
    for _ in 0..1_000 {
        assert_eq!(free.reserve(SLICE), Duration::ZERO);
        free.settle(SLICE, SLICE);
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_was_shorter_than_it_was_taken_to_be_is_given_back() {
    let allowance = Allowance::new(quota(100));
    for _ in 0..1_000 {
        assert_eq!(allowance.reserve(SLICE), Duration::ZERO);
        allowance.settle(SLICE, Duration::ZERO);
    }
    assert_eq!(allowance.used().cpu, Duration::ZERO);
}

#[test]
fn memory_counts_up_to_the_quota_and_comes_back() {
    let allowance = Allowance::new(Quota {
        memory_bytes: 100,
        ..Quota::NONE
    });
    assert!(allowance.take_memory(60));
    assert!(!allowance.take_memory(41), "nothing of it is taken");
    assert!(allowance.take_memory(40));
    assert!(!allowance.take_memory(usize::MAX));
    allowance.give_back(60);
    let used = allowance.used();
    assert_eq!((used.memory_bytes, used.memory_peak), (40, 100));
}

#[tokio::test(start_paused = true)]
async fn who_comes_when_all_places_are_taken_waits_for_one() {
    let allowance = Allowance::new(Quota {
        instances: 2,
        ..Quota::NONE
    });
    let first = allowance.enter(1).await;
    let _second = allowance.enter(1).await;
    let wait = tokio::time::timeout(Duration::from_secs(1), allowance.enter(1));
    assert!(wait.await.is_err(), "there is none");
    assert_eq!(allowance.used().instances, 2);
    let third = allowance.enter(1);
    tokio::pin!(third);
    assert!(waits(third.as_mut()));
    drop(first);
    let _third = third.await;
    assert_eq!(allowance.used().instances, 2);
    // Several go when one leaves that had several places.
    allowance.set(Quota {
        instances: 6,
        ..Quota::NONE
    });
    let heavy = allowance.enter(4).await;
    let (two, one) = (allowance.enter(3), allowance.enter(1));
    tokio::pin!(two, one);
    assert!(waits(two.as_mut()) && waits(one.as_mut()));
    drop(heavy);
    let both = (two.await, one.await);
    drop(both);
    allowance.set(Quota {
        instances: 2,
        ..Quota::NONE
    });
    // A quota that is raised is noticed by who waits.
    let fourth = allowance.enter(1);
    tokio::pin!(fourth);
    assert!(waits(fourth.as_mut()));
    allowance.set(Quota::NONE);
    let _fourth = fourth.await;
}
