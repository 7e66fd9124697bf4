//! The rows behind each collection, ordered by consign time and by modification, and their rendered bytes.

use super::collection::{COLLECTIONS, Collection};
use super::document::{Document, refund_no};
use super::query::Query;
use super::rows;
use crate::config::{Config, Dialect};
use crate::node::Node;
use crate::orders::Order;
use crate::orders::catalogue::{self, goods_no, shop, spec_no, warehouse};
use crate::orders::render::Lists;
use bytes::Bytes;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

struct Row {
    consign: Option<i64>,
    modified: i64,
    status: u16,
    /// What filters ask for. `src_tid` comes once for every number of a merged order.
    keys: Vec<(&'static str, String)>,
    visible_ms: i64,
    document: Document,
    /// In dialects A, B, and C and D.
    rendered: [OnceLock<Bytes>; 3],
}

impl Row {
    fn new(document: Document, modified: i64, keys: Vec<(&'static str, String)>) -> Self {
        Self {
            consign: None,
            modified,
            status: 0,
            keys,
            visible_ms: 0,
            document,
            rendered: Default::default(),
        }
    }

    /// Rendered at the first use and kept.
    fn bytes(&self, dialect: Dialect, lists: Lists) -> &Bytes {
        let [direct, qimen, flagship] = &self.rendered;
        let cell = match dialect {
            Dialect::Direct => direct,
            Dialect::Qimen => qimen,
            Dialect::Flagship | Dialect::FlagshipQimen => flagship,
        };
        cell.get_or_init(|| Bytes::from(self.document.render(dialect, lists)))
    }

    fn passes(&self, query: &Query, now_ms: i64) -> bool {
        let any = |key: &str, values: &[String]| match &self.document {
            Document::Plain(node) => {
                let held = node.get(key).and_then(Node::scalar);
                held.is_some_and(|held| values.iter().any(|value| value == held))
            }
            _ => self
                .keys
                .iter()
                .any(|(name, held)| *name == key && values.iter().any(|value| value == held)),
        };
        (query.states.is_empty() || query.states.contains(&self.status))
            && query.filters.iter().all(|(key, values)| any(key, values))
            && self.visible_ms <= now_ms
    }
}

/// The rows of one collection.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    by_consign: BTreeSet<(i64, usize)>,
    by_modified: BTreeSet<(i64, usize)>,
}

impl Table {
    /// Adds a row as it is, hidden before `visible_ms`.
    pub(crate) fn keep(&mut self, node: Node, modified: i64, visible_ms: i64) {
        let status = node.get("status").map_or(0, Node::id);
        let mut row = Row::new(Document::Plain(node), modified, Vec::new());
        row.status = u16::try_from(status).unwrap_or(0);
        row.visible_ms = visible_ms;
        self.push(row);
    }

