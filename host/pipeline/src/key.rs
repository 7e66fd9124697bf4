//! The target key of a document: read from a field, or derived.

use std::fmt;

use duijie_record::{Rejection, Retry, Scope, SourceKey, TargetKey};
use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The text of a top-level field that holds a string or a number, its digits
/// as they stand. `None` when it is missing, empty or something else. Reads no
/// further than the field.
pub(crate) fn field_text(line: &[u8], field: &str) -> Option<String> {
    let mut found = None;
    let mut reader = serde_json::Deserializer::from_slice(line);
    let visitor = FieldText {
        field,
        found: &mut found,
    };
    // Leaving the object early is an error to the reader and none to us: the
    // target reads the document as a whole.
    let _left_early = reader.deserialize_map(visitor);
    found.filter(|text| !text.is_empty())
}

/// The key of a document that carries no number of its own: 20 letters and
/// digits (Crockford's base 32, upper case), the first 100 bits of SHA-256
/// over scope, source key and part, each followed by a zero byte. This form
/// never changes: documents are found again by it.
pub fn derive(scope: &Scope, source_key: &SourceKey, part: &str) -> TargetKey {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut hash = Sha256::new();
    for text in [scope.as_str(), source_key.as_str(), part] {
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    let mut bits = 0_u128;
    for byte in hash.finalize().iter().take(16) {
        bits = (bits << 8) | u128::from(*byte);
    }
    let key = (0..20)
        .map(|place| usize::try_from((bits >> (123 - 5 * place)) & 31).unwrap_or(0))
        .map(|value| char::from(LETTERS.get(value).copied().unwrap_or(b'0')))
        .collect();
    TargetKey(key)
}

/// The rejection of a document that has no key of its own.
pub(crate) fn missing(field: Option<&str>) -> Rejection {
    let field = field.unwrap_or_default();
    Rejection {
        code: "pipeline.key_missing".to_owned(),
        message: format!(
            "the target key `{field}` must be a text or number that is not empty: map it in every document"
        ),
        field: Some(field.to_owned()),
        retry: Retry::Never,
    }
}

/// The rejection of a document whose key another of its batch has.
pub(crate) fn clash(key: &TargetKey) -> Rejection {
    Rejection {
        code: "pipeline.key_clash".to_owned(),
        message: format!(
            "another document of the same batch has the target key `{key}`: map a field that differs"
        ),
        field: None,
        retry: Retry::Never,
    }
}

struct FieldText<'read> {
    field: &'read str,
    found: &'read mut Option<String>,
}

impl<'line> Visitor<'line> for FieldText<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'line>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(hit) = map.next_key_seed(Named(self.field))? {
            if !hit {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let raw = map.next_value::<&RawValue>()?.get();
            *self.found = match raw.as_bytes().first() {
                Some(b'"') => serde_json::from_str(raw).ok(),
                Some(b'-' | b'0'..=b'9') => Some(raw.to_owned()),
                _ => None,
            };
            return Ok(());
        }
        Ok(())
    }
}

/// Whether a field's name is this one, without keeping it.
struct Named<'name>(&'name str);

impl<'line> DeserializeSeed<'line> for Named<'_> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'line>>(self, reader: D) -> Result<bool, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Named<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a field name")
    }

    fn visit_str<E>(self, text: &str) -> Result<bool, E> {
        Ok(text == self.0)
    }
}

#[cfg(test)]
mod tests {
    use duijie_record::{Scope, SourceKey};

    use super::{derive, field_text};

    fn check(line: &str, expected: Option<&str>) {
        assert_eq!(
            field_text(line.as_bytes(), "FBillNo").as_deref(),
            expected,
            "{line}"
        );
    }

    #[test]
    fn a_key_is_the_text_of_a_string_or_number_at_the_top() {
        check(r#"{"FBillNo":"CK1"}"#, Some("CK1"));
        check(
            r#"{"a":{"FBillNo":"no"},"FBillNo":"CK1","b":[1]}"#,
            Some("CK1"),
        );
        check(
            r#"{"FBillNo":1234567890123456789}"#,
            Some("1234567890123456789"),
        );
        check(r#"{"FBillNo" : 10.00 }"#, Some("10.00"));
        check(r#"{"FBill\u004eo":"C\u004b1"}"#, Some("CK1"));
        check(r#"{"FBillNo":""}"#, None);
        check(r#"{"FBillNo":null}"#, None);
        check(r#"{"FBillNo":["CK1"]}"#, None);
        check(r#"{"a":1}"#, None);
        check(r#"["FBillNo"]"#, None);
        check("not json", None);
    }

    #[test]
    fn nothing_after_the_key_is_read() {
        check(r#"{"FBillNo":"CK1",!!!"#, Some("CK1"));
    }

    #[test]
    fn a_derived_key_never_changes() {
        let key = derive(&Scope::from("orders"), &SourceKey::from("1001"), "");
        assert_eq!(key.as_str(), "H1Q5XFJ05ZKT9FJKCZ0W");
        let other = derive(&Scope::from("orders"), &SourceKey::from("100"), "1");
        assert_ne!(key, other);
    }
}
