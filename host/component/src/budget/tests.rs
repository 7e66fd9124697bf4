//! Tenants that share a credential, under a clock that nobody waits for.

use std::sync::Mutex;

use tokio::time::Instant;

use super::*;

const MIDNIGHT: u64 = 1_700_006_400_000;
const ORIGIN: &str = "https://erp.example:443";

/// Paused with the runtime of the test, which goes on when all wait.
struct Paused(Instant);

impl Clock for Paused {
    fn now_ms(&self) -> u64 {
        MIDNIGHT + u64::try_from(self.0.elapsed().as_millis()).unwrap()
    }
}

fn clock() -> Arc<Paused> {
    Arc::new(Paused(Instant::now()))
}

fn account(budgets: &Arc<Budgets>, tenant: &str) -> Account {
    Account {
        budgets: budgets.clone(),
        tenant: tenant.into(),
    }
}

fn payer(budgets: &Arc<Budgets>, tenant: &str, calls_per_minute: u32, secret: &str) -> Payer {
    let secrets = [("key", secret)].into_iter();
    let secrets = secrets.filter(|_| !secret.is_empty());
    let settings = [("account", "1")].into_iter();
    Payer::new(
        account(budgets, tenant),
        calls_per_minute,
        secrets,
        settings,
    )
}

async fn turn(payer: &Payer, clock: &Paused) -> Result<Credential, FaultKind> {
    payer.turn(ORIGIN, clock, u64::MAX).await
}

