//! Source and target compared, by a command and by the service: what no run has dealt with is told, and nothing is
//! written.

use duijie_e2e::{Manifest, Project, Robot, Rules, Service, orders};
use duijie_sim::china_text;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;

const ORDERS: usize = 60;

/// A pipeline that begins three days ago, of a source with orders of eight, and that time until now.
fn project(seed: u64) -> (Project, [String; 2]) {
    let config = orders(ORDERS, seed);
    let now = config.now.unwrap();
    let [from, begins, to] = [9, 3, 0].map(|days| china_text(now - days * 86_400));
    let project = Project::new(config).changed(|manifest| {
        let start = format!("start_time: {}", china_text(now - 8 * 86_400));
        Manifest(manifest.0.replace(&start, &format!("start_time: {begins}")))
            .with("schedule: every 5m", "schedule: every 1h")
    });
    (project, [from, to])
}

fn reconcile(project: &Project, [from, to]: &[String; 2]) -> Value {
    let command = [
        "reconcile",
        "stockouts",
        "--from",
        from,
        "--to",
        to,
        "--json",
    ];
    project.command(&command).expect(0).data()
}

#[test]
fn what_no_run_has_dealt_with_is_told_and_what_the_target_shows_is_counted() {
    let (project, window) = project(331);
    let applied = project.run().expect(0).data()["applied"].as_u64().unwrap();
    let missing = ORDERS as u64 - applied;
    assert!(applied > 0 && missing > 0, "{applied} of {ORDERS}");
    let saves = project.count("kingdee.BatchSave");

    let found = reconcile(&project, &window);
    assert_eq!(found["records"], ORDERS, "{found}");
    assert_eq!(
        (&found["applied"], &found["shown"]),
        (&json!(applied), &json!(applied))
    );
    assert_eq!(found["differing"], missing);
    let differences = found["differences"].as_array().unwrap();
    assert!(
        differences
            .iter()
            .all(|difference| difference["kind"] == "no outcome"),
        "{found}"
    );
    assert_eq!(project.count("kingdee.BatchSave"), saves);

    // A backfill deals with them.
    let [from, to] = &window;
    let backfill = ["run", "stockouts", "--from", from, "--to", to, "--json"];
    assert_eq!(
        project.command(&backfill).expect(0).data()["applied"],
        missing
    );
    let found = reconcile(&project, &window);
    assert_eq!(
        (&found["applied"], &found["shown"]),
        (&json!(ORDERS), &json!(ORDERS))
    );
    assert_eq!(
        (&found["differing"], &found["differences"]),
        (&json!(0), &json!([]))
    );
}

#[test]
fn the_service_compares_when_it_is_asked_to_and_tells_of_differences() {
    let (project, _) = project(332);
    let mut service = Service::of(&[("north", &project)]);
    let robot = Robot::start(Rules::Plain);
    let config = format!(
        "reconcile: {{cron: \"30 3 * * *\", window: 9d, settle: 0s}}\nalerts:\n  - {{to: json, url: \"${{secret:robot}}\", \
         on: [reconciliation], allow: [\"{}\"]}}\n",
        robot.origin()
    );
    std::fs::write(service.path("tenants/north/tenant.yaml"), config).unwrap();
    let file = service.path("tenants/north/secrets.env");
    let secrets = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{secrets}robot={}\n", robot.url())).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    service.start();
    let runs = service.until_ran("north", 1, "finished");
    let applied = runs[0]["applied"].as_u64().unwrap();
    let at = "/v1/tenants/north/pipelines/stockouts";
    let token = service.new_token("north", "operator");
    let call = |method: &str, path: &str| service.call(method, &format!("{at}/{path}"), &token, "");
    assert_eq!(
        call("GET", "reconciliation").expect(404)["code"],
        "not_found"
    );
    call("POST", "reconcile").expect(200);

    let told = robot.hear().body["alerts"][0].clone();
    let missing = ORDERS as u64 - applied;
    assert_eq!(
        (&told["kind"], &told["count"]),
        (&json!("reconciliation"), &json!(missing))
    );
    assert_eq!(told["detail"], format!("no outcome: {missing}"));
    let report = call("GET", "reconciliation").expect(200);
    assert_eq!(report["failure"], Value::Null, "{report}");
    assert_eq!(
        (&report["found"]["shown"], &report["found"]["differing"]),
        (&json!(applied), &json!(missing))
    );

    let reader = service.new_token("north", "reader");
    let refused = service.call("POST", &format!("{at}/reconcile"), &reader, "");
    refused.expect(403);
    service.terminate();

    let scope = format!("north/{}", project.manifest_line("scope: "));
    let kept = service.path(&format!("data/reconciliations/{scope}.json"));
    assert!(kept.is_file());
    service.command(&["forget", &scope, "--yes"]);
    assert!(!kept.exists());
}

#[test]
fn a_comparison_has_the_bounds_of_a_run() {
    let (project, window) = project(333);
    let project = project
        .changed(|manifest| manifest.with_portions(10))
        .changed(|manifest| manifest.with("limits: { page", "limits: { run: { calls: 1 }, page"));
    let [from, to] = &window;
    let command = ["reconcile", "stockouts", "--from", from, "--to", to];
    let refused = project.command(&command);
    assert_ne!(refused.code, 0, "{refused:?}");
    refused.says(&["limits.run.calls"]);
}
