//! Guest request to the one that leaves: header rules, and secrets into the
//! holes. Also the same request for people, with the holes by their names.

use std::collections::BTreeMap;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use duijie_contract::{Exchange, Preview};
use percent_encoding::utf8_percent_encode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Method};
use url::Url;

use crate::capability::mask::{FORM, MASK, Masker, json_inside, stands_alone};
use crate::capability::message::{Capture, Encoding, Failure, Piece, Request};
use crate::capability::nearest;
use crate::capability::secret::Secret;

const MOST_HEADERS: usize = 64;
const MOST_HEADER_BYTES: usize = 32 * 1024;
const MOST_METHOD: usize = 32;
const MOST_CAPTURES: usize = 16;
const MOST_HOLES: usize = 64;
const MOST_CAPTURE_NAME: usize = 64;

/// Most bytes of a body in a preview.
const MOST_SHOWN: usize = 64 * 1024;

/// These say where a message goes and ends, which is the host's to say.
const HOST_OWNED: [&str; 10] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
    "http2-settings",
    "te",
    "trailer",
    "expect",
];

/// A request with its secrets in place. Never printed.
pub(in crate::capability) struct Filled {
    pub(super) request: reqwest::Request,
    /// The body with its holes by name; without holes, shared with the request.
    pub(in crate::capability) shown: Bytes,
}

impl Filled {
    /// A message of the host's own, in JSON.
    pub(in crate::capability) fn json(url: Url, body: Vec<u8>) -> Self {
        Self::posted(url, "application/json; charset=utf-8", Bytes::from(body))
    }

    /// A message of the host's own, in this form.
    pub(in crate::capability) fn posted(url: Url, form: &'static str, shown: Bytes) -> Self {
        let mut request = reqwest::Request::new(Method::POST, url);
        let form = HeaderValue::from_static(form);
        request.headers_mut().insert(CONTENT_TYPE, form);
        *request.body_mut() = Some(Body::from(shown.clone()));
        Self { request, shown }
    }

    /// One of the methods that are known; a guest may make words of its own.
    pub(in crate::capability) fn method(&self) -> &'static str {
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
        let own = self.request.method().as_str();
        let known = known.into_iter().find(|method| *method == own);
        known.unwrap_or("_OTHER")
    }
}

type Values = BTreeMap<String, Secret>;

/// Fills the request; its address was checked before.
pub(in crate::capability) fn fill(
    request: Request,
    url: Url,
    secrets: &Values,
    held: &Values,
    most_bytes: usize,
) -> Result<(Filled, Vec<Capture>), Failure> {
    let holes = Holes { secrets, held };
    let method = method(&request.method)?;
    let headers = headers(&request.headers, &holes)?;
    check_captures(&request.captures)?;
    check_holes(&request)?;
    let (body, shown) = body(request.body, &holes)?;
    // The length with what is in the holes would show how long that is.
    if shown.len() > most_bytes {
        return Err(Failure::Refused(format!(
            "the body has {} bytes, at most {most_bytes} are sent",
            shown.len()
        )));
    }
    let mut filled = reqwest::Request::new(method, url);
    *filled.headers_mut() = headers;
    if !body.is_empty() {
        *filled.body_mut() = Some(Body::from(body));
    }
    let filled = Filled {
        request: filled,
        shown,
    };
    Ok((filled, request.captures))
}

/// What evidence keeps of a request before it leaves. The body follows, see
/// [`Filled::shown`].
pub(in crate::capability) fn exchange(request: &Request, entries: Vec<u32>) -> Exchange {
    let headers = request.headers.iter().map(|(name, value)| {
        let value = shown(value, named);
        (name.clone(), String::from_utf8_lossy(&value).into_owned())
    });
    Exchange {
        at_ms: 0,
        took_ms: 0,
        method: request.method.clone(),
        url: request.url.clone(),
        headers: headers.collect(),
        body: Bytes::new(),
        entries,
        status: None,
        answer: Bytes::new(),
        fault: None,
    }
}

