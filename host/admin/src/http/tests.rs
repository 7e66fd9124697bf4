//! The interface over a socket, with a service that answers the same to
//! everybody: who is let in is not its business.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::document::openapi;
use crate::service::{
    At, Erased, Kind, Pause, PipelineView, Refusal, Reloaded, Service, TenantView, Why,
};
use crate::{Decision, EVERY, Item, Role, Tokens, Wanted};

mod deeds;

struct Same;

fn view(tenant: &str) -> TenantView {
    TenantView {
        tenant: tenant.to_owned(),
        enabled: true,
        paused: false,
        pipelines: 1,
        runs_active: 0,
        problem: None,
    }
}

#[async_trait::async_trait]
impl Service for Same {
    fn is_ready(&self) -> bool {
        true
    }
    fn metrics(&self, tenant: Option<&str>) -> String {
        format!("of {tenant:?}")
    }
    fn tenants(&self) -> Vec<TenantView> {
        vec![view("a"), view("b")]
    }
    fn tenant(&self, tenant: &str) -> Result<TenantView, Refusal> {
        Ok(view(tenant))
    }
    fn pipelines(&self, _: &str) -> Result<Vec<PipelineView>, Refusal> {
        Ok(Vec::new())
    }
    async fn runs(&self, _: At<'_>, limit: usize) -> Result<Value, Refusal> {
        Ok(json!(limit))
    }
    async fn checkpoint(&self, _: At<'_>) -> Result<Value, Refusal> {
        Ok(Value::Null)
    }
    async fn waiting(
        &self,
        _: &str,
        _: Option<&str>,
        _: Kind,
        wanted: Wanted,
        clear: bool,
    ) -> Result<Value, Refusal> {
        Ok(json!({ "bodies": wanted.bodies, "after": wanted.after, "clear": clear }))
    }
    async fn trace(&self, _: &str, number: &str, clear: bool) -> Result<Value, Refusal> {
        let document = json!({ "sent": "{}", "tries": [{ "exchange": { "url": "x" } }] });
        let number = if clear { "clear" } else { number };
        Ok(json!({ "number": number, "found": [{ "record": "{}", "documents": [document] }] }))
    }
    async fn reconciliation(&self, _: At<'_>) -> Result<Value, Refusal> {
        Ok(json!({}))
    }
    async fn reconcile(&self, _: At<'_>) -> Result<(), Refusal> {
        Ok(())
    }
    async fn run(&self, at: At<'_>) -> Result<(), Refusal> {
        match at.pipeline {
            "none" => Err(Refusal {
                why: Why::NotFound,
                message: "there is no pipeline `none`".to_owned(),
                hint: "list them",
            }),
            _ => Ok(()),
        }
    }
    async fn pause(&self, _: At<'_>, _: Pause) -> Result<(), Refusal> {
        Ok(())
    }
    async fn pause_tenant(&self, _: &str, _: Pause) -> Result<(), Refusal> {
        Ok(())
    }
    async fn decide(&self, _: At<'_>, _: Vec<Item>, _: Decision) -> Result<(), Refusal> {
        Ok(())
    }
    async fn reset_checkpoint(&self, _: At<'_>) -> Result<(), Refusal> {
        Ok(())
    }
    async fn remove(&self, _: &str) -> Result<(), Refusal> {
        Ok(())
    }
    async fn erase(&self, _: At<'_>, _: &str) -> Result<Erased, Refusal> {
        Ok(Erased::default())
    }
    async fn reload(&self, _: &str) -> Result<Reloaded, Refusal> {
        Ok(Reloaded::default())
    }
}

struct House {
    data: tempfile::TempDir,
    address: std::net::SocketAddr,
}

