//! Tenants that have had what they may: their runs end and say until when, others go on, and nothing is lost or doubled.

use duijie_e2e::{Project, Service, check_exactly_once, orders};
use duijie_sim::Config;
use serde_json::Value;
use std::time::Duration;

const ORDERS: usize = 200;

/// Of more requests than a small quota has.
fn project(seed: u64) -> Project {
    let mut config: Config = orders(ORDERS, seed);
    config.latency = Duration::from_millis(5);
    Project::new(config).changed(|manifest| {
        let hourly = manifest.with("schedule: every 5m", "schedule: every 1h");
        hourly.with_portions(10)
    })
}

fn made(service: &Service, tenant: &str) -> u64 {
    let metrics = service.get("/metrics");
    let line = format!("duijie_requests_total{{tenant=\"{tenant}\"}} ");
    let mut lines = metrics.as_str().unwrap().lines();
    let made = lines.find_map(|text| text.strip_prefix(&line));
    made.unwrap().parse().unwrap()
}

#[test]
fn a_tenant_that_has_spent_its_requests_waits_for_more_and_doubles_nothing() {
    let (north, south) = (project(331), project(332));
    let mut service = Service::of(&[("north", &north), ("south", &south)]);
    let config = service.path("tenants/north/tenant.yaml");
    std::fs::write(&config, "quotas: {requests: 15/day}\n").unwrap();
    service.start();
    let told = |tenant: &Value| {
        let problem = tenant["problem"].as_str().unwrap_or_default();
        problem.starts_with("`quotas.requests: 15/day` of tenant.yaml is spent, there is more from")
    };
    service.until_ran("north", 1, "failed");
    service.until("/v1/tenants/north", told);
    assert_eq!(made(&service, "north"), 15);
    service.until_ran("south", 1, "finished");
    check_exactly_once(&south.simulators);
    assert!(made(&service, "south") > 15);
    let pipelines = service.get("/v1/tenants/north/pipelines");
    let failure = pipelines[0]["last"]["failure"].as_str().unwrap();
    assert!(failure.contains("quotas.requests: 15/day"), "{failure}");

    // The next process knows what was spent.
    service.terminate();
    service.start();
    let run = "/v1/tenants/north/pipelines/stockouts/run";
    service.post(run, "");
    service.until_ran("north", 2, "failed");
    service.until("/v1/tenants/north", told);
    assert_eq!(made(&service, "north"), 0);

    std::fs::write(&config, "quotas: {requests: 100000/day}\n").unwrap();
    service.post("/v1/tenants/north/reload", "");
    assert_eq!(service.get("/v1/tenants/north")["problem"], Value::Null);
    service.post(run, "");
    service.until_ran("north", 3, "finished");
    check_exactly_once(&north.simulators);
    service.terminate();
}
