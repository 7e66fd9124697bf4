//! A service of several tenants: each has its own runs, its own state and its own tokens, and no end of the process
//! loses or doubles anything.

use duijie_e2e::{Manifest, Project, Service, check_exactly_once, orders};
use duijie_sim::Config;
use serde_json::{Value, json};
use std::time::Duration;

const ORDERS: usize = 60;

fn hourly(manifest: &Manifest) -> Manifest {
    manifest.with("schedule: every 5m", "schedule: every 1h")
}

fn project(seed: u64) -> Project {
    Project::new(orders(ORDERS, seed)).changed(hourly)
}

/// Many small pages and batches, each slow enough to be stopped between.
fn slow(seed: u64) -> Project {
    let mut config: Config = orders(200, seed);
    config.latency = Duration::from_millis(20);
    Project::new(config).changed(|manifest| hourly(manifest).with_portions(10))
}

#[test]
#[allow(clippy::too_many_lines)] // One story of two tenants.
fn tenants_that_name_everything_alike_run_side_by_side_and_see_their_own() {
    let (north, south) = (project(301), project(302));
    let mut service = Service::of(&[("north", &north), ("south", &south)]);
    service.start();
    for (tenant, project) in [("north", &north), ("south", &south)] {
        let runs = service.until_ran(tenant, 1, "finished");
        assert_eq!(runs[0]["applied"], ORDERS, "{tenant}");
        check_exactly_once(&project.simulators);
    }
    // By hand, beside the schedule, and from the beginning.
    let at = "/v1/tenants/north/pipelines/stockouts";
    let every = service.new_token("*", "operator");
    let reset = service.call("DELETE", &format!("{at}/checkpoint"), &every, "");
    reset.expect(200);
    service.post(&format!("{at}/run"), "");
    let runs = service.until_ran("north", 2, "finished");
    assert_eq!(runs[0]["unchanged"], ORDERS);
    assert_eq!(
        service.until_ran("south", 1, "finished")[0]["applied"],
        ORDERS
    );

    let number = north.shipped()[0].clone();
    let found = |tenant: &str| service.get(&format!("/v1/tenants/{tenant}/trace/{number}"));
    assert_eq!(found("north")["found"].as_array().unwrap().len(), 1);
    assert_eq!(
        found("south"),
        json!({ "number": number, "found": [], "open": [] })
    );

    let token = service.new_token("north", "admin");
    let call = |method: &str, path: &str| service.call(method, path, &token, "").status;
    for path in [
        "",
        "/pipelines",
        "/holds",
        "/dead-letters",
        "/events",
        "/pipelines/stockouts/runs",
    ] {
        assert_eq!(
            call("GET", &format!("/v1/tenants/north{path}")),
            200,
            "{path}"
        );
        assert_eq!(
            call("GET", &format!("/v1/tenants/south{path}")),
            403,
            "{path}"
        );
        assert_eq!(
            call("GET", &format!("/v1/tenants/none{path}")),
            403,
            "{path}"
        );
    }
    for path in [
        "/pause",
        "/reload",
        "/pipelines/stockouts/run",
        "/pipelines/stockouts/pause",
    ] {
        assert_eq!(
            call("POST", &format!("/v1/tenants/south{path}")),
            403,
            "{path}"
        );
    }
    for path in [
        "..%2Fsouth",
        "north%2F..%2Fsouth",
        "north%00",
        "north/../south",
    ] {
        assert!(call("GET", &format!("/v1/tenants/{path}")) >= 400, "{path}");
    }
    let metrics = service
        .call("GET", "/metrics", &token, "")
        .expect(200)
        .to_string();
    assert!(
        metrics.contains("north") && !metrics.contains("south"),
        "{metrics}"
    );
    // The second run had nothing to send.
    let batches = r#"duijie_batch_seconds_count{tenant=\"north\"} 1"#;
    assert!(metrics.contains(batches), "{metrics}");
    service.terminate();
}

#[test]
fn what_changed_in_a_folder_is_taken_over_and_told() {
    let (mut north, south) = (project(303), project(304));
    let mut service = Service::of(&[("north", &north), ("south", &south)]);
    service.start();
    service.until_ran("north", 1, "finished");
    service.until_ran("south", 1, "finished");
    let reload = |tenant: &str| service.post(&format!("/v1/tenants/{tenant}/reload"), "");
    let nothing = json!({ "added": [], "changed": [], "removed": [], "problems": [] });
    assert_eq!(reload("north"), nothing);

    north.change(|manifest| manifest.with("on_change: hold", "on_change: update"));
    service.give("north", &north);
    assert_eq!(reload("north")["changed"], json!(["stockouts"]));
    assert_eq!(reload("north"), nothing);
    assert_eq!(reload("south"), nothing);

    let folder = service.path("tenants/north/pipelines");
    std::fs::rename(folder.join("stockouts.yaml"), service.path("kept.yaml")).unwrap();
    assert_eq!(reload("north")["removed"], json!(["stockouts"]));
    assert_eq!(service.get("/v1/tenants/north/pipelines"), json!([]));
    std::fs::write(
        folder.join("stockouts.yaml"),
        "pipeline: stockouts\nscope: x y\n",
    )
    .unwrap();
    let told = reload("north");
    assert_eq!(told["added"], json!([]));
    let problem = told["problems"][0].as_str().unwrap();
    assert!(problem.starts_with("pipelines/stockouts.yaml: "), "{told}");
    std::fs::rename(service.path("kept.yaml"), folder.join("stockouts.yaml")).unwrap();
    assert_eq!(reload("north")["added"], json!(["stockouts"]));
    // Its state was kept: the slot that has passed is not run again.
    service.post("/v1/tenants/north/pipelines/stockouts/run", "");
    let runs = service.until_ran("north", 2, "finished");
    assert_eq!(runs[0]["applied"], 0);
    check_exactly_once(&north.simulators);

    let third = project(305);
    service.command(&["tenants", "add", "third"]);
    service.give("third", &third);
    assert_eq!(reload("third")["added"], json!(["stockouts"]));
    service.until_ran("third", 1, "finished");
    service.terminate();
}

