//! Documents that wait for a person, and what a person may decide about them.

use duijie_e2e::{Project, arrived_bill, check_same, expected, orders};
use duijie_sim::{Document, OrderChange};
use serde_json::Value;

const ORDERS: usize = 12;

/// All orders are written, one changed, and that change is held.
fn held(seed: u64) -> (Project, Document) {
    let mut project = Project::new(orders(ORDERS, seed))
        .changed(|manifest| manifest.with_source_setting("is_by_modified: true"));
    assert_eq!(project.run().expect(0).data()["applied"], ORDERS);
    let number = project.shipped().swap_remove(3);
    let before = document(&project, &number);
    let (at, _) = project.ten_minutes_pass();
    assert!(project.simulators.change_order(&OrderChange {
        stockout_no: number,
        at: Some(at),
        more_pieces: true,
        ..OrderChange::default()
    }));
    assert_eq!(project.run().expect(0).data()["held"], 1);
    (project, before)
}

fn document(project: &Project, number: &str) -> Document {
    let documents = project.simulators.documents();
    let mut documents = documents.into_iter();
    documents.find(|one| one.bill_no == number).unwrap()
}

fn holds(project: &Project) -> Vec<Value> {
    let listed = project.command(&["holds", "list", "--json"]).expect(0);
    listed.data()["holds"].as_array().unwrap().clone()
}

fn state(project: &Project, number: &str) -> Value {
    let traced = project.command(&["trace", number, "--json"]).expect(0);
    traced.data()["found"][0]["documents"][0]["state"].take()
}

/// Resolves without a send: nothing changes in the target, now and with the next run.
fn resolved_without_a_send(project: &mut Project, before: &Document, way: &[&str]) {
    let saves = project.count("kingdee.BatchSave");
    let resolve = [&["holds", "resolve", &before.bill_no], way].concat();
    project.command(&resolve).expect(0).says(&[&before.bill_no]);
    assert_eq!(holds(project), [Value::Null; 0]);
    project.ten_minutes_pass();
    let report = project.run().expect(0).data();
    assert_eq!(
        (&report["held"], &report["applied"]),
        (&0.into(), &0.into())
    );
    assert_eq!(project.count("kingdee.BatchSave"), saves);
    assert_eq!(document(project, &before.bill_no).json, before.json);
}

#[test]
fn a_held_change_is_shown_and_sent_when_a_person_says_so() {
    let (project, before) = held(111);
    let [hold] = <[Value; 1]>::try_from(holds(&project)).unwrap();
    assert_eq!(hold["target_key"], *before.bill_no);
    assert_eq!(
        (&hold["code"], &hold["action"]),
        (&"change".into(), &"update".into())
    );
    assert_eq!(state(&project, &before.bill_no), "held");
    let shown = project
        .command(&["holds", "show", &before.bill_no])
        .expect(0);
    shown.says(&["held document", "source record", "--send", "--keep"]);

    // It has to be said how.
    project
        .command(&["holds", "resolve", &before.bill_no])
        .expect(2);
    let resolve = ["holds", "resolve", &before.bill_no, "--send", "--json"];
    assert_eq!(project.command(&resolve).expect(0).data()["applied"], 1);
    let after = document(&project, &before.bill_no);
    assert_eq!((after.fid, after.saves), (before.fid, 2));
    let orders = project.simulators.orders();
    let order = orders
        .iter()
        .find(|order| order["order_no"] == *before.bill_no);
    check_same(&arrived_bill(&after).0, &expected(order.unwrap()));
    assert_eq!(project.simulators.document_count(), ORDERS);
    assert_eq!(holds(&project), [Value::Null; 0]);
    assert_eq!(state(&project, &before.bill_no), "applied");
}

#[test]
fn a_held_change_that_is_kept_back_stays_back() {
    let (mut project, before) = held(112);
    resolved_without_a_send(&mut project, &before, &["--keep"]);
    assert_eq!(state(&project, &before.bill_no), "applied");
}

#[test]
fn a_held_change_that_was_made_by_hand_counts_as_applied() {
    let (mut project, before) = held(113);
    let id = before.fid.to_string();
    resolved_without_a_send(&mut project, &before, &["--applied", "--id", &id]);
    let traced = project.command(&["trace", &before.bill_no]).expect(0);
    traced.says(&["decided by a person", &id]);
}

#[test]
fn a_held_change_goes_by_a_changed_manifest_when_decided_anew() {
    let (mut project, before) = held(114);
    project.change(|manifest| manifest.with_on_change("update"));
    let resolve = ["holds", "resolve", &before.bill_no, "--again", "--json"];
    assert_eq!(project.command(&resolve).expect(0).data()["applied"], 1);
    assert_eq!(document(&project, &before.bill_no).saves, 2);
    assert_eq!(holds(&project), [Value::Null; 0]);
}

#[test]
fn holds_are_decided_beside_a_running_pipeline_and_sent_only_without_it() {
    let (mut project, before) = held(115);
    project.change(|manifest| manifest.with("schedule: every 5m", "schedule: every 1h"));
    project.ten_minutes_pass();
    let pages = "wangdiantong.stockout_order_query_trade";
    let before_run = project.count(pages);
    let running = project.start(&["run", "stockouts", "--follow"]);
    // By then it has the folder: nobody else could take it first.
    project.wait_for_count(pages, before_run + 1);
    let ran = |project: &Project| {
        let runs = project.command(&["runs", "stockouts", "--json"]).expect(0);
        let runs = runs.data().as_array().unwrap().clone();
        runs.len() == 3 && runs[0]["state"] == "finished"
    };
    // Each question is a command of its own, so the run goes on in between.
    assert!((0..1_000).any(|_| ran(&project)));

    assert_eq!(holds(&project).len(), 1);
    let send = ["holds", "resolve", &before.bill_no, "--send"];
    project
        .command(&send)
        .expect(3)
        .says(&["stop the other one"]);
    let keep = ["holds", "resolve", &before.bill_no, "--keep"];
    project.command(&keep).expect(0);
    assert_eq!(holds(&project), [Value::Null; 0]);
    assert_eq!(state(&project, &before.bill_no), "applied");
    running.terminate();
    running.end().expect(143);
}
