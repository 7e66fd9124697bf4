//! What tenants cost that have nothing to do: how long a service needs to read
//! them all, and what it holds of each, the store aside.
//!
//! `cargo run --release -p duijie-serve --example idle_tenants -- 10000`
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use duijie_admin::Service as _;
use duijie_pipeline::SystemClock;
use duijie_serve::{Home, Limits, Options, Supervisor, TenantName};
use duijie_store::Embedded;

const MANIFEST: &str = include_str!("../../../examples/quickstart/pipelines/stockouts.yaml");

#[tokio::main]
async fn main() {
    let count: usize = std::env::args()
        .nth(1)
        .map_or(10_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path(), None, None);
    for number in 0..count {
        let name = TenantName::parse(&format!("tenant-{number}")).unwrap();
        let tenant = home.add(&name).unwrap();
        // Nothing is due, so that nothing is measured but being there.
        let lines = MANIFEST
            .lines()
            .filter(|line| !line.starts_with("schedule:"));
        let text = lines.map(|line| format!("{line}\n")).collect::<String>();
        std::fs::write(tenant.join("pipelines/stockouts.yaml"), text).unwrap();
    }
    let store = Embedded::open(home.data(), &duijie_store::Options::default()).unwrap();
    let service = Supervisor::new(Options {
        home: home.clone(),
        limits: Limits {
            listen: String::new(),
            runs: 16,
            retention: duijie_plan::Retention::DEFAULT,
            alerts: Vec::new(),
            tls: None,
        },
        store: Arc::new(store),
        code: duijie_project::wire::code(home.data(), 16).unwrap(),
        clock: Arc::new(SystemClock),
        seed: 0,
    });
    let before = resident();
    let begun = Instant::now();
    let names = home.names().unwrap();
    for name in &names {
        let told = service.reload(name.as_str()).await.unwrap();
        assert_eq!(told.added.len(), 1, "{told:?}");
    }
    let took = begun.elapsed();
    let held = resident().saturating_sub(before);
    println!(
        "{count} tenants with a pipeline each: read in {} ms, {} bytes held a tenant",
        took.as_millis(),
        held / count.max(1)
    );
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let text = std::fs::read_to_string(Path::new("/proc/self/statm")).unwrap();
    let pages: usize = text.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096
}
