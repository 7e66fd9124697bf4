//! Two documents side by side, field by field. Numbers are compared as texts:
//! `1.0` and `1.00` differ, and no digit is lost.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// JSON pointer, empty for the whole document.
    pub path: String,
    /// JSON text; `None` where the field is new.
    pub old: Option<String>,
    /// JSON text; `None` where the field is gone.
    pub new: Option<String>,
}

/// `None` where one of them is no JSON.
pub(crate) fn changes(old: &[u8], new: &[u8]) -> Option<Vec<FieldChange>> {
    let old: &RawValue = serde_json::from_slice(old).ok()?;
    let new: &RawValue = serde_json::from_slice(new).ok()?;
    let mut found = Vec::new();
    compare(&mut String::new(), old, new, &mut found);
    Some(found)
}

enum Node<'text> {
    Object(BTreeMap<Cow<'text, str>, &'text RawValue>),
    Array(Vec<&'text RawValue>),
    Text(Cow<'text, str>),
    Other(&'text str),
}

fn node(raw: &RawValue) -> Node<'_> {
    let text = raw.get();
    let parsed = match text.as_bytes().first() {
        Some(b'{') => serde_json::from_str(text).ok().map(Node::Object),
        Some(b'[') => serde_json::from_str(text).ok().map(Node::Array),
        Some(b'"') => serde_json::from_str(text).ok().map(Node::Text),
        _ => None,
    };
    parsed.unwrap_or(Node::Other(text))
}

/// `path` is as before when it returns.
fn compare(path: &mut String, old: &RawValue, new: &RawValue, found: &mut Vec<FieldChange>) {
    let same = match (node(old), node(new)) {
        (Node::Object(old), Node::Object(new)) => {
            for (name, value) in &old {
                at(path, name, |path| match new.get(name) {
                    Some(now) => compare(path, value, now, found),
                    None => found.push(change(path, Some(value), None)),
                });
            }
            for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
                at(path, name, |path| {
                    found.push(change(path, None, Some(value)))
                });
            }
            return;
        }
        (Node::Array(old), Node::Array(new)) => {
            for place in 0..old.len().max(new.len()) {
                at(path, &place.to_string(), |path| {
                    match (old.get(place), new.get(place)) {
                        (Some(old), Some(new)) => compare(path, old, new, found),
                        (old, new) => {
                            found.push(change(path, old.copied(), new.copied()));
                        }
                    }
                });
            }
            return;
        }
        (Node::Text(old), Node::Text(new)) => old == new,
        (Node::Other(old), Node::Other(new)) => old == new,
        _ => false,
    };
    if !same {
        found.push(change(path, Some(old), Some(new)));
    }
}

fn at(path: &mut String, step: &str, work: impl FnOnce(&mut String)) {
    let before = path.len();
    path.push('/');
    path.push_str(&step.replace('~', "~0").replace('/', "~1"));
    work(path);
    path.truncate(before);
}

fn change(path: &str, old: Option<&RawValue>, new: Option<&RawValue>) -> FieldChange {
    let text = |raw: &RawValue| raw.get().to_owned();
    FieldChange {
        path: path.to_owned(),
        old: old.map(text),
        new: new.map(text),
    }
}

#[cfg(test)]
mod tests {
    use super::changes;

    fn check(old: &str, new: &str, expected: &[&str]) {
        let found = changes(old.as_bytes(), new.as_bytes()).unwrap();
        let told: Vec<String> = found
            .iter()
            .map(|change| {
                let text = |side: &Option<String>| side.clone().unwrap_or("-".to_owned());
                format!(
                    "{} {} {}",
                    change.path,
                    text(&change.old),
                    text(&change.new)
                )
            })
            .collect();
        assert_eq!(told, expected, "{old} {new}");
    }

    #[test]
    fn what_differs_is_told_by_field() {
        check(r#"{"a":1,"b":[1,2]}"#, r#"{ "b" : [1, 2], "a": 1 }"#, &[]);
        check(r#"{"a":1}"#, r#"{"a":2}"#, &["/a 1 2"]);
        check(r#"{"a":1}"#, r#"{"b":1}"#, &["/a 1 -", "/b - 1"]);
        check(
            r#"{"lines":[{"q":1},{"q":2}]}"#,
            r#"{"lines":[{"q":1},{"q":3},{"q":4}]}"#,
            &["/lines/1/q 2 3", r#"/lines/2 - {"q":4}"#],
        );
        check(
            r#"{"a/b":{"~":1}}"#,
            r#"{"a/b":{"~":[]}}"#,
            &["/a~1b/~0 1 []"],
        );
        check(r#"{"a":"K"}"#, r#"{"a":"\u004b"}"#, &[]);
        check("1", "2", &[" 1 2"]);
    }

    #[test]
    fn digits_are_compared_as_they_stand() {
        check(
            r#"{"id":1234567890123456789,"amount":0.0000}"#,
            r#"{"id":1234567890123456788,"amount":0}"#,
            &[
                "/amount 0.0000 0",
                "/id 1234567890123456789 1234567890123456788",
            ],
        );
    }

    #[test]
    fn what_is_no_json_is_not_compared() {
        assert_eq!(changes(b"{", b"{}"), None);
        assert_eq!(changes(b"{}", b"nothing"), None);
    }
}
