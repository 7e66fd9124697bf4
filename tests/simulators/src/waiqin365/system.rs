//! What a test asks of this system: records to read, documents to write, and what came of them.

use super::facts::{Operation, Take};
use super::write::{is_set, number_field};
use super::{Waiqin365, record};
use crate::node::Node;
use crate::system::{Broken, Row, System};

/// Fields that the caller leaves out and a connector puts in.
pub(super) const FILLED: [(&str, &str); 4] = [
    ("addPurchase", "operate_type"),
    ("returnOrder", "operate_type"),
    ("returnOrder", "erp_No"),
    ("newShouHuo", "erp_stock_no"),
];

/// Writes whose number is the document's own: it may be left out as well.
const OWN: [&str; 5] = [
    "addSent",
    "addPurchase",
    "returnOrder",
    "addCoupon",
    "newShouHuo",
];

/// The one operation that takes several documents in a list; one of them is a document.
pub(super) const LISTED: (&str, &str) = ("receiveCustomerWithBalance", "data");

impl Waiqin365 {
    /// A record made up but for these fields, created at a moment.
    pub(crate) fn enter(&self, query: &str, json: &str, at_ms: i64) -> Option<String> {
        let fields = Node::parse(json).ok()?;
        let operation = self.operation(query).filter(|found| found.is_query)?;
        let mut inner = self.inner();
        let records = inner.records.entry(operation.name).or_default();
        let mut record = record::make(operation, self.seed, records.len(), at_ms);
        overlay(&mut record.fields, &fields);
        let key = record::key(operation, &record.fields);
        record.key.clone_from(&key);
        records.push(record);
        Some(key)
    }
}

/// Each row of a list is the first made-up row but for its own fields.
fn overlay(made: &mut Node, fields: &Node) {
    for (name, value) in fields.members() {
        let value = match value {
            Node::List(rows) => {
                let first = made.get(name).and_then(|rows| rows.items().first());
                let first = first.cloned().unwrap_or(Node::Map(Vec::new()));
                let rows = rows.iter().map(|row| {
                    let mut whole = first.clone();
                    overlay(&mut whole, row);
                    whole
                });
                Node::List(rows.collect())
            }
            other => other.clone(),
        };
        made.set(name, value);
    }
}

impl System for Waiqin365 {
    fn sources(&self) -> Vec<String> {
        let queries = self
            .operations
            .iter()
            .filter(|operation| operation.is_query);
        queries.map(|operation| operation.name.to_owned()).collect()
    }

    fn targets(&self) -> Vec<String> {
        let writes = self
            .operations
            .iter()
            .filter(|operation| !operation.is_query);
        writes.map(|operation| operation.name.to_owned()).collect()
    }

    fn rows(&self, collection: &str) -> Vec<Row> {
        self.catch_up(Some(tokio::time::Instant::now()));
        let inner = self.inner();
        let records = inner.records.get(collection).into_iter().flatten();
        records
            .map(|record| {
                let stamp = ["modify_time_str", "modify_time"];
                let stamp = stamp
                    .iter()
                    .find_map(|name| record.fields.get(name)?.scalar());
                Row {
                    key: record.key.clone(),
                    version: stamp.filter(|stamp| !stamp.is_empty()).map(str::to_owned),
                    json: record.fields.to_string(),
                }
            })
            .collect()
    }

    fn add_rows(&self, collection: &str, count: usize) -> Vec<String> {
        let now_ms = self.clock.now_ms();
        let Some(operation) = self.operation(collection).filter(|found| found.is_query) else {
            return Vec::new();
        };
        let mut inner = self.inner();
        let records = inner.records.entry(operation.name).or_default();
        let first = records.len();
        for number in first..first + count {
            records.push(record::make(operation, self.seed, number, now_ms));
        }
        let added = records.iter().skip(first);
        added.map(|record| record.key.clone()).collect()
    }

    fn change_row(&self, collection: &str, key: &str) -> bool {
        let now_ms = self.clock.now_ms();
        let Some(operation) = self.operation(collection) else {
            return false;
        };
        let mut inner = self.inner();
        let records = inner.records.entry(operation.name).or_default();
        match records.iter_mut().find(|record| record.key == key) {
            Some(record) => {
                record::change(operation, record, now_ms);
                true
            }
            None => false,
        }
    }

    fn sample(&self, collection: &str, n: usize) -> String {
        match self.operation(collection) {
            Some(operation) if collection == LISTED.0 => body(operation, LISTED.1, n).to_string(),
            Some(operation) => body(operation, "", n).to_string(),
            None => "{}".to_owned(),
        }
    }

