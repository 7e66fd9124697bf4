//! The lines of an order as JSON, and its batches.

use super::catalogue::{barcode, goods_name, goods_no, spec_name, spec_no};
use super::{Line, Order};
use crate::clock::china_text;
use crate::writer::Writer;

pub(crate) fn detail(writer: &mut Writer, order: &Order, line: &Line) {
    let tid = order.tids.get(line.tid).map_or("", String::as_str);
    goods(writer, line.spec);
    writer.integers(&[
        ("rec_id", line.rec_id),
        ("stockout_id", order.stockout_id),
        ("sale_order_id", line.rec_id + 31),
        ("src_order_detail_id", line.rec_id + 31),
        ("goods_type", 1),
        ("gift_type", u64::from(line.gift)),
        (
            "platform_id",
            if order.shop == 0 {
                127
            } else {
                order.shop as u64
            },
        ),
        ("refund_status", 0),
    ]);
    writer.decimals(&[
        ("goods_count", line.count),
        ("num", line.count),
        ("sell_price", line.price),
        ("market_price", line.price / 4 * 5),
        ("share_price", line.price),
        ("share_amount", line.amount()),
        ("total_amount", line.amount()),
        ("share_post", 0),
        ("discount", 0),
        ("paid", line.amount()),
        ("tax_rate", 1_300),
        ("cost_price", line.price / 5 * 2),
        ("weight", 2_500),
    ]);
    writer.texts(&[
        ("src_tid", tid),
        ("src_oid", &format!("{tid}{}", line.rec_id % 100)),
        ("suite_no", ""),
        (
            "remark",
            if line.gift {
                "赠品\"买一送一\""
            } else {
                ""
            },
        ),
        ("modified", &china_text(order.modified)),
    ]);
}

/// The members that name a specification.
pub(crate) fn goods(writer: &mut Writer, spec: usize) {
    writer.integers(&[
        ("spec_id", 9_000 + spec as u64),
        ("goods_id", 800 + spec as u64 / 4),
    ]);
    writer.texts(&[
        ("spec_no", &spec_no(spec)),
        ("goods_no", &goods_no(spec)),
        ("goods_name", &goods_name(spec)),
        ("spec_name", spec_name(spec)),
        ("spec_code", &format!("{:05}", spec + 1)),
        ("barcode", &barcode(spec)),
        ("brand_no", "BR01"),
        ("brand_name", "示例&品牌"),
    ]);
}

/// A row of `batch_details`: specification, count, price, production date.
pub(crate) type Batch = (String, i64, i64, String);

/// Lines of three or more pieces come from two batches.
pub(crate) fn batches(order: &Order) -> Vec<Batch> {
    let mut rows = Vec::new();
    for line in &order.lines {
        let day = |back: i64| {
            china_text(order.created - back * 86_400)
                .get(..10)
                .unwrap_or_default()
                .to_owned()
        };
        let first = if line.count >= 30_000 {
            line.count - 10_000
        } else {
            line.count
        };
        rows.push((spec_no(line.spec), first, line.price, day(90)));
        if first < line.count {
            // An unknown production date comes empty.
            let date = if line.rec_id % 3 == 0 {
                String::new()
            } else {
                day(30)
            };
            rows.push((spec_no(line.spec), line.count - first, line.price, date));
        }
    }
    rows
}

pub(crate) fn batch(writer: &mut Writer, (spec_no, count, price, date): &Batch) {
    writer.text("spec_no", spec_no);
    writer.decimals(&[("num", *count), ("sell_price", *price)]);
    writer.text("product_date", date);
}
