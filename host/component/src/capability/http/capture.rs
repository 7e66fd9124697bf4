//! Takes a value out of an answer and leaves `***` in its place.

use std::collections::BTreeMap;
use std::ops::Range;

use reqwest::header::{HeaderName, HeaderValue, SET_COOKIE};
use serde_json::value::RawValue;

use super::Answer;
use crate::capability::mask::MASK;
use crate::capability::message::Place;
use crate::capability::secret::Secret;

/// The value, when there is one that is not empty. The answer is changed
/// only where it was found.
pub(in crate::capability) fn capture(answer: &mut Answer, at: &Place) -> Option<Secret> {
    let value = match at {
        Place::Header(name) => header(answer, name),
        Place::Cookie(name) => cookie(answer, name),
        Place::Pointer(pointer) => body(answer, pointer),
    };
    value.map(Secret::new)
}

fn header(answer: &mut Answer, name: &str) -> Option<String> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let value = answer.headers.get(&name)?.to_str().ok()?.to_owned();
    if value.is_empty() {
        return None;
    }
    answer.headers.insert(name, HeaderValue::from_static(MASK));
    Some(value)
}

/// The last one counts where a cookie is set twice, as in browsers.
fn cookie(answer: &mut Answer, name: &str) -> Option<String> {
    let mut found = None;
    for header in answer.headers.get_all(SET_COOKIE) {
        if let Some((value, _)) = header.to_str().ok().and_then(|text| named(text, name)) {
            found = Some(value.to_owned());
        }
    }
    found.as_ref()?;
    if let reqwest::header::Entry::Occupied(mut entry) = answer.headers.entry(SET_COOKIE) {
        for header in entry.iter_mut() {
            let masked = header.to_str().ok().and_then(|text| {
                let (_, rest) = named(text, name)?;
                HeaderValue::from_str(&format!("{name}={MASK}{rest}")).ok()
            });
            if let Some(masked) = masked {
                *header = masked;
            }
        }
    }
    found
}

/// Value and attributes of a `set-cookie` text, when the cookie has the name
/// and a value.
fn named<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let end = text.find(';').unwrap_or(text.len());
    let (pair, attributes) = text.split_at_checked(end)?;
    let (found, value) = pair.split_once('=')?;
    let value = value.trim();
    (found.trim() == name && !value.is_empty()).then_some((value, attributes))
}

fn body(answer: &mut Answer, pointer: &str) -> Option<String> {
    let (value, range) = at_pointer(&answer.body, pointer)?;
    answer
        .body
        .splice(range, format!("\"{MASK}\"").into_bytes());
    Some(value)
}

/// The text or number at a JSON pointer, and where it stands. Nothing but
/// the objects and arrays on the way is looked into.
fn at_pointer(body: &[u8], pointer: &str) -> Option<(String, Range<usize>)> {
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let mut raw: &RawValue = serde_json::from_slice(body.get(start..)?).ok()?;
    let steps = match pointer {
        "" => None,
        _ => Some(pointer.strip_prefix('/')?.split('/')),
    };
    for step in steps.into_iter().flatten() {
        let step = step.replace("~1", "/").replace("~0", "~");
        raw = match raw.get().as_bytes().first()? {
            b'{' => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
                members.get(&step).copied()?
            }
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
                items.get(step.parse::<usize>().ok()?).copied()?
            }
            _ => return None,
        };
    }
    let text = raw.get();
    let value = match text.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(text).ok()?,
        b'-' | b'0'..=b'9' => text.to_owned(),
        _ => return None,
    };
    // `text` is borrowed from `body`, so the distance of the two is its place.
    let at = text.as_ptr().addr().checked_sub(body.as_ptr().addr())?;
    let range = at..at + text.len();
    (!value.is_empty() && body.get(range.clone())? == text.as_bytes()).then_some((value, range))
}
