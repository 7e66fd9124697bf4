//! A hostile connector in the real binary: what tests/golden/escapes.json says of each request, seen from the
//! ports at which it would arrive. Names and addresses that need a resolver of a test's own are beside the module.

use duijie_e2e::{Ended, start_over_own};
use duijie_sim::Plain;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../golden/escapes.json");
const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// A port on all addresses of the machine, and everything that came there.
pub(super) struct Witness {
    pub(super) port: u16,
    came: Arc<Mutex<Came>>,
}

#[derive(Default)]
struct Came {
    connections: usize,
    /// Heads of requests, in the order in which they came.
    heads: Vec<String>,
}

impl Witness {
    /// Answers a request by its first line, with `hello` where nothing else is said. It ends with the process.
    pub(super) fn start(replies: BTreeMap<String, String>) -> Self {
        let listener = TcpListener::bind("[::]:0").or_else(|_| TcpListener::bind("0.0.0.0:0"));
        let listener = listener.unwrap();
        let port = listener.local_addr().unwrap().port();
        let came = Arc::new(Mutex::new(Came::default()));
        let kept = Arc::clone(&came);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                kept.lock().unwrap().connections += 1;
                let (kept, replies) = (Arc::clone(&kept), replies.clone());
                std::thread::spawn(move || serve(&stream.unwrap(), &kept, &replies));
            }
        });
        Self { port, came }
    }

    pub(super) fn connections(&self) -> usize {
        self.came.lock().unwrap().connections
    }

    pub(super) fn heads(&self) -> Vec<String> {
        self.came.lock().unwrap().heads.clone()
    }
}

