//! JSON that keeps the digits of its numbers and the order of its members, as both sides of a bill must.
//! serde_json's own value would pass numbers through f64.

use crate::writer::string;
use serde::Deserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    /// The digits as they came.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Reads a JSON text. A member that comes twice is an error: one of the two would be lost.
    pub(crate) fn parse(text: &str) -> serde_json::Result<Self> {
        let raw: &RawValue = serde_json::from_str(text)?;
        Self::from_raw(raw)
    }

    fn from_raw(raw: &RawValue) -> serde_json::Result<Self> {
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let mut reader = serde_json::Deserializer::from_str(text);
                let members = reader.deserialize_map(Members)?;
                let mut map = Vec::with_capacity(members.len());
                for (key, value) in members {
                    map.push((key, Self::from_raw(value)?));
                }
                Self::Map(map)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                Self::List(
                    items
                        .into_iter()
                        .map(Self::from_raw)
                        .collect::<Result<_, _>>()?,
                )
            }
            Some(b'"') => Self::Text(serde_json::from_str(text)?),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Null,
            _ => Self::Number(text.to_owned()),
        })
    }

    pub(crate) fn text(value: impl Into<String>) -> Self {
        Self::Text(value.into())
    }

    pub(crate) fn integer(value: impl Into<i64>) -> Self {
        Self::Number(value.into().to_string())
    }

    pub(crate) fn map<const N: usize>(members: [(&str, Node); N]) -> Self {
        Self::Map(
            members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }

    /// A member by name, whatever its case: the vendor's own templates differ in it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Self::Map(members) => members
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(key))
                .map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn set(&mut self, key: &str, value: Node) {
        if let Self::Map(members) = self {
            match members
                .iter_mut()
                .find(|(name, _)| name.eq_ignore_ascii_case(key))
            {
                Some((_, slot)) => *slot = value,
                None => members.push((key.to_owned(), value)),
            }
        }
    }

    pub(crate) fn members(&self) -> &[(String, Node)] {
        match self {
            Self::Map(members) => members,
            _ => &[],
        }
    }

    pub(crate) fn items(&self) -> &[Node] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a string or the digits of a number.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            _ => None,
        }
    }

    /// Absent, null, empty text or zero: what the vendor treats as not given.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            _ => false,
        }
    }

    /// JSON booleans and `"true"`/`"false"`; anything else is the default.
    pub(crate) fn flag(&self, key: &str, default: bool) -> bool {
        match self.get(key) {
            Some(Self::Bool(value)) => *value,
            Some(Self::Text(text)) if text.eq_ignore_ascii_case("true") => true,
            Some(Self::Text(text)) if text.eq_ignore_ascii_case("false") => false,
            _ => default,
        }
    }

    /// An id: a number or a text of digits; 0 for anything else.
    pub(crate) fn id(&self) -> i64 {
        self.scalar()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Number(digits) => out.extend_from_slice(digits.as_bytes()),
            Self::Text(text) => string(out, text),
            Self::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Map(members) => {
                out.push(b'{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    string(out, key);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }
}

impl fmt::Display for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&String::from_utf8_lossy(&self.to_bytes()))
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut members: Self::Value = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
            if members.iter().any(|(name, _)| *name == key) {
                return Err(M::Error::custom(format!("member `{key}` comes twice")));
            }
            members.push((key, value));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::Node;

    #[test]
    fn digits_order_and_texts_survive() {
        let text = r#"{"b":25.5000,"a":[1e3,2756286207594856469,-0.10],"t":"张\"三\n","n":null,"x":{"y":true}}"#;
        assert_eq!(Node::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn a_member_that_comes_twice_is_refused() {
        assert!(Node::parse(r#"{"a":1,"a":2}"#).is_err());
    }
}
