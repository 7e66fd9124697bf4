//! The exchange alone: what counts as not sent and as no answer, what is
//! never done by itself, and which requests are refused while being filled.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use url::Url;

use super::listener::{Listener, Step, ok};
use super::{Answer, Clients, Http, capture, fill};
use crate::capability::egress::AllowList;
use crate::capability::message::{Encoding, Failure, Piece, Place, Purpose, Request};
use crate::capability::secret::Secret;

const DEADLINE: Duration = Duration::from_secs(20);

fn request(method: &str, url: &str) -> Request {
    Request {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        purpose: Some(Purpose::Read),
        captures: Vec::new(),
        timeout_ms: None,
    }
}

async fn exchange(url: &str, deadline: Duration, most_bytes: usize) -> Result<Answer, Failure> {
    let nothing = BTreeMap::new();
    let origin = Url::parse(url).unwrap().origin().ascii_serialization();
    let allow = AllowList::new("erp", "connections/erp.yaml", &[origin]).unwrap();
    let (address, origin) = allow.check(url).unwrap();
    let (filled, _) = fill(request("POST", url), address, &nothing, &nothing, 1000)?;
    Clients::new(Http::new(), Arc::new(allow))
        .exchange(filled, &origin, deadline, most_bytes)
        .await
}

/// One exchange with a listener that does this.
async fn meet(step: Step) -> (Result<Answer, Failure>, usize) {
    let listener = Listener::start(vec![step]).await;
    let answer = exchange(&listener.origin, DEADLINE, 100).await;
    (answer, listener.received().len())
}

