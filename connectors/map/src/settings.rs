//! The settings as they were written: checked for shape, not yet resolved.
//! Every problem is collected, with a JSON pointer to its place.

mod rule;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use rule::{Form, Parser, Rule};

use std::collections::BTreeMap;

use duijie_sdk::Problem;
use serde_json::{Map, Value as Json};

use crate::table::ValueTable;
use crate::text::nearest;

/// Problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, at: &str, message: String, hint: Option<String>) {
        self.0.push(Problem {
            at: at.to_owned(),
            message,
            hint,
        });
    }

    /// Complains about names that an object may not have.
    fn known(&mut self, at: &str, object: &Map<String, Json>, names: &[&str]) {
        for name in object.keys().filter(|name| !names.contains(&name.as_str())) {
            let hint = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are {}", names.join(", ")),
            };
            self.add(
                &pointer(at, name),
                format!("unknown setting `{name}`"),
                Some(hint),
            );
        }
    }
}

/// A list of the source, under the name that rules use.
#[derive(Debug)]
pub(crate) struct ListSetting {
    pub(crate) at: String,
    pub(crate) name: String,
    /// Path in the record, from the head.
    pub(crate) from: String,
    /// From the rules' names to the source's.
    pub(crate) fields: BTreeMap<String, String>,
}

/// One comparison of a condition.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) at: String,
    pub(crate) field: String,
    pub(crate) logic: String,
    pub(crate) values: Vec<String>,
    pub(crate) strict: bool,
}

/// One document for each row of a list.
#[derive(Debug)]
pub(crate) struct Each {
    /// The name that rules use, or the source's.
    pub(crate) list: String,
    /// The field of a row that tells it from the others; its place if none.
    pub(crate) part: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// In the order written, children after their parents.
    pub(crate) rules: Vec<Rule>,
    pub(crate) lists: Vec<ListSetting>,
    pub(crate) tables: Vec<ValueTable>,
    /// The list whose rows each become a document.
    pub(crate) each: Option<Each>,
    /// Outer OR, inner AND.
    pub(crate) condition: Vec<Vec<Comparison>>,
    /// Seconds east of UTC.
    pub(crate) offset: i64,
}

const CHINA: i64 = 8 * 3600;

impl Settings {
    pub(crate) fn read(text: &str, problems: &mut Problems) -> Self {
        let mut settings = Self {
            offset: CHINA,
            ..Self::default()
        };
        let Some(parsed) = read_object(text, problems) else {
            return settings;
        };
        problems.known(
            "",
            &parsed,
            &[
                "rules",
                "lists",
                "each",
                "tables",
                "condition",
                "utc_offset",
            ],
        );
        match parsed.get("rules") {
            Some(Json::Array(rules)) if !rules.is_empty() => {
                rule::read_all("/rules", rules, &[], &mut settings.rules, problems);
            }
            _ => problems.add(
                "/rules",
                String::from("found no rules, expected a list of at least one"),
                Some(String::from("a rule has `field`, `type` and `value`")),
            ),
        }
        for (name, list) in object(&parsed, "lists", problems) {
            let list = read_list(name, list, problems);
            settings.lists.extend(list);
        }
        for (name, table) in object(&parsed, "tables", problems) {
            let table = table::read(name, table, problems);
            settings.tables.extend(table);
        }
        if let Some(each) = parsed.get("each") {
            settings.each = read_each(each, problems);
        }
        if let Some(condition) = parsed.get("condition") {
            settings.condition = read_condition(condition, problems);
        }
        if let Some(offset) = parsed.get("utc_offset") {
            settings.offset = read_clock(offset, problems);
        }
        settings
    }
}

fn read_object(text: &str, problems: &mut Problems) -> Option<Map<String, Json>> {
    let message = match serde_json::from_str(text) {
        Ok(Json::Object(parsed)) => return Some(parsed),
        Ok(_) => String::from("found no object, expected the settings"),
        Err(error) => format!("the settings are not valid JSON: {error}"),
    };
    problems.add("", message, None);
    None
}

/// `name` under `at`, as a JSON pointer.
pub(crate) fn pointer(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn object<'a>(
    parsed: &'a Map<String, Json>,
    name: &str,
    problems: &mut Problems,
) -> impl Iterator<Item = (&'a String, &'a Json)> + use<'a> {
    let found = match parsed.get(name) {
        Some(Json::Object(found)) => Some(found),
        None => None,
        Some(_) => {
            problems.add(
                &pointer("", name),
                String::from("found no object, expected one"),
                None,
            );
            None
        }
    };
    found.into_iter().flatten()
}

/// A text, a whole number or a truth value, as text. Fractions are refused,
/// since a JSON reader may already have changed their digits.
fn scalar(at: &str, value: &Json, problems: &mut Problems) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        Json::Number(_) => {
            let message = String::from("found a number with a fraction, expected a text");
            problems.add(
                at,
                message,
                Some(String::from("write it in quotes: its digits stay")),
            );
            None
        }
        _ => {
            problems.add(
                at,
                String::from("found a list or an object, expected a text"),
                None,
            );
            None
        }
    }
}

