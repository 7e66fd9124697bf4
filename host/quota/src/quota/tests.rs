//! Many tenants and one credential, with a clock that the test turns.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn call<'a>(class: &'a str, tenant: &'a str) -> Call<'a> {
    Call {
        credential: Credential([7; 32]),
        class,
        tenant,
    }
}

/// Waits as told and asks again until it is granted; the time it is.
fn until_granted(quota: &mut Quota, call: &Call<'_>, budget: &Budget, mut now: u64) -> u64 {
    loop {
        match quota.acquire(call, budget, now) {
            Answer::Granted => return now,
            Answer::Wait { until_ms } => {
                assert!(until_ms > now, "told to ask again at once");
                now = until_ms;
            }
        }
    }
}

fn granted_at_once(quota: &mut Quota, class: &str, budget: &Budget, now: u64) -> u32 {
    let mut granted = 0;
    while quota.acquire(&call(class, "a"), budget, now) == Answer::Granted {
        granted += 1;
        assert!(granted < 10_000, "no end of calls");
    }
    granted
}

#[test]
fn a_budget_is_of_one_class_and_one_credential() {
    let mut quota = Quota::new();
    let budget = Budget::per_minute(60);
    assert_eq!(granted_at_once(&mut quota, "read", &budget, 0), 60);
    assert_eq!(granted_at_once(&mut quota, "write", &budget, 0), 60);
    let other = Call {
        credential: Credential([8; 32]),
        ..call("read", "a")
    };
    assert_eq!(quota.acquire(&other, &budget, 0), Answer::Granted);
}

#[test]
fn a_fixed_window_begins_anew_at_its_boundary() {
    let shift = Duration::from_secs(16 * 3600);
    let budget = Budget {
        windows: vec![Window::Fixed {
            calls: 3,
            per: DAY,
            shift,
        }],
    };
    let mut quota = Quota::new();
    let noon = 20 * 86_400_000 + 12 * 3_600_000;
    let boundary = noon + 4 * 3_600_000;
    assert_eq!(granted_at_once(&mut quota, "a", &budget, noon), 3);
    let refused = quota.acquire(&call("a", "a"), &budget, boundary - 1);
    assert_eq!(refused, Answer::Wait { until_ms: boundary });
    assert_eq!(granted_at_once(&mut quota, "a", &budget, boundary), 3);
}

#[test]
fn of_two_budgets_of_one_class_the_smaller_holds() {
    let mut quota = Quota::new();
    let wide = Budget::per_minute(100);
    let narrow = Budget::per_minute(10);
    assert_eq!(quota.acquire(&call("a", "a"), &wide, 0), Answer::Granted);
    assert_eq!(granted_at_once(&mut quota, "a", &narrow, 0), 9);
    let refused = quota.acquire(&call("a", "a"), &wide, 0);
    assert!(matches!(refused, Answer::Wait { .. }));
}

#[test]
fn a_time_that_the_system_names_holds_for_the_whole_credential() {
    let mut quota = Quota::new();
    let budget = Budget::per_minute(60);
    quota.acquire(&call("read", "a"), &budget, 0);
    quota.throttled(&call("read", "a"), Some(Duration::from_secs(30)), 1000);
    for (class, tenant) in [("read", "a"), ("write", "b")] {
        let answer = quota.acquire(&call(class, tenant), &budget, 2000);
        assert_eq!(answer, Answer::Wait { until_ms: 31_000 });
    }
    assert_eq!(
        until_granted(&mut quota, &call("write", "b"), &budget, 2000),
        31_000
    );
}

#[test]
fn throttling_shrinks_a_class_once_a_burst_and_it_grows_back() {
    let mut quota = Quota::new();
    let budget = Budget::per_minute(100);
    assert_eq!(granted_at_once(&mut quota, "a", &budget, 0), 100);
    for at in 0..20 {
        quota.throttled(&call("a", "a"), None, 100 + at);
    }
    assert_eq!(granted_at_once(&mut quota, "a", &budget, 61_000), 72);
    assert_eq!(granted_at_once(&mut quota, "b", &budget, 61_000), 100);
    assert_eq!(
        granted_at_once(&mut quota, "a", &budget, 10 * 60_000 + 200),
        90
    );
    assert_eq!(granted_at_once(&mut quota, "a", &budget, 30 * 60_000), 100);
}

