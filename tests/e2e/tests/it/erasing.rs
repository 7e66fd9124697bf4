//! What was taken away is in no file, who may see personal fields sees them, and nothing is written twice for it.

use duijie_e2e::{Project, Service, check_exactly_once, orders};
use duijie_sim::Config;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ORDERS: usize = 60;

fn hourly(seed: u64) -> Project {
    Project::new(orders(ORDERS, seed))
        .changed(|manifest| manifest.with("schedule: every 5m", "schedule: every 1h"))
}

/// Files below a folder in which one of these texts stands.
pub(super) fn places(folder: &Path, texts: &[String]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(places(&path, texts));
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let has = |text: &String| {
                let text = text.as_bytes();
                bytes.windows(text.len()).any(|window| window == text)
            };
            if texts.iter().any(has) {
                found.push(path);
            }
        }
    }
    found
}

/// Name, mobile and address of the receiver of a shipped order.
fn receiver(project: &Project, number: &str) -> [String; 3] {
    let orders = project.simulators.orders();
    let mut orders = orders.iter();
    let order = orders.find(|order| order["order_no"] == number).unwrap();
    let text = |field: &str| order[field].as_str().unwrap().to_owned();
    [
        text("receiver_name"),
        text("receiver_mobile"),
        text("receiver_address"),
    ]
}

#[test]
fn a_removed_tenant_leaves_no_byte_and_another_goes_on() {
    let (north, south) = (hourly(401), hourly(402));
    let mut service = Service::of(&[("north", &north), ("north-2", &south)]);
    service.start();
    service.until_ran("north", 1, "finished");
    service.until_ran("north-2", 1, "finished");

    let own = service.new_token("north", "admin");
    let others = service.new_token("north-2", "admin");
    for token in [&own, &others] {
        service
            .call("DELETE", "/v1/tenants/north", token, "")
            .expect(403);
    }
    let every = service.new_token("*", "admin");
    service
        .call("DELETE", "/v1/tenants/north", &every, "")
        .expect(200);
    service
        .call("GET", "/v1/tenants/north", &own, "")
        .expect(401);
    service
        .call("GET", "/v1/tenants/north", &every, "")
        .expect(404);
    service
        .call("DELETE", "/v1/tenants/north", &every, "")
        .expect(404);

    let of = |project: &Project| -> Vec<String> {
        let numbers = project.shipped();
        let people = numbers
            .iter()
            .map(|number| receiver(project, number)[1].clone());
        people.chain(numbers.clone()).collect()
    };
    let theirs = of(&south);
    let gone: Vec<String> = of(&north)
        .into_iter()
        .filter(|one| !theirs.contains(one))
        .collect();
    assert!(gone.len() > ORDERS / 2, "{gone:?}");
    assert!(!places(&service.path("data"), &theirs).is_empty());
    assert_eq!(places(&service.path("data"), &gone), Vec::<PathBuf>::new());
    let named = places(&service.path("data"), &["north/".to_owned()]);
    assert_eq!(named, Vec::<PathBuf>::new());
    assert!(!service.path("tenants/north").exists());

    // The other's state is what it was: nothing is written twice.
    service.post("/v1/tenants/north-2/pipelines/stockouts/run", "");
    let runs = service.until_ran("north-2", 2, "finished");
    assert_eq!(runs[0]["applied"], 0);
    check_exactly_once(&south.simulators);
    service.terminate();

    // With nothing running, the command does the same.
    service.command(&["tenants", "rm", "north-2"]);
    assert_eq!(
        places(&service.path("data"), &theirs),
        Vec::<PathBuf>::new()
    );
}

