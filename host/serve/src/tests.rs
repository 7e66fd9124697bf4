//! A service in a folder, without connectors: what it knows of its tenants,
//! what it keeps, and what it tells. Runs that send are in `tests/e2e`.

use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};

use duijie_admin::{At, Pause, Reloaded, Service as _, Why};
use duijie_pipeline::{Clock, Stop, SystemClock};
use duijie_plan::Retention;
use duijie_record::Scope;
use duijie_schedule::State as Stored;
use duijie_store::{Embedded, Store as _, TenantStore};

use crate::{Error, Home, Limits, Options, Supervisor, TenantName};

const MANIFEST: &str = "pipeline: orders
scope: orders
schedule: every 1h
source: {connector: none, connection: here, collection: a}
target: {connector: none, connection: here, collection: b}
";

pub(crate) const AT: At<'static> = At {
    tenant: "north",
    pipeline: "orders",
};

pub(crate) fn name(text: &str) -> TenantName {
    TenantName::parse(text).unwrap()
}

fn home(folder: &Path) -> Home {
    Home::new(folder, None, None)
}

pub(crate) fn with_tenants(folder: &Path, tenants: &[&str]) -> Home {
    let home = home(folder);
    for tenant in tenants {
        let tenant = home.add(&name(tenant)).unwrap();
        std::fs::write(tenant.join("pipelines/orders.yaml"), MANIFEST).unwrap();
    }
    home
}

pub(crate) fn service(home: &Home) -> Supervisor {
    service_at(home, Arc::new(SystemClock))
}

pub(crate) fn service_at(home: &Home, clock: Arc<dyn Clock>) -> Supervisor {
    let store = Embedded::open(home.data(), &duijie_store::Options::default()).unwrap();
    Supervisor::new(Options {
        home: home.clone(),
        limits: Limits {
            listen: String::new(),
            runs: 4,
            retention: Retention::DEFAULT,
            alerts: Vec::new(),
            tls: None,
            otlp: None,
        },
        store: Arc::new(store),
        code: duijie_project::wire::code(home.data(), 4).unwrap(),
        clock,
        seed: 1,
    })
}

fn told(added: &[&str], changed: &[&str], removed: &[&str]) -> Reloaded {
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Reloaded {
        added: texts(added),
        changed: texts(changed),
        removed: texts(removed),
        problems: Vec::new(),
    }
}

#[test]
fn a_name_that_could_be_another_place_is_no_tenants() {
    let long = "a".repeat(63);
    for good in ["a", "0", "north-1", "a--", &long] {
        assert_eq!(name(good).as_str(), good);
    }
    let longer = "a".repeat(64);
    for bad in [
        "", "-a", ".", "..", "a/b", "a\\b", "A", "a_b", "a.b", "a b", "北", "a\0", "a\n", &longer,
    ] {
        assert!(
            matches!(TenantName::parse(bad), Err(Error::Name(_))),
            "{bad:?}"
        );
    }
}

#[test]
fn what_is_no_folder_of_a_tenant_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["south", "north"]);
    let tenants = folder.path().join("tenants");
    std::fs::create_dir(tenants.join("Not one")).unwrap();
    std::fs::write(tenants.join("file"), "").unwrap();
    std::os::unix::fs::symlink(tenants.join("north"), tenants.join("link")).unwrap();
    assert_eq!(home.names().unwrap(), [name("north"), name("south")]);
    assert!(matches!(
        home.add(&name("north")),
        Err(Error::TenantIsThere(_))
    ));
    home.remove(&name("north")).unwrap();
    assert!(matches!(
        home.remove(&name("north")),
        Err(Error::NoTenant(_))
    ));
    assert_eq!(home.names().unwrap(), [name("south")]);
}

#[test]
fn what_is_written_of_the_process_is_read_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    assert_eq!(home.limits().unwrap().runs, 16);
    let file = folder.path().join("serve.yaml");
    std::fs::write(&file, "runs: 3\nlisten: 127.0.0.1:1\n").unwrap();
    let expected = Limits {
        listen: "127.0.0.1:1".to_owned(),
        runs: 3,
        retention: Retention::DEFAULT,
        alerts: Vec::new(),
        tls: None,
        otlp: None,
    };
    assert_eq!(home.limits().unwrap(), expected);
    for wrong in ["runs: 0", "run: 3", "runs: many", "- 1"] {
        std::fs::write(&file, wrong).unwrap();
        assert!(matches!(home.limits(), Err(Error::Problems(..))), "{wrong}");
    }
}