impl House {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let listener = super::listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let place = data.path().to_owned();
        tokio::spawn(async move {
            let forever = std::future::pending();
            super::answer(listener, None, Arc::new(Same), &place, || 1_000, forever).await
        });
        Self { data, address }
    }

    fn token(&self, tenant: &str, role: Role) -> String {
        let tokens = Tokens::of(self.data.path());
        tokens.add(tenant, role, 0).unwrap().1
    }

    async fn call(&self, what: &str, token: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let request = format!(
            "{what} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: \
             {length}\r\nconnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    #[track_caller]
    fn told(&self, answer: &(u16, String), status: u16, words: &str) {
        assert_eq!(answer.0, status, "{}", answer.1);
        assert!(answer.1.contains(words), "{} lacks {words}", answer.1);
    }
}

/// Every method and path that the document names, of tenant `a`.
fn documented() -> Vec<(String, bool)> {
    let document = openapi();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let filled = path
            .replace("{tenant}", "a")
            .replace("{pipeline}", "p")
            .replace("{number}", "1");
        for (method, of) in methods.as_object().unwrap() {
            let open = of["security"] == json!([]);
            all.push((format!("{} {filled}", method.to_uppercase()), open));
        }
    }
    assert!(all.len() > 20, "{all:?}");
    all
}

#[tokio::test]
async fn everything_but_health_asks_for_a_token_of_the_tenant() {
    let house = House::new().await;
    let mut own = house.token("a", Role::Admin);
    let others = house.token("b", Role::Admin);
    let every = house.token(EVERY, Role::Admin);
    for (what, open) in documented() {
        let body = match what.ends_with("/decisions") {
            true => r#"{"items":[],"decision":"discard"}"#,
            false => "",
        };
        let none = house.call(&what, "", body).await;
        let other = house.call(&what, &others, body).await;
        let right = house.call(&what, &own, body).await;
        let all = house.call(&what, &every, body).await;
        if what == "DELETE /v1/tenants/a" {
            // Its tokens went with it.
            house.told(
                &house.call("GET /v1/tenants/a", &own, "").await,
                401,
                "not known",
            );
            own = house.token("a", Role::Admin);
        }
        if open {
            assert_eq!((none.0, other.0), (200, 200), "{what}");
            continue;
        }
        assert_eq!(none.0, 401, "{what}: {}", none.1);
        assert_eq!(all.0, 200, "{what}: {}", all.1);
        let of_tenant = what.contains("/tenants/");
        let expected = match what.as_str() {
            // These show a token's own part, or are of nobody's.
            "GET /metrics" | "GET /v1/tenants" => (200, 200),
            // Done by whoever runs the process, to all that a tenant is.
            "DELETE /v1/tenants/a" => (403, 403),
            _ if of_tenant => (403, 200),
            _ => (403, 403),
        };
        assert_eq!((other.0, right.0), expected, "{what}: {}", right.1);
    }
}

