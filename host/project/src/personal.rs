//! Fields that are about people, as a manifest names them, masked in answers.
//! A value that stands in such a field of a record or document is masked
//! wherever else it stands in the same answer: a transform gives fields other
//! names, and its values go on.

use std::collections::{BTreeMap, BTreeSet};

use duijie_manifest::{Document, Pipeline};
use duijie_record::Scope;
use serde_json::Value;
use serde_json::value::RawValue;

/// Stands for an exchange, which has other people's records in it as well.
const EXCHANGE: &str = "masked: it has personal fields";

/// Stands for what a system said, where nothing is left to know by what of it
/// is about people.
const WORDS: &str = "masked: its record is not kept any more";
/// A shorter number would be known by its first three and last four digits.
const SHOWN_ENDS: usize = 11;

/// The personal fields of one pipeline; there may be none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Personal(Vec<Vec<String>>);

/// By scope. What a scope of which there is no manifest holds is masked whole.
pub type PersonalOf = BTreeMap<Scope, Personal>;

/// Of every pipeline that has a scope.
pub fn of(pipelines: &[Document<Pipeline>]) -> PersonalOf {
    let named = pipelines.iter().filter_map(|document| {
        let scope = Scope(document.low.scope.clone()?);
        Some((scope, Personal::of(&document.low)))
    });
    named.collect()
}

/// Whether there is anything to mask by.
pub fn is_any(of: &PersonalOf) -> bool {
    of.values().any(|personal| !personal.0.is_empty())
}

/// Masks every row of an answer that says of which scope it is.
pub fn mask(answer: &mut Value, of: &PersonalOf) {
    match answer {
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, of)),
        Value::Object(fields) => {
            let scope = fields.get("scope").and_then(Value::as_str).map(Scope::from);
            match scope.map(|scope| of.get(&scope)) {
                Some(Some(personal)) => personal.mask(answer),
                Some(None) => hide(answer),
                None => fields.values_mut().for_each(|field| mask(field, of)),
            }
        }
        _ => {}
    }
}

/// What holds text of a record or document, in any answer.
fn is_body(field: &str) -> bool {
    matches!(field, "record" | "document" | "edited_text" | "sent")
}

fn hide(row: &mut Value) {
    match row {
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(fields) => {
            for (name, value) in fields {
                match is_body(name) || name == "exchange" {
                    true => *value = Value::Null,
                    false => hide(value),
                }
            }
        }
        _ => {}
    }
}

impl Personal {
    pub fn of(low: &Pipeline) -> Self {
        let paths = low.personal.iter().flatten();
        let path = |path: &String| path.split('.').map(str::to_owned).collect();
        Self(paths.map(path).collect())
    }

    fn mask(&self, row: &mut Value) {
        if self.0.is_empty() {
            return;
        }
        let mut values = BTreeSet::new();
        if !self.collect(row, &mut values) {
            without_words(row);
        }
        // Longer ones first: one may be a part of another.
        let mut values: Vec<String> = values.into_iter().collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        let masks: Vec<(String, String)> = values
            .into_iter()
            .map(|value| {
                let masked = masked(&value);
                (value, masked)
            })
            .collect();
        replace(row, &masks);
    }

    /// Values of personal fields in every text of the row that is JSON; whether
    /// there was any such text.
    fn collect(&self, row: &Value, values: &mut BTreeSet<String>) -> bool {
        let mut any = false;
        match row {
            Value::Array(items) => {
                for item in items {
                    any |= self.collect(item, values);
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    any |= match value.as_str().filter(|_| is_body(name)) {
                        Some(text) => {
                            self.collect_in(text, &mut Vec::new(), values);
                            true
                        }
                        None => self.collect(value, values),
                    };
                }
            }
            _ => {}
        }
        any
    }

    /// By the text, so that a number has the digits that it is written with.
    fn collect_in(&self, text: &str, path: &mut Vec<String>, values: &mut BTreeSet<String>) {
        if let Ok(fields) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text) {
            for (name, value) in fields {
                path.push(name);
                self.collect_in(value.get(), path, values);
                path.pop();
            }
        } else if let Ok(items) = serde_json::from_str::<Vec<Box<RawValue>>>(text) {
            for item in items {
                self.collect_in(item.get(), path, values);
            }
        } else if self.names(path) && !matches!(text, "null" | "true" | "false") {
            if let Ok(value) = serde_json::from_str::<String>(text) {
                // As it is written, and as it is meant: the two may differ.
                values.extend([value].into_iter().filter(|value| !value.trim().is_empty()));
                let written = text.trim_matches('"');
                values.extend(
                    [written.to_owned()]
                        .into_iter()
                        .filter(|one| !one.trim().is_empty()),
                );
            } else {
                values.insert(text.to_owned());
            }
        }
    }

    /// Whether a declared path ends within this one: what lies under a personal
    /// field is personal.
    fn names(&self, path: &[String]) -> bool {
        self.0.iter().any(|declared| {
            path.windows(declared.len())
                .any(|part| part == declared.as_slice())
        })
    }
}

