//! How many calls a minute leave for one connection, whoever makes them.
//! Waiting costs a guest no processor time; its call's deadline goes on.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::Mutex;

use super::Clock;

/// A minute, and a second for what arrives closer together than it left.
const WINDOW_MS: u64 = 61_000;

/// Within any minute at most so many calls leave; the first of them at once,
/// in the order in which they come.
#[derive(Debug)]
pub(crate) struct Pace {
    /// 0 for as many as there are.
    most: usize,
    /// When the last calls left, oldest first. The lock is held while one
    /// waits, and is handed on in the order in which it was asked for.
    left_ms: Mutex<VecDeque<u64>>,
}

impl Pace {
    /// No more than `calls_per_minute`; 0 is no limit.
    pub(crate) fn new(calls_per_minute: u32) -> Self {
        Self {
            most: usize::try_from(calls_per_minute).unwrap_or(usize::MAX),
            left_ms: Mutex::default(),
        }
    }

    /// Waits until the next call may leave. Who gives up waiting takes
    /// nothing from the others.
    pub(crate) async fn turn(&self, clock: &dyn Clock) {
        if self.most == 0 {
            return;
        }
        let mut left_ms = self.left_ms.lock().await;
        if left_ms.len() >= self.most
            && let Some(first) = left_ms.front()
        {
            // A clock that was set back makes no one wait for longer than once.
            let wait = (first + WINDOW_MS).saturating_sub(clock.now_ms());
            if wait > 0 {
                clock
                    .sleep(Duration::from_millis(wait.min(WINDOW_MS)))
                    .await;
            }
            left_ms.pop_front();
        }
        left_ms.push_back(clock.now_ms());
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Stands still but for who sleeps.
    pub(crate) struct Sleepers(pub(crate) AtomicU64);

    impl Clock for Sleepers {
        fn now_ms(&self) -> u64 {
            self.0.load(Ordering::SeqCst)
        }

        fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            let time = u64::try_from(time.as_millis()).unwrap();
            self.0.fetch_add(time, Ordering::SeqCst);
            Box::pin(std::future::ready(()))
        }
    }

    /// When so many calls leave; the clock is set to each of `set` before.
    async fn check(calls_per_minute: u32, set: &[Option<u64>], expected: &[u64]) {
        let clock = Sleepers(AtomicU64::new(1_000_000));
        let pace = Pace::new(calls_per_minute);
        let mut left = Vec::new();
        for now in set {
            if let Some(now) = now {
                clock.0.store(*now, Ordering::SeqCst);
            }
            pace.turn(&clock).await;
            left.push(clock.now_ms());
        }
        assert_eq!(left, expected);
    }

    #[tokio::test]
    async fn a_call_too_many_waits_until_the_first_of_its_minute_is_past() {
        let set = [None, Some(1_010_000), None, None, None, None, None];
        let expected = [
            1_000_000, 1_010_000, 1_061_000, 1_071_000, 1_122_000, 1_132_000, 1_183_000,
        ];
        check(2, &set, &expected).await;
    }

    #[tokio::test]
    async fn without_a_limit_nobody_waits() {
        check(0, &[None; 5], &[1_000_000; 5]).await;
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_costs_one_minute_at_most() {
        let expected = [1_000_000, 61_005, 122_005];
        check(1, &[None, Some(5), None], &expected).await;
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_the_turn_to_the_next() {
        struct Never;
        impl Clock for Never {
            fn now_ms(&self) -> u64 {
                0
            }

            fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
                Box::pin(std::future::pending())
            }
        }
        let pace = Pace::new(1);
        pace.turn(&Never).await;
        for _ in 0..3 {
            let waiting = Box::pin(pace.turn(&Never));
            let gave_up = futures_util::future::select(waiting, std::future::ready(())).await;
            assert!(matches!(gave_up, futures_util::future::Either::Right(_)));
        }
        assert_eq!(*pace.left_ms.lock().await, [0]);
    }
}
