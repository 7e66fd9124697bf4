//! A service whose tenants mean it ill: each sin of the sinner and each request of tests/golden/escapes.json is
//! somebody's pipeline, beside tenants who only want their work done.

use super::escapes::{Witness, corpus, filled, replies, request};
use duijie_e2e::{Project, Service, check_exactly_once, connectors, orders};
use duijie_sim::{Config, Plain};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

const ORDERS: usize = 200;
/// Pipelines of a tenant who tries to escape.
const EACH: usize = 17;
/// Sins that end their run. What others do too much of is refused or taken away, and the run may end well.
const MORTAL: [&str; 6] = ["panic", "spin", "recurse", "eat", "endless", "fetch"];
/// What a service may hold more than before, once all of it is over.
const LEFT_OVER: usize = 96 << 20;

/// What the fixture's own table lists of a source.
fn sins() -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/sinner/README.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, table) = page.split_once("As a source").unwrap();
    let (table, _) = table.split_once("As a target").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let sins: Vec<String> = rows
        .map(|row| row.split('`').next().unwrap().to_owned())
        .collect();
    assert!(sins.len() >= 10, "{sins:?}");
    sins
}

/// All hostile tenants may call the same two, have the same components and the same lock.
struct Hostile<'a> {
    service: &'a Service,
    plain: &'a Plain,
    granted: String,
    lock: Option<Vec<u8>>,
}

impl Hostile<'_> {
    /// A pipeline for each of these settings; of those without any, one that gives a record.
    fn add(&mut self, tenant: &str, sins: &[Value]) {
        self.service.command(&["tenants", "add", tenant]);
        let folder = self.service.path("tenants").join(tenant);
        let built = connectors();
        let fixtures = built.parent().unwrap().join("fixtures");
        std::fs::create_dir_all(folder.join("connectors")).unwrap();
        for name in ["sinner.wasm", "plain.wasm"] {
            let own = folder.join("connectors").join(name);
            std::fs::copy(fixtures.join(name), own).unwrap();
        }
        let write = |place: &str, text: String| {
            let mut options = std::fs::OpenOptions::new();
            let file = options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = file.open(folder.join(place)).unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        };
        let plain = json!({ "base_url": self.plain.url(), "token": "${secret:PLAIN_TOKEN}" });
        for (name, settings, allow) in [
            ("sinner", json!({}), json!([self.granted])),
            ("plain", plain, json!([])),
        ] {
            let connection = json!({ "connection": name, "connector": name, "settings": settings, "allow": allow });
            write(&format!("connections/{name}.yaml"), connection.to_string());
        }
        write(
            "secrets.env",
            format!("PLAIN_TOKEN={}\n", self.plain.token()),
        );
        write(
            "tenant.yaml",
            "enabled: true\nquotas: { runs: 17 }\n".to_owned(),
        );
        for number in 0..EACH {
            let settings = sins.get(number).cloned();
            let settings = settings.unwrap_or_else(|| json!({ "sin": "none" }));
            let pipeline = json!({
                "pipeline": format!("p{number}"), "scope": format!("{tenant}-{number}"), "schedule": "every 1h",
                "source": { "connector": "sinner", "connection": "sinner", "collection": "sins", "settings": settings },
                "target": { "connector": "plain", "connection": "plain", "collection": "documents" },
                "on_change": "update", "on_unknown": "hold",
            });
            write(&format!("pipelines/p{number}.yaml"), pipeline.to_string());
        }
        let lock = folder.join("duijie.lock");
        let granted = self.lock.get_or_insert_with(|| {
            self.service.command(&["grant", "--tenant", tenant]);
            std::fs::read(&lock).unwrap()
        });
        // What is granted says nothing of settings: these came after somebody had looked.
        std::fs::write(&lock, granted).unwrap();
    }
}

/// Slow enough to go on while the others sin.
fn healthy(seed: u64) -> Project {
    let mut config: Config = orders(ORDERS, seed);
    config.latency = Duration::from_millis(50);
    let hourly = |manifest: &duijie_e2e::Manifest| {
        manifest
            .with("schedule: every 5m", "schedule: every 1h")
            .with_portions(10)
    };
    Project::new(config).changed(hourly)
}