/// `王**`, `138****5678`, `s**`; never longer than needed to be told apart by
/// who knows it.
fn masked(value: &str) -> String {
    let letters: Vec<char> = value.chars().collect();
    let number = |letter: &char| letter.is_ascii_digit() || "+- ".contains(*letter);
    if letters.len() >= SHOWN_ENDS && letters.iter().all(number) {
        let (first, rest) = letters.split_at(3);
        let last = rest.split_at(rest.len().saturating_sub(4)).1;
        let (first, last): (String, String) = (first.iter().collect(), last.iter().collect());
        return format!("{first}****{last}");
    }
    let first: String = letters
        .iter()
        .take(usize::from(letters.len() > 1))
        .collect();
    format!("{first}**")
}

/// A system may have repeated in its words what it was sent.
fn without_words(row: &mut Value) {
    match row {
        Value::Array(items) => items.iter_mut().for_each(without_words),
        Value::Object(fields) => {
            for (name, value) in fields {
                match matches!(name.as_str(), "message" | "why" | "reason") && value.is_string() {
                    true => *value = Value::from(WORDS),
                    false => without_words(value),
                }
            }
        }
        _ => {}
    }
}

/// In every text of the row; keys and numbers of the document stay.
fn replace(row: &mut Value, masks: &[(String, String)]) {
    match row {
        Value::String(text) => {
            for (value, mask) in masks {
                if text.contains(value.as_str()) {
                    *text = text.replace(value.as_str(), mask);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, masks)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "exchange" if !value.is_null() => *value = Value::from(EXCHANGE),
                    "scope" | "source_key" | "target_key" | "target_id" | "part" | "run" => {}
                    _ => replace(value, masks),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use duijie_record::Scope;
    use serde_json::{Value, json};

    use super::{Personal, PersonalOf, mask, masked};

    fn of(paths: &[&str]) -> PersonalOf {
        let paths = paths
            .iter()
            .map(|path| path.split('.').map(str::to_owned).collect());
        [(Scope::from("orders"), Personal(paths.collect()))].into()
    }

    #[test]
    fn a_value_is_told_by_its_ends_only() {
        for (value, expected) in [
            ("王小明", "王**"),
            ("王", "**"),
            ("13812345678", "138****5678"),
            ("6234567", "6**"),
            ("02162345", "0**"),
            ("+86 138-1234-5678", "+86****5678"),
            ("上海市浦东新区 1 号", "上**"),
        ] {
            assert_eq!(masked(value), expected);
        }
    }

    #[test]
    fn what_stands_in_a_personal_field_is_masked_in_the_whole_row() {
        let record = r#"{"no":"CK1","price":1.10,"receiver":{"name":"王小明","mobile":13812345678},"goods":[{"remark":"给王小明"}]}"#;
        let document = r#"{"FBillNo":"CK1","FText":"王小明 13812345678"}"#;
        let mut answer = json!({ "rows": [{
            "scope": "orders", "source_key": "CK1", "record": record, "document": document,
            "message": "no customer 王小明", "exchange": { "body": "王小明" },
        }] });
        mask(&mut answer, &of(&["receiver.name", "mobile"]));
        let text = answer.to_string();
        assert!(
            !text.contains("王小明") && !text.contains("13812345678"),
            "{text}"
        );
        let row = &answer["rows"][0];
        assert!(row["record"].as_str().unwrap().contains("\"price\":1.10"));
        assert_eq!(
            row["document"],
            r#"{"FBillNo":"CK1","FText":"王** 138****5678"}"#
        );
        assert_eq!(row["message"], "no customer 王**");
        assert_eq!(row["source_key"], "CK1");
    }

    #[test]
    fn what_lies_under_a_personal_field_is_personal_and_so_are_items_of_lists() {
        let record =
            r#"{"buyers":[{"who":{"a":"Zhang San","b":["x1","x2"]}},{"who":"Li Si"}],"who2":"x3"}"#;
        let mut answer = json!([{ "scope": "orders", "record": record }]);
        mask(&mut answer, &of(&["buyers.who"]));
        let text = answer.to_string();
        for gone in ["Zhang San", "x1", "x2", "Li Si"] {
            assert!(!text.contains(gone), "{text}");
        }
        assert!(text.contains("x3"), "{text}");
    }

    #[test]
    fn a_scope_without_a_manifest_shows_no_body_and_one_without_personal_fields_all() {
        let row = |scope: &str| json!({ "scope": scope, "record": "{}", "tries": [{ "exchange": {} }], "sent": "x" });
        let mut answer = json!({ "found": [row("orders"), row("unknown")] });
        mask(&mut answer, &of(&[]));
        assert_eq!(answer["found"][0], row("orders"));
        let hidden = &answer["found"][1];
        assert_eq!(
            (&hidden["record"], &hidden["sent"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(hidden["tries"][0]["exchange"], Value::Null);
    }
}
