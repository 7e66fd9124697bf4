//! What a file asks for, what is kept of a tenant, and a service whose tenants
//! have had what they may.

use std::time::Duration;

use duijie_admin::{Pause, Service as _, TenantView, Why};
use duijie_component::Per;
use duijie_pipeline::{Clock, Stop};
use duijie_store::{Change, Embedded, Store, TenantStore};

use super::*;
use crate::tests::{AT, name, service, service_at, with_tenants};

const DAY_MS: u64 = 86_400_000;
const NOON_MS: u64 = 20_000 * DAY_MS + DAY_MS / 2;

/// Stands still.
struct Noon;

#[async_trait::async_trait]
impl Clock for Noon {
    fn now_ms(&self) -> u64 {
        NOON_MS
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }
}

fn wanted(requests: Option<&str>, disk: Option<&str>) -> Wanted {
    Wanted::of(&Quotas {
        requests: requests.map(str::to_owned),
        disk: disk.map(str::to_owned),
        ..Quotas::default()
    })
}

#[test]
fn a_tenant_stands_as_its_file_and_its_use_say() {
    let mut standing = Standing {
        measured: Some(u64::MAX),
        ..Standing::default()
    };
    standing.want(&wanted(None, None));
    assert_eq!(standing.beyond(), None);
    standing.want(&wanted(Some("5/day"), Some("1KiB")));
    standing.measured = Some(1024);
    assert_eq!(standing.beyond(), None);
    standing.measured = Some(1025);
    let told = "its part of the data folder has 1025 bytes, and `quotas.disk` of tenant.yaml \
                allows 1024";
    assert_eq!(standing.beyond().as_deref(), Some(told));
    standing.want(&wanted(Some("5/day"), Some("1MiB")));
    assert_eq!(standing.beyond(), None);
    standing.spent = Some(("spent".to_owned(), 7));
    standing.want(&wanted(Some("5/day"), None));
    assert_eq!(standing.beyond().as_deref(), Some("spent"));
    standing.want(&wanted(Some("6/day"), None));
    assert_eq!(standing.beyond(), None);
    let requests = CallLimit {
        calls: 6,
        per: Per::Day,
    };
    assert_eq!(standing.requests, Some(requests));
}

#[test]
fn what_is_kept_is_read_as_it_was_written_and_as_it_was_before_there_were_quotas() {
    let spent = Some(Counted {
        from_ms: 1_700_006_400_000,
        calls: 12,
    });
    for paused in [false, true] {
        for spent in [None, spent] {
            let kept = Kept { paused, spent };
            assert_eq!(Kept::of(&kept.to_bytes()), kept);
        }
        let before = [u8::from(paused)];
        assert_eq!(
            Kept::of(&before),
            Kept {
                paused,
                spent: None
            }
        );
    }
}

#[tokio::test]
async fn what_a_tenant_has_spent_is_known_to_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    let config = home.tenant(&name("north")).join("tenant.yaml");
    std::fs::write(&config, "quotas: {requests: 3/day}").unwrap();
    let spent = Counted {
        from_ms: NOON_MS - DAY_MS / 2,
        calls: 2,
    };
    let begun = async || {
        let service = service_at(&home, Arc::new(Noon));
        for tenant in ["north", "south"] {
            service.reload(tenant).await.unwrap();
        }
        let budgets = service.0.state().budgets.clone();
        (service, budgets)
    };
    let (service, budgets) = begun().await;
    let none = Counted { calls: 0, ..spent };
    assert_eq!(budgets.spent("north", NOON_MS), Some(none));
    budgets.restore("north", spent);
    budgets.restore("south", spent);
    service.0.store_spent().await;
    drop(service);
    let (service, budgets) = begun().await;
    assert_eq!(budgets.spent("north", NOON_MS), Some(spent));
    assert_eq!(budgets.spent("south", NOON_MS), None);
    // A pause is stored beside it.
    let pause = Pause::Pause { stop: false };
    service.pause_tenant("north", pause).await.unwrap();
    drop(service);
    let (service, budgets) = begun().await;
    assert_eq!(budgets.spent("north", NOON_MS), Some(spent));
    assert!(service.tenant("north").unwrap().paused);
    let tomorrow = NOON_MS + DAY_MS;
    assert_eq!(budgets.spent("north", tomorrow).unwrap().calls, 0);
}