    /// The row of a document that was pushed before goes out of sight.
    pub(crate) fn drop_pushed(&mut self, field: &str, number: &str) {
        for row in &mut self.rows {
            let is = match &row.document {
                Document::Plain(node) => node.get(field).and_then(Node::scalar) == Some(number),
                _ => false,
            };
            if is {
                row.visible_ms = i64::MAX;
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Changes a row by its place; it moves forward in modification time.
    pub(crate) fn change(&mut self, place: usize, at: i64, lists: Lists) -> bool {
        let Some(row) = self.rows.get(place) else {
            return false;
        };
        let node = match &row.document {
            Document::Plain(node) => node.clone(),
            // Dialect B shows which of its values are numbers.
            other => {
                let text = other.render(Dialect::Qimen, lists);
                let text = String::from_utf8(text).unwrap_or_default();
                Node::parse(&text).unwrap_or(Node::Null)
            }
        };
        let modified = at.max(row.modified + 1);
        let mut changed = Row::new(
            Document::Plain(rows::changed(&node, modified)),
            modified,
            Vec::new(),
        );
        changed.status = row.status;
        self.replace(place, changed);
        true
    }

    /// Every row.
    pub(crate) fn told(&self, dialect: Dialect, lists: Lists) -> Vec<Vec<u8>> {
        let told = |row: &Row| row.document.render(dialect, lists);
        let shown = self.rows.iter().filter(|row| row.visible_ms < i64::MAX);
        shown.map(told).collect()
    }

    fn push(&mut self, row: Row) {
        self.enter(self.rows.len(), &row);
        self.rows.push(row);
    }

    fn enter(&mut self, at: usize, row: &Row) {
        if let Some(consign) = row.consign {
            self.by_consign.insert((consign, at));
        }
        self.by_modified.insert((row.modified, at));
    }

    fn replace(&mut self, at: usize, row: Row) {
        let Some(old) = self.rows.get(at) else { return };
        if let Some(consign) = old.consign {
            self.by_consign.remove(&(consign, at));
        }
        self.by_modified.remove(&(old.modified, at));
        self.enter(at, &row);
        if let Some(slot) = self.rows.get_mut(at) {
            *slot = row;
        }
    }

    /// The rows that a query sees, in the order of its window's time.
    pub(crate) fn select(&self, query: &Query, now_ms: i64) -> Vec<usize> {
        let passes = |at: &usize| {
            self.rows
                .get(*at)
                .is_some_and(|row| row.passes(query, now_ms))
        };
        match query.window {
            None => (0..self.rows.len()).filter(passes).collect(),
            Some(window) => {
                let index = if window.by_consign {
                    &self.by_consign
                } else {
                    &self.by_modified
                };
                let range = index.range((window.start, 0)..=(window.end, usize::MAX));
                range.map(|(_, at)| *at).filter(passes).collect()
            }
        }
    }

    /// The rows' bytes with commas between.
    pub(crate) fn join(&self, rows: &[usize], dialect: Dialect, lists: Lists) -> Vec<u8> {
        let parts: Vec<&Bytes> = rows
            .iter()
            .filter_map(|at| self.rows.get(*at))
            .map(|row| row.bytes(dialect, lists))
            .collect();
        let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
        for (at, part) in parts.into_iter().enumerate() {
            if at > 0 {
                joined.push(b',');
            }
            joined.extend_from_slice(part);
        }
        joined
    }
}

/// All collections. The tables of stock-outs and trades hold the same orders at the same places.
#[derive(Default)]
pub(crate) struct Tables {
    orders: Vec<Arc<Order>>,
    /// What orders were before they changed, the oldest first.
    superseded: Vec<Arc<Order>>,
    places: HashMap<String, usize>,
    stockouts: Table,
    trades: Table,
    /// All others, by the collection's name.
    others: HashMap<&'static str, Table>,
}

impl Tables {
    pub(crate) fn new(orders: Vec<Order>, config: &Config, now: i64) -> Self {
        let mut tables = Self::default();
        for collection in COLLECTIONS.iter().filter(|one| !one.shows_stockouts()) {
            tables.others.insert(collection.name, Table::default());
        }
        for order in orders {
            tables.insert(order, 0);
        }
        tables.catalogue(now);
        for collection in COLLECTIONS.iter().filter(|one| !one.row.is_empty()) {
            tables.fill(collection, config, now);
        }
        tables
    }

    /// Goods, stock and warehouses, as the orders name them.
    fn catalogue(&mut self, now: i64) {
        let specs = usize::try_from(catalogue::SPECS).unwrap_or(0);
        for spec in 0..specs {
            let changed = now - 3600 * i64::try_from(1 + spec % 96).unwrap_or(1);
            if spec % 4 == 0 {
                let mut keys = vec![("goods_no", goods_no(spec))];
                keys.extend((spec..spec + 4).map(|spec| ("spec_no", spec_no(spec))));
                self.other("goods_query")
                    .push(Row::new(Document::Goods(spec), changed, keys));
            }
            for (at, (warehouse_no, _)) in catalogue::WAREHOUSES.iter().enumerate() {
                let keys = vec![
                    ("spec_no", spec_no(spec)),
                    ("barcode", catalogue::barcode(spec)),
                    ("warehouse_no", (*warehouse_no).to_owned()),
                ];
                let document = Document::Stock {
                    spec,
                    warehouse: at,
                    modified: changed,
                };
                self.other("stock_query")
                    .push(Row::new(document, changed, keys));
            }
        }
        for (at, (number, _)) in catalogue::WAREHOUSES.iter().enumerate() {
            self.other("warehouse_query").push(Row::new(
                Document::Warehouse(at),
                now,
                vec![("warehouse_no", (*number).to_owned())],
            ));
        }
    }

    /// Generated rows over the orders' period, where nothing else makes some.
    fn fill(&mut self, collection: &'static Collection, config: &Config, now: i64) {
        if [
            "goods_query",
            "stock_query",
            "warehouse_query",
            "refund_query",
        ]
        .contains(&collection.name)
        {
            return;
        }
        let period = i64::try_from(config.period.as_secs()).unwrap_or(i64::MAX);
        let step = period / i64::try_from(config.rows.max(1)).unwrap_or(1);
        for at in 0..config.rows {
            let ago = 600 + step * i64::try_from(config.rows - at).unwrap_or(1);
            self.grow(collection, config.seed, now - ago, 0);
        }
    }

    /// Adds a generated row.
    pub(crate) fn grow(
        &mut self,
        collection: &'static Collection,
        seed: u64,
        modified: i64,
        visible_ms: i64,
    ) {
        let table = self.other(collection.name);
        let index = 1 + table.len() as u64;
        let node = rows::generate(collection, index, seed, modified);
        table.keep(node, modified, visible_ms);
    }

    /// By the collection's name; it must be none of the stock-outs' and orders'.
    pub(crate) fn other(&mut self, name: &'static str) -> &mut Table {
        self.others.entry(name).or_default()
    }

    pub(crate) fn of(&self, collection: &Collection) -> &Table {
        match collection.name {
            "trade_query" => &self.trades,
            name => self.others.get(name).unwrap_or(&self.stockouts),
        }
    }

    pub(crate) fn next_index(&self) -> u64 {
        1 + self.orders.len() as u64
    }

    pub(crate) fn insert(&mut self, order: Order, visible_ms: i64) {
        let order = Arc::new(order);
        self.places
            .insert(order.stockout_no.clone(), self.orders.len());
        // Every twentieth order comes back.
        if order.index.is_multiple_of(20) && order.consign.is_some() {
            let row = order_row(&order, Document::Refund, visible_ms);
            self.other("refund_query").push(row);
        }
        self.stockouts
            .push(order_row(&order, Document::Stockout, visible_ms));
        self.trades
            .push(order_row(&order, Document::Trade, visible_ms));
        self.orders.push(order);
    }

    pub(crate) fn replace(&mut self, order: Order) {
        let Some(at) = self.places.get(&order.stockout_no).copied() else {
            return;
        };
        let order = Arc::new(order);
        self.stockouts
            .replace(at, order_row(&order, Document::Stockout, 0));
        self.trades
            .replace(at, order_row(&order, Document::Trade, 0));
        if let Some(slot) = self.orders.get_mut(at) {
            self.superseded.push(std::mem::replace(slot, order));
        }
    }

    /// Its shipment is taken back: it is none of the shipped ones any more, and stands among the reverted.
    pub(crate) fn revert(&mut self, mut order: Order, at: i64) {
        order.modified = at.max(order.modified + 1);
        order.status = 55;
        let told = Arc::new(order.clone());
        let mut row = order_row(&told, Document::Stockout, 0);
        row.consign = None;
        self.other("stockout_order_query_trade_cancel").push(row);
        order.consign = None;
        self.replace(order);
    }

    pub(crate) fn superseded(&self) -> impl Iterator<Item = &Arc<Order>> {
        self.superseded.iter()
    }

    /// Stock-outs and orders have the same places.
    pub(crate) fn at(&self, place: usize) -> Option<&Arc<Order>> {
        self.orders.get(place)
    }

    pub(crate) fn order(&self, stockout_no: &str) -> Option<Arc<Order>> {
        self.orders.get(*self.places.get(stockout_no)?).cloned()
    }

    pub(crate) fn orders(&self) -> impl Iterator<Item = &Arc<Order>> {
        self.orders.iter()
    }

    pub(crate) fn render_all(&self, dialect: Dialect, lists: Lists) {
        for row in &self.stockouts.rows {
            row.bytes(dialect, lists);
        }
    }
}

fn order_row(order: &Arc<Order>, document: fn(Arc<Order>) -> Document, visible_ms: i64) -> Row {
    let mut keys = vec![
        ("stockout_no", order.stockout_no.clone()),
        ("src_order_no", order.trade_no.clone()),
        ("trade_no", order.trade_no.clone()),
        ("src_refund_no", refund_no(order)),
        ("refund_no", refund_no(order)),
        ("shop_no", shop(order.shop).0.to_owned()),
        ("warehouse_no", warehouse(order.warehouse).0.to_owned()),
    ];
    for name in ["src_tid", "tid"] {
        keys.extend(order.tids.iter().map(|tid| (name, tid.clone())));
    }
    let mut row = Row::new(document(Arc::clone(order)), order.modified, keys);
    row.consign = order.consign;
    row.status = order.status;
    row.visible_ms = visible_ms;
    row
}
