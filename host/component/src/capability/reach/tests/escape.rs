//! Ways out that are none: the table in tests/golden/escapes.json, and names
//! that lead to addresses which were not granted.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use serde::Deserialize;

use super::super::super::http::Resolver;
use super::*;

const CORPUS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/golden/escapes.json"
);

/// What a guest asks for, and what must come of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// GET where it is absent.
    method: Option<String>,
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// Part of the reason for which nothing leaves.
    refused: Option<String>,
    /// The first line of what leaves, where something does.
    sent: Option<String>,
    /// What it is answered with; `hello` where it is absent.
    reply: Option<String>,
    /// The beginning of what the guest hears; `200 hello` where it is absent.
    answer: Option<String>,
}

/// Answers in turn, the last one for ever; and counts.
#[derive(Default)]
struct Names {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicU64,
}

impl Names {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(parsed).collect()),
            asked: AtomicU64::new(0),
        })
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        match answers.len() {
            0 => Err(io::Error::other("there is no such name")),
            1 => Ok(answers[0].clone()),
            _ => Ok(answers.pop_front().unwrap()),
        }
    }
}

/// The connection `erp` with these grants, over this resolver.
fn granted(allow: &[String], names: &Arc<Names>) -> Reach {
    let options = CapabilityOptions {
        allow: allow.to_vec(),
        http: Http::resolving(names.clone()),
        ..options("", Mode::Effect)
    };
    reach(&Capability::new(options).unwrap())
}

fn get(url: &str) -> Request {
    Request {
        method: "GET".to_owned(),
        ..post(url, Some(Purpose::Read), Vec::new())
    }
}

async fn ask(reach: &mut Reach, request: Request) -> String {
    match reach.send(request).await {
        Ok(response) => {
            let body = String::from_utf8_lossy(&response.body).into_owned();
            format!("{} {body}", response.status)
        }
        Err(failure) => failure.to_string(),
    }
}

/// A port at which nobody may come.
struct Trap(TcpListener);

impl Trap {
    fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    #[track_caller]
    fn check_empty(&self, case: &str) {
        let came = self.0.accept().err().map(|error| error.kind());
        assert_eq!(came, Some(io::ErrorKind::WouldBlock), "{case}: one came");
    }
}

/// Ports and long runs of letters in their places.
fn filled(text: &str, port: u16, other: u16) -> String {
    let mut text = text
        .replace("{port}", &port.to_string())
        .replace("{other}", &other.to_string());
    for length in [40, 20_000, 40_000, 500_000] {
        text = text.replace(&format!("{{x{length}}}"), &"x".repeat(length));
    }
    text
}

fn request(case: &Case, filled: impl Fn(&str) -> String) -> Request {
    let headers = case.headers.iter();
    let headers = headers.map(|(name, value)| (filled(name), vec![text(&filled(value))]));
    Request {
        method: filled(case.method.as_deref().unwrap_or("GET")),
        headers: headers.collect(),
        ..get(&filled(&case.url))
    }
}

async fn check_refused(case: &Case, reason: &str) {
    let (listener, other, names) = (Trap::set(), Trap::set(), Names::new(&[]));
    let filled = |text: &str| filled(text, listener.port(), other.port());
    let grant = filled("http://127.0.0.1:{port}");
    let answer = ask(&mut granted(&[grant], &names), request(case, filled)).await;
    let name = &case.name;
    let expected = format!("refused: {}", filled(reason));
    let refused = answer.starts_with("refused: ") && answer.contains(&expected[9..]);
    assert!(refused, "{name}: {answer}");
    let printable = !answer.contains(char::is_control);
    assert!(
        printable,
        "{name}: the message is not to be printed: {answer:?}"
    );
    listener.check_empty(name);
    other.check_empty(name);
    assert_eq!(names.asked(), 0, "{name}: a name was looked up");
}

async fn check_sent(case: &Case, sent: &str) {
    let (other, names) = (Trap::set(), Names::new(&[]));
    // The reply names the port of the other only.
    let step = match &case.reply {
        Some(reply) => Step::Reply(filled(reply, 0, other.port()).into_bytes()),
        None => ok("", "hello"),
    };
    let listener = Listener::start(vec![step]).await;
    let port = listener.origin.rsplit(':').next().unwrap().parse().unwrap();
    let filled = |text: &str| filled(text, port, other.port());
    let mut reach = granted(std::slice::from_ref(&listener.origin), &names);
    let answer = ask(&mut reach, request(case, filled)).await;
    let name = &case.name;
    let expected = filled(case.answer.as_deref().unwrap_or("200 hello"));
    assert!(answer.starts_with(&expected), "{name}: {answer}");
    let received = listener.received();
    let expected = [format!(
        "{}\r\naccept: */*\r\nhost: 127.0.0.1:{port}\r\n\r\n",
        filled(sent)
    )];
    assert_eq!(received, expected, "{name}");
    other.check_empty(name);
    assert_eq!(names.asked(), 0, "{name}: a name was looked up");
}