/// The request for a person to see. Holes are never filled for it.
pub(in crate::capability) fn preview(request: &Request, masker: &Masker) -> Preview {
    let shown = |pieces: &[Piece], most: usize| {
        // Masked before it is cut: half of a value is not found.
        let mut text = masker.mask(shown(pieces, |_, _| MASK.to_owned()));
        let cut = text.len().saturating_sub(most);
        text.truncate(most);
        let mut text = String::from_utf8_lossy(&text).into_owned();
        if cut > 0 {
            text.push_str(&format!("… {cut} bytes more"));
        }
        text
    };
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), shown(value, MOST_SHOWN)));
    Preview {
        method: request.method.clone(),
        url: masker.mask_text(&request.url).into_owned(),
        headers: headers.collect(),
        body: shown(&request.body, MOST_SHOWN),
    }
}

/// The text of pieces, with their holes as `hole` writes them.
fn shown(pieces: &[Piece], hole: fn(&str, &str) -> String) -> Vec<u8> {
    let mut text = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => text.extend_from_slice(bytes),
            Piece::Secret(name, _) => text.extend_from_slice(hole("secret", name).as_bytes()),
            Piece::Captured(name, _) => text.extend_from_slice(hole("session", name).as_bytes()),
        }
    }
    text
}

fn named(kind: &str, name: &str) -> String {
    format!("${{{kind}:{name}}}")
}

fn refused<T>(reason: String) -> Result<T, Failure> {
    Err(Failure::Refused(reason))
}

fn method(name: &str) -> Result<Method, Failure> {
    // These ask for a tunnel, or for the request back with its secrets.
    let barred = ["CONNECT", "TRACE", "TRACK"];
    let barred = barred.iter().any(|other| name.eq_ignore_ascii_case(other));
    match Method::from_bytes(name.as_bytes()) {
        Ok(method) if !barred && name.len() <= MOST_METHOD => Ok(method),
        _ => {
            let name: String = name.chars().take(MOST_METHOD).collect();
            refused(format!("method `{}` is not allowed", name.escape_debug()))
        }
    }
}

fn headers(given: &[(String, Vec<Piece>)], holes: &Holes<'_>) -> Result<HeaderMap, Failure> {
    if given.len() > MOST_HEADERS {
        return refused(format!("more than {MOST_HEADERS} headers"));
    }
    let mut headers = HeaderMap::with_capacity(given.len());
    let mut left = MOST_HEADER_BYTES;
    for (name, value) in given {
        let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
            let name: String = name.chars().take(100).collect();
            return refused(format!(
                "header name `{}` is not valid",
                name.escape_debug()
            ));
        };
        if HOST_OWNED.contains(&parsed.as_str()) || parsed.as_str().starts_with("proxy-") {
            return refused(format!("header `{parsed}` is set by the host"));
        }
        let bytes = holes.fill(value)?;
        // As it is shown: its real length would tell that of a secret in it.
        left = match left.checked_sub(name.len() + shown(value, named).len()) {
            Some(left) => left,
            None => return refused(format!("more than {MOST_HEADER_BYTES} bytes of headers")),
        };
        let Ok(mut value) = HeaderValue::from_maybe_shared(Bytes::from(bytes)) else {
            return refused(format!(
                "the value of header `{parsed}` holds a line break or control character"
            ));
        };
        value.set_sensitive(true);
        headers.append(parsed, value);
    }
    Ok(headers)
}

/// The body to send, and the one to show.
fn body(mut pieces: Vec<Piece>, holes: &Holes<'_>) -> Result<(Bytes, Bytes), Failure> {
    // A body without holes is the common case, and crosses without a copy.
    if let [Piece::Bytes(bytes)] = pieces.as_mut_slice() {
        let body = Bytes::from(std::mem::take(bytes));
        return Ok((body.clone(), body));
    }
    let body = Bytes::from(holes.fill(&pieces)?);
    let whole = |piece: &Piece| matches!(piece, Piece::Bytes(_));
    let shown = match pieces.iter().all(whole) {
        true => body.clone(),
        false => Bytes::from(shown(&pieces, named)),
    };
    Ok((body, shown))
}

