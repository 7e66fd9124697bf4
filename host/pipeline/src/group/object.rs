//! The fields of a JSON object as they stand in their line.

use std::borrow::Cow;
use std::fmt;

use duijie_record::Rejection;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::refusal;

pub(crate) struct Object<'line>(Vec<(Cow<'line, str>, &'line RawValue)>);

impl<'line> Object<'line> {
    pub(crate) fn parse(line: &'line [u8]) -> Result<Self, Rejection> {
        serde_json::from_slice(line).map_err(|error| {
            let message = format!("only an object can be grouped: {error}");
            refusal("group_record", "", message)
        })
    }

    /// The value of a field; a dot leads into an object, unless a field is
    /// called so. `None` where it is missing or null.
    pub(crate) fn get(&self, path: &str) -> Option<&'line RawValue> {
        if let Some(value) = self.own(path) {
            return Some(value).filter(|value| value.get() != "null");
        }
        let (head, rest) = path.split_once('.')?;
        let inner: Object<'line> = serde_json::from_str(self.own(head)?.get()).ok()?;
        inner.get(rest)
    }

    /// All of them, in their order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &'line RawValue)> {
        let fields = self.0.iter();
        fields.map(|(name, raw)| (name.as_ref(), *raw))
    }

    fn own(&self, name: &str) -> Option<&'line RawValue> {
        let mut fields = self.0.iter().rev();
        fields.find(|(known, _)| known == name).map(|(_, raw)| *raw)
    }
}

/// The text of a string or the digits of a number.
pub(crate) fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    match raw.get().as_bytes().first()? {
        b'"' => serde_json::from_str(raw.get()).ok().map(Cow::Owned),
        b'{' | b'[' | b'n' => None,
        _ => Some(Cow::Borrowed(raw.get())),
    }
}

impl<'line> Deserialize<'line> for Object<'line> {
    fn deserialize<D: Deserializer<'line>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_map(Fields)
    }
}

struct Fields;

impl<'line> Visitor<'line> for Fields {
    type Value = Object<'line>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'line>>(self, mut map: A) -> Result<Object<'line>, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = map.next_key::<Name<'line>>()? {
            fields.push((name.0, map.next_value::<&'line RawValue>()?));
        }
        Ok(Object(fields))
    }
}

/// A field's name, borrowed where no escape is in it.
#[derive(Deserialize)]
struct Name<'line>(#[serde(borrow)] Cow<'line, str>);