    fn broken(&self, collection: &str) -> Vec<Broken> {
        let Some(operation) = self.operation(collection) else {
            return Vec::new();
        };
        let root = if collection == LISTED.0 { LISTED.1 } else { "" };
        let mut all = Vec::new();
        let mut number = 0;
        let mut without = |paths: &[&str], value: &Node| {
            number += 1;
            let mut broken = body(operation, root, 9000 + number);
            for path in paths {
                let inner = path.strip_prefix(root).unwrap_or(path);
                put(&mut broken, inner.trim_start_matches('.'), value);
            }
            all.push(Broken {
                field: paths.first().copied().unwrap_or_default().to_owned(),
                json: broken.to_string(),
            });
        };
        let filled = |path: &str| FILLED.contains(&(operation.name, path));
        for take in operation
            .takes
            .iter()
            .filter(|take| take.must && take.path != root)
        {
            if !filled(take.path) {
                without(&[take.path], &Node::Null);
            }
        }
        for rule in &operation.rules {
            match rule.condition {
                // What an edit needs is the connector's to put in.
                Some(("operate_type", _)) => continue,
                Some((name, _)) => {
                    // The sample's condition is that of the rule with the first value.
                    let set = body(operation, root, 0)
                        .get(name)
                        .and_then(Node::scalar)
                        .map(str::to_owned);
                    if set.as_deref() != rule.condition.map(|(_, value)| value) {
                        continue;
                    }
                    without(&rule.paths, &Node::Null);
                }
                None => without(&rule.paths, &Node::Null),
            }
        }
        let long = |take: &&Take| Operation::length(take.kind).is_some_and(|most| most <= 4000);
        let number = number_field(operation.name);
        let long = operation
            .takes
            .iter()
            .filter(long)
            .find(|take| take.path != number && !take.path.contains('.') && !filled(take.path));
        if let Some(take) = long {
            let most = Operation::length(take.kind).unwrap_or(0);
            without(&[take.path], &Node::text("长".repeat(most + 1)));
        }
        all
    }

    fn written(&self, collection: &str) -> Vec<Row> {
        self.catch_up(Some(tokio::time::Instant::now()));
        let inner = self.inner();
        let taken = inner.written.get(collection).into_iter().flatten();
        taken
            .map(|taken| Row {
                key: taken.key.clone(),
                version: None,
                json: taken.json.clone(),
            })
            .collect()
    }
}

/// A body with everything that must be there, the first of each alternative and a line in each list.
fn body(operation: &Operation, parent: &str, n: usize) -> Node {
    let number = number_field(operation.name);
    let mut members = Vec::new();
    for take in &operation.takes {
        let (above, name) = take.path.rsplit_once('.').unwrap_or(("", take.path));
        if above != parent {
            continue;
        }
        let chosen = operation.rules.iter().any(|rule| {
            let wanted = rule
                .condition
                .is_none_or(|(name, _)| name == "cus_range_type");
            wanted && rule.paths.first() == Some(&take.path)
        });
        let is_number = name == number && (above.is_empty() || parent == LISTED.1);
        let own = OWN.contains(&operation.name) && is_number;
        if FILLED.contains(&(operation.name, take.path)) {
            continue;
        }
        if take.kind == "LIST" {
            members.push((
                name.to_owned(),
                Node::List(vec![body(operation, take.path, n)]),
            ));
        } else if is_number && (own || take.must || is_set(operation.name)) {
            members.push((name.to_owned(), Node::text(format!("T{n:06}"))));
        } else if take.must || chosen {
            members.push((name.to_owned(), value(take, name, n)));
        }
    }
    Node::Map(members)
}

fn value(take: &Take, name: &str, n: usize) -> Node {
    match take.kind {
        "DATE" | "TIMESTAMP" => Node::text("2025-10-01"),
        "TIME" => Node::text("2025-10-01 08:30"),
        "INT" | "INT8" => Node::Number(format!("{}", 6_000_000_000_000_000_000_u64 + n as u64)),
        kind if Operation::is_decimal(kind) => Node::Number(format!("{n}.50000000")),
        _ if name == "cus_range_type" => Node::text("1"),
        _ if name.ends_with("num") || name.ends_with("amount") => Node::text(format!("{n}.00")),
        kind => {
            let most = Operation::length(kind).unwrap_or(100);
            let text: String = format!("{name}-{n}").chars().take(most).collect();
            Node::text(text)
        }
    }
}

/// Puts a value at a path, in each line of a list.
fn put(place: &mut Node, path: &str, value: &Node) {
    match (path.split_once('.'), place) {
        (None, place) => place.set(path, value.clone()),
        (Some((name, rest)), Node::Map(members)) => {
            for (_, inside) in members.iter_mut().filter(|(known, _)| known == name) {
                if let Node::List(items) = inside {
                    items.iter_mut().for_each(|item| put(item, rest, value));
                }
            }
        }
        _ => {}
    }
}