#[tokio::test]
async fn who_has_spent_its_requests_begins_nothing_until_there_are_more() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(&with_tenants(folder.path(), &["north", "south"]));
    for tenant in ["north", "south"] {
        service.reload(tenant).await.unwrap();
    }
    let problem = |tenant: &str| service.tenant(tenant).unwrap().problem;
    let north = Tenant("north".to_owned());
    let told = ("no more today", 7_000);
    service.0.spent(&mut service.0.state(), &north, told, 1_000);
    assert_eq!(problem("north").as_deref(), Some("no more today"));
    assert_eq!(problem("south"), None);
    let refused = service.run(AT).await.unwrap_err();
    assert_eq!(refused.why, Why::Conflict);
    let told = "nothing of tenant `north` begins: no more today";
    assert_eq!(refused.message, told);
    assert!(service.0.state().more(6_999).is_empty());
    assert!(problem("north").is_some());
    let turns = service.0.state().more(7_000);
    assert_eq!(turns.len(), 1);
    assert_eq!(turns[0].beyond, None);
    assert_eq!(problem("north"), None);
    service.run(AT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_beyond_its_disk_begins_nothing_and_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    let config = home.tenant(&name("north")).join("tenant.yaml");
    std::fs::write(&config, "quotas: {disk: 2KB}").unwrap();
    for tenant in ["north", "south"] {
        let options = duijie_store::Options::default();
        let store: Arc<dyn Store> = Arc::new(Embedded::open(home.data(), &options).unwrap());
        let store = TenantStore::new(store, tenant).unwrap();
        let claim = store.claim(&Scope::from("old")).await.unwrap();
        let change = Change::Bind("x".repeat(4_000));
        store.commit(&claim, vec![change]).await.unwrap();
    }
    let service = service(&home);
    let stop = Stop::new();
    let (running, ending) = (service.clone(), stop.clone());
    let running = tokio::spawn(async move { running.supervise(&ending).await });
    let problem = loop {
        match service.tenant("north") {
            Ok(TenantView {
                problem: Some(problem),
                ..
            }) => break problem,
            _ => tokio::task::yield_now().await,
        }
    };
    assert!(
        problem.contains("`quotas.disk` of tenant.yaml allows 2000"),
        "{problem}"
    );
    assert_eq!(service.run(AT).await.unwrap_err().why, Why::Conflict);
    let south = service.tenant("south").unwrap();
    assert_eq!(south.problem, None);
    service
        .run(duijie_admin::At {
            tenant: "south",
            ..AT
        })
        .await
        .unwrap();
    let metrics = service.metrics(None);
    for tenant in ["north", "south"] {
        let line = format!("duijie_disk_bytes{{tenant=\"{tenant}\"}} ");
        let mut lines = metrics.lines();
        let bytes = lines.find_map(|text| text.strip_prefix(&line));
        let bytes: u64 = bytes.unwrap().parse().unwrap();
        assert!((4_000..20_000).contains(&bytes), "{metrics}");
        let line = format!("duijie_requests_total{{tenant=\"{tenant}\"}} 0\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
    std::fs::write(&config, "quotas: {disk: 20KB}").unwrap();
    service.reload("north").await.unwrap();
    assert_eq!(service.tenant("north").unwrap().problem, None);
    service.run(AT).await.unwrap();
    stop.stop();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_quota_that_cannot_be_read_is_told_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north"]);
    let config = home.tenant(&name("north")).join("tenant.yaml");
    std::fs::write(&config, "quotas: {requests: 3/day}").unwrap();
    let service = service_at(&home, Arc::new(Noon));
    service.reload("north").await.unwrap();
    for wrong in [
        "requests: 0/day",
        "requests: 5/week",
        "requests: 5",
        "disk: much",
        "disk: 2 gigs",
    ] {
        std::fs::write(&config, format!("quotas: {{{wrong}}}")).unwrap();
        let refused = service.reload("north").await.unwrap_err();
        assert_eq!(refused.why, Why::Invalid, "{wrong}");
    }
    let budgets = service.0.state().budgets.clone();
    assert!(budgets.spent("north", NOON_MS).is_some());
}

#[tokio::test]
async fn a_quota_that_a_reload_brings_about_is_told_and_so_is_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north"]);
    let own = home.tenant(&name("north"));
    let secrets = own.join("secrets.env");
    std::fs::write(&secrets, "hook=https://robot.example.com/hook\n").unwrap();
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&secrets, owner_only).unwrap();
    let service = service_at(&home, Arc::new(Noon));
    let quota = async |text: &str| {
        let alerts = "alerts: [{to: json, url: \"${secret:hook}\", on: [quota], recovered: true}]";
        let text = format!("{alerts}\nquotas: {{disk: {text}}}");
        std::fs::write(own.join("tenant.yaml"), text).unwrap();
        assert_eq!(service.reload("north").await.unwrap().problems, [""; 0]);
    };
    // Long after each other: a message goes only so often.
    let told = |now_ms: u64| {
        let taken = service.0.alerts.take(now_ms, 1);
        for message in &taken {
            service.0.alerts.sent(message, true, now_ms);
        }
        let told = taken.into_iter().flat_map(|message| message.told);
        let told = told.map(|told| (told.cause.kind, told.ended, told.detail));
        told.collect::<Vec<_>>()
    };
    quota("2KB").await;
    let owned = BTreeMap::from([("north".to_owned(), 1_500)]);
    assert!(service.0.state().measured(&owned).is_empty());
    assert_eq!(told(NOON_MS), []);
    quota("1KB").await;
    let [(Kind::Quota, false, detail)] = &told(NOON_MS)[..] else {
        panic!("nothing was told");
    };
    assert!(detail.contains("allows 1000"), "{detail}");
    assert_eq!(service.run(AT).await.unwrap_err().why, Why::Conflict);
    quota("1KB").await;
    assert_eq!(told(NOON_MS + DAY_MS), []);
    quota("2KB").await;
    let ended = told(NOON_MS + 2 * DAY_MS);
    assert!(matches!(&ended[..], [(Kind::Quota, true, _)]), "{ended:?}");
    service.run(AT).await.unwrap();
}
