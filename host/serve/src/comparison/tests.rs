//! What is compared when, what breaks it off, and where its report lies.
//! Comparisons that find something are in `tests/e2e`.

use std::future::pending;

use duijie_admin::{At, Service as _, Why};
use duijie_component::Key as SecretKey;
use duijie_pipeline::{Clock, SystemClock};
use duijie_record::Scope;

use super::*;
use crate::tests::{AT, name, service, service_at, with_tenants};
use crate::{Home, Supervisor};

const DAY: u64 = 20_000 * DAY_MS;
const NIGHTLY: &str = "reconcile: {cron: \"0 3 * * *\", zone: UTC}";

/// Stands still; whoever sleeps wakes at once, or never.
struct Still {
    wakes: bool,
}

#[async_trait::async_trait]
impl Clock for Still {
    fn now_ms(&self) -> u64 {
        DAY
    }

    async fn sleep(&self, _: Duration) {
        if !self.wakes {
            pending().await
        }
    }
}

fn key(tenant: &str, scope: &str) -> Key {
    Key {
        tenant: Tenant(tenant.to_owned()),
        scope: Scope::from(scope),
    }
}

fn queued(state: &mut State) -> Vec<Key> {
    std::iter::from_fn(|| state.comparisons.pop()).collect()
}

fn change(home: &Home, tenant: &str, file: &str, text: &str) {
    std::fs::write(home.tenant(&name(tenant)).join(file), text).unwrap();
}

/// Adds a line to the manifest.
fn say(home: &Home, line: &str) {
    let file = home.tenant(&name("north")).join("pipelines/orders.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}{line}\n")).unwrap();
}

async fn known(home: &Home, clock: Arc<dyn Clock>) -> Supervisor {
    let service = service_at(home, clock);
    for tenant in ["north", "south"] {
        service.reload(tenant).await.unwrap();
    }
    service
}

/// Why it came to nothing: there is no connector.
async fn failure_of(service: &Supervisor) -> String {
    one(&service.0, &key("north", "orders"), &Stop::new()).await;
    let report = service.reconciliation(AT).await.unwrap();
    assert_eq!(report["found"], Value::Null);
    report["failure"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_a_pipeline_calls_itself_leads_to_no_report_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    let file = home.tenant(&name("north")).join("pipelines/orders.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let named = "../south/orders";
    let text = text.replace("pipeline: orders", &format!("pipeline: {named}"));
    std::fs::write(&file, text).unwrap();
    let service = known(&home, Arc::new(Still { wakes: false })).await;
    let theirs = home.report("south", &Scope::from("orders")).unwrap();
    write(&theirs, &json!({ "of": "south" })).unwrap();

    let at = At {
        tenant: "north",
        pipeline: named,
    };
    let none = service.reconciliation(at).await.unwrap_err();
    assert_eq!(none.why, Why::NotFound, "{}", none.message);
    one(&service.0, &key("north", "orders"), &Stop::new()).await;
    let report = service.reconciliation(at).await.unwrap();
    assert_eq!(report["pipeline"], named);
    let theirs = std::fs::read_to_string(theirs).unwrap();
    assert_eq!(theirs, r#"{"of":"south"}"#);
    for scope in ["../south/orders", "..", "", "/orders"] {
        let refused = home.report("north", &Scope::from(scope));
        assert!(matches!(refused, Err(Error::Scope(_))), "{scope}");
    }
}

#[tokio::test]
async fn a_comparison_that_was_broken_off_tells_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    let service = known(&home, Arc::new(Still { wakes: false })).await;
    let stop = Stop::new();
    stop.stop();
    one(&service.0, &key("north", "orders"), &stop).await;
    let none = service.reconciliation(AT).await.unwrap_err();
    assert_eq!(none.why, Why::NotFound);
}

#[tokio::test]
async fn a_comparison_ends_after_its_longest_time_and_the_next_has_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    let service = known(&home, Arc::new(Still { wakes: true })).await;
    let failure = failure_of(&service).await;
    assert!(failure.contains("took over 7200s, the most"), "{failure}");
}

#[tokio::test]
async fn of_a_sealed_pipeline_the_report_does_not_say_why_it_failed() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    let service = known(&home, Arc::new(Still { wakes: false })).await;
    let clear = failure_of(&service).await;
    assert!(clear.contains("connector `none`"), "{clear}");
    say(&home, "sealed: true");
    let sealed = failure_of(&service).await;
    assert!(sealed.contains("log of the service"), "{sealed}");
    assert!(!sealed.contains("none"), "{sealed}");
}

#[tokio::test]
async fn what_was_sealed_once_is_no_less_so_when_its_manifest_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    let place = folder.path().join("secrets.key");
    std::fs::write(&place, &**SecretKey::generate().unwrap().text()).unwrap();
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&place, owner_only).unwrap();
    let sealer = home.store_options(duijie_plan::Retention::DEFAULT).sealer;
    sealer.unwrap().begin("north/orders", true).unwrap();
    let service = known(&home, Arc::new(Still { wakes: false })).await;
    let sealed = failure_of(&service).await;
    assert!(sealed.contains("log of the service"), "{sealed}");
    assert!(!home.is_sealed("south", &Scope::from("orders")));
}