fn serve(stream: &TcpStream, came: &Mutex<Came>, replies: &BTreeMap<String, String>) {
    let mut lines = BufReader::new(stream).lines();
    let mut head = String::new();
    // A client that went away is the end of it.
    while let Some(Ok(line)) = lines.next() {
        if !line.is_empty() {
            head.push_str(&line);
            head.push('\n');
            continue;
        }
        let first = head.lines().next().unwrap().to_owned();
        came.lock().unwrap().heads.push(std::mem::take(&mut head));
        let reply = replies.get(&first).map_or(HELLO, String::as_str);
        let mut stream = stream;
        if stream.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

/// Has the sinner send these requests with these grants; gives what came of each, by name, and what was said.
#[track_caller]
fn tried(
    allow: &[String],
    requests: &Value,
    proxy: Option<u16>,
) -> (BTreeMap<String, String>, Ended) {
    let plain = Plain::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_project(folder.path(), &plain, allow, requests);
    let proxy = proxy.map(|port| format!("http://127.0.0.1:{port}"));
    let environment = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
    let lower = environment.map(str::to_lowercase);
    let names = environment
        .into_iter()
        .chain(lower.iter().map(String::as_str));
    let environment = names.filter_map(|name| Some((name, proxy.clone()?)));
    let environment: Vec<_> = environment.collect();
    let ended = start_over_own(folder.path(), &["run", "escape", "--json"], &environment);
    let ended = ended.end().expect(0);
    let documents = plain.documents("documents").into_values();
    let answers = documents.map(|document| {
        let document: Value = serde_json::from_str(&document).unwrap();
        let text = |field: &str| document[field].as_str().unwrap().to_owned();
        (text("name"), text("answer"))
    });
    (answers.collect(), ended)
}

fn write_project(folder: &Path, plain: &Plain, allow: &[String], requests: &Value) {
    for name in ["connections", "connectors", "pipelines"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
    }
    let built = duijie_e2e::connectors();
    let built = built.parent().unwrap().join("fixtures");
    for name in ["sinner.wasm", "plain.wasm"] {
        std::os::unix::fs::symlink(built.join(name), folder.join("connectors").join(name)).unwrap();
    }
    let sinner =
        json!({ "connection": "sinner", "connector": "sinner", "settings": {}, "allow": allow });
    let target = json!({
        "connection": "plain", "connector": "plain",
        "settings": { "base_url": plain.url(), "token": "${secret:PLAIN_TOKEN}" },
    });
    let pipeline = json!({
        "pipeline": "escape", "scope": "escape",
        "source": {
            "connector": "sinner", "connection": "sinner", "collection": "sins",
            "settings": { "sin": "escape", "requests": requests },
        },
        "target": { "connector": "plain", "connection": "plain", "collection": "documents" },
        "on_change": "update", "on_unknown": "hold",
    });
    // JSON is YAML.
    for (place, text) in [
        ("connections/sinner.yaml", sinner),
        ("connections/plain.yaml", target),
        ("pipelines/escape.yaml", pipeline),
    ] {
        std::fs::write(folder.join(place), text.to_string()).unwrap();
    }
    let mut secrets = std::fs::OpenOptions::new();
    let secrets = secrets.write(true).create_new(true).mode(0o600);
    let mut secrets = secrets.open(folder.join("secrets.env")).unwrap();
    writeln!(secrets, "PLAIN_TOKEN={}", plain.token()).unwrap();
}

pub(super) fn corpus() -> Vec<Value> {
    serde_json::from_slice(&std::fs::read(CORPUS).unwrap()).unwrap()
}

/// What the granted port answers, by a request's first line; the other port is all that it names.
pub(super) fn replies(cases: &[Value], other: u16) -> BTreeMap<String, String> {
    let reply = |case: &Value| {
        let [sent, reply] = ["sent", "reply"].map(|field| case[field].as_str());
        Some((filled(sent?, 0, other), filled(reply?, 0, other)))
    };
    cases.iter().filter_map(reply).collect()
}

/// A case as the sinner's settings have it.
pub(super) fn request(case: &Value, port: u16, other: u16) -> Value {
    let filled = |text: &str| filled(text, port, other);
    let headers = case["headers"].as_array().into_iter().flatten();
    let headers = headers.map(|header| {
        let text = |at: usize| filled(header[at].as_str().unwrap());
        [text(0), text(1)]
    });
    json!({
        "name": case["name"],
        "method": filled(case["method"].as_str().unwrap_or("GET")),
        "url": filled(case["url"].as_str().unwrap()),
        "headers": headers.collect::<Vec<_>>(),
    })
}

/// Ports and long runs of letters in their places.
pub(super) fn filled(text: &str, port: u16, other: u16) -> String {
    let mut text = text
        .replace("{port}", &port.to_string())
        .replace("{other}", &other.to_string());
    for length in [40, 20_000, 40_000, 500_000] {
        text = text.replace(&format!("{{x{length}}}"), &"x".repeat(length));
    }
    text
}

#[test]
fn no_request_of_the_table_escapes_and_no_proxy_of_the_environment_is_asked() {
    let cases = corpus();
    let other = Witness::start(BTreeMap::new());
    let granted = Witness::start(replies(&cases, other.port));
    let filled = |text: &str| filled(text, granted.port, other.port);
    let requests = cases.iter();
    let requests = requests.map(|case| request(case, granted.port, other.port));
    let allow = [filled("http://127.0.0.1:{port}")];
    let (answers, ended) = tried(&allow, &requests.collect(), Some(other.port));
    ended.says(&[
        "duijie::egress",
        "connection=\"sinner\"",
        "grant=http://evil.example:80",
    ]);

    assert_eq!(answers.len(), cases.len());
    let mut heads = Vec::new();
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let answer = &answers[name];
        if let Some(reason) = case["refused"].as_str() {
            let refused = answer.starts_with("refused: ") && answer.contains(&filled(reason));
            assert!(refused, "{name}: {answer}");
            continue;
        }
        let expected = filled(case["answer"].as_str().unwrap_or("200 hello"));
        assert!(answer.starts_with(&expected), "{name}: {answer}");
        let sent = filled(case["sent"].as_str().unwrap());
        heads.push(filled(&format!(
            "{sent}\naccept: */*\nhost: 127.0.0.1:{{port}}\n"
        )));
    }
    assert_eq!(granted.heads(), heads);
    assert_eq!(other.connections(), 0, "{:?}", other.heads());
}

fn get(name: &str, url: &str) -> Value {
    json!({ "name": name, "method": "GET", "url": url, "headers": [] })
}

#[test]
fn a_granted_name_that_leads_to_this_machine_needs_the_address_granted_unless_it_is_localhost() {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let host = host.trim().to_lowercase();
    let witness = Witness::start(BTreeMap::new());
    let port = witness.port;
    let [named, localhost] =
        [host.as_str(), "localhost"].map(|host| format!("http://{host}:{port}"));
    let requests = json!([get("named", &named), get("localhost", &localhost)]);
    let (answers, ended) = tried(&[named.clone(), localhost.clone()], &requests, None);
    assert_eq!(answers["localhost"], "200 hello");
    assert_eq!(witness.heads().len(), 1);

    // A machine whose name is nowhere, or in the public internet, shows no more.
    let found = (host.as_str(), port)
        .to_socket_addrs()
        .into_iter()
        .flatten();
    let mut found = found.filter(|found| match found.ip() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(_) => false,
    });
    let Some(address) = found.next() else { return };
    let denied = format!("not sent: `{host}` is at {}", address.ip());
    assert!(
        answers["named"].starts_with(&denied),
        "{}",
        answers["named"]
    );
    ended.says(&[&format!("grant=http://{address}")]);
    let allow = [named.clone(), format!("http://{address}")];
    let (answers, _) = tried(&allow, &json!([get("named", &named)]), None);
    assert_eq!(answers["named"], "200 hello");
}
