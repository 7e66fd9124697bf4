//! The rows of the queues, in every dialect's shape, and what was said of each.

use super::Wangdiantong;
use super::ack::{LOGISTICS, STOCK};
use crate::clock::china_text;
use crate::config::Dialect;
use crate::node::Node;
use crate::system::Row;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{MutexGuard, PoisonError};

/// One queue.
#[derive(Default)]
pub(crate) struct Queue {
    /// Every row that was ever in it, by `rec_id`, as it is now.
    pub(crate) rows: BTreeMap<u64, Node>,
    /// Those that come again.
    pub(crate) open: BTreeSet<u64>,
    /// `rec_id`, status and message, in order.
    pub(crate) acknowledged: Vec<(u64, String, String)>,
}

/// As an array of 旗舰版 shows a row of shipments: under other names.
const FLAGSHIP: [(&str, &str); 9] = [
    ("sync_id", "rec_id"),
    ("tid", "tid"),
    ("logistics_no", "logistics_no"),
    ("logistics_code", "logistics_code_erp"),
    ("logistics_name", "logistics_name"),
    ("is_part_sync", "is_part_sync"),
    ("oids", "oids"),
    ("trade_id", "trade_id"),
    ("created", "created"),
];

pub(crate) fn flagship_row(row: &Node) -> Node {
    let members = FLAGSHIP.iter().map(|(own, name)| {
        let value = row.get(name).cloned().unwrap_or(Node::Null);
        ((*own).to_owned(), value)
    });
    Node::Map(members.collect())
}

impl Wangdiantong {
    fn queues(&self) -> MutexGuard<'_, BTreeMap<&'static str, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts rows into a queue; gives their `rec_id`s.
    pub(crate) fn queue(&self, name: &'static str, count: usize) -> Vec<u64> {
        let created = china_text(self.clock.now());
        let mut queues = self.queues();
        let queue = queues.entry(name).or_default();
        let add = |_| {
            let at = 1 + queue.rows.len() as u64;
            let rec_id = 3_000 + at;
            queue.rows.insert(rec_id, row(name, at, rec_id, &created));
            queue.open.insert(rec_id);
            rec_id
        };
        (0..count).map(add).collect()
    }

    /// The oldest rows that are open, of one shop where it is named.
    pub(crate) fn peek(&self, name: &str, shop: Option<&str>, most: usize) -> Vec<Node> {
        let queues = self.queues();
        let Some(queue) = queues.get(name) else {
            return Vec::new();
        };
        let open = queue.open.iter().filter_map(|id| queue.rows.get(id));
        let of_shop =
            |row: &&Node| shop.is_none() || row.get("shop_no").and_then(Node::scalar) == shop;
        open.filter(of_shop).take(most).cloned().collect()
    }

    /// The stock of a row changes once more, and it comes again; false for shipments, which do not change.
    pub(crate) fn requeue(&self, name: &'static str, rec_id: &str) -> bool {
        let mut queues = self.queues();
        let queue = queues.entry(name).or_default();
        let Ok(id) = rec_id.parse::<u64>() else {
            return false;
        };
        let Some(row) = queue.rows.get_mut(&id).filter(|_| name == STOCK) else {
            return false;
        };
        for field in ["sync_stock", "stock_change_count"] {
            let next = row.get(field).map_or(0, Node::id) + 1;
            row.set(field, Node::integer(next));
        }
        queue.open.insert(id);
        true
    }

    /// Every row that was ever in a queue, as a dialect shows it now.
    pub(crate) fn queued(&self, name: &str, dialect: Dialect) -> Vec<Row> {
        let queues = self.queues();
        let rows = queues.get(name).into_iter().flat_map(|queue| &queue.rows);
        let shown = rows.map(|(rec_id, row)| Row {
            key: rec_id.to_string(),
            version: None,
            json: match dialect.is_flagship() {
                true => flagship_row(row).to_string(),
                false => row.to_string(),
            },
        });
        shown.collect()
    }

    /// Rows that were not acknowledged.
    pub(crate) fn waiting(&self, name: &str) -> usize {
        self.queues().get(name).map_or(0, |queue| queue.open.len())
    }

    pub(crate) fn acknowledged(&self, name: &'static str) -> Vec<(u64, String, String)> {
        let queues = self.queues();
        queues
            .get(name)
            .map_or_else(Vec::new, |queue| queue.acknowledged.clone())
    }
}

fn row(name: &str, at: u64, rec_id: u64, created: &str) -> Node {
    let text = |prefix: &str| Node::text(format!("{prefix}{at:06}"));
    let number = |value: u64| Node::Number(value.to_string());
    let (rec_id, shop) = (
        ("rec_id", number(rec_id)),
        ("shop_no", Node::text("FENXIAO004")),
    );
    if name != LOGISTICS {
        return Node::map([
            rec_id,
            shop,
            ("goods_id", text("G")),
            ("spec_id", text("S")),
            ("sync_stock", number(at * 7 % 90)),
            ("stock_change_count", number(at)),
        ]);
    }
    Node::map([
        rec_id,
        shop,
        ("tid", text("T")),
        ("oids", Node::text("")),
        ("is_part_sync", Node::integer(0)),
        ("logistics_type", number(3)),
        ("logistics_no", text("YT")),
        ("logistics_name", Node::text("圆通速递")),
        ("logistics_code_erp", Node::text("YT")),
        ("trade_id", number(2_099_000 + at)),
        ("platform_id", number(127)),
        ("created", Node::text(created)),
    ])
}
