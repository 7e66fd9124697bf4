//! What a service tells of its runs by OTLP: a tree of spans, with nothing in it that was read, written or said; and a
//! collector that does not answer costs nobody anything.

use duijie_e2e::{Collector, Manifest, Project, Service, Span, check_exactly_once, orders};
use duijie_sim::{FaultKind, FaultRule};
use std::time::{Duration, Instant};

const ORDERS: usize = 40;

fn hourly(manifest: &Manifest) -> Manifest {
    manifest.with("schedule: every 5m", "schedule: every 1h")
}

fn serve_yaml(service: &Service, collector: &Collector) {
    let text = format!("otlp: {{endpoint: \"{}\"}}\n", collector.endpoint());
    std::fs::write(service.path("serve.yaml"), text).unwrap();
}

#[track_caller]
fn run_of<'a>(spans: &'a [Span], tenant: &str) -> &'a Span {
    let mut runs = spans
        .iter()
        .filter(|span| span.name == "run" && span.text("duijie.tenant") == Some(tenant));
    let run = runs.next().unwrap();
    assert!(runs.next().is_none(), "{spans:?}");
    run
}

/// Those directly below it, by name.
fn below<'a>(spans: &'a [Span], parent: &Span, name: &str) -> Vec<&'a Span> {
    let below = spans.iter().filter(|span| span.parent == parent.id);
    below.filter(|span| span.name == name).collect()
}

fn sum(spans: &[&Span], key: &str) -> i64 {
    spans.iter().map(|span| span.number(key)).sum()
}

#[track_caller]
fn check_absent(bytes: &[u8], hidden: &[String]) {
    for text in hidden {
        assert!(text.len() > 1, "`{text}` would be anywhere");
        let text = text.as_bytes();
        let found = bytes.windows(text.len()).any(|window| window == text);
        assert!(!found, "`{}` was sent", String::from_utf8_lossy(text));
    }
}

/// Whatever of a project only its systems may see.
fn hidden(project: &Project) -> Vec<String> {
    let mut hidden = project.hidden();
    hidden.extend(project.simulators.session_ids());
    hidden.extend(project.shipped());
    for order in project.simulators.orders().iter() {
        for field in ["receiver_name", "receiver_mobile", "receiver_address"] {
            hidden.push(order[field].as_str().unwrap().to_owned());
        }
    }
    hidden
}

