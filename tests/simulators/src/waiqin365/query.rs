//! Queries: windows, filters and pages over the records of one operation.

use super::facts::{Date, Operation};
use super::record::Record;
use super::rules::{Waiqin365Rules, WaiqinOrder};
use crate::clock::parse_china;
use crate::node::Node;

/// The records of a page, and what the journal keeps of it.
pub(super) struct Page<'r> {
    pub(super) records: Vec<&'r Record>,
    pub(super) detail: String,
}

pub(super) fn page<'r>(
    operation: &Operation,
    records: &'r [Record],
    asked: &Node,
    rules: &Waiqin365Rules,
    now_ms: i64,
) -> Result<Page<'r>, String> {
    if rules.strict_fields {
        let known = |name: &str| operation.takes.iter().any(|take| take.path == name);
        if let Some((name, _)) = asked.members().iter().find(|(name, _)| !known(name)) {
            return Err(format!("未知参数:{name}"));
        }
    }
    let number = whole(asked, operation.page, 1)?;
    let size = match operation.size {
        "-" => rules.stock_page,
        name => whole(asked, name, 1000)?,
    };
    if number == 0 || size == 0 || size > 1000 {
        return Err("分页参数错误".to_owned());
    }
    let mut found = Vec::new();
    for record in records.iter().filter(|record| record.visible_ms <= now_ms) {
        if in_windows(operation, record, asked, rules)? && matches(operation, record, asked) {
            found.push(record);
        }
    }
    match rules.order {
        WaiqinOrder::OldestFirst => {}
        WaiqinOrder::NewestFirst => found.reverse(),
        WaiqinOrder::LastChangedFirst => {
            found.sort_by_key(|record| -record.modified_ms.unwrap_or(record.created_ms));
        }
    }
    let all = found.len();
    let records: Vec<_> = found
        .into_iter()
        .skip((number - 1) * size)
        .take(size)
        .collect();
    let detail = format!("page {number} of {size}: {} of {all}", records.len());
    Ok(Page { records, detail })
}

/// A number, as JSON number or as text: clients send both.
fn whole(asked: &Node, name: &str, usual: usize) -> Result<usize, String> {
    match asked.get(name) {
        None => Ok(usual),
        Some(value) => value
            .scalar()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| format!("参数{name}不是整数")),
    }
}

fn in_windows(
    operation: &Operation,
    record: &Record,
    asked: &Node,
    rules: &Waiqin365Rules,
) -> Result<bool, String> {
    for date in &operation.dates {
        let Some(bound) = asked.get(date.name) else {
            continue;
        };
        let bound_s = bound.scalar().and_then(|text| instant(date, text));
        let bound_s = bound_s.ok_or_else(|| format!("参数{}格式错误", date.name))?;
        let at_ms = if date.of_creation {
            Some(record.created_ms)
        } else {
            record.modified_ms
        };
        let at_s = at_ms.map(|ms| ms.div_euclid(1000));
        let next_day = if rules.last_day_counts { 86_400 } else { 0 };
        let inside = at_s.is_some_and(|at_s| match date.bound {
            "after" => at_s > bound_s,
            "from" => at_s >= bound_s,
            _ => at_s < bound_s + next_day,
        });
        if !inside {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Days for windows, seconds for what is after a time, and nothing else.
fn instant(date: &Date, text: &str) -> Option<i64> {
    if date.bound == "after" {
        return parse_china(text);
    }
    (text.len() == 10).then(|| parse_china(&format!("{text} 00:00:00")))?
}

/// The field that a filter is compared with: `s_cmCode` narrows `cm_code`.
pub(super) fn field_of(parameter: &str) -> String {
    let name = parameter.strip_prefix("s_").unwrap_or(parameter);
    if name == "send_no" {
        return "sent_no".to_owned();
    }
    let mut field = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            field.push('_');
        }
        field.push(character.to_ascii_lowercase());
    }
    field
}

fn matches(operation: &Operation, record: &Record, asked: &Node) -> bool {
    // Signed notes alone, where no state is asked for.
    let asks_state = asked.get("s_sign_status").is_some();
    if operation.name == "getDmsOrderSignInfos" && !asks_state {
        let state = record.fields.get("sign_status").and_then(Node::scalar);
        if state != Some("FH_YQS") {
            return false;
        }
    }
    asked.members().iter().all(|(name, wanted)| {
        let is_date = operation.dates.iter().any(|date| date.name == name);
        let validity = matches!(name.as_str(), "start_date" | "end_date");
        if name == operation.page || name == operation.size || is_date || validity {
            return true;
        }
        let found = record.fields.get(&field_of(name)).and_then(Node::scalar);
        let (Some(wanted), Some(found)) = (wanted.scalar(), found) else {
            return false;
        };
        let fuzzy = operation.name.starts_with("queryCmQuota")
            && matches!(name.as_str(), "cm_code" | "name");
        if fuzzy {
            found.contains(wanted)
        } else if name.ends_with("status") || name.ends_with("type") {
            wanted.split(',').any(|wanted| wanted == found)
        } else {
            found == wanted
        }
    })
}
