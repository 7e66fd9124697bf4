//! Stock-outs of one warehouse and day become one bill: each row in one of them, whatever happens in between.

use duijie_e2e::{Project, arrived_bill, orders};
use duijie_sim::{Config, OrderChange};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const GROUP: &str = "\
group:
  by: [warehouse_no, { field: consign_time, as: day }]
  close: { at_end: true, count: 7 }
  collect:
    first: [shop_no]
    sum: [post_amount]
    list: { name: details_list, from: details_list }
transform:
";

/// `late` is what becomes of late records.
fn grouped(project: Project, late: &str) -> Project {
    let group = GROUP.replace("  collect:", &format!("  late: {late}\n  collect:"));
    let number = r#"value: "{{warehouse_no}}-{{consign_time}}-{{group_part}}""#;
    project.changed(|manifest| {
        manifest
            .with("transform:\n", &group)
            .with(r#"value: "{{order_no}}""#, number)
            .with(r#"value: "{{stockout_no}}""#, r#"value: "{{post_amount}}""#)
            .with_portions(10)
    })
}

type Rows = BTreeMap<(String, String), Vec<String>>;

fn digits(value: &Value) -> String {
    value.as_str().unwrap().replace("number ", "")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Material, quantity and price of every row, by warehouse and day.
fn shipped(project: &Project) -> Rows {
    let mut rows = Rows::new();
    for order in project.simulators.orders() {
        let day = text(&order["consign_time"])[..10].to_owned();
        if day == "0000-00-00" {
            continue;
        }
        let group = rows.entry((text(&order["warehouse_no"]), day)).or_default();
        for line in order["details_list"].as_array().unwrap() {
            let values = ["spec_no", "goods_count", "sell_price"].map(|name| text(&line[name]));
            group.push(values.join(" "));
        }
    }
    rows.values_mut().for_each(|rows| rows.sort());
    rows
}

fn arrived(project: &Project) -> Rows {
    let mut rows = Rows::new();
    for document in project.simulators.documents() {
        assert_eq!(document.saves, 1, "{} was written again", document.bill_no);
        let bill = arrived_bill(&document).0;
        let day = text(&bill["FDate"])[..10].to_owned();
        let group = (text(&bill["FStockOrgId"]["FNumber"]), day);
        assert!(
            document
                .bill_no
                .starts_with(&format!("{}-{}-", group.0, group.1))
        );
        let group = rows.entry(group).or_default();
        for row in bill["FEntity"].as_array().unwrap() {
            let material = text(&row["FMaterialID"]["FNumber"]);
            let (count, price) = (digits(&row["FRealQty"]), digits(&row["FTaxPrice"]));
            group.push(format!("{material} {count} {price}"));
        }
    }
    rows.values_mut().for_each(|rows| rows.sort());
    rows
}

/// Every row of every stock-out arrived once, and nothing more is to be done.
#[track_caller]
fn check_arrived(project: &Project) {
    assert_eq!(arrived(project), shipped(project));
    let bills = project.simulators.document_count();
    let report = project.run().expect(0).data();
    assert_eq!(
        (&report["applied"], &report["held"]),
        (&0.into(), &0.into())
    );
    assert_eq!(project.simulators.document_count(), bills);
}

#[test]
fn stock_outs_of_a_warehouse_and_a_day_become_one_bill_of_seven_at_most() {
    let project = grouped(Project::new(orders(60, 71)), "hold");
    project.command(&["plan", "stockouts"]).expect(0).says(&[
        "by             warehouse_no, consign_time (day)",
        "closes         with 7 records, or at the end of a run",
        "create",
    ]);
    let report = project.run().expect(0).data();
    assert_eq!(report["read"], project.shipped().len());
    let bills = project.simulators.document_count();
    assert_eq!(report["applied"], bills);
    assert!(bills < project.shipped().len() / 2, "{bills} bills");
    check_arrived(&project);
}

#[test]
fn a_bill_is_found_by_any_of_its_stock_outs_and_the_sum_is_exact() {
    let project = grouped(Project::new(orders(30, 72)), "hold");
    project.run().expect(0);
    let orders = project.simulators.orders();
    let order = orders
        .iter()
        .find(|order| order["consign_time"] != "0000-00-00 00:00:00");
    let key = order.unwrap()["stockout_id"].to_string().replace('"', "");
    let traced = project.command(&["trace", &key, "--json"]).expect(0).data();
    let found = traced["found"].as_array().unwrap();
    assert_eq!(found[0]["documents"][0]["state"], "in a group");
    let group = &found[1];
    assert_eq!(group["documents"][0]["state"], "applied");
    let members = group["members"].as_array().unwrap();
    assert!(members.contains(&json!(key)), "{members:?}");
    let number = group["documents"][0]["target_key"].as_str().unwrap();
    project
        .command(&["trace", number])
        .expect(0)
        .says(&["made of", &key, "applied"]);
    project.command(&["trace", &key]).expect(0).says(&[&format!(
        "went with `{}`",
        group["source_key"].as_str().unwrap()
    )]);
    let hundredths = |amount: &str| amount.replace('.', "").parse::<u64>().unwrap();
    let is_member = |order: &&Value| {
        let key = order["stockout_id"].to_string().replace('"', "");
        members.contains(&json!(key))
    };
    let sum: u64 = (orders.iter().filter(is_member))
        .map(|order| hundredths(order["post_amount"].as_str().unwrap()))
        .sum();
    let documents = project.simulators.documents();
    let bill = documents.iter().find(|one| one.bill_no == number).unwrap();
    let told = text(&arrived_bill(bill).0["F_ora_Text_ckdh"]);
    assert_eq!(hundredths(&told), sum, "{told}");
    assert!(told.ends_with("0000") || told.contains('.'), "{told}");
}

fn later_change(project: &mut Project) -> String {
    let number = project.shipped().swap_remove(3);
    let (at, _) = project.ten_minutes_pass();
    assert!(project.simulators.change_order(&OrderChange {
        stockout_no: number.clone(),
        at: Some(at),
        more_pieces: true,
        ..OrderChange::default()
    }));
    number
}

#[test]
fn a_stock_out_that_changes_after_its_group_was_sent_waits_for_a_person() {
    let mut project = grouped(Project::new(orders(20, 73)), "next")
        .changed(|manifest| manifest.with_source_setting("is_by_modified: true"));
    project.run().expect(0);
    let bills = project.simulators.document_count();
    later_change(&mut project);
    assert_eq!(project.run().expect(0).data()["held"], 1);
    assert_eq!(project.simulators.document_count(), bills);
    let listed = project
        .command(&["holds", "list", "--json"])
        .expect(0)
        .data();
    let hold = &listed["holds"][0];
    assert_eq!(hold["code"], "late");
    let key = hold["source_key"].as_str().unwrap();
    project
        .command(&["holds", "show", key])
        .expect(0)
        .says(&["changed at the source after `group:", "--discard"]);
    project
        .command(&["holds", "resolve", key, "--discard"])
        .expect(0);
    let report = project.run().expect(0).data();
    assert_eq!(
        (&report["held"], &report["applied"]),
        (&0.into(), &0.into())
    );
}

/// Its commands can be killed at named points, and wait less for the target.
fn chaotic(config: Config) -> Project {
    let project = Project::chaotic(config);
    let project = project.changed(|manifest| {
        manifest.with(
            "  guarantee: unique-key",
            "  guarantee: unique-key\n  settle: 100ms",
        )
    });
    grouped(project, "hold")
}

#[test]
fn a_run_may_be_killed_at_any_point_while_a_group_waits_closes_and_is_sent() {
    let killed_at = |(seed, point): (u64, &str)| {
        let project = chaotic(orders(60, seed));
        let mut kills = 0;
        for nth in [1, 2, 1, 3, 5, 2, 8, 1] {
            let kill = ("DUIJIE_CHAOS_KILL", format!("{point}:{nth}"));
            let ended = project.start_with(&["run", "stockouts"], &[kill]).end();
            assert!(matches!(ended.code, 0 | 137), "{point}:{nth} {ended:?}");
            kills += u32::from(ended.code == 137);
        }
        // Few documents are sent, so that one kill may leave nothing to be sent.
        assert!(kills > 0, "{point}: no run was killed");
        project.run().expect(0);
        check_arrived(&project);
    };
    std::thread::scope(|scope| {
        for point in (81..).zip([
            "AfterClaim",
            "BeforeMembers",
            "AfterMembers",
            "BeforeGroupGoes",
            "BeforeMembersGo",
            "BeforeOutcome",
            "AfterOutcome",
            "BeforeIntent",
            "AfterIntent",
            "DuringSend",
            "AfterSend",
            "AfterCheckpoint",
            "AfterSync",
            "BeforeRunEnds",
        ]) {
            scope.spawn(move || killed_at(point));
        }
    });
}
