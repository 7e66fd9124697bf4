//! The collections of Wangdiantong as a table. Limits, list names and time
//! semantics are those of the vendor's documents for 企业版 and of clients
//! that run against it; adding a query means adding a row.

use duijie_sdk::{Collection as Described, Title};

/// One query of the vendor.
pub(crate) struct Collection {
    /// As openapi2 names it, and the manifest.
    pub(crate) name: &'static str,
    /// As the gateway names it.
    pub(crate) method: &'static str,
    pub(crate) title: (&'static str, &'static str),
    /// Name of the list of records in an answer.
    pub(crate) list: &'static str,
    /// The fields that identify a document.
    pub(crate) key: &'static [&'static str],
    /// Grows with every change, as `yyyy-MM-dd HH:mm:ss`.
    pub(crate) version: &'static str,
    pub(crate) max_page_size: u32,
    pub(crate) max_window_s: i64,
    pub(crate) time: Time,
    pub(crate) overlap: &'static str,
    /// Settings that may narrow it.
    pub(crate) filters: &'static [&'static str],
}

/// What a window's bounds are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    Modified,
    /// `consign_time` when no status is asked for or one from 95 (shipped)
    /// on; `modified` below, and with `is_by_modified`.
    ConsignOrModified,
}

const DAY_S: i64 = 86_400;

pub(crate) const COLLECTIONS: [Collection; 5] = [
    Collection {
        name: "stockout_order_query_trade",
        method: "wdt.stockout.order.query.trade",
        title: ("Sales stock-outs", "销售出库单"),
        list: "stockout_list",
        key: &["stockout_id"],
        version: "modified",
        max_page_size: 100,
        max_window_s: 30 * DAY_S,
        time: Time::ConsignOrModified,
        overlap: "10m",
        filters: &[
            "status",
            "is_by_modified",
            "shop_no",
            "warehouse_no",
            "stockout_no",
            "src_order_no",
            "src_tid",
        ],
    },
    Collection {
        name: "trade_query",
        method: "wdt.trade.query",
        title: ("Orders", "系统订单"),
        list: "trades",
        key: &["trade_id"],
        version: "modified",
        max_page_size: 100,
        max_window_s: 3600,
        time: Time::Modified,
        overlap: "10m",
        filters: &["status", "shop_no", "warehouse_no", "src_tid"],
    },
    Collection {
        name: "goods_query",
        method: "wdt.goods.query",
        title: ("Goods", "货品档案"),
        list: "goods_list",
        key: &["goods_no"],
        version: "modified",
        max_page_size: 100,
        max_window_s: 30 * DAY_S,
        time: Time::Modified,
        overlap: "10m",
        filters: &[],
    },
    Collection {
        name: "stock_query",
        method: "wdt.stock.query",
        title: ("Stock", "库存"),
        list: "stocks",
        key: &["warehouse_no", "spec_no"],
        version: "modified",
        max_page_size: 100,
        max_window_s: 30 * DAY_S,
        time: Time::Modified,
        overlap: "10m",
        filters: &["warehouse_no"],
    },
    Collection {
        name: "refund_query",
        method: "wdt.refund.query",
        title: ("Refunds", "退换单"),
        list: "refunds",
        key: &["refund_no"],
        version: "modified",
        max_page_size: 40,
        max_window_s: 30 * DAY_S,
        time: Time::Modified,
        overlap: "10m",
        filters: &["status", "shop_no", "src_tid"],
    },
];

impl Collection {
    pub(crate) fn by_name(name: &str) -> Option<&'static Collection> {
        COLLECTIONS
            .iter()
            .find(|collection| collection.name == name)
    }

    pub(crate) fn described(&self) -> Described {
        let (en, zh) = self.title;
        Described {
            max_records: self.max_page_size,
            ..Described::source(self.name, Title::new(en, zh), self.key)
        }
    }
}
