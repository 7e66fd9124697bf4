//! Orders that arrive: each once, each field as the table says. Faults and stops are told elsewhere.

use duijie_e2e::{Project, arrived_bill, check_exactly_once, check_same, expected_of, orders};
use duijie_sim::Dialect;
use serde_json::json;

#[test]
fn every_order_arrives_once_with_every_mapped_field_right() {
    let project = Project::new(orders(2_000, 11));
    let report = project.run().expect(0).data();
    assert_eq!(report["end"], "finished");
    assert_eq!(report["read"], 2_000);
    assert_eq!(report["applied"], 2_000);
    for other in ["unchanged", "dropped", "rejected", "held"] {
        assert_eq!(report[other], 0, "{other}");
    }
    assert_eq!(project.shipped().len(), 2_000);
    check_exactly_once(&project.simulators);
}

#[test]
fn a_second_run_writes_nothing_and_a_third_only_what_is_new() {
    let mut project = Project::new(orders(150, 12));
    project.run().expect(0);
    let written = project.count("kingdee.BatchSave");
    assert!(written > 0);

    project.ten_minutes_pass();
    let report = project.run().expect(0).data();
    assert_eq!(
        (&report["end"], &report["applied"]),
        (&json!("finished"), &json!(0))
    );
    assert_eq!(project.count("kingdee.BatchSave"), written);

    let (from, to) = project.ten_minutes_pass();
    let new = project.simulators.add_orders(7, from, to);
    let report = project.run().expect(0).data();
    assert_eq!(report["applied"], 7);
    assert_eq!(project.count("kingdee.BatchSave"), written + 1);
    let documents = project.simulators.documents();
    let mut last: Vec<_> = documents[150..].iter().map(|one| &one.bill_no).collect();
    last.sort();
    assert_eq!(last, new.iter().collect::<Vec<_>>());
    check_exactly_once(&project.simulators);
}

#[test]
fn what_was_written_is_not_written_again_after_the_checkpoint_is_reset() {
    let project = Project::new(orders(120, 13));
    project.run().expect(0);
    let written = project.count("kingdee.BatchSave");
    project
        .command(&["checkpoints", "reset", "stockouts"])
        .expect(0);
    let report = project.run().expect(0).data();
    assert_eq!(
        (&report["read"], &report["unchanged"]),
        (&json!(120), &json!(120))
    );
    assert_eq!(project.count("kingdee.BatchSave"), written);
    check_exactly_once(&project.simulators);
}

#[test]
fn the_list_of_rows_is_a_setting() {
    let mut config = orders(60, 14);
    config.batch_details = true;
    let project = Project::new(config).changed(|manifest| {
        manifest
            .with(
                "          from: details_list\n",
                "          from: batch_details\n        details_list: { from: details_list }\n",
            )
            .with(
                "          fields: { num: goods_count, product_date: production_date }\n",
                "",
            )
    });
    assert_eq!(project.run().expect(0).data()["applied"], 60);
    let orders = project.simulators.orders();
    let mut dates = 0;
    for document in project.simulators.documents() {
        let order = orders
            .iter()
            .find(|order| order["order_no"] == document.bill_no);
        check_same(
            &arrived_bill(&document).0,
            &expected_of(order.unwrap(), "batch_details"),
        );
        dates += document.json.matches("FProduceDate").count();
    }
    assert!(dates > 60, "only {dates} rows have a date of production");
}

#[test]
fn long_ids_and_decimals_keep_their_digits() {
    for dialect in [Dialect::Direct, Dialect::Qimen] {
        keeps_digits(dialect);
    }
}

fn keeps_digits(dialect: Dialect) {
    let auth = duijie_e2e::Auth::AppSecret;
    let project = Project::speaking(orders(100, 15), dialect, auth).changed(|manifest| {
        let first = "        - { field: FDate,";
        let more = "        - { field: F_ora_Id, type: string, value: \"{{stockout_id}}\" }\n        \
                    - { field: F_ora_Number, type: int, value: \"{{stockout_id}}\" }\n        \
                    - { field: F_ora_Amount, type: string, value: \"{{goods_total_amount}}\" }\n        \
                    - { field: F_ora_Decimal, type: float, value: \"{{goods_total_amount}}\" }\n";
        manifest.with(first, &format!("{more}{first}"))
    });
    assert_eq!(project.run().expect(0).data()["applied"], 100);
    let orders = project.simulators.orders();
    let mut long = 0;
    for document in project.simulators.documents() {
        let order = orders
            .iter()
            .find(|order| order["order_no"] == document.bill_no);
        let order = order.unwrap();
        let text = |name: &str| order[name].as_str().unwrap();
        let (bill, _) = arrived_bill(&document);
        assert_eq!(bill["F_ora_Id"], text("stockout_id"));
        assert_eq!(
            bill["F_ora_Number"],
            format!("number {}", text("stockout_id"))
        );
        assert_eq!(bill["F_ora_Amount"], text("goods_total_amount"));
        assert_eq!(
            bill["F_ora_Decimal"],
            format!("number {}", text("goods_total_amount"))
        );
        long += usize::from(text("stockout_id").len() == 19);
    }
    assert!(long > 0, "no order has an id of 19 digits");
}
