//! The queries that the server knows, with the limits of each.

/// One query: a php page in dialect A, a method in dialect B.
#[derive(Debug)]
pub(crate) struct Collection {
    /// Name of the php page; the method is `wdt.` and the same words with dots.
    pub(crate) name: &'static str,
    pub(crate) list_key: &'static str,
    pub(crate) page_max: usize,
    /// Longest window in seconds; none where no times are asked for.
    pub(crate) window: Option<i64>,
    /// A window is in consign time unless the parameters say otherwise.
    pub(crate) by_consign: bool,
    /// Parameters that name documents and make the times unnecessary.
    pub(crate) documents: &'static [&'static str],
    /// Parameters that narrow the answer; comma lists where the name is a plural.
    pub(crate) filters: &'static [&'static str],
    /// States that `status` may name; empty for any number.
    pub(crate) states: &'static [u16],
}

const DAY: i64 = 86_400;

pub(crate) static COLLECTIONS: [Collection; 6] = [
    Collection {
        name: "stockout_order_query_trade",
        list_key: "stockout_list",
        page_max: 100,
        window: Some(30 * DAY),
        by_consign: true,
        documents: &["stockout_no", "src_order_no", "src_tid"],
        filters: &["shop_no", "shop_nos", "warehouse_no"],
        states: &[5, 55, 95, 105, 110, 113],
    },
    Collection {
        name: "trade_query",
        list_key: "trades",
        page_max: 100,
        window: Some(3600),
        by_consign: false,
        documents: &["trade_no", "src_tid"],
        filters: &["shop_no", "warehouse_no"],
        states: &[],
    },
    Collection {
        name: "goods_query",
        list_key: "goods_list",
        page_max: 100,
        window: Some(30 * DAY),
        by_consign: false,
        documents: &["goods_no", "spec_no"],
        filters: &[],
        states: &[],
    },
    Collection {
        name: "stock_query",
        list_key: "stocks",
        page_max: 100,
        window: Some(30 * DAY),
        by_consign: false,
        documents: &["spec_no", "barcode", "warehouse_no"],
        filters: &[],
        states: &[],
    },
    Collection {
        name: "refund_query",
        list_key: "refunds",
        page_max: 40,
        window: Some(30 * DAY),
        by_consign: false,
        documents: &["src_refund_no", "src_tid"],
        filters: &["shop_no"],
        states: &[],
    },
    Collection {
        name: "warehouse_query",
        list_key: "warehouses",
        page_max: 100,
        window: None,
        by_consign: false,
        documents: &[],
        filters: &["warehouse_no"],
        states: &[],
    },
];

/// The collection of `stockout_order_query_trade` (A) or `wdt.stockout.order.query.trade` (B).
pub(crate) fn named(name: &str) -> Option<&'static Collection> {
    COLLECTIONS
        .iter()
        .find(|collection| collection.name == name)
}

pub(crate) fn by_method(method: &str) -> Option<&'static Collection> {
    named(&method.strip_prefix("wdt.")?.replace('.', "_"))
}