#[test]
#[allow(clippy::too_many_lines)] // One tree, looked at from its root to its leaves.
fn a_run_is_a_tree_of_spans_with_nothing_of_its_documents() {
    let collector = Collector::start();
    let project = Project::new(orders(ORDERS, 701)).changed(hourly);
    project
        .simulators
        .add_fault(FaultRule::once("kingdee.BatchSave", FaultKind::Throttle));
    let refused = Project::new(orders(ORDERS, 702)).changed(hourly);
    let mut service = Service::of(&[("north", &project), ("refused", &refused)]);
    let wrong = "a-wrong-secret-that-nobody-may-see";
    let file = service.path("tenants/refused/secrets.env");
    let text = std::fs::read_to_string(&file).unwrap();
    let names = text.lines().map(|line| line.split_once('=').unwrap().0);
    let lines: Vec<String> = names.map(|name| format!("{name}={wrong}\n")).collect();
    std::fs::write(&file, lines.concat()).unwrap();
    serve_yaml(&service, &collector);
    service.start();
    let runs = service.until_ran("north", 1, "finished");
    service.until("/v1/tenants/refused/pipelines", |view| {
        view[0]["last"]["failure"].is_string()
    });
    service.terminate();
    check_exactly_once(&project.simulators);

    let (spans, bytes) = collector.collected();
    let run = run_of(&spans, "north");
    assert!(run.parent.is_empty());
    assert_eq!(run.failure, None);
    assert_eq!(run.text("duijie.pipeline"), Some("stockouts"));
    assert_eq!(run.text("duijie.cause"), Some("schedule"));
    assert_eq!(run.text("duijie.end"), Some("finished"));
    assert_eq!(run.text("duijie.run"), runs[0]["run"].as_str());
    for count in [
        "read",
        "applied",
        "unchanged",
        "dropped",
        "rejected",
        "held",
    ] {
        let told = run.number(&format!("duijie.{count}"));
        assert_eq!(Some(told), runs[0][count].as_i64(), "{count}");
    }

    let within = |span: &&Span| span.trace == run.trace;
    let tree: Vec<Span> = spans.iter().filter(within).cloned().collect();
    let [reads, maps, writes] =
        ["source.next", "transform.apply", "target.write"].map(|name| below(&tree, run, name));
    let read = run.number("duijie.read");
    assert_eq!(sum(&reads, "duijie.entries"), read);
    assert_eq!(sum(&maps, "duijie.entries"), read);
    assert!(
        sum(&writes, "duijie.entries") > run.number("duijie.applied"),
        "one was refused"
    );
    // What a system says of documents is an answer, and no failure of a call.
    assert!(writes.len() > 1 && writes.iter().all(|span| span.failure.is_none()));

    let is_http = |span: &&Span| span.text("http.request.method").is_some();
    let exchanges: Vec<&Span> = tree.iter().filter(is_http).collect();
    let asked: u64 = project.simulators.counts().values().sum();
    assert_eq!(exchanges.len() as u64, asked, "one for each request");
    for exchange in &exchanges {
        assert_eq!(exchange.text("server.address"), Some("127.0.0.1"));
        assert!(exchange.number("http.response.status_code") >= 200);
        assert!(exchange.number("http.response.body.size") > 0);
        let parent = tree.iter().find(|span| span.id == exchange.parent).unwrap();
        assert!(parent.begun <= exchange.begun && exchange.ended <= parent.ended);
    }
    for (calls, purpose) in [(&reads, "read"), (&writes, "write")] {
        let beneath = exchanges.iter().filter(|exchange| {
            let parent = |call: &&&Span| call.id == exchange.parent;
            calls.iter().any(|call| parent(&call))
                && exchange.text("duijie.purpose") == Some(purpose)
        });
        assert!(beneath.count() > 0, "{purpose}");
    }

    let failed = run_of(&spans, "refused");
    assert_eq!(failed.text("duijie.end"), Some("failed"));
    assert_eq!(failed.failure.as_deref(), Some("unauthorized"));
    assert!(
        spans
            .iter()
            .flat_map(Span::keys)
            .all(|key| !key.contains("url"))
    );
    check_absent(&bytes, &hidden(&project));
    check_absent(&bytes, &hidden(&refused));
    check_absent(
        &bytes,
        &[wrong.to_owned(), "openapi".to_owned(), "k3cloud".to_owned()],
    );
}

#[test]
fn a_collector_that_does_not_answer_slows_no_run_and_holds_no_end_up() {
    let collector = Collector::silent();
    let project = Project::new(orders(ORDERS, 703)).changed(hourly);
    let mut service = Service::of(&[("north", &project)]);
    serve_yaml(&service, &collector);
    service.start();
    service.until_ran("north", 1, "finished");
    check_exactly_once(&project.simulators);
    // The first spans are on their way, and stay there.
    collector.wait();
    let begun = Instant::now();
    let said = service.terminate();
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "{:?}",
        begun.elapsed()
    );
    assert!(said.contains("the last spans were not sent"), "{said}");
}

#[test]
fn a_collector_that_is_away_is_told_of_once_and_no_address_is_too_odd_to_be_refused() {
    let project = Project::new(orders(ORDERS, 704)).changed(hourly);
    let mut service = Service::of(&[("north", &project)]);
    // Nothing listens there.
    std::fs::write(
        service.path("serve.yaml"),
        "otlp: {endpoint: \"http://127.0.0.1:1\"}\n",
    )
    .unwrap();
    service.start();
    service.until_ran("north", 1, "finished");
    let said = service.terminate();
    let told = said
        .matches("spans are lost: their collector did not take them")
        .count();
    assert_eq!(told, 1, "{said}");
    for odd in ["ftp://127.0.0.1", "http://user:word@127.0.0.1", "4318"] {
        std::fs::write(
            service.path("serve.yaml"),
            format!("otlp: {{endpoint: \"{odd}\"}}\n"),
        )
        .unwrap();
        let said = service.refused();
        assert!(said.contains("`otlp` of serve.yaml: "), "{odd}: {said}");
    }
}
