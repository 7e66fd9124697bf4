//! The rows behind each collection, ordered by consign time and by modification, and their rendered bytes.

use super::collection::Collection;
use super::query::Query;
use crate::clock::china_text;
use crate::config::Dialect;
use crate::orders::catalogue::{self, goods_no, shop, spec_no, warehouse};
use crate::orders::lines::goods;
use crate::orders::render::{Lists, stockout, trade};
use crate::orders::{Line, Order};
use crate::writer::Writer;
use bytes::Bytes;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

/// What a row shows.
enum Document {
    Stockout(Arc<Order>),
    Trade(Arc<Order>),
    Refund(Arc<Order>),
    /// Specifications of one goods number, from the first of four.
    Goods(usize),
    Stock {
        spec: usize,
        warehouse: usize,
        modified: i64,
    },
    Warehouse(usize),
}

struct Row {
    consign: Option<i64>,
    modified: i64,
    status: u16,
    /// What filters ask for. `src_tid` comes once for every number of a merged order.
    keys: Vec<(&'static str, String)>,
    visible_ms: i64,
    document: Document,
    rendered: [OnceLock<Bytes>; 2],
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
        let [direct, qimen] = &self.rendered;
        let cell = if dialect == Dialect::Direct {
            direct
        } else {
            qimen
        };
        cell.get_or_init(|| Bytes::from(self.document.render(dialect, lists)))
    }

    fn passes(&self, query: &Query, now_ms: i64) -> bool {
        let any = |key: &str, values: &[String]| {
            self.keys
                .iter()
                .any(|(name, held)| *name == key && values.iter().any(|value| value == held))
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
    refunds: Table,
    goods: Table,
    stocks: Table,
    warehouses: Table,
}

impl Tables {
    pub(crate) fn new(orders: Vec<Order>, now: i64) -> Self {
        let mut tables = Self::default();
        for order in orders {
            tables.insert(order, 0);
        }
        let specs = usize::try_from(catalogue::SPECS).unwrap_or(0);
        for spec in 0..specs {
            let changed = now - 3600 * i64::try_from(1 + spec % 96).unwrap_or(1);
            if spec % 4 == 0 {
                let mut keys = vec![("goods_no", goods_no(spec))];
                keys.extend((spec..spec + 4).map(|spec| ("spec_no", spec_no(spec))));
                tables
                    .goods
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
                tables.stocks.push(Row::new(document, changed, keys));
            }
        }
        for (at, (number, _)) in catalogue::WAREHOUSES.iter().enumerate() {
            tables.warehouses.push(Row::new(
                Document::Warehouse(at),
                now,
                vec![("warehouse_no", (*number).to_owned())],
            ));
        }
        tables
    }

    pub(crate) fn of(&self, collection: &Collection) -> &Table {
        match collection.list_key {
            "stockout_list" => &self.stockouts,
            "trades" => &self.trades,
            "refunds" => &self.refunds,
            "goods_list" => &self.goods,
            "stocks" => &self.stocks,
            _ => &self.warehouses,
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
            self.refunds
                .push(order_row(&order, Document::Refund, visible_ms));
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
        ("shop_no", shop(order.shop).0.to_owned()),
        ("warehouse_no", warehouse(order.warehouse).0.to_owned()),
    ];
    keys.extend(order.tids.iter().map(|tid| ("src_tid", tid.clone())));
    let mut row = Row::new(document(Arc::clone(order)), order.modified, keys);
    row.consign = order.consign;
    row.status = order.status;
    row.visible_ms = visible_ms;
    row
}

fn refund_no(order: &Order) -> String {
    format!("TK{:010}", order.index)
}

impl Document {
    fn render(&self, dialect: Dialect, lists: Lists) -> Vec<u8> {
        let mut writer = Writer::new(dialect);
        match self {
            Self::Stockout(order) => return stockout(order, dialect, lists),
            Self::Trade(order) => return trade(order, dialect),
            Self::Refund(order) => writer.object(|writer| refund(writer, order)),
            Self::Goods(first) => writer.object(|writer| {
                writer.texts(&[
                    ("goods_no", &goods_no(*first)),
                    ("goods_name", &catalogue::goods_name(*first)),
                    ("unit_name", "件"),
                ]);
                writer.integers(&[
                    ("goods_id", 800 + *first as u64 / 4),
                    ("goods_type", 1),
                    ("deleted", 0),
                ]);
                let specs: Vec<usize> = (*first..first + 4).collect();
                writer.list("spec_list", &specs, |writer, spec| goods(writer, *spec));
            }),
            Self::Stock {
                spec,
                warehouse: at,
                modified,
            } => writer.object(|writer| {
                goods(writer, *spec);
                writer.texts(&[
                    ("warehouse_no", warehouse(*at).0),
                    ("warehouse_name", warehouse(*at).1),
                ]);
                writer.text("modified", &china_text(*modified));
                let stock = 10_000 * i64::try_from(spec * 7 % 500).unwrap_or(0);
                writer.decimals(&[
                    ("stock_num", stock),
                    ("avaliable_num", stock / 2 / 10_000 * 10_000),
                    ("lock_num", 0),
                ]);
            }),
            Self::Warehouse(at) => writer.object(|writer| {
                writer.texts(&[
                    ("warehouse_no", warehouse(*at).0),
                    ("name", warehouse(*at).1),
                    ("province", "浙江省"),
                ]);
                writer.integers(&[
                    ("warehouse_id", 1 + *at as u64),
                    ("type", 1),
                    ("is_disabled", 0),
                ]);
            }),
        }
        writer.finish()
    }
}

fn refund(writer: &mut Writer, order: &Order) {
    let tids = order.tids.join(",");
    writer.texts(&[
        ("refund_no", &refund_no(order)),
        ("src_refund_no", &refund_no(order)),
        ("trade_no", &order.trade_no),
        ("tid", &tids),
        ("shop_no", shop(order.shop).0),
        ("remark", "七天无理由&拆封"),
        ("modified", &china_text(order.modified)),
    ]);
    writer.integers(&[
        ("refund_id", 88_000 + order.index),
        ("type", 2),
        ("process_status", 30),
    ]);
    writer.decimal("refund_amount", order.amount());
    writer.list("refund_order_list", &order.lines, |writer, line: &Line| {
        goods(writer, line.spec);
        writer.integer("rec_id", line.rec_id);
        writer.decimals(&[("refund_num", line.count), ("price", line.price)]);
    });
}