#[tokio::test]
async fn what_a_guest_asks_for_leaves_as_it_was_granted_or_not_at_all() {
    let corpus = std::fs::read(CORPUS).unwrap();
    let cases: Vec<Case> = serde_json::from_slice(&corpus).unwrap();
    assert!(cases.len() >= 100, "{} cases", cases.len());
    for case in &cases {
        match (&case.refused, &case.sent) {
            (Some(reason), None) => check_refused(case, reason).await,
            (None, Some(sent)) => check_sent(case, sent).await,
            _ => panic!("{}: is it refused or sent?", case.name),
        }
    }
}

/// Addresses that a granted name must not lead to, and what they are.
const INNER: [(&str, &str); 39] = [
    ("0.0.0.0", "an unspecified address"),
    ("0.1.2.3", "an unspecified address"),
    ("10.0.0.5", "a private address"),
    ("100.64.0.1", "an address of a carrier's NAT"),
    ("100.100.100.200", "an address of a carrier's NAT"),
    ("127.0.0.1", "a loopback address"),
    ("127.255.255.254", "a loopback address"),
    ("168.63.129.16", "an address of a cloud's own services"),
    ("169.254.169.254", "a link-local address"),
    ("172.16.0.1", "a private address"),
    ("172.31.255.255", "a private address"),
    ("192.0.0.192", "a reserved address"),
    ("192.0.2.1", "an address for documentation"),
    ("192.88.99.1", "an address of a tunnel"),
    ("192.168.1.1", "a private address"),
    ("198.19.255.255", "an address for benchmarks"),
    ("198.51.100.7", "an address for documentation"),
    ("203.0.113.9", "an address for documentation"),
    ("224.0.0.251", "a multicast address"),
    ("240.0.0.1", "a reserved address"),
    ("255.255.255.255", "the broadcast address"),
    ("::", "an unspecified address"),
    ("::1", "a loopback address"),
    ("::10.0.0.5", "a reserved address"),
    ("::ffff:10.0.0.5", "a private address"),
    ("::ffff:0:10.0.0.5", "a reserved address"),
    ("64:ff9b::10.0.0.5", "a private address"),
    ("64:ff9b::169.254.169.254", "a link-local address"),
    ("64:ff9b:1::8.8.8.8", "an address of a local translator"),
    ("100::1", "a reserved address"),
    ("2001::1", "an address of a tunnel"),
    ("2001:2::1", "an address for benchmarks"),
    ("2001:db8::1", "an address for documentation"),
    ("2002:a00:5::1", "an address of a tunnel"),
    ("3fff::1", "an address for documentation"),
    ("fd00:ec2::254", "a private address"),
    ("fe80::1", "a link-local address"),
    ("fec0::1", "a private address"),
    ("ff02::1", "a multicast address"),
];

#[tokio::test]
async fn a_name_that_leads_inside_is_not_followed_and_names_the_missing_grant() {
    let listener = Trap::set();
    let port = listener.port();
    for (address, what) in INNER {
        let names = Names::new(&[&[address]]);
        let origin = format!("http://erp.example:{port}");
        let mut reach = granted(std::slice::from_ref(&origin), &names);
        let answer = ask(&mut reach, get(&origin)).await;
        let address: IpAddr = address.parse().unwrap();
        let at = std::net::SocketAddr::new(address, port);
        let expected = format!(
            "not sent: `erp.example` is at {address}, {what} that is not granted to connection \
             `erp`: add `http://{at}` to `allow` in connections/erp.yaml if this connector \
             should reach it"
        );
        assert_eq!(answer, expected);
        listener.check_empty(what);
    }
}

/// Asks `http://<host>:<port>/` once for each answer that is expected.
async fn check_name(host: &str, grants: &[&str], answers: &[&[&str]], expected: &[&str]) {
    // Each answer ends its connection, so that the next needs another.
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let steps = expected.iter().map(|_| Step::Last(head.into())).collect();
    let listener = Listener::start(steps).await;
    let port = listener.origin.rsplit(':').next().unwrap();
    let url = format!("http://{host}:{port}");
    let mut allow: Vec<String> = grants.iter().map(|at| at.replace("{port}", port)).collect();
    allow.push(url.clone());
    let names = Names::new(answers);
    let mut reach = granted(&allow, &names);
    for (nth, expected) in expected.iter().enumerate() {
        let answer = ask(&mut reach, get(&url)).await;
        assert!(answer.starts_with(expected), "{nth}: {answer}");
        // Once for each connection, and never between check and connection.
        assert_eq!(names.asked(), nth as u64 + 1);
    }
    let sent = expected.iter().filter(|answer| answer.starts_with("200"));
    assert_eq!(listener.received().len(), sent.count());
}