fn read_list(name: &str, value: &Json, problems: &mut Problems) -> Option<ListSetting> {
    let at = pointer("/lists", name);
    let Json::Object(list) = value else {
        let hint = format!("write {{\"from\": \"{name}\", \"fields\": {{}}}}");
        problems.add(
            &at,
            String::from("found no object, expected one"),
            Some(hint),
        );
        return None;
    };
    problems.known(&at, list, &["from", "fields"]);
    let from = match list.get("from") {
        None => name.to_owned(),
        Some(from) => scalar(&pointer(&at, "from"), from, problems)?,
    };
    let mut fields = BTreeMap::new();
    match list.get("fields") {
        None => {}
        Some(Json::Object(renamed)) => {
            let place = pointer(&at, "fields");
            for (field, source) in renamed {
                if let Some(source) = scalar(&pointer(&place, field), source, problems) {
                    fields.insert(field.clone(), source);
                }
            }
        }
        Some(_) => {
            let message = String::from("found no object, expected field names");
            problems.add(&pointer(&at, "fields"), message, None);
        }
    }
    Some(ListSetting {
        at,
        name: name.to_owned(),
        from,
        fields,
    })
}

fn read_each(value: &Json, problems: &mut Problems) -> Option<Each> {
    let (list, part) = match value {
        Json::Object(each) => {
            problems.known("/each", each, &["list", "part"]);
            (each.get("list"), each.get("part"))
        }
        name => (Some(name), None),
    };
    let Some(Json::String(list)) = list.filter(|list| list.as_str() != Some("")) else {
        let message = String::from("found no list's name, expected one");
        let hint = String::from("write {\"list\": \"details_list\", \"part\": \"rec_id\"}");
        problems.add("/each", message, Some(hint));
        return None;
    };
    let part = part.and_then(|part| scalar("/each/part", part, problems));
    Some(Each {
        list: list.clone(),
        part,
    })
}

fn read_condition(value: &Json, problems: &mut Problems) -> Vec<Vec<Comparison>> {
    let groups = value
        .as_array()
        .filter(|groups| groups.iter().all(Json::is_array));
    let Some(groups) = groups else {
        let message = String::from("found another form, expected a list of lists");
        let hint = "the outer list means or, the inner lists mean and: [[{\"field\": …}]]";
        problems.add("/condition", message, Some(hint.to_owned()));
        return Vec::new();
    };
    let group = |(number, group): (usize, &Json)| {
        let at = format!("/condition/{number}");
        let items = group.as_array().into_iter().flatten().enumerate();
        items
            .filter_map(|(n, item)| read_comparison(&format!("{at}/{n}"), item, problems))
            .collect()
    };
    groups.iter().enumerate().map(group).collect()
}

fn read_comparison(at: &str, value: &Json, problems: &mut Problems) -> Option<Comparison> {
    let Json::Object(item) = value else {
        problems.add(
            at,
            String::from("found no object, expected a comparison"),
            None,
        );
        return None;
    };
    problems.known(at, item, &["field", "logic", "value", "strictMode"]);
    let mut word = |name: &str| match item.get(name) {
        Some(Json::String(word)) if !word.is_empty() => Some(word.clone()),
        _ => {
            problems.add(
                &pointer(at, name),
                format!("found no `{name}`, expected a text"),
                None,
            );
            None
        }
    };
    let (field, logic) = (word("field"), word("logic"));
    let place = pointer(at, "value");
    let values = match item.get("value") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(values)) => values
            .iter()
            .filter_map(|value| scalar(&place, value, problems))
            .collect(),
        Some(value) => vec![scalar(&place, value, problems)?],
    };
    let strict = match item.get("strictMode") {
        None => false,
        Some(Json::Bool(strict)) => *strict,
        Some(_) => {
            let message = String::from("found another value, expected true or false");
            problems.add(&pointer(at, "strictMode"), message, None);
            false
        }
    };
    Some(Comparison {
        at: at.to_owned(),
        field: field?,
        logic: logic?,
        values,
        strict,
    })
}

fn read_clock(offset: &Json, problems: &mut Problems) -> i64 {
    offset.as_str().and_then(read_offset).unwrap_or_else(|| {
        let message = String::from("found no offset, expected hours and minutes east of UTC");
        let hint = String::from("China is \"+08:00\", which is also the default");
        problems.add("/utc_offset", message, Some(hint));
        CHINA
    })
}

/// `+08:00` in seconds.
fn read_offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, text.get(1..)?),
        b'-' => (-1, text.get(1..)?),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two = |text: &str| (text.len() == 2).then(|| text.parse::<u8>().ok())?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours <= 14 && minutes < 60)
        .then(|| sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}