#[track_caller]
fn check_no_answer(met: (Result<Answer, Failure>, usize), reason: &str) {
    let (answer, received) = met;
    match answer {
        Err(Failure::NoAnswer(text)) => assert!(text.contains(reason), "{text}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(received, 1, "a request went out more than once");
}

#[tokio::test]
async fn a_refused_connection_means_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let failure = exchange(&url, DEADLINE, 100).await.unwrap_err();
    assert!(matches!(failure, Failure::NotSent(_)), "{failure:?}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_means_not_sent() {
    // No resolver is asked for a label of more than 63 letters.
    let url = format!("http://{}.example/", "x".repeat(64));
    let failure = exchange(&url, DEADLINE, 100).await.unwrap_err();
    assert!(matches!(failure, Failure::NotSent(_)), "{failure:?}");
}

#[tokio::test]
async fn a_connection_that_is_no_tls_means_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let closing = tokio::spawn(async move { drop(listener.accept().await) });
    let failure = exchange(&url, DEADLINE, 100).await.unwrap_err();
    closing.await.unwrap();
    // Two versions of the TLS library would not know each other.
    let known = |reason: &str| !reason.contains("Unknown TLS backend");
    assert!(
        matches!(&failure, Failure::NotSent(reason) if known(reason)),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_connection_closed_before_the_request_is_read_means_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let closing = tokio::spawn(async move { drop(listener.accept().await) });
    let failure = exchange(&url, DEADLINE, 100).await.unwrap_err();
    closing.await.unwrap();
    assert!(matches!(failure, Failure::NoAnswer(_)), "{failure:?}");
}

#[tokio::test]
async fn a_connection_closed_after_the_request_is_read_means_no_answer() {
    check_no_answer(meet(Step::Last(Vec::new())).await, "connection closed");
}

#[tokio::test]
async fn a_body_that_is_cut_means_no_answer() {
    let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf".to_vec();
    check_no_answer(meet(Step::Last(reply)).await, "");
}

#[tokio::test]
async fn what_is_not_http_means_no_answer() {
    check_no_answer(meet(Step::Last(b"SSH-2.0-x\r\n".to_vec())).await, "");
}

#[tokio::test]
async fn an_answer_past_the_cap_means_no_answer() {
    let reason = "the answer is larger than 100 bytes";
    check_no_answer(meet(ok("", &"x".repeat(101))).await, reason);
    let chunk = format!("41\r\n{}\r\n", "x".repeat(0x41));
    let chunked =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    check_no_answer(meet(Step::Reply(chunked.into_bytes())).await, reason);
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let listener = Listener::start(vec![Step::Silence]).await;
    let failure = exchange(&listener.origin, Duration::from_millis(60), 100)
        .await
        .unwrap_err();
    assert_eq!(
        failure,
        Failure::NoAnswer("no whole answer within 60 ms".to_owned())
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let reply = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n";
    let (answer, received) = meet(Step::Reply(reply.into())).await;
    assert_eq!((answer.unwrap().status, received), (307, 1));
}

#[tokio::test]
async fn a_server_that_asks_for_another_try_gets_none() {
    let reply = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";
    let (answer, received) = meet(Step::Reply(reply.into())).await;
    assert_eq!((answer.unwrap().status, received), (503, 1));
}

#[track_caller]
fn check_refused(change: impl FnOnce(&mut Request), reason: &str) {
    let mut request = request("POST", "http://erp.example/");
    change(&mut request);
    let secrets = BTreeMap::from([(
        "password".to_owned(),
        Secret::new("two\r\nlines".to_owned()),
    )]);
    let url = Url::parse("http://erp.example/").unwrap();
    match fill(request, url, &secrets, &BTreeMap::new(), 1000) {
        Err(Failure::Refused(text)) => {
            assert!(text.contains(reason), "{text}");
            assert!(!text.contains("lines"), "{text}");
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("was filled, expected: {reason}"),
    }
}

fn header(name: &str, value: Piece) -> impl FnOnce(&mut Request) {
    let header = (name.to_owned(), vec![value]);
    |request| request.headers.push(header)
}

#[test]
fn headers_of_the_host_are_refused() {
    for name in [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "connection",
        "upgrade",
        "TE",
        "trailer",
        "Expect",
        "keep-alive",
        "proxy-authorization",
        "Proxy-Connection",
    ] {
        let reason = format!("header `{}` is set by the host", name.to_lowercase());
        check_refused(header(name, Piece::Bytes(b"x".to_vec())), &reason);
    }
}

#[test]
fn a_header_ends_where_it_ends() {
    let broken = "holds a line break or control character";
    check_refused(
        header("x-a", Piece::Bytes(b"a\r\nhost: b".to_vec())),
        broken,
    );
    check_refused(header("x-a", Piece::Bytes(b"a\nb".to_vec())), broken);
    check_refused(
        header("x-a", Piece::Secret("password".to_owned(), Encoding::Raw)),
        broken,
    );
    check_refused(
        header("x a", Piece::Bytes(b"a".to_vec())),
        "header name `x a` is not valid",
    );
}

#[test]
fn requests_that_cannot_be_filled_are_refused() {
    check_refused(
        |request| request.method = "CONNECT".to_owned(),
        "method `CONNECT`",
    );
    check_refused(
        |request| request.method = "GET /".to_owned(),
        "method `GET /`",
    );
    check_refused(
        |request| request.body = vec![Piece::Secret("pasword".to_owned(), Encoding::Raw)],
        "no secret setting `pasword`, did you mean `password`?",
    );
    check_refused(
        |request| request.body = vec![Piece::Captured("sid".to_owned(), Encoding::Raw)],
        "the session holds no `sid`: log in and capture it first",
    );
    check_refused(
        |request| request.body = vec![Piece::Bytes(vec![0; 1001])],
        "the body has 1001 bytes, at most 1000 are sent",
    );
}

fn answer(headers: &[(&'static str, &'static str)], body: &str) -> Answer {
    let mut answer = Answer {
        status: 200,
        headers: Default::default(),
        body: body.as_bytes().to_vec(),
    };
    for (name, value) in headers {
        answer.headers.append(*name, value.parse().unwrap());
    }
    answer
}

/// What is captured, and the body that is left.
#[track_caller]
fn check_pointer(body: &str, pointer: &str, captured: Option<&str>, left: &str) {
    let mut answer = answer(&[], body);
    let value = capture(&mut answer, &Place::Pointer(pointer.to_owned()));
    assert_eq!(value.as_ref().map(Secret::expose), captured);
    assert_eq!(String::from_utf8(answer.body).unwrap(), left);
}

#[test]
fn a_pointer_takes_texts_and_numbers_and_leaves_the_rest_as_it_is() {
    let body = "\u{20}{\"a\": 1.50, \"b\":[ {\"c/d\": \"x\\u002By\"} ],\"e\":null,\"f\":\"\"}";
    check_pointer(
        body,
        "/b/0/c~1d",
        Some("x+y"),
        &body.replace("x\\u002By", "***"),
    );
    check_pointer(body, "/a", Some("1.50"), &body.replace("1.50", "\"***\""));
    for absent in ["", "/", "/b", "/b/1", "/b/x", "/e", "/f", "/a/0", "/z", "a"] {
        check_pointer(body, absent, None, body);
    }
    check_pointer("\"abc\"", "", Some("abc"), "\"***\"");
    check_pointer("<html>", "/a", None, "<html>");
    check_pointer("{\"a\": \"x\"", "/a", None, "{\"a\": \"x\"");
    check_pointer("", "", None, "");
}

#[test]
fn a_cookie_is_taken_by_its_exact_name() {
    let mut answer = answer(
        &[
            ("set-cookie", "SID2=other; Path=/"),
            ("set-cookie", "SID=; Max-Age=0"),
            ("set-cookie", "SID=one; Path=/; HttpOnly"),
            ("set-cookie", "SID=two"),
        ],
        "",
    );
    let value = capture(&mut answer, &Place::Cookie("SID".to_owned())).unwrap();
    assert_eq!(value.expose(), "two");
    let left: Vec<&str> = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|v| v.to_str().unwrap())
        .collect();
    assert_eq!(
        left,
        [
            "SID2=other; Path=/",
            "SID=; Max-Age=0",
            "SID=***; Path=/; HttpOnly",
            "SID=***"
        ]
    );
    assert!(capture(&mut answer, &Place::Cookie("sid".to_owned())).is_none());
}

#[test]
fn a_header_is_taken_whatever_its_case() {
    let mut answer = answer(&[("x-token", "abc")], "");
    let value = capture(&mut answer, &Place::Header("X-Token".to_owned())).unwrap();
    assert_eq!(value.expose(), "abc");
    assert_eq!(answer.headers["x-token"], "***");
    assert!(capture(&mut answer, &Place::Header("x-none".to_owned())).is_none());
    assert!(capture(&mut answer, &Place::Header("not a name".to_owned())).is_none());
}