#[test]
fn silent_throttling_holds_the_class_longer_each_time_until_an_answer_comes() {
    let mut quota = Quota::new();
    let budget = Budget::per_minute(1000);
    let wait = |quota: &mut Quota, now| match quota.acquire(&call("a", "a"), &budget, now) {
        Answer::Granted => 0,
        Answer::Wait { until_ms } => until_ms - now,
    };
    let mut waits = Vec::new();
    for at in [0, 100_000, 200_000] {
        quota.throttled(&call("a", "a"), None, at);
        waits.push(wait(&mut quota, at));
    }
    quota.answered(&call("a", "a"));
    quota.throttled(&call("a", "a"), None, 300_000);
    waits.push(wait(&mut quota, 300_000));
    assert_eq!(waits, [1000, 2000, 4000, 1000]);
}

#[test]
fn a_class_without_a_budget_gets_one_from_what_was_too_much() {
    let mut quota = Quota::new();
    let none = Budget::default();
    let busy = [0, 30_000].into_iter().chain(60_001..60_201);
    for now in busy {
        assert_eq!(quota.acquire(&call("a", "a"), &none, now), Answer::Granted);
    }
    quota.throttled(&call("a", "a"), None, 60_201);
    assert_eq!(granted_at_once(&mut quota, "a", &none, 120_202), 144);
    // It is given up once twice as many calls were allowed.
    let hours = 2 * 3_600_000;
    for call_number in 0..1000 {
        let answer = quota.acquire(&call("a", "a"), &none, hours);
        assert_eq!(answer, Answer::Granted, "{call_number}");
    }
}

#[test]
fn a_class_that_was_only_just_used_is_held_and_teaches_nothing() {
    let mut quota = Quota::new();
    let none = Budget::default();
    for now in 0..5 {
        assert_eq!(quota.acquire(&call("a", "a"), &none, now), Answer::Granted);
    }
    for at in 5..10 {
        quota.throttled(&call("a", "a"), None, at);
    }
    let held = quota.acquire(&call("a", "a"), &none, 10);
    assert_eq!(held, Answer::Wait { until_ms: 1009 });
    for now in 1009..2009 {
        assert_eq!(quota.acquire(&call("a", "a"), &none, now), Answer::Granted);
    }
}

#[test]
fn nobody_waits_longer_than_an_hour_for_what_a_system_names() {
    let mut quota = Quota::new();
    let year = Duration::from_secs(365 * 86_400);
    quota.throttled(&call("a", "a"), Some(year), 7);
    let held = quota.acquire(&call("a", "a"), &Budget::default(), 8);
    assert_eq!(
        held,
        Answer::Wait {
            until_ms: 3_600_007
        }
    );
}

#[test]
fn a_window_kept_at_departure_is_a_second_longer() {
    let mut quota = Quota::new();
    let budget = Budget::per_minute(1).at_departure();
    assert_eq!(quota.acquire(&call("a", "a"), &budget, 0), Answer::Granted);
    let next = until_granted(&mut quota, &call("a", "a"), &budget, 10);
    assert_eq!(next, 61_000);
}

#[test]
fn a_clock_put_back_leaves_the_same_wait() {
    let mut quota = Quota::new();
    let budget = Budget::per_minute(1);
    let hour = 3_600_000;
    assert_eq!(
        quota.acquire(&call("a", "a"), &budget, 2 * hour),
        Answer::Granted
    );
    quota.acquire(&call("a", "a"), &budget, 2 * hour + 20_000);
    let answer = quota.acquire(&call("a", "a"), &budget, hour);
    assert_eq!(
        answer,
        Answer::Wait {
            until_ms: hour + 40_000
        }
    );
}

#[test]
fn who_does_not_come_back_is_not_waited_for_long() {
    let mut quota = Quota::new();
    let budget = Budget::per_minute(1);
    assert_eq!(
        quota.acquire(&call("a", "busy"), &budget, 0),
        Answer::Granted
    );
    quota.acquire(&call("a", "gone"), &budget, 1);
    let at = until_granted(&mut quota, &call("a", "busy"), &budget, 2);
    assert!(at > 60_000 && at <= 2 * 60_000, "{at}");
}

