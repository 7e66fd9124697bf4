//! A document on its way into a call: its key put where it is found again, what
//! is asked of its fields, and what is lifted out of it. Values stay as they are.

use std::fmt;

use duijie_sdk::Rejection;
use duijie_sdk::catalogue::Checker;
use duijie_sdk::target::{Action, Entry};
use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::push::{Argument, Push, Side};

/// A document, ready for a call.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Of its entry in the batch.
    pub(crate) index: usize,
    pub(crate) key: String,
    /// Of the shop that it is pushed to, where the call names one.
    pub(crate) shop_no: String,
    /// JSON of what is left of it.
    pub(crate) json: String,
    /// The elements of each list that was lifted out of it, without brackets.
    pub(crate) lines: Vec<String>,
}

/// What a document is prepared with.
pub(crate) struct Desk<'a> {
    pub(crate) push: &'a Push,
    pub(crate) side: &'a Side,
    /// Where a document names none.
    pub(crate) shop_no: &'a str,
}

type Members<'line> = Vec<(String, &'line RawValue)>;

impl Desk<'_> {
    pub(crate) fn prepare(
        &self,
        index: usize,
        entry: &Entry,
        line: &[u8],
        checker: &mut Checker<'_>,
    ) -> Result<Prepared, Rejection> {
        self.may(entry)?;
        let text = std::str::from_utf8(line)
            .map_err(|_| Rejection::never("type", "the document is no UTF-8: map texts"))?;
        let key = &entry.target_key;
        let quoted = quoted(key);
        let own: Box<RawValue>;
        let mut members = members(text).map_err(|error| {
            Rejection::never("type", format!("the document is no JSON object: {error}"))
        })?;
        match members.iter().find(|(name, _)| name == self.side.key) {
            Some((_, value)) if is_blank(value) => {
                members.retain(|(name, _)| name != self.side.key);
            }
            Some((_, value)) if scalar(value).as_deref() != Some(key) => {
                return Err(self.other_key(key, value));
            }
            _ => {}
        }
        if !members.iter().any(|(name, _)| name == self.side.key) {
            own = RawValue::from_string(quoted)
                .map_err(|error| Rejection::never("type", error.to_string()))?;
            members.insert(0, (self.side.key.to_owned(), &own));
        }
        checker.check(object(&members).as_bytes())?;
        let shop_no = self.shop(&mut members)?;
        let lines = self.lift(&mut members);
        Ok(Prepared {
            index,
            key: key.clone(),
            shop_no,
            json: object(&members),
            lines,
        })
    }

    /// Documents with a number of their own are pushed once.
    fn may(&self, entry: &Entry) -> Result<(), Rejection> {
        let name = self.push.name;
        match entry.action {
            Action::Cancel => Err(Rejection::never(
                "cancel",
                format!("`{name}` cannot take a document back: cancel it in Wangdiantong"),
            )),
            Action::Update if !self.push.is_upsert() => Err(Rejection::never(
                "update",
                format!(
                    "`{name}` cannot change a document that was pushed: change it in Wangdiantong"
                ),
            )),
            _ => Ok(()),
        }
    }

    fn other_key(&self, key: &str, value: &RawValue) -> Rejection {
        let name = self.side.key;
        let message = format!(
            "`{name}` is {value} and the document's key is `{key}`: leave `{name}` out, or make it the key"
        );
        Rejection {
            field: Some(name.to_owned()),
            ..Rejection::never("key", message)
        }
    }

    /// The shop that the call is for, no longer in the document.
    fn shop(&self, members: &mut Members<'_>) -> Result<String, Rejection> {
        if !self.side.takes("shop_no") {
            return Ok(String::new());
        }
        let own = members
            .iter()
            .find(|(name, value)| name == "shop_no" && !is_blank(value))
            .and_then(|(_, value)| scalar(value));
        members.retain(|(name, _)| name != "shop_no");
        let shop_no = own.unwrap_or_else(|| self.shop_no.to_owned());
        if shop_no.is_empty() {
            let message = "`shop_no` (店铺编号) is required and is blank: map a value to it, or set `shop_no` for all documents";
            return Err(Rejection {
                field: Some("shop_no".to_owned()),
                ..Rejection::never("required", message)
            });
        }
        Ok(shop_no)
    }

    fn lift(&self, members: &mut Members<'_>) -> Vec<String> {
        let mut lifted = Vec::new();
        for argument in &self.side.arguments {
            let Argument::Lines { field, .. } = argument else {
                continue;
            };
            let found = members.iter().find(|(name, _)| name == field);
            let elements = found.map(|(_, value)| value.get().trim()).and_then(|list| {
                let inner = list.strip_prefix('[')?.strip_suffix(']')?;
                Some(inner.trim().to_owned())
            });
            lifted.push(elements.unwrap_or_default());
            members.retain(|(name, _)| name != field);
        }
        lifted
    }
}

/// Null or an empty text.
fn is_blank(value: &RawValue) -> bool {
    matches!(value.get(), "null" | "\"\"")
}

/// The text of a string or the digits of a number.
fn scalar(value: &RawValue) -> Option<String> {
    let raw = duijie_sdk::json::Raw(value.get().as_bytes());
    raw.text().ok().map(std::borrow::Cow::into_owned)
}

fn quoted(text: &str) -> String {
    // Writing text into memory cannot fail.
    serde_json::to_string(text).unwrap_or_default()
}

fn object(members: &Members<'_>) -> String {
    let mut out = String::from("{");
    for (name, value) in members {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&quoted(name));
        out.push(':');
        out.push_str(value.get());
    }
    out.push('}');
    out
}

/// The members of an object in their order.
fn members(text: &str) -> serde_json::Result<Members<'_>> {
    struct Object;

    impl<'line> Visitor<'line> for Object {
        type Value = Members<'line>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("an object")
        }

        fn visit_map<M: MapAccess<'line>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }

    let mut reader = serde_json::Deserializer::from_str(text);
    let members = reader.deserialize_map(Object)?;
    reader.end()?;
    Ok(members)
}
