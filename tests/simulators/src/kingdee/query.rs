//! ExecuteBillQuery (rows as arrays) and BillQuery (rows as objects) over every form. Values keep the digits
//! that were saved; a field of the rows anywhere makes a row of each entry. Base data asked for without a part
//! answers an invented internal id, as the real server answers a real one.

use super::document::{Bill, Bills};
use super::fields::Kind;
use super::filter::{Compare, Condition, Filter, parse};
use super::forms::Form;
use super::reply::{Failure, failure};
use crate::clock::{china_text, parse_china};
use crate::node::Node;
use std::cmp::Ordering;
use tokio::time::Instant;

/// Largest `Limit` of old servers, and the rows given when none is asked for (our inference).
const LARGEST: usize = 2_000;

/// Where a field's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Id,
    Number,
    Status,
    Created,
    Modified,
    Approved,
    Cancelled,
    Closed,
    Forbidden,
    EntrySeq,
    Head,
    Sub,
    Entry,
}

#[derive(Clone, Debug)]
pub(crate) struct Column {
    place: Place,
    name: String,
    /// `FNumber` of `FCustomerID.FNumber`.
    part: Option<String>,
    kind: Kind,
}

/// What was asked, checked.
pub(crate) struct Query {
    pub(crate) keys: Vec<String>,
    columns: Vec<Column>,
    filter: Filter,
    filters: Vec<(Condition, Column)>,
    order: Vec<(Column, bool)>,
    start: usize,
    take: usize,
    /// The row to end at; 0 for none.
    top: usize,
}

/// Times as live answers have them: milliseconds without zeros at their end.
pub(crate) fn time_text(ms: i64) -> String {
    let text = china_text(ms.div_euclid(1000)).replace(' ', "T");
    match ms.rem_euclid(1000) {
        0 => text,
        ms => format!("{text}.{ms:03}").trim_end_matches('0').to_owned(),
    }
}

impl Query {
    pub(crate) fn read(form: &'static Form, data: &Node) -> Result<Self, Failure> {
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
        let limit = number("Limit");
        if limit > LARGEST {
            return Err(failure(8, format!("参数错误：Limit不能超过{LARGEST}")));
        }
        let filter = filter(data.get("FilterString"))?;
        let filters = filter
            .conditions()
            .into_iter()
            .map(|condition| Ok((condition.clone(), Column::of(form, &condition.field)?)))
            .collect::<Result<_, Failure>>()?;
        Ok(Self {
            columns: keys
                .iter()
                .map(|key| Column::of(form, key))
                .collect::<Result<_, _>>()?,
            keys,
            filters,
            filter,
            order: order(form, text("OrderString"))?,
            start: number("StartRow"),
            take: if limit == 0 { LARGEST } else { limit },
            top: number("TopRowCount"),
        })
    }

    /// The rows of the page, and the id of the first row's document.
    pub(crate) fn rows(&self, bills: &Bills) -> (Vec<Vec<Node>>, Option<i64>) {
        let columns = self.columns.iter();
        let wide = columns
            .chain(self.filters.iter().map(|(_, column)| column))
            .any(Column::is_entry);
        let mut found: Vec<(Vec<Node>, i64, Vec<Node>)> = Vec::new();
        for bill in self.candidates(bills) {
            let entries = bill
                .model
                .get(bills.form.entity)
                .filter(|_| !bills.form.entity.is_empty())
                .map(Node::items)
                .unwrap_or_default();
            // A document without entries is a row all the same: the join is an outer one.
            let entries: Vec<Option<&Node>> = if wide && !entries.is_empty() {
                entries.iter().map(Some).collect()
            } else {
                vec![None]
            };
            for (at, entry) in entries.into_iter().enumerate() {
                let value = |column: &Column| column.value(bills.form, bill, at, entry);
                let holds = |condition: &Condition| {
                    let column = self.filters.iter().find(|(known, _)| known == condition);
                    column.is_some_and(|(_, column)| holds(&value(column), column.kind, condition))
                };
                if self.filter.holds(&holds) {
                    let order = self.order.iter().map(|(column, _)| value(column)).collect();
                    found.push((order, bill.fid, self.columns.iter().map(value).collect()));
                }
            }
        }
        found.sort_by(|one, other| self.compare(&one.0, &other.0).then(one.1.cmp(&other.1)));
        if self.top > 0 {
            found.truncate(self.top);
        }
        let page: Vec<_> = found.into_iter().skip(self.start).take(self.take).collect();
        let first = page.first().map(|(_, fid, _)| *fid);
        (page.into_iter().map(|(_, _, row)| row).collect(), first)
    }

