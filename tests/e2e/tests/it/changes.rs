//! Orders that change after they were written: what each `on_change` does about them.

use duijie_e2e::{Project, arrived_bill, check_same, expected, orders};
use duijie_sim::{Document, OrderChange};
use serde_json::Value;

const ORDERS: usize = 12;

/// All orders are written, and the next run sees changes by their time of change.
fn written(on_change: &str) -> Project {
    let mut config = orders(ORDERS, 21);
    config.lines = 2..=4;
    let project = Project::new(config).changed(|manifest| {
        manifest
            .with_on_change(on_change)
            .with_source_setting("is_by_modified: true")
    });
    assert_eq!(project.run().expect(0).data()["applied"], ORDERS);
    project
}

/// Time passes, and in it the order changes.
fn change(project: &mut Project, stockout_no: &str, change: OrderChange) {
    let (at, _) = project.ten_minutes_pass();
    change_at(project, stockout_no, change, at);
}

fn change_at(project: &Project, stockout_no: &str, change: OrderChange, at: i64) {
    let change = OrderChange {
        stockout_no: stockout_no.to_owned(),
        at: Some(at),
        ..change
    };
    assert!(project.simulators.change_order(&change));
}

fn more_pieces() -> OrderChange {
    OrderChange {
        more_pieces: true,
        ..OrderChange::default()
    }
}

fn document(project: &Project, number: &str) -> Document {
    let documents = project.simulators.documents();
    let found = documents
        .into_iter()
        .find(|document| document.bill_no == number);
    found.unwrap()
}

fn order(project: &Project, number: &str) -> Value {
    let orders = project.simulators.orders();
    let found = orders.into_iter().find(|order| order["order_no"] == number);
    found.unwrap()
}

fn check_untouched(project: &Project, before: &Document) {
    let after = document(project, &before.bill_no);
    assert_eq!((after.saves, &after.json), (before.saves, &before.json));
}

#[test]
fn a_changed_order_is_held_and_told() {
    let mut project = written("hold");
    let number = project.shipped().swap_remove(0);
    let before = document(&project, &number);
    let saves = project.count("kingdee.BatchSave");
    change(&mut project, &number, more_pieces());

    let ended = project.command(&["run", "stockouts"]).expect(0);
    ended.says(&[
        "1 held",
        &format!("({number})"),
        "changed at the source after it was applied",
    ]);
    check_untouched(&project, &before);
    assert_eq!(project.count("kingdee.BatchSave"), saves);

    // The overlap shows it again, and it is still the same.
    project.ten_minutes_pass();
    let report = project.run().expect(0).data();
    assert_eq!(
        (&report["held"], &report["applied"]),
        (&0.into(), &0.into())
    );
    check_untouched(&project, &before);
}

#[test]
fn a_changed_order_is_ignored_where_the_manifest_says_so() {
    let mut project = written("ignore");
    let number = project.shipped().swap_remove(0);
    let before = document(&project, &number);
    let saves = project.count("kingdee.BatchSave");
    change(&mut project, &number, more_pieces());

    let report = project.run().expect(0).data();
    assert_eq!(
        (&report["held"], &report["applied"]),
        (&0.into(), &0.into())
    );
    check_untouched(&project, &before);
    assert_eq!(project.count("kingdee.BatchSave"), saves);
}

#[test]
fn a_changed_order_changes_its_bill_by_the_same_ids() {
    let mut project = written("update");
    let numbers = project.shipped();
    let [more, fewer, longer] = [&numbers[0], &numbers[1], &numbers[2]];
    let (at, _) = project.ten_minutes_pass();
    let before = [more, fewer, longer].map(|number| document(&project, number));
    change_at(&project, more, more_pieces(), at);
    let drop_line = OrderChange {
        drop_line: true,
        ..OrderChange::default()
    };
    change_at(&project, fewer, drop_line, at);
    let add_line = OrderChange {
        add_line: true,
        ..OrderChange::default()
    };
    change_at(&project, longer, add_line, at);

    assert_eq!(project.run().expect(0).data()["applied"], 3);
    assert_eq!(project.simulators.document_count(), ORDERS);
    let ids = before.each_ref().map(|before| {
        let after = document(&project, &before.bill_no);
        assert_eq!((after.fid, after.saves), (before.fid, 2));
        let (bill, ids) = arrived_bill(&after);
        check_same(&bill, &expected(&order(&project, &before.bill_no)));
        (arrived_bill(before).1, ids)
    });
    let [(was, is), (was_fewer, is_fewer), (was_longer, is_longer)] = ids;
    assert_eq!(was, is);
    assert_eq!(was_fewer[..was_fewer.len() - 1], is_fewer);
    let (new, kept) = is_longer.split_last().unwrap();
    assert_eq!(kept, was_longer);
    assert!(!was_longer.contains(new));

    project.ten_minutes_pass();
    assert_eq!(project.run().expect(0).data()["applied"], 0);
}

#[test]
fn an_audited_bill_is_held_where_others_are_updated() {
    let mut project = written("update");
    let numbers = project.shipped();
    let [audited, open] = [&numbers[0], &numbers[1]];
    assert!(project.simulators.audit(audited));
    let before = document(&project, audited);
    let (at, _) = project.ten_minutes_pass();
    change_at(&project, audited, more_pieces(), at);
    change_at(&project, open, more_pieces(), at);

    let ended = project.command(&["run", "stockouts"]).expect(0);
    ended.says(&["1 held", &format!("({audited})"), "1 applied"]);
    check_untouched(&project, &before);
    let (bill, _) = arrived_bill(&document(&project, open));
    check_same(&bill, &expected(&order(&project, open)));
}
