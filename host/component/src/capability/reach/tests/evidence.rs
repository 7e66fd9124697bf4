//! What is kept of the writes of a call: everything that left, nothing else,
//! and no secret.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use duijie_contract::Exchange;

use super::*;

/// A second later at each look.
struct Seconds(AtomicU64);

impl Clock for Seconds {
    fn now_ms(&self) -> u64 {
        1_000 * self.0.fetch_add(1, Ordering::Relaxed)
    }
}

fn write(url: &str, entries: &[u32], body: Vec<Piece>) -> Request {
    post(url, Some(Purpose::Write(entries.to_vec())), body)
}

fn bodies(exchanges: &[Exchange]) -> Vec<String> {
    let text = |exchange: &Exchange| String::from_utf8_lossy(&exchange.body).into_owned();
    exchanges.iter().map(text).collect()
}

/// The one exchange of a write with this body, answered with this one.
async fn check(body: Vec<Piece>, answer: &str, expected: (&str, &str)) {
    let listener = Listener::start(vec![ok("", answer)]).await;
    let mut reach = reach(&capability(&listener, Mode::Effect));
    reach.open_write(1);
    let request = write(&listener.origin, &[0], body);
    reach.send(request).await.unwrap();
    let kept = reach.take_exchanges().remove(0);
    let (body, answer) = expected;
    assert!(kept.body == body.as_bytes(), "{} bytes", kept.body.len());
    assert!(
        kept.answer == answer.as_bytes(),
        "{} bytes",
        kept.answer.len()
    );
}

#[tokio::test]
async fn a_write_is_kept_whole_with_its_holes_by_name_and_its_answer_scrubbed() {
    let echo = format!("saved for {PASSWORD} by {TOKEN}");
    let steps = vec![login_answer(), ok("", "{}"), ok("", &echo), ok("", "2")];
    let listener = Listener::start(steps).await;
    let capability = capability(&listener, Mode::Effect);
    let mut reach = Reach::new(capability, Arc::new(Seconds(AtomicU64::new(5))));
    reach.open_write(3);
    reach.send(login(&listener.origin)).await.unwrap();
    let read = post(&listener.origin, Some(Purpose::Read), vec![]);
    reach.send(read).await.unwrap();
    let body = vec![
        text("{\"p\":\""),
        password(Encoding::JsonString),
        text("\"}"),
    ];
    let mut request = write(&listener.origin, &[0, 2], body);
    let sid = Piece::Captured("sid".to_owned(), Encoding::Raw);
    let headers = [("X-Pass", password(Encoding::Raw)), ("X-Sid", sid)];
    for (name, hole) in headers {
        request
            .headers
            .push((name.to_owned(), vec![text("k "), hole]));
    }
    reach.send(request).await.unwrap();
    reach
        .send(post(&listener.origin, None, vec![]))
        .await
        .unwrap();
    let kept = reach.take_exchanges();
    let first = Exchange {
        at_ms: kept[0].at_ms,
        took_ms: 1_000,
        method: "POST".to_owned(),
        url: listener.origin.clone(),
        headers: vec![
            ("X-Pass".to_owned(), "k ${secret:password}".to_owned()),
            ("X-Sid".to_owned(), "k ${session:sid}".to_owned()),
        ],
        body: r#"{"p":"${secret:password}"}"#.into(),
        entries: vec![0, 2],
        status: Some(200),
        answer: "saved for *** by ***".into(),
        fault: None,
    };
    assert_eq!(kept[0], first);
    assert!(kept[1].at_ms > first.at_ms, "in their order");
    assert_eq!(kept[1].entries, [0, 1, 2], "a write without a label");
    assert_eq!(kept.len(), 2, "reads and logins are no evidence");
    assert_eq!(reach.take_exchanges(), [], "each is given once");
}

