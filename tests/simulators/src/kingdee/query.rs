//! ExecuteBillQuery (rows as arrays) and BillQuery (rows as objects) over SAL_OUTSTOCK, and the heartbeat
//! query on BD_Currency. Values keep the digits that were saved. Base data asked for without a part answers
//! an invented internal id, as the real server answers a real one.

use super::document::{Bill, Bills};
use super::fields::{ENTRY, FINANCE, HEADER, Kind, kind};
use super::filter::{Compare, Condition, parse};
use super::reply::{Failure, failure};
use crate::node::Node;
use tokio::time::Instant;

/// Largest `Limit` by the vendor's newer text, and the rows given when none is asked for (our inference).
const LARGEST: usize = 10_000;
const USUAL: usize = 2_000;

/// Where a field's value is.
#[derive(Clone, Debug)]
enum Place {
    Fid,
    Number,
    Status,
    EntryId,
    EntrySeq,
    Header(String),
    Finance(String),
    Entry(String),
}

#[derive(Clone, Debug)]
struct Column {
    place: Place,
    /// `FNumber` of `FCustomerID.FNumber`.
    part: Option<String>,
    base: bool,
}

/// The field keys as they were sent, and the rows of the asked page.
pub(crate) fn rows(bills: &Bills, data: &Node) -> Result<(Vec<String>, Vec<Vec<Node>>), Failure> {
    let text = |key: &str| {
        data.get(key)
            .and_then(Node::scalar)
            .unwrap_or_default()
            .trim()
    };
    let keys: Vec<String> = text("FieldKeys")
        .split(',')
        .map(|key| key.trim().to_owned())
        .collect();
    if keys.iter().any(String::is_empty) {
        return Err(failure(8, "参数错误：FieldKeys不能为空"));
    }
    let number = |key: &str| usize::try_from(data.get(key).map_or(0, Node::id)).unwrap_or(0);
    let (start, limit, top) = (number("StartRow"), number("Limit"), number("TopRowCount"));
    if limit > LARGEST {
        return Err(failure(8, format!("参数错误：Limit不能超过{LARGEST}")));
    }
    let mut rows = match text("FormId") {
        "SAL_OUTSTOCK" => bill_rows(bills, &keys, data.get("FilterString"))?,
        // The heartbeat idiom asks for one known currency.
        "BD_Currency" => vec![keys.iter().map(|_| Node::text("PRE001")).collect()],
        other => return Err(failure(5, format!("业务对象不存在：{other}"))),
    };
    if top > 0 {
        rows.truncate(top);
    }
    let take = if limit == 0 { USUAL } else { limit };
    Ok((keys, rows.into_iter().skip(start).take(take).collect()))
}

fn bill_rows(
    bills: &Bills,
    keys: &[String],
    filter: Option<&Node>,
) -> Result<Vec<Vec<Node>>, Failure> {
    let columns = keys
        .iter()
        .map(|key| column(key))
        .collect::<Result<Vec<_>, _>>()?;
    let conditions = conditions(filter)?;
    let filters = conditions
        .iter()
        .map(|condition| Ok((column(&condition.field)?, condition)));
    let filters: Vec<(Column, &Condition)> = filters.collect::<Result<_, Failure>>()?;
    // An entry field anywhere makes a row of each entry; otherwise a bill is one row.
    let wide = columns
        .iter()
        .chain(filters.iter().map(|(column, _)| column))
        .any(Column::is_entry);
    let mut rows = Vec::new();
    for bill in candidates(bills, &conditions) {
        let entries = bill
            .model
            .get("FEntity")
            .map(Node::items)
            .unwrap_or_default();
        let entries: Vec<Option<&Node>> = if wide {
            entries.iter().map(Some).collect()
        } else {
            vec![None]
        };
        for (at, entry) in entries.into_iter().enumerate() {
            let value = |column: &Column| column.value(bill, at, entry);
            if filters
                .iter()
                .all(|(column, condition)| holds(&value(column), condition))
            {
                rows.push(columns.iter().map(value).collect());
            }
        }
    }
    Ok(rows)
}

/// The filter as text, or as the newer list of comparisons, of which only 67 (equals) joined by AND is known.
fn conditions(filter: Option<&Node>) -> Result<Vec<Condition>, Failure> {
    match filter {
        None | Some(Node::Null) => Ok(Vec::new()),
        Some(Node::List(items)) => items.iter().map(listed).collect(),
        Some(node) => parse(node.scalar().unwrap_or_default())
            .map_err(|message| failure(4, format!("过滤条件错误：{message}"))),
    }
}

fn listed(item: &Node) -> Result<Condition, Failure> {
    let text = |key: &str| {
        item.get(key)
            .and_then(Node::scalar)
            .unwrap_or_default()
            .to_owned()
    };
    if text("Compare") != "67" || text("Logic") == "1" {
        return Err(failure(4, "过滤条件错误：仅支持Compare 67与Logic 0"));
    }
    Ok(Condition {
        field: text("FieldName"),
        compare: Compare::In,
        values: vec![text("Value")],
    })
}