fn check_captures(captures: &[Capture]) -> Result<(), Failure> {
    if captures.len() > MOST_CAPTURES {
        return refused(format!("more than {MOST_CAPTURES} captures"));
    }
    let odd = captures
        .iter()
        .find(|capture| capture.name.is_empty() || capture.name.len() > MOST_CAPTURE_NAME);
    match odd {
        Some(odd) => refused(format!(
            "capture name `{}` must have 1 to {MOST_CAPTURE_NAME} bytes",
            odd.name
        )),
        None => Ok(()),
    }
}

fn check_holes(request: &Request) -> Result<(), Failure> {
    let headers = request.headers.iter().flat_map(|(_, value)| value);
    let pieces = headers.chain(&request.body);
    let holes = pieces.filter(|piece| !matches!(piece, Piece::Bytes(_)));
    match holes.count() > MOST_HOLES {
        true => refused(format!("more than {MOST_HOLES} secrets in one request")),
        false => Ok(()),
    }
}

/// What is filled in stands by itself, so that who echoes it gives it back
/// whole: it is hidden in answers where no letter or digit touches it, and
/// would not be found where the system took its first characters for the
/// rest of an escape. Looks at what is beside it only, never at the value.
fn check_alone(filled: &[u8], hole: &Range<usize>) -> Result<(), Failure> {
    let before = filled.get(..hole.start).unwrap_or_default();
    let escape = [&b"\\"[..], b"%", b"&#"];
    if escape.iter().any(|escape| before.ends_with(escape)) {
        return refused("a secret stands behind the beginning of an escape".to_owned());
    }
    match stands_alone(filled, hole.start, hole.end) {
        true => Ok(()),
        false => refused(
            "a secret stands beside a letter or digit: put a quote, blank or `=` between"
                .to_owned(),
        ),
    }
}

/// What holes can be filled with.
struct Holes<'a> {
    secrets: &'a Values,
    held: &'a Values,
}

impl Holes<'_> {
    fn fill(&self, pieces: &[Piece]) -> Result<Vec<u8>, Failure> {
        let plain = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Secret(..) | Piece::Captured(..) => 64,
        };
        let mut filled = Vec::with_capacity(pieces.iter().map(plain).sum());
        let mut holes = Vec::new();
        for piece in pieces {
            let start = filled.len();
            match piece {
                Piece::Bytes(bytes) => filled.extend_from_slice(bytes),
                Piece::Secret(name, encoding) => {
                    let value = self.secrets.get(name).ok_or_else(|| self.no_secret(name))?;
                    encode(value, *encoding, &mut filled);
                }
                Piece::Captured(name, encoding) => {
                    let value = self.held.get(name).ok_or_else(|| {
                        Failure::Refused(format!(
                            "the session holds no `{name}`: log in and capture it first"
                        ))
                    })?;
                    encode(value, *encoding, &mut filled);
                }
            }
            if !matches!(piece, Piece::Bytes(_)) {
                holes.push(start..filled.len());
            }
        }
        // Whether the one beside it begins with a letter is not to be asked.
        if holes
            .iter()
            .zip(holes.iter().skip(1))
            .any(|(one, next)| one.end == next.start)
        {
            return refused("two secrets stand beside each other".to_owned());
        }
        for hole in &holes {
            check_alone(&filled, hole)?;
        }
        Ok(filled)
    }

    fn no_secret(&self, name: &str) -> Failure {
        let near = nearest(name, self.secrets.keys().map(String::as_str));
        let hint = near.map_or_else(String::new, |near| format!(", did you mean `{near}`?"));
        Failure::Refused(format!(
            "the connection has no secret setting `{name}`{hint}"
        ))
    }
}

fn encode(value: &Secret, encoding: Encoding, out: &mut Vec<u8>) {
    let value = value.expose();
    match encoding {
        Encoding::Raw => out.extend_from_slice(value.as_bytes()),
        Encoding::JsonString => out.extend_from_slice(json_inside(value).as_bytes()),
        Encoding::Form => {
            for stretch in utf8_percent_encode(value, FORM) {
                out.extend_from_slice(stretch.as_bytes());
            }
        }
        Encoding::Base64 => out.extend_from_slice(STANDARD.encode(value).as_bytes()),
    }
}