#[tokio::test]
async fn a_secret_among_the_data_is_hidden_in_the_evidence() {
    let body = vec![text("{\"memo\":\""), text(PASSWORD), text("\"}")];
    check(body, "{}", ("{\"memo\":\"***\"}", "{}")).await;
    let whole = vec![Piece::Bytes(format!("memo={PASSWORD}").into())];
    check(whole, "{}", ("memo=***", "{}")).await;
}

#[tokio::test]
async fn large_bodies_are_cut_and_say_so_and_no_secret_is_cut_in_half() {
    const MOST: usize = 1 << 20;
    let whole = "x".repeat(MOST);
    check(vec![text(&whole)], &whole, (&whole, &whole)).await;
    let half = MOST - PASSWORD.len() / 2;
    let long = format!("{}{PASSWORD}{}", " ".repeat(half), "y".repeat(100));
    let masked = format!("{}***{}", " ".repeat(half), "y".repeat(100));
    let left = masked.len() - MOST;
    let expected = format!("{}… {left} bytes more", &masked[..MOST]);
    check(vec![text(&long)], &long, (&expected, &expected)).await;
}

#[tokio::test]
async fn the_last_sixteen_of_a_call_are_kept_and_the_next_call_begins_anew() {
    let steps = (0..21).map(|_| ok("", "{}")).collect();
    let listener = Listener::start(steps).await;
    let mut reach = reach(&capability(&listener, Mode::Effect));
    let numbered = |number: u32| write(&listener.origin, &[0], vec![text(&number.to_string())]);
    reach.open_write(1);
    reach.send_many((0..20).map(numbered).collect()).await;
    let kept = reach.take_exchanges();
    let last: Vec<_> = (4..20).map(|number| number.to_string()).collect();
    assert_eq!(bodies(&kept), last);
    assert!(kept.iter().all(|kept| kept.status == Some(200)), "{kept:?}");

    reach.open_write(1);
    reach.send(numbered(20)).await.unwrap();
    reach.open_write(1);
    assert_eq!(reach.take_exchanges(), []);
}

#[tokio::test]
async fn a_write_without_an_answer_says_why_and_one_that_was_refused_never_was() {
    let listener = Listener::start(vec![Step::Silence]).await;
    let mut reach = reach(&capability(&listener, Mode::Effect));
    reach.open_write(1);
    let elsewhere = write("http://other.example/", &[0], vec![]);
    reach.send(elsewhere).await.unwrap_err();
    let mut silent = write(&listener.origin, &[0], vec![]);
    silent.timeout_ms = Some(60);
    reach.send(silent).await.unwrap_err();
    let kept = reach.take_exchanges();
    let fault = "no answer: no whole answer within 60 ms".to_owned();
    assert_eq!(kept[0].fault, Some(fault));
    assert_eq!((kept[0].status, kept.len()), (None, 1));
}

#[tokio::test]
async fn a_write_whose_call_was_cut_short_is_evidence_too() {
    let listener = Listener::start(vec![Step::Silence]).await;
    let mut reach = reach(&capability(&listener, Mode::Effect));
    reach.open_write(1);
    let sent = reach.send(write(&listener.origin, &[0], vec![text("in doubt")]));
    let cut = tokio::time::timeout(Duration::from_millis(60), sent).await;
    assert!(cut.is_err());
    let kept = reach.take_exchanges();
    let fault = "the call ended before its answer was there".to_owned();
    assert_eq!(kept[0].fault, Some(fault));
    assert_eq!(kept[0].at_ms, 1_700_000_000_123);
    assert_eq!(bodies(&kept), ["in doubt"]);
}

#[tokio::test]
async fn a_body_without_holes_is_shared_with_what_is_sent() {
    let body = vec![b'x'; 500_000];
    let place = body.as_ptr();
    let listener = Listener::start(vec![ok("", "{}")]).await;
    let mut reach = reach(&capability(&listener, Mode::Effect));
    reach.open_write(1);
    let request = write(&listener.origin, &[0], vec![Piece::Bytes(body)]);
    reach.send(request).await.unwrap();
    assert_eq!(reach.take_exchanges()[0].body.as_ptr(), place);
}
