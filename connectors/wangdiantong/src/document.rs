//! A document on its way into a call: its key put where it is found again, what
//! is asked of its fields, and what is lifted out of it. Values stay as they are.

use std::borrow::Cow;

use duijie_sdk::Rejection;
use duijie_sdk::catalogue::Checker;
use duijie_sdk::json::{self, Raw};
use duijie_sdk::target::{Action, Entry};

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

type Members<'line> = Vec<(Cow<'line, str>, Raw<'line>)>;

impl Desk<'_> {
    pub(crate) fn prepare(
        &self,
        index: usize,
        entry: &Entry,
        line: &[u8],
        checker: &mut Checker<'_>,
    ) -> Result<Prepared, Rejection> {
        self.may(entry)?;
        let broken = |error: &dyn std::fmt::Display| {
            Rejection::never("type", format!("the document is no JSON object: {error}"))
        };
        std::str::from_utf8(line).map_err(|error| broken(&error))?;
        let mut members = json::members(line).map_err(|error| broken(&error))?;
        let key = &entry.target_key;
        let quoted = json::quoted(key);
        let field = self.side.key;
        members.retain(|(name, value)| name != field || !is_blank(*value));
        match members.iter().find(|(name, _)| name == field) {
            None => members.insert(0, (Cow::Borrowed(field), Raw(quoted.as_bytes()))),
            Some((_, value)) if scalar(*value).as_deref() != Some(key) => {
                return Err(self.other_key(key, *value));
            }
            Some(_) => {}
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

    fn other_key(&self, key: &str, value: Raw<'_>) -> Rejection {
        let name = self.side.key;
        let value = String::from_utf8_lossy(value.0);
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
            .find(|(name, value)| name == "shop_no" && !is_blank(*value))
            .and_then(|(_, value)| scalar(*value));
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
            let found = members.iter().find(|(name, _)| name == *field);
            let elements = found.and_then(|(_, value)| {
                let inner = value.0.strip_prefix(b"[")?.strip_suffix(b"]")?;
                Some(String::from_utf8_lossy(inner.trim_ascii()).into_owned())
            });
            lifted.push(elements.unwrap_or_default());
            members.retain(|(name, _)| name != *field);
        }
        lifted
    }
}

/// Null or an empty text.
fn is_blank(value: Raw<'_>) -> bool {
    matches!(value.0, b"null" | b"\"\"")
}

/// The text of a string or the digits of a number.
fn scalar(value: Raw<'_>) -> Option<String> {
    value.text().ok().map(Cow::into_owned)
}

fn object(members: &Members<'_>) -> String {
    let mut out = String::from("{");
    for (name, value) in members {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&json::quoted(name));
        out.push(':');
        out.push_str(&String::from_utf8_lossy(value.0));
    }
    out.push('}');
    out
}
