//! What a row shows, and how it is written in each dialect.

use crate::clock::china_text;
use crate::config::Dialect;
use crate::node::Node;
use crate::orders::catalogue::{self, goods_no, shop, warehouse};
use crate::orders::lines::goods;
use crate::orders::render::{Lists, stockout, trade};
use crate::orders::{Line, Order};
use crate::writer::Writer;
use std::sync::Arc;

/// What a row shows.
pub(crate) enum Document {
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
    /// Kept as it is.
    Plain(Node),
}

pub(crate) fn refund_no(order: &Order) -> String {
    format!("TK{:010}", order.index)
}

impl Document {
    pub(crate) fn render(&self, dialect: Dialect, lists: Lists) -> Vec<u8> {
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
            Self::Plain(node) => writer.object(|writer| writer.members(node.members())),
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
