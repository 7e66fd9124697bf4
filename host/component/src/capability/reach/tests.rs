//! A guest's whole way out, against a server: what leaves, what comes back,
//! and what the guest sees of it.

mod budget;
mod escape;
mod evidence;
mod oracle;

use std::collections::BTreeMap;
use std::sync::Arc;

use duijie_contract::{Mode, Preview};

use crate::budget::Account;

use super::super::http::listener::{Listener, Step, ok};
use super::super::{
    Capability, CapabilityError, CapabilityOptions, Capture, Clock, Encoding, Failure, Http,
    Limits, Piece, Place, Purpose, Reach, Recipe, Request, Secret, Sessions,
};

const PASSWORD: &str = "p\"ss+w/rd in full";
const TOKEN: &str = "0a1b2c3d-4e5f-6789";

struct Noon;

impl Clock for Noon {
    fn now_ms(&self) -> u64 {
        1_700_000_000_123
    }
}

fn options(allow: &str, mode: Mode) -> CapabilityOptions {
    let recipe =
        r#"{"hex": {"md5": {"concat": [{"secret": "password"}, {"time": "unix-seconds"}]}}}"#;
    CapabilityOptions {
        connection: "erp".to_owned(),
        secrets: BTreeMap::from([("password".to_owned(), Secret::new(PASSWORD.to_owned()))]),
        settings: BTreeMap::new(),
        recipes: BTreeMap::from([("login".to_owned(), Recipe::compile(recipe).unwrap())]),
        allow: vec![allow.to_owned()],
        grant_place: "connections/erp.yaml".to_owned(),
        sessions: Sessions::default().pool("erp", 1),
        mode,
        limits: Limits::default(),
        calls_per_minute: 0,
        http: Http::new(),
        account: Account::default(),
    }
}

fn capability(listener: &Listener, mode: Mode) -> Arc<Capability> {
    Capability::new(options(&listener.origin, mode)).unwrap()
}

fn reach(capability: &Arc<Capability>) -> Reach {
    Reach::new(capability.clone(), Arc::new(Noon))
}

fn post(url: &str, purpose: Option<Purpose>, body: Vec<Piece>) -> Request {
    Request {
        method: "POST".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body,
        purpose,
        captures: Vec::new(),
        timeout_ms: None,
    }
}

fn text(text: &str) -> Piece {
    Piece::Bytes(text.as_bytes().to_vec())
}

fn password(encoding: Encoding) -> Piece {
    Piece::Secret("password".to_owned(), encoding)
}

fn login(url: &str) -> Request {
    Request {
        captures: vec![
            Capture {
                name: "sid".to_owned(),
                at: Place::Pointer("/SessionToken".to_owned()),
            },
            Capture {
                name: "cookie".to_owned(),
                at: Place::Cookie("JSESSION".to_owned()),
            },
            Capture {
                name: "absent".to_owned(),
                at: Place::Header("x-none".to_owned()),
            },
        ],
        ..post(url, Some(Purpose::Session), vec![text("{}")])
    }
}

