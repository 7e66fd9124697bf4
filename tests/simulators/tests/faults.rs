//! Every fault rule over real connections: what the client sees, and what took effect.

// The lint table exempts unit tests only; helpers of an integration test are test code too.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines
)]

use duijie_sim::{Config, FaultKind, FaultRule, Simulators, china_text};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A bare HTTP client: status and body, or nothing when the connection closed without an answer.
fn send(method: &str, url: &str, headers: &str, body: &str) -> Option<(u16, String)> {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A cut connection may show as an end or as a reset.
    _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

struct Client {
    simulators: Simulators,
    session: String,
}

impl Client {
    fn new() -> Self {
        let simulators = Simulators::start_blocking(Config::new(20, 3)).unwrap();
        let session = login(&simulators);
        Self {
            simulators,
            session,
        }
    }

    fn save(&self, numbers: &[&str]) -> Option<(u16, String)> {
        let model: Vec<Value> = numbers.iter().map(|number| bill(number)).collect();
        let url = format!(
            "{}Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.BatchSave.common.kdsvc",
            self.simulators.kingdee_url()
        );
        let headers = format!(
            "Content-Type: application/json\r\nkdservice-sessionid: {}\r\n",
            self.session
        );
        send(
            "POST",
            &url,
            &headers,
            &json!({"formid": "SAL_OUTSTOCK", "data": {"Model": model}}).to_string(),
        )
    }

    fn found(&self, number: &str) -> bool {
        let url = format!(
            "{}Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc",
            self.simulators.kingdee_url()
        );
        let headers = format!("kdservice-sessionid: {}\r\n", self.session);
        let data = json!({"FormId": "SAL_OUTSTOCK", "FieldKeys": "FBillNo", "FilterString": format!("FBillNo='{number}'")});
        send("POST", &url, &headers, &json!({"data": data}).to_string())
            .unwrap()
            .1
            .contains(number)
    }

    /// Saves bill `A` under a fault; gives the answer and how many bills then exist.
    fn under(&self, kind: FaultKind, ms: u64, numbers: &[&str]) -> (Option<(u16, String)>, usize) {
        let rule = json!({"match": "kingdee.BatchSave", "kind": kind, "ms": ms});
        let url = format!("{}faults", self.simulators.admin_url());
        assert_eq!(send("POST", &url, "", &rule.to_string()).unwrap().0, 200);
        let answer = self.save(numbers);
        (answer, self.simulators.document_count())
    }
}

fn login(simulators: &Simulators) -> String {
    let who = &simulators.credentials().kingdee;
    let url = format!(
        "{}Kingdee.BOS.WebApi.ServicesStub.AuthService.ValidateUser.common.kdsvc",
        simulators.kingdee_url()
    );
    let body =
        json!({"parameters": [who.acct_id, who.username, who.password, who.lcid]}).to_string();
    let answer: Value = serde_json::from_str(&send("POST", &url, "", &body).unwrap().1).unwrap();
    answer["KDSVCSessionId"].as_str().unwrap().to_owned()
}

fn bill(number: &str) -> Value {
    let org = json!({"FNumber": "100"});
    json!({
        "FBillTypeID": {"FNUMBER": "XSCKD01_SYS"}, "FBillNo": number, "FDate": "2025-10-09", "FSaleOrgId": org,
        "FCustomerID": {"FNumber": "TB001"}, "FStockOrgId": org,
        "FEntity": [{"FMaterialID": {"FNumber": "SKU-0001"}, "FRealQty": 2}],
    })
}

#[test]
fn a_cut_connection_gives_no_answer_and_applies_or_not() {
    let client = Client::new();
    assert_eq!(client.under(FaultKind::DropBefore, 0, &["A"]), (None, 0));
    assert_eq!(
        client.under(FaultKind::DropAfterApply, 0, &["A"]),
        (None, 1)
    );
    assert!(
        client
            .save(&["B"])
            .unwrap()
            .1
            .contains("\"IsSuccess\":true")
    );
}

#[test]
fn a_gateway_answers_502_before_or_after_the_effect() {
    let client = Client::new();
    let (answer, count) = client.under(FaultKind::Status502Before, 0, &["A"]);
    assert_eq!((answer.unwrap().0, count), (502, 0));
    let (answer, count) = client.under(FaultKind::Status502After, 0, &["A"]);
    assert_eq!((answer.unwrap().0, count), (502, 1));
}

#[test]
fn html_truncated_and_misshapen_answers_come_with_status_200() {
    let client = Client::new();
    let (answer, count) = client.under(FaultKind::Html200, 0, &["A"]);
    let (status, body) = answer.unwrap();
    assert_eq!((status, count), (200, 0));
    assert!(body.starts_with("<!DOCTYPE html>"));
    let (answer, count) = client.under(FaultKind::TruncatedJson, 0, &["A"]);
    assert_eq!(count, 1);
    assert!(serde_json::from_str::<Value>(&answer.unwrap().1).is_err());
    for kind in [FaultKind::WrongEnvelope, FaultKind::WrongTypes] {
        let (answer, count) = client.under(kind, 0, &["B"]);
        let value: Value = serde_json::from_str(&answer.unwrap().1).unwrap();
        assert!(
            value["Result"]["ResponseStatus"]["IsSuccess"]
                .as_bool()
                .is_none()
        );
        assert_eq!(count, 1);
    }
}

#[test]
fn throttling_and_a_lost_session_speak_the_vendors_codes() {
    let client = Client::new();
    let (answer, count) = client.under(FaultKind::Throttle, 0, &["A"]);
    assert!(answer.unwrap().1.contains("\"MsgCode\":14"));
    assert_eq!(count, 0);
    let (answer, _) = client.under(FaultKind::SessionLost, 0, &["A"]);
    assert!(answer.unwrap().1.contains("会话信息已丢失"));
    assert!(
        client.save(&["A"]).unwrap().1.contains("\"MsgCode\":1}"),
        "the session must be gone"
    );
    let client = Client {
        session: login(&client.simulators),
        simulators: client.simulators,
    };
    assert!(
        client
            .save(&["A"])
            .unwrap()
            .1
            .contains("\"IsSuccess\":true")
    );
}

#[test]
fn half_a_batch_and_delayed_visibility_leave_work_for_a_query() {
    let client = Client::new();
    let (answer, count) = client.under(FaultKind::HalfBatch, 0, &["A", "B", "C", "D"]);
    assert_eq!(count, 2);
    assert!(!answer.unwrap().1.contains("\"C\""));
    assert!(client.found("A") && !client.found("C"));
    let (answer, count) = client.under(FaultKind::DelayedVisibility, 3_600_000, &["E"]);
    assert!(answer.unwrap().1.contains("\"IsSuccess\":true"));
    assert_eq!(count, 3);
    assert!(!client.found("E"));
}

#[test]
fn a_slow_answer_waits_its_time() {
    let client = Client::new();
    let started = Instant::now();
    assert_eq!(client.under(FaultKind::Slow, 80, &["A"]).1, 1);
    assert!(started.elapsed() >= Duration::from_millis(80));
}

#[test]
fn calls_of_one_session_follow_each_other() {
    let client = Client::new();
    for _ in 0..2 {
        let mut rule = FaultRule::once("kingdee.BatchSave", FaultKind::Slow);
        rule.ms = 60;
        client.simulators.add_fault(rule);
    }
    let started = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| client.save(&["A"]));
        scope.spawn(|| client.save(&["B"]));
    });
    assert!(started.elapsed() >= Duration::from_millis(120));
    assert_eq!(client.simulators.document_count(), 2);
}

