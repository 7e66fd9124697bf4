//! Attacks on secrets by requests, against a system that is granted and that
//! gives back whatever it is sent, as it is or decoded. The guest chooses
//! every byte around the secret, captures what it likes, and sees answers,
//! failures, evidence and previews; in none of them may be a part of it.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use super::*;

/// One whole request of a guest; its body comes back by `system`.
struct Attack {
    name: &'static str,
    secret: &'static str,
    headers: Vec<(&'static str, Vec<Piece>)>,
    body: Vec<Piece>,
    captures: Vec<(&'static str, Place)>,
    system: fn(&str) -> Vec<u8>,
}

const HEX: &str = "a1b2c3d4e5f60718";
const SHORT: &str = "hunter7";

fn attack(name: &'static str, secret: &'static str, body: Vec<Piece>) -> Attack {
    Attack {
        name,
        secret,
        headers: Vec::new(),
        body,
        captures: Vec::new(),
        system: as_it_is,
    }
}

fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").unwrap().1
}

fn reply(headers: &str, body: &str) -> Vec<u8> {
    match ok(headers, body) {
        Step::Reply(bytes) => bytes,
        _ => unreachable!(),
    }
}

fn as_it_is(request: &str) -> Vec<u8> {
    reply("", body(request))
}

fn percent_decoded(request: &str) -> Vec<u8> {
    let decoded = percent_decode_str(body(request)).decode_utf8_lossy();
    reply("", &decoded)
}

fn json_decoded(request: &str) -> Vec<u8> {
    let text: Result<String, _> = serde_json::from_str(body(request));
    reply("", &text.unwrap_or_else(|error| error.to_string()))
}

fn in_hex(request: &str) -> Vec<u8> {
    let byte = |byte: u8| format!("{byte:02X}");
    reply("", &body(request).bytes().map(byte).collect::<String>())
}

fn for_urls(request: &str) -> Vec<u8> {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::URL_SAFE.encode(body(request));
    reply("", &text)
}

fn in_html(request: &str) -> Vec<u8> {
    let text = body(request).replace('&', "&amp;").replace('"', "&quot;");
    reply("", &format!("<p>{text}</p>"))
}

/// A cookie whose value ends at the first semicolon, as cookies do.
fn as_a_cookie(request: &str) -> Vec<u8> {
    reply(&format!("set-cookie: c={}; path=/\r\n", body(request)), "")
}

fn in_a_header(request: &str) -> Vec<u8> {
    reply(&format!("location: /?q={}\r\n", body(request)), "")
}

fn held(name: &str, encoding: Encoding) -> Piece {
    Piece::Captured(name.to_owned(), encoding)
}

#[allow(clippy::too_many_lines)] // A table.
fn attacks() -> Vec<Attack> {
    let raw = || password(Encoding::Raw);
    let many = |count: usize| std::iter::repeat_with(raw).take(count).collect::<Vec<_>>();
    vec![
        attack("an echo as it is", HEX, vec![text("q="), raw()]),
        attack(
            "an echo of JSON",
            r#"p"w/d\ of 密"#,
            vec![text("\""), password(Encoding::JsonString), text("\"")],
        ),
        attack(
            "an echo of a form",
            "p&w=d+of ü/1",
            vec![text("q="), password(Encoding::Form)],
        ),
        attack(
            "an echo of base64",
            "long-canary-1",
            vec![password(Encoding::Base64)],
        ),
        attack(
            "an echo of base64 of a short one",
            SHORT,
            vec![password(Encoding::Base64)],
        ),
        attack(
            "letters around a short one",
            SHORT,
            vec![text("x"), raw(), text("x")],
        ),
        attack(
            "a digit behind a short one",
            SHORT,
            vec![text("q="), raw(), text("1")],
        ),
        attack("itself behind a short one", SHORT, vec![raw(), raw()]),
        Attack {
            system: percent_decoded,
            ..attack(
                "its first digits as the end of an escape",
                HEX,
                vec![text("q=%"), raw()],
            )
        },
        Attack {
            system: percent_decoded,
            ..attack("one digit of it", HEX, vec![text("q=%4"), raw()])
        },
        Attack {
            system: json_decoded,
            ..attack(
                "its first digits as those of a character",
                HEX,
                vec![text("\"\\u00"), raw(), text("\"")],
            )
        },
        Attack {
            system: json_decoded,
            ..attack(
                "its first letter as an escape",
                "nine-letters-and-more",
                vec![text("\"\\"), raw(), text("\"")],
            )
        },
        Attack {
            system: in_hex,
            ..attack("an echo in hex", HEX, vec![raw()])
        },
        Attack {
            system: in_hex,
            ..attack("an echo in hex of a short one", SHORT, vec![raw()])
        },
        Attack {
            system: for_urls,
            ..attack(
                "an echo in the base64 of URLs",
                "~~~???>>>canary",
                vec![raw()],
            )
        },
        Attack {
            system: in_html,
            ..attack("an echo in HTML", "p\"w&d-of-html", vec![raw()])
        },
        Attack {
            system: in_a_header,
            ..attack("an echo in a header", HEX, vec![raw()])
        },
        Attack {
            captures: vec![("part", Place::Cookie("c".to_owned()))],
            system: as_a_cookie,
            ..attack(
                "a capture of its first half, which leaves the second",
                "first-half;second-half",
                vec![raw()],
            )
        },
        Attack {
            headers: vec![("x-a", vec![text("x"), raw()])],
            ..attack("letters beside it in a header", SHORT, vec![])
        },
        Attack {
            headers: vec![("host", vec![raw()])],
            ..attack("as the host", "nowhere.example", vec![])
        },
        Attack {
            headers: vec![("x-a\r\nx-b", vec![raw()])],
            ..attack("in the error of a header's name", HEX, vec![])
        },
        Attack {
            headers: vec![("x-a", vec![text("\n"), raw()])],
            ..attack("in the error of a header's value", HEX, vec![])
        },
        attack("very often", SHORT, many(2_000)),
        attack(
            "as a session's value",
            HEX,
            vec![held("password", Encoding::Raw)],
        ),
        attack(
            "by a placeholder in text",
            HEX,
            vec![text("${secret:password} {{password}} $secret")],
        ),
    ]
}

fn with_secret(origin: &str, secret: &str, mode: Mode) -> Arc<Capability> {
    Capability::new(CapabilityOptions {
        secrets: BTreeMap::from([("password".to_owned(), Secret::new(secret.to_owned()))]),
        ..options(origin, mode)
    })
    .unwrap()
}

/// Four bytes of it in a row, as they are or in hex or base64, count as found.
fn check_hidden(attack: &str, secret: &str, shown: &str) {
    let bytes = secret.as_bytes();
    for part in bytes.windows(4) {
        let hex: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
        let plain = String::from_utf8_lossy(part);
        let found = shown.contains(plain.as_ref()) || shown.to_ascii_lowercase().contains(&hex);
        assert!(!found, "{attack}: `{plain}` shows in {shown}");
    }
    use base64::Engine as _;
    let whole = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret);
    let start = &whole[..whole.len() / 4 * 4 - 4];
    let shown = shown.replace('+', "-").replace('/', "_");
    assert!(!shown.contains(start), "{attack}: {shown}");
}

