//! Orders as JSON documents: every header field of the stock-out answer. The lines are in `lines`.
//! Field names are the vendor's; values are invented but typical, with quotes, `&`, `+` and escapes in texts.

use super::Order;
use super::catalogue::{shop, warehouse};
use super::lines::{batch, batches, detail};
use crate::clock::china_text;
use crate::config::Dialect;
use crate::random::Random;
use crate::writer::Writer;

/// Which lists a stock-out carries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lists {
    pub(crate) details_list: bool,
    pub(crate) batch_details: bool,
}

const EMPTY_TIME: &str = "0000-00-00 00:00:00";
const NAMES: [&str; 6] = [
    "张三",
    "李四 ",
    "欧阳修远",
    "O'Neil 王",
    "阿卜杜拉·买买提",
    "陈\"小\"明",
];
const REMARKS: [&str; 8] = [
    "",
    "",
    "请发顺丰&尽快",
    "发最好&&&的+",
    "客户说：\"别压坏\"",
    "路径 C:\\订单\\2025",
    "第一行\n第二行\t制表",
    "<b>加急</b> 100% 'ok' /斜杠",
];
const AREAS: [(&str, u64, u64, u64); 4] = [
    ("北京 北京市 海淀区", 110_000, 110_100, 110_108),
    ("浙江省 杭州市 余杭区", 330_000, 330_100, 330_110),
    ("广东省 深圳市 南山区", 440_000, 440_300, 440_305),
    (
        "新疆维吾尔自治区 乌鲁木齐市 天山区",
        650_000,
        650_100,
        650_102,
    ),
];
const STREETS: [&str; 4] = [
    "中关村大街",
    "文一西路",
    "科技园南路\"创业\"大厦",
    "人民路&解放路口",
];
const CARRIERS: [(&str, &str, u64); 3] = [
    ("YT", "圆通速递", 3),
    ("SF", "顺丰速运", 8),
    ("ZTO", "中通快递", 5),
];

/// One element of `stockout_list`.
pub(crate) fn stockout(order: &Order, dialect: Dialect, lists: Lists) -> Vec<u8> {
    let mut random = Random::new(order.seed ^ 0x5EED);
    let mut writer = Writer::new(dialect);
    writer.object(|writer| {
        numbers_and_names(writer, order);
        states(writer, order, &mut random);
        times(writer, order, &mut random);
        amounts(writer, order, &mut random);
        receiver(writer, order, &mut random);
        carrier(writer, order, &mut random);
        people(writer, &mut random);
        rest(writer, order, &mut random);
        if lists.details_list {
            writer.list("details_list", &order.lines, |writer, line| {
                detail(writer, order, line)
            });
        }
        if lists.batch_details {
            writer.list("batch_details", &batches(order), batch);
        }
    });
    writer.finish()
}

fn numbers_and_names(writer: &mut Writer, order: &Order) {
    let (shop_no, shop_name) = shop(order.shop);
    let (warehouse_no, warehouse_name) = warehouse(order.warehouse);
    let tids = order.tids.join(",");
    writer.integer("stockout_id", order.stockout_id);
    writer.texts(&[
        ("order_no", &order.stockout_no),
        ("stockout_no", &order.stockout_no),
        ("src_order_no", &order.trade_no),
        ("trade_no", &order.trade_no),
        ("src_trade_no", &tids),
        ("src_tids", &tids),
        ("outer_no", ""),
        ("warehouse_no", warehouse_no),
        ("warehouse_name", warehouse_name),
        ("shop_no", shop_no),
        ("shop_name", shop_name),
        ("shop_remark", ""),
        ("customer_no", &format!("KH{:08}", order.index % 5_000)),
        ("order_type_name", "销售出库"),
    ]);
    writer.integers(&[
        ("trade_id", 2_099_000 + order.index),
        ("shop_id", 10 + order.shop as u64),
        ("warehouse_id", 1 + order.warehouse as u64),
        ("warehouse_type", 1),
        ("customer_id", 700_000 + order.index % 5_000),
        (
            "platform_id",
            if order.shop == 0 {
                127
            } else {
                order.shop as u64
            },
        ),
    ]);
}

fn states(writer: &mut Writer, order: &Order, random: &mut Random) {
    writer.integers(&[
        ("order_type", 1),
        ("subtype", 1),
        ("custom_type", 0),
        ("src_order_type", 1),
        ("trade_type", 1),
        ("trade_status", u64::from(order.status)),
        ("status", u64::from(order.status)),
        (
            "consign_status",
            if order.consign.is_some() { 15 } else { 0 },
        ),
        ("wms_status", 0),
        ("refund_status", random.below(3)),
        ("block_reason", 0),
        ("bad_reason", 0),
        ("freeze_reason", 0),
        ("is_allocated", 1),
        ("ebill_status", 2),
        ("delivery_term", 1),
        ("fenxiao_type", 0),
        ("id_card_type", 0),
        ("operator_id", 1 + random.below(40)),
    ]);
    writer.texts(&[("error_info", ""), ("stockout_reason", "")]);
}