/// Visible bills that may fulfil the conditions; a condition on FBillNo is looked up instead of scanned for.
fn candidates<'a>(bills: &'a Bills, conditions: &[Condition]) -> Vec<&'a Bill> {
    let now = Instant::now();
    let by_number = conditions.iter().find(|condition| {
        condition.compare == Compare::In && condition.field.eq_ignore_ascii_case("FBillNo")
    });
    let mut found: Vec<&Bill> = match by_number {
        Some(condition) => {
            let mut fids: Vec<i64> = condition
                .values
                .iter()
                .flat_map(|number| bills.fids(number).iter().copied())
                .collect();
            fids.sort_unstable();
            fids.dedup();
            fids.into_iter()
                .filter_map(|fid| bills.by_fid(fid))
                .collect()
        }
        None => bills.all().collect(),
    };
    found.retain(|bill| bill.visible <= now);
    found
}

fn column(key: &str) -> Result<Column, Failure> {
    let unknown = || failure(4, format!("元数据中标识为{key}的字段不存在"));
    let (name, part) = match key.split_once('.') {
        Some((name, part)) => (name, Some(part.to_owned())),
        None => (key, None),
    };
    let entry = name
        .get(..8)
        .filter(|start| start.eq_ignore_ascii_case("FEntity_"))
        .map(|_| name.get(8..).unwrap_or_default());
    let is = |text: &str| name.eq_ignore_ascii_case(text);
    let (place, found) = if is("FID") {
        (Place::Fid, Kind::Any)
    } else if is("FBillNo") {
        (Place::Number, Kind::Text)
    } else if is("FDocumentStatus") {
        (Place::Status, Kind::Text)
    } else if entry.is_some_and(|name| name.eq_ignore_ascii_case("FEntryID")) {
        (Place::EntryId, Kind::Any)
    } else if entry.is_some_and(|name| name.eq_ignore_ascii_case("FSeq")) {
        (Place::EntrySeq, Kind::Any)
    } else if entry.is_some() {
        return Err(unknown());
    } else if let Some(kind) = kind(HEADER, name) {
        (Place::Header(name.to_owned()), kind)
    } else if let Some(kind) = kind(FINANCE, name) {
        (Place::Finance(name.to_owned()), kind)
    } else if let Some(kind) = kind(ENTRY, name) {
        (Place::Entry(name.to_owned()), kind)
    } else {
        return Err(unknown());
    };
    let base = matches!(found, Kind::Base(_));
    if part.is_some() && !base && found != Kind::Flex && found != Kind::Any {
        return Err(unknown());
    }
    Ok(Column { place, part, base })
}

impl Column {
    fn is_entry(&self) -> bool {
        matches!(
            self.place,
            Place::EntryId | Place::EntrySeq | Place::Entry(_)
        )
    }

    fn value(&self, bill: &Bill, at: usize, entry: Option<&Node>) -> Node {
        let found = match &self.place {
            Place::Fid => Some(Node::integer(bill.fid)),
            Place::Number => Some(Node::text(&bill.number)),
            Place::Status => Some(Node::text(bill.status.to_string())),
            Place::EntryId => entry.and_then(|entry| entry.get("FEntryID")).cloned(),
            Place::EntrySeq => Some(Node::Number((at + 1).to_string())),
            Place::Header(name) => bill.model.get(name).cloned(),
            Place::Finance(name) => bill
                .model
                .get("SubHeadEntity")
                .and_then(|finance| finance.get(name))
                .cloned(),
            Place::Entry(name) => entry.and_then(|entry| entry.get(name)).cloned(),
        };
        let Some(found) = found else {
            return Node::Null;
        };
        match &self.part {
            Some(part) => part
                .split('.')
                .try_fold(&found, |node, part| node.get(part))
                .cloned()
                .unwrap_or(Node::Null),
            None if self.base => Node::integer(internal_id(&found)),
            None => found,
        }
    }
}

/// An id that is the same for the same base data.
fn internal_id(base: &Node) -> i64 {
    base.to_bytes()
        .iter()
        .fold(100_000, |id, byte| (id * 31 + i64::from(*byte)) % 9_999_991)
}

fn holds(value: &Node, condition: &Condition) -> bool {
    let held = value.scalar().unwrap_or_default();
    let order = |wanted: &str| match (value, wanted.parse::<f64>()) {
        (Node::Number(digits), Ok(wanted)) => digits
            .parse::<f64>()
            .ok()
            .and_then(|digits| digits.partial_cmp(&wanted)),
        _ => Some(held.cmp(wanted)),
    };
    let orders: Vec<_> = condition
        .values
        .iter()
        .filter_map(|wanted| order(wanted))
        .collect();
    match condition.compare {
        Compare::In => orders.iter().any(|order| order.is_eq()),
        Compare::NotEqual => orders.iter().all(|order| order.is_ne()),
        Compare::Less => orders.iter().all(|order| order.is_lt()),
        Compare::LessOrEqual => orders.iter().all(|order| order.is_le()),
        Compare::Greater => orders.iter().all(|order| order.is_gt()),
        Compare::GreaterOrEqual => orders.iter().all(|order| order.is_ge()),
    }
}