#[test]
fn wangdiantong_misbehaves_in_its_own_words() {
    let simulators = Simulators::start_blocking(Config::new(20, 3)).unwrap();
    let operation = "wangdiantong.stockout_order_query_trade";
    let url = format!(
        "{}stockout_order_query_trade.php",
        simulators.wangdiantong_url()
    );
    for (kind, words) in [
        (FaultKind::Throttle, "\"code\":1012"),
        (FaultKind::WrongTypes, "{\"0\":{}}"),
        (FaultKind::WrongEnvelope, "success"),
    ] {
        simulators.add_fault(FaultRule::once(operation, kind));
        assert!(send("POST", &url, "", "").unwrap().1.contains(words));
    }
    simulators.add_fault(FaultRule::once("wangdiantong.*", FaultKind::DropBefore));
    assert_eq!(send("POST", &url, "", ""), None);
    let qimen = format!(
        "{}?method=wdt.stockout.order.query.trade",
        simulators.qimen_url()
    );
    simulators.add_fault(FaultRule::once(operation, FaultKind::Throttle));
    assert!(
        send("POST", &qimen, "", "")
            .unwrap()
            .1
            .contains("accesscontrol.limited")
    );
    assert_eq!(simulators.counts()[operation], 5);
}

#[test]
fn the_admin_endpoint_adds_changes_audits_and_tells() {
    let client = Client::new();
    let simulators = &client.simulators;
    let admin = |method: &str, path: &str, body: Value| -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let (status, text) = send(
            method,
            &format!("{}{path}", simulators.admin_url()),
            "",
            &body,
        )
        .unwrap();
        (status, serde_json::from_str(&text).unwrap())
    };
    let before = simulators.orders().len();
    let now = simulators.clock().now();
    let (_, added) = admin(
        "POST",
        "orders/add",
        json!({"count": 3, "from": now, "to": now}),
    );
    let number = added["stockout_nos"][2].as_str().unwrap();
    let (_, orders) = admin("GET", "orders", Value::Null);
    assert_eq!(orders.as_array().unwrap().len(), before + 3);
    assert_eq!(orders[before + 2]["stockout_no"], number);
    assert_eq!(orders[before + 2]["consign_time"], china_text(now));
    assert_eq!(
        admin(
            "POST",
            "orders/change",
            json!({"stockout_no": number, "status": 113})
        )
        .0,
        200
    );
    assert_eq!(simulators.orders()[before + 2]["status"], "113");
    assert_eq!(
        admin("POST", "orders/change", json!({"stockout_no": "none"})).0,
        404
    );
    client.save(&["A"]);
    assert_eq!(
        admin("POST", "documents/audit", json!({"bill_no": "A"})).0,
        200
    );
    let (_, documents) = admin("GET", "documents", Value::Null);
    assert_eq!(documents[0]["status"], "C");
    assert_eq!(
        admin("POST", "faults", json!({"match": "*", "kind": "no_such"})).0,
        400
    );
    let (_, counts) = admin("GET", "counts", Value::Null);
    assert_eq!(counts["operations"]["kingdee.BatchSave"], 1);
    assert_eq!(
        admin("GET", "requests", Value::Null)
            .1
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(admin("POST", "reset", Value::Null).0, 200);
    assert_eq!(simulators.document_count(), 0);
}

#[test]
fn dropping_the_simulators_closes_their_ports() {
    let simulators = Simulators::start_blocking(Config::new(1, 1)).unwrap();
    let url = simulators.admin_url();
    let host = url
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    assert!(TcpStream::connect(&host).is_ok());
    drop(simulators);
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(&host).is_ok() {
        assert!(Instant::now() < deadline, "the port is still open");
        std::thread::yield_now();
    }
}