#[tokio::test]
async fn a_reload_tells_what_differs_and_only_that() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    let service = service(&home);
    let reload = async |tenant: &str| service.reload(tenant).await.unwrap();
    assert_eq!(reload("north").await, told(&["orders"], &[], &[]));
    assert_eq!(reload("south").await, told(&["orders"], &[], &[]));
    assert_eq!(reload("north").await, Reloaded::default());

    let pipelines = home.tenant(&name("north")).join("pipelines");
    let other = MANIFEST.replace("orders", "returns");
    std::fs::write(pipelines.join("returns.yaml"), other).unwrap();
    let slower = MANIFEST.replace("1h", "2h");
    std::fs::write(pipelines.join("orders.yaml"), slower).unwrap();
    assert_eq!(reload("north").await, told(&["returns"], &["orders"], &[]));
    assert_eq!(reload("south").await, Reloaded::default());

    std::fs::remove_file(pipelines.join("orders.yaml")).unwrap();
    assert_eq!(reload("north").await, told(&[], &[], &["orders"]));
    std::fs::remove_dir_all(home.tenant(&name("north"))).unwrap();
    assert_eq!(reload("north").await, told(&[], &[], &["returns"]));
    assert_eq!(
        service.reload("north").await.unwrap_err().why,
        Why::NotFound
    );
    assert_eq!(service.tenants().len(), 1);
}

#[tokio::test]
async fn a_tenant_that_cannot_be_read_stays_as_it_was_and_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    let service = service(&home);
    service.reload("north").await.unwrap();
    let config = home.tenant(&name("north")).join("tenant.yaml");
    std::fs::write(&config, "quotas: {runs: 0}").unwrap();
    assert_eq!(service.reload("north").await.unwrap_err().why, Why::Invalid);
    let view = service.tenant("north").unwrap();
    assert_eq!((view.pipelines, view.problem.is_some()), (1, true));
    assert_eq!(
        service.reload("south").await.unwrap(),
        told(&["orders"], &[], &[])
    );
    std::fs::write(&config, "enabled: false").unwrap();
    service.reload("north").await.unwrap();
    let view = service.tenant("north").unwrap();
    assert_eq!((view.enabled, view.problem), (false, None));
}

#[tokio::test]
async fn a_quota_counts_from_the_next_reload_on() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north"]);
    let service = service(&home);
    let config = home.tenant(&name("north")).join("tenant.yaml");
    let quota = async |text: &str| {
        std::fs::write(&config, text).unwrap();
        service.reload("north").await.unwrap();
        let state = service.0.state();
        let quota = state.known("north").unwrap().allowance.quota();
        (quota.memory_bytes, quota.cpu_percent, quota.instances)
    };
    assert_eq!(quota("enabled: true").await, (512 << 20, 100, 64));
    let more = "quotas: {memory: 1GiB, cpu: 250, runs: 2}";
    assert_eq!(quota(more).await, (1 << 30, 250, 32));
    assert_eq!(quota("enabled: true").await, (512 << 20, 100, 64));
    for wrong in [
        "memory: 0",
        "memory: lots",
        "memory: 0MiB",
        "memory: -1GiB",
        "cpu: 0",
        "cpu: 100%",
    ] {
        std::fs::write(&config, format!("quotas: {{{wrong}}}")).unwrap();
        assert!(service.reload("north").await.is_err(), "{wrong}");
    }
    let metrics = service.metrics(Some("north"));
    let line = "duijie_memory_bytes{tenant=\"north\"} 0\n";
    assert!(metrics.contains(line), "{metrics}");
    let line = "duijie_cpu_seconds_total{tenant=\"north\"} 0\n";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn a_pause_is_known_to_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    let service = service(&home);
    for tenant in ["north", "south"] {
        service.reload(tenant).await.unwrap();
    }
    service
        .pause(AT, Pause::Pause { stop: false })
        .await
        .unwrap();
    service
        .pause_tenant("south", Pause::Pause { stop: true })
        .await
        .unwrap();
    assert_eq!(service.run(AT).await.unwrap_err().why, Why::Conflict);
    drop(service);

    let service = self::service(&home);
    for tenant in ["north", "south"] {
        service.reload(tenant).await.unwrap();
    }
    let paused = |tenant: &str| {
        let pipelines = service.pipelines(tenant).unwrap();
        (service.tenant(tenant).unwrap().paused, pipelines[0].paused)
    };
    assert_eq!(
        (paused("north"), paused("south")),
        ((false, true), (true, false))
    );
    service.pause(AT, Pause::Resume).await.unwrap();
    service.pause_tenant("south", Pause::Resume).await.unwrap();
    assert_eq!(
        (paused("north"), paused("south")),
        ((false, false), (false, false))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_begin_is_told_and_waits_for_its_next_slot() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north"]);
    let service = service(&home);
    let stop = Stop::new();
    let (running, ending) = (service.clone(), stop.clone());
    let running = tokio::spawn(async move { running.supervise(&ending).await });
    let last = loop {
        let pipelines = service.pipelines("north").unwrap_or_default();
        let ended = pipelines
            .into_iter()
            .find(|view| view.running.is_none() && view.last.is_some());
        match ended {
            Some(view) => break view.last.unwrap(),
            None => tokio::task::yield_now().await,
        }
    };
    assert!(
        last.failure.unwrap().contains("connector `none`"),
        "{:?}",
        last.run
    );
    assert!(service.is_ready());
    stop.stop();
    running.await.unwrap().unwrap();
    assert!(!service.is_ready());
    let metrics = service.metrics(Some("north"));
    let line = "duijie_runs_total{tenant=\"north\",end=\"failed\"} 1";
    assert!(metrics.contains(line), "{metrics}");
    drop(service);

    let store = Embedded::open(home.data(), &duijie_store::Options::default()).unwrap();
    let store = TenantStore::new(Arc::new(store), "north").unwrap();
    let bytes = store.schedule(&Scope::from("orders")).unwrap().unwrap();
    assert_eq!(Stored::from_bytes(&bytes).unwrap().begun(), None);
}