fn request(attack: &Attack, url: &str, purpose: Purpose) -> Request {
    let mut request = post(url, Some(purpose), attack.body.clone());
    let headers = attack.headers.iter();
    let headers = headers.map(|(name, value)| ((*name).to_owned(), value.clone()));
    request.headers = headers.collect();
    let captures = attack.captures.iter().map(|(name, at)| Capture {
        name: (*name).to_owned(),
        at: at.clone(),
    });
    request.captures = captures.collect();
    request
}

#[tokio::test]
async fn no_answer_failure_or_evidence_shows_a_part_of_a_secret() {
    let mut answered = 0;
    for attack in attacks() {
        let listener = Listener::start(vec![Step::Made(attack.system)]).await;
        let capability = with_secret(&listener.origin, attack.secret, Mode::Effect);
        let mut reach = reach(&capability);
        reach.open_write(1);
        let request = request(&attack, &listener.origin, Purpose::Write(vec![0]));
        let answer = reach.send(request).await;
        answered += usize::from(answer.is_ok());
        let exchanges = reach.take_exchanges();
        let evidence = exchanges.iter().map(|one| {
            let texts =
                [&one.body, &one.answer].map(|text| String::from_utf8_lossy(text).into_owned());
            format!("{texts:?} {:?} {} {:?}", one.headers, one.url, one.fault)
        });
        let evidence: String = evidence.collect();
        let shown = match &answer {
            Ok(answer) => format!(
                "{} {:?}",
                String::from_utf8_lossy(&answer.body),
                answer.headers
            ),
            Err(failure) => format!("{failure} {failure:?}"),
        };
        check_hidden(attack.name, attack.secret, &shown);
        check_hidden(attack.name, attack.secret, &evidence);
    }
    assert!(answered >= 10, "only {answered} were answered");
}