fn last(service: &Service, tenant: &str, pipeline: usize) -> Value {
    let name = format!("p{pipeline}");
    let find = |view: &Value| {
        let mut views = view.as_array().into_iter().flatten();
        let found = views.find(|view| view["pipeline"] == name.as_str());
        found.map(|view| view["last"].clone()).unwrap_or_default()
    };
    let path = format!("/v1/tenants/{tenant}/pipelines");
    find(&service.until(&path, |view| find(view).is_object()))
}

#[test]
#[allow(clippy::too_many_lines)] // One story of many tenants.
fn sinners_and_escapes_beside_healthy_tenants_harm_nobody_but_themselves() {
    let (north, south) = (healthy(401), healthy(402));
    let mut service = Service::of(&[("north", &north), ("south", &south)]);
    let plain = Plain::start().unwrap();
    let cases = corpus();
    let other = Witness::start(BTreeMap::new());
    let granted = Witness::start(replies(&cases, other.port));
    let sins = sins();
    let mut hostile = Hostile {
        service: &service,
        plain: &plain,
        granted: format!("http://127.0.0.1:{}", granted.port),
        lock: None,
    };
    for (number, cases) in cases.chunks(EACH).enumerate() {
        let tries = cases.iter().map(|case| {
            let request = request(case, granted.port, other.port);
            json!({ "sin": "escape", "requests": [request] })
        });
        let tries: Vec<Value> = tries.collect();
        hostile.add(&format!("escapes-{number}"), &tries);
    }
    for sin in &sins {
        // Where it calls, it calls where it may not.
        let url = format!("http://127.0.0.1:{}/", other.port);
        let settings =
            json!({ "sin": sin, "url": url, "size": 20_000_000, "text": "x".repeat(3_000) });
        hostile.add(&format!("sin-{sin}"), &[settings]);
    }
    std::fs::write(service.path("serve.yaml"), "runs: 200\n").unwrap();
    let proxy = format!("http://127.0.0.1:{}", other.port);
    let names = [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ];
    service.start_with(&names.map(|name| (name, proxy.as_str())));
    let before = service.memory();

    for (tenant, project) in [("north", &north), ("south", &south)] {
        let runs = service.until_ran(tenant, 1, "finished");
        assert_eq!(runs[0]["applied"], ORDERS, "{tenant}");
        check_exactly_once(&project.simulators);
    }
    for sin in &sins {
        let last = last(&service, &format!("sin-{sin}"), 0);
        let failure = last["failure"].as_str();
        let located = failure.is_none_or(|failure| failure.contains("sinner"));
        assert!(located, "{sin}: {last}");
        let mortal = MORTAL.contains(&sin.as_str());
        assert!(!mortal || failure.is_some(), "{sin} ended well");
    }
    assert!(
        MORTAL
            .iter()
            .all(|sin| sins.iter().any(|known| known == sin))
    );
    let documents = plain.documents("documents").into_values();
    let tried = documents.filter_map(|document| {
        let document: Value = serde_json::from_str(&document).unwrap();
        let text = |field: &str| document[field].as_str().map(str::to_owned);
        Some((text("name")?, text("answer")?))
    });
    let tried: BTreeMap<String, String> = tried.collect();
    let mut heads = Vec::new();
    for (number, cases) in cases.chunks(EACH).enumerate() {
        for (at, case) in cases.iter().enumerate() {
            let last = last(&service, &format!("escapes-{number}"), at);
            assert_eq!(last["failure"], Value::Null, "{case}");
            let answer = &tried[case["name"].as_str().unwrap()];
            let fill = |field: &Value| filled(field.as_str().unwrap(), granted.port, other.port);
            if case["refused"].is_string() {
                let refused =
                    answer.starts_with("refused: ") && answer.contains(&fill(&case["refused"]));
                assert!(refused, "{case}: {answer}");
                continue;
            }
            let first = fill(&case["sent"]);
            heads.push(format!(
                "{first}\naccept: */*\nhost: 127.0.0.1:{}\n",
                granted.port
            ));
        }
    }
    let mut came = granted.heads();
    came.sort();
    heads.sort();
    assert_eq!(came, heads);
    assert_eq!(other.connections(), 0, "{:?}", other.heads());

    service.until_memory(before + LEFT_OVER);
    service.get("/healthz");
    service.terminate();
}