#[tokio::test]
async fn a_token_shows_its_own_tenant_only() {
    let house = House::new().await;
    let own = house.token("b", Role::Reader);
    let (_, tenants) = house.call("GET /v1/tenants", &own, "").await;
    assert!(tenants.contains(r#""tenant":"b""#) && !tenants.contains(r#""tenant":"a""#));
    house.told(
        &house.call("GET /metrics", &own, "").await,
        200,
        r#"of Some("b")"#,
    );
    let every = house.token(EVERY, Role::Reader);
    house.told(
        &house.call("GET /metrics", &every, "").await,
        200,
        "of None",
    );
}

#[tokio::test]
async fn a_role_does_no_more_than_it_may() {
    let house = House::new().await;
    let at = "/v1/tenants/a";
    let reader = house.token("a", Role::Reader);
    let operator = house.token("a", Role::Operator);
    let admin = house.token("a", Role::Admin);
    for (what, expected) in [
        (format!("GET {at}/holds"), [200, 200, 200]),
        (format!("GET {at}/holds?bodies=true"), [403, 200, 200]),
        (format!("POST {at}/pipelines/p/run"), [403, 200, 200]),
        (format!("POST {at}/pause"), [403, 200, 200]),
        (
            format!("DELETE {at}/pipelines/p/checkpoint"),
            [403, 200, 200],
        ),
        (format!("POST {at}/reload"), [403, 403, 200]),
        (
            format!("DELETE {at}/pipelines/p/records/CK1"),
            [403, 403, 200],
        ),
        (format!("DELETE {at}"), [403, 403, 403]),
        (format!("GET {at}/events"), [403, 403, 200]),
    ] {
        for (token, expected) in [&reader, &operator, &admin].into_iter().zip(expected) {
            let answer = house.call(&what, token, "").await;
            assert_eq!(answer.0, expected, "{what}: {}", answer.1);
        }
    }
    let trace = format!("GET {at}/trace/CK1");
    let (_, masked) = house.call(&trace, &reader, "").await;
    let expected = json!({ "number": "CK1", "found": [{ "record": null, "documents": [
        { "sent": null, "tries": [{ "exchange": null }] }
    ] }] });
    assert_eq!(serde_json::from_str::<Value>(&masked).unwrap(), expected);
    house.told(
        &house.call(&trace, &operator, "").await,
        200,
        r#""url":"x""#,
    );
    // Only an admin sees personal fields.
    let holds = "GET /v1/tenants/a/holds?bodies=true";
    for (what, clear) in [(trace.as_str(), "\"clear\""), (holds, "\"clear\":true")] {
        house.told(&house.call(what, &admin, "").await, 200, clear);
        let (_, masked) = house.call(what, &operator, "").await;
        assert!(!masked.contains(clear), "{masked}");
    }
}

#[tokio::test]
async fn wrong_requests_are_told_as_problems() {
    let house = House::new().await;
    let token = house.token("a", Role::Admin);
    for (what, body, status, words) in [
        ("GET /v1/nothing", "", 404, "not_found"),
        ("PUT /v1/tenants", "", 405, "other_method"),
        (
            "GET /v1/tenants/a/pipelines/p/runs?limit=0",
            "",
            400,
            "expected 1 to 1000",
        ),
        (
            "GET /v1/tenants/a/pipelines/p/runs?limit=x",
            "",
            400,
            "invalid_request",
        ),
        (
            "GET /v1/tenants/a/holds?after=x",
            "",
            400,
            "`after` cannot be read",
        ),
        (
            "POST /v1/tenants/a/pause",
            "{\"halt\":1}",
            400,
            "unknown field",
        ),
        (
            "POST /v1/tenants/a/pipelines/p/decisions",
            "",
            400,
            "cannot be read",
        ),
        (
            "POST /v1/tenants/a/pipelines/none/run",
            "",
            404,
            "there is no pipeline",
        ),
    ] {
        house.told(&house.call(what, &token, body).await, status, words);
    }
    let after = "GET /v1/tenants/a/holds?after=%5B%22s%22%2C%22k%22%2C%22%22%5D";
    house.told(
        &house.call(after, &token, "").await,
        200,
        r#""source_key":"k""#,
    );
}

#[tokio::test]
async fn wrong_tokens_are_counted_by_what_was_tried() {
    let house = House::new().await;
    let right = house.token("a", Role::Reader);
    let wrong = format!("{}x", &right[..right.len() - 1]);
    for _ in 0..10 {
        let answer = house.call("GET /v1/tenants/a", "dj_0_x", "").await;
        house.told(&answer, 401, "not known");
    }
    let answer = house.call("GET /v1/tenants/a", "dj_1_y", "").await;
    house.told(&answer, 429, "too_many_failures");
    // Who has a right one from the same address goes on.
    house.told(
        &house.call("GET /v1/tenants/a", &right, "").await,
        200,
        "\"a\"",
    );
    for _ in 0..10 {
        house.told(
            &house.call("GET /v1/tenants/a", &wrong, "").await,
            401,
            "not known",
        );
    }
    house.told(
        &house.call("GET /v1/tenants/a", &right, "").await,
        429,
        "wait a minute",
    );
}

#[tokio::test]
async fn a_token_that_was_taken_away_is_not_known_any_more() {
    let house = House::new().await;
    let token = house.token("a", Role::Reader);
    let what = "GET /v1/tenants/a";
    house.told(&house.call(what, &token, "").await, 200, "\"a\"");
    let file = std::fs::read_to_string(house.data.path().join("tokens.json")).unwrap();
    assert!(!file.contains(token.split('_').nth(2).unwrap()));
    let tokens = Tokens::of(house.data.path());
    tokens.remove(token.split('_').nth(1).unwrap()).unwrap();
    house.told(&house.call(what, &token, "").await, 401, "not known");
}
