//! How often calls leave, and what the budgets learn of answers and faults.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use duijie_contract::FaultKind;

use super::*;
use crate::budget::CallLimit;

/// Stands still but for who sleeps.
struct Sleepers(AtomicU64);

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

fn clock() -> Arc<Sleepers> {
    Arc::new(Sleepers(AtomicU64::new(0)))
}

fn read(origin: &str) -> Request {
    post(origin, Some(Purpose::Read), Vec::new())
}

fn throttled(headers: &str) -> Step {
    let head = format!("HTTP/1.1 429 Too Many\r\ncontent-length: 0\r\n{headers}\r\n");
    Step::Reply(head.into_bytes())
}

#[tokio::test]
async fn calls_of_all_instances_of_a_connection_keep_its_budget() {
    let listener = Listener::start((0..5).map(|_| ok("", "")).collect()).await;
    let options = CapabilityOptions {
        calls_per_minute: 2,
        ..options(&listener.origin, Mode::Effect)
    };
    let capability = Capability::new(options).unwrap();
    let clock = clock();
    let mut times = Vec::new();
    for _ in 0..5 {
        // What is refused takes no one's turn.
        let mut fresh = Reach::new(capability.clone(), clock.clone());
        let refused = fresh.send(read("http://other.example/")).await.unwrap_err();
        assert!(matches!(refused, Failure::Refused(_)), "{refused}");
        fresh.send(read(&listener.origin)).await.unwrap();
        times.push(clock.now_ms());
    }
    assert_eq!(times, [0, 0, 61_000, 61_000, 122_000]);
}

#[tokio::test]
async fn an_answer_that_asks_for_time_gets_it_from_every_launcher_with_the_credential() {
    let listener = Listener::start(vec![
        throttled("retry-after: 7\r\n"),
        ok("", ""),
        ok("", ""),
    ])
    .await;
    let account = Account::default();
    let clock = clock();
    let mut times = Vec::new();
    for tenant in ["north", "south", "south"] {
        let options = CapabilityOptions {
            account: Account {
                budgets: account.budgets.clone(),
                tenant: tenant.into(),
            },
            ..options(&listener.origin, Mode::Effect)
        };
        let mut reach = Reach::new(Capability::new(options).unwrap(), clock.clone());
        reach.begin_call(Duration::from_secs(60));
        reach.send(read(&listener.origin)).await.unwrap();
        reach.went_well();
        times.push(clock.now_ms());
    }
    assert_eq!(times, [0, 7_000, 7_000]);
}

#[tokio::test]
async fn a_fault_that_only_the_guest_can_read_teaches_the_budget() {
    let listener = Listener::start((0..3).map(|_| ok("", "")).collect()).await;
    let capability = capability(&listener, Mode::Effect);
    let clock = clock();
    let mut reach = Reach::new(capability, clock.clone());
    let limited = |retry_after| FaultKind::RateLimited {
        reason: "too many".to_owned(),
        retry_after,
    };
    for (retry_after, waits_ms) in [(Some(Duration::from_secs(9)), 9_000), (None, 1_000)] {
        reach.begin_call(Duration::from_secs(60));
        reach.send(read(&listener.origin)).await.unwrap();
        let before = clock.now_ms();
        assert_eq!(reach.went_wrong(limited(retry_after)), limited(retry_after));
        reach.begin_call(Duration::from_millis(waits_ms - 1));
        let refused = reach.send(read(&listener.origin)).await.unwrap_err();
        assert!(matches!(refused, Failure::NotSent(_)), "{refused}");
        clock.sleep(Duration::from_millis(waits_ms)).await;
        assert_eq!(clock.now_ms(), before + waits_ms);
    }
    reach.begin_call(Duration::from_secs(60));
    reach.send(read(&listener.origin)).await.unwrap();
    assert_eq!(listener.received().len(), 3);
}

#[tokio::test]
async fn a_spent_quota_is_the_fault_whatever_the_guest_makes_of_it() {
    let listener = Listener::start(vec![ok("", "")]).await;
    let options = options(&listener.origin, Mode::Effect);
    let account = options.account.clone();
    account.budgets.allow("", CallLimit::parse("1/day"));
    let mut reach = Reach::new(Capability::new(options).unwrap(), clock());
    reach.begin_call(Duration::from_secs(60));
    reach.open_write(1);
    let write = || post(&listener.origin, None, Vec::new());
    reach.send(write()).await.unwrap();
    assert!(reach.wrote());
    reach.end_call();
    reach.begin_call(Duration::from_secs(60));
    reach.open_write(1);
    let refused = reach.send(write()).await.unwrap_err();
    assert!(matches!(refused, Failure::NotSent(_)), "{refused}");
    // Nothing left, so that nothing is in doubt.
    assert!(!reach.wrote());
    reach.end_call();
    let fault = reach.went_wrong(FaultKind::Other("no idea".to_owned()));
    let day_ms = 86_400_000;
    assert!(
        matches!(fault, FaultKind::Spent { until_ms, .. } if until_ms == day_ms),
        "{fault}"
    );
    let exchanges = reach.take_exchanges();
    assert_eq!(exchanges.len(), 1);
    assert!(exchanges[0].fault.as_ref().unwrap().contains("is spent"));
    assert_eq!(listener.received().len(), 1);
    // The next call is told anew.
    reach.begin_call(Duration::from_secs(60));
    let other = FaultKind::Other("no idea".to_owned());
    assert_eq!(reach.went_wrong(other.clone()), other);
}
