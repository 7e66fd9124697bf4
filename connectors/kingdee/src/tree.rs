//! JSON of small things as a tree: settings, and what an operation answers.
//! Numbers keep their digits. Pages and documents never pass through here:
//! they are copied by `scan` and whoever uses it.

use std::borrow::Cow;

use duijie_sdk::json::text_of;

use crate::scan;

/// Nesting beyond this is refused.
const DEPTH: u32 = 64;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree<'t> {
    Null,
    Flag(bool),
    /// The digits as they came.
    Number(&'t str),
    Text(Cow<'t, str>),
    List(Vec<Tree<'t>>),
    Object(Vec<(Cow<'t, str>, Tree<'t>)>),
}

impl<'t> Tree<'t> {
    /// None where the text is not one JSON value.
    pub(crate) fn parse(text: &'t str) -> Option<Self> {
        let (tree, end) = read(text, scan::blank(text.as_bytes(), 0), DEPTH)?;
        (scan::blank(text.as_bytes(), end) == text.len()).then_some(tree)
    }

    /// A member of an object; the last of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .rev()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// A text, the digits of a number or the word of a flag.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(digits) => Some(digits),
            Self::Flag(true) => Some("true"),
            Self::Flag(false) => Some("false"),
            Self::Null | Self::List(_) | Self::Object(_) => None,
        }
    }

    pub(crate) fn items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }
}

fn read(text: &str, at: usize, depth: u32) -> Option<(Tree<'_>, usize)> {
    let depth = depth.checked_sub(1)?;
    let bytes = text.as_bytes();
    match bytes.get(at)? {
        b'{' => object(text, at, depth),
        b'[' => list(text, at, depth),
        b'"' => string(text, at).map(|(text, end)| (Tree::Text(text), end)),
        first => {
            let (end, kind) = scan::value(bytes, at)?;
            let tree = match kind {
                scan::Kind::Flag => Tree::Flag(*first == b't'),
                scan::Kind::Number => Tree::Number(text.get(at..end)?),
                _ => Tree::Null,
            };
            Some((tree, end))
        }
    }
}

fn object(text: &str, at: usize, depth: u32) -> Option<(Tree<'_>, usize)> {
    let bytes = text.as_bytes();
    let mut members = Vec::new();
    let mut at = scan::blank(bytes, at + 1);
    if bytes.get(at) == Some(&b'}') {
        return Some((Tree::Object(members), at + 1));
    }
    loop {
        let (name, end) = string(text, at)?;
        let (value, end) = read(text, scan::colon(bytes, end)?, depth)?;
        members.push((name, value));
        at = scan::blank(bytes, end);
        match bytes.get(at)? {
            b',' => at = scan::blank(bytes, at + 1),
            b'}' => return Some((Tree::Object(members), at + 1)),
            _ => return None,
        }
    }
}

fn list(text: &str, at: usize, depth: u32) -> Option<(Tree<'_>, usize)> {
    let bytes = text.as_bytes();
    let mut items = Vec::new();
    let mut at = scan::blank(bytes, at + 1);
    if bytes.get(at) == Some(&b']') {
        return Some((Tree::List(items), at + 1));
    }
    loop {
        let (value, end) = read(text, at, depth)?;
        items.push(value);
        at = scan::blank(bytes, end);
        match bytes.get(at)? {
            b',' => at = scan::blank(bytes, at + 1),
            b']' => return Some((Tree::List(items), at + 1)),
            _ => return None,
        }
    }
}

fn string(text: &str, at: usize) -> Option<(Cow<'_, str>, usize)> {
    let (end, escapes) = scan::string(text.as_bytes(), at)?;
    let raw = text.get(at..end)?;
    let value = if escapes {
        text_of(raw.as_bytes()).ok()?
    } else {
        Cow::Borrowed(raw.get(1..raw.len() - 1)?)
    };
    Some((value, end))
}

/// A text as JSON, quotes included.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                let code = control as u32;
                out.push_str("\\u00");
                for digit in [code >> 4, code & 15] {
                    out.push(char::from_digit(digit, 16).unwrap_or('0'));
                }
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Texts as a JSON list.
pub(crate) fn quote_all<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(quote).collect();
    format!("[{}]", quoted.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_are_quoted_as_others_read_them(text in r#"[\x00-\x20a"\\张😀/]{0,12}"#) {
            prop_assert_eq!(serde_json::from_str::<String>(&quote(&text)).unwrap(), text.clone());
            let quoted = quote(&text);
            prop_assert_eq!(Tree::parse(&quoted), Some(Tree::Text(text.into())));
        }
    }

    #[test]
    fn values_keep_their_digits_and_the_last_of_a_name_counts() {
        let tree = Tree::parse(r#" {"a":[1.500,{"b":null}],"c":true,"a":"\u5f20"} "#).unwrap();
        assert_eq!(tree.get("a"), Some(&Tree::Text("张".into())));
        assert_eq!(tree.get("c").and_then(Tree::scalar), Some("true"));
        let list = Tree::parse("[1.500,-0,[]]").unwrap();
        assert_eq!(list.items().unwrap()[0].scalar(), Some("1.500"));
        for broken in ["", "{", "[1,]", "{\"a\":}", "1 2", "nul", "{\"a\" 1}"] {
            assert_eq!(Tree::parse(broken), None, "{broken}");
        }
    }
}
