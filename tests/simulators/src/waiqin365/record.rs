//! Records of queries, made up from the documents' rows: reproducible, with ids of 19 digits, decimals with
//! all their zeros, and JSON numbers where an example has them.

use super::facts::{Give, Operation};
use crate::clock::china_text;
use crate::node::Node;
use crate::orders::catalogue;
use crate::random::Random;

/// One document of the system.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) key: String,
    pub(super) created_ms: i64,
    /// None until it is changed for the first time.
    pub(super) modified_ms: Option<i64>,
    /// Queries show it from then on.
    pub(super) visible_ms: i64,
    pub(super) changes: u32,
    pub(super) fields: Node,
}

/// A record of an operation; `number` is its place among all of them.
pub(super) fn make(operation: &Operation, seed: u64, number: usize, created_ms: i64) -> Record {
    let salt = operation.name.bytes().fold(seed, |salt, byte| {
        salt.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    let mut random = Random::new(salt.wrapping_add(number as u64 * 7919));
    let fields = object(operation, "", &mut random, number);
    let mut record = Record {
        key: String::new(),
        created_ms,
        modified_ms: None,
        visible_ms: created_ms,
        changes: 0,
        fields,
    };
    record.key = key(operation, &record.fields);
    stamp(operation, &mut record);
    record
}

pub(super) fn key(operation: &Operation, fields: &Node) -> String {
    let parts: Vec<&str> = operation
        .key
        .iter()
        .filter_map(|name| fields.get(name)?.scalar())
        .collect();
    parts.join("/")
}

fn object(operation: &Operation, parent: &str, random: &mut Random, number: usize) -> Node {
    let mut members = Vec::new();
    for give in &operation.gives {
        let (above, name) = give.path.rsplit_once('.').unwrap_or(("", give.path));
        if above != parent {
            continue;
        }
        let value = if give.kind == "LIST" {
            let lines = 1 + random.below(3);
            Node::List(
                (0..lines)
                    .map(|_| object(operation, give.path, random, number))
                    .collect(),
            )
        } else {
            scalar(operation, give, name, random, number)
        };
        members.push((name.to_owned(), value));
    }
    Node::Map(members)
}

fn scalar(
    operation: &Operation,
    give: &Give,
    name: &str,
    random: &mut Random,
    number: usize,
) -> Node {
    let is_key = operation.key.contains(&give.path);
    let text = if is_key || name == "id" || name.ends_with("_id") || give.kind == "INT8" {
        // Beyond what a double holds exactly; unique in the table where it is the key.
        let low = if is_key {
            number as u64
        } else {
            random.below(1_000_000)
        };
        format!(
            "{}",
            5_000_000_000_000_000_000 + random.below(3_000_000_000) * 1_000_000_000 + low
        )
    } else if name == "status" {
        "1".to_owned()
    } else if name == "sign_status" {
        "FH_YQS".to_owned()
    } else if Operation::is_decimal(give.kind) || give.is_number {
        let scale = Operation::scale(give.kind).unwrap_or(0).min(8);
        let whole = random.below(5000);
        let part = format!("{:08}", random.below(100) * 1_000_000);
        match part.get(..scale).filter(|part| !part.is_empty()) {
            Some(part) => format!("{whole}.{part}"),
            None => format!("{whole}"),
        }
    } else if give.kind.starts_with("INT") {
        random.below(100).to_string()
    } else if let Some(text) = master_data(name, random) {
        text
    } else if name.ends_with("_no") || name.ends_with("code") {
        format!(
            "{}{:06}",
            name.to_uppercase(),
            number as u64 + random.below(900) * 1000
        )
    } else if !give.format.is_empty() || give.kind == "TIMESTAMP" {
        "2025-10-01 08:30:00.123"
            .chars()
            .take(length(give))
            .collect()
    } else {
        format!("值\"{}\\{}", random.below(1000), name)
    };
    if give.is_number {
        Node::Number(text)
    } else {
        Node::Text(text)
    }
}

/// Customers, goods and the like by the numbers that the other systems know them by.
fn master_data(name: &str, random: &mut Random) -> Option<String> {
    let at = |random: &mut Random, most: u64| usize::try_from(random.below(most)).unwrap_or(0);
    Some(match name {
        "cm_code" => format!("CUS{:05}", 1 + random.below(20)),
        "product_code" | "prod_code" | "pd_code" => {
            catalogue::spec_no(at(random, catalogue::SPECS))
        }
        "product_name" | "prod_name" | "pd_name" => {
            catalogue::goods_name(at(random, catalogue::SPECS))
        }
        "settlement_detail_name" => random.pick(&["现金", "转账", "微信"]).to_owned(),
        _ if name.ends_with("storehouse_code") => catalogue::warehouse(at(random, 3)).0.to_owned(),
        _ if name.ends_with("unit_name") => random.pick(&["箱", "瓶", "件"]).to_owned(),
        _ => return None,
    })
}

/// Characters of a time as it is given: up to the day, minute, second or millisecond.
fn length(give: &Give) -> usize {
    match give.format {
        format if format.ends_with("us") || format.ends_with("SSS") => 23,
        format if format.ends_with("ss") => 19,
        format if format.contains("_h") || format.contains("_H") => 16,
        "" => 19,
        _ => 10,
    }
}

/// Writes the record's own times into it, as precisely as its query shows them.
fn stamp(operation: &Operation, record: &mut Record) {
    for give in &operation.gives {
        let at = match give.path {
            "create_time" | "create_time_str" => Some(record.created_ms),
            "modify_time" | "modify_time_str" => record.modified_ms,
            _ => continue,
        };
        // Vans and their stock show days only.
        let length = if operation.name.starts_with("car") && operation.name != "carsales" {
            10
        } else {
            length(give)
        };
        let text = at.map(|ms| {
            let text = format!(
                "{}.{:03}",
                china_text(ms.div_euclid(1000)),
                ms.rem_euclid(1000)
            );
            text.chars().take(length).collect::<String>()
        });
        record
            .fields
            .set(give.path, Node::text(text.unwrap_or_default()));
    }
}

/// Changes something that is neither key, number nor state.
pub(super) fn change(operation: &Operation, record: &mut Record, now_ms: i64) {
    let last = record.modified_ms.unwrap_or(record.created_ms);
    record.modified_ms = Some(now_ms.max(last + 1));
    record.changes += 1;
    let free = operation.gives.iter().find(|give| {
        let name = give.path;
        let held = name.ends_with("id") || name.ends_with("no") || name.ends_with("code");
        let fixed = name.contains('.') || name.contains("status") || name.contains("time");
        !held && !fixed && give.kind != "LIST" && !operation.key.contains(&name)
    });
    if let Some(give) = free {
        let changes = record.changes;
        let value = if give.is_number {
            Node::Number(format!("{changes}.50000000"))
        } else {
            Node::text(format!("改{changes}"))
        };
        record.fields.set(give.path, value);
    }
    stamp(operation, record);
}