#[test]
fn a_tenant_at_work_is_not_removed() {
    let mut config: Config = orders(200, 403);
    config.latency = Duration::from_millis(20);
    let project = Project::new(config).changed(|manifest| {
        manifest
            .with("schedule: every 5m", "schedule: every 1h")
            .with_portions(10)
    });
    let mut service = Service::of(&[("north", &project)]);
    service.start();
    project.wait_for_count("kingdee.BatchSave", 3);
    let every = service.new_token("*", "admin");
    let remove = |status| {
        service
            .call("DELETE", "/v1/tenants/north", &every, "")
            .expect(status)
    };
    assert_eq!(remove(409)["code"], "conflict");
    service.post("/v1/tenants/north/pause", r#"{"stop":true}"#);
    service.until("/v1/tenants/north", |tenant| tenant["runs_active"] == 0);
    remove(200);
    assert!(!service.path("tenants/north").exists());
    service.terminate();
}

#[test]
fn what_a_record_held_is_erased_and_it_is_not_written_again() {
    let project = Project::new(orders(ORDERS, 404));
    project.run().expect(0);
    let numbers = project.shipped();
    let number = numbers[7].clone();
    let [name, mobile, address] = receiver(&project, &number);
    let person = [mobile, address];
    assert!(!places(&project.path("data"), &person).is_empty());

    let erase = ["erase", "stockouts", &number, "--json"];
    project.command(&erase).expect(2).says(&["--yes"]);
    let done = [&erase[..], &["--yes"]].concat();
    let erased = project.command(&done).expect(0).data();
    assert!(erased["lines"].as_u64().unwrap() >= 2, "{erased}");
    let left = places(&project.path("data"), &person);
    assert_eq!(left, Vec::<PathBuf>::new(), "{name}");

    let traced = project
        .command(&["trace", &number, "--json"])
        .expect(0)
        .data();
    let row = &traced["found"][0];
    assert_eq!(
        (&row["record"], &row["documents"][0]["state"]),
        (&Value::Null, &"applied".into())
    );
    let traced = project
        .command(&["trace", &numbers[8], "--json"])
        .expect(0)
        .data();
    let beside = traced["found"][0]["record"].as_str().unwrap();
    assert!(beside.contains(&numbers[8]), "{beside}");

    project
        .command(&["checkpoints", "reset", "stockouts"])
        .expect(0);
    let again = project.run().expect(0).data();
    assert_eq!(again["applied"], 0, "{again}");
    check_exactly_once(&project.simulators);
    project.command(&["doctor"]).expect(0);

    let scope = project.manifest_line("scope: ");
    project
        .command(&["forget", &scope])
        .expect(2)
        .says(&["may be sent again"]);
    project.command(&["forget", &scope, "--yes"]).expect(0);
    let left = places(&project.path("data"), &numbers);
    assert_eq!(left, Vec::<PathBuf>::new());
}

/// Its own routes with the other's number, and names that try to lead there.
fn check_names(check: &impl Fn(&str, &str, &[u16]), number: &str) {
    check("GET", &format!("/v1/tenants/north/trace/{number}"), &[200]);
    let record = format!("/v1/tenants/north/pipelines/stockouts/records/{number}");
    check("DELETE", &record, &[422]);
    for name in [
        "..%2fnorth-2",
        "north%2f..%2fnorth-2",
        "north%2fstockouts",
        "%2e%2e/north-2",
        "north-2%00",
        "NORTH-2",
        "n%D0%BErth",
        "north%EF%BC%8D2",
        &"n".repeat(5000),
    ] {
        for rest in [
            "",
            "/pipelines",
            "/holds?bodies=true",
            "/pipelines/stockouts/runs",
        ] {
            check(
                "GET",
                &format!("/v1/tenants/{name}{rest}"),
                &[400, 403, 404, 414],
            );
        }
        let path = format!("/v1/tenants/north/pipelines/{name}/runs");
        check("GET", &path, &[400, 403, 404, 414]);
        check(
            "DELETE",
            &format!("/v1/tenants/{name}"),
            &[400, 403, 404, 405, 414],
        );
    }
}

/// Files of the other, by links: none is read, so no message quotes it.
fn check_links(service: &Service, token: &str) {
    let own = service.path("tenants/north");
    let other = "../north-2";
    for (link, file) in [
        ("tenant.yaml", format!("{other}/secrets.env")),
        ("secrets.env", format!("{other}/secrets.env")),
        ("connectors", format!("{other}/pipelines")),
        (
            "connectors/stolen.wasm",
            format!("../{other}/pipelines/stockouts.yaml"),
        ),
        (
            "connections/stolen.yaml",
            format!("../{other}/connections/kingdee.yaml"),
        ),
        (
            "pipelines/stolen.yaml",
            format!("../{other}/pipelines/stockouts.yaml"),
        ),
    ] {
        let (link, aside) = (own.join(link), own.join("aside"));
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        let before = std::fs::rename(&link, &aside).is_ok();
        std::os::unix::fs::symlink(file, &link).unwrap();
        let refused = service.call("POST", "/v1/tenants/north/reload", token, "");
        let text = refused.expect(500).to_string();
        assert!(text.contains("leads out of the tenant's folder"), "{text}");
        std::fs::remove_file(&link).unwrap();
        if before {
            std::fs::rename(&aside, &link).unwrap();
        }
    }
    std::fs::remove_dir(own.join("connectors")).unwrap();
    service
        .call("POST", "/v1/tenants/north/reload", token, "")
        .expect(200);
}

#[test]
fn no_route_gives_a_tenant_a_byte_of_another() {
    let (north, south) = (hourly(406), hourly(407));
    let mut service = Service::of(&[("north", &north), ("north-2", &south)]);
    service.start();
    service.until_ran("north", 1, "finished");
    service.until_ran("north-2", 1, "finished");
    let theirs = south.shipped();
    let token = service.new_token("north", "admin");
    let check = |method: &str, path: &str, allowed: &[u16]| {
        let answer = service.call(method, path, &token, "");
        let text = answer.body.to_string();
        assert!(
            allowed.contains(&answer.status),
            "{method} {path}: {} {text}",
            answer.status
        );
        let shown = theirs.iter().find(|number| text.contains(number.as_str()));
        assert!(
            shown.is_none() || path.contains(shown.unwrap().as_str()),
            "{method} {path}: {text}"
        );
        assert!(
            !text.contains("\"tenant\":\"north-2\""),
            "{method} {path}: {text}"
        );
    };
    let routes = service.routes("north-2", &theirs[0]);
    assert!(routes.len() > 20, "{routes:?}");
    for (method, path) in &routes {
        match path.contains("/v1/tenants/") {
            // A body that cannot be read is told before anything else.
            true => check(method, path, &[400, 403]),
            false => check(method, path, &[200, 403]),
        }
    }
    check_names(&check, &theirs[0]);
    check_links(&service, &token);
    // The other is untouched.
    assert_eq!(
        service.until_ran("north-2", 1, "finished")[0]["applied"],
        ORDERS
    );
    check_exactly_once(&south.simulators);
    service.terminate();
}

#[test]
fn personal_fields_are_masked_but_for_admins() {
    let project = hourly(405).changed(|manifest| {
        let line = "personal: [receiver_name, receiver_mobile, receiver_address]";
        manifest.with("on_change: hold", &format!("{line}\non_change: hold"))
    });
    let mut service = Service::of(&[("north", &project)]);
    service.start();
    service.until_ran("north", 1, "finished");
    let number = project.shipped()[3].clone();
    let [name, mobile, address] = receiver(&project, &number);
    // A name may have quotes in it, which texts within texts escape twice.
    let seen = |role: &str| {
        let token = service.new_token("north", role);
        let path = format!("/v1/tenants/north/trace/{number}");
        let answer = service.call("GET", &path, &token, "").expect(200);
        answer.to_string().replace('\\', "")
    };
    for role in ["reader", "operator"] {
        let text = seen(role);
        for shown in [&name, &mobile, &address] {
            assert!(
                !text.contains(shown.as_str()),
                "{role} sees {shown} in {text}"
            );
        }
        assert!(text.contains(&number), "{text}");
    }
    let (first, last) = (&mobile[..3], &mobile[mobile.len() - 4..]);
    assert!(seen("operator").contains(&format!("{first}****{last}")));
    let text = seen("admin");
    assert!(text.contains(&name) && text.contains(&mobile), "{text}");
    service.terminate();
}