#[tokio::test]
async fn what_is_not_there_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(&with_tenants(folder.path(), &["north"]));
    service.reload("north").await.unwrap();
    for tenant in ["south", "", "../north", "north/orders"] {
        assert_eq!(
            service.tenant(tenant).unwrap_err().why,
            Why::NotFound,
            "{tenant}"
        );
        assert_eq!(
            service.pipelines(tenant).unwrap_err().why,
            Why::NotFound,
            "{tenant}"
        );
        assert_eq!(
            service.trace(tenant, "1", true).await.unwrap_err().why,
            Why::NotFound
        );
        assert_eq!(
            service.reload(tenant).await.unwrap_err().why,
            Why::NotFound,
            "{tenant}"
        );
        let pause = service.pause_tenant(tenant, Pause::Resume).await;
        assert_eq!(pause.unwrap_err().why, Why::NotFound, "{tenant}");
    }
    for pipeline in ["returns", "pipelines/orders.yaml", "../south/orders", ""] {
        let at = At {
            tenant: "north",
            pipeline,
        };
        assert_eq!(
            service.run(at).await.unwrap_err().why,
            Why::NotFound,
            "{pipeline}"
        );
        assert_eq!(
            service.runs(at, 1).await.unwrap_err().why,
            Why::NotFound,
            "{pipeline}"
        );
    }
}

#[tokio::test]
async fn what_a_link_leads_to_is_not_read_and_so_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let home = with_tenants(folder.path(), &["north", "south"]);
    let own = home.tenant(&name("north"));
    std::fs::write(home.tenant(&name("south")).join("secrets.env"), "hidden=1").unwrap();
    let service = service(&home);
    for link in ["tenant.yaml", "secrets.env", "connectors/a.wasm"] {
        let link = own.join(link);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        let theirs = home.tenant(&name("south")).join("secrets.env");
        let before = std::fs::read(&link).ok();
        std::fs::remove_file(&link).ok();
        std::os::unix::fs::symlink(theirs, &link).unwrap();
        let refused = service.reload("north").await.unwrap_err().message;
        let told = service.tenant("north").unwrap().problem.unwrap();
        for text in [refused, told] {
            assert!(text.contains("leads out of the tenant's folder"), "{text}");
            assert!(!text.contains("hidden"), "{text}");
        }
        std::fs::remove_file(&link).unwrap();
        if let Some(before) = before {
            std::fs::write(&link, before).unwrap();
        }
    }
    std::os::unix::fs::symlink(own.join("tenant.yaml"), own.join("connectors/own")).unwrap();
    service.reload("north").await.unwrap();
}

#[tokio::test]
async fn one_at_a_time_reads_a_tenants_folder_and_others_do_not_wait_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(&with_tenants(folder.path(), &["north", "south"]));
    let shared = &service.0;
    shared.reload_all().await.unwrap();
    let reading = shared.state().known("north").unwrap().reading.clone();
    let reads = reading.acquire_owned().await.unwrap();
    let (north, south) = (name("north"), name("south"));
    let mut waits = std::pin::pin!(shared.load(&north));
    let polled = |context: &mut Context<'_>| Poll::Ready(waits.as_mut().poll(context).is_pending());
    assert!(std::future::poll_fn(polled).await);
    shared.load(&south).await.unwrap();
    drop(reads);
    waits.await.unwrap();
}
