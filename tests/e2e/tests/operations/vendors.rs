//! What the questions have to know of each vendor.

use duijie_e2e::{End, Vendor, WAIQIN365, orders};
use duijie_sim::{Clock, Config, Simulators, china_text};

pub(crate) const ALL: [Vendor; 3] = [
    Vendor {
        name: "wangdiantong",
        system: Simulators::wangdiantong_system,
        source: |collection, page| match collection {
            // Read whole.
            "logistics" | "purchase_provider_query" | "shop" | "warehouse_query" => sized(page),
            _ => timed(collection, page),
        },
        target: nothing,
        call: by_name,
        secret: "WDT_APPSECRET",
    },
    WAIQIN365,
    Vendor {
        name: "kingdee",
        system: Simulators::kingdee_system,
        source: |collection, page| match collection {
            // Read whole.
            "STK_Inventory" => sized(page),
            _ => timed(collection, page),
        },
        target: nothing,
        call: |_, end| match end {
            End::Source { .. } => "ExecuteBillQuery".to_owned(),
            End::Target => "BatchSave".to_owned(),
        },
        secret: "KINGDEE_APP_SECRET",
    },
];

/// A little of everything, in systems whose clocks are slow: what is added or changed while a run goes on lies
/// inside its windows.
pub(crate) fn config() -> Config {
    let mut config = orders(23, 41);
    config.clock = Clock::Behind(5);
    config
}

fn timed(_: &str, page: Option<u32>) -> Vec<String> {
    // Base data is older than orders.
    let start = china_text(config().clock.now() - 40 * 86_400);
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
