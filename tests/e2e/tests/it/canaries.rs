//! Secrets, session ids and tokens of a service: they stand in no answer of any route to any role, in no line of its
//! log at its most talkative, and in no file of its data folder, the audit log among them.

use super::letters::with_bad_date;
use super::secrets::look_for;
use duijie_e2e::{Manifest, Project, Service, orders};
use duijie_sim::{FaultKind, FaultRule};
use serde_json::Value;

fn hourly(manifest: &Manifest) -> Manifest {
    manifest.with("schedule: every 5m", "schedule: every 1h")
}

/// One whose run ends well, one with documents that wait, and one that is refused at the door.
fn projects() -> [Project; 3] {
    let well = Project::new(orders(30, 601)).changed(hourly);
    well.simulators
        .add_fault(FaultRule::once("kingdee.BatchSave", FaultKind::Throttle));
    let mut waiting = Project::new(orders(30, 602)).changed(hourly);
    let number = waiting.shipped()[0].clone();
    waiting.change(|manifest| with_bad_date(manifest, &number));
    let refused = Project::new(orders(30, 603)).changed(hourly);
    [well, waiting, refused]
}

/// Every route of the description for this tenant, with each method.
fn routes(service: &Service, tenant: &str, number: &str) -> Vec<(String, String)> {
    let mut routes = service.routes(tenant, number);
    let waiting = routes.iter().map(|(_, path)| path);
    let waiting =
        waiting.filter(|path| path.ends_with("/holds") || path.ends_with("/dead-letters"));
    let with_bodies: Vec<_> = waiting
        .map(|path| ("GET".to_owned(), format!("{path}?bodies=true")))
        .collect();
    routes.extend(with_bodies);
    assert!(routes.len() > 20, "{routes:?}");
    // What is taken away has nothing to show: first all of them look, and the tenant goes last.
    routes.sort_by_key(
        |(method, path)| match (method.as_str(), path.matches('/').count()) {
            ("DELETE", parts) => 100 - parts,
            _ => 0,
        },
    );
    routes
}

#[track_caller]
fn check(asked: &str, answer: &Value, hidden: &[String]) {
    let text = match answer {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    for secret in hidden {
        assert!(!text.contains(secret.as_str()), "{asked} shows `{secret}`");
    }
}

#[test]
fn no_answer_no_log_and_no_file_of_a_service_holds_a_secret() {
    let [well, waiting, refused] = projects();
    let mut service = Service::of(&[
        ("well", &well),
        ("waiting", &waiting),
        ("refused", &refused),
    ]);
    let wrong = "a-wrong-secret-that-nobody-may-see";
    let file = service.path("tenants/refused/secrets.env");
    let text = std::fs::read_to_string(&file).unwrap();
    let lines = text.lines().map(|line| line.split_once('=').unwrap().0);
    let lines: Vec<String> = lines.map(|name| format!("{name}={wrong}\n")).collect();
    std::fs::write(&file, lines.concat()).unwrap();
    let tokens = ["reader", "operator", "admin"].map(|role| service.new_token("*", role));
    service.start_with(&[("DUIJIE_LOG", "trace")]);
    service.until_ran("well", 1, "finished");
    service.until_ran("waiting", 1, "finished");
    service.until("/v1/tenants/refused/pipelines", |view| {
        view[0]["last"]["failure"].is_string()
    });

    let mut hidden = vec![wrong.to_owned()];
    hidden.extend(well.hidden());
    hidden.extend(waiting.hidden());
    hidden.extend(tokens.iter().cloned());
    let mut answers = 0;
    let mut files = 0;
    for (tenant, project) in [
        ("well", &well),
        ("waiting", &waiting),
        ("refused", &refused),
    ] {
        let number = &project.shipped()[0];
        let trace = service.get(&format!("/v1/tenants/{tenant}/trace/{number}"));
        let found = trace["found"].as_array().unwrap();
        assert_eq!(found.is_empty(), tenant == "refused", "{trace}");
        for (method, path) in routes(&service, tenant, number) {
            if method == "DELETE" && files == 0 {
                files = look_for(&hidden, &service.path("data"));
            }
            for token in &tokens {
                let answer = service.call(&method, &path, token, "");
                check(&format!("{method} {path}"), &answer.body, &hidden);
                answers += 1;
            }
        }
    }
    assert!(answers > 150, "{answers}");
    hidden.extend(well.simulators.session_ids());
    let said = service.terminate();
    assert!(said.contains("TRACE"), "it said too little to look at");
    for secret in &hidden {
        assert!(!said.contains(secret.as_str()), "the log shows `{secret}`");
    }
    assert!(files > 4, "{files} files were looked at");
    look_for(&hidden, &service.path("data"));
}
