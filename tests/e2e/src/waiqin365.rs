//! What a trial has to know of Waiqin365.

use crate::trial::{End, Vendor};
use duijie_sim::{Simulators, china_text};
use std::time::{SystemTime, UNIX_EPOCH};

pub const WAIQIN365: Vendor = Vendor {
    name: "waiqin365",
    dialect: None,
    system: Simulators::waiqin365_system,
    source,
    target: |_| Vec::new(),
    key: |_| None,
    call: |collection: &str, _: End| collection.to_owned(),
    secrets: &["WAIQIN365_APPKEY"],
};

/// From nine days ago on, which is a window of days and one without an end. Quotas know no time, stock is
/// read whole, and the size of its pages is the system's.
fn source(collection: &str, page: Option<u32>) -> Vec<String> {
    let mut lines = Vec::new();
    if !collection.starts_with("queryCmQuota") && collection != "queryStock" {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let start = i64::try_from(now.as_secs()).unwrap() - 9 * 86_400;
        lines.push(format!("start_time: {}", china_text(start)));
    }
    if collection != "queryStock" {
        lines.extend(page.map(|page| format!("page_size: {page}")));
    }
    lines
}