    fn compare(&self, one: &[Node], other: &[Node]) -> Ordering {
        let pairs = self.order.iter().zip(one.iter().zip(other));
        for ((column, descending), (one, other)) in pairs {
            let order = compare(one, other.scalar().unwrap_or_default(), column.kind);
            if order != Ordering::Equal {
                return if *descending { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    }

    /// Visible bills that may fulfil the filter; a number that they must have is looked up instead of scanned for.
    fn candidates<'a>(&self, bills: &'a Bills) -> Vec<&'a Bill> {
        let now = Instant::now();
        let number = bills.form.number;
        let by_number = self.filter.certain(&|condition| {
            condition.compare == Compare::In && condition.field.eq_ignore_ascii_case(number)
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
}

/// The filter as text, or as the newer list of comparisons, of which only 67 (equals) joined by AND is known.
fn filter(filter: Option<&Node>) -> Result<Filter, Failure> {
    match filter {
        None | Some(Node::Null) => Ok(Filter::All(Vec::new())),
        Some(Node::List(items)) => {
            let all: Result<_, _> = items.iter().map(listed).collect();
            Ok(Filter::All(all?))
        }
        Some(node) => parse(node.scalar().unwrap_or_default())
            .map_err(|message| failure(4, format!("过滤条件错误：{message}"))),
    }
}

fn listed(item: &Node) -> Result<Filter, Failure> {
    let text = |key: &str| {
        item.get(key)
            .and_then(Node::scalar)
            .unwrap_or_default()
            .to_owned()
    };
    if text("Compare") != "67" || text("Logic") == "1" {
        return Err(failure(4, "过滤条件错误：仅支持Compare 67与Logic 0"));
    }
    Ok(Filter::One(Condition {
        field: text("FieldName"),
        compare: Compare::In,
        values: vec![text("Value")],
    }))
}

fn order(form: &'static Form, text: &str) -> Result<Vec<(Column, bool)>, Failure> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let mut words = part.split_whitespace();
            let column = Column::of(form, words.next().unwrap_or_default())?;
            match (words.next().map(str::to_ascii_lowercase), words.next()) {
                (None, None) => Ok((column, false)),
                (Some(word), None) if word == "asc" => Ok((column, false)),
                (Some(word), None) if word == "desc" => Ok((column, true)),
                _ => Err(failure(4, format!("排序字段错误：{part}"))),
            }
        })
        .collect()
}

impl Column {
    pub(crate) fn of(form: &'static Form, key: &str) -> Result<Self, Failure> {
        let unknown = || failure(4, format!("元数据中标识为{key}的字段不存在"));
        let (name, part) = match key.split_once('.') {
            Some((name, part)) => (name, Some(part.to_owned())),
            None => (key, None),
        };
        let is = |text: &str| !text.is_empty() && name.eq_ignore_ascii_case(text);
        let of_entry = name
            .get(..form.entity.len())
            .filter(|start| !start.is_empty() && start.eq_ignore_ascii_case(form.entity))
            .and_then(|_| name.get(form.entity.len()..)?.strip_prefix('_'));
        let system = [
            ("FDocumentStatus", Place::Status, Kind::Text),
            ("FCreateDate", Place::Created, Kind::Date),
            ("FModifyDate", Place::Modified, Kind::Date),
            ("FApproveDate", Place::Approved, Kind::Date),
            ("FCancelStatus", Place::Cancelled, Kind::Text),
            ("FCloseStatus", Place::Closed, Kind::Text),
            ("FForbidStatus", Place::Forbidden, Kind::Text),
        ];
        // Forms that say nothing of these have none of them.
        let system = system.into_iter().find(|(known, ..)| {
            is(known) && (form.kind("", known).is_some() || *known == "FDocumentStatus")
        });
        let (place, kind) = if is(form.id) {
            (Place::Id, Kind::Any)
        } else if is(form.number) {
            (Place::Number, Kind::Text)
        } else if let Some((_, place, kind)) = system {
            (place, kind)
        } else if let Some(inner) = of_entry {
            match inner.to_ascii_lowercase().as_str() {
                "fentryid" => (Place::Entry, Kind::Any),
                "fseq" => (Place::EntrySeq, Kind::Number),
                _ => return Err(unknown()),
            }
        } else if let Some(kind) = form.kind("", name) {
            (Place::Head, kind)
        } else if let Some(kind) = some(form.sub_head).and_then(|sub| form.kind(sub, name)) {
            (Place::Sub, kind)
        } else if let Some(kind) = some(form.entity).and_then(|entity| form.kind(entity, name)) {
            (Place::Entry, kind)
        } else {
            return Err(unknown());
        };
        let has_parts = matches!(kind, Kind::Base(_) | Kind::Flex | Kind::Any);
        if part.is_some() && !has_parts {
            return Err(unknown());
        }
        Ok(Self {
            place,
            name: of_entry.unwrap_or(name).to_owned(),
            part,
            kind,
        })
    }

    fn is_entry(&self) -> bool {
        matches!(self.place, Place::EntrySeq | Place::Entry)
    }

    pub(crate) fn value(&self, form: &Form, bill: &Bill, at: usize, entry: Option<&Node>) -> Node {
        let letter = |letter: char| Some(Node::text(letter.to_string()));
        let found = match &self.place {
            Place::Id => Some(Node::integer(bill.fid)),
            Place::Number => Some(Node::text(&bill.number)),
            Place::Status => letter(bill.status),
            Place::Created => Some(Node::text(time_text(bill.created))),
            Place::Modified => Some(Node::text(time_text(bill.modified))),
            Place::Approved => bill.approved.map(|ms| Node::text(time_text(ms))),
            Place::Cancelled => letter(bill.cancelled),
            Place::Closed => letter(bill.closed),
            Place::Forbidden => letter(bill.forbidden),
            Place::EntrySeq => entry.map(|_| Node::Number((at + 1).to_string())),
            // A field that a customer added may be one of the rows.
            Place::Head => bill
                .model
                .get(&self.name)
                .or_else(|| entry.and_then(|entry| entry.get(&self.name)))
                .cloned(),
            Place::Sub => bill
                .model
                .get(form.sub_head)
                .and_then(|finance| finance.get(&self.name))
                .cloned(),
            Place::Entry => entry.and_then(|entry| entry.get(&self.name)).cloned(),
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
            None if matches!(self.kind, Kind::Base(_)) => Node::integer(internal_id(&found)),
            None => found,
        }
    }
}

fn some(name: &'static str) -> Option<&'static str> {
    (!name.is_empty()).then_some(name)
}

/// An id that is the same for the same base data.
fn internal_id(base: &Node) -> i64 {
    base.to_bytes()
        .iter()
        .fold(100_000, |id, byte| (id * 31 + i64::from(*byte)) % 9_999_991)
}

/// Milliseconds of a time in any of the forms that the server takes.
fn millis(text: &str) -> Option<i64> {
    let (text, fraction) = text.split_once('.').unwrap_or((text, ""));
    let text = text.replace('T', " ");
    let seconds = parse_china(&text).or_else(|| parse_china(&format!("{text} 00:00:00")))?;
    let fraction = format!("{fraction:0<3}");
    Some(seconds * 1000 + fraction.get(..3)?.parse::<i64>().ok()?)
}

fn compare(value: &Node, wanted: &str, kind: Kind) -> Ordering {
    let held = value.scalar().unwrap_or_default();
    if kind == Kind::Date
        && let (Some(held), Some(wanted)) = (millis(held), millis(wanted))
    {
        return held.cmp(&wanted);
    }
    match (value, held.parse::<f64>(), wanted.parse::<f64>()) {
        (Node::Number(_), Ok(held), Ok(wanted)) => {
            held.partial_cmp(&wanted).unwrap_or(Ordering::Equal)
        }
        _ => held.cmp(wanted),
    }
}

/// As in SQL, nothing compares with null.
fn holds(value: &Node, kind: Kind, condition: &Condition) -> bool {
    if *value == Node::Null {
        return false;
    }
    let mut orders = condition
        .values
        .iter()
        .map(|wanted| compare(value, wanted, kind));
    match condition.compare {
        Compare::In => orders.any(Ordering::is_eq),
        Compare::NotEqual => orders.all(Ordering::is_ne),
        Compare::Less => orders.all(Ordering::is_lt),
        Compare::LessOrEqual => orders.all(Ordering::is_le),
        Compare::Greater => orders.all(Ordering::is_gt),
        Compare::GreaterOrEqual => orders.all(Ordering::is_ge),
    }
}