fn login_answer() -> Step {
    let cookie = "set-cookie: JSESSION=c00kie-of-the-session; path=/\r\n";
    let body = format!(r#"{{"SessionToken":"{TOKEN}","Context":{{"SessionId":"{TOKEN}"}},"n":1}}"#);
    ok(cookie, &body)
}

#[tokio::test]
async fn holes_are_filled_in_the_encoding_of_their_place() {
    let listener = Listener::start(vec![ok("", "")]).await;
    let mut request = post(
        &listener.origin,
        Some(Purpose::Session),
        vec![
            text("{\"p\":\""),
            password(Encoding::JsonString),
            text("\"}&p="),
            password(Encoding::Form),
            text("&b="),
            password(Encoding::Base64),
        ],
    );
    request.headers.push((
        "X-Pass".to_owned(),
        vec![text("k "), password(Encoding::Raw)],
    ));
    reach(&capability(&listener, Mode::Effect))
        .send(request)
        .await
        .unwrap();
    let received = listener.received().remove(0);
    assert!(
        received.contains(&format!("x-pass: k {PASSWORD}\r\n")),
        "{received}"
    );
    let body =
        r#"{"p":"p\"ss+w/rd in full"}&p=p%22ss%2Bw%2Frd%20in%20full&b=cCJzcyt3L3JkIGluIGZ1bGw="#;
    assert!(received.ends_with(body), "{received}");
}

#[tokio::test]
async fn nothing_leaves_for_an_origin_that_is_not_granted() {
    let granted = Listener::start(vec![]).await;
    let other = Listener::start(vec![]).await;
    let request = post(
        &other.origin,
        Some(Purpose::Read),
        vec![password(Encoding::Raw)],
    );
    let failure = reach(&capability(&granted, Mode::Effect))
        .send(request)
        .await
        .unwrap_err();
    assert_eq!(
        failure,
        Failure::Refused(format!(
            "origin {} is not granted to connection `erp`: add it to `allow` in \
             connections/erp.yaml if this connector should reach it",
            other.origin
        ))
    );
    assert!(other.received().is_empty());
}

#[tokio::test]
async fn captured_values_stay_with_the_host_and_fill_holes() {
    let listener = Listener::start(vec![login_answer(), ok("", "{}")]).await;
    let mut reach = reach(&capability(&listener, Mode::Effect));
    let answer = reach.send(login(&listener.origin)).await.unwrap();
    assert_eq!(
        String::from_utf8(answer.body).unwrap(),
        r#"{"SessionToken":"***","Context":{"SessionId":"***"},"n":1}"#
    );
    let cookie = ("set-cookie".to_owned(), "JSESSION=***; path=/".to_owned());
    assert!(answer.headers.contains(&cookie), "{:?}", answer.headers);
    assert_eq!(reach.session_held().await, ["cookie", "sid"]);

    let mut read = post(&listener.origin, Some(Purpose::Read), vec![]);
    let held = |name: &str| Piece::Captured(name.to_owned(), Encoding::Raw);
    read.headers
        .push(("Cookie".to_owned(), vec![text("s="), held("cookie")]));
    read.headers
        .push(("x-session".to_owned(), vec![held("sid")]));
    reach.send(read).await.unwrap();
    let received = listener.received().remove(1);
    assert!(
        received.contains("cookie: s=c00kie-of-the-session\r\n"),
        "{received}"
    );
    assert!(
        received.contains(&format!("x-session: {TOKEN}\r\n")),
        "{received}"
    );
}

#[tokio::test]
async fn a_session_outlives_its_instance_and_hides_its_values_from_the_next() {
    let listener = Listener::start(vec![login_answer(), ok("", TOKEN)]).await;
    let sessions = Sessions::default().pool("erp", 1);
    let fresh = || {
        let options = CapabilityOptions {
            sessions: sessions.clone(),
            ..options(&listener.origin, Mode::Effect)
        };
        reach(&Capability::new(options).unwrap())
    };
    let mut first = fresh();
    first.send(login(&listener.origin)).await.unwrap();
    first.end_call();
    let mut second = fresh();
    assert_eq!(second.session_held().await, ["cookie", "sid"]);
    let echo = post(&listener.origin, Some(Purpose::Read), vec![]);
    assert_eq!(second.send(echo).await.unwrap().body, b"***");
    second.session_forget().await;
    assert!(second.session_held().await.is_empty());
}

#[tokio::test]
async fn echoes_of_secrets_are_hidden() {
    let body = format!("{PASSWORD} {}", serde_json::to_string(PASSWORD).unwrap());
    let headers = format!("x-echo: {PASSWORD}\r\n");
    let listener = Listener::start(vec![ok(&headers, &body)]).await;
    let request = post(&listener.origin, Some(Purpose::Read), vec![]);
    let answer = reach(&capability(&listener, Mode::Effect))
        .send(request)
        .await
        .unwrap();
    assert_eq!(answer.body, b"*** \"***\"");
    assert!(
        answer
            .headers
            .contains(&("x-echo".to_owned(), "***".to_owned()))
    );
}

#[tokio::test]
async fn writes_leave_within_their_window_only() {
    let listener = Listener::start(vec![ok("", "1"), ok("", "2")]).await;
    let mut reach = reach(&capability(&listener, Mode::Effect));
    let write =
        |entries: Option<Vec<u32>>| post(&listener.origin, entries.map(Purpose::Write), vec![]);
    let refused = |reason: &str, answer: Result<_, Failure>| {
        let failure = answer.unwrap_err();
        assert!(
            matches!(&failure, Failure::Refused(text) if text.contains(reason)),
            "{failure:?}"
        );
    };
    refused(
        "within a call of `write` only",
        reach.send(write(None)).await,
    );
    refused(
        "within a call of `write` only",
        reach.send(write(Some(vec![0]))).await,
    );
    reach.open_write(2);
    refused(
        "entry 2 is not in the batch in hand",
        reach.send(write(Some(vec![0, 2]))).await,
    );
    refused("names the entries", reach.send(write(Some(vec![]))).await);
    assert_eq!(
        reach.send(write(Some(vec![0, 1]))).await.unwrap().body,
        b"1"
    );
    assert_eq!(reach.send(write(None)).await.unwrap().body, b"2");
    reach.end_call();
    refused(
        "within a call of `write` only",
        reach.send(write(None)).await,
    );
    assert_eq!(listener.received().len(), 2);
}

#[tokio::test]
async fn a_preview_keeps_the_first_write_and_sends_none() {
    let listener = Listener::start(vec![ok("", "read")]).await;
    let capability = capability(&listener, Mode::Preview);
    let mut reach = reach(&capability);
    reach.open_write(1);
    let read = post(&listener.origin, Some(Purpose::Read), vec![]);
    assert_eq!(reach.send(read).await.unwrap().body, b"read");
    for body in ["first ", "second "] {
        let mut write = post(
            &listener.origin,
            None,
            vec![text(body), password(Encoding::Form)],
        );
        write
            .headers
            .push(("X-Pass".to_owned(), vec![password(Encoding::Raw)]));
        let failure = reach.send(write).await.unwrap_err();
        assert_eq!(
            failure,
            Failure::Refused("a preview writes nothing".to_owned())
        );
    }
    let kept = Preview {
        method: "POST".to_owned(),
        url: listener.origin.clone(),
        headers: vec![("X-Pass".to_owned(), "***".to_owned())],
        body: "first ***".to_owned(),
    };
    assert_eq!(capability.take_previews(), [kept]);
    assert!(capability.take_previews().is_empty());
    assert_eq!(listener.received().len(), 1);
}

#[tokio::test]
async fn answers_come_in_the_order_of_their_requests() {
    let first = Listener::start(vec![Step::Silence]).await;
    let second = Listener::start(vec![ok("", "second")]).await;
    let options = CapabilityOptions {
        allow: vec![first.origin.clone(), second.origin.clone()],
        ..options(&first.origin, Mode::Effect)
    };
    let mut reach = reach(&Capability::new(options).unwrap());
    let mut silent = post(&first.origin, Some(Purpose::Read), vec![]);
    silent.timeout_ms = Some(60);
    let answers = reach
        .send_many(vec![
            silent,
            post("http://other.example/", Some(Purpose::Read), vec![]),
            post(&second.origin, Some(Purpose::Read), vec![]),
        ])
        .await;
    assert!(matches!(&answers[0], Err(Failure::NoAnswer(_))));
    assert!(matches!(&answers[1], Err(Failure::Refused(_))));
    assert_eq!(answers[2].as_ref().unwrap().body, b"second");
}

#[tokio::test]
async fn a_signature_tells_the_time_that_went_into_it() {
    let listener = Listener::start(vec![]).await;
    let reach = reach(&capability(&listener, Mode::Effect));
    let signed = reach.sign("login", &[]).unwrap();
    assert_eq!(signed.time_ms, 1_700_000_000_123);
    assert_eq!(signed.text, "e875335ac7f4853bf32e300254b0d492");
    let error = reach.sign("logon", &[]).unwrap_err();
    assert_eq!(
        error,
        "no recipe `logon` is declared, did you mean `login`?"
    );
}

#[test]
fn a_secret_that_cannot_be_hidden_is_refused() {
    let options = CapabilityOptions {
        secrets: BTreeMap::from([("pin".to_owned(), Secret::new("123".to_owned()))]),
        ..options("http://localhost", Mode::Effect)
    };
    let error = Capability::new(options).err().unwrap();
    assert!(matches!(&error, CapabilityError::ShortSecret { .. }));
    assert!(
        error
            .to_string()
            .contains("secret setting `pin` is too short"),
        "{error}"
    );
}