#[test]
fn idle_credentials_and_tenants_are_forgotten() {
    let mut quota = Quota::new();
    let budget = Budget::per_minute(60);
    for number in 0..20_000_u32 {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        let tenant = number.to_string();
        let call = Call {
            credential: Credential(bytes),
            ..call("a", &tenant)
        };
        quota.acquire(&call, &budget, u64::from(number) * 100);
    }
    // A minute is 600 of them, and they are looked for every 1024 calls.
    assert!(quota.credentials() <= 600 + 1024, "{}", quota.credentials());
    for number in 0..5000_u32 {
        let tenant = number.to_string();
        let now = 2_000_000 + u64::from(number) * 1000;
        quota.acquire(&call("a", &tenant), &budget, now);
    }
    let shared = &quota.accounts[&Credential([7; 32])];
    assert!(
        shared.classes["a"].line.len() <= 61,
        "{}",
        shared.classes["a"].line.len()
    );
}

/// Each tenant sends when it may, `wishes` of them at a time; it sleeps until
/// it was told to come back. What was granted, by time.
fn play(budget: &Budget, wishes: &[u32], until: u64) -> Vec<(u64, usize)> {
    let names: Vec<String> = (0..wishes.len()).map(|nth| format!("t{nth}")).collect();
    let mut quota = Quota::new();
    // By time, then by order of arrival: wakers of one time come in turn.
    let mut asleep: BTreeMap<u64, VecDeque<usize>> = BTreeMap::new();
    for (nth, count) in wishes.iter().enumerate() {
        let queue = asleep.entry(0).or_default();
        queue.extend(std::iter::repeat_n(nth, usize::try_from(*count).unwrap()));
    }
    let mut granted = Vec::new();
    while let Some((now, mut queue)) = asleep.pop_first() {
        if now > until {
            break;
        }
        while let Some(nth) = queue.pop_front() {
            match quota.acquire(&call("a", &names[nth]), budget, now) {
                Answer::Granted => {
                    granted.push((now, nth));
                    // The answer takes 200 ms, and there is always more.
                    asleep.entry(now + 200).or_default().push_back(nth);
                }
                Answer::Wait { until_ms } => {
                    assert!(until_ms > now);
                    asleep.entry(until_ms).or_default().push_back(nth);
                }
            }
        }
    }
    granted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_stretch_of_a_sliding_window_has_more_calls_and_few_less(
        calls in 1_u32..300,
        wishes in prop::collection::vec(1_u32..20, 1..4),
    ) {
        let budget = Budget::per_minute(calls);
        let granted = play(&budget, &wishes, 10 * MINUTE_MS);
        let times: Vec<u64> = granted.iter().map(|(now, _)| *now).collect();
        let most = usize::try_from(calls).unwrap();
        for pair in times.windows(most + 1) {
            prop_assert!(pair[most] - pair[0] >= MINUTE_MS, "{} calls in {} ms", most + 1, pair[most] - pair[0]);
        }
        let busiest: u32 = wishes.iter().sum();
        // Each caller makes at most five calls a second.
        if busiest * 300 > calls * 4 {
            prop_assert!(times.len() >= most * 9, "{} of {} calls", times.len(), most * 10);
        }
    }

    #[test]
    fn a_tenant_that_floods_starves_no_other(
        calls in 5_u32..120,
        flood in 10_u32..200,
        small in 1_usize..4,
    ) {
        let budget = Budget::per_minute(calls);
        let mut wishes = vec![flood];
        wishes.extend(std::iter::repeat_n(1, small));
        let until = 20 * MINUTE_MS;
        let granted = play(&budget, &wishes, until);
        // Behind the first windowful, which whoever was first may have taken.
        let counts = granted.iter().filter(|(now, _)| *now >= 2 * MINUTE_MS);
        let mut by_tenant = vec![0_u32; wishes.len()];
        counts.for_each(|(_, nth)| by_tenant[*nth] += 1);
        let total: u32 = by_tenant.iter().sum();
        let fair = f64::from(total) / (f64::from(u32::try_from(small).unwrap()) + 1.0);
        // One caller that waits for each answer makes five calls a second.
        let most = 5.0 * 60.0 * 18.0;
        for count in by_tenant.iter().skip(1) {
            prop_assert!(f64::from(*count) >= 0.8 * fair.min(most), "{:?} at {}", by_tenant, calls);
        }
    }
}