fn times(writer: &mut Writer, order: &Order, random: &mut Random) {
    let trade = order.created - 60 - i64::try_from(random.below(4_000)).unwrap_or(0);
    let consign = order
        .consign
        .map_or_else(|| EMPTY_TIME.to_owned(), china_text);
    writer.texts(&[
        ("consign_time", &consign),
        ("trade_time", &china_text(trade)),
        ("pay_time", &china_text(trade + 9)),
        ("created", &china_text(order.created)),
        ("modified", &china_text(order.modified)),
        ("stock_check_time", &consign),
        ("to_deliver_time", ""),
        ("pre_charge_time", ""),
    ]);
}

fn amounts(writer: &mut Writer, order: &Order, random: &mut Random) {
    let amount = order.amount();
    let postage = i64::try_from(random.below(4)).unwrap_or(0) * 50_000;
    writer.decimals(&[
        ("goods_count", order.count()),
        ("goods_total_amount", amount),
        ("goods_total_cost", amount / 5 * 2),
        ("receivable", amount + postage),
        ("paid", amount + postage),
        ("cod_amount", 0),
        ("discount", 0),
        ("post_amount", postage),
        ("post_fee", 36_000),
        ("package_fee", 5_000),
        ("tax", 0),
        ("tax_rate", 1_300),
        (
            "weight",
            2_500 * i64::try_from(order.lines.len()).unwrap_or(1),
        ),
    ]);
    writer.integer("goods_type_count", order.lines.len() as u64);
    writer.text("currency", "CNY");
}

fn receiver(writer: &mut Writer, order: &Order, random: &mut Random) {
    let at = usize::try_from(random.below(AREAS.len() as u64)).unwrap_or(0);
    let (area, province, city, district) = AREAS.get(at).copied().unwrap_or(("", 0, 0, 0));
    let name = random.pick(&NAMES);
    let street = random.pick(&STREETS);
    let (house, block, room) = (random.below(300), random.below(20), random.below(3_000));
    let nick = random.pick(&["happy", "晴天", "a&b"]);
    writer.texts(&[
        ("receiver_name", name),
        ("customer_name", name),
        ("nick_name", &format!("买家_{nick}+{}", order.index % 977)),
        ("receiver_area", area),
        (
            "receiver_address",
            &format!("{area} {street}{house}号{block}栋{room}室"),
        ),
        (
            "receiver_mobile",
            &format!("1380013{:04}", random.below(10_000)),
        ),
        ("receiver_telno", ""),
        ("receiver_zip", "000000"),
        (
            "receiver_dtb",
            &format!("{}-{}", random.below(900), random.below(90)),
        ),
        ("receiver_ring", ""),
    ]);
    writer.integers(&[
        ("receiver_country", 0),
        ("receiver_province", province),
        ("receiver_city", city),
        ("receiver_district", district),
    ]);
}

fn carrier(writer: &mut Writer, order: &Order, random: &mut Random) {
    let at = usize::try_from(random.below(CARRIERS.len() as u64)).unwrap_or(0);
    let (code, name, kind) = CARRIERS.get(at).copied().unwrap_or(("", "", 0));
    writer.texts(&[
        ("logistics_code", code),
        ("logistics_name", name),
        (
            "logistics_no",
            &format!("{code}{:013}", 7_700_000_000_000 + order.index),
        ),
    ]);
    writer.integer("logistics_type", kind);
}

fn people(writer: &mut Writer, random: &mut Random) {
    let pairs = [
        ("salesman_no", "salesman_name"),
        ("packager_no", "packager_name"),
        ("picker_no", "picker_name"),
        ("printer_no", "printer_name"),
        ("examiner_no", "examiner_name"),
    ];
    for (number, name) in pairs {
        writer.text(number, &format!("YG{:04}", random.below(90)));
        writer.text(name, random.pick(&NAMES));
    }
    let name = random.pick(&NAMES);
    writer.texts(&[
        ("fullname", name),
        ("checker_name", "系统"),
        ("employee_no", "system"),
        ("operator_name", "系统"),
    ]);
}

fn rest(writer: &mut Writer, order: &Order, random: &mut Random) {
    writer.integers(&[("invoice_type", 0), ("invoice_id", 0)]);
    writer.texts(&[
        ("invoice_title", ""),
        ("invoice_content", ""),
        ("buyer_message", random.pick(&REMARKS)),
        ("cs_remark", random.pick(&REMARKS)),
        ("remark", random.pick(&REMARKS)),
        ("print_remark", random.pick(&REMARKS)),
        ("flag_name", random.pick(&["", "红旗", "VIP&急"])),
        ("fenxiao_nick", ""),
        (
            "md5_str",
            &format!("{:016x}{:016x}", order.seed, order.seed.rotate_left(17)),
        ),
    ]);
}

/// One element of `trades`: the sales order behind a stock-out, with the members a trade query is used for.
pub(crate) fn trade(order: &Order, dialect: Dialect) -> Vec<u8> {
    let mut random = Random::new(order.seed ^ 0x7AADE);
    let mut writer = Writer::new(dialect);
    writer.object(|writer| {
        numbers_and_names(writer, order);
        states(writer, order, &mut random);
        times(writer, order, &mut random);
        amounts(writer, order, &mut random);
        writer.list("goods_list", &order.lines, |writer, line| {
            detail(writer, order, line)
        });
    });
    writer.finish()
}