/// Each tenant has so many callers that never stop. When calls arrive that left
/// within ten minutes, and how many each tenant made after the first two.
async fn play(callers: &[usize]) -> (Vec<u64>, Vec<u64>) {
    let budgets = Arc::<Budgets>::default();
    let clock = clock();
    let made = Arc::new(Mutex::new((Vec::new(), vec![0; callers.len()])));
    let mut tasks = tokio::task::JoinSet::new();
    for (nth, count) in callers.iter().enumerate() {
        let payer = Arc::new(payer(&budgets, &format!("t{nth}"), 60, "secret"));
        for caller in 0..*count {
            let (payer, clock, made) = (payer.clone(), clock.clone(), made.clone());
            tasks.spawn(async move {
                let mut random = (nth * 64 + caller) as u64;
                loop {
                    turn(&payer, &clock).await.unwrap();
                    let left_ms = clock.now_ms() - MIDNIGHT;
                    if left_ms > 600_000 {
                        return;
                    }
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    let road_ms = (random >> 33) % 1_000;
                    {
                        let mut made = made.lock().unwrap();
                        made.0.push(left_ms + road_ms);
                        made.1[nth] += u64::from(left_ms > 120_000);
                    }
                    clock.sleep(Duration::from_millis(road_ms + 100)).await;
                }
            });
        }
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let (mut arrivals, shares) = made.lock().unwrap().clone();
    arrivals.sort_unstable();
    (arrivals, shares)
}

#[tokio::test(start_paused = true)]
async fn no_minute_has_more_arrivals_than_a_shared_credential_may_and_no_tenant_starves() {
    let plays: [&[usize]; 5] = [
        &[30],
        &[1, 1],
        &[40, 1, 3],
        &[1, 8, 1, 1, 20],
        &[4, 1, 1, 9, 1, 2, 30, 1, 1, 1, 5, 1],
    ];
    for callers in plays {
        let (arrivals, shares) = play(callers).await;
        for sixty_one in arrivals.windows(61) {
            assert!(sixty_one[60] - sixty_one[0] >= 60_000, "{callers:?}");
        }
        // Nine of the ten minutes' worth, as each takes a second longer.
        assert!(arrivals.len() >= 540, "{callers:?}: {}", arrivals.len());
        let whole: u64 = shares.iter().sum();
        let least = shares.iter().min().unwrap() * shares.len() as u64 * 100 / whole;
        assert!(least >= 95, "{callers:?}: {shares:?}, {least} %");
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_another_credential_or_another_system_does_not_wait() {
    let budgets = Arc::<Budgets>::default();
    let clock = clock();
    let waits = async |payer: &Payer, origin: &str| {
        let begun = clock.now_ms();
        payer.turn(origin, &*clock, u64::MAX).await.unwrap();
        clock.now_ms() - begun
    };
    let north = payer(&budgets, "north", 1, "secret");
    assert_eq!(waits(&north, ORIGIN).await, 0);
    for (tenant, secret, origin) in [
        ("north", "another", ORIGIN),
        ("north", "secret", "https://other.example:443"),
        ("north", "", ORIGIN),
        ("south", "", ORIGIN),
    ] {
        let payer = payer(&budgets, tenant, 1, secret);
        assert_eq!(waits(&payer, origin).await, 0, "{tenant} {secret} {origin}");
    }
    // A connection of another name, in another tenant.
    let south = payer(&budgets, "south", 1, "secret");
    assert_eq!(waits(&south, ORIGIN).await, 61_000);
    let again = payer(&budgets, "south", 1, "");
    assert_eq!(waits(&again, ORIGIN).await, 0);
    assert_eq!(waits(&again, ORIGIN).await, 61_000);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_after_the_deadline_is_refused_at_once() {
    let budgets = Arc::<Budgets>::default();
    let clock = clock();
    let payer = payer(&budgets, "north", 1, "secret");
    turn(&payer, &clock).await.unwrap();
    let refused = payer.turn(ORIGIN, &*clock, MIDNIGHT + 60_999).await;
    assert_eq!(clock.now_ms(), MIDNIGHT);
    let expected = FaultKind::RateLimited {
        reason: "the calls that its credential may make are spent for 61 s".to_owned(),
        retry_after: Some(Duration::from_secs(61)),
    };
    assert_eq!(refused, Err(expected));
    payer
        .turn(ORIGIN, &*clock, MIDNIGHT + 61_000)
        .await
        .unwrap();
    assert_eq!(clock.now_ms(), MIDNIGHT + 61_000);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_leaves_the_turn_to_the_next() {
    let budgets = Arc::<Budgets>::default();
    let clock = clock();
    let payer = payer(&budgets, "north", 1, "secret");
    turn(&payer, &clock).await.unwrap();
    for _ in 0..3 {
        let given_up = tokio::time::timeout(Duration::from_secs(1), turn(&payer, &clock));
        given_up.await.unwrap_err();
    }
    turn(&payer, &clock).await.unwrap();
    assert_eq!(clock.now_ms(), MIDNIGHT + 61_000);
    assert_eq!(budgets.made("north"), 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_system_asks_for_holds_for_every_tenant_with_the_credential() {
    let budgets = Arc::<Budgets>::default();
    let clock = clock();
    let north = payer(&budgets, "north", 0, "secret");
    let south = payer(&budgets, "south", 0, "secret");
    let credential = turn(&north, &clock).await.unwrap();
    let asked = Some(Duration::from_secs(30));
    north.throttled(credential, asked, clock.now_ms());
    turn(&south, &clock).await.unwrap();
    assert_eq!(clock.now_ms(), MIDNIGHT + 30_000);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_has_its_requests_of_each_hour_and_takes_none_of_another() {
    let budgets = Arc::<Budgets>::default();
    let clock = clock();
    budgets.allow("north", CallLimit::parse("3/hour"));
    let north = payer(&budgets, "north", 0, "secret");
    let south = payer(&budgets, "south", 0, "secret");
    clock.sleep(Duration::from_secs(1_800)).await;
    for _ in 0..3 {
        turn(&north, &clock).await.unwrap();
    }
    let spent = FaultKind::Spent {
        reason: "`quotas.requests: 3/hour` of tenant.yaml is spent, there is more from \
                 2023-11-15T01:00:00Z on"
            .to_owned(),
        until_ms: MIDNIGHT + 3_600_000,
    };
    assert_eq!(turn(&north, &clock).await, Err(spent.clone()));
    turn(&south, &clock).await.unwrap();
    clock.sleep(Duration::from_millis(1_799_999)).await;
    assert_eq!(turn(&north, &clock).await, Err(spent));
    clock.sleep(Duration::from_millis(1)).await;
    turn(&north, &clock).await.unwrap();
    assert_eq!((budgets.made("north"), budgets.made("south")), (4, 1));
    let now_ms = clock.now_ms();
    let expected = Counted {
        from_ms: MIDNIGHT + 3_600_000,
        calls: 1,
    };
    assert_eq!(budgets.spent("north", now_ms), Some(expected));
    assert_eq!(budgets.spent("south", now_ms), None);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_process_counted_counts_on_within_its_day() {
    let clock = clock();
    for (from_ms, left) in [(MIDNIGHT, 1), (MIDNIGHT - 86_400_000, 3)] {
        let budgets = Arc::<Budgets>::default();
        budgets.allow("north", CallLimit::parse("3/day"));
        budgets.restore("north", Counted { from_ms, calls: 2 });
        let payer = payer(&budgets, "north", 0, "secret");
        for _ in 0..left {
            turn(&payer, &clock).await.unwrap();
        }
        assert!(turn(&payer, &clock).await.is_err());
        budgets.allow("north", None);
        turn(&payer, &clock).await.unwrap();
    }
}

#[test]
fn an_allowance_is_read_as_it_is_written() {
    for text in ["1/hour", "100000/day"] {
        assert_eq!(CallLimit::parse(text).unwrap().to_string(), text);
    }
    for text in [
        "", "0/day", "5", "/day", "5/week", "5/", "-1/day", "1e3/day",
    ] {
        assert_eq!(CallLimit::parse(text), None, "{text}");
    }
}
