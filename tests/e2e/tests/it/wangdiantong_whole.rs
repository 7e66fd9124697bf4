//! Wangdiantong whole: every query read in pages of 1, 7 and most with rows that come and change meanwhile,
//! every push made once, and bodies that break a rule named before anything is sent.

use duijie_e2e::{End, Trial, Vendor};
use duijie_sim::{Clock, Config, Simulators, System, china_text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// Read whole: they have no windows.
const WHOLE: [&str; 4] = [
    "shop",
    "warehouse_query",
    "logistics",
    "purchase_provider_query",
];

fn vendor() -> Vendor {
    Vendor {
        name: "wangdiantong",
        dialect: None,
        system: Simulators::wangdiantong_system,
        source: |collection, page| {
            let mut lines: Vec<String> = Vec::new();
            lines.extend(page.map(|page| format!("page_size: {page}")));
            if !WHOLE.contains(&collection) {
                // Goods and stock change over four days, and orders come an hour at a time.
                let ago = if collection == "trade_query" {
                    7_200
                } else {
                    5 * 86_400
                };
                let start = china_text(Clock::System.now() - ago);
                lines.push(format!("start_time: {start}"));
                lines.push("settle: 0s".to_owned());
            }
            lines
        },
        target: |_| Vec::new(),
        key: |_| None,
        call: |collection, _| collection.to_owned(),
        secrets: &["WDT_APPSECRET"],
    }
}

fn config() -> Config {
    let mut config = Config::new(25, 41);
    config.rows = 15;
    config.period = Duration::from_secs(3_000);
    config
}

fn names(of: fn(&dyn System) -> Vec<String>) -> Vec<String> {
    let simulators = Simulators::start_blocking(config()).unwrap();
    of(simulators.wangdiantong_system())
}

/// Reads one collection while rows come and change, and once more for what came after its windows.
fn read(collection: &str, page: u32) {
    let trial = Trial::new(
        vendor(),
        collection,
        End::Source { page: Some(page) },
        config(),
    );
    let running = trial.start("duijie", &["run", "trial", "--json"], &[]);
    let operation = format!("wangdiantong.{collection}");
    let asked = trial
        .simulators
        .wait_for_count(&operation, 1, Duration::from_secs(20));
    if !asked {
        panic!("{collection} was not asked for: {:?}", running.end());
    }
    let system = trial.system();
    let first = system.rows(collection).swap_remove(0);
    assert_eq!(system.add_rows(collection, 3).len(), 3, "{collection}");
    system.change_row(collection, &first.key);
    running.end().expect(0);
    // The next window opens when a second has passed; a run before that asks for nothing.
    let count = || trial.simulators.counts().get(&operation).copied();
    let before = count();
    while count() == before {
        trial.run().expect(0);
    }
    let truth: BTreeSet<String> = system
        .rows(collection)
        .into_iter()
        .map(|row| row.json)
        .collect();
    let documents = trial.plain.documents("documents");
    let arrived: BTreeSet<String> = documents.into_values().collect();
    let lost: Vec<_> = truth.difference(&arrived).take(2).collect();
    let strange: Vec<_> = arrived.difference(&truth).take(2).collect();
    assert!(
        lost.is_empty() && strange.is_empty(),
        "{collection} in pages of {page}: lost {lost:?}, strange {strange:?}"
    );
}

/// All collections in pages of so many, or of the most that each gives.
fn read_all(page: Option<u32>) {
    let apart = |name: &String| {
        // Shipments taken back and queues are tried where all operations are.
        let apart = [
            "stockout_order_query_trade_cancel",
            "logistics_sync_query",
            "api_goods_stock_change_query",
        ];
        !apart.contains(&name.as_str())
    };
    for collection in names(|system| system.sources()).into_iter().filter(apart) {
        let most = match collection.as_str() {
            "refund_query" => 40,
            _ => 100,
        };
        // Six hundred rows of stock one by one show nothing that others do not.
        if page != Some(1) || collection != "stock_query" {
            read(&collection, page.unwrap_or(most));
        }
    }
}

#[test]
fn every_query_gives_all_rows_in_pages_of_1() {
    read_all(Some(1));
}

#[test]
fn every_query_gives_all_rows_in_pages_of_7() {
    read_all(Some(7));
}

#[test]
fn every_query_gives_all_rows_in_the_largest_pages() {
    read_all(None);
}

#[test]
fn every_push_is_made_once_with_every_digit() {
    for collection in names(|system| system.targets()) {
        let trial = Trial::new(vendor(), &collection, End::Target, config());
        let samples: Vec<String> = (1..=7)
            .map(|n| trial.system().sample(&collection, n))
            .collect();
        for (n, sample) in samples.iter().enumerate() {
            trial
                .plain
                .offer("documents", &format!("{n}"), Some("1"), sample);
        }
        let report = trial.run().expect(0).data();
        assert_eq!(report["applied"], 7, "{collection}: {report}");
        assert_eq!(trial.run().expect(0).data()["applied"], 0);
        // The shop of platform orders is named by the call, not by its documents.
        let expected: BTreeSet<String> = samples
            .iter()
            .map(|sample| match collection.as_str() {
                "trade_push" => sample.replace(r#""shop_no":"FENXIAO004","#, ""),
                _ => sample.clone(),
            })
            .collect();
        let written = trial.system().written(&collection);
        assert_eq!(written.len(), 7, "{collection}");
        let written: BTreeSet<String> = written.into_iter().map(|row| row.json).collect();
        assert_eq!(written, expected, "{collection}");
    }
}

#[test]
fn a_body_that_breaks_a_rule_is_named_and_not_sent() {
    for collection in names(|system| system.targets()) {
        let trial = Trial::new(vendor(), &collection, End::Target, config());
        let broken = trial.system().broken(&collection);
        assert!(broken.len() > 2, "{collection}");
        for (n, body) in broken.iter().enumerate() {
            let key = format!("{n}");
            // Every document has a key of its own, so that none waits for another.
            let mut document: Value = serde_json::from_str(&body.json).unwrap();
            let field = match collection.as_str() {
                "trade_push" => "tid",
                "goods_push" => "goods_no",
                "sales_refund_push" => "refund_no",
                _ => "outer_no",
            };
            document[field] = format!("KEY-{n}").into();
            let json = document.to_string();
            trial.plain.offer("documents", &key, Some("1"), &json);
        }
        trial.run();
        let operation = format!("wangdiantong.{collection}");
        let counts = trial.simulators.counts();
        assert_eq!(counts.get(&operation), None, "{collection} was called");
        let letters = trial.command(&["dead-letters", "list", "--json"]);
        let letters = letters.expect(0).data()["dead_letters"].take();
        let told = letters.to_string();
        let found = letters.as_array().map_or(0, Vec::len);
        assert_eq!(found, broken.len(), "{collection}: {told}");
        for body in &broken {
            assert!(
                told.contains(&body.field),
                "{collection}: {} in {told}",
                body.field
            );
        }
    }
}

#[test]
fn a_lost_answer_is_looked_up_and_nothing_is_pushed_twice() {
    use duijie_sim::{FaultKind, FaultRule};
    for collection in ["stockin_order_push", "goods_push"] {
        let trial = Trial::new(vendor(), collection, End::Target, config());
        for n in 1..=3 {
            let sample = trial.system().sample(collection, n);
            trial
                .plain
                .offer("documents", &format!("{n}"), Some("1"), &sample);
        }
        let operation = format!("wangdiantong.{collection}");
        let rule = FaultRule::once(&operation, FaultKind::DropAfterApply);
        trial.simulators.add_fault(rule);
        let report: Value = trial.run().expect(0).data();
        assert_eq!(report["applied"], 3, "{collection}: {report}");
        let written = trial.system().written(collection);
        let keys: BTreeSet<_> = written.iter().map(|row| &row.key).collect();
        assert_eq!(keys.len(), 3);
        if collection == "stockin_order_push" {
            assert_eq!(written.len(), 3, "a document was pushed twice");
        }
    }
}
