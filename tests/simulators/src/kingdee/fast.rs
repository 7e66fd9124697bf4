//! Saving in bench mode: as little work as lets a bench count on the result.
//!
//! Kept: HTTP, sessions, signed headers, fault rules, one answer line per bill, look-up by FBillNo.
//! Skipped: parsing the body as JSON, every check of fields, base data and options, updates (a FID in the
//! body is not looked at), NeedReturnData. The raw body is kept; a bill is each `"FBillNo":"…"` found in it,
//! in order, which an escape inside the number would cut short. A number that exists is refused as always.

use super::document::Bills;
use super::reply::{Failure, Success, result, status};
use crate::exchange::Effect;
use crate::node::Node;
use bytes::Bytes;
use memchr::memmem::find_iter;
use std::time::Duration;
use tokio::time::Instant;

/// The bill numbers in a body, whether `data` is an object or a text.
pub(crate) fn numbers(body: &[u8]) -> Vec<String> {
    let mut numbers = Vec::new();
    for (pattern, end) in [
        (&b"\"FBillNo\":\""[..], b'"'),
        (&b"\\\"FBillNo\\\":\\\""[..], b'\\'),
    ] {
        for at in find_iter(body, pattern) {
            let rest = body.get(at + pattern.len()..).unwrap_or_default();
            let length = memchr::memchr(end, rest).unwrap_or(0);
            numbers
                .push(String::from_utf8_lossy(rest.get(..length).unwrap_or_default()).into_owned());
        }
    }
    numbers
}

pub(crate) fn save(
    bills: &mut Bills,
    bodies: &mut Vec<Bytes>,
    body: &Bytes,
    effect: Effect,
    now_ms: i64,
) -> Node {
    let numbers = numbers(body);
    let applied = if effect.half {
        numbers.len() / 2
    } else {
        numbers.len()
    };
    let visible = Instant::now() + Duration::from_millis(effect.hidden_ms);
    let mut failures = Vec::new();
    let mut successes = Vec::new();
    for (at, number) in numbers.iter().take(applied).enumerate() {
        if bills.fid(number).is_some() {
            let message = format!("单据编号为“{number}”的单据已经存在，违反字段唯一性要求");
            failures.push(Failure {
                field: Some("FBillNo".to_owned()),
                message,
                at,
                code: 11,
            });
        } else {
            let id = bills.create(number.clone(), 'A', Node::Null, visible, now_ms);
            successes.push(Success {
                id,
                number: number.clone(),
                at,
            });
        }
    }
    bodies.push(body.clone());
    let success = failures.is_empty() && applied == numbers.len();
    let code = match failures.first() {
        Some(failure) => failure.code,
        None if success => 0,
        None => 6,
    };
    result(status(success, code, &failures, &successes), Vec::new())
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn numbers_are_found_in_objects_and_in_texts() {
        assert_eq!(
            numbers(br#"{"data":{"Model":[{"FBillNo":"CK1"},{"FBillNo":"CK2"}]}}"#),
            ["CK1", "CK2"]
        );
        assert_eq!(
            numbers(br#"{"data":"{\"Model\":[{\"FBillNo\":\"CK1\"}]}"}"#),
            ["CK1"]
        );
    }
}