/// Ends the service while a run sends, starts it again, and looks at what arrived.
fn check_goes_on(seed: u64, end: fn(&mut Service), state: &str) {
    let project = slow(seed);
    let mut service = Service::of(&[("north", &project)]);
    service.start();
    project.wait_for_count("kingdee.BatchSave", 6);
    end(&mut service);
    assert!(project.simulators.document_count() < 200);
    service.start();
    let runs = service.until_ran("north", 2, "finished");
    assert_eq!(runs[1]["state"], state);
    check_exactly_once(&project.simulators);
    // The slot was dealt with: nothing else begins.
    let view = service.get("/v1/tenants/north/pipelines");
    assert_eq!(view[0]["running"], Value::Null);
    service.terminate();
    service.start();
    service.until("/v1/tenants/north", |tenant| tenant["runs_active"] == 0);
    service.until_ran("north", 2, "finished");
}

#[test]
fn a_service_that_is_told_to_end_settles_what_it_sends_and_goes_on_at_its_next_start() {
    check_goes_on(306, |service| drop(service.terminate()), "stopped");
}

#[test]
fn a_service_that_is_killed_goes_on_at_its_next_start() {
    check_goes_on(307, Service::kill, "failed");
}

#[test]
fn nothing_of_a_tenant_runs_that_was_not_granted() {
    let project = project(309);
    let mut service = Service::of(&[("north", &project)]);
    let lock = service.path("tenants/north/duijie.lock");
    std::fs::remove_file(lock).unwrap();
    service.start();
    let pipelines = service.until("/v1/tenants/north/pipelines", |pipelines| {
        pipelines[0]["last"]["failure"].is_string()
    });
    let failure = pipelines[0]["last"]["failure"].as_str().unwrap();
    for part in [
        "nothing is granted to pipeline `stockouts`",
        "duijie grant stockouts --tenant north",
    ] {
        assert!(failure.contains(part), "{failure}");
    }
    assert_eq!(project.count("kingdee.LoginByAppSecret"), 0);

    service.command(&["grant", "stockouts", "--tenant", "north"]);
    service.post("/v1/tenants/north/pipelines/stockouts/run", "");
    service.until_ran("north", 1, "finished");
    check_exactly_once(&project.simulators);
}

#[test]
fn what_is_paused_stays_so_until_it_is_resumed() {
    let project = slow(308);
    let mut service = Service::of(&[("north", &project)]);
    service.start();
    let at = "/v1/tenants/north/pipelines/stockouts";
    project.wait_for_count("kingdee.BatchSave", 3);
    service.post(&format!("{at}/pause"), r#"{"stop":true}"#);
    service.until_ran("north", 1, "stopped");
    service.until("/v1/tenants/north", |tenant| tenant["runs_active"] == 0);
    service.terminate();

    service.start();
    let view = service.get("/v1/tenants/north/pipelines");
    assert_eq!(
        (&view[0]["paused"], &view[0]["running"]),
        (&json!(true), &Value::Null)
    );
    let token = service.new_token("north", "operator");
    let refused = service
        .call("POST", &format!("{at}/run"), &token, "")
        .expect(409);
    assert_eq!(refused["code"], "conflict");
    service.post(&format!("{at}/resume"), "");
    service.until_ran("north", 2, "finished");
    check_exactly_once(&project.simulators);

    service.post("/v1/tenants/north/pause", "");
    service.terminate();
    service.start();
    assert_eq!(service.get("/v1/tenants/north")["paused"], true);
    service.post("/v1/tenants/north/resume", "");
    assert_eq!(service.get("/v1/tenants/north")["paused"], false);
}

#[test]
fn a_secret_of_the_process_is_no_tenants() {
    let project = project(309);
    let mut service = Service::of(&[("north", &project)]);
    let secrets = service.path("tenants/north/secrets.env");
    let text = std::fs::read_to_string(&secrets).unwrap();
    std::fs::remove_file(&secrets).unwrap();
    let variables: Vec<(String, &str)> = text
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (format!("DUIJIE_SECRET_{name}"), value))
        .collect();
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    service.start_with(&variables);
    let view = service.until("/v1/tenants/north/pipelines", |view| {
        view[0]["last"]["failure"].is_string()
    });
    assert_eq!(project.simulators.document_count(), 0, "{view}");
    let said = service.terminate();
    for (_, value) in &variables {
        assert!(!said.contains(value) && !view.to_string().contains(value));
    }

    for (name, value) in text.lines().map(|line| line.split_once('=').unwrap()) {
        service.told(&["secrets", "set", name, "--tenant", "north"], value);
    }
    service.command(&["check", "--tenant", "north"]);
    service.start();
    service.post("/v1/tenants/north/pipelines/stockouts/run", "");
    service.until("/v1/tenants/north/pipelines", |view| {
        view[0]["last"]["failure"].is_null() && view[0]["last"]["run"].is_string()
    });
    check_exactly_once(&project.simulators);
    service.terminate();
}
