//! Each example whole: checked, planned, run, and run again.

use super::pipeline::{ALL, FILLER, applied, named};
use duijie_e2e::Examples;
use serde_json::json;

#[test]
fn every_example_is_played() {
    let mut played: Vec<String> = ALL.iter().map(|one| one.name.to_owned()).collect();
    played.push(FILLER.to_owned());
    played.sort();
    assert_eq!(played, Examples::names());
}

#[test]
fn the_project_passes_the_check_as_it_stands() {
    let (_, reads_tables) = named("wdt-kingdee-returns");
    let examples = reads_tables.start(10);
    examples.as_they_stand();
    let told = examples.command(&["check"]).expect(0);
    assert!(!told.stderr.contains("warning"), "{told:?}");
}

#[track_caller]
fn runs_whole(name: &str) {
    let (_, pipeline) = named(name);
    let examples = pipeline.start(11);
    examples.command(&["plan", name]).expect(0);
    assert_eq!(examples.count(&pipeline.operation()), 0);
    let expected = (pipeline.expected)(&examples.simulators).len() as u64;
    assert_eq!(applied(examples.run(name)), expected);
    pipeline.check(&examples, true);
}

macro_rules! whole {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            runs_whole($name);
        })*
    };
}

whole! {
    balances_of_dealers_are_shown_in_waiqin365: "kingdee-waiqin365-balances",
    outbound_bills_become_delivery_notes: "kingdee-waiqin365-shipments",
    materials_become_goods: "kingdee-wdt-materials",
    audited_purchase_orders_are_pushed: "kingdee-wdt-purchase-orders",
    direct_orders_become_sales_orders: "waiqin365-kingdee-orders",
    receipts_become_receipts: "waiqin365-kingdee-receipts",
    purchase_stockins_become_purchase_receipts: "wdt-kingdee-purchase-receipts",
    return_stockins_become_sales_returns: "wdt-kingdee-returns",
    stockouts_become_outbound_bills: "wdt-kingdee-stockouts",
    stock_sets_the_quotas_of_what_is_limited: "wdt-waiqin365-stock",
}

#[test]
fn a_shop_without_a_customer_waits_as_dead_letters_until_the_table_has_a_row() {
    let (_, pipeline) = named("wdt-kingdee-stockouts");
    let examples = pipeline.start(12);
    let row = "TB001: C-TM001, ";
    examples.change(pipeline.name, row, "");
    let all = (pipeline.expected)(&examples.simulators);
    let missing = |document: &&serde_json::Value| document[0][1] == "C-TM001";
    let without = all.values().filter(missing).count() as u64;
    assert!(without > 0 && without < all.len() as u64);
    assert_eq!(
        applied(examples.run(pipeline.name)),
        all.len() as u64 - without
    );
    let letters = examples.command(&["dead-letters", "list", "--json"]);
    let letters = letters.expect(0).data()["dead_letters"].clone();
    assert_eq!(letters.as_array().unwrap().len() as u64, without);
    assert_eq!(letters[0]["code"], "map.table");
    assert!(
        letters[0]["message"]
            .as_str()
            .unwrap()
            .contains("`TB001` is not in the value table `shop_customer`")
    );
    examples.change(
        pipeline.name,
        "shop_customer: # 店铺 -> 金蝶客户\n          rows: { ",
        &format!("shop_customer: # 店铺 -> 金蝶客户\n          rows: {{ {row}"),
    );
    let replayed = ["dead-letters", "replay", "--all", "--json"];
    examples.command(&replayed).expect(0);
    pipeline.check(&examples, true);
    let left = examples.command(&["dead-letters", "list", "--json"]);
    assert_eq!(left.expect(0).data()["dead_letters"], json!([]));
}