#[tokio::test]
async fn no_preview_shows_a_part_of_a_secret() {
    for attack in attacks() {
        let capability = with_secret("http://127.0.0.1:1", attack.secret, Mode::Preview);
        let mut reach = reach(&capability);
        reach.open_write(1);
        let request = request(&attack, "http://127.0.0.1:1", Purpose::Write(vec![0]));
        let failure = reach.send(request).await.unwrap_err();
        check_hidden(attack.name, attack.secret, &format!("{failure:?}"));
        let previews = capability.take_previews();
        assert_eq!(previews.len(), 1, "{}", attack.name);
        check_hidden(attack.name, attack.secret, &format!("{previews:?}"));
    }
}

/// What is allowed in a body does not depend on how long the secret is.
#[tokio::test]
async fn the_bound_on_bodies_does_not_measure_a_secret() {
    let most = 1_000;
    let mut refusals = Vec::new();
    for secret in ["four", "as-long-as-this-secret-is"] {
        for filler in [most - 40, most - 20, most - 18, most] {
            let listener = Listener::start(vec![ok("", "")]).await;
            let capability = Capability::new(CapabilityOptions {
                secrets: BTreeMap::from([("password".to_owned(), Secret::new(secret.to_owned()))]),
                limits: Limits {
                    request_bytes: most,
                    ..Limits::default()
                },
                ..options(&listener.origin, Mode::Effect)
            });
            let capability = capability.unwrap();
            let body = vec![text(&" ".repeat(filler)), password(Encoding::Raw)];
            let request = post(&listener.origin, Some(Purpose::Read), body);
            let failure = reach(&capability).send(request).await.err();
            refusals.push(failure.map(|failure| failure.to_string()));
        }
    }
    let (one, other) = refusals.split_at(refusals.len() / 2);
    assert_eq!(one, other);
    assert!(one[0].is_none() && one[3].is_some(), "{one:?}");
}

#[tokio::test]
async fn the_bound_on_headers_does_not_measure_a_secret() {
    const MOST: usize = 32 * 1024 - "x-a".len() - "${secret:password}".len();
    for secret in ["four", "as-long-as-this-secret-is"] {
        for (filler, fits) in [(MOST, true), (MOST + 1, false)] {
            let listener = Listener::start(vec![ok("", "")]).await;
            let capability = with_secret(&listener.origin, secret, Mode::Effect);
            let mut request = post(&listener.origin, Some(Purpose::Read), vec![]);
            let value = vec![text(&" ".repeat(filler)), password(Encoding::Raw)];
            request.headers.push(("x-a".to_owned(), value));
            let answer = reach(&capability).send(request).await;
            assert_eq!(answer.is_ok(), fits, "{filler} {answer:?}");
        }
    }
}

/// What was captured is as much a secret as what it was won with.
#[tokio::test]
async fn a_captured_value_cannot_be_captured_again_in_parts() {
    fn token(_: &str) -> Vec<u8> {
        reply("", &format!(r#"{{"token":"{TOKEN}"}}"#))
    }
    for encoding in [Encoding::Raw, Encoding::Base64, Encoding::Form] {
        let listener = Listener::start(vec![Step::Made(token), Step::Made(as_it_is)]).await;
        let capability = with_secret(&listener.origin, HEX, Mode::Effect);
        let mut reach = reach(&capability);
        let mut first = post(&listener.origin, Some(Purpose::Session), vec![]);
        first.captures = vec![Capture {
            name: "token".to_owned(),
            at: Place::Pointer("/token".to_owned()),
        }];
        let answer = reach.send(first).await.unwrap();
        assert_eq!(answer.body, br#"{"token":"***"}"#);
        let echo = vec![text("q="), held("token", encoding)];
        let echo = post(&listener.origin, Some(Purpose::Read), echo);
        let answer = reach.send(echo).await.unwrap();
        let shown = String::from_utf8_lossy(&answer.body).into_owned();
        check_hidden("a token", TOKEN, &shown);
    }
}
