//! The generated orders: reproducible, complete and as varied as promised.

use super::render::{Lists, stockout};
use super::{Order, first_orders};
use crate::config::{Config, Dialect};
use serde_json::Value;
use std::collections::HashSet;

/// The answer's header fields in the published configuration that the first pipeline is built from.
const HEADER: &str = "stockout_id order_no src_order_no warehouse_no consign_time order_type trade_status order_type_name \
trade_type subtype goods_count goods_total_amount goods_total_cost post_fee logistics_no package_fee receiver_name \
receiver_country receiver_province receiver_city receiver_district receiver_address receiver_mobile receiver_telno \
receiver_zip receiver_dtb weight logistics_type logistics_code logistics_name print_remark paid refund_status \
salesman_no salesman_name fullname warehouse_name created remark stockout_reason outer_no trade_no src_trade_no \
nick_name customer_name customer_no trade_time pay_time status shop_name shop_no buyer_message cs_remark flag_name \
post_amount block_reason invoice_type invoice_title invoice_content invoice_id delivery_term fenxiao_type fenxiao_nick \
cod_amount id_card_type receiver_area shop_remark modified platform_id trade_id checker_name employee_no operator_name \
packager_no packager_name picker_no picker_name printer_no printer_name examiner_no examiner_name stockout_no \
src_order_type wms_status error_info warehouse_type warehouse_id customer_id freeze_reason is_allocated consign_status \
ebill_status operator_id goods_type_count md5_str custom_type receiver_ring to_deliver_time pre_charge_time";

const NOW: i64 = 1_760_000_000;
const BOTH: Lists = Lists {
    details_list: true,
    batch_details: true,
};

fn orders() -> Vec<Order> {
    first_orders(&Config::new(500, 7), NOW)
}

fn text(order: &Order, dialect: Dialect, lists: Lists) -> String {
    String::from_utf8(stockout(order, dialect, lists)).unwrap()
}

#[test]
fn every_published_header_field_is_there() {
    let value: Value = serde_json::from_str(&text(&orders()[0], Dialect::Direct, BOTH)).unwrap();
    for field in HEADER.split_whitespace() {
        assert!(value.get(field).is_some(), "`{field}` is missing");
    }
}

#[test]
fn no_member_is_given_twice() {
    let text = text(
        &orders()[0],
        Dialect::Direct,
        Lists {
            details_list: false,
            batch_details: false,
        },
    );
    let keys: Vec<&str> = text
        .split("\":")
        .filter_map(|part| part.rsplit('"').next())
        .collect();
    let names: HashSet<&str> = keys.iter().copied().collect();
    assert_eq!(keys.len(), names.len());
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let render = || -> Vec<String> {
        orders()
            .iter()
            .map(|order| text(order, Dialect::Qimen, BOTH))
            .collect()
    };
    assert_eq!(render(), render());
}

#[test]
fn dialect_a_has_no_bare_scalar_and_b_keeps_the_digits() {
    for order in orders().iter().take(50) {
        let direct: Value = serde_json::from_str(&text(order, Dialect::Direct, BOTH)).unwrap();
        assert!(
            direct
                .as_object()
                .unwrap()
                .values()
                .all(|value| value.is_string() || value.is_array())
        );
        let qimen = text(order, Dialect::Qimen, BOTH);
        assert!(qimen.contains(&format!("\"stockout_id\":{},", order.stockout_id)));
        assert!(qimen.contains(".0000,"));
    }
}

#[test]
fn orders_are_as_varied_as_promised() {
    let orders = orders();
    let lines = |count: usize| orders.iter().any(|order| order.lines.len() == count);
    assert!((1..=6).all(lines));
    assert!(orders.iter().any(|order| order.tids.len() > 1));
    assert!(orders.iter().any(|order| order.stockout_id > 1 << 53));
    assert!(
        orders
            .iter()
            .flat_map(|order| &order.lines)
            .any(|line| line.gift && line.price == 0)
    );
    let twice = |order: &Order| {
        let specs: HashSet<usize> = order.lines.iter().map(|line| line.spec).collect();
        specs.len() < order.lines.len()
    };
    assert!(orders.iter().any(twice));
    let numbers: HashSet<&str> = orders
        .iter()
        .map(|order| order.stockout_no.as_str())
        .collect();
    assert_eq!(numbers.len(), orders.len());
}

#[test]
fn an_order_is_about_five_kilobytes() {
    let orders = orders();
    let lists = Lists {
        details_list: true,
        batch_details: false,
    };
    let total: usize = orders
        .iter()
        .map(|order| text(order, Dialect::Direct, lists).len())
        .sum();
    let average = total / orders.len();
    assert!((4_500..6_000).contains(&average), "{average} bytes");
}
