//! What the questions have to know of each vendor, and of each way to it.

use duijie_e2e::{End, Trial, Vendor, WAIQIN365, orders};
use duijie_sim::{Clock, Config, Dialect, Simulators, china_text};
use std::time::Duration;

pub(crate) const ALL: [Vendor; 6] = [
    Vendor {
        name: "wangdiantong",
        dialect: Some(Dialect::Direct),
        system: Simulators::wangdiantong_system,
        source: enterprise,
        target: nothing,
        key: |_| None,
        call: by_name,
        secrets: &["WDT_SECRET"],
    },
    Vendor {
        name: "wangdiantong",
        dialect: Some(Dialect::Qimen),
        system: |simulators| simulators.wangdiantong_speaking(Dialect::Qimen),
        source: enterprise,
        target: nothing,
        key: |_| None,
        call: by_name,
        secrets: &["WDT_SECRET"],
    },
    Vendor {
        name: "wangdiantong",
        dialect: Some(Dialect::Flagship),
        system: |simulators| simulators.wangdiantong_speaking(Dialect::Flagship),
        source: flagship,
        target: nothing,
        key: flagship_key,
        call: by_name,
        secrets: &["WDT_SECRET"],
    },
    Vendor {
        name: "wangdiantong",
        dialect: Some(Dialect::FlagshipQimen),
        system: |simulators| simulators.wangdiantong_speaking(Dialect::FlagshipQimen),
        source: flagship,
        target: nothing,
        key: flagship_key,
        call: by_name,
        secrets: &["WDT_SECRET", "WDT_INNER_SECRET"],
    },
    WAIQIN365,
    Vendor {
        name: "kingdee",
        dialect: None,
        system: Simulators::kingdee_system,
        source: |collection, page| match collection {
            // Read whole.
            "STK_Inventory" => sized(page),
            _ => since(40 * 24, page),
        },
        target: nothing,
        key: |_| None,
        call: |_, end| match end {
            End::Source { .. } => "ExecuteBillQuery".to_owned(),
            End::Target => "BatchSave".to_owned(),
        },
        secrets: &["KINGDEE_APP_SECRET"],
    },
];

/// Rows that come again until each was acknowledged, and what acknowledges them.
pub(crate) const QUEUES: [(&str, &str); 2] = [
    ("logistics_sync_query", "logistics_sync_ack"),
    ("api_goods_stock_change_query", "api_goods_stock_change_ack"),
];

/// Its records say that those of another collection are to go.
const REVERTED: (&str, &str) = (
    "stockout_order_query_trade_cancel",
    "stockout_order_query_trade",
);

/// A little of everything, in systems whose clocks are slow: what is added or changed while a run goes on lies
/// inside its windows.
pub(crate) fn config() -> Config {
    let mut config = orders(23, 41);
    config.clock = Clock::Behind(5);
    // Some windows are an hour long at most.
    config.period = Duration::from_secs(6 * 3_600);
    config
}

/// Hours before now that the oldest order lies behind.
const ORDERS: i64 = 9;
/// Base data is older than orders.
const BASE: i64 = 40 * 24;

fn enterprise(collection: &str, page: Option<u32>) -> Vec<String> {
    match collection {
        "trade_query" => since(ORDERS, page),
        _ => other(collection, page),
    }
}

fn flagship(collection: &str, page: Option<u32>) -> Vec<String> {
    match collection {
        "trade_query"
        | "stockin_order_query"
        | "stockout_order_query"
        | "stockout_order_query_trade"
        | "stockout_order_query_trade_cancel"
        | "his_stockout_order_query_trade" => since(ORDERS, page),
        _ => other(collection, page),
    }
}

/// Of two documents 旗舰版 names the number otherwise than 企业版, after which the collection is called.
fn flagship_key(collection: &str) -> Option<&'static str> {
    match collection {
        "purchase_order_push" => Some("purchase_no"),
        "stockin_refund_push" => Some("out_stockin_no"),
        _ => None,
    }
}

fn other(collection: &str, page: Option<u32>) -> Vec<String> {
    match collection {
        // Read whole.
        "logistics" | "purchase_provider_query" | "shop" | "warehouse_query" => sized(page),
        "logistics_sync_query" | "api_goods_stock_change_query" => sized(page),
        _ => since(BASE, page),
    }
}

fn since(hours: i64, page: Option<u32>) -> Vec<String> {
    let start = china_text(config().clock.now() - hours * 3_600);
    let mut lines = vec![format!("start_time: {start}"), "settle: 0s".to_owned()];
    lines.extend(sized(page));
    lines
}

fn sized(page: Option<u32>) -> Vec<String> {
    page.iter()
        .map(|page| format!("page_size: {page}"))
        .collect()
}

fn nothing(_: &str) -> Vec<String> {
    Vec::new()
}

fn by_name(collection: &str, _: End) -> String {
    collection.to_owned()
}

/// Names of what can be read and what can be written.
pub(crate) fn collections(vendor: Vendor) -> (Vec<String>, Vec<String>) {
    let simulators = Simulators::start_blocking(config()).unwrap();
    let system = (vendor.system)(&simulators);
    (system.sources(), system.targets())
}

/// A system that holds something to be read.
pub(crate) fn reading(vendor: Vendor, collection: &str, page: Option<u32>) -> Trial {
    let end = End::Source { page };
    if collection == REVERTED.0 {
        let mut trial = Trial::new(vendor, REVERTED.1, end, config());
        trial.run().expect(0);
        assert_eq!(trial.arrived(), trial.truth());
        trial.turn_to(collection);
        // A run within the same second has nothing to ask for.
        trial.command(&["checkpoints", "reset", "trial"]).expect(0);
        trial.system().add_rows(collection, 12);
        return trial;
    }
    let trial = Trial::new(vendor, collection, end, config());
    if trial.system().rows(collection).is_empty() {
        trial.system().add_rows(collection, 12);
    }
    trial
}

/// Dialect A stands for the others where one question has many cases.
pub(crate) fn is_first(vendor: Vendor) -> bool {
    matches!(vendor.dialect, None | Some(Dialect::Direct))
}