#[test]
fn what_waits_to_be_compared_waits_once_and_in_order() {
    let mut queue = Queue::default();
    let keys = [key("a", "1"), key("b", "1"), key("a", "2"), key("b", "2")];
    for key in keys.iter().chain(&keys) {
        queue.push(key.clone());
    }
    queue.remove(&keys[1]);
    queue.forget(&keys[0].tenant);
    assert_eq!(queue.pop().as_ref(), Some(&keys[3]));
    assert_eq!(queue.pop(), None);
    queue.push(keys[3].clone());
    assert_eq!(queue.pop().as_ref(), Some(&keys[3]));
}

#[tokio::test]
async fn a_slot_lines_up_what_is_not_held_and_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    for tenant in ["north", "south"] {
        change(&home, tenant, "tenant.yaml", NIGHTLY);
    }
    let service = known(&home, Arc::new(Still { wakes: false })).await;
    let three = DAY + 3 * HOUR_MS;
    let mut state = service.0.state();
    assert_eq!(due(&mut state, three - 10_000), Duration::from_secs(10));
    assert_eq!(queued(&mut state), []);
    assert_eq!(due(&mut state, three), LONGEST_SLEEP);
    let both = [key("north", "orders"), key("south", "orders")];
    assert_eq!(queued(&mut state), both);
    due(&mut state, three + 1);
    assert_eq!(queued(&mut state), []);
    // Slots that were slept over count as one; of who is held, as none.
    state.tenants.get_mut("south").unwrap().paused = true;
    due(&mut state, three + 5 * DAY_MS);
    assert_eq!(queued(&mut state), both[..1]);
    state.tenants.get_mut("south").unwrap().paused = false;
    due(&mut state, three + 5 * DAY_MS + 1);
    assert_eq!(queued(&mut state), []);
}

#[tokio::test]
async fn slots_are_counted_anew_only_when_they_are_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    change(&home, "north", "tenant.yaml", NIGHTLY);
    let service = known(&home, Arc::new(Still { wakes: false })).await;
    let next = |ms: u64| {
        let mut state = service.0.state();
        let known = state.tenants.get_mut("north").unwrap();
        known.compared_next_ms.replace(ms)
    };
    assert_eq!(next(1), Some(DAY + 3 * HOUR_MS));
    service.reload("north").await.unwrap();
    assert_eq!(next(1), Some(1));
    change(
        &home,
        "north",
        "tenant.yaml",
        &NIGHTLY.replace("0 3", "0 4"),
    );
    service.reload("north").await.unwrap();
    assert_eq!(next(1), Some(DAY + 4 * HOUR_MS));
}

/// As if the service compared it; the wish to break it off.
fn comparing(service: &Supervisor, key: Key) -> Stop {
    let mut state = service.0.state();
    state.comparisons.push(key);
    begun(&mut state).unwrap().1
}

#[tokio::test]
async fn what_is_taken_away_is_neither_compared_nor_lined_up() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    let service = known(&home, Arc::new(Still { wakes: false })).await;
    let orders = key("north", "orders");
    let lined = || {
        let broken_off = comparing(&service, orders.clone());
        service.0.state().comparisons.push(orders.clone());
        service.0.state().comparisons.push(key("south", "orders"));
        broken_off
    };
    let broken_off = lined();
    let manifest = home.tenant(&name("north")).join("pipelines/orders.yaml");
    std::fs::remove_file(manifest).unwrap();
    service.reload("south").await.unwrap();
    assert!(!broken_off.is_stopped());
    service.reload("north").await.unwrap();
    assert!(broken_off.is_stopped());
    assert_eq!(queued(&mut service.0.state()), [key("south", "orders")]);

    lined();
    service.0.let_go("north");
    assert_eq!(queued(&mut service.0.state()), [key("south", "orders")]);
}

#[tokio::test]
async fn a_tenant_is_removed_once_its_comparison_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    let service = known(&home, Arc::new(SystemClock)).await;
    let broken_off = comparing(&service, key("north", "orders"));
    let removing = {
        let service = service.clone();
        tokio::spawn(async move { service.remove("north").await })
    };
    broken_off.stopped().await;
    tokio::task::yield_now().await;
    assert!(!removing.is_finished() && home.tenant(&name("north")).exists());
    let report = home.report("north", &Scope::from("orders")).unwrap();
    write(&report, &json!({})).unwrap();
    drop(Ended(&service.0));
    removing.await.unwrap().unwrap();
    assert!(!report.exists() && !home.tenant(&name("north")).exists());

    let broken_off = comparing(&service, key("south", "orders"));
    service.0.end_comparing(&name("north")).await;
    assert!(!broken_off.is_stopped());
}

#[tokio::test]
async fn what_is_asked_for_is_compared_until_the_service_stops() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(&with_tenants(folder.path(), &["north"]));
    service.reload("north").await.unwrap();
    service.reconcile(AT).await.unwrap();
    let stop = Stop::new();
    let working = tokio::spawn(compare(service.0.clone(), stop.clone()));
    while service.reconciliation(AT).await.is_err() {
        tokio::task::yield_now().await;
    }
    stop.stop();
    working.await.unwrap();
    assert!(service.0.state().comparing.is_none());
}