const HERE: &str = "http://127.0.0.1:{port}";

#[tokio::test]
async fn an_address_is_granted_to_the_names_that_lead_to_it() {
    check_name("erp.example", &[HERE], &[&["127.0.0.1"]], &["200", "200"]).await;
    // As the kernel sees it, the same address.
    check_name("erp.example", &[HERE], &[&["::ffff:127.0.0.1"]], &["200"]).await;
    let secure = HERE.replace("http", "https");
    check_name("erp.example", &[&secure], &[&["127.0.0.1"]], &["200"]).await;
    // The port is part of it.
    let denied = "not sent: `erp.example` is at 127.0.0.1";
    let other = "http://127.0.0.1:1";
    check_name("erp.example", &[other], &[&["127.0.0.1"]], &[denied]).await;
    let other = "http://127.0.0.2:{port}";
    check_name("erp.example", &[other], &[&["127.0.0.1"]], &[denied]).await;
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_judged_anew() {
    let denied = "not sent: `erp.example` is at 127.0.0.2";
    let answers: [&[&str]; 2] = [&["127.0.0.1"], &["127.0.0.2"]];
    check_name("erp.example", &[HERE], &answers, &["200", denied]).await;
    let answers: [&[&str]; 3] = [&["127.0.0.2"], &["127.0.0.1"], &["127.0.0.2"]];
    check_name("erp.example", &[HERE], &answers, &[denied, "200", denied]).await;
}

#[tokio::test]
async fn of_several_addresses_only_granted_ones_are_tried() {
    let answers: [&[&str]; 1] = [&["10.0.0.5", "127.0.0.1", "fd00:ec2::254"]];
    check_name("erp.example", &[HERE], &answers, &["200"]).await;
    check_name("erp.example", &[], &[&[]], &["not sent: "]).await;
    check_name("erp.example", &[], &[], &["not sent: "]).await;
}

#[tokio::test]
async fn who_grants_localhost_grants_this_machine_and_nothing_else() {
    check_name("localhost", &[], &[&["127.0.0.1"]], &["200"]).await;
    check_name("LocalHost.", &[], &[&["127.0.0.1"]], &["200"]).await;
    let denied = "not sent: `localhost` is at 10.0.0.5, a private address";
    check_name("localhost", &[], &[&["10.0.0.5"]], &[denied]).await;
    let denied = "not sent: `x.localhost` is at 127.0.0.1, a loopback address";
    check_name("x.localhost", &[], &[&["127.0.0.1"]], &[denied]).await;
}

#[tokio::test]
async fn a_kept_connection_is_used_without_asking_for_its_name_again() {
    let listener = Listener::start(vec![ok("", "1"), ok("", "2")]).await;
    let url = listener.origin.replace("127.0.0.1", "erp.example");
    let names = Names::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let mut reach = granted(&[listener.origin.clone(), url.clone()], &names);
    assert_eq!(ask(&mut reach, get(&url)).await, "200 1");
    assert_eq!(ask(&mut reach, get(&url)).await, "200 2");
    assert_eq!(names.asked(), 1);
}

#[tokio::test]
async fn a_connection_that_one_opened_is_not_lent_to_another() {
    let listener = Listener::start(vec![ok("", "1")]).await;
    let url = listener.origin.replace("127.0.0.1", "erp.example");
    let names = Names::new(&[&["127.0.0.1"]]);
    let http = Http::resolving(names.clone());
    let over = |allow: &[&String]| {
        let options = CapabilityOptions {
            allow: allow.iter().map(|grant| (*grant).clone()).collect(),
            http: http.clone(),
            ..options("", Mode::Effect)
        };
        reach(&Capability::new(options).unwrap())
    };
    let mut granted = over(&[&url, &listener.origin]);
    assert_eq!(ask(&mut granted, get(&url)).await, "200 1");
    let answer = ask(&mut over(&[&url]), get(&url)).await;
    assert!(
        answer.starts_with("not sent: `erp.example` is at 127.0.0.1"),
        "{answer}"
    );
    assert_eq!(listener.received().len(), 1);
}
